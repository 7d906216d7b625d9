//! The executables and libraries under test. Cargo tells a test where the executables of its *own* package are; these belong
//! to other packages, so they are looked for where cargo puts them: beside the test's own folder.
//!
//! What is missing, or older than one of its sources, is built first. Cargo writes beside each product a file `*.d` that
//! names its sources. The variable `WOLFDEN_PROGRAMS` names a folder with another build to test, which is taken as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};

/// The file name of the library of `examples/hello-resource`.
const HELLO_LIBRARY: &str = "libhello_resource.so";

/// The `cluster` command, which is also the service, the monitor and the guard of the labs that it starts.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn cluster() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| product("cluster", "cluster.d", &["-p", "cluster-svc", "--bins"])).clone()
}

/// The library of the example resource type in Rust.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn hello_library() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| product(HELLO_LIBRARY, "libhello_resource.d", &["-p", "hello-resource"])).clone()
}

/// A native library of a package of the source tree: its file, the file of its sources, the package.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn library(name: &str, sources: &str, package: &str) -> PathBuf {
    product(name, sources, &["-p", package])
}

/// The root of the source tree.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Compiles a resource library in C into `folder`.
///
/// # Panics
/// When there is no C compiler, or it refuses.
#[must_use]
pub fn c_library(source: &Path, folder: &Path) -> PathBuf {
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let library = folder.join(format!("lib{stem}.so"));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-pthread", "-Wall", "-Wextra", "-O1", "-I"]);
    command.arg(root().join("resapi-sys-mock/include")).arg(source).arg("-o").arg(&library);
    let output = command.output().expect("a C compiler named cc; install gcc or clang");
    assert!(output.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
    library
}

/// Compiles a resource library in C++ that is linked with the cluster API into `folder`. Where it is loaded, `libclusapi.so` and
/// `libresutils.so` are found beside the executable under test.
///
/// # Panics
/// When there is no C++ compiler, or it refuses.
#[must_use]
pub fn cpp_library(source: &Path, folder: &Path) -> PathBuf {
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let linked = library("libclusapi.so", "libclusapi.d", "clusapi");
    let _ = self::library("libresutils.so", "libresutils.d", "resutils");
    let beside = linked.parent().map(Path::to_owned).unwrap_or_default();
    let library = folder.join(format!("lib{stem}.so"));
    let mut command = Command::new("c++");
    command.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-O1", "-I"]).arg(root().join("resapi-sys-mock/include"));
    command.arg(source).arg("-L").arg(&beside).args(["-lresutils", "-lclusapi"]);
    command.arg(format!("-Wl,-rpath,{}", beside.display())).arg("-o").arg(&library);
    let output = command.output().expect("a C++ compiler named c++; install g++ or clang");
    assert!(output.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
    library
}

/// The folder of this profile's products: the test's executable lies in `deps` below it.
fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("the system knows this executable");
    let folder = own.parent().expect("a file lies in a folder");
    if folder.ends_with("deps") { folder.parent().map(Path::to_owned).unwrap_or_default() } else { folder.to_owned() }
}

fn product(name: &str, sources: &str, what: &[&str]) -> PathBuf {
    if let Some(folder) = std::env::var_os("WOLFDEN_PROGRAMS").filter(|folder| !folder.is_empty()) {
        let path = Path::new(&folder).join(name);
        assert!(path.exists(), "WOLFDEN_PROGRAMS is {}, but there is no {name} in it", folder.display());
        return path;
    }
    let folder = profile_folder();
    let path = folder.join(name);
    // Tests run as several processes at the same time; one of them builds.
    let lock = fs::File::create(folder.join("wolfden-tests-build.lock")).expect("the target folder can be written");
    flock(&lock, FlockOperation::LockExclusive).expect("the target folder knows locks");
    if is_up_to_date(&path, &folder.join(sources)) {
        return path;
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("build").args(what).arg("--manifest-path").arg(root().join("Cargo.toml"));
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let output = command.output().expect("cargo can be started");
    assert!(output.status.success(), "cargo build {what:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(path.exists(), "cargo build {what:?} made no {}", path.display());
    path
}

/// Whether the product is there and no source of it is newer.
fn is_up_to_date(path: &Path, sources: &Path) -> bool {
    let (Some(built), Ok(text)) = (changed(path), fs::read_to_string(sources)) else { return false };
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else { return false };
    // Blanks inside of a name are written with a backslash.
    let list = list.replace("\\ ", "\0");
    let mut names = list.split_ascii_whitespace().map(|name| PathBuf::from(name.replace('\0', " ")));
    names.all(|name| changed(&name).is_some_and(|changed| changed <= built))
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|facts| facts.modified()).ok()
}
