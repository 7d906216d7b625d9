//! Looking at a Windows DLL before anything is started for it.
//!
//! What Wine says about a file that it cannot load is one number. Here the file is read first, so that the refusal names what is wrong:
//! another processor, a damaged file, no exports of a resource DLL, a DLL that it needs and that is nowhere.

use std::path::{Path, PathBuf};

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64};

use super::choice::Refused;

/// ERROR_BAD_EXE_FORMAT.
const BAD_FORMAT: u32 = 193;
/// ERROR_MOD_NOT_FOUND.
const MOD_NOT_FOUND: u32 = 126;
/// ERROR_PROC_NOT_FOUND.
const PROC_NOT_FOUND: u32 = 127;

/// The largest file that is looked at, in bytes.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// How many missing DLLs are named.
const MAX_NAMED: usize = 8;

/// Where Wine keeps its own DLLs, below the directory that holds its libraries.
const BUILTIN_DIR: &str = "wine/x86_64-windows";

/// Directories that hold libraries, on the distributions that there are.
const LIBRARY_DIRS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/opt/wine-stable/lib64",
    "/opt/wine-staging/lib64",
    "/opt/wine-devel/lib64",
    "/opt/wine-stable/lib",
    "/opt/wine-staging/lib",
    "/opt/wine-devel/lib",
];

/// Looks at a resource DLL. `places`: where the DLLs that it imports may lie, besides its own directory and Wine.
///
/// # Errors
/// 126, 127 or 193, with words that name the file and the remedy.
pub(crate) fn check(path: &Path, places: &[PathBuf]) -> Result<(), Refused> {
    let bytes = read(path)?;
    let imports = imports(&bytes).map_err(|(code, what)| (code, format!("{} is {what}", path.display())))?;
    let wine: Vec<PathBuf> = LIBRARY_DIRS.iter().map(|dir| Path::new(dir).join(BUILTIN_DIR)).collect();
    // Where Wine keeps its DLLs elsewhere, nothing can be said about what it has.
    if !wine.iter().any(|dir| dir.is_dir()) {
        return Ok(());
    }
    let own = path.parent().map(Path::to_owned);
    let dirs: Vec<PathBuf> = own.into_iter().chain(places.iter().cloned()).chain(wine).collect();
    let names: Vec<String> = dirs.iter().flat_map(|dir| names_in(dir)).collect();
    let mut missing: Vec<String> = imports.into_iter().filter(|name| !is_there(name, &names)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    missing.truncate(MAX_NAMED);
    let text = format!(
        "{} needs {}, which is neither beside it nor part of Wine. Copy it beside the DLL on every node",
        path.display(),
        missing.join(", ")
    );
    Err((MOD_NOT_FOUND, text))
}

fn read(path: &Path) -> Result<Vec<u8>, Refused> {
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

/// The DLLs that an image imports; or what the file is instead of a resource DLL.
fn imports(bytes: &[u8]) -> Result<Vec<String>, (u32, String)> {
    let machine = machine(bytes)?;
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        return Err((BAD_FORMAT, foreign(machine)));
    }
    let damaged = |error: object::read::Error| (BAD_FORMAT, format!("damaged ({error}): copy it again"));
    let file = PeFile64::parse(bytes).map_err(damaged)?;
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
    let exports = file.export_table().map_err(damaged)?;
    let exported: Vec<&[u8]> = match &exports {
        Some(table) => table.name_iter().filter_map(|(name, _)| table.name_from_pointer(name).ok()).collect(),
        None => Vec::new(),
    };
    if !exported.iter().any(|name| [&b"Startup"[..], b"StartupEx"].contains(name)) {
        let text = "a DLL, but not one of resource types: it exports neither Startup nor StartupEx. In C++ declare Startup extern \"C\", or name it in a .def file; in Rust, name the types in resapi::export!";
        return Err((PROC_NOT_FOUND, text.into()));
    }
    let mut names = Vec::new();
    if let Some(table) = file.import_table().map_err(damaged)? {
        let mut descriptors = table.descriptors().map_err(damaged)?;
        while let Some(descriptor) = descriptors.next().map_err(damaged)? {
            let name = table.name(descriptor.name.get(LE)).map_err(damaged)?;
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(names)
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

fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect()
}

fn is_there(import: &str, names: &[String]) -> bool {
    let import = import.to_lowercase();
    // Names of sets of functions, which no file has.
    let is_set = import.starts_with("api-ms-") || import.starts_with("ext-ms-");
    let is_known = |name: &str| names.iter().any(|known| known == name);
    // A name without an ending means .dll.
    is_set || is_known(&import) || (!import.contains('.') && is_known(&format!("{import}.dll")))
}

#[cfg(test)]
mod tests;
