//! One Resource Monitor under Wine, with a test in the place of the Cluster service: the same library natively and as a DLL,
//! what a call costs, and what many cycles leave behind.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use resmon::frames;
use resmon::protocol::{
    EntryPoint, FromMonitor, LogComponent, OpenSpec, Refusal, RegistryAnswer, RegistryCall, RequestId, ResourceId,
    Status, TOKEN_VARIABLE, Timing, ToMonitor, TypeSpec, WINDOWS_DLL_DIRS_VARIABLE,
};
use wolfden_tests::ground::Ground;
use wolfden_tests::{figure, programs, windows};

const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// No answer takes longer than this between two messages; leases are asked for ten times per second.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// CLUSCTL_RESOURCE_UNKNOWN.
const UNKNOWN: u32 = 0x0100_0000;
const ROUNDS: usize = 2_000;
const ECHO_BYTES: usize = 64;

/// The Windows world of one node.
struct World {
    holder: Child,
    run_dir: PathBuf,
    environment: Vec<(String, String)>,
}

impl World {
    fn wake(ground: &Ground) -> World {
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

    fn monitor(&self) -> Monitor {
        Monitor::start(&self.run_dir, &["wine", "monitor"], &self.environment)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its end takes the programs of the prefix with it, and the registry is written before the folder goes.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        let named = |name: &str| self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (Some(loader), Some(prefix)) = (named("WOLFDEN_WINE"), named("WOLFDEN_WINE_PREFIX")) else { return };
        let beside = ["wineserver64", "wineserver"].map(|name| Path::new(loader).with_file_name(name));
        let server = beside.into_iter().find(|file| file.is_file()).unwrap_or_else(|| "wineserver".into());
        let _ = Command::new(&server).arg("-k").env("WINEPREFIX", prefix).status();
        let _ = Command::new(&server).arg("-w").env("WINEPREFIX", prefix).status();
    }
}

/// A monitor.
struct Monitor {
    process: Child,
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

    fn call(&mut self, resource: u128, entry: EntryPoint) {
        self.tell(ToMonitor::Call { resource: ResourceId(resource), generation: 1, entry });
    }

