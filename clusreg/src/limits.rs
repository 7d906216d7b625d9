//! Every limit of the cluster registry, by name.
//!
//! The hive lives in memory on every node and travels in the replicated log, so nothing in it may grow without end.
//! Limits marked *Windows* are those of the Windows registry; the others are ours, chosen well above what a real
//! cluster holds (a hive of a large cluster is a few megabytes). Lengths "in characters" count UTF-16 code units, as
//! Windows does. A change that would break a limit is refused as a whole and leaves the hive as it was.

/// Longest name of one key, in characters (*Windows*: 255).
pub const KEY_NAME_CHARS: usize = 255;

/// Deepest key, counted in levels below the root. Windows allows 512; the real cluster tree needs about six.
pub const KEY_DEPTH: usize = 64;

/// Longest path of a key relative to the root, in characters, separators included.
pub const PATH_CHARS: usize = 900;

/// Longest name of a value, in characters (*Windows*: 16,383).
pub const VALUE_NAME_CHARS: usize = 16_383;

/// Largest data of one value, in bytes (*Windows* advises 1 MiB at most).
pub const VALUE_BYTES: usize = 1 << 20;

/// Largest hive, in bytes as [`crate::Hive::bytes`] counts them (names, data and the costs below).
pub const HIVE_BYTES: usize = 16 << 20;

/// What a key costs beside its name when the size of a hive is counted, in bytes.
pub const KEY_COST: usize = 128;

/// What a value costs beside its name and data when the size of a hive is counted, in bytes.
pub const VALUE_COST: usize = 64;

/// Most commands in one batch: enough to write a full hive of the smallest possible values in one batch, which is
/// what the import of an export file does.
pub const BATCH_COMMANDS: usize = HIVE_BYTES / VALUE_COST;

/// Largest batch, in bytes of names and data: a full hive and as much again for the names of keys in every command.
pub const BATCH_BYTES: usize = 2 * HIVE_BYTES;

/// Longest `.reg` text that is imported, in bytes. Binary data takes about three characters a byte in that form.
pub const REG_TEXT_BYTES: usize = 8 * HIVE_BYTES;

/// Most watches registered at a time in one [`crate::Watches`].
pub const WATCHES: usize = 65_536;
