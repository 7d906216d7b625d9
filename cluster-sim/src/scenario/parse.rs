//! Reading a scenario: one pass, one table of verbs.
//!
//! A line is a verb and its words, or the name of a resource and what it does from now on. Every verb stands in [`VERBS`]
//! with its form; an error shows the form, an unknown word shows all verbs.

use cluster_engine::Millis;

use super::Failure;
use super::script::{
    Act, Call, Condition, Fault, GoingHome, Manner, Moment, Order, Preparation, Request, Script, ServiceFault, Step,
    StepKind,
};
use super::words::{Known, Words, time_of_day, without_comment};

/// A script has at most so many lines.
pub const SCRIPT_LINES: usize = 2_000;
/// A scenario has at most so many nodes.
pub const SCRIPT_NODES: u32 = 16;
/// How long `until` waits when it does not say.
pub const WITHIN: Millis = Millis(60_000);
/// Groups that every cluster has.
const CORE_GROUPS: [&str; 2] = ["Cluster Group", "Available Storage"];
/// States of groups and resources, as clients see them.
const STATES: [&str; 7] =
    ["Online", "Offline", "Failed", "PartialOnline", "Pending", "OnlinePending", "OfflinePending"];
/// States of nodes, as clients see them.
const NODE_STATES: [&str; 4] = ["Up", "Down", "Paused", "Joining"];

/// How the words of a verb are read.
enum Read {
    /// It is something that can be asked of the cluster.
    Order,
    /// It has a reader of its own, for the words after the verb.
    Own(fn(&mut Words, &mut Known) -> Result<StepKind, String>),
}

/// Where a verb may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before `begin`.
    Before,
    /// After it.
    After,
    /// Before or after it.
    Anywhere,
}

struct Verb {
    word: &'static str,
    form: &'static str,
    place: Place,
    read: Read,
}

const fn verb(word: &'static str, form: &'static str, place: Place, read: Read) -> Verb {
    Verb { word, form, place, read }
}

const VERBS: &[Verb] = &[
    verb("nodes", "nodes COUNT [seed NUMBER] [clock HH:MM]", Place::Before, Read::Own(nodes)),
    verb("group", "group NAME on NODE [preferred NODE...] [set PROPERTY VALUE...]", Place::Before, Read::Own(group)),
    verb(
        "resource",
        "resource NAME in GROUP [depends [NAME] and ([NAME] or [NAME])...] [possible NODE...] [set PROPERTY VALUE...]",
        Place::Before,
        Read::Own(resource),
    ),
    verb("begin", "begin", Place::Before, Read::Own(begin)),
    verb("at", "at SPAN | at HH:MM", Place::After, Read::Own(at)),
    verb("after", "after SPAN", Place::Anywhere, Read::Own(after)),
    verb("online", "online GROUP [on NODE] [from NODE] | online RESOURCE [from NODE]", Place::Anywhere, Read::Order),
    verb("offline", "offline GROUP [from NODE] | offline RESOURCE [force] [from NODE]", Place::Anywhere, Read::Order),
    verb("move", "move GROUP [to NODE] [from NODE]", Place::Anywhere, Read::Order),
    verb("delete", "delete GROUP [force] [from NODE] | delete RESOURCE [from NODE]", Place::Anywhere, Read::Order),
    verb("pause", "pause NODE [drain [to NODE]] [from NODE]", Place::Anywhere, Read::Order),
    verb("resume", "resume NODE [failback | policy] [from NODE]", Place::Anywhere, Read::Order),
    verb("evict", "evict NODE [from NODE]", Place::Anywhere, Read::Order),
    verb("set", "set PROPERTY VALUE... [of NAME] [from NODE]", Place::Anywhere, Read::Order),
    verb("fail", "fail RESOURCE [on request [from NODE]]", Place::Anywhere, Read::Own(fail)),
    verb("kill", "kill NODE...", Place::Anywhere, Read::Own(|w, k| service(w, k, ServiceFault::Kill))),
    verb("freeze", "freeze NODE...", Place::Anywhere, Read::Own(|w, k| service(w, k, ServiceFault::Freeze))),
    verb("thaw", "thaw NODE...", Place::Anywhere, Read::Own(|w, k| service(w, k, ServiceFault::Thaw))),
    verb("start", "start NODE...", Place::Anywhere, Read::Own(|w, k| service(w, k, ServiceFault::Start))),
    verb("stop", "stop NODE...", Place::Anywhere, Read::Own(|w, k| service(w, k, ServiceFault::Stop))),
    verb("cut", "cut NODE NODE | cut NODE to NODE", Place::Anywhere, Read::Own(|w, k| wire(w, k, true))),
    verb("mend", "mend NODE NODE | mend NODE to NODE | mend all", Place::Anywhere, Read::Own(|w, k| wire(w, k, false))),
    verb(
        "until",
        "until settled | until NAME is STATE [on NODE] | until NODE runs RESOURCE | until event ID; each [within SPAN]",
        Place::Anywhere,
        Read::Own(until),
    ),
    verb(
        "expect",
        "expect [not] NAME STATE [on NODE] | expect [no] event ID [COUNT times] | expect NODE runs RESOURCE | \
         expect NODE runs nothing | expect refused CODE: ORDER",
        Place::Anywhere,
        Read::Own(expect),
    ),
];

