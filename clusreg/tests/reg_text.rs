//! The `.reg` format: goldens of what is written, a table of what is read, and round trips.

mod common;

use clusreg::reg_text::{decode, encode, export, import};
use clusreg::{Batch, Command, FileTime, Hive, Value, ValueType};
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn apply(batch: &Batch) -> Hive {
    let mut hive = Hive::new();
    hive.apply(batch, FileTime(1)).expect("a good batch");
    hive
}

#[track_caller]
fn check_export(hive: &Hive, path: &str, expected: Expect) {
    let text = export(hive, path);
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "lines end as on Windows");
    expected.assert_eq(&text.replace("\r\n", "\n"));
}

#[test]
fn exports_every_type() {
    let raw = |kind, data: &[u8]| Value { kind: ValueType(kind), data: data.to_vec() };
    let hive = apply(
        &Batch::at("")
            .set_value("ClusterName", Value::sz("wolf"))
            .create_key("Resources\\{1}\\Parameters")
            .set_value("", Value::sz("the default"))
            .set_value("Bin", Value::binary((0..40).collect::<Vec<u8>>()))
            .set_value("Command \"Line\"", Value::sz("c:\\x \"y\" é"))
            .set_value("Dword", Value::dword(0xABC))
            .set_value("Dword of 3", raw(4, &[1, 2, 3]))
            .set_value("Empty", Value::binary([]))
            .set_value("Expand", Value::expand_sz("%T"))
            .set_value("Lines", Value::sz("a\nb"))
            .set_value("List", Value::multi_sz(["a", "b"]))
            .set_value("No NUL", raw(1, &[b'a', 0]))
            .set_value("None", Value::none())
            .set_value("Number", raw(0x2A, &[7]))
            .set_value("Qword", Value::qword(1))
            .create_key("Resources\\{1}\\Empty"),
    );
    check_export(
        &hive,
        "",
        expect![[r#"
            Windows Registry Editor Version 5.00

            [HKEY_LOCAL_MACHINE\Cluster]
            "ClusterName"="wolf"

            [HKEY_LOCAL_MACHINE\Cluster\Resources]

            [HKEY_LOCAL_MACHINE\Cluster\Resources\{1}]

            [HKEY_LOCAL_MACHINE\Cluster\Resources\{1}\Empty]

            [HKEY_LOCAL_MACHINE\Cluster\Resources\{1}\Parameters]
            @="the default"
            "Bin"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,16,\
              17,18,19,1a,1b,1c,1d,1e,1f,20,21,22,23,24,25,26,27
            "Command \"Line\""="c:\\x \"y\" é"
            "Dword"=dword:00000abc
            "Dword of 3"=hex(4):01,02,03
            "Empty"=hex:
            "Expand"=hex(2):25,00,54,00,00,00
            "Lines"=hex(1):61,00,0a,00,62,00,00,00
            "List"=hex(7):61,00,00,00,62,00,00,00,00,00
            "No NUL"=hex(1):61,00
            "None"=hex(0):
            "Number"=hex(2a):07
            "Qword"=hex(b):01,00,00,00,00,00,00,00

        "#]],
    );
    check_export(
        &hive,
        "resources\\{1}\\empty",
        expect![[r#"
        Windows Registry Editor Version 5.00

        [HKEY_LOCAL_MACHINE\Cluster\Resources\{1}\Empty]

    "#]],
    );
    check_export(
        &hive,
        "Nothing",
        expect![[r#"
        Windows Registry Editor Version 5.00

    "#]],
    );
}

#[track_caller]
fn check_import(lines: &str, expected: Batch) {
    let text = format!("Windows Registry Editor Version 5.00\r\n\r\n{lines}");
    assert_eq!(import(&text), Ok(expected.clone()), "{lines}");
    assert_eq!(import(&text.replace("\r\n", "\n")), Ok(expected.clone()), "{lines}");
    assert_eq!(decode(&encode(&text)).and_then(|text| import(&text)), Ok(expected), "{lines}");
}

#[test]
fn imports_what_people_write() {
    let root = "[HKEY_LOCAL_MACHINE\\Cluster";
    let a = || Batch::at("").create_key("a");
    check_import("", Batch::at(""));
    check_import("; only a comment", Batch::at(""));
    check_import(&format!("{root}]"), Batch::at("").create_key(""));
    check_import(&format!("  {root}\\a]  ; comment\r\n"), a());
    check_import("[hklm\\cluster\\a]", a());
    check_import(&format!("{root}\\a[b]c]]"), Batch::at("").create_key("a[b]c]"));
    check_import(&format!("[-{}\\a]", &root[1..]), Batch::at("").delete_tree("a"));
    check_import(&format!("{root}\\a]\r\n@=\"x\""), a().set_value("", Value::sz("x")));
    check_import(&format!("{root}\\a]\r\n \"n\" = \"\\\\ \\\"\" "), a().set_value("n", Value::sz("\\ \"")));
    check_import(&format!("{root}\\a]\r\n\"n\"=-\r\n@=-"), a().delete_value("n").delete_value(""));
    check_import(&format!("{root}\\a]\r\n\"n\"=dword:1F ; hex"), a().set_value("n", Value::dword(31)));
    check_import(&format!("{root}\\a]\r\n\"n\"=hex:"), a().set_value("n", Value::binary([])));
    check_import(
        &format!("{root}\\a]\r\n\"n\"=hex:01,\\\r\n  2 , ff,\\ \r\n\t03\r\n\"m\"=dword:0"),
        a().set_value("n", Value::binary([1, 2, 255, 3])).set_value("m", Value::dword(0)),
    );
    check_import(&format!("{root}\\a]\r\n\"n\"=hex:\\\r\n  01"), a().set_value("n", Value::binary([1])));
    check_import(&format!("{root}\\a]\r\n\"n\"=hex(7):61,00,00,00,00,00"), a().set_value("n", Value::multi_sz(["a"])));
    check_import(&format!("{root}\\a]\r\n\"n\"=hex(b):01,00,00,00,00,00,00,00"), a().set_value("n", Value::qword(1)));
    let odd = Value { kind: ValueType(u32::MAX), data: vec![1] };
    check_import(&format!("{root}\\a]\r\n\"n\"=hex(ffffffff):01"), a().set_value("n", odd));
}

#[test]
fn text_in_quotes_may_hold_line_ends() {
    let text = "Windows Registry Editor Version 5.00\n[HKLM\\Cluster]\n\"n\"=\"a\nb\"\n\"m\"=oops";
    assert_eq!(import(text).map_err(|error| error.line), Err(5));
    let batch = import(text.strip_suffix("\"m\"=oops").expect("its end")).expect("good");
    assert_eq!(batch.commands[1], Command::SetValue { name: "n".to_owned(), value: Value::sz("a\nb") });
}

#[test]
fn errors_name_the_line_and_the_remedy() {
    let start = "Windows Registry Editor Version 5.00\r\n[HKLM\\Cluster]\r\n";
    for (text, line, part) in [
        ("".to_owned(), 1, "the first line must be: Windows Registry Editor Version 5.00"),
        ("\r\nREGEDIT4\r\n".to_owned(), 2, "export again"),
        ("Windows Registry Editor Version 6".to_owned(), 1, "the first line must be"),
        (
            start.replace("[HKLM\\Cluster]", "\"n\"=\"x\""),
            2,
            "put a line such as [HKEY_LOCAL_MACHINE\\Cluster\\Groups] above",
        ),
        (start.replace("[HKLM\\Cluster]", "[-HKLM\\Cluster\\a]\r\n@=-"), 3, "put a line such as"),
        (start.replace("[HKLM\\Cluster]", "[-HKLM\\Cluster]"), 2, "one by one"),
        (start.replace("Cluster]", "Cluster"), 2, "end the line with ]"),
        (start.replace("Cluster]", "Software]"), 2, "only keys in HKEY_LOCAL_MACHINE\\Cluster"),
        (start.replace("Cluster]", "Clusters]"), 2, "only keys in"),
        (start.replace("Cluster]", "Cluster\\]"), 2, "without a backslash at the end"),
        (start.replace("Cluster]", "Cluster\\a\\]"), 2, "cannot be the name of a key"),
        (start.replace("Cluster]", "Cluster\\\\a]"), 2, "starts with a backslash"),
        (start.replace("Cluster]", "Cluster] x"), 2, "on a line of its own"),
        (format!("{start}n=1"), 3, "expected [a key]"),
        (format!("{start}\"n\""), 3, "expected = after"),
        (format!("{start}\"n=1\r\n"), 3, "end the text with \""),
        (format!("{start}\r\n\"n\"=\"x\r\n\r\n"), 4, "end the text with \""),
        (format!("{start}\"n\"=\"a\\b\""), 3, "a backslash in quotes is written \\\\"),
        (format!("{start}\"n\"=\"a\" b"), 3, "on a line of its own"),
        (format!("{start}\"n\"=\"a\0\""), 3, "hex(1):"),
        (format!("{start}\"a\nb\"=\"\""), 3, "control characters"),
        (format!("{start}\"n\"=1"), 3, "expected \"text\", dword:"),
        (format!("{start}\"n\"="), 3, "expected \"text\", dword:"),
        (format!("{start}\"n\"=dword:"), 3, "one to eight"),
        (format!("{start}\"n\"=dword:123456789"), 3, "one to eight"),
        (format!("{start}\"n\"=dword:12x"), 3, "on a line of its own"),
        (format!("{start}\"n\"=hex:1,,2"), 3, "two hexadecimal digits"),
        (format!("{start}\"n\"=hex:123"), 3, "two hexadecimal digits"),
        (format!("{start}\"n\"=hex:1,\r\n"), 3, "two hexadecimal digits"),
        (format!("{start}\"n\"=hex:1,\\ x\r\n2"), 3, "nothing may follow"),
        (format!("{start}\"n\"=hex:1,\\\r\nxx"), 4, "two hexadecimal digits"),
        (format!("{start}\"n\"=hex:1,\\"), 3, "nothing may follow"),
        (format!("{start}\"n\"=hex(:1"), 3, "hex(7):"),
        (format!("{start}\"n\"=hex(123456789):1"), 3, "hex(7):"),
        (format!("{start}\"n\"=hex(7)1"), 3, "hex(7):"),
        (format!("{start}\"n\"=\"{}\"", "x".repeat(clusreg::limits::VALUE_BYTES / 2)), 3, "larger than"),
        (format!("{start}\"n\"=hex:{}", "0,".repeat(clusreg::limits::VALUE_BYTES + 1)), 3, "larger than"),
    ] {
        let error = import(&text).expect_err(&text);
        let message = error.to_string();
        assert!(error.line == line && message.contains(part), "{message:?} for {:?}", &text[..text.len().min(120)]);
    }
}

#[test]
fn files_that_are_no_text_are_refused_with_their_line() {
    let line = |bytes: &[u8]| decode(bytes).map_err(|error| error.line);
    assert_eq!(line(b"a\nb\n\xFFc"), Err(3));
    assert_eq!(line(b"\xFF\xFEa\0\n\0\x00\xD8"), Err(2));
    assert_eq!(line(b"\xFF\xFEa\0b"), Ok("ab".to_owned()));
    assert_eq!(line("\u{FEFF}é".as_bytes()), Ok("é".to_owned()));
}

proptest! {
    #[test]
    fn what_is_exported_comes_back(hive in common::hive()) {
        let text = export(&hive, "");
        let back = apply(&import(&text).expect("reads its own form"));
        prop_assert_eq!(common::content(&back), common::content(&hive));
        prop_assert_eq!(export(&back, ""), text);
    }

    #[test]
    fn no_text_makes_it_panic(text: String, lines in prop::collection::vec(piece(), 0..20)) {
        let _ = import(&text);
        let _ = import(&format!("Windows Registry Editor Version 5.00\n{}", lines.concat()));
        let _ = decode(text.as_bytes());
    }

    #[test]
    fn no_damage_makes_it_panic(hive in common::hive(), at in any::<prop::sample::Index>(), insert in any::<char>(), bytes: Vec<u8>) {
        let mut chars: Vec<char> = export(&hive, "").chars().collect();
        let index = at.index(chars.len());
        chars[index] = insert;
        let _ = import(&chars.iter().collect::<String>());
        let _ = import(&chars[..index].iter().collect::<String>());
        let _ = decode(&bytes);
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "[",
        "]",
        "HKLM\\Cluster",
        "\\",
        "a",
        "\"",
        "=",
        "hex:",
        "hex(",
        "7",
        "):",
        "01",
        ",",
        "dword:",
        "-",
        "@",
        "\n",
        "\r\n",
        ";",
        " ",
        "é",
        "[HKLM\\Cluster]\n",
    ])
}
