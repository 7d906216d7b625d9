//! What resource libraries were found to do wrong on this node: forbidden calls, slow calls, deadlocks.
//!
//! Monitors tell, one message per mistake and doubling; here they are put together, so that one mistake is one line with a
//! count, whichever monitor process saw it. Kept in memory, like the history; the cluster log has the first of each kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cluster_engine::{Guid, Time};

/// How many different findings are kept; what comes later is dropped, and the first of each kind is in the log anyway.
pub const MAX_FINDINGS: usize = 1_000;

/// What kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A call that the reference forbids where it was made (01.9).
    ForbiddenCall,
    /// An entry point took longer than 300 ms (01.3).
    SlowCall,
    /// An entry point did not return within DeadlockTimeout (01.7).
    Deadlock,
    /// The monitor process ended while it was in this entry point.
    Crash,
}

/// Which mistake; two with the same of these are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The kind.
    pub kind: FindingKind,
    /// The library.
    pub dll_name: String,
    /// The resource type, empty when it cannot be told.
    pub resource_type: String,
    /// The resource, when it can be told.
    pub resource: Option<Guid>,
    /// Its name at that time.
    pub resource_name: Option<String>,
    /// The entry point on whose thread it happened.
    pub entry_point: Option<String>,
    /// The kind of thread.
    pub thread: String,
    /// The function or control code that was called; empty for the other kinds.
    pub call: String,
}

/// One mistake, and how often it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub mistake: Mistake,
    /// What is wrong, and what to do.
    pub text: String,
    /// What was done about it: the word of `CallGuard`, empty for the other kinds.
    pub mode: String,
    /// How often.
    pub count: u64,
    /// When first, by the clock of this node.
    pub first: Time,
    /// When last.
    pub last: Time,
}

#[derive(Debug, Default)]
struct Kept {
    /// In the order in which they were first seen.
    all: Vec<Entry>,
    index: BTreeMap<Mistake, usize>,
}

#[derive(Debug)]
struct Entry {
    found: Found,
    /// What each monitor process has counted.
    counts: BTreeMap<u32, u64>,
}

/// The findings of a node.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Mutex<Kept>,
}

impl Findings {
    /// A monitor process tells. `total` is how often it has seen this mistake so far; `None`: once more.
    pub fn tell(&self, at: Time, process_id: u32, mistake: Mistake, text: String, mode: String, total: Option<u64>) {
        let mut kept = self.kept();
        let place = match kept.index.get(&mistake) {
            Some(place) => *place,
            None if kept.all.len() >= MAX_FINDINGS => return,
            None => {
                let place = kept.all.len();
                kept.index.insert(mistake.clone(), place);
                let found = Found { mistake, text: String::new(), mode: String::new(), count: 0, first: at, last: at };
                kept.all.push(Entry { found, counts: BTreeMap::new() });
                place
            }
        };
        let Some(entry) = kept.all.get_mut(place) else { return };
        let count = entry.counts.entry(process_id).or_insert(0);
        *count = total.unwrap_or(*count + 1);
        let found = &mut entry.found;
        (found.text, found.mode, found.last) = (text, mode, at);
        found.count = entry.counts.values().sum();
    }

    /// All of them, in the order in which they were first seen.
    pub fn all(&self) -> Vec<Found> {
        self.kept().all.iter().map(|entry| entry.found.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(call: &str) -> Mistake {
        Mistake {
            kind: FindingKind::ForbiddenCall,
            dll_name: "a.so".into(),
            resource_type: "A".into(),
            resource: Some(Guid(1)),
            resource_name: Some("a".into()),
            entry_point: Some("Online".into()),
            thread: "entry point".into(),
            call: call.into(),
        }
    }

    #[test]
    fn one_mistake_is_one_line_with_a_count_over_all_monitors() {
        let findings = Findings::default();
        let tell = |at, process, call: &str, total| {
            findings.tell(Time(at), process, mistake(call), "text".into(), "warn".into(), total);
        };
        tell(1, 10, "X", Some(1));
        tell(2, 10, "X", Some(2));
        tell(3, 11, "X", Some(1));
        tell(4, 11, "Y", None);
        tell(5, 11, "Y", None);
        let all = findings.all();
        let seen: Vec<_> = all.iter().map(|f| (f.mistake.call.as_str(), f.count, f.first, f.last)).collect();
        assert_eq!(seen, [("X", 3, Time(1), Time(3)), ("Y", 2, Time(4), Time(5))]);
    }

    #[test]
    fn the_number_of_findings_is_bounded() {
        let findings = Findings::default();
        for number in 0..=MAX_FINDINGS {
            findings.tell(Time(0), 1, mistake(&number.to_string()), String::new(), String::new(), None);
        }
        assert_eq!(findings.all().len(), MAX_FINDINGS);
        findings.tell(Time(9), 1, mistake("0"), String::new(), String::new(), None);
        assert_eq!(findings.all()[0].count, 2, "known ones are still counted");
    }
}
