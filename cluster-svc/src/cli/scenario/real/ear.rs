//! Hears what the nodes tell, and keeps it in the diary of the story.
//!
//! Each node has a listener of its own on its stream of events. When the stream ends, because the node was killed or
//! frozen, the listener comes again; what was told meanwhile stands in the node's history. A notice of the replicated log
//! has a place and is kept once; a local one is known by its node, its time and its text.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster_engine::{ArbitrationStep, LogPlace, Time};
use cluster_sim::scenario::Diary;
use cluster_sim::scenario::entry::{Entry, Told};
use futures_util::StreamExt;
use serde_json::Value;

use super::lines::Lines;

/// The pause until a node that does not answer is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How much of a node's history is read when it is listened to again.
const HISTORY: usize = 1_000;
/// How long a stream may take to begin.
const BEGIN_LIMIT: Duration = Duration::from_secs(2);
/// Levels that stand in a log.
const TOLD_LEVELS: [&str; 4] = ["Information", "Warning", "Error", "Critical"];

/// What was heard so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    heard: Arc<Mutex<HeardSoFar>>,
}

#[derive(Debug, Default)]
struct HeardSoFar {
    diary: Diary,
    local: BTreeSet<(String, u64, String)>,
}

impl Ear {
    /// Reads or writes the diary.
    pub(super) fn diary<T>(&self, work: impl FnOnce(&mut Diary) -> T) -> T {
        work(&mut self.lock().diary)
    }

    /// What the diary holds.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.lock().diary.entries().to_vec()
    }

    fn lock(&self) -> MutexGuard<'_, HeardSoFar> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to a node from now on, through all its lives.
    pub(super) fn listen(&self, lines: Lines, node: String) {
        let ear = self.clone();
        tokio::spawn(async move {
            loop {
                if let Ok(Some(api)) = lines.api_of(&node).await {
                    ear.follow(&lines, &api, &node).await;
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        });
    }

    /// Hears one stream to its end.
    async fn follow(&self, lines: &Lines, api: &str, node: &str) {
        let request = lines.client().get(format!("{api}/api/v1/stream")).send();
        let Ok(Ok(answer)) = tokio::time::timeout(BEGIN_LIMIT, request).await else { return };
        // The stream tells what comes from now on; the history what came before.
        let past = lines.get(api, &format!("/events?limit={HISTORY}")).await;
        past.as_ref().and_then(Value::as_array).into_iter().flatten().for_each(|notice| self.take(notice, node));
        let (mut bytes, mut buffer) = (answer.bytes_stream(), Vec::new());
        while let Some(Ok(chunk)) = bytes.next().await {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = buffer.split_off(end + 2);
                let event = std::mem::replace(&mut buffer, rest);
                if let Some(notice) = notice_in(&String::from_utf8_lossy(&event)) {
                    self.take(&notice, node);
                }
            }
        }
    }

    /// Keeps a notice, if it is one and is not known.
    fn take(&self, notice: &Value, node: &str) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_told = TOLD_LEVELS.iter().any(|level| notice["Level"] == **level);
        let Some(at) = notice["Time"].as_str().and_then(time_of).filter(|_| is_told) else { return };
        let place = notice["Id"].as_str().and_then(place_of);
        let teller = notice["Node"].as_str().map(str::to_owned);
        let told = Told {
            component: text(&notice["Component"]),
            event: notice["EventId"].as_u64().and_then(|id| u32::try_from(id).ok()),
            teller: if place.is_some() { None } else { teller.or_else(|| Some(node.to_owned())) },
            about: (notice["Subject"]["Kind"] == "Node").then(|| text(&notice["Subject"]["Name"])),
            step: notice["Step"].as_str().and_then(step_of),
            text: text(&notice["Text"]),
        };
        let why = notice["Why"].as_array().into_iter().flatten().map(text).collect();
        let mut heard = self.lock();
        if place.is_none() && !heard.local.insert((node.to_owned(), at.0, told.text.clone())) {
            return;
        }
        heard.diary.told(at, place, told, why);
    }
}

/// The data of a `notice` in an event of the stream.
fn notice_in(event: &str) -> Option<Value> {
    let is_notice = event.lines().any(|line| line.strip_prefix("event:").is_some_and(|kind| kind.trim() == "notice"));
    let data = event.lines().find_map(|line| line.strip_prefix("data:")).filter(|_| is_notice)?;
    serde_json::from_str(data.trim_start()).ok()
}

/// `2026-01-31T12:00:00.123Z`.
fn time_of(text: &str) -> Option<Time> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_millisecond()).ok().map(Time)
}

/// `120.3`.
fn place_of(text: &str) -> Option<LogPlace> {
    let (index, number) = text.split_once('.')?;
    Some(LogPlace { index: index.parse().ok()?, number: number.parse().ok()? })
}

fn step_of(word: &str) -> Option<ArbitrationStep> {
    let all = [
        ArbitrationStep::Needed,
        ArbitrationStep::Challenge,
        ArbitrationStep::Said,
        ArbitrationStep::Won,
        ArbitrationStep::Lost,
        ArbitrationStep::TakenOver,
        ArbitrationStep::Refused,
        ArbitrationStep::Hosted,
        ArbitrationStep::Ended,
    ];
    all.into_iter().find(|step| step.word() == word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn notices_are_found_in_the_stream() {
        let check = |event: &str, expected: Option<Value>| assert_eq!(notice_in(event), expected, "{event}");
        check("event: notice\nid: 4.1\ndata: {\"Text\":\"a\"}\n\n", Some(json!({ "Text": "a" })));
        check("event: snapshot\ndata: {}\n\n", None);
        check(": still here\n\n", None);
        check("event: notice\ndata: {\n\n", None);
    }

    #[test]
    fn the_same_notice_is_kept_once() {
        let ear = Ear::default();
        ear.diary(|diary| diary.begin(time_of("2026-01-31T12:00:00.000Z").expect("a time")));
        let replicated = json!({ "Id": "7.0", "Time": "2026-01-31T12:00:01.500Z", "Level": "Warning", "Component": "RGP",
            "EventId": 1135, "Text": "gone", "Subject": { "Kind": "Node", "Name": "n1" }, "Why": ["quiet"], "Node": null });
        let local = json!({ "Id": null, "Time": "2026-01-31T12:00:01.000Z", "Level": "Information", "Component": "QUORUM",
            "EventId": null, "Text": "won", "Step": "Won", "Subject": null, "Why": [], "Node": "n2" });
        let small = json!({ "Time": "2026-01-31T12:00:01.000Z", "Level": "Debug", "Text": "detail", "Node": "n2" });
        for notice in [&replicated, &local, &replicated, &small, &local, &json!(7)] {
            ear.take(notice, "n2");
        }
        ear.take(&replicated, "n3");
        let lines: Vec<String> = ear.entries().iter().flat_map(Entry::lines).collect();
        assert_eq!(
            lines,
            ["+1.000    QUORUM    -  n2: won", "+1.500    RGP    1135  gone", "                        quiet"]
        );
        let count = |event, at| ear.diary(|diary| diary.count(event, at));
        assert_eq!((count(1135, None), count(1135, Some("n1")), count(1135, Some("n2"))), (1, 1, 0));
        assert_eq!(ear.diary(|diary| diary.count_steps(ArbitrationStep::Won, Some("n2"))), 1);
    }
}
