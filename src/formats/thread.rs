//! One thread of a dump while its lines are read: what `jstack` and `goroutines` have in common.

use crate::facts::{At, Citation, Message, Sink, Stack};

/// How many frames of a stack are kept in its text: enough to reach the code that called into the libraries.
const FRAMES: usize = 10;
/// Bytes kept of a thread's text.
const MAX_TEXT: usize = 8 << 10;

/// The thread whose lines are being read.
#[derive(Default)]
pub(super) struct Thread {
    /// Its first line.
    header: Vec<u8>,
    citation: Citation,
    text: Vec<u8>,
    state: Vec<u8>,
    place: Vec<u8>,
    /// Whether `place` is the program's own.
    own: bool,
    frames: usize,
    open: bool,
    /// Its number in the kernel.
    pub tid: Option<u32>,
    /// How many stand there.
    pub count: u64,
}

impl Thread {
    /// Begins another thread at its first line, with what its text begins with.
    pub fn begin(&mut self, at: At<'_>, text: &[u8]) {
        self.header.clear();
        self.header.extend_from_slice(at.text);
        self.citation = at.citation;
        self.text.clear();
        self.text.extend_from_slice(text);
        self.state.clear();
        self.place.clear();
        (self.own, self.frames, self.open, self.tid, self.count) = (false, 0, true, None, 1);
    }

    /// Whether a thread has begun.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Its state.
    pub fn state(&mut self, state: &[u8]) {
        self.state.clear();
        self.state.extend_from_slice(state.get(..MAX_TEXT).unwrap_or(state));
    }

    /// Adds words to its text.
    pub fn say(&mut self, words: &[u8]) {
        if self.open && self.text.len() + words.len() < MAX_TEXT {
            self.text.push(b' ');
            self.text.extend_from_slice(words);
        }
    }

    /// Adds a frame, innermost first; `own` tells whether it is outside of the language's library.
    pub fn frame(&mut self, text: &[u8], place: &[u8], own: bool) {
        if self.frames < FRAMES {
            self.say(text);
        }
        self.frames += 1;
        if self.place.is_empty() || own && !self.own {
            self.place.clear();
            self.place.extend_from_slice(place.get(..MAX_TEXT).unwrap_or(place));
            self.own = own;
        }
    }

    /// Hands on the thread that was being read; `name` finds its name in its first line.
    pub fn tell(&mut self, format: &'static str, name: impl Fn(&[u8]) -> Option<&[u8]>, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let thread = name(&self.header).unwrap_or_default();
        let message =
            Message { at: b"", level: None, text: &self.text, host: b"", program: b"", pid: None, thread, kernel: false, by_layout: false };
        let stack = Stack { thread, tid: self.tid, state: &self.state, place: &self.place, count: self.count };
        sink.stack(At { citation: self.citation, format, text: &self.header }, &stack, &message);
    }
}
