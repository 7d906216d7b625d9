//! Random batches and hives for the property tests, out of few names so that they meet.

#![allow(dead_code, reason = "each test program uses its own part")]

use clusreg::{Batch, Command, FileTime, Hive, Value, ValueType};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn key_path() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => prop::sample::select(vec!["a", "A", "b", "Été", "éTÉ", "x y", "]z[", "q\"", "-", ";c", "𐐨"]),
        1 => Just("with space "),
    ];
    vec(name, 0..4).prop_map(|names| names.join("\\"))
}

/// Mostly good paths, some malformed ones.
pub(crate) fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![20 => key_path(), 1 => prop::sample::select(vec!["\\a", "a\\", "a\\\\b", "\n"]).prop_map(str::to_owned)]
}

pub(crate) fn value_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "v", "V", "w", "\"", "\\", "ß", "=-", "@"]).prop_map(str::to_owned)
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,8}".prop_map(|text| Value::sz(&text)),
        any::<String>().prop_map(|text| Value::sz(&text)),
        any::<String>().prop_map(|text| Value::expand_sz(&text)),
        (0..4u32).prop_map(Value::dword),
        any::<u64>().prop_map(Value::qword),
        vec(any::<String>(), 0..4).prop_map(Value::multi_sz),
        (prop_oneof![0..12u32, any::<u32>()], vec(any::<u8>(), 0..80))
            .prop_map(|(kind, data)| Value { kind: ValueType(kind), data }),
    ]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => any_path().prop_map(|path| Command::CreateKey { path }),
        6 => (value_name(), value()).prop_map(|(name, value)| Command::SetValue { name, value }),
        2 => value_name().prop_map(|name| Command::DeleteValue { name }),
        1 => any_path().prop_map(|path| Command::DeleteKey { path }),
        1 => any_path().prop_map(|path| Command::DeleteTree { path }),
        1 => any_path().prop_map(|path| Command::KeyExists { path }),
        1 => any_path().prop_map(|path| Command::KeyNotExists { path }),
        1 => value_name().prop_map(|name| Command::ValueExists { name }),
        1 => (value_name(), value()).prop_map(|(name, value)| Command::ValueNotEqual { name, value }),
    ]
}

pub(crate) fn batch() -> impl Strategy<Value = Batch> {
    (key_path(), vec(command(), 0..12)).prop_map(|(base, commands)| Batch { base, commands })
}

/// Batches relative to the root, which are less often refused.
pub(crate) fn root_batch() -> impl Strategy<Value = Batch> {
    vec(command(), 0..12).prop_map(|commands| Batch { base: String::new(), commands })
}

/// The hive after some batches, those that were not refused.
pub(crate) fn hive() -> impl Strategy<Value = Hive> {
    vec(root_batch(), 0..12).prop_map(|batches| {
        let mut hive = Hive::new();
        for (index, batch) in batches.iter().enumerate() {
            let _ = hive.apply(batch, FileTime(index as u64 + 1));
        }
        hive
    })
}

/// Everything in a hive but the times.
pub(crate) fn content(hive: &Hive) -> Vec<(String, Vec<(String, Value)>)> {
    let mut content = Vec::new();
    let mut waiting: Vec<_> = hive.key("").into_iter().collect();
    while let Some(key) = waiting.pop() {
        let values = key.values().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        content.push((key.path(), values));
        waiting.extend(key.subkeys());
    }
    content
}
