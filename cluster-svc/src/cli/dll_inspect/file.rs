//! The file of a library, read without running anything of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSymbol};

const CLUSAPI: &str = include_str!("../../../../docs/reference/data/clusapi-functions.csv");
const RESUTILS: &str = include_str!("../../../../docs/reference/data/resutil-functions.csv");

/// How many libraries are followed for their exports.
const MAX_LIBRARIES: usize = 256;
/// How many texts of a file are tried as names of types.
const MAX_TEXTS: usize = 400;
/// Shortest and longest name of a resource type, in characters.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;
/// Exports that are worth telling.
const TOLD_EXPORTS: [&str; 4] = ["Startup", "StartupEx", "WolfdenBindHost", "WolfdenResourceTypes"];

/// What stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Library {
    /// In words.
    pub(super) format: String,
    /// A monitor of this system can load it.
    pub(super) is_native: bool,
    /// A monitor under Wine may be able to.
    pub(super) is_windows: bool,
    /// Those of [`TOLD_EXPORTS`] that it has.
    pub(super) exports: Vec<String>,
    /// The libraries it was linked with.
    pub(super) libraries: Vec<String>,
    /// Those of them that are not found.
    pub(super) missing_libraries: Vec<String>,
    /// What it imports and none of its libraries has.
    pub(super) missing_imports: Vec<String>,
    /// Functions of the cluster API that it calls.
    pub(super) cluster_functions: Vec<String>,
}

/// Reads a file. An error says what it is instead of a library.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Library, String> {
    match object::FileKind::parse(bytes) {
        Ok(object::FileKind::Elf64) => elf(path, bytes),
        Ok(object::FileKind::Pe64) => pe(bytes),
        Ok(object::FileKind::Elf32 | object::FileKind::Pe32) => {
            Err("a library of 32 bits; only those of 64 bits can be used".into())
        }
        Ok(other) => Err(format!("no library of resource types, but {other:?}")),
        Err(_) => Err("no library at all: it has the header of none that is known".into()),
    }
}

fn elf(path: &Path, bytes: &[u8]) -> Result<Library, String> {
    let file = ElfFile64::<Endianness>::parse(bytes).map_err(|error| format!("a damaged library: {error}"))?;
    let own = match std::env::consts::ARCH {
        "x86_64" => object::Architecture::X86_64,
        "aarch64" => object::Architecture::Aarch64,
        _ => object::Architecture::Unknown,
    };
    let is_native = cfg!(target_os = "linux") && file.architecture() == own;
    let exports: BTreeSet<String> = exports_of(&file);
    let libraries = needed(&file);
    let mut library = Library {
        format: format!("ELF, 64 bits, {:?}", file.architecture()),
        is_native,
        exports: TOLD_EXPORTS.iter().filter(|name| exports.contains(**name)).map(|name| (*name).to_owned()).collect(),
        libraries: libraries.clone(),
        ..Library::default()
    };
    // What the libraries have, and the libraries of those.
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (mut waiting, mut seen, mut found) = (libraries, BTreeSet::new(), exports);
    while let Some(name) = waiting.pop().filter(|_| seen.len() < MAX_LIBRARIES) {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(bytes) = places(folder, &name).into_iter().find_map(|place| std::fs::read(place).ok()) else {
            library.missing_libraries.push(name);
            continue;
        };
        if let Ok(file) = ElfFile64::<Endianness>::parse(&*bytes) {
            found.extend(exports_of(&file));
            waiting.extend(needed(&file));
        }
    }
    let imports = file.dynamic_symbols().filter(|s| s.is_undefined() && !s.is_weak());
    let imports: BTreeSet<String> =
        imports.filter_map(|s| s.name().ok()).filter(|n| !n.is_empty()).map(plain).collect();
    library.cluster_functions = imports.iter().filter(|name| is_of_cluster(name)).cloned().collect();
    // With a library missing nobody can say what it would have had.
    if library.missing_libraries.is_empty() && library.is_native {
        library.missing_imports = imports.difference(&found).cloned().collect();
    }
    Ok(library)
}

/// A name without its version.
fn plain(name: &str) -> String {
    name.split('@').next().unwrap_or(name).to_owned()
}

fn exports_of(file: &ElfFile64<'_, Endianness>) -> BTreeSet<String> {
    let symbols = file.dynamic_symbols().filter(|symbol| !symbol.is_undefined());
    symbols.filter_map(|symbol| symbol.name().ok()).map(plain).collect()
}

