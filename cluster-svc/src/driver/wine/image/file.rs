//! Reading the file of a Windows DLL: what it is, what it exports, what it imports.

use std::path::Path;

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, ImageThunkData, ImportThunkList, PeFile64};

use super::{BAD_FORMAT, MOD_NOT_FOUND, PROC_NOT_FOUND};
use crate::driver::wine::choice::Refused;

/// The largest file that is looked at, in bytes.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// How many functions an image may import: far more than any has, and soon read.
const MAX_IMPORTS: usize = 65_536;

/// How many DLLs an image may load when it calls them: far more than any does.
const MAX_DELAYED: usize = 4_096;

/// The attribute of a delayed import whose addresses are relative to the image, as those of all compilers are since 2003.
const RELATIVE: u32 = 1;

/// What an image imports of one DLL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// As it is written in the image.
    pub(super) dll: String,
    pub(super) functions: Vec<Function>,
}

/// Name, if it has one, and number of an exported function.
pub(super) type Exported<'a> = (Option<&'a [u8]>, u32);

/// An imported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Name(String),
    Number(u16),
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Function::Name(name) => f.write_str(name),
            Function::Number(number) => write!(f, "number {number}"),
        }
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refused> {
    let unreadable = |error: std::io::Error| {
        let text =
            format!("{} cannot be read: {error}. Let the account of the Cluster service read it", path.display());
        (MOD_NOT_FOUND, text)
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err((BAD_FORMAT, format!("{} has {length} bytes; a DLL may have {MAX_FILE_BYTES}", path.display())));
    }
    std::fs::read(path).map_err(unreadable)
}

fn damaged(error: object::read::Error) -> (u32, String) {
    (BAD_FORMAT, format!("damaged ({error}): copy it again"))
}

/// The headers of an image for this processor; or what the file is instead.
pub(super) fn parse(bytes: &[u8]) -> Result<PeFile64<'_>, (u32, String)> {
    let machine = machine(bytes)?;
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        return Err((BAD_FORMAT, foreign(machine)));
    }
    PeFile64::parse(bytes).map_err(damaged)
}

/// Name and number of each exported function.
pub(super) fn exports<'a>(file: &PeFile64<'a>) -> Result<Vec<Exported<'a>>, (u32, String)> {
    let Some(table) = file.export_table().map_err(damaged)? else { return Ok(Vec::new()) };
    let exports = table.exports().map_err(damaged)?;
    Ok(exports.into_iter().map(|export| (export.name, export.ordinal)).collect())
}

/// What an image imports; or what the file is instead of a resource DLL.
pub(super) fn imports(bytes: &[u8]) -> Result<Vec<Import>, (u32, String)> {
    let file = parse(bytes)?;
    let header = file.nt_headers();
    if header.file_header().characteristics.get(LE) & pe::IMAGE_FILE_DLL == 0 {
        return Err((BAD_FORMAT, "a program, not a DLL; register the DLL of the resource type".into()));
    }
    let entry = usize::from(u8::try_from(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR).unwrap_or(u8::MAX));
    if file.data_directories().get(entry).is_some_and(|directory| directory.size.get(LE) > 0) {
        return Err((BAD_FORMAT, "a .NET assembly; a resource DLL is native code".into()));
    }
    for section in file.section_table().iter() {
        let (from, size) = section.pe_file_range();
        if u64::from(from) + u64::from(size) > bytes.len() as u64 {
            return Err((BAD_FORMAT, "cut short: a section lies behind its end. Copy it again".into()));
        }
    }
    if u64::from(header.optional_header().size_of_headers()) > bytes.len() as u64 {
        return Err((BAD_FORMAT, "cut short: it ends inside its headers. Copy it again".into()));
    }
    let is_door = |name: &[u8]| name == b"Startup" || name == b"StartupEx";
    if !exports(&file)?.iter().any(|(name, _)| name.is_some_and(is_door)) {
        let text = "a DLL, but not one of resource types: it exports neither Startup nor StartupEx. In C++ declare Startup extern \"C\", or name it in a .def file; in Rust, name the types in resapi::export!";
        return Err((PROC_NOT_FOUND, text.into()));
    }
    imported(&file)
}

