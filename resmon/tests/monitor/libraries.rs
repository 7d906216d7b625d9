//! Builds the libraries that the tests load, once per test process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace")
}

/// `tests/fixtures/misbehaving.c`.
pub(crate) fn misbehaving() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("resmon/tests/fixtures/misbehaving.c"))
}

/// `examples/misbehave/misbehave.c`.
pub(crate) fn misbehave() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("examples/misbehave/misbehave.c"))
}

/// `tests/fixtures/versions.c`.
pub(crate) fn versions() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("resmon/tests/fixtures/versions.c"))
}

/// `tests/fixtures/modern.c`.
pub(crate) fn modern() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("resmon/tests/fixtures/modern.c"))
}

/// `tests/fixtures/quorum.c`.
pub(crate) fn quorum() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("resmon/tests/fixtures/quorum.c"))
}

/// `examples/c/counter.c`.
pub(crate) fn counter() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("examples/c/counter.c"))
}

/// `examples/hello-resource`.
pub(crate) fn hello() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&["-p", "hello-resource"]))
}

/// `tests/fixtures/panicking.rs`.
pub(crate) fn panicking() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&["-p", "resmon", "--example", "panicking-resource"]))
}

/// The folder with `libclusapi` and `libresutils`.
pub(crate) fn cluster_api() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folders = ["clusapi", "resutils"].map(|package| cargo(&["-p", package]).parent().map(Path::to_owned));
        let [clusapi, resutils] = folders.map(|folder| folder.expect("a file lies in a folder"));
        assert_eq!(clusapi, resutils, "cargo puts them side by side");
        clusapi
    })
}

/// Compiles C text that calls the cluster API, which is in `libraries`, into a resource library in `folder`.
pub(crate) fn compile_linked(source: &str, folder: &Path, libraries: &Path) -> PathBuf {
    let (file, library) = (folder.join("linked.c"), folder.join(format!("liblinked{}", std::env::consts::DLL_SUFFIX)));
    std::fs::write(&file, source).expect("the folder is writable");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(&compiler)
        .current_dir(root())
        .args(["-shared", "-fPIC", "-pthread", "-Wall", "-Wextra", "-Werror", "-I", "resapi-sys-mock/include"])
        .arg(&file)
        .arg("-o")
        .arg(&library)
        .arg(format!("-L{}", libraries.display()))
        .arg(format!("-Wl,-rpath,{}", libraries.display()))
        .args(["-lresutils", "-lclusapi"])
        .output()
        .unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}); install a C compiler or set CC"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Compiles one C file with the command that its authors use.
fn compile(source: &str) -> PathBuf {
    let name = Path::new(source).file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lib{name}{}", std::env::consts::DLL_SUFFIX));
    // Renamed when it is whole: another test process may load the same file at this moment.
    let unfinished = library.with_extension(std::process::id().to_string());
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(&compiler)
        .current_dir(root())
        .args([
            "-shared",
            "-fPIC",
            "-pthread",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
            "resapi-sys-mock/include",
            source,
            "-o",
        ])
        .arg(&unfinished)
        .output()
        .unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}); install a C compiler or set CC"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&unfinished, &library).expect("the folder of the tests is writable");
    library
}

/// Builds a cdylib of the workspace; cargo's own messages say where it is.
fn cargo(what: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--message-format=json"])
        // The profile of this test: nothing is compiled a second time.
        .args(if cfg!(debug_assertions) { &[][..] } else { &["--release"] })
        .args(what)
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("JSON is text");
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact");
    let files = artifacts.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let mut libraries = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let is_library = |file: &PathBuf| file.extension().is_some_and(|end| end == std::env::consts::DLL_EXTENSION);
    // The last one built (they come in order) is the one that was asked for; procedural macros come before it.
    libraries.rfind(is_library).unwrap_or_else(|| panic!("cargo names no library for {what:?}: {messages}"))
}
