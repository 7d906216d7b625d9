//! The progress bar of what the simulator does: on a terminal only, and only when it takes a while.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for less than this would only flicker.
const QUIET_FOR: Duration = Duration::from_secs(1);

/// The bar.
pub(super) struct Bar {
    bar: ProgressBar,
    began: Instant,
    is_shown: bool,
}

impl Bar {
    /// For so many of something, by its name in the plural.
    pub(super) fn new(count: u64, what: &str) -> Bar {
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {what}, {{eta}} left"));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar { bar, began: Instant::now(), is_shown: false }
    }

    /// Prints something without disturbing the bar.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.is_shown { self.bar.suspend(print) } else { print() }
    }

    /// One more is done.
    pub(super) fn one_more(&mut self) {
        self.show();
        self.bar.inc(1);
    }

    /// So many of so many are done.
    pub(super) fn stands_at(&mut self, done: u64, total: u64) {
        self.show();
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn show(&mut self) {
        if !self.is_shown && self.began.elapsed() > QUIET_FOR && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_shown = true;
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
