//! Names of things: nodes, groups, resources, requests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A node of the cluster, 1..=64, as the decimal key names below `Nodes` in the cluster registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a group or a resource, made by whoever proposes its creation; the engine has no dice.
///
/// Written as Windows writes it: `6b1a0c3e-0000-4000-8000-000000000001`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Guid(pub u128);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = ();

    /// Reads the form that `Display` writes, with or without braces and hyphens, in either case.
    fn from_str(text: &str) -> Result<Guid, ()> {
        let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        u128::from_str_radix(&digits, 16).map(Guid).map_err(|_| ())
    }
}

/// One request of one node's engine. Every proposal carries one, so that it takes effect once however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// Where the request was made.
    pub node: NodeId,
    /// Which life of that node's service.
    pub incarnation: u64,
    /// Counts the requests of that life, from 1.
    pub sequence: u64,
}

/// Which line of descent a store belongs to. Force quorum begins a new one; messages of an older one are refused, so that
/// a past that was forced out cannot return (docs/witness.md, force quorum).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lineage {
    /// Raised by one with each forced quorum. 0: never forced.
    pub number: u64,
    /// Drawn by whoever forces, so that two that are forced at the same time are told apart: the greater one wins.
    pub draw: u64,
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number == 0 { f.write_str("0") } else { write!(f, "{}-{:016x}", self.number, self.draw) }
    }
}
