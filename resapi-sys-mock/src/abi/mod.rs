//! Types and function tables of `resapi.h`, in C spelling.
//!
//! Everything here is layout: no behaviour, no checks. A reader who comes from C finds the names of the header;
//! a reader who does not should start with [`CLRES_V1_FUNCTIONS`], the eleven functions that every resource
//! type implements, and [`PSTARTUP_ROUTINE`], the one function by which a monitor gets them (reference 01.2).
//!
//! A `WCHAR` has 16 bits on every platform here, unlike `wchar_t` on Linux.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]

mod cluster;
mod constants;
mod routines;
mod structures;
mod tables;
mod types;

pub use cluster::*;
pub use constants::*;
pub use routines::*;
pub use structures::*;
pub use tables::*;
pub use types::*;
