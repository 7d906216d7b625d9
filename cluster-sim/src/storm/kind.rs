//! Kinds of storms: what a rule needs to be tried hard.

use std::fmt;
use std::str::FromStr;

use cluster_engine::quorum::Model;

use super::settings::Settings;
use crate::world::Weather;

/// A kind of storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whatever the seed says.
    Any,
    /// Nodes alone vote.
    Nodes,
    /// Frozen and thawed services on a quick network.
    Freezing,
    /// Partitions that come and go on a slow network with slow disks, and many groups on the move.
    Parting,
    /// Services that die all the time, on slow disks.
    Dying,
    /// The disk alone votes, it is slow, and its owner is frozen, killed and cut off from it all the time.
    Disk,
    /// Nodes and a disk vote, and the quorum model changes while owners die.
    Takeover,
    /// Resources that fail all the time, and nobody interferes.
    Failing,
    /// Resources and monitors that lie and crash.
    Lying,
    /// Clients that read much more than they write.
    Reading,
    /// Nodes that are lost until nothing but force helps.
    Forcing,
}

/// A word that is no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no kind of storm; take one of: any, nodes, freezing, parting, dying, disk, takeover, failing, lying, reading, forcing"
)]
pub struct UnknownKind(pub String);

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 11] = [
        Kind::Any,
        Kind::Nodes,
        Kind::Freezing,
        Kind::Parting,
        Kind::Dying,
        Kind::Disk,
        Kind::Takeover,
        Kind::Failing,
        Kind::Lying,
        Kind::Reading,
        Kind::Forcing,
    ];

    /// The word for it on a command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Any => "any",
            Kind::Nodes => "nodes",
            Kind::Freezing => "freezing",
            Kind::Parting => "parting",
            Kind::Dying => "dying",
            Kind::Disk => "disk",
            Kind::Takeover => "takeover",
            Kind::Failing => "failing",
            Kind::Lying => "lying",
            Kind::Reading => "reading",
            Kind::Forcing => "forcing",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        let found = Kind::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl Settings {
    /// The settings of a seed, of this kind.
    #[must_use]
    pub fn of(seed: u64, kind: Kind) -> Settings {
        let drawn = Settings { kind, ..Settings::draw(seed) };
        match kind {
            Kind::Any => drawn,
            Kind::Nodes => drawn.nodes_only(),
            Kind::Freezing => drawn.freezing(),
            Kind::Parting => drawn.parting(),
            Kind::Dying => drawn.dying(),
            Kind::Disk => drawn.disk_alone(),
            Kind::Takeover => drawn.taking_over(),
            Kind::Failing => drawn.failing(),
            Kind::Lying => drawn.lying(),
            Kind::Reading => drawn.reading(),
            Kind::Forcing => drawn.forcing(),
        }
    }

    /// Without a witness and without any fault of storage: nodes alone vote, and all of them all the time.
    fn nodes_only(self) -> Settings {
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

    fn freezing(self) -> Settings {
        Settings { kills: false, freezes: true, cuts: true, failures: false, lies: false, pace: 400, ..self }
            .nodes_only()
    }

    fn parting(self) -> Settings {
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

    fn dying(self) -> Settings {
        let weather = Weather { disk_max: 100, ..self.weather };
        Settings { kills: true, cuts: true, pace: 300, weather, ..self }.nodes_only()
    }

    fn disk_alone(self) -> Settings {
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

    fn taking_over(self) -> Settings {
        Settings {
            model: Model::NodeAndDiskMajority,
            nodes: self.nodes.min(4),
            slow_witness: self.slow_witness.max(20),
            kills: true,
            freezes: true,
            cuts: true,
            storage: true,
            wipes: false,
            switches: true,
            forces: false,
            pace: 300,
            ..self
        }
    }

    fn failing(self) -> Settings {
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

    fn lying(self) -> Settings {
        Settings { failures: true, lies: true, pace: 300, ..self }.nodes_only()
    }

    fn reading(self) -> Settings {
        Settings { reads: 950, freezes: true, cuts: true, pace: 150, ..self }
    }

    fn forcing(self) -> Settings {
        Settings { kills: true, cuts: true, forces: true, wipes: false, pace: 400, ..self }
    }
}
