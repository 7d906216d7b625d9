//! The log of a story, as a person would want to read it.
//!
//! A line for each thing that is done and each notice of level information and above. What all nodes tell alike is told
//! once; what a node tells of itself bears its name. Times count from `begin`.

use std::collections::BTreeSet;

use cluster_engine::{Level, LogPlace, Millis, Notice, Refusal, Time};

/// Before this stand the sentences that give reasons.
const INDENT: &str = "                        ";

/// Collects the lines.
#[derive(Debug, Default)]
pub(super) struct Diary {
    began: Option<Time>,
    /// Replicated notices that some node has told already; a node that restarts tells them again.
    told: BTreeSet<LogPlace>,
    lines: Vec<String>,
    events: Vec<u32>,
    /// When anything was told last.
    last: Time,
}

impl Diary {
    /// From now on it counts.
    pub(super) fn begin(&mut self, now: Time) {
        self.began = Some(now);
        self.lines.clear();
        self.events.clear();
        self.last = now;
    }

    pub(super) fn began(&self) -> Option<Time> {
        self.began
    }

    pub(super) fn last(&self) -> Time {
        self.last
    }

    /// How often an event was told since the beginning.
    pub(super) fn count(&self, event: u32) -> usize {
        self.events.iter().filter(|e| **e == event).count()
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Something is done.
    pub(super) fn act(&mut self, now: Time, text: &str) {
        self.line(now, &format!("> {text}"));
    }

    /// What was asked for was refused.
    pub(super) fn refused(&mut self, now: Time, refusal: &Refusal) {
        self.line(now, &format!("< refused with {}: {}", refusal.code, refusal.message));
    }

    /// A node tells something.
    pub(super) fn notice(&mut self, now: Time, node: &str, notice: &Notice) {
        if notice.place.is_some_and(|place| !self.told.insert(place)) || notice.level < Level::Information {
            return;
        }
        let who = if notice.place.is_none() { format!("{node}: ") } else { String::new() };
        let event = notice.event.map_or("-".to_owned(), |e| e.to_string());
        self.events.extend(notice.event);
        self.line(now, &format!("{:<6} {event:>4}  {who}{}", notice.component.tag(), notice.text));
        self.lines.extend(notice.why.iter().map(|why| format!("{INDENT}{why}")));
    }

    fn line(&mut self, now: Time, text: &str) {
        self.last = now;
        let Millis(since) = now.since(self.began.unwrap_or(now));
        let time = format!("+{}.{:03}", since / 1000, since % 1000);
        self.lines.push(format!("{time:<9} {text}"));
    }
}
