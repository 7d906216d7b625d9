//! The store of the quorum witness, while this node hosts it: on the quorum device, not on a disk of this node.
//!
//! One thread owns it and does what the engine asks for in the order in which it was asked; the node's task never waits
//! for the device. The rules that make a moving voter safe are those of docs/witness.md, and each is kept in one place:
//!
//! - R1: each epoch has a folder of its own, made by a copy ([`device`]).
//! - R2, R3: what waits is written, made durable with one flush, then the ownership is read anew, and only then is
//!   anything said: that it is durable, that the witness is still here, or a message of the witness ([`Host::settle`]).
//! - R6: after the first failed check, and after any error, the store is closed, the loss is said once, and nothing more
//!   for that epoch.
//!
//! A device can hang for ever, and its thread with it. So each take begins a new *session*, and so does giving up; what the
//! thread still says about an older one is dropped ([`Witness::is_current`]).

mod device;
mod place;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use clusres::device::StoragePath;
use cluster_engine::replica::{Stored, VoterId, Write};
use cluster_engine::{Event, NodeId, PeerMessage, Time};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::log::LogWriter;
use super::store::{StoreFailure, StoreFile};
use device::{Claim, Copied, Device, Trouble};
pub(super) use place::Place;

/// How many wishes of the engine may wait for the device. Beyond it messages are dropped, and anything that cannot be
/// dropped ends the hosting: a device that is so slow is no witness.
const QUEUE_JOBS: usize = 1024;
/// How many waiting wishes share one flush and one look at the ownership.
const GROUP_JOBS: usize = 64;

/// What the thread has to know.
#[derive(Clone)]
pub(super) struct WitnessSetting {
    /// This node.
    pub(super) node: NodeId,
    /// The directory that all nodes see.
    pub(super) shared_dir: PathBuf,
    /// This node's way to the device.
    pub(super) storage: StoragePath,
    /// The cluster log.
    pub(super) log: LogWriter,
}

/// A store to be taken.
#[derive(Clone, Debug)]
pub(super) struct Take {
    /// The attempt.
    pub(super) round: u64,
    /// Where it lies.
    pub(super) place: Place,
    /// Whose it is.
    pub(super) voter: VoterId,
    /// There need not be one yet.
    pub(super) may_create: bool,
}

/// Something for the thread to do.
enum Job {
    Take { session: u64, take: Take },
    Work(Work),
    End,
}

/// Something to do with the open store.
enum Work {
    Persist { epoch: u64, n: u64, writes: Vec<Write> },
    Send { epoch: u64, to: NodeId, message: PeerMessage },
    Check { epoch: u64, stamp: Time },
}

impl Work {
    fn epoch(&self) -> u64 {
        match self {
            Work::Persist { epoch, .. } | Work::Send { epoch, .. } | Work::Check { epoch, .. } => *epoch,
        }
    }
}

/// What the thread says.
pub(super) struct WitnessNews {
    session: u64,
    /// What it is.
    pub(super) what: Said,
}

/// The kinds of news.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// For the engine.
    Event(Event),
    /// The ownership was checked: send this as the witness.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: PeerMessage,
    },
}

/// The node's side. Nothing here waits.
pub(super) struct Witness {
    setting: WitnessSetting,
    session: u64,
    jobs: Option<Sender<Job>>,
    news: UnboundedSender<WitnessNews>,
    waiting: Arc<AtomicUsize>,
    /// Something was asked for since the last End.
    is_asked: bool,
}

impl Witness {
    /// Nothing is open; the thread is started with the first take. The second value brings its news.
    pub(super) fn new(setting: WitnessSetting) -> (Witness, UnboundedReceiver<WitnessNews>) {
        let (news, heard) = unbounded_channel();
        (Witness { setting, session: 0, jobs: None, news, waiting: Arc::default(), is_asked: false }, heard)
    }

    /// Takes the store. Whatever was open is closed.
    pub(super) fn take(&mut self, take: Take) {
        self.session += 1;
        let started = if self.jobs.is_none() { self.start().map_err(|error| error.to_string()) } else { Ok(()) };
        let fault = match started {
            Err(error) => format!("the thread of the witness cannot be started: {error}"),
            Ok(()) if self.is_full() => "the quorum device has not answered for a long time".into(),
            Ok(()) => return self.push(Job::Take { session: self.session, take }),
        };
        self.say(Event::WitnessRefused { round: take.round, missing: false, text: fault });
    }

