//! The durable store: records on disk, and the hive among them. The only place that knows sled.
//!
//! [`Db`] keeps named trees of keys and bytes. Several records, in several trees, are written as one: all or none of
//! them survive a crash. What [`Db::flush`] has returned from survives the loss of power too. [`HiveStore`] keeps a
//! hive in such a store, writes only the keys that changed, and notices when a part of it was lost.
//!
//! A store that is damaged is reported with the folder and the way out; nothing here panics on what is on the disk.
//! The last resort is a text file ([`export_to`], [`import_from`]) that also a person can read.

mod copy;
mod db;
mod error;
mod export_file;
mod hive_store;

pub use copy::copy_store;
pub use db::{Db, Record, TreeOp};
pub use error::StoreError;
pub use export_file::{export_to, import_from};
pub use hive_store::{HIVE_TREE, HiveStore};

/// Memory that a store uses for its cache, in bytes. Small, because a hive is in memory already and three nodes with
/// their monitors share a laptop.
pub const CACHE_BYTES: u64 = 2 << 20;

/// Longest name of a tree, in bytes.
pub const TREE_NAME_BYTES: usize = 64;

/// Longest key of a record, in bytes: enough for the longest path of a registry key.
pub const RECORD_KEY_BYTES: usize = 3 * crate::limits::PATH_CHARS + 16;

/// Largest record, in bytes: a batch of the largest size, with room around it.
pub const RECORD_BYTES: usize = crate::limits::BATCH_BYTES + (16 << 20);

/// 64-bit FNV-1a: tells accidental damage, not malice.
fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    parts.into_iter().flatten().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
