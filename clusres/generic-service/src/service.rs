//! The life of a service as a resource.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resapi::{Context, Failure, Progress, Property, ResourceType, providers};
use windows_service::Error;
use windows_service::service::{Service, ServiceAccess, ServiceState, ServiceStatus};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use crate::place::{self, Place, Process};
use crate::{arguments, command, names};

/// How often the state of a service is asked for while it changes.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long Terminate waits for a service that was told to stop, before its process is ended.
const TERMINATE_LIMIT: Duration = Duration::from_secs(2);

/// How long a service may refuse the order to stop.
const ORDER_LIMIT: Duration = Duration::from_secs(3);

/// ERROR_SERVICE_NOT_ACTIVE: stopped already.
const NOT_ACTIVE: u32 = 1062;
/// ERROR_PROCESS_ABORTED: the service ended by itself.
const ABORTED: u32 = 1067;
/// ERROR_GEN_FAILURE, for what has no number.
const GENERAL: u32 = 31;

/// A resource of the type.
pub(crate) struct GenericService {
    context: Context,
    place: &'static Place,
    /// The process of the service, from the moment in which the service runs.
    process: Mutex<Option<Box<dyn Process>>>,
}

impl ResourceType for GenericService {
    const NAME: &'static str = "Generic Service";
    const PROPERTIES: &'static [Property] = &[
        Property::text("ServiceName").required(),
        Property::text("StartupParameters"),
        Property::number("UseNetworkName", 0).range(0, 1),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(GenericService { context, place: place::current()?, process: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        self.process().take();
        let service = self.service()?;
        self.clear(&service, progress)?;
        self.start(&service)?;
        loop {
            let status = self.state(&service)?;
            let process = status.process_id.and_then(|number| self.place.system.open_process(number));
            let has_ended = process.as_ref().is_none_or(|process| process.has_ended());
            match status.current_state {
                ServiceState::Running if !has_ended => {
                    *self.process() = process;
                    return Ok(());
                }
                ServiceState::Running | ServiceState::Stopped | ServiceState::StopPending => {
                    let text = format!("the service {} ended instead of running; see its own log", self.name());
                    return Err(Failure::new(ABORTED, text));
                }
                ServiceState::StartPending
                | ServiceState::ContinuePending
                | ServiceState::PausePending
                | ServiceState::Paused => {}
            }
            if !progress.wait(LOOK_INTERVAL) || !progress.checkpoint() {
                return Err(Failure::stopped());
            }
        }
    }

    fn is_alive(&self) -> Result<(), Failure> {
        if self.has_ended() {
            let text =
                format!("the process of the service {} has ended; the service was not told to stop", self.name());
            return Err(Failure::new(ABORTED, text));
        }
        match self.state(&self.service()?)?.current_state {
            ServiceState::Running | ServiceState::StartPending => Ok(()),
            ServiceState::Stopped
            | ServiceState::StopPending
            | ServiceState::ContinuePending
            | ServiceState::PausePending
            | ServiceState::Paused => {
                Err(Failure::new(NOT_ACTIVE, format!("the service {} does not run any more", self.name())))
            }
        }
    }

    fn looks_alive(&self) -> bool {
        self.is_alive().is_ok()
    }

    fn offline(&self, progress: &Progress) -> Result<(), Failure> {
        let stopped = self.stop(&self.service()?, progress);
        if stopped.is_ok() {
            self.process().take();
        }
        stopped
    }

    fn terminate(&self) {
        if self.has_ended() {
            self.process().take();
            return;
        }
        let Ok(service) = self.service() else { return };
        // What cannot be told to stop is ended below.
        let _ = service.stop();
        let end = Instant::now() + TERMINATE_LIMIT;
        while let Ok(status) = service.query_status() {
            if status.current_state == ServiceState::Stopped {
                self.process().take();
                return;
            }
            if Instant::now() > end {
                return self.end_process(status.process_id);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl GenericService {
    fn name(&self) -> String {
        self.context.properties().text("ServiceName")
    }

    fn service(&self) -> Result<Service, Failure> {
        let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT).map_err(|error| {
            self.failed("cannot be looked for: the service control manager does not answer", &error)
        })?;
        let access =
            ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG | ServiceAccess::START | ServiceAccess::STOP;
        manager
            .open_service(self.name(), access)
            .map_err(|error| self.failed("cannot be opened; install it on every node that may own the group", &error))
    }

    fn state(&self, service: &Service) -> Result<ServiceStatus, Failure> {
        service.query_status().map_err(|error| self.failed("does not tell its state", &error))
    }

    /// Stops what runs already, to start it as a resource.
    fn clear(&self, service: &Service, progress: &Progress) -> Result<(), Failure> {
        let status = self.state(service)?;
        if status.current_state == ServiceState::Stopped {
            return Ok(());
        }
        // Wine calls a service running whose process was ended, and starts it anew all the same.
        let process = status.process_id.and_then(|number| self.place.system.open_process(number));
        if process.is_none_or(|process| process.has_ended()) {
            self.context.log().info("the process of the service had ended without a word; it is started anew");
            return Ok(());
        }
        self.context.log().info("the service runs already; it is stopped first, to be started as a resource");
        self.stop(service, progress)
    }

    /// Starts the service with its words; with UseNetworkName under the name that it depends on.
    fn start(&self, service: &Service) -> Result<(), Failure> {
        let words = arguments::split(&self.context.properties().text("StartupParameters"));
        let config = service.query_config().map_err(|error| self.failed("does not tell its command", &error))?;
        let found = config.executable_path.to_string_lossy().into_owned();
        // A monitor that died in the middle of a start has left its own command behind.
        let left = command::parts(&found).map(|(_, real)| real.to_owned());
        let real = left.clone().unwrap_or_else(|| found.clone());
        let name = (self.context.properties().number("UseNetworkName") == 1).then(|| self.network_name());
        let wanted = name.map_or_else(|| real.clone(), |name| command::under_name(&self.place.program, &name, &real));
        if wanted != found {
            self.set_command(&wanted)?;
        }
        let started = service.start(&words).map_err(|error| self.failed("cannot be started", &error));
        if wanted != real {
            self.set_command(&real)?;
        }
        started
    }

    fn set_command(&self, command: &str) -> Result<(), Failure> {
        self.place.system.set_service_command(&self.name(), command).map_err(|code| {
            Failure::new(code, format!("the command of the service {} cannot be changed to {command}", self.name()))
        })
    }

    /// The name of the Network Name that this service depends on; this node's name when it depends on none.
    fn network_name(&self) -> String {
        let references = providers::of(&self.context);
        let is_provider = |id: &str, name: &str| providers::contains(&references, id, name);
        names::own(&self.place.shared_dir, &self.place.node, is_provider).unwrap_or_else(|| self.place.node.clone())
    }

    /// Tells the service to stop and waits until it has.
    fn stop(&self, service: &Service, progress: &Progress) -> Result<(), Failure> {
        let end = Instant::now() + ORDER_LIMIT;
        let mut is_told = false;
        loop {
            if self.has_ended() || self.state(service)?.current_state == ServiceState::Stopped {
                return Ok(());
            }
            // A service that is just starting takes no order yet, so it is told again.
            if !is_told {
                match service.stop() {
                    Ok(_) => is_told = true,
                    Err(error) if Instant::now() > end => return Err(self.failed("takes no order to stop", &error)),
                    Err(_) => {}
                }
            }
            if !progress.wait(LOOK_INTERVAL) || !progress.checkpoint() {
                return Err(Failure::stopped());
            }
        }
    }

    /// Ends the process of a service that does not stop.
    fn end_process(&self, number: Option<u32>) {
        let known = self.process().take();
        let Some(process) = known.or_else(|| number.and_then(|number| self.place.system.open_process(number))) else {
            return;
        };
        self.context.log().warning(format!("the service {} does not stop; its process is ended", self.name()));
        if !process.end() && !process.has_ended() {
            self.context.log().error(format!("the process of the service {} cannot be ended", self.name()));
        }
    }

    /// The process of the service that was online is gone.
    fn has_ended(&self) -> bool {
        self.process().as_ref().is_some_and(|process| process.has_ended())
    }

    fn process(&self) -> MutexGuard<'_, Option<Box<dyn Process>>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &str, error: &Error) -> Failure {
        let code = match error {
            Error::Winapi(error) => error.raw_os_error().and_then(|code| u32::try_from(code).ok()).unwrap_or(GENERAL),
            _ => GENERAL,
        };
        Failure::new(code, format!("the service {} {what}: {error}", self.name()))
    }
}
