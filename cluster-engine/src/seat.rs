//! The seat of leadership: by which voter this node leads, when it does.
//!
//! That is its own voter as a rule. It is the witness that it hosts when the disk alone has a vote, and for a moment when
//! only the witness had the newest log: then the witness wins the election and hands over to its host's own voter.

use crate::engine::Engine;
use crate::notice::{Component, Level};
use crate::replica::Replica;

impl Engine {
    /// The voter on this node that leads.
    pub(crate) fn seat(&self) -> Option<&Replica> {
        let own = Some(&self.replica).filter(|r| r.is_leader());
        let witness = self.arbiter.hosted().map(|h| &h.replica).filter(|r| r.is_leader());
        own.into_iter().chain(witness).max_by_key(|r| r.term())
    }

    pub(crate) fn seat_mut(&mut self) -> Option<&mut Replica> {
        let own = Some(&mut self.replica).filter(|r| r.is_leader());
        let witness = self.arbiter.hosted_mut().map(|h| &mut h.replica).filter(|r| r.is_leader());
        own.into_iter().chain(witness).max_by_key(|r| r.term())
    }

    /// Notices that leadership came or went.
    pub(crate) fn keep_seat(&mut self) {
        let present = self.seat().map(|r| (r.id(), r.term()));
        if present == self.led {
            return;
        }
        self.enter_term();
        if let Some((_, led_in)) = self.led {
            self.membership.stepped_down(led_in, self.now);
        }
        self.led = present;
        self.past = None;
        let handed_over = self.duties.handed_over();
        self.drop_duties();
        self.duties.keep_handed_over(handed_over);
        self.requests.send_again();
        if let Some((voter, term)) = present {
            self.time_base = Some((self.state().at.max(self.now), self.now));
            // The last entry of its log is the empty one that a new leader appends, or comes after it.
            self.led_from = self.seat().map(Replica::last_index);
            let how = if voter == self.config.voter { "" } else { " by the witness that it hosts" };
            self.note(Level::Information, Component::Gum, format!("This node leads{how}, term {term}."));
        } else {
            self.time_base = None;
            self.led_from = None;
            self.queue.clear();
        }
        self.beat_now();
    }
}
