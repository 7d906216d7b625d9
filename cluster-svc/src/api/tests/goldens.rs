//! The shapes of the answers, word for word, for a hand-made cluster.

use cluster_engine::state::Command;
use expect_test::{Expect, expect};
use serde_json::Value as Json;

use super::fake::{Fake, Server, WEB, run};

fn check(path: &str, expected: Expect) {
    run(async {
        let fake = Fake::new();
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let server = Server::start(&fake).await;
        let answer: Json = server.get(path).await;
        let mut text = serde_json::to_string_pretty(&answer).expect("JSON");
        text.push('\n');
        expected.assert_eq(&text);
    });
}

#[test]
fn cluster() {
    check(
        "/cluster",
        expect![[r#"
        {
          "AnsweredBy": "n1",
          "Applied": 15,
          "DetectionMs": 2500,
          "FenceMs": 3000,
          "Id": "00000000-0000-0000-0000-0000000000c1",
          "Incarnation": 7,
          "Lab": false,
          "Leader": "n1",
          "Name": "TEST",
          "Properties": {
            "SameSubnetDelay": 250
          },
          "Quorate": true,
          "QuorumResource": null,
          "QuorumType": "NodeMajority",
          "Stale": false,
          "Time": "2026-01-31T12:00:00.000Z",
          "Version": "0.1.0"
        }
    "#]],
    );
}

#[test]
fn node() {
    check(
        "/nodes/n2",
        expect![[r#"
            {
              "Address": "127.0.0.1:1002",
              "ApiAddress": null,
              "DrainStatus": "NotInitiated",
              "DynamicWeight": 1,
              "Groups": [],
              "Id": "2",
              "LastHeardMs": 40,
              "Leader": false,
              "Name": "n2",
              "NeedsPreventQuorum": 0,
              "NodeWeight": 1,
              "ProcessId": 1002,
              "QuarantineEndsMs": null,
              "QuorumOwner": false,
              "State": "Up",
              "StatusInformation": "Normal"
            }
        "#]],
    );
}

#[test]
fn group() {
    check(
        "/groups/Web",
        expect![[r#"
        {
          "Core": false,
          "GroupType": 9999,
          "Id": "00000000-0000-0000-0000-000000000010",
          "Moving": null,
          "Name": "Web",
          "OwnerNode": "n1",
          "PersistentState": 1,
          "PreferredOwners": [
            "n1",
            "n3"
          ],
          "Resources": [
            "Web IP",
            "Web Site"
          ],
          "State": "Online",
          "StatusInformation": "",
          "Waiting": []
        }
    "#]],
    );
}

#[test]
fn resource() {
    check(
        "/resources/Web%20Site",
        expect![[r#"
        {
          "Core": false,
          "DependencyExpression": "([Web IP])",
          "DependsOn": [
            "Web IP"
          ],
          "Failures": 0,
          "Id": "00000000-0000-0000-0000-000000000012",
          "InternalState": "Online",
          "LastError": null,
          "MonitorProcessId": 2001,
          "Name": "Web Site",
          "OwnerGroup": "Web",
          "OwnerNode": "n1",
          "PersistentState": null,
          "PossibleOwners": [
            "n1",
            "n2",
            "n3"
          ],
          "ResourceType": "Generic Application",
          "RestartAction": 2,
          "RestartAt": null,
          "RestartThreshold": 3,
          "RetryAt": null,
          "SinceMs": 0,
          "State": "Online",
          "Waiting": []
        }
    "#]],
    );
}

#[test]
fn resource_type() {
    check(
        "/resource-types/IP%20Address",
        expect![[r#"
        {
          "DisplayName": "IP Address",
          "DllName": "clusres.dll",
          "IsAlivePollInterval": 60000,
          "LooksAlivePollInterval": 5000,
          "Name": "IP Address",
          "Resources": [
            "Web IP"
          ]
        }
    "#]],
    );
}

#[test]
fn quorum() {
    check(
        "/quorum",
        expect![[r#"
            {
              "DynamicQuorum": 1,
              "Explanation": [
                "3 votes are in force: n1, n2 and n3.",
                "Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.",
                "If n1, n2 or n3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.",
                "At the same moment 1 vote may be lost, not more."
              ],
              "FixQuorum": 0,
              "ForcedBy": null,
              "Lineage": "0",
              "LowerQuorumPriorityNodeID": 0,
              "MaxQuorumLogSize": 0,
              "Needed": 2,
              "Path": "",
              "Present": 3,
              "Quorate": true,
              "QuorumResource": null,
              "QuorumType": "NodeMajority",
              "Voters": [
                {
                  "DynamicWeight": 1,
                  "HeardMs": 0,
                  "Id": 1,
                  "Node": "n1",
                  "NodeWeight": 1,
                  "Up": true,
                  "Vote": 1,
                  "Why": null
                },
                {
                  "DynamicWeight": 1,
                  "HeardMs": 40,
                  "Id": 2,
                  "Node": "n2",
                  "NodeWeight": 1,
                  "Up": true,
                  "Vote": 1,
                  "Why": null
                },
                {
                  "DynamicWeight": 1,
                  "HeardMs": 90,
                  "Id": 3,
                  "Node": "n3",
                  "NodeWeight": 1,
                  "Up": true,
                  "Vote": 1,
                  "Why": null
                }
              ],
              "Votes": 3,
              "Witness": null
            }
        "#]],
    );
}

#[test]
fn placement() {
    check(
        "/groups/Web/placement",
        expect![[r#"
        {
          "Candidates": [
            {
              "Node": "n3",
              "Verdict": "chosen, number 2 of the preferred owners"
            },
            {
              "Node": "n2",
              "Verdict": "possible, hosts 0 group(s)"
            }
          ],
          "Chosen": "n3"
        }
    "#]],
    );
}

#[test]
fn key() {
    check(
        &format!("/registry/Groups/{WEB}"),
        expect![[r#"
        {
          "Keys": [],
          "LastWrite": "2026-01-31T12:00:00.000Z",
          "Path": "Groups\\00000000-0000-0000-0000-000000000010",
          "Values": [
            {
              "Name": "Contains",
              "Type": "REG_MULTI_SZ",
              "Value": [
                "00000000-0000-0000-0000-000000000011",
                "00000000-0000-0000-0000-000000000012"
              ]
            },
            {
              "Name": "GroupType",
              "Type": "REG_DWORD",
              "Value": 9999
            },
            {
              "Name": "Name",
              "Type": "REG_SZ",
              "Value": "Web"
            },
            {
              "Name": "PersistentState",
              "Type": "REG_DWORD",
              "Value": 1
            },
            {
              "Name": "PreferredOwners",
              "Type": "REG_MULTI_SZ",
              "Value": [
                "1",
                "3"
              ]
            }
          ]
        }
    "#]],
    );
}

#[test]
fn event() {
    check(
        "/events?limit=1&subject=Web%20Site",
        expect![[r#"
            [
              {
                "Component": "RCM",
                "EventId": null,
                "Id": "15.0",
                "Level": "Information",
                "Node": null,
                "Step": null,
                "Subject": {
                  "Kind": "Resource",
                  "Name": "Web Site"
                },
                "Text": "TransitionToState(Web Site) OnlineCallIssued-->Online.",
                "Time": "2026-01-31T12:00:00.000Z",
                "Why": []
              }
            ]
        "#]],
    );
}

#[test]
fn metrics() {
    run(async {
        let fake = Fake::new();
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let server = Server::start(&fake).await;
        let (status, text) = server.send("GET", "metrics", None).await;
        assert_eq!(status, 200);
        expect![[r##"
            # HELP windows_mscluster_cluster_quorate 1 when the answering node is in contact with a majority of votes.
            # TYPE windows_mscluster_cluster_quorate gauge
            windows_mscluster_cluster_quorate{name="TEST"} 1
            # HELP windows_mscluster_cluster_applied_index Index of the last change applied by the answering node.
            # TYPE windows_mscluster_cluster_applied_index gauge
            windows_mscluster_cluster_applied_index{name="TEST"} 15
            # HELP windows_mscluster_cluster_same_subnet_delay Property SameSubnetDelay: between heartbeats, ms.
            # TYPE windows_mscluster_cluster_same_subnet_delay gauge
            windows_mscluster_cluster_same_subnet_delay{name="TEST"} 250
            # HELP windows_mscluster_cluster_same_subnet_threshold Property SameSubnetThreshold: missed heartbeats until a node is down.
            # TYPE windows_mscluster_cluster_same_subnet_threshold gauge
            windows_mscluster_cluster_same_subnet_threshold{name="TEST"} 10
            # HELP windows_mscluster_cluster_drain_on_shutdown Property DrainOnShutdown.
            # TYPE windows_mscluster_cluster_drain_on_shutdown gauge
            windows_mscluster_cluster_drain_on_shutdown{name="TEST"} 1
            # HELP windows_mscluster_cluster_cluster_log_level Property ClusterLogLevel.
            # TYPE windows_mscluster_cluster_cluster_log_level gauge
            windows_mscluster_cluster_cluster_log_level{name="TEST"} 3
            # HELP windows_mscluster_cluster_cluster_log_size Property ClusterLogSize.
            # TYPE windows_mscluster_cluster_cluster_log_size gauge
            windows_mscluster_cluster_cluster_log_size{name="TEST"} 300
            # HELP windows_mscluster_cluster_quorum_type_value How votes are counted: 1 nodes, 2 with a file share witness, 3 with a disk.
            # TYPE windows_mscluster_cluster_quorum_type_value gauge
            windows_mscluster_cluster_quorum_type_value{name="TEST"} 1
            # HELP windows_mscluster_cluster_dynamic_quorum_enabled Property DynamicQuorum: 1 when votes follow the membership.
            # TYPE windows_mscluster_cluster_dynamic_quorum_enabled gauge
            windows_mscluster_cluster_dynamic_quorum_enabled{name="TEST"} 1
            # HELP windows_mscluster_cluster_fix_quorum 1 while quorum is forced.
            # TYPE windows_mscluster_cluster_fix_quorum gauge
            windows_mscluster_cluster_fix_quorum{name="TEST"} 0
            # HELP windows_mscluster_cluster_prevent_quorum 1 when the answering node was started with prevent quorum.
            # TYPE windows_mscluster_cluster_prevent_quorum gauge
            windows_mscluster_cluster_prevent_quorum{name="TEST"} 0
            # HELP windows_mscluster_cluster_witness_dynamic_weight 1 when the vote of the witness is in force.
            # TYPE windows_mscluster_cluster_witness_dynamic_weight gauge
            windows_mscluster_cluster_witness_dynamic_weight{name="TEST"} 0
            # HELP windows_mscluster_cluster_votes Votes in force.
            # TYPE windows_mscluster_cluster_votes gauge
            windows_mscluster_cluster_votes{name="TEST"} 3
            # HELP windows_mscluster_cluster_votes_needed Votes that keep quorum.
            # TYPE windows_mscluster_cluster_votes_needed gauge
            windows_mscluster_cluster_votes_needed{name="TEST"} 2
            # HELP windows_mscluster_cluster_votes_present Votes in force that are there.
            # TYPE windows_mscluster_cluster_votes_present gauge
            windows_mscluster_cluster_votes_present{name="TEST"} 3
            # HELP windows_mscluster_cluster_witness_epoch Ownership epoch of the witness: counts the arbitrations won; 0 without a witness.
            # TYPE windows_mscluster_cluster_witness_epoch gauge
            windows_mscluster_cluster_witness_epoch{name="TEST"} 0
            # HELP windows_mscluster_cluster_quorum_arbitration_time_max Property QuorumArbitrationTimeMax, s.
            # TYPE windows_mscluster_cluster_quorum_arbitration_time_max gauge
            windows_mscluster_cluster_quorum_arbitration_time_max{name="TEST"} 20
            # HELP windows_mscluster_cluster_quorum_arbitration_time_min Property QuorumArbitrationTimeMin, s.
            # TYPE windows_mscluster_cluster_quorum_arbitration_time_min gauge
            windows_mscluster_cluster_quorum_arbitration_time_min{name="TEST"} 7
            # HELP windows_mscluster_cluster_witness_database_write_timeout Property WitnessDatabaseWriteTimeout, s.
            # TYPE windows_mscluster_cluster_witness_database_write_timeout gauge
            windows_mscluster_cluster_witness_database_write_timeout{name="TEST"} 300
            # HELP windows_mscluster_cluster_witness_restart_interval Property WitnessRestartInterval, min.
            # TYPE windows_mscluster_cluster_witness_restart_interval gauge
            windows_mscluster_cluster_witness_restart_interval{name="TEST"} 15
            # HELP windows_mscluster_cluster_lower_quorum_priority_node_id Property LowerQuorumPriorityNodeID.
            # TYPE windows_mscluster_cluster_lower_quorum_priority_node_id gauge
            windows_mscluster_cluster_lower_quorum_priority_node_id{name="TEST"} 0
            # HELP windows_mscluster_cluster_quarantine_duration Property QuarantineDuration, s.
            # TYPE windows_mscluster_cluster_quarantine_duration gauge
            windows_mscluster_cluster_quarantine_duration{name="TEST"} 7200
            # HELP windows_mscluster_cluster_quarantine_threshold Property QuarantineThreshold.
            # TYPE windows_mscluster_cluster_quarantine_threshold gauge
            windows_mscluster_cluster_quarantine_threshold{name="TEST"} 3
            # HELP windows_mscluster_node_state State of a node: 0 up, 1 down, 2 paused, 3 joining.
            # TYPE windows_mscluster_node_state gauge
            windows_mscluster_node_state{name="n1"} 0
            windows_mscluster_node_state{name="n2"} 0
            windows_mscluster_node_state{name="n3"} 0
            # HELP windows_mscluster_node_node_weight Property NodeWeight.
            # TYPE windows_mscluster_node_node_weight gauge
            windows_mscluster_node_node_weight{name="n1"} 1
            windows_mscluster_node_node_weight{name="n2"} 1
            windows_mscluster_node_node_weight{name="n3"} 1
            # HELP windows_mscluster_node_dynamic_weight 1 when the cluster lets the vote of the node count.
            # TYPE windows_mscluster_node_dynamic_weight gauge
            windows_mscluster_node_dynamic_weight{name="n1"} 1
            windows_mscluster_node_dynamic_weight{name="n2"} 1
            windows_mscluster_node_dynamic_weight{name="n3"} 1
            # HELP windows_mscluster_node_needs_prevent_quorum 1 when quorum was forced and the node has not joined the forced cluster yet.
            # TYPE windows_mscluster_node_needs_prevent_quorum gauge
            windows_mscluster_node_needs_prevent_quorum{name="n1"} 0
            windows_mscluster_node_needs_prevent_quorum{name="n2"} 0
            windows_mscluster_node_needs_prevent_quorum{name="n3"} 0
            # HELP windows_mscluster_node_status_information Property StatusInformation, bits: 2 quarantined, 4, 8, 16 drain in progress, completed, failed.
            # TYPE windows_mscluster_node_status_information gauge
            windows_mscluster_node_status_information{name="n1"} 0
            windows_mscluster_node_status_information{name="n2"} 0
            windows_mscluster_node_status_information{name="n3"} 0
            # HELP windows_mscluster_node_node_drain_status Property NodeDrainStatus: 0 not initiated, 1 in progress, 2 completed, 3 failed.
            # TYPE windows_mscluster_node_node_drain_status gauge
            windows_mscluster_node_node_drain_status{name="n1"} 0
            windows_mscluster_node_node_drain_status{name="n2"} 0
            windows_mscluster_node_node_drain_status{name="n3"} 0
            # HELP windows_mscluster_resourcegroup_state State of a group: 0 online, 1 offline, 2 failed, 3 partly online, 4 pending.
            # TYPE windows_mscluster_resourcegroup_state gauge
            windows_mscluster_resourcegroup_state{name="Cluster Group"} 1
            windows_mscluster_resourcegroup_state{name="Available Storage"} 1
            windows_mscluster_resourcegroup_state{name="Web"} 0
            # HELP windows_mscluster_resourcegroup_owner_node 1 for the node that owns the group, 0 for the others.
            # TYPE windows_mscluster_resourcegroup_owner_node gauge
            windows_mscluster_resourcegroup_owner_node{node_name="n1",name="Cluster Group"} 1
            windows_mscluster_resourcegroup_owner_node{node_name="n2",name="Cluster Group"} 0
            windows_mscluster_resourcegroup_owner_node{node_name="n3",name="Cluster Group"} 0
            windows_mscluster_resourcegroup_owner_node{node_name="n1",name="Available Storage"} 1
            windows_mscluster_resourcegroup_owner_node{node_name="n2",name="Available Storage"} 0
            windows_mscluster_resourcegroup_owner_node{node_name="n3",name="Available Storage"} 0
            windows_mscluster_resourcegroup_owner_node{node_name="n1",name="Web"} 1
            windows_mscluster_resourcegroup_owner_node{node_name="n2",name="Web"} 0
            windows_mscluster_resourcegroup_owner_node{node_name="n3",name="Web"} 0
            # HELP windows_mscluster_resourcegroup_priority Property Priority.
            # TYPE windows_mscluster_resourcegroup_priority gauge
            windows_mscluster_resourcegroup_priority{name="Cluster Group"} 2000
            windows_mscluster_resourcegroup_priority{name="Available Storage"} 2000
            windows_mscluster_resourcegroup_priority{name="Web"} 2000
            # HELP windows_mscluster_resource_state State of a resource: 2 online, 3 offline, 4 failed, 129 online pending, 130 offline pending.
            # TYPE windows_mscluster_resource_state gauge
            windows_mscluster_resource_state{type="IP Address",owner_group="Web",name="Web IP"} 2
            windows_mscluster_resource_state{type="Generic Application",owner_group="Web",name="Web Site"} 2
            # HELP windows_mscluster_resource_owner_node 1 for the node that owns the resource, 0 for the others.
            # TYPE windows_mscluster_resource_owner_node gauge
            windows_mscluster_resource_owner_node{type="IP Address",owner_group="Web",node_name="n1",name="Web IP"} 1
            windows_mscluster_resource_owner_node{type="IP Address",owner_group="Web",node_name="n2",name="Web IP"} 0
            windows_mscluster_resource_owner_node{type="IP Address",owner_group="Web",node_name="n3",name="Web IP"} 0
            windows_mscluster_resource_owner_node{type="Generic Application",owner_group="Web",node_name="n1",name="Web Site"} 1
            windows_mscluster_resource_owner_node{type="Generic Application",owner_group="Web",node_name="n2",name="Web Site"} 0
            windows_mscluster_resource_owner_node{type="Generic Application",owner_group="Web",node_name="n3",name="Web Site"} 0
            # HELP windows_mscluster_resource_failures Failures within the RestartPeriod on the present owner.
            # TYPE windows_mscluster_resource_failures gauge
            windows_mscluster_resource_failures{type="IP Address",owner_group="Web",name="Web IP"} 0
            windows_mscluster_resource_failures{type="Generic Application",owner_group="Web",name="Web Site"} 0
            # HELP windows_mscluster_resource_restart_threshold Property RestartThreshold.
            # TYPE windows_mscluster_resource_restart_threshold gauge
            windows_mscluster_resource_restart_threshold{type="IP Address",owner_group="Web",name="Web IP"} 3
            windows_mscluster_resource_restart_threshold{type="Generic Application",owner_group="Web",name="Web Site"} 3
            # HELP windows_mscluster_network_state State of a network: 1 down, 2 partitioned, 3 up.
            # TYPE windows_mscluster_network_state gauge
            windows_mscluster_network_state{name="Cluster Network 1"} 3
        "##]].assert_eq(&text);
    });
}
