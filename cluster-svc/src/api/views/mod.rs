//! The shapes of the outside: what JSON clients see of the cluster.
//!
//! Members have the names of the real properties. Every view is made from a [`Sight`], so that one look at the node's
//! state gives a whole consistent picture, and is used by the `cluster` command to read the answers again.

mod change;
mod cluster;
mod group;
mod history;
mod node;
mod quorum;
mod registry;
mod resource;

use std::collections::BTreeMap;

use cluster_engine::NodeId;
use cluster_engine::state::ClusterState;

pub use self::change::{Accepted, Changed, Rest};
pub use self::cluster::{ClusterView, NameView, NetworkView};
pub use self::group::{CandidateView, GroupView, MovingView, PlacementView};
pub use self::history::{NoticeView, Place, Snapshot, SubjectView, level_of_word, level_word, rfc3339, subject};
pub use self::node::NodeView;
pub(super) use self::node::{dynamic_weight, needs_prevent_quorum, status_bits};
pub use self::quorum::{QuorumView, VoterView, WitnessView};
pub use self::registry::{KeyView, PropertyView, RegistryValue, properties};
pub use self::resource::{ResourceView, TypeView};

use super::door::{Facts, Peer, Vantage};

/// Everything a view is made from, at one moment.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// What the nodes agree on.
    pub state: &'a ClusterState,
    /// How it looks from here.
    pub vantage: &'a Vantage,
    /// Who answers.
    pub facts: &'a Facts,
    /// The processes of the nodes.
    pub peers: &'a BTreeMap<NodeId, Peer>,
}
