//! The Resource Monitor: a process that hosts resource DLLs and watches their health.
//!
//! Resource code never runs in the Cluster service. The service starts monitors, and each of them loads libraries of resource
//! types (native ones through the C interface of `resapi.h`, and the types of [`clusres`] that are built in), calls their
//! entry points one at a time per resource, polls their health, judges what they report and kills what hangs. A library
//! that crashes costs the monitor, never the service (reference 01.1).
//!
//! - [`protocol`] and [`frames`]: what service and monitor say to each other. The service uses them too.
//! - [`run`] is a monitor, [`main`] a whole program around it, so that another executable can be a monitor.
//!
//! Inside: `instance_state`, `poller`, `lease`, `watchdog`, `controls` and `timetable` decide and know no clock; `instance`,
//! `monitor`, `connection`, `scheduler` and `outbox` have the threads; `dll` is the border to foreign code.
#![deny(unsafe_code)]

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;

mod call_guard;
pub mod call_record;
pub mod checkpoints;
mod clock;
mod connection;
mod controls;
mod dll;
pub mod frames;
mod instance;
mod instance_state;
mod lease;
pub mod local_registry;
mod monitor;
mod outbox;
mod output;
mod poller;
#[expect(missing_docs, reason = "the sentence of each variant says what its fields are")]
pub mod protocol;
mod registry_link;
mod report;
mod scheduler;
mod surroundings;

mod timetable;
mod watchdog;

/// The exit code of a wrong command line.
const EXIT_USAGE: u8 = 64;

/// Is a monitor: connects to the Cluster service at `address`, proves itself with `token`, and hosts resources until the
/// service says otherwise or is gone. Called once in the life of a process.
///
/// The result is 0 after an ordered shutdown, 2 when the service did not let it in, 3 when the connection was lost (the
/// resources were stopped), 4 when the monitor itself was at fault.
pub fn run(address: SocketAddr, token: String) -> ExitCode {
    connection::run(address, token, surroundings::built_in())
}

/// The program `resmon`: `arguments` are those after the program's name. To be called first in `main`, while the process has
/// a single thread.
///
/// - `--connect ADDRESS` is a monitor; the token is in the environment variable [`protocol::TOKEN_VARIABLE`], and is taken
///   out of it.
/// - `guard ...` guards an application of a Generic Application or Generic Script resource, see [`clusres::guard`].
///
/// The result is that of [`run`] or of the guard, or 64 for a wrong command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let token = dll::environment::take(protocol::TOKEN_VARIABLE);
    let mut arguments = arguments.into_iter();
    let problem = match arguments.next().as_ref().and_then(|word| word.to_str()) {
        Some("guard") => return surroundings::guard(arguments),
        #[cfg(windows)]
        Some("--hold") => return surroundings::hold(),
        #[cfg(windows)]
        Some(generic_service::command::WORD) => return surroundings::service_as(),
        Some("--connect") => match (address(&mut arguments), token) {
            (Ok(address), Some(token)) => return run(address, token),
            (Ok(_), None) => {
                format!("the environment variable {} is not set; the Cluster service sets it", protocol::TOKEN_VARIABLE)
            }
            (Err(problem), _) => problem,
        },
        Some(other) => format!("{other} is not known"),
        None => "what to do is missing".into(),
    };
    eprintln!(
        "resmon: {problem}\nusage: resmon --connect ADDRESS    be a Resource Monitor (started by the Cluster service)\n       resmon guard --pid-file FILE -- PROGRAM [ARGUMENT...]"
    );
    ExitCode::from(EXIT_USAGE)
}

/// One loopback address, and nothing after it.
fn address(arguments: &mut impl Iterator<Item = OsString>) -> Result<SocketAddr, String> {
    let word = arguments.next().ok_or("--connect needs an address, e.g. 127.0.0.1:5000")?;
    let address = word.to_str().and_then(|word| word.parse::<SocketAddr>().ok());
    let address =
        address.ok_or_else(|| format!("{} is no address; write it like 127.0.0.1:5000", word.to_string_lossy()))?;
    if !address.ip().is_loopback() {
        return Err(format!("{address} is not on this computer; a monitor talks to the service of its own node only"));
    }
    match arguments.next() {
        None => Ok(address),
        Some(more) => Err(format!("{} is too much", more.to_string_lossy())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Result<&str, &str>) {
        let got = address(&mut words.iter().map(OsString::from));
        match expected {
            Ok(expected) => assert_eq!(got.map(|address| address.to_string()), Ok(expected.to_owned())),
            Err(word) => {
                let problem = got.expect_err(word);
                assert!(problem.contains(word), "{problem} should say {word}");
            }
        }
    }

    #[test]
    fn a_monitor_connects_to_its_own_computer_only() {
        check(&["127.0.0.1:80"], Ok("127.0.0.1:80"));
        check(&["[::1]:80"], Ok("[::1]:80"));
        check(&[], Err("needs an address"));
        check(&["localhost"], Err("no address"));
        check(&["10.0.0.1:80"], Err("own node only"));
        check(&["127.0.0.1:80", "x"], Err("too much"));
    }
}
