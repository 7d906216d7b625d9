//! The store: trees of records, what is atomic, what is refused, and the hive in it.

#![cfg(feature = "store")]

mod common;

use std::path::Path;

use clusreg::store::{
    Db, HIVE_TREE, HiveStore, RECORD_KEY_BYTES, Record, StoreError, TREE_NAME_BYTES, TreeOp, copy_store, export_to,
    import_from,
};
use clusreg::{Batch, FileTime, Hive, Value, limits};
use proptest::prelude::*;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn open(folder: &TempDir) -> Db {
    Db::open(folder.path().join("store")).expect("opens")
}

fn keys(records: Result<Vec<Record>, StoreError>) -> Vec<String> {
    records.expect("reads").into_iter().map(|(key, _)| String::from_utf8(key).expect("text")).collect()
}

#[test]
fn trees_are_apart_and_in_order() {
    let folder = folder();
    let db = open(&folder);
    let puts: Vec<TreeOp> = [("log", "b"), ("log", "a"), ("lo", "ga"), ("log", ""), ("logs", "x"), ("log", "ab")]
        .map(|(tree, key)| TreeOp::put(tree, key, key))
        .into();
    db.commit(&puts).expect("writes");
    assert_eq!(keys(db.scan("log")), ["", "a", "ab", "b"]);
    assert_eq!(keys(db.scan("lo")), ["ga"]);
    assert_eq!(keys(db.scan("nothing")), [""; 0]);
    assert_eq!(keys(db.range("log", "a".."b")), ["a", "ab"]);
    assert_eq!(keys(db.range("log", "a"..="b")), ["a", "ab", "b"]);
    assert_eq!(keys(db.range("log", "ab"..)), ["ab", "b"]);
    assert_eq!(keys(db.range("log", ..="a")), ["", "a"]);
    let inverted = "b".."a";
    assert_eq!(keys(db.range("log", inverted)), [""; 0]);
    assert_eq!(db.last("log"), Ok(Some((b"b".to_vec(), b"b".to_vec()))));
    assert_eq!(db.last("nothing"), Ok(None));
    assert_eq!(db.get("log", b"ab"), Ok(Some(b"ab".to_vec())));
    assert_eq!(db.get("log", b"c"), Ok(None));
    db.write(&[TreeOp::delete("log", "a"), TreeOp::delete("log", "never there")]).expect("writes");
    assert_eq!(keys(db.scan("log")), ["", "ab", "b"]);
}

#[test]
fn records_of_all_sizes_survive_being_replaced_and_reopened() {
    let folder = folder();
    let bytes =
        |size: usize, seed: u8| (0..size).map(|index| (index as u8).wrapping_mul(31) ^ seed).collect::<Vec<u8>>();
    let sizes = [0, 1, 3071, 3072, 3073, 6144, 100_000, 1, 2 << 20, 5000, 0];
    for (round, size) in sizes.into_iter().enumerate() {
        let db = open(&folder);
        if round > 0 {
            assert_eq!(db.get("t", b"k"), Ok(Some(bytes(sizes[round - 1], round as u8 - 1))), "round {round}");
        }
        db.commit(&[TreeOp::put("t", "k", bytes(size, round as u8))]).expect("writes");
        assert_eq!(db.get("t", b"k"), Ok(Some(bytes(size, round as u8))), "round {round}");
        assert_eq!(db.scan("t").map(|records| records.len()), Ok(1));
    }
}

#[test]
fn of_two_operations_on_a_record_the_later_counts() {
    let folder = folder();
    let db = open(&folder);
    let large = vec![1; 10_000];
    db.write(&[TreeOp::put("t", "k", large.clone()), TreeOp::put("t", "k", "x")]).expect("writes");
    assert_eq!(db.get("t", b"k"), Ok(Some(b"x".to_vec())));
    db.write(&[TreeOp::delete("t", "k"), TreeOp::put("t", "k", large.clone())]).expect("writes");
    assert_eq!(db.get("t", b"k"), Ok(Some(large.clone())));
    db.write(&[TreeOp::put("t", "k", large), TreeOp::delete("t", "k")]).expect("writes");
    assert_eq!(db.get("t", b"k"), Ok(None));
}

