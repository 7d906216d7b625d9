//! Loading a native library: finding the file, seeing what it is, and its two exports.
//!
//! This is the only file that names libloading. A library is never unloaded: threads of its own may still run in it. What
//! is wrong with a file is said in words that name the file and the remedy, with the Win32 code that Windows has for it.

#[cfg(any(test, not(windows)))]
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use resapi_sys_mock::abi::{LPCWSTR, STARTUP_EX_ROUTINE, STARTUP_ROUTINE};
use resapi_sys_mock::codes::win32::{ERROR_MOD_NOT_FOUND, ERROR_PROC_NOT_FOUND, ERROR_SUCCESS};
use resapi_sys_mock::host::BIND_ROUTINE;
use resapi_sys_mock::{guard, wide};

use super::inspect::TYPES_EXPORT;
use super::provider::{LoadError, Startup};
use super::{door, host};
use crate::clock::lock;
use crate::protocol::LogLevel;

/// The file is no library for this system (Win32 193, which the cluster's own table of errors does not have).
pub(crate) const ERROR_BAD_EXE_FORMAT: u32 = 193;

/// A directory with resource libraries, searched for bare names.
#[cfg(not(windows))]
pub(crate) const DLL_DIR_VARIABLE: &str = "WOLFDEN_DLL_DIR";

/// The folder beside the executable in which bare names are searched first.
#[cfg(any(test, not(windows)))]
const RESOURCES_DIR: &str = "resources";

/// How many types a library may list.
const MAX_LISTED_TYPES: usize = 256;

/// How much of a file is read to see what it is.
const HEADER_BYTES: u64 = 64;

static LOADED: Mutex<Vec<Arc<str>>> = Mutex::new(Vec::new());

/// The types that libraries say they have, by the name of the library.
static LISTED: Mutex<Vec<(Arc<str>, Vec<String>)>> = Mutex::new(Vec::new());

/// What a loaded library lists by itself; nothing for most.
pub(super) fn listed_types(dll_name: &str) -> Vec<String> {
    let listed = lock(&LISTED);
    listed.iter().find(|(name, _)| **name == *dll_name).map(|(_, types)| types.clone()).unwrap_or_default()
}

/// All libraries of this process, for a complaint whose culprit cannot be told more exactly.
pub(super) fn loaded_names() -> String {
    let loaded = lock(&LOADED);
    if loaded.is_empty() { "a built-in resource type".into() } else { format!("a thread of {}", loaded.join(" or ")) }
}

/// Loads the library that is registered as `dll_name` and gives it the host table.
///
/// # Errors
/// 126 no such file, 193 no library for this system, 127 no Startup; what WolfdenBindHost answered.
pub(super) fn load(dll_name: &str) -> Result<Startup, LoadError> {
    let path = find(dll_name)?;
    check_format(&path)?;
    let dll: Arc<str> = dll_name.into();
    #[cfg(windows)]
    load_cluster_libraries();
    lock(&LOADED).push(Arc::clone(&dll));
    // SAFETY: the user registered this file as a resource library; that running its initialisers is wanted is their promise.
    let library = door::calling(&dll, || unsafe { open(&path) }).map_err(|error| {
        let message = format!(
            "{} cannot be loaded: {}. A library that it needs may be missing on this node",
            path.display(),
            text_of(&error)
        );
        LoadError { code: ERROR_MOD_NOT_FOUND, message }
    })?;
    // Never unloaded: see the head of this file.
    let library: &'static libloading::Library = Box::leak(Box::new(library));
    bind(&dll, &path, library)?;
    bind_guarded(&dll, library);
    lock(&LISTED).push((Arc::clone(&dll), list_types(&dll, library)));
    // SAFETY: an export of this name has this signature, which the library promises by exporting it (reference 01.2).
    let startup_ex = unsafe { library.get::<STARTUP_EX_ROUTINE>(b"StartupEx\0") };
    // SAFETY: as above.
    let startup = unsafe { library.get::<STARTUP_ROUTINE>(b"Startup\0") };
    let startup =
        Startup { startup: startup.ok().map(|found| *found), startup_ex: startup_ex.ok().map(|found| *found) };
    if startup.startup.is_none() && startup.startup_ex.is_none() {
        let message = format!(
            "{} is a library, but not one of resource types: it exports neither Startup nor StartupEx. In Rust, name the types in resapi::export!; in C, export Startup",
            path.display()
        );
        return Err(LoadError { code: ERROR_PROC_NOT_FOUND, message });
    }
    Ok(startup)
}

