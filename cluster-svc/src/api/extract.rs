//! Path, query and body of a request, read strictly: what is not understood is refused, not ignored.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use cluster_engine::{Refusal, code};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::refused::Refused;
use super::values::sentence;

/// Largest body of a request, in bytes.
pub(super) const BODY_BYTES: usize = 1 << 20;

/// Longest name in a path or body, in characters. The engine has its own limit for display names; this one keeps nonsense
/// out of its way.
pub(super) const NAME_CHARS: usize = 1024;

/// Longest wait that a client can ask for, in seconds.
pub(super) const WAIT_S: u32 = 600;

/// The parts of the path.
pub(super) struct At<T>(pub(super) T);

/// The query.
pub(super) struct Asked<T>(pub(super) T);

/// The body as JSON. An empty body counts as `{}`.
pub(super) struct Body<T>(pub(super) T);

/// The body as it is.
pub(super) struct Text(pub(super) Bytes);

/// The query of a route without any.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The query of every change.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    /// Seconds.
    wait: Option<u32>,
}

impl Waiting {
    /// How long to wait, if at all.
    pub(super) fn seconds(self) -> Result<Option<u32>, Refusal> {
        check_wait(self.wait)
    }
}

/// `wait=` within its limit.
pub(super) fn check_wait(wait: Option<u32>) -> Result<Option<u32>, Refusal> {
    if wait.is_some_and(|s| s > WAIT_S) {
        let text = format!("A request waits for at most {WAIT_S} seconds. Ask again when it is over.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", WAIT_S));
    }
    Ok(wait)
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<At<T>, Refused> {
        if parts.uri.path().len() > 4 * NAME_CHARS {
            let text = format!("The path is too long. Names have at most {NAME_CHARS} characters.");
            return Err(Refusal::new(code::INVALID_NAME, text).into());
        }
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(t)| At(t)).map_err(|e| Refusal::new(code::INVALID_NAME, sentence(&e.body_text())).into())
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked<T>, Refused> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(t)| Asked(t))
            .map_err(|e| Refusal::new(code::INVALID_PARAMETER, sentence(&e.body_text())).into())
    }
}

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Text, Refused> {
        read(request).await.map(Text)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Refused> {
        let bytes = read(request).await?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Body).map_err(|e| {
            let (code, what) = match e.classify() {
                Category::Data => (code::INVALID_PARAMETER, "The body does not say what this request takes"),
                Category::Syntax | Category::Eof | Category::Io => (code::INVALID_DATA, "The body is not JSON"),
            };
            Refusal::new(code, format!("{what}: {e}. See /api/v1/openapi.json.")).into()
        })
    }
}

async fn read(request: Request) -> Result<Bytes, Refused> {
    to_bytes(request.into_body(), BODY_BYTES).await.map_err(|e| {
        let text = format!("The body cannot be read ({e}). It may have at most {BODY_BYTES} bytes.");
        let refusal = Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", BODY_BYTES);
        Refused::with_status(StatusCode::PAYLOAD_TOO_LARGE, refusal)
    })
}
