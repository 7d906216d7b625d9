//! Which processes belong to a node: `run/<pid>.pid` names the service and its monitors, `run/*.pgid` the applications
//! (written by the guards, see the built-in resource types), and whatever else a monitor has started is known by the lock
//! `run/monitor-*.lock` that it inherited (where the system tells which process has which file open).
//!
//! Numbers of processes are given out again, so each file also keeps the moment at which the system says that the process
//! was born; a number whose process was born at another moment is a stranger and is never signalled.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A process of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeProcess {
    /// The service itself.
    Service(i32),
    /// A Resource Monitor.
    Monitor(i32),
    /// The process group of an application.
    Application(i32),
    /// Something else that a monitor has started: a guard, for example.
    Other(i32),
}

impl NodeProcess {
    /// Sends a signal to the process, or to the whole group. A process that is gone meanwhile is fine.
    pub fn signal(self, signal: Signal) {
        let (number, is_group) = match self {
            NodeProcess::Service(number) | NodeProcess::Monitor(number) | NodeProcess::Other(number) => (number, false),
            NodeProcess::Application(number) => (number, true),
        };
        // 1 and below would mean every process of the user.
        let Some(pid) = Pid::from_raw(number).filter(|_| number > 1) else { return };
        let _ = if is_group { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    }
}

/// Notes a process. `role` is `service` or `monitor`.
///
/// # Errors
/// When the file cannot be written.
pub fn note(run_dir: &Path, role: &str, process_id: u32) -> io::Result<()> {
    let birth = birth(process_id).unwrap_or_default();
    fs::write(run_dir.join(format!("{process_id}.pid")), format!("{role} {birth}\n"))
}

/// Forgets a process that has ended.
pub fn forget(run_dir: &Path, process_id: u32) {
    // A file that is gone already is forgotten.
    let _ = fs::remove_file(run_dir.join(format!("{process_id}.pid")));
}

/// The living processes of a node: those whose birth is the one that was noted, and those that hold a monitor's lock.
#[must_use]
pub fn living(run_dir: &Path) -> Vec<NodeProcess> {
    let Ok(entries) = fs::read_dir(run_dir) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let mut found: Vec<NodeProcess> = paths.iter().filter_map(|path| read(path)).collect();
    let locks: Vec<PathBuf> = paths.into_iter().filter(|path| is_monitor_lock(path)).collect();
    for number in holders(&locks) {
        // The service itself looks at locks now and then; an application's own number is that of its group.
        let is_known = [NodeProcess::Service(number), NodeProcess::Monitor(number), NodeProcess::Application(number)];
        if !is_known.iter().any(|known| found.contains(known)) {
            found.push(NodeProcess::Other(number));
        }
    }
    found.sort_unstable();
    found
}

/// Is this the name of a monitor's lock?
#[must_use]
pub fn is_monitor_lock(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("monitor-") && name.ends_with(".lock")
}

/// The processes that have one of the files open, apart from this one. Empty where the system does not tell.
#[must_use]
pub fn holders(files: &[PathBuf]) -> Vec<i32> {
    let files: Vec<PathBuf> = files.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    if files.is_empty() {
        return Vec::new();
    }
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let has_open = |number: &i32| {
        let Ok(open) = fs::read_dir(format!("/proc/{number}/fd")) else { return false };
        open.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| files.contains(&target)))
    };
    numbers.filter(|number| *number != me).filter(has_open).collect()
}

/// Removes the files of processes that have ended.
pub fn tidy(run_dir: &Path) {
    let Ok(entries) = fs::read_dir(run_dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_ours = path.extension().is_some_and(|kind| kind == "pid" || kind == "pgid");
        if is_ours && read(&path).is_none() {
            let _ = fs::remove_file(birth_file(&path));
            let _ = fs::remove_file(&path);
        }
    }
}

fn read(path: &Path) -> Option<NodeProcess> {
    match path.extension()?.to_str()? {
        "pid" => {
            let number: u32 = path.file_stem()?.to_str()?.parse().ok()?;
            let text = fs::read_to_string(path).ok()?;
            let (role, noted) = text.trim_end().split_once(' ')?;
            let signed = i32::try_from(number).ok()?;
            if birth(number)? != noted {
                return None;
            }
            match role {
                "service" => Some(NodeProcess::Service(signed)),
                "monitor" => Some(NodeProcess::Monitor(signed)),
                _ => None,
            }
        }
        "pgid" => {
            let number: u32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
            let noted = fs::read_to_string(birth_file(path)).ok()?;
            let signed = i32::try_from(number).ok()?;
            (birth(number)? == noted.trim_end()).then_some(NodeProcess::Application(signed))
        }
        _ => None,
    }
}

/// The file beside a `.pgid` file in which the guard keeps the birth of the group's leader.
fn birth_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".birth");
    PathBuf::from(name)
}

/// The moment of birth of a living process as the system writes it; the text means something only when compared.
#[cfg(target_os = "linux")]
fn birth(process_id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    // The program's name in parentheses may hold anything, so count from its end: state first, birth 19 fields later.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let is_gone = fields.next().is_none_or(|state| state == "Z" || state == "X");
    fields.nth(18).filter(|_| !is_gone).map(str::to_owned)
}

/// The moment of birth of a living process as the system writes it; the text means something only when compared.
#[cfg(not(target_os = "linux"))]
fn birth(process_id: u32) -> Option<String> {
    let output =
        std::process::Command::new("ps").args(["-o", "lstart=", "-p", &process_id.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn the_living_are_told_from_the_dead_and_from_strangers() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path();
        let mut child = Command::new("sleep").arg("600").process_group(0).spawn().expect("sleep exists");
        let id = child.id();
        let signed = i32::try_from(id).expect("a process id");
        note(run, "monitor", id).expect("written");
        note(run, "service", std::process::id()).expect("written");
        fs::write(run.join("a.pgid"), format!("{id}\n")).expect("written");
        fs::write(run.join("a.pgid.birth"), birth(id).expect("alive")).expect("written");
        fs::write(run.join("b.pgid"), format!("{id}\n")).expect("written");
        fs::write(run.join("b.pgid.birth"), "another birth").expect("written");
        for nonsense in ["1.pid", "x.pid", "-1.pid", "c.pgid", "other"] {
            fs::write(run.join(nonsense), "monitor 5").expect("written");
        }
        let me = i32::try_from(std::process::id()).expect("a process id");
        assert_eq!(
            living(run),
            [NodeProcess::Service(me), NodeProcess::Monitor(signed), NodeProcess::Application(signed)]
        );
        NodeProcess::Application(signed).signal(Signal::KILL);
        child.wait().expect("ours");
        assert_eq!(living(run), [NodeProcess::Service(me)]);
        tidy(run);
        forget(run, std::process::id());
        let mut left: Vec<_> = fs::read_dir(run).expect("a folder").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["other"]);
    }
}
