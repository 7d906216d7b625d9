//! The arbiter: when this node fights for the quorum device, and what follows from winning or losing (reference 7.4, 7.5).
//!
//! It is level-triggered like everything else: each step asks whether this node *should* host the witness, and takes the
//! next step towards that or away from it.
//!
//! 1. While there is quorum, the witness belongs to the owner of the quorum resource, once that is online there.
//! 2. Where exactly the vote of the witness is missing, one node of the part fights for it: the owner of the quorum
//!    resource if it is there, else the one with the lowest id. It waits a detection time first, so that it knows who is
//!    there, and so that whoever has quorum can admit it.
//! 3. `Arbitrate` of the quorum resource decides. When it returns 0, the driver raises the ownership epoch and copies the
//!    store, and the witness votes here.
//! 4. Losing, by `QUORUM_RESOURCE_LOST`, by a failed check of the ownership, or because its vote would not help, ends it
//!    at once. `Release` is called on what this node owns and does not need.

use crate::call::Status;
use crate::engine::Engine;
use crate::event::Effect;
use crate::executor::{self, Arbitration};
use crate::id::Guid;
use crate::notice::{ArbitrationStep, Component, Level, Subject};
use crate::replica::{Stored, VoterId};
use crate::state::Command;
use crate::time::{Millis, Time};
use crate::wish::Wish;
use crate::witness::Hosted;

/// After a lost arbitration without quorum the next one begins after so many detection times.
const PAUSE_WITHOUT_QUORUM: u64 = 2;
/// Hosting the witness without coming to a quorum is given up after so many detection times.
const HOSTING_PATIENCE: u64 = 4;
/// And begins again after so many, doubled each time: long enough for whoever can use the witness.
const FUTILE_PAUSE: u64 = 4;
/// It is not doubled more often than this.
const MOST_FUTILE: u32 = 4;
/// The first pause after a lost arbitration of the quorum resource's owner; doubled each time, up to WitnessRestartInterval.
const FIRST_PAUSE: Millis = Millis::seconds(5);

/// The arbiter of one node.
#[derive(Debug, Default)]
pub(crate) struct Arbiter {
    /// Counts arbitrations of this life.
    round: u64,
    phase: Phase,
    /// Arbitrate has won this resource, and Release was not called since.
    owned: Option<Guid>,
    /// No new arbitration before this.
    pause_until: Option<Time>,
    /// The pause after the next failure in a row.
    pause: Option<Millis>,
    /// It was told that the witness is missing.
    told_needed: bool,
    /// The request that tells the others where the witness votes, and for which epoch.
    telling: Option<(u64, u64)>,
    /// The request for a new voter id.
    renewing: Option<u64>,
    /// How often arbitration was tried in a row without quorum.
    attempts: u32,
    /// When the witness ended here last.
    lost_at: Option<Time>,
    /// How often in a row the witness was hosted here without making a quorum.
    futile: u32,
    /// Since when exactly the vote of the witness is missing here.
    pub(crate) needed_since: Option<Time>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    /// Arbitrate was called.
    Arbitrating { resource: Guid, since: Time },
    /// The driver takes the store.
    Taking { voter: VoterId },
    /// The witness votes here.
    Hosting(Box<Hosted>),
}

impl Arbiter {
    pub(crate) fn hosted(&self) -> Option<&Hosted> {
        match &self.phase {
            Phase::Hosting(hosted) => Some(hosted),
            Phase::Idle | Phase::Arbitrating { .. } | Phase::Taking { .. } => None,
        }
    }

    pub(crate) fn hosted_mut(&mut self) -> Option<&mut Hosted> {
        match &mut self.phase {
            Phase::Hosting(hosted) => Some(hosted),
            Phase::Idle | Phase::Arbitrating { .. } | Phase::Taking { .. } => None,
        }
    }

    pub(crate) fn drop_hosted(&mut self, now: Time) {
        self.lost_at = Some(now);
        self.phase = Phase::Idle;
    }

    /// When the witness ended here last.
    pub(crate) fn lost_at(&self) -> Option<Time> {
        self.lost_at
    }

