//! `cluster quorum show`, `set` and `explain`.
//!
//! What a failure would come to is played through the engine's own arithmetic, with the votes that the cluster tells. So it
//! is what the cluster would do, and not a rule of thumb.

use std::collections::BTreeSet;

use cluster_engine::NodeId;
use cluster_engine::quorum::{Standing, Voter, Votes, WitnessAccess, needed, rebalance, standing};
use reqwest::Method;
use serde_json::{Value, json};

use super::args::{ExplainQuorum, SetQuorum};
use super::output;
use super::session::{Session, members};
use super::trouble::Trouble;
use crate::api::views::{ClusterView, QuorumView};

/// The word for the witness in `--what-if`.
const WITNESS: &str = "witness";
/// How long it is waited for the witness to vote, when nothing is said, in seconds: it takes one arbitration.
const WITNESS_WAIT_S: u32 = 5;
/// KB and bytes.
const KB: u32 = 1024;

pub(super) async fn show(session: &Session) -> Result<(), Trouble> {
    let answer = session.get(&["quorum"]).await?;
    let quorum: QuorumView = session.read(&answer)?;
    if session.json {
        return session.print(&answer, || Ok(String::new()));
    }
    let cluster: ClusterView = session.read(&session.get(&["cluster"]).await?)?;
    let witness = quorum.quorum_resource.clone().unwrap_or_default();
    let head = output::table(
        &["Cluster", "QuorumResource", "QuorumType"],
        [[cluster.name, witness, quorum.quorum_type.clone()]],
    );
    let what = if quorum.quorate { "The cluster has quorum." } else { "NO QUORUM." };
    let sentences = quorum.explanation.join("\n");
    session.say(&format!("{head}\n{}\n{what}\n{sentences}\n", voters_table(&quorum)))
}

/// Everybody who could vote.
fn voters_table(quorum: &QuorumView) -> String {
    let mut rows: Vec<[String; 6]> = Vec::new();
    for v in &quorum.voters {
        let up = if v.up { "Up" } else { "Down" };
        let numbers = [v.node_weight, v.dynamic_weight, v.vote].map(|n| n.to_string());
        let [weight, dynamic, vote] = numbers;
        rows.push([v.node.clone(), weight, dynamic, vote, up.to_owned(), v.why.clone().unwrap_or_default()]);
    }
    if let Some(w) = &quorum.witness {
        let dynamic = w.dynamic_weight.to_string();
        let place = match (&w.host_node, w.epoch) {
            (Some(host), Some(epoch)) if w.healthy => format!("votes on {host}, epoch {epoch}"),
            (Some(host), Some(epoch)) => format!("voted last on {host}, epoch {epoch}"),
            (Some(_) | None, _) => "votes nowhere".to_owned(),
        };
        let why = w.why.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        let kind = if w.kind == "Disk" { "disk witness" } else { "file share witness" };
        let name = format!("{} ({kind})", w.resource);
        rows.push([name, String::new(), dynamic.clone(), dynamic, w.state.clone(), format!("{place}{why}")]);
    }
    output::table(&["Voter", "NodeWeight", "DynamicWeight", "Vote", "State", ""], rows)
}

