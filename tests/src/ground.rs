//! A folder of a test's own, and its turn. Labs measure time and take addresses, so one test at a time has them, whichever
//! runner starts the tests: each ground holds a lock that all test processes know.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tempfile::TempDir;

/// How long all tests before this one may take together.
const TURN_LIMIT: Duration = Duration::from_secs(3600);
/// How often it is tried.
const TURN_INTERVAL: Duration = Duration::from_millis(50);

/// A folder that is gone at the end, and the turn.
pub struct Ground {
    folder: TempDir,
    /// Holds the lock.
    _turn: File,
}

impl Ground {
    /// Waits for its turn and makes the folder.
    ///
    /// # Panics
    /// When the turn does not come, or the system gives no folder.
    #[must_use]
    pub fn new() -> Ground {
        // The user's state directory is where labs announce themselves; the lock lies where all checkouts see it.
        let path = std::env::temp_dir().join("wolfden-tests-turn.lock");
        let turn = File::options().create(true).truncate(false).write(true).open(&path).expect("a lock file");
        let begun = Instant::now();
        loop {
            match flock(&turn, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) if begun.elapsed() < TURN_LIMIT => {
                    std::thread::sleep(TURN_INTERVAL);
                }
                Err(errno) => panic!("{}: {errno}", path.display()),
            }
        }
        Ground { folder: tempfile::tempdir().expect("a folder"), _turn: turn }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the lab of this ground lives.
    #[must_use]
    pub fn lab_dir(&self) -> PathBuf {
        self.path().join("lab")
    }

    /// The directory that all nodes see.
    #[must_use]
    pub fn shared(&self) -> PathBuf {
        self.lab_dir().join("shared")
    }

    /// The state directory that the lab and the commands of this ground have in common.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }
}

impl Default for Ground {
    fn default() -> Ground {
        Ground::new()
    }
}
