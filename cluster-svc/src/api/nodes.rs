//! `/nodes`: pause, drain, resume, stop, evict, clear a quarantine.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use cluster_engine::state::property::Kind;
use cluster_engine::state::{Command, Failback, Object};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::change::{AcceptedAnswer, Plan};
use super::cluster::SetProperties;
use super::extract::{Asked, At, Body, Nothing, Waiting};
use super::forward::Hop;
use super::names;
use super::properties;
use super::refused::Answered;
use super::views::{self, Changed, NodeView, PropertyView};

/// How to pause a node.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Pause {
    /// Move its groups to other nodes.
    drain: bool,
    /// Where to.
    target: Option<String>,
}

/// How to resume a node.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Resume {
    /// What becomes of the groups that a drain has driven off.
    failback: FailbackWord,
}

/// `-Failback` of Resume-ClusterNode.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) enum FailbackWord {
    /// Leave them where they are.
    #[default]
    NoFailback,
    /// Bring them back now.
    Immediate,
    /// As each group's failback policy says.
    Policy,
}

pub(super) async fn list(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Json<Vec<NodeView>>> {
    api.see(NodeView::all).await.map(Json)
}

pub(super) async fn show(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<NodeView>> {
    let view = api.see(move |sight| names::node(sight.state, &name).map(|n| NodeView::of(sight, n))).await?;
    Ok(Json(view?))
}

pub(super) async fn set(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<SetProperties>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = properties::read(Kind::Node, &body.properties)?;
    api.change(wait, move |state| {
        let node = names::node(state, &name)?.id;
        Ok(Plan::of(Command::SetProperties { object: Object::Node(node), values }, Changed::Node(node)))
    })
    .await
}

pub(super) async fn show_properties(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, PropertyView>>> {
    let shown = api
        .see(move |sight| names::node(sight.state, &name).map(|n| views::properties(sight, &Object::Node(n.id))))
        .await?;
    Ok(Json(shown?))
}

pub(super) async fn pause(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Pause>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    api.change(wait, move |state| {
        let node = names::node(state, &name)?.id;
        let target = body.target.as_deref().map(|t| names::node(state, t)).transpose()?.map(|n| n.id);
        Ok(Plan::of(Command::PauseNode { node, drain: body.drain, target }, Changed::Node(node)))
    })
    .await
}

pub(super) async fn resume(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Resume>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let failback = match body.failback {
        FailbackWord::NoFailback => Failback::None,
        FailbackWord::Immediate => Failback::Immediate,
        FailbackWord::Policy => Failback::Policy,
    };
    api.change(wait, move |state| {
        let node = names::node(state, &name)?.id;
        Ok(Plan::of(Command::ResumeNode { node, failback }, Changed::Node(node)))
    })
    .await
}

/// Start-ClusterNode -ClearQuarantine: the node may join at once.
pub(super) async fn clear_quarantine(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    api.change(wait, move |state| {
        let node = names::node(state, &name)?.id;
        Ok(Plan::of(Command::ClearQuarantine { node }, Changed::Node(node)))
    })
    .await
}

/// Ends the service of a node. A request for another node is passed on to it: only a node itself can stop in good order.
pub(super) async fn stop(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
    hop: Hop,
    uri: Uri,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<Response> {
    let node = api.see(move |sight| names::node(sight.state, &name).map(|n| n.id)).await??;
    if node != api.door.facts().node {
        return api.forwarder.pass_on(&api, node, hop, axum::http::Method::POST, &uri, None).await;
    }
    let mut accepted = api.settled(Changed::Node(node), None).await?;
    api.door.stop();
    accepted.pending = true;
    accepted.note = Some("The Cluster service of this node gives up everything it runs, then ends.".to_owned());
    Ok(AcceptedAnswer(accepted).into_response())
}

pub(super) async fn evict(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    api.change(wait, move |state| {
        let node = names::node(state, &name)?.id;
        Ok(Plan::of(Command::EvictNode { node }, Changed::Node(node)))
    })
    .await
}
