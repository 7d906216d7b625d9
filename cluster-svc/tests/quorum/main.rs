//! Quorum with real processes: the witness on a disk, a frozen owner, force and prevent quorum, a cut storage path, and an
//! evicted node.

mod stand;

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use stand::{DETECTION, Stand, runtime};

#[test]
fn the_survivor_of_two_nodes_with_a_disk_takes_over() {
    let stand = Stand::new();
    runtime().block_on(async {
        let mut nodes = stand.cluster(2).await;
        let (second, first) = (nodes.remove(1), nodes.remove(0));
        first.use_disk().await;
        assert!(first.make_group("Before").await);
        let said = first.steps("Said").await;
        assert!(said.iter().any(|text| text.contains("arbitration won")), "{said:?}");

        let since = Instant::now();
        first.kill();
        let (written, took) = second.first_write(since).await;
        println!("kill of the owner to the first committed write: {} ms", took.as_millis());
        let limit = DETECTION + Duration::from_secs(1);
        assert!(took < limit, "{took:?} instead of {limit:?}");
        let groups = second.groups().await;
        assert!(groups.contains(&"Before".to_owned()) && groups.contains(&written), "{groups:?}");
        // The last node needs no witness, but hosts it.
        second.until("/quorum", |quorum| quorum["Witness"]["HostNode"] == "n2").await;
        let said = second.steps("Said").await;
        for part in ["node n1 holds the reservation", "node n1 is broken", "arbitration won"] {
            assert!(said.iter().any(|text| text.contains(part)), "{part}: {said:?}");
        }

        // It comes back, and may win the next round.
        let first = stand.start("n1", &[]);
        first.until_up(&["n1", "n2"]).await;
        first.until_it_can_do_without(&second).await;
        let since = Instant::now();
        second.kill();
        let (_, took) = first.first_write(since).await;
        println!("and back: {} ms", took.as_millis());
        assert!(first.groups().await.contains(&written));
    });
}

#[test]
fn a_frozen_owner_that_wakes_up_acknowledges_nothing_of_its_own() {
    let stand = Stand::new();
    runtime().block_on(async {
        let mut nodes = stand.cluster(2).await;
        let (second, first) = (nodes.remove(1), nodes.remove(0));
        first.use_disk().await;
        let epoch = first.get("/quorum").await["Witness"]["Epoch"].as_u64().expect("hosted");
        first.freeze();
        // These wait in the socket of a process that does not run: it will find them when it wakes up.
        let early = async {
            let mut acknowledged = Vec::new();
            for name in ["Early 1", "Early 2", "Early 3"] {
                if first.make_group(name).await {
                    acknowledged.push(name.to_owned());
                }
            }
            acknowledged
        };
        let others = async {
            let (written, _) = second.first_write(Instant::now()).await;
            for name in ["Kept 1", "Kept 2"] {
                assert!(second.make_group(name).await);
            }
            first.thaw();
            written
        };
        let (mut acknowledged, written) = tokio::join!(early, others);
        acknowledged.extend([written, "Kept 1".to_owned(), "Kept 2".to_owned()]);
        second.until_up(&["n1", "n2"]).await;
        // Whatever anybody was told is there, on both.
        for node in [&first, &second] {
            node.until("/groups", |groups| {
                let has = |name: &String| groups.as_array().is_some_and(|all| all.iter().any(|g| g["Name"] == *name));
                acknowledged.iter().all(has)
            })
            .await;
        }
        // Somebody took the witness over meanwhile, and somebody hosts it again when both are there.
        let is_later =
            |quorum: &serde_json::Value| quorum["Witness"]["Epoch"].as_u64().is_some_and(|later| later > epoch);
        second.until("/quorum", is_later).await;
        let ended = first.steps("Ended").await;
        assert!(!ended.is_empty(), "the former owner knows that it hosts the witness no more");
    });
}

