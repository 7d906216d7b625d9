//! Providers: where entry tables come from. A library that was loaded is one; the types built into the monitor are another.
//!
//! `Startup` is called once per type in this process (reference 01.2), whatever happens at the same time: the first thread that
//! wants a type loads it, the others wait for the outcome. What was loaded stays; what failed is tried again when it is wanted
//! again, so that a user can repair a file without a restart.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use resapi_sys_mock::abi::{
    CLRES_CALLBACK_FUNCTION_TABLE, CLRES_FUNCTION_TABLE, CLRES_VERSION_V1_00, CLRES_VERSION_V4_00, STARTUP_EX_ROUTINE,
    STARTUP_ROUTINE,
};
use resapi_sys_mock::codes::win32::{ERROR_CLUSTER_RESNAME_NOT_FOUND, ERROR_REVISION_MISMATCH, ERROR_SUCCESS};
use resapi_sys_mock::host::HostTable;
use resapi_sys_mock::{log_event, wide};

use super::door::{self, Door};
use super::library::ERROR_BAD_EXE_FORMAT;
use super::{callbacks, host, inspect, library};
use crate::call_guard;
use crate::clock::lock;
use crate::instance_state::named;
use crate::protocol::{Inspected, TypeSpec};

/// Why a type cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadError {
    /// Win32 code.
    pub(crate) code: u32,
    /// What is wrong, with whom, and the remedy.
    pub(crate) message: String,
}

/// The exports of a provider; one of them is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Startup {
    pub(crate) startup: Option<STARTUP_ROUTINE>,
    pub(crate) startup_ex: Option<STARTUP_EX_ROUTINE>,
}

/// Types that are linked into the monitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuiltIn {
    /// The registered DllNames that mean these types, compared without case.
    pub(crate) dll_names: &'static [&'static str],
    /// As the export `Startup` of a library.
    pub(crate) startup: STARTUP_ROUTINE,
    /// As the export `WolfdenBindHost` of a library.
    pub(crate) bind: unsafe fn(*const HostTable) -> u32,
}

/// All types of this monitor.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    built_in: Vec<BuiltIn>,
    known: Mutex<Known>,
    loaded: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    libraries: BTreeMap<String, Place<Startup>>,
    types: BTreeMap<TypeSpec, Place<Arc<Door>>>,
}

#[derive(Clone, Debug)]
enum Place<T> {
    /// A thread is at it.
    Loading,
    Ready(T),
}

impl Providers {
    pub(crate) fn new(built_in: Vec<BuiltIn>) -> Self {
        Self { built_in, ..Self::default() }
    }

    /// The door of a type; loads and starts what is needed. May run foreign code, so no lock may be held.
    ///
    /// # Errors
    /// Those of [`library::load`]; what Startup answered; 193 for a table that breaks the rules.
    pub(crate) fn door(&self, spec: &TypeSpec) -> Result<Arc<Door>, LoadError> {
        self.once(
            spec,
            |known| &mut known.types,
            || {
                let startup = self.startup(&spec.dll_name)?;
                start(startup, spec).map(Arc::new)
            },
        )
    }

