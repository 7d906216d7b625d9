//! What replicas say to each other, and the filter in front of it.
//!
//! raft-rs trusts its peers: a message that contradicts the log makes it panic. So the replica takes only messages of
//! our own shape (no protobuf from outside is ever parsed), only of the nine kinds that travel, and only with numbers
//! that a sound peer could have sent (docs/raft.md section 4, "Wire").

use raft::eraftpb::{self, MessageType};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::convert::{entry_from_raft, entry_to_raft, image_from_raft, image_to_raft};
use super::said::{MAX_PROPOSAL_BYTES, MAX_SNAPSHOT_BYTES};
use super::store::{EntryBody, LogEntry, MAX_POSITION, Position, SnapshotImage};
use super::voters::{VoterId, VotersFault};

/// The most entries in one message. A message is filled up to [`MAX_MESSAGE_BYTES`], and no entry is below 4 bytes.
pub const MAX_ENTRIES_PER_MESSAGE: usize = MAX_MESSAGE_BYTES / 4;
/// Up to how many bytes of entries a leader puts into one message (a single larger entry still travels).
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The longest `context`: the mark of a hand-over or the number of a round of reads.
pub const MAX_CONTEXT_BYTES: usize = 32;

/// The kinds of messages that travel. Everything else in raft-rs is local and is never accepted from outside.
#[derive(Serialize, Deserialize, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MessageKind {
    /// Leader to follower: entries, and how far the log is committed.
    Append,
    /// The answer: up to where the logs agree.
    AppendResponse,
    /// A candidate asks for a vote.
    RequestVote,
    /// The answer.
    RequestVoteResponse,
    /// Leader to a follower that is too far behind: the whole state.
    Snapshot,
    /// Leader to follower: I am here.
    Heartbeat,
    /// The answer; confirms reads too.
    HeartbeatResponse,
    /// Leader to its successor: stand for election now.
    TimeoutNow,
    /// Would you vote for me? Asked before the term is raised.
    RequestPreVote,
    /// The answer.
    RequestPreVoteResponse,
}

/// One message between two replicas. Fields that a kind does not use are zero or empty.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub struct RaftMessage {
    /// What it is.
    pub kind: MessageKind,
    /// The receiver.
    pub to: VoterId,
    /// The sender.
    pub from: VoterId,
    /// The sender's term (of a pre-vote: the term it would stand in). Never 0.
    pub term: u64,
    /// Append, votes: the term of the entry at `index`. Rejected appends: the term at `reject_hint`.
    pub log_term: u64,
    /// Append: the entry before `entries`. Votes: the candidate's last entry. Answers: what is acknowledged or rejected.
    pub index: u64,
    /// Append: what follows `index`, without gaps.
    pub entries: Vec<LogEntry>,
    /// How far the sender knows the log to be committed.
    pub commit: u64,
    /// Votes: the term of the entry at `commit`.
    pub commit_term: u64,
    /// Snapshot: the state.
    pub snapshot: Option<SnapshotImage>,
    /// Answers: no.
    pub reject: bool,
    /// Rejected appends: where the logs may agree.
    pub reject_hint: u64,
    /// Heartbeats: the round of reads to be confirmed. Votes: the mark of a hand-over.
    pub context: Vec<u8>,
}

