//! The syntax of cluster.exe (reference 10.1), turned into the present one.
//!
//! `cluster group "SQL" /moveto:n2` becomes `cluster group move SQL --node n2`. The translation is a table: one row per
//! option, with its abbreviation in square brackets as the old help text wrote it. The result is an ordinary argument list
//! that clap reads, so both syntaxes end in the same commands.
//!
//! Which syntax was meant is decided by the word after the noun: a verb of the present syntax means the present one, anything
//! else the old one. An object that is called like a verb needs the present syntax.

use std::ffi::OsString;

/// What becomes of an old option.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    /// `noun verb NAME`, then the words; `$` stands for the option's value, and words with it are left out without one.
    Verb(&'static [&'static str]),
    /// As `Verb`, and the value must be there.
    VerbOf(&'static [&'static str], &'static str),
    /// As `Verb`, followed by the `Name=Value` words of the command line. Without any of them: `shows`.
    Assign { sets: &'static [&'static str], shows: &'static [&'static str] },
    /// The one when it has a value or other options add to it, the other when it stands alone.
    Either { sets: &'static [&'static str], shows: &'static [&'static str] },
    /// Adds words to the verb given by another option.
    Adds(&'static [&'static str]),
    /// Known in cluster.exe, not here: why, and what to do.
    Unsupported(&'static str),
}
use Meaning::{Adds, Assign, Either, Unsupported, Verb, VerbOf};

/// The place of the object's name in the words of a verb.
const NAME: &str = "@";

struct Row {
    /// Present nouns to which the row belongs.
    noun: &'static str,
    /// The option; what stands in brackets may be left out.
    option: &'static str,
    meaning: Meaning,
}

const fn row(noun: &'static str, option: &'static str, meaning: Meaning) -> Row {
    Row { noun, option, meaning }
}

const NO_ADMIN_EXTENSIONS: &str = "There are no administration extensions here.";
const NO_CHECKPOINTS: &str = "Checkpoints belong to the Windows registry of a node, which does not exist here.";
const NO_INTERFACES: &str =
    "Use `cluster registry get NetworkInterfaces`: each node has one, which is up while its node is.";
const NO_PRIVATE: &str = "Only resources have private properties here. Use /prop, or `cluster registry get`.";
const NO_FORMING: &str = "Clusters are formed by `cluster up --nodes N --dir DIR` or `cluster-svc run --form`.";

