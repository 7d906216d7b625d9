//! Bad input of every kind: each is refused with the right status and code, and nothing is changed by it.

use serde_json::{Value as Json, json};

use super::fake::{Fake, Server, run};

/// Method, path, body as text, status, code.
type Case = (&'static str, &'static str, String, u16, u32);

fn case(method: &'static str, path: &'static str, body: Json, status: u16, code: u32) -> Case {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    (method, path, body, status, code)
}

fn text(method: &'static str, path: &'static str, body: &str, status: u16, code: u32) -> Case {
    (method, path, body.to_owned(), status, code)
}

fn check(cases: Vec<Case>) {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let before = without_bookkeeping(&fake);
        for (method, path, body, status, code) in cases {
            let (got, text) = server.send(method, path, Some(body.clone())).await;
            let shown = body.chars().take(80).collect::<String>();
            let what = format!("{method} {path} {shown}: {text}");
            let answer: Json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{what}");
            let name = answer["error"]["name"].as_str().unwrap_or_default();
            assert!(name.starts_with("ERROR_") && !name.ends_with(char::is_numeric), "{what}");
            assert!(answer["error"]["message"].as_str().is_some_and(|m| m.len() > 20), "{what}");
            assert!(answer["error"]["facts"].is_object(), "{what}");
            assert!(before == without_bookkeeping(&fake), "{what} changed something");
        }
    });
}

/// The state without the count of requests, which goes up with refusals as well.
fn without_bookkeeping(fake: &Fake) -> cluster_engine::state::ClusterState {
    let mut state = fake.state();
    state.applied = 0;
    state.outcomes.clear();
    state.done_below.clear();
    state
}

#[test]
fn names_that_are_not_there() {
    let mut cases = Vec::new();
    let kinds = [("nodes", 5042), ("groups", 5013), ("resources", 5007), ("resource-types", 5078)];
    for (kind, code) in kinds {
        for path in [format!("/{kind}/nobody"), format!("/{kind}/00000000-0000-0000-0000-00000000dead")] {
            cases.push(case("GET", path.leak(), Json::Null, 404, code));
        }
        cases.push(case("GET", format!("/{kind}/nobody/properties").leak(), Json::Null, 404, code));
        cases.push(case("DELETE", format!("/{kind}/nobody").leak(), Json::Null, 404, code));
        cases.push(case(
            "PATCH",
            format!("/{kind}/nobody").leak(),
            json!({ "Properties": { "Description": "x" } }),
            404,
            code,
        ));
    }
    cases.extend([
        case("POST", "/nodes/nobody/pause", Json::Null, 404, 5042),
        case("POST", "/nodes/n1/pause", json!({ "Drain": true, "Target": "nobody" }), 404, 5042),
        case("POST", "/nodes/nobody/stop", Json::Null, 404, 5042),
        case("POST", "/groups/nobody/online", Json::Null, 404, 5013),
        case("POST", "/groups/Web/online", json!({ "Node": "nobody" }), 404, 5042),
        case("POST", "/groups/Web/move", json!({ "Node": "nobody" }), 404, 5042),
        case("PUT", "/groups/Web/owners", json!(["n1", "nobody"]), 404, 5042),
        case("GET", "/groups/nobody/placement", Json::Null, 404, 5013),
        case("POST", "/resources", json!({ "Name": "X", "Group": "nobody", "ResourceType": "IP Address" }), 404, 5013),
        case("POST", "/resources", json!({ "Name": "X", "Group": "Web", "ResourceType": "nobody" }), 404, 5078),
        case("POST", "/resources/nobody/fail", Json::Null, 404, 5007),
        case("POST", "/resources/Web%20IP/group", json!({ "Group": "nobody" }), 404, 5013),
        case("PUT", "/resources/Web%20IP/dependencies", json!({ "Expression": "[nobody]" }), 404, 5007),
        case("POST", "/resources/Web%20IP/dependencies/nobody", Json::Null, 404, 5007),
        case("DELETE", "/resources/Web%20IP/dependencies/Web%20Site", Json::Null, 404, 5002),
        case("PUT", "/resources/Web%20IP/owners/nobody", Json::Null, 404, 5042),
        case("GET", "/resources/nobody/parameters", Json::Null, 404, 5007),
        case("POST", "/resources/nobody/control", json!({ "Code": 1 }), 404, 5007),
        case("GET", "/registry/Nothing/Here", Json::Null, 404, 2),
        case("DELETE", "/registry/Nothing", Json::Null, 404, 2),
        case("DELETE", "/registry/Groups?value=Nothing", Json::Null, 404, 2),
        case("GET", "/log", Json::Null, 404, 2),
        case("GET", "/nothing", Json::Null, 404, 2),
        case("POST", "/nothing", Json::Null, 404, 2),
    ]);
    check(cases);
}