const MANNERS: &[(&str, &str)] = &[
    ("fails", "RESOURCE fails online|offline [COUNT times]"),
    ("hangs", "RESOURCE hangs online|offline"),
    ("takes", "RESOURCE takes SPAN online|offline"),
    ("cannot", "RESOURCE cannot open"),
    ("works", "RESOURCE works"),
];

/// How every line can be written, for the help of a command line: upper-case words stand for names and values.
pub fn forms() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|verb| verb.form).chain(MANNERS.iter().map(|manner| manner.1))
}

/// Reads a scenario, without the expected log.
///
/// # Errors
/// Every line that cannot be understood, with what was expected.
pub fn parse(text: &str) -> Result<Script, Vec<Failure>> {
    let mut script = Script::default();
    let mut failures = Vec::new();
    let mut known = Known { groups: CORE_GROUPS.map(str::to_owned).to_vec(), ..Known::default() };
    let mut has_begun = false;
    for (number, raw) in text.lines().enumerate() {
        let line = number + 1;
        if number >= SCRIPT_LINES {
            failures.push(Failure { line, text: format!("a scenario has at most {SCRIPT_LINES} lines") });
            break;
        }
        let words = without_comment(raw);
        if words.is_empty() {
            if let Some(comment) = raw.trim().strip_prefix('#').filter(|_| script.steps.is_empty()) {
                script.story.push(comment.strip_prefix(' ').unwrap_or(comment).to_owned());
            }
            continue;
        }
        match read_line(words, &mut known, &mut has_begun) {
            Ok(kind) => script.steps.push(Step { line, text: words.to_owned(), kind }),
            Err(text) => failures.push(Failure { line, text }),
        }
    }
    if failures.is_empty() && !has_begun {
        let line = text.lines().count().max(1);
        let text = "there is no 'begin'; write it where the preparations end and the story starts".to_owned();
        failures.push(Failure { line, text });
    }
    if failures.is_empty() { Ok(script) } else { Err(failures) }
}

fn read_line(line: &str, known: &mut Known, has_begun: &mut bool) -> Result<StepKind, String> {
    let mut words = Words::split(line)?;
    let first = words.peek().map(str::to_ascii_lowercase);
    let Some(verb) = first.and_then(|first| VERBS.iter().find(|v| v.word == first)) else {
        return manner(words, known);
    };
    let with_form = |text: String| format!("{text}. Write: {}", verb.form);
    let wrong_place = match verb.place {
        Place::Before if *has_begun => Some("must stand before 'begin'"),
        Place::After if !*has_begun => Some("must stand after 'begin'"),
        Place::Before | Place::After | Place::Anywhere => None,
    };
    if let Some(wrong) = wrong_place {
        return Err(format!("'{}' {wrong}", verb.word));
    }
    if known.nodes.is_empty() && verb.word != "nodes" {
        return Err("the first line of a scenario says how many nodes there are: nodes 3".to_owned());
    }
    *has_begun |= verb.word == "begin";
    let kind = match &verb.read {
        // With its verb, because `expect refused` reads an order too.
        Read::Order => read_order(&mut words, known).map(|order| StepKind::Act(Act::Order(order))),
        Read::Own(read) => words.take("a verb").and_then(|_| read(&mut words, known)),
    };
    let kind = kind.map_err(with_form)?;
    words.end().map_err(with_form)?;
    Ok(kind)
}

// ---- preparations ----

