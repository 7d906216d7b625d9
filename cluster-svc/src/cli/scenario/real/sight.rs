//! What the nodes answer at one moment, as the part of the cluster that has quorum believes, and when all is at rest.

use std::time::Duration;

use cluster_engine::quorum::{self, Standing, WitnessAccess};
use futures_util::future::join_all;
use serde_json::Value;

use super::Cast;
use super::lines::Process;
use crate::api::views::QuorumView;

/// Resource states that need nothing to happen (`InternalState`).
const AT_REST: [&str; 3] = ["Online", "Offline", "Failed"];
/// It waits for its node, which may be paused or gone.
const WAITING: &str = "WaitingToComeOnline";
/// At rest means also: nothing was told for so many times the span after which a silent node is down.
const QUIET_DETECTIONS: u64 = 2;
/// That span, when no node tells it.
const DETECTION_MS: u64 = 1_000;

/// One moment.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) processes: Vec<Process>,
    /// What each node says of the cluster, if it answers.
    pub(super) clusters: Vec<(String, Option<Value>)>,
    /// Where to ask for more: a node that has quorum.
    pub(super) quorate: Option<String>,
}

/// More of that moment, from a node that has quorum.
#[derive(Clone, Debug)]
pub(super) struct Believed {
    pub(super) nodes: Value,
    pub(super) groups: Value,
    pub(super) resources: Value,
    pub(super) quorum: Value,
}

impl Cast {
    /// Asks every node that runs.
    pub(super) async fn sight(&self) -> Result<Sight, String> {
        let processes = self.lines.processes().await?;
        let asked = processes.iter().map(|process| async move {
            let answer = match &process.api {
                Some(api) => self.lines.get(api, "/cluster").await,
                None => None,
            };
            (process.name.clone(), answer)
        });
        let clusters = join_all(asked).await;
        let applied = |cluster: &Value| cluster["Applied"].as_u64().unwrap_or(0);
        let quorate = clusters.iter().filter_map(|(name, cluster)| Some((name, cluster.as_ref()?)));
        let quorate = quorate.filter(|(_, cluster)| cluster["Quorate"] == true);
        let quorate = quorate.max_by_key(|(_, cluster)| applied(cluster)).map(|(name, _)| name.clone());
        let api = |name: &String| processes.iter().find(|p| p.name == *name).and_then(|p| p.api.clone());
        let quorate = quorate.as_ref().and_then(api);
        Ok(Sight { processes, clusters, quorate })
    }

    /// What the part of the cluster that has quorum believes.
    pub(super) async fn believed(&self) -> Result<Believed, String> {
        let sight = self.sight().await?;
        let api = sight.quorate.ok_or("no node is in quorum, so nobody knows")?;
        self.believed_by(&api).await.ok_or_else(|| "the node that has quorum does not answer".to_owned())
    }

    /// What a node believes, with quorum or without.
    pub(super) async fn believed_by(&self, api: &str) -> Option<Believed> {
        let paths = ["/nodes", "/groups", "/resources", "/quorum"];
        let answers = join_all(paths.map(|path| self.lines.get(api, path))).await;
        let [nodes, groups, resources, quorum] = <[Option<Value>; 4]>::try_from(answers).ok()?;
        Some(Believed { nodes: nodes?, groups: groups?, resources: resources?, quorum: quorum? })
    }

    /// Is everything at rest? `Err` says what is under way.
    pub(super) async fn rest(&self) -> Result<(), String> {
        let sight = self.sight().await?;
        for process in sight.processes.iter().filter(|p| !sight.is_quorate(&p.name)) {
            if let Some(resource) = self.running_on(&process.name)?.first() {
                return Err(format!("{resource} still runs on {}, which is not in quorum", process.name));
            }
        }
        match &sight.quorate {
            Some(api) => {
                let believed = self.believed_by(api).await.ok_or("the node that has quorum does not answer")?;
                self.nodes_at_rest(&sight, &believed)?;
                groups_at_rest(&believed)?;
                resources_at_rest(&believed)?;
            }
            None => self.quorum_at_rest(&sight).await?,
        }
        let detection = sight.clusters.iter().find_map(|(_, cluster)| cluster.as_ref()?["DetectionMs"].as_u64());
        let quiet = self.clock.now().since(self.ear.diary(|diary| diary.last()));
        if quiet.0 < detection.unwrap_or(DETECTION_MS) * QUIET_DETECTIONS {
            return Err(format!("the last thing happened {} ms ago", quiet.0));
        }
        Ok(())
    }

