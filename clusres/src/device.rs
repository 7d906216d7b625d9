//! Where disks and shares lie, and whether this node can reach them: one truth for the resource types and for the Cluster
//! service, which keeps the store of the quorum witness on the same device.
//!
//! The way to shared storage can be cut on purpose, to see what a cluster does then: while the file [`CUT_FILE`] lies in a
//! node's run directory, every device behaves on that node as if it were not connected (21 ERROR_NOT_READY). Whoever touches
//! a device asks [`StoragePath::check`] first, each time anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use resapi::Failure;
use resapi::codes::win32;

pub use crate::files::publish_new;
use crate::place;
use crate::shared_folder::{self, Unusable};

/// While this file lies in the run directory of a node, the node reaches no disk and no share.
pub const CUT_FILE: &str = "storage.cut";

/// The way from one node to the devices that all nodes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoragePath {
    marker: PathBuf,
}

impl StoragePath {
    /// That of the node with this run directory.
    #[must_use]
    pub fn of_node(run_dir: &Path) -> StoragePath {
        StoragePath { marker: run_dir.join(CUT_FILE) }
    }

    /// Is the way cut now?
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.marker.exists()
    }

    /// Asked before every touch of a device.
    ///
    /// # Errors
    /// 21 while the way is cut.
    pub fn check(&self) -> Result<(), Failure> {
        if !self.is_cut() {
            return Ok(());
        }
        let text = format!("the storage path of this node is cut; remove {} to mend it", self.marker.display());
        Err(Failure::new(win32::ERROR_NOT_READY, text))
    }

    /// Cuts the way, or mends it. Either may be so already.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn set_cut(&self, cut: bool) -> io::Result<()> {
        if cut {
            return fs::write(&self.marker, "the storage path of this node is cut\n");
        }
        match fs::remove_file(&self.marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The folder that is a Physical Disk: `DiskPath`, relative to `<shared_dir>/disks`; else one named by the signature, which
/// is `Signature`, else `DiskSignature`. A relative folder is made when it is missing, an absolute one has to exist.
///
/// # Errors
/// 2 when nothing is set, 87 when the path leads out of the shared directory, those of the file system.
pub fn disk_folder(
    shared_dir: &Path,
    disk_path: &str,
    signature: u32,
    disk_signature: u32,
) -> Result<PathBuf, Failure> {
    let signature = if signature == 0 { disk_signature } else { signature };
    let path = match (disk_path, signature) {
        (path, _) if !path.is_empty() => path.to_owned(),
        (_, 0) => {
            let text = "neither DiskPath nor Signature is set; set DiskPath";
            return Err(Failure::new(win32::ERROR_FILE_NOT_FOUND, text));
        }
        (_, signature) => format!("{signature:08x}"),
    };
    let relative = path.strip_prefix("disks/").unwrap_or(&path);
    shared_folder::open(&place::disks_in(shared_dir), relative).map_err(|unusable| match unusable {
        Unusable::LeavesSharedDirectory => Failure::new(win32::ERROR_INVALID_PARAMETER, format!("{path}: {unusable}")),
        Unusable::System(error) => {
            let failure = Failure::from(error);
            let text = format!("{path}: {}; connect the disk or correct DiskPath", failure.message);
            Failure::new(failure.code, text)
        }
    })
}

/// The folder of one cluster's File Share Witness on its share: `<SharePath>/<id of the resource>`. It is made when it is
/// missing; a share with an absolute path has to exist.
///
/// # Errors
/// 53 when the share cannot be used, those of the file system.
pub fn share_folder(shared_dir: &Path, share_path: &str, resource_id: &str) -> Result<PathBuf, Failure> {
    let folder = shared_folder::open(shared_dir, share_path).map_err(|unusable| {
        let text = format!(
            "the share {share_path} cannot be used: {unusable}; make it available or correct SharePath to a folder that all nodes see"
        );
        Failure::new(win32::ERROR_BAD_NETPATH, text)
    })?;
    let folder = folder.join(place::file_name(resource_id));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_cut_and_mended() {
        let run_dir = tempfile::tempdir().expect("a folder");
        let way = StoragePath::of_node(run_dir.path());
        way.set_cut(false).expect("it is whole already");
        assert_eq!(way.check(), Ok(()));
        for _ in 0..2 {
            way.set_cut(true).expect("cut");
            let failure = way.check().expect_err("cut");
            assert_eq!(failure.code, win32::ERROR_NOT_READY);
            assert!(failure.message.contains(CUT_FILE), "{}", failure.message);
        }
        way.set_cut(false).expect("mended");
        assert!(!way.is_cut());
    }

    #[test]
    fn what_is_not_said_is_asked_for() {
        let shared = tempfile::tempdir().expect("a folder");
        let check = |path: &str, signatures: (u32, u32), expected: Result<&str, u32>| {
            let found = disk_folder(shared.path(), path, signatures.0, signatures.1).map_err(|failure| failure.code);
            assert_eq!(found, expected.map(|name| shared.path().join("disks").join(name)), "{path} {signatures:?}");
        };
        check("a", (1, 2), Ok("a"));
        check("disks/b", (0, 0), Ok("b"));
        check("", (0xAB_CDEF, 2), Ok("00abcdef"));
        check("", (0, 2), Ok("00000002"));
        check("", (0, 0), Err(win32::ERROR_FILE_NOT_FOUND));
        check("../a", (0, 0), Err(win32::ERROR_INVALID_PARAMETER));
        let share = share_folder(shared.path(), "s", "1-2").expect("made");
        assert_eq!(share, shared.path().join("s").join("1-2"));
        let error = share_folder(shared.path(), "/no/such/share", "1-2").expect_err("missing");
        assert_eq!(error.code, win32::ERROR_BAD_NETPATH);
    }
}
