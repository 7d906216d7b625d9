//! Values: a type number and raw bytes, exactly as the Windows registry keeps them.
//!
//! Strings are UTF-16, little endian, with a NUL at the end; a list of strings has a NUL after each and one more at
//! the end. Writers are trusted with nothing: the readers here take strings without their NULs, of odd length and
//! with broken surrogates. The type is only a label, any number is allowed, and data need not fit its type (a DWORD
//! of three bytes can be stored and read back, it just has no number in it), as on Windows.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The type of a value: one of the `REG_*` numbers of Windows, or any other number (reference 06.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueType(pub u32);

impl ValueType {
    /// No type.
    pub const NONE: ValueType = ValueType(0);
    /// A string.
    pub const SZ: ValueType = ValueType(1);
    /// A string with `%VARIABLES%` in it.
    pub const EXPAND_SZ: ValueType = ValueType(2);
    /// Bytes.
    pub const BINARY: ValueType = ValueType(3);
    /// A 32-bit number, little endian.
    pub const DWORD: ValueType = ValueType(4);
    /// A 32-bit number, big endian.
    pub const DWORD_BIG_ENDIAN: ValueType = ValueType(5);
    /// A link, a string.
    pub const LINK: ValueType = ValueType(6);
    /// A list of strings.
    pub const MULTI_SZ: ValueType = ValueType(7);
    /// A 64-bit number, little endian.
    pub const QWORD: ValueType = ValueType(11);
}

/// One value: its type and its raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Value {
    /// The type.
    pub kind: ValueType,
    /// The bytes as on Windows. At most [`crate::limits::VALUE_BYTES`] when stored.
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    pub data: Vec<u8>,
}

impl Value {
    /// A string (`REG_SZ`).
    pub fn sz(text: &str) -> Value {
        Value { kind: ValueType::SZ, data: utf16(text) }
    }

    /// A string with variables to expand (`REG_EXPAND_SZ`).
    pub fn expand_sz(text: &str) -> Value {
        Value { kind: ValueType::EXPAND_SZ, data: utf16(text) }
    }

    /// A 32-bit number (`REG_DWORD`).
    pub fn dword(number: u32) -> Value {
        Value { kind: ValueType::DWORD, data: number.to_le_bytes().to_vec() }
    }

    /// A 64-bit number (`REG_QWORD`).
    pub fn qword(number: u64) -> Value {
        Value { kind: ValueType::QWORD, data: number.to_le_bytes().to_vec() }
    }

    /// Bytes (`REG_BINARY`).
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Value {
        Value { kind: ValueType::BINARY, data: bytes.into() }
    }

    /// A list of strings (`REG_MULTI_SZ`). An empty string would end the list, so empty ones are left out.
    pub fn multi_sz<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
        let mut data = Vec::new();
        for item in items {
            if !item.as_ref().is_empty() {
                data.extend(utf16(item.as_ref()));
            }
        }
        data.extend([0, 0]);
        Value { kind: ValueType::MULTI_SZ, data }
    }

    /// No type and no bytes (`REG_NONE`).
    pub fn none() -> Value {
        Value { kind: ValueType::NONE, data: Vec::new() }
    }

    /// The string of a SZ, EXPAND_SZ or LINK, up to its first NUL; `None` for other types. Broken UTF-16 becomes
    /// U+FFFD.
    pub fn as_sz(&self) -> Option<String> {
        if !matches!(self.kind, ValueType::SZ | ValueType::EXPAND_SZ | ValueType::LINK) {
            return None;
        }
        let units = self.units();
        Some(String::from_utf16_lossy(units.split(|unit| *unit == 0).next().unwrap_or_default()))
    }

    /// The number of a DWORD of four bytes, of either byte order.
    pub fn as_dword(&self) -> Option<u32> {
        let bytes: [u8; 4] = self.data.as_slice().try_into().ok()?;
        match self.kind {
            ValueType::DWORD => Some(u32::from_le_bytes(bytes)),
            ValueType::DWORD_BIG_ENDIAN => Some(u32::from_be_bytes(bytes)),
            _ => None,
        }
    }

    /// The number of a QWORD of eight bytes.
    pub fn as_qword(&self) -> Option<u64> {
        let bytes: [u8; 8] = self.data.as_slice().try_into().ok()?;
        (self.kind == ValueType::QWORD).then(|| u64::from_le_bytes(bytes))
    }

    /// The strings of a MULTI_SZ up to the empty one that ends the list, or to the end of the data.
    pub fn as_multi_sz(&self) -> Option<Vec<String>> {
        if self.kind != ValueType::MULTI_SZ {
            return None;
        }
        let units = self.units();
        let items = units.split(|unit| *unit == 0).take_while(|item| !item.is_empty());
        Some(items.map(String::from_utf16_lossy).collect())
    }

    /// The raw bytes of any type.
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// The data as UTF-16 units; an odd last byte is left out.
    pub(crate) fn units(&self) -> Vec<u16> {
        self.data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    }
}

/// UTF-16, little endian, with a NUL at the end.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Bytes go out as one piece: compact and fast in a binary format.
fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Bytes;
    impl<'de> de::Visitor<'de> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the bytes of a value")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = items.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes)
        }
    }
    deserializer.deserialize_byte_buf(Bytes)
}