    /// Writes, and says when it is durable.
    pub(super) fn persist(&mut self, epoch: u64, n: u64, writes: Vec<Write>) {
        self.work(Work::Persist { epoch, n, writes });
    }

    /// Sends a message as the witness.
    pub(super) fn send(&mut self, epoch: u64, to: NodeId, message: PeerMessage) {
        if !self.is_full() {
            self.work(Work::Send { epoch, to, message });
        }
    }

    /// Says whether the ownership still is this node's.
    pub(super) fn check(&mut self, epoch: u64, stamp: Time) {
        self.work(Work::Check { epoch, stamp });
    }

    /// Closes whatever is open or about to be. Nothing more is said.
    pub(super) fn end(&mut self) {
        self.session += 1;
        // A device that hangs gets no more than one End for each take: takes are refused when too much waits.
        if std::mem::take(&mut self.is_asked) {
            self.push(Job::End);
        }
    }

    /// Does this belong to the present take? Else it is to be dropped.
    pub(super) fn is_current(&self, news: &WitnessNews) -> bool {
        news.session == self.session
    }

    fn start(&mut self) -> std::io::Result<()> {
        // Bounded by `QUEUE_JOBS`.
        let (jobs, queue) = channel();
        let (setting, news, waiting) = (self.setting.clone(), self.news.clone(), Arc::clone(&self.waiting));
        let thread = std::thread::Builder::new().name("witness".into());
        thread.spawn(move || Host { setting, news, open: None }.carry_out(&queue, &waiting))?;
        self.jobs = Some(jobs);
        Ok(())
    }

    fn work(&mut self, work: Work) {
        if !self.is_full() {
            return self.push(Job::Work(work));
        }
        let text = format!("{QUEUE_JOBS} writes and checks wait for the quorum device already; it is too slow");
        let event = Event::WitnessLost { epoch: work.epoch(), text };
        self.end();
        self.say(event);
    }

    fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Acquire) >= QUEUE_JOBS
    }

    fn say(&self, event: Event) {
        // Heard by the node's task, which this belongs to.
        let _ = self.news.send(WitnessNews { session: self.session, what: Said::Event(event) });
    }

    fn push(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs {
            self.is_asked = !matches!(job, Job::End);
            self.waiting.fetch_add(1, Ordering::AcqRel);
            // The thread goes on until this end is dropped.
            let _ = jobs.send(job);
        }
    }
}

/// The thread's side.
struct Host {
    setting: WitnessSetting,
    news: UnboundedSender<WitnessNews>,
    open: Option<Open>,
}

/// The store that this node hosts.
struct Open {
    session: u64,
    device: Device,
    claim: Claim,
    voter: VoterId,
    file: StoreFile,
    source: Option<u64>,
    /// Up to where the log was known to be committed when the store was taken; `None` once that has grown.
    committed: Option<u64>,
}

impl Host {
    fn carry_out(&mut self, queue: &Receiver<Job>, waiting: &AtomicUsize) {
        while let Ok(first) = queue.recv() {
            let mut works = Vec::new();
            for job in std::iter::once(first).chain(queue.try_iter().take(GROUP_JOBS)) {
                waiting.fetch_sub(1, Ordering::AcqRel);
                match job {
                    Job::Work(work) => works.push(work),
                    Job::Take { session, take } => {
                        self.settle(std::mem::take(&mut works));
                        self.take(session, &take);
                    }
                    Job::End => {
                        self.settle(std::mem::take(&mut works));
                        self.open = None;
                    }
                }
            }
            self.settle(works);
        }
    }

    fn say(&self, session: u64, what: Said) {
        // The node's task may have ended.
        let _ = self.news.send(WitnessNews { session, what });
    }

