//! What one entry of the log did besides changing the state: the notices it made and the groups it touched.

use std::collections::BTreeSet;

use crate::id::Guid;
use crate::notice::{Component, Level, LogPlace, Notice, Subject};
use crate::time::Time;

/// Collects notices in order while an entry is applied.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) at: Time,
    pub(super) index: u64,
    pub(super) notices: Vec<Notice>,
    /// Groups in which something may have to happen now.
    pub(super) touched: BTreeSet<Guid>,
}

impl Story {
    pub(super) fn new(index: u64, at: Time) -> Story {
        Story { at, index, notices: Vec::new(), touched: BTreeSet::new() }
    }

    pub(super) fn touch(&mut self, group: Guid) {
        self.touched.insert(group);
    }

    /// Adds a notice; returns it so that an event id or considerations can be added.
    pub(super) fn tell(
        &mut self,
        level: Level,
        component: Component,
        subject: Option<Subject>,
        text: impl Into<String>,
    ) -> &mut Notice {
        let number = u32::try_from(self.notices.len()).unwrap_or(u32::MAX);
        self.notices.push(Notice {
            place: Some(LogPlace { index: self.index, number }),
            at: self.at,
            level,
            component,
            event: None,
            text: text.into(),
            subject,
            why: Vec::new(),
            step: None,
        });
        let last = self.notices.len() - 1;
        &mut self.notices[last]
    }

    /// A state changed in a resource.
    pub(super) fn resource(&mut self, level: Level, name: &str, text: impl Into<String>) -> &mut Notice {
        self.tell(level, Component::Rcm, Some(Subject::Resource(name.to_owned())), text)
    }

    /// About a group.
    pub(super) fn group(&mut self, level: Level, name: &str, text: impl Into<String>) -> &mut Notice {
        self.tell(level, Component::Rcm, Some(Subject::Group(name.to_owned())), text)
    }

    /// About a node.
    pub(super) fn node(
        &mut self,
        level: Level,
        component: Component,
        name: &str,
        text: impl Into<String>,
    ) -> &mut Notice {
        self.tell(level, component, Some(Subject::Node(name.to_owned())), text)
    }
}
