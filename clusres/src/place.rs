//! Where this monitor lives: its node, the directory that all nodes share, the directory of this node alone, and the
//! program that guards applications.
//!
//! A resource type is written for one computer and learns from its surroundings on which one it runs. On Windows that
//! is the computer name and the disks that are attached; here it is a [`Place`]. A monitor says it once, with
//! [`settle`] or by the environment variables below, before it opens the first resource. An instance keeps the place
//! in which it was opened. A process that plays several nodes (a test) uses [`within`] around each Open.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use resapi::Failure;
use resapi::codes::win32;

use crate::device::StoragePath;

/// Environment variable: the directory all nodes of the cluster see.
pub const SHARED_DIR_VARIABLE: &str = "WOLFDEN_SHARED_DIR";
/// Environment variable: the name of this node.
pub const NODE_VARIABLE: &str = "WOLFDEN_NODE";
/// Environment variable: the directory of this node alone.
pub const RUN_DIR_VARIABLE: &str = "WOLFDEN_RUN_DIR";
/// Environment variable: the executable that understands `guard ...` (see [`crate::guard`]).
pub const GUARD_VARIABLE: &str = "WOLFDEN_GUARD";

/// The surroundings of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of this node.
    pub node: String,
    /// All nodes of the cluster see this directory: address claims, names, disks.
    pub shared_dir: PathBuf,
    /// This node's own directory: process files of applications.
    pub run_dir: PathBuf,
    /// The executable that is started as `<guard> guard --pid-file F -- command...`.
    pub guard: PathBuf,
}

static SETTLED: OnceLock<Place> = OnceLock::new();

thread_local! {
    static WITHIN: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
    static OPENING: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says for the whole process where it is. Called by the monitor once, when the Cluster service has told it its node
/// and directories. A second call that says something else is refused, because instances keep the first.
///
/// # Errors
/// 5023 when the process is settled elsewhere already.
pub fn settle(place: Place) -> Result<(), Failure> {
    let settled = SETTLED.get_or_init(|| place.clone());
    if *settled == place {
        Ok(())
    } else {
        Err(Failure::new(
            win32::ERROR_INVALID_STATE,
            format!(
                "this process is settled as node {} already; start another process for {}",
                settled.node, place.node
            ),
        ))
    }
}

/// Runs `work` with `place` as the surroundings of every resource that is opened on this thread meanwhile.
pub fn within<T>(place: &Place, work: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            WITHIN.with_borrow_mut(|places| places.pop());
        }
    }
    WITHIN.with_borrow_mut(|places| places.push(place.clone()));
    let _leave = Leave;
    work()
}

/// Runs `open` with `id` as the id of the resource that it opens. The monitor calls this around Open of a built-in type,
/// because the interface of resource libraries hands over only a name; without it, dependencies on resources whose
/// claims have to be found (addresses, network names) are recognised by name alone.
pub fn opening<T>(id: &str, open: impl FnOnce() -> T) -> T {
    struct Restore(String);
    impl Drop for Restore {
        fn drop(&mut self) {
            OPENING.set(std::mem::take(&mut self.0));
        }
    }
    let _restore = Restore(OPENING.replace(id.to_owned()));
    open()
}

/// The id that [`opening`] says; empty outside of it.
pub(crate) fn opened_id() -> String {
    OPENING.with_borrow(Clone::clone)
}

/// The surroundings of the resource that is being opened: what [`within`] says, else [`settle`], else the environment.
///
/// # Errors
/// 5023 with the name of the variable that is missing.
pub fn current() -> Result<Place, Failure> {
    if let Some(place) = WITHIN.with_borrow(|places| places.last().cloned()) {
        return Ok(place);
    }
    if let Some(place) = SETTLED.get() {
        return Ok(place.clone());
    }
    from_variables(|name| std::env::var_os(name))
}

