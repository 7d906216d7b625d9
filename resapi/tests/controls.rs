//! Control codes about private properties, class and dependencies, all answered from the declarations of a type.

use resapi::codes::control::*;
use resapi::sys::property_list::{self, Format};
use resapi::sys::wide;
use resapi::testing::{self, Outcome};
use resapi::{Context, Control, Failure, Progress, Property, Required, ResourceClass, ResourceType, Value};

struct Site(Context);

impl ResourceType for Site {
    const NAME: &'static str = "Site";
    const PROPERTIES: &'static [Property] = &[
        Property::text("Path").required(),
        Property::number("Port", 80).range(1, 65535),
        Property::list("Aliases"),
        Property::bytes("Secret"),
        Property::expand("Home").or("%TEMP%"),
        Property::number("Hits", 0).read_only(),
    ];
    const CLASS: ResourceClass = ResourceClass::Network;
    const REQUIRED_DEPENDENCIES: &'static [Required] =
        &[Required::Type("IP Address"), Required::Class(ResourceClass::Storage)];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(Self(context))
    }
    fn online(&self, _: &Progress) -> Result<(), Failure> {
        let properties = self.0.properties();
        assert_eq!(properties.text("Home"), "%TEMP%");
        properties.store("Hits", Value::Dword(properties.number("hits") + 1))
    }
    fn is_alive(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn offline(&self, _: &Progress) -> Result<(), Failure> {
        Ok(())
    }
    fn terminate(&self) {}
    fn control(&self, code: u32, input: &[u8]) -> Control {
        match code {
            CLUSCTL_RESOURCE_GET_FLAGS => Control::Done(vec![1, 0, 0, 0]),
            CLUSCTL_RESOURCE_SET_NAME => Control::Refused(Failure::new(5, format!("{} bytes of name", input.len()))),
            CLUSCTL_RESOURCE_GET_NETWORK_NAME => Control::Done(wide::bytes(&self.0.properties().text("Path"))),
            CLUSCTL_RESOURCE_DELETE => Control::done(),
            CLUSCTL_RESOURCE_EVICT_NODE => Control::Stored,
            CLUSCTL_RESOURCE_ADD_OWNER => panic!("told to panic"),
            _ => Control::Default,
        }
    }
    fn type_control(code: u32, _: &[u8]) -> Control {
        match code {
            CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2 => Control::done(),
            CLUSCTL_RESOURCE_TYPE_EVICT_NODE => panic!("told to panic"),
            _ => Control::Default,
        }
    }
}

fn site() -> testing::Resource {
    testing::open::<Site>("site", &[("Path", Value::Sz("/srv".into()))]).unwrap()
}

/// Reads a property list into names and values.
fn read(bytes: &[u8]) -> Vec<(String, Value)> {
    property_list::parse(bytes).unwrap().into_iter().map(|p| (p.name.clone(), p.value().unwrap())).collect()
}

fn pair(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

#[test]
fn names_values_and_formats_follow_from_the_table() {
    let site = site();
    let (code, output) = site.control(CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES, &[]);
    let names = ["Path", "Port", "Aliases", "Secret", "Home", "Hits"];
    assert_eq!((code, wide::list(&output).unwrap()), (0, names.map(str::to_owned).to_vec()));

    let (code, output) = site.control(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]);
    assert_eq!(code, 0);
    assert_eq!(
        read(&output),
        [
            pair("Path", Value::Sz("/srv".into())),
            pair("Port", Value::Dword(80)),
            pair("Aliases", Value::MultiSz(Vec::new())),
            pair("Secret", Value::Binary(Vec::new())),
            pair("Home", Value::ExpandSz("%TEMP%".into())),
        ]
    );
    let (code, output) = site.control(CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES, &[]);
    assert_eq!((code, read(&output)), (0, vec![pair("Hits", Value::Dword(0))]));

    let formats = [Format::Sz, Format::Dword, Format::MultiSz, Format::Binary, Format::ExpandSz, Format::Dword];
    let expected: Vec<_> =
        names.iter().zip(formats).map(|(name, format)| pair(name, Value::Word(format as u16))).collect();
    let (code, output) = site.control(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS, &[]);
    assert_eq!((code, read(&output)), (0, expected.clone()));
    let (code, output) = site.type_control(CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS, &[]);
    assert_eq!((code, read(&output)), (0, expected));
}

