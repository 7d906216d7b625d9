//! What the Cluster service and a Resource Monitor say to each other.
//!
//! The service starts a monitor with `--connect ADDRESS` and a one-time token in the environment variable
//! [`TOKEN_VARIABLE`]. The monitor connects to that loopback address, says [`FromMonitor::Hello`] with the token, and
//! hears [`ToMonitor::Welcome`]. From then on both sides send frames whenever they have something to say: a frame is a
//! 4-byte little-endian length and a postcard-encoded message.
//!
//! The service asks for entry points with [`ToMonitor::Call`]; what becomes of a resource it hears as
//! [`FromMonitor::Status`]. Each call carries a *generation*; every status repeats the generation of the call that it
//! belongs to, so that an answer to an older call can be told from one to the present call. The monitor is the judge of a
//! resource: when an entry point fails, times out or reports nonsense, it calls Terminate itself and then reports
//! [`Status::Failed`] with the cause, so `Failed` always means: terminated already.
//!
//! The protocol knows nothing of policy: whether a failed resource restarts or fails over is decided in the service.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version both sides must have. Raised with every change of these types.
pub const VERSION: u32 = {
    // The text of this file is the protocol, so its digest (FNV-1a) is the version: a monitor for Windows that was built
    // earlier than the service, from another text, is told apart instead of misunderstood.
    let text = include_bytes!("protocol.rs");
    let (mut digest, mut at) = (0x811c_9dc5_u32, 0);
    while at < text.len() {
        digest = (digest ^ text[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    digest
};

/// The environment variable in which the service hands the one-time token to the monitor that it starts.
pub const TOKEN_VARIABLE: &str = "WOLFDEN_MONITOR_TOKEN";

/// What the holder of a Windows world (`resmon.exe --hold`) prints when it can be used.
pub const READY: &str = "ready";

/// What it prints twice per second, as long as the wineserver answers.
pub const ALIVE: &str = "alive";

/// The environment variable that tells a monitor under Wine its process number on the host.
pub const PROCESS_VARIABLE: &str = "WOLFDEN_MONITOR_PROCESS";

/// The environment variable with the directories, separated by `;`, in which a monitor under Wine looks for bare names of
/// DLLs, in the words of Windows.
pub const WINDOWS_DLL_DIRS_VARIABLE: &str = "WOLFDEN_WINDOWS_DLL_DIRS";

/// The largest frame either side accepts, in bytes. A longer one ends the connection.
pub const MAX_FRAME_BYTES: u32 = 8 * 1024 * 1024;

/// How often a monitor asks for its lease, in milliseconds (see [`FromMonitor::LeasePing`]).
pub const LEASE_PING_MS: u64 = 100;

/// A resource, by the 128 bits of its cluster id (the GUID under `Resources\` in the cluster registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId(pub u128);

/// Names one request that wants an answer: a control call of the service, or a registry request of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// From the Cluster service to a monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToMonitor {
    /// The token was right. `node` is the node's name; `shared_dir` is the directory that all nodes of the cluster see
    /// (name files, disks); `run_dir` belongs to this node alone (process files of applications).
    Welcome { node: String, node_id: u32, shared_dir: PathBuf, run_dir: PathBuf },
    /// Calls an entry point of a resource. Answered by one or more [`FromMonitor::Status`].
    Call { resource: ResourceId, generation: u64, entry: EntryPoint },
    /// ResourceControl of an open resource. Answered by [`FromMonitor::Controlled`].
    Control { request: RequestId, resource: ResourceId, code: u32, input: Vec<u8> },
    /// ResourceTypeControl. Loads the library of the type when needed. Answered by [`FromMonitor::Controlled`].
    TypeControl { request: RequestId, resource_type: TypeSpec, code: u32, input: Vec<u8> },
    /// ResourceControl with an output buffer of exactly so many bytes and without default processing, to test a library.
    /// Answered by [`FromMonitor::Probed`].
    Probe { request: RequestId, resource: ResourceId, code: u32, input: Vec<u8>, output_bytes: u32 },
    /// The same for ResourceTypeControl.
    ProbeType { request: RequestId, resource_type: TypeSpec, code: u32, input: Vec<u8>, output_bytes: u32 },
    /// Looks at a library: loads it and tries names of types. Answered by [`FromMonitor::Inspected`].
    Inspect { request: RequestId, dll_name: String, candidates: Vec<String> },
    /// Changes the intervals and time limits of an open resource.
    Configure { resource: ResourceId, timing: Timing },
    /// The answer to a [`FromMonitor::LeasePing`]: resources of this monitor may run until `stamp + remaining_ms` of the
    /// monitor's own clock. Zero: not at all.
    Lease { stamp: u64, remaining_ms: u64 },
    /// The answer to [`FromMonitor::Registry`].
    RegistryAnswer { request: RequestId, answer: Result<RegistryAnswer, Refusal> },
    /// Take every resource offline in its own way for at most `grace_ms`, terminate the rest, close all, end the process.
    Shutdown { grace_ms: u64 },
}

/// An entry point the service may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntryPoint {
    /// Makes the instance known. Loads the library at the first request for its type. Ends in [`Status::Opened`] or
    /// [`Status::OpenFailed`].
    Open(OpenSpec),
    /// Ends in [`Status::Online`] or [`Status::Failed`].
    Online,
    /// Ends in [`Status::Offline`] or [`Status::Failed`].
    Offline,
    /// Ends in [`Status::Terminated`]. May be asked for while another call runs.
    Terminate,
    /// Terminates first when the resource is not offline. Ends in [`Status::Closed`].
    Close,
    /// Ends in [`Status::Arbitrated`].
    Arbitrate,
    /// Ends in [`Status::Released`].
    Release,
    /// Breaks off the Online or Offline of this generation, if it is under way and the library has Cancel (version 2 and
    /// later). Not answered: the call itself ends.
    Cancel,
    /// Asks the library whether the group of the resource may be drained (CHECK_DRAIN_VETO). Ends in
    /// [`Status::DrainAnswered`].
    CheckDrain,
}

/// What a monitor must know to open a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenSpec {
    /// The display name of the resource.
    pub name: String,
    /// Its type.
    pub resource_type: TypeSpec,
    /// Its intervals and time limits.
    pub timing: Timing,
}

