//! The lives of resources: every documented order of calls, and some moments that authors forget (reference 01.3, 01.4).

use std::time::Duration;

use resapi_sys_mock::codes::control::{CLUSCTL_RESOURCE_GET_CLASS_INFO, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES};
use resmon::protocol::{EntryPoint, Status};

use super::stand::{Stand, timing};
use super::{Bench, Case, Outcome, expect, name_of, words};

/// The case without which no other makes sense.
pub(super) const FIRST: &str = "open and close";

/// How often a resource goes online and offline in the case about that.
const CYCLES: u32 = 10;
/// How long a resource is watched while online, so that each poll comes several times.
const WATCH: Duration = Duration::from_millis(300);
/// When Terminate comes after Online was asked for, in milliseconds.
const MOMENTS_MS: [u64; 12] = [0, 0, 1, 2, 3, 5, 8, 13, 21, 50, 120, 300];
/// How many resources are opened side by side.
const CROWD: u128 = 5;

pub(super) const ALL: &[Case] = &[
    Case { name: FIRST, about: "Open creates the instance offline, Close frees it (01.3)", run: open_and_close },
    Case { name: "online and offline", about: "Open, Online, Offline, Close (01.1)", run: online_and_offline },
    Case { name: "polls", about: "LooksAlive and IsAlive say TRUE while online (01.3)", run: polls },
    Case { name: "again and again", about: "Online after Offline, ten times (01.3)", run: cycles },
    Case {
        name: "terminate",
        about: "Terminate ends an online resource; Online works afterwards (01.3)",
        run: terminate,
    },
    Case { name: "terminate when offline", about: "Terminate is harmless when nothing runs, and twice", run: harmless },
    Case { name: "pending", about: "Online and Offline may take time, and end once (01.4)", run: pending },
    Case {
        name: "terminate beside other calls",
        about: "Terminate overlaps polls and control codes (01.3)",
        run: beside,
    },
    Case { name: "terminate at any moment", about: "Terminate overlaps Online and Offline (01.3)", run: any_moment },
    Case {
        name: "close without offline",
        about: "Close comes after Terminate when the resource is online (01.3)",
        run: close,
    },
    Case { name: "several at once", about: "instances of a type do not disturb each other (01.3)", run: crowd },
    Case { name: "open again", about: "Open after Close gives an instance that works", run: open_again },
    Case { name: "failover", about: "offline here, online in another monitor (01.3)", run: failover },
    Case { name: "failover after a crash", about: "the monitor was killed, online in another one", run: crash },
    Case { name: "orderly end", about: "the monitor ends with the resource online", run: orderly_end },
];

fn online(stand: &mut Stand, id: u128) -> Result<(), String> {
    expect("Online", stand.ask(id, EntryPoint::Online)?, &Status::Online)
}

fn offline(stand: &mut Stand, id: u128) -> Result<(), String> {
    expect("Offline", stand.ask(id, EntryPoint::Offline)?, &Status::Offline)
}

fn stop(stand: &mut Stand, id: u128) -> Result<(), String> {
    expect("Terminate", stand.ask(id, EntryPoint::Terminate)?, &Status::Terminated)
}

fn open_and_close(bench: &mut Bench) -> Outcome {
    let (stand, id) = bench.opened()?;
    bench.close(stand, id)?;
    Ok("opened and closed".into())
}

fn online_and_offline(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    online(&mut stand, id)?;
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok("came online and went offline".into())
}

fn polls(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    online(&mut stand, id)?;
    if let Some(status) = stand.unasked(WATCH)?.first() {
        return Err(format!("the resource did not stay online: {}", words(status)));
    }
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok(format!("alive for {} ms with polls every 20 and 40 ms", WATCH.as_millis()))
}

fn cycles(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    for cycle in 1..=CYCLES {
        online(&mut stand, id).map_err(|why| format!("time {cycle}: {why}"))?;
        offline(&mut stand, id).map_err(|why| format!("time {cycle}: {why}"))?;
    }
    bench.close(stand, id)?;
    Ok(format!("{CYCLES} times online and offline"))
}

fn terminate(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    online(&mut stand, id)?;
    stop(&mut stand, id)?;
    online(&mut stand, id).map_err(|why| format!("after Terminate: {why}"))?;
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok("terminated, and online again".into())
}

