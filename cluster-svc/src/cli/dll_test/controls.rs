//! Control codes: buffers that are too short, private properties there and back, lists that are none (reference 01.8, 04, 05).

use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::codes::win32::{
    ERROR_INVALID_FUNCTION, ERROR_MORE_DATA, ERROR_RESOURCE_PROPERTIES_STORED, ERROR_SUCCESS,
};
use resapi_sys_mock::property_list::{self, Value};
use resapi_sys_mock::wide;
use resmon::protocol::{EntryPoint, Status};

use super::stand::{Probe, Stand};
use super::{Bench, Case, Outcome, expect};
use crate::api::refused::code_name;

/// A buffer in which every answer that is tested fits.
const LARGE_BYTES: u32 = 256 * 1024;

/// A code of nobody's (reference 05.1).
const CODE_OF_NOBODY: u32 = 0x0180_0000 + 4 * 0x7F_FFF0;

pub(super) const ALL: &[Case] = &[
    Case { name: "unknown codes", about: "UNKNOWN answers 0, what is not known answers 1 (01.8)", run: unknown },
    Case {
        name: "short buffers",
        about: "234 and the size needed, nothing beyond the end (01.8, 04.1)",
        run: short_buffers,
    },
    Case {
        name: "private properties",
        about: "what is read can be written, and is read again (04.1)",
        run: round_trip,
    },
    Case { name: "properties elsewhere", about: "what is set on one node is read on another (04.1)", run: elsewhere },
    Case {
        name: "type codes",
        about: "codes for the type, and the formats of its resources (01.8, 04.4)",
        run: type_codes,
    },
    Case {
        name: "malformed lists",
        about: "a list that is none is refused and changes nothing (04.2)",
        run: malformed,
    },
    Case {
        name: "codes while online",
        about: "control codes come at any time but beside each other (01.3)",
        run: online,
    },
    Case { name: "notifications", about: "internal codes are taken without harm (01.8)", run: notifications },
];

/// Codes that read: what a library may answer itself.
const READERS: &[u32] = &[
    CLUSCTL_RESOURCE_GET_CHARACTERISTICS,
    CLUSCTL_RESOURCE_GET_FLAGS,
    CLUSCTL_RESOURCE_GET_CLASS_INFO,
    CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES,
    CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS,
];

/// The same of a type.
const TYPE_READERS: &[u32] = &[
    CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS,
    CLUSCTL_RESOURCE_TYPE_GET_FLAGS,
    CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO,
    CLUSCTL_RESOURCE_TYPE_GET_REQUIRED_DEPENDENCIES,
    CLUSCTL_RESOURCE_TYPE_ENUM_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_TYPE_GET_RO_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTIES,
    CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTY_FMTS,
    CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS,
];

fn label(code: u32) -> String {
    name(code).map_or_else(|| format!("{code:#010x}"), |name| name.trim_start_matches("CLUSCTL_RESOURCE_").to_owned())
}

fn unknown(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let answer = stand.probe(id, CLUSCTL_RESOURCE_UNKNOWN, &[], 0)?;
    if answer.code != ERROR_SUCCESS {
        return Err(format!("ResourceControl answers UNKNOWN with {}, not with 0", code_name(answer.code)));
    }
    let answer = stand.probe(id, CODE_OF_NOBODY, &[1, 2, 3], 16)?;
    if answer.code == ERROR_SUCCESS || answer.has_overrun {
        return Err(format!("ResourceControl answers a code of nobody with {}", code_name(answer.code)));
    }
    for code in
        [CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES, CLUSCTL_RESOURCE_UPGRADE_DLL, CLUSCTL_RESOURCE_GET_NETWORK_NAME]
    {
        let answer = stand.probe(id, code, &[], 0)?;
        if answer.code != ERROR_INVALID_FUNCTION {
            return Err(format!(
                "ResourceControl answers {} with {}; it has to leave it to the monitor with 1",
                label(code),
                code_name(answer.code)
            ));
        }
    }
    bench.close(stand, id)?;
    Ok("UNKNOWN is 0; what is not the library's is left alone".into())
}

/// Asks with every buffer that is interesting for the size that is needed.
fn short_buffers(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let mut answered = 0;
    for code in READERS {
        let what = format!("ResourceControl {}", label(*code));
        answered += u32::from(sizes(&what, |bytes| stand.probe(id, *code, &[], bytes))?);
    }
    for code in TYPE_READERS {
        let what = format!("ResourceTypeControl {}", label(*code));
        let of = &bench.library;
        answered += u32::from(sizes(&what, |bytes| stand.probe_type(of.clone(), *code, bytes))?);
    }
    bench.close(stand, id)?;
    Ok(format!("{answered} codes that the library answers itself, each with up to five sizes"))
}

