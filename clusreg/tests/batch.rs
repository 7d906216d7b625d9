//! Batches: every command and condition of reference 06.4, and what is left behind when one fails.

use clusreg::{Batch, BatchError, Change, ChangeKind, Command, Error, FileTime, Hive, Value};

const BEFORE: FileTime = FileTime(100);
const NOW: FileTime = FileTime(200);

/// Groups\G1 {Name=SQL, Count=5, Big=5 (qword), ""=default}, Groups\G1\Parameters, Groups\G2, Empty.
fn sample() -> Hive {
    let mut hive = Hive::new();
    let batch = Batch::at("")
        .create_key("Groups\\G1\\Parameters")
        .create_key("Groups\\G1")
        .set_value("Name", Value::sz("SQL"))
        .set_value("Count", Value::dword(5))
        .set_value("Big", Value::qword(5))
        .set_value("", Value::sz("default"))
        .create_key("Groups\\G2")
        .create_key("Empty");
    hive.apply(&batch, BEFORE).expect("the sample is a good batch");
    hive
}

fn show(changes: &[Change]) -> Vec<String> {
    let show = |change: &Change| match &change.kind {
        ChangeKind::KeyCreated => format!("+{}", change.path),
        ChangeKind::KeyDeleted => format!("-{}", change.path),
        ChangeKind::ValueSet { name } => format!("+{}:{name}", change.path),
        ChangeKind::ValueDeleted { name } => format!("-{}:{name}", change.path),
    };
    changes.iter().map(show).collect()
}

#[track_caller]
fn check(batch: Batch, expected: &[&str]) -> Hive {
    let mut hive = sample();
    let changes = hive.apply(&batch, NOW).unwrap_or_else(|error| panic!("{batch:?}: {error}"));
    assert_eq!(show(&changes), expected, "{batch:?}");
    hive
}

#[track_caller]
fn refused(batch: Batch, index: Option<usize>, code: u32) -> Error {
    let mut hive = sample();
    let BatchError { index: at, error } = hive.apply(&batch, NOW).expect_err("must be refused");
    assert_eq!((at, error.win32()), (index, code), "{batch:?}: {error}");
    assert_eq!(hive, sample(), "{batch:?} left something behind");
    error
}

#[test]
fn commands_have_the_documented_numbers() {
    let text = String::new;
    let value = || Value::dword(1);
    for (command, number) in [
        (Command::SetValue { name: text(), value: value() }, 1),
        (Command::CreateKey { path: text() }, 2),
        (Command::DeleteKey { path: text() }, 3),
        (Command::DeleteTree { path: text() }, 3),
        (Command::DeleteValue { name: text() }, 4),
        (Command::ValueExists { name: text() }, 11),
        (Command::ValueNotExists { name: text() }, 12),
        (Command::ValueEqual { name: text(), value: value() }, 13),
        (Command::ValueNotEqual { name: text(), value: value() }, 14),
        (Command::ValueGreater { name: text(), value: value() }, 15),
        (Command::ValueLess { name: text(), value: value() }, 16),
        (Command::KeyExists { path: text() }, 17),
        (Command::KeyNotExists { path: text() }, 18),
    ] {
        assert_eq!(command.number(), number, "{command:?}");
    }
}

#[test]
fn create_key_creates_all_levels_or_opens() {
    check(Batch::at(""), &[]);
    check(Batch::at("").create_key("New\\a\\b"), &["+New", "+New\\a", "+New\\a\\b"]);
    check(Batch::at("Groups").create_key("G3"), &["+Groups\\G3"]);
    check(Batch::at("").create_key("GROUPS\\g1"), &[]);
    let hive = check(Batch::at("gROUPS").create_key("g1\\New"), &["+Groups\\G1\\New"]);
    assert_eq!(hive.key("groups\\G1\\NEW").expect("created").path(), "Groups\\G1\\New");
}

#[test]
fn value_commands_act_on_the_current_key() {
    let set = |batch: Batch| batch.set_value("X", Value::dword(1));
    check(set(Batch::at("Groups\\G1")), &["+Groups\\G1:X"]);
    check(set(Batch::at("")), &["+:X"]);
    check(set(Batch::at("Groups").create_key("G2")), &["+Groups\\G2:X"]);
    check(set(set(Batch::at("Groups")).create_key("G2")), &["+Groups:X", "+Groups\\G2:X"]);
    check(set(Batch::at("Groups").create_key("G2").create_key("")), &["+Groups:X"]);
    check(
        set(Batch::at("Groups").create_key("G2").delete_tree("G1").create_key("G2")),
        &["-Groups\\G1\\Parameters", "-Groups\\G1", "+Groups\\G2:X"],
    );
}

