//! What formats share whose whole text is one word of one process: `/proc/PID/comm`, `/proc/PID/wchan`.
//!
//! Nearly anything could be such a word, so it is read only where the path or the command names the file, and the process too where the
//! word has no shape.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt};
use crate::facts::{At, Sink};
use crate::formats::pid::pid_of;

/// A file of `/proc/PID` that holds one word.
pub struct Word {
    /// The file's name, which is the format's id.
    pub leaf: &'static str,
    /// What the list of formats says.
    pub title: &'static str,
    /// Whether its shape tells it, so that the process need not be named.
    pub shaped: bool,
    /// The word of a line, if the kernel could have printed it.
    pub word: fn(&[u8]) -> Option<&[u8]>,
    /// Hands on the fact.
    pub tell: fn(At<'_>, &mut dyn Sink, Option<u32>, &[u8]),
}

struct Reading {
    of: &'static Word,
    pid: Option<u32>,
    done: bool,
}

impl Format for &'static Word {
    fn id(&self) -> &'static str {
        self.leaf
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let whose = self.shaped || pid_of(probe.path, probe.command).is_some();
        let named = whose && probe.whole && named::has_word(probe.path, self.leaf);
        let mut rows = probe.rows();
        let fits = rows.next().is_some_and(|line| (self.word)(line).is_some()) && rows.next().is_none();
        if named && fits { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, self.leaf.as_bytes())
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { of: self, pid: hint.pid, done: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || (!self.done && prompt::banner(at.text).is_some()) {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(at.text) {
            (self.pid, self.done) = (Some(pid), false);
            return Taken::Noise;
        }
        if self.done || named::is_prompt(at.text) {
            return Taken::Unknown;
        }
        let Some(word) = (self.of.word)(at.text) else { return Taken::Unknown };
        self.done = true;
        if !self.of.shaped && self.pid.is_none() {
            return Taken::Noise;
        }
        (self.of.tell)(at, sink, self.pid, word);
        Taken::Row
    }
}
