//! Owning a disk in real time: one owner, challenges, losses, and what is said about them.

use super::*;
use std::sync::mpsc;

const TERMS: Terms = Terms { interval_ms: 300, least_wait_ms: 0 };

fn ignore() -> OnLost {
    Box::new(|_| {})
}

fn owner(node: &str) -> Ownership {
    Ownership::new(node, Box::new(|_| {}))
}

/// An owner and the sentences that it says.
fn telling(node: &str) -> (Ownership, mpsc::Receiver<String>) {
    let (said, heard) = mpsc::channel();
    // Nobody listens any more once the test is over.
    (Ownership::new(node, Box::new(move |text| drop(said.send(text.to_owned())))), heard)
}

fn disk() -> (tempfile::TempDir, ReservationStore) {
    let disk = tempfile::tempdir().expect("a folder");
    let store = ReservationStore::on_disk(disk.path());
    (disk, store)
}

#[test]
fn one_owner_and_the_next_after_release() {
    let (_disk, store) = disk();
    let (first, second) = (owner("n1"), owner("n2"));
    first.acquire(&store, TERMS, ignore(), || true).expect("free");
    first.acquire(&store, TERMS, ignore(), || true).expect("an owner stays the owner");
    let refused = second.acquire(&store, TERMS, ignore(), || true).expect_err("defended");
    assert_eq!(refused.code, win32::ERROR_QUORUM_OWNER_ALIVE);
    assert!(refused.message.contains("n1"), "{}", refused.message);
    assert!(first.is_held() && first.check(&store).is_ok());
    first.release().expect("works");
    assert!(!first.is_held());
    second.acquire(&store, TERMS, ignore(), || true).expect("free again");
    assert_eq!(first.check(&store).expect_err("n2 has it").code, win32::ERROR_QUORUM_OWNER_ALIVE);
}

#[test]
fn an_owner_that_is_preempted_hears_of_it_once() {
    let (_disk, store) = disk();
    let first = owner("n1");
    let (lost, heard) = mpsc::channel();
    let on_lost = Box::new(move |text: &str| lost.send(text.to_owned()).expect("the test listens"));
    first.acquire(&store, TERMS, on_lost, || true).expect("free");
    // What a challenger writes after the owner was frozen for long enough.
    let thief = Contender { node: "n2".into(), key: 1 };
    loop {
        let version = store.read().expect("works");
        let mut record = version.record;
        let victim = record.holder.clone().expect("n1 holds it");
        record.register(&thief);
        record.preempt(&thief, &victim, TERMS.interval_ms).expect("as seen");
        if store.write(version.serial, &record).expect("works") {
            break;
        }
    }
    let text = heard.recv_timeout(Duration::from_secs(10)).expect("the owner notices");
    assert!(text.contains("n2"), "{text}");
    assert!(!first.is_held());
    assert!(heard.recv_timeout(Duration::from_millis(2 * TERMS.interval_ms)).is_err(), "once");
}

#[test]
fn a_dead_holder_is_preempted() {
    let (_disk, store) = disk();
    let dead = Contender { node: "n1".into(), key: 1 };
    let mut record = store.read().expect("empty").record;
    record.register(&dead);
    record.reserve(&dead, TERMS.interval_ms).expect("free");
    assert!(store.write(0, &record).expect("works"));
    let second = owner("n2");
    let begun = Instant::now();
    second.acquire(&store, TERMS, ignore(), || true).expect("nobody defends");
    assert!(begun.elapsed() >= Duration::from_millis(2 * TERMS.interval_ms), "{:?}", begun.elapsed());
}

