//! `/cluster`, `/networks`, `/names`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use cluster_engine::state::property::Kind;
use cluster_engine::state::{Command, Object};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::change::{AcceptedAnswer, Plan};
use super::extract::{Asked, Body, Nothing, Waiting};
use super::properties::{self, Given};
use super::refused::Answered;
use super::views::{self, ClusterView, NameView, NetworkView, PropertyView};

/// Common properties to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetProperties {
    /// By name; null resets to the default.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub(super) properties: Given,
}

pub(super) async fn show(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Json<ClusterView>> {
    api.see(ClusterView::of).await.map(Json)
}

pub(super) async fn set(
    State(api): State<Api>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<SetProperties>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let values = properties::read(Kind::Cluster, &body.properties)?;
    api.change(wait, move |_| Ok(Plan::setting(Command::SetProperties { object: Object::Cluster, values }))).await
}

pub(super) async fn show_properties(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, PropertyView>>> {
    api.see(|sight| views::properties(sight, &Object::Cluster)).await.map(Json)
}

pub(super) async fn networks(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<Vec<NetworkView>>> {
    api.see(NetworkView::all).await.map(Json)
}

pub(super) async fn all_names(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<Vec<NameView>>> {
    api.see(|sight| NameView::all(sight.state)).await.map(Json)
}
