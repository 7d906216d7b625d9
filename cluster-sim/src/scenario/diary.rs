//! The log of a story while it grows.
//!
//! An entry for each thing that is done, each answer worth knowing, and each notice of level information and above. What
//! all nodes tell alike is kept once; what a node tells of itself bears its name. Times count from `begin`.

use std::collections::BTreeSet;

use cluster_engine::{ArbitrationStep, Level, LogPlace, Notice, Refusal, Time};

use super::entry::{Entry, Said, Told};

/// Collects the entries. Kept by every [`Stage`](super::Stage).
#[derive(Clone, Debug, Default)]
pub struct Diary {
    began: Option<Time>,
    /// Replicated notices that some node has told already; a node that restarts tells them again.
    told: BTreeSet<LogPlace>,
    entries: Vec<Entry>,
    /// When anything was told last.
    last: Time,
}

impl Diary {
    /// From now on it counts.
    pub fn begin(&mut self, now: Time) {
        self.began = Some(now);
        self.entries.clear();
        self.last = now;
    }

    /// When the story began.
    #[must_use]
    pub fn began(&self) -> Option<Time> {
        self.began
    }

    /// When anything was told last.
    #[must_use]
    pub fn last(&self) -> Time {
        self.last
    }

    /// How often an event was told since the beginning; of one node, by it or about it.
    #[must_use]
    pub fn count(&self, event: u32, at: Option<&str>) -> usize {
        self.notices().filter(|told| told.event == Some(event) && at.is_none_or(|node| told.is_at(node))).count()
    }

    /// How often a step of an arbitration was told since the beginning.
    #[must_use]
    pub fn count_steps(&self, step: ArbitrationStep, at: Option<&str>) -> usize {
        self.notices().filter(|told| told.step == Some(step) && at.is_none_or(|node| told.is_at(node))).count()
    }

    fn notices(&self) -> impl Iterator<Item = &Told> {
        self.entries.iter().filter_map(|entry| match &entry.said {
            Said::Notice(told) => Some(told),
            Said::Act(_) | Said::Answer { .. } => None,
        })
    }

    /// What was told so far, in the order of time.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Something is done.
    pub fn act(&mut self, now: Time, text: &str) {
        self.keep(now, Said::Act(text.to_owned()), Vec::new());
    }

    /// What was asked for was refused.
    pub fn refused(&mut self, now: Time, refusal: &Refusal) {
        let text = format!("refused with {}: {}", refusal.code, refusal.message);
        self.keep(now, Said::Answer { is_refusal: true, text }, Vec::new());
    }

    /// An answer that is no refusal.
    pub fn answered(&mut self, now: Time, text: &str) {
        self.keep(now, Said::Answer { is_refusal: false, text: text.to_owned() }, Vec::new());
    }

    /// A node tells something.
    pub fn notice(&mut self, now: Time, node: &str, notice: &Notice) {
        if notice.level >= Level::Information {
            self.told(now, notice.place, Told::of(notice, node), notice.why.clone());
        }
    }

    /// Something was told, perhaps a while ago: entries are kept in the order of time, and what was told before the story
    /// began is none.
    pub fn told(&mut self, at: Time, place: Option<LogPlace>, told: Told, why: Vec<String>) {
        if place.is_some_and(|place| !self.told.insert(place)) || self.began.is_some_and(|began| at < began) {
            return;
        }
        self.keep(at, Said::Notice(told), why);
    }

    fn keep(&mut self, at: Time, said: Said, why: Vec<String>) {
        self.last = self.last.max(at);
        let at_ms = at.since(self.began.unwrap_or(at)).0;
        let place = self.entries.partition_point(|entry| entry.at_ms <= at_ms);
        self.entries.insert(place, Entry { at_ms, said, why });
    }
}
