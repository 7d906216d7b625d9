//! Who replicates: voters count for a majority, learners only follow.
//!
//! A voter is not a node but one *store*: a disk that was wiped or replaced is a new voter with a new id, because it
//! has forgotten what it voted for. The quorum witness is a voter like any other. Sets change one step at a time, by
//! entries of the log itself, and a change holds from the moment it is applied (docs/raft.md section 4, docs/witness.md).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most voters and learners one set may hold: 64 nodes, as many stores on their way in or out, and witnesses.
pub const MAX_MEMBERS: usize = 130;

/// The identity of one store during its lifetime. Never 0; never used again after a store was wiped.
///
/// The engine hands out new ids (for example from a counter in the replicated state), the replica only compares them.
#[derive(Serialize, Deserialize, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VoterId(pub u64);

impl fmt::Display for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "voter {}", self.0)
    }
}

/// The set of replicas at one index of the log, sorted by id.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Voters {
    /// Those who elect a leader and of whom a majority makes an entry committed.
    pub voters: BTreeSet<VoterId>,
    /// Those who receive the log without a say (node weight 0, newcomers, every node under disk-only quorum).
    pub learners: BTreeSet<VoterId>,
}

/// What is wrong with a set of voters that came from a store or from another replica.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VotersFault {
    /// Nobody could ever commit anything.
    #[error("the set has no voter; give it at least one")]
    NoVoter,
    /// Id 0 means "nobody".
    #[error("id 0 is not a voter; take an id above 0")]
    IdZero,
    /// A replica either votes or it does not.
    #[error("{0} is both voter and learner; name it once")]
    Twice(VoterId),
    /// More members than [`MAX_MEMBERS`].
    #[error("{0} members are more than the {MAX_MEMBERS} that are allowed; remove some first")]
    TooMany(usize),
}

impl Voters {
    /// A set from two lists of plain ids; for tests and for the first store of a cluster.
    pub fn new(voters: &[u64], learners: &[u64]) -> Voters {
        Voters {
            voters: voters.iter().copied().map(VoterId).collect(),
            learners: learners.iter().copied().map(VoterId).collect(),
        }
    }

    /// True when the set names `id`, as voter or as learner.
    pub fn has(&self, id: VoterId) -> bool {
        self.voters.contains(&id) || self.learners.contains(&id)
    }

    /// True when nobody is named at all: the state of a newcomer's empty store.
    pub fn is_empty(&self) -> bool {
        self.voters.is_empty() && self.learners.is_empty()
    }

    /// Every member, sorted by id.
    pub fn members(&self) -> BTreeSet<VoterId> {
        self.voters.union(&self.learners).copied().collect()
    }

    /// True when `present` holds a majority of the voters.
    pub fn has_majority(&self, present: &BTreeSet<VoterId>) -> bool {
        self.voters.intersection(present).count() > self.voters.len() / 2
    }

    /// Checks a set that came from outside (a store, a message).
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), VotersFault> {
        let size = self.voters.len() + self.learners.len();
        if self.voters.is_empty() {
            return Err(VotersFault::NoVoter);
        }
        if size > MAX_MEMBERS {
            return Err(VotersFault::TooMany(size));
        }
        if self.has(VoterId(0)) {
            return Err(VotersFault::IdZero);
        }
        match self.voters.intersection(&self.learners).next() {
            Some(both) => Err(VotersFault::Twice(*both)),
            None => Ok(()),
        }
    }
}

/// One step from a set of voters to the next. At most one vote is added or taken per step, so that every majority
/// before and every majority after share a member.
#[derive(Serialize, Deserialize, Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum VoterChange {
    /// A new store joins without a vote and is filled by a snapshot.
    AddLearner(VoterId),
    /// A learner that has caught up gets its vote.
    Promote(VoterId),
    /// A voter loses its vote and goes on following.
    Demote(VoterId),
    /// A voter or learner leaves; it gets no more messages.
    Remove(VoterId),
}

/// Why a change makes no sense for the set it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeFault {
    /// The new one is there already.
    #[error("{0} is a member already; nothing to add")]
    AlreadyMember(VoterId),
    /// Only a learner can be promoted.
    #[error("{0} is no learner; add it as a learner first")]
    NotLearner(VoterId),
    /// Only a voter can be demoted.
    #[error("{0} is no voter; it has no vote to take away")]
    NotVoter(VoterId),
    /// Only a member can be removed.
    #[error("{0} is no member; nothing to remove")]
    NotMember(VoterId),
    /// A set without voters could never change again.
    #[error("{0} is the last voter; promote another one first")]
    LastVoter(VoterId),
    /// The set would break a rule of [`Voters::check`].
    #[error(transparent)]
    Set(#[from] VotersFault),
}

