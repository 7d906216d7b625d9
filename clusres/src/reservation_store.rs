//! Where a [`Reservation`] lies: a small folder on the shared disk itself, in which every version of the record is a file of
//! its own, named by its serial number.
//!
//! A change is made by publishing version n + 1 under a name that must not exist yet; of two changes decided on the same
//! version only one succeeds. There is no lock that a stopped process could keep: a process that was frozen in the middle
//! of a change wakes up to find its number taken, or far behind, and its change refused. (With a lock file, a frozen
//! holder would have made the disk unavailable to everybody, which is the very case that reservations exist for.)

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use resapi::Failure;

use crate::device::StoragePath;
use crate::files;
use crate::reservation::Reservation;

/// The folder on the disk.
pub(crate) const FOLDER: &str = ".reservation";
/// How many versions stay on the disk. A reader that lists the folder must find one that is not removed before it opens it.
const VERSIONS_KEPT: u64 = 16;
/// How often a read is tried again when the version was removed between listing and opening.
const READ_RACES: u32 = 16;
/// The largest record that is believed, in bytes.
const RECORD_LIMIT: u64 = 64 * 1024;

/// The record of one disk.
#[derive(Clone, Debug)]
pub(crate) struct ReservationStore {
    folder: PathBuf,
    /// The way to it, when that can be cut.
    storage: Option<StoragePath>,
}

/// A record and the version it was read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The serial number; 0 when nothing was ever written.
    pub(crate) serial: u64,
    /// What it says.
    pub(crate) record: Reservation,
}

impl ReservationStore {
    /// The record of the disk whose root folder is `disk`. The disk has to exist, its record need not.
    pub(crate) fn on_disk(disk: &Path) -> ReservationStore {
        ReservationStore { folder: disk.join(FOLDER), storage: None }
    }

    /// Reached by this way: reads and writes fail while it is cut.
    pub(crate) fn through(self, storage: StoragePath) -> ReservationStore {
        ReservationStore { storage: Some(storage), ..self }
    }

    fn reach(&self) -> Result<(), Failure> {
        self.storage.as_ref().map_or(Ok(()), StoragePath::check)
    }

    /// The newest version.
    ///
    /// # Errors
    /// Those of the file system, 13 when the record is damaged, 21 while the way to the disk is cut.
    pub(crate) fn read(&self) -> Result<Version, Failure> {
        self.reach()?;
        for _ in 0..READ_RACES {
            let Some(serial) = self.serials()?.into_iter().max() else {
                return Ok(Version { serial: 0, record: Reservation::default() });
            };
            match self.read_version(serial) {
                Ok(record) => return Ok(Version { serial, record }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::from(error)),
            }
        }
        Err(Failure::from(io::Error::other(format!("{} changes faster than it can be read", self.folder.display()))))
    }

    /// Writes `record` as the successor of version `serial`. `false`: somebody else has written since; read again.
    ///
    /// # Errors
    /// Those of the file system, and 21 while the way to the disk is cut.
    pub(crate) fn write(&self, serial: u64, record: &Reservation) -> Result<bool, Failure> {
        self.reach()?;
        fs::create_dir_all(&self.folder)?;
        let next = serial.saturating_add(1);
        let text = serde_json::to_vec_pretty(record).map_err(io::Error::from)?;
        if !files::publish_new(&self.path(next), &text)? {
            return Ok(false);
        }
        let serials = self.serials()?;
        // Was this process asleep so long that its number had been used and removed again?
        if serials.iter().max() != Some(&next) {
            return Ok(false);
        }
        for old in serials.into_iter().filter(|old| old.saturating_add(VERSIONS_KEPT) < next) {
            let _ = fs::remove_file(self.path(old));
        }
        Ok(true)
    }

    fn path(&self, serial: u64) -> PathBuf {
        self.folder.join(format!("{serial}.json"))
    }

    fn serials(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut serials = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let serial =
                name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|serial| serial.parse::<u64>().ok());
            serials.extend(serial);
        }
        Ok(serials)
    }

    fn read_version(&self, serial: u64) -> io::Result<Reservation> {
        let path = self.path(serial);
        let mut text = Vec::new();
        fs::File::open(&path)?.take(RECORD_LIMIT).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map_err(|error| {
            let message = format!(
                "the reservation {} is damaged ({error}); remove this file if no node uses the disk",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::Contender;

    fn with_node(mut record: Reservation, node: &str) -> Reservation {
        record.register(&Contender { node: node.into(), key: 1 });
        record
    }

    #[test]
    fn a_change_on_an_old_version_is_refused() {
        let disk = tempfile::tempdir().expect("a folder");
        let store = ReservationStore::on_disk(disk.path());
        let first = store.read().expect("empty");
        assert_eq!(first.serial, 0);
        assert!(store.write(first.serial, &with_node(first.record.clone(), "n1")).expect("works"));
        assert!(!store.write(first.serial, &with_node(first.record, "n2")).expect("works"), "n1 was faster");
        let second = store.read().expect("works");
        assert_eq!(second.serial, 1);
        assert!(second.record.registrations.contains_key("n1"));
    }

    #[test]
    fn a_sleeper_far_behind_is_refused_and_old_versions_go() {
        let disk = tempfile::tempdir().expect("a folder");
        let store = ReservationStore::on_disk(disk.path());
        let asleep = store.read().expect("empty");
        let mut serial = 0;
        for _ in 0..3 * VERSIONS_KEPT {
            assert!(store.write(serial, &with_node(Reservation::default(), "n1")).expect("works"));
            serial += 1;
        }
        assert!(store.serials().expect("works").len() as u64 <= VERSIONS_KEPT + 1);
        assert!(!store.write(asleep.serial, &with_node(asleep.record, "n2")).expect("works"));
        let newest = store.read().expect("works");
        assert_eq!(newest.serial, serial);
        assert!(!newest.record.registrations.contains_key("n2"));
    }

    #[test]
    fn damage_is_told() {
        let disk = tempfile::tempdir().expect("a folder");
        let store = ReservationStore::on_disk(disk.path());
        assert!(store.write(0, &Reservation::default()).expect("works"));
        fs::write(disk.path().join(FOLDER).join("7.json"), "{").expect("damaged");
        fs::write(disk.path().join(FOLDER).join("notes.txt"), "not a version").expect("written");
        let failure = store.read().expect_err("damaged");
        assert!(failure.message.contains("7.json"), "{}", failure.message);
    }

    #[test]
    fn many_writers_lose_nothing() {
        let disk = tempfile::tempdir().expect("a folder");
        let writers = 4;
        let rounds = 8;
        std::thread::scope(|scope| {
            for writer in 0..writers {
                let store = ReservationStore::on_disk(disk.path());
                scope.spawn(move || {
                    for round in 0..rounds {
                        loop {
                            let version = store.read().expect("works");
                            let changed = with_node(version.record, &format!("n{writer}-{round}"));
                            if store.write(version.serial, &changed).expect("works") {
                                break;
                            }
                        }
                    }
                });
            }
        });
        let last = ReservationStore::on_disk(disk.path()).read().expect("works");
        assert_eq!(last.record.registrations.len(), writers * rounds);
    }
}
