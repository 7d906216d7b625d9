//! A program running under guard, as the Resource Monitor sees it: start, ask to stop, kill, wait, and hear of its end.
//!
//! See [`crate::guard`] for the process in between and the lines that go over its pipes. An [`Application`] owns the pipe
//! whose end the guard waits for: when it is dropped, or this process ends in any way, the guard kills the program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use resapi::Failure;
use resapi::codes::win32;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a guard may take to start a program.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a guard may take to end after a start that was given up.
const ABANDON_LIMIT: Duration = Duration::from_secs(1);
/// How often a start that takes long looks whether it should go on.
const START_LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// The longest piece of one line of output that is passed on, in bytes; longer lines arrive in several pieces.
/// An entry of the cluster log has room for 500 characters (reference 01.5).
pub const LINE_LIMIT: usize = 400;
/// The monitor's own secret, which is no business of an application.
const TOKEN_VARIABLE: &str = "WOLFDEN_MONITOR_TOKEN";
/// Stack of the threads that only pass lines on, in bytes.
const PUMP_STACK: usize = 128 * 1024;

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The guard's executable (see [`crate::place::Place::guard`]).
    pub guard: PathBuf,
    /// The file that holds the process group while the program runs.
    pub pid_file: PathBuf,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it starts; `None` = where the monitor is.
    pub directory: Option<PathBuf>,
    /// Set on top of the monitor's own environment.
    pub environment: BTreeMap<String, String>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ended by itself with this exit code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// Its guard was killed; the program was killed with it.
    GuardLost,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Exited(code) => write!(out, "ended with exit code {code}"),
            Ending::Signalled(signal) => write!(out, "was ended by signal {signal}"),
            Ending::GuardLost => write!(out, "was killed because its guard process was"),
        }
    }
}

#[derive(Clone, Debug)]
enum Phase {
    Starting,
    Running(Pid),
    Refused(Failure),
    Ended(Ending),
}

struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
    guard: Mutex<Child>,
    orders: Mutex<Option<ChildStdin>>,
}

/// A program under guard. Dropping it kills the program.
pub struct Application {
    shared: Arc<Shared>,
}

impl Application {
    /// Starts the program and waits until it exists; `go_on` is asked a few times per second meanwhile. `on_line` gets each line of its output, on a thread of its own;
    /// `on_end` is called once when it has ended, however that came, on another.
    ///
    /// # Errors
    /// The Win32 code nearest to the reason why the program or its guard cannot be started, with the system's own words;
    /// 995 when `go_on` said no.
    pub fn start(
        launch: &Launch,
        go_on: impl Fn() -> bool,
        on_line: impl Fn(&str) + Send + 'static,
        on_end: impl FnOnce(Ending) + Send + 'static,
    ) -> Result<Application, Failure> {
        if let Some(directory) = launch.directory.as_deref().filter(|directory| !directory.is_dir()) {
            return Err(Failure::new(
                win32::ERROR_FILE_NOT_FOUND,
                format!(
                    "the directory {} does not exist; correct the property CurrentDirectory or create it",
                    directory.display()
                ),
            ));
        }
        let mut guard = spawn(launch)?;
        let (orders, told, output) = (guard.stdin.take(), guard.stdout.take(), guard.stderr.take());
        let shared = Arc::new(Shared {
            phase: Mutex::new(Phase::Starting),
            changed: Condvar::new(),
            guard: Mutex::new(guard),
            orders: Mutex::new(orders),
        });
        // From here on dropping `application` ends the guard and with it the program.
        let application = Application { shared: Arc::clone(&shared) };
        if let Some(output) = output {
            pump("output", move || pass_lines(output, on_line))?;
        }
        if let Some(told) = told {
            pump("guard", move || shared.follow(BufReader::new(told), on_end))?;
        }
        if let Err(failure) = application.wait_for_start(launch, go_on) {
            application.abandon();
            return Err(failure);
        }
        Ok(application)
    }

