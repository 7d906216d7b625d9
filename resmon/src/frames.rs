//! Frames: how a message becomes bytes on the connection between the Cluster service and a monitor.
//!
//! A frame is a 4-byte little-endian length and that many bytes of postcard. Both sides use this module, the monitor over a
//! blocking socket ([`read`], [`write()`]) and the service over its own kind of socket ([`encode`], [`body_length`],
//! [`decode`]). Whatever the other side sends, the answer is a message or a [`FrameError`], never a panic and never an
//! allocation larger than [`MAX_FRAME_BYTES`].
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

use crate::protocol::MAX_FRAME_BYTES;

/// The bytes of the length before each body.
pub const LENGTH_BYTES: usize = 4;

/// Why a frame could not be read or written. After any of these the connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side announced, or we tried to send, more than [`MAX_FRAME_BYTES`].
    #[error("a frame of {bytes} bytes is over the limit of {MAX_FRAME_BYTES}; end the connection")]
    TooLong {
        /// The length announced.
        bytes: u64,
    },
    /// The connection ended inside a frame.
    #[error("the connection ended inside a frame, {got} of {wanted} bytes had come")]
    CutShort {
        /// Bytes of the body, or of the length, that had come.
        got: usize,
        /// Bytes that were due.
        wanted: usize,
    },
    /// The bytes are no message of the protocol. The other side is another version, or no monitor or service at all.
    #[error("{bytes} bytes are no message of protocol version {}: {reason}", crate::protocol::VERSION)]
    Garbage {
        /// The length of the body.
        bytes: usize,
        /// What the decoder says.
        reason: String,
    },
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// The whole frame of a message, length included.
///
/// # Errors
/// [`FrameError::TooLong`] when the message is over [`MAX_FRAME_BYTES`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let frame = postcard::to_extend(message, vec![0; LENGTH_BYTES])
        .map_err(|error| FrameError::Garbage { bytes: 0, reason: error.to_string() })?;
    let body = frame.len() - LENGTH_BYTES;
    let length = checked_length(body as u64)?;
    let mut frame = frame;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length of the body that follows these four bytes.
///
/// # Errors
/// [`FrameError::TooLong`] when it is over [`MAX_FRAME_BYTES`].
pub fn body_length(length: [u8; LENGTH_BYTES]) -> Result<usize, FrameError> {
    checked_length(u64::from(u32::from_le_bytes(length))).map(|length| length as usize)
}

/// The message in a body. Bytes left over are garbage too.
///
/// # Errors
/// [`FrameError::Garbage`].
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    let garbage = |reason: String| FrameError::Garbage { bytes: body.len(), reason };
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(garbage(format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(garbage(error.to_string())),
    }
}

/// Writes one frame and flushes.
///
/// # Errors
/// [`FrameError::TooLong`], [`FrameError::Io`].
pub fn write<T: Serialize>(mut to: impl Write, message: &T) -> Result<(), FrameError> {
    to.write_all(&encode(message)?)?;
    to.flush()?;
    Ok(())
}

/// Waits for one frame. `None` = the other side closed the connection between two frames.
///
/// # Errors
/// All of [`FrameError`].
pub fn read<T: DeserializeOwned>(mut from: impl Read) -> Result<Option<T>, FrameError> {
    let mut length = [0; LENGTH_BYTES];
    match fill(&mut from, &mut length)? {
        0 => return Ok(None),
        LENGTH_BYTES => {}
        got => return Err(FrameError::CutShort { got, wanted: LENGTH_BYTES }),
    }
    let wanted = body_length(length)?;
    // Grows with what really comes: an announced length alone costs no memory.
    let mut body = Vec::new();
    from.take(wanted as u64).read_to_end(&mut body)?;
    if body.len() < wanted {
        return Err(FrameError::CutShort { got: body.len(), wanted });
    }
    decode(&body).map(Some)
}

fn checked_length(bytes: u64) -> Result<u32, FrameError> {
    match u32::try_from(bytes) {
        Ok(length) if length <= MAX_FRAME_BYTES => Ok(length),
        _ => Err(FrameError::TooLong { bytes }),
    }
}

/// Like `read_exact`, but tells how much came before the end.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match from.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{EntryPoint, FromMonitor, ResourceId, Status, ToMonitor};

    fn sample() -> ToMonitor {
        ToMonitor::Call { resource: ResourceId(7 << 64), generation: 3, entry: EntryPoint::Online }
    }

    /// One reading of `bytes`: `Ok(Some)`, `Ok(None)` or the error, told in a word.
    fn check(bytes: &[u8], expected: &str) {
        let got = match read::<ToMonitor>(bytes) {
            Ok(Some(message)) => {
                assert_eq!(message, sample());
                "message"
            }
            Ok(None) => "end",
            Err(FrameError::TooLong { .. }) => "too long",
            Err(FrameError::CutShort { .. }) => "cut short",
            Err(FrameError::Garbage { .. }) => "garbage",
            Err(FrameError::Io(_)) => "io",
        };
        assert_eq!(got, expected, "{bytes:02x?}");
    }

    #[test]
    fn every_kind_of_input_has_its_answer() {
        let frame = encode(&sample()).expect("a small message fits");
        check(&frame, "message");
        check(&[], "end");
        check(&frame[..2], "cut short");
        check(&frame[..frame.len() - 1], "cut short");
        check(&[0xff; 64], "too long");
        check(&[1, 0, 0, 0, 0xff], "garbage");
        let mut longer = frame.clone();
        longer[0] += 1;
        longer.push(0);
        check(&longer, "garbage");
    }

    #[test]
    fn two_frames_in_a_row_are_read_apart() {
        let mut bytes = Vec::new();
        let first = FromMonitor::LeasePing { stamp: 1 };
        let second = FromMonitor::Status { resource: ResourceId(1), generation: 2, status: Status::Online };
        write(&mut bytes, &first).expect("a vector takes all");
        write(&mut bytes, &second).expect("a vector takes all");
        let mut rest = bytes.as_slice();
        assert_eq!(read(&mut rest).expect("first"), Some(first));
        assert_eq!(read(&mut rest).expect("second"), Some(second));
        assert_eq!(read::<FromMonitor>(&mut rest).expect("end"), None);
    }

    #[test]
    fn a_message_over_the_limit_is_refused_before_it_is_sent() {
        let control = FromMonitor::Controlled {
            request: crate::protocol::RequestId(1),
            code: 0,
            output: vec![0; MAX_FRAME_BYTES as usize],
        };
        assert!(matches!(encode(&control), Err(FrameError::TooLong { .. })));
    }

    #[test]
    fn no_damage_of_a_frame_panics() {
        let frame = encode(&sample()).expect("a small message fits");
        for place in 0..frame.len() {
            for bit in 0..8 {
                let mut damaged = frame.clone();
                damaged[place] ^= 1 << bit;
                let _ = read::<ToMonitor>(damaged.as_slice());
            }
        }
    }
}
