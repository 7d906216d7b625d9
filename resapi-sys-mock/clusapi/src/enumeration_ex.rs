//! Enumerations that hand out items: id, name, owner and properties in one buffer (reference 08.2).
//!
//! The buffer begins with the structure; what its pointers point to follows in the same buffer. Without a buffer, or with one
//! that is too small, the answer is 234 and the size needed.

use std::sync::Arc;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, get, put};
use resapi_sys_mock::exports;
use resapi_sys_mock::property_list;
use resapi_sys_mock::rpc::{Ask, Kind, Object, Relation, Told};
use resapi_sys_mock::wide;

use crate::enumeration::{Family, Listing, close, count, find, objects, of_cluster, of_object, open};
use crate::handles::{self, Thing, insert};

/// CLUSTER_NODE_ENUM_*.
pub(crate) const NODE_RELATIONS: &[(u32, Relation)] =
    &[(1, Relation::Interfaces), (2, Relation::Members), (4, Relation::Nodes)];
/// The version of all three item structures.
const ITEM_VERSION: u32 = 1;
/// What follows the structure begins at a multiple of this, so that texts and property lists are aligned.
const ALIGNMENT: usize = 8;

/// A buffer under construction: the structure's bytes, and what comes behind it.
struct Buffer {
    /// Where the caller's buffer is, or NULL while only the size is asked.
    base: *mut u8,
    head: usize,
    tail: Vec<u8>,
}

impl Buffer {
    fn new(base: *mut u8, head: usize) -> Buffer {
        Buffer { base, head: head.next_multiple_of(ALIGNMENT), tail: Vec::new() }
    }

    /// Appends bytes; answers their address in the caller's buffer.
    fn append(&mut self, bytes: &[u8]) -> *mut u8 {
        self.tail.resize(self.tail.len().next_multiple_of(ALIGNMENT), 0);
        let at = self.head + self.tail.len();
        self.tail.extend(bytes);
        self.base.wrapping_add(at)
    }

    /// Appends a text; answers its size in bytes with the NUL, and its address.
    fn text(&mut self, text: &str) -> (u32, LPWSTR) {
        let bytes = wide::bytes(text);
        let at = self.append(&bytes);
        (bytes.len() as u32, at.cast())
    }

    /// Appends a property list; none when nothing was asked for.
    fn list(&mut self, list: Option<Vec<u8>>) -> (u32, *mut core::ffi::c_void) {
        match list {
            Some(list) => (list.len() as u32, self.append(&list).cast()),
            None => (0, std::ptr::null_mut()),
        }
    }

    /// Writes everything, or answers 234 with the size needed.
    ///
    /// # Safety
    /// `base` is NULL or writable for `*size` bytes, `size` is readable and writable.
    unsafe fn write<T: Copy>(self, item: T, size: *mut DWORD) -> Result<(), u32> {
        let needed = self.head + self.tail.len();
        // SAFETY: the caller's promise.
        let room = unsafe { get(size) }? as usize;
        // SAFETY: as above.
        unsafe { put(size, needed as u32) };
        if self.base.is_null() || room < needed {
            return Err(ERROR_MORE_DATA);
        }
        // SAFETY: the buffer has room for `needed` bytes: the structure, and behind it the rest.
        unsafe {
            put(self.base.cast::<T>(), item);
            std::ptr::copy_nonoverlapping(self.tail.as_ptr(), self.base.add(self.head), self.tail.len());
        }
        Ok(())
    }
}

fn item(listing: &Listing, index: u32) -> Result<&(u32, Object), u32> {
    listing.items.get(index as usize).ok_or(ERROR_NO_MORE_ITEMS)
}

/// # Safety
/// The pointers as the header says.
unsafe fn enum_item(
    handle: HANDLE,
    family: Family,
    index: u32,
    target: *mut CLUSTER_ENUM_ITEM,
    size: *mut DWORD,
) -> Result<(), u32> {
    let listing = find(handle, family)?;
    let (number, object) = item(&listing, index)?;
    let mut buffer = Buffer::new(target.cast(), size_of::<CLUSTER_ENUM_ITEM>());
    let (id_bytes, id) = buffer.text(&object.id.id);
    let (name_bytes, name) = buffer.text(&object.name);
    let item = CLUSTER_ENUM_ITEM {
        dwVersion: ITEM_VERSION,
        dwType: *number,
        cbId: id_bytes,
        lpszId: id,
        cbName: name_bytes,
        lpszName: name,
    };
    // SAFETY: the caller's promise.
    unsafe { buffer.write(item, size) }
}

