//! One Resource Monitor process: starting it, talking with it, and being certain that it is gone.
//!
//! The task of a process ends with exactly one [`MonitorEvent::Ended`], and only when neither the process nor anything it
//! has started is left. What the process prints on its output goes to the cluster log line by line.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cluster_engine::Level;
use resmon::call_record::{self, Interrupted};
use resmon::frames::{self, LENGTH_BYTES};
use resmon::protocol::{self, FromMonitor, ToMonitor};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc};

use super::clock::Clock;
use super::earlier::{Life, MonitorLock};
use super::log::{LogLine, LogWriter, MAX_LINE_BYTES};
use super::node::Input;
use super::process_files;
use super::wine::Host;
use super::wine::launch;
use super::wine::world::{Ground, World};

/// How many messages wait for a monitor. One that lets more pile up hangs, and is ended.
const QUEUE_MESSAGES: usize = 4096;
/// How long a new monitor may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a monitor may take to end after its connection has.
const END_LIMIT: Duration = Duration::from_secs(4);
/// How long what a monitor has started may outlive it before it is killed.
const DESCENDANT_GRACE: Duration = Duration::from_secs(2);
/// A monitor that ends by itself sooner than this is told when the time is over, so that its successor does not come at once.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// How long a monitor may take to read what is written to it.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// What a monitor has to know of its node.
#[derive(Clone)]
pub(super) struct MonitorSetting {
    /// The executable that is a monitor when its first argument is `monitor`, and a guard when it is `guard`.
    pub(super) executable: PathBuf,
    pub(super) node: String,
    pub(super) node_id: u32,
    pub(super) shared_dir: PathBuf,
    pub(super) run_dir: PathBuf,
    /// Where this node's REST API is, for libraries that call clusapi.
    pub(super) api_address: String,
    /// Where the private Windows of this node is, or will be when it is needed.
    pub(super) wine_prefix: PathBuf,
    pub(super) log: LogWriter,
    pub(super) clock: Clock,
}

/// News of a monitor.
#[derive(Debug)]
pub enum MonitorEvent {
    /// It says something.
    Says(FromMonitor),
    /// It is gone, with everything it had started.
    Ended {
        /// How, in words.
        text: String,
        /// The calls into libraries that were under way, when it did not end because somebody wanted it.
        interrupted: Vec<Interrupted>,
    },
}

/// What kind of program a monitor is.
pub(super) enum Program {
    /// The service's own executable.
    Native,
    /// The same sources as a Windows program, in the Windows world of the node.
    Wine(Box<(Ground, World)>),
}

/// Whose process it is, and where its news go.
pub(super) struct Door {
    pub(super) host: Host,
    /// Tells this process from earlier ones of the same host.
    pub(super) number: u64,
    pub(super) inbox: mpsc::Sender<Input>,
}

/// A started monitor, as the node's task sees it.
pub(super) struct MonitorProcess {
    /// Tells this process from earlier ones for the same key.
    pub(super) life: u64,
    /// Its number.
    pub(super) process_id: u32,
    queue: mpsc::Sender<ToMonitor>,
    kill: Arc<Notify>,
}

impl MonitorProcess {
    /// Starts a process and its task.
    pub(super) fn start(
        setting: &MonitorSetting,
        life: &mut Life,
        program: &Program,
        door: Door,
    ) -> std::io::Result<MonitorProcess> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let token = uuid::Uuid::new_v4().to_string();
        let (lock, file) = life.monitor_lock()?;
        let mut command = Command::new(&setting.executable);
        match program {
            Program::Native => {}
            Program::Wine(place) => {
                let ground = &place.0;
                command.arg(launch::WORD);
                ground.surround(&mut command);
            }
        }
        let mut child = command
            .args(["monitor", "--connect", &address.to_string()])
            .env(protocol::TOKEN_VARIABLE, &token)
            .env("WOLFDEN_NODE", &setting.node)
            .env("WOLFDEN_SHARED_DIR", &setting.shared_dir)
            .env("WOLFDEN_RUN_DIR", &setting.run_dir)
            .env("WOLFDEN_GUARD", &setting.executable)
            .env("CLUSTER_ENDPOINT", &setting.api_address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // From here on only the monitor and what it starts hold the lock.
        drop(file);
        let process_id = child.id().unwrap_or(0);
        if let Err(error) = process_files::note(&setting.run_dir, "monitor", process_id) {
            setting.log.warning("RHS", format!("the process file of monitor {process_id} was not written: {error}"));
        }
        capture(setting, process_id, child.stdout.take());
        capture(setting, process_id, child.stderr.take());
        let (queue, messages) = mpsc::channel(QUEUE_MESSAGES);
        let kill = Arc::new(Notify::new());
        let life = door.number;
        let (setting, world) = (setting.clone(), program.world());
        let task = Task { setting, door, world, lock, process_id, kill: Arc::clone(&kill) };
        tokio::spawn(task.run(child, listener, token, messages));
        Ok(MonitorProcess { life, process_id, queue, kill })
    }

