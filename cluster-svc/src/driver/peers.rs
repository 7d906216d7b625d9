//! The connections to the other nodes: one that this node opens to each of them, and those that they open to it.
//!
//! The node's task hands a frame to [`Peers::send`] and goes on; a frame that cannot be sent now is dropped, because the
//! engines are made for lost messages and not for late ones. Each outgoing connection has a task and a bounded queue, and
//! is opened again with a growing pause when it ends. What comes in goes to the node's task through its bounded inbox: a
//! node that is slow slows its peers' sockets down and nothing else.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster_engine::replica::VoterId;
use cluster_engine::state::ClusterState;
use cluster_engine::{Lineage, NodeId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

use super::handle::{Link, NodeHandle, PeerFacts};
use super::identity::Identity;
use super::join;
use super::log::LogWriter;
use super::node::Input;
use super::wire::{self, First, FirstAnswer, Frame, Gossip, Hello};

/// How many frames wait for one peer before new ones are dropped.
const QUEUE_FRAMES: usize = 1024;
/// How many bytes wait for one peer before new frames are dropped. One frame may always wait.
const QUEUE_BYTES: usize = 16 << 20;
/// How many connections of others are open at a time, members and newcomers together.
const MAX_CONNECTIONS: usize = 256;
/// How long opening a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A peer that takes nothing for this long loses its connection: what waits for it is too old to be useful.
const STALL_LIMIT: Duration = Duration::from_secs(3);
/// The pause before the first new attempt; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// What is known of the other nodes' services, shared with clients. No lock is held across a wait.
#[derive(Default)]
pub struct PeerTable {
    entries: Mutex<BTreeMap<NodeId, Entry>>,
    /// What a member said to this node, which is a member no more.
    expelled: Mutex<Option<String>>,
}

#[derive(Clone, Default)]
struct Entry {
    facts: PeerFacts,
    link: Link,
    /// The newest life that said hello. Connections of earlier lives are not listened to.
    incarnation: u64,
    /// It is a node of the cluster, or this node itself: only these are shown.
    is_known: bool,
}

impl PeerTable {
    fn with<R>(&self, node: NodeId, change: impl FnOnce(&mut Entry) -> R) -> R {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        change(entries.entry(node).or_default())
    }

    /// What clients may see.
    pub(super) fn facts(&self) -> BTreeMap<NodeId, PeerFacts> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|(_, entry)| entry.is_known).map(|(node, entry)| (*node, entry.facts.clone())).collect()
    }

    /// Cuts or heals a way.
    pub(super) fn set_link(&self, node: NodeId, link: Link) {
        self.with(node, |entry| entry.link = link);
    }

    /// Takes over what a node told. True when it is news.
    pub(super) fn heard(&self, node: NodeId, gossip: Gossip) -> bool {
        self.with(node, |entry| {
            let connected = entry.facts.connected;
            let Gossip { process_id, api_address, monitors } = gossip;
            let facts = PeerFacts { process_id, api_address, monitors, connected };
            let is_news = entry.facts != facts || !entry.is_known;
            entry.facts = facts;
            entry.is_known = true;
            is_news
        })
    }

    /// What this node says of itself.
    pub(super) fn own(&self, node: NodeId, gossip: Gossip) -> bool {
        self.with(node, |entry| entry.facts.connected = true);
        self.heard(node, gossip)
    }

    /// Why this node is no member any more, when a member has said so.
    pub(super) fn expelled(&self) -> Option<String> {
        self.expelled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The links that are cut.
    pub(super) fn cuts(&self) -> Vec<(NodeId, Link)> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = entries.iter().filter(|(_, entry)| entry.link != Link::default());
        cut.map(|(node, entry)| (*node, entry.link)).collect()
    }

    fn set_expelled(&self, reason: String) {
        self.expelled.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    fn link(&self, node: NodeId) -> Link {
        self.with(node, |entry| entry.link)
    }

    /// A life of a node said hello. False for one that is over.
    fn greeted(&self, node: NodeId, incarnation: u64) -> bool {
        self.with(node, |entry| {
            let is_current = incarnation >= entry.incarnation;
            entry.incarnation = entry.incarnation.max(incarnation);
            is_current
        })
    }

    fn is_current(&self, node: NodeId, incarnation: u64) -> bool {
        self.with(node, |entry| incarnation == entry.incarnation)
    }

    fn set_connected(&self, node: NodeId, connected: bool) {
        self.with(node, |entry| entry.facts.connected = connected);
    }
}

