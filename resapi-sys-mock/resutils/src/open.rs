//! Handles of libclusapi that are closed at the end, and the few questions that several files ask.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::wide;

use crate::imports::*;
use crate::last_error;

/// The longest name or expression that is read, in characters.
const NAME_UNITS: usize = 4096;
/// The largest output of a control code that is read here, in bytes.
const OUTPUT_BYTES: usize = 64 * 1024;

/// Declares handles that are closed when they go out of scope, unless they are handed on.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident($type:ty) by $close:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) $type);

        impl $name {
            /// The caller closes it from now on.
            #[allow(dead_code)]
            pub(crate) fn hand_on(self) -> $type {
                let handle = self.0;
                std::mem::forget(self);
                handle
            }

            /// A handle that a function of libclusapi answered; NULL means that it left an error.
            pub(crate) fn of(handle: $type) -> Result<$name, u32> {
                if handle.is_null() { Err(last_error()) } else { Ok($name(handle)) }
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: libclusapi checks handles; nothing can be done about an error here.
                unsafe { $close(self.0) };
            }
        }
    )*};
}

handles! {
    /// A cluster.
    Cluster(HCLUSTER) by CloseCluster;
    /// A node.
    Node(HNODE) by CloseClusterNode;
    /// A group.
    Group(HGROUP) by CloseClusterGroup;
    /// A resource.
    Resource(HRESOURCE) by CloseClusterResource;
    /// An enumeration of a cluster.
    ClusterListing(HCLUSENUM) by ClusterCloseEnum;
    /// An enumeration of a resource.
    ResourceListing(HRESENUM) by ClusterResourceCloseEnum;
}

impl Cluster {
    /// The local cluster.
    pub(crate) fn local() -> Result<Cluster, u32> {
        // SAFETY: NULL is the local cluster.
        Cluster::of(unsafe { OpenCluster(std::ptr::null()) })
    }
}

/// Names of all objects of a cluster that a mask names.
pub(crate) fn names(cluster: HCLUSTER, mask: u32) -> Result<Vec<String>, u32> {
    // SAFETY: libclusapi checks the handle.
    let listing = ClusterListing::of(unsafe { ClusterOpenEnum(cluster, mask) })?;
    read_names(|index, name, units| {
        let mut kind = 0;
        // SAFETY: the buffer has the room stated.
        unsafe { ClusterEnum(listing.0, index, &mut kind, name, units) }
    })
}

/// Names of the neighbours of a resource: 1 what it depends on, 2 what depends on it, 4 possible owners.
pub(crate) fn neighbours(resource: HRESOURCE, mask: u32) -> Result<Vec<String>, u32> {
    // SAFETY: libclusapi checks the handle.
    let listing = ResourceListing::of(unsafe { ClusterResourceOpenEnum(resource, mask) })?;
    read_names(|index, name, units| {
        let mut kind = 0;
        // SAFETY: the buffer has the room stated.
        unsafe { ClusterResourceEnum(listing.0, index, &mut kind, name, units) }
    })
}

fn read_names(mut next: impl FnMut(u32, LPWSTR, *mut DWORD) -> u32) -> Result<Vec<String>, u32> {
    let mut found = Vec::new();
    loop {
        let mut name = vec![0; NAME_UNITS];
        let mut units = NAME_UNITS as u32;
        match next(found.len() as u32, name.as_mut_ptr(), &mut units) {
            ERROR_SUCCESS => found.push(String::from_utf16_lossy(&name[..units as usize])),
            ERROR_NO_MORE_ITEMS => return Ok(found),
            code => return Err(code),
        }
    }
}

/// A resource by name, with the rights asked for; 0 for all.
pub(crate) fn resource(cluster: HCLUSTER, name: &str, desired: u32) -> Result<Resource, u32> {
    let name = wide::units(name);
    // SAFETY: the text is NUL-terminated; libclusapi checks the handle.
    Resource::of(unsafe {
        if desired == 0 {
            OpenClusterResource(cluster, name.as_ptr())
        } else {
            OpenClusterResourceEx(cluster, name.as_ptr(), desired, std::ptr::null_mut())
        }
    })
}

/// A group by name.
pub(crate) fn group(cluster: HCLUSTER, name: &str) -> Result<Group, u32> {
    let name = wide::units(name);
    // SAFETY: as above.
    Group::of(unsafe { OpenClusterGroup(cluster, name.as_ptr()) })
}

/// A node by name.
pub(crate) fn node(cluster: HCLUSTER, name: &str) -> Result<Node, u32> {
    let name = wide::units(name);
    // SAFETY: as above.
    Node::of(unsafe { OpenClusterNode(cluster, name.as_ptr()) })
}

/// The output of a control code that only reads.
pub(crate) fn resource_output(resource: HRESOURCE, code: u32) -> Result<Vec<u8>, u32> {
    let mut output = vec![0_u8; OUTPUT_BYTES];
    let mut returned = 0;
    // SAFETY: the buffer has the room stated; there is no input.
    let answer = unsafe {
        let (nobody, nothing) = (std::ptr::null_mut(), std::ptr::null());
        let room = OUTPUT_BYTES as u32;
        ClusterResourceControl(resource, nobody, code, nothing, 0, output.as_mut_ptr().cast(), room, &mut returned)
    };
    crate::key::check(answer)?;
    output.truncate(returned as usize);
    Ok(output)
}

/// The same for a group.
pub(crate) fn group_output(group: HGROUP, code: u32) -> Result<Vec<u8>, u32> {
    let mut output = vec![0_u8; OUTPUT_BYTES];
    let mut returned = 0;
    // SAFETY: as above.
    let answer = unsafe {
        let (nobody, nothing) = (std::ptr::null_mut(), std::ptr::null());
        let room = OUTPUT_BYTES as u32;
        ClusterGroupControl(group, nobody, code, nothing, 0, output.as_mut_ptr().cast(), room, &mut returned)
    };
    crate::key::check(answer)?;
    output.truncate(returned as usize);
    Ok(output)
}

/// The text that a control code answers.
pub(crate) fn resource_text(resource: HRESOURCE, code: u32) -> Result<String, u32> {
    wide::text(&resource_output(resource, code)?).ok_or(ERROR_INVALID_DATA)
}

/// The same for a group.
pub(crate) fn group_text(group: HGROUP, code: u32) -> Result<String, u32> {
    wide::text(&group_output(group, code)?).ok_or(ERROR_INVALID_DATA)
}

/// The cluster of a resource.
pub(crate) fn cluster_of(resource: HRESOURCE) -> Result<Cluster, u32> {
    // SAFETY: libclusapi checks the handle.
    Cluster::of(unsafe { GetClusterFromResource(resource) })
}
