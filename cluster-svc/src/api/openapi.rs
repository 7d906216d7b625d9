//! `/openapi.json`: the API as OpenAPI 3.1.
//!
//! The shapes come from the types themselves; what each route takes and answers is the table below. A test compares it with
//! the routes.

use axum::Json;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{
    cluster, dependencies, findings, groups, nodes, parameters, quorum, refused, registry, resources, steps, types,
    views,
};

/// The shapes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Wolfden", description = "REST API of a node of the cluster."),
    components(schemas(
        views::Accepted,
        views::CandidateView,
        views::ClusterView,
        views::GroupView,
        views::KeyView,
        views::MovingView,
        views::NameView,
        views::NetworkView,
        views::NodeView,
        views::NoticeView,
        views::PlacementView,
        views::PropertyView,
        views::QuorumView,
        views::RegistryValue,
        views::ResourceView,
        views::Snapshot,
        views::SubjectView,
        views::TypeView,
        views::VoterView,
        views::WitnessView,
        cluster::SetProperties,
        quorum::SetQuorum,
        steps::StepsView,
        nodes::Pause,
        nodes::Resume,
        nodes::FailbackWord,
        groups::NewGroup,
        groups::Alter,
        groups::Target,
        groups::Locks,
        resources::NewResource,
        resources::Offline,
        resources::Regroup,
        dependencies::Dependencies,
        parameters::Control,
        parameters::Controlled,
        types::NewType,
        registry::SetValues,
        registry::BatchBody,
        registry::BatchCommand,
        findings::FindingView,
        refused::RefusalBody,
        refused::RefusalView
    ))
)]
struct Shapes;

/// What a body or an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// None.
    Empty,
    /// One of these.
    One(&'static str),
    /// A list of these.
    List(&'static str),
    /// An object with any names and these as values.
    Map(&'static str),
    /// A list of names.
    Names,
    /// An object with any names and values.
    Free,
    /// Plain text.
    Text,
    /// Bytes.
    Bytes,
    /// Server-sent events.
    Stream,
    /// An accepted change: 202.
    Accepted,
}
use Shape::{Accepted, Bytes, Empty, Free, List, Map, Names, One, Stream, Text};

struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    body: Shape,
    answer: Shape,
    /// Query parameters beyond `wait`, which every change has.
    query: &'static [&'static str],
}

const fn op(method: &'static str, path: &'static str, summary: &'static str, body: Shape, answer: Shape) -> Operation {
    Operation { method, path, summary, body, answer, query: &[] }
}

const fn with(mut operation: Operation, query: &'static [&'static str]) -> Operation {
    operation.query = query;
    operation
}

