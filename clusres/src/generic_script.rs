//! Generic Script: a resource whose entry points are a program of the user's (reference 09.2).
//!
//! `ScriptFilepath` is any executable. It is started once per entry point, with the name of the entry point as its only
//! argument: Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive. Exit status 0 means success or healthy; a script
//! ends with 0 for entry points that it has nothing to do for. Private properties are in the environment as
//! `RESOURCE_<PROPERTY>`, the resource's name as `RESOURCE_NAME`. Its output goes to the cluster log.
//!
//! Calls follow the order in which the real script host is loaded: Online = Open, Online; Offline = Offline, Close;
//! Terminate = Open, Terminate, Close. An entry point that takes longer than PendingTimeout is killed with its process
//! group (event 1232), and the resource is in *hang mode*: every later request is refused (event 1233) until Terminate.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resapi::codes::win32;
use resapi::{Context, Failure, Progress, Property, ResourceType, Value};

use crate::application::{Application, Ending, Launch};
use crate::birth;
use crate::instance::Instance;

/// PendingTimeout of a resource that sets none, in milliseconds (reference 04.1).
const PENDING_TIMEOUT_MS: u32 = 180_000;
/// The longest that Terminate waits for the script's own Open, Terminate and Close together, whatever PendingTimeout says: a
/// node that lost its cluster has to be done soon.
const TERMINATE_LIMIT: Duration = Duration::from_secs(5);
/// How often a running entry point of Online or Offline reports progress.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a killed script may take to disappear.
const KILL_LIMIT: Duration = Duration::from_secs(4);

/// One scripted resource.
pub struct GenericScript {
    instance: Instance,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Arc<Application>>,
    /// The entry point that hung.
    hung_in: Option<Entry>,
    /// Open was called and Close was not.
    is_open: bool,
    /// Counts Terminates: what was begun before the last one may start no script any more.
    terminations: u64,
}

/// An entry point of a script; the name is the script's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Open,
    Close,
    Online,
    Offline,
    Terminate,
    LooksAlive,
    IsAlive,
}

impl Entry {
    fn name(self) -> &'static str {
        match self {
            Entry::Open => "Open",
            Entry::Close => "Close",
            Entry::Online => "Online",
            Entry::Offline => "Offline",
            Entry::Terminate => "Terminate",
            Entry::LooksAlive => "LooksAlive",
            Entry::IsAlive => "IsAlive",
        }
    }
}

impl ResourceType for GenericScript {
    const NAME: &'static str = "Generic Script";
    const PROPERTIES: &'static [Property] = &[Property::text("ScriptFilepath").required()];
    const ACCEPTS_UNKNOWN_PROPERTIES: bool = true;

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(GenericScript { instance: Instance::open(context)?, state: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let era = self.state().terminations;
        let go_on = || progress.checkpoint();
        // A Terminate that came before the line above has asked for the stop before it was counted.
        if progress.is_stop_requested() {
            return Err(Failure::stopped());
        }
        self.call(Entry::Open, era, self.limit(), go_on)?;
        self.state().is_open = true;
        self.call(Entry::Online, era, self.limit(), go_on)
    }

    fn looks_alive(&self) -> bool {
        let era = self.state().terminations;
        self.call(Entry::LooksAlive, era, self.limit(), || true).is_ok()
    }

    fn is_alive(&self) -> Result<(), Failure> {
        let era = self.state().terminations;
        self.call(Entry::IsAlive, era, self.limit(), || true)
    }

    fn offline(&self, progress: &Progress) -> Result<(), Failure> {
        let era = self.state().terminations;
        let go_on = || progress.checkpoint();
        if progress.is_stop_requested() {
            return Err(Failure::stopped());
        }
        self.call(Entry::Offline, era, self.limit(), go_on)?;
        self.call(Entry::Close, era, self.limit(), go_on)?;
        self.state().is_open = false;
        Ok(())
    }

    fn terminate(&self) {
        let (running, hung_in, is_open, era) = {
            let mut state = self.state();
            state.terminations += 1;
            (state.running.take(), state.hung_in.take(), std::mem::take(&mut state.is_open), state.terminations)
        };
        let interrupted = running.is_some();
        if let Some(running) = running {
            running.kill_and_wait(KILL_LIMIT);
        }
        if let Some(entry) = hung_in {
            // The script is not asked again: it would hang again. Its processes are dead.
            self.instance.context.log().error(self.hang_mode(Entry::Terminate, entry).message);
            return;
        }
        if !is_open && !interrupted {
            return;
        }
        let limit = self.limit().min(TERMINATE_LIMIT);
        let begun = Instant::now();
        for entry in [Entry::Open, Entry::Terminate, Entry::Close] {
            if let Err(failure) = self.call(entry, era, limit.saturating_sub(begun.elapsed()), || true) {
                self.instance.context.log().warning(failure.message);
                break;
            }
        }
        self.state().hung_in = None;
    }
}

impl GenericScript {
    /// Runs one entry point of the script to its end, unless there was a Terminate since `era`.
    fn call(&self, entry: Entry, era: u64, limit: Duration, go_on: impl FnMut() -> bool) -> Result<(), Failure> {
        let launch = self.launch(entry)?;
        birth::end_left_over(&launch.pid_file);
        let script = self.start(entry, era, &launch)?;
        let ending = wait_for(&script, limit, go_on);
        self.state().running.take_if(|running| Arc::ptr_eq(running, &script));
        match ending {
            Waited::Ended(Ending::Exited(0)) => Ok(()),
            Waited::Ended(ending) => Err(Failure::new(
                win32::ERROR_RESOURCE_FAILED,
                format!("{} of the script {} {ending}; 0 means success", entry.name(), launch.command[0]),
            )),
            Waited::Stopped => {
                script.kill_and_wait(KILL_LIMIT);
                Err(Failure::stopped())
            }
            Waited::TooLong => {
                self.state().hung_in = Some(entry);
                script.kill_and_wait(KILL_LIMIT);
                Err(Failure::new(
                    win32::ERROR_RESOURCE_CALL_TIMED_OUT,
                    format!(
                        "{} of generic script {} did not end within {} ms (event 1232) and was killed; raise PendingTimeout or mend the script",
                        entry.name(),
                        self.instance.name(),
                        limit.as_millis()
                    ),
                ))
            }
        }
    }

