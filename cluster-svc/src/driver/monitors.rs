//! All Resource Monitors of this node: which resource is in which process, and which questions wait for an answer.
//!
//! Lives in the node's task; everything here returns at once.

use std::collections::BTreeMap;

use cluster_engine::Guid;
use cluster_engine::call::{EntryPoint, MonitorKey};
use cluster_engine::{Refusal, code};
use resmon::protocol::{RequestId, ToMonitor, TypeSpec};
use tokio::sync::{mpsc, oneshot};

use super::convert;
use super::earlier::Life;
use super::monitor_process::{MonitorProcess, MonitorSetting};
use super::node::{Input, TypeName};

/// How many control calls wait for an answer before new ones are refused.
const MAX_CONTROLS: usize = 256;

/// The answer to a control call: Win32 code and output.
pub(super) type ControlAnswer = Result<(u32, Vec<u8>), Refusal>;

/// The monitors of a node.
pub(super) struct Monitors {
    setting: MonitorSetting,
    life: Life,
    inbox: mpsc::Sender<Input>,
    running: BTreeMap<MonitorKey, Running>,
    /// Where each open resource is.
    homes: BTreeMap<Guid, MonitorKey>,
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
    monitor: MonitorKey,
    answer: oneshot::Sender<ControlAnswer>,
}

/// What a monitor leaves behind when it is gone.
pub(super) struct Lost {
    /// The resource and the call that it was killed for.
    pub(super) culprit: Option<(Guid, String)>,
    /// Its process.
    pub(super) process_id: u32,
}

impl Monitors {
    pub(super) fn new(setting: MonitorSetting, life: Life, inbox: mpsc::Sender<Input>) -> Monitors {
        Monitors {
            setting,
            life,
            inbox,
            running: BTreeMap::new(),
            homes: BTreeMap::new(),
            controls: BTreeMap::new(),
            next_life: 1,
            next_request: 1,
            changes: 0,
        }
    }

    /// Carries out a call of the engine. The monitor is started when it is not there.
    ///
    /// # Errors
    /// In words, when the monitor cannot be started.
    pub(super) fn call(
        &mut self,
        resource: Guid,
        key: MonitorKey,
        generation: u64,
        entry: EntryPoint,
    ) -> Result<(), String> {
        match &entry {
            EntryPoint::Open(_) => {
                self.homes.insert(resource, key);
            }
            EntryPoint::Close => {
                self.homes.remove(&resource);
            }
            EntryPoint::Online
            | EntryPoint::Offline
            | EntryPoint::Terminate
            | EntryPoint::Configure(_)
            | EntryPoint::Arbitrate
            | EntryPoint::Release => {}
        }
        self.process(key)?.send(convert::call(resource, generation, entry));
        Ok(())
    }

    /// Ends a monitor because of what one of its resources did.
    pub(super) fn kill(&mut self, key: MonitorKey, culprit: Option<(Guid, String)>) {
        if let Some(running) = self.running.get_mut(&key) {
            running.culprit = running.culprit.take().or(culprit);
            running.process.kill();
        }
    }

