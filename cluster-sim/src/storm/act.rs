//! What happens to a cluster in a storm, as data: it can be drawn, written down, left out and played again.

use std::fmt;

use cluster_engine::call::MonitorKey;
use cluster_engine::state::Command;
use cluster_engine::{Guid, Millis, NodeId};

use crate::machine::Behaviour;
use crate::world::{Seen, World};

/// An act, so long after the safety phase began.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// When, ms after the beginning of the safety phase.
    pub at: u64,
    /// What.
    pub act: Act,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
// The fields are named for what they are.
#[allow(missing_docs)]
pub enum Act {
    Kill(NodeId),
    Start(NodeId),
    /// Start with prevent quorum.
    Prevent(NodeId),
    /// The service is ended, wires are mended, and it starts with force quorum.
    Force(NodeId),
    Freeze(NodeId),
    Thaw(NodeId),
    Stop(NodeId),
    /// One way: only what the first says to the second.
    Cut {
        a: NodeId,
        b: NodeId,
        one_way: bool,
    },
    Mend {
        a: NodeId,
        b: NodeId,
    },
    MendAll,
    Behave(Guid, Behaviour),
    Fail(Guid),
    CrashMonitor(NodeId, MonitorKey),
    SlowDisk(NodeId, u64),
    FailDisk(NodeId, bool),
    CutStorage(NodeId, bool),
    /// Somebody breaks the reservation of the quorum device.
    LoseReservation(Guid),
    SlowDevice(Guid, u64),
    FullDevice(Guid, bool),
    BreakDevice(Guid, bool),
    WipeDevice(Guid),
    /// A client of a node asks for something.
    Client(NodeId, Command),
    /// Clients of a node write so many values.
    Write(NodeId, u64),
    /// Clients of a node read so many times through the log.
    Read(NodeId, u64),
}

impl Act {
    /// Does it to the world. What clients ask for is the storm's business.
    pub fn strike(&self, world: &mut World) {
        match self {
            Act::Kill(node) => world.kill(*node),
            Act::Start(node) => world.start(*node),
            Act::Prevent(node) => world.prevent_start(*node),
            Act::Force(node) => {
                world.kill(*node);
                world.cuts.clear();
                world.force_start(*node);
            }
            Act::Freeze(node) => world.freeze(*node),
            Act::Thaw(node) => world.thaw(*node),
            Act::Stop(node) => world.stop(*node),
            Act::Cut { a, b, one_way: true } => {
                world.cuts.insert((*a, *b));
            }
            Act::Cut { a, b, one_way: false } => world.cut(*a, *b, true),
            Act::Mend { a, b } => world.cut(*a, *b, false),
            Act::MendAll => world.cuts.clear(),
            Act::Behave(resource, how) => {
                world.behaviours.insert(*resource, *how);
            }
            Act::Fail(resource) => {
                world.fail_resource(*resource);
            }
            Act::CrashMonitor(node, monitor) => world.crash_monitor(*node, *monitor),
            Act::SlowDisk(node, ms) => {
                if let Some(machine) = world.machines.get_mut(node) {
                    machine.disk_slow = *ms;
                }
            }
            Act::FailDisk(node, fails) => {
                if let Some(machine) = world.machines.get_mut(node) {
                    machine.disk_fails = *fails;
                }
            }
            Act::CutStorage(node, cut) => world.cut_storage(*node, *cut),
            Act::LoseReservation(id) => with_device(world, *id, |device| device.record.clear()),
            Act::SlowDevice(id, ms) => with_device(world, *id, |device| device.slow = *ms),
            Act::FullDevice(id, full) => with_device(world, *id, |device| device.is_full = *full),
            Act::BreakDevice(id, broken) => with_device(world, *id, |device| device.is_broken = *broken),
            Act::WipeDevice(id) => with_device(world, *id, crate::device::Device::wipe),
            Act::Client(..) | Act::Write(..) | Act::Read(..) => {}
        }
        if !matches!(self, Act::Write(..) | Act::Read(..)) {
            world.seen.push(Seen::Act(self.to_string()));
        }
    }
}

fn with_device(world: &mut World, id: Guid, change: impl FnOnce(&mut crate::device::Device)) {
    if let Some(device) = world.devices.get_mut(&id) {
        change(device);
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Kill(node) => write!(f, "kill node {node}"),
            Act::Start(node) => write!(f, "start node {node}"),
            Act::Prevent(node) => write!(f, "start node {node} with prevent quorum"),
            Act::Force(node) => write!(f, "start node {node} with force quorum"),
            Act::Freeze(node) => write!(f, "freeze node {node}"),
            Act::Thaw(node) => write!(f, "thaw node {node}"),
            Act::Stop(node) => write!(f, "stop node {node}"),
            Act::Cut { a, b, one_way: true } => write!(f, "cut {a} -> {b}"),
            Act::Cut { a, b, one_way: false } => write!(f, "cut {a} - {b}"),
            Act::Mend { a, b } => write!(f, "mend {a} - {b}"),
            Act::MendAll => f.write_str("mend everything"),
            Act::Behave(resource, how) => write!(f, "{resource} will {how:?}"),
            Act::Fail(resource) => write!(f, "{resource} fails"),
            Act::CrashMonitor(node, monitor) => write!(f, "monitor {monitor:?} of node {node} crashes"),
            Act::SlowDisk(node, ms) => write!(f, "disk of node {node} is up to {} slower", Millis(*ms).0),
            Act::FailDisk(node, true) => write!(f, "disk of node {node} fails"),
            Act::FailDisk(node, false) => write!(f, "disk of node {node} works"),
            Act::CutStorage(node, true) => write!(f, "cut the storage path of node {node}"),
            Act::CutStorage(node, false) => write!(f, "mend the storage path of node {node}"),
            Act::LoseReservation(_) => f.write_str("the reservation of the quorum device is broken"),
            Act::SlowDevice(_, ms) => write!(f, "the quorum device takes up to {ms} ms"),
            Act::FullDevice(_, full) => write!(f, "the quorum device is {}", if *full { "full" } else { "not full" }),
            Act::BreakDevice(_, broken) => write!(f, "the quorum device {}", if *broken { "fails" } else { "works" }),
            Act::WipeDevice(_) => f.write_str("the quorum device is wiped"),
            Act::Client(node, command) => write!(f, "client of node {node}: {command:?}"),
            Act::Write(node, count) => write!(f, "clients of node {node} write {count} values"),
            Act::Read(node, count) => write!(f, "clients of node {node} read {count} times"),
        }
    }
}
