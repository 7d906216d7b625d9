//! What a storm is made of: drawn from its seed, printed before it starts.

use cluster_engine::quorum::Model;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::world::Weather;

/// Length of the safety phase of a storm that was drawn, ms.
pub const LENGTH: u64 = 60_000;

/// The settings of a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed.
    pub seed: u64,
    /// Nodes.
    pub nodes: u64,
    /// Groups, each with a chain of resources.
    pub groups: u64,
    /// Resources of a group.
    pub resources: u64,
    /// Length of the safety phase, ms.
    pub length: u64,
    /// Wires and disks.
    pub weather: Weather,
    /// Between two faults or requests on average, ms.
    pub pace: u64,
    /// How votes are counted.
    pub model: Model,
    /// Votes follow the membership.
    pub dynamic_quorum: bool,
    /// Every access to the quorum device takes up to so long, ms.
    pub slow_witness: u64,
    /// Of 1000 requests so many read.
    pub reads: u64,
    /// Services that are killed or stopped.
    pub kills: bool,
    /// Freezing and thawing of services.
    pub freezes: bool,
    /// Partitions.
    pub cuts: bool,
    /// Resources that fail, hang, refuse.
    pub failures: bool,
    /// Resources that report what is not so, late, or twice; monitors that crash.
    pub lies: bool,
    /// Clocks that are off, also in rate.
    pub skew: bool,
    /// Storage paths that are cut, reservations that are lost, a quorum device that is slow or full.
    pub storage: bool,
    /// A quorum device that is wiped.
    pub wipes: bool,
    /// Disks of nodes that are slow, or fail and end the service.
    pub disks: bool,
    /// The quorum model changes, and its owner is struck while it does.
    pub switches: bool,
    /// Quorum is forced when there is none.
    pub forces: bool,
}

impl Settings {
    /// Draws the settings of a seed. Each seed turns on another subset of the faults. Weighted towards what has been found
    /// to be dangerous: the disk alone, a slow witness, takeovers while voters change, many reads.
    #[must_use]
    pub fn draw(seed: u64) -> Settings {
        let mut dice = Dice::new(seed ^ 0xA5A5);
        let rough = dice.chance(500);
        let slow_disk = dice.chance(300);
        let model = match dice.between(0, 99) {
            0..=39 => Model::DiskOnly,
            40..=64 => Model::NodeAndDiskMajority,
            65..=79 => Model::NodeAndFileShareMajority,
            _ => Model::NodeMajority,
        };
        let has_witness = model.witness().is_some();
        let storage = has_witness && dice.chance(600);
        Settings {
            seed,
            nodes: dice.between(3, 7),
            groups: dice.between(1, 4),
            resources: dice.between(1, 3),
            length: LENGTH,
            weather: Weather {
                loss: if rough { dice.between(0, 100) } else { 0 },
                duplication: if rough { dice.between(0, 50) } else { 0 },
                delay_min: 1,
                delay_max: if rough { dice.between(2, 80) } else { 2 },
                disk_min: 1,
                disk_max: if slow_disk { dice.between(5, 100) } else { 2 },
            },
            pace: dice.between(200, 2_000),
            model,
            dynamic_quorum: dice.chance(800),
            slow_witness: if has_witness && dice.chance(400) { dice.between(2, 60) } else { 0 },
            reads: *dice.pick(&[0, 0, 300, 900]).unwrap_or(&0),
            kills: dice.chance(600),
            freezes: dice.chance(500),
            cuts: dice.chance(600),
            failures: dice.chance(600),
            lies: dice.chance(300),
            skew: dice.chance(300),
            storage,
            wipes: storage && model != Model::DiskOnly && dice.chance(200),
            disks: dice.chance(200),
            switches: has_witness && dice.chance(250),
            forces: dice.chance(100),
        }
    }

