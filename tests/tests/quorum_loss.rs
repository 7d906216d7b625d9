//! Two of three nodes die. The third has no quorum: it gives up its resources in time, says so, answers what it knew, and
//! refuses changes. One of the dead returns, and everything comes back.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wolfden_tests::figure;
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::Lab;
use wolfden_tests::processes;
use wolfden_tests::rest::LIMIT;
use wolfden_tests::visitor::{self, Visitor};

/// The address of the group; no other test has it.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 77, 1, 20);
/// How long the machine may take to end a process that is to end now.
const MACHINE: Duration = Duration::from_millis(300);

#[test]
fn the_last_node_of_three_gives_up_in_time_and_all_comes_back() {
    let ground = Ground::new();
    let lab = Lab::up(&ground, 3);
    let address = visitor::free_address(ADDRESS);
    groups::web(&lab, "Web", address);
    lab.change("PUT", "/registry/Kept", json!({ "Values": [{ "Name": "a", "Type": "REG_SZ", "Value": "b" }] }));
    let detection = lab.get("/cluster")["DetectionMs"].as_u64().map(Duration::from_millis).expect("a detection time");

    // The survivor is the leader in the first round and a follower in the second.
    for survivor_leads in [true, false] {
        let leader = lab.leader();
        let names = ["n1", "n2", "n3"];
        let survivor = names.into_iter().find(|name| (**name == leader) == survivor_leads).expect("three nodes");
        let others: Vec<&str> = names.into_iter().filter(|name| *name != survivor).collect();
        if groups::owner(&lab, "Web") != survivor {
            groups::move_to(&lab, "Web", survivor);
        }
        let before: Value = lab.get("/registry/Kept");
        assert_eq!(before["Values"][0]["Value"], "b", "{before}");
        let alone = lab.node(survivor);

        let visitor = Visitor::begin(address);
        let last = visitor::visit(address).expect("it answers").process;
        let process = i32::try_from(last).ok().and_then(processes::Process::find).expect("the web server");
        lab.press(others[0], "kill");
        let killed = Instant::now();
        lab.press(others[1], "kill");
        while process.is_alive() {
            assert!(killed.elapsed() < Duration::from_secs(20), "{survivor} goes on without quorum");
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = killed.elapsed();
        let visits = visitor.end();
        let served = visits.last().map(|visit| visit.answered.saturating_duration_since(killed)).unwrap_or_default();
        figure(&format!(
            "quorum lost at the {}: application gone after {} ms, last answer after {} ms (detection {} ms)",
            if survivor_leads { "leader" } else { "follower" },
            took.as_millis(),
            served.as_millis(),
            detection.as_millis()
        ));
        assert!(took < detection + MACHINE, "the application of {survivor} lived for {took:?}");
        assert!(visits.iter().all(|visit| visit.process == last), "another one was started without quorum");

        alone.until("/cluster", |cluster| cluster["Stale"] == true && cluster["Quorate"] == false);
        alone.until("/events?limit=10000", |events| {
            let mut events = events.as_array().into_iter().flatten();
            events.any(|event| event["EventId"] == 1177 && event["Node"] == survivor)
        });
        // What was known is still answered, by the node and by the lab.
        for rest in [&alone, &*lab] {
            assert_eq!(rest.get("/registry/Kept"), before);
            assert_eq!(rest.get("/groups/Web")["Name"], "Web");
            assert_eq!(rest.get("/quorum")["Quorate"], false);
        }
        let refused = |method: &str, path: &str, body: Value| {
            for rest in [&alone, &*lab] {
                let answer = rest.ask(method, path, body.clone());
                assert_eq!((answer.status, answer.code()), (503, Some(5925)), "{method} {path}: {}", answer.text);
            }
        };
        refused("PUT", "/registry/Kept", json!({ "Values": [{ "Name": "a", "Type": "REG_SZ", "Value": "c" }] }));
        refused("POST", "/groups", json!({ "Name": "Never" }));
        refused("POST", "/groups/Web/online", json!({}));

        let begun = Instant::now();
        lab.start_again(others[0]);
        lab.until_quorate();
        lab.until_nodes(&[survivor, others[0]], "Up");
        lab.until_state("/groups/Web", "Online");
        // What the cluster says may be older than what was ended; the client's answer is not.
        while visitor::visit(address).is_none() {
            assert!(begun.elapsed() < LIMIT, "the web server does not answer again");
            std::thread::sleep(Duration::from_millis(5));
        }
        figure(&format!(
            "quorum is back: a client is answered {} ms after the start of a second node",
            begun.elapsed().as_millis()
        ));
        assert_eq!(lab.get("/cluster")["Stale"], false);
        assert_eq!(lab.get("/registry/Kept"), before, "nothing that was refused was done");
        assert_eq!(lab.ask("GET", "/groups/Never", Value::Null).code(), Some(5013));
        lab.start_again(others[1]);
        lab.until_nodes(&names, "Up");
    }
    lab.end();
}
