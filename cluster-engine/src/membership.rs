//! Membership: who is heard, who holds a lease, who may be declared down, and when its groups may move.
//!
//! Every node sends every other a heartbeat each SameSubnetDelay, and answers one at once. The leader declares a node down
//! when it has heard nothing of it for the *detection* time, SameSubnetDelay times SameSubnetThreshold (reference 7.2).
//!
//! Resources of a node may only run while it holds a **lease**: proof that a majority of voters obeyed its leader not
//! longer than T1 ago. Their groups are started elsewhere T2 > T1 after the last moment at which such a proof can have been
//! given. So the same group never runs twice, whatever the network does, as long as clocks run at about the same rate:
//!
//! 1. A heartbeat carries the sender's own clock. The answer echoes it, so every span is measured on one clock.
//! 2. An answer to the leader, in the leader's term, is an *acknowledgement*. The leader's **contact** is the latest own
//!    time that a majority (itself included) has acknowledged. Its own lease ends at contact + T1.
//! 3. The leader tells each node the age of its contact. The node's lease ends at (own time that was echoed) - age + T1.
//!    The echoed time lies before the moment the age was measured, so this never ends later than the leader's own.
//! 4. A new leader cannot know what the former one granted. But nothing was granted after a majority stopped acknowledging
//!    it, so each node also says how old the newest heartbeat of an earlier leader is that it acknowledged. Of a majority of those the newest is the
//!    latest possible contact of the past.
//! 5. A lease alone does not make the state fresh. A node that had none for a while may have been declared down meanwhile
//!    in entries that it has not seen. So a grant names the leader's commit index, and after a lapse nothing is started
//!    before that index is applied. The leader grants nothing before it has committed an entry of its own term.
//! 6. A silent node is therefore certain to have stopped everything at max(past contact, last heard) + T1. The leader
//!    waits for T2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::replica::VoterId;
use crate::time::{Millis, Time};

/// T2 is greater than T1 by this fraction of it, in percent, but at least by [`FENCE_MARGIN_MIN`]: room for the
/// termination of the resources and for clocks that run at different rates.
pub const FENCE_MARGIN_PERCENT: u64 = 20;
/// The least difference between T1 and T2.
pub const FENCE_MARGIN_MIN: Millis = Millis(200);

/// What nodes tell each other all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Which life of the sender's service.
    pub incarnation: u64,
    /// An answer is not answered again.
    pub is_answer: bool,
    /// The sender's clock when it was sent.
    pub sent: Time,
    /// The sender's term.
    pub term: u64,
    /// The `sent` of the last heartbeat that the sender had from the receiver, in the same life of the receiver.
    pub echo: Option<Time>,
    /// From a leader: how old its contact with a majority is.
    pub contact_age: Option<Millis>,
    /// From a leader: everything up to this log index is committed.
    pub committed: u64,
    /// How long ago the newest heartbeat came that the sender acknowledged to a leader of a term before `term`.
    pub past_ack_age: Millis,
    /// The witness, when the sender hosts it.
    pub witness: Option<WitnessBeat>,
}

/// What a node says for the witness that it hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessBeat {
    /// Its ownership epoch; of two that claim to host it, the higher one does.
    pub epoch: u64,
    /// Its voter id.
    pub voter: VoterId,
    /// Its term.
    pub term: u64,
    /// How long ago the ownership was last found to be the sender's; `None`: not yet.
    pub checked_age: Option<Millis>,
    /// How long ago it can last have acknowledged a leader of a term before its present one.
    pub past_ack_age: Millis,
}

/// What is known of a witness that another node hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessSeen {
    /// On which node.
    pub host: NodeId,
    /// Its epoch.
    pub epoch: u64,
    /// Its voter id.
    pub voter: VoterId,
    /// Own time at which its host last spoke for it.
    pub heard: Time,
    /// The latest own time that it acknowledged in the present term.
    acked: Option<Time>,
    /// The latest own time at which it can have acknowledged an earlier leader.
    past_ack: Option<Time>,
}

/// What is known of another node.
#[derive(Clone, Debug, Default)]
struct Peer {
    incarnation: u64,
    /// Own time at which its last heartbeat came.
    heard: Option<Time>,
    /// The `sent` stamp to echo.
    stamp: Option<Time>,
    /// The latest own time that it acknowledged in the present term.
    acked: Option<Time>,
    /// The latest own time at which it can have acknowledged an earlier leader; known once it is in the present term.
    past_ack: Option<Time>,
}

/// Heartbeats and leases of one node.
#[derive(Clone, Debug)]
pub struct Membership {
    incarnation: u64,
    started: Time,
    term: u64,
    peers: BTreeMap<NodeId, Peer>,
    /// When the newest heartbeat came that this node acknowledged to a leader, and in which term.
    my_ack: Option<(u64, Time)>,
    /// The same of leaders of terms before `term`.
    my_past_ack: Time,
    /// Granted by the leader.
    granted_until: Option<Time>,
    /// When this node last saw the set of voters change. A leader's contact of before was one with the former voters.
    voters_changed: Time,
    /// The commit index that came with the last grant.
    granted_index: u64,
    /// The witness on another node, as far as was heard; the highest epoch.
    witness: Option<WitnessSeen>,
}

