//! Refusals: the caller asked for what cannot be.

use serde::{Deserialize, Serialize};

/// Why a request is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The Win32 code that the real service answers in this case (docs/reference/data/errors.csv).
    pub code: u32,
    /// What is wrong and what to do next, in a sentence with names.
    pub message: String,
    /// The facts the sentence is made of, as (name, value).
    pub facts: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal without facts.
    #[must_use]
    pub fn new(code: u32, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl ToString) -> Refusal {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal),+ $(,)?) => {
        /// The Win32 codes that the engine answers with.
        pub mod code {
            $($(#[$doc])* pub const $name: u32 = $value;)+

            /// The name of one of the codes above.
            #[must_use]
            pub fn name(code: u32) -> Option<&'static str> {
                match code {
                    $($value => Some(concat!("ERROR_", stringify!($name))),)+
                    _ => None,
                }
            }

            /// All of them, for the table test against the reference.
            pub const ALL: &[(&str, u32)] = &[$((concat!("ERROR_", stringify!($name)), $value)),+];
        }
    };
}

codes! {
    /// A key or value that is not there.
    FILE_NOT_FOUND = 2,
    /// A key that may not be touched in this way.
    ACCESS_DENIED = 5,
    /// A value of the wrong format.
    INVALID_DATA = 13,
    /// The node is paused.
    SHARING_PAUSED = 70,
    /// A value out of range, an unknown property.
    INVALID_PARAMETER = 87,
    /// A name that cannot be.
    INVALID_NAME = 123,
    /// The group still has resources.
    DIR_NOT_EMPTY = 145,
    /// No answer in time; what was asked for may or may not have happened.
    TIMEOUT = 1460,
    /// The dependency would close a circle.
    CIRCULAR_DEPENDENCY = 1059,
    /// Something depends on the resource.
    DEPENDENT_RESOURCE_EXISTS = 5001,
    /// There is no such dependency.
    DEPENDENCY_NOT_FOUND = 5002,
    /// There is already.
    DEPENDENCY_ALREADY_EXISTS = 5003,
    /// No node can host it.
    HOST_NODE_NOT_AVAILABLE = 5005,
    /// The resource is being deleted, or cannot be had.
    RESOURCE_NOT_AVAILABLE = 5006,
    /// No such resource.
    RESOURCE_NOT_FOUND = 5007,
    /// The node cannot be evicted now.
    CANT_EVICT_ACTIVE_NODE = 5009,
    /// The name is taken.
    OBJECT_ALREADY_EXISTS = 5010,
    /// Already in the list.
    OBJECT_IN_LIST = 5011,
    /// No such group.
    GROUP_NOT_FOUND = 5013,
    /// The groups have different owners.
    HOST_NODE_NOT_GROUP_OWNER = 5016,
    /// Not with the quorum resource.
    QUORUM_RESOURCE = 5020,
    /// The type cannot be the quorum resource.
    NOT_QUORUM_CAPABLE = 5021,
    /// The resource is online.
    RESOURCE_ONLINE = 5019,
    /// The service is going down.
    CLUSTER_SHUTTING_DOWN = 5022,
    /// The state does not allow it.
    INVALID_STATE = 5023,
    /// Not a storage device.
    NOT_QUORUM_CLASS = 5025,
    /// Part of the core of the cluster.
    CORE_RESOURCE = 5026,
    /// The quorum resource is not online.
    QUORUM_RESOURCE_ONLINE_FAILED = 5027,
    /// The owner of the quorum device is alive.
    QUORUM_OWNER_ALIVE = 5034,
    /// A node of this name is a member.
    CLUSTER_NODE_EXISTS = 5040,
    /// No such node.
    CLUSTER_NODE_NOT_FOUND = 5042,
    /// No such network.
    CLUSTER_NETWORK_NOT_FOUND = 5045,
    /// The node is down.
    CLUSTER_NODE_DOWN = 5050,
    /// The node is up.
    CLUSTER_NODE_UP = 5056,
    /// The node is not paused.
    CLUSTER_NODE_NOT_PAUSED = 5058,
    /// Not on the quorum resource.
    INVALID_OPERATION_ON_QUORUM = 5068,
    /// Nothing may depend on it.
    DEPENDENCY_NOT_ALLOWED = 5069,
    /// The node is paused.
    CLUSTER_NODE_PAUSED = 5070,
    /// The node is not a possible owner.
    NODE_CANT_HOST_RESOURCE = 5071,
    /// Not ready yet.
    CLUSTER_NODE_NOT_READY = 5072,
    /// Too many resources.
    CLUSTER_MAXNUM_OF_RESOURCES_EXCEEDED = 5076,
    /// No such type.
    CLUSTER_RESOURCE_TYPE_NOT_FOUND = 5078,
    /// The monitor refuses in this state.
    RESMON_INVALID_STATE = 5084,
    /// A property that cannot be set.
    RESOURCE_PROPERTY_UNCHANGEABLE = 5089,
    /// A value of another type than the property has.
    CLUSTER_PROPERTY_DATA_TYPE_MISMATCH = 5895,
    /// The group is already on its way.
    CLUSTER_GROUP_MOVING = 5908,
    /// Resources of the type exist.
    CLUSTER_RESOURCE_TYPE_BUSY = 5909,
    /// No quorum.
    CLUSTER_NO_QUORUM = 5925,
    /// The quorum resource stays in its group.
    QUORUM_NOT_ALLOWED_IN_THIS_GROUP = 5928,
    /// More than 100 levels of dependencies.
    DEPENDENCY_TREE_TOO_COMPLEX = 5929,
    /// As many nodes as there can be.
    CLUSTER_TOO_MANY_NODES = 5935,
    /// The type has its one resource.
    CLUSTER_SINGLETON_RESOURCE = 5940,
    /// The group has its one resource of the type.
    CLUSTER_GROUP_SINGLETON_RESOURCE = 5941,
    /// There would be no vote.
    CLUSTER_INVALID_NODE_WEIGHT = 5954,
    /// Its library has locked it.
    CLUSTER_RESOURCE_LOCKED_STATUS = 5960,
    /// A drain is running.
    CLUSTER_NODE_DRAIN_IN_PROGRESS = 5962,
    /// In maintenance mode.
    CLUSTER_RESOURCE_IS_IN_MAINTENANCE_MODE = 5970,
    /// The node is in quarantine.
    CLUSTER_NODE_QUARANTINED = 5985,
    /// A batch's condition did not hold.
    CLUSTER_DATABASE_UPDATE_CONDITION_FAILED = 5986,
}
