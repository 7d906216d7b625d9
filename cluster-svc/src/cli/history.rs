//! `cluster log` and `cluster events`.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use super::args::{Events, Log};
use super::client::Ask;
use super::session::Session;
use super::trouble::Trouble;
use crate::api::views::{NoticeView, level_of_word};

/// How often a followed log is read.
const LOG_EVERY: Duration = Duration::from_millis(500);

/// How many lines of it are read each time.
const LOG_LINES: u32 = 2_000;

/// How long to wait before a broken stream is opened anew.
const RECONNECT: Duration = Duration::from_secs(1);

/// Longest line of a stream that is understood, in bytes: a snapshot of a large cluster is one line.
const LINE_BYTES: usize = 32 << 20;

pub(super) async fn log(session: &Session, log: &Log) -> Result<(), Trouble> {
    let read = |lines: Option<u32>| session.client.ask_text(Ask::new(Method::GET, ["log"]).maybe("tail", lines));
    let text = read(log.tail).await?;
    session.say(&text)?;
    let mut last = text.lines().last().map(str::to_owned);
    if !log.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(LOG_EVERY).await;
        let text = read(Some(LOG_LINES)).await?;
        let lines: Vec<&str> = text.lines().collect();
        // Lines carry their time to the millisecond: the last one seen is found again, unless another node answers now.
        let new = match last.as_deref().map(|last| lines.iter().rposition(|line| *line == last)) {
            Some(Some(at)) => &lines[at + 1..],
            Some(None) | None => &lines[..],
        };
        for line in new {
            session.say(line)?;
        }
        last = new.last().map(|line| (*line).to_owned()).or(last);
    }
}

pub(super) async fn events(session: &Session, which: &Events) -> Result<(), Trouble> {
    let ask = Ask::new(Method::GET, ["events"])
        .query("limit", which.limit)
        .maybe("level", which.level.as_deref())
        .maybe("subject", which.subject.as_deref());
    let answer = session.client.ask(ask).await?;
    let notices: Vec<NoticeView> = session.read(&answer)?;
    if session.json && !which.follow {
        return session.print(&answer, || Ok(String::new()));
    }
    for notice in &notices {
        show(session, which, notice)?;
    }
    if which.follow { follow(session, which, last_place(&notices)).await } else { Ok(()) }
}

fn last_place(notices: &[NoticeView]) -> Option<String> {
    notices.iter().rev().find_map(|n| n.id.clone())
}

/// Shows notices as they come, and comes back when the cluster goes away for a while.
async fn follow(session: &Session, which: &Events, mut place: Option<String>) -> Result<(), Trouble> {
    loop {
        match listen(session, which, &mut place).await {
            Ok(()) | Err(Trouble::NoAnswer { .. }) => tokio::time::sleep(RECONNECT).await,
            Err(trouble) => return Err(trouble),
        }
    }
}

/// One connection, until it ends.
async fn listen(session: &Session, which: &Events, place: &mut Option<String>) -> Result<(), Trouble> {
    let mut chunks = session.client.listen(place.as_deref()).await?.bytes_stream();
    let mut pending: Vec<u8> = Vec::new();
    let mut is_notice = false;
    while let Some(chunk) = chunks.next().await {
        pending.extend_from_slice(&chunk.map_err(|e| session.client.no_answer(&e))?);
        while let Some(end) = pending.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if let Some(kind) = line.strip_prefix("event:") {
                is_notice = kind.trim() == "notice";
            } else if let Some(data) = line.strip_prefix("data:").filter(|_| is_notice) {
                let value: Value = serde_json::from_str(data.trim()).unwrap_or_default();
                let notice: NoticeView = session.read(&value)?;
                if fits(which, &notice) {
                    show(session, which, &notice)?;
                }
                *place = notice.id.or_else(|| place.take());
            }
        }
        if pending.len() > LINE_BYTES {
            return Err(session.client.strange("an endless line".to_owned()));
        }
    }
    Ok(())
}

fn fits(which: &Events, notice: &NoticeView) -> bool {
    let least = which.level.as_deref().and_then(level_of_word);
    let is_grave = least.is_none_or(|least| level_of_word(&notice.level).is_none_or(|level| level >= least));
    let subject = notice.subject.as_ref().map(|s| s.name.as_str());
    is_grave && which.subject.as_deref().is_none_or(|wanted| subject.is_some_and(|s| s.eq_ignore_ascii_case(wanted)))
}

fn show(session: &Session, which: &Events, notice: &NoticeView) -> Result<(), Trouble> {
    if session.json {
        return session.say(&serde_json::to_string(notice).unwrap_or_default());
    }
    let event = notice.event_id.map(|id| format!(" (event {id})")).unwrap_or_default();
    let node = notice.node.as_ref().map(|n| format!(" on {n}")).unwrap_or_default();
    let mut text =
        format!("{} {:<11} [{}]{node} {}{event}\n", notice.time, notice.level, notice.component, notice.text);
    if which.why {
        for why in &notice.why {
            text.push_str(&format!("    because {why}\n"));
        }
    }
    session.say(&text)
}
