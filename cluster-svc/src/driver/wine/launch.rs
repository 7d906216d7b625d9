//! The programs between the service and Wine: `wine world`, `wine monitor` and `wine run`.
//!
//! All prepare something that may take long, which the service itself must not wait for, and then become Wine by exec: so
//! the process that the service has started, with the lock that it inherited, is the Windows program. `world` makes the
//! prefix and holds the Windows world of the node up; `monitor` waits until that world is ready and is a Resource Monitor.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use resmon::protocol::{PROCESS_VARIABLE, WINDOWS_DLL_DIRS_VARIABLE};

use super::choice::windows_path;
use super::installation::{self, Installation, RESMON, WINDOWS_DIR_VARIABLE, WINE_VARIABLE};
use super::prefix;
use crate::driver::own_executable;

/// The word that means these programs, as the first argument of the executable.
pub const WORD: &str = "wine";

/// Environment variable: the prefix of the node.
pub(crate) const PREFIX_VARIABLE: &str = "WOLFDEN_WINE_PREFIX";

/// Environment variable: the file that is there while the world of the node can be used.
pub(crate) const READY_VARIABLE: &str = "WOLFDEN_WINE_READY";

/// How long a monitor waits for the world: making a prefix on a busy computer takes half a minute.
pub(crate) const WORLD_LIMIT: Duration = Duration::from_secs(240);

/// How often a monitor looks whether the world is ready.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The exit code when Wine could not be started.
const EXIT_NOT_READY: u8 = 70;

/// The program: `arguments` are those after [`WORD`].
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let Some((word, rest)) = arguments.split_first() else { return usage() };
    let problem = match word.to_str() {
        Some("world") if rest.is_empty() => world(),
        Some("monitor") => monitor(rest),
        Some("run") => run(rest),
        Some(_) | None => return usage(),
    };
    // Only a failure comes back from exec.
    println!("{problem}");
    ExitCode::from(EXIT_NOT_READY)
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: {WORD} world | monitor --connect ADDRESS | run RUN_DIR PROGRAM [ARGUMENT...]    (started by the Cluster service)"
    );
    ExitCode::from(EXIT_NOT_READY)
}

/// Runs a Windows program for a Generic Application: the run directory of the node, the program, its arguments.
fn run(words: &[OsString]) -> String {
    let [run_dir, program, arguments @ ..] = words else {
        return format!("{WORD} run needs the run directory of a node and a program");
    };
    let prefix = Path::new(run_dir).with_file_name(prefix::FOLDER);
    let found = own_executable().map_err(|error| error.to_string()).and_then(|own| installation::find(&own));
    let made = found.and_then(|found| prefix::ensure(&prefix, &found).map(|()| found));
    let installation = match made {
        Ok(installation) => installation,
        Err(problem) => return problem,
    };
    prefix::copy_drives(Path::new(run_dir), &prefix);
    let text = program.to_string_lossy();
    let program = if text.starts_with('/') { windows_path(Path::new(program)).into() } else { program.clone() };
    let mut command = Command::new(&installation.loader);
    let error: io::Error = prefix::surround(&mut command, &prefix).arg(program).args(arguments).exec();
    format!("{} cannot be started: {error}", installation.loader.display())
}

/// Makes the prefix when there is none, and holds its world up as long as standard input is open.
fn world() -> String {
    let (installation, prefix) = match surroundings() {
        Ok(surroundings) => surroundings,
        Err(problem) => return problem,
    };
    if let Err(problem) = prefix::ensure(&prefix, &installation) {
        return problem;
    }
    if let Some(run_dir) = std::env::var_os(READY_VARIABLE).as_ref().and_then(|ready| Path::new(ready).parent()) {
        prefix::copy_drives(run_dir, &prefix);
    }
    become_wine(&installation, &prefix, &["--hold".into()])
}

/// Waits for the world and becomes a monitor.
fn monitor(arguments: &[OsString]) -> String {
    let (installation, prefix) = match surroundings() {
        Ok(surroundings) => surroundings,
        Err(problem) => return problem,
    };
    let Some(ready) = std::env::var_os(READY_VARIABLE).map(PathBuf::from) else {
        return format!("the environment variable {READY_VARIABLE} is not set; the Cluster service sets it");
    };
    let looks = WORLD_LIMIT.as_millis() / LOOK_INTERVAL.as_millis();
    let is_ready = (0..looks).any(|_| {
        let is_there = ready.exists();
        if !is_there {
            std::thread::sleep(LOOK_INTERVAL);
        }
        is_there
    });
    if !is_ready {
        return format!("the Windows world of this node was not ready within {} s", WORLD_LIMIT.as_secs());
    }
    become_wine(&installation, &prefix, arguments)
}

/// What these programs have to know, as their environment. `directories`: where bare names of DLLs are looked for; `ready`: the file
/// that is there while the world can be used.
pub(crate) fn environment(
    node: &str,
    installation: &Installation,
    prefix: &Path,
    directories: &[PathBuf],
    ready: &Path,
) -> Vec<(&'static str, OsString)> {
    let dirs: Vec<String> = directories.iter().map(|dir| windows_path(dir)).collect();
    vec![
        ("WOLFDEN_NODE", node.into()),
        (WINE_VARIABLE, installation.loader.clone().into()),
        (WINDOWS_DIR_VARIABLE, installation.windows_dir.clone().into()),
        (PREFIX_VARIABLE, prefix.into()),
        (WINDOWS_DLL_DIRS_VARIABLE, dirs.join(";").into()),
        (READY_VARIABLE, ready.into()),
    ]
}

fn surroundings() -> Result<(Installation, PathBuf), String> {
    let named = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        value.ok_or_else(|| format!("the environment variable {name} is not set; the Cluster service sets it"))
    };
    let installation = Installation { loader: named(WINE_VARIABLE)?, windows_dir: named(WINDOWS_DIR_VARIABLE)? };
    Ok((installation, named(PREFIX_VARIABLE)?))
}

/// Comes back only when it failed.
fn become_wine(installation: &Installation, prefix: &Path, arguments: &[OsString]) -> String {
    let mut command = Command::new(&installation.loader);
    prefix::surround(&mut command, prefix)
        .arg(windows_path(&installation.windows_dir.join(RESMON)))
        .args(arguments)
        .env(PROCESS_VARIABLE, std::process::id().to_string())
        // Where the real monitor starts.
        .current_dir(prefix.join("drive_c/windows/Cluster"));
    let error: io::Error = command.exec();
    format!("{} cannot be started: {error}", installation.loader.display())
}
