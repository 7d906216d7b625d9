//! All Resource Monitors of this node: which resource is in which process, and which questions wait for an answer.
//!
//! Lives in the node's task; everything here returns at once.

use std::collections::BTreeMap;

use cluster_engine::Guid;
use cluster_engine::call::{EntryPoint, MonitorKey};
use cluster_engine::{Refusal, code};
use resapi_sys_mock::codes::control::CLUSCTL_RESOURCE_GET_CHARACTERISTICS;
use resapi_sys_mock::codes::win32::ERROR_SUCCESS;
use resmon::protocol::{RequestId, ToMonitor, TypeSpec};
use tokio::sync::{mpsc, oneshot};

use super::convert;
use super::earlier::Life;
use super::monitor_process::{Door, MonitorProcess, MonitorSetting, Program};
use super::node::{Input, TypeName};
use super::wine::world::{Ground, World};
use super::wine::{Host, Kind, Windows};

/// How many control calls wait for an answer before new ones are refused.
const MAX_CONTROLS: usize = 256;

/// Of how many resources it is remembered why they could not be opened.
const MAX_REFUSALS: usize = 1_024;

/// The answer to a control call: Win32 code and output.
pub(super) type ControlAnswer = Result<(u32, Vec<u8>), Refusal>;

/// The monitors of a node.
pub(super) struct Monitors {
    setting: MonitorSetting,
    life: Life,
    inbox: mpsc::Sender<Input>,
    running: BTreeMap<Host, Running>,
    /// Where each open resource is.
    homes: BTreeMap<Guid, Host>,
    /// Why a resource is not open although it should be: Win32 code and words.
    refusals: BTreeMap<Guid, (u32, String)>,
    windows: Windows,
    /// What Wine itself runs for this node.
    world: Option<World>,
    controls: BTreeMap<RequestId, Control>,
    next_life: u64,
    next_request: u64,
    changes: u64,
}

struct Running {
    process: MonitorProcess,
    culprit: Option<(Guid, String)>,
}

struct Control {
    monitor: Host,
    asker: Asker,
}

/// Who waits for the answer to a control call.
enum Asker {
    /// A program, or the command line.
    Client(oneshot::Sender<ControlAnswer>),
    /// The same, about this resource.
    ClientOf(Guid, oneshot::Sender<ControlAnswer>),
    /// The service itself wants to know the characteristics of this resource.
    Service(Guid),
}

impl Asker {
    fn hear(self, answer: ControlAnswer) {
        match self {
            Asker::Client(client) | Asker::ClientOf(_, client) => {
                // It may have gone away.
                let _ = client.send(answer);
            }
            Asker::Service(_) => {}
        }
    }
}

/// What a monitor leaves behind when it is gone.
pub(super) struct Lost {
    /// The resource and the call that it was killed for.
    pub(super) culprit: Option<(Guid, String)>,
    /// Its process.
    pub(super) process_id: u32,
    /// What was open there.
    pub(super) resources: Vec<Guid>,
}

/// Why a call was not carried out.
pub(super) enum Unserved {
    /// The process cannot be started, in words.
    NoMonitor(String),
    /// The type cannot be hosted: Win32 code and words.
    Refused(u32, String),
}

impl Monitors {
    pub(super) fn new(setting: MonitorSetting, life: Life, inbox: mpsc::Sender<Input>) -> Monitors {
        let windows = Windows::new(setting.executable.clone(), setting.wine_prefix.clone());
        Monitors {
            setting,
            life,
            inbox,
            running: BTreeMap::new(),
            homes: BTreeMap::new(),
            refusals: BTreeMap::new(),
            windows,
            world: None,
            controls: BTreeMap::new(),
            next_life: 1,
            next_request: 1,
            changes: 0,
        }
    }

