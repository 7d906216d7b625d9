//! Looking at a Windows DLL before anything is started for it.
//!
//! What Wine says about a file that it cannot load is one number. Here the file is read first, so that the refusal names what is wrong:
//! another processor, a damaged file, no exports of a resource DLL, a DLL that it needs and that is nowhere.

use std::path::{Path, PathBuf};

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, ImageThunkData, PeFile64};

use super::choice::Refused;

/// ERROR_BAD_EXE_FORMAT.
const BAD_FORMAT: u32 = 193;
/// ERROR_MOD_NOT_FOUND.
const MOD_NOT_FOUND: u32 = 126;
/// ERROR_PROC_NOT_FOUND.
const PROC_NOT_FOUND: u32 = 127;

/// The largest file that is looked at, in bytes.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// How many functions an image may import: far more than any has, and soon read.
const MAX_IMPORTS: usize = 65_536;

/// How many missing DLLs or functions are named.
const MAX_NAMED: usize = 8;

/// The libraries of the cluster API, which are ours whatever else lies about under their names.
const OURS: [&str; 2] = ["clusapi.dll", "resutils.dll"];

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

/// What an image imports of one DLL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// As it is written in the image.
    dll: String,
    functions: Vec<Function>,
}

/// Name, if it has one, and number of an exported function.
type Exported<'a> = (Option<&'a [u8]>, u32);

/// An imported function.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Function {
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

/// Looks at a resource DLL. `ours`: the directory with our libraries of the cluster API; `places`: where other DLLs that it
/// imports may lie, besides its own directory and Wine.
///
/// # Errors
/// 126, 127 or 193, with words that name the file and the remedy.
pub(crate) fn check(path: &Path, ours: &Path, places: &[PathBuf]) -> Result<(), Refused> {
    let bytes = read(path)?;
    let imports = imports(&bytes).map_err(|(code, what)| (code, format!("{} is {what}", path.display())))?;
    let wine: Vec<PathBuf> = LIBRARY_DIRS.iter().map(|dir| Path::new(dir).join(BUILTIN_DIR)).collect();
    let own: Vec<PathBuf> = path.parent().into_iter().map(Path::to_owned).collect();
    let names_of = |dirs: &[PathBuf]| dirs.iter().flat_map(|dir| names_in(dir)).collect::<Vec<String>>();
    // Where Wine keeps its DLLs elsewhere, nothing can be said about what it has.
    if wine.iter().any(|dir| dir.is_dir()) {
        let names = names_of(&[&own[..], &[ours.to_owned()], places, &wine].concat());
        let mut missing: Vec<&str> =
            imports.iter().map(|import| import.dll.as_str()).filter(|name| !is_there(name, &names)).collect();
        if !missing.is_empty() {
            missing.truncate(MAX_NAMED);
            let text = format!(
                "{} needs {}, which is neither beside it nor part of Wine. Copy it beside the DLL on every node",
                path.display(),
                missing.join(", ")
            );
            return Err((MOD_NOT_FOUND, text));
        }
    }
    imports.iter().try_for_each(|import| has_functions(path, import, ours, &own))
}

