//! The way to the cluster registry: questions of this process, answered by the Cluster service.
//!
//! A library that calls ClusterReg*, or the monitor's own default processing of control codes, waits here on its own thread
//! until the answer comes. Nobody waits for ever: past [`ANSWER_LIMIT`] the call ends with ERROR_TIMEOUT, and when the
//! connection ends all of them end at once.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::win32::{ERROR_BUSY, ERROR_TIMEOUT, RPC_S_SERVER_UNAVAILABLE};

use crate::clock::lock;
use crate::outbox::Outbox;
use crate::protocol::{FromMonitor, Refusal, RegistryAnswer, RegistryCall, RequestId};

/// How long an answer may take.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// How many questions may wait at the same time; each holds a thread of a library.
pub(crate) const MAX_WAITING: usize = 1_024;

/// Questions on their way, answers on their way back.
#[derive(Debug)]
pub(crate) struct RegistryLink {
    outbox: Arc<Outbox>,
    questions: Mutex<Questions>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct Questions {
    next: u64,
    /// `None` until the answer is there.
    waiting: HashMap<RequestId, Option<Result<RegistryAnswer, Refusal>>>,
    is_closed: bool,
}

impl RegistryLink {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, questions: Mutex::default(), answered: Condvar::new() }
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The refusal of the service; 1460 when no answer came in time, 1722 when the connection is over, 170 when too many
    /// questions wait.
    pub(crate) fn call(&self, call: RegistryCall) -> Result<RegistryAnswer, Refusal> {
        let request = self.ask(call)?;
        let end = Instant::now() + ANSWER_LIMIT;
        let mut questions = lock(&self.questions);
        loop {
            if let Some(Some(_)) = questions.waiting.get(&request) {
                let answer = questions.waiting.remove(&request).flatten();
                return answer.expect("the line above saw it");
            }
            let left = end.checked_duration_since(Instant::now());
            let (Some(left), false) = (left, questions.is_closed) else {
                questions.waiting.remove(&request);
                return Err(if questions.is_closed { over() } else { late() });
            };
            questions = self.answered.wait_timeout(questions, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The service answered. `false`: nobody waits for this.
    pub(crate) fn answer(&self, request: RequestId, answer: Result<RegistryAnswer, Refusal>) -> bool {
        let mut questions = lock(&self.questions);
        let Some(place) = questions.waiting.get_mut(&request) else { return false };
        *place = Some(answer);
        self.answered.notify_all();
        true
    }

    /// The connection is over: whoever waits is told so, and whoever comes later.
    pub(crate) fn close(&self) {
        lock(&self.questions).is_closed = true;
        self.answered.notify_all();
    }

    fn ask(&self, call: RegistryCall) -> Result<RequestId, Refusal> {
        let mut questions = lock(&self.questions);
        if questions.is_closed {
            return Err(over());
        }
        if questions.waiting.len() >= MAX_WAITING {
            let message = format!("{MAX_WAITING} registry calls of this monitor wait already; try again later");
            return Err(Refusal { code: ERROR_BUSY, message });
        }
        questions.next += 1;
        let request = RequestId(questions.next);
        questions.waiting.insert(request, None);
        self.outbox.push(FromMonitor::Registry { request, call });
        Ok(request)
    }
}

fn over() -> Refusal {
    let message = "the Cluster service has gone away; its registry cannot be reached from this monitor any more".into();
    Refusal { code: RPC_S_SERVER_UNAVAILABLE, message }
}

fn late() -> Refusal {
    let message =
        format!("the Cluster service did not answer a registry call within {} s; try again", ANSWER_LIMIT.as_secs());
    Refusal { code: ERROR_TIMEOUT, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> RegistryCall {
        RegistryCall::Open { path: "Resources".into() }
    }

    #[test]
    fn answers_find_their_questions_in_any_order() {
        let link = RegistryLink::new(Arc::default());
        let first = link.ask(open()).expect("open");
        let second = link.ask(open()).expect("open");
        assert!(link.answer(second, Ok(RegistryAnswer::Done { created: false })));
        assert!(link.answer(first, Err(late())));
        assert!(!link.answer(RequestId(99), Ok(RegistryAnswer::Done { created: true })), "never asked");
    }

    #[test]
    fn a_waiting_thread_gets_its_answer_and_the_end_of_the_connection() {
        let link = RegistryLink::new(Arc::default());
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| link.call(open()));
            while !link.answer(RequestId(1), Ok(RegistryAnswer::Done { created: false })) {
                std::thread::yield_now();
            }
            assert_eq!(asked.join().expect("no panic"), Ok(RegistryAnswer::Done { created: false }));
            let asked = scope.spawn(|| link.call(open()).map_err(|refusal| refusal.code));
            while lock(&link.questions).waiting.is_empty() {
                std::thread::yield_now();
            }
            link.close();
            assert_eq!(asked.join().expect("no panic"), Err(RPC_S_SERVER_UNAVAILABLE));
        });
        assert_eq!(link.call(open()).map_err(|refusal| refusal.code), Err(RPC_S_SERVER_UNAVAILABLE));
    }

    #[test]
    fn the_number_of_waiting_questions_is_bounded() {
        let link = RegistryLink::new(Arc::default());
        (0..MAX_WAITING).for_each(|_| {
            link.ask(open()).expect("within the limit");
        });
        assert_eq!(link.ask(open()).map_err(|refusal| refusal.code), Err(ERROR_BUSY));
    }
}
