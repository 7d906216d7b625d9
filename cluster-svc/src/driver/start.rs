//! Putting a node together: store, engine, peers, monitors, log, and the handle that clients get.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clusres::device::StoragePath;
use cluster_engine::replica::{ReplicaError, Stored};
use cluster_engine::state::FormSpec;
use cluster_engine::{Engine, EngineConfig, Guid, Lineage, NodeId, Time};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::clock::Clock;
use super::earlier::Life;
use super::exchange;
use super::findings::Findings;
use super::handle::{HandleParts, Link, NodeFacts, NodeHandle};
use super::history::{HISTORY_NOTICES, History};
use super::identity::{Identity, IdentityError};
use super::log::LogWriter;
use super::monitor_process::{MonitorSetting, own_executable};
use super::monitors::Monitors;
use super::node::{Ending, INBOX_INPUTS, Node, Parts};
use super::peers::{self, PeerSetting, PeerTable, Peers};
use super::recorder::{RECORD_VERSION, RecordHead, Recorder};
use super::store::{Store, StoreFailure, StoreFile};
use super::wire::Membership;
use super::witness::{Witness, WitnessSetting};

/// The version that nodes tell each other.
pub const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folders of a node, all below its directory.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The directory itself, with the identity file.
    pub directory: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// Process files, locks, process groups of applications.
    pub run: PathBuf,
    /// The cluster log.
    pub log: PathBuf,
}

