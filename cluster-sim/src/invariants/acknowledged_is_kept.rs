//! `acknowledged_is_kept`: what a client was told is done, is done for ever, and whoever reads through the log afterwards
//! sees it. Forced quorum is the one exception: it may lose what others acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::Lineage;
use cluster_engine::state::ClusterState;

use super::{Broken, Look};
use crate::world::{Seen, World};

/// The key below the root of the hive that clients of scenarios write to, and below which those of storms do.
pub const KEY: &str = "Storm";

/// The key to which a storm's client writes the value of this number, and its name. Not all to one key: to change a key
/// with thousands of values takes long.
#[must_use]
pub fn place(number: u64) -> (String, String) {
    let (outer, inner) = (number / 1_024, number / 32);
    (format!("{KEY}\\{outer}\\{inner}"), format!("v{number}"))
}

/// Is the value there?
fn has(state: &ClusterState, name: &str) -> bool {
    match name.strip_prefix('v').and_then(|number| number.parse().ok()).map(place) {
        Some((key, name)) => state.hive.value(&key, &name).is_some(),
        None => state.hive.value(KEY, name).is_some(),
    }
}

/// Remembers what was acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    pending: BTreeMap<u64, String>,
    kept: BTreeSet<String>,
    /// In order, so that a reader can say how many there were when it began.
    order: Vec<String>,
    reads: BTreeMap<u64, usize>,
    read: usize,
    lineage: Lineage,
    forced: u64,
}

impl Acknowledged {
    /// A client asked for the value `name` to be written, with this ticket.
    pub fn asked(&mut self, ticket: u64, name: String) {
        self.pending.insert(ticket, name);
    }

    /// A client asked for a read through the log, with this ticket.
    pub fn asked_to_read(&mut self, ticket: u64) {
        self.reads.insert(ticket, self.order.len());
    }

    /// How many writes were acknowledged.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept.len()
    }

    /// How many reads were answered.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.read
    }

    pub(super) fn check_replies(&mut self, look: Look<'_>) -> Result<(), Broken> {
        if self.forced != look.world.forced {
            // A new line of descent. What the former one acknowledged may be gone, and nothing of it counts any more.
            self.forced = look.world.forced;
            self.lineage = look.world.machines.values().map(|m| m.lineage).max().unwrap_or_default();
            self.kept.clear();
            self.order.clear();
            self.reads.clear();
        }
        for seen in look.seen {
            let Seen::Reply { node, ticket, result } = seen else { continue };
            let is_line = look.world.machines.get(node).is_some_and(|m| m.lineage == self.lineage);
            let name = self.pending.remove(ticket);
            let read = self.reads.remove(ticket);
            if result.is_err() || !is_line {
                continue;
            }
            if let Some(name) = name {
                self.kept.insert(name.clone());
                self.order.push(name);
            }
            let (Some(count), Some(state)) = (read, look.world.state_of(*node)) else { continue };
            self.read += 1;
            // The last ones are those that may be missing.
            let recent = self.order.iter().take(count).rev().take(32);
            if let Some(lost) = recent.into_iter().find(|name| !has(state, name)) {
                let text = format!("a read at node {node} does not see '{lost}', which was acknowledged before it");
                return Err(Broken::new("acknowledged_is_kept", text));
            }
        }
        Ok(())
    }

    pub(super) fn check(&self, world: &World) -> Result<(), Broken> {
        for id in world.machines.keys() {
            let Some(state) = world.state_of(*id) else { continue };
            if let Some(lost) = self.kept.iter().find(|name| !has(state, name)) {
                let what = format!("the write of '{lost}' was acknowledged and is not on node {id}");
                return Err(Broken::new("acknowledged_is_kept", what));
            }
        }
        Ok(())
    }
}