/// One code with buffers of all interesting sizes. False: the library does not answer it.
fn sizes(what: &str, mut probe: impl FnMut(u32) -> Result<Probe, String>) -> Result<bool, String> {
    let whole = probe(LARGE_BYTES)?;
    if whole.code != ERROR_SUCCESS {
        return Ok(false);
    }
    if whole.returned > LARGE_BYTES || whole.has_overrun {
        return Err(format!("{what} says that it returned {} bytes in a buffer of {LARGE_BYTES}", whole.returned));
    }
    let needed = whole.returned;
    let sizes = [0, 1, needed / 2, needed.saturating_sub(1)];
    for size in sizes.into_iter().filter(|size| *size < needed) {
        let short = probe(size)?;
        let what = format!("{what} with {size} of {needed} bytes");
        if short.has_overrun {
            return Err(format!("{what} wrote beyond the end of the buffer"));
        }
        if short.code != ERROR_MORE_DATA {
            return Err(format!("{what} answered {}, not 234", code_name(short.code)));
        }
        if short.returned < needed {
            return Err(format!("{what} says that {} bytes are needed", short.returned));
        }
    }
    let exact = probe(needed)?;
    if exact.code != ERROR_SUCCESS || exact.has_overrun || exact.output != whole.output {
        let code = code_name(exact.code);
        return Err(format!("{what} with exactly the {needed} bytes that it needs answered {code}"));
    }
    Ok(true)
}

/// The private properties as the caller sees them, whoever answers.
fn properties(stand: &mut Stand, id: u128) -> Result<Vec<u8>, String> {
    let (code, list) = stand.control(id, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[])?;
    if code != ERROR_SUCCESS {
        return Err(format!("ResourceControl GET_PRIVATE_PROPERTIES answered {}", code_name(code)));
    }
    property_list::parse(&list).map_err(|error| format!("ResourceControl GET_PRIVATE_PROPERTIES: {error}"))?;
    Ok(list)
}

fn round_trip(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let before = properties(&mut stand, id)?;
    let parsed = property_list::parse(&before).map_err(|error| error.to_string())?;
    let (code, names) = stand.control(id, CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES, &[])?;
    let names = wide::list(&names).filter(|_| code == ERROR_SUCCESS);
    let names = names.ok_or_else(|| format!("ResourceControl ENUM_PRIVATE_PROPERTIES answered {}", code_name(code)))?;
    for property in &parsed {
        let is_listed = names.iter().any(|name| name.eq_ignore_ascii_case(&property.name));
        if !is_listed {
            return Err(format!("ResourceControl ENUM_PRIVATE_PROPERTIES does not list {}", property.name));
        }
    }
    let (code, formats) = stand.control(id, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS, &[])?;
    if code == ERROR_SUCCESS {
        property_list::parse(&formats).map_err(|error| format!("GET_PRIVATE_PROPERTY_FMTS: {error}"))?;
    }
    for code in [CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES] {
        let (answer, _) = stand.control(id, code, &before)?;
        if !matches!(answer, ERROR_SUCCESS | ERROR_RESOURCE_PROPERTIES_STORED) {
            return Err(format!(
                "ResourceControl {} refuses its own properties with {}",
                label(code),
                code_name(answer)
            ));
        }
        if properties(&mut stand, id)? != before {
            return Err(format!("ResourceControl {} changed values that were set to what they were", label(code)));
        }
    }
    bench.close(stand, id)?;
    Ok(format!("{} private properties", parsed.len()))
}

fn elsewhere(bench: &mut Bench) -> Outcome {
    let (mut here, id) = bench.opened()?;
    let mut there = bench.stand()?;
    bench.open(&mut there, id)?;
    let list = properties(&mut here, id)?;
    let (answer, _) = here.control(id, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list)?;
    if !matches!(answer, ERROR_SUCCESS | ERROR_RESOURCE_PROPERTIES_STORED) {
        return Err(format!("ResourceControl SET_PRIVATE_PROPERTIES answered {}", code_name(answer)));
    }
    if properties(&mut there, id)? != list {
        return Err("ResourceControl GET_PRIVATE_PROPERTIES on another node answers other values".into());
    }
    bench.close(here, id)?;
    bench.close(there, id)?;
    Ok("the same values on both nodes".into())
}

/// The names in a list of formats; nothing when the code is not answered.
fn formats(what: &str, (code, list): (u32, Vec<u8>)) -> Result<Option<Vec<String>>, String> {
    match code {
        ERROR_SUCCESS => {
            let parsed = property_list::parse(&list).map_err(|error| format!("{what}: {error}"))?;
            Ok(Some(parsed.into_iter().map(|property| property.name.to_uppercase()).collect()))
        }
        ERROR_INVALID_FUNCTION => Ok(None),
        code => Err(format!("{what} answered {}", code_name(code))),
    }
}

