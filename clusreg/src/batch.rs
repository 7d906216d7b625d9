//! Batches: the only way to change a hive. A list of commands that is carried out as a whole or not at all.
//!
//! The commands are those of `ClusterRegBatchAddCommand` (reference 06.4) and one of ours. Two of them delete keys,
//! because Windows has two behaviours: `ClusterRegDeleteKey` deletes one key, which must exist and have no subkeys
//! ([`Command::DeleteKey`]); DELETE_KEY in a batch of Windows deletes the key with everything below and does not mind
//! when it is missing ([`Command::DeleteTree`]). A program's own batch is translated to the second.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// A list of commands relative to one key, to be given to [`crate::Hive::apply`].
///
/// Build one with [`Batch::at`] and the methods named after the commands, in the order in which they shall run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Batch {
    /// The key that key names in the commands are relative to; `""` is the root. It must exist.
    pub base: String,
    /// The commands in order; [`crate::limits::BATCH_COMMANDS`] at most.
    pub commands: Vec<Command>,
}

/// One command of a batch (`CLUSTER_REG_COMMAND`, reference 06.4).
///
/// Commands on keys name a key relative to the base of the batch. Commands on values act on the **current key**: the
/// base at first, then the key of the last CREATE_KEY, and none after a key was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Creates the key with all missing levels, or opens it, and makes it the current key.
    CreateKey {
        /// The key, relative to the base; `""` is the base.
        path: String,
    },
    /// Sets a value of the current key.
    SetValue {
        /// The name; `""` is the default value.
        name: String,
        /// The new value.
        value: Value,
    },
    /// Deletes a value of the current key; one that is missing is fine.
    DeleteValue {
        /// The name.
        name: String,
    },
    /// Deletes one key. It must exist (2) and have no subkeys (5). Then there is no current key.
    DeleteKey {
        /// The key, relative to the base.
        path: String,
    },
    /// Deletes a key and all below it; one that is missing is fine. Then there is no current key.
    DeleteTree {
        /// The key, relative to the base.
        path: String,
    },
    /// Goes on only if the key exists.
    KeyExists {
        /// The key, relative to the base.
        path: String,
    },
    /// Goes on only if the key does not exist.
    KeyNotExists {
        /// The key, relative to the base.
        path: String,
    },
    /// Goes on only if the current key has the value.
    ValueExists {
        /// The name.
        name: String,
    },
    /// Goes on only if the current key does not have the value.
    ValueNotExists {
        /// The name.
        name: String,
    },
    /// Goes on only if the value is there, of the same type and with the same bytes.
    ValueEqual {
        /// The name.
        name: String,
        /// What it is compared with.
        value: Value,
    },
    /// Goes on only if [`Command::ValueEqual`] would not: also when the value is missing.
    ValueNotEqual {
        /// The name.
        name: String,
        /// What it is compared with.
        value: Value,
    },
    /// Goes on only if the value is there, of the same type, and greater: numbers as numbers, the rest by its bytes
    /// (strings by their UTF-16 units, case counts).
    ValueGreater {
        /// The name.
        name: String,
        /// What it is compared with.
        value: Value,
    },
    /// Goes on only if the value is there, of the same type, and less.
    ValueLess {
        /// The name.
        name: String,
        /// What it is compared with.
        value: Value,
    },
}

/// What a condition on a value expects; part of the refusal when it is not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// That it exists.
    Exists,
    /// That it does not exist.
    NotExists,
    /// That it equals the given one.
    Equal,
    /// That it differs from the given one, or is missing.
    NotEqual,
    /// That it is greater than the given one.
    Greater,
    /// That it is less than the given one.
    Less,
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Comparison::Exists => "to exist",
            Comparison::NotExists => "not to exist",
            Comparison::Equal => "to equal the given one",
            Comparison::NotEqual => "to differ from the given one",
            Comparison::Greater => "to be greater than the given one",
            Comparison::Less => "to be less than the given one",
        })
    }
}

