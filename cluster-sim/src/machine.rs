//! A simulated machine: the store, the service process, and the resources that its monitors run.
//!
//! The store keeps what was written to the disk, in order; a crash loses what had not reached it. Resources run in
//! monitors, which are processes of their own: when the service crashes or freezes they go on until they notice that it is
//! gone or their lease runs out, as in reality.

use std::collections::{BTreeMap, VecDeque};

use cluster_engine::call::{EntryPoint, MonitorKey, Status};
use cluster_engine::replica::{Stored, VoterId, Write};
use cluster_engine::{Engine, Guid, Lineage, NodeId, Time};

use crate::world::START;
use crate::world::quorum_calls::{Contest, Defender};
use crate::world::witness::Hosting;

/// Clocks are off in rate by so much at most, parts per million.
pub const MAX_DRIFT: i64 = 1_000;
/// IsAlive notices after so long that a resource does not run although it said so, ms.
const LIE_LASTS: u64 = 1_500;

/// What a resource does when it is called, beyond working well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Online fails this many times more.
    pub fail_online: u32,
    /// Offline fails this many times more.
    pub fail_offline: u32,
    /// Online never reports; it ends by PendingTimeout.
    pub hang_online: bool,
    /// Offline never reports; it ends by PendingTimeout.
    pub hang_offline: bool,
    /// Terminate never returns.
    pub hang_terminate: bool,
    /// Open fails.
    pub fail_open: bool,
    /// Online reports success and nothing runs; IsAlive notices later.
    pub lies: bool,
    /// Reports come so much later, ms, also when their call was broken off meanwhile.
    pub late_ms: u64,
    /// Every final report comes twice.
    pub twice: bool,
    /// How long Online takes, ms.
    pub online_ms: u64,
    /// How long Offline takes, ms.
    pub offline_ms: u64,
}

/// One instance in a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The monitor it is in.
    pub monitor: MonitorKey,
    /// Something of it runs.
    pub runs: bool,
    /// It has reported Online, and no end of it since.
    pub is_online: bool,
    /// It has reported Online and does not run.
    pub is_lying: bool,
    /// The call that is in progress, by generation, and which.
    pub call: Option<(u64, Phase)>,
    /// The generation of the last call of Online: a failure that was found before it is not reported after it.
    pub brought_online: u64,
    /// PendingTimeout, ms.
    pub pending_timeout: u64,
}

impl Instance {
    /// Just opened.
    #[must_use]
    pub fn offline(monitor: MonitorKey, pending_timeout: u64) -> Instance {
        let (runs, is_online, is_lying) = (false, false, false);
        Instance { monitor, runs, is_online, is_lying, call: None, brought_online: 0, pending_timeout }
    }

    /// Nothing of it runs any more.
    pub fn end(&mut self) {
        self.runs = false;
        self.is_online = false;
        self.is_lying = false;
    }
}

/// What an instance is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Online.
    Online,
    /// Offline.
    Offline,
}

/// One machine.
pub struct Machine {
    /// Its node.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The id of its store.
    pub voter: VoterId,
    /// What is on its disk.
    pub stored: Stored,
    /// Written but not durable: (number, writes, when it will be durable).
    pub disk: VecDeque<(u64, Vec<Write>, Time)>,
    /// The service process; `None` while it is not running.
    pub engine: Option<Engine>,
    /// Frozen (SIGSTOP): nothing of the service happens, its resources go on until the lease ends.
    pub frozen: bool,
    /// Which life of the service.
    pub incarnation: u64,
    /// Resources that were online and ended with their monitor, of which the service has not heard yet.
    pub lost_untold: std::collections::BTreeSet<Guid>,
    /// Resources that failed by themselves since they were last brought online: the cluster hears of it a moment later.
    pub failed_untold: std::collections::BTreeSet<Guid>,
    /// Resources in monitors.
    pub instances: BTreeMap<Guid, Instance>,
    /// Until when the monitors let resources run.
    pub lease: Option<Time>,
    /// How the machine's clock is off, ms.
    pub skew: i64,
    /// How much faster than the world's the machine's clock runs, parts per million, up to [`MAX_DRIFT`] either way.
    pub drift: i64,
    /// The service was told to stop and has.
    pub stopped: bool,
    /// The line of descent of the store.
    pub lineage: Lineage,
    /// Writes take up to so much longer, ms.
    pub disk_slow: u64,
    /// Writes fail, and with the first one the service ends.
    pub disk_fails: bool,
    /// What the engine was told is durable of its promises: (term, commit).
    pub confirmed: (u64, u64),
    /// Up to where the commits of its store were told to the invariants.
    pub noted_commit: u64,
    /// What its log held when the service started: entries up to here may be told once more.
    pub retold: u64,
    /// The last term in which it was seen to lead.
    pub noted_lead: u64,
    /// The store before its last batch, for a sabotage.
    pub before_last: Option<Box<Stored>>,
    /// When the service was thawed last, world time.
    pub awake_since: Time,
    /// Quorum devices that the monitors of this machine defend.
    pub defences: BTreeMap<Guid, Defender>,
    /// Quorum devices that they are fighting for.
    pub contests: BTreeMap<Guid, Contest>,
    /// The witness's store that the service holds, or is about to take.
    pub hosting: Option<Hosting>,
    /// It joins anew with an empty store.
    pub rejoining: Option<Rejoining>,
}

