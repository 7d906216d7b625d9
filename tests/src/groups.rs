//! Groups as the tests need them, made through the API.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::programs;
use crate::rest::{Rest, segment};

/// The command line of a sample web server.
#[must_use]
pub fn web_command(address: SocketAddr) -> String {
    format!("\"{}\" sample-web --address {} --port {}", programs::cluster().display(), address.ip(), address.port())
}

/// Creates a group.
pub fn group(rest: &Rest, name: &str) {
    rest.change("POST", "/groups", json!({ "Name": name }));
}

/// Creates a resource with these parameters.
pub fn resource(rest: &Rest, group: &str, name: &str, kind: &str, parameters: Value) {
    let body = json!({ "Name": name, "Group": group, "ResourceType": kind, "Parameters": parameters });
    rest.change("POST", "/resources", body);
}

/// Sets common properties of a group or resource.
pub fn set(rest: &Rest, path: &str, properties: Value) {
    rest.change("PATCH", path, json!({ "Properties": properties }));
}

/// Makes a resource depend on others.
pub fn depend(rest: &Rest, resource: &str, expression: &str) {
    let path = format!("/resources/{}/dependencies", segment(resource));
    rest.change("PUT", &path, json!({ "Expression": expression }));
}

/// The sample "Web": an address, a name on it, and a web server that needs both; `NAME IP`, `NAME Name`, `NAME Server`.
/// It is brought online.
pub fn web(rest: &Rest, name: &str, address: SocketAddr) {
    group(rest, name);
    let [ip, network, server] = ["IP", "Name", "Server"].map(|part| format!("{name} {part}"));
    resource(rest, name, &ip, "IP Address", json!({ "Address": address.ip(), "SubnetMask": "255.0.0.0" }));
    resource(rest, name, &network, "Network Name", json!({ "Name": name.to_ascii_uppercase() }));
    resource(rest, name, &server, "Generic Application", json!({ "CommandLine": web_command(address) }));
    depend(rest, &network, &format!("[{ip}]"));
    depend(rest, &server, &format!("[{network}]"));
    online(rest, name);
}

/// Brings a group online and waits for it.
///
/// # Panics
/// When it does not come.
pub fn online(rest: &Rest, name: &str) {
    let answer = rest.post(&format!("/groups/{}/online", segment(name)), json!({}));
    assert_eq!(answer["Group"]["State"], "Online", "{name}: {answer}");
}

/// Moves a group to a node and waits for it.
///
/// # Panics
/// When it does not arrive.
pub fn move_to(rest: &Rest, name: &str, node: &str) {
    let answer = rest.post(&format!("/groups/{}/move", segment(name)), json!({ "Node": node }));
    let group = &answer["Group"];
    assert!(group["OwnerNode"] == node && group["State"] == "Online", "{name} to {node}: {answer}");
}

/// The node that a group is on.
#[must_use]
pub fn owner(rest: &Rest, name: &str) -> String {
    crate::rest::text(&rest.get(&format!("/groups/{}", segment(name)))["OwnerNode"])
}
