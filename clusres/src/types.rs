//! What the built-in types are, as pure values: the Cluster service writes them into the registry of a new cluster.

use resapi::{ResourceClass, ResourceType};

use crate::file_share_witness::FileShareWitness;
use crate::generic_application::GenericApplication;
use crate::generic_script::GenericScript;
use crate::ip_address::IpAddress;
use crate::network_name::NetworkName;
use crate::physical_disk::PhysicalDisk;

/// The registered `DllName` of most built-in types.
pub const DLL_NAME: &str = "clusres.dll";
/// The registered `DllName` of the younger ones. Both names mean the types built into the monitor.
pub const SECOND_DLL_NAME: &str = "clusres2.dll";

/// Between LooksAlive polls of every type, in milliseconds (reference data/resource-types.csv).
const LOOKS_ALIVE_MS: u32 = 5_000;
/// Between IsAlive polls of every type, in milliseconds (reference 01.3).
const IS_ALIVE_MS: u32 = 60_000;

/// One built-in type, as its key under `ResourceTypes` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// The exact type name: the name of the key.
    pub name: &'static str,
    /// What people see.
    pub display_name: &'static str,
    /// `DllName`.
    pub dll_name: &'static str,
    /// `LooksAlivePollInterval`, in milliseconds.
    pub looks_alive_ms: u32,
    /// `IsAlivePollInterval`, in milliseconds.
    pub is_alive_ms: u32,
    /// Whether it can be the quorum resource.
    pub quorum_capable: bool,
    /// Its class.
    pub class: ResourceClass,
    /// Whether it lives among Windows programs: a monitor under Wine has it, a monitor of this system has not.
    pub needs_windows: bool,
}

/// One list for what is registered and for what is served, so that the two cannot drift apart.
macro_rules! built_in {
    ($($resource_type:ty => $dll_name:expr),+ $(,)?) => {
        /// All built-in types.
        pub const TYPES: &[TypeFacts] = &[$(facts::<$resource_type>($dll_name)),+, GENERIC_SERVICE];

        resapi::table!(
            /// The startup function of all built-in types.
            pub STARTUP = $($resource_type),+
        );
    };
}

built_in!(
    GenericApplication => DLL_NAME,
    GenericScript => SECOND_DLL_NAME,
    IpAddress => DLL_NAME,
    NetworkName => DLL_NAME,
    PhysicalDisk => DLL_NAME,
    FileShareWitness => SECOND_DLL_NAME,
);

/// Services are where the service control manager is: in the private Windows of a node. The type itself is in the monitor that is
/// a Windows program (`generic-service`).
const GENERIC_SERVICE: TypeFacts = TypeFacts {
    name: "Generic Service",
    display_name: "Generic Service",
    dll_name: DLL_NAME,
    looks_alive_ms: LOOKS_ALIVE_MS,
    is_alive_ms: IS_ALIVE_MS,
    quorum_capable: false,
    class: ResourceClass::Unknown,
    needs_windows: true,
};

/// Whether the type that is registered under these names is one of those that need a monitor under Wine.
#[must_use]
pub fn needs_windows(type_name: &str, dll_name: &str) -> bool {
    TYPES.iter().any(|facts| {
        facts.needs_windows
            && facts.name.eq_ignore_ascii_case(type_name)
            && facts.dll_name.eq_ignore_ascii_case(dll_name)
    })
}

const fn facts<T: ResourceType>(dll_name: &'static str) -> TypeFacts {
    TypeFacts {
        name: T::NAME,
        display_name: T::NAME,
        dll_name,
        looks_alive_ms: LOOKS_ALIVE_MS,
        is_alive_ms: IS_ALIVE_MS,
        quorum_capable: T::QUORUM_CAPABLE,
        class: T::CLASS,
        needs_windows: false,
    }
}