/// The properties of an object that were asked for; `None` when none were.
fn properties(listing: &Listing, object: &Object, read_only: bool) -> Result<Option<Vec<u8>>, u32> {
    let wanted = if read_only { &listing.wanted.1 } else { &listing.wanted.0 };
    if wanted.is_empty() {
        return Ok(None);
    }
    const GET_COMMON: u32 = 0x59;
    const GET_RO_COMMON: u32 = 0x55;
    let number: u32 = if object.id.kind == Kind::Group { 3 } else { 1 };
    let code = number << 24 | if read_only { GET_RO_COMMON } else { GET_COMMON };
    let ask = Ask::Control { to: object.id.clone(), host: None, code, input: Vec::new() };
    let Told::Controlled { code: ERROR_SUCCESS, output } = listing.member.session.ask(&ask)? else {
        return Err(ERROR_CLUSTER_CANNOT_RETURN_PROPERTIES);
    };
    let parsed = property_list::parse(&output).map_err(|error| error.win32())?;
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    let values = parsed.iter().filter(|one| is_wanted(&one.name)).filter_map(|one| {
        let value = one.value().ok()?;
        Some((one.name.clone(), value))
    });
    Ok(Some(property_list::build(values)))
}

/// Opens an enumeration of all groups or resources with properties.
///
/// # Safety
/// The lists are NULL or readable for the sizes given.
unsafe fn open_with_properties(
    cluster: HANDLE,
    kind: Kind,
    common: (LPCWSTR, u32),
    read_only: (LPCWSTR, u32),
) -> Result<HANDLE, u32> {
    let member = handles::cluster(cluster)?;
    // SAFETY: the caller's promise.
    let (common, read_only) = unsafe { (names(common)?, names(read_only)?) };
    let family = if kind == Kind::Group { Family::GroupEx } else { Family::ResourceEx };
    let items = objects(member.session.ask(&Ask::List(kind))?)?.into_iter().map(|object| (0, object)).collect();
    Ok(insert(Thing::Listing(Arc::new(Listing { family, member, items, wanted: (common, read_only) }))))
}

/// # Safety
/// NULL, or readable for the size in bytes.
unsafe fn names((list, size): (LPCWSTR, u32)) -> Result<Vec<String>, u32> {
    if list.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    wide::list(unsafe { bytes(list.cast(), size) }?).ok_or(ERROR_INVALID_PARAMETER)
}

