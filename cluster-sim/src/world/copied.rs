//! A world that begins with a copy of a cluster's state: every node that was a member starts with the same store.

use std::collections::BTreeMap;

use cluster_engine::quorum::Witness;
use cluster_engine::replica::{HardState, SnapshotImage, Stored, Voters};
use cluster_engine::state::{ClusterState, NodeState};
use cluster_engine::{NodeId, Time};

use super::{START, World};
use crate::device::{Device, Terms};
use crate::sabotage::Sabotage;

impl World {
    /// The members of the copy start at once; nodes that were down stay down. Resources are simulated, whatever their
    /// types, and so is the quorum resource, with an empty reservation and a store of the witness that knows the state.
    #[must_use]
    pub fn of_state(seed: u64, state: &ClusterState) -> World {
        let mut world = World::empty(seed, Sabotage::default());
        world.now = START.max(Time(state.at.0 + 1));
        let index = state.applied.max(1);
        let data = postcard::to_stdvec(state).expect("cluster state is serializable");
        let stored = |data: Vec<u8>, voters: &Voters| Stored {
            hard: HardState { term: 1, vote: 0, commit: index },
            snapshot: SnapshotImage { index, term: 1, voters: voters.clone(), data },
            entries: Vec::new(),
        };
        let voters = &state.quorum.voters;
        if let Some(witness) = &state.quorum.witness {
            let terms = if witness.kind == Witness::Disk { Terms::DISK } else { Terms::SHARE };
            let mut device = Device::new(witness.kind, terms);
            let data = if witness.kind == Witness::Disk { data.clone() } else { Vec::new() };
            let epoch = witness.host.map_or(1, |host| host.epoch);
            device
                .stores
                .insert((state.quorum.lineage, witness.voter), BTreeMap::from([(epoch, stored(data, voters))]));
            for _ in 0..epoch {
                // As far as the cluster has agreed on it; nobody of that life is left.
                device.raise(NodeId(0), 0);
            }
            world.devices.insert(witness.resource, device);
        }
        world.next_incarnation = 1 + state.nodes.values().map(|n| n.incarnation).max().unwrap_or(0);
        // Ids of requests must not meet those that the copy remembers.
        for node in state.nodes.values() {
            let mut machine = world.new_machine(node.id, &node.config.name, node.voter, stored(data.clone(), voters));
            machine.lineage = state.quorum.lineage;
            world.machines.insert(node.id, machine);
        }
        let members = state.nodes.values().filter(|n| n.state == NodeState::Up);
        for id in members.map(|n| n.id).collect::<Vec<_>>() {
            world.start(id);
        }
        world
    }
}
