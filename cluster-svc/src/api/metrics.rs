//! `/metrics`: numbers for Prometheus, under the names that windows_exporter's `mscluster` collector uses, so that its
//! dashboards work here too.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cluster_engine::quorum::Model;
use cluster_engine::state::{
    ClusterState, DrainStatus, Group, GroupState, Node, NodeState, Resource, ResourceState, property,
};

use super::Api;
use super::extract::{Asked, Nothing};
use super::refused::Answered;
use super::views::{NetworkView, QuorumView, Sight, dynamic_weight, needs_prevent_quorum, status_bits};

/// The version of the text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn show(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Response> {
    let text = api.see(text).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// One family of numbers: its name without the prefix, what it means, and its labelled values.
#[derive(Clone)]
struct Family {
    name: &'static str,
    help: &'static str,
    values: Vec<Labelled>,
}

/// A number with its labels.
type Labelled = (Vec<(&'static str, String)>, u64);

impl Family {
    /// Everything here is a gauge: it may go up and down.
    fn gauge(name: &'static str, help: &'static str, values: Vec<Labelled>) -> Family {
        Family { name, help, values }
    }
}

fn text(sight: Sight<'_>) -> String {
    let mut out = String::new();
    for family in families(sight) {
        let name = format!("windows_mscluster_{}", family.name);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} gauge", family.help);
        for (labels, value) in family.values {
            let labels: Vec<String> =
                labels.into_iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(&text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    }
    out
}

fn families(sight: Sight<'_>) -> Vec<Family> {
    [of_the_cluster(sight), of_nodes(sight), of_groups(sight), of_resources(sight), vec![of_networks(sight)]].concat()
}

fn of_the_cluster(sight: Sight<'_>) -> Vec<Family> {
    let Sight { state, vantage, .. } = sight;
    let one = |value: u64| vec![(vec![("name", state.config.name.clone())], value)];
    let set = |name: &str| one(u64::from(property::dword(&state.hive, property::Kind::Cluster, "", name)));
    let quorate = "1 when the answering node is in contact with a majority of votes.";
    let applied = "Index of the last change applied by the answering node.";
    let threshold = "Property SameSubnetThreshold: missed heartbeats until a node is down.";
    let dword = |name: &str| property::dword(&state.hive, property::Kind::Cluster, "", name);
    let numbers = [
        ("cluster_quorum_arbitration_time_max", "Property QuorumArbitrationTimeMax, s.", "QuorumArbitrationTimeMax"),
        ("cluster_quorum_arbitration_time_min", "Property QuorumArbitrationTimeMin, s.", "QuorumArbitrationTimeMin"),
        (
            "cluster_witness_database_write_timeout",
            "Property WitnessDatabaseWriteTimeout, s.",
            "WitnessDatabaseWriteTimeout",
        ),
        ("cluster_witness_restart_interval", "Property WitnessRestartInterval, min.", "WitnessRestartInterval"),
        ("cluster_lower_quorum_priority_node_id", "Property LowerQuorumPriorityNodeID.", "LowerQuorumPriorityNodeID"),
        ("cluster_quarantine_duration", "Property QuarantineDuration, s.", "QuarantineDuration"),
        ("cluster_quarantine_threshold", "Property QuarantineThreshold.", "QuarantineThreshold"),
    ];
    let number = |(name, help, property): (&'static str, &'static str, &str)| {
        Family::gauge(name, help, one(u64::from(dword(property))))
    };
    let quorum = of_quorum(sight, one);
    let rest = vec![
        Family::gauge("cluster_quorate", quorate, one(u64::from(vantage.quorate))),
        Family::gauge("cluster_applied_index", applied, one(state.applied)),
        Family::gauge(
            "cluster_same_subnet_delay",
            "Property SameSubnetDelay: between heartbeats, ms.",
            set("SameSubnetDelay"),
        ),
        Family::gauge("cluster_same_subnet_threshold", threshold, set("SameSubnetThreshold")),
        Family::gauge("cluster_drain_on_shutdown", "Property DrainOnShutdown.", set("DrainOnShutdown")),
        Family::gauge("cluster_cluster_log_level", "Property ClusterLogLevel.", set("ClusterLogLevel")),
        Family::gauge("cluster_cluster_log_size", "Property ClusterLogSize.", set("ClusterLogSize")),
    ];
    rest.into_iter().chain(quorum).chain(numbers.map(number)).collect()
}

/// What is known of quorum at this moment.
fn of_quorum(sight: Sight<'_>, one: impl Fn(u64) -> Vec<Labelled>) -> Vec<Family> {
    let Sight { state, vantage, .. } = sight;
    let view = QuorumView::of(sight);
    let model = match state.quorum.model {
        Model::NodeMajority => 1,
        Model::NodeAndFileShareMajority => 2,
        Model::NodeAndDiskMajority | Model::DiskOnly => 3,
    };
    let type_help = "How votes are counted: 1 nodes, 2 with a file share witness, 3 with a disk.";
    let dynamic = "Property DynamicQuorum: 1 when votes follow the membership.";
    let fix = "1 while quorum is forced.";
    let prevent = "1 when the answering node was started with prevent quorum.";
    let witness = "1 when the vote of the witness is in force.";
    let epoch = "Ownership epoch of the witness: counts the arbitrations won; 0 without a witness.";
    let has_vote = u64::from(state.votes().witness_has_vote());
    vec![
        Family::gauge("cluster_quorum_type_value", type_help, one(model)),
        Family::gauge("cluster_dynamic_quorum_enabled", dynamic, one(u64::from(view.dynamic_quorum))),
        Family::gauge("cluster_fix_quorum", fix, one(u64::from(view.fix_quorum))),
        Family::gauge("cluster_prevent_quorum", prevent, one(u64::from(vantage.prevent_quorum))),
        Family::gauge("cluster_witness_dynamic_weight", witness, one(has_vote)),
        Family::gauge("cluster_votes", "Votes in force.", one(u64::from(view.votes))),
        Family::gauge("cluster_votes_needed", "Votes that keep quorum.", one(u64::from(view.needed))),
        Family::gauge("cluster_votes_present", "Votes in force that are there.", one(u64::from(view.present))),
        Family::gauge("cluster_witness_epoch", epoch, one(view.witness.and_then(|w| w.epoch).unwrap_or(0))),
    ]
}

fn of_nodes(sight: Sight<'_>) -> Vec<Family> {
    let each = |value: fn(&Node) -> u64| {
        sight.state.nodes.values().map(|n| (vec![("name", n.config.name.clone())], value(n))).collect()
    };
    let state = "State of a node: 0 up, 1 down, 2 paused, 3 joining.";
    let status = "Property StatusInformation, bits: 2 quarantined, 4, 8, 16 drain in progress, completed, failed.";
    let needs = "1 when quorum was forced and the node has not joined the forced cluster yet.";
    let cluster = sight.state;
    let with = |value: fn(&ClusterState, &Node) -> u32| {
        let label = |n: &Node| vec![("name", n.config.name.clone())];
        cluster.nodes.values().map(move |n| (label(n), u64::from(value(cluster, n))))
    };
    let (dynamic, needing) = (with(dynamic_weight), with(needs_prevent_quorum));
    let drain = "Property NodeDrainStatus: 0 not initiated, 1 in progress, 2 completed, 3 failed.";
    vec![
        Family::gauge("node_state", state, each(node_number)),
        Family::gauge("node_node_weight", "Property NodeWeight.", each(|n| u64::from(n.config.weight))),
        Family::gauge("node_dynamic_weight", "1 when the cluster lets the vote of the node count.", dynamic.collect()),
        Family::gauge("node_needs_prevent_quorum", needs, needing.collect()),
        Family::gauge("node_status_information", status, each(|n| u64::from(status_bits(n)))),
        Family::gauge("node_node_drain_status", drain, each(drain_number)),
    ]
}

fn of_groups(sight: Sight<'_>) -> Vec<Family> {
    let state = sight.state;
    let each = |value: &dyn Fn(&Group) -> u64| {
        state.groups.values().map(|g| (vec![("name", g.config.name.clone())], value(g))).collect()
    };
    let owners = state.groups.values().flat_map(|g| {
        state.nodes.values().map(move |n| {
            let labels = vec![("node_name", n.config.name.clone()), ("name", g.config.name.clone())];
            (labels, u64::from(g.owner == n.id))
        })
    });
    let number = "State of a group: 0 online, 1 offline, 2 failed, 3 partly online, 4 pending.";
    let owner = "1 for the node that owns the group, 0 for the others.";
    vec![
        Family::gauge("resourcegroup_state", number, each(&|g| group_number(state.group_state(g.id)))),
        Family::gauge("resourcegroup_owner_node", owner, owners.collect()),
        Family::gauge("resourcegroup_priority", "Property Priority.", each(&|g| u64::from(g.config.priority))),
    ]
}

fn of_resources(sight: Sight<'_>) -> Vec<Family> {
    let state = sight.state;
    let group = |r: &Resource| state.groups.get(&r.group);
    let group_name = |r: &Resource| group(r).map(|g| g.config.name.clone()).unwrap_or_default();
    let labels = |r: &Resource, node: Option<&Node>| {
        let of_node = node.map(|n| ("node_name", n.config.name.clone()));
        let first = [("type", r.config.type_name.clone()), ("owner_group", group_name(r))];
        first.into_iter().chain(of_node).chain([("name", r.config.name.clone())]).collect::<Vec<_>>()
    };
    let each = |value: fn(&Resource) -> u64| state.resources.values().map(|r| (labels(r, None), value(r))).collect();
    let mut owners = Vec::new();
    for resource in state.resources.values() {
        for node in state.nodes.values() {
            let is_owner = group(resource).is_some_and(|g| g.owner == node.id);
            owners.push((labels(resource, Some(node)), u64::from(is_owner)));
        }
    }
    let number = "State of a resource: 2 online, 3 offline, 4 failed, 129 online pending, 130 offline pending.";
    let owner = "1 for the node that owns the resource, 0 for the others.";
    let failures = "Failures within the RestartPeriod on the present owner.";
    vec![
        Family::gauge("resource_state", number, each(|r| resource_number(r.state))),
        Family::gauge("resource_owner_node", owner, owners),
        Family::gauge("resource_failures", failures, each(|r| r.failures.len() as u64)),
        Family::gauge(
            "resource_restart_threshold",
            "Property RestartThreshold.",
            each(|r| u64::from(r.config.restart_threshold)),
        ),
    ]
}

fn of_networks(sight: Sight<'_>) -> Family {
    let one = |n: NetworkView| {
        let number = network_number(&n.state);
        (vec![("name", n.name)], number)
    };
    let states = NetworkView::all(sight).into_iter().map(one).collect();
    Family::gauge("network_state", "State of a network: 1 down, 2 partitioned, 3 up.", states)
}

/// CLUSTER_NODE_STATE.
fn node_number(node: &Node) -> u64 {
    match (node.state, node.paused) {
        (NodeState::Up, false) => 0,
        (NodeState::Down, _) => 1,
        (NodeState::Up, true) => 2,
        (NodeState::Joining, _) => 3,
    }
}

fn drain_number(node: &Node) -> u64 {
    match node.drain {
        DrainStatus::NotInitiated => 0,
        DrainStatus::InProgress => 1,
        DrainStatus::Completed => 2,
        DrainStatus::Failed => 3,
    }
}

/// CLUSTER_GROUP_STATE.
fn group_number(state: GroupState) -> u64 {
    match state {
        GroupState::Online => 0,
        GroupState::Offline => 1,
        GroupState::Failed => 2,
        GroupState::PartialOnline => 3,
        GroupState::Pending => 4,
    }
}

/// CLUSTER_RESOURCE_STATE.
fn resource_number(state: ResourceState) -> u64 {
    match state {
        ResourceState::Online => 2,
        ResourceState::Offline => 3,
        ResourceState::Failed => 4,
        ResourceState::WaitingToComeOnline
        | ResourceState::OnlineCallIssued
        | ResourceState::OnlinePending
        | ResourceState::DelayRestartingResource => 129,
        ResourceState::WaitingToGoOffline
        | ResourceState::OfflineCallIssued
        | ResourceState::OfflinePending
        | ResourceState::Terminating => 130,
    }
}

/// CLUSTER_NETWORK_STATE.
fn network_number(word: &str) -> u64 {
    match word {
        "Up" => 3,
        "Partitioned" => 2,
        _ => 1,
    }
}

/// A label value as the text format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
