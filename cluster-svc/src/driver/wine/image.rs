//! Looking at a Windows DLL before anything is started for it.
//!
//! What Wine says about a file that it cannot load is one number, and a function that Wine's own DLLs lack ends the monitor only when
//! it is called. Here the files are read first, so that the refusal names what is wrong: another processor, a damaged file,
//! no exports of a resource DLL, a DLL that it needs and that is nowhere, a function that nobody exports.
//!
//! What cannot be seen: functions that Wine exports and has not written yet, and functions that the DLL looks up by itself.

mod file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::file::{Function, Import, delayed, exports, imported, imports, parse, read};
use super::choice::Refused;

/// ERROR_BAD_EXE_FORMAT.
const BAD_FORMAT: u32 = 193;
/// ERROR_MOD_NOT_FOUND.
const MOD_NOT_FOUND: u32 = 126;
/// ERROR_PROC_NOT_FOUND.
const PROC_NOT_FOUND: u32 = 127;

/// How many missing DLLs or functions are named.
const MAX_NAMED: usize = 8;

/// How many DLLs that lie beside a resource DLL are followed for what they import.
const MAX_FOLLOWED: usize = 256;

/// The libraries of the cluster API, which are ours whatever else lies about under their names.
const OURS: [&str; 2] = ["clusapi.dll", "resutils.dll"];

/// Where Wine keeps its own DLLs, below the directory that holds its libraries.
const BUILTIN_DIR: &str = "wine/x86_64-windows";

/// Directories that hold libraries, on the distributions that there are.
const LIBRARY_DIRS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/opt/wine-stable/lib64",
    "/opt/wine-staging/lib64",
    "/opt/wine-devel/lib64",
    "/opt/wine-stable/lib",
    "/opt/wine-staging/lib",
    "/opt/wine-devel/lib",
];

/// A DLL that is loaded only when one of its functions is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delayed {
    /// As it is written in the image.
    pub(crate) dll: String,
    /// What goes wrong when it is called; `None`: nothing that can be seen from here.
    pub(crate) warning: Option<String>,
}

/// Looks at a resource DLL. `ours`: the directory with our libraries of the cluster API; `places`: where other DLLs that it
/// imports may lie, besides its own directory and Wine.
///
/// # Errors
/// 126, 127 or 193, with words that name the file and the remedy.
pub(crate) fn check(path: &Path, ours: &Path, places: &[PathBuf]) -> Result<(), Refused> {
    let bytes = read(path)?;
    let first = imports(&bytes).map_err(|(code, what)| (code, format!("{} is {what}", path.display())))?;
    let shelf = Shelf::new(path, ours, places);
    let (mut waiting, mut seen) = (vec![(path.to_owned(), first)], BTreeSet::new());
    while let Some((whose, imports)) = waiting.pop() {
        check_imports(&whose, &imports, &shelf)?;
        // What lies beside the DLL is loaded with it, and needs others in turn. Those of the system are sound.
        for file in imports.iter().filter_map(|import| shelf.beside(import)) {
            if seen.len() < MAX_FOLLOWED && seen.insert(file.clone()) {
                let bytes = read(&file)?;
                let imports = parse(&bytes).and_then(|image| imported(&image));
                waiting.push((
                    file.clone(),
                    imports.map_err(|(code, what)| {
                        (code, format!("{} needs {}, which is {what}", path.display(), file.display()))
                    })?,
                ));
            }
        }
    }
    Ok(())
}

/// Whether all that one DLL imports is there.
fn check_imports(path: &Path, imports: &[Import], shelf: &Shelf) -> Result<(), Refused> {
    let mut missing: Vec<&str> =
        imports.iter().map(|import| import.dll.as_str()).filter(|name| !shelf.has(name)).collect();
    if !missing.is_empty() {
        missing.truncate(MAX_NAMED);
        let text = format!(
            "{} needs {}, which is neither beside it nor part of Wine. Copy it beside the DLL on every node",
            path.display(),
            missing.join(", ")
        );
        return Err((MOD_NOT_FOUND, text));
    }
    for import in imports {
        if let Some(lack) = shelf.lack(path, import)? {
            let names = lack.functions.join(", ");
            let text = format!(
                "{} imports {names} from {}, which does not export it. {}",
                path.display(),
                lack.file.display(),
                lack.place.remedy()
            );
            return Err((PROC_NOT_FOUND, text));
        }
    }
    Ok(())
}

/// The DLLs that a resource DLL loads only when it calls them. That one is missing is no reason to refuse: it may never be called.
pub(crate) fn look_at_delayed(path: &Path, ours: &Path, places: &[PathBuf]) -> Vec<Delayed> {
    let Ok(bytes) = read(path) else { return Vec::new() };
    let shelf = Shelf::new(path, ours, places);
    let look = |import: Import| {
        let warning = if !shelf.has(&import.dll) {
            Some("is neither beside the DLL nor part of Wine".to_owned())
        } else {
            match shelf.lack(path, &import) {
                Ok(None) => None,
                Ok(Some(lack)) => {
                    Some(format!("({}) does not export {}", lack.file.display(), lack.functions.join(", ")))
                }
                Err((_, text)) => Some(format!("cannot be used: {text}")),
            }
        };
        Delayed { dll: import.dll, warning }
    };
    delayed(&bytes).into_iter().map(look).collect()
}

/// Whose a DLL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The cluster API.
    Ours,
    /// It lies beside the one that imports it.
    Beside,
    /// Of Wine, or installed in the private Windows of the node.
    System,
}

