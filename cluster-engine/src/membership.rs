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
        }
    }

    /// The replica is in this term now. Acknowledgements of an earlier term count no more.
    pub fn enter_term(&mut self, term: u64) {
        if term <= self.term {
            return;
        }
        self.term = term;
        if let Some((_, at)) = self.my_ack.filter(|(t, _)| *t < term) {
            self.my_past_ack = self.my_past_ack.max(at);
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
    ) -> Heartbeat {
        Heartbeat {
            incarnation: self.incarnation,
            is_answer,
            sent: now,
            term: self.term,
            echo: self.peers.get(&to).and_then(|p| p.stamp),
            contact_age: contact.map(|c| now.since(c)),
            committed,
            past_ack_age: now.since(self.my_past_ack.max(self.started)),
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

    /// The latest own time that a majority of `voters` (which contain this node) has acknowledged in this term.
    #[must_use]
    pub fn contact(&self, me: NodeId, voters: &[NodeId], now: Time) -> Option<Time> {
        let mut acks: Vec<Time> = voters
            .iter()
            .filter_map(|v| if *v == me { Some(now) } else { self.peers.get(v).and_then(|p| p.acked) })
            .collect();
        acks.sort_unstable_by(|a, b| b.cmp(a));
        acks.get(voters.len() / 2).copied()
    }

    /// Own time after which no earlier leader can have had contact; `None` while it is not known of a majority.
    #[must_use]
    pub fn past_contact(&self, me: NodeId, voters: &[NodeId]) -> Option<Time> {
        let mine = self.my_past_ack.max(self.started);
        let mut acks: Vec<Time> = voters
            .iter()
            .filter_map(|v| if *v == me { Some(mine) } else { self.peers.get(v).and_then(|p| p.past_ack) })
            .collect();
        acks.sort_unstable();
        // Contact with the voters of before the last change ended when the leader applied it, which was before this node
        // did.
        acks.get(voters.len() / 2).map(|at| (*at).max(self.voters_changed))
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
