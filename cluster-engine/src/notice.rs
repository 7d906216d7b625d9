//! Notices: what the engine has to tell people. The engine does not log; it returns these.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// One sentence with names, for the cluster log and the event history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Where it comes from. A notice of the replicated state machine is the same on every node and has the same place
    /// everywhere; a local one has none.
    pub place: Option<LogPlace>,
    /// Cluster time for a replicated notice, the node's own time for a local one.
    pub at: Time,
    /// How grave it is.
    pub level: Level,
    /// Which part of the service speaks, as in cluster.log.
    pub component: Component,
    /// The event id of the FailoverClustering source when the real service would write one (data/events.csv).
    pub event: Option<u32>,
    /// What happened.
    pub text: String,
    /// The object it is about: a group, a resource or a node by its display name.
    pub subject: Option<Subject>,
    /// For a decision: the considerations, one sentence each (candidates and what excluded each).
    pub why: Vec<String>,
    /// It is a step of an arbitration for the quorum device, or of the witness's life.
    pub step: Option<ArbitrationStep>,
}

/// A step of an arbitration, for the time axis of the dashboard and for timelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArbitrationStep {
    /// Exactly the witness's vote is missing here ("one off quorum").
    Needed,
    /// Arbitrate of the quorum resource was called on this node.
    Challenge,
    /// What the resource itself says while it arbitrates or defends: waits, a reservation broken, a defence.
    Said,
    /// Arbitrate returned 0: this node owns the device.
    Won,
    /// Arbitrate was refused, failed, or took longer than QuorumArbitrationTimeMax.
    Lost,
    /// The ownership epoch was raised and the witness's store copied: whoever hosted it before is fenced.
    TakenOver,
    /// The witness's store cannot be had, or is not the one that voted.
    Refused,
    /// The witness votes on this node from now on.
    Hosted,
    /// This node hosts the witness no more: ownership was lost or given up.
    Ended,
}

impl ArbitrationStep {
    /// The word for it in JSON and on the page.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ArbitrationStep::Needed => "Needed",
            ArbitrationStep::Challenge => "Challenge",
            ArbitrationStep::Said => "Said",
            ArbitrationStep::Won => "Won",
            ArbitrationStep::Lost => "Lost",
            ArbitrationStep::TakenOver => "TakenOver",
            ArbitrationStep::Refused => "Refused",
            ArbitrationStep::Hosted => "Hosted",
            ArbitrationStep::Ended => "Ended",
        }
    }
}

impl Notice {
    /// Gives it the id of a FailoverClustering event.
    pub fn with_event(&mut self, event: u32) -> &mut Notice {
        self.event = Some(event);
        self
    }
}

/// Place of a replicated notice: log index, and its number within that entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPlace {
    /// Index of the log entry.
    pub index: u64,
    /// Counts the notices of that entry from 0.
    pub number: u32,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A node, by name.
    Node(String),
    /// A group, by name.
    Group(String),
    /// A resource, by name.
    Resource(String),
    /// A resource type, by name.
    ResourceType(String),
}

/// Severity (STYLE rule 19): error, someone must act; warning, policy acted; information, a state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Details of the protocols.
    Debug,
    /// A state changed.
    Information,
    /// Policy acted.
    Warning,
    /// Someone must act.
    Error,
    /// The node or the cluster is in danger.
    Critical,
}

/// The component names of the real cluster.log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Component {
    /// Resource control manager: groups, resources, policy.
    Rcm,
    /// Global updates: the replicated log.
    Gum,
    /// Regroup: membership.
    Rgp,
    /// Quorum.
    Quorum,
    /// The monitor process.
    Rhs,
    /// A resource library.
    Res,
    /// The database.
    Dm,
    /// Joining and nodes.
    Node,
    /// Clients.
    Api,
    /// The service as a whole.
    Cs,
}

impl Component {
    /// As it stands in brackets in a line of cluster.log.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Component::Rcm => "RCM",
            Component::Gum => "GUM",
            Component::Rgp => "RGP",
            Component::Quorum => "QUORUM",
            Component::Rhs => "RHS",
            Component::Res => "RES",
            Component::Dm => "DM",
            Component::Node => "NODE",
            Component::Api => "API",
            Component::Cs => "CS",
        }
    }
}