#[test]
fn sizes_are_limited_and_a_refused_write_leaves_nothing() {
    let folder = folder();
    let db = open(&folder);
    let long = |bytes: usize| "n".repeat(bytes);
    db.write(&[TreeOp::put(long(TREE_NAME_BYTES), long(RECORD_KEY_BYTES), "x")]).expect("just fits");
    for bad in [
        TreeOp::put("", "k", "x"),
        TreeOp::put(long(TREE_NAME_BYTES + 1), "k", "x"),
        TreeOp::put("t", long(RECORD_KEY_BYTES + 1), "x"),
        TreeOp::put("t", "k", vec![0; clusreg::store::RECORD_BYTES + 1]),
    ] {
        let result = db.write(&[TreeOp::put("t", "good", "x"), bad]);
        assert!(matches!(result, Err(StoreError::BadSize { .. })), "{result:?}");
    }
    assert_eq!(db.get("t", b"good"), Ok(None));
    db.commit(&[TreeOp::put("t", "good", "x")]).expect("a refusal does not stop the store");
}

#[test]
fn one_process_at_a_time() {
    let folder = folder();
    let path = folder.path().join("store");
    let db = open(&folder);
    assert_eq!(Db::open(&path).map(|_| ()), Err(StoreError::InUse { folder: path.clone() }));
    let copy = db.clone();
    drop(db);
    assert_eq!(Db::open(&path).map(|_| ()), Err(StoreError::InUse { folder: path.clone() }));
    drop(copy);
    Db::open(&path).expect("free again");
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("writes");
    for path in [file.clone(), file.join("below")] {
        let error = Db::open(&path).expect_err("no folder");
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().expect("text")), "{error}");
    }
}

fn state() -> Batch {
    Batch::at("")
        .set_value("ClusterName", Value::sz("wolf"))
        .create_key("Groups\\G1")
        .set_value("Name", Value::sz("SQL"))
        .create_key("Groups\\G2\\Parameters")
        .set_value("Big", Value::binary(vec![7; limits::VALUE_BYTES]))
}

fn reopen(folder: &TempDir) -> (HiveStore, Hive) {
    HiveStore::open(open(folder)).expect("whole")
}

#[test]
fn a_hive_comes_back_as_it_was() {
    let folder = folder();
    let (mut store, mut hive) = reopen(&folder);
    assert_eq!(hive, Hive::new());
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit(&hive).expect("commits");
    drop(store);
    let (mut store, mut read) = reopen(&folder);
    assert_eq!(read, hive);
    assert_eq!(read.bytes(), hive.bytes());
    let again = Batch::at("").delete_tree("groups\\g1").create_key("GROUPS\\g1\\new").delete_tree("Groups\\G2");
    read.apply(&again, FileTime(4)).expect("good");
    store.commit(&read).expect("commits");
    drop(store);
    let (mut store, found) = reopen(&folder);
    assert_eq!(found, read);
    assert_eq!(found.key("GROUPS\\G1\\NEW").map(|key| key.path()), Some("Groups\\g1\\new".to_owned()));
    store.commit(&Hive::new()).expect("commits");
    assert_eq!(keys(store.db().scan(HIVE_TREE)), ["s"]);
    drop(store);
    assert_eq!(reopen(&folder).1, Hive::new());
}

#[test]
fn only_what_changed_is_written() {
    let folder = folder();
    let (mut store, mut hive) = reopen(&folder);
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit(&hive).expect("commits");
    assert_eq!(store.ops(&hive), []);
    hive.apply(&Batch::at("Groups\\G1").set_value("Name", Value::sz("new")), FileTime(4)).expect("good");
    let written: Vec<_> = store.ops(&hive).into_iter().map(|op| String::from_utf8(op.key).expect("text")).collect();
    assert_eq!(written, ["kGROUPS\\G1", "s"]);
}

#[test]
fn own_records_go_with_the_hive() {
    let folder = folder();
    let (mut store, mut hive) = reopen(&folder);
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit_with(&hive, &[TreeOp::put("raft", "applied", "17")]).expect("commits");
    hive.apply(&Batch::at("").create_key("New"), FileTime(4)).expect("good");
    let mut ops = store.ops(&hive);
    ops.push(TreeOp::put("raft", "applied", "18"));
    store.db().clone().commit(&ops).expect("commits");
    store.wrote(&hive);
    assert_eq!(store.ops(&hive), []);
    drop(store);
    let (store, read) = reopen(&folder);
    assert_eq!(read, hive);
    assert_eq!(store.db().get("raft", b"applied"), Ok(Some(b"18".to_vec())));
}

