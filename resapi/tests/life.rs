//! The life of a resource through the function table: workers, stops, panics, failure notices, quorum.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resapi::testing::{self, Outcome, WAIT};
use resapi::{Context, Failure, FailureNotice, Progress, Property, QuorumLost, ResourceType, Value};

/// What happened, in order; found by the name of the resource.
static DIARIES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn diary(of: &str) -> Vec<String> {
    let all = DIARIES.lock().unwrap();
    all.iter().filter(|(name, _)| name == of).map(|(_, what)| what.clone()).collect()
}

/// A type that does what its properties say.
struct Puppet {
    context: Context,
    notice: Mutex<Option<FailureNotice>>,
    lost: Mutex<Option<QuorumLost>>,
}

impl Puppet {
    fn note(&self, what: &str) {
        DIARIES.lock().unwrap().push((self.context.name().to_owned(), what.to_owned()));
    }

    fn act(&self, what: &str, progress: &Progress) -> Result<(), Failure> {
        self.note(what);
        match self.context.properties().text(what).as_str() {
            "" => Ok(()),
            "fail" => Err(Failure::new(5038, format!("{what} is told to fail"))),
            "panic" => panic!("{what} is told to panic"),
            "checkpoints" => {
                for _ in 0..3 {
                    if !progress.checkpoint() {
                        return Err(Failure::stopped());
                    }
                }
                Ok(())
            }
            "wait" => {
                let is_whole = progress.wait(WAIT);
                self.note(if is_whole { "waited" } else { "woken" });
                if is_whole { Ok(()) } else { Err(Failure::stopped()) }
            }
            "notice" => {
                *self.notice.lock().unwrap() = Some(self.context.failure_notice());
                Ok(())
            }
            "fire" => {
                self.context.failure_notice().fire("died young");
                Ok(())
            }
            other => panic!("the test asks {what} for {other}"),
        }
    }
}

impl ResourceType for Puppet {
    const NAME: &'static str = "Puppet";
    const PROPERTIES: &'static [Property] = &[
        Property::text("open"),
        Property::text("online"),
        Property::text("offline"),
        Property::text("is_alive"),
        Property::text("terminate"),
        Property::text("close"),
        Property::number("Size", 7).range(1, 9),
        Property::text("Needed").or("given").required(),
    ];
    const QUORUM_CAPABLE: bool = true;

    fn open(context: Context) -> Result<Self, Failure> {
        match context.properties().text("open").as_str() {
            "fail" => Err(Failure::new(87, "told to fail")),
            "panic" => panic!("told to panic"),
            _ => Ok(Self { context, notice: Mutex::default(), lost: Mutex::default() }),
        }
    }
    fn online(&self, progress: &Progress) -> Result<(), Failure> {
        self.act("online", progress)
    }
    fn looks_alive(&self) -> bool {
        self.is_alive().is_ok()
    }
    fn is_alive(&self) -> Result<(), Failure> {
        match self.context.properties().text("is_alive").as_str() {
            "" => Ok(()),
            "fire" => {
                if let Some(notice) = &*self.notice.lock().unwrap() {
                    notice.fire("100% dead");
                }
                Ok(())
            }
            "report lost" => {
                self.lost.lock().unwrap().as_ref().expect("arbitrated before").report();
                Ok(())
            }
            "panic" => panic!("told to panic"),
            _ => Err(Failure::new(5004, "told to be dead")),
        }
    }
    fn offline(&self, progress: &Progress) -> Result<(), Failure> {
        self.act("offline", progress)
    }
    fn terminate(&self) {
        self.note("terminate");
        if self.context.properties().text("terminate") == "panic" {
            panic!("told to panic");
        }
    }
    fn arbitrate(&self, lost: QuorumLost) -> Result<(), Failure> {
        *self.lost.lock().unwrap() = Some(lost);
        self.note(&format!("arbitrate {}", self.context.properties().text("Needed")));
        Ok(())
    }
    fn release(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn close(self) {
        self.note("close");
        if self.context.properties().text("close") == "panic" {
            panic!("told to panic");
        }
    }
}

