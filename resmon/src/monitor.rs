//! The monitor: what all its threads share, and what becomes of each message of the Cluster service.
//!
//! Threads: the main thread reads messages, one writes them, one schedules, each resource has a worker, Terminate and calls
//! on behalf of a type get a thread for as long as they take. All have small stacks ([`STACK_BYTES`]).
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::control::{CLUSCTL_RESOURCE_TYPE_STARTING_PHASE1, CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2};
use resapi_sys_mock::codes::win32::{
    ERROR_BUSY, ERROR_INVALID_FUNCTION, ERROR_NOT_ENOUGH_MEMORY, ERROR_RESMON_INVALID_STATE,
    ERROR_RESOURCE_NOT_AVAILABLE,
};

use crate::call_guard;
use crate::call_record::CallRecord;
use crate::clock::{lock, now_ms};
use crate::controls::{self, Target};
use crate::dll::door::{Door, Probed};
use crate::dll::handles::MAX_RESOURCES;
use crate::dll::provider::{LoadError, Providers};
use crate::dll::{self, MonitorSide};
use crate::instance::{Instance, Job};
use crate::lease::Lease;
use crate::local_registry::LocalRegistry;
use crate::outbox::Outbox;
use crate::protocol::{
    Cause, EntryPoint, Finding, FromMonitor, LEASE_PING_MS, LogLevel, OpenSpec, Refusal, RegistryAnswer, RegistryCall,
    RequestId, ResourceId, Status, ToMonitor, TypeSpec,
};
use crate::registry_link::RegistryLink;
use crate::scheduler::{Scheduler, Wake};
use crate::watchdog::{CallTable, SLOW_CALL_MS, TYPE_DEADLOCK_TIMEOUT_MS, Watched};

/// The stack of each thread, in bytes. Only what is used of it costs memory; libraries make threads of their own for work
/// that needs more.
pub(crate) const STACK_BYTES: usize = 512 * 1024;

/// How many calls on behalf of types may wait.
const MAX_WAITING_TYPE_CALLS: usize = 64;

/// How long the last words may take when the monitor ends because of its own fault.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(300);

/// How long Terminate, and then Close, of all resources may take when the monitor ends.
const END_LIMIT: Duration = Duration::from_millis(2_000);

/// How long the ending monitor waits between two looks, in case a change was not announced.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What all threads share.
pub(crate) struct Monitor {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) registry: RegistryLink,
    pub(crate) scheduler: Scheduler,
    pub(crate) providers: Providers,
    pub(crate) record: CallRecord,
    /// The registry of this node, once the service has said where it is.
    pub(crate) local: OnceLock<LocalRegistry>,
    lease: Mutex<Lease>,
    /// When the monitor began to ask for a lease.
    started_ms: u64,
    calls: Mutex<CallTable>,
    instances: Mutex<BTreeMap<ResourceId, Arc<Instance>>>,
    type_calls: Mutex<TypeCalls>,
    /// Announces that some instance changed, to a monitor that is ending.
    changed: (Mutex<u64>, Condvar),
    /// The connection, to wake its reader when the monitor ends by itself.
    socket: TcpStream,
    has_fault: AtomicBool,
    is_ending: AtomicBool,
    has_ended: AtomicBool,
}

#[derive(Default)]
struct TypeCalls {
    waiting: VecDeque<TypeCall>,
    is_served: bool,
}

struct TypeCall {
    request: RequestId,
    spec: TypeSpec,
    code: u32,
    input: Vec<u8>,
    /// Only the library is asked, with a buffer of so many bytes.
    probe_bytes: Option<u32>,
}

/// What the reader does after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Read on.
    ReadOn,
    /// Take everything offline within this time, on another thread: libraries may need answers of the service meanwhile.
    End { grace_ms: u64 },
}

