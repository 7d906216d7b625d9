//! Control codes of resources that never reach a library, because only the service knows the answer (reference 01.8, 05.3):
//! names, the Network Name that a resource depends on, and registry checkpoints (06.7).
//!
//! A registry checkpoint is a key below `Checkpoints\<resource>` with the name of a key of the node's own registry and its
//! content. This node owns the resource, so its registry is the one that is read when a checkpoint is added; from then on
//! the monitor takes and restores it (`resmon::checkpoints`). Crypto checkpoints keep keys of a cryptographic service that
//! exists on Windows only: adding one is refused with 120, and there are none to list.

use std::path::{Path, PathBuf};

use clusreg::{Batch, Value};
use cluster_engine::state::{ClusterState, Command, Resource};
use cluster_engine::{Guid, Refusal};
use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::codes::routing::{Fallback, Route, route};
use resapi_sys_mock::codes::win32::{
    ERROR_ALREADY_EXISTS, ERROR_CALL_NOT_IMPLEMENTED, ERROR_DEPENDENCY_NOT_FOUND, ERROR_FILE_NOT_FOUND,
    ERROR_GEN_FAILURE, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_SUCCESS,
};
use resapi_sys_mock::wide;
use resmon::checkpoints::{self, CONTENT_VALUE, KEY_VALUE};
use resmon::local_registry::LocalRegistry;

use super::NodeHandle;

/// Win32 code and output.
type Controlled = (u32, Vec<u8>);

/// The type whose name GET_NETWORK_NAME wants to know, and its property (reference 09).
const NETWORK_NAME_TYPE: &str = "Network Name";

/// Answers a code that is not for the library; `None` for one that is.
///
/// # Errors
/// When the node stops, or the cluster refuses a change.
pub(super) async fn control(
    node: &NodeHandle,
    resource: Guid,
    code: u32,
    input: &[u8],
) -> Result<Option<Controlled>, Refusal> {
    match route(code) {
        Route::Library(_) => return Ok(None),
        // Only the service itself sends these.
        Route::Notification | Route::Nobody => return Ok(Some(refused(ERROR_INVALID_FUNCTION))),
        Route::Service => {}
    }
    let answer = match code {
        CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT
        | CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_32BIT
        | CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_64BIT => add(node, resource, input).await?,
        CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT => delete(node, resource, input).await?,
        CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT | CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT_EX => {
            refused(ERROR_CALL_NOT_IMPLEMENTED)
        }
        CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT => refused(ERROR_FILE_NOT_FOUND),
        CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS => (ERROR_SUCCESS, wide::list_bytes([])),
        code => node.read(move |engine, _| read(engine.state(), resource, code)).await?,
    };
    Ok(Some(answer))
}

/// `UNKNOWN` succeeds without any effect, also when the library leaves it alone (reference 05.3).
pub(super) fn unless_unknown(code: u32, answer: Controlled) -> Controlled {
    match (route(code), answer) {
        (Route::Library(Fallback::Success), (ERROR_INVALID_FUNCTION, _)) => (ERROR_SUCCESS, Vec::new()),
        (_, answer) => answer,
    }
}

fn refused(code: u32) -> Controlled {
    (code, Vec::new())
}

/// Codes that only read.
fn read(state: &ClusterState, id: Guid, code: u32) -> Controlled {
    let Some(resource) = state.resources.get(&id) else { return refused(ERROR_FILE_NOT_FOUND) };
    let output = match code {
        CLUSCTL_RESOURCE_GET_NAME => wide::bytes(&resource.config.name),
        CLUSCTL_RESOURCE_GET_ID => wide::bytes(&id.to_string()),
        CLUSCTL_RESOURCE_GET_RESOURCE_TYPE => wide::bytes(&resource.config.type_name),
        CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS => {
            let kept = kept(state, id);
            wide::list_bytes(kept.iter().map(|(_, key)| key.as_str()))
        }
        CLUSCTL_RESOURCE_GET_NETWORK_NAME => match network_name(state, resource) {
            Some(name) => wide::bytes(&name),
            None => return refused(ERROR_DEPENDENCY_NOT_FOUND),
        },
        // Whatever may be deleted is deleted by the engine, which has its own reasons to refuse.
        CLUSCTL_RESOURCE_QUERY_DELETE => Vec::new(),
        _ => return refused(ERROR_INVALID_FUNCTION),
    };
    (ERROR_SUCCESS, output)
}

/// The name that the first Network Name below a resource publishes.
fn network_name(state: &ClusterState, resource: &Resource) -> Option<String> {
    let mut waiting: Vec<Guid> = resource.config.dependencies.providers().collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let Some(provider) = state.resources.get(&id).filter(|_| seen.insert(id)) else { continue };
        if provider.config.type_name.eq_ignore_ascii_case(NETWORK_NAME_TYPE) {
            return state.hive.sz(&format!("Resources\\{id}\\Parameters"), "Name");
        }
        waiting.extend(provider.config.dependencies.providers());
    }
    None
}

/// The checkpoints of a resource: the path of each, and the key that it keeps.
fn kept(state: &ClusterState, id: Guid) -> Vec<(String, String)> {
    let path = checkpoints::path(&id.to_string());
    let keys = state.hive.key(&path).into_iter().flat_map(|key| key.subkeys().collect::<Vec<_>>());
    let kept = keys.filter_map(|key| {
        let name = state.hive.sz(&key.path(), KEY_VALUE)?;
        Some((key.path(), name))
    });
    kept.collect()
}

/// The key of an input: relative to the root of the machine, without a backslash in front (reference 06.7).
fn key_of(input: &[u8]) -> Option<String> {
    let key = wide::text(input).filter(|key| !key.is_empty() && !key.starts_with('\\') && !key.ends_with('\\'))?;
    Some(key)
}

