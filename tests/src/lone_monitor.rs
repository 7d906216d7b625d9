//! One Resource Monitor with a test in the place of the Cluster service: natively, or under Wine in the Windows world of a node.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use resmon::frames;
use resmon::protocol::{
    EntryPoint, FromMonitor, OpenSpec, Refusal, RegistryAnswer, RegistryCall, RequestId, ResourceId, Status,
    TOKEN_VARIABLE, Timing, ToMonitor, TypeSpec, WINDOWS_DLL_DIRS_VARIABLE,
};

use crate::ground::Ground;
use crate::{programs, windows};

/// How long any answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// No answer takes longer than this between two messages; leases are asked for ten times per second.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// CLUSCTL_RESOURCE_UNKNOWN.
const UNKNOWN: u32 = 0x0100_0000;
/// Polls of a resource that is not to be polled while a test lasts.
const NEVER_MS: u32 = 3_600_000;

/// The Windows world of one node.
pub struct World {
    holder: Child,
    /// The run directory of its monitors.
    pub run_dir: PathBuf,
    environment: Vec<(String, String)>,
}

impl World {
    /// Makes it in the ground and wakes it.
    ///
    /// # Panics
    /// When Wine is not there, or does not get ready.
    #[must_use]
    pub fn wake(ground: &Ground) -> World {
        let half = windows::half();
        let run_dir = ground.path().join("run");
        std::fs::create_dir_all(&run_dir).expect("made");
        let ready = run_dir.join("ready");
        let loader = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"]
            .into_iter()
            .find(|file| Path::new(file).is_file());
        let loader = std::env::var("WOLFDEN_WINE").ok().or(loader.map(str::to_owned)).expect("Wine is installed");
        let text = |path: &Path| path.display().to_string();
        let environment = [
            ("WOLFDEN_NODE", "n1".to_owned()),
            ("WOLFDEN_WINE", loader),
            ("WOLFDEN_WINDOWS_DIR", text(&half)),
            ("WOLFDEN_WINE_PREFIX", text(&ground.path().join("wine"))),
            ("WOLFDEN_WINE_READY", text(&ready)),
            (WINDOWS_DLL_DIRS_VARIABLE, String::new()),
        ];
        let environment: Vec<(String, String)> = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let mut command = Command::new(programs::cluster());
        command.args(["wine", "world"]).envs(environment.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("the executable under test");
        let output = holder.stdout.take().expect("piped");
        let lines = std::io::BufRead::lines(std::io::BufReader::new(output));
        let said: Vec<String> = lines.map_while(Result::ok).take_while(|line| line.trim() != "ready").collect();
        assert!(holder.try_wait().expect("ours").is_none(), "the Windows world is not ready: {said:?}");
        std::fs::write(&ready, "").expect("written");
        World { holder, run_dir, environment }
    }

    /// A monitor under Wine.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::start(&self.run_dir, &["wine", "monitor"], &self.environment)
    }

    /// A native monitor beside it.
    #[must_use]
    pub fn native_monitor(&self) -> Monitor {
        Monitor::start(&self.run_dir, &["monitor"], &self.environment)
    }

    /// Starts a Windows program in this world.
    ///
    /// # Panics
    /// When Wine does not start.
    #[must_use]
    pub fn program(&self, program: &Path, arguments: &[String]) -> Child {
        let mut command = Command::new(self.named("WOLFDEN_WINE"));
        command.arg(program).args(arguments).env("WINEPREFIX", self.named("WOLFDEN_WINE_PREFIX"));
        command.env("WINEDEBUG", "-all").spawn().expect("Wine starts")
    }

    fn named(&self, name: &str) -> &str {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).expect("set by `wake`")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its end takes the programs of the prefix with it, and the registry is written before the folder goes.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        let (loader, prefix) = (self.named("WOLFDEN_WINE"), self.named("WOLFDEN_WINE_PREFIX"));
        let beside = ["wineserver64", "wineserver"].map(|name| Path::new(loader).with_file_name(name));
        let server = beside.into_iter().find(|file| file.is_file()).unwrap_or_else(|| "wineserver".into());
        let _ = Command::new(&server).arg("-k").env("WINEPREFIX", prefix).status();
        let _ = Command::new(&server).arg("-w").env("WINEPREFIX", prefix).status();
    }
}

/// A monitor.
pub struct Monitor {
    /// Its process.
    pub process: Child,
    stream: TcpStream,
    next_request: u64,
}

