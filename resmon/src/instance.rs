//! One resource in this monitor: its worker thread, its queue, and the calls of its entry points.
//!
//! Entry points of an instance run one at a time on its own worker thread; Terminate runs at once on a thread of its own and
//! may overlap all of them but Open and Close (reference 01.3). What the results mean is decided by
//! [`InstanceState`]; this file carries its [`Step`]s out. The lock of an instance is never held while foreign code runs.
//!
//! The order of Terminate and its victim, in steps: (1) Online runs on the worker; (2) Terminate is asked for, the state says
//! Terminating, and a second thread calls Terminate; (3) whichever returns first, the worker begins nothing new before
//! Terminate has returned; (4) what Online answers after all is dropped by the state machine.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use resapi_sys_mock::codes::win32::{ERROR_BUSY, ERROR_RESMON_INVALID_STATE};

use crate::checkpoints::Kept;
use crate::clock::{lock, now_ms};
use crate::dll::door::{Door, Resid};
use crate::dll::host;
use crate::instance_state::{InstanceState, Phase, Step, named};
use crate::monitor::Monitor;
use crate::poller::{Poll, PollClock};
use crate::protocol::{EntryPoint, FromMonitor, LogLevel, OpenSpec, RequestId, ResourceId, Status, Timing, TypeSpec};
use crate::scheduler::Wake;

mod calls;
mod device;
mod side;

use device::Device;

/// How many control calls of one resource may wait.
pub(crate) const MAX_WAITING_JOBS: usize = 64;

/// What the worker has to do. The number is the generation of the request.
#[derive(Debug)]
pub(crate) enum Job {
    Open(u64),
    Online(u64),
    Offline(u64),
    Close(u64),
    Arbitrate(u64),
    Release(u64),
    CheckDrain(u64),
    Control { request: RequestId, code: u32, input: Vec<u8> },
    Probe { request: RequestId, code: u32, input: Vec<u8>, output_bytes: u32 },
    LooksAlive,
    IsAlive,
}

/// A resource of this monitor.
pub(crate) struct Instance {
    pub(crate) id: ResourceId,
    name: String,
    spec: TypeSpec,
    monitor: Arc<Monitor>,
    me: Weak<Self>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    state: InstanceState,
    timing: Timing,
    /// Only while online.
    polls: Option<PollClock>,
    /// The event handle of the present run, 0 for none.
    event: usize,
    queue: VecDeque<Job>,
    opened: Option<Arc<Opened>>,
    /// The library has locked the resource.
    is_locked: bool,
    /// Registry checkpoints as they were last seen, while online.
    checkpoints: Vec<Kept>,
    device: Device,
    /// Calls of Release and Cancel that run beside the worker; Close waits for them.
    beside: u32,
    /// Closed, or never opened: the worker ends.
    is_gone: bool,
}

/// What exists between Open and Close.
struct Opened {
    door: Arc<Door>,
    resid: Resid,
    handle: isize,
}

impl Instance {
    /// An instance whose first job is Open.
    pub(crate) fn new(id: ResourceId, generation: u64, spec: OpenSpec, monitor: Arc<Monitor>) -> Arc<Self> {
        let inner = Inner {
            state: InstanceState::new(generation, spec.timing.pending_timeout_ms),
            timing: spec.timing,
            polls: None,
            event: 0,
            queue: VecDeque::from([Job::Open(generation)]),
            opened: None,
            is_locked: false,
            checkpoints: Vec::new(),
            device: Device::default(),
            beside: 0,
            is_gone: false,
        };
        Arc::new_cyclic(|me| Self {
            id,
            name: spec.name,
            spec: spec.resource_type,
            monitor,
            me: me.clone(),
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        })
    }

    /// Puts a job into the queue. A newer wish replaces an older one that was not begun.
    pub(crate) fn ask(&self, job: Job) {
        let mut inner = lock(&self.inner);
        if inner.is_gone {
            drop(inner);
            return self.answer_gone(job);
        }
        match job {
            Job::Online(_) | Job::Offline(_) | Job::Close(_) => self.drop_older_wishes(&mut inner),
            Job::Control { request, .. } | Job::Probe { request, .. } if inner.queue.len() >= MAX_WAITING_JOBS => {
                let output = Vec::new();
                return self.monitor.outbox.push(FromMonitor::Controlled { request, code: ERROR_BUSY, output });
            }
            Job::Control { .. }
            | Job::Probe { .. }
            | Job::Arbitrate(_)
            | Job::CheckDrain(_)
            | Job::Open(_)
            | Job::LooksAlive
            | Job::IsAlive => {}
            Job::Release(generation) => {
                if self.release_at_once(&mut inner, generation) {
                    return;
                }
            }
        }
        inner.queue.push_back(job);
        self.changed.notify_all();
    }

