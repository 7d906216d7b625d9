//! File Share Witness: one vote that lies on a share (reference 09.2, 07.5).
//!
//! The owner keeps `<SharePath>/<id>/Witness.log` locked. A file server takes the lock from a client that does not answer
//! any more; a folder has no server, so beside the lock the owner defends a reservation (see [`crate::reservation`]) in the
//! same folder, and that is what decides. A node that does not own the witness waits `ArbitrationDelay` before it takes
//! it, so that the present owner wins first.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resapi::codes::win32;
use resapi::{Context, Failure, Progress, Property, QuorumLost, ResourceType};

use crate::device;
use crate::files::LockedFile;
use crate::instance::Instance;
use crate::ownership::Terms;
use crate::quorum::Quorum;
use crate::reservation_store::ReservationStore;

/// The file that the owner keeps locked.
const WITNESS_LOG: &str = "Witness.log";
/// How many times the owner defends within ArbitrationDelay: often enough to be seen alive by everybody who waits so long.
const DEFENCES_PER_DELAY: u64 = 3;
/// The interval of defence when ArbitrationDelay is 0, in milliseconds.
const INTERVAL_WITHOUT_DELAY_MS: u64 = 1000;

/// One witness.
pub struct FileShareWitness {
    instance: Instance,
    quorum: Quorum,
    lock: Mutex<Option<LockedFile>>,
}

impl ResourceType for FileShareWitness {
    const NAME: &'static str = "File Share Witness";
    const QUORUM_CAPABLE: bool = true;
    const PROPERTIES: &'static [Property] = &[
        Property::text("SharePath").required(),
        Property::number("ArbitrationDelay", 6).range(0, 60),
        Property::number("ImpersonateCNO", 0).range(0, 1),
        // Ours: ArbitrationDelay in milliseconds, for demonstrations; 0 = not set.
        Property::number("ArbitrationDelayMs", 0).range(0, 60_000),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        let instance = Instance::open(context)?;
        let quorum =
            Quorum::new(&instance.place.node, &instance.context, "the file share witness was lost (event 1564)");
        Ok(FileShareWitness { instance, quorum, lock: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let explain = |failure| self.explain("failed to come online (event 1563)", failure);
        let folder = self.folder().map_err(explain)?;
        let store = self.store(&folder);
        self.quorum.online(&self.instance.context, &store, self.terms(), progress).map_err(explain)?;
        self.lock_log(&folder).map_err(explain)
    }

    fn is_alive(&self) -> Result<(), Failure> {
        let explain = |failure| self.explain("failed a periodic check (event 1562)", failure);
        let folder = self.folder().map_err(explain)?;
        self.quorum.check(&self.store(&folder)).map_err(explain)?;
        match self.lock().as_ref().map(LockedFile::is_in_place) {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => {
                Err(explain(Failure::new(win32::ERROR_NOT_LOCKED, "Witness.log was replaced by somebody else")))
            }
            Some(Err(error)) => Err(explain(Failure::from(error))),
            None => Err(explain(Failure::new(win32::ERROR_NOT_LOCKED, "Witness.log is not locked"))),
        }
    }

    fn offline(&self, _progress: &Progress) -> Result<(), Failure> {
        self.lock().take();
        self.quorum.release()
    }

    fn terminate(&self) {
        self.lock().take();
        self.quorum.give_up();
    }

    fn arbitrate(&self, lost: QuorumLost) -> Result<(), Failure> {
        let explain = |failure| self.explain("lost the arbitration (event 1564)", failure);
        let folder = self.folder().map_err(explain)?;
        self.quorum.arbitrate(&self.store(&folder), self.terms(), lost).map_err(explain)?;
        self.lock_log(&folder).map_err(explain)
    }

    fn release(&self) -> Result<(), Failure> {
        self.lock().take();
        self.quorum.release()
    }
}

impl FileShareWitness {
    /// The folder of this cluster's witness on the share.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let Instance { context, place, id } = &self.instance;
        place.storage().check()?;
        let own = if id.is_empty() { self.instance.name() } else { id };
        device::share_folder(&place.shared_dir, &context.properties().text("SharePath"), own)
    }

    fn store(&self, folder: &std::path::Path) -> ReservationStore {
        ReservationStore::on_disk(folder).through(self.instance.place.storage())
    }

    fn terms(&self) -> Terms {
        let properties = self.instance.context.properties();
        let delay_ms = match properties.number("ArbitrationDelayMs") {
            0 => u64::from(properties.number("ArbitrationDelay")) * 1000,
            delay_ms => u64::from(delay_ms),
        };
        let interval_ms =
            if delay_ms == 0 { INTERVAL_WITHOUT_DELAY_MS } else { (delay_ms / DEFENCES_PER_DELAY).max(1) };
        Terms { interval_ms, least_wait_ms: delay_ms }
    }

    /// Locks Witness.log. A lock that a frozen former owner still has is broken: the reservation says that it has lost.
    fn lock_log(&self, folder: &std::path::Path) -> Result<(), Failure> {
        let mut lock = self.lock();
        if lock.is_some() {
            return Ok(());
        }
        let path = folder.join(WITNESS_LOG);
        let taken = match LockedFile::take(&path)? {
            Some(taken) => taken,
            None => {
                std::fs::remove_file(&path)?;
                LockedFile::take(&path)?
                    .ok_or_else(|| Failure::new(win32::ERROR_LOCK_VIOLATION, "Witness.log is locked again and again"))?
            }
        };
        taken.write(format!("owner {}\n", self.instance.place.node).as_bytes())?;
        *lock = Some(taken);
        Ok(())
    }

    fn explain(&self, what: &str, failure: Failure) -> Failure {
        Failure::new(failure.code, format!("file share witness {} {what}: {}", self.instance.name(), failure.message))
    }

    fn lock(&self) -> MutexGuard<'_, Option<LockedFile>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
