//! The stage that is a lab of real processes.
//!
//! The lab is started as `cluster up` starts one, in a directory of its own that is gone at the end. What the script does
//! goes through the lab's address, as a user's commands would: kill is SIGKILL, freeze is SIGSTOP, wires and storage paths
//! are cut by the lab. Resources are played by the library `stand-in`, which takes, fails and hangs as it is told. Time is
//! real: waits take as long as they say, and what is expected may come a moment later, because news take a while.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | the [`Stage`]: each step, and the end of everything |
//! | `lines` | requests to the lab and to its nodes |
//! | `sight` | what the nodes answer at one moment, and when they are at rest |
//! | `looks` | what is true |
//! | `prepare` | groups, resources, devices |
//! | `acts` | orders and faults |
//! | `ear` | hears what the nodes tell |
//! | `hosts` | no resource on two nodes |

mod acts;
mod ear;
mod hosts;
mod lines;
mod looks;
mod prepare;
mod sight;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_engine::quorum::Witness;
use cluster_engine::{Millis, Refusal};
use cluster_sim::scenario::entry::Entry;
use cluster_sim::scenario::opening::Opening;
use cluster_sim::scenario::script::{Condition, Fault, Heard, Moment, Order, Preparation, Script};
use cluster_sim::scenario::{Report, Stage, play};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::ear::Ear;
use self::hosts::Hosts;
use self::lines::Lines;
use crate::driver::clock::Clock;
use crate::lab::RunningLab;

/// An expectation may come true so much later.
const TOLERANCE: Duration = Duration::from_secs(3);
/// A wait may take so much longer than it says.
const SLACK: Duration = Duration::from_secs(15);
/// How long the preparations may take to come to rest.
const PREPARED_WITHIN: Duration = Duration::from_secs(90);
/// How often it is looked whether a condition holds.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long news take at most until they are heard here.
const NEWS_DELAY: Duration = Duration::from_millis(300);

/// How to play.
#[derive(Clone, Debug)]
pub(in crate::cli) struct RealOptions {
    /// Where directories are made.
    pub(in crate::cli) folder: PathBuf,
    /// The library `stand-in`.
    pub(in crate::cli) library: PathBuf,
    /// The directory stays, with the logs of the nodes.
    pub(in crate::cli) keep: bool,
}

/// How it went.
pub(in crate::cli) struct RealReport {
    pub(in crate::cli) report: Report,
    /// The directory, when it was kept.
    pub(in crate::cli) kept: Option<PathBuf>,
    /// A signal broke it off.
    pub(in crate::cli) is_interrupted: bool,
}

/// Plays a script with real processes. When this returns nothing of them is left.
///
/// # Errors
/// In words, when it cannot even begin.
pub(in crate::cli) fn play_real(script: &Script, options: &RealOptions) -> Result<RealReport, String> {
    let mut real = Real::new(options)?;
    let failures = play(script, &mut real);
    real.close();
    let report = Report::of(failures, &real);
    let kept = options.keep.then(|| real.directory.clone());
    Ok(RealReport { report, kept, is_interrupted: *real.interrupt.borrow() })
}

/// The stage.
struct Real {
    runtime: Runtime,
    interrupt: watch::Receiver<bool>,
    directory: PathBuf,
    library: PathBuf,
    keep: bool,
    clock: Clock,
    lab: Option<RunningLab>,
    cast: Cast,
    opening: Option<Opening>,
    /// Copied at the end.
    entries: Vec<Entry>,
}

/// Who plays, and what has been done to them.
struct Cast {
    lines: Lines,
    ear: Ear,
    hosts: Arc<Mutex<Hosts>>,
    clock: Clock,
    nodes: Vec<String>,
    /// The folder of each resource.
    resources: BTreeMap<String, PathBuf>,
    devices: BTreeMap<String, Witness>,
    groups: BTreeSet<String>,
    /// Pairs of nodes between which something is cut.
    cuts: BTreeSet<(String, String)>,
    writes: u32,
    /// Values that were acknowledged.
    kept: Vec<String>,
    heard: Option<Heard>,
    /// Quorum was forced: what was acknowledged elsewhere may be gone.
    is_forced: bool,
}

