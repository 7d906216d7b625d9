//! The command line: what each line is read as, and what is refused.

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{self, Cluster, Command, ExplainQuorum, Group, Lab, Named, Node, Resource, SetQuorum, StartNode};

fn parse(line: &[&str]) -> Result<Cluster, clap::Error> {
    Cluster::try_parse_from(std::iter::once("cluster").chain(line.iter().copied()))
}

#[track_caller]
fn check(line: &[&str], expected: Command) {
    assert_eq!(parse(line).map(|c| c.command).map_err(|e| e.to_string()), Ok(expected), "{line:?}");
}

fn named(name: &str) -> Named {
    Named { name: name.to_owned() }
}

#[test]
fn the_grammar_is_sound() {
    use clap::CommandFactory;
    Cluster::command().debug_assert();
}

#[test]
fn lines_are_read_as_what_they_say() {
    let s = str::to_owned;
    check(&["status"], Command::Status);
    check(&["node", "list"], Command::Node(Node::List));
    check(
        &["node", "pause", "n1", "--drain", "--target", "n2"],
        Command::Node(Node::Pause { name: s("n1"), drain: true, target: Some(s("n2")) }),
    );
    check(
        &["node", "resume", "n1", "--failback", "immediate"],
        Command::Node(Node::Resume { name: s("n1"), failback: args::Failback::Immediate }),
    );
    check(
        &["group", "move", "SQL", "--node", "n2"],
        Command::Group(Group::Move { name: s("SQL"), node: Some(s("n2")) }),
    );
    check(
        &["group", "owners", "SQL", "n1", "n2"],
        Command::Group(Group::Owners { name: s("SQL"), nodes: vec![s("n1"), s("n2")], clear: false }),
    );
    check(
        &[
            "res",
            "create",
            "IP",
            "--group",
            "SQL",
            "--type",
            "IP Address",
            "--param",
            "Address=10.0.0.1",
            "--param",
            "Port=1",
        ],
        Command::Resource(Resource::Create {
            name: s("IP"),
            group: s("SQL"),
            resource_type: s("IP Address"),
            parameters: vec![s("Address=10.0.0.1"), s("Port=1")],
            properties: vec![],
            separate_monitor: false,
        }),
    );
    check(
        &["resource", "depend", "Name", "[A] or [B]"],
        Command::Resource(Resource::Depend { name: s("Name"), expression: Some(s("[A] or [B]")) }),
    );
    check(&["resource", "offline", "A", "--force"], Command::Resource(Resource::Offline { name: s("A"), force: true }));
    check(
        &["node", "start", "n1", "--force-quorum"],
        Command::Node(Node::Start(StartNode { name: s("n1"), force_quorum: true, ..StartNode::default() })),
    );
    check(
        &["quorum", "set", "--disk-witness", "Disk 1", "--path", "MSCS"],
        Command::Quorum(args::Quorum::Set(SetQuorum {
            node_and_disk_majority: Some(s("Disk 1")),
            path: Some(s("MSCS")),
            ..SetQuorum::default()
        })),
    );
    check(
        &["quorum", "explain", "--what-if", "n1,n2"],
        Command::Quorum(args::Quorum::Explain(ExplainQuorum { what_if: Some(s("n1,n2")) })),
    );
    check(&["lab", "kill", "n2"], Command::Lab(Lab::Kill(named("n2"))));
    check(&["lab", "heal"], Command::Lab(Lab::Heal { from: None, to: None }));
    check(
        &["lab", "cut", "n1", "n2", "--one-way"],
        Command::Lab(Lab::Cut { from: s("n1"), to: s("n2"), one_way: true }),
    );
}

#[test]
fn common_options_stand_anywhere() {
    let wait = |line: &[&str]| parse(line).map(|c| (c.common.wait, c.common.json)).ok();
    assert_eq!(wait(&["group", "online", "SQL"]), Some((None, false)));
    assert_eq!(wait(&["group", "online", "SQL", "--wait"]), Some((Some(60), false)));
    assert_eq!(wait(&["group", "online", "SQL", "--wait", "5", "--json"]), Some((Some(5), true)));
    assert_eq!(wait(&["--json", "--wait=5", "status"]), Some((Some(5), true)));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let kind = |line: &[&str]| parse(line).err().map(|e| e.kind());
    assert_eq!(kind(&["explode"]), Some(ErrorKind::InvalidSubcommand));
    assert_eq!(kind(&["node", "pause"]), Some(ErrorKind::MissingRequiredArgument));
    assert_eq!(kind(&["node", "pause", "n1", "--target", "n2"]), Some(ErrorKind::MissingRequiredArgument));
    assert_eq!(kind(&["resource", "create", "IP", "--group", "SQL"]), Some(ErrorKind::MissingRequiredArgument));
    assert_eq!(kind(&["lab", "heal", "n1"]), Some(ErrorKind::MissingRequiredArgument));
    assert_eq!(kind(&["quorum", "set", "--node-majority", "--disk-only", "D"]), Some(ErrorKind::ArgumentConflict));
    assert_eq!(kind(&["quorum", "set", "--node-majority", "--path", "P"]), Some(ErrorKind::ArgumentConflict));
    assert_eq!(kind(&["quorum", "set", "--max-log-size", "0"]), Some(ErrorKind::ValueValidation));
    assert_eq!(kind(&["quorum", "set", "--max-log-size", "4194304"]), Some(ErrorKind::ValueValidation));
    assert_eq!(kind(&["node", "start", "n1", "--force-quorum", "--prevent-quorum"]), Some(ErrorKind::ArgumentConflict));
    assert_eq!(kind(&["demo", "--nodes", "0"]), Some(ErrorKind::ValueValidation));
    assert_eq!(kind(&["status", "--wait", "soon"]), Some(ErrorKind::ValueValidation));
}

#[test]
fn exit_codes_are_the_win32_code_where_it_fits() {
    use super::trouble::Trouble;
    let code = |code| Trouble::Unreached { code, message: String::new() }.exit_code();
    assert_eq!((code(5), code(87), code(255), code(256), code(5071), code(0)), (5, 87, 255, 1, 1, 1));
    assert_eq!(Trouble::Argument(String::new()).exit_code(), 2);
}
