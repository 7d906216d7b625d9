//! Handles: numbers that stand for things of this library (reference 08.1).
//!
//! A number is used once in the life of a process, so that a handle that was closed, made up or of another kind is told from a
//! good one: the answer is 6. Things are counted: a call that runs while its handle is closed ends in good order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use resapi_sys_mock::abi::{CLUSAPI_CHANGE_ACCESS, HANDLE};
use resapi_sys_mock::codes::win32::{ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE};
use resapi_sys_mock::guard;
use resapi_sys_mock::rpc::{Ask, Id, Kind, Object, Order, Told};

use crate::batch::{Batch, BatchPort, Notification, ReadBatch, Reply};
use crate::discovery;
use crate::enumeration::Listing;
use crate::port::{self, Port};
use crate::session::Session;

/// The first number; far from small numbers and from pointers that end in zero bits.
const FIRST: usize = 0x1000_0001;
/// The distance of two numbers.
const STEP: usize = 4;

/// What a handle stands for.
#[derive(Clone)]
pub(crate) enum Thing {
    Cluster(Arc<Member>),
    Object(Arc<Member>),
    Key(Arc<OpenKey>),
    Listing(Arc<Listing>),
    Port(Arc<Port>),
    Batch(Arc<Mutex<Batch>>),
    ReadBatch(Arc<Mutex<ReadBatch>>),
    Reply(Arc<Reply>),
    BatchPort(Arc<BatchPort>),
    Notification(Arc<Notification>),
}

/// An object of a cluster, or the cluster.
pub(crate) struct Member {
    pub(crate) session: Arc<Session>,
    pub(crate) id: Id,
    /// `CLUSAPI_READ_ACCESS` and `CLUSAPI_CHANGE_ACCESS`.
    pub(crate) access: u32,
}

/// A key of the cluster registry.
pub(crate) struct OpenKey {
    pub(crate) session: Arc<Session>,
    pub(crate) path: String,
    /// `KEY_*`.
    pub(crate) access: u32,
}

#[derive(Default)]
struct Table {
    next: usize,
    things: HashMap<usize, Thing>,
}

fn table() -> &'static RwLock<Table> {
    static TABLE: OnceLock<RwLock<Table>> = OnceLock::new();
    TABLE.get_or_init(|| RwLock::new(Table { next: FIRST, things: HashMap::new() }))
}

/// A new handle.
pub(crate) fn insert(thing: Thing) -> HANDLE {
    let mut table = table().write().unwrap_or_else(PoisonError::into_inner);
    let number = table.next;
    table.next += STEP;
    table.things.insert(number, thing);
    number as HANDLE
}

fn find(handle: HANDLE) -> Result<Thing, u32> {
    let table = table().read().unwrap_or_else(PoisonError::into_inner);
    table.things.get(&(handle as usize)).cloned().ok_or(ERROR_INVALID_HANDLE)
}

/// Makes finders of one kind of thing.
macro_rules! finders {
    ($($name:ident $close:ident: $variant:ident($type:ty);)*) => {$(
        pub(crate) fn $name(handle: HANDLE) -> Result<$type, u32> {
            match find(handle)? {
                Thing::$variant(thing) => Ok(thing),
                _ => Err(ERROR_INVALID_HANDLE),
            }
        }

        #[allow(dead_code)]
        pub(crate) fn $close(handle: HANDLE) -> Result<$type, u32> {
            let found = $name(handle)?;
            remove(handle);
            Ok(found)
        }
    )*};
}

finders! {
    cluster close_cluster: Cluster(Arc<Member>);
    any_object close_any_object: Object(Arc<Member>);
    own_key close_own_key: Key(Arc<OpenKey>);
    listing close_listing: Listing(Arc<Listing>);
    port close_port: Port(Arc<Port>);
    batch close_batch: Batch(Arc<Mutex<Batch>>);
    read_batch close_read_batch: ReadBatch(Arc<Mutex<ReadBatch>>);
    reply close_reply: Reply(Arc<Reply>);
    batch_port close_batch_port: BatchPort(Arc<BatchPort>);
    notification close_notification: Notification(Arc<Notification>);
}

