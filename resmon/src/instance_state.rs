//! What a resource is doing, as its monitor sees it: a pure state machine with the time as an argument.
//!
//! It hears the results of entry points and the status reports of the library, in whatever order they come, and decides:
//! online, pending, failed, or nonsense to be dropped and logged (reference 2.2 and 1.4). It calls nothing itself; the
//! [`Step`]s it returns say what the [`instance`](crate::instance) has to do. What is deliberately absent: polling
//! intervals ([`poller`](crate::poller)), the limit of a single call ([`watchdog`](crate::watchdog)), and every policy, which
//! belongs to the Cluster service.
//!
//! A race that it has to win, in steps: (1) Online is called and starts a worker thread in the library; (2) the worker
//! reports Online before the call has returned; (3) the call returns 997. The report of step 2 is kept and applied after
//! step 3.
#![forbid(unsafe_code)]

use resapi_sys_mock::codes::win32::{
    self, ERROR_EXCEPTION_IN_RESOURCE_CALL, ERROR_IO_PENDING, ERROR_RESOURCE_FAILED, ERROR_SUCCESS,
};

use crate::protocol::{Cause, LogLevel, Status};
use crate::report::{Exit, Report, Reported};

/// What a signalled event handle leads to. Two pages of the reference disagree (reference README, disagreement 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnEvent {
    /// IsAlive is called at once, and FALSE means failed.
    AskIsAlive,
    /// The resource has failed; nobody asks.
    #[cfg_attr(not(test), expect(dead_code, reason = "the other reading of the reference, chosen by ON_EVENT"))]
    Fail,
}

/// The reading that this monitor follows.
pub(crate) const ON_EVENT: OnEvent = OnEvent::AskIsAlive;

/// Where the resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Open has not succeeded yet.
    NotOpen,
    Offline,
    /// Online was called and has not returned.
    OnlineCalled,
    OnlinePending,
    Online,
    /// Offline was called and has not returned.
    OfflineCalled,
    OfflinePending,
    /// Terminate is to be called, or has not returned.
    Terminating,
    /// Failed, and terminated.
    Failed,
    /// Close was called; nothing of the library is believed any more.
    Closed,
}

/// What the instance has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tell the Cluster service.
    Tell { generation: u64, status: Status },
    /// Call Terminate on another thread at once; then [`InstanceState::terminate_returned`].
    Terminate,
    /// Call IsAlive on the worker thread; then [`InstanceState::is_alive_answered`].
    AskIsAlive,
    /// A line for the cluster log.
    Note { level: LogLevel, text: String },
}

/// Names one call of Online or Offline, so that its result can be told from that of a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt(u64);

/// The state of one instance.
#[derive(Debug)]
pub(crate) struct InstanceState {
    phase: Phase,
    /// Of the request that the phase belongs to.
    generation: u64,
    attempt: Attempt,
    pending_timeout_ms: u32,
    on_event: OnEvent,
    /// The last checkpoint of the present attempt.
    checkpoint: u32,
    /// When the present attempt began or was last heard of.
    last_progress: u64,
    /// A final report that came before its call returned.
    early: Option<Report>,
    /// A report without news was noted in this attempt already.
    is_stale_noted: bool,
    /// The event handle was signalled and IsAlive has not answered yet.
    is_event_signalled: bool,
    /// What is told when Terminate returns.
    outcome: Vec<(u64, Status)>,
}

impl InstanceState {
    /// An instance on which Open is about to be called.
    pub(crate) fn new(generation: u64, pending_timeout_ms: u32) -> Self {
        Self {
            phase: Phase::NotOpen,
            generation,
            attempt: Attempt(0),
            pending_timeout_ms,
            on_event: ON_EVENT,
            checkpoint: 0,
            last_progress: 0,
            early: None,
            is_stale_noted: false,
            is_event_signalled: false,
            outcome: Vec::new(),
        }
    }

    /// The request that the phase belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Where it stands.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// A new PendingTimeout; counts from the last progress.
    pub(crate) fn configure(&mut self, pending_timeout_ms: u32) {
        self.pending_timeout_ms = pending_timeout_ms;
    }

    /// Open succeeded.
    pub(crate) fn opened(&mut self) -> Vec<Step> {
        assert_eq!(self.phase, Phase::NotOpen, "an instance is opened once");
        self.phase = Phase::Offline;
        vec![self.tell(Status::Opened)]
    }

