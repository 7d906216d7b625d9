//! Types of every version of the interface, and what becomes of each control code of the reference.

use resapi_sys_mock::codes::control;
use resapi_sys_mock::codes::routing::{Fallback, Route, route};
use resmon::protocol::*;

use crate::libraries::versions;
use crate::service::{Service, timing, type_of};

/// Codes of the fixture's own.
const HEARD: u32 = 0x0180_0004;
const SLOW: u32 = 0x0180_0008;
const ARGUMENTS: u32 = 0x0180_000C;
const TYPE_HEARD: u32 = 0x0280_0004;

fn numbers(answer: (u32, Vec<u8>)) -> Vec<u32> {
    assert_eq!(answer.0, 0);
    answer.1.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

#[test]
fn every_version_lives_a_whole_life() {
    for version in 1..=4 {
        let mut service = Service::start(&[]);
        let of = type_of(&format!("V{version}"), versions());
        for id in [1, 2] {
            assert_eq!(service.open(id, "d", of.clone(), timing()), Status::Opened, "V{version}");
        }
        assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
        assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
        assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
        assert_eq!(service.ask(1, EntryPoint::Terminate), Status::Terminated);
        // Later versions get flags, a property list and a destination; here there are none of them.
        let expected = if version == 1 { [0, 1, 1, 0] } else { [100, 100, 100, 0] };
        assert_eq!(numbers(service.control(1, ARGUMENTS, &[])), expected, "V{version}");
        let late = service.control(1, SLOW, &[]);
        let expected = if version < 3 { (1, Vec::new()) } else { (0, b"late".to_vec()) };
        assert_eq!(late, expected, "V{version}: a control that is answered later");
        // Both phases of the start, once, before anything else, although there are two instances.
        let heard = numbers(service.type_control(of.clone(), TYPE_HEARD, &[]));
        assert_eq!(
            heard,
            [control::CLUSCTL_RESOURCE_TYPE_STARTING_PHASE1, control::CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2]
        );
        assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
        service.shut_down();
    }
}

/// Sends every code of resources and of types that a library may hear. `name` says whether the library answers or leaves the
/// code to the monitor.
fn answers(name: &str) -> Vec<(&'static str, u32, u32, Vec<u8>)> {
    let mut service = Service::start(&[]);
    let of = type_of("V4", versions());
    assert_eq!(service.open(1, name, of.clone(), timing()), Status::Opened);
    // Why a resource goes offline is told when it goes offline, and only to who wants to hear it: it is none here.
    let is_sent = |code: &u32| *code != control::CLUSCTL_RESOURCE_STATE_CHANGE_REASON;
    let codes = control::RESOURCE.iter().chain(control::RESOURCE_TYPE).filter(|(_, code)| is_sent(code));
    let mut all = Vec::new();
    for (name, code) in codes {
        // A list without properties: good for those that set, no matter for those that read.
        let input = [0, 0, 0, 0];
        let (result, output) = match control::object(*code) {
            1 => service.control(1, *code, &input),
            _ => service.type_control(of.clone(), *code, &input),
        };
        all.push((*name, *code, result, output));
    }
    let heard = numbers(service.control(1, HEARD, &[]));
    let resource_codes: Vec<u32> =
        control::RESOURCE.iter().map(|(_, code)| *code).filter(|c| control::object(*c) == 1 && is_sent(c)).collect();
    assert_eq!(heard, resource_codes, "the library hears every code that is sent, once and in order");
    service.shut_down();
    all
}

#[test]
fn what_the_library_answers_is_passed_on_as_it_is() {
    for (name, code, result, output) in answers("answers") {
        if control::object(code) == 1 {
            assert_eq!((result, output), (0, code.to_le_bytes().to_vec()), "{name}");
        }
    }
}

#[test]
fn what_the_library_leaves_alone_is_processed_where_the_reference_says() {
    for (name, code, result, output) in answers("default") {
        let expected = match route(code) {
            // The monitor has its own processing for these ...
            Route::Library(Fallback::Monitor) => 0,
            // ... and passes the 1 of the library on for all others: the service has, or nobody.
            Route::Library(Fallback::Service | Fallback::Success | Fallback::None)
            | Route::Service
            | Route::Notification
            | Route::Nobody => 1,
        };
        assert_eq!(result, expected, "{name}");
        let bytes = match name.trim_start_matches("CLUSCTL_RESOURCE_").trim_start_matches("TYPE_") {
            _ if result != 0 => 0,
            "GET_CHARACTERISTICS" | "GET_FLAGS" => 4,
            "GET_CLASS_INFO" => 8,
            "ENUM_PRIVATE_PROPERTIES" => 2,
            "GET_PRIVATE_PROPERTIES" | "GET_RO_PRIVATE_PROPERTIES" => 4,
            _ => 0,
        };
        assert_eq!(output.len(), bytes, "{name}: {output:?}");
    }
}