/// What every connection has to know.
#[derive(Clone)]
pub struct PeerSetting {
    /// This node's identity, with its present address and incarnation.
    pub identity: Arc<Identity>,
    /// Where the others' facts are kept.
    pub table: Arc<PeerTable>,
    /// The cluster log.
    pub log: LogWriter,
}

/// The outgoing connections, owned by the node's task.
pub struct Peers {
    setting: PeerSetting,
    links: BTreeMap<NodeId, Outgoing>,
}

/// One outgoing connection.
struct Outgoing {
    queue: mpsc::Sender<Vec<u8>>,
    queued_bytes: Arc<AtomicUsize>,
    is_open: Arc<AtomicBool>,
    address: watch::Sender<String>,
}

impl Peers {
    /// No connection yet; [`Peers::set_address`] opens them.
    #[must_use]
    pub fn new(setting: PeerSetting) -> Peers {
        Peers { setting, links: BTreeMap::new() }
    }

    /// Says where a node listens. The first time this starts its connection; a change makes it call there.
    pub fn set_address(&mut self, node: NodeId, address: &str) {
        if node == self.setting.identity.node || address.is_empty() {
            return;
        }
        if let Some(outgoing) = self.links.get(&node) {
            outgoing.address.send_if_modified(|known| {
                let is_news = known != address;
                if is_news {
                    address.clone_into(known);
                }
                is_news
            });
            return;
        }
        let (queue, frames) = mpsc::channel(QUEUE_FRAMES);
        let (address, addresses) = watch::channel(address.to_owned());
        let outgoing = Outgoing { queue, queued_bytes: Arc::default(), is_open: Arc::default(), address };
        let caller = Caller {
            to: node,
            setting: self.setting.clone(),
            frames,
            queued_bytes: Arc::clone(&outgoing.queued_bytes),
            is_open: Arc::clone(&outgoing.is_open),
            addresses,
        };
        tokio::spawn(caller.run());
        self.links.insert(node, outgoing);
    }

    /// Where a node is called.
    #[must_use]
    pub fn address(&self, node: NodeId) -> Option<String> {
        self.links.get(&node).map(|outgoing| outgoing.address.borrow().clone())
    }

    /// Forgets a node that is no member any more.
    pub fn forget(&mut self, gone: impl Fn(NodeId) -> bool) {
        self.links.retain(|node, _| !gone(*node));
        let mut entries = self.setting.table.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|node, _| *node == self.setting.identity.node || !gone(*node));
    }

    /// Sends a frame, or drops it when it cannot be sent now. Never waits.
    pub fn send(&self, to: NodeId, frame: &Frame) {
        let Some(outgoing) = self.links.get(&to) else { return };
        if !outgoing.is_open.load(Ordering::Acquire) || self.setting.table.link(to).outgoing_cut {
            return;
        }
        let waiting = outgoing.queued_bytes.load(Ordering::Acquire);
        if waiting >= QUEUE_BYTES {
            return;
        }
        match wire::encode(frame) {
            Ok(bytes) => {
                let length = bytes.len();
                outgoing.queued_bytes.fetch_add(length, Ordering::AcqRel);
                if outgoing.queue.try_send(bytes).is_err() {
                    outgoing.queued_bytes.fetch_sub(length, Ordering::AcqRel);
                }
            }
            Err(error) => self.setting.log.warning("NODE", format!("a message to node {to} was not sent: {error}")),
        }
    }

    /// Sends a frame to every node.
    pub fn send_to_all(&self, frame: &Frame) {
        for node in self.links.keys() {
            self.send(*node, frame);
        }
    }
}

