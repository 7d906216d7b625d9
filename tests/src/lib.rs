//! Integration tests of the whole system: real labs of real processes, driven as a user drives them.
//!
//! Each file in `tests/` is one situation. They share what is here:
//!
//! | module | what it is |
//! |---|---|
//! | `programs` | where the executables and libraries under test are, built when they are missing or old |
//! | `ground` | a folder of a test's own, and its turn: one test at a time has labs |
//! | `lab` | a lab as a process: start, use, end, and certainty that nothing of it is left |
//! | `rest` | the API, with waits that end |
//! | `processes` | what the system tells about processes: whose they are, what memory they take |
//! | `lone_monitor` | a monitor with a test in the place of its service |
//! | `visitor` | a client that asks the same web address again and again |
//! | `groups` | groups as the tests need them |
//! | `windows` | the Windows half: the monitor under Wine, and DLLs made for tests |
#![forbid(unsafe_code)]

pub mod c_calls;
pub mod ground;
pub mod groups;
pub mod lab;
pub mod library_stage;
pub mod lone_monitor;
pub mod processes;
pub mod programs;
pub mod rest;
pub mod visitor;
pub mod windows;

/// Prints a measured figure on a line of its own, past the test runner, which would hide it.
pub fn figure(text: &str) {
    use std::io::Write as _;
    // Nobody reading is no reason to fail.
    let _ = writeln!(std::io::stdout(), "\nfigure: {text}");
}

/// Says that something was not tested because a tool is missing. In CI that is a failure.
///
/// # Panics
/// When the variable CI is set.
pub fn missing(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "\nMISSING: {what}");
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "MISSING: {what}, which CI must have");
}

/// Whether timings are promised: only optimized code is held to them.
pub const IS_OPTIMIZED: bool = !cfg!(debug_assertions);
