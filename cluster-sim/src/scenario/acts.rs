//! What a script asks for and does, in the words of the engine and of the simulated world.

use clusreg::{Value, ValueType};
use cluster_engine::NodeId;
use cluster_engine::quorum::{Model, Witness};
use cluster_engine::state::property::{self, Kind};
use cluster_engine::state::{Command, Failback, Object};

use super::script::{Call, Fault, GoingHome, Manner, QuorumChoice, Request, ServiceFault};
use super::simulated::Simulated;

impl Simulated {
    /// What is asked for, with ids in place of names.
    pub(super) fn command(&mut self, what: &Request) -> Result<Command, String> {
        Ok(match what {
            Request::Online { name, on } => match self.find_group(name) {
                Ok(group) => {
                    let node = on.as_deref().map(|n| self.node(n)).transpose()?;
                    Command::OnlineGroup { group, node }
                }
                Err(_) => Command::OnlineResource { resource: self.find_resource(name)? },
            },
            Request::Offline { name, force } => match self.find_group(name) {
                Ok(group) => Command::OfflineGroup { group },
                Err(_) => Command::OfflineResource { resource: self.find_resource(name)?, force: *force },
            },
            Request::Move { group, to } => {
                let to = to.as_deref().map(|n| self.node(n)).transpose()?;
                Command::MoveGroup { group: self.find_group(group)?, to }
            }
            Request::Fail { resource } => Command::FailResource { resource: self.find_resource(resource)? },
            Request::Delete { name, force } => match self.find_group(name) {
                Ok(group) => Command::DeleteGroup { group, force: *force },
                Err(_) => Command::DeleteResource { resource: self.find_resource(name)? },
            },
            Request::Pause { node, drain, to } => {
                let target = to.as_deref().map(|n| self.node(n)).transpose()?;
                Command::PauseNode { node: self.node(node)?, drain: *drain, target }
            }
            Request::Resume { node, failback } => {
                let failback = match failback {
                    GoingHome::No => Failback::None,
                    GoingHome::AtOnce => Failback::Immediate,
                    GoingHome::ByPolicy => Failback::Policy,
                };
                Command::ResumeNode { node: self.node(node)?, failback }
            }
            Request::Evict { node } => Command::EvictNode { node: self.node(node)? },
            Request::Set { of, values } => {
                let object = match of {
                    None => Object::Cluster,
                    Some(name) => match (self.find_group(name), self.find_resource(name)) {
                        (Ok(group), _) => Object::Group(group),
                        (_, Ok(resource)) => Object::Resource(resource),
                        (Err(_), Err(_)) => Object::Node(self.node(name)?),
                    },
                };
                let values = typed(kind_of(&object), values);
                Command::SetProperties { object, values }
            }
            Request::Quorum(choice) => {
                let (resource, size) = match choice {
                    QuorumChoice::NodeMajority => (None, Model::NodeMajority.size()),
                    QuorumChoice::NodeAnd(name) => (Some(name), Model::NodeAndDiskMajority.size()),
                    QuorumChoice::DiskOnly(name) => (Some(name), Model::DiskOnly.size()),
                };
                let resource = resource.map(|name| self.find_resource(name)).transpose()?;
                // What a client of a real cluster asks the resource for.
                let kind = resource.and_then(|id| self.world.as_ref()?.devices.get(&id)).map(|device| device.kind);
                let kind = kind.unwrap_or(Witness::Disk);
                Command::SetQuorum { resource, kind, size, path: String::new() }
            }
        })
    }

