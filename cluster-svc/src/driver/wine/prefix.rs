//! The private Windows of a node: its registry, its drive C:.
//!
//! Wine takes some seconds and hundreds of megabytes to make one. So the first node of this user that needs one makes a
//! template in the user's cache directory, once per version of Wine, and each node gets a copy of it: the registry as files of
//! its own, the DLLs of Wine as hard links, where the file system allows that. A prefix is complete or not there, because it
//! is renamed into its place; it belongs to its node for good and is never replaced (a program may have been installed in it).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use super::installation::{self, Installation};

/// Changes when templates are made differently.
const FORM: u32 = 1;

/// Wine before version 9 lacks this DLL; ours is taken then.
const COMPATIBILITY_DLL: &str = "bcryptprimitives.dll";

/// Where Windows has its DLLs.
pub(crate) const SYSTEM_DIR: &str = "drive_c/windows/system32";

/// Where the real Cluster service is installed, and looks for bare names of resource DLLs.
const CLUSTER_DIR: &str = "drive_c/windows/Cluster";

/// Where the Physical Disk type notes drive letters, in the run directory.
const DRIVES: &str = "drives";

/// The name of a node's prefix, beside its run directory.
pub(crate) const FOLDER: &str = "wine";

/// Each prefix has these; programs that make one twice find the first.
const HIVE: &str = "system.reg";

/// Why there is no prefix, in words.
pub(crate) type Problem = String;

/// Makes the prefix of a node when there is none. Takes seconds the first time.
///
/// # Errors
/// In words, with what to do.
pub(crate) fn ensure(prefix: &Path, installation: &Installation) -> Result<(), Problem> {
    if prefix.join(HIVE).is_file() {
        return Ok(());
    }
    let failed = |error: io::Error| format!("{}: {error}; check the rights on the directory", prefix.display());
    // A monitor and an application may want it at the same moment.
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(prefix.with_extension("lock"));
    let lock = lock.map_err(failed)?;
    hold(&lock).map_err(failed)?;
    if prefix.join(HIVE).is_file() {
        return Ok(());
    }
    let template = template(&templates_dir(prefix), installation)?;
    let new = prefix.with_extension("new");
    remove(&new)?;
    let copied = copy(&template, &new, Below::Top).and_then(|()| fs::create_dir_all(new.join(CLUSTER_DIR)));
    copied.map_err(|error| format!("the Wine prefix {} cannot be made: {error}", prefix.display()))?;
    // What is there without a registry is no prefix.
    remove(prefix)?;
    fs::rename(&new, prefix)
        .map_err(|error| format!("the Wine prefix {} cannot be put in place: {error}", prefix.display()))
}

/// Makes drives of the disks that are online on this node: those that were mounted before there was a prefix.
pub(crate) fn copy_drives(run_dir: &Path, prefix: &Path) {
    let Ok(entries) = fs::read_dir(run_dir.join(DRIVES)) else { return };
    for entry in entries.flatten() {
        if let Ok(target) = fs::read_link(entry.path()) {
            // A drive that is there already is the same.
            let _ = std::os::unix::fs::symlink(target, prefix.join("dosdevices").join(entry.file_name()));
        }
    }
}

/// The part of the user's cache directory that is ours, if the user has one that can be used.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("wolfden/wine")).filter(|dir| fs::create_dir_all(dir).is_ok())
}

/// The cache directory; without one, beside the prefix.
fn templates_dir(prefix: &Path) -> PathBuf {
    cache_dir().unwrap_or_else(|| prefix.with_extension("templates"))
}

/// The template for this version of Wine; made when it is not there. One process at a time.
fn template(dir: &Path, installation: &Installation) -> Result<PathBuf, Problem> {
    let version = version(&installation.loader)?;
    let name: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect();
    let (template, new) = (dir.join(format!("{name}.{FORM}")), dir.join(format!("{name}.{FORM}.new")));
    let failed = |error: io::Error| format!("{}: {error}; check the rights on the directory", dir.display());
    fs::create_dir_all(dir).map_err(failed)?;
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(dir.join("lock")).map_err(failed)?;
    hold(&lock).map_err(failed)?;
    if template.join(HIVE).is_file() {
        return Ok(template);
    }
    remove(&new)?;
    fs::create_dir_all(&new).map_err(failed)?;
    println!(
        "making a Windows registry and drive C: for {version} in {}, once; this takes some seconds",
        template.display()
    );
    boot(&new, installation)?;
    let system = new.join(SYSTEM_DIR);
    let ours = installation.windows_dir.join("compat").join(COMPATIBILITY_DLL);
    if !system.join(COMPATIBILITY_DLL).exists() {
        fs::copy(&ours, system.join(COMPATIBILITY_DLL))
            .map_err(|error| format!("{}: {error}; build it with `cargo xtask windows`", ours.display()))?;
    }
    detach_from_home(&new.join("drive_c/users")).map_err(failed)?;
    remove(&template)?;
    fs::rename(&new, &template).map_err(failed)?;
    Ok(template)
}

