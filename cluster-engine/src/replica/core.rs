//! The replica: its state, how it starts, what it is told (ticks, messages, durable writes), and what it can be asked.
//!
//! The rest of it stands in `ready.rs` (turning raft-rs's readies into outs) and `asks.rs` (proposals, reads, changes).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use raft::{Config, ProgressState, RawNode, ReadOnlyOption, SnapshotStatus, StateRole};

use super::config::{ReplicaConfig, ReplicaError};
use super::log::Log;
use super::reads::Reads;
use super::said::{MAX_UNCOMMITTED_BYTES, Out};
use super::store::{HardState, SnapshotImage, Stored};
use super::voters::{VoterId, Voters};
use super::wire::{MAX_MESSAGE_BYTES, MessageKind, RaftMessage, Rejected};

/// How many messages with entries may be under way to one follower.
const MAX_INFLIGHT_MESSAGES: usize = 64;
/// How many bytes of committed entries raft-rs hands out at a time; the drain goes on until all are out.
const MAX_COMMITTED_BYTES: u64 = 16 << 20;

/// One replica of the log. See the module's text; created by [`Replica::start`], then driven by calls, each followed by
/// [`Replica::drain`].
///
/// No call panics on input that passed the checks; should raft-rs find a contradiction that they let through, the
/// driver's `catch_unwind` drops the replica and starts a new one from its store.
pub struct Replica {
    pub(super) config: ReplicaConfig,
    pub(super) raw: RawNode<Log>,
    pub(super) out: Vec<Out>,
    /// Ticks since the start.
    pub(super) ticks: u64,
    /// The number of the newest batch handed out, and of the newest durable one.
    pub(super) issued: u64,
    pub(super) durable: u64,
    /// For each batch that is not durable: the newest ready of raft-rs that is durable with it.
    pub(super) riding: BTreeMap<u64, u64>,
    /// Messages that wait for a batch.
    pub(super) held: VecDeque<(u64, RaftMessage)>,
    /// The newest batch that changed term or vote, and the newest that touched the log.
    pub(super) vote_write: u64,
    pub(super) log_write: u64,
    /// The newest term and vote that were handed out to be kept.
    pub(super) promised: (u64, u64),
    /// A hard state that differs from the one handed out in its commit index only, and since when.
    pub(super) owed: Option<(u64, HardState)>,
    /// A leader's snapshot on its way to the disk, and its batch.
    pub(super) installing: Option<(u64, SnapshotImage)>,
    /// Handed out for applying, and the voters there.
    pub(super) applied: u64,
    pub(super) voters: Voters,
    /// The voters from each index on, as far back as the newest snapshot.
    pub(super) history: BTreeMap<u64, Voters>,
    pub(super) reads: Reads,
    /// The last `Out::Role`.
    pub(super) announced: Option<(u64, Option<VoterId>, bool)>,
    /// When each member was last heard from, in ticks.
    heard: BTreeMap<VoterId, u64>,
    /// For how many ticks each follower has been waited for with a snapshot.
    snapshot_waits: BTreeMap<u64, u32>,
    /// For how many ticks this replica has led without a vote.
    resigning: Option<u32>,
}

/// The state in one line; raft-rs's own cannot be printed.
impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("id", &self.config.id)
            .field("term", &self.term())
            .field("leader", &self.leader())
            .field("committed", &self.committed())
            .field("applied", &self.applied)
            .field("last_index", &self.last_index())
            .field("unpersisted", &self.unpersisted())
            .field("voters", &self.voters)
            .finish_non_exhaustive()
    }
}