/// Why a message was not taken. The replica is unchanged; a message is like a lost one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejected {
    /// It is for somebody else.
    #[error("the message is for {to}, this is {me}; the sender's address book is out of date")]
    NotForUs {
        /// Whom it is for.
        to: VoterId,
        /// Who got it.
        me: VoterId,
    },
    /// Nobody, or this replica itself.
    #[error("a message from {0} cannot come from outside")]
    BadSender(VoterId),
    /// An index, a term or a length outside the limits.
    #[error("the message's {field} is {value}, out of range")]
    OutOfRange {
        /// The field of [`RaftMessage`].
        field: &'static str,
        /// What it was.
        value: u64,
    },
    /// A field is filled that this kind does not have, or is missing.
    #[error("{kind:?} with {fault}; the sender runs another version or is damaged")]
    Malformed {
        /// The kind.
        kind: MessageKind,
        /// What is wrong.
        fault: &'static str,
    },
    /// The voters of a snapshot are unusable.
    #[error("the voters of the snapshot are unusable: {0}")]
    Voters(#[from] VotersFault),
    /// It speaks of entries that this log does not have.
    #[error(
        "the message speaks of entry {index}, the log ends at {last}; the sender mistakes this replica for another"
    )]
    BeyondLog {
        /// The entry.
        index: u64,
        /// The last entry here.
        last: u64,
    },
    /// It contradicts what is committed here. Two clusters have met, or a store was damaged.
    #[error("entry {index} is committed here with another term; the sender belongs to another history")]
    Contradicts {
        /// The entry.
        index: u64,
    },
    /// The sender is no member.
    #[error("{0} is no member and has nothing to answer")]
    Stranger(VoterId),
    /// A leader's snapshot is not durable yet.
    #[error("a snapshot is being installed; the message will come again")]
    Installing,
    /// It was asked to lead but may not, or its disk is behind.
    #[error("this replica cannot stand for election now")]
    CannotLead,
    /// raft-rs refused what the checks let through.
    #[error("the replication engine refused the message: {0}")]
    Engine(String),
}

impl RaftMessage {
    /// A message with every optional field empty.
    pub fn new(kind: MessageKind, from: VoterId, to: VoterId, term: u64) -> RaftMessage {
        RaftMessage {
            kind,
            to,
            from,
            term,
            log_term: 0,
            index: 0,
            entries: Vec::new(),
            commit: 0,
            commit_term: 0,
            snapshot: None,
            reject: false,
            reject_hint: 0,
            context: Vec::new(),
        }
    }

