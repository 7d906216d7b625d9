//! Files that several processes share: replaced as a whole, and locked for as long as their owner lives.
//!
//! [`replace`] makes a reader see either the old content or the new one, also after a loss of power. A [`LockedFile`] is
//! a claim: the lock ends with the process that holds it, however it ends, so a claim can never outlive its owner.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How often a lock is tried again when the file was replaced between opening and locking it.
const LOCK_RACES: u32 = 32;

/// Writes `content` as the new file `path`: temporary file, fsync, rename, fsync of the folder.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, content)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_folder_of(path)
}

/// Publishes `content` as `path` unless that name exists already: `Ok(false)` then. Readers see all of it or nothing, and
/// it is durable when this returns. Of several that publish the same name one succeeds, whenever they wake up.
///
/// # Errors
/// Those of the file system; the name is not taken then, or it is not certain that it is durable.
pub fn publish_new(path: &Path, content: &[u8]) -> io::Result<bool> {
    let temporary = write_temporary(path, content)?;
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => sync_folder_of(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_temporary(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let temporary = path.with_file_name(format!(".{name}.{}.{number}.tmp", std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(temporary),
        Err(error) => {
            let _ = fs::remove_file(&temporary);
            Err(error)
        }
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A file that this process alone holds. Dropping it, or the end of the process, gives it free.
#[derive(Debug)]
pub(crate) struct LockedFile {
    file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Takes the file, creating it and its folder when missing. `None`: somebody else holds it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<LockedFile>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        for _ in 0..LOCK_RACES {
            let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let locked = LockedFile { file, path: path.to_owned() };
            // The former owner may have removed the name after it was opened here: then the lock is on a file that
            // nobody else will ever find.
            if locked.is_in_place()? {
                return Ok(Some(locked));
            }
        }
        Err(io::Error::other(format!("{} is replaced again and again while it is being locked", path.display())))
    }

    /// Whether the name still leads to the locked file.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces what the file says.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(content, 0)?;
        self.file.sync_all()
    }

    /// Removes the name and gives the file free.
    pub(crate) fn remove(self) -> io::Result<()> {
        if self.is_in_place()? {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

/// Whether a living process holds `path`. Looks only; a claimer that meets the look tries again (see [`crate::claim`]).
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        replace(&path, b"one").expect("first");
        replace(&path, b"two").expect("second");
        assert_eq!(fs::read(&path).expect("there"), b"two");
        assert!(!publish_new(&path, b"three").expect("a clean no"), "the name was taken");
        assert!(publish_new(&folder.path().join("b.json"), b"three").expect("free"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn a_lock_has_one_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("x.lock");
        assert!(!is_held(&path).expect("missing is free"));
        let first = LockedFile::take(&path).expect("works").expect("free");
        assert!(LockedFile::take(&path).expect("works").is_none());
        assert!(is_held(&path).expect("works"));
        drop(first);
        assert!(!is_held(&path).expect("works"), "dropping gives it free");
        let second = LockedFile::take(&path).expect("works").expect("free again");
        second.remove().expect("removed");
        assert!(!path.exists());
        let third = LockedFile::take(&path).expect("works").expect("a new file");
        fs::remove_file(&path).expect("somebody removes it");
        assert!(!third.is_in_place().expect("works"));
        assert!(LockedFile::take(&path).expect("works").is_some(), "the new name can be taken");
    }

    #[test]
    fn removing_does_not_touch_what_took_the_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.lock");
        let old = LockedFile::take(&path).expect("works").expect("free");
        fs::remove_file(&path).expect("somebody breaks the lock");
        let _new = LockedFile::take(&path).expect("works").expect("free");
        old.remove().expect("nothing to do");
        assert!(path.exists(), "the new owner's file stays");
    }
}