#[track_caller]
fn check_damage(folder: &TempDir, part: &str) {
    let error = Db::open(folder.path().join("store")).and_then(HiveStore::open).expect_err("damaged");
    assert!(matches!(&error, StoreError::Damaged { what, .. } if what.contains(part)), "{error}");
    let text = error.to_string();
    assert!(text.contains("store") && text.contains("move the folder away") && text.contains("export file"), "{text}");
}

#[test]
fn a_hive_with_a_part_missing_or_changed_is_refused() {
    for (ops, part) in [
        (vec![TreeOp::delete(HIVE_TREE, "kGROUPS\\G1")], "a part of the hive is missing"),
        (vec![TreeOp::delete(HIVE_TREE, "s")], "a part of the hive is missing"),
        (vec![TreeOp::put(HIVE_TREE, "s", "short")], "the seal of the hive"),
        (vec![TreeOp::put(HIVE_TREE, "kGROUPS", [0xFF])], "a key of the hive"),
        (vec![TreeOp::put(HIVE_TREE, "kX", b"\x01Y\x00\x00")], "a key of the hive"),
        (vec![TreeOp::put(HIVE_TREE, "kX", b"\x01X\x00\x00")], "a part of the hive is missing"),
        (vec![TreeOp::put(HIVE_TREE, "?", "")], "a key of the hive"),
    ] {
        let folder = folder();
        let (mut store, mut hive) = reopen(&folder);
        hive.apply(&state(), FileTime(3)).expect("good");
        store.commit(&hive).expect("commits");
        store.db().commit(&ops).expect("writes");
        drop(store);
        check_damage(&folder, part);
    }
}

#[test]
fn a_store_that_lost_everything_is_not_taken_for_a_new_one() {
    let removed = |file: &Path| std::fs::remove_file(file).expect("removes");
    let emptied = |file: &Path| std::fs::write(file, "").expect("writes");
    for break_it in [removed as fn(&Path), emptied] {
        let folder = folder();
        drop(reopen(&folder));
        break_it(&folder.path().join("store").join("db"));
        check_damage(&folder, "missing or empty");
    }
    let folder = folder();
    drop(reopen(&folder));
    std::fs::write(folder.path().join("store").join("db"), vec![0; 1 << 20]).expect("writes");
    check_damage(&folder, "gone");
}

#[test]
fn a_store_of_another_format_is_refused() {
    let folder = folder();
    drop(open(&folder));
    std::fs::write(folder.path().join("store").join("store.format"), "wolfden store 2\n").expect("writes");
    let error = Db::open(folder.path().join("store")).expect_err("another format");
    assert!(error.to_string().contains("\"wolfden store 2\" and this program knows \"wolfden store 1\""), "{error}");
}

#[test]
fn a_store_whose_first_start_was_cut_short_starts_again() {
    let folder = folder();
    drop(open(&folder));
    std::fs::remove_file(folder.path().join("store").join("store.format")).expect("removes");
    drop(reopen(&folder));
    assert!(folder.path().join("store").join("store.format").exists());
}

#[test]
fn export_file_brings_the_hive_back() {
    let folder = folder();
    let file = folder.path().join("cluster.reg");
    let (mut store, mut hive) = reopen(&folder);
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit(&hive).expect("commits");
    export_to(&Hive::new(), &file).expect("exports");
    store.export_to(&file).expect("exports");
    let mut back = Hive::new();
    back.apply(&import_from(&file).expect("imports"), FileTime(9)).expect("good");
    assert_eq!(common::content(&back), common::content(&hive));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("reads").map(|entry| entry.expect("reads").file_name()).collect();
    assert_eq!(left.len(), 2, "only the store and the export: {left:?}");

    let nowhere = folder.path().join("nowhere").join("cluster.reg");
    assert!(matches!(store.export_to(&nowhere), Err(StoreError::Io { .. })));
    assert!(matches!(import_from(&nowhere), Err(StoreError::Io { .. })));
    std::fs::write(&file, "nonsense").expect("writes");
    let error = import_from(&file).expect_err("nonsense").to_string();
    assert!(error.contains("cluster.reg: line 1: the first line must be"), "{error}");
}

