//! `/quorum/steps`: the steps of arbitrations for the quorum device, of all nodes together.
//!
//! An arbitration is fought between nodes, and each of them tells only its own steps. So the node that is asked asks the
//! others, and puts the steps in the order of their times. A node that is frozen, dead or unknown is named instead: what is
//! missing is said. This is done over the REST API, so it works across a partition of the cluster's own network.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use cluster_engine::{NodeId, Refusal, code};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Asked;
use super::forward::Hop;
use super::history::NOTICES;
use super::refused::Answered;
use super::views::NoticeView;
use super::{Api, PREFIX};

/// Steps in one answer when nothing is said.
const DEFAULT_STEPS: usize = 200;
/// Most steps in one answer.
const MOST_STEPS: usize = 2_000;
/// How long another node may take.
const PATIENCE: Duration = Duration::from_millis(800);

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    limit: Option<usize>,
}

/// Steps of arbitrations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StepsView {
    /// Oldest first; each names the node that it happened on, when it happened on one.
    pub(super) steps: Vec<NoticeView>,
    /// Nodes that did not answer; their own steps are missing.
    pub(super) silent: Vec<String>,
}

pub(super) async fn show(State(api): State<Api>, Asked(which): Asked<Which>, hop: Hop) -> Answered<Json<StepsView>> {
    let limit = which.limit.unwrap_or(DEFAULT_STEPS);
    if limit > MOST_STEPS {
        let text = format!("At most {MOST_STEPS} steps are told. Ask for fewer.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", MOST_STEPS).into());
    }
    let mut view = StepsView { steps: own(&api), silent: Vec::new() };
    if !hop.is_passed_on() {
        let me = api.door.facts().node;
        let others = move |sight: super::views::Sight<'_>| -> BTreeMap<NodeId, String> {
            let nodes = sight.state.nodes.values().filter(|n| n.id != me);
            nodes.map(|n| (n.id, n.config.name.clone())).collect()
        };
        let others = api.see(others).await?;
        for (name, told) in join_all(others.into_iter().map(|(id, name)| ask(&api, id, name, limit))).await {
            match told {
                Some(told) => view.steps.extend(told),
                None => view.silent.push(name),
            }
        }
        // Times are all of one form in UTC, so their text sorts as they do. Equal ones stay in order.
        view.steps.sort_by(|a, b| a.time.cmp(&b.time));
        let mut known = std::collections::BTreeSet::new();
        view.steps.retain(|step| step.id.as_ref().is_none_or(|id| known.insert(id.clone())));
    }
    let surplus = view.steps.len().saturating_sub(limit);
    view.steps.drain(..surplus);
    Ok(Json(view))
}

/// The steps that this node tells.
fn own(api: &Api) -> Vec<NoticeView> {
    let name = api.door.facts().name;
    let all = api.door.history(None, NOTICES);
    all.iter().filter(|(_, notice)| notice.step.is_some()).map(|(_, notice)| NoticeView::of(notice, &name)).collect()
}

/// The steps that another node tells; nothing when it does not answer.
async fn ask(api: &Api, id: NodeId, name: String, limit: usize) -> (String, Option<Vec<NoticeView>>) {
    let Ok(uri) = format!("{PREFIX}/quorum/steps?limit={limit}").parse::<Uri>() else { return (name, None) };
    let asked = api.forwarder.ask(api, id, Hop::first(), Method::GET, &uri, None);
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok().and_then(Result::ok);
    let view = answer.and_then(|json| serde_json::from_value::<StepsView>(json).ok());
    (name, view.map(|view| view.steps))
}
