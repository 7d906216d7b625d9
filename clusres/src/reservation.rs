//! Who owns a shared disk: persistent reservations as a pure state machine (reference 07.4). No clock, file or thread in
//! here; [`crate::reservation_store`] keeps the record, [`crate::ownership`] lends time and threads.
//!
//! Every node that wants the disk registers a key. One registrant may reserve it and becomes the *holder*. The holder
//! defends: it raises a counter in the record once per interval. A challenger cannot ask the holder, it can only watch:
//! when the counter stands still for more than twice the interval, the holder is dead or cut off, and the challenger
//! preempts it. Three rules make that safe:
//!
//! 1. Clocks are never compared. The challenger measures, on its own clock, how long the record did not change.
//! 2. A holder that could not defend for two intervals counts itself as the loser ([`Defence::is_lost`]), before
//!    the earliest moment at which a challenger may preempt ([`challenge_wait_ms`]).
//! 3. Taking, defending and preempting name the record they were decided on; the store refuses a change that was decided
//!    on an older one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often a challenger looks at the record while it waits, in parts of the defence interval.
const LOOKS_PER_INTERVAL: u64 = 5;

/// One life of one node's disk resource. The key differs from that of every other life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    /// The name of the node.
    pub(crate) node: String,
    /// The registration key of this life.
    pub(crate) key: u64,
}

/// The record on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    /// Raised with every change of the registrations or of the holder; never by a mere defence.
    pub(crate) generation: u64,
    /// The key that each node registered.
    pub(crate) registrations: BTreeMap<String, u64>,
    /// Who has the disk.
    pub(crate) holder: Option<Holder>,
}

/// The registrant that has the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Its node.
    pub(crate) node: String,
    /// Its registration key.
    pub(crate) key: u64,
    /// The generation in which it took the disk: differs for every reign.
    pub(crate) reign: u64,
    /// Raised with each defence.
    pub(crate) defence: u64,
    /// How often it promises to defend, in milliseconds.
    pub(crate) interval_ms: u64,
}

/// Why a change of the reservation is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another registrant holds the disk.
    HeldBy(Holder),
    /// The caller is not registered (any more): it was preempted.
    NotRegistered,
    /// Nobody holds the disk, or not the one that the caller named.
    HolderChanged,
}

impl Reservation {
    /// Registers the key of `me`. An older key of the same node is replaced, and what that key held is given up: it
    /// belongs to a former life of this node's resource.
    pub(crate) fn register(&mut self, me: &Contender) {
        if self.registrations.get(&me.node) == Some(&me.key) {
            return;
        }
        if self.holder.as_ref().is_some_and(|holder| holder.node == me.node) {
            self.holder = None;
        }
        self.registrations.insert(me.node.clone(), me.key);
        self.generation += 1;
    }

    /// Makes `me` the holder of a disk that nobody else holds.
    pub(crate) fn reserve(&mut self, me: &Contender, interval_ms: u64) -> Result<(), Refused> {
        if !self.is_registered(me) {
            return Err(Refused::NotRegistered);
        }
        match &self.holder {
            Some(holder) if holder.is(me) => Ok(()),
            Some(holder) => Err(Refused::HeldBy(holder.clone())),
            None => {
                self.generation += 1;
                self.holder = Some(Holder {
                    node: me.node.clone(),
                    key: me.key,
                    reign: self.generation,
                    defence: 0,
                    interval_ms,
                });
                Ok(())
            }
        }
    }

    /// Raises the defence counter.
    pub(crate) fn defend(&mut self, me: &Contender) -> Result<(), Refused> {
        match &mut self.holder {
            Some(holder) if holder.is(me) => {
                holder.defence += 1;
                Ok(())
            }
            Some(holder) => Err(Refused::HeldBy(holder.clone())),
            None => Err(Refused::HolderChanged),
        }
    }

    /// Throws out `victim`, exactly as it was seen, removes its registration and makes `me` the holder.
    pub(crate) fn preempt(&mut self, me: &Contender, victim: &Holder, interval_ms: u64) -> Result<(), Refused> {
        if !self.is_registered(me) {
            return Err(Refused::NotRegistered);
        }
        if self.holder.as_ref() != Some(victim) {
            return Err(Refused::HolderChanged);
        }
        self.registrations.remove(&victim.node);
        self.holder = None;
        self.reserve(me, interval_ms)
    }

    /// Gives up what `me` has: the reservation and the registration. Does nothing to what others have.
    pub(crate) fn release(&mut self, me: &Contender) {
        if self.holder.as_ref().is_some_and(|holder| holder.is(me)) {
            self.holder = None;
            self.generation += 1;
        }
        if self.is_registered(me) {
            self.registrations.remove(&me.node);
            self.generation += 1;
        }
    }