fn nodes(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
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

fn group(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
    let name = new_name(words, known, "group")?;
    words.keyword("on")?;
    let on = words.node(known)?;
    let preferred = if words.take_if("preferred") { words.nodes(known)? } else { Vec::new() };
    let values = if words.take_if("set") { values(words)? } else { Vec::new() };
    known.groups.push(name.clone());
    Ok(StepKind::Prepare(Preparation::Group { name, on, preferred, values }))
}

fn resource(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
    let name = new_name(words, known, "resource")?;
    words.keyword("in")?;
    let group = words.group(known)?;
    let depends = if words.take_if("depends") { words.until_word(&["possible", "set"]) } else { String::new() };
    let possible = if words.take_if("possible") { words.nodes(known)? } else { Vec::new() };
    let values = if words.take_if("set") { values(words)? } else { Vec::new() };
    known.resources.push(name.clone());
    Ok(StepKind::Prepare(Preparation::Resource { name, group, depends, possible, values }))
}

fn begin(_: &mut Words, _: &mut Known) -> Result<StepKind, String> {
    Ok(StepKind::Begin)
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

/// Properties and their values, up to `of`, `from` or the end.
fn values(words: &mut Words) -> Result<Vec<(String, String)>, String> {
    let mut values = Vec::new();
    while !words.is_at_end() && !words.peek().is_some_and(|w| w == "of" || w == "from") {
        let name = words.take("the name of a property")?;
        let value = words.take(&format!("a value of '{name}'"))?;
        values.push((name, value));
    }
    if values.is_empty() {
        return Err("a property and its value are expected".to_owned());
    }
    Ok(values)
}

// ---- time ----

fn at(words: &mut Words, _: &mut Known) -> Result<StepKind, String> {
    let moment = match words.peek_name().and_then(time_of_day) {
        Some(minutes) => {
            words.take("a time of day")?;
            Moment::Clock(minutes)
        }
        None => Moment::At(words.span()?),
    };
    Ok(StepKind::Pass(moment))
}

fn after(words: &mut Words, _: &mut Known) -> Result<StepKind, String> {
    Ok(StepKind::Pass(Moment::After(words.span()?)))
}

// ---- acts ----

fn read_order(words: &mut Words, known: &Known) -> Result<Order, String> {
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
        _ => {
            let orders: Vec<&str> = VERBS.iter().filter(|v| matches!(v.read, Read::Order)).map(|v| v.word).collect();
            return Err(format!("'{verb}' cannot be asked for (known: {}, fail ... on request)", orders.join(", ")));
        }
    };
    let from = if words.take_if("from") { Some(words.node(known)?) } else { None };
    Ok(Order { what, from })
}

fn fail(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
    let resource = words.resource(known)?;
    if words.is_at_end() {
        return Ok(StepKind::Act(Act::Fault(Fault::Fail(resource))));
    }
    words.keyword("on")?;
    words.keyword("request")?;
    let from = if words.take_if("from") { Some(words.node(known)?) } else { None };
    Ok(StepKind::Act(Act::Order(Order { what: Request::Fail { resource }, from })))
}

fn service(words: &mut Words, known: &Known, what: ServiceFault) -> Result<StepKind, String> {
    Ok(StepKind::Act(Act::Fault(Fault::Service { what, nodes: words.nodes(known)? })))
}

fn wire(words: &mut Words, known: &Known, cut: bool) -> Result<StepKind, String> {
    if !cut && words.take_if("all") {
        return Ok(StepKind::Act(Act::Fault(Fault::MendAll)));
    }
    let a = words.node(known)?;
    let one_way = words.take_if("to");
    let b = words.node(known)?;
    if a == b {
        return Err(format!("'{a}' has no wire to itself"));
    }
    Ok(StepKind::Act(Act::Fault(Fault::Wire { a, b, one_way, cut })))
}

/// A resource and what it does from now on.
fn manner(mut words: Words, known: &Known) -> Result<StepKind, String> {
    let name = words.peek_name().unwrap_or_default().to_owned();
    if !known.resources.iter().any(|r| r.eq_ignore_ascii_case(&name)) {
        let verbs: Vec<&str> = VERBS.iter().map(|v| v.word).collect();
        let resources = match known.resources.is_empty() {
            true => "none so far".to_owned(),
            false => known.resources.join(", "),
        };
        return Err(format!(
            "'{name}' is neither a word of the language ({}) nor a resource ({resources})",
            verbs.join(", ")
        ));
    }
    let resource = words.resource(known)?;
    let known_manners: Vec<&str> = MANNERS.iter().map(|m| m.0).collect();
    let word = words.one_of("what a resource does", &known_manners)?;
    let form = MANNERS.iter().find(|m| m.0 == word).map_or("", |m| m.1);
    let manner = read_manner(&word, &mut words)
        .and_then(|manner| words.end().map(|()| manner))
        .map_err(|text| format!("{text}. Write: {form}"))?;
    Ok(StepKind::Act(Act::Fault(Fault::Behave { resource, manner })))
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

// ---- conditions ----

fn until(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
    let condition = match () {
        () if words.take_if("settled") => Condition::Settled,
        () if words.take_if("event") => Condition::Event { id: words.number("an event id")?, times: None },
        () => condition(words, known, true)?,
    };
    let within = if words.take_if("within") { words.span()? } else { WITHIN };
    Ok(StepKind::Until { condition, within })
}

fn expect(words: &mut Words, known: &mut Known) -> Result<StepKind, String> {
    if words.take_if("refused") {
        let word = words.take("an error code and a colon")?;
        let code = word.strip_suffix(':').and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| format!("an error code and a colon, as in 5071:, is expected, not '{word}'"))?;
        return Ok(StepKind::Refused { code, order: read_order(words, known)? });
    }
    let is_no = words.take_if("no");
    if is_no || words.peek().is_some_and(|w| w == "event") {
        words.keyword("event")?;
        let id = words.number("an event id")?;
        let times = if words.is_at_end() || is_no { None } else { Some(words.number("a number")?) };
        if times.is_some() && !words.take_if("times") {
            words.keyword("time")?;
        }
        let condition = Condition::Event { id, times };
        return Ok(if is_no { StepKind::ExpectNot(condition) } else { StepKind::Expect(condition) });
    }
    let is_not = words.take_if("not");
    let condition = condition(words, known, false)?;
    Ok(if is_not { StepKind::ExpectNot(condition) } else { StepKind::Expect(condition) })
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
