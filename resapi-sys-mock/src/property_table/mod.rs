//! Property tables: what a resource type says of its private properties, and everything that follows from it
//! (reference 04.4, 08.4).
//!
//! A table is an array of [`RESUTIL_PROPERTY_ITEM`](crate::abi::RESUTIL_PROPERTY_ITEM) in C. [`Table::read`] makes a safe copy
//! of it; all rules are then plain code: which value a property has ([`Table::values`]), what a property list may set
//! ([`Table::verify`]), what is written ([`Table::store`]). The values themselves live below a key of the cluster registry,
//! behind [`Store`]. [`block`] is the parameter block, the structure of a resource DLL that holds the values.

pub mod block;
mod item;
mod rules;

pub use item::{Default, Item, Table};
pub use rules::{Checked, Store, Stored};
