//! Quorum devices: what the cluster relies on when it arbitrates (reference 01.3, 07.4). Types without Arbitrate and Release pass
//! with a word.

use std::time::Duration;

use resapi_sys_mock::abi::CLUS_CHAR_QUORUM;
use resapi_sys_mock::codes::control::CLUSCTL_RESOURCE_GET_CHARACTERISTICS;
use resapi_sys_mock::codes::win32::ERROR_SUCCESS;
use resmon::protocol::{EntryPoint, Status, Timing};

use super::stand::{Stand, timing};
use super::{Bench, Case, Outcome, expect, name_of, words};
use crate::api::refused::code_name;

/// How long Arbitrate may take: below the patience of a stand, and below QuorumArbitrationTimeMax (20 s).
const ARBITRATION_LIMIT_MS: u32 = 15_000;
/// How long an owner is watched that nobody challenges.
const WATCH: Duration = Duration::from_millis(300);

pub(super) const ALL: &[Case] = &[
    Case {
        name: "arbitrate and release",
        about: "the device has one owner, who defends it until Release (01.3)",
        run: one_owner,
    },
    Case {
        name: "device of a dead node",
        about: "what a node that died has defended can be won (07.4)",
        run: dead_owner,
    },
];

/// A monitor with the resource open, whose Arbitrate may take its time.
fn opened(bench: &Bench, id: u128) -> Result<Stand, String> {
    let mut stand = bench.stand()?;
    let timing = Timing { deadlock_timeout_ms: ARBITRATION_LIMIT_MS, ..timing() };
    expect("Open", stand.open(id, &name_of(id), bench.library.clone(), timing)?, &Status::Opened)?;
    Ok(stand)
}

fn is_capable(stand: &mut Stand, id: u128) -> Result<bool, String> {
    let (code, output) = stand.control(id, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[])?;
    let bits = output.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).filter(|_| code == ERROR_SUCCESS);
    let bits = bits.ok_or_else(|| format!("ResourceControl GET_CHARACTERISTICS answered {}", code_name(code)))?;
    Ok(bits & CLUS_CHAR_QUORUM != 0)
}

/// The code of Arbitrate or Release.
fn ask(stand: &mut Stand, id: u128, entry: EntryPoint) -> Result<u32, String> {
    match stand.ask(id, entry)? {
        Status::Arbitrated { code } | Status::Released { code } => Ok(code),
        other => Err(format!("Arbitrate or Release ended in {}", words(&other))),
    }
}

fn must(stand: &mut Stand, id: u128, entry: EntryPoint, what: &str) -> Result<(), String> {
    match ask(stand, id, entry)? {
        ERROR_SUCCESS => Ok(()),
        code => Err(format!("{what} answered {}", code_name(code))),
    }
}

fn not_capable(bench: &mut Bench, stand: Stand, id: u128) -> Outcome {
    bench.close(stand, id)?;
    Ok("not quorum-capable".into())
}

fn one_owner(bench: &mut Bench) -> Outcome {
    let id = bench.resource()?;
    let mut here = opened(bench, id)?;
    if !is_capable(&mut here, id)? {
        return not_capable(bench, here, id);
    }
    let mut there = opened(bench, id)?;
    must(&mut here, id, EntryPoint::Arbitrate, "Arbitrate for a device that nobody has")?;
    if ask(&mut there, id, EntryPoint::Arbitrate)? == ERROR_SUCCESS {
        return Err("Arbitrate succeeded on a second node while the first one defends the device".into());
    }
    expect("Online after Arbitrate", here.ask(id, EntryPoint::Online)?, &Status::Online)?;
    if let Some(status) = here.unasked(WATCH)?.first() {
        return Err(format!("the owner of the device did not stay online: {}", words(status)));
    }
    if here.quorum_losses > 0 {
        return Err("QuorumResourceLost was called although nobody has taken the device".into());
    }
    expect("Offline", here.ask(id, EntryPoint::Offline)?, &Status::Offline)?;
    must(&mut here, id, EntryPoint::Release, "Release")?;
    must(&mut there, id, EntryPoint::Arbitrate, "Arbitrate after the other node has released the device")?;
    must(&mut there, id, EntryPoint::Release, "Release on the other node")?;
    bench.close(here, id)?;
    bench.close(there, id)?;
    Ok("won, defended, released, won elsewhere".into())
}

fn dead_owner(bench: &mut Bench) -> Outcome {
    let id = bench.resource()?;
    let mut here = opened(bench, id)?;
    if !is_capable(&mut here, id)? {
        return not_capable(bench, here, id);
    }
    must(&mut here, id, EntryPoint::Arbitrate, "Arbitrate for a device that nobody has")?;
    here.kill();
    let mut there = opened(bench, id)?;
    must(&mut there, id, EntryPoint::Arbitrate, "Arbitrate after the owner died")?;
    expect("Online after Arbitrate", there.ask(id, EntryPoint::Online)?, &Status::Online)?;
    expect("Offline", there.ask(id, EntryPoint::Offline)?, &Status::Offline)?;
    must(&mut there, id, EntryPoint::Release, "Release")?;
    bench.close(there, id)?;
    Ok("won after its owner was killed".into())
}
