//! What every instance of a built-in type keeps from Open: its context, where it is, and who it is.

use std::path::PathBuf;

use resapi::{Context, Failure, providers};

use crate::place::{self, Place};

/// The surroundings of one built-in resource.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// Name, properties, log.
    pub(crate) context: Context,
    /// Node and directories.
    pub(crate) place: Place,
    /// The id of the resource; empty when the monitor did not tell it (see [`place::opening`]).
    pub(crate) id: String,
}

impl Instance {
    /// Called in `open`, on the thread on which the monitor calls Open.
    ///
    /// # Errors
    /// 5023 when this process was not told where it is.
    pub(crate) fn open(context: Context) -> Result<Instance, Failure> {
        Ok(Instance { context, place: place::current()?, id: place::opened_id() })
    }

    /// The name of the resource.
    pub(crate) fn name(&self) -> &str {
        self.context.name()
    }

    /// The references to what this resource depends on; none when its key cannot be read.
    pub(crate) fn providers(&self) -> Vec<String> {
        providers::of(&self.context)
    }

    /// A file of this node that belongs to this resource alone.
    pub(crate) fn run_file(&self, end: &str) -> PathBuf {
        let own = if self.id.is_empty() { self.name() } else { &self.id };
        self.place.run_dir.join(format!("{}.{end}", place::file_name(own)))
    }
}