fn remove(handle: HANDLE) {
    table().write().unwrap_or_else(PoisonError::into_inner).things.remove(&(handle as usize));
    // Whoever has registered for this object hears that its handle is gone.
    port::handle_closed(handle as usize);
}

/// An object of this kind.
pub(crate) fn object(handle: HANDLE, kind: Kind) -> Result<Arc<Member>, u32> {
    any_object(handle).and_then(|found| if found.id.kind == kind { Ok(found) } else { Err(ERROR_INVALID_HANDLE) })
}

/// Closes an object of this kind.
pub(crate) fn close(handle: HANDLE, kind: Kind) -> Result<bool, u32> {
    object(handle, kind)?;
    remove(handle);
    Ok(true)
}

/// A key: one of ours, or in a monitor the one that Open was given.
pub(crate) fn key(handle: HANDLE) -> Result<Arc<OpenKey>, u32> {
    if let Ok(found) = own_key(handle) {
        return Ok(found);
    }
    let monitor = guard::monitor().ok_or(ERROR_INVALID_HANDLE)?;
    let path = monitor.key_path(handle as usize).map_err(|_| ERROR_INVALID_HANDLE)?;
    Ok(Arc::new(OpenKey { session: own_session()?, path, access: u32::MAX }))
}

/// The connection of a monitor's library with its own node.
fn own_session() -> Result<Arc<Session>, u32> {
    static OWN: Mutex<Option<Arc<Session>>> = Mutex::new(None);
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(session) = &*own {
        return Ok(Arc::clone(session));
    }
    let session = Arc::new(discovery::open(None)?);
    *own = Some(Arc::clone(&session));
    Ok(session)
}

impl Member {
    /// Handle of an object of the same cluster, with the same rights.
    pub(crate) fn open(&self, id: Id) -> HANDLE {
        insert(Thing::Object(Arc::new(Member { session: Arc::clone(&self.session), id, access: self.access })))
    }

    /// What is known of it now.
    pub(crate) fn look(&self) -> Result<Object, u32> {
        self.look_at(self.id.clone())
    }

    /// What is known of another object.
    pub(crate) fn look_at(&self, id: Id) -> Result<Object, u32> {
        one(self.session.ask(&Ask::Look(id))?)
    }

    /// An object by name or id.
    pub(crate) fn find(&self, kind: Kind, name: String) -> Result<Object, u32> {
        one(self.session.ask(&Ask::Find { kind, name })?)
    }

    /// An order; needs the right to change.
    pub(crate) fn order(&self, order: Order, reason: String) -> Result<Told, u32> {
        self.may_change()?;
        self.session.order(order, reason)
    }

    /// 5 without the right to change.
    pub(crate) fn may_change(&self) -> Result<(), u32> {
        if self.access & CLUSAPI_CHANGE_ACCESS == 0 { Err(ERROR_ACCESS_DENIED) } else { Ok(()) }
    }

    /// Number of a node.
    pub(crate) fn node_number(&self) -> Result<u32, u32> {
        self.id.id.parse().map_err(|_| ERROR_INVALID_HANDLE)
    }
}

/// The object of an answer.
pub(crate) fn one(told: Told) -> Result<Object, u32> {
    match told {
        Told::Object(object) => Ok(*object),
        _ => Err(resapi_sys_mock::codes::win32::RPC_S_CALL_FAILED),
    }
}

/// A node's number from its handle; NULL is none.
pub(crate) fn node_or_none(handle: HANDLE) -> Result<Option<u32>, u32> {
    if handle.is_null() { Ok(None) } else { object(handle, Kind::Node)?.node_number().map(Some) }
}
