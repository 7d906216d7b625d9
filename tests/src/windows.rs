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

/// A DLL that imports the function NobodyHasThis of clusapi.dll: it is linked with a DLL that claims to be clusapi.dll.
///
/// # Panics
/// When there is no mingw, or it refuses.
#[must_use]
pub fn invented_import(folder: &Path) -> PathBuf {
    let folder = folder.join("invented");
    std::fs::create_dir_all(&folder).expect("the ground can be written");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the ground can be written");
        path
    };
    let source = write("clusapi.c", "__declspec(dllexport) int NobodyHasThis(void) { return 1; }\n");
    let imposter = c_dll(&source, &folder);
    let source = write(
        "invented.c",
        "__declspec(dllimport) int NobodyHasThis(void);\n__declspec(dllexport) int Startup(void) { return NobodyHasThis(); }\n",
    );
    let dll = folder.join("invented.dll");
    let words = ["-shared".into(), "-o".into(), dll.clone().into(), source.into(), imposter.clone().into()];
    compile("x86_64-w64-mingw32-gcc", &words);
    std::fs::remove_file(imposter).expect("it was there");
    dll
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
