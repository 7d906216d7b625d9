//! What the system tells about processes (`/proc`): whose they are, when they were born, what memory they take.

use std::fs;

/// A process, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub id: i32,
    /// The moment of its birth, as the system writes it: tells it from a later process with the same number.
    pub birth: String,
    /// The words of its command line.
    pub words: Vec<String>,
}

impl Process {
    /// The living process of this number; a zombie is not one.
    #[must_use]
    pub fn find(id: i32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The program's name in parentheses may hold anything, so count from its end: state first, birth 19 fields later.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let is_gone = fields.next().is_none_or(|state| state == "Z" || state == "X");
        let birth = fields.nth(18).filter(|_| !is_gone)?.to_owned();
        let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        Some(Process { id, birth, words })
    }

    /// Whether it is still alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Process::find(self.id).is_some_and(|now| now.birth == self.birth)
    }

    /// Whether it is part of a lab: service, monitor, guard or the lab itself, but not a program that a monitor runs.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let is_cluster = self.words.first().is_some_and(|program| program.ends_with("/cluster"));
        is_cluster && self.words.get(1).is_some_and(|word| word != "sample-web")
    }

    /// Resident and proportional memory, in KiB: the second divides shared pages by the number of those who share them.
    #[must_use]
    pub fn memory(&self) -> Option<(u64, u64)> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id)).ok()?;
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
        };
        Some((field("Rss:")?, field("Pss:")?))
    }
}

/// All living processes.
#[must_use]
pub fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("these tests need /proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Process::find).collect()
}

/// The living processes whose command line or environment speaks of this directory, apart from this one.
#[must_use]
pub fn of(directory: &str) -> Vec<Process> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let speaks_of = |process: &Process| {
        let has = |text: &str| text.contains(directory);
        let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        process.words.iter().any(|word| has(word)) || has(&String::from_utf8_lossy(&environment))
    };
    all().into_iter().filter(|process| process.id != own && speaks_of(process)).collect()
}
