//! A change of the quorum that is interrupted: the witness that is leaving keeps its vote, and its place, until that is taken.

use cluster_engine::quorum::{HYBRID_SIZE, Model, Witness};
use cluster_engine::state::{ClusterState, Command};
use cluster_engine::{Guid, Millis, NodeId};
use cluster_sim::invariants::heals;
use cluster_sim::storm::{self, FIRST_ID, Kind, Settings};
use cluster_sim::world::{Weather, World};

/// A cluster of three nodes in which the disk alone votes.
fn disk_only(seed: u64) -> World {
    let settings = Settings {
        nodes: 3,
        groups: 1,
        resources: 1,
        weather: Weather::CALM,
        slow_witness: 5,
        skew: false,
        ..Settings::of(seed, Kind::Disk)
    };
    storm::cluster(&settings).expect("quiet weather")
}

fn model(state: &ClusterState) -> Model {
    state.quorum.model
}

/// Lets time pass until it is so.
fn until(world: &mut World, what: &str, is_so: impl Fn(&World) -> bool) {
    let limit = world.now + Millis(60_000);
    while !is_so(world) {
        assert!(world.now < limit && world.advance(), "{what}: {}", heals::unsettled(world));
        world.take_seen();
    }
}

/// The change is agreed on; then every node dies at once and starts again.
fn interrupted(world: &mut World, command: Command, wanted: Model) {
    let asked = world.spokesman().expect("somebody is there");
    world.submit(asked, command);
    until(world, "the change", |w| w.newest_state().is_some_and(|s| model(s) == wanted));
    let nodes: Vec<NodeId> = world.machines.keys().copied().collect();
    nodes.iter().for_each(|node| world.kill(*node));
    nodes.iter().for_each(|node| world.start(*node));
    until(world, "it heals", |w| {
        w.newest_state().is_some_and(|s| model(s) == wanted) && heals::unsettled(w).is_empty()
    });
}

fn has_left(world: &World) -> bool {
    world.newest_state().is_some_and(|s| s.quorum.witness.is_none() && s.votes().total() == 3)
}

#[test]
fn the_disk_that_alone_votes_is_given_up_and_everybody_dies() {
    for seed in 1..20 {
        let mut world = disk_only(seed);
        let command = Command::SetQuorum { resource: None, kind: Witness::Disk, size: 0, path: String::new() };
        interrupted(&mut world, command, Model::NodeMajority);
        until(&mut world, "three nodes vote", has_left);
    }
}

#[test]
fn the_disk_that_alone_votes_is_replaced_and_everybody_dies() {
    for seed in 1..20 {
        let mut world = disk_only(seed);
        let second = world.guid();
        let group = world.newest_state().and_then(|s| s.resources.get(&FIRST_ID)).expect("the first disk").group;
        let create = Command::CreateResource {
            id: second,
            group,
            name: "Second".to_owned(),
            type_name: cluster_sim::device::DISK_TYPE.to_owned(),
            separate_monitor: false,
        };
        world.ask(create).expect("created");
        world.ask(Command::OnlineResource { resource: second }).expect("asked");
        until(&mut world, "the second disk", |w| heals::unsettled(w).is_empty());
        let command =
            Command::SetQuorum { resource: Some(second), kind: Witness::Disk, size: HYBRID_SIZE, path: String::new() };
        interrupted(&mut world, command, Model::NodeAndDiskMajority);
        let is_second = |w: &World, id: Guid| {
            let witness = w.newest_state().and_then(|s| s.quorum.witness.clone());
            witness.is_some_and(|w| w.resource == id && w.host.is_some() && !w.is_leaving)
        };
        until(&mut world, "the second disk is hosted", |w| is_second(w, second));
    }
}
