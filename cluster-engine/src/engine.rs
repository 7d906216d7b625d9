//! One node as a pure state machine: events in, effects out.
//!
//! `step` hands the event to whom it concerns, then lets everybody catch up until nothing is left to do, and returns every
//! effect in order. All parts are level-triggered: each step ends by comparing what should be with what is, so a lost
//! message delays and never wedges.

use std::collections::{BTreeMap, VecDeque};

use crate::arbiter::Arbiter;
use crate::call::Status;
use crate::event::{Effect, Event, PeerBody, PeerMessage};
use crate::executor::{self, Executor, Licence};
use crate::id::{Guid, Lineage, NodeId};
use crate::leader::Duties;
use crate::lineage::Rejoining;
use crate::membership::{Membership, lease_length, terminate_grace};
use crate::notice::{Component, Level, Notice};
use crate::refusal::{Refusal, code};
use crate::replica::{Out, Payload, Replica, ReplicaConfig, ReplicaError, Sabotage, Stored, VoterId};
use crate::requests::{Queue, Requests};
use crate::standing::Standing;
use crate::state::{Answer, ClusterState, Command, LogBatch};
use crate::time::{Millis, Time};
use crate::voters::Basis;
use crate::witness::Hosted;

/// How long a client waits at most until it is told that the outcome is not known.
pub const CLIENT_TIMEOUT: Millis = Millis(20_000);
/// Ticks of the replica within one detection time.
const TICKS_PER_DETECTION: u64 = 40;
/// A tick is not shorter than this.
const MIN_TICK: Millis = Millis(10);
/// Ticks of an election: the least time-out, its spread, and between heartbeats of the log.
pub(crate) const ELECTION: (u32, u32, u32) = (8, 6, 2);
/// Detection time before the cluster's own is known.
const DETECTION_BEFORE_STATE: Millis = Millis(1_000);
/// Ticks after which an unanswered request is sent again.
const RESEND_TICKS: u64 = 8;

/// Who this engine is.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// Its node.
    pub node: NodeId,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// This life of its service: another number each time, never 0.
    pub incarnation: u64,
    /// Where other nodes reach it.
    pub address: String,
    /// The version of the program, for people.
    pub version: String,
    /// What election time-outs are drawn from; the same on all nodes of a cluster.
    pub seed: u64,
    /// The line of descent of its store.
    pub lineage: Lineage,
    /// This life was started with force quorum: its store was made a cluster of its own, in a new line of descent.
    pub forced: bool,
    /// This life was started with prevent quorum: it may join, and neither votes nor leads before it has.
    pub prevent_quorum: bool,
    /// Rules taken out on purpose, for tests of the simulator.
    #[doc(hidden)]
    pub sabotage: EngineSabotage,
}

/// Each switch takes out one rule, so that the simulator can prove that it would notice.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSabotage {
    /// Rules of the replica.
    pub replica: Sabotage,
    /// The leader does not wait for T2 before groups move.
    pub no_fence_delay: bool,
    /// A node whose lease ran out goes on.
    pub ignore_lease: bool,
    /// A node that got its lease back does not wait until its state is fresh.
    pub trust_stale_state: bool,
    /// Clients are answered when their command is proposed.
    pub answer_before_commit: bool,
    /// R5: the host of the witness counts on it without having checked the ownership.
    pub witness_lease_unchecked: bool,
    /// A new host forgets that the former one could count on the witness until it was taken over.
    pub forget_takeover: bool,
    /// Messages of an older line of descent are listened to.
    pub ignore_lineage: bool,
}

