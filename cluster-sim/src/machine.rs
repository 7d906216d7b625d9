//! A simulated machine: the store, the service process, and the resources that its monitors run.
//!
//! The store keeps what was written to the disk, in order; a crash loses what had not reached it. Resources run in
//! monitors, which are processes of their own: when the service crashes or freezes they go on until they notice that it is
//! gone or their lease runs out, as in reality.

use std::collections::{BTreeMap, VecDeque};

use cluster_engine::call::{EntryPoint, MonitorKey, Status};
use cluster_engine::replica::{Stored, VoterId, Write};
use cluster_engine::{Engine, Guid, NodeId, Time};

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
    /// The call that is in progress, by generation, and which.
    pub call: Option<(u64, Phase)>,
    /// PendingTimeout, ms.
    pub pending_timeout: u64,
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
    /// Resources in monitors.
    pub instances: BTreeMap<Guid, Instance>,
    /// Until when the monitors let resources run.
    pub lease: Option<Time>,
    /// How the machine's clock is off, ms.
    pub skew: i64,
    /// The service was told to stop and has.
    pub stopped: bool,
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
}

impl Machine {
    /// The machine's own clock at a world time.
    #[must_use]
    pub fn clock(&self, world: Time) -> Time {
        Time(world.0.saturating_add_signed(self.skew))
    }

    /// The world time of a time on the machine's clock.
    #[must_use]
    pub fn world(&self, own: Time) -> Time {
        Time(own.0.saturating_add_signed(-self.skew))
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
                self.instances.insert(resource, Instance { monitor, runs: false, call: None, pending_timeout });
                vec![(1, Status::Opened)]
            }
            EntryPoint::Arbitrate | EntryPoint::Release => Vec::new(),
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
                let Some(instance) = self.instances.get_mut(&resource) else { return Vec::new() };
                instance.runs = true;
                instance.call = Some((generation, Phase::Online));
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
        let Some(instance) = self.instances.get_mut(&report.resource) else {
            return matches!(
                report.status,
                Status::Closed | Status::OpenFailed { .. } | Status::Terminated | Status::Offline
            );
        };
        let is_present = instance.call.is_some_and(|(generation, _)| generation == report.generation);
        match report.status {
            Status::OnlinePending { .. } | Status::OfflinePending { .. } => is_present,
            Status::Online => {
                if is_present {
                    instance.call = None;
                }
                is_present
            }
            // The monitor ended it when the lease ran out; this is the late news of it.
            Status::Failed(cluster_engine::call::Cause::LeaseLost) => true,
            Status::Offline | Status::Failed(_) => {
                // A failure without a call is the resource's own (IsAlive).
                let is_own = matches!(report.status, Status::Failed(cluster_engine::call::Cause::IsAlive));
                let counts = is_present || (is_own && instance.call.is_none() && instance.runs);
                if counts {
                    instance.call = None;
                    instance.runs = false;
                }
                counts
            }
            Status::Terminated => {
                instance.runs = false;
                true
            }
            Status::Opened
            | Status::OpenFailed { .. }
            | Status::Closed
            | Status::Arbitrated { .. }
            | Status::Released { .. } => true,
        }
    }

    /// Everything in the monitors is gone.
    pub fn end_resources(&mut self) {
        self.instances.clear();
        self.lease = None;
    }
}
