//! The store against its reference implementation, its behaviour at a crash, and damage.

use std::process::{Command, Stdio};

use cluster_engine::replica::{EntryBody, HardState};

use super::*;

const ME: VoterId = VoterId(4);

fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry { index, term, body: EntryBody::Data(vec![index as u8; (index % 7) as usize + 1]) }
}

fn image(index: u64, term: u64, size: usize) -> SnapshotImage {
    SnapshotImage { index, term, voters: Voters::new(&[4], &[]), data: vec![index as u8; size] }
}

fn hard(term: u64, commit: u64) -> Write {
    Write::Hard(HardState { term, vote: 4, commit })
}

/// Writes the batches, reopening the store after each, and compares with [`Stored::write`].
fn check(first: &Stored, batches: &[Vec<Write>]) {
    let folder = tempfile::tempdir().expect("a folder");
    StoreFile::create(folder.path(), ME, first).expect("created");
    let mut expected = first.clone();
    for batch in batches {
        let (mut file, stored) = StoreFile::open(folder.path(), ME).expect("opened");
        assert_eq!(stored, expected);
        file.write(batch).expect("written");
        file.db.flush().expect("flushed");
        expected.write(batch);
    }
    let (_, stored) = StoreFile::open(folder.path(), ME).expect("opened");
    assert_eq!(stored, expected);
}

#[test]
fn batches_mean_what_the_reference_says() {
    let first = Stored::first(Voters::new(&[4], &[]), vec![1, 2, 3]);
    check(&first, &[]);
    check(&Stored::empty(), &[]);
    check(
        &first,
        &[
            vec![Write::Entries((2..10).map(|i| entry(i, 1)).collect()), hard(1, 5)],
            // Another leader overwrites the end.
            vec![hard(2, 5), Write::Entries(vec![entry(7, 2), entry(8, 2)])],
            vec![Write::Compact(image(6, 1, 3 * CHUNK_BYTES + 1)), hard(2, 6)],
            vec![Write::Entries(vec![entry(9, 2)])],
            vec![Write::Compact(image(9, 2, CHUNK_BYTES))],
            vec![Write::Entries(vec![entry(10, 2), entry(11, 2)])],
            // A leader's snapshot throws the whole log away.
            vec![hard(3, 20), Write::Snapshot(image(20, 3, 0)), Write::Entries(vec![entry(21, 3)])],
        ],
    );
    check(
        &Stored::empty(),
        &[vec![hard(3, 20), Write::Snapshot(image(20, 3, 5))], vec![Write::Entries(vec![entry(21, 3)])]],
    );
}

#[test]
fn a_store_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = StoreFile::open(folder.path(), ME).map(|_| ()).expect_err("empty").to_string();
    assert!(error.contains("is empty") && error.contains("--rebuild"), "{error}");
    StoreFile::create(folder.path(), VoterId(9), &Stored::empty()).expect("created");
    let error = StoreFile::open(folder.path(), ME).map(|_| ()).expect_err("another voter").to_string();
    assert!(error.contains("voter 9") && error.contains(&folder.path().display().to_string()), "{error}");
}

#[test]
fn records_that_make_no_sense_are_damage() {
    let check = |op: TreeOp, part: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Stored::first(Voters::new(&[4], &[]), vec![1, 2, 3]);
        StoreFile::create(folder.path(), ME, &first).expect("created");
        Db::open(folder.path()).expect("opened").commit(&[op]).expect("written");
        let error = StoreFile::open(folder.path(), ME).map(|_| ()).expect_err(part).to_string();
        assert!(error.contains(part) && error.contains("--rebuild"), "{error}");
    };
    check(TreeOp::put(TREE, HARD_KEY, [0xff; 3]), "cannot be read");
    check(TreeOp::put(TREE, HARD_KEY, [0; 9]), "left over");
    check(TreeOp::put(TREE, chunk_key(1), [1]), "4 of 3 bytes");
    check(TreeOp::put(TREE, entry_key(2), bytes(&entry(3, 1))), "place of another");
    check(TreeOp::put(TREE, entry_key(3), bytes(&entry(3, 1))), "log entry 2 is missing");
    check(TreeOp::put(TREE, b"x", [1]), "unknown key");
    check(TreeOp::put(TREE, HARD_KEY, bytes(&HardState { term: 1, vote: 0, commit: 9 })), "committed");
}

const CHILD_VARIABLE: &str = "WOLFDEN_TEST_STORE_CHILD";

/// Not a test of its own: the process that [`acknowledged_writes_survive_a_kill`] starts and kills.
#[test]
fn writer_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_VARIABLE) else { return };
    let (file, stored) = StoreFile::open(Path::new(&folder), ME).expect("opened");
    let mut store = Store::start(file, LogWriter::silent()).expect("a thread");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (mut asked, first) = (0, stored.last_index() + 1);
        loop {
            while asked < store.progress.borrow().persisted + 8 {
                asked += 1;
                store.persist(asked, vec![Write::Entries(vec![entry(first + asked - 1, 1)])]);
            }
            store.progress.changed().await.expect("the thread lives");
            println!("persisted {}", first + store.progress.borrow().persisted - 1);
        }
    });
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder");
    let first = Stored::first(Voters::new(&[4], &[]), vec![1]);
    StoreFile::create(folder.path(), ME, &first).expect("created");
    for round in 1..=6_usize {
        let mut child = Command::new(std::env::current_exe().expect("a test has an executable"))
            .args(["--exact", "driver::store::tests::writer_that_is_killed", "--nocapture"])
            .env(CHILD_VARIABLE, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let number = |line: String| line.strip_prefix("persisted ").and_then(|n| n.parse::<u64>().ok());
        let mut last = said.by_ref().filter_map(number).nth(round * 5).expect("it writes");
        child.kill().expect("ours");
        child.wait().expect("ours");
        last = said.filter_map(number).last().unwrap_or(last);
        let (_, stored) = StoreFile::open(folder.path(), ME).expect("opened after a kill");
        assert!(stored.last_index() >= last, "round {round}: {} of {last}", stored.last_index());
        let expected: Vec<LogEntry> = (2..=stored.last_index()).map(|index| entry(index, 1)).collect();
        assert_eq!(stored.entries, expected);
    }
}
