//! The lives of a service: at most one at a time, and nothing of an earlier one may run when a new one begins.
//!
//! The engine tells the cluster at its start that nothing of its earlier life is running, and the cluster moves groups on
//! the strength of that word. So it has to be certain, also after a `kill -9` in the worst moment:
//!
//! 1. The service holds a lock on `run/service.lock`. A second service on the same directory is refused.
//! 2. For each monitor it makes a file `run/monitor-<n>.lock`, locks it, and lets the monitor *inherit* the locked file.
//!    The lock belongs to the open file, so it is held as long as the monitor, or anything that the monitor has started
//!    (a guard, an application, a script), is alive, however the others ended.
//! 3. A new life waits until it can lock every `run/monitor-*.lock`. What still holds one after a grace period is killed.
//!
//! A program that closes all files it inherits and leaves its process group escapes; nothing short of root can hold it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};

use super::log::LogWriter;
use super::process_files::{self, NodeProcess};

/// How long monitors that lost their service may take to end by themselves: they take their resources offline first.
const GRACE: Duration = Duration::from_secs(3);
/// How long killed processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How often a lock is tried.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// How long a service that is just ending may take, before the new one is refused.
const SERVICE_GRACE: Duration = Duration::from_secs(2);

/// Why a new life cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// Another service runs on the same directory.
    #[error(
        "a Cluster service (process {process_id}) runs on {directory} already; stop it first, or use another directory"
    )]
    AlreadyRunning {
        /// The run directory.
        directory: PathBuf,
        /// What its lock file says.
        process_id: String,
    },
    /// Something of an earlier life cannot be ended.
    #[error("processes {holders} of an earlier life still run and hold {lock}; end them, then start the node again")]
    LeftOver {
        /// The lock file.
        lock: PathBuf,
        /// Their numbers, as far as they can be found.
        holders: String,
    },
    /// The run directory cannot be used.
    #[error("{path}: {error}; check the rights on the directory")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The right to be the one service on a directory; given back when dropped, or when the process ends in any way.
pub struct Life {
    run_dir: PathBuf,
    /// Holds the lock.
    _service: File,
    next_monitor: u64,
}

/// The lock that a monitor and everything below it hold together.
pub(super) struct MonitorLock {
    path: PathBuf,
}

impl Life {
    /// Begins a new life: refuses when another service runs, and ends everything that is left of an earlier life.
    ///
    /// # Errors
    /// [`LifeError`].
    pub async fn begin(run_dir: &Path, log: &LogWriter) -> Result<Life, LifeError> {
        let service = lock_service(run_dir).await?;
        for path in monitor_locks(run_dir)? {
            let failed = |error| LifeError::Io { path: path.clone(), error };
            if !is_free_within(&path, GRACE).await.map_err(failed)? {
                log.warning(
                    "RHS",
                    format!("killing what is left of an earlier life: processes {}", list(&holders(&path))),
                );
                end(run_dir, &path).await?;
            }
            fs::remove_file(&path).map_err(|error| LifeError::Io { path: path.clone(), error })?;
        }
        process_files::tidy(run_dir);
        let noted = process_files::note(run_dir, "service", std::process::id());
        noted.map_err(|error| LifeError::Io { path: run_dir.to_owned(), error })?;
        Ok(Life { run_dir: run_dir.to_owned(), _service: service, next_monitor: 1 })
    }

    /// Makes the lock for a monitor that is about to be started. The second value is the locked file: everything that is
    /// started while it is open inherits it, so it must be dropped right after the monitor was started.
    pub(super) fn monitor_lock(&mut self) -> io::Result<(MonitorLock, File)> {
        let path = self.run_dir.join(format!("monitor-{}.lock", self.next_monitor));
        self.next_monitor += 1;
        let file = open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        fcntl_setfd(&file, FdFlags::empty())?;
        Ok((MonitorLock { path }, file))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        process_files::forget(&self.run_dir, std::process::id());
    }
}

impl MonitorLock {
    /// Waits until the monitor, which has ended, and everything below it is gone. What is not gone by itself in a moment
    /// is killed. Returns only when it is certain; tries for as long as it takes.
    pub(super) async fn wait_until_gone(self, grace: Duration, log: &LogWriter) {
        loop {
            match is_free_within(&self.path, grace).await {
                Ok(true) => break,
                Ok(false) => {
                    let left = holders(&self.path);
                    log.warning(
                        "RHS",
                        format!("killing what an ended monitor has left behind: processes {}", list(&left)),
                    );
                    kill(&left);
                }
                Err(error) => {
                    log.error("RHS", format!("{}: {error}", self.path.display()));
                    tokio::time::sleep(KILL_LIMIT).await;
                }
            }
        }
        // Should it stay, the next life removes it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn lock_service(run_dir: &Path) -> Result<File, LifeError> {
    let path = run_dir.join("service.lock");
    let failed = |error| LifeError::Io { path: path.clone(), error };
    let mut file = open(&path).map_err(failed)?;
    let attempts = SERVICE_GRACE.as_millis() / LOOK_INTERVAL.as_millis();
    for _ in 0..attempts {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                write!(file, "{}", std::process::id()).map_err(failed)?;
                return Ok(file);
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(LOOK_INTERVAL).await,
            Err(errno) => return Err(failed(errno.into())),
        }
    }
    let mut process_id = String::new();
    let told = file.rewind().and_then(|()| (&file).take(20).read_to_string(&mut process_id));
    if told.is_err() || process_id.is_empty() {
        process_id = "unknown".into();
    }
    Err(LifeError::AlreadyRunning { directory: run_dir.to_owned(), process_id })
}

