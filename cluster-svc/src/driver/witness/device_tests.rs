//! The device step by step: torn copies, crashes between the steps of a take, sleepers, and what is removed when.

use cluster_engine::replica::{EntryBody, HardState, LogEntry, SnapshotImage, Voters, Write};

use super::*;

const VOTER: VoterId = VoterId(9);
const NODE: NodeId = NodeId(1);
/// So much of a store is left that it is seen to be one, and its records are gone.
const TORN_BYTES: u64 = 1000;

fn device() -> (tempfile::TempDir, Device) {
    let folder = tempfile::tempdir().expect("a folder");
    let device = Device::new(folder.path().join("q"), StoragePath::of_node(folder.path()));
    (folder, device)
}

/// A batch after which the log ends at `index`.
fn batch(index: u64) -> Vec<Write> {
    let hard = Write::Hard(HardState { term: 1, vote: 9, commit: index });
    if index == 1 {
        let image = SnapshotImage { index: 1, term: 1, voters: Voters::new(&[9], &[]), data: vec![7; 5000] };
        return vec![Write::Snapshot(image), hard];
    }
    vec![Write::Entries(vec![LogEntry { index, term: 1, body: EntryBody::Data(vec![1; 100]) }]), hard]
}

/// All steps of a take.
fn take(device: &Device, may_create: bool) -> Result<(Claim, StoreFile, Stored), Trouble> {
    let claim = device.claim(NODE)?;
    device.copy_newest(&claim, VOTER, may_create)?;
    device.complete_copy(&claim, VOTER)?;
    let (file, stored) = device.open(&claim, VOTER)?;
    device.check(&claim)?;
    Ok((claim, file, stored))
}

/// Makes one more entry durable.
fn write(file: &mut StoreFile, index: u64) {
    file.write(&batch(index)).expect("written");
    file.flush().expect("flushed");
}

#[test]
fn a_crash_between_any_two_steps_leaves_what_the_next_take_can_use() {
    let (_folder, device) = device();
    let (_, mut file, stored) = take(&device, true).expect("a new store");
    assert_eq!(stored, Stored::empty());
    write(&mut file, 1);
    let mut index = 1;
    for steps in 0..=3 {
        // The owner is not told and goes on holding its store open: a frozen process.
        let claim = device.claim(NODE).expect("claimed");
        if steps >= 1 {
            device.copy_newest(&claim, VOTER, false).expect("copied");
        }
        if steps >= 2 {
            device.complete_copy(&claim, VOTER).expect("renamed");
        }
        let opened = (steps >= 3).then(|| device.open(&claim, VOTER).expect("opened"));
        drop(opened);
        let (next, mut newer, stored) = take(&device, false).expect("the next take");
        assert!(next.epoch > claim.epoch);
        assert_eq!(stored.last_index(), index, "after {steps} steps");
        index += 1;
        write(&mut newer, index);
        file = newer;
    }
    drop(file);
    assert_eq!(take(&device, false).expect("the last").2.last_index(), index);
}

#[test]
fn a_torn_copy_is_made_again_and_a_damaged_store_is_told() {
    let (_folder, device) = device();
    let (_, mut file, _) = take(&device, true).expect("a new store");
    write(&mut file, 1);
    drop(file);
    let mut copies = 0;
    let mut torn = |times: u32| {
        let claim = device.claim(NODE).expect("claimed");
        copies = 0;
        let tearing = |from: &Path, to: &Path| {
            copies += 1;
            copy_store(from, to)?;
            if copies <= times {
                let db = to.join("db");
                File::options().write(true).open(&db).and_then(|db| db.set_len(TORN_BYTES)).expect("torn");
            }
            Ok(())
        };
        let copied = device.copy_newest_by(tearing, &claim, VOTER, false);
        (copied, copies, claim)
    };
    let (copied, copies, claim) = torn(2);
    assert_eq!((copied.expect("the third was whole"), copies), (Copied { source: Some(1) }, 3));
    device.complete_copy(&claim, VOTER).expect("renamed");
    assert_eq!(device.open(&claim, VOTER).expect("opened").1.last_index(), 1);
    let (copied, copies, _) = torn(u32::MAX);
    let text = copied.expect_err("never whole").to_string();
    assert_eq!(copies, COPIES);
    assert!(text.contains("could not be copied") && text.contains("cluster quorum set"), "{text}");
    assert!(!text.contains("--rebuild"), "that does not help here: {text}");
    assert_eq!(take(&device, false).expect("a torn copy is no store").2.last_index(), 1);
}