#[test]
fn set_and_validate_check_every_value_before_writing_any() {
    /// Sends a good Port and then the case, so that a refused list shows whether anything was written.
    fn check(name: &str, value: Value, code: u32, stored: Option<Value>) {
        let site = site();
        let list = property_list::build([("Port", Value::Dword(8080)), (name, value)]);
        assert_eq!(site.control(CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, &list).0, code, "validate {name}");
        assert_eq!(site.stored("Port"), None, "validate wrote");
        assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, code, "set {name}");
        let is_written = site.stored("Port") == Some(Value::Dword(8080)) || name == "Port";
        assert_eq!(is_written, code == 0 || name == "Port", "{name}: all or nothing");
        assert_eq!(site.stored(name), stored, "{name}");
    }
    let srv = || Some(Value::Sz("/srv".into()));
    let other = |format: Format, data: &[u8]| Value::Other { syntax: format.list_value(), data: data.to_vec() };
    // Good ones; names are compared without regard to case.
    check("Path", Value::Sz("/data".into()), 0, Some(Value::Sz("/data".into())));
    check("pATH", Value::Sz("/data".into()), 0, Some(Value::Sz("/data".into())));
    check(
        "Aliases",
        Value::MultiSz(vec!["a".into(), "b".into()]),
        0,
        Some(Value::MultiSz(vec!["a".into(), "b".into()])),
    );
    check("Secret", Value::Binary(vec![1, 2]), 0, Some(Value::Binary(vec![1, 2])));
    check("Home", Value::ExpandSz("%HOME%".into()), 0, Some(Value::ExpandSz("%HOME%".into())));
    check("Home", Value::Sz("/home".into()), 0, Some(Value::Sz("/home".into())));
    // Refused ones.
    check("Hits", Value::Dword(1), 87, None);
    check("Nonsense", Value::Dword(1), 87, None);
    check("Path", Value::Sz(String::new()), 87, srv());
    check("Path", other(Format::Sz, &[]), 87, srv());
    check("Path", Value::Dword(1), 5895, srv());
    check("Path", Value::ExpandSz("x".into()), 5895, srv());
    check("Path", other(Format::Sz, &[65, 0, 66]), 13, srv());
    check("Aliases", Value::Sz("a".into()), 5895, None);
    check("Secret", Value::SecurityDescriptor(vec![1]), 5895, None);
}

#[test]
fn numbers_keep_their_range() {
    fn check(port: Value, code: u32, stored: Option<Value>) {
        let site = site();
        let list = property_list::build([("Port", port)]);
        assert_eq!(site.control(CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, &list).0, code);
        assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, code);
        assert_eq!(site.stored("Port"), stored);
    }
    let other = |data: &[u8]| Value::Other { syntax: Format::Dword.list_value(), data: data.to_vec() };
    check(Value::Dword(1), 0, Some(Value::Dword(1)));
    check(Value::Dword(65535), 0, Some(Value::Dword(65535)));
    check(Value::Dword(0), 87, None);
    check(Value::Dword(65536), 87, None);
    check(Value::Long(80), 5895, None);
    check(Value::Sz("80".into()), 5895, None);
    check(other(&[80]), 13, None);
    check(other(&[80, 0, 0, 0, 0, 0, 0, 0]), 13, None);
}

#[test]
fn malformed_lists_are_invalid() {
    fn check(list: &[u8]) {
        let site = site();
        assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, list).0, 13);
        assert_eq!(site.control(CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, list).0, 13);
        assert!(site.has_logged("refused"), "{:?}", site.log());
    }
    check(&[]);
    check(&[1]);
    check(&[1, 0, 0, 0]);
    check(&[255; 16]);
    let good = property_list::build([("Port", Value::Dword(8080))]);
    check(&good[..good.len() - 4]);
}

#[test]
fn stored_while_in_service_and_applied_at_the_next_online() {
    let site = site();
    let set = |port: u32| {
        let list = property_list::build([("Port", Value::Dword(port))]);
        site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0
    };
    assert_eq!(set(8080), 0, "offline: simply done");
    assert_eq!(site.online(), Outcome::Online);
    assert_eq!(set(8081), 5024, "in service: stored");
    assert_eq!(set(8081), 0, "nothing changes, so nothing is pending");
    assert_eq!(site.stored("Port"), Some(Value::Dword(8081)));
    assert_eq!(site.stored("Hits"), Some(Value::Dword(1)), "the resource itself may write a read-only property");
    assert_eq!(site.offline(), Outcome::Offline);
    assert_eq!(set(8082), 0);
    assert_eq!(site.online(), Outcome::Online);
    assert_eq!(site.stored("Hits"), Some(Value::Dword(2)));
}

#[test]
fn an_empty_entry_deletes_and_the_default_returns() {
    let site = site();
    let empty = |format: Format| Value::Other { syntax: format.list_value(), data: Vec::new() };
    let list = property_list::build([("Port", Value::Dword(8080)), ("Secret", Value::Binary(vec![1]))]);
    assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, 0);
    let list = property_list::build([("Port", empty(Format::Dword)), ("Secret", empty(Format::Binary))]);
    assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, 0);
    assert_eq!((site.stored("Port"), site.stored("Secret")), (None, None));
    let (_, output) = site.control(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]);
    assert!(read(&output).contains(&pair("Port", Value::Dword(80))));
}

