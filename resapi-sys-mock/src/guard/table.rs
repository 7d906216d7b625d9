//! The table of calls that a resource DLL should not make, and the verdict on one call (reference 01.9).
//!
//! Pure: names in, verdict out. Where a call is made from is a [`Place`]; how it is told apart is the business of the
//! monitor. What the table does not name is allowed, the newer forms with another name included.

use crate::codes::control;

/// An entry point of a resource DLL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryPoint {
    /// The library is being loaded, or asked for the table of a type.
    Startup,
    /// Open.
    Open,
    /// Close.
    Close,
    /// Online.
    Online,
    /// Offline.
    Offline,
    /// Terminate.
    Terminate,
    /// LooksAlive.
    LooksAlive,
    /// IsAlive.
    IsAlive,
    /// Arbitrate.
    Arbitrate,
    /// Release.
    Release,
    /// ResourceControl and its later forms.
    ResourceControl,
    /// ResourceTypeControl and its later forms.
    ResourceTypeControl,
    /// Cancel.
    Cancel,
}

impl EntryPoint {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Startup,
        Self::Open,
        Self::Close,
        Self::Online,
        Self::Offline,
        Self::Terminate,
        Self::LooksAlive,
        Self::IsAlive,
        Self::Arbitrate,
        Self::Release,
        Self::ResourceControl,
        Self::ResourceTypeControl,
        Self::Cancel,
    ];

    /// Its name, as the monitor reports it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Open => "Open",
            Self::Close => "Close",
            Self::Online => "Online",
            Self::Offline => "Offline",
            Self::Terminate => "Terminate",
            Self::LooksAlive => "LooksAlive",
            Self::IsAlive => "IsAlive",
            Self::Arbitrate => "Arbitrate",
            Self::Release => "Release",
            Self::ResourceControl => "ResourceControl",
            Self::ResourceTypeControl => "ResourceTypeControl",
            Self::Cancel => "Cancel",
        }
    }

    /// The entry point of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entry| entry.name() == name)
    }
}

/// On which thread a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On the thread on which the monitor has called this entry point.
    EntryPoint(EntryPoint),
    /// On a worker made with `ClusWorkerCreate`.
    Worker,
    /// On a thread that the library has made in another way. It holds nobody up, so it counts as a worker.
    Other,
}

impl Place {
    /// The word for the kind of thread.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EntryPoint(_) => "entry point",
            Self::Worker => "worker",
            Self::Other => "other thread",
        }
    }
}

/// What the table says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Never from a resource DLL, on any thread.
    DoNotUse,
    /// Not on the thread of any entry point.
    WorkerThreadOnly,
    /// Not in Close, Offline, Online, Open and Terminate.
    SomeEntryPointsOk,
}

impl Usage {
    /// The word of the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DoNotUse => "do-not-use",
            Self::WorkerThreadOnly => "worker-thread-only",
            Self::SomeEntryPointsOk => "some-entry-points-ok",
        }
    }

    /// What to do instead.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::DoNotUse => {
                "a resource DLL must not make this call on any thread; leave it to whoever manages the cluster"
            }
            Self::WorkerThreadOnly => "make it on a worker (ClusWorkerCreate), never on the thread of an entry point",
            Self::SomeEntryPointsOk => {
                "make it on a worker, or in another entry point than Open, Online, Offline, Terminate and Close"
            }
        }
    }

    const fn forbids(self, place: Place) -> bool {
        match (self, place) {
            (Self::DoNotUse, _) | (Self::WorkerThreadOnly, Place::EntryPoint(_)) => true,
            (Self::SomeEntryPointsOk, Place::EntryPoint(entry)) => matches!(
                entry,
                EntryPoint::Open | EntryPoint::Online | EntryPoint::Offline | EntryPoint::Terminate | EntryPoint::Close
            ),
            (Self::WorkerThreadOnly | Self::SomeEntryPointsOk, Place::Worker | Place::Other) => false,
        }
    }
}

/// A call that the table forbids where it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// The row of the table: a function, or a control code.
    pub row: &'static str,
    /// Why.
    pub usage: Usage,
}

/// Looks a call at a place up. `None`: allowed. `control` is the code of a control call, 0 for any other; the row of the
/// code goes before that of the function.
pub fn verdict(function: &str, control: u32, place: Place) -> Option<Forbidden> {
    let of_code = (control != 0).then(|| code_row(control)).flatten();
    let of_function = || FUNCTIONS.iter().find(|(name, _)| *name == function);
    let (row, usage) = of_code.or_else(of_function)?;
    usage.forbids(place).then_some(Forbidden { row, usage: *usage })
}

/// The row of a control code. Some codes have several names; one of them in the table is enough.
fn code_row(code: u32) -> Option<&'static (&'static str, Usage)> {
    let all = control::ALL.iter().flat_map(|table| table.iter());
    let names = all.filter(|(_, value)| *value == code).map(|(name, _)| *name);
    names.into_iter().find_map(|name| CONTROL_CODES.iter().find(|(row, _)| *row == name))
}

use Usage::{DoNotUse, SomeEntryPointsOk, WorkerThreadOnly};

