//! One Resource Monitor under Wine, with a test in the place of the Cluster service: the same library natively and as a DLL,
//! events of the system, what a call costs, and what many cycles leave behind.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use resmon::protocol::{Cause, EntryPoint, FromMonitor, LogComponent, Status};
use wolfden_tests::ground::Ground;
use wolfden_tests::lone_monitor::{Monitor, World};
use wolfden_tests::{figure, programs, windows};

/// Round trips of each kind in a block; kinds take turns, so that a busy moment of the machine meets both.
const ROUNDS: usize = 100;
const BLOCKS: usize = 20;
/// How often what is measured may be disturbed by other programs of the machine.
const TRIES: usize = 5;
const ECHO_BYTES: usize = 64;

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
    let of_linux = life(world.native_monitor(), &native);
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
    let first_open = until_good(
        |took| *took < Duration::from_secs(1),
        || {
            let begun = Instant::now();
            let mut monitor = world.monitor();
            monitor.open(1, "First", "Misbehave", &dll);
            let took = begun.elapsed();
            monitor.end();
            took
        },
    );
    let mut monitor = world.monitor();
    monitor.open(1, "Calls", "Misbehave", &dll);
    let mut echo = Echo::start(&world, &echo);
    let is_cheap = |(raw, call): &(Duration, Duration)| *call <= *raw * 2;
    let (raw, call) = until_good(is_cheap, || {
        let (mut raw, mut calls) = (Vec::new(), Vec::new());
        for _ in 0..BLOCKS {
            raw.extend((0..ROUNDS).map(|_| echo.round_trip()));
            calls.extend((0..ROUNDS).map(|_| monitor.round_trip(1)));
        }
        (median(raw), median(calls))
    });
    echo.end();
    monitor.end();
    figure(&format!("first Open of a warm monitor under Wine {} ms", first_open.as_millis()));
    figure(&format!("round trip with Wine, p50: raw TCP {} us, into a DLL {} us", raw.as_micros(), call.as_micros()));
    if wolfden_tests::IS_OPTIMIZED {
        assert!(is_cheap(&(raw, call)), "a call takes {call:?}, a raw round trip {raw:?}");
        assert!(first_open < Duration::from_secs(1), "{first_open:?}");
    }
}

/// Measures until it is good, at most [`TRIES`] times.
fn until_good<T>(is_good: impl Fn(&T) -> bool, mut measure: impl FnMut() -> T) -> T {
    let mut measured = measure();
    for _ in 1..TRIES {
        if is_good(&measured) {
            break;
        }
        measured = measure();
    }
    measured
}

/// A Windows program that sends back what it gets.
struct Echo {
    program: Child,
    stream: TcpStream,
}

impl Echo {
    fn start(world: &World, program: &Path) -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let program = world.program(program, &[port.to_string()]);
        let (stream, _) = listener.accept().expect("it connects");
        stream.set_nodelay(true).expect("a socket");
        Echo { program, stream }
    }

    fn round_trip(&mut self) -> Duration {
        let mut bytes = [7_u8; ECHO_BYTES];
        let begun = Instant::now();
        self.stream.write_all(&bytes).expect("it listens");
        self.stream.read_exact(&mut bytes).expect("it answers");
        begun.elapsed()
    }

    fn end(mut self) {
        drop(self.stream);
        self.program.wait().expect("ours");
    }
}

/// An event that a DLL made with CreateEvent: signalled while the resource is well it costs one question, and the end of the
/// resource is noticed at once. The resource is never polled meanwhile.
#[test]
fn events_of_the_system_are_watched() {
    /// Control codes of the library.
    const SIGNAL: u32 = 0x0100_03F5;
    const DIE: u32 = 0x0100_03F9;
    const CYCLES: usize = 50;
    let ground = Ground::new();
    let dll = windows::c_dll(&programs::root().join("tests/fixtures/kernel_event.c"), ground.path());
    let world = World::wake(&ground);
    let mut monitor = world.monitor();
    let asked = |alive: u32| {
        move |message: &FromMonitor| {
            let words = format!("asked whether it is alive: {alive}");
            matches!(message, FromMonitor::Log { component: LogComponent::Res, text, .. } if text.contains(&words))
        }
    };
    for (resource, name) in [(1, "auto"), (2, "manual"), (3, "reported")] {
        monitor.open(resource, name, "Kernel Event", &dll);
        for time in 1..=2 {
            monitor.call(resource, EntryPoint::Online);
            monitor.until_status(resource, &Status::Online);
            monitor.control(resource, SIGNAL);
            let heard = monitor.until(&format!("{name}, time {time}: a question"), asked(1));
            assert!(!heard.iter().any(|message| matches!(message, FromMonitor::Status { .. })), "{name}: {heard:?}");
            monitor.control(resource, DIE);
            let failed = |message: &FromMonitor| matches!(message, FromMonitor::Status { resource: id, status: Status::Failed(_), .. } if id.0 == resource);
            let heard = monitor.until(&format!("{name}, time {time}: a failure"), failed);
            let is_named =
                matches!(heard.last(), Some(FromMonitor::Status { status: Status::Failed(Cause::EventSignalled), .. }));
            assert!(is_named, "{name}: {heard:?}");
        }
    }
    // Watching many events, one after the other, leaves neither threads nor handles behind.
    let process = monitor.process.id();
    let mut before = (0, 0);
    for cycle in 0..CYCLES {
        for (entry, status) in [(EntryPoint::Online, Status::Online), (EntryPoint::Offline, Status::Offline)] {
            monitor.call(1, entry);
            monitor.until_status(1, &status);
        }
        if cycle == CYCLES / 5 {
            before = (used(process).1, threads(process));
        }
    }
    let is_back = || used(process).1 <= before.0 + 4 && threads(process) <= before.1 + 2;
    let begun = Instant::now();
    while !is_back() {
        // The last watcher may still be ending.
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{before:?} grew to {} and {}",
            used(process).1,
            threads(process)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    monitor.end();
}

fn threads(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/task")).expect("it lives").count()
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
