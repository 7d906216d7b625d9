//! `possible_owner`: a resource is brought online only on a node that is a possible owner of it.

use super::{Broken, Look};
use crate::world::facts::Fact;

pub(super) fn check(look: Look<'_>) -> Result<(), Broken> {
    for fact in look.facts {
        let Fact::Called(called) = fact else { continue };
        if called.is_online && !called.is_possible {
            let text = format!("{} comes online on node {}, no possible owner of it", called.resource, called.node);
            return Err(Broken::new("possible_owner", text));
        }
    }
    Ok(())
}
