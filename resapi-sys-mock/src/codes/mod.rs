//! Numbers with names: control codes and Win32 errors.
//!
//! Characteristics, classes, flags and states belong to the types that carry them and are in [`crate::abi`].

pub mod control;
pub mod routing;
pub mod win32;