fn type_codes(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let of = &bench.library;
    for code in [CLUSCTL_RESOURCE_TYPE_UNKNOWN, CODE_OF_NOBODY + 0x0100_0000] {
        let (answer, _) = stand.type_control(of.clone(), code, &[1, 2, 3])?;
        let is_right = answer == ERROR_INVALID_FUNCTION || code == CLUSCTL_RESOURCE_TYPE_UNKNOWN && answer == 0;
        if !is_right {
            return Err(format!("ResourceTypeControl answered {code:#010x} with {}", code_name(answer)));
        }
    }
    let answer = stand.type_control(of.clone(), CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS, &[])?;
    let of_type = formats("ResourceTypeControl GET_PRIVATE_RESOURCE_PROPERTY_FMTS", answer)?;
    let answer = stand.control(id, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS, &[])?;
    let of_resource = formats("ResourceControl GET_PRIVATE_PROPERTY_FMTS", answer)?;
    bench.close(stand, id)?;
    match (of_type, of_resource) {
        (Some(of_type), Some(of_resource)) if of_type == of_resource => {
            Ok(format!("type and resource name the same {} private properties", of_type.len()))
        }
        (Some(of_type), Some(of_resource)) => Err(format!(
            "the type says that its resources have the properties {of_type:?}, the resource has {of_resource:?}"
        )),
        (None, _) | (_, None) => Ok("nothing was said of formats, or by one of both only".into()),
    }
}

/// Lists that no reader may take for one.
fn broken_lists(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut lists: Vec<(String, Vec<u8>)> = Vec::new();
    let step = (good.len() / 24).max(1);
    lists.extend(
        (0..good.len()).step_by(step).map(|length| (format!("cut after {length} bytes"), good[..length].to_vec())),
    );
    let with = |at: usize, number: u32| {
        let mut list = good.to_vec();
        if let Some(place) = list.get_mut(at..at + 4) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        list
    };
    lists.push(("a count of 4 billion".into(), with(0, u32::MAX)));
    lists.push(("a count that is one too high".into(), with(0, 2)));
    lists.push(("a value instead of a name".into(), with(4, 0x0001_0002)));
    lists.push(("a name of 4 billion bytes".into(), with(8, u32::MAX)));
    lists.push(("a name that is longer than the list".into(), with(8, 0x1000)));
    // Only those that are really none.
    lists.retain(|(_, list)| property_list::parse(list).is_err());
    lists
}

fn malformed(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let before = properties(&mut stand, id)?;
    let good = match property_list::parse(&before) {
        Ok(list) if !list.is_empty() => before.clone(),
        Ok(_) | Err(_) => property_list::build([("Name", Value::Sz("value".into()))]),
    };
    let lists = broken_lists(&good);
    for (what, list) in &lists {
        for code in [CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES] {
            let (answer, _) = stand.control(id, code, list).map_err(|why| format!("{} {what}: {why}", label(code)))?;
            if matches!(answer, ERROR_SUCCESS | ERROR_RESOURCE_PROPERTIES_STORED) {
                return Err(format!("ResourceControl {} accepts a malformed list ({what})", label(code)));
            }
        }
    }
    if properties(&mut stand, id)? != before {
        return Err("ResourceControl SET_PRIVATE_PROPERTIES changed something although it refused the list".into());
    }
    bench.close(stand, id)?;
    Ok(format!("{} malformed lists refused", lists.len()))
}

fn online(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let request = stand.call(id, EntryPoint::Online);
    for code in READERS {
        stand.control(id, *code, &[]).map_err(|why| format!("{}: {why}", label(*code)))?;
    }
    expect("Online", stand.outcome(id, request)?, &Status::Online)?;
    let list = properties(&mut stand, id)?;
    let (answer, _) = stand.control(id, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list)?;
    if !matches!(answer, ERROR_SUCCESS | ERROR_RESOURCE_PROPERTIES_STORED) {
        return Err(format!("ResourceControl SET_PRIVATE_PROPERTIES while online answered {}", code_name(answer)));
    }
    expect("Offline", stand.ask(id, EntryPoint::Offline)?, &Status::Offline)?;
    bench.close(stand, id)?;
    Ok(format!("{} codes around an Online", READERS.len()))
}

fn notifications(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let codes = [
        CLUSCTL_RESOURCE_ADD_DEPENDENCY,
        CLUSCTL_RESOURCE_REMOVE_DEPENDENCY,
        CLUSCTL_RESOURCE_ADD_OWNER,
        CLUSCTL_RESOURCE_REMOVE_OWNER,
        CLUSCTL_RESOURCE_SET_NAME,
        CLUSCTL_RESOURCE_INSTALL_NODE,
        CLUSCTL_RESOURCE_EVICT_NODE,
        CLUSCTL_RESOURCE_CLUSTER_NAME_CHANGED,
        CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE,
    ];
    for code in codes {
        for input in [wide::bytes("another name"), Vec::new()] {
            let what = |why: String| format!("ResourceControl {}: {why}", label(code));
            let answer = stand.probe(id, code, &input, 0).map_err(what)?;
            if answer.has_overrun {
                return Err(format!("ResourceControl {} wrote into a buffer that is not there", label(code)));
            }
        }
    }
    // A deletion comes last.
    stand.probe(id, CLUSCTL_RESOURCE_DELETE, &[], 0)?;
    bench.close(stand, id)?;
    Ok(format!("{} internal codes with and without input", codes.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lists_are_broken() {
        let good = property_list::build([("Path", Value::Sz("/x".into())), ("Port", Value::Dword(4))]);
        let lists = broken_lists(&good);
        assert!(lists.len() > 20, "{}", lists.len());
        assert!(lists.iter().all(|(_, list)| property_list::parse(list).is_err()));
    }
}