    /// Online is wanted. `Ok`: call it now. `Err`: it need not, or cannot, be called; do these steps.
    pub(crate) fn begin_online(&mut self, now: u64, generation: u64) -> Result<Attempt, Vec<Step>> {
        match self.phase {
            Phase::Offline | Phase::Failed => {
                self.generation = generation;
                Ok(self.begin(now, Phase::OnlineCalled))
            }
            Phase::Online => {
                self.generation = generation;
                Err(vec![self.tell(Status::Online)])
            }
            Phase::OnlinePending => {
                self.generation = generation;
                Err(vec![self.tell(Status::OnlinePending { checkpoint: self.checkpoint })])
            }
            Phase::NotOpen | Phase::Closed => Err(vec![not_open(generation)]),
            Phase::OnlineCalled | Phase::OfflineCalled | Phase::OfflinePending | Phase::Terminating => {
                unreachable!("Online waits while another call is under way, see can_begin")
            }
        }
    }

    /// Offline is wanted. As [`InstanceState::begin_online`].
    pub(crate) fn begin_offline(&mut self, now: u64, generation: u64) -> Result<Attempt, Vec<Step>> {
        match self.phase {
            Phase::Online | Phase::OnlinePending => {
                self.generation = generation;
                Ok(self.begin(now, Phase::OfflineCalled))
            }
            Phase::Offline | Phase::Failed => {
                // Failed means terminated already: there is nothing to stop.
                self.generation = generation;
                self.phase = Phase::Offline;
                Err(vec![self.tell(Status::Offline)])
            }
            Phase::OfflinePending => {
                self.generation = generation;
                Err(vec![self.tell(Status::OfflinePending { checkpoint: self.checkpoint })])
            }
            Phase::NotOpen | Phase::Closed => Err(vec![not_open(generation)]),
            Phase::OnlineCalled | Phase::OfflineCalled | Phase::Terminating => {
                unreachable!("Offline waits while another call is under way, see can_begin")
            }
        }
    }

    /// Whether Online can be begun, or answered, now.
    pub(crate) fn can_begin_online(&self) -> bool {
        self.can_begin_offline() && self.phase != Phase::OfflinePending
    }

    /// Whether Offline can be begun, or answered, now.
    pub(crate) fn can_begin_offline(&self) -> bool {
        !matches!(self.phase, Phase::OnlineCalled | Phase::OfflineCalled | Phase::Terminating)
    }

    /// Online or Offline returned `code`.
    pub(crate) fn returned(&mut self, now: u64, attempt: Attempt, code: u32) -> Vec<Step> {
        let (call, done, pending) = match self.phase {
            Phase::OnlineCalled => ("Online", Phase::Online, Phase::OnlinePending),
            Phase::OfflineCalled => ("Offline", Phase::Offline, Phase::OfflinePending),
            Phase::NotOpen
            | Phase::Offline
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflinePending
            | Phase::Terminating
            | Phase::Failed
            | Phase::Closed => return overtaken(code),
        };
        if attempt != self.attempt {
            return overtaken(code);
        }
        let early = self.early.take();
        let mut steps = Vec::new();
        match code {
            ERROR_SUCCESS => steps.append(&mut self.settle(done)),
            ERROR_IO_PENDING => {
                self.phase = pending;
                self.last_progress = now;
                steps.push(self.tell_pending());
            }
            ERROR_EXCEPTION_IN_RESOURCE_CALL => {
                let text = format!("{call} raised an exception; the cluster log has what the library said");
                return self.fail(Cause::Exception { call: call.into(), text });
            }
            code => {
                let message = format!("{call} answered {}", named(code));
                return self.fail(Cause::CallFailed { call: call.into(), code, message });
            }
        }
        if let Some(report) = early {
            steps.append(&mut self.status_reported(now, report).1);
        }
        steps
    }

    /// The library called SetResourceStatus.
    pub(crate) fn status_reported(&mut self, now: u64, report: Report) -> (Exit, Vec<Step>) {
        match self.phase {
            Phase::OnlineCalled | Phase::OfflineCalled => self.reported_during_call(now, report),
            Phase::OnlinePending => self.reported_while_pending(now, report, "Online"),
            Phase::OfflinePending => self.reported_while_pending(now, report, "Offline"),
            Phase::Online => self.reported_while_online(report),
            Phase::NotOpen | Phase::Offline | Phase::Terminating | Phase::Failed | Phase::Closed => {
                (Exit::Terminate, vec![self.late(report)])
            }
        }
    }

