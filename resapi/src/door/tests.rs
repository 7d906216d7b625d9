//! The startup function and the raw function table, called as a careless monitor might.

use core::ffi::c_void;
use std::sync::Mutex;

use crate::sys::abi::{
    CLRES_CALLBACK_FUNCTION_TABLE, CLRES_FUNCTION_TABLE, CLRES_V1_FUNCTION_SIZE, CLRES_VERSION_V1_00, HANDLE, LPCWSTR,
    RESID, STARTUP_ROUTINE,
};
use crate::sys::wide;
use crate::testing::observer::Observer;
use crate::testing::store::{self, Store};
use crate::{Context, Failure, Progress, ResourceType};

macro_rules! idle_type {
    ($type:ident, $name:literal, $is_quorum_capable:literal) => {
        struct $type;

        impl ResourceType for $type {
            const NAME: &'static str = $name;
            const QUORUM_CAPABLE: bool = $is_quorum_capable;

            fn open(_: Context) -> Result<Self, Failure> {
                Ok(Self)
            }
            fn online(&self, _: &Progress) -> Result<(), Failure> {
                Ok(())
            }
            fn is_alive(&self) -> Result<(), Failure> {
                Ok(())
            }
            fn offline(&self, _: &Progress) -> Result<(), Failure> {
                Ok(())
            }
            fn terminate(&self) {}
        }
    };
}

idle_type!(Chair, "Chair", false);
idle_type!(Table, "Side Table", true);

crate::table!(
    /// Both types of this test.
    STARTUP = Chair,
    Table
);

/// The callbacks belong to the process: a startup must not come between another test's startup and open.
static STARTING: Mutex<()> = Mutex::new(());

/// Calls a startup function; the callbacks are NULL, which is allowed.
fn start(startup: STARTUP_ROUTINE, name: Option<&str>, min: u32, max: u32) -> (u32, *mut CLRES_FUNCTION_TABLE) {
    let name = name.map(wide::units);
    let pointer: LPCWSTR = name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
    let mut table = std::ptr::null_mut();
    let _alone = STARTING.lock().unwrap();
    // SAFETY: the name is NULL or NUL-terminated, the callbacks are NULL, the result is ours.
    let code = unsafe { startup(pointer, min, max, None, None, &mut table) };
    (code, table)
}

#[test]
fn startup_negotiates_name_and_version() {
    fn check(name: Option<&str>, min: u32, max: u32, code: u32) {
        let (answer, table) = start(STARTUP, name, min, max);
        assert_eq!(answer, code, "{name:?} {min:#x} {max:#x}");
        assert_eq!(!table.is_null(), code == 0);
    }
    check(Some("Chair"), 0x100, 0x100, 0);
    check(Some("side table"), 0x100, 0x400, 0);
    check(Some("Sofa"), 0x100, 0x100, 5080);
    check(Some(""), 0x100, 0x100, 5080);
    check(None, 0x100, 0x100, 87);
    check(Some("Chair"), 0x200, 0x400, 1306);
    check(Some("Chair"), 0x0, 0xFF, 1306);
    let name = wide::units("Chair");
    // SAFETY: the name is NUL-terminated; NULL for the table is what is tested.
    assert_eq!(unsafe { STARTUP(name.as_ptr(), 0x100, 0x100, None, None, std::ptr::null_mut()) }, 87);
}

/// Calls `StartupEx` of both types with callbacks that are all NULL, which is allowed.
fn start_ex(name: &str, min: u32, max: u32) -> (u32, *mut CLRES_FUNCTION_TABLE) {
    const ENTRIES: &[crate::door::Entry] = &[crate::door::Entry::of::<Chair>(), crate::door::Entry::of::<Table>()];
    let name = wide::units(name);
    let mut callbacks = CLRES_CALLBACK_FUNCTION_TABLE::default();
    let mut table = std::ptr::null_mut();
    let _alone = STARTING.lock().unwrap();
    // SAFETY: the name is NUL-terminated, the callbacks are a whole table, the result is ours.
    let code = unsafe { crate::door::startup_ex(ENTRIES, name.as_ptr(), min, max, &mut callbacks, &mut table) };
    (code, table)
}

