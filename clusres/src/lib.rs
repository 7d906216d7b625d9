//! The built-in resource types: Generic Application, Generic Script, IP Address, Network Name, Physical Disk and File Share
//! Witness, working for real on Linux and macOS without root.
//!
//! They are ordinary users of the portable trait in `resapi` and get nothing from the Resource Monitor that other
//! resource libraries do not get, with three exceptions that a monitor must see to:
//!
//! - It links them instead of loading a file: `clusres.dll` and `clusres2.dll` mean [`STARTUP`], and [`TYPES`] says what
//!   there is.
//! - It says where it is with [`place::settle`] (or the environment), and who a resource is with [`place::opening`].
//! - Its executable is also the guard of applications: called as `<exe> guard ...` it runs [`guard::main`].
//!
//! One file per type. Below them: [`application`] and [`guard`] keep a program from outliving its monitor; `claim` and
//! [`tables`] are names and addresses that one process of the cluster may have; `reservation`, `reservation_store`,
//! `ownership` and `quorum` are who owns a disk, [`device`] is where it lies.
#![forbid(unsafe_code)]

mod address;
pub mod application;
mod birth;
mod claim;
mod command_line;
pub mod device;
mod drive;
mod file_share_witness;
mod files;
mod generic_application;
mod generic_script;
pub mod guard;
mod instance;
mod interface;
mod ip_address;
mod network_name;
mod ownership;
mod physical_disk;
pub mod place;
mod probe;
mod quorum;
mod reservation;
mod reservation_store;
mod shared_folder;
pub mod tables;
mod types;

pub use file_share_witness::FileShareWitness;
pub use generic_application::GenericApplication;
pub use generic_script::GenericScript;
pub use ip_address::IpAddress;
pub use network_name::NetworkName;
pub use physical_disk::PhysicalDisk;
pub use types::{DLL_NAME, SECOND_DLL_NAME, STARTUP, TYPES, TypeFacts, needs_windows};
