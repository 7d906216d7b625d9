//! One replica of what the nodes agree on: raft-rs, wrapped into a pure state machine.
//!
//! The engine hands a [`Replica`] ticks, messages, proposals and the news that a write is durable; after each of these it
//! drains a list of [`Out`]: batches to make durable, messages to send, committed entries to apply. There is no clock,
//! thread, disk or dice inside, and the same calls in the same order give the same outs, byte for byte.
//!
//! raft-rs is a sharp tool. docs/raft.md lists nine rules without which it loses writes or leaders in this design; each
//! is kept here and named where it is kept:
//!
//! | rule | kept in |
//! |---|---|
//! | 1 a leader's messages wait until its term and vote are durable | `ready.rs`, `hold_until` |
//! | 2 a leader that is no voter serves nothing and resigns | `core.rs`, `resign`; `asks.rs` |
//! | 3 equal priorities; the witness waits longer instead | `config.rs`, `patience_ticks` |
//! | 4 nothing is stepped while an installed snapshot is not durable | `core.rs`, `is_installing` |
//! | 5 readies without writes cost no write but keep their place | `ready.rs`, `riding` |
//! | 6 lost snapshots are reported | `core.rs`, `give_up_snapshots` |
//! | 7 a snapshot names its receiver | `log.rs`, `snapshot`; `Replica::snapshot_due` |
//! | 8 the voters belong to the applied index | `store.rs`, `SnapshotImage`; `core.rs`, `start` |
//! | 9 hard state never after later entries | `ready.rs`, `collect_writes` |
//!
//! One more was found here: a replica does not stand for election while entries of its log are not durable, because a
//! sole voter would become leader on the spot and raft-rs asserts that a new leader's log is persisted.
//!
//! Deliberately absent: joint changes of several voters at once (changes go one step at a time), lease reads (they would
//! trust clocks), and forwarding of proposals (the engine forwards commands with its own messages).

mod asks;
mod config;
mod convert;
mod core;
mod log;
mod reads;
mod ready;
mod said;
mod store;
mod voters;
mod wire;

pub use self::config::{
    DEFAULT_SNAPSHOT_ENTRIES, DEFAULT_TAIL_ENTRIES, MAX_TICKS, ReplicaConfig, ReplicaError, Sabotage,
};
pub use self::core::Replica;
pub use self::said::{
    MAX_HELD_MESSAGES, MAX_PROPOSAL_BYTES, MAX_SNAPSHOT_BYTES, MAX_UNCOMMITTED_BYTES, MAX_UNPERSISTED,
    MAX_WAITING_READS, Out, PROMOTE_LAG_ENTRIES, Payload, Proposed, Refused,
};
pub use self::store::{
    EntryBody, HardState, LogEntry, MAX_POSITION, Position, SnapshotImage, StoreFault, Stored, Write,
};
pub use self::voters::{ChangeFault, MAX_MEMBERS, VoterChange, VoterId, Voters, VotersFault};
pub use self::wire::{
    MAX_CONTEXT_BYTES, MAX_ENTRIES_PER_MESSAGE, MAX_MESSAGE_BYTES, MessageKind, RaftMessage, Rejected,
};
