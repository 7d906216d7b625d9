//! Generic Application: any program, kept running on one node at a time (reference 09.2).
//!
//! The resource is online while the process exists. The process runs under a guard (see [`crate::guard`]), in a process
//! group of its own; its output goes to the cluster log line by line; its end is reported at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use resapi::codes::win32;
use resapi::{Context, Failure, Progress, Property, ResourceType};

use crate::application::{Application, Launch};
use crate::birth::{self, LeftOver};
use crate::command_line;
use crate::instance::Instance;
use crate::tables;

/// The variable that tells a program under which name clients know it (reference 09.2).
pub(crate) const NETWORK_NAME_VARIABLE: &str = "_CLUSTER_NETWORK_NAME_";
/// How often a running Offline reports progress.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a killed program may take to disappear.
const KILL_LIMIT: Duration = Duration::from_secs(4);

/// One application.
pub struct GenericApplication {
    instance: Instance,
    running: Mutex<Option<Running>>,
}

#[derive(Clone)]
struct Running {
    application: Arc<Application>,
    /// Set before the program is ended on purpose, so that its end is not taken for a failure.
    is_stopping: Arc<AtomicBool>,
}

impl ResourceType for GenericApplication {
    const NAME: &'static str = "Generic Application";
    const PROPERTIES: &'static [Property] = &[
        Property::text("CommandLine").required(),
        Property::text("CurrentDirectory"),
        Property::number("InteractWithDesktop", 0).range(0, 1),
        Property::number("UseNetworkName", 0).range(0, 1),
        // Ours: NAME=value, on top of the monitor's own environment.
        Property::list("Environment"),
        // Ours: how long Offline waits between SIGTERM and SIGKILL.
        Property::number("StopTimeoutMs", 20_000).range(0, 600_000),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(GenericApplication { instance: Instance::open(context)?, running: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let launch = self.launch()?;
        if birth::end_left_over(&launch.pid_file) == LeftOver::Killed {
            self.instance.context.log().warning("an application that an earlier monitor left behind was killed");
        }
        let running = self.start(&launch, progress)?;
        let application = Arc::clone(&running.application);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        if progress.is_stop_requested() {
            // Terminate may have come before there was anything to kill.
            self.kill();
            return Err(Failure::stopped());
        }
        match application.wait(Duration::ZERO) {
            Some(ending) => Err(Failure::new(
                win32::ERROR_PROCESS_ABORTED,
                format!("the application {ending} right after its start"),
            )),
            None => Ok(()),
        }
    }

    fn is_alive(&self) -> Result<(), Failure> {
        match self.running() {
            Some(running) if running.application.is_running() => Ok(()),
            Some(_) | None => {
                Err(Failure::new(win32::ERROR_PROCESS_ABORTED, "the application's process does not exist"))
            }
        }
    }

    fn offline(&self, progress: &Progress) -> Result<(), Failure> {
        let Some(running) = self.running() else { return Ok(()) };
        running.is_stopping.store(true, Ordering::SeqCst);
        running.application.stop();
        let limit = Duration::from_millis(u64::from(self.instance.context.properties().number("StopTimeoutMs")));
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if running.application.wait(CHECKPOINT_INTERVAL.min(limit.saturating_sub(begun.elapsed()))).is_some() {
                self.forget();
                return Ok(());
            }
            if !progress.checkpoint() {
                return Err(Failure::stopped());
            }
        }
        self.instance.context.log().warning(format_args!(
            "the application did not end within {} ms of SIGTERM: it is killed",
            limit.as_millis()
        ));
        self.kill();
        Ok(())
    }

    fn terminate(&self) {
        self.kill();
    }
}

impl GenericApplication {
    fn launch(&self) -> Result<Launch, Failure> {
        let properties = self.instance.context.properties();
        let own = command_line::environment(&properties.list("Environment"))?;
        let mut environment: BTreeMap<String, String> = own.into_iter().collect();
        if properties.number("UseNetworkName") == 1 {
            environment.insert(NETWORK_NAME_VARIABLE.to_owned(), self.network_name());
        }
        let read = |name: &str| environment.get(name).cloned().or_else(|| std::env::var(name).ok());
        let mut command = command_line::split(&properties.text("CommandLine"), read)?;
        if command_line::is_windows_program(&command[0]) {
            // The executable that guards applications also knows how to start Wine in the private Windows of this node.
            let guard = self.instance.place.guard.display().to_string();
            let run_dir = self.instance.place.run_dir.display().to_string();
            command.splice(0..0, [guard, "wine".into(), "run".into(), run_dir]);
        }
        let directory = command_line::expand(&properties.text("CurrentDirectory"), read);
        Ok(Launch {
            guard: self.instance.place.guard.clone(),
            pid_file: self.instance.run_file("pgid"),
            command,
            directory: (!directory.is_empty()).then(|| PathBuf::from(directory)),
            environment,
        })
    }

    /// The name of the Network Name that this application depends on; this node's name when it depends on none.
    fn network_name(&self) -> String {
        let references = self.instance.providers();
        let names = tables::names(&self.instance.place.shared_dir).unwrap_or_default();
        let own = names.into_iter().find(|record| {
            record.node == self.instance.place.node
                && resapi::providers::contains(&references, &record.resource_id, &record.resource)
        });
        own.map_or_else(|| self.instance.place.node.clone(), |record| record.name)
    }

    fn start(&self, launch: &Launch, progress: &Progress) -> Result<Running, Failure> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let log = self.instance.context.log();
        let notice = self.instance.context.failure_notice();
        let on_end = {
            let is_stopping = Arc::clone(&is_stopping);
            move |ending| {
                if !is_stopping.load(Ordering::SeqCst) {
                    notice.fire(format_args!("the application {ending}"));
                }
            }
        };
        let application =
            Application::start(launch, || !progress.is_stop_requested(), move |line| log.info(line), on_end).map_err(
                |failure| {
                    let message = format!(
                        "the process of generic application {} could not be created (event 1039): {}",
                        self.instance.name(),
                        failure.message
                    );
                    Failure::new(failure.code, message)
                },
            )?;
        if let Some(group) = application.process_group() {
            log.info(format_args!("the application runs as process {group}"));
        }
        Ok(Running { application: Arc::new(application), is_stopping })
    }

    fn running(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn kill(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.is_stopping.store(true, Ordering::SeqCst);
            if !running.application.kill_and_wait(KILL_LIMIT) {
                self.instance.context.log().error("the application was killed but its process does not disappear");
            }
        }
    }
}
