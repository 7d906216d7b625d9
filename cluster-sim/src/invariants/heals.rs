//! `heals`: when the faults have ended, everything that is wanted runs again where it should, within a minute.

use std::fmt::Write as _;

use cluster_engine::NodeId;
use cluster_engine::state::{ClusterState, GroupState, NodeState, Resource, ResourceState};

use crate::world::World;

/// What is not at rest, in words; empty: everything has settled.
#[must_use]
pub fn unsettled(world: &World) -> String {
    let mut what = String::new();
    let Some(newest) = world.newest_state() else { return "no node has a state".to_owned() };
    for machine in world.machines.values() {
        let Some(state) = world.state_of(machine.id) else {
            let _ = write!(what, "node {} has no state; ", machine.id);
            continue;
        };
        if state.applied != newest.applied {
            let _ = write!(what, "node {} is behind ({} of {}); ", machine.id, state.applied, newest.applied);
        }
        let is_quorate = machine.engine.as_ref().is_some_and(|e| e.is_quorate(machine.clock(world.now)));
        if !is_quorate {
            let _ = write!(what, "node {} holds no lease; ", machine.id);
        }
    }
    for node in newest.nodes.values().filter(|n| n.state != NodeState::Up) {
        let _ = write!(what, "node {} is {:?}; ", node.id, node.state);
    }
    for group in newest.groups.values().filter(|g| g.moving.is_some()) {
        let _ = write!(what, "group {} is moving; ", group.config.name);
    }
    for resource in newest.resources.values() {
        unsettled_resource(world, newest, resource, &mut what);
    }
    what
}

fn unsettled_resource(world: &World, newest: &ClusterState, resource: &Resource, what: &mut String) {
    let group = newest.groups.get(&resource.group);
    let on_paused = group.and_then(|g| newest.nodes.get(&g.owner)).is_some_and(|n| n.paused);
    let name = &resource.config.name;
    let at_rest = match resource.state {
        ResourceState::Online | ResourceState::Offline | ResourceState::Failed => true,
        // Waits for its provider, which failed for good, or for the node, which is paused.
        ResourceState::WaitingToComeOnline => on_paused,
        ResourceState::OnlineCallIssued
        | ResourceState::OnlinePending
        | ResourceState::WaitingToGoOffline
        | ResourceState::OfflineCallIssued
        | ResourceState::OfflinePending
        | ResourceState::Terminating
        | ResourceState::DelayRestartingResource => false,
    };
    let group_failed = group.is_some_and(|g| newest.group_state(g.id) == GroupState::Failed);
    let wanted = newest.is_wanted(resource) && !on_paused && !group_failed;
    let runs = resource.state == ResourceState::Online;
    let chain_is_wanted = resource
        .config
        .dependencies
        .providers()
        .all(|p| newest.resources.get(&p).is_some_and(|p| p.state == ResourceState::Online));
    if !at_rest || (wanted && chain_is_wanted && !runs) {
        let _ = write!(what, "{name} is {}; ", resource.state.name());
    }
    let host = world.machines.values().find(|m| m.instances.get(&resource.id).is_some_and(|i| i.runs));
    let host = host.map(|m| m.id);
    if host != runs.then(|| group.map_or(NodeId(0), |g| g.owner)) {
        let _ = write!(what, "{name} is shown as {} but runs on {host:?}; ", resource.state.name());
    }
}
