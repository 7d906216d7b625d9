//! Killed at a random moment (SIGKILL), a node loses nothing that was acknowledged, and its hive is whole.
//!
//! This program starts itself as a child, told apart by an environment variable. The child goes on from the hive it
//! finds and commits one numbered step after the other, printing each number when `commit` has returned. The parent
//! kills it, opens the store, and works the steps out for itself: the hive must be exactly the one after step n, for
//! an n not below the last printed one, and the record beside the hive must be that of the same step.
//! CLUSREG_KILL_SEED repeats the moments of a run.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use clusreg::store::{Db, HiveStore, TreeOp};
use clusreg::{Batch, FileTime, Hive, Value};

const FOLDER_VARIABLE: &str = "CLUSREG_KILL_FOLDER";
const SEED_VARIABLE: &str = "CLUSREG_KILL_SEED";
const ROUNDS: u64 = 24;
const LONGEST_LIFE_MS: u64 = 60;

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        commit_until_killed(Path::new(&folder));
        return ExitCode::FAILURE;
    }
    if std::env::args().any(|argument| argument == "--list") {
        println!("kill: test");
        return ExitCode::SUCCESS;
    }
    // As for any test program, names given on the command line choose what runs.
    let mut names = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    if names.peek().is_some() && !names.any(|name| "kill".contains(&name)) {
        return ExitCode::SUCCESS;
    }
    let given = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("kill: {ROUNDS} rounds with {SEED_VARIABLE}={seed}");
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut expected = Hive::new();
    let mut known = 0;
    for round in 0..ROUNDS {
        let random = mix(seed ^ mix(round));
        let printed = run_and_kill(folder.path(), Duration::from_micros(random % (LONGEST_LIFE_MS * 1000)));
        let reached = check(folder.path(), &mut expected, known, printed);
        println!("kill: round {round}: {printed} acknowledged, {reached} there");
        known = reached;
    }
    assert!(known > ROUNDS, "the child got nowhere: {known} steps");
    println!("test result: ok. {ROUNDS} kills, {known} commits");
    ExitCode::SUCCESS
}

/// The batch of step `number`: it creates, replaces and deletes, from a few bytes to several chunks.
fn step(number: u64) -> Batch {
    let size = mix(number) % if number.is_multiple_of(7) { 30_000 } else { 300 };
    Batch::at("")
        .set_value("Step", Value::qword(number))
        .create_key(format!("Keys\\{}\\Parameters", number % 40))
        .set_value("Data", Value::binary(vec![number as u8; size as usize]))
        .create_key("Keys")
        .set_value(format!("v{}", number % 11), Value::sz(&number.to_string()))
        .delete_tree(format!("Keys\\{}", mix(number) % 60))
}

fn apply_step(hive: &mut Hive, number: u64) {
    hive.apply(&step(number), FileTime(number)).expect("every step is a good batch");
}

fn steps_in(hive: &Hive) -> u64 {
    hive.value("", "Step").and_then(Value::as_qword).unwrap_or(0)
}

fn commit_until_killed(folder: &Path) {
    let (mut store, mut hive) = HiveStore::open(Db::open(folder.join("store")).expect("opens")).expect("whole");
    let mut out = std::io::stdout().lock();
    // The parent kills us long before; this bounds the life of a child that lost its parent.
    for number in steps_in(&hive) + 1..steps_in(&hive) + 1_000_000 {
        apply_step(&mut hive, number);
        let beside = TreeOp::put("beside", "step", number.to_string().repeat(1 + number as usize % 2000));
        store.commit_with(&hive, &[beside]).expect("commits");
        if writeln!(out, "{number}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// Kills the child whatever happens to the test.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets the child live for a while after its first commit and returns the last number it printed.
fn run_and_kill(folder: &Path, life: Duration) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let child = Command::new(program).env(FOLDER_VARIABLE, folder).stdout(Stdio::piped()).spawn().expect("starts");
    let mut child = KillOnDrop(child);
    let mut lines = BufReader::new(child.0.stdout.take().expect("piped")).lines();
    let mut number = || lines.next()?.ok()?.parse::<u64>().ok();
    let first = number().expect("the child makes its first commit");
    std::thread::sleep(life);
    child.0.kill().expect("kills");
    // The rest of what it printed is in the pipe. A number cut short by the kill cannot be: they go out in one write.
    std::iter::from_fn(number).last().unwrap_or(first)
}

/// Opens the store and checks it; returns the step it is at.
fn check(folder: &Path, expected: &mut Hive, known: u64, printed: u64) -> u64 {
    let db = Db::open(folder.join("store")).expect("opens after the kill");
    let (store, hive) = HiveStore::open(db).expect("the hive is whole");
    let reached = steps_in(&hive);
    assert!(reached >= printed, "{printed} was acknowledged and only {reached} is there");
    for number in known + 1..=reached {
        apply_step(expected, number);
    }
    assert!(hive == *expected, "the hive is not the one after step {reached}");
    let beside = store.db().get("beside", b"step").expect("reads").expect("written with the hive");
    assert_eq!(beside, reached.to_string().repeat(1 + reached as usize % 2000).into_bytes());
    reached
}

/// Spreads the bits of a number (the finalizer of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
