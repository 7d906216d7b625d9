//! Watches: who hears of what.

use clusreg::watch::{ATTRIBUTES, NAME, SUBTREE, VALUE};
use clusreg::{Batch, Change, FileTime, Hive, WatchId, Watches, limits};

/// The changes of one batch that creates, sets and deletes on three levels.
fn changes() -> Vec<Change> {
    let mut hive = Hive::new();
    let value = clusreg::Value::none;
    let batch = Batch::at("")
        .create_key("Groups")
        .set_value("top", value())
        .create_key("Groups\\G1")
        .set_value("Name", value())
        .delete_value("Name")
        .create_key("Groups\\G1\\P")
        .set_value("x", value())
        .delete_tree("Groups\\G1");
    hive.apply(&batch, FileTime(1)).expect("good")
}

#[track_caller]
fn check(path: &str, subtree: bool, filter: u32, expected: &[(u32, &str)]) {
    let mut watches = Watches::new();
    let id = watches.register(path, subtree, filter).expect("a good watch");
    let expected: Vec<_> = expected.iter().map(|(bit, path)| (id, *bit, path.to_string())).collect();
    assert_eq!(watches.matching(&changes()), expected, "{path} {subtree} {filter:#x}");
}

#[test]
fn a_watch_without_subtree_hears_of_its_key_and_its_direct_subkeys() {
    check("Groups", false, NAME, &[(NAME, ""), (NAME, "G1"), (NAME, "G1")]);
    check("groups", false, VALUE, &[(VALUE, "")]);
    check("Groups", false, NAME | VALUE, &[(NAME, ""), (VALUE, ""), (NAME, "G1"), (NAME, "G1")]);
    check("Groups\\G1", false, VALUE, &[(VALUE, ""), (VALUE, "")]);
    check("Groups\\g1", false, NAME, &[(NAME, ""), (NAME, "P"), (NAME, "P"), (NAME, "")]);
    check("Groups\\G1\\P", false, NAME | VALUE, &[(NAME, ""), (VALUE, ""), (NAME, "")]);
    check("", false, NAME | VALUE, &[(NAME, "Groups")]);
    check("Groups\\G", true, NAME | VALUE, &[]);
    check("Group", true, NAME | VALUE, &[]);
    check("Groups", true, ATTRIBUTES, &[]);
}

#[test]
fn a_watch_with_subtree_hears_of_everything_below() {
    let values = [(VALUE, ""), (VALUE, "G1"), (VALUE, "G1"), (VALUE, "G1\\P")];
    check("Groups", true, VALUE, &values);
    check("Groups", false, VALUE | SUBTREE, &values);
    let names = [(NAME, ""), (NAME, "G1"), (NAME, "G1\\P"), (NAME, "G1\\P"), (NAME, "G1")];
    check("Groups", true, NAME | ATTRIBUTES, &names);
    check(
        "",
        true,
        NAME,
        &[
            (NAME, "Groups"),
            (NAME, "Groups\\G1"),
            (NAME, "Groups\\G1\\P"),
            (NAME, "Groups\\G1\\P"),
            (NAME, "Groups\\G1"),
        ],
    );
    check(
        "Groups\\G1",
        false,
        SUBTREE,
        &[(SUBTREE, ""), (SUBTREE, ""), (SUBTREE, ""), (SUBTREE, "P"), (SUBTREE, "P"), (SUBTREE, "P"), (SUBTREE, "")],
    );
}

#[test]
fn a_watch_survives_its_key_and_ends_when_unregistered() {
    let mut hive = Hive::new();
    let mut watches = Watches::new();
    let id = watches.register("k", false, NAME).expect("good");
    let other = watches.register("k", false, NAME).expect("good");
    let mut bits =
        |batch: Batch, watches: &Watches| watches.matching(&hive.apply(&batch, FileTime(1)).expect("good")).len();
    assert_eq!(bits(Batch::at("").create_key("k"), &watches), 2);
    assert_eq!(bits(Batch::at("").delete_key("k"), &watches), 2);
    assert!(watches.unregister(other));
    assert!(!watches.unregister(other));
    assert_eq!(bits(Batch::at("").create_key("K"), &watches), 1);
    assert!(watches.unregister(id));
    assert!(watches.is_empty());
    let again = watches.register("k", false, NAME).expect("good");
    assert_eq!((again, watches.len()), (WatchId(2), 1));
}

#[test]
fn bad_watches_are_refused() {
    let mut watches = Watches::new();
    for (path, filter, code) in [("\\k", NAME, 161), ("k\\", NAME, 123), ("k", 0, 87), ("k", 0x100, 87)] {
        assert_eq!(watches.register(path, false, filter).map_err(|error| error.win32()), Err(code));
    }
    for _ in 0..limits::WATCHES {
        watches.register("", true, VALUE).expect("still room");
    }
    assert_eq!(watches.register("", true, VALUE).map_err(|error| error.win32()), Err(8));
}
