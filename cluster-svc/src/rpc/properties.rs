//! Property codes that the Cluster service processes itself: common properties of every object, and private properties of
//! all that have no resource library (reference 04.1).
//!
//! Common properties are those of the engine's table, stored as values of the object's own key. Private ones are the values of
//! its `Parameters` key, without any table. Both go out as property lists, and come in as such.

use clusreg::{Batch, Value, ValueType};
use cluster_engine::state::property::{self, Property};
use cluster_engine::state::{ClusterState, Command, Object as EngineObject};
use cluster_engine::{Guid, NodeId, Refusal, code};
use resapi_sys_mock::codes::win32::ERROR_SUCCESS;
use resapi_sys_mock::property_list::{self, Format};
use resapi_sys_mock::rpc::{Kind, Object};
use resapi_sys_mock::wide;

use super::control::operation;
use crate::driver::NodeHandle;

/// A code about common properties.
pub(super) fn is_common(operation: u32) -> bool {
    (operation::ENUM_COMMON..=operation::GET_COMMON_RESOURCE_FMTS).contains(&operation)
}

/// A code that sets properties, or checks what would be set.
pub(super) fn changes(operation: u32) -> bool {
    matches!(
        operation,
        operation::SET_COMMON | operation::VALIDATE_COMMON | operation::SET_PRIVATE | operation::VALIDATE_PRIVATE
    )
}

/// Answers to codes that read properties. `None`: no such code.
pub(super) fn read(state: &ClusterState, object: &Object, operation: u32) -> Option<Vec<u8>> {
    let table = || table(object.id.kind);
    let of_registry = |value: &Value| {
        let bytes = value.data.clone();
        property_list::Value::from_registry(value.kind.0, &bytes).unwrap_or(property_list::Value::Binary(bytes))
    };
    let shown = |is_read_only: bool| {
        let values = table().filter(|property| property.read_only == is_read_only).filter_map(|property| {
            let status = computed_status(state, object).filter(|_| property.name == "StatusInformation");
            let stored = || property::read(&state.hive, property, &object.key).map(|value| of_registry(&value));
            Some((property.name, status.or_else(stored)?))
        });
        property_list::build(values)
    };
    let private = parameters(object);
    let private = || state.hive.key(&private).into_iter().flat_map(|key| key.values().collect::<Vec<_>>());
    let has_private = !matches!(object.id.kind, Kind::GroupSet | Kind::AffinityRule);
    Some(match operation {
        operation::ENUM_COMMON => wide::list_bytes(table().map(|property| property.name)),
        operation::GET_COMMON => shown(false),
        operation::GET_RO_COMMON => shown(true),
        operation::GET_COMMON_FMTS => {
            property_list::build_formats(table().map(|property| (property.name, format_of(property.kind))))
        }
        operation::GET_COMMON_RESOURCE_FMTS if object.id.kind == Kind::ResourceType => {
            let of_resources = property::of(property::Kind::Resource);
            property_list::build_formats(of_resources.map(|property| (property.name, format_of(property.kind))))
        }
        operation::ENUM_PRIVATE if has_private => wide::list_bytes(private().map(|(name, _)| name)),
        operation::GET_PRIVATE if has_private => {
            property_list::build(private().map(|(name, value)| (name, of_registry(value))))
        }
        operation::GET_RO_PRIVATE if has_private => property_list::build(Vec::<(String, property_list::Value)>::new()),
        operation::GET_PRIVATE_FMTS if has_private => {
            property_list::build_formats(private().map(|(name, value)| (name, format_of(value.kind))))
        }
        _ => return None,
    })
}

/// What no registry holds: the status bits of a group or a resource (reference 2.3).
fn computed_status(state: &ClusterState, object: &Object) -> Option<property_list::Value> {
    let id: Guid = object.id.id.parse().ok()?;
    let bits = match object.id.kind {
        Kind::Group => state.group_status(id),
        Kind::Resource => state.resource_status(id),
        Kind::Cluster
        | Kind::Node
        | Kind::ResourceType
        | Kind::Network
        | Kind::NetInterface
        | Kind::GroupSet
        | Kind::AffinityRule => return None,
    };
    Some(property_list::Value::ULargeInteger(u64::from(bits)))
}

