//! Groups that wait for groups, and for sets of groups (reference 03.6).
//!
//! A group is not started before what it depends on is there: another group, when that is online; a group set, when
//! `StartupCount` of its groups are online (by default all), and, with `StartupSetting` Delay, for `StartupDelay` seconds.
//! What a set depends on, each of its groups depends on. Only the start is held up: a group that runs goes on running when
//! its providers do not, and neither ready state nor heartbeat of an application inside are known here, so that settings
//! 3 and 4 count as Online. GroupDependencyTimeout is not looked at: a group waits for as long as it takes.
//!
//! Dependencies and sets stand in the registry as clusapi writes them: `ProviderGroups` in the key of a group or a set, and
//! `Groups` in that of a set, lists of ids below `GroupSets`.

use super::objects::{ClusterState, Group, ResourceState};
use super::story::Story;
use crate::id::Guid;
use crate::time::{Millis, Time};

/// The key of all sets.
pub(super) const SETS: &str = "GroupSets";
/// Value with the ids of what a group or a set depends on.
pub(super) const PROVIDERS: &str = "ProviderGroups";
/// StartupSetting Delay, the default.
const DELAY: u32 = 1;
/// StartupCount: all of them, the default.
const ALL: u32 = u32::MAX;
/// StartupDelay when none is set, in seconds.
const DEFAULT_DELAY_S: u32 = 20;

/// When something that a group depends on is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum There {
    /// Since this time, or from this time on.
    At(Time),
    /// Not yet, and nobody knows when.
    No,
}

impl ClusterState {
    /// True while a group may not be started because of what it depends on.
    pub(super) fn waits_for_groups(&self, group: &Group, now: Time) -> bool {
        match self.providers_there(group) {
            None => false,
            Some(There::At(at)) => at > now,
            Some(There::No) => true,
        }
    }

    /// When the delay of a set is over that a group waits for, if that is all that it waits for.
    pub(super) fn group_order_deadlines(&self) -> impl Iterator<Item = Time> + '_ {
        let has_sets = self.hive.key(SETS).is_some();
        let waiting = self.groups.values().filter(move |group| has_sets && self.has_waiting(group.id));
        waiting.filter_map(|group| match self.providers_there(group)? {
            There::At(at) => Some(at).filter(|at| *at > self.at),
            There::No => None,
        })
    }

    /// Groups that depend on something may go on when time passes, or when this group changes.
    pub(super) fn touch_dependents(&self, changed: Option<Guid>, story: &mut Story) {
        let has_sets = self.hive.key(SETS).is_some();
        let may_wait = |group: &&Group| has_sets || !group.config.providers.is_empty();
        for group in self.groups.values().filter(may_wait) {
            if Some(group.id) != changed && self.has_waiting(group.id) {
                story.touch(group.id);
            }
        }
    }

    /// What a group waits for, by name; empty when it waits for nothing.
    pub(super) fn awaited(&self, group: &Group) -> Vec<String> {
        let is_awaited = |id: &Guid| !matches!(self.provider_there(*id), There::At(at) if at <= self.at);
        let name = |id: Guid| match self.groups.get(&id) {
            Some(group) => format!("group '{}'", group.config.name),
            None => format!("group set '{}'", self.hive.sz(&set_key(id), "Name").unwrap_or_default()),
        };
        self.providers_of(group).into_iter().filter(is_awaited).map(name).collect()
    }

    fn has_waiting(&self, group: Guid) -> bool {
        self.resources_of(group).any(|r| r.state == ResourceState::WaitingToComeOnline)
    }

    /// `None`: it depends on nothing.
    fn providers_there(&self, group: &Group) -> Option<There> {
        self.providers_of(group).into_iter().map(|id| self.provider_there(id)).max()
    }

    /// Groups and sets that a group depends on, by itself and through the sets that it belongs to. What is gone does not
    /// count.
    fn providers_of(&self, group: &Group) -> Vec<Guid> {
        let mut all = group.config.providers.clone();
        for set in self.hive.key(SETS).into_iter().flat_map(|key| key.subkeys().collect::<Vec<_>>()) {
            if ids(self, &set.path(), "Groups").contains(&group.id) {
                all.extend(ids(self, &set.path(), PROVIDERS));
            }
        }
        all.retain(|id| *id != group.id && (self.groups.contains_key(id) || self.hive.key(&set_key(*id)).is_some()));
        all
    }

    fn provider_there(&self, id: Guid) -> There {
        if self.groups.contains_key(&id) {
            return self.online_since(id);
        }
        let key = set_key(id);
        let number = |name: &str, default: u32| self.hive.dword(&key, name).unwrap_or(default);
        let mut there: Vec<There> =
            ids(self, &key, "Groups").into_iter().map(|group| self.online_since(group)).collect();
        there.sort_unstable();
        let wanted = match number("StartupCount", ALL) {
            ALL => there.len(),
            count => usize::try_from(count).unwrap_or(usize::MAX).min(there.len()),
        };
        let Some(last) = wanted.checked_sub(1).and_then(|at| there.get(at)) else { return There::At(Time(0)) };
        let is_delayed = number("StartupSetting", DELAY) == DELAY;
        let delay = if is_delayed { number("StartupDelay", DEFAULT_DELAY_S) } else { 0 };
        match last {
            There::At(at) => There::At(*at + Millis::seconds(u64::from(delay))),
            There::No => There::No,
        }
    }

    /// Since when every resource of a group is online. A group without resources is there at once.
    fn online_since(&self, group: Guid) -> There {
        let since = |state, at| if state == ResourceState::Online { There::At(at) } else { There::No };
        self.resources_of(group).map(|r| since(r.state, r.since)).max().unwrap_or(There::At(Time(0)))
    }
}

fn set_key(id: Guid) -> String {
    format!("{SETS}\\{id}")
}

fn ids(state: &ClusterState, key: &str, name: &str) -> Vec<Guid> {
    let listed = state.hive.multi_sz(key, name).unwrap_or_default();
    listed.iter().filter_map(|id| id.parse().ok()).collect()
}
