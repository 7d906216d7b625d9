//! The hive as data: reading it, its limits, its serde form, what differs between two, and what always holds.

mod common;

use clusreg::{Batch, Difference, FileTime, Hive, KeyInfo, Value, fold, limits};
use proptest::prelude::*;

const NOW: FileTime = FileTime(7);

fn hive_of(batch: Batch) -> Hive {
    let mut hive = Hive::new();
    hive.apply(&batch, NOW).expect("a good batch");
    hive
}

#[test]
fn reads_by_path_in_any_case() {
    let hive = hive_of(
        Batch::at("")
            .create_key("Resources\\{1}\\Parameters")
            .set_value("CommandLine", Value::sz("ping"))
            .set_value("Ports", Value::multi_sz(["80", "443"]))
            .create_key("Resources\\{1}")
            .set_value("Flags", Value::dword(7)),
    );
    assert_eq!(hive.sz("resources\\{1}\\PARAMETERS", "commandline").as_deref(), Some("ping"));
    assert_eq!(hive.multi_sz("Resources\\{1}\\Parameters", "Ports"), Some(vec!["80".to_owned(), "443".to_owned()]));
    assert_eq!(hive.dword("Resources\\{1}", "FLAGS"), Some(7));
    assert_eq!(hive.dword("Resources\\{1}", "Missing"), None);
    assert_eq!(hive.sz("Resources\\{1}", "Flags"), None);
    let key = hive.key("RESOURCES").and_then(|key| key.key("{1}")).expect("there");
    assert_eq!((key.name(), key.path().as_str(), key.last_write()), ("{1}", "Resources\\{1}", NOW));
    assert_eq!(key.value("flags"), Some(&Value::dword(7)));
    assert_eq!(key.key("").map(|key| key.path()), Some("Resources\\{1}".to_owned()));
    assert_eq!(key.subkeys().map(|key| key.path()).collect::<Vec<_>>(), ["Resources\\{1}\\Parameters"]);
    let values =
        hive.key("Resources\\{1}\\Parameters").expect("there").values().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(values, ["CommandLine", "Ports"]);
    for path in ["\\Resources", "Resources\\", "Nothing", "Resources\\\\{1}", "Resources\\{1}\\x"] {
        assert!(hive.key(path).is_none(), "{path}");
        assert!(hive.value(path, "Flags").is_none(), "{path}");
    }
}

#[test]
fn figures_of_a_key_are_those_of_query_info() {
    let hive = hive_of(
        Batch::at("")
            .create_key("k\\long name")
            .create_key("k\\é")
            .create_key("k")
            .set_value("", Value::none())
            .set_value("größe", Value::binary(vec![1; 300]))
            .set_value("x", Value::dword(1)),
    );
    let expected = KeyInfo {
        subkeys: 2,
        max_subkey_chars: 9,
        values: 3,
        max_value_name_chars: 5,
        max_value_bytes: 300,
        last_write: NOW,
    };
    assert_eq!(hive.key("k").map(|key| key.info()), Some(expected));
    let empty = KeyInfo { last_write: NOW, ..KeyInfo::default() };
    assert_eq!(hive.key("k\\é").map(|key| key.info()), Some(empty));
}

#[track_caller]
fn refused(hive: &Hive, batch: &Batch, index: Option<usize>, code: u32) {
    let mut changed = hive.clone();
    let error = changed.apply(batch, NOW).expect_err("beyond a limit");
    assert_eq!((error.index, error.error.win32()), (index, code), "{error}");
    assert_eq!(&changed, hive);
}

