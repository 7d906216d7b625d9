//! One node of a lab: the process of its Cluster service, and everything that belongs to it.
//!
//! A service is started in a process group of its own, with its monitors in it; guards and applications are in groups of
//! their own. So "all processes of the node" is the service's group and those that the process files tell of. Each started service has a task that holds its standard input
//! open (its end means to the service that the lab is gone) and waits for its end.

use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cluster_engine::{Refusal, code};
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::bench::{Bench, BenchState};
use super::options::LabError;
use super::rounds::Health;
use super::storage::StartSwitches;
use crate::driver::process_files::{self, NodeProcess};
use crate::service::ReadyLine;

/// How long a service may take until it is ready; joining may wait for a quorum.
const READY_LIMIT: Duration = Duration::from_secs(75);
/// How often it is looked whether killed processes are gone.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How many times processes are looked for and signalled again: new ones may appear meanwhile.
const SWEEPS: usize = 100;
/// How much of a service's last words is shown when it does not start, in bytes.
const LAST_WORDS_BYTES: usize = 2000;

/// A node of a lab.
pub(super) struct Member {
    /// Its directory.
    pub(super) dir: PathBuf,
    pub(super) process: Process,
    /// What the service said when it was ready, last.
    pub(super) ready: Option<ReadyLine>,
    /// How many times it was started again.
    pub(super) restarts: u32,
    /// It was killed or stopped on purpose and stays down.
    pub(super) is_down_on_purpose: bool,
    /// It was frozen for so long that the cluster gave it up; its sockets were taken from it.
    pub(super) is_given_up: bool,
    /// The node knows which of its links are cut.
    pub(super) is_told_of_links: bool,
    /// How its service is started the next time; once.
    pub(super) switches: StartSwitches,
    /// What the last round found.
    pub(super) health: Health,
}

/// The process of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// It was started and is not ready yet.
    Starting(u32),
    /// It runs.
    Running(u32),
    /// It is frozen.
    Paused(u32),
    /// There is none.
    Stopped,
}

impl Member {
    pub(super) fn new(dir: PathBuf) -> Member {
        Member {
            dir,
            process: Process::Stopped,
            ready: None,
            restarts: 0,
            is_down_on_purpose: false,
            is_given_up: false,
            is_told_of_links: true,
            switches: StartSwitches::default(),
            health: Health::default(),
        }
    }

    /// Where its process files lie.
    pub(super) fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        match self.process {
            Process::Starting(id) | Process::Running(id) | Process::Paused(id) => Some(id),
            Process::Stopped => None,
        }
    }

    /// What clients see.
    pub(super) fn word(&self) -> &'static str {
        match self.process {
            Process::Starting(_) | Process::Running(_) => "running",
            Process::Paused(_) => "paused",
            Process::Stopped => "stopped",
        }
    }

    /// Its API, when it can be asked.
    pub(super) fn api(&self) -> Option<&str> {
        match self.process {
            Process::Running(_) => self.ready.as_ref().map(|ready| ready.api.as_str()),
            Process::Starting(_) | Process::Paused(_) | Process::Stopped => None,
        }
    }

    /// Signals every process of the node.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.process_id().and_then(group_of) {
            // The group exists as long as the service is not waited for; gone meanwhile is fine.
            let _ = kill_process_group(group, signal);
        }
        for process in process_files::living(&self.run_dir()) {
            process.signal(signal);
        }
    }
}

fn group_of(process_id: u32) -> Option<Pid> {
    i32::try_from(process_id).ok().filter(|number| *number > 1).and_then(Pid::from_raw)
}

/// Starts all nodes: those that have a cluster already at once, a new cluster with its first node.
pub(super) async fn start_all(bench: &Arc<Bench>) -> Result<(), LabError> {
    let names = bench.names();
    let is_known = |name: &String| bench.directory.join(name).join("identity.json").exists();
    let (known, new): (Vec<String>, Vec<String>) = names.into_iter().partition(is_known);
    let failed = |(node, reason): (String, String)| LabError::Node { node, reason };
    each(bench, known).await.map_err(failed)?;
    // One after the other, so that their ids follow their names. The first of a new cluster forms it.
    for name in new {
        start(bench, &name).await.map_err(|reason| failed((name, reason)))?;
    }
    Ok(())
}

