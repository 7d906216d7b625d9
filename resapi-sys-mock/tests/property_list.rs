//! The binary property list: the worked example of the reference byte for byte, round trips, and bytes from anybody.

use proptest::prelude::*;
use resapi_sys_mock::property_list::{self, Format, ListError, Value, syntax};

/// Reference 04.2, "Worked example, 100 bytes".
#[test]
fn worked_example_of_the_reference() {
    let mut expected = Vec::new();
    let mut hex = |text: &str| {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        expected
            .extend(digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()));
    };
    hex("02000000 03000400 12000000");
    hex("5000 7200 6900 6f00 7200 6900 7400 7900 0000 0000");
    hex("02000100 04000000 b80b0000 00000000");
    hex("03000400 18000000");
    hex("4400 6500 7300 6300 7200 6900 7000 7400 6900 6f00 6e00 0000");
    hex("03000100 06000000 61006200 0000 0000 00000000");
    assert_eq!(expected.len(), 100);

    let built = property_list::build([("Priority", Value::Dword(3000)), ("Description", Value::Sz("ab".into()))]);
    assert_eq!(built, expected);

    let list = property_list::parse(&expected).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].name.as_str(), list[0].value()), ("Priority", Ok(Value::Dword(3000))));
    assert_eq!((list[1].name.as_str(), list[1].value()), ("Description", Ok(Value::Sz("ab".into()))));
    assert_eq!((list[0].first().offset, list[1].first().offset), (32, 80));
    assert!(property_list::find(&list, "pRIORITY").is_some());
    assert!(property_list::find(&list, "Name").is_none());
}

#[test]
fn every_format_keeps_its_value() {
    fn check(value: Value, syntax: u32, length: usize) {
        assert_eq!(value.syntax(), syntax, "{value:?}");
        assert_eq!(value.bytes().len(), length, "{value:?}");
        let bytes = property_list::build([("P", value.clone())]);
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(property_list::parse(&bytes).unwrap()[0].value(), Ok(value));
    }
    check(Value::Binary(vec![1, 2, 3]), 0x0001_0001, 3);
    check(Value::Dword(u32::MAX), 0x0001_0002, 4);
    check(Value::Sz("größer".into()), 0x0001_0003, 14);
    check(Value::Sz(String::new()), 0x0001_0003, 2);
    check(Value::ExpandSz("%TEMP%".into()), 0x0001_0004, 14);
    check(Value::MultiSz(vec!["a".into(), "bc".into()]), 0x0001_0005, 12);
    check(Value::MultiSz(Vec::new()), 0x0001_0005, 2);
    check(Value::ULargeInteger(u64::MAX), 0x0001_0006, 8);
    check(Value::Long(-1), 0x0001_0007, 4);
    check(Value::ExpandedSz("x".into()), 0x0001_0008, 4);
    check(Value::SecurityDescriptor(vec![1; 20]), 0x0001_0009, 20);
    check(Value::LargeInteger(-2), 0x0001_000A, 8);
    check(Value::Word(7), 0x0001_000B, 2);
    check(Value::FileTime(1), 0x0001_000C, 8);
    check(Value::Other { syntax: syntax::DISK_GUID, data: vec![9; 5] }, 0x000B_0003, 5);
}

#[test]
fn format_list_is_a_word_per_name() {
    let bytes = property_list::build_formats([("Port", Format::Dword), ("Path", Format::Sz)]);
    let list = property_list::parse(&bytes).unwrap();
    assert_eq!(list[0].value(), Ok(Value::Word(2)));
    assert_eq!(list[1].value(), Ok(Value::Word(3)));
    assert_eq!(list[0].first().data.len(), 2);
}

#[test]
fn several_values_per_name_and_value_lists() {
    let values = vec![Value::Dword(1), Value::Sz("b".into())];
    let bytes = property_list::build_lists([("P", values.clone())]);
    let list = property_list::parse(&bytes).unwrap();
    assert_eq!(list[0].values.iter().map(|entry| entry.value().unwrap()).collect::<Vec<_>>(), values);
    let bytes = property_list::build_values(&values);
    assert_eq!(property_list::parse_values(&bytes).unwrap().len(), 2);
    assert_eq!(property_list::parse_values(&[0, 0, 0, 0]).unwrap(), []);
}

