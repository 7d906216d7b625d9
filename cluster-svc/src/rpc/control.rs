//! Control codes of programs (reference 05.3).
//!
//! A code for a resource or a resource type goes to the resource library on the node that owns the resource; what the library
//! and the monitor do not process (result 1) the Cluster service processes itself, as it does all codes of the other
//! objects. The few codes that only the service knows never reach a library. Internal codes belong to the service alone: a
//! program that sends one hears 1 (ERROR_INVALID_FUNCTION).

use std::time::Duration;

use cluster_engine::state::ClusterState;
use cluster_engine::{Guid, NodeId, Refusal, code};
use resapi_sys_mock::codes::routing::{Route, route};
use resapi_sys_mock::codes::win32::{ERROR_INVALID_FUNCTION, ERROR_SUCCESS};
use resapi_sys_mock::rpc::{Id, Kind, Object, Told};
use resapi_sys_mock::wide;

use super::{address_of, objects, properties};
use crate::driver::NodeHandle;

/// How long a control waits for a resource that was just created to be opened by its monitor.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long between two tries.
const OPEN_RETRY: Duration = Duration::from_millis(50);
/// ERROR_HOST_NODE_NOT_RESOURCE_OWNER.
const HOST_NODE_NOT_RESOURCE_OWNER: u32 = 5015;

/// Bits of a code that say what it does, without object, global and modify bit.
const OPERATION_MASK: u32 = 0x003F_FFFF;
/// Only the service itself sends codes with this bit.
const INTERNAL_BIT: u32 = 1 << 20;

/// What codes do, the same for every object (reference 05.4): function << 2 | access.
pub(super) mod operation {
    pub(crate) const UNKNOWN: u32 = 0;
    pub(crate) const GET_CHARACTERISTICS: u32 = 0x05;
    pub(crate) const GET_FLAGS: u32 = 0x09;
    pub(crate) const GET_NAME: u32 = 0x29;
    pub(crate) const GET_RESOURCE_TYPE: u32 = 0x2D;
    pub(crate) const GET_NODE: u32 = 0x31;
    pub(crate) const GET_NETWORK: u32 = 0x35;
    pub(crate) const GET_ID: u32 = 0x39;
    pub(crate) const GET_FQDN: u32 = 0x3D;
    pub(crate) const ENUM_COMMON: u32 = 0x51;
    pub(crate) const GET_RO_COMMON: u32 = 0x55;
    pub(crate) const GET_COMMON: u32 = 0x59;
    pub(crate) const SET_COMMON: u32 = 0x5E;
    pub(crate) const VALIDATE_COMMON: u32 = 0x61;
    pub(crate) const GET_COMMON_FMTS: u32 = 0x65;
    pub(crate) const GET_COMMON_RESOURCE_FMTS: u32 = 0x69;
    pub(crate) const ENUM_PRIVATE: u32 = 0x79;
    pub(crate) const GET_RO_PRIVATE: u32 = 0x7D;
    pub(crate) const GET_PRIVATE: u32 = 0x81;
    pub(crate) const SET_PRIVATE: u32 = 0x86;
    pub(crate) const VALIDATE_PRIVATE: u32 = 0x89;
    pub(crate) const GET_PRIVATE_FMTS: u32 = 0x8D;
    pub(crate) const GET_REGISTRY_CHECKPOINTS: u32 = 0xA9;
    pub(crate) const GET_CRYPTO_CHECKPOINTS: u32 = 0xB5;
    pub(crate) const QUERY_DELETE: u32 = 0x1B9;
    pub(crate) const GET_GROUPS: u32 = 0x2D71;
    pub(crate) const GET_PROVIDERS: u32 = 0x2D75;
    pub(crate) const ENUM_AFFINITY_RULES: u32 = 0x2DDD;
}

/// CLUSTER_CONTROL_OBJECT of a kind.
fn object_number(kind: Kind) -> u32 {
    match kind {
        Kind::Resource => 1,
        Kind::ResourceType => 2,
        Kind::Group => 3,
        Kind::Node => 4,
        Kind::Network => 5,
        Kind::NetInterface => 6,
        Kind::Cluster => 7,
        Kind::GroupSet => 8,
        Kind::AffinityRule => 9,
    }
}

