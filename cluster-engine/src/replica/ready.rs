//! From raft-rs's readies to outs: what may go at once, what waits for the disk, and in which order.
//!
//! raft-rs hands out its work in numbered *readies*. Each ready that writes becomes one batch, `Persist { n }`; each that
//! does not rides along with the batch before it. Three things wait for a batch: the messages of a follower or candidate
//! (they promise what the batch holds), the messages of a leader whose term or vote is not durable yet, and the new
//! state of an installed snapshot.

use raft::eraftpb::{Entry, Message};
use raft::{Ready, StateRole};

use super::convert::{change_to_raft, entry_from_raft, hard_from_raft, image_from_raft, voters_from_raft};
use super::core::Replica;
use super::said::{MAX_HELD_MESSAGES, Out, Payload};
use super::store::{EntryBody, SnapshotImage, Write};
use super::voters::{VoterChange, VoterId, Voters};
use super::wire::RaftMessage;

impl Replica {
    /// Everything to do since the last drain, in order. Called after every other call.
    pub fn drain(&mut self) -> Vec<Out> {
        self.open_reads();
        while self.raw.has_ready() {
            self.announce();
            let ready = self.raw.ready();
            self.handle(ready);
            self.open_reads();
        }
        for (context, index) in self.reads.take_ready(self.applied) {
            self.out.push(Out::ReadReady { context, index });
        }
        self.drop_reads();
        self.announce();
        self.set_wait();
        std::mem::take(&mut self.out)
    }

    fn handle(&mut self, mut ready: Ready) {
        let number = ready.number();
        let leader_messages = ready.take_messages();
        let promises = ready.take_persisted_messages();
        let committed = ready.take_committed_entries();
        let read_states = ready.take_read_states();
        let writes = self.collect_writes(&ready);
        let wrote = !writes.is_empty();
        // The log in memory is as new as the writes, as raft-rs demands before this call.
        self.raw.advance_append_async(ready);

        // Rule 5: a ready without writes costs no write but keeps its place.
        if wrote || self.is_waiting_for_disk() {
            self.riding.insert(self.issued, number);
        } else {
            self.raw.on_persist_ready(number);
        }
        let at_once = self.hold_until();
        self.send(leader_messages, at_once);
        if wrote {
            self.out.push(Out::Persist { n: self.issued, writes });
        }
        let promised = if self.config.sabotage.ack_before_persist { 0 } else { self.issued };
        self.send(promises, promised);
        self.apply(committed);
        for state in read_states {
            if self.has_vote() || self.config.sabotage.serve_as_non_voter {
                self.reads.confirm(&state.request_ctx, state.index);
            }
        }
    }

    /// One batch per ready, hard state first, so that a batch never holds entries of a term that is not promised, nor
    /// entries that follow a commit which is not known on disk (rule 9). Numbers the batch, and brings the log in memory
    /// up to date.
    ///
    /// A commit index that moves alone is owed rather than written: it goes along with the next batch, so that a
    /// proposal costs one write. Losing it costs nothing, because the order is kept.
    fn collect_writes(&mut self, ready: &Ready) -> Vec<Write> {
        let mut writes = Vec::new();
        let next = self.issued + 1;
        let mut promises = false;
        if let Some(hard) = ready.hs() {
            let hard = hard_from_raft(hard);
            promises = (hard.term, hard.vote) != self.promised;
            self.promised = (hard.term, hard.vote);
            self.owed.get_or_insert((self.ticks, hard)).1 = hard;
        }
        if promises {
            self.vote_write = next;
        }
        if !promises && ready.snapshot().is_empty() && ready.entries().is_empty() {
            return writes;
        }
        writes.extend(self.take_owed());
        if !ready.snapshot().is_empty() {
            let image = image_from_raft(ready.snapshot().clone());
            self.raw.mut_store().install(image.clone());
            self.installing = Some((next, image.clone()));
            self.log_write = next;
            writes.push(Write::Snapshot(image));
        }
        if !ready.entries().is_empty() {
            self.raw.mut_store().append(ready.entries());
            self.log_write = next;
            writes.push(Write::Entries(ready.entries().iter().cloned().map(entry_from_raft).collect()));
        }
        self.issued = next;
        writes
    }

    /// The hard state that is not handed out yet, to go into the batch that is being made.
    pub(super) fn take_owed(&mut self) -> Option<Write> {
        self.owed.take().map(|(_, hard)| Write::Hard(hard))
    }

    /// Writes the commit index of a log that has been quiet for a lease, so that a node that comes back alone shows
    /// almost everything it knew.
    pub(super) fn settle_owed(&mut self) {
        let quiet = |since: u64| self.ticks - since >= u64::from(self.config.election_ticks);
        if self.owed.is_some_and(|(since, _)| quiet(since)) && !self.is_waiting_for_disk() {
            let writes = self.take_owed().into_iter().collect();
            self.issued += 1;
            self.out.push(Out::Persist { n: self.issued, writes });
        }
    }

