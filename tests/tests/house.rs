//! The rules of the house, held against the sources (ARCHITECTURE section 3, STYLE). Words that must not appear are put
//! together here from two halves, so that this file keeps the rules itself.

use std::collections::BTreeSet;
use std::process::Command;

use wolfden_tests::programs;

/// The most lines that a file may have.
const MOST_LINES: usize = 600;

/// A file of the source tree.
struct Source {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn is(&self, kinds: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, kind)| kinds.contains(&kind))
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    /// Its lines with their numbers, without what is a comment.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(number, line)| (number + 1, line));
        lines.map(|(number, line)| (number, line.split_once("//").map_or(line, |(code, _)| code)))
    }
}

/// All files that belong to the project: those that are tracked, and those that are about to be.
fn sources() -> Vec<Source> {
    let mut command = Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(programs::root());
    let output = command.output().expect("git, which knows what belongs to the project");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).expect("names are UTF-8");
    let read = |path: &str| {
        // Deleted and not committed yet, or no text.
        let text = std::fs::read_to_string(programs::root().join(path)).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    let found: Vec<Source> = list.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect();
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

/// Fails with all that is wrong.
fn check(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn word(first: &str, second: &str) -> String {
    format!("{first}{second}")
}

/// Whether the text has this word, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    text.match_indices(word).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().filter(|file| file.is(&["rs", "ts", "svelte", "mjs", "c", "cpp", "h"]));
    let long = long.map(|file| (file.text.lines().count(), file.path)).filter(|(lines, _)| *lines > MOST_LINES);
    check(&long.map(|(lines, path)| format!("{path} has {lines} lines")).collect::<Vec<_>>());
}

/// The first names of what a line takes from `std`: `use std::{fs, io::Read}` takes fs and io.
fn taken_from_std(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("std::") {
        let rest = &code[at + start.len()..];
        let name =
            |text: &str| text.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect::<String>();
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for sign in group.chars() {
            match sign {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(name(item.trim()));
                    item.clear();
                }
                other if depth == 0 => item.push(other),
                _ => {}
            }
        }
        found.insert(name(item.trim()));
    }
    found
}

#[test]
fn what_is_taken_from_std_is_seen() {
    let seen = |code| taken_from_std(code).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(seen("use std::fs;"), "fs");
    assert_eq!(seen("let x = std::env::args();"), "env");
    assert_eq!(seen("use std::{\n    fs,\n    io::{self, Read},\n};"), " fs io");
    assert_eq!(seen("use std::{collections::{BTreeMap, BTreeSet}, time::Duration};"), "collections time");
}

#[test]
fn the_engine_and_the_simulator_touch_nothing_outside() {
    let forbidden = ["time", "thread", "fs", "net", "process", "env"];
    let unordered = [word("Hash", "Map"), word("Hash", "Set")];
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in
        sources().iter().filter(|file| file.is_in(&["cluster-engine/src/", "cluster-sim/src/"]) && file.is(&["rs"]))
    {
        count += 1;
        // An import may go over several lines.
        let whole: String = file.code().map(|(_, code)| format!("{code}\n")).collect();
        for name in taken_from_std(&whole).iter().filter(|name| forbidden.contains(&name.as_str())) {
            wrong.push(format!("{} uses std::{name}", file.path));
        }
        for (number, code) in file.code() {
            for name in unordered.iter().filter(|name| has_word(code, name)) {
                wrong.push(format!("{}:{number} uses {name}, which has no order", file.path));
            }
            // It comes with raft-rs, and draws what nobody can draw again.
            if has_word(code, "rand") {
                wrong.push(format!("{}:{number} uses rand", file.path));
            }
        }
    }
    assert!(count > 20, "only {count} files were looked at");
    check(&wrong);
}

