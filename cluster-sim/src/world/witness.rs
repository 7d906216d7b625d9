//! The service's side of a quorum device: the witness's store, with rules R1, R2, R3 and R6 of docs/witness.md.
//!
//! What waits is done together, as the service does it: everything is written with one flush, then the ownership is read
//! anew, and only then is anything said. Each of the two takes the device a while. A service that is frozen does nothing of
//! it; what it had given to the device before reaches the device all the same. When the ownership file names another epoch,
//! or cannot be read, the instance ends at once and nothing is acknowledged.

use std::collections::VecDeque;

use cluster_engine::replica::{Stored, VoterId, Write};
use cluster_engine::{Event, Guid, Millis, NodeId, PeerMessage, Time};

use super::World;
use super::facts::Fact;
use super::happenings::Happening;
use crate::device::Epoch;
use crate::machine::Machine;
use crate::sabotage::Sabotage;
use crate::store;

/// A frozen service looks again after so long, world time.
const ASLEEP: Millis = Millis(20);
/// A store is copied with so many accesses to the device: read, written, renamed, opened.
const COPY_ACCESSES: u64 = 4;

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
    batch: Option<Batch>,
    is_busy: bool,
}

/// What is done together.
#[derive(Clone, Debug)]
struct Batch {
    works: Vec<Work>,
    /// It is on the device, if there was anything to write; the check is what is missing.
    is_written: bool,
}

/// Something to do, in order.
#[derive(Clone, Debug)]
enum Work {
    /// Raise the epoch.
    Raise { round: u64, may_create: bool, copied: Option<Option<Stored>> },
    /// Copy the newest store and open the copy.
    Copy { round: u64, may_create: bool, copied: Option<Option<Stored>> },
    /// Write, check, then say that it is durable.
    Flush { n: u64, writes: Vec<Write> },
    /// Check, then send.
    Send { to: NodeId, message: Box<PeerMessage> },
    /// Check.
    Check { stamp: Time },
}

impl Work {
    fn is_flush(&self) -> bool {
        matches!(self, Work::Flush { .. })
    }

