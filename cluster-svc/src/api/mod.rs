//! The REST API of a node, and the dashboard page.
//!
//! Everything that the outside sees as JSON is defined here. A request goes through four steps: the *guard* lets only
//! local pages and tools (or the bearer of the token) in; *extract* reads path, query and body and refuses what cannot be
//! meant; the handler turns names into ids and asks the [`door::Door`] of the node; a *view* or a *refusal* goes back.
//!
//! | file | routes |
//! |---|---|
//! | `cluster` | `/cluster`, `/networks`, `/names` |
//! | `quorum`, `steps` | `/quorum`, `/simulations/state` |
//! | `nodes` | `/nodes` |
//! | `groups` | `/groups` |
//! | `resources`, `dependencies`, `parameters` | `/resources` |
//! | `types` | `/resource-types` |
//! | `registry` | `/registry` |
//! | `history`, `stream` | `/events`, `/log`, `/stream` |
//! | `findings` | `/dll/findings` |
//! | `metrics` | `/metrics` |
//! | `openapi` | `/openapi.json` |
//! | `page` | everything else: the dashboard |
//!
//! Deliberately absent: any rule of clustering. Whether a change is allowed is decided in the engine; the API only checks
//! what can be checked without knowing the state.

mod change;
mod cluster;
mod dependencies;
pub mod door;
mod extract;
pub mod findings;
mod forward;
mod groups;
pub mod guard;
mod history;
mod metrics;
pub(crate) mod names;
mod node_door;
mod nodes;
mod openapi;
mod page;
mod parameter_list;
mod parameters;
mod properties;
mod quorum;
pub mod refused;
mod registry;
mod resources;
mod routes;
mod steps;
mod stream;
mod types;
pub mod values;
pub mod views;

use std::sync::Arc;

use axum::Router;
use tokio::sync::oneshot;

pub use self::guard::Guard;
pub use self::page::page_router;

use self::door::{Door, Gone};
use self::forward::Forwarder;
use self::refused::Answered;
use self::views::Sight;
use crate::driver::NodeHandle;

/// Prefix of every route but `/metrics` and the page.
pub const PREFIX: &str = "/api/v1";

/// The API of a node that listens on loopback, with the dashboard behind it.
pub fn router(node: NodeHandle) -> Router {
    router_for(Arc::new(node), Guard::loopback())
}

/// The API of whatever is behind a door.
pub fn router_for(door: Arc<dyn Door>, guard: Guard) -> Router {
    let forwarder = Forwarder::new(guard.token().map(str::to_owned));
    let (router, _) = routes::all();
    let api = router.with_state(Api { door, forwarder });
    guard.around(api.merge(page_router()))
}

/// What every handler has.
#[derive(Clone)]
struct Api {
    door: Arc<dyn Door>,
    forwarder: Forwarder,
}

impl Api {
    /// One look at the cluster from this node.
    async fn see<R: Send + 'static>(&self, look: impl FnOnce(Sight<'_>) -> R + Send + 'static) -> Answered<R> {
        let (facts, peers) = (self.door.facts(), self.door.peers());
        let (answer, answered) = oneshot::channel();
        self.door
            .look(Box::new(move |state, vantage| {
                // Whoever asked may have hung up; then nobody needs the answer.
                let _ = answer.send(look(Sight { state, vantage, facts: &facts, peers: &peers }));
            }))
            .await?;
        Ok(answered.await.map_err(|_| Gone)?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
