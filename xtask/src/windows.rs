//! `cargo xtask windows`: finds the toolchain or names the missing piece, builds, and puts the files in their place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What everything is built for.
const TARGET: &str = "x86_64-pc-windows-gnu";

/// The compiler and linker for that target.
const GCC: &str = "x86_64-w64-mingw32-gcc";

/// What is built: the package, what cargo calls the file, and what it is called in its place. A package that is not in the
/// tree is left out.
const PARTS: &[Part] = &[
    Part { package: "resmon", folder: "resmon", built: "resmon.exe", placed: "resmon.exe" },
    Part { package: "clusapi", folder: "resapi-sys-mock/clusapi", built: "clusapi.dll", placed: "clusapi.dll" },
    Part { package: "resutils", folder: "resapi-sys-mock/resutils", built: "resutils.dll", placed: "resutils.dll" },
    Part {
        package: "hello-resource",
        folder: "examples/hello-resource",
        built: "hello_resource.dll",
        placed: "hello_resource.dll",
    },
];

/// Wine before version 9 lacks this DLL; the service copies it into a prefix that does not have it.
const COMPATIBILITY_DLL: &str = "bcryptprimitives.dll";

struct Part {
    package: &'static str,
    folder: &'static str,
    built: &'static str,
    placed: &'static str,
}

/// Which profile of cargo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `target/debug`.
    Dev,
    /// `target/release`.
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Release => "release",
        }
    }
}

/// Why nothing was built.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A tool that does not come with cargo is not there.
    Missing {
        what: &'static str,
        remedy: &'static str,
    },
    /// A command that was there failed; it has said why.
    Failed(String),
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Missing { what, remedy } => write!(f, "{what} is missing.\n{remedy}"),
            Problem::Failed(command) => write!(f, "`{command}` failed; see above"),
            Problem::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// Builds everything and says which files there are now.
pub(crate) fn build(profile: Profile) -> Result<Vec<PathBuf>, Problem> {
    find_gcc()?;
    find_std()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let parts: Vec<&Part> = PARTS.iter().filter(|part| root.join(part.folder).join("Cargo.toml").is_file()).collect();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--target", TARGET]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    for part in &parts {
        cargo.args(["-p", part.package]);
    }
    run(&mut cargo)?;

    let target = target_directory(root);
    let (from, to) = (target.join(TARGET).join(profile.folder()), target.join(profile.folder()).join("windows"));
    fs::create_dir_all(to.join("compat")).map_err(|error| Problem::Io(to.clone(), error))?;
    let mut placed = Vec::new();
    for part in parts {
        placed.push(place(&from.join(part.built), &to.join(part.placed))?);
    }
    placed.push(compatibility_dll(root, &to.join("compat"))?);
    Ok(placed)
}

fn find_gcc() -> Result<(), Problem> {
    let found = Command::new(GCC).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => Err(Problem::Missing {
            what: "the mingw-w64 compiler x86_64-w64-mingw32-gcc",
            remedy: "On Debian or Ubuntu: apt-get install gcc-mingw-w64-x86-64. On Fedora: dnf install mingw64-gcc. On macOS: brew install mingw-w64.",
        }),
    }
}

/// The standard library for Windows, where the compiler itself says that it would be.
fn find_std() -> Result<(), Problem> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let is_there = told.is_ok_and(|told| {
        let dir = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
    });
    if is_there {
        return Ok(());
    }
    Err(Problem::Missing {
        what: "Rust's standard library for x86_64-pc-windows-gnu",
        remedy: "With rustup: rustup target add x86_64-pc-windows-gnu. Without it, see \"Building without rustup\" in docs/windows-dlls.md.",
    })
}

fn target_directory(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root.join(dir),
        None => root.join("target"),
    }
}

fn run(command: &mut Command) -> Result<(), Problem> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let text = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Problem::Failed(text)),
        Err(error) => Err(Problem::Failed(format!("{text}: {error}"))),
    }
}

/// A running monitor has its file open, so the new one takes its name instead of its bytes.
fn place(from: &Path, to: &Path) -> Result<PathBuf, Problem> {
    let new = to.with_extension("new");
    fs::copy(from, &new).map_err(|error| Problem::Io(from.to_owned(), error))?;
    fs::rename(&new, to).map_err(|error| Problem::Io(to.to_owned(), error))?;
    Ok(to.to_owned())
}

fn compatibility_dll(root: &Path, to: &Path) -> Result<PathBuf, Problem> {
    let file = to.join(COMPATIBILITY_DLL);
    let mut gcc = Command::new(GCC);
    gcc.args(["-shared", "-O2", "-nostdlib", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&file)
        .arg(root.join("xtask/windows/bcryptprimitives.c"))
        .arg("-ladvapi32");
    run(&mut gcc)?;
    Ok(file)
}
