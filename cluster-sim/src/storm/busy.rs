//! A busy cluster of five nodes and a disk witness, for measuring how fast the simulator is. Every promise is checked, as
//! in a storm, and nothing goes wrong.

use cluster_engine::NodeId;
use cluster_engine::quorum::Model;

use super::{Act, Kind, Outcome, Settings, Timed, play};
use crate::sabotage::Sabotage;
use crate::world::Weather;

/// Nodes of the busy cluster.
pub const NODES: u64 = 5;
/// Writes per virtual second.
pub const WRITES_PER_S: u64 = 200;
/// Clients come in so many bursts per second.
const BURSTS_PER_S: u64 = 50;

/// Runs it for so many virtual seconds. The speed is `nodes x seconds` over the CPU time that this takes; building the
/// cluster is included in that time and not in the seconds.
#[must_use]
pub fn busy(seed: u64, seconds: u64) -> Outcome {
    let weather = Weather { delay_max: 2, disk_max: 3, ..Weather::CALM };
    let settings = Settings {
        nodes: NODES,
        groups: 4,
        resources: 3,
        length: seconds * 1_000,
        weather,
        model: Model::NodeAndDiskMajority,
        dynamic_quorum: true,
        slow_witness: 0,
        skew: false,
        ..Settings::of(seed, Kind::Any)
    };
    let burst = WRITES_PER_S / BURSTS_PER_S;
    let act = |number: u64| {
        let node = NodeId(u32::try_from(1 + number % NODES).unwrap_or(1));
        Timed { at: number * 1_000 / BURSTS_PER_S, act: Act::Write(node, burst) }
    };
    let acts: Vec<Timed> = (0..seconds * BURSTS_PER_S).map(act).collect();
    play(settings, Sabotage::default(), Some(&acts), false).outcome
}
