//! Is the simulated world at rest? If not, what is under way, in words.

use std::collections::BTreeSet;

use cluster_engine::quorum::{self, Standing, WitnessAccess};
use cluster_engine::state::{ClusterState, DrainStatus, NodeState, Resource, ResourceState};
use cluster_engine::{Engine, NodeId};

use crate::machine::Machine;
use crate::world::World;

/// Does the node run, and is it in contact with a majority?
pub(super) fn is_quorate(world: &World, machine: &Machine) -> bool {
    let own = machine.clock(world.now);
    machine.is_awake() && machine.engine.as_ref().is_some_and(|e| e.is_quorate(own))
}

/// What the part of the cluster that is in quorum believes; `None` while there is none.
pub(super) fn present_state(world: &World) -> Option<&ClusterState> {
    let quorate = world.machines.values().filter(|m| is_quorate(world, m));
    quorate.filter_map(|m| world.state_of(m.id)).max_by_key(|s| s.applied)
}

/// What is under way; `None`: nothing.
pub(super) fn unrest(world: &World) -> Option<String> {
    let outside = |m: &&Machine| !is_quorate(world, m) && m.instances.values().any(|i| i.runs);
    if let Some(machine) = world.machines.values().find(outside) {
        return Some(format!("something still runs on {}, which is not in quorum", machine.name));
    }
    let Some(state) = present_state(world) else {
        return can_be_quorate(world).then(|| "there are enough votes for a quorum, and there is none yet".to_owned());
    };
    let of_nodes = world.machines.values().find_map(|m| node_unrest(world, state, m));
    let of_groups = || {
        let busy = state.groups.values().find(|g| g.moving.is_some() || g.deleting);
        busy.map(|g| format!("group '{}' is on its way", g.config.name))
    };
    let of_resources = || {
        let busy = state.resources.values().find(|r| !is_at_rest(state, r));
        busy.map(|r| format!("'{}' is {}", r.config.name, r.state.name()))
    };
    of_nodes.or_else(of_groups).or_else(of_resources)
}

/// Would all nodes that run together have enough votes? One that has more than the others knows which count.
fn can_be_quorate(world: &World) -> bool {
    let awake = || world.machines.values().filter(|m| m.is_awake());
    let reachable: BTreeSet<NodeId> = awake().map(|m| m.id).collect();
    let states = awake().filter_map(|m| world.state_of(m.id));
    let Some(votes) = states.max_by_key(|s| s.applied).map(ClusterState::votes) else { return false };
    let device = world.newest_state().and_then(|s| s.quorum_resource()).map(|r| r.id);
    let access = match device.is_some_and(|device| reachable.iter().any(|node| world.reaches(*node, device))) {
        true => WitnessAccess::Owned,
        false => WitnessAccess::Unreachable,
    };
    world.cuts.is_empty() && quorum::standing(&votes, &reachable, access) == Standing::Keeps
}

fn node_unrest(world: &World, state: &ClusterState, machine: &Machine) -> Option<String> {
    let name = &machine.name;
    let quorate = is_quorate(world, machine);
    if quorate && world.state_of(machine.id).is_none_or(|own| own.applied != state.applied) {
        return Some(format!("{name} is behind"));
    }
    let node = state.nodes.get(&machine.id)?;
    let is_cut = world.cuts.iter().any(|(a, b)| *a == machine.id || *b == machine.id);
    let comes = machine.is_awake() && machine.engine.as_ref().is_some_and(Engine::has_state) && !is_cut;
    let what = match node.state {
        NodeState::Up if node.leaving => "is leaving",
        NodeState::Up if !quorate => "does not answer and is not down yet",
        NodeState::Up if node.drain == DrainStatus::InProgress => "is being drained",
        NodeState::Down if !node.fenced => "is down and not fenced yet",
        NodeState::Joining | NodeState::Down if quorate || comes => "has not joined yet",
        NodeState::Up | NodeState::Joining | NodeState::Down => return None,
    };
    Some(format!("{name} {what}"))
}

fn is_at_rest(state: &ClusterState, resource: &Resource) -> bool {
    match resource.state {
        ResourceState::Online | ResourceState::Offline | ResourceState::Failed => true,
        // It waits for its node, which is paused or gone.
        ResourceState::WaitingToComeOnline => {
            let owner = state.groups.get(&resource.group).and_then(|g| state.nodes.get(&g.owner));
            owner.is_none_or(|n| n.paused || n.state != NodeState::Up)
        }
        ResourceState::OnlineCallIssued
        | ResourceState::OnlinePending
        | ResourceState::WaitingToGoOffline
        | ResourceState::OfflineCallIssued
        | ResourceState::OfflinePending
        | ResourceState::Terminating
        | ResourceState::DelayRestartingResource => false,
    }
}