async fn each(bench: &Arc<Bench>, names: Vec<String>) -> Result<(), (String, String)> {
    let starts =
        names.into_iter().map(|name| async move { start(bench, &name).await.map_err(|reason| (name, reason)) });
    join_all(starts).await.into_iter().collect()
}

/// Starts the service of a node and waits until it is ready.
///
/// # Errors
/// In words.
pub(super) async fn start(bench: &Arc<Bench>, name: &str) -> Result<(), String> {
    let mut child = spawn(bench, name)?;
    let process_id = child.id().ok_or("it ended at once")?;
    let stdout = child.stdout.take().ok_or("its output cannot be read")?;
    // From here on its end is seen, whatever happens below.
    tokio::spawn(watch(Arc::clone(bench), name.to_owned(), child, process_id));
    bench.bump();
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(READY_LIMIT, lines.next_line()).await;
    let line = match line {
        Ok(Ok(Some(line))) => line,
        Ok(Ok(None) | Err(_)) => return Err(last_words(bench, name)),
        Err(_) => return Err(format!("it was not ready within {} s", READY_LIMIT.as_secs())),
    };
    let ready: ReadyLine = serde_json::from_str(&line).map_err(|error| format!("it said {line:?}: {error}"))?;
    {
        let mut state = bench.state();
        let Some(member) = state.members.get_mut(name) else { return Err("it is no node of this lab".into()) };
        if member.process == Process::Starting(process_id) {
            member.process = Process::Running(process_id);
        }
        member.ready = Some(ready);
    }
    bench.bump();
    // What else it prints goes nowhere, but must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(())
}

fn spawn(bench: &Bench, name: &str) -> Result<Child, String> {
    let mut state = bench.state();
    if state.is_ending {
        return Err("the lab is ending".into());
    }
    let options = options_of(bench, &state, name);
    let member = state.members.get_mut(name).ok_or("it is no node of this lab")?;
    if member.process != Process::Stopped {
        return Err("it runs already".into());
    }
    let folder = member.dir.join("log");
    let words = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(words)?;
    let errors = std::fs::File::create(folder.join("service.err")).map_err(words)?;
    let (program, first) = bench.service.split_first().ok_or("no program is named")?;
    let child = Command::new(program)
        .args(first)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
    member.process = Process::Starting(child.id().unwrap_or(0));
    member.is_down_on_purpose = false;
    member.is_given_up = false;
    member.is_told_of_links = true;
    member.switches = StartSwitches::default();
    Ok(child)
}

/// The options of a node's service.
fn options_of(bench: &Bench, state: &BenchState, name: &str) -> Vec<String> {
    let dir = bench.directory.join(name);
    let mut words: Vec<String> = vec!["--node".into(), name.into(), "--dir".into(), dir.display().to_string()];
    words.extend(["--shared".into(), bench.directory.join("shared").display().to_string()]);
    words.extend(["--parent-pipe".into(), "--lab-token".into(), bench.token.clone()]);
    if !dir.join("identity.json").exists() {
        let sponsors: Vec<String> =
            state.members.values().filter_map(|member| Some(member.ready.as_ref()?.peer.clone())).collect();
        if sponsors.is_empty() {
            words.extend(["--form".into(), "--cluster-name".into(), bench.options.cluster_name.clone()]);
            words.extend(["--heartbeat".into(), bench.options.heartbeat_ms.to_string()]);
            words.extend(["--threshold".into(), bench.options.threshold.to_string()]);
        } else {
            words.push("--join".into());
            words.extend(sponsors);
        }
    }
    for (other, id) in state.members.iter().filter_map(|(other, member)| Some((other, member.ready.as_ref()?.id))) {
        let is_cut = |from: &str, to: &str| state.cuts.contains(&(from.to_owned(), to.to_owned()));
        match (is_cut(other, name), is_cut(name, other)) {
            (true, true) => words.extend(["--lab-cut".into(), id.to_string()]),
            (true, false) => words.extend(["--lab-cut".into(), format!("{id}:in")]),
            (false, true) => words.extend(["--lab-cut".into(), format!("{id}:out")]),
            (false, false) => {}
        }
    }
    words.extend(state.members.get(name).into_iter().flat_map(|member| member.switches.words()));
    words
}

