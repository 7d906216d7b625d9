//! Following nodes and groups through a log, entry by entry.
//!
//! Only what is needed for the lanes of a timeline is kept. The sentences are those of the engine's notices; names are
//! known beforehand, so that a name with quotation marks in it cannot mislead.

use cluster_engine::state::{GroupState, ResourceState};

use super::chronicle::Said;
use super::timeline::{Lane, Look, Shade, Span};
use crate::scenario::script::{Fault, ServiceFault};

/// All states that a notice can name.
const RESOURCE_STATES: [ResourceState; 11] = [
    ResourceState::Offline,
    ResourceState::WaitingToComeOnline,
    ResourceState::OnlineCallIssued,
    ResourceState::OnlinePending,
    ResourceState::Online,
    ResourceState::WaitingToGoOffline,
    ResourceState::OfflineCallIssued,
    ResourceState::OfflinePending,
    ResourceState::Terminating,
    ResourceState::DelayRestartingResource,
    ResourceState::Failed,
];

/// What a node's service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Service {
    #[default]
    Runs,
    Frozen,
    Ended,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NodeTruth {
    pub(super) service: Service,
    /// It believes to be in contact with a majority.
    pub(super) is_quorate: bool,
    /// The cluster counts it as up.
    pub(super) is_member: bool,
    pub(super) paused: bool,
    evicted: bool,
    spans: Vec<Span>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct GroupTruth {
    pub(super) owner: Option<String>,
    pub(super) resources: Vec<(String, ResourceState)>,
    deleted: bool,
    spans: Vec<Span>,
}

/// The present, and the lanes up to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fold {
    pub(super) nodes: Vec<(String, NodeTruth)>,
    pub(super) groups: Vec<(String, GroupTruth)>,
}

impl Fold {
    /// The script does something to the cluster.
    pub(super) fn strike(&mut self, fault: &Fault) {
        let Fault::Service { what, nodes } = fault else { return };
        for (_, node) in self.nodes.iter_mut().filter(|(name, _)| nodes.contains(name)) {
            match (what, node.service) {
                (ServiceFault::Kill, _) => {
                    node.service = Service::Ended;
                    node.is_quorate = false;
                }
                (ServiceFault::Freeze, Service::Runs) => node.service = Service::Frozen,
                (ServiceFault::Thaw, Service::Frozen) => node.service = Service::Runs,
                (ServiceFault::Start, Service::Ended) => {
                    node.service = Service::Runs;
                    node.is_quorate = false;
                }
                // It does not run, runs already, or says itself that it has left.
                (ServiceFault::Freeze | ServiceFault::Thaw | ServiceFault::Start | ServiceFault::Stop, _) => {}
            }
        }
    }

    /// Somebody tells something.
    pub(super) fn hear(&mut self, said: &Said) {
        let text = match said {
            Said::Notice { text, .. } => text.as_str(),
            Said::Act(_) | Said::Refusal(_) | Said::Other(_) => return,
        };
        self.nodes.iter_mut().for_each(|(name, node)| node.hear(name, text));
        let nodes: Vec<&str> = self.nodes.iter().map(|(name, _)| name.as_str()).collect();
        self.groups.iter_mut().for_each(|(name, group)| group.hear(name, text, &nodes));
    }

    /// Adds to the lanes what is other than before.
    pub(super) fn look(&mut self, now_ms: u64) {
        let somebody_knows = self.nodes.iter().any(|(_, n)| n.service == Service::Runs && n.is_quorate && !n.evicted);
        for (_, node) in &mut self.nodes {
            let look = node.look();
            note(&mut node.spans, now_ms, look);
        }
        for (_, group) in &mut self.groups {
            let look = group.look(somebody_knows);
            note(&mut group.spans, now_ms, look);
        }
    }

    /// The lanes of nodes and of groups, at the end.
    pub(super) fn into_lanes(self) -> (Vec<Lane>, Vec<Lane>) {
        let nodes = self.nodes.into_iter().map(|(name, node)| Lane { name, spans: node.spans });
        let groups = self.groups.into_iter().map(|(name, group)| Lane { name, spans: group.spans });
        (nodes.collect(), groups.collect())
    }
}

