//! Enumerations that hand out names (reference 08.2): open, count, one by one, close.
//!
//! The list is fixed when it is opened. Past its end is 259; a buffer that is too small is 234 with the length needed.

use std::sync::Arc;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{need, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Id, Kind, Object, Relation, Told};

use crate::handles::{self, Member, Thing, insert};
use crate::network;

/// Which family of functions an enumeration belongs to; those of another family answer 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Cluster,
    ClusterEx,
    Node,
    NodeEx,
    Group,
    GroupEx,
    Resource,
    ResourceEx,
    ResourceType,
    Network,
    NetInterface,
    GroupSet,
}

/// An open enumeration.
pub(crate) struct Listing {
    pub(crate) family: Family,
    pub(crate) member: Arc<Member>,
    /// The number of its type, and the object.
    pub(crate) items: Vec<(u32, Object)>,
    /// Names of common and of read-only common properties to hand out with each object.
    pub(crate) wanted: (Vec<String>, Vec<String>),
}

/// CLUSTER_ENUM_* of the kinds, in the order in which they are listed.
const CLUSTER_KINDS: [(u32, Kind); 6] = [
    (1, Kind::Node),
    (2, Kind::ResourceType),
    (4, Kind::Resource),
    (8, Kind::Group),
    (0x10, Kind::Network),
    (0x20, Kind::NetInterface),
];
/// CLUSTER_ENUM_SHARED_VOLUME_GROUP and _RESOURCE: there are none.
const SHARED_VOLUMES: u32 = 0x6000_0000;
/// CLUSTER_ENUM_INTERNAL_NETWORK: networks that the cluster itself uses, by priority.
const INTERNAL_NETWORK: u32 = 0x8000_0000;