/// The task of one outgoing connection.
struct Caller {
    to: NodeId,
    setting: PeerSetting,
    frames: mpsc::Receiver<Vec<u8>>,
    queued_bytes: Arc<AtomicUsize>,
    is_open: Arc<AtomicBool>,
    addresses: watch::Receiver<String>,
}

impl Caller {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut told = String::new();
        loop {
            let address = self.addresses.borrow_and_update().clone();
            match self.open(&address).await {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    told.clear();
                    self.mark(true);
                    let end = self.carry(stream).await;
                    self.mark(false);
                    let Err(error) = end else { return };
                    self.setting.log.line("NODE", format!("the connection to node {} ended: {error}", self.to));
                }
                Err(error) => {
                    let text = error.to_string();
                    // The same trouble is told once, not once a second.
                    if text != told {
                        self.setting
                            .log
                            .line("NODE", format!("node {} at {address} cannot be reached: {text}", self.to));
                        told = text;
                    }
                }
            }
            self.drop_waiting();
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
                changed = self.addresses.changed() => match changed {
                    Ok(()) => pause = FIRST_PAUSE,
                    // The node's task has dropped this connection.
                    Err(_) => return,
                },
            }
        }
    }

    async fn open(&self, address: &str) -> io::Result<TcpStream> {
        let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address));
        let mut stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let identity = &self.setting.identity;
        let hello = First::Hello(Hello {
            version: wire::VERSION,
            cluster: identity.cluster_id(),
            secret: identity.secret.clone(),
            from: identity.node,
            incarnation: identity.incarnation,
            address: identity.address.clone(),
            to: self.to,
            voter: identity.voter,
            lineage: identity.lineage,
        });
        match wire::ask(&mut stream, &hello).await? {
            FirstAnswer::Welcome => Ok(stream),
            FirstAnswer::Refused { reason, .. } => Err(io::Error::other(format!("it refused: {reason}"))),
            FirstAnswer::Expelled(reason) => {
                self.setting.table.set_expelled(reason.clone());
                Err(io::Error::other(format!("it refused: {reason}")))
            }
            FirstAnswer::Joined(_) => Err(io::Error::other("it answered a question that was not asked")),
        }
    }

    /// Writes what waits until something goes wrong. `Ok`: nobody will send anything any more.
    async fn carry(&mut self, stream: TcpStream) -> io::Result<()> {
        let (mut from, mut to) = stream.into_split();
        let mut nothing = [0; 1];
        loop {
            tokio::select! {
                frame = self.frames.recv() => {
                    let Some(mut frame) = frame else { return Ok(()) };
                    self.queued_bytes.fetch_sub(frame.len(), Ordering::AcqRel);
                    // One write for what is there already.
                    while frame.len() < QUEUE_BYTES && let Ok(next) = self.frames.try_recv() {
                        self.queued_bytes.fetch_sub(next.len(), Ordering::AcqRel);
                        frame.extend_from_slice(&next);
                    }
                    let writing = tokio::time::timeout(STALL_LIMIT, to.write_all(&frame));
                    writing.await.map_err(|_| io::Error::other("it takes nothing any more"))??;
                }
                got = from.read(&mut nothing) => match got? {
                    0 => return Err(io::Error::other("it was closed there")),
                    _ => return Err(io::Error::other("it speaks out of turn")),
                },
                changed = self.addresses.changed() => match changed {
                    Ok(()) => return Err(io::Error::other("the node has moved")),
                    Err(_) => return Ok(()),
                },
            }
        }
    }

    fn mark(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Release);
        self.setting.table.set_connected(self.to, is_open);
    }

    fn drop_waiting(&mut self) {
        while let Ok(frame) = self.frames.try_recv() {
            self.queued_bytes.fetch_sub(frame.len(), Ordering::AcqRel);
        }
    }
}