    /// Terminate, at once.
    pub(crate) fn terminate(&self, generation: u64) {
        let mut inner = lock(&self.inner);
        self.drop_older_wishes(&mut inner);
        self.break_off(&mut inner);
        let steps = inner.state.terminate_requested(generation);
        self.carry_out(&mut inner, steps);
    }

    /// Cancel: breaks off the Online or Offline of this generation, beside the worker that may be inside it. What the library
    /// makes of it is its own affair: the call, or its last status report, says how it ended.
    pub(crate) fn cancel(&self, generation: u64) {
        let mut inner = lock(&self.inner);
        let is_pending = match inner.state.phase() {
            Phase::OnlineCalled | Phase::OnlinePending | Phase::OfflineCalled | Phase::OfflinePending => {
                inner.state.generation() == generation
            }
            Phase::NotOpen | Phase::Offline | Phase::Online | Phase::Terminating | Phase::Failed | Phase::Closed => {
                false
            }
        };
        let (Some(me), Some(opened)) = (self.me.upgrade(), inner.opened.clone().filter(|_| is_pending)) else { return };
        inner.beside += 1;
        drop(inner);
        self.monitor.spawn("cancel", move || {
            match me.timed("Cancel", || opened.door.cancel(&opened.resid)) {
                Some(0) => {}
                Some(code) => me.note(LogLevel::Warning, &format!("Cancel answered {}", named(code))),
                None => me.note(LogLevel::Information, "has no Cancel; what is under way runs to its end"),
            }
            me.beside_returned(&mut lock(&me.inner));
        });
    }

    /// New intervals and limits. They hold from the next poll, report and call on.
    pub(crate) fn configure(&self, timing: Timing) {
        let mut inner = lock(&self.inner);
        inner.timing = timing;
        inner.state.configure(timing.pending_timeout_ms);
        if let Some(polls) = &mut inner.polls {
            polls.configure(timing);
        }
        self.settle(&mut inner);
    }

    /// The lease of the monitor ran out.
    pub(crate) fn lease_lost(&self) {
        let mut inner = lock(&self.inner);
        let steps = inner.state.lease_lost();
        self.carry_out(&mut inner, steps);
    }

    /// Something outside has changed (the lease): jobs that waited for it may go on.
    pub(crate) fn look_again(&self) {
        let _inner = lock(&self.inner);
        self.changed.notify_all();
    }

    /// The scheduler woke this instance.
    pub(crate) fn tick(&self) {
        let now = now_ms();
        let mut inner = lock(&self.inner);
        let steps = inner.state.tick(now);
        self.carry_out(&mut inner, steps);
        let due = inner.polls.as_mut().and_then(|polls| polls.take_due(now));
        match due {
            Some(Poll::LooksAlive) => inner.queue.push_back(Job::LooksAlive),
            Some(Poll::IsAlive) => inner.queue.push_back(Job::IsAlive),
            None => {}
        }
        self.settle(&mut inner);
    }

    /// The end of the monitor, first part: whatever runs goes offline in its own way.
    pub(crate) fn stop_gracefully(&self) {
        let (is_active, generation) = {
            let inner = lock(&self.inner);
            (inner.state.is_active(), inner.state.generation())
        };
        if is_active {
            self.ask(Job::Offline(generation));
        } else {
            self.give_up_device("the monitor ends");
        }
    }

    /// The end of the monitor, second part: whatever still runs is terminated.
    pub(crate) fn stop_now(&self) {
        let mut inner = lock(&self.inner);
        if inner.state.is_active() {
            let generation = inner.state.generation();
            let steps = inner.state.terminate_requested(generation);
            self.carry_out(&mut inner, steps);
        }
    }

    /// The end of the monitor, third part.
    pub(crate) fn close(&self) {
        let generation = lock(&self.inner).state.generation();
        self.ask(Job::Close(generation));
    }

