//! What a replica says to its caller: things to do ([`Out`]), and refusals of what was asked ([`Refused`]).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::store::{Position, SnapshotImage, Write};
use super::voters::{ChangeFault, VoterId, Voters};
use super::wire::RaftMessage;

/// The largest proposal, in bytes. Many commands go into one proposal, so this bounds a group commit.
pub const MAX_PROPOSAL_BYTES: usize = 4 << 20;
/// How many bytes of proposals may wait for their majority before new ones are refused.
pub const MAX_UNCOMMITTED_BYTES: usize = 64 << 20;
/// The largest snapshot, in bytes.
pub const MAX_SNAPSHOT_BYTES: usize = 256 << 20;
/// How many reads may wait for their answer.
pub const MAX_WAITING_READS: usize = 16_384;
/// How many messages may wait for the disk; more are dropped, as a network would.
pub const MAX_HELD_MESSAGES: usize = 4096;
/// How many batches may wait for the disk before proposals are refused.
pub const MAX_UNPERSISTED: u64 = 1024;
/// How many entries a learner may lag behind and still get its vote.
pub const PROMOTE_LAG_ENTRIES: u64 = 64;

/// Something the caller has to do, in the order in which it was handed out.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Out {
    /// Make this batch durable, atomically and after every batch before it, then call `persisted(n)`. The replica itself
    /// holds back what has to wait for it; what it hands out meanwhile may go on at once.
    Persist {
        /// 1, 2, 3, ... since the start of this replica.
        n: u64,
        /// The batch.
        writes: Vec<Write>,
    },
    /// Send a message. It may be lost, doubled, delayed or overtaken.
    Send {
        /// The receiver, equal to `message.to`.
        to: VoterId,
        /// The message.
        message: RaftMessage,
    },
    /// An entry is committed and durable here: apply it. Each index comes once per start, without gaps.
    Committed {
        /// Its place.
        index: u64,
        /// The term it was proposed in.
        term: u64,
        /// What to apply.
        payload: Payload,
    },
    /// Replace the state machine by this state. Comes first after a start on a store that is not empty, and whenever a
    /// leader's snapshot has been installed and is durable.
    Restored(SnapshotImage),
    /// Who leads has changed, as far as this replica knows.
    Role {
        /// Its term.
        term: u64,
        /// The leader, when one is known.
        leader: Option<VoterId>,
        /// True when it is this replica, its term is durable and it is still a voter.
        is_leader: bool,
    },
    /// A read is confirmed: nothing was acknowledged before it was asked for that is not in the state applied so far.
    ReadReady {
        /// What the caller passed to `read`.
        context: u64,
        /// The index that was read at. Everything up to it came out before this.
        index: u64,
    },
    /// A read will not be confirmed, because leadership was lost. Ask the new leader.
    ReadLost {
        /// What the caller passed to `read`.
        context: u64,
    },
}

/// What a committed entry carries.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Payload {
    /// A proposal.
    Data(Vec<u8>),
    /// The voters from here on. Equal to the set before when the change had become impossible.
    Voters(Voters),
    /// Nothing to apply; it only moves the index.
    Empty,
}

/// Why the replica does not do what it was asked. Nothing has changed.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Only the leader does this.
    #[error("this replica does not lead; ask {}", leader.map_or("again when a leader is known".into(), |l| l.to_string()))]
    NotLeader {
        /// Whom to ask instead.
        leader: Option<VoterId>,
    },
    /// Leadership is on its way to another voter.
    #[error("leadership is being handed over to {to}; ask it in a moment")]
    HandingOver {
        /// The next leader.
        to: VoterId,
    },
    /// A leader first has to commit an entry of its own term.
    #[error("the leader of term {term} has committed nothing yet; ask again in a moment")]
    TooEarly {
        /// Its term.
        term: u64,
    },
    /// Proposals without content are not told apart from a leader's own empty entries.
    #[error("the proposal is empty; propose at least one byte")]
    EmptyProposal,
    /// Too many bytes.
    #[error("{size} bytes are more than the {limit} that are allowed; split them")]
    TooLarge {
        /// What was asked.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much waits for a majority or for the disk.
    #[error("too many proposals wait for a majority or for the disk; ask again when some are committed")]
    Full,
    /// Too many reads wait.
    #[error("{MAX_WAITING_READS} reads wait already; ask again in a moment")]
    TooManyReads,
    /// The same context is still waiting.
    #[error("a read with context {0} is waiting already; use each context once")]
    ReadTwice(u64),
    /// One change of the voters at a time.
    #[error("another change of the voters is under way; ask again when it is applied")]
    ChangePending,
    /// The change makes no sense.
    #[error("{0}")]
    Change(String),
    /// A leader does not vote itself out.
    #[error("{0} leads; hand leadership over before taking its vote")]
    Leader(VoterId),
    /// A learner lags behind. Promoted now, it could block the others.
    #[error("{id} has {matched} of {last} entries or is silent; promote it when it has caught up")]
    LearnerBehind {
        /// The learner.
        id: VoterId,
        /// What it has.
        matched: u64,
        /// What the leader has.
        last: u64,
    },
    /// Leadership goes to voters only.
    #[error("{0} is no voter and cannot lead")]
    NotVoter(VoterId),
    /// The snapshot is older than the one there is, or ahead of what is applied.
    #[error("a snapshot at {index} does not lie above {newest} and up to {applied}; take one of the applied state")]
    SnapshotIndex {
        /// What was offered.
        index: u64,
        /// The newest snapshot there is.
        newest: u64,
        /// What is applied.
        applied: u64,
    },
    /// A leader's snapshot is being installed.
    #[error("a snapshot of the leader is being installed; ask again when it is durable")]
    Installing,
    /// raft-rs refused what the checks let through.
    #[error("the replication engine refused: {0}")]
    Engine(String),
}

impl From<ChangeFault> for Refused {
    fn from(fault: ChangeFault) -> Refused {
        Refused::Change(fault.to_string())
    }
}

/// Where a proposal stands in the log. It is committed when an entry with this index **and** this term comes out; another
/// term at the index means it was lost.
pub type Proposed = Position;
