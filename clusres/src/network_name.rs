//! Network Name: the name under which clients find a group, wherever it runs (reference 09.2).
//!
//! There is no DNS or NetBIOS to register with. A name is a claim in the shared directory, and the Cluster service answers
//! look-ups from the names that are claimed (see [`crate::tables`]). Its addresses are those of the IP Address resources
//! that it depends on; when one of several goes or comes, the record follows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use resapi::codes::{control, win32};
use resapi::{Context, Control, Failure, Progress, Property, Required, ResourceType, Value, providers};

use crate::claim::Claim;
use crate::instance::Instance;
use crate::tables::{self, NameRecord};

/// The longest NetBIOS name, in characters.
const NAME_LIMIT: usize = 15;
/// Signs that no computer name may have.
const FORBIDDEN: &str = "\\/:*?\"<>|,~!@#$%^&'.(){} ";
/// What a status property says when the registration is done.
const STATUS_REGISTERED: u32 = 0;

/// One name.
pub struct NetworkName {
    instance: Instance,
    held: Mutex<Option<Held>>,
}

struct Held {
    claim: Claim,
    record: NameRecord,
}

impl ResourceType for NetworkName {
    const NAME: &'static str = "Network Name";
    const REQUIRED_DEPENDENCIES: &'static [Required] = &[Required::Type("IP Address")];
    const PROPERTIES: &'static [Property] = &[
        Property::text("Name").required(),
        Property::text("DnsName"),
        Property::text("Aliases"),
        Property::number("HostRecordTTL", 1200),
        Property::number("RegisterAllProvidersIP", 0).range(0, 1),
        Property::number("PublishPTRRecords", 0).range(0, 1),
        Property::number("RemapPipeNames", 0).range(0, 1),
        Property::number("RequireDNS", 0).range(0, 1),
        Property::text("CreatingDC").read_only(),
        Property::text("DnsSuffix").read_only(),
        Property::text("ObjectGUID").read_only(),
        Property::bytes("ResourceData").read_only(),
        Property::number("StatusDNS", u32::MAX).read_only(),
        Property::number("StatusKerberos", u32::MAX).read_only(),
        Property::number("StatusNetBIOS", u32::MAX).read_only(),
    ];

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(NetworkName { instance: Instance::open(context)?, held: Mutex::default() })
    }

    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        self.end();
        let record = self.record()?;
        let path = tables::name_path(&self.instance.place.shared_dir, &record.name);
        let claim = match Claim::take(path, &record)? {
            Ok(claim) => claim,
            Err(other) => return Err(duplicate(&record.name, other.as_ref())),
        };
        *self.held() = Some(Held { claim, record });
        if progress.is_stop_requested() {
            self.end();
            return Err(Failure::stopped());
        }
        self.note_status();
        Ok(())
    }

    fn is_alive(&self) -> Result<(), Failure> {
        self.follow_addresses()?;
        match &*self.held() {
            Some(held) if held.claim.is_intact() => Ok(()),
            Some(held) => Err(Failure::new(
                win32::ERROR_INVALID_STATE,
                format!(
                    "the registration of {} was removed from the shared directory; bring the resource online again",
                    held.record.name
                ),
            )),
            None => Err(Failure::new(win32::ERROR_INVALID_STATE, "the name is not online")),
        }
    }

    fn offline(&self, _progress: &Progress) -> Result<(), Failure> {
        self.end();
        Ok(())
    }

    fn terminate(&self) {
        self.end();
    }

    fn control(&self, code: u32, _input: &[u8]) -> Control {
        if code != control::CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE {
            return Control::Default;
        }
        match self.follow_addresses() {
            Ok(()) => Control::done(),
            Err(failure) => Control::Refused(failure),
        }
    }
}

impl NetworkName {
    fn record(&self) -> Result<NameRecord, Failure> {
        let properties = self.instance.context.properties();
        let name = check_name(&properties.text("Name"), &self.instance.place.node)?;
        let dns_name = Some(properties.text("DnsName")).filter(|dns_name| !dns_name.is_empty());
        let aliases = properties.text("Aliases");
        Ok(NameRecord {
            dns_name: dns_name.unwrap_or_else(|| name.to_ascii_lowercase()),
            aliases: aliases.split([',', ';', ' ']).filter(|alias| !alias.is_empty()).map(str::to_owned).collect(),
            addresses: self.addresses()?,
            ttl_s: properties.number("HostRecordTTL"),
            node: self.instance.place.node.clone(),
            resource: self.instance.name().to_owned(),
            resource_id: self.instance.id.clone(),
            process_id: std::process::id(),
            name,
        })
    }

