//! What a script asks for and does, in the requests of the API and of the lab.

use clusreg::ValueType;
use cluster_engine::state::property::{self, Kind};
use cluster_engine::{Refusal, code};
use cluster_sim::scenario::script::{
    Call, Fault, GoingHome, Heard, Manner, Order, QuorumChoice, Request, ServiceFault,
};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};
use stand_in::manner;

use super::Cast;
use super::hosts::Hosts;
use super::lines::segment;

/// The key below the root of the cluster registry that the scenario's clients write to.
pub(super) const KEY: &str = "Scenario";

impl Cast {
    /// Asks a node, or one that has quorum if there is one. Inside: the refusal.
    pub(super) async fn ask_at(
        &self,
        method: Method,
        path: &str,
        body: Value,
        at: Option<&str>,
    ) -> Result<Result<(), Refusal>, String> {
        let api = match at {
            Some(node) => self.lines.api_of(node).await?,
            None => {
                let sight = self.sight().await?;
                sight.quorate.clone().or_else(|| sight.anybody())
            }
        };
        let Some(api) = api else {
            let who = at.unwrap_or("Any node");
            return Ok(Err(Refusal::new(code::TIMEOUT, format!("{who} does not run, so nobody answers."))));
        };
        Ok(self.lines.ask(&api, method, path, body).await.map(drop))
    }

    /// Asks the cluster for something, as an administrator.
    pub(super) async fn order(&mut self, order: &Order) -> Result<Result<(), Refusal>, String> {
        let of = |name: &String| match self.groups.contains(name) {
            true => format!("/groups/{}", segment(name)),
            false => format!("/resources/{}", segment(name)),
        };
        let (method, path, body) = match &order.what {
            Request::Online { name, on } => (Method::POST, format!("{}/online", of(name)), json_of("Node", on)),
            Request::Offline { name, force } => {
                let body = if *force { json!({ "Force": true }) } else { json!({}) };
                (Method::POST, format!("{}/offline", of(name)), body)
            }
            Request::Move { group, to } => (Method::POST, format!("{}/move", of(group)), json_of("Node", to)),
            Request::Fail { resource } => (Method::POST, format!("{}/fail", of(resource)), json!({})),
            Request::Delete { name, force } => {
                let query = if *force { "?force=true" } else { "" };
                (Method::DELETE, format!("{}{query}", of(name)), Value::Null)
            }
            Request::Pause { node, drain, to } => {
                let mut body = json!({ "Drain": drain });
                to.iter().for_each(|to| body["Target"] = json!(to));
                (Method::POST, format!("/nodes/{node}/pause"), body)
            }
            Request::Resume { node, failback } => {
                let word = match failback {
                    GoingHome::No => "NoFailback",
                    GoingHome::AtOnce => "Immediate",
                    GoingHome::ByPolicy => "Policy",
                };
                (Method::POST, format!("/nodes/{node}/resume"), json!({ "Failback": word }))
            }
            Request::Evict { node } => (Method::DELETE, format!("/nodes/{node}"), Value::Null),
            Request::Set { of: None, values } => {
                (Method::PATCH, "/cluster".to_owned(), json!({ "Properties": json_values(Kind::Cluster, values) }))
            }
            Request::Set { of: Some(name), values } => {
                let (path, kind) = match (self.groups.contains(name), self.nodes.contains(name)) {
                    (true, _) => (of(name), Kind::Group),
                    (false, true) => (format!("/nodes/{name}"), Kind::Node),
                    (false, false) => (of(name), Kind::Resource),
                };
                (Method::PATCH, path, json!({ "Properties": json_values(kind, values) }))
            }
            Request::Quorum(choice) => (Method::PUT, "/quorum".to_owned(), self.quorum_body(choice)),
        };
        self.ask_at(method, &path, body, order.from.as_deref()).await
    }

