//! `/resources/{r}/dependencies` and `/resources/{r}/owners`: what a resource needs, and where it may be.

use axum::extract::State;
use cluster_engine::state::dependency::Expression;
use cluster_engine::state::{ClusterState, Command};
use cluster_engine::{Refusal, code};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::change::AcceptedAnswer;
use super::extract::{Asked, At, Body, Nothing, Waiting};
use super::names;
use super::refused::Answered;
use super::resources::on_resource;

/// Longest dependency expression, in bytes.
const EXPRESSION_BYTES: usize = 64 * 1024;

/// What a resource depends on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dependencies {
    /// `[IP] and ([A] or [B])`, with names or ids; empty for nothing.
    expression: String,
}

pub(super) async fn set(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    Body(body): Body<Dependencies>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, dependent| {
        Ok(Command::SetDependencies { dependent, expression: with_ids(state, &body.expression)? })
    })
    .await
}

/// The expression with ids in place of names.
fn with_ids(state: &ClusterState, text: &str) -> Result<String, Refusal> {
    if text.len() > EXPRESSION_BYTES {
        let message = format!("A dependency expression has at most {EXPRESSION_BYTES} bytes.");
        return Err(Refusal::new(code::INVALID_PARAMETER, message).fact("Maximum", EXPRESSION_BYTES));
    }
    Expression::parse(text, |name| names::resource(state, name).map(|r| r.id)).map(|e| e.stored())
}

pub(super) async fn add(
    State(api): State<Api>,
    At((name, provider)): At<(String, String)>,
    Asked(waiting): Asked<Waiting>,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, dependent| {
        Ok(Command::AddDependency { dependent, provider: names::resource(state, &provider)?.id })
    })
    .await
}

pub(super) async fn remove(
    State(api): State<Api>,
    At((name, provider)): At<(String, String)>,
    Asked(waiting): Asked<Waiting>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, dependent| {
        Ok(Command::RemoveDependency { dependent, provider: names::resource(state, &provider)?.id })
    })
    .await
}

pub(super) async fn add_owner(
    State(api): State<Api>,
    At((name, node)): At<(String, String)>,
    Asked(waiting): Asked<Waiting>,
    Body(Nothing {}): Body<Nothing>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, resource| {
        Ok(Command::AddPossibleOwner { resource, node: names::node(state, &node)?.id })
    })
    .await
}

pub(super) async fn remove_owner(
    State(api): State<Api>,
    At((name, node)): At<(String, String)>,
    Asked(waiting): Asked<Waiting>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    on_resource(&api, name, wait, move |state, resource| {
        Ok(Command::RemovePossibleOwner { resource, node: names::node(state, &node)?.id })
    })
    .await
}
