//! Tables that break the rules, and a table that keeps them, without any library.

use resapi_sys_mock::abi::{
    CLRES_FUNCTION_TABLE_0, CLRES_V1_FUNCTIONS, CLRES_V2_FUNCTIONS, CLRES_V3_FUNCTIONS, LPCWSTR,
};

use super::*;

/// What the test type takes for an instance.
const RESID_VALUE: usize = 0x1234;

extern "system" fn open(_name: LPCWSTR, _key: HKEY, handle: isize) -> RESID {
    if handle == 0 { ptr::null_mut() } else { RESID_VALUE as RESID }
}

extern "system" fn open_v2(name: LPCWSTR, key: HKEY, handle: isize, flags: u32) -> RESID {
    assert_eq!(flags, 0);
    open(name, key, handle)
}

extern "system" fn nothing(_resid: RESID) {}

extern "system" fn online(_resid: RESID, _event: *mut HANDLE) -> u32 {
    997
}

extern "system" fn offline(resid: RESID) -> u32 {
    resid as usize as u32
}

extern "system" fn alive(_resid: RESID) -> BOOL {
    -1
}

extern "system" fn arbitrate(_resid: RESID, _lost: resapi_sys_mock::abi::PQUORUM_RESOURCE_LOST) -> u32 {
    0
}

extern "system" fn release(_resid: RESID) -> u32 {
    7
}

/// Answers with as many bytes as the code says; code 1 says one more than there is room.
extern "system" fn control(
    _resid: RESID,
    code: u32,
    _input: *mut c_void,
    _input_size: u32,
    _output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
) -> u32 {
    let wanted = if code == 1 { output_size + 1 } else { code };
    // SAFETY: the door passes a counter of its own.
    unsafe { *returned = wanted };
    if code != 1 && wanted > output_size { ERROR_MORE_DATA } else { ERROR_SUCCESS }
}

/// Answers on another thread, after it has returned.
extern "system" fn begin_control(
    _resid: RESID,
    code: u32,
    _input: *mut c_void,
    _input_size: u32,
    _output: *mut c_void,
    _output_size: u32,
    returned: *mut u32,
    context: i64,
    later: *mut BOOL,
) -> u32 {
    // SAFETY: the door passes a counter and a flag of its own.
    unsafe {
        *returned = 0;
        *later = 1;
    }
    // SAFETY: a plain function that takes numbers.
    std::thread::spawn(move || unsafe { end_control_call(context, code) });
    ERROR_SUCCESS
}

fn functions() -> CLRES_V1_FUNCTIONS {
    CLRES_V1_FUNCTIONS {
        Open: Some(open),
        Close: Some(nothing),
        Online: Some(online),
        Offline: Some(offline),
        Terminate: Some(nothing),
        LooksAlive: Some(alive),
        IsAlive: Some(alive),
        Arbitrate: None,
        Release: None,
        ResourceControl: Some(control),
        ResourceTypeControl: None,
    }
}

fn accept(table: &CLRES_FUNCTION_TABLE, min: u32, max: u32) -> Result<Door, String> {
    // SAFETY: tables of this test, alive during the call, with functions of this file.
    unsafe { Door::accept("T", "t.so".into(), table, min, max) }
}

/// `Ok` or the word that the fault must say.
fn check(table: &CLRES_FUNCTION_TABLE, max: u32, expected: Result<(), &str>) {
    match (accept(table, CLRES_VERSION_V1_00, max), expected) {
        (Ok(_), Ok(())) => {}
        (Err(fault), Err(word)) => assert!(fault.contains(word), "{fault} should say {word}"),
        (Ok(_), Err(word)) => panic!("accepted, but should say {word}"),
        (Err(fault), Ok(())) => panic!("{fault}"),
    }
}

#[test]
fn tables_are_checked_before_they_are_used() {
    let good = CLRES_FUNCTION_TABLE::v1(functions());
    check(&good, CLRES_VERSION_V1_00, Ok(()));
    check(&CLRES_FUNCTION_TABLE { Version: CLRES_VERSION_V2_00, ..good }, CLRES_VERSION_V1_00, Err("version 0x200"));
    check(&CLRES_FUNCTION_TABLE { Version: 0x99, ..good }, CLRES_VERSION_V4_00, Err("version 0x99"));
    check(&CLRES_FUNCTION_TABLE { Version: 0x150, ..good }, CLRES_VERSION_V4_00, Err("does not exist"));
    check(&CLRES_FUNCTION_TABLE { TableSize: 80, ..good }, CLRES_VERSION_V1_00, Err("80 bytes"));
    check(&CLRES_FUNCTION_TABLE { TableSize: 120, ..good }, CLRES_VERSION_V1_00, Ok(()));
    // SAFETY: NULL is what this test is about.
    let null = unsafe { Door::accept("T", "t.so".into(), ptr::null(), 0x100, 0x100) };
    assert!(null.expect_err("NULL").contains("without a function table"));
    let without = |change: fn(&mut CLRES_V1_FUNCTIONS)| {
        let mut functions = functions();
        change(&mut functions);
        CLRES_FUNCTION_TABLE::v1(functions)
    };
    type Change = fn(&mut CLRES_V1_FUNCTIONS);
    let cases: [(Change, &str); 8] = [
        (|f| f.Open = None, "Open"),
        (|f| f.Close = None, "Close"),
        (|f| f.Online = None, "Online"),
        (|f| f.Offline = None, "Offline"),
        (|f| f.Terminate = None, "Terminate"),
        (|f| f.LooksAlive = None, "LooksAlive"),
        (|f| f.IsAlive = None, "IsAlive"),
        (|f| f.ResourceControl = None, "ResourceControl"),
    ];
    for (change, slot) in cases {
        check(&without(change), CLRES_VERSION_V1_00, Err(&format!("NULL for {slot}")));
    }
}

