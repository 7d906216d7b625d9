//! `/resources/{r}/parameters` and `/resources/{r}/control`: what the resource library has a say in.
//!
//! Reading takes what stands in the registry. Setting goes through the library, as on Windows: the values become a property
//! list, and `CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES` asks the library to check and store them. The library that is asked
//! is the one on the node that owns the resource; a request that arrives at another node is passed on.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cluster_engine::{Guid, NodeId};
use cluster_engine::{Refusal, code};
use resapi_sys_mock::codes::control::{
    CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES,
};
use resapi_sys_mock::codes::win32;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::AcceptedAnswer;
use super::extract::{Asked, At, Body, Nothing, Waiting};
use super::forward::Hop;
use super::parameter_list::{self, Formats};
use super::properties::Given;
use super::refused::{Answered, Refused, code_name};
use super::values::to_json;
use super::views::Changed;
use super::{Api, PREFIX, names};

/// How long a control waits for a resource that was just created to be opened by its monitor.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// How long the owner of a resource may be behind the node that asks it.
const BEHIND_PATIENCE: Duration = Duration::from_secs(2);

/// How long between two tries.
const OPEN_RETRY: Duration = Duration::from_millis(50);

/// Largest input of a control, in bytes.
const INPUT_BYTES: usize = 256 * 1024;

/// What is said when a library has stored properties that it will use only after a restart.
const STORED_NOTE: &str = "The properties are stored; the resource uses them when it comes online the next time (5024 ERROR_RESOURCE_PROPERTIES_STORED).";

/// A control call.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Control {
    /// `CLUSCTL_RESOURCE_...`.
    code: u32,
    /// Base64.
    input: Option<String>,
}

/// What the library answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Controlled {
    /// The Win32 code; 0 is success.
    code: u32,
    /// Its name.
    name: String,
    /// Base64.
    output: String,
}

pub(super) async fn show(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answered<Json<BTreeMap<String, serde_json::Value>>> {
    let shown = api
        .see(move |sight| -> Result<_, Refusal> {
            let id = names::resource(sight.state, &name)?.id;
            let key = sight.state.hive.key(&format!("Resources\\{id}\\Parameters"));
            let values = key.into_iter().flat_map(|key| key.values()).map(|(name, v)| (name.to_owned(), to_json(v)));
            Ok(values.collect())
        })
        .await?;
    Ok(Json(shown?))
}

pub(super) async fn alter(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(waiting): Asked<Waiting>,
    hop: Hop,
    Body(given): Body<Given>,
) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let id = api.see(move |sight| names::resource(sight.state, &name).map(|r| r.id)).await??;
    let note = if given.is_empty() { None } else { set(&api, id, &given, hop).await? };
    let mut accepted = api.settled(Changed::Resource(id), wait).await?;
    accepted.note = note;
    Ok(AcceptedAnswer(accepted))
}

/// Sets private properties, here or on the node that owns the resource. Answers a note when there is something to say.
///
/// # Errors
/// What the library refuses with; 5050 when the owner is down.
pub(super) async fn set(api: &Api, id: Guid, given: &Given, hop: Hop) -> Result<Option<String>, Refused> {
    let owner = owner(api, id).await?;
    if owner != api.door.facts().node {
        let uri: Uri = format!("{PREFIX}/resources/{id}/parameters")
            .parse()
            .map_err(|_| Refusal::new(code::INVALID_NAME, "The id of the resource cannot be put into an address."))?;
        let body = serde_json::to_value(given).unwrap_or_default();
        let answer = ask_owner(api, owner, hop, &Method::PATCH, &uri, &body).await?;
        return Ok(answer.get("Note").and_then(serde_json::Value::as_str).map(str::to_owned));
    }
    let (code, fmts) = control_when_open(api, id, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS, Vec::new()).await?;
    let formats = if code == win32::ERROR_SUCCESS { parameter_list::formats(&fmts) } else { Formats::new() };
    let list = parameter_list::build(given, &formats)?;
    let (code, _) = control_when_open(api, id, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, list).await?;
    match code {
        win32::ERROR_SUCCESS => Ok(None),
        win32::ERROR_RESOURCE_PROPERTIES_STORED => Ok(Some(STORED_NOTE.to_owned())),
        refused => Err(refused_by_library(refused, given, &formats).into()),
    }
}

fn refused_by_library(code: u32, given: &Given, formats: &Formats) -> Refusal {
    let names: Vec<&str> = given.keys().map(String::as_str).collect();
    let known: Vec<&str> = formats.values().map(|(name, _)| name.as_str()).collect();
    let has = if known.is_empty() { String::new() } else { format!(" Its private properties: {}.", known.join(", ")) };
    let text = format!(
        "The resource library refused to set {} ({}). Nothing was changed; check names, types and ranges.{has}",
        names.join(", "),
        code_name(code)
    );
    Refusal::new(code, text).fact("Properties", names.join(", "))
}

