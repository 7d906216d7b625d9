//! Lines by which something is done: asked of the cluster, or done to it.

use cluster_engine::quorum::Witness;

use super::super::script::{Act, Call, Fault, GoingHome, Manner, Order, QuorumChoice, Request, ServiceFault, StepKind};
use super::super::words::{Known, Words};
use super::{Meaning, order_words, values, verb_words};

/// What a resource can be told to do, with the forms.
pub(super) const MANNERS: &[(&str, &str)] = &[
    ("fails", "RESOURCE fails online|offline [COUNT times]"),
    ("hangs", "RESOURCE hangs online|offline"),
    ("takes", "RESOURCE takes SPAN online|offline"),
    ("cannot", "RESOURCE cannot open"),
    ("works", "RESOURCE works"),
];

/// Something that an administrator asks for.
pub(super) fn order(words: &mut Words, known: &Known) -> Result<Order, String> {
    let verb = words.take("something that can be asked for")?;
    let what = match verb.to_ascii_lowercase().as_str() {
        "online" => {
            let name = words.group_or_resource(known)?;
            let is_group = known.groups.contains(&name);
            let on = if is_group && words.take_if("on") { Some(words.node(known)?) } else { None };
            Request::Online { name, on }
        }
        "offline" => {
            let name = words.group_or_resource(known)?;
            let is_resource = known.resources.contains(&name);
            Request::Offline { name, force: is_resource && words.take_if("force") }
        }
        "move" => {
            let group = words.group(known)?;
            let to = if words.take_if("to") { Some(words.node(known)?) } else { None };
            Request::Move { group, to }
        }
        "fail" => {
            let resource = words.resource(known)?;
            words.keyword("on")?;
            words.keyword("request")?;
            Request::Fail { resource }
        }
        "delete" => {
            let name = words.group_or_resource(known)?;
            let is_group = known.groups.contains(&name);
            Request::Delete { name, force: is_group && words.take_if("force") }
        }
        "pause" => {
            let node = words.node(known)?;
            let drain = words.take_if("drain");
            let to = if drain && words.take_if("to") { Some(words.node(known)?) } else { None };
            Request::Pause { node, drain, to }
        }
        "resume" => {
            let node = words.node(known)?;
            let failback = match () {
                () if words.take_if("failback") => GoingHome::AtOnce,
                () if words.take_if("policy") => GoingHome::ByPolicy,
                () => GoingHome::No,
            };
            Request::Resume { node, failback }
        }
        "evict" => Request::Evict { node: words.node(known)? },
        "set" => {
            let values = values(words)?;
            let of = match words.take_if("of") {
                true => Some(words.known("something", &[&known.groups, &known.resources, &known.nodes])?),
                false => None,
            };
            Request::Set { of, values }
        }
        "quorum" => Request::Quorum(quorum(words, known)?),
        "dynamic" => {
            words.keyword("quorum")?;
            let value = if words.one_of("a position of the switch", &["on", "off"])? == "on" { "1" } else { "0" };
            Request::Set { of: None, values: vec![("DynamicQuorum".to_owned(), value.to_owned())] }
        }
        _ => return Err(format!("'{verb}' cannot be asked for (known: {})", order_words())),
    };
    let from = if words.take_if("from") { Some(words.node(known)?) } else { None };
    Ok(Order { what, from })
}

fn quorum(words: &mut Words, known: &Known) -> Result<QuorumChoice, String> {
    if words.one_of("a quorum model", &["node", "disk"])? == "disk" {
        words.keyword("only")?;
        return device(words, known, Witness::Disk).map(QuorumChoice::DiskOnly);
    }
    if words.take_if("majority") {
        return Ok(QuorumChoice::NodeMajority);
    }
    words.keyword("and")?;
    let kind = match words.one_of("a quorum device", &["disk", "share"])?.as_str() {
        "disk" => Witness::Disk,
        _ => Witness::FileShare,
    };
    device(words, known, kind).map(QuorumChoice::NodeAnd)
}

/// The name of a quorum device of this kind.
fn device(words: &mut Words, known: &Known, kind: Witness) -> Result<String, String> {
    let names = known.devices.iter().filter(|(_, k)| *k == kind).map(|(name, _)| name.clone()).collect();
    words.known(&format!("a {kind}"), &[&names])
}

pub(super) fn write(words: &mut Words, known: &mut Known) -> Meaning {
    words.keyword("at")?;
    Ok(StepKind::Act(Act::Write(words.node(known)?)))
}

pub(super) fn fail(words: &mut Words, known: &mut Known) -> Meaning {
    let resource = words.resource(known)?;
    if words.is_at_end() {
        return Ok(StepKind::Act(Act::Fault(Fault::Fail(resource))));
    }
    words.keyword("on")?;
    words.keyword("request")?;
    let from = if words.take_if("from") { Some(words.node(known)?) } else { None };
    Ok(StepKind::Act(Act::Order(Order { what: Request::Fail { resource }, from })))
}

