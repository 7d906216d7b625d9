//! Drawing what happens next in a storm.

use cluster_engine::call::MonitorKey;
use cluster_engine::quorum::{HYBRID_SIZE, LEGACY_SIZE, Model, Witness};
use cluster_engine::state::{Command, Failback};
use cluster_engine::{Guid, NodeId};

use super::act::Act;
use super::settings::Settings;
use crate::dice::Dice;
use crate::machine::Behaviour;
use crate::world::World;

/// After a change of the quorum, its owner is struck within so many ms.
const STRIKE_WITHIN: u64 = 400;

/// What there is to act on.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    pub(super) groups: Vec<Guid>,
    pub(super) resources: Vec<Guid>,
    pub(super) device: Option<Guid>,
}

/// Draws acts from dice of its own.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    dice: Dice,
    /// The quorum has just been changed: the next act strikes its owner.
    strikes_next: bool,
    has_forced: bool,
}

impl Drawing {
    pub(super) fn new(dice: Dice) -> Drawing {
        Drawing { dice, strikes_next: false, has_forced: false }
    }

    /// How long until the next act, ms.
    pub(super) fn wait(&mut self, settings: &Settings) -> u64 {
        let pace = if self.strikes_next { STRIKE_WITHIN / 2 } else { settings.pace };
        self.dice.between(1, pace * 2)
    }

    /// The next act; none when what was drawn is not part of this storm.
    pub(super) fn act(&mut self, settings: &Settings, world: &World, cast: &Cast) -> Option<Act> {
        let nodes: Vec<NodeId> = world.machines.keys().copied().collect();
        let node = self.dice.pick(&nodes).copied()?;
        let other = self.dice.pick(&nodes).copied()?;
        let group = self.dice.pick(&cast.groups).copied()?;
        let resource = self.dice.pick(&cast.resources).copied()?;
        if std::mem::take(&mut self.strikes_next) {
            return self.strike_owner(settings, world, cast);
        }
        let is_running = world.machines.get(&node).is_some_and(|m| m.engine.is_some());
        // Whoever forced quorum starts the others so that they can only join, and keeps the network whole.
        let may_cut = settings.cuts && !self.has_forced && node != other;
        match self.dice.between(0, 119) {
            0..=9 if settings.kills && is_running => Some(Act::Kill(node)),
            10..=24 if !is_running && self.has_forced => Some(Act::Prevent(node)),
            10..=24 if !is_running => Some(Act::Start(node)),
            25..=29 if settings.freezes => Some(Act::Freeze(node)),
            30..=39 => Some(Act::Thaw(node)),
            40..=47 if may_cut => Some(Act::Cut { a: node, b: other, one_way: self.dice.chance(300) }),
            48..=56 => Some(if self.dice.chance(300) { Act::MendAll } else { Act::Mend { a: node, b: other } }),
            57..=61 if settings.failures => Some(Act::Behave(resource, self.behaviour(settings, world.ordinary))),
            62..=66 if settings.failures => Some(Act::Fail(resource)),
            67..=69 if settings.kills => Some(Act::Stop(node)),
            70..=79 => Some(Act::Client(other, self.command(group, resource, node))),
            80..=84 if settings.storage || settings.wipes => self.storage(settings, node, cast),
            85..=87 if settings.disks => Some(self.disk(world, node)),
            88..=90 if settings.switches => {
                self.strikes_next = true;
                Some(Act::Client(other, self.switch(settings, node, cast)))
            }
            91..=93 if settings.lies => {
                let monitor = if self.dice.chance(300) { MonitorKey::Core } else { MonitorKey::Shared };
                Some(Act::CrashMonitor(node, monitor))
            }
            94..=97 if settings.forces && may_force(world) => {
                self.has_forced = true;
                Some(Act::Force(node))
            }
            98..=99 if !cast.groups.is_empty() => Some(Act::Client(other, Command::ClearQuarantine { node })),
            _ => Some(self.requests(settings, node)),
        }
    }

    fn requests(&mut self, settings: &Settings, node: NodeId) -> Act {
        let count = self.dice.between(1, 8);
        if self.dice.chance(settings.reads) { Act::Read(node, count) } else { Act::Write(node, count) }
    }

