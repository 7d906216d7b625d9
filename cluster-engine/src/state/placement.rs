//! Which node a group goes to, and what excluded the others (reference 2.6).
//!
//! 1. Candidates are nodes that are up, not paused, not stopping, and possible owners of every resource of the group.
//! 2. The preferred owners come first, in their order, starting after the present owner when it stands in the list.
//! 3. Then the others: the one with the fewest groups first, then by node id.
//!    A group with the quorum resource goes to the node that hosts the witness before all others.
//! 4. Of these the first that hosts no group of the same anti-affinity class; when there is none, the first, unless
//!    ClusterEnforcedAntiAffinity is 1.

use super::objects::{ClusterState, Group, NodeState};
use crate::id::{Guid, NodeId};

/// A choice and its considerations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The node, if there is one.
    pub chosen: Option<NodeId>,
    /// Every node but the present owner, in the order of preference.
    pub candidates: Vec<Candidate>,
}

/// What was thought of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which node.
    pub node: NodeId,
    /// Its display name.
    pub name: String,
    /// Why it can or cannot host the group, or why another is better.
    pub verdict: String,
}

impl Decision {
    /// One sentence per candidate, for the `why` of a notice.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        if self.candidates.is_empty() {
            return vec!["there is no other node".to_owned()];
        }
        self.candidates.iter().map(|c| format!("{}: {}", c.name, c.verdict)).collect()
    }
}

/// Chooses among all nodes but the present owner.
#[must_use]
pub fn choose(state: &ClusterState, group: &Group) -> Decision {
    let mut eligible: Vec<(NodeId, String)> = Vec::new();
    let mut excluded: Vec<Candidate> = Vec::new();
    for id in order(state, group) {
        let Some(node) = state.nodes.get(&id) else { continue };
        match state.cannot_host(group, id) {
            Some(reason) => excluded.push(Candidate { node: id, name: node.config.name.clone(), verdict: reason }),
            None => eligible.push((id, standing(state, group, id))),
        }
    }
    let conflict = |id: NodeId| anti_affinity_conflict(state, group, id);
    let free = eligible.iter().position(|(id, _)| conflict(*id).is_none());
    let chosen = match free {
        Some(at) => Some(at),
        None if state.config.enforced_anti_affinity => None,
        None => (!eligible.is_empty()).then_some(0),
    };
    let mut candidates = Vec::new();
    for (at, (id, standing)) in eligible.iter().enumerate() {
        let verdict = match (conflict(*id), Some(at) == chosen) {
            (None, true) => format!("chosen, {standing}"),
            (None, false) => format!("possible, {standing}"),
            (Some(other), true) => {
                format!("chosen, {standing}, although '{other}' of the same anti-affinity class is there")
            }
            (Some(other), false) => format!("hosts '{other}' of the same anti-affinity class"),
        };
        let name = state.nodes.get(id).map(|n| n.config.name.clone()).unwrap_or_default();
        candidates.push(Candidate { node: *id, name, verdict });
    }
    candidates.extend(excluded);
    Decision { chosen: chosen.map(|at| eligible[at].0), candidates }
}

/// All nodes but the present owner, in order of preference.
fn order(state: &ClusterState, group: &Group) -> Vec<NodeId> {
    let preferred = &group.config.preferred;
    let start = preferred.iter().position(|n| *n == group.owner).map_or(0, |at| at + 1);
    let mut order: Vec<NodeId> =
        preferred.iter().cycle().skip(start).take(preferred.len()).copied().filter(|n| *n != group.owner).collect();
    let mut rest: Vec<NodeId> =
        state.nodes.keys().copied().filter(|n| *n != group.owner && !order.contains(n)).collect();
    rest.sort_by_key(|n| (hosted(state, *n), *n));
    order.extend(rest);
    // The quorum resource goes to where the witness votes already.
    if let Some(host) = quorum_host(state, group)
        && let Some(at) = order.iter().position(|n| *n == host)
    {
        let host = order.remove(at);
        order.insert(0, host);
    }
    order
}

/// Where the witness votes, when the quorum resource is in this group.
fn quorum_host(state: &ClusterState, group: &Group) -> Option<NodeId> {
    let resource = state.quorum_resource().filter(|r| r.group == group.id)?;
    let witness = state.quorum.witness.as_ref().filter(|w| w.resource == resource.id)?;
    witness.host.map(|h| h.node)
}

fn standing(state: &ClusterState, group: &Group, id: NodeId) -> String {
    if quorum_host(state, group) == Some(id) {
        return "the witness votes there".to_owned();
    }
    match group.config.preferred.iter().position(|n| *n == id) {
        Some(at) => format!("number {} of the preferred owners", at + 1),
        None => format!("hosts {} group(s)", hosted(state, id)),
    }
}

/// Groups that a node owns or is about to own.
fn hosted(state: &ClusterState, node: NodeId) -> usize {
    let owner = |g: &&Group| g.moving.as_ref().map_or(g.owner, |m| m.to) == node;
    state.groups.values().filter(owner).count()
}

/// The group of the same anti-affinity class that a node hosts.
pub(super) fn anti_affinity_conflict(state: &ClusterState, group: &Group, node: NodeId) -> Option<String> {
    let shares = |other: &Group| {
        other.config.anti_affinity.iter().any(|a| group.config.anti_affinity.iter().any(|b| a.eq_ignore_ascii_case(b)))
    };
    let is_there = |other: &Group| other.moving.as_ref().map_or(other.owner, |m| m.to) == node;
    state.groups.values().find(|g| g.id != group.id && is_there(g) && shares(g)).map(|g| g.config.name.clone())
}

impl ClusterState {
    /// Why a node cannot host a group; `None` when it can.
    #[must_use]
    pub fn cannot_host(&self, group: &Group, id: NodeId) -> Option<String> {
        let node = self.nodes.get(&id)?;
        match node.state {
            NodeState::Down => return Some("is down".to_owned()),
            NodeState::Joining => return Some("has not joined yet".to_owned()),
            NodeState::Up => {}
        }
        if node.leaving {
            return Some("is stopping".to_owned());
        }
        if node.paused {
            return Some("is paused".to_owned());
        }
        self.not_possible_owner(group.id, id).map(|name| format!("is not a possible owner of '{name}'"))
    }

    /// The name of a resource of the group that the node may not own.
    #[must_use]
    pub fn not_possible_owner(&self, group: Guid, node: NodeId) -> Option<String> {
        let excludes = |list: &Option<Vec<NodeId>>| list.as_ref().is_some_and(|l| !l.contains(&node));
        self.resources_of(group).find(|r| excludes(&r.config.possible)).map(|r| r.config.name.clone())
    }
}
