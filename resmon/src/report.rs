//! Status reports: what a library can say through SetResourceStatus, and what it hears (reference 1.4, 2.1).
//!
//! The numbers of the C interface become these types at the border; a number that is no state of a resource stays visible as
//! [`Reported::Nonsense`], so that the library can be blamed for it.
#![forbid(unsafe_code)]

/// The state in a status report, decoded from CLUSTER_RESOURCE_STATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    Online,
    Offline,
    Failed,
    OnlinePending,
    OfflinePending,
    /// ClusterResourceStateUnknown, -1: the library does not know, which counts as a failure.
    Unknown,
    /// A number that is no state a resource can report.
    Nonsense(i32),
}

impl Reported {
    /// From the number in the structure (reference 2.1).
    pub(crate) fn from_number(state: i32) -> Self {
        match state {
            -1 => Self::Unknown,
            2 => Self::Online,
            3 => Self::Offline,
            4 => Self::Failed,
            129 => Self::OnlinePending,
            130 => Self::OfflinePending,
            other => Self::Nonsense(other),
        }
    }
}

/// A call of SetResourceStatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) state: Reported,
    pub(crate) checkpoint: u32,
    /// ApplicationSpecificErrorCode of the extended form, or zero.
    pub(crate) code: u32,
}

/// What SetResourceStatus answers (RESOURCE_EXIT_STATE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Keep working.
    Continue,
    /// The resource was terminated, or is done: the worker should stop now.
    Terminate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_states_that_a_resource_can_report_have_a_meaning() {
        for (name, number) in resapi_sys_mock::abi::RESOURCE_STATES {
            let number = i32::try_from(*number).expect("states are small");
            let expected = match name.trim_start_matches("ClusterResource") {
                "StateUnknown" => Reported::Unknown,
                "Online" => Reported::Online,
                "Offline" => Reported::Offline,
                "Failed" => Reported::Failed,
                "OnlinePending" => Reported::OnlinePending,
                "OfflinePending" => Reported::OfflinePending,
                _ => Reported::Nonsense(number),
            };
            assert_eq!(Reported::from_number(number), expected, "{name}");
        }
        assert_eq!(Reported::from_number(77), Reported::Nonsense(77));
    }
}
