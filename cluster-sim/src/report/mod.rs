//! What the simulator has found out, as text for people and for programs.
//!
//! Takes what [`scenario::run`](crate::scenario::run) and [`storm::run`](crate::storm::run) answer and returns strings;
//! files and terminals belong to the callers. The same input gives the same bytes: no time of day, no speed, no path
//! of this machine unless the caller named a file by it.
//!
//! | module | what it makes |
//! |---|---|
//! | [`scenarios`] | lines for a terminal, and JSON, of scenarios |
//! | [`junit`] | JUnit XML, for services that show test results |
//! | [`html`] | a page with a timeline, for people |
//! | [`timeline`] | the timeline itself: who owned what, in which state, when |
//! | [`storms`] | settings, outcome and trace of a storm, as text and JSON |

mod cuts;
mod fold;
pub mod html;
pub mod junit;
mod marks;
pub mod scenarios;
pub mod storms;
mod svg;
pub mod timeline;

use crate::scenario::{Report, Verdict};

/// A scenario that was run, with the name under which people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The file, as the user named it.
    pub file: String,
    /// What stands in it.
    pub text: String,
    /// How it went.
    pub report: Report,
    /// The expected log in the file was replaced.
    pub updated: bool,
    /// Where it was played.
    pub stage: StageKind,
}

/// Where a story can be played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageKind {
    /// In the simulated world, in virtual time.
    #[default]
    Simulated,
    /// In a lab of real processes, in real time.
    Real,
}

impl StageKind {
    /// As JSON and JUnit have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            StageKind::Simulated => "simulated",
            StageKind::Real => "real",
        }
    }

    /// For people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            StageKind::Simulated => "in virtual time",
            StageKind::Real => "with real processes",
        }
    }
}

/// A verdict as JSON and pages have it.
#[must_use]
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Unreadable => "unreadable",
    }
}

/// The text without characters that XML and HTML cannot hold, and with the others escaped. For contents and for
/// attributes in quotation marks.
fn escaped(text: &str) -> String {
    let legal: String = text.chars().map(|c| if is_legal(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    quick_xml::escape::escape(legal.as_str()).into_owned()
}

/// May it stand in XML 1.0?
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests;
