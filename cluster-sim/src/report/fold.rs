//! Following nodes, groups, votes and cuts through a log, entry by entry.
//!
//! Only what is needed for the lanes of a timeline is kept. The sentences are those of the engine's notices; names are
//! known beforehand, so that a name with quotation marks in it cannot mislead.

use cluster_engine::ArbitrationStep;
use cluster_engine::state::{GroupState, ResourceState};

use super::cuts::Cuts;
use super::timeline::{Lane, Look, Shade, Span, Timeline};
use crate::scenario::entry::Told;
use crate::scenario::opening::{GroupOpening, NodeOpening, Opening};
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

/// The lane of the witness.
pub(super) const WITNESS_LANE: &str = "witness";
/// The lane of the votes.
const VOTES_LANE: &str = "votes";

/// What a node's service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Service {
    #[default]
    Runs,
    Frozen,
    Ended,
}

#[derive(Clone, Debug)]
struct NodeTruth {
    name: String,
    service: Service,
    /// It believes to be in contact with a majority.
    is_quorate: bool,
    /// The cluster counts it as up.
    is_member: bool,
    is_paused: bool,
    is_evicted: bool,
    has_vote: bool,
    spans: Vec<Span>,
}

#[derive(Clone, Debug)]
struct GroupTruth {
    opening: GroupOpening,
    is_deleted: bool,
    spans: Vec<Span>,
}

/// Where the witness votes.
#[derive(Clone, Debug, Default)]
struct WitnessTruth {
    is_there: bool,
    host: Option<String>,
    has_vote: bool,
    spans: Vec<Span>,
}

/// The present, and the lanes up to it.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    nodes: Vec<NodeTruth>,
    groups: Vec<GroupTruth>,
    witness: WitnessTruth,
    votes: Vec<Span>,
    cuts: Cuts,
}

impl Fold {
    /// How things stand at `begin`, apart from what the script has done to services and wires.
    pub(super) fn new(opening: &Opening) -> Fold {
        let group =
            |opening: &GroupOpening| GroupTruth { opening: opening.clone(), is_deleted: false, spans: Vec::new() };
        let witness = opening.witness.as_ref();
        Fold {
            nodes: opening.nodes.iter().map(NodeTruth::new).collect(),
            groups: opening.groups.iter().map(group).collect(),
            witness: WitnessTruth {
                is_there: witness.is_some(),
                host: witness.and_then(|w| w.host.clone()),
                has_vote: witness.is_some_and(|w| w.has_vote),
                spans: Vec::new(),
            },
            votes: Vec::new(),
            cuts: Cuts::new(opening.nodes.iter().map(|n| n.name.clone()).collect()),
        }
    }

    /// The script does something to the cluster.
    pub(super) fn strike(&mut self, fault: &Fault) {
        self.cuts.strike(fault);
        let Fault::Service { what, nodes } = fault else { return };
        for node in self.nodes.iter_mut().filter(|node| nodes.contains(&node.name)) {
            node.strike(*what);
            if node.service == Service::Ended && self.witness.host.as_deref() == Some(node.name.as_str()) {
                self.witness.host = None;
            }
        }
    }

    /// Somebody tells something.
    pub(super) fn hear(&mut self, told: &Told) {
        self.nodes.iter_mut().for_each(|node| node.hear(told));
        let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        self.groups.iter_mut().for_each(|group| group.hear(&told.text, &names));
        match told.step {
            Some(ArbitrationStep::Hosted) => {
                self.witness.is_there = true;
                self.witness.host = told.place().map(str::to_owned);
            }
            Some(ArbitrationStep::Ended) if told.place() == self.witness.host.as_deref() => self.witness.host = None,
            Some(
                ArbitrationStep::Needed
                | ArbitrationStep::Challenge
                | ArbitrationStep::Said
                | ArbitrationStep::Won
                | ArbitrationStep::Lost
                | ArbitrationStep::TakenOver
                | ArbitrationStep::Refused
                | ArbitrationStep::Ended,
            )
            | None => {}
        }
        if told.text.starts_with("Quorum is node majority now") {
            (self.witness.is_there, self.witness.host) = (false, None);
        }
        self.hear_of_votes(&told.text);
    }

