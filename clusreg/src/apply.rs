//! Carrying out a batch: the rules of reference 06.4.
//!
//! The hive before the batch is kept while the commands run. That copy shares all keys with the hive, only the keys
//! that the batch touches are copied, and a refused batch puts it back. So "all or nothing" needs no code per command.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Command, Comparison};
use crate::error::{BatchError, Error};
use crate::hive::Hive;
use crate::limits;
use crate::name;
use crate::time::FileTime;
use crate::value::{Value, ValueType};

/// One thing a batch did, for watches and logs. In the order in which it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The key, from the root, each name as it was created.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What a batch did to a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// The key is new.
    KeyCreated,
    /// The key is gone. Keys of a deleted tree are listed one by one, children first; their values are not listed.
    KeyDeleted,
    /// A value was set, perhaps to what it was before.
    ValueSet {
        /// The name as it was created.
        name: String,
    },
    /// A value is gone.
    ValueDeleted {
        /// The name as it was created.
        name: String,
    },
}

impl Hive {
    /// Carries out a batch, all of it or nothing, and returns what changed.
    ///
    /// Called by the replicated state machine for each committed batch, and by anyone who owns a hive. `at` becomes the
    /// last write time of every key that is touched. On an error the hive is exactly as it was; the error names the
    /// command. A batch without commands succeeds if its base exists.
    pub fn apply(&mut self, batch: &Batch, at: FileTime) -> Result<Vec<Change>, BatchError> {
        check_size(batch).map_err(|error| BatchError { index: None, error })?;
        let mut run = Run::start(self, &batch.base, at).map_err(|error| BatchError { index: None, error })?;
        for (index, command) in batch.commands.iter().enumerate() {
            if let Err(error) = run.command(command) {
                *run.hive = run.before;
                return Err(BatchError { index: Some(index), error });
            }
        }
        Ok(run.changes)
    }
}

fn check_size(batch: &Batch) -> Result<(), Error> {
    let commands = batch.commands.len();
    if commands > limits::BATCH_COMMANDS {
        return Err(Error::TooManyCommands { commands });
    }
    let bytes = batch.commands.iter().map(Command::bytes).sum();
    if bytes > limits::BATCH_BYTES {
        return Err(Error::BatchTooLarge { bytes });
    }
    Ok(())
}

/// A batch under way.
struct Run<'a> {
    hive: &'a mut Hive,
    before: Hive,
    at: FileTime,
    base: String,
    /// The key that value commands act on; none after a key was deleted.
    current: Option<String>,
    changes: Vec<Change>,
}