#[test]
fn every_step_is_said() {
    let (_disk, store) = disk();
    let (first, first_says) = telling("n1");
    let (second, second_says) = telling("n2");
    let check = |heard: &mpsc::Receiver<String>, parts: &[&str]| {
        for part in parts {
            let text = heard.recv_timeout(Duration::from_secs(10)).expect(part);
            assert!(text.contains(part), "{text} should contain {part}");
        }
    };
    first.acquire(&store, TERMS, ignore(), || true).expect("free");
    check(&first_says, &["nobody holds the reservation", "arbitration won after", "first defence"]);
    first.acquire(&store, TERMS, ignore(), || true).expect("an owner stays the owner");
    check(&first_says, &["holds the reservation already"]);
    second.acquire(&store, TERMS, ignore(), || true).expect_err("defended");
    let waits = format!("waiting {} ms", crate::reservation::challenge_wait_ms(TERMS.interval_ms));
    check(&second_says, &[&waits, "arbitration lost"]);
    first.release().expect("works");
    check(&first_says, &["released"]);
    let mut record = store.read().expect("works").record;
    let dead = Contender { node: "n3".into(), key: 1 };
    record.register(&dead);
    record.reserve(&dead, TERMS.interval_ms).expect("free");
    assert!(store.write(store.read().expect("works").serial, &record).expect("works"));
    second.acquire(&store, TERMS, ignore(), || true).expect("nobody defends");
    check(&second_says, &["node n3 holds", "node n3 is broken", "arbitration won"]);
}

#[test]
fn a_cut_way_is_a_lost_disk() {
    let run_dir = tempfile::tempdir().expect("a folder");
    let way = crate::device::StoragePath::of_node(run_dir.path());
    let (_disk, store) = disk();
    let store = store.through(way.clone());
    let first = owner("n1");
    let (lost, heard) = mpsc::channel();
    first.acquire(&store, TERMS, Box::new(move |text| drop(lost.send(text.to_owned()))), || true).expect("free");
    way.set_cut(true).expect("cut");
    assert_eq!(first.check(&store).expect_err("cut").code, win32::ERROR_NOT_READY);
    let text = heard.recv_timeout(Duration::from_secs(10)).expect("the owner notices");
    assert!(text.contains("storage path"), "{text}");
    assert!(!first.is_held());
    let refused = first.acquire(&store, TERMS, ignore(), || true).expect_err("cut");
    assert_eq!(refused.code, win32::ERROR_NOT_READY);
    way.set_cut(false).expect("mended");
    first.acquire(&store, TERMS, ignore(), || true).expect("what it left behind is its own");
}

#[test]
fn losing_the_disk_itself_is_noticed() {
    let (disk, store) = disk();
    let first = owner("n1");
    let (lost, heard) = mpsc::channel();
    first.acquire(&store, TERMS, Box::new(move |text| drop(lost.send(text.to_owned()))), || true).expect("free");
    std::fs::remove_dir_all(disk.path()).expect("the disk is pulled out");
    std::fs::write(disk.path(), "no folder").expect("and cannot come back");
    let text = heard.recv_timeout(Duration::from_secs(10)).expect("the owner notices");
    assert!(text.contains("could not be defended") || text.contains("removed"), "{text}");
    assert!(!first.is_held());
    std::fs::remove_file(disk.path()).expect("ours");
}

#[test]
fn an_arbitration_can_be_given_up() {
    let (_disk, store) = disk();
    let dead = Contender { node: "n1".into(), key: 1 };
    let mut record = store.read().expect("empty").record;
    record.register(&dead);
    record.reserve(&dead, 600_000).expect("free");
    assert!(store.write(0, &record).expect("works"));
    let second = Arc::new(owner("n2"));
    let terms = Terms { interval_ms: 600_000, least_wait_ms: 0 };
    let waiting = thread::spawn({
        let (second, store) = (Arc::clone(&second), store.clone());
        move || second.acquire(&store, terms, ignore(), || true)
    });
    // A release before the challenge begins would not be meant for it, hence more than one.
    while !waiting.is_finished() {
        second.release().expect("nothing is held");
        thread::yield_now();
    }
    assert_eq!(waiting.join().expect("no panic").expect_err("given up").code, win32::ERROR_OPERATION_ABORTED);
    let mut asked = 0;
    let terms = Terms { interval_ms: 20, least_wait_ms: 600_000 };
    let given_up = second.acquire(&store, terms, ignore(), || {
        asked += 1;
        asked < 3
    });
    assert_eq!(given_up.expect_err("go_on said no").code, win32::ERROR_OPERATION_ABORTED);
    assert_eq!(store.read().expect("works").serial, 1, "a challenger that gave up leaves no trace");
}
