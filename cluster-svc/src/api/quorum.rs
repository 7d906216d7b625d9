//! `/quorum`: who votes, and SetClusterQuorumResource; `/simulations/state`: what the nodes agree on, for the simulator.
//!
//! A resource can be the quorum resource when its library says so: its characteristics have CLUS_CHAR_QUORUM, and its class
//! tells a disk from a share. Only a Resource Monitor knows both, so the library is asked here, on the node that owns the
//! resource. Everything else is for the state to refuse.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cluster_engine::quorum::{HYBRID_SIZE, Model, Witness};
use cluster_engine::state::{ClusterState, Command, ResourceState};
use cluster_engine::{Guid, Refusal, code};
use resapi_sys_mock::abi::{CLUS_CHAR_QUORUM, CLUS_RESCLASS_STORAGE};
use resapi_sys_mock::codes::control::{CLUSCTL_RESOURCE_GET_CHARACTERISTICS, CLUSCTL_RESOURCE_GET_CLASS_INFO};
use resapi_sys_mock::codes::win32;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::change::{AcceptedAnswer, Plan};
use super::extract::{Asked, Body, Nothing, Waiting};
use super::forward::Hop;
use super::names;
use super::parameters::ask_library;
use super::refused::{Answered, Refused};
use super::views::{Changed, QuorumView};

/// How quorum is to be counted. `PATCH` leaves what is not named as it is; `PUT` takes the default for it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct SetQuorum {
    /// `NodeMajority`, `NodeAndDiskMajority`, `NodeAndFileShareMajority` or `DiskOnly`. When it is left out, the kind of
    /// the resource and `MaxQuorumLogSize` decide.
    quorum_type: Option<String>,
    /// The witness: name or id of a resource that is online.
    quorum_resource: Option<String>,
    /// Where on the device the quorum log lies; `MSCS` when it is left out.
    path: Option<String>,
    /// Size of the quorum log in bytes, or a special size that tells the model: 0, 1024, 4194304 (reference 7.4).
    max_quorum_log_size: Option<u32>,
}

impl SetQuorum {
    /// The model that is named.
    fn model(&self) -> Result<Option<Model>, Refusal> {
        self.quorum_type.as_deref().map(read_model).transpose()
    }

    /// Is a quorum of nodes alone meant?
    fn is_without_witness(&self) -> Result<bool, Refusal> {
        Ok(match self.model()? {
            Some(model) => model.witness().is_none(),
            None => self.max_quorum_log_size == Some(Model::NodeMajority.size()),
        })
    }
}

/// Longest path on a device, in characters.
const PATH_CHARS: usize = 260;

pub(super) async fn show(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Json<QuorumView>> {
    api.see(QuorumView::of).await.map(Json)
}

pub(super) async fn put(
    State(api): State<Api>,
    Asked(waiting): Asked<Waiting>,
    hop: Hop,
    Body(body): Body<SetQuorum>,
) -> Answered<AcceptedAnswer> {
    if body.quorum_type.is_none() && body.quorum_resource.is_none() && body.max_quorum_log_size.is_none() {
        let text = "Say which quorum is meant: QuorumType, QuorumResource, or both. Nothing was changed.";
        return Err(Refusal::new(code::INVALID_PARAMETER, text).into());
    }
    set(&api, waiting, hop, body).await
}

pub(super) async fn patch(
    State(api): State<Api>,
    Asked(waiting): Asked<Waiting>,
    hop: Hop,
    Body(given): Body<SetQuorum>,
) -> Answered<AcceptedAnswer> {
    let present = api.see(present).await?;
    // A new resource or size decides on the model anew; the old model may not suit it.
    let decides = given.quorum_resource.is_some() || given.max_quorum_log_size.is_some();
    let quorum_type = given.quorum_type.or_else(|| present.quorum_type.filter(|_| !decides));
    let mut body = SetQuorum { quorum_type, ..given };
    if !body.is_without_witness()? {
        body.quorum_resource = body.quorum_resource.or(present.quorum_resource);
        body.path = body.path.or(present.path);
    }
    set(&api, waiting, hop, body).await
}

/// What a PATCH goes on from.
fn present(sight: super::views::Sight<'_>) -> SetQuorum {
    let view = QuorumView::of(sight);
    SetQuorum {
        quorum_type: Some(view.quorum_type),
        quorum_resource: view.quorum_resource,
        path: Some(view.path).filter(|path| !path.is_empty()),
        max_quorum_log_size: None,
    }
}

async fn set(api: &Api, waiting: Waiting, hop: Hop, body: SetQuorum) -> Answered<AcceptedAnswer> {
    let wait = waiting.seconds()?;
    let model = body.model()?;
    let size = size(model, body.max_quorum_log_size)?;
    if body.is_without_witness()? {
        if body.quorum_resource.is_some() || body.path.is_some() {
            let text = "NodeMajority has no witness: leave QuorumResource and Path out, or take another QuorumType.";
            return Err(Refusal::new(code::INVALID_PARAMETER, text).into());
        }
        let command = Command::SetQuorum { resource: None, kind: Witness::Disk, size: 0, path: String::new() };
        return api.change(wait, move |_| Ok(Plan::of(command, Changed::Quorum))).await;
    }
    let path = body.path.unwrap_or_default();
    if path.chars().count() > PATH_CHARS || path.contains('\0') {
        let text = format!("'Path' has at most {PATH_CHARS} characters and no NUL.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", PATH_CHARS).into());
    }
    let wanted = body.quorum_resource;
    let (id, name) = api.see(move |sight| resource(sight.state, model, wanted.as_deref())).await??;
    let kind = kind(api, id, &name, hop).await?;
    suits(model, kind, &name)?;
    let of_model = move |state: &ClusterState| match model {
        Some(model) => model.size(),
        // The same model with another device, when it suits; otherwise the nodes and the witness vote.
        None if state.quorum.model.witness() == Some(kind) => state.quorum.model.size(),
        None => HYBRID_SIZE,
    };
    api.change(wait, move |state| {
        let size = size.unwrap_or_else(|| of_model(state));
        Ok(Plan::of(Command::SetQuorum { resource: Some(id), kind, size, path }, Changed::Quorum))
    })
    .await
}