/// A name that no other test has, so that diaries do not mix.
fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("puppet {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn puppet(strings: &[(&str, &str)]) -> (testing::Resource, String) {
    let name = fresh_name();
    let mut properties: Vec<_> = strings.iter().map(|(name, text)| (*name, Value::Sz((*text).to_owned()))).collect();
    properties.push(("Needed", Value::Sz("something".into())));
    (testing::open::<Puppet>(&name, &properties).unwrap(), name)
}

const ONLINE: i32 = 2;
const OFFLINE: i32 = 3;
const FAILED: i32 = 4;
const ONLINE_PENDING: i32 = 129;

#[test]
fn a_whole_life() {
    let (resource, name) = puppet(&[("online", "checkpoints")]);
    assert_eq!(resource.start_online(), 997);
    assert_eq!(resource.wait(), Outcome::Online);
    assert_eq!(resource.reports(), [(ONLINE_PENDING, 1), (ONLINE_PENDING, 2), (ONLINE_PENDING, 3), (ONLINE, 4)]);
    assert!(resource.looks_alive() && resource.is_alive());
    assert!(!resource.has_failure_event(), "nobody asked for a notice, so the monitor must poll");
    assert_eq!(resource.offline(), Outcome::Offline);
    assert_eq!(resource.reports().last(), Some(&(OFFLINE, 1)));
    assert_eq!(resource.online(), Outcome::Online);
    resource.close();
    assert_eq!(diary(&name), ["online", "offline", "online", "terminate", "close"]);
}

#[test]
fn ends_of_an_online() {
    fn check(online: &str, outcome: Outcome, last: i32, logged: &str) {
        let (resource, _) = puppet(&[("online", online)]);
        assert_eq!(resource.online(), outcome, "{online}");
        assert_eq!(resource.reports().last().map(|(state, _)| *state), Some(last), "{online}");
        assert!(resource.has_logged(logged), "{online}: {:?}", resource.log());
        resource.terminate();
    }
    check("fail", Outcome::Failed, FAILED, "Online failed: online is told to fail (error 5038, ERROR_RESOURCE_FAILED)");
    check("panic", Outcome::Failed, FAILED, "panicked in online: online is told to panic (error 5930");
    check("fire", Outcome::Failed, FAILED, "failed: died young");
}

#[test]
fn ends_of_an_offline() {
    fn check(offline: &str, logged: &str) {
        let (resource, name) = puppet(&[("offline", offline)]);
        assert_eq!(resource.online(), Outcome::Online);
        assert_eq!(resource.offline(), Outcome::Failed);
        assert!(resource.has_logged(logged), "{offline}: {:?}", resource.log());
        drop(resource);
        assert_eq!(diary(&name), ["online", "offline", "terminate", "close"]);
    }
    check("fail", "Offline failed: offline is told to fail");
    check("panic", "panicked in offline");
}

#[test]
fn open_that_fails_leaves_its_error() {
    fn check(open: &str, code: u32) {
        let properties = [("open", Value::Sz(open.into()))];
        assert_eq!(testing::open::<Puppet>(&fresh_name(), &properties).err(), Some(code));
    }
    check("fail", 87);
    check("panic", 5930);
}

#[test]
fn not_alive_in_every_way() {
    fn check(is_alive: &str, logged: &str) {
        let (resource, _) = puppet(&[("is_alive", is_alive)]);
        assert_eq!(resource.online(), Outcome::Online);
        assert!(!resource.looks_alive() && !resource.is_alive(), "{is_alive}");
        assert!(resource.has_logged(logged), "{:?}", resource.log());
    }
    check("dead", "IsAlive failed: told to be dead (error 5004");
    check("panic", "panicked in IsAlive: told to panic");
}