    /// The resource that has to be open here, whoever owns its group.
    pub(crate) fn needs_open(&self) -> Option<Guid> {
        match &self.phase {
            Phase::Arbitrating { resource, .. } => Some(*resource),
            Phase::Idle | Phase::Taking { .. } | Phase::Hosting(_) => self.owned,
        }
    }

    /// Is an arbitration under way, or the witness here?
    pub(crate) fn is_busy(&self) -> bool {
        !matches!(self.phase, Phase::Idle)
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.pause_until
    }
}

impl Engine {
    /// Compares where the witness should be with where it is.
    pub(crate) fn arbitrate(&mut self) {
        if self.state.is_none() {
            return;
        }
        if self.arbiter.pause_until.is_some_and(|until| until <= self.now) {
            self.arbiter.pause_until = None;
        }
        self.follow_quorum_resource();
        self.note_need();
        match self.wish() {
            Wish::Host(why) => self.fight(why),
            // What is owned without being used keeps others from it.
            Wish::Keep if !self.arbiter.is_busy() => self.release(),
            Wish::Keep => {}
            Wish::Free => self.release(),
            Wish::Leave(why) => self.give_up_witness(why),
        }
        self.arbitrate_when_open();
        self.limit_arbitration();
        self.limit_hosting();
        self.tell_host();
    }

    /// Another quorum resource, or another voter: what was begun for the former one ends.
    fn follow_quorum_resource(&mut self) {
        let (resource, voter) = match &self.state().quorum.witness {
            Some(witness) => (Some(witness.resource), Some(witness.voter)),
            None => (None, None),
        };
        let is_other = match &self.arbiter.phase {
            Phase::Idle => false,
            Phase::Arbitrating { resource: own, .. } => resource != Some(*own),
            Phase::Taking { voter: own } => voter != Some(*own),
            // A voter that is being replaced votes as long as it is in the set, if it can.
            Phase::Hosting(hosted) => {
                let id = hosted.replica.id();
                voter != Some(id) && (resource.is_some() || !self.replica.voters().has(id))
            }
        };
        if is_other {
            self.give_up_witness("another quorum was chosen");
        }
        if self.arbiter.owned.is_some_and(|owned| Some(owned) != resource) && !self.arbiter.is_busy() {
            self.release();
        }
    }

    fn fight(&mut self, why: Vec<String>) {
        if !matches!(self.arbiter.phase, Phase::Idle) || self.arbiter.pause_until.is_some() {
            return;
        }
        let Some(witness) = self.state().quorum.witness.clone() else { return };
        if self.arbiter.renewing.is_some_and(|s| self.requests.is_waiting(s)) {
            return;
        }
        if !self.is_quorate(self.now) && !self.arbiter.told_needed {
            self.arbiter.told_needed = true;
            let text = "Exactly the vote of the witness is missing here (one off quorum).".to_owned();
            self.step_notice(Level::Warning, ArbitrationStep::Needed, text, why.clone());
        }
        let name = self.state().resource_name(witness.resource);
        self.arbiter.round += 1;
        self.arbiter.attempts += 1;
        self.arbiter.phase = Phase::Arbitrating { resource: witness.resource, since: self.now };
        let limit = self.state().config.arbitration_max;
        let text = format!(
            "Arbitration {} for quorum resource '{name}' begins (QuorumArbitrationTimeMax {} s).",
            self.arbiter.round,
            limit.0 / 1000
        );
        self.step_notice(Level::Information, ArbitrationStep::Challenge, text, why);
    }

    /// Calls Arbitrate once the resource is open here.
    pub(crate) fn arbitrate_when_open(&mut self) {
        let Phase::Arbitrating { resource, .. } = &self.arbiter.phase else { return };
        let (resource, round) = (*resource, self.arbiter.round);
        if self.arbiter.owned == Some(resource) {
            // Won before and never released: only the store is missing.
            return self.arbitrated(resource, round, 0);
        }
        let may_run = self.standing.may_run();
        match self.executor.arbitrate(resource, round, may_run) {
            Arbitration::Wait => {}
            Arbitration::Call(call) => self.push(*call),
            Arbitration::Failed { code, message } => {
                let name = self.state().resource_name(resource);
                let text =
                    format!("Arbitration {round} for '{name}' was lost: it cannot be opened ({code}: {message}).");
                self.arbitration_failed(text, None);
            }
        }
    }

