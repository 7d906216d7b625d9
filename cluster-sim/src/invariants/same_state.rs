//! `same_state`: all nodes tell the same replicated notices at the same place of the log, and when everything has settled
//! they have the same state.

use std::collections::BTreeMap;

use cluster_engine::{LogPlace, Notice};

use super::Broken;
use crate::world::{Seen, World};

/// Remembers what was told at each place of the log.
#[derive(Debug, Default)]
pub struct SameState {
    told: BTreeMap<LogPlace, Notice>,
    looked: usize,
}

impl SameState {
    pub(super) fn check(&mut self, world: &World) -> Result<(), Broken> {
        for seen in &world.seen[self.looked.saturating_sub(world.taken)..] {
            let Seen::Notice { node, notice } = seen else { continue };
            let Some(place) = notice.place else { continue };
            let before = self.told.entry(place).or_insert_with(|| notice.clone());
            if before != notice {
                let what = format!("node {node} tells {:?} at {place:?}, another told {:?}", notice.text, before.text);
                return Err(Broken { invariant: "same_state", what });
            }
        }
        self.looked = world.taken + world.seen.len();
        Ok(())
    }

    pub(super) fn check_settled(&self, world: &World) -> Result<(), Broken> {
        let states: Vec<_> = world.machines.keys().filter_map(|id| world.state_of(*id).map(|s| (*id, s))).collect();
        for pair in states.windows(2) {
            if pair[0].1 != pair[1].1 {
                let what = format!(
                    "nodes {} and {} have different states (applied {} and {})",
                    pair[0].0, pair[1].0, pair[0].1.applied, pair[1].1.applied
                );
                return Err(Broken { invariant: "same_state", what });
            }
        }
        Ok(())
    }
}