    fn quorum_body(&self, choice: &QuorumChoice) -> Value {
        let (model, device) = match choice {
            QuorumChoice::NodeMajority => ("NodeMajority", None),
            QuorumChoice::DiskOnly(name) => ("DiskOnly", Some(name)),
            QuorumChoice::NodeAnd(name) => match self.devices.get(name) {
                Some(cluster_engine::quorum::Witness::FileShare) => ("NodeAndFileShareMajority", Some(name)),
                Some(cluster_engine::quorum::Witness::Disk) | None => ("NodeAndDiskMajority", Some(name)),
            },
        };
        let mut body = json!({ "QuorumType": model });
        device.iter().for_each(|name| body["QuorumResource"] = json!(name));
        body
    }

    /// Writes at a node, as a client that wants to know.
    pub(super) async fn write(&mut self, node: &str) -> Result<(), String> {
        self.writes += 1;
        let name = format!("Write {}", self.writes);
        let body = json!({ "Values": [{ "Name": name, "Type": "REG_DWORD", "Value": self.writes }] });
        let heard = match self.ask_at(Method::PUT, &format!("/registry/{KEY}"), body, Some(node)).await? {
            Ok(()) => Heard::Acknowledged,
            Err(refusal) if refusal.code == code::TIMEOUT => Heard::Nothing,
            Err(refusal) => Heard::Refused(Some(refusal.code)),
        };
        if heard == Heard::Acknowledged {
            self.kept.push(name);
        }
        self.heard = Some(heard);
        let now = self.clock.now();
        self.ear.diary(|diary| diary.answered(now, &heard.to_string()));
        Ok(())
    }

    /// Does it to the cluster.
    pub(super) async fn strike(&mut self, fault: &Fault) -> Result<(), String> {
        match fault {
            Fault::Service { what, nodes } => self.service(*what, nodes).await,
            Fault::Wire { a, b, one_way, cut } => {
                self.cut(a, b, *cut);
                let body = json!({ "From": a, "To": b, "Cut": cut, "BothWays": !one_way });
                self.lab(Method::PUT, "/lab/links", body).await
            }
            Fault::Partition { sides } => {
                self.cuts.clear();
                let side_of = |node: &String| sides.iter().position(|side| side.contains(node));
                let all: Vec<String> = sides.iter().flatten().cloned().collect();
                for (at, a) in all.iter().enumerate() {
                    for b in all[at + 1..].iter().filter(|b| side_of(a) != side_of(b)) {
                        self.cut(a, b, true);
                    }
                }
                self.lab(Method::PUT, "/lab/partition", json!({ "Sides": sides })).await
            }
            Fault::MendAll => self.mend_wires().await,
            Fault::Storage { nodes, cut } => self.storage(nodes, *cut).await,
            Fault::Heal => {
                self.mend_wires().await?;
                self.storage(&self.nodes.clone(), false).await
            }
            Fault::Fail(name) => {
                let folder = self.resources.get(name).ok_or_else(|| format!("there is no resource '{name}'"))?;
                let runs = self.nodes.iter().any(|node| manner::runs_on(folder, node).unwrap_or(false));
                if !runs {
                    return Err(format!("'{name}' does not run anywhere, so it cannot fail"));
                }
                std::fs::write(folder.join(manner::FAIL), "").map_err(|error| error.to_string())
            }
            Fault::Behave { resource, manner: wanted } => {
                let folder =
                    self.resources.get(resource).ok_or_else(|| format!("there is no resource '{resource}'"))?;
                manner::change(folder, |present| behave(present, *wanted)).map_err(|error| error.to_string())
            }
        }
    }

