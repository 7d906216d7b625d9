//! The Windows half of the system: Wine, the monitor as a Windows program, and DLLs made for tests.
//!
//! Nothing is installed here. What is missing is named, and the test fails: a cluster that claims to host Windows DLLs has to
//! show it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::lab::Lab;
use crate::programs;
use crate::rest::Rest;

/// What has to be installed, on the system that CI has.
const REMEDY: &str = "install Wine and mingw, on Debian: apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64";

/// Builds the Windows half beside the executable under test, once, and says where it lies.
///
/// # Panics
/// When a tool is missing or the build fails.
#[must_use]
pub fn half() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    let folder = programs::cluster().parent().map(Path::to_owned).unwrap_or_default();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(programs::root()).args(["xtask", "windows"]).stderr(Stdio::piped());
    if let Some(target) = folder.parent() {
        command.env("CARGO_TARGET_DIR", target);
    }
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let output = command.output().expect("cargo can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo xtask windows: {said}\n{REMEDY}");
    folder.join("windows")
}

/// Compiles a resource library in C into `folder`, from the same source as [`programs::c_library`] takes.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn c_dll(source: &Path, folder: &Path) -> PathBuf {
    let dll = folder.join(source.with_extension("dll").file_name().unwrap_or_default());
    let mut arguments = vec!["-shared".into(), "-static".into(), "-pthread".into(), "-Wall".into(), "-Wextra".into()];
    arguments.extend(["-O1".into(), "-I".into(), programs::root().join("resapi-sys-mock/include").into_os_string()]);
    arguments.extend([source.into(), "-o".into(), dll.clone().into_os_string()]);
    compile("x86_64-w64-mingw32-gcc", &arguments);
    dll
}

/// Compiles a resource library into `folder` that is linked with the cluster API, from the same source as the native one: in C++
/// ([`programs::cpp_library`]) or in C, as the name of the file says.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn linked_dll(source: &Path, folder: &Path) -> PathBuf {
    let half = half();
    let dll = folder.join(source.with_extension("dll").file_name().unwrap_or_default());
    let mut arguments = vec!["-shared".into(), "-static".into(), "-Wall".into(), "-Wextra".into(), "-O1".into()];
    arguments.extend(["-I".into(), programs::root().join("resapi-sys-mock/include").into_os_string(), source.into()]);
    arguments.extend([half.join("resutils.dll").into(), half.join("clusapi.dll").into()]);
    arguments.extend(["-o".into(), dll.clone().into_os_string()]);
    let is_cpp = source.extension().is_some_and(|extension| extension == "cpp");
    compile(if is_cpp { "x86_64-w64-mingw32-g++" } else { "x86_64-w64-mingw32-gcc" }, &arguments);
    dll
}

/// A DLL that imports the function NobodyHasThis of `library`: it is linked with a DLL that claims to be that one.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn invented_import(folder: &Path, library: &str) -> PathBuf {
    let folder = folder.join(format!("invented-{library}"));
    std::fs::create_dir_all(&folder).expect("the ground can be written");
    let source = write(&folder, "imposter.c", "__declspec(dllexport) int NobodyHasThis(void) { return 1; }\n");
    let imposter = folder.join(format!("{library}.dll"));
    compile("x86_64-w64-mingw32-gcc", &["-shared".into(), "-o".into(), imposter.clone().into(), source.into()]);
    let source = write(
        &folder,
        "invented.c",
        "__declspec(dllimport) int NobodyHasThis(void);\n__declspec(dllexport) int Startup(void) { return NobodyHasThis(); }\n",
    );
    let dll = folder.join("invented.dll");
    let words = ["-shared".into(), "-o".into(), dll.clone().into(), source.into(), imposter.clone().into()];
    compile("x86_64-w64-mingw32-gcc", &words);
    std::fs::remove_file(imposter).expect("it was there");
    dll
}

