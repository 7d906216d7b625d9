//! A seeded storm over a virtual network, and the calm after it: faults of every kind while clients write and read and
//! the voters change, then everything heals and must settle.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cluster_engine::replica::{ReplicaConfig, Sabotage, Stored, VoterChange, VoterId, Voters};

use super::{Dice, Net};

/// How long the storm lasts, and how long settling may take, in ticks.
const STORM_TICKS: u64 = 350;
const CALM_TICKS: u64 = 600;
/// Ids from here on belong to stores that were added later.
const NEWCOMERS: u64 = 20;
const MOST_HOSTS: usize = 7;

/// The clusters that are stormed, by seed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    Three,
    Five,
    TwoAndWitness,
    /// The witness alone votes; the nodes are learners.
    DiskOnly,
    ThreeAndLearner,
    /// Small enough that one demotion leaves a sole voter.
    Pair,
}

const SHAPES: [Shape; 7] = [
    Shape::Three,
    Shape::Five,
    Shape::TwoAndWitness,
    Shape::DiskOnly,
    Shape::ThreeAndLearner,
    Shape::Pair,
    Shape::DiskOnly,
];
const WITNESS: VoterId = VoterId(9);

/// What a run was like.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    pub trace: u64,
    pub committed: u64,
    pub reads: u64,
    pub terms: usize,
    pub installs: u64,
    pub crashes: u64,
    pub changes: u64,
    pub settled_after: u64,
}

/// Everything drawn for one seed.
#[derive(Debug)]
struct Settings {
    shape: Shape,
    loss_permille: u64,
    double_permille: u64,
    delay_ticks: u64,
    disk_ticks: u64,
    crash_permille: u64,
    cut_permille: u64,
    change_permille: u64,
    write_permille: u64,
    read_permille: u64,
}

impl Settings {
    fn draw(seed: u64, dice: &mut Dice) -> Settings {
        Settings {
            shape: SHAPES[(seed % SHAPES.len() as u64) as usize],
            loss_permille: dice.below(150),
            double_permille: dice.below(100),
            delay_ticks: dice.below(5),
            disk_ticks: dice.below(3) * dice.below(12),
            crash_permille: dice.below(60),
            cut_permille: dice.below(60),
            change_permille: dice.below(2) * dice.below(150),
            write_permille: 100 + dice.below(600),
            read_permille: dice.below(600),
        }
    }

    fn voters(&self) -> Voters {
        match self.shape {
            Shape::Three => Voters::new(&[1, 2, 3], &[]),
            Shape::Five => Voters::new(&[1, 2, 3, 4, 5], &[]),
            Shape::TwoAndWitness => Voters::new(&[1, 2, WITNESS.0], &[]),
            Shape::DiskOnly => Voters::new(&[WITNESS.0], &[1, 2, 3]),
            Shape::ThreeAndLearner => Voters::new(&[1, 2, 3], &[4]),
            Shape::Pair => Voters::new(&[1, 2], &[3]),
        }
    }
}

struct Storm {
    net: Net,
    settings: Settings,
    seed: u64,
    sabotage: Sabotage,
    /// When hosts that are down come back.
    returns: Vec<(u64, VoterId)>,
    newcomers: u64,
    summary: Summary,
}

/// Runs one seed. The error says what was broken and under which settings.
pub fn run(seed: u64, sabotage: Sabotage) -> Result<Summary, String> {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let settings = Settings::draw(seed, &mut dice);
    let described = format!("{settings:?}");
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let net = Net::new(seed, &settings.voters(), |id| config(id, seed, sabotage));
        let summary = Summary::default();
        let storm = Storm { net, settings, seed, sabotage, returns: Vec::new(), newcomers: 0, summary };
        storm.run()
    }));
    match outcome {
        Ok(result) => result.map_err(|fault| format!("seed {seed}: {fault}; {described}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            Err(format!("seed {seed}: panic: {}; {described}", text.unwrap_or_default()))
        }
    }
}

