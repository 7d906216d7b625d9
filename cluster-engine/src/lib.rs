//! The heart of Wolfden: one node of a failover cluster as a pure state machine.

pub mod replica;
