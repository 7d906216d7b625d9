//! The witness as the engine sees it: two owners at once, and who may say what.

use clusreg::Hive;
use cluster_engine::replica::{EntryBody, HardState, LogEntry, SnapshotImage, Voters};
use cluster_engine::{Guid, Lineage, PeerBody};

use super::*;

const VOTER: VoterId = VoterId(9);

/// One node and its news.
struct Node {
    witness: Witness,
    news: UnboundedReceiver<WitnessNews>,
    rounds: u64,
    run_dir: tempfile::TempDir,
}

impl Node {
    fn new(node: u32, shared: &Path) -> Node {
        let run_dir = tempfile::tempdir().expect("a folder");
        let storage = StoragePath::of_node(run_dir.path());
        let setting =
            WitnessSetting { node: NodeId(node), shared_dir: shared.to_owned(), storage, log: LogWriter::silent() };
        let (witness, news) = Witness::new(setting);
        Node { witness, news, rounds: 0, run_dir }
    }

    fn ask(&mut self, may_create: bool) {
        self.rounds += 1;
        let place = Place::read(&Hive::new(), Guid(1));
        self.witness.take(Take { round: self.rounds, place, voter: VOTER, may_create });
    }

    /// The next news of the present session.
    fn next(&mut self) -> Said {
        loop {
            let news = self.news.blocking_recv().expect("this node holds the other end too");
            if self.witness.is_current(&news) {
                return news.what;
            }
        }
    }