    /// Carries out a call of the engine. The monitor is started when it is not there.
    ///
    /// # Errors
    /// When the monitor cannot be started, or can never host this type.
    pub(super) fn call(
        &mut self,
        resource: Guid,
        key: MonitorKey,
        generation: u64,
        entry: EntryPoint,
    ) -> Result<(), Unserved> {
        let mut host = self.homes.get(&resource).copied().filter(|host| host.key == key).unwrap_or(Host::native(key));
        match &entry {
            EntryPoint::Open(spec) => {
                self.refusals.remove(&resource);
                let kind = match self.windows.kind(&spec.type_name, &spec.dll_name) {
                    Ok(kind) => kind,
                    Err((code, text)) => {
                        self.homes.remove(&resource);
                        self.not_opened(resource, code, text.clone());
                        return Err(Unserved::Refused(code, text));
                    }
                };
                host = Host { key, kind };
                self.homes.insert(resource, host);
                self.changes += 1;
            }
            // Its home is forgotten when it has been closed.
            EntryPoint::Close
            | EntryPoint::Online
            | EntryPoint::Offline
            | EntryPoint::Terminate
            | EntryPoint::Configure(_)
            | EntryPoint::Arbitrate
            | EntryPoint::Release
            | EntryPoint::Cancel
            | EntryPoint::CheckDrain => {}
        }
        self.process(host).map_err(Unserved::NoMonitor)?.send(convert::call(resource, generation, entry));
        Ok(())
    }

    /// A resource has been closed.
    pub(super) fn closed(&mut self, resource: Guid) {
        self.homes.remove(&resource);
        self.refusals.remove(&resource);
    }

    /// A resource cannot be opened: what asks for it until it is opened is told why.
    pub(super) fn not_opened(&mut self, resource: Guid, code: u32, text: String) {
        if self.refusals.len() >= MAX_REFUSALS {
            // Most of them are of resources that were deleted long ago.
            self.refusals.clear();
        }
        self.refusals.insert(resource, (code, text));
    }

    /// Ends a monitor because of what one of its resources did: the process that the culprit lives in, or all of the key.
    pub(super) fn kill(&mut self, key: MonitorKey, culprit: Option<(Guid, String)>) {
        let home = culprit.as_ref().and_then(|(resource, _)| self.homes.get(resource)).copied();
        for (host, running) in &mut self.running {
            if host.key == key && home.is_none_or(|home| home == *host) {
                running.culprit = running.culprit.take().or(culprit.clone());
                running.process.kill();
            }
        }
    }

    /// Sends something to a monitor if it is there and is still the same process.
    pub(super) fn send(&self, host: Host, life: u64, message: ToMonitor) {
        if let Some(running) = self.running.get(&host).filter(|running| running.process.life == life) {
            running.process.send(message);
        }
    }

    /// ResourceControl on a resource that is open here.
    pub(super) fn control(
        &mut self,
        resource: Guid,
        code: u32,
        input: Vec<u8>,
        answer: oneshot::Sender<ControlAnswer>,
    ) {
        let Some(key) = self.homes.get(&resource).copied().filter(|key| self.running.contains_key(key)) else {
            let refusal = match self.refusals.get(&resource) {
                Some((code, text)) => Refusal::new(*code, format!("the resource cannot be opened: {text}")),
                None => {
                    let text = "the resource is not open on this node; ask the node that owns its group";
                    Refusal::new(code::RESMON_INVALID_STATE, text)
                }
            };
            return Asker::Client(answer).hear(Err(refusal));
        };
        let id = convert::resource_id(resource);
        let asker = Asker::ClientOf(resource, answer);
        self.ask(key, asker, |request| ToMonitor::Control { request, resource: id, code, input });
    }

    /// Asks the library of a resource that is open here for its characteristics. False: it is not open here.
    pub(super) fn ask_characteristics(&mut self, resource: Guid) -> bool {
        let Some(key) = self.home(resource) else { return false };
        let (id, code, input) = (convert::resource_id(resource), CLUSCTL_RESOURCE_GET_CHARACTERISTICS, Vec::new());
        self.ask(key, Asker::Service(resource), |request| ToMonitor::Control { request, resource: id, code, input });
        true
    }

    /// The monitor in which a resource is open.
    pub(super) fn home(&self, resource: Guid) -> Option<Host> {
        self.homes.get(&resource).copied().filter(|key| self.running.contains_key(key))
    }

