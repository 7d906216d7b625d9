//! What a monitor hears from its resources: status reports, log lines, a lost quorum.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use resapi_sys_mock::abi::{
    CLUSTER_RESOURCE_STATE, ClusterResourcePending, LOG_LEVEL, RESOURCE_HANDLE, ResourceExitStateContinue,
    ResourceExitStateTerminate,
};

static OBSERVERS: RwLock<BTreeMap<RESOURCE_HANDLE, Arc<Observer>>> = RwLock::new(BTreeMap::new());

/// Everything heard from one resource.
#[derive(Default)]
pub(crate) struct Observer {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Heard {
    /// State and checkpoint of each report.
    pub(crate) reports: Vec<(CLUSTER_RESOURCE_STATE, u32)>,
    /// A final state that nobody has waited for yet.
    final_state: Option<CLUSTER_RESOURCE_STATE>,
    /// The event of the last final report, 0 for none.
    pub(crate) event: usize,
    pub(crate) log: Vec<(LOG_LEVEL, String)>,
    pub(crate) is_quorum_lost: bool,
    /// Answer the next reports with "terminated".
    pub(crate) answers_terminated: bool,
}

impl Observer {
    /// A new observer, found by the callbacks under its handle.
    pub(crate) fn new(handle: RESOURCE_HANDLE) -> Arc<Self> {
        let observer = Arc::<Self>::default();
        OBSERVERS.write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::clone(&observer));
        observer
    }

    pub(crate) fn forget(handle: RESOURCE_HANDLE) {
        OBSERVERS.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    }

    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a final state; `None` when the time is over first.
    pub(crate) fn wait_for_final(&self, time: Duration) -> Option<CLUSTER_RESOURCE_STATE> {
        self.wait(time, |heard| heard.final_state.take())
    }

    /// Waits until at least `count` reports were heard.
    pub(crate) fn wait_for_reports(&self, count: usize, time: Duration) -> bool {
        self.wait(time, |heard| (heard.reports.len() >= count).then_some(())).is_some()
    }

    fn wait<R>(&self, time: Duration, mut is_heard: impl FnMut(&mut Heard) -> Option<R>) -> Option<R> {
        let deadline = Instant::now() + time;
        let mut heard = self.heard();
        loop {
            if let Some(result) = is_heard(&mut heard) {
                return Some(result);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            heard = self.changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn find(handle: RESOURCE_HANDLE) -> Option<Arc<Observer>> {
    OBSERVERS.read().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned()
}

/// Callback of a status report.
pub(crate) fn report(handle: RESOURCE_HANDLE, state: CLUSTER_RESOURCE_STATE, checkpoint: u32, event: usize) -> u32 {
    let Some(observer) = find(handle) else { return ResourceExitStateTerminate as u32 };
    let mut heard = observer.heard();
    heard.reports.push((state, checkpoint));
    if state < ClusterResourcePending {
        heard.final_state = Some(state);
        heard.event = event;
    }
    let answer = if heard.answers_terminated { ResourceExitStateTerminate } else { ResourceExitStateContinue };
    drop(heard);
    observer.changed.notify_all();
    answer as u32
}

/// Callback of the log.
pub(crate) fn log(handle: RESOURCE_HANDLE, level: LOG_LEVEL, line: &str) {
    if let Some(observer) = find(handle) {
        observer.heard().log.push((level, line.to_owned()));
    }
}

/// Callback of a lost quorum.
pub(crate) fn quorum_lost(handle: RESOURCE_HANDLE) {
    if let Some(observer) = find(handle) {
        observer.heard().is_quorum_lost = true;
    }
}
