//! What is true among real processes, and waiting for it.

use std::time::{Duration, Instant};

use cluster_engine::state::ResourceState;
use cluster_sim::scenario::opening::{CORE_GROUPS, GroupOpening, NodeOpening, Opening, WitnessOpening};
use cluster_sim::scenario::script::Condition;
use cluster_sim::scenario::{told_votes, told_witness};
use serde_json::Value;
use stand_in::manner;

use super::sight::Believed;
use super::{Cast, LOOK_INTERVAL, NEWS_DELAY};

impl Cast {
    /// Waits until a condition holds.
    pub(super) async fn wait(&self, condition: &Condition, limit: Duration) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let Err(instead) = self.holds(condition).await else { return Ok(()) };
            if begun.elapsed() >= limit {
                return Err(format!("not within {} ms; {instead}", limit.as_millis()));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// The condition holds, or does so within the tolerance.
    pub(super) async fn come_true(&self, condition: &Condition, tolerance: Duration) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.holds(condition).await {
                Err(_) if begun.elapsed() < tolerance => tokio::time::sleep(LOOK_INTERVAL).await,
                end => return end,
            }
        }
    }

    /// The condition does not hold, or ceases to within the tolerance. What was told stays told.
    pub(super) async fn come_untrue(&self, condition: &Condition, tolerance: Duration) -> Result<(), String> {
        let is_news = matches!(condition, Condition::Event { .. } | Condition::Step { .. });
        if is_news {
            tokio::time::sleep(NEWS_DELAY).await;
        }
        let begun = Instant::now();
        while self.holds(condition).await.is_ok() {
            if is_news || begun.elapsed() >= tolerance {
                return Err("but it is so".to_owned());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// Does it hold now? `Err` says what is true instead.
    async fn holds(&self, condition: &Condition) -> Result<(), String> {
        let when = |holds: bool, instead: String| holds.then_some(()).ok_or(instead);
        match condition {
            Condition::Settled => self.rest().await,
            Condition::Event { id, at, times } => {
                let count = self.ear.diary(|diary| diary.count(*id, at.as_deref()));
                when(times.map_or(count > 0, |times| count == times), format!("event {id} was told {count} time(s)"))
            }
            Condition::Step { step, at } => {
                let count = self.ear.diary(|diary| diary.count_steps(*step, at.as_deref()));
                when(count > 0, format!("there was no step {}", step.word()))
            }
            Condition::Runs { node, resource } => {
                let running = self.running_on(node)?;
                let holds = resource.as_ref().map_or(running.is_empty(), |wanted| running.contains(wanted));
                let list = if running.is_empty() { "nothing".to_owned() } else { running.join(", ") };
                when(holds, format!("{node} runs {list}"))
            }
            Condition::Node { node, state } => {
                let believed = self.believed().await?;
                let present = named(&believed.nodes, node).ok_or("it was evicted")?;
                when(present["State"] == *state, format!("{node} is {}", shown(&present["State"])))
            }
            Condition::State { name, state, on } => has_state(&self.believed().await?, name, state, on.as_deref()),
            Condition::Votes { nodes, witness } => {
                let believed = self.believed().await?;
                let present = votes(&believed.quorum);
                let has_witness = witness_votes(&believed.quorum);
                let mut wanted = nodes.clone();
                wanted.sort_by_key(|name| present.iter().position(|p| p == name));
                when(present == wanted && has_witness == *witness, told_votes(&present, has_witness))
            }
            Condition::Witness { on } => {
                let believed = self.believed().await?;
                let host = witness_host(&believed.quorum);
                when(host == *on, told_witness(host.as_deref()))
            }
            Condition::Quorum { node, kept } => {
                let quorate = self.sight().await?.is_quorate(node);
                let word = if quorate { "has quorum" } else { "has no quorum" };
                when(quorate == *kept, format!("{node} {word}"))
            }
            Condition::Write(wanted) => match self.heard {
                Some(heard) => when(heard.is(*wanted), format!("the last write was {heard}")),
                None => Err("nobody has written yet; write at NODE".to_owned()),
            },
        }
    }

    /// The resources whose locks are held on a node.
    pub(super) fn running_on(&self, node: &str) -> Result<Vec<String>, String> {
        let mut running = Vec::new();
        for (name, folder) in &self.resources {
            if manner::runs_on(folder, node).map_err(|error| format!("{}: {error}", folder.display()))? {
                running.push(name.clone());
            }
        }
        Ok(running)
    }

    /// How things stand now.
    pub(super) async fn picture(&self) -> Result<Opening, String> {
        let sight = self.sight().await?;
        let api = sight.quorate.clone().or_else(|| sight.anybody());
        let believed = match api {
            Some(api) => self.believed_by(&api).await,
            None => None,
        };
        let Some(believed) = believed else { return Err("no node answers".to_owned()) };
        let has_vote = votes(&believed.quorum);
        let node = |name: &String| {
            let state = named(&believed.nodes, name).map_or("", |node| node["State"].as_str().unwrap_or(""));
            NodeOpening {
                name: name.clone(),
                is_member: ["Up", "Paused"].contains(&state),
                is_quorate: sight.is_quorate(name),
                is_paused: state == "Paused",
                has_vote: has_vote.contains(name),
            }
        };
        let mut groups: Vec<GroupOpening> =
            believed.groups.as_array().into_iter().flatten().map(|group| opening_of(group, &believed)).collect();
        groups.sort_by_key(|group| CORE_GROUPS.iter().position(|core| *core == group.name).map_or(0, |at| at + 1));
        let witness = believed.quorum["QuorumResource"].as_str().map(|name| WitnessOpening {
            name: name.to_owned(),
            host: witness_host(&believed.quorum),
            has_vote: witness_votes(&believed.quorum),
        });
        Ok(Opening { nodes: self.nodes.iter().map(node).collect(), groups, witness })
    }

    /// What was acknowledged is there, if anybody is there to ask.
    pub(super) async fn check_kept(&self) -> Result<(), String> {
        let Some(api) = self.sight().await?.quorate.filter(|_| !self.is_forced && !self.kept.is_empty()) else {
            return Ok(());
        };
        let key = self.lines.get(&api, &format!("/registry/{}", super::acts::KEY)).await;
        let values = key.as_ref().and_then(|key| key["Values"].as_array()).cloned().unwrap_or_default();
        let lost = self.kept.iter().find(|name| !values.iter().any(|value| value["Name"] == **name));
        match lost {
            Some(lost) => Err(format!(
                "the promise acknowledged_is_kept was broken: '{lost}' was acknowledged and is not there any more"
            )),
            None => Ok(()),
        }
    }
}

fn opening_of(group: &Value, believed: &Believed) -> GroupOpening {
    let own = believed.resources.as_array().into_iter().flatten().filter(|r| r["OwnerGroup"] == group["Name"]);
    let resources = own.map(|r| (shown(&r["Name"]), resource_state(r["InternalState"].as_str().unwrap_or_default())));
    GroupOpening {
        name: shown(&group["Name"]),
        owner: group["OwnerNode"].as_str().map(str::to_owned),
        resources: resources.collect(),
    }
}

/// The state of that name; what is under way counts as that.
fn resource_state(name: &str) -> ResourceState {
    let all = [
        ResourceState::Offline,
        ResourceState::Online,
        ResourceState::Failed,
        ResourceState::OnlinePending,
        ResourceState::OfflinePending,
    ];
    all.into_iter().find(|state| state.name() == name).unwrap_or(ResourceState::OnlinePending)
}

fn has_state(believed: &Believed, name: &str, wanted: &str, on: Option<&str>) -> Result<(), String> {
    let found = named(&believed.groups, name).or_else(|| named(&believed.resources, name));
    let found = found.ok_or_else(|| format!("there is no '{name}' any more"))?;
    let (state, owner) = (shown(&found["State"]), shown(&found["OwnerNode"]));
    let holds = state == wanted && on.is_none_or(|on| on == owner);
    holds.then_some(()).ok_or_else(|| format!("{name} is {state} on {owner}"))
}

/// The nodes whose vote is in force.
fn votes(quorum: &Value) -> Vec<String> {
    let voters = quorum["Voters"].as_array().into_iter().flatten();
    voters.filter(|v| v["Vote"] == 1).map(|v| shown(&v["Node"])).collect()
}

fn witness_votes(quorum: &Value) -> bool {
    quorum["Witness"]["DynamicWeight"] == 1
}

fn witness_host(quorum: &Value) -> Option<String> {
    quorum["Witness"]["HostNode"].as_str().map(str::to_owned)
}

/// The object of this name in a list.
fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|object| object["Name"] == name)
}

fn shown(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