fn read_model(word: &str) -> Result<Model, Refusal> {
    word.parse().map_err(|error: cluster_engine::quorum::UnknownModel| {
        Refusal::new(code::INVALID_PARAMETER, format!("QuorumType: {error}.")).fact("QuorumType", word)
    })
}

/// The size that was asked for, if it goes with the model that was asked for.
fn size(model: Option<Model>, size: Option<u32>) -> Result<Option<u32>, Refusal> {
    let (Some(model), Some(given)) = (model, size) else { return Ok(size) };
    if given == model.size() {
        return Ok(size);
    }
    let text = format!(
        "MaxQuorumLogSize tells the model too: that of {model} is {}. Leave it out, or leave QuorumType out to set the \
         size of the log.",
        model.size()
    );
    Err(Refusal::new(code::INVALID_PARAMETER, text).fact("MaxQuorumLogSize", given).fact("QuorumType", model))
}

/// The resource that is meant: the one that is named, or the present witness.
fn resource(state: &ClusterState, model: Option<Model>, wanted: Option<&str>) -> Result<(Guid, String), Refusal> {
    let found = match wanted {
        Some(name) => names::resource(state, name)?,
        None => state.quorum_resource().ok_or_else(|| {
            let model = model.map_or_else(|| "This quorum".to_owned(), |model| model.to_string());
            let text = format!("{model} needs a witness. Name it: QuorumResource (cluster quorum set --help).");
            Refusal::new(code::INVALID_PARAMETER, text)
        })?,
    };
    Ok((found.id, found.config.name.clone()))
}

/// What a resource is as a witness, by what its library says of itself.
///
/// # Errors
/// 5021 when it cannot be the quorum resource.
async fn kind(api: &Api, id: Guid, name: &str, hop: Hop) -> Result<Witness, Refused> {
    let (code, output) = ask_library(api, id, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, hop).await?;
    let is_capable = code == win32::ERROR_SUCCESS && first_dword(&output).is_some_and(|c| c & CLUS_CHAR_QUORUM != 0);
    if !is_capable {
        let others = api.see(|sight| could_be(sight.state)).await?;
        let text = format!(
            "'{name}' cannot be the quorum resource: its type has no Arbitrate (CLUS_CHAR_QUORUM). Take a Physical Disk or \
             a File Share Witness{others}."
        );
        return Err(Refusal::new(code::NOT_QUORUM_CAPABLE, text).fact("Resource", name).into());
    }
    let (code, output) = ask_library(api, id, CLUSCTL_RESOURCE_GET_CLASS_INFO, hop).await?;
    let is_storage = code == win32::ERROR_SUCCESS && first_dword(&output) == Some(CLUS_RESCLASS_STORAGE as u32);
    Ok(if is_storage { Witness::Disk } else { Witness::FileShare })
}

/// Resources that are likely to be accepted, for the sentence that refuses another one.
fn could_be(state: &ClusterState) -> String {
    let is_likely = |type_name: &str| ["Physical Disk", "File Share Witness"].iter().any(|t| names::same(t, type_name));
    let likely: Vec<&str> = state
        .resources
        .values()
        .filter(|r| is_likely(&r.config.type_name) && r.state == ResourceState::Online)
        .map(|r| r.config.name.as_str())
        .collect();
    if likely.is_empty() { String::new() } else { format!("; online are: {}", likely.join(", ")) }
}

/// Does this model go with that kind of witness?
fn suits(model: Option<Model>, kind: Witness, name: &str) -> Result<(), Refusal> {
    let Some(wanted) = model.and_then(Model::witness) else { return Ok(()) };
    match (wanted, kind) {
        (Witness::Disk, Witness::Disk) | (Witness::FileShare, Witness::FileShare) => Ok(()),
        (Witness::Disk, Witness::FileShare) => {
            let text = format!(
                "'{name}' is no storage (its class is not CLUS_RESCLASS_STORAGE), and this model needs a disk. Take \
                 NodeAndFileShareMajority with it, or another resource."
            );
            Err(Refusal::new(code::NOT_QUORUM_CLASS, text).fact("Resource", name))
        }
        (Witness::FileShare, Witness::Disk) => {
            let text = format!("'{name}' is a disk. Take NodeAndDiskMajority with it, or name a file share witness.");
            Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Resource", name))
        }
    }
}

fn first_dword(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>().map(|four| u32::from_le_bytes(*four))
}

/// The whole replicated state in the encoding of the engine's own images (postcard), for a simulation that starts from
/// this cluster. Read by the same version of Wolfden only; `X-Wolfden-Version` names it.
pub(super) async fn state(State(api): State<Api>, Asked(Nothing {}): Asked<Nothing>) -> Answered<Response> {
    let image = api.see(|sight| postcard::to_stdvec(sight.state)).await?;
    let image = image.map_err(|e| Refusal::new(code::INVALID_DATA, format!("The state cannot be encoded: {e}.")))?;
    let headers = [(header::CONTENT_TYPE.as_str(), "application/octet-stream"), (VERSION, env!("CARGO_PKG_VERSION"))];
    Ok((headers, image).into_response())
}

/// The header that names the version that wrote an image.
const VERSION: &str = "x-wolfden-version";
