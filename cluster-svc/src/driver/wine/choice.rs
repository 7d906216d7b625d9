//! Which process hosts a resource, by the `DllName` of its type.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cluster_engine::call::MonitorKey;

use super::image;
use super::installation::{self, Installation};
use super::prefix::SYSTEM_DIR;

/// ERROR_MOD_NOT_FOUND: the DLL, or one that it needs, is not there.
const ERROR_MOD_NOT_FOUND: u32 = 126;

/// Where bare names are looked for inside the prefix (reference 01.1).
const CLUSTER_DIR: &str = "drive_c/windows/Cluster";

/// The folder beside the executable in which resource libraries lie.
const RESOURCES_DIR: &str = "resources";

/// A directory with resource libraries, as for native ones.
const DLL_DIR_VARIABLE: &str = "WOLFDEN_DLL_DIR";

/// What kind of program a monitor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Of this system: the built-in types and libraries of this system.
    Native,
    /// A Windows program under Wine.
    Wine,
}

/// A monitor process: the engine's key, and which of the two that may serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    /// As the engine says.
    pub key: MonitorKey,
    /// As the `DllName` says.
    pub kind: Kind,
}

impl Host {
    /// The native process of a key.
    pub(crate) fn native(key: MonitorKey) -> Host {
        Host { key, kind: Kind::Native }
    }
}

/// Why a type cannot be hosted: the Win32 code and words.
pub(crate) type Refused = (u32, String);

/// What hosts Windows DLLs on this node; remembers the files that it has looked at.
pub(crate) struct Windows {
    executable: PathBuf,
    prefix: PathBuf,
    seen: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
}

impl Windows {
    /// `executable` is that of the service, `prefix` the one of this node, which may not exist yet.
    pub(crate) fn new(executable: PathBuf, prefix: PathBuf) -> Windows {
        Windows { executable, prefix, seen: BTreeMap::new() }
    }

    /// Which kind of process hosts a type with this name and this `DllName`.
    ///
    /// # Errors
    /// When it would be one under Wine and cannot work: the code and what to do.
    pub(crate) fn kind(&mut self, type_name: &str, dll_name: &str) -> Result<Kind, Refused> {
        let is_built_in = clusres::needs_windows(type_name, dll_name);
        if !is_built_in && !is_windows_dll(dll_name) {
            return Ok(Kind::Native);
        }
        let installation = self.installation().map_err(|problem| (ERROR_MOD_NOT_FOUND, problem))?;
        if is_built_in {
            return Ok(Kind::Wine);
        }
        let path = self.find(dll_name)?;
        let stamp = std::fs::metadata(&path).map(|file| (file.modified().ok(), file.len())).unwrap_or((None, 0));
        if self.seen.get(&path) != Some(&stamp) {
            image::check(&path, &installation.windows_dir, &self.places_of_imports(&installation.windows_dir))?;
            self.seen.insert(path, stamp);
        }
        Ok(Kind::Wine)
    }

    /// The DLLs that a DLL loads only when it calls them. Nothing is said about what Wine has where there is no Wine.
    pub(crate) fn delayed(&self, dll_name: &str) -> Vec<image::Delayed> {
        let Ok(path) = self.find(dll_name) else { return Vec::new() };
        let half = self.installation().map(|installation| installation.windows_dir).unwrap_or_default();
        image::look_at_delayed(&path, &half, &self.places_of_imports(&half))
    }

    /// Where DLLs lie that others import. What Wine lacks and we put into each prefix counts as there before the first prefix is
    /// made.
    fn places_of_imports(&self, windows_dir: &Path) -> Vec<PathBuf> {
        let ours = vec![self.prefix.join(SYSTEM_DIR), windows_dir.join("compat")];
        [ours, self.directories()].concat()
    }

    /// Wine and the Windows half of Wolfden.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) fn installation(&self) -> Result<Installation, String> {
        installation::find(&self.executable)
    }

    /// The directories in which bare names are looked for, in this order.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.prefix.join(CLUSTER_DIR)];
        if let Some(beside) = self.executable.parent() {
            dirs.extend([beside.join(RESOURCES_DIR), beside.to_owned(), beside.join("windows")]);
        }
        dirs.extend(std::env::var_os(DLL_DIR_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from));
        dirs
    }

    /// The prefix of this node.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    fn find(&self, dll_name: &str) -> Result<PathBuf, Refused> {
        let places = places(dll_name, &self.prefix, &self.directories());
        if let Some(found) = places.iter().find(|path| path.is_file()) {
            return Ok(found.clone());
        }
        let looked: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        let text = format!(
            "the library {dll_name:?} is not there: looked for {}. Copy it to one of these places on every node, or register its full path as DllName",
            looked.join(", ")
        );
        Err((ERROR_MOD_NOT_FOUND, text))
    }
}

