//! Bad input of every kind against a live cluster: each is refused with its status and code, in words, and nothing is
//! changed by any of it.

use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::Lab;
use wolfden_tests::rest::Rest;

/// Method, path, body as text, status, code.
type Case = (&'static str, String, String, u16, u64);

fn case(method: &'static str, path: &str, body: Value, status: u16, code: u64) -> Case {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    (method, path.to_owned(), body, status, code)
}

fn text(method: &'static str, path: &str, body: &str, status: u16, code: u64) -> Case {
    (method, path.to_owned(), body.to_owned(), status, code)
}

/// What must not change. Clocks and counters that move by themselves are left out.
#[derive(PartialEq, Debug)]
struct Sight(Vec<(&'static str, String)>);

const MOVING: [&str; 6] = ["Time", "Applied", "SinceMs", "LastHeardMs", "HeardMs", "AnsweredBy"];

impl Sight {
    fn of(rest: &Rest) -> Sight {
        let paths = [
            "/cluster",
            "/cluster/properties",
            "/nodes",
            "/groups",
            "/groups/Web/properties",
            "/resources",
            "/resources/Web%20Server/properties",
            "/resources/Web%20Server/parameters",
            "/resource-types",
            "/quorum",
            "/networks",
            "/registry?format=reg",
        ];
        let seen = paths.into_iter().map(|path| {
            let answer = rest.ask("GET", path, Value::Null);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            let mut body = answer.body;
            still(&mut body);
            (path, if body.is_null() { answer.text } else { body.to_string() })
        });
        Sight(seen.collect())
    }

    /// The lines that differ, for a message.
    fn differs(&self, other: &Sight) -> String {
        let pairs = self.0.iter().zip(&other.0).filter(|(a, b)| a != b);
        let lines = pairs.map(|((path, a), (_, b))| {
            let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
            let gone: Vec<&&str> = a.iter().filter(|line| !b.contains(line)).collect();
            let new: Vec<&&str> = b.iter().filter(|line| !a.contains(line)).collect();
            format!("{path}: gone {gone:?}, new {new:?}\n")
        });
        lines.collect()
    }
}

fn still(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !MOVING.contains(&name.as_str()));
            members.values_mut().for_each(still);
        }
        Value::Array(items) => items.iter_mut().for_each(still),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn bad_input_is_refused_in_words_and_changes_nothing() {
    let ground = Ground::new();
    let lab = Lab::up(&ground, 3);
    let address = wolfden_tests::visitor::free_address(std::net::Ipv4Addr::new(127, 77, 1, 30));
    groups::web(&lab, "Web", address);
    groups::group(&lab, "Empty");
    lab.change("PUT", "/registry/Test", json!({ "Values": [{ "Name": "a", "Type": "REG_SZ", "Value": "b" }] }));
    // What is written by resources after they came online has arrived.
    lab.until_state("/groups/Web", "Online");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let before = Sight::of(&lab);

    let mut count = 0;
    let mut wrong = Vec::new();
    for cases in [names(), bodies(), sizes(), properties(), dependencies(), states(), registry(), lab_buttons()] {
        for (method, path, body, status, code) in cases {
            let answer = lab.send(method, &format!("/api/v1{path}"), Some(body.clone()), &[]);
            let shown: String = body.chars().take(80).collect();
            let error = &answer.body["error"];
            let is_right = (answer.status, answer.code()) == (status, Some(code))
                && error["name"].as_str().is_some_and(|name| name.starts_with("ERROR_"))
                && error["message"].as_str().is_some_and(|said| said.len() > 15)
                && error["facts"].is_object();
            if !is_right {
                wrong.push(format!(
                    "{method} {path} {shown}: not {status} {code} but {} {}",
                    answer.status, answer.text
                ));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    foreign_pages(&lab);
    let after = Sight::of(&lab);
    assert!(before == after, "{}", before.differs(&after));
    // The nodes themselves agree, not only the one that has answered.
    for name in ["n1", "n2", "n3"] {
        let node = lab.node(name);
        node.until("/registry/Test", |key| key["Values"][0]["Value"] == "b");
        assert_eq!(Sight::of(&node).0.last(), before.0.last(), "the registry of {name}");
    }
    assert!(wolfden_tests::visitor::visit(address).is_some(), "the web server was not disturbed");
    wolfden_tests::figure(&format!("{count} bad requests refused, nothing changed"));
    lab.end();
}

fn names() -> Vec<Case> {
    let mut cases = Vec::new();
    let dead = "00000000-0000-0000-0000-00000000dead";
    for (kind, code) in [("nodes", 5042), ("groups", 5013), ("resources", 5007), ("resource-types", 5078)] {
        for name in ["nobody", dead, "%20", "a%2Fb", "%F0%9F%90%BA"] {
            cases.push(case("GET", &format!("/{kind}/{name}"), Value::Null, 404, code));
            cases.push(case("DELETE", &format!("/{kind}/{name}"), Value::Null, 404, code));
        }
        let body = json!({ "Properties": { "Description": "x" } });
        cases.push(case("PATCH", &format!("/{kind}/nobody"), body, 404, code));
        cases.push(case("GET", &format!("/{kind}/nobody/properties"), Value::Null, 404, code));
        cases.push(case("GET", &format!("/{kind}/%FF"), Value::Null, 400, 123));
    }
    let new = |group: &str, kind: &str| json!({ "Name": "X", "Group": group, "ResourceType": kind });
    cases.extend([
        case("POST", "/nodes/nobody/pause", Value::Null, 404, 5042),
        case("POST", "/nodes/nobody/resume", Value::Null, 404, 5042),
        case("POST", "/nodes/n1/pause", json!({ "Drain": true, "Target": "nobody" }), 404, 5042),
        case("POST", "/groups/nobody/online", Value::Null, 404, 5013),
        case("POST", "/groups/Web/move", json!({ "Node": "nobody" }), 404, 5042),
        case("PUT", "/groups/Web/owners", json!(["n1", "nobody"]), 404, 5042),
        case("POST", "/resources", new("nobody", "IP Address"), 404, 5013),
        case("POST", "/resources", new("Web", "nobody"), 404, 5078),
        case("POST", "/resources/nobody/fail", Value::Null, 404, 5007),
        case("POST", "/resources/Web%20IP/group", json!({ "Group": "nobody" }), 404, 5013),
        case("PUT", "/resources/Web%20IP/owners/nobody", Value::Null, 404, 5042),
        case("PATCH", "/resources/nobody/parameters", json!({ "Address": "127.0.0.1" }), 404, 5007),
        case("POST", "/resources/nobody/control", json!({ "Code": 1 }), 404, 5007),
        case("GET", "/registry/Nothing/Here", Value::Null, 404, 2),
        case("DELETE", "/registry/Test?value=nothing", Value::Null, 404, 2),
        case("POST", "/no/such/route", json!({}), 404, 2),
    ]);
    cases
}

fn bodies() -> Vec<Case> {
    vec![
        text("POST", "/groups", "{", 400, 13),
        text("POST", "/groups", "{\"Name\":\"A\"} and more", 400, 13),
        text("POST", "/groups", "\u{0}\u{1}\u{2}", 400, 13),
        text("POST", "/groups", &"[".repeat(100_000), 400, 87),
        text("PATCH", "/groups/Web", &format!("{{\"Properties\":{{\"Priority\":{}", "[".repeat(100_000)), 400, 13),
        text("POST", "/groups", "", 400, 87),
        text("POST", "/groups", "[]", 400, 87),
        case("POST", "/groups", json!({ "Name": 7 }), 400, 87),
        case("POST", "/groups", json!({ "Name": null }), 400, 87),
        case("POST", "/groups", json!({ "name": "A" }), 400, 87),
        case("POST", "/groups", json!({ "Name": "A", "Colour": "red" }), 400, 87),
        case("POST", "/groups", json!({ "Name": "A", "GroupType": 4_294_967_296_u64 }), 400, 87),
        case("POST", "/resources", json!({ "Name": "A", "Group": "Web" }), 400, 87),
        case("POST", "/nodes/n1/pause", json!({ "Drain": "yes" }), 400, 87),
        case("POST", "/nodes/n1/resume", json!({ "Failback": "Perhaps" }), 400, 87),
        case("PUT", "/groups/Web/owners", json!([1, 2]), 400, 87),
        case("POST", "/groups/Web/online", json!({ "Node": ["n1"] }), 400, 87),
        case("POST", "/groups/Web/online?wait=soon", json!({}), 400, 87),
        case("POST", "/groups/Web/online?wait=601", json!({}), 400, 87),
        case("POST", "/resources/Web%20Server/control", json!({ "Code": "one" }), 400, 87),
        case("POST", "/resources/Web%20Server/control", json!({ "Code": 1, "Input": "***" }), 400, 13),
        case("GET", "/events?limit=many", Value::Null, 400, 87),
        case("GET", "/events?after=yesterday", Value::Null, 400, 87),
        case("GET", "/cluster?colour=red", Value::Null, 400, 87),
    ]
}

fn sizes() -> Vec<Case> {
    let long = "x".repeat(10_000);
    let body = json!({ "Name": "x".repeat(1_100_000) });
    let deep = vec!["k"; 65].join("/");
    let value = |name: &str, value: &str| json!({ "Values": [{ "Name": name, "Type": "REG_SZ", "Value": value }] });
    vec![
        case("POST", "/groups", body.clone(), 413, 87),
        case("PUT", "/registry/Test", body, 413, 87),
        case("POST", "/groups", json!({ "Name": long }), 400, 123),
        case("POST", "/groups", json!({ "Name": "" }), 400, 123),
        case("POST", "/groups", json!({ "Name": " " }), 400, 123),
        case("POST", "/groups", json!({ "Name": "a\nb" }), 400, 123),
        case("POST", "/groups", json!({ "Name": "a\\b" }), 400, 123),
        case("PATCH", "/groups/Web", json!({ "Name": long }), 400, 123),
        case("POST", "/resources", json!({ "Name": long, "Group": "Web", "ResourceType": "IP Address" }), 400, 123),
        case("PUT", &format!("/registry/{}", "k".repeat(256)), value("a", "b"), 400, 87),
        case("PUT", &format!("/registry/{deep}"), value("a", "b"), 400, 87),
        case("PUT", "/registry/Test", value(&"n".repeat(16_384), "b"), 400, 87),
        case("PUT", "/registry/Test", value("a\u{7}", "b"), 400, 123),
        case("PUT", "/registry/Test", value("big", &"v".repeat(600_000)), 400, 87),
    ]
}

fn properties() -> Vec<Case> {
    let set = |name: &str, value: Value| json!({ "Properties": { name: value } });
    let new = |parameters: Value| json!({ "Name": "New", "Group": "Empty", "ResourceType": "IP Address", "Parameters": parameters });
    vec![
        case("PATCH", "/groups/Web", set("Colour", json!("red")), 400, 87),
        case("PATCH", "/groups/Web", set("Priority", json!(3001)), 400, 87),
        case("PATCH", "/groups/Web", set("Priority", json!("high")), 400, 5895),
        case("PATCH", "/groups/Web", set("Priority", json!(-1)), 400, 13),
        case("PATCH", "/groups/Web", set("FailbackWindowStart", json!(24)), 400, 87),
        case("PATCH", "/groups/Web", set("AntiAffinityClassNames", json!([1])), 400, 5895),
        case("PATCH", "/groups/Web", json!({ "Properties": { "Priority": 1000, "Colour": 1 } }), 400, 87),
        case("PATCH", "/groups/Web", json!({ "Name": "Renamed", "Properties": { "Colour": 1 } }), 400, 87),
        case("PATCH", "/cluster", set("SameSubnetDelay", json!(10)), 400, 87),
        case("PATCH", "/cluster", set("SameSubnetThreshold", json!(2)), 400, 87),
        case("PATCH", "/nodes/n1", set("NodeWeight", json!(2)), 400, 87),
        case("PATCH", "/resources/Web%20IP", set("RestartAction", json!(9)), 400, 87),
        case("PATCH", "/resource-types/IP%20Address", set("DllName", json!("x.dll")), 409, 5089),
        case("PATCH", "/resources/Web%20IP/parameters", json!({ "Address": ["127.0.0.9"] }), 400, 5895),
        case("PATCH", "/resources/Web%20IP/parameters", json!({ "ProbePort": 65_536 }), 400, 87),
        case("PATCH", "/resources/Web%20IP/parameters", json!({ "ProbePort": null }), 400, 87),
        case("PATCH", "/resources/Web%20IP/parameters", json!([]), 400, 87),
        // The resource is refused with its parameters; nothing of it stays behind.
        case("POST", "/resources", new(json!({ "Address": "127.0.0.9", "ProbePort": 70_000 })), 400, 87),
        case("POST", "/resources", new(json!({ "Address": ["127.0.0.9"] })), 400, 5895),
    ]
}

fn dependencies() -> Vec<Case> {
    let on = |resource: &str, expression: &str, code| {
        let path = format!("/resources/{}/dependencies", wolfden_tests::rest::segment(resource));
        let status = if code == 5007 {
            404
        } else if code == 87 {
            400
        } else {
            409
        };
        case("PUT", &path, json!({ "Expression": expression }), status, code)
    };
    let mut cases = vec![
        on("Web IP", "[Web Server]", 1059),
        on("Web IP", "[Web Name]", 1059),
        on("Web Name", "[Web IP] and [Web Server]", 1059),
        on("Web IP", "[nobody]", 5007),
        on("Web IP", "[]", 5007),
        on("Web Server", "[Web Name] and [nobody]", 5007),
        case("POST", "/resources/Web%20Server/dependencies/Web%20Name", Value::Null, 409, 5003),
        case("DELETE", "/resources/Web%20IP/dependencies/Web%20Server", Value::Null, 404, 5002),
    ];
    for bad in [
        "[Web IP",
        "Web IP",
        "[Web IP] [Web Name]",
        "[Web IP] and",
        "and",
        "()",
        "[Web IP]]",
        "[Web IP] xor [Web Name]",
    ] {
        cases.push(on("Web Server", bad, 87));
    }
    cases.push(on("Web Server", &"(".repeat(100_000), 87));
    cases
}

fn states() -> Vec<Case> {
    vec![
        case("POST", "/groups", json!({ "Name": "WEB" }), 409, 5010),
        case(
            "POST",
            "/resources",
            json!({ "Name": "web ip", "Group": "Web", "ResourceType": "IP Address" }),
            409,
            5010,
        ),
        case("DELETE", "/groups/Web", Value::Null, 409, 145),
        case("POST", "/nodes/n1/resume", Value::Null, 409, 5058),
        case("DELETE", "/resource-types/IP%20Address", Value::Null, 409, 5909),
        case("DELETE", "/resources/Web%20IP", Value::Null, 409, 5001),
    ]
}

fn registry() -> Vec<Case> {
    let put = |value: Value| json!({ "Values": [value] });
    let batch = |commands: Value| json!({ "Base": "Test", "Commands": commands });
    vec![
        case("PUT", "/registry/Test", put(json!({ "Name": "a", "Type": "REG_SZ", "Value": 1 })), 400, 5895),
        case("PUT", "/registry/Test", put(json!({ "Name": "a", "Type": "REG_COLOUR", "Value": 1 })), 400, 13),
        case(
            "PUT",
            "/registry/Test",
            put(json!({ "Name": "a", "Type": "REG_DWORD", "Value": 4_294_967_296_u64 })),
            400,
            13,
        ),
        case("PUT", "/registry/Test", put(json!({ "Name": "a", "Type": "REG_BINARY", "Value": "*" })), 400, 13),
        case("PUT", "/registry/Test", put(json!({ "Name": "a" })), 400, 87),
        case("PUT", "/registry/%ZZ", json!({ "Values": [] }), 400, 123),
        case("DELETE", "/registry/Test?tree=perhaps", Value::Null, 400, 87),
        case("GET", "/registry?format=xml", Value::Null, 400, 87),
        case("POST", "/registry", batch(json!([{ "Command": "EXPLODE" }])), 400, 87),
        // All or nothing: the first command alone could be carried out.
        case(
            "POST",
            "/registry",
            batch(json!([
                { "Command": "SET_VALUE", "Name": "new", "Type": "REG_SZ", "Value": "x" },
                { "Command": "CONDITION_EXISTS", "Name": "nothing" }
            ])),
            409,
            5986,
        ),
        text("POST", "/registry?format=reg", "not a registry file", 400, 13),
    ]
}

fn lab_buttons() -> Vec<Case> {
    vec![
        case("POST", "/lab/nodes/n9/kill", json!({}), 404, 5042),
        case("POST", "/lab/nodes/n1/explode", json!({}), 404, 2),
        case("POST", "/lab/nodes/n1/start", json!({}), 409, 5023),
        case("PUT", "/lab/links", json!({ "From": "n1", "To": "n1", "Cut": true }), 400, 87),
        case("PUT", "/lab/links", json!({ "From": "n1", "To": "n9", "Cut": true }), 404, 5042),
        case("PUT", "/lab/links", json!({ "From": "n1" }), 400, 13),
        text("PUT", "/lab/links", "{", 400, 13),
    ]
}

/// Requests that a page from elsewhere in the user's browser could make: refused by the lab and by each node.
fn foreign_pages(lab: &Lab) {
    let node = lab.node("n2");
    let wrong_port = "http://127.0.0.1:1";
    for rest in [&**lab, &node] {
        for (name, value) in [
            ("host", "evil.example"),
            ("host", "127.0.0.1.evil.example:80"),
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", wrong_port),
        ] {
            for (method, path) in [
                ("POST", "/api/v1/groups/Web/offline"),
                ("DELETE", "/api/v1/registry/Test?tree=true"),
                ("GET", "/api/v1/cluster"),
            ] {
                let answer = rest.send(method, path, None, &[(name, value)]);
                assert_eq!((answer.status, answer.code()), (403, Some(5)), "{method} {path} {name}: {value}");
            }
        }
        let own = rest.send("GET", "/api/v1/cluster", None, &[("origin", rest.url())]);
        assert_eq!(own.status, 200, "its own page may ask: {}", own.text);
    }
    let button = lab.send("POST", "/api/v1/lab/nodes/n1/kill", None, &[("origin", "http://evil.example")]);
    assert_eq!(button.status, 403, "{}", button.text);
}
