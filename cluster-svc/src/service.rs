//! `cluster-svc run`: the Cluster service of one node as a process.
//!
//! It finds out who it is (forms a cluster, joins one, or goes on with what is in its directory), makes certain that
//! nothing of an earlier life runs, starts the node and its REST API, prints one line of JSON when it is ready, and works
//! until it is told to stop: by SIGTERM, SIGINT, a client, or the end of the process that started it (`--parent-pipe`).

mod again;

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clusres::device::StoragePath;
use cluster_engine::NodeId;
use cluster_engine::replica::Stored;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::driver::clock::Clock;
use crate::driver::earlier::Life;
use crate::driver::exchange;
use crate::driver::force;
use crate::driver::identity::Identity;
use crate::driver::join;
use crate::driver::lab_door;
use crate::driver::log::{LogThread, LogWriter};
use crate::driver::node::Ending;
use crate::driver::start::{self, Folders, NodeSetting};
use crate::driver::wire::Membership;
use crate::driver::{Link, NodeHandle};
use again::Again;

/// How long an orderly stop may take when the process that started this one is gone.
const ORPHAN_LIMIT: Duration = Duration::from_secs(4);

/// The options of `run`.
#[derive(Clone, Debug, Parser)]
#[command(name = "run", about = "Runs the Cluster service of one node", disable_version_flag = true)]
pub struct RunOptions {
    /// The name of the node: letters, digits, hyphens and underscores, 15 at most.
    #[arg(long)]
    pub node: String,
    /// The node's own directory: identity, store, log, process files.
    #[arg(long)]
    pub dir: PathBuf,
    /// Form a new cluster with this node as its first.
    #[arg(long, conflicts_with = "join")]
    pub form: bool,
    /// The name of the new cluster.
    #[arg(long, default_value = "CLUSTER", requires = "form")]
    pub cluster_name: String,
    /// Join the cluster of the nodes at these addresses (where nodes listen for nodes); the first that answers counts.
    #[arg(long, num_args = 1..)]
    pub join: Vec<String>,
    /// Give up the store of this node, keep it aside, and fill a new one from the others. Needs --join.
    #[arg(long, requires = "join")]
    pub rebuild: bool,
    /// Force quorum (/FQ): this node forms a cluster alone, and what its store says is the truth. The other nodes give
    /// theirs up and join again.
    #[arg(long, visible_alias = "fq", conflicts_with_all = ["form", "join", "rejoin", "prevent_quorum"])]
    pub force_quorum: bool,
    /// Prevent quorum (/PQ): this node may join its cluster, and does nothing to form it.
    #[arg(long, visible_alias = "pq", conflicts_with_all = ["form", "join", "rejoin"])]
    pub prevent_quorum: bool,
    /// The past of this node was forced out: join its cluster again through one of these, for as long as it takes.
    #[arg(long, num_args = 1.., hide = true, conflicts_with_all = ["form", "join"])]
    pub rejoin: Vec<String>,
    /// Where to listen for other nodes. Port 0: the port of the last time, or any.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where to serve the REST API. Port 0: the port of the last time, or any.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub api: SocketAddr,
    /// The directory that all nodes of the cluster see [default: `shared` beside the node's directory].
    #[arg(long)]
    pub shared: Option<PathBuf>,
    /// End when standard input ends: the process that started this one is gone.
    #[arg(long)]
    pub parent_pipe: bool,
    /// The token with which a lab may cut this node's links.
    #[arg(long, hide = true)]
    pub lab_token: Option<String>,
    /// Links that are cut from the start: `ID`, `ID:in` or `ID:out`.
    #[arg(long, hide = true, value_parser = parse_link)]
    pub lab_cut: Vec<(u32, CutWay)>,
    /// SameSubnetDelay of a new cluster: milliseconds between heartbeats.
    #[arg(long, requires = "form", value_parser = clap::value_parser!(u32).range(250..=2000))]
    pub heartbeat: Option<u32>,
    /// SameSubnetThreshold of a new cluster: heartbeats missed until a node is down.
    #[arg(long, requires = "form", value_parser = clap::value_parser!(u32).range(3..=120))]
    pub threshold: Option<u32>,
    /// Record every event of this node into a new file, for the simulator.
    #[arg(long)]
    pub record: Option<PathBuf>,
}

/// Which way of a link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutWay {
    /// What comes from the other node.
    In,
    /// What goes to it.
    Out,
    /// Both.
    Both,
}

impl From<CutWay> for Link {
    fn from(way: CutWay) -> Link {
        match way {
            CutWay::In => Link { incoming_cut: true, outgoing_cut: false },
            CutWay::Out => Link { incoming_cut: false, outgoing_cut: true },
            CutWay::Both => Link { incoming_cut: true, outgoing_cut: true },
        }
    }
}

