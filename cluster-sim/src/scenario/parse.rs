//! Reading a scenario: one pass, one table of verbs.
//!
//! A line is a verb and its words, or the name of a resource and what it does from now on. Every verb stands in [`VERBS`]
//! with its form; an error names line and column and shows the form, an unknown word shows all verbs.

mod acts;
mod conditions;
mod prepare;

use cluster_engine::Millis;

use super::Failure;
use super::script::{Act, Script, ServiceFault, Step, StepKind};
use super::words::{Fault, Known, Words, without_comment};

/// A script has at most so many lines.
pub const SCRIPT_LINES: usize = 2_000;
/// A scenario has at most so many nodes.
pub const SCRIPT_NODES: u32 = 16;
/// How long `until` waits when it does not say.
pub const WITHIN: Millis = Millis(60_000);
/// Groups that every cluster has.
const CORE_GROUPS: [&str; 2] = ["Cluster Group", "Available Storage"];

/// What the words of a line mean, or what is expected at the word that was looked at last.
type Meaning = Result<StepKind, String>;

/// How the words of a verb are read.
enum Read {
    /// It is something that can be asked of the cluster.
    Order,
    /// It has a reader of its own, for the words after the verb.
    Own(fn(&mut Words, &mut Known) -> Meaning),
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
    verb("nodes", "nodes COUNT [seed NUMBER] [clock HH:MM]", Place::Before, Read::Own(prepare::nodes)),
    verb(
        "group",
        "group NAME on NODE [preferred NODE...] [set PROPERTY VALUE...]",
        Place::Before,
        Read::Own(prepare::group),
    ),
    verb(
        "resource",
        "resource NAME in GROUP [depends [NAME] and ([NAME] or [NAME])...] [possible NODE...] [set PROPERTY VALUE...]",
        Place::Before,
        Read::Own(prepare::resource),
    ),
    verb("disk", "disk NAME [interval SPAN]", Place::Before, Read::Own(prepare::disk)),
    verb("share", "share NAME [delay SPAN]", Place::Before, Read::Own(prepare::share)),
    verb("begin", "begin", Place::Before, Read::Own(|_, _| Ok(StepKind::Begin))),
    verb("at", "at SPAN | at HH:MM", Place::After, Read::Own(conditions::at)),
    verb("after", "after SPAN", Place::Anywhere, Read::Own(conditions::after)),
    verb("online", "online GROUP [on NODE] [from NODE] | online RESOURCE [from NODE]", Place::Anywhere, Read::Order),
    verb("offline", "offline GROUP [from NODE] | offline RESOURCE [force] [from NODE]", Place::Anywhere, Read::Order),
    verb("move", "move GROUP [to NODE] [from NODE]", Place::Anywhere, Read::Order),
    verb("delete", "delete GROUP [force] [from NODE] | delete RESOURCE [from NODE]", Place::Anywhere, Read::Order),
    verb("pause", "pause NODE [drain [to NODE]] [from NODE]", Place::Anywhere, Read::Order),
    verb("resume", "resume NODE [failback | policy] [from NODE]", Place::Anywhere, Read::Order),
    verb("evict", "evict NODE [from NODE]", Place::Anywhere, Read::Order),
    verb("set", "set PROPERTY VALUE... [of NAME] [from NODE]", Place::Anywhere, Read::Order),
    verb(
        "quorum",
        "quorum node majority | quorum node and disk NAME | quorum node and share NAME | quorum disk only NAME; \
         each [from NODE]",
        Place::Anywhere,
        Read::Order,
    ),
    verb("dynamic", "dynamic quorum on|off [from NODE]", Place::Anywhere, Read::Order),
    verb("write", "write at NODE", Place::Anywhere, Read::Own(acts::write)),
    verb("fail", "fail RESOURCE [on request [from NODE]]", Place::Anywhere, Read::Own(acts::fail)),
    verb("kill", "kill NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Kill))),
    verb("freeze", "freeze NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Freeze))),
    verb("thaw", "thaw NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Thaw))),
    verb("start", "start NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Start))),
    verb("stop", "stop NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Stop))),
    verb("force", "force NODE", Place::Anywhere, Read::Own(acts::force)),
    verb("prevent", "prevent NODE...", Place::Anywhere, Read::Own(|w, k| acts::service(w, k, ServiceFault::Prevent))),
    verb(
        "cut",
        "cut NODE NODE | cut NODE to NODE | cut storage of NODE...",
        Place::Anywhere,
        Read::Own(|w, k| acts::wire(w, k, true)),
    ),
    verb(
        "mend",
        "mend NODE NODE | mend NODE to NODE | mend all | mend storage [of NODE...]",
        Place::Anywhere,
        Read::Own(|w, k| acts::wire(w, k, false)),
    ),
    verb("partition", "partition NODE... | NODE... [| NODE...]...", Place::Anywhere, Read::Own(acts::partition)),
    verb("heal", "heal", Place::Anywhere, Read::Own(acts::heal)),
    verb(
        "until",
        "until settled | until NAME is STATE [on NODE] | until NODE runs RESOURCE | until event ID [at NODE] | \
         until step STEP [at NODE] | until votes NODE... [witness] | until witness on NODE | until witness nowhere | \
         until quorum kept|lost at NODE; each [within SPAN]",
        Place::Anywhere,
        Read::Own(conditions::until),
    ),
    verb(
        "expect",
        "expect [not] NAME STATE [on NODE] | expect [no] event ID [at NODE] [COUNT times] | \
         expect [no] step STEP [at NODE] | expect NODE runs RESOURCE | expect NODE runs nothing | \
         expect votes NODE... [witness] | expect witness on NODE | expect witness nowhere | \
         expect quorum kept|lost at NODE | expect acknowledged | expect unanswered | expect refused [CODE] | \
         expect refused CODE: ORDER",
        Place::Anywhere,
        Read::Own(conditions::expect),
    ),
];

/// How every line can be written, for the help of a command line: upper-case words stand for names and values.
pub fn forms() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|verb| verb.form).chain(acts::MANNERS.iter().map(|manner| manner.1))
}

/// Reads a scenario, without the expected log.
///
/// # Errors
/// Every line that cannot be understood, with the column and what was expected.
pub fn parse(text: &str) -> Result<Script, Vec<Failure>> {
    let mut script = Script::default();
    let mut failures = Vec::new();
    let mut known = Known { groups: CORE_GROUPS.map(str::to_owned).to_vec(), ..Known::default() };
    let mut has_begun = false;
    for (number, raw) in text.lines().enumerate() {
        let line = number + 1;
        if number >= SCRIPT_LINES {
            failures.push(Failure::at(line, format!("a scenario has at most {SCRIPT_LINES} lines")));
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
            Ok(kind) => script.steps.push(Step { line, text: words.trim_start().to_owned(), kind }),
            Err(fault) => failures.push(Failure { line, column: Some(fault.column), text: fault.text }),
        }
    }
    if failures.is_empty() && !has_begun {
        let line = text.lines().count().max(1);
        let text = "there is no 'begin'; write it where the preparations end and the story starts".to_owned();
        failures.push(Failure::at(line, text));
    }
    if failures.is_empty() { Ok(script) } else { Err(failures) }
}

fn read_line(line: &str, known: &mut Known, has_begun: &mut bool) -> Result<StepKind, Fault> {
    let mut words = Words::split(line)?;
    let meaning = read_words(&mut words, known, has_begun);
    meaning.map_err(|text| words.fault(text))
}

fn read_words(words: &mut Words, known: &mut Known, has_begun: &mut bool) -> Meaning {
    let first = words.peek().map(str::to_ascii_lowercase).filter(|_| !acts::is_manner(words, known));
    let Some(verb) = first.and_then(|first| VERBS.iter().find(|v| v.word == first)) else {
        return acts::manner(words, known);
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
        Read::Order => acts::order(words, known).map(|order| StepKind::Act(Act::Order(order))),
        Read::Own(read) => words.take("a verb").and_then(|_| read(words, known)),
    };
    let kind = kind.map_err(with_form)?;
    words.end().map_err(with_form)?;
    Ok(kind)
}

/// The verbs of all that can be asked of the cluster, in a sentence.
fn order_words() -> String {
    let words: Vec<&str> = VERBS.iter().filter(|v| matches!(v.read, Read::Order)).map(|v| v.word).collect();
    format!("{}, fail ... on request", words.join(", "))
}

/// All verbs, in a sentence.
fn verb_words() -> String {
    let words: Vec<&str> = VERBS.iter().map(|v| v.word).collect();
    words.join(", ")
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
