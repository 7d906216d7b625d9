//! IP Address: an address that follows its group from node to node (reference 09.2).
//!
//! Duplicate detection, which the real type does by asking the network, is a claim in the shared directory: one living
//! process of the cluster may have an address. All of 127.0.0.0/8 is there for everybody on Linux, so such an address needs
//! no privilege and several nodes on one machine can each have their own. Any other address is added to a real interface
//! with the system's own command, if this process may do that; one that the computer has already is used as it is.

use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use resapi::codes::win32;
use resapi::{Context, Failure, Progress, Property, ResourceClass, ResourceType};

use crate::address::Subnet;
use crate::claim::{self, Claim};
use crate::instance::Instance;
use crate::interface;
use crate::probe::Probe;
use crate::tables::{self, AddressRecord};

/// One address.
pub struct IpAddress {
    instance: Instance,
    held: Mutex<Option<Held>>,
}

/// What an address that is online consists of.
struct Held {
    subnet: Subnet,
    claim: Claim,
    probe: Option<Probe>,
    /// The interface from which the address has to be removed again.
    interface: Option<String>,
}

impl ResourceType for IpAddress {
    const NAME: &'static str = "IP Address";
    const CLASS: ResourceClass = ResourceClass::Network;
    const PROPERTIES: &'static [Property] = &[
        Property::text("Address").required(),
        Property::text("SubnetMask"),
        Property::text("Network"),
        Property::number("EnableNetBIOS", 1).range(0, 2),
        Property::number("EnableDhcp", 0).range(0, 1),
        Property::number("OverrideAddressMatch", 0).range(0, 1),
        Property::number("ProbePort", 0).range(0, 65_535),
        Property::number("ProbeFailureThreshold", 0),
        Property::text("DhcpAddress").read_only(),
        Property::text("DhcpServer").read_only(),
        Property::text("DhcpSubnetMask").read_only(),
        // Ours: the interface for an address outside of 127.0.0.0/8; empty = the one that is in its network.
        Property::text("Interface"),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(IpAddress { instance: Instance::open(context)?, held: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        let properties = self.instance.context.properties();
        if properties.number("EnableDhcp") == 1 {
            return Err(Failure::new(
                win32::ERROR_NOT_SUPPORTED,
                "no lease can be obtained (event 1240): DHCP is not emulated; set EnableDhcp to 0 and Address to an address",
            ));
        }
        let subnet = Subnet::parse(&properties.text("Address"), &properties.text("SubnetMask"))?;
        self.end();
        let mut held = self.claim(subnet)?;
        if let Err(failure) = self.make_usable(&mut held) {
            self.give_up(held);
            return Err(failure);
        }
        *self.held() = Some(held);
        if progress.is_stop_requested() {
            self.end();
            return Err(Failure::stopped());
        }
        Ok(())
    }

    fn is_alive(&self) -> Result<(), Failure> {
        let held = self.held();
        let Some(held) = held.as_ref() else {
            return Err(Failure::new(win32::ERROR_INVALID_STATE, "the address is not online"));
        };
        if !held.claim.is_intact() {
            return Err(in_use(held.subnet.address, "the claim to it was removed from the shared directory"));
        }
        if !interface::has_address(held.subnet.address)? {
            return Err(Failure::new(
                win32::ERROR_NETWORK_NOT_AVAILABLE,
                format!(
                    "the interface of {} failed its check (event 1077): the computer does not have the address any more",
                    held.subnet.address
                ),
            ));
        }
        Ok(())
    }

    fn offline(&self, _progress: &Progress) -> Result<(), Failure> {
        self.end();
        Ok(())
    }

    fn terminate(&self) {
        self.end();
    }
}

impl IpAddress {
    fn claim(&self, subnet: Subnet) -> Result<Held, Failure> {
        let address = subnet.address.to_string();
        let path = tables::address_path(&self.instance.place.shared_dir, &address);
        // What a killed monitor of this node added to an interface is ours to remove.
        let left_over: Option<AddressRecord> = claim::last_record(&path);
        let interface =
            left_over.filter(|record| record.node == self.instance.place.node).and_then(|record| record.interface);
        let claim = match Claim::take(path, &self.record(subnet.address, interface.clone()))? {
            Ok(claim) => claim,
            Err(Some(other)) => {
                return Err(in_use(
                    subnet.address,
                    &format!("resource {} on node {} has it", other.resource, other.node),
                ));
            }
            Err(None) => return Err(in_use(subnet.address, "another resource is just taking it")),
        };
        Ok(Held { subnet, claim, probe: None, interface })
    }

    fn make_usable(&self, held: &mut Held) -> Result<(), Failure> {
        let properties = self.instance.context.properties();
        let subnet = held.subnet;
        if !interface::has_address(subnet.address)? {
            let interface = interface::choose(subnet, &self.interface_name(subnet.address))?;
            interface::add(subnet, &interface)?;
            held.interface = Some(interface.clone());
            held.claim.write(&self.record(subnet.address, Some(interface)))?;
        }
        let port = properties.number("ProbePort");
        if let Some(port) = u16::try_from(port).ok().filter(|port| *port != 0) {
            let probe = Probe::listen(subnet.address, port).map_err(|error| {
                let failure = Failure::from(error);
                Failure::new(
                    failure.code,
                    format!("the probe port {port} of {} cannot be opened: {}", subnet.address, failure.message),
                )
            })?;
            self.instance.context.log().info(format_args!("probes are answered at {}", probe.at()));
            held.probe = Some(probe);
        }
        Ok(())
    }

    /// The interface the user names. For a loopback address (only macOS lacks some of them) it is known.
    fn interface_name(&self, address: Ipv4Addr) -> String {
        let named = self.instance.context.properties().text("Interface");
        if named.is_empty() && address.is_loopback() { "lo0".to_owned() } else { named }
    }

    fn record(&self, address: Ipv4Addr, interface: Option<String>) -> AddressRecord {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        AddressRecord {
            address: address.to_string(),
            node: self.instance.place.node.clone(),
            resource: self.instance.name().to_owned(),
            resource_id: self.instance.id.clone(),
            process_id: std::process::id(),
            taken_unix_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            interface,
        }
    }

    fn end(&self) {
        let held = self.held().take();
        if let Some(held) = held {
            self.give_up(held);
        }
    }

    fn give_up(&self, held: Held) {
        let log = self.instance.context.log();
        drop(held.probe);
        if let Some(interface) = &held.interface
            && let Err(failure) = interface::remove(held.subnet, interface)
        {
            log.warning(failure.message);
        }
        if let Err(error) = held.claim.release() {
            log.warning(format_args!("the claim to {} stays behind, without effect: {error}", held.subnet.address));
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_use(address: Ipv4Addr, how: &str) -> Failure {
    Failure::new(
        win32::ERROR_CLUSTER_IPADDR_IN_USE,
        format!("{address} is in use (event 1049): {how}; choose another address or take that resource offline"),
    )
}
