//! Which process a number means: numbers of processes are given out again, so a process file alone does not prove that
//! the process it names is still the one that was started.
//!
//! Beside `<name>.pgid` the guard keeps `<name>.pgid.birth` with the moment at which the operating system says that the
//! process was born. [`end_left_over`] uses both to end an application whose monitor *and* guard were killed together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};

/// How long a guard that is still at work may take to end its application, before the next start does it itself.
const GUARD_LIMIT: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What became of an application of an earlier life of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOver {
    /// There was none, or it ended by itself.
    None,
    /// It was still running and has been killed.
    Killed,
}

/// Writes the birth of the leader of `group` beside the process file `path`.
pub(crate) fn write(path: &Path, group: Pid) -> io::Result<()> {
    match of(group) {
        Some(birth) => fs::write(beside(path), birth),
        None => Ok(()),
    }
}

/// Removes the birth file beside `path`.
pub(crate) fn remove(path: &Path) {
    let _ = fs::remove_file(beside(path));
}

/// Ends the application that the process file `path` names, if it still runs. Called before a new one is started under
/// the same name. A guard that just lost its monitor is given a moment to do it.
pub(crate) fn end_left_over(path: &Path) -> LeftOver {
    let start = Instant::now();
    while let Some(group) = living(path) {
        if start.elapsed() >= GUARD_LIMIT {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = fs::remove_file(path);
            remove(path);
            return LeftOver::Killed;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    LeftOver::None
}

/// The process group of the application that `path` names, if its leader is alive and the one that was started.
fn living(path: &Path) -> Option<Pid> {
    let number: i32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    // 1 and below would mean every process of the user.
    let group = if number > 1 { Pid::from_raw(number)? } else { return None };
    test_kill_process(group).ok()?;
    let recorded = fs::read_to_string(beside(path)).ok()?;
    (of(group)? == recorded).then_some(group)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".birth");
    PathBuf::from(name)
}

/// The moment of birth as the system writes it; the text means something only when compared.
#[cfg(target_os = "linux")]
fn of(process: Pid) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // The second field is the program's name in parentheses and may hold anything; the birth is the 22nd field.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19).map(str::to_owned)
}

/// The moment of birth as the system writes it; the text means something only when compared.
#[cfg(not(target_os = "linux"))]
fn of(process: Pid) -> Option<String> {
    let output = std::process::Command::new("ps")
        .args(["-o", "lstart=", "-p", &process.as_raw_nonzero().to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    fn sleeper() -> std::process::Child {
        Command::new("sleep").arg("600").process_group(0).spawn().expect("sleep exists")
    }

    #[test]
    fn a_left_over_application_is_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pgid");
        let mut child = sleeper();
        let pid = Pid::from_child(&child);
        write(&path, pid).expect("written");
        fs::write(&path, format!("{}\n", child.id())).expect("written");
        assert_eq!(end_left_over(&path), LeftOver::Killed);
        assert!(!child.wait().expect("a child").success());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_stranger_with_the_same_number_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pgid");
        let mut child = sleeper();
        fs::write(&path, format!("{}\n", child.id())).expect("written");
        fs::write(beside(&path), "another birth").expect("written");
        assert_eq!(end_left_over(&path), LeftOver::None);
        assert!(child.try_wait().expect("a child").is_none(), "it still runs");
        child.kill().expect("ours");
        child.wait().expect("a child");
    }

    #[test]
    fn nonsense_in_the_file_harms_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pgid");
        for text in ["", "1", "0", "-1", "99999999999", "abc"] {
            fs::write(&path, text).expect("written");
            fs::write(beside(&path), "0").expect("written");
            assert_eq!(end_left_over(&path), LeftOver::None, "{text:?}");
        }
    }
}
