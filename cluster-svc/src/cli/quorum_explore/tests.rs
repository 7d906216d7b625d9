//! What `cluster quorum explore` is read as, and what it prints.

use clap::Parser;
use clap::error::ErrorKind;
use expect_test::{Expect, expect};
use serde_json::Value;

use super::super::args::{Cluster, Command, Explore, ModelWord, Quorum};
use super::run;

fn read(line: &[&str]) -> Result<(Explore, bool), ErrorKind> {
    let words = ["cluster", "quorum", "explore"].into_iter().chain(line.iter().copied());
    let cluster = Cluster::try_parse_from(words).map_err(|e| e.kind())?;
    match cluster.command {
        Command::Quorum(Quorum::Explore(options)) => Ok((options, cluster.common.json)),
        other => panic!("read as {other:?}"),
    }
}

#[test]
fn lines_are_read_as_what_they_say() {
    let check = |line: &[&str], expected: Result<(u32, ModelWord, bool, bool), ErrorKind>| {
        let expected = expected.map(|(nodes, model, no_dynamic, json)| (Explore { nodes, model, no_dynamic }, json));
        assert_eq!(read(line), expected, "{line:?}");
    };
    check(&["--nodes", "3", "--model", "node-majority"], Ok((3, ModelWord::NodeMajority, false, false)));
    check(&["--model", "node-disk", "--nodes=1", "--json"], Ok((1, ModelWord::NodeDisk, false, true)));
    check(&["--nodes", "5", "--model", "node-share", "--no-dynamic"], Ok((5, ModelWord::NodeShare, true, false)));
    check(&["--nodes", "2", "--model", "disk-only"], Ok((2, ModelWord::DiskOnly, false, false)));
    check(&["--nodes", "2", "--model", "NodeAndFileShareMajority"], Ok((2, ModelWord::NodeShare, false, false)));
    check(&["--nodes", "0", "--model", "disk-only"], Err(ErrorKind::ValueValidation));
    check(&["--nodes", "6", "--model", "disk-only"], Err(ErrorKind::ValueValidation));
    check(&["--nodes", "2", "--model", "share-only"], Err(ErrorKind::InvalidValue));
    check(&["--model", "disk-only"], Err(ErrorKind::MissingRequiredArgument));
    check(&["--nodes", "2"], Err(ErrorKind::MissingRequiredArgument));
}

fn printed(line: &[&str]) -> String {
    let (options, is_json) = read(line).expect("a line that can be read");
    let mut out = Vec::new();
    assert_eq!(run(&options, is_json, &mut out).map_err(|t| t.to_string()), Ok(0));
    String::from_utf8(out).expect("text")
}