    /// Arbitrate or Release returned.
    pub(crate) fn quorum_call_returned(&mut self, resource: Guid, round: u64, status: &Status) {
        match status {
            Status::Arbitrated { code } => self.arbitrated(resource, round, *code),
            Status::Released { code: 0 } => {}
            Status::Released { code } => {
                let name = self.state().resource_name(resource);
                self.note(Level::Debug, Component::Quorum, format!("Release of '{name}' returned {code}."));
            }
            Status::Opened
            | Status::OpenFailed { .. }
            | Status::OnlinePending { .. }
            | Status::Online
            | Status::OfflinePending { .. }
            | Status::Offline
            | Status::Failed(_)
            | Status::Terminated
            | Status::DrainAnswered { .. }
            | Status::Closed => {}
        }
    }

    fn arbitrated(&mut self, resource: Guid, round: u64, code: u32) {
        let is_present = round == self.arbiter.round
            && matches!(&self.arbiter.phase, Phase::Arbitrating { resource: own, .. } if *own == resource);
        if code == 0 {
            self.arbiter.owned = Some(resource);
        }
        if !is_present {
            // Nobody waits for it any more.
            if code == 0 && !self.arbiter.is_busy() {
                self.release();
            }
            return;
        }
        let name = self.state().resource_name(resource);
        if code != 0 {
            let text = format!("Arbitration {round} for '{name}' was lost: Arbitrate returned {code}.");
            return self.arbitration_failed(text, reason_of(code));
        }
        let Some(witness) = self.state().quorum.witness.clone() else { return };
        let text = format!("Arbitration {round} for '{name}' was won; the witness's store is taken over.");
        self.step_notice(Level::Information, ArbitrationStep::Won, text, Vec::new());
        self.arbiter.phase = Phase::Taking { voter: witness.voter };
        let may_create = !self.replica.voters().voters.contains(&witness.voter);
        self.push(Effect::WitnessTake { round, resource, voter: witness.voter, may_create });
    }

    pub(crate) fn witness_taken(&mut self, round: u64, epoch: u64, stored: Stored) {
        let voter = match &self.arbiter.phase {
            Phase::Taking { voter } if round == self.arbiter.round => *voter,
            Phase::Taking { .. } | Phase::Idle | Phase::Arbitrating { .. } | Phase::Hosting(_) => return,
        };
        let Some(kind) = self.state().quorum.witness.as_ref().map(|w| w.kind) else { return };
        let ticks = crate::engine::ELECTION;
        match Hosted::start(voter, kind, epoch, stored, (self.config.seed, ticks.0, ticks.1, ticks.2), self.now) {
            Ok(hosted) => {
                let text =
                    format!("The witness's store was taken over, epoch {epoch}: whoever hosted it before is fenced.");
                self.step_notice(Level::Information, ArbitrationStep::TakenOver, text, Vec::new());
                let votes = self.replica.voters().voters.contains(&self.config.voter);
                let is_newer = hosted.has_more_than(&self.replica) || !votes;
                self.arbiter.phase = Phase::Hosting(Box::new(hosted));
                self.arbiter.attempts = 0;
                self.arbiter.pause = None;
                if !self.is_quorate(self.now) {
                    // The one with the newer log stands for election at once; with less nobody would vote for it. So does the
                    // witness where it alone has a vote.
                    match self.arbiter.hosted_mut() {
                        Some(hosted) if is_newer => hosted.replica.campaign(),
                        Some(_) | None => self.replica.campaign(),
                    }
                }
                self.beat_now();
            }
            Err(error) => {
                self.push(Effect::WitnessEnd);
                let text = format!("The witness's store makes no sense: {error}.");
                self.arbitration_failed(text, None);
            }
        }
    }

