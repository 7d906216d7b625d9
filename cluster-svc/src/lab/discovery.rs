//! The file by which the `cluster` command finds a lab that runs: `wolfden/lab.json` in the user's state directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::driver::identity::replace;

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Found {
    url: String,
    pid: u32,
}

/// Says where the lab is. Nothing depends on it: the command can be told by an option or a variable as well.
pub(super) fn write(url: &str) {
    let Some(path) = path() else { return };
    let found = Found { url: url.to_owned(), pid: std::process::id() };
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let text = serde_json::to_vec(&found).map_err(std::io::Error::other)?;
        replace(&path, &text)
    });
    if let Err(error) = written {
        super::say!("{} was not written ({error}); use --cluster {url} or CLUSTER_ENDPOINT={url}", path.display());
    }
}

/// Removes the file, unless another lab has written it meanwhile.
pub(super) fn remove() {
    let Some(path) = path() else { return };
    let found = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Found>(&text).ok());
    if found.is_some_and(|found| found.pid == std::process::id())
        && let Err(error) = std::fs::remove_file(&path)
    {
        tracing::warn!("{} was not removed: {error}", path.display());
    }
}

fn path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("wolfden").join("lab.json"))
}
