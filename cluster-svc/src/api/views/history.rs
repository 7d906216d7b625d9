//! Notices, and the snapshot that a page lives on.

use std::fmt;
use std::str::FromStr;

use cluster_engine::Time;
use cluster_engine::{Level, LogPlace, Notice, Subject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClusterView, GroupView, NodeView, QuorumView, ResourceView, Sight};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct NoticeView {
    /// Place in the replicated log, `<index>.<number>`, the same on every node; null for what only one node saw.
    pub id: Option<String>,
    /// When.
    pub time: String,
    /// `Debug`, `Information`, `Warning`, `Error` or `Critical`.
    pub level: String,
    /// Which part of the service speaks, as in the cluster log.
    pub component: String,
    /// The event id that the real service would write.
    pub event_id: Option<u32>,
    /// What happened.
    pub text: String,
    /// What it is about.
    pub subject: Option<SubjectView>,
    /// The considerations of a decision, one sentence each.
    pub why: Vec<String>,
    /// The node that saw it; null for what all nodes know.
    pub node: Option<String>,
    /// The step of an arbitration for the quorum device that it is: `Needed`, `Challenge`, `Said`, `Won`, `Lost`,
    /// `TakenOver`, `Refused`, `Hosted` or `Ended`; null for everything else.
    #[serde(default)]
    pub step: Option<String>,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SubjectView {
    /// `Node`, `Group`, `Resource` or `ResourceType`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl NoticeView {
    /// A notice of the node called `node`.
    #[must_use]
    pub fn of(notice: &Notice, node: &str) -> NoticeView {
        NoticeView {
            id: notice.place.map(|p| Place(p).to_string()),
            time: rfc3339(notice.at),
            level: level_word(notice.level).to_owned(),
            component: notice.component.tag().to_owned(),
            event_id: notice.event,
            text: notice.text.clone(),
            subject: notice.subject.as_ref().map(|s| {
                let (kind, name) = subject(s);
                SubjectView { kind: kind.to_owned(), name: name.to_owned() }
            }),
            why: notice.why.clone(),
            node: notice.place.is_none().then(|| node.to_owned()),
            step: notice.step.map(|step| step.word().to_owned()),
        }
    }
}

/// Kind and name of a subject.
#[must_use]
pub fn subject(subject: &Subject) -> (&'static str, &str) {
    match subject {
        Subject::Node(name) => ("Node", name),
        Subject::Group(name) => ("Group", name),
        Subject::Resource(name) => ("Resource", name),
        Subject::ResourceType(name) => ("ResourceType", name),
    }
}

/// The word for a level.
#[must_use]
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Debug => "Debug",
        Level::Information => "Information",
        Level::Warning => "Warning",
        Level::Error => "Error",
        Level::Critical => "Critical",
    }
}

/// The level for a word, in any case.
#[must_use]
pub fn level_of_word(word: &str) -> Option<Level> {
    let all = [Level::Debug, Level::Information, Level::Warning, Level::Error, Level::Critical];
    all.into_iter().find(|level| level_word(*level).eq_ignore_ascii_case(word))
}

/// A place in the log as text, `<index>.<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub LogPlace);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.index, self.0.number)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Place, ()> {
        let (index, number) = text.split_once('.').ok_or(())?;
        Ok(Place(LogPlace { index: index.parse().map_err(|_| ())?, number: number.parse().map_err(|_| ())? }))
    }
}

/// The whole cluster at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Snapshot {
    /// The cluster.
    pub cluster: ClusterView,
    /// Its nodes, by id.
    pub nodes: Vec<NodeView>,
    /// Its groups, by name.
    pub groups: Vec<GroupView>,
    /// Its resources, by name.
    pub resources: Vec<ResourceView>,
    /// Who votes, and where the witness is.
    pub quorum: QuorumView,
}

impl Snapshot {
    /// Everything.
    #[must_use]
    pub fn of(sight: Sight<'_>) -> Snapshot {
        Snapshot {
            cluster: ClusterView::of(sight),
            nodes: NodeView::all(sight),
            groups: GroupView::all(sight),
            resources: ResourceView::all(sight),
            quorum: QuorumView::of(sight),
        }
    }
}

/// A time as clients see it, with milliseconds: `2026-01-31T12:00:00.123Z`.
#[must_use]
pub fn rfc3339(time: Time) -> String {
    let ms = i64::try_from(time.0).unwrap_or(i64::MAX);
    let stamp = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    format!("{stamp:.3}")
}
