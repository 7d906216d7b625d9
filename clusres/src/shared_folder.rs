//! Disks and shares are folders. An absolute path is the user's own and has to exist, as a disk has to be connected; a
//! relative one lies in the shared directory of the cluster and is made when it is first needed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a folder cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// A relative path must stay inside of the shared directory.
    LeavesSharedDirectory,
    /// It is missing, no folder, or not accessible.
    System(io::Error),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unusable::LeavesSharedDirectory => {
                write!(out, "a relative path may not contain `..` or lead out of the shared directory")
            }
            Unusable::System(error) => write!(out, "{error}"),
        }
    }
}

/// The folder that `text` means; relative paths lie in `base`. The folder exists when this returns.
pub(crate) fn open(base: &Path, text: &str) -> Result<PathBuf, Unusable> {
    let path = Path::new(text);
    if path.is_relative() {
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(Unusable::LeavesSharedDirectory);
        }
        let path = base.join(path);
        fs::create_dir_all(&path).map_err(Unusable::System)?;
        return Ok(path);
    }
    // Listing it also proves that it may be read.
    fs::read_dir(path).map_err(Unusable::System)?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_folders_are_made_and_absolute_ones_must_exist() {
        let base = tempfile::tempdir().expect("a folder");
        assert_eq!(open(base.path(), "d1").expect("made"), base.path().join("d1"));
        assert!(base.path().join("d1").is_dir());
        let absolute = base.path().join("own");
        let text = absolute.to_str().expect("text");
        assert!(
            matches!(open(Path::new("/nowhere"), text), Err(Unusable::System(error)) if error.kind() == io::ErrorKind::NotFound)
        );
        fs::write(&absolute, "a file").expect("written");
        assert!(matches!(open(Path::new("/nowhere"), text), Err(Unusable::System(_))), "a file is no disk");
    }

    #[test]
    fn nothing_leads_out_of_the_shared_directory() {
        let base = tempfile::tempdir().expect("a folder");
        for text in ["..", "../x", "a/../../x", "a/.."] {
            assert!(matches!(open(base.path(), text), Err(Unusable::LeavesSharedDirectory)), "{text}");
        }
    }
}
