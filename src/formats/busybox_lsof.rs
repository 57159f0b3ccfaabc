//! BusyBox `lsof`: every descriptor of every process, separated by tabs, without a header.
//!
//! ```text
//! 29956<TAB>/usr/bin/python3.11<TAB>4<TAB>socket:[133868]       since 1.23
//! 29956<TAB>/usr/bin/python3.11<TAB>socket:[133868]             1.22: no column for the descriptor
//! 29956   /usr/bin/python3.11 socket:[133868]                    pasted: blanks in place of tabs
//! ```
//!
//! Options are ignored, processes that may not be read are missing without a word, and nothing is looked up in a protocol table
//! (`procps/lsof.c`): a socket here is never "unlisted". Descriptors with the same number as in `/proc/PID/fd`.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan, target};
use crate::facts::{At, Descriptor, FdRef, Sink};

/// How many rows of the head are looked at.
const LOOKED_AT: usize = 400;

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
            // A process with its program and a path could be a row of ps, were there no sockets or pipes among them.
            Some(line) if blank_row(line).is_some() => {
                let rows = || probe.rows().take(LOOKED_AT).filter(|line| !line.starts_with(b"..."));
                if rows().any(is_anonymous) && rows().all(|line| blank_row(line).is_some()) { Fit::Sure } else { Fit::No }
            }
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        if is_anonymous(line) {
            return true;
        }
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
        let Some(d) = row(at.text).or_else(|| blank_row(at.text)) else { return Taken::Unknown };
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

/// The same with blanks in place of tabs: what a terminal or a page makes of them. Both the program and the target are then needed whole.
fn blank_row(line: &[u8]) -> Option<Descriptor<'_>> {
    if memchr::memchr(b'\t', line).is_some() {
        return None;
    }
    let mut fields = scan::Fields::new(line);
    let pid = scan::number32(fields.next()?)?;
    let exe = fields.next().filter(|exe| exe.starts_with(b"/"))?;
    let rest = fields.rest().trim_ascii();
    let (fd, name) = match scan::leading_number(rest).filter(|(_, name)| name.starts_with(b" ")) {
        Some((fd, name)) => (FdRef::Number(u32::try_from(fd).ok()?), name.trim_ascii_start()),
        None => (FdRef::Unknown, rest),
    };
    let (kind, inode) = target::read(name);
    let whole = name.starts_with(b"/") || is_target(name);
    whole.then(|| Descriptor { pid: Some(pid), command: basename(exe), fd, kind, inode, name, ..Descriptor::default() })
}

/// Whether a row with blanks has a target that no other table has.
fn is_anonymous(line: &[u8]) -> bool {
    blank_row(line).is_some_and(|d| is_target(d.name))
}

fn is_target(name: &[u8]) -> bool {
    [&b"socket:["[..], b"pipe:[", b"anon_inode:"].iter().any(|start| name.starts_with(start)) && !name.contains(&b' ')
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
    fn blanks_in_place_of_tabs() {
        let text = "863     /opt/jre/bin/java /dev/null\n863     /opt/jre/bin/java /opt/app/a b.jar\n863     /opt/jre/bin/java socket:[133868]\n863 /opt/jre/bin/java 7 pipe:[9]\n";
        let (told, reading) = told_as("lsof.txt", text);
        assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("busybox-lsof", 4, 0), "{:?}", told.lines);
        assert!(told.lines[2].contains("fd=- kind=socket") && told.lines[2].contains("inode=133868"), "{:?}", told.lines);
        let ps = "863 /opt/jre/bin/java /opt/app/a.jar\n90 /usr/sbin/relayd /etc/relayd.conf\n";
        assert_ne!(told_as("ps.txt", ps).1.format(), "busybox-lsof");
    }

    #[test]
    fn other_tables_with_tabs_are_not_taken() {
        let (told, reading) = told_as("capture.txt", "12\tapples\t4\tpears\n");
        assert!(told.lines.is_empty());
        assert_ne!(reading.format(), "busybox-lsof");
    }
}
