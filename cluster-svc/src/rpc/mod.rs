//! What programs that call clusapi ask of this node: the other end of `resapi_sys_mock::rpc`.
//!
//! The protocol is spoken on the address of the REST API, behind the same guard: a request for [`rpc::PATH`] with the word of
//! the protocol in its `Upgrade` header leaves HTTP and becomes a row of questions and answers; without that header it is
//! answered with where the nodes are. Reads are answered from what this node knows, changes become the very commands that
//! the REST API submits. A control code for a resource that another node owns is answered with the address of that node.
//!
//! | file | what it answers |
//! |---|---|
//! | `objects` | finding, looking at and listing objects |
//! | `orders` | changes |
//! | `registry` | the cluster registry |
//! | `control`, `properties` | control codes that the Cluster service answers itself |
//! | `news` | notifications |

mod control;
mod news;
mod objects;
mod orders;
mod properties;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cluster_engine::state::ClusterState;
use cluster_engine::{NodeId, Refusal, code};
use hyper_util::rt::TokioIo;
use resapi_sys_mock::rpc::{self, Ask, NodeAddress, Told};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::news::Newsroom;
use crate::api::{Guard, names};
use crate::driver::NodeHandle;

/// How many connections of programs are served at the same time; the next one is refused with 503.
const MAX_CONNECTIONS: usize = 512;

/// The route, behind the guard of a loopback server.
pub fn router(node: NodeHandle) -> Router {
    let connections = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    let service = Service { newsroom: Newsroom::new(node.clone()), node, connections };
    Guard::loopback().around(Router::new().route(rpc::PATH, get(open)).with_state(service))
}

/// What answers one program's questions.
#[derive(Clone)]
pub(crate) struct Service {
    node: NodeHandle,
    newsroom: Arc<Newsroom>,
    connections: Arc<tokio::sync::Semaphore>,
}

