//! What programs that call clusapi say to the Cluster service, and what it answers.
//!
//! `libclusapi` connects to the REST address of a node, asks for the protocol [`UPGRADE`] at [`PATH`] as HTTP lays down, and
//! from then on both sides speak frames: a 4-byte little-endian length and a postcard message. One [`Ask`] is answered by
//! one [`Told`]; who wants several answers at the same time opens several connections. The question is always about one
//! thing that a clusapi function needs: find an object, look at it, list objects, give an order, send a control code, read
//! or change the cluster registry, hear the news. Names given by people are resolved by the service; ids go back and forth.
//!
//! The protocol knows nothing of buffers, last errors and handles: those are the business of the library.

mod frame;
mod news;
mod order;

use serde::{Deserialize, Serialize};

pub use frame::{FrameError, LENGTH_BYTES, MAX_FRAME_BYTES, decode, encode, length, read, write};
pub use news::{Event, KeyChange, News, Place, object_type};
pub use order::Order;

/// The route, also without an upgrade: then the body of the answer is a postcard `Vec<NodeAddress>`.
pub const PATH: &str = "/api/v1/clusapi";
/// The word of the HTTP header `Upgrade`, with the version of these types: both sides must have the same.
pub const UPGRADE: &str = "wolfden-clusapi-1";

/// A kind of object with a handle of its own in clusapi.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The cluster itself.
    Cluster,
    /// A node; its id is a decimal number.
    Node,
    /// A group.
    Group,
    /// A resource.
    Resource,
    /// A resource type; its id is its name.
    ResourceType,
    /// A network of the registry.
    Network,
    /// A network interface of the registry.
    NetInterface,
    /// A set of groups, of the registry.
    GroupSet,
    /// An affinity rule, of the registry; its id is its name.
    AffinityRule,
}

/// Names one object for good: its kind and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id {
    /// What it is.
    pub kind: Kind,
    /// A GUID, the number of a node, or the name of a type.
    pub id: String,
}

impl Id {
    /// The cluster.
    pub fn cluster() -> Id {
        Id { kind: Kind::Cluster, id: String::new() }
    }

    /// Any object.
    pub fn new(kind: Kind, id: impl Into<String>) -> Id {
        Id { kind, id: id.into() }
    }
}

/// An object as clusapi shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Which one.
    pub id: Id,
    /// Its display name.
    pub name: String,
    /// Its state as the number that C programs know: `CLUSTER_NODE_STATE`, `CLUSTER_GROUP_STATE` and so on; 0 without one.
    pub state: i32,
    /// Name of the node that owns it; empty for what nobody owns.
    pub owner: String,
    /// The object that it belongs to: a resource's group, a group's node, an interface's node.
    pub parent: String,
    /// Display name of that object.
    pub parent_name: String,
    /// A resource's type; a network interface's network.
    pub type_name: String,
    /// `CLUS_FLAG_CORE` and its like.
    pub flags: u32,
    /// Path of its key in the cluster registry.
    pub key: String,
}

/// What a cluster is, for GetClusterInformation and for finding it by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// `ClusterName`.
    pub name: String,
    /// `ClusterInstanceID`.
    pub id: String,
    /// Name of the node that answers.
    pub node: String,
    /// Id of the node that answers.
    pub node_id: u32,
    /// Version of the service: major, minor, build.
    pub version: (u16, u16, u16),
    /// That node is in contact with a majority of votes.
    pub is_quorate: bool,
}

/// Where to reach a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: u32,
    /// `127.0.0.1:PORT`; empty when it is not known.
    pub address: String,
    /// It is up, as far as the answering node knows.
    pub is_up: bool,
}

/// Which neighbours of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Resources of a group or of a type, groups of a node or of a group set, interfaces of a node or of a network.
    Members,
    /// Preferred owners of a group, possible owners of a resource or a type. For a node: groups that prefer it.
    Nodes,
    /// What a resource, group or group set depends on.
    DependsOn,
    /// What depends on it.
    Provides,
    /// Interfaces of a node.
    Interfaces,
}

/// One value of the cluster registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegValue {
    /// `REG_*`.
    pub kind: u32,
    /// As stored.
    pub bytes: Vec<u8>,
}

/// One key of the cluster registry with everything but what is below its subkeys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegKey {
    /// Names and values, in order.
    pub values: Vec<(String, RegValue)>,
    /// Names and last writes (100 ns units since 1601) of the subkeys, in order.
    pub subkeys: Vec<(String, u64)>,
    /// Last write of the key.
    pub last_write: u64,
}

/// One command of a batch: number of `CLUSTER_REG_COMMAND` (reference 06.4), name of a key or value, and the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegCommand {
    /// 1 SET_VALUE to 18 CONDITION_KEY_NOT_EXISTS; [`RegCommand::DELETE_ONE_KEY`] for ClusterRegDeleteKey.
    pub command: u32,
    /// Key relative to the base, or value of the current key.
    pub name: String,
    /// The value to set or to compare with.
    pub value: RegValue,
}

