//! The service's side of a quorum device: the witness's store, with rules R1, R2, R3 and R6 of docs/witness.md.
//!
//! What the engine asks for is done one after the other, each with a delay of its own. A service that is frozen does
//! nothing of it; what it had given to the device before reaches the device all the same. Every check reads the ownership
//! file; when it names another epoch, or cannot be read, the instance ends at once and nothing is acknowledged.

use std::collections::VecDeque;

use cluster_engine::replica::{Stored, VoterId, Write};
use cluster_engine::{Event, Guid, Millis, NodeId, PeerMessage, Time};

use super::World;
use super::facts::Fact;
use super::happenings::Happening;
use crate::device::Epoch;
use crate::machine::Machine;
use crate::store;

/// A frozen service looks again after so long, world time.
const ASLEEP: Millis = Millis(20);

/// The witness's store as a service holds it.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// Told apart from earlier ones.
    pub number: u64,
    /// The quorum resource.
    pub device: Guid,
    /// Whose store.
    pub voter: VoterId,
    /// The ownership that was taken; `None` before that.
    pub epoch: Option<Epoch>,
    /// Which store of the device it writes to: that of its own epoch.
    store: u64,
    /// Up to where the commits of the store were told to the invariants.
    noted: u64,
    work: VecDeque<Work>,
    is_busy: bool,
}

/// Something to do, in order.
#[derive(Clone, Debug)]
enum Work {
    /// Raise the epoch.
    Raise { round: u64, may_create: bool, copied: Option<Option<Stored>> },
    /// Copy the newest store and open the copy.
    Copy { round: u64, may_create: bool, copied: Option<Option<Stored>> },
    /// Write and flush.
    Flush { n: u64, writes: Vec<Write> },
    /// Check, then say that it is durable.
    Acknowledge { n: u64 },
    /// Check, then send.
    Send { to: NodeId, message: Box<PeerMessage> },
    /// Check.
    Check { stamp: Time },
}

impl World {
    /// `Effect::WitnessTake`.
    pub(super) fn witness_take(&mut self, node: NodeId, round: u64, device: Guid, voter: VoterId, may_create: bool) {
        self.device_of(node, device);
        self.hostings_begun += 1;
        let hosting = Hosting {
            number: self.hostings_begun,
            device,
            voter,
            epoch: None,
            store: 0,
            noted: 0,
            work: VecDeque::from([Work::Raise { round, may_create, copied: None }]),
            is_busy: false,
        };
        let Some(machine) = self.machines.get_mut(&node) else { return };
        machine.hosting = Some(hosting);
        self.witness_next(node);
    }

    /// `Effect::WitnessPersist`.
    pub(super) fn witness_persist(&mut self, node: NodeId, epoch: u64, n: u64, writes: Vec<Write>) {
        self.witness_work(node, epoch, Work::Flush { n, writes });
    }

    /// `Effect::WitnessSend`.
    pub(super) fn witness_send(&mut self, node: NodeId, epoch: u64, to: NodeId, message: PeerMessage) {
        self.witness_work(node, epoch, Work::Send { to, message: Box::new(message) });
    }

    /// `Effect::WitnessCheck`.
    pub(super) fn witness_check(&mut self, node: NodeId, epoch: u64, stamp: Time) {
        self.witness_work(node, epoch, Work::Check { stamp });
    }

