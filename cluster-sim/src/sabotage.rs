//! Rules taken out on purpose, for tests of the simulator: each promise must be able to notice something.
//!
//! The switches of [`EngineSabotage`] break the engine; those here break the world below it: a disk that lies, a monitor
//! that forgets, a witness that is not fenced. Nothing but tests ever sets one.

use cluster_engine::EngineSabotage;

/// What is broken. All off: nothing.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    /// Rules of the engine.
    pub engine: EngineSabotage,
    /// A disk says that a write is durable before it is.
    pub persisted_before_durable: bool,
    /// A store goes back by one batch when its service dies.
    pub store_goes_back: bool,
    /// A machine keeps an altered copy of the entries that it is sent.
    pub entries_altered: bool,
    /// A machine keeps an altered copy of the snapshot that it is sent.
    pub snapshot_altered: bool,
    /// Terminate says that it is done and ends nothing.
    pub terminate_lies: bool,
    /// What Terminate reports is lost.
    pub terminate_report_lost: bool,
    /// A monitor reports Online at once, before the resource is.
    pub online_too_soon: bool,
    /// A call of Online is carried out by another machine that is no possible owner, if there is one.
    pub calls_go_astray: bool,
    /// Replies to clients are lost.
    pub replies_lost: bool,
    /// Clients are answered twice.
    pub replies_twice: bool,
    /// Clocks run three times as fast as the world.
    pub clocks_race: bool,
    /// A service that sleeps until its next deadline is not woken.
    pub nobody_wakes: bool,
    /// R1: the new owner opens the former one's store of the witness in place of a copy.
    pub witness_shares_store: bool,
    /// R1: the new owner copies the store of the witness before it raises the epoch.
    pub witness_copies_first: bool,
    /// R2: no ownership check after a flush.
    pub witness_flushes_unchecked: bool,
    /// R3: no ownership check before a message.
    pub witness_sends_unchecked: bool,
    /// R5: a check that a leader asks for passes without a look.
    pub witness_check_passes: bool,
    /// R6: goes on after a check that failed.
    pub witness_goes_on: bool,
}

impl From<EngineSabotage> for Sabotage {
    fn from(engine: EngineSabotage) -> Sabotage {
        Sabotage { engine, ..Sabotage::default() }
    }
}
