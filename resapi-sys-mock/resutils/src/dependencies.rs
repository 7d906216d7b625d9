//! What a resource depends on: by type, by class, by name (reference 03.3, 08.4).

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::control::{
    CLUSCTL_RESOURCE_GET_CLASS_INFO, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE,
};
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{get, need, put_text, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::property_list;

use crate::imports::*;
use crate::key::{Key, OwnKey};
use crate::open::{self, Cluster, Resource};
use crate::{last_error, outside_of};

/// CLUSTER_RESOURCE_ENUM_DEPENDS.
const DEPENDS: u32 = 1;
/// The most levels of a dependency tree (reference 03.1).
const MAX_LEVELS: usize = 100;

/// The class of a resource.
pub(crate) fn class_of(resource: HRESOURCE) -> Result<i32, u32> {
    let output = open::resource_output(resource, CLUSCTL_RESOURCE_GET_CLASS_INFO)?;
    Ok(output.first_chunk().map_or(CLUS_RESCLASS_UNKNOWN, |bytes| i32::from_le_bytes(*bytes)))
}

fn type_of(resource: HRESOURCE) -> Result<String, u32> {
    open::resource_text(resource, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE)
}

/// The first provider that is the right one: level by level when `deep`, else the direct ones alone. 5002 when there is none.
fn provider(
    cluster: HCLUSTER,
    of: HRESOURCE,
    deep: bool,
    desired: u32,
    is_one: impl Fn(HRESOURCE) -> bool,
) -> Result<HRESOURCE, u32> {
    let mut level = open::neighbours(of, DEPENDS)?;
    for _ in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for name in level {
            let found = open::resource(cluster, &name, desired)?;
            if is_one(found.0) {
                return Ok(found.hand_on());
            }
            if deep {
                next.extend(open::neighbours(found.0, DEPENDS)?);
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    Err(ERROR_DEPENDENCY_NOT_FOUND)
}

fn by_type(cluster: HCLUSTER, of: HRESOURCE, type_name: &str, deep: bool, desired: u32) -> Result<HRESOURCE, u32> {
    provider(cluster, of, deep, desired, |found| {
        type_of(found).is_ok_and(|found| found.eq_ignore_ascii_case(type_name))
    })
}

fn by_class(
    cluster: HCLUSTER,
    of: HRESOURCE,
    wanted: CLUS_RESOURCE_CLASS_INFO,
    deep: bool,
    desired: u32,
) -> Result<HRESOURCE, u32> {
    provider(cluster, of, deep, desired, |found| class_of(found) == Ok(wanted.rc))
}

/// A private property of a resource that is a text.
fn parameter(resource: HRESOURCE, name: &str) -> Result<String, u32> {
    let list = open::resource_output(resource, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES)?;
    let parsed = property_list::parse(&list).map_err(|error| error.win32())?;
    let found = property_list::find(&parsed, name).map(|property| property.value());
    match found {
        Some(Ok(property_list::Value::Sz(text) | property_list::Value::ExpandSz(text))) => Ok(text),
        _ => Ok(String::new()),
    }
}

exports! {
    EXPORTS;

    fn ResUtilGetResourceDependency(own: HANDLE, type_name: LPCWSTR) -> Handle {
        let cluster = open::cluster_of(own)?;
        by_type(cluster.0, own, &text(type_name)?, false, 0)
    }

    fn ResUtilGetResourceDependencyEx(own: HANDLE, type_name: LPCWSTR, desired: DWORD) -> Handle {
        let cluster = open::cluster_of(own)?;
        by_type(cluster.0, own, &text(type_name)?, false, desired)
    }

    fn ResUtilGetResourceDependencyByName(cluster: HCLUSTER, own: HANDLE, type_name: LPCWSTR, deep: BOOL) -> Handle {
        by_type(cluster, own, &text(type_name)?, deep != 0, 0)
    }

    fn ResUtilGetResourceDependencyByNameEx(
        cluster: HCLUSTER, own: HANDLE, type_name: LPCWSTR, deep: BOOL, desired: DWORD
    ) -> Handle {
        by_type(cluster, own, &text(type_name)?, deep != 0, desired)
    }

    fn ResUtilGetResourceDependencyByClass(
        cluster: HCLUSTER, own: HANDLE, class: *mut CLUS_RESOURCE_CLASS_INFO, deep: BOOL
    ) -> Handle {
        by_class(cluster, own, get(class)?, deep != 0, 0)
    }

    fn ResUtilGetResourceDependencyByClassEx(
        cluster: HCLUSTER, own: HANDLE, class: *mut CLUS_RESOURCE_CLASS_INFO, deep: BOOL, desired: DWORD
    ) -> Handle {
        by_class(cluster, own, get(class)?, deep != 0, desired)
    }

    fn ResUtilGetResourceNameDependency(name: LPCWSTR, type_name: LPCWSTR) -> Handle {
        let (name, type_name) = (text(name)?, text(type_name)?);
        let cluster = Cluster::local()?;
        let own = open::resource(cluster.0, &name, 0)?;
        by_type(cluster.0, own.0, &type_name, false, 0)
    }

    fn ResUtilGetResourceNameDependencyEx(name: LPCWSTR, type_name: LPCWSTR, desired: DWORD) -> Handle {
        let (name, type_name) = (text(name)?, text(type_name)?);
        let cluster = Cluster::local()?;
        let own = open::resource(cluster.0, &name, 0)?;
        by_type(cluster.0, own.0, &type_name, false, desired)
    }

    fn ResUtilResourceDepEnum(
        own: HRESOURCE, mask: DWORD, callback: LPRESOURCE_CALLBACK_EX, parameter: *mut c_void
    ) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        let cluster = open::cluster_of(own)?;
        for name in open::neighbours(own, mask)? {
            let Ok(other) = open::resource(cluster.0, &name, 0) else { continue };
            match outside_of(|| callback(cluster.0, own, other.0, parameter)) {
                ERROR_SUCCESS => {}
                ERROR_NO_MORE_ITEMS => return Ok(()),
                code => return Err(code),
            }
        }
        Ok(())
    }

    fn ResUtilGetResourceDependentIPAddressProps(
        resource: HRESOURCE, address: LPWSTR, address_units: *mut DWORD, mask: LPWSTR, mask_units: *mut DWORD,
        network: LPWSTR, network_units: *mut DWORD
    ) -> Code {
        let cluster = open::cluster_of(resource)?;
        let found = Resource::of(by_type(cluster.0, resource, "IP Address", false, 0)?)?;
        // Every length is told, whichever buffer is too small.
        let written = [
            put_text(address, address_units, &parameter(found.0, "Address")?),
            put_text(mask, mask_units, &parameter(found.0, "SubnetMask")?),
            put_text(network, network_units, &parameter(found.0, "Network")?),
        ];
        written.into_iter().collect()
    }

    fn ResUtilFindDependentDiskResourceDriveLetter(
        cluster: HCLUSTER, resource: HRESOURCE, letter: LPWSTR, units: *mut DWORD
    ) -> Code {
        need(units)?;
        let wanted = CLUS_RESOURCE_CLASS_INFO { rc: CLUS_RESCLASS_STORAGE, SubClass: 0 };
        let disk = Resource::of(by_class(cluster, resource, wanted, true, 0)?)?;
        let key = GetClusterResourceKey(disk.0, KEY_READ);
        if key.is_null() {
            return Err(last_error());
        }
        // A disk of the emulator is a directory; the letter is what its properties call it, if they do.
        let key = OwnKey(Key(key));
        let (_, found) = key.0.open("Parameters")?.0.read("DriveLetter")?;
        put_text(letter, units, &resapi_sys_mock::wide::text(&found).ok_or(ERROR_INVALID_DATA)?)
    }
}
