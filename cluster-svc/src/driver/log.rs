//! The cluster log: `log/cluster.log` of a node, in the format of the real one (reference 10.3).
//!
//! Notices of the engine, lines of the monitors and of the libraries in them, and the driver's own lines all go there, in
//! the order in which they were told. A thread writes them; when the disk is so slow that its queue is full, lines are
//! dropped and counted rather than letting anybody wait. `tracing` is for diagnostics of the process itself.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use cluster_engine::Time;
use cluster_engine::{Level, Notice};

use super::clock::Clock;

/// How many lines wait for the disk before new ones are dropped.
const QUEUE_LINES: usize = 4096;
/// A log longer than this many bytes becomes `cluster.log.old`, and a new one is begun.
const MAX_LOG_BYTES: u64 = 32 << 20;
/// Longer lines are cut, in bytes.
pub const MAX_LINE_BYTES: usize = 8192;

/// One line to be written.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Engine time.
    pub at: Time,
    /// The process that speaks.
    pub process_id: u32,
    /// How grave.
    pub level: Level,
    /// The part that speaks, without brackets.
    pub component: &'static str,
    /// What it says. Line breaks are written as blanks.
    pub text: String,
}

/// The way into the log. Copies write to the same file.
#[derive(Clone)]
pub struct LogWriter {
    lines: Option<SyncSender<LogLine>>,
    dropped: Arc<AtomicU64>,
    clock: Clock,
    process_id: u32,
}

/// The thread that writes; ends when the last [`LogWriter`] is gone.
pub struct LogThread(std::thread::JoinHandle<()>);

impl LogThread {
    /// Waits until everything is written. All writers must be dropped first.
    pub fn finish(self) {
        // A panic there was printed by the thread itself.
        let _ = self.0.join();
    }
}

impl LogWriter {
    /// Opens the log and starts its thread.
    ///
    /// # Errors
    /// When the file cannot be opened, or the system gives no thread.
    pub fn open(path: &Path, clock: Clock) -> io::Result<(LogWriter, LogThread)> {
        let file = LogFile::open(path)?;
        let (lines, queue) = sync_channel(QUEUE_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || write_all(file, &queue, &count))?;
        Ok((LogWriter { lines: Some(lines), dropped, clock, process_id: std::process::id() }, LogThread(thread)))
    }

    /// Writes nowhere.
    #[must_use]
    pub fn silent() -> LogWriter {
        LogWriter { lines: None, dropped: Arc::default(), clock: Clock::start(), process_id: std::process::id() }
    }

    /// Writes a line of any process.
    pub fn write(&self, line: LogLine) {
        if let Some(lines) = &self.lines
            && lines.try_send(line).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes a notice of the engine, with its reasons below it.
    pub fn notice(&self, notice: &Notice) {
        let line = |text| LogLine {
            at: notice.at,
            process_id: self.process_id,
            level: notice.level,
            component: notice.component.tag(),
            text,
        };
        let event = notice.event.map(|id| format!(" (event {id})")).unwrap_or_default();
        self.write(line(format!("{}{event}", notice.text)));
        for reason in &notice.why {
            self.write(line(format!("... {reason}")));
        }
    }

    /// The driver's own words: something happened.
    pub fn line(&self, component: &'static str, text: String) {
        self.tell(Level::Information, component, text);
    }

    /// The driver's own words: something went wrong and was dealt with.
    pub fn warning(&self, component: &'static str, text: String) {
        self.tell(Level::Warning, component, text);
    }

    /// The driver's own words: someone must act.
    pub fn error(&self, component: &'static str, text: String) {
        self.tell(Level::Error, component, text);
    }

    fn tell(&self, level: Level, component: &'static str, text: String) {
        self.write(LogLine { at: self.clock.now(), process_id: self.process_id, level, component, text });
    }
}

struct LogFile {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<LogFile> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { path: path.to_owned(), file: BufWriter::new(file), bytes })
    }

    fn write(&mut self, line: &LogLine) -> io::Result<()> {
        let text = format(line);
        if self.bytes > 0 && self.bytes + text.len() as u64 > MAX_LOG_BYTES {
            self.file.flush()?;
            let mut old = self.path.as_os_str().to_owned();
            old.push(".old");
            std::fs::rename(&self.path, PathBuf::from(old))?;
            *self = LogFile::open(&self.path)?;
        }
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }
}

