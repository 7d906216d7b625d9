//! How the end of a service goes: first the engine gives everything up, then the monitors end, each within its time.

use std::time::Duration;

use super::{Node, Phase};

/// How long giving everything up in an orderly way may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long monitors may take resources offline when the service ends, in milliseconds.
const MONITOR_GRACE_MS: u64 = 1000;
/// How long monitors may take to end before they are killed.
const MONITOR_LIMIT: Duration = Duration::from_secs(5);

impl Node {
    /// Called once when a phase begins; the result is how long it may last.
    pub(super) fn entered(&mut self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Running => None,
            Phase::Stopping => Some(STOP_LIMIT),
            Phase::MonitorsEnding => {
                self.parts.monitors.shut_down(MONITOR_GRACE_MS);
                Some(MONITOR_LIMIT)
            }
            Phase::MonitorsKilled => {
                self.parts.monitors.kill_all();
                Some(MONITOR_LIMIT)
            }
        }
    }

    pub(super) fn limit_reached(&mut self) {
        match self.phase {
            Phase::Running => {}
            Phase::Stopping => {
                let text = format!("not everything was given up within {} s; ending anyway", STOP_LIMIT.as_secs());
                self.parts.log.warning("CS", text);
                self.phase = Phase::MonitorsEnding;
            }
            Phase::MonitorsEnding => self.phase = Phase::MonitorsKilled,
            Phase::MonitorsKilled => self.broken = Some("a monitor does not end although it was killed".into()),
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        match self.phase {
            Phase::Running | Phase::Stopping => false,
            Phase::MonitorsEnding | Phase::MonitorsKilled => self.parts.monitors.have_ended(),
        }
    }
}
