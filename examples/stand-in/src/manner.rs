//! What a stand-in does, as it stands in the file `manner`: one word and one number per line. Read at every call and
//! replaced as a whole, by the director of the play and by the stand-in itself when it has counted a failure.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// While this file is there the resource is not alive.
pub const FAIL: &str = "fail";
/// The file.
const MANNER: &str = "manner";
/// Held while the file is read, changed and replaced.
const LOCK: &str = "manner.lock";

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How long Online takes.
    pub online_ms: u64,
    /// How long Offline takes.
    pub offline_ms: u64,
    /// How many more times Online fails; `u32::MAX`: always.
    pub fail_online: u32,
    /// How many more times Offline fails.
    pub fail_offline: u32,
    /// Online never reports.
    pub hangs_online: bool,
    /// Offline never reports.
    pub hangs_offline: bool,
    /// Open fails.
    pub cannot_open: bool,
}

impl Default for Manner {
    /// As the ordinary resource of the simulator.
    fn default() -> Manner {
        Manner {
            online_ms: 5,
            offline_ms: 5,
            fail_online: 0,
            fail_offline: 0,
            hangs_online: false,
            hangs_offline: false,
            cannot_open: false,
        }
    }
}

/// The file that is locked while the resource of this folder is online on a node.
#[must_use]
pub fn runs_file(folder: &Path, node: &str) -> PathBuf {
    folder.join(format!("{node}.runs"))
}

/// Is the resource of this folder online on this node, whatever anybody believes? Asked by the director.
///
/// # Errors
/// Those of the file system.
pub fn runs_on(folder: &Path, node: &str) -> io::Result<bool> {
    let file = match File::open(runs_file(folder, node)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// What the file says; without a file the ordinary manner.
///
/// # Errors
/// Those of the file system; a line that is no such line.
pub fn read(folder: &Path) -> io::Result<Manner> {
    match fs::read_to_string(folder.join(MANNER)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manner::default()),
        Err(error) => Err(error),
    }
}

/// Changes what the file says, while nobody else does.
///
/// # Errors
/// Those of [`read`].
pub fn change<T>(folder: &Path, change: impl FnOnce(&mut Manner) -> T) -> io::Result<T> {
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    lock.lock()?;
    let before = read(folder)?;
    let mut manner = before;
    let answer = change(&mut manner);
    if manner != before {
        let new = folder.join("manner.new");
        fs::write(&new, written(&manner))?;
        fs::rename(&new, folder.join(MANNER))?;
    }
    Ok(answer)
}

fn parse(text: &str) -> io::Result<Manner> {
    let mut manner = Manner::default();
    for line in text.lines() {
        let fault = || io::Error::new(io::ErrorKind::InvalidData, format!("'{line}' is no line of a manner"));
        let (word, number) = line.split_once(' ').ok_or_else(fault)?;
        let number: u64 = number.parse().map_err(|_| fault())?;
        let times = u32::try_from(number).unwrap_or(u32::MAX);
        match word {
            "online-ms" => manner.online_ms = number,
            "offline-ms" => manner.offline_ms = number,
            "fail-online" => manner.fail_online = times,
            "fail-offline" => manner.fail_offline = times,
            "hangs-online" => manner.hangs_online = number != 0,
            "hangs-offline" => manner.hangs_offline = number != 0,
            "cannot-open" => manner.cannot_open = number != 0,
            _ => return Err(fault()),
        }
    }
    Ok(manner)
}

fn written(manner: &Manner) -> String {
    let Manner { online_ms, offline_ms, fail_online, fail_offline, hangs_online, hangs_offline, cannot_open } = manner;
    format!(
        "online-ms {online_ms}\noffline-ms {offline_ms}\nfail-online {fail_online}\nfail-offline {fail_offline}\n\
         hangs-online {}\nhangs-offline {}\ncannot-open {}\n",
        u8::from(*hangs_online),
        u8::from(*hangs_offline),
        u8::from(*cannot_open)
    )
}
