//! Notification ports: queues of events, who has registered for what, and the threads that bring the news (reference 08.3).
//!
//! A session with a port has one thread that asks its node for news, again and again, and hands each event to every port that
//! has registered for it. It ends when no port is left. When the node goes away the ports hear CLUSTER_CHANGE_CLUSTER_STATE,
//! when one answers again CLUSTER_CHANGE_CLUSTER_RECONNECT.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use resapi_sys_mock::abi::{HANDLE, INFINITE};
use resapi_sys_mock::codes::win32::{
    ERROR_INVALID_HANDLE, ERROR_MORE_DATA, ERROR_NOT_ENOUGH_MEMORY, RPC_S_CALL_FAILED, WAIT_TIMEOUT,
};
use resapi_sys_mock::rpc::{Ask, Event, Id, MAX_WATCH_MS, News, Told, object_type};

use crate::batch::BatchPort;
use crate::session::Session;
use crate::signal::Signal;

/// How long the thread waits before it looks for a node again.
const RETRY: Duration = Duration::from_millis(500);
/// CLUSTER_CHANGE_HANDLE_CLOSE.
const HANDLE_CLOSE: u32 = 0x8000_0000;
/// CLUSTER_CHANGE_CLUSTER_STATE and CLUSTER_CHANGE_CLUSTER_RECONNECT, and the same for version 2.
const CLUSTER_STATE: (u32, u64) = (0x2000_0000, 2);
const RECONNECT: (u32, u64) = (0x0008_0000, 1);
/// CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2.
const LOST: u64 = 0x200;

/// What a registration listens to.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// Bits of version 1.
    Classic(u32),
    /// An object type with bits of version 2.
    Modern { object_type: u32, flags: u64 },
}

/// Whose events.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Those of all objects of the cluster.
    All,
    /// Those of one object.
    One(Id),
    /// Those of a key; `true`: and of the keys below.
    Key(String, bool),
}

/// One registration of a port.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) session: Arc<Session>,
    /// The handle that was registered.
    pub(crate) handle: usize,
    /// What the program wants to hear with each event.
    pub(crate) key: usize,
    pub(crate) filter: Filter,
    pub(crate) scope: Scope,
}

/// An event in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) key: usize,
    pub(crate) event: Event,
}

/// A notification port.
pub(crate) struct Port {
    inner: Mutex<Inner>,
    arrived: Condvar,
    /// Up while events wait.
    signal: Signal,
}

#[derive(Default)]
struct Inner {
    registrations: Vec<Registration>,
    queue: VecDeque<Waiting>,
    is_closed: bool,
}

/// Every port of the process, so that the threads and the closing of handles find them.
static PORTS: Mutex<Vec<Weak<Port>>> = Mutex::new(Vec::new());
static BATCH_PORTS: Mutex<Vec<Weak<BatchPort>>> = Mutex::new(Vec::new());
/// The sessions that have a thread.
static WATCHED: Mutex<Vec<Weak<Session>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ports() -> Vec<Arc<Port>> {
    let mut ports = lock(&PORTS);
    ports.retain(|port| port.strong_count() > 0);
    ports.iter().filter_map(Weak::upgrade).collect()
}

fn batch_ports() -> Vec<Arc<BatchPort>> {
    let mut ports = lock(&BATCH_PORTS);
    ports.retain(|port| port.strong_count() > 0);
    ports.iter().filter_map(Weak::upgrade).collect()
}

impl Port {
    /// A port without registrations.
    pub(crate) fn new() -> Result<Arc<Port>, u32> {
        let signal = Signal::new().ok_or(ERROR_NOT_ENOUGH_MEMORY)?;
        let port = Arc::new(Port { inner: Mutex::default(), arrived: Condvar::new(), signal });
        lock(&PORTS).push(Arc::downgrade(&port));
        Ok(port)
    }

    /// From now on events of this registration arrive.
    pub(crate) fn register(&self, registration: Registration) -> Result<(), u32> {
        watch(&registration.session)?;
        let mut inner = lock(&self.inner);
        if inner.is_closed {
            return Err(ERROR_INVALID_HANDLE);
        }
        inner.registrations.push(registration);
        Ok(())
    }

    /// What a program can wait for while it waits for other things too.
    pub(crate) fn event_handle(&self) -> HANDLE {
        self.signal.handle()
    }

