//! The promise `one_host`, with real processes: no resource is online on two nodes.
//!
//! A stand-in holds a lock while it is online, which ends with its process; whoever looks at two locks at a time sees
//! what no node can see. A frozen node does nothing, although its processes hold their locks until the lab takes them
//! away, as a dead machine's would be; so it does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stand_in::manner;

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    pub(super) nodes: Vec<String>,
    /// The folders of the resources.
    pub(super) resources: BTreeMap<String, PathBuf>,
    /// Nodes that are frozen.
    pub(super) frozen: BTreeSet<String>,
    /// The first time that the promise was broken.
    pub(super) broken: Option<String>,
}

/// Watches until the runtime ends.
pub(super) async fn run(hosts: Arc<Mutex<Hosts>>) {
    loop {
        look(&mut hosts.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn look(hosts: &mut Hosts) {
    if hosts.broken.is_some() {
        return;
    }
    let awake = || hosts.nodes.iter().filter(|node| !hosts.frozen.contains(*node));
    let broken = hosts.resources.iter().find_map(|(name, folder)| {
        let on: Vec<&str> =
            awake().filter(|node| manner::runs_on(folder, node).unwrap_or(false)).map(String::as_str).collect();
        (on.len() > 1).then(|| format!("'{name}' runs on {}", on.join(" and ")))
    });
    hosts.broken = broken;
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn two_locks_break_the_promise() {
        let folder = std::env::temp_dir().join(format!("wolfden-watch-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut hosts = Hosts {
            nodes: vec!["n1".into(), "n2".into()],
            resources: BTreeMap::from([("App".to_owned(), folder.clone())]),
            ..Hosts::default()
        };
        let lock = |node: &str| {
            let file = File::create(manner::runs_file(&folder, node)).expect("a file");
            file.lock_shared().expect("a lock");
            file
        };
        let _first = lock("n1");
        look(&mut hosts);
        assert_eq!(hosts.broken, None);
        let _second = lock("n2");
        hosts.frozen.insert("n1".into());
        look(&mut hosts);
        assert_eq!(hosts.broken, None, "who is frozen does nothing");
        hosts.frozen.clear();
        look(&mut hosts);
        assert_eq!(hosts.broken.as_deref(), Some("'App' runs on n1 and n2"));
        std::fs::remove_dir_all(&folder).expect("it was there");
    }
}