    /// The library called SignalFailure.
    pub(crate) fn failure_signalled(&mut self, code: u32) -> Vec<Step> {
        match self.phase {
            Phase::OnlineCalled
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflineCalled
            | Phase::OfflinePending => self.fail(Cause::Reported { code: or_failed(code) }),
            Phase::NotOpen | Phase::Offline | Phase::Terminating | Phase::Failed | Phase::Closed => {
                vec![note(LogLevel::Warning, "SignalFailure came for a resource that is not running; dropped".into())]
            }
        }
    }

    /// The event handle was signalled.
    pub(crate) fn event_signalled(&mut self) -> Vec<Step> {
        match self.phase {
            Phase::Online => {}
            Phase::OnlineCalled | Phase::OnlinePending => {
                // It counts once the resource is online.
                self.is_event_signalled = true;
                return Vec::new();
            }
            Phase::NotOpen
            | Phase::Offline
            | Phase::OfflineCalled
            | Phase::OfflinePending
            | Phase::Terminating
            | Phase::Failed
            | Phase::Closed => return Vec::new(),
        }
        match self.on_event {
            OnEvent::AskIsAlive => {
                self.is_event_signalled = true;
                vec![Step::AskIsAlive]
            }
            OnEvent::Fail => self.fail(Cause::EventSignalled),
        }
    }

    /// LooksAlive answered.
    pub(crate) fn looks_alive_answered(&mut self, alive: bool) -> Vec<Step> {
        if self.phase != Phase::Online || alive {
            return Vec::new();
        }
        vec![Step::AskIsAlive]
    }

    /// IsAlive answered.
    pub(crate) fn is_alive_answered(&mut self, alive: bool) -> Vec<Step> {
        if self.phase != Phase::Online {
            return Vec::new();
        }
        let was_signalled = std::mem::take(&mut self.is_event_signalled);
        match (alive, was_signalled) {
            (true, false) => Vec::new(),
            (true, true) => {
                let text = "the event handle was signalled, but IsAlive says that the resource works; it stays online";
                vec![note(LogLevel::Warning, text.into())]
            }
            (false, true) => self.fail(Cause::EventSignalled),
            (false, false) => self.fail(Cause::IsAlive),
        }
    }

    /// The service asked for Terminate.
    pub(crate) fn terminate_requested(&mut self, generation: u64) -> Vec<Step> {
        match self.phase {
            Phase::NotOpen | Phase::Closed => vec![Step::Tell { generation, status: Status::Terminated }],
            Phase::Terminating => {
                self.outcome.push((generation, Status::Terminated));
                Vec::new()
            }
            Phase::Offline
            | Phase::OnlineCalled
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflineCalled
            | Phase::OfflinePending
            | Phase::Failed => {
                self.generation = generation;
                self.terminate(Status::Terminated)
            }
        }
    }

    /// Terminate is wanted because of what the instance holds, not of what it runs: nothing is told when it has returned.
    pub(crate) fn stop_silently(&mut self) -> Vec<Step> {
        match self.phase {
            Phase::Offline | Phase::Failed => self.terminate_silently(),
            // What runs is stopped by its lease; the others are stopped, or not there.
            Phase::NotOpen
            | Phase::OnlineCalled
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflineCalled
            | Phase::OfflinePending
            | Phase::Terminating
            | Phase::Closed => Vec::new(),
        }
    }

    /// Terminate was decided upon here, because the resource failed; the service did not ask for it.
    pub(crate) fn is_failing(&self) -> bool {
        self.phase == Phase::Terminating && matches!(self.outcome.last(), Some((_, Status::Failed(_))))
    }

    /// Terminate returned.
    pub(crate) fn terminate_returned(&mut self) -> Vec<Step> {
        assert_eq!(self.phase, Phase::Terminating, "nothing leaves Terminating but this");
        let outcome = std::mem::take(&mut self.outcome);
        let is_failed = matches!(outcome.last(), Some((_, Status::Failed(_))));
        self.phase = if is_failed { Phase::Failed } else { Phase::Offline };
        outcome.into_iter().map(|(generation, status)| Step::Tell { generation, status }).collect()
    }

