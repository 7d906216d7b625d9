//! The network of the cluster, and the interface that each node has on it (reference 06: `Networks`, `NetworkInterfaces`).
//!
//! The nodes talk over one network. It and the interfaces are keys of the registry and nothing else: administrators name
//! them and programs list them. Their state follows from that of the nodes. The ids follow from the cluster's, so that
//! every replica makes the same ones.

use clusreg::{Batch, Hive, Value};

use crate::id::{Guid, NodeId};

/// What the first network of a cluster is called.
pub const FIRST_NETWORK: &str = "Cluster Network 1";
/// Role InternalAndClient (reference 02, network role).
const INTERNAL_AND_CLIENT: u32 = 3;

fn network_id(cluster: Guid) -> Guid {
    Guid(cluster.0 ^ (1 << 48))
}

fn interface_id(cluster: Guid, node: NodeId) -> Guid {
    Guid(cluster.0 ^ (u128::from(node.0) << 32) ^ (1 << 49))
}

/// The key of the network, for a new cluster.
pub(super) fn create_network(batch: Batch, cluster: Guid) -> Batch {
    batch
        .create_key(format!("Networks\\{}", network_id(cluster)))
        .set_value("Name", Value::sz(FIRST_NETWORK))
        .set_value("Role", Value::dword(INTERNAL_AND_CLIENT))
}

/// The key of a node's interface. `address` is where the node is reached, perhaps with a port.
pub(super) fn create_interface(batch: Batch, cluster: Guid, node: NodeId, name: &str, address: &str) -> Batch {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    batch
        .create_key(format!("NetworkInterfaces\\{}", interface_id(cluster, node)))
        .set_value("Name", Value::sz(&format!("{name} - Ethernet")))
        .set_value("Node", Value::sz(&node.to_string()))
        .set_value("Network", Value::sz(&network_id(cluster).to_string()))
        .set_value("Address", Value::sz(host.trim_matches(['[', ']'])))
}

/// Deletes the key of a node's interface, if there is one.
pub(super) fn delete_interface(batch: Batch, hive: &Hive, cluster: Guid, node: NodeId) -> Batch {
    let id = interface_id(cluster, node);
    match hive.key(&format!("NetworkInterfaces\\{id}")) {
        Some(_) => batch.delete_tree(format!("NetworkInterfaces\\{id}")),
        None => batch,
    }
}
