//! Changes that work: what they answer, what they wait for, and what is true afterwards.

use std::time::Duration;

use cluster_engine::NodeId;
use serde_json::{Value as Json, json};

use super::fake::{Fake, Server, run};

async fn accepted(server: &Server, method: &str, path: &str, body: Json) -> Json {
    let (status, answer) = server.ask(method, path, body).await;
    assert_eq!(status, 202, "{method} {path}: {answer}");
    assert_eq!(answer["Accepted"], json!(true));
    answer
}

#[test]
fn a_group_comes_online_moves_and_goes_offline() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let online = accepted(&server, "POST", "/groups/WEB/online", Json::Null).await;
        assert_eq!((&online["Group"]["State"], &online["Pending"]), (&json!("Online"), &json!(false)));
        let moved = accepted(&server, "POST", "/groups/Web/move?wait=5", json!({ "Node": "N2" })).await;
        assert_eq!((&moved["Group"]["OwnerNode"], &moved["Group"]["State"]), (&json!("n2"), &json!("Online")));
        assert!(moved["Applied"].as_u64() > online["Applied"].as_u64());
        let offline = accepted(&server, "POST", "/groups/Web/offline?wait=5", Json::Null).await;
        assert_eq!(offline["Group"]["State"], json!("Offline"));
    });
}

#[test]
fn waiting_ends_when_the_object_rests_or_the_time_is_over() {
    run(async {
        let fake = Fake::new();
        fake.set_obeys(false);
        let server = Server::start(&fake).await;
        let at_once = accepted(&server, "POST", "/resources/Web%20IP/online", Json::Null).await;
        assert_eq!((&at_once["Pending"], &at_once["Resource"]["State"]), (&json!(true), &json!("OnlinePending")));
        assert_eq!(at_once.get("TimedOut"), None);
        let over = accepted(&server, "PATCH", "/resources/Web%20IP?wait=0", Json::Null).await;
        assert_eq!((&over["Pending"], &over["TimedOut"]), (&json!(true), &json!(true)));
        // The library answers while a client waits.
        let waiting = accepted(&server, "PATCH", "/resources/Web%20IP?wait=30", Json::Null);
        let obeying = async {
            while fake.waiting() == 0 {
                tokio::task::yield_now().await;
            }
            fake.set_obeys(true);
        };
        let (done, ()) = tokio::join!(waiting, obeying);
        assert_eq!((&done["Pending"], &done["Resource"]["State"]), (&json!(false), &json!("Online")));
    });
}

#[test]
fn a_resource_is_created_with_properties_and_parameters_and_deleted() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let body = json!({
            "Name": "App", "Group": "web", "ResourceType": "generic application", "SeparateMonitor": true,
            "Properties": { "RestartThreshold": 1 }, "Parameters": { "CommandLine": "/bin/true", "Port": "80" }
        });
        let made = accepted(&server, "POST", "/resources", body).await;
        let note = made["Note"].as_str().expect("the library wants a restart");
        assert!(note.contains("5024"), "{note}");
        let id = made["Id"].as_str().expect("an id").to_owned();
        let shown = server.get(&format!("/resources/{id}")).await;
        assert_eq!((&shown["Name"], &shown["ResourceType"]), (&json!("App"), &json!("Generic Application")));
        assert_eq!(shown["RestartThreshold"], json!(1));
        assert_eq!(server.get("/resources/App/parameters").await, json!({ "CommandLine": "/bin/true", "Port": 80 }));
        let properties = server.get("/resources/App/properties").await;
        assert_eq!(properties["RestartThreshold"]["Value"], json!(1));
        assert_eq!(properties["RestartThreshold"]["Default"], json!(3));
        accepted(&server, "PATCH", "/resources/App", json!({ "Properties": { "RestartThreshold": null } })).await;
        assert_eq!(server.get("/resources/App").await["RestartThreshold"], json!(3));
        accepted(&server, "PUT", "/resources/App/dependencies", json!({ "Expression": "[Web IP] and [web site]" }))
            .await;
        assert_eq!(server.get("/resources/App").await["DependsOn"], json!(["Web IP", "Web Site"]));
        accepted(&server, "DELETE", "/resources/App/dependencies/Web%20Site", Json::Null).await;
        accepted(&server, "DELETE", "/resources/App/owners/n3", Json::Null).await;
        assert_eq!(server.get("/resources/App").await["PossibleOwners"], json!(["n1", "n2"]));
        accepted(&server, "PATCH", "/resources/App", json!({ "Name": "Renamed" })).await;
        accepted(&server, "DELETE", "/resources/Renamed", Json::Null).await;
        assert_eq!(server.ask("GET", &format!("/resources/{id}"), Json::Null).await.0, 404);
    });
}

