//! `one_host`: no resource runs on two machines, and no two resources of a group run on different machines.

use std::collections::BTreeMap;

use cluster_engine::{Guid, NodeId};

use super::{Broken, Look};

/// Remembers when it last looked: nothing can be wrong before something starts or ends.
#[derive(Debug, Default)]
pub struct OneHost {
    looked: u64,
}

impl OneHost {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        let world = look.world;
        if self.looked == world.runs_changed {
            return Ok(());
        }
        self.looked = world.runs_changed;
        let mut hosts: BTreeMap<Guid, NodeId> = BTreeMap::new();
        let groups = world.newest_state();
        for machine in world.machines.values() {
            for id in machine.instances.iter().filter(|(_, i)| i.runs).map(|(id, _)| *id) {
                // Resources of one group share a host; a resource that was deleted meanwhile stands for itself.
                let group = groups.and_then(|s| s.resources.get(&id)).map_or(id, |r| r.group);
                if let Some(other) = hosts.insert(group, machine.id)
                    && other != machine.id
                {
                    let what = format!("group {group} runs on node {other} and node {} at {}", machine.id, world.now.0);
                    return Err(Broken::new("one_host", what));
                }
            }
        }
        Ok(())
    }
}
