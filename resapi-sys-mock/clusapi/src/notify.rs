//! Notification ports of version 1 and 2 (reference 08.3).
//!
//! On Linux the event handle of a port is a file descriptor that is readable while events wait: give it to poll().

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{array, need, put, put_text, put_value, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Id, Kind, object_type};

use std::sync::Arc;

use crate::handles::{self, Member, Thing, insert};
use crate::port::{Filter, Port, Registration, Scope};

/// CLUSTER_CHANGE_REGISTRY_*.
const REGISTRY_BITS: u32 = 0xF0;
/// CLUSTER_CHANGE_REGISTRY_SUBTREE, and the same of version 2.
const SUBTREE: u32 = 0x80;
const SUBTREE_V2: u64 = 4;

/// Makes a port or finds one: INVALID_HANDLE_VALUE stands for a new one.
fn port_for(change: HANDLE) -> Result<(HANDLE, Arc<Port>, bool), u32> {
    if change == INVALID_HANDLE_VALUE {
        let port = Port::new()?;
        return Ok((insert(Thing::Port(Arc::clone(&port))), port, true));
    }
    Ok((change, handles::port(change)?, false))
}

/// Makes a port and its registrations; a port that was made for nothing is closed again.
fn create(change: HANDLE, cluster: HANDLE, key: usize, filters: Vec<Filter>) -> Result<HANDLE, u32> {
    let member = if cluster == INVALID_HANDLE_VALUE { None } else { Some(handles::cluster(cluster)?) };
    if member.is_none() && change != INVALID_HANDLE_VALUE {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let (handle, port, is_new) = port_for(change)?;
    let Some(member) = member else { return Ok(handle) };
    for filter in filters {
        let session = Arc::clone(&member.session);
        let made = port.register(Registration { session, handle: cluster as usize, key, filter, scope: Scope::All });
        if let Err(code) = made {
            if is_new {
                // The program never learns of this port.
                let _ = handles::close_port(handle);
            }
            return Err(code);
        }
    }
    Ok(handle)
}

/// The kind of object whose bits a filter of version 1 has.
fn kinds_of(filter: u32) -> Vec<Kind> {
    let table = [
        (0x0000_000F, Kind::Node),
        (0x0000_0F00, Kind::Resource),
        (0x0000_F000, Kind::Group),
        (0x00F0_0000, Kind::Network),
        (0x0F00_0000, Kind::NetInterface),
    ];
    table.into_iter().filter(|(bits, _)| filter & bits != 0).map(|(_, kind)| kind).collect()
}

/// What an object's handle registers for.
fn registration_of(object: HANDLE, key: usize, filter: Filter) -> Result<Registration, u32> {
    let handle = object as usize;
    if let Ok(found) = handles::own_key(object) {
        let with_subtree = match filter {
            Filter::Classic(bits) => bits & SUBTREE != 0,
            Filter::Modern { flags, .. } => flags & SUBTREE_V2 != 0,
        };
        let scope = Scope::Key(found.path.clone(), with_subtree);
        return Ok(Registration { session: Arc::clone(&found.session), handle, key, filter, scope });
    }
    let of =
        |member: Arc<Member>, scope| Registration { session: Arc::clone(&member.session), handle, key, filter, scope };
    if let Ok(member) = handles::cluster(object) {
        return Ok(of(member, Scope::All));
    }
    let member = handles::any_object(object)?;
    let scope = Scope::One(member.id.clone());
    Ok(of(member, scope))
}

fn modern(filter: &NOTIFY_FILTER_AND_TYPE) -> Filter {
    Filter::Modern { object_type: filter.dwObjectType, flags: filter.FilterFlags as u64 }
}

exports! {
    EXPORTS;

    fn CreateClusterNotifyPort(change: HCHANGE, cluster: HCLUSTER, filter: DWORD, key: usize) -> Handle {
        create(change, cluster, key, vec![Filter::Classic(filter)])
    }

    fn CreateClusterNotifyPortV2(
        change: HCHANGE, cluster: HCLUSTER, filters: *const NOTIFY_FILTER_AND_TYPE, count: DWORD, key: usize
    ) -> Handle {
        let filters = array(filters, count)?;
        create(change, cluster, key, filters.iter().map(modern).collect())
    }

    fn RegisterClusterNotify(change: HCHANGE, filter: DWORD, object: HANDLE, key: usize) -> Code {
        let port = handles::port(change)?;
        let registration = registration_of(object, key, Filter::Classic(filter))?;
        // The bits must be those of the object's kind.
        let fits = match &registration.scope {
            Scope::Key(..) => filter & REGISTRY_BITS != 0,
            Scope::One(id) => kinds_of(filter) == [id.kind],
            Scope::All => filter != 0,
        };
        if !fits {
            return Err(ERROR_INVALID_PARAMETER);
        }
        port.register(registration)
    }

    fn RegisterClusterNotifyV2(change: HCHANGE, filter: NOTIFY_FILTER_AND_TYPE, object: HANDLE, key: usize) -> Code {
        let port = handles::port(change)?;
        let registration = registration_of(object, key, modern(&filter))?;
        let fits = match &registration.scope {
            Scope::Key(..) => filter.dwObjectType == object_type::REGISTRY,
            Scope::One(_) | Scope::All => filter.dwObjectType != object_type::REGISTRY,
        };
        if !fits || filter.FilterFlags == 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        port.register(registration)
    }

    fn RegisterClusterResourceTypeNotifyV2(
        change: HCHANGE, cluster: HCLUSTER, flags: i64, name: LPCWSTR, key: usize
    ) -> Code {
        let port = handles::port(change)?;
        let member = handles::cluster(cluster)?;
        let id: Id = member.find(Kind::ResourceType, text(name)?)?.id;
        if flags == 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        port.register(Registration {
            session: Arc::clone(&member.session),
            handle: cluster as usize,
            key,
            filter: Filter::Modern { object_type: object_type::RESOURCE_TYPE, flags: flags as u64 },
            scope: Scope::One(id),
        })
    }

    notes "states that follow each other faster than the service looks are told as one, the last"
    fn GetClusterNotify(
        change: HCHANGE, key: *mut usize, filter: *mut DWORD, name: LPWSTR, units: *mut DWORD, wait_ms: DWORD
    ) -> Code {
        let port = handles::port(change)?;
        need(key)?;
        need(filter)?;
        port.next(wait_ms, |told| {
            put_text(name, units, &told.event.name)?;
            put(key, told.key);
            put(filter, told.event.filter);
            Ok(())
        })
    }

    notes "states that follow each other faster than the service looks are told as one, the last"
    fn GetClusterNotifyV2(
        change: HCHANGE, key: *mut usize, filter: *mut NOTIFY_FILTER_AND_TYPE, buffer: *mut u8, size: *mut DWORD,
        object_id: LPWSTR, object_units: *mut DWORD, parent_id: LPWSTR, parent_units: *mut DWORD, name: LPWSTR,
        name_units: *mut DWORD, type_name: LPWSTR, type_units: *mut DWORD, wait_ms: DWORD
    ) -> Code {
        let port = handles::port(change)?;
        need(key)?;
        port.next(wait_ms, |told| {
            let event = &told.event;
            // Every size is told, whichever buffer is too small.
            let written = [
                put_value(buffer, size, &event.buffer),
                put_text(object_id, object_units, &event.id),
                put_text(parent_id, parent_units, &event.parent),
                put_text(name, name_units, &event.name),
                put_text(type_name, type_units, &event.type_name),
            ];
            written.into_iter().collect::<Result<(), u32>>()?;
            put(key, told.key);
            put(filter, NOTIFY_FILTER_AND_TYPE { dwObjectType: event.object_type, FilterFlags: event.flags as i64 });
            Ok(())
        })
    }

    fn GetNotifyEventHandle(change: HCHANGE, event: *mut HANDLE) -> Code {
        let port = handles::port(change)?;
        need(event)?;
        put(event, port.event_handle());
        Ok(())
    }

    fn CloseClusterNotifyPort(change: HCHANGE) -> Truth {
        handles::close_port(change)?.close();
        Ok(true)
    }
}
