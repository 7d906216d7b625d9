//! `cluster quorum explore`: what a cluster survives, as tables. No cluster is needed.
//!
//! The engine tries the cases ([`cluster_engine::quorum::explore`]); here they are only laid out.

use std::collections::BTreeMap;
use std::io::Write;

use cluster_engine::quorum::{AtOnce, OneByOne, Side, Split, Table, Voter, Votes, explain, explore, needed};
use serde_json::{Value, json};

use super::args::Explore;
use super::output;
use super::trouble::Trouble;

/// Carries out the command. Returns the exit code.
pub(super) fn run(options: &Explore, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let table = explore(options.nodes, options.model.into(), !options.no_dynamic)
        .map_err(|fault| Trouble::Argument(fault.to_string()))?;
    let text = if is_json {
        format!("{}\n", serde_json::to_string_pretty(&as_json(&table)).unwrap_or_default())
    } else {
        as_text(&table)
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| Trouble::NobodyReads)?;
    Ok(0)
}

fn as_text(table: &Table) -> String {
    let votes = &table.start;
    let nodes = counted(votes.nodes.len(), "node");
    let dynamic = if votes.dynamic_quorum { "on" } else { "off" };
    let mut text = format!("{nodes}, {}, dynamic quorum {dynamic}\n\n", table.model);
    for sentence in sentences(votes) {
        text.push_str(&format!("  {sentence}\n"));
    }
    if !table.one_by_one.is_empty() {
        text.push_str(&format!("\nOne failure after the other\n{}", one_by_one(&table.one_by_one)));
        text.push_str(&format!("\nFailures at the same moment\n{}", at_once(&table.at_once)));
    }
    if !table.splits.is_empty() {
        text.push_str(&format!("\nThe network in two\n{}", splits(table)));
    }
    text.push_str(&format!("\n{}", reading(table)));
    text
}

fn sentences(votes: &Votes) -> Vec<String> {
    let up = votes.nodes.keys().copied().collect();
    explain(votes, &up, votes.witness.is_some(), &|id| format!("node {id}"))
}

fn one_by_one(rows: &[OneByOne]) -> String {
    let rows = rows.iter().map(|row| {
        [
            lost(row.nodes_lost, row.witness_lost),
            row.orders.to_string(),
            row.reached.to_string(),
            row.survived.to_string(),
            share(row.survived, row.reached),
            row.fatal.first().map(|order| listed(order, ", then ")).unwrap_or_default(),
        ]
    });
    output::table(&["Lost", "Orders", "Reached", "Survived", "Share", "Stops, for example, with"], rows)
}

fn at_once(rows: &[AtOnce]) -> String {
    let rows = rows.iter().map(|row| {
        [
            lost(row.nodes_lost, row.witness_lost),
            row.cases.to_string(),
            row.survived.to_string(),
            share(row.survived, row.cases),
            row.fatal.first().map(|set| listed(set, ", ")).unwrap_or_default(),
        ]
    });
    output::table(&["Lost", "Cases", "Survived", "Share", "Stops, for example, with"], rows)
}

/// Splits of the same sizes and the same place of the witness in one row; the smaller side is the left one.
fn splits(table: &Table) -> String {
    let mut rows: BTreeMap<(usize, Place), [u32; 3]> = BTreeMap::new();
    for split in &table.splits {
        let is_turned = split.left.len() > split.right.len();
        let turned = |side| if is_turned { other(side) } else { side };
        let place = match split.witness.map(turned) {
            Some(Side::Left) => Place::Left,
            Some(Side::Right) => Place::Right,
            None => Place::Nobody,
        };
        let counts = rows.entry((split.left.len().min(split.right.len()), place)).or_default();
        let winner = match split.survivor.map(turned) {
            Some(Side::Left) => 0,
            Some(Side::Right) => 1,
            None => 2,
        };
        counts[winner] += 1;
    }
    let has_witness = table.start.witness.is_some();
    let nodes = table.start.nodes.len();
    let rows = rows.into_iter().map(|((small, place), [left, right, neither])| {
        let witness = match (has_witness, place) {
            (false, _) => "",
            (true, Place::Left) => "left",
            (true, Place::Right) => "right",
            (true, Place::Nobody) => "nobody",
        };
        let sides = format!("{small} | {}", nodes - small);
        [sides, witness.to_owned(), left.to_string(), right.to_string(), neither.to_string()]
    });
    output::table(&["Nodes", "Witness with", "Left goes on", "Right goes on", "Neither"], rows)
}

