//! Building the cluster of a scenario in the lab.

use std::path::Path;
use std::time::Instant;

use cluster_engine::quorum::Witness;
use cluster_engine::state::property::Kind;
use cluster_engine::{Millis, code};
use cluster_sim::scenario::script::{Condition, DISK_INTERVAL, SHARE_DELAY};
use reqwest::Method;
use serde_json::{Value, json};
use stand_in::manner;

use super::acts::json_values;
use super::lines::segment;
use super::sight::SEEN_WITHIN;
use super::{Cast, LOOK_INTERVAL, stage_folder};

/// The type of all resources.
const STAND_IN: &str = "Stand-in";
/// How often a stand-in is asked whether it is alive, ms.
const LOOKS_ALIVE_MS: u32 = 100;
/// Quorum devices belong to this group.
const DEVICE_GROUP: &str = "Cluster Group";
/// Groups that are there before a scenario makes any.
const CORE: [&str; 2] = ["Cluster Group", "Available Storage"];

impl Cast {
    /// Makes the type of all resources known.
    pub(super) async fn register(&mut self, library: &Path, directory: &Path) -> Result<(), String> {
        self.groups.extend(CORE.map(str::to_owned));
        self.with_hosts(|hosts, cast| hosts.nodes.clone_from(&cast.nodes));
        std::fs::create_dir_all(directory.join("stage"))
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        let body = json!({ "DllName": library.display().to_string(), "LooksAlivePollInterval": LOOKS_ALIVE_MS });
        self.demand(Method::POST, &format!("/resource-types/{STAND_IN}"), body, None).await
    }

    pub(super) async fn group(
        &mut self,
        name: &str,
        on: &str,
        preferred: &[String],
        values: &[(String, String)],
    ) -> Result<(), String> {
        // A new group belongs to the node at which it is asked for.
        self.demand(Method::POST, "/groups", json!({ "Name": name }), Some(on)).await?;
        self.groups.insert(name.to_owned());
        let path = format!("/groups/{}", segment(name));
        if !preferred.is_empty() {
            self.demand(Method::PUT, &format!("{path}/owners"), json!(preferred), None).await?;
        }
        self.properties(&path, Kind::Group, values).await
    }

    pub(super) async fn resource(
        &mut self,
        directory: &Path,
        name: &str,
        group: &str,
        depends: &str,
        possible: &[String],
        values: &[(String, String)],
    ) -> Result<(), String> {
        let folder = stage_folder(directory, self.resources.len() + 1);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        manner::change(&folder, |_| ()).map_err(|error| format!("{}: {error}", folder.display()))?;
        let parameters = json!({ "Folder": folder.display().to_string() });
        let body = json!({ "Name": name, "Group": group, "ResourceType": STAND_IN, "Parameters": parameters });
        self.demand(Method::POST, "/resources", body, None).await?;
        self.resources.insert(name.to_owned(), folder);
        self.with_hosts(|hosts, cast| hosts.resources.clone_from(&cast.resources));
        let path = format!("/resources/{}", segment(name));
        if !depends.is_empty() {
            self.demand(Method::PUT, &format!("{path}/dependencies"), json!({ "Expression": depends }), None).await?;
        }
        if !possible.is_empty() {
            for node in self.nodes.clone().iter().filter(|node| !possible.contains(node)) {
                self.demand(Method::DELETE, &format!("{path}/owners/{node}"), Value::Null, None).await?;
            }
        }
        self.properties(&path, Kind::Resource, values).await
    }

    /// A quorum device, online.
    pub(super) async fn device(&mut self, name: &str, kind: Witness, span: Option<Millis>) -> Result<(), String> {
        let (type_name, parameters) = match kind {
            Witness::Disk => {
                let interval = span.unwrap_or(DISK_INTERVAL).0;
                ("Physical Disk", json!({ "DiskPath": "quorum-disk", "ArbitrationIntervalMs": interval }))
            }
            Witness::FileShare => {
                let delay = span.unwrap_or(SHARE_DELAY).0;
                ("File Share Witness", json!({ "SharePath": "quorum-share", "ArbitrationDelayMs": delay }))
            }
        };
        let parameters = own_folder(parameters, self.devices.len());
        let body = json!({ "Name": name, "Group": DEVICE_GROUP, "ResourceType": type_name, "Parameters": parameters });
        self.demand(Method::POST, "/resources", body, None).await?;
        self.devices.insert(name.to_owned(), kind);
        let online = format!("/resources/{}/online", segment(name));
        self.demand(Method::POST, &online, json!({}), None).await?;
        let condition = Condition::State { name: name.to_owned(), state: "Online".to_owned(), on: None };
        self.wait(&condition, SEEN_WITHIN).await
    }

    async fn properties(&self, path: &str, kind: Kind, values: &[(String, String)]) -> Result<(), String> {
        if values.is_empty() {
            return Ok(());
        }
        self.demand(Method::PATCH, path, json!({ "Properties": json_values(kind, values) }), None).await
    }

    /// Asks for what cannot be refused if the preparation makes sense. Nodes that have just started do not know each
    /// other's addresses for a moment.
    async fn demand(&self, method: Method, path: &str, body: Value, at: Option<&str>) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.ask_at(method.clone(), path, body.clone(), at).await? {
                Err(refusal) if refusal.code == code::CLUSTER_NODE_DOWN && begun.elapsed() < SEEN_WITHIN => {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
                answer => {
                    return answer.map_err(|refusal| format!("was refused with {}: {}", refusal.code, refusal.message));
                }
            }
        }
    }
}

/// A second device of a kind lies beside the first.
fn own_folder(mut parameters: Value, number: usize) -> Value {
    for name in ["DiskPath", "SharePath"] {
        if let Some(path) = parameters[name].as_str() {
            parameters[name] = json!(format!("{path}-{}", number + 1));
        }
    }
    parameters
}