pub(super) async fn set(session: &Session, given: SetQuorum) -> Result<(), Trouble> {
    let SetQuorum { node_majority, node_and_disk_majority, node_and_file_share_majority, disk_only, resource, .. } =
        given;
    let (model, resource) = match (node_majority, node_and_disk_majority, node_and_file_share_majority, disk_only) {
        (true, _, _, _) => (Some("NodeMajority"), None),
        (false, Some(disk), _, _) => (Some("NodeAndDiskMajority"), Some(disk)),
        (false, None, Some(share), _) => (Some("NodeAndFileShareMajority"), Some(share)),
        (false, None, None, Some(disk)) => (Some("DiskOnly"), Some(disk)),
        (false, None, None, None) => (None, resource),
    };
    let has_model = model.is_some() || resource.is_some();
    if !has_model && given.path.is_none() && given.max_log_size.is_none() {
        let text = "say how votes are to be counted, for example `cluster quorum set --node-and-disk-majority DISK` or \
                    `--node-majority`; see `cluster quorum set --help`";
        return Err(Trouble::Argument(text.to_owned()));
    }
    let body = members([
        ("QuorumType", model.map(Value::from)),
        ("QuorumResource", resource.map(Value::from)),
        ("Path", given.path.map(Value::from)),
        ("MaxQuorumLogSize", given.max_log_size.map(|kb| Value::from(kb.saturating_mul(KB)))),
    ]);
    let method = if has_model { Method::PUT } else { Method::PATCH };
    let wait = session.wait.unwrap_or(WITNESS_WAIT_S);
    let ask = super::client::Ask::new(method, ["quorum"]).json(body).waiting(Some(wait));
    let answer = session.client.ask(ask).await?;
    if session.json {
        return session.print(&answer, || Ok(String::new()));
    }
    show(session).await?;
    if answer["Pending"] == true {
        session.say("The witness has not been taken over yet; `cluster quorum show` tells when it votes.")?;
    }
    Ok(())
}

pub(super) async fn explain(session: &Session, given: &ExplainQuorum) -> Result<(), Trouble> {
    let answer = session.get(&["quorum"]).await?;
    let quorum: QuorumView = session.read(&answer)?;
    let play = Play::of(&quorum);
    let singles: Vec<Outcome> = play.candidates().into_iter().map(|voter| play.clone().lose(&[voter])).collect();
    let story = given.what_if.as_deref().map(|text| play.story(text)).transpose()?;
    let told = json!({
        "Explanation": quorum.explanation,
        "Failures": singles.iter().map(Outcome::json).collect::<Vec<_>>(),
        "WhatIf": story.as_ref().map(|story| story.iter().map(Outcome::json).collect::<Vec<_>>()),
    });
    session.print(&told, || {
        let mut text = format!("{}\n\n", quorum.explanation.join("\n"));
        if let Some(story) = &story {
            text.push_str(&format!("One after the other:\n{}", table("Fails", story)));
            if story.last().is_some_and(|last| last.fate == Fate::Stops) {
                text.push_str("\nThen there is no cluster that anything more could fail in.\n");
            }
            return Ok(text);
        }
        text.push_str(&table("If this one fails next", &singles));
        Ok(text)
    })
}

fn table(first: &str, outcomes: &[Outcome]) -> String {
    let row = |o: &Outcome| {
        let numbers = [o.votes, o.needed].map(|n| if o.fate == Fate::Stops { String::new() } else { n.to_string() });
        let [votes, needed] = numbers;
        [o.fails.join(" + "), o.fate.sentence().to_owned(), votes, needed, o.next.join(", ")]
    };
    let columns = [first, "then the cluster", "Votes then", "Needed", "May fail after that"];
    output::table(&columns, outcomes.iter().map(row))
}

/// What a failure comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    GoesOn,
    NeedsWitness,
    Stops,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Fate::GoesOn => "GoesOn",
            Fate::NeedsWitness => "NeedsWitness",
            Fate::Stops => "Stops",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Fate::GoesOn => "goes on",
            Fate::NeedsWitness => "goes on when it wins the witness",
            Fate::Stops => "stops (event 1177)",
        }
    }
}

/// A failure, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    fails: Vec<String>,
    fate: Fate,
    votes: usize,
    needed: usize,
    /// Who may fail after that without stopping the cluster.
    next: Vec<String>,
}

impl Outcome {
    fn json(&self) -> Value {
        json!({
            "Fails": self.fails,
            "Outcome": self.fate.word(),
            "Votes": self.votes,
            "Needed": self.needed,
            "MayFailNext": self.next,
        })
    }
}

/// A cluster on paper.
#[derive(Clone)]
struct Play {
    votes: Votes,
    up: BTreeSet<NodeId>,
    witness_healthy: bool,
    /// Where the witness votes.
    host: Option<NodeId>,
    names: Vec<(Voter, String)>,
}

