//! Where the monitor is, and what of the system the type needs and the safe crates do not have. The monitor says both once.

use std::path::PathBuf;
use std::sync::OnceLock;

use resapi::Failure;
use resapi::codes::win32;

/// A process that was opened: it stays the same one, whatever number others get.
pub trait Process: Send + Sync + std::fmt::Debug {
    /// It is gone.
    fn has_ended(&self) -> bool;

    /// Ends it. False: it cannot be ended, or has ended by itself.
    fn end(&self) -> bool;
}

/// What the system does for the type.
pub trait System: Send + Sync + std::fmt::Debug {
    /// Opens a process by its number. `None` when there is none.
    fn open_process(&self, number: u32) -> Option<Box<dyn Process>>;

    /// Changes the command line of a service, and nothing else of it.
    ///
    /// # Errors
    /// The Win32 code of the service control manager.
    fn set_service_command(&self, service: &str, command: &str) -> Result<(), u32>;
}

/// The surroundings of all resources of this process.
#[derive(Debug)]
pub struct Place {
    /// The name of this node.
    pub node: String,
    /// The directory that all nodes of the cluster see, as Windows writes it.
    pub shared_dir: PathBuf,
    /// The executable of this monitor.
    pub program: String,
    /// The system.
    pub system: &'static dyn System,
}

static SETTLED: OnceLock<Place> = OnceLock::new();

/// Says where this process is. Called by the monitor before it opens the first resource; a second call changes nothing.
pub fn settle(place: Place) {
    SETTLED.get_or_init(|| place);
}

/// # Errors
/// 5023 when nobody has said it.
pub(crate) fn current() -> Result<&'static Place, Failure> {
    let missing = || Failure::new(win32::ERROR_INVALID_STATE, "this monitor was not told on which node it is");
    SETTLED.get().ok_or_else(missing)
}
