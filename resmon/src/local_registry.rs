//! The registry of a node, as far as there is one outside of Windows: a file beside its other files, in `.reg` text.
//!
//! A resource may keep settings of an application outside of the cluster registry and ask for a *registry checkpoint*: the key
//! then travels with the resource (reference 06.7). On Windows that key is in the node's own registry. Here it is in the file
//! `local-registry.reg` of the node's directory, where people and applications can read and write it; keys are written as
//! `[HKEY_LOCAL_MACHINE\...]`. Nothing watches the file: it is read when a checkpoint is taken. A file that cannot be
//! understood is left as it is, and said.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clusreg::{Batch, FileTime, Hive, reg_text};

/// The name of the file.
pub const FILE_NAME: &str = "local-registry.reg";

/// What stands in front of each key in the file, and what the reader of `.reg` text wants there.
const ROOTS: [(&str, &str); 4] = [
    ("[HKEY_LOCAL_MACHINE\\", "[HKEY_LOCAL_MACHINE\\Cluster\\"),
    ("[-HKEY_LOCAL_MACHINE\\", "[-HKEY_LOCAL_MACHINE\\Cluster\\"),
    ("[HKLM\\", "[HKEY_LOCAL_MACHINE\\Cluster\\"),
    ("[-HKLM\\", "[-HKEY_LOCAL_MACHINE\\Cluster\\"),
];

/// The registry of one node.
#[derive(Clone, Debug)]
pub struct LocalRegistry {
    file: PathBuf,
}

impl LocalRegistry {
    /// That of the node with this directory.
    #[must_use]
    pub fn of_node(directory: &Path) -> LocalRegistry {
        LocalRegistry { file: directory.join(FILE_NAME) }
    }

    /// The key with all below it as text; `None` when there is no such key.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn take(&self, key: &str) -> io::Result<Option<String>> {
        let _alone = self.lock()?;
        let hive = self.load()?;
        Ok(hive.key(key).map(|_| local(&reg_text::export(&hive, key))))
    }

    /// Puts a key back as it was taken; what is there now goes.
    ///
    /// # Errors
    /// When the file or the text cannot be understood, or the file cannot be written.
    pub fn restore(&self, key: &str, text: &str) -> io::Result<()> {
        let _alone = self.lock()?;
        let mut hive = self.load()?;
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let batch = reg_text::import(&clustered(text)).map_err(|error| wrong(format!("a checkpoint: {error}")))?;
        if hive.key(key).is_some() {
            hive.apply(&Batch::at("").delete_tree(key), FileTime(0)).map_err(|error| wrong(error.to_string()))?;
        }
        hive.apply(&batch, FileTime(0)).map_err(|error| wrong(error.to_string()))?;
        let unfinished = self.file.with_extension("new");
        std::fs::write(&unfinished, local(&reg_text::export(&hive, "")))?;
        std::fs::rename(&unfinished, &self.file)
    }

    fn load(&self) -> io::Result<Hive> {
        let mut hive = Hive::new();
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(hive),
            Err(error) => return Err(error),
        };
        let wrong = |why: String| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}; mend the file", self.file.display()))
        };
        let text = reg_text::decode(&bytes).map_err(|error| wrong(error.to_string()))?;
        let batch = reg_text::import(&clustered(&text)).map_err(|error| wrong(error.to_string()))?;
        hive.apply(&batch, FileTime(0)).map_err(|error| wrong(error.to_string()))?;
        Ok(hive)
    }

    /// Several monitors and the service of a node use the file. The lock ends with the result.
    fn lock(&self) -> io::Result<File> {
        let file = File::create(self.file.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    }
}

/// The text with keys below the root of the cluster registry, as the reader wants it.
fn clustered(text: &str) -> String {
    let line = |line: &str| {
        let found = ROOTS.iter().find(|(ours, _)| line.starts_with(ours));
        found.map_or_else(|| line.to_owned(), |(ours, theirs)| format!("{theirs}{}", &line[ours.len()..]))
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The text with keys below the root of the machine. The key that stands for the root itself is left out.
fn local(text: &str) -> String {
    let (ours, theirs) = ROOTS[0];
    let is_root = |line: &&str| line.trim_end() == "[HKEY_LOCAL_MACHINE\\Cluster]";
    let line = |line: &str| match line.strip_prefix(theirs) {
        Some(rest) => format!("{ours}{rest}"),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').filter(|line| !is_root(line)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\App]\r\n\"Port\"=dword:00000007\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\App\\Sub]\r\n\"Name\"=\"x\"\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\Other]\r\n\r\n";

    #[test]
    fn a_key_travels_from_one_node_to_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (folder.path().join("n1"), folder.path().join("n2"));
        for node in [&here, &there] {
            std::fs::create_dir(node).expect("writable");
        }
        std::fs::write(here.join(FILE_NAME), TEXT).expect("writable");
        let taken = LocalRegistry::of_node(&here).take("software\\APP").expect("readable").expect("there");
        assert!(taken.contains("[HKEY_LOCAL_MACHINE\\Software\\App\\Sub]") && !taken.contains("Other"), "{taken}");
        let other = LocalRegistry::of_node(&there);
        assert_eq!(other.take("Software\\App").expect("no file is no key"), None);
        other.restore("Software\\App", &taken).expect("writable");
        assert_eq!(other.take("Software\\App").expect("readable").as_deref(), Some(taken.as_str()));
        // What was changed there meanwhile goes.
        std::fs::write(there.join(FILE_NAME), TEXT.replace("Sub", "Mine")).expect("writable");
        other.restore("Software\\App", &taken).expect("writable");
        let now = std::fs::read_to_string(there.join(FILE_NAME)).expect("readable");
        assert!(now.contains("\\App\\Sub]") && !now.contains("Mine") && now.contains("\\Other]"), "{now}");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE_NAME);
        let registry = LocalRegistry::of_node(folder.path());
        for text in ["nonsense", "Windows Registry Editor Version 5.00\r\n[HKEY_USERS\\x]\r\n"] {
            std::fs::write(&file, text).expect("writable");
            let error = registry.take("Software").expect_err("not understood");
            assert!(error.to_string().contains("mend the file"), "{error}");
            assert!(registry.restore("Software", TEXT).is_err());
            assert_eq!(std::fs::read_to_string(&file).expect("readable"), text);
        }
    }
}
