//! A cluster of three nodes behind a door, without any node: the replicated state itself, a resource library that always
//! obeys, and a server on a free loopback port.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use clusreg::{Batch, Value};
use cluster_engine::call::{MonitorKey, Status};
use cluster_engine::quorum::{HYBRID_SIZE, Witness};
use cluster_engine::replica::VoterId;
use cluster_engine::state::{Answer, ClusterState, Command, FormSpec, LogBatch, Proposal, ResourceState};
use cluster_engine::{Guid, Millis, NodeId, Refusal, RequestId, Time, code};
use reqwest::Method;
use resapi_sys_mock::abi::{CLUS_CHAR_QUORUM, CLUS_CHAR_UNKNOWN, CLUS_RESCLASS_STORAGE, CLUS_RESCLASS_UNKNOWN};
use resapi_sys_mock::codes::control::{
    CLUSCTL_RESOURCE_GET_CHARACTERISTICS, CLUSCTL_RESOURCE_GET_CLASS_INFO, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS,
    CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES,
};
use resapi_sys_mock::property_list::{self, Format};
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::api::door::{Door, Facts, Gone, Later, Look, Numbered, Peer, Vantage};
use crate::api::{Guard, router_for};

/// When everything happens: 2026-01-31T12:00:00Z.
pub(crate) const NOON: Time = Time(1_769_860_800_000);

/// The group of the tests.
pub(crate) const WEB: Guid = Guid(0x10);
/// Its address.
pub(crate) const IP: Guid = Guid(0x11);
/// Its site, which depends on the address.
pub(crate) const SITE: Guid = Guid(0x12);
/// A disk in a group of its own, of [`Fake::with_storage`].
pub(crate) const DISK: Guid = Guid(0x21);
/// A share in the same group.
pub(crate) const SHARE: Guid = Guid(0x22);

/// The hand-made cluster.
pub(crate) struct Fake {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

struct Inner {
    node: NodeId,
    state: ClusterState,
    vantage: Vantage,
    peers: BTreeMap<NodeId, Peer>,
    history: Vec<Numbered>,
    requests: u64,
    /// The resource library answers calls at once.
    obeys: bool,
    stopped: bool,
    log_path: PathBuf,
}

impl Fake {
    /// Three nodes up; the group Web on n1 with two resources, offline.
    pub(crate) fn new() -> Arc<Fake> {
        Fake::on(NodeId(1))
    }

    /// The same, with another node at the door.
    pub(crate) fn on(node: NodeId) -> Arc<Fake> {
        let types = ["IP Address", "Generic Application", "Network Name", "Physical Disk", "File Share Witness"];
        let form = FormSpec {
            cluster_name: "TEST".to_owned(),
            cluster_id: Guid(0xC1),
            node_name: "n1".to_owned(),
            address: "127.0.0.1:1001".to_owned(),
            group_ids: [Guid(1), Guid(2)],
            types: types.map(|t| (t.to_owned(), t.to_owned(), "clusres.dll".to_owned(), 5000, 60_000)).to_vec(),
            properties: vec![("SameSubnetDelay".to_owned(), 250)],
            at: NOON,
        };
        let vantage = Vantage {
            now: NOON,
            quorate: true,
            leader: Some(NodeId(1)),
            last_heard: BTreeMap::from([(NodeId(2), NOON - Millis(40)), (NodeId(3), NOON - Millis(90))]),
            fence: Millis(3000),
            prevent_quorum: false,
        };
        let peers = (1..=3).map(|n| {
            let monitors = BTreeMap::from([(MonitorKey::Shared, 2000 + n)]);
            (NodeId(n), Peer { process_id: Some(1000 + n), api_address: None, monitors })
        });
        let inner = Inner {
            node,
            state: form.state(),
            vantage,
            peers: peers.collect(),
            history: Vec::new(),
            requests: 0,
            obeys: true,
            stopped: false,
            log_path: PathBuf::from("/nonexistent/cluster.log"),
        };
        let fake = Arc::new(Fake { inner: Mutex::new(inner), changed: watch::channel(0).0 });
        fake.build();
        fake
    }

    fn build(&self) {
        let s = str::to_owned;
        self.must(started(1));
        for n in 2..=3 {
            self.must(Command::AddNode { name: format!("n{n}"), address: format!("127.0.0.1:100{n}") });
            self.must(started(n));
        }
        // What the leader does once they have caught up.
        self.set_voters(&[1, 2, 3]);
        self.must(Command::CreateGroup { id: WEB, name: s("Web"), group_type: 9999 });
        let resource = |id, name: &str, type_name: &str| Command::CreateResource {
            id,
            group: WEB,
            name: s(name),
            type_name: s(type_name),
            separate_monitor: false,
        };
        self.must(resource(IP, "Web IP", "IP Address"));
        self.must(resource(SITE, "Web Site", "Generic Application"));
        self.must(Command::AddDependency { dependent: SITE, provider: IP });
        self.must(Command::SetPreferredOwners { group: WEB, nodes: vec![NodeId(1), NodeId(3)] });
        let parameters = Batch::at("").create_key(format!("Resources\\{IP}\\Parameters"));
        self.must(Command::Registry { batch: parameters.set_value("Address", Value::sz("127.77.0.10")) });
    }

