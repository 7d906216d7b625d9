//! The guard: a small process between a Resource Monitor and an application, so that the application dies when its
//! monitor dies in any way, and nobody ever signals a process that is not its own.
//!
//! The monitor starts `<guard> guard --pid-file F -- program arguments...` with pipes on standard input and output.
//! The guard starts the program in a process group of its own and is the only one that signals this group, because it is
//! the parent: as long as it has not collected the program's exit status, the number of the group cannot mean anybody
//! else. What the two say to each other, one line each:
//!
//! - monitor to guard, on standard input: `stop` (SIGTERM to the group), `kill` (SIGKILL). End of file means that the
//!   monitor is gone: SIGKILL.
//! - guard to monitor, on standard output: `started GROUP`, or `refused ERRNO TEXT`; later `exited CODE` or
//!   `signalled NUMBER`.
//!
//! Output and errors of the application both go to the guard's standard error. The file F holds the number of the process
//! group while the application runs. When the program ends, what is left of its group is killed: a program that goes
//! into the background by itself has failed in the eyes of the cluster (reference 09.2: alive = the process exists).
//! A descendant that starts a session of its own escapes; nothing short of root can hold it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};

use crate::birth;

/// The exit code of a guard that was called in a wrong way.
pub const EXIT_USAGE: i32 = 64;
/// The exit code of a guard that could not start the program (as a shell has it).
pub const EXIT_NOT_STARTED: i32 = 126;

/// How long the end of the program is held back until the rest of its group has died too.
const REST_LIMIT: Duration = Duration::from_secs(1);
/// How often it is looked at.
const REST_LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// Runs a guard until its application has ended; the result is the exit code of the process: that of the application,
/// or 128 + the signal that ended it. `arguments` are those after the word `guard`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let order = match Order::parse(arguments) {
        Ok(order) => order,
        Err(problem) => {
            eprintln!("guard: {problem}\nusage: guard --pid-file FILE -- PROGRAM [ARGUMENT...]");
            return EXIT_USAGE;
        }
    };
    match Ward::start(&order) {
        Ok(ward) => ward.watch(),
        Err(error) => {
            say(&format!("refused {} {error}", error.raw_os_error().unwrap_or(0)));
            EXIT_NOT_STARTED
        }
    }
}

struct Order {
    pid_file: PathBuf,
    command: Vec<OsString>,
}

impl Order {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Order, String> {
        let mut arguments = arguments.into_iter();
        let mut pid_file = None;
        while let Some(argument) = arguments.next() {
            if argument == "--pid-file" {
                pid_file = Some(PathBuf::from(arguments.next().ok_or("--pid-file needs the name of a file")?));
            } else if argument == "--" {
                let command: Vec<OsString> = arguments.collect();
                if command.is_empty() {
                    return Err("no program is named after --".into());
                }
                return Ok(Order { pid_file: pid_file.ok_or("--pid-file is missing")?, command });
            } else {
                return Err(format!("`{}` is not understood", argument.to_string_lossy()));
            }
        }
        Err("-- and a program are missing".into())
    }
}

/// The program under guard.
struct Ward {
    child: Child,
    pid_file: PathBuf,
    group: Arc<Mutex<Option<Pid>>>,
}

impl Ward {
    fn start(order: &Order) -> io::Result<Ward> {
        let child = Command::new(&order.command[0])
            .args(&order.command[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr()))
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        let ward = Ward { child, pid_file: order.pid_file.clone(), group: Arc::new(Mutex::new(Some(group))) };
        if let Err(error) = write_pid_file(&ward.pid_file, group) {
            ward.end();
            return Err(io::Error::new(
                error.kind(),
                format!("the file {} cannot be written: {error}", order.pid_file.display()),
            ));
        }
        say(&format!("started {group}", group = group.as_raw_nonzero()));
        Ok(ward)
    }

    /// Waits for the end of the program while another thread listens to the monitor.
    fn watch(self) -> i32 {
        let group = Arc::clone(&self.group);
        let listener = thread::Builder::new().name("orders".into()).spawn(move || listen(&group));
        if listener.is_err() {
            signal(&self.group, Signal::KILL);
        }
        let status = self.end_of_program();
        match (status.code(), status.signal()) {
            (Some(code), _) => {
                say(&format!("exited {code}"));
                code
            }
            (None, signal) => {
                let signal = signal.unwrap_or(0);
                say(&format!("signalled {signal}"));
                128 + signal
            }
        }
    }

    /// 1. Waits until the program has ended, without collecting it: its number stays taken.
    /// 2. Kills what is left of its group.
    /// 3. Collects it. From here on nobody may signal that number any more, hence the lock.
    /// 4. Gives the rest of the group a moment to die.
    fn end_of_program(mut self) -> ExitStatus {
        // Not locked while waiting: the listener signals meanwhile.
        let leader = *self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = leader {
            while let Err(rustix::io::Errno::INTR) =
                waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
        }
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = group.take() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let status = self.child.wait();
        drop(group);
        if let Some(pid) = leader {
            wait_for_the_rest(pid);
        }
        remove_pid_file(&self.pid_file);
        status.unwrap_or_else(|_| ExitStatus::from_raw(0x7f00))
    }

    fn end(self) {
        signal(&self.group, Signal::KILL);
        self.end_of_program();
    }
}

/// What was killed needs a moment to die. Looking is harmless even if the number should mean somebody else by now.
fn wait_for_the_rest(group: Pid) {
    let begun = Instant::now();
    while test_kill_process_group(group).is_ok() && begun.elapsed() < REST_LIMIT {
        thread::sleep(REST_LOOK_INTERVAL);
    }
}

/// Does what the monitor says until it is gone.
fn listen(group: &Mutex<Option<Pid>>) {
    for line in io::stdin().lock().lines() {
        match line.as_deref() {
            Ok("stop") => signal(group, Signal::TERM),
            Ok("kill") | Err(_) => signal(group, Signal::KILL),
            Ok(_) => {}
        }
    }
    signal(group, Signal::KILL);
}

fn signal(group: &Mutex<Option<Pid>>, signal: Signal) {
    if let Some(pid) = *group.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = kill_process_group(pid, signal);
    }
}

/// A monitor that is gone does not listen; that is not the guard's problem.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn write_pid_file(path: &Path, group: Pid) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    birth::write(path, group)?;
    crate::files::replace(path, format!("{}\n", group.as_raw_nonzero()).as_bytes())
}

fn remove_pid_file(path: &Path) {
    let _ = fs::remove_file(path);
    birth::remove(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_calls_are_told_what_is_wrong() {
        let check = |arguments: &[&str], problem: &str| {
            let parsed = Order::parse(arguments.iter().map(OsString::from));
            assert_eq!(parsed.map(|_| ()).expect_err(problem), problem);
        };
        check(&[], "-- and a program are missing");
        check(&["--pid-file"], "--pid-file needs the name of a file");
        check(&["--pid-file", "f"], "-- and a program are missing");
        check(&["--pid-file", "f", "--"], "no program is named after --");
        check(&["--", "true"], "--pid-file is missing");
        check(&["true"], "`true` is not understood");
    }

    #[test]
    fn words_after_the_dashes_belong_to_the_program() {
        let order = Order::parse(["--pid-file", "f", "--", "x", "--", "--pid-file"].map(OsString::from)).expect("good");
        assert_eq!(order.command, ["x", "--", "--pid-file"]);
        assert_eq!(order.pid_file, Path::new("f"));
    }
}