/// Every route, without the prefix (but `/metrics`, which has none).
#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    op("get", "/cluster", "The cluster as a whole, as this node sees it", Empty, One("ClusterView")),
    op("patch", "/cluster", "Sets common properties of the cluster", One("SetProperties"), Accepted),
    op("get", "/cluster/properties", "All common properties of the cluster", Empty, Map("PropertyView")),
    op("get", "/quorum", "Who votes, where the witness is, and whether it is enough", Empty, One("QuorumView")),
    op("put", "/quorum", "Sets the quorum model and its witness", One("SetQuorum"), Accepted),
    op("patch", "/quorum", "Changes a part of the quorum model", One("SetQuorum"), Accepted),
    with(op("get", "/quorum/steps", "The steps of arbitrations, of all nodes that answer", Empty, One("StepsView")), &["limit"]),
    op("get", "/simulations/state", "The replicated state as the engine encodes it, for a simulation from here", Empty, Bytes),
    op("get", "/networks", "All networks", Empty, List("NetworkView")),
    op("get", "/names", "Names of Network Name resources that are online, with their addresses", Empty, List("NameView")),
    op("get", "/nodes", "All nodes", Empty, List("NodeView")),
    op("get", "/nodes/{node}", "One node", Empty, One("NodeView")),
    op("patch", "/nodes/{node}", "Sets common properties of a node", One("SetProperties"), Accepted),
    op("delete", "/nodes/{node}", "Evicts a node", Empty, Accepted),
    op("get", "/nodes/{node}/properties", "All common properties of a node", Empty, Map("PropertyView")),
    op("post", "/nodes/{node}/pause", "Pauses a node; drains it when asked to", One("Pause"), Accepted),
    op("post", "/nodes/{node}/resume", "Resumes a node", One("Resume"), Accepted),
    op("post", "/nodes/{node}/stop", "Ends the service of a node in an orderly way", Empty, Accepted),
    op("post", "/nodes/{node}/clear-quarantine", "Ends the quarantine of a node", Empty, Accepted),
    op("get", "/groups", "All groups", Empty, List("GroupView")),
    op("post", "/groups", "Creates a group", One("NewGroup"), Accepted),
    op("get", "/groups/{group}", "One group", Empty, One("GroupView")),
    op("patch", "/groups/{group}", "Renames a group, sets its common properties", One("Alter"), Accepted),
    with(op("delete", "/groups/{group}", "Deletes a group; with force its resources too", Empty, Accepted), &["force"]),
    op("get", "/groups/{group}/properties", "All common properties of a group", Empty, Map("PropertyView")),
    op("get", "/groups/{group}/placement", "Where a failover would put the group, and why", Empty, One("PlacementView")),
    op("post", "/groups/{group}/online", "Brings a group online", One("Target"), Accepted),
    op("post", "/groups/{group}/offline", "Takes a group offline", One("Locks"), Accepted),
    op("post", "/groups/{group}/cancel", "Gives a move up whose resources still go offline", Empty, Accepted),
    op("post", "/groups/{group}/move", "Moves a group, to the best node when none is named", One("Target"), Accepted),
    op("put", "/groups/{group}/owners", "Sets the preferred owners, in order", Names, Accepted),
    op("get", "/resources", "All resources", Empty, List("ResourceView")),
    op("post", "/resources", "Creates a resource", One("NewResource"), Accepted),
    op("get", "/resources/{resource}", "One resource", Empty, One("ResourceView")),
    op("patch", "/resources/{resource}", "Renames a resource, sets its common properties", One("Alter"), Accepted),
    op("delete", "/resources/{resource}", "Deletes a resource", Empty, Accepted),
    op("post", "/resources/{resource}/online", "Brings a resource online, with what it depends on", One("Locks"), Accepted),
    op("post", "/resources/{resource}/offline", "Takes a resource offline, with what depends on it", One("Offline"), Accepted),
    op("post", "/resources/{resource}/fail", "Makes a resource fail", Empty, Accepted),
    op("post", "/resources/{resource}/group", "Moves a resource into another group", One("Regroup"), Accepted),
    op("get", "/resources/{resource}/properties", "All common properties of a resource", Empty, Map("PropertyView")),
    op("get", "/resources/{resource}/parameters", "Private properties of a resource", Empty, Free),
    op("patch", "/resources/{resource}/parameters", "Sets private properties; the resource library checks them", Free, Accepted),
    op("post", "/resources/{resource}/control", "Sends a control code to the resource library", One("Control"), One("Controlled")),
    op("put", "/resources/{resource}/dependencies", "Sets what a resource depends on", One("Dependencies"), Accepted),
    op("post", "/resources/{resource}/dependencies/{provider}", "Adds a dependency", Empty, Accepted),
    op("delete", "/resources/{resource}/dependencies/{provider}", "Removes a dependency", Empty, Accepted),
    op("put", "/resources/{resource}/owners/{node}", "Adds a possible owner", Empty, Accepted),
    op("delete", "/resources/{resource}/owners/{node}", "Removes a possible owner", Empty, Accepted),
    op("get", "/resource-types", "All resource types", Empty, List("TypeView")),
    op("get", "/resource-types/{type}", "One resource type", Empty, One("TypeView")),
    op("post", "/resource-types/{type}", "Registers a resource type", One("NewType"), Accepted),
    op("patch", "/resource-types/{type}", "Sets common properties of a resource type", One("SetProperties"), Accepted),
    op("delete", "/resource-types/{type}", "Unregisters a resource type", Empty, Accepted),
    op("get", "/resource-types/{type}/properties", "All common properties of a resource type", Empty, Map("PropertyView")),
    with(op("get", "/registry", "The root of the cluster registry", Empty, One("KeyView")), &["format"]),
    with(op("post", "/registry", "Carries out a batch on the registry; .reg text with format=reg", One("BatchBody"), Accepted), &["format"]),
    op("put", "/registry", "Sets values of the root", One("SetValues"), Accepted),
    with(op("get", "/registry/{path}", "A key of the cluster registry; .reg text with format=reg", Empty, One("KeyView")), &["format"]),
    op("put", "/registry/{path}", "Sets values of a key, which is created when needed", One("SetValues"), Accepted),
    with(op("delete", "/registry/{path}", "Deletes a value, a key, or a key with all below", Empty, Accepted), &["value", "tree"]),
    with(op("get", "/events", "What happened, newest last", Empty, List("NoticeView")), &["after", "limit", "level", "subject"]),
    op("get", "/stream", "Server-sent events: snapshot (Snapshot) and notice (NoticeView)", Empty, Stream),
    with(op("get", "/log", "The cluster log of this node", Empty, Text), &["tail"]),
    op("get", "/dll/findings", "What resource libraries were found to do wrong, on every node that answers", Empty, List("FindingView")),
    op("get", "/openapi.json", "This description", Empty, Free),
    op("get", "/metrics", "Numbers for Prometheus", Empty, Text),
];

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

