//! News: what changed in the cluster, in the words of notification ports (reference 08.3).
//!
//! The service compares the cluster before and after and tells each difference once, with a number. A library keeps the
//! number of the last one it heard and asks for what came after. Which program wants which event is the library's business.

use serde::{Deserialize, Serialize};

use super::RegCommand;

/// `CLUSTER_OBJECT_TYPE`.
pub mod object_type {
    /// The cluster.
    pub const CLUSTER: u32 = 1;
    /// A group.
    pub const GROUP: u32 = 2;
    /// A resource.
    pub const RESOURCE: u32 = 3;
    /// A resource type.
    pub const RESOURCE_TYPE: u32 = 4;
    /// A network interface.
    pub const NETWORK_INTERFACE: u32 = 5;
    /// A network.
    pub const NETWORK: u32 = 6;
    /// A node.
    pub const NODE: u32 = 7;
    /// A key of the cluster registry.
    pub const REGISTRY: u32 = 8;
    /// Quorum.
    pub const QUORUM: u32 = 9;
    /// A set of groups.
    pub const GROUPSET: u32 = 13;
}

/// One thing that happened to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `CLUSTER_OBJECT_TYPE`.
    pub object_type: u32,
    /// The one bit of the V2 filter of that object type.
    pub flags: u64,
    /// The one bit of the V1 filter; 0 for what V1 does not know.
    pub filter: u32,
    /// Id of the object; for the registry the path of the key.
    pub id: String,
    /// Id of the object that it belongs to: a resource's group, a group's node.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// A resource's type.
    pub type_name: String,
    /// The new state as four bytes, for events about states; else empty.
    pub buffer: Vec<u8>,
}

/// One commit to the cluster registry, as commands relative to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key.
    pub path: String,
    /// CREATE_KEY, SET_VALUE, DELETE_VALUE, DELETE_KEY on that key; names are those of values.
    pub commands: Vec<RegCommand>,
}

/// A place in the news: events and key changes that were seen together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What happened to objects and keys.
    pub events: Vec<Event>,
    /// What happened to keys, for batch notifications.
    pub keys: Vec<KeyChange>,
}

/// The answer to a watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Ask for what comes after this the next time.
    pub last: u64,
    /// Something between the last time and now is no longer known.
    pub is_lost: bool,
    /// In order.
    pub places: Vec<Place>,
}
