//! The `cluster` command in processes of its own, against a lab that it finds by itself.

use std::process::{Command, Output};

use serde_json::Value;
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::Lab;
use wolfden_tests::programs;

/// Where the command is used.
struct Shell {
    ground: Ground,
}

/// What a command came to.
struct Outcome {
    words: String,
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(programs::cluster());
        command.args(words).env("XDG_STATE_HOME", self.ground.state()).env_remove("CLUSTER_ENDPOINT");
        command
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let Output { status, stdout, stderr } = self.command(words).output().expect("started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Outcome {
            words: words.join(" "),
            code: status.code().expect("ended by itself"),
            out: text(stdout),
            err: text(stderr),
        }
    }

    fn good(&self, words: &[&str]) -> Outcome {
        let outcome = self.run(words);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "cluster {}: {}", outcome.words, outcome.out);
        outcome
    }

    fn json(&self, words: &[&str]) -> Value {
        let outcome = self.good(&[words, &["--json"]].concat());
        serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{}: {error}: {}", outcome.words, outcome.out))
    }
}

impl Outcome {
    fn says(&self, parts: &[&str]) {
        for part in parts {
            let is_said = self.out.contains(part) || self.err.contains(part);
            assert!(is_said, "cluster {}: no {part:?} in {:?} {:?}", self.words, self.out, self.err);
        }
    }
}

#[test]
fn the_command_finds_the_lab_and_drives_it() {
    let shell = Shell { ground: Ground::new() };

    // Nobody is there: a sentence, and a code that is not 0. The port is one that nobody listens on.
    let nobody = wolfden_tests::visitor::free_address(std::net::Ipv4Addr::LOCALHOST);
    let outcome = shell.run(&["--cluster", &format!("http://{nobody}"), "node", "list"]);
    assert_eq!(outcome.code, 1);
    outcome.says(&["nothing answers", "cluster demo"]);

    let lab = Lab::demo(&shell.ground);
    reads(&shell);
    changes(&shell, &lab);
    old_syntax(&shell, &lab);
    quorum(&shell, &lab);
    exit_codes(&shell);
    lab.end();
    let outcome = shell.run(&["node", "list", "--cluster", &format!("http://{nobody}")]);
    assert_eq!(outcome.code, 1);
    assert!(!shell.ground.state().join("wolfden/lab.json").exists(), "the lab takes its sign down");
}

fn reads(shell: &Shell) {
    shell.good(&["status"]).says(&["n1", "n2", "n3", "Web", "WOLFDEN"]);
    shell.good(&["node", "list"]).says(&["n1", "Up"]);
    shell.good(&["group", "list"]).says(&["Web", "Online", "Script"]);
    shell.good(&["resource", "list"]).says(&["Web IP", "IP Address"]);
    shell.good(&["quorum", "show"]).says(&["NodeAndDiskMajority", "Cluster Disk 1", "votes on n"]);
    shell.good(&["quorum", "explain"]).says(&["votes are in force", "If this one fails next", "goes on"]);
    let story = shell.json(&["quorum", "explain", "--what-if", "n1+n2,n3"]);
    assert_eq!(story["WhatIf"][0]["Outcome"], "Stops", "two of three at the same moment: {story}");
    shell.good(&["log", "--tail", "20"]).says(&["INFO"]);
    shell.good(&["names"]).says(&["WEB", "127.77.0.10"]);
    let nodes = shell.json(&["node", "list"]);
    assert_eq!(nodes.as_array().map(Vec::len), Some(3), "{nodes}");
    assert_eq!(shell.json(&["group", "show", "web"])["Name"], "Web", "names are known by any case");
    assert_eq!(shell.json(&["lab", "show"])["Nodes"][0]["Process"], "running");
    let events = shell.json(&["events", "--limit", "5"]);
    assert_eq!(events.as_array().map(Vec::len), Some(5), "{events}");
    for name in ["bash", "zsh", "fish"] {
        let text = shell.good(&["completions", name]).out;
        assert!(text.len() > 1000 && text.contains("cluster"), "{name}: {text}");
    }
}

fn changes(shell: &Shell, lab: &Lab) {
    // With --wait the command returns when the group has arrived, and shows it there.
    for target in ["n2", "n3", "n1"] {
        shell.good(&["group", "move", "Web", "--node", target, "--wait"]).says(&["Web", target, "Online"]);
        assert_eq!(lab.get("/groups/Web")["OwnerNode"], target);
    }
    let answer = shell.json(&["resource", "offline", "Web Server", "--wait", "30"]);
    assert_eq!((&answer["Accepted"], &answer["Resource"]["State"]), (&true.into(), &"Offline".into()), "{answer}");
    shell.good(&["resource", "online", "Web Server", "--wait"]).says(&["Online"]);
    shell.good(&["registry", "set", "Test\\Command", "Colour", "blue"]);
    shell.good(&["registry", "get", "Test\\Command", "Colour"]).says(&["blue"]);
    let file = shell.ground.path().join("test.reg");
    shell.good(&["registry", "export", "Test", "--output", &file.display().to_string()]);
    shell.good(&["registry", "delete", "Test", "--tree"]);
    assert_eq!(shell.run(&["registry", "get", "Test\\Command"]).code, 2, "ERROR_FILE_NOT_FOUND fits into an exit code");
    shell.good(&["registry", "import", &file.display().to_string()]);
    shell.good(&["registry", "get", "Test\\Command", "Colour"]).says(&["blue"]);
    shell.good(&["group", "set", "Web", "Priority=1000"]);
    assert_eq!(lab.get("/groups/Web/properties")["Priority"]["Value"], 1000);
    shell.good(&["group", "set", "Web", "Priority="]);
    assert_eq!(lab.get("/groups/Web/properties")["Priority"]["Value"], 2000);
    shell.good(&["lab", "cut", "n1", "n2"]);
    shell.good(&["lab", "heal"]);
    lab.until_nodes(&["n1", "n2", "n3"], "Up");
    lab.until_state("/groups/Web", "Online");
}