fn version(loader: &Path) -> Result<String, Problem> {
    let told = Command::new(loader).arg("--version").stdin(Stdio::null()).output();
    let told = told.map_err(|error| format!("{} cannot be started: {error}", loader.display()))?;
    let version = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    match installation::major(&version) {
        Some(major) if major >= installation::OLDEST_MAJOR => Ok(version),
        Some(_) => Err(format!(
            "{} is {version}; Windows DLLs need Wine {}.0 or later",
            loader.display(),
            installation::OLDEST_MAJOR
        )),
        None => Err(format!(
            "{} does not say which version of Wine it is, but {version:?}; name another program in {}",
            loader.display(),
            installation::WINE_VARIABLE
        )),
    }
}

/// Lets Wine make a prefix, and waits until all of it has ended.
fn boot(prefix: &Path, installation: &Installation) -> Result<(), Problem> {
    let booted = surround(&mut Command::new(&installation.loader), prefix)
        .args(["wineboot", "--init"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let booted = booted.map_err(|error| format!("{} cannot be started: {error}", installation.loader.display()))?;
    let server = server_of(&installation.loader);
    let waited = surround(&mut Command::new(&server), prefix).arg("-w").status();
    waited.map_err(|error| format!("{} cannot be started: {error}", server.display()))?;
    if !prefix.join(HIVE).is_file() {
        return Err(format!(
            "`wineboot --init` of {} made no prefix in {} ({booted}); try it by hand with WINEPREFIX set to an empty directory",
            installation.loader.display(),
            prefix.display()
        ));
    }
    Ok(())
}

/// The program that is the kernel of a prefix: beside the loader, or in the path.
pub(crate) fn server_of(loader: &Path) -> PathBuf {
    let beside = ["wineserver64", "wineserver"].map(|name| loader.with_file_name(name));
    beside.into_iter().find(|file| file.is_file()).unwrap_or_else(|| PathBuf::from("wineserver"))
}

/// The environment of every program of a prefix: no messages of Wine's own, no display, no menus or associations in the user's
/// desktop, and our libraries of the cluster API instead of Wine's stubs.
pub(crate) fn surround<'a>(command: &'a mut Command, prefix: &Path) -> &'a mut Command {
    command
        .env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "clusapi,resutils=n,b;winemenubuilder.exe,mscoree,mshtml=d")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
}

/// Wine makes `Documents` and the like links into the home directory of the user; a private prefix has its own.
fn detach_from_home(users: &Path) -> io::Result<()> {
    for entry in fs::read_dir(users)?.flatten() {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_symlink() {
            fs::remove_file(&path)?;
            fs::create_dir(&path)?;
        } else if kind.is_dir() {
            detach_from_home(&path)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    /// The registry is here.
    Top,
    /// Below drive C: and the like.
    Deeper,
}

fn copy(from: &Path, to: &Path, below: Below) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type()?);
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            copy(&source, &target, Below::Deeper)?;
        } else if below == Below::Top || fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Problem> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{} cannot be removed: {error}", path.display())),
    }
}

/// Waits for the lock.
pub(crate) fn hold(file: &File) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_its_own_registry_and_shares_the_rest() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::create_dir_all(from.join(SYSTEM_DIR)).expect("made");
        fs::create_dir_all(from.join("dosdevices")).expect("made");
        fs::write(from.join(HIVE), "registry").expect("written");
        fs::write(from.join(SYSTEM_DIR).join("x.dll"), "dll").expect("written");
        std::os::unix::fs::symlink("../drive_c", from.join("dosdevices/c:")).expect("linked");
        copy(&from, &to, Below::Top).expect("copied");
        let file = |root: &Path, name: &str| fs::metadata(root.join(name)).expect("there").ino();
        assert_ne!(file(&from, HIVE), file(&to, HIVE), "a registry of its own");
        let dll = format!("{SYSTEM_DIR}/x.dll");
        assert_eq!(file(&from, &dll), file(&to, &dll), "shared");
        assert_eq!(fs::read_link(to.join("dosdevices/c:")).expect("a link"), Path::new("../drive_c"));
    }

    #[test]
    fn documents_are_not_those_of_the_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let me = folder.path().join("users/me");
        fs::create_dir_all(&me).expect("made");
        std::os::unix::fs::symlink(folder.path(), me.join("Documents")).expect("linked");
        detach_from_home(&folder.path().join("users")).expect("detached");
        assert!(fs::symlink_metadata(me.join("Documents")).expect("there").is_dir());
    }

    #[test]
    fn a_program_that_is_not_wine_is_told() {
        let problem = version(Path::new("/bin/echo")).expect_err("echo is not Wine");
        assert!(problem.contains("does not say which version"), "{problem}");
        let problem = version(Path::new("/no/wine")).expect_err("not there");
        assert!(problem.contains("cannot be started"), "{problem}");
    }
}