    /// Is the check before it taken out?
    fn is_unchecked(&self, rules: Sabotage) -> bool {
        let is_out = match self {
            Work::Raise { .. } | Work::Copy { .. } => false,
            Work::Flush { .. } => rules.witness_flushes_unchecked,
            Work::Send { .. } => rules.witness_sends_unchecked,
            Work::Check { .. } => rules.witness_check_passes,
        };
        is_out || rules.witness_goes_on
    }
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
            batch: None,
            is_busy: false,
        };
        self.witness_end(node);
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
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let lineage = machine.lineage;
        let Some(hosting) = machine.hosting.take() else { return };
        // A write that was begun is not taken back: the thread that writes hears of the end afterwards.
        let begun = hosting.batch.filter(|batch| hosting.is_busy && !batch.is_written);
        if let Some(batch) = begun.filter(|_| self.reaches(node, hosting.device)) {
            let stores = self.devices.get_mut(&hosting.device).filter(|d| !d.is_full).map(|d| &mut d.stores);
            let stored = stores.and_then(|s| s.get_mut(&(lineage, hosting.voter))?.get_mut(&hosting.store));
            if let Some(stored) = stored {
                write_all(stored, &batch.works);
            }
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
            let Some(machine) = self.machines.get_mut(&node) else { return };
            let incarnation = machine.incarnation;
            let Some(hosting) = machine.hosting.as_mut().filter(|h| !h.is_busy) else { return };
            let is_take = matches!(hosting.work.front(), Some(Work::Raise { .. } | Work::Copy { .. }));
            let is_copy = matches!(hosting.work.front(), Some(Work::Copy { .. } | Work::Raise { copied: Some(_), .. }));
            if hosting.batch.is_none() && !is_take && !hosting.work.is_empty() {
                let works = Vec::from(std::mem::take(&mut hosting.work));
                let is_written = !works.iter().any(Work::is_flush);
                hosting.batch = Some(Batch { works, is_written });
            }
            if hosting.batch.is_none() && !is_take {
                return;
            }
            let (device, number, batch) = (hosting.device, hosting.number, hosting.batch.as_ref());
            let is_flush = batch.is_some_and(|b| !b.is_written);
            let has_flush = batch.is_some_and(|b| b.works.iter().any(Work::is_flush));
            let is_slow = self.devices.get(&device).is_some_and(|d| d.slow > 0);
            if !is_take && !has_flush && !is_slow {
                self.witness_do(node);
                continue;
            }
            let mut wait = self.access_time(device);
            if is_copy {
                wait = Millis(wait.0 + (1..COPY_ACCESSES).map(|_| self.access_time(device).0).sum::<u64>());
            }
            if is_flush {
                wait = wait.max(Millis(self.device_dice.between(self.weather.disk_min, self.weather.disk_max)));
            }
            if let Some(hosting) = self.hosting_of(node) {
                hosting.is_busy = true;
            }
            return self.later(self.now + wait, Happening::Witness { node, incarnation, number });
        }
    }

    /// The piece of work that was begun is done.
    pub(super) fn witness_step(&mut self, node: NodeId, number: u64) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (is_awake, incarnation) = (machine.is_awake(), machine.incarnation);
        let Some(hosting) = machine.hosting.as_mut().filter(|h| h.number == number) else { return };
        // A flush is in the hands of the device, or the process was stopped just before it and writes when it wakes up; all
        // else is done by the process.
        let is_given = hosting.batch.as_ref().is_some_and(|b| !b.is_written) && hosting.number.is_multiple_of(2);
        if !is_awake && !is_given {
            return self.later(self.now + ASLEEP, Happening::Witness { node, incarnation, number });
        }
        hosting.is_busy = false;
        self.witness_do(node);
        self.witness_next(node);
    }

    fn witness_do(&mut self, node: NodeId) {
        let Some(hosting) = self.hosting_of(node) else { return };
        match hosting.batch.take() {
            Some(batch) if batch.is_written => self.witness_settle(node, batch.works),
            Some(batch) => self.witness_write(node, batch.works),
            None => self.witness_take_on(node),
        }
    }

    /// The next step of taking the witness over.
    fn witness_take_on(&mut self, node: NodeId) {
        let rules = self.sabotage;
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (life, lineage) = (machine.incarnation, machine.lineage);
        let Some(hosting) = machine.hosting.as_mut() else { return };
        let Some(work) = hosting.work.pop_front() else { return };
        let (id, epoch, voter) = (hosting.device, hosting.epoch, (lineage, hosting.voter));
        let reaches = self.reaches(node, id);
        let device = self.devices.get_mut(&id).filter(|_| reaches);
        match (work, device) {
            (Work::Raise { round, .. } | Work::Copy { round, .. }, None) => {
                self.witness_refused(node, round, false, "the quorum device cannot be reached".to_owned());
            }
            (Work::Raise { round, may_create, copied: None }, Some(device)) if rules.witness_copies_first => {
                let copied = Some(device.newest(voter, u64::MAX).map(|(_, stored)| stored.clone()));
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.work.push_front(Work::Raise { round, may_create, copied });
                }
            }
            (Work::Raise { round, may_create, copied }, Some(device)) => {
                let number = device.raise(node, life);
                // The copy begins now; what a former host still has under way comes too late for it.
                let copied = copied.or_else(|| Some(device.newest(voter, number).map(|(_, stored)| stored.clone())));
                if let Some(hosting) = self.hosting_of(node) {
                    hosting.epoch = Some(Epoch { number, node, life });
                    hosting.work.push_front(Work::Copy { round, may_create, copied });
                }
            }
            (Work::Copy { round, may_create, copied }, Some(device)) => {
                let Some(Epoch { number, .. }) = epoch.filter(|epoch| device.is_owned(*epoch)) else {
                    let text = "another node has taken the quorum device meanwhile";
                    return self.witness_refused(node, round, false, text.to_owned());
                };
                let newest = device.newest(voter, number).map(|(key, _)| key);
                let former = newest.filter(|_| rules.witness_shares_store);
                let stored = match copied.flatten() {
                    Some(stored) => stored,
                    None if may_create => Stored::empty(),
                    None => {
                        let text = format!("there is no store of {} on the device", voter.1);
                        return self.witness_refused(node, round, true, text);
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
            (Work::Flush { .. } | Work::Send { .. } | Work::Check { .. }, _) => {
                unreachable!("these are done together")
            }
        }
    }

    /// Everything that waits is written with one flush.
    fn witness_write(&mut self, node: NodeId, works: Vec<Work>) {
        let Some(machine) = self.machines.get(&node) else { return };
        let lineage = machine.lineage;
        let Some(hosting) = machine.hosting.as_ref() else { return };
        let (id, voter, key, noted) = (hosting.device, (lineage, hosting.voter), hosting.store, hosting.noted);
        let reaches = self.reaches(node, id);
        let Some(device) = self.devices.get_mut(&id).filter(|_| reaches) else {
            return self.witness_lost(node, "the quorum device cannot be reached");
        };
        let is_full = device.is_full;
        // A share keeps places of the log only, so there is nothing to compare but those.
        let has_data = device.kind == cluster_engine::quorum::Witness::Disk;
        let stored = device.stores.get_mut(&voter).and_then(|stores| stores.get_mut(&key));
        let Some(stored) = stored.filter(|_| !is_full) else {
            let text = if is_full { "the quorum device is full" } else { "the store is gone from the device" };
            return self.witness_lost(node, text);
        };
        write_all(stored, &works);
        let commit = stored.hard.commit;
        let entries = (noted + 1..=commit).filter_map(|index| store::entry(stored, index));
        let entries: Vec<_> = entries.map(|e| (e.index, e.term, has_data.then(|| store::digest(e)))).collect();
        for (index, term, digest) in entries {
            self.facts.push(Fact::Committed { node, lineage, index, term, digest });
        }
        if let Some(hosting) = self.hosting_of(node) {
            hosting.noted = noted.max(commit);
            hosting.batch = Some(Batch { works, is_written: true });
        }
    }

    /// The ownership is read anew; then everything is said that waited for it (R2, R3).
    fn witness_settle(&mut self, node: NodeId, works: Vec<Work>) {
        let rules = self.sabotage;
        let Some(hosting) = self.hosting_of(node) else { return };
        let (id, epoch) = (hosting.device, hosting.epoch);
        let reaches = self.reaches(node, id);
        let Some(device) = self.devices.get(&id).filter(|_| reaches) else {
            return self.witness_lost(node, "the quorum device cannot be reached");
        };
        let is_owned = epoch.is_some_and(|epoch| device.is_owned(epoch));
        if !is_owned && !works.iter().all(|work| work.is_unchecked(rules)) {
            return self.witness_lost(node, "another node owns the quorum device");
        }
        let epoch = epoch.map_or(0, |e| e.number);
        for work in works {
            match work {
                Work::Raise { .. } | Work::Copy { .. } => unreachable!("these are done one by one"),
                Work::Flush { n, .. } => self.hear(node, Event::WitnessPersisted { epoch, n }),
                Work::Send { to, message } if to == node => {
                    self.hear(node, Event::Peer { from: node, message: *message });
                }
                Work::Send { to, message } => self.send(node, to, *message),
                Work::Check { stamp } => self.hear(node, Event::WitnessChecked { epoch, stamp }),
            }
        }
    }

    fn witness_refused(&mut self, node: NodeId, round: u64, missing: bool, text: String) {
        self.witness_end(node);
        self.hear(node, Event::WitnessRefused { round, missing, text });
    }

    /// R6: the instance ends at once, and nothing that waits is done.
    fn witness_lost(&mut self, node: NodeId, text: &str) {
        let Some(hosting) = self.machines.get_mut(&node).and_then(|m| m.hosting.take()) else { return };
        let epoch = hosting.epoch.map_or(0, |e| e.number);
        self.hear(node, Event::WitnessLost { epoch, text: text.to_owned() });
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

fn write_all(stored: &mut Stored, works: &[Work]) {
    for work in works {
        if let Work::Flush { writes, .. } = work {
            store::write(stored, writes);
        }
    }
}
