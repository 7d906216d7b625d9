//! Reading one key: its values, its subkeys, and the figures about them.

use crate::hive::Node;
use crate::name;
use crate::time::FileTime;
use crate::value::Value;

/// A key of a [`crate::Hive`], for reading. It borrows the hive, so nothing changes while it is looked at.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    node: &'a Node,
    path: String,
}

/// The figures about a key that `ClusterRegQueryInfoKey` returns (reference 06.3). Lengths are in characters (UTF-16
/// units) without the NUL, sizes in bytes. There is no security descriptor, so its size is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyInfo {
    /// Number of direct subkeys.
    pub subkeys: usize,
    /// Length of the longest name of a subkey.
    pub max_subkey_chars: usize,
    /// Number of values.
    pub values: usize,
    /// Length of the longest name of a value.
    pub max_value_name_chars: usize,
    /// Size of the largest data of a value.
    pub max_value_bytes: usize,
    /// When a value of the key, or the list of its subkeys, was last changed.
    pub last_write: FileTime,
}

impl<'a> Key<'a> {
    pub(crate) fn root(node: &'a Node) -> Key<'a> {
        Key { node, path: String::new() }
    }

    /// The name of the key as it was created; empty for the root.
    pub fn name(&self) -> &'a str {
        &self.node.name
    }

    /// The path from the root, each name as it was created.
    pub fn path(&self) -> String {
        self.path.clone()
    }

    /// When a value of the key, or the list of its subkeys, was last changed.
    pub fn last_write(&self) -> FileTime {
        self.node.last_write
    }

    /// The value called `name`, in any case; the empty name is the default value.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.node.value(name)
    }

    /// All values in the order of their folded names. The order is that of the indexes of `ClusterRegEnumValue`.
    pub fn values(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.node.values.values().map(|named| (&*named.name, &*named.value))
    }

    /// All direct subkeys in the order of their folded names. The order is that of the indexes of `ClusterRegEnumKey`.
    pub fn subkeys(&self) -> impl Iterator<Item = Key<'a>> + use<'a> {
        let parent = self.path.clone();
        self.node.keys.values().map(move |node| Key::below(&parent, node))
    }

    /// The key at `sub`, relative to this one; `""` is this key. `None` when there is none or the path is malformed.
    pub fn key(&self, sub: &str) -> Option<Key<'a>> {
        name::split(sub).ok()?.iter().try_fold(self.clone(), |key, name| {
            let node = key.node.subkey(name)?;
            Some(Key::below(&key.path, node))
        })
    }

    /// The figures about this key.
    pub fn info(&self) -> KeyInfo {
        let node = self.node;
        KeyInfo {
            subkeys: node.keys.len(),
            max_subkey_chars: node.keys.values().map(|key| name::chars(&key.name)).max().unwrap_or(0),
            values: node.values.len(),
            max_value_name_chars: node.values.values().map(|named| name::chars(&named.name)).max().unwrap_or(0),
            max_value_bytes: node.values.values().map(|named| named.value.data.len()).max().unwrap_or(0),
            last_write: node.last_write,
        }
    }

    fn below(parent: &str, node: &'a Node) -> Key<'a> {
        let mut path = parent.to_owned();
        name::push(&mut path, &node.name);
        Key { node, path }
    }
}