    /// With a disk and a share, both online on n1.
    pub(crate) fn with_storage() -> Arc<Fake> {
        let fake = Fake::new();
        let group = Guid(0x20);
        fake.must(Command::CreateGroup { id: group, name: "Storage".to_owned(), group_type: 9999 });
        for (id, name, type_name) in [(DISK, "Disk 1", "Physical Disk"), (SHARE, "Share", "File Share Witness")] {
            let (name, type_name) = (name.to_owned(), type_name.to_owned());
            fake.must(Command::CreateResource { id, group, name, type_name, separate_monitor: false });
            fake.must(Command::OnlineResource { resource: id });
        }
        fake
    }

    /// With the disk as the witness, which votes on n1 beside nodes 1 and 2; node 3 has given up its vote.
    pub(crate) fn with_witness() -> Arc<Fake> {
        let fake = Fake::with_storage();
        let path = String::new();
        fake.must(Command::SetQuorum { resource: Some(DISK), kind: Witness::Disk, size: HYBRID_SIZE, path });
        let voter = fake.state().quorum.witness.expect("it was just set").voter;
        fake.must(Command::WitnessHosted { node: NodeId(1), incarnation: 7, voter, epoch: 4 });
        fake.set_voters(&[1, 2, voter.0]);
        fake
    }

    /// Who votes in the log.
    pub(crate) fn set_voters(&self, voters: &[u64]) {
        self.lock().state.quorum.voters.voters = voters.iter().copied().map(VoterId).collect();
        self.changed.send_modify(|n| *n += 1);
    }

    /// This life of the node was started with prevent quorum.
    pub(crate) fn set_prevent_quorum(&self) {
        self.lock().vantage.prevent_quorum = true;
    }

    /// A command that the test needs to work.
    pub(crate) fn must(&self, command: Command) {
        self.apply(command).expect("the test's own command is allowed");
    }

    /// What stands behind the door now.
    pub(crate) fn state(&self) -> ClusterState {
        self.lock().state.clone()
    }

    /// The library answers calls, or lets them hang.
    pub(crate) fn set_obeys(&self, obeys: bool) {
        self.lock().obeys = obeys;
        self.obey();
        self.changed.send_modify(|n| *n += 1);
    }

    /// The node loses contact with the majority, or finds it again.
    pub(crate) fn set_quorate(&self, quorate: bool) {
        self.lock().vantage.quorate = quorate;
        self.changed.send_modify(|n| *n += 1);
    }

    /// Where another node's API is.
    pub(crate) fn set_api_address(&self, node: NodeId, address: &str) {
        self.lock().peers.entry(node).or_default().api_address = Some(address.to_owned());
    }

    /// Where the log is.
    pub(crate) fn set_log_path(&self, path: PathBuf) {
        self.lock().log_path = path;
    }

    /// How many requests wait for a change.
    pub(crate) fn waiting(&self) -> usize {
        self.changed.receiver_count()
    }

    /// Was the service told to stop?
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds the lock")
    }

    fn apply(&self, command: Command) -> Result<Answer, Refusal> {
        let answer = self.lock().apply(command);
        self.obey();
        self.changed.send_modify(|n| *n += 1);
        answer
    }

    /// Answers every call that is out, if the library obeys.
    fn obey(&self) {
        let mut inner = self.lock();
        while inner.obeys {
            let call = inner.state.resources.values().find(|r| r.state.has_call());
            let Some(call) = call else { break };
            let status = match call.state {
                ResourceState::OnlineCallIssued | ResourceState::OnlinePending => Status::Online,
                ResourceState::OfflineCallIssued | ResourceState::OfflinePending => Status::Offline,
                _ => Status::Terminated,
            };
            let report = Command::Report { resource: call.id, generation: call.generation, status };
            inner.apply(report).expect("a report is always accepted");
        }
    }
}

fn started(node: u32) -> Command {
    let version = "0.1.0".to_owned();
    let address = format!("127.0.0.1:100{node}");
    Command::NodeStarted { node: NodeId(node), incarnation: 7, address, version }
}

impl Inner {
    fn apply(&mut self, command: Command) -> Result<Answer, Refusal> {
        self.requests += 1;
        let id = RequestId { node: NodeId(1), incarnation: 7, sequence: self.requests };
        let proposals = vec![Proposal { id, done_below: self.requests, command }];
        let index = self.state.applied + 1;
        let applied = self.state.apply(index, &LogBatch { at: NOON, proposals });
        for notice in applied.notices {
            let number = self.history.len() as u64 + 1;
            self.history.push((number, Arc::new(notice)));
        }
        self.let_go();
        applied.outcomes.into_iter().next().expect("one proposal, one outcome").1
    }

