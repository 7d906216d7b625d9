//! Every scenario in `examples/scenarios` goes as it says, and its log is the one that stands below it.
//!
//! `UPDATE_EXPECT=1` writes the log that is into the file; `SCENARIO=name` runs those whose name contains it.

use std::fs;
use std::path::{Path, PathBuf};

use cluster_engine::EngineSabotage;
use cluster_sim::scenario::{self, Simulated, Verdict, golden};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios")
}

fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let list = |folder: PathBuf| {
        let entries = fs::read_dir(folder).expect("the scenarios are part of the source");
        entries.map(|e| e.expect("a readable folder").path())
    };
    let mut files: Vec<PathBuf> = list(folder()).chain(list(folder().join("quorum"))).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "scenario") && f.to_string_lossy().contains(&wanted));
    files.sort();
    files
}

/// Plays one; returns what is wrong with it.
fn check(file: &Path, update: bool) -> Option<String> {
    let text = fs::read_to_string(file).expect("a readable file");
    let report = scenario::run(&text);
    if update && report.verdict != Verdict::Unreadable {
        let new = golden::rewritten(&text, &report.log);
        if new != text {
            fs::write(file, new).expect("the file can be written");
        }
    }
    let is_golden = golden::split(&text).1.is_some();
    let mut wrong: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    if update {
        wrong.retain(|w| !w.ends_with(": the log is not the expected one"));
    } else if !is_golden {
        wrong.push("it has no expected log; write it with UPDATE_EXPECT=1 and read it".to_owned());
    }
    if let Some(line) = report.log.iter().find(|line| line.contains("-4000-8000-")) {
        wrong.push(format!("an id stands in the log where a name should: {line}"));
    }
    if wrong.is_empty() {
        return None;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let difference = report.difference.filter(|_| !update).unwrap_or_default();
    Some(format!("{name}\n  {}\n{difference}", wrong.join("\n  ")))
}

#[test]
fn every_scenario_goes_as_it_says() {
    let update = std::env::var("UPDATE_EXPECT").is_ok_and(|v| v == "1");
    let files = files();
    let wrong: Vec<String> = files.iter().filter_map(|f| check(f, update)).collect();
    assert!(wrong.is_empty(), "{} of {} scenarios:\n\n{}", wrong.len(), files.len(), wrong.join("\n"));
    if std::env::var("SCENARIO").is_err() {
        assert!(files.len() >= 30, "only {} scenarios were found", files.len());
    }
}

/// What is said of a script that cannot be understood: line and text of the first failure.
fn check_unreadable(script: &str, line: usize, parts: &[&str]) {
    check_place(script, line, None, parts);
}

/// The same, and the column at which it stands.
fn check_place(script: &str, line: usize, column: Option<usize>, parts: &[&str]) {
    let report = scenario::run(script);
    assert_eq!(report.verdict, Verdict::Unreadable, "{script}");
    let first = report.failures.first().expect("an unreadable script has a failure");
    assert_eq!(first.line, line, "{script}: {first}");
    if column.is_some() {
        assert_eq!(first.column, column, "{script}: {first}");
    }
    for part in parts {
        assert!(first.text.contains(part), "{script}: '{part}' is not in: {first}");
    }
}

#[test]
fn what_cannot_be_understood_is_said_with_line_and_form() {
    let with = |line: &str| format!("nodes 2\ngroup Web on n1\nresource App in Web\ndisk Q\nshare W\nbegin\n{line}\n");
    for (column, line, parts) in [
        (1, "jump n1", &["'jump' is neither a word of the language", "move", "thaw", "nor a resource (App, Q, W)"][..]),
        (13, "move Web to n3", &["'n3' is not the name of a node (known: n1, n2)", "Write: move GROUP"]),
        (8, "  move Wbe to n2", &["'Wbe' is not the name of a group", "Web"]),
        (10, "move Web n2", &["'n2' is too much", "Write: move GROUP [to NODE]"]),
        (12, "move Web to", &["the name of a node is expected after 'to'"]),
        (5, "kill", &["the name of a node is expected after 'kill'"]),
        (7, "after 5", &["a time such as 500ms, 2s, 3min or 1h", "not '5'"]),
        (7, "after 99h", &["not more than 48h"]),
        (7, "after 99999999999999999999s", &["is expected, not"]),
        (4, "at 25:00", &["is expected, not '25:00'"]),
        (4, "at 9:00", &["is expected, not '9:00'"]),
        (11, "until Web Online", &["'is' is expected before 'Online'"]),
        (14, "until Web is Onlien", &["'Onlien' is not a state of a group or a resource (known: Online, Offline"]),
        (11, "expect n1 Online", &["'Online' is not a state of a node (known: Up, Down"]),
        (16, "expect refused 5071 move Web", &["an error code and a colon, as in 5071:"]),
        (16, "expect refused many", &["an error code, as in 5071 or 5071:, is expected, not 'many'"]),
        (22, "expect refused 5071: kill n1", &["'kill' cannot be asked for (known: online", "quorum, dynamic"]),
        (14, "expect event many", &["an event id is expected, not 'many'"]),
        (19, "expect event 1 at n7", &["'n7' is not the name of a node"]),
        (11, "App fails onlien", &["'online' or 'offline' is expected, not 'onlien'", "Write: RESOURCE fails"]),
        (12, "App cannot swim", &["'open' is expected before 'swim'"]),
        (5, "App sleeps", &["'sleeps' is not what a resource does (known: fails, hangs"]),
        (1, "Q fails online", &["'Q' is a quorum device; cut its storage paths"]),
        (8, "cut n1 n1", &["no wire to itself"]),
        (13, "cut storage n1", &["'of' is expected before 'n1'", "cut storage of NODE..."]),
        (12, "cut storage", &["'of' is expected after 'storage'"]),
        (14, "partition n1 n2", &["two sides with a '|' between them are expected"]),
        (11, "partition n1", &["'n2' stands on no side"]),
        (19, "partition n1 n2 | n1", &["'n1' stands on a side already"]),
        (15, "partition n1 |", &["the name of a node is expected after '|'"]),
        (6, "heal n1", &["'n1' is too much"]),
        (10, "force n1 n2", &["'n2' is too much", "Write: force NODE"]),
        (8, "quorum nodes", &["'nodes' is not a quorum model (known: node, disk)", "quorum node and disk NAME"]),
        (12, "quorum node", &["'and' is expected after 'node'"]),
        (17, "quorum node and tape Q", &["'tape' is not a quorum device (known: disk, share)"]),
        (22, "quorum node and disk W", &["'W' is not the name of a disk witness (known: Q)"]),
        (18, "quorum disk only W", &["'W' is not the name of a disk witness (known: Q)"]),
        (16, "dynamic quorum maybe", &["'maybe' is not a position of the switch (known: on, off)"]),
        (7, "write n1", &["'at' is expected before 'n1'"]),
        (14, "expect votes nobody", &["'nobody' is not the name of a node"]),
        (16, "expect witness at n1", &["'at' is not where the witness votes (known: on, nowhere)"]),
        (15, "expect quorum held at n1", &["'held' is not what becomes of quorum (known: kept, lost)"]),
        (13, "expect step Winning", &["'Winning' is not a step of an arbitration (known: Needed, Challenge"]),
        (21, "expect acknowledged n1", &["'n1' is too much"]),
        (13, "set Priority", &["a value of 'Priority' is expected"]),
        (1, "set", &["a property and its value are expected"]),
        (1, "group Mail on n1", &["'group' must stand before 'begin'"]),
        (1, "disk R", &["'disk' must stand before 'begin'"]),
        (1, "begin", &["'begin' must stand before 'begin'"]),
        (8, "online \"Web", &["a quotation mark is opened and not closed"]),
        (8, "online [Web", &["a bracket is opened and not closed"]),
    ] {
        check_place(&with(line), 7, Some(column), parts);
    }
    check_unreadable("", 1, &["no 'begin'"]);
    check_unreadable("nodes 2\ngroup Web on n1\n", 2, &["no 'begin'"]);
    check_unreadable("group Web on n1\n", 1, &["says how many nodes there are"]);
    check_unreadable("nodes 17\n", 1, &["1 to 16 nodes, not 17"]);
    check_unreadable("nodes 0\n", 1, &["1 to 16 nodes, not 0"]);
    check_unreadable("nodes 1\nnodes 1\n", 2, &["are there already"]);
    check_unreadable("nodes 1\nat 1s\n", 2, &["must stand after 'begin'"]);
    check_unreadable("nodes 1\ngroup n1 on n1\n", 2, &["'n1' is the name of something else already"]);
    check_unreadable("nodes 1 clock 24:00\n", 1, &["a time of day such as 21:58 is expected, not '24:00'"]);
    check_unreadable("nodes 1\ndisk Q interval 0ms\n", 2, &["a time from 1ms to 60000ms is expected"]);
    check_unreadable("nodes 1\ndisk Q delay 1s\n", 2, &["'delay' is too much", "disk NAME [interval SPAN]"]);
    check_unreadable("nodes 1\ndisk Q\nresource Q in Web\n", 3, &["'Q' is the name of something else already"]);
    check_unreadable(&"# x\n".repeat(3_000), 2_001, &["at most 2000 lines"]);
}

/// What a story that goes otherwise than it says is blamed for.
fn check_failed(script: &str, failures: &[(usize, &str)]) {
    let report = scenario::run(script);
    assert_eq!(report.verdict, Verdict::Failed, "{script}\n{:?}", report.failures);
    assert_eq!(report.failures.len(), failures.len(), "{:?}", report.failures);
    for (found, (line, part)) in report.failures.iter().zip(failures) {
        assert_eq!(found.line, *line, "{found}");
        assert!(found.text.contains(part), "'{part}' is not in: {found}");
    }
}

#[test]
fn a_story_that_goes_otherwise_fails() {
    let web = "nodes 1\ngroup Web on n1\nresource App in Web\nonline Web\nbegin\n";
    let with = |lines: &str| format!("{web}{lines}");
    // Wrong expectations are collected; an act that cannot be ends the story.
    check_failed(
        &with("expect Web Offline\nexpect not App Online\nexpect event 1069\nexpect n1 runs nothing\n"),
        &[(6, "Web is Online on n1"), (7, "but it is so"), (8, "event 1069 was told 0 time(s)"), (9, "n1 runs App")],
    );
    check_failed(
        &with("until Web is Offline within 3s\nexpect Web Failed\n"),
        &[(6, "not within 3000 ms; Web is Online")],
    );
    check_failed(&with("expect refused 5071: offline Web\n"), &[(6, "was accepted")]);
    check_failed(
        &with("expect refused 5071: online Web on n1 from n1\nexpect Web Offline\n"),
        &[(6, "was accepted"), (7, "Online")],
    );
    check_failed(&with("set Prioritty 1 of Web\n"), &[(6, "was refused with 87")]);
    check_failed(&with("offline App\nuntil settled\nfail App\n"), &[(8, "'App' does not run anywhere")]);
    check_failed(&with("after 3s\nat 1s\n"), &[(7, "3000 ms of the story have passed already")]);
    check_failed(&with("kill n1\nonline Web\n"), &[(7, "no node runs")]);
    check_failed(&with("kill n1\nexpect Web Online\n"), &[(7, "no node is in quorum")]);
    check_failed(
        "nodes 1\ngroup Web on n1\nresource App in Web depends [Nobody]\nbegin\n",
        &[(3, "was refused with 5007")],
    );
}

#[test]
fn a_log_that_differs_is_shown_line_by_line() {
    let script = "nodes 1\ngroup Web on n1\nresource App in Web\nbegin\nonline Web\nuntil settled\n";
    let log = scenario::run(script).log;
    assert!(log.len() >= 3, "{log:?}");
    let golden = golden::rewritten(script, &log);
    assert_eq!(scenario::run(&golden).verdict, Verdict::Passed);
    assert_eq!(golden::rewritten(&golden, &log), golden, "writing it again changes nothing");

    let last = log.last().expect("not empty");
    let other = golden.replace(last.as_str(), "+9.999    something else");
    let report = scenario::run(&other);
    assert_eq!(report.failures.iter().map(|f| f.line).collect::<Vec<_>>(), [7]);
    let difference = report.difference.expect("it differs");
    assert!(difference.ends_with(&format!("- +9.999    something else\n+ {last}\n")), "{difference}");
    assert!(scenario::run(&format!("{script}---\n")).difference.is_some(), "an empty log is not the log");
}

/// A rule is taken out of the engine, and the promises notice during the story.
#[test]
fn the_promises_are_checked_while_a_story_is_played() {
    let text = "nodes 3\ngroup Web on n2\nresource App in Web\nonline Web\nbegin\ncut n2 n1\ncut n2 n3\nuntil Web is Online on n3\n";
    let script = scenario::parse(text).expect("it is well written");
    let honest = scenario::play(&script, &mut Simulated::default());
    assert!(honest.is_empty(), "{honest:?}");
    let sabotage = EngineSabotage { ignore_lease: true, ..EngineSabotage::default() };
    let sabotaged = scenario::play(&script, &mut Simulated::sabotaged(sabotage));
    assert_eq!(sabotaged.len(), 1, "{sabotaged:?}");
    assert!(sabotaged[0].text.contains("the promise one_host was broken"), "{}", sabotaged[0]);
}