#[test]
fn an_emptied_device_is_missing_and_its_owner_notices() {
    let (_folder, device) = device();
    let (claim, mut file, _) = take(&device, true).expect("a new store");
    write(&mut file, 1);
    device.check(&claim).expect("its own");
    fs::remove_dir_all(&device.folder).expect("emptied");
    assert!(matches!(device.check(&claim), Err(Trouble::Emptied { .. })));
    drop(file);
    assert!(matches!(take(&device, false), Err(Trouble::Missing { .. })));
    // Another voter's store is none of this one's.
    take(&device, true).expect("a new store");
    let claim = device.claim(NODE).expect("claimed");
    assert!(matches!(device.copy_newest(&claim, VoterId(10), false), Err(Trouble::Missing { .. })));
}

#[test]
fn who_slept_for_long_cannot_put_the_ownership_back() {
    let (_folder, device) = device();
    let asleep = device.claim(NodeId(2)).expect("claimed");
    let mut newest = asleep.clone();
    for _ in 0..3 * OWNERS_KEPT {
        newest = device.claim(NODE).expect("claimed");
    }
    assert!(fs::read_dir(&device.folder).expect("there").count() as u64 <= 2 * OWNERS_KEPT);
    // What the sleeper was about to publish.
    let text = serde_json::to_vec(&asleep).expect("JSON");
    assert!(publish_new(&device.owner_path(asleep.epoch), &text).expect("written"), "its number was free again");
    device.check(&newest).expect("still the owner");
    let error = device.check(&asleep).expect_err("fenced").to_string();
    assert!(error.contains("node 1"), "{error}");
    // Somebody removes all owners, but not the stores: numbers go on.
    take(&device, true).expect("a new store");
    for name in names_in(&device.folder).expect("there").iter().filter(|name| name.starts_with("owner-")) {
        fs::remove_file(device.folder.join(name)).expect("removed");
    }
    assert!(device.claim(NODE).expect("claimed").epoch > newest.epoch);
}

#[test]
fn claims_at_the_same_time_get_different_epochs() {
    let (_folder, device) = device();
    let threads = 4;
    let claims = std::thread::scope(|scope| {
        let claim = || (0..8).map(|_| device.claim(NODE).expect("claimed").epoch).collect::<Vec<_>>();
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(claim)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    let mut different = claims.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), claims.len(), "{claims:?}");
}

#[test]
fn old_stores_go_after_a_commit_and_a_few_before() {
    let (_folder, device) = device();
    let (_, mut file, _) = take(&device, true).expect("a new store");
    write(&mut file, 1);
    drop(file);
    let complete = || device.stores(VOTER).expect("listed").complete;
    for _ in 0..4 {
        take(&device, false).expect("taken");
    }
    assert_eq!(complete(), [1, 2, 3, 4, 5]);
    device.tidy_a_little(VOTER);
    assert_eq!(complete(), [3, 4, 5]);
    let left_over = device.claim(NODE).expect("claimed");
    device.copy_newest(&left_over, VOTER, false).expect("copied");
    let (claim, _, _) = take(&device, false).expect("taken");
    device.tidy(&claim, VOTER, Some(5));
    assert_eq!(complete(), [5, 7], "the one it was copied from stays");
    assert!(device.unfinished(VOTER, 6).exists(), "somebody may be making it just now");
    let (claim, _, _) = take(&device, false).expect("taken");
    device.tidy(&claim, VOTER, Some(7));
    assert_eq!(complete(), [7, 8]);
    assert!(!device.unfinished(VOTER, 6).exists());
}

#[test]
fn what_the_system_refuses_is_told_with_the_place() {
    let (folder, device) = device();
    let check = |error: Trouble, part: &str| {
        let text = error.to_string();
        assert!(text.contains(part) && text.contains(&folder.path().display().to_string()), "{text}");
    };
    fs::write(&device.folder, "no folder").expect("written");
    check(device.claim(NODE).expect_err("no folder"), "has room");
    fs::remove_file(&device.folder).expect("ours");
    let claim = device.claim(NODE).expect("claimed");
    fs::write(device.voter_folder(VOTER), "no folder").expect("written");
    check(device.copy_newest(&claim, VOTER, true).expect_err("no folder"), "has room");
    fs::write(device.owner_path(claim.epoch), "{").expect("damaged");
    check(device.check(&claim).expect_err("damaged"), "owner-1.json");
    device.storage.set_cut(true).expect("cut");
    check(device.check(&claim).expect_err("cut"), "storage path");
    check(device.claim(NODE).expect_err("cut"), "storage path");
    check(device.copy_newest(&claim, VOTER, true).expect_err("cut"), "storage path");
}
