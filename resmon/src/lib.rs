//! The Resource Monitor: a process that hosts resource DLLs and watches their health.

pub mod protocol;
