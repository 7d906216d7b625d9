//! The Resource Monitor as a process, driven by a service of this test over the real protocol.
//!
//! Waits are for messages, never for a time to pass, except where an interval itself is what is tested; those are short.

mod libraries;
mod service;

mod built_in_types;
mod call_guard;
mod checkpoints;
mod endings;
mod guard_table;
mod honest_libraries;
mod misbehaving_libraries;
mod modern_libraries;
mod quorum_devices;
mod versions;
