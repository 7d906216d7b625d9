//! A small virtual network for tests of the replica: hosts with disks, a wire, and a ledger that notices every broken
//! promise. Time is counted in ticks; one tick delivers what is due, completes what the disks owe, and lets time pass on
//! every host. Nothing is random but [`Dice`], so a seed replays.

// Each test binary uses its own part of this module, and none of it leaves the binary.
#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod ledger;
pub mod weather;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cluster_engine::replica::{Out, Payload, RaftMessage, Replica, ReplicaConfig, Stored, VoterId, Voters, Write};

use ledger::Ledger;

/// Reproducible dice (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit.max(1)
    }

    /// True `permille` times in a thousand.
    pub fn hits(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len() as u64) as usize])
    }
}

/// One replica with its disk and its state machine (the list of operations applied).
pub struct Host {
    pub config: ReplicaConfig,
    /// None while it is down.
    pub replica: Option<Replica>,
    /// Counts starts.
    pub life: u32,
    /// What is durable.
    pub disk: Stored,
    /// Batches on their way: (due, n, writes).
    writes: VecDeque<(u64, u64, Vec<Write>)>,
    /// A write takes up to this many ticks; 0 is at once.
    pub disk_ticks: u64,
    /// Nothing becomes durable while set.
    pub disk_stuck: bool,
    pub state: Vec<u64>,
    pub applied: u64,
    /// Reads without an answer: context and the highest index committed anywhere when it was asked.
    pub reads: BTreeMap<u64, u64>,
    pub answered: Vec<u64>,
    pub lost: Vec<u64>,
}

pub struct Net {
    pub now: u64,
    pub dice: Dice,
    pub hosts: BTreeMap<VoterId, Host>,
    wire: BTreeMap<(u64, u64), RaftMessage>,
    sent: u64,
    /// Directed links that lose everything.
    pub cuts: BTreeSet<(VoterId, VoterId)>,
    pub loss_permille: u64,
    pub double_permille: u64,
    /// A message takes up to this many ticks; 0 is within the same tick.
    pub delay_ticks: u64,
    pub ledger: Ledger,
    next_op: u64,
    /// How many batches each host was told to write.
    pub written: BTreeMap<VoterId, u64>,
    /// Answers true for messages to be lost; for directed tests.
    pub eats: fn(&RaftMessage) -> bool,
}

impl Net {
    /// Hosts with equal first stores for every member of `voters`.
    pub fn new(seed: u64, voters: &Voters, settings: impl Fn(VoterId) -> ReplicaConfig) -> Net {
        let mut net = Net {
            now: 0,
            dice: Dice::new(seed),
            hosts: BTreeMap::new(),
            wire: BTreeMap::new(),
            sent: 0,
            cuts: BTreeSet::new(),
            loss_permille: 0,
            double_permille: 0,
            delay_ticks: 0,
            ledger: Ledger::default(),
            next_op: 1,
            written: BTreeMap::new(),
            eats: |_| false,
        };
        for id in voters.members() {
            net.add(settings(id), Stored::first(voters.clone(), Vec::new()));
        }
        net
    }

    pub fn add(&mut self, config: ReplicaConfig, disk: Stored) {
        let id = config.id;
        let host = Host {
            config,
            replica: None,
            life: 0,
            disk,
            writes: VecDeque::new(),
            disk_ticks: 0,
            disk_stuck: false,
            state: Vec::new(),
            applied: 0,
            reads: BTreeMap::new(),
            answered: Vec::new(),
            lost: Vec::new(),
        };
        self.hosts.insert(id, host);
        self.restart(id);
    }

    pub fn restart(&mut self, id: VoterId) {
        let host = self.hosts.get_mut(&id).expect("a known host");
        host.life += 1;
        host.state.clear();
        host.applied = host.disk.snapshot.index;
        host.reads.clear();
        let replica = Replica::start(host.config.clone(), host.disk.clone());
        host.replica = Some(replica.expect("a store written by a replica starts again"));
        self.settle(id);
    }

    /// Power off. Of the batches on their way the first `survive` reach the disk, the others are lost.
    pub fn crash(&mut self, id: VoterId, survive: usize) {
        let host = self.hosts.get_mut(&id).expect("a known host");
        host.replica = None;
        for (_, _, writes) in host.writes.drain(..).take(survive) {
            host.disk.write(&writes);
        }
    }

    pub fn pending_writes(&self, id: VoterId) -> usize {
        self.hosts[&id].writes.len()
    }

    /// Calls the replica of a host that is up, then does what it says.
    pub fn act<T>(&mut self, id: VoterId, call: impl FnOnce(&mut Replica) -> T) -> Option<T> {
        let result = call(self.hosts.get_mut(&id)?.replica.as_mut()?);
        self.settle(id);
        Some(result)
    }

    pub fn replica(&self, id: VoterId) -> &Replica {
        self.hosts[&id].replica.as_ref().expect("the host is up")
    }

    pub fn up(&self) -> Vec<VoterId> {
        self.hosts.iter().filter(|(_, host)| host.replica.is_some()).map(|(id, _)| *id).collect()
    }