/// The names of the crates that a crate is built of, for itself and not for its tests.
fn crates_of(name: &str, words: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["tree", "--locked", "-p", name, "-e", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(words);
    let output = command.current_dir(programs::root()).output().expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    text.lines().filter_map(|line| line.split_ascii_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_engine_and_the_simulator_are_built_of_nothing_that_touches_anything() {
    let mut wrong = Vec::new();
    for name in ["cluster-engine", "cluster-sim"] {
        let all = crates_of(name, &[]);
        assert!(all.contains("raft"), "{name} is built on raft-rs: {all:?}");
        for part in
            ["tokio", "axum", "sled", "tracing", "reqwest", "hyper", "cluster-svc", "resmon", "clusres", "libloading"]
        {
            if all.contains(part) {
                wrong.push(format!("{name} is built with {part}"));
            }
        }
        // rand comes with raft-rs, whose election time-outs the replica sets itself; nothing of ours asks for it.
        if crates_of(name, &["--depth", "1"]).contains("rand") {
            wrong.push(format!("{name} asks for rand itself"));
        }
    }
    // Who may know whom: the ABI and the registry know nothing of the cluster, resource types nothing of the service.
    for name in ["clusreg", "resapi-sys-mock", "resapi", "clusres", "resmon"] {
        for part in ["cluster-engine", "cluster-sim", "cluster-svc"] {
            if crates_of(name, &[]).contains(part) {
                wrong.push(format!("{name} is built with {part}"));
            }
        }
    }
    check(&wrong);
}

#[test]
fn what_has_one_door_is_named_there_only() {
    /// Sign, whole word or part, where it is looked for, where it may be.
    type Door = (&'static str, &'static [&'static str], &'static [&'static str]);
    let doors: [Door; 4] = [
        ("sled", &[""], &["clusreg/src/store/"]),
        ("libloading", &[""], &["resmon/src/dll/library.rs"]),
        ("Instant::now", &["cluster-svc/src/driver/"], &["cluster-svc/src/driver/clock.rs"]),
        ("SystemTime::now", &["cluster-svc/src/driver/"], &["cluster-svc/src/driver/clock.rs"]),
    ];
    let mut wrong = Vec::new();
    let all = sources();
    for (sign, places, allowed) in doors {
        let is_looked_at =
            |file: &&Source| file.is(&["rs"]) && file.is_in(places) && file.path != "tests/tests/house.rs";
        let users: Vec<&Source> =
            all.iter().filter(is_looked_at).filter(|file| file.code().any(|(_, code)| has_word(code, sign))).collect();
        assert!(users.iter().any(|file| file.is_in(allowed)), "nobody uses {sign} any more: the rule is out of date");
        wrong
            .extend(users.iter().filter(|file| !file.is_in(allowed)).map(|file| format!("{} names {sign}", file.path)));
    }
    check(&wrong);
}

#[test]
fn unsafe_code_is_where_foreign_code_is_met_and_nowhere_else() {
    let allowed = ["resapi-sys-mock/", "resapi/src/door/", "resapi/src/macros.rs", "resmon/src/dll/"];
    let keyword = word("un", "safe");
    let is_unsafe = |code: &str| {
        code.match_indices(&keyword).any(|(at, found)| {
            let is_whole = !code[..at].ends_with(|sign: char| sign.is_alphanumeric() || sign == '_' || sign == '\'');
            let next = code[at + found.len()..].trim_start();
            is_whole && ["{", "fn", "extern", "impl", "trait", "("].iter().any(|start| next.starts_with(start))
        })
    };
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| file.is(&["rs"])) {
        if !file.is_in(&allowed) {
            let lines = file.code().filter(|(_, code)| is_unsafe(code));
            wrong.extend(lines.map(|(number, _)| format!("{}:{number} has {keyword} code", file.path)));
        }
        // Where there is none, the compiler is told to keep it so.
        let is_root =
            file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs") || file.path.contains("src/bin/");
        let promise = format!("#![forbid({keyword}_code)]");
        let is_door = file.is_in(&["resapi/", "resapi-sys-mock/", "resmon/"]);
        if is_root && !is_door && !file.text.contains(&promise) {
            wrong.push(format!("{} does not say {promise}", file.path));
        }
    }
    check(&wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let words = [word("TO", "DO"), word("FIX", "ME"), word("X", "XX")];
    let parts = [word("#[ig", "nore"), word("to", "do!("), word("unimple", "mented!(")];
    let mut wrong = Vec::new();
    // The dashboard's own test of this rule names the words.
    let sources = sources();
    let files = sources.iter().filter(|file| file.is(&["rs", "ts", "svelte", "mjs", "c", "cpp", "h", "sh", "toml"]));
    for file in files.filter(|file| file.path != "web-ui/tests/house.test.ts") {
        for (number, line) in file.text.lines().enumerate() {
            let found = words
                .iter()
                .filter(|word| has_word(line, word))
                .chain(parts.iter().filter(|part| line.contains(*part)));
            wrong.extend(found.map(|found| format!("{}:{} has {found}", file.path, number + 1)));
        }
    }
    check(&wrong);
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let words = [
        word("ag", "ent"),
        word("ag", "ents"),
        word("ll", "m"),
        word("assis", "tant"),
        word("chat", "bot"),
        word("work", "place"),
        word("clau", "de"),
        word("anth", "ropic"),
        word("co-author", "ed-by"),
    ];
    let parts = [
        word("/wo", "rk/"),
        word("issue tra", "cker"),
        word("the br", "ief"),
        word("this ses", "sion"),
        word("npm", "js"),
        word("ses", "sion of the project"),
        word("\"resol", "ved\":"),
    ];
    let mut wrong = Vec::new();
    for file in sources() {
        let is_lock = file.path == "Cargo.lock" || file.path == "web-ui/package-lock.json";
        for (number, line) in file.text.lines().enumerate() {
            if has_word(line, &word("A", "I")) && !is_lock {
                wrong.push(format!("{}:{} speaks of a machine that thinks", file.path, number + 1));
            }
            let lower = line.to_lowercase();
            let found = words
                .iter()
                .filter(|word| has_word(&lower, word))
                .chain(parts.iter().filter(|part| lower.contains(*part)));
            wrong.extend(found.map(|found| format!("{}:{} says {found:?}", file.path, number + 1)));
            // Crates come from where everybody's come from.
            let is_own = line.ends_with("\"registry+https://github.com/rust-lang/crates.io-index\"");
            if is_lock && line.starts_with("source = ") && !is_own {
                wrong.push(format!("{}:{} {line}", file.path, number + 1));
            }
        }
    }
    check(&wrong);
}