/// A resource type and the library that serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeSpec {
    /// The exact type name, as registered.
    pub name: String,
    /// The registered `DllName`. `clusres.dll` and `clusres2.dll` are the types built into the monitor, native or under Wine.
    pub dll_name: String,
}

/// Intervals and limits of one resource, all in milliseconds, already resolved against the defaults of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Between LooksAlive polls.
    pub looks_alive_ms: u32,
    /// Between IsAlive polls.
    pub is_alive_ms: u32,
    /// Between status reports while pending. Past it: Terminate, [`Cause::PendingTimeout`].
    pub pending_timeout_ms: u32,
    /// For one entry-point call. Past it: [`FromMonitor::Deadlocked`], and the service kills the monitor.
    pub deadlock_timeout_ms: u32,
}

/// From a monitor to the Cluster service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromMonitor {
    /// The first frame.
    Hello { version: u32, token: String, process_id: u32 },
    /// Asks for the lease; `stamp` is the monitor's own clock in milliseconds when it asked. A monitor whose lease runs
    /// out terminates all its resources at once, reports nothing it cannot report, and goes on asking. The lease counts
    /// from the stamp, never from the arrival of the answer, so that an answer that was delayed cannot lengthen it.
    LeasePing { stamp: u64 },
    /// What became of a call, or of the resource by itself.
    Status { resource: ResourceId, generation: u64, status: Status },
    /// The answer to a control call. `code` is the Win32 result after the monitor's default processing.
    Controlled { request: RequestId, code: u32, output: Vec<u8> },
    /// The answer to a probe: the code as the library gave it, what it says it returned, and whether it wrote beyond the end
    /// of the buffer.
    Probed { request: RequestId, code: u32, returned: u32, has_overrun: bool, output: Vec<u8> },
    /// The answer to [`ToMonitor::Inspect`].
    Inspected { request: RequestId, found: Result<Inspected, Refusal> },
    /// A call did not return within DeadlockTimeout. The monitor can go on talking, but it should be killed: the thread
    /// inside the library cannot be ended in any other way.
    Deadlocked { resource: Option<ResourceId>, resource_type: String, dll_name: String, call: String, waited_ms: u64 },
    /// A line for the cluster log: LogEvent of a library, or the monitor's own words.
    Log { level: LogLevel, component: LogComponent, resource: Option<ResourceId>, text: String },
    /// An entry point took longer than 300 ms (reference 01.3): a fault of performance, not an error.
    Slow { resource: ResourceId, call: String, took_ms: u64 },
    /// A library called ClusterReg: work on the cluster registry. The calling thread waits for the answer.
    Registry { request: RequestId, call: RegistryCall },
    /// A quorum-capable resource lost its ownership (QuorumResourceLost).
    QuorumResourceLost { resource: ResourceId },
    /// The library has locked the resource, for this reason, or unlocked it (SetResourceLockedMode). An instance that is
    /// closed is unlocked before.
    Locked { resource: ResourceId, reason: Option<u32> },
    /// A library made a call that it should not make where it made it (reference 01.9). Repeated whenever its count has
    /// doubled.
    Finding(Finding),
}

/// What a library turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// It exports `Startup`.
    pub has_startup: bool,
    /// It exports `StartupEx`.
    pub has_startup_ex: bool,
    /// Startup accepts names that cannot exist.
    pub accepts_any_name: bool,
    /// Its types, as far as their names were tried.
    pub types: Vec<InspectedType>,
}

/// A resource type of a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedType {
    /// Its name.
    pub name: String,
    /// What it answers to services that speak different versions.
    pub negotiated: Vec<Negotiated>,
    /// It has Arbitrate and Release.
    pub is_quorum_capable: bool,
    /// Why its newest function table cannot be used.
    pub table_fault: Option<String>,
}

/// One try to agree on a version of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// The least version that the service speaks.
    pub min: u32,
    /// The greatest.
    pub max: u32,
    /// What Startup answered.
    pub code: u32,
    /// The version of the table; 0 without one.
    pub version: u32,
    /// The size that the table states.
    pub table_bytes: u32,
}

