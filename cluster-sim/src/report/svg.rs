//! The picture of a timeline: an axis of time, a lane for each node and each group, marks for what happened.
//!
//! Stories have crowded moments and long quiet times, from a millisecond to hours. So the axis is not linear: each gap
//! between two moments is as wide as its logarithm, and the labels say the true times.

use std::fmt::Write as _;

use super::chronicle::{Entry, Said};
use super::escaped;
use super::timeline::{Lane, Shade, Span, Timeline};

/// Width of the picture, in units of its own; the page scales it.
const WIDTH: f64 = 1200.0;
/// Left of this stand the names of lanes.
const LEFT: f64 = 150.0;
/// Right of the last moment, so that the last state can be seen.
const TAIL: f64 = 60.0;
/// Height of a lane, with the space below it.
const LANE: f64 = 30.0;
/// Height of the bar in a lane.
const BAR: f64 = 22.0;
/// Height of the rows of marks above the lanes.
const MARKS: f64 = 58.0;
/// Height of the axis below the lanes.
const AXIS: f64 = 26.0;
/// Labels of the axis stand at least so far from each other.
const LABEL_APART: f64 = 64.0;
/// A letter is about so wide.
const LETTER: f64 = 6.4;
/// A gap of so many ms is as wide as the step from nothing to something.
const SHORT_GAP_MS: f64 = 5.0;
/// Names of lanes are cut after so many letters; the whole name shows on hover.
const NAME_LETTERS: usize = 18;

/// Where moments stand.
struct Axis {
    /// Moments in order, with their places.
    places: Vec<(u64, f64)>,
}

impl Axis {
    fn of(timeline: &Timeline) -> Axis {
        let mut moments: Vec<u64> = timeline.entries.iter().map(|e| e.at_ms).chain([0]).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut widths = vec![0.0];
        widths.extend(moments.windows(2).map(|pair| width_of(pair[1] - pair[0])));
        let total: f64 = widths.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut at = LEFT;
        let places = moments.into_iter().zip(widths).map(|(moment, width)| {
            at += width / total * (WIDTH - LEFT - TAIL);
            (moment, at)
        });
        Axis { places: places.collect() }
    }

    /// The place of a moment; every moment that is asked for is one of those that it was made of.
    fn x(&self, at_ms: u64) -> f64 {
        let next = self.places.partition_point(|(moment, _)| *moment < at_ms);
        self.places.get(next).or(self.places.last()).map_or(LEFT, |(_, x)| *x)
    }
}

fn width_of(gap_ms: u64) -> f64 {
    // Beyond a day the difference is not seen any more.
    let gap = u32::try_from(gap_ms).unwrap_or(u32::MAX);
    (f64::from(gap) / SHORT_GAP_MS).ln_1p()
}

