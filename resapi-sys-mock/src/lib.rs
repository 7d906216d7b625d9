//! The C ABI of the Resource API: types, function tables, codes and property lists.
//!
//! A resource DLL and the Resource Monitor meet at a C interface that Windows fixed in 1997 and has only
//! extended since. This crate is that interface for both sides, on every platform, with the spelling of the
//! real headers, so that somebody who knows `resapi.h` can read it at once:
//!
//! - [`abi`]: types, structures, function pointer types, function tables.
//! - [`codes`]: control codes and Win32 error numbers, with their names.
//! - [`property_list`]: the binary format of properties, safe against any bytes.
//! - [`host`]: what a portable resource library asks of whoever loaded it (cluster registry, events).
//! - [`guard`]: which calls a resource DLL should not make, and how they are noticed.
//! - [`export`]: how libraries export functions to C programs.
//! - [`log_event`]: a C-variadic `LogEvent` that ends in a plain Rust function.
//! - [`property_table`]: what a resource type says of its properties, and the rules that follow.
//! - `rpc` (a feature): what programs that call clusapi say to the Cluster service.
//! - [`wide`]: UTF-16 strings as they cross the interface.
//!
//! The header files for C authors are in `include/`; the tests hold them, this crate and the published
//! bindings of the real headers against each other.

pub mod abi;
pub mod codes;
pub mod export;
pub mod guard;
pub mod host;
pub mod log_event;
pub mod property_list;
pub mod property_table;
#[cfg(feature = "rpc")]
pub mod rpc;
pub mod wide;
