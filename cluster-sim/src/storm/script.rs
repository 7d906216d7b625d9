//! A storm as a scenario file, for people: the same cluster, the same acts at the same times.
//!
//! What the language of scenarios cannot say (weather, clocks, a device that is full) stands in comments. The promise is
//! certain to be broken only by the storm itself, whose line stands at the top: a scenario draws other delays.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cluster_engine::quorum::{LEGACY_SIZE, Model, Witness};
use cluster_engine::state::{Command, Failback};
use cluster_engine::{Guid, NodeId};

use super::act::{Act, Timed};
use super::shrink::Shrunk;
use super::{MOST_RESOURCES, Settings};

/// Ids of a storm's cluster by name: `G1`, `G1R1`, `Witness`.
#[must_use]
pub fn names(settings: &Settings, first: Guid) -> BTreeMap<Guid, String> {
    let mut names = BTreeMap::from([(first, "Witness".to_owned())]);
    let mut next = first.0 + 1;
    for g in 1..=settings.groups {
        names.insert(Guid(next), format!("G{g}"));
        for r in 1..=MOST_RESOURCES {
            names.insert(Guid(next + u128::from(r)), format!("G{g}R{r}"));
        }
        next += u128::from(MOST_RESOURCES) + 1;
    }
    names
}

/// The file.
#[must_use]
pub fn scenario(shrunk: &Shrunk) -> String {
    let Shrunk { settings, acts, outcome, acts_before, .. } = shrunk;
    let mut text = String::new();
    if let Some(broken) = &outcome.broken {
        let _ = writeln!(text, "# The promise {} is broken: {}", broken.invariant, broken.what.trim_end_matches("; "));
    }
    let _ = writeln!(
        text,
        "# {} of {acts_before} acts of the storm are left. It is replayed, and shrunk again, by",
        acts.len()
    );
    let _ = writeln!(text, "#     {} --shrink", outcome.replay());
    for (name, value) in settings.list() {
        let _ = writeln!(text, "# {name} {value}");
    }
    let _ = writeln!(text, "\nnodes {} seed {}", settings.nodes, settings.seed);
    for g in 1..=settings.groups {
        let _ = writeln!(text, "group G{g} on n1");
        for r in 1..=settings.resources {
            let below = if r > 1 { format!(" depends [G{g}R{}]", r - 1) } else { String::new() };
            let _ = writeln!(text, "resource G{g}R{r} in G{g}{below} set PendingTimeout 1000");
        }
    }
    text.push_str(match settings.model {
        Model::NodeMajority => "",
        Model::NodeAndDiskMajority => "disk Witness\nquorum node and disk Witness\n",
        Model::NodeAndFileShareMajority => "share Witness\nquorum node and share Witness\n",
        Model::DiskOnly => "disk Witness\nquorum disk only Witness\n",
    });
    let _ = writeln!(text, "dynamic quorum {}", if settings.dynamic_quorum { "on" } else { "off" });
    (1..=settings.groups).for_each(|g| {
        let _ = writeln!(text, "online G{g}");
    });
    text.push_str("after 10s\nbegin\n");
    let names = names(settings, super::FIRST_ID);
    let mut last = 0;
    for Timed { at, act } in acts {
        if *at != last {
            let _ = writeln!(text, "at {at}ms");
            last = *at;
        }
        match line(act, &names) {
            Some(line) => text.push_str(&line),
            None => {
                let _ = write!(text, "# {act}");
            }
        }
        text.push('\n');
    }
    let _ = writeln!(text, "at {}ms\n# faults off: everything has to settle", settings.length.max(last + 1));
    let started: Vec<String> = (1..=settings.nodes).map(|n| format!("n{n}")).collect();
    let _ = writeln!(text, "heal\nthaw {0}\nstart {0}\nuntil settled within 60s", started.join(" "));
    text
}

