//! `/resources`: create, change, operate, delete.

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
use super::extract::{Asked, At, Body, Nothing, Waiting};
use super::forward::Hop;
use super::groups::{Alter, Locks, new_id, unless_locked};
use super::names;
use super::parameters;
use super::properties::{self, Given};
use super::refused::{Answered, Refused};
use super::views::{self, Changed, PropertyView, ResourceView};

/// A new resource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NewResource {
    /// Its name.
    name: String,
    /// The group it goes into.
    group: String,
    /// Its type.
    resource_type: String,
    /// In a Resource Monitor of its own.
    #[serde(default)]
    separate_monitor: bool,
    /// Common properties.
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>)]
    properties: Option<Given>,
    /// Private properties.
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>)]
    parameters: Option<Given>,
}

/// How to take a resource offline.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Offline {
    /// Terminate it instead of asking it.
    force: bool,
    /// Although a resource is locked by its library.
    ignore_locked: bool,
}

/// Another group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Regroup {
    /// Which one.
    group: String,
}

pub(super) async fn list(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<Vec<ResourceView>>> {
    api.see(ResourceView::all).await.map(Json)
}

pub(super) async fn show(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<ResourceView>> {
    let view = api.see(move |sight| names::resource(sight.state, &name).map(|r| ResourceView::of(sight, r))).await?;
    Ok(Json(view?))
}

pub(super) async fn show_properties(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, PropertyView>>> {
    let shown = api
        .see(move |sight| {
            names::resource(sight.state, &name).map(|r| views::properties(sight, &Object::Resource(r.id)))
        })
        .await?;
    Ok(Json(shown?))
}

/// Creates a resource, then sets its common properties, then its private ones, which its resource library checks. When one
/// of these is refused the resource is deleted again, so that a refusal leaves nothing behind.
pub(super) async fn create(
    State(api): State<Api>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<NewResource>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = body.properties.as_ref().map(|given| properties::read(Kind::Resource, given)).transpose()?;
    let id = new_id();
    let (group, type_name) = (body.group, body.resource_type);
    let (group, type_name) = api
        .see(move |sight| -> Result<_, Refusal> {
            let group = names::group(sight.state, &group)?.id;
            Ok((group, names::resource_type(sight.state, &type_name)?.config.name.clone()))
        })
        .await??;
    let separate_monitor = body.separate_monitor;
    api.door.submit(Command::CreateResource { id, group, name: body.name, type_name, separate_monitor }).await?;
    let configured = configure(&api, id, values, body.parameters).await;
    let note = match configured {
        Ok(note) => note,
        Err(refused) => {
            // What was refused is told; that the clean-up failed as well would hide it. The resource is then still
            // there, offline, and its name says what it is.
            let _ = api.door.submit(Command::DeleteResource { resource: id }).await;
            return Err(refused);
        }
    };
    let mut accepted = api.settled(Changed::Resource(id), wait).await?;
    accepted.id = Some(id.to_string());
    accepted.note = note;
    Ok(AcceptedAnswer(accepted))
}

async fn configure(
    api: &Api,
    id: Guid,
    values: Option<Vec<(String, Option<clusreg::Value>)>>,
    parameters: Option<Given>,
) -> Result<Option<String>, Refused> {
    if let Some(values) = values.filter(|v| !v.is_empty()) {
        api.door.submit(Command::SetProperties { object: Object::Resource(id), values }).await?;
    }
    match parameters.filter(|p| !p.is_empty()) {
        Some(given) => parameters::set(api, id, &given, Hop::first()).await,
        None => Ok(None),
    }
}

pub(super) async fn alter(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Alter>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = body.properties.map(|given| properties::read(Kind::Resource, &given)).transpose()?;
    let id = api.see(move |sight| names::resource(sight.state, &name).map(|r| r.id)).await??;
    if let Some(name) = body.name {
        api.door.submit(Command::RenameResource { resource: id, name }).await?;
    }
    if let Some(values) = values.filter(|v| !v.is_empty()) {
        api.door.submit(Command::SetProperties { object: Object::Resource(id), values }).await?;
    }
    api.settled(Changed::Resource(id), wait).await.map(AcceptedAnswer)
}

pub(super) async fn delete(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, |_, resource| Ok(Command::DeleteResource { resource })).await
}

pub(super) async fn online(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Locks>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |_, resource| {
        Ok(unless_locked(body.ignore_locked, Command::OnlineResource { resource }))
    })
    .await
}

pub(super) async fn offline(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Offline>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |_, resource| {
        Ok(unless_locked(body.ignore_locked, Command::OfflineResource { resource, force: body.force }))
    })
    .await
}

pub(super) async fn fail(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, |_, resource| Ok(Command::FailResource { resource })).await
}

pub(super) async fn regroup(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Regroup>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, resource| {
        Ok(Command::ChangeResourceGroup { resource, group: names::group(state, &body.group)?.id })
    })
    .await
}

/// One command on one resource.
pub(super) async fn on_resource(
    api: &Api,
    name: String,
    wait: Option<u32>,
    command: impl FnOnce(&ClusterState, Guid) -> Result<Command, Refusal> + Send + 'static,
) -> Answered<AcceptedAnswer> {
    api.change(wait, move |state| {
        let id = names::resource(state, &name)?.id;
        Ok(Plan::of(command(state, id)?, Changed::Resource(id)))
    })
    .await
}