    /// Takes the next event. `take` may refuse it: then it stays where it is.
    pub(crate) fn next<R>(&self, wait_ms: u32, take: impl FnOnce(&Waiting) -> Result<R, u32>) -> Result<R, u32> {
        let end = (wait_ms != INFINITE).then(|| Instant::now() + Duration::from_millis(u64::from(wait_ms)));
        let mut inner = lock(&self.inner);
        loop {
            if inner.is_closed {
                return Err(ERROR_INVALID_HANDLE);
            }
            if let Some(told) = inner.queue.front() {
                let taken = take(told);
                if !matches!(taken, Err(ERROR_MORE_DATA)) {
                    inner.queue.pop_front();
                    self.unsignal(&inner);
                }
                return taken;
            }
            inner = match end {
                None => self.arrived.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(WAIT_TIMEOUT);
                    }
                    self.arrived.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Whoever waits is released; nothing arrives any more.
    pub(crate) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.is_closed = true;
        inner.registrations.clear();
        self.arrived.notify_all();
        self.raise();
    }

    fn push(&self, inner: &mut Inner, told: Waiting) {
        if inner.queue.is_empty() {
            self.raise();
        }
        inner.queue.push_back(told);
        self.arrived.notify_all();
    }

    fn raise(&self) {
        self.signal.raise();
    }

    fn unsignal(&self, inner: &Inner) {
        if inner.queue.is_empty() {
            self.signal.lower();
        }
    }

    /// An event of a session: each registration that wants it hears it once.
    fn arrive(&self, session: &Arc<Session>, event: &Event) {
        let mut inner = lock(&self.inner);
        let keys: Vec<(usize, Event)> = inner
            .registrations
            .iter()
            .filter(|registration| Arc::ptr_eq(&registration.session, session))
            .filter_map(|registration| Some((registration.key, registration.wanted(event)?)))
            .collect();
        for (key, event) in keys {
            self.push(&mut inner, Waiting { key, event });
        }
    }

    /// A handle is gone: those who registered for it hear it, and nothing more.
    fn handle_closed(&self, handle: usize) {
        let mut inner = lock(&self.inner);
        let (gone, kept) = inner.registrations.drain(..).partition(|one: &Registration| one.handle == handle);
        inner.registrations = kept;
        let gone: Vec<Registration> = gone;
        for registration in gone {
            let Some(event) = registration.closing() else { continue };
            self.push(&mut inner, Waiting { key: registration.key, event });
        }
    }
}

impl Registration {
    /// The event as this registration hears it; `None` when it does not want it.
    fn wanted(&self, event: &Event) -> Option<Event> {
        let name = match &self.scope {
            Scope::All => event.name.clone(),
            Scope::One(id) if is_about(event, id) => event.name.clone(),
            Scope::Key(path, with_subtree) if event.object_type == object_type::REGISTRY => {
                let relative = relative(path, &event.id)?;
                // Of the keys below only the direct ones coming and going count without the subtree bit.
                let depth = if relative.is_empty() { 0 } else { relative.split('\\').count() };
                let reach = usize::from(event.filter == 0x10);
                if depth > reach && !with_subtree {
                    return None;
                }
                relative
            }
            Scope::One(_) | Scope::Key(..) => return None,
        };
        let mut heard = Event { name, ..event.clone() };
        match self.filter {
            Filter::Classic(bits) => {
                const REGISTRY_KINDS: u32 = 0x70;
                const SUBTREE: u32 = 0x80;
                if event.object_type == object_type::REGISTRY && bits & REGISTRY_KINDS == 0 && bits & SUBTREE != 0 {
                    heard.filter = SUBTREE;
                    return Some(heard);
                }
                (event.filter != 0 && bits & event.filter != 0).then_some(heard)
            }
            Filter::Modern { object_type, flags } => {
                let is_wanted = object_type == event.object_type && flags & event.flags != 0;
                (is_wanted && event.flags != 0).then_some(heard)
            }
        }
    }