/// The whole translation.
const TABLE: &[Row] = &[
    row("node", "stat[us]", Verb(&["show", NAME])),
    row("node", "list", Verb(&["list"])),
    row("node", "pause", Verb(&["pause", NAME])),
    row("node", "resume", Verb(&["resume", NAME])),
    row("node", "stop", Verb(&["stop", NAME])),
    row("node", "evict", Verb(&["evict", NAME])),
    row("node", "prop[erties]", Assign { sets: &["properties", NAME], shows: &["properties", NAME] }),
    row("node", "start", Verb(&["start", NAME])),
    row("node", "forcequorum", Adds(&["--force-quorum"])),
    row("node", "fq", Adds(&["--force-quorum"])),
    row("node", "preventquorum", Adds(&["--prevent-quorum"])),
    row("node", "pq", Adds(&["--prevent-quorum"])),
    row("node", "clearquarantine", Adds(&["--clear-quarantine"])),
    row("node", "cq", Adds(&["--clear-quarantine"])),
    row("node", "force[cleanup]", Unsupported("Delete the folder of the node instead.")),
    row("node", "listinter[faces]", Unsupported(NO_INTERFACES)),
    row("node", "priv[properties]", Unsupported(NO_PRIVATE)),
    row("group", "node", Adds(&["--node", "$"])),
    row("group", "stat[us]", Verb(&["show", NAME])),
    row("group", "list", Verb(&["list"])),
    row("group", "create", Verb(&["create", NAME])),
    row("group", "delete", Verb(&["delete", NAME])),
    row("group", "ren[ame]", VerbOf(&["rename", NAME, "$"], "the new name")),
    row("group", "move[to]", Verb(&["move", NAME, "--node", "$"])),
    row("group", "on[line]", Verb(&["online", NAME, "--node", "$"])),
    row("group", "off[line]", Verb(&["offline", NAME])),
    row("group", "prop[erties]", Assign { sets: &["properties", NAME], shows: &["properties", NAME] }),
    row("group", "priv[properties]", Unsupported(NO_PRIVATE)),
    row("group", "listowners", Verb(&["owners", NAME])),
    row("group", "setowners", VerbOf(&["owners", NAME, "$,"], "the nodes, separated by commas")),
    row("resource", "stat[us]", Verb(&["show", NAME])),
    row("resource", "list", Verb(&["list"])),
    row("resource", "create", Verb(&["create", NAME])),
    row("resource", "group", Adds(&["--group", "$"])),
    row("resource", "type", Adds(&["--type", "$"])),
    row("resource", "separate", Adds(&["--separate-monitor"])),
    row("resource", "delete", Verb(&["delete", NAME])),
    row("resource", "ren[ame]", VerbOf(&["rename", NAME, "$"], "the new name")),
    row("resource", "addowner", VerbOf(&["add-owner", NAME, "$"], "a node")),
    row("resource", "removeowner", VerbOf(&["remove-owner", NAME, "$"], "a node")),
    row("resource", "listowners", Verb(&["owners", NAME])),
    row("resource", "move[to]", VerbOf(&["move-group", NAME, "$"], "a group")),
    row("resource", "prop[erties]", Assign { sets: &["properties", NAME], shows: &["properties", NAME] }),
    row("resource", "priv[properties]", Assign { sets: &["params", NAME], shows: &["params", NAME] }),
    row("resource", "fail", Verb(&["fail", NAME])),
    row("resource", "on[line]", Verb(&["online", NAME])),
    row("resource", "off[line]", Verb(&["offline", NAME])),
    row("resource", "listdep[endencies]", Verb(&["depend", NAME])),
    row("resource", "adddep[endency]", VerbOf(&["add-dependency", NAME, "$"], "a resource")),
    row("resource", "removedep[endency]", VerbOf(&["remove-dependency", NAME, "$"], "a resource")),
    row("resource", "setdep[endency]", VerbOf(&["depend", NAME, "$"], "an expression such as \"[a] and [b]\"")),
    row(
        "resource",
        "maint[enancemode]",
        Unsupported("Maintenance mode is not modelled. Take the resource offline, or raise its poll intervals."),
    ),
    row("resource", "addcheck[points]", Unsupported(NO_CHECKPOINTS)),
    row("resource", "removecheck[points]", Unsupported(NO_CHECKPOINTS)),
    row("resource", "check[points]", Unsupported(NO_CHECKPOINTS)),
    row("resource", "addcryptocheck[points]", Unsupported(NO_CHECKPOINTS)),
    row("resource", "removecryptocheck[points]", Unsupported(NO_CHECKPOINTS)),
    row("resource", "cryptocheck[points]", Unsupported(NO_CHECKPOINTS)),
    row("restype", "list", Verb(&["list"])),
    row("restype", "stat[us]", Verb(&["show", NAME])),
    row("restype", "create", Verb(&["register", NAME])),
    row("restype", "dll[name]", Adds(&["--dll", "$"])),
    row("restype", "type", Adds(&["--display", "$"])),
    row("restype", "isalive", Adds(&["--is-alive", "$"])),
    row("restype", "looksalive", Adds(&["--looks-alive", "$"])),
    row("restype", "delete", Verb(&["unregister", NAME])),
    row("restype", "prop[erties]", Assign { sets: &["properties", NAME], shows: &["properties", NAME] }),
    row("restype", "priv[properties]", Unsupported(NO_PRIVATE)),
    row(
        "restype",
        "listowners",
        Unsupported("Every node can host every type. Use `cluster resource owners` for one resource."),
    ),
    row("network", "stat[us]", Verb(&["list"])),
    row("network", "list", Verb(&["list"])),
    row("network", "ren[ame]", Unsupported("Networks cannot be changed here.")),
    row("network", "prop[erties]", Unsupported("Networks have no settings here. Use `cluster registry get Networks`.")),
    row("network", "priv[properties]", Unsupported(NO_PRIVATE)),
    row("network", "listinter[faces]", Unsupported(NO_INTERFACES)),
    row("", "quorum[resource]", Either { sets: &["quorum", "set", "--resource", "$"], shows: &["quorum", "show"] }),
    row("", "path", Adds(&["--path", "$"])),
    row("", "maxlogsize", Adds(&["--max-log-size", "$"])),
    row("", "stat[us]", Verb(&["status"])),
    row("", "prop[erties]", Assign { sets: &["properties"], shows: &["properties"] }),
    row("", "ver[sion]", Verb(&["--version"])),
    row("", "list", Unsupported("There is no directory of clusters. Name one with --cluster URL.")),
    row("", "create", Unsupported(NO_FORMING)),
    row(
        "",
        "add[nodes]",
        Unsupported("A node joins by itself: `cluster-svc run --node NAME --dir DIR --join ADDRESS`."),
    ),
    row("", "ren[ame]", Unsupported("The name of a cluster is given when it is formed.")),
    row("", "listnetpri[ority]", Unsupported("Networks have no priorities here.")),
    row("", "setnetpri[ority]", Unsupported("Networks have no priorities here.")),
    row("", "changepass[word]", Unsupported("There is no service account here.")),
    row("", "priv[properties]", Unsupported(NO_PRIVATE)),
    row("", "regext", Unsupported(NO_ADMIN_EXTENSIONS)),
    row("", "unregext", Unsupported(NO_ADMIN_EXTENSIONS)),
    row("", "setfail[ureactions]", Unsupported("The service is started again by the lab, or by whatever runs it.")),
    row("", "regadminext", Unsupported(NO_ADMIN_EXTENSIONS)),
    row("", "unregadminext", Unsupported(NO_ADMIN_EXTENSIONS)),
];

