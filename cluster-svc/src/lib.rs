//! The Cluster service, its API and the cluster command.
#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod driver;
pub mod lab;
pub mod rpc;
pub mod service;
