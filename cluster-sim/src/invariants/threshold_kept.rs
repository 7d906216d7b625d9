//! `threshold_kept`: within RestartPeriod a resource is restarted no more often than RestartThreshold says, and within
//! FailoverPeriod a group fails over no more often than FailoverThreshold says. Counted in the world's time, from what the
//! cluster tells, until the past of a resource is forgotten because somebody acted or it is in a new place.

use std::collections::{BTreeMap, VecDeque};

use cluster_engine::state::ClusterState;
use cluster_engine::{Lineage, LogPlace, Millis, Subject, Time};

use super::{Broken, Look};
use crate::world::{Seen, World};

/// Cluster time may be ahead of the world's by so much, and comes back to it when another node leads: clocks are off.
const CLOCKS_OFF: Millis = Millis(6_000);

/// Failures are not forgotten for their age within this part of RestartPeriod, even by clocks that race.
const SOON: u64 = 4;

/// Remembers restarts and failovers by name, of each line of descent by itself: where quorum is forced, a past begins that
/// may know less of them, and the former one may go on elsewhere.
#[derive(Debug, Default)]
pub struct ThresholdKept {
    restarts: BTreeMap<(Lineage, String), VecDeque<Time>>,
    failovers: BTreeMap<(Lineage, String), VecDeque<Time>>,
    told: BTreeMap<Lineage, LogPlace>,
    applied: BTreeMap<u32, u64>,
    /// The failures that a machine remembered last, by machine and name.
    known: BTreeMap<(u32, String), VecDeque<Time>>,
}

impl ThresholdKept {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        self.forget(look.world);
        for seen in look.seen {
            let Seen::Notice { node, notice } = seen else { continue };
            let (Some(place), Some(subject)) = (notice.place, &notice.subject) else { continue };
            let Some((lineage, retold)) = look.world.machines.get(node).map(|m| (m.lineage, m.retold)) else {
                continue;
            };
            if place.index <= retold || self.told.get(&lineage).is_some_and(|last| place <= *last) {
                continue;
            }
            self.told.insert(lineage, place);
            let Some(state) = look.world.state_of(*node) else { continue };
            match subject {
                Subject::Resource(name) if notice.text.contains("will be restarted in") => {
                    self.restarted(lineage, name, state, look.world.now)?;
                }
                Subject::Group(name)
                    if notice.text.contains("moving group") && notice.text.contains("Type::Failure") =>
                {
                    self.failed_over(lineage, name, state, look.world.now)?;
                }
                Subject::Resource(_) | Subject::Group(_) | Subject::Node(_) | Subject::ResourceType(_) => {}
            }
        }
        Ok(())
    }

    fn restarted(&mut self, lineage: Lineage, name: &str, state: &ClusterState, now: Time) -> Result<(), Broken> {
        let Some(resource) = state.find_resource(name) else { return Ok(()) };
        let period = Millis(resource.config.restart_period.0.saturating_sub(CLOCKS_OFF.0));
        let threshold = usize::try_from(resource.config.restart_threshold).unwrap_or(usize::MAX);
        let made = self.restarts.entry((lineage, name.to_owned())).or_default();
        count(made, now, period);
        if made.len() > threshold && period.0 > 0 {
            let text =
                format!("'{name}' was restarted {} times within {} ms, threshold {threshold}", made.len(), period.0);
            return Err(Broken::new("threshold_kept", text));
        }
        Ok(())
    }

    fn failed_over(&mut self, lineage: Lineage, name: &str, state: &ClusterState, now: Time) -> Result<(), Broken> {
        let Some(group) = state.find_group(name) else { return Ok(()) };
        let others = u32::try_from(state.nodes.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let threshold = usize::try_from(group.config.failover_threshold.unwrap_or(others)).unwrap_or(usize::MAX);
        let period = Millis(group.config.failover_period.0.saturating_sub(CLOCKS_OFF.0));
        let made = self.failovers.entry((lineage, name.to_owned())).or_default();
        count(made, now, period);
        if made.len() > threshold {
            let text = format!(
                "group '{name}' failed over {} times within {} ms, threshold {threshold}",
                made.len(),
                period.0
            );
            return Err(Broken::new("threshold_kept", text));
        }
        Ok(())
    }

    /// What the cluster has forgotten is forgotten here. Several things may have happened in one step, so a machine may
    /// remember new failures already; that it remembers none of the former ones so soon means that they were forgotten.
    fn forget(&mut self, world: &World) {
        for machine in world.machines.values() {
            let Some(state) = world.state_of(machine.id) else { continue };
            if self.applied.insert(machine.id.0, state.applied) == Some(state.applied) {
                continue;
            }
            for resource in state.resources.values() {
                let name = &resource.config.name;
                let known = self.known.insert((machine.id.0, name.clone()), resource.failures.clone());
                let Some(made) = self.restarts.get_mut(&(machine.lineage, name.clone())) else { continue };
                let is_gone = known.is_some_and(|known| known.iter().all(|at| !resource.failures.contains(at)));
                let soon = Millis(resource.config.restart_period.0 / SOON);
                let is_soon = made.back().is_some_and(|last| world.now.since(*last) < soon);
                if resource.failures.is_empty() || (is_gone && is_soon) {
                    made.clear();
                }
            }
        }
    }
}

fn count(made: &mut VecDeque<Time>, now: Time, period: Millis) {
    made.push_back(now);
    while made.front().is_some_and(|first| now.since(*first) >= period) && made.len() > 1 {
        made.pop_front();
    }
}
