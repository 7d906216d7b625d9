//! Values of property lists: their formats, their syntax numbers and their bytes.

use crate::abi::{REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ};
use crate::wide;

/// `CLUSPROP_SYNTAX_*`: format in the low half, type in the high half (reference 04.2).
pub mod syntax {
    /// End of a value list.
    pub const ENDMARK: u32 = 0;
    /// Name of a property.
    pub const NAME: u32 = 0x0004_0003;
    /// Class of a resource, in a list of required dependencies.
    pub const RESCLASS: u32 = 0x0002_0002;
    /// Type half of the ordinary values, `CLUSPROP_TYPE_LIST_VALUE`.
    pub const LIST_VALUE: u32 = 0x0001_0000;
    /// Signature of a disk.
    pub const DISK_SIGNATURE: u32 = 0x0005_0002;
    /// Address of a disk on its bus.
    pub const SCSI_ADDRESS: u32 = 0x0006_0002;
    /// Number of a disk.
    pub const DISK_NUMBER: u32 = 0x0007_0002;
    /// Partition with device name, label and file system.
    pub const PARTITION_INFO: u32 = 0x0008_0001;
    /// Fault tolerant set.
    pub const FTSET_INFO: u32 = 0x0009_0001;
    /// Serial number of a disk.
    pub const DISK_SERIALNUMBER: u32 = 0x000A_0003;
    /// GUID of a disk.
    pub const DISK_GUID: u32 = 0x000B_0003;
    /// Bytes of a disk.
    pub const DISK_SIZE: u32 = 0x000C_0006;
    /// Partition with sizes.
    pub const PARTITION_INFO_EX: u32 = 0x000D_0001;
    /// Partition with GUID.
    pub const PARTITION_INFO_EX2: u32 = 0x000E_0001;
    /// Device identification of storage.
    pub const STORAGE_DEVICE_ID_DESCRIPTOR: u32 = 0x000F_0001;
}

/// `CLUSPROP_FORMAT_*`: how the bytes of a value are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Format {
    /// Not known.
    Unknown = 0,
    /// Any bytes.
    Binary = 1,
    /// 32-bit unsigned.
    Dword = 2,
    /// Text.
    Sz = 3,
    /// Text with `%NAME%` references.
    ExpandSz = 4,
    /// List of texts.
    MultiSz = 5,
    /// 64-bit unsigned.
    ULargeInteger = 6,
    /// 32-bit signed.
    Long = 7,
    /// Text whose references were replaced.
    ExpandedSz = 8,
    /// Self-relative security descriptor.
    SecurityDescriptor = 9,
    /// 64-bit signed.
    LargeInteger = 10,
    /// 16-bit unsigned.
    Word = 11,
    /// 100 ns units since 1601.
    FileTime = 12,
    /// A value list.
    ValueList = 13,
    /// A property list.
    PropertyList = 14,
}

impl Format {
    /// All formats with a number below `CLUSPROP_FORMAT_USER`.
    pub const ALL: [Self; 15] = [
        Self::Unknown,
        Self::Binary,
        Self::Dword,
        Self::Sz,
        Self::ExpandSz,
        Self::MultiSz,
        Self::ULargeInteger,
        Self::Long,
        Self::ExpandedSz,
        Self::SecurityDescriptor,
        Self::LargeInteger,
        Self::Word,
        Self::FileTime,
        Self::ValueList,
        Self::PropertyList,
    ];

    /// The format with a number; `None` for user-defined and unknown ones.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|format| *format as u16 == number)
    }

    /// Syntax of an ordinary value of this format.
    pub const fn list_value(self) -> u32 {
        syntax::LIST_VALUE | self as u32
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any bytes.
    Binary(Vec<u8>),
    /// 32-bit unsigned.
    Dword(u32),
    /// Text.
    Sz(String),
    /// Text with `%NAME%` references.
    ExpandSz(String),
    /// Text whose references were replaced.
    ExpandedSz(String),
    /// List of texts.
    MultiSz(Vec<String>),
    /// 64-bit unsigned.
    ULargeInteger(u64),
    /// 32-bit signed.
    Long(i32),
    /// 64-bit signed.
    LargeInteger(i64),
    /// 16-bit unsigned.
    Word(u16),
    /// 100 ns units since 1601.
    FileTime(u64),
    /// Self-relative security descriptor.
    SecurityDescriptor(Vec<u8>),
    /// Anything else, by its syntax: storage descriptions, user-defined formats, resource classes.
    Other {
        /// `CLUSPROP_SYNTAX_*`.
        syntax: u32,
        /// The bytes.
        data: Vec<u8>,
    },
}