/// Waits for the end of a service, and starts it again when it ended by itself.
async fn watch(bench: Arc<Bench>, name: String, mut child: Child, process_id: u32) {
    // `wait` would close the input, which tells the service that the lab is gone.
    let input = child.stdin.take();
    let ended = child.wait().await;
    drop(input);
    let (is_on_purpose, run_dir) = {
        let mut state = bench.state();
        let is_ending = state.is_ending;
        let Some(member) = state.members.get_mut(&name) else { return };
        if member.process_id() == Some(process_id) {
            member.process = Process::Stopped;
            member.health = Health::default();
        }
        (member.is_down_on_purpose || is_ending, member.run_dir())
    };
    bench.bump();
    let words = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
    if is_on_purpose {
        return;
    }
    let Some(pause) = bench.options.recover_after else {
        bench.tell_warning(format!("the Cluster service of {name} ended ({words})"), Some(&name));
        return;
    };
    let text = format!("the Cluster service of {name} ended ({words}); it is started again in {} s", pause.as_secs());
    bench.tell_warning(text, Some(&name));
    tokio::time::sleep(pause).await;
    {
        let mut state = bench.state();
        let is_ending = state.is_ending;
        let Some(member) = state.members.get_mut(&name) else { return };
        if is_ending || member.is_down_on_purpose || member.process != Process::Stopped {
            return;
        }
        member.restarts += 1;
    }
    // A frozen leftover would keep the new life waiting.
    for process in process_files::living(&run_dir) {
        process.signal(Signal::CONT);
    }
    match start_again(&bench, &name).await {
        Ok(()) => bench.tell(format!("the Cluster service of {name} was started again"), Some(&name)),
        Err(reason) => bench.tell_warning(format!("{name} was not started again: {reason}"), Some(&name)),
    }
}

/// [`start`] with a type that has a name: a service's watcher starts it again, and the start makes a new watcher.
fn start_again<'a>(
    bench: &'a Arc<Bench>,
    name: &'a str,
) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
    Box::pin(start(bench, name))
}

fn last_words(bench: &Bench, name: &str) -> String {
    let path = bench.directory.join(name).join("log").join("service.err");
    let text = std::fs::read(&path).unwrap_or_default();
    let from = text.len().saturating_sub(LAST_WORDS_BYTES);
    let text = String::from_utf8_lossy(&text[from..]).trim().to_owned();
    if text.is_empty() { format!("it ended without a word; see {}", path.display()) } else { text }
}

impl Bench {
    /// Starts a node as it usually is.
    pub(super) async fn start_node(self: &Arc<Bench>, name: &str) -> Result<(), Refusal> {
        self.start_node_with(name, StartSwitches::default()).await
    }

    /// `POST /lab/nodes/{n}/start`
    pub(super) async fn start_node_with(self: &Arc<Bench>, name: &str, switches: StartSwitches) -> Result<(), Refusal> {
        self.expect(name, "stopped", |member| member.process == Process::Stopped)?;
        self.sweep(name).await;
        if let Some(member) = self.state().members.get_mut(name) {
            member.restarts += 1;
            member.switches = switches;
        }
        start(self, name).await.map_err(|reason| refused(name, format!("{name} did not start: {reason}")))?;
        let how: Vec<String> = switches.words().collect();
        let how = if how.is_empty() { String::new() } else { format!(" with {}", how.join(" ")) };
        self.tell(format!("{name} was started{how}"), Some(name));
        Ok(())
    }

    /// `POST /lab/nodes/{n}/kill`: every process at once, as a power failure would.
    pub(super) async fn kill_node(&self, name: &str) -> Result<(), Refusal> {
        self.expect(name, "running or paused", |member| member.process != Process::Stopped)?;
        if let Some(member) = self.state().members.get_mut(name) {
            member.is_down_on_purpose = true;
            // First nobody may react to the end of another.
            member.signal(Signal::STOP);
        }
        self.tell(format!("{name} was killed: all its processes at once, as in a power failure"), Some(name));
        self.sweep(name).await;
        Ok(())
    }

    /// `POST /lab/nodes/{n}/stop`: in an orderly way.
    pub(super) async fn stop_node(&self, name: &str) -> Result<(), Refusal> {
        let is_running = |member: &Member| matches!(member.process, Process::Running(_) | Process::Starting(_));
        self.expect(name, "running", is_running)?;
        self.tell(format!("{name} is stopped in an orderly way"), Some(name));
        self.ask_to_stop(name);
        Ok(())
    }

