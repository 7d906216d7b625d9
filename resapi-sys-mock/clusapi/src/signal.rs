//! What a program waits for beside a notification port: a handle that is up while events wait.
//!
//! On Windows an event of the system, which WaitForSingleObject takes. Elsewhere a descriptor that poll finds readable.

use resapi_sys_mock::abi::HANDLE;

#[cfg(not(windows))]
pub(crate) use descriptor::Signal;
#[cfg(windows)]
pub(crate) use event::Signal;

#[cfg(not(windows))]
mod descriptor {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::HANDLE;

    pub(crate) struct Signal {
        end: UnixStream,
        other_end: UnixStream,
    }

    impl Signal {
        /// A signal that is down; `None` when the system has no room.
        pub(crate) fn new() -> Option<Signal> {
            let (end, other_end) = UnixStream::pair().ok()?;
            end.set_nonblocking(true).ok()?;
            other_end.set_nonblocking(true).ok()?;
            Some(Signal { end, other_end })
        }

        /// The descriptor.
        pub(crate) fn handle(&self) -> HANDLE {
            self.end.as_raw_fd() as usize as HANDLE
        }

        pub(crate) fn raise(&self) {
            // Full means that it is readable already.
            let _ = (&self.other_end).write(&[1]);
        }

        pub(crate) fn lower(&self) {
            // Empties the socket; "nothing there" ends it.
            while (&self.end).read(&mut [0; 16]).is_ok_and(|read| read > 0) {}
        }
    }
}

#[cfg(windows)]
mod event {
    use core::ffi::c_void;

    use resapi_sys_mock::abi::{BOOL, LPCWSTR};

    use super::HANDLE;

    #[link(name = "kernel32", kind = "raw-dylib")]
    unsafe extern "system" {
        fn CreateEventW(security: *mut c_void, manual_reset: BOOL, initial_state: BOOL, name: LPCWSTR) -> HANDLE;
        fn SetEvent(event: HANDLE) -> BOOL;
        fn ResetEvent(event: HANDLE) -> BOOL;
        fn CloseHandle(handle: HANDLE) -> BOOL;
    }

    pub(crate) struct Signal(usize);

    impl Signal {
        /// A signal that is down; `None` when the system has no room.
        pub(crate) fn new() -> Option<Signal> {
            // SAFETY: no security, manual reset, not signalled, no name.
            let event = unsafe { CreateEventW(core::ptr::null_mut(), 1, 0, core::ptr::null()) };
            (!event.is_null()).then_some(Signal(event as usize))
        }

        /// The event.
        pub(crate) fn handle(&self) -> HANDLE {
            self.0 as HANDLE
        }

        pub(crate) fn raise(&self) {
            // SAFETY: a live event of ours.
            unsafe { SetEvent(self.handle()) };
        }

        pub(crate) fn lower(&self) {
            // SAFETY: a live event of ours.
            unsafe { ResetEvent(self.handle()) };
        }
    }

    impl Drop for Signal {
        fn drop(&mut self) {
            // SAFETY: made by us, closed once.
            unsafe { CloseHandle(self.handle()) };
        }
    }
}
