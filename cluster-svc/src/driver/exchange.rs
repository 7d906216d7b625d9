//! Giving a node another store: when it becomes a member, joins anew, or forces quorum.
//!
//! A store and the identity belong together, and the process may be killed at any moment. So it goes in steps, of which one
//! counts:
//!
//! 1. The new store is made beside the present one, as `store.new`.
//! 2. **The identity is saved**, the one that belongs to the new store, and says that the two are still to be exchanged.
//! 3. The present store, if there is one, is put aside and kept; the new one takes its place.
//! 4. The identity says that this is done.
//!
//! A start after a crash before step 2 removes what step 1 has left, and nothing has changed. A start after a crash later
//! goes on with step 3. So a store never runs under an identity that is not its own, and no store is ever lost.

use std::fs::{self, File};
use std::io;

use cluster_engine::replica::{Stored, VoterId};

use super::identity::Identity;
use super::start::{Folders, StartError};
use super::store::StoreFile;

/// Step 1: makes the new store.
///
/// # Errors
/// [`StartError`]; nothing has changed.
pub(super) fn prepare(folders: &Folders, voter: VoterId, stored: &Stored) -> Result<(), StartError> {
    remove_left_over(folders)?;
    let made = folders.new_store();
    StoreFile::create(&made, voter, stored)?;
    let (_, read) = StoreFile::open(&made, voter)?;
    if read == *stored {
        return Ok(());
    }
    let text = format!("{} does not hold what was written to it; look at the disk, then try again", made.display());
    Err(StartError::Io(io::Error::other(text)))
}

/// Step 2: from here on the new store counts.
///
/// # Errors
/// [`StartError`]; nothing has changed.
pub(super) fn commit(folders: &Folders, identity: &mut Identity) -> Result<(), StartError> {
    identity.is_exchanging = true;
    identity.save(&folders.directory)?;
    Ok(())
}

/// Steps 3 and 4, if there is something to be done. Called at every start, before the store is opened.
///
/// # Errors
/// [`StartError`]; the next start tries again.
pub fn finish(folders: &Folders, identity: &mut Identity) -> Result<(), StartError> {
    if !identity.is_exchanging {
        return Ok(remove_left_over(folders)?);
    }
    if folders.new_store().exists() {
        folders.put_store_aside()?;
        sync(folders)?;
        fs::rename(folders.new_store(), &folders.store)?;
        sync(folders)?;
    }
    identity.is_exchanging = false;
    identity.save(&folders.directory)?;
    Ok(())
}

fn remove_left_over(folders: &Folders) -> io::Result<()> {
    match fs::remove_dir_all(folders.new_store()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync(folders: &Folders) -> io::Result<()> {
    File::open(&folders.directory)?.sync_all()
}