/// The line that a service prints when it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyLine {
    /// The node's name.
    pub node: String,
    /// Its id.
    pub id: u32,
    /// Where its REST API is, `http://127.0.0.1:PORT`.
    pub api: String,
    /// Where it listens for other nodes.
    pub peer: String,
    /// The process.
    pub pid: u32,
}

/// Runs a service with these arguments (the first is the first option, not the program); returns when it has stopped.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let all: Vec<OsString> = std::env::args_os().collect();
    let before = &all[..all.len().saturating_sub(arguments.len())];
    let words = std::iter::once(OsString::from("cluster-svc run")).chain(arguments);
    let options = match RunOptions::try_parse_from(words) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    diagnostics();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the system gives no event loop: {error}")),
    };
    let result = runtime.block_on(run(options));
    // Connections and readers that are still there end with the process.
    runtime.shutdown_background();
    match result {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        Ok(Ended::StartOver(again)) => failed(&again.replace_process(before)),
        Err(text) => failed(&text),
    }
}

/// How a service has ended.
#[derive(Debug)]
enum Ended {
    Stopped,
    StartOver(Again),
}

fn failed(text: &str) -> ExitCode {
    eprintln!("cluster-svc: {text}");
    ExitCode::FAILURE
}

/// `tracing` goes to the error output; `RUST_LOG` says what, warnings when it is not set.
pub fn diagnostics() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    // A second call in the same process changes nothing.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// Starts the service and works until it has stopped, or has to start over.
///
/// # Errors
/// In words: what went wrong and what to do.
async fn run(options: RunOptions) -> Result<Ended, String> {
    if let Some(fault) = join::fault_of(&options.node, "127.0.0.1:1") {
        return Err(fault);
    }
    for (name, address) in [("--listen", options.listen), ("--api", options.api)] {
        if !address.ip().is_loopback() {
            let why = "only loopback addresses are possible, because nodes talk without TLS; take 127.0.0.1:PORT";
            return Err(format!("{name} {address}: {why}"));
        }
    }
    let mut ends = watch_for_the_end(options.parent_pipe).map_err(|error| format!("signals: {error}"))?;
    let prepared = tokio::select! {
        prepared = prepare(&options) => prepared?,
        // Told to stop before there was a node: waiting for an earlier life, or for a sponsor.
        _ = ends.wait_for(|end| *end != End::NotYet) => return Ok(Ended::Stopped),
    };
    serve(prepared, &options, ends).await
}

/// A service that is ready to be started.
struct Prepared {
    setting: NodeSetting,
    log_thread: LogThread,
    api_listener: TcpListener,
    ready: ReadyLine,
}

async fn prepare(options: &RunOptions) -> Result<Prepared, String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let folders = Folders::make(&options.dir).map_err(|error| format!("{}: {error}", options.dir.display()))?;
    let shared_dir = make_shared(options, &folders).map_err(|error| format!("the shared directory: {error}"))?;
    let clock = Clock::start();
    let log_file = folders.log_file();
    let opened = LogWriter::open(&log_file, clock).map_err(|error| format!("{}: {error}", log_file.display()));
    let (log, log_thread) = opened?;
    let life = Life::begin(&folders.run, &log).await.map_err(|error| words(&error))?;

    let known = Identity::load(&folders.directory);
    let known = if options.rebuild { known.unwrap_or(None) } else { known.map_err(|error| words(&error))? };
    let last = |address: fn(&Identity) -> &String| known.as_ref().map(address).and_then(|text| text.parse().ok());
    let listener = bind(options.listen, last(|identity| &identity.address)).await?;
    let api_listener = bind(options.api, last(|identity| &identity.api_address)).await?;
    let text = |address: std::io::Result<SocketAddr>| address.map(|a| a.to_string()).map_err(|error| error.to_string());
    let (address, api_address) = (text(listener.local_addr())?, text(api_listener.local_addr())?);

    let mut identity = identify(options, known, &folders, &address, clock, &log).await?;
    exchange::finish(&folders, &mut identity).map_err(|error| words(&error))?;
    if options.force_quorum {
        log.warning("CS", "quorum is forced: this node forms its cluster alone (FixQuorum)".into());
        force::force_quorum(&folders, &mut identity).map_err(|error| words(&error))?;
    }
    identity.address.clone_from(&address);
    identity.api_address.clone_from(&api_address);
    identity.incarnation += 1;
    identity.save(&folders.directory).map_err(|error| words(&error))?;
    let ready = ReadyLine {
        node: identity.name.clone(),
        id: identity.node.0,
        api: format!("http://{api_address}"),
        peer: address,
        pid: std::process::id(),
    };
    let setting = NodeSetting {
        folders,
        identity,
        shared_dir,
        life,
        clock,
        log,
        listener,
        record: options.record.clone(),
        links: options.lab_cut.iter().map(|(node, way)| (NodeId(*node), (*way).into())).collect(),
        lab: options.lab_token.is_some(),
        prevent_quorum: options.prevent_quorum,
    };
    Ok(Prepared { setting, log_thread, api_listener, ready })
}

