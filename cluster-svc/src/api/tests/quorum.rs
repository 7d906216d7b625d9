//! Quorum: the view of it, how it is set, what is refused, and the state for simulations.

use cluster_engine::state::{ClusterState, Command};
use cluster_engine::{Guid, NodeId};
use expect_test::{Expect, expect};
use serde_json::{Value as Json, json};

use super::fake::{DISK, Fake, Server, run};

fn check(fake: &std::sync::Arc<Fake>, path: &str, expected: Expect) {
    run(async {
        let server = Server::start(fake).await;
        let answer: Json = server.get(path).await;
        let mut text = serde_json::to_string_pretty(&answer).expect("JSON");
        text.push('\n');
        expected.assert_eq(&text);
    });
}

#[test]
fn a_cluster_with_a_disk_witness() {
    check(
        &Fake::with_witness(),
        "/quorum",
        expect![[r#"
        {
          "DynamicQuorum": 1,
          "Explanation": [
            "3 votes are in force: n1, n2 and the disk witness.",
            "Without a vote now: n3 (given up, so that the number of votes is odd).",
            "Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.",
            "If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.",
            "At the same moment 1 vote may be lost, not more."
          ],
          "FixQuorum": 0,
          "ForcedBy": null,
          "Lineage": "0",
          "LowerQuorumPriorityNodeID": 0,
          "MaxQuorumLogSize": 1024,
          "Needed": 2,
          "Path": "MSCS",
          "Present": 3,
          "Quorate": true,
          "QuorumResource": "Disk 1",
          "QuorumType": "NodeAndDiskMajority",
          "Voters": [
            {
              "DynamicWeight": 1,
              "HeardMs": 0,
              "Id": 1,
              "Node": "n1",
              "NodeWeight": 1,
              "Up": true,
              "Vote": 1,
              "Why": null
            },
            {
              "DynamicWeight": 1,
              "HeardMs": 40,
              "Id": 2,
              "Node": "n2",
              "NodeWeight": 1,
              "Up": true,
              "Vote": 1,
              "Why": null
            },
            {
              "DynamicWeight": 0,
              "HeardMs": 90,
              "Id": 3,
              "Node": "n3",
              "NodeWeight": 1,
              "Up": true,
              "Vote": 0,
              "Why": "given up, so that the number of votes is odd"
            }
          ],
          "Votes": 3,
          "Witness": {
            "DynamicWeight": 1,
            "Epoch": 4,
            "Healthy": true,
            "HostNode": "n1",
            "Kind": "Disk",
            "OwnerNode": "n1",
            "Resource": "Disk 1",
            "SinceMs": 0,
            "State": "Online",
            "Why": null
          }
        }
    "#]],
    );
}

#[test]
fn a_node_without_quorum_says_what_it_hears() {
    let fake = Fake::with_witness();
    fake.set_quorate(false);
    run(async {
        let server = Server::start(&fake).await;
        let quorum = server.get("/quorum").await;
        assert_eq!((&quorum["Quorate"], &quorum["Witness"]["Healthy"]), (&json!(false), &json!(false)));
        assert_eq!(quorum["Present"], json!(2), "nodes 1 and 2 hear each other; nobody knows of the witness: {quorum}");
        let last = quorum["Explanation"].as_array().and_then(|all| all.last()).and_then(Json::as_str);
        assert!(last.is_some_and(|text| text.starts_with("This node has no quorum")), "{quorum}");
    });
}

#[test]
fn nodes_and_properties_tell_of_votes() {
    let fake = Fake::with_witness();
    fake.set_prevent_quorum();
    fake.must(Command::NodeDown { node: NodeId(3), incarnation: 7 });
    fake.must(Command::QuorumForced {
        node: NodeId(1),
        incarnation: 7,
        lineage: cluster_engine::Lineage { number: 1, draw: 0xAB },
    });
    run(async {
        let server = Server::start(&fake).await;
        let value = async |path: &str, name: &str| server.get(path).await[name]["Value"].clone();
        assert_eq!(value("/cluster/properties", "FixQuorum").await, json!(1));
        assert_eq!(value("/cluster/properties", "PreventQuorum").await, json!(1));
        assert_eq!(value("/cluster/properties", "WitnessDynamicWeight").await, json!(0), "it starts anew");
        assert_eq!(value("/nodes/n1/properties", "NeedsPreventQuorum").await, json!(0));
        assert_eq!(value("/nodes/n3/properties", "NeedsPreventQuorum").await, json!(1));
        assert_eq!(value("/nodes/n3/properties", "DynamicWeight").await, json!(0));
        assert_eq!(value("/nodes/n1/properties", "StatusInformation").await, json!(0));
        let (first, third) = (server.get("/nodes/n1").await, server.get("/nodes/n3").await);
        assert_eq!((&first["QuorumOwner"], &third["QuorumOwner"]), (&json!(true), &json!(false)));
        assert_eq!((&first["DynamicWeight"], &third["DynamicWeight"]), (&json!(1), &json!(0)));
        assert_eq!((&first["NeedsPreventQuorum"], &third["NeedsPreventQuorum"]), (&json!(0), &json!(1)));
        let quorum = server.get("/quorum").await;
        assert_eq!((&quorum["FixQuorum"], &quorum["ForcedBy"]), (&json!(1), &json!("n1")));
        assert_eq!(quorum["Lineage"], json!("1-00000000000000ab"));
    });
}

/// Method, body, and what it comes to: model, witness and size, or a code and a part of its sentence.
type Change<'a> = (&'a str, Json, Result<(&'a str, Json, u32), (u64, &'a str)>);

/// Sends changes of quorum one after the other; each comes to a model and a witness, or to a code and a part of a
/// sentence, and then nothing has changed.
fn set(cases: &[Change<'_>]) {
    let fake = Fake::with_storage();
    run(async {
        let server = Server::start(&fake).await;
        for (method, body, expected) in cases {
            let before = server.get("/quorum").await;
            let (status, answer) = server.ask(method, "/quorum", body.clone()).await;
            let after = server.get("/quorum").await;
            match expected {
                Ok((model, witness, size)) => {
                    assert_eq!(status, 202, "{method} {body}: {answer}");
                    let told = (&after["QuorumType"], &after["QuorumResource"], &after["MaxQuorumLogSize"]);
                    assert_eq!(told, (&json!(model), witness, &json!(size)), "{method} {body}");
                }
                Err((code, says)) => {
                    assert_eq!(answer["error"]["code"], json!(code), "{method} {body}: {answer}");
                    let text = answer["error"]["message"].as_str().unwrap_or_default();
                    assert!(text.contains(says), "{method} {body}: {text}");
                    assert_eq!(before, after, "{method} {body} changed something");
                }
            }
        }
    });
}

#[test]
fn quorum_is_set_and_refused() {
    let (disk, share, none) = (json!("Disk 1"), json!("Share"), Json::Null);
    set(&[
        ("PUT", json!({ "QuorumResource": "disk 1" }), Ok(("NodeAndDiskMajority", disk.clone(), 1024))),
        ("PATCH", json!({ "Path": "Elsewhere" }), Ok(("NodeAndDiskMajority", disk.clone(), 1024))),
        ("PATCH", json!({ "QuorumType": "diskonly" }), Ok(("DiskOnly", disk.clone(), 4_194_304))),
        ("PATCH", json!({ "MaxQuorumLogSize": 65536 }), Ok(("DiskOnly", disk.clone(), 65536))),
        ("PATCH", json!({ "MaxQuorumLogSize": 1024 }), Ok(("NodeAndDiskMajority", disk.clone(), 1024))),
        ("PATCH", json!({ "QuorumResource": "Share" }), Ok(("NodeAndFileShareMajority", share.clone(), 1024))),
        ("PATCH", json!({ "QuorumType": "DiskOnly" }), Err((5025, "is no storage"))),
        ("PATCH", json!({ "MaxQuorumLogSize": 4_194_304 }), Err((5025, "Only a disk"))),
        (
            "PUT",
            json!({ "QuorumType": "NodeAndDiskMajority", "QuorumResource": "Share" }),
            Err((5025, "CLUS_RESCLASS")),
        ),
        (
            "PUT",
            json!({ "QuorumType": "NodeAndFileShareMajority", "QuorumResource": "Disk 1" }),
            Err((87, "is a disk")),
        ),
        ("PUT", json!({ "QuorumResource": "Web IP" }), Err((5021, "no Arbitrate"))),
        ("PUT", json!({ "QuorumResource": "Web IP" }), Err((5021, "online are: Disk 1, Share"))),
        ("PUT", json!({ "QuorumResource": "nobody" }), Err((5007, "There are:"))),
        ("PUT", json!({ "QuorumType": "Majority" }), Err((87, "NodeAndDiskMajority"))),
        ("PUT", json!({ "QuorumType": "NodeMajority", "QuorumResource": "Disk 1" }), Err((87, "no witness"))),
        (
            "PUT",
            json!({ "QuorumType": "DiskOnly", "QuorumResource": "Disk 1", "MaxQuorumLogSize": 1024 }),
            Err((87, "4194304")),
        ),
        ("PUT", json!({ "QuorumResource": "Disk 1", "Path": "x".repeat(261) }), Err((87, "260"))),
        ("PUT", json!({}), Err((87, "QuorumType"))),
        ("PUT", json!({ "Path": "MSCS" }), Err((87, "QuorumType"))),
        ("PUT", json!({ "Quorum": "Disk 1" }), Err((87, "Quorum"))),
        ("PUT", json!({ "QuorumType": 7 }), Err((87, "string"))),
        ("PATCH", json!({ "QuorumType": "NodeMajority" }), Ok(("NodeMajority", none.clone(), 0))),
        ("PATCH", json!({ "Path": "MSCS" }), Err((87, "no witness"))),
        ("PUT", json!({ "QuorumType": "NodeAndDiskMajority" }), Err((87, "Name it"))),
        ("PUT", json!({ "MaxQuorumLogSize": 0 }), Ok(("NodeMajority", none, 0))),
    ]);
}

#[test]
fn a_disk_that_is_offline_or_needed_is_refused_as_the_quorum() {
    run(async {
        let fake = Fake::with_storage();
        let server = Server::start(&fake).await;
        let code = async |body: Json| server.ask("PUT", "/quorum", body).await.1["error"]["code"].clone();
        fake.must(Command::OfflineResource { resource: DISK, force: false });
        assert_eq!(code(json!({ "QuorumResource": "Disk 1" })).await, json!(5027));
        fake.must(Command::OnlineResource { resource: DISK });
        fake.must(Command::AddDependency { dependent: Guid(0x22), provider: DISK });
        assert_eq!(code(json!({ "QuorumResource": "Disk 1" })).await, json!(5001));
        fake.set_quorate(false);
        assert_eq!(code(json!({ "QuorumType": "NodeMajority" })).await, json!(5925));
    });
}

#[test]
fn the_library_is_asked_on_the_node_that_owns_the_resource() {
    run(async {
        let (here, there) = (Fake::with_storage(), Fake::with_storage());
        let (first, second) = (Server::start(&here).await, Server::start(&there).await);
        for server in [&first, &second] {
            assert_eq!(server.ask("POST", "/groups/Storage/move?wait=5", json!({ "Node": "n2" })).await.0, 202);
        }
        let body = json!({ "QuorumResource": "Disk 1" });
        let (status, answer) = first.ask("PUT", "/quorum", body.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!(5050)), "nobody knows where n2 is: {answer}");
        // The second door says that it is node 1 as well; what it refuses shows that it was asked.
        here.set_api_address(NodeId(2), &second.url);
        let (status, answer) = first.ask("PUT", "/quorum", body).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!(5016)), "{answer}");
    });
}