impl Place {
    fn remedy(self) -> &'static str {
        match self {
            Place::Ours => {
                "It calls the cluster API by a name that no version of Windows documents, or by number; link it with the import library of the SDK"
            }
            Place::Beside => "The two are of different versions: copy both from the same place",
            Place::System => {
                "This version of Wine has no such function: install a newer one, or build the DLL without it, or load it only when it is called (/DELAYLOAD)"
            }
        }
    }
}

/// What a DLL does not export.
struct Lack {
    file: PathBuf,
    place: Place,
    functions: Vec<String>,
}

/// The DLLs from which an image may import, in the order in which they are looked for.
struct Shelf {
    dirs: Vec<(Place, PathBuf)>,
    /// Names of all DLLs; `None` where Wine keeps its own in a directory that is not known, and nothing can be said about what it has.
    names: Option<BTreeSet<String>>,
}

impl Shelf {
    /// For the resource DLL with this path, and for all that lies beside it.
    fn new(path: &Path, ours: &Path, places: &[PathBuf]) -> Shelf {
        let wine: Vec<PathBuf> = LIBRARY_DIRS.iter().map(|dir| Path::new(dir).join(BUILTIN_DIR)).collect();
        let is_known = wine.iter().any(|dir| dir.is_dir());
        let beside = path.parent().map(|dir| (Place::Beside, dir.to_owned()));
        let system = places.iter().cloned().chain(wine).map(|dir| (Place::System, dir));
        let dirs: Vec<_> = [(Place::Ours, ours.to_owned())].into_iter().chain(beside).chain(system).collect();
        let names = is_known.then(|| dirs.iter().flat_map(|(_, dir)| names_in(dir)).collect());
        Shelf { dirs, names }
    }

    /// Whether an imported DLL is anywhere, as far as can be known.
    fn has(&self, import: &str) -> bool {
        self.names.as_ref().is_none_or(|names| is_there(import, names))
    }

    /// The file of an import, when it lies beside the resource DLL.
    fn beside(&self, import: &Import) -> Option<PathBuf> {
        let name = file_name_of(&import.dll);
        let (_, dir) = self.dirs.iter().find(|(place, _)| *place == Place::Beside)?;
        if OURS.contains(&name.as_str()) { None } else { file_in(dir, &name) }
    }

    /// What of an import of `path` the DLL that would be taken does not export. Where nobody has such a file nothing can be said.
    ///
    /// # Errors
    /// When the DLL that would be taken is none.
    fn lack(&self, path: &Path, import: &Import) -> Result<Option<Lack>, Refused> {
        let name = file_name_of(&import.dll);
        let is_ours = OURS.contains(&name.as_str());
        let is_looked_in = |place: Place| match place {
            Place::Ours => is_ours,
            Place::Beside => true,
            // Wine's own are empty.
            Place::System => !is_ours,
        };
        let dirs = self.dirs.iter().filter(|(place, _)| is_looked_in(*place));
        let mut found = dirs.filter_map(|(place, dir)| Some((*place, file_in(dir, &name)?)));
        let Some((place, file)) = found.next() else { return Ok(None) };
        let mut exported = Exported::of(path, &file)?;
        if place == Place::System {
            // Which Wine is used when there are several is not known before there is a prefix, so one that has it is enough.
            for (_, other) in found {
                exported.add(Exported::of(path, &other)?);
            }
            if exported.names.is_empty() {
                // A Wine that was built without a compiler for Windows has files that are only names.
                return Ok(None);
            }
        }
        let has = |function: &&Function| match function {
            Function::Name(wanted) => exported.names.contains(wanted.as_bytes()),
            // The numbers of our functions are not those of the real ones.
            Function::Number(wanted) => !is_ours && exported.numbers.contains(&u32::from(*wanted)),
        };
        let missing = import.functions.iter().filter(|function| !has(function));
        let functions: Vec<String> = missing.take(MAX_NAMED).map(Function::to_string).collect();
        Ok((!functions.is_empty()).then_some(Lack { file, place, functions }))
    }
}

/// What a DLL exports.
struct Exported {
    names: BTreeSet<Vec<u8>>,
    numbers: BTreeSet<u32>,
}

impl Exported {
    /// `for_whom`: the DLL that imports, for the words of a refusal.
    fn of(for_whom: &Path, file: &Path) -> Result<Exported, Refused> {
        let bytes = read(file)?;
        let all = parse(&bytes).and_then(|image| exports(&image)).map_err(|(code, what)| {
            (code, format!("{} needs {}, which is {what}", for_whom.display(), file.display()))
        })?;
        let names = all.iter().filter_map(|(name, _)| name.map(<[u8]>::to_vec)).collect();
        Ok(Exported { names, numbers: all.iter().map(|(_, number)| *number).collect() })
    }

    fn add(&mut self, other: Exported) {
        self.names.extend(other.names);
        self.numbers.extend(other.numbers);
    }
}

/// The name of the file of an imported DLL: without an ending it means .dll.
fn file_name_of(dll: &str) -> String {
    let name = dll.to_lowercase();
    if name.contains('.') { name } else { format!("{name}.dll") }
}

fn file_in(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?;
    let mut files = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().to_lowercase() == name);
    files.next().map(|entry| entry.path())
}

fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect()
}

fn is_there(import: &str, names: &BTreeSet<String>) -> bool {
    let import = file_name_of(import);
    // Names of sets of functions, which no file has.
    let is_set = import.starts_with("api-ms-") || import.starts_with("ext-ms-");
    is_set || names.contains(&import)
}

#[cfg(test)]
mod tests;