/// A `.dll` that is not one of those built into the monitor, or any path in the words of Windows.
pub(crate) fn is_windows_dll(dll_name: &str) -> bool {
    let is_built_in =
        [clusres::DLL_NAME, clusres::SECOND_DLL_NAME].iter().any(|name| name.eq_ignore_ascii_case(dll_name));
    let has_ending =
        dll_name.len() > 4 && dll_name.get(dll_name.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(".dll"));
    !is_built_in && (has_ending || drive(dll_name).is_some())
}

/// The letter of `C:\...`, and the rest with `/`.
fn drive(dll_name: &str) -> Option<(char, String)> {
    let mut letters = dll_name.chars();
    let (letter, colon, slash) = (letters.next()?, letters.next()?, letters.next()?);
    let is_one = letter.is_ascii_alphabetic() && colon == ':' && (slash == '\\' || slash == '/');
    is_one.then(|| (letter.to_ascii_lowercase(), letters.as_str().replace('\\', "/")))
}

fn places(dll_name: &str, prefix: &Path, directories: &[PathBuf]) -> Vec<PathBuf> {
    if let Some((letter, rest)) = drive(dll_name) {
        return vec![match letter {
            'c' => prefix.join("drive_c").join(rest),
            'z' => Path::new("/").join(rest),
            other => prefix.join("dosdevices").join(format!("{other}:")).join(rest),
        }];
    }
    let path = Path::new(dll_name);
    if path.is_absolute() {
        return vec![path.to_owned()];
    }
    directories.iter().map(|dir| dir.join(dll_name.replace('\\', "/"))).collect()
}

/// A path of this system as programs under Wine see it: drive `Z:` is the whole file system.
pub(crate) fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_who_hosts_it() {
        let cases = [
            ("clusres.dll", false),
            ("CLUSRES2.DLL", false),
            ("/opt/x/libcounter.so", false),
            ("hello", false),
            (".dll", false),
            ("", false),
            ("counter.dll", true),
            ("/opt/x/Counter.DLL", true),
            (r"C:\Windows\Cluster\counter.dll", true),
            (r"D:\counter", true),
            ("äöü.dll", true),
            ("x.dlä", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_windows_dll(name), expected, "{name}");
        }
    }

    #[test]
    fn a_built_in_type_may_need_windows() {
        let folder = tempfile::tempdir().expect("a folder");
        // Beside this executable there is no Windows half.
        let mut windows = Windows::new(folder.path().join("cluster"), folder.path().join("wine"));
        assert_eq!(windows.kind("Generic Script", "clusres2.dll"), Ok(Kind::Native));
        assert_eq!(windows.kind("Generic Service", "generic.so"), Ok(Kind::Native), "somebody's own");
        let (code, text) = windows.kind("generic service", "CLUSRES.DLL").expect_err("nothing is there");
        assert_eq!(code, ERROR_MOD_NOT_FOUND);
        assert!(text.contains("xtask windows") || text.contains("apt-get"), "{text}");
    }

    #[test]
    fn each_name_has_its_places() {
        let prefix = Path::new("/n/wine");
        let directories = [PathBuf::from("/a"), PathBuf::from("/b")];
        let check = |name: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(places(name, prefix, &directories), expected, "{name}");
        };
        check("x.dll", &["/a/x.dll", "/b/x.dll"]);
        check(r"sub\x.dll", &["/a/sub/x.dll", "/b/sub/x.dll"]);
        check("/abs/x.dll", &["/abs/x.dll"]);
        check(r"C:\windows\Cluster\x.dll", &["/n/wine/drive_c/windows/Cluster/x.dll"]);
        check("Z:/opt/x.dll", &["/opt/x.dll"]);
        check(r"q:\x.dll", &["/n/wine/dosdevices/q:/x.dll"]);
    }

    #[test]
    fn paths_are_written_as_windows_has_them() {
        assert_eq!(windows_path(Path::new("/opt/w/x.dll")), r"Z:\opt\w\x.dll");
    }
}