/// The id of a resource as text (reference 06.2).
pub(crate) fn guid_of(id: ResourceId) -> String {
    let text = format!("{:032x}", id.0);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// The key of a resource below the root of the cluster registry.
pub(crate) fn key_of(id: ResourceId) -> String {
    format!("Resources\\{}", guid_of(id))
}

impl Monitor {
    pub(crate) fn new(socket: TcpStream, providers: Providers) -> Arc<Self> {
        let outbox = Arc::new(Outbox::default());
        Arc::new(Self {
            registry: RegistryLink::new(Arc::clone(&outbox)),
            outbox,
            scheduler: Scheduler::default(),
            providers,
            record: CallRecord::default(),
            local: OnceLock::new(),
            lease: Mutex::default(),
            started_ms: now_ms(),
            calls: Mutex::default(),
            instances: Mutex::default(),
            type_calls: Mutex::default(),
            changed: (Mutex::new(0), Condvar::new()),
            socket,
            has_fault: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        })
    }

    /// Does what the service says. Returns at once, whatever it is.
    pub(crate) fn hear(self: &Arc<Self>, message: ToMonitor) -> Next {
        match message {
            ToMonitor::Welcome { .. } => {
                self.outbox.note(LogLevel::Warning, None, "a second Welcome came and is ignored")
            }
            ToMonitor::Call { resource, generation, entry } => self.call(resource, generation, entry),
            ToMonitor::Control { request, resource, code, input } => match self.instance(resource) {
                Some(instance) => instance.ask(Job::Control { request, code, input }),
                None => self.answer_control(request, ERROR_RESMON_INVALID_STATE),
            },
            ToMonitor::TypeControl { request, resource_type, code, input } => {
                self.ask_type(TypeCall { request, spec: resource_type, code, input, probe_bytes: None });
            }
            ToMonitor::ProbeType { request, resource_type, code, input, output_bytes } => {
                self.ask_type(TypeCall { request, spec: resource_type, code, input, probe_bytes: Some(output_bytes) });
            }
            ToMonitor::Probe { request, resource, code, input, output_bytes } => match self.instance(resource) {
                Some(instance) => instance.ask(Job::Probe { request, code, input, output_bytes }),
                None => self.answer_control(request, ERROR_RESMON_INVALID_STATE),
            },
            ToMonitor::Inspect { request, dll_name, candidates } => self.inspect(request, dll_name, candidates),
            ToMonitor::Configure { resource, timing } => match self.instance(resource) {
                Some(instance) => instance.configure(timing),
                None => self.outbox.note(
                    LogLevel::Warning,
                    Some(resource),
                    "new intervals came for a resource that is not open here; ignored",
                ),
            },
            ToMonitor::Lease { stamp, remaining_ms } => self.hear_lease(stamp, remaining_ms),
            ToMonitor::RegistryAnswer { request, answer } => {
                if !self.registry.answer(request, answer) {
                    self.outbox.note(LogLevel::Warning, None, "an answer of the registry came too late and is dropped");
                }
            }
            ToMonitor::Shutdown { grace_ms } => return Next::End { grace_ms },
        }
        Next::ReadOn
    }

    fn call(self: &Arc<Self>, resource: ResourceId, generation: u64, entry: EntryPoint) {
        if let EntryPoint::Open(spec) = entry {
            return self.open(resource, generation, spec);
        }
        let Some(instance) = self.instance(resource) else { return self.answer_unknown(resource, generation, &entry) };
        match entry {
            EntryPoint::Online => instance.ask(Job::Online(generation)),
            EntryPoint::Offline => instance.ask(Job::Offline(generation)),
            EntryPoint::Terminate => instance.terminate(generation),
            EntryPoint::Close => instance.ask(Job::Close(generation)),
            EntryPoint::Arbitrate => instance.ask(Job::Arbitrate(generation)),
            EntryPoint::Release => instance.ask(Job::Release(generation)),
            EntryPoint::Cancel => instance.cancel(generation),
            EntryPoint::CheckDrain => instance.ask(Job::CheckDrain(generation)),
            EntryPoint::Open(_) => unreachable!("handled above"),
        }
    }

    fn open(self: &Arc<Self>, resource: ResourceId, generation: u64, spec: OpenSpec) {
        let failed = |message: String| {
            let status = Status::OpenFailed { code: ERROR_NOT_ENOUGH_MEMORY, message };
            self.outbox.push(FromMonitor::Status { resource, generation, status });
        };
        if self.is_ending.load(Ordering::SeqCst) {
            return failed("this monitor is ending; ask its successor".into());
        }
        let mut instances = lock(&self.instances);
        if let Some(instance) = instances.get(&resource) {
            instance.configure(spec.timing);
            return instance.ask(Job::Open(generation));
        }
        if instances.len() >= MAX_RESOURCES {
            return failed(format!("this monitor has {MAX_RESOURCES} resources already; start another one"));
        }
        let instance = Instance::new(resource, generation, spec, Arc::clone(self));
        instances.insert(resource, Arc::clone(&instance));
        drop(instances);
        self.spawn("resource", move || instance.work());
    }

    /// What a resource that is not open here answers.
    pub(crate) fn answer_unknown(&self, resource: ResourceId, generation: u64, entry: &EntryPoint) {
        let code = ERROR_RESOURCE_NOT_AVAILABLE;
        let status = match entry {
            EntryPoint::Open(_) | EntryPoint::Online | EntryPoint::Offline => Status::Failed(Cause::NotOpen),
            EntryPoint::Terminate => Status::Terminated,
            EntryPoint::Close => Status::Closed,
            EntryPoint::Arbitrate => Status::Arbitrated { code },
            EntryPoint::Release => Status::Released { code },
            // What is not open has nothing to break off.
            EntryPoint::Cancel => return,
            EntryPoint::CheckDrain => Status::DrainAnswered { code: ERROR_INVALID_FUNCTION },
        };
        self.outbox.push(FromMonitor::Status { resource, generation, status });
    }

    fn answer_control(&self, request: RequestId, code: u32) {
        self.outbox.push(FromMonitor::Controlled { request, code, output: Vec::new() });
    }

    /// Calls on behalf of types are served one at a time, by a thread that exists while there are any.
    fn ask_type(self: &Arc<Self>, call: TypeCall) {
        let mut calls = lock(&self.type_calls);
        if calls.waiting.len() >= MAX_WAITING_TYPE_CALLS {
            return self.answer_control(call.request, ERROR_BUSY);
        }
        calls.waiting.push_back(call);
        if std::mem::replace(&mut calls.is_served, true) {
            return;
        }
        drop(calls);
        let monitor = Arc::clone(self);
        self.spawn("types", move || {
            while let Some(call) = monitor.next_type_call() {
                let answer = monitor.type_control(&call);
                monitor.outbox.push(answer);
            }
        });
    }

    /// Looks at a library, on a thread of its own: its code runs.
    fn inspect(self: &Arc<Self>, request: RequestId, dll_name: String, candidates: Vec<String>) {
        let monitor = Arc::clone(self);
        self.spawn("inspect", move || {
            let watched = Watched {
                resource: None,
                resource_type: String::new(),
                dll_name: dll_name.clone(),
                call: "Startup",
                limit_ms: TYPE_DEADLOCK_TIMEOUT_MS,
            };
            let found = monitor.timed(watched, || monitor.providers.inspect(&dll_name, &candidates));
            let found = found.map_err(|error| Refusal { code: error.code, message: error.message });
            monitor.outbox.push(FromMonitor::Inspected { request, found });
        });
    }

    fn next_type_call(&self) -> Option<TypeCall> {
        let mut calls = lock(&self.type_calls);
        let call = calls.waiting.pop_front();
        calls.is_served = call.is_some();
        call
    }

    fn type_control(&self, call: &TypeCall) -> FromMonitor {
        let request = call.request;
        let controlled = |(code, output)| FromMonitor::Controlled { request, code, output };
        let watched = |name| Watched {
            resource: None,
            resource_type: call.spec.name.clone(),
            dll_name: call.spec.dll_name.clone(),
            call: name,
            limit_ms: TYPE_DEADLOCK_TIMEOUT_MS,
        };
        let door = match self.door(&call.spec, &watched) {
            Ok(door) => door,
            Err(error) => {
                self.outbox.note(LogLevel::Error, None, &error.message);
                return controlled((error.code, Vec::new()));
            }
        };
        if let Some(bytes) = call.probe_bytes {
            let probe = || door.probe_type(call.code, &call.input, bytes as usize);
            let Probed { code, returned, has_overrun, output } = self.timed(watched("ResourceTypeControl"), probe);
            return FromMonitor::Probed { request, code, returned, has_overrun, output };
        }
        let (code, output) = self.timed(watched("ResourceTypeControl"), || door.type_control(call.code, &call.input));
        if code != ERROR_INVALID_FUNCTION {
            return controlled((code, output));
        }
        let key = format!("ResourceTypes\\{}", call.spec.name);
        let target = Target { key, is_quorum_capable: door.is_quorum_capable() };
        controlled(controls::default_processing(&target, call.code, &call.input, &|question| {
            self.registry.call(question)
        }))
    }

    /// The door of a type. A type that has just been started hears of both phases of the start (reference 01.1, 01.8): here the
    /// cluster is formed already when a library is loaded, so one follows the other.
    pub(crate) fn door(
        &self,
        spec: &TypeSpec,
        watched: &dyn Fn(&'static str) -> Watched,
    ) -> Result<Arc<Door>, LoadError> {
        let door = self.timed(watched("Startup"), || self.providers.door(spec))?;
        door.once_started(|| {
            for code in [CLUSCTL_RESOURCE_TYPE_STARTING_PHASE1, CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2] {
                // Nobody is interested in the answer.
                let _ = self.timed(watched("ResourceTypeControl"), || door.type_control(code, &[]));
            }
        });
        Ok(door)
    }

    /// Runs one call into a library: past its limit the service is told, and a slow return is told too.
    pub(crate) fn timed<R>(&self, watched: Watched, enter: impl FnOnce() -> R) -> R {
        let (resource, call) = (watched.resource, watched.call);
        let here = Arc::new(watched.clone());
        let slot = self.record.begin(&here);
        let id = lock(&self.calls).begin(now_ms(), watched);
        self.arm_watchdog();
        let result = call_guard::inside(&here, enter);
        dll::look_after(call);
        let took_ms = lock(&self.calls).end(now_ms(), id);
        self.record.end(slot);
        self.arm_watchdog();
        // A slow Terminate is tolerated (reference 01.3), and Arbitrate has to watch the owner of the device (07.4).
        let may_be_slow = matches!(call, "Terminate" | "Arbitrate");
        if let Some(resource) = resource.filter(|_| took_ms > SLOW_CALL_MS && !may_be_slow) {
            self.outbox.push(FromMonitor::Slow { resource, call: call.into(), took_ms });
        }
        result
    }

    fn arm_watchdog(&self) {
        let calls = lock(&self.calls);
        self.scheduler.set(Wake::Watchdog, calls.next_deadline());
    }

    /// The scheduler thread.
    pub(crate) fn schedule(&self) {
        self.scheduler.set(Wake::LeasePing, Some(now_ms()));
        self.scheduler.set(Wake::Silence, Some(self.silent_from()));
        loop {
            for wake in self.scheduler.wait() {
                match wake {
                    Wake::LeasePing => {
                        let stamp = now_ms();
                        self.outbox.push(FromMonitor::LeasePing { stamp });
                        self.scheduler.set(Wake::LeasePing, Some(stamp + LEASE_PING_MS));
                    }
                    Wake::LeaseEnd => self.look_at_lease(),
                    Wake::Silence => self.look_whether_silent(),
                    Wake::Watchdog => self.tell_overdue(),
                    Wake::Resource(id) => {
                        if let Some(instance) = self.instance(id) {
                            instance.tick();
                        }
                    }
                }
            }
        }
    }

    fn tell_overdue(&self) {
        let overdue = lock(&self.calls).overdue(now_ms());
        for late in overdue {
            let Watched { resource, resource_type, dll_name, call, limit_ms: _ } = late.watched;
            let (call, waited_ms) = (call.to_owned(), late.waited_ms);
            self.outbox.push(FromMonitor::Deadlocked { resource, resource_type, dll_name, call, waited_ms });
        }
        self.arm_watchdog();
    }

    /// Resources may be brought online now.
    pub(crate) fn has_lease(&self) -> bool {
        lock(&self.lease).is_valid(now_ms())
    }

    fn hear_lease(&self, stamp: u64, remaining_ms: u64) {
        self.outbox.confirm();
        let now = now_ms();
        let (was_valid, is_valid) = {
            let mut lease = lock(&self.lease);
            let was_valid = lease.is_valid(now);
            if !lease.granted(now, stamp, remaining_ms) {
                return;
            }
            (was_valid, lease.is_valid(now))
        };
        self.look_at_lease();
        self.scheduler.set(Wake::Silence, Some(self.silent_from()));
        if is_valid && !was_valid {
            self.all().iter().for_each(|instance| instance.look_again());
        }
    }

    fn look_at_lease(&self) {
        let (is_over, next) = {
            let mut lease = lock(&self.lease);
            (lease.expired(now_ms()), lease.next_deadline())
        };
        self.scheduler.set(Wake::LeaseEnd, next);
        if is_over {
            self.outbox.note(
                LogLevel::Error,
                None,
                "the lease of the Cluster service ran out; all resources of this monitor are terminated",
            );
            self.all().iter().for_each(|instance| instance.lease_lost());
        }
    }

    /// The service has not answered for so long that it is frozen or gone. Nobody is left to say that a quorum device is to
    /// be released; and a device does not need a lease to be defended, so the end of the lease alone says nothing.
    pub(crate) fn is_service_silent(&self) -> bool {
        now_ms() >= self.silent_from()
    }

    fn silent_from(&self) -> u64 {
        lock(&self.lease).silent_from(self.started_ms)
    }

    fn look_whether_silent(&self) {
        if self.is_service_silent() {
            let why = "the Cluster service does not answer any more";
            self.all().iter().for_each(|instance| instance.give_up_device(why));
        }
    }

    fn instance(&self, id: ResourceId) -> Option<Arc<Instance>> {
        lock(&self.instances).get(&id).cloned()
    }

    fn all(&self) -> Vec<Arc<Instance>> {
        lock(&self.instances).values().cloned().collect()
    }

    /// The instance is closed: its id may be opened again.
    pub(crate) fn forget(&self, instance: &Instance) {
        let mut instances = lock(&self.instances);
        if instances.get(&instance.id).is_some_and(|known| std::ptr::eq(&raw const **known, instance)) {
            instances.remove(&instance.id);
            self.scheduler.set(Wake::Resource(instance.id), None);
        }
    }

    /// Some instance changed; see [`Monitor::end`].
    pub(crate) fn instance_changed(&self) {
        *lock(&self.changed.0) += 1;
        self.changed.1.notify_all();
    }

    /// Starts a thread. A panic on it is a fault of the monitor itself and ends the process.
    pub(crate) fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        let monitor = Arc::clone(self);
        let body = move || monitor.guard(work);
        if let Err(error) = std::thread::Builder::new().name(name.into()).stack_size(STACK_BYTES).spawn(body) {
            self.fail(&format!("cannot start a thread ({error}); the monitor cannot keep its promises and ends"));
        }
    }

    /// Runs our own code; a panic ends the monitor.
    pub(crate) fn guard(&self, work: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
            self.fail(&format!("thread {name} of the monitor panicked; see its standard error. The monitor ends"));
        }
    }

    fn fail(&self, text: &str) {
        self.has_fault.store(true, Ordering::SeqCst);
        self.outbox.note(LogLevel::Severe, None, text);
        self.outbox.drain(LAST_WORDS_LIMIT);
        // Wakes the reader, which ends the process.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// The monitor itself is at fault.
    pub(crate) fn has_fault(&self) -> bool {
        self.has_fault.load(Ordering::SeqCst)
    }

    /// Ends everything: offline for at most `grace`, then Terminate, then Close, each bounded. Returns when all is closed or
    /// the time is up. A second caller waits for the first, for at most as long: a service that goes away during an orderly
    /// shutdown does not cut it short by more than that.
    pub(crate) fn end(&self, grace: Duration) {
        if self.is_ending.swap(true, Ordering::SeqCst) {
            self.wait_until(grace + END_LIMIT + END_LIMIT, || self.has_ended.load(Ordering::SeqCst));
            return;
        }
        let all = self.all();
        all.iter().for_each(|instance| instance.stop_gracefully());
        if !self.wait_until(grace, || all.iter().all(|instance| instance.is_stopped())) {
            all.iter().for_each(|instance| instance.stop_now());
            self.wait_until(END_LIMIT, || all.iter().all(|instance| instance.is_stopped()));
        }
        all.iter().for_each(|instance| instance.close());
        self.wait_until(END_LIMIT, || lock(&self.instances).is_empty());
        self.outbox.drain(LAST_WORDS_LIMIT);
        self.has_ended.store(true, Ordering::SeqCst);
        self.instance_changed();
    }

    /// Wakes the reader after an ordered end.
    pub(crate) fn hang_up(&self) {
        self.outbox.close();
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn wait_until(&self, limit: Duration, is_so: impl Fn() -> bool) -> bool {
        let end = Instant::now() + limit;
        loop {
            let seen = *lock(&self.changed.0);
            if is_so() {
                return true;
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            let changed = lock(&self.changed.0);
            if *changed == seen {
                let pause = left.min(LOOK_AGAIN);
                drop(self.changed.1.wait_timeout(changed, pause).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}

impl MonitorSide for Monitor {
    fn registry(&self, call: RegistryCall) -> Result<RegistryAnswer, Refusal> {
        self.registry.call(call)
    }

    fn complain(&self, level: LogLevel, text: &str) {
        self.outbox.note(level, None, text);
    }

    fn complain_of(&self, resource: Option<ResourceId>, level: LogLevel, text: &str) {
        self.outbox.note(level, resource, text);
    }

    fn found(&self, finding: Finding) {
        self.outbox.push(FromMonitor::Finding(finding));
    }

    fn fatal(&self, text: &str) {
        self.fail(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_our_own_is_told_and_ends_the_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let socket = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (mut service, _) = listener.accept().expect("the line above connected");
        let monitor = Monitor::new(socket.try_clone().expect("a socket"), Providers::new(Vec::new()));
        let outbox = Arc::clone(&monitor.outbox);
        monitor.spawn("writer", move || outbox.write_to(socket));
        monitor.spawn("clumsy", || panic!("a fault on purpose"));
        // The connection ends by itself, after the last words.
        service.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        let told = crate::frames::read(&mut service).expect("a frame").expect("not the end");
        let FromMonitor::Log { level: LogLevel::Severe, text, .. } = told else { panic!("{told:?}") };
        assert!(text.contains("thread clumsy of the monitor panicked"), "{text}");
        assert!(crate::frames::read::<FromMonitor>(&mut service).expect("an orderly end").is_none());
        assert!(monitor.has_fault());
    }

    #[test]
    fn the_key_of_a_resource_is_its_guid() {
        let id = ResourceId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(key_of(id), "Resources\\01234567-89ab-cdef-0011-223344556677");
        assert_eq!(key_of(ResourceId(1)), "Resources\\00000000-0000-0000-0000-000000000001");
    }
}
