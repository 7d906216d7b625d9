//! `acknowledged_is_kept`: what a client was told is done, is done for ever; and every request gets one reply at most.

use std::collections::{BTreeMap, BTreeSet};

use super::Broken;
use crate::world::World;

/// The key below the root of the hive that the storm's clients write to.
pub const KEY: &str = "Storm";

/// Remembers what was acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    pending: BTreeMap<u64, String>,
    kept: BTreeSet<String>,
    replied: BTreeSet<u64>,
}

impl Acknowledged {
    /// A client asked for the value `name` to be written, with this ticket.
    pub fn asked(&mut self, ticket: u64, name: String) {
        self.pending.insert(ticket, name);
    }

    /// A reply came.
    ///
    /// # Errors
    /// When it is the second one.
    pub fn replied(&mut self, ticket: u64, is_ok: bool) -> Result<(), Broken> {
        if !self.replied.insert(ticket) {
            let what = format!("request {ticket} was answered twice");
            return Err(Broken { invariant: "acknowledged_is_kept", what });
        }
        if let Some(name) = self.pending.remove(&ticket).filter(|_| is_ok) {
            self.kept.insert(name);
        }
        Ok(())
    }

    /// How many writes were acknowledged.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn check(&self, world: &World) -> Result<(), Broken> {
        for id in world.machines.keys() {
            let Some(state) = world.state_of(*id) else { continue };
            if let Some(lost) = self.kept.iter().find(|name| state.hive.value(KEY, name).is_none()) {
                let what = format!("the write of '{lost}' was acknowledged and is not on node {id}");
                return Err(Broken { invariant: "acknowledged_is_kept", what });
            }
        }
        Ok(())
    }
}