    /// The event "handle closed", if it was asked for.
    fn closing(&self) -> Option<Event> {
        let nothing = Event {
            object_type: object_type::CLUSTER,
            flags: 0,
            filter: 0,
            id: String::new(),
            parent: String::new(),
            name: String::new(),
            type_name: String::new(),
            buffer: Vec::new(),
        };
        match self.filter {
            Filter::Classic(bits) => (bits & HANDLE_CLOSE != 0).then_some(Event { filter: HANDLE_CLOSE, ..nothing }),
            Filter::Modern { object_type: of, flags } => {
                let bit = match of {
                    object_type::CLUSTER => 8,
                    object_type::GROUP | object_type::RESOURCE => 0x200,
                    object_type::NODE => 0x80,
                    object_type::NETWORK | object_type::NETWORK_INTERFACE | object_type::REGISTRY => 0x10,
                    _ => 0,
                };
                (flags & bit != 0).then_some(Event { object_type: of, flags: bit, ..nothing })
            }
        }
    }
}

/// Is it an event of this object? What belongs to it is told with its id as the parent.
fn is_about(event: &Event, id: &Id) -> bool {
    use resapi_sys_mock::rpc::Kind;
    let number = match id.kind {
        Kind::Cluster => return true,
        Kind::Node => object_type::NODE,
        Kind::Group => object_type::GROUP,
        Kind::Resource => object_type::RESOURCE,
        Kind::ResourceType => object_type::RESOURCE_TYPE,
        Kind::Network => object_type::NETWORK,
        Kind::NetInterface => object_type::NETWORK_INTERFACE,
        Kind::GroupSet => object_type::GROUPSET,
        Kind::AffinityRule => return false,
    };
    event.object_type == number && (event.id == id.id || event.parent == id.id)
}

/// The path of a key below another, without regard to case; `None` when it is elsewhere.
pub(crate) fn relative(base: &str, path: &str) -> Option<String> {
    if base.is_empty() {
        return Some(path.to_owned());
    }
    let head = path.get(..base.len())?;
    let rest = &path[base.len()..];
    let is_below = head.eq_ignore_ascii_case(base) && (rest.is_empty() || rest.starts_with('\\'));
    is_below.then(|| rest.trim_start_matches('\\').to_owned())
}

/// A handle was closed.
pub(crate) fn handle_closed(handle: usize) {
    for port in ports() {
        port.handle_closed(handle);
    }
}

/// From now on the changes below a port's key arrive there.
pub(crate) fn watch_keys(port: &Arc<BatchPort>) -> Result<(), u32> {
    watch(&port.key.session)?;
    lock(&BATCH_PORTS).push(Arc::downgrade(port));
    Ok(())
}

/// Starts the thread of a session, unless it has one. From the return on nothing is missed.
fn watch(session: &Arc<Session>) -> Result<(), u32> {
    let mut watched = lock(&WATCHED);
    watched.retain(|other| other.strong_count() > 0);
    if watched.iter().filter_map(Weak::upgrade).any(|other| Arc::ptr_eq(&other, session)) {
        return Ok(());
    }
    let last = ask(session, None)?.last;
    let session = Arc::clone(session);
    watched.push(Arc::downgrade(&session));
    let named = std::thread::Builder::new().name("clusapi-news".into());
    named.spawn(move || listen(&session, last)).map(drop).map_err(|_| ERROR_NOT_ENOUGH_MEMORY)
}

fn ask(session: &Session, after: Option<u64>) -> Result<News, u32> {
    match session.ask(&Ask::Watch { after, wait_ms: MAX_WATCH_MS })? {
        Told::News(news) => Ok(news),
        _ => Err(RPC_S_CALL_FAILED),
    }
}

/// The life of the thread.
fn listen(session: &Arc<Session>, first: u64) {
    let mut last = Some(first);
    let mut is_away = false;
    while is_wanted(session) {
        match ask(session, last) {
            Ok(news) => {
                if std::mem::take(&mut is_away) {
                    spread(session, &of_cluster(RECONNECT));
                }
                if news.is_lost && last.is_some() {
                    spread(session, &of_cluster((0, LOST)));
                }
                last = Some(news.last);
                for place in news.places {
                    place.events.iter().for_each(|event| spread(session, event));
                    if !place.keys.is_empty() {
                        let mine = |port: &Arc<BatchPort>| Arc::ptr_eq(&port.key.session, session);
                        batch_ports().into_iter().filter(mine).for_each(|port| port.arrive(&place.keys));
                    }
                }
            }
            Err(_) => {
                if !std::mem::replace(&mut is_away, true) {
                    spread(session, &of_cluster(CLUSTER_STATE));
                }
                // Another node counts its news by itself.
                last = None;
                std::thread::sleep(RETRY);
            }
        }
    }
    lock(&WATCHED).retain(|other| !other.upgrade().is_some_and(|other| Arc::ptr_eq(&other, session)));
}

/// Has some port of the session still something to hear?
fn is_wanted(session: &Arc<Session>) -> bool {
    let has = |port: &Arc<Port>| {
        let inner = lock(&port.inner);
        inner.registrations.iter().any(|registration| Arc::ptr_eq(&registration.session, session))
    };
    // The thread is started before the registration is made: a moment of grace.
    if ports().iter().any(has) || batch_ports().iter().any(|port| Arc::ptr_eq(&port.key.session, session)) {
        return true;
    }
    std::thread::sleep(RETRY);
    ports().iter().any(has) || batch_ports().iter().any(|port| Arc::ptr_eq(&port.key.session, session))
}

fn spread(session: &Arc<Session>, event: &Event) {
    for port in ports() {
        port.arrive(session, event);
    }
}

fn of_cluster((filter, flags): (u32, u64)) -> Event {
    Event {
        object_type: object_type::CLUSTER,
        flags,
        filter,
        id: String::new(),
        parent: String::new(),
        name: String::new(),
        type_name: String::new(),
        buffer: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn keys_below_are_found_without_regard_to_case() {
        let check = |base, path, expected: Option<&str>| {
            assert_eq!(relative(base, path).as_deref(), expected, "{path} below {base}");
        };
        check("", "Groups\\a", Some("Groups\\a"));
        check("Groups", "Groups\\a", Some("a"));
        check("groups", "Groups", Some(""));
        check("Groups", "GroupSets\\a", None);
        check("Groups\\a", "Groups", None);
        check("Gé", "G\u{e9}\\b", Some("b"));
    }
}
