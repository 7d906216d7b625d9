//! The lessons of docs/quorum-lab.md are true: each has a story of its own, and the story gives the output that is shown.
//!
//! A block `sh` holds commands, and the block `text` after it what the first of them prints, abridged: lines in order, with
//! `...` for what is left out. Commands with `--real` are those of `scenarios_real.rs`, which plays them all.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use wolfden_tests::programs;

/// The lessons.
const PAGE: &str = "docs/quorum-lab.md";
/// Where the stories are.
const STORIES: &str = "examples/scenarios/quorum";
/// Stands for lines that are left out.
const GAP: &str = "...";

/// A part of the page: its heading, its commands, and what the first one prints.
#[derive(Debug, Default)]
struct Lesson {
    heading: String,
    commands: Vec<String>,
    output: Vec<String>,
}

fn lessons() -> Vec<Lesson> {
    let text = fs::read_to_string(programs::root().join(PAGE)).expect("the page");
    let mut lessons: Vec<Lesson> = Vec::new();
    // Of which kind the block is that a line stands in.
    let mut block: Option<&str> = None;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ").filter(|h| h.starts_with(|c: char| c.is_ascii_digit())) {
            lessons.push(Lesson { heading: heading.to_owned(), ..Lesson::default() });
            continue;
        }
        let Some(lesson) = lessons.last_mut() else { continue };
        match (line.strip_prefix("```"), block) {
            (Some(kind), None) => block = Some(kind),
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) => lesson.commands.push(line.to_owned()),
            (None, Some("text")) => lesson.output.push(line.to_owned()),
            (None, Some(_) | None) => {}
        }
    }
    lessons
}

/// What is shown of the output: every line is there, one after the other, and where nothing is left out next to each other.
fn check_shown(shown: &[String], present: &str, heading: &str) {
    let mut lines = present.lines();
    let mut may_skip = false;
    for wanted in shown {
        if wanted.trim() == GAP {
            may_skip = true;
            continue;
        }
        let found = if may_skip { lines.find(|line| line == wanted) } else { lines.next() };
        assert_eq!(found, Some(wanted.as_str()), "lesson '{heading}'; the output is:\n{present}");
        may_skip = false;
    }
    assert!(may_skip || lines.next().is_none(), "lesson '{heading}' does not say that the output goes on:\n{present}");
}

#[test]
fn the_lessons_show_what_the_commands_print() {
    let lessons = lessons();
    assert_eq!(lessons.len(), 8, "{lessons:?}");
    let mut told = BTreeSet::new();
    for Lesson { heading, commands, output } in &lessons {
        let [command, real] = commands.as_slice() else { panic!("lesson '{heading}' has two commands: {commands:?}") };
        let words: Vec<&str> = command.split_ascii_whitespace().collect();
        let ["cluster", "scenario", "run", file, "--log"] = words[..] else { panic!("lesson '{heading}': {command}") };
        assert_eq!(*real, format!("cluster scenario run {file} --real --log"), "lesson '{heading}'");
        assert!(output.len() > 5, "lesson '{heading}' shows {output:?}");
        let mut run = Command::new(programs::cluster());
        let run = run.args(&words[1..]).current_dir(programs::root()).output().expect("the command");
        let present = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "lesson '{heading}': {present}");
        check_shown(output, &present, heading);
        told.insert(file.to_owned());
    }
    let stories = fs::read_dir(programs::root().join(STORIES)).expect("a folder").flatten();
    let stories: BTreeSet<String> =
        stories.map(|entry| format!("{STORIES}/{}", entry.file_name().to_string_lossy())).collect();
    assert_eq!(told, stories, "each story has its lesson");
}