/// Old nouns and the present ones.
const NOUNS: &[(&str, &str)] = &[
    ("node", "node"),
    ("group", "group"),
    ("res", "resource"),
    ("resource", "resource"),
    ("restype", "restype"),
    ("resourcetype", "restype"),
    ("net", "network"),
    ("network", "network"),
    ("cluster", ""),
];

/// Turns an argument list in the old syntax into one in the present syntax.
///
/// `arguments` is without the program's name; `verbs` tells the verbs of a noun in the present syntax. `None` when the
/// argument list is not in the old syntax.
///
/// # Errors
/// A sentence for people when the option is unknown, unsupported, or lacks its value.
pub fn translate(arguments: &[String], verbs: impl Fn(&str) -> Vec<String>) -> Option<Result<Vec<String>, String>> {
    let mut rest = arguments;
    let mut front = Vec::new();
    if let Some((first, after)) = rest.split_first() {
        if let Some(url) = strip_option(first, "cluster") {
            front = vec!["--cluster".to_owned(), url.to_owned()];
            rest = after;
        } else if first.starts_with("http://") {
            front = vec!["--cluster".to_owned(), first.clone()];
            rest = after;
        }
    }
    let Some(first) = rest.first() else { return (!front.is_empty()).then(|| Err(NO_OBJECT.to_owned())) };
    let noun = if first.starts_with('/') { Some("") } else { noun_of(first) };
    let Some(noun) = noun else { return (!front.is_empty()).then(|| Ok([front, rest.to_vec()].concat())) };
    let words = if first.starts_with('/') { rest } else { &rest[1..] };
    let is_present = words.first().is_some_and(|word| word.starts_with('-') || verbs(noun).iter().any(|v| v == word));
    if is_present {
        return (!front.is_empty()).then(|| Ok([front, rest.to_vec()].concat()));
    }
    Some(read(noun, words).map(|present| [front, present].concat()))
}

