//! `dependency_order`: a resource is brought online only when a provider of each of its sets is online on that node, and
//! taken offline only when nothing that needs it runs there any more.

use super::{Broken, Look};
use crate::world::facts::Fact;

pub(super) fn check(look: Look<'_>) -> Result<(), Broken> {
    for fact in look.facts {
        let Fact::Called(called) = fact else { continue };
        let Some(other) = called.in_the_way else { continue };
        let (resource, node) = (called.resource, called.node);
        let text = match called.is_online {
            true => format!("{resource} comes online on node {node} and its provider {other} is not online there"),
            false => format!("{resource} goes offline on node {node} and {other}, which needs it, still runs there"),
        };
        return Err(Broken::new("dependency_order", text));
    }
    Ok(())
}
