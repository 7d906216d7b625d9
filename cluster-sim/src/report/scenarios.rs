//! Scenarios on a terminal, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Played, StageKind, verdict_word};
use crate::scenario::{Failure, Verdict, forms, golden, parse};

/// Width of the verdict on a terminal.
const VERDICT_COLUMNS: usize = 10;

/// For a terminal: the verdict on one line, below it what is wrong, and how the log differs.
#[must_use]
pub fn text(played: &Played) -> String {
    let report = &played.report;
    let word = match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::Unreadable => "UNREADABLE",
    };
    let has_golden = golden::split(&played.text).1.is_some();
    let about_log = match (played.stage, report.verdict, played.updated, has_golden) {
        (StageKind::Real, Verdict::Passed | Verdict::Failed, _, _) => " (with real processes)",
        (StageKind::Simulated, _, true, _) => " (its expected log was written)",
        (StageKind::Simulated, Verdict::Passed, false, false) => " (it has no expected log; --update writes one)",
        (StageKind::Simulated | StageKind::Real, Verdict::Passed | Verdict::Failed | Verdict::Unreadable, _, _) => "",
    };
    let mut text = format!("{word:<VERDICT_COLUMNS$} {}{about_log}\n", played.file);
    text.push_str(&failures(&report.failures));
    for line in report.difference.iter().flat_map(|d| d.lines()) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// What is wrong, a line each.
#[must_use]
pub fn failures(failures: &[Failure]) -> String {
    failures.iter().fold(String::new(), |mut text, failure| {
        let _ = writeln!(text, "    {failure}");
        text
    })
}

/// How many went how, in a sentence.
#[must_use]
pub fn summary(verdicts: &[Verdict]) -> String {
    let count = |wanted| verdicts.iter().filter(|v| **v == wanted).count();
    let unreadable = match count(Verdict::Unreadable) {
        0 => String::new(),
        number => format!(", {number} unreadable"),
    };
    format!("{} passed, {} failed{unreadable}\n", count(Verdict::Passed), count(Verdict::Failed))
}

/// One object on one line: file, stage, verdict, updated, story, failures, difference, log.
#[must_use]
pub fn json(played: &Played) -> String {
    let report = &played.report;
    let failures: Vec<Value> =
        report.failures.iter().map(|f| json!({ "line": f.line, "column": f.column, "text": f.text })).collect();
    let story = parse(golden::split(&played.text).0).map(|script| script.story).unwrap_or_default();
    let object = json!({
        "file": played.file,
        "stage": played.stage.word(),
        "verdict": verdict_word(report.verdict),
        "updated": played.updated,
        "story": story,
        "failures": failures,
        "difference": report.difference,
        "log": report.log,
    });
    format!("{object}\n")
}

/// Every form of a line, one below the other, for the help and for the guide.
#[must_use]
pub fn form_list() -> String {
    forms().fold(String::new(), |text, form| text + form + "\n")
}
