//! A cluster of engines in virtual time, driven from one seed, with faults.
//!
//! The same engine as in the service, raft included, on simulated machines, disks and wires ([`World`]). A [`storm`] turns
//! faults on and checks every invariant after every step, then turns them off and demands that everything settles.

#![forbid(unsafe_code)]

pub mod availability;
pub mod device;
pub mod dice;
pub mod invariants;
pub mod machine;
pub mod report;
pub mod sabotage;
pub mod scenario;
pub mod store;
pub mod storm;
pub mod sweep;
pub mod world;

pub use sabotage::Sabotage;
pub use storm::{Outcome, Settings};
pub use world::World;
