//! The network name under which clients know a service.

use std::path::Path;

use serde::Deserialize;

/// Where the names that are online are written, below the directory that all nodes see.
const FOLDER: &str = "names";

/// The part of such a file that matters here.
#[derive(Debug, Deserialize)]
struct Record {
    name: String,
    node: String,
    resource: String,
    resource_id: String,
}

/// The name of the Network Name resource that is a provider and online on this node. `is_provider` is asked with the id and the
/// name of a resource. What cannot be read is no name.
///
/// A record may be that of a resource that has died; but a provider is online before what depends on it, and has written
/// its record anew.
#[must_use]
pub fn own(shared_dir: &Path, node: &str, is_provider: impl Fn(&str, &str) -> bool) -> Option<String> {
    let mut files: Vec<_> =
        std::fs::read_dir(shared_dir.join(FOLDER)).ok()?.flatten().map(|file| file.path()).collect();
    files.sort();
    let records = files.iter().filter(|file| file.extension().is_some_and(|end| end == "json"));
    let mut records = records.filter_map(|file| serde_json::from_slice::<Record>(&std::fs::read(file).ok()?).ok());
    let is_own = |record: &Record| record.node == node && is_provider(&record.resource_id, &record.resource);
    records.find(is_own).map(|record| record.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_provider_on_this_node() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = folder.path().join(FOLDER);
        std::fs::create_dir(&names).expect("made");
        let write = |name: &str, node: &str, resource: &str| {
            let text = format!(
                r#"{{"name":"{name}","node":"{node}","resource":"{resource}","resource_id":"id of {resource}","ttl_s":1}}"#
            );
            std::fs::write(names.join(format!("{name}.json")), text).expect("written");
        };
        write("OTHER", "n1", "Other Name");
        write("ELSEWHERE", "n2", "Web Name");
        write("WEB", "n1", "Web Name");
        std::fs::write(names.join("BAD.json"), "{").expect("written");
        std::fs::write(names.join("WEB.lock"), "").expect("written");
        let found = |node: &str, id: &str| own(folder.path(), node, |an_id, _| an_id == id);
        assert_eq!(found("n1", "id of Web Name").as_deref(), Some("WEB"));
        assert_eq!(found("n2", "id of Web Name").as_deref(), Some("ELSEWHERE"));
        assert_eq!(found("n1", "id of Nobody"), None);
        assert_eq!(own(&folder.path().join("no"), "n1", |_, _| true), None, "no name was ever online");
    }
}
