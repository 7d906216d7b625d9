//! The state of a lab: its nodes, which links are cut, and what has happened.
//!
//! Shared between the front's requests, the watchers of the processes and the rounds. One lock, never held across a wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster_engine::{Component, Level, Notice, Subject};
use serde::Serialize;
use tokio::sync::watch;

use super::member::Member;
use super::options::{LabError, LabOptions};
use crate::api::views::NoticeView;
use crate::driver::clock::Clock;

/// How many events of the lab are remembered.
const MAX_EVENTS: usize = 1000;
/// How long a node may take to answer one small question.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// A lab.
pub(super) struct Bench {
    pub(super) options: LabOptions,
    pub(super) directory: PathBuf,
    is_temporary: bool,
    pub(super) url: String,
    pub(super) client: reqwest::Client,
    /// What the nodes' lab doors ask for.
    pub(super) token: String,
    pub(super) service: Vec<OsString>,
    state: Mutex<BenchState>,
    changed: watch::Sender<u64>,
    clock: Clock,
}

/// What changes.
#[derive(Default)]
pub(super) struct BenchState {
    /// By name.
    pub(super) members: BTreeMap<String, Member>,
    /// Ways that are cut: from, to.
    pub(super) cuts: BTreeSet<(String, String)>,
    events: VecDeque<(u64, Arc<NoticeView>)>,
    next_event: u64,
    /// The lab is on its way out: nothing is started again.
    pub(super) is_ending: bool,
}

/// `GET /lab`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LabView {
    pub(super) url: String,
    pub(super) directory: String,
    pub(super) nodes: Vec<LabNodeView>,
    pub(super) links: Vec<LinkView>,
}

/// A node as the lab sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LabNodeView {
    pub(super) name: String,
    pub(super) process: &'static str,
    pub(super) process_id: Option<u32>,
    pub(super) api_address: Option<String>,
    pub(super) restarts: u32,
    /// The quorum device is out of its reach.
    pub(super) storage_cut: bool,
}

/// One way between two nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LinkView {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cut: bool,
}

impl Bench {
    pub(super) fn new(options: LabOptions, url: String) -> Result<Bench, LabError> {
        if !(1..=16).contains(&options.nodes) {
            return Err(LabError::Nodes(options.nodes));
        }
        let wanted = match &options.dir {
            Some(dir) => dir.clone(),
            None => std::env::temp_dir().join(format!("wolfden-lab-{}", uuid::Uuid::new_v4().simple())),
        };
        let failed = |error| LabError::Directory { path: wanted.clone(), error };
        std::fs::create_dir_all(wanted.join("shared")).map_err(failed)?;
        let directory = wanted.canonicalize().map_err(failed)?;
        let service = match &options.service {
            Some(words) => words.clone(),
            None => {
                let own = std::env::current_exe().map_err(failed)?;
                vec![own.into(), "service".into(), "run".into()]
            }
        };
        let client = reqwest::Client::builder().no_proxy().connect_timeout(ASK_LIMIT).build()?;
        let mut state = BenchState { next_event: 1, ..BenchState::default() };
        for number in 1..=options.nodes {
            let name = format!("n{number}");
            state.members.insert(name.clone(), Member::new(directory.join(&name)));
        }
        Ok(Bench {
            is_temporary: options.dir.is_none(),
            options,
            directory,
            url,
            client,
            token: uuid::Uuid::new_v4().simple().to_string(),
            service,
            state: Mutex::new(state),
            changed: watch::channel(0).0,
            clock: Clock::start(),
        })
    }

    /// The state, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, BenchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of all nodes, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.state().members.keys().cloned().collect()
    }

    /// A number that grows with every change of the lab.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Says that something has changed that clients can see.
    pub(super) fn bump(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Tells what the lab has done.
    pub(super) fn tell(&self, text: String, node: Option<&str>) {
        self.tell_as(Level::Information, text, node);
    }

    /// Tells of something that the lab did not do.
    pub(super) fn tell_warning(&self, text: String, node: Option<&str>) {
        self.tell_as(Level::Warning, text, node);
    }

    fn tell_as(&self, level: Level, text: String, node: Option<&str>) {
        let notice = Notice {
            place: None,
            at: self.clock.now(),
            level,
            component: Component::Cs,
            event: None,
            text: format!("Lab: {text}"),
            subject: node.map(|name| Subject::Node(name.to_owned())),
            why: Vec::new(),
            step: None,
        };
        let view = Arc::new(NoticeView::of(&notice, "lab"));
        {
            let mut state = self.state();
            let number = state.next_event;
            state.next_event += 1;
            if state.events.len() >= MAX_EVENTS {
                state.events.pop_front();
            }
            state.events.push_back((number, view));
        }
        self.bump();
    }

    /// The events that follow number `after`.
    pub(super) fn events(&self, after: u64) -> Vec<(u64, Arc<NoticeView>)> {
        let state = self.state();
        let from = state.events.partition_point(|(number, _)| *number <= after);
        state.events.iter().skip(from).cloned().collect()
    }

    /// The number of the newest event.
    pub(super) fn last_event(&self) -> u64 {
        self.state().next_event - 1
    }

    /// What clients see of the lab.
    pub(super) fn view(&self) -> LabView {
        let state = self.state();
        let nodes = state.members.iter().map(|(name, member)| LabNodeView {
            name: name.clone(),
            process: member.word(),
            process_id: member.process_id(),
            api_address: member.ready.as_ref().map(|ready| ready.api.clone()),
            restarts: member.restarts,
            storage_cut: super::storage::is_cut(&member.run_dir()),
        });
        let names = || state.members.keys();
        let pairs = names().flat_map(|from| names().filter(move |to| *to != from).map(move |to| (from, to)));
        let links = pairs.map(|(from, to)| LinkView {
            from: from.clone(),
            to: to.clone(),
            cut: state.cuts.contains(&(from.clone(), to.clone())),
        });
        LabView {
            url: self.url.clone(),
            directory: self.directory.display().to_string(),
            nodes: nodes.collect(),
            links: links.collect(),
        }
    }

    /// Asks a node for a small JSON document.
    pub(super) async fn ask(&self, api: &str, path: &str) -> Option<serde_json::Value> {
        let answer = self.client.get(format!("{api}{path}")).timeout(ASK_LIMIT).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// Removes the directory of a lab that was to leave nothing.
    pub(super) fn remove_temporary(&self) {
        if self.is_temporary
            && let Err(error) = std::fs::remove_dir_all(&self.directory)
        {
            tracing::warn!("{} was not removed: {error}", self.directory.display());
        }
    }
}