/// Asks for the names of the types, if the library lists them.
fn list_types(dll: &Arc<str>, library: &libloading::Library) -> Vec<String> {
    let name = format!("{TYPES_EXPORT}\0");
    // SAFETY: an export of this name has this signature, which the library promises by exporting it.
    let Ok(list) = (unsafe { library.get::<unsafe extern "system" fn() -> LPCWSTR>(name.as_bytes()) }) else {
        return Vec::new();
    };
    // SAFETY: as above.
    let mut next = door::calling(dll, || unsafe { list() });
    let mut names = Vec::new();
    while names.len() < MAX_LISTED_TYPES {
        // SAFETY: the library promised NUL-terminated texts one after the other, of which the last is empty.
        let Some(name) = (unsafe { wide::read(next) }).filter(|name| !name.is_empty()) else { break };
        // SAFETY: behind the NUL of a text that is not the last there is another text.
        next = unsafe { next.add(name.encode_utf16().count() + 1) };
        names.push(name);
    }
    names
}

/// # Safety
/// Running the initialisers of the library is wanted.
#[cfg(not(windows))]
unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    load_cluster_api();
    // SAFETY: the promise of the caller.
    unsafe { libloading::Library::new(path) }
}

/// Loads the libraries of the cluster API from where resource libraries are looked for, so that one that was linked with them
/// needs no search path of its own: the loader takes what is there already.
#[cfg(not(windows))]
fn load_cluster_api() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // The second needs the first.
        for name in ["clusapi", "resutils"] {
            let Some(path) = places(name).into_iter().find(|path| path.is_file()) else { continue };
            // SAFETY: these libraries have no initialisers but those of Rust's runtime.
            match unsafe { libloading::Library::new(&path) } {
                Ok(library) => std::mem::forget(library),
                Err(error) => {
                    let text = text_of(&error);
                    super::complain(LogLevel::Warning, &format!("{} was not loaded: {text}", path.display()));
                }
            }
        }
    });
}

/// Windows looks for what a DLL imports beside the executable; here also beside the DLL itself.
///
/// # Safety
/// Running the initialisers of the library is wanted.
#[cfg(windows)]
unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};
    // SAFETY: the promise of the caller.
    unsafe { Library::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }.map(Into::into)
}

/// Hands the host table over, if the library wants it. A plain C library does not.
fn bind(dll: &Arc<str>, path: &Path, library: &libloading::Library) -> Result<(), LoadError> {
    // SAFETY: an export of this name has this signature, which the library promises by exporting it.
    let Ok(bind) = (unsafe { library.get::<BIND_ROUTINE>(b"WolfdenBindHost\0") }) else { return Ok(()) };
    // SAFETY: the table is static; its functions keep the promises of `resapi_sys_mock::host`.
    match door::calling(dll, || unsafe { bind(&raw const host::HOST_TABLE) }) {
        ERROR_SUCCESS => Ok(()),
        code => {
            let message = format!(
                "{} refuses the functions of this monitor ({code}); build it with the resapi crate of this version",
                path.display()
            );
            Err(LoadError { code, message })
        }
    }
}

/// Hands the host table to the libraries of the cluster API that this one was linked with, so that the call guard sees what
/// it calls there. A symbol is looked for in a library and in all that it was linked with.
fn bind_guarded(dll: &Arc<str>, library: &libloading::Library) {
    for export in [guard::CLUSAPI_EXPORT, guard::RESUTILS_EXPORT] {
        let name = format!("{export}\0");
        // SAFETY: an export of this name has this signature, which the library promises by exporting it.
        let Ok(bind) = (unsafe { library.get::<BIND_ROUTINE>(name.as_bytes()) }) else { continue };
        // SAFETY: the table is static; its functions keep the promises of `resapi_sys_mock::host`.
        let code = door::calling(dll, || unsafe { bind(&raw const host::HOST_TABLE) });
        if code != ERROR_SUCCESS {
            super::complain(LogLevel::Warning, &format!("{export} answered {code}: calls there are not watched"));
        }
    }
}

