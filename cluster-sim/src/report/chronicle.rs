//! The log of a scenario, taken apart again: times, acts, notices with their reasons.
//!
//! The log is text because people read it and compare it. It has one fixed layout, so that it can be read back: a time in
//! seconds since `begin`, then `> act`, `< refusal`, or component, event and sentence of a notice; sentences that give
//! reasons stand indented below it. A line that is none of these is kept as it is.

/// Columns before the text of a line that has a time; reasons are indented further than that.
const TIME_COLUMNS: usize = 9;

/// Something in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, ms since the story began.
    pub at_ms: u64,
    /// What.
    pub said: Said,
    /// The reasons that were given.
    pub why: Vec<String>,
}

/// What a line of the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something was done, in the words of the script.
    Act(String),
    /// The answer to the act above it was a refusal.
    Refusal(String),
    /// A node or the cluster told something.
    Notice {
        /// The part of the Cluster service: RCM, RGP, QUORUM...
        component: String,
        /// The id of the event, if it is one.
        event: Option<u32>,
        /// The sentence.
        text: String,
    },
    /// A line of another kind.
    Other(String),
}

impl Said {
    /// The sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Said::Act(text) | Said::Refusal(text) | Said::Notice { text, .. } | Said::Other(text) => text,
        }
    }
}

/// Reads a log. Called with the log of a [`Report`](crate::scenario::Report); never fails.
#[must_use]
pub fn read(log: &[String]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in log {
        match (timed(line), entries.last_mut()) {
            (Some((at_ms, rest)), _) => entries.push(Entry { at_ms, said: said(rest), why: Vec::new() }),
            (None, Some(above)) => above.why.push(line.trim().to_owned()),
            (None, None) => entries.push(Entry { at_ms: 0, said: Said::Other(line.clone()), why: Vec::new() }),
        }
    }
    entries
}

/// `+1.234    text`.
fn timed(line: &str) -> Option<(u64, &str)> {
    let (time, rest) = line.strip_prefix('+')?.split_once(' ')?;
    let (seconds, ms) = time.split_once('.')?;
    let at_ms = seconds.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(ms.parse().ok()?)?;
    // The blanks that fill the time's columns belong to it; those after them to the text.
    let filling = TIME_COLUMNS.saturating_sub(time.len() + 1);
    let shorter = rest.len() - rest.trim_start_matches(' ').len();
    Some((at_ms, &rest[filling.min(shorter)..]))
}

fn said(rest: &str) -> Said {
    if let Some(act) = rest.strip_prefix("> ") {
        return Said::Act(act.to_owned());
    }
    if let Some(refusal) = rest.strip_prefix("< ") {
        return Said::Refusal(refusal.to_owned());
    }
    let notice = || {
        let (component, rest) = rest.split_once(' ')?;
        let (event, text) = rest.trim_start().split_once("  ")?;
        let event = match event {
            "-" => None,
            number => Some(number.parse().ok()?),
        };
        Some(Said::Notice { component: component.to_owned(), event, text: text.to_owned() })
    };
    notice().unwrap_or_else(|| Said::Other(rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Entry, Said, read};

    fn check(lines: &[&str], expected: &[Entry]) {
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        assert_eq!(read(&lines), expected, "{lines:?}");
    }

    fn notice(at_ms: u64, component: &str, event: Option<u32>, text: &str, why: &[&str]) -> Entry {
        let said = Said::Notice { component: component.to_owned(), event, text: text.to_owned() };
        Entry { at_ms, said, why: why.iter().map(|w| (*w).to_owned()).collect() }
    }

    #[test]
    fn lines_are_read_as_the_diary_writes_them() {
        let act = |text: &str| Entry { at_ms: 0, said: Said::Act(text.to_owned()), why: vec![] };
        check(&["+0.000    > kill n1"], &[act("kill n1")]);
        check(
            &["+0.978    RGP    1135  Cluster node 'n1' was removed.", "                        no heartbeat"],
            &[notice(978, "RGP", Some(1135), "Cluster node 'n1' was removed.", &["no heartbeat"])],
        );
        check(
            &["+0.306    GUM       -  n2: This node leads."],
            &[notice(306, "GUM", None, "n2: This node leads.", &[])],
        );
        check(&["+12345.306 QUORUM 1177  n1: Lost."], &[notice(12_345_306, "QUORUM", Some(1177), "n1: Lost.", &[])]);
        let refused = Said::Refusal("refused with 5925: no.".to_owned());
        check(&["+2.951    < refused with 5925: no."], &[Entry { at_ms: 2_951, said: refused, why: vec![] }]);
    }

    #[test]
    fn what_is_no_line_of_a_log_is_kept() {
        for odd in ["", "nonsense", "+x.1 > kill", "+99999999999999999999.000 > kill n1", "+1"] {
            check(&[odd], &[Entry { at_ms: 0, said: Said::Other(odd.to_owned()), why: vec![] }]);
        }
        let odd = Said::Other("RCM many words".to_owned());
        check(&["+0.001    RCM many words"], &[Entry { at_ms: 1, said: odd, why: vec![] }]);
    }
}
