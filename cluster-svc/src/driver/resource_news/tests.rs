//! What libraries hear, change by change, in a cluster of three nodes without any process.

use cluster_engine::state::{Command, Object};

use super::*;
use crate::api::tests::fake::{Fake, IP, SITE, WEB};

/// Whose service looks; the state is the same everywhere.
const ME: NodeId = NodeId(1);

/// Carries the commands out and says what is news afterwards, in short: audience, code without its prefix, input as text.
fn check(commands: impl IntoIterator<Item = Command>, expected: &[&str]) {
    let fake = Fake::new();
    let mut news = ResourceNews::default();
    assert_eq!(news.look(&fake.state(), ME), [], "the first look finds nothing");
    commands.into_iter().for_each(|command| fake.must(command));
    let state = fake.state();
    let told: Vec<String> = news.look(&state, ME).iter().map(short).collect();
    assert_eq!(told, expected);
    assert_eq!(news.look(&state, ME), [], "told once");
}

fn short(news: &News) -> String {
    let to = match &news.to {
        Audience::Resource(id) if *id == IP => "IP".to_owned(),
        Audience::Resource(id) if *id == SITE => "SITE".to_owned(),
        Audience::Resource(id) => id.to_string(),
        Audience::Type(name) => name.clone(),
    };
    let code = name(news.code).expect("a code with a name");
    let code = code.trim_start_matches("CLUSCTL_RESOURCE_").trim_start_matches("TYPE_");
    let input = wide::text(&news.input).expect("text");
    if input.is_empty() { format!("{to}: {code}") } else { format!("{to}: {code} {input}") }
}

#[test]
fn names_dependencies_and_groups() {
    check([Command::RenameResource { resource: SITE, name: "Shop".into() }], &["SITE: SET_NAME Shop"]);
    check([Command::RemoveDependency { dependent: SITE, provider: IP }], &["SITE: REMOVE_DEPENDENCY Web IP"]);
    let other = Guid(0x99);
    let new = Command::CreateResource {
        id: other,
        group: WEB,
        name: "Disk".into(),
        type_name: "IP Address".into(),
        separate_monitor: false,
    };
    check([new, Command::AddDependency { dependent: SITE, provider: other }], &["SITE: ADD_DEPENDENCY Disk"]);
    let room = Guid(0x77);
    check(
        [
            Command::CreateGroup { id: room, name: "Room".into(), group_type: 9999 },
            Command::RemoveDependency { dependent: SITE, provider: IP },
            Command::ChangeResourceGroup { resource: SITE, group: room },
        ],
        &["SITE: LEAVING_GROUP", "SITE: JOINING_GROUP", "SITE: REMOVE_DEPENDENCY Web IP"],
    );
}

#[test]
fn owners() {
    let remove = Command::RemovePossibleOwner { resource: SITE, node: NodeId(3) };
    check([remove.clone()], &["SITE: REMOVE_OWNER n3"]);
    let fake = Fake::new();
    fake.must(remove);
    let mut news = ResourceNews::default();
    news.look(&fake.state(), ME);
    fake.must(Command::AddPossibleOwner { resource: SITE, node: NodeId(3) });
    assert_eq!(news.look(&fake.state(), ME).iter().map(short).collect::<Vec<_>>(), ["SITE: ADD_OWNER n3"]);
}

#[test]
fn nodes_are_told_to_each_type_once_and_to_every_resource() {
    check(
        [Command::AddNode { name: "n4".into(), address: "127.0.0.1:1004".into() }],
        &[
            "Generic Application: INSTALL_NODE n4",
            "IP Address: INSTALL_NODE n4",
            "IP: INSTALL_NODE n4",
            "SITE: INSTALL_NODE n4",
        ],
    );
    let fake = Fake::new();
    let mut news = ResourceNews::default();
    news.look(&fake.state(), ME);
    fake.must(Command::NodeDown { node: NodeId(3), incarnation: 7 });
    let down_at = fake.state().nodes[&NodeId(3)].down_at;
    fake.must(Command::NodeFenced { node: NodeId(3), incarnation: 7, down_at });
    fake.must(Command::EvictNode { node: NodeId(3) });
    assert_eq!(
        news.look(&fake.state(), ME).iter().map(short).collect::<Vec<_>>(),
        ["Generic Application: EVICT_NODE n3", "IP Address: EVICT_NODE n3", "IP: EVICT_NODE n3", "SITE: EVICT_NODE n3",]
    );
}

#[test]
fn the_name_of_the_cluster() {
    let rename =
        Command::Registry { batch: clusreg::Batch::at("").set_value("ClusterName", clusreg::Value::sz("OTHER")) };
    check([rename], &["IP: CLUSTER_NAME_CHANGED OTHER", "SITE: CLUSTER_NAME_CHANGED OTHER"]);
}

#[test]
fn the_functional_level_of_the_cluster() {
    let level = |level| {
        let value = clusreg::Value::dword(level);
        Command::Registry { batch: clusreg::Batch::at("").set_value("ClusterFunctionalLevel", value) }
    };
    let changed = [
        "Generic Application: CLUSTER_VERSION_CHANGED",
        "IP Address: CLUSTER_VERSION_CHANGED",
        "IP: CLUSTER_VERSION_CHANGED",
        "SITE: CLUSTER_VERSION_CHANGED",
    ];
    let raised = ["Generic Application: FIXUP_ON_UPGRADE", "IP Address: FIXUP_ON_UPGRADE"];
    check([level(9)], &[&raised[..], &changed].concat());
    let fake = Fake::new();
    let mut news = ResourceNews::default();
    fake.must(level(9));
    news.look(&fake.state(), ME);
    fake.must(level(8));
    assert_eq!(news.look(&fake.state(), ME).iter().map(short).collect::<Vec<_>>(), changed, "nothing to put in order");
}

#[test]
fn who_runs_hears_of_its_providers() {
    let fake = Fake::new();
    let mut news = ResourceNews::default();
    fake.must(Command::OnlineGroup { group: WEB, node: None });
    news.look(&fake.state(), ME);
    fake.must(Command::OfflineResource { resource: IP, force: false });
    // The dependent goes first, and is offline when its provider is: nobody is left to hear.
    assert_eq!(news.look(&fake.state(), ME), []);
}

#[test]
fn a_deletion_is_told_by_the_owner() {
    let fake = Fake::new();
    let mut news = ResourceNews::default();
    news.look(&fake.state(), ME);
    assert!(!news.is_deletion(SITE, &fake.state(), NodeId(1)), "it is there");
    fake.must(Command::DeleteResource { resource: SITE });
    assert!(news.is_deletion(SITE, &fake.state(), NodeId(1)));
    assert!(!news.is_deletion(SITE, &fake.state(), NodeId(2)), "it is not the owner");
    news.look(&fake.state(), ME);
    assert!(!news.is_deletion(SITE, &fake.state(), NodeId(1)), "forgotten");
}

#[test]
fn properties_that_no_library_hears_of_are_no_news() {
    let values = vec![("RestartDelay".to_owned(), Some(clusreg::Value::dword(600)))];
    check([Command::SetProperties { object: Object::Resource(SITE), values }], &[]);
}