pub(super) fn service(words: &mut Words, known: &Known, what: ServiceFault) -> Meaning {
    Ok(fault(Fault::Service { what, nodes: words.nodes(known)? }))
}

/// Two nodes that force quorum apart from each other would be two clusters.
pub(super) fn force(words: &mut Words, known: &mut Known) -> Meaning {
    Ok(fault(Fault::Service { what: ServiceFault::Force, nodes: vec![words.node(known)?] }))
}

fn fault(fault: Fault) -> StepKind {
    StepKind::Act(Act::Fault(fault))
}

pub(super) fn wire(words: &mut Words, known: &Known, cut: bool) -> Meaning {
    if !cut && words.take_if("all") {
        return Ok(fault(Fault::MendAll));
    }
    if words.take_if("storage") {
        if !cut && words.is_at_end() {
            return Ok(fault(Fault::Storage { nodes: known.nodes.clone(), cut }));
        }
        words.keyword("of")?;
        return Ok(fault(Fault::Storage { nodes: words.nodes(known)?, cut }));
    }
    let a = words.node(known)?;
    let one_way = words.take_if("to");
    let b = words.node(known)?;
    if a == b {
        return Err(format!("'{a}' has no wire to itself"));
    }
    Ok(fault(Fault::Wire { a, b, one_way, cut }))
}

pub(super) fn heal(_: &mut Words, _: &mut Known) -> Meaning {
    Ok(fault(Fault::Heal))
}

/// Every node stands on one side: who is forgotten would be where nobody thinks.
pub(super) fn partition(words: &mut Words, known: &mut Known) -> Meaning {
    let mut sides: Vec<Vec<String>> = vec![Vec::new()];
    loop {
        let node = words.node(known)?;
        if sides.iter().flatten().any(|n| *n == node) {
            return Err(format!("'{node}' stands on a side already"));
        }
        sides.last_mut().into_iter().for_each(|side| side.push(node.clone()));
        if words.take_if("|") {
            sides.push(Vec::new());
        } else if words.is_at_end() {
            break;
        }
    }
    if let Some(missing) = known.nodes.iter().find(|n| !sides.iter().flatten().any(|s| s == *n)) {
        return Err(format!("'{missing}' stands on no side; every node stands on one"));
    }
    if sides.len() < 2 {
        return Err("two sides with a '|' between them are expected".to_owned());
    }
    Ok(fault(Fault::Partition { sides }))
}

/// Does the line begin with a resource and what it does? A resource may be called like a word of the language.
pub(super) fn is_manner(words: &Words, known: &Known) -> bool {
    let mut words = words.clone();
    let is_resource = words.resource(known).is_ok();
    is_resource && MANNERS.iter().any(|(word, _)| words.take_if(word))
}

/// A resource and what it does from now on.
pub(super) fn manner(words: &mut Words, known: &Known) -> Meaning {
    let name = words.peek_name().unwrap_or_default().to_owned();
    if !known.resources.iter().any(|r| r.eq_ignore_ascii_case(&name)) {
        let resources = match known.resources.is_empty() {
            true => "none so far".to_owned(),
            false => known.resources.join(", "),
        };
        return Err(format!(
            "'{name}' is neither a word of the language ({}) nor a resource ({resources})",
            verb_words()
        ));
    }
    let resource = words.resource(known)?;
    if known.devices.iter().any(|(device, _)| *device == resource) {
        return Err(format!("'{resource}' is a quorum device; cut its storage paths instead of telling it what to do"));
    }
    let known_manners: Vec<&str> = MANNERS.iter().map(|m| m.0).collect();
    let word = words.one_of("what a resource does", &known_manners)?;
    let form = MANNERS.iter().find(|m| m.0 == word).map_or("", |m| m.1);
    let manner = read_manner(&word, words)
        .and_then(|manner| words.end().map(|()| manner))
        .map_err(|text| format!("{text}. Write: {form}"))?;
    Ok(fault(Fault::Behave { resource, manner }))
}

fn read_manner(word: &str, words: &mut Words) -> Result<Manner, String> {
    Ok(match word {
        "fails" => {
            let call: Call = words.call()?;
            let times = if words.is_at_end() { u32::MAX } else { words.number("a number")? };
            let _ = words.take_if("times") || words.take_if("time");
            Manner::Fails(call, times)
        }
        "hangs" => Manner::Hangs(words.call()?),
        "takes" => {
            let span = words.span()?;
            Manner::Takes(words.call()?, span)
        }
        "cannot" => {
            words.keyword("open")?;
            Manner::CannotOpen
        }
        _ => Manner::Works,
    })
}