#[test]
fn bodies_that_cannot_be_meant() {
    let large = format!("{{\"Name\":\"{}\"}}", "x".repeat(2 << 20));
    check(vec![
        text("POST", "/groups", "{", 400, 13),
        text("POST", "/groups", "{\"Name\":\"A\"} and more", 400, 13),
        text("POST", "/groups", "\u{1}", 400, 13),
        text("POST", "/groups", "", 400, 87),
        text("POST", "/groups", "[]", 400, 87),
        text("POST", "/groups", "7", 400, 87),
        case("POST", "/groups", json!({ "Name": 7 }), 400, 87),
        case("POST", "/groups", json!({ "name": "A" }), 400, 87),
        case("POST", "/groups", json!({ "Name": "A", "Colour": "red" }), 400, 87),
        case("POST", "/groups", json!({ "Name": "A", "GroupType": -1 }), 400, 87),
        case("POST", "/groups", json!({ "Name": "A", "GroupType": "Print" }), 400, 87),
        text("POST", "/groups", &large, 413, 87),
        text("PATCH", "/resources/Web%20Site/parameters", &large, 413, 87),
        text("POST", "/groups/Web/online", "[1]", 400, 87),
        text("POST", "/groups/Web/offline", "{\"Force\":true}", 400, 87),
        case("POST", "/nodes/n1/pause", json!({ "Drain": "yes" }), 400, 87),
        case("POST", "/nodes/n1/resume", json!({ "Failback": "Perhaps" }), 400, 87),
        case("PUT", "/groups/Web/owners", json!({ "Nodes": [] }), 400, 87),
        case("PUT", "/groups/Web/owners", json!([1, 2]), 400, 87),
        case("PUT", "/resources/Web%20IP/dependencies", json!({ "Expression": "[Web Site" }), 400, 87),
        case("PUT", "/resources/Web%20IP/dependencies", json!({ "Expression": "A and B" }), 400, 87),
        case("PUT", "/resources/Web%20IP/dependencies", json!({ "Expression": "(".repeat(100_000) }), 400, 87),
        case("POST", "/resources/Web%20IP/control", json!({ "Code": 1, "Input": "***" }), 400, 13),
        case("POST", "/resources/Web%20IP/control", json!({ "Code": -1 }), 400, 87),
        case("POST", "/resources/Web%20IP/control", json!({ "Code": 1, "Input": "A".repeat(400_000) }), 400, 87),
        case("GET", "/cluster?colour=red", Json::Null, 400, 87),
        case("POST", "/groups/Web/online?wait=soon", Json::Null, 400, 87),
        case("POST", "/groups/Web/online?wait=-1", Json::Null, 400, 87),
        case("POST", "/groups/Web/online?wait=601", Json::Null, 400, 87),
        case("GET", "/events?limit=many", Json::Null, 400, 87),
        case("GET", "/events?limit=10001", Json::Null, 400, 87),
        case("GET", "/events?after=yesterday", Json::Null, 400, 87),
        case("GET", "/events?level=Loud", Json::Null, 400, 87),
        case("GET", "/groups/%FF", Json::Null, 400, 123),
    ]);
}

#[test]
fn properties_that_do_not_fit() {
    let group = |name: &str, value: Json| json!({ "Properties": { name: value } });
    let new = |more: Json| {
        let mut body = json!({ "Name": "New", "Group": "Web", "ResourceType": "Generic Application" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    check(vec![
        case("PATCH", "/groups/Web", group("Colour", json!("red")), 400, 87),
        case("PATCH", "/groups/Web", group("Priority", json!(3001)), 400, 87),
        case("PATCH", "/groups/Web", group("Priority", json!("high")), 400, 5895),
        case("PATCH", "/groups/Web", group("Priority", json!(-1)), 400, 13),
        case("PATCH", "/groups/Web", group("Priority", json!(1.5)), 400, 13),
        case("PATCH", "/groups/Web", group("AntiAffinityClassNames", json!("a")), 400, 5895),
        case("PATCH", "/groups/Web", group("AntiAffinityClassNames", json!([1])), 400, 5895),
        case("PATCH", "/groups/Web", group("Description", json!("a\u{0}b")), 400, 13),
        case("PATCH", "/groups/Web", group("StatusInformation", json!(1)), 409, 5089),
        case("PATCH", "/groups/Web", json!({ "Properties": { "Priority": 1000, "Colour": 1 } }), 400, 87),
        case("PATCH", "/groups/Web", json!({ "Name": "Renamed", "Properties": { "Colour": 1 } }), 400, 87),
        case("PATCH", "/cluster", group("SameSubnetDelay", json!(10)), 400, 87),
        case("PATCH", "/nodes/n1", group("NodeWeight", json!(2)), 400, 87),
        case("PATCH", "/resources/Web%20IP", group("RestartAction", json!(9)), 400, 87),
        case("PATCH", "/resource-types/IP%20Address", group("DllName", json!("x.dll")), 409, 5089),
        case("POST", "/resources", new(json!({ "Properties": { "RestartAction": 9 } })), 400, 87),
        case("PATCH", "/resources/Web%20Site/parameters", json!({ "Port": "many" }), 400, 5895),
        case("PATCH", "/resources/Web%20Site/parameters", json!({ "Port": 65536 }), 400, 87),
        case("PATCH", "/resources/Web%20Site/parameters", json!({ "Port": null }), 400, 87),
        case("PATCH", "/resources/Web%20Site/parameters", json!({ "Other": { "a": 1 } }), 400, 13),
        case("PATCH", "/resources/Web%20Site/parameters", json!([]), 400, 87),
    ]);
}

#[test]
fn a_resource_whose_parameters_are_refused_is_not_left_behind() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let before = without_bookkeeping(&fake);
        let body = json!({
            "Name": "New", "Group": "Web", "ResourceType": "Generic Application", "Parameters": { "Port": 70000 }
        });
        let (status, answer) = server.ask("POST", "/resources", body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(87)), "{answer}");
        assert_eq!(without_bookkeeping(&fake).resources, before.resources);
    });
}

