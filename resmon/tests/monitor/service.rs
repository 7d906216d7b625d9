//! A Cluster service for tests: it starts a real monitor process, speaks the protocol with it, grants its lease, answers its
//! registry calls from memory, and remembers what it heard. Every wait has an end.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resmon::frames;
use resmon::protocol::*;

/// No wait of a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The lease that is granted unless a test says otherwise, in milliseconds: long, so that a busy machine fails no test.
const LONG_LEASE_MS: u64 = 60_000;

/// Values by name, by path of the key.
type Hive = BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>>;

/// One monitor and its service.
pub(crate) struct Service {
    monitor: Child,
    socket: TcpStream,
    inbox: Receiver<FromMonitor>,
    /// Everything heard that no wait has taken: logs, slow calls, deadlocks.
    pub(crate) heard: Vec<FromMonitor>,
    lease_ms: Arc<AtomicU64>,
    pub(crate) hive: Arc<Mutex<Hive>>,
    pub(crate) dir: tempfile::TempDir,
    generation: u64,
}

/// Intervals that make no resource wait, and limits that no honest call meets.
pub(crate) fn timing() -> Timing {
    Timing { looks_alive_ms: 20, is_alive_ms: 60, pending_timeout_ms: 20_000, deadlock_timeout_ms: 20_000 }
}

/// The type of a library.
pub(crate) fn type_of(name: &str, dll_name: &Path) -> TypeSpec {
    TypeSpec { name: name.into(), dll_name: dll_name.to_str().expect("paths of tests are plain").into() }
}

/// The built-in type of this name.
pub(crate) fn built_in(name: &str) -> TypeSpec {
    let facts = clusres::TYPES.iter().find(|facts| facts.name == name).expect("a built-in type");
    TypeSpec { name: facts.name.into(), dll_name: facts.dll_name.into() }
}

