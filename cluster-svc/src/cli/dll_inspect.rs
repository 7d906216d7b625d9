//! `cluster dll inspect`: what a library is, before anybody registers it.
//!
//! First the file is read without running anything of it: what it exports, which libraries it needs and which of its imports
//! none of them has. Then, if it can be hosted here, a monitor that is thrown away afterwards loads it and tries names and
//! versions. A Windows DLL is loaded by a monitor under Wine.

mod file;

use std::io::Write;
use std::sync::Arc;

use resmon::protocol::{Inspected, InspectedType, Negotiated};
use serde_json::{Value, json};

use self::file::Library;
use super::args::Inspect;
use super::dll_test::Stand;
use super::trouble::Trouble;
use crate::api::refused::code_name;
use crate::driver::own_executable;
use crate::driver::wine::choice::{Windows, is_windows_dll};
use crate::driver::wine::command_world::CommandWorld;
use crate::driver::wine::image::Delayed;

/// Exit code: it can be used.
const EXIT_USABLE: u8 = 0;
/// Exit code: it cannot.
const EXIT_UNUSABLE: u8 = 1;

/// Looks, and prints what was seen.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn run(options: &Inspect, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let trouble = |why: String| Trouble::File { path: options.file.clone(), why };
    let path = std::fs::canonicalize(&options.file).map_err(|error| trouble(error.to_string()))?;
    let bytes = std::fs::read(&path).map_err(|error| trouble(error.to_string()))?;
    let library = file::read(&path, &bytes).map_err(trouble)?;
    let dll_name = path.to_str().ok_or_else(|| trouble("its path is not text".into()))?;
    let delayed = delayed(dll_name);
    let looked = match (library.is_native, library.is_windows) {
        (true, _) => Some(load(dll_name, options, &bytes)),
        (false, true) if !is_windows_dll(dll_name) => {
            Some(Err("a Windows DLL has to have a name that ends in .dll".into()))
        }
        (false, true) => Some(load(dll_name, options, &bytes)),
        (false, false) => None,
    };
    let problems = problems(&library, looked.as_ref());
    let text = if is_json {
        let shown = shown(dll_name, &library, &delayed, looked.as_ref(), &problems);
        format!("{}\n", serde_json::to_string_pretty(&shown).unwrap_or_default())
    } else {
        people(dll_name, &library, &delayed, looked.as_ref(), &problems)
    };
    out.write_all(text.as_bytes()).map_err(|_| Trouble::NobodyReads)?;
    Ok(if problems.is_empty() { EXIT_USABLE } else { EXIT_UNUSABLE })
}

/// Has a monitor load it.
fn load(dll_name: &str, options: &Inspect, bytes: &[u8]) -> Result<Inspected, String> {
    let mut names = options.types.clone();
    names.extend(file::texts(bytes).into_iter().filter(|text| !options.types.contains(text)));
    let folder = std::env::temp_dir().join(format!("wolfden-dll-inspect-{}", uuid::Uuid::new_v4()));
    let world = is_windows_dll(dll_name).then(|| CommandWorld::wake(dll_name)).transpose()?;
    let mut stand = Stand::start(&folder, Arc::default(), world.as_ref())?;
    let looked = stand.inspect(dll_name, &names);
    stand.kill();
    // What is left of it is in the folder for temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    looked?.map_err(|refusal| format!("{} ({})", refusal.message, code_name(refusal.code)))
}

/// What a Windows DLL loads only when it calls it.
fn delayed(dll_name: &str) -> Vec<Delayed> {
    let Ok(executable) = own_executable() else { return Vec::new() };
    if !is_windows_dll(dll_name) {
        return Vec::new();
    }
    // There is no prefix yet, only what one will be made of.
    let prefix = std::env::temp_dir().join(format!("wolfden-dll-inspect-{}", uuid::Uuid::new_v4()));
    Windows::new(executable, prefix).delayed(dll_name)
}

/// What may go wrong later, and is no reason not to use the library.
fn warnings(delayed: &[Delayed]) -> Vec<String> {
    let words = |found: &Delayed| {
        let what = found.warning.as_ref()?;
        Some(format!("{}, which it loads only when it calls it, {what}: such a call ends the monitor", found.dll))
    };
    delayed.iter().filter_map(words).collect()
}