    /// The lease of the monitor ran out: whatever is not stopped must stop.
    pub(crate) fn lease_lost(&mut self) -> Vec<Step> {
        if self.is_active() { self.fail(Cause::LeaseLost) } else { Vec::new() }
    }

    /// The instance is about to be closed while it is active: it has to be terminated, and nobody is told.
    pub(crate) fn stop_for_close(&mut self) -> Vec<Step> {
        assert!(self.is_active(), "whoever is stopped needs no stop");
        self.terminate_silently()
    }

    /// Close is about to be called, on an instance that is stopped.
    pub(crate) fn begin_close(&mut self, generation: u64) {
        assert!(
            !self.is_active() && self.phase != Phase::Terminating,
            "an active resource is terminated before it is closed"
        );
        self.phase = Phase::Closed;
        self.generation = generation;
    }

    /// Neither stopped nor being stopped by Terminate.
    pub(crate) fn is_active(&self) -> bool {
        match self.phase {
            Phase::OnlineCalled
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflineCalled
            | Phase::OfflinePending => true,
            Phase::NotOpen | Phase::Offline | Phase::Terminating | Phase::Failed | Phase::Closed => false,
        }
    }

    /// Looks at the clock: PendingTimeout.
    pub(crate) fn tick(&mut self, now: u64) -> Vec<Step> {
        match self.pending() {
            Some((call, deadline)) if now >= deadline => {
                self.fail(Cause::PendingTimeout { call: call.into(), limit_ms: self.pending_timeout_ms })
            }
            _ => Vec::new(),
        }
    }

