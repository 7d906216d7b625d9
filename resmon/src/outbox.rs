//! The outbox: what the monitor has to tell, in the order in which it happened.
//!
//! Any thread may put a message in and is never held up by a slow service: what the socket takes at once the thread sends
//! itself, so that an answer need not wait for another thread; everything else is written by one writer thread, in order.
//! Statuses and answers are never dropped. Lines for the cluster log are, once [`MAX_WAITING_LOG_LINES`] of them wait: a
//! library that logs in a tight loop must not eat the memory of the monitor. How many were dropped is logged afterwards.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::lock;
use crate::frames;
use crate::output;
use crate::protocol::{FromMonitor, LogComponent, LogLevel, ResourceId};

/// How many log lines may wait for the service.
pub(crate) const MAX_WAITING_LOG_LINES: usize = 1_000;

/// How many bytes may be on their way, where a socket cannot be asked to take only what it can take at once: twice as many fit
/// into the buffers of any system although the service reads nothing, so that sending them does not wait.
const MAX_UNCONFIRMED_BYTES: usize = 64 * 1024;

/// Messages on their way to the service.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// The socket, for messages that can be sent at once by whoever puts them in.
    direct: OnceLock<TcpStream>,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<FromMonitor>,
    log_lines: usize,
    dropped: u64,
    /// The end of a frame whose begin has been sent.
    rest: Vec<u8>,
    /// Bytes sent since the service was last heard to have read what it was sent.
    unconfirmed_bytes: usize,
    /// Somebody took a message and has not written it yet.
    is_writing: bool,
    /// Somebody waits until everything is written.
    is_drained_for: bool,
    is_closed: bool,
}

impl Outbox {
    /// Puts a message in. After the connection has ended it is dropped: nobody is left to hear it.
    pub(crate) fn push(&self, message: FromMonitor) {
        let mut waiting = lock(&self.waiting);
        if waiting.is_closed {
            return;
        }
        if matches!(message, FromMonitor::Log { .. }) {
            if waiting.log_lines >= MAX_WAITING_LOG_LINES {
                waiting.dropped += 1;
                return;
            }
            waiting.log_lines += 1;
        }
        waiting.messages.push_back(message);
        if let Some(socket) = self.direct.get() {
            self.send_at_once(socket, waiting);
        } else {
            self.changed.notify_all();
        }
    }

    /// From now on what the socket takes at once is sent by the thread that puts it in.
    pub(crate) fn send_directly(&self, socket: TcpStream) {
        // Called once in the life of a monitor.
        let _ = self.direct.set(socket);
    }

    /// The service has answered something: it has read all that was sent before the question.
    pub(crate) fn confirm(&self) {
        lock(&self.waiting).unconfirmed_bytes = 0;
    }

    /// When nobody is writing and nothing else waits, the message goes now, as far as the socket takes it without waiting; the
    /// rest is the writer's. The thread of a library is held up no longer than a system call takes.
    fn send_at_once(&self, socket: &TcpStream, mut waiting: MutexGuard<'_, Waiting>) {
        let is_free = !waiting.is_writing && waiting.rest.is_empty() && waiting.messages.len() == 1;
        let frame =
            is_free.then(|| waiting.messages.front().and_then(|message| frames::encode(message).ok())).flatten();
        let fits =
            |bytes: usize| cfg!(unix) || waiting.unconfirmed_bytes.saturating_add(bytes) <= MAX_UNCONFIRMED_BYTES;
        let Some(mut frame) = frame.filter(|frame| fits(frame.len())) else {
            self.changed.notify_all();
            return;
        };
        if let Some(FromMonitor::Log { .. }) = waiting.messages.pop_front() {
            waiting.log_lines -= 1;
        }
        waiting.is_writing = true;
        drop(waiting);
        // An error is met again by the writer, which knows what to do.
        let sent = send_what_fits(socket, &frame).unwrap_or(0);
        let mut waiting = lock(&self.waiting);
        waiting.is_writing = false;
        waiting.unconfirmed_bytes = waiting.unconfirmed_bytes.saturating_add(sent);
        waiting.rest = frame.split_off(sent);
        let is_more = !waiting.rest.is_empty() || !waiting.messages.is_empty() || waiting.dropped > 0;
        if is_more || waiting.is_drained_for {
            self.changed.notify_all();
        }
    }

    /// Puts the monitor's own words into the cluster log.
    pub(crate) fn note(&self, level: LogLevel, resource: Option<ResourceId>, text: &str) {
        self.push(FromMonitor::Log { level, component: LogComponent::Rhs, resource, text: output::line(text) });
    }

    /// The writer thread: writes until the outbox is closed or the socket fails.
    pub(crate) fn write_to(&self, mut socket: impl Write) {
        while let Some(next) = self.take() {
            let (encoded, message) = match next {
                Next::Rest(rest) => (Ok(rest), None),
                Next::Message(message) => (frames::encode(&message), Some(message)),
            };
            let written = encoded.and_then(|bytes| {
                socket.write_all(&bytes).and_then(|()| socket.flush()).map_err(frames::FrameError::Io)?;
                Ok(bytes.len())
            });
            let mut sent = 0;
            match written {
                Ok(bytes) => sent = bytes,
                Err(frames::FrameError::TooLong { bytes }) => {
                    message.into_iter().for_each(|message| self.too_long(message, bytes))
                }
                Err(
                    frames::FrameError::CutShort { .. }
                    | frames::FrameError::Garbage { .. }
                    | frames::FrameError::Io(_),
                ) => {
                    // The reader of the same socket notices too, and ends the monitor in an orderly way.
                    return self.close();
                }
            }
            // Only now, so that whoever drains sees what a message that was too long left behind.
            let mut waiting = lock(&self.waiting);
            waiting.is_writing = false;
            waiting.unconfirmed_bytes = waiting.unconfirmed_bytes.saturating_add(sent);
            drop(waiting);
            self.changed.notify_all();
        }
    }

