//! The lab: several nodes on one machine, for demonstrations, tests and study.
//!
//! The lab starts the Cluster service of each node as a process of its own, serves the dashboard and the API at one
//! address in front of them, and breaks things on request: it kills nodes, freezes them, cuts their links. Everything it
//! does is an event that clients see. When the lab ends, in whatever way, its nodes end too:
//!
//! - Ctrl-C or SIGTERM: nodes stop in an orderly way; what does not is killed; a temporary directory is removed.
//! - `kill -9` of the lab: each service sees the end of its standard input and stops; frozen ones are in process groups
//!   that lose their last parent, which makes the system wake and end them.
//!
//! | file | what it does |
//! |---|---|
//! | `bench` | the state of the lab: nodes, links, events |
//! | `member` | one node's process: start, kill, freeze, watch |
//! | `front`, `proxy`, `stream` | the lab's own address |
//! | `rounds` | asks the nodes how they are, and acts on it |
//! | `partition` | divides the network into sides |
//! | `storage` | cuts a node off from the quorum device; how a node is started |
//! | `samples` | groups to play with |
//! | `discovery` | tells the `cluster` command where the lab is |

mod bench;
mod discovery;
mod front;
mod member;
mod options;
mod partition;
mod proxy;
mod rounds;
mod samples;
mod storage;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::bench::Bench;
pub use self::options::{DEFAULT_PORT, LabError, LabOptions};
use crate::service;

/// How long all nodes may take to become members after their start, before the lab goes on without.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);
/// How long all nodes may take to stop in an orderly way.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// [`run`] as the commands `cluster demo` and `cluster up` need it.
#[must_use]
pub fn main(nodes: u32, dir: Option<PathBuf>, port: u16, samples: bool) -> ExitCode {
    run(LabOptions { nodes, dir, port, samples, ..LabOptions::default() })
}

/// Tells the user something. Nobody listening any more (`cluster demo | head`) is no reason to stop.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
use say;

/// Runs a lab until Ctrl-C or SIGTERM; prints its address when it is ready. Returns when nothing of it runs any more.
#[must_use]
pub fn run(options: LabOptions) -> ExitCode {
    service::diagnostics();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lab: the system gives no event loop: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(until_told(options));
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn until_told(options: LabOptions) -> Result<(), LabError> {
    let told = |kind| signal(kind).map_err(LabError::Signals);
    let (mut interrupt, mut terminate) = (told(SignalKind::interrupt())?, told(SignalKind::terminate())?);
    let lab = RunningLab::new(options).await?;
    let ready = tokio::select! {
        started = lab.start() => started,
        _ = interrupt.recv() => Ok(false),
        _ = terminate.recv() => Ok(false),
    };
    if !matches!(ready, Ok(true)) {
        lab.abandon().await;
        return ready.map(drop);
    }
    let is_announced = lab.bench.options.announce;
    if is_announced {
        discovery::write(lab.url());
    }
    say!("Wolfden lab: {} at {}", lab.bench.names().join(", "), lab.url());
    say!("directory: {}", lab.bench.directory.display());
    if lab.bench.options.samples {
        match samples::create(&lab.bench).await {
            Ok(text) => say!("{text}"),
            Err(error) => eprintln!("the sample groups were not created: {error}"),
        }
    }
    say!("Ctrl-C ends the lab and all its nodes.");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    say!("stopping ...");
    if is_announced {
        discovery::remove();
    }
    tokio::select! {
        () = lab.stop() => {}
        // A second Ctrl-C is impatient.
        _ = interrupt.recv() => lab.abandon().await,
    }
    Ok(())
}

/// A lab: made, then started, then stopped or abandoned.
pub struct RunningLab {
    bench: Arc<Bench>,
    listener: Mutex<Option<TcpListener>>,
    url: String,
}

impl RunningLab {
    /// Takes the address and the directory. No process is started yet.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn new(options: LabOptions) -> Result<RunningLab, LabError> {
        let listener = listen(options.port).await?;
        let url = format!("http://{}", listener.local_addr().map_err(LabError::Listen)?);
        let bench = Arc::new(Bench::new(options, url.clone())?);
        Ok(RunningLab { bench, listener: Mutex::new(Some(listener)), url })
    }

    /// Starts the nodes and the front; returns when the nodes are members, or were given enough time. False when it was
    /// called before. After an error, and also when it is broken off, [`RunningLab::abandon`] ends what was started.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn start(&self) -> Result<bool, LabError> {
        let Some(listener) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(false);
        };
        let bench = &self.bench;
        member::start_all(bench).await?;
        tokio::spawn(rounds::run(Arc::clone(bench)));
        let routes = front::routes(Arc::clone(bench));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!("the front of the lab has ended: {error}");
            }
        });
        if tokio::time::timeout(SETTLE_LIMIT, rounds::until_up(bench)).await.is_err() {
            bench.tell_warning("not every node has become a member yet; see their logs".into(), None);
        }
        Ok(true)
    }

    /// Where the dashboard and the API are.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops all nodes in an orderly way, kills what does not stop, and removes a temporary directory.
    pub async fn stop(&self) {
        if tokio::time::timeout(STOP_LIMIT, self.bench.stop_all()).await.is_err() {
            tracing::warn!("not every node stopped within {} s; killing the rest", STOP_LIMIT.as_secs());
        }
        self.abandon().await;
    }

    /// Kills everything that is left, and removes a temporary directory.
    pub async fn abandon(&self) {
        self.bench.kill_all().await;
        self.bench.remove_temporary();
    }
}

/// The wanted port, or another one when it is taken.
async fn listen(port: u16) -> Result<TcpListener, LabError> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if port != 0 && error.kind() == std::io::ErrorKind::AddrInUse => {
            say!("port {port} is taken, so the lab takes another one");
            TcpListener::bind(("127.0.0.1", 0)).await.map_err(LabError::Listen)
        }
        Err(error) => Err(LabError::Listen(error)),
    }
}
