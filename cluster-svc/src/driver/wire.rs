//! What the services of different nodes say to each other, and how it becomes bytes.
//!
//! A frame is a 4-byte little-endian length and that many bytes of postcard. The first frame of a connection is a
//! [`First`]: a member says hello, a newcomer asks to join; the listener answers with one [`FirstAnswer`]. After a hello
//! the connection carries [`Frame`]s from the caller to the listener only; each node calls the others, so two nodes that
//! can hear each other have two connections.
//!
//! The secret in the hello keeps out what is not of this cluster by mistake. It is sent in the clear: TLS between nodes is
//! absent so far, and therefore a service refuses to listen on anything but a loopback address.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use cluster_engine::PeerMessage;
use cluster_engine::call::MonitorKey;
use cluster_engine::replica::VoterId;
use cluster_engine::{Guid, Lineage, NodeId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Both sides must speak this version. Raised with every change of these types or of the engine's messages.
pub const VERSION: u32 = 2;
/// The largest frame between members, in bytes. It has to hold a snapshot of the whole cluster state.
pub const MAX_FRAME_BYTES: usize = 64 << 20;
/// The largest first frame and answer, in bytes: nothing longer is read from somebody who has not said who he is.
pub const MAX_FIRST_BYTES: usize = 64 << 10;
/// How long the first frame, and its answer, may take.
pub const FIRST_LIMIT: Duration = Duration::from_secs(5);
/// The bytes of the length before each body.
const LENGTH_BYTES: usize = 4;

/// The first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// A member calls.
    Hello(Hello),
    /// Somebody wants to become a member, or a member that lost its store wants a new voter id.
    Join {
        /// [`VERSION`] of the newcomer.
        version: u32,
        /// Its name.
        name: String,
        /// Where it listens for other nodes.
        address: String,
    },
}

/// A member says who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the caller.
    pub version: u32,
    /// The cluster it belongs to.
    pub cluster: Guid,
    /// The cluster's secret.
    pub secret: String,
    /// Who calls.
    pub from: NodeId,
    /// Which life of its service.
    pub incarnation: u64,
    /// Where it listens itself.
    pub address: String,
    /// Whom it means to call.
    pub to: NodeId,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// The line of descent of its store.
    pub lineage: Lineage,
}

/// The answer to the first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstAnswer {
    /// Go on.
    Welcome,
    /// The connection ends here.
    Refused {
        /// Why, and what to do.
        reason: String,
        /// Asking again later may help (no quorum at the moment, for example).
        is_temporary: bool,
    },
    /// You are a member.
    Joined(Membership),
    /// You were one and are none any more; asking again does not help. In words, with what to do.
    Expelled(String),
}

/// What a newcomer has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The id of the cluster.
    pub cluster: Guid,
    /// The cluster's secret.
    pub secret: String,
    /// The id that the newcomer got.
    pub node: NodeId,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// What election time-outs are drawn from; the same on all nodes.
    pub seed: u64,
    /// The line of descent of the cluster.
    pub lineage: Lineage,
    /// Where the members listen.
    pub peers: BTreeMap<NodeId, String>,
}

/// What goes over a connection after the hello.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Frame {
    /// From engine to engine.
    Engine(PeerMessage),
    /// From driver to driver.
    Gossip(Gossip),
}

/// What a driver tells about its node once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gossip {
    /// The process of its Cluster service.
    pub process_id: u32,
    /// Where its REST API listens.
    pub api_address: String,
    /// Its monitor processes.
    pub monitors: Vec<(MonitorKey, u32)>,
}

/// The whole frame of a message, length included.
///
/// # Errors
/// `InvalidData` when the message is over [`MAX_FRAME_BYTES`].
pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; LENGTH_BYTES]).map_err(io::Error::other)?;
    let body = frame.len() - LENGTH_BYTES;
    if body > MAX_FRAME_BYTES {
        return Err(too_long(body, MAX_FRAME_BYTES));
    }
    frame[..LENGTH_BYTES].copy_from_slice(&(body as u32).to_le_bytes());
    Ok(frame)
}

/// Waits for one message of at most `limit` bytes. `None` = the other side ended the connection between two frames.
///
/// # Errors
/// `InvalidData` for what is no message, `UnexpectedEof` inside a frame, or what the socket says.
pub async fn read<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Option<T>> {
    let mut length = [0; LENGTH_BYTES];
    match from.read(&mut length).await? {
        0 => return Ok(None),
        got => from.read_exact(&mut length[got..]).await?,
    };
    let wanted = u32::from_le_bytes(length) as usize;
    if wanted > limit {
        return Err(too_long(wanted, limit));
    }
    // Grows with what really comes: an announced length alone costs no memory.
    let mut body = Vec::new();
    from.take(wanted as u64).read_to_end(&mut body).await?;
    if body.len() < wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match postcard::take_from_bytes(&body) {
        Ok((message, [])) => Ok(Some(message)),
        Ok((_, rest)) => Err(invalid(format!("{} bytes are left over in a frame", rest.len()))),
        Err(error) => Err(invalid(format!("{wanted} bytes are no message of protocol version {VERSION}: {error}"))),
    }
}

/// Sends a first frame and waits for its answer, [`FIRST_LIMIT`] at most.
///
/// # Errors
/// What the socket says, `TimedOut`, or `InvalidData`.
pub async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), first: &First) -> io::Result<FirstAnswer> {
    let exchange = async {
        stream.write_all(&encode(first)?).await?;
        read(stream, MAX_FIRST_BYTES).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    tokio::time::timeout(FIRST_LIMIT, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn too_long(bytes: usize, limit: usize) -> io::Error {
    invalid(format!("a frame of {bytes} bytes is over the limit of {limit}; the other side is no node of this version"))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> First {
        First::Join { version: VERSION, name: "n2".into(), address: "127.0.0.1:1".into() }
    }

    /// One reading of `bytes`, told in a word.
    async fn check(bytes: &[u8], expected: &str) {
        let got = match read::<First>(&mut &bytes[..], MAX_FIRST_BYTES).await {
            Ok(Some(message)) => {
                assert_eq!(message, sample());
                "message"
            }
            Ok(None) => "end",
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => "cut short",
            Err(error) if error.kind() == io::ErrorKind::InvalidData => "no message",
            Err(error) => panic!("{error}"),
        };
        assert_eq!(got, expected, "{bytes:02x?}");
    }

    #[tokio::test]
    async fn every_kind_of_input_has_its_answer() {
        let frame = encode(&sample()).expect("a small message fits");
        check(&frame, "message").await;
        check(&[], "end").await;
        check(&frame[..3], "cut short").await;
        check(&frame[..frame.len() - 1], "cut short").await;
        check(b"GET / HTTP/1.1\r\n\r\n", "no message").await;
        check(&[1, 0, 0, 0, 0xff], "no message").await;
        let mut longer = frame.clone();
        longer[0] += 1;
        longer.push(0);
        check(&longer, "no message").await;
        for place in 0..frame.len() {
            for bit in 0..8 {
                let mut damaged = frame.clone();
                damaged[place] ^= 1 << bit;
                // Any answer will do, a panic will not.
                let _ = read::<First>(&mut &damaged[..], MAX_FIRST_BYTES).await;
            }
        }
    }

    #[tokio::test]
    async fn a_listener_that_says_nothing_is_given_up() {
        tokio::time::pause();
        let (mut here, _there) = tokio::io::duplex(4096);
        let error = ask(&mut here, &sample()).await.expect_err("nobody answers");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
