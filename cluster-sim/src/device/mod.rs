//! A quorum device: a disk or a share that every machine can reach, as long as its storage path is not cut.
//!
//! Three things lie on it, and each is changed as one atomic write: the [`Record`] of who has reserved it, the ownership
//! [`Epoch`] of the witness, and the witness's stores, one per line of descent, voter id and epoch. The rules of the reservation are in
//! [`reservation`]; what a machine does with the device, and when, is the world's business.

pub mod reservation;

use std::collections::BTreeMap;

use cluster_engine::quorum::Witness;
use cluster_engine::replica::{Stored, VoterId};
use cluster_engine::{Lineage, NodeId};

pub use self::reservation::{Challenge, Defence, Holder, Record, Step, Terms};

/// Name of the simulated disk as a resource type.
pub const DISK_TYPE: &str = "Simulated Disk";
/// Name of the simulated share as a resource type.
pub const SHARE_TYPE: &str = "Simulated Share";
/// ERROR_NOT_READY: the storage path is cut.
pub const NOT_READY: u32 = 21;
/// ERROR_QUORUM_OWNER_ALIVE.
pub const OWNER_ALIVE: u32 = 5034;
/// ERROR_RESOURCE_NOT_AVAILABLE: what Online says in place of 5034.
pub const NOT_AVAILABLE: u32 = 5006;
/// ERROR_OPERATION_ABORTED: given up because the resource is to stop.
pub const ABORTED: u32 = 995;
/// Stores of one voter that are kept: that of the owner, of the one before it, and what a take that broke off left.
const KEPT_STORES: usize = 4;

/// The pair in the ownership file (docs/witness.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Counts the takes, over all voters.
    pub number: u64,
    /// Whose it is.
    pub node: NodeId,
    /// In which life of its service.
    pub life: u64,
}

/// The device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Disk or share.
    pub kind: Witness,
    /// Who has reserved it.
    pub record: Record,
    /// Who hosts the witness.
    pub epoch: Option<Epoch>,
    /// The witness's stores by epoch, complete ones only: a copy that is being made does not count. By line of descent
    /// too, because two that were forced at the same time give the same id to different voters.
    pub stores: BTreeMap<(Lineage, VoterId), BTreeMap<u64, Stored>>,
    /// How the reservation is defended and challenged.
    pub terms: Terms,
    /// Every access takes so long at most, ms; 0 is a good device.
    pub slow: u64,
    /// Nobody can use it.
    pub is_broken: bool,
    /// How often it was wiped.
    pub wiped: u64,
    /// Nothing can be written to the witness's store; the small files still can.
    pub is_full: bool,
}

impl Device {
    /// An empty device.
    #[must_use]
    pub fn new(kind: Witness, terms: Terms) -> Device {
        Device {
            kind,
            record: Record::default(),
            epoch: None,
            stores: BTreeMap::new(),
            terms,
            slow: 0,
            is_broken: false,
            wiped: 0,
            is_full: false,
        }
    }

    /// What the resource type of this name stands for.
    #[must_use]
    pub fn kind_of(type_name: &str) -> Option<Witness> {
        if type_name.eq_ignore_ascii_case(DISK_TYPE) {
            Some(Witness::Disk)
        } else if type_name.eq_ignore_ascii_case(SHARE_TYPE) {
            Some(Witness::FileShare)
        } else {
            None
        }
    }

    /// Everything on it is gone, as if it had been replaced by a new one.
    pub fn wipe(&mut self) {
        self.record = Record { serial: self.record.serial + 1, ..Record::default() };
        self.epoch = None;
        self.stores.clear();
        self.wiped += 1;
    }

    /// Raises the ownership epoch: whoever hosted the witness before is fenced from this moment on.
    pub fn raise(&mut self, node: NodeId, life: u64) -> u64 {
        let number = self.epoch.map_or(0, |e| e.number) + 1;
        self.epoch = Some(Epoch { number, node, life });
        number
    }

    /// The ownership check: is it still this one?
    #[must_use]
    pub fn is_owned(&self, epoch: Epoch) -> bool {
        self.epoch == Some(epoch)
    }

    /// The newest complete store of a voter that is older than this epoch.
    #[must_use]
    pub fn newest(&self, voter: (Lineage, VoterId), before: u64) -> Option<(u64, &Stored)> {
        self.stores.get(&voter)?.range(..before).next_back().map(|(epoch, stored)| (*epoch, stored))
    }

    /// A finished copy gets its name.
    pub fn add_store(&mut self, voter: (Lineage, VoterId), epoch: u64, stored: Stored) {
        let stores = self.stores.entry(voter).or_default();
        stores.insert(epoch, stored);
        while stores.len() > KEPT_STORES {
            stores.pop_first();
        }
    }
}
