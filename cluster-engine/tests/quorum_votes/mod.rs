//! Votes in a short form for tests: node ids and `W`, such as `2 3 W`.

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::NodeId;
use cluster_engine::quorum::{Model, Voter, Votes};

/// Node ids out of a text such as `1 2`.
pub(crate) fn ids(text: &str) -> BTreeSet<NodeId> {
    text.split_whitespace().map(|id| NodeId(id.parse().expect("a number"))).collect()
}

/// The votes in force, such as `2 3 W`.
pub(crate) fn shown(votes: &Votes) -> String {
    let one = |voter: Voter| match voter {
        Voter::Node(id) => id.to_string(),
        Voter::Witness(_) => "W".to_owned(),
    };
    votes.voters().into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Every vote in force of nodes `1..=nodes`, of which those in `weightless` have NodeWeight 0.
pub(crate) fn configured(
    model: Model,
    nodes: u32,
    weightless: &str,
    dynamic_quorum: bool,
    lower: Option<u32>,
) -> Votes {
    let weightless = ids(weightless);
    let weights: BTreeMap<NodeId, bool> = (1..=nodes).map(NodeId).map(|id| (id, !weightless.contains(&id))).collect();
    Votes::new(model, &weights, dynamic_quorum, lower.map(NodeId)).expect("possible votes")
}

/// Nodes `1..=nodes` of which those have a vote that `in_force` names, and the witness if it names `W`.
#[allow(dead_code, reason = "each test file uses a part of this one")]
pub(crate) fn votes(model: Model, nodes: u32, in_force: &str) -> Votes {
    let mut votes = configured(model, nodes, "", true, None);
    let words: BTreeSet<&str> = in_force.split_whitespace().collect();
    for (id, node) in &mut votes.nodes {
        node.dynamic = words.contains(id.to_string().as_str());
    }
    if let Some(witness) = &mut votes.witness {
        witness.dynamic = words.contains("W");
    }
    assert_eq!(shown(&votes), in_force, "the test's own words");
    votes
}
