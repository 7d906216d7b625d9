//! The promises, one per file, each with the sentence that states it. Checked after every step of a storm.

pub mod acknowledged_is_kept;
pub mod one_host;
pub mod same_state;

use crate::world::World;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// All of them, with what they remember.
#[derive(Debug, Default)]
pub struct Invariants {
    /// `one_host`
    pub one_host: one_host::OneHost,
    /// `same_state`
    pub same_state: same_state::SameState,
    /// `acknowledged_is_kept`
    pub acknowledged: acknowledged_is_kept::Acknowledged,
}

impl Invariants {
    /// Looks at the world after a step.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&mut self, world: &World) -> Result<(), Broken> {
        self.one_host.check(world)?;
        self.same_state.check(world)
    }

    /// Looks at the world when everything has settled.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check_settled(&mut self, world: &World) -> Result<(), Broken> {
        self.same_state.check_settled(world)?;
        self.acknowledged.check(world)
    }
}
