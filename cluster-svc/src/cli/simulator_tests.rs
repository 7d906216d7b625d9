//! `cluster scenario` and `cluster sim`: what lines are read as, what they print, and their exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use cluster_sim::report::scenarios;
use cluster_sim::report::timeline::{self, Lane, Timeline};
use cluster_sim::scenario::script::Condition;
use cluster_sim::scenario::{self, Simulated, Stage, golden};
use cluster_sim::storm::Kind;

use super::args::{Cluster, Command, Run, Scenario, Sim};
use super::trouble::Trouble;
use super::{scenario as command, sim};

const GOOD: &str =
    "nodes 1\ngroup Web on n1\nresource App in Web\nbegin\nonline Web\nuntil settled\nexpect Web Online\n";
const WRONG: &str = "nodes 1\nbegin\nexpect n1 Down\n";

fn parse(line: &[&str]) -> Result<Command, clap::error::ErrorKind> {
    let words = std::iter::once("cluster").chain(line.iter().copied());
    Cluster::try_parse_from(words).map(|c| c.command).map_err(|e| e.kind())
}

#[test]
fn lines_are_read_as_what_they_say() {
    let with = |files: &[&str], junit: Option<&str>, html: Option<&str>, update, real, keep| {
        let log = false;
        let files = files.iter().map(PathBuf::from).collect();
        let (junit, html) = (junit.map(Into::into), html.map(Into::into));
        Ok(Command::Scenario(Scenario::Run(Run { files, junit, html, update, log, real, keep })))
    };
    let run = |files: &[&str], junit, html, update| with(files, junit, html, update, false, false);
    let sim = |seed, count, trace| {
        let (kind, shrink, speed, experiment) = (Kind::Any, false, false, None);
        Ok(Command::Sim(Sim { seed, count, kind, trace, shrink, speed, experiment }))
    };
    for (line, expected) in [
        (&["scenario", "run", "a", "b"][..], run(&["a", "b"], None, None, false)),
        (&["scenario", "run", "a", "--junit", "x", "--html", "h", "--update"], run(&["a"], Some("x"), Some("h"), true)),
        (&["scenario", "run", "--json", "a"], run(&["a"], None, None, false)),
        (&["scenario", "check", "a"], Ok(Command::Scenario(Scenario::Check { files: vec!["a".into()] }))),
        (&["scenario", "forms"], Ok(Command::Scenario(Scenario::Forms))),
        (&["sim"], sim(None, 1, false)),
        (&["sim", "--seed", "7", "--count", "3", "--trace", "--json"], sim(Some(7), 3, true)),
        (&["scenario", "run"], Err(clap::error::ErrorKind::MissingRequiredArgument)),
        (&["scenario", "check"], Err(clap::error::ErrorKind::MissingRequiredArgument)),
        (&["scenario", "run", "a", "--real"], with(&["a"], None, None, false, true, false)),
        (&["scenario", "run", "a", "--real", "--keep"], with(&["a"], None, None, false, true, true)),
        (&["scenario", "run", "a", "--keep"], Err(clap::error::ErrorKind::MissingRequiredArgument)),
        (&["scenario", "run", "a", "--real", "--update"], Err(clap::error::ErrorKind::ArgumentConflict)),
        (&["sim", "--kind", "disk"], {
            let Ok(Command::Sim(plain)) = sim(None, 1, false) else { panic!("a storm") };
            Ok(Command::Sim(Sim { kind: Kind::Disk, ..plain }))
        }),
        (&["sim", "--kind", "gentle"], Err(clap::error::ErrorKind::ValueValidation)),
        (&["sim", "--shrink", "--trace"], Err(clap::error::ErrorKind::ArgumentConflict)),
        (&["sim", "--seed", "1", "sweep", "a"], Err(clap::error::ErrorKind::ArgumentConflict)),
        (&["sim", "sweep"], Err(clap::error::ErrorKind::MissingRequiredArgument)),
        (&["sim", "availability", "--node", "5"], Err(clap::error::ErrorKind::WrongNumberOfValues)),
        (&["sim", "--count", "0"], Err(clap::error::ErrorKind::ValueValidation)),
        (&["sim", "--count", "1000001"], Err(clap::error::ErrorKind::ValueValidation)),
        (&["sim", "--seed", "-1"], Err(clap::error::ErrorKind::UnknownArgument)),
        (&["sim", "--seed", "many"], Err(clap::error::ErrorKind::ValueValidation)),
    ] {
        assert_eq!(parse(line), expected, "{line:?}");
    }
}

