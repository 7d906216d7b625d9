//! The picture of a timeline: an axis of time, lanes for nodes, quorum, cuts and groups, marks for what happened.
//!
//! Stories have crowded moments and long quiet times, from a millisecond to hours. So the axis is not linear: each gap
//! between two moments is as wide as its logarithm, and the labels say the true times.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escaped;
use super::marks::{Mark, owner_class};
use super::timeline::{self, Lane, Shade, Span, Timeline};
use crate::scenario::entry::{Entry, Said, seconds};

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
/// Height of the row below a node's bar, for the steps of arbitrations there.
const STEPS: f64 = 16.0;
/// Width of the mark of a step.
const MARK: f64 = 12.0;
/// Space between two kinds of lanes.
const GAP: f64 = 10.0;
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

/// A lane and where it stands.
struct Row<'a> {
    lane: &'a Lane,
    y: f64,
    /// Its colours are those of owners.
    is_owned: bool,
    /// Its colour as an owner, of a node.
    swatch: Option<usize>,
    /// Below it stand steps of arbitrations.
    has_steps: bool,
}

/// Puts the lanes below each other. Returns them, and where they end.
fn rows(timeline: &Timeline) -> (Vec<Row<'_>>, f64) {
    let (mut rows, mut y) = (Vec::new(), MARKS);
    for (number, lane) in timeline.nodes.iter().enumerate() {
        let has_steps = timeline::steps(timeline).any(|(_, _, told)| told.place() == Some(lane.name.as_str()));
        rows.push(Row { lane, y, is_owned: false, swatch: Some(number), has_steps });
        y += LANE + if has_steps { STEPS } else { 0.0 };
    }
    for (lanes, is_owned) in [(&timeline.quorum, true), (&timeline.cuts, false), (&timeline.groups, true)] {
        y += if lanes.is_empty() { 0.0 } else { GAP };
        for lane in lanes {
            rows.push(Row { lane, y, is_owned, swatch: None, has_steps: false });
            y += LANE;
        }
    }
    (rows, y)
}

