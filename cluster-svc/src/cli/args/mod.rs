//! The grammar of the `cluster` command: nouns, verbs and options, read by clap.
//!
//! `cluster <noun> <verb>`, with the objects and words of the FailoverClusters cmdlets (reference 10.2). What each command
//! does stands in the files named after the nouns; the older syntax of cluster.exe is turned into this one by `legacy`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod dll;
mod quorum;
mod roles;
mod simulator;

pub use self::dll::{Dll, GuardWord, Guarded, Inspect, LibraryTest};
pub use self::quorum::{ExplainQuorum, Explore, ModelWord, Quorum, SetQuorum};
pub use self::roles::{Group, Resource, Restype};
pub use self::simulator::{Availability, Experiment, MOST_STORMS, Run, Scenario, Sim, Sweep};

/// Show, control and configure a cluster.
///
/// The syntax of cluster.exe is understood as well: `cluster group "SQL" /moveto:n2`, `cluster res "Disk" /prop`.
#[derive(Parser, Debug, Clone, PartialEq)]
#[command(name = "cluster", version, propagate_version = true, disable_help_subcommand = true, after_help = AFTER_HELP)]
pub struct Cluster {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "Exit code: 0, or the Win32 code of the refusal when it is 255 or less, otherwise 1; \
    the message names the full code. 2 for a command line that cannot be read.";

/// Options of every command.
#[derive(Args, Debug, Clone, Default, PartialEq)]
pub struct Common {
    /// Address of the cluster, such as http://127.0.0.1:7820 [default: the running demo, found by itself]
    #[arg(long = "cluster", value_name = "URL", env = "CLUSTER_ENDPOINT", global = true)]
    pub endpoint: Option<String>,
    /// Token, when the cluster listens on other than loopback addresses
    #[arg(long, env = "CLUSTER_TOKEN", hide_env_values = true, hide = true, global = true)]
    pub token: Option<String>,
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// Wait until the object has come to rest, for at most so many seconds [default when given alone: 60]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60", global = true)]
    pub wait: Option<u32>,
}

/// The nouns.
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Command {
    /// Everything on one screen
    Status,
    /// Nodes
    #[command(subcommand)]
    Node(Node),
    /// Groups (roles)
    #[command(subcommand)]
    Group(Group),
    /// Resources
    #[command(subcommand, alias = "res")]
    Resource(Resource),
    /// Resource types
    #[command(subcommand, alias = "resourcetype")]
    Restype(Restype),
    /// Libraries of resource types: look at one, test one, see what was found
    #[command(subcommand)]
    Dll(Dll),
    /// Networks
    #[command(subcommand, alias = "net")]
    Network(Network),
    /// Quorum: who votes, and whether it is enough
    #[command(subcommand)]
    Quorum(Quorum),
    /// The cluster registry
    #[command(subcommand)]
    Registry(Registry),
    /// Common properties of the cluster: show, or set with NAME=VALUE
    Properties(Assignments),
    /// Names and addresses of the Network Name resources
    Names,
    /// The cluster log of the node that answers
    Log(Log),
    /// The history of events
    Events(Events),
    /// A cluster of three nodes with sample groups and the dashboard, until Ctrl-C
    Demo(Demo),
    /// Starts the nodes of a cluster on this machine, until Ctrl-C
    Up(Up),
    /// Faults and repairs in a cluster started by `demo` or `up`
    #[command(subcommand)]
    Lab(Lab),
    /// Stories that are played in the simulator
    #[command(subcommand)]
    Scenario(Scenario),
    /// Storms of faults in the simulator, from a seed
    Sim(Sim),
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// One object by name.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Named {
    /// Name or id
    pub name: String,
}

/// NAME=VALUE for one object. Without any: show.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Assign {
    /// Name or id
    pub name: String,
    /// NAME=VALUE, or NAME:TYPE=VALUE; lists are separated by commas; `NAME=` alone resets to the default
    #[arg(value_name = "NAME=VALUE")]
    pub values: Vec<String>,
}

/// NAME=VALUE. Without any: show.
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Assignments {
    /// NAME=VALUE, or NAME:TYPE=VALUE; `NAME=` alone resets to the default
    #[arg(value_name = "NAME=VALUE")]
    pub values: Vec<String>,
}

/// `cluster node`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Node {
    /// All nodes
    List,
    /// One node with all that is known of it
    Show(Named),
    /// Keep new groups away; with --drain move the present ones off too
    Pause {
        /// Name or id
        name: String,
        /// Move its groups to other nodes
        #[arg(long)]
        drain: bool,
        /// Where to move them
        #[arg(long, value_name = "NODE", requires = "drain")]
        target: Option<String>,
    },
    /// Take groups again
    Resume {
        /// Name or id
        name: String,
        /// What becomes of the groups that a drain has moved off
        #[arg(long, value_enum, default_value_t = Failback::NoFailback)]
        failback: Failback,
    },
    /// Start its Cluster service, in a lab
    Start(StartNode),
    /// End its Cluster service in an orderly way
    Stop(Named),
    /// Take it out of the cluster for good
    Evict(Named),
    /// Common properties: show, or set with NAME=VALUE
    Properties(Assign),
}

