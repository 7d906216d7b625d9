//! Registry values in JSON and back.
//!
//! Strings are strings, numbers are numbers, lists are arrays of strings. Binary, and whatever does not fit its type, is
//! base64 text. Nothing is guessed on the way in when the type is known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clusreg::{Value, ValueType};
use cluster_engine::{Refusal, code};
use serde_json::Value as Json;

/// A value as JSON.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    let typed = match value.kind {
        ValueType::SZ | ValueType::EXPAND_SZ | ValueType::LINK => value.as_sz().map(Json::from),
        ValueType::DWORD | ValueType::DWORD_BIG_ENDIAN => value.as_dword().map(Json::from),
        ValueType::QWORD => value.as_qword().map(Json::from),
        ValueType::MULTI_SZ => value.as_multi_sz().map(Json::from),
        _ => None,
    };
    typed.unwrap_or_else(|| Json::from(BASE64.encode(value.as_bytes())))
}

/// The word for a type: `REG_DWORD`; `REG_TYPE_77` for a number without a name.
#[must_use]
pub fn type_word(kind: ValueType) -> String {
    kind.to_string()
}

/// Reads the word for a type.
///
/// # Errors
/// 13 for a word that is none.
pub fn type_of_word(word: &str) -> Result<ValueType, Refusal> {
    let number = word.strip_prefix("REG_TYPE_").unwrap_or(word);
    ValueType::parse(number).map_err(|e| Refusal::new(code::INVALID_DATA, sentence(&e.to_string())).fact("Type", word))
}

/// A JSON value as a registry value of a known type.
///
/// # Errors
/// 5895 when JSON has another type, 13 when it is the right one but says nothing that fits (a number too large, bad base64).
pub fn from_json(name: &str, kind: ValueType, json: &Json) -> Result<Value, Refusal> {
    let wrong = |wanted: &str| {
        let text = format!("'{name}' is {} and takes {wanted}; {} was given.", type_word(kind), json_word(json));
        Refusal::new(code::CLUSTER_PROPERTY_DATA_TYPE_MISMATCH, text)
            .fact("Property", name)
            .fact("Type", type_word(kind))
    };
    let unfit = |what: &str| Refusal::new(code::INVALID_DATA, format!("'{name}' {what}.")).fact("Property", name);
    match kind {
        ValueType::SZ => Ok(Value::sz(plain(name, json.as_str().ok_or_else(|| wrong("text"))?)?)),
        ValueType::EXPAND_SZ => Ok(Value::expand_sz(plain(name, json.as_str().ok_or_else(|| wrong("text"))?)?)),
        ValueType::DWORD | ValueType::DWORD_BIG_ENDIAN => {
            let number = json.as_number().ok_or_else(|| wrong("a number"))?;
            let number = number.as_u64().and_then(|n| u32::try_from(n).ok());
            let number = number.ok_or_else(|| unfit("takes a whole number from 0 to 4294967295"))?;
            let bytes = if kind == ValueType::DWORD { number.to_le_bytes() } else { number.to_be_bytes() };
            Ok(Value { kind, data: bytes.to_vec() })
        }
        ValueType::QWORD => {
            let number = json.as_number().ok_or_else(|| wrong("a number"))?;
            Ok(Value::qword(number.as_u64().ok_or_else(|| unfit("takes a whole number from 0 to 2^64 - 1"))?))
        }
        ValueType::MULTI_SZ => {
            let items = json.as_array().ok_or_else(|| wrong("a list of strings"))?;
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            let texts = texts.ok_or_else(|| wrong("a list of strings"))?;
            if texts.iter().any(|t| t.is_empty()) {
                return Err(unfit("has an empty string in its list, which would end it"));
            }
            let texts: Result<Vec<&str>, Refusal> = texts.into_iter().map(|t| plain(name, t)).collect();
            Ok(Value::multi_sz(texts?))
        }
        other => {
            let text = json.as_str().ok_or_else(|| wrong("base64 text"))?;
            let data = BASE64.decode(text).map_err(|e| unfit(&format!("is not base64 ({e})")))?;
            Ok(Value { kind: other, data })
        }
    }
}

/// A JSON value without a known type: text is REG_SZ, a number REG_DWORD (REG_QWORD when it is larger), a list REG_MULTI_SZ,
/// true and false 1 and 0.
///
/// # Errors
/// 13 for anything else.
pub fn guess(name: &str, json: &Json) -> Result<Value, Refusal> {
    match json {
        Json::String(_) => from_json(name, ValueType::SZ, json),
        Json::Number(n) if n.as_u64().is_some_and(|n| u32::try_from(n).is_err()) => {
            from_json(name, ValueType::QWORD, json)
        }
        Json::Number(_) => from_json(name, ValueType::DWORD, json),
        Json::Array(_) => from_json(name, ValueType::MULTI_SZ, json),
        Json::Bool(b) => Ok(Value::dword(u32::from(*b))),
        Json::Null | Json::Object(_) => {
            let text = format!("'{name}' takes text, a number or a list of strings; {} was given.", json_word(json));
            Err(Refusal::new(code::INVALID_DATA, text).fact("Property", name))
        }
    }
}

