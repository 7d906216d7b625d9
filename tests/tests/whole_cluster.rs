//! Restarts of one node and of the whole cluster, orderly and not; a fourth node joins and is evicted. What was written and
//! what was created stays.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use wolfden_tests::figure;
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::{self, Lab};
use wolfden_tests::programs;
use wolfden_tests::rest::{self, Rest};

const ALL: [&str; 3] = ["n1", "n2", "n3"];

fn write(lab: &Rest, name: &str) {
    lab.change("PUT", "/registry/Kept", json!({ "Values": [{ "Name": name, "Type": "REG_SZ", "Value": name }] }));
}

/// Waits until a node itself knows these values and no others.
fn until_written(node: &Rest, names: &[&str]) {
    node.until("/registry/Kept", |key| {
        let found: Vec<String> =
            key["Values"].as_array().into_iter().flatten().map(|v| rest::text(&v["Value"])).collect();
        found == names
    });
}

fn create(ground: &Ground, lab: &Lab) {
    lab.change("POST", "/resource-types/Hello", json!({ "DllName": programs::hello_library() }));
    groups::group(lab, "Kept");
    let path = ground.shared().join("greeting.txt");
    groups::resource(lab, "Kept", "Greeting", "Hello", json!({ "Path": path, "Greeting": "still here" }));
    groups::set(lab, "/groups/Kept", json!({ "Description": "of the first day" }));
    groups::online(lab, "Kept");
    // Offline on purpose: it must not come by itself.
    groups::group(lab, "Quiet");
    groups::resource(lab, "Quiet", "Silence", "Hello", json!({ "Path": ground.shared().join("silence.txt") }));
}

/// Everything is as it was made, on every node.
fn check(ground: &Ground, lab: &Lab, nodes: &[&str], id: &Value, written: &[&str]) {
    lab.until_nodes(nodes, "Up");
    // A service that has just started shows what it knew last until its node is a member again, so the state alone proves
    // nothing: the resource itself must be there.
    let greets =
        || std::fs::read_to_string(ground.shared().join("greeting.txt")).is_ok_and(|text| text == "still here");
    lab.until("/groups/Kept", |group| group["State"] == "Online" && greets());
    assert!(!ground.shared().join("silence.txt").exists(), "what was offline stays offline");
    assert_eq!(&lab.get("/cluster")["Id"], id);
    for name in nodes {
        let node = lab.node(name);
        until_written(&node, written);
        node.until("/groups/Kept/properties", |all| all["Description"]["Value"] == "of the first day");
        node.until("/groups/Quiet", |group| group["State"] == "Offline" && group["Resources"] == json!(["Silence"]));
    }
}

#[test]
fn what_was_made_stays_whatever_is_restarted() {
    let ground = Ground::new();
    let lab = Lab::up(&ground, 3);
    create(&ground, &lab);
    let id = lab.get("/cluster")["Id"].clone();
    write(&lab, "1");
    check(&ground, &lab, &ALL, &id, &["1"]);

    // One node, orderly: it gives its groups away first. What is written meanwhile reaches it later.
    let owner = groups::owner(&lab, "Kept");
    lab.press(&owner, "stop");
    lab.until("/groups/Kept", |group| group["State"] == "Online" && group["OwnerNode"] != owner.as_str());
    lab.until_nodes(&[&owner], "Down");
    write(&lab, "2");
    lab.start_again(&owner);
    check(&ground, &lab, &ALL, &id, &["1", "2"]);

    // One node, by kill, the leader this time.
    let leader = lab.leader();
    lab.press(&leader, "kill");
    lab.until_nodes(&[&leader], "Down");
    write(&lab, "3");
    lab.start_again(&leader);
    check(&ground, &lab, &ALL, &id, &["1", "2", "3"]);

    // The whole cluster, orderly.
    lab.end();
    let begun = Instant::now();
    let lab = Lab::up(&ground, 3);
    check(&ground, &lab, &ALL, &id, &["1", "2", "3"]);
    figure(&format!("whole cluster restarted: all there after {} ms", begun.elapsed().as_millis()));
    write(&lab, "4");

    // The whole cluster, by a power failure.
    for name in ALL {
        lab.press(name, "kill");
    }
    for name in ["n3", "n1", "n2"] {
        lab.start_again(name);
    }
    check(&ground, &lab, &ALL, &id, &["1", "2", "3", "4"]);
    write(&lab, "5");

    // The lab itself is killed.
    lab.kill();
    let lab = Lab::up(&ground, 3);
    check(&ground, &lab, &ALL, &id, &["1", "2", "3", "4", "5"]);
    lab.end();

    // A bigger lab on the same directory: the fourth node joins.
    let lab = Lab::up(&ground, 4);
    check(&ground, &lab, &["n1", "n2", "n3", "n4"], &id, &["1", "2", "3", "4", "5"]);
    groups::move_to(&lab, "Kept", "n4");
    lab.end();
}

/// A service beside the lab, as on a machine of its own; killed when the test fails.
struct Service {
    child: Child,
    rest: Rest,
}