#[test]
fn a_quarantine_is_cleared() {
    run(async {
        let server = Server::start(&Fake::new()).await;
        let (status, answer) = server.ask("POST", "/nodes/n2/clear-quarantine", Json::Null).await;
        assert_eq!((status, &answer["Node"]["StatusInformation"]), (202, &json!("Normal")), "{answer}");
        let (status, answer) = server.ask("POST", "/nodes/nobody/clear-quarantine", Json::Null).await;
        assert_eq!((status, &answer["error"]["code"]), (404, &json!(5042)));
        let (status, _) = server.ask("POST", "/nodes/n2/clear-quarantine", json!({ "Now": true })).await;
        assert_eq!(status, 400);
    });
}

#[test]
fn steps_of_an_arbitration_are_told_apart() {
    run(async {
        let server = Server::start(&Fake::with_witness()).await;
        let events = server.get("/events?limit=1000").await;
        let step = |says: &str| {
            let found =
                events.as_array().into_iter().flatten().find(|n| n["Text"].as_str().is_some_and(|t| t.contains(says)));
            found.map(|n| n["Step"].clone())
        };
        assert_eq!(step("votes on node 'n1'"), Some(json!("Hosted")), "{events}");
        assert_eq!(step("is up (Join Succeeded)"), Some(Json::Null), "{events}");
    });
}

