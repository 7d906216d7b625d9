//! Property lists and value lists, the binary format in which properties cross the interface (reference 04.2, 04.3).
//!
//! A *value list* is a row of typed values and an end mark. A *property list* is a count and, for each property,
//! its name followed by a value list. Everything is little endian and padded to four bytes. Control codes carry
//! such lists in both directions, so a reader must expect any bytes: [`parse`] and [`parse_values`] refuse what
//! is malformed with the offset of the trouble and never read beyond the end.
//!
//! ```
//! use resapi_sys_mock::property_list::{self, Value};
//! let bytes = property_list::build([("Priority", Value::Dword(3000)), ("Description", Value::Sz("ab".into()))]);
//! let list = property_list::parse(&bytes).unwrap();
//! assert_eq!(list[0].name, "Priority");
//! assert_eq!(list[0].value(), Ok(Value::Dword(3000)));
//! ```

mod reader;
mod value;
mod writer;

pub use reader::{Entry, ListError, Property, find, parse, parse_values};
pub use value::{Format, Value, syntax};
pub use writer::{build, build_formats, build_lists, build_values};
