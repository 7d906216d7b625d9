//! `/events` and `/log`: what happened.

use std::io::{Read, Seek, SeekFrom};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cluster_engine::{Level, Notice, Refusal, code};
use serde::Deserialize;

use super::Api;
use super::door::{Door, Numbered};
use super::extract::Asked;
use super::names::same;
use super::refused::Answered;
use super::views::{NoticeView, Place, level_of_word, subject};

/// Most notices in one answer, and how many are looked through.
pub(super) const NOTICES: usize = 10_000;

/// Notices in one answer when nothing is said.
const DEFAULT_NOTICES: usize = 200;

/// The end of a log that is read at most, in bytes.
const LOG_BYTES: u64 = 8 << 20;

/// Most lines that can be asked for.
const LOG_LINES: usize = 100_000;

/// The query of `/events`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    after: Option<String>,
    limit: Option<usize>,
    level: Option<String>,
    subject: Option<String>,
}

/// The query of `/log`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tail {
    tail: Option<usize>,
}

pub(super) async fn events(State(api): State<Api>, Asked(which): Asked<Which>) -> Answered<Json<Vec<NoticeView>>> {
    let limit = which.limit.unwrap_or(DEFAULT_NOTICES);
    if limit > NOTICES {
        let text = format!("At most {NOTICES} events are kept. Ask for fewer.");
        return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Maximum", NOTICES).into());
    }
    let least = which.level.as_deref().map(read_level).transpose()?;
    let after = which.after.as_deref().map(read_place).transpose()?;
    let node = api.door.facts().name;
    let fits = |notice: &Notice| {
        least.is_none_or(|least| notice.level >= least)
            && which
                .subject
                .as_ref()
                .is_none_or(|wanted| notice.subject.as_ref().is_some_and(|s| same(subject(s).1, wanted)))
    };
    let told = since(&*api.door, after);
    let fitting: Vec<&Numbered> = told.iter().filter(|(_, notice)| fits(notice)).collect();
    // After a place the first ones are wanted, to go on from there; otherwise the newest.
    let skipped = if after.is_some() { 0 } else { fitting.len().saturating_sub(limit) };
    let views = fitting.into_iter().skip(skipped).take(limit).map(|(_, n)| NoticeView::of(n, &node));
    Ok(Json(views.collect()))
}

/// Everything that is remembered and was told after a place in the log. What only this node saw has no place; it counts as
/// told where it stands between the others.
pub(super) fn since(door: &dyn Door, after: Option<Place>) -> Vec<Numbered> {
    let all = door.history(None, NOTICES);
    let Some(after) = after else { return all };
    let known = all.iter().rposition(|(_, n)| n.place.is_some_and(|p| Place(p) <= after));
    all.into_iter().skip(known.map_or(0, |at| at + 1)).collect()
}

fn read_level(word: &str) -> Result<Level, Refusal> {
    level_of_word(word).ok_or_else(|| {
        let text = format!("There is no level '{word}'. There are Debug, Information, Warning, Error and Critical.");
        Refusal::new(code::INVALID_PARAMETER, text).fact("Level", word)
    })
}

fn read_place(text: &str) -> Result<Place, Refusal> {
    text.parse().map_err(|()| {
        let message = format!("'{text}' is no place in the history. Use the Id of an event, such as 120.3.");
        Refusal::new(code::INVALID_PARAMETER, message).fact("After", text)
    })
}

pub(super) async fn log(State(api): State<Api>, Asked(tail): Asked<Tail>) -> Answered<Response> {
    let lines = tail.tail.unwrap_or(LOG_LINES).min(LOG_LINES);
    let path = api.door.facts().log_path;
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || read_end(&path, lines)).await;
    let text = read.map_err(std::io::Error::other).and_then(|r| r).map_err(|e| {
        let text = format!("The cluster log {shown} cannot be read: {e}. It is written from the first event on.");
        Refusal::new(code::FILE_NOT_FOUND, text).fact("Path", shown)
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// The last lines of a file.
fn read_end(path: &std::path::Path, lines: usize) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line may have been cut.
    let text = if start == 0 { &text[..] } else { text.split_once('\n').map_or("", |(_, rest)| rest) };
    let all: Vec<&str> = text.lines().collect();
    let mut end = all[all.len().saturating_sub(lines)..].join("\n");
    if !end.is_empty() {
        end.push('\n');
    }
    Ok(end)
}
