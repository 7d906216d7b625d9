//! Scenarios: documentation that runs.
//!
//! A scenario file tells a story about a cluster: what it is made of, what happens to it, what is expected. Below a line
//! `---` stands the log of it, line by line as a person would want to read it. [`run`] plays the story in the simulated
//! world, holds every expectation and every promise of [`invariants`](crate::invariants) against it, and compares the log.
//!
//! ```text
//! # The owner of a group dies; another node takes it over.
//! nodes 3
//! group Web on n1
//! resource App in Web
//! online Web
//! begin
//! kill n1
//! until Web is Online on n2 within 10s
//! expect event 1135
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`script`] | what a scenario says |
//! | `parse`, `words` | reading it |
//! | `stage` | playing it, on any [`Stage`] |
//! | `diary`, [`entry`], [`opening`] | what was told of it, and how things stood at the beginning |
//! | `simulated`, `acts`, `looks`, `rest` | the stage that is a simulated world: what is done to it, what is true in it, when it is at rest |
//! | [`golden`] | the expected log |

mod acts;
mod diary;
pub mod entry;
pub mod golden;
mod looks;
pub mod opening;
mod parse;
mod rest;
pub mod script;
mod simulated;
mod stage;
mod words;

pub use diary::Diary;
pub use looks::{told_votes, told_witness};
pub use parse::{SCRIPT_LINES, SCRIPT_NODES, WITHIN, forms, parse};
pub use simulated::Simulated;
pub use stage::{Stage, play};

use entry::Entry;
use opening::Opening;
use script::Script;

/// A scenario file is not longer than this, in bytes.
pub const SCENARIO_BYTES: usize = 1 << 20;

/// Something in a scenario that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the scenario, from 1. Of the expected log: the line of the mark above it.
    pub line: usize,
    /// Where in the line, from 1, when something there could not be understood.
    pub column: Option<usize>,
    /// What is wrong, and what is true or was expected instead.
    pub text: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.text),
            None => write!(f, "line {}: {}", self.line, self.text),
        }
    }
}

impl Failure {
    /// Of a whole line.
    #[must_use]
    pub fn at(line: usize, text: String) -> Failure {
        Failure { line, column: None, text }
    }
}

/// How a scenario went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything went as it says.
    Passed,
    /// Something went otherwise.
    Failed,
    /// The file cannot be understood; nothing was played.
    Unreadable,
}

/// What [`run`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it went.
    pub verdict: Verdict,
    /// How things stood when the story began; `None`: it did not.
    pub opening: Option<Opening>,
    /// What was done and told since then.
    pub entries: Vec<Entry>,
    /// The same, line by line; [`golden::rewritten`] puts it into the file.
    pub log: Vec<String>,
    /// What is not as it should be; empty when it passed.
    pub failures: Vec<Failure>,
    /// How the log differs from the expected one, `-` expected, `+` present; `None`: it does not, there is none, or it was
    /// not compared.
    pub difference: Option<String>,
}

impl Report {
    /// Of a file that cannot be read, understood or played.
    #[must_use]
    pub fn unreadable(failures: Vec<Failure>) -> Report {
        let (entries, log) = (Vec::new(), Vec::new());
        Report { verdict: Verdict::Unreadable, opening: None, entries, log, failures, difference: None }
    }

    /// Of a story that was played on a stage. What its log is compared with is another question.
    #[must_use]
    pub fn of(failures: Vec<Failure>, stage: &dyn Stage) -> Report {
        let entries = stage.entries().to_vec();
        let log = entries.iter().flat_map(Entry::lines).collect();
        let verdict = if failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Report { verdict, opening: stage.opening().cloned(), entries, log, failures, difference: None }
    }
}

/// Reads the script of a scenario file.
///
/// # Errors
/// Why it cannot be understood.
pub fn read(text: &str) -> Result<Script, Vec<Failure>> {
    if text.len() > SCENARIO_BYTES {
        return Err(vec![Failure::at(1, format!("a scenario file has at most {SCENARIO_BYTES} bytes"))]);
    }
    parse(golden::split(text).0)
}

/// Plays the text of a scenario file in the simulated world and compares the log, if the file has one. The same text
/// gives the same report on every machine. Called by the tests and by `cluster scenario run`.
#[must_use]
pub fn run(text: &str) -> Report {
    let script = match read(text) {
        Ok(script) => script,
        Err(failures) => return Report::unreadable(failures),
    };
    let mut stage = Simulated::default();
    let failures = play(&script, &mut stage);
    let mut report = Report::of(failures, &stage);
    let (script_text, expected) = golden::split(text);
    report.difference = expected.and_then(|expected| golden::difference(&expected, &report.log));
    if report.difference.is_some() {
        let line = script_text.lines().count() + 1;
        report.failures.push(Failure::at(line, "the log is not the expected one".to_owned()));
        report.verdict = Verdict::Failed;
    }
    report
}
