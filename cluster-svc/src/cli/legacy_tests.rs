//! The syntax of cluster.exe: every row of the translation, and what cannot be meant.

use clap::Parser;

use super::*;
use crate::cli::args::Cluster;
use crate::cli::verbs_of;

/// Splits a command line as a shell does with quotation marks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The old line means the same as the present one, and the present one is understood.
#[track_caller]
fn check(old: &str, present: &str) {
    let translated = translate(&words(old), verbs_of).expect("the old syntax").expect("understood");
    assert_eq!(translated, words(present), "cluster {old}");
    let line = std::iter::once("cluster".to_owned()).chain(translated);
    match Cluster::try_parse_from(line) {
        Ok(_) => {}
        Err(e) => assert_eq!(e.kind(), clap::error::ErrorKind::DisplayVersion, "cluster {present}: {e}"),
    }
}

#[test]
fn old_lines_become_present_ones() {
    let table: &[(&str, &str)] = &[
        ("node", "node list"),
        ("node /status", "node list"),
        ("node n1", "node show n1"),
        ("node n1 /stat", "node show n1"),
        ("node n1 /pause", "node pause n1"),
        ("node n1 /RESUME", "node resume n1"),
        ("node n1 /stop /wait:30", "node stop n1 --wait 30"),
        ("node n1 /evict", "node evict n1"),
        ("node n1 /prop", "node properties n1"),
        ("node n1 /properties NodeWeight=0", "node properties n1 NodeWeight=0"),
        ("group", "group list"),
        ("group /status", "group list"),
        ("group /node:n2", "group list --node n2"),
        ("group \"SQL Server\"", "group show \"SQL Server\""),
        ("group SQL /moveto:n2", "group move SQL --node n2"),
        ("group SQL /move", "group move SQL"),
        ("group SQL /move:n2 /wait", "group move SQL --node n2 --wait"),
        ("group SQL /moveto:n2 /wait:20", "group move SQL --node n2 --wait 20"),
        ("group SQL /online", "group online SQL"),
        ("group SQL /on:n1", "group online SQL --node n1"),
        ("group SQL /off", "group offline SQL"),
        ("group SQL /create", "group create SQL"),
        ("group SQL /delete", "group delete SQL"),
        ("group SQL /ren:DB", "group rename SQL DB"),
        ("group SQL /listowners", "group owners SQL"),
        ("group SQL /setowners:n1,n2", "group owners SQL n1 n2"),
        ("group SQL /prop", "group properties SQL"),
        ("group SQL /prop Priority=3000:DWORD", "group properties SQL Priority:REG_DWORD=3000"),
        (
            "group SQL /prop AntiAffinityClassNames=a,b:MULTISTR",
            "group properties SQL AntiAffinityClassNames:REG_MULTI_SZ=a,b",
        ),
        ("res", "resource list"),
        ("res Disk", "resource show Disk"),
        ("resource \"Disk X:\" /status", "resource show \"Disk X:\""),
        ("res Disk /prop", "resource properties Disk"),
        ("res Disk /priv", "resource params Disk"),
        ("res IP /priv Address=10.0.0.1:STR", "resource params IP Address:REG_SZ=10.0.0.1"),
        ("res IP /priv Address=10.0.0.1 EnableDhcp=0", "resource params IP Address=10.0.0.1 EnableDhcp=0"),
        (
            "res Disk /create /group:SQL /type:\"Physical Disk\" /separate",
            "resource create Disk --group SQL --type \"Physical Disk\" --separate-monitor",
        ),
        ("res Disk /delete", "resource delete Disk"),
        ("res Disk /ren:D", "resource rename Disk D"),
        ("res Disk /online /wait", "resource online Disk --wait"),
        ("res Disk /off /wait:5", "resource offline Disk --wait 5"),
        ("res Disk /fail", "resource fail Disk"),
        ("res Disk /addowner:n1", "resource add-owner Disk n1"),
        ("res Disk /removeowner:n1", "resource remove-owner Disk n1"),
        ("res Disk /listowners", "resource owners Disk"),
        ("res Disk /moveto:Other", "resource move-group Disk Other"),
        ("res Name /adddep:IP", "resource add-dependency Name IP"),
        ("res Name /removedependency:IP", "resource remove-dependency Name IP"),
        ("res Name /listdep", "resource depend Name"),
        ("res Name /setdep:\"([a] or [b]) and [c]\"", "resource depend Name \"([a] or [b]) and [c]\""),
        ("restype /list", "restype list"),
        ("resourcetype \"Generic Script\"", "restype show \"Generic Script\""),
        (
            "restype Hello /create /dll:hello.so /type:\"Hello type\" /isalive:1000 /looksalive:500",
            "restype register Hello --dll hello.so --display \"Hello type\" --is-alive 1000 --looks-alive 500",
        ),
        ("restype Hello /delete", "restype unregister Hello"),
        ("restype Hello /prop", "restype properties Hello"),
        ("network", "network list"),
        ("net /status", "network list"),
        ("net LAN", "network list"),
        ("/quorum", "quorum show"),
        ("/quorum:\"Disk 1\"", "quorum set --resource \"Disk 1\""),
        (
            "/quorumresource:Disk /path:MSCS /maxlogsize:4096 /wait",
            "quorum set --resource Disk --path MSCS --max-log-size 4096 --wait",
        ),
        ("/quorum /maxlogsize:64", "quorum set --max-log-size 64"),
        ("/quorum /wait", "quorum show --wait"),
        ("node n1 /start", "node start n1"),
        ("node n1 /start /fq", "node start n1 --force-quorum"),
        ("node n1 /start /forcequorum", "node start n1 --force-quorum"),
        ("node n1 /start /PQ /CQ", "node start n1 --prevent-quorum --clear-quarantine"),
        ("/quorumresource", "quorum show"),
        ("/prop", "properties"),
        ("/prop SameSubnetDelay=500", "properties SameSubnetDelay=500"),
        ("/stat", "status"),
        ("/ver", "--version"),
        ("cluster /quorum", "quorum show"),
        ("/cluster:http://127.0.0.1:9 group SQL /moveto:n2", "--cluster http://127.0.0.1:9 group move SQL --node n2"),
        ("/cluster:http://127.0.0.1:9 /quorum", "--cluster http://127.0.0.1:9 quorum show"),
        ("/cluster:http://127.0.0.1:9 group move SQL", "--cluster http://127.0.0.1:9 group move SQL"),
        ("/cluster:http://127.0.0.1:9 status", "--cluster http://127.0.0.1:9 status"),
        ("http://127.0.0.1:9 node n1 /pause", "--cluster http://127.0.0.1:9 node pause n1"),
    ];
    for (old, present) in table {
        check(old, present);
    }
}

