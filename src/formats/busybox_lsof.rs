//! BusyBox `lsof`: every descriptor of every process, separated by tabs, without a header.
//!
//! ```text
//! 29956<TAB>/usr/bin/python3.11<TAB>4<TAB>socket:[133868]       since 1.23
//! 29956<TAB>/usr/bin/python3.11<TAB>socket:[133868]             1.22: no column for the descriptor
//! ```
//!
//! Options are ignored, processes that may not be read are missing without a word, and nothing is looked up in a protocol table
//! (`procps/lsof.c`): a socket here is never "unlisted". Descriptors with the same number as in `/proc/PID/fd`.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan, target};
use crate::facts::{At, Descriptor, FdRef, Sink};

/// BusyBox lsof.
pub struct BusyboxLsof;

struct Reading;

impl Format for BusyboxLsof {
    fn id(&self) -> &'static str {
        "busybox-lsof"
    }

    fn title(&self) -> &'static str {
        "BusyBox lsof: PID, executable, descriptor, target"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        // A row whose target is a path could be a line of anything that has tabs, were it not for the absolute paths in both columns.
        row(line).is_some_and(|d| d.fd != FdRef::Unknown || d.inode.is_some() || d.name.starts_with(b"/"))
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"busybox" && scan::contains(command, b"lsof") && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() {
            return Taken::Noise;
        }
        let Some(d) = row(at.text) else { return Taken::Unknown };
        sink.descriptor(at, &d);
        Taken::Row
    }
}

/// `PID TAB exe [TAB fd] TAB target`. The executable is empty for kernel threads and what may not be read.
fn row(line: &[u8]) -> Option<Descriptor<'_>> {
    let (pid, rest) = cut(line)?;
    let pid = scan::number32(pid)?;
    let (exe, rest) = cut(rest)?;
    if !exe.is_empty() && exe.first() != Some(&b'/') {
        return None;
    }
    let (fd, name) = match cut(rest) {
        Some((word, name)) => (FdRef::Number(scan::number32(word)?), name),
        None => (FdRef::Unknown, rest),
    };
    let (kind, inode) = target::read(name);
    Some(Descriptor { pid: Some(pid), command: basename(exe), fd, kind, inode, name, ..Descriptor::default() })
}

fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = memchr::memchr(b'\t', text)?;
    Some((text.get(..tab)?, text.get(tab + 1..)?))
}

fn basename(path: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', path) {
        Some(i) => path.get(i + 1..).unwrap_or(b""),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn with_and_without_the_descriptor() {
        let read = facts("29956\t/usr/bin/python3.11\t4\tsocket:[133868]\n29956\t/usr/bin/python3.11\tsocket:[133869]\n");
        assert_eq!(read.len(), 2);
        assert!(read[0].starts_with("descriptor pid=29956 tid=- command=python3.11 user=- fd=4 kind=socket protocol=-"), "{}", read[0]);
        assert!(read[0].contains("inode=133868 unlisted=false"), "{}", read[0]);
        assert!(read[1].contains("fd=- kind=socket"), "{}", read[1]);
    }

    #[test]
    fn other_tables_with_tabs_are_not_taken() {
        let (told, reading) = told_as("capture.txt", "12\tapples\t4\tpears\n");
        assert!(told.lines.is_empty());
        assert_ne!(reading.format(), "busybox-lsof");
    }
}