/// Who has the witness, in the order of the rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Left,
    Right,
    Nobody,
}

fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

/// How to read the tables above, as far as there are any.
fn reading(table: &Table) -> String {
    let votes = &table.start;
    let mut text = String::from("How to read this\n");
    if table.one_by_one.is_empty() {
        text.push_str("  With one node there is nobody who could go on after it.\n");
        return text;
    }
    text.push_str(if votes.dynamic_quorum {
        "  One after the other: every order is tried, and nothing comes back. The cluster moves its votes in between.\n"
    } else {
        "  One after the other: every order is tried, and nothing comes back. The votes stay as they are.\n"
    });
    text.push_str(
        "  Reached: the orders in which it still ran before the last failure. Survived: those in which it runs after it.\n  \
         Share: how many of the reached ones it survives.\n  \
         At the same moment: every set is tried, each from the whole cluster.\n",
    );
    if votes.witness.is_some() {
        text.push_str("  In both, the witness is won by those who are left, unless it has failed itself.\n");
    }
    text.push_str(
        "  The network in two: every way to part the nodes. Left is the smaller side, of equal ones that of node 1.\n  \
         The numbers say in how many of the splits which side goes on. It is never both.\n",
    );
    text
}

fn as_json(table: &Table) -> Value {
    let votes = &table.start;
    json!({
        "Nodes": votes.nodes.len(),
        "QuorumType": table.model.name(),
        "DynamicQuorum": u32::from(votes.dynamic_quorum),
        "Voters": names(&votes.voters().into_iter().collect::<Vec<_>>()),
        "Votes": votes.total(),
        "Needed": needed(votes),
        "Explanation": sentences(votes),
        "OneByOne": table.one_by_one.iter().map(|row| json!({
            "NodesLost": row.nodes_lost,
            "WitnessLost": row.witness_lost,
            "Orders": row.orders,
            "Reached": row.reached,
            "Survived": row.survived,
            "Fatal": row.fatal.iter().map(|order| names(order)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "AtOnce": table.at_once.iter().map(|row| json!({
            "NodesLost": row.nodes_lost,
            "WitnessLost": row.witness_lost,
            "Cases": row.cases,
            "Survived": row.survived,
            "Fatal": row.fatal.iter().map(|set| names(set)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "Splits": table.splits.iter().map(split_json).collect::<Vec<_>>(),
    })
}

fn split_json(split: &Split) -> Value {
    let word = |side: Option<Side>| {
        side.map(|side| match side {
            Side::Left => "Left",
            Side::Right => "Right",
        })
    };
    json!({
        "Left": split.left,
        "Right": split.right,
        "Witness": word(split.witness),
        "Survivor": word(split.survivor),
    })
}

fn names(voters: &[Voter]) -> Vec<String> {
    voters.iter().map(Voter::to_string).collect()
}

fn listed(voters: &[Voter], between: &str) -> String {
    names(voters).join(between)
}

fn lost(nodes: u32, witness: bool) -> String {
    match (nodes, witness) {
        (0, _) => "the witness".to_owned(),
        (_, false) => counted(nodes as usize, "node"),
        (_, true) => format!("{}, the witness", counted(nodes as usize, "node")),
    }
}

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Whole percents, rounded; empty when there is nothing to have a share of.
fn share(part: u32, whole: u32) -> String {
    match whole {
        0 => String::new(),
        whole => format!("{} %", (part * 100 + whole / 2) / whole),
    }
}

#[cfg(test)]
mod tests;
