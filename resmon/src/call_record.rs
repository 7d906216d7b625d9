//! Which calls into libraries are under way, in a file, so that somebody can still read it when this process has crashed.
//!
//! The real monitor keeps a block of memory that it shares with the Cluster service (reference 01.7, MONITOR_STATE) for the
//! same end: a library that takes the process down is named with its entry point. A call takes a slot of the file when it
//! begins and clears it when it has returned; what stands there when the process is gone was under way. One slot is one
//! write to the page cache; nothing is flushed, because the file need not outlive the machine.
#![forbid(unsafe_code)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::clock::lock;
use crate::protocol::ResourceId;
use crate::surroundings;
use crate::watchdog::Watched;

/// Bytes of a slot. Longer names are cut.
const SLOT_BYTES: usize = 512;

/// Calls that are recorded at the same time; more are not.
const MAX_SLOTS: usize = 1_024;

/// Between the parts of a slot.
const SEPARATOR: char = '\u{1f}';

/// A call that was under way when its monitor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The resource, or `None` for a call on behalf of a type.
    pub resource: Option<ResourceId>,
    /// The type.
    pub resource_type: String,
    /// The library.
    pub dll_name: String,
    /// The entry point.
    pub call: String,
}

/// The file of the monitor with this process id.
#[must_use]
pub fn path(run_dir: &Path, process_id: u32) -> PathBuf {
    run_dir.join(format!("calls-{process_id}"))
}

/// Reads what a monitor that has ended was in, and removes its file. Nothing when there is no file.
#[must_use]
pub fn take(run_dir: &Path, process_id: u32) -> Vec<Interrupted> {
    let path = path(run_dir, process_id);
    let bytes = std::fs::read(&path).unwrap_or_default();
    // It may never have been there.
    let _ = std::fs::remove_file(&path);
    bytes.chunks(SLOT_BYTES).take(MAX_SLOTS).filter_map(read_slot).collect()
}

fn read_slot(slot: &[u8]) -> Option<Interrupted> {
    let text = String::from_utf8_lossy(slot.split(|byte| *byte == 0).next()?);
    let mut parts = text.split(SEPARATOR);
    let (call, resource) = (parts.next().filter(|call| !call.is_empty())?, parts.next()?);
    let (resource_type, dll_name) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let resource = u128::from_str_radix(resource, 16).ok().map(ResourceId);
    Some(Interrupted { resource, resource_type, dll_name, call: call.to_owned() })
}

/// The writing side.
#[derive(Debug, Default)]
pub(crate) struct CallRecord {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Option<File>,
    /// True: taken.
    slots: Vec<bool>,
}

/// A slot of the file.
#[derive(Debug)]
pub(crate) struct Slot(usize);

impl CallRecord {
    /// Begins to write. Without a file nothing is recorded, and a crash is told without its culprit.
    pub(crate) fn open(&self, run_dir: &Path) -> std::io::Result<()> {
        let file = File::create(path(run_dir, surroundings::process_number()))?;
        lock(&self.inner).file = Some(file);
        Ok(())
    }

    /// A call begins.
    pub(crate) fn begin(&self, watched: &Watched) -> Option<Slot> {
        let mut inner = lock(&self.inner);
        let number = match inner.slots.iter().position(|is_taken| !is_taken) {
            Some(free) => free,
            None if inner.slots.len() >= MAX_SLOTS => return None,
            None => {
                inner.slots.push(false);
                inner.slots.len() - 1
            }
        };
        let resource = watched.resource.map_or_else(|| "-".to_owned(), |id| format!("{:x}", id.0));
        let parts = [watched.call, &resource, &watched.resource_type, &watched.dll_name];
        let mut bytes = parts.join(&SEPARATOR.to_string()).into_bytes();
        bytes.resize(SLOT_BYTES, 0);
        bytes[SLOT_BYTES - 1] = 0;
        let file = inner.file.as_ref()?;
        // What cannot be written is not recorded; the call goes on.
        write_at(file, &bytes, (number * SLOT_BYTES) as u64).ok()?;
        inner.slots[number] = true;
        Some(Slot(number))
    }

    /// The call returned.
    pub(crate) fn end(&self, slot: Option<Slot>) {
        let Some(Slot(number)) = slot else { return };
        let mut inner = lock(&self.inner);
        if let Some(file) = &inner.file {
            // An entry that stays would name somebody who is innocent, but only beside the culprit.
            let _ = write_at(file, &[0], (number * SLOT_BYTES) as u64);
        }
        inner.slots[number] = false;
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    // A slot is far below what a single write of a file can take.
    std::os::windows::fs::FileExt::seek_write(file, bytes, at).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(call: &'static str, resource: Option<u128>) -> Watched {
        Watched {
            resource: resource.map(ResourceId),
            resource_type: "A Type".into(),
            dll_name: "/x/é.so".into(),
            call,
            limit_ms: 1,
        }
    }

    #[test]
    fn what_was_under_way_can_be_read_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = CallRecord::default();
        assert!(record.begin(&watched("Open", Some(1))).is_none(), "not open");
        record.open(folder.path()).expect("writable");
        let first = record.begin(&watched("Online", Some(7)));
        let second = record.begin(&watched("IsAlive", Some(8)));
        record.end(second);
        let third = record.begin(&watched("ResourceTypeControl", None));
        assert!(first.is_some() && third.is_some());
        let found = take(folder.path(), std::process::id());
        let short: Vec<_> = found.iter().map(|c| (c.call.as_str(), c.resource.map(|id| id.0))).collect();
        assert_eq!(short, [("Online", Some(7)), ("ResourceTypeControl", None)]);
        assert_eq!((found[0].resource_type.as_str(), found[0].dll_name.as_str()), ("A Type", "/x/é.so"));
        assert_eq!(take(folder.path(), std::process::id()), [], "taken");
    }

    #[test]
    fn any_bytes_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        for bytes in [&b""[..], b"\xff\xff", &[b'a'; 2000], b"Online\x1f-\x1fx", &[0x1f; 600]] {
            std::fs::write(path(folder.path(), 5), bytes).expect("writable");
            assert_eq!(take(folder.path(), 5), []);
        }
    }
}