    fn cut(&mut self, a: &str, b: &str, cut: bool) {
        let pair = if a < b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) };
        if cut {
            self.cuts.insert(pair);
        } else {
            self.cuts.remove(&pair);
        }
    }

    async fn mend_wires(&mut self) -> Result<(), String> {
        self.cuts.clear();
        let whole = json!({ "Sides": [self.nodes] });
        self.lab(Method::PUT, "/lab/partition", whole).await
    }

    async fn storage(&mut self, nodes: &[String], cut: bool) -> Result<(), String> {
        for node in nodes {
            self.lab(Method::PUT, "/lab/storage", json!({ "Node": node, "Cut": cut })).await?;
        }
        Ok(())
    }

    /// Does it to the services of all these nodes at the same time.
    async fn service(&mut self, what: ServiceFault, nodes: &[String]) -> Result<(), String> {
        let (word, body) = match what {
            ServiceFault::Kill => ("kill", Value::Null),
            ServiceFault::Freeze => ("pause", Value::Null),
            ServiceFault::Thaw => ("continue", Value::Null),
            ServiceFault::Start => ("start", Value::Null),
            ServiceFault::Stop => ("stop", Value::Null),
            ServiceFault::Force => ("start", json!({ "ForceQuorum": true })),
            ServiceFault::Prevent => ("start", json!({ "PreventQuorum": true })),
        };
        self.is_forced |= what == ServiceFault::Force;
        if what == ServiceFault::Freeze {
            self.with_hosts(|hosts, _| hosts.frozen.extend(nodes.iter().cloned()));
        }
        let done = join_all(nodes.iter().map(|node| {
            let (lines, body) = (&self.lines, body.clone());
            async move { lines.lab(Method::POST, &format!("/lab/nodes/{node}/{word}"), body).await }
        }))
        .await;
        if what != ServiceFault::Freeze {
            self.with_hosts(|hosts, _| hosts.frozen.retain(|node| !nodes.contains(node)));
        }
        for refusal in done.into_iter().filter_map(Result::err) {
            // To freeze what does not run, or to start what runs, is nothing, as in the simulator.
            let is_strict = matches!(what, ServiceFault::Force | ServiceFault::Prevent);
            if is_strict || refusal.code != code::INVALID_STATE || refusal.message.contains("did not start") {
                return Err(refusal.message);
            }
        }
        Ok(())
    }

    async fn lab(&self, method: Method, path: &str, body: Value) -> Result<(), String> {
        self.lines.lab(method, path, body).await.map(drop).map_err(|refusal| refusal.message)
    }

    /// Changes what the watcher of the resources knows.
    pub(super) fn with_hosts(&self, change: impl FnOnce(&mut Hosts, &Cast)) {
        let mut hosts = self.hosts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut hosts, self);
    }
}

fn behave(present: &mut manner::Manner, wanted: Manner) {
    match wanted {
        Manner::Fails(Call::Online, times) => present.fail_online = times,
        Manner::Fails(Call::Offline, times) => present.fail_offline = times,
        Manner::Hangs(Call::Online) => present.hangs_online = true,
        Manner::Hangs(Call::Offline) => present.hangs_offline = true,
        Manner::Takes(Call::Online, span) => present.online_ms = span.0,
        Manner::Takes(Call::Offline, span) => present.offline_ms = span.0,
        Manner::CannotOpen => present.cannot_open = true,
        Manner::Works => *present = manner::Manner::default(),
    }
}

fn json_of(name: &str, value: &Option<String>) -> Value {
    match value {
        Some(value) => json!({ name: value }),
        None => json!({}),
    }
}

/// Values as the API takes them; of an unknown property the cluster will say so.
pub(super) fn json_values(kind: Kind, values: &[(String, String)]) -> Value {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let value = |name: &str, text: &str| match (property::find(kind, name).map(|p| p.kind), number(text)) {
        (Some(ValueType::MULTI_SZ), _) => json!(text.split(',').collect::<Vec<_>>()),
        (Some(ValueType::SZ), _) | (_, None) => json!(text),
        (_, Some(number)) => json!(number),
    };
    let all: Map<String, Value> = values.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
    Value::Object(all)
}