/// An act in the language of scenarios; `None`: it has no words for it.
fn line(act: &Act, names: &BTreeMap<Guid, String>) -> Option<String> {
    let n = |node: &NodeId| format!("n{node}");
    let name = |id: &Guid| names.get(id).cloned();
    Some(match act {
        Act::Kill(node) => format!("kill {}", n(node)),
        Act::Start(node) => format!("start {}", n(node)),
        Act::Prevent(node) => format!("prevent {}", n(node)),
        Act::Force(node) => format!("kill {0}\nmend all\nforce {0}", n(node)),
        Act::Freeze(node) => format!("freeze {}", n(node)),
        Act::Thaw(node) => format!("thaw {}", n(node)),
        Act::Stop(node) => format!("stop {}", n(node)),
        Act::Cut { a, b, one_way: false } => format!("cut {} {}", n(a), n(b)),
        Act::Cut { a, b, one_way: true } => format!("cut {} to {}", n(a), n(b)),
        Act::Mend { a, b } if a != b => format!("mend {} {}", n(a), n(b)),
        Act::Mend { .. } => return None,
        Act::MendAll => "mend all".to_owned(),
        Act::Behave(id, how) => {
            let name = name(id)?;
            let mut lines = vec![format!("{name} works")];
            if how.fail_online > 0 {
                lines.push(format!("{name} fails online {} times", how.fail_online));
            }
            if how.fail_offline > 0 {
                lines.push(format!("{name} fails offline {} times", how.fail_offline));
            }
            if how.hang_online {
                lines.push(format!("{name} hangs online"));
            }
            if how.hang_offline {
                lines.push(format!("{name} hangs offline"));
            }
            if how.fail_open {
                lines.push(format!("{name} cannot open"));
            }
            if how.hang_terminate || how.lies || how.late_ms > 0 || how.twice {
                lines.push(format!("# {act}"));
            }
            lines.push(format!("{name} takes {}ms online", how.online_ms));
            lines.push(format!("{name} takes {}ms offline", how.offline_ms));
            lines.join("\n")
        }
        Act::CutStorage(node, true) => format!("cut storage of {}", n(node)),
        Act::CutStorage(node, false) => format!("mend storage of {}", n(node)),
        // A resource that does not run cannot fail, and a request may be refused: in a storm neither matters.
        Act::Fail(id) => format!("# fail {}", name(id)?),
        Act::Client(node, command) => return request(node, command, names),
        Act::Write(node, count) => {
            vec![format!("write at {}", n(node)); usize::try_from(*count).unwrap_or(1)].join("\n")
        }
        Act::CrashMonitor(..)
        | Act::SlowDisk(..)
        | Act::FailDisk(..)
        | Act::LoseReservation(_)
        | Act::SlowDevice(..)
        | Act::FullDevice(..)
        | Act::BreakDevice(..)
        | Act::WipeDevice(_)
        | Act::Read(..) => return None,
    })
}

/// What a client asks for; `None` for what no line can say, and for what a storm does not draw.
fn request(node: &NodeId, command: &Command, names: &BTreeMap<Guid, String>) -> Option<String> {
    let text = of_group(command, names).or_else(|| of_resource(command, names)).or_else(|| of_cluster(command))?;
    Some(format!("{text} from n{node}"))
}

fn of_group(command: &Command, names: &BTreeMap<Guid, String>) -> Option<String> {
    if let Command::MoveGroup { group, to } = command {
        let to = to.map_or(String::new(), |to| format!(" to n{to}"));
        return Some(format!("move {}{to}", names.get(group)?));
    }
    if let Command::OfflineGroup { group } = command {
        return Some(format!("offline {}", names.get(group)?));
    }
    if let Command::OnlineGroup { group, node } = command {
        let on = node.map_or(String::new(), |on| format!(" on n{on}"));
        return Some(format!("online {}{on}", names.get(group)?));
    }
    None
}

fn of_resource(command: &Command, names: &BTreeMap<Guid, String>) -> Option<String> {
    if let Command::OfflineResource { resource, force } = command {
        return Some(format!("offline {}{}", names.get(resource)?, if *force { " force" } else { "" }));
    }
    if let Command::OnlineResource { resource } = command {
        return Some(format!("online {}", names.get(resource)?));
    }
    None
}

fn of_cluster(command: &Command) -> Option<String> {
    if let Command::PauseNode { node, drain, target: None } = command {
        return Some(format!("pause n{node}{}", if *drain { " drain" } else { "" }));
    }
    if let Command::ResumeNode { node, failback: Failback::Immediate } = command {
        return Some(format!("resume n{node} failback"));
    }
    let Command::SetQuorum { resource, kind, size, .. } = command else { return None };
    Some(match (resource, kind) {
        (None, _) => "quorum node majority".to_owned(),
        (Some(_), Witness::Disk) if *size == LEGACY_SIZE => "quorum disk only Witness".to_owned(),
        (Some(_), Witness::Disk) => "quorum node and disk Witness".to_owned(),
        (Some(_), Witness::FileShare) => "quorum node and share Witness".to_owned(),
    })
}