/// Loads our libraries of the cluster API before the first DLL that imports them, so that it finds these and not the stubs of
/// Wine: a DLL of a name that is loaded already is taken by all who import the name. On Windows an import is looked for in
/// the importing DLL alone, so they are bound here and not through it.
#[cfg(windows)]
fn load_cluster_libraries() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let beside = std::env::current_exe().ok().and_then(|executable| executable.parent().map(Path::to_owned));
        for name in ["clusapi.dll", "resutils.dll"] {
            let Some(path) = beside.as_ref().map(|dir| dir.join(name)).filter(|path| path.is_file()) else {
                super::complain(LogLevel::Warning, &format!("{name} is not beside resmon.exe: Wine's own is empty"));
                continue;
            };
            // SAFETY: our own library; its initialisers do nothing that depends on the place.
            match unsafe { open(&path) } {
                // Never unloaded, as all libraries.
                Ok(library) => bind_guarded(&name.into(), Box::leak(Box::new(library))),
                Err(error) => {
                    let text = format!("{} cannot be loaded: {}", path.display(), text_of(&error));
                    super::complain(LogLevel::Error, &text);
                }
            }
        }
    });
}

/// The file of a registered name. A bare name is looked for in `resources` beside the executable, beside the executable, and
/// in the directory of [`DLL_DIR_VARIABLE`].
fn find(dll_name: &str) -> Result<PathBuf, LoadError> {
    let places = places(dll_name);
    if let Some(found) = places.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
    let message = format!(
        "the library {dll_name:?} is not there: looked for {}. Copy it to one of these places on every node, or register its full path as DllName",
        looked.join(", ")
    );
    Err(LoadError { code: ERROR_MOD_NOT_FOUND, message })
}

#[cfg(not(windows))]
fn places(dll_name: &str) -> Vec<PathBuf> {
    candidates(dll_name, std::env::current_exe().ok().as_deref(), std::env::var_os(DLL_DIR_VARIABLE))
}

/// As the Cluster service found the file before it started this monitor.
#[cfg(windows)]
fn places(dll_name: &str) -> Vec<PathBuf> {
    let path = crate::surroundings::own_path(Path::new(dll_name));
    if path.is_absolute() {
        return vec![path];
    }
    let dirs = std::env::var(crate::protocol::WINDOWS_DLL_DIRS_VARIABLE).unwrap_or_default();
    dirs.split(';').filter(|dir| !dir.is_empty()).map(|dir| Path::new(dir).join(dll_name)).collect()
}

#[cfg(any(test, not(windows)))]
fn candidates(dll_name: &str, executable: Option<&Path>, dll_dir: Option<OsString>) -> Vec<PathBuf> {
    let name = Path::new(dll_name);
    if name.is_absolute() {
        return vec![name.to_owned()];
    }
    let beside = executable.and_then(Path::parent);
    let dirs = beside.map(|dir| dir.join(RESOURCES_DIR)).into_iter();
    let dirs = dirs.chain(beside.map(Path::to_owned)).chain(dll_dir.filter(|dir| !dir.is_empty()).map(PathBuf::from));
    let mut names = vec![OsString::from(dll_name)];
    if name.extension().is_none() {
        // `hello` stands for libhello.so, libhello.dylib or hello.dll, so that one name serves all nodes.
        names.push(libloading::library_filename(OsStr::new(dll_name)));
    }
    dirs.flat_map(|dir| names.iter().map(move |name| dir.join(name)).collect::<Vec<_>>()).collect()
}

/// Looks at the first bytes, so that the message can say what the file really is.
fn check_format(path: &Path) -> Result<(), LoadError> {
    let mut header = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut header));
    if let Err(error) = read {
        let message =
            format!("{} cannot be read: {error}. Let the account of the Cluster service read it", path.display());
        return Err(LoadError { code: ERROR_MOD_NOT_FOUND, message });
    }
    match foreign(&header) {
        None => Ok(()),
        Some(what) => Err(LoadError { code: ERROR_BAD_EXE_FORMAT, message: format!("{} is {what}", path.display()) }),
    }
}

