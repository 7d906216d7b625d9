//! Rounds: every now and then the lab asks its nodes how they are, so that the front knows whom to pass requests on to,
//! and so that a frozen node that the cluster gave up loses its sockets.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::bench::Bench;
use super::member::Process;
use crate::driver::lab_door::{CUT_PATH, Cut, TOKEN_HEADER};

/// How often the nodes are asked.
const ROUND_INTERVAL: Duration = Duration::from_millis(500);
/// How often while one is frozen: it must lose its sockets before its groups start elsewhere.
const FAST_INTERVAL: Duration = Duration::from_millis(100);
/// How long a node may take to take in which links are cut.
const TELL_LIMIT: Duration = Duration::from_secs(2);

/// How a node was at the last round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    /// It answers.
    pub(super) answers: bool,
    /// It has quorum.
    pub(super) is_quorate: bool,
}

/// Goes round until the lab ends.
pub(super) async fn run(bench: Arc<Bench>) {
    loop {
        look(&bench).await;
        give_up_frozen(&bench).await;
        bench.tell_links().await;
        let (is_ending, has_frozen) = {
            let state = bench.state();
            let has_frozen = state.members.values().any(|m| matches!(m.process, Process::Paused(_)) && !m.is_given_up);
            (state.is_ending, has_frozen)
        };
        if is_ending {
            return;
        }
        tokio::time::sleep(if has_frozen { FAST_INTERVAL } else { ROUND_INTERVAL }).await;
    }
}

/// Asks every node that runs.
async fn look(bench: &Arc<Bench>) {
    let asked: Vec<(String, String)> = {
        let state = bench.state();
        state.members.iter().filter_map(|(name, member)| Some((name.clone(), member.api()?.to_owned()))).collect()
    };
    let answers = asked.into_iter().map(|(name, api)| async move {
        let cluster = bench.ask(&api, "/api/v1/cluster").await;
        let is_quorate = cluster.as_ref().is_some_and(|cluster| cluster["Quorate"] == true);
        (name, Health { answers: cluster.is_some(), is_quorate })
    });
    let found = join_all(answers).await;
    let mut has_changed = false;
    {
        let mut state = bench.state();
        for member in state.members.values_mut().filter(|member| member.api().is_none()) {
            has_changed |= member.health != Health::default();
            member.health = Health::default();
        }
        for (name, health) in found {
            if let Some(member) = state.members.get_mut(&name).filter(|member| member.api().is_some()) {
                has_changed |= member.health != health;
                member.health = health;
            }
        }
    }
    if has_changed {
        bench.bump();
    }
}

/// Takes the sockets of frozen nodes that the cluster says are down.
async fn give_up_frozen(bench: &Arc<Bench>) {
    let frozen: Vec<String> = {
        let state = bench.state();
        let is_frozen = |p: Process| matches!(p, Process::Paused(_));
        let members = state.members.iter().filter(|(_, member)| is_frozen(member.process) && !member.is_given_up);
        members.map(|(name, _)| name.clone()).collect()
    };
    if frozen.is_empty() {
        return;
    }
    let Some(api) = best(bench) else { return };
    let Some(nodes) = bench.ask(&api, "/api/v1/nodes").await else { return };
    for name in frozen {
        let is_down =
            nodes.as_array().into_iter().flatten().any(|node| node["Name"] == name && node["State"] == "Down");
        if is_down {
            bench.take_sockets(&name);
        }
    }
}

/// The API of a node that answers and has quorum.
fn best(bench: &Bench) -> Option<String> {
    let state = bench.state();
    let quorate = state.members.values().filter(|member| member.health.is_quorate);
    quorate.filter_map(|member| member.api().map(str::to_owned)).next()
}

/// Waits until every node that runs is a member, as the cluster itself says.
pub(super) async fn until_up(bench: &Arc<Bench>) {
    loop {
        if let Some(api) = best(bench)
            && let Some(nodes) = bench.ask(&api, "/api/v1/nodes").await
        {
            let names = bench.names();
            let is_up = |name: &String| {
                let nodes = nodes.as_array().into_iter().flatten();
                nodes
                    .filter(|node| node["Name"] == *name)
                    .any(|node| node["State"] == "Up" || node["State"] == "Paused")
            };
            if names.iter().all(is_up) {
                return;
            }
        }
        tokio::time::sleep(FAST_INTERVAL).await;
    }
}

impl Bench {
    /// Tells every running node which of its links are cut, if it has not heard the latest.
    pub(super) async fn tell_links(&self) {
        let behind: Vec<(String, String, Vec<Cut>)> = {
            let state = self.state();
            let members = state.members.iter().filter(|(_, member)| !member.is_told_of_links);
            members
                .filter_map(|(name, member)| {
                    let api = member.api()?.to_owned();
                    let others = state.members.iter().filter(|(other, _)| *other != name);
                    let is_cut = |from: &str, to: &str| state.cuts.contains(&(from.to_owned(), to.to_owned()));
                    let cuts = others.filter_map(|(other, facts)| {
                        let node = facts.ready.as_ref()?.id;
                        Some(Cut { node, incoming: is_cut(other, name), outgoing: is_cut(name, other) })
                    });
                    Some((name.clone(), api, cuts.collect()))
                })
                .collect()
        };
        // All at the same time: a partition begins for all nodes at about the same moment.
        let told = behind.iter().map(|(name, api, cuts)| async move {
            let posts = cuts.iter().map(|cut| {
                let request = self.client.post(format!("{api}{CUT_PATH}")).header(TOKEN_HEADER, &self.token);
                request.timeout(TELL_LIMIT).json(cut).send()
            });
            let is_told = join_all(posts).await.into_iter().all(|a| a.is_ok_and(|a| a.status().is_success()));
            (name, is_told)
        });
        for (name, is_told) in join_all(told).await {
            if let Some(member) = self.state().members.get_mut(name).filter(|_| is_told) {
                member.is_told_of_links = true;
            }
        }
    }
}
