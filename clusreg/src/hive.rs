//! The hive: the whole tree of keys and values, in memory.
//!
//! A hive is ordinary data: two hives with the same content are equal, the order of everything in it is fixed, and it
//! changes only through [`Hive::apply`]. Copies share what they have in common (each key is reference counted and
//! copied when it is first changed), so a copy costs nothing, going back to one after a refused batch is exact, and
//! [`Hive::diff`] skips whole subtrees that two hives share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Error;
use crate::key::Key;
use crate::limits;
use crate::name;
use crate::time::FileTime;
use crate::value::Value;

/// The tree of keys and values that a cluster agrees on (reference 06.2).
///
/// Every node has one inside its replicated state. The root has no name; paths are relative to it and separated by
/// `\`. Reading is done through [`Hive::key`] and [`Hive::value`], writing through [`Hive::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hive {
    pub(crate) root: Arc<Node>,
    bytes: usize,
}

/// One key with its values and subkeys, both ordered by folded name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) last_write: FileTime,
    pub(crate) values: BTreeMap<Arc<str>, NamedValue>,
    pub(crate) keys: BTreeMap<Arc<str>, Arc<Node>>,
}

/// A value with the name it was created with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedValue {
    pub(crate) name: Arc<str>,
    pub(crate) value: Arc<Value>,
}

impl Default for Hive {
    fn default() -> Hive {
        Hive { root: Arc::new(Node::new("".into(), FileTime::default())), bytes: 0 }
    }
}

impl Node {
    fn new(name: Arc<str>, last_write: FileTime) -> Node {
        Node { name, last_write, values: BTreeMap::new(), keys: BTreeMap::new() }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name::fold(name).as_str()).map(|named| &*named.value)
    }

    pub(crate) fn subkey(&self, name: &str) -> Option<&Node> {
        self.keys.get(name::fold(name).as_str()).map(|node| &**node)
    }
}

/// Reading.
impl Hive {
    /// An empty hive: a root without values and subkeys, last written at time 0.
    pub fn new() -> Hive {
        Hive::default()
    }

    /// The key at `path` (`""` is the root), or `None` when there is none or the path is malformed.
    pub fn key(&self, path: &str) -> Option<Key<'_>> {
        Key::root(&self.root).key(path)
    }

    /// The value `name` of the key at `path`; the empty name is the default value.
    pub fn value(&self, path: &str, name: &str) -> Option<&Value> {
        self.node(path)?.value(name)
    }

    /// The number of a DWORD value; `None` when it is missing or something else.
    pub fn dword(&self, path: &str, name: &str) -> Option<u32> {
        self.value(path, name)?.as_dword()
    }

    /// The text of a string value; `None` when it is missing or something else.
    pub fn sz(&self, path: &str, name: &str) -> Option<String> {
        self.value(path, name)?.as_sz()
    }

    /// The strings of a list value; `None` when it is missing or something else.
    pub fn multi_sz(&self, path: &str, name: &str) -> Option<Vec<String>> {
        self.value(path, name)?.as_multi_sz()
    }

    /// The size of the hive as the limit [`limits::HIVE_BYTES`] counts it: the names and data of everything below the
    /// root, and a fixed cost per key and value.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn node(&self, path: &str) -> Option<&Node> {
        if path.is_empty() {
            return Some(&self.root);
        }
        path.split(name::SEPARATOR).try_fold(&*self.root, |node, name| node.subkey(name))
    }

    /// The path with each name as its key was created, when the key exists.
    pub(crate) fn canonical(&self, names: &[&str]) -> Option<String> {
        let mut node = &*self.root;
        let mut path = String::new();
        for name in names {
            node = node.subkey(name)?;
            name::push(&mut path, &node.name);
        }
        Some(path)
    }
}

/// Changing, one step at a time. [`Hive::apply`] calls these, and takes the hive back when a later step fails.
/// Paths must have gone through [`name::split`].
impl Hive {
    /// Creates the missing keys of a path, adds their paths to `created`, and returns the path as it is written in
    /// the tree.
    pub(crate) fn create(&mut self, names: &[&str], at: FileTime, created: &mut Vec<String>) -> Result<String, Error> {
        let existing = (0..=names.len()).rev().find_map(|depth| Some((depth, self.canonical(&names[..depth])?)));
        let (depth, mut path) = existing.unwrap_or_default();
        let missing = &names[depth..];
        if missing.is_empty() {
            return Ok(path);
        }
        self.grow(missing.iter().map(|name| limits::KEY_COST + name.len()).sum(), 0)?;
        let mut node = self.node_mut(&path)?;
        for name in missing {
            node.last_write = at;
            let name: Arc<str> = Arc::from(*name);
            name::push(&mut path, &name);
            created.push(path.clone());
            let child = node.keys.entry(name::fold_shared(&name)).or_insert_with(|| Arc::new(Node::new(name, at)));
            node = Arc::make_mut(child);
        }
        Ok(path)
    }

