//! News for notification ports: what differs between two looks at the cluster (reference 08.3).
//!
//! While somebody listens, one task of the node looks at the cluster each time something has changed, compares it with the
//! look before, and puts each difference into a row with numbers. Programs ask for what came after the number they heard
//! last; a program that comes back too late hears that something was lost. Changes that follow each other faster than the
//! looks are told as one: a program always hears the last state, not every one in between.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clusreg::{Hive, Key};
use cluster_engine::state::ClusterState;
use resapi_sys_mock::rpc::{
    Event, KeyChange, Kind, MAX_WATCH_MS, News, Object, Place, RegCommand, RegValue, object_type,
};
use tokio::sync::watch;

use super::objects;
use super::registry::value_of;
use crate::driver::NodeHandle;

/// How many places are remembered for programs that are slow to ask.
const REMEMBERED: usize = 4096;
/// How long the task goes on looking after the last program has asked.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// The row of news of one node.
pub(super) struct Newsroom {
    node: NodeHandle,
    shelf: Mutex<Shelf>,
    /// The number of the newest place.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Shelf {
    places: VecDeque<(u64, Place)>,
    newest: u64,
    is_watching: bool,
    asked_at: Option<tokio::time::Instant>,
}

impl Newsroom {
    pub(super) fn new(node: NodeHandle) -> Arc<Newsroom> {
        Arc::new(Newsroom { node, shelf: Mutex::default(), newest: watch::channel(0).0 })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The news after `after`, as soon as there are any, or none when the time is over. `None` answers at once with where
    /// the news begin.
    pub(super) async fn watch(self: &Arc<Self>, after: Option<u64>, wait_ms: u32) -> News {
        let was_watching = self.begin().await;
        let after = after.filter(|_| was_watching);
        let Some(after) = after else {
            return News { last: self.shelf().newest, is_lost: !was_watching, places: Vec::new() };
        };
        let mut newest = self.newest.subscribe();
        let wait = Duration::from_millis(u64::from(wait_ms.min(MAX_WATCH_MS)));
        // Over time or for good: whatever there is then is the answer.
        let _ = tokio::time::timeout(wait, newest.wait_for(|newest| *newest > after)).await;
        let shelf = self.shelf();
        let oldest = shelf.places.front().map_or(shelf.newest + 1, |(number, _)| *number);
        let is_lost = after > shelf.newest || after + 1 < oldest;
        let places = shelf.places.iter().filter(|(number, _)| *number > after).map(|(_, place)| place.clone());
        News { last: shelf.newest, is_lost, places: places.collect() }
    }

    /// Starts looking, unless it is done already; `false` when it was not.
    async fn begin(self: &Arc<Self>) -> bool {
        {
            let mut shelf = self.shelf();
            shelf.asked_at = Some(tokio::time::Instant::now());
            if shelf.is_watching {
                return true;
            }
            shelf.is_watching = true;
            shelf.places.clear();
        }
        let changed = self.node.changed();
        let first = self.node.read(|engine, _| Picture::of(engine.state())).await;
        match first {
            Ok(first) => drop(tokio::spawn(Arc::clone(self).look(first, changed))),
            Err(_) => self.shelf().is_watching = false,
        }
        false
    }

    async fn look(self: Arc<Self>, mut before: Picture, mut changed: watch::Receiver<u64>) {
        loop {
            let heard = tokio::time::timeout(IDLE_LIMIT, changed.changed()).await;
            if heard.is_ok_and(|heard| heard.is_err()) || self.nobody_asks() {
                return;
            }
            let Ok(after) = self.node.read(|engine, _| Picture::of(engine.state())).await else {
                self.shelf().is_watching = false;
                return;
            };
            let place = before.compare(&after);
            before = after;
            if place.events.is_empty() && place.keys.is_empty() {
                continue;
            }
            let newest = {
                let mut shelf = self.shelf();
                shelf.newest += 1;
                let newest = shelf.newest;
                shelf.places.push_back((newest, place));
                if shelf.places.len() > REMEMBERED {
                    shelf.places.pop_front();
                }
                newest
            };
            self.newest.send_replace(newest);
        }
    }

    /// Ends the looking when nobody has asked for long.
    fn nobody_asks(&self) -> bool {
        let mut shelf = self.shelf();
        let is_idle = shelf.asked_at.is_none_or(|at| at.elapsed() > IDLE_LIMIT);
        shelf.is_watching = !is_idle;
        is_idle
    }
}

/// One look at the cluster.
struct Picture {
    objects: BTreeMap<(Kind, String), Seen>,
    cluster_name: String,
    quorum: (String, String, u32),
    hive: Hive,
}

/// What of an object can change.
#[derive(PartialEq)]
struct Seen {
    object: Object,
    /// Preferred or possible owners, what it depends on.
    owners: Vec<u32>,
    providers: Vec<String>,
}

impl Picture {
    fn of(state: &ClusterState) -> Picture {
        let kinds = [
            Kind::Node,
            Kind::Group,
            Kind::Resource,
            Kind::ResourceType,
            Kind::Network,
            Kind::NetInterface,
            Kind::GroupSet,
        ];
        let all = kinds.into_iter().flat_map(|kind| objects::list(state, kind));
        let seen = all.map(|object| {
            let (owners, providers) = neighbours(state, &object);
            ((object.id.kind, object.id.id.clone()), Seen { object, owners, providers })
        });
        let quorum = match objects::quorum(state) {
            resapi_sys_mock::rpc::Told::Quorum { resource, device, size } => (resource, device, size),
            _ => Default::default(),
        };
        Picture {
            objects: seen.collect(),
            cluster_name: state.config.name.clone(),
            quorum,
            // A copy of the registry costs nothing: it shares everything with the original.
            hive: state.hive.clone(),
        }
    }