fn config(id: VoterId, seed: u64, sabotage: Sabotage) -> ReplicaConfig {
    let base = match id {
        WITNESS => ReplicaConfig::witness(id, seed, true),
        _ => ReplicaConfig::node(id, seed),
    };
    // Shorter than usual, so that a storm sees many elections.
    let patience_ticks = base.patience_ticks.min(8);
    ReplicaConfig {
        election_ticks: 8,
        election_spread: 10,
        heartbeat_ticks: 2,
        patience_ticks,
        snapshot_ticks: 30,
        tail_entries: 5,
        snapshot_entries: 20,
        sabotage,
        ..base
    }
}

impl Storm {
    fn run(mut self) -> Result<Summary, String> {
        self.net.loss_permille = self.settings.loss_permille;
        self.net.double_permille = self.settings.double_permille;
        self.net.delay_ticks = self.settings.delay_ticks;
        for host in self.net.hosts.values_mut() {
            host.disk_ticks = self.settings.disk_ticks;
        }
        while self.net.now < STORM_TICKS {
            self.blow();
            self.work();
            self.net.tick();
            self.check()?;
        }
        self.calm();
        let from = self.net.now;
        while !self.is_settled() {
            if self.net.now > from + CALM_TICKS {
                return Err(format!("not settled after {CALM_TICKS} calm ticks: {}", self.describe()));
            }
            self.settle_step();
            self.check()?;
        }
        self.summary.settled_after = self.net.now - from;
        self.summary.trace = self.net.ledger.trace;
        self.summary.committed = self.net.ledger.committed();
        self.summary.reads = self.net.ledger.reads;
        self.summary.terms = self.net.ledger.terms();
        self.summary.installs = self.net.ledger.installs;
        Ok(self.summary)
    }

    fn check(&self) -> Result<(), String> {
        self.net.ledger.fault.clone().map_or(Ok(()), Err)
    }

    /// Faults of this tick.
    fn blow(&mut self) {
        let now = self.net.now;
        let (back, later) = self.returns.drain(..).partition(|(at, _)| *at <= now);
        self.returns = later;
        let back: Vec<(u64, VoterId)> = back;
        for (_, id) in back {
            self.net.restart(id);
        }
        if self.net.dice.hits(self.settings.crash_permille) {
            // Often several at once, as when a rack loses power; best while their disks are busy.
            let busy: Vec<VoterId> = self.net.up().into_iter().filter(|id| self.net.pending_writes(*id) > 0).collect();
            for _ in 0..1 + self.net.dice.below(3) {
                let up = self.net.up();
                let from = if self.net.dice.hits(600) && !busy.is_empty() { &busy } else { &up };
                if let Some(id) = self.net.dice.pick(from).filter(|id| up.contains(id)) {
                    self.crash(id);
                }
            }
        }
        let all: Vec<VoterId> = self.net.hosts.keys().copied().collect();
        let dice = &mut self.net.dice;
        if dice.hits(self.settings.cut_permille)
            && let (Some(a), Some(b)) = (dice.pick(&all), dice.pick(&all))
        {
            match dice.below(3) {
                0 => drop(self.net.cuts.insert((a, b))),
                1 => self.net.cut(a, b),
                _ => self.net.isolate(a),
            }
        }
        if self.net.dice.hits(20) {
            self.net.cuts.clear();
        }
        if self.net.dice.hits(15)
            && let Some(id) = self.net.dice.pick(&all)
        {
            let ticks = self.net.dice.below(self.settings.disk_ticks * 2 + 1);
            self.net.hosts.get_mut(&id).expect("picked from the hosts").disk_ticks = ticks;
        }
    }

    fn crash(&mut self, id: VoterId) {
        let back_at = self.net.now + 1 + self.net.dice.below(30);
        let pending = self.net.pending_writes(id) as u64;
        let survive = self.net.dice.below(2) * self.net.dice.below(pending + 1);
        self.net.crash(id, survive as usize);
        self.returns.push((back_at, id));
        self.summary.crashes += 1;
    }

