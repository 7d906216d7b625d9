//! Quarantine: a node that falls out of the membership again and again may not join for a while (reference 7.7).
//!
//! `QuarantineThreshold` ungraceful departures within one hour; for `QuarantineDuration`, or until somebody clears it. At
//! most a quarter of the nodes: a cluster of three never quarantines anybody.

use super::command::Answer;
use super::objects::ClusterState;
use super::story::Story;
use crate::id::NodeId;
use crate::notice::{Component, Level};
use crate::refusal::Refusal;
use crate::time::{Millis, Time};

/// Departures are counted within this span.
const DEPARTURES_WITHIN: Millis = Millis::seconds(3600);
/// At most one node in so many is in quarantine.
const NODES_PER_QUARANTINED: usize = 4;
/// The end of a quarantine that only ends by hand.
pub(super) const UNTIL_CLEARED: Time = Time(u64::MAX);

impl ClusterState {
    /// A node fell silent while it was a member: counts it, and decides.
    pub(super) fn count_departure(&mut self, id: NodeId, story: &mut Story) {
        let at = story.at;
        let threshold = usize::try_from(self.config.quarantine_threshold).unwrap_or(usize::MAX);
        let duration = self.config.quarantine_duration;
        let in_quarantine = self.nodes.values().filter(|n| n.quarantined_until.is_some()).count();
        let has_room = (in_quarantine + 1) * NODES_PER_QUARANTINED <= self.nodes.len();
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.departures.push_back(at);
        while node.departures.front().is_some_and(|first| at.since(*first) >= DEPARTURES_WITHIN) {
            node.departures.pop_front();
        }
        // More are never looked at.
        while node.departures.len() > threshold.max(1) {
            node.departures.pop_front();
        }
        if threshold == 0 || node.departures.len() < threshold || !has_room || node.quarantined_until.is_some() {
            return;
        }
        let until = duration.map_or(UNTIL_CLEARED, |d| at + d);
        node.quarantined_until = Some(until);
        let name = node.config.name.clone();
        let span = duration.map_or("until somebody clears it".to_owned(), |d| format!("for {} s", d.0 / 1000));
        let text =
            format!("Node '{name}' is in quarantine {span}: it left the membership {threshold} times within an hour.");
        let notice = story.node(Level::Critical, Component::Node, &name, text).with_event(1672);
        notice.why = vec![
            format!("QuarantineThreshold is {threshold}"),
            format!("cluster node start {name} --clear-quarantine lets it in at once"),
        ];
    }

    /// Why a node may not be a member now.
    #[must_use]
    pub fn is_quarantined(&self, id: NodeId) -> bool {
        self.nodes.get(&id).is_some_and(|n| n.quarantined_until.is_some())
    }

    /// Start-ClusterNode -ClearQuarantine.
    pub(super) fn clear_quarantine(&mut self, id: NodeId, story: &mut Story) -> Result<Answer, Refusal> {
        let name = self.node(id)?.config.name.clone();
        let Some(node) = self.nodes.get_mut(&id) else { return Ok(Answer::Done) };
        node.departures.clear();
        if node.quarantined_until.take().is_some() {
            story.node(
                Level::Information,
                Component::Node,
                &name,
                format!("The quarantine of node '{name}' was cleared."),
            );
        }
        Ok(Answer::Done)
    }

    /// Quarantines whose time is over.
    pub(super) fn end_quarantines(&mut self, story: &mut Story) {
        let at = story.at;
        for node in self.nodes.values_mut().filter(|n| n.quarantined_until.is_some_and(|t| t <= at)) {
            node.quarantined_until = None;
            node.departures.clear();
            let name = node.config.name.clone();
            story.node(Level::Information, Component::Node, &name, format!("The quarantine of node '{name}' is over."));
        }
    }
}