    /// What is different in `after`.
    fn compare(&self, after: &Picture) -> Place {
        let mut events = Vec::new();
        for (id, seen) in &after.objects {
            match self.objects.get(id) {
                None => events.extend(added(seen)),
                Some(before) => events.extend(altered(before, seen, &self.hive, &after.hive)),
            }
        }
        let gone = self.objects.iter().filter(|(id, _)| !after.objects.contains_key(*id));
        events.extend(gone.flat_map(|(_, seen)| deleted(seen)));
        let cluster = |flags, filter| Event {
            object_type: object_type::CLUSTER,
            flags,
            filter,
            id: String::new(),
            parent: String::new(),
            name: after.cluster_name.clone(),
            type_name: String::new(),
            buffer: Vec::new(),
        };
        if self.cluster_name != after.cluster_name {
            events.push(cluster(0x400, 0x4000_0000));
        } else if own_values_differ(&self.hive, &after.hive, "") {
            events.push(cluster(0x80, 0x4000_0000));
        }
        if own_values_differ(&self.hive, &after.hive, "Parameters") {
            events.push(cluster(0x100, 0x4000_0000));
        }
        if self.quorum != after.quorum {
            events.push(Event { object_type: object_type::QUORUM, ..cluster(1, 0x1000_0000) });
        }
        let mut keys = Vec::new();
        compare_keys(self.hive.key(""), after.hive.key(""), "", &mut keys);
        events.extend(keys.iter().flat_map(registry_events));
        Place { events, keys }
    }
}

fn neighbours(state: &ClusterState, object: &Object) -> (Vec<u32>, Vec<String>) {
    match object.id.kind {
        Kind::Group => {
            let group = objects::group(state, &object.id.id);
            (group.map(|group| group.config.preferred.iter().map(|id| id.0).collect()).unwrap_or_default(), Vec::new())
        }
        Kind::Resource => match objects::resource(state, &object.id.id) {
            Ok(resource) => (
                resource.config.possible.iter().flatten().map(|id| id.0).collect(),
                resource.config.dependencies.providers().map(|id| id.to_string()).collect(),
            ),
            Err(_) => Default::default(),
        },
        Kind::Cluster
        | Kind::Node
        | Kind::ResourceType
        | Kind::Network
        | Kind::NetInterface
        | Kind::GroupSet
        | Kind::AffinityRule => Default::default(),
    }
}

/// `CLUSTER_OBJECT_TYPE`, then the V1 bits for state, deleted, added and property.
fn filters(kind: Kind) -> (u32, [u32; 4]) {
    match kind {
        Kind::Node => (object_type::NODE, [0x1, 0x2, 0x4, 0x8]),
        Kind::Resource => (object_type::RESOURCE, [0x100, 0x200, 0x400, 0x800]),
        Kind::Group => (object_type::GROUP, [0x1000, 0x2000, 0x4000, 0x8000]),
        Kind::ResourceType => (object_type::RESOURCE_TYPE, [0, 0x1_0000, 0x2_0000, 0x4_0000]),
        Kind::Network => (object_type::NETWORK, [0x10_0000, 0x20_0000, 0x40_0000, 0x80_0000]),
        Kind::NetInterface => (object_type::NETWORK_INTERFACE, [0x100_0000, 0x200_0000, 0x400_0000, 0x800_0000]),
        Kind::GroupSet => (object_type::GROUPSET, [0, 0, 0, 0]),
        Kind::Cluster | Kind::AffinityRule => (object_type::CLUSTER, [0, 0, 0, 0]),
    }
}

/// V2 bits of a kind: state, deleted, common property, private property (reference 08.3).
fn bits(kind: Kind) -> [u64; 4] {
    match kind {
        Kind::Node => [0x10, 2, 4, 8],
        Kind::Group => [8, 1, 2, 4],
        Kind::Resource => [4, 0x80, 1, 2],
        Kind::ResourceType => [0, 1, 2, 4],
        Kind::Network | Kind::NetInterface => [8, 1, 2, 4],
        Kind::GroupSet => [8, 1, 2, 4],
        Kind::Cluster | Kind::AffinityRule => [0, 0, 0, 0],
    }
}

fn event(seen: &Seen, flags: u64, filter: u32, buffer: Vec<u8>) -> Event {
    let object = &seen.object;
    Event {
        object_type: filters(object.id.kind).0,
        flags,
        filter,
        id: object.id.id.clone(),
        parent: object.parent.clone(),
        name: object.name.clone(),
        type_name: object.type_name.clone(),
        buffer,
    }
}

/// A new object: V1 knows a bit for each kind, V2 tells it of the object that it belongs to.
fn added(seen: &Seen) -> Vec<Event> {
    let [_, _, filter, _] = filters(seen.object.id.kind).1;
    let cluster = |flags| Event { object_type: object_type::CLUSTER, ..event(seen, flags, filter, Vec::new()) };
    let other = |object_type, flags| Event { object_type, ..event(seen, flags, filter, Vec::new()) };
    match seen.object.id.kind {
        Kind::Group => vec![cluster(4)],
        Kind::Network => vec![cluster(0x10)],
        Kind::Node => vec![cluster(0x20)],
        Kind::ResourceType => vec![cluster(0x40)],
        Kind::Resource => vec![other(object_type::GROUP, 0x40)],
        Kind::NetInterface => vec![other(object_type::NODE, 1)],
        Kind::Cluster | Kind::GroupSet | Kind::AffinityRule => Vec::new(),
    }
}

fn deleted(seen: &Seen) -> Vec<Event> {
    let kind = seen.object.id.kind;
    let [_, filter, _, _] = filters(kind).1;
    vec![event(seen, bits(kind)[1], filter, Vec::new())]
}

fn altered(before: &Seen, after: &Seen, old: &Hive, new: &Hive) -> Vec<Event> {
    let kind = after.object.id.kind;
    let [of_state, _, common, private] = bits(kind);
    let [state, _, _, property] = filters(kind).1;
    let mut events = Vec::new();
    let mut tell = |flags: u64, filter: u32, buffer: Vec<u8>| {
        if flags != 0 || filter != 0 {
            events.push(event(after, flags, filter, buffer));
        }
    };
    let number = after.object.state.to_le_bytes().to_vec();
    if before.object.state != after.object.state {
        tell(of_state, state, number.clone());
        let is_final = matches!(after.object.state, 2..=4);
        if kind == Kind::Resource && is_final {
            tell(0x400, 0, number.clone());
        }
    }
    if kind == Kind::Group && before.object.parent != after.object.parent {
        // V1 tells a new owner as a change of state.
        tell(0x10, state, wide_state(after));
    }
    if kind == Kind::Resource && before.object.parent != after.object.parent {
        tell(8, property, Vec::new());
    }
    if before.owners != after.owners {
        tell(if kind == Kind::Group { 0x20 } else { 0x40 }, property, Vec::new());
    }
    if before.providers != after.providers {
        tell(0x10, property, Vec::new());
    }
    let key = &after.object.key;
    if before.object.name != after.object.name || own_values_differ(old, new, key) {
        tell(common, property, Vec::new());
    }
    if own_values_differ(old, new, &format!("{key}\\Parameters")) {
        tell(private, property, Vec::new());
    }
    events
}

/// The new owner's name, for CLUSTER_CHANGE_GROUP_OWNER_NODE.
fn wide_state(seen: &Seen) -> Vec<u8> {
    resapi_sys_mock::wide::bytes(&seen.object.owner)
}

/// Do the values of a key differ, its subkeys left out?
fn own_values_differ(old: &Hive, new: &Hive, path: &str) -> bool {
    match (old.key(path), new.key(path)) {
        (Some(old), Some(new)) => old.last_write() != new.last_write() && !old.values().eq(new.values()),
        (None, Some(new)) => new.values().next().is_some(),
        (Some(old), None) => old.values().next().is_some(),
        (None, None) => false,
    }
}

/// Lists what changed in a tree, parents first.
fn compare_keys(old: Option<Key<'_>>, new: Option<Key<'_>>, path: &str, changes: &mut Vec<KeyChange>) {
    let mut commands = Vec::new();
    let command = |command, name: &str, value| RegCommand { command, name: name.to_owned(), value };
    let nothing = || RegValue { kind: 0, bytes: Vec::new() };
    match (&old, &new) {
        (None, Some(_)) => commands.push(command(2, "", nothing())),
        (Some(_), None) => {
            changes.push(KeyChange { path: path.to_owned(), commands: vec![command(3, "", nothing())] });
            return;
        }
        (None, None) => return,
        (Some(_), Some(_)) => {}
    }
    let Some(now) = new else { return };
    for (name, value) in now.values() {
        if old.as_ref().and_then(|old| old.value(name)) != Some(value) {
            commands.push(command(1, name, value_of(value)));
        }
    }
    for (name, _) in old.iter().flat_map(|old| old.values()) {
        if now.value(name).is_none() {
            commands.push(command(4, name, nothing()));
        }
    }
    if !commands.is_empty() {
        changes.push(KeyChange { path: path.to_owned(), commands });
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}\\{name}") };
    for sub in now.subkeys() {
        let (before, path) = (old.as_ref().and_then(|old| old.key(sub.name())), below(sub.name()));
        compare_keys(before, Some(sub), &path, changes);
    }
    for sub in old.iter().flat_map(|old| old.subkeys()) {
        if now.key(sub.name()).is_none() {
            let path = below(sub.name());
            compare_keys(Some(sub), None, &path, changes);
        }
    }
}

/// A key change in the words of notification ports: name or value.
fn registry_events(change: &KeyChange) -> Vec<Event> {
    let told = |flags, filter| Event {
        object_type: object_type::REGISTRY,
        flags,
        filter,
        id: change.path.clone(),
        parent: String::new(),
        name: change.path.clone(),
        type_name: String::new(),
        buffer: Vec::new(),
    };
    let has = |numbers: &[u32]| change.commands.iter().any(|command| numbers.contains(&command.command));
    let mut events = Vec::new();
    if has(&[2, 3]) {
        events.push(told(2, 0x10));
    }
    if has(&[1, 4]) {
        events.push(told(8, 0x40));
    }
    events
}