impl Command {
    /// The number of the command in `CLUSTER_REG_COMMAND`. [`Command::DeleteTree`] has the number of DELETE_KEY, as
    /// which it came in and which it is reported as.
    pub fn number(&self) -> u32 {
        match self {
            Command::SetValue { .. } => 1,
            Command::CreateKey { .. } => 2,
            Command::DeleteKey { .. } | Command::DeleteTree { .. } => 3,
            Command::DeleteValue { .. } => 4,
            Command::ValueExists { .. } => 11,
            Command::ValueNotExists { .. } => 12,
            Command::ValueEqual { .. } => 13,
            Command::ValueNotEqual { .. } => 14,
            Command::ValueGreater { .. } => 15,
            Command::ValueLess { .. } => 16,
            Command::KeyExists { .. } => 17,
            Command::KeyNotExists { .. } => 18,
        }
    }

    /// Bytes of names and data in the command, as [`crate::limits::BATCH_BYTES`] counts them.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Command::CreateKey { path }
            | Command::DeleteKey { path }
            | Command::DeleteTree { path }
            | Command::KeyExists { path }
            | Command::KeyNotExists { path } => path.len(),
            Command::DeleteValue { name } | Command::ValueExists { name } | Command::ValueNotExists { name } => {
                name.len()
            }
            Command::SetValue { name, value }
            | Command::ValueEqual { name, value }
            | Command::ValueNotEqual { name, value }
            | Command::ValueGreater { name, value }
            | Command::ValueLess { name, value } => name.len() + value.data.len(),
        }
    }
}

/// The methods are named after the commands and append one each; see [`Command`] for what they do.
impl Batch {
    /// An empty batch relative to the key at `base`.
    pub fn at(base: impl Into<String>) -> Batch {
        Batch { base: base.into(), commands: Vec::new() }
    }

    /// Appends any command.
    pub fn command(mut self, command: Command) -> Batch {
        self.commands.push(command);
        self
    }

    /// Appends [`Command::CreateKey`].
    pub fn create_key(self, path: impl Into<String>) -> Batch {
        self.command(Command::CreateKey { path: path.into() })
    }

    /// Appends [`Command::SetValue`].
    pub fn set_value(self, name: impl Into<String>, value: Value) -> Batch {
        self.command(Command::SetValue { name: name.into(), value })
    }

    /// Appends [`Command::DeleteValue`].
    pub fn delete_value(self, name: impl Into<String>) -> Batch {
        self.command(Command::DeleteValue { name: name.into() })
    }

    /// Appends [`Command::DeleteKey`].
    pub fn delete_key(self, path: impl Into<String>) -> Batch {
        self.command(Command::DeleteKey { path: path.into() })
    }

    /// Appends [`Command::DeleteTree`].
    pub fn delete_tree(self, path: impl Into<String>) -> Batch {
        self.command(Command::DeleteTree { path: path.into() })
    }

    /// Appends [`Command::KeyExists`].
    pub fn key_exists(self, path: impl Into<String>) -> Batch {
        self.command(Command::KeyExists { path: path.into() })
    }

    /// Appends [`Command::KeyNotExists`].
    pub fn key_not_exists(self, path: impl Into<String>) -> Batch {
        self.command(Command::KeyNotExists { path: path.into() })
    }

    /// Appends [`Command::ValueExists`].
    pub fn value_exists(self, name: impl Into<String>) -> Batch {
        self.command(Command::ValueExists { name: name.into() })
    }

    /// Appends [`Command::ValueNotExists`].
    pub fn value_not_exists(self, name: impl Into<String>) -> Batch {
        self.command(Command::ValueNotExists { name: name.into() })
    }

    /// Appends [`Command::ValueEqual`].
    pub fn value_equal(self, name: impl Into<String>, value: Value) -> Batch {
        self.command(Command::ValueEqual { name: name.into(), value })
    }

    /// Appends [`Command::ValueNotEqual`].
    pub fn value_not_equal(self, name: impl Into<String>, value: Value) -> Batch {
        self.command(Command::ValueNotEqual { name: name.into(), value })
    }

    /// Appends [`Command::ValueGreater`].
    pub fn value_greater(self, name: impl Into<String>, value: Value) -> Batch {
        self.command(Command::ValueGreater { name: name.into(), value })
    }

    /// Appends [`Command::ValueLess`].
    pub fn value_less(self, name: impl Into<String>, value: Value) -> Batch {
        self.command(Command::ValueLess { name: name.into(), value })
    }
}
