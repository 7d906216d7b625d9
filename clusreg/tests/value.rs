//! Values: the bytes of each type, readers that take what programs really write, and the text form.

use clusreg::{Error, Value, ValueType};
use proptest::prelude::*;

#[test]
fn bytes_are_those_of_windows() {
    for (value, kind, bytes) in [
        (Value::none(), 0, &[][..]),
        (Value::sz("aé"), 1, &[b'a', 0, 0xE9, 0, 0, 0]),
        (Value::sz(""), 1, &[0, 0]),
        (Value::expand_sz("%x"), 2, &[b'%', 0, b'x', 0, 0, 0]),
        (Value::binary([1, 2]), 3, &[1, 2]),
        (Value::dword(0x0102_0304), 4, &[4, 3, 2, 1]),
        (Value::multi_sz(["a", "", "b"]), 7, &[b'a', 0, 0, 0, b'b', 0, 0, 0, 0, 0]),
        (Value::multi_sz([""; 0]), 7, &[0, 0]),
        (Value::qword(1), 11, &[1, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(value, Value { kind: ValueType(kind), data: bytes.to_vec() });
        assert_eq!(value.as_bytes(), bytes);
    }
}

fn raw(kind: u32, data: &[u8]) -> Value {
    Value { kind: ValueType(kind), data: data.to_vec() }
}

#[test]
fn readers_take_what_programs_write() {
    for (value, text) in [
        (raw(1, &[b'a', 0]), Some("a")),
        (raw(1, &[b'a', 0, 0, 0, b'b', 0]), Some("a")),
        (raw(1, &[]), Some("")),
        (raw(2, &[b'a', 0, b'b']), Some("a")),
        (raw(6, &[b'l', 0, 0, 0]), Some("l")),
        (raw(1, &[0x00, 0xD8]), Some("\u{FFFD}")),
        (raw(3, &[b'a', 0]), None),
        (raw(7, &[b'a', 0, 0, 0, 0, 0]), None),
    ] {
        assert_eq!(value.as_sz().as_deref(), text, "{value:?}");
    }
    for (value, items) in [
        (raw(7, &[b'a', 0, 0, 0, b'b', 0]), Some(vec!["a", "b"])),
        (raw(7, &[b'a', 0, 0, 0, 0, 0, b'c', 0, 0, 0]), Some(vec!["a"])),
        (raw(7, &[]), Some(vec![])),
        (raw(7, &[0]), Some(vec![])),
        (raw(1, &[b'a', 0, 0, 0]), None),
    ] {
        let items = items.map(|items| items.into_iter().map(str::to_owned).collect());
        assert_eq!(value.as_multi_sz(), items, "{value:?}");
    }
    assert_eq!(raw(4, &[1, 0, 0, 0]).as_dword(), Some(1));
    assert_eq!(raw(5, &[0, 0, 0, 1]).as_dword(), Some(1));
    assert_eq!(raw(4, &[1, 0, 0]).as_dword(), None);
    assert_eq!(raw(3, &[1, 0, 0, 0]).as_dword(), None);
    assert_eq!(raw(11, &[1, 0, 0, 0, 0, 0, 0, 0]).as_qword(), Some(1));
    assert_eq!(raw(11, &[1, 0, 0, 0]).as_qword(), None);
}

#[test]
fn text_becomes_a_value_and_back() {
    for (kind, text, value, shown) in [
        (ValueType::SZ, " as is;x ", Value::sz(" as is;x "), " as is;x "),
        (ValueType::EXPAND_SZ, "%TEMP%", Value::expand_sz("%TEMP%"), "%TEMP%"),
        (ValueType::DWORD, "42", Value::dword(42), "42"),
        (ValueType::DWORD, " 0xFFFFFFFF ", Value::dword(u32::MAX), "4294967295"),
        (ValueType::DWORD_BIG_ENDIAN, "1", raw(5, &[0, 0, 0, 1]), "1"),
        (ValueType::QWORD, "18446744073709551615", Value::qword(u64::MAX), "18446744073709551615"),
        (ValueType::MULTI_SZ, "a;b", Value::multi_sz(["a", "b"]), "a;b"),
        (ValueType::MULTI_SZ, "a;b\r\nc\n", Value::multi_sz(["a;b", "c"]), "a;b;c"),
        (ValueType::MULTI_SZ, "", Value::multi_sz([""; 0]), ""),
        (ValueType::BINARY, "0a, FF 01", Value::binary([10, 255, 1]), "0a,ff,01"),
        (ValueType::BINARY, "0aff", Value::binary([10, 255]), "0a,ff"),
        (ValueType::NONE, "", Value::none(), ""),
        (ValueType(77), "00", raw(77, &[0]), "00"),
    ] {
        assert_eq!(Value::parse(kind, text), Ok(value.clone()), "{kind} {text:?}");
        assert_eq!(value.to_string(), shown);
    }
}

#[test]
fn text_that_does_not_fit_says_what_would() {
    for (kind, text, part) in [
        (ValueType::DWORD, "4294967296", "\"4294967296\" is no REG_DWORD; write a number"),
        (ValueType::DWORD, "-1", "write a number"),
        (ValueType::DWORD, "+1", "write a number"),
        (ValueType::DWORD, "", "write a number"),
        (ValueType::QWORD, "0x1g", "write a number"),
        (ValueType::BINARY, "0a f", "two hexadecimal digits"),
        (ValueType::BINARY, "0é", "two hexadecimal digits"),
        (ValueType::SZ, "a\0b", "NUL"),
        (ValueType::MULTI_SZ, "a\0b", "NUL"),
        (ValueType(99), "zz", "is no REG_TYPE_99; write bytes"),
    ] {
        let error = Value::parse(kind, text).expect_err("does not fit");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.win32(), 13);
    }
    let huge = "a".repeat(clusreg::limits::VALUE_BYTES);
    assert!(matches!(Value::parse(ValueType::SZ, &huge), Err(Error::ValueTooLarge { .. })));
}

#[test]
fn types_have_names() {
    for (text, kind) in [
        ("REG_SZ", ValueType::SZ),
        ("reg_multi_sz", ValueType::MULTI_SZ),
        ("Dword", ValueType::DWORD),
        (" qword ", ValueType::QWORD),
        ("0x63", ValueType(99)),
        ("3", ValueType::BINARY),
    ] {
        assert_eq!(ValueType::parse(text), Ok(kind));
    }
    assert_eq!(ValueType::DWORD.to_string(), "REG_DWORD");
    assert_eq!(ValueType(99).name(), None);
    assert!(ValueType::parse("REG_").is_err());
    assert!(ValueType::parse("").is_err());
}

proptest! {
    #[test]
    fn strings_survive(text in "[^\0]*", items in prop::collection::vec("[^\0]+", 0..5)) {
        prop_assert_eq!(Value::sz(&text).as_sz(), Some(text));
        prop_assert_eq!(Value::multi_sz(&items).as_multi_sz(), Some(items));
    }

    #[test]
    fn nothing_panics(kind in 0u32..13, data: Vec<u8>, text: String) {
        let value = raw(kind, &data);
        let _ = (value.as_sz(), value.as_dword(), value.as_qword(), value.as_multi_sz(), value.to_string());
        let _ = Value::parse(ValueType(kind), &text);
        let _ = ValueType::parse(&text);
    }
}
