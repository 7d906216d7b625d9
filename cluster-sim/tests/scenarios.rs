//! Every scenario in `examples/scenarios` goes as it says, and its log is the one that stands below it.
//!
//! `UPDATE_EXPECT=1` writes the log that is into the file; `SCENARIO=name` runs those whose name contains it.

use std::fs;
use std::path::{Path, PathBuf};

use cluster_sim::scenario::{self, Verdict, golden};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios")
}

fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let entries = fs::read_dir(folder()).expect("the scenarios are part of the source");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("a readable folder").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "scenario") && f.to_string_lossy().contains(&wanted));
    files.sort();
    files
}

/// Plays one; returns what is wrong with it.
fn check(file: &Path, update: bool) -> Option<String> {
    let text = fs::read_to_string(file).expect("a readable file");
    let report = scenario::run(&text);
    if update && report.verdict != Verdict::Unreadable {
        let new = golden::rewritten(&text, &report.log);
        if new != text {
            fs::write(file, new).expect("the file can be written");
        }
    }
    let is_golden = golden::split(&text).1.is_some();
    let mut wrong: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    if update {
        wrong.retain(|w| !w.ends_with(": the log is not the expected one"));
    } else if !is_golden {
        wrong.push("it has no expected log; write it with UPDATE_EXPECT=1 and read it".to_owned());
    }
    if let Some(line) = report.log.iter().find(|line| line.contains("-4000-8000-")) {
        wrong.push(format!("an id stands in the log where a name should: {line}"));
    }
    if wrong.is_empty() {
        return None;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let difference = report.difference.filter(|_| !update).unwrap_or_default();
    Some(format!("{name}\n  {}\n{difference}", wrong.join("\n  ")))
}

#[test]
fn every_scenario_goes_as_it_says() {
    let update = std::env::var("UPDATE_EXPECT").is_ok_and(|v| v == "1");
    let files = files();
    let wrong: Vec<String> = files.iter().filter_map(|f| check(f, update)).collect();
    assert!(wrong.is_empty(), "{} of {} scenarios:\n\n{}", wrong.len(), files.len(), wrong.join("\n"));
    if std::env::var("SCENARIO").is_err() {
        assert!(files.len() >= 30, "only {} scenarios were found", files.len());
    }
}
