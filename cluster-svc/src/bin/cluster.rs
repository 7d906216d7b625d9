//! The `cluster` command. The same file is also the Cluster service, the Resource Monitor and the guard of applications of
//! the clusters that it starts.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    cluster_svc::cli::main(std::env::args_os().skip(1))
}
