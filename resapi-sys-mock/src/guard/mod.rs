//! The call guard: calls that a resource DLL should not make are recognised when it makes them (reference 01.9).
//!
//! [`table`] knows the 105 calls and judges one. The functions here are for the libraries that resource DLLs call
//! (`clusapi`, `resutils`). Inside a Resource Monitor they ask it, in any other program they do nothing:
//!
//! 1. The monitor binds each such library once, through its export [`CLUSAPI_EXPORT`] or [`RESUTILS_EXPORT`], before any
//!    resource type that was linked with it starts. The library passes the table on to [`bind`].
//! 2. Every exported function begins with [`enter`], and a control function with [`enter_control`]. `Err` is what the
//!    function answers at once, as its result or as last error.
//! 3. `ClusWorkerCreate` takes a [`WorkerPass`] on the thread of its caller, and the new thread works inside of
//!    [`WorkerPass::run`]: that is how the monitor knows a worker, and whose worker it is.
//!
//! ```
//! use resapi_sys_mock::guard;
//! fn online_cluster_resource() -> u32 {
//!     if let Err(code) = guard::enter("OnlineClusterResource") {
//!         return code;
//!     }
//!     0 // the work
//! }
//! assert_eq!(online_cluster_resource(), 0, "no monitor, no guard");
//! ```

pub mod table;

use std::sync::OnceLock;

use crate::host::{Bound, HostTable};

/// The export, of type [`crate::host::BIND_ROUTINE`], by which the monitor finds the library of the cluster API behind a
/// resource DLL.
pub const CLUSAPI_EXPORT: &str = "WolfdenBindClusapi";
/// The same for the library of resource utilities.
pub const RESUTILS_EXPORT: &str = "WolfdenBindResutils";

static MONITOR: OnceLock<Bound> = OnceLock::new();

/// Takes the table of the monitor. Called by the two exports; the first table stays. Answers 0, 87 or 1306.
///
/// # Safety
/// The promise of [`Bound::new`].
pub unsafe fn bind(table: *const HostTable) -> u32 {
    // SAFETY: the caller's promise, passed on.
    match unsafe { Bound::new(table) } {
        Ok(bound) => {
            // A second monitor in one process does not exist; the same one may bind twice.
            let _ = MONITOR.set(bound);
            0
        }
        Err(code) => code,
    }
}

/// The functions of the monitor, when this process is one.
pub fn monitor() -> Option<&'static Bound> {
    MONITOR.get()
}

/// To be called first in every exported function. `Ok` in any process that is no monitor.
///
/// # Errors
/// The code that the function answers instead of working, when `CallGuard` of the resource type is `fail`, or when it is
/// `deadlock` and the call has blocked for as long as DeadlockTimeout.
pub fn enter(function: &str) -> Result<(), u32> {
    enter_control(function, 0)
}

/// The same for a control function, e.g. `("ClusterResourceControl", CLUSCTL_RESOURCE_GET_NAME)`.
///
/// # Errors
/// As [`enter`].
pub fn enter_control(function: &str, code: u32) -> Result<(), u32> {
    MONITOR.get().map_or(Ok(()), |monitor| monitor.guard_call(function, code))
}

/// Whose worker a thread is going to be. Taken on the thread that calls `ClusWorkerCreate`.
#[derive(Debug)]
pub struct WorkerPass(u64);

impl WorkerPass {
    /// The resource whose entry point runs on this thread, if any.
    pub fn take() -> Self {
        Self(MONITOR.get().map_or(0, Bound::worker_pass))
    }

    /// Runs the body of a worker on the new thread.
    pub fn run<R>(self, work: impl FnOnce() -> R) -> R {
        struct End(&'static Bound);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.worker_ends();
            }
        }
        let _end = MONITOR.get().map(|monitor| {
            monitor.worker_begins(self.0);
            End(monitor)
        });
        work()
    }
}
