//! Who has reserved a device: the rules of reference 07.4 as the built-in resource types keep them, for virtual time.
//!
//! The holder raises a counter in the record once per interval. A challenger only watches: when the counter stands still
//! for more than two intervals and a third, the holder is dead or cut off, and the challenger takes the device. A holder
//! that could not defend for two intervals counts itself as the loser, before anybody can have taken the device from it.
//! Every change names the serial number of the record that it was decided on, and is refused when that is not the present
//! one.

use cluster_engine::NodeId;

/// How often a challenger looks within one interval, and how often a defence that failed is tried again.
pub const LOOKS_PER_INTERVAL: u64 = 5;

/// How a device is fought for, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The owner defends once per interval.
    pub interval: u64,
    /// A challenger watches a holder for so long at the least.
    pub least_wait: u64,
}

impl Terms {
    /// Of a disk in a lab: a challenger waits 350 ms.
    pub const DISK: Terms = Terms { interval: 150, least_wait: 0 };
    /// Of a share in a lab: ArbitrationDelayMs 300.
    pub const SHARE: Terms = Terms { interval: 100, least_wait: 300 };

    /// How long the record has to stand still before the holder counts as dead.
    #[must_use]
    pub fn wait(self) -> u64 {
        self.interval.saturating_mul(7).div_ceil(3).max(self.least_wait)
    }
}

/// The record on the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Raised with every write.
    pub serial: u64,
    /// Who has it.
    pub holder: Option<Holder>,
}

/// Who has the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The machine.
    pub node: NodeId,
    /// Which life of its service the monitor belongs to that won it.
    pub life: u64,
    /// The serial number with which it won: differs for every reign.
    pub reign: u64,
    /// Raised with each defence.
    pub defence: u64,
}

impl Record {
    /// Makes this life the holder, if nobody wrote since `decided_on`. The reign's number.
    pub fn take(&mut self, node: NodeId, life: u64, decided_on: u64) -> Option<u64> {
        if self.serial != decided_on {
            return None;
        }
        self.serial += 1;
        self.holder = Some(Holder { node, life, reign: self.serial, defence: 0 });
        Some(self.serial)
    }

    /// Raises the defence counter of a reign. False: the reign is over.
    pub fn defend(&mut self, reign: u64) -> bool {
        match &mut self.holder {
            Some(holder) if holder.reign == reign => {
                holder.defence += 1;
                self.serial += 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Ends a reign, if it is the present one.
    pub fn release(&mut self, reign: u64) {
        if self.holder.is_some_and(|h| h.reign == reign) {
            self.holder = None;
            self.serial += 1;
        }
    }

    /// Takes the device from whoever has it, for nobody: somebody broke the reservation.
    pub fn clear(&mut self) {
        self.holder = None;
        self.serial += 1;
    }
}

/// What a challenger does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take the device now.
    Take,
    /// Look again after so many ms.
    Wait(u64),
    /// The holder is alive: it defended while it was being watched, or somebody else was faster.
    Refused(NodeId),
}

/// One attempt to get a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    node: NodeId,
    life: u64,
    watched: Option<(Holder, u64)>,
}

impl Challenge {
    /// By this life of a machine.
    #[must_use]
    pub fn new(node: NodeId, life: u64) -> Challenge {
        Challenge { node, life, watched: None }
    }

    /// Is a holder being watched?
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.watched.is_some()
    }

    /// Judges the record as it was read at `now`, a time of the challenger's own steady clock, ms.
    pub fn look(&mut self, now: u64, record: &Record, terms: Terms) -> Step {
        // What an earlier life of this machine held is given up with it.
        let Some(holder) = record.holder.filter(|h| h.node != self.node || h.life == self.life) else {
            return Step::Take;
        };
        if holder.node == self.node {
            return Step::Take;
        }
        let (seen, since) = *self.watched.get_or_insert((holder, now));
        if seen != holder {
            return Step::Refused(holder.node);
        }
        let waited = now.saturating_sub(since);
        if waited <= terms.wait() {
            let look = (terms.interval / LOOKS_PER_INTERVAL).max(1);
            return Step::Wait(look.min(terms.wait() - waited + 1));
        }
        Step::Take
    }
}

/// The holder's own watch over its promise to defend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defence {
    /// The reign that it belongs to.
    pub reign: u64,
    /// The holder's steady clock when the last defence that reached the device was begun, ms.
    pub last: u64,
}

impl Defence {
    /// Is the last defence so long ago that somebody else may have taken the device?
    #[must_use]
    pub fn is_lost(&self, now: u64, terms: Terms) -> bool {
        now.saturating_sub(self.last) > terms.interval.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: NodeId = NodeId(1);
    const N2: NodeId = NodeId(2);

    #[test]
    fn a_challenger_waits_two_intervals_and_a_third() {
        assert_eq!(Terms { interval: 3_000, least_wait: 0 }.wait(), 7_000);
        assert_eq!(Terms::DISK.wait(), 350);
        assert_eq!(Terms::SHARE.wait(), 300);
    }

    /// Plays a challenge of n2 against a holder n1 that defends at these times. When and how it ends.
    fn challenge(defends_at: &[u64]) -> (u64, Step) {
        let mut record = Record::default();
        let reign = record.take(N1, 1, 0).expect("it was free");
        let mut challenge = Challenge::new(N2, 2);
        let mut now = 0;
        loop {
            let step = challenge.look(now, &record, Terms::DISK);
            let Step::Wait(ms) = step else { return (now, step) };
            if defends_at.iter().any(|at| (now..now + ms).contains(at)) {
                assert!(record.defend(reign));
            }
            now += ms;
        }
    }

    #[test]
    fn a_live_holder_keeps_the_device_and_a_dead_one_loses_it() {
        assert_eq!(challenge(&[]), (351, Step::Take));
        assert_eq!(challenge(&[149]), (150, Step::Refused(N1)));
        let (at, step) = challenge(&[340]);
        assert_eq!(step, Step::Refused(N1), "at {at}");
    }

    #[test]
    fn a_holder_counts_itself_as_the_loser_before_anybody_can_take_the_device() {
        let defence = Defence { reign: 1, last: 1_000 };
        let lost_at = (1_000..).find(|now| defence.is_lost(*now, Terms::DISK)).expect("at some time");
        assert_eq!(lost_at, 1_301);
        assert!(lost_at < 1_000 + Terms::DISK.wait());
    }

    #[test]
    fn a_change_that_was_decided_on_an_older_record_is_refused() {
        let mut record = Record::default();
        assert!(record.take(N1, 1, 0).is_some());
        assert_eq!(record.take(N2, 2, 0), None);
        let reign = record.take(N2, 2, 1).expect("decided on the present one");
        assert!(!record.defend(1), "the former reign is over");
        record.release(1);
        assert!(record.defend(reign), "a release of a former reign does nothing");
        assert_eq!(
            Challenge::new(N2, 3).look(0, &record, Terms::DISK),
            Step::Take,
            "an earlier life of the same machine"
        );
    }
}
