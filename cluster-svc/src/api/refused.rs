//! Refusals as HTTP answers: the status, the Win32 code, its name, a sentence, and the facts.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cluster_engine::{Refusal, code};
use resapi_sys_mock::codes::win32;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Gone;

/// The answer of a handler that can refuse.
pub type Answered<T> = Result<T, Refused>;

/// A refusal on its way to the client. `status` overrides what the code says, for the cases that HTTP tells apart and Win32
/// does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// What is refused and why.
    pub refusal: Refusal,
    status: Option<StatusCode>,
}

/// The body of every refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefusalBody {
    /// The one member.
    pub error: RefusalView,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefusalView {
    /// The Win32 code that the real service answers.
    pub code: u32,
    /// Its name, `ERROR_...`.
    pub name: String,
    /// What is wrong and what to do.
    pub message: String,
    /// What the sentence is made of.
    pub facts: BTreeMap<String, String>,
}

impl Refused {
    /// A refusal with a status of its own.
    #[must_use]
    pub fn with_status(status: StatusCode, refusal: Refusal) -> Refused {
        Refused { refusal, status: Some(status) }
    }

    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| status_of(self.refusal.code))
    }
}

/// The HTTP status of a Win32 code: 404 what is not there, 400 what cannot be meant, 403 what may not be, 503 when the
/// cluster cannot answer now, 504 when it did not answer in time, else 409: the present state does not allow it.
#[must_use]
pub fn status_of(win32_code: u32) -> StatusCode {
    match win32_code {
        code::FILE_NOT_FOUND
        | code::RESOURCE_NOT_FOUND
        | code::GROUP_NOT_FOUND
        | code::CLUSTER_NODE_NOT_FOUND
        | code::CLUSTER_NETWORK_NOT_FOUND
        | code::CLUSTER_RESOURCE_TYPE_NOT_FOUND
        | code::DEPENDENCY_NOT_FOUND => StatusCode::NOT_FOUND,
        code::INVALID_DATA
        | code::INVALID_PARAMETER
        | code::INVALID_NAME
        | code::CLUSTER_PROPERTY_DATA_TYPE_MISMATCH
        | win32::ERROR_INVALID_FUNCTION
        | win32::ERROR_BAD_PATHNAME => StatusCode::BAD_REQUEST,
        code::ACCESS_DENIED => StatusCode::FORBIDDEN,
        code::CLUSTER_NO_QUORUM | code::CLUSTER_SHUTTING_DOWN | code::CLUSTER_NODE_NOT_READY => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        code::TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::CONFLICT,
    }
}

/// The name of a code; the number itself when nobody has a name for it.
#[must_use]
pub fn code_name(win32_code: u32) -> String {
    let name = win32::name(win32_code).or_else(|| code::name(win32_code));
    name.map_or_else(|| format!("ERROR_{win32_code}"), str::to_owned)
}

impl RefusalView {
    /// The outside form of a refusal.
    #[must_use]
    pub fn of(refusal: &Refusal) -> RefusalView {
        RefusalView {
            code: refusal.code,
            name: code_name(refusal.code),
            message: refusal.message.clone(),
            facts: refusal.facts.iter().cloned().collect(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused { refusal, status: None }
    }
}

impl From<Gone> for Refused {
    fn from(_: Gone) -> Refused {
        let text = "The Cluster service of this node is stopping. Ask another node, or start it again.";
        Refusal::new(code::CLUSTER_SHUTTING_DOWN, text).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status(), Json(RefusalBody { error: RefusalView::of(&self.refusal) })).into_response()
    }
}
