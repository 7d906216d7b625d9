//! Keys and values of the cluster registry, and common properties.

use std::collections::BTreeMap;

use clusreg::{Key, Value, ValueType};
use cluster_engine::Time;
use cluster_engine::state::{Object, property};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Sight, dynamic_weight, needs_prevent_quorum, rfc3339, status_bits};
use crate::api::values::{to_json, type_word};

/// A key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct KeyView {
    /// Its path below the root.
    pub path: String,
    /// When it was last changed.
    pub last_write: String,
    /// Its values.
    pub values: Vec<RegistryValue>,
    /// Names of the keys directly below it.
    pub keys: Vec<String>,
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryValue {
    /// Its name; empty for the default value of the key.
    pub name: String,
    /// `REG_SZ`, `REG_EXPAND_SZ`, `REG_BINARY`, `REG_DWORD`, `REG_MULTI_SZ`, `REG_QWORD`; a number for others.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Text, number, list of strings; base64 for all others.
    #[schema(value_type = serde_json::Value)]
    pub value: Json,
}

impl KeyView {
    /// A key as it is now.
    #[must_use]
    pub fn of(key: Key<'_>) -> KeyView {
        KeyView {
            path: key.path(),
            last_write: rfc3339(Time(key.last_write().unix_ms())),
            values: key.values().map(|(name, value)| RegistryValue::of(name, value)).collect(),
            keys: key.subkeys().map(|k| k.name().to_owned()).collect(),
        }
    }
}

impl RegistryValue {
    /// One value.
    #[must_use]
    pub fn of(name: &str, value: &Value) -> RegistryValue {
        RegistryValue { name: name.to_owned(), kind: type_word(value.kind), value: to_json(value) }
    }
}

/// A common property of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PropertyView {
    /// What it is now; null when it is not set and has no default.
    #[schema(value_type = serde_json::Value)]
    pub value: Json,
    /// `REG_SZ`, `REG_DWORD` and so on.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Its default; null when it has none.
    #[schema(value_type = serde_json::Value)]
    pub default: Json,
    /// Only the service sets it.
    pub read_only: bool,
    /// The least value; null when there is no bound.
    pub minimum: Option<u64>,
    /// The greatest value; null when there is no bound.
    pub maximum: Option<u64>,
}

/// All common properties of an object, by name.
#[must_use]
pub fn properties(sight: Sight<'_>, object: &Object) -> BTreeMap<String, PropertyView> {
    let (kind, path) = place(object);
    let view = |p: &property::Property| {
        let default = p.default.map_or(Json::Null, Json::from);
        let stored = || property::read(&sight.state.hive, p, &path).map_or(Json::Null, |v| to_json(&v));
        let value = computed(sight, object, p.name).map_or_else(stored, Json::from);
        let is_number = p.kind == ValueType::DWORD || p.kind == ValueType::QWORD;
        PropertyView {
            value,
            kind: type_word(p.kind),
            default,
            read_only: p.read_only,
            minimum: p.min.filter(|_| is_number),
            maximum: p.max.filter(|_| is_number),
        }
    };
    property::of(kind).map(|p| (p.name.to_owned(), view(p))).collect()
}

/// A property that no registry holds: what the service knows of quorum at this moment (reference 7.5, 7.6, 7.7).
fn computed(sight: Sight<'_>, object: &Object, name: &str) -> Option<u32> {
    let Sight { state, vantage, .. } = sight;
    match object {
        Object::Cluster => match name {
            "FixQuorum" => Some(u32::from(state.quorum.forced_by.is_some())),
            "PreventQuorum" => Some(u32::from(vantage.prevent_quorum)),
            "WitnessDynamicWeight" => Some(u32::from(state.votes().witness_has_vote())),
            _ => None,
        },
        Object::Node(id) => {
            let node = state.nodes.get(id)?;
            match name {
                "DynamicWeight" => Some(dynamic_weight(state, node)),
                "NeedsPreventQuorum" => Some(needs_prevent_quorum(state, node)),
                "StatusInformation" => Some(status_bits(node)),
                _ => None,
            }
        }
        Object::Group(id) => (name == "StatusInformation").then(|| state.group_status(*id)),
        Object::Resource(id) => (name == "StatusInformation").then(|| state.resource_status(*id)),
        Object::ResourceType(_) => None,
    }
}

/// Where the common properties of an object stand in the registry (reference 06.2).
fn place(object: &Object) -> (property::Kind, String) {
    match object {
        Object::Cluster => (property::Kind::Cluster, String::new()),
        Object::Node(id) => (property::Kind::Node, format!("Nodes\\{id}")),
        Object::Group(id) => (property::Kind::Group, format!("Groups\\{id}")),
        Object::Resource(id) => (property::Kind::Resource, format!("Resources\\{id}")),
        Object::ResourceType(name) => (property::Kind::ResourceType, format!("ResourceTypes\\{name}")),
    }
}
