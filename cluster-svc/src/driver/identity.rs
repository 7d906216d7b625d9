//! Who this node is: a small file in the node's directory, replaced as a whole so that it is never half written.
//!
//! It holds what must be known before the store can be opened: the node's id, the id of its store as a voter, which life
//! of the service this is, how to prove membership, and where everybody was listening last.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cluster_engine::replica::VoterId;
use cluster_engine::{Guid, Lineage, NodeId};
use serde::{Deserialize, Serialize};

use super::wire::Membership;

/// The layout of the file that this version writes, and the only one it reads.
const FORMAT: u32 = 1;
/// The name of the file in a node's directory.
const FILE_NAME: &str = "identity.json";
/// No identity file is longer, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The content of the identity file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    format: u32,
    /// The name of the node.
    pub name: String,
    /// Its id.
    pub node: NodeId,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// Which life of the service ran last. Raised before anything else happens in a new life.
    pub incarnation: u64,
    /// The id of the cluster, as text in its usual form.
    pub cluster: String,
    /// What members show each other.
    pub secret: String,
    /// What election time-outs are drawn from; the same on all nodes.
    pub seed: u64,
    /// The line of descent of its store (reference 07.6, force quorum).
    #[serde(default)]
    pub lineage: Lineage,
    /// This node forced quorum and so began the line of descent.
    #[serde(default)]
    pub forced: bool,
    /// The store that belongs to this identity is made, and not yet in its place (see [`super::exchange`]).
    #[serde(default)]
    pub is_exchanging: bool,
    /// Where this node listened last for other nodes.
    pub address: String,
    /// Where its REST API listened last.
    pub api_address: String,
    /// Where the others were listening last.
    pub peers: BTreeMap<NodeId, String>,
}

/// Why there is no identity to go on with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{path}: {error}; check the rights on the folder and the space on the disk")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is there but says nothing sensible.
    #[error(
        "{path} is damaged ({reason}); start the node with --rebuild --join ADDRESS of another node, or put back a copy of the file"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Identity {
    /// The identity of the first node of a new cluster, or of a newcomer that has just become a member.
    #[must_use]
    pub fn of_member(name: String, address: String, membership: &Membership) -> Identity {
        let mut peers = membership.peers.clone();
        peers.remove(&membership.node);
        Identity {
            format: FORMAT,
            name,
            node: membership.node,
            voter: membership.voter,
            incarnation: 0,
            cluster: membership.cluster.to_string(),
            secret: membership.secret.clone(),
            seed: membership.seed,
            lineage: membership.lineage,
            forced: false,
            is_exchanging: false,
            address,
            api_address: String::new(),
            peers,
        }
    }

    /// Reads the file of a node's directory; `None` when there is none.
    ///
    /// # Errors
    /// [`IdentityError`] names the file and the remedy.
    pub fn load(directory: &Path) -> Result<Option<Identity>, IdentityError> {
        let path = directory.join(FILE_NAME);
        let failed = |error| IdentityError::Io { path: path.clone(), error };
        let damaged = |reason: String| IdentityError::Damaged { path: path.clone(), reason };
        match fs::metadata(&path) {
            Ok(facts) if facts.len() > MAX_BYTES => {
                return Err(damaged(format!("{} bytes are too many", facts.len())));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let text = fs::read(&path).map_err(failed)?;
        let identity: Identity = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        match identity.fault() {
            Some(fault) => Err(damaged(fault.to_owned())),
            None => Ok(Some(identity)),
        }
    }

    /// Writes the file. Durable when it returns.
    ///
    /// # Errors
    /// [`IdentityError::Io`]; the former content is still there.
    pub fn save(&self, directory: &Path) -> Result<(), IdentityError> {
        let path = directory.join(FILE_NAME);
        let text = serde_json::to_vec_pretty(self).expect("strings, numbers and maps with number keys are JSON");
        replace(&path, &text).map_err(|error| IdentityError::Io { path, error })
    }

    /// The cluster's id.
    #[must_use]
    pub fn cluster_id(&self) -> Guid {
        self.cluster.parse().unwrap_or(Guid(0))
    }

    fn fault(&self) -> Option<&'static str> {
        let rules = [
            (self.format == FORMAT, "its format is of another version"),
            ((1..=64).contains(&self.node.0), "the node id is not from 1 to 64"),
            (self.voter.0 != 0, "the voter id is 0"),
            (self.cluster.parse::<Guid>().is_ok(), "the cluster id is no GUID"),
            (!self.name.is_empty() && !self.secret.is_empty(), "the name or the secret is empty"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, fault)| fault)
    }
}

/// Replaces a file: write a temporary one, make it durable, rename it, make the folder durable.
///
/// # Errors
/// What the system says; the former content is still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership() -> Membership {
        Membership {
            cluster: Guid(7),
            secret: "s".into(),
            node: NodeId(2),
            voter: VoterId(5),
            seed: 9,
            lineage: Lineage { number: 2, draw: u64::MAX },
            peers: [(NodeId(1), "127.0.0.1:1".into()), (NodeId(2), "127.0.0.1:2".into())].into(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Identity::load(folder.path()).expect("no file is fine"), None);
        let mut identity = Identity::of_member("n2".into(), "127.0.0.1:2".into(), &membership());
        assert_eq!(identity.peers.len(), 1, "a node is not its own peer");
        identity.save(folder.path()).expect("saved");
        identity.incarnation = 3;
        identity.save(folder.path()).expect("saved over the first");
        assert_eq!(Identity::load(folder.path()).expect("loaded"), Some(identity.clone()));
        assert_eq!(identity.cluster_id(), Guid(7));
        assert_eq!(identity.lineage, Lineage { number: 2, draw: u64::MAX });
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_file_of_before_there_were_lineages_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let identity = Identity::of_member("n2".into(), "127.0.0.1:2".into(), &membership());
        let mut text = serde_json::to_value(&identity).expect("JSON");
        let fields = text.as_object_mut().expect("an object");
        for name in ["lineage", "forced", "is_exchanging"] {
            fields.remove(name).expect("written by this version");
        }
        fs::write(folder.path().join(FILE_NAME), text.to_string()).expect("written");
        let expected = Identity { lineage: Lineage::default(), ..identity };
        assert_eq!(Identity::load(folder.path()).expect("loaded"), Some(expected));
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let good = Identity::of_member("n2".into(), "127.0.0.1:2".into(), &membership());
        let check = |content: &[u8]| {
            fs::write(folder.path().join(FILE_NAME), content).expect("written");
            let error = Identity::load(folder.path()).expect_err("damaged").to_string();
            assert!(error.contains(FILE_NAME) && error.contains("--rebuild"), "{error}");
        };
        check(b"");
        check(b"{");
        check(b"\xff\xfe");
        check(&vec![b' '; MAX_BYTES as usize + 1]);
        let broken = |change: fn(&mut Identity)| {
            let mut identity = good.clone();
            change(&mut identity);
            serde_json::to_vec(&identity).expect("JSON")
        };
        check(&broken(|i| i.format = 2));
        check(&broken(|i| i.node = NodeId(65)));
        check(&broken(|i| i.voter = VoterId(0)));
        check(&broken(|i| i.cluster = "x".into()));
        check(&broken(|i| i.secret = String::new()));
    }
}