#[test]
fn a_table_that_a_person_can_read() {
    let check = |line: &[&str], expected: Expect| expected.assert_eq(&printed(line));
    check(
        &["--nodes", "3", "--model", "node-majority"],
        expect![[r#"
            3 nodes, NodeMajority, dynamic quorum on

              3 votes are in force: node 1, node 2 and node 3.
              Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
              If node 1, node 2 or node 3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
              At the same moment 1 vote may be lost, not more.

            One failure after the other
            Lost    Orders Reached Survived Share Stops, for example, with
            ----    ------ ------- -------- ----- ------------------------
            1 node  3      3       3        100 %
            2 nodes 6      6       3        50 %  node 1, then node 2

            Failures at the same moment
            Lost    Cases Survived Share Stops, for example, with
            ----    ----- -------- ----- ------------------------
            1 node  3     3        100 %
            2 nodes 3     0        0 %   node 1, node 2

            The network in two
            Nodes Witness with Left goes on Right goes on Neither
            ----- ------------ ------------ ------------- -------
            1 | 2              0            3             0

            How to read this
              One after the other: every order is tried, and nothing comes back. The cluster moves its votes in between.
              Reached: the orders in which it still ran before the last failure. Survived: those in which it runs after it.
              Share: how many of the reached ones it survives.
              At the same moment: every set is tried, each from the whole cluster.
              The network in two: every way to part the nodes. Left is the smaller side, of equal ones that of node 1.
              The numbers say in how many of the splits which side goes on. It is never both.
        "#]],
    );
    check(
        &["--nodes", "4", "--model", "node-disk"],
        expect![[r#"
            4 nodes, NodeAndDiskMajority, dynamic quorum on

              5 votes are in force: node 1, node 2, node 3, node 4 and the disk witness.
              Quorum takes 3 of 5, more than half; present: 5. Quorum is kept.
              If node 1, node 2, node 3, node 4 or the disk witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
              At the same moment 2 votes may be lost, not more.

            One failure after the other
            Lost                 Orders Reached Survived Share Stops, for example, with
            ----                 ------ ------- -------- ----- ------------------------
            1 node               4      4       4        100 %
            2 nodes              12     12      12       100 %
            3 nodes              24     24      24       100 %
            the witness          1      1       1        100 %
            1 node, the witness  8      8       8        100 %
            2 nodes, the witness 36     36      36       100 %
            3 nodes, the witness 96     96      60       63 %  node 1, then node 2, then disk witness, then node 3

            Failures at the same moment
            Lost                 Cases Survived Share Stops, for example, with
            ----                 ----- -------- ----- ------------------------
            1 node               4     4        100 %
            2 nodes              6     6        100 %
            3 nodes              4     0        0 %   node 1, node 2, node 3
            the witness          1     1        100 %
            1 node, the witness  4     4        100 %
            2 nodes, the witness 6     0        0 %   node 1, node 2, disk witness
            3 nodes, the witness 4     0        0 %   node 1, node 2, node 3, disk witness

            The network in two
            Nodes Witness with Left goes on Right goes on Neither
            ----- ------------ ------------ ------------- -------
            1 | 3 left         0            4             0
            1 | 3 right        0            4             0
            1 | 3 nobody       0            4             0
            2 | 2 left         3            0             0
            2 | 2 right        0            3             0
            2 | 2 nobody       0            0             3

            How to read this
              One after the other: every order is tried, and nothing comes back. The cluster moves its votes in between.
              Reached: the orders in which it still ran before the last failure. Survived: those in which it runs after it.
              Share: how many of the reached ones it survives.
              At the same moment: every set is tried, each from the whole cluster.
              In both, the witness is won by those who are left, unless it has failed itself.
              The network in two: every way to part the nodes. Left is the smaller side, of equal ones that of node 1.
              The numbers say in how many of the splits which side goes on. It is never both.
        "#]],
    );
    check(
        &["--nodes", "2", "--model", "disk-only", "--no-dynamic"],
        expect![[r#"
            2 nodes, DiskOnly, dynamic quorum off

              1 vote is in force: the disk witness.
              Without a vote now: node 1 (the disk alone votes), node 2 (the disk alone votes).
              Quorum takes 1 of 1, more than half; present: 1. Quorum is kept as long as the witness is owned here.
              If node 1 or node 2 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
              If the disk witness fails next, the cluster stops.
              No vote may be lost at this moment.
              Dynamic quorum is off: the votes stay as they are, whoever fails.

            One failure after the other
            Lost                Orders Reached Survived Share Stops, for example, with
            ----                ------ ------- -------- ----- ------------------------
            1 node              2      2       2        100 %
            the witness         1      1       0        0 %   disk witness
            1 node, the witness 4      2       0        0 %   node 1, then disk witness

            Failures at the same moment
            Lost                Cases Survived Share Stops, for example, with
            ----                ----- -------- ----- ------------------------
            1 node              2     2        100 %
            the witness         1     0        0 %   disk witness
            1 node, the witness 2     0        0 %   node 1, disk witness

            The network in two
            Nodes Witness with Left goes on Right goes on Neither
            ----- ------------ ------------ ------------- -------
            1 | 1 left         1            0             0
            1 | 1 right        0            1             0
            1 | 1 nobody       0            0             1

            How to read this
              One after the other: every order is tried, and nothing comes back. The votes stay as they are.
              Reached: the orders in which it still ran before the last failure. Survived: those in which it runs after it.
              Share: how many of the reached ones it survives.
              At the same moment: every set is tried, each from the whole cluster.
              In both, the witness is won by those who are left, unless it has failed itself.
              The network in two: every way to part the nodes. Left is the smaller side, of equal ones that of node 1.
              The numbers say in how many of the splits which side goes on. It is never both.
        "#]],
    );
    check(
        &["--nodes", "1", "--model", "node-majority"],
        expect![[r#"
        1 node, NodeMajority, dynamic quorum on

          1 vote is in force: node 1.
          Quorum takes 1 of 1, more than half; present: 1. Quorum is kept.
          If node 1 fails next, the cluster stops.
          No vote may be lost at this moment.

        How to read this
          With one node there is nobody who could go on after it.
    "#]],
    );
}

#[test]
fn the_same_as_json() {
    expect![[r#"
        {
          "AtOnce": [
            {
              "Cases": 2,
              "Fatal": [],
              "NodesLost": 1,
              "Survived": 2,
              "WitnessLost": false
            },
            {
              "Cases": 1,
              "Fatal": [],
              "NodesLost": 0,
              "Survived": 1,
              "WitnessLost": true
            },
            {
              "Cases": 2,
              "Fatal": [
                [
                  "node 1",
                  "file share witness"
                ],
                [
                  "node 2",
                  "file share witness"
                ]
              ],
              "NodesLost": 1,
              "Survived": 0,
              "WitnessLost": true
            }
          ],
          "DynamicQuorum": 1,
          "Explanation": [
            "3 votes are in force: node 1, node 2 and the file share witness.",
            "Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.",
            "If node 1, node 2 or the file share witness fails next, the cluster goes on; then 1 vote is in force and 1 needed.",
            "At the same moment 1 vote may be lost, not more."
          ],
          "Needed": 2,
          "Nodes": 2,
          "OneByOne": [
            {
              "Fatal": [],
              "NodesLost": 1,
              "Orders": 2,
              "Reached": 2,
              "Survived": 2,
              "WitnessLost": false
            },
            {
              "Fatal": [],
              "NodesLost": 0,
              "Orders": 1,
              "Reached": 1,
              "Survived": 1,
              "WitnessLost": true
            },
            {
              "Fatal": [
                [
                  "file share witness",
                  "node 1"
                ]
              ],
              "NodesLost": 1,
              "Orders": 4,
              "Reached": 4,
              "Survived": 3,
              "WitnessLost": true
            }
          ],
          "QuorumType": "NodeAndFileShareMajority",
          "Splits": [
            {
              "Left": [
                1
              ],
              "Right": [
                2
              ],
              "Survivor": "Left",
              "Witness": "Left"
            },
            {
              "Left": [
                1
              ],
              "Right": [
                2
              ],
              "Survivor": "Right",
              "Witness": "Right"
            },
            {
              "Left": [
                1
              ],
              "Right": [
                2
              ],
              "Survivor": null,
              "Witness": null
            }
          ],
          "Voters": [
            "node 1",
            "node 2",
            "file share witness"
          ],
          "Votes": 3
        }
    "#]].assert_eq(&printed(&["--nodes", "2", "--model", "node-share", "--json"]));
    let large: Value =
        serde_json::from_str(&printed(&["--nodes", "5", "--model", "node-disk", "--json"])).expect("JSON");
    let lengths = ["OneByOne", "AtOnce", "Splits"].map(|name| large[name].as_array().map(Vec::len));
    assert_eq!(lengths, [Some(9), Some(9), Some(45)]);
}

#[test]
fn a_size_that_is_not_explored_is_refused() {
    let options = Explore { nodes: 6, model: ModelWord::DiskOnly, no_dynamic: false };
    let trouble = run(&options, false, &mut Vec::new()).expect_err("too many");
    assert_eq!((trouble.exit_code(), trouble.to_string().as_str()), (2, "6 nodes cannot be explored; take 1 to 5"));
}

/// The reader may go away at any time.
#[test]
fn a_reader_that_goes_away_is_no_mistake_of_ours() {
    let options = Explore { nodes: 2, model: ModelWord::DiskOnly, no_dynamic: false };
    let mut full: [u8; 10] = [0; 10];
    let trouble = run(&options, false, &mut &mut full[..]).expect_err("no room");
    assert_eq!(trouble.to_string(), "nobody reads the output");
}
