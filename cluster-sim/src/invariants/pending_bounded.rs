//! `pending_bounded`: no call is pending for longer than PendingTimeout and DeadlockTimeout together, as long as its node
//! is awake and has quorum.

use std::collections::BTreeMap;

use cluster_engine::state::NodeState;
use cluster_engine::{Guid, Millis, NodeId, Time};

use super::{Broken, Look};
use crate::world::effects::DEADLOCK_TIMEOUT;

/// Looks only so often.
const EVERY: Millis = Millis(200);
/// Time for the report to travel, to be written and to be applied, on slow wires and disks.
const SLACK: Millis = Millis(8_000);

/// Remembers which call is pending since when.
#[derive(Debug, Default)]
pub struct PendingBounded {
    since: BTreeMap<(NodeId, Guid), (u64, Time)>,
    next_look: Time,
}

impl PendingBounded {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        let world = look.world;
        if world.now < self.next_look {
            return Ok(());
        }
        self.next_look = world.now + EVERY;
        for machine in world.machines.values() {
            let engine = machine.engine.as_ref().filter(|e| machine.is_awake() && e.has_state());
            let engine = engine.filter(|e| e.is_quorate(machine.clock(world.now)));
            let state = engine.map(cluster_engine::Engine::state);
            let is_up =
                |n: &cluster_engine::state::Node| n.state == NodeState::Up && n.incarnation == machine.incarnation;
            let Some(state) = state.filter(|s| s.nodes.get(&machine.id).is_some_and(is_up)) else {
                self.since.retain(|(node, _), _| *node != machine.id);
                continue;
            };
            for resource in state.resources.values() {
                let key = (machine.id, resource.id);
                let is_owner = state.groups.get(&resource.group).is_some_and(|g| g.owner == machine.id);
                if !is_owner || !resource.state.has_call() {
                    self.since.remove(&key);
                    continue;
                }
                let entry = self.since.entry(key).or_insert((resource.generation, world.now));
                if entry.0 != resource.generation {
                    *entry = (resource.generation, world.now);
                }
                let of_type = || state.types.get(&resource.config.type_name.to_uppercase());
                let limit = resource.config.pending_timeout.or_else(|| of_type().map(|t| t.config.pending_timeout));
                let limit = Millis(limit.unwrap_or_default().0 + DEADLOCK_TIMEOUT.0 + SLACK.0);
                let waited = world.now.since(entry.1);
                if waited > limit {
                    let text = format!(
                        "'{}' is {} on node {} for {} ms, more than {} ms",
                        resource.config.name,
                        resource.state.name(),
                        machine.id,
                        waited.0,
                        limit.0
                    );
                    return Err(Broken::new("pending_bounded", text));
                }
            }
        }
        Ok(())
    }
}
