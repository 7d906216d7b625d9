//! One node as a pure state machine: events in, effects out.
//!
//! `step` hands the event to whom it concerns, then lets everybody catch up until nothing is left to do, and returns every
//! effect in order. All parts are level-triggered: each step ends by comparing what should be with what is, so a lost
//! message delays and never wedges.

use std::collections::{BTreeMap, VecDeque};

use crate::call::{Cause, MonitorKey, Status};
use crate::event::{Effect, Event, PeerBody, PeerMessage};
use crate::executor::{self, Executor, Licence};
use crate::id::{Guid, Lineage, NodeId};
use crate::leader::Duties;
use crate::membership::{Heartbeat, Membership, lease_length, terminate_grace};
use crate::notice::{Component, Level, Notice, Subject};
use crate::refusal::{Refusal, code};
use crate::replica::{Out, Payload, Replica, ReplicaConfig, ReplicaError, Sabotage, Stored, VoterId};
use crate::requests::{Queue, Requests};
use crate::standing::Standing;
use crate::state::{Answer, ClusterState, Command, LogBatch};
use crate::time::{Millis, Time};

/// How long a client waits at most until it is told that the outcome is not known.
pub const CLIENT_TIMEOUT: Millis = Millis(20_000);
/// Ticks of the replica within one detection time.
const TICKS_PER_DETECTION: u64 = 40;
/// A tick is not shorter than this.
const MIN_TICK: Millis = Millis(10);
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
    /// Which node hosts which voter, as far as messages have told.
    routes: BTreeMap<VoterId, NodeId>,
    /// The leader's idea of cluster time: (cluster time, own time) when it took over.
    time_base: Option<(Time, Time)>,
    /// Something was proposed that the replica has to be drained for.
    pub(crate) has_proposed: bool,
    /// The longest lease that this node earned as the leader. It holds although the voters change or another leads.
    earned_until: Option<Time>,
    /// The index of the first entry of this node's own term, while it leads.
    led_from: Option<u64>,
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
        replica_config.election_ticks = 8;
        replica_config.election_spread = 6;
        replica_config.heartbeat_ticks = 2;
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
            routes: BTreeMap::new(),
            time_base: None,
            has_proposed: false,
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
            Event::MonitorLost { monitor, culprit, text } => self.monitor_lost(monitor, culprit, &text),
            Event::MonitorHung { monitor, culprit } => self.out.push(Effect::KillMonitor { monitor, culprit }),
            Event::QuorumResourceLost { .. }
            | Event::WitnessTaken { .. }
            | Event::WitnessRefused { .. }
            | Event::WitnessPersisted { .. }
            | Event::WitnessChecked { .. }
            | Event::WitnessLost { .. } => {}
            Event::Stop => self.stop(),
        }
        self.earned_until = self.own_lease().max(self.earned_until);
        self.let_time_pass();
        // Each of these may make work for the others; two rounds without any and it is done.
        for _ in 0..MAX_ROUNDS {
            let before = self.out.len();
            self.drain_replica();
            self.keep_standing();
            self.settle_resources();
            self.lead();
            self.send_requests();
            let proposed = std::mem::take(&mut self.has_proposed);
            if self.out.len() == before && !proposed && !self.replica.snapshot_due() {
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
        if self.replica.is_leader()
            && let Some(due) = self.state().next_deadline()
        {
            next = next.min(self.now + due.since(self.cluster_time()));
        }
        Some(next.max(self.now + Millis(1)))
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
        self.node_of(self.replica.leader()?)
    }

    /// Does this node lead?
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.replica.is_leader()
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
        self.lease().is_some_and(|until| now < until)
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
        self.replica.term()
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
        match message.body {
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
                if self.replica.is_leader() {
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

    fn heartbeat(&mut self, from: NodeId, beat: &Heartbeat) {
        self.membership.enter_term(self.replica.term());
        let leader = self.leader();
        let t1 = lease_length(self.detection());
        self.membership.hear(from, beat, leader, t1, self.now);
        if !beat.is_answer {
            self.send_beat(from, true);
        }
    }

    fn resource(&mut self, resource: Guid, generation: u64, status: Status) {
        if let Some(command) = self.executor.reported(resource, generation, status) {
            self.requests.add(command, None, None);
        }
    }

    fn monitor_lost(&mut self, monitor: MonitorKey, culprit: Option<(Guid, String)>, text: &str) {
        let cause = match &culprit {
            Some((id, call)) => {
                let culprit = self.state().resource_name(*id);
                Cause::Deadlock { call: call.clone(), culprit }
            }
            None => Cause::MonitorDied { text: text.to_owned() },
        };
        if let (Some((id, call)), Some(state)) = (&culprit, &self.state) {
            let name = state.resource_name(*id);
            let text =
                format!("A call of resource '{name}' ({call}) did not return in time; its Resource Monitor is ended.");
            let is_separate = state.resources.get(id).is_none_or(|r| r.config.separate_monitor);
            let mut notice = self.notice(Level::Error, Component::Rcm, text);
            notice.event = Some(1230);
            notice.subject = Some(Subject::Resource(name));
            self.out.push(Effect::Notice(notice));
            if !is_separate {
                // The culprit gets a monitor of its own from now on (reference 1.7).
                let values = vec![("SeparateMonitor".to_owned(), Some(clusreg::Value::dword(1)))];
                let object = crate::state::Object::Resource(*id);
                self.requests.add(Command::SetProperties { object, values }, None, None);
            }
        }
        let mut notice = self.notice(
            Level::Critical,
            Component::Rhs,
            format!("A Resource Monitor ended and will be started again: {text}."),
        );
        notice.event = Some(1146);
        self.out.push(Effect::Notice(notice));
        for command in self.executor.monitor_lost(monitor, &cause, self.now) {
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

    // ---- heartbeats ----

    fn beat_all(&mut self) {
        let others: Vec<NodeId> = self.state().nodes.keys().copied().filter(|n| *n != self.config.node).collect();
        for node in others {
            self.send_beat(node, false);
        }
    }

    pub(crate) fn send_beat(&mut self, to: NodeId, is_answer: bool) {
        self.membership.enter_term(self.replica.term());
        if self.leader() == Some(to) {
            self.membership.note_ack(to);
        }
        let beat = self.membership.heartbeat(to, self.now, is_answer, self.contact(), self.replica.committed());
        self.out.push(Effect::Send { to, message: self.says(PeerBody::Heartbeat(beat)) });
    }

    /// This node leads and has committed an entry of its term: the latest time at which a majority obeyed it.
    pub(crate) fn contact(&self) -> Option<Time> {
        if !self.replica.is_leader() || self.led_from.is_none_or(|first| self.replica.committed() < first) {
            return None;
        }
        let voters: Vec<NodeId> = self.replica.voters().voters.iter().filter_map(|v| self.node_of(*v)).collect();
        self.membership.contact(self.config.node, &voters, self.now)
    }

    pub(crate) fn node_of(&self, voter: VoterId) -> Option<NodeId> {
        let known = self.state().nodes.values().find(|n| n.voter == voter).map(|n| n.id);
        known.or_else(|| self.routes.get(&voter).copied())
    }

    // ---- the replica ----

    fn drain_replica(&mut self) {
        let mut outs: VecDeque<Out> = self.replica.drain().into();
        while let Some(out) = outs.pop_front() {
            match out {
                Out::Persist { n, writes } => self.out.push(Effect::Persist { n, writes }),
                Out::Send { to, message } => {
                    if let Some(to) = self.node_of(to) {
                        self.out.push(Effect::Send { to, message: self.says(PeerBody::Raft(message)) });
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
            Payload::Voters(_) => {
                state.applied = state.applied.max(index);
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
        self.membership.enter_term(term);
        self.requests.send_again();
        let name = leader.and_then(|l| self.node_of(l)).map(|n| self.state().node_name(n));
        if is_leader {
            self.time_base = Some((self.state().at.max(self.now), self.now));
            // The last entry of its log is the empty one that a new leader appends, or comes after it.
            self.led_from = Some(self.replica.last_index());
            self.note(Level::Information, Component::Gum, format!("This node leads, term {term}."));
        } else {
            self.time_base = None;
            self.led_from = None;
            self.queue.clear();
            let text = match name {
                Some(name) => format!("'{name}' leads, term {term}."),
                None => format!("No leader is known, term {term}."),
            };
            self.note(Level::Debug, Component::Gum, text);
        }
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