#[test]
fn a_bad_stored_value_can_be_seen_and_set_right() {
    let site = site();
    site.set("Port", Value::Sz("eighty".into()));
    assert_eq!(site.online(), Outcome::Failed);
    let (code, output) = site.control(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]);
    assert_eq!(code, 0);
    assert!(read(&output).contains(&pair("Port", Value::Dword(80))));
    site.terminate();
    let list = property_list::build([("Port", Value::Dword(81))]);
    assert_eq!(site.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, 0);
    assert_eq!(site.online(), Outcome::Online);
}

#[test]
fn class_dependencies_and_what_is_left_to_others() {
    let site = site();
    let class = [2, 0, 0, 0, 0, 0, 0, 0x80];
    assert_eq!(site.control(CLUSCTL_RESOURCE_GET_CLASS_INFO, &[]), (0, class.to_vec()));
    assert_eq!(site.type_control(CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO, &[]), (0, class.to_vec()));
    for (code, output) in [
        site.control(CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES, &[]),
        site.type_control(CLUSCTL_RESOURCE_TYPE_GET_REQUIRED_DEPENDENCIES, &[]),
    ] {
        assert_eq!(code, 0);
        let entries: Vec<_> =
            property_list::parse_values(&output).unwrap().iter().map(|e| (e.syntax, e.data.to_vec())).collect();
        assert_eq!(entries, [(0x0004_0003, wide::bytes("IP Address")), (0x0002_0002, vec![1, 0, 0, 0])]);
    }
    fn check(answer: (u32, Vec<u8>), code: u32, output: &[u8]) {
        assert_eq!(answer, (code, output.to_vec()));
    }
    check(site.control(CLUSCTL_RESOURCE_UNKNOWN, &[]), 0, &[]);
    check(site.type_control(CLUSCTL_RESOURCE_TYPE_UNKNOWN, &[]), 0, &[]);
    check(site.control(CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[]), 1, &[]);
    check(site.control(CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES, &[]), 1, &[]);
    check(site.type_control(CLUSCTL_RESOURCE_TYPE_GET_COMMON_PROPERTIES, &[]), 1, &[]);
    check(site.control(CLUSCTL_RESOURCE_GET_FLAGS, &[]), 0, &[1, 0, 0, 0]);
    check(site.control(CLUSCTL_RESOURCE_SET_NAME, &[1, 2, 3]), 5, &[]);
    assert!(site.has_logged("CLUSCTL_RESOURCE_SET_NAME refused: 3 bytes of name (error 5, ERROR_ACCESS_DENIED)"));
    check(site.control(CLUSCTL_RESOURCE_DELETE, &[]), 0, &[]);
    check(site.control(CLUSCTL_RESOURCE_EVICT_NODE, &[]), 5024, &[]);
    check(site.control(CLUSCTL_RESOURCE_ADD_OWNER, &[]), 5930, &[]);
    check(site.type_control(CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2, &[]), 0, &[]);
    check(site.type_control(CLUSCTL_RESOURCE_TYPE_EVICT_NODE, &[]), 5930, &[]);
    check(site.control(0xFFFF_FFFF, &[0; 9]), 1, &[]);
    // Longer than the first buffer of the test host: the way over 234.
    let long = "/srv/".repeat(40);
    site.set("Path", Value::Sz(long.clone()));
    assert_eq!(site.online(), Outcome::Online);
    check(site.control(CLUSCTL_RESOURCE_GET_NETWORK_NAME, &[]), 0, &wide::bytes(&long));
}

/// A type whose users may invent properties.
struct Open(Context);

impl ResourceType for Open {
    const NAME: &'static str = "Open";
    const PROPERTIES: &'static [Property] = &[Property::number("Known", 1)];
    const ACCEPTS_UNKNOWN_PROPERTIES: bool = true;

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(Self(context))
    }
    fn online(&self, _: &Progress) -> Result<(), Failure> {
        assert_eq!(self.0.properties().get("invented"), Some(Value::Sz("x".into())));
        self.0.properties().store("Own", Value::ULargeInteger(5))
    }
    fn is_alive(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn offline(&self, _: &Progress) -> Result<(), Failure> {
        Ok(())
    }
    fn terminate(&self) {}
}

#[test]
fn unknown_properties_are_kept_where_the_type_says_so() {
    let open = testing::open::<Open>("open", &[]).unwrap();
    let list = property_list::build([("Invented", Value::Sz("x".into())), ("Known", Value::Dword(2))]);
    assert_eq!(open.control(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, 0);
    assert_eq!(open.online(), Outcome::Online);
    let (_, output) = open.control(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]);
    assert_eq!(
        read(&output),
        [pair("Known", Value::Dword(2)), pair("Invented", Value::Sz("x".into())), pair("Own", Value::ULargeInteger(5)),]
    );
    let (_, output) = open.control(CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES, &[]);
    assert_eq!(wide::list(&output).unwrap(), ["Known", "Invented", "Own"]);
    // No required dependencies: the code is left to the monitor, which reads "unsupported" as "none".
    assert_eq!(open.control(CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES, &[]).0, 1);
}
