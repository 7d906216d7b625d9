//! A key of the cluster registry, for resource types that keep more than properties there.

use std::sync::Arc;

use resapi_sys_mock::abi::KEY_ALL_ACCESS;
use resapi_sys_mock::codes::win32::{ERROR_FILE_NOT_FOUND, ERROR_INVALID_DATA, ERROR_NO_MORE_ITEMS};
use resapi_sys_mock::host;
use resapi_sys_mock::property_list::Value;

use crate::Failure;
use crate::door::host::Bound;

/// Most values or keys that one listing returns; the cluster registry is not made for more.
const LISTING_MAX: u32 = 10_000;

/// An open key of the cluster registry, replicated to all nodes. Closed when the last clone is dropped.
///
/// A write returns when the cluster has agreed, so do not write on the monitor's thread more than needed.
#[derive(Clone, Debug)]
pub struct RegistryKey {
    open: Arc<Open>,
}

/// The one handle behind all clones.
#[derive(Debug)]
struct Open {
    host: Bound,
    key: usize,
}

impl Drop for Open {
    fn drop(&mut self) {
        // A handle that the host no longer knows needs no closing.
        let _ = self.host.close_key(self.key);
    }
}

impl RegistryKey {
    /// Opens the key that a monitor gave to `Open` once more, because that handle is not ours to keep or close.
    pub(crate) fn duplicate(host: Bound, foreign: usize) -> Result<Self, Failure> {
        let key = host
            .open_key(foreign, "", KEY_ALL_ACCESS)
            .map_err(|code| Failure::from_code(code, "cannot open the key of the resource"))?;
        Ok(Self { open: Arc::new(Open { host, key }) })
    }

    /// Opens a key below this one; `path` has levels separated by `\` and does not start with one. `None` when
    /// missing.
    pub fn key(&self, path: &str) -> Result<Option<Self>, Failure> {
        match self.open.host.open_key(self.open.key, path, KEY_ALL_ACCESS) {
            Ok(key) => Ok(Some(self.child(key))),
            Err(ERROR_FILE_NOT_FOUND) => Ok(None),
            Err(code) => Err(Failure::from_code(code, &format!("cannot open the key {path}"))),
        }
    }

    /// Opens a key below this one and creates what is missing.
    pub fn create_key(&self, path: &str) -> Result<Self, Failure> {
        let created = self.open.host.create_key(self.open.key, path, KEY_ALL_ACCESS);
        created
            .map(|key| self.child(key))
            .map_err(|code| Failure::from_code(code, &format!("cannot create the key {path}")))
    }

    /// Names of the keys below this one.
    pub fn keys(&self) -> Result<Vec<String>, Failure> {
        self.listing(|index| self.open.host.key_at(self.open.key, index))
    }

    /// Reads a value; `""` is the default value. `None` when missing.
    pub fn value(&self, name: &str) -> Result<Option<Value>, Failure> {
        let stored = self.stored(name)?;
        stored.map(|stored| self.readable(name, &stored)).transpose()
    }

    /// Names and values of this key.
    pub fn values(&self) -> Result<Vec<(String, Value)>, Failure> {
        let stored = self.listing(|index| self.open.host.value_at(self.open.key, index))?;
        stored.into_iter().map(|(name, value)| self.readable(&name, &value).map(|value| (name, value))).collect()
    }

    /// Writes a value.
    pub fn set_value(&self, name: &str, value: &Value) -> Result<(), Failure> {
        let (kind, data) = value.registry();
        self.open
            .host
            .set_value(self.open.key, name, &host::Value { kind, data })
            .map_err(|code| Failure::from_code(code, &format!("cannot write the value {name}")))
    }

    /// Deletes a value; a missing one is fine.
    pub fn delete_value(&self, name: &str) -> Result<(), Failure> {
        match self.open.host.delete_value(self.open.key, name) {
            Ok(()) | Err(ERROR_FILE_NOT_FOUND) => Ok(()),
            Err(code) => Err(Failure::from_code(code, &format!("cannot delete the value {name}"))),
        }
    }

    /// Type and bytes of a value as they are.
    pub(crate) fn stored(&self, name: &str) -> Result<Option<host::Value>, Failure> {
        match self.open.host.query_value(self.open.key, name) {
            Ok(value) => Ok(Some(value)),
            Err(ERROR_FILE_NOT_FOUND) => Ok(None),
            Err(code) => Err(Failure::from_code(code, &format!("cannot read the value {name}"))),
        }
    }

    fn child(&self, key: usize) -> Self {
        Self { open: Arc::new(Open { host: self.open.host, key }) }
    }

    fn readable(&self, name: &str, stored: &host::Value) -> Result<Value, Failure> {
        Value::from_registry(stored.kind, &stored.data).ok_or_else(|| {
            Failure::new(
                ERROR_INVALID_DATA,
                format!("the value {name} has a size that its type cannot have: set it again"),
            )
        })
    }

    fn listing<E>(&self, at: impl Fn(u32) -> Result<E, u32>) -> Result<Vec<E>, Failure> {
        let mut all = Vec::new();
        for index in 0..LISTING_MAX {
            match at(index) {
                Ok(item) => all.push(item),
                Err(ERROR_NO_MORE_ITEMS) => break,
                Err(code) => return Err(Failure::from_code(code, "cannot list the key")),
            }
        }
        Ok(all)
    }
}
