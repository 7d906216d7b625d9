//! The driver: what carries an engine in the real world.
//!
//! The engine decides and touches nothing; everything it wants done is done here, on real time, sockets, files and
//! processes. One task owns the engine ([`node`]); around it stand the parts that it talks to through bounded queues:
//!
//! | part | what it does |
//! |---|---|
//! | `clock` | the only reader of a clock |
//! | `identity` | who this node is, in a file |
//! | `witness` | the store of the quorum witness on the shared device, while this node hosts it |
//! | `store` | makes writes durable, in order, on a thread of its own |
//! | `exchange`, `force` | another store for a node: at a join, and by force quorum |
//! | `peers` | frames to and from the other nodes |
//! | `monitors` | Resource Monitor processes and their connections |
//! | `wine` | monitors that are Windows programs, for Windows resource DLLs |
//! | `earlier` | makes certain that nothing of an earlier life of this service still runs |
//! | `log`, `history` | cluster.log, and what was told lately |
//! | `resource_news` | tells resource libraries what changes around them |
//! | `service_codes` | control codes that only the service can answer, registry checkpoints |
//! | `findings` | what resource libraries were found to do wrong |
//! | `recorder` | every event with its time, so that a simulator can replay it |
//!
//! Clients (the API) see a [`NodeHandle`] and nothing else.

pub mod clock;
mod convert;
pub mod earlier;
pub mod exchange;
pub mod findings;
pub mod force;
mod handle;
pub mod history;
pub mod identity;
pub mod join;
pub mod lab_door;
pub mod log;
mod monitor_process;
mod monitors;
pub mod node;
pub mod peers;
pub mod process_files;
pub mod recorder;
pub(crate) mod registry;
mod resource_news;
mod service_codes;
pub mod start;
pub mod store;
pub mod wine;
pub mod wire;
mod witness;

pub(crate) use monitor_process::own_executable;

pub use handle::{Gone, Link, NodeFacts, NodeHandle, PeerFacts};
