//! A node's store as plain data: what `Stored::write` does, without looking at every entry each time.

use cluster_engine::replica::{EntryBody, LogEntry, Stored, Write};

/// Applies one batch. The same as [`Stored::write`], for stores whose entries follow each other without a gap.
pub fn write(stored: &mut Stored, batch: &[Write]) {
    for write in batch {
        match write {
            Write::Entries(entries) => {
                let Some(first) = entries.first() else { continue };
                let floor = stored.snapshot.index;
                let kept = usize::try_from(first.index.saturating_sub(floor + 1)).unwrap_or(usize::MAX);
                stored.entries.truncate(kept);
                stored.entries.extend(entries.iter().filter(|entry| entry.index > floor).cloned());
            }
            Write::Hard(_) | Write::Snapshot(_) | Write::Compact(_) => stored.write(std::slice::from_ref(write)),
        }
    }
}

/// The entry at a place of the log, if the store has it.
#[must_use]
pub fn entry(stored: &Stored, index: u64) -> Option<&LogEntry> {
    let at = usize::try_from(index.checked_sub(stored.snapshot.index + 1)?).ok()?;
    stored.entries.get(at)
}

/// A number made from what an entry carries.
#[must_use]
pub fn digest(entry: &LogEntry) -> u64 {
    match &entry.body {
        EntryBody::Empty => 1,
        EntryBody::Data(bytes) => {
            let start = 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
            let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
            let words = bytes.chunks(8).map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
            words.fold(start, mix)
        }
        EntryBody::Change(change) => format!("{change:?}")
            .bytes()
            .fold(2, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
    }
}

/// The term and index of the last entry: the greater one is the newer log.
#[must_use]
pub fn last_place(stored: &Stored) -> (u64, u64) {
    let snapshot = (stored.snapshot.term, stored.snapshot.index);
    stored.entries.last().map_or(snapshot, |entry| (entry.term, entry.index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster_engine::replica::{HardState, SnapshotImage};

    fn entries(from: u64, to: u64, term: u64) -> Write {
        let entry =
            |index| LogEntry { index, term, body: EntryBody::Data(vec![u8::try_from(index % 256).unwrap_or(0)]) };
        Write::Entries((from..=to).map(entry).collect())
    }

    #[test]
    fn it_writes_what_the_reference_writes() {
        let image = |index| SnapshotImage { index, term: 1, ..SnapshotImage::default() };
        let batches = [
            vec![Write::Snapshot(image(3)), entries(4, 9, 1)],
            vec![entries(8, 12, 2), Write::Hard(HardState { term: 2, vote: 1, commit: 9 })],
            vec![Write::Compact(image(10)), entries(13, 14, 2)],
            vec![entries(9, 16, 3)],
            vec![entries(11, 11, 4)],
        ];
        let (mut ours, mut theirs) = (Stored::empty(), Stored::empty());
        for batch in batches {
            write(&mut ours, &batch);
            theirs.write(&batch);
            assert_eq!(ours, theirs, "after {batch:?}");
        }
        assert_eq!(entry(&ours, 11).map(|e| e.term), Some(4));
        assert_eq!(entry(&ours, 10), None);
    }
}
