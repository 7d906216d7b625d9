//! `/stream` of the lab: the stream of a node, with the lab's part in each snapshot and its events among the notices.
//!
//! When the node goes away, another one takes over and the client notices nothing; what it missed is asked for by the id
//! of the last notice. When no node answers, the last snapshot comes again, marked stale, so that the lab's buttons stay
//! useful.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::bench::Bench;

/// The pause after no node could be reached.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// After so much silence a comment is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a node may take to begin its stream.
const BEGIN_LIMIT: Duration = Duration::from_secs(2);
/// The longest event of a node, in bytes.
const MAX_EVENT_BYTES: usize = 32 << 20;

type Bytes = Pin<Box<dyn Stream<Item = reqwest::Result<axum::body::Bytes>> + Send>>;

/// A client of the stream.
struct Listener {
    bench: Arc<Bench>,
    changed: watch::Receiver<u64>,
    /// The node's stream, and whose it is.
    upstream: Option<(String, Bytes)>,
    buffer: Vec<u8>,
    /// The id of the last notice, to go on from at another node.
    last_id: Option<String>,
    last_snapshot: Option<Value>,
    /// The last event of the lab that was passed on.
    heard: u64,
    /// Events to be passed on, oldest last.
    waiting: Vec<Event>,
}

pub(super) async fn listen(
    State(bench): State<Arc<Bench>>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last_id = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let listener = Listener {
        changed: bench.changed(),
        heard: bench.last_event(),
        bench,
        upstream: None,
        buffer: Vec::new(),
        last_id,
        last_snapshot: None,
        waiting: Vec::new(),
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await;
        Some((Ok(event), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("still here"))
}

impl Listener {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.waiting.pop() {
                return event;
            }
            if self.upstream.is_none() {
                self.connect().await;
            }
            let Some((_, bytes)) = &mut self.upstream else {
                // Nobody answers. The picture that there is gets marked, once the lab or the time has moved on.
                let pause = tokio::time::timeout(RETRY_PAUSE, self.changed.changed()).await;
                if pause.is_ok() || self.mark_stale() {
                    self.lab_moved();
                }
                continue;
            };
            tokio::select! {
                chunk = bytes.next() => match chunk {
                    Some(Ok(chunk)) if self.buffer.len() + chunk.len() <= MAX_EVENT_BYTES => {
                        self.buffer.extend_from_slice(&chunk);
                        self.take_events();
                    }
                    Some(Ok(_) | Err(_)) | None => self.upstream = None,
                },
                changed = self.changed.changed() => {
                    if changed.is_ok() {
                        self.lab_moved();
                        self.prefer_quorum();
                    }
                }
            }
        }
    }

    /// Opens the stream of the best node that answers.
    async fn connect(&mut self) {
        self.buffer.clear();
        for api in self.bench.candidates() {
            let mut request = self.bench.client.get(format!("{api}/api/v1/stream"));
            if let Some(id) = &self.last_id {
                request = request.header("last-event-id", id);
            }
            if let Ok(Ok(answer)) = tokio::time::timeout(BEGIN_LIMIT, request.send()).await
                && answer.status().is_success()
            {
                self.upstream = Some((api, Box::pin(answer.bytes_stream())));
                return;
            }
        }
    }

    /// Changes over when the present node is frozen or gone, or has no quorum while another one has.
    fn prefer_quorum(&mut self) {
        let candidates = self.bench.candidates();
        let Some((present, _)) = &self.upstream else { return };
        let best_is_quorate = {
            let state = self.bench.state();
            let is_quorate =
                |api: &String| state.members.values().any(|m| m.health.is_quorate && m.api() == Some(api.as_str()));
            candidates.first().is_some_and(is_quorate) && !is_quorate(present)
        };
        if best_is_quorate || !candidates.contains(present) {
            self.upstream = None;
        }
    }

    /// Takes whole events out of the buffer.
    fn take_events(&mut self) {
        let mut events = Vec::new();
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let rest = self.buffer.split_off(end + 2);
            let text = String::from_utf8_lossy(&std::mem::replace(&mut self.buffer, rest)).into_owned();
            events.extend(self.pass_on(&text));
        }
        events.reverse();
        // Whatever waited before comes first, so it stays at the end.
        events.append(&mut self.waiting);
        self.waiting = events;
    }

    /// One event of a node as an event of the lab.
    fn pass_on(&mut self, text: &str) -> Option<Event> {
        let Told { kind, id, data } = Told::parse(text)?;
        if kind == "snapshot" {
            self.last_snapshot = Some(serde_json::from_str(&data).ok()?);
            return self.snapshot();
        }
        let mut event = Event::default().event(kind).data(data);
        if let Some(id) = id {
            event = event.id(&id);
            self.last_id = Some(id);
        }
        Some(event)
    }

    /// The last snapshot with the lab's part as it is now.
    fn snapshot(&self) -> Option<Event> {
        let mut snapshot = self.last_snapshot.clone()?;
        snapshot["Lab"] = serde_json::to_value(self.bench.view()).ok()?;
        Event::default().event("snapshot").json_data(&snapshot).ok()
    }

    /// The lab has changed: passes its events on, and the snapshot with its new part.
    fn lab_moved(&mut self) {
        let mut events: Vec<Event> = Vec::new();
        for (number, view) in self.bench.events(self.heard) {
            self.heard = number;
            events.extend(Event::default().event("notice").json_data(&*view).ok());
        }
        events.extend(self.snapshot());
        events.reverse();
        events.append(&mut self.waiting);
        self.waiting = events;
    }

    /// Marks the last snapshot as old. False when it is marked already, or there is none.
    fn mark_stale(&mut self) -> bool {
        let Some(cluster) = self.last_snapshot.as_mut().and_then(|snapshot| snapshot.get_mut("Cluster")) else {
            return false;
        };
        if cluster["Stale"] == json!(true) && cluster["Quorate"] == json!(false) {
            return false;
        }
        cluster["Stale"] = json!(true);
        cluster["Quorate"] = json!(false);
        true
    }
}

