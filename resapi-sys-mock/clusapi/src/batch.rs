//! Batches of the cluster registry (reference 06.4): changes that happen all or not at all, reads that are made together, and
//! notifications that deliver the changes of others in the same form.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, need, put, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, KeyChange, RegCommand, RegValue, Told};
use resapi_sys_mock::wide;

use crate::handles::{self, OpenKey, Thing, insert};
use crate::port;
use crate::registry::{QUERY_VALUE, SET_VALUE, change_or_failed, command, nothing};

/// The most commands of one batch.
const MAX_COMMANDS: usize = 10_000;
/// How many notifications wait in a port.
const MAX_NOTIFICATIONS: usize = 10_000;
/// CLUSREG_READ_KEY, CLUSREG_READ_VALUE, CLUSREG_READ_ERROR.
const READ_KEY: i32 = 7;
const READ_VALUE: i32 = 8;
const READ_ERROR: i32 = 9;
/// CLUSREG_VALUE_DELETED: how a notification tells a deletion of a value.
const VALUE_DELETED: i32 = 6;
/// Bit of ClusterRegCloseBatchEx: carry the batch out.
const CLOSE_COMMITS: u32 = 1;

/// A batch of changes under construction.
pub(crate) struct Batch {
    key: Arc<OpenKey>,
    commands: Vec<RegCommand>,
}

/// A batch of reads under construction.
pub(crate) struct ReadBatch {
    key: Arc<OpenKey>,
    /// Subkey, and value or `None` for the key itself.
    reads: Vec<(String, Option<String>)>,
}

/// One thing that a program reads from a reply or notification; the pointers in it stay good until that is closed.
struct Line {
    command: i32,
    kind: u32,
    name: Vec<u16>,
    value: Option<Vec<u16>>,
    bytes: Vec<u8>,
}

/// The answers to a batch of reads.
pub(crate) struct Reply {
    lines: Vec<Line>,
    next: Mutex<usize>,
}

/// One update of the registry, as a list of commands.
pub(crate) struct Notification {
    lines: Vec<Line>,
    next: Mutex<usize>,
}

/// Where notifications of the changes below a key arrive.
pub(crate) struct BatchPort {
    pub(crate) key: Arc<OpenKey>,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Vec<Line>>,
    is_closed: bool,
}

impl BatchPort {
    /// One update was seen. Only what is below the key of this port is kept.
    pub(crate) fn arrive(&self, changes: &[KeyChange]) {
        let lines: Vec<Line> = changes.iter().flat_map(|change| lines_of(&self.key.path, change)).collect();
        if lines.is_empty() {
            return;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() < MAX_NOTIFICATIONS {
            queue.waiting.push_back(lines);
        }
        self.arrived.notify_all();
    }

    fn wait(&self) -> Result<Vec<Line>, u32> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(lines) = queue.waiting.pop_front() {
                return Ok(lines);
            }
            if queue.is_closed {
                return Err(ERROR_INVALID_HANDLE);
            }
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.arrived.notify_all();
    }
}

/// A change as commands relative to a key; none when it is elsewhere.
fn lines_of(base: &str, change: &KeyChange) -> Vec<Line> {
    let Some(relative) = port::relative(base, &change.path) else { return Vec::new() };
    let line = |command: i32, kind, name: &str, bytes: &[u8]| Line {
        command,
        kind,
        name: wide::units(name),
        value: None,
        bytes: bytes.to_vec(),
    };
    let mut lines = Vec::new();
    let is_deletion = change.commands.iter().any(|command| command.command == 3);
    if is_deletion {
        return vec![line(3, 0, &relative, &[])];
    }
    // CREATE_KEY makes the key current for the values that follow, whether it was there or not.
    lines.push(line(2, 0, &relative, &[]));
    for command in &change.commands {
        match command.command {
            1 => lines.push(line(1, command.value.kind, &command.name, &command.value.bytes)),
            4 => lines.push(line(VALUE_DELETED, 0, &command.name, &[])),
            _ => {}
        }
    }
    lines
}