impl Service {
    fn command(ground: &Ground, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(programs::cluster());
        command.args(["service", "run", "--node", name, "--parent-pipe", "--dir"]).arg(ground.path().join(name));
        command.arg("--shared").arg(ground.shared()).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(ground: &Ground, name: &str, words: &[&str]) -> Service {
        let mut child = Service::command(ground, name, words).spawn().expect("started");
        let line = BufReader::new(child.stdout.take().expect("piped")).lines().next();
        let ready: Option<Value> = line.and_then(Result::ok).and_then(|line| serde_json::from_str(&line).ok());
        let Some(ready) = ready else { panic!("{name} is not ready: {:?}", child.wait_with_output()) };
        Service { rest: Rest::new(ready["api"].as_str().expect("an address")), child }
    }

    fn stop(mut self) {
        lab::signal(i32::try_from(self.child.id()).unwrap_or(0), Signal::TERM);
        assert!(self.child.wait().expect("ours").success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_fourth_node_joins_works_and_is_evicted() {
    let ground = Ground::new();
    let lab = Lab::up(&ground, 3);
    create(&ground, &lab);
    let id = lab.get("/cluster")["Id"].clone();
    write(&lab, "1");
    let sponsor = rest::text(&lab.get("/nodes/n2")["Address"]);

    let begun = Instant::now();
    let fourth = Service::start(&ground, "n4", &["--join", &sponsor]);
    lab.until_nodes(&["n1", "n2", "n3", "n4"], "Up");
    figure(&format!("a fourth node is up {} ms after its start", begun.elapsed().as_millis()));
    assert_eq!(fourth.rest.get("/cluster")["Id"], id);
    until_written(&fourth.rest, &["1"]);
    assert_eq!(interfaces(&lab), 4);
    assert_eq!(lab.get("/networks"), json!([{ "Name": "Cluster Network 1", "State": "Up", "Role": 3 }]));
    // Dynamic quorum keeps the number of votes odd: without a witness the fourth one waits.
    let odd = "given up, so that the number of votes is odd";
    lab.until("/quorum", |quorum| {
        let waits = |voter: &Value| voter["Node"] == "n4" && voter["Why"] == odd;
        quorum["Votes"] == 3 && quorum["Voters"].as_array().is_some_and(|all| all.iter().any(waits))
    });
    groups::move_to(&lab, "Kept", "n4");
    write(&fourth.rest, "2");
    until_written(&lab, &["1", "2"]);

    // Orderly stop: its group goes away before it does.
    fourth.stop();
    lab.until_nodes(&["n4"], "Down");
    let group = lab.until_state("/groups/Kept", "Online");
    assert_ne!(group["OwnerNode"], "n4");

    // Back, then evicted while it is stopped.
    let fourth = Service::start(&ground, "n4", &[]);
    lab.until_nodes(&["n4"], "Up");
    fourth.stop();
    lab.until_nodes(&["n4"], "Down");
    evict(&lab, "n4");
    lab.until("/nodes", |nodes| nodes.as_array().is_some_and(|all| all.len() == 3));
    lab.until("/quorum", |quorum| quorum["Votes"] == 3 && quorum["Needed"] == 2);
    assert_eq!(lab.ask("GET", "/nodes/n4", Value::Null).code(), Some(5042));
    assert_eq!(interfaces(&lab), 3);
    for name in ALL {
        lab.node(name).until("/nodes", |nodes| nodes.as_array().is_some_and(|all| all.len() == 3));
    }
    outcast(&ground, &lab);

    // The cluster goes on without it, with two of three as its majority.
    lab.press("n3", "kill");
    lab.until_nodes(&["n3"], "Down");
    write(&lab, "3");
    lab.start_again("n3");
    check(&ground, &lab, &ALL, &id, &["1", "2", "3"]);
    lab.end();
    assert_eq!(wolfden_tests::processes::of(&ground.path().display().to_string()), []);
}

/// How many interfaces the cluster's network has.
fn interfaces(lab: &Lab) -> usize {
    lab.get("/registry/NetworkInterfaces")["Keys"].as_array().expect("a list").len()
}

/// Evicts a stopped node. Right after its end it may still run resources for all that the others know, which is said.
fn evict(lab: &Lab, name: &str) {
    let begun = Instant::now();
    loop {
        let answer = lab.ask("DELETE", &format!("/nodes/{name}"), Value::Null);
        if answer.is_accepted() {
            return;
        }
        assert_eq!(answer.code(), Some(5072), "{}", answer.text);
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", answer.text);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The evicted node is started with what it has: it must not become a member again, and must not disturb the others.
fn outcast(ground: &Ground, lab: &Lab) {
    let mut child = Service::command(ground, "n4", &[]).spawn().expect("started");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) && child.try_wait().expect("ours").is_none() {
        let nodes = lab.get("/nodes");
        assert_eq!(nodes.as_array().map(Vec::len), Some(3), "{nodes}");
        assert_eq!(lab.get("/groups/Kept")["State"], "Online");
        std::thread::sleep(Duration::from_millis(50));
    }
    lab::signal(i32::try_from(child.id()).unwrap_or(0), Signal::TERM);
    child.wait().expect("ours");
    lab.until_nodes(&ALL, "Up");
}

/// A lab that says that it is ready takes commands, at each of its nodes, also those that only the owner of a group can carry out.
#[test]
fn the_first_commands_of_a_lab_are_accepted_by_every_node() {
    let ground = Ground::new();
    let lab = Lab::up(&ground, 3);
    let names = ["n1", "n2", "n3"];
    let nodes = names.map(|name| lab.node(name));
    for (number, (name, node)) in names.iter().zip(&nodes).enumerate() {
        let owner = names[(number + 1) % names.len()];
        let place = json!({ "Address": format!("127.78.6.{number}"), "SubnetMask": "255.0.0.0" });
        let resource =
            json!({ "Name": format!("{name} R"), "Group": name, "ResourceType": "IP Address", "Parameters": place });
        for (path, body) in [
            ("/groups".to_owned(), json!({ "Name": name })),
            (format!("/groups/{name}/move?wait=30"), json!({ "Node": owner })),
            ("/resources".to_owned(), resource),
            (format!("/groups/{name}/online?wait=30"), json!({})),
        ] {
            let answer = node.ask("POST", &path, body);
            assert!(answer.is_accepted(), "{name} {path}: {}{}", answer.text, lab.around());
        }
    }
    lab.end();
}