    /// Who says it leads, highest term last.
    pub fn leaders(&self) -> Vec<VoterId> {
        let mut found: Vec<(u64, VoterId)> = self
            .hosts
            .iter()
            .filter_map(|(id, host)| host.replica.as_ref().map(|replica| (id, replica)))
            .filter(|(_, replica)| replica.is_leader())
            .map(|(id, replica)| (replica.term(), *id))
            .collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Proposes the next operation; returns its number when it was taken.
    pub fn propose(&mut self, id: VoterId) -> Option<u64> {
        let op = self.next_op;
        let taken = self.act(id, |replica| replica.propose(op.to_le_bytes().to_vec()))?.is_ok();
        self.next_op += u64::from(taken);
        taken.then_some(op)
    }

    /// Asks for a read; true when it was taken.
    pub fn read(&mut self, id: VoterId) -> bool {
        let context = self.next_op;
        self.next_op += 1;
        let floor = self.ledger.committed();
        let Some(host) = self.hosts.get_mut(&id) else { return false };
        let Some(replica) = host.replica.as_mut() else { return false };
        let taken = replica.read(context).is_ok();
        if taken {
            host.reads.insert(context, floor);
        }
        self.settle(id);
        taken
    }

    /// Takes a snapshot of the host's state machine as it is.
    pub fn snapshot(&mut self, id: VoterId) {
        let host = &self.hosts[&id];
        let data = host.state.iter().flat_map(|op| op.to_le_bytes()).collect();
        let applied = host.applied;
        self.act(id, |replica| {
            // Refused where nothing new was applied; then there is nothing to keep.
            let _ = replica.take_snapshot(applied, data);
        });
    }

    pub fn cut(&mut self, a: VoterId, b: VoterId) {
        self.cuts.insert((a, b));
        self.cuts.insert((b, a));
    }

    pub fn isolate(&mut self, id: VoterId) {
        for other in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.cut(id, other);
        }
    }

    pub fn tick(&mut self) {
        self.now += 1;
        self.deliver();
        for id in self.up() {
            self.complete_writes(id);
            self.settle(id);
            self.act(id, Replica::tick);
        }
        self.deliver();
    }

    pub fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.tick();
        }
    }

    /// Ticks until `done`, at most `limit` times; true when it was reached.
    pub fn run_until(&mut self, limit: u64, done: impl Fn(&Net) -> bool) -> bool {
        for _ in 0..limit {
            if done(self) {
                return true;
            }
            self.tick();
        }
        done(self)
    }

    /// Ticks until somebody leads; panics when nobody does.
    pub fn elect(&mut self) -> VoterId {
        assert!(self.run_until(400, |net| !net.leaders().is_empty()), "nobody leads after 400 ticks");
        *self.leaders().last().expect("just seen")
    }

    /// Injects a message as if it had arrived.
    pub fn inject(&mut self, message: RaftMessage) {
        self.act(message.to, |replica| replica.receive(message).is_ok());
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let message = entry.remove();
            if !self.cuts.contains(&(message.from, message.to)) {
                self.inject(message);
            }
        }
    }

    fn send(&mut self, message: RaftMessage) {
        if (self.eats)(&message) || self.dice.hits(self.loss_permille) {
            return;
        }
        let copies = 1 + u64::from(self.dice.hits(self.double_permille));
        for _ in 0..copies {
            let due = self.now + self.dice.below(self.delay_ticks + 1);
            self.sent += 1;
            self.wire.insert((due, self.sent), message.clone());
        }
    }

    /// Makes durable what is due on one disk. Returns true when anything was.
    fn complete_writes(&mut self, id: VoterId) -> bool {
        let now = self.now;
        let host = self.hosts.get_mut(&id).expect("a known host");
        let Some(replica) = host.replica.as_mut() else { return false };
        let mut completed = false;
        while !host.disk_stuck && host.writes.front().is_some_and(|(due, _, _)| *due <= now) {
            let (_, n, writes) = host.writes.pop_front().expect("just seen");
            host.disk.write(&writes);
            replica.persisted(n);
            completed = true;
        }
        completed
    }

    /// Does everything the replica says, until it has nothing more to say.
    fn settle(&mut self, id: VoterId) {
        loop {
            let host = self.hosts.get_mut(&id).expect("a known host");
            let Some(replica) = host.replica.as_mut() else { return };
            let outs = replica.drain();
            for out in &outs {
                self.ledger.trace(self.now, id, out);
            }
            for out in outs {
                self.obey(id, out);
            }
            if !self.complete_writes(id) {
                return;
            }
        }
    }

    fn obey(&mut self, id: VoterId, out: Out) {
        let host = self.hosts.get_mut(&id).expect("a known host");
        match out {
            Out::Persist { n, writes } => {
                *self.written.entry(id).or_default() += 1;
                let earliest = host.writes.back().map_or(self.now, |(due, _, _)| *due);
                let due = earliest.max(self.now + self.dice.below(host.disk_ticks + 1));
                host.writes.push_back((due, n, writes));
            }
            Out::Send { to, message } => {
                assert_eq!(to, message.to);
                self.ledger.saw_message(&message, host.life);
                self.send(message);
            }
            Out::Committed { index, term, payload } => {
                self.ledger
                    .expect(index == host.applied + 1, || format!("{id} skipped from {} to {index}", host.applied));
                host.applied = index;
                if let Payload::Data(data) = &payload {
                    host.state.push(op_of(data));
                }
                self.ledger.saw_committed(id, index, term, payload);
            }
            Out::Restored(image) => {
                host.applied = image.index;
                host.state = image.data.chunks(8).map(op_of).collect();
                self.ledger.saw_restored(id, &image, &host.state);
            }
            Out::Role { term, leader, is_leader } => {
                if is_leader {
                    assert_eq!(leader, Some(id));
                    self.ledger.saw_leader(term, id, host.life);
                }
            }
            Out::ReadReady { context, index } => {
                let floor = host.reads.remove(&context);
                self.ledger.saw_read(id, context, index, floor, host.applied);
                host.answered.push(context);
            }
            Out::ReadLost { context } => {
                host.reads.remove(&context);
                host.lost.push(context);
            }
        }
    }
}

fn op_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("operations are 8 bytes"))
}