/// What any image imports.
pub(super) fn imported(file: &PeFile64<'_>) -> Result<Vec<Import>, (u32, String)> {
    let mut imports = Vec::new();
    let mut count = 0;
    if let Some(table) = file.import_table().map_err(damaged)? {
        let mut descriptors = table.descriptors().map_err(damaged)?;
        while let Some(descriptor) = descriptors.next().map_err(damaged)? {
            let name = table.name(descriptor.name.get(LE)).map_err(damaged)?;
            // Linkers leave the first table of names out at times; the second has them until the image is loaded.
            let first = descriptor.original_first_thunk.get(LE);
            let place = if first == 0 { descriptor.first_thunk.get(LE) } else { first };
            let thunks = table.thunks(place).map_err(damaged)?;
            let functions = functions(thunks, &mut count, |address| table.hint_name(address).map(|(_, name)| name))?;
            imports.push(Import { dll: String::from_utf8_lossy(name).into_owned(), functions });
        }
    }
    Ok(imports)
}

/// What an image loads only when it calls it. Tables that cannot be read are none: the image can be loaded without them.
pub(super) fn delayed(bytes: &[u8]) -> Vec<Import> {
    let mut imports = Vec::new();
    let Ok(file) = parse(bytes) else { return imports };
    let table = file.data_directories().delay_load_import_table(file.data(), &file.section_table());
    let Ok(Some(table)) = table else { return imports };
    let Ok(mut descriptors) = table.descriptors() else { return imports };
    let mut count = 0;
    while let Ok(Some(descriptor)) = descriptors.next() {
        if descriptor.attributes.get(LE) & RELATIVE == 0 || imports.len() >= MAX_DELAYED {
            break;
        }
        let Ok(name) = table.name(descriptor.dll_name_rva.get(LE)) else { break };
        let Ok(thunks) = table.thunks(descriptor.import_name_table_rva.get(LE)) else { break };
        let named = |address| table.hint_name(address).map(|(_, name)| name);
        let Ok(functions) = functions(thunks, &mut count, named) else { break };
        imports.push(Import { dll: String::from_utf8_lossy(name).into_owned(), functions });
    }
    imports
}

/// The functions of one DLL. `count` grows by them, and is limited.
fn functions<'a>(
    mut thunks: ImportThunkList<'a>,
    count: &mut usize,
    name: impl Fn(u32) -> Result<&'a [u8], object::read::Error>,
) -> Result<Vec<Function>, (u32, String)> {
    let mut functions = Vec::new();
    while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>().map_err(damaged)? {
        *count += 1;
        if *count > MAX_IMPORTS {
            return Err((BAD_FORMAT, format!("damaged (more than {MAX_IMPORTS} imports): copy it again")));
        }
        functions.push(if thunk.is_ordinal() {
            Function::Number(thunk.ordinal())
        } else {
            let name = name(thunk.address()).map_err(damaged)?;
            Function::Name(String::from_utf8_lossy(name).into_owned())
        });
    }
    Ok(functions)
}

/// For which processor an image is, read from its first headers alone.
fn machine(bytes: &[u8]) -> Result<u16, (u32, String)> {
    if !bytes.starts_with(b"MZ") {
        let what = if bytes.starts_with(b"\x7fELF") {
            "a library of Linux, not a Windows DLL; register it under a name that does not end in .dll"
        } else {
            "no Windows DLL at all"
        };
        return Err((BAD_FORMAT, what.into()));
    }
    let four = |at: usize| bytes.get(at..at.checked_add(4)?).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let place = four(0x3c).map(|place| u32::from_le_bytes(place) as usize);
    let found = place.and_then(|place| {
        let signature = four(place)?;
        let machine = bytes.get(place + 4..place + 6).and_then(|two| <[u8; 2]>::try_from(two).ok())?;
        (&signature == b"PE\0\0").then(|| u16::from_le_bytes(machine))
    });
    found.ok_or_else(|| (BAD_FORMAT, "no Windows DLL, or damaged: it has no PE header".into()))
}

fn foreign(machine: u16) -> String {
    let which = match machine {
        pe::IMAGE_FILE_MACHINE_I386 => "a 32-bit DLL (x86)".to_owned(),
        pe::IMAGE_FILE_MACHINE_ARM64 => "a DLL for ARM64".to_owned(),
        pe::IMAGE_FILE_MACHINE_ARMNT => "a DLL for 32-bit ARM".to_owned(),
        pe::IMAGE_FILE_MACHINE_IA64 => "a DLL for Itanium".to_owned(),
        other => format!("a DLL for another processor (machine {other:#06x})"),
    };
    format!("{which}; only 64-bit DLLs for x86-64 can be hosted. Build it for x64")
}