/// What looks the same goes on; what was other for no time at all was never seen.
fn note(spans: &mut Vec<Span>, now_ms: u64, look: Look) {
    if spans.last().is_some_and(|last| last.look == look) {
        return;
    }
    if spans.last().is_some_and(|last| last.from_ms == now_ms) {
        spans.pop();
        return note(spans, now_ms, look);
    }
    spans.push(Span { from_ms: now_ms, look });
}

impl NodeTruth {
    fn hear(&mut self, name: &str, text: &str) {
        if let Some(own) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")) {
            if own.starts_with("Quorum was lost") {
                self.is_quorate = false;
            } else if own.starts_with("This node is in contact with a majority") {
                self.is_quorate = true;
            }
            return;
        }
        let of_node = |start: &str| text.strip_prefix(start).and_then(|t| t.strip_prefix(name)?.strip_prefix("' "));
        if of_node("Cluster node '").is_some_and(|what| what.starts_with("was removed")) {
            self.is_member = false;
        }
        match of_node("Node '") {
            Some(what) if what.starts_with("is up") => self.is_member = true,
            Some(what) if what.starts_with("has left") => {
                (self.is_member, self.is_quorate) = (false, false);
                self.service = Service::Ended;
            }
            Some("was evicted.") => self.evicted = true,
            Some("is paused.") => self.paused = true,
            Some("is resumed.") => self.paused = false,
            Some(_) | None => {}
        }
    }

    fn look(&self) -> Look {
        let (shade, word) = match (self.evicted, self.service) {
            (true, _) => (Shade::Gone, "Evicted"),
            (false, Service::Ended) => (Shade::Quiet, "Not running"),
            (false, Service::Frozen) => (Shade::Apart, "Frozen"),
            (false, Service::Runs) if !self.is_quorate => (Shade::Apart, "No quorum"),
            (false, Service::Runs) if !self.is_member => (Shade::Busy, "Joining"),
            (false, Service::Runs) if self.paused => (Shade::Partly, "Paused"),
            (false, Service::Runs) => (Shade::Well, "Up"),
        };
        Look { shade, word, owner: None }
    }
}

impl GroupTruth {
    /// A group that nothing is known of but its owner.
    pub(super) fn owned_by(owner: Option<String>) -> GroupTruth {
        GroupTruth { owner, ..GroupTruth::default() }
    }

    fn hear(&mut self, name: &str, text: &str, nodes: &[&str]) {
        let moved = text.strip_prefix("move of group '").and_then(|t| t.strip_prefix(name)?.strip_prefix("' from "));
        if let Some((_, to)) = moved.and_then(|t| t.split_once(" to ")) {
            let owner = nodes.iter().find(|node| to.strip_prefix(**node).is_some_and(|rest| rest.starts_with('(')));
            self.owner = owner.map(|node| (*node).to_owned());
        }
        if text.strip_prefix("Group '").and_then(|t| t.strip_prefix(name)) == Some("' was deleted.") {
            self.deleted = true;
        }
        for (resource, state) in &mut self.resources {
            let entered = text.strip_prefix("TransitionToState(").and_then(|t| t.strip_prefix(resource.as_str()));
            let after = entered.and_then(|t| t.strip_prefix(") ")?.split_once("-->")?.1.strip_suffix('.'));
            if let Some(new) = RESOURCE_STATES.into_iter().find(|s| Some(s.name()) == after) {
                *state = new;
            }
        }
        let deleted = text.strip_prefix("Resource '").and_then(|t| t.strip_suffix("' was deleted."));
        self.resources.retain(|(resource, _)| Some(resource.as_str()) != deleted);
    }

    fn look(&self, somebody_knows: bool) -> Look {
        let out_of_sight = |shade, word| Look { shade, word, owner: None };
        if self.deleted {
            return out_of_sight(Shade::Gone, "Deleted");
        }
        if !somebody_knows {
            return out_of_sight(Shade::Apart, "Nobody knows");
        }
        let state = GroupState::of(self.resources.iter().map(|(_, state)| *state));
        let shade = match state {
            GroupState::Online => Shade::Well,
            GroupState::PartialOnline => Shade::Partly,
            GroupState::Pending => Shade::Busy,
            GroupState::Failed => Shade::Bad,
            GroupState::Offline => Shade::Quiet,
        };
        Look { shade, word: state.word(), owner: self.owner.clone() }
    }
}
