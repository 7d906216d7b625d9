//! What the caller asks of a replica: proposals, reads, changes of the voters, hand-over, snapshots. Each is checked
//! first, because raft-rs answers much of what it cannot do with silence.

use raft::ProgressState;

use super::convert::{change_bytes, change_to_raft};
use super::core::Replica;
use super::said::{
    MAX_PROPOSAL_BYTES, MAX_SNAPSHOT_BYTES, MAX_UNPERSISTED, Out, PROMOTE_LAG_ENTRIES, Proposed, Refused,
};
use super::store::{Position, SnapshotImage, Write};
use super::voters::{VoterChange, VoterId};

impl Replica {
    /// Appends one entry with `data`. Leader only. The caller gathers many commands into one proposal while
    /// [`Replica::can_take_proposals`] is false, so that they share one write.
    ///
    /// # Errors
    /// [`Refused`]; nothing was appended. An accepted proposal may still be lost with its leader: see [`Proposed`].
    pub fn propose(&mut self, data: Vec<u8>) -> Result<Proposed, Refused> {
        self.check_leading()?;
        if data.is_empty() {
            return Err(Refused::EmptyProposal);
        }
        if data.len() > MAX_PROPOSAL_BYTES {
            return Err(Refused::TooLarge { size: data.len(), limit: MAX_PROPOSAL_BYTES });
        }
        if self.unpersisted() >= MAX_UNPERSISTED {
            return Err(Refused::Full);
        }
        let proposed = self.raw.propose(Vec::new(), data);
        self.set_wait();
        match proposed {
            Ok(()) => Ok(self.last_position()),
            // The other reasons for dropping one were excluded above.
            Err(raft::Error::ProposalDropped) => Err(Refused::Full),
            Err(error) => Err(Refused::Engine(error.to_string())),
        }
    }

    /// True when a proposal would be written at once: this replica leads, no batch is under way and nobody is being
    /// handed the leadership.
    pub fn can_take_proposals(&self) -> bool {
        !self.is_waiting_for_disk() && self.check_leading().is_ok()
    }

    /// Appends a change of the voters. Leader only, one at a time. It holds from `Payload::Voters` on; a later leader may
    /// have dropped it.
    ///
    /// A replica that is removed should be kept running until a leader of the others is known: their majority may still
    /// need its vote if word of the change was lost.
    ///
    /// # Errors
    /// [`Refused`]; nothing was appended.
    pub fn change_voters(&mut self, change: VoterChange) -> Result<Proposed, Refused> {
        self.check_leading()?;
        let raft = &self.raw.raft;
        if !raft.apply_to_current_term() {
            return Err(Refused::TooEarly { term: raft.term });
        }
        // raft-rs would turn a second change into an empty entry without a word.
        if raft.has_pending_conf() {
            return Err(Refused::ChangePending);
        }
        change.applied_to(&self.voters)?;
        match change {
            VoterChange::Promote(id) => self.check_caught_up(id)?,
            VoterChange::Demote(id) | VoterChange::Remove(id)
                if id == self.config.id && !self.config.sabotage.serve_as_non_voter =>
            {
                return Err(Refused::Leader(id));
            }
            VoterChange::AddLearner(_) | VoterChange::Demote(_) | VoterChange::Remove(_) => {}
        }
        let proposed = self.raw.propose_conf_change(change_bytes(change), change_to_raft(change));
        self.set_wait();
        match proposed {
            Ok(()) => Ok(self.last_position()),
            Err(raft::Error::ProposalDropped) => Err(Refused::Full),
            Err(error) => Err(Refused::Engine(error.to_string())),
        }
    }

    /// Asks for a linearizable read. The answer is [`Out::ReadReady`] or [`Out::ReadLost`] with the same `context`; while
    /// no majority answers, it waits until leadership is lost (two leases at most).
    ///
    /// # Errors
    /// [`Refused`]; no answer will come.
    pub fn read(&mut self, context: u64) -> Result<(), Refused> {
        if !self.is_leader() {
            return Err(Refused::NotLeader { leader: self.leader() });
        }
        if !self.raw.raft.commit_to_current_term() {
            return Err(Refused::TooEarly { term: self.term() });
        }
        self.reads.gather(context)
    }