/// The picture. `anchor`: what ids of rows in the table begin with, to which the marks link.
pub(super) fn svg(timeline: &Timeline, anchor: &str) -> String {
    let axis = Axis::of(timeline);
    let (rows, bottom) = rows(timeline);
    let height = bottom + AXIS;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Timeline of nodes and groups\">\n\
         <defs><pattern id=\"{anchor}p\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"stripe\" width=\"4\" height=\"8\"/></pattern></defs>\n\
         <text class=\"lane\" x=\"4\" y=\"20\">what is done</text>\n<text class=\"lane\" x=\"4\" y=\"44\">events</text>\n"
    );
    ticks(&mut svg, &axis, bottom);
    let owners: Vec<&str> = timeline.nodes.iter().map(|lane| lane.name.as_str()).collect();
    for row in &rows {
        draw_lane(&mut svg, &axis, row, &owners, anchor);
    }
    for (at, entry) in timeline.entries.iter().enumerate() {
        mark(&mut svg, &axis, entry, &format!("{anchor}{at}"), bottom);
    }
    let mut free_from: BTreeMap<&str, f64> = BTreeMap::new();
    for (at, entry, told) in timeline::steps(timeline) {
        let row = rows.iter().find(|row| row.has_steps && told.place() == Some(row.lane.name.as_str()));
        let (Some(row), Some(step)) = (row, told.step) else { continue };
        let mark = Mark::of(step);
        // Steps of one moment stand beside each other.
        let free = free_from.entry(row.lane.name.as_str()).or_insert(f64::MIN);
        let (x, y) = (axis.x(entry.at_ms).max(*free), row.y + BAR + STEPS / 2.0 + 1.0);
        *free = x + MARK;
        let title = escaped(&format!("{}\n{}", step.word(), sentence(entry)));
        let _ = writeln!(
            svg,
            "<a href=\"#{anchor}{at}\" class=\"step {}\"><title>{title}</title>{}</a>",
            mark.class(),
            mark.shape(x, y)
        );
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

fn draw_lane(svg: &mut String, axis: &Axis, row: &Row<'_>, owners: &[&str], anchor: &str) {
    let Row { lane, y, .. } = *row;
    let text_y = y + BAR * 0.72;
    let short: String = match lane.name.chars().count() > NAME_LETTERS {
        true => lane.name.chars().take(NAME_LETTERS - 1).chain(['…']).collect(),
        false => lane.name.clone(),
    };
    let (name, short) = (escaped(&lane.name), escaped(&short));
    let indent = if row.swatch.is_some() { 22.0 } else { 4.0 };
    if let Some(number) = row.swatch {
        let colour = owner_class(number);
        let _ = writeln!(
            svg,
            "<rect class=\"{colour}\" x=\"4\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"2\"/>",
            y + 5.0
        );
    }
    let _ = writeln!(svg, "<text class=\"lane\" x=\"{indent}\" y=\"{text_y:.1}\">{short}<title>{name}</title></text>");
    for (at, span) in lane.spans.iter().enumerate() {
        let next = lane.spans.get(at + 1);
        let from = axis.x(span.from_ms);
        let width = next.map_or(WIDTH, |n| axis.x(n.from_ms)) - from;
        let full = describe(span);
        let until = next.map_or("the end".to_owned(), |n| seconds(n.from_ms));
        let title = escaped(&format!("{}: {full}, {} to {until}", lane.name, seconds(span.from_ms)));
        let owner = span.look.owner.as_deref().and_then(|owner| owners.iter().position(|o| *o == owner));
        let colour = match owner.filter(|_| row.is_owned) {
            Some(number) => format!("{} {}", owner_class(number), owned_class(span.look.shade)),
            None => class(span.look.shade).to_owned(),
        };
        let place = format!("x=\"{from:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"");
        let _ = write!(svg, "<g><title>{title}</title><rect class=\"{colour}\" {place}/>");
        if owner.is_some() && span.look.shade == Shade::Busy {
            let _ = write!(svg, "<rect fill=\"url(#{anchor}p)\" {place}/>");
        }
        let label = [full.as_str(), span.look.owner.as_deref().unwrap_or(span.look.word)];
        let fits = |text: &&&str| (0..text.chars().count()).fold(LETTER, |sum, _| sum + LETTER) < width;
        if let Some(label) = label.iter().find(fits) {
            let _ =
                write!(svg, "<text class=\"in\" x=\"{:.1}\" y=\"{text_y:.1}\">{}</text>", from + 4.0, escaped(label));
        }
        svg.push_str("</g>\n");
    }
}

/// `n2 · Online`, `Up`, `Cut: n1 | n2`.
fn describe(span: &Span) -> String {
    let look = &span.look;
    match (&look.owner, look.detail.as_str()) {
        (Some(owner), _) => format!("{owner} · {}", look.word),
        (None, "") => look.word.to_owned(),
        (None, detail) if look.word.is_empty() => detail.to_owned(),
        (None, detail) => format!("{}: {detail}", look.word),
    }
}

/// A mark for what is done and for events; all other lines stand only in the table.
fn mark(svg: &mut String, axis: &Axis, entry: &Entry, anchor: &str, bottom: f64) {
    let x = axis.x(entry.at_ms);
    let (class, shape, top) = match &entry.said {
        Said::Act(_) => ("act", format!("<path d=\"M{:.1} 9h12l-6 12z\"/>", x - 6.0), 21.0),
        Said::Answer { is_refusal: true, .. } => {
            ("refusal", format!("<path d=\"M{:.1} 9l8 8m0-8l-8 8\"/>", x + 8.0), 21.0)
        }
        Said::Answer { is_refusal: false, .. } => {
            ("answer", format!("<path d=\"M{:.1} 14l4 5l7 -9\"/>", x + 7.0), 21.0)
        }
        Said::Notice(told) if told.event.is_some() => {
            ("event", format!("<circle cx=\"{x:.1}\" cy=\"40\" r=\"5\"/>"), 45.0)
        }
        Said::Notice(_) => return,
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
        Said::Notice(told) => told.event.map_or(String::new(), |event| format!("event {event}: ")),
        Said::Act(_) | Said::Answer { .. } => String::new(),
    };
    let mut text = format!("{} {event}{}", seconds(entry.at_ms), entry.said.text());
    for why in &entry.why {
        text.push_str("\n• ");
        text.push_str(why);
    }
    text
}

/// How a bar in the colour of its owner is drawn.
fn owned_class(shade: Shade) -> &'static str {
    match shade {
        Shade::Well | Shade::Busy => "full",
        Shade::Partly => "half",
        Shade::Bad => "fault",
        Shade::Apart | Shade::Frozen | Shade::Quiet | Shade::Gone | Shade::Plain => "pale",
    }
}

/// The class in the style sheet of the page.
fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Well => "well",
        Shade::Partly => "partly",
        Shade::Busy => "busy",
        Shade::Bad => "bad",
        Shade::Apart => "apart",
        Shade::Frozen => "frozen",
        Shade::Quiet => "quiet",
        Shade::Gone => "gone",
        Shade::Plain => "plain",
    }
}