/// Switches of the cmdlets, which stand behind one hyphen, and the present options.
const SWITCHES: &[(&str, &str)] = &[
    ("-ForceQuorum", "--force-quorum"),
    ("-FixQuorum", "--force-quorum"),
    ("-FQ", "--force-quorum"),
    ("-PreventQuorum", "--prevent-quorum"),
    ("-PQ", "--prevent-quorum"),
    ("-ClearQuarantine", "--clear-quarantine"),
    ("-CQ", "--clear-quarantine"),
    ("-NodeMajority", "--node-majority"),
    ("-NoWitness", "--node-majority"),
    ("-NodeAndDiskMajority", "--node-and-disk-majority"),
    ("-DiskWitness", "--node-and-disk-majority"),
    ("-NodeAndFileShareMajority", "--node-and-file-share-majority"),
    ("-FileShareWitness", "--node-and-file-share-majority"),
    ("-DiskOnly", "--disk-only"),
];

/// Nouns whose verbs have such switches.
const NOUNS_WITH_SWITCHES: &[&str] = &["node", "quorum"];

/// Turns the switches of Start-ClusterNode and Set-ClusterQuorum into present options: `cluster node start n1 -FQ`.
#[must_use]
pub fn cmdlet_switches(arguments: Vec<OsString>) -> Vec<OsString> {
    let has_noun = arguments.iter().any(|a| NOUNS_WITH_SWITCHES.iter().any(|noun| a == noun));
    if !has_noun {
        return arguments;
    }
    let present = |word: OsString| {
        let found = word.to_str().and_then(|w| SWITCHES.iter().find(|(switch, _)| switch.eq_ignore_ascii_case(w)));
        found.map_or(word, |(_, option)| OsString::from(option))
    };
    arguments.into_iter().map(present).collect()
}

const NO_OBJECT: &str = "Say what to do with the cluster, for example `cluster /cluster:URL group /status`.";

fn noun_of(word: &str) -> Option<&'static str> {
    NOUNS.iter().find(|(old, _)| old.eq_ignore_ascii_case(word)).map(|(_, present)| *present)
}

/// `/name:value` with this name, in any case: the value.
fn strip_option<'a>(word: &'a str, name: &str) -> Option<&'a str> {
    let (option, value) = word.strip_prefix('/')?.split_once(':')?;
    option.eq_ignore_ascii_case(name).then_some(value)
}

/// Reads what stands after the noun.
fn read(noun: &'static str, words: &[String]) -> Result<Vec<String>, String> {
    let mut name: Option<&str> = None;
    let mut verb: Option<(Meaning, Option<&str>)> = None;
    let mut added: Vec<String> = Vec::new();
    let mut assignments: Vec<String> = Vec::new();
    for word in words {
        let Some(option) = word.strip_prefix('/') else {
            if verb.is_some() && word.contains('=') {
                assignments.push(assignment(word)?);
            } else if name.is_none() && verb.is_none() && !noun.is_empty() {
                name = Some(word);
            } else {
                return Err(format!("'{word}' was not expected here. Names with blanks need quotation marks."));
            }
            continue;
        };
        let (option, value) = option.split_once(':').map_or((option, None), |(o, v)| (o, Some(v)));
        if option.eq_ignore_ascii_case("wait") {
            added.push("--wait".to_owned());
            added.extend(value.map(str::to_owned));
            continue;
        }
        let row = find(noun, option)?;
        match row.meaning {
            Adds(words) => added.extend(fill(words, None, value)),
            Unsupported(why) => return Err(format!("/{option} of cluster.exe is not supported. {why}")),
            meaning @ (Verb(_) | VerbOf(..) | Assign { .. } | Either { .. }) => {
                if verb.is_some() {
                    return Err(format!("/{option}: only one thing can be done at a time."));
                }
                if let (VerbOf(_, what), None | Some("")) = (meaning, value) {
                    return Err(format!("/{option} needs {what}: /{option}:VALUE."));
                }
                verb = Some((meaning, value));
            }
        }
    }
    let (meaning, value) = verb.unwrap_or((Verb(if name.is_some() { &["show", NAME] } else { &["list"] }), None));
    let present = match meaning {
        Verb(words) | VerbOf(words, _) => words,
        Either { sets, shows } => {
            let stands_alone = value.is_none_or(str::is_empty) && added.iter().all(|word| word == "--wait");
            if stands_alone { shows } else { sets }
        }
        Assign { sets, shows } => {
            if assignments.is_empty() {
                shows
            } else {
                sets
            }
        }
        Adds(_) | Unsupported(_) => &[],
    };
    // Networks are only ever listed; of the others, the status of none in particular is that of all.
    let is_list = noun == "network" || (name.is_none() && matches!(present, ["show", ..]));
    let present: &[&str] = if is_list { &["list"] } else { present };
    if name.is_none() && present.contains(&NAME) {
        return Err(format!("Name the {noun}: cluster {noun} \"NAME\" /option."));
    }
    let noun_word = (!noun.is_empty()).then(|| noun.to_owned());
    Ok(noun_word.into_iter().chain(fill(present, name, value)).chain(added).chain(assignments).collect())
}

