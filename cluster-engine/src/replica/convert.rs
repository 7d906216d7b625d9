//! Our entries and snapshots in the shape raft-rs works on, and back.
//!
//! A change of the voters travels as our own bytes in `Entry.context`; raft-rs's protobuf form of it is built only where
//! this replica proposes it, so no protobuf that came from outside is ever parsed.

use raft::eraftpb::{self, ConfChangeType, EntryType};

use super::store::{EntryBody, HardState, LogEntry, SnapshotImage};
use super::voters::{VoterChange, VoterId, Voters};

pub(super) fn entry_to_raft(entry: LogEntry) -> eraftpb::Entry {
    let mut raw = eraftpb::Entry { index: entry.index, term: entry.term, ..Default::default() };
    match entry.body {
        EntryBody::Empty => {}
        EntryBody::Data(data) => raw.data = data.into(),
        EntryBody::Change(change) => {
            raw.set_entry_type(EntryType::EntryConfChangeV2);
            raw.context = change_bytes(change).into();
        }
    }
    raw
}

pub(super) fn entry_from_raft(raw: eraftpb::Entry) -> LogEntry {
    let body = match raw.get_entry_type() {
        EntryType::EntryNormal if raw.data.is_empty() => EntryBody::Empty,
        EntryType::EntryNormal => EntryBody::Data(raw.data.to_vec()),
        EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => EntryBody::Change(change_from_bytes(&raw.context)),
    };
    LogEntry { index: raw.index, term: raw.term, body }
}

pub(super) fn change_bytes(change: VoterChange) -> Vec<u8> {
    postcard::to_allocvec(&change).expect("a change of two small fields always encodes")
}

fn change_from_bytes(bytes: &[u8]) -> VoterChange {
    postcard::from_bytes(bytes).expect("only change_bytes writes the context of a change, and only in this process")
}

/// The change as raft-rs applies it. One step each, so never joint.
pub(super) fn change_to_raft(change: VoterChange) -> eraftpb::ConfChangeV2 {
    let (id, kind) = match change {
        VoterChange::AddLearner(id) | VoterChange::Demote(id) => (id, ConfChangeType::AddLearnerNode),
        VoterChange::Promote(id) => (id, ConfChangeType::AddNode),
        VoterChange::Remove(id) => (id, ConfChangeType::RemoveNode),
    };
    let mut single = eraftpb::ConfChangeSingle { node_id: id.0, ..Default::default() };
    single.set_change_type(kind);
    let mut raw = eraftpb::ConfChangeV2::default();
    raw.set_changes(vec![single].into());
    raw
}

pub(super) fn voters_to_raft(voters: &Voters) -> eraftpb::ConfState {
    eraftpb::ConfState {
        voters: voters.voters.iter().map(|id| id.0).collect(),
        learners: voters.learners.iter().map(|id| id.0).collect(),
        ..Default::default()
    }
}

pub(super) fn voters_from_raft(raw: &eraftpb::ConfState) -> Voters {
    Voters {
        voters: raw.voters.iter().copied().map(VoterId).collect(),
        learners: raw.learners.iter().copied().map(VoterId).collect(),
    }
}

pub(super) fn image_to_raft(image: SnapshotImage) -> eraftpb::Snapshot {
    let mut raw = eraftpb::Snapshot::default();
    raw.mut_metadata().index = image.index;
    raw.mut_metadata().term = image.term;
    raw.mut_metadata().set_conf_state(voters_to_raft(&image.voters));
    raw.data = image.data.into();
    raw
}

pub(super) fn image_from_raft(raw: eraftpb::Snapshot) -> SnapshotImage {
    let meta = raw.get_metadata();
    SnapshotImage {
        index: meta.index,
        term: meta.term,
        voters: voters_from_raft(meta.get_conf_state()),
        data: raw.data.to_vec(),
    }
}

pub(super) fn hard_to_raft(hard: HardState) -> eraftpb::HardState {
    eraftpb::HardState { term: hard.term, vote: hard.vote, commit: hard.commit, ..Default::default() }
}

pub(super) fn hard_from_raft(raw: &eraftpb::HardState) -> HardState {
    HardState { term: raw.term, vote: raw.vote, commit: raw.commit }
}
