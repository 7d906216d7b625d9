//! The hive as serde sees it: a flat list of keys, each before its subkeys.
//!
//! A flat list is compact (a key carries its own name and depth, not its path), always the same for equal hives, and
//! reading it needs no recursion, so that no input can exhaust the stack. What is read is checked like any change:
//! names, limits, duplicates.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hive::{Hive, Node};
use crate::name;
use crate::time::FileTime;
use crate::value::Value;

/// One key in the list: its depth (the root has 0), its name, its last write time, its values.
#[derive(Serialize)]
struct KeyOut<'a>(u32, &'a str, FileTime, Vec<(&'a str, &'a Value)>);

#[derive(Deserialize)]
struct KeyIn(u32, String, FileTime, Vec<(String, Value)>);

impl Serialize for Hive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = Vec::new();
        flatten(&self.root, 0, &mut keys);
        keys.serialize(serializer)
    }
}

fn flatten<'a>(node: &'a Node, depth: u32, keys: &mut Vec<KeyOut<'a>>) {
    let values = node.values.values().map(|named| (&*named.name, &*named.value)).collect();
    keys.push(KeyOut(depth, &node.name, node.last_write, values));
    for child in node.keys.values() {
        flatten(child, depth + 1, keys);
    }
}

impl<'de> Deserialize<'de> for Hive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hive, D::Error> {
        build(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn build(keys: Vec<KeyIn>) -> Result<Hive, String> {
    let mut hive = Hive::new();
    let mut names: Vec<String> = Vec::new();
    let mut last_writes = Vec::new();
    for (index, KeyIn(depth, name, last_write, values)) in keys.into_iter().enumerate() {
        let depth = depth as usize;
        if (index == 0) != (depth == 0) || depth > names.len() + 1 {
            return Err(format!(
                "key {index} of the hive is at depth {depth}, which does not follow from the one before"
            ));
        }
        if depth == 0 && !name.is_empty() {
            return Err("the root of the hive has a name".to_owned());
        }
        if name.contains(name::SEPARATOR) {
            return Err(format!("the name of key {index} of the hive has a backslash in it"));
        }
        names.truncate(depth.saturating_sub(1));
        if depth > 0 {
            names.push(name);
        }
        let path = names.join("\\");
        if depth > 0 && hive.node(&path).is_some() {
            return Err(format!("the key \"{}\" is in the hive twice", name::shorten(&path)));
        }
        hive.restore_key(&path, last_write).map_err(|error| error.to_string())?;
        let count = values.len();
        for (name, value) in values {
            hive.set(&path, &name, &value, last_write).map_err(|error| error.to_string())?;
        }
        if hive.node(&path).map(|node| node.values.len()) != Some(count) {
            return Err(format!("a value of the key \"{}\" is in the hive twice", name::shorten(&path)));
        }
        last_writes.push((path, last_write));
    }
    // Adding a subkey touched its parent.
    for (path, last_write) in last_writes {
        hive.restore_key(&path, last_write).map_err(|error| error.to_string())?;
    }
    Ok(hive)
}