/// The functions of the table.
pub const FUNCTIONS: &[(&str, Usage)] = &[
    ("AddClusterResourceDependency", DoNotUse),
    ("AddClusterResourceNode", WorkerThreadOnly),
    ("CanResourceBeDependent", WorkerThreadOnly),
    ("ChangeClusterResourceGroup", DoNotUse),
    ("ClusterGroupEnum", WorkerThreadOnly),
    ("ClusterGroupOpenEnum", WorkerThreadOnly),
    ("ClusterRegCreateKey", SomeEntryPointsOk),
    ("ClusterRegDeleteKey", SomeEntryPointsOk),
    ("ClusterRegDeleteValue", SomeEntryPointsOk),
    ("ClusterRegSetKeySecurity", SomeEntryPointsOk),
    ("ClusterRegSetValue", SomeEntryPointsOk),
    ("ClusterResourceEnum", WorkerThreadOnly),
    ("ClusterResourceOpenEnum", WorkerThreadOnly),
    ("CreateClusterGroup", DoNotUse),
    ("CreateClusterResource", DoNotUse),
    ("DeleteClusterGroup", DoNotUse),
    ("DeleteClusterResource", DoNotUse),
    ("DestroyClusterGroup", DoNotUse),
    ("FailClusterResource", DoNotUse),
    ("GetClusterGroupState", WorkerThreadOnly),
    ("GetClusterResourceNetworkName", WorkerThreadOnly),
    ("GetClusterResourceState", WorkerThreadOnly),
    ("MoveClusterGroup", DoNotUse),
    ("OfflineClusterGroup", DoNotUse),
    ("OfflineClusterResource", DoNotUse),
    ("OnlineClusterGroup", DoNotUse),
    ("OnlineClusterResource", DoNotUse),
    ("RemoveClusterResourceDependency", DoNotUse),
    ("RemoveClusterResourceNode", DoNotUse),
    ("ResUtilFindDependentDiskResourceDriveLetter", DoNotUse),
    ("ResUtilGetResourceDependentIPAddressProps", WorkerThreadOnly),
    ("ResUtilGetEnvironmentWithNetName", WorkerThreadOnly),
    ("ResUtilGetResourceDependency", WorkerThreadOnly),
    ("ResUtilGetResourceDependencyByClass", WorkerThreadOnly),
    ("ResUtilGetResourceDependencyByName", WorkerThreadOnly),
    ("ResUtilGetResourceNameDependency", WorkerThreadOnly),
    ("ResUtilSetBinaryValue", SomeEntryPointsOk),
    ("ResUtilSetDwordValue", SomeEntryPointsOk),
    ("ResUtilSetExpandSzValue", SomeEntryPointsOk),
    ("ResUtilSetMultiSzValue", SomeEntryPointsOk),
    ("ResUtilSetPrivatePropertyList", SomeEntryPointsOk),
    ("ResUtilSetPropertyParameterBlock", SomeEntryPointsOk),
    ("ResUtilSetPropertyParameterBlockEx", SomeEntryPointsOk),
    ("ResUtilSetPropertyTable", SomeEntryPointsOk),
    ("ResUtilSetPropertyTableEx", SomeEntryPointsOk),
    ("ResUtilSetResourceServiceEnvironment", WorkerThreadOnly),
    ("ResUtilSetSzValue", SomeEntryPointsOk),
    ("ResUtilSetUnknownProperties", SomeEntryPointsOk),
    ("SetClusterGroupName", DoNotUse),
    ("SetClusterGroupNodeList", DoNotUse),
    ("SetClusterName", DoNotUse),
    ("SetClusterQuorumResource", DoNotUse),
    ("SetClusterResourceName", DoNotUse),
    ("SetClusterServiceAccountPassword", DoNotUse),
];

/// The control codes of the table.
pub const CONTROL_CODES: &[(&str, Usage)] = &[
    ("CLUSCTL_GROUP_ENUM_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_ENUM_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_CHARACTERISTICS", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_COMMON_PROPERTY_FMTS", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_FLAGS", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_ID", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_NAME", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_PRIVATE_PROPERTY_FMTS", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_RO_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_GET_RO_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_QUERY_DELETE", WorkerThreadOnly),
    ("CLUSCTL_GROUP_SET_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_SET_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_UNKNOWN", WorkerThreadOnly),
    ("CLUSCTL_GROUP_VALIDATE_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_GROUP_VALIDATE_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_ADD_DEPENDENCY", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_ADD_OWNER", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_CLUSTER_NAME_CHANGED", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_CLUSTER_VERSION_CHANGED", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_DELETE", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_ENUM_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_EVICT_NODE", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_CHARACTERISTICS", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_CLASS_INFO", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_FLAGS", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_ID", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_NAME", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_NETWORK_NAME", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_RESOURCE_TYPE", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_RO_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_INSTALL_NODE", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_REMOVE_DEPENDENCY", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_REMOVE_OWNER", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_SET_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_SET_NAME", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_STORAGE_GET_DISK_INFO", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_STORAGE_GET_DISK_INFO_EX", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_STORAGE_GET_MOUNTPOINTS", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_STORAGE_IS_PATH_VALID", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_UNKNOWN", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_VALIDATE_COMMON_PROPERTIES", WorkerThreadOnly),
    ("CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES", WorkerThreadOnly),
];
