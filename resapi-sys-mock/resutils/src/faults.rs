//! Health faults of a cluster: kept in the cluster registry below `HealthFaults`, one key for each.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::memory;
use resapi_sys_mock::export::pointers::{get, need, put, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::wide;

use crate::imports::{ClusterRegDeleteKey, GetClusterKey};
use crate::key::{Key, OwnKey, check};
use crate::last_error;

/// The key of all faults.
const FAULTS: &str = "HealthFaults";

fn root(cluster: HCLUSTER) -> Result<OwnKey, u32> {
    // SAFETY: libclusapi checks the handle.
    let key = unsafe { GetClusterKey(cluster, KEY_ALL_ACCESS) };
    if key.is_null() { Err(last_error()) } else { Ok(OwnKey(Key(key))) }
}

fn path(id: &str) -> Result<String, u32> {
    if id.is_empty() || id.contains('\\') { Err(ERROR_INVALID_PARAMETER) } else { Ok(format!("{FAULTS}\\{id}")) }
}

/// Gives the texts of a fault back and empties it.
///
/// # Safety
/// The fault is readable and writable; its texts are NULL or from this library.
unsafe fn empty(fault: *mut CLUSTER_HEALTH_FAULT) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    unsafe {
        let found = get(fault)?;
        for text in [found.Id, found.Description, found.Provider] {
            memory::release(text.cast());
        }
        put(fault, NONE);
    }
    Ok(())
}

const NONE: CLUSTER_HEALTH_FAULT = CLUSTER_HEALTH_FAULT {
    Id: std::ptr::null_mut(),
    ErrorType: 0,
    ErrorCode: 0,
    Description: std::ptr::null_mut(),
    Provider: std::ptr::null_mut(),
    Flags: 0,
    Reserved: 0,
};

fn read(root: &OwnKey) -> Result<Vec<CLUSTER_HEALTH_FAULT>, u32> {
    let all = match root.0.open(FAULTS) {
        Ok(all) => all,
        Err(ERROR_FILE_NOT_FOUND) => return Ok(Vec::new()),
        Err(code) => return Err(code),
    };
    let mut faults = Vec::new();
    for id in all.0.subkeys()? {
        // Removed meanwhile.
        let Ok(key) = all.0.open(&id) else { continue };
        let words = |name: &str| key.0.read(name).ok().and_then(|(_, bytes)| wide::text(&bytes)).unwrap_or_default();
        let number = |name: &str| {
            let bytes = key.0.read(name).map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        faults.push(CLUSTER_HEALTH_FAULT {
            Id: memory::text(&id)?,
            ErrorType: number("ErrorType"),
            ErrorCode: number("ErrorCode"),
            Description: memory::text(&words("Description"))?,
            Provider: memory::text(&words("Provider"))?,
            Flags: number("Flags"),
            Reserved: 0,
        });
    }
    Ok(faults)
}

exports! {
    EXPORTS;

    fn InitializeClusterHealthFault(fault: *mut CLUSTER_HEALTH_FAULT) -> Code {
        need(fault)?;
        put(fault, NONE);
        Ok(())
    }

    fn InitializeClusterHealthFaultArray(faults: *mut CLUSTER_HEALTH_FAULT_ARRAY) -> Code {
        need(faults)?;
        put(faults, CLUSTER_HEALTH_FAULT_ARRAY { numFaults: 0, faults: std::ptr::null_mut() });
        Ok(())
    }

    fn FreeClusterHealthFault(fault: *mut CLUSTER_HEALTH_FAULT) -> Code {
        empty(fault)
    }

    fn FreeClusterHealthFaultArray(faults: *mut CLUSTER_HEALTH_FAULT_ARRAY) -> Code {
        let found = get(faults)?;
        if !found.faults.is_null() {
            for index in 0..found.numFaults as usize {
                empty(found.faults.add(index))?;
            }
            memory::release(found.faults.cast());
        }
        put(faults, CLUSTER_HEALTH_FAULT_ARRAY { numFaults: 0, faults: std::ptr::null_mut() });
        Ok(())
    }

    fn ClusAddClusterHealthFault(cluster: HCLUSTER, fault: *const CLUSTER_HEALTH_FAULT, _reserved: DWORD) -> Code {
        let fault = get(fault)?;
        let key = root(cluster)?.0.create(&path(&text(fault.Id)?)?)?;
        for (name, value) in [("Description", fault.Description), ("Provider", fault.Provider)] {
            key.0.write(name, REG_SZ, &wide::bytes(&text_or_empty(value)))?;
        }
        for (name, value) in [("ErrorType", fault.ErrorType), ("ErrorCode", fault.ErrorCode), ("Flags", fault.Flags)] {
            key.0.write(name, REG_DWORD, &value.to_le_bytes())?;
        }
        Ok(())
    }

    fn ClusRemoveClusterHealthFault(cluster: HCLUSTER, id: LPCWSTR, _flags: DWORD) -> Code {
        let path = wide::units(&path(&text(id)?)?);
        let root = root(cluster)?;
        check(ClusterRegDeleteKey(root.0.0, path.as_ptr()) as u32)
    }

    fn ClusGetClusterHealthFaults(cluster: HCLUSTER, target: *mut CLUSTER_HEALTH_FAULT_ARRAY, _flags: DWORD) -> Code {
        need(target)?;
        let found = read(&root(cluster)?)?;
        let bytes = size_of_val(found.as_slice());
        let faults = memory::allocate(bytes, true).cast::<CLUSTER_HEALTH_FAULT>();
        if faults.is_null() {
            return Err(ERROR_NOT_ENOUGH_MEMORY);
        }
        std::ptr::copy_nonoverlapping(found.as_ptr(), faults, found.len());
        put(target, CLUSTER_HEALTH_FAULT_ARRAY { numFaults: found.len() as u32, faults });
        Ok(())
    }
}
