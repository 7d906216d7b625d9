//! Passing a request on to another node, for the few things that only one node can do.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use cluster_engine::state::NodeState;
use cluster_engine::{NodeId, Refusal, code};
use serde_json::Value as Json;

use super::Api;
use super::names;
use super::refused::{Answered, RefusalBody, Refused};

/// Says that a request was passed on already: it is not passed on twice.
const PASSED_ON: &str = "x-wolfden-passed-on";

/// How long the other node has. Longer than a control may take to find its resource open.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a node that is up may take to tell where its API is: it tells every second, the first time when it has just started.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);

/// How long between two looks.
const ADDRESS_RETRY: Duration = Duration::from_millis(50);

/// Has the request been passed on before?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    is_passed_on: bool,
}

impl Hop {
    /// The request comes from a client.
    pub(super) fn is_first(self) -> bool {
        !self.is_passed_on
    }

    /// A request that comes from a client.
    pub(super) fn first() -> Hop {
        Hop { is_passed_on: false }
    }

    /// Does the request come from another node?
    pub(super) fn is_passed_on(self) -> bool {
        self.is_passed_on
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Hop {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Hop, Refused> {
        Ok(Hop { is_passed_on: parts.headers.contains_key(PASSED_ON) })
    }
}

/// Asks other nodes.
#[derive(Clone)]
pub(super) struct Forwarder {
    client: reqwest::Client,
    token: Option<String>,
}

impl Forwarder {
    pub(super) fn new(token: Option<String>) -> Forwarder {
        Forwarder { client: reqwest::Client::new(), token }
    }

    /// Passes a request on and hands back what the other node answers, whatever it is.
    pub(super) async fn pass_on(
        &self,
        api: &Api,
        to: NodeId,
        hop: Hop,
        method: Method,
        uri: &Uri,
        body: Option<&Json>,
    ) -> Answered<Response> {
        let (status, bytes) = self.send(api, to, hop, method, uri, body).await?;
        let json = [(header::CONTENT_TYPE, "application/json")];
        Ok((status, json, bytes).into_response())
    }

    /// Passes a request on and reads the answer; a refusal of the other node becomes a refusal here.
    pub(super) async fn ask(
        &self,
        api: &Api,
        to: NodeId,
        hop: Hop,
        method: Method,
        uri: &Uri,
        body: Option<&Json>,
    ) -> Answered<Json> {
        let (status, bytes) = self.send(api, to, hop, method, uri, body).await?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes).unwrap_or_default());
        }
        Err(match serde_json::from_slice::<RefusalBody>(&bytes) {
            Ok(RefusalBody { error }) => {
                let facts = error.facts.into_iter().collect();
                Refused::with_status(status, Refusal { code: error.code, message: error.message, facts })
            }
            Err(_) => {
                let text = format!("The node that owns the object answered {status}, which is not understood here.");
                Refusal::new(code::INVALID_DATA, text).into()
            }
        })
    }

    async fn send(
        &self,
        api: &Api,
        to: NodeId,
        hop: Hop,
        method: Method,
        uri: &Uri,
        body: Option<&Json>,
    ) -> Answered<(StatusCode, Vec<u8>)> {
        let name = api.see(move |sight| names::of_node(sight.state, to)).await?;
        if hop.is_passed_on {
            let text = format!("The object has moved to '{name}' while the request was on its way. Try again.");
            return Err(Refusal::new(code::HOST_NODE_NOT_GROUP_OWNER, text).fact("Node", name).into());
        }
        let unreachable = |why: &str| {
            let text =
                format!("This has to be done by node '{name}', which {why}. Bring the node up, or try again later.");
            Refusal::new(code::CLUSTER_NODE_DOWN, text).fact("Node", &name)
        };
        let end = tokio::time::Instant::now() + ADDRESS_PATIENCE;
        let answer = loop {
            let why = match api.door.peers().get(&to).and_then(|p| p.api_address.clone()) {
                None => "has not told where its API listens".to_owned(),
                Some(address) => match self.request(&address, &method, uri, body).send().await {
                    Ok(answer) => break answer,
                    // The address may be that of its former life; nothing has arrived there.
                    Err(error) if error.is_connect() => format!("does not answer ({})", error.without_url()),
                    Err(error) => return Err(unreachable(&format!("does not answer ({})", error.without_url())).into()),
                },
            };
            let is_up = api.see(move |sight| sight.state.nodes.get(&to).map(|n| n.state)).await? == Some(NodeState::Up);
            if !is_up || tokio::time::Instant::now() >= end {
                return Err(unreachable(&why).into());
            }
            tokio::time::sleep(ADDRESS_RETRY).await;
        };
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|e| unreachable(&format!("broke off its answer ({e})")))?;
        Ok((status, bytes.to_vec()))
    }

    fn request(&self, address: &str, method: &Method, uri: &Uri, body: Option<&Json>) -> reqwest::RequestBuilder {
        let url = format!("{address}{}", uri.path_and_query().map_or("/", |p| p.as_str()));
        let mut request = self.client.request(method.clone(), url).timeout(PATIENCE).header(PASSED_ON, "1");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request
    }
}
