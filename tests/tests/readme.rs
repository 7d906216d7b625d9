//! The README is true: the example in it is the example, and its commands do what a reader expects.
//!
//! Every block of shell commands is run against a demo, in the order of the text, and every command must succeed. A command that ends in `# refused: CODE` must be refused with that code. Left out are lines for
//! another terminal, and blocks that build or test Wolfden itself.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::Lab;
use wolfden_tests::programs;

/// How long a reader would wait until everything is at rest again.
const REST_LIMIT: Duration = Duration::from_secs(60);
/// What stands before the code of an expected refusal.
const REFUSED: &str = "# refused: ";

fn text(path: &str) -> String {
    fs::read_to_string(programs::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of one language, in the order of the text.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let (start, mut found) = (format!("```{language}"), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == start {
            found.push(lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect());
        } else if line.starts_with("```") {
            lines.by_ref().find(|line| *line == "```");
        }
    }
    found
}

#[test]
fn the_example_is_the_example() {
    let source = text("examples/hello-resource/src/lib.rs");
    assert_eq!(blocks(&text("README.md"), "rust"), [source], "copy the file into the README");
}

/// A block as a script that ends at the first command that does not do what the text says.
fn script(block: &str) -> String {
    let lines = block.lines().filter(|line| !line.starts_with("while ") && !line.starts_with("alias "));
    let lines = lines.map(|line| match line.split_once(REFUSED) {
        Some((command, code)) => format!("{{ {command} 2>&1 || true; }} | grep 'code {code} '\n"),
        None => format!("{line}\n"),
    });
    format!("set -eu\n{}", lines.collect::<String>())
}

/// The cluster has quorum, all nodes are up, and no group is on its way.
fn wait_for_rest(lab: &Lab) {
    lab.until("/cluster", |cluster| cluster["Quorate"] == true && cluster["Stale"] == false);
    lab.until_nodes(&["n1", "n2", "n3"], "Up");
    lab.until_within(REST_LIMIT, "/groups", |groups| {
        groups.as_array().is_some_and(|all| all.iter().all(|group| group["State"] != "Pending"))
    });
}

fn run_blocks(file: &str, least: usize) {
    let ground = Ground::new();
    let lab = Lab::demo(&ground);
    let folder = ground.path().display().to_string();
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}", programs::cluster().parent().expect("in a folder").display());
    let is_left_out = |block: &String| block.contains("cargo ") || block.contains("test.sh");
    let commands: Vec<String> = blocks(&text(file), "sh").into_iter().filter(|block| !is_left_out(block)).collect();
    assert!(commands.len() >= least, "only {} blocks were found in {file}", commands.len());
    for block in commands {
        // What the text puts into the folder for temporary files belongs to this test here.
        let script = script(&block).replace("/tmp/", &format!("{folder}/"));
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(programs::root()).env("PATH", &path);
        bash.env("XDG_STATE_HOME", ground.state()).env_remove("CLUSTER_ENDPOINT");
        let output = bash.output().expect("bash is there");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{file}: {}\n{script}\n{}\n{}",
            output.status,
            said(&output.stdout),
            said(&output.stderr)
        );
        lab.change("POST", "/lab/heal", json!({}));
        wait_for_rest(&lab);
    }
    lab.end();
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    run_blocks("README.md", 10);
}

#[test]
fn the_commands_of_the_guide_to_resource_types_do_what_it_says() {
    run_blocks("docs/resource-types.md", 2);
}