#[test]
fn every_entry_point_of_a_first_version_table_is_reached() {
    let door = accept(&CLRES_FUNCTION_TABLE::v1(functions()), 0x100, 0x100).expect("a good table");
    let resid = door.open("name", 8, 16).expect("a handle that is not zero");
    host::take_last_error();
    assert_eq!(door.open("name", 8, 0).expect_err("NULL"), ERROR_GEN_FAILURE);
    assert_eq!(door.online(&resid), (997, 0));
    assert_eq!(door.offline(&resid), RESID_VALUE as u32);
    assert!(door.looks_alive(&resid) && door.is_alive(&resid), "any number but zero is TRUE");
    assert_eq!((door.arbitrate(&resid), door.release(&resid)), (5021, 5021));
    assert!(!door.is_quorum_capable());
    assert_eq!(door.type_control(5, &[]), (ERROR_INVALID_FUNCTION, Vec::new()));
    door.terminate(&resid);
    door.close(&resid);
    let quorum = CLRES_V1_FUNCTIONS { Arbitrate: Some(arbitrate), Release: Some(release), ..functions() };
    let door = accept(&CLRES_FUNCTION_TABLE::v1(quorum), 0x100, 0x100).expect("a good table");
    assert!(door.is_quorum_capable());
    assert_eq!((door.arbitrate(&resid), door.release(&resid)), (0, 7));
}

#[test]
fn control_buffers_grow_when_asked_and_lies_are_refused() {
    let door = accept(&CLRES_FUNCTION_TABLE::v1(functions()), 0x100, 0x100).expect("a good table");
    let resid = door.open("name", 8, 16).expect("a handle that is not zero");
    let answered = |code: u32| {
        let (result, output) = door.control(&resid, code, &[1, 2, 3]);
        (result, output.len())
    };
    assert_eq!(answered(0), (0, 0));
    assert_eq!(answered(100), (0, 100));
    assert_eq!(answered(100_000), (0, 100_000));
    assert_eq!(answered(MAX_CONTROL_OUTPUT as u32 + 1), (ERROR_MORE_DATA, 0));
    assert_eq!(answered(1), (ERROR_INVALID_DATA, 0));
}

#[test]
fn later_versions_have_their_own_slots() {
    let v2 = CLRES_V2_FUNCTIONS { Open: Some(open_v2), Close: Some(nothing), ..CLRES_V2_FUNCTIONS::default() };
    check(&CLRES_FUNCTION_TABLE::v2(v2), CLRES_VERSION_V4_00, Err("NULL for Online"));
    extern "system" fn online_v2(_r: RESID, _e: *mut HANDLE, flags: u32, _b: *mut u8, size: u32, _x: u32) -> u32 {
        flags + size
    }
    extern "system" fn offline_v2(_r: RESID, node: LPCWSTR, _f: u32, _b: *mut u8, _s: u32, _x: u32) -> u32 {
        u32::from(!node.is_null())
    }
    let v3 = CLRES_V3_FUNCTIONS {
        Open: Some(open_v2),
        Close: Some(nothing),
        Online: Some(online_v2),
        Offline: Some(offline_v2),
        Terminate: Some(nothing),
        LooksAlive: Some(alive),
        IsAlive: Some(alive),
        BeginResourceControl: Some(begin_control),
        ..CLRES_V3_FUNCTIONS::default()
    };
    let table = CLRES_FUNCTION_TABLE {
        TableSize: CLRES_V3_FUNCTION_SIZE,
        Version: CLRES_VERSION_V3_00,
        Anonymous: CLRES_FUNCTION_TABLE_0 { V3Functions: v3 },
    };
    let door = accept(&table, CLRES_VERSION_V1_00, CLRES_VERSION_V4_00).expect("a good table");
    let resid = door.open("name", 8, 16).expect("a handle that is not zero");
    assert_eq!((door.online(&resid).0, door.offline(&resid)), (0, 0));
    assert_eq!(door.control(&resid, 42, &[]), (42, Vec::new()), "the answer came from another thread");
    assert_eq!(door.type_control(42, &[]), (ERROR_INVALID_FUNCTION, Vec::new()));
    // SAFETY: a plain function that takes numbers.
    assert_eq!(unsafe { end_control_call(i64::MAX, 0) }, ERROR_INVALID_PARAMETER);
}
