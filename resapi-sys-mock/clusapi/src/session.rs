//! Connections to a cluster: from whom an answer is had, and what happens when a node does not answer.
//!
//! A [`Session`] belongs to a cluster handle and all handles that came from it. It knows the nodes of the cluster and keeps
//! the connections that are not in use; a call takes one, or makes a new one, so that threads do not wait for each other.
//! When a node is gone the next one is asked. A question that changes something is never asked twice: it ends with 1726 when
//! the connection broke after it was sent, because nobody can say what became of it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resapi_sys_mock::codes::win32::{RPC_S_CALL_FAILED, RPC_S_SERVER_UNAVAILABLE};
use resapi_sys_mock::rpc::{self, Ask, Cluster, NodeAddress, Order, Told};

/// How long a node may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long an answer may take. Longer than the service waits for the cluster to agree.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// The most bytes of an HTTP head.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most bytes of a list of nodes.
const MAX_LIST_BYTES: u64 = 1024 * 1024;
/// How many connections are kept for the next call.
const MAX_IDLE: usize = 16;
/// How often a question is passed from node to node.
const MAX_HOPS: usize = 3;

/// A cluster that this program is connected with.
pub(crate) struct Session {
    /// The address that was given, to look the nodes up again.
    endpoint: String,
    nodes: Mutex<Vec<NodeAddress>>,
    idle: Mutex<Vec<(String, TcpStream)>>,
}

impl Session {
    /// Connects with the cluster behind an address. `prefer` names the node to ask first.
    ///
    /// # Errors
    /// 1722 when nobody answers there.
    pub(crate) fn open(endpoint: &str, prefer: Option<&str>) -> Result<Session, u32> {
        let nodes = list_nodes(endpoint).map_err(|_| RPC_S_SERVER_UNAVAILABLE)?;
        let session = Session { endpoint: endpoint.to_owned(), nodes: Mutex::new(nodes), idle: Mutex::new(Vec::new()) };
        if let Some(prefer) = prefer {
            session.lock_nodes().sort_by_key(|node| !node.name.eq_ignore_ascii_case(prefer));
        }
        session.cluster()?;
        Ok(session)
    }

    /// Who answers.
    pub(crate) fn cluster(&self) -> Result<Cluster, u32> {
        match self.ask(&Ask::Cluster)? {
            Told::Cluster(cluster) => Ok(cluster),
            _ => Err(RPC_S_CALL_FAILED),
        }
    }

    /// The nodes as they were last heard of.
    pub(crate) fn nodes(&self) -> Vec<NodeAddress> {
        self.lock_nodes().clone()
    }

    /// One question, one answer. A refusal is an error.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Told, u32> {
        let mut told = self.ask_somebody(ask)?;
        for _ in 0..MAX_HOPS {
            match told {
                Told::Refused { code, .. } => return Err(code),
                Told::Elsewhere(node) => told = self.ask_at(&node.address, ask).map_err(Broken::code)?,
                told => return Ok(told),
            }
        }
        Err(RPC_S_CALL_FAILED)
    }

    /// An order; `Err(997)` when it goes on by itself.
    pub(crate) fn order(&self, order: Order, reason: String) -> Result<Told, u32> {
        match self.ask(&Ask::Order { order, reason })? {
            Told::Pending => Err(resapi_sys_mock::codes::win32::ERROR_IO_PENDING),
            told => Ok(told),
        }
    }

    /// Asks the nodes one after the other until one can be reached.
    fn ask_somebody(&self, ask: &Ask) -> Result<Told, u32> {
        for attempt in 0..2 {
            if attempt > 0 {
                let Ok(nodes) = list_nodes(&self.endpoint) else { break };
                *self.lock_nodes() = nodes;
            }
            let addresses: Vec<String> = self.lock_nodes().iter().map(|node| node.address.clone()).collect();
            for address in addresses.iter().filter(|address| !address.is_empty()) {
                match self.ask_at(address, ask) {
                    Ok(told) => {
                        self.prefer(address);
                        return Ok(told);
                    }
                    Err(Broken::Unsent) => {}
                    Err(Broken::Sent) if ask.only_reads() => {}
                    Err(Broken::Sent) => return Err(RPC_S_CALL_FAILED),
                }
            }
        }
        Err(RPC_S_SERVER_UNAVAILABLE)
    }

    fn ask_at(&self, address: &str, ask: &Ask) -> Result<Told, Broken> {
        let mut connection = match self.take_idle(address) {
            Some(connection) => connection,
            None => connect(address).map_err(|_| Broken::Unsent)?,
        };
        rpc::write(&mut connection, ask).map_err(|_| Broken::Sent)?;
        let told = rpc::read(&mut connection).map_err(|_| Broken::Sent)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push((address.to_owned(), connection));
        }
        Ok(told)
    }

    fn take_idle(&self, address: &str) -> Option<TcpStream> {
        loop {
            let found = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let at = idle.iter().position(|(to, _)| to == address)?;
                idle.swap_remove(at).1
            };
            if is_alive(&found) {
                return Some(found);
            }
        }
    }

    fn prefer(&self, address: &str) {
        let mut nodes = self.lock_nodes();
        if nodes.first().is_some_and(|node| node.address != address) {
            nodes.sort_by_key(|node| node.address != address);
        }
    }

    fn lock_nodes(&self) -> MutexGuard<'_, Vec<NodeAddress>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// It never left.
    Unsent,
    /// It may have arrived.
    Sent,
}

impl Broken {
    fn code(self) -> u32 {
        match self {
            Broken::Unsent => RPC_S_SERVER_UNAVAILABLE,
            Broken::Sent => RPC_S_CALL_FAILED,
        }
    }
}

/// Has the other side hung up meanwhile?
fn is_alive(connection: &TcpStream) -> bool {
    if connection.set_nonblocking(true).is_err() {
        return false;
    }
    let waiting = matches!(connection.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    waiting && connection.set_nonblocking(false).is_ok()
}

/// A connection that speaks the protocol.
fn connect(address: &str) -> std::io::Result<TcpStream> {
    let mut stream = dial(address)?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nConnection: upgrade\r\nUpgrade: {}\r\n\r\n",
        rpc::PATH,
        rpc::UPGRADE
    );
    stream.write_all(head.as_bytes())?;
    let head = read_head(&mut stream)?;
    if status(&head) != Some(101) {
        return Err(std::io::Error::other("the service does not speak this version of the protocol"));
    }
    Ok(stream)
}

fn dial(address: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_LIMIT))?;
                stream.set_write_timeout(Some(ANSWER_LIMIT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Everything up to the empty line.
fn read_head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    // The first bytes of the protocol must stay in the stream, so it is read one by one.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES {
            return Err(std::io::Error::other("the head of the answer does not end"));
        }
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}

/// Asks an address, which may be that of a lab, where the nodes are.
fn list_nodes(endpoint: &str) -> std::io::Result<Vec<NodeAddress>> {
    let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    let address = address.split('/').next().unwrap_or(address);
    let mut stream = dial(address)?;
    // HTTP/1.0: the body ends with the connection, without any encoding.
    stream.write_all(format!("GET {} HTTP/1.0\r\nHost: {address}\r\n\r\n", rpc::PATH).as_bytes())?;
    let head = read_head(&mut stream)?;
    let mut body = Vec::new();
    stream.take(MAX_LIST_BYTES).read_to_end(&mut body)?;
    if status(&head) != Some(200) {
        return Err(std::io::Error::other("no cluster answers at this address"));
    }
    rpc::decode(&body).map_err(std::io::Error::other)
}