fn next<'a>(lines: &'a [Line], next: &Mutex<usize>) -> Result<&'a Line, u32> {
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    let line = lines.get(*next).ok_or(ERROR_NO_MORE_ITEMS)?;
    *next += 1;
    Ok(line)
}

fn data_of(line: &Line) -> *const u8 {
    if line.bytes.is_empty() { std::ptr::null() } else { line.bytes.as_ptr() }
}

exports! {
    EXPORTS;

    fn ClusterRegCreateBatch(key: HKEY, result: *mut HREGBATCH) -> Long {
        let key = handles::key(key)?;
        need(result)?;
        key.needs(SET_VALUE)?;
        put(result, insert(Thing::Batch(Arc::new(Mutex::new(Batch { key, commands: Vec::new() })))));
        Ok(())
    }

    fn ClusterRegBatchAddCommand(
        batch: HREGBATCH, number: i32, name: LPCWSTR, options: DWORD, data: *const core::ffi::c_void, size: DWORD
    ) -> Long {
        let batch = handles::batch(batch)?;
        let has_value = matches!(number, 1 | 13..=16);
        let is_known = matches!(number, 1..=4 | 11..=18);
        let needs_name = matches!(number, 2 | 3 | 17 | 18);
        if !is_known || (needs_name && name.is_null()) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        let value = if has_value {
            RegValue { kind: options, bytes: bytes(data.cast(), size)?.to_vec() }
        } else {
            nothing()
        };
        let mut batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.commands.len() >= MAX_COMMANDS {
            return Err(ERROR_NOT_ENOUGH_MEMORY);
        }
        batch.commands.push(command(number as u32, text_or_empty(name), value));
        Ok(())
    }

    fn ClusterRegCloseBatch(batch: HREGBATCH, commit: BOOL, failed: *mut i32) -> Long {
        finish(batch, commit != 0, failed)
    }

    fn ClusterRegCloseBatchEx(batch: HREGBATCH, flags: DWORD, failed: *mut i32) -> Long {
        finish(batch, flags & CLOSE_COMMITS != 0, failed)
    }

    fn ClusterRegCreateReadBatch(key: HKEY, result: *mut HREGREADBATCH) -> Long {
        let key = handles::key(key)?;
        need(result)?;
        key.needs(QUERY_VALUE)?;
        put(result, insert(Thing::ReadBatch(Arc::new(Mutex::new(ReadBatch { key, reads: Vec::new() })))));
        Ok(())
    }

    fn ClusterRegReadBatchAddCommand(batch: HREGREADBATCH, sub_key: LPCWSTR, value: LPCWSTR) -> Long {
        let batch = handles::read_batch(batch)?;
        let sub_key = text(sub_key)?;
        let mut batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.reads.len() >= MAX_COMMANDS {
            return Err(ERROR_NOT_ENOUGH_MEMORY);
        }
        batch.reads.push((sub_key, wide::read(value)));
        Ok(())
    }

    fn ClusterRegCloseReadBatch(batch: HREGREADBATCH, reply: *mut HREGREADBATCHREPLY) -> Long {
        read(batch, reply)
    }

    fn ClusterRegCloseReadBatchEx(batch: HREGREADBATCH, _flags: DWORD, reply: *mut HREGREADBATCHREPLY) -> Long {
        read(batch, reply)
    }

    fn ClusterRegReadBatchReplyNextCommand(
        reply: HREGREADBATCHREPLY, target: *mut CLUSTER_READ_BATCH_COMMAND
    ) -> Long {
        let reply = handles::reply(reply)?;
        need(target)?;
        let line = next(&reply.lines, &reply.next)?;
        put(target, CLUSTER_READ_BATCH_COMMAND {
            Command: line.command,
            dwOptions: line.kind,
            wzSubkeyName: line.name.as_ptr(),
            wzValueName: line.value.as_ref().map_or(std::ptr::null(), |value| value.as_ptr()),
            lpData: data_of(line),
            cbData: line.bytes.len() as u32,
        });
        Ok(())
    }

    fn ClusterRegCloseReadBatchReply(reply: HREGREADBATCHREPLY) -> Long {
        handles::close_reply(reply).map(drop)
    }

    fn ClusterRegCreateBatchNotifyPort(key: HKEY, result: *mut HREGBATCHPORT) -> Long {
        let key = handles::key(key)?;
        need(result)?;
        let made = Arc::new(BatchPort { key, queue: Mutex::default(), arrived: Condvar::new() });
        port::watch_keys(&made)?;
        put(result, insert(Thing::BatchPort(made)));
        Ok(())
    }

    fn ClusterRegGetBatchNotification(port: HREGBATCHPORT, result: *mut HREGBATCHNOTIFICATION) -> Long {
        let port = handles::batch_port(port)?;
        need(result)?;
        let lines = port.wait()?;
        put(result, insert(Thing::Notification(Arc::new(Notification { lines, next: Mutex::new(0) }))));
        Ok(())
    }

    fn ClusterRegBatchReadCommand(notification: HREGBATCHNOTIFICATION, target: *mut CLUSTER_BATCH_COMMAND) -> Long {
        let notification = handles::notification(notification)?;
        need(target)?;
        let line = next(&notification.lines, &notification.next)?;
        put(target, CLUSTER_BATCH_COMMAND {
            Command: line.command,
            dwOptions: line.kind,
            wzName: line.name.as_ptr(),
            lpData: data_of(line),
            cbData: line.bytes.len() as u32,
        });
        Ok(())
    }

    fn ClusterRegBatchCloseNotification(notification: HREGBATCHNOTIFICATION) -> Long {
        handles::close_notification(notification).map(drop)
    }

    fn ClusterRegCloseBatchNotifyPort(port: HREGBATCHPORT) -> Long {
        handles::close_batch_port(port)?.close();
        Ok(())
    }
}