#[test]
fn values_keep_the_case_they_were_created_with() {
    let hive = check(Batch::at("Groups\\G1").set_value("NAME", Value::sz("new")), &["+Groups\\G1:Name"]);
    assert_eq!(hive.sz("groups\\g1", "nAmE").as_deref(), Some("new"));
    assert_eq!(hive.key("Groups\\G1").expect("there").values().count(), 4);
    check(
        Batch::at("Groups\\G1").delete_value("nAME").set_value("NAME", Value::none()),
        &["-Groups\\G1:Name", "+Groups\\G1:NAME"],
    );
}

#[test]
fn delete_value_does_not_mind_a_missing_one() {
    let hive =
        check(Batch::at("Groups\\G1").delete_value("Count").delete_value(""), &["-Groups\\G1:Count", "-Groups\\G1:"]);
    assert_eq!(hive.dword("Groups\\G1", "Count"), None);
    check(Batch::at("Groups\\G1").delete_value("Nothing"), &[]);
}

#[test]
fn delete_key_wants_a_key_without_subkeys() {
    check(Batch::at("").delete_key("Empty"), &["-Empty"]);
    check(Batch::at("Groups\\G1").delete_key("parameters"), &["-Groups\\G1\\Parameters"]);
    refused(Batch::at("").delete_key("Nothing"), Some(0), 2);
    let error = refused(Batch::at("").delete_key("Groups"), Some(0), 5);
    assert_eq!(error, Error::KeyHasSubkeys { path: "Groups".to_owned(), subkeys: 2 });
    refused(Batch::at("").delete_key(""), Some(0), 87);
    refused(Batch::at("Groups\\G2").delete_key(""), Some(0), 87);
}

#[test]
fn delete_tree_deletes_children_first_and_does_not_mind_a_missing_key() {
    let hive = check(
        Batch::at("").delete_tree("groups"),
        &["-Groups\\G1\\Parameters", "-Groups\\G1", "-Groups\\G2", "-Groups"],
    );
    assert!(hive.key("Groups").is_none());
    check(Batch::at("").delete_tree("Nothing\\at\\all"), &[]);
    refused(Batch::at("").delete_tree(""), Some(0), 87);
}

#[test]
fn no_value_command_between_delete_and_create() {
    let value = || Value::dword(1);
    for deleted in
        [Batch::at("").delete_key("Empty"), Batch::at("").delete_tree("Empty"), Batch::at("").delete_tree("Nothing")]
    {
        refused(deleted.clone().set_value("X", value()), Some(1), 87);
        refused(deleted.clone().delete_value("X"), Some(1), 87);
        refused(deleted.clone().value_exists("X"), Some(1), 87);
        refused(deleted.clone().value_not_exists("X"), Some(1), 87);
        refused(deleted.clone().value_not_equal("X", value()), Some(1), 87);
        let mut hive = sample();
        let goes_on = deleted.key_exists("Groups").create_key("Groups").set_value("X", value());
        assert_eq!(hive.apply(&goes_on, NOW).map(|_| ()), Ok(()));
    }
}

