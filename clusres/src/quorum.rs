//! What the two quorum-capable types have in common: one ownership, asked for by Online and by Arbitrate, and two that want
//! to hear when it is lost: the resource (it fails) and the Cluster service (it has lost quorum).

use std::sync::{Arc, Mutex, PoisonError};

use resapi::codes::win32;
use resapi::{Context, Failure, FailureNotice, Log, Progress, QuorumLost};

use crate::ownership::{OnLost, Ownership, Terms};
use crate::reservation_store::ReservationStore;

/// The ownership of a disk or share, with its listeners.
pub(crate) struct Quorum {
    ownership: Ownership,
    listeners: Arc<Mutex<Listeners>>,
    log: Log,
    /// What a loss is called in the log.
    loss: &'static str,
}

#[derive(Default)]
struct Listeners {
    resource: Option<FailureNotice>,
    service: Option<QuorumLost>,
}

impl Quorum {
    /// Owns nothing yet. `loss` begins the sentence that says how ownership was lost.
    pub(crate) fn new(node: &str, context: &Context, loss: &'static str) -> Quorum {
        let log = context.log();
        let ownership = Ownership::new(node, Box::new(move |text| log.info(text)));
        Quorum { ownership, listeners: Arc::default(), log, loss }
    }

    /// For Online: gets the ownership unless Arbitrate has got it already.
    ///
    /// # Errors
    /// 5006 another node has it (reference 01.3), 995 stopped, those of the file system.
    pub(crate) fn online(
        &self,
        context: &Context,
        store: &ReservationStore,
        terms: Terms,
        progress: &Progress,
    ) -> Result<(), Failure> {
        self.listen(|listeners| listeners.resource = Some(context.failure_notice()));
        self.ownership.acquire(store, terms, self.on_lost(), || progress.checkpoint()).map_err(
            |failure| match failure.code {
                win32::ERROR_QUORUM_OWNER_ALIVE => Failure::new(win32::ERROR_RESOURCE_NOT_AVAILABLE, failure.message),
                _ => failure,
            },
        )?;
        if progress.is_stop_requested() {
            // Terminate may have come before there was anything to release.
            self.give_up();
            return Err(Failure::stopped());
        }
        Ok(())
    }

    /// For Arbitrate: gets the ownership and keeps `lost` for later.
    ///
    /// # Errors
    /// 5034 the holder is alive, 995 terminated meanwhile, those of the file system.
    pub(crate) fn arbitrate(&self, store: &ReservationStore, terms: Terms, lost: QuorumLost) -> Result<(), Failure> {
        self.listen(|listeners| listeners.service = Some(lost));
        self.ownership.acquire(store, terms, self.on_lost(), || true)
    }

    /// Whether it is owned and the record says so too.
    ///
    /// # Errors
    /// 5034 or 5023 when it is not.
    pub(crate) fn check(&self, store: &ReservationStore) -> Result<(), Failure> {
        if !self.ownership.is_held() {
            return Err(Failure::new(win32::ERROR_INVALID_STATE, "the reservation is not held by this node"));
        }
        self.ownership.check(store)
    }

    /// For Release and Offline.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn release(&self) -> Result<(), Failure> {
        self.listen(|listeners| *listeners = Listeners::default());
        self.ownership.release()
    }

    /// For Terminate: releases as well as it can.
    pub(crate) fn give_up(&self) {
        if let Err(failure) = self.release() {
            self.log.warning(format_args!("the reservation stays behind and is not defended: {}", failure.message));
        }
    }

    fn listen(&self, change: impl FnOnce(&mut Listeners)) {
        change(&mut self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn on_lost(&self) -> OnLost {
        let (listeners, log, loss) = (Arc::clone(&self.listeners), self.log, self.loss);
        Box::new(move |how| {
            let text = format!("{loss}: {how}");
            log.severe(&text);
            let Listeners { resource, service } =
                std::mem::take(&mut *listeners.lock().unwrap_or_else(PoisonError::into_inner));
            // The service first: it has to stop everything on this node.
            if let Some(service) = service {
                service.report();
            }
            if let Some(resource) = resource {
                resource.fire(&text);
            }
        })
    }
}
