//! `cluster scenario` and `cluster sim`: what needs no cluster, because it is simulated or starts a lab of its own.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cluster_sim::storm::Kind;

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
#[command(args_conflicts_with_subcommands = true)]
pub struct Sim {
    /// Seed of the first storm [default: drawn, and printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many storms, with seeds one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_STORMS))]
    pub count: u64,
    /// What the storms try hard: any, nodes, freezing, parting, dying, disk, takeover, failing, lying, reading, forcing
    #[arg(long, default_value_t = Kind::Any)]
    pub kind: Kind,
    /// Print everything that is seen
    #[arg(long, conflicts_with_all = ["shrink", "speed"])]
    pub trace: bool,
    /// Of a storm that breaks a promise, find the shortest one that still does, and print it as a scenario
    #[arg(long, conflicts_with = "speed")]
    pub shrink: bool,
    /// Measure how fast a busy cluster of five nodes is simulated on this machine
    #[arg(long)]
    pub speed: bool,
    /// An experiment in place of storms
    #[command(subcommand)]
    pub experiment: Option<Experiment>,
}

/// `cluster sim sweep`, `cluster sim availability`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Experiment {
    /// What becomes of a cluster after every single fault, and after every pair of them
    Sweep(Sweep),
    /// How much of the time each quorum model keeps a cluster going
    Availability(Availability),
}

/// `cluster sim sweep`
///
/// Each case is played in a copy: nodes are killed and cut off, storage is lost, resources fail for good. The table says
/// whether quorum is kept, who is in it, and which group is online where when everything has settled.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Sweep {
    /// A scenario file; the cluster is taken as it stands at its 'begin'
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Also every pair of faults, at once
    #[arg(long)]
    pub pairs: bool,
    /// What chance is drawn from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `cluster sim availability`
///
/// The rates are accelerated, so that hours stand for years: what is compared is the quorum models with each other, under
/// the same failures. A rate of 0 s between failures means never.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Availability {
    /// Nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=7))]
    pub nodes: u64,
    /// Seeds per quorum model
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Virtual minutes of each seed
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub minutes: u64,
    /// Virtual seconds between two failures of a node, and to its repair
    #[arg(long, num_args = 2, value_names = ["MTBF", "MTTR"], default_values_t = [1_200, 120])]
    pub node: Vec<u64>,
    /// Virtual seconds between two failures of the wire between two nodes, and to its repair
    #[arg(long, num_args = 2, value_names = ["MTBF", "MTTR"], default_values_t = [3_600, 60])]
    pub link: Vec<u64>,
    /// Virtual seconds between two failures of the quorum device, and to its repair
    #[arg(long, num_args = 2, value_names = ["MTBF", "MTTR"], default_values_t = [3_600, 120])]
    pub storage: Vec<u64>,
    /// Write the plot to this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}
