//! Quorum: who votes, where the witness is, how many votes are needed, and what that means now.
//!
//! The votes are those of the log at the last change that the answering node has applied, and the sentences are computed
//! by playing each failure through the engine's own arithmetic ([`cluster_engine::quorum::explain`]).

use std::collections::BTreeSet;

use cluster_engine::NodeId;
use cluster_engine::quorum::{self, NodeVote, Votes, Witness, WitnessVote};
use cluster_engine::state::{Node, NodeState, ResourceState, WitnessState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sight;
use crate::api::names;

/// The votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct QuorumView {
    /// How votes are counted: `NodeMajority`, `NodeAndDiskMajority`, `NodeAndFileShareMajority` or `DiskOnly`.
    pub quorum_type: String,
    /// The witness, if there is one.
    pub quorum_resource: Option<String>,
    /// Where on the device the quorum log lies.
    pub path: String,
    /// Its size in bytes, or one of the special sizes that tell the model: 0, 1024, 4194304.
    pub max_quorum_log_size: u32,
    /// 1: votes follow the membership.
    pub dynamic_quorum: u32,
    /// The node that gives up its vote first when one has to; 0 for none.
    #[serde(rename = "LowerQuorumPriorityNodeID")]
    pub lower_quorum_priority_node_id: u32,
    /// 1: quorum was forced, and quorum settings are ignored until the normal vote count is there again.
    pub fix_quorum: u32,
    /// The node that forced quorum.
    pub forced_by: Option<String>,
    /// The line of descent of this cluster's state; `0` when quorum was never forced.
    pub lineage: String,
    /// Every node, with a vote or without.
    pub voters: Vec<VoterView>,
    /// The witness as a voter.
    pub witness: Option<WitnessView>,
    /// How many votes are in force.
    pub votes: u32,
    /// How many of them must be there.
    pub needed: u32,
    /// How many of them are there, as far as the answering node knows.
    pub present: u32,
    /// The answering node is in contact with enough of them.
    pub quorate: bool,
    /// What it means, in sentences.
    pub explanation: Vec<String>,
}

/// A node as a voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct VoterView {
    /// The node.
    pub node: String,
    /// Its id.
    pub id: u32,
    /// The vote that the administrator gave it.
    pub node_weight: u32,
    /// 1: the cluster lets it count.
    pub dynamic_weight: u32,
    /// The vote in force: 1 when both are.
    pub vote: u32,
    /// It is up, as far as the answering node knows.
    pub up: bool,
    /// How long ago the answering node last heard it, ms; 0 for itself, null for never.
    pub heard_ms: Option<u64>,
    /// Why its vote is not in force; null when it is.
    pub why: Option<String>,
}

/// The witness as a voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct WitnessView {
    /// `Disk` or `FileShare`.
    pub kind: String,
    /// The quorum resource.
    pub resource: String,
    /// The state of that resource.
    pub state: String,
    /// The node that owns it.
    pub owner_node: Option<String>,
    /// WitnessDynamicWeight: 1 when its vote is in force.
    pub dynamic_weight: u32,
    /// The node where it votes; null when it votes nowhere.
    pub host_node: Option<String>,
    /// The ownership epoch: counts the arbitrations won.
    pub epoch: Option<u64>,
    /// How long it has voted there, ms.
    pub since_ms: Option<u64>,
    /// The answering node's part of the cluster can use it, as far as that node knows.
    pub healthy: bool,
    /// Why its vote is not in force; null when it is.
    pub why: Option<String>,
}

impl QuorumView {
    /// The votes as seen now.
    #[must_use]
    pub fn of(sight: Sight<'_>) -> QuorumView {
        let Sight { state, vantage, .. } = sight;
        let votes = state.votes();
        let up = up_from(sight);
        let healthy = witness_is_healthy(sight);
        let voters: Vec<VoterView> = state.nodes.values().map(|n| voter(sight, &votes, &up, n)).collect();
        let witness = state.quorum.witness.as_ref().map(|w| witness(sight, &votes, w, healthy));
        let from_witness = u32::from(healthy && votes.witness_has_vote());
        let present = voters.iter().filter(|v| v.up).map(|v| v.vote).sum::<u32>() + from_witness;
        QuorumView {
            quorum_type: state.quorum.model.name().to_owned(),
            quorum_resource: state.chosen_quorum_resource().map(|r| r.config.name.clone()),
            path: state.hive.sz("Quorum", "Path").unwrap_or_default(),
            max_quorum_log_size: state.hive.dword("Quorum", "MaxQuorumLogSize").unwrap_or(state.quorum.model.size()),
            dynamic_quorum: u32::from(votes.dynamic_quorum),
            lower_quorum_priority_node_id: votes.lower_priority.map_or(0, |id| id.0),
            fix_quorum: u32::from(state.quorum.forced_by.is_some()),
            forced_by: state.quorum.forced_by.map(|id| names::of_node(state, id)),
            lineage: state.quorum.lineage.to_string(),
            voters,
            witness,
            votes: small(votes.total()),
            needed: small(quorum::needed(&votes)),
            present,
            quorate: vantage.quorate,
            explanation: explanation(sight, &votes, &up, healthy),
        }
    }