impl Real {
    fn new(options: &RealOptions) -> Result<Real, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the system gives no event loop: {error}"))?;
        let (told, interrupt) = watch::channel(false);
        let hears = |kind| {
            let _inside = runtime.enter();
            signal(kind).map_err(|error| format!("signals cannot be heard: {error}"))
        };
        let (mut one, mut other) = (hears(SignalKind::interrupt())?, hears(SignalKind::terminate())?);
        runtime.spawn(async move {
            tokio::select! {
                _ = one.recv() => {}
                _ = other.recv() => {}
            }
            told.send_replace(true);
        });
        let name = format!("wolfden-scenario-{}", uuid::Uuid::new_v4().simple());
        let directory = options.folder.join(name);
        std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let clock = Clock::start();
        let cast = Cast {
            lines: Lines::new()?,
            ear: Ear::default(),
            hosts: Arc::default(),
            clock,
            nodes: Vec::new(),
            resources: BTreeMap::new(),
            devices: BTreeMap::new(),
            groups: BTreeSet::new(),
            cuts: BTreeSet::new(),
            writes: 0,
            kept: Vec::new(),
            heard: None,
            is_forced: false,
        };
        let (library, keep) = (options.library.clone(), options.keep);
        let (lab, opening, entries) = (None, None, Vec::new());
        Ok(Real { runtime, interrupt, directory, library, keep, clock, lab, cast, opening, entries })
    }

    /// Does something unless a signal comes first.
    fn go<T>(&mut self, work: impl AsyncFnOnce(&mut Cast) -> Result<T, String>) -> Result<T, String> {
        let mut interrupt = self.interrupt.clone();
        let cast = &mut self.cast;
        let done = self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupt.wait_for(|is_told| *is_told) => Err("it was broken off by a signal".to_owned()),
                done = work(cast) => done,
            }
        })?;
        match self.cast.hosts.lock().ok().and_then(|hosts| hosts.broken.clone()) {
            Some(broken) => Err(format!("the promise one_host was broken: {broken}")),
            None => Ok(done),
        }
    }

    /// Ends everything that was started, and removes what it left.
    fn close(&mut self) {
        self.entries = self.cast.ear.entries();
        if let Some(lab) = self.lab.take() {
            self.runtime.block_on(async {
                let is_impatient = *self.interrupt.borrow();
                if is_impatient { lab.abandon().await } else { lab.stop().await }
            });
        }
        if !self.keep
            && let Err(error) = std::fs::remove_dir_all(&self.directory)
        {
            tracing::warn!("{} was not removed: {error}", self.directory.display());
        }
    }

    /// Starts the lab with its nodes.
    fn nodes(&mut self, count: u32) -> Result<(), String> {
        let options = crate::lab::LabOptions {
            nodes: count,
            dir: Some(self.directory.clone()),
            port: 0,
            recover_after: None,
            announce: false,
            ..crate::lab::LabOptions::default()
        };
        let lab = self.runtime.block_on(RunningLab::new(options)).map_err(|error| error.to_string())?;
        // Known from here on, so that whatever happens it is ended.
        let lab = self.lab.insert(lab);
        let mut interrupt = self.interrupt.clone();
        self.runtime.block_on(async {
            tokio::select! {
                _ = interrupt.wait_for(|is_told| *is_told) => Err("it was broken off by a signal".to_owned()),
                started = lab.start() => started.map(drop).map_err(|error| error.to_string()),
            }
        })?;
        self.cast.nodes = (1..=count).map(|number| format!("n{number}")).collect();
        self.cast.lines.url = lab.url().to_owned();
        let (library, directory) = (self.library.clone(), self.directory.clone());
        self.go(async |cast| {
            cast.listen();
            cast.register(&library, &directory).await
        })
    }
}