    /// Hands leadership to `to`. Proposals are refused meanwhile. Given up after a lease if `to` does not take it.
    ///
    /// # Errors
    /// [`Refused`] when this replica does not lead or `to` cannot.
    pub fn transfer(&mut self, to: VoterId) -> Result<(), Refused> {
        if !self.is_leader() {
            return Err(Refused::NotLeader { leader: self.leader() });
        }
        if !self.voters.voters.contains(&to) {
            return Err(Refused::NotVoter(to));
        }
        self.raw.transfer_leader(to.0);
        self.set_wait();
        Ok(())
    }

    /// Gives up a hand-over under way, so that proposals are taken again.
    pub fn cancel_transfer(&mut self) {
        self.raw.raft.abort_leader_transfer();
    }

    /// Keeps the state machine's state at `index` as the new snapshot and compacts the log below it. `data` is the state
    /// after applying exactly the entries up to `index`; that may lie behind what is applied by now.
    ///
    /// # Errors
    /// [`Refused`]; the old snapshot stays.
    pub fn take_snapshot(&mut self, index: u64, data: Vec<u8>) -> Result<(), Refused> {
        if self.installing.is_some() || self.is_installing() {
            return Err(Refused::Installing);
        }
        let newest = self.snapshot().index;
        if index <= newest || index > self.applied {
            return Err(Refused::SnapshotIndex { index, newest, applied: self.applied });
        }
        if data.len() > MAX_SNAPSHOT_BYTES {
            return Err(Refused::TooLarge { size: data.len(), limit: MAX_SNAPSHOT_BYTES });
        }
        let term = self.raw.store().term_at(index).expect("an applied index above the snapshot is in the log");
        let (_, voters) = self.history.range(..=index).next_back().expect("the history begins at the snapshot");
        let voters = voters.clone();
        self.history = self.history.split_off(&index);
        self.history.insert(index, voters.clone());
        let image = SnapshotImage { index, term, voters, data };
        self.raw.mut_store().compact(image.clone(), self.config.tail_entries.into());
        let writes = self.take_owed().into_iter().chain([Write::Compact(image)]).collect();
        self.issued += 1;
        self.out.push(Out::Persist { n: self.issued, writes });
        Ok(())
    }

    /// True when the caller should take a snapshot: the log has grown by `snapshot_entries`, or a member has joined that
    /// the newest snapshot does not name and that could not be filled from it (rule 7).
    pub fn snapshot_due(&self) -> bool {
        let newest = self.snapshot();
        let grown = self.applied - newest.index.min(self.applied);
        grown > 0
            && (grown >= self.config.snapshot_entries.into()
                || self.voters.voters.union(&self.voters.learners).any(|id| !newest.voters.has(*id)))
    }

    fn check_leading(&self) -> Result<(), Refused> {
        if !self.is_leader() {
            return Err(Refused::NotLeader { leader: self.leader() });
        }
        match self.raw.raft.lead_transferee {
            Some(to) => Err(Refused::HandingOver { to: VoterId(to) }),
            None => Ok(()),
        }
    }

    /// A dead or empty learner with a vote could block the others for ever.
    fn check_caught_up(&self, id: VoterId) -> Result<(), Refused> {
        let last = self.last_index();
        let progress = self.raw.raft.prs().get(id.0);
        let matched = progress.map_or(0, |progress| progress.matched);
        let filling = progress.is_some_and(|progress| progress.state == ProgressState::Snapshot);
        let silent = self.silent_for(id).is_none_or(|ticks| ticks > self.config.election_ticks.into());
        if filling || silent || matched == 0 || matched + PROMOTE_LAG_ENTRIES < last {
            return Err(Refused::LearnerBehind { id, matched, last });
        }
        Ok(())
    }

    fn last_position(&self) -> Position {
        Position { index: self.last_index(), term: self.term() }
    }
}
