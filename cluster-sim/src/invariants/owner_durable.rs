//! `owner_durable`: ownership that a node acted on survives. Nodes act for a group in the order of the log: when another
//! node acts for it, it does so by a later entry than the one before, whatever crashed meanwhile.

use std::collections::BTreeMap;

use cluster_engine::{Guid, Lineage, NodeId};

use super::{Broken, Look};
use crate::world::facts::Fact;

/// Remembers who acted last for each group, and by which entry.
#[derive(Debug, Default)]
pub struct OwnerDurable {
    acted: BTreeMap<(Lineage, Guid), (u64, NodeId)>,
}

impl OwnerDurable {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        for fact in look.facts {
            let Fact::Called(called) = fact else { continue };
            if !called.is_online {
                continue;
            }
            let group = called.group;
            let (index, node) = (called.applied, called.node);
            let last = self.acted.entry((called.lineage, group)).or_insert((index, node));
            if last.1 != node && index <= last.0 {
                let text = format!(
                    "node {node} acts for group {group} at entry {index}, node {} did so at entry {} before",
                    last.1, last.0
                );
                return Err(Broken::new("owner_durable", text));
            }
            *last = (index.max(last.0), node);
        }
        Ok(())
    }
}
