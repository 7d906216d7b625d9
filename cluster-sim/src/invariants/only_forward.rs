//! `only_forward`: the applied index and cluster time of a node never go back within one life of its service;
//! the term, the commit index and the confirmed promises of a store never go back within one life of the store; nor do the
//! generation of a resource and the ownership epoch of a device that was not wiped.

use std::collections::BTreeMap;

use cluster_engine::replica::VoterId;
use cluster_engine::{Guid, Lineage, NodeId, Time};

use super::{Broken, Look};
use crate::machine::Machine;

/// Remembers how far everything was.
#[derive(Debug, Default)]
pub struct OnlyForward {
    nodes: BTreeMap<NodeId, Life>,
    stores: BTreeMap<(VoterId, Lineage), [u64; 3]>,
    epochs: BTreeMap<Guid, (u64, u64)>,
}

/// One life of a service.
#[derive(Debug, Default)]
struct Life {
    incarnation: u64,
    applied: u64,
    at: Time,
    generations: BTreeMap<Guid, u64>,
}

impl OnlyForward {
    pub(super) fn check(&mut self, look: Look<'_>) -> Result<(), Broken> {
        for machine in look.world.machines.values() {
            self.check_store(machine)?;
            self.check_node(machine)?;
        }
        for (id, device) in &look.world.devices {
            let now = (device.wiped, device.epoch.map_or(0, |e| e.number));
            let before = self.epochs.insert(*id, now).unwrap_or_default();
            if now < before {
                return Err(went_back("the ownership epoch of the quorum device", &before.1, &now.1));
            }
        }
        Ok(())
    }

    fn check_store(&mut self, machine: &Machine) -> Result<(), Broken> {
        if machine.rejoining.is_some() {
            // Its store was put aside; the next one belongs to another voter.
            return Ok(());
        }
        let hard = machine.stored.hard;
        let last = machine.stored.snapshot.index;
        let now = [hard.term, hard.commit, last];
        let before = self.stores.entry((machine.voter, machine.lineage)).or_insert(now);
        let names = ["the term of the store", "the commit index of the store", "the snapshot of the store"];
        for (name, (now, before)) in names.iter().zip(now.iter().zip(before.iter())) {
            if now < before {
                return Err(went_back(&format!("{name} of node {}", machine.id), before, now));
            }
        }
        *before = now;
        Ok(())
    }

    fn check_node(&mut self, machine: &Machine) -> Result<(), Broken> {
        let Some(engine) = &machine.engine else { return Ok(()) };
        let id = machine.id;
        let life = self.nodes.entry(id).or_default();
        if machine.incarnation < life.incarnation {
            return Err(went_back(&format!("the incarnation of node {id}"), &life.incarnation, &machine.incarnation));
        }
        if life.incarnation != machine.incarnation {
            *life = Life { incarnation: machine.incarnation, ..Life::default() };
            if engine.term() < machine.confirmed.0 {
                return Err(went_back(
                    &format!("the term promised by node {id}"),
                    &machine.confirmed.0,
                    &engine.term(),
                ));
            }
        }
        let state = engine.state();
        if !engine.has_state() || state.applied == life.applied {
            return Ok(());
        }
        if state.applied < life.applied {
            return Err(went_back(&format!("the applied index of node {id}"), &life.applied, &state.applied));
        }
        life.applied = state.applied;
        if state.at < life.at {
            return Err(went_back(&format!("cluster time on node {id}"), &life.at.0, &state.at.0));
        }
        life.at = state.at;
        for resource in state.resources.values() {
            let before = life.generations.entry(resource.id).or_default();
            if resource.generation < *before {
                let what = format!("the generation of '{}' on node {id}", resource.config.name);
                return Err(went_back(&what, before, &resource.generation));
            }
            *before = resource.generation;
        }
        Ok(())
    }
}

fn went_back(what: &str, before: &u64, now: &u64) -> Broken {
    Broken::new("only_forward", format!("{what} went back from {before} to {now}"))
}