    /// Checks what can be checked without knowing the receiver's log. Every message from outside goes through here.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self, me: VoterId) -> Result<(), Rejected> {
        if self.to != me {
            return Err(Rejected::NotForUs { to: self.to, me });
        }
        if self.from.0 == 0 || self.from == me {
            return Err(Rejected::BadSender(self.from));
        }
        self.check_ranges()?;
        let malformed = |fault| Err(Rejected::Malformed { kind: self.kind, fault });
        if !self.entries.is_empty() && self.kind != MessageKind::Append {
            return malformed("entries");
        }
        if self.snapshot.is_some() != (self.kind == MessageKind::Snapshot) {
            return malformed("a snapshot that should not be there, or without one");
        }
        if self.reject && self.kind == MessageKind::AppendResponse && self.reject_hint > self.index {
            return malformed("a hint above what it rejects");
        }
        // raft-rs takes term 0 for "any entry that is not there" and would append behind a gap.
        if self.kind == MessageKind::Append && (self.index == 0) != (self.log_term == 0) {
            return malformed("an index without a term");
        }
        self.check_entries()?;
        match &self.snapshot {
            Some(image) if image.index == 0 || image.term == 0 || image.term > self.term => {
                malformed("a snapshot of an impossible index or term")
            }
            Some(image) => Ok(image.voters.check()?),
            None => Ok(()),
        }
    }

    fn check_ranges(&self) -> Result<(), Rejected> {
        let image = self.snapshot.as_ref();
        let out_of_range = |field, value: u64| Err(Rejected::OutOfRange { field, value });
        let positions = [
            ("term", self.term),
            ("log_term", self.log_term),
            ("index", self.index),
            ("commit", self.commit),
            ("commit_term", self.commit_term),
            ("reject_hint", self.reject_hint),
            ("snapshot", image.map_or(0, |image| image.index)),
        ];
        if let Some((field, value)) = positions.into_iter().find(|(_, value)| *value > MAX_POSITION) {
            return out_of_range(field, value);
        }
        if self.term == 0 {
            return out_of_range("term", 0);
        }
        let sizes = [
            ("entries", self.entries.len(), MAX_ENTRIES_PER_MESSAGE),
            ("context", self.context.len(), MAX_CONTEXT_BYTES),
            ("snapshot", image.map_or(0, |image| image.data.len()), MAX_SNAPSHOT_BYTES),
        ];
        match sizes.into_iter().find(|(_, size, limit)| size > limit) {
            Some((field, size, _)) => out_of_range(field, size as u64),
            None => Ok(()),
        }
    }

    /// Entries follow `index` without a gap, and terms never fall nor pass the sender's.
    fn check_entries(&self) -> Result<(), Rejected> {
        let malformed = |fault| Err(Rejected::Malformed { kind: self.kind, fault });
        let mut before = Position { index: self.index, term: self.log_term };
        for entry in &self.entries {
            if entry.index != before.index + 1 {
                return malformed("a gap between its entries");
            }
            if entry.term == 0 || entry.term < before.term || entry.term > self.term {
                return malformed("entries of impossible terms");
            }
            match &entry.body {
                EntryBody::Data(data) if data.is_empty() => {
                    return malformed("an entry with empty data");
                }
                EntryBody::Data(data) if data.len() > MAX_PROPOSAL_BYTES => {
                    return Err(Rejected::OutOfRange { field: "entry", value: data.len() as u64 });
                }
                EntryBody::Change(change) if change.subject().0 == 0 => {
                    return malformed("a change about id 0");
                }
                EntryBody::Data(_) | EntryBody::Change(_) | EntryBody::Empty => {}
            }
            before = Position { index: entry.index, term: entry.term };
        }
        Ok(())
    }

    /// The shape that raft-rs works on. Called after [`RaftMessage::check`].
    pub(super) fn into_raft(self) -> eraftpb::Message {
        let mut message = eraftpb::Message::default();
        message.set_msg_type(kind_to_raft(self.kind));
        message.to = self.to.0;
        message.from = self.from.0;
        message.term = self.term;
        message.log_term = self.log_term;
        message.index = self.index;
        message.commit = self.commit;
        message.commit_term = self.commit_term;
        message.reject = self.reject;
        message.reject_hint = self.reject_hint;
        message.context = self.context.into();
        message.set_entries(self.entries.into_iter().map(entry_to_raft).collect::<Vec<_>>().into());
        if let Some(image) = self.snapshot {
            message.set_snapshot(image_to_raft(image));
        }
        message
    }

    /// What raft-rs wants to send. None for a message that never travels; raft-rs makes none of those here.
    pub(super) fn from_raft(mut message: eraftpb::Message) -> Option<RaftMessage> {
        let kind = kind_from_raft(message.get_msg_type())?;
        let entries = message.take_entries().into_iter().map(entry_from_raft).collect();
        let snapshot = (kind == MessageKind::Snapshot).then(|| image_from_raft(message.take_snapshot()));
        Some(RaftMessage {
            kind,
            to: VoterId(message.to),
            from: VoterId(message.from),
            term: message.term,
            log_term: message.log_term,
            index: message.index,
            entries,
            commit: message.commit,
            commit_term: message.commit_term,
            snapshot,
            reject: message.reject,
            reject_hint: message.reject_hint,
            context: message.context.to_vec(),
        })
    }
}

const KINDS: [(MessageKind, MessageType); 10] = [
    (MessageKind::Append, MessageType::MsgAppend),
    (MessageKind::AppendResponse, MessageType::MsgAppendResponse),
    (MessageKind::RequestVote, MessageType::MsgRequestVote),
    (MessageKind::RequestVoteResponse, MessageType::MsgRequestVoteResponse),
    (MessageKind::Snapshot, MessageType::MsgSnapshot),
    (MessageKind::Heartbeat, MessageType::MsgHeartbeat),
    (MessageKind::HeartbeatResponse, MessageType::MsgHeartbeatResponse),
    (MessageKind::TimeoutNow, MessageType::MsgTimeoutNow),
    (MessageKind::RequestPreVote, MessageType::MsgRequestPreVote),
    (MessageKind::RequestPreVoteResponse, MessageType::MsgRequestPreVoteResponse),
];

fn kind_to_raft(kind: MessageKind) -> MessageType {
    KINDS.iter().find(|(ours, _)| *ours == kind).expect("the table above names every kind").1
}

fn kind_from_raft(kind: MessageType) -> Option<MessageKind> {
    KINDS.iter().find(|(_, theirs)| *theirs == kind).map(|(ours, _)| *ours)
}