#[test]
fn one_of_three_forces_quorum_and_the_others_rejoin() {
    let stand = Stand::new();
    runtime().block_on(async {
        let mut nodes = stand.cluster(3).await;
        assert!(nodes[0].make_group("Before").await);
        nodes.drain(..).for_each(stand::Node::kill);

        let first = stand.start("n1", &["--force-quorum"]);
        first.until("/quorum", |quorum| quorum["FixQuorum"] == 1 && quorum["ForcedBy"] == "n1").await;
        assert!(first.make_group("Forced").await);
        assert!(stand::has(&stand.dir("n1"), "store.aside-1"), "the old store is kept");

        // The others make a majority of the past first, as they do when nobody has told them.
        let (second, third) = (stand.start("n2", &[]), stand.start("n3", &[]));
        first.until_up(&["n1", "n2", "n3"]).await;
        for node in [&second, &third] {
            node.until_up(&["n1", "n2", "n3"]).await;
            let groups = node.groups().await;
            assert!(groups.contains(&"Before".to_owned()) && groups.contains(&"Forced".to_owned()), "{groups:?}");
            assert!(node.store_aside().exists(), "the old store is kept");
            let log = node.log();
            assert!(log.contains("(event 5396)") && log.contains("joins again"), "{log}");
        }
        let quorum = first.until("/quorum", |quorum| quorum["FixQuorum"] == 0 && quorum["Votes"] == 3).await;
        assert!(quorum["Lineage"].as_str().is_some_and(|lineage| lineage.starts_with("1-")), "{quorum}");
        // One of them may go now, and the one that forced it too.
        first.kill();
        second.first_write(Instant::now()).await;
        // A normal start keeps the line of descent.
        let first = stand.start("n1", &[]);
        first.until_up(&["n1", "n2", "n3"]).await;
        first.first_write(Instant::now()).await;
    });
}

#[test]
fn a_cut_storage_path_moves_the_witness() {
    let stand = Stand::new();
    runtime().block_on(async {
        let mut nodes = stand.cluster(2).await;
        let (second, first) = (nodes.remove(1), nodes.remove(0));
        first.use_disk().await;
        first.cut_storage(true).await;
        assert!(first.make_group("While it is cut").await, "two of three votes are there");
        second.until_witness_on("n2").await;
        let log = first.log();
        assert!(log.contains("storage path of this node is cut"), "{log}");
        // The one without storage may go, the one with it goes on.
        first.kill();
        second.first_write(Instant::now()).await;
        let first = stand.start("n1", &[]);
        first.until_up(&["n1", "n2"]).await;
        first.until_it_can_do_without(&second).await;
        first.cut_storage(false).await;
        second.kill();
        first.first_write(Instant::now()).await;
        assert!(first.groups().await.contains(&"While it is cut".to_owned()));
    });
}

#[test]
fn a_node_with_prevent_quorum_only_joins() {
    let stand = Stand::new();
    runtime().block_on(async {
        stand.cluster(2).await.drain(..).for_each(stand::Node::kill);
        let first = stand.start("n1", &["--prevent-quorum"]);
        let second = stand.start("n2", &["--pq"]);
        // Both votes are there, and nobody uses them.
        tokio::time::sleep(3 * DETECTION).await;
        for node in [&first, &second] {
            let (status, answer) = node.ask(Method::POST, "/groups", Some(json!({ "Name": "Never" }))).await;
            assert_eq!((status, &answer["error"]["code"]), (503, &json!(5925)), "{answer}");
        }
        second.kill();
        let second = stand.start("n2", &["--force-quorum"]);
        second.first_write(Instant::now()).await;
        first.until_up(&["n1", "n2"]).await;
        assert!(first.make_group("Together").await);
    });
}

#[test]
fn an_evicted_node_says_so_once() {
    let stand = Stand::new();
    runtime().block_on(async {
        let mut nodes = stand.cluster(3).await;
        nodes.remove(2).kill();
        nodes[0].until("/nodes/n3", |node| node["State"] == "Down").await;
        // It has to be fenced first.
        while nodes[0].ask(Method::DELETE, "/nodes/n3", None).await.0 != 202 {
            tokio::time::sleep(DETECTION / 10).await;
        }
        let third = stand.start("n3", &[]);
        let told = |log: &str| log.matches("no member of its cluster any more").count();
        let is_told = |events: &serde_json::Value| {
            let texts = events.as_array().into_iter().flatten().filter_map(|event| event["Text"].as_str());
            texts.filter(|text| told(text) > 0 && text.contains("--rebuild --join")).count() == 1
        };
        third.until("/events?limit=10000", is_told).await;
        tokio::time::sleep(3 * DETECTION).await;
        assert_eq!(told(&third.log()), 1);
        nodes[0].until_up(&["n1", "n2"]).await;
        third.kill();
        let third = stand.start("n3", &["--rebuild", "--join", &nodes[1].ready.peer]);
        third.until_up(&["n1", "n2", "n3"]).await;
    });
}
