//! A guard on its own, for processes that host built-in types without being a Resource Monitor, and for trying a guard
//! by hand:
//!
//! - `clusres-guard guard --pid-file FILE -- PROGRAM...` is the guard that [`clusres::guard`] describes.
//! - `clusres-guard run --pid-file FILE -- PROGRAM...` runs a program under a guard as a monitor would, in the foreground.
//!   Kill it in any way, and the program dies too.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::mpsc;

use clusres::application::{Application, Ending, Launch};

const USAGE: &str = "usage: clusres-guard guard|run --pid-file FILE -- PROGRAM [ARGUMENT...]";

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let code = match arguments.next() {
        Some(word) if word == "guard" => clusres::guard::main(arguments),
        Some(word) if word == "run" => run(arguments.collect()),
        Some(_) | None => {
            eprintln!("{USAGE}");
            clusres::guard::EXIT_USAGE
        }
    };
    std::process::exit(code);
}

fn run(arguments: Vec<OsString>) -> i32 {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let [option, pid_file, dashes, command @ ..] = words.as_slice() else {
        eprintln!("{USAGE}");
        return clusres::guard::EXIT_USAGE;
    };
    if option != "--pid-file" || dashes != "--" || command.is_empty() {
        eprintln!("{USAGE}");
        return clusres::guard::EXIT_USAGE;
    }
    let guard = match std::env::current_exe() {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("this program does not find itself: {error}");
            return clusres::guard::EXIT_NOT_STARTED;
        }
    };
    let launch = Launch {
        guard,
        pid_file: pid_file.into(),
        command: command.to_vec(),
        directory: None,
        environment: BTreeMap::new(),
    };
    let (ended, end) = mpsc::channel();
    let started = Application::start(
        &launch,
        || true,
        |line| println!("{line}"),
        move |ending| {
            // Nobody waits any more only when this process is ending.
            let _ = ended.send(ending);
        },
    );
    match started {
        Ok(application) => {
            let code = match end.recv() {
                Ok(Ending::Exited(code)) => code,
                Ok(Ending::Signalled(signal)) => 128 + signal,
                Ok(Ending::GuardLost) | Err(_) => clusres::guard::EXIT_NOT_STARTED,
            };
            drop(application);
            code
        }
        Err(failure) => {
            eprintln!("{} (error {})", failure.message, failure.code);
            clusres::guard::EXIT_NOT_STARTED
        }
    }
}