exports! {
    EXPORTS;

    fn ClusterOpenEnumEx(cluster: HCLUSTER, mask: DWORD, _options: *const core::ffi::c_void) -> Handle {
        let member = handles::cluster(cluster)?;
        let items = of_cluster(&member, mask)?;
        Ok(open(Family::ClusterEx, member, items))
    }

    fn ClusterGetEnumCountEx(listing: HCLUSENUM) -> Count {
        count(listing, Family::ClusterEx)
    }

    fn ClusterEnumEx(listing: HCLUSENUM, index: DWORD, item: *mut CLUSTER_ENUM_ITEM, size: *mut DWORD) -> Code {
        enum_item(listing, Family::ClusterEx, index, item, size)
    }

    fn ClusterCloseEnumEx(listing: HCLUSENUM) -> Code {
        close(listing, Family::ClusterEx)
    }

    fn ClusterNodeOpenEnumEx(node: HNODE, mask: DWORD, _options: *const core::ffi::c_void) -> Handle {
        let member = handles::object(node, Kind::Node)?;
        let of = member.id.clone();
        of_object(Family::NodeEx, member, of, mask, NODE_RELATIONS)
    }

    fn ClusterNodeGetEnumCountEx(listing: HNODEENUM) -> Count {
        count(listing, Family::NodeEx)
    }

    fn ClusterNodeEnumEx(listing: HNODEENUM, index: DWORD, item: *mut CLUSTER_ENUM_ITEM, size: *mut DWORD) -> Code {
        enum_item(listing, Family::NodeEx, index, item, size)
    }

    fn ClusterNodeCloseEnumEx(listing: HNODEENUM) -> Code {
        close(listing, Family::NodeEx)
    }

    fn ClusterGroupOpenEnumEx(
        cluster: HCLUSTER, common: LPCWSTR, common_size: DWORD, read_only: LPCWSTR, read_only_size: DWORD,
        _flags: DWORD
    ) -> Handle {
        open_with_properties(cluster, Kind::Group, (common, common_size), (read_only, read_only_size))
    }

    fn ClusterGroupGetEnumCountEx(listing: HGROUPENUM) -> Count {
        count(listing, Family::GroupEx)
    }

    fn ClusterGroupEnumEx(
        listing: HGROUPENUM, index: DWORD, target: *mut CLUSTER_GROUP_ENUM_ITEM, size: *mut DWORD
    ) -> Code {
        let listing = find(listing, Family::GroupEx)?;
        let (_, object) = item(&listing, index)?;
        let mut buffer = Buffer::new(target.cast(), size_of::<CLUSTER_GROUP_ENUM_ITEM>());
        let (id_bytes, id) = buffer.text(&object.id.id);
        let (name_bytes, name) = buffer.text(&object.name);
        let (owner_bytes, owner) = buffer.text(&object.owner);
        let (common_bytes, common) = buffer.list(properties(&listing, object, false)?);
        let (read_only_bytes, read_only) = buffer.list(properties(&listing, object, true)?);
        let item = CLUSTER_GROUP_ENUM_ITEM {
            dwVersion: ITEM_VERSION,
            cbId: id_bytes,
            lpszId: id,
            cbName: name_bytes,
            lpszName: name,
            state: object.state,
            cbOwnerNode: owner_bytes,
            lpszOwnerNode: owner,
            dwFlags: object.flags,
            cbProperties: common_bytes,
            pProperties: common,
            cbRoProperties: read_only_bytes,
            pRoProperties: read_only,
        };
        buffer.write(item, size)
    }

    fn ClusterGroupCloseEnumEx(listing: HGROUPENUM) -> Code {
        close(listing, Family::GroupEx)
    }

    fn ClusterResourceOpenEnumEx(
        cluster: HCLUSTER, common: LPCWSTR, common_size: DWORD, read_only: LPCWSTR, read_only_size: DWORD,
        _flags: DWORD
    ) -> Handle {
        open_with_properties(cluster, Kind::Resource, (common, common_size), (read_only, read_only_size))
    }

    fn ClusterResourceGetEnumCountEx(listing: HRESENUM) -> Count {
        count(listing, Family::ResourceEx)
    }

    fn ClusterResourceEnumEx(
        listing: HRESENUM, index: DWORD, target: *mut CLUSTER_RESOURCE_ENUM_ITEM, size: *mut DWORD
    ) -> Code {
        let listing = find(listing, Family::ResourceEx)?;
        let (_, object) = item(&listing, index)?;
        let mut buffer = Buffer::new(target.cast(), size_of::<CLUSTER_RESOURCE_ENUM_ITEM>());
        let (id_bytes, id) = buffer.text(&object.id.id);
        let (name_bytes, name) = buffer.text(&object.name);
        let (group_bytes, group) = buffer.text(&object.parent_name);
        let (group_id_bytes, group_id) = buffer.text(&object.parent);
        let (common_bytes, common) = buffer.list(properties(&listing, object, false)?);
        let (read_only_bytes, read_only) = buffer.list(properties(&listing, object, true)?);
        let item = CLUSTER_RESOURCE_ENUM_ITEM {
            dwVersion: ITEM_VERSION,
            cbId: id_bytes,
            lpszId: id,
            cbName: name_bytes,
            lpszName: name,
            cbOwnerGroupName: group_bytes,
            lpszOwnerGroupName: group,
            cbOwnerGroupId: group_id_bytes,
            lpszOwnerGroupId: group_id,
            cbProperties: common_bytes,
            pProperties: common,
            cbRoProperties: read_only_bytes,
            pRoProperties: read_only,
        };
        buffer.write(item, size)
    }

    fn ClusterResourceCloseEnumEx(listing: HRESENUM) -> Code {
        close(listing, Family::ResourceEx)
    }
}
