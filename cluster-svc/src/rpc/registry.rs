//! The cluster registry for programs: keys and values from the state of this node, changes through the cluster.

use clusreg::{Batch, FileTime, Value, ValueType};
use cluster_engine::state::{ClusterState, Command};
use cluster_engine::{Refusal, code};
use resapi_sys_mock::rpc::{RegCommand, RegKey, RegValue, Told};

use crate::driver::NodeHandle;

/// A key with its values and the names of its subkeys.
pub(super) fn read_key(state: &ClusterState, path: &str) -> Result<Told, Refusal> {
    let key = state.hive.key(path).ok_or_else(|| no_key(path))?;
    let values = key.values().map(|(name, value)| (name.to_owned(), value_of(value))).collect();
    let subkeys = key.subkeys().map(|sub| (sub.name().to_owned(), ticks(sub.last_write()))).collect();
    Ok(Told::Key(RegKey { values, subkeys, last_write: ticks(key.last_write()) }))
}

/// One value.
pub(super) fn read_value(state: &ClusterState, path: &str, name: &str) -> Result<Told, Refusal> {
    let key = state.hive.key(path).ok_or_else(|| no_key(path))?;
    let value = key.value(name).ok_or_else(|| no_value(path, name))?;
    Ok(Told::Value(value_of(value)))
}

/// Several values of one moment.
pub(super) fn read_many(state: &ClusterState, wanted: &[(String, Option<String>)]) -> Told {
    let one = |(path, name): &(String, Option<String>)| {
        let key = state.hive.key(path).ok_or(code::FILE_NOT_FOUND)?;
        match name {
            Some(name) => key.value(name).map(|value| Some(value_of(value))).ok_or(code::FILE_NOT_FOUND),
            None => Ok(None),
        }
    };
    Told::Values(wanted.iter().map(one).collect())
}

fn ticks(time: FileTime) -> u64 {
    time.0
}

pub(super) fn value_of(value: &Value) -> RegValue {
    RegValue { kind: value.kind.0, bytes: value.data.clone() }
}

/// Changes, all or none. Which command failed is told by number (reference 06.4).
pub(super) async fn change(node: &NodeHandle, base: String, commands: Vec<RegCommand>) -> Result<Told, Refusal> {
    let mut batch = Batch::at(base);
    for (index, command) in commands.into_iter().enumerate() {
        match translate(command) {
            Some(command) => batch = batch.command(command),
            None => {
                let failed = i32::try_from(index).unwrap_or(-1);
                return Ok(Told::Unchanged { failed, code: code::INVALID_PARAMETER });
            }
        }
    }
    // What a single delete of something missing answers is known before anybody has to agree on it.
    let asked = batch.clone();
    let missing = node.read(move |engine, _| missing_target(engine.state(), &asked)).await?;
    if let Some((failed, code)) = missing {
        return Ok(Told::Unchanged { failed, code });
    }
    match node.submit(Command::Registry { batch }).await {
        Ok(_) => Ok(Told::Done),
        Err(refusal) => {
            let fact = refusal.facts.iter().find(|(name, _)| name == "FailedCommand");
            match fact.and_then(|(_, index)| index.parse().ok()) {
                Some(failed) => Ok(Told::Unchanged { failed, code: refusal.code }),
                None => Err(refusal),
            }
        }
    }
}

/// DELETE_VALUE of a batch does not mind a missing value; ClusterRegDeleteValue, which is one command alone, does.
fn missing_target(state: &ClusterState, batch: &Batch) -> Option<(i32, u32)> {
    let [clusreg::Command::DeleteValue { name }] = batch.commands.as_slice() else { return None };
    let is_there = state.hive.value(&batch.base, name).is_some();
    (!is_there).then_some((0, code::FILE_NOT_FOUND))
}

fn translate(command: RegCommand) -> Option<clusreg::Command> {
    let RegCommand { command, name, value } = command;
    let value = Value { kind: ValueType(value.kind), data: value.bytes };
    Some(match command {
        1 => clusreg::Command::SetValue { name, value },
        2 => clusreg::Command::CreateKey { path: name },
        3 => clusreg::Command::DeleteTree { path: name },
        RegCommand::DELETE_ONE_KEY => clusreg::Command::DeleteKey { path: name },
        4 => clusreg::Command::DeleteValue { name },
        11 => clusreg::Command::ValueExists { name },
        12 => clusreg::Command::ValueNotExists { name },
        13 => clusreg::Command::ValueEqual { name, value },
        14 => clusreg::Command::ValueNotEqual { name, value },
        15 => clusreg::Command::ValueGreater { name, value },
        16 => clusreg::Command::ValueLess { name, value },
        17 => clusreg::Command::KeyExists { path: name },
        18 => clusreg::Command::KeyNotExists { path: name },
        _ => return None,
    })
}

fn no_key(path: &str) -> Refusal {
    Refusal::new(code::FILE_NOT_FOUND, format!("The cluster registry has no key '{path}'.")).fact("Path", path)
}

fn no_value(path: &str, name: &str) -> Refusal {
    Refusal::new(code::FILE_NOT_FOUND, format!("The key '{path}' has no value '{name}'.")).fact("Value", name)
}