/// Errors of the log's own disk have nowhere to go but the process's error output, and are no reason to stop.
fn write_all(mut file: LogFile, queue: &Receiver<LogLine>, dropped: &AtomicU64) {
    while let Ok(first) = queue.recv() {
        let last_at = first.at;
        let process_id = first.process_id;
        let mut written = file.write(&first);
        for line in queue.try_iter().take(QUEUE_LINES) {
            written = written.and_then(|()| file.write(&line));
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} lines were dropped, the disk is too slow for the log");
            let line = LogLine { at: last_at, process_id, level: Level::Warning, component: "CS", text };
            written = written.and_then(|()| file.write(&line));
        }
        if let Err(error) = written.and_then(|()| file.file.flush()) {
            tracing::warn!("{}: {error}", file.path.display());
        }
    }
}

/// `PPPPPPPP.TTTTTTTT::YYYY/MM/DD-HH:MM:SS.mmm LEVEL [COMPONENT] text`. The service does its work on its first thread,
/// which has the number of the process.
fn format(line: &LogLine) -> String {
    let level = match line.level {
        Level::Debug => "DBG  ",
        Level::Information => "INFO ",
        Level::Warning => "WARN ",
        Level::Error | Level::Critical => "ERR  ",
    };
    let mut text: String = line.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() > MAX_LINE_BYTES {
        let cut = (0..=MAX_LINE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push_str(" ...");
    }
    let id = line.process_id;
    format!("{id:08x}.{id:08x}::{} {level} [{}] {text}\n", stamp(line.at), line.component)
}

/// `YYYY/MM/DD-HH:MM:SS.mmm` in GMT.
fn stamp(at: Time) -> String {
    let timestamp =
        i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    timestamp.strftime("%Y/%m/%d-%H:%M:%S.%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, text: &str) -> LogLine {
        LogLine { at: Time(1_312_552_062_496), process_id: 0x11d0, level, component: "RCM", text: text.into() }
    }

    #[test]
    fn lines_look_like_the_real_ones() {
        let check = |level, text: &str, expected: &str| assert_eq!(format(&line(level, text)), expected);
        let head = "000011d0.000011d0::2011/08/05-13:47:42.496";
        check(Level::Information, "moves", &format!("{head} INFO  [RCM] moves\n"));
        check(Level::Warning, "two\nlines\r", &format!("{head} WARN  [RCM] two lines \n"));
        check(Level::Error, "", &format!("{head} ERR   [RCM] \n"));
        check(Level::Critical, "ä", &format!("{head} ERR   [RCM] ä\n"));
        check(Level::Debug, "d", &format!("{head} DBG   [RCM] d\n"));
        let long = format(&line(Level::Debug, &"ä".repeat(MAX_LINE_BYTES)));
        assert!(long.len() < MAX_LINE_BYTES + 100 && long.ends_with("ä ...\n"));
    }

    #[test]
    fn everything_is_in_the_file_when_the_thread_has_finished() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cluster.log");
        for life in 1..=2 {
            let (writer, thread) = LogWriter::open(&path, Clock::start()).expect("opened");
            writer.line("CS", format!("life {life}"));
            drop(writer);
            thread.finish();
        }
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("[CS] life 1") && text.contains("[CS] life 2"), "{text}");
    }

    #[test]
    fn a_log_that_is_too_long_is_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cluster.log");
        std::fs::write(&path, vec![b'x'; MAX_LOG_BYTES as usize]).expect("written");
        let mut file = LogFile::open(&path).expect("opened");
        file.write(&line(Level::Information, "new")).expect("written");
        file.file.flush().expect("flushed");
        assert!(std::fs::metadata(&path).expect("there").len() < 100);
        assert_eq!(std::fs::metadata(folder.path().join("cluster.log.old")).expect("there").len(), MAX_LOG_BYTES);
    }
}
