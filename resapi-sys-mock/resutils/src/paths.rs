//! Paths and the environment of programs that a resource starts.

use core::ffi::c_void;
use std::collections::BTreeMap;
use std::io::ErrorKind;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::memory;
use resapi_sys_mock::export::pointers::{need, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::wide;

use crate::imports::GetClusterResourceNetworkName;
use crate::last_error;

/// The longest path, in characters.
const MAX_PATH_CHARS: usize = 4096;
/// The longest network name, in characters with the NUL.
const NAME_UNITS: usize = 256;

/// The variables in which a program finds the name under which clients know it (reference 09.2).
pub(crate) const NAME_VARIABLES: [&str; 4] =
    ["COMPUTERNAME", "_CLUSTER_NETWORK_NAME_", "_CLUSTER_NETWORK_HOSTNAME_", "_CLUSTER_NETWORK_FQDN_"];

/// The name of the Network Name resource that a resource depends on.
///
/// # Safety
/// A handle of the caller.
pub(crate) unsafe fn network_name(resource: HRESOURCE) -> Result<String, u32> {
    let mut name = [0; NAME_UNITS];
    let mut units = NAME_UNITS as u32;
    // SAFETY: the caller's handle, which the function checks; a buffer of the stated size.
    if unsafe { GetClusterResourceNetworkName(resource, name.as_mut_ptr(), &mut units) } == 0 {
        return Err(last_error());
    }
    Ok(String::from_utf16_lossy(&name[..units as usize]))
}

/// Is it written like an absolute path, of this system or of Windows?
fn is_path(path: &str) -> bool {
    let mut chars = path.chars();
    let has_drive = chars.next().is_some_and(|letter| letter.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && chars.next() == Some('\\');
    let is_absolute = path.starts_with('/') || path.starts_with("\\\\") || has_drive;
    let rest = if has_drive { &path[2..] } else { path };
    let is_clean = !rest.contains(['<', '>', '"', '|', '?', '*', ':']) && !rest.chars().any(char::is_control);
    is_absolute && is_clean && path.chars().count() <= MAX_PATH_CHARS
}

/// Replaces `%NAME%` by the variable; what is none stays as it is.
fn expand(source: &str) -> String {
    let mut expanded = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        let value = after.split_once('%').and_then(|(name, after)| {
            let value = if name.is_empty() { None } else { std::env::var(name).ok() };
            value.map(|value| (value, after))
        });
        match value {
            Some((value, after)) => {
                expanded.push_str(&value);
                rest = after;
            }
            None => {
                expanded.push('%');
                rest = after;
            }
        }
    }
    expanded + rest
}

exports! {
    EXPORTS;

    fn ResUtilIsPathValid(path: LPCWSTR) -> Truth {
        Ok(is_path(&text(path)?))
    }

    fn ResUtilCreateDirectoryTree(path: LPCWSTR) -> Code {
        let path = text(path)?;
        if path.is_empty() {
            return Err(ERROR_PATH_NOT_FOUND);
        }
        std::fs::create_dir_all(&path).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => ERROR_ACCESS_DENIED,
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => ERROR_ALREADY_EXISTS,
            ErrorKind::NotFound => ERROR_PATH_NOT_FOUND,
            _ => ERROR_GEN_FAILURE,
        })
    }

    fn ResUtilExpandEnvironmentStrings(source: LPCWSTR) -> Text {
        memory::text(&expand(&text(source)?))
    }

    fn ResUtilGetEnvironmentWithNetName(resource: HRESOURCE) -> Handle {
        let name = network_name(resource)?;
        let mut all: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        for variable in NAME_VARIABLES {
            all.insert(variable.to_owned(), name.clone());
        }
        let lines: Vec<String> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(memory::bytes(&wide::list_bytes(lines.iter().map(String::as_str)))?.cast())
    }

    fn ResUtilFreeEnvironment(environment: *mut c_void) -> Code {
        need(environment)?;
        memory::release(environment);
        Ok(())
    }
}
