//! The portable trait: one resource type, its facts as constants and its life as methods.
//!
//! # The life of a resource
//! ```text
//! open -> (arbitrate) -> online -> looks_alive / is_alive ... -> offline -> close
//!                           |              |                        |
//!                           +---- terminate may come at any time ---+
//! ```
//! `open` runs on every possible owner node, `online` only on the one that owns the resource. Methods of one
//! resource never overlap, except `terminate`, which may overlap every other one but `open` and `close`; that is
//! why all of them take `&self`. Different resources of the same type run at the same time, so statics must be
//! shared with care (reference 01.3).
//!
//! `online` and `offline` may block: they run on a worker thread of their own, while the cluster was told 997
//! (pending). All other methods run on the monitor's thread and should return within 300 ms.

use resapi_sys_mock::abi;

use crate::{Context, Failure, Progress, Property, QuorumLost};

/// A resource type. Implement it, then export it with [`crate::export!`].
///
/// A panic in any method is caught: the resource fails with 5930 and a line in the cluster log.
pub trait ResourceType: Sized + Send + Sync + 'static {
    /// Exact name of the type, as registered in the cluster. Compared without regard to case.
    const NAME: &'static str;

    /// The private properties, declared once. From this table follow validation, defaults and all control codes
    /// about private properties.
    const PROPERTIES: &'static [Property] = &[];

    /// Keep values that [`Self::PROPERTIES`] does not declare: they are stored unchecked and shown with the others
    /// (as scripts add properties of their own). Otherwise they are refused with 87.
    const ACCEPTS_UNKNOWN_PROPERTIES: bool = false;

    /// The type implements [`Self::arbitrate`] and [`Self::release`] and can be the quorum resource.
    const QUORUM_CAPABLE: bool = false;

    /// Class of the resource, for those that look for a disk or an address.
    const CLASS: ResourceClass = ResourceClass::Unknown;

    /// What every resource of this type must depend on before it can be brought online.
    const REQUIRED_DEPENDENCIES: &'static [Required] = &[];

    /// Control codes whose answer takes longer than an entry point should (300 ms). A monitor that speaks version 3 hears
    /// their answer later, from a thread of its own; for others [`Self::control`] is called as for any other code.
    const SLOW_CONTROLS: &'static [u32] = &[];

    /// Creates the instance, in the offline state. Called once per resource and monitor, on every possible owner
    /// node, before anything else. Do not start anything here.
    fn open(context: Context) -> Result<Self, Failure>;

    /// Brings the resource into service; `Ok` means Online. Runs on a worker thread and may block; properties were
    /// just read afresh and checked. Call [`Progress::checkpoint`] at least every few seconds (PendingTimeout
    /// counts between two of them) and give up when a stop was requested.
    fn online(&self, progress: &Progress) -> Result<(), Failure>;

    /// Quick look, every 5 s by default while Online; not called when a [`crate::FailureNotice`] was asked for.
    /// `false` only leads to [`Self::is_alive`].
    fn looks_alive(&self) -> bool {
        true
    }

    /// Thorough look, every 60 s by default while Online. An error fails the resource: it is terminated and the
    /// restart policy decides.
    fn is_alive(&self) -> Result<(), Failure>;

    /// Takes the resource out of service gently, so that another node can take over. Runs on a worker thread and
    /// may block, like [`Self::online`]; an error leads to [`Self::terminate`].
    fn offline(&self, progress: &Progress) -> Result<(), Failure>;

    /// Stops at once, without waiting for clean-up. May overlap any other method; a running `online` or `offline`
    /// has its stop requested just before. Must be safe to call when nothing runs.
    fn terminate(&self);

    /// A control code for this resource, after the ones that the property table answers (reference 01.8).
    fn control(&self, _code: u32, _input: &[u8]) -> Control {
        Control::Default
    }

    /// A control code for the type itself.
    fn type_control(_code: u32, _input: &[u8]) -> Control {
        Control::Default
    }

    /// Wins the quorum and defends it from now on. Keep `lost` and call it should the quorum be lost later.
    fn arbitrate(&self, _lost: QuorumLost) -> Result<(), Failure> {
        Err(not_quorum_capable())
    }

    /// Stops defending the quorum.
    fn release(&self) -> Result<(), Failure> {
        Err(not_quorum_capable())
    }

    /// Ends the instance; `terminate` was called before if it was not offline. Called when the resource is deleted
    /// and when the monitor stops.
    fn close(self) {}
}

fn not_quorum_capable() -> Failure {
    Failure::new(
        resapi_sys_mock::codes::win32::ERROR_NOT_QUORUM_CAPABLE,
        "this type cannot be the quorum resource: choose a disk or a file share witness",
    )
}

/// Class and subclass of a resource (reference 01.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceClass {
    /// No class.
    Unknown,
    /// A disk or volume.
    Storage,
    /// An address or network name.
    Network,
    /// A class of one's own, from `0x8000` on.
    User(u32),
}

impl ResourceClass {
    /// The number of the class.
    pub const fn number(self) -> u32 {
        match self {
            Self::Unknown => abi::CLUS_RESCLASS_UNKNOWN as u32,
            Self::Storage => abi::CLUS_RESCLASS_STORAGE as u32,
            Self::Network => abi::CLUS_RESCLASS_NETWORK as u32,
            Self::User(number) => number,
        }
    }

    /// The subclass that `CLUSCTL_RESOURCE_GET_CLASS_INFO` answers: shared disk, Internet Protocol, or none.
    pub const fn subclass(self) -> u32 {
        match self {
            Self::Unknown | Self::User(_) => 0,
            Self::Storage => abi::CLUS_RESSUBCLASS_STORAGE_SHARED_BUS | abi::CLUS_RESSUBCLASS_STORAGE_DISK,
            Self::Network => abi::CLUS_RESSUBCLASS_NETWORK_INTERNET_PROTOCOL,
        }
    }
}

/// A dependency without which a resource cannot come online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// A resource of this type.
    Type(&'static str),
    /// A resource of this class.
    Class(ResourceClass),
}

/// Answer to a control code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Not mine: the monitor does its default processing, if there is any (error 1).
    Default,
    /// Done, with these bytes as output (0). A caller's short buffer is answered with 234 by the door.
    Done(Vec<u8>),
    /// Stored, takes effect when the resource is next brought online (5024).
    Stored,
    /// Refused: the code goes to the caller, the message into the log.
    Refused(Failure),
}

impl Control {
    /// Done, without output.
    pub const fn done() -> Self {
        Self::Done(Vec::new())
    }
}