#[test]
fn the_present_syntax_is_left_alone() {
    for line in [
        "",
        "status",
        "group list",
        "group move SQL --node n2",
        "resource params Disk Path=/dev/sda",
        "restype register Hello --dll /tmp/hello.so",
        "registry set Groups\\x Name /online",
        "node --help",
        "lab cut n1 n2",
        "--json group list",
        "quorum show",
    ] {
        assert_eq!(translate(&words(line), verbs_of), None, "cluster {line}");
    }
}

#[test]
fn what_cannot_be_meant_is_told_with_the_word_that_is_at_fault() {
    let check = |line: &str, says: &str| {
        let told = translate(&words(line), verbs_of).expect("the old syntax").expect_err("cannot be meant");
        assert!(told.contains(says), "cluster {line}: {told}");
    };
    check("group SQL /moveto:n2 /online", "/online");
    check("group SQL /explode", "/explode");
    check("group /online", "Name the group");
    check("group SQL /ren", "the new name");
    check("res Disk /maint:on", "Maintenance mode");
    check("res Disk /addcheck:Software\\X", "Checkpoints");
    check("res Disk /adddep", "a resource");
    check("res A B", "'B'");
    check("net LAN /ren:WAN", "cannot be changed");
    check("/create /ipaddr:10.0.0.1", "cluster up");
    check("/cluster:http://127.0.0.1:9", "Say what to do");
    check("res Disk /prop X=1:SECURITY", "Security descriptors");
}

#[test]
fn every_row_is_reached_by_its_full_and_by_its_short_name() {
    for row in TABLE {
        let (least, optional) = row.option.split_once('[').unwrap_or((row.option, ""));
        let full = format!("{least}{}", optional.trim_end_matches(']'));
        for name in [least, &full] {
            let found = find(row.noun, name).expect("a row");
            assert_eq!(found.option, row.option, "{} /{name}", row.noun);
        }
    }
}

#[test]
fn switches_of_the_cmdlets_are_understood_where_they_belong() {
    let check = |line: &str, present: &str| {
        let line = words(line).into_iter().map(OsString::from).collect();
        let expected: Vec<OsString> = words(present).into_iter().map(OsString::from).collect();
        assert_eq!(cmdlet_switches(line), expected, "cluster {present}");
    };
    check("node start n1 -FQ", "node start n1 --force-quorum");
    check("node start n1 -fixquorum -cq", "node start n1 --force-quorum --clear-quarantine");
    check("node start n1 -PreventQuorum", "node start n1 --prevent-quorum");
    check("quorum set -NodeMajority", "quorum set --node-majority");
    check("quorum set -NodeAndDiskMajority \"Disk 1\"", "quorum set --node-and-disk-majority \"Disk 1\"");
    check("--json quorum set -DiskOnly Disk", "--json quorum set --disk-only Disk");
    check("events -f", "events -f");
    check("group set Web -FQ", "group set Web -FQ");
}