/// A machine that joins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejoining {
    /// Told apart from earlier ones.
    pub attempt: u64,
    /// The line of descent that it was told of.
    pub lineage: Lineage,
    /// Through whom it was told to join.
    pub via: NodeId,
    /// The request that is under way: its ticket, whom it was put to, in which life, and when.
    pub asked: Option<(u64, NodeId, u64, Time)>,
}

/// What a monitor will report, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When, world time.
    pub at: Time,
    /// Of which resource.
    pub resource: Guid,
    /// Which call.
    pub generation: u64,
    /// What.
    pub status: Status,
    /// It comes out although its call was broken off: the library talks when it should not.
    pub is_stray: bool,
}

impl Machine {
    /// A machine whose service has never run.
    #[must_use]
    pub fn new(id: NodeId, name: &str, voter: VoterId, stored: Stored) -> Machine {
        Machine {
            id,
            name: name.to_owned(),
            voter,
            stored,
            disk: VecDeque::new(),
            engine: None,
            frozen: false,
            incarnation: 0,
            lost_untold: std::collections::BTreeSet::new(),
            failed_untold: std::collections::BTreeSet::new(),
            instances: BTreeMap::new(),
            lease: None,
            skew: 0,
            drift: 0,
            stopped: false,
            lineage: Lineage::default(),
            disk_slow: 0,
            disk_fails: false,
            confirmed: (0, 0),
            noted_commit: 0,
            retold: 0,
            noted_lead: 0,
            before_last: None,
            awake_since: Time(0),
            defences: BTreeMap::new(),
            contests: BTreeMap::new(),
            hosting: None,
            rejoining: None,
        }
    }

    /// The machine's own clock at a world time.
    #[must_use]
    pub fn clock(&self, world: Time) -> Time {
        Time(self.steady(world).saturating_add_signed(self.skew))
    }

    /// The machine's steady clock at a world time, ms: it drifts but never jumps.
    #[must_use]
    pub fn steady(&self, world: Time) -> u64 {
        let since = i64::try_from(world.since(START).0).unwrap_or(i64::MAX);
        world.0.saturating_add_signed(since.saturating_mul(self.drift) / 1_000_000)
    }

    /// The first world time at which the machine's clock shows this.
    #[must_use]
    pub fn world(&self, own: Time) -> Time {
        let steady = own.0.saturating_add_signed(-self.skew);
        let since = i64::try_from(steady.saturating_sub(START.0)).unwrap_or(i64::MAX);
        let since = i128::from(since) * 1_000_000 / i128::from(1_000_000 + self.drift);
        // A little early; the loop finds the exact millisecond.
        let mut world = Time(START.0 + u64::try_from(since).unwrap_or(0).saturating_sub(2));
        while self.clock(world) < own {
            world.0 += 1;
        }
        world
    }

