//! Claims: something in the shared directory that one living process of the cluster may have, with a record that everybody
//! may read. IP addresses and network names are claims.
//!
//! A claim `x` is two files: `x.lock`, held by the claimer for as long as it lives, and a record (`x.claim`, `x.json`) that
//! says who it is. A record without a held lock is what a dead claimer left behind, and means nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::{self, LockedFile};

/// An observer holds the lock for the moment of its look, so a claimer tries so many times before it believes ...
const CLAIM_ATTEMPTS: u32 = 5;
/// ... and waits so long in between.
const CLAIM_PAUSE: Duration = Duration::from_millis(10);

/// Where a claim lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimPath {
    /// The folder of all claims of this kind.
    pub(crate) folder: PathBuf,
    /// The file name without its end.
    pub(crate) stem: String,
    /// The end of the record's name: `claim` or `json`.
    pub(crate) extension: &'static str,
}

impl ClaimPath {
    fn lock(&self) -> PathBuf {
        self.folder.join(format!("{}.lock", self.stem))
    }

    /// The record's file.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join(format!("{}.{}", self.stem, self.extension))
    }
}

/// A claim that this process has. Dropping it gives it up but leaves the record; [`Claim::release`] removes both.
#[derive(Debug)]
pub(crate) struct Claim {
    path: ClaimPath,
    lock: LockedFile,
}

impl Claim {
    /// Takes a claim, or answers the record of the living process that has it (`None` when that cannot be read).
    pub(crate) fn take<R: Serialize + DeserializeOwned>(
        path: ClaimPath,
        record: &R,
    ) -> io::Result<Result<Claim, Option<R>>> {
        for attempt in 0..CLAIM_ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(CLAIM_PAUSE);
            }
            if let Some(lock) = LockedFile::take(&path.lock())? {
                let claim = Claim { path, lock };
                claim.write(record)?;
                return Ok(Ok(claim));
            }
        }
        Ok(Err(read(&path.record())?))
    }

    /// Replaces the record.
    pub(crate) fn write<R: Serialize>(&self, record: &R) -> io::Result<()> {
        files::replace(&self.path.record(), &serde_json::to_vec_pretty(record)?)
    }

    /// Whether the claim is still what others see: the lock and the record are in their places.
    pub(crate) fn is_intact(&self) -> bool {
        self.lock.is_in_place().unwrap_or(false) && self.path.record().exists()
    }

    /// Removes the record and gives the claim up.
    pub(crate) fn release(self) -> io::Result<()> {
        if self.lock.is_in_place()? {
            match fs::remove_file(self.path.record()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.lock.remove()
    }
}

/// The record that the last claimer left, living or dead.
pub(crate) fn last_record<R: DeserializeOwned>(path: &ClaimPath) -> Option<R> {
    read(&path.record()).ok().flatten()
}

/// The record of a claim, if a living process has it.
pub(crate) fn living_record<R: DeserializeOwned>(path: &ClaimPath) -> io::Result<Option<R>> {
    if files::is_held(&path.lock())? { read(&path.record()) } else { Ok(None) }
}

/// The records of all claims in a folder that living processes have, in the order of their file names.
pub(crate) fn living_records<R: DeserializeOwned>(folder: &Path, extension: &'static str) -> io::Result<Vec<R>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut stems = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(extension)).and_then(|name| name.strip_suffix('.'));
        // Temporary files of a replacement begin with a dot.
        stems.extend(stem.filter(|stem| !stem.starts_with('.')).map(str::to_owned));
    }
    stems.sort();
    let mut records = Vec::new();
    for stem in stems {
        records.extend(living_record(&ClaimPath { folder: folder.to_owned(), stem, extension })?);
    }
    Ok(records)
}

/// A record that is missing or not understood is no record: whoever wrote it will write it again.
fn read<R: DeserializeOwned>(path: &Path) -> io::Result<Option<R>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(folder: &Path, stem: &str) -> ClaimPath {
        ClaimPath { folder: folder.to_owned(), stem: stem.into(), extension: "claim" }
    }

    #[test]
    fn the_second_claimer_hears_who_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Claim::take(path(folder.path(), "x"), &"first".to_owned()).expect("works").expect("free");
        let second = Claim::take(path(folder.path(), "x"), &"second".to_owned()).expect("works");
        assert_eq!(second.expect_err("taken"), Some("first".to_owned()));
        assert!(first.is_intact());
        first.release().expect("works");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing stays");
        Claim::take(path(folder.path(), "x"), &"third".to_owned()).expect("works").expect("free again");
    }

    #[test]
    fn a_dead_claimers_record_means_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let living = Claim::take(path(folder.path(), "b"), &"living".to_owned()).expect("works").expect("free");
        drop(Claim::take(path(folder.path(), "a"), &"dead".to_owned()).expect("works").expect("free"));
        let all: Vec<String> = living_records(folder.path(), "claim").expect("works");
        assert_eq!(all, ["living"]);
        assert_eq!(last_record::<String>(&path(folder.path(), "a")), Some("dead".to_owned()));
        fs::write(folder.path().join("b.claim"), "{ nonsense").expect("written");
        assert_eq!(living_records::<String>(folder.path(), "claim").expect("works"), Vec::<String>::new());
        living.write(&"again".to_owned()).expect("works");
        assert_eq!(living_records::<String>(folder.path(), "claim").expect("works"), ["again"]);
    }

    #[test]
    fn a_claim_that_lost_its_files_is_not_intact() {
        let folder = tempfile::tempdir().expect("a folder");
        let claim = Claim::take(path(folder.path(), "x"), &1).expect("works").expect("free");
        fs::remove_file(folder.path().join("x.lock")).expect("somebody cleans up");
        assert!(!claim.is_intact());
        let thief = Claim::take(path(folder.path(), "x"), &2).expect("works").expect("looks free");
        claim.release().expect("nothing to do");
        assert!(thief.is_intact(), "the new claimer keeps its files");
    }
}