    pub(crate) fn witness_refused(&mut self, round: u64, missing: bool, text: &str) {
        let voter = match &self.arbiter.phase {
            Phase::Taking { voter } if round == self.arbiter.round => *voter,
            Phase::Taking { .. } | Phase::Idle | Phase::Arbitrating { .. } | Phase::Hosting(_) => return,
        };
        let event = if self.is_quorate(self.now) { 1557 } else { 1573 };
        let text = format!("The witness's store cannot be had: {text}.");
        let mut notice = self.notice(Level::Error, Component::Quorum, text);
        notice.event = Some(event);
        notice.step = Some(ArbitrationStep::Refused);
        self.push(Effect::Notice(notice));
        self.arbiter.phase = Phase::Idle;
        self.pause_arbitration();
        if missing && self.is_quorate(self.now) {
            // A voter whose store is gone has forgotten what it voted for: another one takes its place.
            self.arbiter.renewing = self.requests.add(Command::RenewWitness { voter }, None, None);
            self.arbiter.pause_until = None;
        }
        self.release();
    }

    /// The library lost the device.
    pub(crate) fn quorum_resource_lost(&mut self, resource: Guid) {
        let is_ours = self.arbiter.owned == Some(resource) || self.arbiter.hosted().is_some();
        if !is_ours || !self.state().is_quorum_resource(resource) {
            return;
        }
        let name = self.state().resource_name(resource);
        self.arbiter.owned = None;
        let was_busy = self.arbiter.is_busy();
        self.arbiter.lost_at = Some(self.now);
        self.arbiter.phase = Phase::Idle;
        if was_busy {
            self.push(Effect::WitnessEnd);
        }
        let mut notice =
            self.notice(Level::Error, Component::Quorum, format!("Ownership of quorum resource '{name}' was lost."));
        notice.event = Some(1038);
        notice.subject = Some(Subject::Resource(name));
        notice.step = Some(ArbitrationStep::Ended);
        self.push(Effect::Notice(notice));
        self.pause_arbitration();
    }

    /// The witness does not belong here.
    pub(crate) fn give_up_witness(&mut self, why: &str) {
        match std::mem::take(&mut self.arbiter.phase) {
            Phase::Idle => {}
            Phase::Arbitrating { .. } => {
                let text = format!("Arbitration {} is broken off: {why}.", self.arbiter.round);
                self.step_notice(Level::Information, ArbitrationStep::Lost, text, Vec::new());
                self.force_release();
            }
            Phase::Taking { .. } => self.push(Effect::WitnessEnd),
            Phase::Hosting(_) => {
                self.arbiter.lost_at = Some(self.now);
                self.push(Effect::WitnessEnd);
                let text = format!("The witness is given up here: {why}.");
                self.step_notice(Level::Information, ArbitrationStep::Ended, text, Vec::new());
                self.beat_now();
            }
        }
        self.release();
    }

    fn arbitration_failed(&mut self, text: String, reason: Option<&str>) {
        let why = reason.map(|r| vec![r.to_owned()]).unwrap_or_default();
        let mut notice = self.notice(Level::Warning, Component::Quorum, text);
        notice.step = Some(ArbitrationStep::Lost);
        notice.why = why;
        if self.state().quorum.witness.as_ref().is_some_and(|w| w.kind == crate::quorum::Witness::FileShare) {
            notice.event = Some(1564);
        }
        self.push(Effect::Notice(notice));
        self.arbiter.phase = Phase::Idle;
        self.pause_arbitration();
        self.release();
    }

    /// The next arbitration begins later.
    pub(crate) fn pause_arbitration(&mut self) {
        let pause = if self.is_quorate(self.now) {
            let longest = self.state().config.witness_restart;
            let pause = self.arbiter.pause.unwrap_or(FIRST_PAUSE).min(longest);
            self.arbiter.pause = Some(Millis(pause.0 * 2));
            pause
        } else {
            Millis(self.detection().0 * PAUSE_WITHOUT_QUORUM)
        };
        self.arbiter.pause_until = Some(self.now + pause);
    }

    /// An Arbitrate that takes longer than QuorumArbitrationTimeMax is lost.
    fn limit_arbitration(&mut self) {
        if self.is_quorate(self.now) {
            self.arbiter.told_needed = false;
        }
        let Phase::Arbitrating { since, .. } = self.arbiter.phase else { return };
        let limit = self.state().config.arbitration_max;
        if self.now.since(since) >= limit {
            let text = format!(
                "Arbitration {} took longer than QuorumArbitrationTimeMax ({} s) and is broken off.",
                self.arbiter.round,
                limit.0 / 1000
            );
            self.force_release();
            self.arbitration_failed(text, None);
        }
    }

