//! Registry checkpoints of a resource: put back before Online, taken while it is online and when it has gone offline
//! (reference 06.7).
//!
//! What is kept stands in the cluster registry, in `Checkpoints\<resource>`: one key for each checkpoint, with the name of
//! the key of the node's own registry ([`LocalRegistry`]) and its content. The Cluster service adds and deletes
//! checkpoints; the monitor that hosts the resource carries the content to and fro.
#![forbid(unsafe_code)]

use resapi_sys_mock::abi::REG_SZ;
use resapi_sys_mock::codes::win32::ERROR_FILE_NOT_FOUND;
use resapi_sys_mock::wide;

use crate::controls::Ask;
use crate::local_registry::LocalRegistry;
use crate::protocol::{RegistryAnswer, RegistryCall};

/// The value with the name of the key.
pub const KEY_VALUE: &str = "Key";
/// The value with its content, as `.reg` text.
pub const CONTENT_VALUE: &str = "Content";

/// Where the checkpoints of a resource are kept, by its id as text.
#[must_use]
pub fn path(guid: &str) -> String {
    format!("Checkpoints\\{guid}")
}

/// One checkpoint as it stands in the cluster registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    path: String,
    key: String,
    content: String,
}

/// All checkpoints of a resource. Most have none.
///
/// # Errors
/// In words.
pub(crate) fn list(guid: &str, ask: Ask<'_>) -> Result<Vec<Kept>, String> {
    let path = path(guid);
    let names = match ask(RegistryCall::List { path: path.clone() }) {
        Ok(RegistryAnswer::Listing { subkeys, .. }) => subkeys,
        Ok(RegistryAnswer::Done { .. } | RegistryAnswer::Value { .. }) => Vec::new(),
        Err(refusal) if refusal.code == ERROR_FILE_NOT_FOUND => Vec::new(),
        Err(refusal) => return Err(refusal.message),
    };
    let text = |path: &str, name: &str| match ask(RegistryCall::Query { path: path.into(), name: name.into() }) {
        Ok(RegistryAnswer::Value { bytes, .. }) => wide::text(&bytes).unwrap_or_default(),
        Ok(RegistryAnswer::Done { .. } | RegistryAnswer::Listing { .. }) | Err(_) => String::new(),
    };
    let kept = names.into_iter().map(|name| {
        let path = format!("{path}\\{name}");
        Kept { key: text(&path, KEY_VALUE), content: text(&path, CONTENT_VALUE), path }
    });
    Ok(kept.filter(|kept| !kept.key.is_empty()).collect())
}

/// Puts all of them back into the registry of this node. The result is what could not be put back, in words.
pub(crate) fn restore(kept: &[Kept], local: &LocalRegistry) -> Vec<String> {
    let failed = kept.iter().filter_map(|kept| {
        let error = local.restore(&kept.key, &kept.content).err()?;
        Some(format!("the registry checkpoint '{}' cannot be restored: {error} (event 1024)", kept.key))
    });
    failed.collect()
}

/// Takes what has changed in the registry of this node. A key that is gone keeps its last content.
pub(crate) fn take(kept: &mut [Kept], local: &LocalRegistry, ask: Ask<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for kept in kept {
        match local.take(&kept.key) {
            Ok(Some(content)) if content != kept.content => {
                let (path, name) = (kept.path.clone(), CONTENT_VALUE.to_owned());
                match ask(RegistryCall::Set { path, name, kind: REG_SZ, bytes: wide::bytes(&content) }) {
                    Ok(_) => kept.content = content,
                    Err(refusal) => {
                        problems.push(format!("the registry checkpoint '{}': {}", kept.key, refusal.message))
                    }
                }
            }
            Ok(_) => {}
            Err(error) => problems.push(format!("the registry checkpoint '{}' cannot be taken: {error}", kept.key)),
        }
    }
    problems
}
