//! Forming a cluster: the first state, from which every replica starts.

use std::collections::BTreeMap;

use clusreg::{Batch, FileTime, Hive, Value};
use serde::{Deserialize, Serialize};

use super::config::{ClusterConfig, GroupConfig, NodeConfig, TypeConfig};
use super::configure::{AVAILABLE_STORAGE, CORE_GROUP};
use super::network;
use super::objects::{ClusterState, Group, Node, ResourceType};
use super::quorum::Quorum;
use crate::id::{Guid, NodeId};
use crate::replica::{Stored, VoterId, Voters};
use crate::time::Time;

/// What a new cluster starts with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormSpec {
    /// The cluster's name.
    pub cluster_name: String,
    /// Its id, made by the caller.
    pub cluster_id: Guid,
    /// The first node's name; it becomes node 1, voter 1.
    pub node_name: String,
    /// The first node's address.
    pub address: String,
    /// Ids of the core group and of Available Storage, made by the caller.
    pub group_ids: [Guid; 2],
    /// Resource types: name, display name, DLL, LooksAlive and IsAlive intervals in ms.
    pub types: Vec<(String, String, String, u32, u32)>,
    /// DWORD values of cluster properties that depart from the defaults, e.g. `SameSubnetDelay`.
    pub properties: Vec<(String, u32)>,
    /// When.
    pub at: Time,
}

impl FormSpec {
    /// The state of the new cluster.
    #[must_use]
    pub fn state(&self) -> ClusterState {
        let node = NodeId(1);
        let mut hive = Hive::new();
        let mut batch = Batch::at("")
            .set_value("ClusterName", Value::sz(&self.cluster_name))
            .set_value("ClusterInstanceID", Value::sz(&self.cluster_id.to_string()));
        for (name, value) in &self.properties {
            batch = batch.set_value(name, Value::dword(*value));
        }
        for key in
            ["Checkpoints", "Groups", "Resources", "ResourceTypes", "Nodes", "Networks", "NetworkInterfaces", "Quorum"]
        {
            batch = batch.create_key(key);
        }
        batch = batch
            .create_key(format!("Nodes\\{node}"))
            .set_value("NodeName", Value::sz(&self.node_name))
            .set_value("Address", Value::sz(&self.address));
        batch = network::create_network(batch, self.cluster_id);
        batch = network::create_interface(batch, self.cluster_id, node, &self.node_name, &self.address);
        let groups = [("Cluster Group", CORE_GROUP), ("Available Storage", AVAILABLE_STORAGE)];
        for (id, (name, group_type)) in self.group_ids.iter().zip(groups) {
            batch = batch
                .create_key(format!("Groups\\{id}"))
                .set_value("Name", Value::sz(name))
                .set_value("GroupType", Value::dword(group_type))
                .set_value("PersistentState", Value::dword(1));
        }
        for (name, display_name, dll_name, looks_alive, is_alive) in &self.types {
            batch = batch
                .create_key(format!("ResourceTypes\\{name}"))
                .set_value("Name", Value::sz(display_name))
                .set_value("DllName", Value::sz(dll_name))
                .set_value("LooksAlivePollInterval", Value::dword(*looks_alive))
                .set_value("IsAlivePollInterval", Value::dword(*is_alive));
        }
        hive.apply(&batch, FileTime::from_unix_ms(self.at.0))
            .expect("the first batch is made of fixed names and applies");

        let read_type = |name: &String| (name.to_uppercase(), ResourceType { config: TypeConfig::read(&hive, name) });
        ClusterState {
            config: ClusterConfig::read(&hive),
            nodes: BTreeMap::from([(node, Node::new(node, NodeConfig::read(&hive, node), VoterId(1)))]),
            groups: self
                .group_ids
                .iter()
                .map(|id| (*id, Group::new(*id, GroupConfig::read(&hive, *id), node)))
                .collect(),
            resources: BTreeMap::new(),
            types: self.types.iter().map(|t| read_type(&t.0)).collect(),
            at: self.at,
            applied: 1,
            next_voter: 2,
            quorum: Quorum::new(Voters::new(&[1], &[])),
            outcomes: BTreeMap::new(),
            done_below: BTreeMap::new(),
            hive,
        }
    }

    /// The store of the first node of the new cluster: it alone votes.
    ///
    /// # Panics
    /// Never for a spec that can be serialized, which every one can.
    #[must_use]
    pub fn stored(&self) -> Stored {
        let voters = Voters::new(&[1], &[]);
        Stored::first(voters, postcard::to_stdvec(&self.state()).expect("cluster state is serializable"))
    }
}