impl Replica {
    /// Builds a replica on what its store gave back. It starts as a follower of nobody, whatever it was before.
    ///
    /// The first [`Replica::drain`] hands out [`Out::Restored`] with the snapshot of the store (unless that is empty), then
    /// the committed entries after it: the state machine is built from these alone.
    ///
    /// # Errors
    /// A setting that makes no sense or a damaged store; both name what is wrong.
    pub fn start(config: ReplicaConfig, stored: Stored) -> Result<Replica, ReplicaError> {
        config.check()?;
        stored.check()?;
        let image = stored.snapshot.clone();
        let promised = (stored.hard.term, stored.hard.vote);
        let raft_config = Config {
            id: config.id.0,
            election_tick: config.election_ticks as usize,
            heartbeat_tick: config.heartbeat_ticks as usize,
            // Rule 8: the voters of the snapshot meet the changes after it, again.
            applied: image.index,
            max_size_per_msg: MAX_MESSAGE_BYTES as u64,
            max_inflight_msgs: MAX_INFLIGHT_MESSAGES,
            check_quorum: true,
            pre_vote: true,
            min_election_tick: config.shortest_wait(),
            max_election_tick: config.shortest_wait() + config.election_spread as usize,
            read_only_option: ReadOnlyOption::Safe,
            skip_bcast_commit: false,
            batch_append: false,
            // Rule 3: equal everywhere.
            priority: 0,
            max_uncommitted_size: MAX_UNCOMMITTED_BYTES as u64,
            max_committed_size_per_ready: MAX_COMMITTED_BYTES,
        };
        let log = Log::new(stored, config.sabotage.snapshot_for_anyone);
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&raft_config, log, &silent).map_err(|error| ReplicaError::Engine(error.to_string()))?;
        let mut replica = Replica {
            config,
            raw,
            out: Vec::new(),
            ticks: 0,
            issued: 0,
            durable: 0,
            riding: BTreeMap::new(),
            held: VecDeque::new(),
            vote_write: 0,
            log_write: 0,
            promised,
            owed: None,
            installing: None,
            applied: image.index,
            voters: image.voters.clone(),
            history: BTreeMap::from([(image.index, image.voters.clone())]),
            reads: Reads::default(),
            announced: None,
            heard: BTreeMap::new(),
            snapshot_waits: BTreeMap::new(),
            resigning: None,
        };
        if image.index > 0 {
            replica.out.push(Out::Restored(image));
        }
        replica.set_wait();
        Ok(replica)
    }

    /// One tick of time has passed.
    pub fn tick(&mut self) {
        self.ticks += 1;
        if self.is_installing() {
            return;
        }
        self.resign(true);
        self.give_up_snapshots();
        self.settle_owed();
        let raft = &mut self.raw.raft;
        let due = raft.election_elapsed + 1 >= raft.randomized_election_timeout();
        if raft.state == StateRole::Leader || !due || self.may_stand() {
            self.raw.tick();
        } else {
            self.rest();
        }
        self.set_wait();
    }

    /// A message has arrived. It may come late, twice or out of order.
    ///
    /// # Errors
    /// [`Rejected`] says why it was not taken. Nothing has changed then, and the sender will try again by itself, so a
    /// driver only counts these.
    pub fn receive(&mut self, message: RaftMessage) -> Result<(), Rejected> {
        message.check(self.config.id)?;
        if self.is_installing() {
            return Err(Rejected::Installing);
        }
        self.check_against_log(&message)?;
        let from = message.from;
        let is_fresh = message.term >= self.term();
        let stepped = self.raw.step(message.into_raft());
        self.set_wait();
        match stepped {
            Ok(()) => {
                if is_fresh && self.voters.has(from) {
                    self.heard.insert(from, self.ticks);
                }
                Ok(())
            }
            Err(raft::Error::StepPeerNotFound) => Err(Rejected::Stranger(from)),
            Err(error) => Err(Rejected::Engine(error.to_string())),
        }
    }

    /// Batch `n`, and with it every batch before, is durable. Numbers that were never handed out, or that are old, are
    /// ignored.
    pub fn persisted(&mut self, n: u64) {
        if n > self.issued || n <= self.durable {
            return;
        }
        self.durable = n;
        self.pass_on_durable(n);
        self.set_wait();
    }

    /// Stand for election now rather than at the next time-out. Ignored where that is not allowed. Harmless to repeat:
    /// nobody's term rises before a majority would agree.
    pub fn campaign(&mut self) {
        if self.may_stand() && !self.is_installing() {
            // raft-rs refuses nothing here; it ignores the call on a leader.
            let _ = self.raw.campaign();
            self.set_wait();
        }
    }

    /// The id of this replica.
    pub fn id(&self) -> VoterId {
        self.config.id
    }

    /// True when this replica leads, its term is durable and it still has its vote.
    pub fn is_leader(&self) -> bool {
        let sabotage = self.config.sabotage;
        self.raw.raft.state == StateRole::Leader
            && (self.has_vote() || sabotage.serve_as_non_voter)
            && (self.is_promise_durable() || sabotage.send_before_durable)
    }

    /// Who leads, as far as this replica knows. None also while it leads itself but may not serve.
    pub fn leader(&self) -> Option<VoterId> {
        match self.raw.raft.leader_id {
            0 => None,
            id if id == self.config.id.0 => self.is_leader().then_some(self.config.id),
            id => Some(VoterId(id)),
        }
    }

    /// The newest term this replica has heard of.
    pub fn term(&self) -> u64 {
        self.raw.raft.term
    }

    /// The voters and learners at the applied index.
    pub fn voters(&self) -> &Voters {
        &self.voters
    }

    /// How far the log is known to be committed.
    pub fn committed(&self) -> u64 {
        self.raw.raft.raft_log.committed
    }

    /// How far entries have been handed out for applying.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The last entry of the log, durable or not.
    pub fn last_index(&self) -> u64 {
        self.raw.raft.raft_log.last_index()
    }

    /// The term and index of the last entry, by which logs are compared: the greater one is the newer log.
    pub fn last_place(&self) -> (u64, u64) {
        (self.raw.raft.raft_log.last_term(), self.last_index())
    }

    /// From now on this replica may stand for election, or not.
    pub fn set_may_lead(&mut self, may_lead: bool) {
        self.config.may_lead = may_lead;
    }

    /// Leader: a majority was heard from within the last `election_ticks`. Follower: a leader is known, which it is no
    /// longer when it has been silent for an election time-out.
    pub fn quorum_active(&self) -> bool {
        if !self.is_leader() {
            return self.leader().is_some();
        }
        let recent = |at: &u64| self.ticks - at <= u64::from(self.config.election_ticks);
        let mut present: BTreeSet<VoterId> =
            self.heard.iter().filter(|(_, at)| recent(at)).map(|(id, _)| *id).collect();
        present.insert(self.config.id);
        self.voters.has_majority(&present)
    }

    /// For how many ticks `id` has not been heard from; None for a stranger or one that was never heard.
    pub fn silent_for(&self, id: VoterId) -> Option<u64> {
        self.heard.get(&id).map(|at| self.ticks - at)
    }

    /// Leader: up to where the log of `id` is known to agree with ours.
    pub fn matched(&self, id: VoterId) -> Option<u64> {
        let leads = self.raw.raft.state == StateRole::Leader;
        self.raw.raft.prs().get(id.0).filter(|_| leads).map(|progress| progress.matched)
    }

    /// How many batches are handed out and not durable yet.
    pub fn unpersisted(&self) -> u64 {
        self.issued - self.durable
    }

    /// True while a batch is not durable.
    pub fn is_waiting_for_disk(&self) -> bool {
        self.unpersisted() > 0
    }

    /// True while a leader's snapshot is on its way to the disk. Messages are refused and time stands still (rule 4).
    pub fn is_installing(&self) -> bool {
        let under_way = self.installing.is_some() || self.raw.raft.raft_log.unstable_snapshot().is_some();
        under_way && !self.config.sabotage.step_during_install
    }

    /// The newest snapshot that was handed out to be kept.
    pub fn snapshot(&self) -> &SnapshotImage {
        self.raw.store().image()
    }

    /// True when this replica has a vote in the applied set.
    pub(super) fn has_vote(&self) -> bool {
        self.voters.voters.contains(&self.config.id)
    }

    /// True when the present term and vote are durable. A sole voter leads before they are, even before they were
    /// handed out.
    fn is_promise_durable(&self) -> bool {
        let raft = &self.raw.raft;
        self.promised == (raft.term, raft.vote) && self.vote_write <= self.durable
    }

    /// True when every entry of the log is durable here.
    fn is_log_durable(&self) -> bool {
        let log = &self.raw.raft.raft_log;
        log.persisted == log.last_index() && self.log_write <= self.durable
    }

    /// True when this replica may stand for election.
    fn may_stand(&self) -> bool {
        self.config.may_lead
            && self.raw.raft.promotable()
            && (self.is_log_durable() || self.config.sabotage.campaign_before_durable)
    }

    /// The time-out has come but this replica may not stand: it stops believing in its leader (and so can vote for
    /// others), and stands as soon as it may.
    fn rest(&mut self) {
        let raft = &mut self.raw.raft;
        if raft.leader_id != 0 || raft.state != StateRole::Follower {
            let term = raft.term;
            raft.become_follower(term, 0);
        }
        raft.election_elapsed = self.config.wait_in(raft.term) - 1;
    }

    /// Rule 2: raft-rs goes on leading without a vote. Hand over to the voter that has most, and after a lease step down
    /// in any case. Called at every tick and after every change of the voters.
    pub(super) fn resign(&mut self, ticked: bool) {
        let leads = self.raw.raft.state == StateRole::Leader;
        if !leads || self.has_vote() || self.config.sabotage.serve_as_non_voter {
            self.resigning = None;
            return;
        }
        let waited = self.resigning.map_or(0, |waited| waited + u32::from(ticked));
        let removed = self.raw.raft.prs().get(self.config.id.0).is_none();
        if removed || waited >= self.config.election_ticks {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, 0);
            self.resigning = None;
            return;
        }
        self.resigning = Some(waited);
        let best = self.voters.voters.iter().max_by_key(|id| (self.matched(**id), std::cmp::Reverse(**id)));
        if let Some(best) = best.copied()
            && self.raw.raft.lead_transferee.is_none()
        {
            self.raw.transfer_leader(best.0);
        }
    }

    /// Rule 6: a follower whose snapshot was lost would be left alone for ever.
    fn give_up_snapshots(&mut self) {
        let leads = self.raw.raft.state == StateRole::Leader;
        let awaited: BTreeSet<u64> = self
            .raw
            .raft
            .prs()
            .iter()
            .filter(|(_, progress)| leads && progress.state == ProgressState::Snapshot)
            .map(|(id, _)| *id)
            .collect();
        self.snapshot_waits.retain(|id, _| awaited.contains(id));
        for id in awaited {
            let waited = self.snapshot_waits.entry(id).or_insert(0);
            *waited += 1;
            if *waited >= self.config.snapshot_ticks && !self.config.sabotage.no_snapshot_report {
                self.snapshot_waits.remove(&id);
                self.raw.report_snapshot(id, SnapshotStatus::Failure);
            }
        }
    }

    /// raft-rs draws its time-outs from a thread's dice. Ours follow from seed, id and term, and are set again after
    /// every call (docs/raft.md section 4).
    pub(super) fn set_wait(&mut self) {
        let wait = self.config.wait_in(self.raw.raft.term);
        self.raw.raft.set_randomized_election_timeout(wait);
    }

    /// The part of the filter that needs to know the log.
    fn check_against_log(&self, message: &RaftMessage) -> Result<(), Rejected> {
        let raft = &self.raw.raft;
        let log = &raft.raft_log;
        let last = log.last_index();
        let in_term = message.term == raft.term;
        match message.kind {
            MessageKind::Heartbeat if message.commit > last => Err(Rejected::BeyondLog { index: message.commit, last }),
            MessageKind::AppendResponse if in_term && message.index > last => {
                Err(Rejected::BeyondLog { index: message.index, last })
            }
            MessageKind::Snapshot => {
                let image = message.snapshot.as_ref().expect("check() has seen that a snapshot message carries one");
                let committed_term = log.term(log.committed).unwrap_or(0);
                let same = image.index == log.committed && image.term != committed_term;
                let above = image.index > log.committed && image.term < committed_term;
                if same || above { Err(Rejected::Contradicts { index: log.committed }) } else { Ok(()) }
            }
            MessageKind::TimeoutNow if !self.may_stand() => Err(Rejected::CannotLead),
            MessageKind::Append
            | MessageKind::AppendResponse
            | MessageKind::RequestVote
            | MessageKind::RequestVoteResponse
            | MessageKind::Heartbeat
            | MessageKind::HeartbeatResponse
            | MessageKind::TimeoutNow
            | MessageKind::RequestPreVote
            | MessageKind::RequestPreVoteResponse => Ok(()),
        }
    }
}
