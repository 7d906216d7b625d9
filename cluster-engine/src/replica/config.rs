//! The settings of one replica, and the switches that break it on purpose.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::store::StoreFault;
use super::voters::VoterId;

/// How many applied entries below its snapshot a replica keeps in memory, so that a slow follower gets entries and not
/// the whole state.
pub const DEFAULT_TAIL_ENTRIES: u32 = 512;
/// After how many applied entries [`super::Replica::snapshot_due`] asks for a new snapshot.
pub const DEFAULT_SNAPSHOT_ENTRIES: u32 = 4096;
/// The longest time-out that is accepted, in ticks.
pub const MAX_TICKS: u32 = 1_000_000;

/// The settings of one replica. All replicas of a cluster share `seed`, `election_ticks` and `heartbeat_ticks`.
///
/// Times are ticks: how long a tick is, the driver decides by how often it calls [`super::Replica::tick`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct ReplicaConfig {
    /// The id of this replica's store.
    pub id: VoterId,
    /// What the election time-outs are drawn from, together with id and term. Nothing else is random.
    pub seed: u64,
    /// The lease: so long a follower stays with a silent leader, so long a leader goes on without a majority (up to
    /// twice this), so long a hand-over may take. More than `heartbeat_ticks`.
    pub election_ticks: u32,
    /// Time-outs are spread over this many ticks above `election_ticks`, so that two candidates rarely meet. At least 1.
    pub election_spread: u32,
    /// How often a leader lets its followers hear from it.
    pub heartbeat_ticks: u32,
    /// How much longer than others this replica waits before it stands for election. 0 for a node; `election_ticks` for
    /// the witness, which stands last (docs/raft.md rule 3).
    pub patience_ticks: u32,
    /// False for a voter that only votes, like a file share witness: it never stands and accepts no leadership.
    pub may_lead: bool,
    /// How long a leader waits for word of a snapshot before it counts it as lost and sends it again. At least 1.
    pub snapshot_ticks: u32,
    /// Entries kept in memory below the snapshot ([`DEFAULT_TAIL_ENTRIES`]).
    pub tail_entries: u32,
    /// Applied entries after which a snapshot is due ([`DEFAULT_SNAPSHOT_ENTRIES`]). At least 1.
    pub snapshot_entries: u32,
    /// Switches that break safety on purpose, so that a simulator can prove that it would notice. All off.
    #[doc(hidden)]
    #[serde(default, skip)]
    pub sabotage: Sabotage,
}

/// Each switch takes out one rule. For tests of the tests; nothing else ever sets one.
#[doc(hidden)]
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Sabotage {
    /// Rule 1: a leader speaks, and is announced, before its term and vote are durable.
    pub send_before_durable: bool,
    /// Rule 2: a leader that is no voter any more serves reads and keeps leading.
    pub serve_as_non_voter: bool,
    /// Rule 4: messages and ticks reach the replica while an installed snapshot is not durable.
    pub step_during_install: bool,
    /// Rule 6: a lost snapshot is never reported, so it is never sent again.
    pub no_snapshot_report: bool,
    /// Rule 7: a snapshot goes out to a replica that it does not name.
    pub snapshot_for_anyone: bool,
    /// Acknowledgements and votes leave before what they promise is durable.
    pub ack_before_persist: bool,
    /// A replica stands for election while entries of its log are not durable.
    pub campaign_before_durable: bool,
}

/// Why a replica could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplicaError {
    /// A setting makes no sense.
    #[error("the replica's setting {setting} is {value}; it must be {must}")]
    Setting {
        /// The field of [`ReplicaConfig`].
        setting: &'static str,
        /// What it was.
        value: u64,
        /// What it must be.
        must: &'static str,
    },
    /// The store is damaged.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// raft-rs refused what the checks above let through.
    #[error("the replication engine refused to start on this store: {0}; rebuild the store from its peers")]
    Engine(String),
}

impl ReplicaConfig {
    /// The usual settings for a node: 50 ms heartbeats and elections after 150 to 300 ms, at 10 ms a tick.
    pub fn node(id: VoterId, seed: u64) -> ReplicaConfig {
        ReplicaConfig {
            id,
            seed,
            election_ticks: 15,
            election_spread: 15,
            heartbeat_ticks: 5,
            patience_ticks: 0,
            may_lead: true,
            snapshot_ticks: 60,
            tail_entries: DEFAULT_TAIL_ENTRIES,
            snapshot_entries: DEFAULT_SNAPSHOT_ENTRIES,
            sabotage: Sabotage::default(),
        }
    }