impl<'a> Run<'a> {
    fn start(hive: &'a mut Hive, base: &str, at: FileTime) -> Result<Run<'a>, Error> {
        let names = name::split(base)?;
        let base = hive.canonical(&names).ok_or_else(|| Error::KeyMissing { path: base.to_owned() })?;
        Ok(Run { before: hive.clone(), hive, at, current: Some(base.clone()), base, changes: Vec::new() })
    }

    fn command(&mut self, command: &Command) -> Result<(), Error> {
        match command {
            Command::CreateKey { path } => self.create_key(path),
            Command::SetValue { name, value } => self.set_value(name, value),
            Command::DeleteValue { name } => self.delete_value(name),
            Command::DeleteKey { path } => self.delete_key(path),
            Command::DeleteTree { path } => self.delete_tree(path),
            Command::KeyExists { path } => self.expect_key(path, true),
            Command::KeyNotExists { path } => self.expect_key(path, false),
            Command::ValueExists { name } => self.expect_value(name, Comparison::Exists, None),
            Command::ValueNotExists { name } => self.expect_value(name, Comparison::NotExists, None),
            Command::ValueEqual { name, value } => self.expect_value(name, Comparison::Equal, Some(value)),
            Command::ValueNotEqual { name, value } => self.expect_value(name, Comparison::NotEqual, Some(value)),
            Command::ValueGreater { name, value } => self.expect_value(name, Comparison::Greater, Some(value)),
            Command::ValueLess { name, value } => self.expect_value(name, Comparison::Less, Some(value)),
        }
    }

    fn create_key(&mut self, path: &str) -> Result<(), Error> {
        let full = name::join(&self.base, path)?;
        let mut created = Vec::new();
        self.current = Some(self.hive.create(&name::split(&full)?, self.at, &mut created)?);
        self.changes.extend(created.into_iter().map(|path| Change { path, kind: ChangeKind::KeyCreated }));
        Ok(())
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        let path = self.current()?.to_owned();
        let name = self.hive.set(&path, name, value, self.at)?.as_ref().to_owned();
        self.changes.push(Change { path, kind: ChangeKind::ValueSet { name } });
        Ok(())
    }

    fn delete_value(&mut self, name: &str) -> Result<(), Error> {
        name::check_value_name(name)?;
        let path = self.current()?.to_owned();
        if let Some(name) = self.hive.unset(&path, name, self.at) {
            self.changes.push(Change { path, kind: ChangeKind::ValueDeleted { name: name.as_ref().to_owned() } });
        }
        Ok(())
    }

    fn delete_key(&mut self, path: &str) -> Result<(), Error> {
        let full = self.below_base(path)?;
        let key = self.hive.key(&full).ok_or_else(|| Error::KeyMissing { path: full.clone() })?;
        let subkeys = key.info().subkeys;
        if subkeys > 0 {
            return Err(Error::KeyHasSubkeys { path: key.path(), subkeys });
        }
        self.remove(&full)
    }

    fn delete_tree(&mut self, path: &str) -> Result<(), Error> {
        let full = self.below_base(path)?;
        self.remove(&full)
    }

    fn remove(&mut self, full: &str) -> Result<(), Error> {
        self.current = None;
        let mut deleted = Vec::new();
        if let Some(path) = self.hive.canonical(&name::split(full)?) {
            self.hive.delete_tree(&path, self.at, &mut deleted);
        }
        self.changes.extend(deleted.into_iter().map(|path| Change { path, kind: ChangeKind::KeyDeleted }));
        Ok(())
    }

    fn expect_key(&self, path: &str, expected: bool) -> Result<(), Error> {
        let full = name::join(&self.base, path)?;
        if self.hive.node(&full).is_some() == expected {
            return Ok(());
        }
        Err(Error::KeyCondition { path: full, expected })
    }

    fn expect_value(&self, name: &str, expected: Comparison, given: Option<&Value>) -> Result<(), Error> {
        name::check_value_name(name)?;
        let path = self.current()?;
        if holds(self.hive.value(path, name), expected, given) {
            return Ok(());
        }
        Err(Error::ValueCondition { path: path.to_owned(), name: name.to_owned(), expected })
    }

    fn current(&self) -> Result<&str, Error> {
        self.current.as_deref().ok_or(Error::NoCurrentKey)
    }

    /// The path of a key to be deleted, which must not be the base itself.
    fn below_base(&self, path: &str) -> Result<String, Error> {
        if path.is_empty() {
            return Err(Error::DeletesItsBase { base: self.base.clone() });
        }
        name::join(&self.base, path)
    }
}

fn holds(found: Option<&Value>, expected: Comparison, given: Option<&Value>) -> bool {
    match expected {
        Comparison::Exists => found.is_some(),
        Comparison::NotExists => found.is_none(),
        Comparison::Equal => found == given,
        Comparison::NotEqual => found != given,
        Comparison::Greater => compare(found, given) == Some(Ordering::Greater),
        Comparison::Less => compare(found, given) == Some(Ordering::Less),
    }
}

/// The order of two values of the same type; none when they differ in type or one is missing.
fn compare(found: Option<&Value>, given: Option<&Value>) -> Option<Ordering> {
    let (found, given) = (found?, given?);
    if found.kind != given.kind {
        return None;
    }
    if let (Some(found), Some(given)) = (found.as_dword(), given.as_dword()) {
        return Some(found.cmp(&given));
    }
    if let (Some(found), Some(given)) = (found.as_qword(), given.as_qword()) {
        return Some(found.cmp(&given));
    }
    if matches!(found.kind, ValueType::SZ | ValueType::EXPAND_SZ | ValueType::LINK | ValueType::MULTI_SZ) {
        return Some(found.units().cmp(&given.units()));
    }
    Some(found.data.cmp(&given.data))
}
