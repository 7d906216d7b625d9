//! Physical Disk: a folder that all nodes see and one node at a time owns (reference 09.2, 07.4).
//!
//! Ownership is a persistent reservation that lies on the disk itself (see [`crate::reservation`]). Online and Arbitrate
//! challenge for it and then defend it every `DiskArbInterval`; Offline, Release and Terminate give it up. A node that loses
//! it against its will fails the resource (event 1038) and, when the disk is the quorum resource, tells the Cluster service.

use std::fs;
use std::path::{Path, PathBuf};

use resapi::{Context, Failure, Progress, Property, QuorumLost, ResourceClass, ResourceType};

use crate::device;
use crate::drive;
use crate::instance::Instance;
use crate::ownership::Terms;
use crate::quorum::Quorum;
use crate::reservation_store::ReservationStore;

/// One disk.
pub struct PhysicalDisk {
    instance: Instance,
    quorum: Quorum,
}

impl ResourceType for PhysicalDisk {
    const NAME: &'static str = "Physical Disk";
    const CLASS: ResourceClass = ResourceClass::Storage;
    const QUORUM_CAPABLE: bool = true;
    const PROPERTIES: &'static [Property] = &[
        Property::text("DiskPath"),
        Property::number("Signature", 0),
        Property::number("DiskSignature", 0),
        Property::number("DiskArbInterval", 3).range(1, u32::MAX),
        Property::number("ConditionalMount", 1).range(0, 1),
        Property::number("DiskRunChkDsk", 0).range(0, 6),
        Property::number("SkipChkdsk", 0).range(0, 1),
        Property::number("MaintenanceMode", 0).range(0, 3),
        Property::number("MaxIoLatency", 1000).range(1000, 60_000),
        Property::number("DiskIdType", 5000).range(0, 5000),
        Property::number("DiskReload", 0).range(0, 1),
        Property::number("CsvEnforceWriteThrough", 0).range(0, 3),
        Property::bytes("DiskInfo"),
        Property::bytes("MountVolumeInfo"),
        Property::bytes("DiskUniqueIds"),
        Property::text("Drive"),
        Property::text("PoolId").read_only(),
        Property::text("VirtualDiskId").read_only(),
        Property::text("VirtualDiskName").read_only(),
        Property::text("VirtualDiskDescription").read_only(),
        // Ours: the interval of defence in milliseconds instead of DiskArbInterval, for demonstrations; 0 = not set.
        Property::number("ArbitrationIntervalMs", 0).range(0, 600_000),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        let instance = Instance::open(context)?;
        let quorum = Quorum::new(
            &instance.place.node,
            &instance.context,
            "ownership of the disk was unexpectedly lost by this node (event 1038)",
        );
        Ok(PhysicalDisk { instance, quorum })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let disk = self.disk()?;
        self.quorum.online(&self.instance.context, &self.store()?, self.terms(), progress)?;
        if let Err(error) = fs::read_dir(&disk) {
            self.quorum.give_up();
            let failure = Failure::from(error);
            let message = format!("the volume {} cannot be accessed (event 1035): {}", disk.display(), failure.message);
            return Err(Failure::new(failure.code, message));
        }
        if let Err(failure) = self.mount(&disk) {
            self.quorum.give_up();
            return Err(failure);
        }
        Ok(())
    }

    fn is_alive(&self) -> Result<(), Failure> {
        self.quorum.check(&self.store()?)
    }

    fn offline(&self, _progress: &Progress) -> Result<(), Failure> {
        self.unmount();
        // The monitor calls no Release for a storage resource that goes offline (reference 01.3).
        self.quorum.release()
    }

    fn terminate(&self) {
        self.unmount();
        self.quorum.give_up();
    }

    fn arbitrate(&self, lost: QuorumLost) -> Result<(), Failure> {
        self.quorum.arbitrate(&self.store()?, self.terms(), lost)
    }

    fn release(&self) -> Result<(), Failure> {
        self.quorum.release()
    }
}

impl PhysicalDisk {
    /// The folder that is the disk: DiskPath, else one named by the signature.
    fn disk(&self) -> Result<PathBuf, Failure> {
        let Instance { context, place, .. } = &self.instance;
        let properties = context.properties();
        let (path, number) = (properties.text("DiskPath"), |name| properties.number(name));
        let found = place
            .storage()
            .check()
            .and_then(|()| device::disk_folder(&place.shared_dir, &path, number("Signature"), number("DiskSignature")));
        found.map_err(|failure| {
            let text = format!("the disk of {} was not found (event 1034): {}", self.instance.name(), failure.message);
            Failure::new(failure.code, text)
        })
    }

    /// The drive letter for Windows programs, if there is one.
    fn mount(&self, disk: &Path) -> Result<(), Failure> {
        match drive::letter(&self.instance.context.properties().text("Drive"))? {
            Some(letter) => drive::mount(&self.instance.place.run_dir, letter, disk).map_err(Failure::from),
            None => Ok(()),
        }
    }

    fn unmount(&self) {
        let letter = drive::letter(&self.instance.context.properties().text("Drive"));
        if let (Ok(Some(letter)), Ok(disk)) = (letter, self.disk()) {
            drive::unmount(&self.instance.place.run_dir, letter, &disk);
        }
    }

    fn store(&self) -> Result<ReservationStore, Failure> {
        Ok(ReservationStore::on_disk(&self.disk()?).through(self.instance.place.storage()))
    }

    fn terms(&self) -> Terms {
        let properties = self.instance.context.properties();
        let interval_ms = match properties.number("ArbitrationIntervalMs") {
            0 => u64::from(properties.number("DiskArbInterval")) * 1000,
            interval_ms => u64::from(interval_ms),
        };
        Terms { interval_ms, least_wait_ms: 0 }
    }
}
