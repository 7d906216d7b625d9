//! A page for people: each scenario with its timeline, and below it a table of all that was told.
//!
//! The page is one file: the style is inside, there is no script, and nothing is fetched from anywhere. Colours follow
//! what the reader's system prefers, and every colour has a word beside it or on hover.

use std::fmt::Write as _;

use super::marks::{Mark, owner_class};
use super::svg::svg;
use super::timeline::{self, Timeline};
use super::{Played, escaped, verdict_word};
use crate::scenario::Verdict;
use crate::scenario::entry::{Entry, Said, seconds};

const STYLE: &str = include_str!("page.css");

/// Colours of nodes, and what they stand for.
const LEGEND: [(&str, &str); 7] = [
    ("well", "up"),
    ("partly", "paused"),
    ("busy", "joining"),
    ("frozen", "frozen"),
    ("apart", "no quorum"),
    ("quiet", "not running"),
    ("bad", "cut"),
];

/// The whole page.
#[must_use]
pub fn page(all: &[Played]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Scenarios</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>Scenarios</h1>\n"
    );
    if all.len() > 1 {
        contents(&mut html, all);
    }
    for (number, played) in all.iter().enumerate() {
        section(&mut html, number, played);
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// What colours and marks mean in this picture.
fn legend(html: &mut String, timeline: &Timeline) {
    html.push_str("<p class=\"legend\"><b>Nodes</b>");
    for (class, words) in LEGEND {
        let _ = write!(html, "<span class=\"key {class}\"></span>{words} ");
    }
    html.push_str("</p>\n<p class=\"legend\"><b>Groups</b> in the colour of their owner");
    for (number, lane) in timeline.nodes.iter().enumerate() {
        let _ = write!(html, "<span class=\"key {}\"></span>{} ", owner_class(number), escaped(&lane.name));
    }
    html.push_str(
        "&ensp;full: online, striped: pending, pale: offline, <span class=\"key bad\"></span>failed, \
         <span class=\"key apart\"></span>nobody knows</p>\n",
    );
    if timeline::steps(timeline).next().is_some() {
        html.push_str("<p class=\"legend\"><b>Arbitration</b> below the node at which it happens ");
        for mark in Mark::ALL {
            let _ = write!(
                html,
                "<svg class=\"sign\" viewBox=\"-7 -7 14 14\"><g class=\"step {}\">{}</g></svg>{} ",
                mark.class(),
                mark.shape(0.0, 0.0),
                mark.words()
            );
        }
        html.push_str("</p>\n");
    }
}

fn contents(html: &mut String, all: &[Played]) {
    html.push_str("<ul class=\"contents\">\n");
    for (number, played) in all.iter().enumerate() {
        let _ = writeln!(
            html,
            "<li>{} <a href=\"#s{number}\">{}</a></li>",
            badge(played.report.verdict),
            escaped(&played.file)
        );
    }
    html.push_str("</ul>\n");
}

fn badge(verdict: Verdict) -> String {
    let word = verdict_word(verdict);
    format!("<span class=\"badge {word}\">{word}</span>")
}

fn section(html: &mut String, number: usize, played: &Played) {
    let report = &played.report;
    let _ = writeln!(
        html,
        "<section id=\"s{number}\">\n<h2>{} {} <small>{}</small></h2>",
        badge(report.verdict),
        escaped(&played.file),
        played.stage.sentence()
    );
    let timeline = match report.verdict {
        Verdict::Passed | Verdict::Failed => timeline::read(&played.text, report),
        Verdict::Unreadable => None,
    };
    let story = timeline.as_ref().map(|t| t.story.join(" ")).unwrap_or_default();
    if !story.is_empty() {
        let _ = writeln!(html, "<p>{}</p>", escaped(&story));
    }
    if !report.failures.is_empty() {
        html.push_str("<ul class=\"failures\">\n");
        for failure in &report.failures {
            let _ = writeln!(html, "<li>{}</li>", escaped(&failure.to_string()));
        }
        html.push_str("</ul>\n");
    }
    if let Some(difference) = &report.difference {
        let _ = writeln!(html, "<pre>{}</pre>", escaped(difference));
    }
    match &timeline {
        Some(timeline) => {
            let anchor = format!("s{number}e");
            let _ = write!(html, "<div class=\"picture\">\n{}</div>\n", svg(timeline, &anchor));
            legend(html, timeline);
            html.push_str("<p class=\"note\">Long quiet times are drawn short; the labels are true.</p>\n");
            table(html, timeline, &anchor);
        }
        None => html.push_str("<p class=\"note\">The story did not begin, so there is no timeline.</p>\n"),
    }
    html.push_str("</section>\n");
}

fn table(html: &mut String, timeline: &Timeline, anchor: &str) {
    html.push_str(
        "<table>\n<thead><tr><th>Time</th><th>From</th><th>Event</th><th>What happened, and why</th></tr></thead>\n<tbody>\n",
    );
    for (at, entry) in timeline.entries.iter().enumerate() {
        row(html, entry, &format!("{anchor}{at}"), timeline.act_lines.get(&at).copied());
    }
    html.push_str("</tbody>\n</table>\n");
}

fn row(html: &mut String, entry: &Entry, id: &str, line: Option<usize>) {
    let (class, from, event) = match &entry.said {
        Said::Act(_) => ("act", line.map_or("script".to_owned(), |line| format!("line {line}")), None),
        Said::Answer { is_refusal: true, .. } => ("refusal", "cluster".to_owned(), None),
        Said::Answer { is_refusal: false, .. } => ("notice", "cluster".to_owned(), None),
        Said::Notice(told) => ("notice", told.component.clone(), told.event),
    };
    let event = event.map(|e| e.to_string()).unwrap_or_default();
    let step = match &entry.said {
        Said::Notice(told) => told.step,
        Said::Act(_) | Said::Answer { .. } => None,
    };
    let step = step.map(Mark::of).map_or(String::new(), |mark| {
        let (class, shape) = (mark.class(), mark.shape(0.0, 0.0));
        format!("<svg class=\"sign\" viewBox=\"-7 -7 14 14\"><g class=\"step {class}\">{shape}</g></svg>")
    });
    let _ = write!(
        html,
        "<tr id=\"{id}\" class=\"{class}\"><td>{}</td><td>{}</td><td>{event}</td><td>{step}{}",
        seconds(entry.at_ms),
        escaped(&from),
        escaped(&entry.said.text())
    );
    if !entry.why.is_empty() {
        html.push_str("<ul>");
        for why in &entry.why {
            let _ = write!(html, "<li>{}</li>", escaped(why));
        }
        html.push_str("</ul>");
    }
    html.push_str("</td></tr>\n");
}
