//! Finding the cluster: a lab leaves its address in a small file of the user, so that commands need no address.

use std::path::PathBuf;

use serde::Deserialize;

use super::args::DEFAULT_PORT;

/// What the command needs of the file that a running lab writes, and removes at its end.
#[derive(Deserialize)]
struct Discovered {
    /// Its address.
    url: String,
}

/// Where it is: `$XDG_STATE_HOME/wolfden/lab.json`, or the same below `~/.local/state`. `None` without a home.
#[must_use]
pub fn file() -> Option<PathBuf> {
    let given = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = given("XDG_STATE_HOME").or_else(|| given("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("wolfden/lab.json"))
}

/// The address of the running lab, or the address where one would be.
#[must_use]
pub fn address() -> String {
    let found = file().and_then(|path| std::fs::read(path).ok());
    let found = found.and_then(|bytes| serde_json::from_slice::<Discovered>(&bytes).ok());
    found.map_or_else(|| format!("http://127.0.0.1:{DEFAULT_PORT}"), |found| found.url)
}