    /// An internal control code for a resource that is open here; its answer does not matter.
    pub(super) fn notify(&mut self, resource: Guid, code: u32, input: Vec<u8>) {
        let Some(key) = self.home(resource) else { return };
        let resource = convert::resource_id(resource);
        self.tell(key, |request| ToMonitor::Control { request, resource, code, input });
    }

    /// The same for a type.
    pub(super) fn notify_type(&mut self, key: Host, of: TypeName, code: u32, input: Vec<u8>) {
        let resource_type = TypeSpec { name: of.name, dll_name: of.dll_name };
        self.tell(key, |request| ToMonitor::TypeControl { request, resource_type, code, input });
    }

    fn tell(&mut self, key: Host, message: impl FnOnce(RequestId) -> ToMonitor) {
        if let Some(running) = self.running.get(&key) {
            // Nobody waits under this number, so the answer is dropped.
            running.process.send(message(RequestId(self.next_request)));
            self.next_request += 1;
        }
    }

    /// ResourceTypeControl in the shared monitor.
    pub(super) fn type_control(
        &mut self,
        of: TypeName,
        code: u32,
        input: Vec<u8>,
        answer: oneshot::Sender<ControlAnswer>,
    ) {
        let host = match self.windows.kind(&of.name, &of.dll_name) {
            Ok(kind) => Host { key: MonitorKey::Shared, kind },
            Err((code, text)) => {
                Asker::Client(answer).hear(Err(Refusal::new(code, text)));
                return;
            }
        };
        let resource_type = TypeSpec { name: of.name, dll_name: of.dll_name };
        self.ask(host, Asker::Client(answer), |request| ToMonitor::TypeControl { request, resource_type, code, input });
    }

