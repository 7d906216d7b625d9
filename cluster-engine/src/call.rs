//! Calls to resources and what comes back: the engine's side of the Resource Monitor.
//!
//! The engine does not know what a DLL is. It says "bring this resource online, this is call number 7 to it", and hears
//! what became of call number 7. The driver carries both between the engine and the monitor processes.

use serde::{Deserialize, Serialize};

use crate::id::Guid;
use crate::time::Millis;

/// An entry point that the engine asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryPoint {
    /// Make the instance known, offline. Ends in Opened or OpenFailed.
    Open(OpenSpec),
    /// Ends in Online or Failed.
    Online,
    /// Ends in Offline or Failed.
    Offline,
    /// Ends in Terminated. Overlaps whatever runs.
    Terminate,
    /// Ends in Closed.
    Close,
    /// Its intervals and limits changed. Nothing is reported.
    Configure(Timing),
    /// Win the quorum device and defend it from now on. Ends in Arbitrated. Its generation counts arbitrations of this
    /// node, not calls of the resource.
    Arbitrate,
    /// Stop defending the quorum device. Ends in Released.
    Release,
    /// Break off an Online or Offline that is under way, if the library can (version 2 and later). Nothing is reported but
    /// the end of that call. Its generation is that of the call.
    Cancel,
    /// Does the resource object to a drain? Ends in DrainAnswered. Its generation is the round of the drain.
    CheckDrain,
}

/// What the monitor must know to open a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSpec {
    /// Display name.
    pub name: String,
    /// Type name as registered.
    pub type_name: String,
    /// `DllName` of the type.
    pub dll_name: String,
    /// Resolved intervals and limits.
    pub timing: Timing,
}

/// An [`OpenSpec`] that borrows its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description<'a> {
    pub(crate) name: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) dll_name: &'a str,
    pub(crate) timing: Timing,
}

impl Description<'_> {
    pub(crate) fn to_spec(self) -> OpenSpec {
        let [name, type_name, dll_name] = [self.name, self.type_name, self.dll_name].map(str::to_owned);
        OpenSpec { name, type_name, dll_name, timing: self.timing }
    }

    /// Is it the one that an instance was opened by?
    pub(crate) fn is(&self, spec: &OpenSpec) -> bool {
        let ours = (self.name, self.type_name, self.dll_name, self.timing);
        ours == (&*spec.name, &*spec.type_name, &*spec.dll_name, spec.timing)
    }
}

/// Intervals and limits of a resource, resolved against its type (reference 04, resource and resource_type rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Between LooksAlive polls.
    pub looks_alive: Millis,
    /// Between IsAlive polls.
    pub is_alive: Millis,
    /// Between status reports while pending.
    pub pending_timeout: Millis,
    /// For one call.
    pub deadlock_timeout: Millis,
}

/// Which monitor process hosts a resource (ARCHITECTURE section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MonitorKey {
    /// The one of the core group.
    Core,
    /// The one that ordinary resources share.
    Shared,
    /// One of its own: `SeparateMonitor` = 1.
    Separate(Guid),
}

/// What became of a call, or of the resource by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The instance exists, offline.
    Opened,
    /// Open refused or the library could not be loaded.
    OpenFailed {
        /// Win32 code.
        code: u32,
        /// In words.
        message: String,
    },
    /// Online is under way and made progress.
    OnlinePending {
        /// Grows with each report.
        checkpoint: u32,
    },
    /// Runs.
    Online,
    /// Offline is under way and made progress.
    OfflinePending {
        /// Grows with each report.
        checkpoint: u32,
    },
    /// Stopped in an orderly way.
    Offline,
    /// Failed; the monitor terminated it already.
    Failed(Cause),
    /// Terminate returned.
    Terminated,
    /// Close returned.
    Closed,
    /// Arbitrate returned.
    Arbitrated {
        /// Win32 code; 0: the device is owned and defended.
        code: u32,
    },
    /// Release returned.
    Released {
        /// Win32 code.
        code: u32,
    },
    /// The resource was asked whether its group may be drained.
    DrainAnswered {
        /// Win32 code; 0 and 1 (not interested) are no veto.
        code: u32,
    },
}

/// Why a resource failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The entry point answered an error.
    CallFailed {
        /// Entry point.
        call: String,
        /// Win32 code.
        code: u32,
        /// In words.
        message: String,
    },
    /// No status report within PendingTimeout.
    PendingTimeout {
        /// Entry point.
        call: String,
        /// The limit, ms.
        limit_ms: u32,
    },
    /// IsAlive answered FALSE.
    IsAlive,
    /// The event handle was signalled.
    EventSignalled,
    /// The library reported Failed.
    Reported {
        /// Win32 code.
        code: u32,
    },
    /// The call raised an exception.
    Exception {
        /// Entry point.
        call: String,
        /// In words.
        text: String,
    },
    /// The library broke a rule of the interface.
    Misbehaved {
        /// Entry point.
        call: String,
        /// In words.
        text: String,
    },
    /// The node's lease ran out.
    LeaseLost,
    /// Open failed, so nothing else can work.
    NotOpen {
        /// Win32 code of Open.
        code: u32,
        /// In words.
        message: String,
    },
    /// A call did not return within DeadlockTimeout; the monitor was killed.
    Deadlock {
        /// Entry point.
        call: String,
        /// The resource that hung. It may be another one of the same monitor.
        culprit: String,
    },
    /// The monitor process ended.
    MonitorDied {
        /// How, and whose fault as far as it is known.
        text: String,
    },
    /// FailClusterResource: somebody asked for it.
    Simulated,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::CallFailed { call, code, message } => write!(f, "{call} failed with {code}: {message}"),
            Cause::PendingTimeout { call, limit_ms } => {
                write!(f, "{call} made no progress for {limit_ms} ms (PendingTimeout)")
            }
            Cause::IsAlive => f.write_str("IsAlive has indicated failure"),
            Cause::EventSignalled => f.write_str("its event handle was signalled and IsAlive confirmed it"),
            Cause::Reported { code } => write!(f, "the resource DLL reported failure, code {code}"),
            Cause::Exception { call, text } => write!(f, "exception in {call}: {text}"),
            Cause::Misbehaved { call, text } => write!(f, "the resource DLL broke a rule in {call}: {text}"),
            Cause::LeaseLost => f.write_str("the node lost contact with the quorate cluster"),
            Cause::NotOpen { code, message } => write!(f, "Open failed with {code}: {message}"),
            Cause::Deadlock { call, culprit } => {
                write!(f, "{call} of '{culprit}' did not return within DeadlockTimeout; its Resource Monitor was ended")
            }
            Cause::MonitorDied { text } => write!(f, "its Resource Monitor ended: {text}"),
            Cause::Simulated => f.write_str("failure was requested (FailClusterResource)"),
        }
    }
}
