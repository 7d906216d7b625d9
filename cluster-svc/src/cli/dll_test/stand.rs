//! A Cluster service for one monitor, in memory: starts it, lets it in, grants its lease, answers its registry calls, and
//! writes down what it says. Every wait has an end.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clusreg::{FileTime, Hive};
use cluster_engine::state::Command as Change;
use resmon::call_record;
use resmon::frames;
use resmon::protocol::{
    EntryPoint, Finding, FromMonitor, Inspected, LogComponent, LogLevel, OpenSpec, Refusal, RegistryAnswer,
    RegistryCall, RequestId, ResourceId, Status, TOKEN_VARIABLE, Timing, ToMonitor, TypeSpec, VERSION,
};

use crate::driver::registry::{self, Work};
use crate::driver::wine::command_world::CommandWorld;

/// The lease of a stand: nothing is to end because the machine is busy.
const LEASE_MS: u64 = 60_000;
/// How long a monitor may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long any answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long an orderly end may take.
const END_LIMIT: Duration = Duration::from_secs(8);
/// How often something is looked at that cannot be waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// What the monitor complained about, or what a library did that deserves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// A line of the monitor itself, warning or worse.
    Complaint(String),
    /// An entry point took too long: its name and milliseconds.
    Slow(String, u64),
    /// A forbidden call.
    Forbidden(Finding),
}

/// What a control code came to: code, what it says it returned, whether it wrote too far, output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) code: u32,
    pub(super) returned: u32,
    pub(super) has_overrun: bool,
    pub(super) output: Vec<u8>,
}

/// One monitor and its service.
pub(in crate::cli) struct Stand {
    monitor: Child,
    socket: TcpStream,
    inbox: Receiver<FromMonitor>,
    run_dir: std::path::PathBuf,
    number: u64,
    pub(super) remarks: Vec<Remark>,
    /// How often a quorum-capable library said that it has lost its device.
    pub(super) quorum_losses: u32,
    /// Statuses that came while something else was waited for.
    statuses: Vec<(ResourceId, u64, Status)>,
    /// Questions whose answers nobody waits for.
    unawaited: BTreeSet<u64>,
}

/// Limits that no honest call meets, intervals that make no test wait.
pub(super) fn timing() -> Timing {
    Timing { looks_alive_ms: 20, is_alive_ms: 40, pending_timeout_ms: 10_000, deadlock_timeout_ms: 5_000 }
}