    /// What clients and the engine do in this tick.
    fn work(&mut self) {
        for leader in self.net.leaders() {
            if self.net.dice.hits(self.settings.write_permille) {
                self.net.propose(leader);
            }
            if self.net.dice.hits(self.settings.read_permille) {
                self.net.read(leader);
            }
            if self.net.dice.hits(self.settings.change_permille) {
                self.change(leader);
            }
            if self.net.dice.hits(4) {
                let all: Vec<VoterId> = self.net.hosts.keys().copied().collect();
                let to = self.net.dice.pick(&all).expect("there are hosts");
                self.net.act(leader, |replica| replica.transfer(to).is_ok());
            }
        }
        let up = self.net.up();
        if self.net.dice.hits(8)
            && let Some(id) = self.net.dice.pick(&up)
        {
            self.net.act(id, |replica| replica.campaign());
        }
        self.keep_snapshots(500);
    }

    fn keep_snapshots(&mut self, permille: u64) {
        for id in self.net.up() {
            if self.net.replica(id).snapshot_due() && self.net.dice.hits(permille) {
                self.net.snapshot(id);
            }
        }
    }

    /// One random change of the voters, also ones that are refused.
    fn change(&mut self, leader: VoterId) {
        let set = self.net.replica(leader).voters();
        let members: Vec<VoterId> = set.members().into_iter().collect();
        let learners: Vec<VoterId> = set.learners.iter().copied().collect();
        let dice = &mut self.net.dice;
        let change = match dice.below(8) {
            0 => dice.pick(&members).map(VoterChange::Remove),
            1 | 2 => dice.pick(&members).map(VoterChange::Demote),
            3..=5 => dice.pick(&learners).map(VoterChange::Promote),
            _ => self.newcomer(&members).map(VoterChange::AddLearner),
        };
        if let Some(change) = change
            && let Some(Ok(_)) = self.net.act(leader, |replica| replica.change_voters(change))
        {
            self.summary.changes += 1;
        }
    }

    /// A store that is no member: an old one, or a new one with a new id.
    fn newcomer(&mut self, members: &[VoterId]) -> Option<VoterId> {
        let outside: Vec<VoterId> = self.net.hosts.keys().copied().filter(|id| !members.contains(id)).collect();
        if let Some(id) = self.net.dice.pick(&outside) {
            return Some(id);
        }
        if self.net.hosts.len() >= MOST_HOSTS {
            return None;
        }
        let id = VoterId(NEWCOMERS + self.newcomers);
        self.newcomers += 1;
        self.net.add(config(id, self.seed, self.sabotage), Stored::empty());
        Some(id)
    }

    /// All faults end; everybody is up.
    fn calm(&mut self) {
        self.net.cuts.clear();
        self.net.loss_permille = 0;
        self.net.double_permille = 0;
        self.net.delay_ticks = self.net.delay_ticks.min(2);
        for host in self.net.hosts.values_mut() {
            host.disk_ticks = host.disk_ticks.min(2);
        }
        for (_, id) in std::mem::take(&mut self.returns) {
            self.net.restart(id);
        }
    }

    fn settle_step(&mut self) {
        if self.net.now.is_multiple_of(40)
            && let Some(leader) = self.net.leaders().last().copied()
        {
            self.net.propose(leader);
        }
        self.keep_snapshots(1000);
        self.net.tick();
    }

    /// One leader, and all its members have the whole history, to which something was added in its term.
    fn is_settled(&self) -> bool {
        let leaders = self.net.leaders();
        let [leader] = leaders[..] else { return false };
        let replica = self.net.replica(leader);
        let last = replica.last_index();
        let history = self.net.ledger.ops(last);
        replica.committed() == last
            && self.net.ledger.committed() == last
            && replica.voters().members().into_iter().all(|id| {
                let host = &self.net.hosts[&id];
                host.applied == last && host.state == history && host.reads.is_empty()
            })
    }

    fn describe(&self) -> String {
        let describe = |id: &VoterId| {
            let host = &self.net.hosts[id];
            host.replica.as_ref().map_or(format!("{id} down"), |r| {
                let (term, leader, last) = (r.term(), r.leader(), r.last_index());
                let counts = (r.committed(), r.applied(), last, r.unpersisted());
                format!(
                    "{id}: term {term} leader {leader:?} commit/applied/last/unpersisted {counts:?} {:?}",
                    r.voters()
                )
            })
        };
        self.net.hosts.keys().map(describe).collect::<Vec<_>>().join("; ")
    }
}