/// The picture. `anchor`: what ids of rows in the table begin with, to which the marks link.
pub(super) fn svg(timeline: &Timeline, anchor: &str) -> String {
    let axis = Axis::of(timeline);
    let lanes: Vec<&Lane> = timeline.nodes.iter().chain(&timeline.groups).collect();
    let bottom = lanes.iter().fold(MARKS, |y, _| y + LANE);
    let height = bottom + AXIS;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline of nodes and groups\">\n\
         <text class=\"lane\" x=\"4\" y=\"20\">what is done</text>\n<text class=\"lane\" x=\"4\" y=\"44\">events</text>\n"
    );
    ticks(&mut svg, &axis, bottom);
    let mut y = MARKS;
    for lane in lanes {
        draw_lane(&mut svg, &axis, lane, y);
        y += LANE;
    }
    for (at, entry) in timeline.entries.iter().enumerate() {
        mark(&mut svg, &axis, entry, &format!("{anchor}{at}"), bottom);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Lines and labels for as many moments as there is room for.
fn ticks(svg: &mut String, axis: &Axis, bottom: f64) {
    let mut free_from = f64::MIN;
    for (moment, x) in &axis.places {
        if *x < free_from {
            continue;
        }
        free_from = x + LABEL_APART;
        let label = seconds(*moment);
        let _ = writeln!(
            svg,
            "<line class=\"tick\" x1=\"{x:.1}\" y1=\"{MARKS}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text class=\"time\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>",
            bottom + 16.0
        );
    }
}

fn draw_lane(svg: &mut String, axis: &Axis, lane: &Lane, y: f64) {
    let text_y = y + BAR * 0.72;
    let short: String = match lane.name.chars().count() > NAME_LETTERS {
        true => lane.name.chars().take(NAME_LETTERS - 1).chain(['…']).collect(),
        false => lane.name.clone(),
    };
    let (name, short) = (escaped(&lane.name), escaped(&short));
    let _ = writeln!(svg, "<text class=\"lane\" x=\"4\" y=\"{text_y:.1}\">{short}<title>{name}</title></text>");
    for (at, span) in lane.spans.iter().enumerate() {
        let next = lane.spans.get(at + 1);
        let from = axis.x(span.from_ms);
        let width = next.map_or(WIDTH, |n| axis.x(n.from_ms)) - from;
        let full = describe(span);
        let until = next.map_or("the end".to_owned(), |n| seconds(n.from_ms));
        let title = escaped(&format!("{}: {full}, {} to {until}", lane.name, seconds(span.from_ms)));
        let _ = write!(
            svg,
            "<g><title>{title}</title><rect class=\"{}\" x=\"{from:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"/>",
            class(span.look.shade)
        );
        let label = [full.as_str(), span.look.owner.as_deref().unwrap_or(span.look.word)];
        let fits = |text: &&&str| (0..text.chars().count()).fold(LETTER, |sum, _| sum + LETTER) < width;
        if let Some(label) = label.iter().find(fits) {
            let _ =
                write!(svg, "<text class=\"in\" x=\"{:.1}\" y=\"{text_y:.1}\">{}</text>", from + 4.0, escaped(label));
        }
        svg.push_str("</g>\n");
    }
}

/// `n2 · Online`, `Up`.
fn describe(span: &Span) -> String {
    match &span.look.owner {
        Some(owner) => format!("{owner} · {}", span.look.word),
        None => span.look.word.to_owned(),
    }
}

/// A mark for what is done and for events; all other lines stand only in the table.
fn mark(svg: &mut String, axis: &Axis, entry: &Entry, anchor: &str, bottom: f64) {
    let x = axis.x(entry.at_ms);
    let (class, shape, top) = match &entry.said {
        Said::Act(_) => ("act", format!("<path d=\"M{:.1} 9h12l-6 12z\"/>", x - 6.0), 21.0),
        Said::Refusal(_) => ("refusal", format!("<path d=\"M{:.1} 9l8 8m0-8l-8 8\"/>", x + 8.0), 21.0),
        Said::Notice { event: Some(_), .. } => ("event", format!("<circle cx=\"{x:.1}\" cy=\"40\" r=\"5\"/>"), 45.0),
        Said::Notice { event: None, .. } | Said::Other(_) => return,
    };
    let title = escaped(&sentence(entry));
    let _ = writeln!(
        svg,
        "<a href=\"#{anchor}\" class=\"{class}\"><title>{title}</title>\
         <line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>{shape}</a>"
    );
}

/// What happened, with time and reasons, for those who hover.
fn sentence(entry: &Entry) -> String {
    let event = match &entry.said {
        Said::Notice { event: Some(event), .. } => format!("event {event}: "),
        Said::Notice { event: None, .. } | Said::Act(_) | Said::Refusal(_) | Said::Other(_) => String::new(),
    };
    let mut text = format!("{} {event}{}", seconds(entry.at_ms), entry.said.text());
    for why in &entry.why {
        text.push_str("\n• ");
        text.push_str(why);
    }
    text
}

/// `+1.234`, as in the log.
pub(super) fn seconds(at_ms: u64) -> String {
    format!("+{}.{:03}", at_ms / 1_000, at_ms % 1_000)
}

/// The class in the style sheet of the page.
pub(super) fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Well => "well",
        Shade::Partly => "partly",
        Shade::Busy => "busy",
        Shade::Bad => "bad",
        Shade::Apart => "apart",
        Shade::Quiet => "quiet",
        Shade::Gone => "gone",
    }
}
