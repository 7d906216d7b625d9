//! Commands of the project's own, beside those of cargo.
//!
//! `cargo xtask windows` builds the part of Wolfden that is a Windows program, from the same sources as the rest: the
//! Resource Monitor that hosts Windows resource DLLs under Wine, and the libraries of the cluster API that such DLLs and
//! administration programs import. The result lies in `windows` beside the executable `cluster`, where the service looks.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode;

mod windows;

const USAGE: &str = "usage: cargo xtask windows [--release]
  windows    build resmon.exe, clusapi.dll and resutils.dll for Windows, into target/<profile>/windows
             --release    the release profile, for `cargo run --release`";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    let profile = match words.as_deref() {
        Some(["windows"]) => windows::Profile::Dev,
        Some(["windows", "--release"]) => windows::Profile::Release,
        Some(_) | None => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match windows::build(profile) {
        Ok(files) => {
            files.iter().for_each(|file| println!("{}", file.display()));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