/// Carries a batch out or drops it. The handle is gone in any case.
///
/// # Safety
/// `failed` is NULL or writable.
unsafe fn finish(batch: HANDLE, commit: bool, failed: *mut i32) -> Result<(), u32> {
    let batch = handles::close_batch(batch)?;
    let mut batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
    let commands = std::mem::take(&mut batch.commands);
    // SAFETY: the caller's promise.
    unsafe { put(failed, -1) };
    if !commit || commands.is_empty() {
        return Ok(());
    }
    change_or_failed(&batch.key.session, batch.key.path.clone(), commands).map_err(|(index, code)| {
        // SAFETY: the caller's promise.
        unsafe { put(failed, index) };
        code
    })
}

/// Reads everything at once.
///
/// # Safety
/// `reply` is NULL or writable.
unsafe fn read(batch: HANDLE, reply: *mut HANDLE) -> Result<(), u32> {
    need(reply)?;
    let batch = handles::close_read_batch(batch)?;
    let batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wanted = Vec::new();
    for (sub_key, value) in &batch.reads {
        wanted.push((batch.key.below(sub_key)?, value.clone()));
    }
    let Told::Values(found) = batch.key.session.ask(&Ask::ReadMany(wanted))? else { return Err(RPC_S_CALL_FAILED) };
    let lines = batch.reads.iter().zip(found).map(|((sub_key, value), found)| {
        let (command, kind, bytes) = match found {
            Ok(Some(found)) => (READ_VALUE, found.kind, found.bytes),
            Ok(None) => (READ_KEY, 0, Vec::new()),
            Err(code) => (READ_ERROR, 0, code.to_le_bytes().to_vec()),
        };
        Line { command, kind, name: wide::units(sub_key), value: value.as_deref().map(wide::units), bytes }
    });
    let made = Reply { lines: lines.collect(), next: Mutex::new(0) };
    // SAFETY: the caller's promise.
    unsafe { put(reply, insert(Thing::Reply(Arc::new(made)))) };
    Ok(())
}
