//! Lines that let time pass, wait, and expect.

use cluster_engine::ArbitrationStep;

use super::super::script::{Condition, Heard, Moment, StepKind};
use super::super::words::{Known, Words, time_of_day};
use super::{Meaning, WITHIN, acts};

/// States of groups and resources, as clients see them.
const STATES: [&str; 7] =
    ["Online", "Offline", "Failed", "PartialOnline", "Pending", "OnlinePending", "OfflinePending"];
/// States of nodes, as clients see them.
const NODE_STATES: [&str; 4] = ["Up", "Down", "Paused", "Joining"];
/// The steps of an arbitration.
const STEPS: [ArbitrationStep; 9] = [
    ArbitrationStep::Needed,
    ArbitrationStep::Challenge,
    ArbitrationStep::Said,
    ArbitrationStep::Won,
    ArbitrationStep::Lost,
    ArbitrationStep::TakenOver,
    ArbitrationStep::Refused,
    ArbitrationStep::Hosted,
    ArbitrationStep::Ended,
];

pub(super) fn at(words: &mut Words, _: &mut Known) -> Meaning {
    let moment = match words.peek_name().and_then(time_of_day) {
        Some(minutes) => {
            words.take("a time of day")?;
            Moment::Clock(minutes)
        }
        None => Moment::At(words.span()?),
    };
    Ok(StepKind::Pass(moment))
}

pub(super) fn after(words: &mut Words, _: &mut Known) -> Meaning {
    Ok(StepKind::Pass(Moment::After(words.span()?)))
}

pub(super) fn until(words: &mut Words, known: &mut Known) -> Meaning {
    let condition = match () {
        () if words.take_if("settled") => Condition::Settled,
        () if words.take_if("event") => event(words, known, false)?,
        () if words.take_if("step") => step(words, known)?,
        () => match of_quorum(words, known)? {
            Some(condition) => condition,
            None => condition(words, known, true)?,
        },
    };
    let within = if words.take_if("within") { words.span()? } else { WITHIN };
    Ok(StepKind::Until { condition, within })
}

pub(super) fn expect(words: &mut Words, known: &mut Known) -> Meaning {
    if words.take_if("refused") {
        return refused(words, known);
    }
    if words.take_if("acknowledged") {
        return Ok(StepKind::Expect(Condition::Write(Heard::Acknowledged)));
    }
    if words.take_if("unanswered") {
        return Ok(StepKind::Expect(Condition::Write(Heard::Nothing)));
    }
    if words.take_if("no") {
        let condition = match words.take_if("step") {
            true => step(words, known)?,
            false => words.keyword("event").and_then(|()| event(words, known, false))?,
        };
        return Ok(StepKind::ExpectNot(condition));
    }
    let is_not = words.take_if("not");
    let condition = match () {
        () if words.take_if("event") => event(words, known, true)?,
        () if words.take_if("step") => step(words, known)?,
        () => match of_quorum(words, known)? {
            Some(condition) => condition,
            None => condition(words, known, false)?,
        },
    };
    Ok(if is_not { StepKind::ExpectNot(condition) } else { StepKind::Expect(condition) })
}

/// What was refused: the last write, or an order that is given now.
fn refused(words: &mut Words, known: &Known) -> Meaning {
    if words.is_at_end() {
        return Ok(StepKind::Expect(Condition::Write(Heard::Refused(None))));
    }
    let word = words.take("an error code")?;
    let code = word.strip_suffix(':').unwrap_or(&word).parse();
    let code = code.map_err(|_| format!("an error code, as in 5071 or 5071:, is expected, not '{word}'"))?;
    if !word.ends_with(':') {
        return match words.is_at_end() {
            true => Ok(StepKind::Expect(Condition::Write(Heard::Refused(Some(code))))),
            false => {
                Err(format!("an error code and a colon, as in {code}:, is expected before an order, not '{word}'"))
            }
        };
    }
    Ok(StepKind::Refused { code, order: acts::order(words, known)? })
}

fn event(words: &mut Words, known: &Known, with_times: bool) -> Result<Condition, String> {
    let id = words.number("an event id")?;
    let at = if words.take_if("at") { Some(words.node(known)?) } else { None };
    let times = if words.is_at_end() || !with_times { None } else { Some(words.number("a number")?) };
    if times.is_some() && !words.take_if("times") {
        words.keyword("time")?;
    }
    Ok(Condition::Event { id, at, times })
}

fn step(words: &mut Words, known: &Known) -> Result<Condition, String> {
    let word = words.one_of("a step of an arbitration", &STEPS.map(ArbitrationStep::word))?;
    let step = STEPS.into_iter().find(|s| s.word() == word).unwrap_or(ArbitrationStep::Said);
    let at = if words.take_if("at") { Some(words.node(known)?) } else { None };
    Ok(Condition::Step { step, at })
}

/// Votes, the witness, quorum at a node.
fn of_quorum(words: &mut Words, known: &Known) -> Result<Option<Condition>, String> {
    if words.take_if("votes") {
        let nodes = if words.peek() == Some("witness") { Vec::new() } else { words.nodes(known)? };
        return Ok(Some(Condition::Votes { nodes, witness: words.take_if("witness") }));
    }
    if words.take_if("witness") {
        let on = match words.one_of("where the witness votes", &["on", "nowhere"])?.as_str() {
            "on" => Some(words.node(known)?),
            _ => None,
        };
        return Ok(Some(Condition::Witness { on }));
    }
    if words.take_if("quorum") {
        let kept = words.one_of("what becomes of quorum", &["kept", "lost"])? == "kept";
        words.keyword("at")?;
        return Ok(Some(Condition::Quorum { node: words.node(known)?, kept }));
    }
    Ok(None)
}

fn condition(words: &mut Words, known: &Known, with_is: bool) -> Result<Condition, String> {
    let name = words.known("something", &[&known.nodes, &known.groups, &known.resources])?;
    let is_node = known.nodes.contains(&name);
    if is_node && words.take_if("runs") {
        let resource = if words.take_if("nothing") { None } else { Some(words.resource(known)?) };
        return Ok(Condition::Runs { node: name, resource });
    }
    if with_is {
        words.keyword("is")?;
    } else {
        words.take_if("is");
    }
    if is_node {
        let state = words.one_of("a state of a node", &NODE_STATES)?;
        return Ok(Condition::Node { node: name, state });
    }
    let state = words.one_of("a state of a group or a resource", &STATES)?;
    let on = if words.take_if("on") { Some(words.node(known)?) } else { None };
    Ok(Condition::State { name, state, on })
}