fn harmless(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    stop(&mut stand, id)?;
    stop(&mut stand, id)?;
    online(&mut stand, id).map_err(|why| format!("after Terminate: {why}"))?;
    stop(&mut stand, id)?;
    stop(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok("four times terminated".into())
}

fn any_moment(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    for moment in MOMENTS_MS {
        let wait = Duration::from_millis(moment);
        let at = |what: &'static str| move |why: String| format!("Terminate {moment} ms into {what}: {why}");
        stand.call(id, EntryPoint::Online);
        std::thread::sleep(wait);
        stop(&mut stand, id).map_err(at("Online"))?;
        online(&mut stand, id).map_err(at("Online"))?;
        stand.call(id, EntryPoint::Offline);
        std::thread::sleep(wait);
        stop(&mut stand, id).map_err(at("Offline"))?;
    }
    // Statuses of calls that were broken off interest nobody; that the resource still works does.
    online(&mut stand, id)?;
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok(format!("at {} moments of Online and of Offline", MOMENTS_MS.len()))
}

/// What came of a call, with the checkpoints on the way.
fn story(stand: &mut Stand, id: u128, entry: EntryPoint, wanted: &Status) -> Result<String, String> {
    let call = format!("{entry:?}");
    let request = stand.call(id, entry);
    let (checkpoints, status) = stand.story(id, request)?;
    expect(&call, status, wanted)?;
    // A second end, or a pending report after the end, is a report that nobody asked for.
    if let Some(status) = stand.unasked(WATCH)?.first() {
        return Err(format!("{call} was over, and then the library reported {}", words(status)));
    }
    if checkpoints.windows(2).any(|two| two[1] <= two[0]) {
        return Err(format!("{call}: the checkpoints {checkpoints:?} do not grow"));
    }
    Ok(match checkpoints.last() {
        None => format!("{call} at once"),
        Some(last) => format!("{call} with {} pending reports, the last one with CheckPoint {last}", checkpoints.len()),
    })
}

fn pending(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    let online = story(&mut stand, id, EntryPoint::Online, &Status::Online)?;
    let offline = story(&mut stand, id, EntryPoint::Offline, &Status::Offline)?;
    bench.close(stand, id)?;
    Ok(format!("{online}, {offline}"))
}

fn beside(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    for moment in MOMENTS_MS {
        let at = move |why: String| format!("Terminate {moment} ms after Online, beside a control code: {why}");
        online(&mut stand, id).map_err(at)?;
        std::thread::sleep(Duration::from_millis(moment));
        for code in [CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, CLUSCTL_RESOURCE_GET_CLASS_INFO] {
            stand.control_meanwhile(id, code);
        }
        stop(&mut stand, id).map_err(at)?;
    }
    online(&mut stand, id)?;
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok(format!("{} times, with polls every 20 and 40 ms", MOMENTS_MS.len()))
}

fn close(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    online(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok("closed while online".into())
}

fn crowd(bench: &mut Bench) -> Outcome {
    let mut stand = bench.stand()?;
    let ids = (0..CROWD).map(|_| bench.resource()).collect::<Result<Vec<_>, _>>()?;
    for id in &ids {
        bench.open(&mut stand, *id)?;
    }
    let requests: Vec<u64> = ids.iter().map(|id| stand.call(*id, EntryPoint::Online)).collect();
    for (id, request) in ids.iter().zip(requests) {
        expect(&format!("Online of {}", name_of(*id)), stand.outcome(*id, request)?, &Status::Online)?;
    }
    let (first, rest) = ids.split_first().ok_or("no resources")?;
    stop(&mut stand, *first)?;
    if let Some(status) = stand.unasked(WATCH)?.first() {
        return Err(format!("the end of one resource disturbed another: {}", words(status)));
    }
    for id in rest {
        offline(&mut stand, *id)?;
    }
    for id in &ids {
        expect("Close", stand.ask(*id, EntryPoint::Close)?, &Status::Closed)?;
    }
    let remarks = stand.end()?;
    bench.remarks.extend(remarks);
    Ok(format!("{CROWD} resources side by side"))
}

fn open_again(bench: &mut Bench) -> Outcome {
    let (mut stand, id) = bench.opened()?;
    online(&mut stand, id)?;
    offline(&mut stand, id)?;
    expect("Close", stand.ask(id, EntryPoint::Close)?, &Status::Closed)?;
    bench.open(&mut stand, id).map_err(|why| format!("the second time: {why}"))?;
    online(&mut stand, id)?;
    offline(&mut stand, id)?;
    bench.close(stand, id)?;
    Ok("closed and opened again".into())
}

fn failover(bench: &mut Bench) -> Outcome {
    let (mut here, id) = bench.opened()?;
    let mut there = bench.stand()?;
    // A resource is open on every possible owner, and online on one.
    bench.open(&mut there, id)?;
    online(&mut here, id)?;
    offline(&mut here, id)?;
    online(&mut there, id).map_err(|why| format!("on the other node: {why}"))?;
    if let Some(status) = there.unasked(WATCH)?.first() {
        return Err(format!("on the other node it did not stay online: {}", words(status)));
    }
    offline(&mut there, id)?;
    bench.close(here, id)?;
    bench.close(there, id)?;
    Ok("from one monitor to another".into())
}

fn crash(bench: &mut Bench) -> Outcome {
    let (mut here, id) = bench.opened()?;
    online(&mut here, id)?;
    here.kill();
    let mut there = bench.stand()?;
    bench.open(&mut there, id)?;
    online(&mut there, id).map_err(|why| format!("after the monitor was killed: {why}"))?;
    offline(&mut there, id)?;
    bench.close(there, id)?;
    Ok("online again after its monitor was killed".into())
}

fn orderly_end(bench: &mut Bench) -> Outcome {
    let id = bench.resource()?;
    let mut stand = bench.stand()?;
    expect("Open", stand.open(id, &name_of(id), bench.library.clone(), timing())?, &Status::Opened)?;
    online(&mut stand, id)?;
    let remarks = stand.end()?;
    bench.remarks.extend(remarks);
    Ok("offline and closed when the monitor ended".into())
}