    /// Rule 1: the batch that a leader's messages wait for, or 0.
    ///
    /// raft-rs lets a leader speak before its entries are durable, which is sound, and before its *term* is durable, which
    /// is not: a sole voter becomes leader inside `campaign()`, and after a crash it would lead the same term again.
    fn hold_until(&self) -> u64 {
        if self.config.sabotage.send_before_durable { 0 } else { self.vote_write }
    }

    /// Sends now what waits for a durable batch, or for none; holds the rest. In the order of the receivers, because
    /// raft-rs's own order is that of a hash map. Behind a disk that is stuck, messages beyond the limit are lost like
    /// any other.
    fn send(&mut self, mut messages: Vec<Message>, batch: u64) {
        messages.sort_by_key(|message| message.to);
        for message in messages.into_iter().filter_map(RaftMessage::from_raft) {
            if batch <= self.durable {
                self.out.push(Out::Send { to: message.to, message });
            } else if self.held.len() < MAX_HELD_MESSAGES {
                self.held.push_back((batch, message));
            }
        }
    }

    /// A batch has become durable: tells raft-rs, finishes an installation, lets go of what waited.
    pub(super) fn pass_on_durable(&mut self, n: u64) {
        let later = self.riding.split_off(&(n + 1));
        let done = std::mem::replace(&mut self.riding, later);
        if let Some((_, number)) = done.last_key_value() {
            self.raw.on_persist_ready(*number);
        }
        match self.installing.take() {
            Some((batch, image)) if batch <= n => self.finish_install(image),
            waiting => self.installing = waiting,
        }
        let held = std::mem::take(&mut self.held);
        for (batch, message) in held {
            if batch <= n {
                self.out.push(Out::Send { to: message.to, message });
            } else {
                self.held.push_back((batch, message));
            }
        }
    }

    /// Rule 4: only now may raft-rs count the snapshot as applied.
    fn finish_install(&mut self, image: SnapshotImage) {
        self.raw.advance_apply_to(image.index);
        self.applied = image.index;
        self.voters = image.voters.clone();
        self.history = [(image.index, image.voters.clone())].into();
        self.out.push(Out::Restored(image));
    }

    fn apply(&mut self, committed: Vec<Entry>) {
        let Some(last) = committed.last().map(|entry| entry.index) else {
            return;
        };
        for entry in committed.into_iter().map(entry_from_raft) {
            assert_eq!(entry.index, self.applied + 1, "committed entries come without gaps");
            self.applied = entry.index;
            let payload = match entry.body {
                EntryBody::Empty => Payload::Empty,
                EntryBody::Data(data) => Payload::Data(data),
                EntryBody::Change(change) => Payload::Voters(self.apply_change(change)),
            };
            self.out.push(Out::Committed { index: entry.index, term: entry.term, payload });
        }
        self.raw.advance_apply_to(last);
        self.resign(false);
    }

    /// A change holds from here. One that has become impossible changes nothing, on every replica alike.
    fn apply_change(&mut self, change: VoterChange) -> Voters {
        if change.applied_to(&self.voters).is_ok()
            && let Ok(set) = self.raw.apply_conf_change(&change_to_raft(change))
        {
            self.voters = voters_from_raft(&set);
            self.history.insert(self.applied, self.voters.clone());
        }
        // A leader that was removed has no progress of its own any more, and raft-rs would stumble over that.
        let removed = !self.voters.has(self.config.id);
        if removed && self.raw.raft.state == StateRole::Leader {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, 0);
        }
        self.voters.clone()
    }

    /// Opens a round of reads when some have gathered and this replica may still answer them.
    fn open_reads(&mut self) {
        if self.reads.wants_round() && self.is_leader() && self.raw.raft.commit_to_current_term() {
            let bytes = self.reads.open_round(self.term());
            self.raw.read_index(bytes);
        }
    }

    /// Where leadership is gone, raft-rs has silently forgotten the reads.
    fn drop_reads(&mut self) {
        let leads_in = self.is_leader().then_some(self.term());
        for context in self.reads.take_lost(leads_in) {
            self.out.push(Out::ReadLost { context });
        }
    }

    fn announce(&mut self) {
        let role: (u64, Option<VoterId>, bool) = (self.term(), self.leader(), self.is_leader());
        if self.announced != Some(role) {
            self.announced = Some(role);
            let (term, leader, is_leader) = role;
            self.out.push(Out::Role { term, leader, is_leader });
        }
    }
}