/// The road out of HTTP, or the list of nodes.
async fn open(State(service): State<Service>, mut request: Request) -> Response {
    let word = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    let Some(word) = word else { return list_nodes(&service).await };
    if word != rpc::UPGRADE {
        let text = format!("this service speaks {}; use the libclusapi of its version", rpc::UPGRADE);
        return (StatusCode::UPGRADE_REQUIRED, text).into_response();
    }
    let Some(upgrade) = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>() else {
        return (StatusCode::BAD_REQUEST, "this connection cannot be upgraded; use HTTP/1.1").into_response();
    };
    let Ok(place) = Arc::clone(&service.connections).try_acquire_owned() else {
        let text = format!("{MAX_CONNECTIONS} programs are connected already; close some");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    tokio::spawn(async move {
        let _place = place;
        match upgrade.await {
            Ok(connection) => service.talk(TokioIo::new(connection)).await,
            Err(error) => tracing::debug!("a program did not finish its upgrade: {error}"),
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, rpc::UPGRADE)];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn list_nodes(service: &Service) -> Response {
    match service.answer(Ask::Nodes).await {
        Told::Nodes(nodes) => match postcard::to_stdvec(&nodes) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        },
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the node has stopped").into_response(),
    }
}

impl Service {
    /// Questions and answers until the program hangs up or says something that cannot be understood.
    async fn talk(&self, mut connection: impl AsyncRead + AsyncWrite + Unpin) {
        loop {
            let mut header = [0; rpc::LENGTH_BYTES];
            if connection.read_exact(&mut header).await.is_err() {
                return;
            }
            let body = match rpc::length(header) {
                Ok(length) => {
                    let mut body = Vec::new();
                    let read = (&mut connection).take(length as u64).read_to_end(&mut body).await;
                    if read.ok() != Some(length) {
                        return;
                    }
                    body
                }
                Err(error) => return tracing::warn!("a program that calls clusapi: {error}"),
            };
            let told = match rpc::decode::<Ask>(&body) {
                Ok(ask) => self.answer(ask).await,
                Err(error) => return tracing::warn!("a program that calls clusapi: {error}"),
            };
            let frame = rpc::encode(&told).or_else(|error| {
                rpc::encode(&refused(Refusal::new(code::INVALID_DATA, format!("the answer does not fit: {error}"))))
            });
            let Ok(frame) = frame else { return };
            if connection.write_all(&frame).await.is_err() {
                return;
            }
        }
    }

    /// One answer.
    pub(crate) async fn answer(&self, ask: Ask) -> Told {
        let told = match ask {
            Ask::Cluster => self.cluster().await,
            Ask::Nodes => self.nodes().await,
            Ask::Find { kind, name } => self.see(move |state| objects::find(state, kind, &name)).await,
            Ask::Look(id) => self.see(move |state| objects::look(state, &id)).await,
            Ask::List(kind) => self.see(move |state| Ok(Told::Objects(objects::list(state, kind)))).await,
            Ask::Related { of, relation } => self.see(move |state| objects::related(state, &of, relation)).await,
            Ask::Expression(id) => self.see(move |state| objects::expression(state, &id)).await,
            Ask::MayDepend { dependent, provider } => {
                self.see(move |state| objects::may_depend(state, &dependent, &provider)).await
            }
            Ask::Order { order, reason } => orders::carry_out(&self.node, order, &reason).await,
            Ask::Control { to, host, code, input } => control::control(&self.node, to, host, code, input).await,
            Ask::ReadKey { path } => self.see(move |state| registry::read_key(state, &path)).await,
            Ask::ReadValue { path, name } => self.see(move |state| registry::read_value(state, &path, &name)).await,
            Ask::ReadMany(wanted) => self.see(move |state| Ok(registry::read_many(state, &wanted))).await,
            Ask::Change { base, commands } => registry::change(&self.node, base, commands).await,
            Ask::Export => self.see(|state| Ok(Told::Text(clusreg::reg_text::export(&state.hive, "")))).await,
            Ask::Quorum => self.see(|state| Ok(objects::quorum(state))).await,
            Ask::Watch { after, wait_ms } => Ok(Told::News(self.newsroom.watch(after, wait_ms).await)),
        };
        told.unwrap_or_else(refused)
    }

    /// An answer from the present state.
    async fn see(
        &self,
        look: impl FnOnce(&ClusterState) -> Result<Told, Refusal> + Send + 'static,
    ) -> Result<Told, Refusal> {
        self.node.read(move |engine, _| look(engine.state())).await?
    }

    async fn cluster(&self) -> Result<Told, Refusal> {
        let facts = self.node.facts();
        let cluster = self.node.read(move |engine, now| rpc::Cluster {
            name: engine.state().config.name.clone(),
            id: engine.state().config.id.to_string(),
            node: facts.name,
            node_id: facts.node.0,
            version: version(),
            is_quorate: engine.is_quorate(now),
        });
        Ok(Told::Cluster(cluster.await?))
    }

    async fn nodes(&self) -> Result<Told, Refusal> {
        let (peers, me) = (self.node.peers(), self.node.facts());
        let nodes = self.node.read(move |engine, _| {
            let address = |id: &NodeId| match peers.get(id) {
                _ if *id == me.node => me.api_address.clone(),
                Some(peer) => peer.api_address.clone(),
                None => String::new(),
            };
            let state = engine.state();
            let mut all: Vec<NodeAddress> = state
                .nodes
                .values()
                .map(|node| NodeAddress {
                    name: node.config.name.clone(),
                    id: node.id.0,
                    address: address(&node.id),
                    is_up: node.state == cluster_engine::state::NodeState::Up,
                })
                .collect();
            // The node that was asked comes first: it answers.
            all.sort_by_key(|node| (node.id != me.node.0, !node.is_up, node.id));
            all
        });
        Ok(Told::Nodes(nodes.await?))
    }
}

/// How long a node that is up may take to tell where its API is.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);
/// How long between two looks.
const ADDRESS_RETRY: Duration = Duration::from_millis(50);

/// Where a node is, for a question that only it can answer.
async fn address_of(handle: &NodeHandle, node: NodeId) -> Result<NodeAddress, Refusal> {
    let end = tokio::time::Instant::now() + ADDRESS_PATIENCE;
    loop {
        let address = handle.peers().get(&node).map(|peer| peer.api_address.clone()).unwrap_or_default();
        let (name, is_up) = handle
            .read(move |engine, _| {
                let state = engine.state();
                let found = state.nodes.get(&node);
                (names::of_node(state, node), found.is_some_and(|n| n.state == cluster_engine::state::NodeState::Up))
            })
            .await?;
        if is_up && !address.is_empty() {
            return Ok(NodeAddress { name, id: node.0, address, is_up });
        }
        if !is_up || tokio::time::Instant::now() >= end {
            let text = format!("Node '{name}', which would have to answer, is down. Start it, or move the group.");
            return Err(Refusal::new(code::CLUSTER_NODE_DOWN, text).fact("Node", name));
        }
        tokio::time::sleep(ADDRESS_RETRY).await;
    }
}

fn refused(refusal: Refusal) -> Told {
    Told::Refused { code: refusal.code, message: refusal.message }
}

/// The version of this service.
fn version() -> (u16, u16, u16) {
    let mut parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}
