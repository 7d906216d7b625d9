//! A resource type that stands in for any other: it takes as long as it is told, fails as often as it is told, and hangs
//! when it is told to. `cluster scenario run --real` plays the resources of a scenario with it.
//!
//! All that it knows lies in one folder, the private property `Folder`, which all nodes see:
//!
//! | file | what it holds |
//! |---|---|
//! | `manner` | what to do, see [`manner`]; whoever directs the play replaces it |
//! | `fail` | while it is there, the resource is not alive; it is taken away by the failure that it causes |
//! | `NODE.runs` | locked while the resource is online on that node: the lock ends with the process, whatever ends that |
#![forbid(unsafe_code)]

pub mod manner;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resapi::codes::win32;
use resapi::{Context, Failure, Progress, Property, ResourceType};

use manner::{FAIL, Manner};

/// The name of this node, as a monitor has it in its environment.
const NODE_VARIABLE: &str = "WOLFDEN_NODE";
/// Longer than any PendingTimeout.
const FOR_EVER: Duration = Duration::from_secs(48 * 3_600);

/// One resource.
pub struct StandIn {
    context: Context,
    /// The locked file, while something runs.
    runs: Mutex<Option<File>>,
}

impl ResourceType for StandIn {
    const NAME: &'static str = "Stand-in";
    const PROPERTIES: &'static [Property] = &[Property::text("Folder").required()];

    fn open(context: Context) -> Result<Self, Failure> {
        let stand_in = StandIn { context, runs: Mutex::default() };
        // Without a folder it waits for its properties; they are checked by Online.
        if stand_in.folder().is_dir() && stand_in.manner()?.cannot_open {
            let text = "it was told not to be openable, as if its library could not be loaded";
            return Err(Failure::new(win32::ERROR_MOD_NOT_FOUND, text));
        }
        Ok(stand_in)
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        // From here on something of it runs, as in the simulator.
        self.lock_file()?;
        let manner = self.manner()?;
        self.play("Online", progress, manner.hangs_online, manner.online_ms, |m| &mut m.fail_online).inspect_err(|_| {
            self.runs().take();
        })
    }

    fn looks_alive(&self) -> bool {
        !self.folder().join(FAIL).exists()
    }

    fn is_alive(&self) -> Result<(), Failure> {
        match fs::remove_file(self.folder().join(FAIL)) {
            Ok(()) => Err(Failure::new(win32::ERROR_RESOURCE_FAILED, "it was told to fail")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn offline(&self, progress: &Progress) -> Result<(), Failure> {
        let manner = self.manner()?;
        self.play("Offline", progress, manner.hangs_offline, manner.offline_ms, |m| &mut m.fail_offline)?;
        self.runs().take();
        Ok(())
    }

    fn terminate(&self) {
        self.runs().take();
    }
}

impl StandIn {
    fn play(
        &self,
        call: &str,
        progress: &Progress,
        hangs: bool,
        takes_ms: u64,
        failures: fn(&mut Manner) -> &mut u32,
    ) -> Result<(), Failure> {
        if hangs {
            progress.checkpoint();
            progress.wait(FOR_EVER);
            return Err(Failure::stopped());
        }
        if !progress.wait(Duration::from_millis(takes_ms)) {
            return Err(Failure::stopped());
        }
        let is_failing = manner::change(&self.folder(), |manner| {
            let left = failures(manner);
            let is_failing = *left > 0;
            // What always fails stays that way.
            *left = if *left == u32::MAX { *left } else { left.saturating_sub(1) };
            is_failing
        })?;
        match is_failing {
            true => Err(Failure::new(win32::ERROR_GEN_FAILURE, format!("{call} was told to fail"))),
            false => Ok(()),
        }
    }

    fn lock_file(&self) -> Result<(), Failure> {
        let node = std::env::var(NODE_VARIABLE).unwrap_or_default();
        let path = manner::runs_file(&self.folder(), &node);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.lock_shared()?;
        *self.runs() = Some(file);
        Ok(())
    }

    fn manner(&self) -> Result<Manner, Failure> {
        Ok(manner::read(&self.folder())?)
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(self.context.properties().text("Folder"))
    }

    fn runs(&self) -> MutexGuard<'_, Option<File>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

resapi::export!(StandIn);

#[cfg(test)]
mod tests;
