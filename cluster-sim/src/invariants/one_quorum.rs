//! `one_quorum`: never two quorate sides, unless quorum was forced. Within one line of descent no place of the log is
//! committed with two different entries, and no two nodes lead in the same term.

use std::collections::BTreeMap;

use cluster_engine::Lineage;
use cluster_engine::replica::VoterId;

use super::{Broken, Look};
use crate::world::facts::Fact;

/// What is known of a committed entry: its term, and a digest of it where one was seen.
type Entry = Option<(u64, Option<u64>)>;

/// Remembers every committed entry and every leader.
#[derive(Debug, Default)]
pub struct OneQuorum {
    committed: BTreeMap<Lineage, Vec<Entry>>,
    leaders: BTreeMap<(Lineage, u64), VoterId>,
}

impl OneQuorum {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        for fact in look.facts {
            match *fact {
                Fact::Committed { node, lineage, index, term, digest } => {
                    let log = self.committed.entry(lineage).or_default();
                    let at = usize::try_from(index).unwrap_or(usize::MAX);
                    if log.len() <= at {
                        log.resize(at + 1, None);
                    }
                    let known = log[at].get_or_insert((term, digest));
                    known.1 = known.1.or(digest);
                    if known.0 != term || (digest.is_some() && known.1 != digest) {
                        let text = format!(
                            "entry {index} is committed on node {node} with term {term} and was committed with term {}{}",
                            known.0,
                            if known.0 == term { " and other contents" } else { "" }
                        );
                        return Err(Broken::new("one_quorum", text));
                    }
                }
                Fact::Leads { voter, lineage, term } => {
                    let leader = *self.leaders.entry((lineage, term)).or_insert(voter);
                    if leader != voter {
                        let text = format!("{voter} leads in term {term}, in which {leader} led");
                        return Err(Broken::new("one_quorum", text));
                    }
                }
                Fact::Asked { .. } | Fact::Called(_) => {}
            }
        }
        Ok(())
    }
}
