//! Passing requests on to a node that answers, one with quorum first.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cluster_engine::{Refusal, code};
use serde_json::Value;

use super::bench::Bench;
use crate::api::refused::Refused;

/// The longest body that is passed on, in bytes; nodes refuse what is over their own limit.
const MAX_BODY_BYTES: usize = 2 << 20;
/// The longest answer that is looked into, in bytes.
const MAX_EVENTS_BYTES: usize = 32 << 20;

/// How many events a node tells when nothing is said.
const DEFAULT_EVENTS: usize = 200;

/// Headers that belong to one connection, or that speak of this server.
const NOT_PASSED_ON: [HeaderName; 7] = [
    header::HOST,
    header::ORIGIN,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
];

impl Bench {
    /// The APIs to try, the best first: those with quorum, those that answer, those that run.
    pub(super) fn candidates(&self) -> Vec<String> {
        let state = self.state();
        let mut found: Vec<(u8, String)> = state
            .members
            .values()
            .filter_map(|member| {
                let rank = match (member.health.is_quorate, member.health.answers) {
                    (true, _) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                };
                Some((rank, member.api()?.to_owned()))
            })
            .collect();
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, api)| api).collect()
    }
}

/// Passes a request on and its answer back, as it comes.
pub(super) async fn pass_on(State(bench): State<Arc<Bench>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        let text = format!("the body is over {MAX_BODY_BYTES} bytes; send less at a time");
        return Refused::with_status(StatusCode::PAYLOAD_TOO_LARGE, Refusal::new(code::INVALID_PARAMETER, text))
            .into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    match send(&bench, &parts.method, path, &parts.headers, body.into()).await {
        Ok(answer) => {
            let mut response = Response::builder().status(answer.status());
            for (name, value) in answer.headers().iter().filter(|(name, _)| !NOT_PASSED_ON.contains(name)) {
                response = response.header(name, value);
            }
            let body = Body::from_stream(answer.bytes_stream());
            response.body(body).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
        }
        Err(refused) => refused.into_response(),
    }
}

/// Sends a request to the first node that takes it. What may have arrived is never sent twice, unless it only reads.
pub(super) async fn send(
    bench: &Bench,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<reqwest::Response, Refused> {
    let mut last = String::new();
    for api in bench.candidates() {
        let mut request = bench.client.request(method.clone(), format!("{api}{path}")).body(body.clone());
        for (name, value) in headers.iter().filter(|(name, _)| !NOT_PASSED_ON.contains(name)) {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let may_have_arrived = !error.is_connect();
                last = format!("; {api} said: {error}");
                if may_have_arrived && !method.is_safe() {
                    let text = format!(
                        "the node went away before it answered; the change may or may not have been made{last}"
                    );
                    return Err(Refused::from(Refusal::new(code::TIMEOUT, text)));
                }
            }
        }
    }
    let text = format!("no node of the lab answers{last}. Start one, e.g. with `cluster lab heal`");
    let refusal = Refusal::new(code::CLUSTER_NODE_DOWN, text);
    Err(Refused::with_status(StatusCode::SERVICE_UNAVAILABLE, refusal))
}

/// `GET /events`: the history of a node, with the lab's own events among its own.
pub(super) async fn events(state: State<Arc<Bench>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let bench = Arc::clone(&state.0);
    let response = pass_on(state, request).await;
    // A question about what followed a place in the log, or about one object or level, is not about the lab.
    let is_plain = query.split('&').all(|part| part.is_empty() || part.starts_with("limit="));
    if !response.status().is_success() || !is_plain {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_EVENTS_BYTES).await else {
        let text = "the node went away in the middle of its answer; ask again";
        return Refused::from(Refusal::new(code::TIMEOUT, text)).into_response();
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let Ok(Value::Array(mut list)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let limit = query.split('&').find_map(|part| part.strip_prefix("limit=")?.parse::<usize>().ok());
    let limit = limit.unwrap_or(DEFAULT_EVENTS);
    // The whole history of a node that was started lately is shorter than the lab's; a part of a long one is not.
    let is_whole = list.len() < limit;
    let oldest = list.first().and_then(|first| first["Time"].as_str()).unwrap_or_default().to_owned();
    let own = bench.events(0).into_iter().filter(|(_, event)| is_whole || event.time >= oldest);
    list.extend(own.filter_map(|(_, event)| serde_json::to_value(&*event).ok()));
    // Times are all of one form in UTC, so their text sorts as they do. Equal ones stay in order.
    list.sort_by(|a, b| a["Time"].as_str().cmp(&b["Time"].as_str()));
    let surplus = list.len().saturating_sub(limit);
    list.drain(..surplus);
    Response::from_parts(parts, Body::from(Value::Array(list).to_string()))
}
