//! Carrying out a change: agree on it, wait when asked to, and say what came of it.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cluster_engine::Refusal;
use cluster_engine::state::{ClusterState, Command};

use super::Api;
use super::refused::Answered;
use super::views::{Accepted, Changed};

/// What a request comes down to.
pub(super) struct Plan {
    /// What the nodes are to agree on.
    pub(super) command: Command,
    /// What is shown and waited for.
    pub(super) changed: Changed,
}

impl Plan {
    /// A change of something that runs.
    pub(super) fn of(command: Command, changed: Changed) -> Plan {
        Plan { command, changed }
    }

    /// A change of configuration.
    pub(super) fn setting(command: Command) -> Plan {
        Plan { command, changed: Changed::Setting }
    }
}

/// An accepted change as an answer.
pub(super) struct AcceptedAnswer(pub(super) Accepted);

impl IntoResponse for AcceptedAnswer {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl Api {
    /// Makes a plan from the present state and carries it out.
    pub(super) async fn change(
        &self,
        wait: Option<u32>,
        plan: impl FnOnce(&ClusterState) -> Result<Plan, Refusal> + Send + 'static,
    ) -> Answered<AcceptedAnswer> {
        let plan = self.see(move |sight| plan(sight.state)).await??;
        self.door.submit(plan.command).await?;
        self.settled(plan.changed, wait).await.map(AcceptedAnswer)
    }

    /// The answer once the object has come to rest, or the time is over; at once without a time.
    pub(super) async fn settled(&self, changed: Changed, wait: Option<u32>) -> Answered<Accepted> {
        let mut news = self.door.changed();
        news.borrow_and_update();
        let look = || self.see(move |sight| changed.accepted(sight));
        let Some(seconds) = wait else { return look().await };
        let end = tokio::time::Instant::now() + Duration::from_secs(u64::from(seconds));
        loop {
            let mut accepted = look().await?;
            if !accepted.pending {
                return Ok(accepted);
            }
            let heard = tokio::time::timeout_at(end, news.changed()).await;
            match heard {
                Ok(Ok(())) => {}
                // The node is going away: say what was last true.
                Ok(Err(_)) => return Ok(accepted),
                Err(_) => {
                    accepted = look().await?;
                    accepted.timed_out = accepted.pending;
                    return Ok(accepted);
                }
            }
        }
    }
}
