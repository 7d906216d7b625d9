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
//! | `simulated`, `acts`, `rest`, `diary` | the stage that is a simulated world: what is done to it, when it is at rest, what is told of it |
//! | [`golden`] | the expected log |

mod acts;
mod diary;
pub mod golden;
mod parse;
mod rest;
pub mod script;
mod simulated;
mod stage;
mod words;

pub use parse::{SCRIPT_LINES, SCRIPT_NODES, WITHIN, forms, parse};
pub use simulated::Simulated;
pub use stage::{Stage, play};

/// A scenario file is not longer than this, in bytes.
pub const SCENARIO_BYTES: usize = 1 << 20;

/// Something in a scenario that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the scenario, from 1. Of the expected log: the line of the mark above it.
    pub line: usize,
    /// What is wrong, and what is true or was expected instead.
    pub text: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
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
    /// The log as it is, line by line; [`golden::rewritten`] puts it into the file.
    pub log: Vec<String>,
    /// What is not as it should be; empty when it passed.
    pub failures: Vec<Failure>,
    /// How the log differs from the expected one, `-` expected, `+` present; `None`: it does not, or there is none.
    pub difference: Option<String>,
}

/// Plays the text of a scenario file in the simulated world and compares the log, if the file has one. The same text
/// gives the same report on every machine. Called by the tests and by `cluster scenario run`.
#[must_use]
pub fn run(text: &str) -> Report {
    let unreadable = |failures| Report { verdict: Verdict::Unreadable, log: Vec::new(), failures, difference: None };
    if text.len() > SCENARIO_BYTES {
        let text = format!("a scenario file has at most {SCENARIO_BYTES} bytes");
        return unreadable(vec![Failure { line: 1, text }]);
    }
    let (script_text, expected) = golden::split(text);
    let script = match parse(script_text) {
        Ok(script) => script,
        Err(failures) => return unreadable(failures),
    };
    let mut stage = Simulated::default();
    let mut failures = play(&script, &mut stage);
    let log = stage.into_log();
    let difference = expected.and_then(|expected| golden::difference(&expected, &log));
    if difference.is_some() {
        let line = script_text.lines().count() + 1;
        failures.push(Failure { line, text: "the log is not the expected one".to_owned() });
    }
    let verdict = if failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
    Report { verdict, log, failures, difference }
}
