//! The Windows world of a node, as the service sees it: one process that makes the prefix and then holds it awake.
//!
//! Wine runs programs of its own beside each prefix (wineserver, services.exe). They inherit what the first program of the
//! prefix had open, so that first program must not be a monitor: what holds the lock of a monitor is killed with it. It is
//! the holder that [`launch`](super::launch) describes, under a lock of its own. It ends when its standard input does, which
//! the service keeps open: so the world ends with the service, however that ends, when the last monitor is gone.
//!
//! A world that ends by itself (somebody killed the wineserver) takes its monitors with it; what is left of it is killed, and
//! the next monitor that is wanted starts another one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Notify, mpsc};

use resmon::protocol::{ALIVE, READY};

use super::installation::Installation;
use super::launch::{self, WORLD_LIMIT};
use super::prefix;
use crate::driver::earlier::MonitorLock;
use crate::driver::log::LogWriter;
use crate::driver::node::Input;

/// How often it is looked whether a holder was heard, and how many looks in a row may find that it was not.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const MAX_SILENT_LOOKS: u32 = 3;

/// How long what a world has left behind may outlive it before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// How long Wine may take to save its registry and end.
const END_LIMIT: Duration = Duration::from_secs(4);

/// What a world is started with.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) executable: PathBuf,
    pub(crate) installation: Installation,
    pub(crate) prefix: PathBuf,
    /// Where bare names of DLLs are looked for.
    pub(crate) directories: Vec<PathBuf>,
    pub(crate) run_dir: PathBuf,
    pub(crate) node: String,
    pub(crate) log: LogWriter,
}

/// A started world.
#[derive(Clone)]
pub(crate) struct World {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    stop: Notify,
}

struct State {
    is_over: bool,
    problem: Option<String>,
    /// How often it was heard since it was ready.
    heard: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file that is there while the world of a node can be used.
pub(crate) fn ready_file(run_dir: &Path) -> PathBuf {
    run_dir.join("wine.ready")
}

impl Ground {
    /// What the programs between the service and Wine have to know.
    pub(crate) fn surround(&self, command: &mut Command) {
        let ready = ready_file(&self.run_dir);
        command.envs(launch::environment(&self.node, &self.installation, &self.prefix, &self.directories, &ready));
    }
}

impl World {
    /// Starts a world. `file` is its locked lock, which the process inherits; `ended` is told when all of it is gone.
    pub(in crate::driver) fn start(
        ground: Ground,
        lock: MonitorLock,
        file: std::fs::File,
        ended: mpsc::Sender<Input>,
    ) -> std::io::Result<World> {
        forget(&ground.run_dir);
        let mut command = Command::new(&ground.executable);
        ground.surround(&mut command);
        let mut child = command
            .args([launch::WORD, "world"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        drop(file);
        let state = State { is_over: false, problem: None, heard: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), stop: Notify::new() });
        let stdin = child.stdin.take();
        tokio::spawn(run(ground, lock, child, stdin, Arc::clone(&shared), ended));
        Ok(World { shared })
    }

    /// All of it is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.state().is_over
    }

    /// What it said instead of getting ready.
    pub(crate) fn problem(&self) -> Option<String> {
        self.shared.state().problem.clone()
    }

    /// No monitor needs it any more.
    pub(crate) fn stop(&self) {
        self.shared.stop.notify_one();
    }
}

async fn run(
    ground: Ground,
    lock: MonitorLock,
    mut child: Child,
    stdin: Option<ChildStdin>,
    shared: Arc<Shared>,
    ended: mpsc::Sender<Input>,
) {
    let output = child.stdout.take();
    let listening = {
        let (ground, shared) = (ground.clone(), Arc::clone(&shared));
        async move {
            let Some(output) = output else { return };
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.trim_end() == READY {
                    shared.state().problem = None;
                    get_ready(&ground);
                } else if line.trim_end() == ALIVE {
                    shared.state().heard += 1;
                } else {
                    ground.log.line("RHS", format!("Wine: {line}"));
                    shared.state().problem = Some(line);
                }
            }
        }
    };
    let listening = tokio::spawn(listening);
    let late = async {
        tokio::time::sleep(WORLD_LIMIT).await;
        if !ready_file(&ground.run_dir).exists() {
            return;
        }
        std::future::pending::<()>().await;
    };
    let how = tokio::select! {
        _ = child.wait() => "ended",
        () = shared.stop.notified() => "is not needed any more",
        () = late => "did not get ready",
        () = silent(&shared) => "does not answer: its wineserver is gone",
    };
    forget(&ground.run_dir);
    ground.log.line("RHS", format!("the Windows world of this node {how}"));
    drop(stdin);
    end(&ground).await;
    // Gone already is as good.
    let _ = child.start_kill();
    let _ = child.wait().await;
    lock.wait_until_gone(GRACE, &ground.log).await;
    listening.abort();
    shared.state().is_over = true;
    // A node that is gone does not care.
    let _ = ended.send(Input::WineEnded).await;
}

/// Ends when a holder that was heard is not heard any more: a wineserver that is dead ends its programs only when they need it.
/// Several looks, because this service may have been frozen itself.
async fn silent(shared: &Shared) {
    let (mut last, mut misses) = (0, 0);
    while misses < MAX_SILENT_LOOKS {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let heard = shared.state().heard;
        misses = if heard == last && heard > 0 { misses + 1 } else { 0 };
        last = heard;
    }
}

fn get_ready(ground: &Ground) {
    let written = std::fs::write(ready_file(&ground.run_dir), "");
    match written {
        Ok(()) => ground.log.line("RHS", "the Windows world of this node is ready".into()),
        Err(error) => ground.log.error("RHS", format!("{}: {error}", ready_file(&ground.run_dir).display())),
    }
}

/// From now on a new monitor waits.
fn forget(run_dir: &Path) {
    // It may not be there.
    let _ = std::fs::remove_file(ready_file(run_dir));
}

/// Asks Wine to save its registry and to end with everything in it.
async fn end(ground: &Ground) {
    let mut command = std::process::Command::new(prefix::server_of(&ground.installation.loader));
    prefix::surround(&mut command, &ground.prefix)
        .arg("-k")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let asked = Command::from(command).kill_on_drop(true).spawn();
    if let Ok(mut asking) = asked {
        // What does not end is killed by its lock afterwards.
        let _ = tokio::time::timeout(END_LIMIT, asking.wait()).await;
    }
}