    fn ask(&mut self, key: Host, asker: Asker, question: impl FnOnce(RequestId) -> ToMonitor) {
        let request = RequestId(self.next_request);
        if self.controls.len() >= MAX_CONTROLS {
            let text = format!("{MAX_CONTROLS} control calls wait for an answer already; ask again in a moment");
            return asker.hear(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
        }
        match self.process(key) {
            Ok(process) => {
                process.send(question(request));
                self.next_request += 1;
                self.controls.insert(request, Control { monitor: key, asker });
            }
            Err(text) => asker.hear(Err(Refusal::new(code::RESMON_INVALID_STATE, text))),
        }
    }

    /// A control call was answered. The characteristics of a resource, when they were asked for and told.
    pub(super) fn controlled(&mut self, request: RequestId, code: u32, output: Vec<u8>) -> Option<(Guid, u32)> {
        let control = self.controls.remove(&request)?;
        if let Asker::Service(resource) = control.asker {
            let bits = output.first_chunk().filter(|_| code == ERROR_SUCCESS)?;
            return Some((resource, u32::from_le_bytes(*bits)));
        }
        // Closed, and perhaps about to be opened anew: nothing was asked of the library.
        let is_open = code != cluster_engine::code::RESMON_INVALID_STATE;
        let why = match &control.asker {
            Asker::ClientOf(resource, _) => self.refusals.get(resource),
            Asker::Client(_) | Asker::Service(_) => None,
        };
        let text = match why {
            Some((_, text)) => format!("the resource could not be opened: {text}"),
            None => "the resource is not open in its monitor at this moment; ask again".to_owned(),
        };
        let answer = if is_open { Ok((code, output)) } else { Err(Refusal::new(code, text)) };
        control.asker.hear(answer);
        None
    }

    /// True when `life` is the present process for `key`.
    pub(super) fn is_current(&self, key: Host, life: u64) -> bool {
        self.running.get(&key).is_some_and(|running| running.process.life == life)
    }

    /// The number of the process for `key`.
    pub(super) fn process_id(&self, key: Host) -> Option<u32> {
        self.running.get(&key).map(|running| running.process.process_id)
    }

    /// The process for `key` is gone. Its questions are refused; its resources are closed.
    pub(super) fn ended(&mut self, key: Host, life: u64) -> Option<Lost> {
        if !self.is_current(key, life) {
            return None;
        }
        let running = self.running.remove(&key)?;
        self.changes += 1;
        let resources: Vec<Guid> = self.homes.iter().filter(|(_, home)| **home == key).map(|(id, _)| *id).collect();
        self.homes.retain(|_, home| *home != key);
        let (lost, kept) =
            std::mem::take(&mut self.controls).into_iter().partition(|(_, control)| control.monitor == key);
        self.controls = kept;
        let lost: BTreeMap<RequestId, Control> = lost;
        for control in lost.into_values() {
            let text = "the Resource Monitor ended before it answered; see the cluster log, then ask again";
            control.asker.hear(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
        }
        Some(Lost { culprit: running.culprit, process_id: running.process.process_id, resources })
    }

    /// Grows with every start and every end of a process.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// The processes that run. One under Wine is told once per resource in it, as if each had a monitor of its own.
    pub(super) fn list(&self) -> Vec<(MonitorKey, u32)> {
        let mut all = Vec::new();
        for (host, running) in &self.running {
            let process_id = running.process.process_id;
            match host.kind {
                Kind::Native => all.push((host.key, process_id)),
                Kind::Wine => {
                    let inside = self.homes.iter().filter(|(_, home)| *home == host);
                    all.extend(inside.map(|(id, _)| (MonitorKey::Separate(*id), process_id)));
                }
            }
        }
        all
    }

    /// The Windows world of this node is gone: a monitor of it that goes on by itself can do nothing right any more.
    pub(super) fn world_ended(&self) {
        if self.world.as_ref().is_some_and(World::is_over) {
            let monitors = self.running.iter().filter(|(host, _)| host.kind == Kind::Wine);
            monitors.for_each(|(_, running)| running.process.kill());
        }
    }

    /// True when nothing runs any more. Without monitors Wine's own processes are of no use: they are ended.
    pub(super) fn have_ended(&mut self) -> bool {
        if !self.running.is_empty() {
            return false;
        }
        if let Some(world) = &self.world {
            world.stop();
        }
        self.world.as_ref().is_none_or(World::is_over)
    }

    /// Asks all monitors to end in an orderly way.
    pub(super) fn shut_down(&self, grace_ms: u64) {
        for running in self.running.values() {
            running.process.send(ToMonitor::Shutdown { grace_ms });
        }
    }

    /// Kills all monitors.
    pub(super) fn kill_all(&self) {
        for running in self.running.values() {
            running.process.kill();
        }
    }

    fn process(&mut self, host: Host) -> Result<&MonitorProcess, String> {
        if !self.running.contains_key(&host) {
            let number = self.next_life;
            let program = match host.kind {
                Kind::Native => Program::Native,
                Kind::Wine => Program::Wine(Box::new(self.world()?)),
            };
            let door = Door { host, number, inbox: self.inbox.clone() };
            let started = MonitorProcess::start(&self.setting, &mut self.life, &program, door);
            let process = started.map_err(|error| format!("the Resource Monitor cannot be started: {error}"))?;
            self.next_life += 1;
            let under = match host.kind {
                Kind::Native => "",
                Kind::Wine => " under Wine",
            };
            let text = format!("started the monitor {:?}{under}, process {}", host.key, process.process_id);
            self.setting.log.line("RHS", text);
            self.running.insert(host, Running { process, culprit: None });
            self.changes += 1;
        }
        match self.running.get(&host) {
            Some(running) => Ok(&running.process),
            None => Err("the Resource Monitor has just ended".into()),
        }
    }

    /// What a monitor under Wine is started on; the world of this node is started when it is not there.
    fn world(&mut self) -> Result<(Ground, World), String> {
        let setting = &self.setting;
        let ground = Ground {
            executable: setting.executable.clone(),
            installation: self.windows.installation()?,
            prefix: self.windows.prefix().to_owned(),
            directories: self.windows.directories(),
            run_dir: setting.run_dir.clone(),
            node: setting.node.clone(),
            log: setting.log.clone(),
        };
        if let Some(world) = self.world.as_ref().filter(|world| !world.is_over()) {
            return Ok((ground, world.clone()));
        }
        let started = self
            .life
            .monitor_lock()
            .and_then(|(lock, file)| World::start(ground.clone(), lock, file, self.inbox.clone()));
        let world = started.map_err(|error| format!("Wine cannot be started: {error}"))?;
        self.world = Some(world.clone());
        Ok((ground, world))
    }
}