async fn serve(prepared: Prepared, options: &RunOptions, mut ends: watch::Receiver<End>) -> Result<Ended, String> {
    let Prepared { setting, log_thread, api_listener, ready } = prepared;
    let storage = StoragePath::of_node(&setting.folders.run);
    let is_told_to_end = ends.clone();
    let (handle, node) = start::start(setting).map_err(|error| error.to_string())?;
    let routes = routes(handle.clone(), storage, options.lab_token.clone());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(api_listener, routes).await {
            tracing::error!("the API has ended: {error}");
        }
    });
    tokio::spawn(async move {
        // The watcher lives as long as the process.
        let _ = ends.wait_for(|end| *end != End::NotYet).await;
        handle.stop();
        let _ = ends.wait_for(|end| *end == End::Now).await;
        handle.stop_now();
    });
    let line = serde_json::to_string(&ready).map_err(|error| error.to_string())?;
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
    let result = node.await;
    // Tasks of connections still hold writers of the log; what has been told is written within this time.
    let _ = tokio::time::timeout(LOG_LIMIT, tokio::task::spawn_blocking(move || log_thread.finish())).await;
    match result? {
        Ending::Rejoin(rejoin) if *is_told_to_end.borrow() == End::NotYet => {
            Ok(Ended::StartOver(Again::new(options, &ready, &rejoin)))
        }
        Ending::Rejoin(_) | Ending::Stopped => Ok(Ended::Stopped),
    }
}

/// How long the last lines of the log may take.
const LOG_LIMIT: Duration = Duration::from_millis(200);

fn routes(handle: NodeHandle, storage: StoragePath, lab_token: Option<String>) -> axum::Router {
    let routes = crate::rpc::router(handle.clone()).merge(crate::api::router(handle.clone()));
    match lab_token {
        Some(token) => routes.merge(lab_door::routes(handle, storage, token)),
        None => routes,
    }
}

/// Finds out who this node is.
async fn identify(
    options: &RunOptions,
    known: Option<Identity>,
    folders: &Folders,
    address: &str,
    clock: Clock,
    log: &LogWriter,
) -> Result<Identity, String> {
    let directory = folders.directory.display();
    let earlier_lives = known.as_ref().map_or(0, |identity| identity.incarnation);
    let settle = |membership: &Membership| {
        let settled = start::settle(folders, &options.node, address, membership, &Stored::empty(), earlier_lives);
        settled.map_err(|error| error.to_string())
    };
    if let Some(known) = known.as_ref().filter(|_| !options.rejoin.is_empty()) {
        let membership = again::rejoin(&options.rejoin, known, address, log).await;
        return settle(&membership);
    }
    if let Some(identity) = known.filter(|_| !options.rebuild) {
        if options.form || !options.join.is_empty() {
            return Err(format!(
                "{directory} belongs to node '{}' of a cluster already; start it without --form and --join, or with another --dir",
                identity.name
            ));
        }
        if !identity.name.eq_ignore_ascii_case(&options.node) {
            return Err(format!(
                "{directory} belongs to node '{}', not '{}'; name the right one",
                identity.name, options.node
            ));
        }
        return Ok(identity);
    }
    if options.form {
        let setting = |name: &str, value: Option<u32>| value.map(|value| (name.to_owned(), value));
        let properties =
            [setting("SameSubnetDelay", options.heartbeat), setting("SameSubnetThreshold", options.threshold)];
        let properties = properties.into_iter().flatten().collect();
        return start::form(folders, &options.node, &options.cluster_name, address, properties, clock.now())
            .map_err(|error| error.to_string());
    }
    if options.join.is_empty() {
        return Err(format!(
            "{directory} holds no node yet; add --form for a new cluster, or --join ADDRESS of a member"
        ));
    }
    let membership = join::join(&options.join, &options.node, address).await.map_err(|error| error.to_string())?;
    settle(&membership)
}

fn make_shared(options: &RunOptions, folders: &Folders) -> std::io::Result<PathBuf> {
    let shared = match (&options.shared, folders.directory.parent()) {
        (Some(shared), _) => shared.clone(),
        (None, Some(parent)) => parent.join("shared"),
        (None, None) => folders.directory.join("shared"),
    };
    std::fs::create_dir_all(&shared)?;
    shared.canonicalize()
}