/// As [`from_json`], but text for a number and a number for text are understood: for values typed by people into a field
/// whose type only the resource library knows.
///
/// # Errors
/// As [`from_json`].
pub fn from_json_lenient(name: &str, kind: ValueType, json: &Json) -> Result<Value, Refusal> {
    let converted = match (kind, json) {
        (ValueType::DWORD | ValueType::QWORD, Json::String(text)) => {
            clusreg::Value::parse(kind, text).ok().map(|v| to_json(&v))
        }
        (ValueType::DWORD, Json::Bool(b)) => Some(Json::from(u32::from(*b))),
        (ValueType::SZ | ValueType::EXPAND_SZ, Json::Number(n)) => Some(Json::from(n.to_string())),
        (ValueType::MULTI_SZ, Json::String(text)) => {
            let items = text.split([',', ';']).map(str::trim).filter(|t| !t.is_empty());
            Some(Json::from(items.collect::<Vec<_>>()))
        }
        _ => None,
    };
    from_json(name, kind, converted.as_ref().unwrap_or(json))
}

/// A NUL would cut the text off unseen.
fn plain<'a>(name: &str, text: &'a str) -> Result<&'a str, Refusal> {
    if text.contains('\0') {
        let what = format!("'{name}' has a NUL character in it. Leave it out.");
        return Err(Refusal::new(code::INVALID_DATA, what).fact("Property", name));
    }
    Ok(text)
}

/// What a JSON value is, for people.
#[must_use]
pub fn json_word(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// A message of a library as a sentence.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_comes_back_from_its_json() {
        let values = [
            Value::sz("Grüße"),
            Value::expand_sz("%X%"),
            Value::dword(u32::MAX),
            Value::qword(u64::MAX),
            Value::multi_sz(["a", "b"]),
            Value::binary([1, 2, 255]),
            Value { kind: ValueType::DWORD_BIG_ENDIAN, data: vec![0, 0, 1, 0] },
            Value { kind: ValueType(77), data: vec![9] },
            Value::none(),
        ];
        for value in values {
            assert_eq!(from_json("x", value.kind, &to_json(&value)), Ok(value.clone()), "{value:?}");
            assert_eq!(type_of_word(&type_word(value.kind)), Ok(value.kind));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_code_of_the_reference() {
        let check = |kind, json: Json, code| {
            let refused = from_json("x", kind, &json).map_err(|r| r.code);
            assert_eq!(refused, Err(code), "{kind} {json}");
        };
        check(ValueType::SZ, json!(1), 5895);
        check(ValueType::SZ, json!("a\u{0}b"), 13);
        check(ValueType::DWORD, json!("1"), 5895);
        check(ValueType::DWORD, json!(-1), 13);
        check(ValueType::DWORD, json!(1.5), 13);
        check(ValueType::DWORD, json!(4_294_967_296_u64), 13);
        check(ValueType::QWORD, json!(-1), 13);
        check(ValueType::MULTI_SZ, json!("a"), 5895);
        check(ValueType::MULTI_SZ, json!(["a", 1]), 5895);
        check(ValueType::MULTI_SZ, json!(["a", ""]), 13);
        check(ValueType::BINARY, json!("*"), 13);
        check(ValueType::BINARY, json!([1]), 5895);
    }

    #[test]
    fn types_are_guessed_and_converted_only_where_nobody_knows_better() {
        let check = |json: Json, value| assert_eq!(guess("x", &json), Ok(value));
        check(json!("a"), Value::sz("a"));
        check(json!(7), Value::dword(7));
        check(json!(4_294_967_296_u64), Value::qword(1 << 32));
        check(json!(true), Value::dword(1));
        check(json!(["a"]), Value::multi_sz(["a"]));
        assert_eq!(guess("x", &json!(null)).map_err(|r| r.code), Err(13));
        let lenient = |kind, json: Json| from_json_lenient("x", kind, &json);
        assert_eq!(lenient(ValueType::DWORD, json!("8080")), Ok(Value::dword(8080)));
        assert_eq!(lenient(ValueType::SZ, json!(8080)), Ok(Value::sz("8080")));
        assert_eq!(lenient(ValueType::MULTI_SZ, json!("a, b")), Ok(Value::multi_sz(["a", "b"])));
        assert_eq!(lenient(ValueType::DWORD, json!("many")).map_err(|r| r.code), Err(5895));
    }
}