fn old_syntax(shell: &Shell, lab: &Lab) {
    shell.good(&["group", "Web", "/moveto:n2", "/wait"]).says(&["n2"]);
    assert_eq!(lab.get("/groups/Web")["OwnerNode"], "n2");
    shell.good(&["res", "Web IP", "/priv"]).says(&["127.77.0.10"]);
    shell.good(&["node", "n3", "/pause"]);
    lab.until_state("/nodes/n3", "Paused");
    shell.good(&["node", "n3", "/resume"]);
    lab.until_state("/nodes/n3", "Up");
    shell.good(&["group", "Made", "/create"]);
    shell.good(&["group", "Made", "/ren:Renamed"]);
    shell.good(&["group", "Renamed", "/prop", "Description=by hand"]);
    assert_eq!(lab.get("/groups/Renamed/properties")["Description"]["Value"], "by hand");
    shell.good(&["group", "Renamed", "/delete"]);
    assert_eq!(lab.ask("GET", "/groups/Renamed", Value::Null).code(), Some(5013));
}

fn quorum(shell: &Shell, lab: &Lab) {
    shell.good(&["quorum", "set", "--node-majority"]).says(&["NodeMajority"]);
    assert_eq!(lab.get("/quorum")["Witness"], Value::Null);
    shell.good(&["/quorum:Cluster Disk 1", "/path:MSCS"]).says(&["NodeAndDiskMajority", "votes on n"]);
    assert_eq!(lab.get("/quorum")["QuorumResource"], "Cluster Disk 1");
    shell.good(&["quorum", "set", "-NodeAndDiskMajority", "Cluster Disk 1"]).says(&["NodeAndDiskMajority"]);
    // A node that does not host the witness loses sight of it, and nothing comes of that.
    let host = lab.get("/quorum")["Witness"]["HostNode"].as_str().expect("it votes somewhere").to_owned();
    let other = ["n1", "n2", "n3"].into_iter().find(|name| *name != host).expect("there are three");
    shell.good(&["lab", "cut-storage", other]);
    shell.good(&["lab", "show"]).says(&[&format!("Without a way to the quorum device: {other}.")]);
    shell.good(&["lab", "mend-storage", other]);
    assert_eq!(lab.get("/quorum")["Witness"]["HostNode"], host);
    // A node is started as it was asked for.
    shell.good(&["lab", "kill", other]);
    lab.until_state(&format!("/nodes/{other}"), "Down");
    shell.good(&["node", "start", other, "-PQ"]).says(&["is started"]);
    lab.until_nodes(&["n1", "n2", "n3"], "Up");
    shell.good(&["node", "start", other, "--clear-quarantine"]).says(&["not in quarantine"]);
}

fn exit_codes(shell: &Shell) {
    let check = |words: &[&str], code: i32, parts: &[&str]| {
        let outcome = shell.run(words);
        assert_eq!(outcome.code, code, "cluster {}: {} {}", outcome.words, outcome.out, outcome.err);
        assert!(!outcome.err.is_empty(), "cluster {} fails without a word", outcome.words);
        outcome.says(parts);
    };
    check(&["group", "show", "nobody"], 1, &["5013", "ERROR_GROUP_NOT_FOUND", "nobody"]);
    check(&["resource", "fail", "nobody"], 1, &["5007"]);
    check(&["node", "pause", "nobody"], 1, &["5042"]);
    check(&["group", "set", "Web", "Priority=9999"], 87, &["Priority"]);
    check(&["group", "delete", "Web"], 145, &["145"]);
    check(&["group", "explode", "Web"], 2, &["not expected"]);
    check(&["group", "move"], 2, &["<NAME>"]);
    check(&["quorum", "set", "--resource", "Web IP"], 1, &["5021", "Arbitrate"]);
    check(&["quorum", "set", "--resource", "nobody"], 1, &["5007"]);
    check(&["quorum", "set", "--path", "x", "--node-majority"], 2, &["--path"]);
    check(&["quorum", "explain", "--what-if", "n9"], 2, &["'n9' is no voter"]);
    check(&["node", "start", "n1"], 1, &["5023", "must be stopped"]);
    check(&["lab", "cut-storage", "n9"], 1, &["no node 'n9'"]);
    check(&["lab", "kill", "n9"], 1, &["no node 'n9'"]);
    let outcome = shell.run(&["group", "show", "nobody", "--json"]);
    let refusal: Value = serde_json::from_str(&outcome.err).expect("a refusal is JSON as well");
    assert_eq!(refusal["error"]["code"], 5013, "{refusal}");
}