impl RegCommand {
    /// Deletes one key that must be there and have no subkeys; not a number of Windows.
    pub const DELETE_ONE_KEY: u32 = 0x1003;
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Who answers.
    Cluster,
    /// Where the nodes are.
    Nodes,
    /// An object by name or id, without regard to case.
    Find {
        /// Of this kind.
        kind: Kind,
        /// Name or id.
        name: String,
    },
    /// An object by id.
    Look(Id),
    /// All objects of a kind, in the order of the service.
    List(Kind),
    /// Neighbours of an object.
    Related {
        /// Whose.
        of: Id,
        /// Which.
        relation: Relation,
    },
    /// A resource's dependency expression with ids, or a group's; empty for none.
    Expression(Id),
    /// May the first resource depend on the second?
    MayDepend {
        /// The one that would depend.
        dependent: String,
        /// On what.
        provider: String,
    },
    /// A change.
    Order {
        /// Which.
        order: Order,
        /// What the caller says of it, for the log.
        reason: String,
    },
    /// A control code.
    Control {
        /// To whom.
        to: Id,
        /// Id of the node that is to carry it out; `None`: the owner.
        host: Option<u32>,
        /// `CLUSCTL_*`.
        code: u32,
        /// The input buffer.
        input: Vec<u8>,
    },
    /// A key of the cluster registry.
    ReadKey {
        /// From the root.
        path: String,
    },
    /// A value.
    ReadValue {
        /// From the root.
        path: String,
        /// `""` is the default value.
        name: String,
    },
    /// Several values at one moment: path, and name or `None` for the key itself.
    ReadMany(Vec<(String, Option<String>)>),
    /// Changes of the cluster registry, all or none.
    Change {
        /// The key that the commands are relative to.
        base: String,
        /// In order.
        commands: Vec<RegCommand>,
    },
    /// The whole cluster registry as `.reg` text.
    Export,
    /// The quorum resource: see [`Told::Quorum`].
    Quorum,
    /// News after a number, or from now on; the answer waits for some for a while.
    Watch {
        /// The number told last; `None` at first.
        after: Option<u64>,
        /// How long to wait for news, in ms; at most [`MAX_WATCH_MS`].
        wait_ms: u32,
    },
}

/// The longest wait for news, in ms.
pub const MAX_WATCH_MS: u32 = 20_000;

impl Ask {
    /// The question changes nothing: it may be asked again after a connection broke.
    pub fn only_reads(&self) -> bool {
        match self {
            Ask::Order { .. } | Ask::Change { .. } | Ask::Control { .. } => false,
            Ask::Cluster
            | Ask::Nodes
            | Ask::Find { .. }
            | Ask::Look(_)
            | Ask::List(_)
            | Ask::Related { .. }
            | Ask::Expression(_)
            | Ask::MayDepend { .. }
            | Ask::ReadKey { .. }
            | Ask::ReadValue { .. }
            | Ask::ReadMany(_)
            | Ask::Export
            | Ask::Quorum
            | Ask::Watch { .. } => true,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Cluster`].
    Cluster(Cluster),
    /// To [`Ask::Nodes`].
    Nodes(Vec<NodeAddress>),
    /// One object: found, looked at, or created.
    Object(Box<Object>),
    /// Several.
    Objects(Vec<Object>),
    /// Text: an expression, an export.
    Text(String),
    /// Done, with nothing left to do.
    Done,
    /// Accepted; it goes on (997).
    Pending,
    /// A control code came back: Win32 result and output.
    Controlled {
        /// 0 for success.
        code: u32,
        /// The output, whole: the library cuts it to the caller's buffer.
        output: Vec<u8>,
    },
    /// Only this node can answer: ask it.
    Elsewhere(NodeAddress),
    /// A key.
    Key(RegKey),
    /// A value.
    Value(RegValue),
    /// To [`Ask::ReadMany`]: the value, nothing for a key that is there, or the Win32 code.
    Values(Vec<Result<Option<RegValue>, u32>>),
    /// The changes were not made: the command that was refused (from 0; -1 none in particular), and the Win32 code.
    Unchanged {
        /// Which command.
        failed: i32,
        /// Win32 code.
        code: u32,
    },
    /// The quorum resource and how votes are counted.
    Quorum {
        /// Its name; empty without one.
        resource: String,
        /// Device or share.
        device: String,
        /// `dwMaxQuorumLogSize`: 0 node majority, 1024 with witness, 4194304 disk alone.
        size: u32,
    },
    /// News.
    News(News),
    /// Refused: the Win32 code, and why.
    Refused {
        /// Win32 code.
        code: u32,
        /// What to do next.
        message: String,
    },
}
