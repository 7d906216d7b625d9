//! How `libclusapi` and `libresutils` export functions: one door for all of them, and what stands behind it.
//!
//! A function is written with [`exports!`](crate::exports): its name and C arguments, how it ends, and a body that answers
//! `Result`. The macro makes the exported symbol of it; the door asks the call guard, runs the body, keeps a panic inside,
//! and turns an error into what C programs expect: the code itself, or FALSE, NULL or -1 with the last error set. The same
//! macro lists the functions in a table, with the reason where a function only has a documented error to answer, so that
//! documentation and tests cannot forget one.
//!
//! - [`memory`]: what programs give back with LocalFree.
//! - [`pointers`]: reading and writing through the caller's pointers, with the buffer rules of reference 08.3.

pub mod memory;
pub mod pointers;

use core::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codes::win32::ERROR_INTERNAL_ERROR;

/// A function of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its exported name.
    pub name: &'static str,
    /// Why it can only answer its documented error; empty when it does its work.
    pub refuses: &'static str,
    /// What it does less than on Windows; empty when there is nothing to say.
    pub note: &'static str,
    /// Why it answers its documented error outside of Windows programs, among which it works; empty when it works everywhere or
    /// nowhere.
    pub refuses_elsewhere: &'static str,
}

/// What is particular to one library.
#[derive(Clone, Copy)]
pub struct Door {
    /// May the function work? Called first, with its name.
    pub enter: fn(&'static str) -> Result<(), u32>,
    /// The function is over; called after every `enter` that let it in.
    pub leave: fn(),
    /// Sets the last error of the calling thread.
    pub set_last_error: fn(u32),
}

/// How a function ends in C.
pub trait Ending {
    /// What the body answers.
    type Good;
    /// The C return type.
    type C;
    /// The return value of success.
    fn good(good: Self::Good) -> Self::C;
    /// The return value of an error; `last_error` for functions that do not return the code.
    fn bad(code: u32, last_error: fn(u32)) -> Self::C;
}

/// Declares endings.
macro_rules! endings {
    ($($(#[$doc:meta])* $name:ident: $good:ty => $c:ty, |$value:ident| $ok:expr, |$code:ident, $last:ident| $bad:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Ending for $name {
            type Good = $good;
            type C = $c;

            fn good($value: $good) -> $c {
                $ok
            }

            fn bad($code: u32, $last: fn(u32)) -> $c {
                $bad
            }
        }
    )*};
}

endings! {
    /// A DWORD that is the Win32 code.
    Code: () => u32, |_done| 0, |code, _last| code;
    /// A LONG that is the Win32 code.
    Long: () => i32, |_done| 0, |code, _last| code as i32;
    /// A BOOL; the code is the last error.
    Truth: bool => i32, |value| i32::from(value), |code, last| { last(code); 0 };
    /// A state; -1 with the code as last error.
    State: i32 => i32, |value| value, |code, last| { last(code); -1 };
    /// A count; 0 with the code as last error.
    Count: u32 => u32, |value| value, |code, last| { last(code); 0 };
    /// A handle or pointer; NULL with the code as last error.
    Handle: *mut c_void => *mut c_void, |value| value, |code, last| { last(code); core::ptr::null_mut() };
    /// Text from LocalAlloc; NULL with the code as last error.
    Text: *mut u16 => *mut u16, |value| value, |code, last| { last(code); core::ptr::null_mut() };
    /// Nothing.
    Nothing: () => (), |_done| (), |_code, _last| ();
}

/// Runs the body of an exported function: the only way in and out.
pub fn run<E: Ending>(name: &'static str, door: &Door, body: impl FnOnce() -> Result<E::Good, u32>) -> E::C {
    struct Leave(fn());
    impl Drop for Leave {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let work = AssertUnwindSafe(|| {
        (door.enter)(name)?;
        let _leave = Leave(door.leave);
        body()
    });
    match catch_unwind(work) {
        Ok(Ok(good)) => E::good(good),
        Ok(Err(code)) => E::bad(code, door.set_last_error),
        // A panic must not unwind into C; the message went to the error output.
        Err(_panic) => E::bad(ERROR_INTERNAL_ERROR, door.set_last_error),
    }
}

/// Exports functions and lists them in a table: `exports! { TABLE; fn Name(argument: Type) -> Ending { body } }`.
///
/// `refuses "reason" fn` marks a function that only answers its documented error, `refuses_elsewhere "reason" fn` one that works
/// among Windows programs only, `notes "what" fn` one that does less than on Windows. The calling crate has a `static DOOR: Door`
/// at `crate::DOOR`.
// `crate` is the calling one on purpose: its door.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! exports {
    ($table:ident; $($(#[$doc:meta])* $(refuses $why:literal)? $(refuses_elsewhere $elsewhere:literal)? $(notes $note:literal)? fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $ending:ident $body:block)*) => {
        $(
            $(#[$doc])*
            #[doc = concat!("The exported function `", stringify!($name), "`; `docs/reference/08` says what it does.")]
            ///
            /// # Safety
            /// The caller promises what the header says: each pointer is NULL or valid for the size stated beside it, text
            /// is NUL-terminated, callbacks have the signature of their type.
            #[unsafe(no_mangle)]
            #[allow(non_snake_case, unused_unsafe, clippy::too_many_arguments)]
            pub unsafe extern "system" fn $name($($argument: $type),*) -> <$crate::export::$ending as $crate::export::Ending>::C {
                $crate::export::run::<$crate::export::$ending>(stringify!($name), &crate::DOOR, || {
                    // SAFETY: the caller of this exported function promised valid pointers, as its documentation says;
                    // whatever needs more than that says so where it is done.
                    unsafe { $body }
                })
            }
        )*

        /// The functions of this file.
        pub const $table: &[$crate::export::Export] =
            &[$($crate::export::Export {
                name: stringify!($name),
                refuses: concat!($($why)?),
                note: concat!($($note)?),
                refuses_elsewhere: concat!($($elsewhere)?),
            }),*];
    };
}
