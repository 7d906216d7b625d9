//! Owning a shared disk or share in real time: challenges for it, defends it on a thread of its own, hears when it is lost.
//!
//! The rules are in [`crate::reservation`]; this file lends them a steady clock, a thread and a way to stop. Used by the
//! Physical Disk and the File Share Witness. `acquire` blocks; every other method may be called meanwhile, and
//! `release` ends it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use resapi::Failure;
use resapi::codes::win32;

use crate::reservation::{Challenge, Contender, Defence, Holder, Step};
use crate::reservation_store::ReservationStore;

/// How often a change is decided anew because another node changed the record meanwhile.
const WRITE_RACES: u32 = 64;
/// How many times within one interval a defence that failed with an error of the file system is tried again.
const RETRIES_PER_INTERVAL: u64 = 5;
/// Stack of the defending thread, in bytes.
const DEFENDER_STACK: usize = 256 * 1024;

/// How a disk is fought for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How often the owner defends.
    pub(crate) interval_ms: u64,
    /// How long a challenger watches a holder at the least.
    pub(crate) least_wait_ms: u64,
}

/// Called once, on the defending thread, when ownership was lost against the owner's will; the text says how.
pub(crate) type OnLost = Box<dyn Fn(&str) + Send>;

/// Takes the sentences that tell what is done about the ownership, for the log of the resource.
pub(crate) type Say = Box<dyn Fn(&str) + Send + Sync>;

/// One resource instance's claim to one disk.
pub(crate) struct Ownership {
    shared: Arc<Shared>,
    acquiring: Mutex<()>,
}

struct Shared {
    me: Contender,
    say: Say,
    clock: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Counts releases: an acquire that sees it change gives up.
    releases: u64,
    reigns: u64,
    reign: Option<Reign>,
}

struct Reign {
    number: u64,
    store: ReservationStore,
    defence: Defence,
    on_lost: OnLost,
}

impl Ownership {
    /// Owns nothing yet. `node` is the name of this node. Each step is told to `say`, on whatever thread takes it;
    /// defences only when they begin, and when there is trouble.
    pub(crate) fn new(node: &str, say: Say) -> Ownership {
        let me = Contender { node: node.to_owned(), key: RandomState::new().build_hasher().finish() };
        let shared = Shared { me, say, clock: Instant::now(), state: Mutex::default(), changed: Condvar::new() };
        Ownership { shared: Arc::new(shared), acquiring: Mutex::new(()) }
    }

    /// Gets the disk or says who keeps it, and defends it from then on. An owner stays the owner; only `on_lost` is
    /// replaced. `go_on` is asked between looks, at least a few times per interval. Each step is said.
    ///
    /// # Errors
    /// 5034 the holder is alive; 995 `go_on` said no, or `release` was called; 170 too many nodes change the record at
    /// once; 21 the way to the disk is cut; those of the file system.
    pub(crate) fn acquire(
        &self,
        store: &ReservationStore,
        terms: Terms,
        on_lost: OnLost,
        go_on: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let _one = self.acquiring.lock().unwrap_or_else(PoisonError::into_inner);
        let begun_ms = self.shared.now_ms();
        let releases = {
            let mut state = self.shared.state();
            if let Some(reign) = state.reign.as_mut().filter(|reign| !reign.defence.is_lost(begun_ms)) {
                reign.on_lost = on_lost;
                drop(state);
                self.shared.say("arbitration won at once: this node holds the reservation already and defends it");
                return Ok(());
            }
            state.releases
        };
        let result = self.challenge(store, terms, on_lost, releases, go_on);
        let took_ms = self.shared.now_ms() - begun_ms;
        self.shared.say(&match &result {
            Ok(()) => format!(
                "arbitration won after {took_ms} ms; the reservation is defended every {} ms from now on",
                terms.interval_ms
            ),
            Err(failure) => format!("arbitration lost after {took_ms} ms: {}", failure.message),
        });
        result
    }