    /// `Effect::WitnessEnd`.
    pub(super) fn witness_end(&mut self, node: NodeId) {
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.hosting = None;
        }
    }

    fn witness_work(&mut self, node: NodeId, epoch: u64, work: Work) {
        let hosting = self.machines.get_mut(&node).and_then(|m| m.hosting.as_mut());
        let Some(hosting) = hosting.filter(|h| h.epoch.is_some_and(|e| e.number == epoch)) else { return };
        hosting.work.push_back(work);
        self.witness_next(node);
    }

    /// Begins the next piece of work, or does it on the spot when it takes no time.
    fn witness_next(&mut self, node: NodeId) {
        loop {
            let Some(machine) = self.machines.get(&node) else { return };
            let Some(hosting) = machine.hosting.as_ref().filter(|h| !h.is_busy) else { return };
            let Some(work) = hosting.work.front() else { return };
            let (device, number, incarnation) = (hosting.device, hosting.number, machine.incarnation);
            let is_slow = self.devices.get(&device).is_some_and(|d| d.slow > 0);
            let is_quick = match work {
                Work::Send { .. } | Work::Check { .. } => !is_slow,
                Work::Raise { .. } | Work::Copy { .. } | Work::Flush { .. } | Work::Acknowledge { .. } => false,
            };
            if is_quick {
                self.witness_do(node);
                continue;
            }
            let is_flush = matches!(work, Work::Flush { .. });
            let mut wait = self.access_time(device);
            if is_flush {
                wait = wait.max(Millis(self.device_dice.between(self.weather.disk_min, self.weather.disk_max)));
            }
            if let Some(hosting) = self.machines.get_mut(&node).and_then(|m| m.hosting.as_mut()) {
                hosting.is_busy = true;
            }
            self.later(self.now + wait, Happening::Witness { node, incarnation, number });
            return;
        }
    }

    /// The piece of work that was begun is done.
    pub(super) fn witness_step(&mut self, node: NodeId, number: u64) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (is_awake, incarnation) = (machine.is_awake(), machine.incarnation);
        let Some(hosting) = machine.hosting.as_mut().filter(|h| h.number == number) else { return };
        // A flush is in the hands of the device; all else is done by the process.
        let is_flush = matches!(hosting.work.front(), Some(Work::Flush { .. }));
        if !is_awake && !is_flush {
            return self.later(self.now + ASLEEP, Happening::Witness { node, incarnation, number });
        }
        hosting.is_busy = false;
        self.witness_do(node);
        self.witness_next(node);
    }

    fn witness_do(&mut self, node: NodeId) {
        let rules = self.sabotage;
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (life, lineage) = (machine.incarnation, machine.lineage);
        let Some(hosting) = machine.hosting.as_mut() else { return };
        let Some(work) = hosting.work.pop_front() else { return };
        let (id, epoch, key) = (hosting.device, hosting.epoch, hosting.store);
        let voter = (lineage, hosting.voter);
        let noted = hosting.noted;
        let reaches = self.reaches(node, id);
        let Some(device) = self.devices.get_mut(&id).filter(|_| reaches) else {
            return self.witness_fails(node, &work, "the quorum device cannot be reached");
        };
        let is_owned = epoch.is_some_and(|epoch| device.is_owned(epoch));
        match work {
            Work::Raise { round, may_create, copied: None } if rules.witness_copies_first => {
                let copied = Some(device.newest(voter, u64::MAX).map(|(_, stored)| stored.clone()));
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.work.push_front(Work::Raise { round, may_create, copied });
                }
            }
            Work::Raise { round, may_create, copied } => {
                let number = device.raise(node, life);
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.epoch = Some(Epoch { number, node, life });
                    hosting.work.push_front(Work::Copy { round, may_create, copied });
                }
            }
            Work::Copy { round, may_create, copied } => {
                let Some(Epoch { number, .. }) = epoch.filter(|_| is_owned) else {
                    return self.witness_fails(
                        node,
                        &Work::Copy { round, may_create, copied },
                        "another node has taken the quorum device meanwhile",
                    );
                };
                let newest = device.newest(voter, number).map(|(key, stored)| (key, stored.clone()));
                let former = newest.as_ref().map(|(key, _)| *key).filter(|_| rules.witness_shares_store);
                let stored = copied.unwrap_or(newest.map(|(_, stored)| stored));
                let stored = match stored {
                    Some(stored) => stored,
                    None if may_create => Stored::empty(),
                    None => {
                        self.witness_end(node);
                        let text = format!("there is no store of {} on the device", voter.1);
                        let event = Event::WitnessRefused { round, missing: true, text };
                        return self.hear(node, event);
                    }
                };
                if former.is_none() {
                    device.add_store(voter, number, stored.clone());
                }
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.store = former.unwrap_or(number);
                }
                self.hear(node, Event::WitnessTaken { round, epoch: number, stored: Box::new(stored) });
            }
            Work::Flush { n, writes } => {
                let is_full = device.is_full;
                let stored = device.stores.get_mut(&voter).and_then(|stores| stores.get_mut(&key));
                let Some(stored) = stored.filter(|_| !is_full) else {
                    let text = if is_full { "the quorum device is full" } else { "the store is gone from the device" };
                    return self.witness_fails(node, &Work::Flush { n, writes }, text);
                };
                store::write(stored, &writes);
                // A share keeps places of the log only, so there is nothing to compare but those.
                let has_data = device.kind == cluster_engine::quorum::Witness::Disk;
                let commit = stored.hard.commit;
                let entries: Vec<_> = (noted + 1..=commit)
                    .filter_map(|index| store::entry(stored, index))
                    .map(|e| (e.index, e.term, has_data.then(|| store::digest(e))))
                    .collect();
                for (index, term, digest) in entries {
                    self.facts.push(Fact::Committed { node, lineage, index, term, digest });
                }
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.noted = noted.max(commit);
                    hosting.work.push_front(Work::Acknowledge { n });
                }
            }
            Work::Acknowledge { n } => {
                if !is_owned && !rules.witness_flushes_unchecked && !rules.witness_goes_on {
                    return self.witness_fails(node, &Work::Acknowledge { n }, "another node owns the quorum device");
                }
                let epoch = epoch.map_or(0, |e| e.number);
                self.hear(node, Event::WitnessPersisted { epoch, n });
            }
            Work::Send { to, message } => {
                if !is_owned && !rules.witness_sends_unchecked && !rules.witness_goes_on {
                    let work = Work::Send { to, message };
                    return self.witness_fails(node, &work, "another node owns the quorum device");
                }
                if to == node {
                    self.hear(node, Event::Peer { from: node, message: *message });
                } else {
                    self.send(node, to, *message);
                }
            }
            Work::Check { stamp } => {
                if !is_owned && !rules.witness_check_passes && !rules.witness_goes_on {
                    return self.witness_fails(node, &Work::Check { stamp }, "another node owns the quorum device");
                }
                let epoch = epoch.map_or(0, |e| e.number);
                self.hear(node, Event::WitnessChecked { epoch, stamp });
            }
        }
    }

    /// R6: the instance ends at once, and nothing that waits is done.
    fn witness_fails(&mut self, node: NodeId, work: &Work, text: &str) {
        let Some(hosting) = self.machines.get_mut(&node).and_then(|m| m.hosting.take()) else { return };
        let text = text.to_owned();
        let event = match work {
            Work::Raise { round, .. } | Work::Copy { round, .. } => {
                Event::WitnessRefused { round: *round, missing: false, text }
            }
            Work::Flush { .. } | Work::Acknowledge { .. } | Work::Send { .. } | Work::Check { .. } => {
                Event::WitnessLost { epoch: hosting.epoch.map_or(0, |e| e.number), text }
            }
        };
        self.hear(node, event);
    }

    fn hosting_of(&mut self, node: NodeId) -> Option<&mut Hosting> {
        self.machines.get_mut(&node)?.hosting.as_mut()
    }

    /// The service of this machine hears something in a moment, when the step that is under way has ended.
    fn hear(&mut self, node: NodeId, event: Event) {
        let Some(incarnation) = self.machines.get(&node).map(|m: &Machine| m.incarnation) else { return };
        self.later(self.now, Happening::Heard { node, incarnation, event: Box::new(event) });
    }
}
