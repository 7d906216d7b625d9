//! The arithmetic of quorum: who votes, how many votes are needed, and what a failure leaves behind (reference 07).
//!
//! A failover cluster may run in one place only. So a part of it goes on only while it holds strictly more than half of
//! the votes of the last configuration that was agreed on, because two parts cannot both hold more than half of the same
//! votes. Everything here follows from that sentence. It is plain arithmetic on values: no time, no messages, no
//! memory. Each function gives the same answer on every replica.
//!
//! | module | what it holds |
//! |---|---|
//! | `model` | the quorum models and [`Votes`]: the configuration that was agreed on last |
//! | `rules` | how many votes are needed, who keeps quorum, and how votes move with the membership |
//! | `explain` | the same in sentences, for people |
//! | `explore` | every failure a small cluster can meet, counted: a table of survivors |
//!
//! A membership change goes through these in order. Whoever is left asks [`standing`]; a part that [`Standing::Keeps`]
//! quorum computes its target with [`rebalance`] (or [`leave`], for a node that says goodbye) and goes there one vote at
//! a time with [`next_change`] and [`Votes::after`], each change an entry of the replicated log.
//!
//! Deliberately absent: forced quorum, which sets these rules aside on purpose (reference 7.6); the site rule of later
//! versions; and arbitration itself, which takes time and belongs to whoever owns the clock.

mod explain;
mod explore;
mod model;
mod rules;

pub use explain::explain;
pub use explore::{AtOnce, ExploreFault, MAX_NODES, OneByOne, Side, Split, Table, explore};
pub use model::{
    HYBRID_SIZE, LEGACY_SIZE, Model, NODE_MAJORITY_SIZE, NodeVote, UnknownModel, Voter, Votes, VotesFault, Witness,
    WitnessVote,
};
pub use rules::{Change, Standing, WitnessAccess, leave, needed, next_change, rebalance, rebalance_beside, standing};
