//! IPv4 addresses as the IP Address resource sees them: what is a usable address, what is a subnet mask, and which
//! interface of a computer an address belongs to. Pure functions.

use std::net::Ipv4Addr;

use resapi::Failure;
use resapi::codes::win32;

/// An address and its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    /// The address.
    pub(crate) address: Ipv4Addr,
    /// How many leading bits of it name the network.
    pub(crate) prefix: u32,
}

impl Subnet {
    /// Reads the private properties Address and SubnetMask. An empty mask means 255.0.0.0 for a loopback address; any
    /// other address needs one.
    ///
    /// # Errors
    /// 87 with the text of event 1047 (address) or 1046 (mask).
    pub(crate) fn parse(address: &str, mask: &str) -> Result<Subnet, Failure> {
        let address = parse_address(address)?;
        let prefix = match mask.trim() {
            "" if address.is_loopback() => 8,
            mask => mask.parse().ok().and_then(prefix_of).ok_or_else(|| {
                Failure::new(
                    win32::ERROR_INVALID_PARAMETER,
                    format!("the subnet mask `{mask}` is invalid (event 1046); set SubnetMask to something like 255.255.255.0"),
                )
            })?,
        };
        Ok(Subnet { address, prefix })
    }

    /// Whether `other` is in the same network.
    pub(crate) fn contains(self, other: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
        u32::from(self.address) & mask == u32::from(other) & mask
    }
}

fn parse_address(text: &str) -> Result<Ipv4Addr, Failure> {
    let wrong = |why: &str| {
        Failure::new(
            win32::ERROR_INVALID_PARAMETER,
            format!(
                "the address `{text}` is invalid (event 1047): {why}; set Address to an IPv4 address of one computer"
            ),
        )
    };
    let address: Ipv4Addr = text.trim().parse().map_err(|_| wrong("it is not of the form 127.0.10.1"))?;
    if address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
        return Err(wrong("it does not belong to one computer"));
    }
    Ok(address)
}

fn prefix_of(mask: Ipv4Addr) -> Option<u32> {
    let bits = u32::from(mask);
    let prefix = bits.leading_ones();
    (prefix > 0 && bits.checked_shl(prefix).unwrap_or(0) == 0).then_some(prefix)
}

/// The interface whose own address is in the network of `wanted`, from what `ip -o -4 addr show` prints:
/// `2: eth0    inet 10.0.0.7/24 brd ...`.
pub(crate) fn interface_for(wanted: Subnet, listing: &str) -> Option<String> {
    listing.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let interface = words.nth(1)?;
        let own = words.skip_while(|word| *word != "inet").nth(1)?;
        let own: Ipv4Addr = own.split('/').next()?.parse().ok()?;
        (wanted.contains(own) && !own.is_loopback()).then(|| interface.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_masks() {
        let good = |address: &str, mask: &str, prefix: u32| {
            assert_eq!(Subnet::parse(address, mask).expect(address).prefix, prefix, "{address} {mask}");
        };
        good("127.0.10.1", "", 8);
        good(" 127.0.10.1 ", "255.0.0.0", 8);
        good("10.0.0.5", "255.255.255.0", 24);
        good("10.0.0.5", "255.255.255.255", 32);
        good("10.0.0.5", "128.0.0.0", 1);
    }

    #[test]
    fn nonsense_names_its_event() {
        let bad = |address: &str, mask: &str, event: &str| {
            let failure = Subnet::parse(address, mask).expect_err(address);
            assert_eq!(failure.code, win32::ERROR_INVALID_PARAMETER);
            assert!(failure.message.contains(event), "{}", failure.message);
        };
        for address in [
            "",
            "x",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "::1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "10.0.0.1/24",
        ] {
            bad(address, "255.255.255.0", "1047");
        }
        for mask in ["", "x", "0.0.0.0", "255.0.255.0", "0.255.0.0", "255.255.255.1", "24"] {
            bad("10.0.0.5", mask, "1046");
        }
    }

    #[test]
    fn the_interface_of_a_network() {
        let listing = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n\
                       2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\\ valid\n\
                       3: eth1    inet 192.168.7.1/16 brd 192.168.255.255 scope global eth1\n nonsense\n";
        let check = |address: &str, mask: &str, expected: Option<&str>| {
            let wanted = Subnet::parse(address, mask).expect(address);
            assert_eq!(interface_for(wanted, listing).as_deref(), expected, "{address}");
        };
        check("10.0.0.200", "255.255.255.0", Some("eth0"));
        check("192.168.200.1", "255.255.0.0", Some("eth1"));
        check("10.0.1.200", "255.255.255.0", None);
        check("127.5.5.5", "255.0.0.0", None);
    }
}
