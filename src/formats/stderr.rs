//! `stderr/NNN` of our collector: what a command complained of, apart from its output.
//!
//! ```text
//! ls: cannot read symbolic link '/proc/812/fd/7': No such file or directory
//! ```
//!
//! MANIFEST says which command it was and how it ended, and that is what a diagnosis uses: the text is for people. It is never read as
//! the tool's output or as a log, since what the collector's own commands ran into is not what the host's programs did.

use super::{Fit, Format, Hint, Parser, Probe, Taken};
use crate::facts::{At, Sink};

/// What a command complained of.
pub struct Stderr;

struct Reading;

impl Format for Stderr {
    fn id(&self) -> &'static str {
        "stderr"
    }

    fn title(&self) -> &'static str {
        "the collector's stderr/NNN"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut parts = probe.path.rsplit('/');
        let number = parts.next().is_some_and(|name| name.len() >= 3 && name.bytes().all(|b| b.is_ascii_digit()));
        if number && parts.next() == Some("stderr") { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, _at: At<'_>, _sink: &mut dyn Sink) -> Taken {
        Taken::Noise
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn complaints_are_no_output() {
        let text = "strace: Process 812 attached\nlsof: WARNING: can't stat() nfs file system /x\njava: Too many open files\n\
                    ls: cannot open directory '/proc/1/fd': Permission denied\n";
        let (told, reading) = told_as("h/stderr/164", text);
        assert_eq!((told.lines.len(), reading.format(), reading.unparsed()), (0, "stderr", 0));
        assert_ne!(told_as("stderr.log", text).1.format(), "stderr");
    }
}
