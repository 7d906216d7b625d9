//! The private properties of one resource: what is stored, checked, with defaults for the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use resapi_sys_mock::codes::win32::{ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER, ERROR_NOT_READY};
use resapi_sys_mock::property_list::Value;

use crate::property::{self, Property};
use crate::{Failure, RegistryKey};

/// Name of the key, below the key of the resource, that holds private properties (reference 01.3, Open).
const PARAMETERS: &str = "Parameters";

/// Handle to the private properties; clones show the same values.
///
/// Values are read before `open` and afresh before each `online`, so that they do not change below a running
/// resource. A getter for a name that [`crate::ResourceType::PROPERTIES`] does not declare with that format is a
/// bug of the type and panics; the door turns that into error 5930 and a log line.
#[derive(Clone, Debug)]
pub struct Properties {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    table: &'static [Property],
    accepts_unknown: bool,
    /// The key of the resource; `None` when the host offers no registry.
    key: Option<RegistryKey>,
    stored: RwLock<Stored>,
}

/// Values found in the registry, by upper-cased name, with the name as stored.
type Stored = BTreeMap<String, (String, Value)>;

impl Properties {
    pub(crate) fn new(table: &'static [Property], accepts_unknown: bool, key: Option<RegistryKey>) -> Self {
        Self { inner: Arc::new(Inner { table, accepts_unknown, key, stored: RwLock::default() }) }
    }

    /// Value of a text property.
    pub fn text(&self, name: &str) -> String {
        match self.declared(name) {
            Value::Sz(text) | Value::ExpandSz(text) => text,
            other => wrong_getter(name, &other, "text"),
        }
    }

    /// Value of a number property.
    pub fn number(&self, name: &str) -> u32 {
        match self.declared(name) {
            Value::Dword(number) => number,
            other => wrong_getter(name, &other, "number"),
        }
    }

    /// Value of a list property.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.declared(name) {
            Value::MultiSz(list) => list,
            other => wrong_getter(name, &other, "list"),
        }
    }

    /// Value of a bytes property.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        match self.declared(name) {
            Value::Binary(data) => data,
            other => wrong_getter(name, &other, "bytes"),
        }
    }

    /// What is stored under a name, declared or not; `None` when nothing is. Never panics.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.read().get(&name.to_uppercase()).map(|(_, value)| value.clone())
    }

    /// Names and values of everything stored that the table does not declare.
    pub fn unknown(&self) -> Vec<(String, Value)> {
        let stored = self.read();
        stored.values().filter(|(name, _)| self.property(name).is_none()).cloned().collect()
    }

    /// Writes one of the resource's own properties, read-only ones included, and shows it at once. `Err` when the
    /// value does not fit the table, the name is not declared (87) or the registry refuses.
    pub fn store(&self, name: &str, value: Value) -> Result<(), Failure> {
        match self.property(name) {
            Some(property) => property.check(&value)?,
            None => self.refuse_unknown(name)?,
        }
        self.write(&[(name.to_owned(), Some(value))])
    }

    /// Reads all values afresh; the door does it before `open`, each `online`, and each
    /// `arbitrate` of a resource that is not in service. On an error (a stored value of a
    /// wrong type or out of range, or no answer from the registry) the former values stay.
    pub fn refresh(&self) -> Result<(), Failure> {
        let (stored, trouble) = self.load()?;
        if let Some(failure) = trouble {
            return Err(failure);
        }
        *self.inner.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(())
    }

    /// The good values of the registry and the first trouble with a bad one.
    fn load(&self) -> Result<(Stored, Option<Failure>), Failure> {
        let mut stored = Stored::new();
        let mut trouble = None;
        let Some(parameters) = self.parameters()? else { return Ok((stored, trouble)) };
        for property in self.inner.table {
            let Some(found) = parameters.stored(property.name)? else { continue };
            match property.read(&found) {
                Ok(value) => {
                    stored.insert(property.name.to_uppercase(), (property.name.to_owned(), value));
                }
                Err(failure) => trouble = trouble.or(Some(failure)),
            }
        }
        if self.inner.accepts_unknown {
            for (name, value) in parameters.values()? {
                if self.property(&name).is_none() {
                    stored.insert(name.to_uppercase(), (name, value));
                }
            }
        }
        Ok((stored, trouble))
    }

    /// Checks that every required property has a value.
    pub(crate) fn check_required(&self) -> Result<(), Failure> {
        for property in self.inner.table.iter().filter(|property| property.is_required) {
            let value = self.get(property.name);
            if value.is_none_or(|value| property::is_empty(&value)) {
                return Err(property.refuse(ERROR_FILE_NOT_FOUND, "is required and not set: set it, then try again"));
            }
        }
        Ok(())
    }

    /// Writes values and deletes those that are `None`, in order. Not atomic: the registry functions of a resource
    /// DLL have no batch here, and every value was checked before.
    pub(crate) fn write(&self, changes: &[(String, Option<Value>)]) -> Result<(), Failure> {
        let Some(key) = &self.inner.key else {
            return Err(Failure::new(ERROR_NOT_READY, "this host offers no cluster registry to store properties in"));
        };
        let parameters = key.create_key(PARAMETERS)?;
        for (name, value) in changes {
            let property = self.property(name);
            let name = property.map_or(name.as_str(), |property| property.name);
            match value {
                Some(value) => parameters.set_value(name, value)?,
                None => parameters.delete_value(name)?,
            }
            let mut stored = self.inner.stored.write().unwrap_or_else(PoisonError::into_inner);
            match value {
                Some(value) => stored.insert(name.to_uppercase(), (name.to_owned(), value.clone())),
                None => stored.remove(&name.to_uppercase()),
            };
        }
        Ok(())
    }

    /// What the registry holds right now, for control codes; the getters keep showing the former values. A bad value
    /// reads as its default here: it must stay possible to look at the others and to set it right.
    pub(crate) fn stored_now(&self) -> Result<Self, Failure> {
        let now = Self::new(self.inner.table, self.inner.accepts_unknown, self.inner.key.clone());
        let (stored, _trouble) = now.load()?;
        *now.inner.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(now)
    }

    /// Refuses a name that is not in the table unless the type takes any.
    pub(crate) fn refuse_unknown(&self, name: &str) -> Result<(), Failure> {
        if self.inner.accepts_unknown {
            return Ok(());
        }
        let known: Vec<_> = self.inner.table.iter().map(Property::name).collect();
        let problem = format!("there is no property {name}: this type has {}", known.join(", "));
        Err(Failure::new(ERROR_INVALID_PARAMETER, problem))
    }

    pub(crate) fn table(&self) -> &'static [Property] {
        self.inner.table
    }

    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.inner.table.iter().find(|property| property.has_name(name))
    }

    /// The stored value or the default of a declared property.
    pub(crate) fn value_of(&self, property: &Property) -> Value {
        self.get(property.name).unwrap_or_else(|| property.default_value())
    }

    fn declared(&self, name: &str) -> Value {
        let Some(property) = self.property(name) else {
            panic!("bug of the resource type: it asks for property {name}, which PROPERTIES does not declare");
        };
        self.value_of(property)
    }

    fn parameters(&self) -> Result<Option<RegistryKey>, Failure> {
        match &self.inner.key {
            Some(key) => key.key(PARAMETERS),
            None => Ok(None),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Stored> {
        self.inner.stored.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wrong_getter(name: &str, value: &Value, asked: &str) -> ! {
    panic!("bug of the resource type: it asks for property {name} as {asked}, which is declared as {value:?}")
}