    fn taken(&mut self, may_create: bool) -> (u64, Stored) {
        self.ask(may_create);
        match self.next() {
            Said::Event(Event::WitnessTaken { round, epoch, stored }) if round == self.rounds => (epoch, *stored),
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, may_create: bool) -> (bool, String) {
        self.ask(may_create);
        match self.next() {
            Said::Event(Event::WitnessRefused { round, missing, text }) if round == self.rounds => (missing, text),
            other => panic!("{other:?}"),
        }
    }

    fn lost(&mut self, epoch: u64) -> String {
        match self.next() {
            Said::Event(Event::WitnessLost { epoch: lost, text }) if lost == epoch => text,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for a take that is answered, and so for the end of everything before it; the result is what was said of
    /// the sessions before.
    fn said_before_a_take(&mut self) -> Vec<Said> {
        self.ask(true);
        let mut said = Vec::new();
        loop {
            let news = self.news.blocking_recv().expect("this node holds the other end too");
            if self.witness.is_current(&news) {
                return said;
            }
            said.push(news.what);
        }
    }
}

/// A batch after which the log ends at `index` and is committed up to there.
fn batch(index: u64) -> Vec<Write> {
    let hard = Write::Hard(HardState { term: 1, vote: 9, commit: index });
    if index == 1 {
        let image = SnapshotImage { index: 1, term: 1, voters: Voters::new(&[9], &[]), data: vec![7] };
        return vec![Write::Snapshot(image), hard];
    }
    vec![Write::Entries(vec![LogEntry { index, term: 1, body: EntryBody::Data(vec![1]) }]), hard]
}

fn message() -> PeerMessage {
    PeerMessage { lineage: Lineage::default(), body: PeerBody::Outdated }
}

#[test]
fn a_store_goes_from_life_to_life() {
    let shared = tempfile::tempdir().expect("a folder");
    let mut node = Node::new(1, shared.path());
    let (missing, text) = node.refused(false);
    assert!(missing, "{text}");
    let (epoch, stored) = node.taken(true);
    assert_eq!(stored, Stored::empty());
    node.witness.persist(epoch, 1, batch(1));
    node.witness.check(epoch, Time(5));
    node.witness.send(epoch, NodeId(2), message());
    node.witness.persist(epoch, 2, batch(2));
    assert_eq!(node.next(), Said::Event(Event::WitnessPersisted { epoch, n: 1 }));
    assert_eq!(node.next(), Said::Event(Event::WitnessChecked { epoch, stamp: Time(5) }));
    assert_eq!(node.next(), Said::Send { to: NodeId(2), message: message() });
    assert_eq!(node.next(), Said::Event(Event::WitnessPersisted { epoch, n: 2 }));
    node.witness.end();
    // Nobody answers for an epoch that is over.
    node.witness.persist(epoch, 3, batch(3));
    let mut other = Node::new(2, shared.path());
    let (later, stored) = other.taken(false);
    assert!(later > epoch);
    assert_eq!((stored.last_index(), stored.hard.commit), (2, 2));
    assert_eq!(node.said_before_a_take(), []);
}

/// Two owners at once: what the fenced one asks for after the epoch was raised is never said.
fn check_fenced(ask: impl Fn(&mut Witness, u64)) {
    let shared = tempfile::tempdir().expect("a folder");
    let (mut first, mut second) = (Node::new(1, shared.path()), Node::new(2, shared.path()));
    let (epoch, _) = first.taken(true);
    first.witness.persist(epoch, 1, batch(1));
    assert_eq!(first.next(), Said::Event(Event::WitnessPersisted { epoch, n: 1 }));
    let (later, stored) = second.taken(false);
    assert_eq!(stored.last_index(), 1, "what was acknowledged is in the copy");
    ask(&mut first.witness, epoch);
    let text = first.lost(epoch);
    assert!(text.contains("node 2"), "{text}");
    // R6: nothing more for this epoch, whatever is asked.
    first.witness.persist(epoch, 3, batch(3));
    first.witness.send(epoch, NodeId(3), message());
    first.witness.check(epoch, Time(7));
    second.witness.persist(later, 1, batch(2));
    assert_eq!(second.next(), Said::Event(Event::WitnessPersisted { epoch: later, n: 1 }));
    assert_eq!(first.said_before_a_take(), []);
}

#[test]
fn a_fenced_owner_acknowledges_no_write() {
    check_fenced(|witness, epoch| witness.persist(epoch, 2, batch(2)));
}

#[test]
fn a_fenced_owner_sends_no_message() {
    check_fenced(|witness, epoch| witness.send(epoch, NodeId(3), message()));
}

#[test]
fn a_fenced_owner_answers_no_read() {
    check_fenced(|witness, epoch| witness.check(epoch, Time(6)));
}

#[test]
fn nothing_acknowledged_is_lost_while_owners_follow_each_other() {
    const OWNERS: u32 = 6;
    let shared = tempfile::tempdir().expect("a folder");
    let mut acknowledged = 0;
    let mut before: Option<(Node, u64)> = None;
    for owner in 1..=OWNERS {
        let mut node = Node::new(owner, shared.path());
        node.ask(owner == 1);
        // The former owner writes on while its store is being copied.
        if let Some((former, epoch)) = &mut before {
            let mut n = 1000;
            loop {
                n += 1;
                former.witness.persist(*epoch, n, batch(acknowledged + 1));
                match former.next() {
                    Said::Event(Event::WitnessPersisted { .. }) => acknowledged += 1,
                    Said::Event(Event::WitnessLost { .. }) => break,
                    other => panic!("{other:?}"),
                }
            }
        }
        let Said::Event(Event::WitnessTaken { epoch, stored, .. }) = node.next() else { panic!("not taken") };
        // One write may be there that nobody was told of.
        assert!((acknowledged..=acknowledged + 1).contains(&stored.last_index()), "{stored:?}");
        acknowledged = stored.last_index();
        for n in 1..=5 {
            acknowledged += 1;
            node.witness.persist(epoch, n, batch(acknowledged));
            assert_eq!(node.next(), Said::Event(Event::WitnessPersisted { epoch, n }));
        }
        before = Some((node, epoch));
    }
}

#[test]
fn a_cut_way_and_an_emptied_device_end_it() {
    let shared = tempfile::tempdir().expect("a folder");
    let mut node = Node::new(1, shared.path());
    let (epoch, _) = node.taken(true);
    let way = StoragePath::of_node(node.run_dir.path());
    way.set_cut(true).expect("cut");
    node.witness.persist(epoch, 1, batch(1));
    let text = node.lost(epoch);
    assert!(text.contains("storage path") && text.contains("21"), "{text}");
    let (missing, text) = node.refused(true);
    assert!(!missing && text.contains("storage path"), "a device out of reach is not an empty one: {text}");
    way.set_cut(false).expect("mended");
    let (epoch, stored) = node.taken(false);
    assert_eq!(stored.last_index(), 1, "the write that was not acknowledged may be there");
    std::fs::remove_dir_all(shared.path().join("quorum")).expect("emptied");
    node.witness.check(epoch, Time(1));
    assert!(node.lost(epoch).contains("emptied or replaced"));
    assert!(node.refused(false).0, "missing");
    std::fs::write(shared.path().join("quorum").join(Guid(1).to_string()).join("MSCS").join("voter-9"), "")
        .expect_err("a folder is there by now");
}

#[test]
fn a_device_that_hangs_is_given_up() {
    let shared = tempfile::tempdir().expect("a folder");
    let mut node = Node::new(1, shared.path());
    // The thread that would do it is not there.
    let (jobs, _queue) = channel();
    node.witness.jobs = Some(jobs);
    node.ask(true);
    for n in 1..QUEUE_JOBS as u64 {
        node.witness.persist(7, n, Vec::new());
    }
    node.witness.send(7, NodeId(2), message());
    node.witness.check(7, Time(1));
    assert!(node.lost(7).contains("too slow"));
    for _ in 0..3 {
        node.witness.end();
        let (missing, text) = node.refused(true);
        assert!(!missing && text.contains("not answered"), "{text}");
    }
    assert!(node.witness.waiting.load(Ordering::Acquire) <= QUEUE_JOBS + 1);
}
