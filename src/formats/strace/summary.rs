//! The table that `strace -c` prints, and `strace -C` behind its listing.
//!
//! ```text
//! % time     seconds  usecs/call     calls    errors syscall
//! ------ ----------- ----------- --------- --------- ----------------
//!  53.03    0.001663         277         6           clock_nanosleep
//!   4.62    0.000145          13        11         6 connect
//! ------ ----------- ----------- --------- --------- ----------------
//! 100.00    0.003136                   135        11 total
//! ```
//!
//! Counts are of the traced threads over the time of tracing. `errors` is blank for none, and the total row had no `usecs/call` before
//! 5.x, so columns are told by where they end. `-U` selects and orders columns. Source: `src/count.c`.

use crate::facts::{At, Counter, Note, NoteKind, Scope, Sink, Unit};
use crate::formats::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};

/// Counts of system calls.
pub struct StraceSummary;

#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    name: String,
}

struct Column {
    kind: Kind,
    /// Where the heading ends, one past its last byte.
    end: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Calls,
    Errors,
    Name,
    Other,
}

impl Format for StraceSummary {
    fn id(&self) -> &'static str {
        "strace-c"
    }

    fn title(&self) -> &'static str {
        "tables of strace -c"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|row| self.opens(row)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        columns(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"strace" && scan::Fields::new(command).any(|field| field == b"-c" || field == b"--summary-only")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Table::default())
    }
}

impl Parser for Table {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(columns) = columns(at.text) {
            if !self.columns.is_empty() {
                sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: b"" });
            }
            self.columns = columns;
            return Taken::Noise;
        }
        let line = at.text.trim_ascii_end();
        if line.is_empty() || line.iter().all(|b| matches!(b, b'-' | b' ')) {
            return Taken::Noise;
        }
        match self.row(line) {
            Some((calls, errors)) => {
                self.tell(at, "calls", calls, sink);
                self.tell(at, "errors", errors, sink);
                Taken::Row
            }
            None => Taken::Unknown,
        }
    }
}

impl Table {
    /// The numbers of calls and errors of a row, whose call's name is left in `name`; `None` if it is no row.
    fn row(&mut self, line: &[u8]) -> Option<(i64, i64)> {
        let (mut calls, mut errors) = (None, 0);
        let mut fields = scan::Fields::new(line);
        self.name.clear();
        let mut numbers = 0usize;
        while let Some(field) = fields.next() {
            let column = self.columns.iter().find(|c| c.kind == Kind::Name || fields.offset() <= c.end)?;
            match column.kind {
                Kind::Calls => calls = Some(scan::signed(field)?),
                Kind::Errors => errors = scan::signed(field)?,
                Kind::Name => self.name.push_str(std::str::from_utf8(field).ok()?),
                Kind::Other => numbers += usize::from(field.iter().all(|b| b.is_ascii_digit() || *b == b'.')),
            }
        }
        let known = self.columns.len() <= 3 || numbers > 0;
        Some((calls.filter(|_| known && !self.name.is_empty())?, errors))
    }

    fn tell(&mut self, at: At<'_>, what: &str, value: i64, sink: &mut dyn Sink) {
        let name = format!("strace.{what}.{}", self.name);
        sink.counter(at, &Counter { name: &name, value, unit: Unit::Events, scope: Scope::Process });
    }
}

/// The columns of a heading line; `None` if it is none.
fn columns(line: &[u8]) -> Option<Vec<Column>> {
    let line = line.trim_ascii_end();
    if !line.ends_with(b"syscall") && !line.starts_with(b"% time") {
        return None;
    }
    let mut columns = Vec::new();
    let mut fields = scan::Fields::new(line);
    while let Some(field) = fields.next() {
        let kind = match field {
            b"calls" => Kind::Calls,
            b"errors" => Kind::Errors,
            b"syscall" => Kind::Name,
            b"%" => continue,
            b"time" | b"seconds" | b"usecs/call" | b"shortest" | b"longest" | b"min" | b"max" | b"avg" | b"total" => Kind::Other,
            _ => return None,
        };
        columns.push(Column { kind, end: fields.offset() });
    }
    let has = |kind| columns.iter().any(|c| c.kind == kind);
    (has(Kind::Calls) && has(Kind::Name)).then_some(columns)
}