/// What is wrong with a file that begins like this; `None` when it looks like a library of this system.
fn foreign(header: &[u8]) -> Option<String> {
    let is = |magic: &[u8]| header.starts_with(magic);
    let elf = is(b"\x7fELF");
    let mach = is(&[0xcf, 0xfa, 0xed, 0xfe]) || is(&[0xca, 0xfe, 0xba, 0xbe]);
    let windows = is(b"MZ");
    match () {
        () if cfg!(windows) && windows || cfg!(target_os = "macos") && mach => None,
        () if elf && cfg!(all(unix, not(target_os = "macos"))) => foreign_elf(header),
        () if windows => Some("a Windows DLL; this monitor is not a Windows program. Register it for a monitor under Wine, or build it for this system".into()),
        () if elf || mach => Some("a library of another operating system; build it for this one".into()),
        () => Some("no library at all: it has neither the header of a shared library of this system nor of any other known".into()),
    }
}

/// Word size and machine of an ELF file must be those of this program.
fn foreign_elf(header: &[u8]) -> Option<String> {
    const CLASS: usize = 4;
    const KIND: usize = 16;
    const MACHINE: usize = 18;
    const SHARED_OBJECT: u16 = 3;
    let number = |at: usize| header.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let (Some(class), Some(kind), Some(machine)) = (header.get(CLASS), number(KIND), number(MACHINE)) else {
        return Some("cut short: it ends inside its header. Copy it again".into());
    };
    let own_class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let own_machine = match std::env::consts::ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "x86" => Some(3),
        "arm" => Some(40),
        "riscv64" => Some(243),
        _ => None,
    };
    if *class != own_class || own_machine.is_some_and(|own| own != machine) {
        return Some(format!(
            "a library for another processor (ELF machine {machine}); build it for {}",
            std::env::consts::ARCH
        ));
    }
    (kind != SHARED_OBJECT)
        .then(|| format!("no shared library (ELF type {kind}); link it with -shared -fPIC, or as a cdylib"))
}

/// The whole story of a loader error: the interesting part is in its source.
fn text_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_have_three_places_and_paths_have_one() {
        let executable = Path::new("/opt/w/bin/resmon");
        let check = |name: &str, dir: Option<&str>, expected: &[&str]| {
            let found = candidates(name, Some(executable), dir.map(OsString::from));
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{name}");
        };
        check("/x/y.so", Some("/d"), &["/x/y.so"]);
        check("y.so", None, &["/opt/w/bin/resources/y.so", "/opt/w/bin/y.so"]);
        check("y.so", Some("/d"), &["/opt/w/bin/resources/y.so", "/opt/w/bin/y.so", "/d/y.so"]);
        check("y.so", Some(""), &["/opt/w/bin/resources/y.so", "/opt/w/bin/y.so"]);
        let file = libloading::library_filename("y").into_string().expect("plain text");
        let all =
            ["resources/", ""].map(|dir| [format!("/opt/w/bin/{dir}y"), format!("/opt/w/bin/{dir}{file}")]).concat();
        check("y", None, &all.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_that_are_no_library_are_told_apart() {
        let check = |header: &[u8], word: &str| {
            let what = foreign(header).unwrap_or_default();
            assert!(what.contains(word), "{what} should say {word}");
        };
        check(b"", "no library at all");
        check(b"#!/bin/sh\n", "no library at all");
        check(b"MZ\x90\0", "a Windows DLL");
        check(&[0xcf, 0xfa, 0xed, 0xfe, 0, 0], "another operating system");
        check(b"\x7fELF\x02\x01", "cut short");
        let own = std::fs::read(std::env::current_exe().expect("a test is a file")).expect("readable");
        let mut header = own[..64].to_vec();
        header[16] = 3;
        assert_eq!(foreign(&header), None);
        header[16] = 2;
        check(&header, "-shared");
        header[18] = 0xee;
        check(&header, "another processor");
        header[4] = 1;
        check(&header, "another processor");
    }

    #[test]
    fn a_missing_file_is_told_with_its_places() {
        let error = find("no-such-library.so").expect_err("it is not there");
        assert_eq!(error.code, ERROR_MOD_NOT_FOUND);
        assert!(
            error.message.contains("resources") && error.message.contains("no-such-library.so"),
            "{}",
            error.message
        );
    }
}
