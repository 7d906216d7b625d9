//! The task that owns the engine: events in through one bounded inbox, effects carried out in order after each step.
//!
//! Nothing in here waits for a disk, a socket or a process. The store, each peer and each monitor have tasks or threads of
//! their own with bounded queues, and what they have to say comes back as an [`Input`]. When the disk falls behind, the
//! task stops taking inputs until it has caught up; the inbox fills, and with it the sockets of the others.

mod monitor_news;
mod quorum_device;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cluster_engine::Engine;
use cluster_engine::Time;
use cluster_engine::call::{EntryPoint, Status};
use cluster_engine::state::{Answer, Command};
use cluster_engine::{Effect, Event, PeerMessage};
use cluster_engine::{Guid, Lineage, NodeId, Notice};
use cluster_engine::{Refusal, code};
use resmon::protocol::{RequestId, ToMonitor};
use tokio::sync::{mpsc, oneshot, watch};

use super::clock::Clock;
use super::findings::Findings;
use super::handle::{Link, NodeFacts};
use super::history::History;
use super::identity::Identity;
use super::log::LogWriter;
use super::monitor_process::MonitorEvent;
use super::monitors::{ControlAnswer, Monitors, Unserved};
use super::peers::{PeerTable, Peers};
use super::recorder::{RecordStep, Recorder};
use super::registry;
use super::resource_news::ResourceNews;
use super::store::Store;
use super::wine::Host;
use super::wire::{Frame, Gossip};
use super::witness::{Place, Take, Witness, WitnessNews};

/// How many inputs wait for the node's task before their senders have to wait.
pub const INBOX_INPUTS: usize = 1024;
/// How many requests of clients wait for their answer before new ones are refused.
const MAX_TICKETS: usize = 4096;
/// How many inputs are taken in a row before timers are looked at.
const INPUTS_PER_TURN: usize = 64;
/// How often the drivers tell each other about their processes.
const GOSSIP_INTERVAL: Duration = Duration::from_secs(1);
/// A timer never rings sooner than this, so that an engine that is always due cannot keep the processor busy.
const SHORTEST_TIMER: Duration = Duration::from_millis(1);

/// A question about the engine, answered between two steps.
pub type Question = Box<dyn FnOnce(&Engine, Time) + Send>;

/// A resource type and its library, for a type control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// The exact name.
    pub name: String,
    /// Its registered `DllName`.
    pub dll_name: String,
}

/// How a node's task has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The node was told to stop, and has stopped.
    Stopped,
    /// Its store belongs to a past that was forced out (event 5396). Everything that ran was terminated; the node has to
    /// join again with an empty store.
    Rejoin(Rejoin),
}

/// What a node needs that has to join again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejoin {
    /// The line of descent that has quorum now.
    pub lineage: Lineage,
    /// Where its nodes may listen, the most promising one first.
    pub sponsors: Vec<String>,
    /// Links that are cut at the moment; only in a lab.
    pub links: Vec<(NodeId, Link)>,
}

/// What the node's task is told.
pub enum Input {
    /// A question.
    Read(Question),
    /// A change that a client of this node wants.
    Submit {
        /// What.
        command: Command,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<Answer, Refusal>>,
    },
    /// ResourceControl.
    Control {
        /// Of which resource.
        resource: Guid,
        /// The control code.
        code: u32,
        /// Its input.
        input: Vec<u8>,
        /// Where the answer goes.
        answer: oneshot::Sender<ControlAnswer>,
    },
    /// ResourceTypeControl.
    TypeControl {
        /// Of which type.
        of: TypeName,
        /// The control code.
        code: u32,
        /// Its input.
        input: Vec<u8>,
        /// Where the answer goes.
        answer: oneshot::Sender<ControlAnswer>,
    },
    /// A node said hello.
    Greeted {
        /// Which one.
        from: NodeId,
        /// Where it listens.
        address: String,
    },
    /// The engine of another node says something.
    Peer {
        /// Which one.
        from: NodeId,
        /// What.
        message: PeerMessage,
    },
    /// The driver of another node tells about its processes.
    Gossip {
        /// Which one.
        from: NodeId,
        /// What.
        gossip: Gossip,
    },
    /// Everything that Wine ran for this node is gone.
    WineEnded,
    /// News of a monitor.
    Monitor {
        /// Which one.
        monitor: Host,
        /// Which process of that key.
        life: u64,
        /// What.
        event: MonitorEvent,
    },
    /// Stop in an orderly way.
    Stop,
    /// Stop without giving up anything to other nodes first.
    StopNow,
}

