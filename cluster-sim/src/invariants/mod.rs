//! The promises, one per file, each with the sentence that states it. Checked after every step of a storm.

pub mod acknowledged_is_kept;
pub mod dependency_order;
pub mod heals;
pub mod one_host;
pub mod one_quorum;
pub mod one_reply;
pub mod only_forward;
pub mod owner_durable;
pub mod pending_bounded;
pub mod possible_owner;
pub mod quorum_first;
pub mod same_state;
pub mod threshold_kept;

use crate::world::facts::Fact;
use crate::world::{Seen, World};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

impl Broken {
    fn new(invariant: &'static str, what: impl Into<String>) -> Broken {
        Broken { invariant, what: what.into() }
    }
}

/// What is looked at: the world, and what is new since the last look.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// As it is now.
    pub world: &'a World,
    /// New facts.
    pub facts: &'a [Fact],
    /// What was newly seen.
    pub seen: &'a [Seen],
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
    /// `one_reply`
    pub one_reply: one_reply::OneReply,
    /// `one_quorum`
    pub one_quorum: one_quorum::OneQuorum,
    /// `only_forward`
    pub only_forward: only_forward::OnlyForward,
    /// `owner_durable`
    pub owner_durable: owner_durable::OwnerDurable,
    /// `pending_bounded`
    pub pending_bounded: pending_bounded::PendingBounded,
    /// `threshold_kept`
    pub threshold_kept: threshold_kept::ThresholdKept,
    looked: usize,
    looked_facts: usize,
    steps: u64,
}

impl Invariants {
    /// Looks at the world after a step.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&mut self, world: &World) -> Result<(), Broken> {
        let seen = &world.seen[self.looked.saturating_sub(world.taken).min(world.seen.len())..];
        let facts = &world.facts[self.looked_facts.saturating_sub(world.facts_taken).min(world.facts.len())..];
        let is_quiet = self.steps == world.steps && seen.is_empty() && facts.is_empty();
        self.looked = world.taken + world.seen.len();
        self.looked_facts = world.facts_taken + world.facts.len();
        self.steps = world.steps;
        if is_quiet {
            return Ok(());
        }
        let look = Look { world, facts, seen };
        self.one_host.check(look)?;
        self.same_state.check(look)?;
        quorum_first::check(look)?;
        self.one_quorum.check(look)?;
        dependency_order::check(look)?;
        possible_owner::check(look)?;
        self.owner_durable.check(look)?;
        self.one_reply.check(look)?;
        self.acknowledged.check_replies(look)?;
        self.pending_bounded.check(look)?;
        self.threshold_kept.check(look)?;
        self.only_forward.check(look)
    }

    /// Looks at the world when everything has settled.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check_settled(&mut self, world: &World) -> Result<(), Broken> {
        self.same_state.check_settled(world)?;
        self.one_reply.check_settled(world)?;
        self.acknowledged.check(world)
    }
}