/// The key of a resource (reference 06.2).
pub(super) fn key(id: u128) -> String {
    let text = format!("{id:032x}");
    format!("Resources\\{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

impl Stand {
    /// Starts a monitor: this executable, called as one, or one of a Windows world. `folder` is what nodes share, and what this one
    /// has for itself.
    ///
    /// # Errors
    /// In words.
    pub(in crate::cli) fn start(
        folder: &Path,
        hive: Arc<Mutex<Hive>>,
        world: Option<&CommandWorld>,
    ) -> Result<Stand, String> {
        let cannot = |what: &str| {
            let what = what.to_owned();
            move |error: std::io::Error| format!("{what}: {error}")
        };
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot("no port is free"))?;
        let address = listener.local_addr().map_err(cannot("no port is free"))?.to_string();
        let token = uuid::Uuid::new_v4().to_string();
        let (shared_dir, run_dir) = (folder.join("shared"), folder.join("run"));
        for folder in [&shared_dir, &run_dir] {
            std::fs::create_dir_all(folder).map_err(cannot("a folder cannot be made"))?;
        }
        let mut command = match world {
            Some(world) => world.monitor(),
            None => {
                let own = crate::driver::own_executable().map_err(cannot("the own executable cannot be found"))?;
                let mut command = Command::new(own);
                command.arg("monitor");
                command
            }
        };
        let monitor = command
            .args(["--connect", &address])
            .env(TOKEN_VARIABLE, &token)
            .stdin(Stdio::null())
            // What a library prints is not part of the report.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(cannot("a monitor cannot be started"))?;
        let socket = accept(listener)?;
        // Should it fail the test is only slower.
        let _ = socket.set_nodelay(true);
        let hello = frames::read::<FromMonitor>(&socket).map_err(|error| error.to_string())?;
        match hello {
            Some(FromMonitor::Hello { version: VERSION, token: theirs, .. }) if theirs == token => {}
            other => return Err(format!("the monitor began with {other:?}")),
        }
        send(&socket, &ToMonitor::Welcome { node: "n1".into(), node_id: 1, shared_dir, run_dir: run_dir.clone() });
        let (outbox, inbox) = channel();
        let reader = socket.try_clone().map_err(cannot("the connection cannot be read"))?;
        std::thread::spawn(move || listen(&reader, &outbox, &hive));
        Ok(Stand {
            monitor,
            socket,
            inbox,
            run_dir,
            number: 0,
            remarks: Vec::new(),
            quorum_losses: 0,
            statuses: Vec::new(),
            unawaited: BTreeSet::new(),
        })
    }

    /// Asks for an entry point; the number is that of the request.
    pub(super) fn call(&mut self, id: u128, entry: EntryPoint) -> u64 {
        self.number += 1;
        send(&self.socket, &ToMonitor::Call { resource: ResourceId(id), generation: self.number, entry });
        self.number
    }

    /// Opens a resource.
    pub(super) fn open(&mut self, id: u128, name: &str, of: TypeSpec, timing: Timing) -> Result<Status, String> {
        let spec = OpenSpec { name: name.into(), resource_type: of, timing };
        let request = self.call(id, EntryPoint::Open(spec));
        self.outcome(id, request)
    }

    /// Asks for an entry point and waits for what comes of it.
    pub(super) fn ask(&mut self, id: u128, entry: EntryPoint) -> Result<Status, String> {
        let request = self.call(id, entry);
        self.outcome(id, request)
    }

    /// Waits for the end of a request; pending statuses are passed over.
    pub(super) fn outcome(&mut self, id: u128, request: u64) -> Result<Status, String> {
        self.story(id, request).map(|(_, status)| status)
    }

    /// The same, with the checkpoints of the pending statuses.
    pub(super) fn story(&mut self, id: u128, request: u64) -> Result<(Vec<u32>, Status), String> {
        let mut checkpoints = Vec::new();
        loop {
            let is_mine = |(resource, number, _): &(ResourceId, u64, Status)| resource.0 == id && *number == request;
            while let Some(place) = self.statuses.iter().position(is_mine) {
                let (_, _, status) = self.statuses.remove(place);
                match status {
                    Status::OnlinePending { checkpoint } | Status::OfflinePending { checkpoint } => {
                        checkpoints.push(checkpoint);
                    }
                    status => return Ok((checkpoints, status)),
                }
            }
            if let Some(other) = self.hear()? {
                return Err(format!("the monitor answered something that was not asked for: {other:?}"));
            }
        }
    }

    /// Statuses that nobody waited for: what a resource did by itself.
    pub(super) fn unasked(&mut self, for_so_long: Duration) -> Result<Vec<Status>, String> {
        let end = Instant::now() + for_so_long;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match self.inbox.recv_timeout(left) {
                Ok(message) => {
                    self.note(message)?;
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
        Ok(self.statuses.drain(..).map(|(_, _, status)| status).collect())
    }

    /// A control code with the monitor's default processing.
    pub(super) fn control(&mut self, id: u128, code: u32, input: &[u8]) -> Result<(u32, Vec<u8>), String> {
        self.number += 1;
        let request = RequestId(self.number);
        send(&self.socket, &ToMonitor::Control { request, resource: ResourceId(id), code, input: input.to_vec() });
        match self.answer()? {
            FromMonitor::Controlled { code, output, .. } => Ok((code, output)),
            other => Err(format!("the monitor answered {other:?}")),
        }
    }

    /// Sends a control code and does not wait for its answer.
    pub(super) fn control_meanwhile(&mut self, id: u128, code: u32) {
        self.number += 1;
        self.unawaited.insert(self.number);
        let request = RequestId(self.number);
        send(&self.socket, &ToMonitor::Control { request, resource: ResourceId(id), code, input: Vec::new() });
    }

    /// A control code for a type, with the monitor's default processing.
    pub(super) fn type_control(&mut self, of: TypeSpec, code: u32, input: &[u8]) -> Result<(u32, Vec<u8>), String> {
        self.number += 1;
        let request = RequestId(self.number);
        send(&self.socket, &ToMonitor::TypeControl { request, resource_type: of, code, input: input.to_vec() });
        match self.answer()? {
            FromMonitor::Controlled { code, output, .. } => Ok((code, output)),
            other => Err(format!("the monitor answered {other:?}")),
        }
    }

    /// A control code for the library alone, with a buffer of so many bytes.
    pub(super) fn probe(&mut self, id: u128, code: u32, input: &[u8], output_bytes: u32) -> Result<Probe, String> {
        self.number += 1;
        let request = RequestId(self.number);
        let resource = ResourceId(id);
        send(&self.socket, &ToMonitor::Probe { request, resource, code, input: input.to_vec(), output_bytes });
        self.probed()
    }

    /// The same for the type.
    pub(super) fn probe_type(&mut self, of: TypeSpec, code: u32, output_bytes: u32) -> Result<Probe, String> {
        self.number += 1;
        let (request, input) = (RequestId(self.number), Vec::new());
        send(&self.socket, &ToMonitor::ProbeType { request, resource_type: of, code, input, output_bytes });
        self.probed()
    }

    fn probed(&mut self) -> Result<Probe, String> {
        match self.answer()? {
            FromMonitor::Probed { code, returned, has_overrun, output, .. } => {
                Ok(Probe { code, returned, has_overrun, output })
            }
            other => Err(format!("the monitor answered {other:?}")),
        }
    }

    /// Looks at a library.
    pub(in crate::cli) fn inspect(
        &mut self,
        dll_name: &str,
        candidates: &[String],
    ) -> Result<Result<Inspected, Refusal>, String> {
        self.number += 1;
        let request = RequestId(self.number);
        send(&self.socket, &ToMonitor::Inspect { request, dll_name: dll_name.into(), candidates: candidates.to_vec() });
        match self.answer()? {
            FromMonitor::Inspected { found, .. } => Ok(found),
            other => Err(format!("the monitor answered {other:?}")),
        }
    }

    /// Ends the monitor in an orderly way.
    pub(super) fn end(mut self) -> Result<Vec<Remark>, String> {
        send(&self.socket, &ToMonitor::Shutdown { grace_ms: 3_000 });
        let end = Instant::now() + END_LIMIT;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.monitor.try_wait() {
                while let Ok(message) = self.inbox.try_recv() {
                    self.note(message)?;
                }
                if status.success() {
                    return Ok(std::mem::take(&mut self.remarks));
                }
                return Err(self.ended());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Err("the monitor did not end in an orderly way; a thread of the library may not stop".into())
    }

    /// Kills the monitor, as a power failure would.
    pub(in crate::cli) fn kill(mut self) {
        // Gone already is as good.
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }

    fn answer(&mut self) -> Result<FromMonitor, String> {
        loop {
            if let Some(answer) = self.hear()? {
                return Ok(answer);
            }
        }
    }

    /// Waits for one message; an answer to a question is handed back.
    fn hear(&mut self) -> Result<Option<FromMonitor>, String> {
        match self.inbox.recv_timeout(PATIENCE) {
            Ok(message) => self.note(message),
            Err(RecvTimeoutError::Timeout) => Err(format!("nothing came of it within {} s", PATIENCE.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    fn note(&mut self, message: FromMonitor) -> Result<Option<FromMonitor>, String> {
        match message {
            FromMonitor::Status { resource, generation, status } => self.statuses.push((resource, generation, status)),
            FromMonitor::Slow { call, took_ms, .. } => self.remarks.push(Remark::Slow(call, took_ms)),
            FromMonitor::Finding(finding) => self.remarks.push(Remark::Forbidden(finding)),
            FromMonitor::Log { level, component: LogComponent::Rhs, text, .. } if level != LogLevel::Information => {
                // A forbidden call comes as a finding too.
                if !text.contains("CallGuard is") {
                    self.remarks.push(Remark::Complaint(text));
                }
            }
            FromMonitor::Deadlocked { call, waited_ms, .. } => {
                return Err(format!("{call} did not return within {waited_ms} ms (DeadlockTimeout)"));
            }
            FromMonitor::Controlled { request: RequestId(number), .. } if self.unawaited.remove(&number) => {}
            FromMonitor::Controlled { .. } | FromMonitor::Probed { .. } | FromMonitor::Inspected { .. } => {
                return Ok(Some(message));
            }
            FromMonitor::QuorumResourceLost { .. } => self.quorum_losses += 1,
            FromMonitor::Hello { .. }
            | FromMonitor::LeasePing { .. }
            | FromMonitor::Locked { .. }
            | FromMonitor::Log { .. }
            | FromMonitor::Registry { .. } => {}
        }
        Ok(None)
    }

    /// The process is gone although nobody asked for it: how, and in which entry point.
    fn ended(&mut self) -> String {
        let status = self.monitor.wait();
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let calls = call_record::take(&self.run_dir, self.monitor.id());
        let calls: Vec<String> = calls.into_iter().map(|call| call.call).collect();
        let at = if calls.is_empty() {
            "outside of any entry point".to_owned()
        } else {
            format!("in {}", calls.join(" or "))
        };
        format!("the library took the monitor down {at} ({how})")
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

fn accept(listener: TcpListener) -> Result<TcpStream, String> {
    let (sender, accepted) = channel();
    std::thread::spawn(move || sender.send(listener.accept()));
    match accepted.recv_timeout(CONNECT_LIMIT) {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(format!("the monitor cannot connect: {error}")),
        Err(_) => Err(format!("the monitor did not connect within {} s", CONNECT_LIMIT.as_secs())),
    }
}

fn send(socket: &TcpStream, message: &ToMonitor) {
    if let Ok(frame) = frames::encode(message) {
        // One write per frame, because two threads write. A monitor that has ended is noticed by the wait that follows.
        let mut socket = socket;
        let _ = socket.write_all(&frame);
    }
}

/// The thread that hears the monitor: answers at once what has an answer, and passes the rest on.
fn listen(socket: &TcpStream, outbox: &Sender<FromMonitor>, hive: &Mutex<Hive>) {
    while let Ok(Some(message)) = frames::read::<FromMonitor>(socket) {
        match message {
            FromMonitor::LeasePing { stamp } => send(socket, &ToMonitor::Lease { stamp, remaining_ms: LEASE_MS }),
            FromMonitor::Registry { request, call } => {
                let answer = answer(&mut hive.lock().unwrap_or_else(PoisonError::into_inner), call);
                send(socket, &ToMonitor::RegistryAnswer { request, answer });
            }
            other => {
                if outbox.send(other).is_err() {
                    return;
                }
            }
        }
    }
    // Under Wine a monitor that hangs up is not woken from its own waiting by that.
    let _ = socket.shutdown(Shutdown::Both);
}

fn answer(hive: &mut Hive, call: RegistryCall) -> Result<RegistryAnswer, Refusal> {
    match registry::work(hive, call) {
        Work::Answer(answer) => answer,
        Work::Write { command: Change::Registry { batch }, created } => match hive.apply(&batch, FileTime(1)) {
            Ok(_) => Ok(RegistryAnswer::Done { created }),
            Err(error) => Err(Refusal { code: 87, message: error.to_string() }),
        },
        Work::Write { .. } => Err(Refusal { code: 1, message: "not a change of the registry".into() }),
    }
}