    /// When [`InstanceState::tick`] is due.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.pending().map(|(_, deadline)| deadline)
    }

    /// The call that is pending and when its patience ends. A call that has not returned counts as pending from its begin.
    fn pending(&self) -> Option<(&'static str, u64)> {
        let call = match self.phase {
            Phase::OnlineCalled | Phase::OnlinePending => "Online",
            Phase::OfflineCalled | Phase::OfflinePending => "Offline",
            Phase::NotOpen | Phase::Offline | Phase::Online | Phase::Terminating | Phase::Failed | Phase::Closed => {
                return None;
            }
        };
        Some((call, self.last_progress.saturating_add(u64::from(self.pending_timeout_ms))))
    }

    fn begin(&mut self, now: u64, phase: Phase) -> Attempt {
        self.phase = phase;
        self.attempt.0 += 1;
        self.checkpoint = 0;
        self.last_progress = now;
        self.early = None;
        self.is_stale_noted = false;
        self.is_event_signalled = false;
        self.attempt
    }

    /// A report while Online or Offline itself has not returned: progress counts, a final state waits for the result.
    fn reported_during_call(&mut self, now: u64, report: Report) -> (Exit, Vec<Step>) {
        let is_own_progress = matches!(
            (self.phase, report.state),
            (Phase::OnlineCalled, Reported::OnlinePending) | (Phase::OfflineCalled, Reported::OfflinePending)
        );
        if is_own_progress {
            return (Exit::Continue, self.progress(now, report.checkpoint));
        }
        // Words of the last Online that arrive after Offline was called are late, not early.
        if self.phase == Phase::OfflineCalled && matches!(report.state, Reported::Online | Reported::OnlinePending) {
            return (Exit::Terminate, vec![self.late(report)]);
        }
        self.early = Some(report);
        (Exit::Continue, Vec::new())
    }

    fn reported_while_pending(&mut self, now: u64, report: Report, call: &str) -> (Exit, Vec<Step>) {
        let is_onlining = self.phase == Phase::OnlinePending;
        let failed = match (report.state, is_onlining) {
            (Reported::OnlinePending, true) | (Reported::OfflinePending, false) => {
                return (Exit::Continue, self.progress(now, report.checkpoint));
            }
            (Reported::Online, true) => return (Exit::Continue, self.settle(Phase::Online)),
            (Reported::Offline, false) => return (Exit::Continue, self.settle(Phase::Offline)),
            (Reported::Online | Reported::OnlinePending, false) => return (Exit::Terminate, vec![self.late(report)]),
            // Offline in answer to Online is how some libraries say that a property is missing.
            (Reported::Failed | Reported::Unknown, _) | (Reported::Offline, true) => {
                Cause::Reported { code: or_failed(report.code) }
            }
            (Reported::OfflinePending, true) => {
                let text = "reported OfflinePending while Online is pending".into();
                Cause::Misbehaved { call: call.into(), text }
            }
            (Reported::Nonsense(number), _) => misbehaved(call, number),
        };
        (Exit::Terminate, self.fail(failed))
    }

    fn reported_while_online(&mut self, report: Report) -> (Exit, Vec<Step>) {
        match report.state {
            Reported::Failed | Reported::Offline | Reported::Unknown => {
                (Exit::Terminate, self.fail(Cause::Reported { code: or_failed(report.code) }))
            }
            Reported::Online | Reported::OnlinePending | Reported::OfflinePending => {
                (Exit::Continue, vec![self.late(report)])
            }
            Reported::Nonsense(number) => (Exit::Terminate, self.fail(misbehaved("SetResourceStatus", number))),
        }
    }

    /// A pending report is news only when its checkpoint grew (reference 1.4).
    fn progress(&mut self, now: u64, checkpoint: u32) -> Vec<Step> {
        if checkpoint > self.checkpoint {
            self.checkpoint = checkpoint;
            self.last_progress = now;
            return vec![self.tell_pending()];
        }
        if std::mem::replace(&mut self.is_stale_noted, true) {
            return Vec::new();
        }
        let text = format!(
            "reported CheckPoint {checkpoint} after {}: a pending report counts as progress only when CheckPoint grows; increase it with each report",
            self.checkpoint
        );
        vec![note(LogLevel::Warning, text)]
    }

    /// Online or Offline has come to its good end.
    fn settle(&mut self, phase: Phase) -> Vec<Step> {
        self.phase = phase;
        if phase != Phase::Online {
            return vec![self.tell(Status::Offline)];
        }
        let mut steps = vec![self.tell(Status::Online)];
        if std::mem::take(&mut self.is_event_signalled) {
            steps.append(&mut self.event_signalled());
        }
        steps
    }

    fn fail(&mut self, cause: Cause) -> Vec<Step> {
        self.terminate(Status::Failed(cause))
    }

    fn terminate(&mut self, outcome: Status) -> Vec<Step> {
        let steps = self.terminate_silently();
        self.outcome.push((self.generation, outcome));
        steps
    }

    fn terminate_silently(&mut self) -> Vec<Step> {
        self.phase = Phase::Terminating;
        self.attempt.0 += 1;
        self.early = None;
        self.is_event_signalled = false;
        vec![Step::Terminate]
    }

    fn late(&self, report: Report) -> Step {
        let text = format!(
            "the status report {:?} (CheckPoint {}) does not fit the phase {:?} and is dropped",
            report.state, report.checkpoint, self.phase
        );
        // Until Terminate has returned a worker may not know of it: what it says meanwhile is nobody's fault.
        let level = if self.phase == Phase::Terminating { LogLevel::Information } else { LogLevel::Warning };
        note(level, text)
    }

    fn tell_pending(&self) -> Step {
        let checkpoint = self.checkpoint;
        match self.phase {
            Phase::OfflineCalled | Phase::OfflinePending => self.tell(Status::OfflinePending { checkpoint }),
            Phase::OnlineCalled | Phase::OnlinePending => self.tell(Status::OnlinePending { checkpoint }),
            Phase::NotOpen | Phase::Offline | Phase::Online | Phase::Terminating | Phase::Failed | Phase::Closed => {
                unreachable!("only a pending phase makes progress")
            }
        }
    }

    fn tell(&self, status: Status) -> Step {
        Step::Tell { generation: self.generation, status }
    }
}

/// A Win32 code with its name, if it has one.
pub(crate) fn named(code: u32) -> String {
    match win32::name(code) {
        Some(name) => format!("{code} ({name})"),
        None => code.to_string(),
    }
}

fn not_open(generation: u64) -> Step {
    Step::Tell { generation, status: Status::Failed(Cause::NotOpen) }
}

fn overtaken(code: u32) -> Vec<Step> {
    vec![note(
        LogLevel::Information,
        format!("the call returned {} after the resource had been terminated", named(code)),
    )]
}

fn misbehaved(call: &str, number: i32) -> Cause {
    Cause::Misbehaved {
        call: call.into(),
        text: format!("reported state {number}, which is no state a resource can report"),
    }
}

fn or_failed(code: u32) -> u32 {
    if code == ERROR_SUCCESS { ERROR_RESOURCE_FAILED } else { code }
}

fn note(level: LogLevel, text: String) -> Step {
    Step::Note { level, text }
}

#[cfg(test)]
mod tests;