#[test]
fn startup_ex_gives_the_newest_version_that_both_speak() {
    fn check(min: u32, max: u32, version: Result<u32, u32>) {
        let (code, table) = start_ex("Chair", min, max);
        // SAFETY: success promises a static table.
        let got = if code == 0 { Ok(unsafe { (*table).Version }) } else { Err(code) };
        assert_eq!(got, version, "{min:#x} to {max:#x}");
    }
    check(0x100, 0x400, Ok(0x400));
    check(0x100, 0x500, Ok(0x400));
    check(0x100, 0x3FF, Ok(0x300));
    check(0x200, 0x200, Ok(0x200));
    check(0x100, 0x100, Ok(0x100));
    check(0x401, 0x500, Err(1306));
    check(0x200, 0x100, Err(1306));
    assert_eq!(start_ex("Sofa", 0x100, 0x400).0, 5080);
    let (_, v4) = start_ex("side table", 0x100, 0x400);
    // SAFETY: success promises a static table of version 4.
    let (size, functions) = unsafe { ((*v4).TableSize, (*v4).Anonymous.V4Functions) };
    assert_eq!(size, 112);
    assert!(functions.Arbitrate.is_some() && functions.Release.is_some() && functions.Cancel.is_some());
    // SAFETY: NULL instead of callbacks is what is tested.
    let code = unsafe {
        crate::door::startup_ex(&[], std::ptr::null(), 0x100, 0x400, std::ptr::null_mut(), std::ptr::null_mut())
    };
    assert_eq!(code, 87);
}

#[test]
fn a_version_4_table_is_called_as_carelessly() {
    let (_, table) = start_ex("Chair", 0x400, 0x400);
    // SAFETY: success promises a static table of version 4.
    let functions = unsafe { (*table).Anonymous.V4Functions };
    let name = wide::units("a modern chair");
    let null: *mut c_void = std::ptr::null_mut();
    // SAFETY: text is NUL-terminated, buffers have the lengths beside them, every other pointer is NULL or ours.
    unsafe {
        let id = functions.Open.unwrap()(name.as_ptr(), null, 4, 1);
        assert!(!id.is_null());
        let (online, offline) = (functions.Online.unwrap(), functions.Offline.unwrap());
        assert_eq!(online(id, std::ptr::null_mut(), 0, std::ptr::null_mut(), 3, 0), 87, "a length without a buffer");
        let mut list = [0u8; 4];
        assert_eq!(online(id, std::ptr::null_mut(), 2, list.as_mut_ptr(), 4, 0), 997);
        assert_eq!(functions.Cancel.unwrap()(id, 0), 0);
        assert_eq!(functions.Cancel.unwrap()(std::ptr::null_mut(), 0), 6);
        assert_eq!(offline(id, name.as_ptr(), 0, std::ptr::null_mut(), 0, 0), 997);
        assert_eq!(offline(id, std::ptr::null(), 0, std::ptr::null_mut(), 1, 0), 87);
        let (mut returned, mut is_later) = (0, 7);
        let control = functions.BeginResourceControl.unwrap();
        let mut output = [0u8; 8];
        let class = 0x0100_000D;
        let to = output.as_mut_ptr().cast();
        assert_eq!(control(id, class, null, 0, to, 8, &mut returned, 5, &mut is_later), 0);
        assert_eq!((returned, is_later), (8, 0));
        assert_eq!(control(id, class, null, 0, null, 0, &mut returned, 5, std::ptr::null_mut()), 234);
        let as_user = functions.BeginResourceControlAsUser.unwrap();
        assert_eq!(as_user(id, null, class, null, 0, to, 8, &mut returned, 5, &mut is_later), 0);
        let type_control = functions.BeginResourceTypeControl.unwrap();
        assert_eq!(type_control(name.as_ptr(), 0x0200_000D, null, 0, to, 8, &mut returned, 5, &mut is_later), 0);
        let type_as_user = functions.BeginResourceTypeControlAsUser.unwrap();
        assert_eq!(type_as_user(name.as_ptr(), null, 0x0200_000D, null, 0, to, 8, &mut returned, 5, &mut is_later), 0);
        functions.Terminate.unwrap()(id);
        functions.Close.unwrap()(id);
    }
}

#[test]
fn the_table_says_what_it_is() {
    for (name, is_quorum_capable) in [("Chair", false), ("Side Table", true)] {
        let (_, table) = start(STARTUP, Some(name), 0x100, 0x100);
        // SAFETY: success promises a static table of version 1.
        let (size, version, functions) =
            unsafe { ((*table).TableSize, (*table).Version, (*table).Anonymous.V1Functions) };
        assert_eq!((size, version), (88, 0x100));
        assert_eq!((size, version), (CLRES_V1_FUNCTION_SIZE, CLRES_VERSION_V1_00));
        assert_eq!(functions.Arbitrate.is_some(), is_quorum_capable, "{name}");
        assert_eq!(functions.Release.is_some(), is_quorum_capable, "{name}");
        assert_eq!(start(STARTUP, Some(name), 0x100, 0x100).1, table, "one static table per type");
    }
}

