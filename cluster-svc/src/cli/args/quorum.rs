//! `cluster quorum`: what the votes are, and what they would survive.

use clap::{Args, Subcommand, ValueEnum};
use cluster_engine::quorum::{MAX_NODES, Model};

/// `cluster quorum`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Quorum {
    /// Who votes, how many votes are needed, and what that means
    Show,
    /// What a cluster of some size and quorum model survives; needs no cluster
    ///
    /// Tries every failure: one after the other in every order, every set at the same moment, and every split of the
    /// network into two sides.
    Explore(Explore),
}

/// `cluster quorum explore`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Explore {
    /// How many nodes
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_NODES)))]
    pub nodes: u32,
    /// The quorum model
    #[arg(long, value_enum)]
    pub model: ModelWord,
    /// The votes stay as they are, whoever fails (DynamicQuorum 0)
    #[arg(long)]
    pub no_dynamic: bool,
}

/// A quorum model in a word for the command line; the name that Get-ClusterQuorum shows is understood too.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelWord {
    /// Every node has a vote
    #[value(alias = "NodeMajority")]
    NodeMajority,
    /// Every node and the disk witness have a vote
    #[value(alias = "NodeAndDiskMajority")]
    NodeDisk,
    /// Every node and the file share witness have a vote
    #[value(alias = "NodeAndFileShareMajority")]
    NodeShare,
    /// The disk alone has a vote
    #[value(alias = "DiskOnly")]
    DiskOnly,
}

impl From<ModelWord> for Model {
    fn from(word: ModelWord) -> Model {
        match word {
            ModelWord::NodeMajority => Model::NodeMajority,
            ModelWord::NodeDisk => Model::NodeAndDiskMajority,
            ModelWord::NodeShare => Model::NodeAndFileShareMajority,
            ModelWord::DiskOnly => Model::DiskOnly,
        }
    }
}
