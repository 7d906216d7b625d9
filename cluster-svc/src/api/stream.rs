//! `/stream`: server-sent events for pages that live.
//!
//! A client hears a `snapshot` at once and after every change, and each notice as a `notice`. Notices of the replicated log
//! carry their place as id; a client that comes again with `Last-Event-ID`, also at another node, hears what it missed.
//! A slow client misses nothing but intermediate snapshots: notices are read from the history, not from a queue.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Api;
use super::door::Numbered;
use super::extract::{Asked, Nothing};
use super::history::since;
use super::refused::Answered;
use super::views::{NoticeView, Place, Snapshot};

/// Least time between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);

/// After so much silence a comment is sent, so that both sides notice a connection that died.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Notices read from the history at a time.
const NOTICES_AT_A_TIME: usize = 256;

/// Where a client stands.
struct Listener {
    api: Api,
    node: Arc<str>,
    news: watch::Receiver<u64>,
    /// The local number of the last notice sent.
    heard: Option<u64>,
    /// Notices to send, newest first.
    backlog: Vec<Numbered>,
    next_snapshot: Instant,
    is_snapshot_due: bool,
}

pub(super) async fn listen(
    State(api): State<Api>,
    Asked(Nothing {}): Asked<Nothing>,
    headers: HeaderMap,
) -> Answered<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let resume: Option<Place> = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let news = api.door.changed();
    let mut backlog = if resume.is_some() { since(&*api.door, resume) } else { Vec::new() };
    let heard = api.door.history(None, 1).last().map(|(number, _)| *number).or(Some(0));
    backlog.reverse();
    // A snapshot first: if there is nobody to ask, the client hears so as a refusal and not as an empty stream.
    let first = snapshot(&api).await?;
    let node = api.door.facts().name.into();
    let listener = Listener {
        api,
        node,
        news,
        heard,
        backlog,
        next_snapshot: Instant::now() + SNAPSHOT_EVERY,
        is_snapshot_due: false,
    };
    let events = stream::unfold((Some(first), listener), |(first, mut listener)| async move {
        let event = match first {
            Some(first) => first,
            None => listener.next().await?,
        };
        Some((Ok(event), (None, listener)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("still here")))
}

impl Listener {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((number, notice)) = self.backlog.pop() {
                self.heard = self.heard.max(Some(number));
                let view = NoticeView::of(&notice, &self.node);
                let event = Event::default().event("notice");
                let event = if let Some(id) = &view.id { event.id(id.clone()) } else { event };
                return event.json_data(&view).ok();
            }
            let mut news = self.api.door.history(self.heard, NOTICES_AT_A_TIME);
            if !news.is_empty() {
                news.reverse();
                self.backlog = news;
                continue;
            }
            if self.is_snapshot_due && Instant::now() >= self.next_snapshot {
                self.is_snapshot_due = false;
                self.next_snapshot = Instant::now() + SNAPSHOT_EVERY;
                return snapshot(&self.api).await.ok();
            }
            let snapshot_time = sleep_until(self.next_snapshot);
            tokio::select! {
                changed = self.news.changed() => {
                    changed.ok()?;
                    self.is_snapshot_due = true;
                }
                () = snapshot_time, if self.is_snapshot_due => {}
            }
        }
    }
}

async fn snapshot(api: &Api) -> Answered<Event> {
    let snapshot = api.see(Snapshot::of).await?;
    let event = Event::default().event("snapshot").json_data(&snapshot);
    Ok(event.unwrap_or_else(|e| Event::default().comment(format!("no snapshot: {e}"))))
}
