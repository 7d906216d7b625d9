//! IP Address and Network Name through the function table that a monitor uses.

mod common;

use std::net::{TcpListener, TcpStream};

use clusres::{IpAddress, NetworkName, tables};
use common::{Cluster, assert_logged, eventually, id_of, log, number, text};
use resapi::Value;
use resapi::codes::{control, win32};
use resapi::testing::{Outcome, Resource};

/// An address that every computer has. On Linux all of 127.0.0.0/8 works; the tests need only one.
const ADDRESS: &str = "127.0.0.1";

fn address(cluster: &Cluster, node: &str, name: &str, more: &[(&str, Value)]) -> Resource {
    let properties: Vec<_> = [("Address", text(ADDRESS))].into_iter().chain(more.iter().cloned()).collect();
    cluster.open::<IpAddress>(node, name, &properties)
}

fn name(cluster: &Cluster, node: &str, resource: &str, name: &str, providers: &[&str]) -> Resource {
    let opened = cluster.open::<NetworkName>(node, resource, &[("Name", text(name))]);
    let expression: Vec<String> = providers.iter().map(|provider| format!("[{}]", id_of(provider))).collect();
    let expression = format!("({})", expression.join(" or "));
    opened.registry().expect("a registry").set_value("DependencyExpression", &text(&expression)).expect("stored");
    opened
}

#[test]
fn an_address_has_one_owner() {
    let cluster = Cluster::new();
    let first = address(&cluster, "n1", "first", &[]);
    let second = address(&cluster, "n2", "second", &[]);
    assert_eq!(first.online(), Outcome::Online, "{}", log(&first));
    assert!(first.is_alive() && first.looks_alive());
    let claims = tables::addresses(&cluster.shared()).expect("works");
    assert_eq!(claims.len(), 1);
    assert_eq!(
        (claims[0].address.as_str(), claims[0].node.as_str(), claims[0].resource.as_str()),
        (ADDRESS, "n1", "first")
    );
    assert_eq!(claims[0].process_id, std::process::id());
    assert_eq!(second.online(), Outcome::Failed);
    assert_logged(&second, &["event 1049", "resource first on node n1", "error 5057"]);
    assert_eq!(first.offline(), Outcome::Offline);
    assert_eq!(second.online(), Outcome::Online, "{}", log(&second));
    second.terminate();
    assert_eq!(tables::addresses(&cluster.shared()).expect("works"), []);
    assert_eq!(first.online(), Outcome::Online);
}

#[test]
fn a_wrong_address_names_its_event() {
    let cluster = Cluster::new();
    let check = |properties: &[(&str, Value)], words: &[&str]| {
        let resource = cluster.open::<IpAddress>("n1", "ip", properties);
        assert_eq!(resource.online(), Outcome::Failed, "{properties:?}");
        assert_logged(&resource, words);
    };
    check(&[("Address", text("300.0.0.1"))], &["event 1047", "error 87"]);
    check(&[("Address", text("10.0.0.1")), ("SubnetMask", text("255.0.255.0"))], &["event 1046", "error 87"]);
    check(&[("Address", text("240.0.2.77")), ("SubnetMask", text("255.255.255.0"))], &["event 1045", "error 5894"]);
    check(&[("Address", text(ADDRESS)), ("EnableDhcp", number(1))], &["event 1240", "error 50"]);
    assert_eq!(tables::addresses(&cluster.shared()).expect("works"), [], "nothing stays claimed");
}

#[test]
fn a_removed_claim_is_a_failure() {
    let cluster = Cluster::new();
    let resource = address(&cluster, "n1", "ip", &[]);
    assert_eq!(resource.online(), Outcome::Online);
    std::fs::remove_dir_all(cluster.shared().join("addresses")).expect("somebody cleans up");
    assert!(!resource.is_alive());
    assert_logged(&resource, &["was removed"]);
    resource.terminate();
    assert_eq!(resource.online(), Outcome::Online);
}

#[test]
fn the_probe_port_answers_on_the_owner() {
    let cluster = Cluster::new();
    let port = TcpListener::bind((ADDRESS, 0)).expect("a port").local_addr().expect("bound").port();
    let resource = address(&cluster, "n1", "ip", &[("ProbePort", number(port.into()))]);
    assert!(TcpStream::connect((ADDRESS, port)).is_err());
    assert_eq!(resource.online(), Outcome::Online, "{}", log(&resource));
    TcpStream::connect((ADDRESS, port)).expect("the owner answers");
    let second = cluster.open::<IpAddress>("n2", "other", &[("Address", text(ADDRESS))]);
    assert_eq!(second.online(), Outcome::Failed);
    resource.terminate();
    assert!(TcpStream::connect((ADDRESS, port)).is_err(), "nobody answers after the end");
    let taken = TcpListener::bind((ADDRESS, port)).expect("free again");
    assert_eq!(resource.online(), Outcome::Failed);
    assert_logged(&resource, &[&format!("the probe port {port}")]);
    assert_eq!(tables::addresses(&cluster.shared()).expect("works"), [], "a failed online claims nothing");
    drop(taken);
}

