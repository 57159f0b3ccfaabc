//! A bar on standard error for inputs that take long; nothing where standard error is no terminal.

use crate::read::Progress;
use crate::report::harmless;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Reading shorter than this needs no bar.
const PATIENCE: Duration = Duration::from_millis(800);

/// The bar.
pub struct Bar {
    bar: ProgressBar,
    begun: Instant,
    shown: AtomicBool,
}

impl Bar {
    /// A bar that shows itself once reading takes long; `None` where nobody would see it.
    pub fn new() -> Option<Bar> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} read, {bytes_per_sec} {wide_msg}") {
            bar.set_style(style);
        }
        Some(Bar { bar, begun: Instant::now(), shown: AtomicBool::new(false) })
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn member(&self, path: &str) {
        self.bar.set_message(harmless::harmless(path).into_owned());
    }

    fn bytes(&self, count: usize) {
        self.bar.inc(count as u64);
        if self.begun.elapsed() > PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}
