//! What a storm is made of: drawn from its seed, printed before it starts.

use cluster_engine::quorum::Model;
use serde_json::{Value, json};

use super::kind::Kind;
use crate::dice::Dice;
use crate::world::Weather;

/// Length of the safety phase of a storm that was drawn, ms.
pub const LENGTH: u64 = 60_000;

/// The settings of a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed.
    pub seed: u64,
    /// What it tries hard.
    pub kind: Kind,
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
        let wipes = storage && dice.chance(200);
        let switches = has_witness && dice.chance(250);
        Settings {
            seed,
            kind: Kind::Any,
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
            // What the disk alone knew is gone with it, and then nothing heals.
            wipes: wipes && model != Model::DiskOnly && !switches,
            disks: dice.chance(200),
            switches,
            forces: dice.chance(100),
        }
    }

    /// Every setting with its name, in the order in which they are printed: the one list of them.
    #[must_use]
    pub fn list(&self) -> Vec<(&'static str, Value)> {
        let Weather { loss, duplication, delay_min, delay_max, disk_min, disk_max } = self.weather;
        vec![
            ("seed", json!(self.seed)),
            ("kind", json!(self.kind.word())),
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
