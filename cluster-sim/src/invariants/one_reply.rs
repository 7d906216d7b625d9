//! `one_reply`: a client gets exactly one reply to each request, as long as the node that it asked lives.

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::{CLIENT_TIMEOUT, Millis, NodeId, Time};

use super::{Broken, Look};
use crate::world::facts::Fact;
use crate::world::{Seen, World};

/// A reply may be so much later than the client's own time-out.
const SLACK: Millis = Millis(3_000);

/// Remembers who waits for what.
#[derive(Debug, Default)]
pub struct OneReply {
    waiting: BTreeMap<u64, (NodeId, u64, Time)>,
    answered: BTreeSet<u64>,
    next_look: Time,
}

impl OneReply {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        for fact in look.facts {
            if let Fact::Asked { node, incarnation, ticket } = *fact {
                self.waiting.insert(ticket, (node, incarnation, look.world.now));
            }
        }
        for seen in look.seen {
            let Seen::Reply { ticket, .. } = seen else { continue };
            self.waiting.remove(ticket);
            if !self.answered.insert(*ticket) {
                return Err(Broken::new("one_reply", format!("request {ticket} was answered twice")));
            }
        }
        if look.world.now < self.next_look {
            return Ok(());
        }
        self.next_look = look.world.now + Millis(500);
        self.check_settled(look.world)
    }

    pub(super) fn check_settled(&mut self, world: &World) -> Result<(), Broken> {
        // A service that is gone answers nobody.
        self.waiting.retain(|_, (node, incarnation, _)| {
            world.machines.get(node).is_some_and(|m| m.incarnation == *incarnation && m.engine.is_some())
        });
        for (ticket, (node, _, asked)) in &self.waiting {
            let Some(machine) = world.machines.get(node).filter(|m| m.is_awake()) else { continue };
            let since = (*asked).max(machine.awake_since);
            if world.now.since(since) > Millis(CLIENT_TIMEOUT.0 + SLACK.0) {
                let waited = world.now.since(since).0;
                let text = format!("request {ticket} to node {node} has no answer after {waited} ms");
                return Err(Broken::new("one_reply", text));
            }
        }
        Ok(())
    }
}
