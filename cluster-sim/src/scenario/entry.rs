//! What a log consists of: acts, answers, and what the nodes tell, each with its time.
//!
//! A stage collects entries in a [`Diary`](super::Diary); people read them as lines, timelines are drawn from them. The
//! lines have one fixed layout: a time in seconds since `begin`, then `> act`, `< answer`, or component, event and
//! sentence; sentences that give reasons stand indented below.

use cluster_engine::{ArbitrationStep, Notice, Subject};

/// Before this stand the sentences that give reasons.
const INDENT: &str = "                        ";

/// Something in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, ms since the story began.
    pub at_ms: u64,
    /// What.
    pub said: Said,
    /// The reasons that were given.
    pub why: Vec<String>,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something was done, in the words of the script.
    Act(String),
    /// The answer to the act above it.
    Answer {
        /// It was a refusal.
        is_refusal: bool,
        /// In words.
        text: String,
    },
    /// A node or the cluster told something.
    Notice(Told),
}

/// A notice, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The part of the Cluster service: RCM, RGP, QUORUM...
    pub component: String,
    /// The id of the event, if it is one.
    pub event: Option<u32>,
    /// The node that tells it; `None` for what all nodes tell alike.
    pub teller: Option<String>,
    /// The node that it is about.
    pub about: Option<String>,
    /// The step of an arbitration that it is.
    pub step: Option<ArbitrationStep>,
    /// The sentence.
    pub text: String,
}

impl Told {
    /// A notice of the node of this name.
    #[must_use]
    pub fn of(notice: &Notice, node: &str) -> Told {
        let about = match &notice.subject {
            Some(Subject::Node(name)) => Some(name.clone()),
            Some(Subject::Group(_) | Subject::Resource(_) | Subject::ResourceType(_)) | None => None,
        };
        Told {
            component: notice.component.tag().to_owned(),
            event: notice.event,
            teller: notice.place.is_none().then(|| node.to_owned()),
            about,
            step: notice.step,
            text: notice.text.clone(),
        }
    }

    /// Is it told by this node or about it?
    #[must_use]
    pub fn is_at(&self, node: &str) -> bool {
        self.teller.as_deref().or(self.about.as_deref()) == Some(node)
    }

    /// The node at which it happened, as far as it is one.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.teller.as_deref().or(self.about.as_deref())
    }

    /// The sentence, behind the name of who says it of itself.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.teller {
            Some(node) => format!("{node}: {}", self.text),
            None => self.text.clone(),
        }
    }
}

impl Said {
    /// The sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Said::Act(text) | Said::Answer { text, .. } => text.clone(),
            Said::Notice(told) => told.sentence(),
        }
    }
}

impl Entry {
    /// As it stands in the log.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let text = match &self.said {
            Said::Act(text) => format!("> {text}"),
            Said::Answer { text, .. } => format!("< {text}"),
            Said::Notice(told) => {
                let event = told.event.map_or("-".to_owned(), |e| e.to_string());
                format!("{:<6} {event:>4}  {}", told.component, told.sentence())
            }
        };
        let time = seconds(self.at_ms);
        let reasons = self.why.iter().map(|why| format!("{INDENT}{why}"));
        std::iter::once(format!("{time:<9} {text}")).chain(reasons).collect()
    }
}

/// `+1.234`.
#[must_use]
pub fn seconds(at_ms: u64) -> String {
    format!("+{}.{:03}", at_ms / 1_000, at_ms % 1_000)
}
