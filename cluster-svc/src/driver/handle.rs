//! What clients of a node hold: the API, the lab's door and the join protocol ask and command through a [`NodeHandle`].
//!
//! A handle is cheap to clone and never blocks a thread. Questions about the engine travel to the task that owns it as
//! closures and come back as values, so nobody holds a lock on the engine and nobody sees it in the middle of a step.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cluster_engine::Engine;
use cluster_engine::Notice;
use cluster_engine::Time;
use cluster_engine::call::MonitorKey;
use cluster_engine::state::{Answer, Command};
use cluster_engine::{Guid, NodeId};
use cluster_engine::{Refusal, code};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::findings::{Findings, Found};
use super::history::History;
use super::node::{Input, TypeName};
use super::peers::PeerTable;
use super::service_codes;

/// The node's service has ended, or is just ending; there is nobody left to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Cluster service of this node is stopping; ask another node")]
pub struct Gone;

impl From<Gone> for Refusal {
    fn from(gone: Gone) -> Refusal {
        Refusal::new(code::CLUSTER_SHUTTING_DOWN, gone.to_string())
    }
}

/// What never changes during the life of a service.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Its node id.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// The directory that all nodes of the cluster see.
    pub shared_dir: PathBuf,
    /// The cluster log of this node.
    pub log_path: PathBuf,
    /// Where its REST API listens, `127.0.0.1:port`.
    pub api_address: String,
    /// The process of this service.
    pub process_id: u32,
    /// The node is part of a lab, which can break it on purpose.
    pub lab: bool,
}

/// What a node's driver tells the others about itself once a second. Not agreed upon, only heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerFacts {
    /// The process of its Cluster service.
    pub process_id: u32,
    /// Where its REST API listens.
    pub api_address: String,
    /// Its monitor processes.
    pub monitors: Vec<(MonitorKey, u32)>,
    /// There is a connection to it now. Always true for the node itself.
    pub connected: bool,
}

/// What passes on the way between this node and another one. Both false: the way is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What comes from that node is dropped.
    pub incoming_cut: bool,
    /// What goes to that node is dropped.
    pub outgoing_cut: bool,
}

/// A running node, as clients see it.
#[derive(Clone)]
pub struct NodeHandle {
    pub(super) parts: Arc<HandleParts>,
}

/// What a handle is made of; one per node.
pub(super) struct HandleParts {
    pub(super) inbox: mpsc::Sender<Input>,
    pub(super) facts: NodeFacts,
    pub(super) history: Arc<History>,
    pub(super) findings: Arc<Findings>,
    pub(super) changed: watch::Receiver<u64>,
    pub(super) peers: Arc<PeerTable>,
}

impl NodeHandle {
    /// Asks the engine. `question` runs on the task that owns it, between two steps: it must be quick.
    ///
    /// # Errors
    /// [`Gone`] when the node has stopped.
    pub async fn read<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine, Time) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (answer, answered) = oneshot::channel();
        let ask = Box::new(move |engine: &Engine, now: Time| {
            // The asker may have gone away meanwhile.
            let _ = answer.send(question(engine, now));
        });
        self.parts.inbox.send(Input::Read(ask)).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Asks for a change. The answer comes when the change is committed and applied on this node, or refused.
    ///
    /// # Errors
    /// The refusal, with its Win32 code.
    pub async fn submit(&self, command: Command) -> Result<Answer, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.parts.inbox.send(Input::Submit { command, answer }).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)?
    }

    /// A ResourceControl on a resource of this node: in its monitor, or here when no library can know the answer. Answers the
    /// Win32 code and the output.
    ///
    /// # Errors
    /// A refusal when the resource is not open on this node, or its monitor goes away before it answers.
    pub async fn control(&self, resource: Guid, code: u32, input: Vec<u8>) -> Result<(u32, Vec<u8>), Refusal> {
        if let Some(answer) = service_codes::control(self, resource, code, &input).await? {
            return Ok(answer);
        }
        let (answer, answered) = oneshot::channel();
        self.parts.inbox.send(Input::Control { resource, code, input, answer }).await.map_err(|_| Gone)?;
        Ok(service_codes::unless_unknown(code, answered.await.map_err(|_| Gone)??))
    }

    /// A ResourceTypeControl, in this node's shared monitor, which is started when it is not there.
    ///
    /// # Errors
    /// A refusal when the monitor cannot be started or goes away before it answers.
    pub async fn type_control(
        &self,
        type_name: String,
        dll_name: String,
        code: u32,
        input: Vec<u8>,
    ) -> Result<(u32, Vec<u8>), Refusal> {
        let (answer, answered) = oneshot::channel();
        let of = TypeName { name: type_name, dll_name };
        self.parts.inbox.send(Input::TypeControl { of, code, input, answer }).await.map_err(|_| Gone)?;
        Ok(service_codes::unless_unknown(code, answered.await.map_err(|_| Gone)??))
    }

    /// What was told lately, oldest first, each with its local number: the `limit` notices that follow number `after`, or
    /// the newest `limit` ones.
    #[must_use]
    pub fn history(&self, after: Option<u64>, limit: usize) -> Vec<(u64, Arc<Notice>)> {
        self.parts.history.read(after, limit)
    }

    /// What the resource libraries of this node were found to do wrong, in the order in which it was first seen.
    #[must_use]
    pub fn findings(&self) -> Vec<Found> {
        self.parts.findings.all()
    }

    /// Every notice from now on. A subscriber that falls behind hears that it lagged and reads [`NodeHandle::history`].
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<(u64, Arc<Notice>)> {
        self.parts.history.subscribe()
    }

    /// A number that grows whenever anything that a client can see has changed.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.parts.changed.clone()
    }

    /// What never changes.
    #[must_use]
    pub fn facts(&self) -> NodeFacts {
        self.parts.facts.clone()
    }

    /// What the nodes tell about their processes, this node included.
    #[must_use]
    pub fn peers(&self) -> BTreeMap<NodeId, PeerFacts> {
        self.parts.peers.facts()
    }

    /// Why this node is no member of its cluster any more, when a member has told it so. It goes on showing what it knew.
    #[must_use]
    pub fn expelled(&self) -> Option<String> {
        self.parts.peers.expelled()
    }

    /// Cuts the way to and from a node, or makes it whole again. For labs only.
    pub fn set_cut(&self, node: NodeId, cut: bool) {
        self.set_link(node, Link { incoming_cut: cut, outgoing_cut: cut });
    }

    /// Cuts the way to or from a node, or makes it whole again. For labs only.
    pub fn set_link(&self, node: NodeId, link: Link) {
        self.parts.peers.set_link(node, link);
    }

    /// Stops the node in an orderly way. Returns at once; the process ends when everything is given up.
    pub fn stop(&self) {
        self.tell(Input::Stop);
    }

    /// Stops the node without giving up anything to other nodes first: its monitors end their resources.
    pub fn stop_now(&self) {
        self.tell(Input::StopNow);
    }

    fn tell(&self, input: Input) {
        let inbox = self.parts.inbox.clone();
        tokio::spawn(async move {
            // A node that is gone has stopped.
            let _ = inbox.send(input).await;
        });
    }
}