#[test]
fn terminate_wakes_a_waiting_online_and_nothing_is_reported() {
    let (resource, name) = puppet(&[("online", "wait")]);
    let began = Instant::now();
    assert_eq!(resource.start_online(), 997);
    while diary(&name).is_empty() {
        std::thread::yield_now();
    }
    resource.terminate();
    assert!(began.elapsed() < WAIT, "it was woken, not waited for");
    assert_eq!(resource.reports(), []);
    assert!(resource.has_logged("Online was given up"));
    drop(resource);
    let lines = diary(&name);
    assert_eq!(lines.iter().filter(|line| *line == "woken").count(), 1, "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("close"), "{lines:?}");
}

#[test]
fn an_offline_overtakes_a_pending_online() {
    let (resource, name) = puppet(&[("online", "wait")]);
    resource.start_online();
    while diary(&name).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(resource.offline(), Outcome::Offline);
    assert_eq!(diary(&name), ["online", "woken", "offline"]);
    assert_eq!(resource.reports(), [(OFFLINE, 1)]);
}

#[test]
fn a_terminated_answer_stops_the_worker() {
    let (resource, name) = puppet(&[("online", "checkpoints")]);
    resource.answer_reports_with_terminated(true);
    resource.start_online();
    assert!(resource.wait_for_reports(1));
    resource.terminate();
    assert_eq!(resource.reports(), [(ONLINE_PENDING, 1)], "the first answer was enough");
    assert_eq!(diary(&name), ["online", "terminate"]);
}

#[test]
fn the_entry_points_do_not_wait_for_the_work() {
    let (resource, _) = puppet(&[("online", "wait")]);
    let began = Instant::now();
    assert_eq!(resource.start_online(), 997);
    assert!(began.elapsed() < WAIT / 2);
    assert_eq!(resource.wait_at_most(Duration::ZERO), Outcome::Silent);
}

#[test]
fn panics_of_terminate_and_close_stay_inside() {
    let (resource, name) = puppet(&[("terminate", "panic"), ("close", "panic")]);
    assert_eq!(resource.online(), Outcome::Online);
    resource.terminate();
    assert!(resource.has_logged("panicked in terminate"));
    drop(resource);
    assert_eq!(diary(&name), ["online", "terminate", "close"]);
}

#[test]
fn a_fired_notice_fails_the_resource() {
    let (resource, _) = puppet(&[("online", "notice"), ("is_alive", "fire")]);
    assert_eq!(resource.online(), Outcome::Online);
    assert!(resource.has_failure_event());
    assert!(!resource.wait_for_failure(Duration::ZERO), "not signalled yet");
    resource.is_alive();
    assert!(resource.wait_for_failure(WAIT));
    assert!(!resource.is_alive() && !resource.looks_alive());
    assert!(resource.has_logged("failed: 100% dead"), "{:?}", resource.log());
    resource.terminate();
    // Online again: the old failure and the old event are gone, and the notice of the former online is deaf.
    resource.set("online", Value::Sz(String::new()));
    assert_eq!(resource.online(), Outcome::Online);
    assert!(!resource.wait_for_failure(Duration::ZERO));
    resource.is_alive();
    assert!(resource.is_alive() && resource.looks_alive());
}

#[test]
fn quorum_is_won_and_lost() {
    let (resource, _) = puppet(&[("is_alive", "report lost")]);
    assert!(resource.is_quorum_capable());
    assert_eq!((resource.arbitrate(), resource.is_quorum_lost()), (0, false));
    assert_eq!(resource.online(), Outcome::Online);
    resource.is_alive();
    assert!(resource.is_quorum_lost());
    assert_eq!(resource.release(), 0);
}

/// A node that never had the resource online arbitrates with the properties of now, not with those of its Open.
#[test]
fn arbitrate_reads_the_properties_unless_they_are_in_use() {
    let (resource, name) = puppet(&[]);
    resource.set("Needed", Value::Sz("something new".into()));
    assert_eq!(resource.arbitrate(), 0);
    assert_eq!(resource.online(), Outcome::Online);
    resource.set("Needed", Value::Sz("something newer".into()));
    assert_eq!(resource.arbitrate(), 0);
    let noted: Vec<String> = diary(&name).into_iter().filter(|note| note.starts_with("arbitrate")).collect();
    assert_eq!(noted, ["arbitrate something new", "arbitrate something new"]);
}

#[test]
fn online_checks_the_stored_properties() {
    fn check(name: &str, value: Option<Value>, logged: &str) {
        let (resource, diary_name) = puppet(&[]);
        match value {
            Some(value) => resource.set(name, value),
            None => {
                let parameters = resource.registry().unwrap().key("Parameters").unwrap().unwrap();
                parameters.delete_value(name).unwrap();
            }
        }
        assert_eq!(resource.online(), Outcome::Failed);
        assert!(resource.has_logged(logged), "{:?}", resource.log());
        assert!(diary(&diary_name).is_empty(), "the type was not bothered");
    }
    check("Size", Some(Value::Dword(10)), "property Size is 10: choose 1 to 9 (error 87");
    check("Size", Some(Value::Sz("7".into())), "property Size is stored as registry type 1, not 4");
    check("Size", Some(Value::Sz("7".into())), "error 5895");
    check("Needed", None, "property Needed is required and not set");
    check("Needed", Some(Value::Sz(String::new())), "property Needed is required and not set");
}

/// A type that keeps nothing but defaults.
struct Plain(Context);

impl ResourceType for Plain {
    const NAME: &'static str = "Plain";

    fn open(context: Context) -> Result<Self, Failure> {
        Ok(Self(context))
    }
    fn online(&self, _: &Progress) -> Result<(), Failure> {
        let key = self.0.resource_key().expect("the test host has a registry").create_key("Own\\Deep")?;
        key.set_value("Count", &Value::Dword(3))?;
        assert_eq!(self.0.resource_key().unwrap().keys()?, ["Own"]);
        self.0.log().info("50% done, %1!s! and %n stay as they are");
        self.0.properties().text("Undeclared");
        Ok(())
    }
    fn is_alive(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn offline(&self, _: &Progress) -> Result<(), Failure> {
        Ok(())
    }
    fn terminate(&self) {}
}

#[test]
fn a_plain_type_is_not_quorum_capable_and_may_use_its_key() {
    let resource = testing::open::<Plain>("plain", &[]).unwrap();
    assert!(!resource.is_quorum_capable());
    assert_eq!(resource.online(), Outcome::Failed);
    assert!(resource.has_logged("50% done, %1!s! and %n stay as they are"), "{:?}", resource.log());
    assert!(resource.has_logged("asks for property Undeclared, which PROPERTIES does not declare"));
    let deep = resource.registry().unwrap().key("own\\DEEP").unwrap().expect("created while coming online");
    assert_eq!(deep.values().unwrap(), [("Count".to_owned(), Value::Dword(3))]);
}

#[test]
fn resources_of_one_type_do_not_meet() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let (resource, name) = puppet(&[("online", "checkpoints")]);
                for _ in 0..3 {
                    assert_eq!(resource.online(), Outcome::Online);
                    assert_eq!(resource.offline(), Outcome::Offline);
                }
                drop(resource);
                assert_eq!(diary(&name).len(), 7);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn terminate_may_overlap_everything() {
    let (resource, _) = puppet(&[("online", "checkpoints")]);
    let resource = Arc::new(resource);
    let other = Arc::clone(&resource);
    let terminator = std::thread::spawn(move || (0..20).for_each(|_| other.terminate()));
    for _ in 0..20 {
        resource.start_online();
        resource.is_alive();
        resource.start_offline();
        resource.looks_alive();
    }
    terminator.join().unwrap();
    resource.terminate();
}