    /// Sends a message. A monitor that has let too many pile up is killed instead.
    pub(super) fn send(&self, message: ToMonitor) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(message) {
            self.kill();
        }
    }

    /// SIGKILL. Its task tells when it is gone.
    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }
}

impl Program {
    fn world(&self) -> Option<World> {
        match self {
            Program::Native => None,
            Program::Wine(place) => Some(place.1.clone()),
        }
    }
}

struct Task {
    setting: MonitorSetting,
    door: Door,
    world: Option<World>,
    lock: MonitorLock,
    process_id: u32,
    kill: Arc<Notify>,
}

impl Task {
    async fn run(self, mut child: Child, listener: TcpListener, token: String, messages: mpsc::Receiver<ToMonitor>) {
        let born = self.setting.clock.now();
        let ended = {
            let talk = self.talk(listener, &token, messages);
            tokio::pin!(talk);
            tokio::select! {
                ended = child.wait() => words(ended),
                () = self.kill.notified() => kill(&mut child, "").await,
                why = &mut talk => self.outlive(&mut child, &why).await,
            }
        };
        let problem = self.world.as_ref().and_then(World::problem);
        let ended = problem.map_or(ended.clone(), |problem| format!("{ended}; Wine: {problem}"));
        process_files::forget(&self.setting.run_dir, self.process_id);
        self.lock.wait_until_gone(DESCENDANT_GRACE, &self.setting.log).await;
        process_files::tidy(&self.setting.run_dir);
        let interrupted = call_record::take(&self.setting.run_dir, self.process_id);
        // A library that crashes at once would otherwise be started as often as the machine can.
        let lived = Duration::from_millis(self.setting.clock.now().since(born).0);
        if !was_wanted(&ended) && lived < SHORTEST_LIFE {
            tokio::time::sleep(SHORTEST_LIFE - lived).await;
        }
        let interrupted = if was_wanted(&ended) { Vec::new() } else { interrupted };
        let event = MonitorEvent::Ended { text: ended, interrupted };
        // A node that is gone does not care.
        let _ = self.door.inbox.send(Input::Monitor { monitor: self.door.host, life: self.door.number, event }).await;
    }

    /// The connection is over, the process may still be there.
    async fn outlive(&self, child: &mut Child, why: &str) -> String {
        tokio::select! {
            ended = child.wait() => words(ended),
            () = self.kill.notified() => kill(child, "").await,
            () = tokio::time::sleep(END_LIMIT) => kill(child, why).await,
        }
    }

    /// Talks with the process until that is not possible any more; the result says why.
    async fn talk(&self, listener: TcpListener, token: &str, messages: mpsc::Receiver<ToMonitor>) -> String {
        let connected = tokio::time::timeout(self.connect_limit(), self.accept(&listener, token)).await;
        drop(listener);
        let Ok(stream) = connected else {
            self.kill.notify_one();
            return format!("it did not connect within {} s", self.connect_limit().as_secs());
        };
        let (from, to) = stream.into_split();
        tokio::select! {
            why = self.listen(from) => why,
            why = self.speak(to, messages) => why,
        }
    }

    /// The first monitor under Wine waits for its world first.
    fn connect_limit(&self) -> Duration {
        self.world.as_ref().map_or(CONNECT_LIMIT, |_| launch::WORLD_LIMIT + CONNECT_LIMIT)
    }

    /// Waits for the one connection that knows the token.
    async fn accept(&self, listener: &TcpListener, token: &str) -> TcpStream {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            let first = tokio::time::timeout(WRITE_LIMIT, receive(&mut stream)).await;
            match first {
                Ok(Ok(Some(FromMonitor::Hello { version: protocol::VERSION, token: theirs, .. })))
                    if theirs == token =>
                {
                    // Small messages that want their answers; should it fail they are only slower.
                    let _ = stream.set_nodelay(true);
                    return stream;
                }
                Ok(Ok(Some(FromMonitor::Hello { version, .. }))) if version != protocol::VERSION => {
                    let text = format!("a monitor speaks version {version}, this service {}", protocol::VERSION);
                    self.setting.log.error("RHS", format!("{text}; install the same version of both, and build resmon.exe again with `cargo xtask windows`"));
                }
                _ => self.setting.log.warning("RHS", "a stranger connected to the door of a monitor".into()),
            }
        }
    }

    async fn listen(&self, mut from: impl AsyncRead + Unpin) -> String {
        loop {
            let message = match receive(&mut from).await {
                Ok(Some(message)) => message,
                Ok(None) => return "it closed its connection".into(),
                Err(error) => return error.to_string(),
            };
            let event = MonitorEvent::Says(message);
            if self
                .door
                .inbox
                .send(Input::Monitor { monitor: self.door.host, life: self.door.number, event })
                .await
                .is_err()
            {
                return "the service is gone".into();
            }
        }
    }

    async fn speak(
        &self,
        mut to: impl tokio::io::AsyncWrite + Unpin,
        mut messages: mpsc::Receiver<ToMonitor>,
    ) -> String {
        let setting = &self.setting;
        let mut next = Some(ToMonitor::Welcome {
            node: setting.node.clone(),
            node_id: setting.node_id,
            shared_dir: setting.shared_dir.clone(),
            run_dir: setting.run_dir.clone(),
        });
        while let Some(message) = next {
            let frame = match frames::encode(&message) {
                Ok(frame) => frame,
                Err(error) => return error.to_string(),
            };
            match tokio::time::timeout(WRITE_LIMIT, to.write_all(&frame)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("it read nothing for {} s", WRITE_LIMIT.as_secs()),
            }
            next = messages.recv().await;
        }
        // The node's task has let go of it: it ends when the connection does.
        "the service let go of it".into()
    }
}