#[test]
fn a_name_has_the_addresses_it_depends_on() {
    let cluster = Cluster::new();
    let shop = name(&cluster, "n1", "shop name", "SHOP", &["ip 1", "ip 2"]);
    assert_eq!(shop.online(), Outcome::Failed);
    assert_logged(&shop, &["event 1051", "error 5002"]);
    let ip = address(&cluster, "n1", "ip 1", &[]);
    assert_eq!(ip.online(), Outcome::Online);
    assert_eq!(shop.online(), Outcome::Online, "{}", log(&shop));
    assert!(shop.is_alive());
    let found = tables::look_up(&cluster.shared(), "shop").expect("works").expect("online");
    assert_eq!(
        (found.name.as_str(), found.dns_name.as_str(), found.node.as_str(), found.ttl_s),
        ("SHOP", "shop", "n1", 1200)
    );
    assert_eq!(found.addresses, [ADDRESS]);
    assert_eq!(shop.stored("StatusDNS"), Some(number(0)));
    assert_eq!(shop.offline(), Outcome::Offline);
    assert_eq!(tables::look_up(&cluster.shared(), "shop").expect("works"), None);
}

#[test]
fn a_name_needs_an_address_of_its_own_on_its_own_node() {
    let cluster = Cluster::new();
    let ip = address(&cluster, "n2", "ip", &[]);
    assert_eq!(ip.online(), Outcome::Online);
    for (node, provider) in [("n1", "ip"), ("n2", "another ip")] {
        let shop = name(&cluster, node, "shop name", "SHOP", &[provider]);
        assert_eq!(shop.online(), Outcome::Failed, "{node} {provider}");
    }
}

#[test]
fn a_name_follows_its_addresses() {
    let cluster = Cluster::new();
    let ip = address(&cluster, "n1", "ip 1", &[]);
    assert_eq!(ip.online(), Outcome::Online);
    let shop = name(&cluster, "n1", "shop name", "SHOP", &["ip 1", "ip 2"]);
    assert_eq!(shop.online(), Outcome::Online);
    let addresses = || tables::look_up(&cluster.shared(), "SHOP").expect("works").expect("online").addresses;
    let change = |expected: u32| {
        let (code, _) = shop.control(control::CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE, &[]);
        assert_eq!(code, expected, "{}", log(&shop));
    };
    // Linux has all of 127.0.0.0/8; elsewhere there is no second address without privilege.
    if cfg!(target_os = "linux") {
        let second = cluster.open::<IpAddress>("n1", "ip 2", &[("Address", text("127.0.77.2"))]);
        assert_eq!(second.online(), Outcome::Online, "{}", log(&second));
        change(0);
        assert_eq!(addresses(), [ADDRESS, "127.0.77.2"]);
        assert_eq!(second.offline(), Outcome::Offline);
        assert!(shop.is_alive(), "a poll notices it as well");
    }
    assert_eq!(addresses(), [ADDRESS]);
    assert_eq!(ip.offline(), Outcome::Offline);
    change(win32::ERROR_DEPENDENCY_NOT_FOUND);
    assert!(!shop.is_alive(), "the last address is gone");
}

#[test]
fn duplicates_are_refused() {
    let cluster = Cluster::new();
    let ip = address(&cluster, "n1", "ip", &[]);
    assert_eq!(ip.online(), Outcome::Online);
    let first = name(&cluster, "n1", "first", "SHOP", &["ip"]);
    let second = name(&cluster, "n1", "second", "shop", &["ip"]);
    let own = name(&cluster, "n1", "own", "N1", &["ip"]);
    let wrong = name(&cluster, "n1", "wrong", "TOO-LONG-FOR-NETBIOS", &["ip"]);
    assert_eq!(first.online(), Outcome::Online, "{}", log(&first));
    for (refused, words) in [
        (&second, ["resource first on node n1", "error 52"]),
        (&own, ["event 1050", "error 52"]),
        (&wrong, ["15", "error 123"]),
    ] {
        assert_eq!(refused.online(), Outcome::Failed);
        assert_logged(refused, &words);
    }
    first.terminate();
    assert_eq!(second.online(), Outcome::Online);
}

#[test]
fn observers_do_not_disturb_claimers() {
    let cluster = Cluster::new();
    let shared = cluster.shared();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                tables::addresses(&shared).expect("works");
            }
        });
        let resource = address(&cluster, "n1", "ip", &[]);
        let outcomes: Vec<_> = (0..50).map(|_| (resource.online(), resource.offline())).collect();
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(outcomes.iter().all(|outcome| *outcome == (Outcome::Online, Outcome::Offline)), "{}", log(&resource));
    });
    eventually("nothing is claimed", || tables::addresses(&shared).expect("works").is_empty());
}