#[test]
fn numbers_that_are_no_resource_are_refused() {
    let (_, table) = start(STARTUP, Some("Side Table"), 0x100, 0x100);
    // SAFETY: success promises a static table of version 1.
    let functions = unsafe { (*table).Anonymous.V1Functions };
    for id in [0usize, 1 << 40, usize::MAX] {
        let id = id as RESID;
        let mut event: HANDLE = 1 as HANDLE;
        let mut returned = 7;
        // SAFETY: the door promises to look every number up; pointers are NULL or ours.
        unsafe {
            assert_eq!(functions.Online.unwrap()(id, &mut event), 6);
            assert!(event.is_null(), "polling unless said otherwise");
            assert_eq!(functions.Online.unwrap()(id, std::ptr::null_mut()), 6);
            assert_eq!(functions.Offline.unwrap()(id), 6);
            functions.Terminate.unwrap()(id);
            functions.Close.unwrap()(id);
            assert_eq!(functions.LooksAlive.unwrap()(id), 0);
            assert_eq!(functions.IsAlive.unwrap()(id), 0);
            assert_eq!(functions.Arbitrate.unwrap()(id, None), 6);
            assert_eq!(functions.Release.unwrap()(id), 6);
            let null: *mut c_void = std::ptr::null_mut();
            assert_eq!(functions.ResourceControl.unwrap()(id, 0x0100_0000, null, 0, null, 0, &mut returned), 6);
        }
    }
}

#[test]
fn an_instance_without_host_and_callbacks_works() {
    let (_, table) = start(STARTUP, Some("Chair"), 0x100, 0x100);
    // SAFETY: success promises a static table of version 1.
    let functions = unsafe { (*table).Anonymous.V1Functions };
    let name = wide::units("a chair");
    let null: *mut c_void = std::ptr::null_mut();
    // SAFETY: the name is NUL-terminated, there is no key, and the other pointers are NULL or ours.
    unsafe {
        assert!(functions.Open.unwrap()(std::ptr::null(), null, 1).is_null(), "a resource needs a name");
        let id = functions.Open.unwrap()(name.as_ptr(), null, 1);
        assert!(!id.is_null());
        let other = functions.Open.unwrap()(name.as_ptr(), null, 2);
        assert_ne!(id, other, "every instance has a number of its own");
        functions.Close.unwrap()(other);
        assert_eq!(functions.IsAlive.unwrap()(other), 0);
        assert_eq!(functions.IsAlive.unwrap()(id), 1);
        let control = functions.ResourceControl.unwrap();
        let mut output = [0u8; 8];
        let mut returned = 0;
        // A short buffer is told the size; a missing one too; a size without a buffer is refused.
        let class = 0x0100_000D;
        assert_eq!(control(id, class, null, 0, output.as_mut_ptr().cast(), 4, &mut returned), 234);
        assert_eq!(returned, 8);
        assert_eq!(control(id, class, null, 0, null, 0, &mut returned), 234);
        assert_eq!(control(id, class, null, 0, null, 8, &mut returned), 87);
        assert_eq!(control(id, class, null, 1, null, 0, &mut returned), 87);
        assert_eq!(control(id, class, null, 0, output.as_mut_ptr().cast(), 8, std::ptr::null_mut()), 0);
        assert_eq!(functions.Online.unwrap()(id, std::ptr::null_mut()), 997);
        assert_eq!(functions.Offline.unwrap()(id), 997);
        functions.Terminate.unwrap()(id);
        functions.Close.unwrap()(id);
    }
}

#[test]
fn a_bad_host_table_is_refused() {
    use crate::sys::host::HostTable;
    // SAFETY: NULL is allowed and refused.
    assert_eq!(unsafe { crate::door::bind_host(std::ptr::null()) }, 87);
    for (size, version, code) in [(8, 1, 87), (HostTable::EMPTY.size, 0, 1306)] {
        let table = HostTable { size, version, ..HostTable::EMPTY };
        // SAFETY: a table without functions.
        assert_eq!(unsafe { crate::door::bind_host(&table) }, code);
    }
}

#[test]
fn a_key_that_the_host_does_not_know_is_said() {
    let _alone = STARTING.lock().unwrap();
    let driven = crate::door::drive::Driven::startup::<Chair>(&store::TABLE).unwrap();
    let handle = 1_000_000;
    let observer = Observer::new(handle);
    assert_eq!(driven.open("a chair", 0xBAD_0BAD, handle), None);
    assert_eq!(Store::last_error(), 6);
    let log = observer.heard().log.clone();
    assert!(log.iter().any(|(_, line)| line.contains("Open failed: cannot open the key of the resource")), "{log:?}");
    Observer::forget(handle);
}
