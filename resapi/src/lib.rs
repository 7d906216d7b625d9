//! What the author of a resource type depends on: the portable trait, property tables and the export macro.
//!
//! A *resource type* teaches the cluster how to start, watch and stop one kind of thing. Implement
//! [`ResourceType`], export it with [`export!`], build a `cdylib`: the library runs in the Resource Monitor here
//! and, compiled for Windows, in a real failover cluster.
//!
//! ```
//! use resapi::{Context, Failure, Progress, Property, ResourceType};
//!
//! struct Flag(Context);
//!
//! impl ResourceType for Flag {
//!     const NAME: &'static str = "Flag";
//!     const PROPERTIES: &'static [Property] = &[Property::text("Path").required()];
//!
//!     fn open(context: Context) -> Result<Self, Failure> {
//!         Ok(Self(context))
//!     }
//!     fn online(&self, _progress: &Progress) -> Result<(), Failure> {
//!         Ok(std::fs::write(self.0.properties().text("Path"), "up")?)
//!     }
//!     fn is_alive(&self) -> Result<(), Failure> {
//!         Ok(std::fs::metadata(self.0.properties().text("Path")).map(drop)?)
//!     }
//!     fn offline(&self, _progress: &Progress) -> Result<(), Failure> {
//!         Ok(std::fs::remove_file(self.0.properties().text("Path"))?)
//!     }
//!     fn terminate(&self) {
//!         let _ = std::fs::remove_file(self.0.properties().text("Path"));
//!     }
//! }
//! ```
//!
//! The parts, in the order in which one meets them: [`ResourceType`] and [`Property`]; [`Context`], [`Properties`],
//! [`Log`], [`FailureNotice`] and [`RegistryKey`], which a resource is given in `open`; [`Progress`] and [`Failure`]
//! for `online` and `offline`; [`testing`] for unit tests without a cluster. The door between the trait and the C
//! ABI is one module, and the only one with unsafe code.
#![deny(unsafe_code)]

mod context;
#[allow(unsafe_code)] // the export door
#[doc(hidden)]
pub mod door;
mod failure;
mod macros;
mod progress;
mod properties;
mod property;
pub mod providers;
mod registry;
mod resource_type;
pub mod testing;

pub use context::{Context, FailureNotice, Log};
pub use door::QuorumLost;
pub use failure::Failure;
pub use progress::{Progress, Request};
pub use properties::Properties;
pub use property::Property;
pub use registry::RegistryKey;
pub use resapi_sys_mock::codes;
pub use resapi_sys_mock::property_list::Value;
pub use resource_type::{Control, Required, ResourceClass, ResourceType};

#[doc(hidden)]
pub use resapi_sys_mock as sys;
