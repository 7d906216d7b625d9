//! `/metrics`: numbers for Prometheus, under the names that windows_exporter's `mscluster` collector uses, so that its
//! dashboards work here too.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cluster_engine::state::{DrainStatus, Group, GroupState, Node, NodeState, Resource, ResourceState, property};

use super::Api;
use super::extract::{Asked, Nothing};
use super::refused::Answered;
use super::views::{NetworkView, Sight};

/// The version of the text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn show(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Response> {
    let text = api.see(text).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// One family of numbers: its name without the prefix, what it means, and its labelled values.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    values: Vec<(Vec<(&'static str, String)>, u64)>,
}

impl Family {
    fn gauge(name: &'static str, help: &'static str, values: Vec<(Vec<(&'static str, String)>, u64)>) -> Family {
        Family { name, help, kind: "gauge", values }
    }
}

fn text(sight: Sight<'_>) -> String {
    let mut out = String::new();
    for family in families(sight) {
        let name = format!("windows_mscluster_{}", family.name);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
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
    let Sight { state, vantage, .. } = sight;
    let cluster = || vec![("name", state.config.name.clone())];
    let one = |value: u64| vec![(cluster(), value)];
    let property = |name: &'static str| {
        let property = property::dword(&state.hive, property::Kind::Cluster, "", name);
        vec![(cluster(), u64::from(property))]
    };
    let node = |n: &Node| vec![("name", n.config.name.clone())];
    let group = |g: &Group| vec![("name", g.config.name.clone())];
    let group_of = |r: &Resource| state.groups.get(&r.group);
    let group_name = |r: &Resource| group_of(r).map(|g| g.config.name.clone()).unwrap_or_default();
    let resource = |r: &Resource| {
        vec![("type", r.config.type_name.clone()), ("owner_group", group_name(r)), ("name", r.config.name.clone())]
    };
    let resource_owner_flags = state.resources.values().flat_map(|r| {
        state.nodes.values().map(move |n| {
            let labels = vec![
                ("type", r.config.type_name.clone()),
                ("owner_group", group_name(r)),
                ("node_name", n.config.name.clone()),
                ("name", r.config.name.clone()),
            ];
            (labels, u64::from(group_of(r).is_some_and(|g| g.owner == n.id)))
        })
    });
    let owner_flags = state.groups.values().flat_map(|g| {
        state.nodes.values().map(move |n| {
            let labels = vec![("node_name", n.config.name.clone()), ("name", g.config.name.clone())];
            (labels, u64::from(g.owner == n.id))
        })
    });
    let nodes = |value: fn(&Node) -> u64| state.nodes.values().map(|n| (node(n), value(n))).collect();
    vec![
        Family::gauge(
            "cluster_quorate",
            "1 when the answering node is in contact with a majority of votes.",
            one(u64::from(vantage.quorate)),
        ),
        Family::gauge(
            "cluster_applied_index",
            "Index of the last change applied by the answering node.",
            one(state.applied),
        ),
        Family::gauge(
            "cluster_same_subnet_delay",
            "Property SameSubnetDelay: between heartbeats, ms.",
            property("SameSubnetDelay"),
        ),
        Family::gauge(
            "cluster_same_subnet_threshold",
            "Property SameSubnetThreshold: missed heartbeats until a node is down.",
            property("SameSubnetThreshold"),
        ),
        Family::gauge("cluster_drain_on_shutdown", "Property DrainOnShutdown.", property("DrainOnShutdown")),
        Family::gauge("cluster_cluster_log_level", "Property ClusterLogLevel.", property("ClusterLogLevel")),
        Family::gauge("cluster_cluster_log_size", "Property ClusterLogSize.", property("ClusterLogSize")),
        Family::gauge("node_state", "State of a node: 0 up, 1 down, 2 paused, 3 joining.", nodes(node_number)),
        Family::gauge("node_node_weight", "Property NodeWeight.", nodes(|n| u64::from(n.config.weight))),
        Family::gauge("node_dynamic_weight", "The vote that the node has now.", nodes(|n| u64::from(n.config.weight))),
        Family::gauge(
            "node_node_drain_status",
            "Property NodeDrainStatus: 0 not initiated, 1 in progress, 2 completed, 3 failed.",
            nodes(drain_number),
        ),
        Family::gauge(
            "resourcegroup_state",
            "State of a group: 0 online, 1 offline, 2 failed, 3 partly online, 4 pending.",
            state.groups.values().map(|g| (group(g), group_number(state.group_state(g.id)))).collect(),
        ),
        Family::gauge(
            "resourcegroup_owner_node",
            "1 for the node that owns the group, 0 for the others.",
            owner_flags.collect(),
        ),
        Family::gauge(
            "resourcegroup_priority",
            "Property Priority.",
            state.groups.values().map(|g| (group(g), u64::from(g.config.priority))).collect(),
        ),
        Family::gauge(
            "resource_state",
            "State of a resource: 2 online, 3 offline, 4 failed, 129 online pending, 130 offline pending.",
            state.resources.values().map(|r| (resource(r), resource_number(r.state))).collect(),
        ),
        Family::gauge(
            "resource_owner_node",
            "1 for the node that owns the resource, 0 for the others.",
            resource_owner_flags.collect(),
        ),
        Family::gauge(
            "resource_failures",
            "Failures within the RestartPeriod on the present owner.",
            state.resources.values().map(|r| (resource(r), r.failures.len() as u64)).collect(),
        ),
        Family::gauge(
            "resource_restart_threshold",
            "Property RestartThreshold.",
            state.resources.values().map(|r| (resource(r), u64::from(r.config.restart_threshold))).collect(),
        ),
        Family::gauge(
            "network_state",
            "State of a network: 1 down, 2 partitioned, 3 up.",
            NetworkView::all(sight)
                .into_iter()
                .map(|n| {
                    let number = network_number(&n.state);
                    (vec![("name", n.name)], number)
                })
                .collect(),
        ),
    ]
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
