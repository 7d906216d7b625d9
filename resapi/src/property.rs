//! The table of private properties: names, formats, defaults, ranges.
//!
//! A resource type declares its properties once as constants; everything else follows from the table: what the
//! control codes list, what a SET accepts, what a getter returns when nothing is stored (reference 04).
//!
//! ```
//! use resapi::Property;
//! const PROPERTIES: &[Property] = &[
//!     Property::text("CommandLine").required(),
//!     Property::number("Port", 80).range(1, 65535),
//!     Property::list("Aliases"),
//!     Property::text("LastAddress").read_only(),
//! ];
//! # assert_eq!(PROPERTIES.len(), 4);
//! ```

use resapi_sys_mock::abi::{REG_DWORD, REG_EXPAND_SZ};
use resapi_sys_mock::codes::win32::{
    ERROR_CLUSTER_PROPERTY_DATA_TYPE_MISMATCH, ERROR_INVALID_DATA, ERROR_INVALID_PARAMETER,
};
use resapi_sys_mock::host;
use resapi_sys_mock::property_list::{Entry, Format, Value};

use crate::Failure;

/// One private property. Made by the `const` functions below, each of which returns a changed copy.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    pub(crate) is_read_only: bool,
}

/// Format with default and limits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text { default: &'static str },
    Expand { default: &'static str },
    Number { default: u32, minimum: u32, maximum: u32 },
    List,
    Bytes,
}

