//! From the connection to the Cluster service to the end of the process.
//!
//! The handshake happens on the main thread before any other exists. A monitor that loses its service does not linger: it
//! takes its resources offline for at most [`SERVICE_LOST_GRACE`], terminates the rest and ends (reference 01.1).
#![forbid(unsafe_code)]

use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::dll::provider::{BuiltIn, Providers};
use crate::dll::{self, callbacks};
use crate::frames;
use crate::local_registry::LocalRegistry;
use crate::monitor::{Monitor, Next};
use crate::protocol::{FromMonitor, LogLevel, ToMonitor, VERSION};
use crate::surroundings;

/// The service did not let this monitor in.
pub(crate) const EXIT_REFUSED: u8 = 2;
/// The connection to the service ended; the resources were stopped.
pub(crate) const EXIT_SERVICE_LOST: u8 = 3;
/// The monitor itself is at fault.
pub(crate) const EXIT_FAULT: u8 = 4;

/// How long the service may take to let a monitor in.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long resources may take to go offline when the service has gone away.
const SERVICE_LOST_GRACE: Duration = Duration::from_secs(1);

/// Why the monitor did not get in.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("cannot connect to the Cluster service at {0}: {1}. A monitor is started by the service itself")]
    Connect(SocketAddr, std::io::Error),
    #[error("the handshake failed: {0}")]
    Frame(#[from] frames::FrameError),
    #[error(
        "the service ended the connection instead of a welcome: the token in {} is wrong, or was used before",
        crate::protocol::TOKEN_VARIABLE
    )]
    NotWelcome,
    #[error(
        "the service began with another message than a welcome; it is another version than this monitor ({VERSION})"
    )]
    OtherMessage,
    #[error("{0}")]
    Place(String),
    #[error("a process can be a monitor only once")]
    Twice,
}

/// Runs a monitor until its service says that it should end, or is gone.
pub(crate) fn run(address: SocketAddr, token: String, built_in: Vec<BuiltIn>) -> ExitCode {
    let (socket, monitor) = match begin(address, token, built_in) {
        Ok(begun) => begun,
        Err(refused) => {
            eprintln!("resmon: {refused}");
            return ExitCode::from(EXIT_REFUSED);
        }
    };
    let mut ordered = false;
    monitor.guard(|| ordered = read(&monitor, socket));
    if monitor.has_fault() {
        return ExitCode::from(EXIT_FAULT);
    }
    if ordered { ExitCode::SUCCESS } else { ExitCode::from(EXIT_SERVICE_LOST) }
}

fn begin(address: SocketAddr, token: String, built_in: Vec<BuiltIn>) -> Result<(TcpStream, Arc<Monitor>), Refused> {
    let io = |error| Refused::Frame(frames::FrameError::Io(error));
    let socket =
        TcpStream::connect_timeout(&address, HANDSHAKE_LIMIT).map_err(|error| Refused::Connect(address, error))?;
    socket.set_nodelay(true).map_err(io)?;
    socket.set_read_timeout(Some(HANDSHAKE_LIMIT)).map_err(io)?;
    frames::write(
        &socket,
        &FromMonitor::Hello { version: VERSION, token, process_id: surroundings::process_number() },
    )?;
    let calls_dir = match frames::read(&socket)? {
        Some(ToMonitor::Welcome { node, node_id: _, shared_dir, run_dir }) => {
            let calls_dir = surroundings::own_path(&run_dir);
            surroundings::settle(node, shared_dir, run_dir).map_err(Refused::Place)?;
            calls_dir
        }
        Some(_) => return Err(Refused::OtherMessage),
        None => return Err(Refused::NotWelcome),
    };
    socket.set_read_timeout(None).map_err(io)?;

    let monitor = Monitor::new(socket.try_clone().map_err(io)?, Providers::new(built_in));
    if !dll::bind(monitor.clone()) {
        return Err(Refused::Twice);
    }
    callbacks::prepare();
    #[cfg(windows)]
    dll::windows::prepare();
    // Set once: a process is a monitor once.
    let _ = monitor.local.set(LocalRegistry::of_node(calls_dir.parent().unwrap_or(&calls_dir)));
    if let Err(error) = monitor.record.open(&calls_dir) {
        let text =
            format!("cannot write to {} ({error}); should a library crash, it will not be named", calls_dir.display());
        monitor.outbox.note(LogLevel::Warning, None, &text);
    }
    let writer = socket.try_clone().map_err(io)?;
    let outbox = Arc::clone(&monitor.outbox);
    monitor.outbox.send_directly(socket.try_clone().map_err(io)?);
    monitor.spawn("writer", move || outbox.write_to(writer));
    let scheduler = Arc::clone(&monitor);
    monitor.spawn("scheduler", move || scheduler.schedule());
    Ok((socket, monitor))
}

/// Reads until the end. True when the service asked for it.
fn read(monitor: &Arc<Monitor>, socket: TcpStream) -> bool {
    let mut from = BufReader::new(socket);
    let mut ordered = false;
    loop {
        match frames::read(&mut from) {
            Ok(Some(message)) => match monitor.hear(message) {
                Next::ReadOn => {}
                Next::End { .. } if ordered => {}
                Next::End { grace_ms } => {
                    ordered = true;
                    let ending = Arc::clone(monitor);
                    monitor.spawn("end", move || {
                        ending.end(Duration::from_millis(grace_ms));
                        ending.hang_up();
                    });
                }
            },
            Ok(None) => break,
            Err(_) if ordered || monitor.has_fault() => break,
            Err(error) => {
                monitor.outbox.note(LogLevel::Severe, None, &format!("{error}; this monitor ends"));
                eprintln!("resmon: {error}; the monitor ends");
                break;
            }
        }
    }
    if !monitor.has_fault() {
        monitor.registry.close();
        monitor.end(SERVICE_LOST_GRACE);
    }
    ordered
}
