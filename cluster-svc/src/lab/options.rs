//! What a lab is started with.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where the dashboard is when nothing else is said.
pub const DEFAULT_PORT: u16 = 7820;
/// How long a service that ended unexpectedly stays down: what the service control manager is usually set to.
const DEFAULT_RECOVERY: Duration = Duration::from_secs(15);

/// The options of a lab.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// How many nodes, n1, n2, ...; at least 1, 16 at most.
    pub nodes: u32,
    /// Where the nodes live. What is there already is started again. `None`: a temporary directory, removed at the end.
    pub dir: Option<PathBuf>,
    /// Port of the dashboard on 127.0.0.1; 0 is any free one. A port that is taken is replaced by another one.
    pub port: u16,
    /// Create the sample groups, when the cluster is new.
    pub samples: bool,
    /// After how long a service that ended unexpectedly is started again; `None`: never. A node that was killed or stopped
    /// through the lab stays down until it is started through the lab.
    pub recover_after: Option<Duration>,
    /// SameSubnetDelay of a new cluster in milliseconds, 250 to 2000.
    pub heartbeat_ms: u32,
    /// SameSubnetThreshold of a new cluster, 3 to 120.
    pub threshold: u32,
    /// The name of a new cluster.
    pub cluster_name: String,
    /// The command that is a Cluster service when the options of `cluster-svc run` follow. `None`: this executable with
    /// the words `service run`.
    pub service: Option<Vec<OsString>>,
    /// Write the file by which the `cluster` command finds the lab.
    pub announce: bool,
}

impl Default for LabOptions {
    fn default() -> LabOptions {
        LabOptions {
            nodes: 3,
            dir: None,
            port: DEFAULT_PORT,
            samples: false,
            recover_after: Some(DEFAULT_RECOVERY),
            heartbeat_ms: 250,
            threshold: 4,
            cluster_name: "WOLFDEN".into(),
            service: None,
            announce: true,
        }
    }
}

/// Why a lab cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The number of nodes.
    #[error("{0} nodes are not possible; take 1 to 16")]
    Nodes(u32),
    /// The front's port.
    #[error("the lab cannot listen: {0}; take another port, or port 0 for any")]
    Listen(io::Error),
    /// The directory.
    #[error("{path}: {error}; name another directory, or none for a temporary one")]
    Directory {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A node did not start.
    #[error("node {node} did not start: {reason}")]
    Node {
        /// Which one.
        node: String,
        /// Why.
        reason: String,
    },
    /// The HTTP client.
    #[error("the lab cannot make requests: {0}")]
    Client(#[from] reqwest::Error),
    /// Signals.
    #[error("the lab cannot hear signals: {0}")]
    Signals(io::Error),
}
