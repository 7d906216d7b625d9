//! Between the engine's words and those of the monitor protocol.
//!
//! The two sets of types are alike but not the same: the engine must not know the monitor, and the monitor must not know
//! the engine. This is the only place where one becomes the other.

use cluster_engine::Guid;
use cluster_engine::Level;
use cluster_engine::Millis;
use cluster_engine::call as engine;
use resmon::protocol as monitor;

/// The resource's number in the monitor protocol.
pub(super) fn resource_id(id: Guid) -> monitor::ResourceId {
    monitor::ResourceId(id.0)
}

/// The resource that a monitor speaks of.
pub(super) fn guid(id: monitor::ResourceId) -> Guid {
    Guid(id.0)
}

/// What to ask a monitor for.
pub(super) fn call(resource: Guid, generation: u64, entry: engine::EntryPoint) -> monitor::ToMonitor {
    let resource = resource_id(resource);
    let entry = match entry {
        engine::EntryPoint::Open(spec) => monitor::EntryPoint::Open(monitor::OpenSpec {
            name: spec.name,
            resource_type: monitor::TypeSpec { name: spec.type_name, dll_name: spec.dll_name },
            timing: timing(spec.timing),
        }),
        engine::EntryPoint::Online => monitor::EntryPoint::Online,
        engine::EntryPoint::Offline => monitor::EntryPoint::Offline,
        engine::EntryPoint::Terminate => monitor::EntryPoint::Terminate,
        engine::EntryPoint::Close => monitor::EntryPoint::Close,
        engine::EntryPoint::Arbitrate => monitor::EntryPoint::Arbitrate,
        engine::EntryPoint::Release => monitor::EntryPoint::Release,
        engine::EntryPoint::Cancel => monitor::EntryPoint::Cancel,
        engine::EntryPoint::CheckDrain => monitor::EntryPoint::CheckDrain,
        engine::EntryPoint::Configure(new) => {
            return monitor::ToMonitor::Configure { resource, timing: timing(new) };
        }
    };
    monitor::ToMonitor::Call { resource, generation, entry }
}

fn timing(timing: engine::Timing) -> monitor::Timing {
    let ms = |span: Millis| u32::try_from(span.0).unwrap_or(u32::MAX);
    monitor::Timing {
        looks_alive_ms: ms(timing.looks_alive),
        is_alive_ms: ms(timing.is_alive),
        pending_timeout_ms: ms(timing.pending_timeout),
        deadlock_timeout_ms: ms(timing.deadlock_timeout),
    }
}

/// What a monitor reports, for the engine.
pub(super) fn status(status: monitor::Status) -> engine::Status {
    match status {
        monitor::Status::Opened => engine::Status::Opened,
        monitor::Status::OpenFailed { code, message } => engine::Status::OpenFailed { code, message },
        monitor::Status::OnlinePending { checkpoint } => engine::Status::OnlinePending { checkpoint },
        monitor::Status::Online => engine::Status::Online,
        monitor::Status::OfflinePending { checkpoint } => engine::Status::OfflinePending { checkpoint },
        monitor::Status::Offline => engine::Status::Offline,
        monitor::Status::Failed(why) => engine::Status::Failed(cause(why)),
        monitor::Status::Terminated => engine::Status::Terminated,
        monitor::Status::Closed => engine::Status::Closed,
        monitor::Status::Arbitrated { code } => engine::Status::Arbitrated { code },
        monitor::Status::Released { code } => engine::Status::Released { code },
        monitor::Status::DrainAnswered { code } => engine::Status::DrainAnswered { code },
    }
}

/// ERROR_RESMON_INVALID_STATE: the monitor knows no open instance.
const NOT_OPEN: u32 = 5084;

fn cause(cause: monitor::Cause) -> engine::Cause {
    match cause {
        monitor::Cause::CallFailed { call, code, message } => engine::Cause::CallFailed { call, code, message },
        monitor::Cause::PendingTimeout { call, limit_ms } => engine::Cause::PendingTimeout { call, limit_ms },
        monitor::Cause::IsAlive => engine::Cause::IsAlive,
        monitor::Cause::EventSignalled => engine::Cause::EventSignalled,
        monitor::Cause::Reported { code } => engine::Cause::Reported { code },
        monitor::Cause::Exception { call, text } => engine::Cause::Exception { call, text },
        monitor::Cause::Misbehaved { call, text } => engine::Cause::Misbehaved { call, text },
        monitor::Cause::LeaseLost => engine::Cause::LeaseLost,
        monitor::Cause::NotOpen => engine::Cause::NotOpen {
            code: NOT_OPEN,
            message: "the monitor has no open instance of the resource".into(),
        },
    }
}

/// How grave a line of a monitor is.
pub(super) fn level(level: monitor::LogLevel) -> Level {
    match level {
        monitor::LogLevel::Information => Level::Information,
        monitor::LogLevel::Warning => Level::Warning,
        monitor::LogLevel::Error => Level::Error,
        monitor::LogLevel::Severe => Level::Critical,
    }
}

/// Who speaks, as in brackets in the cluster log.
pub(super) fn component(component: monitor::LogComponent) -> &'static str {
    match component {
        monitor::LogComponent::Rhs => "RHS",
        monitor::LogComponent::Res => "RES",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_beyond_32_bits_stay_at_the_end() {
        let huge = engine::Timing {
            looks_alive: Millis(u64::MAX),
            is_alive: Millis(60_000),
            pending_timeout: Millis(0),
            deadlock_timeout: Millis(u64::from(u32::MAX)),
        };
        let expected = monitor::Timing {
            looks_alive_ms: u32::MAX,
            is_alive_ms: 60_000,
            pending_timeout_ms: 0,
            deadlock_timeout_ms: u32::MAX,
        };
        assert_eq!(timing(huge), expected);
    }

    #[test]
    fn a_status_keeps_its_facts() {
        let check = |from: monitor::Status, to: engine::Status| assert_eq!(status(from), to);
        let failed = monitor::Cause::CallFailed { call: "Online".into(), code: 2, message: "no file".into() };
        let expected = engine::Cause::CallFailed { call: "Online".into(), code: 2, message: "no file".into() };
        check(monitor::Status::Failed(failed), engine::Status::Failed(expected));
        check(monitor::Status::OnlinePending { checkpoint: 3 }, engine::Status::OnlinePending { checkpoint: 3 });
        check(monitor::Status::Arbitrated { code: 5034 }, engine::Status::Arbitrated { code: 5034 });
        assert_eq!(guid(resource_id(Guid(5))), Guid(5));
    }
}
