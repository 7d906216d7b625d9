//! Starting over: a node whose past was forced out (event 5396) becomes a member again without anybody's help.
//!
//! The process replaces itself by a new one of the same program, with `--rejoin`: it keeps its number, its parent and its
//! outputs, so whoever watches it sees one service that goes on, and nothing of the former life is left in it. The new one
//! asks the nodes of the new line of descent until one of them takes it in, and only then gives its old store up.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use crate::driver::Link;
use crate::driver::identity::Identity;
use crate::driver::join;
use crate::driver::log::LogWriter;
use crate::driver::node::Rejoin;
use crate::driver::own_executable;
use crate::driver::wire::Membership;

use super::{ReadyLine, RunOptions};

/// The pause after all sponsors refused for good: an administrator may have changed something by then.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// The options with which the service starts over.
#[derive(Debug)]
pub(super) struct Again {
    options: Vec<OsString>,
}

impl Again {
    /// With the options of this life, apart from how it came to its store, and with the links that are cut by now.
    pub(super) fn new(options: &RunOptions, ready: &ReadyLine, rejoin: &Rejoin) -> Again {
        let api = ready.api.trim_start_matches("http://");
        let mut words: Vec<OsString> = vec!["--node".into(), options.node.clone().into()];
        words.extend(["--dir".into(), options.dir.clone().into()]);
        words.extend(["--listen".into(), ready.peer.clone().into(), "--api".into(), api.into()]);
        if let Some(shared) = &options.shared {
            words.extend(["--shared".into(), shared.clone().into()]);
        }
        if options.parent_pipe {
            words.push("--parent-pipe".into());
        }
        if let Some(token) = &options.lab_token {
            words.extend(["--lab-token".into(), token.into()]);
        }
        for (node, link) in &rejoin.links {
            let way = match link {
                Link { incoming_cut: true, outgoing_cut: true } => "",
                Link { incoming_cut: true, outgoing_cut: false } => ":in",
                Link { incoming_cut: false, outgoing_cut: true } => ":out",
                Link { incoming_cut: false, outgoing_cut: false } => continue,
            };
            words.extend(["--lab-cut".into(), format!("{node}{way}").into()]);
        }
        words.push("--rejoin".into());
        words.extend(rejoin.sponsors.iter().map(OsString::from));
        Again { options: words }
    }

    /// Replaces this process. `before` are the words of its command line before the options. Returns only when that fails;
    /// in words.
    pub(super) fn replace_process(self, before: &[OsString]) -> String {
        let executable = match own_executable() {
            Ok(executable) => executable,
            Err(error) => return format!("the service cannot start over: {error}; start it again"),
        };
        let mut command = Command::new(executable);
        command.args(before.iter().skip(1)).args(self.options);
        format!("the service cannot start over: {}; start it again", command.exec())
    }
}

/// Asks the sponsors until one of them makes this node a member of a newer line of descent. Waits for as long as it takes.
pub(super) async fn rejoin(sponsors: &[String], known: &Identity, address: &str, log: &LogWriter) -> Membership {
    let mut told = String::new();
    loop {
        let trouble = match join::join(sponsors, &known.name, address).await {
            Ok(membership) if membership.lineage > known.lineage => return membership,
            Ok(_) => "the sponsor belongs to the line of descent that was forced out".to_owned(),
            Err(error) => error.to_string(),
        };
        // The same trouble is told once.
        if trouble != told {
            log.warning("NODE", format!("this node could not join again yet: {trouble}"));
            told = trouble;
        }
        tokio::time::sleep(REFUSED_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use cluster_engine::{Lineage, NodeId};

    #[test]
    fn what_was_asked_for_is_asked_for_again() {
        let words = "run --node n1 --dir /d --shared /s --parent-pipe --lab-token t --lab-cut 9 --force-quorum";
        let options = RunOptions::try_parse_from(words.split(' ')).expect("good options");
        let ready = ReadyLine {
            node: "n1".into(),
            id: 1,
            api: "http://127.0.0.1:8".into(),
            peer: "127.0.0.1:9".into(),
            pid: 1,
        };
        let link = |incoming_cut, outgoing_cut| Link { incoming_cut, outgoing_cut };
        let rejoin = Rejoin {
            lineage: Lineage { number: 1, draw: 5 },
            sponsors: vec!["127.0.0.1:2".into(), "127.0.0.1:3".into()],
            links: vec![(NodeId(2), link(true, true)), (NodeId(3), link(true, false)), (NodeId(4), link(false, true))],
        };
        let again = Again::new(&options, &ready, &rejoin);
        let text: Vec<String> = again.options.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let expected = "--node n1 --dir /d --listen 127.0.0.1:9 --api 127.0.0.1:8 --shared /s --parent-pipe \
                        --lab-token t --lab-cut 2 --lab-cut 3:in --lab-cut 4:out --rejoin 127.0.0.1:2 127.0.0.1:3";
        assert_eq!(text.join(" "), expected);
        RunOptions::try_parse_from(std::iter::once("run".into()).chain(again.options)).expect("good options");
    }
}