/// Runs `cluster scenario` in a folder with these files; `line` has `@` for the folder. Exit code and output.
fn scenario_command(folder: &Path, line: &[&str]) -> Result<(u8, String), Trouble> {
    let folder = folder.display().to_string();
    let words: Vec<String> = line.iter().map(|w| w.replace('@', &folder)).collect();
    let words = ["cluster", "scenario"].into_iter().chain(words.iter().map(String::as_str));
    let cluster = Cluster::try_parse_from(words).expect("a line that can be read");
    let Command::Scenario(verb) = cluster.command else { panic!("not a scenario command") };
    let mut out = Vec::new();
    let code = command::run(&verb, cluster.common.json, &mut out)?;
    Ok((code, String::from_utf8(out).expect("text").replace(&folder, "@")))
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    folder
}

#[test]
fn exit_codes_say_how_it_went() {
    let long = vec![b'#'; scenario::SCENARIO_BYTES + 1];
    let folder = folder(&[
        ("good", GOOD.as_bytes()),
        ("wrong", WRONG.as_bytes()),
        ("nonsense", b"jump\n"),
        ("latin", b"nodes 1\n# caf\xe9\n"),
        ("long", &long),
    ]);
    for (line, code, part) in [
        (&["run", "@/good", "--log"][..], 0, "writes one)\n+0.000    > online Web\n"),
        (&["run", "@/good"], 0, "passed     @/good (it has no expected log; --update writes one)\n"),
        (&["run", "@/wrong"], 1, "FAILED     @/wrong\n    line 3: expect n1 Down: n1 is Up\n"),
        (&["run", "@/good", "@/wrong"], 1, "1 passed, 1 failed\n"),
        (&["run", "@/nonsense", "@/wrong", "@/good"], 2, "1 passed, 1 failed, 1 unreadable\n"),
        (&["run", "@/absent"], 2, "UNREADABLE @/absent\n    line 1: cannot be read: "),
        (&["run", "@"], 2, "line 1: this is a folder; name files, such as @/*.scenario"),
        (&["run", "@/latin"], 2, "line 2: this is no UTF-8 text"),
        (&["run", "@/long"], 2, "has at most 1048576 bytes"),
        (&["check", "@/good", "@/wrong"], 0, "readable   @/good\nreadable   @/wrong\n"),
        (&["check", "@/nonsense"], 2, "UNREADABLE @/nonsense\n    line 1, column 1: 'jump'"),
        (&["check", "@/good", "--json"], 0, "\"steps\":7"),
        (&["forms"], 0, "until settled | until NAME is STATE"),
    ] {
        let (found, out) = scenario_command(folder.path(), line).expect("no trouble");
        assert_eq!(found, code, "{line:?}\n{out}");
        assert!(out.contains(part), "{line:?}: '{part}' is not in:\n{out}");
    }
}

