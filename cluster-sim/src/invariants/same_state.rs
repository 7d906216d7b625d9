//! `same_state`: all nodes of a line of descent tell the same replicated notices at the same place of the log, and when
//! everything has settled they have the same state.

use std::collections::BTreeMap;

use cluster_engine::{Lineage, LogPlace, Notice};

use super::{Broken, Look};
use crate::world::{Seen, World};

/// Remembers what was told at each place of the log.
#[derive(Debug, Default)]
pub struct SameState {
    told: BTreeMap<(Lineage, LogPlace), Notice>,
}

impl SameState {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        for seen in look.seen {
            let Seen::Notice { node, notice } = seen else { continue };
            let Some(place) = notice.place else { continue };
            let lineage = look.world.machines.get(node).map(|m| m.lineage).unwrap_or_default();
            let before = self.told.entry((lineage, place)).or_insert_with(|| notice.clone());
            if before != notice {
                let what = format!("node {node} tells {:?} at {place:?}, another told {:?}", notice.text, before.text);
                return Err(Broken::new("same_state", what));
            }
        }
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
                return Err(Broken::new("same_state", what));
            }
        }
        Ok(())
    }
}
