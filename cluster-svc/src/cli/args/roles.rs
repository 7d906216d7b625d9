//! `cluster group`, `cluster resource` and `cluster restype`: what a cluster runs.

use clap::Subcommand;

use super::{Assign, Named};

/// `cluster group`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Group {
    /// All groups
    List {
        /// Only those that this node owns
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
    },
    /// One group with its resources, and why it is not online
    Show(Named),
    /// A new, empty group
    Create {
        /// Its name
        name: String,
        /// Number of the group type (property GroupType)
        #[arg(long = "type", value_name = "NUMBER")]
        group_type: Option<u32>,
    },
    /// Deletes a group
    Delete {
        /// Name or id
        name: String,
        /// And its resources
        #[arg(long)]
        force: bool,
    },
    /// Gives it another name
    Rename {
        /// Name or id
        name: String,
        /// The new name
        new_name: String,
    },
    /// Brings it online
    Online {
        /// Name or id
        name: String,
        /// On this node
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
    },
    /// Takes it offline
    Offline(Named),
    /// Moves it to another node, to the best one when none is named
    Move {
        /// Name or id
        name: String,
        /// To this node
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
    },
    /// Preferred owners in order: show, or set
    Owners {
        /// Name or id
        name: String,
        /// The nodes in order of preference
        nodes: Vec<String>,
        /// No preferred owners
        #[arg(long, conflicts_with = "nodes")]
        clear: bool,
    },
    /// Sets common properties
    Set(Assign),
    /// Common properties
    Properties(Assign),
    /// Where a failover would put it now, and why
    Placement(Named),
}

/// `cluster resource`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Resource {
    /// All resources
    List {
        /// Only those of this group
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
    },
    /// One resource with all that is known of it
    Show(Named),
    /// A new resource, offline
    Create {
        /// Its name
        name: String,
        /// The group it goes into
        #[arg(long, value_name = "GROUP")]
        group: String,
        /// Its resource type
        #[arg(long = "type", value_name = "TYPE")]
        resource_type: String,
        /// A private property, NAME=VALUE; may be given many times
        #[arg(long = "param", value_name = "NAME=VALUE")]
        parameters: Vec<String>,
        /// A common property, NAME=VALUE; may be given many times
        #[arg(long = "property", value_name = "NAME=VALUE")]
        properties: Vec<String>,
        /// In a Resource Monitor of its own
        #[arg(long)]
        separate_monitor: bool,
    },
    /// Deletes it
    Delete(Named),
    /// Gives it another name
    Rename {
        /// Name or id
        name: String,
        /// The new name
        new_name: String,
    },
    /// Brings it online, with what it depends on
    Online(Named),
    /// Takes it offline, with what depends on it
    Offline {
        /// Name or id
        name: String,
        /// Terminate instead of asking
        #[arg(long)]
        force: bool,
    },
    /// Makes it fail, to see the policy at work
    Fail(Named),
    /// Offline, then online again
    Restart(Named),
    /// What it depends on: show, or set as an expression
    #[command(about = "What it depends on: show, or set as an expression such as \"[IP] and ([A] or [B])\"")]
    Depend {
        /// Name or id
        name: String,
        /// The expression; "" for none
        expression: Option<String>,
    },
    /// It depends on one more
    AddDependency {
        /// Name or id
        name: String,
        /// The resource that must be online first
        provider: String,
    },
    /// It no longer depends on that one
    RemoveDependency {
        /// Name or id
        name: String,
        /// The resource it depends on
        provider: String,
    },
    /// Possible owners: show
    Owners(Named),
    /// One more node may host it
    AddOwner {
        /// Name or id
        name: String,
        /// The node
        node: String,
    },
    /// That node may no longer host it
    RemoveOwner {
        /// Name or id
        name: String,
        /// The node
        node: String,
    },
    /// Into another group, with all that hangs together with it
    MoveGroup {
        /// Name or id
        name: String,
        /// The group
        group: String,
    },
    /// Private properties: show, or set with NAME=VALUE
    Params(Assign),
    /// Sets common properties
    Set(Assign),
    /// Common properties
    Properties(Assign),
    /// Sends a control code to its resource library
    Control {
        /// Name or id
        name: String,
        /// The code, decimal or 0x...
        code: String,
        /// Input bytes, hexadecimal
        #[arg(long, value_name = "HEX")]
        input: Option<String>,
    },
}

/// `cluster restype`
#[derive(Subcommand, Debug, Clone, PartialEq)]
pub enum Restype {
    /// All resource types
    List,
    /// One type
    Show(Named),
    /// Makes a resource library known
    Register {
        /// The exact name of the type
        name: String,
        /// The library: a .so, or a .dll for Wine
        #[arg(long, value_name = "FILE")]
        dll: String,
        /// The name that people see
        #[arg(long, value_name = "NAME")]
        display: Option<String>,
        /// Between LooksAlive polls, ms
        #[arg(long, value_name = "MS")]
        looks_alive: Option<u32>,
        /// Between IsAlive polls, ms
        #[arg(long, value_name = "MS")]
        is_alive: Option<u32>,
    },
    /// Forgets a type that no resource uses
    Unregister(Named),
    /// Common properties: show, or set with NAME=VALUE
    Properties(Assign),
}