    /// The next message that is no housekeeping. A cluster without values answers questions about the registry.
    fn hear(&mut self) -> FromMonitor {
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

    fn until(&mut self, what: &str, is_it: impl Fn(&FromMonitor) -> bool) -> Vec<FromMonitor> {
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

    fn until_status(&mut self, resource: u128, wanted: &Status) -> Vec<FromMonitor> {
        self.until(&format!("{wanted:?}"), |message| {
            matches!(message, FromMonitor::Status { resource: id, status, .. } if id.0 == resource && status == wanted)
        })
    }

    fn open(&mut self, resource: u128, name: &str, type_name: &str, dll: &Path) -> Vec<FromMonitor> {
        let timing = Timing {
            looks_alive_ms: 60_000,
            is_alive_ms: 60_000,
            pending_timeout_ms: 60_000,
            deadlock_timeout_ms: 60_000,
        };
        let resource_type = TypeSpec { name: type_name.into(), dll_name: dll.display().to_string() };
        self.call(resource, EntryPoint::Open(OpenSpec { name: name.into(), resource_type, timing }));
        self.until_status(resource, &Status::Opened)
    }

    /// One control code that nobody knows: through the monitor into the library and back.
    fn round_trip(&mut self, resource: u128) -> Duration {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        let begun = Instant::now();
        let (resource, input) = (ResourceId(resource), Vec::new());
        self.tell(ToMonitor::Probe { request, resource, code: UNKNOWN, input, output_bytes: 16 });
        let is_it =
            |message: &FromMonitor| matches!(message, FromMonitor::Probed { request: id, .. } if *id == request);
        self.until("an answer", is_it);
        begun.elapsed()
    }

    fn end(mut self) {
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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The library in C from one source: a life natively and a life under Wine, told alike.
#[test]
fn the_same_source_lives_the_same_life_natively_and_under_wine() {
    let ground = Ground::new();
    let source = programs::root().join("examples/c/counter.c");
    let (native, dll) = (programs::c_library(&source, ground.path()), windows::c_dll(&source, ground.path()));
    let world = World::wake(&ground);
    let of_windows = life(world.monitor(), &dll);
    let of_linux = life(Monitor::start(&world.run_dir, &["monitor"], &world.environment), &native);
    assert!(of_linux.iter().any(|line| line.contains("step 3 of 3")), "{of_linux:?}");
    assert_eq!(of_windows, of_linux);
}

/// Opens, brings online, takes offline, closes; what the library said and what became of it, in order.
fn life(mut monitor: Monitor, library: &Path) -> Vec<String> {
    let mut heard = monitor.open(1, "Steps", "Counter", library);
    monitor.call(1, EntryPoint::Online);
    heard.extend(monitor.until_status(1, &Status::Online));
    monitor.call(1, EntryPoint::Offline);
    heard.extend(monitor.until_status(1, &Status::Offline));
    monitor.call(1, EntryPoint::Online);
    heard.extend(monitor.until_status(1, &Status::OnlinePending { checkpoint: 1 }));
    monitor.call(1, EntryPoint::Terminate);
    heard.extend(monitor.until_status(1, &Status::Terminated));
    monitor.call(1, EntryPoint::Close);
    heard.extend(monitor.until_status(1, &Status::Closed));
    monitor.end();
    let line = |message: FromMonitor| match message {
        FromMonitor::Status { status, .. } => Some(format!("{status:?}")),
        FromMonitor::Log { component: LogComponent::Res, text, .. } => Some(text),
        _ => None,
    };
    heard.into_iter().filter_map(line).collect()
}

#[test]
fn a_call_into_a_dll_costs_at_most_two_round_trips_and_a_warm_monitor_answers_within_a_second() {
    let ground = Ground::new();
    let dll = windows::c_dll(&programs::root().join("examples/misbehave/misbehave.c"), ground.path());
    let echo = windows::c_program(&programs::root().join("tests/fixtures/echo.c"), ground.path());
    let world = World::wake(&ground);
    let begun = Instant::now();
    let mut monitor = world.monitor();
    monitor.open(1, "Calls", "Misbehave", &dll);
    let first_open = begun.elapsed();

    let raw = raw_round_trips(&world, &echo);
    let calls: Vec<Duration> = (0..ROUNDS).map(|_| monitor.round_trip(1)).collect();
    let (raw, call) = (median(raw), median(calls));
    figure(&format!("first Open of a warm monitor under Wine {} ms", first_open.as_millis()));
    figure(&format!("round trip with Wine, p50: raw TCP {} us, into a DLL {} us", raw.as_micros(), call.as_micros()));
    if wolfden_tests::IS_OPTIMIZED {
        assert!(call <= raw * 2, "a call takes {call:?}, a raw round trip {raw:?}");
        assert!(first_open < Duration::from_secs(1), "{first_open:?}");
    }
    monitor.end();
}

fn raw_round_trips(world: &World, echo: &Path) -> Vec<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let named = |name: &str| {
        world.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).expect("set above")
    };
    let mut program = Command::new(named("WOLFDEN_WINE"))
        .arg(echo)
        .arg(port.to_string())
        .env("WINEPREFIX", named("WOLFDEN_WINE_PREFIX"))
        .env("WINEDEBUG", "-all")
        .spawn()
        .expect("Wine starts");
    let (mut stream, _) = listener.accept().expect("it connects");
    stream.set_nodelay(true).expect("a socket");
    let mut bytes = [7_u8; ECHO_BYTES];
    let times = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        stream.write_all(&bytes).expect("it listens");
        stream.read_exact(&mut bytes).expect("it answers");
        begun.elapsed()
    });
    let times = times.collect();
    drop(stream);
    program.wait().expect("ours");
    times
}

/// Ten DLLs, each a file of its own, a thousand times online and offline.
#[test]
fn ten_dlls_a_thousand_cycles_leave_nothing_behind() {
    const DLLS: u128 = 10;
    const CYCLES: usize = 1_000;
    const WARM: usize = 100;
    let ground = Ground::new();
    let dll = windows::c_dll(&programs::root().join("examples/misbehave/misbehave.c"), ground.path());
    let world = World::wake(&ground);
    let mut monitor = world.monitor();
    for number in 1..=DLLS {
        // Under another name it is another DLL with statics of its own.
        let copy = ground.path().join(format!("dll{number}.dll"));
        std::fs::copy(&dll, &copy).expect("copied");
        monitor.open(number, &format!("R{number}"), "Misbehave", &copy);
    }
    let process = monitor.process.id();
    let mut before = (0, 0);
    for cycle in 0..CYCLES {
        for (entry, status) in [(EntryPoint::Online, Status::Online), (EntryPoint::Offline, Status::Offline)] {
            (1..=DLLS).for_each(|number| monitor.call(number, entry.clone()));
            let mut waiting = DLLS;
            while waiting > 0 {
                if let FromMonitor::Status { status: told, .. } = monitor.hear() {
                    assert!(!matches!(told, Status::Failed(_)), "{told:?}");
                    waiting -= u128::from(told == status);
                }
            }
        }
        if cycle == WARM {
            before = used(process);
        }
    }
    let after = used(process);
    figure(&format!("ten DLLs, {CYCLES} cycles: {} -> {} KiB, {} -> {} files", before.0, after.0, before.1, after.1));
    assert!(after.0 < before.0 + 2_048, "memory grew from {} to {} KiB", before.0, after.0);
    assert!(after.1 <= before.1 + 4, "open files grew from {} to {}", before.1, after.1);
    monitor.end();
}

/// Resident memory in KiB that is the process's own, and open files.
fn used(process: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("Linux tells");
    let memory = line.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).expect("it lives").count();
    (memory, files)
}