/// An event as a node tells it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    kind: String,
    id: Option<String>,
    data: String,
}

impl Told {
    /// Reads the lines of one event; `None` for one without data, such as a comment.
    fn parse(text: &str) -> Option<Told> {
        let mut told = Told { kind: "message".into(), id: None, data: String::new() };
        for line in text.lines() {
            // A line without a colon is a field without a value; an empty one ends the event.
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => told.kind = value.to_owned(),
                "id" => told.id = Some(value.to_owned()),
                "data" => {
                    if !told.data.is_empty() {
                        told.data.push('\n');
                    }
                    told.data.push_str(value);
                }
                _ => {}
            }
        }
        (!told.data.is_empty()).then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_node_are_understood() {
        let check = |text: &str, expected: Option<(&str, Option<&str>, &str)>| {
            let expected = expected.map(|(kind, id, data)| Told {
                kind: kind.into(),
                id: id.map(str::to_owned),
                data: data.into(),
            });
            assert_eq!(Told::parse(text), expected, "{text:?}");
        };
        check("event: snapshot\ndata: {}\n\n", Some(("snapshot", None, "{}")));
        check("event:notice\nid: 4.1\ndata:{}\n\n", Some(("notice", Some("4.1"), "{}")));
        check("data: a: b\ndata: c\n\n", Some(("message", None, "a: b\nc")));
        check(": still here\n\n", None);
        check("event: notice\n\n", None);
        check("\n\n", None);
        check("nonsense\n\n", None);
    }

    #[test]
    fn whole_events_are_taken_and_the_lab_is_put_in() {
        let options = crate::lab::LabOptions { nodes: 1, ..Default::default() };
        let bench = Arc::new(Bench::new(options, "http://127.0.0.1:1".into()).expect("a bench"));
        let mut listener = Listener {
            changed: bench.changed(),
            heard: 0,
            bench: Arc::clone(&bench),
            upstream: None,
            buffer: b"event: snapshot\ndata: {\"Cluster\":{\"Quorate\":true}}\n\nid: 7.0\nevent: notice\nda".to_vec(),
            last_id: None,
            last_snapshot: None,
            waiting: Vec::new(),
        };
        listener.take_events();
        assert_eq!(listener.waiting.len(), 1);
        listener.buffer.extend_from_slice(b"ta: {}\n\n");
        listener.take_events();
        assert_eq!((listener.waiting.len(), listener.last_id.as_deref()), (2, Some("7.0")));
        let written = format!("{:?}", listener.snapshot().expect("there is one"));
        assert!(written.contains("Lab") && written.contains("n1"), "{written}");
        assert!(listener.mark_stale());
        assert!(!listener.mark_stale(), "it is marked already");
        bench.remove_temporary();
    }
}