impl Service {
    /// Starts a monitor with some variables in its environment and lets it in.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with_lease(variables, LONG_LEASE_MS)
    }

    /// The same with another lease; 0 grants none.
    pub(crate) fn start_with_lease(variables: &[(&str, &str)], lease_ms: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let monitor = Command::new(env!("CARGO_BIN_EXE_resmon"))
            .args(["--connect", &address])
            .env(TOKEN_VARIABLE, "the token of this test")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .expect("the monitor of this package");
        let socket = accept(listener);
        let hello: FromMonitor = frames::read(&socket).expect("a frame").expect("not the end");
        let process_id = monitor.id();
        assert_eq!(hello, FromMonitor::Hello { version: VERSION, token: "the token of this test".into(), process_id });
        let (shared_dir, run_dir) = (dir.path().join("shared"), dir.path().join("run"));
        for folder in [&shared_dir, &run_dir] {
            std::fs::create_dir_all(folder).expect("a folder for the test");
        }
        send(&socket, &ToMonitor::Welcome { node: "n1".into(), node_id: 1, shared_dir, run_dir });
        let (outbox, inbox) = channel();
        let (lease_ms, hive) = (Arc::new(AtomicU64::new(lease_ms)), Arc::default());
        let reader = Reader {
            socket: socket.try_clone().expect("a socket"),
            outbox,
            lease_ms: Arc::clone(&lease_ms),
            hive: Arc::clone(&hive),
        };
        std::thread::spawn(move || reader.run());
        Self { monitor, socket, inbox, heard: Vec::new(), lease_ms, hive, dir, generation: 0 }
    }

    /// From now on the lease is granted for so long; 0 takes it back, `None` answers no more.
    pub(crate) fn set_lease(&self, lease_ms: Option<u64>) {
        self.lease_ms.store(lease_ms.unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub(crate) fn send(&self, message: &ToMonitor) {
        send(&self.socket, message);
    }

    /// The folder of this node.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Sets a private property of a resource that is opened later, as text.
    pub(crate) fn set_text(&self, id: u128, name: &str, text: &str) {
        let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        self.set_value(id, name, 1, bytes);
    }

    /// The same for a number.
    pub(crate) fn set_number(&self, id: u128, name: &str, number: u32) {
        self.set_value(id, name, 4, number.to_le_bytes().to_vec());
    }

    fn set_value(&self, id: u128, name: &str, kind: u32, bytes: Vec<u8>) {
        let mut hive = self.hive.lock().expect("no panic");
        hive.entry(format!("{}\\Parameters", key(id))).or_default().insert(name.into(), (kind, bytes));
    }

    /// Asks for an entry point; the result is the generation of the request.
    pub(crate) fn call(&mut self, id: u128, entry: EntryPoint) -> u64 {
        self.generation += 1;
        self.send(&ToMonitor::Call { resource: ResourceId(id), generation: self.generation, entry });
        self.generation
    }

    /// Opens a resource and waits for the outcome.
    pub(crate) fn open(&mut self, id: u128, name: &str, resource_type: TypeSpec, timing: Timing) -> Status {
        let mut hive = self.hive.lock().expect("no panic");
        hive.entry(key(id)).or_default();
        drop(hive);
        self.ask(id, EntryPoint::Open(OpenSpec { name: name.into(), resource_type, timing }))
    }

    /// Asks for an entry point and waits for a final status of this request. Pending statuses are passed over.
    pub(crate) fn ask(&mut self, id: u128, entry: EntryPoint) -> Status {
        let generation = self.call(id, entry);
        self.outcome(id, generation)
    }

    /// Waits for the next status of a resource that is not pending, which has to be of this generation.
    pub(crate) fn outcome(&mut self, id: u128, expected: u64) -> Status {
        let (generation, status) = self.outcome_after_pending(id);
        assert_eq!(generation, expected, "{status:?}");
        status
    }

    /// Waits for the next status of a resource that is not pending, of whatever generation.
    pub(crate) fn outcome_after_pending(&mut self, id: u128) -> (u64, Status) {
        loop {
            let (generation, status) = self.next_status(id);
            if !matches!(status, Status::OnlinePending { .. } | Status::OfflinePending { .. }) {
                return (generation, status);
            }
        }
    }

    /// Waits for the next status of a resource.
    pub(crate) fn next_status(&mut self, id: u128) -> (u64, Status) {
        self.wait(&format!("a status of {id}"), |message| match message {
            FromMonitor::Status { resource: ResourceId(number), generation, status } if *number == id => {
                Some((*generation, status.clone()))
            }
            _ => None,
        })
    }

    /// Sends a control code and waits for its answer.
    pub(crate) fn control(&mut self, id: u128, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.generation += 1;
        let request = RequestId(self.generation);
        self.send(&ToMonitor::Control { request, resource: ResourceId(id), code, input: input.to_vec() });
        self.answer(request)
    }

    /// The same for a type.
    pub(crate) fn type_control(&mut self, resource_type: TypeSpec, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.generation += 1;
        let request = RequestId(self.generation);
        self.send(&ToMonitor::TypeControl { request, resource_type, code, input: input.to_vec() });
        self.answer(request)
    }

    fn answer(&mut self, expected: RequestId) -> (u32, Vec<u8>) {
        self.wait("an answer to a control call", |message| match message {
            FromMonitor::Controlled { request, code, output } if *request == expected => Some((*code, output.clone())),
            _ => None,
        })
    }

    /// Waits for a line of the cluster log that contains `words`.
    pub(crate) fn log_line(&mut self, words: &str) -> String {
        self.wait(&format!("a line with {words:?}"), |message| match message {
            FromMonitor::Log { text, .. } if text.contains(words) => Some(text.clone()),
            _ => None,
        })
    }

    /// Waits for a message for which `pick` has a result. What was heard before counts too, once.
    pub(crate) fn wait<T>(&mut self, what: &str, pick: impl Fn(&FromMonitor) -> Option<T>) -> T {
        if let Some(place) = self.heard.iter().position(|message| pick(message).is_some()) {
            return pick(&self.heard.remove(place)).expect("picked in the line above");
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(message) = self.inbox.recv_timeout(left) else {
                panic!("{what} did not come. Heard: {:#?}", self.heard);
            };
            match pick(&message) {
                Some(result) => return result,
                None => self.heard.push(message),
            }
        }
    }

    /// Everything heard so far, without waiting.
    pub(crate) fn heard_so_far(&mut self) -> &[FromMonitor] {
        self.heard.extend(self.inbox.try_iter());
        &self.heard
    }

    /// How many lines of the cluster log so far are exactly `text`.
    pub(crate) fn count_lines(&mut self, text: &str) -> usize {
        let is_it = |message: &&FromMonitor| matches!(message, FromMonitor::Log { text: line, .. } if line == text);
        self.heard_so_far().iter().filter(is_it).count()
    }

    /// The process id of the monitor.
    pub(crate) fn process_id(&self) -> u32 {
        self.monitor.id()
    }

    /// Cuts the connection.
    pub(crate) fn hang_up(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Sends bytes that are no frame.
    pub(crate) fn send_raw(&self, bytes: &[u8]) {
        (&self.socket).write_all(bytes).expect("the monitor listens");
    }

    /// Waits until the monitor process has ended.
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.monitor.try_wait().expect("our own child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the monitor did not end. Heard: {:#?}", self.heard_so_far());
    }

    /// Asks for an orderly end and checks that it was one.
    pub(crate) fn shut_down(mut self) {
        self.send(&ToMonitor::Shutdown { grace_ms: 5_000 });
        let status = self.wait_for_exit();
        assert_eq!(status.code(), Some(0), "{:#?}", self.heard_so_far());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

/// The key of a resource, as the reference writes it (06.2).
pub(crate) fn key(id: u128) -> String {
    let text = format!("{id:032x}");
    format!("Resources\\{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn accept(listener: TcpListener) -> TcpStream {
    let (sender, accepted) = channel();
    std::thread::spawn(move || sender.send(listener.accept()));
    let (socket, _) = accepted.recv_timeout(PATIENCE).expect("the monitor connects").expect("a connection");
    socket.set_nodelay(true).expect("a socket");
    socket
}

fn send(socket: &TcpStream, message: &ToMonitor) {
    // One write per frame, so that two threads of this service do not mix theirs.
    let frame = frames::encode(message).expect("messages of tests are small");
    // A monitor that has ended is noticed by the wait that follows.
    let _ = (&*socket).write_all(&frame);
}

/// The thread that hears the monitor.
struct Reader {
    socket: TcpStream,
    outbox: Sender<FromMonitor>,
    lease_ms: Arc<AtomicU64>,
    hive: Arc<Mutex<Hive>>,
}

impl Reader {
    fn run(self) {
        while let Ok(Some(message)) = frames::read::<FromMonitor>(&self.socket) {
            match message {
                FromMonitor::LeasePing { stamp } => match self.lease_ms.load(Ordering::SeqCst) {
                    u64::MAX => {}
                    remaining_ms => send(&self.socket, &ToMonitor::Lease { stamp, remaining_ms }),
                },
                FromMonitor::Registry { request, call } => {
                    let answer = registry(&mut self.hive.lock().expect("no panic"), call);
                    send(&self.socket, &ToMonitor::RegistryAnswer { request, answer });
                }
                other => {
                    if self.outbox.send(other).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn registry(hive: &mut Hive, call: RegistryCall) -> Result<RegistryAnswer, Refusal> {
    let missing = || Refusal { code: 2, message: "there is nothing of this name".into() };
    let done = Ok(RegistryAnswer::Done { created: false });
    match call {
        RegistryCall::Open { path } => {
            hive.get(&path).map(|_| RegistryAnswer::Done { created: false }).ok_or_else(missing)
        }
        RegistryCall::Create { path } => {
            let created = hive.insert(path.clone(), hive.get(&path).cloned().unwrap_or_default()).is_none();
            Ok(RegistryAnswer::Done { created })
        }
        RegistryCall::Query { path, name } => {
            let value = hive.get(&path).and_then(|key| key.get(&name)).cloned();
            value.map(|(kind, bytes)| RegistryAnswer::Value { kind, bytes }).ok_or_else(missing)
        }
        RegistryCall::Set { path, name, kind, bytes } => {
            hive.get_mut(&path).ok_or_else(missing)?.insert(name, (kind, bytes));
            done
        }
        RegistryCall::Delete { path, name } => {
            hive.get_mut(&path).ok_or_else(missing)?.remove(&name).ok_or_else(missing)?;
            done
        }
        RegistryCall::DeleteKey { path } => {
            hive.remove(&path).ok_or_else(missing)?;
            done
        }
        RegistryCall::List { path } => {
            let key = hive.get(&path).ok_or_else(missing)?;
            let values = key.iter().map(|(name, (kind, bytes))| (name.clone(), *kind, bytes.clone())).collect();
            let below = format!("{path}\\");
            let subkeys = hive.keys().filter_map(|key| key.strip_prefix(&below)).filter(|name| !name.contains('\\'));
            Ok(RegistryAnswer::Listing { values, subkeys: subkeys.map(str::to_owned).collect() })
        }
    }
}