    /// Sets a value of an existing key and returns its name as it is written in the tree.
    pub(crate) fn set(&mut self, path: &str, name: &str, value: &Value, at: FileTime) -> Result<Arc<str>, Error> {
        name::check_value_name(name)?;
        if value.data.len() > limits::VALUE_BYTES {
            return Err(Error::ValueTooLarge { name: name::shorten(name), bytes: value.data.len() });
        }
        let node = self.node(path).ok_or_else(|| Error::KeyMissing { path: path.to_owned() })?;
        let folded = name::fold(name);
        let old = node.values.get(folded.as_str());
        let name: Arc<str> = old.map_or_else(|| Arc::from(name), |named| Arc::clone(&named.name));
        let freed = old.map_or(0, |named| value_cost(&named.name, &named.value));
        self.grow(value_cost(&name, value), freed)?;
        let node = self.node_mut(path)?;
        node.last_write = at;
        let named = NamedValue { name: Arc::clone(&name), value: Arc::new(value.clone()) };
        node.values.insert(name::fold_shared(&name), named);
        Ok(name)
    }

    /// Deletes a value when it is there and returns the name it had.
    pub(crate) fn unset(&mut self, path: &str, name: &str, at: FileTime) -> Option<Arc<str>> {
        self.node(path)?.value(name)?;
        let node = self.node_mut(path).ok()?;
        let named = node.values.remove(name::fold(name).as_str())?;
        node.last_write = at;
        self.bytes -= value_cost(&named.name, &named.value);
        Some(named.name)
    }

    /// Deletes a key with all that is below it, and adds the paths of the deleted keys to `deleted`, children first.
    /// The root stays.
    pub(crate) fn delete_tree(&mut self, path: &str, at: FileTime, deleted: &mut Vec<String>) {
        let (parent, name) = path.rsplit_once(name::SEPARATOR).unwrap_or(("", path));
        if self.node(path).is_none() {
            return;
        }
        let Ok(node) = self.node_mut(parent) else {
            return;
        };
        let Some(gone) = node.keys.remove(name::fold(name).as_str()) else {
            return;
        };
        node.last_write = at;
        self.bytes -= list_tree(&gone, path.to_owned(), deleted);
    }

    /// Puts a key that was read from elsewhere below an existing parent. The size is counted and all limits are kept.
    pub(crate) fn restore_key(&mut self, path: &str, last_write: FileTime) -> Result<(), Error> {
        let names = name::split(path)?;
        let mut created = Vec::new();
        self.create(&names, last_write, &mut created)?;
        self.node_mut(path)?.last_write = last_write;
        Ok(())
    }

    /// The node at a path, made private to this hive along the way.
    fn node_mut(&mut self, path: &str) -> Result<&mut Node, Error> {
        let mut node = Arc::make_mut(&mut self.root);
        if !path.is_empty() {
            for name in path.split(name::SEPARATOR) {
                let child = node.keys.get_mut(name::fold(name).as_str());
                node = Arc::make_mut(child.ok_or_else(|| Error::KeyMissing { path: path.to_owned() })?);
            }
        }
        Ok(node)
    }

    fn grow(&mut self, more: usize, less: usize) -> Result<(), Error> {
        let bytes = self.bytes + more - less;
        if bytes > limits::HIVE_BYTES && more > less {
            return Err(Error::HiveFull { bytes });
        }
        self.bytes = bytes;
        Ok(())
    }
}

fn value_cost(name: &str, value: &Value) -> usize {
    limits::VALUE_COST + name.len() + value.data.len()
}

/// Lists the keys of a tree, children first, and returns what the tree costs.
fn list_tree(node: &Node, path: String, paths: &mut Vec<String>) -> usize {
    let mut cost = limits::KEY_COST + node.name.len();
    cost += node.values.values().map(|named| value_cost(&named.name, &named.value)).sum::<usize>();
    for child in node.keys.values() {
        let mut below = path.clone();
        name::push(&mut below, &child.name);
        cost += list_tree(child, below, paths);
    }
    paths.push(path);
    cost
}