    /// `POST /lab/nodes/{n}/pause`
    pub(super) async fn pause_node(&self, name: &str) -> Result<(), Refusal> {
        self.expect(name, "running", |member| matches!(member.process, Process::Running(_)))?;
        for round in 0..2 {
            if let Some(member) = self.state().members.get_mut(name)
                && let Some(id) = member.process_id()
            {
                member.process = Process::Paused(id);
                member.signal(Signal::STOP);
            }
            // An application that was just being started is in no file yet.
            if round == 0 {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
        self.tell(format!("{name} was frozen: none of its processes gets to run"), Some(name));
        Ok(())
    }

    /// `POST /lab/nodes/{n}/continue`
    pub(super) async fn continue_node(&self, name: &str) -> Result<(), Refusal> {
        self.expect(name, "paused", |member| matches!(member.process, Process::Paused(_)))?;
        if let Some(member) = self.state().members.get_mut(name)
            && let Some(id) = member.process_id()
        {
            member.signal(Signal::CONT);
            member.process = Process::Running(id);
            member.is_given_up = false;
            // What it did not hear while it was frozen is told again.
            member.is_told_of_links = false;
        }
        self.tell(format!("{name} was thawed"), Some(name));
        self.tell_links().await;
        Ok(())
    }

    /// A frozen node was given up by the cluster. On a real network its addresses would go with it; here all nodes share
    /// one system, and what it holds would stand in the way of the new owner.
    pub(super) fn take_sockets(&self, name: &str) {
        if let Some(member) = self.state().members.get_mut(name) {
            member.is_given_up = true;
            for process in process_files::living(&member.run_dir()) {
                match process {
                    NodeProcess::Service(_) => {}
                    NodeProcess::Monitor(_) | NodeProcess::Application(_) | NodeProcess::Other(_) => {
                        process.signal(Signal::KILL);
                    }
                }
            }
        }
        let text = format!(
            "the cluster gave the frozen {name} up; its addresses and files are taken from it, as a dead machine's would be"
        );
        self.tell(text, Some(name));
    }

    /// Kills what is left of a node until nothing is.
    async fn sweep(&self, name: &str) {
        for _ in 0..SWEEPS {
            let is_gone = {
                let state = self.state();
                let Some(member) = state.members.get(name) else { return };
                member.signal(Signal::KILL);
                member.process == Process::Stopped && process_files::living(&member.run_dir()).is_empty()
            };
            if is_gone {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        tracing::warn!("some processes of {name} do not end");
    }

    fn ask_to_stop(&self, name: &str) {
        let mut state = self.state();
        let Some(member) = state.members.get_mut(name) else { return };
        member.is_down_on_purpose = true;
        if let Some(pid) = member.process_id().and_then(group_of) {
            // Gone meanwhile is as good.
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }

    /// Stops the nodes in an orderly way, one after the other, so that those that are left can still agree on who has gone.
    /// A frozen one cannot stop, and is killed first.
    pub(super) async fn stop_all(&self) {
        self.state().is_ending = true;
        let names = self.names();
        for name in &names {
            if self.state().members.get(name).is_some_and(|member| matches!(member.process, Process::Paused(_))) {
                self.sweep(name).await;
            }
        }
        for name in &names {
            self.ask_to_stop(name);
            while self.state().members.get(name).is_some_and(|member| member.process != Process::Stopped) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }

    /// Kills everything that is left of any node.
    pub(super) async fn kill_all(&self) {
        self.state().is_ending = true;
        for name in self.names() {
            self.sweep(&name).await;
        }
    }

    /// Refuses unless the node is there and in the right state.
    pub(super) fn expect(&self, name: &str, wanted: &str, is_right: impl Fn(&Member) -> bool) -> Result<(), Refusal> {
        let state = self.state();
        let Some(member) = state.members.get(name) else {
            let names = state.members.keys().cloned().collect::<Vec<_>>().join(", ");
            let text = format!("the lab has no node '{name}'; its nodes are {names}");
            return Err(Refusal::new(code::CLUSTER_NODE_NOT_FOUND, text).fact("Node", name));
        };
        if is_right(member) {
            return Ok(());
        }
        Err(refused(name, format!("{name} is {}, but must be {wanted} for this", member.word())))
    }
}

fn refused(name: &str, text: String) -> Refusal {
    Refusal::new(code::INVALID_STATE, text).fact("Node", name)
}
