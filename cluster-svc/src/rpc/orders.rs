//! Orders of programs, as the commands that the nodes agree on.

use clusreg::{Batch, Value};
use cluster_engine::quorum::Witness;
use cluster_engine::state::{Answer, ClusterState, Command, Failback};
use cluster_engine::{Guid, NodeId, Refusal, code};
use resapi_sys_mock::abi::CLUS_CHAR_QUORUM;
use resapi_sys_mock::codes::control::{CLUSCTL_RESOURCE_GET_CHARACTERISTICS, CLUSCTL_RESOURCE_GET_CLASS_INFO};
use resapi_sys_mock::codes::win32::{ERROR_CALL_NOT_IMPLEMENTED, ERROR_SUCCESS};
use resapi_sys_mock::rpc::{Id, Kind, Order, Told};

use super::{control, objects};
use crate::api::names;
use crate::driver::NodeHandle;

/// Carries an order out and answers when this node has applied it.
pub(super) async fn carry_out(node: &NodeHandle, order: Order, reason: &str) -> Result<Told, Refusal> {
    if !reason.is_empty() {
        tracing::info!("a program gives as its reason: {reason}");
    }
    let order = match order {
        Order::SetQuorum { resource, device, size } => return set_quorum(node, resource, device, size).await,
        other => other,
    };
    let (command, created) = node.read(move |engine, _| command(engine.state(), order)).await??;
    let answer = node.submit(command).await?;
    if let Some(created) = created {
        let found = node.read(move |engine, _| objects::object(engine.state(), &created)).await??;
        return Ok(Told::Object(Box::new(found)));
    }
    Ok(match answer {
        Answer::Done | Answer::Node { .. } => Told::Done,
        Answer::Pending => Told::Pending,
    })
}

/// The command of an order, and the object that it creates.
fn command(state: &ClusterState, order: Order) -> Result<(Command, Option<Id>), Refusal> {
    let group = |id: &str| objects::group(state, id).map(|group| group.id);
    let resource = |id: &str| objects::resource(state, id).map(|resource| resource.id);
    let found = match order {
        Order::CreateGroup { name, group_type } => {
            let id = new_id();
            let created = Some(Id::new(Kind::Group, id.to_string()));
            return Ok((Command::CreateGroup { id, name, group_type }, created));
        }
        Order::CreateResource { group: of, name, type_name, separate_monitor } => {
            let type_name = names::resource_type(state, &type_name)?.config.name.clone();
            let id = new_id();
            let created = Some(Id::new(Kind::Resource, id.to_string()));
            let command = Command::CreateResource { id, group: group(&of)?, name, type_name, separate_monitor };
            return Ok((command, created));
        }
        Order::DeleteGroup { group: of, force } => Command::DeleteGroup { group: group(&of)?, force },
        Order::Rename { object, name } => rename(state, &object, name)?,
        Order::PreferredOwners { group: of, nodes } => {
            Command::SetPreferredOwners { group: group(&of)?, nodes: nodes.into_iter().map(NodeId).collect() }
        }
        Order::OnlineGroup { group: of, node } => Command::OnlineGroup { group: group(&of)?, node: node.map(NodeId) },
        Order::OfflineGroup { group: of } => Command::OfflineGroup { group: group(&of)? },
        Order::MoveGroup { group: of, node } => Command::MoveGroup { group: group(&of)?, to: node.map(NodeId) },
        Order::CancelMove { group: of } => Command::CancelMove { group: group(&of)? },
        Order::Regardless(order) => {
            let (command, created) = command(state, *order)?;
            return Ok((Command::Regardless { command: Box::new(command) }, created));
        }
        Order::DeleteResource { resource: of } => Command::DeleteResource { resource: resource(&of)? },
        Order::OnlineResource { resource: of } => Command::OnlineResource { resource: resource(&of)? },
        Order::OfflineResource { resource: of, force } => Command::OfflineResource { resource: resource(&of)?, force },
        Order::FailResource { resource: of } => Command::FailResource { resource: resource(&of)? },
        Order::RegroupResource { resource: of, group: to } => {
            Command::ChangeResourceGroup { resource: resource(&of)?, group: group(&to)? }
        }
        Order::AddDependency { dependent, provider } => {
            Command::AddDependency { dependent: resource(&dependent)?, provider: resource(&provider)? }
        }
        Order::RemoveDependency { dependent, provider } => {
            Command::RemoveDependency { dependent: resource(&dependent)?, provider: resource(&provider)? }
        }
        Order::SetDependencies { dependent, expression } => {
            Command::SetDependencies { dependent: resource(&dependent)?, expression }
        }
        Order::AddOwner { resource: of, node } => {
            Command::AddPossibleOwner { resource: resource(&of)?, node: NodeId(node) }
        }
        Order::RemoveOwner { resource: of, node } => {
            Command::RemovePossibleOwner { resource: resource(&of)?, node: NodeId(node) }
        }
        Order::CreateType { name, display_name, dll_name, looks_alive_ms, is_alive_ms } => {
            Command::CreateType { name, display_name, dll_name, looks_alive_ms, is_alive_ms }
        }
        Order::DeleteType { name } => {
            Command::DeleteType { name: names::resource_type(state, &name)?.config.name.clone() }
        }
        Order::PauseNode { node, drain, target } => {
            Command::PauseNode { node: NodeId(node), drain, target: target.map(NodeId) }
        }
        Order::ResumeNode { node, failback } => {
            let failback = match failback {
                0 => Failback::None,
                1 => Failback::Immediate,
                2 => Failback::Policy,
                other => {
                    let text = format!("There is no failback type {other}; it is 0, 1 or 2.");
                    return Err(Refusal::new(code::INVALID_PARAMETER, text));
                }
            };
            Command::ResumeNode { node: NodeId(node), failback }
        }
        Order::EvictNode { node } => Command::EvictNode { node: NodeId(node) },
        Order::SetQuorum { .. } => unreachable!("carried out above, because it asks the resource first"),
    };
    Ok((found, None))
}

