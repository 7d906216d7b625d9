//! `cluster scenario` and `cluster sim`: what needs no cluster, because it is simulated or starts a lab of its own.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// At most so many storms in one go.
pub const MOST_STORMS: u64 = 1_000_000;

/// `cluster scenario`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Scenario {
    /// Plays scenario files in the simulator and compares their logs; with --real plays them with real processes
    ///
    /// Exit code 0: all went as they say; 1: one went otherwise; 2: one cannot be read, understood or played.
    Run(Run),
    /// Reads scenario files without playing them
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Every form in which a line of a scenario can be written
    Forms,
}

/// `cluster scenario run`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Run {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a page with a timeline of each scenario to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the log that is into each file whose story goes as it says
    #[arg(long, conflicts_with = "real")]
    pub update: bool,
    /// Print the log of each story below its verdict
    #[arg(long)]
    pub log: bool,
    /// Play with real processes in real time: starts a lab of its own for each file, and leaves nothing of it
    #[arg(long)]
    pub real: bool,
    /// Keep the directory of the lab, with the logs of its nodes
    #[arg(long, requires = "real")]
    pub keep: bool,
}

/// `cluster sim`
///
/// A storm builds a cluster, turns faults on and checks every promise after every step; then it turns them off, and
/// everything must settle. A seed gives the same storm every time, byte for byte.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Sim {
    /// Seed of the first storm [default: drawn, and printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many storms, with seeds one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_STORMS))]
    pub count: u64,
    /// Print everything that is seen
    #[arg(long)]
    pub trace: bool,
}