impl Drop for Real {
    /// Nothing is left, also when something above went wrong.
    fn drop(&mut self) {
        if self.lab.is_some() || (!self.keep && self.directory.exists()) {
            self.close();
        }
    }
}

impl Stage for Real {
    fn prepare(&mut self, what: &Preparation) -> Result<(), String> {
        let directory = self.directory.clone();
        match what {
            Preparation::Nodes { count, .. } => self.nodes(*count),
            Preparation::Group { name, on, preferred, values } => {
                self.go(async |cast| cast.group(name, on, preferred, values).await)
            }
            Preparation::Resource { name, group, depends, possible, values } => {
                self.go(async |cast| cast.resource(&directory, name, group, depends, possible, values).await)
            }
            Preparation::Device { name, kind, span } => self.go(async |cast| cast.device(name, *kind, *span).await),
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        self.go(async |cast| cast.wait(&Condition::Settled, PREPARED_WITHIN).await)?;
        let now = self.clock.now();
        self.cast.ear.diary(|diary| diary.begin(now));
        self.opening = Some(self.go(async |cast| cast.picture().await)?);
        Ok(())
    }

    fn pass(&mut self, to: Moment) -> Result<(), String> {
        let now = self.clock.now();
        let began = self.cast.ear.diary(|diary| diary.began()).unwrap_or(now);
        let until = match to {
            Moment::At(span) => began + span,
            Moment::After(span) => now + span,
            Moment::Clock(_) => return Err("the time of day is that of this computer".to_owned()),
        };
        // Real acts take their time, so a moment that is just over is no mistake of the script.
        self.go(async |_| {
            tokio::time::sleep(Duration::from_millis(until.since(now).0)).await;
            Ok(())
        })
    }

    fn ask(&mut self, order: &Order, text: &str) -> Result<Result<(), Refusal>, String> {
        self.cast.told(text);
        let answer = self.go(async |cast| cast.order(order).await)?;
        if let Err(refusal) = &answer {
            let now = self.clock.now();
            self.cast.ear.diary(|diary| diary.refused(now, refusal));
        }
        Ok(answer)
    }

    fn strike(&mut self, fault: &Fault, text: &str) -> Result<(), String> {
        self.cast.told(text);
        self.go(async |cast| cast.strike(fault).await)
    }

    fn write(&mut self, node: &str, text: &str) -> Result<(), String> {
        self.cast.told(text);
        self.go(async |cast| cast.write(node).await)
    }

    fn wait(&mut self, condition: &Condition, within: Millis) -> Result<(), String> {
        let limit = Duration::from_millis(within.0) + SLACK;
        self.go(async |cast| cast.wait(condition, limit).await)
    }

    fn look(&mut self, condition: &Condition) -> Result<(), String> {
        self.go(async |cast| cast.come_true(condition, TOLERANCE).await)
    }

    fn look_not(&mut self, condition: &Condition) -> Result<(), String> {
        self.go(async |cast| cast.come_untrue(condition, TOLERANCE).await)
    }

    fn end(&mut self) -> Result<(), String> {
        self.go(async |cast| cast.check_kept().await)
    }

    fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Cast {
    /// The script does something.
    fn told(&self, text: &str) {
        let now = self.clock.now();
        self.ear.diary(|diary| diary.act(now, text));
    }

    /// Begins to hear what the nodes tell, and to watch where resources run.
    fn listen(&self) {
        for node in &self.nodes {
            self.ear.listen(self.lines.clone(), node.clone());
        }
        tokio::spawn(hosts::run(Arc::clone(&self.hosts)));
    }
}

/// Where the folder of a resource is.
fn stage_folder(directory: &Path, number: usize) -> PathBuf {
    directory.join("stage").join(number.to_string())
}
