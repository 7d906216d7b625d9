//! The quorum device as the witness uses it: who owns it, and which stores of which voter lie on it (docs/witness.md).
//!
//! | name in the folder | what it is |
//! |---|---|
//! | `owner-<epoch>.json` | the ownership: the greatest epoch counts |
//! | `voter-<id>/e<epoch>` | the store that this voter had in this epoch, complete |
//! | `voter-<id>/e<epoch>.tmp` | a copy that is being made, or never got finished |
//!
//! An epoch is claimed by publishing a file name that must not exist yet, like a version of a reservation. A process that
//! was stopped on its way and wakes up much later finds its number taken, or far behind; it can never put the ownership
//! back. With one file that is replaced it could, and then a store that is not the newest would pass for it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clusreg::store::{StoreError, copy_store};
use clusres::device::{StoragePath, publish_new};
use cluster_engine::NodeId;
use cluster_engine::replica::{Stored, VoterId};
use serde::{Deserialize, Serialize};

use crate::driver::store::{StoreFailure, StoreFile};

/// How often a store is copied that cannot be opened: its owner may have been writing meanwhile.
const COPIES: u32 = 5;
/// How often an epoch is claimed anew because others claim them too.
const CLAIMS: u32 = 16;
/// Who was overtaken steps aside for a random part of this, times its tries so far: of many, each gets its turn.
const STEP_ASIDE_MICROS: u64 = 4_000;
/// How many files of former owners stay, for people and for processes that list them just now.
const OWNERS_KEPT: u64 = 8;
/// How many complete stores of a voter stay at least when it is taken again before anything was committed.
const STORES_KEPT: usize = 3;
/// The largest file of an owner that is believed, in bytes.
const OWNER_BYTES: u64 = 4096;

/// Why the device, or the store on it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The way to it is cut.
    #[error("{0}")]
    Cut(String),
    /// The system refused something.
    #[error("{path}: {error}; see that the quorum device is connected, may be written and has room")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Somebody else owns it.
    #[error("the ownership went to node {host} with epoch {newer}; epoch {epoch} is over")]
    Fenced {
        /// Ours.
        epoch: u64,
        /// Theirs.
        newer: u64,
        /// Who.
        host: NodeId,
    },
    /// What says that it is ours is gone.
    #[error("what said that epoch {epoch} owns {folder} is gone: the device was emptied or replaced")]
    Emptied {
        /// Ours.
        epoch: u64,
        /// The folder.
        folder: PathBuf,
    },
    /// Too many claim it at once.
    #[error("the ownership of {0} changes all the time; see which nodes arbitrate for it")]
    Contested(PathBuf),
    /// There is no store of this voter.
    #[error("there is no store of {voter} in {folder}: the device was emptied or replaced")]
    Missing {
        /// The voter.
        voter: VoterId,
        /// The folder.
        folder: PathBuf,
    },
    /// The store on it.
    #[error("{0}; to give the witness a new store choose another quorum and then this one again (cluster quorum set)")]
    Store(String),
}

/// The ownership that this process has, or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The ownership epoch.
    pub(super) epoch: u64,
    /// The node.
    host: NodeId,
    /// Differs for every claim.
    key: String,
}

/// The folder on the device, and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Device {
    folder: PathBuf,
    storage: StoragePath,
}

/// What became of [`Device::copy_newest`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// The epoch of the store that was copied; `None` for a new store.
    pub(super) source: Option<u64>,
}

impl Device {
    /// The device whose folder for the witness is this one. Nothing is touched yet.
    pub(super) fn new(folder: PathBuf, storage: StoragePath) -> Device {
        Device { folder, storage }
    }

    /// Step 1 of a take: raises the ownership epoch, durably. Every former owner is fenced from then on.
    ///
    /// # Errors
    /// [`Trouble`]; nothing has changed then, or the epoch belongs to nobody who uses it.
    pub(super) fn claim(&self, host: NodeId) -> Result<Claim, Trouble> {
        self.reach()?;
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        for tried in 0..CLAIMS {
            let key = uuid::Uuid::new_v4();
            if tried > 0 {
                let random = key.as_u64_pair().0 % STEP_ASIDE_MICROS;
                std::thread::sleep(Duration::from_micros(random * u64::from(tried)));
            }
            let newest = self.newest_owner()?.unwrap_or(0).max(self.newest_store()?);
            let claim = Claim { epoch: newest + 1, host, key: key.simple().to_string() };
            let path = self.owner_path(claim.epoch);
            let text = serde_json::to_vec_pretty(&claim).expect("numbers and text are JSON");
            if publish_new(&path, &text).map_err(at(&path))? && self.newest_owner()? == Some(claim.epoch) {
                for old in 1..=OWNERS_KEPT {
                    // What is left behind is harmless, and the next claim tries again.
                    let _ = claim.epoch.checked_sub(OWNERS_KEPT + old).map(|old| fs::remove_file(self.owner_path(old)));
                }
                return Ok(claim);
            }
        }
        Err(Trouble::Contested(self.folder.clone()))
    }