#[test]
fn limits_hold() {
    let empty = Hive::new();
    let good = |batch: &Batch| assert_eq!(Hive::new().apply(batch, NOW).map(|_| ()), Ok(()));
    let name = |chars| "k".repeat(chars);
    good(&Batch::at("").create_key(name(limits::KEY_NAME_CHARS)));
    refused(&empty, &Batch::at("").create_key(name(limits::KEY_NAME_CHARS + 1)), Some(0), 87);
    good(&Batch::at("").set_value(name(limits::VALUE_NAME_CHARS), Value::none()));
    refused(&empty, &Batch::at("").set_value(name(limits::VALUE_NAME_CHARS + 1), Value::none()), Some(0), 87);
    let deep = vec!["d"; limits::KEY_DEPTH].join("\\");
    good(&Batch::at("").create_key(&deep));
    refused(&empty, &Batch::at("").create_key(format!("{deep}\\d")), Some(0), 87);
    refused(&hive_of(Batch::at("").create_key(&deep)), &Batch::at(&deep).create_key("d"), Some(0), 87);
    let long = ["p".repeat(200).as_str(); 4].join("\\");
    refused(&hive_of(Batch::at("").create_key(&long)), &Batch::at(&long).create_key(name(97)), Some(0), 87);
    good(&Batch::at("").set_value("v", Value::binary(vec![0; limits::VALUE_BYTES])));
    refused(&empty, &Batch::at("").set_value("v", Value::binary(vec![0; limits::VALUE_BYTES + 1])), Some(0), 87);
    let mut many = Batch::at("");
    many.commands = vec![clusreg::Command::DeleteValue { name: String::new() }; limits::BATCH_COMMANDS];
    good(&many);
    refused(&empty, &many.delete_value(""), None, 87);
    let mut large = Batch::at("");
    for _ in 0..=limits::BATCH_BYTES / limits::VALUE_BYTES {
        large = large.value_not_equal("v", Value::binary(vec![0; limits::VALUE_BYTES]));
    }
    refused(&empty, &large, None, 87);
}

#[test]
fn a_full_hive_takes_nothing_more_but_gives_room_back() {
    let mut full = Hive::new();
    let big = || Value::binary(vec![0; limits::VALUE_BYTES]);
    let name = |number: usize| format!("v{number}");
    let mut count = 0;
    while full.apply(&Batch::at("").set_value(name(count), big()), NOW).is_ok() {
        count += 1;
    }
    assert_eq!(count, limits::HIVE_BYTES / limits::VALUE_BYTES - 1);
    let before = full.bytes();
    refused(&full, &Batch::at("").create_key("fits").set_value(name(count), big()), Some(1), 8);
    assert_eq!(full.bytes(), before);
    full.apply(&Batch::at("").set_value(name(0), big()), NOW).expect("no larger than before");
    full.apply(&Batch::at("").delete_value(name(0)).set_value(name(count), big()), NOW).expect("there is room again");
}

#[test]
fn serde_form_is_compact_and_checked() {
    let hive = hive_of(Batch::at("").create_key("A\\B").set_value("v", Value::binary(vec![9; 3])).create_key("C"));
    let bytes = postcard::to_stdvec(&hive).expect("writes");
    // Root, A, B with one value, C: depth, name, time, values.
    assert_eq!(bytes, [4, 0, 0, 7, 0, 1, 1, b'A', 7, 0, 2, 1, b'B', 7, 1, 1, b'v', 3, 3, 9, 9, 9, 1, 1, b'C', 7, 0]);
    assert_eq!(postcard::from_bytes::<Hive>(&bytes), Ok(hive));
}

/// A hive written by hand as (depth, name, values).
fn read_by_hand(keys: &[(u32, &str, &[&str])]) -> Result<Hive, postcard::Error> {
    let values = |names: &[&str]| names.iter().map(|name| (name.to_string(), Value::none())).collect::<Vec<_>>();
    let list: Vec<_> = keys.iter().map(|(depth, name, names)| (*depth, *name, 0u64, values(names))).collect();
    postcard::from_bytes(&postcard::to_stdvec(&list).expect("writes"))
}

