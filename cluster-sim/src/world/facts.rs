//! Facts for the invariants: what was true when something was done, written down at that moment.
//!
//! An invariant sees the world between two steps. What a node knew when it issued a call, or which entries became durable
//! as committed, would have to be guessed then; so the world notes it.

use cluster_engine::call::EntryPoint;
use cluster_engine::replica::VoterId;
use cluster_engine::state::{ClusterState, ResourceState};
use cluster_engine::{Guid, Lineage, NodeId};

use super::World;
use crate::machine::Machine;
use crate::store;

/// One fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A client asked a node for something.
    Asked {
        /// Which.
        node: NodeId,
        /// Which life of it.
        incarnation: u64,
        /// The ticket that the reply will carry.
        ticket: u64,
    },
    /// A resource was called Online or Offline.
    Called(Called),
    /// An entry is committed as far as a store knows.
    Committed {
        /// Whose store.
        node: NodeId,
        /// Its line of descent.
        lineage: Lineage,
        /// Place in the log.
        index: u64,
        /// Term of the entry.
        term: u64,
        /// Made from what it carries; `None` for a store that keeps only places.
        digest: Option<u64>,
    },
    /// A node leads.
    Leads {
        /// Which.
        voter: VoterId,
        /// Its line of descent.
        lineage: Lineage,
        /// In which term.
        term: u64,
    },
}

/// A call of Online or Offline, and what was true then.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// The machine whose monitor carries it out.
    pub node: NodeId,
    /// The resource.
    pub resource: Guid,
    /// Its group.
    pub group: Guid,
    /// Online, or Offline.
    pub is_online: bool,
    /// The node that called held a lease.
    pub is_quorate: bool,
    /// The machine is a possible owner.
    pub is_possible: bool,
    /// Online: a provider of a set of which none is online there. Offline: a dependent that still runs there.
    pub in_the_way: Option<Guid>,
    /// The entry of the log that the node had applied last.
    pub applied: u64,
    /// The line of descent of the node.
    pub lineage: Lineage,
}

impl World {
    /// An entry point was called.
    pub(super) fn note_call(&mut self, asked_by: NodeId, node: NodeId, resource: Guid, entry: &EntryPoint) {
        let is_online = match entry {
            EntryPoint::Online => true,
            EntryPoint::Offline => false,
            EntryPoint::Open(_)
            | EntryPoint::Terminate
            | EntryPoint::Close
            | EntryPoint::Configure(_)
            | EntryPoint::Arbitrate
            | EntryPoint::Release
            | EntryPoint::Cancel
            | EntryPoint::CheckDrain => return,
        };
        let (Some(caller), Some(host)) = (self.machines.get(&asked_by), self.machines.get(&node)) else { return };
        let Some(engine) = &caller.engine else { return };
        let state = engine.state();
        let Some(known) = state.resources.get(&resource) else { return };
        let called = Called {
            node,
            resource,
            group: known.group,
            is_online,
            is_quorate: engine.is_quorate(caller.clock(self.now)),
            is_possible: known.config.possible.as_ref().is_none_or(|list| list.contains(&node)),
            in_the_way: if is_online {
                missing_provider(state, resource, host)
            } else {
                dependent(state, resource, host)
            },
            applied: state.applied,
            lineage: caller.lineage,
        };
        self.facts.push(Fact::Called(called));
    }

    /// The store of a machine has changed.
    pub(super) fn note_commits(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (commit, lineage) = (machine.stored.hard.commit, machine.lineage);
        for index in machine.noted_commit + 1..=commit {
            if let Some(entry) = store::entry(&machine.stored, index) {
                let (term, digest) = (entry.term, Some(store::digest(entry)));
                self.facts.push(Fact::Committed { node, lineage, index, term, digest });
            }
        }
        machine.noted_commit = machine.noted_commit.max(commit);
    }

    /// An engine made a step.
    pub(super) fn note_leader(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let Some(engine) = &machine.engine else { return };
        if engine.is_leader() && engine.term() != machine.noted_lead {
            let (voter, lineage, term) = (machine.voter, machine.lineage, engine.term());
            machine.noted_lead = term;
            self.facts.push(Fact::Leads { voter, lineage, term });
        }
    }
}

/// Some provider of the first set of which none is online on the machine.
fn missing_provider(state: &ClusterState, resource: Guid, host: &Machine) -> Option<Guid> {
    // A provider that has just ended with its monitor is online as far as anybody can know.
    let is_online = |id: &Guid| {
        let is_known_online = state.resources.get(id).is_some_and(|r| r.state == ResourceState::Online);
        host.lost_untold.contains(id)
            || (host.failed_untold.contains(id) && is_known_online)
            || host.instances.get(id).is_some_and(|i| i.is_online)
    };
    let sets = state.resources.get(&resource)?.config.dependencies.sets();
    sets.iter().find(|set| !set.iter().any(is_online)).and_then(|set| set.first().copied())
}

/// A dependent that runs on the machine and has no other provider of that set there.
fn dependent(state: &ClusterState, resource: Guid, host: &Machine) -> Option<Guid> {
    let is_online = |id: &Guid| host.instances.get(id).is_some_and(|i| i.is_online);
    let needs = |sets: &[Vec<Guid>]| {
        sets.iter()
            .any(|set| set.contains(&resource) && !set.iter().any(|other| *other != resource && is_online(other)))
    };
    let runs = |id: &Guid| host.instances.get(id).is_some_and(|i| i.runs);
    let mut dependents = state.resources.values().filter(|r| needs(r.config.dependencies.sets()));
    dependents.find(|r| runs(&r.id)).map(|r| r.id)
}