#[test]
fn a_full_hive_of_many_small_values_can_be_exported_and_imported() {
    let mut hive = Hive::new();
    let mut batch = Batch::at("").create_key("k");
    for number in 0..60_000 {
        batch = batch.set_value(format!("{number:x}"), Value::none());
    }
    hive.apply(&batch, FileTime(1)).expect("good");
    let folder = folder();
    let file = folder.path().join("cluster.reg");
    export_to(&hive, &file).expect("exports");
    let mut back = Hive::new();
    back.apply(&import_from(&file).expect("imports"), FileTime(1)).expect("good");
    assert_eq!(common::content(&back), common::content(&hive));
}

#[test]
fn a_copy_of_a_store_in_use_has_what_was_flushed() {
    let folder = folder();
    let (mut store, mut hive) = reopen(&folder);
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit(&hive).expect("commits");
    let (from, to) = (folder.path().join("store"), folder.path().join("copy"));
    copy_store(&from, &to).expect("copies");
    let (_, copied) = Db::open(&to).and_then(HiveStore::open).expect("whole, and not locked by the original");
    assert_eq!(copied, hive);
    assert!(matches!(copy_store(&from, &to), Err(StoreError::Io { .. })), "never over another store");
    assert!(matches!(copy_store(&folder.path().join("none"), &folder.path().join("new")), Err(StoreError::Io { .. })));
}

#[test]
fn a_store_that_went_back_to_an_earlier_state_is_refused() {
    let folder = folder();
    let (mut store, mut hive) = reopen(&folder);
    hive.apply(&state(), FileTime(3)).expect("good");
    store.commit(&hive).expect("commits");
    let (path, earlier) = (folder.path().join("store"), folder.path().join("earlier"));
    copy_store(&path, &earlier).expect("copies");
    hive.apply(&Batch::at("").create_key("Later"), FileTime(4)).expect("good");
    store.commit(&hive).expect("commits");
    drop(store);
    let note = std::fs::read(path.join("store.flushed")).expect("reads");
    std::fs::rename(&earlier, folder.path().join("now")).expect("renames");
    std::fs::remove_dir_all(&path).expect("removes");
    std::fs::rename(folder.path().join("now"), &path).expect("renames");
    assert!(Db::open(&path).and_then(HiveStore::open).is_ok(), "with its own note it is an ordinary store");
    std::fs::write(path.join("store.flushed"), note).expect("writes");
    check_damage(&folder, "2 writes were safe and only 1 are there");
    std::fs::write(path.join("store.flushed"), "short").expect("writes");
    check_damage(&folder, "store.flushed is unreadable");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reopening_gives_what_was_committed(rounds in prop::collection::vec(prop::collection::vec(common::root_batch(), 1..4), 1..5)) {
        let folder = folder();
        let mut hive = Hive::new();
        for (round, batches) in rounds.iter().enumerate() {
            let (mut store, found) = reopen(&folder);
            prop_assert_eq!(&found, &hive);
            for batch in batches {
                let _ = hive.apply(batch, FileTime(round as u64 + 1));
                store.commit(&hive).expect("commits");
            }
        }
        prop_assert_eq!(reopen(&folder).1, hive);
    }

    #[test]
    fn trees_behave_like_a_map(writes in prop::collection::vec(prop::collection::vec((0..2u8, "[ab]{0,3}", prop::option::of(0..9000usize)), 1..6), 1..12)) {
        let folder = folder();
        let mut model = std::collections::BTreeMap::new();
        let mut db = open(&folder);
        for (round, ops) in writes.iter().enumerate() {
            let tree = |tree: &u8| format!("t{tree}");
            let ops: Vec<TreeOp> = ops.iter().map(|(in_tree, key, size)| TreeOp {
                tree: tree(in_tree),
                key: key.as_bytes().to_vec(),
                value: size.map(|size| vec![round as u8; size]),
            }).collect();
            db.write(&ops).expect("writes");
            for op in ops {
                match op.value {
                    Some(value) => model.insert((op.tree, op.key), value),
                    None => model.remove(&(op.tree, op.key)),
                };
            }
            if round % 4 == 3 {
                drop(db);
                db = open(&folder);
            }
            let all = ["t0", "t1"].into_iter().flat_map(|tree| {
                db.scan(tree).expect("reads").into_iter().map(move |(key, value)| ((tree.to_owned(), key), value))
            });
            prop_assert!(all.eq(model.clone()));
        }
    }
}
