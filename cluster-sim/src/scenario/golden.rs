//! The expected log below a scenario: where it stands, and how it differs.

/// Stands alone on a line, between the script and the expected log.
pub const MARK: &str = "---";
/// Equal lines that are shown around a difference.
const CONTEXT: usize = 3;

/// The script, and the lines of the expected log, if there is one.
#[must_use]
pub fn split(text: &str) -> (&str, Option<Vec<&str>>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == MARK {
            let log = text[at + line.len()..].lines().map(str::trim_end).filter(|l| !l.is_empty());
            return (&text[..at], Some(log.collect()));
        }
        at += line.len();
    }
    (text, None)
}

/// The whole file with this log in place of the old one.
#[must_use]
pub fn rewritten(text: &str, log: &[String]) -> String {
    let (script, _) = split(text);
    let mut new = format!("{}\n{MARK}\n", script.trim_end());
    for line in log {
        new.push_str(line);
        new.push('\n');
    }
    new
}

/// How `present` differs from `expected`: `-` was expected, `+` is there, with a few equal lines around. `None`: not at all.
#[must_use]
pub fn difference(expected: &[&str], present: &[String]) -> Option<String> {
    if expected.len() == present.len() && expected.iter().zip(present).all(|(e, p)| e == p) {
        return None;
    }
    let lines = compare(expected, present);
    let is_near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        lines[from..(at + CONTEXT + 1).min(lines.len())].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut is_gap = false;
    for (at, (mark, line)) in lines.iter().enumerate() {
        if is_near(at) {
            text.push_str(&format!("{mark} {line}\n"));
        } else if !is_gap {
            text.push_str("  ...\n");
        }
        is_gap = !is_near(at);
    }
    Some(text)
}

/// Line by line, by the longest common subsequence.
fn compare<'a>(expected: &[&'a str], present: &'a [String]) -> Vec<(char, &'a str)> {
    let (n, m) = (expected.len(), present.len());
    let mut common = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = match expected[i] == present[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < n || j < m {
        if i < n && j < m && expected[i] == present[j] {
            lines.push((' ', expected[i]));
            (i, j) = (i + 1, j + 1);
        } else if j >= m || (i < n && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', expected[i]));
            i += 1;
        } else {
            lines.push(('+', present[j].as_str()));
            j += 1;
        }
    }
    lines
}