fn rename(state: &ClusterState, object: &Id, name: String) -> Result<Command, Refusal> {
    Ok(match object.kind {
        Kind::Group => Command::RenameGroup { group: objects::group(state, &object.id)?.id, name },
        Kind::Resource => Command::RenameResource { resource: objects::resource(state, &object.id)?.id, name },
        Kind::Cluster => {
            check_cluster_name(&name)?;
            Command::Registry { batch: Batch::at("").set_value("ClusterName", Value::sz(&name)) }
        }
        Kind::Network | Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => {
            let found = objects::object(state, object)?;
            let taken = objects::list(state, object.kind).into_iter().find(|other| names::same(&other.name, &name));
            if let Some(taken) = taken.filter(|other| other.id != found.id) {
                let text = format!("There is already one of the name '{}'.", taken.name);
                return Err(Refusal::new(code::OBJECT_ALREADY_EXISTS, text));
            }
            if name.trim().is_empty() {
                return Err(Refusal::new(code::INVALID_NAME, "A name cannot be empty."));
            }
            Command::Registry { batch: Batch::at(found.key).set_value("Name", Value::sz(&name)) }
        }
        Kind::Node | Kind::ResourceType => {
            return Err(Refusal::new(ERROR_CALL_NOT_IMPLEMENTED, "Nodes and resource types keep their names."));
        }
    })
}

/// A cluster's name is a computer's name: 1 to 15 letters, digits and hyphens.
fn check_cluster_name(name: &str) -> Result<(), Refusal> {
    const MOST_CHARS: usize = 15;
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MOST_CHARS || !name.chars().all(is_good) {
        let text = format!("'{name}' is no name for a cluster; take 1 to {MOST_CHARS} letters, digits and hyphens.");
        return Err(Refusal::new(code::INVALID_NAME, text).fact("Name", name));
    }
    Ok(())
}

/// The resource itself says whether it can be the witness, and of what kind (reference 7.4).
async fn set_quorum(node: &NodeHandle, resource: Option<String>, device: String, size: u32) -> Result<Told, Refusal> {
    let Some(id) = resource else {
        let command = Command::SetQuorum { resource: None, kind: Witness::Disk, size: 0, path: String::new() };
        node.submit(command).await?;
        return Ok(Told::Done);
    };
    let wanted = id.clone();
    let guid = node.read(move |engine, _| objects::resource(engine.state(), &wanted).map(|r| r.id)).await??;
    let ask = |code| control::control(node, Id::new(Kind::Resource, id.clone()), None, code, Vec::new());
    let first_number = |told: Told| match told {
        Told::Controlled { code: ERROR_SUCCESS, output } => {
            Ok(output.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)))
        }
        Told::Elsewhere(address) => Err(Told::Elsewhere(address)),
        _ => Ok(0),
    };
    let (characteristics, class) = match first_number(ask(CLUSCTL_RESOURCE_GET_CHARACTERISTICS).await?) {
        Err(elsewhere) => return Ok(elsewhere),
        Ok(characteristics) => match first_number(ask(CLUSCTL_RESOURCE_GET_CLASS_INFO).await?) {
            Err(elsewhere) => return Ok(elsewhere),
            Ok(class) => (characteristics, class),
        },
    };
    if characteristics & CLUS_CHAR_QUORUM == 0 {
        let text = "The type of this resource cannot be the quorum resource; take a disk or a file share witness.";
        return Err(Refusal::new(code::NOT_QUORUM_CAPABLE, text));
    }
    let is_storage = class == resapi_sys_mock::abi::CLUS_RESCLASS_STORAGE as u32;
    let kind = if is_storage { Witness::Disk } else { Witness::FileShare };
    node.submit(Command::SetQuorum { resource: Some(guid), kind, size, path: device }).await?;
    Ok(Told::Done)
}

/// An id for a new object: the engine has no dice.
fn new_id() -> Guid {
    Guid(uuid::Uuid::new_v4().as_u128())
}
