//! What a lab of real processes cannot play, found before anything is started.

use cluster_engine::Millis;
use cluster_sim::scenario::Failure;
use cluster_sim::scenario::script::{Moment, Preparation, Script, StepKind};

/// A story does not wait longer than this at one line: real time takes as long as it says.
const LONGEST_WAIT: Millis = Millis(600_000);

/// The lines that cannot be played, with the reason.
pub(super) fn refusals(script: &Script) -> Vec<Failure> {
    let refuse = |line: usize, text: &str, why: String| Failure::at(line, format!("{text}: {why}"));
    let steps = script.steps.iter();
    steps.filter_map(|step| reason(&step.kind).map(|why| refuse(step.line, &step.text, why))).collect()
}

fn reason(kind: &StepKind) -> Option<String> {
    let too_long = |span: Millis| {
        let text = format!(
            "real processes need real time for this, and {} min is the most; run it in virtual time (without --real)",
            LONGEST_WAIT.0 / 60_000
        );
        (span > LONGEST_WAIT).then_some(text)
    };
    match kind {
        StepKind::Prepare(Preparation::Nodes { clock: Some(_), .. }) | StepKind::Pass(Moment::Clock(_)) => Some(
            "the time of day of real processes is that of this computer; run it in virtual time (without --real)"
                .into(),
        ),
        StepKind::Pass(Moment::At(span) | Moment::After(span)) => too_long(*span),
        StepKind::Until { within, .. } => too_long(*within),
        StepKind::Prepare(
            Preparation::Nodes { clock: None, .. }
            | Preparation::Group { .. }
            | Preparation::Resource { .. }
            | Preparation::Device { .. },
        )
        | StepKind::Begin
        | StepKind::Act(_)
        | StepKind::Refused { .. }
        | StepKind::Expect(_)
        | StepKind::ExpectNot(_) => None,
    }
}