/// The libraries of the dynamic section.
fn needed(file: &ElfFile64<'_, Endianness>) -> Vec<String> {
    let (endian, data, header) = (file.endian(), file.data(), file.elf_header());
    let mut names = Vec::new();
    let Ok(sections) = header.sections(endian, data) else { return names };
    let Ok(Some((dynamic, link))) = sections.dynamic(endian, data) else { return names };
    let Ok(strings) = sections.strings(endian, data, link) else { return names };
    for entry in dynamic {
        use object::read::elf::Dyn;
        let is_library = entry.tag32(endian) == Some(object::elf::DT_NEEDED);
        if let Some(Ok(name)) = is_library.then(|| entry.string(endian, strings)) {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    names
}

/// Where a library may lie: beside the one that needs it, beside this program, and where the system has them.
fn places(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    folders.extend(std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)));
    if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
        folders.extend(std::env::split_paths(&paths));
    }
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    for root in ["/lib", "/usr/lib", "/usr/local/lib", "/lib64", "/usr/lib64"] {
        folders.push(Path::new(root).join(&triple));
        folders.push(PathBuf::from(root));
    }
    folders.into_iter().map(|folder| folder.join(name)).collect()
}

fn pe(bytes: &[u8]) -> Result<Library, String> {
    let damaged = |error: object::Error| format!("a damaged Windows DLL: {error}");
    let file = object::read::pe::PeFile64::parse(bytes).map_err(damaged)?;
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let exports: Vec<String> = file.exports().map_err(damaged)?.iter().map(|export| text(export.name())).collect();
    let mut library = Library {
        is_windows: true,
        format: format!("Windows DLL, 64 bits, {:?}", file.architecture()),
        exports: TOLD_EXPORTS.iter().filter(|t| exports.iter().any(|e| e == *t)).map(|t| (*t).to_owned()).collect(),
        ..Library::default()
    };
    let (mut libraries, mut functions, mut missing) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for import in file.imports().map_err(damaged)? {
        let (of, name) = (text(import.library()).to_lowercase(), text(import.name()));
        if matches!(of.as_str(), "clusapi.dll" | "resutils.dll") {
            if is_of_cluster(&name) {
                functions.insert(name);
            } else {
                missing.insert(name);
            }
        }
        libraries.insert(of);
    }
    library.libraries = libraries.into_iter().collect();
    library.cluster_functions = functions.into_iter().collect();
    library.missing_imports = missing.into_iter().collect();
    Ok(library)
}

fn is_of_cluster(name: &str) -> bool {
    let rows = CLUSAPI.lines().skip(1).chain(RESUTILS.lines().skip(1));
    rows.filter_map(|row| row.split(',').next()).any(|function| function == name)
}

/// Texts that end with a NUL, of 16-bit characters and then of 8-bit ones: names of resource types are among them.
pub(super) fn texts(bytes: &[u8]) -> Vec<String> {
    let mut found = wide_texts(bytes);
    let narrow = bytes.split(|byte| *byte == 0).filter(|text| NAME_CHARS.contains(&text.len()));
    let narrow: BTreeSet<&[u8]> = narrow.filter(|text| text.iter().all(|byte| (0x20..0x7F).contains(byte))).collect();
    // Symbols of compilers are no names.
    let narrow = narrow.into_iter().filter(|text| !text.starts_with(b"_") && !text.starts_with(b"."));
    found.extend(narrow.take(MAX_TEXTS).map(|text| String::from_utf8_lossy(text).into_owned()));
    found
}

fn wide_texts(bytes: &[u8]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut run = String::new();
    // A text begins at an even place or at an odd one.
    for start in [0, 1] {
        for pair in bytes.get(start..).unwrap_or_default().chunks_exact(2) {
            match (pair[0], pair[1]) {
                (letter @ 0x20..0x7F, 0) => run.push(char::from(letter)),
                (0, 0) if NAME_CHARS.contains(&run.len()) && found.len() < MAX_TEXTS => {
                    found.insert(std::mem::take(&mut run));
                }
                _ => run.clear(),
            }
        }
        run.clear();
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_at_any_place() {
        let wide = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let mut bytes = vec![1, 2, 3];
        bytes.extend(wide("Counter"));
        bytes.push(9);
        bytes.extend(wide("My Type"));
        bytes.extend(wide("x"));
        assert_eq!(wide_texts(&bytes), ["Counter", "My Type"]);
        assert_eq!(wide_texts(&[]), Vec::<String>::new());
        assert_eq!(texts(b"\0Narrow\0_start\0x\0\xFF\xFF\xFF\0"), ["Narrow"]);
    }

    #[test]
    fn what_is_no_library_is_said() {
        for (bytes, words) in [(&b""[..], "no library at all"), (b"#!/bin/sh\n", "no library at all")] {
            let why = read(Path::new("/x"), bytes).expect_err("no library");
            assert!(why.contains(words), "{why}");
        }
        // Cut short after any number of bytes it is an error or a library, and never a panic.
        let own = std::fs::read(std::env::current_exe().expect("a test is a file")).expect("readable");
        for length in [4, 16, 40, 63, 64, 100, 1000, 5000] {
            let _ = read(Path::new("/x"), &own[..length]);
        }
    }

    #[test]
    fn functions_of_the_cluster_api_are_known() {
        assert!(is_of_cluster("OpenCluster") && is_of_cluster("ResUtilGetSzValue") && !is_of_cluster("malloc"));
    }
}
