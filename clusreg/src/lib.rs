//! The cluster registry: keys, typed values, atomic batches and change watches, with a durable store below.
//!
//! This is what Windows loads as `HKLM\Cluster`: the one durable truth about the configuration of a cluster (reference
//! 06). A [`Hive`] is the tree in memory, pure data without files, clocks or threads. It changes by a [`Batch`] only,
//! which is carried out as a whole or refused as a whole with an [`Error`] that has a Win32 code. [`Hive::apply`]
//! returns the [`Change`]s, from which [`Watches`] tell who is to be notified. [`reg_text`] reads and writes the
//! `.reg` format. The feature `store` adds the module `store`, which keeps hives and other records on disk; the
//! engine and the simulator do without it.
//!
//! ```
//! use clusreg::{Batch, FileTime, Hive, Value};
//!
//! let mut hive = Hive::new();
//! let batch = Batch::at("").create_key("Groups\\{1}").set_value("Name", Value::sz("SQL"));
//! hive.apply(&batch, FileTime::from_unix_ms(1_700_000_000_000))?;
//! assert_eq!(hive.sz("groups\\{1}", "name").as_deref(), Some("SQL"));
//!
//! // A condition that does not hold refuses the whole batch.
//! let rename = Batch::at("Groups\\{1}").value_equal("Name", Value::sz("Web")).set_value("Name", Value::sz("DB"));
//! let refused = hive.apply(&rename, FileTime::from_unix_ms(1_700_000_000_001)).unwrap_err();
//! assert_eq!((refused.index, refused.error.win32()), (Some(0), 5986));
//! # Ok::<(), clusreg::BatchError>(())
//! ```
//!
//! Deliberately absent: volatile keys, key classes and links that are followed (the real cluster registry has none
//! either), and security descriptors of keys.

#![forbid(unsafe_code)]

mod apply;
mod batch;
mod diff;
mod error;
mod hive;
mod hive_serde;
mod key;
pub mod limits;
mod name;
pub mod reg_text;
#[cfg(feature = "store")]
pub mod store;
mod time;
mod value;
mod value_text;
pub mod watch;

pub use apply::{Change, ChangeKind};
pub use batch::{Batch, Command, Comparison};
pub use diff::Difference;
pub use error::{BatchError, Error};
pub use hive::Hive;
pub use key::{Key, KeyInfo};
pub use name::fold;
pub use time::FileTime;
pub use value::{Value, ValueType};
pub use watch::{WatchId, Watches};
