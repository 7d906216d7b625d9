//! What goes into the engine and what comes out: the whole contract with its drivers.

use serde::{Deserialize, Serialize};

use crate::call::{EntryPoint, MonitorKey, Status};
use crate::id::{Guid, Lineage, NodeId};
use crate::membership::Heartbeat;
use crate::notice::Notice;
use crate::refusal::Refusal;
use crate::replica::{RaftMessage, Stored, VoterId, Write};
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
    /// A monitor that was served by more than one process (which the engine neither asks for nor sees) has lost one of
    /// them, with these resources in it; the others of the monitor run on.
    MonitorPartLost {
        /// Which monitor.
        monitor: MonitorKey,
        /// What was open in the process, or was to be opened there.
        resources: Vec<Guid>,
        /// Whose fault it was: the resource and the call, when it is known.
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
    /// The resource library says that it lost the quorum device that Arbitrate had won (QuorumResourceLost).
    QuorumResourceLost {
        /// The quorum resource.
        resource: Guid,
    },
    /// [`Effect::WitnessTake`] succeeded: the epoch is raised durably and the newest store of the witness is copied and
    /// open.
    WitnessTaken {
        /// The round that asked.
        round: u64,
        /// The new ownership epoch.
        epoch: u64,
        /// What the store holds.
        stored: Box<Stored>,
    },
    /// [`Effect::WitnessTake`] failed; nothing of this round is open.
    WitnessRefused {
        /// The round that asked.
        round: u64,
        /// The device can be used, but there is no store of this voter on it: it was wiped or replaced.
        missing: bool,
        /// In words.
        text: String,
    },
    /// Everything up to [`Effect::WitnessPersist`] number `n` is durable on the device, and *after* that the ownership
    /// was checked and still belongs to this epoch (docs/witness.md R2).
    WitnessPersisted {
        /// The epoch.
        epoch: u64,
        /// The number of the effect.
        n: u64,
    },
    /// [`Effect::WitnessCheck`] found that the ownership still belongs to this epoch.
    WitnessChecked {
        /// The epoch.
        epoch: u64,
        /// The stamp of the effect.
        stamp: Time,
    },
    /// A check failed or the device cannot be used any more. The driver has closed the store and does nothing for this
    /// epoch any more (R6).
    WitnessLost {
        /// The epoch.
        epoch: u64,
        /// In words.
        text: String,
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
    /// Take the store of the witness voter on the quorum device, which this node has just won: raise the ownership epoch
    /// durably, copy the newest complete store, open the copy. Answered by [`Event::WitnessTaken`] or
    /// [`Event::WitnessRefused`]. A round that is taken back by [`Effect::WitnessEnd`] meanwhile is not answered.
    WitnessTake {
        /// Counts the arbitrations of this life; names this attempt.
        round: u64,
        /// The quorum resource; where the store lies follows from it.
        resource: Guid,
        /// Whose store it is.
        voter: VoterId,
        /// There need not be one yet: the voter has never voted. Then an empty one is made.
        may_create: bool,
    },
    /// Make this durable in the witness's store, in one atomic write, after everything before it; check the ownership;
    /// say [`Event::WitnessPersisted`], or [`Event::WitnessLost`].
    WitnessPersist {
        /// The epoch.
        epoch: u64,
        /// Counts up.
        n: u64,
        /// What to write.
        writes: Vec<Write>,
    },
    /// Check the ownership, then send this message as the witness (R3). To this node itself it comes back as
    /// [`Event::Peer`]. In the order of the effects of this epoch.
    WitnessSend {
        /// The epoch.
        epoch: u64,
        /// To whom.
        to: NodeId,
        /// What.
        message: PeerMessage,
    },
    /// Check the ownership and say [`Event::WitnessChecked`] with the same stamp, or [`Event::WitnessLost`].
    WitnessCheck {
        /// The epoch.
        epoch: u64,
        /// Echoed.
        stamp: Time,
    },
    /// Close the witness's store that this node holds, or is about to take. Nothing is answered.
    WitnessEnd,
    /// This node's store belongs to a line of descent that was forced out (event 5396). The driver ends the engine, puts
    /// the store aside and joins anew, with an empty store, through `via`. Everything that ran here was terminated.
    Rejoin {
        /// The line of descent that has quorum now.
        lineage: Lineage,
        /// A node of it.
        via: NodeId,
    },
    /// For the cluster log and the event history.
    Notice(Notice),
    /// The node has given up everything; the process may end.
    Stopped,
}

/// What engines say to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerMessage {
    /// The sender's line of descent. A lower one than the receiver's own is refused, a higher one ends the receiver's.
    pub lineage: Lineage,
    /// What it says.
    pub body: PeerBody,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeerBody {
    /// Of the replicated log.
    Raft(RaftMessage),
    /// Of membership.
    Heartbeat(Heartbeat),
    /// Proposals of a node for the leader.
    Proposals(Vec<Proposal>),
    /// Nothing but the line of descent: the answer to a message of an older one.
    Outdated,
}