/// Adds to a DLL what `/DELAYLOAD` of Microsoft's linker adds: that it loads the function NobodyHasThis of `library` when it calls it.
/// Nothing calls it. (The linkers of mingw that are common write no such directory.)
///
/// # Panics
/// When no section has room behind its end.
pub fn add_delayed_import(dll: &Path, library: &str) {
    /// The data directory of delayed imports, behind the PE signature.
    const DIRECTORY: usize = 24 + 112 + 13 * 8;
    const DESCRIPTOR_BYTES: usize = 64;
    const THUNK_BYTES: usize = 16;
    let mut bytes = std::fs::read(dll).expect("it was just built");
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let names = format!("\0\0NobodyHasThis\0{library}.dll\0");
    let wanted = DESCRIPTOR_BYTES + THUNK_BYTES + names.len();
    let header = number(&bytes, 0x3c) as usize;
    let sections = usize::from(bytes[header + 6]);
    let table = header + 24 + usize::from(bytes[header + 20]);
    // In each header: size in memory, address, size in the file, place in the file.
    let fields = |at: usize| [8, 12, 16, 20].map(|field| number(&bytes, table + 40 * at + field));
    let has_room = |at: &usize| {
        let [used, _, size, _] = fields(*at);
        used as usize + 16 + wanted <= size as usize
    };
    let at = (0..sections).find(has_room).expect("a section with room behind its end");
    let [used, address, _, place] = fields(at);
    let used = used.next_multiple_of(16);
    let (here, start) = (address + used, (place + used) as usize);
    let relative = |offset: usize| here + u32::try_from(offset).expect("small");
    let thunk = DESCRIPTOR_BYTES + THUNK_BYTES;
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(start, &1_u32.to_le_bytes());
    put(start + 4, &relative(thunk + 2 + "NobodyHasThis\0".len()).to_le_bytes());
    put(start + 12, &relative(DESCRIPTOR_BYTES).to_le_bytes());
    put(start + 16, &relative(DESCRIPTOR_BYTES).to_le_bytes());
    put(start + DESCRIPTOR_BYTES, &u64::from(relative(thunk)).to_le_bytes());
    put(start + thunk, names.as_bytes());
    put(table + 40 * at + 8, &(used + u32::try_from(wanted).expect("small")).to_le_bytes());
    put(header + DIRECTORY, &here.to_le_bytes());
    put(header + DIRECTORY + 4, &u32::try_from(DESCRIPTOR_BYTES).expect("small").to_le_bytes());
    std::fs::write(dll, bytes).expect("it can be written");
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the ground can be written");
    path
}

/// Compiles a Windows program in C into `folder`.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn c_program(source: &Path, folder: &Path) -> PathBuf {
    let program = folder.join(source.with_extension("exe").file_name().unwrap_or_default());
    let arguments = [
        "-static".into(),
        "-O1".into(),
        source.into(),
        "-o".into(),
        program.clone().into_os_string(),
        "-lws2_32".into(),
    ];
    compile("x86_64-w64-mingw32-gcc", &arguments);
    program
}

/// Compiles a Windows program in C into `folder` that is linked with the cluster API.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn linked_program(source: &Path, folder: &Path) -> PathBuf {
    let half = half();
    let program = folder.join(source.with_extension("exe").file_name().unwrap_or_default());
    let mut arguments = vec!["-static".into(), "-municode".into(), "-O1".into(), source.into()];
    arguments.extend(["resutils.dll", "clusapi.dll"].map(|name| half.join(name).into_os_string()));
    arguments.extend(["-o".into(), program.clone().into_os_string()]);
    compile("x86_64-w64-mingw32-gcc", &arguments);
    program
}

fn compile(compiler: &str, arguments: &[std::ffi::OsString]) {
    let output = Command::new(compiler).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{compiler}: {error}; {REMEDY}"));
    assert!(output.status.success(), "{compiler} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Registers a type with short intervals; what goes wrong stays where it is.
pub fn register(rest: &Rest, name: &str, dll: &Path) {
    let body = serde_json::json!({ "DllName": dll, "LooksAlivePollInterval": 200, "IsAlivePollInterval": 500 });
    rest.change("POST", &format!("/resource-types/{}", crate::rest::segment(name)), body);
}

/// What the nodes of a lab have logged.
#[must_use]
pub fn logs(lab: &Lab, nodes: &[&str]) -> String {
    nodes.iter().map(|name| lab.node(name).ask("GET", "/log?tail=10000", serde_json::Value::Null).text).collect()
}