/// The engine of one node.
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) replica: Replica,
    pub(crate) state: Option<ClusterState>,
    pub(crate) membership: Membership,
    pub(crate) executor: Executor,
    pub(crate) requests: Requests,
    pub(crate) queue: Queue,
    pub(crate) standing: Standing,
    pub(crate) duties: Duties,
    pub(crate) now: Time,
    next_tick: Time,
    next_beat: Time,
    pub(crate) arbiter: Arbiter,
    /// Which node hosts which voter, as far as messages have told.
    pub(crate) routes: BTreeMap<VoterId, NodeId>,
    /// The leader's idea of cluster time: (cluster time, own time) when it took over.
    pub(crate) time_base: Option<(Time, Time)>,
    /// By which voter this node leads, and in which term.
    pub(crate) led: Option<(VoterId, u64)>,
    /// The latest contact of any earlier leader, once it is known in this leadership.
    pub(crate) past: Option<Time>,
    /// This node has to join another line of descent.
    pub(crate) rejoining: Option<Rejoining>,
    /// Prevent quorum is in force: it has not been a member in this life yet.
    pub(crate) prevented: bool,
    /// The request that makes force quorum part of the state.
    pub(crate) forcing: Option<u64>,
    /// Something was proposed that the replica has to be drained for.
    pub(crate) has_proposed: bool,
    /// With this nothing was to be changed in the set of voters.
    pub(crate) voters_at_rest: Option<Basis>,
    /// When something of the state is due by itself, and the index of the state for which that was found.
    pub(crate) due: (u64, Option<Time>),
    /// The longest lease that this node earned as the leader. It holds although the voters change or another leads.
    earned_until: Option<Time>,
    /// The index of the first entry of this node's own term, while it leads.
    pub(crate) led_from: Option<u64>,
    /// An empty state for readers before the first one is here.
    empty: ClusterState,
    out: Vec<Effect>,
}

impl Engine {
    /// A node whose service starts at `now` with what its store holds. Nothing of an earlier life may be running.
    ///
    /// # Errors
    /// When the store does not make sense.
    pub fn new(config: EngineConfig, stored: Stored, now: Time) -> Result<Engine, ReplicaError> {
        let mut replica_config = ReplicaConfig::node(config.voter, config.seed);
        (replica_config.election_ticks, replica_config.election_spread, replica_config.heartbeat_ticks) = ELECTION;
        replica_config.may_lead = !config.prevent_quorum;
        replica_config.sabotage = config.sabotage.replica;
        let replica = Replica::start(replica_config, stored)?;
        let mut engine = Engine {
            replica,
            state: None,
            membership: Membership::new(config.incarnation, now),
            executor: Executor::default(),
            requests: Requests::new(config.node, config.incarnation),
            queue: Queue::default(),
            standing: Standing::default(),
            duties: Duties::default(),
            now,
            next_tick: now,
            next_beat: now,
            arbiter: Arbiter::default(),
            routes: BTreeMap::new(),
            time_base: None,
            led: None,
            past: None,
            rejoining: None,
            prevented: config.prevent_quorum,
            forcing: None,
            has_proposed: false,
            voters_at_rest: None,
            due: (0, None),
            led_from: None,
            earned_until: None,
            empty: ClusterState::empty(),
            out: Vec::new(),
            config,
        };
        engine.drain_replica();
        Ok(engine)
    }

    /// Handles one event and returns everything there is to do, in order.
    pub fn step(&mut self, now: Time, event: Event) -> Vec<Effect> {
        self.now = self.now.max(now);
        match event {
            Event::Tick => {}
            Event::Client { ticket, command } => self.client(ticket, command),
            Event::Peer { from, message } => self.peer(from, message),
            Event::Persisted { n } => self.replica.persisted(n),
            Event::Resource { resource, generation, status } => self.resource(resource, generation, status),
            Event::MonitorLost { monitor, culprit, text } => self.monitor_lost(monitor, None, culprit, &text),
            Event::MonitorPartLost { monitor, resources, culprit, text } => {
                self.monitor_lost(monitor, Some(&resources), culprit, &text);
            }
            Event::MonitorHung { monitor, culprit } => self.out.push(Effect::KillMonitor { monitor, culprit }),
            Event::QuorumResourceLost { resource } => self.quorum_resource_lost(resource),
            Event::WitnessTaken { round, epoch, stored } => self.witness_taken(round, epoch, *stored),
            Event::WitnessRefused { round, missing, text } => self.witness_refused(round, missing, &text),
            Event::WitnessPersisted { epoch, n } => self.witness_persisted(epoch, n),
            Event::WitnessChecked { epoch, stamp } => self.witness_checked(epoch, stamp),
            Event::WitnessLost { epoch, text } => self.witness_lost(epoch, &text),
            Event::Stop => self.stop(),
        }
        self.earned_until = self.own_lease().max(self.earned_until);
        self.let_time_pass();
        // Each of these may make work for the others; two rounds without any and it is done.
        for _ in 0..MAX_ROUNDS {
            let before = self.out.len();
            self.drain_replica();
            self.drain_witness();
            self.keep_seat();
            self.keep_lineage();
            self.keep_standing();
            self.arbitrate();
            self.settle_resources();
            self.lead();
            self.send_requests();
            let proposed = std::mem::take(&mut self.has_proposed);
            let has_more =
                proposed || self.replica.snapshot_due() || self.arbiter.hosted().is_some_and(Hosted::has_mail);
            if self.out.len() == before && !has_more {
                break;
            }
        }
        std::mem::take(&mut self.out)
    }