/// What the call guard found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The resource in whose entry point or worker it happened; `None` on a thread that belongs to nobody in particular.
    pub resource: Option<ResourceId>,
    /// Its type, empty when it cannot be told.
    pub resource_type: String,
    /// The library.
    pub dll_name: String,
    /// The function, or the name of the control code.
    pub call: String,
    /// The word of the table, e.g. `do-not-use`.
    pub usage: String,
    /// What to do instead.
    pub remedy: String,
    /// The entry point on whose thread it happened.
    pub entry_point: Option<String>,
    /// The kind of thread: `entry point`, `worker` or `other thread`.
    pub thread: String,
    /// What was done about it.
    pub mode: GuardMode,
    /// How often it happened so far in this monitor.
    pub count: u64,
}

/// What becomes of a call that should not be made: `CallGuard` of the resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuardMode {
    /// Nothing.
    Off,
    /// It is told, and works.
    Warn,
    /// It is told, and answers 1131.
    Fail,
    /// It is told, and blocks until DeadlockTimeout, as on Windows.
    Deadlock,
}

impl GuardMode {
    /// All of them.
    pub const ALL: [GuardMode; 4] = [GuardMode::Off, GuardMode::Warn, GuardMode::Fail, GuardMode::Deadlock];

    /// The word under which it is stored.
    pub const fn word(self) -> &'static str {
        match self {
            GuardMode::Off => "off",
            GuardMode::Warn => "warn",
            GuardMode::Fail => "fail",
            GuardMode::Deadlock => "deadlock",
        }
    }

    /// The mode of a word, without regard to case.
    #[must_use]
    pub fn of_word(word: &str) -> Option<GuardMode> {
        GuardMode::ALL.into_iter().find(|mode| mode.word().eq_ignore_ascii_case(word))
    }
}

/// The state of a resource as its monitor reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The instance exists, offline.
    Opened,
    /// Open refused, or the library could not be loaded.
    OpenFailed { code: u32, message: String },
    /// Online is under way; `checkpoint` grew.
    OnlinePending { checkpoint: u32 },
    /// Runs.
    Online,
    /// Offline is under way; `checkpoint` grew.
    OfflinePending { checkpoint: u32 },
    /// Stopped in an orderly way.
    Offline,
    /// Failed, and terminated already.
    Failed(Cause),
    /// Terminate returned.
    Terminated,
    /// Close returned; the monitor has forgotten the instance.
    Closed,
    /// Arbitrate returned this Win32 code; 0 = owned and defended.
    Arbitrated { code: u32 },
    /// Release returned this Win32 code.
    Released { code: u32 },
    /// The library was asked about a drain: what it answered, a Win32 code.
    DrainAnswered { code: u32 },
}

/// Why a resource failed. `call` is the name of the entry point, e.g. `Online`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The entry point answered this error.
    CallFailed { call: String, code: u32, message: String },
    /// No status report within PendingTimeout.
    PendingTimeout { call: String, limit_ms: u32 },
    /// IsAlive answered FALSE.
    IsAlive,
    /// The resource's event handle was signalled and IsAlive agreed.
    EventSignalled,
    /// The library reported Failed, or called SignalFailure.
    Reported { code: u32 },
    /// The call panicked or raised an exception.
    Exception { call: String, text: String },
    /// The library broke a rule of the interface (a status that makes no sense, a bad table).
    Misbehaved { call: String, text: String },
    /// The lease of the node ran out.
    LeaseLost,
    /// The instance was not open.
    NotOpen,
}

/// Severity as LogEvent has it (LOG_INFORMATION 0 .. LOG_SEVERE 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogLevel {
    /// A state changed.
    Information,
    /// Policy acted.
    Warning,
    /// Someone must act.
    Error,
    /// The same, worse.
    Severe,
}

/// Who speaks in the cluster log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogComponent {
    /// The monitor itself (`[RHS]`).
    Rhs,
    /// A resource library (`[RES]`).
    Res,
}

/// A call of a library on the cluster registry. Paths are relative to the root of the hive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryCall {
    /// Does the key exist?
    Open { path: String },
    /// Creates the key, or opens an existing one.
    Create { path: String },
    /// One value.
    Query { path: String, name: String },
    /// Sets one value.
    Set { path: String, name: String, kind: u32, bytes: Vec<u8> },
    /// Deletes one value.
    Delete { path: String, name: String },
    /// Deletes a key without subkeys.
    DeleteKey { path: String },
    /// All values and subkey names of a key.
    List { path: String },
}

/// What the registry answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryAnswer {
    /// Done. `created`: the key is new.
    Done { created: bool },
    /// The value.
    Value { kind: u32, bytes: Vec<u8> },
    /// Values (name, kind, bytes) and subkey names, in order.
    Listing { values: Vec<(String, u32, Vec<u8>)>, subkeys: Vec<String> },
}

/// A refusal with its Win32 code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Win32 code.
    pub code: u32,
    /// What to do next.
    pub message: String,
}
