//! The lock file: who owns it, until when, and how it changes hands.
//!
//! The file is never written in place: a new one is made beside it and renamed over it, so that a reader sees one owner or
//! another, and never half of one. A lease is counted by the reader: it has seen the same serial number for so long. Clocks of
//! different nodes are never compared.
//!
//! A file has no compare-and-swap. Of two challengers that write at the same time the one whose file stays has the lock, and
//! the other one finds that out when it looks again a tenth of a lease later, at the latest when it renews. A device with an
//! atomic operation, as a SCSI reservation is one, does not need this moment.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a challenger looks at the lease.
const LOOKS: u32 = 10;

/// Files that this process has begun to write; each has a name of its own.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The owner of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Its name.
    pub(crate) name: String,
    /// Grows with every renewal.
    pub(crate) serial: u64,
}

/// A lock file.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    path: PathBuf,
}

impl Lock {
    /// The lock at a path. The file need not be there.
    pub(crate) fn at(path: PathBuf) -> Lock {
        Lock { path }
    }

    /// Who owns it. A file that nobody can have written belongs to nobody.
    pub(crate) fn read(&self) -> io::Result<Option<Owner>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let owner = text.split_once('\n').and_then(|(serial, name)| {
            let name = name.trim_end();
            (!name.is_empty()).then_some(Owner { name: name.to_owned(), serial: serial.parse().ok()? })
        });
        Ok(owner)
    }

    /// Takes the lock: at once when it is free or ours, and from another owner when its lease does not get younger. `wait`
    /// sleeps, and says `false` when the lock is not wanted any more.
    pub(crate) fn take(&self, name: &str, lease: Duration, wait: &dyn Fn(Duration) -> bool) -> io::Result<()> {
        let pause = || if wait(lease / LOOKS) { Ok(()) } else { Err(io::ErrorKind::Interrupted) };
        let before = self.read()?;
        if let Some(owner) = before.as_ref().filter(|owner| owner.name != name) {
            // The owner renews three times in a lease. Half a lease more allows for a slow device.
            let end = Instant::now() + lease + lease / 2;
            while Instant::now() < end {
                pause()?;
                if self.read()?.as_ref() != Some(owner) {
                    return Err(io::Error::other(format!("{} defends the lock", owner.name)));
                }
            }
        }
        self.write(&Owner { name: name.to_owned(), serial: before.map_or(1, |owner| owner.serial + 1) })?;
        // Of two challengers the one that wrote last has it; the other one sees that after a moment.
        pause()?;
        self.must_be_of(name).map(drop)
    }

    /// Renews the lease of the owner `name`.
    pub(crate) fn renew(&self, name: &str) -> io::Result<()> {
        let owner = self.must_be_of(name)?;
        self.write(&Owner { serial: owner.serial + 1, ..owner })
    }

    /// Leaves the lock free if `name` owns it.
    pub(crate) fn give_up(&self, name: &str) -> io::Result<()> {
        match self.must_be_of(name) {
            Ok(_) => std::fs::remove_file(&self.path),
            // Nothing of ours to give up.
            Err(_) => Ok(()),
        }
    }

    fn must_be_of(&self, name: &str) -> io::Result<Owner> {
        match self.read()? {
            Some(owner) if owner.name == name => Ok(owner),
            Some(owner) => Err(io::Error::other(format!("{} has taken it", owner.name))),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the lock file is gone")),
        }
    }

    fn write(&self, owner: &Owner) -> io::Result<()> {
        let mut unfinished = self.path.clone().into_os_string();
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        unfinished.push(format!(".{}-{number}", std::process::id()));
        std::fs::write(&unfinished, format!("{}\n{}\n", owner.serial, owner.name))?;
        std::fs::rename(&unfinished, &self.path)
    }
}
