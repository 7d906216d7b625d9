//! Scenarios with real processes: the eight stories about quorum come to the same verdict in virtual time and with real
//! processes, and however a story ends, nothing of it is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use wolfden_tests::figure;
use wolfden_tests::ground::Ground;
use wolfden_tests::{lab, processes, programs};

/// How long one story may take with real processes, its start and its end included.
const STORY_LIMIT: Duration = Duration::from_secs(180);
/// How long a lab may take until its processes are there.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a broken off story may take to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What everything that a story starts has in its command line or environment: the folder for its directories.
fn stage(ground: &Ground) -> PathBuf {
    let stage = ground.path().canonicalize().expect("a folder").join("stage");
    fs::create_dir_all(&stage).expect("a folder");
    stage
}

fn scenario(ground: &Ground, words: &[&str]) -> Child {
    let mut command = Command::new(programs::cluster());
    command.args(["scenario", "run"]).args(words).current_dir(programs::root());
    command.env("TMPDIR", stage(ground)).env("XDG_STATE_HOME", ground.state());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command can be started")
}

/// Waits for the end of a story, and kills it when it takes too long.
fn end(mut story: Child, limit: Duration, what: &str) -> Output {
    let begun = Instant::now();
    while story.try_wait().expect("ours").is_none() {
        if begun.elapsed() > limit {
            // Its nodes end when it does.
            story.kill().expect("ours");
            panic!("{what} takes longer than {limit:?}: {:?}", story.wait_with_output());
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    story.wait_with_output().expect("ours")
}

fn run(ground: &Ground, words: &[&str]) -> (Option<i32>, String) {
    let output = end(scenario(ground, words), STORY_LIMIT, &words.join(" "));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// No process and no directory.
fn check_nothing_left(ground: &Ground) {
    let stage = stage(ground);
    assert_eq!(processes::of(&stage.display().to_string()), [], "processes are left behind");
    let left: Vec<_> = fs::read_dir(&stage).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

fn write(ground: &Ground, text: &str) -> String {
    let path = ground.path().join("story.scenario");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// The eight stories, in the order of their names.
fn stories() -> Vec<PathBuf> {
    let folder = programs::root().join("examples/scenarios/quorum");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Plays a story without its expected log, which only virtual time can have.
fn verdict(ground: &Ground, file: &Path, real: bool) -> (Option<i32>, Value) {
    let text = fs::read_to_string(file).expect("a readable file");
    let file = write(ground, text.split("\n---\n").next().unwrap_or_default());
    let words = [&[file.as_str(), "--json"][..], if real { &["--real"] } else { &[] }].concat();
    let (code, out) = run(ground, &words);
    let line = out.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{file}: {out}"));
    (code, serde_json::from_str(line).expect("JSON"))
}

#[test]
fn the_eight_stories_come_to_the_same_verdict_in_virtual_time_and_with_real_processes() {
    let ground = Ground::new();
    let stories = stories();
    assert_eq!(stories.len(), 8, "{stories:?}");
    let mut wrong = Vec::new();
    for file in &stories {
        let (in_virtual_time, begun) = (verdict(&ground, file, false), Instant::now());
        let with_processes = verdict(&ground, file, true);
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        figure(&format!("scenario {name} with real processes: {} ms", begun.elapsed().as_millis()));
        for (code, report) in [&in_virtual_time, &with_processes] {
            if *code != Some(0) || report["verdict"] != "passed" {
                wrong.push(format!("{name} ({}): {}", report["stage"], report["failures"]));
            }
        }
        check_nothing_left(&ground);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_story_that_goes_otherwise_fails_and_leaves_nothing() {
    let ground = Ground::new();
    let story = "nodes 1\ngroup Web on n1\nresource App in Web\nonline Web\nbegin\nfail App\nuntil event 1069\n\
                 expect Web Failed\nuntil Web is Online\nexpect n1 Down\n";
    let (junit, html) = (ground.path().join("x.xml"), ground.path().join("x.html"));
    let (junit, html) = (junit.display().to_string(), html.display().to_string());
    let (code, out) = run(&ground, &[&write(&ground, story), "--real", "--junit", &junit, "--html", &html]);
    assert_eq!(code, Some(1), "{out}");
    for part in ["FAILED", "line 8: expect Web Failed: Web is Online on n1", "line 10: expect n1 Down: n1 is Up"] {
        assert!(out.contains(part), "'{part}' is not in:\n{out}");
    }
    let text = |path: &str| fs::read_to_string(path).expect("it was written");
    assert!(text(&junit).contains("classname=\"scenarios.real\"") && text(&junit).contains("failures=\"1\""));
    assert!(text(&html).contains("with real processes") && text(&html).contains("<svg"));
    check_nothing_left(&ground);
}

#[test]
fn what_cannot_be_played_is_said_before_anything_starts() {
    let ground = Ground::new();
    for (story, part) in [
        ("nodes 1 clock 12:00\nbegin\n", "line 1: nodes 1 clock 12:00: the time of day of real processes"),
        ("nodes 1\nbegin\nat 21:58\n", "line 3: at 21:58: the time of day"),
        ("nodes 1\nbegin\nafter 3h\n", "line 3: after 3h: real processes need real time"),
        ("nodes 1\nbegin\nuntil n1 is Up within 11min\n", "10 min is the most"),
        ("nodes 1\njump\n", "line 2, column 1: 'jump' is neither"),
    ] {
        let begun = Instant::now();
        let (code, out) = run(&ground, &[&write(&ground, story), "--real"]);
        assert_eq!(code, Some(2), "{story}\n{out}");
        assert!(out.contains(part), "'{part}' is not in:\n{out}");
        assert!(begun.elapsed() < START_LIMIT);
        check_nothing_left(&ground);
    }
}

#[test]
fn what_is_broken_off_leaves_nothing_and_what_is_to_be_kept_is_kept() {
    let ground = Ground::new();
    let stage = stage(&ground).display().to_string();
    let story = write(&ground, "nodes 2\nbegin\nafter 5min\n");
    for signal in [Signal::INT, Signal::TERM] {
        let child = scenario(&ground, &[&story, "--real"]);
        let own = i32::try_from(child.id()).expect("a number");
        let begun = Instant::now();
        // The services of both nodes.
        while processes::of(&stage).iter().filter(|process| process.id != own).count() < 2 {
            assert!(begun.elapsed() < START_LIMIT, "no lab is there: {:?}", processes::of(&stage));
            std::thread::sleep(LOOK_INTERVAL);
        }
        lab::signal(own, signal);
        let output = end(child, END_LIMIT, "a story that was broken off");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(2), "{out}");
        assert!(out.contains("it was broken off by a signal"), "{out}");
        check_nothing_left(&ground);
    }

    let (code, out) = run(&ground, &[&write(&ground, "nodes 1\nbegin\n"), "--real", "--keep"]);
    assert_eq!(code, Some(0), "{out}");
    let kept = out.lines().find_map(|line| line.strip_prefix("kept: ")).unwrap_or_else(|| panic!("{out}"));
    let log = fs::read_to_string(Path::new(kept).join("n1/log/cluster.log")).expect("the log of the node");
    assert!(log.contains("Starting the Cluster service"), "{log}");
    assert_eq!(processes::of(&stage), [], "processes are left behind");
}
