//! The readers, each with its seeds and with what must hold for every input.

use clusreg::{FileTime, Hive, reg_text};
use cluster_engine::state::dependency::Expression;
use cluster_engine::{Guid, Refusal};
use resapi_sys_mock::property_list::{self, Value};
use resmon::frames;
use resmon::protocol::{EntryPoint, FromMonitor, OpenSpec, RequestId, ResourceId, Timing, ToMonitor, TypeSpec};

/// One reader.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Good inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that mean something.
    pub words: &'static [&'static [u8]],
    /// Panics when a promise is broken. True: the input was accepted.
    pub check: fn(&[u8]) -> bool,
}

/// All of them.
pub const ALL: &[Target] = &[
    Target {
        name: "property-list",
        seeds: lists,
        words: &[b"\x03\0\x04\0", b"\x02\0\x01\0\x04\0\0\0", &[0; 4]],
        check: list,
    },
    Target { name: "reg-text", seeds: texts, words: TEXT_WORDS, check: text },
    Target {
        name: "frames",
        seeds: messages,
        words: &[b"\x01\0\0\0", b"\xff\xff\xff\xff\x0f", &[0x80; 3]],
        check: frame,
    },
    Target { name: "dependencies", seeds: expressions, words: EXPRESSION_WORDS, check: expression },
];

const TEXT_WORDS: &[&[u8]] = &[
    b"\r\n[HKEY_LOCAL_MACHINE\\Cluster\\Groups]\r\n",
    b"\"a\"=dword:00000001\r\n",
    b"=hex(7):61,00,00,00,00,00\r\n",
    b"@=\"\\\\\"\r\n",
    b"=-\r\n",
    b"[-HKEY_LOCAL_MACHINE\\Cluster\\Groups]\r\n",
    b"\\\r\n  ",
    b";",
    b"\"",
    "\u{e9}\u{1F600}".as_bytes(),
];

const EXPRESSION_WORDS: &[&[u8]] =
    &[b"[a]", b" and ", b" or ", b"(", b")", b"[", b"]", b"([a] or [b])", b"AND", b"\xc3\xa9"];

fn lists() -> Vec<Vec<u8>> {
    let text = |text: &str| Value::Sz(text.into());
    vec![
        property_list::build([("Priority", Value::Dword(3000)), ("Description", text("ab"))]),
        property_list::build([
            ("List", Value::MultiSz(vec!["a".into(), "b".into()])),
            ("B", Value::Binary(vec![1, 2, 3])),
        ]),
        property_list::build_lists([("Two", vec![Value::Word(1), Value::ULargeInteger(7)])]),
        property_list::build(Vec::<(String, Value)>::new()),
        property_list::build_values(&[Value::Dword(1), text("x")]),
    ]
}

/// What a list says: names, and the syntax and the bytes of each value.
type Said = Vec<(String, Vec<(u32, Vec<u8>)>)>;

/// What is accepted can be written, and is then read as the same.
fn list(bytes: &[u8]) -> bool {
    if let Ok(values) = property_list::parse_values(bytes) {
        values.iter().for_each(|entry| drop(entry.value()));
    }
    let Ok(parsed) = property_list::parse(bytes) else { return false };
    let raw = |list: &[property_list::Property<'_>]| -> Said {
        let entries = |p: &property_list::Property<'_>| p.values.iter().map(|e| (e.syntax, e.data.to_vec())).collect();
        list.iter().map(|property| (property.name.clone(), entries(property))).collect()
    };
    let before = raw(&parsed);
    let values = |entries: &[(u32, Vec<u8>)]| -> Vec<Value> {
        entries.iter().map(|(syntax, data)| Value::Other { syntax: *syntax, data: data.clone() }).collect()
    };
    let again = property_list::build_lists(before.iter().map(|(name, entries)| (name.clone(), values(entries))));
    let parsed = property_list::parse(&again).expect("what is written can be read");
    assert_eq!(raw(&parsed), before);
    true
}

