//! What goes into the engine and what comes out: the whole contract with its drivers.

use serde::{Deserialize, Serialize};

use crate::call::{EntryPoint, MonitorKey, Status};
use crate::id::{Guid, NodeId};
use crate::membership::Heartbeat;
use crate::notice::Notice;
use crate::refusal::Refusal;
use crate::replica::{RaftMessage, Write};
use crate::state::{Answer, Command, Proposal};
use crate::time::Time;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Time has passed; at the latest at `Engine::next_deadline`.
    Tick,
    /// A client of this node wants a change. Answered by exactly one [`Effect::Reply`] with the same `ticket`.
    Client {
        /// Chosen by the driver; echoed.
        ticket: u64,
        /// What to do.
        command: Command,
    },
    /// A message of another node's engine.
    Peer {
        /// Who says so. The driver vouches for it.
        from: NodeId,
        /// What it says.
        message: PeerMessage,
    },
    /// Everything up to [`Effect::Persist`] number `n` is durable.
    Persisted {
        /// The number of the effect.
        n: u64,
    },
    /// A resource reports.
    Resource {
        /// Which one.
        resource: Guid,
        /// The generation of the call that it belongs to.
        generation: u64,
        /// What it reports.
        status: Status,
    },
    /// A monitor process of this node ended, with all resources in it.
    MonitorLost {
        /// Which one.
        monitor: MonitorKey,
        /// Whose fault it was: the resource and the call, when it hung.
        culprit: Option<(Guid, String)>,
        /// In words.
        text: String,
    },
    /// A call into a monitor process of this node has exceeded DeadlockTimeout. The monitor still talks, but it cannot end
    /// the call; it is to be killed.
    MonitorHung {
        /// Which one.
        monitor: MonitorKey,
        /// Whose fault it is: the resource and the call, when it is known.
        culprit: Option<(Guid, String)>,
    },
    /// The service was told to stop: give up everything in an orderly way. Answered by [`Effect::Stopped`].
    Stop,
}

/// Something to do. Effects of one step are carried out in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Make this durable, all in one atomic write, after everything persisted earlier; then say [`Event::Persisted`].
    Persist {
        /// Counts up.
        n: u64,
        /// What to write.
        writes: Vec<Write>,
    },
    /// Send to another node. May be lost; never waits.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: PeerMessage,
    },
    /// Ask the Resource Monitor for an entry point.
    Call {
        /// Of which resource.
        resource: Guid,
        /// In which monitor process; started when it is not there.
        monitor: MonitorKey,
        /// The number of this call of this resource.
        generation: u64,
        /// Which one.
        entry: EntryPoint,
    },
    /// End a monitor process that hangs; then say [`Event::MonitorLost`].
    KillMonitor {
        /// Which one.
        monitor: MonitorKey,
        /// Whose fault it is.
        culprit: Option<(Guid, String)>,
    },
    /// The answer to [`Event::Client`].
    Reply {
        /// The client's ticket.
        ticket: u64,
        /// What became of it.
        result: Result<Answer, Refusal>,
    },
    /// For the cluster log and the event history.
    Notice(Notice),
    /// The node has given up everything; the process may end.
    Stopped,
}

/// What engines say to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeerMessage {
    /// Of the replicated log.
    Raft(RaftMessage),
    /// Of membership.
    Heartbeat(Heartbeat),
    /// Proposals of a node for the leader.
    Proposals(Vec<Proposal>),
}

/// The lease under which resources of this node may run, for the driver to pass on to its monitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// They may run until then.
    pub until: Time,
}
