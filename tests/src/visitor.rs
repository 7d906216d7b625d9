//! A client of the sample web server that asks the same address again and again, and notes which answers came when.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long one answer may take before the client asks again.
pub const ANSWER_LIMIT: Duration = Duration::from_millis(250);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(2);

/// One good answer.
#[derive(Clone, Debug)]
pub struct Visit {
    /// When the question was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub answered: Instant,
    /// The node that answered.
    pub node: String,
    /// The process that answered.
    pub process: i64,
}

/// A client at work.
pub struct Visitor {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Visit>>,
}

impl Visitor {
    /// Begins to ask `address`.
    #[must_use]
    pub fn begin(address: SocketAddr) -> Visitor {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut visits = Vec::new();
            while !told.load(Ordering::SeqCst) {
                visits.extend(visit(address));
                std::thread::sleep(PAUSE);
            }
            visits
        });
        Visitor { is_over, thread }
    }

    /// Ends it; the result is every good answer, in order.
    ///
    /// # Panics
    /// When the client itself has failed.
    #[must_use]
    pub fn end(self) -> Vec<Visit> {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().expect("the client goes on until it is told")
    }
}

/// One question; `None` without a whole good answer in time.
#[must_use]
pub fn visit(address: SocketAddr) -> Option<Visit> {
    let asked = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    let node = body["Node"].as_str().filter(|_| answer.starts_with("HTTP/1.1 200"))?.to_owned();
    Some(Visit { asked, answered: Instant::now(), node, process: body["ProcessId"].as_i64()? })
}

/// An address of this computer with a port that nobody has at the moment.
///
/// # Panics
/// When the system has none.
#[must_use]
pub fn free_address(ip: Ipv4Addr) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).expect("all of 127/8 is this computer");
    listener.local_addr().expect("it listens")
}