impl Monitor {
    fn start(run_dir: &Path, words: &[&str], environment: &[(String, String)]) -> Monitor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let mut command = Command::new(programs::cluster());
        command.args(words).args(["--connect", &address]).envs(environment.iter().cloned());
        let process = command.env(TOKEN_VARIABLE, "token").stdin(Stdio::null()).spawn().expect("started");
        let (stream, _) = listener.accept().expect("it connects");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(READ_LIMIT)).expect("a socket");
        let mut monitor = Monitor { process, stream, next_request: 1 };
        let hello: Option<FromMonitor> = frames::read(&monitor.stream).expect("a frame");
        assert!(matches!(hello, Some(FromMonitor::Hello { .. })), "{hello:?}");
        let shared_dir = run_dir.to_owned();
        monitor.tell(ToMonitor::Welcome { node: "n1".into(), node_id: 1, shared_dir, run_dir: run_dir.to_owned() });
        monitor
    }

    fn tell(&mut self, message: ToMonitor) {
        frames::write(&self.stream, &message).expect("it listens");
    }

    /// Asks for an entry point.
    pub fn call(&mut self, resource: u128, entry: EntryPoint) {
        self.tell(ToMonitor::Call { resource: ResourceId(resource), generation: 1, entry });
    }

    /// The next message that is no housekeeping. A cluster without values answers questions about the registry.
    ///
    /// # Panics
    /// When the monitor hangs up.
    pub fn hear(&mut self) -> FromMonitor {
        self.hear_or_end().expect("the monitor is there")
    }

    /// `None` when it has hung up.
    fn hear_or_end(&mut self) -> Option<FromMonitor> {
        loop {
            let message: Option<FromMonitor> = frames::read(&self.stream).expect("a frame");
            match message? {
                FromMonitor::LeasePing { stamp } => self.tell(ToMonitor::Lease { stamp, remaining_ms: 60_000 }),
                FromMonitor::Registry { request, call } => {
                    let answer = match call {
                        RegistryCall::Open { .. } | RegistryCall::Create { .. } => {
                            Ok(RegistryAnswer::Done { created: false })
                        }
                        RegistryCall::List { .. } => {
                            Ok(RegistryAnswer::Listing { values: Vec::new(), subkeys: Vec::new() })
                        }
                        _ => Err(Refusal { code: 2, message: "no value".into() }),
                    };
                    self.tell(ToMonitor::RegistryAnswer { request, answer });
                }
                other => return Some(other),
            }
        }
    }

    /// Hears until a message of this kind has come; all that was heard.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn until(&mut self, what: &str, is_it: impl Fn(&FromMonitor) -> bool) -> Vec<FromMonitor> {
        let begun = Instant::now();
        let mut heard = Vec::new();
        loop {
            assert!(begun.elapsed() < ANSWER_LIMIT, "{what} does not come: {heard:?}");
            let message = self.hear();
            let found = is_it(&message);
            heard.push(message);
            if found {
                return heard;
            }
        }
    }

    /// Hears until the resource has this status.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn until_status(&mut self, resource: u128, wanted: &Status) -> Vec<FromMonitor> {
        self.until(&format!("{wanted:?}"), |message| {
            matches!(message, FromMonitor::Status { resource: id, status, .. } if id.0 == resource && status == wanted)
        })
    }

    /// Opens a resource that is not polled.
    ///
    /// # Panics
    /// When it is not opened.
    pub fn open(&mut self, resource: u128, name: &str, type_name: &str, dll: &Path) -> Vec<FromMonitor> {
        let timing = Timing {
            looks_alive_ms: NEVER_MS,
            is_alive_ms: NEVER_MS,
            pending_timeout_ms: 60_000,
            deadlock_timeout_ms: 60_000,
        };
        let resource_type = TypeSpec { name: type_name.into(), dll_name: dll.display().to_string() };
        self.call(resource, EntryPoint::Open(OpenSpec { name: name.into(), resource_type, timing }));
        self.until_status(resource, &Status::Opened)
    }

    /// One control code that nobody knows: through the monitor into the library and back.
    pub fn round_trip(&mut self, resource: u128) -> Duration {
        self.control(resource, UNKNOWN)
    }

    /// A control code for the library; how long it took.
    pub fn control(&mut self, resource: u128, code: u32) -> Duration {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        let begun = Instant::now();
        let (resource, input) = (ResourceId(resource), Vec::new());
        self.tell(ToMonitor::Probe { request, resource, code, input, output_bytes: 16 });
        let is_it =
            |message: &FromMonitor| matches!(message, FromMonitor::Probed { request: id, .. } if *id == request);
        self.until("an answer", is_it);
        begun.elapsed()
    }

    /// Ends the monitor in an orderly way.
    ///
    /// # Panics
    /// When it ends in another way.
    pub fn end(mut self) {
        self.tell(ToMonitor::Shutdown { grace_ms: 1_000 });
        // What it says last does not matter, but it may have questions.
        while self.hear_or_end().is_some() {}
        // As the service does. Under Wine a monitor that hangs up is not woken from its own waiting by that.
        let _ = self.stream.shutdown(Shutdown::Both);
        let ended = self.process.wait().expect("ours");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