    /// Neither running nor being stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        let inner = lock(&self.inner);
        inner.is_gone || (!inner.state.is_active() && inner.state.phase() != Phase::Terminating)
    }

    /// The worker thread: takes one job after the other until the instance is closed.
    pub(crate) fn work(&self) {
        loop {
            let mut inner = lock(&self.inner);
            let job = loop {
                if inner.is_gone {
                    return self.answer_rest(inner);
                }
                if let Some(job) = self.take_job(&mut inner) {
                    break job;
                }
                inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
            };
            drop(inner);
            self.run(job);
        }
    }

    /// The first job that may begin now. Nothing overtakes Open and Close; while Terminate runs nothing begins.
    fn take_job(&self, inner: &mut Inner) -> Option<Job> {
        if inner.state.phase() == Phase::Terminating {
            return None;
        }
        for (place, job) in inner.queue.iter().enumerate() {
            let may_begin = match job {
                Job::Close(_) if inner.beside > 0 => return None,
                Job::Open(_) | Job::Close(_) => {
                    return if place == 0 { inner.queue.pop_front() } else { None };
                }
                Job::Online(_) => {
                    inner.state.can_begin_online() && (self.monitor.has_lease() || !is_stopped(inner.state.phase()))
                }
                Job::Offline(_) => inner.state.can_begin_offline(),
                Job::Arbitrate(_)
                | Job::Release(_)
                | Job::CheckDrain(_)
                | Job::Control { .. }
                | Job::Probe { .. }
                | Job::LooksAlive
                | Job::IsAlive => true,
            };
            if may_begin {
                if matches!(job, Job::Arbitrate(_)) {
                    // From here on Release and Terminate know that there is something to break off.
                    inner.device = Device::Arbitrating { is_broken_off: false };
                }
                return inner.queue.remove(place);
            }
        }
        None
    }

    /// Carries out what the state machine decided, in order, and wakes whoever waits for a change.
    fn carry_out(&self, inner: &mut Inner, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Tell { generation, status } => self.tell(generation, status),
                Step::Terminate => self.start_terminate(inner),
                Step::AskIsAlive => {
                    if !inner.queue.iter().any(|job| matches!(job, Job::IsAlive)) {
                        inner.queue.push_front(Job::IsAlive);
                    }
                }
                Step::Note { level, text } => self.note(level, &text),
            }
        }
        self.settle(inner);
    }

    /// Brings polls and deadlines into line with the state.
    fn settle(&self, inner: &mut Inner) {
        if inner.state.phase() != Phase::Online {
            inner.polls = None;
            inner.queue.retain(|job| !matches!(job, Job::LooksAlive | Job::IsAlive));
        } else if inner.polls.is_none() {
            inner.polls = Some(PollClock::start(now_ms(), inner.timing, inner.event != 0));
        }
        let poll = inner.polls.as_ref().and_then(PollClock::next_deadline);
        let next = [inner.state.next_deadline(), poll].into_iter().flatten().min();
        self.monitor.scheduler.set(Wake::Resource(self.id), next);
        self.changed.notify_all();
        self.monitor.instance_changed();
    }

    /// Terminate on a thread of its own, so that no other call holds it up.
    fn start_terminate(&self, inner: &mut Inner) {
        let loses_device = self.loses_device(inner);
        let (Some(me), Some(opened)) = (self.me.upgrade(), inner.opened.clone()) else { return };
        self.monitor.spawn("terminate", move || {
            if loses_device {
                me.release_by_itself(&opened);
            }
            me.timed("Terminate", || opened.door.terminate(&opened.resid));
            let mut inner = lock(&me.inner);
            let steps = inner.state.terminate_returned();
            me.carry_out(&mut inner, steps);
        });
    }

    fn drop_older_wishes(&self, inner: &mut Inner) {
        let before = inner.queue.len();
        inner.queue.retain(|job| !matches!(job, Job::Online(_) | Job::Offline(_)));
        if inner.queue.len() < before {
            self.note(
                LogLevel::Information,
                "a call that had not begun was overtaken by a newer request and is dropped",
            );
        }
    }

    /// The instance is gone: whoever still waits for an answer gets one.
    fn answer_rest(&self, mut inner: MutexGuard<'_, Inner>) {
        let rest = std::mem::take(&mut inner.queue);
        drop(inner);
        rest.into_iter().for_each(|job| self.answer_gone(job));
    }

    fn answer_gone(&self, job: Job) {
        match job {
            Job::LooksAlive | Job::IsAlive | Job::Open(_) => {}
            Job::Online(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::Online),
            Job::Offline(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::Offline),
            Job::Close(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::Close),
            Job::Arbitrate(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::Arbitrate),
            Job::Release(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::Release),
            Job::CheckDrain(generation) => self.monitor.answer_unknown(self.id, generation, &EntryPoint::CheckDrain),
            Job::Control { request, .. } | Job::Probe { request, .. } => {
                let (code, output) = (ERROR_RESMON_INVALID_STATE, Vec::new());
                self.monitor.outbox.push(FromMonitor::Controlled { request, code, output });
            }
        }
    }

    fn tell(&self, generation: u64, status: Status) {
        self.monitor.outbox.push(FromMonitor::Status { resource: self.id, generation, status });
    }

    fn note(&self, level: LogLevel, text: &str) {
        self.monitor.outbox.note(level, Some(self.id), &format!("{}: {text}", self.blamed()));
    }

    /// The resource and its library, for messages.
    fn blamed(&self) -> String {
        format!("{} of {}", self.name, self.spec.dll_name)
    }
}

impl Inner {
    /// Before a new run the event of the last one means nothing.
    fn drop_event(&mut self) {
        if self.event != 0 {
            host::unwatch_event(self.event);
            self.event = 0;
        }
    }
}

fn is_stopped(phase: Phase) -> bool {
    matches!(phase, Phase::Offline | Phase::Failed)
}
