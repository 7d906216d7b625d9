//! Becoming a member: a newcomer asks a member, its sponsor, and gets its ids and what it takes to talk to the others.
//!
//! The sponsor proposes the newcomer to the cluster like any other change, so it takes a quorum. A known name may ask
//! again when it comes with an empty store (`--rebuild`): it keeps its node id and gets a new voter id, because its store
//! has forgotten for whom it voted.

use std::net::SocketAddr;
use std::time::Duration;

use cluster_engine::code;
use cluster_engine::state::{Answer, Command};
use tokio::net::TcpStream;

use super::handle::NodeHandle;
use super::identity::Identity;
use super::wire::{self, First, FirstAnswer, Membership};

/// How long a newcomer goes on asking before it gives up.
pub const JOIN_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two rounds of asking.
const ROUND_PAUSE: Duration = Duration::from_millis(300);
/// How long one sponsor may take.
const SPONSOR_LIMIT: Duration = Duration::from_secs(5);
/// The longest name of a node, in characters: what NetBIOS allows (reference 08.1).
pub const MAX_NAME_CHARS: usize = 15;

/// Why a newcomer did not become a member.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A sponsor said no, and will go on saying no.
    #[error("{sponsor} refused: {reason}")]
    Refused {
        /// Who.
        sponsor: String,
        /// Why.
        reason: String,
    },
    /// Nobody could help in time.
    #[error("no node took this node in within {} s; last answer: {last}. Start one of the named nodes, and see that its cluster has quorum", JOIN_LIMIT.as_secs())]
    NobodyHelped {
        /// What the last one said.
        last: String,
    },
}

/// Asks the sponsors in turn until one of them has made this node a member.
///
/// # Errors
/// [`JoinError`].
pub async fn join(sponsors: &[String], name: &str, address: &str) -> Result<Membership, JoinError> {
    let mut last = String::from("none came");
    let rounds = async {
        loop {
            for sponsor in sponsors {
                match ask(sponsor, name, address).await {
                    Ok(FirstAnswer::Joined(membership)) => return Ok(membership),
                    Ok(FirstAnswer::Refused { reason, is_temporary: false }) => {
                        return Err(JoinError::Refused { sponsor: sponsor.clone(), reason });
                    }
                    Ok(FirstAnswer::Refused { reason, is_temporary: true }) => last = format!("{sponsor}: {reason}"),
                    Ok(FirstAnswer::Expelled(reason)) => last = format!("{sponsor}: {reason}"),
                    Ok(FirstAnswer::Welcome) => last = format!("{sponsor} answered a question that was not asked"),
                    Err(error) => last = format!("{sponsor}: {error}"),
                }
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    };
    match tokio::time::timeout(JOIN_LIMIT, rounds).await {
        Ok(result) => result,
        Err(_) => Err(JoinError::NobodyHelped { last }),
    }
}

async fn ask(sponsor: &str, name: &str, address: &str) -> std::io::Result<FirstAnswer> {
    let exchange = async {
        let mut stream = TcpStream::connect(sponsor).await?;
        stream.set_nodelay(true)?;
        let join = First::Join { version: wire::VERSION, name: name.to_owned(), address: address.to_owned() };
        wire::ask(&mut stream, &join).await
    };
    tokio::time::timeout(SPONSOR_LIMIT, exchange).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// The sponsor's side: answers a newcomer.
pub(super) async fn sponsor(
    handle: &NodeHandle,
    identity: &Identity,
    version: u32,
    name: String,
    address: String,
) -> FirstAnswer {
    let refused = |reason: String, is_temporary| FirstAnswer::Refused { reason, is_temporary };
    if version != wire::VERSION {
        let reason =
            format!("you speak version {version}, this node {}; run the same version everywhere", wire::VERSION);
        return refused(reason, false);
    }
    if let Some(fault) = fault_of(&name, &address) {
        return refused(fault, false);
    }
    let (node, voter) = match handle.submit(Command::AddNode { name, address }).await {
        Ok(Answer::Node { node, voter }) => (node, voter),
        Ok(Answer::Done | Answer::Pending) => {
            return refused("the sponsor did not understand its own cluster's answer".into(), true);
        }
        Err(refusal) => {
            let is_temporary = matches!(
                refusal.code,
                code::CLUSTER_NO_QUORUM | code::TIMEOUT | code::CLUSTER_SHUTTING_DOWN | code::CLUSTER_NODE_NOT_READY
            );
            return refused(format!("{} (error {})", refusal.message, refusal.code), is_temporary);
        }
    };
    let known = handle
        .read(|engine, _| {
            let nodes = engine.state().nodes.iter();
            let peers = nodes.map(|(id, node)| (*id, node.config.address.clone())).collect();
            (peers, engine.config().lineage)
        })
        .await;
    match known {
        Ok((peers, lineage)) => FirstAnswer::Joined(Membership {
            cluster: identity.cluster_id(),
            secret: identity.secret.clone(),
            node,
            voter,
            seed: identity.seed,
            lineage,
            peers,
        }),
        Err(gone) => refused(gone.to_string(), true),
    }
}

/// What is wrong with a newcomer's name or address, before the cluster is asked.
pub(crate) fn fault_of(name: &str, address: &str) -> Option<String> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || !is_plain {
        return Some(format!(
            "{name:?} is no name for a node; take 1 to {MAX_NAME_CHARS} letters, digits, hyphens and underscores"
        ));
    }
    match address.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() && address.port() != 0 => None,
        Ok(_) => Some(format!("{address} is not on a loopback interface; nodes talk without TLS and only there")),
        Err(_) => Some(format!("{address:?} is no address; write it as 127.0.0.1:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_looked_at_first() {
        let check = |name: &str, address: &str, expected: Option<&str>| match (fault_of(name, address), expected) {
            (None, None) => {}
            (Some(fault), Some(part)) => assert!(fault.contains(part), "{fault}"),
            (fault, expected) => panic!("{name} {address}: {fault:?} instead of {expected:?}"),
        };
        check("n1", "127.0.0.1:5", None);
        check("node_1-B", "[::1]:5", None);
        check("", "127.0.0.1:5", Some("no name"));
        check("a\\b", "127.0.0.1:5", Some("no name"));
        check("a234567890123456", "127.0.0.1:5", Some("no name"));
        check("n1", "10.0.0.1:5", Some("loopback"));
        check("n1", "127.0.0.1:0", Some("loopback"));
        check("n1", "localhost", Some("no address"));
    }

    #[tokio::test]
    async fn nobody_there_is_told_after_the_limit() {
        tokio::time::pause();
        let error = join(&[], "n1", "127.0.0.1:5").await.expect_err("no sponsor");
        assert!(matches!(error, JoinError::NobodyHelped { .. }), "{error}");
    }
}