async fn add(node: &NodeHandle, resource: Guid, input: &[u8]) -> Result<Controlled, Refusal> {
    let Some(key) = key_of(input) else { return Ok(refused(ERROR_INVALID_PARAMETER)) };
    let (wanted, directory) = (key.clone(), directory_of(&node.facts().log_path));
    let known = node.read(move |engine, _| kept(engine.state(), resource)).await?;
    if known.iter().any(|(_, known)| known.to_uppercase() == wanted.to_uppercase()) {
        return Ok(refused(ERROR_ALREADY_EXISTS));
    }
    let taken = tokio::task::spawn_blocking(move || LocalRegistry::of_node(&directory).take(&wanted)).await;
    let content = match taken {
        Ok(Ok(Some(content))) => content,
        Ok(Ok(None)) => return Ok(refused(ERROR_FILE_NOT_FOUND)),
        Ok(Err(_)) | Err(_) => return Ok(refused(ERROR_GEN_FAILURE)),
    };
    let number = (1..).map(|n| format!("{n:08}")).find(|n| !known.iter().any(|(path, _)| path.ends_with(n.as_str())));
    let path = format!("{}\\{}", checkpoints::path(&resource.to_string()), number.unwrap_or_default());
    let batch = Batch::at("").create_key(path);
    let batch = batch.set_value(KEY_VALUE, Value::sz(&key)).set_value(CONTENT_VALUE, Value::sz(&content));
    node.submit(Command::Registry { batch }).await?;
    Ok(refused(ERROR_SUCCESS))
}

async fn delete(node: &NodeHandle, resource: Guid, input: &[u8]) -> Result<Controlled, Refusal> {
    let Some(key) = key_of(input) else { return Ok(refused(ERROR_INVALID_PARAMETER)) };
    let known = node.read(move |engine, _| kept(engine.state(), resource)).await?;
    let found = known.into_iter().find(|(_, known)| known.to_uppercase() == key.to_uppercase());
    let Some((path, _)) = found else { return Ok(refused(ERROR_FILE_NOT_FOUND)) };
    node.submit(Command::Registry { batch: Batch::at("").delete_key(path) }).await?;
    Ok(refused(ERROR_SUCCESS))
}

/// The change that forgets the checkpoints of a deleted resource; `None` when it had none.
pub(super) fn forget(state: &ClusterState, resource: Guid) -> Option<Command> {
    let path = checkpoints::path(&resource.to_string());
    state.hive.key(&path).map(|_| Command::Registry { batch: Batch::at("").delete_tree(path) })
}

/// The directory of the node: the log lies in a folder of it.
fn directory_of(log_path: &Path) -> PathBuf {
    log_path.parent().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::{Fake, IP, SITE};

    #[test]
    fn names_are_answered_from_the_state() {
        let fake = Fake::new();
        let text = |code| {
            let (code, output) = read(&fake.state(), SITE, code);
            (code, wide::text(&output).unwrap_or_default())
        };
        assert_eq!(text(CLUSCTL_RESOURCE_GET_NAME), (0, "Web Site".into()));
        assert_eq!(text(CLUSCTL_RESOURCE_GET_ID), (0, SITE.to_string()));
        assert_eq!(text(CLUSCTL_RESOURCE_GET_RESOURCE_TYPE), (0, "Generic Application".into()));
        assert_eq!(text(CLUSCTL_RESOURCE_GET_NETWORK_NAME).0, ERROR_DEPENDENCY_NOT_FOUND);
        assert_eq!(text(CLUSCTL_RESOURCE_QUERY_DELETE).0, 0);
        assert_eq!(read(&fake.state(), SITE, CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS), (0, vec![0, 0]));
        assert_eq!(read(&fake.state(), Guid(0x99), CLUSCTL_RESOURCE_GET_NAME).0, ERROR_FILE_NOT_FOUND);
    }

    #[test]
    fn the_network_name_is_found_through_other_resources() {
        let fake = Fake::new();
        let name = Guid(0x55);
        fake.must(Command::CreateResource {
            id: name,
            group: crate::api::tests::fake::WEB,
            name: "Web Name".into(),
            type_name: "Network Name".into(),
            separate_monitor: false,
        });
        fake.must(Command::AddDependency { dependent: IP, provider: name });
        let batch = Batch::at("").create_key(format!("Resources\\{name}\\Parameters"));
        fake.must(Command::Registry { batch: batch.set_value("Name", Value::sz("WEB")) });
        let (code, output) = read(&fake.state(), SITE, CLUSCTL_RESOURCE_GET_NETWORK_NAME);
        assert_eq!((code, wide::text(&output).as_deref()), (0, Some("WEB")));
    }

    #[test]
    fn checkpoints_are_listed_and_forgotten() {
        let fake = Fake::new();
        assert_eq!(forget(&fake.state(), SITE), None);
        let path = format!("{}\\00000001", checkpoints::path(&SITE.to_string()));
        let batch = Batch::at("").create_key(path.clone()).set_value(KEY_VALUE, Value::sz("Software\\App"));
        fake.must(Command::Registry { batch });
        assert_eq!(kept(&fake.state(), SITE), [(path, "Software\\App".to_owned())]);
        fake.must(forget(&fake.state(), SITE).expect("there is one"));
        assert_eq!(kept(&fake.state(), SITE), []);
    }

    #[test]
    fn keys_are_relative_to_the_machine() {
        let key = |text: &str| key_of(&wide::bytes(text));
        assert_eq!(key("Software\\App").as_deref(), Some("Software\\App"));
        for text in ["", "\\Software", "Software\\"] {
            assert_eq!(key(text), None, "{text}");
        }
        assert_eq!(key_of(&[1]), None);
    }
}