    /// Does the service run and is not frozen?
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.engine.is_some() && !self.frozen
    }

    /// A call of the engine reaches the monitor: what will be reported, with how much delay in ms.
    pub fn call(
        &mut self,
        resource: Guid,
        monitor: MonitorKey,
        generation: u64,
        entry: &EntryPoint,
        how: &mut Behaviour,
    ) -> Vec<(u64, Status)> {
        let failed = |call: &str| {
            Status::Failed(cluster_engine::call::Cause::CallFailed {
                call: call.to_owned(),
                code: 31,
                message: "the simulated resource was told to fail".to_owned(),
            })
        };
        let timeout = |call: &str, limit: u64| {
            Status::Failed(cluster_engine::call::Cause::PendingTimeout {
                call: call.to_owned(),
                limit_ms: u32::try_from(limit).unwrap_or(u32::MAX),
            })
        };
        match entry {
            EntryPoint::Open(spec) => {
                if how.fail_open {
                    let message = "the simulated library cannot be loaded".to_owned();
                    return vec![(1, Status::OpenFailed { code: 126, message })];
                }
                let pending_timeout = spec.timing.pending_timeout.0;
                self.instances.insert(resource, Instance::offline(monitor, pending_timeout));
                vec![(1, Status::Opened)]
            }
            // A simulated resource ends what it has begun, and never objects.
            EntryPoint::Cancel | EntryPoint::Arbitrate | EntryPoint::Release => Vec::new(),
            EntryPoint::CheckDrain => vec![(1, Status::DrainAnswered { code: 0 })],
            EntryPoint::Configure(timing) => {
                if let Some(instance) = self.instances.get_mut(&resource) {
                    instance.pending_timeout = timing.pending_timeout.0;
                }
                Vec::new()
            }
            EntryPoint::Close => {
                self.instances.remove(&resource);
                vec![(1, Status::Closed)]
            }
            EntryPoint::Online => {
                self.failed_untold.remove(&resource);
                let Some(instance) = self.instances.get_mut(&resource) else { return Vec::new() };
                instance.end();
                instance.runs = true;
                instance.call = Some((generation, Phase::Online));
                instance.brought_online = generation;
                if how.hang_online {
                    return vec![
                        (1, Status::OnlinePending { checkpoint: 1 }),
                        (1 + instance.pending_timeout, timeout("Online", instance.pending_timeout)),
                    ];
                }
                if how.fail_online > 0 {
                    how.fail_online -= 1;
                    return vec![(how.online_ms, failed("Online"))];
                }
                if how.lies {
                    instance.runs = false;
                    instance.is_lying = true;
                    let found = Status::Failed(cluster_engine::call::Cause::IsAlive);
                    return vec![(how.online_ms, Status::Online), (how.online_ms + LIE_LASTS, found)];
                }
                vec![(how.online_ms, Status::Online)]
            }
            EntryPoint::Offline => {
                let Some(instance) = self.instances.get_mut(&resource) else { return vec![(1, Status::Offline)] };
                instance.call = Some((generation, Phase::Offline));
                if how.hang_offline {
                    return vec![
                        (1, Status::OfflinePending { checkpoint: 1 }),
                        (1 + instance.pending_timeout, timeout("Offline", instance.pending_timeout)),
                    ];
                }
                if how.fail_offline > 0 {
                    how.fail_offline -= 1;
                    return vec![(how.offline_ms, failed("Offline"))];
                }
                vec![(how.offline_ms, Status::Offline)]
            }
            EntryPoint::Terminate => {
                let Some(instance) = self.instances.get_mut(&resource) else { return vec![(1, Status::Terminated)] };
                instance.call = None;
                if how.hang_terminate { Vec::new() } else { vec![(2, Status::Terminated)] }
            }
        }
    }

    /// A report comes out of the monitor, unless the call it belongs to was broken off. True: the engine hears it.
    pub fn reports(&mut self, report: &Report) -> bool {
        if report.is_stray {
            return true;
        }
        let Some(instance) = self.instances.get_mut(&report.resource) else {
            return match report.status {
                Status::Closed
                | Status::OpenFailed { .. }
                | Status::Terminated
                | Status::Offline
                | Status::Arbitrated { .. }
                | Status::DrainAnswered { .. }
                | Status::Released { .. } => true,
                Status::Opened
                | Status::OnlinePending { .. }
                | Status::Online
                | Status::OfflinePending { .. }
                | Status::Failed(_) => false,
            };
        };
        let is_present = instance.call.is_some_and(|(generation, _)| generation == report.generation);
        match report.status {
            Status::OnlinePending { .. } | Status::OfflinePending { .. } => is_present,
            Status::Online => {
                if is_present {
                    instance.call = None;
                    instance.is_online = true;
                }
                is_present
            }
            // The monitor ended it when the lease ran out; this is the late news of it.
            Status::Failed(cluster_engine::call::Cause::LeaseLost) => true,
            Status::Offline | Status::Failed(_) => {
                // A failure without a call is the resource's own.
                let is_own = matches!(
                    report.status,
                    Status::Failed(cluster_engine::call::Cause::IsAlive | cluster_engine::call::Cause::EventSignalled)
                );
                let is_of_this_life = report.generation >= instance.brought_online;
                let is_idle = instance.call.is_none() && (instance.runs || instance.is_lying);
                let counts = is_present || (is_own && is_of_this_life && is_idle);
                if counts && is_own {
                    self.failed_untold.insert(report.resource);
                }
                if counts {
                    instance.call = None;
                    instance.end();
                }
                counts
            }
            Status::Terminated => {
                instance.end();
                true
            }
            Status::Opened
            | Status::OpenFailed { .. }
            | Status::Closed
            | Status::Arbitrated { .. }
            | Status::DrainAnswered { .. }
            | Status::Released { .. } => true,
        }
    }

    /// Everything in the monitors is gone.
    pub fn end_resources(&mut self) {
        self.instances.clear();
        self.lost_untold.clear();
        self.failed_untold.clear();
        self.defences.clear();
        self.contests.clear();
        self.lease = None;
    }

    /// The store begins another life: what was noted of it says nothing any more.
    pub fn forget_notes(&mut self) {
        self.confirmed = (0, 0);
        self.noted_commit = 0;
        self.noted_lead = 0;
    }

    /// The process of the service is gone, with what it had not written.
    pub fn end_service(&mut self) {
        self.engine = None;
        self.frozen = false;
        self.disk.clear();
        self.hosting = None;
    }
}