    /// Sends something to a monitor if it is there and is still the same process.
    pub(super) fn send(&self, key: MonitorKey, life: u64, message: ToMonitor) {
        if let Some(running) = self.running.get(&key).filter(|running| running.process.life == life) {
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
            let text = "the resource is not open on this node; ask the node that owns its group";
            // Whoever asked may have gone away; the same holds for every answer below.
            let _ = answer.send(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
            return;
        };
        let resource = convert::resource_id(resource);
        self.ask(key, answer, |request| ToMonitor::Control { request, resource, code, input });
    }

    /// The monitor in which a resource is open.
    pub(super) fn home(&self, resource: Guid) -> Option<MonitorKey> {
        self.homes.get(&resource).copied().filter(|key| self.running.contains_key(key))
    }

    /// An internal control code for a resource that is open here; its answer does not matter.
    pub(super) fn notify(&mut self, resource: Guid, code: u32, input: Vec<u8>) {
        let Some(key) = self.home(resource) else { return };
        let resource = convert::resource_id(resource);
        self.tell(key, |request| ToMonitor::Control { request, resource, code, input });
    }

    /// The same for a type.
    pub(super) fn notify_type(&mut self, key: MonitorKey, of: TypeName, code: u32, input: Vec<u8>) {
        let resource_type = TypeSpec { name: of.name, dll_name: of.dll_name };
        self.tell(key, |request| ToMonitor::TypeControl { request, resource_type, code, input });
    }

    fn tell(&mut self, key: MonitorKey, message: impl FnOnce(RequestId) -> ToMonitor) {
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
        let resource_type = TypeSpec { name: of.name, dll_name: of.dll_name };
        self.ask(MonitorKey::Shared, answer, |request| ToMonitor::TypeControl { request, resource_type, code, input });
    }

    fn ask(
        &mut self,
        key: MonitorKey,
        answer: oneshot::Sender<ControlAnswer>,
        question: impl FnOnce(RequestId) -> ToMonitor,
    ) {
        let request = RequestId(self.next_request);
        if self.controls.len() >= MAX_CONTROLS {
            let text = format!("{MAX_CONTROLS} control calls wait for an answer already; ask again in a moment");
            let _ = answer.send(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
            return;
        }
        match self.process(key) {
            Ok(process) => {
                process.send(question(request));
                self.next_request += 1;
                self.controls.insert(request, Control { monitor: key, answer });
            }
            Err(text) => {
                let _ = answer.send(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
            }
        }
    }

    /// A control call was answered.
    pub(super) fn controlled(&mut self, request: RequestId, code: u32, output: Vec<u8>) {
        if let Some(control) = self.controls.remove(&request) {
            let _ = control.answer.send(Ok((code, output)));
        }
    }

    /// True when `life` is the present process for `key`.
    pub(super) fn is_current(&self, key: MonitorKey, life: u64) -> bool {
        self.running.get(&key).is_some_and(|running| running.process.life == life)
    }

    /// The number of the process for `key`.
    pub(super) fn process_id(&self, key: MonitorKey) -> Option<u32> {
        self.running.get(&key).map(|running| running.process.process_id)
    }

    /// The process for `key` is gone. Its questions are refused; its resources are closed.
    pub(super) fn ended(&mut self, key: MonitorKey, life: u64) -> Option<Lost> {
        if !self.is_current(key, life) {
            return None;
        }
        let running = self.running.remove(&key)?;
        self.changes += 1;
        self.homes.retain(|_, home| *home != key);
        let (lost, kept) =
            std::mem::take(&mut self.controls).into_iter().partition(|(_, control)| control.monitor == key);
        self.controls = kept;
        let lost: BTreeMap<RequestId, Control> = lost;
        for control in lost.into_values() {
            let text = "the Resource Monitor ended before it answered; see the cluster log, then ask again";
            let _ = control.answer.send(Err(Refusal::new(code::RESMON_INVALID_STATE, text)));
        }
        Some(Lost { culprit: running.culprit, process_id: running.process.process_id })
    }

    /// Grows with every start and every end of a process.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// The processes that run.
    pub(super) fn list(&self) -> Vec<(MonitorKey, u32)> {
        self.running.iter().map(|(key, running)| (*key, running.process.process_id)).collect()
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

    fn process(&mut self, key: MonitorKey) -> Result<&MonitorProcess, String> {
        if !self.running.contains_key(&key) {
            let number = self.next_life;
            let inbox = self.inbox.clone();
            let started = MonitorProcess::start(&self.setting, &mut self.life, key, number, inbox);
            let process = started.map_err(|error| format!("the Resource Monitor cannot be started: {error}"))?;
            self.next_life += 1;
            self.setting.log.line("RHS", format!("started the monitor {key:?}, process {}", process.process_id));
            self.running.insert(key, Running { process, culprit: None });
            self.changes += 1;
        }
        match self.running.get(&key) {
            Some(running) => Ok(&running.process),
            None => Err("the Resource Monitor has just ended".into()),
        }
    }
}