/// The row of an option, written in full or abbreviated.
fn find(noun: &str, option: &str) -> Result<&'static Row, String> {
    let option_lower = option.to_ascii_lowercase();
    let matches = |row: &&Row| {
        let (least, optional) = row.option.split_once('[').unwrap_or((row.option, ""));
        let full = format!("{least}{}", optional.trim_end_matches(']'));
        option_lower.starts_with(least) && full.starts_with(&option_lower)
    };
    let rows = || TABLE.iter().filter(|row| row.noun == noun);
    // An exact row first: /type is not an abbreviation of anything.
    rows().find(|row| row.option == option_lower).or_else(|| rows().find(matches)).ok_or_else(|| {
        let known: Vec<&str> = rows().filter(|r| !matches!(r.meaning, Unsupported(_))).map(|r| r.option).collect();
        let of = if noun.is_empty() { "cluster".to_owned() } else { format!("cluster {noun}") };
        format!("{of} has no option /{option}. Known: /{}.", known.join(" /"))
    })
}

/// Puts name and value into the words of a verb. Without a value, the word `$` and the option before it are left out.
fn fill(words: &[&str], name: Option<&str>, value: Option<&str>) -> Vec<String> {
    let value = value.filter(|v| !v.is_empty());
    let mut filled: Vec<String> = Vec::new();
    for word in words {
        match (*word, value) {
            (NAME, _) => filled.push(name.unwrap_or_default().to_owned()),
            ("$", Some(value)) => filled.push(value.to_owned()),
            ("$,", Some(value)) => filled.extend(value.split(',').map(|v| v.trim().to_owned())),
            ("$" | "$,", None) => {
                filled.pop_if(|last| last.starts_with("--"));
            }
            (word, _) => filled.push(word.to_owned()),
        }
    }
    filled
}

/// `Name=Value:Type` as `Name:TYPE=Value`; a list of words keeps its commas.
fn assignment(word: &str) -> Result<String, String> {
    const TYPES: &[(&str, &str)] = &[
        ("DWORD", "REG_DWORD"),
        ("STR", "REG_SZ"),
        ("STRING", "REG_SZ"),
        ("EXPANDSTR", "REG_EXPAND_SZ"),
        ("EXPANDSTRING", "REG_EXPAND_SZ"),
        ("MULTISTR", "REG_MULTI_SZ"),
        ("MULTISTRING", "REG_MULTI_SZ"),
        ("BINARY", "REG_BINARY"),
    ];
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    if let Some((plain, kind)) = value.rsplit_once(':') {
        if kind.eq_ignore_ascii_case("SECURITY") {
            return Err("Security descriptors cannot be given as text.".to_owned());
        }
        if let Some((_, present)) = TYPES.iter().find(|(old, _)| old.eq_ignore_ascii_case(kind)) {
            return Ok(format!("{name}:{present}={plain}"));
        }
    }
    Ok(format!("{name}={value}"))
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