/// T1: how long after the last proof a node may go on.
#[must_use]
pub fn lease_length(detection: Millis) -> Millis {
    detection
}

/// T2: how long after the last possible proof its groups are started elsewhere.
#[must_use]
pub fn fence_length(detection: Millis) -> Millis {
    let margin = Millis(detection.0 * FENCE_MARGIN_PERCENT / 100).max(FENCE_MARGIN_MIN);
    Millis(detection.0 + margin.0)
}

/// How long a resource may take to terminate when the lease has run out, before its monitor is killed: half of the time
/// between T1 and T2.
#[must_use]
pub fn terminate_grace(detection: Millis) -> Millis {
    Millis((fence_length(detection).0 - lease_length(detection).0) / 2)
}

/// The latest time that a majority of `voters` voters has acknowledged, of the times that are known.
#[must_use]
pub fn majority_acknowledged(mut acks: Vec<Time>, voters: usize) -> Option<Time> {
    acks.sort_unstable_by(|a, b| b.cmp(a));
    acks.get(voters / 2).copied()
}

/// The latest time at which an earlier leader can have had the acknowledgement of a majority, from what a majority of
/// `voters` voters says of itself; `None` while fewer have spoken.
#[must_use]
pub fn majority_let_go(mut acks: Vec<Time>, voters: usize) -> Option<Time> {
    acks.sort_unstable();
    acks.get(voters / 2).copied()
}

impl Membership {
    /// A service that starts now.
    #[must_use]
    pub fn new(incarnation: u64, now: Time) -> Membership {
        Membership {
            incarnation,
            started: now,
            term: 0,
            peers: BTreeMap::new(),
            my_ack: None,
            my_past_ack: now,
            granted_until: None,
            voters_changed: now,
            granted_index: 0,
            witness: None,
        }
    }

    /// The replica is in this term now. Acknowledgements of an earlier term count no more. `led`: this node led until now,
    /// and so acknowledged itself until now.
    pub fn enter_term(&mut self, term: u64, led: bool, now: Time) {
        if term <= self.term {
            return;
        }
        self.term = term;
        if let Some((_, at)) = self.my_ack.filter(|(t, _)| *t < term) {
            self.my_past_ack = self.my_past_ack.max(at);
        }
        if led {
            self.my_past_ack = self.my_past_ack.max(now);
        }
        if let Some(witness) = &mut self.witness {
            witness.acked = None;
            witness.past_ack = None;
        }
        for peer in self.peers.values_mut() {
            peer.acked = None;
            peer.past_ack = None;
        }
    }

    /// The heartbeat for a node. `contact`: when this node leads, its contact.
    #[must_use]
    pub fn heartbeat(
        &self,
        to: NodeId,
        now: Time,
        is_answer: bool,
        contact: Option<Time>,
        committed: u64,
        witness: Option<WitnessBeat>,
    ) -> Heartbeat {
        Heartbeat {
            incarnation: self.incarnation,
            is_answer,
            sent: now,
            term: self.term,
            echo: self.peers.get(&to).and_then(|p| p.stamp),
            contact_age: contact.map(|c| now.since(c)),
            committed,
            past_ack_age: now.since(self.past_ack()),
            witness,
        }
    }

    /// A heartbeat came. `leader` is who leads as far as this node knows, in its present term.
    pub fn hear(&mut self, from: NodeId, beat: &Heartbeat, leader: Option<NodeId>, t1: Millis, now: Time) {
        let peer = self.peers.entry(from).or_default();
        if peer.incarnation != beat.incarnation {
            *peer = Peer { incarnation: beat.incarnation, ..Peer::default() };
        }
        peer.heard = Some(now);
        peer.stamp = peer.stamp.max(Some(beat.sent));
        // An echo of a stamp that this life did not send (it lies before its start) proves nothing.
        let echo = beat.echo.filter(|e| *e >= self.started && *e <= now);
        if beat.term == self.term {
            peer.past_ack = Some(now - beat.past_ack_age);
            peer.acked = peer.acked.max(echo);
        }
        self.hear_witness(from, beat, echo, now);
        if let (Some(age), Some(echo), true) = (beat.contact_age, echo, leader == Some(from)) {
            let until = Time((echo.0 + t1.0).saturating_sub(age.0));
            self.granted_until = self.granted_until.max(Some(until));
            self.granted_index = self.granted_index.max(beat.committed);
        }
    }

    /// This node sends an acknowledgement to the leader of its present term: it must be remembered. What is acknowledged
    /// is the last heartbeat that came from the leader, so the leader cannot make more of it than the time it came.
    pub fn note_ack(&mut self, leader: NodeId) {
        if let Some(heard) = self.last_heard(leader) {
            self.my_ack = Some((self.term, heard));
        }
    }

