//! `cluster quorum`: what the votes are, how they are counted, and what they would survive.

use clap::{Args, Subcommand, ValueEnum};
use cluster_engine::quorum::{MAX_NODES, Model};

/// `cluster quorum`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Quorum {
    /// How votes are counted, who votes and why not, and where the witness is
    Show,
    /// Chooses how votes are counted, and the witness
    ///
    /// The witness is a resource that is online: a Physical Disk, a File Share Witness, or any other type with Arbitrate.
    Set(SetQuorum),
    /// What the votes mean now: who may fail next, and what happens if
    Explain(ExplainQuorum),
    /// What a cluster of some size and quorum model survives; needs no cluster
    ///
    /// Tries every failure: one after the other in every order, every set at the same moment, and every split of the
    /// network into two sides.
    Explore(Explore),
}

/// `cluster quorum set`, with the switches of Set-ClusterQuorum.
#[derive(Args, Debug, Clone, Default, PartialEq)]
#[command(group = clap::ArgGroup::new("model").multiple(false))]
pub struct SetQuorum {
    /// The nodes vote, without a witness
    #[arg(long, group = "model", visible_alias = "no-witness")]
    pub node_majority: bool,
    /// The nodes and this disk vote
    #[arg(long, group = "model", value_name = "RESOURCE", visible_alias = "disk-witness")]
    pub node_and_disk_majority: Option<String>,
    /// The nodes and this file share witness vote
    #[arg(long, group = "model", value_name = "RESOURCE", visible_alias = "file-share-witness")]
    pub node_and_file_share_majority: Option<String>,
    /// This disk alone votes: whoever owns it is the cluster
    #[arg(long, group = "model", value_name = "RESOURCE")]
    pub disk_only: Option<String>,
    /// This resource is the witness; what it is decides on the model
    #[arg(long, group = "model", value_name = "RESOURCE")]
    pub resource: Option<String>,
    /// Where on the device the quorum log lies
    #[arg(long, value_name = "FOLDER", conflicts_with = "node_majority")]
    pub path: Option<String>,
    /// Size of the quorum log in KB, as cluster.exe takes it; 1 and 4096 tell the model: nodes and witness, disk only
    #[arg(long, value_name = "KB", value_parser = clap::value_parser!(u32).range(1..=MOST_LOG_KB))]
    pub max_log_size: Option<u32>,
}

/// The largest size of a quorum log, in KB: its size in bytes is a DWORD.
const MOST_LOG_KB: i64 = (u32::MAX / 1024) as i64;

/// `cluster quorum explain`
#[derive(Args, Debug, Clone, Default, PartialEq)]
pub struct ExplainQuorum {
    /// Plays failures in this order: n1,n2,witness; n1+n2 fail at the same moment
    #[arg(long, value_name = "NAMES")]
    pub what_if: Option<String>,
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
