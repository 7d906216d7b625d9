//! What the API needs of a node, and nothing more.
//!
//! The handlers speak to a [`Door`] instead of the driver, so that tests can put a hand-made cluster behind the very same
//! routes. `node_door` is the door of a real node. Requests are answered from what the node knows; a door never waits for
//! another node, except in [`Door::submit`], which waits until the nodes have agreed.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use cluster_engine::Notice;
use cluster_engine::Refusal;
use cluster_engine::call::MonitorKey;
use cluster_engine::state::{Answer, ClusterState, Command};
use cluster_engine::{Guid, NodeId};
use cluster_engine::{Millis, Time};
use tokio::sync::watch;

use crate::driver::findings::Found;

/// A future that a door hands out.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something to do with the state, on the node's own task.
pub type Look = Box<dyn FnOnce(&ClusterState, &Vantage) + Send>;

/// The node's task has ended; there is nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// How the cluster looks from one node: what is not part of the replicated state.
#[derive(Clone, Debug, PartialEq)]
pub struct Vantage {
    /// Now, by the node's clock.
    pub now: Time,
    /// The node is in contact with a majority.
    pub quorate: bool,
    /// Who leads, as far as the node knows.
    pub leader: Option<NodeId>,
    /// When each other node was last heard.
    pub last_heard: BTreeMap<NodeId, Time>,
    /// How long after a node was declared down its groups wait until they start elsewhere.
    pub fence: Millis,
    /// This life of the node was started with prevent quorum.
    pub prevent_quorum: bool,
}

/// What is fixed while a node runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which node answers.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Where its cluster log is.
    pub log_path: PathBuf,
    /// It runs in a lab.
    pub lab: bool,
}

/// What a node last told of its processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The process of its service.
    pub process_id: Option<u32>,
    /// Where its API listens: `http://127.0.0.1:4711`.
    pub api_address: Option<String>,
    /// Its Resource Monitors and their processes.
    pub monitors: BTreeMap<MonitorKey, u32>,
}

/// A numbered notice of this node's history. The number counts this node's notices.
pub type Numbered = (u64, Arc<Notice>);

/// A node, as the API sees it.
pub trait Door: Send + Sync + 'static {
    /// Runs `look` on the state. [`Gone`] when the node has stopped.
    fn look(&self, look: Look) -> Later<'_, Result<(), Gone>>;
    /// Has the nodes agree on a command and waits until this node has applied it.
    fn submit(&self, command: Command) -> Later<'_, Result<Answer, Refusal>>;
    /// Notices of this node, oldest first: the first `limit` after the one numbered `after`, or the newest `limit`.
    fn history(&self, after: Option<u64>, limit: usize) -> Vec<Numbered>;
    /// What the resource libraries of this node were found to do wrong.
    fn findings(&self) -> Vec<Found> {
        Vec::new()
    }
    /// Changes whenever anything that a client can see has changed, new notices included.
    fn changed(&self) -> watch::Receiver<u64>;
    /// ResourceControl on this node: the Win32 code and the output. Refused when the resource is not open here.
    fn control(&self, resource: Guid, code: u32, input: Vec<u8>) -> Later<'_, Result<(u32, Vec<u8>), Refusal>>;
    /// What is fixed.
    fn facts(&self) -> Facts;
    /// What the nodes told of their processes, this one included.
    fn peers(&self) -> BTreeMap<NodeId, Peer>;
    /// Ends the service in an orderly way. Returns at once.
    fn stop(&self);
}
