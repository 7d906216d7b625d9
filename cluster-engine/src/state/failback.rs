//! Failback: a group goes home when its preferred node is there again (reference 2.6).
//!
//! It needs AutoFailbackType 1 and a list of preferred owners. Without a window it moves at once; with one, only between
//! FailbackWindowStart and FailbackWindowEnd, in whole hours of the cluster's time (UTC here), wrapping past midnight when
//! the start is greater than the end. A move by hand suspends it until the next node comes up.

use super::objects::{ClusterState, Group, MoveKind};
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::Level;
use crate::time::{Millis, Time};

const HOUR_MS: u64 = 3_600_000;

impl ClusterState {
    /// A node came up: suspensions end, and groups that belong there go.
    pub(super) fn node_came_up(&mut self, story: &mut Story) {
        for group in self.groups.values_mut() {
            group.failback_suspended = false;
        }
        let groups: Vec<Guid> = self.groups.keys().copied().collect();
        for id in groups {
            self.consider_failback(id, story);
        }
    }

    /// Moves the group home now, or makes a note of when.
    pub(super) fn consider_failback(&mut self, id: Guid, story: &mut Story) {
        let Some(group) = self.groups.get(&id) else { return };
        if !group.config.auto_failback || group.failback_suspended || group.moving.is_some() {
            return;
        }
        let Some(home) = self.better_home(group) else { return };
        let (name, home_name) = (group.config.name.clone(), self.node_name(home));
        let mut why = vec![
            "AutoFailbackType is 1".to_owned(),
            format!("'{home_name}' stands before '{}' in the preferred owners", self.node_name(group.owner)),
        ];
        let due = match group.config.failback_window {
            None => None,
            Some(window) if is_inside(window, story.at.hour(0)) => {
                why.push(format!("it is between {}:00 and {}:00", window.0, window.1));
                None
            }
            Some(window) => Some((window, next_start(window.0, story.at))),
        };
        match due {
            None => self.begin_move(id, home, MoveKind::Failback, why, story),
            Some((window, at)) => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.failback_at = Some(at);
                }
                why.push(format!("the window is {}:00 to {}:00", window.0, window.1));
                let text = format!("Group '{name}' will go back to '{home_name}' when its failback window opens.");
                story.group(Level::Information, &name, text).why = why;
            }
        }
    }

    /// The first preferred owner before the present one that can host the group.
    fn better_home(&self, group: &Group) -> Option<NodeId> {
        let preferred = &group.config.preferred;
        let present = preferred.iter().position(|n| *n == group.owner).unwrap_or(preferred.len());
        preferred[..present].iter().copied().find(|n| self.cannot_host(group, *n).is_none())
    }
}

fn is_inside((start, end): (u32, u32), hour: u32) -> bool {
    if start <= end { (start..end.max(start + 1)).contains(&hour) } else { hour >= start || hour < end }
}

/// The next time at which that hour begins.
fn next_start(hour: u32, now: Time) -> Time {
    let this_hour = Time(now.0 - now.0 % HOUR_MS);
    let ahead = (24 + hour - now.hour(0)) % 24;
    let ahead = if ahead == 0 { 24 } else { ahead };
    this_hour + Millis(u64::from(ahead) * HOUR_MS)
}