#[test]
fn malformed_lists_are_refused_with_the_place() {
    fn check(bytes: &[u8], offset: usize, problem: &'static str) {
        let error = property_list::parse(bytes).unwrap_err();
        assert_eq!(error, ListError { offset, problem });
        assert_eq!(error.win32(), 13);
    }
    let good = property_list::build([("Priority", Value::Dword(3000))]);
    check(&[], 0, "the count is missing");
    check(&[1, 0, 0], 0, "the count is missing");
    check(&[1, 0, 0, 0], 4, "a name is missing");
    check(&[255; 4], 4, "a name is missing");
    check(&good[..10], 8, "a length is missing");
    check(&good[..20], 12, "a value is longer than the list");
    check(&good[..good.len() - 1], 44, "the end mark is missing");
    check(&good[..32], 32, "the end mark is missing");
    let mut odd = good.clone();
    odd[8] = 17;
    check(&odd, 4, "a name has half a character");
    let mut not_a_name = good.clone();
    not_a_name[4] = 2;
    check(&not_a_name, 4, "a name was expected");
    let no_value = property_list::build_lists([("P", Vec::new())]);
    check(&no_value, no_value.len(), "a property has no value");
    let mut endless = good.clone();
    endless[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&endless, 12, "a value is longer than the list");
    let short_number =
        property_list::build([("P", Value::Other { syntax: Format::Dword.list_value(), data: vec![1] })]);
    assert_eq!(property_list::parse(&short_number).unwrap()[0].value().unwrap_err().win32(), 13);
}

#[test]
fn registry_form_and_back() {
    fn check(value: Value, kind: u32) {
        let (stored_kind, data) = value.registry();
        assert_eq!(stored_kind, kind);
        assert_eq!(Value::from_registry(stored_kind, &data), Some(value));
    }
    check(Value::Sz("a".into()), 1);
    check(Value::ExpandSz("%A%".into()), 2);
    check(Value::Binary(vec![1]), 3);
    check(Value::Dword(5), 4);
    check(Value::MultiSz(vec!["a".into()]), 7);
    check(Value::ULargeInteger(9), 11);
    assert_eq!(Value::from_registry(4, &[1]), None);
    assert_eq!(Value::Word(3).registry(), (4, vec![3, 0, 0, 0]));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u32>().prop_map(Value::Dword),
        any::<i64>().prop_map(Value::LargeInteger),
        any::<u16>().prop_map(Value::Word),
        "[^\0]{0,20}".prop_map(Value::Sz),
        prop::collection::vec("[^\0]{1,8}", 0..4).prop_map(Value::MultiSz),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Binary),
    ]
}

proptest! {
    #[test]
    fn any_list_round_trips(list in prop::collection::vec(("[^\0]{1,12}", prop::collection::vec(any_value(), 1..3)), 0..5)) {
        let bytes = property_list::build_lists(list.clone());
        let read: Vec<_> = property_list::parse(&bytes).unwrap().into_iter()
            .map(|p| (p.name.clone(), p.values.iter().map(|entry| entry.value().unwrap()).collect::<Vec<_>>()))
            .collect();
        prop_assert_eq!(read, list);
    }

    #[test]
    fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(3), Just(4), any::<u8>()], 0..200)) {
        if let Ok(list) = property_list::parse(&bytes) {
            for property in &list {
                prop_assert!(!property.name.is_empty());
                for entry in &property.values {
                    let _ = entry.value();
                }
            }
        }
        let _ = property_list::parse_values(&bytes);
    }

    #[test]
    fn damage_never_panics(at in 0usize..100, with in any::<u8>(), cut in 0usize..101) {
        let mut bytes = property_list::build([("Priority", Value::Dword(3000)), ("Description", Value::Sz("ab".into()))]);
        bytes[at] = with;
        bytes.truncate(cut);
        if let Ok(list) = property_list::parse(&bytes) {
            prop_assert!(list.iter().all(|property| !property.values.is_empty()));
        }
    }
}