    /// Every setting with its name, in the order in which they are printed: the one list of them.
    #[must_use]
    pub fn list(&self) -> Vec<(&'static str, Value)> {
        let Weather { loss, duplication, delay_min, delay_max, disk_min, disk_max } = self.weather;
        vec![
            ("seed", json!(self.seed)),
            ("nodes", json!(self.nodes)),
            ("groups", json!(self.groups)),
            ("resources_per_group", json!(self.resources)),
            ("length_ms", json!(self.length)),
            ("pace_ms", json!(self.pace)),
            ("model", json!(self.model.name())),
            ("dynamic_quorum", json!(self.dynamic_quorum)),
            ("slow_witness_ms", json!(self.slow_witness)),
            ("reads_per_mille", json!(self.reads)),
            ("loss_per_mille", json!(loss)),
            ("duplication_per_mille", json!(duplication)),
            ("delay_min_ms", json!(delay_min)),
            ("delay_max_ms", json!(delay_max)),
            ("disk_min_ms", json!(disk_min)),
            ("disk_max_ms", json!(disk_max)),
            ("kills", json!(self.kills)),
            ("freezes", json!(self.freezes)),
            ("cuts", json!(self.cuts)),
            ("failures", json!(self.failures)),
            ("lies", json!(self.lies)),
            ("skew", json!(self.skew)),
            ("storage", json!(self.storage)),
            ("wipes", json!(self.wipes)),
            ("disks", json!(self.disks)),
            ("switches", json!(self.switches)),
            ("forces", json!(self.forces)),
        ]
    }
}

/// Kinds of storms: what a rule needs to be tried hard.
impl Settings {
    /// Without a witness and without any fault of storage: nodes alone vote, and all of them all the time.
    #[must_use]
    pub fn nodes_only(self) -> Settings {
        Settings {
            model: Model::NodeMajority,
            dynamic_quorum: false,
            slow_witness: 0,
            storage: false,
            wipes: false,
            switches: false,
            ..self
        }
    }

    /// Frozen and thawed services on a quick network.
    #[must_use]
    pub fn freezing(self) -> Settings {
        Settings { kills: false, freezes: true, cuts: true, failures: false, lies: false, pace: 400, ..self }
            .nodes_only()
    }

    /// Partitions that come and go on a slow network with slow disks, and many groups on the move.
    #[must_use]
    pub fn parting(self) -> Settings {
        let weather = Weather { loss: 80, delay_max: 60, disk_max: 100, ..self.weather };
        Settings {
            nodes: 5,
            groups: 4,
            kills: false,
            freezes: false,
            cuts: true,
            failures: true,
            pace: 250,
            weather,
            ..self
        }
        .nodes_only()
    }

    /// Services that die all the time, on slow disks.
    #[must_use]
    pub fn dying(self) -> Settings {
        let weather = Weather { disk_max: 100, ..self.weather };
        Settings { kills: true, cuts: true, pace: 300, weather, ..self }.nodes_only()
    }

    /// The disk alone votes, it is slow, and its owner is frozen, killed and cut off from it all the time.
    #[must_use]
    pub fn disk_alone(self) -> Settings {
        Settings {
            model: Model::DiskOnly,
            slow_witness: 40,
            kills: true,
            freezes: true,
            cuts: true,
            storage: true,
            wipes: false,
            forces: false,
            reads: 500,
            pace: 300,
            ..self
        }
    }

    /// Nodes and a disk vote, and the quorum model changes while owners die.
    #[must_use]
    pub fn taking_over(self) -> Settings {
        Settings {
            model: Model::NodeAndDiskMajority,
            nodes: self.nodes.min(4),
            slow_witness: self.slow_witness.max(20),
            kills: true,
            freezes: true,
            cuts: true,
            storage: true,
            switches: true,
            forces: false,
            pace: 300,
            ..self
        }
    }

    /// Resources that fail all the time, and nobody interferes.
    #[must_use]
    pub fn failing(self) -> Settings {
        Settings {
            kills: false,
            freezes: false,
            cuts: false,
            failures: true,
            lies: false,
            skew: false,
            pace: 300,
            ..self
        }
        .nodes_only()
    }

    /// Resources and monitors that lie and crash.
    #[must_use]
    pub fn lying(self) -> Settings {
        Settings { failures: true, lies: true, pace: 300, ..self }.nodes_only()
    }

    /// Clients that read much more than they write.
    #[must_use]
    pub fn reading(self) -> Settings {
        Settings { reads: 950, freezes: true, cuts: true, pace: 150, ..self }
    }

    /// Nodes that are lost until nothing but force helps.
    #[must_use]
    pub fn forcing(self) -> Settings {
        Settings { kills: true, cuts: true, forces: true, wipes: false, pace: 400, ..self }
    }
}
