//! `quorum_first`: nothing is brought online or taken offline on a node that holds no lease; without one it only
//! terminates.

use super::{Broken, Look};
use crate::world::facts::Fact;

pub(super) fn check(look: Look<'_>) -> Result<(), Broken> {
    let calls = look.facts.iter().filter_map(|fact| if let Fact::Called(called) = fact { Some(called) } else { None });
    match calls.into_iter().find(|called| !called.is_quorate) {
        Some(called) => {
            let what = if called.is_online { "Online" } else { "Offline" };
            let text =
                format!("{what} of {} was called on node {}, which holds no lease", called.resource, called.node);
            Err(Broken::new("quorum_first", text))
        }
        None => Ok(()),
    }
}