    /// There is no quorum: can there be one?
    async fn quorum_at_rest(&self, sight: &Sight) -> Result<(), String> {
        if !self.cuts.is_empty() {
            return Ok(());
        }
        let awake: Vec<&Process> = sight.processes.iter().filter(|p| p.is_awake).collect();
        for process in &awake {
            let Some(api) = &process.api else { return Err(format!("{} does not answer yet", process.name)) };
            let Some(view) = self.lines.get(api, "/quorum").await else { continue };
            let Ok(view) = serde_json::from_value::<QuorumView>(view) else { continue };
            let (votes, _, _) = view.counted();
            let reachable = view.voters.iter().filter(|v| awake.iter().any(|p| p.name == v.node));
            let reachable = reachable.map(|v| cluster_engine::NodeId(v.id)).collect();
            let access = match awake.iter().any(|p| !p.is_storage_cut) {
                true => WitnessAccess::Owned,
                false => WitnessAccess::Unreachable,
            };
            if quorum::standing(&votes, &reachable, access) == Standing::Keeps {
                return Err("there are enough votes for a quorum, and there is none yet".to_owned());
            }
        }
        Ok(())
    }

    fn nodes_at_rest(&self, sight: &Sight, believed: &Believed) -> Result<(), String> {
        for node in believed.nodes.as_array().into_iter().flatten() {
            let name = node["Name"].as_str().unwrap_or_default();
            let quorate = sight.is_quorate(name);
            let is_awake = sight.processes.iter().any(|p| p.name == name && p.is_awake);
            let is_cut = self.cuts.iter().any(|(a, b)| a == name || b == name);
            let what = match node["State"].as_str().unwrap_or_default() {
                "Up" | "Paused" if !quorate => "does not answer and is not down yet",
                "Up" | "Paused" if node["DrainStatus"] == "InProgress" => "is being drained",
                "Joining" | "Down"
                    if quorate || (is_awake && !is_cut && node["StatusInformation"] != "Quarantined") =>
                {
                    "has not joined yet"
                }
                _ => continue,
            };
            return Err(format!("{name} {what}"));
        }
        Ok(())
    }
}

fn groups_at_rest(believed: &Believed) -> Result<(), String> {
    let busy = |group: &&Value| !group["Moving"].is_null() || group["StatusInformation"] == "is being deleted";
    match believed.groups.as_array().into_iter().flatten().find(busy) {
        Some(group) => Err(format!("group {} is on its way", group["Name"])),
        None => Ok(()),
    }
}

fn resources_at_rest(believed: &Believed) -> Result<(), String> {
    let nodes = || believed.nodes.as_array().into_iter().flatten();
    let is_at_rest = |resource: &&Value| {
        let state = resource["InternalState"].as_str().unwrap_or_default();
        let owner = nodes().find(|node| node["Name"] == resource["OwnerNode"]);
        AT_REST.contains(&state) || (state == WAITING && owner.is_none_or(|node| node["State"] != "Up"))
    };
    let mut all = believed.resources.as_array().into_iter().flatten();
    match all.find(|resource| !is_at_rest(resource)) {
        Some(resource) => Err(format!("{} is {}", resource["Name"], resource["InternalState"])),
        None => Ok(()),
    }
}

impl Sight {
    /// Has this node quorum?
    pub(super) fn is_quorate(&self, node: &str) -> bool {
        let own = self.clusters.iter().find(|(name, _)| name == node);
        own.and_then(|(_, cluster)| cluster.as_ref()).is_some_and(|cluster| cluster["Quorate"] == true)
    }

    /// A node that answers.
    pub(super) fn anybody(&self) -> Option<String> {
        let answers = |p: &&Process| self.clusters.iter().any(|(name, cluster)| *name == p.name && cluster.is_some());
        self.processes.iter().find(answers).and_then(|p| p.api.clone())
    }
}

/// How long something that was asked for may take to be seen.
pub(super) const SEEN_WITHIN: Duration = Duration::from_secs(30);