    /// The latest time at which [`Event::Tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let mut next = self.next_tick.min(self.next_beat);
        if let Some(until) = self.lease().filter(|until| *until > self.now) {
            next = next.min(until);
        }
        for at in [self.next_check(), self.arbiter.next_deadline()].into_iter().flatten() {
            next = next.min(at);
        }
        if self.is_leader()
            && let Some(due) = self.state_deadline()
        {
            next = next.min(self.now + due.since(self.cluster_time()));
        }
        Some(next.max(self.now + Millis(1)))
    }

    fn state_deadline(&self) -> Option<Time> {
        let (index, due) = self.due;
        if index == self.state().applied { due } else { self.state().next_deadline() }
    }

    /// What this node knows the cluster to be. Empty (no nodes) before the first state has arrived.
    #[must_use]
    pub fn state(&self) -> &ClusterState {
        self.state.as_ref().unwrap_or(&self.empty)
    }

    /// Is there a state yet?
    #[must_use]
    pub fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        if self.seat().is_some() {
            return Some(self.config.node);
        }
        self.node_of(self.replica.leader()?)
    }

    /// Does this node lead?
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.seat().is_some()
    }

    /// Until when resources of this node may run. `None`: never had one.
    #[must_use]
    pub fn lease(&self) -> Option<Time> {
        self.own_lease().max(self.earned_until).max(self.membership.granted_until())
    }

    /// What this node earned as the leader up to now.
    fn own_lease(&self) -> Option<Time> {
        self.contact().map(|c| c + lease_length(self.detection()))
    }

    /// Is this node in touch with a majority? If not, what it shows may be stale, and none of its resources run.
    #[must_use]
    pub fn is_quorate(&self, now: Time) -> bool {
        let holds = |until: Option<Time>| until.is_some_and(|until| now < until);
        // What was earned or granted before is at hand; what is earned just now has to be worked out.
        holds(self.earned_until) || holds(self.membership.granted_until()) || holds(self.own_lease())
    }

    /// Everything up to here must be applied before something may be started after a lapse.
    pub(crate) fn must_have_applied(&self) -> u64 {
        if self.config.sabotage.trust_stale_state {
            return 0;
        }
        self.membership.granted_index().max(self.led_from.unwrap_or(0))
    }

    /// When a node was last heard of.
    #[must_use]
    pub fn last_heard(&self, node: NodeId) -> Option<Time> {
        if node == self.config.node { Some(self.now) } else { self.membership.last_heard(node) }
    }

    /// The replica's term.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.seat().unwrap_or(&self.replica).term()
    }

    /// The voters and learners, as this node's own replica has applied them.
    #[must_use]
    pub fn voters(&self) -> crate::replica::Voters {
        self.replica.voters().clone()
    }

    /// Resources of which something may be running on this node.
    pub fn active_resources(&self) -> impl Iterator<Item = Guid> + '_ {
        self.executor.active()
    }

    /// This engine's configuration.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    // ---- events ----

    fn client(&mut self, ticket: u64, command: Command) {
        if !self.is_quorate(self.now) && self.leader().is_none() {
            let text = "This node has no contact with a majority of the cluster, so nothing can be changed. \
                        Start the other nodes, or mend the network.";
            let refusal = Refusal::new(code::CLUSTER_NO_QUORUM, text);
            return self.out.push(Effect::Reply { ticket, result: Err(refusal) });
        }
        let give_up_at = Some(self.now + CLIENT_TIMEOUT);
        if self.config.sabotage.answer_before_commit && matches!(command, Command::Registry { .. }) {
            self.requests.add(command, None, give_up_at);
            return self.out.push(Effect::Reply { ticket, result: Ok(Answer::Done) });
        }
        if self.requests.add(command, Some(ticket), give_up_at).is_none() {
            let refusal = Refusal::new(code::TIMEOUT, "Too many requests wait on this node. Try again in a moment.");
            self.out.push(Effect::Reply { ticket, result: Err(refusal) });
        }
    }

    fn peer(&mut self, from: NodeId, message: PeerMessage) {
        if !self.is_of_this_lineage(from, &message) {
            return;
        }
        match message.body {
            PeerBody::Raft(message) if self.arbiter.hosted().is_some_and(|h| h.replica.id() == message.to) => {
                self.routes.insert(message.from, from);
                self.witness_hears(message);
            }
            PeerBody::Raft(message) if self.is_prevented_from(&message) => {}
            PeerBody::Raft(message) => {
                self.routes.insert(message.from, from);
                if let Err(rejected) = self.replica.receive(message) {
                    self.note(
                        Level::Debug,
                        Component::Gum,
                        format!("A message of node {from} was rejected: {rejected}"),
                    );
                }
            }
            PeerBody::Heartbeat(beat) => self.heartbeat(from, &beat),
            PeerBody::Proposals(proposals) => {
                if self.is_leader() {
                    self.queue.take_in(proposals);
                }
            }
            PeerBody::Outdated => {}
        }
    }

    /// What this engine says to another, under its line of descent.
    pub(crate) fn says(&self, body: PeerBody) -> PeerMessage {
        PeerMessage { lineage: self.config.lineage, body }
    }

    fn resource(&mut self, resource: Guid, generation: u64, status: Status) {
        if matches!(status, Status::Arbitrated { .. } | Status::Released { .. }) {
            return self.quorum_call_returned(resource, generation, &status);
        }
        if let Some(command) = self.executor.reported(resource, generation, status) {
            self.requests.add(command, None, None);
        }
    }

    // ---- time ----

    fn let_time_pass(&mut self) {
        let tick = self.tick_length();
        // After a long pause a few ticks are enough: the others have moved on, and so does the lease.
        let mut ticks = 0;
        while self.next_tick <= self.now && ticks < MAX_TICKS_AT_ONCE {
            self.replica.tick();
            if let Some(hosted) = self.arbiter.hosted_mut() {
                hosted.replica.tick();
            }
            self.next_tick = self.next_tick + tick;
            ticks += 1;
        }
        if self.next_tick <= self.now {
            self.next_tick = self.now + tick;
        }
        if self.next_beat <= self.now {
            self.next_beat = self.now + self.state().heartbeat_delay();
            self.beat_all();
        }
        self.check_witness();
        for ticket in self.requests.expired(self.now) {
            let text = "No answer came in time. What was asked for may have happened or may still happen; look before you repeat it.";
            let refusal = Refusal::new(code::TIMEOUT, text);
            self.out.push(Effect::Reply { ticket, result: Err(refusal) });
        }
    }

    pub(crate) fn detection(&self) -> Millis {
        self.state.as_ref().map_or(DETECTION_BEFORE_STATE, |s| s.config.detection())
    }

    fn tick_length(&self) -> Millis {
        Millis(self.detection().0 / TICKS_PER_DETECTION).max(MIN_TICK)
    }

    pub(crate) fn resend_after(&self) -> Millis {
        Millis(self.tick_length().0 * RESEND_TICKS)
    }

    /// Cluster time as the leader stamps it: it goes on from the last stamp, and is not behind this node's clock.
    pub(crate) fn cluster_time(&self) -> Time {
        let stamp = self.state().at;
        let elapsed = self.time_base.map_or(stamp, |(base, own)| base + self.now.since(own));
        elapsed.max(self.now).max(stamp)
    }

    // ---- the replica ----

    fn drain_replica(&mut self) {
        let mut outs: VecDeque<Out> = self.replica.drain().into();
        while let Some(out) = outs.pop_front() {
            match out {
                Out::Persist { n, writes } => self.out.push(Effect::Persist { n, writes }),
                Out::Send { to, message } => {
                    if self.arbiter.hosted().is_some_and(|h| h.replica.id() == to) {
                        self.witness_hears(message);
                    } else if let Some(to) = self.node_of(to) {
                        let message = self.says(PeerBody::Raft(message));
                        self.out.push(Effect::Send { to, message });
                    }
                }
                Out::Committed { index, payload, .. } => self.committed(index, payload),
                Out::Restored(image) => self.restored(&image.data),
                Out::Role { term, leader, is_leader } => self.role(term, leader, is_leader),
                Out::ReadReady { .. } | Out::ReadLost { .. } => {}
            }
        }
        if self.replica.snapshot_due()
            && let Some(state) = &self.state
        {
            let image = postcard::to_stdvec(state).expect("cluster state is serializable");
            let index = self.replica.applied();
            if let Err(refused) = self.replica.take_snapshot(index, image) {
                self.note(Level::Debug, Component::Gum, format!("No snapshot was taken: {refused}"));
            }
        }
    }

    fn committed(&mut self, index: u64, payload: Payload) {
        let Some(state) = &mut self.state else { return };
        match payload {
            Payload::Empty => state.applied = state.applied.max(index),
            Payload::Voters(voters) => {
                let notices = state.voters_changed(index, &voters);
                self.out.extend(notices.into_iter().map(Effect::Notice));
                self.membership.voters_changed(self.now);
            }
            Payload::Data(bytes) => {
                let batch: LogBatch =
                    postcard::from_bytes(&bytes).expect("entries are written by engines of this version");
                let applied = state.apply(index, &batch);
                self.out.extend(applied.notices.into_iter().map(Effect::Notice));
                for (id, outcome) in applied.outcomes {
                    self.queue.applied(id);
                    self.finished(id, outcome);
                }
            }
        }
    }

    fn finished(&mut self, id: crate::id::RequestId, outcome: Result<Answer, Refusal>) {
        if let Some(Some(ticket)) = self.requests.finish(id) {
            self.out.push(Effect::Reply { ticket, result: outcome });
        }
    }

    fn restored(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let state: ClusterState = postcard::from_bytes(data).expect("states are written by engines of this version");
        // Requests that took effect within the snapshot are answered from it.
        let life = (self.config.node, self.config.incarnation);
        let known: Vec<_> = self
            .requests
            .sequences()
            .into_iter()
            .filter_map(|s| Some((s, state.outcomes.get(&life)?.get(&s)?.clone())))
            .collect();
        self.state = Some(state);
        self.membership.voters_changed(self.now);
        for (sequence, outcome) in known {
            self.finished(self.requests.id(sequence), outcome);
        }
    }

    fn role(&mut self, term: u64, leader: Option<VoterId>, is_leader: bool) {
        self.enter_term();
        self.requests.send_again();
        if !is_leader {
            let name = leader.and_then(|l| self.node_of(l)).map(|n| self.state().node_name(n));
            let text = match name {
                Some(name) => format!("'{name}' leads, term {term}."),
                None => format!("No leader is known, term {term}."),
            };
            self.note(Level::Debug, Component::Gum, text);
        }
        self.beat_now();
    }

    /// Heartbeats go out now rather than when the next are due: there is news in them.
    pub(crate) fn beat_now(&mut self) {
        self.next_beat = self.now + self.state().heartbeat_delay();
        self.beat_all();
    }

    // ---- resources ----

    fn settle_resources(&mut self) {
        let Some(state) = &self.state else { return };
        let licence = Licence {
            me: self.config.node,
            is_member: executor::is_member(state, self.config.node, self.config.incarnation),
            may_run: self.standing.may_run(),
            now: self.now,
            terminate_grace: terminate_grace(self.detection()),
            opens: self.arbiter.needs_open(),
        };
        let reports = self.executor.settle(state, licence, &mut self.out);
        for report in reports {
            self.requests.add(report, None, None);
        }
    }

    // ---- notices ----

    pub(crate) fn notice(&self, level: Level, component: Component, text: impl Into<String>) -> Notice {
        Notice {
            place: None,
            at: self.now,
            level,
            component,
            event: None,
            text: text.into(),
            subject: None,
            why: Vec::new(),
            step: None,
        }
    }

    pub(crate) fn note(&mut self, level: Level, component: Component, text: impl Into<String>) {
        let notice = self.notice(level, component, text);
        self.out.push(Effect::Notice(notice));
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.out.push(effect);
    }
}

/// Rounds of one step at most; each round lets every part catch up once.
const MAX_ROUNDS: usize = 64;
/// Ticks that a step makes up for at most.
const MAX_TICKS_AT_ONCE: u32 = 4;
