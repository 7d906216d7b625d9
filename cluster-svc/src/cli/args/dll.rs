//! `cluster dll`: libraries of resource types.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use resmon::protocol::GuardMode;

/// `cluster dll`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Dll {
    /// Looks at a library: exports, resource types, versions of the interface, what it needs and does not find
    ///
    /// The library is loaded, in a monitor that is thrown away. Exit code 0: it can be used; 1: it cannot.
    Inspect(Inspect),
    /// Tests whether a library keeps the rules of the Resource API
    ///
    /// Whole lives of resources in monitors of their own; nothing of a running cluster is touched. Exit code 0: it keeps
    /// them; 1: it does not; 2: it cannot be tested.
    Test(LibraryTest),
    /// What the libraries of the running cluster were found to do wrong
    Findings,
    /// How calls are treated that a library should not make: show, or set for a resource type
    Guard(Guarded),
}

/// `cluster dll inspect`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Inspect {
    /// The library
    pub file: PathBuf,
    /// A resource type that it should have; may be given many times [default: names found in the file]
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
}

/// `cluster dll test`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct LibraryTest {
    /// The library
    pub file: PathBuf,
    /// The resource type to test
    #[arg(long = "type", value_name = "TYPE")]
    pub resource_type: String,
    /// A private property of the resources, NAME=VALUE or NAME:TYPE=VALUE; {} in it is a number of its own for each
    /// resource; may be given many times
    #[arg(long = "property", value_name = "NAME=VALUE")]
    pub properties: Vec<String>,
    /// Only cases whose name contains this; a whole name means that case alone
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `cluster dll guard`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Guarded {
    /// The resource type
    pub resource_type: String,
    /// What becomes of a forbidden call; without it the present setting is shown
    #[arg(value_enum)]
    pub mode: Option<GuardWord>,
}

/// `CallGuard` of a resource type.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardWord {
    /// It works, and nobody is told
    Off,
    /// It works, and is told
    Warn,
    /// It answers 1131
    Fail,
    /// It blocks until DeadlockTimeout, as on Windows
    Deadlock,
}

impl GuardWord {
    /// The mode of the word.
    #[must_use]
    pub fn mode(self) -> GuardMode {
        match self {
            GuardWord::Off => GuardMode::Off,
            GuardWord::Warn => GuardMode::Warn,
            GuardWord::Fail => GuardMode::Fail,
            GuardWord::Deadlock => GuardMode::Deadlock,
        }
    }
}
