//! Force quorum, the driver's part (reference 07.6, docs/raft.md section 6): the store of one node becomes a cluster of its
//! own, in a new line of descent. What the engine does with it is in `cluster-engine/src/lineage.rs`.
//!
//! The changed store is made beside the present one and takes its place together with the new line of descent, wholly or
//! not at all ([`exchange`]): an old store under a new line of descent would drive everybody else out and have no quorum,
//! and a changed store under the old line would be a second majority.

use cluster_engine::Lineage;

use super::exchange;
use super::identity::Identity;
use super::start::{Folders, StartError};
use super::store::StoreFile;

/// Makes the store of this node a cluster of its own. Durable when it returns; `identity` is what was saved.
///
/// # Errors
/// [`StartError`]: nothing was forced, or the next start goes on with it; the text says what to do.
pub fn force_quorum(folders: &Folders, identity: &mut Identity) -> Result<(), StartError> {
    exchange::finish(folders, identity)?;
    prepare(folders, identity)?;
    exchange::commit(folders, identity)?;
    exchange::finish(folders, identity)
}

/// The changed store, and the identity that belongs to it. The former is not in its place yet, the latter not saved.
fn prepare(folders: &Folders, identity: &mut Identity) -> Result<(), StartError> {
    // The files are closed again before they are exchanged.
    let (_, mut stored) = StoreFile::open(&folders.store, identity.voter)?;
    let failed = |error| StartError::Engine { folder: folders.store.clone(), error };
    stored.force_sole_voter(identity.voter).map_err(|fault| failed(fault.into()))?;
    exchange::prepare(folders, identity.voter, &stored)?;
    let draw = uuid::Uuid::new_v4().as_u64_pair().0;
    identity.lineage = Lineage { number: identity.lineage.number.saturating_add(1), draw };
    identity.forced = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster_engine::Time;
    use cluster_engine::replica::{EntryBody, LogEntry, Stored, VoterId, Voters, Write};

    use crate::driver::start;

    /// A node in a cluster of three, with a tail of its log.
    fn node() -> (tempfile::TempDir, Folders, Identity, Stored) {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = Folders::make(folder.path()).expect("made");
        let identity = start::form(&folders, "n1", "CL", "127.0.0.1:1", Vec::new(), Time(1)).expect("formed");
        let (mut file, mut stored) = StoreFile::open(&folders.store, identity.voter).expect("opened");
        let mut image = stored.snapshot.clone();
        image.voters = Voters::new(&[1, 2, 3], &[]);
        let entry = LogEntry { index: image.index + 1, term: 1, body: EntryBody::Data(vec![7]) };
        let writes = [Write::Snapshot(image), Write::Entries(vec![entry])];
        stored.write(&writes);
        file.write(&writes).expect("written");
        file.flush().expect("flushed");
        (folder, folders, identity, stored)
    }

    fn stored_in(folders: &Folders, voter: VoterId) -> Stored {
        StoreFile::open(&folders.store, voter).expect("opened").1
    }

    /// Kills the process after so many steps, starts again with or without the wish, and looks.
    fn check(steps: u32, again: bool, forced_by: Option<u64>) {
        let (_folder, folders, mut identity, before) = node();
        if steps >= 1 {
            prepare(&folders, &mut identity).expect("prepared");
        }
        if steps >= 2 {
            exchange::commit(&folders, &mut identity).expect("committed");
        }
        if steps >= 3 {
            folders.put_store_aside().expect("put aside");
        }
        let mut next = Identity::load(&folders.directory).expect("loaded").expect("there");
        if again {
            force_quorum(&folders, &mut next).expect("forced");
        } else {
            exchange::finish(&folders, &mut next).expect("finished");
        }
        assert_eq!(Identity::load(&folders.directory).expect("loaded"), Some(next.clone()));
        assert!(!next.is_exchanging && !folders.new_store().exists());
        assert_eq!((next.forced, next.lineage.number), (forced_by.is_some(), forced_by.unwrap_or(0)));
        let after = stored_in(&folders, next.voter);
        let Some(times) = forced_by else { return assert_eq!(after, before) };
        assert_eq!(after.snapshot.voters, Voters::new(&[1], &[]), "{steps} {again}");
        assert_eq!(after.hard.term, before.hard.term + times);
        assert_eq!((after.last_index(), &after.entries), (before.last_index(), &before.entries));
        let aside = Folders { store: folders.directory.join("store.aside-1"), ..folders };
        assert_eq!(stored_in(&aside, next.voter), before, "the old store is kept");
    }

    #[test]
    fn a_crash_at_any_step_forces_wholly_or_not_at_all() {
        check(0, true, Some(1));
        check(1, false, None);
        check(1, true, Some(1));
        check(2, false, Some(1));
        check(3, false, Some(1));
        // Asked for once more after it counted: forced once more.
        check(2, true, Some(2));
        check(3, true, Some(2));
    }

    #[test]
    fn an_empty_or_damaged_store_is_not_forced() {
        let (_folder, folders, mut identity, _) = node();
        let before = identity.clone();
        folders.put_store_aside().expect("put aside");
        StoreFile::create(&folders.store, identity.voter, &Stored::empty()).expect("created");
        let text = force_quorum(&folders, &mut identity).expect_err("empty").to_string();
        assert!(text.contains("the store is empty"), "{text}");
        folders.put_store_aside().expect("put aside");
        force_quorum(&folders, &mut identity).expect_err("missing");
        assert_eq!(Identity::load(&folders.directory).expect("loaded"), Some(before));
    }
}
