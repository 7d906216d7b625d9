//! Lines for the cluster log: what a library says through LogEvent and what the monitor says itself.
//!
//! An entry is one line of at most [`MAX_LINE_CHARS`] characters (reference 01.5); whatever is longer is cut, and line breaks
//! and other control characters become spaces, so that no library can forge a line of another component. What libraries and
//! applications print to standard output and standard error goes to the Cluster service by itself, which holds the other
//! end of those pipes; it never crosses this module.
#![forbid(unsafe_code)]

use crate::protocol::LogLevel;

/// The longest entry of the cluster log, in characters.
pub(crate) const MAX_LINE_CHARS: usize = 500;

/// The mark at the end of a line that was cut; it is within the limit.
const CUT_MARK: &str = "...";

/// One clean line within the limit.
pub(crate) fn line(text: &str) -> String {
    let clean = |c: char| if c.is_control() && c != '\t' { ' ' } else { c };
    let text = text.trim_end();
    let mut line: String = text.chars().take(MAX_LINE_CHARS).map(clean).collect();
    if text.chars().nth(MAX_LINE_CHARS).is_some() {
        let kept = MAX_LINE_CHARS - CUT_MARK.len();
        line = line.chars().take(kept).chain(CUT_MARK.chars()).collect();
    }
    line
}

/// The level of a LogEvent call. A number outside LOG_INFORMATION..LOG_SEVERE is taken for an error: better seen than lost.
pub(crate) fn level(number: i32) -> LogLevel {
    match number {
        0 => LogLevel::Information,
        1 => LogLevel::Warning,
        3 => LogLevel::Severe,
        _ => LogLevel::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(line(text), expected);
    }

    #[test]
    fn lines_are_clean_and_bounded() {
        check("plain", "plain");
        check("a\tb  \r\n", "a\tb");
        check("two\nlines\u{1b}[31m", "two lines [31m");
        check(&"ä".repeat(500), &"ä".repeat(500));
        check(&"ä".repeat(501), &format!("{}...", "ä".repeat(497)));
        check("", "");
    }

    #[test]
    fn unknown_levels_are_seen() {
        let levels = [0, 1, 2, 3, 4, -1].map(level);
        use LogLevel::{Error, Information, Severe, Warning};
        assert_eq!(levels, [Information, Warning, Error, Severe, Error, Error]);
    }
}