    /// The node that owns the quorum resource, or the one that leads.
    fn strike_owner(&mut self, settings: &Settings, world: &World, cast: &Cast) -> Option<Act> {
        let owner = world.newest_state().and_then(|s| s.quorum_owner());
        let leads = |m: &&crate::machine::Machine| m.engine.as_ref().is_some_and(cluster_engine::Engine::is_leader);
        let leader = world.machines.values().find(leads).map(|m| m.id);
        let victim = if self.dice.chance(700) { owner.or(leader) } else { leader.or(owner) }?;
        Some(match self.dice.between(0, 4) {
            0 | 1 if settings.kills => Act::Kill(victim),
            2 if settings.freezes => Act::Freeze(victim),
            3 => Act::LoseReservation(cast.device?),
            _ => Act::CutStorage(victim, true),
        })
    }

    fn storage(&mut self, settings: &Settings, node: NodeId, cast: &Cast) -> Option<Act> {
        let device = cast.device?;
        Some(match self.dice.between(0, 11) {
            0 | 1 if settings.storage => Act::CutStorage(node, true),
            2 | 3 => Act::CutStorage(node, false),
            4 | 9 | 10 if settings.storage => Act::LoseReservation(device),
            5 if settings.storage => Act::SlowDevice(device, self.dice.between(0, 80)),
            6 if settings.storage => Act::FullDevice(device, self.dice.chance(500)),
            7 if settings.storage => Act::BreakDevice(device, self.dice.chance(400)),
            8 if settings.wipes => Act::WipeDevice(device),
            _ => Act::BreakDevice(device, false),
        })
    }

    fn disk(&mut self, world: &World, node: NodeId) -> Act {
        let fails = world.machines.get(&node).is_some_and(|m| m.disk_fails);
        match self.dice.between(0, 3) {
            _ if fails => Act::FailDisk(node, false),
            0 => Act::FailDisk(node, true),
            1 => Act::SlowDisk(node, 0),
            _ => Act::SlowDisk(node, self.dice.between(10, 200)),
        }
    }

    /// Another quorum: the same device under another model, or none.
    fn switch(&mut self, settings: &Settings, node: NodeId, cast: &Cast) -> Command {
        let kind = settings.model.witness().unwrap_or(Witness::Disk);
        let (resource, size) = match self.dice.between(0, 3) {
            0 => (None, 0),
            1 if kind == Witness::Disk => (cast.device, LEGACY_SIZE),
            2 if settings.model != Model::DiskOnly => {
                let values =
                    vec![("NodeWeight".to_owned(), Some(clusreg::Value::dword(u32::from(self.dice.chance(500)))))];
                return Command::SetProperties { object: cluster_engine::state::Object::Node(node), values };
            }
            _ => (cast.device, HYBRID_SIZE),
        };
        Command::SetQuorum { resource, kind, size, path: String::new() }
    }

    fn behaviour(&mut self, settings: &Settings, ordinary: Behaviour) -> Behaviour {
        match self.dice.between(0, if settings.lies { 11 } else { 7 }) {
            0 => Behaviour { fail_online: 2, ..ordinary },
            1 => Behaviour { fail_offline: 1, ..ordinary },
            2 => Behaviour { hang_online: true, ..ordinary },
            3 => Behaviour { hang_offline: true, ..ordinary },
            4 => Behaviour { online_ms: self.dice.between(5, 900), offline_ms: self.dice.between(5, 900), ..ordinary },
            5 => Behaviour { hang_terminate: true, ..ordinary },
            6 => Behaviour { fail_online: 9, ..ordinary },
            8 => Behaviour { lies: true, ..ordinary },
            9 => Behaviour { late_ms: self.dice.between(100, 2_000), ..ordinary },
            10 => Behaviour { twice: true, ..ordinary },
            11 => Behaviour { fail_open: true, ..ordinary },
            _ => ordinary,
        }
    }

    fn command(&mut self, group: Guid, resource: Guid, node: NodeId) -> Command {
        match self.dice.between(0, 8) {
            0 => Command::MoveGroup { group, to: Some(node) },
            1 | 2 => Command::MoveGroup { group, to: None },
            3 => Command::OfflineGroup { group },
            4 => Command::OnlineGroup { group, node: None },
            5 => Command::OfflineResource { resource, force: self.dice.chance(300) },
            6 => Command::OnlineResource { resource },
            7 => Command::PauseNode { node, drain: self.dice.chance(500), target: None },
            _ => Command::ResumeNode { node, failback: Failback::Immediate },
        }
    }
}

/// Quorum is forced where there is none, and where nobody sleeps who would wake up with it.
fn may_force(world: &World) -> bool {
    let is_quorate = |m: &crate::machine::Machine| m.engine.as_ref().is_some_and(|e| e.is_quorate(m.clock(world.now)));
    !world.machines.values().any(|m| is_quorate(m) || m.frozen)
}