    /// Reads the ownership anew: does it still belong to this claim?
    ///
    /// # Errors
    /// [`Trouble`]: it does not, or nobody can tell.
    pub(super) fn check(&self, claim: &Claim) -> Result<(), Trouble> {
        self.reach()?;
        let emptied = || Trouble::Emptied { epoch: claim.epoch, folder: self.folder.clone() };
        let newest = self.newest_owner()?.ok_or_else(emptied)?;
        let path = self.owner_path(newest);
        let owner = match read_owner(&path) {
            Ok(owner) => owner,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(emptied()),
            Err(error) => return Err(Trouble::Io { path, error }),
        };
        if owner == *claim {
            return Ok(());
        }
        Err(Trouble::Fenced { epoch: claim.epoch, newer: newest, host: owner.host })
    }

    /// Step 2: copies the newest complete store of `voter` to one that is not complete yet, and opens it to be certain that
    /// it is whole. A voter that has none gets an empty one if it `may_create`.
    ///
    /// # Errors
    /// [`Trouble`]; what may be left of the copy is never looked at again.
    pub(super) fn copy_newest(&self, claim: &Claim, voter: VoterId, may_create: bool) -> Result<Copied, Trouble> {
        self.copy_newest_by(copy_store, claim, voter, may_create)
    }

    fn copy_newest_by(
        &self,
        mut copy: impl FnMut(&Path, &Path) -> Result<(), StoreError>,
        claim: &Claim,
        voter: VoterId,
        may_create: bool,
    ) -> Result<Copied, Trouble> {
        self.reach()?;
        let folder = self.voter_folder(voter);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let source = self.stores(voter)?.complete.pop();
        let target = self.unfinished(voter, claim.epoch);
        let Some(source) = source else {
            if !may_create {
                return Err(Trouble::Missing { voter, folder });
            }
            remove(&target)?;
            StoreFile::create(&target, voter, &Stored::empty()).map_err(|failure| Trouble::Store(words(&failure)))?;
            return Ok(Copied { source: None });
        };
        let from = self.complete(voter, source);
        let mut last = String::new();
        for _ in 0..COPIES {
            remove(&target)?;
            let copied = copy(&from, &target).map_err(StoreFailure::from);
            match copied.and_then(|()| StoreFile::open(&target, voter)) {
                Ok(_) => return Ok(Copied { source: Some(source) }),
                Err(failure) => last = words(&failure),
            }
            // The cause may be that the device is gone, or somebody else's by now.
            self.check(claim)?;
        }
        Err(Trouble::Store(format!("{} could not be copied {COPIES} times: {last}", from.display())))
    }

