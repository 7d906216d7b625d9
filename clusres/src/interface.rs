//! Adds an address to a real network interface and removes it again, with the system's own commands. Only for addresses
//! outside of 127.0.0.0/8, and only with the privilege to do so; the loopback network needs neither.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Output};

use resapi::Failure;
use resapi::codes::win32;

use crate::address::{Subnet, interface_for};

/// Whether this computer has the address: a socket can be bound to it.
pub(crate) fn has_address(address: Ipv4Addr) -> io::Result<bool> {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) => Err(error),
    }
}

/// The interface to add `subnet` to: the one that the property names, else the one whose own address is in the network.
///
/// # Errors
/// 5894 when there is none.
pub(crate) fn choose(subnet: Subnet, named: &str) -> Result<String, Failure> {
    if !named.is_empty() {
        return Ok(named.to_owned());
    }
    let listing =
        Command::new("ip").args(["-o", "-4", "addr", "show"]).output().map(|output| output.stdout).unwrap_or_default();
    interface_for(subnet, &String::from_utf8_lossy(&listing)).ok_or_else(|| {
        Failure::new(
            win32::ERROR_CLUSTER_NETWORK_NOT_FOUND_FOR_IP,
            format!(
                "no interface of this node is in the network of {}/{} (event 1045); choose an address of 127.0.0.0/8, or name the \
                 interface in the private property Interface",
                subnet.address, subnet.prefix
            ),
        )
    })
}

/// Adds the address.
///
/// # Errors
/// 5 with the system's own words.
pub(crate) fn add(subnet: Subnet, interface: &str) -> Result<(), Failure> {
    let Subnet { address, prefix } = subnet;
    let output = if cfg!(target_os = "macos") {
        let target = if address.is_loopback() { "lo0" } else { interface };
        Command::new("ifconfig").args([target, "alias", &format!("{address}/{prefix}")]).output()
    } else {
        Command::new("ip").args(["addr", "add", &format!("{address}/{prefix}"), "dev", interface]).output()
    };
    judge(output).map_err(|words| {
        Failure::new(
            win32::ERROR_ACCESS_DENIED,
            format!("{address} cannot be added to {interface}: {words}; run the node with the privilege to do so, or use 127.0.0.0/8"),
        )
    })
}

/// Removes the address again.
///
/// # Errors
/// 5 with the system's own words.
pub(crate) fn remove(subnet: Subnet, interface: &str) -> Result<(), Failure> {
    let Subnet { address, prefix } = subnet;
    let output = if cfg!(target_os = "macos") {
        Command::new("ifconfig").args([interface, "-alias", &address.to_string()]).output()
    } else {
        Command::new("ip").args(["addr", "del", &format!("{address}/{prefix}"), "dev", interface]).output()
    };
    judge(output).map_err(|words| {
        Failure::new(win32::ERROR_ACCESS_DENIED, format!("{address} cannot be removed from {interface}: {words}"))
    })
}

fn judge(output: io::Result<Output>) -> Result<(), String> {
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No interface can have an address of 240.0.0.0/4, which is reserved.
    const NOBODYS: &str = "240.0.2.77";

    #[test]
    fn the_loopback_address_is_there_and_a_reserved_one_is_not() {
        assert!(has_address(Ipv4Addr::LOCALHOST).expect("works"));
        assert!(!has_address(NOBODYS.parse().expect("an address")).expect("works"));
    }

    #[test]
    fn a_named_interface_is_taken_and_a_foreign_network_is_refused() {
        let subnet = Subnet::parse(NOBODYS, "255.255.255.0").expect("good");
        assert_eq!(choose(subnet, "eth7").expect("named"), "eth7");
        let failure = choose(subnet, "").expect_err("nobody is in that network");
        assert_eq!(failure.code, win32::ERROR_CLUSTER_NETWORK_NOT_FOUND_FOR_IP);
    }

    #[test]
    fn the_systems_own_words_are_kept() {
        let refused = Command::new("sh").args(["-c", "echo not permitted >&2; exit 2"]).output();
        assert_eq!(judge(refused).expect_err("refused"), "not permitted");
        assert!(judge(Command::new("/no/such/command").output()).is_err());
    }
}