fn texts() -> Vec<Vec<u8>> {
    let header = "Windows Registry Editor Version 5.00\r\n\r\n";
    let key = "[HKEY_LOCAL_MACHINE\\Cluster\\Groups\\x]\r\n\"Name\"=\"a \\\"quoted\\\" name\"\r\n\"N\"=dword:0000002a\r\n@=hex(7):61,00,00,00,\\\r\n  00,00\r\n\r\n";
    let gone = "[-HKEY_LOCAL_MACHINE\\Cluster\\Old]\r\n; a comment\r\n";
    [header.to_owned(), format!("{header}{key}"), format!("{header}{gone}{key}")].map(String::into_bytes).to_vec()
}

/// What is accepted can be applied or is refused; the hive then goes out as text and comes back as the same hive.
fn text(bytes: &[u8]) -> bool {
    let Ok(text) = reg_text::decode(bytes) else { return false };
    let Ok(batch) = reg_text::import(&text) else { return false };
    let mut hive = Hive::new();
    if hive.apply(&batch, FileTime(1)).is_err() {
        return false;
    }
    let out = reg_text::export(&hive, "");
    let mut again = Hive::new();
    let batch = reg_text::import(&out).expect("what is written can be read");
    again.apply(&batch, FileTime(1)).expect("what was there can be made");
    assert_eq!(reg_text::export(&again, ""), out);
    true
}

fn messages() -> Vec<Vec<u8>> {
    let timing = Timing { looks_alive_ms: 1, is_alive_ms: 2, pending_timeout_ms: 3, deadlock_timeout_ms: 4 };
    let resource_type = TypeSpec { name: "T".into(), dll_name: "t.so".into() };
    let open = EntryPoint::Open(OpenSpec { name: "r".into(), resource_type, timing });
    let to = [
        ToMonitor::Call { resource: ResourceId(7), generation: 3, entry: open },
        ToMonitor::Control { request: RequestId(1), resource: ResourceId(7), code: 5, input: vec![1, 2, 3] },
        ToMonitor::Shutdown { grace_ms: 9 },
    ];
    let from = [
        FromMonitor::LeasePing { stamp: 99 },
        FromMonitor::Controlled { request: RequestId(1), code: 0, output: vec![9; 20] },
    ];
    let to = to.iter().filter_map(|message| frames::encode(message).ok());
    to.chain(from.iter().filter_map(|message| frames::encode(message).ok())).collect()
}

/// Bytes become messages or errors, never a panic; a message that was read can be sent and read again.
fn frame(bytes: &[u8]) -> bool {
    let mut is_any = false;
    if let Ok(Some(message)) = frames::read::<ToMonitor>(bytes) {
        let again = frames::encode(&message).expect("what was read fits into a frame");
        assert_eq!(frames::read::<ToMonitor>(&*again).expect("a frame"), Some(message));
        is_any = true;
    }
    if let Ok(Some(message)) = frames::read::<FromMonitor>(bytes) {
        let again = frames::encode(&message).expect("what was read fits into a frame");
        assert_eq!(frames::read::<FromMonitor>(&*again).expect("a frame"), Some(message));
        is_any = true;
    }
    is_any
}

fn expressions() -> Vec<Vec<u8>> {
    ["[a]", "([a] or [b]) and [c]", "[IP Address 10.0.0.5] AND ([x] OR [y])", ""]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

/// What is accepted is written in its normal form, which is read as the same expression.
fn expression(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // Every name is a resource of its own; an id is itself.
    let resolve = |name: &str| -> Result<Guid, Refusal> {
        let number = name.bytes().fold(0xCBF2_9CE4_8422_2325_u128, |all, byte| {
            (all ^ u128::from(byte)).wrapping_mul(0x0000_0100_0000_01B3_0000_0000_013B)
        });
        Ok(name.parse().unwrap_or(Guid(number)))
    };
    let Ok(parsed) = Expression::parse(&text, resolve) else { return false };
    let out = parsed.stored();
    let again = Expression::parse(&out, resolve).expect("the normal form can be read");
    assert_eq!(again, parsed, "{out}");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_accepted() {
        for target in ALL {
            for (number, seed) in (target.seeds)().iter().enumerate() {
                // The last seed of the lists is a value list, which is no property list.
                let is_value_list = target.name == "property-list" && number == 4;
                assert_eq!((target.check)(seed), !is_value_list, "{} {number}", target.name);
            }
        }
    }
}