#[test]
fn steps_are_gathered_from_all_nodes_that_answer() {
    run(async {
        let (here, there) = (Fake::with_witness(), Fake::with_witness());
        let (first, second) = (Server::start(&here).await, Server::start(&there).await);
        here.set_api_address(NodeId(2), &second.url);
        let told = first.get("/quorum/steps").await;
        assert_eq!(told["Silent"], json!(["n3"]), "nobody knows where n3 is");
        let steps = told["Steps"].as_array().expect("steps");
        assert_eq!(steps.len(), 1, "what both tell is told once: {told}");
        assert_eq!(steps[0]["Step"], json!("Hosted"));
        assert_eq!(first.get("/quorum/steps?limit=0").await["Steps"], json!([]));
        assert_eq!(first.ask("GET", "/quorum/steps?limit=2001", Json::Null).await.0, 400);
        assert_eq!(first.ask("GET", "/quorum/steps?node=n1", Json::Null).await.0, 400);
    });
}

#[test]
fn the_state_for_a_simulation_is_the_state() {
    run(async {
        let fake = Fake::with_witness();
        let server = Server::start(&fake).await;
        let answer = server.client.get(format!("{}/api/v1/simulations/state", server.url)).send().await.expect("sent");
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.headers()["x-wolfden-version"], env!("CARGO_PKG_VERSION"));
        let state: ClusterState = postcard::from_bytes(&answer.bytes().await.expect("a body")).expect("a state");
        assert!(state == fake.state());
        assert_eq!(server.ask("GET", "/simulations/state?seed=1", Json::Null).await.0, 400);
    });
}