    /// This node led in `term` until now, and acknowledged itself. It may stay in that term: a leader that finds no
    /// majority steps down without a new one.
    pub fn stepped_down(&mut self, term: u64, now: Time) {
        if term < self.term {
            self.my_past_ack = self.my_past_ack.max(now);
        } else {
            self.my_ack = Some((term, now));
        }
    }

    /// What a heartbeat says of the witness: it is where the highest epoch is, and whoever hosted it and says no more that
    /// it does, hosts it no more.
    fn hear_witness(&mut self, from: NodeId, beat: &Heartbeat, echo: Option<Time>, now: Time) {
        let Some(said) = beat.witness else {
            if self.witness.is_some_and(|w| w.host == from) {
                self.witness = None;
            }
            return;
        };
        let known = self.witness.filter(|w| w.voter == said.voter && w.epoch >= said.epoch);
        if known.is_some_and(|w| w.epoch > said.epoch || w.host != from) {
            return;
        }
        let mut seen = known.unwrap_or(WitnessSeen {
            host: from,
            epoch: said.epoch,
            voter: said.voter,
            heard: now,
            acked: None,
            past_ack: None,
        });
        seen.heard = now;
        if said.term == self.term && beat.term == self.term {
            // The echoed stamp lies before the moment at which the age of the check was measured.
            let acked = echo.zip(said.checked_age).map(|(echo, age)| echo - age);
            seen.acked = seen.acked.max(acked);
            seen.past_ack = Some(now - said.past_ack_age);
        }
        self.witness = Some(seen);
    }

    /// The witness on another node.
    #[must_use]
    pub fn witness(&self) -> Option<WitnessSeen> {
        self.witness
    }

    /// The latest own time that this witness, hosted elsewhere, acknowledged in the present term.
    #[must_use]
    pub fn witness_acked(&self, voter: VoterId) -> Option<Time> {
        self.witness.filter(|w| w.voter == voter)?.acked
    }

    /// The latest own time at which this witness, hosted elsewhere, can have acknowledged an earlier leader.
    #[must_use]
    pub fn witness_past_ack(&self, voter: VoterId) -> Option<Time> {
        self.witness.filter(|w| w.voter == voter)?.past_ack
    }

    /// The latest own time that a node acknowledged in the present term.
    #[must_use]
    pub fn acked(&self, node: NodeId) -> Option<Time> {
        self.peers.get(&node)?.acked
    }

    /// The latest own time at which another node can have acknowledged an earlier leader; `None` while it has not said so
    /// in the present term.
    #[must_use]
    pub fn peer_past_ack(&self, node: NodeId) -> Option<Time> {
        self.peers.get(&node)?.past_ack
    }

    /// The same of this node.
    #[must_use]
    pub fn past_ack(&self) -> Time {
        self.my_past_ack.max(self.started)
    }

    /// When this node last saw the set of voters change.
    #[must_use]
    pub fn voters_changed_at(&self) -> Time {
        self.voters_changed
    }

    /// The set of voters changed, or came with a snapshot.
    pub fn voters_changed(&mut self, now: Time) {
        self.voters_changed = self.voters_changed.max(now);
    }

    /// Until when the leader allows this node to run resources.
    #[must_use]
    pub fn granted_until(&self) -> Option<Time> {
        self.granted_until
    }

    /// The commit index of the newest grant.
    #[must_use]
    pub fn granted_index(&self) -> u64 {
        self.granted_index
    }

    /// When a node was last heard.
    #[must_use]
    pub fn last_heard(&self, node: NodeId) -> Option<Time> {
        self.peers.get(&node).and_then(|p| p.heard)
    }

    /// Which life of a node was last heard.
    #[must_use]
    pub fn heard_incarnation(&self, node: NodeId) -> Option<u64> {
        self.peers.get(&node).map(|p| p.incarnation)
    }

    /// When this life began.
    #[must_use]
    pub fn started(&self) -> Time {
        self.started
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What this node says of its past once it is in `term`.
    fn past_ack(membership: &mut Membership, term: u64) -> Time {
        membership.enter_term(term, false, Time(9_000));
        membership.past_ack()
    }

    #[test]
    fn a_leader_acknowledged_itself_until_it_stepped_down() {
        let new = || {
            let mut membership = Membership::new(1, Time(1_000));
            membership.enter_term(7, false, Time(1_500));
            membership
        };
        assert_eq!(past_ack(&mut new(), 8), Time(1_000), "it never acknowledged anybody");
        // It found no majority, stayed in its term, and heard of the next one much later.
        let mut stays = new();
        stays.stepped_down(7, Time(4_000));
        assert_eq!(past_ack(&mut stays, 8), Time(4_000));
        // The next term was what ended it.
        let mut deposed = new();
        deposed.enter_term(8, true, Time(5_000));
        deposed.stepped_down(7, Time(5_000));
        assert_eq!(past_ack(&mut deposed, 8), Time(5_000));
    }
}