#[test]
fn results_are_json_and_files() {
    let folder = folder(&[("good", GOOD.as_bytes()), ("wrong", WRONG.as_bytes())]);
    let line = ["run", "@/good", "@/wrong", "--json", "--junit", "@/x.xml", "--html", "@/p.html"];
    let (code, out) = scenario_command(folder.path(), &line).expect("no trouble");
    assert_eq!(code, 1);
    let objects: Vec<serde_json::Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let verdicts: Vec<_> = objects.iter().map(|o| (o["file"].clone(), o["verdict"].clone())).collect();
    assert_eq!(verdicts, [("@/good".into(), "passed".into()), ("@/wrong".into(), "failed".into())]);
    assert_eq!(objects[1]["failures"][0]["line"], 3);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert!(text("x.xml").contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{}", text("x.xml"));
    assert!(text("p.html").matches("<svg").count() == 2);

    let nowhere = scenario_command(folder.path(), &["run", "@/good", "--html", "@/no/p.html"]);
    let trouble = nowhere.expect_err("there is no such folder");
    assert_eq!(trouble.exit_code(), 1);
    assert!(trouble.to_string().contains("p.html"), "{trouble}");
}

#[test]
fn update_writes_the_log_only_into_stories_that_go_as_they_say() {
    let old_log = format!("{GOOD}---\n+0.000    something else\n");
    let both = format!("{WRONG}---\n+0.000    something else\n");
    let folder = folder(&[("new", GOOD.as_bytes()), ("old", old_log.as_bytes()), ("wrong", both.as_bytes())]);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
    let line = ["run", "--update", "@/new", "@/old", "@/wrong"];
    let (code, out) = scenario_command(folder.path(), &line).expect("no trouble");
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("passed     @/old (its expected log was written)"), "{out}");
    assert_eq!(text("new"), golden::rewritten(GOOD, &scenario::run(GOOD).log));
    assert_eq!(text("new"), text("old"));
    assert_eq!(text("wrong"), both, "a story that goes otherwise keeps its log");
    let (code, out) = scenario_command(folder.path(), &["run", "--update", "@/new"]).expect("no trouble");
    assert_eq!((code, out.as_str()), (0, "passed     @/new\n"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "nothing is left lying about");
}

fn sim_command(line: &[&str]) -> Result<(u8, String, String), Trouble> {
    let cluster = Cluster::try_parse_from(["cluster", "sim"].iter().chain(line)).expect("a line that can be read");
    let Command::Sim(options) = cluster.command else { panic!("not sim") };
    let (mut out, mut aside) = (Vec::new(), Vec::new());
    let code = sim::run(&options, cluster.common.json, &mut out, &mut aside)?;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ok((code, text(out), text(aside)))
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for line in
        [&["--seed", "5", "--trace"][..], &["--seed", "5", "--count", "2"], &["--seed", "5", "--trace", "--json"]]
    {
        let (one, two) = (sim_command(line).expect("no trouble"), sim_command(line).expect("no trouble"));
        assert_eq!((one.0, &one.1), (two.0, &two.1), "{line:?}");
        assert_eq!(one.0, 0);
    }
    let (_, trace, aside) = sim_command(&["--seed", "5", "--trace"]).expect("no trouble");
    assert!(trace.starts_with("seed                   5\nkind "), "the settings come first");
    assert!(trace.lines().count() > 200, "a trace has many lines");
    assert!(trace.ends_with("1 of 1 storms passed, seeds 5 to 5\n"));
    assert!(aside.contains(" virtual node-seconds per CPU second"), "{aside}");
    assert_ne!(trace, sim_command(&["--seed", "6", "--trace"]).expect("no trouble").1);
}

#[test]
fn experiments_print_tables_and_json() {
    let folder = folder(&[("two", GOOD.replace("nodes 1", "nodes 2").as_bytes()), ("plot", b"")]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (code, table, _) = sim_command(&["sweep", &path("two")]).expect("no trouble");
    assert!(code == 0 && table.starts_with("FAULT") && table.contains("kill n1"), "{table}");
    let (_, json, _) = sim_command(&["sweep", &path("two"), "--pairs", "--json"]).expect("no trouble");
    let object: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    // 2 kills, 2 cuts, 1 resource, and all pairs.
    assert_eq!(object["cases"].as_array().map(Vec::len), Some(5 + 10));
    let trouble = sim_command(&["sweep", &path("absent")]).expect_err("there is no such file");
    assert!(trouble.to_string().contains("absent"), "{trouble}");

    let line = ["availability", "--nodes", "2", "--seeds", "1", "--minutes", "2", "--svg", &path("plot")];
    let (_, table, _) = sim_command(&line).expect("no trouble");
    assert!(table.contains("DiskOnly") && table.contains('%'), "{table}");
    assert!(fs::read_to_string(path("plot")).expect("the plot").starts_with("<svg"));

    let (code, text, _) = sim_command(&["--seed", "5", "--kind", "failing", "--shrink"]).expect("no trouble");
    assert_eq!((code, text.as_str()), (0, "seed 5 breaks no promise, so there is nothing to shrink\n"));
    let trouble = sim_command(&["--shrink"]).expect_err("which one?");
    assert!(trouble.to_string().contains("--seed SEED --shrink"), "{trouble}");
}

#[test]
fn a_drawn_seed_is_printed_and_seeds_end_somewhere() {
    let (_, out, _) = sim_command(&["--json"]).expect("no trouble");
    let object: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let seed = object["settings"]["seed"].as_u64().expect("a seed");
    assert_eq!(object["replay"], format!("cluster sim --seed {seed}"));

    let trouble = sim_command(&["--seed", &u64::MAX.to_string(), "--count", "2"]).expect_err("there is no next seed");
    assert!(trouble.to_string().contains("there are only 1 seeds"), "{trouble}");
    assert_eq!(trouble.exit_code(), 2);
}

// ---- the timeline and the guide ----

/// What the last span of a lane says must be true in the world at the end of the story. Returns how much was compared.
fn check_end(name: &str, timeline: &Timeline, stage: &mut Simulated) -> usize {
    let last = |lane: &Lane| lane.spans.last().expect("a lane has a span").look.clone();
    let mut holds = |condition: Condition| stage.look(&condition).is_ok();
    let mut compared = 0;
    for lane in &timeline.nodes {
        let look = last(lane);
        if ["Up", "Paused"].contains(&look.word) {
            let (node, state) = (lane.name.clone(), look.word.to_owned());
            assert!(holds(Condition::Node { node, state }), "{name}: {} is not {} at the end", lane.name, look.word);
            compared += 1;
        }
    }
    for lane in &timeline.groups {
        let look = last(lane);
        let mut is = |state: &str, on| holds(Condition::State { name: lane.name.clone(), state: state.to_owned(), on });
        let states = ["Online", "Offline", "Failed", "PartialOnline", "Pending"];
        match states.contains(&look.word) {
            true => assert!(is(look.word, look.owner.clone()), "{name}: {} is not {look:?}", lane.name),
            false => assert!(!states.iter().any(|s| is(s, None)), "{name}: {} is known, not {look:?}", lane.name),
        }
        compared += 1;
    }
    compared
}

#[test]
fn timelines_of_the_examples_end_as_the_world_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios");
    let files = fs::read_dir(folder).expect("the scenarios are part of the source").map(|f| f.expect("a file").path());
    let (mut compared, mut words) = (0, BTreeSet::new());
    for file in files.filter(|f| f.extension().is_some_and(|e| e == "scenario")) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let name = file.display().to_string();
        let script = scenario::parse(golden::split(&text).0).expect("a readable script");
        let mut stage = Simulated::default();
        assert_eq!(scenario::play(&script, &mut stage), [], "{name}");
        let timeline = timeline::read(&text, &scenario::run(&text)).expect("the story begins");
        compared += check_end(&name, &timeline, &mut stage);
        let lanes = timeline.nodes.iter().chain(&timeline.groups);
        words.extend(lanes.flat_map(|lane| lane.spans.iter().map(|span| span.look.word)));
    }
    assert!(compared > 300, "only {compared} lanes were compared");
    let all =
        ["Up", "Paused", "Not running", "No quorum", "Joining", "Evicted", "Online", "Offline", "Pending", "Failed"];
    let missing: Vec<_> = all.iter().filter(|word| !words.contains(*word)).collect();
    assert!(missing.is_empty(), "no lane ever shows {missing:?}");
}

const GUIDE: &str = include_str!("../../../docs/scenarios.md");

/// What stands between two fences that begin with these words.
fn blocks(kind: &str) -> impl Iterator<Item = &str> {
    let fenced = GUIDE.split("```").skip(1).step_by(2);
    fenced.filter_map(move |block| block.strip_prefix(kind)?.strip_prefix('\n'))
}

#[test]
fn the_guide_has_every_form_and_explains_each_word() {
    let forms: Vec<&str> = blocks("forms").collect();
    assert_eq!(forms, [scenarios::form_list()], "docs/scenarios.md must show what `cluster scenario forms` prints");
    for form in scenario::forms() {
        let word = form.split(' ').find(|word| word.chars().all(char::is_lowercase)).expect("a form has a word");
        assert!(GUIDE.contains(&format!("| `{word}` |")), "docs/scenarios.md does not explain `{word}`");
    }
}

#[test]
fn the_examples_of_the_guide_pass() {
    let examples: Vec<&str> = blocks("scenario").collect();
    assert!(examples.len() >= 3, "{} examples", examples.len());
    for example in examples {
        let report = scenario::run(example);
        assert_eq!(report.failures, [], "{example}\n{}", report.difference.unwrap_or_default());
    }
}
