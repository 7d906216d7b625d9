//! The life of a service as a resource.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use resapi::{Context, Failure, Progress, Property, ResourceType};
use windows_service::Error;
use windows_service::service::{Service, ServiceAccess, ServiceState, ServiceStatus};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use crate::arguments;

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
pub(crate) struct GenericService(Context);

impl ResourceType for GenericService {
    const NAME: &'static str = "Generic Service";
    const PROPERTIES: &'static [Property] =
        &[Property::text("ServiceName").required(), Property::text("StartupParameters")];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(GenericService(context))
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let service = self.service()?;
        if self.state(&service)?.current_state != ServiceState::Stopped {
            self.0.log().info("the service runs already; it is stopped first, to be started as a resource");
            if let Err(failure) = self.stop(&service, progress) {
                if progress.is_stop_requested() {
                    return Err(failure);
                }
                // Wine calls a service running whose process was ended, and starts it anew all the same.
                self.0.log().warning(format!("{}; it is started anew", failure.message));
            }
        }
        let words = arguments::split(&self.0.properties().text("StartupParameters"));
        service.start(&words).map_err(|error| self.failed("cannot be started", &error))?;
        loop {
            match self.state(&service)?.current_state {
                ServiceState::Running => return Ok(()),
                ServiceState::Stopped | ServiceState::StopPending => {
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
        self.stop(&self.service()?, progress)
    }

    fn terminate(&self) {
        let Ok(service) = self.service() else { return };
        // What cannot be told to stop is ended below.
        let _ = service.stop();
        let end = Instant::now() + TERMINATE_LIMIT;
        while let Ok(ServiceStatus { current_state, process_id, .. }) = service.query_status() {
            if current_state == ServiceState::Stopped {
                return;
            }
            if Instant::now() > end {
                return self.end_process(process_id);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl GenericService {
    fn name(&self) -> String {
        self.0.properties().text("ServiceName")
    }

    fn service(&self) -> Result<Service, Failure> {
        let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT).map_err(|error| {
            self.failed("cannot be looked for: the service control manager does not answer", &error)
        })?;
        let access = ServiceAccess::QUERY_STATUS | ServiceAccess::START | ServiceAccess::STOP;
        manager
            .open_service(self.name(), access)
            .map_err(|error| self.failed("cannot be opened; install it on every node that may own the group", &error))
    }

    fn state(&self, service: &Service) -> Result<ServiceStatus, Failure> {
        service.query_status().map_err(|error| self.failed("does not tell its state", &error))
    }

    /// Tells the service to stop and waits until it has.
    fn stop(&self, service: &Service, progress: &Progress) -> Result<(), Failure> {
        let end = Instant::now() + ORDER_LIMIT;
        let mut is_told = false;
        loop {
            if self.state(service)?.current_state == ServiceState::Stopped {
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
    fn end_process(&self, process_id: Option<u32>) {
        let Some(process_id) = process_id.filter(|number| *number != 0) else { return };
        self.0.log().warning(format!("the service {} does not stop; its process is ended", self.name()));
        let ended = Command::new("taskkill.exe")
            .args(["/F", "/PID", &process_id.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if let Err(error) = ended {
            self.0.log().error(format!("the process {process_id} of the service cannot be ended: {error}"));
        }
    }

    fn failed(&self, what: &str, error: &Error) -> Failure {
        let code = match error {
            Error::Winapi(error) => error.raw_os_error().and_then(|code| u32::try_from(code).ok()).unwrap_or(GENERAL),
            _ => GENERAL,
        };
        Failure::new(code, format!("the service {} {what}: {error}", self.name()))
    }
}