    fn take(&mut self, session: u64, take: &Take) {
        self.open = None;
        let round = take.round;
        let setting = &self.setting;
        let taken = catch_unwind(AssertUnwindSafe(|| open(setting, session, take)));
        let event = match taken {
            Ok(Ok((open, stored))) => {
                let epoch = open.claim.epoch;
                self.open = Some(open);
                Event::WitnessTaken { round, epoch, stored: Box::new(stored) }
            }
            Ok(Err(trouble)) => {
                let missing = matches!(trouble, Trouble::Missing { .. });
                Event::WitnessRefused { round, missing, text: trouble.to_string() }
            }
            Err(_) => {
                let text = "taking the witness's store broke off; this is a fault of Wolfden, see the error output";
                Event::WitnessRefused { round, missing: false, text: text.into() }
            }
        };
        self.say(session, Said::Event(event));
    }

    /// Does what waits, in three parts: write and flush everything; read the ownership; say everything, in order.
    fn settle(&mut self, works: Vec<Work>) {
        let Some(open) = &mut self.open else { return };
        let (session, epoch) = (open.session, open.claim.epoch);
        let works: Vec<Work> = works.into_iter().filter(|work| work.epoch() == epoch).collect();
        if works.is_empty() {
            return;
        }
        let done = catch_unwind(AssertUnwindSafe(|| open.make_durable(&works)));
        let lost = match done {
            Ok(Ok(())) => None,
            Ok(Err(trouble)) => Some(trouble.to_string()),
            Err(_) => Some("writing the witness's store broke off; this is a fault of Wolfden".to_owned()),
        };
        if let Some(text) = lost {
            self.open = None;
            self.setting.log.warning("QUORUM", format!("the witness of epoch {epoch} is closed: {text}"));
            return self.say(session, Said::Event(Event::WitnessLost { epoch, text }));
        }
        let mut is_commit = false;
        for work in works {
            let what = match work {
                Work::Persist { n, writes, .. } => {
                    is_commit |= open.commits(&writes);
                    Said::Event(Event::WitnessPersisted { epoch, n })
                }
                Work::Send { to, message, .. } => Said::Send { to, message },
                Work::Check { stamp, .. } => Said::Event(Event::WitnessChecked { epoch, stamp }),
            };
            // As `say`, which cannot be called while the store is borrowed.
            let _ = self.news.send(WitnessNews { session, what });
        }
        if is_commit {
            open.device.tidy(&open.claim, open.voter, open.source);
        }
    }
}

/// Wins the store: raise the epoch, copy, make the copy count, open it, and see that nobody was faster.
fn open(setting: &WitnessSetting, session: u64, take: &Take) -> Result<(Open, Stored), Trouble> {
    let device = device_of(&setting.shared_dir, &setting.storage, &take.place)?;
    let claim = device.claim(setting.node)?;
    let Copied { source } = device.copy_newest(&claim, take.voter, take.may_create)?;
    device.complete_copy(&claim, take.voter)?;
    let (file, stored) = device.open(&claim, take.voter)?;
    device.check(&claim)?;
    device.tidy_a_little(take.voter);
    let committed = Some(stored.hard.commit);
    Ok((Open { session, device, claim, voter: take.voter, file, source, committed }, stored))
}

fn device_of(shared_dir: &Path, storage: &StoragePath, place: &Place) -> Result<Device, Trouble> {
    // Looking for the folder touches the device already.
    storage.check().map_err(|failure| Trouble::Cut(failure.to_string()))?;
    let folder = place.folder(shared_dir).map_err(Trouble::Store)?;
    Ok(Device::new(folder, storage.clone()))
}

impl Open {
    fn make_durable(&mut self, works: &[Work]) -> Result<(), Trouble> {
        let failed = |failure: StoreFailure| Trouble::Store(device::words(&failure));
        let mut is_written = false;
        for work in works {
            if let Work::Persist { writes, .. } = work {
                self.file.write(writes).map_err(|error| failed(error.into()))?;
                is_written = true;
            }
        }
        if is_written {
            self.file.flush().map_err(|error| failed(error.into()))?;
        }
        self.device.check(&self.claim)
    }

    /// True once: with the first batch that knows more to be committed than was known at the take.
    fn commits(&mut self, writes: &[Write]) -> bool {
        let Some(before) = self.committed else { return false };
        let grows = writes.iter().any(|write| match write {
            Write::Hard(hard) => hard.commit > before,
            Write::Entries(_) | Write::Snapshot(_) | Write::Compact(_) => false,
        });
        if grows {
            self.committed = None;
        }
        grows
    }
}

#[cfg(test)]
mod tests;