fn from_variables(read: impl Fn(&str) -> Option<OsString>) -> Result<Place, Failure> {
    let needed = |name: &str| {
        read(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::new(
                win32::ERROR_INVALID_STATE,
                format!("the environment variable {name} is not set; the Resource Monitor has to set it before it opens resources"),
            )
        })
    };
    let node = needed(NODE_VARIABLE)?;
    let shared_dir = PathBuf::from(needed(SHARED_DIR_VARIABLE)?);
    let run_dir = PathBuf::from(needed(RUN_DIR_VARIABLE)?);
    let guard = match read(GUARD_VARIABLE).filter(|value| !value.is_empty()) {
        Some(guard) => PathBuf::from(guard),
        None => std::env::current_exe().map_err(Failure::from)?,
    };
    Ok(Place { node: node.to_string_lossy().into_owned(), shared_dir, run_dir, guard })
}

impl Place {
    /// Where address claims lie.
    pub fn addresses(&self) -> PathBuf {
        addresses_in(&self.shared_dir)
    }

    /// Where name files lie.
    pub fn names(&self) -> PathBuf {
        names_in(&self.shared_dir)
    }

    /// Where disks with a relative path lie.
    pub fn disks(&self) -> PathBuf {
        disks_in(&self.shared_dir)
    }

    /// This node's way to disks and shares.
    pub fn storage(&self) -> StoragePath {
        StoragePath::of_node(&self.run_dir)
    }
}

/// Where the disks of a cluster lie.
pub(crate) fn disks_in(shared_dir: &Path) -> PathBuf {
    shared_dir.join("disks")
}

/// Where the address claims of a cluster lie.
pub(crate) fn addresses_in(shared_dir: &Path) -> PathBuf {
    shared_dir.join("addresses")
}

/// Where the name files of a cluster lie.
pub(crate) fn names_in(shared_dir: &Path) -> PathBuf {
    shared_dir.join("names")
}

/// A file name made of `text`: letters, digits, `-`, `_` and `.` stay, everything else becomes `%` and its code, so that
/// two different texts never share a file.
pub(crate) fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && at > 0);
        if plain {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(node: &str) -> Place {
        Place { node: node.into(), shared_dir: "/s".into(), run_dir: "/r".into(), guard: "/g".into() }
    }

    #[test]
    fn each_missing_variable_is_named() {
        let all =
            [(NODE_VARIABLE, "n1"), (SHARED_DIR_VARIABLE, "/s"), (RUN_DIR_VARIABLE, "/r"), (GUARD_VARIABLE, "/g")];
        let without = |missing: &str| {
            from_variables(|name| {
                all.iter()
                    .find(|(known, _)| *known == name && *known != missing)
                    .map(|(_, value)| OsString::from(value))
            })
        };
        assert_eq!(without("none of them").expect("all are set"), place("n1"));
        for missing in [NODE_VARIABLE, SHARED_DIR_VARIABLE, RUN_DIR_VARIABLE] {
            let failure = without(missing).expect_err(missing);
            assert_eq!(failure.code, win32::ERROR_INVALID_STATE);
            assert!(failure.message.contains(missing), "{}", failure.message);
        }
        let own = without(GUARD_VARIABLE).expect("the guard has a default").guard;
        assert_eq!(own, std::env::current_exe().expect("a test has an executable"));
    }

    #[test]
    fn the_innermost_place_counts() {
        within(&place("outer"), || {
            within(&place("inner"), || assert_eq!(current().expect("set").node, "inner"));
            assert_eq!(current().expect("set").node, "outer");
        });
    }

    #[test]
    fn an_id_is_known_only_while_its_resource_is_opened() {
        assert_eq!(opened_id(), "");
        opening("a", || {
            opening("b", || assert_eq!(opened_id(), "b"));
            assert_eq!(opened_id(), "a");
        });
        assert_eq!(opened_id(), "");
    }

    #[test]
    fn file_names_stay_apart_and_inside_their_folder() {
        let cases = [
            ("Web 1", "Web%201"),
            ("..", "%2e."),
            ("a/b", "a%2fb"),
            ("a%2fb", "a%252fb"),
            ("ä", "%c3%a4"),
            ("x.y-z_1", "x.y-z_1"),
        ];
        for (text, expected) in cases {
            assert_eq!(file_name(text), expected, "{text}");
        }
    }
}