/// Who waits for the answer to a command.
enum Ticket {
    Client(oneshot::Sender<Result<Answer, Refusal>>),
    /// The node itself has made the command, and nothing depends on its outcome.
    Nobody,
    Registry {
        monitor: Host,
        life: u64,
        request: RequestId,
        created: bool,
    },
}

/// How far the end of the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// The engine gives everything up.
    Stopping,
    /// The engine has stopped; monitors end.
    MonitorsEnding,
    /// They did not, and were killed.
    MonitorsKilled,
}

/// What of the engine clients can see; when it differs, they are told to look.
#[derive(PartialEq, Eq)]
struct Visible {
    applied: u64,
    leader: Option<NodeId>,
    is_quorate: bool,
}

/// What a node's task is made of.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) witness: Witness,
    pub(super) peers: Peers,
    pub(super) table: Arc<PeerTable>,
    pub(super) monitors: Monitors,
    pub(super) history: Arc<History>,
    pub(super) findings: Arc<Findings>,
    pub(super) log: LogWriter,
    pub(super) recorder: Option<Recorder>,
    pub(super) changed: watch::Sender<u64>,
    pub(super) facts: NodeFacts,
    pub(super) identity: Identity,
    pub(super) directory: PathBuf,
}

/// A node at work.
pub(super) struct Node {
    parts: Parts,
    tickets: BTreeMap<u64, Ticket>,
    next_ticket: u64,
    /// Events that came of carrying out effects; stepped before anything else.
    follow_ups: VecDeque<Event>,
    persisted: u64,
    visible: Option<Visible>,
    monitor_changes: u64,
    resource_news: ResourceNews,
    /// The addresses that the cluster has agreed upon, as far as they were acted on.
    agreed: BTreeMap<NodeId, String>,
    phase: Phase,
    /// Resources whose Arbitrate is under way, or that defend their quorum device.
    arbitrating: BTreeSet<Guid>,
    /// Resources whose library was asked for its characteristics.
    asked: BTreeSet<Guid>,
    /// Where to join again once everything has ended.
    rejoin: Option<Rejoin>,
    /// It was told that this node is no member any more.
    told_expelled: bool,
    /// The engine cannot go on; in words.
    broken: Option<String>,
}

impl Node {
    pub(super) fn new(mut parts: Parts) -> Node {
        for (node, address) in &parts.identity.peers {
            parts.peers.set_address(*node, address);
        }
        Node {
            parts,
            tickets: BTreeMap::new(),
            next_ticket: 1,
            follow_ups: VecDeque::new(),
            persisted: 0,
            visible: None,
            monitor_changes: 0,
            resource_news: ResourceNews::default(),
            agreed: BTreeMap::new(),
            phase: Phase::Running,
            arbitrating: BTreeSet::new(),
            asked: BTreeSet::new(),
            rejoin: None,
            told_expelled: false,
            broken: None,
        }
    }

