//! Common properties: the same for every kind of object.

use std::collections::BTreeMap;

use clusreg::Value;
use cluster_engine::Refusal;
use cluster_engine::state::property::{self, Kind};
use serde_json::Value as Json;

use super::values::from_json;

/// Properties of a body, by name; null resets to the default.
pub(super) type Given = BTreeMap<String, Json>;

/// Checks properties against the table and turns them into values for the engine.
///
/// # Errors
/// 87 for an unknown name or a number out of range, 5089 for a property that only the service sets, 5895 for a value of
/// another type, 13 for one that does not fit its type.
pub(super) fn read(kind: Kind, given: &Given) -> Result<Vec<(String, Option<Value>)>, Refusal> {
    let one = |(name, json): (&String, &Json)| {
        let known = property::check(kind, name, None)?;
        let value = (!json.is_null()).then(|| from_json(known.name, known.kind, json)).transpose()?;
        property::check(kind, name, value.as_ref())?;
        Ok((known.name.to_owned(), value))
    };
    given.iter().map(one).collect()
}
