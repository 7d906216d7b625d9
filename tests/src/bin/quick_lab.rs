//! `quick-lab CLUSTER DIR NODES RECOVER_MS`: `cluster up` whose nodes are started again soon after they were killed from
//! outside. `CLUSTER` is the executable of the nodes.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cluster_svc::lab::{self, LabOptions};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [cluster, dir, nodes, recover_ms] = words.as_slice() else {
        eprintln!("usage: quick-lab CLUSTER DIR NODES RECOVER_MS");
        return ExitCode::FAILURE;
    };
    let number = |word: &OsString| word.to_str().and_then(|word| word.parse::<u32>().ok());
    let (Some(nodes), Some(recover_ms)) = (number(nodes), number(recover_ms)) else {
        eprintln!("NODES and RECOVER_MS are numbers");
        return ExitCode::FAILURE;
    };
    lab::run(LabOptions {
        nodes,
        dir: Some(PathBuf::from(dir)),
        port: 0,
        recover_after: Some(Duration::from_millis(recover_ms.into())),
        service: Some(vec![cluster.clone(), "service".into(), "run".into()]),
        announce: false,
        ..LabOptions::default()
    })
}