impl Value {
    /// The syntax number written before the value.
    pub fn syntax(&self) -> u32 {
        let format = match self {
            Self::Binary(_) => Format::Binary,
            Self::Dword(_) => Format::Dword,
            Self::Sz(_) => Format::Sz,
            Self::ExpandSz(_) => Format::ExpandSz,
            Self::ExpandedSz(_) => Format::ExpandedSz,
            Self::MultiSz(_) => Format::MultiSz,
            Self::ULargeInteger(_) => Format::ULargeInteger,
            Self::Long(_) => Format::Long,
            Self::LargeInteger(_) => Format::LargeInteger,
            Self::Word(_) => Format::Word,
            Self::FileTime(_) => Format::FileTime,
            Self::SecurityDescriptor(_) => Format::SecurityDescriptor,
            Self::Other { syntax, .. } => return *syntax,
        };
        format.list_value()
    }

    /// The bytes written after the header, without padding.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Binary(data) | Self::SecurityDescriptor(data) | Self::Other { data, .. } => data.clone(),
            Self::Dword(number) => number.to_le_bytes().to_vec(),
            Self::Long(number) => number.to_le_bytes().to_vec(),
            Self::Word(number) => number.to_le_bytes().to_vec(),
            Self::ULargeInteger(number) | Self::FileTime(number) => number.to_le_bytes().to_vec(),
            Self::LargeInteger(number) => number.to_le_bytes().to_vec(),
            Self::Sz(text) | Self::ExpandSz(text) | Self::ExpandedSz(text) => wide::bytes(text),
            Self::MultiSz(list) => wide::list_bytes(list.iter().map(String::as_str)),
        }
    }

    /// Reads the bytes of a value. `None` when their number does not fit the format.
    ///
    /// Text may lack its NUL and ends at the first one. A list value without bytes means "delete this value"
    /// (reference 04.1); for text that reads as empty, so look at the length of the entry first.
    pub fn from_bytes(syntax: u32, data: &[u8]) -> Option<Self> {
        let is_list_value = syntax & 0xFFFF_0000 == syntax::LIST_VALUE;
        let format = is_list_value.then(|| Format::from_number(syntax as u16)).flatten();
        Some(match format {
            Some(Format::Binary) => Self::Binary(data.to_vec()),
            Some(Format::Dword) => Self::Dword(u32::from_le_bytes(data.try_into().ok()?)),
            Some(Format::Sz) => Self::Sz(wide::text(data)?),
            Some(Format::ExpandSz) => Self::ExpandSz(wide::text(data)?),
            Some(Format::ExpandedSz) => Self::ExpandedSz(wide::text(data)?),
            Some(Format::MultiSz) => Self::MultiSz(wide::list(data)?),
            Some(Format::ULargeInteger) => Self::ULargeInteger(u64::from_le_bytes(data.try_into().ok()?)),
            Some(Format::Long) => Self::Long(i32::from_le_bytes(data.try_into().ok()?)),
            Some(Format::LargeInteger) => Self::LargeInteger(i64::from_le_bytes(data.try_into().ok()?)),
            Some(Format::Word) => Self::Word(u16::from_le_bytes(data.try_into().ok()?)),
            Some(Format::FileTime) => Self::FileTime(u64::from_le_bytes(data.try_into().ok()?)),
            Some(Format::SecurityDescriptor) => Self::SecurityDescriptor(data.to_vec()),
            Some(Format::Unknown | Format::ValueList | Format::PropertyList) | None => {
                Self::Other { syntax, data: data.to_vec() }
            }
        })
    }

    /// Registry type and bytes under which the value is stored in the cluster registry.
    pub fn registry(&self) -> (u32, Vec<u8>) {
        let kind = match self {
            Self::Binary(_) | Self::SecurityDescriptor(_) | Self::Other { .. } => REG_BINARY,
            Self::Dword(_) | Self::Long(_) => REG_DWORD,
            Self::Word(number) => return (REG_DWORD, u32::from(*number).to_le_bytes().to_vec()),
            Self::Sz(_) | Self::ExpandedSz(_) => REG_SZ,
            Self::ExpandSz(_) => REG_EXPAND_SZ,
            Self::MultiSz(_) => REG_MULTI_SZ,
            Self::ULargeInteger(_) | Self::LargeInteger(_) | Self::FileTime(_) => REG_QWORD,
        };
        (kind, self.bytes())
    }

    /// The value under which a registry value is shown when no table knows its format (reference 01.8, default
    /// processing). `None` when the bytes do not fit the registry type.
    pub fn from_registry(kind: u32, data: &[u8]) -> Option<Self> {
        let format = match kind {
            REG_SZ => Format::Sz,
            REG_EXPAND_SZ => Format::ExpandSz,
            REG_MULTI_SZ => Format::MultiSz,
            REG_DWORD => Format::Dword,
            REG_QWORD => Format::ULargeInteger,
            _ => Format::Binary,
        };
        Self::from_bytes(format.list_value(), data)
    }
}
