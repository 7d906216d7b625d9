//! Whole commands against a hand-made cluster: what they print, and what comes of them.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use clap::Parser;
use expect_test::{Expect, expect};

use super::args::Cluster;
use super::session::Session;
use super::{carry_out, present_syntax};
use crate::api::tests::fake::{Fake, Server, run};

/// Keeps what is printed.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Carries out lines one after the other on one cluster: each with what it prints, or the exit code and the trouble.
fn check(lines: &[&[&str]], expected: Expect) {
    check_on(&Fake::new(), lines, expected);
}

/// The same on a cluster of the test's own.
fn check_on(fake: &std::sync::Arc<Fake>, lines: &[&[&str]], expected: Expect) {
    run(async {
        let server = Server::start(fake).await;
        let mut told = String::new();
        for line in lines {
            let words = present_syntax(line.iter().map(Into::into).collect()).expect("a line that can be read");
            let full = ["cluster".into(), "--cluster".into(), server.url.clone().into()].into_iter().chain(words);
            let cluster = Cluster::try_parse_from(full).expect("a line that can be read");
            let kept = Kept::default();
            let session = Session::new(&cluster.common, Box::new(kept.clone())).expect("a good address");
            let result = carry_out(&session, cluster.command).await;
            told.push_str(&format!("$ cluster {}\n", line.join(" ")));
            told.push_str(&String::from_utf8_lossy(&kept.0.borrow()));
            if let Err(trouble) = result {
                told.push_str(&format!("[{}] {trouble}\n", trouble.exit_code()));
            }
        }
        // The .reg form ends its lines as Windows does; the source of a test cannot.
        expected.assert_eq(&told.replace('\r', ""));
    });
}