impl VoterChange {
    /// Whom the change is about.
    pub fn subject(self) -> VoterId {
        match self {
            VoterChange::AddLearner(id)
            | VoterChange::Promote(id)
            | VoterChange::Demote(id)
            | VoterChange::Remove(id) => id,
        }
    }

    /// The set after this change, or why there is none. Pure: the leader asks before it proposes.
    ///
    /// # Errors
    /// [`ChangeFault`] names the reason; the set stays as it was.
    pub fn applied_to(self, set: &Voters) -> Result<Voters, ChangeFault> {
        let id = self.subject();
        let mut next = set.clone();
        match self {
            VoterChange::AddLearner(_) => {
                if set.has(id) {
                    return Err(ChangeFault::AlreadyMember(id));
                }
                next.learners.insert(id);
            }
            VoterChange::Promote(_) => {
                if !next.learners.remove(&id) {
                    return Err(ChangeFault::NotLearner(id));
                }
                next.voters.insert(id);
            }
            VoterChange::Demote(_) => {
                if !next.voters.remove(&id) {
                    return Err(ChangeFault::NotVoter(id));
                }
                next.learners.insert(id);
            }
            VoterChange::Remove(_) => {
                if !next.voters.remove(&id) && !next.learners.remove(&id) {
                    return Err(ChangeFault::NotMember(id));
                }
            }
        }
        if next.voters.is_empty() {
            return Err(ChangeFault::LastVoter(id));
        }
        next.check()?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: (&[u64], &[u64]), change: VoterChange, expected: Result<(&[u64], &[u64]), ChangeFault>) {
        let found = change.applied_to(&Voters::new(set.0, set.1));
        assert_eq!(found, expected.map(|(voters, learners)| Voters::new(voters, learners)), "{change:?} on {set:?}");
    }

    #[test]
    fn changes_take_one_step_or_say_why_not() {
        let v = VoterId;
        check((&[1], &[]), VoterChange::AddLearner(v(2)), Ok((&[1], &[2])));
        check((&[1], &[2]), VoterChange::AddLearner(v(2)), Err(ChangeFault::AlreadyMember(v(2))));
        check((&[1], &[]), VoterChange::AddLearner(v(1)), Err(ChangeFault::AlreadyMember(v(1))));
        check((&[1], &[]), VoterChange::AddLearner(v(0)), Err(ChangeFault::Set(VotersFault::IdZero)));
        check((&[1], &[2]), VoterChange::Promote(v(2)), Ok((&[1, 2], &[])));
        check((&[1, 2], &[]), VoterChange::Promote(v(2)), Err(ChangeFault::NotLearner(v(2))));
        check((&[1, 2], &[]), VoterChange::Demote(v(1)), Ok((&[2], &[1])));
        check((&[2], &[1]), VoterChange::Demote(v(1)), Err(ChangeFault::NotVoter(v(1))));
        check((&[2], &[1]), VoterChange::Demote(v(2)), Err(ChangeFault::LastVoter(v(2))));
        check((&[1, 2], &[3]), VoterChange::Remove(v(3)), Ok((&[1, 2], &[])));
        check((&[1, 2], &[3]), VoterChange::Remove(v(1)), Ok((&[2], &[3])));
        check((&[1], &[3]), VoterChange::Remove(v(1)), Err(ChangeFault::LastVoter(v(1))));
        check((&[1], &[3]), VoterChange::Remove(v(9)), Err(ChangeFault::NotMember(v(9))));
    }

    #[test]
    fn sets_from_outside_are_checked() {
        assert_eq!(Voters::new(&[], &[1]).check(), Err(VotersFault::NoVoter));
        assert_eq!(Voters::new(&[0, 1], &[]).check(), Err(VotersFault::IdZero));
        assert_eq!(Voters::new(&[1], &[1]).check(), Err(VotersFault::Twice(VoterId(1))));
        let many: Vec<u64> = (1..=MAX_MEMBERS as u64 + 1).collect();
        assert_eq!(Voters::new(&many, &[]).check(), Err(VotersFault::TooMany(MAX_MEMBERS + 1)));
        assert_eq!(Voters::new(&many[1..], &[]).check(), Ok(()));
    }

    #[test]
    fn a_majority_counts_voters_only() {
        let set = Voters::new(&[1, 2, 3, 4], &[5, 6]);
        let present = |ids: &[u64]| ids.iter().copied().map(VoterId).collect();
        assert!(!set.has_majority(&present(&[1, 2, 5, 6])));
        assert!(set.has_majority(&present(&[1, 2, 3])));
        assert!(!Voters::default().has_majority(&present(&[1])));
    }
}