    /// `node 'n3' has no vote now; ...`, `the disk witness has a vote now; ...`.
    fn hear_of_votes(&mut self, text: &str) {
        for (sign, has_vote) in [(" has a vote now;", true), (" has no vote now;", false)] {
            let Some((who, _)) = text.split_once(sign) else { continue };
            let node = who.strip_prefix("node '").and_then(|name| name.strip_suffix('\''));
            match self.nodes.iter_mut().find(|n| Some(n.name.as_str()) == node) {
                Some(node) => node.has_vote = has_vote,
                None if who.starts_with("the ") => self.witness.has_vote = has_vote,
                None => {}
            }
        }
    }

    /// Adds to the lanes what is other than before.
    pub(super) fn look(&mut self, now_ms: u64) {
        let somebody_knows = self.nodes.iter().any(|n| n.service == Service::Runs && n.is_quorate && !n.is_evicted);
        for node in &mut self.nodes {
            let look = node.look();
            note(&mut node.spans, now_ms, look);
        }
        for group in &mut self.groups {
            let look = group.look(somebody_knows);
            note(&mut group.spans, now_ms, look);
        }
        let witness = self.witness.look();
        note(&mut self.witness.spans, now_ms, witness);
        let votes = self.votes_look();
        note(&mut self.votes, now_ms, votes);
        self.cuts.look(now_ms);
    }

    fn votes_look(&self) -> Look {
        let nodes = self.nodes.iter().filter(|n| n.has_vote).map(|n| n.name.clone());
        let witness = self.witness.has_vote.then(|| WITNESS_LANE.to_owned());
        let all: Vec<String> = nodes.chain(witness).collect();
        let detail = format!("{} · {} needed", all.join(" "), all.len() / 2 + 1);
        Look { detail, ..Look::plain(Shade::Plain, "") }
    }

    /// The lanes, at the end.
    pub(super) fn into_lanes(self) -> Timeline {
        let nodes = self.nodes.into_iter().map(|node| Lane { name: node.name, spans: node.spans });
        let groups = self.groups.into_iter().map(|group| Lane { name: group.opening.name, spans: group.spans });
        let has_witness = self.witness.spans.iter().any(|span| span.look.word != NO_WITNESS);
        let mut quorum = Vec::new();
        if has_witness || self.votes.len() > 1 {
            quorum.push(Lane { name: VOTES_LANE.to_owned(), spans: self.votes });
        }
        if has_witness {
            quorum.push(Lane { name: WITNESS_LANE.to_owned(), spans: self.witness.spans });
        }
        let (nodes, groups) = (nodes.collect(), groups.collect());
        Timeline { nodes, quorum, cuts: self.cuts.into_lanes(), groups, ..Timeline::default() }
    }
}

/// The word for a cluster without a witness.
const NO_WITNESS: &str = "None";

/// What looks the same goes on; what was other for no time at all was never seen.
pub(super) fn note(spans: &mut Vec<Span>, now_ms: u64, look: Look) {
    if spans.last().is_some_and(|last| last.look == look) {
        return;
    }
    if spans.last().is_some_and(|last| last.from_ms == now_ms) {
        spans.pop();
        return note(spans, now_ms, look);
    }
    spans.push(Span { from_ms: now_ms, look });
}

impl WitnessTruth {
    fn look(&self) -> Look {
        match (self.is_there, &self.host) {
            (false, _) => Look::plain(Shade::Gone, NO_WITNESS),
            (true, None) => Look::plain(Shade::Apart, "Nowhere"),
            (true, Some(host)) => Look { owner: Some(host.clone()), ..Look::plain(Shade::Well, "Votes") },
        }
    }
}

impl NodeTruth {
    fn new(opening: &NodeOpening) -> NodeTruth {
        NodeTruth {
            name: opening.name.clone(),
            service: Service::Runs,
            is_quorate: opening.is_quorate,
            is_member: opening.is_member,
            is_paused: opening.is_paused,
            is_evicted: false,
            has_vote: opening.has_vote,
            spans: Vec::new(),
        }
    }

