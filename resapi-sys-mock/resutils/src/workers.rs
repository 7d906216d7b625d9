//! Workers: the threads of a resource DLL (reference 01.10).
//!
//! A worker is a thread of the system and a structure of the caller, which says to the thread that it should end. The handle in
//! the structure is a number of this library; the structure belongs to the caller and must stay until the worker has ended.

use core::ffi::c_void;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{array, get, need, put};
use resapi_sys_mock::exports;
use resapi_sys_mock::guard::WorkerPass;

/// The first number of a thread; far from the numbers of libclusapi.
const FIRST: usize = 0x6000_0001;
/// The most workers that are waited for in one call, as WaitForMultipleObjects has it.
const MAX_WORKERS: usize = 64;

/// A thread, as those who wait for it see it.
struct Thread {
    has_ended: Mutex<bool>,
    ended: Condvar,
    id: Mutex<Option<ThreadId>>,
}

#[derive(Default)]
struct Threads {
    next: usize,
    all: Option<HashMap<usize, Arc<Thread>>>,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { next: FIRST, all: None });

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(handle: HANDLE) -> Option<Arc<Thread>> {
    lock(&THREADS).all.as_ref()?.get(&(handle as usize)).cloned()
}

fn forget(handle: HANDLE) {
    if let Some(all) = &mut lock(&THREADS).all {
        all.remove(&(handle as usize));
    }
}

impl Thread {
    /// Waits until it has ended; `false` when the time is over first. A worker does not wait for itself.
    fn wait(&self, timeout_ms: u32) -> bool {
        if *lock(&self.id) == Some(std::thread::current().id()) {
            return false;
        }
        let end = (timeout_ms != INFINITE).then(|| Instant::now() + Duration::from_millis(u64::from(timeout_ms)));
        let mut has_ended = lock(&self.has_ended);
        while !*has_ended {
            has_ended = match end {
                None => self.ended.wait(has_ended).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.ended.wait_timeout(has_ended, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

/// Says at the end of a thread that it is over, however it ends.
struct End(Arc<Thread>);

impl Drop for End {
    fn drop(&mut self) {
        *lock(&self.0.has_ended) = true;
        self.0.ended.notify_all();
    }
}

/// What the caller gives to the new thread.
struct Start {
    routine: unsafe extern "system" fn(*mut CLUS_WORKER, *mut c_void) -> u32,
    worker: *mut CLUS_WORKER,
    parameter: *mut c_void,
}

// SAFETY: the caller of ClusWorkerCreate promised that routine, structure and parameter may be used on another thread; that is
// what the function is for.
unsafe impl Send for Start {}

impl Start {
    fn run(self) {
        // SAFETY: as above; the structure stays until the worker has ended.
        unsafe { (self.routine)(self.worker, self.parameter) };
    }
}

/// The flag of a worker, which two threads look at.
///
/// # Safety
/// The structure is not NULL and stays during the call.
unsafe fn flag<'a>(worker: *const CLUS_WORKER) -> &'a AtomicI32 {
    // SAFETY: the caller's promise; the field is a BOOL, aligned as the structure is.
    unsafe { AtomicI32::from_ptr((&raw const (*worker).Terminate).cast_mut()) }
}

/// Tells a worker to end, unless it is only waited for, and waits.
///
/// # Safety
/// NULL, or a structure that ClusWorkerCreate has filled, or one of zeroes.
unsafe fn terminate(worker: *const CLUS_WORKER, timeout_ms: u32, only_waits: bool) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let handle = unsafe { get(worker) }?.hThread;
    // A structure of zeroes, or of a worker that has ended: nothing to do, as on Windows.
    let Some(thread) = find(handle) else { return Ok(()) };
    if !only_waits {
        // SAFETY: the caller's promise.
        unsafe { flag(worker) }.store(1, Ordering::SeqCst);
    }
    if !thread.wait(timeout_ms) {
        return Err(WAIT_TIMEOUT);
    }
    forget(handle);
    Ok(())
}

exports! {
    EXPORTS;

    fn ClusWorkerCreate(worker: *mut CLUS_WORKER, routine: PWORKER_START_ROUTINE, parameter: *mut c_void) -> Code {
        need(worker)?;
        let routine = routine.ok_or(ERROR_INVALID_PARAMETER)?;
        let thread = Arc::new(Thread { has_ended: Mutex::new(false), ended: Condvar::new(), id: Mutex::new(None) });
        let number = {
            let mut threads = lock(&THREADS);
            let number = threads.next;
            threads.next += 4;
            threads.all.get_or_insert_default().insert(number, Arc::clone(&thread));
            number
        };
        // The new thread may look at its structure at once.
        put(worker, CLUS_WORKER { hThread: number as HANDLE, Terminate: 0 });
        let (start, pass) = (Start { routine, worker, parameter }, WorkerPass::take());
        let made = std::thread::Builder::new().name("clus-worker".into()).spawn(move || {
            *lock(&thread.id) = Some(std::thread::current().id());
            let _end = End(Arc::clone(&thread));
            pass.run(|| start.run());
        });
        if made.is_err() {
            forget(number as HANDLE);
            put(worker, CLUS_WORKER { hThread: std::ptr::null_mut(), Terminate: 0 });
            return Err(ERROR_NOT_ENOUGH_MEMORY);
        }
        Ok(())
    }

    fn ClusWorkerCheckTerminate(worker: *mut CLUS_WORKER) -> Truth {
        need(worker)?;
        Ok(flag(worker).load(Ordering::SeqCst) != 0)
    }

    fn ClusWorkerTerminate(worker: *const CLUS_WORKER) -> Nothing {
        terminate(worker, INFINITE, false)
    }

    fn ClusWorkerTerminateEx(worker: *mut CLUS_WORKER, timeout_ms: DWORD, only_waits: BOOL) -> Code {
        terminate(worker, timeout_ms, only_waits != 0)
    }

    fn ClusWorkersTerminate(workers: *mut *mut CLUS_WORKER, count: usize, timeout_ms: DWORD, only_waits: BOOL) -> Code {
        if count == 0 || count > MAX_WORKERS {
            return Err(ERROR_INVALID_PARAMETER);
        }
        let workers = array(workers.cast_const(), count as u32)?;
        if workers.iter().any(|worker| worker.is_null()) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        if only_waits == 0 {
            // All are told before the first is waited for.
            for worker in &workers {
                flag(*worker).store(1, Ordering::SeqCst);
            }
        }
        let begun = Instant::now();
        for worker in workers {
            let left = match timeout_ms {
                INFINITE => INFINITE,
                limit => limit.saturating_sub(u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX)),
            };
            terminate(worker, left, true)?;
        }
        Ok(())
    }
}