fn monitor_locks(run_dir: &Path) -> Result<Vec<PathBuf>, LifeError> {
    let failed = |error| LifeError::Io { path: run_dir.to_owned(), error };
    let mut found = Vec::new();
    for entry in fs::read_dir(run_dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if process_files::is_monitor_lock(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Kills until the lock is free.
async fn end(run_dir: &Path, path: &Path) -> Result<(), LifeError> {
    let failed = |error| LifeError::Io { path: path.to_owned(), error };
    let rounds = KILL_LIMIT.as_millis() / GRACE.as_millis() + 1;
    for _ in 0..rounds {
        kill(&holders(path));
        // Where holders cannot be found by the file, they are found by their process files.
        for process in process_files::living(run_dir) {
            match process {
                NodeProcess::Service(_) => {}
                NodeProcess::Monitor(_) | NodeProcess::Application(_) | NodeProcess::Other(_) => {
                    process.signal(Signal::KILL);
                }
            }
        }
        if is_free_within(path, GRACE).await.map_err(failed)? {
            return Ok(());
        }
    }
    Err(LifeError::LeftOver { lock: path.to_owned(), holders: list(&holders(path)) })
}

/// True as soon as nobody holds the lock; false when somebody still does at the end of the time.
async fn is_free_within(path: &Path, limit: Duration) -> io::Result<bool> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let attempts = limit.as_millis() / LOOK_INTERVAL.as_millis() + 1;
    for _ in 0..attempts {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(LOOK_INTERVAL).await,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(false)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// The processes that have the file open, apart from this one.
fn holders(path: &Path) -> Vec<i32> {
    process_files::holders(&[path.to_owned()])
}

fn kill(holders: &[i32]) {
    for pid in holders.iter().filter(|number| **number > 1).filter_map(|number| Pid::from_raw(*number)) {
        // Gone meanwhile is as good.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn list(holders: &[i32]) -> String {
    if holders.is_empty() {
        return "that cannot be found".into();
    }
    holders.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// Starts a program that inherits the lock of a monitor, and one below it that outlives it.
    fn monitor(life: &mut Life, script: &str) -> (MonitorLock, Child) {
        let (lock, file) = life.monitor_lock().expect("a lock");
        let child = Command::new("sh").args(["-c", script]).spawn().expect("sh exists");
        drop(file);
        (lock, child)
    }

    #[tokio::test]
    async fn a_second_service_is_refused_and_a_later_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = LogWriter::silent();
        let life = Life::begin(folder.path(), &log).await.expect("the first");
        let error = Life::begin(folder.path(), &log).await.map(|_| ()).expect_err("the second").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(life);
        Life::begin(folder.path(), &log).await.expect("the third");
    }

    // One test for all that starts processes: a program that another test starts meanwhile would inherit the lock too.
    #[tokio::test]
    async fn what_holds_the_lock_is_waited_for_and_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = LogWriter::silent();
        let mut life = Life::begin(folder.path(), &log).await.expect("begun");

        let (lock, mut child) = monitor(&mut life, "exit 0");
        child.wait().expect("ours");
        lock.wait_until_gone(Duration::from_millis(200), &log).await;

        // The child ends, its own child goes on and is found by the lock that it has inherited.
        let (lock, mut child) = monitor(&mut life, "sleep 600 & exit 0");
        child.wait().expect("ours");
        assert!(!is_free_within(&lock.path, Duration::ZERO).await.expect("there"));
        lock.wait_until_gone(Duration::from_millis(20), &log).await;

        let (lock, mut child) = monitor(&mut life, "sleep 600 & sleep 600");
        drop(life);
        let path = lock.path.clone();
        // There are two, whether or not the shell became the last one.
        while holders(&path).len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(&holders(&path).into_iter().filter(|n| *n == child.id() as i32).collect::<Vec<_>>());
        child.wait().expect("ours");
        assert!(!is_free_within(&path, Duration::ZERO).await.expect("there"));
        let _life = Life::begin(folder.path(), &log).await.expect("the left-over was killed");
        assert!(!path.exists());
    }
}
