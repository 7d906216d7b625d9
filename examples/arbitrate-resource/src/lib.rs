//! A quorum-capable resource type of one's own: "Lease Lock", a lock file that one node holds with a lease.
//!
//! The device is a file that all nodes see. Who owns it has written its name and a serial number into it, and writes a
//! greater number again and again: that is what defending means (docs/resource-types.md). A challenger that sees the same
//! number for a lease and a half takes the file over; the former owner notices at its next renewal, and says that the quorum
//! is lost.
//!
//! 1. *Arbitrate*: read the file. Free, or ours: write our name, read it again after a moment, start to defend.
//!    Somebody else's: wait until nothing has changed for a lease and a half, then take it over.
//! 2. *Defend*: every third of the lease, if the file is still ours, write it anew. If it is not: `QuorumLost`.
//! 3. *Release*: stop defending, and leave the file free.
//!
//! As an ordinary resource, for which nobody arbitrates, it takes the lock in *Online* and defends it all the same; a loss is
//! then a failure that `IsAlive` finds.
#![forbid(unsafe_code)]

mod lock;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resapi::{Context, Failure, Progress, Property, QuorumLost, ResourceClass, ResourceType};

use crate::lock::{Lock, Owner};

/// Lease that is used when none is set, in milliseconds.
const LEASE_MS: u32 = 3_000;
/// After so many parts of a lease it is renewed.
const RENEWALS: u32 = 3;

struct LeaseLock {
    context: Context,
    /// The name under which this instance owns the file.
    name: String,
    defence: Mutex<Option<Defence>>,
}

/// The thread that renews the lease.
struct Defence {
    signal: Arc<Signal>,
    thread: std::thread::JoinHandle<()>,
    /// The cluster has arbitrated for it, and hears of a loss.
    is_arbitrated: bool,
}

/// Tells a thread to stop, at once.
#[derive(Default)]
struct Signal {
    is_over: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl ResourceType for LeaseLock {
    const NAME: &'static str = "Lease Lock";
    const PROPERTIES: &'static [Property] =
        &[Property::text("Path").required(), Property::number("LeaseMs", LEASE_MS).range(300, 60_000)];
    const QUORUM_CAPABLE: bool = true;
    const CLASS: ResourceClass = ResourceClass::Storage;

    fn open(context: Context) -> Result<Self, Failure> {
        // Two instances of one resource, on two nodes, must not take each other for themselves.
        let name = format!("{} of process {}", context.name(), std::process::id());
        Ok(LeaseLock { context, name, defence: Mutex::default() })
    }

    fn arbitrate(&self, lost: QuorumLost) -> Result<(), Failure> {
        if self.is_defending(|defence| defence.is_arbitrated) {
            return Ok(());
        }
        // A lock that Online took is ours already; from now on the cluster hears of its loss.
        self.stop_defending();
        let (lock, lease) = self.device();
        let sleep = |time| {
            std::thread::sleep(time);
            true
        };
        lock.take(&self.name, lease, &sleep)?;
        self.defend(lock, lease, Some(lost))?;
        self.context.log().info("owns the lock and defends it");
        Ok(())
    }

    fn release(&self) -> Result<(), Failure> {
        if self.stop_defending() {
            let (lock, _) = self.device();
            lock.give_up(&self.name)?;
            self.context.log().info("gave the lock up");
        }
        Ok(())
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        // As the quorum resource it was arbitrated for before; as an ordinary one it takes the lock now.
        if self.is_defending(|_| true) {
            return Ok(());
        }
        let (lock, lease) = self.device();
        let taken = lock.take(&self.name, lease, &|time| progress.wait(time));
        if progress.is_stop_requested() {
            return Err(Failure::stopped());
        }
        taken?;
        self.defend(lock, lease, None)?;
        // Terminate may have come and gone a moment ago, before there was a defence that it could end.
        if progress.is_stop_requested() {
            self.stop_defending();
            return Err(Failure::stopped());
        }
        Ok(())
    }

    fn is_alive(&self) -> Result<(), Failure> {
        let (lock, _) = self.device();
        match lock.read()? {
            Some(Owner { name, .. }) if name == self.name => Ok(()),
            Some(Owner { name, .. }) => {
                Err(Failure::new(resapi::codes::win32::ERROR_BUSY, format!("{name} has the lock")))
            }
            None => Err(Failure::new(resapi::codes::win32::ERROR_FILE_NOT_FOUND, "nobody has the lock".to_owned())),
        }
    }

    fn offline(&self, _: &Progress) -> Result<(), Failure> {
        // A type that defends a device releases it itself (reference 01.3).
        self.stop_defending();
        let (lock, _) = self.device();
        Ok(lock.give_up(&self.name)?)
    }

    fn terminate(&self) {
        // So that the next owner need not wait for the lease. The file stays when somebody else has it.
        if let Err(why) = self.release() {
            self.context.log().warning(format_args!("the lock was not given up: {why}"));
        }
    }
}

impl LeaseLock {
    fn device(&self) -> (Lock, Duration) {
        let properties = self.context.properties();
        let lease = Duration::from_millis(u64::from(properties.number("LeaseMs")));
        (Lock::at(PathBuf::from(properties.text("Path"))), lease)
    }

    fn defence(&self) -> MutexGuard<'_, Option<Defence>> {
        self.defence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_defending(&self, in_this_way: impl Fn(&Defence) -> bool) -> bool {
        let is_running = |defence: &Defence| !defence.signal.is_over.load(Ordering::SeqCst);
        self.defence().as_ref().is_some_and(|defence| is_running(defence) && in_this_way(defence))
    }

    fn defend(&self, lock: Lock, lease: Duration, lost: Option<QuorumLost>) -> Result<(), Failure> {
        // What has noticed a loss is over, and is still to be put away.
        self.stop_defending();
        let is_arbitrated = lost.is_some();
        let signal = Arc::new(Signal::default());
        let (name, log, watched) = (self.name.clone(), self.context.log(), Arc::clone(&signal));
        let body = move || {
            while watched.wait(lease / RENEWALS) {
                let Err(why) = lock.renew(&name) else { continue };
                log.severe(format_args!("the lock is lost: {why}"));
                watched.is_over.store(true, Ordering::SeqCst);
                if let Some(lost) = &lost {
                    lost.report();
                }
                return;
            }
        };
        let thread = std::thread::Builder::new().name("defend".into()).spawn(body)?;
        *self.defence() = Some(Defence { signal, thread, is_arbitrated });
        Ok(())
    }

    /// Ends the defence. True when there was one.
    fn stop_defending(&self) -> bool {
        let Some(defence) = self.defence().take() else { return false };
        let was_defending = {
            // Under its lock, so that the thread is either asleep and woken or has not looked yet.
            let _guard = defence.signal.lock.lock().unwrap_or_else(PoisonError::into_inner);
            !defence.signal.is_over.swap(true, Ordering::SeqCst)
        };
        defence.signal.changed.notify_all();
        // It looks at nothing but its signal and the file.
        let _ = defence.thread.join();
        was_defending
    }
}

impl Signal {
    /// Waits so long. False: it is over.
    fn wait(&self, time: Duration) -> bool {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = |(): &mut ()| !self.is_over.load(Ordering::SeqCst);
        let waited = self.changed.wait_timeout_while(guard, time, is_running);
        drop(waited);
        !self.is_over.load(Ordering::SeqCst)
    }
}

resapi::export!(LeaseLock);

#[cfg(test)]
mod tests;
