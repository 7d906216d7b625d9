//! The Cluster service as an executable of its own. The same file is also the Resource Monitor that the service starts, and the
//! guard of applications that the monitor starts.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str =
    "usage: cluster-svc run --node NAME --dir DIR [--form | --join ADDRESS...]; see cluster-svc run --help";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let word = arguments.next();
    match word.as_ref().and_then(|word| word.to_str()) {
        Some("run") => cluster_svc::service::main(arguments),
        Some("monitor") => resmon::main(arguments),
        Some("wine") => cluster_svc::driver::wine::launch::main(arguments),
        Some("guard") => resmon::main(word.into_iter().chain(arguments).collect::<Vec<OsString>>()),
        Some("--version" | "-V") => {
            println!("cluster-svc {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Some("--help" | "-h" | "help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(_) | None => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}
