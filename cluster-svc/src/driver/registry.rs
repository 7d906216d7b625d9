//! Calls of resource libraries on the cluster registry: reads from the state of this node, writes through the cluster.

use clusreg::{Batch, Hive, Value, ValueType};
use cluster_engine::Refusal;
use cluster_engine::state::{Answer, Command};
use resmon::protocol::{self, RegistryAnswer, RegistryCall};

/// ERROR_FILE_NOT_FOUND: no such key or value.
const NOT_FOUND: u32 = 2;

/// What becomes of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Work {
    /// It is answered at once.
    Answer(Result<RegistryAnswer, protocol::Refusal>),
    /// It changes the registry: submit the command, then answer with [`written`].
    Write {
        /// What to submit.
        command: Command,
        /// The key that it makes did not exist.
        created: bool,
    },
}

/// Looks at a call against the present state.
pub(crate) fn work(hive: &Hive, call: RegistryCall) -> Work {
    match call {
        RegistryCall::Open { path } => Work::Answer(match hive.key(&path) {
            Some(_) => Ok(RegistryAnswer::Done { created: false }),
            None => Err(no_key(&path)),
        }),
        RegistryCall::Create { path } => match hive.key(&path) {
            Some(_) => Work::Answer(Ok(RegistryAnswer::Done { created: false })),
            None => write(Batch::at("").create_key(path), true),
        },
        RegistryCall::Query { path, name } => Work::Answer(match (hive.key(&path), hive.value(&path, &name)) {
            (Some(_), Some(value)) => Ok(RegistryAnswer::Value { kind: value.kind.0, bytes: value.data.clone() }),
            (Some(_), None) => Err(no_value(&path, &name)),
            (None, _) => Err(no_key(&path)),
        }),
        RegistryCall::Set { path, name, kind, bytes } => {
            write(Batch::at(path).set_value(name, Value { kind: ValueType(kind), data: bytes }), false)
        }
        RegistryCall::Delete { path, name } => match (hive.key(&path), hive.value(&path, &name)) {
            (Some(_), Some(_)) => write(Batch::at(path).delete_value(name), false),
            (Some(_), None) => Work::Answer(Err(no_value(&path, &name))),
            (None, _) => Work::Answer(Err(no_key(&path))),
        },
        RegistryCall::DeleteKey { path } => write(Batch::at("").delete_key(path), false),
        RegistryCall::List { path } => Work::Answer(match hive.key(&path) {
            Some(key) => Ok(RegistryAnswer::Listing {
                values: key.values().map(|(name, value)| (name.to_owned(), value.kind.0, value.data.clone())).collect(),
                subkeys: key.subkeys().map(|sub| sub.name().to_owned()).collect(),
            }),
            None => Err(no_key(&path)),
        }),
    }
}

/// The answer to a call that was submitted.
pub(super) fn written(result: Result<Answer, Refusal>, created: bool) -> Result<RegistryAnswer, protocol::Refusal> {
    match result {
        Ok(Answer::Done | Answer::Pending | Answer::Node { .. }) => Ok(RegistryAnswer::Done { created }),
        Err(refusal) => Err(protocol::Refusal { code: refusal.code, message: refusal.message }),
    }
}

fn write(batch: Batch, created: bool) -> Work {
    Work::Write { command: Command::Registry { batch }, created }
}

fn no_key(path: &str) -> protocol::Refusal {
    protocol::Refusal { code: NOT_FOUND, message: format!("the cluster registry has no key {path:?}; create it first") }
}

fn no_value(path: &str, name: &str) -> protocol::Refusal {
    protocol::Refusal { code: NOT_FOUND, message: format!("the key {path:?} has no value {name:?}; set it first") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clusreg::FileTime;

    fn hive() -> Hive {
        let mut hive = Hive::new();
        let batch = Batch::at("").create_key("Resources\\a\\Parameters").set_value("Port", Value::dword(7));
        hive.apply(&batch, FileTime(1)).expect("a good batch");
        hive
    }

    #[test]
    fn reads_are_answered_and_writes_become_commands() {
        let path = || "Resources\\a\\Parameters".to_owned();
        let missing = || "Resources\\b".to_owned();
        let answer = |answer| Work::Answer(Ok(answer));
        let refused = |call: RegistryCall| match work(&hive(), call) {
            Work::Answer(Err(refusal)) => assert_eq!(refusal.code, NOT_FOUND, "{}", refusal.message),
            other => panic!("{other:?}"),
        };
        let check = |call: RegistryCall, expected: Work| assert_eq!(work(&hive(), call), expected);
        check(RegistryCall::Open { path: path() }, answer(RegistryAnswer::Done { created: false }));
        check(RegistryCall::Create { path: path() }, answer(RegistryAnswer::Done { created: false }));
        check(RegistryCall::Create { path: missing() }, write(Batch::at("").create_key(missing()), true));
        check(
            RegistryCall::Query { path: path(), name: "PORT".into() },
            answer(RegistryAnswer::Value { kind: 4, bytes: vec![7, 0, 0, 0] }),
        );
        check(
            RegistryCall::Set { path: path(), name: "x".into(), kind: 4, bytes: vec![1, 0, 0, 0] },
            write(Batch::at(path()).set_value("x", Value::dword(1)), false),
        );
        check(
            RegistryCall::Delete { path: path(), name: "port".into() },
            write(Batch::at(path()).delete_value("port"), false),
        );
        check(RegistryCall::DeleteKey { path: path() }, write(Batch::at("").delete_key(path()), false));
        check(
            RegistryCall::List { path: "Resources\\a".into() },
            answer(RegistryAnswer::Listing { values: vec![], subkeys: vec!["Parameters".into()] }),
        );
        refused(RegistryCall::Open { path: missing() });
        refused(RegistryCall::Query { path: missing(), name: "x".into() });
        refused(RegistryCall::Query { path: path(), name: "x".into() });
        refused(RegistryCall::Delete { path: path(), name: "x".into() });
        refused(RegistryCall::List { path: missing() });
    }
}
