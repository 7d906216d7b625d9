//! What the cluster serves to clients: the addresses and names that are online, read from the shared directory. The Cluster
//! service answers look-ups from here; the IP Address and Network Name resources write it, as claims of living processes.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::claim::{self, ClaimPath};
use crate::place;

/// An address that is online, as its claim file `addresses/<address>.claim` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRecord {
    /// The address.
    pub address: String,
    /// The node on which it is.
    pub node: String,
    /// The resource, by name.
    pub resource: String,
    /// The resource, by id; empty when the monitor did not tell it.
    pub resource_id: String,
    /// The process that holds the claim.
    pub process_id: u32,
    /// When it was taken, in milliseconds since 1970.
    pub taken_unix_ms: u64,
    /// The interface to which the address was added, when it was.
    pub interface: Option<String>,
}

/// A name that is online, as its file `names/<NAME>.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRecord {
    /// The NetBIOS name.
    pub name: String,
    /// The DNS name.
    pub dns_name: String,
    /// Further names it is known by.
    pub aliases: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// How long a look-up may be remembered, in seconds.
    pub ttl_s: u32,
    /// The node that owns it.
    pub node: String,
    /// The resource, by name.
    pub resource: String,
    /// The resource, by id; empty when the monitor did not tell it.
    pub resource_id: String,
    /// The process that holds the claim.
    pub process_id: u32,
}

pub(crate) const ADDRESS_EXTENSION: &str = "claim";
pub(crate) const NAME_EXTENSION: &str = "json";

/// All addresses that are online in the cluster with this shared directory, by address.
///
/// # Errors
/// Those of the file system.
pub fn addresses(shared_dir: &Path) -> io::Result<Vec<AddressRecord>> {
    claim::living_records(&place::addresses_in(shared_dir), ADDRESS_EXTENSION)
}

/// All names that are online in the cluster with this shared directory, by name.
///
/// # Errors
/// Those of the file system.
pub fn names(shared_dir: &Path) -> io::Result<Vec<NameRecord>> {
    claim::living_records(&place::names_in(shared_dir), NAME_EXTENSION)
}

/// Looks a name up: NetBIOS name, DNS name or alias, without regard to case, when it is online.
///
/// # Errors
/// Those of the file system.
pub fn look_up(shared_dir: &Path, name: &str) -> io::Result<Option<NameRecord>> {
    Ok(names(shared_dir)?.into_iter().find(|record| record.is_known_as(name)))
}

impl NameRecord {
    fn is_known_as(&self, name: &str) -> bool {
        let is_same = |own: &str| own.eq_ignore_ascii_case(name);
        is_same(&self.name) || is_same(&self.dns_name) || self.aliases.iter().any(|alias| is_same(alias))
    }
}

/// Where the claim to an address lies.
pub(crate) fn address_path(shared_dir: &Path, address: &str) -> ClaimPath {
    ClaimPath { folder: place::addresses_in(shared_dir), stem: place::file_name(address), extension: ADDRESS_EXTENSION }
}

/// Where the claim to a name lies.
pub(crate) fn name_path(shared_dir: &Path, name: &str) -> ClaimPath {
    ClaimPath {
        folder: place::names_in(shared_dir),
        stem: place::file_name(&name.to_ascii_uppercase()),
        extension: NAME_EXTENSION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Claim;

    fn record(name: &str) -> NameRecord {
        NameRecord {
            name: name.into(),
            dns_name: format!("{}.example", name.to_ascii_lowercase()),
            aliases: vec!["shop".into()],
            addresses: vec!["127.0.10.1".into()],
            ttl_s: 1200,
            node: "n1".into(),
            resource: "Web Name".into(),
            resource_id: String::new(),
            process_id: std::process::id(),
        }
    }

    #[test]
    fn look_ups_know_all_names_of_what_is_online() {
        let shared = tempfile::tempdir().expect("a folder");
        assert_eq!(look_up(shared.path(), "WEB").expect("an empty cluster"), None);
        let claim = Claim::take(name_path(shared.path(), "Web"), &record("Web")).expect("works").expect("free");
        for name in ["web", "WEB.EXAMPLE", "Shop"] {
            assert_eq!(look_up(shared.path(), name).expect("works"), Some(record("Web")), "{name}");
        }
        assert_eq!(look_up(shared.path(), "other").expect("works"), None);
        assert!(shared.path().join("names/WEB.json").exists());
        drop(claim);
        assert_eq!(look_up(shared.path(), "web").expect("works"), None, "the claimer is dead");
    }
}