/// Everything of a cluster that a mask names.
pub(crate) fn of_cluster(member: &Member, mask: u32) -> Result<Vec<(u32, Object)>, u32> {
    let known = CLUSTER_KINDS.iter().fold(SHARED_VOLUMES | INTERNAL_NETWORK, |bits, (bit, _)| bits | bit);
    if mask == 0 || mask & !known != 0 {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let mut items = Vec::new();
    for (bit, kind) in CLUSTER_KINDS.into_iter().filter(|(bit, _)| mask & bit != 0) {
        items.extend(objects(member.session.ask(&Ask::List(kind))?)?.into_iter().map(|object| (bit, object)));
    }
    if mask & INTERNAL_NETWORK != 0 {
        items.extend(internal_networks(member)?.into_iter().map(|object| (INTERNAL_NETWORK, object)));
    }
    Ok(items)
}

/// Networks with the cluster's own traffic (Role 1 or 3), by the value `Priority`.
fn internal_networks(member: &Member) -> Result<Vec<Object>, u32> {
    let number = |key: &str, name: &str, default: u32| -> Result<u32, u32> {
        match member.session.ask(&Ask::ReadValue { path: key.to_owned(), name: name.to_owned() }) {
            Ok(Told::Value(value)) => Ok(value.bytes.first_chunk().map_or(default, |b| u32::from_le_bytes(*b))),
            Ok(_) | Err(ERROR_FILE_NOT_FOUND) => Ok(default),
            Err(code) => Err(code),
        }
    };
    const BOTH: u32 = 3;
    let mut found = Vec::new();
    for network in objects(member.session.ask(&Ask::List(Kind::Network))?)? {
        if number(&network.key, "Role", BOTH)? & 1 != 0 {
            found.push((number(&network.key, "Priority", u32::MAX)?, network));
        }
    }
    found.sort_by_key(|(priority, _)| *priority);
    Ok(found.into_iter().map(|(_, network)| network).collect())
}

pub(crate) fn objects(told: Told) -> Result<Vec<Object>, u32> {
    match told {
        Told::Objects(objects) => Ok(objects),
        _ => Err(RPC_S_CALL_FAILED),
    }
}

/// A new enumeration.
pub(crate) fn open(family: Family, member: Arc<Member>, items: Vec<(u32, Object)>) -> HANDLE {
    insert(Thing::Listing(Arc::new(Listing { family, member, items, wanted: Default::default() })))
}

/// Opens the neighbours of an object that a mask names.
pub(crate) fn of_object(
    family: Family,
    member: Arc<Member>,
    of: Id,
    mask: u32,
    relations: &[(u32, Relation)],
) -> Result<HANDLE, u32> {
    let known = relations.iter().fold(0, |bits, (bit, _)| bits | bit);
    if mask == 0 || mask & !known != 0 {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let mut items = Vec::new();
    for (bit, relation) in relations.iter().filter(|(bit, _)| mask & bit != 0) {
        let told = member.session.ask(&Ask::Related { of: of.clone(), relation: *relation })?;
        items.extend(objects(told)?.into_iter().map(|object| (*bit, object)));
    }
    Ok(open(family, member, items))
}

/// An enumeration of this family.
pub(crate) fn find(handle: HANDLE, family: Family) -> Result<Arc<Listing>, u32> {
    handles::listing(handle)
        .and_then(|found| if found.family == family { Ok(found) } else { Err(ERROR_INVALID_HANDLE) })
}

/// How many there are.
pub(crate) fn count(handle: HANDLE, family: Family) -> Result<u32, u32> {
    Ok(find(handle, family)?.items.len() as u32)
}

/// Closes it.
pub(crate) fn close(handle: HANDLE, family: Family) -> Result<(), u32> {
    find(handle, family)?;
    handles::close_listing(handle).map(drop)
}

/// Name and type of the object at a place.
///
/// # Safety
/// The pointers as the header says.
unsafe fn name_at(
    handle: HANDLE,
    family: Family,
    index: u32,
    number: *mut DWORD,
    name: LPWSTR,
    units: *mut DWORD,
) -> Result<(), u32> {
    let listing = find(handle, family)?;
    let (found, object) = listing.items.get(index as usize).ok_or(ERROR_NO_MORE_ITEMS)?;
    need(units)?;
    // SAFETY: the caller's promise.
    unsafe {
        put(number, *found);
        put_text(name, units, &object.name)
    }
}

exports! {
    EXPORTS;

    fn ClusterOpenEnum(cluster: HCLUSTER, mask: DWORD) -> Handle {
        let member = handles::cluster(cluster)?;
        let items = of_cluster(&member, mask)?;
        Ok(open(Family::Cluster, member, items))
    }

    fn ClusterGetEnumCount(listing: HCLUSENUM) -> Count {
        count(listing, Family::Cluster)
    }

    fn ClusterEnum(listing: HCLUSENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::Cluster, index, kind, name, units)
    }

    fn ClusterCloseEnum(listing: HCLUSENUM) -> Code {
        close(listing, Family::Cluster)
    }

    fn ClusterNodeOpenEnum(node: HNODE, mask: DWORD) -> Handle {
        let member = handles::object(node, Kind::Node)?;
        let of = member.id.clone();
        of_object(Family::Node, member, of, mask, crate::enumeration_ex::NODE_RELATIONS)
    }

    fn ClusterNodeGetEnumCount(listing: HNODEENUM) -> Count {
        count(listing, Family::Node)
    }

    fn ClusterNodeEnum(listing: HNODEENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::Node, index, kind, name, units)
    }

    fn ClusterNodeCloseEnum(listing: HNODEENUM) -> Code {
        close(listing, Family::Node)
    }

    fn ClusterGroupOpenEnum(group: HGROUP, mask: DWORD) -> Handle {
        let member = handles::object(group, Kind::Group)?;
        let of = member.id.clone();
        of_object(Family::Group, member, of, mask, &[(1, Relation::Members), (2, Relation::Nodes)])
    }

    fn ClusterGroupGetEnumCount(listing: HGROUPENUM) -> Count {
        count(listing, Family::Group)
    }

    fn ClusterGroupEnum(listing: HGROUPENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::Group, index, kind, name, units)
    }

    fn ClusterGroupCloseEnum(listing: HGROUPENUM) -> Code {
        close(listing, Family::Group)
    }

    fn ClusterResourceOpenEnum(resource: HRESOURCE, mask: DWORD) -> Handle {
        let member = handles::object(resource, Kind::Resource)?;
        let of = member.id.clone();
        let relations = [(1, Relation::DependsOn), (2, Relation::Provides), (4, Relation::Nodes)];
        of_object(Family::Resource, member, of, mask, &relations)
    }

    fn ClusterResourceGetEnumCount(listing: HRESENUM) -> Count {
        count(listing, Family::Resource)
    }

    fn ClusterResourceEnum(listing: HRESENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::Resource, index, kind, name, units)
    }

    fn ClusterResourceCloseEnum(listing: HRESENUM) -> Code {
        close(listing, Family::Resource)
    }

    fn ClusterResourceTypeOpenEnum(cluster: HCLUSTER, name: LPCWSTR, mask: DWORD) -> Handle {
        let member = handles::cluster(cluster)?;
        let of = member.find(Kind::ResourceType, text(name)?)?.id;
        of_object(Family::ResourceType, member, of, mask, &[(1, Relation::Nodes), (2, Relation::Members)])
    }

    fn ClusterResourceTypeGetEnumCount(listing: HRESTYPEENUM) -> Count {
        count(listing, Family::ResourceType)
    }

    fn ClusterResourceTypeEnum(
        listing: HRESTYPEENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD
    ) -> Code {
        name_at(listing, Family::ResourceType, index, kind, name, units)
    }

    fn ClusterResourceTypeCloseEnum(listing: HRESTYPEENUM) -> Code {
        close(listing, Family::ResourceType)
    }

    fn ClusterNetworkOpenEnum(network: HNETWORK, mask: DWORD) -> Handle {
        let member = handles::object(network, Kind::Network)?;
        let of = member.id.clone();
        of_object(Family::Network, member, of, mask, &[(1, Relation::Interfaces)])
    }

    fn ClusterNetworkGetEnumCount(listing: HNETWORKENUM) -> Count {
        count(listing, Family::Network)
    }

    fn ClusterNetworkEnum(
        listing: HNETWORKENUM, index: DWORD, kind: *mut DWORD, name: LPWSTR, units: *mut DWORD
    ) -> Code {
        name_at(listing, Family::Network, index, kind, name, units)
    }

    fn ClusterNetworkCloseEnum(listing: HNETWORKENUM) -> Code {
        close(listing, Family::Network)
    }

    fn ClusterNetInterfaceOpenEnum(cluster: HCLUSTER, node: LPCWSTR, network: LPCWSTR) -> Handle {
        let member = handles::cluster(cluster)?;
        let found = network::interfaces(&member, &text_or_empty(node), &text_or_empty(network))?;
        let items = found.into_iter().map(|object| (0, object)).collect();
        Ok(open(Family::NetInterface, member, items))
    }

    fn ClusterNetInterfaceEnum(listing: HNETINTERFACEENUM, index: DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::NetInterface, index, std::ptr::null_mut(), name, units)
    }

    fn ClusterNetInterfaceCloseEnum(listing: HNETINTERFACEENUM) -> Code {
        close(listing, Family::NetInterface)
    }

    fn ClusterGroupSetOpenEnum(cluster: HCLUSTER) -> Handle {
        let member = handles::cluster(cluster)?;
        let found = objects(member.session.ask(&Ask::List(Kind::GroupSet))?)?;
        Ok(open(Family::GroupSet, member, found.into_iter().map(|object| (0, object)).collect()))
    }

    fn ClusterGroupSetGetEnumCount(listing: HGROUPSETENUM) -> Count {
        count(listing, Family::GroupSet)
    }

    fn ClusterGroupSetEnum(listing: HGROUPSETENUM, index: DWORD, name: LPWSTR, units: *mut DWORD) -> Code {
        name_at(listing, Family::GroupSet, index, std::ptr::null_mut(), name, units)
    }

    fn ClusterGroupSetCloseEnum(listing: HGROUPSETENUM) -> Code {
        close(listing, Family::GroupSet)
    }
}