/// Carries a code out.
pub(super) async fn control(
    node: &NodeHandle,
    to: Id,
    host: Option<u32>,
    code: u32,
    input: Vec<u8>,
) -> Result<Told, Refusal> {
    let wanted = to.clone();
    let object = node.read(move |engine, _| objects::object(engine.state(), &wanted)).await??;
    if (code >> 24) & 0xFF != object_number(to.kind) || code & INTERNAL_BIT != 0 {
        return Ok(Told::Controlled { code: ERROR_INVALID_FUNCTION, output: Vec::new() });
    }
    let is_service_only = matches!(
        code & OPERATION_MASK,
        operation::GET_NAME | operation::GET_ID | operation::GET_RESOURCE_TYPE | operation::QUERY_DELETE
    );
    let from_library = match to.kind {
        Kind::Resource if !is_service_only => of_resource(node, &object, host, code, &input).await?,
        Kind::ResourceType if route(code) != Route::Service => of_type(node, &object, host, code, &input).await?,
        Kind::Resource
        | Kind::ResourceType
        | Kind::Cluster
        | Kind::Node
        | Kind::Group
        | Kind::Network
        | Kind::NetInterface
        | Kind::GroupSet
        | Kind::AffinityRule => Library::NotMine,
    };
    let (code, output) = match from_library {
        Library::Answered(code, output) => (code, output),
        Library::Elsewhere(node) => return Ok(Told::Elsewhere(node)),
        Library::NotMine => of_service(node, &object, code, &input).await?,
    };
    Ok(Told::Controlled { code, output })
}

/// What became of a code that a library was asked about.
enum Library {
    /// It, or the monitor, has processed it.
    Answered(u32, Vec<u8>),
    /// Nobody has; the service does.
    NotMine,
    /// Another node's monitor has the resource.
    Elsewhere(resapi_sys_mock::rpc::NodeAddress),
}

async fn of_resource(
    node: &NodeHandle,
    object: &Object,
    host: Option<u32>,
    code: u32,
    input: &[u8],
) -> Result<Library, Refusal> {
    let id: Guid = object.id.id.parse().map_err(|()| objects::missing(Kind::Resource, &object.id.id))?;
    let found = node.read(move |engine, _| {
        let state = engine.state();
        let group = state.resources.get(&id).and_then(|resource| state.groups.get(&resource.group));
        group.map(|group| group.owner)
    });
    let owner = found.await?.ok_or_else(|| objects::missing(Kind::Resource, &object.id.id))?;
    if host.is_some_and(|host| NodeId(host) != owner) {
        let text = format!("'{}' belongs to {}; only that node can carry this out.", object.name, object.owner);
        return Err(Refusal::new(HOST_NODE_NOT_RESOURCE_OWNER, text).fact("Owner", &object.owner));
    }
    let is_common = properties::is_common(code & OPERATION_MASK);
    if owner != node.facts().node {
        return match address_of(node, owner).await {
            Ok(address) => Ok(Library::Elsewhere(address)),
            // Common properties do not need the library.
            Err(_) if is_common => Ok(Library::NotMine),
            Err(refusal) => Err(refusal),
        };
    }
    let end = tokio::time::Instant::now() + OPEN_PATIENCE;
    loop {
        match node.control(id, code, input.to_vec()).await {
            Ok((ERROR_INVALID_FUNCTION, _)) => return Ok(Library::NotMine),
            Ok((code, output)) => return Ok(Library::Answered(code, output)),
            Err(refusal) if !is_not_open(refusal.code) => return Err(refusal),
            Err(_) if is_common => return Ok(Library::NotMine),
            Err(_) if tokio::time::Instant::now() < end => tokio::time::sleep(OPEN_RETRY).await,
            Err(refusal) => return Err(refusal),
        }
    }
}

/// The codes with which a driver says that the instance is not there (yet).
fn is_not_open(refused: u32) -> bool {
    matches!(refused, code::RESMON_INVALID_STATE | code::RESOURCE_NOT_AVAILABLE)
}

