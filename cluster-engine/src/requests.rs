//! Requests of this node that wait for their outcome, and the leader's queue of everybody's proposals.
//!
//! A request is sent to whoever leads, again and again, until this node applies an entry that carries it. The replicated
//! state machine makes sure that it takes effect once. So a lost message, a new leader, a crash of the leader cost time,
//! never an answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{NodeId, RequestId};
use crate::state::{Command, Proposal};
use crate::time::{Millis, Time};

/// Requests of one node that may wait at the same time.
pub(crate) const MAX_OUTSTANDING: usize = 16_384;
/// Proposals that the leader puts into one entry at most: a group commit.
pub(crate) const MAX_PER_ENTRY: usize = 1024;
/// Proposals that the leader keeps waiting at most; more are dropped and come again.
pub(crate) const MAX_QUEUED: usize = 65_536;
/// Proposals of one forwarded message.
pub(crate) const MAX_PER_MESSAGE: usize = 256;

/// A request that waits.
#[derive(Clone, Debug)]
struct Outstanding {
    command: Command,
    /// The client to answer; `None` for the engine's own requests.
    ticket: Option<u64>,
    /// When the client is told that the outcome is not known.
    give_up_at: Option<Time>,
    sent_at: Option<Time>,
}

/// What this node has asked for.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    node: NodeId,
    incarnation: u64,
    next: u64,
    waiting: BTreeMap<u64, Outstanding>,
}

impl Requests {
    pub(crate) fn new(node: NodeId, incarnation: u64) -> Requests {
        Requests { node, incarnation, next: 1, waiting: BTreeMap::new() }
    }

    /// Adds a request. `None` when too many wait.
    pub(crate) fn add(&mut self, command: Command, ticket: Option<u64>, give_up_at: Option<Time>) -> Option<u64> {
        if ticket.is_some() && self.waiting.len() >= MAX_OUTSTANDING {
            return None;
        }
        let sequence = self.next;
        self.next += 1;
        self.waiting.insert(sequence, Outstanding { command, ticket, give_up_at, sent_at: None });
        Some(sequence)
    }

    /// The outcome of a request is known. Returns the client to answer, if it was still waiting.
    pub(crate) fn finish(&mut self, id: RequestId) -> Option<Option<u64>> {
        if id.node != self.node || id.incarnation != self.incarnation {
            return None;
        }
        self.waiting.remove(&id.sequence).map(|o| o.ticket)
    }

    /// Takes an own request back. What was sent may still take effect.
    pub(crate) fn withdraw(&mut self, sequence: u64) {
        self.waiting.remove(&sequence);
    }

    pub(crate) fn is_waiting(&self, sequence: u64) -> bool {
        self.waiting.contains_key(&sequence)
    }

    /// Tickets whose time is over. Their requests are given up; what was sent may still take effect.
    pub(crate) fn expired(&mut self, now: Time) -> Vec<u64> {
        let over: Vec<u64> =
            self.waiting.iter().filter(|(_, o)| o.give_up_at.is_some_and(|t| t <= now)).map(|(s, _)| *s).collect();
        over.into_iter().filter_map(|s| self.waiting.remove(&s)?.ticket).collect()
    }

    /// Proposals that should be sent now: never sent, or sent longer than `again` ago.
    pub(crate) fn due(&mut self, now: Time, again: Millis) -> Vec<Proposal> {
        let done_below = self.waiting.keys().next().copied().unwrap_or(self.next);
        let (node, incarnation) = (self.node, self.incarnation);
        self.waiting
            .iter_mut()
            .filter(|(_, o)| o.sent_at.is_none_or(|t| now.since(t) >= again))
            .take(MAX_PER_MESSAGE)
            .map(|(sequence, o)| {
                o.sent_at = Some(now);
                let id = RequestId { node, incarnation, sequence: *sequence };
                Proposal { id, done_below, command: o.command.clone() }
            })
            .collect()
    }

    /// The leader changed: everything is sent again.
    pub(crate) fn send_again(&mut self) {
        for outstanding in self.waiting.values_mut() {
            outstanding.sent_at = None;
        }
    }

    /// Every request that waits, to look for outcomes after a snapshot.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.waiting.keys().copied().collect()
    }

    pub(crate) fn id(&self, sequence: u64) -> RequestId {
        RequestId { node: self.node, incarnation: self.incarnation, sequence }
    }
}

/// The leader's queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<RequestId, Proposal>,
    in_log: BTreeSet<RequestId>,
}

impl Queue {
    /// Takes proposals in, unless they are on their way already.
    pub(crate) fn take_in(&mut self, proposals: Vec<Proposal>) {
        for proposal in proposals {
            if self.waiting.len() < MAX_QUEUED && !self.in_log.contains(&proposal.id) {
                self.waiting.insert(proposal.id, proposal);
            }
        }
    }

    /// The next entry's proposals, in order of their ids.
    pub(crate) fn next_entry(&mut self) -> Vec<Proposal> {
        let ids: Vec<RequestId> = self.waiting.keys().take(MAX_PER_ENTRY).copied().collect();
        let proposals: Vec<Proposal> = ids.iter().filter_map(|id| self.waiting.remove(id)).collect();
        self.in_log.extend(ids);
        proposals
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn applied(&mut self, id: RequestId) {
        self.in_log.remove(&id);
        self.waiting.remove(&id);
    }

    /// Leadership is lost: the proposers send again to the next leader.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.in_log.clear();
    }
}