impl Play {
    fn of(quorum: &QuorumView) -> Play {
        let (votes, up, witness_healthy) = quorum.counted();
        let mut names: Vec<(Voter, String)> =
            quorum.voters.iter().map(|v| (Voter::Node(NodeId(v.id)), v.node.clone())).collect();
        let witness = quorum.witness.as_ref().map(|w| w.resource.clone());
        names.extend(votes.witness.map(|w| Voter::Witness(w.kind)).zip(witness));
        let host = quorum.witness.as_ref().and_then(|w| w.host_node.as_ref());
        let host = quorum.voters.iter().find(|v| Some(&v.node) == host).map(|v| NodeId(v.id));
        Play { votes, up, witness_healthy, host, names }
    }

    /// Everybody who is there to fail.
    fn candidates(&self) -> Vec<Voter> {
        let nodes = self.up.iter().map(|id| Voter::Node(*id));
        let witness = self.votes.witness.filter(|_| self.witness_healthy).map(|w| Voter::Witness(w.kind));
        nodes.chain(witness).collect()
    }

    fn name(&self, voter: Voter) -> String {
        let found = self.names.iter().find(|(known, _)| *known == voter);
        found.map_or_else(|| voter.to_string(), |(_, name)| name.clone())
    }

    /// These fail at the same moment; what is left agrees on new votes, if it can.
    fn lose(&mut self, voters: &[Voter]) -> Outcome {
        self.take(voters);
        let fate = self.fate();
        if fate == Fate::NeedsWitness {
            // Any of those that are left may win it.
            self.host = self.up.first().copied();
        }
        if fate != Fate::Stops {
            self.votes = rebalance(&self.votes, &self.up, self.witness_healthy);
        }
        let survives = |voter: &Voter| {
            let mut play = self.clone();
            play.take(&[*voter]);
            fate != Fate::Stops && play.fate() != Fate::Stops
        };
        let next: Vec<Voter> = self.candidates().into_iter().filter(survives).collect();
        Outcome {
            fails: voters.iter().map(|v| self.name(*v)).collect(),
            fate,
            votes: self.votes.total(),
            needed: needed(&self.votes),
            next: next.into_iter().map(|v| self.name(v)).collect(),
        }
    }

    fn take(&mut self, voters: &[Voter]) {
        for voter in voters {
            match voter {
                Voter::Node(id) => {
                    self.up.remove(id);
                }
                Voter::Witness(_) => self.witness_healthy = false,
            }
        }
    }

    fn fate(&self) -> Fate {
        let is_owned = self.host.is_some_and(|host| self.up.contains(&host));
        let access = match (self.witness_healthy, is_owned) {
            (true, true) => WitnessAccess::Owned,
            (true, false) => WitnessAccess::Reachable,
            (false, _) => WitnessAccess::Unreachable,
        };
        match standing(&self.votes, &self.up, access) {
            Standing::Keeps => Fate::GoesOn,
            Standing::NeedsWitness => Fate::NeedsWitness,
            Standing::Lost => Fate::Stops,
        }
    }

    /// Failures in order, until there is no cluster any more.
    fn story(&self, text: &str) -> Result<Vec<Outcome>, Trouble> {
        let mut play = self.clone();
        let mut told = Vec::new();
        for moment in text.split(',') {
            let voters: Vec<Voter> = moment.split('+').map(|name| self.voter(name.trim())).collect::<Result<_, _>>()?;
            if told.last().is_some_and(|last: &Outcome| last.fate == Fate::Stops) {
                continue;
            }
            told.push(play.lose(&voters));
        }
        Ok(told)
    }

    fn voter(&self, name: &str) -> Result<Voter, Trouble> {
        let is_meant = |(voter, known): &&(Voter, String)| {
            let is_word = matches!(voter, Voter::Witness(_)) && name.eq_ignore_ascii_case(WITNESS);
            is_word || known.eq_ignore_ascii_case(name)
        };
        self.names.iter().find(is_meant).map(|(voter, _)| *voter).ok_or_else(|| {
            let known: Vec<&str> = self.names.iter().map(|(_, name)| name.as_str()).collect();
            let text = format!(
                "--what-if: '{name}' is no voter. There are: {}. Write them like n1,n2 or n1+n2.",
                known.join(", ")
            );
            Trouble::Argument(text)
        })
    }
}
