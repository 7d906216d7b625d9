//! `/groups`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use cluster_engine::Guid;
use cluster_engine::Refusal;
use cluster_engine::state::property::Kind;
use cluster_engine::state::{ClusterState, Command, Object};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::change::{AcceptedAnswer, Plan};
use super::extract::{Asked, At, Body, Nothing, Waiting, check_wait};
use super::names;
use super::properties::{self, Given};
use super::refused::Answered;
use super::views::{self, Changed, GroupView, PlacementView, PropertyView};

/// GroupType of an ordinary group.
const ORDINARY: u32 = 9999;

/// A new group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NewGroup {
    /// Its name.
    name: String,
    /// Number of its type; 9999 when it is left out.
    group_type: Option<u32>,
}

/// A change of an object's name and common properties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Alter {
    /// The new name.
    pub(super) name: Option<String>,
    /// Common properties by name; null resets to the default.
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>)]
    pub(super) properties: Option<Given>,
}

/// Where to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Target {
    /// The node; left out, the cluster chooses.
    node: Option<String>,
    /// Although a resource is locked by its library.
    ignore_locked: bool,
}

/// How to change the state of an object.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Locks {
    /// Although a resource is locked by its library.
    pub(super) ignore_locked: bool,
}

/// A command that is refused while a resource is locked, unless the lock is ignored.
pub(super) fn unless_locked(ignored: bool, command: Command) -> Command {
    if ignored { Command::Regardless { command: Box::new(command) } } else { command }
}

/// The query of a deletion.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deletion {
    #[serde(default)]
    force: bool,
    wait: Option<u32>,
}

pub(super) async fn list(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Json<Vec<GroupView>>> {
    api.see(GroupView::all).await.map(Json)
}

pub(super) async fn show(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<GroupView>> {
    let view = api.see(move |sight| names::group(sight.state, &name).map(|g| GroupView::of(sight, g))).await?;
    Ok(Json(view?))
}

pub(super) async fn show_properties(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, PropertyView>>> {
    let shown = api
        .see(move |sight| names::group(sight.state, &name).map(|g| views::properties(sight, &Object::Group(g.id))))
        .await?;
    Ok(Json(shown?))
}

pub(super) async fn placement(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<PlacementView>> {
    let view =
        api.see(move |sight| names::group(sight.state, &name).map(|g| PlacementView::of(sight.state, g))).await?;
    Ok(Json(view?))
}

pub(super) async fn create(
    State(api): State<Api>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<NewGroup>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let id = new_id();
    let command = Command::CreateGroup { id, name: body.name, group_type: body.group_type.unwrap_or(ORDINARY) };
    let mut answer = api.change(wait, move |_| Ok(Plan::of(command, Changed::Group(id)))).await?;
    answer.0.id = Some(id.to_string());
    Ok(answer)
}

/// Name and properties are two changes; everything is checked before the first.
pub(super) async fn alter(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Alter>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = body.properties.map(|given| properties::read(Kind::Group, &given)).transpose()?;
    let id = api.see(move |sight| names::group(sight.state, &name).map(|g| g.id)).await??;
    if let Some(name) = body.name {
        api.door.submit(Command::RenameGroup { group: id, name }).await?;
    }
    if let Some(values) = values.filter(|v| !v.is_empty()) {
        api.door.submit(Command::SetProperties { object: Object::Group(id), values }).await?;
    }
    api.settled(Changed::Group(id), wait).await.map(AcceptedAnswer)
}

pub(super) async fn delete(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(asked): Asked<Deletion>,
) -> Answered<AcceptedAnswer> {
    let wait = check_wait(asked.wait)?;
    on_group(&api, name, wait, move |_, group| Ok(Command::DeleteGroup { group, force: asked.force })).await
}

pub(super) async fn online(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Target>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_group(&api, name, wait, move |state, group| {
        let node = target(state, &body)?;
        Ok(unless_locked(body.ignore_locked, Command::OnlineGroup { group, node }))
    })
    .await
}

pub(super) async fn offline(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Locks>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_group(&api, name, wait, move |_, group| Ok(unless_locked(body.ignore_locked, Command::OfflineGroup { group })))
        .await
}

pub(super) async fn move_to(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Target>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_group(&api, name, wait, move |state, group| {
        let to = target(state, &body)?;
        Ok(unless_locked(body.ignore_locked, Command::MoveGroup { group, to }))
    })
    .await
}

/// CancelClusterGroupOperation.
pub(super) async fn cancel(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_group(&api, name, wait, |_, group| Ok(Command::CancelMove { group })).await
}

pub(super) async fn owners(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(owners): Body<Vec<String>>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_group(&api, name, wait, move |state, group| {
        let nodes = owners.iter().map(|n| names::node(state, n).map(|n| n.id)).collect::<Result<_, _>>()?;
        Ok(Command::SetPreferredOwners { group, nodes })
    })
    .await
}

/// One command on one group.
async fn on_group(
    api: &Api,
    name: String,
    wait: Option<u32>,
    command: impl FnOnce(&ClusterState, Guid) -> Result<Command, Refusal> + Send + 'static,
) -> Answered<AcceptedAnswer> {
    api.change(wait, move |state| {
        let id = names::group(state, &name)?.id;
        Ok(Plan::of(command(state, id)?, Changed::Group(id)))
    })
    .await
}

fn target(state: &ClusterState, body: &Target) -> Result<Option<cluster_engine::NodeId>, Refusal> {
    body.node.as_deref().map(|n| names::node(state, n).map(|n| n.id)).transpose()
}

/// An id for a new object. The engine has no dice, so the one who asks for the object makes it.
pub(super) fn new_id() -> Guid {
    Guid(uuid::Uuid::new_v4().as_u128())
}