    /// The usual settings for the witness: it waits one lease longer. `may_lead` is true for a disk, which holds a full
    /// copy, and false for a file share.
    pub fn witness(id: VoterId, seed: u64, may_lead: bool) -> ReplicaConfig {
        let node = ReplicaConfig::node(id, seed);
        ReplicaConfig { patience_ticks: node.election_ticks, may_lead, ..node }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`ReplicaError::Setting`] names the field, its value and what it must be.
    pub fn check(&self) -> Result<(), ReplicaError> {
        let rules = [
            ("id", self.id.0, self.id.0 != 0, "above 0"),
            ("heartbeat_ticks", self.heartbeat_ticks.into(), self.heartbeat_ticks >= 1, "at least 1"),
            (
                "election_ticks",
                self.election_ticks.into(),
                self.election_ticks > self.heartbeat_ticks && self.election_ticks <= MAX_TICKS,
                "above heartbeat_ticks and at most 1000000",
            ),
            (
                "election_spread",
                self.election_spread.into(),
                (1..=MAX_TICKS).contains(&self.election_spread),
                "from 1 to 1000000",
            ),
            ("patience_ticks", self.patience_ticks.into(), self.patience_ticks <= MAX_TICKS, "at most 1000000"),
            (
                "snapshot_ticks",
                self.snapshot_ticks.into(),
                (1..=MAX_TICKS).contains(&self.snapshot_ticks),
                "from 1 to 1000000",
            ),
            ("snapshot_entries", self.snapshot_entries.into(), self.snapshot_entries >= 1, "at least 1"),
        ];
        match rules.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((setting, value, _, must)) => Err(ReplicaError::Setting { setting, value, must }),
            None => Ok(()),
        }
    }

    /// The shortest election time-out. One above the lease, so that a replica that rests at its time-out has left the
    /// lease and can vote for others.
    pub(super) fn shortest_wait(&self) -> usize {
        self.election_ticks as usize + 1 + self.patience_ticks as usize
    }

    /// The election time-out in `term`: a pure function of seed, id and term, so that runs replay (docs/raft.md
    /// section 4).
    pub(super) fn wait_in(&self, term: u64) -> usize {
        let drawn = scramble(self.seed ^ scramble(self.id.0 ^ scramble(term)));
        self.shortest_wait() + (drawn % u64::from(self.election_spread)) as usize
    }
}

/// A fixed bijection of 64-bit numbers that spreads neighbours far apart (the finaliser known as splitmix64).
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let good = ReplicaConfig::node(VoterId(1), 7);
        let check = |change: fn(&mut ReplicaConfig), expected: Option<&str>| {
            let mut config = good.clone();
            change(&mut config);
            let found = match config.check() {
                Ok(()) => None,
                Err(ReplicaError::Setting { setting, .. }) => Some(setting),
                Err(other) => panic!("expected a setting, found {other}"),
            };
            assert_eq!(found, expected);
        };
        check(|_| {}, None);
        check(|c| c.id = VoterId(0), Some("id"));
        check(|c| c.heartbeat_ticks = 0, Some("heartbeat_ticks"));
        check(|c| c.election_ticks = c.heartbeat_ticks, Some("election_ticks"));
        check(|c| c.election_ticks = u32::MAX, Some("election_ticks"));
        check(|c| c.election_spread = 0, Some("election_spread"));
        check(|c| c.patience_ticks = u32::MAX, Some("patience_ticks"));
        check(|c| c.snapshot_ticks = 0, Some("snapshot_ticks"));
        check(|c| c.snapshot_entries = 0, Some("snapshot_entries"));
    }

    #[test]
    fn time_outs_follow_from_seed_id_and_term() {
        let config = ReplicaConfig::node(VoterId(1), 7);
        let waits: Vec<usize> = (1..200).map(|term| config.wait_in(term)).collect();
        assert_eq!(waits, (1..200).map(|term| config.wait_in(term)).collect::<Vec<_>>());
        assert!(waits.iter().all(|wait| (16..31).contains(wait)));
        assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() == 15, "every value is drawn");
        let other = ReplicaConfig::node(VoterId(2), 7);
        assert!((1..200).filter(|term| other.wait_in(*term) == config.wait_in(*term)).count() < 40);
    }
}