    /// Calls Release on what this node owns without needing it. What is online here keeps its device.
    fn release(&mut self) {
        if let Some(resource) = self.arbiter.owned.take()
            && let Some(call) = self.executor.release(resource, self.arbiter.round)
        {
            self.push(call);
        }
    }

    /// Calls Release to break off an Arbitrate that has not returned.
    fn force_release(&mut self) {
        let Some(resource) = self.state().quorum.witness.as_ref().map(|w| w.resource) else { return };
        self.arbiter.owned = None;
        if let Some(call) = self.executor.release(resource, self.arbiter.round) {
            self.push(call);
        }
    }

    /// Tells the others where the witness votes, as part of the state.
    fn tell_host(&mut self) {
        let Some(hosted) = self.arbiter.hosted() else { return self.tell_left() };
        let (epoch, voter) = (hosted.epoch, hosted.replica.id());
        let Some(witness) = self.state().quorum.witness.as_ref().filter(|w| w.voter == voter) else { return };
        let is_known = witness.host.is_some_and(|h| h.epoch >= epoch);
        let is_asked = self.arbiter.telling.is_some_and(|(e, s)| e == epoch && self.requests.is_waiting(s));
        let is_member = executor::is_member(self.state(), self.config.node, self.config.incarnation);
        if is_known || is_asked || !is_member || !self.is_quorate(self.now) {
            return;
        }
        let (node, incarnation) = (self.config.node, self.config.incarnation);
        let command = Command::WitnessHosted { node, incarnation, voter, epoch };
        self.arbiter.telling = self.requests.add(command, None, None).map(|s| (epoch, s));
    }

    /// Tells the others that the witness does not vote here any more.
    fn tell_left(&mut self) {
        let me = self.config.node;
        let host = self.state().quorum.witness.as_ref().and_then(|w| w.host).filter(|h| h.node == me);
        let Some(host) = host.filter(|_| self.standing.may_run()) else { return };
        if self.arbiter.telling.is_some_and(|(e, s)| e == host.epoch && self.requests.is_waiting(s)) {
            return;
        }
        let command = Command::WitnessLeft { node: me, epoch: host.epoch };
        self.arbiter.telling = self.requests.add(command, None, None).map(|s| (host.epoch, s));
    }

    /// The witness is here, and there is no quorum all the same: its store knows of votes that are elsewhere. Whoever has
    /// more of those is to have it (event 1561).
    fn limit_hosting(&mut self) {
        let Some(hosted) = self.arbiter.hosted() else { return };
        let patience = Millis(self.detection().0 * HOSTING_PATIENCE);
        if self.is_quorate(self.now) {
            self.arbiter.futile = 0;
            return;
        }
        if self.now.since(hosted.since.max(self.lease().unwrap_or(hosted.since))) < patience {
            return;
        }
        self.give_up_witness("there is no quorum with it; the newest configuration gives votes to others");
        let mut notice = self.notice(
            Level::Critical,
            Component::Quorum,
            "This node lacks the latest configuration: the witness has a newer one, in which it makes no majority here.",
        );
        notice.event = Some(1561);
        self.push(Effect::Notice(notice));
        self.arbiter.futile = (self.arbiter.futile + 1).min(MOST_FUTILE);
        let pause = Millis((self.detection().0 * FUTILE_PAUSE) << self.arbiter.futile);
        self.arbiter.pause_until = Some(self.now + pause);
    }

    pub(crate) fn step_notice(&mut self, level: Level, step: ArbitrationStep, text: String, why: Vec<String>) {
        let mut notice = self.notice(level, Component::Quorum, text);
        notice.step = Some(step);
        notice.why = why;
        let name = self.state().quorum.witness.as_ref().map(|w| self.state().resource_name(w.resource));
        notice.subject = name.map(Subject::Resource);
        self.push(Effect::Notice(notice));
    }
}

/// What a code of Arbitrate means.
fn reason_of(code: u32) -> Option<&'static str> {
    match code {
        5034 => Some("its owner is alive and defends it"),
        21 => Some("the device cannot be reached from this node"),
        995 => Some("it was broken off"),
        _ => None,
    }
}