/// Why the library cannot be used. None: it can.
fn problems(library: &Library, looked: Option<&Result<Inspected, String>>) -> Vec<String> {
    let mut problems = Vec::new();
    let has = |name: &str| library.exports.iter().any(|export| export == name);
    if !has("Startup") && !has("StartupEx") {
        problems.push("it exports neither Startup nor StartupEx, so it is no library of resource types".into());
    }
    problems.extend(library.missing_libraries.iter().map(|name| format!("it needs {name}, which is not there")));
    let missing = &library.missing_imports;
    if !missing.is_empty() {
        problems.push(format!("nobody has what it imports: {}", missing.join(", ")));
    }
    match looked {
        None => {}
        Some(Err(why)) => problems.push(why.clone()),
        Some(Ok(inspected)) => {
            if inspected.types.is_empty() {
                problems
                    .push("no name of a resource type was found in it that it accepts; name one with --type".into());
            }
            for of in &inspected.types {
                problems.extend(of.table_fault.iter().map(|fault| format!("type '{}': {fault}", of.name)));
            }
        }
    }
    problems
}

fn shown(
    dll_name: &str,
    library: &Library,
    delayed: &[Delayed],
    looked: Option<&Result<Inspected, String>>,
    problems: &[String],
) -> Value {
    let negotiated = |n: &Negotiated| json!({ "Min": n.min, "Max": n.max, "Code": n.code, "Version": n.version, "TableSize": n.table_bytes });
    let of = |t: &InspectedType| {
        json!({
            "Name": t.name, "QuorumCapable": t.is_quorum_capable, "TableFault": t.table_fault,
            "Versions": t.negotiated.iter().map(negotiated).collect::<Vec<_>>(),
        })
    };
    let types = looked.and_then(|looked| looked.as_ref().ok());
    json!({
        "File": dll_name,
        "Format": library.format,
        "Exports": library.exports,
        "Libraries": library.libraries,
        "Delayed": delayed.iter().map(|found| &found.dll).collect::<Vec<_>>(),
        "Warnings": warnings(delayed),
        "MissingLibraries": library.missing_libraries,
        "MissingImports": library.missing_imports,
        "ClusterFunctions": library.cluster_functions,
        "Loaded": types.is_some(),
        "AcceptsAnyName": types.is_some_and(|found| found.accepts_any_name),
        "Types": types.map_or_else(Vec::new, |found| found.types.iter().map(of).collect::<Vec<_>>()),
        "Problems": problems,
    })
}

fn people(
    dll_name: &str,
    library: &Library,
    delayed: &[Delayed],
    looked: Option<&Result<Inspected, String>>,
    problems: &[String],
) -> String {
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let mut text = format!("File      : {dll_name}\nFormat    : {}\n", library.format);
    text.push_str(&format!("Exports   : {}\n", list(&library.exports)));
    text.push_str(&format!("Needs     : {}\n", list(&library.libraries)));
    if !delayed.is_empty() {
        let names: Vec<String> = delayed.iter().map(|found| found.dll.clone()).collect();
        text.push_str(&format!("When used : {}\n", list(&names)));
    }
    text.push_str(&format!("Cluster   : {}\n", list(&library.cluster_functions)));
    match looked {
        None => text.push_str("Loaded    : no, it is a library of another system\n"),
        Some(Err(_)) => text.push_str("Loaded    : no\n"),
        Some(Ok(inspected)) => {
            text.push_str("Loaded    : yes\n");
            if inspected.accepts_any_name {
                text.push_str("Types     : accepts any name, also one that cannot exist; it should answer 5080\n");
            }
            for of in &inspected.types {
                text.push_str(&format!("Type      : {}\n", of.name));
                let quorum = if of.is_quorum_capable { "yes, it has Arbitrate and Release" } else { "no" };
                text.push_str(&format!("  quorum  : {quorum}\n"));
                for n in &of.negotiated {
                    text.push_str(&format!("  service {:#x} to {:#x}: {}\n", n.min, n.max, version_words(n)));
                }
            }
        }
    }
    warnings(delayed).iter().for_each(|warning| text.push_str(&format!("Warning   : {warning}\n")));
    match problems {
        [] => text.push_str("It can be used.\n"),
        _ => {
            text.push_str("It cannot be used:\n");
            problems.iter().for_each(|problem| text.push_str(&format!("- {problem}\n")));
        }
    }
    text
}

fn version_words(negotiated: &Negotiated) -> String {
    match negotiated.code {
        0 => format!("version {:#x}, a table of {} bytes", negotiated.version, negotiated.table_bytes),
        code => format!("refused with {}", code_name(code)),
    }
}
