//! `/dll/findings`: what resource libraries were found to do wrong, on every node that answers.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::extract::{Asked, Nothing};
use super::forward::Hop;
use super::refused::Answered;
use super::views::rfc3339;
use crate::driver::findings::{FindingKind, Found};

/// A mistake of a resource library, and how often it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct FindingView {
    /// The node on which it happened.
    pub node: String,
    /// ForbiddenCall, SlowCall, Deadlock or Crash.
    pub kind: String,
    /// The library.
    pub dll_name: String,
    /// The resource type, empty when it cannot be told.
    pub resource_type: String,
    /// The name of the resource, when it can be told.
    pub resource: Option<String>,
    /// The entry point in which it happened.
    pub entry_point: Option<String>,
    /// `entry point`, `worker` or `other thread`.
    pub thread: String,
    /// The function or control code that was called; empty for the other kinds.
    pub call: String,
    /// What is wrong, and what to do.
    pub text: String,
    /// What CallGuard of the type says; empty for the other kinds.
    pub call_guard: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: String,
    /// When last.
    pub last: String,
}

impl FindingView {
    /// How one finding of `node` is shown.
    #[must_use]
    pub fn of(node: &str, found: &Found) -> FindingView {
        let mistake = found.mistake.clone();
        FindingView {
            node: node.to_owned(),
            kind: kind_word(mistake.kind).to_owned(),
            dll_name: mistake.dll_name,
            resource_type: mistake.resource_type,
            resource: mistake.resource_name,
            entry_point: mistake.entry_point,
            thread: mistake.thread,
            call: mistake.call,
            text: found.text.clone(),
            call_guard: found.mode.clone(),
            count: found.count,
            first: rfc3339(found.first),
            last: rfc3339(found.last),
        }
    }
}

fn kind_word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::ForbiddenCall => "ForbiddenCall",
        FindingKind::SlowCall => "SlowCall",
        FindingKind::Deadlock => "Deadlock",
        FindingKind::Crash => "Crash",
    }
}

/// Findings of this node; a client also gets those of the others. A node that does not answer is left out: the others'
/// mistakes are worth knowing all the same.
pub(super) async fn list(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
    hop: Hop,
    uri: Uri,
) -> Answered<Json<Vec<FindingView>>> {
    let facts = api.door.facts();
    let mut all: Vec<FindingView> =
        api.door.findings().iter().map(|found| FindingView::of(&facts.name, found)).collect();
    if hop.is_first() {
        let others = api.door.peers().into_keys().filter(|id| *id != facts.node);
        for other in others {
            if let Ok(answer) = api.forwarder.ask(&api, other, hop, Method::GET, &uri, None).await {
                all.extend(serde_json::from_value::<Vec<FindingView>>(answer).unwrap_or_default());
            }
        }
    }
    Ok(Json(all))
}

#[cfg(test)]
mod tests {
    use cluster_engine::{Guid, Time};

    use super::*;
    use crate::api::tests::fake::{Fake, Server, run};
    use crate::driver::findings::Mistake;

    fn found() -> Found {
        let mistake = Mistake {
            kind: FindingKind::ForbiddenCall,
            dll_name: "a.so".into(),
            resource_type: "A".into(),
            resource: Some(Guid(1)),
            resource_name: Some("one".into()),
            entry_point: Some("Online".into()),
            thread: "entry point".into(),
            call: "MoveClusterGroup".into(),
        };
        let text = "do-not-use: leave it".into();
        Found { mistake, text, mode: "warn".into(), count: 3, first: Time(0), last: Time(1500) }
    }

    #[test]
    fn a_finding_names_node_library_entry_point_and_call() {
        let view = serde_json::to_value(FindingView::of("n1", &found())).expect("a view is JSON");
        assert_eq!(view["Node"], "n1");
        assert_eq!(view["Kind"], "ForbiddenCall");
        assert_eq!((&view["EntryPoint"], &view["Call"]), (&"Online".into(), &"MoveClusterGroup".into()));
        assert_eq!((&view["CallGuard"], &view["Count"]), (&"warn".into(), &3.into()));
        assert_eq!(view["Last"], "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn findings_are_listed() {
        run(async {
            let fake = Fake::new();
            let server = Server::start(&fake).await;
            assert_eq!(server.get("/dll/findings").await, serde_json::json!([]));
        });
    }
}
