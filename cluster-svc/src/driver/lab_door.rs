//! The lab's door into a node: cutting and healing its links, and its way to shared storage. Open only to who knows the token that the lab gave to the
//! node at its start; a node that is in no lab has no such door.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use clusres::device::StoragePath;
use cluster_engine::{NodeId, code};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::handle::{Link, NodeHandle};

/// The header that carries the token.
pub const TOKEN_HEADER: &str = "x-wolfden-lab-token";
/// The path of the door.
pub const CUT_PATH: &str = "/api/v1/lab/cut";
/// The path by which a node's way to shared storage is cut and mended.
pub const STORAGE_PATH: &str = "/api/v1/lab/storage";
/// The longest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 4096;

/// What the lab asks of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cut {
    /// The id of the other node.
    pub node: u32,
    /// Drop what comes from it.
    pub incoming: bool,
    /// Drop what goes to it.
    pub outgoing: bool,
}

/// Cuts the node's way to shared storage, or mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StorageCut {
    /// No disk and no share is to be reached from now on.
    pub cut: bool,
}

#[derive(Clone)]
struct Door {
    handle: NodeHandle,
    storage: StoragePath,
    token: String,
}

/// The routes of the door, to be merged into those of the node's API.
pub fn routes(handle: NodeHandle, storage: StoragePath, token: String) -> Router {
    Router::new()
        .route(CUT_PATH, post(cut))
        .route(STORAGE_PATH, post(cut_storage))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Door { handle, storage, token })
}

async fn cut(State(door): State<Door>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    match door.read::<Cut>(&headers, &body) {
        Ok(cut) => {
            let link = Link { incoming_cut: cut.incoming, outgoing_cut: cut.outgoing };
            door.handle.set_link(NodeId(cut.node), link);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => *refused,
    }
}

async fn cut_storage(State(door): State<Door>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let wanted = match door.read::<StorageCut>(&headers, &body) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    match door.storage.set_cut(wanted.cut) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let text = format!("the storage path was not changed: {error}; look at the rights on the node's directory");
            refused(StatusCode::INTERNAL_SERVER_ERROR, code::ACCESS_DENIED, "ERROR_ACCESS_DENIED", &text)
        }
    }
}

impl Door {
    /// What is asked for, if whoever asks knows the token.
    fn read<T: DeserializeOwned>(&self, headers: &HeaderMap, body: &[u8]) -> Result<T, Box<Response>> {
        if headers.get(TOKEN_HEADER).is_none_or(|token| token.as_bytes() != self.token.as_bytes()) {
            let text = "only the lab that started this node may cut its links and its storage path; ask the lab";
            return Err(Box::new(refused(StatusCode::FORBIDDEN, code::ACCESS_DENIED, "ERROR_ACCESS_DENIED", text)));
        }
        serde_json::from_slice(body).map_err(|error| {
            let text = format!("no such request: {error}");
            Box::new(refused(StatusCode::BAD_REQUEST, code::INVALID_DATA, "ERROR_INVALID_DATA", &text))
        })
    }
}

/// A refusal in the form that the whole API has.
fn refused(status: StatusCode, code: u32, name: &str, message: &str) -> Response {
    let body = serde_json::json!({ "error": { "code": code, "name": name, "message": message, "facts": {} } });
    (status, Json(body)).into_response()
}