impl Property {
    /// Text (`REG_SZ`), empty by default.
    pub const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text { default: "" })
    }

    /// Text with `%NAME%` references (`REG_EXPAND_SZ`), empty by default. The getter returns it as stored.
    pub const fn expand(name: &'static str) -> Self {
        Self::new(name, Kind::Expand { default: "" })
    }

    /// A 32-bit number with its default.
    pub const fn number(name: &'static str, default: u32) -> Self {
        Self::new(name, Kind::Number { default, minimum: 0, maximum: u32::MAX })
    }

    /// A list of texts (`REG_MULTI_SZ`), empty by default.
    pub const fn list(name: &'static str) -> Self {
        Self::new(name, Kind::List)
    }

    /// Any bytes (`REG_BINARY`), none by default.
    pub const fn bytes(name: &'static str) -> Self {
        Self::new(name, Kind::Bytes)
    }

    /// Limits of a number, both allowed. Fails to compile on anything but a number and on a default outside.
    pub const fn range(self, minimum: u32, maximum: u32) -> Self {
        match self.kind {
            Kind::Number { default, .. } => {
                assert!(minimum <= default && default <= maximum, "the default is outside of its own range");
                Self { kind: Kind::Number { default, minimum, maximum }, ..self }
            }
            Kind::Text { .. } | Kind::Expand { .. } | Kind::List | Kind::Bytes => panic!("only numbers have a range"),
        }
    }

    /// Default of a text.
    pub const fn or(self, default: &'static str) -> Self {
        match self.kind {
            Kind::Text { .. } => Self { kind: Kind::Text { default }, ..self },
            Kind::Expand { .. } => Self { kind: Kind::Expand { default }, ..self },
            Kind::Number { .. } | Kind::List | Kind::Bytes => panic!("only texts get their default here"),
        }
    }

    /// The resource cannot come online while this property is missing or empty, and it cannot be deleted.
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// Only the resource itself writes this property (with [`crate::Properties::store`]); users see it.
    pub const fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, is_required: false, is_read_only: false }
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name.to_uppercase() == name.to_uppercase()
    }

    pub(crate) fn format(&self) -> Format {
        match self.kind {
            Kind::Text { .. } => Format::Sz,
            Kind::Expand { .. } => Format::ExpandSz,
            Kind::Number { .. } => Format::Dword,
            Kind::List => Format::MultiSz,
            Kind::Bytes => Format::Binary,
        }
    }

    /// The value while nothing is stored.
    pub(crate) fn default_value(&self) -> Value {
        match self.kind {
            Kind::Text { default } => Value::Sz(default.to_owned()),
            Kind::Expand { default } => Value::ExpandSz(default.to_owned()),
            Kind::Number { default, .. } => Value::Dword(default),
            Kind::List => Value::MultiSz(Vec::new()),
            Kind::Bytes => Value::Binary(Vec::new()),
        }
    }

    /// Checks an entry of a SET or VALIDATE list. `None` deletes the value (reference 04.1).
    pub(crate) fn accept(&self, entry: &Entry<'_>) -> Result<Option<Value>, Failure> {
        if self.is_read_only {
            return Err(self.refuse(ERROR_INVALID_PARAMETER, "is read-only: leave it out"));
        }
        if !self.is_own_syntax(entry.syntax) {
            let wanted = format!("has another type: send it as {:?}", self.format());
            return Err(self.refuse(ERROR_CLUSTER_PROPERTY_DATA_TYPE_MISMATCH, &wanted));
        }
        if entry.data.is_empty() {
            if self.is_required {
                return Err(self.refuse(ERROR_INVALID_PARAMETER, "is required and cannot be deleted"));
            }
            return Ok(None);
        }
        let value = entry.value().map_err(|error| self.refuse(ERROR_INVALID_DATA, error.problem))?;
        self.check(&value)?;
        if self.is_required && is_empty(&value) {
            return Err(self.refuse(ERROR_INVALID_PARAMETER, "is required and cannot be empty"));
        }
        Ok(Some(value))
    }

    /// Reads what is stored in the registry; the bytes may be anybody's.
    pub(crate) fn read(&self, stored: &host::Value) -> Result<Value, Failure> {
        let is_other_text = matches!(self.kind, Kind::Text { .. }) && stored.kind == REG_EXPAND_SZ;
        let (own_kind, _) = self.default_value().registry();
        let is_own_kind = stored.kind == own_kind || is_other_text || self.is_text_as(stored.kind);
        if !is_own_kind {
            let problem = format!("is stored as registry type {}, not {own_kind}: set it again", stored.kind);
            return Err(self.refuse(ERROR_CLUSTER_PROPERTY_DATA_TYPE_MISMATCH, &problem));
        }
        let value = Value::from_bytes(self.format().list_value(), &stored.data).ok_or_else(|| {
            let problem = if stored.kind == REG_DWORD {
                "is stored with a wrong size: set it again"
            } else {
                "is stored with half a character: set it again"
            };
            self.refuse(ERROR_INVALID_DATA, problem)
        })?;
        self.check(&value)?;
        Ok(value)
    }

    /// True when an expandable text is stored as plain text.
    fn is_text_as(&self, kind: u32) -> bool {
        matches!(self.kind, Kind::Expand { .. }) && kind == resapi_sys_mock::abi::REG_SZ
    }

    /// The own format; an expandable text is also taken as plain text.
    fn is_own_syntax(&self, syntax: u32) -> bool {
        let is_plain_for_expand = matches!(self.kind, Kind::Expand { .. }) && syntax == Format::Sz.list_value();
        syntax == self.format().list_value() || is_plain_for_expand
    }

    /// Checks format and range of a value that is to be stored.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Failure> {
        match (self.kind, value) {
            (Kind::Number { minimum, maximum, .. }, Value::Dword(number)) => {
                if (minimum..=maximum).contains(number) {
                    return Ok(());
                }
                let problem = format!("is {number}: choose {minimum} to {maximum}");
                Err(self.refuse(ERROR_INVALID_PARAMETER, &problem))
            }
            (Kind::Text { .. }, Value::Sz(_))
            | (Kind::Expand { .. }, Value::ExpandSz(_) | Value::Sz(_))
            | (Kind::List, Value::MultiSz(_))
            | (Kind::Bytes, Value::Binary(_)) => Ok(()),
            (Kind::Text { .. } | Kind::Expand { .. } | Kind::Number { .. } | Kind::List | Kind::Bytes, _) => {
                Err(self.refuse(ERROR_CLUSTER_PROPERTY_DATA_TYPE_MISMATCH, "has another type"))
            }
        }
    }

    /// Refusal that names the property.
    pub(crate) fn refuse(&self, code: u32, problem: &str) -> Failure {
        Failure::new(code, format!("property {} {problem}", self.name))
    }
}

/// True for a value that a required property must not have.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Sz(text) | Value::ExpandSz(text) | Value::ExpandedSz(text) => text.is_empty(),
        Value::MultiSz(list) => list.is_empty(),
        Value::Binary(data) | Value::SecurityDescriptor(data) | Value::Other { data, .. } => data.is_empty(),
        Value::Dword(_)
        | Value::ULargeInteger(_)
        | Value::Long(_)
        | Value::LargeInteger(_)
        | Value::Word(_)
        | Value::FileTime(_) => false,
    }
}