    fn challenge(
        &self,
        store: &ReservationStore,
        terms: Terms,
        on_lost: OnLost,
        releases: u64,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let mut challenge = Challenge::new(self.shared.me.clone(), terms.interval_ms, terms.least_wait_ms);
        let mut races = 0;
        let mut is_watching = false;
        loop {
            let version = store.read()?;
            let now_ms = self.shared.now_ms();
            let holder = version.record.holder.as_ref();
            match challenge.look(now_ms, &version.record) {
                Step::Take(record) => {
                    if store.write(version.serial, &record)? {
                        self.shared.say(&taken(&self.shared.me, holder, |holder| challenge.wait_ms(holder)));
                        return self.begin_reign(store, Defence::new(terms.interval_ms, now_ms), on_lost, releases);
                    }
                    races += 1;
                    if races > WRITE_RACES {
                        return Err(Failure::new(
                            win32::ERROR_BUSY,
                            "the reservation changes all the time; too many nodes fight for it",
                        ));
                    }
                }
                Step::Wait(ms) => {
                    if let Some(holder) = holder.filter(|_| !is_watching) {
                        is_watching = true;
                        self.shared.say(&format!(
                            "challenge begun: node {} holds the reservation and promises to defend it every {} ms; waiting {} ms to see whether it does",
                            holder.node,
                            holder.interval_ms,
                            challenge.wait_ms(holder)
                        ));
                    }
                    self.shared.pause(releases, ms);
                }
                Step::Refused(holder) => {
                    return Err(Failure::new(
                        win32::ERROR_QUORUM_OWNER_ALIVE,
                        format!("node {} holds it and defends it; take it offline there first", holder.node),
                    ));
                }
            }
            if self.shared.state().releases != releases || !go_on() {
                return Err(Failure::new(
                    win32::ERROR_OPERATION_ABORTED,
                    "the arbitration was given up because the resource is to stop",
                ));
            }
        }
    }

    fn begin_reign(
        &self,
        store: &ReservationStore,
        defence: Defence,
        on_lost: OnLost,
        releases: u64,
    ) -> Result<(), Failure> {
        let number = {
            let mut state = self.shared.state();
            state.reigns += 1;
            let number = state.reigns;
            state.reign = Some(Reign { number, store: store.clone(), defence, on_lost });
            number
        };
        let shared = Arc::clone(&self.shared);
        let defender = thread::Builder::new().name("defence".into()).stack_size(DEFENDER_STACK);
        if let Err(error) = defender.spawn(move || shared.defend(number)) {
            let _ = self.release();
            return Err(Failure::from(error));
        }
        if self.shared.state().releases != releases {
            // Released while the record was being written: what was just won is given back.
            self.release()?;
            return Err(Failure::new(
                win32::ERROR_OPERATION_ABORTED,
                "the arbitration was given up because the resource is to stop",
            ));
        }
        Ok(())
    }

    /// Whether this instance owns the disk now, as far as the last defence tells.
    pub(crate) fn is_held(&self) -> bool {
        let now_ms = self.shared.now_ms();
        self.shared.state().reign.as_ref().is_some_and(|reign| !reign.defence.is_lost(now_ms))
    }

    /// Reads the record and answers whether it names this instance.
    ///
    /// # Errors
    /// 5034 with the name of the present holder, 5023 when there is none, those of the file system.
    pub(crate) fn check(&self, store: &ReservationStore) -> Result<(), Failure> {
        let record = store.read()?.record;
        if record.is_held_by(&self.shared.me) {
            return Ok(());
        }
        match record.holder {
            Some(holder) => Err(Failure::new(
                win32::ERROR_QUORUM_OWNER_ALIVE,
                format!("node {} holds the reservation now", holder.node),
            )),
            None => Err(Failure::new(
                win32::ERROR_INVALID_STATE,
                "nobody holds the reservation; bring the resource online again",
            )),
        }
    }

    /// Stops defending and gives the disk free; ends an `acquire` that is under way. Without ownership it does nothing.
    ///
    /// # Errors
    /// Those of the file system; then the reservation stays on the disk and nobody defends it.
    pub(crate) fn release(&self) -> Result<(), Failure> {
        let reign = {
            let mut state = self.shared.state();
            state.releases += 1;
            state.reign.take()
        };
        self.shared.changed.notify_all();
        let Some(reign) = reign else { return Ok(()) };
        for _ in 0..WRITE_RACES {
            let version = reign.store.read()?;
            let mut record = version.record;
            record.release(&self.shared.me);
            if reign.store.write(version.serial, &record)? {
                self.shared.say("the reservation is released; whoever wants it may take it at once");
                return Ok(());
            }
        }
        Err(Failure::new(win32::ERROR_BUSY, "the reservation changes all the time; it is not defended any more"))
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        let _ = self.release();
    }
}