/// `cluster node start`, with the switches of Start-ClusterNode.
#[derive(Args, Debug, Clone, Default, PartialEq)]
pub struct StartNode {
    /// Name or id
    pub name: String,
    /// Form a cluster alone, without quorum: what this node knows becomes the truth (-FQ)
    #[arg(long, visible_alias = "fix-quorum", conflicts_with = "prevent_quorum")]
    pub force_quorum: bool,
    /// Only join; never form a cluster (-PQ)
    #[arg(long)]
    pub prevent_quorum: bool,
    /// End its quarantine first (-CQ)
    #[arg(long)]
    pub clear_quarantine: bool,
}

/// `-Failback` of Resume-ClusterNode.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
#[value(rename_all = "PascalCase")]
pub enum Failback {
    /// Leave them where they are
    #[value(alias = "nofailback", alias = "none")]
    NoFailback,
    /// Bring them back now
    #[value(alias = "immediate")]
    Immediate,
    /// As each group's failback policy says
    #[value(alias = "policy")]
    Policy,
}

/// `cluster network`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Network {
    /// All networks
    List,
}

/// `cluster registry`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Registry {
    /// A key with its values and the names of its subkeys
    Get {
        /// Path below the root, such as Groups\<id>; "" is the root
        #[arg(default_value = "")]
        path: String,
        /// Only this value
        name: Option<String>,
    },
    /// Sets a value, and creates the key when needed
    Set {
        /// Path of the key
        path: String,
        /// Name of the value
        name: String,
        /// The value; lists are separated by semicolons
        value: String,
        /// REG_SZ, REG_DWORD, REG_QWORD, REG_MULTI_SZ, REG_EXPAND_SZ or REG_BINARY (hexadecimal)
        #[arg(long = "type", default_value = "REG_SZ")]
        kind: String,
    },
    /// Deletes a value, or a key
    Delete {
        /// Path of the key
        path: String,
        /// Name of the value; without it the key is deleted
        name: Option<String>,
        /// The key with all below it
        #[arg(long, conflicts_with = "name")]
        tree: bool,
    },
    /// Writes a key with all below it as .reg text
    Export {
        /// Path of the key; "" is the root
        #[arg(default_value = "")]
        path: String,
        /// To this file; otherwise to the terminal
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Reads .reg text
    Import {
        /// The file
        file: PathBuf,
    },
}

/// `cluster log`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Log {
    /// Only so many of the last lines
    #[arg(long, value_name = "LINES", num_args = 0..=1, default_missing_value = "50")]
    pub tail: Option<u32>,
    /// Go on with new lines as they come
    #[arg(long, short)]
    pub follow: bool,
}

/// `cluster events`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Events {
    /// Go on with new events as they come
    #[arg(long, short)]
    pub follow: bool,
    /// At most so many of the last ones
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// At least of this level
    #[arg(long)]
    pub level: Option<String>,
    /// Only about this object
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// With the reasons of each decision
    #[arg(long)]
    pub why: bool,
}

/// `cluster demo`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Demo {
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub nodes: u32,
    /// Keep the cluster in this folder; otherwise it is gone at the end
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Port of the dashboard; 0 is any free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub port: u16,
}

/// `cluster up`
#[derive(Args, Debug, Clone, PartialEq)]
pub struct Up {
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub nodes: u32,
    /// The folder of the cluster; what is there already is used again
    #[arg(long)]
    pub dir: PathBuf,
    /// Port of the dashboard; 0 is any free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub port: u16,
}

/// Where the dashboard is by default.
pub const DEFAULT_PORT: u16 = 7820;

/// `cluster lab`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Lab {
    /// Processes and links
    Show,
    /// Kills all processes of a node, as a power failure would; it stays down until started
    Kill(Named),
    /// Freezes all processes of a node
    Pause(Named),
    /// Thaws them
    Continue(Named),
    /// Starts a node again
    Start(Named),
    /// Stops a node in an orderly way
    Stop(Named),
    /// Cuts the link between two nodes
    Cut {
        /// One node
        from: String,
        /// The other node
        to: String,
        /// Only from the first to the second
        #[arg(long)]
        one_way: bool,
    },
    /// Cuts the way from a node to the quorum device
    CutStorage(Named),
    /// Makes it whole
    MendStorage(Named),
    /// Makes one link whole, or everything: all links and storage paths whole, all nodes running
    Heal {
        /// One node
        #[arg(requires = "to")]
        from: Option<String>,
        /// The other node
        to: Option<String>,
    },
}
