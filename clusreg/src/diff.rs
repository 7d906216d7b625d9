//! What differs between two hives, key by key: how a store writes only what changed.
//!
//! Hives that descend from one another share the keys that neither has changed, and shared keys are skipped with all
//! that is below them. So the cost is that of the change and of its neighbours, not that of the hive.

use std::sync::Arc;

use crate::hive::{Hive, Node};
use crate::name;

/// One key that differs between an older and a newer hive. The path has the names of the hive the key is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The key is new, or its name, values or last write time differ. Its subkeys are listed on their own.
    Put {
        /// The path in the newer hive.
        path: String,
    },
    /// The key is not in the newer hive. Its subkeys are listed on their own.
    Removed {
        /// The path in the older hive.
        path: String,
    },
}

impl Hive {
    /// What has to be done to this hive to get `newer`, key by key, each key before its subkeys.
    pub fn diff(&self, newer: &Hive) -> Vec<Difference> {
        let mut differences = Vec::new();
        compare(&self.root, &newer.root, String::new(), &mut differences);
        differences
    }
}

fn compare(old: &Arc<Node>, new: &Arc<Node>, path: String, differences: &mut Vec<Difference>) {
    if Arc::ptr_eq(old, new) {
        return;
    }
    if old.name != new.name || old.last_write != new.last_write || old.values != new.values {
        differences.push(Difference::Put { path: path.clone() });
    }
    for (folded, gone) in &old.keys {
        if !new.keys.contains_key(folded) {
            list(gone, below(&path, gone), differences, |path| Difference::Removed { path });
        }
    }
    for (folded, child) in &new.keys {
        let path = below(&path, child);
        match old.keys.get(folded) {
            Some(former) => compare(former, child, path, differences),
            None => list(child, path, differences, |path| Difference::Put { path }),
        }
    }
}

fn list(node: &Node, path: String, differences: &mut Vec<Difference>, difference: fn(String) -> Difference) {
    differences.push(difference(path.clone()));
    for child in node.keys.values() {
        list(child, below(&path, child), differences, difference);
    }
}

fn below(parent: &str, child: &Node) -> String {
    let mut path = parent.to_owned();
    name::push(&mut path, &child.name);
    path
}
