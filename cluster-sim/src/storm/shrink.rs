//! Finding a shorter storm that breaks the same promise.
//!
//! The acts of the safety phase are a list. Parts of it are left out (delta debugging: halves, quarters, ... single acts),
//! the storm is played again, and what is not needed to break the promise stays out. The same goes for nodes, groups,
//! resources and everything that the weather does. Every attempt is a run of its own with the same seed, so what is found
//! breaks the promise again each time it is played.

use super::{Outcome, Run, Settings, Timed, play};
use crate::sabotage::Sabotage;
use crate::world::Weather;

/// Runs after which the search ends with what it has.
pub const MOST_RUNS: u32 = 400;

/// A storm from which nothing more can be left out, or no more was tried.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Its settings.
    pub settings: Settings,
    /// What happens in it.
    pub acts: Vec<Timed>,
    /// How it goes.
    pub outcome: Outcome,
    /// Acts of the storm that it was made from.
    pub acts_before: usize,
    /// Storms that were played.
    pub runs: u32,
}

struct Search<'a> {
    sabotage: Sabotage,
    invariant: &'static str,
    settings: Settings,
    acts: Vec<Timed>,
    outcome: Outcome,
    runs: u32,
    most_runs: u32,
    progress: &'a mut dyn FnMut(u32, usize),
}

/// Shrinks the storm with these settings. `None`: it breaks no promise. `progress` hears after each run how many there
/// were and how many acts are left.
pub fn shrink(
    settings: Settings,
    sabotage: Sabotage,
    most_runs: u32,
    progress: &mut dyn FnMut(u32, usize),
) -> Option<Shrunk> {
    let Run { outcome, acts, broken_at, .. } = play(settings, sabotage, None, false);
    let invariant = outcome.broken.as_ref()?.invariant;
    let acts_before = acts.len();
    let mut search = Search { sabotage, invariant, settings, acts, outcome, runs: 1, most_runs, progress };
    if broken_at > 0 && search.outcome.settled_after == 0 {
        // What was drawn for later has not happened.
        search.try_settings(Settings { length: broken_at + 1, ..settings });
    }
    loop {
        let before = (search.acts.len(), search.settings);
        search.fewer_acts();
        search.simpler_settings();
        if (search.acts.len(), search.settings) == before || search.is_over() {
            break;
        }
    }
    let Search { settings, acts, outcome, runs, .. } = search;
    Some(Shrunk { settings, acts, outcome, acts_before, runs })
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.runs >= self.most_runs
    }

    /// Plays it. True: the same promise is broken, and this is the storm from now on.
    fn attempt(&mut self, settings: Settings, acts: Vec<Timed>) -> bool {
        if self.is_over() {
            return false;
        }
        self.runs += 1;
        let run = play(settings, self.sabotage, Some(&acts), false);
        let holds = run.outcome.broken.as_ref().is_some_and(|b| b.invariant == self.invariant);
        if holds {
            // Only what has happened by then is needed.
            let happened = |timed: &Timed| run.broken_at == 0 || timed.at <= run.broken_at;
            self.acts = run.acts.into_iter().filter(happened).collect();
            self.settings = settings;
            self.outcome = run.outcome;
        }
        (self.progress)(self.runs, self.acts.len());
        holds
    }

    fn try_settings(&mut self, settings: Settings) {
        if settings != self.settings {
            self.attempt(settings, self.acts.clone());
        }
    }

    /// Leaves out ever smaller parts of the list.
    fn fewer_acts(&mut self) {
        let mut part = self.acts.len().div_ceil(2);
        while part >= 1 && !self.acts.is_empty() && !self.is_over() {
            let mut from = 0;
            let mut has_shrunk = false;
            while from < self.acts.len() && !self.is_over() {
                let until = (from + part).min(self.acts.len());
                let rest = [&self.acts[..from], &self.acts[until..]].concat();
                if self.attempt(self.settings, rest) {
                    has_shrunk = true;
                } else {
                    from = until;
                }
            }
            if part == 1 && !has_shrunk {
                break;
            }
            part = if part == 1 { 1 } else { part.div_ceil(2) };
        }
    }

    fn simpler_settings(&mut self) {
        for nodes in 2..self.settings.nodes {
            if self.settings.nodes > nodes {
                self.try_settings(Settings { nodes, ..self.settings });
            }
        }
        for groups in 1..self.settings.groups {
            if self.settings.groups > groups {
                self.try_settings(Settings { groups, ..self.settings });
            }
        }
        for resources in 1..self.settings.resources {
            if self.settings.resources > resources {
                self.try_settings(Settings { resources, ..self.settings });
            }
        }
        let weather = self.settings.weather;
        self.try_settings(Settings { weather: Weather::CALM, ..self.settings });
        self.try_settings(Settings { weather: Weather { loss: 0, duplication: 0, ..weather }, ..self.settings });
        self.try_settings(Settings { slow_witness: 0, ..self.settings });
        self.try_settings(Settings { skew: false, ..self.settings });
        // The storm may end soon after its last act.
        let last = self.acts.last().map_or(0, |timed| timed.at);
        for length in [last + 1, last + 2_000, last + 10_000] {
            if length < self.settings.length {
                self.try_settings(Settings { length, ..self.settings });
            }
        }
    }
}
