//! The storage path of a node, which can be cut: the node runs on and sees its network, and every device of the quorum is
//! out of its reach.
//!
//! The cut is a file in the folder where a node keeps its process files. Whatever of the node touches a quorum device
//! looks for it first, and fails as for a device that is not ready (21 ERROR_NOT_READY). So a cut outlives a restart of
//! the node, as a pulled cable does.

use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cluster_engine::{Refusal, code};
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::front::answer;
use crate::api::refused::Refused;

/// The file that says that the storage path of a node is cut, in the folder of its process files.
pub(super) const CUT_FILE: &str = "storage.cut";

/// `PUT /lab/storage`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StorageChange {
    node: String,
    cut: bool,
}

/// The body of `POST /lab/nodes/{n}/start`: how the service of the node is started this once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct StartSwitches {
    /// `/FQ`: the node forms alone, and its database becomes authoritative (reference 7.6).
    pub(super) force_quorum: bool,
    /// `/PQ`: the node may only join.
    pub(super) prevent_quorum: bool,
}

impl StartSwitches {
    /// Reads a body; an empty one asks for nothing.
    ///
    /// # Errors
    /// 13 for what is no such request, 87 for both at once.
    pub(super) fn read(body: &[u8]) -> Result<StartSwitches, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(StartSwitches::default());
        }
        let switches: StartSwitches = serde_json::from_slice(body).map_err(|error| {
            let text = format!("no such request: {error}; send {{ ForceQuorum?, PreventQuorum? }}");
            Refusal::new(code::INVALID_DATA, text)
        })?;
        if switches.force_quorum && switches.prevent_quorum {
            let text = "a node cannot force quorum and be prevented from it; send one of ForceQuorum and PreventQuorum";
            return Err(Refusal::new(code::INVALID_PARAMETER, text));
        }
        Ok(switches)
    }

    /// The options of the service.
    pub(super) fn words(self) -> impl Iterator<Item = String> {
        let force = self.force_quorum.then_some("--force-quorum");
        let prevent = self.prevent_quorum.then_some("--prevent-quorum");
        force.into_iter().chain(prevent).map(str::to_owned)
    }
}

/// Is the storage path of the node with this folder of process files cut?
pub(super) fn is_cut(run_dir: &Path) -> bool {
    run_dir.join(CUT_FILE).exists()
}

pub(super) async fn change(State(bench): State<Arc<Bench>>, body: Bytes) -> Response {
    let change: StorageChange = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => {
            let text = format!("no such request: {error}; send {{ Node, Cut }}");
            return Refused::from(Refusal::new(code::INVALID_DATA, text)).into_response();
        }
    };
    let name = bench.names().into_iter().find(|known| known.eq_ignore_ascii_case(&change.node));
    let done = bench.set_storage(&name.unwrap_or(change.node), change.cut);
    answer(&bench, done)
}

impl Bench {
    /// Cuts the storage path of a node, or mends it.
    ///
    /// # Errors
    /// 5042 for an unknown node, 5 when the file cannot be made or removed.
    pub(super) fn set_storage(&self, name: &str, cut: bool) -> Result<(), Refusal> {
        self.expect(name, "known", |_| true)?;
        let run_dir = self.state().members.get(name).map(super::member::Member::run_dir).unwrap_or_default();
        if is_cut(&run_dir) == cut {
            return Ok(());
        }
        let path = run_dir.join(CUT_FILE);
        let done = if cut {
            std::fs::create_dir_all(&run_dir).and_then(|()| std::fs::write(&path, "cut by the lab\n"))
        } else {
            std::fs::remove_file(&path)
        };
        done.map_err(|error| {
            let text = format!("{}: {error}; the storage path of {name} is as it was", path.display());
            Refusal::new(code::ACCESS_DENIED, text).fact("Node", name)
        })?;
        let what = if cut { "was cut: the quorum device is out of its reach" } else { "is whole again" };
        self.tell(format!("the storage path of {name} {what}"), Some(name));
        Ok(())
    }

    /// Mends every storage path.
    ///
    /// # Errors
    /// As [`Bench::set_storage`].
    pub(super) fn mend_storage(&self) -> Result<(), Refusal> {
        self.names().iter().try_for_each(|name| self.set_storage(name, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_strictly() {
        let check = |body: &str, expected: Result<&[&str], u32>| {
            let read = StartSwitches::read(body.as_bytes());
            let words = read.map(|s| s.words().collect::<Vec<_>>()).map_err(|r| r.code);
            assert_eq!(words, expected.map(|words| words.iter().map(|w| (*w).to_owned()).collect()), "{body}");
        };
        check("", Ok(&[]));
        check(" \n", Ok(&[]));
        check("{}", Ok(&[]));
        check(r#"{"ForceQuorum": true}"#, Ok(&["--force-quorum"]));
        check(r#"{"PreventQuorum": true, "ForceQuorum": false}"#, Ok(&["--prevent-quorum"]));
        check(r#"{"PreventQuorum": true, "ForceQuorum": true}"#, Err(code::INVALID_PARAMETER));
        for nonsense in ["{", "[7]", "7", r#"{"ForceQuorum": 1}"#, r#"{"Force": true}"#] {
            check(nonsense, Err(code::INVALID_DATA));
        }
    }
}