#[test]
fn the_state_of_everything() {
    check(
        &[
            &["status"],
            &["node", "list"],
            &["group", "list"],
            &["group", "list", "--node", "n2"],
            &["resource", "list", "--group", "web"],
            &["quorum", "show"],
            &["restype", "list"],
            &["group", "placement", "Web"],
            &["group", "owners", "Web"],
            &["resource", "depend", "Web Site"],
            &["resource", "owners", "Web Site"],
            &["resource", "params", "Web IP"],
        ],
        expect![[r#"
            $ cluster status
            Cluster TEST: quorum (NodeMajority), leader n1. Answered by n1.

            Node ID State Groups
            ---- -- ----- ------
            n1   1  Up    Cluster Group, Available Storage, Web leader
            n2   2  Up
            n3   3  Up

            Group, Resource   State   OwnerNode Type
            ---------------   -----   --------- ----
            Available Storage Offline n1
            Cluster Group     Offline n1
            Web               Offline n1
              Web IP          Offline           IP Address          it is not wanted online: its own PersistentState is 0
              Web Site        Offline           Generic Application it is not wanted online: its own PersistentState is 0
            $ cluster node list
            Name ID State
            ---- -- -----
            n1   1  Up
            n2   2  Up
            n3   3  Up
            $ cluster group list
            Name              OwnerNode State
            ----              --------- -----
            Available Storage n1        Offline
            Cluster Group     n1        Offline
            Web               n1        Offline
            $ cluster group list --node n2
            Name OwnerNode State
            ---- --------- -----
            $ cluster resource list --group web
            Name     State   OwnerGroup ResourceType
            ----     -----   ---------- ------------
            Web IP   Offline Web        IP Address
            Web Site Offline Web        Generic Application
            $ cluster quorum show
            Cluster QuorumResource QuorumType
            ------- -------------- ----------
            TEST                   NodeMajority

            Voter NodeWeight DynamicWeight Vote State
            ----- ---------- ------------- ---- -----
            n1    1          1             1    Up
            n2    1          1             1    Up
            n3    1          1             1    Up

            The cluster has quorum.
            3 votes are in force: n1, n2 and n3.
            Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
            If n1, n2 or n3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
            At the same moment 1 vote may be lost, not more.
            $ cluster restype list
            Name                DisplayName
            ----                -----------
            File Share Witness  File Share Witness
            Generic Application Generic Application
            IP Address          IP Address
            Network Name        Network Name
            Physical Disk       Physical Disk
            $ cluster group placement Web
            A failover would put it on n3.

            Node Verdict
            ---- -------
            n3   chosen, number 2 of the preferred owners
            n2   possible, hosts 0 group(s)
            $ cluster group owners Web
            ClusterObject OwnerNodes
            ------------- ----------
            Web           {n1, n3}
            $ cluster resource depend Web Site
            Resource DependencyExpression
            -------- --------------------
            Web Site ([Web IP])
            $ cluster resource owners Web Site
            ClusterObject OwnerNodes
            ------------- ----------
            Web Site      {n1, n2, n3}
            $ cluster resource params Web IP
            Object Name    Value
            ------ ----    -----
            Web IP Address 127.77.0.10
        "#]],
    );
}

#[test]
fn changes_print_what_they_came_to() {
    check(
        &[
            &["group", "online", "Web", "--wait"],
            &["group", "Web", "/moveto:n3", "/wait:5"],
            &["res", "Web Site", "/offline"],
            &["names"],
            &["node", "pause", "n3", "--drain", "--wait"],
            &["node", "list"],
            &["group", "set", "Web", "Priority=3000", "AntiAffinityClassNames=a,b"],
            &["registry", "get", "Resources\\00000000-0000-0000-0000-000000000011\\Parameters"],
            &["registry", "set", "Test", "list", "a;b", "--type", "REG_MULTI_SZ"],
            &["registry", "get", "Test", "LIST"],
            &["registry", "export", "Test"],
            &["resource", "params", "Web Site", "Port=8080"],
            &["resource", "restart", "Web Site"],
            &["group", "delete", "Web", "--force"],
        ],
        expect![[r#"
            $ cluster group online Web --wait
            Name OwnerNode State
            ---- --------- -----
            Web  n1        Online
            $ cluster group Web /moveto:n3 /wait:5
            Name OwnerNode State
            ---- --------- -----
            Web  n3        Online
            $ cluster res Web Site /offline
            Name     State   OwnerGroup ResourceType
            ----     -----   ---------- ------------
            Web Site Offline Web        Generic Application
            $ cluster names
            Name Addresses OwnerNode Resource
            ---- --------- --------- --------
            $ cluster node pause n3 --drain --wait
            Name ID State
            ---- -- -----
            n3   3  Paused
            $ cluster node list
            Name ID State
            ---- -- -----
            n1   1  Up
            n2   2  Up
            n3   3  Paused
            $ cluster group set Web Priority=3000 AntiAffinityClassNames=a,b
            Name OwnerNode State
            ---- --------- -----
            Web  n1        PartialOnline
            $ cluster registry get Resources\00000000-0000-0000-0000-000000000011\Parameters
            Resources\00000000-0000-0000-0000-000000000011\Parameters, changed 2026-01-31T12:00:00.000Z

            Name    Type   Value
            ----    ----   -----
            Address REG_SZ 127.77.0.10

            $ cluster registry set Test list a;b --type REG_MULTI_SZ
            Done.
            $ cluster registry get Test LIST
            a, b
            $ cluster registry export Test
            Windows Registry Editor Version 5.00

            [HKEY_LOCAL_MACHINE\Cluster\Test]
            "list"=hex(7):61,00,00,00,62,00,00,00,00,00

            $ cluster resource params Web Site Port=8080
            Name     State   OwnerGroup ResourceType
            ----     -----   ---------- ------------
            Web Site Offline Web        Generic Application
            The properties are stored; the resource uses them when it comes online the next time (5024 ERROR_RESOURCE_PROPERTIES_STORED).
            $ cluster resource restart Web Site
            Name     State  OwnerGroup ResourceType
            ----     -----  ---------- ------------
            Web Site Online Web        Generic Application
            $ cluster group delete Web --force
            Done.
        "#]],
    );
}

#[test]
fn quorum_is_shown_explained_and_set() {
    check_on(
        &Fake::with_witness(),
        &[
            &["quorum", "show"],
            &["quorum", "explain"],
            &["quorum", "explain", "--what-if", "n1,n2,n3,witness"],
            &["quorum", "explain", "--what-if", "n1+Disk 1,n2"],
            &["quorum", "explain", "--what-if", "n1,n2", "--json"],
            &["status"],
            &["/quorum:Share", "/path:Log", "/wait:0"],
            &["quorum", "set", "-NodeMajority"],
            &["node", "properties", "n1", "NodeWeight=0"],
        ],
        expect![[r#"
            $ cluster quorum show
            Cluster QuorumResource QuorumType
            ------- -------------- ----------
            TEST    Disk 1         NodeAndDiskMajority

            Voter                 NodeWeight DynamicWeight Vote State
            -----                 ---------- ------------- ---- -----
            n1                    1          1             1    Up
            n2                    1          1             1    Up
            n3                    1          0             0    Up     given up, so that the number of votes is odd
            Disk 1 (disk witness)            1             1    Online votes on n1, epoch 4

            The cluster has quorum.
            3 votes are in force: n1, n2 and the disk witness.
            Without a vote now: n3 (given up, so that the number of votes is odd).
            Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
            If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
            At the same moment 1 vote may be lost, not more.
            $ cluster quorum explain
            3 votes are in force: n1, n2 and the disk witness.
            Without a vote now: n3 (given up, so that the number of votes is odd).
            Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
            If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
            At the same moment 1 vote may be lost, not more.

            If this one fails next then the cluster                 Votes then Needed May fail after that
            ---------------------- ----------------                 ---------- ------ -------------------
            n1                     goes on when it wins the witness 3          2      n2, n3, Disk 1
            n2                     goes on                          3          2      n1, n3, Disk 1
            n3                     goes on                          3          2      n1, n2, Disk 1
            Disk 1                 goes on                          3          2      n1, n2, n3
            $ cluster quorum explain --what-if n1,n2,n3,witness
            3 votes are in force: n1, n2 and the disk witness.
            Without a vote now: n3 (given up, so that the number of votes is odd).
            Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
            If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
            At the same moment 1 vote may be lost, not more.

            One after the other:
            Fails then the cluster                 Votes then Needed May fail after that
            ----- ----------------                 ---------- ------ -------------------
            n1    goes on when it wins the witness 3          2      n2, n3, Disk 1
            n2    goes on when it wins the witness 1          1      Disk 1
            n3    stops (event 1177)

            Then there is no cluster that anything more could fail in.
            $ cluster quorum explain --what-if n1+Disk 1,n2
            3 votes are in force: n1, n2 and the disk witness.
            Without a vote now: n3 (given up, so that the number of votes is odd).
            Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
            If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
            At the same moment 1 vote may be lost, not more.

            One after the other:
            Fails       then the cluster   Votes then Needed May fail after that
            -----       ----------------   ---------- ------ -------------------
            n1 + Disk 1 stops (event 1177)

            Then there is no cluster that anything more could fail in.
            $ cluster quorum explain --what-if n1,n2 --json
            {
              "Explanation": [
                "3 votes are in force: n1, n2 and the disk witness.",
                "Without a vote now: n3 (given up, so that the number of votes is odd).",
                "Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.",
                "If n1, n2, n3 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.",
                "At the same moment 1 vote may be lost, not more."
              ],
              "Failures": [
                {
                  "Fails": [
                    "n1"
                  ],
                  "MayFailNext": [
                    "n2",
                    "n3",
                    "Disk 1"
                  ],
                  "Needed": 2,
                  "Outcome": "NeedsWitness",
                  "Votes": 3
                },
                {
                  "Fails": [
                    "n2"
                  ],
                  "MayFailNext": [
                    "n1",
                    "n3",
                    "Disk 1"
                  ],
                  "Needed": 2,
                  "Outcome": "GoesOn",
                  "Votes": 3
                },
                {
                  "Fails": [
                    "n3"
                  ],
                  "MayFailNext": [
                    "n1",
                    "n2",
                    "Disk 1"
                  ],
                  "Needed": 2,
                  "Outcome": "GoesOn",
                  "Votes": 3
                },
                {
                  "Fails": [
                    "Disk 1"
                  ],
                  "MayFailNext": [
                    "n1",
                    "n2",
                    "n3"
                  ],
                  "Needed": 2,
                  "Outcome": "GoesOn",
                  "Votes": 3
                }
              ],
              "WhatIf": [
                {
                  "Fails": [
                    "n1"
                  ],
                  "MayFailNext": [
                    "n2",
                    "n3",
                    "Disk 1"
                  ],
                  "Needed": 2,
                  "Outcome": "NeedsWitness",
                  "Votes": 3
                },
                {
                  "Fails": [
                    "n2"
                  ],
                  "MayFailNext": [
                    "Disk 1"
                  ],
                  "Needed": 1,
                  "Outcome": "NeedsWitness",
                  "Votes": 1
                }
              ]
            }
            $ cluster status
            Cluster TEST: quorum (NodeAndDiskMajority), leader n1. Answered by n1.

            Node ID State Groups
            ---- -- ----- ------
            n1   1  Up    Cluster Group, Available Storage, Web, Storage leader, witness
            n2   2  Up
            n3   3  Up                                                   no vote

            Group, Resource   State   OwnerNode Type
            ---------------   -----   --------- ----
            Available Storage Offline n1
            Cluster Group     Offline n1
            Storage           Online  n1
              Disk 1          Online            Physical Disk
              Share           Online            File Share Witness
            Web               Offline n1
              Web IP          Offline           IP Address          it is not wanted online: its own PersistentState is 0
              Web Site        Offline           Generic Application it is not wanted online: its own PersistentState is 0
            $ cluster /quorum:Share /path:Log /wait:0
            Cluster QuorumResource QuorumType
            ------- -------------- ----------
            TEST    Share          NodeAndFileShareMajority

            Voter                      NodeWeight DynamicWeight Vote State
            -----                      ---------- ------------- ---- -----
            n1                         1          1             1    Up
            n2                         1          1             1    Up
            n3                         1          0             0    Up     given up, so that the number of votes is odd
            Share (file share witness)            0             0    Online votes nowhere; not usable

            The cluster has quorum.
            2 votes are in force: n1 and n2.
            Without a vote now: n3 (given up, so that the number of votes is odd), the file share witness (not usable).
            Quorum takes 2 of 2, more than half; present: 2. Quorum is kept.
            If n3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
            If n1 or n2 fails next, the cluster stops.
            No vote may be lost at this moment.
            The witness has not been taken over yet; `cluster quorum show` tells when it votes.
            $ cluster quorum set -NodeMajority
            Cluster QuorumResource QuorumType
            ------- -------------- ----------
            TEST                   NodeMajority

            Voter NodeWeight DynamicWeight Vote State
            ----- ---------- ------------- ---- -----
            n1    1          1             1    Up
            n2    1          1             1    Up
            n3    1          0             0    Up    given up, so that the number of votes is odd

            The cluster has quorum.
            2 votes are in force: n1 and n2.
            Without a vote now: n3 (given up, so that the number of votes is odd).
            Quorum takes 2 of 2, more than half; present: 2. Quorum is kept.
            If n3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
            If n1 or n2 fails next, the cluster stops.
            No vote may be lost at this moment.
            $ cluster node properties n1 NodeWeight=0
            Name ID State
            ---- -- -----
            n1   1  Up
        "#]],
    );
}

#[test]
fn what_cannot_be_the_quorum_is_refused() {
    check_on(
        &Fake::with_storage(),
        &[
            &["quorum", "set"],
            &["quorum", "set", "--disk-only", "Share"],
            &["quorum", "set", "--resource", "Web IP"],
            &["quorum", "set", "--path", "MSCS"],
            &["quorum", "explain", "--what-if", "n1,n9"],
            &["quorum", "explain", "--what-if", "n1,witness"],
            &["node", "start", "n1", "-FQ"],
            &["node", "start", "n1", "--clear-quarantine"],
            &["node", "start", "n9", "--clear-quarantine"],
        ],
        expect![[r#"
            $ cluster quorum set
            [2] say how votes are to be counted, for example `cluster quorum set --node-and-disk-majority DISK` or `--node-majority`; see `cluster quorum set --help`
            $ cluster quorum set --disk-only Share
            [1] 'Share' is no storage (its class is not CLUS_RESCLASS_STORAGE), and this model needs a disk. Take NodeAndFileShareMajority with it, or another resource. (code 5025 ERROR_NOT_QUORUM_CLASS)
            $ cluster quorum set --resource Web IP
            [1] 'Web IP' cannot be the quorum resource: its type has no Arbitrate (CLUS_CHAR_QUORUM). Take a Physical Disk or a File Share Witness; online are: Disk 1, Share. (code 5021 ERROR_NOT_QUORUM_CAPABLE)
            $ cluster quorum set --path MSCS
            [87] NodeMajority has no witness: leave QuorumResource and Path out, or take another QuorumType. (code 87 ERROR_INVALID_PARAMETER)
            $ cluster quorum explain --what-if n1,n9
            [2] --what-if: 'n9' is no voter. There are: n1, n2, n3. Write them like n1,n2 or n1+n2.
            $ cluster quorum explain --what-if n1,witness
            [2] --what-if: 'witness' is no voter. There are: n1, n2, n3. Write them like n1,n2 or n1+n2.
            $ cluster node start n1 -FQ
            [2] This node is not the front of a lab. Faults can be made at the address that `cluster demo` or `cluster up` printed. (code 2 ERROR_FILE_NOT_FOUND)
            $ cluster node start n1 --clear-quarantine
            n1 is not in quarantine.
            $ cluster node start n9 --clear-quarantine
            [1] There is no node 'n9'. There are: n1, n2, n3. (code 5042 ERROR_CLUSTER_NODE_NOT_FOUND)
        "#]],
    );
}

#[test]
fn refusals_say_what_to_do_and_give_the_code() {
    check(
        &[
            &["group", "show", "Nope"],
            &["group", "delete", "Web"],
            &["group", "set", "Web", "Priority=9000"],
            &["group", "set", "Web", "Priority=high"],
            &["resource", "create", "X", "--group", "Web", "--type", "Nope"],
            &["resource", "params", "Web Site", "Port=70000"],
            &["registry", "get", "Test"],
            &["registry", "get", "Groups", "Nope"],
            &["lab", "show"],
            &["resource", "control", "Web IP", "many"],
        ],
        expect![[r#"
            $ cluster group show Nope
            [1] There is no group 'Nope'. There are: Available Storage, Cluster Group, Web. (code 5013 ERROR_GROUP_NOT_FOUND)
            $ cluster group delete Web
            [145] Group 'Web' still has resources (Web IP, Web Site). Delete them first, or force it. (code 145 ERROR_DIR_NOT_EMPTY)
            $ cluster group set Web Priority=9000
            [87] 'Priority' = 9000 is out of range; it goes from 0 to 3000. (code 87 ERROR_INVALID_PARAMETER)
            $ cluster group set Web Priority=high
            [2] 'Priority': "high" is no REG_DWORD; write a number from 0 to 4294967295, or 0x and eight digits.
            $ cluster resource create X --group Web --type Nope
            [1] There is no resource type 'Nope'. There are: File Share Witness, Generic Application, IP Address, Network Name, Physical Disk. (code 5078 ERROR_CLUSTER_RESOURCE_TYPE_NOT_FOUND)
            $ cluster resource params Web Site Port=70000
            [87] The resource library refused to set Port (ERROR_INVALID_PARAMETER). Nothing was changed; check names, types and ranges. Its private properties: CommandLine, Port. (code 87 ERROR_INVALID_PARAMETER)
            $ cluster registry get Test
            [2] There is no key 'Test' in the cluster registry. Ask for its parent to see what is there. (code 2 ERROR_FILE_NOT_FOUND)
            $ cluster registry get Groups Nope
            [2] the key 'Groups' has no value 'Nope'; its values: none (code 2 ERROR_FILE_NOT_FOUND)
            $ cluster lab show
            [2] This node is not the front of a lab. Faults can be made at the address that `cluster demo` or `cluster up` printed. (code 2 ERROR_FILE_NOT_FOUND)
            $ cluster resource control Web IP many
            [2] 'many' is no control code: invalid digit found in string.
        "#]],
    );
}

#[test]
fn an_object_that_does_not_come_online_is_an_error_for_who_waits() {
    run(async {
        let fake = Fake::new();
        fake.set_obeys(false);
        let server = Server::start(&fake).await;
        let line = ["cluster", "--cluster", &server.url, "group", "online", "Web", "--wait", "0"];
        let cluster = Cluster::try_parse_from(line).expect("a line that can be read");
        let session = Session::new(&cluster.common, Box::new(std::io::sink())).expect("a good address");
        let trouble = carry_out(&session, cluster.command).await.expect_err("it is not online");
        assert!(trouble.to_string().contains("1460"), "{trouble}");
        assert_eq!(trouble.exit_code(), 1);
    });
}

#[test]
fn nobody_there_is_told_with_a_remedy() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        drop(listener);
        let cluster = Cluster::try_parse_from(["cluster", "--cluster", &address, "status"]).expect("a good line");
        let session = Session::new(&cluster.common, Box::new(std::io::sink())).expect("a good address");
        let trouble = carry_out(&session, cluster.command).await.expect_err("nobody is there");
        assert!(trouble.to_string().contains("cluster demo"), "{trouble}");
        for bad in ["ftp://x", "http://", "::"] {
            let cluster = Cluster::try_parse_from(["cluster", "--cluster", bad, "status"]).expect("a good line");
            let trouble = Session::new(&cluster.common, Box::new(std::io::sink())).err().map(|t| t.exit_code());
            assert_eq!(trouble, Some(2), "{bad}");
        }
    });
}