/// Takes connections of other nodes until the service ends. Runs as a task of its own.
pub async fn listen(listener: TcpListener, setting: PeerSetting, inbox: mpsc::Sender<Input>, handle: NodeHandle) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                setting.log.warning("NODE", format!("a connection was not accepted: {error}"));
                tokio::time::sleep(FIRST_PAUSE).await;
                continue;
            }
        };
        let (setting, inbox, handle) = (setting.clone(), inbox.clone(), handle.clone());
        tokio::spawn(async move {
            let log = setting.log.clone();
            if let Err(error) = serve(stream, setting, inbox, handle).await {
                log.line("NODE", format!("a connection of another node ended: {error}"));
            }
            drop(place);
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    setting: PeerSetting,
    inbox: mpsc::Sender<Input>,
    handle: NodeHandle,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let first = tokio::time::timeout(wire::FIRST_LIMIT, wire::read(&mut stream, wire::MAX_FIRST_BYTES)).await;
    let first = match first.map_err(|_| io::Error::other("it did not say who it is"))?? {
        Some(first) => first,
        None => return Ok(()),
    };
    let hello = match first {
        First::Hello(hello) => hello,
        First::Join { version, name, address } => {
            let answer = join::sponsor(&handle, &setting.identity, version, name, address).await;
            return stream.write_all(&wire::encode(&answer)?).await;
        }
    };
    if let Some(reason) = fault_of(&hello, &setting) {
        let answer = FirstAnswer::Refused { reason: reason.clone(), is_temporary: false };
        stream.write_all(&wire::encode(&answer)?).await?;
        return Err(io::Error::other(format!("refused node {}: {reason}", hello.from)));
    }
    let (from, voter, lineage) = (hello.from, hello.voter, hello.lineage);
    let expelled =
        handle.read(move |engine, _| expelled(engine.state(), engine.config().lineage, from, voter, lineage));
    if let Ok(Some(reason)) = expelled.await {
        stream.write_all(&wire::encode(&FirstAnswer::Expelled(reason.clone()))?).await?;
        return Err(io::Error::other(format!("refused node {from}: {reason}")));
    }
    stream.write_all(&wire::encode(&FirstAnswer::Welcome)?).await?;
    if inbox.send(Input::Greeted { from, address: hello.address }).await.is_err() {
        return Ok(());
    }
    while let Some(frame) = wire::read(&mut stream, wire::MAX_FRAME_BYTES).await? {
        if !setting.table.is_current(from, hello.incarnation) {
            return Err(io::Error::other(format!("an earlier life of node {from} is not listened to")));
        }
        if setting.table.link(from).incoming_cut {
            continue;
        }
        let input = match frame {
            Frame::Engine(message) => Input::Peer { from, message },
            Frame::Gossip(gossip) => Input::Gossip { from, gossip },
        };
        if inbox.send(input).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Why a caller is not listened to.
fn fault_of(hello: &Hello, setting: &PeerSetting) -> Option<String> {
    let me = &setting.identity;
    if hello.version != wire::VERSION {
        return Some(format!(
            "it speaks version {}, this node {}; run the same version everywhere",
            hello.version,
            wire::VERSION
        ));
    }
    if hello.cluster != me.cluster_id() || hello.secret != me.secret {
        return Some("it belongs to another cluster; check the addresses it was given".into());
    }
    if hello.to != me.node || hello.from == me.node {
        return Some(format!(
            "it looks for node {}, this is node {}; its address book is out of date",
            hello.to, me.node
        ));
    }
    if !setting.table.greeted(hello.from, hello.incarnation) {
        return Some(format!("a later life of node {} has called already", hello.from));
    }
    None
}

/// Why a caller is no member any more, if that is certain.
///
/// A caller that this node does not know may have joined a moment ago, in an entry of the log that this node has not seen.
/// But ids of voters are never given twice and only grow: a store whose id was given away long ago, and that belongs to no
/// node, was a member once. And with a caller of another line of descent the engines have to talk.
fn expelled(state: &ClusterState, own: Lineage, from: NodeId, voter: VoterId, lineage: Lineage) -> Option<String> {
    if lineage != own || voter.0 >= state.next_voter {
        return None;
    }
    let remedy = "to become a member again start it with --rebuild --join ADDRESS of a member";
    match state.nodes.get(&from) {
        None => Some(format!("node {from} was evicted from this cluster; {remedy}")),
        Some(node) if node.voter.0 > voter.0 => {
            Some(format!("node {from} joined again with another store since; stop this one, or {remedy}"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster_engine::Guid;

    fn setting() -> PeerSetting {
        let membership = wire::Membership {
            cluster: Guid(7),
            secret: "s".into(),
            node: NodeId(1),
            voter: VoterId(1),
            seed: 1,
            lineage: Lineage::default(),
            peers: BTreeMap::new(),
        };
        let identity = Identity::of_member("n1".into(), "127.0.0.1:1".into(), &membership);
        PeerSetting { identity: Arc::new(identity), table: Arc::default(), log: LogWriter::silent() }
    }

    #[test]
    fn only_members_of_this_cluster_are_listened_to() {
        let good = Hello {
            version: wire::VERSION,
            cluster: Guid(7),
            secret: "s".into(),
            from: NodeId(2),
            incarnation: 5,
            address: "127.0.0.1:2".into(),
            to: NodeId(1),
            voter: VoterId(2),
            lineage: Lineage::default(),
        };
        let check = |change: fn(&mut Hello), expected: Option<&str>| {
            let setting = setting();
            assert!(setting.table.greeted(NodeId(2), 5));
            let mut hello = good.clone();
            change(&mut hello);
            let fault = fault_of(&hello, &setting);
            match (fault, expected) {
                (None, None) => {}
                (Some(fault), Some(part)) => assert!(fault.contains(part), "{fault}"),
                (fault, expected) => panic!("{fault:?} instead of {expected:?}"),
            }
        };
        check(|_| {}, None);
        check(|h| h.incarnation = 6, None);
        check(|h| h.incarnation = 4, Some("later life"));
        check(|h| h.version += 1, Some("version"));
        check(|h| h.cluster = Guid(8), Some("another cluster"));
        check(|h| h.secret = "S".into(), Some("another cluster"));
        check(|h| h.to = NodeId(3), Some("looks for node 3"));
        check(|h| h.from = NodeId(1), Some("address book"));
    }

    #[test]
    fn what_a_node_tells_is_shown_once_it_is_news() {
        let table = PeerTable::default();
        let gossip = Gossip { process_id: 3, api_address: "127.0.0.1:9".into(), monitors: Vec::new() };
        table.set_link(NodeId(2), Link { incoming_cut: true, outgoing_cut: false });
        assert_eq!(table.facts(), BTreeMap::new(), "a cut alone shows nothing");
        assert!(table.heard(NodeId(2), gossip.clone()));
        assert!(!table.heard(NodeId(2), gossip));
        table.set_connected(NodeId(2), true);
        let facts = table.facts();
        assert_eq!(facts[&NodeId(2)].process_id, 3);
        assert!(facts[&NodeId(2)].connected);
        assert!(table.link(NodeId(2)).incoming_cut);
    }

    #[tokio::test]
    async fn a_frame_without_a_connection_is_dropped_at_once() {
        let mut peers = Peers::new(setting());
        peers.set_address(NodeId(1), "127.0.0.1:9");
        assert!(peers.links.is_empty(), "a node does not call itself");
        peers.set_address(NodeId(2), "127.0.0.1:9");
        let gossip = Frame::Gossip(Gossip { process_id: 1, api_address: String::new(), monitors: Vec::new() });
        peers.send(NodeId(2), &gossip);
        peers.send(NodeId(3), &gossip);
        assert_eq!(peers.links[&NodeId(2)].queued_bytes.load(Ordering::Acquire), 0);
        peers.forget(|node| node == NodeId(2));
        assert!(peers.links.is_empty());
    }
}
