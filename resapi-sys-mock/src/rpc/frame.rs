//! Frames: a 4-byte little-endian length and that many bytes of postcard. Whatever arrives, the answer is a message or an
//! error, never a panic and never an allocation beyond [`MAX_FRAME_BYTES`].

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// Bytes of the length before each body.
pub const LENGTH_BYTES: usize = 4;
/// The longest body of a frame. An export of a full registry fits.
pub const MAX_FRAME_BYTES: u32 = 64 * 1024 * 1024;

/// Why a frame could not be read or written; the connection is of no more use.
#[derive(Debug)]
pub enum FrameError {
    /// Announced or made longer than [`MAX_FRAME_BYTES`].
    TooLong(u64),
    /// The bytes are no message of this version.
    Garbage(String),
    /// The connection failed or ended.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is over {MAX_FRAME_BYTES}"),
            FrameError::Garbage(what) => write!(f, "no message of this protocol: {what}"),
            FrameError::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> FrameError {
        FrameError::Io(error)
    }
}

/// The whole frame of a message.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let frame = postcard::to_extend(message, vec![0; LENGTH_BYTES]);
    let mut frame = frame.map_err(|error| FrameError::Garbage(error.to_string()))?;
    let body = (frame.len() - LENGTH_BYTES) as u64;
    let length = u32::try_from(body).ok().filter(|length| *length <= MAX_FRAME_BYTES);
    frame[..LENGTH_BYTES].copy_from_slice(&length.ok_or(FrameError::TooLong(body))?.to_le_bytes());
    Ok(frame)
}

/// Bytes of the body that this length announces.
pub fn length(header: [u8; LENGTH_BYTES]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(header);
    if length > MAX_FRAME_BYTES { Err(FrameError::TooLong(length.into())) } else { Ok(length as usize) }
}

/// The message of a body.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    postcard::from_bytes(body).map_err(|error| FrameError::Garbage(error.to_string()))
}

/// Writes one frame in one piece.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> Result<(), FrameError> {
    Ok(to.write_all(&encode(message)?)?)
}

/// Reads one frame.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, FrameError> {
    let mut header = [0; LENGTH_BYTES];
    from.read_exact(&mut header)?;
    let wanted = length(header)?;
    // Grows with what arrives, not with what is announced.
    let mut body = Vec::new();
    let got = from.take(wanted as u64).read_to_end(&mut body)?;
    if got < wanted {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    decode(&body)
}

#[cfg(test)]
mod tests {
    use super::super::{Ask, Id, Kind, Order, Told};
    use super::*;

    #[test]
    fn messages_come_back_as_they_went() {
        let asks = [
            Ask::Cluster,
            Ask::Look(Id::new(Kind::Group, "g")),
            Ask::Order { order: Order::OfflineGroup { group: "g".into() }, reason: "because".into() },
        ];
        let mut bytes = Vec::new();
        for ask in &asks {
            write(&mut bytes, ask).expect("small");
        }
        let mut rest = bytes.as_slice();
        for ask in &asks {
            assert_eq!(&read::<Ask>(&mut rest).expect("whole"), ask);
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn bad_frames_are_errors() {
        let check = |bytes: &[u8], what: &str| {
            let error = read::<Told>(&mut &*bytes).expect_err("bad").to_string();
            assert!(error.contains(what), "{error}");
        };
        check(&[1, 0], "connection failed");
        check(&[5, 0, 0, 0, 1], "connection failed");
        check(&[0xFF; 8], "is over");
        check(&[1, 0, 0, 0, 0xFF], "no message");
        check(&[0, 0, 0, 0], "no message");
    }
}