    /// The votes as the engine's arithmetic takes them, from the answer of a cluster: the votes, the nodes that are up,
    /// and whether the witness can be used. For `cluster quorum explain`.
    #[must_use]
    pub fn counted(&self) -> (Votes, BTreeSet<NodeId>, bool) {
        let vote = |v: &VoterView| {
            let weight = v.node_weight == 1 && self.quorum_type != quorum::Model::DiskOnly.name();
            (NodeId(v.id), NodeVote { weight, dynamic: v.dynamic_weight == 1 })
        };
        let kind =
            |w: &WitnessView| if w.kind == witness_word(Witness::Disk) { Witness::Disk } else { Witness::FileShare };
        let lower = NodeId(self.lower_quorum_priority_node_id);
        let votes = Votes {
            nodes: self.voters.iter().map(vote).collect(),
            witness: self.witness.as_ref().map(|w| WitnessVote { kind: kind(w), dynamic: w.dynamic_weight == 1 }),
            dynamic_quorum: self.dynamic_quorum == 1,
            lower_priority: self.voters.iter().any(|v| NodeId(v.id) == lower).then_some(lower),
        };
        let up = self.voters.iter().filter(|v| v.up).map(|v| NodeId(v.id)).collect();
        (votes, up, self.witness.as_ref().is_some_and(|w| w.healthy))
    }
}

/// The nodes of the answering node's part of the cluster, as far as it knows. Without quorum nobody declares nodes down
/// any more: what was heard lately is all there is to go by.
fn up_from(sight: Sight<'_>) -> BTreeSet<NodeId> {
    let Sight { state, vantage, facts, .. } = sight;
    let limit = state.config.detection();
    let is_up = |n: &&Node| {
        if vantage.quorate {
            return n.state == NodeState::Up;
        }
        n.id == facts.node || vantage.last_heard.get(&n.id).is_some_and(|at| vantage.now.since(*at) <= limit)
    };
    state.nodes.values().filter(is_up).map(|n| n.id).collect()
}

/// The witness can be used when its resource is online and the node that hosts it is a member. A node without quorum
/// cannot know.
fn witness_is_healthy(sight: Sight<'_>) -> bool {
    let Sight { state, vantage, .. } = sight;
    let is_online = state.quorum_resource().is_some_and(|r| r.state == ResourceState::Online);
    let host = state.quorum.witness.as_ref().and_then(|w| w.host);
    let has_host = host.is_some_and(|h| state.nodes.get(&h.node).is_some_and(|n| n.state == NodeState::Up));
    vantage.quorate && is_online && has_host
}

fn voter(sight: Sight<'_>, votes: &Votes, up: &BTreeSet<NodeId>, node: &Node) -> VoterView {
    let Sight { vantage, facts, .. } = sight;
    let vote = votes.nodes.get(&node.id).copied().unwrap_or(NodeVote { weight: false, dynamic: false });
    let is_up = up.contains(&node.id);
    let why = match (votes.has_vote(node.id), vote.weight, is_up) {
        (true, _, _) => None,
        (false, false, _) if node.config.weight == 1 => Some("the disk alone votes"),
        (false, false, _) => Some("NodeWeight 0"),
        (false, true, false) => Some("not up"),
        (false, true, true) => Some("given up, so that the number of votes is odd"),
    };
    let heard = || vantage.last_heard.get(&node.id).map(|at| vantage.now.since(*at).0);
    VoterView {
        node: node.config.name.clone(),
        id: node.id.0,
        node_weight: node.config.weight,
        dynamic_weight: u32::from(vote.dynamic),
        vote: u32::from(votes.has_vote(node.id)),
        up: is_up,
        heard_ms: if node.id == facts.node { Some(0) } else { heard() },
        why: why.map(str::to_owned),
    }
}

fn witness(sight: Sight<'_>, votes: &Votes, witness: &WitnessState, healthy: bool) -> WitnessView {
    let Sight { state, vantage, .. } = sight;
    let resource = state.quorum_resource();
    let has_vote = votes.witness_has_vote();
    let why = match (has_vote, healthy) {
        (true, _) => None,
        (false, true) => Some("not needed, the nodes' votes are odd in number"),
        (false, false) => Some("not usable"),
    };
    WitnessView {
        kind: witness_word(witness.kind).to_owned(),
        resource: resource.map(|r| r.config.name.clone()).unwrap_or_default(),
        state: resource.map_or("Offline", |r| r.state.word()).to_owned(),
        owner_node: state.quorum_owner().map(|id| names::of_node(state, id)),
        dynamic_weight: u32::from(has_vote),
        host_node: witness.host.map(|h| names::of_node(state, h.node)),
        epoch: witness.host.map(|h| h.epoch),
        since_ms: witness.host.map(|h| vantage.now.since(h.since).0),
        healthy,
        why: why.map(str::to_owned),
    }
}

/// The word for the kind of a witness.
fn witness_word(kind: Witness) -> &'static str {
    match kind {
        Witness::Disk => "Disk",
        Witness::FileShare => "FileShare",
    }
}

fn explanation(sight: Sight<'_>, votes: &Votes, up: &BTreeSet<NodeId>, healthy: bool) -> Vec<String> {
    let Sight { state, vantage, .. } = sight;
    let mut sentences = quorum::explain(votes, up, healthy, &|id| names::of_node(state, id));
    if let Some(id) = state.quorum.forced_by {
        let name = names::of_node(state, id);
        sentences.push(format!(
            "Quorum was forced on {name}: quorum settings are ignored until the normal vote count is there again."
        ));
    }
    if !vantage.quorate {
        let text =
            "This node has no quorum: it runs nothing, answers with what it knew last, and keeps trying to join.";
        sentences.push(text.to_owned());
    }
    sentences
}

/// Votes are as few as nodes.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
