//! How things stand when a story begins: what a timeline starts from.

use cluster_engine::state::ResourceState;

/// The picture at `begin`, taken by the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The nodes in order.
    pub nodes: Vec<NodeOpening>,
    /// The groups, those of the core last.
    pub groups: Vec<GroupOpening>,
    /// The quorum device, if there is one.
    pub witness: Option<WitnessOpening>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOpening {
    /// Its name.
    pub name: String,
    /// The cluster counts it as up.
    pub is_member: bool,
    /// It is in contact with a majority.
    pub is_quorate: bool,
    /// It is paused.
    pub is_paused: bool,
    /// It has a vote in force.
    pub has_vote: bool,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOpening {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its resources and their states.
    pub resources: Vec<(String, ResourceState)>,
}

/// A quorum device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessOpening {
    /// The quorum resource.
    pub name: String,
    /// Where the witness votes.
    pub host: Option<String>,
    /// Its vote is in force.
    pub has_vote: bool,
}

/// The groups that every cluster has; timelines show them last.
pub const CORE_GROUPS: [&str; 2] = ["Cluster Group", "Available Storage"];
