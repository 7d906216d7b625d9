//! Bounded fuzzing of the readers that meet bytes from outside: property lists, `.reg` text, frames of the monitor protocol,
//! dependency expressions.
//!
//! A target takes any bytes and must not panic; what it accepts it must be able to write and read again. Inputs are made
//! from seeds, good ones of each format, by changes drawn from a number, so that a run can be repeated exactly. There is no
//! coverage guidance, so that no nightly compiler and no instrumented build is needed: the formats are small, and their
//! mutations know the sizes and marks that matter. `cargo run --release -p wolfden-fuzz -- --seconds 60`.
#![forbid(unsafe_code)]

pub mod mutation;
pub mod targets;
