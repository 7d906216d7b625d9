//! Startup: once per type, its refusals, and the race of two threads for one type.

use std::sync::atomic::{AtomicUsize, Ordering};

use resapi_sys_mock::abi::{LPCWSTR, PLOG_EVENT_ROUTINE, PSET_RESOURCE_STATUS_ROUTINE};

use super::*;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static OVERLAPS: AtomicUsize = AtomicUsize::new(0);

/// Knows no type but counts how often it was asked; answers by the first letter of the name.
unsafe extern "system" fn startup(
    name: LPCWSTR,
    min: u32,
    max: u32,
    _status: PSET_RESOURCE_STATUS_ROUTINE,
    _log: PLOG_EVENT_ROUTINE,
    _table: *mut *mut CLRES_FUNCTION_TABLE,
) -> u32 {
    assert_eq!((min, max), (0x100, 0x100));
    // SAFETY: the provider passes a NUL-terminated name.
    let name = unsafe { wide::read(name) }.unwrap_or_default();
    match name.as_str() {
        "unknown" => ERROR_CLUSTER_RESNAME_NOT_FOUND,
        "newer" => ERROR_REVISION_MISMATCH,
        "counted" => {
            OVERLAPS.fetch_add(INSIDE.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            STARTED.fetch_add(1, Ordering::SeqCst);
            (0..1_000).for_each(|_| std::thread::yield_now());
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            5
        }
        _ => ERROR_SUCCESS,
    }
}

unsafe fn bind(table: *const HostTable) -> u32 {
    u32::from(table.is_null())
}

fn providers() -> Providers {
    Providers::new(vec![BuiltIn { dll_names: &["test.dll", "Test2.dll"], startup, bind }])
}

fn check(name: &str, dll_name: &str, code: u32, word: &str) {
    let spec = TypeSpec { name: name.into(), dll_name: dll_name.into() };
    let error = providers().door(&spec).expect_err("nothing here can be used");
    assert_eq!(error.code, code, "{}", error.message);
    assert!(error.message.contains(word) && error.message.contains(dll_name), "{} should say {word}", error.message);
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_library() {
    check("unknown", "test.dll", ERROR_CLUSTER_RESNAME_NOT_FOUND, "does not know a type of this name");
    check("newer", "TEST2.DLL", ERROR_REVISION_MISMATCH, "get a newer one");
    check("without a table", "test.dll", ERROR_BAD_EXE_FORMAT, "misbehaved");
    check("any", "missing.so", 126, "Copy it");
}

#[test]
fn what_failed_is_tried_again_and_two_threads_do_not_start_it_at_once() {
    let providers = providers();
    let spec = TypeSpec { name: "counted".into(), dll_name: "test.dll".into() };
    std::thread::scope(|scope| {
        (0..2).for_each(|_| {
            scope.spawn(|| providers.door(&spec).expect_err("refused"));
        });
    });
    assert_eq!(OVERLAPS.load(Ordering::SeqCst), 0, "one Startup of a type at a time");
    assert_eq!(STARTED.load(Ordering::SeqCst), 2, "each asked for itself after the other had failed");
}
