//! The heart of Wolfden: one node of a failover cluster as a pure state machine.
//!
//! [`Engine::step`] takes one [`Event`] and the time, and returns a list of [`Effect`]s. There is no clock, socket,
//! thread, file, log or dice inside; the same events at the same times give the same effects. Three things drive it: the
//! Cluster service (real processes, real time), the simulator (virtual time, seeds, faults), and the dashboard's what-if.
//!
//! | module | what it holds |
//! |---|---|
//! | [`state`] | what the nodes agree on, and every policy decision: the replicated state machine |
//! | [`quorum`] | the arithmetic of votes: how many are needed, who keeps quorum, how votes follow the membership |
//! | [`replica`] | raft: how they agree |
//! | [`membership`] | heartbeats, leases, and when a silent node is certain to have stopped everything |
//! | `executor` | makes true on this node what the state asks of it |
//! | `standing` | this node's own standing: lease, start, leaving |
//! | `leader` | what only the leader does |
//! | `monitors` | the loss of a Resource Monitor |
//! | `voters` | how the leader moves votes towards what the quorum rules want |
//! | `seat` | by which voter this node leads |
//! | `contact` | who was heard when, and what that proves |
//! | `wish` | where the witness should be |
//! | `arbiter` | how this node fights for the quorum device, and what follows |
//! | `witness` | the witness voter while this node hosts it |
//! | `lineage` | force quorum, prevent quorum, and what they mean for others |
//! | `requests` | requests that wait for their outcome |

#![forbid(unsafe_code)]

mod arbiter;
pub mod call;
mod contact;
mod engine;
mod event;
mod executor;
mod id;
mod leader;
mod lineage;
pub mod membership;
mod monitors;
mod notice;
pub mod quorum;
mod refusal;
pub mod replica;
mod requests;
mod seat;
mod standing;
pub mod state;
mod time;
mod voters;
mod wish;
mod witness;

pub use engine::{CLIENT_TIMEOUT, Engine, EngineConfig, EngineSabotage};
pub use event::{Effect, Event, PeerBody, PeerMessage};
pub use id::{Guid, Lineage, NodeId, RequestId};
pub use notice::{ArbitrationStep, Component, Level, LogPlace, Notice, Subject};
pub use refusal::{Refusal, code};
pub use time::{Millis, Time};