async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<FromMonitor>, frames::FrameError> {
    let mut length = [0; LENGTH_BYTES];
    match from.read(&mut length).await? {
        0 => return Ok(None),
        got => from.read_exact(&mut length[got..]).await?,
    };
    let wanted = frames::body_length(length)?;
    let mut body = Vec::new();
    from.take(wanted as u64).read_to_end(&mut body).await?;
    if body.len() < wanted {
        return Err(frames::FrameError::CutShort { got: body.len(), wanted });
    }
    frames::decode(&body).map(Some)
}

async fn kill(child: &mut Child, why: &str) -> String {
    // Only a process that has ended cannot be killed.
    let _ = child.start_kill();
    let ended = words(child.wait().await);
    if why.is_empty() { ended } else { format!("{ended} by the service, because {why}") }
}

/// Somebody ended the process, so what it was doing is not to blame.
fn was_wanted(ended: &str) -> bool {
    [signal::KILL, signal::TERMINATE].iter().any(|signal| {
        let words = format!("it was ended by signal {signal}{}", signal_name(*signal));
        ended.starts_with(&words)
    })
}

/// The two signals that somebody sends on purpose.
mod signal {
    pub(super) const KILL: i32 = 9;
    pub(super) const TERMINATE: i32 = 15;
}

/// The end of a process in words.
fn words(ended: std::io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match ended {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}{}", signal_name(signal)),
            (None, None) => "it ended".into(),
        },
        Err(error) => format!("it cannot be watched any more: {error}"),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic error)",
        9 => " (killed)",
        11 => " (segmentation fault)",
        15 => " (terminated)",
        _ => "",
    }
}

/// Carries what a process prints into the cluster log, line by line, until its end.
fn capture(setting: &MonitorSetting, process_id: u32, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let Some(output) = output else { return };
    let (log, clock) = (setting.log.clone(), setting.clock);
    tokio::spawn(async move {
        lines(output, |text| {
            let level = Level::Information;
            log.write(LogLine {
                at: clock.now(),
                process_id,
                level,
                component: "RHS",
                text: format!("output: {text}"),
            });
        })
        .await;
    });
}

/// Calls `tell` with each line; a line that is too long comes in pieces.
async fn lines(mut output: impl AsyncRead + Unpin, mut tell: impl FnMut(String)) {
    let mut buffer = [0; 1024];
    let mut line: Vec<u8> = Vec::new();
    let mut flush = |line: &mut Vec<u8>| {
        if !line.is_empty() {
            tell(String::from_utf8_lossy(line).into_owned());
            line.clear();
        }
    };
    while let Ok(got @ 1..) = output.read(&mut buffer).await {
        for byte in &buffer[..got] {
            match byte {
                b'\n' => flush(&mut line),
                _ => line.push(*byte),
            }
            if line.len() >= MAX_LINE_BYTES {
                flush(&mut line);
            }
        }
    }
    flush(&mut line);
}

/// Where the executable of this process lies: it is the service, the monitor and the guard in one.
pub(crate) fn own_executable() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    // An executable that was replaced while it runs is said to be deleted on Linux; the new one is as good.
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or(path.clone(), |text| Path::new(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_comes_line_by_line() {
        let mut told = Vec::new();
        let long = "x".repeat(MAX_LINE_BYTES + 3);
        let text = format!("one\n\ntwo\u{e4}\n{long}\nend");
        lines(text.as_bytes(), |line| told.push(line)).await;
        assert_eq!(told, ["one", "two\u{e4}", &long[..MAX_LINE_BYTES], "xxx", "end"]);
    }

    #[test]
    fn the_end_of_a_process_is_told_in_words() {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(words(Ok(ExitStatus::from_raw(0x0300))), "it ended with exit code 3");
        let was_wanted = |raw| was_wanted(&words(Ok(ExitStatus::from_raw(raw))));
        assert_eq!([9, 15, 11, 6, 0x0300, 0].map(was_wanted), [true, true, false, false, false, false]);
        assert_eq!(words(Ok(ExitStatus::from_raw(11))), "it was ended by signal 11 (segmentation fault)");
    }
}
