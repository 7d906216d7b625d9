//! What a table says of the values of a key, and of a property list that wants to set some.

use super::item::{Item, Table, same};
use crate::codes::win32::{
    ERROR_FILE_NOT_FOUND, ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_DATA, ERROR_INVALID_PARAMETER,
};
use crate::property_list::{self, Format, Value};

/// Name, registry type and bytes of a stored value.
pub type Stored = (String, u32, Vec<u8>);

/// A key of the cluster registry, with the values of a table in it and in its subkeys. Errors are Win32 codes.
pub trait Store {
    /// The value, or `None`.
    fn query(&self, key_name: &str, name: &str) -> Result<Option<(u32, Vec<u8>)>, u32>;
    /// Writes a value; makes the subkey when it is missing.
    fn set(&self, key_name: &str, name: &str, kind: u32, bytes: &[u8]) -> Result<(), u32>;
    /// Deletes a value; one that is missing is fine.
    fn delete(&self, key_name: &str, name: &str) -> Result<(), u32>;
    /// All values of the key itself.
    fn all(&self) -> Result<Vec<Stored>, u32>;
}

/// A property of a list that may be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Its name as the table has it, or as the list has it when the table does not know it.
    pub name: String,
    /// Number of the item in the table; `None` for a property that it does not know.
    pub item: Option<usize>,
    /// The new value; `None` deletes what is stored.
    pub value: Option<Value>,
}

impl Table {
    /// The value of an item: what is stored, or the default.
    pub fn value(item: &Item, store: &dyn Store) -> Result<Value, u32> {
        Ok(Self::stored(item, store)?.unwrap_or_else(|| item.default_value()))
    }

    /// What is stored of an item. Bytes that are not of its format count as missing.
    pub fn stored(item: &Item, store: &dyn Store) -> Result<Option<Value>, u32> {
        if item.is_in_memory() {
            return Ok(None);
        }
        let found = store.query(&item.key_name, &item.name)?;
        Ok(found.and_then(|(kind, bytes)| read_as(item.format, kind, &bytes)))
    }

    /// All properties of the table, with their values.
    pub fn values(&self, store: &dyn Store) -> Result<Vec<(String, Value)>, u32> {
        self.items.iter().map(|item| Ok((item.name.clone(), Table::value(item, store)?))).collect()
    }

    /// What stands in the key and not in the table.
    pub fn unknown(&self, store: &dyn Store) -> Result<Vec<(String, Value)>, u32> {
        Ok(untyped(store)?.into_iter().filter(|(name, _)| self.find(name).is_none()).collect())
    }

    /// Checks a property list against the table (reference 08.4). NULL lists arrive as `None`.
    ///
    /// # Errors
    /// 13 for a list that is missing or malformed, or a value of the wrong format; 122 for one that is cut short; 87 for an
    /// unknown property, a read-only one, or a value out of range.
    pub fn verify(&self, allow_unknown: bool, list: Option<&[u8]>) -> Result<Vec<Checked>, u32> {
        let list = list.ok_or(ERROR_INVALID_DATA)?;
        let properties = property_list::parse(list).map_err(|error| {
            // Cut short is told from malformed: something is missing, or reaches beyond the end.
            if error.problem.ends_with("missing") || error.problem.contains("longer") {
                ERROR_INSUFFICIENT_BUFFER
            } else {
                ERROR_INVALID_DATA
            }
        })?;
        properties.iter().map(|property| self.check(property, allow_unknown)).collect()
    }

    fn check(&self, property: &property_list::Property<'_>, allow_unknown: bool) -> Result<Checked, u32> {
        let entry = property.first();
        let found = self.items.iter().position(|item| same(&item.name, &property.name));
        let Some(at) = found else {
            if !allow_unknown {
                return Err(ERROR_INVALID_PARAMETER);
            }
            let value = if entry.data.is_empty() { None } else { Some(entry.value().map_err(|e| e.win32())?) };
            return Ok(Checked { name: property.name.clone(), item: None, value });
        };
        let item = &self.items[at];
        if item.is_read_only() {
            return Err(ERROR_INVALID_PARAMETER);
        }
        if !fits(item.format, entry.syntax) {
            return Err(ERROR_INVALID_DATA);
        }
        if entry.data.is_empty() && deletes(item.format) {
            return Ok(Checked { name: item.name.clone(), item: Some(at), value: None });
        }
        let value = Value::from_bytes(item.format.list_value(), entry.data).ok_or(ERROR_INVALID_DATA)?;
        if !item.allows(&value) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        Ok(Checked { name: item.name.clone(), item: Some(at), value: Some(value) })
    }

    /// Writes what was checked: only what differs, unless `force`.
    pub fn store(&self, checked: &[Checked], store: &dyn Store, force: bool) -> Result<(), u32> {
        for one in checked {
            let item = one.item.map(|at| &self.items[at]);
            if item.is_some_and(Item::is_in_memory) {
                continue;
            }
            let key_name = item.map_or("", |item| item.key_name.as_str());
            write(store, key_name, &one.name, one.value.as_ref(), force)?;
        }
        Ok(())
    }
}

/// Writes or deletes one value, if it differs or it must be.
pub(super) fn write(
    store: &dyn Store,
    key_name: &str,
    name: &str,
    value: Option<&Value>,
    force: bool,
) -> Result<(), u32> {
    let Some(value) = value else { return store.delete(key_name, name) };
    let (kind, bytes) = value.registry();
    let present = if force { None } else { store.query(key_name, name)? };
    if present.is_some_and(|present| present == (kind, bytes.clone())) {
        return Ok(());
    }
    store.set(key_name, name, kind, &bytes)
}

/// All values of a key as their registry types say.
pub(super) fn untyped(store: &dyn Store) -> Result<Vec<(String, Value)>, u32> {
    let all = match store.all() {
        Err(ERROR_FILE_NOT_FOUND) => Vec::new(),
        all => all?,
    };
    Ok(all
        .into_iter()
        .map(|(name, kind, bytes)| {
            let value = Value::from_registry(kind, &bytes).unwrap_or(Value::Binary(bytes));
            (name, value)
        })
        .collect())
}

/// Bytes of the registry as a value of a format; `None` when the type or the length does not fit.
fn read_as(format: Format, kind: u32, bytes: &[u8]) -> Option<Value> {
    let value = Value::from_bytes(format.list_value(), bytes);
    if format == Format::Word {
        // A WORD is stored as a DWORD.
        let number = u32::from_le_bytes(bytes.try_into().ok()?);
        return u16::try_from(number).ok().map(Value::Word);
    }
    let value = value?;
    let stored = value.registry().0;
    let is_text = |kind: u32| kind == crate::abi::REG_SZ || kind == crate::abi::REG_EXPAND_SZ;
    (stored == kind || (is_text(stored) && is_text(kind))).then_some(value)
}

/// May a value of this syntax be set as this format? Texts stand for each other.
fn fits(format: Format, syntax: u32) -> bool {
    let texts = [Format::Sz, Format::ExpandSz, Format::ExpandedSz];
    let is_text = texts.iter().any(|text| text.list_value() == syntax);
    format.list_value() == syntax || (texts.contains(&format) && is_text)
}

/// A value without bytes deletes a property of these formats (reference 04.1).
fn deletes(format: Format) -> bool {
    matches!(
        format,
        Format::Sz
            | Format::ExpandSz
            | Format::ExpandedSz
            | Format::MultiSz
            | Format::Binary
            | Format::SecurityDescriptor
    )
}