    fn wait_for_start(&self, launch: &Launch, go_on: impl Fn() -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + START_LIMIT;
        let mut phase = self.shared.phase();
        loop {
            match &*phase {
                Phase::Running(_) | Phase::Ended(Ending::Exited(_) | Ending::Signalled(_)) => return Ok(()),
                Phase::Refused(failure) => return Err(failure.clone()),
                Phase::Ended(Ending::GuardLost) => {
                    return Err(Failure::new(
                        win32::ERROR_PROCESS_ABORTED,
                        format!(
                            "the guard {} ended before it started the program; it must be an executable that understands `guard`",
                            launch.guard.display()
                        ),
                    ));
                }
                Phase::Starting => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::new(
                    win32::ERROR_SEM_TIMEOUT,
                    format!("the guard did not start the program within {START_LIMIT:?}"),
                ));
            }
            if !go_on() {
                return Err(Failure::stopped());
            }
            let pause = left.min(START_LOOK_INTERVAL);
            phase = self.shared.changed.wait_timeout(phase, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends a guard that did not say that the program runs. It may have started it all the same, and then only the guard
    /// knows what to kill: so it is asked first, and killed only when it does not listen.
    fn abandon(&self) {
        self.shared.orders().take();
        let is_over = matches!(*self.shared.phase(), Phase::Refused(_)) || self.wait(ABANDON_LIMIT).is_some();
        if !is_over {
            self.shared.kill_directly();
        }
    }

    /// Asks the program to end: SIGTERM to its process group.
    pub fn stop(&self) {
        self.shared.order("stop\n");
    }

    /// Ends the program and all of its process group at once: SIGKILL.
    pub fn kill(&self) {
        self.shared.order("kill\n");
    }

    /// Kills the program and waits until it is gone, at most `limit`. A guard that does not answer within half of it is
    /// passed over: the group is killed from here. Answers whether the program is gone.
    pub fn kill_and_wait(&self, limit: Duration) -> bool {
        self.kill();
        if self.wait(limit / 2).is_some() {
            return true;
        }
        self.shared.kill_directly();
        self.wait(limit / 2).is_some()
    }

    /// Waits at most `limit` for the end of the program.
    pub fn wait(&self, limit: Duration) -> Option<Ending> {
        let phase = self.shared.phase();
        let (phase, _) = self
            .shared
            .changed
            .wait_timeout_while(phase, limit, |phase| !matches!(phase, Phase::Ended(_)))
            .unwrap_or_else(PoisonError::into_inner);
        match *phase {
            Phase::Ended(ending) => Some(ending),
            Phase::Starting | Phase::Running(_) | Phase::Refused(_) => None,
        }
    }

    /// Whether the program's process exists.
    pub fn is_running(&self) -> bool {
        matches!(*self.shared.phase(), Phase::Running(_))
    }

    /// The number of the process group, which is also that of the program's first process, while it runs.
    pub fn process_group(&self) -> Option<i32> {
        match *self.shared.phase() {
            Phase::Running(group) => Some(group.as_raw_nonzero().get()),
            Phase::Starting | Phase::Refused(_) | Phase::Ended(_) => None,
        }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.shared.orders().take();
    }
}

impl Shared {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orders(&self) -> MutexGuard<'_, Option<ChildStdin>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        *self.phase() = phase;
        self.changed.notify_all();
    }

    /// A guard that is gone takes no orders; its end is heard on the other pipe.
    fn order(&self, line: &str) {
        if let Some(pipe) = &mut *self.orders() {
            let _ = pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush());
        }
    }

    fn kill_directly(&self) {
        if let Phase::Running(group) = *self.phase() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.guard.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    /// Hears what the guard says until it ends.
    fn follow(&self, told: impl BufRead, on_end: impl FnOnce(Ending)) {
        let mut ending = None;
        for line in told.lines().map_while(Result::ok) {
            let mut words = line.splitn(3, ' ');
            let (verb, number) = (words.next().unwrap_or(""), words.next().and_then(|word| word.parse::<i32>().ok()));
            match (verb, number) {
                ("started", Some(group)) if group > 1 => {
                    if let Some(group) = Pid::from_raw(group) {
                        self.set(Phase::Running(group));
                    }
                }
                ("refused", number) => {
                    let text = words.next().unwrap_or("for a reason it does not tell");
                    self.set(Phase::Refused(refusal(number.unwrap_or(0), text)));
                }
                ("exited", Some(code)) => ending = Some(Ending::Exited(code)),
                ("signalled", Some(signal)) => ending = Some(Ending::Signalled(signal)),
                _ => {}
            }
        }
        // The guard has closed its output, so it is ending or dead.
        if ending.is_none() {
            self.kill_directly();
        }
        let _ = self.guard.lock().unwrap_or_else(PoisonError::into_inner).wait();
        if !matches!(*self.phase(), Phase::Refused(_)) {
            let ending = ending.unwrap_or(Ending::GuardLost);
            self.set(Phase::Ended(ending));
            on_end(ending);
        }
    }
}

fn spawn(launch: &Launch) -> Result<Child, Failure> {
    // One at a time: on systems without pipe2 another child, forked between the making of a pipe and its being marked
    // close-on-exec, would keep the pipe open and hide the death of this monitor from the guard.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(&launch.guard);
    command
        .arg("guard")
        .arg("--pid-file")
        .arg(&launch.pid_file)
        .arg("--")
        .args(launch.command.iter().map(OsString::from))
        .env_remove(TOKEN_VARIABLE)
        .envs(&launch.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that Ctrl-C in a terminal reaches the monitor and not the guard.
        .process_group(0);
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    command.spawn().map_err(|error| {
        let failure = Failure::from(error);
        Failure::new(
            failure.code,
            format!("the guard {} cannot be started: {}", launch.guard.display(), failure.message),
        )
    })
}

fn refusal(errno: i32, text: &str) -> Failure {
    let code =
        if errno == 0 { win32::ERROR_PROCESS_ABORTED } else { Failure::from(io::Error::from_raw_os_error(errno)).code };
    Failure::new(code, text)
}

fn pump(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new().name(name.into()).stack_size(PUMP_STACK).spawn(work).map(drop).map_err(Failure::from)
}

/// Passes on each line, in pieces of at most [`LINE_LIMIT`] bytes, until the last writer has closed the pipe.
fn pass_lines(output: impl Read, on_line: impl Fn(&str)) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_LIMIT as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            on_line(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn lines_are_passed_on_whole_or_in_pieces() {
        let check = |input: &[u8], expected: &[&str]| {
            let lines = RefCell::new(Vec::new());
            pass_lines(input, |line| lines.borrow_mut().push(line.to_owned()));
            assert_eq!(lines.into_inner(), expected);
        };
        check(b"", &[]);
        check(b"one\ntwo\r\n\nthree", &["one", "two", "three"]);
        check(b"\xff\n", &["\u{fffd}"]);
        let long = "x".repeat(LINE_LIMIT + 10);
        check(long.as_bytes(), &[&long[..LINE_LIMIT], &long[LINE_LIMIT..]]);
    }
}
