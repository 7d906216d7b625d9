//! Quorum: who votes, how many votes are needed, and what that means now.

use cluster_engine::state::NodeState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sight;
use super::cluster::QUORUM_TYPE;

/// The votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct QuorumView {
    /// How votes are counted.
    pub quorum_type: String,
    /// The witness, if there is one.
    pub quorum_resource: Option<String>,
    /// Everyone, with or without a vote.
    pub voters: Vec<VoterView>,
    /// How many votes there are.
    pub votes: u32,
    /// How many of them must be there.
    pub needed: u32,
    /// The answering node is in contact with that many.
    pub quorate: bool,
    /// What it means, in sentences.
    pub explanation: Vec<String>,
}

/// One voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct VoterView {
    /// The node.
    pub node: String,
    /// 1 or 0.
    pub vote: u32,
    /// It is up, as far as the answering node knows.
    pub up: bool,
}

impl QuorumView {
    /// The votes as seen now.
    #[must_use]
    pub fn of(sight: Sight<'_>) -> QuorumView {
        let Sight { state, vantage, facts, .. } = sight;
        let limit = state.config.detection();
        // Without quorum nobody declares nodes down any more: what was heard lately is all there is to go by.
        let is_heard =
            |id| id == facts.node || vantage.last_heard.get(&id).is_some_and(|at| vantage.now.since(*at) <= limit);
        let voters: Vec<VoterView> = state
            .nodes
            .values()
            .map(|n| VoterView {
                node: n.config.name.clone(),
                vote: n.config.weight,
                up: if vantage.quorate { n.state == NodeState::Up } else { is_heard(n.id) },
            })
            .collect();
        let votes: u32 = voters.iter().map(|v| v.vote).sum();
        let needed = votes / 2 + 1;
        let present: u32 = voters.iter().filter(|v| v.up).map(|v| v.vote).sum();
        let explanation = explain(&voters, votes, needed, present, vantage.quorate);
        QuorumView {
            quorum_type: QUORUM_TYPE.to_owned(),
            quorum_resource: None,
            voters,
            votes,
            needed,
            quorate: vantage.quorate,
            explanation,
        }
    }
}

fn explain(voters: &[VoterView], votes: u32, needed: u32, present: u32, quorate: bool) -> Vec<String> {
    let absent: Vec<&str> = voters.iter().filter(|v| v.vote > 0 && !v.up).map(|v| v.node.as_str()).collect();
    let mut sentences = vec![format!("{votes} nodes have a vote; {needed} of them must be in contact.")];
    if absent.is_empty() {
        sentences.push("All of them are up.".to_owned());
    } else {
        sentences.push(format!("Up: {present}. Not up: {}.", absent.join(", ")));
    }
    match (quorate, present.saturating_sub(needed)) {
        (false, _) => sentences.push(
            "This node has no quorum: it runs nothing, answers with what it knew last, and keeps trying to join."
                .to_owned(),
        ),
        (true, 0) => sentences.push("If one more voter is lost, the cluster stops.".to_owned()),
        (true, spare) => sentences.push(format!("It survives the loss of {spare} more.")),
    }
    sentences
}