    /// Loads a library and looks at it. Its own list of types, if it has one, is tried before `candidates`.
    ///
    /// # Errors
    /// Those of [`library::load`].
    pub(crate) fn inspect(&self, dll_name: &str, candidates: &[String]) -> Result<Inspected, LoadError> {
        let startup = self.startup(dll_name)?;
        let dll: Arc<str> = dll_name.into();
        let mut names = library::listed_types(dll_name);
        names.extend(candidates.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        Ok(inspect::inspect(&dll, startup, &names))
    }

    fn startup(&self, dll_name: &str) -> Result<Startup, LoadError> {
        self.once(
            &dll_name.to_owned(),
            |known| &mut known.libraries,
            || match self.built_in(dll_name) {
                Some(built_in) => bind_built_in(built_in),
                None => library::load(dll_name),
            },
        )
    }

    fn built_in(&self, dll_name: &str) -> Option<BuiltIn> {
        let is_it = |built_in: &&BuiltIn| built_in.dll_names.iter().any(|name| name.eq_ignore_ascii_case(dll_name));
        self.built_in.iter().find(is_it).copied()
    }

    /// Makes a thing once; other threads that want it wait. Without a lock while it is being made.
    fn once<K: Clone + Ord, T: Clone>(
        &self,
        key: &K,
        places: impl Fn(&mut Known) -> &mut BTreeMap<K, Place<T>>,
        make: impl FnOnce() -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let mut known = lock(&self.known);
        loop {
            match places(&mut known).get(key) {
                Some(Place::Ready(thing)) => return Ok(thing.clone()),
                Some(Place::Loading) => known = self.loaded.wait(known).unwrap_or_else(PoisonError::into_inner),
                None => break,
            }
        }
        places(&mut known).insert(key.clone(), Place::Loading);
        drop(known);
        let made = make();
        let mut known = lock(&self.known);
        match &made {
            Ok(thing) => places(&mut known).insert(key.clone(), Place::Ready(thing.clone())),
            Err(_) => places(&mut known).remove(key),
        };
        self.loaded.notify_all();
        made
    }
}

fn bind_built_in(built_in: BuiltIn) -> Result<Startup, LoadError> {
    // SAFETY: linked into this program; the table is static and keeps the promises of `resapi_sys_mock::host`.
    match unsafe { (built_in.bind)(&raw const host::HOST_TABLE) } {
        ERROR_SUCCESS => Ok(Startup { startup: Some(built_in.startup), startup_ex: None }),
        code => Err(LoadError { code, message: format!("the built-in resource types refuse this monitor ({code})") }),
    }
}

/// Calls Startup or StartupEx for one type and checks the table.
fn start(startup: Startup, spec: &TypeSpec) -> Result<Door, LoadError> {
    let name = wide::units(&spec.name);
    let dll: Arc<str> = spec.dll_name.as_str().into();
    let mut table: *mut CLRES_FUNCTION_TABLE = ptr::null_mut();
    let (min, mut max) = (CLRES_VERSION_V1_00, CLRES_VERSION_V1_00);
    let code = door::calling(&dll, || match (startup.startup_ex, startup.startup) {
        (Some(startup_ex), _) => {
            max = CLRES_VERSION_V4_00;
            let callbacks = (&raw const callbacks::CALLBACKS).cast_mut();
            // SAFETY: the library's export; the name is NUL-terminated, the callback table is static and only read (the C
            // signature merely lacks a const), `table` is ours.
            unsafe {
                startup_ex(name.as_ptr(), min, max, callbacks.cast::<CLRES_CALLBACK_FUNCTION_TABLE>(), &mut table)
            }
        }
        // SAFETY: as above.
        (None, Some(startup)) => unsafe {
            startup(
                name.as_ptr(),
                min,
                max,
                Some(callbacks::set_resource_status),
                Some(log_event::LOG_EVENT),
                &mut table,
            )
        },
        (None, None) => ERROR_CLUSTER_RESNAME_NOT_FOUND,
    });
    if code != ERROR_SUCCESS {
        return Err(LoadError { code, message: refusal(spec, code, min, max) });
    }
    call_guard::started(&spec.name, &spec.dll_name);
    // SAFETY: Startup promised a static table by answering success.
    let door = unsafe { Door::accept(&spec.name, dll, table, min, max) };
    door.map_err(|fault| {
        let message = format!(
            "{} misbehaved: {fault}, so the type {:?} cannot be used. This is a fault of the library; tell its author",
            spec.dll_name, spec.name
        );
        LoadError { code: ERROR_BAD_EXE_FORMAT, message }
    })
}

fn refusal(spec: &TypeSpec, code: u32, min: u32, max: u32) -> String {
    let remedy = match code {
        ERROR_CLUSTER_RESNAME_NOT_FOUND => "the library does not know a type of this name; compare the name of the resource type with the library's own".into(),
        ERROR_REVISION_MISMATCH => format!("the library does not speak a version from {min:#x} to {max:#x}; get a newer one"),
        _ => "see the lines of the library in the cluster log".into(),
    };
    format!("Startup of {} for the type {:?} answered {}: {remedy}", spec.dll_name, spec.name, named(code))
}

#[cfg(test)]
mod tests;
