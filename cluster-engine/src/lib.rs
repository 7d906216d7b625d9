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
//! | `requests` | requests that wait for their outcome |

#![forbid(unsafe_code)]

pub mod call;
mod engine;
mod event;
mod executor;
mod id;
mod leader;
pub mod membership;
mod notice;
pub mod quorum;
mod refusal;
pub mod replica;
mod requests;
mod standing;
pub mod state;
mod time;

pub use engine::{CLIENT_TIMEOUT, Engine, EngineConfig, EngineSabotage};
pub use event::{Effect, Event, PeerBody, PeerMessage};
pub use id::{Guid, Lineage, NodeId, RequestId};
pub use notice::{ArbitrationStep, Component, Level, LogPlace, Notice, Subject};
pub use refusal::{Refusal, code};
pub use time::{Millis, Time};