#[test]
fn changes_that_the_state_does_not_allow() {
    check(vec![
        case("POST", "/groups", json!({ "Name": "web" }), 409, 5010),
        case(
            "POST",
            "/resources",
            json!({ "Name": "WEB IP", "Group": "Web", "ResourceType": "IP Address" }),
            409,
            5010,
        ),
        case("DELETE", "/groups/Web", Json::Null, 409, 145),
        case("POST", "/nodes/n1/resume", Json::Null, 409, 5058),
        case("PUT", "/resources/Web%20IP/dependencies", json!({ "Expression": "[Web Site]" }), 409, 1059),
        case("POST", "/resources/Web%20Site/dependencies/Web%20IP", Json::Null, 409, 5003),
        case("DELETE", "/resources/Web%20IP", Json::Null, 409, 5001),
        case("DELETE", "/resource-types/IP%20Address", Json::Null, 409, 5909),
    ]);
}

#[test]
fn registry_requests_that_cannot_be_carried_out() {
    let put = |values: Json| json!({ "Values": values });
    let batch = |commands: Json| json!({ "Base": "Groups", "Commands": commands });
    check(vec![
        case("PUT", "/registry/Test", put(json!([{ "Name": "a", "Type": "REG_SZ", "Value": 1 }])), 400, 5895),
        case("PUT", "/registry/Test", put(json!([{ "Name": "a", "Type": "REG_COLOUR", "Value": 1 }])), 400, 13),
        case(
            "PUT",
            "/registry/Test",
            put(json!([{ "Name": "a", "Type": "REG_DWORD", "Value": 4_294_967_296_u64 }])),
            400,
            13,
        ),
        case("PUT", "/registry/Test", put(json!([{ "Name": "a", "Type": "REG_BINARY", "Value": "*" }])), 400, 13),
        case("PUT", "/registry/Test", put(json!([{ "Name": "a" }])), 400, 87),
        case(
            "PUT",
            "/registry/Test",
            put(json!([{ "Name": "a", "Type": "REG_SZ", "Value": "x", "Extra": 1 }])),
            400,
            87,
        ),
        case("PUT", "/registry/%ZZ", put(json!([])), 400, 123),
        case("PUT", "/registry/%FF", put(json!([])), 400, 123),
        case("DELETE", "/registry/Groups?tree=true&value=x", Json::Null, 400, 87),
        case("DELETE", "/registry/Groups?tree=perhaps", Json::Null, 400, 87),
        case("GET", "/registry?format=xml", Json::Null, 400, 87),
        case("POST", "/registry", batch(json!([{ "Command": "EXPLODE" }])), 400, 87),
        case("POST", "/registry", batch(json!([{ "Command": "SET_VALUE", "Name": "a" }])), 400, 87),
        case("POST", "/registry", batch(json!([{ "Command": "CONDITION_EXISTS", "Name": "nothing" }])), 409, 5986),
        text("POST", "/registry?format=reg", "not a registry file", 400, 13),
    ]);
}

#[test]
fn pages_from_elsewhere_and_other_hosts_are_refused() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let before = without_bookkeeping(&fake);
        for (name, value) in [("host", "evil.example"), ("origin", "http://evil.example"), ("origin", "null")] {
            let request = server.client.post(format!("{}/api/v1/groups/Web/online", server.url)).header(name, value);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), 403, "{name}: {value}");
            let body: Json = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
            assert_eq!(body["error"]["code"], json!(5), "{name}: {value}");
        }
        assert!(before == without_bookkeeping(&fake));
        let own = server.client.get(format!("{}/api/v1/cluster", server.url)).header("origin", &server.url);
        assert_eq!(own.send().await.expect("an answer").status().as_u16(), 200);
    });
}

#[test]
fn without_quorum_changes_are_refused_and_reads_are_marked_stale() {
    run(async {
        let fake = Fake::new();
        fake.set_quorate(false);
        let server = Server::start(&fake).await;
        let (status, answer) = server.ask("POST", "/groups/Web/online", Json::Null).await;
        assert_eq!((status, &answer["error"]["code"]), (503, &json!(5925)));
        assert_eq!(answer["error"]["name"], json!("ERROR_CLUSTER_NO_QUORUM"));
        let cluster = server.get("/cluster").await;
        assert_eq!((&cluster["Stale"], &cluster["Quorate"]), (&json!(true), &json!(false)));
        assert_eq!(server.get("/groups").await.as_array().map(Vec::len), Some(3));
    });
}
