//! Force quorum and prevent quorum (reference 7.6, docs/witness.md).
//!
//! A node that was started with force quorum begins a new *line of descent*: its store is authoritative, and a number that
//! every message carries is higher from then on. Whoever hears a lower number refuses what was said and answers with its
//! own; whoever hears a higher one belongs to a past that was forced out (event 5396): it terminates everything, puts its
//! store aside, and joins again with an empty one. Without the number, restarted old stores make a second majority.
//!
//! A node that was started with prevent quorum joins and does not form: it neither votes nor leads until it is a member.

use crate::engine::Engine;
use crate::event::{Effect, PeerBody, PeerMessage};
use crate::executor;
use crate::id::{Lineage, NodeId};
use crate::notice::{Component, Level};
use crate::replica::{MessageKind, RaftMessage};
use crate::state::Command;

/// This node's store belongs to a past that was forced out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejoining {
    /// The line of descent that has quorum now.
    lineage: Lineage,
    /// Who said so.
    via: NodeId,
    /// The driver was told.
    is_told: bool,
}

impl Engine {
    /// Is the message of this node's line of descent? One of an older line is answered with the number alone; one of a
    /// newer line ends this node's own.
    pub(crate) fn is_of_this_lineage(&mut self, from: NodeId, message: &PeerMessage) -> bool {
        let own = self.config.lineage;
        if message.lineage == own || self.config.sabotage.ignore_lineage {
            return true;
        }
        if message.lineage < own {
            if message.body != PeerBody::Outdated {
                let answer = self.says(PeerBody::Outdated);
                self.push(Effect::Send { to: from, message: answer });
            }
            return false;
        }
        if self.rejoining.is_none() {
            self.rejoining = Some(Rejoining { lineage: message.lineage, via: from, is_told: false });
            let name = self.state().node_name(from);
            let text = format!(
                "Quorum was forced elsewhere: '{name}' belongs to line of descent {}, this node to {own}. It stops and joins again.",
                message.lineage
            );
            let mut notice = self.notice(Level::Critical, Component::Quorum, text);
            notice.event = Some(5396);
            self.push(Effect::Notice(notice));
        }
        false
    }

    /// Keeps force quorum, prevent quorum and rejoining going.
    pub(crate) fn keep_lineage(&mut self) {
        self.rejoin();
        if self.prevented && self.standing.may_run() && self.is_member() {
            self.prevented = false;
            self.replica.set_may_lead(true);
        }
        let is_asked = self.forcing.is_some_and(|s| self.requests.is_waiting(s));
        if self.config.forced && !is_asked && self.is_leader() && self.state().quorum.lineage < self.config.lineage {
            let (node, incarnation, lineage) = (self.config.node, self.config.incarnation, self.config.lineage);
            self.forcing = self.requests.add(Command::QuorumForced { node, incarnation, lineage }, None, None);
        }
    }

    /// Everything ends first; then the driver is told, once.
    fn rejoin(&mut self) {
        let Some(Rejoining { lineage, via, is_told: false }) = self.rejoining else { return };
        self.give_up_witness("this node rejoins another line of descent");
        let mut calls = Vec::new();
        self.executor.end_all(&mut calls);
        for call in calls {
            self.push(call);
        }
        if !self.executor.is_active() {
            self.rejoining = Some(Rejoining { lineage, via, is_told: true });
            self.push(Effect::Rejoin { lineage, via });
        }
    }

    fn is_member(&self) -> bool {
        executor::is_member(self.state(), self.config.node, self.config.incarnation)
    }

    /// With prevent quorum nobody gets this node's vote, and nobody makes it lead.
    pub(crate) fn is_prevented_from(&self, message: &RaftMessage) -> bool {
        let is_vote =
            matches!(message.kind, MessageKind::RequestVote | MessageKind::RequestPreVote | MessageKind::TimeoutNow);
        self.prevented && is_vote
    }
}
