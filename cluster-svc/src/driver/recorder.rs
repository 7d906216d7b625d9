//! The recorder: every event that this node's engine took, with its time and the number of effects that came of it.
//!
//! A simulator that feeds the same events at the same times to an engine on the same store gets the same effects; the
//! count tells where a replay first differs. The file begins with a [`RecordHead`]; then comes one [`RecordStep`] after
//! the other, each in a frame of a 4-byte little-endian length and postcard.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use cluster_engine::replica::{Stored, VoterId};
use cluster_engine::{Event, Lineage, NodeId, Time};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The layout of the file.
pub const RECORD_VERSION: u32 = 2;
/// A recording ends when it has this many bytes.
pub const MAX_RECORD_BYTES: u64 = 1 << 30;
/// No step is longer, in bytes.
const MAX_STEP_BYTES: usize = 64 << 20;

/// The beginning of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordHead {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The node's id.
    pub node: NodeId,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// Which life of its service.
    pub incarnation: u64,
    /// Where other nodes reach it.
    pub address: String,
    /// The version of the program.
    pub program: String,
    /// What election time-outs are drawn from.
    pub seed: u64,
    /// When the engine was made.
    pub at: Time,
    /// The line of descent of its store.
    pub lineage: Lineage,
    /// Force quorum began that line, on this node.
    pub forced: bool,
    /// This life was started with prevent quorum.
    pub prevent_quorum: bool,
    /// What its store held then.
    pub stored: Stored,
}

/// One step of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordStep {
    /// When.
    pub at: Time,
    /// What happened.
    pub event: Event,
    /// How many effects came of it.
    pub effects: u32,
}

/// A recording under way.
pub struct Recorder {
    file: BufWriter<File>,
    bytes: u64,
    is_full: bool,
}

impl Recorder {
    /// Begins a recording. An existing file is not overwritten.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn create(path: &Path, head: &RecordHead) -> io::Result<Recorder> {
        let file = File::create_new(path)?;
        let mut recorder = Recorder { file: BufWriter::new(file), bytes: 0, is_full: false };
        recorder.append(head)?;
        Ok(recorder)
    }

    /// Adds a step. Ends silently at [`MAX_RECORD_BYTES`]: a recording is a help, never a reason to stop.
    ///
    /// # Errors
    /// When the disk refuses; the caller gives the recording up.
    pub fn step(&mut self, step: &RecordStep) -> io::Result<()> {
        if self.is_full { Ok(()) } else { self.append(step) }
    }

    fn append<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let body = postcard::to_stdvec(value).map_err(io::Error::other)?;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.bytes += 4 + u64::from(length);
        self.is_full = self.bytes > MAX_RECORD_BYTES;
        if self.is_full {
            return self.file.flush();
        }
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&body)?;
        // A killed service leaves a recording up to its last step.
        self.file.flush()
    }
}

/// Reads a recording back. A step that was cut short by a kill ends it.
///
/// # Errors
/// When the file cannot be read, or is no recording of this version.
pub fn read(path: &Path) -> io::Result<(RecordHead, Vec<RecordStep>)> {
    let mut file = io::BufReader::new(File::open(path)?);
    let no_recording = || io::Error::new(io::ErrorKind::InvalidData, "this is no recording of this version");
    let head: RecordHead = next(&mut file)?.ok_or_else(no_recording)?;
    if head.version != RECORD_VERSION {
        return Err(no_recording());
    }
    let mut steps = Vec::new();
    while let Some(step) = next(&mut file)? {
        steps.push(step);
    }
    Ok((head, steps))
}

fn next<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    let mut body = Vec::new();
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let wanted = u32::from_le_bytes(length) as usize;
    if wanted > MAX_STEP_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a step of {wanted} bytes is too long")));
    }
    from.take(wanted as u64).read_to_end(&mut body)?;
    if body.len() < wanted {
        return Ok(None);
    }
    postcard::from_bytes(&body).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_back_up_to_a_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r");
        let head = RecordHead {
            version: RECORD_VERSION,
            node: NodeId(1),
            voter: VoterId(1),
            incarnation: 2,
            address: "127.0.0.1:1".into(),
            program: "0.1.0".into(),
            seed: 3,
            at: Time(0),
            lineage: Lineage::default(),
            forced: false,
            prevent_quorum: false,
            stored: Stored::empty(),
        };
        let steps: Vec<RecordStep> =
            (1..4).map(|n| RecordStep { at: Time(n), event: Event::Persisted { n }, effects: 2 }).collect();
        let mut recorder = Recorder::create(&path, &head).expect("created");
        for step in &steps {
            recorder.step(step).expect("written");
        }
        assert_eq!(read(&path).expect("read"), (head.clone(), steps.clone()));
        assert!(Recorder::create(&path, &head).is_err(), "a recording is not overwritten");
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("cut");
        assert_eq!(read(&path).expect("read").1, steps[..2]);
        std::fs::write(&path, b"GET / HTTP/1.1").expect("written");
        assert!(read(&path).is_err());
    }
}
