//! `NAME=VALUE` on the command line, as JSON for the API.

use clusreg::{Value, ValueType};
use cluster_engine::state::property::{self, Kind};
use serde_json::{Map, Value as Json};

use super::trouble::Trouble;
use crate::api::values::to_json;

/// One assignment as it was typed.
struct Assignment<'a> {
    name: &'a str,
    /// The type that was written with the name.
    kind: Option<ValueType>,
    /// Empty: reset.
    text: &'a str,
}

fn parse(word: &str) -> Result<Assignment<'_>, Trouble> {
    let (name, text) = word.split_once('=').ok_or_else(|| {
        Trouble::Argument(format!("'{word}' is no assignment. Write NAME=VALUE; NAME= alone resets it."))
    })?;
    let typed = name.rsplit_once(':').and_then(|(name, kind)| Some((name, ValueType::parse(kind).ok()?)));
    let (name, kind) = typed.map_or((name, None), |(name, kind)| (name, Some(kind)));
    if name.is_empty() {
        return Err(Trouble::Argument(format!("'{word}' has no name before the equals sign.")));
    }
    Ok(Assignment { name, kind, text })
}

/// Assignments to common properties of a kind of object. The types are those of the properties.
pub(super) fn common(kind: Kind, words: &[String]) -> Result<Json, Trouble> {
    collect(words, |a| {
        let declared = property::find(kind, a.name).map(|p| p.kind);
        // A property that does not exist goes out as text: the cluster says which there are.
        convert(a, a.kind.or(declared).unwrap_or(ValueType::SZ))
    })
}

/// Assignments to private properties. Only the resource library knows their types; without one written here, text goes out
/// and the cluster converts it.
pub(super) fn private(words: &[String]) -> Result<Json, Trouble> {
    collect(words, |a| match a.kind {
        Some(kind) => convert(a, kind),
        None => Ok(Json::from(a.text)),
    })
}

fn collect(words: &[String], one: impl Fn(&Assignment<'_>) -> Result<Json, Trouble>) -> Result<Json, Trouble> {
    let mut members = Map::new();
    for word in words {
        let assignment = parse(word)?;
        let value = if assignment.text.is_empty() { Json::Null } else { one(&assignment)? };
        if members.insert(assignment.name.to_owned(), value).is_some() {
            return Err(Trouble::Argument(format!("'{}' is set twice.", assignment.name)));
        }
    }
    Ok(Json::Object(members))
}

fn convert(assignment: &Assignment<'_>, kind: ValueType) -> Result<Json, Trouble> {
    value(kind, assignment.text)
        .map_err(|e| Trouble::Argument(format!("'{}': {e}.", assignment.name)))
        .map(|value| to_json(&value))
}

/// Text as a value of a type. Lists are separated by commas or semicolons.
pub(super) fn value(kind: ValueType, text: &str) -> Result<Value, clusreg::Error> {
    if kind == ValueType::MULTI_SZ {
        return Ok(Value::multi_sz(text.split([',', ';']).map(str::trim).filter(|t| !t.is_empty())));
    }
    Value::parse(kind, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn types_come_from_the_property_or_from_the_word_itself() {
        let check = |word: &str, expected: Json| {
            assert_eq!(common(Kind::Group, &words(&[word])).ok(), Some(expected), "{word}");
        };
        check("Priority=3000", json!({ "Priority": 3000 }));
        check("priority=0x10", json!({ "priority": 16 }));
        check("Description=a=b", json!({ "Description": "a=b" }));
        check("Description=", json!({ "Description": null }));
        check("AntiAffinityClassNames=a, b", json!({ "AntiAffinityClassNames": ["a", "b"] }));
        check("Priority:REG_SZ=3", json!({ "Priority": "3" }));
        check("Unknown=7", json!({ "Unknown": "7" }));
        let private = |word: &str| private(&words(&[word])).ok();
        assert_eq!(private("Port=80"), Some(json!({ "Port": "80" })));
        assert_eq!(private("Port:DWORD=80"), Some(json!({ "Port": 80 })));
        assert_eq!(private("Path=c:\\x:y"), Some(json!({ "Path": "c:\\x:y" })));
        assert_eq!(private("odd:name=1"), Some(json!({ "odd:name": "1" })));
    }

    #[test]
    fn what_is_no_assignment_is_told() {
        for bad in [&["Priority"][..], &["=1"], &["Priority=high"], &["Priority=1", "Priority=2"]] {
            let trouble = common(Kind::Group, &words(bad)).err().map(|t| t.exit_code());
            assert_eq!(trouble, Some(2), "{bad:?}");
        }
    }
}
