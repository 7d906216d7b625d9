//! The variadic `LogEvent` as a C author calls it, from the first argument to the finished line.

use std::sync::Mutex;

use resapi_sys_mock::abi::LOG_WARNING;
use resapi_sys_mock::log_event::{LOG_EVENT, set_sink};
use resapi_sys_mock::wide;

static LINES: Mutex<Vec<(isize, i32, String)>> = Mutex::new(Vec::new());

#[test]
fn inserts_of_every_kind_arrive() {
    set_sink(|handle, level, line| LINES.lock().unwrap().push((handle, level, line.to_owned())));
    let name = wide::units("Größe");
    let call = |format: &str| wide::units(format);
    let formats =
        ["nothing", "%1", "%2!u! %1", "%1!*.*s!|%4!d!", "%1!hs! 100%%", "%1 %2 %3 %4 %5 %6 %7 %8 %9 %10!u!"].map(call);
    // SAFETY: every format is NUL-terminated and followed by the inserts that it asks for; NULL is allowed.
    unsafe {
        LOG_EVENT(1, LOG_WARNING, formats[0].as_ptr());
        LOG_EVENT(2, LOG_WARNING, formats[1].as_ptr(), name.as_ptr());
        LOG_EVENT(3, LOG_WARNING, formats[2].as_ptr(), name.as_ptr(), 5007u32);
        LOG_EVENT(4, LOG_WARNING, formats[3].as_ptr(), 6u32, 2u32, name.as_ptr(), -3i32);
        LOG_EVENT(5, LOG_WARNING, formats[4].as_ptr(), c"narrow".as_ptr());
        let n = name.as_ptr();
        LOG_EVENT(6, LOG_WARNING, formats[5].as_ptr(), n, n, n, n, n, n, n, n, n, 10u32);
        LOG_EVENT(7, LOG_WARNING, std::ptr::null());
        LOG_EVENT(8, LOG_WARNING, formats[1].as_ptr(), std::ptr::null::<u16>());
    }
    let lines = LINES.lock().unwrap();
    let texts: Vec<_> = lines.iter().map(|(_, _, line)| line.as_str()).collect();
    let nine = ["Größe"; 9].join(" ");
    let ten = format!("{nine} 10");
    assert_eq!(texts, ["nothing", "Größe", "5007 Größe", "    Gr|-3", "narrow 100%", &ten, "", "(null)"]);
    assert_eq!(lines.iter().map(|(handle, _, _)| *handle).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(lines.iter().all(|(_, level, _)| *level == LOG_WARNING));
}
