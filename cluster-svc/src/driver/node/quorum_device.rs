//! What belongs to the quorum device: news of the witness's store, what the resource library says while it arbitrates, and
//! the end of a node that was forced out.

use cluster_engine::call::{EntryPoint, Status};
use cluster_engine::state::NodeState;
use cluster_engine::{ArbitrationStep, Component, Event, Guid, Level, Lineage, NodeId, Notice, Subject};

use super::{Node, Phase, Rejoin};
use crate::driver::wine::Host;
use crate::driver::wire::Frame;
use crate::driver::witness::{Said, WitnessNews};

impl Node {
    /// The thread of the witness says something. What it says about a take that is over is dropped.
    pub(super) fn witness_says(&mut self, news: WitnessNews) {
        if !self.parts.witness.is_current(&news) {
            return;
        }
        match news.what {
            Said::Event(event) => self.step(event),
            // A message of the witness to the voter of its own host.
            Said::Send { to, message } if to == self.parts.facts.node => {
                self.step(Event::Peer { from: to, message });
            }
            Said::Send { to, message } => self.parts.peers.send(to, &Frame::Engine(message)),
        }
    }

    /// A call of the engine on a resource: from Arbitrate on, what its library says is part of the story of quorum.
    pub(super) fn follow_arbitration(&mut self, resource: Guid, entry: &EntryPoint) {
        match entry {
            EntryPoint::Arbitrate => {
                self.arbitrating.insert(resource);
            }
            EntryPoint::Open(_)
            | EntryPoint::Online
            | EntryPoint::Offline
            | EntryPoint::Terminate
            | EntryPoint::Close
            | EntryPoint::Configure(_)
            | EntryPoint::Cancel
            | EntryPoint::CheckDrain
            | EntryPoint::Release => {}
        }
    }

    /// What became of a call: does the resource still defend its device?
    pub(super) fn arbitration_reported(&mut self, resource: Guid, status: &Status) {
        let is_over = match status {
            Status::Arbitrated { code } => *code != 0,
            Status::Released { .. } | Status::Terminated | Status::Closed | Status::Failed(_) => true,
            Status::Opened
            | Status::OpenFailed { .. }
            | Status::OnlinePending { .. }
            | Status::Online
            | Status::OfflinePending { .. }
            | Status::DrainAnswered { .. }
            | Status::Offline => false,
        };
        if is_over {
            self.arbitrating.remove(&resource);
        }
    }

    /// A monitor is gone, and with it every defence in it.
    pub(super) fn arbitration_lost_with(&mut self, monitor: Host) {
        let monitors = &self.parts.monitors;
        self.arbitrating.retain(|resource| monitors.home(*resource).is_some_and(|home| home != monitor));
    }

    /// A line of a resource library, for the history, when the resource arbitrates or defends.
    pub(super) fn library_says(&self, resource: Guid, level: Level, text: &str) -> Option<Notice> {
        if !self.arbitrating.contains(&resource) {
            return None;
        }
        Some(Notice {
            place: None,
            at: self.parts.clock.now(),
            level,
            component: Component::Res,
            event: None,
            text: text.to_owned(),
            subject: Some(Subject::Resource(self.name_of(resource))),
            why: Vec::new(),
            step: Some(ArbitrationStep::Said),
        })
    }

    pub(super) fn quorum_resource_lost(&mut self, resource: Guid) {
        let who = self.name_of(resource);
        self.parts.log.warning("QUORUM", format!("'{who}' lost the ownership of its quorum device"));
        self.step(Event::QuorumResourceLost { resource });
        self.arbitrating.remove(&resource);
    }

    /// The store of this node belongs to a past that was forced out. The engine has ended everything that ran here.
    pub(super) fn start_over(&mut self, lineage: Lineage, via: NodeId) {
        let nodes = &self.parts.engine.state().nodes;
        let known = |node: &NodeId| {
            let agreed = nodes.get(node).map(|facts| facts.config.address.clone()).filter(|_| *node != via);
            self.parts.peers.address(*node).or(agreed).filter(|address| !address.is_empty())
        };
        let is_member = |node: &NodeId| nodes.get(node).is_some_and(|facts| facts.state == NodeState::Up);
        // Whoever said so first, then those that were up, then the others.
        let mut others: Vec<NodeId> =
            nodes.keys().copied().filter(|node| *node != via && *node != self.parts.facts.node).collect();
        others.sort_by_key(|node| !is_member(node));
        let sponsors: Vec<String> = std::iter::once(via).chain(others).filter_map(|node| known(&node)).collect();
        let text = format!(
            "quorum was forced elsewhere (line of descent {lineage}); this node puts its store aside and joins again through {}",
            sponsors.join(", ")
        );
        self.parts.log.warning("CS", text);
        let links = self.parts.table.cuts();
        self.rejoin = Some(Rejoin { lineage, sponsors, links });
        match self.phase {
            Phase::Running | Phase::Stopping => self.phase = Phase::MonitorsEnding,
            Phase::MonitorsEnding | Phase::MonitorsKilled => {}
        }
    }

    /// Says once that this node is no member any more.
    pub(super) fn look_whether_expelled(&mut self) {
        if self.told_expelled {
            return;
        }
        let Some(reason) = self.parts.table.expelled() else { return };
        self.told_expelled = true;
        let name = self.parts.facts.name.clone();
        self.tell(Notice {
            place: None,
            at: self.parts.clock.now(),
            level: Level::Error,
            component: Component::Node,
            event: None,
            text: format!("This node is no member of its cluster any more: {reason}."),
            subject: Some(Subject::Node(name)),
            why: Vec::new(),
            step: None,
        });
        self.bump();
    }
}
