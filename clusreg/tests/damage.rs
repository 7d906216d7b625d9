//! Damaged stores: cut, with flipped bits, overwritten. Opening one gives a store or an error that says what to do,
//! never a panic and never a hang, and a hive that comes back is the one that was committed last: sled alone goes
//! back to an earlier state without a word.

#![cfg(feature = "store")]

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clusreg::store::{Db, HiveStore, StoreError, TreeOp};
use clusreg::{Batch, FileTime, Hive, Value};

const COMMITS: u64 = 30;
/// Far more than an open takes; a store that takes longer hangs.
const OPEN_LIMIT: Duration = Duration::from_secs(20);

fn step(number: u64) -> Batch {
    Batch::at("")
        .set_value("Step", Value::qword(number))
        .create_key(format!("Keys\\{}", number % 7))
        .set_value("Data", Value::binary(vec![number as u8; 1000 * (number as usize % 9)]))
}

/// A store that was written to for a while, and the hive it holds.
fn good_store(folder: &Path) -> Hive {
    let (mut store, mut hive) = HiveStore::open(Db::open(folder).expect("opens")).expect("whole");
    for number in 1..=COMMITS {
        hive.apply(&step(number), FileTime(number)).expect("good");
        store.commit_with(&hive, &[TreeOp::put("log", number.to_be_bytes(), vec![1; 500])]).expect("commits");
    }
    hive
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("reads").map(|entry| entry.expect("reads").path());
    entries.filter(|path| path.is_file()).collect()
}

/// Opens, reads everything, writes once more.
fn use_store(folder: &Path) -> Result<Hive, StoreError> {
    let (mut store, hive) = HiveStore::open(Db::open(folder)?)?;
    store.db().scan("log")?;
    let mut newer = hive.clone();
    newer.apply(&step(COMMITS + 1), FileTime(99)).expect("good");
    store.commit(&newer)?;
    Ok(hive)
}

/// Uses the store, and once more when it was refused: it must not be taken for a good one the second time.
fn use_store_again(folder: &Path) -> Result<Hive, StoreError> {
    let first = use_store(folder);
    if first.is_err() {
        assert!(use_store(folder).is_err(), "refused, and then taken for whole: {first:?}");
    }
    first
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    whole: usize,
    refused: usize,
}

/// Uses a damaged copy in a thread of its own and judges what came of it.
#[track_caller]
fn check(folder: &Path, committed: &Hive, damage: &str, tally: &mut Tally) {
    let (sender, receiver) = mpsc::channel();
    let path = folder.to_owned();
    let thread = std::thread::spawn(move || sender.send(use_store_again(&path)));
    match receiver.recv_timeout(OPEN_LIMIT) {
        Ok(Ok(hive)) if hive == *committed => tally.whole += 1,
        Ok(Ok(_)) => panic!("{damage}: the hive that came back is not the one that was committed last"),
        Ok(Err(error)) => {
            let text = error.to_string();
            assert!(text.contains(folder.to_str().expect("text")), "{damage}: no folder in: {text}");
            assert!(
                matches!(error, StoreError::Damaged { .. } | StoreError::OtherFormat { .. } | StoreError::Io { .. }),
                "{damage}: {error:?}"
            );
            tally.refused += 1;
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{damage}: the store hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{damage}: the store panicked"),
    }
    let _ = thread.join();
}

/// Damages each file of a fresh copy in the given way at many places.
fn damage_everywhere(name: &str, places: usize, damage: fn(&mut Vec<u8>, usize)) -> Tally {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let good = folder.path().join("good");
    let committed = good_store(&good);
    let mut tally = Tally::default();
    for file in files(&good) {
        let content = std::fs::read(&file).expect("reads");
        // Most of a large file is unused: look at its used part in detail, and at the rest in few places.
        let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let step = (used / places).max(1);
        for place in (0..used).step_by(step).chain([content.len().saturating_sub(1)]) {
            let bad = folder.path().join("bad");
            copy(&good, &bad);
            let mut content = content.clone();
            damage(&mut content, place);
            std::fs::write(bad.join(file.file_name().expect("a file")), content).expect("writes");
            check(&bad, &committed, &format!("{name} of {file:?} at {place}"), &mut tally);
            std::fs::remove_dir_all(&bad).expect("removes");
        }
    }
    println!("{name}: {tally:?}");
    tally
}

#[test]
fn undamaged_copies_are_whole() {
    let tally = damage_everywhere("no damage", 2, |_, _| {});
    assert!(tally.whole > 0 && tally.refused == 0, "{tally:?}");
}

#[test]
fn cut_files() {
    let tally = damage_everywhere("cut", 60, |content, place| content.truncate(place));
    assert!(tally.refused > 0, "{tally:?}");
}

#[test]
fn flipped_bits() {
    let tally = damage_everywhere("flip", 150, |content, place| {
        if let Some(byte) = content.get_mut(place) {
            *byte ^= 0x41;
        }
    });
    assert!(tally.refused > 0, "{tally:?}");
}

#[test]
fn overwritten_stretches() {
    let tally = damage_everywhere("garbage", 80, |content, place| {
        for (index, byte) in content.iter_mut().skip(place).take(700).enumerate() {
            *byte = (index as u8).wrapping_mul(167) | 0x80;
        }
    });
    assert!(tally.refused > 0, "{tally:?}");
}

#[test]
fn zeroed_stretches() {
    let tally = damage_everywhere("zeroes", 60, |content, place| {
        content.iter_mut().skip(place).take(5000).for_each(|byte| *byte = 0);
    });
    assert!(tally.refused > 0, "{tally:?}");
}