/// The whole description.
fn document() -> Value {
    let mut document = serde_json::to_value(Shapes::openapi()).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    let mut paths = serde_json::Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(full_path(operation.path)).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    document["paths"] = Value::Object(paths);
    document
}

fn full_path(path: &str) -> String {
    if path == "/metrics" { path.to_owned() } else { format!("{}{path}", super::PREFIX) }
}

fn describe(operation: &Operation) -> Value {
    let in_path = operation.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
    let is_change = operation.answer == Accepted;
    let in_query = operation.query.iter().copied().chain(is_change.then_some("wait"));
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" } });
    let parameters: Vec<Value> =
        in_path.map(|n| parameter(n, "path")).chain(in_query.map(|n| parameter(n, "query"))).collect();
    let (status, what) = if is_change { ("202", "Accepted") } else { ("200", "Answered") };
    let refusal = json!({ "description": "Refused", "content": content("application/json", reference("RefusalBody")) });
    let mut described = json!({
        "summary": operation.summary,
        "operationId": operation_id(operation),
        "parameters": parameters,
        "responses": { status: { "description": what, "content": content_of(operation.answer) }, "default": refusal },
    });
    if operation.body != Empty {
        described["requestBody"] = json!({ "required": false, "content": content_of(operation.body) });
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    [operation.method].into_iter().chain(words).collect::<Vec<_>>().join("_")
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn content(kind: &str, schema: Value) -> Value {
    json!({ kind: { "schema": schema } })
}

fn content_of(shape: Shape) -> Value {
    let json_of = |schema| content("application/json", schema);
    match shape {
        Empty => json!({}),
        One(name) => json_of(reference(name)),
        List(name) => json_of(json!({ "type": "array", "items": reference(name) })),
        Map(name) => json_of(json!({ "type": "object", "additionalProperties": reference(name) })),
        Names => json_of(json!({ "type": "array", "items": { "type": "string" } })),
        Free => json_of(json!({ "type": "object", "additionalProperties": true })),
        Accepted => json_of(reference("Accepted")),
        Bytes => content("application/octet-stream", json!({ "type": "string", "format": "binary" })),
        Text => content("text/plain", json!({ "type": "string" })),
        Stream => content("text/event-stream", json!({ "type": "string" })),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::routes;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let (_, mounted) = routes::all();
        let mounted: BTreeSet<(String, String)> =
            mounted.into_iter().map(|(m, p)| (m.to_owned(), p.replace("{*path}", "{path}"))).collect();
        let described: BTreeSet<(String, String)> =
            OPERATIONS.iter().map(|o| (o.method.to_owned(), full_path(o.path))).collect();
        assert_eq!(mounted, described);
        assert_eq!(described.len(), OPERATIONS.len(), "a route is described twice");
    }

    #[test]
    fn every_reference_leads_to_a_shape() {
        let document = document();
        let mut open = vec![&document];
        let mut seen = 0;
        while let Some(value) = open.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').expect("references stay inside the document");
                assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                seen += 1;
            }
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(members) => open.extend(members.values()),
                _ => {}
            }
        }
        assert!(seen > OPERATIONS.len(), "{seen} references");
    }
}