impl Folders {
    /// Makes those that are missing, apart from the store.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(directory: &Path) -> io::Result<Folders> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let folders = Folders {
            store: directory.join("store"),
            run: directory.join("run"),
            log: directory.join("log"),
            directory,
        };
        fs::create_dir_all(&folders.run)?;
        fs::create_dir_all(&folders.log)?;
        Ok(folders)
    }

    /// The cluster log.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.log.join("cluster.log")
    }

    /// A store that is being made and is not in its place yet.
    #[must_use]
    pub fn new_store(&self) -> PathBuf {
        self.directory.join("store.new")
    }

    /// Puts a store aside that must not be used any more, without losing it. Does nothing when there is none.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put_store_aside(&self) -> io::Result<Option<PathBuf>> {
        if !self.store.exists() {
            return Ok(None);
        }
        for number in 1..u32::MAX {
            let aside = self.directory.join(format!("store.aside-{number}"));
            if !aside.exists() {
                fs::rename(&self.store, &aside)?;
                return Ok(Some(aside));
            }
        }
        Err(io::Error::other("there are too many stores put aside; remove some"))
    }
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The identity file.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store is whole but makes no sense to the engine.
    #[error(
        "the store in {folder} cannot be used: {error}; start this node with --rebuild --join ADDRESS of another node"
    )]
    Engine {
        /// The folder.
        folder: PathBuf,
        /// What the engine says.
        error: ReplicaError,
    },
    /// The recording.
    #[error("the recording {path} cannot be begun: {error}; name a file that does not exist yet")]
    Record {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Anything else that the system refused.
    #[error("the node cannot be started: {0}")]
    Io(#[from] io::Error),
}

/// Makes the store and the identity of the first node of a new cluster. Durable when it returns.
///
/// # Errors
/// [`StartError`].
pub fn form(
    folders: &Folders,
    node_name: &str,
    cluster_name: &str,
    address: &str,
    properties: Vec<(String, u32)>,
    at: Time,
) -> Result<Identity, StartError> {
    let types = clusres::TYPES.iter().map(|facts| {
        let [name, display_name, dll_name] = [facts.name, facts.display_name, facts.dll_name].map(str::to_owned);
        (name, display_name, dll_name, facts.looks_alive_ms, facts.is_alive_ms)
    });
    let cluster = fresh_guid();
    let spec = FormSpec {
        cluster_name: cluster_name.to_owned(),
        cluster_id: cluster,
        node_name: node_name.to_owned(),
        address: address.to_owned(),
        group_ids: [fresh_guid(), fresh_guid()],
        types: types.collect(),
        properties,
        at,
    };
    let stored = spec.stored();
    let membership = Membership {
        cluster,
        secret: uuid::Uuid::new_v4().simple().to_string(),
        node: NodeId(1),
        voter: cluster_engine::replica::VoterId(1),
        seed: uuid::Uuid::new_v4().as_u64_pair().0,
        lineage: Lineage::default(),
        peers: [(NodeId(1), address.to_owned())].into(),
    };
    settle(folders, node_name, address, &membership, &stored, 0)
}

/// Makes the store and the identity of a node that has just become a member. Durable when it returns. A former store is
/// kept aside. `earlier_lives` is the number of the last life of this node's service, 0 for a new node: others do not
/// listen to a life that they believe to be over.
///
/// # Errors
/// [`StartError`].
pub fn settle(
    folders: &Folders,
    name: &str,
    address: &str,
    membership: &Membership,
    stored: &Stored,
    earlier_lives: u64,
) -> Result<Identity, StartError> {
    exchange::prepare(folders, membership.voter, stored)?;
    let mut identity = Identity::of_member(name.to_owned(), address.to_owned(), membership);
    identity.incarnation = earlier_lives;
    exchange::commit(folders, &mut identity)?;
    exchange::finish(folders, &mut identity)?;
    Ok(identity)
}

/// What a node is started with.
pub struct NodeSetting {
    /// Its folders.
    pub folders: Folders,
    /// Who it is, with the present addresses and a new incarnation.
    pub identity: Identity,
    /// The directory that all nodes see.
    pub shared_dir: PathBuf,
    /// The right to run on its directory.
    pub life: Life,
    /// The clock.
    pub clock: Clock,
    /// The cluster log.
    pub log: LogWriter,
    /// Where other nodes connect.
    pub listener: TcpListener,
    /// Record every event into this file.
    pub record: Option<PathBuf>,
    /// Links that are cut from the start; only in a lab.
    pub links: Vec<(NodeId, Link)>,
    /// It is part of a lab.
    pub lab: bool,
    /// It may join, and neither votes nor leads before it has (reference 07.6).
    pub prevent_quorum: bool,
}

/// Starts a node. The future is its task: it works until the node has stopped, and must be polled all the time.
///
/// # Errors
/// [`StartError`]; nothing was started.
pub fn start(setting: NodeSetting) -> Result<(NodeHandle, impl Future<Output = Result<Ending, String>>), StartError> {
    let NodeSetting { folders, identity, shared_dir, life, clock, log, listener, record, links, lab, prevent_quorum } =
        setting;
    let (file, stored) = StoreFile::open(&folders.store, identity.voter)?;
    let at = clock.now();
    let recorder = match record {
        Some(path) => {
            let head = head(&identity, at, prevent_quorum, &stored);
            Some(Recorder::create(&path, &head).map_err(|error| StartError::Record { path, error })?)
        }
        None => None,
    };
    let config = EngineConfig {
        node: identity.node,
        voter: identity.voter,
        incarnation: identity.incarnation,
        address: identity.address.clone(),
        version: PROGRAM_VERSION.to_owned(),
        seed: identity.seed,
        lineage: identity.lineage,
        forced: identity.forced,
        prevent_quorum,
        sabotage: cluster_engine::EngineSabotage::default(),
    };
    let engine =
        Engine::new(config, stored, at).map_err(|error| StartError::Engine { folder: folders.store.clone(), error })?;
    let facts = NodeFacts {
        node: identity.node,
        name: identity.name.clone(),
        shared_dir: shared_dir.clone(),
        log_path: folders.log_file(),
        api_address: identity.api_address.clone(),
        process_id: std::process::id(),
        lab,
    };
    let (witness, witness_news) = Witness::new(WitnessSetting {
        node: identity.node,
        shared_dir: shared_dir.clone(),
        storage: StoragePath::of_node(&folders.run),
        log: log.clone(),
    });
    let monitor_setting = MonitorSetting {
        executable: own_executable()?,
        node: identity.name.clone(),
        node_id: identity.node.0,
        api_address: identity.api_address.clone(),
        shared_dir,
        wine_prefix: folders.run.with_file_name(super::wine::prefix::FOLDER),
        run_dir: folders.run,
        log: log.clone(),
        clock,
    };
    let (inbox, inputs) = mpsc::channel(INBOX_INPUTS);
    let (changed, watched) = watch::channel(0);
    let table: Arc<PeerTable> = Arc::default();
    for (node, link) in links {
        table.set_link(node, link);
    }
    let history = Arc::new(History::new(HISTORY_NOTICES));
    let findings: Arc<Findings> = Arc::default();
    let peer_setting =
        PeerSetting { identity: Arc::new(identity.clone()), table: Arc::clone(&table), log: log.clone() };
    let handle = NodeHandle {
        parts: Arc::new(HandleParts {
            inbox: inbox.clone(),
            facts: facts.clone(),
            history: Arc::clone(&history),
            findings: Arc::clone(&findings),
            changed: watched,
            peers: Arc::clone(&table),
        }),
    };
    tokio::spawn(peers::listen(listener, peer_setting.clone(), inbox.clone(), handle.clone()));
    let text = format!(
        "Starting the Cluster service: node {} '{}', incarnation {}",
        facts.node, facts.name, identity.incarnation
    );
    log.line("CS", text);
    let node = Node::new(Parts {
        engine,
        clock,
        store: Store::start(file, log.clone())?,
        witness,
        peers: Peers::new(peer_setting),
        table,
        monitors: Monitors::new(monitor_setting, life, inbox),
        history,
        findings,
        log,
        recorder,
        changed,
        facts,
        identity,
        directory: folders.directory,
    });
    Ok((handle, node.run(inputs, witness_news)))
}

fn head(identity: &Identity, at: Time, prevent_quorum: bool, stored: &Stored) -> RecordHead {
    RecordHead {
        version: RECORD_VERSION,
        node: identity.node,
        voter: identity.voter,
        incarnation: identity.incarnation,
        address: identity.address.clone(),
        program: PROGRAM_VERSION.to_owned(),
        seed: identity.seed,
        at,
        lineage: identity.lineage,
        forced: identity.forced,
        prevent_quorum,
        stored: stored.clone(),
    }
}

fn fresh_guid() -> Guid {
    Guid(uuid::Uuid::new_v4().as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formed_node_opens_and_is_the_one_voter() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = Folders::make(folder.path()).expect("made");
        let properties = vec![("SameSubnetDelay".to_owned(), 250)];
        let identity = form(&folders, "n1", "CL", "127.0.0.1:1", properties, Time(1_700_000_000_000)).expect("formed");
        assert_eq!(Identity::load(&folders.directory).expect("loaded"), Some(identity.clone()));
        let (_, stored) = StoreFile::open(&folders.store, identity.voter).expect("opened");
        let state: cluster_engine::state::ClusterState = postcard::from_bytes(&stored.snapshot.data).expect("a state");
        assert_eq!(state.config.name, "CL");
        assert_eq!(state.config.heartbeat_delay.0, 250);
        assert_eq!(state.config.id, identity.cluster_id());
        assert_eq!(state.types.len(), clusres::TYPES.len());
    }

    #[test]
    fn a_store_that_is_put_aside_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = Folders::make(folder.path()).expect("made");
        assert_eq!(folders.put_store_aside().expect("nothing to do"), None);
        for number in 1..=2 {
            fs::create_dir(&folders.store).expect("made");
            let aside = folders.put_store_aside().expect("put aside").expect("there was one");
            assert!(aside.ends_with(format!("store.aside-{number}")) && aside.exists());
        }
    }
}