    fn strike(&mut self, what: ServiceFault) {
        match (what, self.service) {
            (ServiceFault::Kill, _) => {
                self.service = Service::Ended;
                self.is_quorate = false;
            }
            (ServiceFault::Freeze, Service::Runs) => self.service = Service::Frozen,
            (ServiceFault::Thaw, Service::Frozen) => self.service = Service::Runs,
            (ServiceFault::Start | ServiceFault::Force | ServiceFault::Prevent, Service::Ended) => {
                self.service = Service::Runs;
                self.is_quorate = false;
            }
            // It does not run, runs already, or says itself that it has left.
            (
                ServiceFault::Freeze
                | ServiceFault::Thaw
                | ServiceFault::Start
                | ServiceFault::Force
                | ServiceFault::Prevent
                | ServiceFault::Stop,
                _,
            ) => {}
        }
    }

    fn hear(&mut self, told: &Told) {
        let (name, text) = (self.name.as_str(), told.text.as_str());
        if let Some(teller) = &told.teller {
            if teller == name && text.starts_with("Quorum was lost") {
                self.is_quorate = false;
            } else if teller == name && text.starts_with("This node is in contact with a majority") {
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
            Some("was evicted.") => self.is_evicted = true,
            Some("is paused.") => self.is_paused = true,
            Some("is resumed.") => self.is_paused = false,
            Some(_) | None => {}
        }
    }

    fn look(&self) -> Look {
        match (self.is_evicted, self.service) {
            (true, _) => Look::plain(Shade::Gone, "Evicted"),
            (false, Service::Ended) => Look::plain(Shade::Quiet, "Not running"),
            (false, Service::Frozen) => Look::plain(Shade::Frozen, "Frozen"),
            (false, Service::Runs) if !self.is_quorate => Look::plain(Shade::Apart, "No quorum"),
            (false, Service::Runs) if !self.is_member => Look::plain(Shade::Busy, "Joining"),
            (false, Service::Runs) if self.is_paused => Look::plain(Shade::Partly, "Paused"),
            (false, Service::Runs) => Look::plain(Shade::Well, "Up"),
        }
    }
}

impl GroupTruth {
    fn hear(&mut self, text: &str, nodes: &[&str]) {
        let GroupOpening { name, owner, resources } = &mut self.opening;
        let own = |start: &str| text.strip_prefix(start).and_then(|t| t.strip_prefix(name.as_str()));
        let moved = own("move of group '").and_then(|t| t.strip_prefix("' from "));
        if let Some((_, to)) = moved.and_then(|t| t.split_once(" to ")) {
            let new = nodes.iter().find(|node| to.strip_prefix(**node).is_some_and(|rest| rest.starts_with('(')));
            *owner = new.map(|node| (*node).to_owned());
        }
        if own("Group '") == Some("' was deleted.") {
            self.is_deleted = true;
        }
        for (resource, state) in resources.iter_mut() {
            let entered = text.strip_prefix("TransitionToState(").and_then(|t| t.strip_prefix(resource.as_str()));
            let after = entered.and_then(|t| t.strip_prefix(") ")?.split_once("-->")?.1.strip_suffix('.'));
            if let Some(new) = RESOURCE_STATES.into_iter().find(|s| Some(s.name()) == after) {
                *state = new;
            }
        }
        let deleted = text.strip_prefix("Resource '").and_then(|t| t.strip_suffix("' was deleted."));
        resources.retain(|(resource, _)| Some(resource.as_str()) != deleted);
    }

    fn look(&self, somebody_knows: bool) -> Look {
        if self.is_deleted {
            return Look::plain(Shade::Gone, "Deleted");
        }
        if !somebody_knows {
            return Look::plain(Shade::Apart, "Nobody knows");
        }
        let state = GroupState::of(self.opening.resources.iter().map(|(_, state)| *state));
        let shade = match state {
            GroupState::Online => Shade::Well,
            GroupState::PartialOnline => Shade::Partly,
            GroupState::Pending => Shade::Busy,
            GroupState::Failed => Shade::Bad,
            GroupState::Offline => Shade::Quiet,
        };
        Look { owner: self.opening.owner.clone(), ..Look::plain(shade, state.word()) }
    }
}
