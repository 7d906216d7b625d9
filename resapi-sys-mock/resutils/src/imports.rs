//! What this library imports of `libclusapi`. The build script reads the names off this file.

use core::ffi::c_void;

use resapi_sys_mock::abi::*;

// On Linux these come from libclusapi as well, because there is no kernel32.
#[cfg_attr(windows, link(name = "kernel32", kind = "raw-dylib"))]
unsafe extern "system" {
    pub(crate) fn SetLastError(code: DWORD);
    pub(crate) fn GetLastError() -> DWORD;
}

#[cfg_attr(windows, link(name = "clusapi", kind = "raw-dylib"))]
unsafe extern "system" {
    pub(crate) fn WolfdenInside(change: i32);
    pub(crate) fn OpenCluster(name: LPCWSTR) -> HCLUSTER;
    pub(crate) fn CloseCluster(cluster: HCLUSTER) -> BOOL;
    pub(crate) fn OpenClusterNode(cluster: HCLUSTER, name: LPCWSTR) -> HNODE;
    pub(crate) fn CloseClusterNode(node: HNODE) -> BOOL;
    pub(crate) fn GetClusterNodeState(node: HNODE) -> i32;
    pub(crate) fn OpenClusterGroup(cluster: HCLUSTER, name: LPCWSTR) -> HGROUP;
    pub(crate) fn CloseClusterGroup(group: HGROUP) -> BOOL;
    pub(crate) fn GetClusterFromGroup(group: HGROUP) -> HCLUSTER;
    pub(crate) fn ClusterGroupControl(
        group: HGROUP,
        host: HNODE,
        code: DWORD,
        input: *const c_void,
        input_size: DWORD,
        output: *mut c_void,
        output_size: DWORD,
        returned: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn OpenClusterResource(cluster: HCLUSTER, name: LPCWSTR) -> HRESOURCE;
    pub(crate) fn OpenClusterResourceEx(
        cluster: HCLUSTER,
        name: LPCWSTR,
        desired: DWORD,
        granted: *mut DWORD,
    ) -> HRESOURCE;
    pub(crate) fn CloseClusterResource(resource: HRESOURCE) -> BOOL;
    pub(crate) fn GetClusterFromResource(resource: HRESOURCE) -> HCLUSTER;
    pub(crate) fn ClusterResourceControl(
        resource: HRESOURCE,
        host: HNODE,
        code: DWORD,
        input: *const c_void,
        input_size: DWORD,
        output: *mut c_void,
        output_size: DWORD,
        returned: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn ClusterResourceOpenEnum(resource: HRESOURCE, mask: DWORD) -> HRESENUM;
    pub(crate) fn ClusterResourceEnum(
        listing: HRESENUM,
        index: DWORD,
        kind: *mut DWORD,
        name: LPWSTR,
        units: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn ClusterResourceCloseEnum(listing: HRESENUM) -> DWORD;
    pub(crate) fn ClusterOpenEnum(cluster: HCLUSTER, mask: DWORD) -> HCLUSENUM;
    pub(crate) fn ClusterEnum(
        listing: HCLUSENUM,
        index: DWORD,
        kind: *mut DWORD,
        name: LPWSTR,
        units: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn ClusterCloseEnum(listing: HCLUSENUM) -> DWORD;
    pub(crate) fn GetClusterQuorumResource(
        cluster: HCLUSTER,
        resource: LPWSTR,
        resource_units: *mut DWORD,
        device: LPWSTR,
        device_units: *mut DWORD,
        max_log: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn GetClusterResourceNetworkName(resource: HRESOURCE, buffer: LPWSTR, units: *mut DWORD) -> BOOL;
    pub(crate) fn GetClusterResourceKey(resource: HRESOURCE, access: REGSAM) -> HKEY;
    pub(crate) fn GetClusterKey(cluster: HCLUSTER, access: REGSAM) -> HKEY;
    pub(crate) fn ClusterRegOpenKey(key: HKEY, sub_key: LPCWSTR, access: REGSAM, result: *mut HKEY) -> LONG;
    pub(crate) fn ClusterRegCreateKey(
        key: HKEY,
        sub_key: LPCWSTR,
        options: DWORD,
        access: REGSAM,
        security: *const c_void,
        result: *mut HKEY,
        disposition: *mut DWORD,
    ) -> LONG;
    pub(crate) fn ClusterRegCloseKey(key: HKEY) -> LONG;
    pub(crate) fn ClusterRegQueryValue(
        key: HKEY,
        name: LPCWSTR,
        kind: *mut DWORD,
        data: *mut u8,
        size: *mut DWORD,
    ) -> LONG;
    pub(crate) fn ClusterRegSetValue(key: HKEY, name: LPCWSTR, kind: DWORD, data: *const u8, size: DWORD) -> DWORD;
    pub(crate) fn ClusterRegDeleteValue(key: HKEY, name: LPCWSTR) -> DWORD;
    pub(crate) fn ClusterRegEnumValue(
        key: HKEY,
        index: DWORD,
        name: LPWSTR,
        units: *mut DWORD,
        kind: *mut DWORD,
        data: *mut u8,
        size: *mut DWORD,
    ) -> DWORD;
    pub(crate) fn ClusterRegEnumKey(
        key: HKEY,
        index: DWORD,
        name: LPWSTR,
        units: *mut DWORD,
        last_write: *mut FILETIME,
    ) -> LONG;
    pub(crate) fn ClusterRegDeleteKey(key: HKEY, sub_key: LPCWSTR) -> LONG;
}
