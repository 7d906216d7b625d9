//! Drive letters for Windows programs of this node: while a Physical Disk with the property `Drive` is online here, its folder
//! is that drive in the private Windows of the node (see docs/windows-dlls.md).
//!
//! A drive of Wine is a link in `dosdevices` of its prefix, which running programs see at once. There may be no prefix yet, so
//! the links are also kept in `drives` of the run directory, from where whoever starts a Windows program copies them.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use resapi::Failure;
use resapi::codes::win32;

/// In the run directory of the node.
const KEPT: &str = "drives";

/// Where the prefix of the node keeps its drives, beside the run directory.
const PREFIX_DRIVES: &str = "wine/dosdevices";

/// Drives that Wine has by itself.
const TAKEN: [char; 2] = ['c', 'z'];

/// The letter of the property `Drive` (`Q`, `Q:` or `Q:\`), in lower case; `None` when it is empty.
///
/// # Errors
/// 87 for anything else, and for the letters that are taken.
pub(crate) fn letter(text: &str) -> Result<Option<char>, Failure> {
    let text = text.trim();
    let mut letters = text.trim_end_matches('\\').trim_end_matches(':').chars();
    match (letters.next(), letters.next()) {
        (None, _) if text.is_empty() => Ok(None),
        (Some(letter), None) if letter.is_ascii_alphabetic() && !TAKEN.contains(&letter.to_ascii_lowercase()) => {
            Ok(Some(letter.to_ascii_lowercase()))
        }
        _ => Err(Failure::new(
            win32::ERROR_INVALID_PARAMETER,
            format!("the property Drive is `{text}`; write a letter other than C and Z, like Q:"),
        )),
    }
}

/// From now on the folder is the drive.
pub(crate) fn mount(run_dir: &Path, letter: char, disk: &Path) -> io::Result<()> {
    fs::create_dir_all(run_dir.join(KEPT))?;
    for link in links(run_dir, letter) {
        if link.parent().is_some_and(Path::is_dir) {
            remove(&link)?;
            symlink(disk, link)?;
        }
    }
    Ok(())
}

/// The drive is gone, if it was this folder.
pub(crate) fn unmount(run_dir: &Path, letter: char, disk: &Path) {
    for link in links(run_dir, letter) {
        if fs::read_link(&link).is_ok_and(|target| target == disk) {
            // A link that stays leads to a folder that the node does not own: that is noticed there.
            let _ = remove(&link);
        }
    }
}

fn links(run_dir: &Path, letter: char) -> [PathBuf; 2] {
    let name = format!("{letter}:");
    [run_dir.join(KEPT).join(&name), run_dir.with_file_name(PREFIX_DRIVES).join(name)]
}

fn remove(link: &Path) -> io::Result<()> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read() {
        for (text, expected) in
            [("", None), ("Q", Some('q')), ("q:", Some('q')), (r"R:\", Some('r')), (" S: ", Some('s'))]
        {
            assert_eq!(letter(text).expect(text), expected, "{text}");
        }
        for text in ["C:", "z", "QQ", "1:", ":", r"\\server"] {
            assert_eq!(letter(text).expect_err(text).code, win32::ERROR_INVALID_PARAMETER, "{text}");
        }
    }

    #[test]
    fn a_drive_is_there_while_it_is_mounted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (run, drives) = (folder.path().join("run"), folder.path().join("wine/dosdevices"));
        let disk = folder.path().join("disk");
        fs::create_dir_all(&run).expect("made");
        mount(&run, 'q', &disk).expect("without a prefix");
        fs::create_dir_all(&drives).expect("made");
        mount(&run, 'q', &disk).expect("with a prefix, again");
        assert_eq!(fs::read_link(drives.join("q:")).expect("a link"), disk);
        assert_eq!(fs::read_link(run.join("drives/q:")).expect("a link"), disk);
        unmount(&run, 'q', &folder.path().join("another"));
        assert!(fs::symlink_metadata(drives.join("q:")).is_ok(), "another disk's letter is not taken away");
        unmount(&run, 'q', &disk);
        assert!(
            fs::symlink_metadata(drives.join("q:")).is_err() && fs::symlink_metadata(run.join("drives/q:")).is_err()
        );
    }
}
