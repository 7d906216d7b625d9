//! The lab's own address: the dashboard, the API of whichever node answers, and the lab's buttons.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use cluster_engine::{Refusal, code};
use serde::Deserialize;

use super::bench::{Bench, LabView};
use super::storage::{self, StartSwitches};
use super::stream;
use super::{partition, proxy};
use crate::api::refused::Refused;
use crate::api::{Guard, page_router};

/// The longest body that is taken in, in bytes: more than any node takes.
const MAX_BODY_BYTES: usize = 2 << 20;

/// `PUT /lab/links`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LinkChange {
    from: String,
    to: String,
    cut: bool,
    #[serde(default = "yes")]
    both_ways: bool,
}

fn yes() -> bool {
    true
}

/// All routes of the front.
pub(super) fn routes(bench: Arc<Bench>) -> Router {
    let routes = Router::new()
        .route("/api/v1/lab", get(show))
        .route("/api/v1/lab/nodes/{name}/{action}", post(act))
        .route("/api/v1/lab/links", put(link))
        .route("/api/v1/lab/partition", put(partition::divide))
        .route("/api/v1/lab/storage", put(storage::change))
        .route("/api/v1/lab/heal", post(heal))
        .route("/api/v1/lab/{*rest}", any(no_such_route))
        .route("/api/v1/stream", get(stream::listen))
        .route("/api/v1/events", get(proxy::events))
        .route("/api/v1/{*rest}", any(proxy::pass_on))
        .route("/metrics", get(proxy::pass_on))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(bench);
    Guard::loopback().around(routes.merge(page_router()))
}

async fn show(State(bench): State<Arc<Bench>>) -> Json<LabView> {
    Json(bench.view())
}

async fn act(State(bench): State<Arc<Bench>>, Path((name, action)): Path<(String, String)>, body: Bytes) -> Response {
    // Names are known by any case, as everywhere.
    let name = bench.names().into_iter().find(|known| known.eq_ignore_ascii_case(&name)).unwrap_or(name);
    let done = match action.as_str() {
        "kill" => bench.kill_node(&name).await,
        "pause" => bench.pause_node(&name).await,
        "continue" => bench.continue_node(&name).await,
        "start" => match StartSwitches::read(&body) {
            Ok(switches) => bench.start_node_with(&name, switches).await,
            Err(refusal) => Err(refusal),
        },
        "stop" => bench.stop_node(&name).await,
        _ => return no_such_route().await,
    };
    answer(&bench, done)
}

async fn link(State(bench): State<Arc<Bench>>, body: Bytes) -> Response {
    let change: LinkChange = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => {
            let text = format!("no such request: {error}; send {{ From, To, Cut, BothWays? }}");
            return Refused::from(Refusal::new(code::INVALID_DATA, text)).into_response();
        }
    };
    let done = bench.set_link(&change).await;
    answer(&bench, done)
}

async fn heal(State(bench): State<Arc<Bench>>) -> Response {
    let done = bench.heal().await;
    answer(&bench, done)
}

async fn no_such_route() -> Response {
    let text = "there is no such route; see docs/api.md, section Lab";
    Refused::with_status(StatusCode::NOT_FOUND, Refusal::new(code::FILE_NOT_FOUND, text)).into_response()
}

pub(super) fn answer(bench: &Bench, done: Result<(), Refusal>) -> Response {
    match done {
        Ok(()) => (StatusCode::ACCEPTED, Json(bench.view())).into_response(),
        Err(refusal) => Refused::from(refusal).into_response(),
    }
}

impl Bench {
    async fn set_link(&self, change: &LinkChange) -> Result<(), Refusal> {
        let known = |name: &String| self.names().into_iter().find(|known| known.eq_ignore_ascii_case(name));
        let find = |name: &String| {
            let text = format!("the lab has no node '{name}'; its nodes are {}", self.names().join(", "));
            known(name).ok_or_else(|| Refusal::new(code::CLUSTER_NODE_NOT_FOUND, text).fact("Node", name))
        };
        let (from, to) = (find(&change.from)?, find(&change.to)?);
        if from == to {
            let text = format!("{from} has no link to itself; name two nodes");
            return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Node", &from));
        }
        let mut ways = vec![(from.clone(), to.clone())];
        if change.both_ways {
            ways.push((to.clone(), from.clone()));
        }
        {
            let mut state = self.state();
            for way in ways {
                if change.cut {
                    state.cuts.insert(way);
                } else {
                    state.cuts.remove(&way);
                }
            }
            for name in [&from, &to] {
                if let Some(member) = state.members.get_mut(name) {
                    member.is_told_of_links = false;
                }
            }
        }
        let what = if change.cut { "was cut" } else { "is whole again" };
        let text = if change.both_ways {
            format!("the link between {from} and {to} {what}")
        } else {
            format!("the way from {from} to {to} {what}")
        };
        self.tell(text, None);
        self.tell_links().await;
        Ok(())
    }

    /// All links and storage paths whole, all nodes running.
    async fn heal(self: &Arc<Bench>) -> Result<(), Refusal> {
        let (paused, stopped) = {
            let mut state = self.state();
            state.cuts.clear();
            let mut paused = Vec::new();
            let mut stopped = Vec::new();
            for (name, member) in &mut state.members {
                member.is_told_of_links = false;
                match member.word() {
                    "paused" => paused.push(name.clone()),
                    "stopped" => stopped.push(name.clone()),
                    _ => {}
                }
            }
            (paused, stopped)
        };
        self.tell("everything is healed: links and storage paths whole, nodes running".into(), None);
        self.tell_links().await;
        self.mend_storage()?;
        for name in paused {
            self.continue_node(&name).await?;
        }
        let starts = stopped.iter().map(|name| self.start_node(name));
        futures_util::future::join_all(starts).await.into_iter().collect()
    }
}
