//! Lines that build the cluster before the story begins.

use cluster_engine::Millis;
use cluster_engine::quorum::Witness;

use super::super::script::{Preparation, StepKind};
use super::super::words::{Known, Words, time_of_day};
use super::{Meaning, SCRIPT_NODES, values};

/// The longest interval of a disk, and the longest delay of a share (reference 07.5).
const LONGEST_SPAN: Millis = Millis(60_000);

pub(super) fn nodes(words: &mut Words, known: &mut Known) -> Meaning {
    if !known.nodes.is_empty() {
        return Err("the nodes are there already".to_owned());
    }
    let count: u32 = words.number("a number of nodes")?;
    if !(1..=SCRIPT_NODES).contains(&count) {
        return Err(format!("a scenario has 1 to {SCRIPT_NODES} nodes, not {count}"));
    }
    let seed = if words.take_if("seed") { words.number("a number")? } else { 1 };
    let clock = match words.take_if("clock") {
        true => {
            let word = words.take("a time of day such as 21:58")?;
            Some(time_of_day(&word).ok_or_else(|| format!("a time of day such as 21:58 is expected, not '{word}'"))?)
        }
        false => None,
    };
    known.nodes = (1..=count).map(|n| format!("n{n}")).collect();
    Ok(StepKind::Prepare(Preparation::Nodes { count, seed, clock }))
}

pub(super) fn group(words: &mut Words, known: &mut Known) -> Meaning {
    let name = new_name(words, known, "group")?;
    words.keyword("on")?;
    let on = words.node(known)?;
    let preferred = if words.take_if("preferred") { words.nodes(known)? } else { Vec::new() };
    let values = if words.take_if("set") { values(words)? } else { Vec::new() };
    known.groups.push(name.clone());
    Ok(StepKind::Prepare(Preparation::Group { name, on, preferred, values }))
}

pub(super) fn resource(words: &mut Words, known: &mut Known) -> Meaning {
    let name = new_name(words, known, "resource")?;
    words.keyword("in")?;
    let group = words.group(known)?;
    let depends = if words.take_if("depends") { words.until_word(&["possible", "set"]) } else { String::new() };
    let possible = if words.take_if("possible") { words.nodes(known)? } else { Vec::new() };
    let values = if words.take_if("set") { values(words)? } else { Vec::new() };
    known.resources.push(name.clone());
    Ok(StepKind::Prepare(Preparation::Resource { name, group, depends, possible, values }))
}

pub(super) fn disk(words: &mut Words, known: &mut Known) -> Meaning {
    device(words, known, Witness::Disk, "disk", "interval")
}

pub(super) fn share(words: &mut Words, known: &mut Known) -> Meaning {
    device(words, known, Witness::FileShare, "share", "delay")
}

/// A quorum device: a resource of the Cluster Group.
fn device(words: &mut Words, known: &mut Known, kind: Witness, what: &str, option: &str) -> Meaning {
    let name = new_name(words, known, what)?;
    let span = if words.take_if(option) { Some(words.span()?) } else { None };
    if let Some(span) = span.filter(|span| !(1..=LONGEST_SPAN.0).contains(&span.0)) {
        return Err(format!("a time from 1ms to {}ms is expected, not {}ms", LONGEST_SPAN.0, span.0));
    }
    known.resources.push(name.clone());
    known.devices.push((name.clone(), kind));
    Ok(StepKind::Prepare(Preparation::Device { name, kind, span }))
}

/// A name that nothing has yet: lines name groups, resources and nodes without saying which they mean.
fn new_name(words: &mut Words, known: &Known, what: &str) -> Result<String, String> {
    let name = words.take(&format!("the name of a {what}"))?;
    let taken = known.nodes.iter().chain(&known.groups).chain(&known.resources).any(|k| k.eq_ignore_ascii_case(&name));
    if taken {
        return Err(format!("'{name}' is the name of something else already"));
    }
    Ok(name)
}