#[test]
fn the_registry_is_read_written_exported_and_imported() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let values = json!([
            { "Name": "text", "Type": "REG_SZ", "Value": "Grüße" },
            { "Name": "number", "Type": "REG_DWORD", "Value": 7 },
            { "Name": "list", "Type": "REG_MULTI_SZ", "Value": ["a", "b"] },
            { "Name": "", "Type": "REG_BINARY", "Value": "AQID" },
            { "Name": "odd", "Type": "77", "Value": "AA==" },
        ]);
        accepted(&server, "PUT", "/registry/Test/a%2Fb%20c", json!({ "Values": values })).await;
        let key = server.get("/registry/Test%5Ca%2Fb%20c").await;
        assert_eq!(key["Path"], json!("Test\\a/b c"));
        assert_eq!(key["Values"].as_array().map(Vec::len), Some(5));
        assert_eq!(key["Values"][0], json!({ "Name": "", "Type": "REG_BINARY", "Value": "AQID" }));
        let (status, exported) = server.send("GET", "/registry/Test?format=reg", None).await;
        assert_eq!(status, 200);
        assert!(exported.starts_with("Windows Registry Editor Version 5.00"), "{exported}");
        accepted(&server, "DELETE", "/registry/Test/a%2Fb%20c?value=text", Json::Null).await;
        accepted(&server, "DELETE", "/registry/Test?tree=true", Json::Null).await;
        assert_eq!(server.ask("GET", "/registry/Test", Json::Null).await.0, 404);
        let (status, text) = server.send("POST", "/registry?format=reg", Some(exported)).await;
        assert_eq!(status, 202, "{text}");
        assert_eq!(server.get("/registry/Test/a%2Fb%20c").await["Values"], key["Values"]);
        let batch = json!({ "Base": "Test", "Commands": [
            { "Command": "CONDITION_KEY_EXISTS", "Name": "a/b c" },
            { "Command": "CREATE_KEY", "Name": "new" },
            { "Command": "set_value", "Name": "x", "Type": "REG_QWORD", "Value": 4_294_967_296_u64 },
            { "Command": "DELETE_KEY", "Name": "missing" },
        ]});
        accepted(&server, "POST", "/registry", batch).await;
        assert_eq!(server.get("/registry/Test/new").await["Values"][0]["Value"], json!(4_294_967_296_u64));
    });
}

#[test]
fn nodes_are_paused_drained_resumed_and_stopped() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        accepted(&server, "POST", "/groups/Web/online", Json::Null).await;
        let paused =
            accepted(&server, "POST", "/nodes/n1/pause?wait=5", json!({ "Drain": true, "Target": "n3" })).await;
        assert_eq!((&paused["Node"]["State"], &paused["Node"]["DrainStatus"]), (&json!("Paused"), &json!("Completed")));
        assert_eq!(server.get("/groups/Web").await["OwnerNode"], json!("n3"));
        accepted(&server, "POST", "/nodes/n1/resume?wait=5", json!({ "Failback": "Immediate" })).await;
        assert_eq!(server.get("/groups/Web").await["OwnerNode"], json!("n1"));
        let stopping = accepted(&server, "POST", "/nodes/n1/stop", Json::Null).await;
        assert_eq!(stopping["Pending"], json!(true));
        assert!(fake.is_stopped());
    });
}

#[test]
fn what_another_node_has_to_do_is_passed_on_to_it_once() {
    run(async {
        // Two doors to clusters that are alike, but for who answers: the second one stands for node 2.
        let (here, there) = (Fake::new(), Fake::on(NodeId(2)));
        let (first, second) = (Server::start(&here).await, Server::start(&there).await);
        accepted(&second, "POST", "/groups/Web/move?wait=5", json!({ "Node": "n2" })).await;
        accepted(&first, "POST", "/groups/Web/move?wait=5", json!({ "Node": "n2" })).await;
        let parameters = json!({ "Port": 81 });
        let path = "/resources/Web%20Site/parameters";
        let (status, answer) = first.ask("PATCH", path, parameters.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!(5050)), "nobody knows where n2 is: {answer}");
        // A node that has just come up tells it while the request waits.
        let told = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            here.set_api_address(NodeId(2), &second.url);
        };
        let (answer, ()) = tokio::join!(accepted(&first, "PATCH", path, parameters.clone()), told);
        assert!(answer["Note"].as_str().is_some_and(|n| n.contains("5024")), "{answer}");
        assert_eq!(second.get(path).await["Port"], json!(81));
        let control = json!({ "Code": 4711, "Input": "AQID" });
        let (status, answer) = first.ask("POST", "/resources/Web%20Site/control", control).await;
        assert_eq!((status, &answer), (200, &json!({ "Code": 1, "Name": "ERROR_INVALID_FUNCTION", "Output": "AQID" })));
        // A node that is not the owner either does not pass it on again.
        accepted(&second, "POST", "/groups/Web/move?wait=5", json!({ "Node": "n3" })).await;
        let (status, answer) = first.ask("PATCH", path, parameters).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!(5016)), "{answer}");
        accepted(&first, "POST", "/nodes/n2/stop", Json::Null).await;
        assert_eq!((here.is_stopped(), there.is_stopped()), (false, true));
    });
}

#[test]
fn the_log_is_read_from_its_end() {
    run(async {
        let fake = Fake::new();
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cluster.log");
        std::fs::write(&path, "one\ntwo\nthree\n").expect("a log");
        fake.set_log_path(path);
        let server = Server::start(&fake).await;
        let read = async |tail: &str| server.send("GET", &format!("/log{tail}"), None).await;
        assert_eq!(read("").await, (200, "one\ntwo\nthree\n".to_owned()));
        assert_eq!(read("?tail=2").await, (200, "two\nthree\n".to_owned()));
        assert_eq!(read("?tail=0").await, (200, String::new()));
    });
}

#[test]
fn the_page_is_served_wherever_the_api_is_not() {
    run(async {
        let server = Server::start(&Fake::new()).await;
        for path in ["", "index.html", "groups/Web"] {
            let (status, text) = server.send("GET", path, None).await;
            assert_eq!(status, 200, "{path}");
            assert!(text.to_ascii_lowercase().contains("<!doctype html>"), "{path}: {text}");
        }
        assert_eq!(server.send("GET", "assets/nothing.js", None).await.0, 404);
        assert_eq!(server.send("POST", "index.html", None).await.0, 404);
        assert_eq!(server.send("GET", "/nothing", None).await.0, 404);
    });
}
