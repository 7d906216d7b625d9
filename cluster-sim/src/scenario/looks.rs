//! What is true in the simulated world.

use cluster_engine::state::{ClusterState, NodeState};
use cluster_engine::{Guid, NodeId};

use super::opening::{CORE_GROUPS, GroupOpening, NodeOpening, Opening, WitnessOpening};
use super::rest;
use super::script::Condition;
use super::simulated::Simulated;
use crate::machine::Machine;
use crate::world::World;

impl Simulated {
    /// Does it hold? `Err` says what is true instead.
    pub(super) fn holds(&self, condition: &Condition) -> Result<(), String> {
        let world = self.world.as_ref().ok_or("there are no nodes yet")?;
        match condition {
            Condition::Settled => self.is_settled(world),
            Condition::Event { id, at, times } => {
                let count = self.diary.count(*id, at.as_deref());
                let holds = times.map_or(count > 0, |times| count == times);
                holds.then_some(()).ok_or_else(|| format!("event {id} was told {count} time(s)"))
            }
            Condition::Step { step, at } => {
                let holds = self.diary.count_steps(*step, at.as_deref()) > 0;
                holds.then_some(()).ok_or_else(|| format!("there was no step {}", step.word()))
            }
            Condition::Runs { node, resource } => runs(world, node, resource.as_deref()),
            Condition::Node { node, state } => {
                let present = node_word(quorate_state(world)?, node)?;
                (present == state).then_some(()).ok_or_else(|| format!("{node} is {present}"))
            }
            Condition::State { name, state, on } => has_state(quorate_state(world)?, name, state, on.as_deref()),
            Condition::Votes { nodes, witness } => has_votes(quorate_state(world)?, nodes, *witness),
            Condition::Witness { on } => {
                let state = quorate_state(world)?;
                let present = witness_host(state);
                (present == *on).then_some(()).ok_or_else(|| told_witness(present.as_deref()))
            }
            Condition::Quorum { node, kept } => {
                let machine = world.machines.values().find(|m| m.name == *node).ok_or("there is no such machine")?;
                let word = if rest::is_quorate(world, machine) { "has quorum" } else { "has no quorum" };
                (rest::is_quorate(world, machine) == *kept).then_some(()).ok_or_else(|| format!("{node} {word}"))
            }
            Condition::Write(wanted) => match self.heard {
                Some(heard) if heard.is(*wanted) => Ok(()),
                Some(heard) => Err(format!("the last write was {heard}")),
                None => Err("nobody has written yet; write at NODE".to_owned()),
            },
        }
    }

    /// How things stand now.
    pub(super) fn picture(&self) -> Result<Opening, String> {
        let world = self.world.as_ref().ok_or("there are no nodes yet")?;
        let state = rest::present_state(world).or_else(|| world.newest_state());
        let node = |machine: &Machine| {
            let known = state.and_then(|s| s.nodes.get(&machine.id));
            let is_quorate = rest::is_quorate(world, machine);
            NodeOpening {
                name: machine.name.clone(),
                is_member: known.is_some_and(|n| n.state == NodeState::Up),
                is_quorate,
                is_paused: known.is_some_and(|n| n.paused),
                has_vote: state.is_some_and(|s| s.votes().has_vote(machine.id)),
            }
        };
        let mut groups: Vec<GroupOpening> = state.into_iter().flat_map(groups_of).collect();
        groups.sort_by_key(|group| CORE_GROUPS.iter().position(|core| *core == group.name).map_or(0, |at| at + 1));
        let witness = state.and_then(|s| {
            let name = s.quorum_resource()?.config.name.clone();
            Some(WitnessOpening { name, host: witness_host(s), has_vote: s.votes().witness_has_vote() })
        });
        Ok(Opening { nodes: world.machines.values().map(node).collect(), groups, witness })
    }
}

fn groups_of(state: &ClusterState) -> impl Iterator<Item = GroupOpening> {
    state.groups.values().map(|group| GroupOpening {
        name: group.config.name.clone(),
        owner: state.nodes.get(&group.owner).map(|n| n.config.name.clone()),
        resources: state.resources_of(group.id).map(|r| (r.config.name.clone(), r.state)).collect(),
    })
}

fn node_word(state: &ClusterState, node: &str) -> Result<&'static str, String> {
    let known = state.find_node(node).ok_or("it was evicted")?;
    Ok(match known.state {
        NodeState::Up if known.paused => "Paused",
        NodeState::Up => "Up",
        NodeState::Down => "Down",
        NodeState::Joining => "Joining",
    })
}

/// Who has a vote in force, as the part of the cluster that has quorum believes.
fn has_votes(state: &ClusterState, nodes: &[String], witness: bool) -> Result<(), String> {
    let votes = state.votes();
    let present: Vec<String> =
        votes.nodes.keys().filter(|id| votes.has_vote(**id)).map(|id| state.node_name(*id).clone()).collect();
    let mut wanted = nodes.to_vec();
    wanted.sort_by_key(|name| present.iter().position(|p| p == name));
    let holds = present == wanted && votes.witness_has_vote() == witness;
    holds.then_some(()).ok_or_else(|| told_votes(&present, votes.witness_has_vote()))
}

/// Who has a vote, in words.
#[must_use]
pub fn told_votes(nodes: &[String], witness: bool) -> String {
    let witness = if witness { vec!["witness".to_owned()] } else { Vec::new() };
    let all: Vec<String> = nodes.iter().cloned().chain(witness).collect();
    format!("the votes are those of {}", if all.is_empty() { "nobody".to_owned() } else { all.join(", ") })
}

/// Where the witness votes, in words.
#[must_use]
pub fn told_witness(host: Option<&str>) -> String {
    host.map_or("the witness votes nowhere".to_owned(), |host| format!("the witness votes on {host}"))
}

fn witness_host(state: &ClusterState) -> Option<String> {
    let host = state.quorum.witness.as_ref()?.host?;
    state.nodes.get(&host.node).map(|n| n.config.name.clone())
}

fn quorate_state(world: &World) -> Result<&ClusterState, String> {
    rest::present_state(world).ok_or_else(|| "no node is in quorum, so nobody knows".to_owned())
}

fn has_state(state: &ClusterState, name: &str, wanted: &str, on: Option<&str>) -> Result<(), String> {
    let (present, owner) = match (state.find_group(name), state.find_resource(name)) {
        (Some(group), _) => (state.group_state(group.id).word(), group.owner),
        (None, Some(resource)) => {
            let owner = state.groups.get(&resource.group).map_or(NodeId(0), |g| g.owner);
            (resource.state.word(), owner)
        }
        (None, None) => return Err(format!("there is no '{name}' any more")),
    };
    let owner = state.node_name(owner);
    let holds = present == wanted && on.is_none_or(|on| on == owner);
    holds.then_some(()).ok_or_else(|| format!("{name} is {present} on {owner}"))
}

/// What really runs in the monitors of a machine.
fn runs(world: &World, node: &str, resource: Option<&str>) -> Result<(), String> {
    let machine = world.machines.values().find(|m| m.name == node).ok_or("there is no such machine")?;
    let name = |id: &Guid| world.newest_state().map_or_else(|| id.to_string(), |s| s.resource_name(*id));
    let running: Vec<String> = machine.instances.iter().filter(|(_, i)| i.runs).map(|(id, _)| name(id)).collect();
    let holds = resource.map_or(running.is_empty(), |wanted| running.iter().any(|r| r == wanted));
    let list = if running.is_empty() { "nothing".to_owned() } else { running.join(", ") };
    holds.then_some(()).ok_or_else(|| format!("{node} runs {list}"))
}