    /// The addresses of this name that are online on this node, in order.
    fn addresses(&self) -> Result<Vec<String>, Failure> {
        let references = self.instance.providers();
        let here: Vec<_> = tables::addresses(&self.instance.place.shared_dir)?
            .into_iter()
            .filter(|record| record.node == self.instance.place.node)
            .collect();
        let own: Vec<String> = here
            .iter()
            .filter(|record| providers::contains(&references, &record.resource_id, &record.resource))
            .map(|record| record.address.clone())
            .collect();
        if own.is_empty() {
            return Err(Failure::new(
                win32::ERROR_DEPENDENCY_NOT_FOUND,
                format!(
                    "no usable address for the name (event 1051): none of the IP Address resources that {} depends on is online on node \
                     {}; add a dependency on an IP Address and bring it online",
                    self.instance.name(),
                    self.instance.place.node
                ),
            ));
        }
        Ok(own)
    }

    /// Publishes the present addresses when they are others than those published.
    fn follow_addresses(&self) -> Result<(), Failure> {
        let addresses = self.addresses()?;
        let mut held = self.held();
        if let Some(held) = held.as_mut().filter(|held| held.record.addresses != addresses) {
            let record = NameRecord { addresses, ..held.record.clone() };
            held.claim.write(&record)?;
            self.instance.context.log().info(format_args!("{} is now at {}", record.name, record.addresses.join(", ")));
            held.record = record;
        }
        Ok(())
    }

    /// Shows the result of the registration in the status properties.
    fn note_status(&self) {
        let properties = self.instance.context.properties();
        for status in ["StatusDNS", "StatusNetBIOS"] {
            if properties.number(status) != STATUS_REGISTERED
                && let Err(failure) = properties.store(status, Value::Dword(STATUS_REGISTERED))
            {
                self.instance.context.log().warning(format_args!("{status} cannot be stored: {}", failure.message));
            }
        }
    }

    fn end(&self) {
        let held = self.held().take();
        if let Some(held) = held
            && let Err(error) = held.claim.release()
        {
            self.instance
                .context
                .log()
                .warning(format_args!("the file of {} stays behind, without effect: {error}", held.record.name));
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name as it is registered.
fn check_name(name: &str, node: &str) -> Result<String, Failure> {
    let name = name.trim();
    let problem = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.chars().count() > NAME_LIMIT {
        format!("it has more than {NAME_LIMIT} characters")
    } else if let Some(sign) = name.chars().find(|sign| !sign.is_ascii_graphic() || FORBIDDEN.contains(*sign)) {
        format!("it has the sign `{sign}`")
    } else {
        if name.eq_ignore_ascii_case(node) {
            return Err(Failure::new(
                win32::ERROR_DUP_NAME,
                format!("{name} is the name of this node (event 1050); set the private property Name to another name"),
            ));
        }
        return Ok(name.to_owned());
    };
    Err(Failure::new(
        win32::ERROR_INVALID_NAME,
        format!("the network name `{name}` is invalid: {problem}; use up to {NAME_LIMIT} letters, digits and hyphens"),
    ))
}

fn duplicate(name: &str, other: Option<&NameRecord>) -> Failure {
    let how = other.map_or_else(
        || "another resource is just registering it".to_owned(),
        |other| format!("resource {} on node {} has it", other.resource, other.node),
    );
    Failure::new(win32::ERROR_DUP_NAME, format!("the network name {name} is a duplicate: {how}; choose another name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, code: u32| {
            let code_of = |checked: Result<String, Failure>| checked.map_or_else(|failure| failure.code, |_| 0);
            assert_eq!(code_of(check_name(name, "N1")), code, "{name}");
        };
        check("WEB", 0);
        check("web-1_x", 0);
        check("ABCDEFGHIJKLMNO", 0);
        check("ABCDEFGHIJKLMNOP", win32::ERROR_INVALID_NAME);
        for bad in ["", " ", "a b", "a.b", "a/b", "..", "ä", "a\u{7}"] {
            check(bad, win32::ERROR_INVALID_NAME);
        }
        check("n1", win32::ERROR_DUP_NAME);
    }
}