#[test]
fn conditions_hold_or_abort_with_5986() {
    let at = || Batch::at("Groups\\G1");
    let number = Value::dword;
    for (batch, holds) in [
        (at().key_exists("Parameters"), true),
        (at().key_exists(""), true),
        (at().key_exists("Nothing"), false),
        (at().key_not_exists("Nothing"), true),
        (at().key_not_exists("PARAMETERS"), false),
        (at().value_exists("name"), true),
        (at().value_exists(""), true),
        (at().value_exists("Nothing"), false),
        (at().value_not_exists("Nothing"), true),
        (at().value_not_exists("Name"), false),
        (at().value_equal("Count", number(5)), true),
        (at().value_equal("Count", number(6)), false),
        (at().value_equal("Count", Value::qword(5)), false),
        (at().value_equal("Nothing", number(5)), false),
        (at().value_equal("Name", Value::sz("SQL")), true),
        (at().value_equal("Name", Value::sz("sql")), false),
        (at().value_equal("Name", Value::expand_sz("SQL")), false),
        (at().value_not_equal("Count", number(6)), true),
        (at().value_not_equal("Count", number(5)), false),
        (at().value_not_equal("Count", Value::qword(5)), true),
        (at().value_not_equal("Nothing", number(5)), true),
        (at().value_greater("Count", number(4)), true),
        (at().value_greater("Count", number(5)), false),
        (at().value_greater("Count", number(256)), false),
        (at().value_greater("Count", Value::qword(4)), false),
        (at().value_greater("Nothing", number(4)), false),
        (at().value_less("Count", number(6)), true),
        (at().value_less("Count", number(256)), true),
        (at().value_less("Count", number(5)), false),
        (at().value_less("Nothing", number(6)), false),
        (at().value_greater("Big", Value::qword(4)), true),
        (at().value_less("Big", Value::qword(1 << 40)), true),
        (at().value_greater("Name", Value::sz("SQK")), true),
        (at().value_less("Name", Value::sz("SQLX")), true),
        (at().value_less("Name", Value::sz("SQL")), false),
    ] {
        if holds {
            check(batch, &[]);
        } else {
            refused(batch, Some(0), 5986);
        }
    }
}

#[test]
fn conditions_are_tested_in_order_with_the_commands() {
    let count = |number| Value::dword(number);
    check(
        Batch::at("").create_key("New").key_exists("New").set_value("A", count(1)).value_equal("A", count(1)),
        &["+New", "+New:A"],
    );
    refused(Batch::at("").key_exists("Groups").create_key("New").key_not_exists("new"), Some(2), 5986);
    refused(Batch::at("Groups\\G1").delete_value("Count").value_exists("Count"), Some(1), 5986);
    let error = refused(Batch::at("Groups").create_key("G1").value_less("Count", count(1)), Some(1), 5986);
    assert_eq!(
        error.to_string(),
        "the value \"Count\" of \"Groups\\G1\" was expected to be less than the given one; \
         read the registry again and retry"
    );
}

#[test]
fn a_batch_fails_before_its_first_command() {
    refused(Batch::at("Nothing").create_key("x"), None, 2);
    refused(Batch::at("\\Groups"), None, 161);
    refused(Batch::at("Groups\\"), None, 123);
    let mut hive = sample();
    let error = hive.apply(&Batch::at("Nothing"), NOW).expect_err("no base");
    assert_eq!(error.failed_command(), -1);
    assert_eq!(hive.apply(&Batch::at("").key_exists("x"), NOW).expect_err("no x").failed_command(), 0);
}

#[test]
fn bad_names_are_refused_at_their_command() {
    for (path, code) in [("\\x", 161), ("x\\", 123), ("x\\\\y", 123), ("a\0", 123)] {
        let start = || Batch::at("Groups").create_key("ok");
        refused(start().create_key(path), Some(1), code);
        refused(start().delete_key(path), Some(1), code);
        refused(start().delete_tree(path), Some(1), code);
        refused(start().key_exists(path), Some(1), code);
        refused(start().key_not_exists(path), Some(1), code);
    }
    let start = || Batch::at("Groups");
    refused(start().set_value("a\nb", Value::none()), Some(0), 123);
    refused(start().delete_value("a\0b"), Some(0), 123);
    refused(start().value_exists("a\0b"), Some(0), 123);
}

#[test]
fn times_are_those_of_the_last_change_of_a_key_or_of_its_list_of_subkeys() {
    let time = |hive: &Hive, path: &str| hive.key(path).expect("there").last_write();
    let hive = check(Batch::at("Groups\\G1").set_value("X", Value::none()), &["+Groups\\G1:X"]);
    assert_eq!(time(&hive, "Groups\\G1"), NOW);
    assert_eq!(time(&hive, "Groups"), BEFORE);
    let hive = check(Batch::at("Groups").create_key("G3"), &["+Groups\\G3"]);
    assert_eq!((time(&hive, "Groups"), time(&hive, "Groups\\G3"), time(&hive, "")), (NOW, NOW, BEFORE));
    let hive = check(Batch::at("Groups").delete_key("G2"), &["-Groups\\G2"]);
    assert_eq!((time(&hive, "Groups"), time(&hive, "Groups\\G1")), (NOW, BEFORE));
    let hive = check(Batch::at("Groups").create_key("G1").delete_value("Nothing"), &[]);
    assert_eq!((time(&hive, "Groups"), time(&hive, "Groups\\G1")), (BEFORE, BEFORE));
}