    /// Whether `me` holds the disk.
    pub(crate) fn is_held_by(&self, me: &Contender) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is(me))
    }

    fn is_registered(&self, me: &Contender) -> bool {
        self.registrations.get(&me.node) == Some(&me.key)
    }
}

impl Holder {
    fn is(&self, me: &Contender) -> bool {
        self.node == me.node && self.key == me.key
    }
}

/// How long the record has to stand still before the holder counts as dead, in milliseconds: two intervals and a third,
/// 7 s for the usual 3 s (reference 07.4: more than twice the renew time; later systems 6 to 7 s).
pub(crate) fn challenge_wait_ms(interval_ms: u64) -> u64 {
    interval_ms.saturating_mul(7).div_ceil(3)
}

/// One attempt to get the disk. Feed it each look at the record until it says something other than [`Step::Wait`].
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    me: Contender,
    interval_ms: u64,
    least_wait_ms: u64,
    watched: Option<(Holder, u64)>,
}

/// What a challenger does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write this record; when the store takes it, the disk is ours.
    Take(Reservation),
    /// Look again after so many milliseconds.
    Wait(u64),
    /// The holder is alive: it defended while it was being watched, or somebody else was faster.
    Refused(Holder),
}

impl Challenge {
    /// A challenge by `me`, which will defend once per `interval_ms` after winning. A holder is watched for at least
    /// `least_wait_ms`, and as long as its own interval demands.
    pub(crate) fn new(me: Contender, interval_ms: u64, least_wait_ms: u64) -> Challenge {
        Challenge { me, interval_ms, least_wait_ms, watched: None }
    }

    /// For how long this holder is watched before it counts as dead, in milliseconds.
    pub(crate) fn wait_ms(&self, holder: &Holder) -> u64 {
        challenge_wait_ms(holder.interval_ms.max(self.interval_ms)).max(self.least_wait_ms)
    }

    /// Judges the record as it was read at `now_ms`, a time of the challenger's own steady clock.
    pub(crate) fn look(&mut self, now_ms: u64, record: &Reservation) -> Step {
        let mut wanted = record.clone();
        wanted.register(&self.me);
        let Some(holder) = wanted.holder.clone() else {
            return match wanted.reserve(&self.me, self.interval_ms) {
                Ok(()) => Step::Take(wanted),
                Err(refused) => unreachable_refusal(refused),
            };
        };
        if holder.is(&self.me) {
            return Step::Take(wanted);
        }
        let (seen, since_ms) = self.watched.get_or_insert_with(|| (holder.clone(), now_ms));
        if *seen != holder {
            return Step::Refused(holder);
        }
        let waited_ms = now_ms.saturating_sub(*since_ms);
        let wait_ms = self.wait_ms(&holder);
        if waited_ms <= wait_ms {
            let look_ms = (self.interval_ms / LOOKS_PER_INTERVAL).max(1);
            return Step::Wait(look_ms.min(wait_ms - waited_ms + 1));
        }
        match wanted.preempt(&self.me, &holder, self.interval_ms) {
            Ok(()) => Step::Take(wanted),
            Err(refused) => unreachable_refusal(refused),
        }
    }
}

/// `look` registers before it takes, and names the holder that it has just read.
fn unreachable_refusal(refused: Refused) -> Step {
    panic!("a registered challenger was refused its own record: {refused:?}")
}

/// The holder's own watch over its promise to defend.
#[derive(Clone, Debug)]
pub(crate) struct Defence {
    interval_ms: u64,
    last_ms: u64,
}

impl Defence {
    /// Starts with the moment at which the winning record was *about to be* written.
    pub(crate) fn new(interval_ms: u64, now_ms: u64) -> Defence {
        Defence { interval_ms, last_ms: now_ms }
    }

    /// When the next defence is due.
    pub(crate) fn due_ms(&self) -> u64 {
        self.last_ms.saturating_add(self.interval_ms)
    }

    /// When the last defence began.
    pub(crate) fn defended_ms(&self) -> u64 {
        self.last_ms
    }

    /// A defence that was begun at `begun_ms` reached the disk.
    pub(crate) fn defended(&mut self, begun_ms: u64) {
        self.last_ms = self.last_ms.max(begun_ms);
    }

    /// Whether the last defence is so long ago that somebody else may have preempted.
    pub(crate) fn is_lost(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.last_ms) > self.interval_ms.saturating_mul(2)
    }
}

#[cfg(test)]
#[path = "reservation_tests.rs"]
mod tests;