/// Sets or checks properties: Win32 code and no output.
pub(super) async fn change(
    node: &NodeHandle,
    object: &Object,
    operation: u32,
    input: &[u8],
) -> Result<(u32, Vec<u8>), Refusal> {
    let values = match given(input) {
        Ok(values) => values,
        Err(code) => return Ok((code, Vec::new())),
    };
    let command = match operation {
        operation::SET_COMMON | operation::VALIDATE_COMMON => set_common(object, &values)?,
        operation::SET_PRIVATE | operation::VALIDATE_PRIVATE => set_private(object, values),
        _ => return Ok((resapi_sys_mock::codes::win32::ERROR_INVALID_FUNCTION, Vec::new())),
    };
    let only_checks = matches!(operation, operation::VALIDATE_COMMON | operation::VALIDATE_PRIVATE);
    if let Some(command) = command.filter(|_| !only_checks) {
        node.submit(command).await?;
    }
    Ok((ERROR_SUCCESS, Vec::new()))
}

/// Name and value, or `None` to delete.
type Given = Vec<(String, Option<Value>)>;

/// What a property list says. The first value of each property counts; one of no length deletes (reference 04.1).
fn given(input: &[u8]) -> Result<Given, u32> {
    let list = property_list::parse(input).map_err(|error| error.win32())?;
    let mut values = Given::new();
    for property in &list {
        let value = if property.first().data.is_empty() {
            None
        } else {
            let (kind, data) = property.value().map_err(|error| error.win32())?.registry();
            Some(Value { kind: ValueType(kind), data })
        };
        values.push((property.name.clone(), value));
    }
    Ok(values)
}

fn set_common(object: &Object, values: &Given) -> Result<Option<Command>, Refusal> {
    let Some(kind) = engine_kind(object.id.kind) else {
        return match values.first() {
            None => Ok(None),
            Some((name, _)) => {
                let text = format!("This kind of object has no common property '{name}'.");
                Err(Refusal::new(code::INVALID_PARAMETER, text))
            }
        };
    };
    for (name, value) in values {
        property::check(kind, name, value.as_ref())?;
    }
    if values.is_empty() {
        return Ok(None);
    }
    let guid = || object.id.id.parse::<Guid>().unwrap_or(Guid(0));
    let engine_object = match object.id.kind {
        Kind::Cluster => EngineObject::Cluster,
        Kind::Node => EngineObject::Node(NodeId(object.id.id.parse().unwrap_or(0))),
        Kind::Group => EngineObject::Group(guid()),
        Kind::Resource => EngineObject::Resource(guid()),
        Kind::ResourceType => EngineObject::ResourceType(object.id.id.clone()),
        Kind::Network | Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => {
            return Ok(Some(write(Batch::at(object.key.clone()), values.clone())));
        }
    };
    Ok(Some(Command::SetProperties { object: engine_object, values: values.clone() }))
}

fn set_private(object: &Object, values: Given) -> Option<Command> {
    (!values.is_empty()).then(|| write(Batch::at("").create_key(parameters(object)), values))
}

fn write(batch: Batch, values: Given) -> Command {
    let batch = values.into_iter().fold(batch, |batch, (name, value)| match value {
        Some(value) => batch.set_value(name, value),
        None => batch.delete_value(name),
    });
    Command::Registry { batch }
}

fn parameters(object: &Object) -> String {
    if object.key.is_empty() { "Parameters".to_owned() } else { format!("{}\\Parameters", object.key) }
}

fn table(kind: Kind) -> impl Iterator<Item = &'static Property> {
    engine_kind(kind).into_iter().flat_map(property::of)
}

/// The table of common properties of a kind. Interfaces, group sets and rules have none.
fn engine_kind(kind: Kind) -> Option<property::Kind> {
    match kind {
        Kind::Cluster => Some(property::Kind::Cluster),
        Kind::Node => Some(property::Kind::Node),
        Kind::Group => Some(property::Kind::Group),
        Kind::Resource => Some(property::Kind::Resource),
        Kind::ResourceType => Some(property::Kind::ResourceType),
        Kind::Network => Some(property::Kind::Network),
        Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => None,
    }
}

fn format_of(kind: ValueType) -> Format {
    match kind {
        ValueType::SZ => Format::Sz,
        ValueType::EXPAND_SZ => Format::ExpandSz,
        ValueType::MULTI_SZ => Format::MultiSz,
        ValueType::DWORD => Format::Dword,
        ValueType::QWORD => Format::ULargeInteger,
        _ => Format::Binary,
    }
}
