//! `/resource-types`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use cluster_engine::state::property::Kind;
use cluster_engine::state::{Command, Object};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::change::{AcceptedAnswer, Plan};
use super::cluster::SetProperties;
use super::extract::{Asked, At, Body, Nothing, Waiting};
use super::names;
use super::properties;
use super::refused::Answered;
use super::views::{self, PropertyView, TypeView};

/// Between LooksAlive polls, when nothing is said (reference 04.1), ms.
const LOOKS_ALIVE_MS: u32 = 5_000;

/// Between IsAlive polls, when nothing is said (reference 04.1), ms.
const IS_ALIVE_MS: u32 = 60_000;

/// A new resource type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NewType {
    /// The library.
    dll_name: String,
    /// The name that people see; the type name when it is left out.
    display_name: Option<String>,
    /// Between LooksAlive polls, ms.
    looks_alive_poll_interval: Option<u32>,
    /// Between IsAlive polls, ms.
    is_alive_poll_interval: Option<u32>,
}

pub(super) async fn list(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Json<Vec<TypeView>>> {
    api.see(|sight| TypeView::all(sight.state)).await.map(Json)
}

pub(super) async fn show(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<TypeView>> {
    let view =
        api.see(move |sight| names::resource_type(sight.state, &name).map(|t| TypeView::of(sight.state, t))).await?;
    Ok(Json(view?))
}

pub(super) async fn show_properties(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, PropertyView>>> {
    let shown = api
        .see(move |sight| {
            let object =
                names::resource_type(sight.state, &name).map(|t| Object::ResourceType(t.config.name.clone()))?;
            Ok::<_, cluster_engine::Refusal>(views::properties(sight, &object))
        })
        .await?;
    Ok(Json(shown?))
}

pub(super) async fn register(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<NewType>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let command = Command::CreateType {
        display_name: body.display_name.unwrap_or_else(|| name.clone()),
        name,
        dll_name: body.dll_name,
        looks_alive_ms: body.looks_alive_poll_interval.unwrap_or(LOOKS_ALIVE_MS),
        is_alive_ms: body.is_alive_poll_interval.unwrap_or(IS_ALIVE_MS),
    };
    api.change(wait, move |_| Ok(Plan::setting(command))).await
}

pub(super) async fn set(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<SetProperties>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = properties::read(Kind::ResourceType, &body.properties)?;
    api.change(wait, move |state| {
        let object = Object::ResourceType(names::resource_type(state, &name)?.config.name.clone());
        Ok(Plan::setting(Command::SetProperties { object, values }))
    })
    .await
}

pub(super) async fn unregister(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    api.change(wait, move |state| {
        let name = names::resource_type(state, &name)?.config.name.clone();
        Ok(Plan::setting(Command::DeleteType { name }))
    })
    .await
}