    /// Waits until everything is written, for at most `limit`.
    pub(crate) fn drain(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut waiting = lock(&self.waiting);
        waiting.is_drained_for = true;
        while !waiting.is_closed && (!waiting.messages.is_empty() || !waiting.rest.is_empty() || waiting.is_writing) {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return };
            waiting = self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The connection is over.
    pub(crate) fn close(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.is_closed = true;
        waiting.messages.clear();
        self.changed.notify_all();
    }

    /// Waits for the next message; `None` when the outbox is closed.
    fn take(&self) -> Option<Next> {
        let mut waiting = lock(&self.waiting);
        loop {
            if waiting.is_closed {
                return None;
            }
            if waiting.is_writing {
                // Another thread is sending at once: one after the other.
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if !waiting.rest.is_empty() {
                waiting.is_writing = true;
                return Some(Next::Rest(std::mem::take(&mut waiting.rest)));
            }
            if let Some(message) = waiting.messages.pop_front() {
                if matches!(message, FromMonitor::Log { .. }) {
                    waiting.log_lines -= 1;
                }
                waiting.is_writing = true;
                return Some(Next::Message(message));
            }
            if waiting.dropped > 0 {
                let text =
                    format!("{} lines were dropped here: they came faster than they could be sent", waiting.dropped);
                waiting.dropped = 0;
                waiting.is_writing = true;
                return Some(Next::Message(FromMonitor::Log {
                    level: LogLevel::Warning,
                    component: LogComponent::Rhs,
                    resource: None,
                    text,
                }));
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// An answer that cannot be sent is replaced by one that can, so that nobody waits in vain.
    fn too_long(&self, message: FromMonitor, bytes: u64) {
        if let FromMonitor::Controlled { request, .. } = message {
            let code = resapi_sys_mock::codes::win32::ERROR_INVALID_DATA;
            self.push(FromMonitor::Controlled { request, code, output: Vec::new() });
        }
        self.note(
            LogLevel::Error,
            None,
            &format!("a message of {bytes} bytes is over the limit of a frame and was not sent"),
        );
    }
}

/// What the writer writes next.
#[derive(Debug)]
enum Next {
    /// The end of a frame.
    Rest(Vec<u8>),
    /// A whole one.
    Message(FromMonitor),
}

/// Sends as many bytes as the socket takes without waiting.
#[cfg(unix)]
fn send_what_fits(socket: &TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    use rustix::net::{SendFlags, send};
    match send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
        Ok(sent) => Ok(sent),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere it is known that they fit: [`MAX_UNCONFIRMED_BYTES`].
#[cfg(not(unix))]
fn send_what_fits(mut socket: &TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    socket.write(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{RequestId, Status};

    fn log_line(number: usize) -> FromMonitor {
        let text = number.to_string();
        FromMonitor::Log { level: LogLevel::Information, component: LogComponent::Res, resource: None, text }
    }

    /// Everything that the writer writes before the outbox is closed.
    fn written(outbox: &Outbox) -> Vec<FromMonitor> {
        let mut bytes = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| outbox.write_to(&mut bytes));
            outbox.drain(Duration::from_secs(10));
            outbox.close();
        });
        let mut rest = bytes.as_slice();
        std::iter::from_fn(|| frames::read(&mut rest).expect("whole frames")).collect()
    }

    #[test]
    fn log_lines_over_the_limit_are_counted_and_statuses_are_kept() {
        let outbox = Outbox::default();
        (0..MAX_WAITING_LOG_LINES + 5).for_each(|number| outbox.push(log_line(number)));
        let status = FromMonitor::Status { resource: ResourceId(1), generation: 1, status: Status::Online };
        outbox.push(status.clone());
        let messages = written(&outbox);
        assert_eq!(
            messages[..MAX_WAITING_LOG_LINES].iter().filter(|m| matches!(m, FromMonitor::Log { .. })).count(),
            MAX_WAITING_LOG_LINES
        );
        assert_eq!(messages[MAX_WAITING_LOG_LINES], status);
        let FromMonitor::Log { text, .. } = &messages[MAX_WAITING_LOG_LINES + 1] else {
            panic!("a line tells what was dropped")
        };
        assert!(text.starts_with("5 lines were dropped"), "{text}");
    }

    #[test]
    fn an_answer_that_is_too_long_becomes_an_error() {
        let outbox = Outbox::default();
        let output = vec![0; crate::protocol::MAX_FRAME_BYTES as usize];
        outbox.push(FromMonitor::Controlled { request: RequestId(3), code: 0, output });
        let messages = written(&outbox);
        assert_eq!(messages[0], FromMonitor::Controlled { request: RequestId(3), code: 13, output: Vec::new() });
    }

    #[test]
    fn nothing_is_kept_for_a_connection_that_is_over() {
        let outbox = Outbox::default();
        outbox.close();
        outbox.push(log_line(1));
        outbox.drain(Duration::from_secs(10));
        assert!(lock(&outbox.waiting).messages.is_empty());
    }
}