/// Listens at `wanted`; with port 0 at the port of the last time, if it is free.
async fn bind(wanted: SocketAddr, last: Option<SocketAddr>) -> Result<TcpListener, String> {
    if let Some(last) = last.filter(|last| wanted.port() == 0 && last.ip() == wanted.ip())
        && let Ok(listener) = TcpListener::bind(last).await
    {
        return Ok(listener);
    }
    TcpListener::bind(wanted)
        .await
        .map_err(|error| format!("cannot listen on {wanted}: {error}; take another port, or port 0 for any"))
}

/// Whether the service was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    NotYet,
    /// In an orderly way.
    Orderly,
    /// Without giving up anything to others first.
    Now,
}

/// Listens for signals, and for the end of the parent.
fn watch_for_the_end(parent_pipe: bool) -> std::io::Result<watch::Receiver<End>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (told, ends) = watch::channel(End::NotYet);
    let (orphaned, orphan) = oneshot::channel();
    let kept = if parent_pipe {
        std::thread::Builder::new().name("parent".into()).spawn(move || {
            // What comes is of no interest; the end, or an error, means that the parent is gone.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = orphaned.send(());
        })?;
        None
    } else {
        Some(orphaned)
    };
    tokio::spawn(async move {
        // Never told when nobody watches the parent: the sender lives as long as this task.
        let _kept = kept;
        let is_orphan = tokio::select! {
            _ = terminate.recv() => false,
            _ = interrupt.recv() => false,
            _ = orphan => true,
        };
        told.send_replace(End::Orderly);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = tokio::time::sleep(ORPHAN_LIMIT), if is_orphan => {}
        }
        told.send_replace(End::Now);
        // The receivers must not believe that nobody watches any more.
        told.closed().await;
    });
    Ok(ends)
}

fn parse_link(text: &str) -> Result<(u32, CutWay), String> {
    let (id, way) = match text.split_once(':') {
        None => (text, CutWay::Both),
        Some((id, "in")) => (id, CutWay::In),
        Some((id, "out")) => (id, CutWay::Out),
        Some(_) => return Err("write ID, ID:in or ID:out".into()),
    };
    id.parse().map(|id| (id, way)).map_err(|_| "write ID, ID:in or ID:out".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let check = |words: &[&str], is_good: bool| {
            let all = ["run", "--node", "n1", "--dir", "d"].iter().chain(words);
            assert_eq!(RunOptions::try_parse_from(all).is_ok(), is_good, "{words:?}");
        };
        check(&[], true);
        check(&["--form"], true);
        check(&["--form", "--heartbeat", "250", "--threshold", "4"], true);
        check(&["--join", "127.0.0.1:1", "127.0.0.1:2"], true);
        check(&["--join", "127.0.0.1:1", "--rebuild"], true);
        check(&["--lab-cut", "2", "--lab-cut", "3:in", "--lab-cut", "3:out"], true);
        check(&["--form", "--join", "127.0.0.1:1"], false);
        check(&["--rebuild"], false);
        check(&["--force-quorum"], true);
        check(&["--fq"], true);
        check(&["--pq", "--lab-token", "t"], true);
        check(&["--fq", "--prevent-quorum"], false);
        check(&["--form", "--force-quorum"], false);
        check(&["--join", "127.0.0.1:1", "--pq"], false);
        check(&["--heartbeat", "250"], false);
        check(&["--form", "--heartbeat", "10"], false);
        check(&["--lab-cut", "2:both"], false);
        check(&["--listen", "localhost"], false);
    }

    #[tokio::test]
    async fn what_cannot_be_is_told_with_a_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = |words: &[&str]| {
            let dir = folder.path().join("n1").display().to_string();
            let all = ["run", "--dir", &dir].into_iter().chain(words.iter().copied());
            RunOptions::try_parse_from(all.map(str::to_owned).collect::<Vec<_>>()).expect("good options")
        };
        let check = async |words: &[&str], part: &str| {
            let error = run(options(words)).await.expect_err(part);
            assert!(error.contains(part), "{error}");
        };
        check(&["--node", "n 1"], "no name for a node").await;
        check(&["--node", "n1", "--listen", "0.0.0.0:0"], "--listen 0.0.0.0:0").await;
        check(&["--node", "n1"], "--form for a new cluster").await;
        check(&["--node", "n1", "--force-quorum"], "--form for a new cluster").await;
        let folders = Folders::make(&folder.path().join("n1")).expect("made");
        start::form(&folders, "n1", "CL", "127.0.0.1:1", Vec::new(), Clock::start().now()).expect("formed");
        check(&["--node", "n2"], "belongs to node 'n1'").await;
        check(&["--node", "n1", "--form"], "without --form").await;
    }
}