/// The sentence about a reservation that was just taken from `before`.
fn taken(me: &Contender, before: Option<&Holder>, wait_ms: impl Fn(&Holder) -> u64) -> String {
    match before {
        None => "challenge begun: nobody holds the reservation; it is taken at once".into(),
        Some(holder) if holder.node == me.node => {
            "challenge begun: the reservation is this node's own, of an earlier life; it is replaced at once".into()
        }
        Some(holder) => format!(
            "the reservation of node {} is broken: it was not defended for {} ms (defence {} was its last)",
            holder.node,
            wait_ms(holder),
            holder.defence
        ),
    }
}

/// How one defence ended.
enum Round {
    Defended,
    Over,
    Lost(String),
    Trouble(Failure),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        (self.say)(text);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits so long, or until a release.
    fn pause(&self, releases: u64, ms: u64) {
        let state = self.state();
        let waiting =
            self.changed.wait_timeout_while(state, Duration::from_millis(ms), |state| state.releases == releases);
        drop(waiting);
    }

    /// The defending thread of one reign.
    fn defend(&self, number: u64) {
        let mut trouble: Option<u64> = None;
        let mut is_first = true;
        while self.wait_until_due(number, trouble) {
            let begun_ms = self.now_ms();
            match self.defend_once(number) {
                Round::Defended => {
                    if std::mem::take(&mut is_first) {
                        self.say("the first defence of this reign is written");
                    } else if trouble.is_some() {
                        self.say("the reservation could be defended again");
                    }
                    trouble = None;
                    if let Some(reign) = self.state().reign.as_mut().filter(|reign| reign.number == number) {
                        reign.defence.defended(begun_ms);
                    }
                }
                Round::Over => return,
                Round::Lost(text) => return self.lose(number, &text),
                Round::Trouble(failure) => {
                    let now_ms = self.now_ms();
                    let lost = self.state().reign.as_ref().is_some_and(|reign| reign.defence.is_lost(now_ms));
                    if lost {
                        return self.lose(number, &format!("it could not be defended in time: {}", failure.message));
                    }
                    if trouble.is_none() {
                        self.say(&format!("a defence failed and is tried again: {}", failure.message));
                    }
                    trouble = Some(now_ms);
                }
            }
        }
    }

    /// Waits until the next defence is due; after trouble until a part of the interval has passed. `false`: the reign is over.
    fn wait_until_due(&self, number: u64, trouble: Option<u64>) -> bool {
        let mut state = self.state();
        loop {
            let Some(reign) = state.reign.as_ref().filter(|reign| reign.number == number) else { return false };
            let due_ms = reign.defence.due_ms();
            let interval_ms = due_ms.saturating_sub(reign.defence.defended_ms());
            let due_ms = trouble.map_or(due_ms, |at| at + (interval_ms / RETRIES_PER_INTERVAL).max(1));
            let left_ms = due_ms.saturating_sub(self.now_ms());
            if left_ms == 0 {
                return true;
            }
            state = self
                .changed
                .wait_timeout(state, Duration::from_millis(left_ms))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn defend_once(&self, number: u64) -> Round {
        for _ in 0..WRITE_RACES {
            let store = match self.state().reign.as_ref().filter(|reign| reign.number == number) {
                Some(reign) => reign.store.clone(),
                None => return Round::Over,
            };
            let version = match store.read() {
                Ok(version) => version,
                Err(failure) => return Round::Trouble(failure),
            };
            let mut record = version.record;
            if record.defend(&self.me).is_err() {
                let text = match &record.holder {
                    Some(holder) => format!("node {} has taken the reservation", holder.node),
                    None => "somebody has removed the reservation".to_owned(),
                };
                return Round::Lost(text);
            }
            match store.write(version.serial, &record) {
                Ok(true) => return Round::Defended,
                Ok(false) => {}
                Err(failure) => return Round::Trouble(failure),
            }
        }
        Round::Trouble(Failure::new(win32::ERROR_BUSY, "the reservation changes all the time"))
    }

    fn lose(&self, number: u64, text: &str) {
        let reign = self.state().reign.take_if(|reign| reign.number == number);
        if let Some(reign) = reign {
            (reign.on_lost)(text);
        }
    }
}

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
