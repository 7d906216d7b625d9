//! Private properties as the property list that a resource library reads (reference 04.2), and its formats back.

use std::collections::BTreeMap;

use clusreg::{Value, ValueType};
use cluster_engine::{Refusal, code};
use resapi_sys_mock::property_list::{self, Format};

use super::properties::Given;
use super::values::{from_json_lenient, guess};

/// The formats that a library declares for its private properties, by upper-case name.
pub(super) type Formats = BTreeMap<String, (String, ValueType)>;

/// Reads the answer to GET_PRIVATE_PROPERTY_FMTS. A library that answers nonsense has declared nothing.
pub(super) fn formats(bytes: &[u8]) -> Formats {
    let list = property_list::parse(bytes).unwrap_or_default();
    let entry = |p: &property_list::Property<'_>| {
        let number = match p.value().ok()? {
            property_list::Value::Word(number) => number,
            property_list::Value::Dword(number) => u16::try_from(number).ok()?,
            _ => return None,
        };
        let kind = registry_type(Format::from_number(number)?)?;
        Some((p.name.to_uppercase(), (p.name.clone(), kind)))
    };
    list.iter().filter_map(entry).collect()
}

/// The registry type of a format (reference 04.5).
fn registry_type(format: Format) -> Option<ValueType> {
    match format {
        Format::Dword | Format::Long | Format::Word => Some(ValueType::DWORD),
        Format::Sz => Some(ValueType::SZ),
        Format::ExpandSz | Format::ExpandedSz => Some(ValueType::EXPAND_SZ),
        Format::MultiSz => Some(ValueType::MULTI_SZ),
        Format::ULargeInteger | Format::LargeInteger | Format::FileTime => Some(ValueType::QWORD),
        Format::Binary | Format::SecurityDescriptor => Some(ValueType::BINARY),
        Format::Unknown | Format::ValueList | Format::PropertyList => None,
    }
}

/// The property list for a SET. A property whose type the library has declared is converted to it; of others the type
/// follows from JSON. Null asks for the removal of a value.
///
/// # Errors
/// As [`super::values`]; 87 for null for a number, which cannot be removed.
pub(super) fn build(given: &Given, formats: &Formats) -> Result<Vec<u8>, Refusal> {
    let mut list = Vec::new();
    for (name, json) in given {
        let declared = formats.get(&name.to_uppercase());
        let name = declared.map_or(name, |(declared, _)| declared);
        let kind = declared.map(|(_, kind)| *kind);
        if json.is_null() {
            list.push((name.clone(), removal(name, kind)?));
            continue;
        }
        let value = match kind {
            Some(kind) => from_json_lenient(name, kind, json)?,
            None => guess(name, json)?,
        };
        list.push((name.clone(), carried(name, &value)?));
    }
    Ok(property_list::build(list))
}

fn carried(name: &str, value: &Value) -> Result<property_list::Value, Refusal> {
    property_list::Value::from_registry(value.kind.0, &value.data).ok_or_else(|| {
        Refusal::new(code::INVALID_DATA, format!("'{name}' cannot be put into a property list.")).fact("Property", name)
    })
}

/// A value without bytes, which removes the property (reference 04.1). Text when nobody knows the type.
fn removal(name: &str, kind: Option<ValueType>) -> Result<property_list::Value, Refusal> {
    let format = match kind {
        Some(ValueType::BINARY) => Format::Binary,
        Some(ValueType::MULTI_SZ) => Format::MultiSz,
        Some(ValueType::EXPAND_SZ) => Format::ExpandSz,
        Some(ValueType::SZ) | None => Format::Sz,
        Some(_) => {
            let text = format!("'{name}' is a number and cannot be removed. Set it to its default instead.");
            return Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Property", name));
        }
    };
    Ok(property_list::Value::Other { syntax: format.list_value(), data: Vec::new() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(json: serde_json::Value) -> Given {
        serde_json::from_value(json).expect("the test writes an object")
    }

    #[test]
    fn declared_formats_decide_and_json_where_nothing_is_declared() {
        let declared = property_list::build_formats([("Port", Format::Dword), ("CommandLine", Format::Sz)]);
        let formats = formats(&declared);
        let check = |json: serde_json::Value, name: &str, value: property_list::Value| {
            let bytes = build(&given(json), &formats).expect("good parameters");
            let list = property_list::parse(&bytes).expect("our own list");
            assert_eq!((list[0].name.as_str(), list[0].value()), (name, Ok(value)));
        };
        check(json!({"port": 8080}), "Port", property_list::Value::Dword(8080));
        check(json!({"PORT": "8080"}), "Port", property_list::Value::Dword(8080));
        check(json!({"CommandLine": 7}), "CommandLine", property_list::Value::Sz("7".into()));
        check(json!({"Other": 7}), "Other", property_list::Value::Dword(7));
        check(json!({"Other": ["a", "b"]}), "Other", property_list::Value::MultiSz(vec!["a".into(), "b".into()]));
        let refused = |json| build(&given(json), &formats).map_err(|r| r.code);
        assert_eq!(refused(json!({"Port": "many"})), Err(5895));
        assert_eq!(refused(json!({"Port": null})), Err(87));
        assert_eq!(refused(json!({"Other": {}})), Err(13));
    }

    #[test]
    fn nonsense_declares_nothing() {
        for bytes in [&b""[..], &[1, 0, 0, 0], &[0xFF; 64]] {
            assert!(formats(bytes).is_empty());
        }
    }
}