#[test]
fn serde_form_with_nonsense_is_refused() {
    assert!(read_by_hand(&[(0, "", &["a", "b"]), (1, "k", &[]), (2, "l", &[]), (1, "m", &[])]).is_ok());
    assert_eq!(read_by_hand(&[]), Ok(Hive::new()));
    for bad in [
        &[(0, "named", &[][..])][..],
        &[(1, "k", &[])],
        &[(0, "", &[]), (0, "", &[])],
        &[(0, "", &[]), (2, "deep", &[])],
        &[(0, "", &[]), (1, "k", &[]), (1, "K", &[])],
        &[(0, "", &["v", "V"])],
        &[(0, "", &["v\0"])],
        &[(0, "", &[]), (1, "a\\b", &[])],
        &[(0, "", &[]), (1, "", &[])],
        &[(0, "", &[]), (u32::MAX, "k", &[])],
    ] {
        assert!(read_by_hand(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn differences_are_listed_by_key() {
    let old = hive_of(Batch::at("").create_key("A\\B\\C").create_key("D").set_value("v", Value::none()));
    let mut new = old.clone();
    let batch = Batch::at("").delete_tree("a\\b").create_key("E\\F").create_key("d").set_value("v", Value::dword(1));
    new.apply(&batch, FileTime(8)).expect("good");
    let put = |path: &str| Difference::Put { path: path.to_owned() };
    let removed = |path: &str| Difference::Removed { path: path.to_owned() };
    let expected = [put(""), put("A"), removed("A\\B"), removed("A\\B\\C"), put("D"), put("E"), put("E\\F")];
    assert_eq!(old.diff(&new), expected);
    assert_eq!(old.diff(&old.clone()), []);
    let twin = hive_of(Batch::at("").create_key("A\\B\\C").create_key("D").set_value("v", Value::none()));
    assert_eq!(old.diff(&twin), []);
}

proptest! {
    #[test]
    fn a_refused_batch_changes_nothing_and_an_accepted_one_reports_its_changes(hive in common::hive(), batch in common::batch()) {
        let mut changed = hive.clone();
        let bytes = hive.bytes();
        match changed.apply(&batch, FileTime(1000)) {
            Err(error) => {
                prop_assert_eq!(&changed, &hive);
                prop_assert_eq!(changed.bytes(), bytes);
                prop_assert!(error.index.is_none_or(|index| index < batch.commands.len()));
            }
            Ok(changes) => {
                // Whatever differs lies at a key that was reported, or is the parent of one.
                let reported: Vec<String> = changes.iter().map(|change| fold(&change.path)).collect();
                for difference in hive.diff(&changed) {
                    let (Difference::Put { path } | Difference::Removed { path }) = difference;
                    let folded = fold(&path);
                    let child_of = |key: &String| key.rsplit_once('\\').map_or("", |(parent, _)| parent) == folded;
                    prop_assert!(reported.iter().any(|key| *key == folded || child_of(key)), "{} unreported", path);
                }
                if changes.is_empty() {
                    prop_assert_eq!(&changed, &hive);
                }
            }
        }
    }

    #[test]
    fn serde_gives_the_same_hive_back(hive in common::hive()) {
        let bytes = postcard::to_stdvec(&hive).expect("writes");
        let read: Hive = postcard::from_bytes(&bytes).expect("reads its own form");
        prop_assert_eq!(read.bytes(), hive.bytes());
        prop_assert_eq!(postcard::to_stdvec(&read).expect("writes"), bytes);
        prop_assert_eq!(read, hive);
    }

    #[test]
    fn damaged_serde_forms_never_panic(hive in common::hive(), at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<prop::sample::Index>()) {
        let mut bytes = postcard::to_stdvec(&hive).expect("writes");
        let index = at.index(bytes.len());
        bytes[index] ^= flip;
        let _ = postcard::from_bytes::<Hive>(&bytes);
        let _ = postcard::from_bytes::<Hive>(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn replicas_agree(batches in prop::collection::vec(common::batch(), 0..8)) {
        let (mut one, mut two) = (Hive::new(), Hive::new());
        for (index, batch) in batches.iter().enumerate() {
            let at = FileTime(index as u64);
            // The second replica is restored from a snapshot before each batch.
            two = postcard::from_bytes(&postcard::to_stdvec(&two).expect("writes")).expect("reads");
            prop_assert_eq!(one.apply(batch, at), two.apply(batch, at));
            prop_assert_eq!(&one, &two);
        }
    }
}