    /// Step 3: the copy counts as complete from here on.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) fn complete_copy(&self, claim: &Claim, voter: VoterId) -> Result<(), Trouble> {
        let (from, to) = (self.unfinished(voter, claim.epoch), self.complete(voter, claim.epoch));
        fs::rename(&from, &to).map_err(at(&from))?;
        let folder = self.voter_folder(voter);
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(at(&folder))
    }

    /// Step 4: opens it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) fn open(&self, claim: &Claim, voter: VoterId) -> Result<(StoreFile, Stored), Trouble> {
        let folder = self.complete(voter, claim.epoch);
        StoreFile::open(&folder, voter).map_err(|failure| Trouble::Store(words(&failure)))
    }

    /// Something was committed with the store of `claim`: everything older than the one it was copied from may go.
    pub(super) fn tidy(&self, claim: &Claim, voter: VoterId, source: Option<u64>) {
        self.remove_before(voter, source.unwrap_or(claim.epoch).min(claim.epoch));
    }

    /// Takes over from each other without ever committing anything leave a store each: all but the newest few may go.
    pub(super) fn tidy_a_little(&self, voter: VoterId) {
        let Ok(Stores { complete, .. }) = self.stores(voter) else { return };
        if let Some(oldest) = complete.len().checked_sub(STORES_KEPT).and_then(|at| complete.get(at)) {
            self.remove_before(voter, *oldest);
        }
    }

    /// Removes stores of epochs below `first`. What cannot be removed stays: it takes room and does no harm.
    fn remove_before(&self, voter: VoterId, first: u64) {
        let Ok(Stores { complete, unfinished }) = self.stores(voter) else { return };
        for epoch in complete.into_iter().filter(|epoch| *epoch < first) {
            let _ = fs::remove_dir_all(self.complete(voter, epoch));
        }
        for epoch in unfinished.into_iter().filter(|epoch| *epoch < first) {
            let _ = fs::remove_dir_all(self.unfinished(voter, epoch));
        }
    }

    fn reach(&self) -> Result<(), Trouble> {
        self.storage.check().map_err(|failure| Trouble::Cut(failure.to_string()))
    }

    fn owner_path(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("owner-{epoch}.json"))
    }

    fn voter_folder(&self, voter: VoterId) -> PathBuf {
        self.folder.join(format!("voter-{}", voter.0))
    }

    fn complete(&self, voter: VoterId, epoch: u64) -> PathBuf {
        self.voter_folder(voter).join(format!("e{epoch}"))
    }

    fn unfinished(&self, voter: VoterId, epoch: u64) -> PathBuf {
        self.voter_folder(voter).join(format!("e{epoch}.tmp"))
    }

    fn newest_owner(&self) -> Result<Option<u64>, Trouble> {
        let names = names_in(&self.folder)?;
        let epoch = |name: &String| name.strip_prefix("owner-")?.strip_suffix(".json")?.parse::<u64>().ok();
        Ok(names.iter().filter_map(epoch).max())
    }

    /// The greatest epoch of any store of any voter; 0 for none. Somebody may have removed the owners and left these.
    fn newest_store(&self) -> Result<u64, Trouble> {
        let mut newest = 0;
        for voter in names_in(&self.folder)?.iter().filter_map(|name| name.strip_prefix("voter-")?.parse().ok()) {
            let Stores { complete, unfinished } = self.stores(VoterId(voter))?;
            newest = complete.into_iter().chain(unfinished).fold(newest, u64::max);
        }
        Ok(newest)
    }

    fn stores(&self, voter: VoterId) -> Result<Stores, Trouble> {
        let names = names_in(&self.voter_folder(voter))?;
        let numbers = |end: &str| {
            let number = |name: &String| name.strip_prefix('e')?.strip_suffix(end)?.parse::<u64>().ok();
            let mut found: Vec<u64> = names.iter().filter_map(number).collect();
            found.sort_unstable();
            found
        };
        Ok(Stores { complete: numbers(""), unfinished: numbers(".tmp") })
    }
}

/// The epochs of which there is a store, in order.
struct Stores {
    complete: Vec<u64>,
    unfinished: Vec<u64>,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Trouble {
    let path = path.to_owned();
    |error| Trouble::Io { path, error }
}

/// The names in a folder; none when it is missing.
fn names_in(folder: &Path) -> Result<Vec<String>, Trouble> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| Trouble::Io { path: folder.to_owned(), error })?.file_name();
        names.extend(name.into_string());
    }
    Ok(names)
}

fn read_owner(path: &Path) -> io::Result<Claim> {
    use io::Read;
    let mut text = Vec::new();
    File::open(path)?.take(OWNER_BYTES).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn remove(folder: &Path) -> Result<(), Trouble> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A failure of the store without the remedies of a node's own store, which do not help here.
pub(super) fn words(failure: &StoreFailure) -> String {
    match failure {
        StoreFailure::Store(error) => store_words(error),
        StoreFailure::Damaged { folder, reason } => {
            format!("the witness's store in {} is damaged: {reason}", folder.display())
        }
        StoreFailure::NotOurs { folder, found, expected } => {
            format!("the witness's store in {} {found}, not {expected}", folder.display())
        }
    }
}

/// The same for what the store itself says.
pub(super) fn store_words(error: &StoreError) -> String {
    match error {
        StoreError::Io { path, doing, reason } => format!("{doing} {} failed: {reason}", path.display()),
        StoreError::Damaged { folder, what } => {
            format!("the witness's store in {} is damaged: {what}", folder.display())
        }
        StoreError::InUse { folder } => format!("the witness's store in {} is in use", folder.display()),
        StoreError::Stopped { reason, .. } => reason.clone(),
        // What is left says no more than its own text.
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
