//! The quorum device of an instance: Arbitrate, Release, and giving it up when nobody is left to say so.
//!
//! A device that was arbitrated for is defended by the library until Release is called. A node whose Cluster service is
//! frozen or gone must not go on defending it: another node would never win. So the monitor beside it by itself when the
//! service has been silent for the length of a lease (see [`Lease`](crate::lease::Lease)), and whenever it has to terminate
//! the resource for a reason of its own; the service is told that the ownership is lost.
//!
//! Arbitrate may wait for long, and the worker with it. Release and Terminate do not queue behind it: they are called at
//! once on a thread of their own, and a library that won all the same meanwhile is released again.
#![forbid(unsafe_code)]

use std::sync::Arc;

use resapi_sys_mock::codes::win32::{ERROR_OPERATION_ABORTED, ERROR_SUCCESS};

use super::{Inner, Instance, Job, Opened};
use crate::clock::lock;
use crate::protocol::{FromMonitor, LogLevel, Status};

/// What is known of the ownership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Device {
    /// Never arbitrated for, or released.
    #[default]
    Free,
    /// Arbitrate is running. `is_broken_off`: whoever asked for it does not want it any more.
    Arbitrating { is_broken_off: bool },
    /// Arbitrate has won.
    Held,
}

impl Instance {
    /// The worker: Arbitrate, with [`Device::Arbitrating`] set already.
    pub(super) fn arbitrate(&self, generation: u64) {
        let mut code = self.code_of("Arbitrate", |opened| opened.door.arbitrate(&opened.resid));
        let is_broken_off = {
            let mut inner = lock(&self.inner);
            let is_broken_off = inner.device == Device::Arbitrating { is_broken_off: true };
            let is_held = code == ERROR_SUCCESS && !is_broken_off;
            inner.device = if is_held { Device::Held } else { Device::Free };
            is_broken_off
        };
        if is_broken_off && code == ERROR_SUCCESS {
            self.note(LogLevel::Warning, "won the quorum device although it was told to stop; it is released again");
            let _ = self.code_of("Release", |opened| opened.door.release(&opened.resid));
            code = ERROR_OPERATION_ABORTED;
        }
        self.tell(generation, Status::Arbitrated { code });
        if self.monitor.is_service_silent() {
            self.give_up_device("the Cluster service has fallen silent during Arbitrate");
        }
    }

    /// The library says that the device is gone.
    pub(super) fn device_is_lost(&self) {
        let mut inner = lock(&self.inner);
        if inner.device == Device::Held {
            inner.device = Device::Free;
        }
    }

    /// The worker: Release, when no Arbitrate is under way.
    pub(super) fn release(&self, generation: u64) {
        lock(&self.inner).device = Device::Free;
        let code = self.code_of("Release", |opened| opened.door.release(&opened.resid));
        self.tell(generation, Status::Released { code });
    }

    /// Release is asked for: an Arbitrate that is under way is broken off at once, one that has not begun is dropped.
    /// True when everything is done.
    pub(super) fn release_at_once(&self, inner: &mut Inner, generation: u64) -> bool {
        if !self.break_off(inner) {
            return false;
        }
        let Some(me) = self.me.upgrade() else { return true };
        inner.beside += 1;
        self.monitor.spawn("release", move || {
            let code = me.code_of("Release", |opened| opened.door.release(&opened.resid));
            me.tell(generation, Status::Released { code });
            me.beside_returned(&mut lock(&me.inner));
        });
        true
    }

    /// Nobody wants an Arbitrate any more. True when one is under way; its own call has to end it.
    pub(super) fn break_off(&self, inner: &mut Inner) -> bool {
        inner.queue.retain(|job| match job {
            Job::Arbitrate(generation) => {
                self.tell(*generation, Status::Arbitrated { code: ERROR_OPERATION_ABORTED });
                false
            }
            Job::Open(_)
            | Job::Online(_)
            | Job::Offline(_)
            | Job::Close(_)
            | Job::Release(_)
            | Job::CheckDrain(_)
            | Job::Control { .. }
            | Job::Probe { .. }
            | Job::LooksAlive
            | Job::IsAlive => true,
        });
        match &mut inner.device {
            Device::Arbitrating { is_broken_off } => {
                *is_broken_off = true;
                true
            }
            Device::Free | Device::Held => false,
        }
    }

    /// Nobody is left to say whether the device is still wanted: Release, then Terminate unless that comes by itself.
    pub(crate) fn give_up_device(&self, why: &str) {
        let mut inner = lock(&self.inner);
        let is_under_way = self.break_off(&mut inner);
        if !is_under_way && inner.device == Device::Free {
            return;
        }
        if !is_under_way {
            inner.device = Device::Free;
        }
        let (Some(me), Some(opened)) = (self.me.upgrade(), inner.opened.clone()) else { return };
        inner.beside += 1;
        drop(inner);
        self.tell_lost(why);
        self.monitor.spawn("release", move || {
            me.release_by_itself(&opened);
            let mut inner = lock(&me.inner);
            let steps = inner.state.stop_silently();
            me.carry_out(&mut inner, steps);
            me.beside_returned(&mut inner);
        });
    }

    /// A call that ran beside the worker has returned: what waited for it may go on.
    pub(super) fn beside_returned(&self, inner: &mut Inner) {
        inner.beside = inner.beside.saturating_sub(1);
        self.changed.notify_all();
    }

    /// The monitor has to terminate the resource for a reason of its own. True when its device has to be released before.
    pub(super) fn loses_device(&self, inner: &mut Inner) -> bool {
        if !inner.state.is_failing() {
            return false;
        }
        let has_device = self.break_off(inner) || inner.device == Device::Held;
        if inner.device == Device::Held {
            inner.device = Device::Free;
        }
        if has_device {
            self.tell_lost("the resource is terminated");
        }
        has_device
    }

    pub(super) fn release_by_itself(&self, opened: &Arc<Opened>) {
        // What it answers changes nothing: the device is not this node's any more.
        let _ = self.timed("Release", || opened.door.release(&opened.resid));
    }

    /// The end of the monitor: what was arbitrated for and is not online is given free; what is online does so itself.
    pub(super) fn release_before_close(&self, opened: &Arc<Opened>) {
        let was_held = std::mem::take(&mut lock(&self.inner).device) == Device::Held;
        if was_held {
            self.release_by_itself(opened);
        }
    }

    fn tell_lost(&self, why: &str) {
        self.note(LogLevel::Error, &format!("the quorum device is given up: {why}"));
        self.monitor.outbox.push(FromMonitor::QuorumResourceLost { resource: self.id });
    }
}