async fn of_type(
    node: &NodeHandle,
    object: &Object,
    host: Option<u32>,
    code: u32,
    input: &[u8],
) -> Result<Library, Refusal> {
    let host = host.map(NodeId).filter(|host| *host != node.facts().node);
    if let Some(host) = host {
        return Ok(Library::Elsewhere(address_of(node, host).await?));
    }
    let key = object.key.clone();
    let dll_name = node.read(move |engine, _| engine.state().hive.sz(&key, "DllName").unwrap_or_default()).await?;
    match node.type_control(object.id.id.clone(), dll_name, code, input.to_vec()).await {
        Ok((ERROR_INVALID_FUNCTION, _)) => Ok(Library::NotMine),
        Ok((code, output)) => Ok(Library::Answered(code, output)),
        Err(_) if properties::is_common(code & OPERATION_MASK) => Ok(Library::NotMine),
        Err(refusal) => Err(refusal),
    }
}

/// The service's own processing.
async fn of_service(node: &NodeHandle, object: &Object, code: u32, input: &[u8]) -> Result<(u32, Vec<u8>), Refusal> {
    let operation = code & OPERATION_MASK;
    if properties::changes(operation) {
        return properties::change(node, object, operation, input).await;
    }
    let (object, input) = (object.clone(), input.to_vec());
    let answer = node.read(move |engine, _| read(engine.state(), &object, operation, &input)).await?;
    Ok(match answer {
        Some(output) => (ERROR_SUCCESS, output),
        None => (ERROR_INVALID_FUNCTION, Vec::new()),
    })
}

/// Answers to codes that only read. `None`: the object has no such code.
fn read(state: &ClusterState, object: &Object, operation: u32, _input: &[u8]) -> Option<Vec<u8>> {
    let number = |number: u32| Some(number.to_le_bytes().to_vec());
    let text = |text: &str| Some(wide::bytes(text));
    let stored = |name: &str| state.hive.dword(&object.key, name).unwrap_or(0);
    let is = |kinds: &[Kind]| kinds.contains(&object.id.kind);
    match operation {
        operation::UNKNOWN => Some(Vec::new()),
        operation::GET_CHARACTERISTICS if !is(&[Kind::Cluster]) => number(stored("Characteristics")),
        operation::GET_FLAGS if !is(&[Kind::Cluster]) => number(object.flags | stored("Flags")),
        operation::GET_NAME if !is(&[Kind::Cluster, Kind::GroupSet, Kind::AffinityRule]) => text(&object.name),
        operation::GET_ID if !is(&[Kind::Cluster]) => text(&object.id.id),
        operation::GET_RESOURCE_TYPE if is(&[Kind::Resource]) => text(&object.type_name),
        operation::GET_NODE if is(&[Kind::NetInterface]) => text(&object.parent_name),
        operation::GET_NETWORK if is(&[Kind::NetInterface]) => {
            let network = Id::new(Kind::Network, object.type_name.clone());
            text(&objects::object(state, &network).map_or_else(|_| object.type_name.clone(), |network| network.name))
        }
        // There is no domain: the name alone is the whole name.
        operation::GET_FQDN if is(&[Kind::Cluster]) => text(&object.name),
        // No type here asks for checkpoints of all its resources.
        operation::GET_REGISTRY_CHECKPOINTS | operation::GET_CRYPTO_CHECKPOINTS if is(&[Kind::ResourceType]) => {
            Some(wide::list_bytes([]))
        }
        operation::QUERY_DELETE if is(&[Kind::Resource, Kind::Group]) => Some(Vec::new()),
        operation::GET_GROUPS if is(&[Kind::GroupSet, Kind::AffinityRule]) => {
            let listed = state.hive.multi_sz(&object.key, "Groups").unwrap_or_default();
            let names = listed.iter().filter_map(|id| objects::group(state, id).ok());
            Some(wide::list_bytes(names.map(|group| group.config.name.as_str())))
        }
        operation::GET_PROVIDERS if is(&[Kind::GroupSet]) => {
            let listed = state.hive.multi_sz(&object.key, objects::PROVIDERS).unwrap_or_default();
            Some(wide::list_bytes(listed.iter().map(String::as_str)))
        }
        operation::ENUM_AFFINITY_RULES if is(&[Kind::Cluster]) => {
            let rules = objects::list(state, Kind::AffinityRule);
            Some(wide::list_bytes(rules.iter().map(|rule| rule.name.as_str())))
        }
        other => properties::read(state, object, other),
    }
}