/// Sends a control code to the library, on the node that owns the resource.
pub(super) async fn control(
    State(api): State<Api>,
    At(name): At<String>,
    Asked(Nothing {}): Asked<Nothing>,
    hop: Hop,
    uri: Uri,
    Body(body): Body<Control>,
) -> Answered<Response> {
    let input = BASE64
        .decode(body.input.as_deref().unwrap_or_default())
        .map_err(|e| Refusal::new(code::INVALID_DATA, format!("Input is not base64: {e}.")))?;
    if input.len() > INPUT_BYTES {
        let text = format!("The input of a control has at most {INPUT_BYTES} bytes.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", INPUT_BYTES).into());
    }
    let id = api.see(move |sight| names::resource(sight.state, &name).map(|r| r.id)).await??;
    let owner = owner(&api, id).await?;
    if owner != api.door.facts().node {
        let body = serde_json::to_value(&body).unwrap_or_default();
        return api.forwarder.pass_on(&api, owner, hop, Method::POST, &uri, Some(&body)).await;
    }
    let (code, output) = control_when_open(&api, id, body.code, input).await?;
    Ok(Json(Controlled { code, name: code_name(code), output: BASE64.encode(output) }).into_response())
}

/// Asks the library of a resource, here or on the node that owns it. The Win32 code and the output.
///
/// # Errors
/// 5050 when the owner is down, and what a monitor refuses with.
pub(super) async fn ask_library(api: &Api, id: Guid, code: u32, hop: Hop) -> Answered<(u32, Vec<u8>)> {
    let owner = owner(api, id).await?;
    if owner == api.door.facts().node {
        return control_when_open(api, id, code, Vec::new()).await;
    }
    let uri: Uri = format!("{PREFIX}/resources/{id}/control")
        .parse()
        .map_err(|_| Refusal::new(code::INVALID_NAME, "The id of the resource cannot be put into an address."))?;
    let body = serde_json::to_value(Control { code, input: None }).unwrap_or_default();
    let answer = ask_owner(api, owner, hop, &Method::POST, &uri, &body).await?;
    let strange = |_| Refusal::new(code::INVALID_DATA, "The node that owns the resource answered no control.");
    let answer: Controlled = serde_json::from_value(answer).map_err(strange)?;
    Ok((answer.code, BASE64.decode(answer.output).unwrap_or_default()))
}

/// Asks the owner of a resource. The owner may be a moment behind this node and not know a resource yet that was just
/// created; then it is asked again.
async fn ask_owner(
    api: &Api,
    owner: NodeId,
    hop: Hop,
    method: &Method,
    uri: &Uri,
    body: &serde_json::Value,
) -> Answered<serde_json::Value> {
    let end = tokio::time::Instant::now() + BEHIND_PATIENCE;
    loop {
        let answer = api.forwarder.ask(api, owner, hop, method.clone(), uri, Some(body)).await;
        match answer {
            Err(refused) if refused.refusal.code == code::RESOURCE_NOT_FOUND && tokio::time::Instant::now() < end => {
                tokio::time::sleep(OPEN_RETRY).await;
            }
            answer => return answer,
        }
    }
}

/// The node that owns a resource, if it is there to be asked.
async fn owner(api: &Api, id: Guid) -> Answered<NodeId> {
    let found = api
        .see(move |sight| {
            let resource = sight.state.resources.get(&id);
            let group = resource.and_then(|r| sight.state.groups.get(&r.group));
            group.map(|g| g.owner)
        })
        .await?;
    let gone = || Refusal::new(code::RESOURCE_NOT_FOUND, "The resource was deleted meanwhile.").fact("Resource", id);
    Ok(found.ok_or_else(gone)?)
}

/// A control here. A resource that is not open (yet) is tried again for a while: right after its creation the monitor is
/// still busy loading the library.
async fn control_when_open(api: &Api, id: Guid, control: u32, input: Vec<u8>) -> Answered<(u32, Vec<u8>)> {
    let end = tokio::time::Instant::now() + OPEN_PATIENCE;
    loop {
        match api.door.control(id, control, input.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(refusal) if is_not_open(refusal.code) && tokio::time::Instant::now() < end => {
                tokio::time::sleep(OPEN_RETRY).await;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
}

/// The codes with which a driver says that the instance is not there yet.
fn is_not_open(refused: u32) -> bool {
    matches!(refused, code::RESMON_INVALID_STATE | code::RESOURCE_NOT_AVAILABLE)
}
