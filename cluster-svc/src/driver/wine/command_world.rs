//! A Windows world without a node, for a command that tries a DLL: `cluster dll inspect` and `cluster dll test`.
//!
//! Its prefix is a copy of the user's template like that of a node. It lies beside the template, so that the files of Wine are
//! hard links, and goes at the end; what a command that was killed has left behind is removed by the next one.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use resmon::protocol::READY;
use rustix::fs::{FlockOperation, flock};

use super::choice::Windows;
use super::installation::Installation;
use super::launch::{self, WORLD_LIMIT};
use super::prefix;
use crate::driver::own_executable;

/// What monitors of a command call their node.
const NODE: &str = "n1";

/// Held by the command as long as its folder is in use.
const LOCK: &str = "lock";

/// How long Wine may take to end.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The world; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct CommandWorld {
    executable: PathBuf,
    installation: Installation,
    folder: PathBuf,
    environment: Vec<(&'static str, std::ffi::OsString)>,
    holder: Child,
    _lock: File,
}

impl CommandWorld {
    /// Looks at the DLL and, when it can be hosted, wakes a world for it. Takes a second or two, much longer when Wine has never
    /// run for this user.
    ///
    /// # Errors
    /// Why the DLL cannot be hosted here, in words.
    pub(crate) fn wake(dll_name: &str) -> Result<CommandWorld, String> {
        let executable = own_executable().map_err(|error| format!("the own executable cannot be found: {error}"))?;
        let cache = prefix::cache_dir().unwrap_or_else(|| std::env::temp_dir().join("wolfden-wine"));
        let (folder, lock) = own_folder(&cache.join("commands"))?;
        let prefix = folder.join(prefix::FOLDER);
        let mut windows = Windows::new(executable.clone(), prefix.clone());
        let looked = windows.kind("", dll_name).map_err(|(_, text)| text).and_then(|_| windows.installation());
        let ready = folder.join("ready");
        let woken = looked.and_then(|installation| {
            let environment = launch::environment(NODE, &installation, &prefix, &windows.directories(), &ready);
            let holder = hold(&executable, &environment)?;
            Ok((installation, environment, holder))
        });
        let (installation, environment, holder) = woken.inspect_err(|_| remove(&folder))?;
        let world = CommandWorld { executable, installation, folder, environment, holder, _lock: lock };
        fs::write(&ready, "").map_err(|error| format!("{}: {error}", ready.display()))?;
        Ok(world)
    }

    /// The command that becomes a monitor of this world; what tells it whom to connect to is still missing.
    pub(crate) fn monitor(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args([launch::WORD, "monitor"]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for CommandWorld {
    fn drop(&mut self) {
        // The end of its input is the end of the holder.
        drop(self.holder.stdin.take());
        let prefix = self.folder.join(prefix::FOLDER);
        let server = prefix::server_of(&self.installation.loader);
        for word in ["-k", "-w"] {
            let mut command = Command::new(&server);
            let quiet = prefix::surround(&mut command, &prefix).arg(word).stdin(Stdio::null());
            if let Ok(mut asked) = quiet.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
                wait(&mut asked);
            }
        }
        wait(&mut self.holder);
        remove(&self.folder);
    }
}

/// Waits for a program, and ends it when it takes too long.
fn wait(program: &mut Child) {
    for _ in 0..END_LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
        if !matches!(program.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    // Gone by now is as good.
    let _ = program.kill();
    let _ = program.wait();
}

/// A folder of this command's own, and its lock. Folders of commands that are gone are removed.
fn own_folder(all: &Path) -> Result<(PathBuf, File), String> {
    let failed = |error: std::io::Error| format!("{}: {error}; check the rights on the directory", all.display());
    let open = |path: PathBuf| OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed);
    fs::create_dir_all(all).map_err(failed)?;
    // A folder has no lock in its first moment, so one command at a time makes or removes some.
    let turn = open(all.join(LOCK))?;
    prefix::hold(&turn).map_err(failed)?;
    for entry in fs::read_dir(all).map_err(failed)?.flatten().filter(|entry| entry.path().is_dir()) {
        let is_left = File::open(entry.path().join(LOCK))
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_left {
            remove(&entry.path());
        }
    }
    let folder = all.join(uuid::Uuid::new_v4().to_string());
    fs::create_dir(&folder).map_err(failed)?;
    let lock = open(folder.join(LOCK))?;
    prefix::hold(&lock).map_err(failed)?;
    Ok((folder, lock))
}

/// What cannot be removed now is removed by the next command.
fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// Starts the holder and waits until its world can be used.
fn hold(executable: &Path, environment: &[(&'static str, std::ffi::OsString)]) -> Result<Child, String> {
    let mut holder = Command::new(executable)
        .args([launch::WORD, "world"])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", executable.display()))?;
    let (sender, said) = channel();
    if let Some(output) = holder.stdout.take() {
        // It goes on to say that it is alive, to nobody.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line.trim_end().to_owned());
            }
        });
    }
    let mut last = String::new();
    let problem = loop {
        match said.recv_timeout(WORLD_LIMIT) {
            Ok(line) if line == READY => return Ok(holder),
            Ok(line) => last = line,
            Err(RecvTimeoutError::Timeout) => break format!("Wine was not ready within {} s", WORLD_LIMIT.as_secs()),
            Err(RecvTimeoutError::Disconnected) => break format!("Wine did not get ready: {last}"),
        }
    };
    drop(holder.stdin.take());
    wait(&mut holder);
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_commands_that_are_gone_are_removed() {
        let all = tempfile::tempdir().expect("a folder");
        let (first, lock) = own_folder(all.path()).expect("made");
        let (second, _held) = own_folder(all.path()).expect("made");
        assert!(first.is_dir() && second.is_dir(), "both are in use");
        drop(lock);
        let (third, _held) = own_folder(all.path()).expect("made");
        assert!(!first.exists() && second.is_dir() && third.is_dir());
    }

    #[test]
    fn a_holder_that_does_not_get_ready_says_why() {
        let problem = hold(Path::new("/bin/echo"), &[]).expect_err("echo is not Wine");
        assert!(problem.contains("wine world"), "{problem}");
    }
}