    /// The lock is kept while the script starts, so that Terminate finds either no script or all of it.
    fn start(&self, entry: Entry, era: u64, launch: &Launch) -> Result<Arc<Application>, Failure> {
        let mut state = self.state();
        if state.terminations != era {
            return Err(Failure::stopped());
        }
        if let Some(hung_in) = state.hung_in {
            let failure = self.hang_mode(entry, hung_in);
            self.instance.context.log().error(&failure.message);
            return Err(failure);
        }
        let log = self.instance.context.log();
        let script = Application::start(launch, || true, move |line| log.info(line), |_| {}).map_err(|failure| {
            let message =
                format!("the script {} cannot be started for {}: {}", launch.command[0], entry.name(), failure.message);
            Failure::new(failure.code, message)
        })?;
        let script = Arc::new(script);
        state.running = Some(Arc::clone(&script));
        Ok(script)
    }

    fn launch(&self, entry: Entry) -> Result<Launch, Failure> {
        let script = self.instance.context.properties().text("ScriptFilepath");
        if !Path::new(&script).is_file() {
            return Err(Failure::new(
                win32::ERROR_FILE_NOT_FOUND,
                format!(
                    "the script `{script}` does not exist on node {}; set ScriptFilepath to an executable file",
                    self.instance.place.node
                ),
            ));
        }
        Ok(Launch {
            guard: self.instance.place.guard.clone(),
            pid_file: self.instance.run_file("script.pgid"),
            command: vec![script, entry.name().to_owned()],
            directory: None,
            environment: self.environment(),
        })
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let properties = self.instance.context.properties();
        let declared =
            Self::PROPERTIES.iter().map(|property| (property.name().to_owned(), properties.text(property.name())));
        let unknown = properties.unknown().into_iter().map(|(name, value)| (name, as_text(&value)));
        let mut environment: BTreeMap<String, String> = declared
            .chain(unknown)
            .flat_map(|(name, value)| variables(&name).map(|variable| (variable, value.clone())))
            .collect();
        environment.insert("RESOURCE_NAME".into(), self.instance.name().to_owned());
        environment
    }

    /// PendingTimeout of this resource.
    fn limit(&self) -> Duration {
        let stored = self.instance.context.resource_key().and_then(|key| key.value("PendingTimeout").ok().flatten());
        let limit_ms = match stored {
            Some(Value::Dword(limit_ms)) => limit_ms,
            Some(_) | None => PENDING_TIMEOUT_MS,
        };
        Duration::from_millis(u64::from(limit_ms))
    }

    fn hang_mode(&self, wanted: Entry, hung_in: Entry) -> Failure {
        Failure::new(
            win32::ERROR_RESOURCE_CALL_TIMED_OUT,
            format!(
                "{} of generic script {} is refused (event 1233) because {} hung before; bring the resource online again",
                wanted.name(),
                self.instance.name(),
                hung_in.name()
            ),
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Waited {
    Ended(Ending),
    Stopped,
    TooLong,
}

fn wait_for(script: &Application, limit: Duration, mut go_on: impl FnMut() -> bool) -> Waited {
    let begun = Instant::now();
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        if let Some(ending) = script.wait(left.min(CHECKPOINT_INTERVAL)) {
            return Waited::Ended(ending);
        }
        if begun.elapsed() >= limit {
            return Waited::TooLong;
        }
        if !go_on() {
            return Waited::Stopped;
        }
    }
}

/// The variables for one property: as it is written, and in capitals as shell scripts prefer. Signs that a variable cannot
/// have become `_`.
fn variables(property: &str) -> [String; 2] {
    let own: String = property.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect();
    let capitals = own.to_ascii_uppercase();
    [format!("RESOURCE_{own}"), format!("RESOURCE_{capitals}")]
}

/// A value as a script sees it; lists are one item per line, bytes are hexadecimal. A variable cannot hold a NUL.
fn as_text(value: &Value) -> String {
    let text = match value {
        Value::Sz(text) | Value::ExpandSz(text) | Value::ExpandedSz(text) => text.clone(),
        Value::Dword(number) => number.to_string(),
        Value::ULargeInteger(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::LargeInteger(number) => number.to_string(),
        Value::Word(number) => number.to_string(),
        Value::FileTime(ticks) => ticks.to_string(),
        Value::MultiSz(list) => list.join("\n"),
        Value::Binary(bytes) | Value::SecurityDescriptor(bytes) => hexadecimal(bytes),
        Value::Other { data, .. } => hexadecimal(data),
    };
    text.replace('\0', "")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_become_variables() {
        assert_eq!(variables("Port"), ["RESOURCE_Port", "RESOURCE_PORT"]);
        assert_eq!(variables("my-value 2"), ["RESOURCE_my_value_2", "RESOURCE_MY_VALUE_2"]);
    }

    #[test]
    fn values_become_text() {
        let check = |value: Value, expected: &str| assert_eq!(as_text(&value), expected);
        check(Value::Sz("a\0b".into()), "ab");
        check(Value::Dword(8080), "8080");
        check(Value::MultiSz(vec!["a".into(), "b".into()]), "a\nb");
        check(Value::Binary(vec![0, 255]), "00ff");
    }
}