    /// Works until the node has stopped, or has to start over.
    ///
    /// # Errors
    /// In words, when the node had to end without giving anything up: its store failed, or the engine found a fault of
    /// its own. Its monitors end because their lease does.
    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Input>,
        mut witness_news: mpsc::UnboundedReceiver<WitnessNews>,
    ) -> Result<Ending, String> {
        let mut progress = self.parts.store.progress.clone();
        let mut gossip = tokio::time::interval(GOSSIP_INTERVAL);
        gossip.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let limit = tokio::time::sleep(Duration::MAX);
        tokio::pin!(limit);
        let mut phase = self.phase;
        self.settle();
        loop {
            // After a pause of the process time comes first: a lease that ran out is out before old messages are read.
            if self.parts.engine.next_deadline().is_some_and(|at| at <= self.parts.clock.now()) {
                self.step(Event::Tick);
            }
            if let Some(fault) = self.broken.take() {
                return Err(fault);
            }
            if phase != self.phase {
                phase = self.phase;
                let Some(span) = self.entered(phase) else { break };
                limit.as_mut().reset(self.parts.clock.in_so_long(span));
            }
            if self.has_ended() {
                break;
            }
            let ring = self.parts.engine.next_deadline().map(|at| self.parts.clock.instant(at));
            let shortest = self.parts.clock.in_so_long(SHORTEST_TIMER);
            let ring = ring.map_or(shortest + GOSSIP_INTERVAL, |ring| ring.max(shortest));
            tokio::select! {
                changed = progress.changed() => {
                    let now = progress.borrow_and_update().clone();
                    if let Some(failure) = now.failure {
                        return Err(format!("the store failed: {failure}"));
                    }
                    if changed.is_err() {
                        return Err("the thread of the store has ended; see its message above".into());
                    }
                    self.persisted_up_to(now.persisted);
                }
                input = inbox.recv(), if self.parts.store.has_room() => {
                    let Some(input) = input else { return Err("the inbox is closed".into()) };
                    self.take(input);
                    for _ in 1..INPUTS_PER_TURN {
                        if !self.parts.store.has_room() {
                            break;
                        }
                        let Ok(input) = inbox.try_recv() else { break };
                        self.take(input);
                    }
                }
                Some(news) = witness_news.recv() => self.witness_says(news),
                () = tokio::time::sleep_until(ring) => {}
                _ = gossip.tick() => self.gossip(),
                () = &mut limit, if self.phase != Phase::Running => self.limit_reached(),
            }
        }
        self.parts.witness.end();
        self.parts.log.line("CS", "the Cluster service has stopped".into());
        self.parts.store.close();
        Ok(self.rejoin.map_or(Ending::Stopped, Ending::Rejoin))
    }

    fn persisted_up_to(&mut self, n: u64) {
        if n > self.persisted {
            self.persisted = n;
            self.step(Event::Persisted { n });
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Read(question) => {
                let (engine, now) = (&self.parts.engine, self.parts.clock.now());
                // A question that panics is the asker's fault; its answer is dropped and the node goes on.
                if catch_unwind(AssertUnwindSafe(|| question(engine, now))).is_err() {
                    self.parts
                        .log
                        .error("API", "a question about the state panicked; this is a fault of Wolfden".into());
                }
            }
            Input::Submit { command, answer } => self.submit(command, Ticket::Client(answer)),
            Input::Control { resource, code, input, answer } => {
                self.parts.monitors.control(resource, code, input, answer);
            }
            Input::TypeControl { of, code, input, answer } => self.parts.monitors.type_control(of, code, input, answer),
            Input::Greeted { from, address } => self.parts.peers.set_address(from, &address),
            Input::Peer { from, message } => self.step(Event::Peer { from, message }),
            Input::Gossip { from, gossip } => {
                if self.parts.table.heard(from, gossip) {
                    self.bump();
                }
            }
            Input::Monitor { monitor, life, event } => match event {
                MonitorEvent::Says(message) => self.monitor_says(monitor, life, message),
                MonitorEvent::Ended { text, interrupted } => self.monitor_ended(monitor, life, text, interrupted),
            },
            // Whether that was the last thing to wait for is asked after each input.
            Input::WineEnded => self.parts.monitors.world_ended(),
            Input::Stop => {
                if self.phase == Phase::Running {
                    self.parts.log.line("CS", "Service Stopping...".into());
                    self.phase = Phase::Stopping;
                    self.step(Event::Stop);
                }
            }
            Input::StopNow => match self.phase {
                Phase::Running | Phase::Stopping => self.phase = Phase::MonitorsEnding,
                Phase::MonitorsEnding | Phase::MonitorsKilled => {}
            },
        }
    }

    fn submit(&mut self, command: Command, ticket: Ticket) {
        let number = self.next_ticket;
        self.next_ticket += 1;
        let is_full = self.tickets.len() >= MAX_TICKETS;
        self.tickets.insert(number, ticket);
        if is_full {
            let text = format!("{MAX_TICKETS} requests wait on this node already; ask again in a moment");
            self.reply(number, Err(Refusal::new(code::CLUSTER_NODE_NOT_READY, text)));
        } else if self.phase == Phase::Running || self.phase == Phase::Stopping {
            self.step(Event::Client { ticket: number, command });
        } else {
            self.reply(number, Err(super::handle::Gone.into()));
        }
    }

    fn reply(&mut self, ticket: u64, result: Result<Answer, Refusal>) {
        match self.tickets.remove(&ticket) {
            Some(Ticket::Client(answer)) => {
                // The client may have gone away.
                let _ = answer.send(result);
            }
            Some(Ticket::Nobody) => {}
            Some(Ticket::Registry { monitor, life, request, created }) => {
                let answer = registry::written(result, created);
                self.parts.monitors.send(monitor, life, ToMonitor::RegistryAnswer { request, answer });
            }
            None => self.parts.log.error("API", format!("an answer to request {ticket}, which was answered before")),
        }
    }

    /// Steps the engine and carries out what comes of it.
    fn step(&mut self, event: Event) {
        match self.phase {
            Phase::Running | Phase::Stopping => self.follow_ups.push_back(event),
            Phase::MonitorsEnding | Phase::MonitorsKilled => return,
        }
        while let Some(event) = self.follow_ups.pop_front() {
            if self.broken.is_some() {
                return;
            }
            let now = self.parts.clock.now();
            let recorded = self.parts.recorder.is_some().then(|| event.clone());
            let engine = &mut self.parts.engine;
            let stepped = catch_unwind(AssertUnwindSafe(|| engine.step(now, event)));
            let Ok(effects) = stepped else {
                // A fault of our own. The state in memory cannot be trusted any more; the store can.
                self.broken = Some("the engine found a fault of its own; see the message above".into());
                return;
            };
            if let Some(event) = recorded {
                self.record(RecordStep { at: now, event, effects: effects.len() as u32 });
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
        self.settle();
    }

    fn record(&mut self, step: RecordStep) {
        let written = self.parts.recorder.as_mut().map_or(Ok(()), |recorder| recorder.step(&step));
        if let Err(error) = written {
            self.parts.log.error("CS", format!("the recording was given up: {error}"));
            self.parts.recorder = None;
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Persist { n, writes } => self.parts.store.persist(n, writes),
            Effect::Send { to, message } => self.parts.peers.send(to, &Frame::Engine(message)),
            Effect::Call { resource, monitor, generation, entry } => {
                self.follow_arbitration(resource, &entry);
                if entry == EntryPoint::Close {
                    self.tell_deletion(resource);
                }
                if entry == EntryPoint::Online {
                    self.ask_characteristics(resource);
                }
                if matches!(entry, EntryPoint::Offline | EntryPoint::Terminate) {
                    self.tell_reason(resource);
                }
                match self.parts.monitors.call(resource, monitor, generation, entry) {
                    Ok(()) => {}
                    Err(Unserved::NoMonitor(text)) => {
                        let resources = vec![resource];
                        self.follow_ups.push_back(Event::MonitorPartLost { monitor, resources, culprit: None, text });
                    }
                    Err(Unserved::Refused(code, message)) => {
                        self.parts.log.error("RHS", format!("<{}>: {message}", self.name_of(resource)));
                        let status = Status::OpenFailed { code, message };
                        self.follow_ups.push_back(Event::Resource { resource, generation, status });
                    }
                }
            }
            Effect::KillMonitor { monitor, culprit } => self.parts.monitors.kill(monitor, culprit),
            Effect::Reply { ticket, result } => self.reply(ticket, result),
            Effect::WitnessTake { round, resource, voter, may_create } => {
                let place = Place::read(&self.parts.engine.state().hive, resource);
                self.parts.witness.take(Take { round, place, voter, may_create });
            }
            Effect::WitnessPersist { epoch, n, writes } => self.parts.witness.persist(epoch, n, writes),
            Effect::WitnessSend { epoch, to, message } => self.parts.witness.send(epoch, to, message),
            Effect::WitnessCheck { epoch, stamp } => self.parts.witness.check(epoch, stamp),
            Effect::WitnessEnd => self.parts.witness.end(),
            Effect::Rejoin { lineage, via } => self.start_over(lineage, via),
            Effect::Notice(notice) => self.tell(notice),
            Effect::Stopped => self.phase = Phase::MonitorsEnding,
        }
    }

    /// Into the cluster log and the history.
    fn tell(&self, notice: Notice) {
        self.parts.log.notice(&notice);
        self.parts.history.tell(notice);
    }

    /// After a step: acts on what has changed in the agreed state, and tells clients to look.
    fn settle(&mut self) {
        let engine = &self.parts.engine;
        let visible = Visible {
            applied: engine.state().applied,
            leader: engine.leader(),
            is_quorate: engine.is_quorate(self.parts.clock.now()),
        };
        if self.parts.monitors.changes() != self.monitor_changes {
            self.monitor_changes = self.parts.monitors.changes();
            self.tell_own();
        }
        if self.visible.as_ref() == Some(&visible) {
            return;
        }
        let is_news = self.visible.as_ref().is_none_or(|old| old.applied != visible.applied);
        self.visible = Some(visible);
        if is_news {
            self.tell_resource_news();
            self.follow_addresses();
        }
        self.bump();
    }

    /// Connects to where the cluster says that its nodes listen, and remembers it for the next start.
    fn follow_addresses(&mut self) {
        let me = self.parts.facts.node;
        let nodes = &self.parts.engine.state().nodes;
        // A newcomer knows nobody before its first snapshot, and an evicted node nobody any more.
        if !nodes.contains_key(&me) {
            return;
        }
        let news: Vec<(NodeId, String)> = nodes
            .iter()
            .filter(|(node, facts)| **node != me && self.agreed.get(node) != Some(&facts.config.address))
            .map(|(node, facts)| (*node, facts.config.address.clone()))
            .collect();
        // Somebody who called and is not known yet may have joined a moment ago, or be of another line of descent.
        let is_gone = |node: NodeId| self.agreed.contains_key(&node) && !nodes.contains_key(&node);
        let has_gone = self.agreed.keys().any(|node| is_gone(*node));
        if news.is_empty() && !has_gone {
            return;
        }
        self.parts.peers.forget(is_gone);
        self.agreed.retain(|node, _| nodes.contains_key(node));
        for (node, address) in news {
            self.parts.peers.set_address(node, &address);
            self.agreed.insert(node, address);
        }
        self.parts.identity.peers = self.agreed.clone();
        self.parts.store.save_identity(self.parts.identity.clone(), self.parts.directory.clone());
    }

    fn bump(&self) {
        self.parts.changed.send_modify(|count| *count += 1);
    }

    fn own_gossip(&self) -> Gossip {
        Gossip {
            process_id: self.parts.facts.process_id,
            api_address: self.parts.facts.api_address.clone(),
            monitors: self.parts.monitors.list(),
        }
    }

    fn tell_own(&self) {
        if self.parts.table.own(self.parts.facts.node, self.own_gossip()) {
            self.bump();
        }
    }

    fn gossip(&mut self) {
        self.tell_own();
        self.look_whether_expelled();
        self.parts.peers.send_to_all(&Frame::Gossip(self.own_gossip()));
    }
}
