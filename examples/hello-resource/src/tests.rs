//! The life of a greeting, without a cluster.

use resapi::Value;
use resapi::testing::{self, Outcome};

#[test]
fn the_greeting_is_there_while_online() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greeting");
    let text = path.to_str().unwrap().to_owned();
    let hello = testing::open::<super::Hello>("hello 1", &[("Path", Value::Sz(text))]).unwrap();
    assert_eq!(hello.online(), Outcome::Online);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "Hello, cluster!");
    assert!(hello.is_alive());
    assert_eq!(hello.offline(), Outcome::Offline);
    assert!(!path.exists());
    assert_eq!(hello.online(), Outcome::Online);
    std::fs::remove_file(&path).unwrap();
    assert!(!hello.is_alive(), "somebody took the greeting away");
    assert!(hello.has_logged("ERROR_FILE_NOT_FOUND"));
}

#[test]
fn a_place_that_does_not_exist_is_said() {
    let path = Value::Sz("/no/such/folder/greeting".into());
    let hello = testing::open::<super::Hello>("hello 2", &[("Path", path)]).unwrap();
    assert_eq!(hello.online(), Outcome::Failed);
    assert!(hello.has_logged("Online failed"), "{:?}", hello.log());
}
