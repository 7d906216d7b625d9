//! Watches: who wants to be told about which changes of the registry.
//!
//! This is the registry part of `RegisterClusterNotify` (reference 06.5 and 08.3): a watch names a key, says whether
//! the keys below count too, and filters by the kind of change. [`Watches::matching`] is asked after each batch with
//! the changes that [`crate::Hive::apply`] returned. A watch is about a path, so it stays when its key is deleted and
//! goes on when the key is created again. Queues, handles and waiting threads are the business of the caller.
//!
//! Keys have no attributes here, so the bit [`ATTRIBUTES`] is accepted and never reported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::apply::{Change, ChangeKind};
use crate::error::Error;
use crate::limits;
use crate::name;

/// A key was created or deleted (`CLUSTER_CHANGE_REGISTRY_NAME`).
pub const NAME: u32 = 0x10;
/// Attributes of a key changed (`CLUSTER_CHANGE_REGISTRY_ATTRIBUTES`); never happens here.
pub const ATTRIBUTES: u32 = 0x20;
/// A value was set or deleted (`CLUSTER_CHANGE_REGISTRY_VALUE`).
pub const VALUE: u32 = 0x40;
/// The other bits count for the keys below too (`CLUSTER_CHANGE_REGISTRY_SUBTREE`). Without any other bit: tell about
/// every change in the tree, and report it as this bit.
pub const SUBTREE: u32 = 0x80;

/// Names one watch for as long as it is registered. Numbers are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WatchId(pub u64);

/// The registered watches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watches {
    next: u64,
    watches: BTreeMap<WatchId, Watch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Watch {
    /// Folded names from the root.
    key: Vec<String>,
    subtree: bool,
    filter: u32,
}

impl Watches {
    /// No watches.
    pub fn new() -> Watches {
        Watches::default()
    }

    /// Registers a watch on the key at `path`, which need not exist.
    ///
    /// `subtree` adds the keys below, as [`SUBTREE`] in the filter does. Refuses a malformed path, a filter without a
    /// registry bit (87), and more than [`limits::WATCHES`] watches (8).
    pub fn register(&mut self, path: &str, subtree: bool, filter: u32) -> Result<WatchId, Error> {
        let names = name::split(path)?;
        if filter & (NAME | ATTRIBUTES | VALUE | SUBTREE) == 0 {
            return Err(Error::EmptyFilter { filter });
        }
        if self.watches.len() >= limits::WATCHES {
            return Err(Error::TooManyWatches);
        }
        let id = WatchId(self.next);
        self.next += 1;
        let key = names.into_iter().map(name::fold).collect();
        self.watches.insert(id, Watch { key, subtree: subtree || filter & SUBTREE != 0, filter });
        Ok(id)
    }

    /// Ends a watch. Returns false when there is none of that number.
    pub fn unregister(&mut self, id: WatchId) -> bool {
        self.watches.remove(&id).is_some()
    }

    /// Number of registered watches.
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// True without any watch.
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Who is to be told what about these changes: the watch, the one filter bit that the event reports, and the key
    /// that changed, relative to the watched one (`""` is the watched key itself).
    ///
    /// In the order of the changes, then of the watches. A watch without subtree hears of the values of its key, of
    /// its direct subkeys coming and going, and of the key itself being created or deleted.
    pub fn matching(&self, changes: &[Change]) -> Vec<(WatchId, u32, String)> {
        let mut events = Vec::new();
        if self.watches.is_empty() {
            return events;
        }
        for change in changes {
            let names: Vec<&str> = change.path.split(name::SEPARATOR).filter(|name| !name.is_empty()).collect();
            let folded: Vec<String> = names.iter().map(|name| name::fold(name)).collect();
            for (id, watch) in &self.watches {
                if let Some(bit) = watch.reports(&folded, &change.kind) {
                    events.push((*id, bit, names[watch.key.len()..].join("\\")));
                }
            }
        }
        events
    }
}

impl Watch {
    /// The bit under which the watch reports a change, if it does.
    fn reports(&self, key: &[String], kind: &ChangeKind) -> Option<u32> {
        let below = key.strip_prefix(self.key.as_slice())?.len();
        let (bit, reach) = match kind {
            ChangeKind::KeyCreated | ChangeKind::KeyDeleted => (NAME, 1),
            ChangeKind::ValueSet { .. } | ChangeKind::ValueDeleted { .. } => (VALUE, 0),
        };
        if below > reach && !self.subtree {
            return None;
        }
        if self.filter & bit != 0 {
            return Some(bit);
        }
        (self.filter & (NAME | ATTRIBUTES | VALUE) == 0).then_some(SUBTREE)
    }
}
