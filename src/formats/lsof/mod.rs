//! lsof 4.82 to 4.99 on Linux: the table, and the fields of `-F`.
//!
//! ```text
//! COMMAND   PID USER   FD      TYPE             DEVICE SIZE/OFF     NODE NAME
//! java    29956 root    4u     sock                0,9      0t0   133868 protocol: TCP
//! java    29956 root   24u     IPv4             133909      0t0      TCP 127.0.0.1:40112->127.0.0.1:9092 (CLOSE_WAIT)
//! java    29956 root *280u     sock                0,9      0t0   133990 can't identify protocol
//! java    29956 root   83u  a_inode               0,16        0       26 [eventpoll:58]
//! java    29956 root NOFD                                /proc/29956/fd (opendir: Permission denied)
//! ```
//!
//! One row is one descriptor of one process, or with a TID the same descriptor once more for one of its threads: plain `lsof` repeats
//! every descriptor for every thread. lsof reads each `/proc/net` table once, of its own network namespace, and then walks for seconds:
//! a socket in none of them may be closed, younger than the table, or in another namespace.
//!
//! Quirks: see `table` for blank columns, `cell` for where the inode is, `fields` for `-F`, `remarks` for warnings.
//! Sources: lsof `print.c`, `lib/proc.c`, `lib/dialects/linux/dsock.c`; lsof(8).

mod cell;
mod fields;
mod remarks;
mod repeat;
mod table;
#[cfg(test)]
mod tests;

use self::cell::is_denied;
use self::fields::FieldSets;
use self::remarks::{Remark, remark};
use self::table::{Between, Prefix};
use super::run::Run;
use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Descriptor, DescriptorKind, Identity, IdentityKey, Note, NoteKind, Sink};

/// How many lines at the beginning are looked at: warnings come first.
const FIT_LINES: usize = 200;

/// lsof's table and `-F` output.
pub struct Lsof;

struct Reading {
    between: Between,
    prefix: Prefix,
    /// `-F`: in use once a process set began.
    sets: Option<Box<FieldSets>>,
    /// The last process that could not be looked into, so that it is noted once.
    denied: Option<u32>,
}

impl Format for Lsof {
    fn id(&self) -> &'static str {
        "lsof"
    }

    fn title(&self) -> &'static str {
        "lsof: table and -F fields"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().take(FIT_LINES);
        let mut fit = if probe.name().contains("lsof") { Fit::Name } else { Fit::No };
        while let Some(line) = rows.next() {
            if is_table(line) || (fields::opens(line) && rows.next().is_none_or(fields::continues)) {
                return Fit::Sure;
            }
            match remark(line) {
                Some(Remark::Plain) => {}
                Some(Remark::Noted(_) | Remark::Version) => fit = Fit::Likely,
                None => return fit,
            }
        }
        fit
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_table(line) || remarks::is_message(line)
    }

    fn has_header(&self) -> bool {
        true
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"lsof" && !prompt::counts(command) && !scan::contains(command, b" -t")
    }

    fn can_end(&self, row: &[u8]) -> bool {
        // A connection has its state in parentheses, what has no path a name in brackets, and what is in no table one of two sentences.
        let text = row.trim_ascii_end();
        if text.ends_with(b")") || text.ends_with(b" can't identify protocol") {
            return true;
        }
        let behind = |word: &[u8]| memchr::memmem::find(text, word).and_then(|at| text.get(at + word.len()..));
        let whole = |rest: &[u8], end: u8| rest.last() == Some(&end);
        behind(b" TCP ").is_none_or(|rest| whole(rest, b')'))
            && behind(b" [event").is_none_or(|rest| whole(rest, b']'))
            && behind(b" can't ").is_none_or(|rest| rest == b"identify protocol")
            && !super::width::ends_within(text, &[b"can't", b"protocol", b"protocol:", b"TCP"])
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let between = if asks_for_parents(hint.command) { Between::NoThreads } else { Between::Guess };
        Box::new(Reading { between, prefix: Prefix::default(), sets: None, denied: None })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(sets) = &mut self.sets {
            let taken = sets.line(at, sink);
            if taken != Taken::Unknown {
                return taken;
            }
            sets.flush(at, sink);
        }
        let mut d = Descriptor::default();
        if self.prefix.row(at.text, self.between, sink.skims(), &mut d) {
            if is_denied_row(&d) && self.denied != d.pid {
                self.denied = d.pid;
                sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid: d.pid, text: d.name });
            }
            sink.descriptor(at, &d);
            return Taken::Row;
        }
        self.other(at, sink)
    }

    #[inline]
    fn run(&mut self, text: &[u8], longest: usize, sink: &mut dyn Sink) -> Run {
        self.prefix.run(text, longest, sink)
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        if let Some(sets) = &mut self.sets {
            sets.flush(at, sink);
        }
    }
}

impl Reading {
    /// A line that is no row.
    fn other(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(between) = table::header(at.text) {
            self.between = between;
            self.prefix = Prefix::default();
            self.sets = None;
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
            return Taken::Noise;
        }
        if self.sets.is_none() && fields::opens(at.text) {
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
            return self.sets.insert(Box::default()).line(at, sink);
        }
        match remark(at.text) {
            Some(Remark::Plain) => {}
            Some(Remark::Noted(kind)) => sink.note(at, &Note { kind, pid: None, text: at.text }),
            Some(Remark::Version) => sink.identity(at, &Identity { key: IdentityKey::Tool, value: at.text, pid: None }),
            None => return Taken::Unknown,
        }
        Taken::Noise
    }
}

/// Only rows whose link or directory could not be read have neither device nor inode.
fn is_denied_row(d: &Descriptor<'_>) -> bool {
    matches!(d.kind, DescriptorKind::Denied | DescriptorKind::Other) && is_denied(d.name)
}

fn is_table(line: &[u8]) -> bool {
    table::header(line).is_some() || table::is_row(line)
}

/// `-R` and `-g` print numbers where threads would stand.
fn asks_for_parents(command: &[u8]) -> bool {
    let options = scan::Fields::new(command).take_while(|w| *w != b"|").filter(|w| w.first() == Some(&b'-'));
    options.into_iter().any(|w| w.iter().any(|b| matches!(b, b'R' | b'g')) && !w.starts_with(b"-F"))
}