/// Whether the DLL from which functions are imported has them, when it is ours or lies beside the one that imports. What Wine's own
/// DLLs lack is no reason to refuse: Wine ends a program only when it calls such a function.
fn has_functions(path: &Path, import: &Import, ours: &Path, own: &[PathBuf]) -> Result<(), Refused> {
    let name = file_name_of(&import.dll);
    let is_ours = OURS.contains(&name.as_str());
    let dirs = if is_ours { std::slice::from_ref(&ours) } else { &[] };
    let found = dirs.iter().copied().chain(own.iter().map(PathBuf::as_path)).find_map(|dir| file_in(dir, &name));
    let Some(file) = found else { return Ok(()) };
    let bytes = read(&file)?;
    let exported = parse(&bytes)
        .and_then(|image| exports(&image))
        .map_err(|(code, what)| (code, format!("{} needs {}, which is {what}", path.display(), file.display())))?;
    let has = |function: &&Function| match function {
        Function::Name(wanted) => exported.iter().any(|(name, _)| name.as_deref() == Some(wanted.as_bytes())),
        // The numbers of our functions are not those of the real ones.
        Function::Number(wanted) => !is_ours && exported.iter().any(|(_, number)| *number == u32::from(*wanted)),
    };
    let missing: Vec<String> =
        import.functions.iter().filter(|function| !has(function)).take(MAX_NAMED).map(Function::to_string).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let remedy = if is_ours {
        "It calls the cluster API by a name that no version of Windows documents, or by number; link it with the import library of the SDK"
    } else {
        "The two are of different versions: copy both from the same place"
    };
    let text = format!(
        "{} imports {} from {}, which does not export it. {remedy}",
        path.display(),
        missing.join(", "),
        file.display()
    );
    Err((PROC_NOT_FOUND, text))
}

/// The name of the file of an imported DLL: without an ending it means .dll.
fn file_name_of(dll: &str) -> String {
    let name = dll.to_lowercase();
    if name.contains('.') { name } else { format!("{name}.dll") }
}

fn file_in(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?;
    let mut files = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().to_lowercase() == name);
    files.next().map(|entry| entry.path())
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

fn damaged(error: object::read::Error) -> (u32, String) {
    (BAD_FORMAT, format!("damaged ({error}): copy it again"))
}

/// The headers of an image for this processor; or what the file is instead.
fn parse(bytes: &[u8]) -> Result<PeFile64<'_>, (u32, String)> {
    let machine = machine(bytes)?;
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        return Err((BAD_FORMAT, foreign(machine)));
    }
    PeFile64::parse(bytes).map_err(damaged)
}

/// Name and number of each exported function.
fn exports<'a>(file: &PeFile64<'a>) -> Result<Vec<Exported<'a>>, (u32, String)> {
    let Some(table) = file.export_table().map_err(damaged)? else { return Ok(Vec::new()) };
    let exports = table.exports().map_err(damaged)?;
    Ok(exports.into_iter().map(|export| (export.name, export.ordinal)).collect())
}

/// What an image imports; or what the file is instead of a resource DLL.
fn imports(bytes: &[u8]) -> Result<Vec<Import>, (u32, String)> {
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
    let mut imports = Vec::new();
    let mut count = 0;
    if let Some(table) = file.import_table().map_err(damaged)? {
        let mut descriptors = table.descriptors().map_err(damaged)?;
        while let Some(descriptor) = descriptors.next().map_err(damaged)? {
            let name = table.name(descriptor.name.get(LE)).map_err(damaged)?;
            // Linkers leave the first table of names out at times; the second has them until the image is loaded.
            let first = descriptor.original_first_thunk.get(LE);
            let place = if first == 0 { descriptor.first_thunk.get(LE) } else { first };
            let mut thunks = table.thunks(place).map_err(damaged)?;
            let mut functions = Vec::new();
            while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>().map_err(damaged)? {
                count += 1;
                if count > MAX_IMPORTS {
                    return Err((BAD_FORMAT, format!("damaged (more than {MAX_IMPORTS} imports): copy it again")));
                }
                functions.push(if thunk.is_ordinal() {
                    Function::Number(thunk.ordinal())
                } else {
                    let (_, name) = table.hint_name(thunk.address()).map_err(damaged)?;
                    Function::Name(String::from_utf8_lossy(name).into_owned())
                });
            }
            imports.push(Import { dll: String::from_utf8_lossy(name).into_owned(), functions });
        }
    }
    Ok(imports)
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
    let import = file_name_of(import);
    // Names of sets of functions, which no file has.
    let is_set = import.starts_with("api-ms-") || import.starts_with("ext-ms-");
    is_set || names.contains(&import)
}

#[cfg(test)]
mod tests;