    /// The leader's part: the vote of a witness that is leaving is taken at once.
    fn let_go(&mut self) {
        let Some(witness) = self.state.quorum.witness.as_ref().filter(|w| w.is_leaving) else { return };
        let mut voters = self.state.quorum.voters.clone();
        voters.voters.remove(&witness.voter);
        self.state.voters_changed(self.state.applied + 1, &voters);
    }
}

impl Door for Fake {
    fn look(&self, look: Look) -> Later<'_, Result<(), Gone>> {
        let inner = self.lock();
        look(&inner.state, &inner.vantage);
        Box::pin(async { Ok(()) })
    }

    fn submit(&self, command: Command) -> Later<'_, Result<Answer, Refusal>> {
        let result = if self.lock().vantage.quorate {
            self.apply(command)
        } else {
            Err(Refusal::new(code::CLUSTER_NO_QUORUM, "This node has no quorum."))
        };
        Box::pin(async { result })
    }

    fn history(&self, after: Option<u64>, limit: usize) -> Vec<Numbered> {
        let inner = self.lock();
        match after {
            Some(after) => inner.history.iter().filter(|(n, _)| *n > after).take(limit).cloned().collect(),
            None => inner.history[inner.history.len().saturating_sub(limit)..].to_vec(),
        }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// A library with two properties. It refuses a port above 65535 and stores the rest.
    fn control(&self, resource: Guid, control: u32, input: Vec<u8>) -> Later<'_, Result<(u32, Vec<u8>), Refusal>> {
        let result = match control {
            CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS => {
                Ok((0, property_list::build_formats([("Port", Format::Dword), ("CommandLine", Format::Sz)])))
            }
            CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES => {
                let list = property_list::parse(&input).expect("the API builds good lists");
                let port = property_list::find(&list, "Port").map(|p| p.value());
                if port.is_some_and(|p| !matches!(p, Ok(property_list::Value::Dword(0..=65535)))) {
                    Ok((87, Vec::new()))
                } else {
                    let mut batch = Batch::at("").create_key(format!("Resources\\{resource}\\Parameters"));
                    for property in &list {
                        let (kind, data) = property.value().expect("a good value").registry();
                        batch = batch.set_value(&property.name, Value { kind: clusreg::ValueType(kind), data });
                    }
                    self.apply(Command::Registry { batch }).map(|_| (5024, Vec::new()))
                }
            }
            CLUSCTL_RESOURCE_GET_CHARACTERISTICS => {
                let bits = if [DISK, SHARE].contains(&resource) { CLUS_CHAR_QUORUM } else { CLUS_CHAR_UNKNOWN };
                Ok((0, bits.to_le_bytes().to_vec()))
            }
            CLUSCTL_RESOURCE_GET_CLASS_INFO => {
                let class = if resource == DISK { CLUS_RESCLASS_STORAGE } else { CLUS_RESCLASS_UNKNOWN };
                Ok((0, [class.to_le_bytes(), [0; 4]].concat()))
            }
            _ => Ok((1, input)),
        };
        Box::pin(async { result })
    }

    fn facts(&self) -> Facts {
        let inner = self.lock();
        Facts { node: inner.node, name: format!("n{}", inner.node), log_path: inner.log_path.clone(), lab: false }
    }

    fn peers(&self) -> BTreeMap<NodeId, Peer> {
        self.lock().peers.clone()
    }

    fn stop(&self) {
        self.lock().stopped = true;
    }
}

/// The API of a fake cluster on a free port, and a client of it.
pub(crate) struct Server {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(fake: &Arc<Fake>) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = router_for(Arc::clone(fake) as Arc<dyn Door>, Guard::loopback());
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving ends with the test");
        });
        Server { url, client: reqwest::Client::new(), task }
    }

    /// Sends text as body; status and body of the answer.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<String>) -> (u16, String) {
        let method: Method = method.parse().expect("a method");
        let path = if path.starts_with('/') { format!("/api/v1{path}") } else { format!("/{path}") };
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        (status, response.text().await.expect("a body"))
    }

    /// The same with JSON on both sides.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Json) -> (u16, Json) {
        let body = (!body.is_null()).then(|| body.to_string());
        let (status, text) = self.send(method, path, body).await;
        let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{method} {path}: {e}: {text}"));
        (status, json)
    }

    /// Reads something that is there.
    pub(crate) async fn get(&self, path: &str) -> Json {
        let (status, json) = self.ask("GET", path, Json::Null).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }
}

/// Runs a test on a small runtime; bounded, so that a hang is a failure and not a wait.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limit = std::time::Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(limit, test).await }).expect("the test ends in time");
}