    /// Does it to the world.
    pub(super) fn carry_out(&mut self, fault: &Fault) -> Result<(), String> {
        match fault {
            Fault::Service { what, nodes } => {
                for name in nodes {
                    self.service(*what, name)?;
                }
            }
            Fault::Wire { a, b, one_way, cut } => {
                let (a, b) = (self.node(a)?, self.node(b)?);
                let world = self.world()?;
                match (one_way, cut) {
                    (false, cut) => world.cut(a, b, *cut),
                    (true, true) => {
                        world.cuts.insert((a, b));
                    }
                    (true, false) => {
                        world.cuts.remove(&(a, b));
                    }
                }
            }
            Fault::MendAll => self.world()?.cuts.clear(),
            Fault::Partition { sides } => {
                let side_of: Vec<(NodeId, usize)> = (sides.iter().enumerate())
                    .flat_map(|(side, names)| names.iter().map(move |name| (name, side)))
                    .map(|(name, side)| Ok((self.node(name)?, side)))
                    .collect::<Result<_, String>>()?;
                let world = self.world()?;
                for (a, side_a) in &side_of {
                    for (b, side_b) in side_of.iter().filter(|(b, _)| a < b) {
                        world.cut(*a, *b, side_a != side_b);
                    }
                }
            }
            Fault::Storage { nodes, cut } => {
                for name in nodes {
                    let node = self.node(name)?;
                    self.world()?.cut_storage(node, *cut);
                }
            }
            Fault::Heal => {
                let world = self.world()?;
                world.cuts.clear();
                let all: Vec<NodeId> = world.machines.keys().copied().collect();
                all.into_iter().for_each(|node| world.cut_storage(node, false));
            }
            Fault::Fail(name) => {
                let resource = self.find_resource(name)?;
                if !self.world()?.fail_resource(resource) {
                    return Err(format!("'{name}' does not run anywhere, so it cannot fail"));
                }
            }
            Fault::Behave { resource, manner } => {
                let id = self.find_resource(resource)?;
                let world = self.world()?;
                let ordinary = world.ordinary;
                let behaviour = world.behaviours.entry(id).or_insert(ordinary);
                match *manner {
                    Manner::Fails(Call::Online, times) => behaviour.fail_online = times,
                    Manner::Fails(Call::Offline, times) => behaviour.fail_offline = times,
                    Manner::Hangs(Call::Online) => behaviour.hang_online = true,
                    Manner::Hangs(Call::Offline) => behaviour.hang_offline = true,
                    Manner::Takes(Call::Online, span) => behaviour.online_ms = span.0,
                    Manner::Takes(Call::Offline, span) => behaviour.offline_ms = span.0,
                    Manner::CannotOpen => behaviour.fail_open = true,
                    Manner::Works => *behaviour = ordinary,
                }
            }
        }
        Ok(())
    }
}

impl Simulated {
    fn service(&mut self, what: ServiceFault, name: &str) -> Result<(), String> {
        let node = self.node(name)?;
        let world = self.world()?;
        let runs = world.machines.get(&node).is_some_and(|m| m.engine.is_some());
        match what {
            ServiceFault::Kill => world.kill(node),
            ServiceFault::Freeze => world.freeze(node),
            ServiceFault::Thaw => world.thaw(node),
            ServiceFault::Start => world.start(node),
            ServiceFault::Stop => world.stop(node),
            ServiceFault::Force | ServiceFault::Prevent if runs => {
                return Err(format!("the service of {name} runs; kill or stop it first"));
            }
            ServiceFault::Force => world.force_start(node),
            ServiceFault::Prevent => world.prevent_start(node),
        }
        Ok(())
    }
}

/// Of which kind an object is.
pub(super) fn kind_of(object: &Object) -> Kind {
    match object {
        Object::Cluster => Kind::Cluster,
        Object::Node(_) => Kind::Node,
        Object::Group(_) => Kind::Group,
        Object::Resource(_) => Kind::Resource,
        Object::ResourceType(_) => Kind::ResourceType,
    }
}

/// Values as the properties want them; of an unknown property the engine will say so.
pub(super) fn typed(kind: Kind, values: &[(String, String)]) -> Vec<(String, Option<Value>)> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let value = |name: &str, text: &str| {
        let wanted = property::find(kind, name).map(|p| p.kind);
        match (wanted, number(text)) {
            (Some(ValueType::MULTI_SZ), _) => Value::multi_sz(text.split(',').map(str::to_owned)),
            (Some(ValueType::QWORD), Some(number)) => Value::qword(number),
            (Some(ValueType::SZ), _) => Value::sz(text),
            (_, Some(number)) => u32::try_from(number).map_or_else(|_| Value::qword(number), Value::dword),
            (_, None) => Value::sz(text),
        }
    };
    values.iter().map(|(name, text)| (name.clone(), Some(value(name, text)))).collect()
}
