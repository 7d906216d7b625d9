//! Who answers a control code (reference 01.8, 05.3).
//!
//! A code of a resource or a resource type goes to its library unless only the service knows the answer; what the library
//! leaves alone (result 1) the monitor or the service processes, if there is anything to process. Codes of all other objects
//! are the service's. Internal codes are sent by the service alone. Pure: `tests/routing.rs` holds every row of the
//! reference against it.

use super::control::*;

/// Where the answer to a control code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// The Cluster service; no library ever sees the code.
    Service,
    /// The library, and when it answers 1, this.
    Library(Fallback),
    /// Nobody: a client hears 1. The service itself sends the code to libraries, which need not answer.
    Notification,
    /// Nobody, and nobody sends it either: a library must not support it.
    Nobody,
}

/// What becomes of a code that a library has left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// The monitor processes it: private properties, class, characteristics, flags.
    Monitor,
    /// The service processes it: common properties.
    Service,
    /// Success without any effect: `UNKNOWN`.
    Success,
    /// There is no default: the client hears 1.
    None,
}

/// Operations of a resource or type that the service answers alone.
const SERVICE_ONLY: [u32; 16] = [
    CLUSCTL_RESOURCE_GET_NAME,
    CLUSCTL_RESOURCE_GET_ID,
    CLUSCTL_RESOURCE_GET_RESOURCE_TYPE,
    CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT,
    CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT,
    CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS,
    CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT,
    CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT_EX,
    CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT,
    CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS,
    CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_64BIT,
    CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_32BIT,
    CLUSCTL_RESOURCE_TYPE_GET_REGISTRY_CHECKPOINTS,
    CLUSCTL_RESOURCE_TYPE_GET_CRYPTO_CHECKPOINTS,
    // The name of the Network Name that the resource depends on is no business of its own library.
    CLUSCTL_RESOURCE_GET_NETWORK_NAME,
    CLUSCTL_RESOURCE_QUERY_DELETE,
];

/// Common properties lie between these operations (reference 05.4).
const FIRST_COMMON: u32 = 0x51;
const LAST_COMMON: u32 = 0x69;

/// Object numbers of resources and resource types.
const RESOURCE_OBJECT: u32 = 1;
const TYPE_OBJECT: u32 = 2;

/// Who answers `code`.
pub fn route(code: u32) -> Route {
    if matches!(code, CLUSCTL_RESOURCE_FORCE_QUORUM | CLUSCTL_RESOURCE_INITIALIZE) {
        return Route::Nobody;
    }
    if !matches!(object(code), RESOURCE_OBJECT | TYPE_OBJECT) {
        return Route::Service;
    }
    if is_internal(code) {
        return Route::Notification;
    }
    if SERVICE_ONLY.contains(&code) {
        return Route::Service;
    }
    let operation = operation(code) & !(1 << 22);
    Route::Library(match operation {
        0 => Fallback::Success,
        FIRST_COMMON..=LAST_COMMON => Fallback::Service,
        0x05 | 0x09 | 0x0D | 0x79 | 0x7D | 0x81 | 0x86 | 0x89 => Fallback::Monitor,
        _ => Fallback::None,
    })
}
