//! `/proc/PID/limits`: the resource limits of one process.
//!
//! ```text
//! Limit                     Soft Limit           Hard Limit           Units
//! Max open files            20000                20000                files
//! Max nice priority         0                    0
//! ```
//!
//! Columns are fixed (`fs/proc/base.c`, `proc_pid_limits`) but pastes squeeze blanks, so the name ends at the first value. A value is a
//! number or `unlimited`; the unit may be missing. The process is named only by the path or the command. `prlimit` (util-linux) is
//! read too: its `NOFILE` row is the same limit.

use super::pid::asked_program;
use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Limit, LimitValue, Sink};

/// The limits of a process.
pub struct Limits;

struct Reading {
    pid: Option<u32>,
    /// The program by whose name the command asks for its process.
    program: Vec<u8>,
}

impl Format for Limits {
    fn id(&self) -> &'static str {
        "limits"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/limits and prlimit"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().find(|l| named::banner_pid(l).is_none()) {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = after_path(line.trim_ascii()).1;
        is_header(line) || (line.starts_with(b"Max ") && row(line).is_some_and(|r| r.hard.is_some()))
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"limits") || (prompt::program(command) == b"prlimit" && !prompt::counts(command))
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid, program: asked_program(hint.command).unwrap_or_default().to_vec() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if let Some(pid) = named::banner_pid(line) {
            self.pid = Some(pid);
            return Taken::Noise;
        }
        let (pid, line) = after_path(line);
        if line.is_empty() || is_header(line) {
            return Taken::Noise;
        }
        let Some(row) = row(line) else { return Taken::Unknown };
        sink.limit(at, &Limit { pid: pid.or(self.pid), name: row.name, soft: Some(row.soft), hard: row.hard, program: &self.program });
        Taken::Row
    }
}

struct Row<'a> {
    name: &'a str,
    soft: LimitValue,
    hard: Option<LimitValue>,
}

fn row(line: &[u8]) -> Option<Row<'_>> {
    if line.starts_with(b"NOFILE ") {
        let mut values = scan::Fields::new(line).filter_map(value);
        return Some(Row { name: "Max open files", soft: values.next()?, hard: values.next() });
    }
    let mut fields = scan::Fields::new(line);
    if fields.next()? != b"Max" {
        return None;
    }
    let mut end = fields.offset();
    loop {
        let field = fields.next()?;
        if let Some(soft) = value(field) {
            let name = std::str::from_utf8(line.get(..end)?).ok()?;
            return (name != "Max").then(|| Row { name, soft, hard: fields.next().and_then(value) });
        }
        end = fields.offset();
    }
}

fn value(field: &[u8]) -> Option<LimitValue> {
    match field {
        b"unlimited" => Some(LimitValue::Unlimited),
        _ => scan::number(field).map(LimitValue::At),
    }
}

/// `/proc/4684/limits:Max open files ...`, as grep over several files prints it, split behind the path.
fn after_path(line: &[u8]) -> (Option<u32>, &[u8]) {
    if !line.starts_with(b"/proc/") {
        return (None, line);
    }
    match memchr::memmem::find(line, b"/limits:").and_then(|i| line.split_at_checked(i)) {
        Some((path, rest)) => (named::pid_in(path), rest.get(8..).unwrap_or(b"").trim_ascii_start()),
        None => (None, line),
    }
}

fn is_header(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    match fields.next() {
        Some(b"Limit") => fields.next() == Some(b"Soft") && fields.next() == Some(b"Limit"),
        Some(b"RESOURCE") => fields.next() == Some(b"DESCRIPTION"),
        // The other rows of prlimit.
        Some(b"AS" | b"CORE" | b"CPU" | b"DATA" | b"FSIZE" | b"LOCKS" | b"MEMLOCK" | b"MSGQUEUE" | b"NICE" | b"NPROC" | b"RSS")
        | Some(b"RTPRIO" | b"RTTIME" | b"SIGPENDING" | b"STACK") => fields.filter_map(value).count() >= 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn the_pid_comes_from_the_path_or_the_prompt() {
        let text =
            "Limit  Soft Limit  Hard Limit  Units     \nMax open files            1024                 unlimited            files     \n";
        let want = "limit pid=8259 Max open files soft=Some(At(1024)) hard=Some(Unlimited)";
        assert_eq!(told_as("x/pid-8259-limits.txt", text).0.lines, [want]);
        assert_eq!(facts(&format!("[root@lb ~]# cat /proc/8259/limits \n{text}")), [want]);
    }

    #[test]
    fn a_unit_may_be_missing_and_blanks_squeezed() {
        let (told, reading) = told_as("limits", "Max nice priority 0 0 \nMax open files 20000 20000 files\n");
        assert_eq!(reading.unparsed(), 0);
        assert_eq!(told.lines[0], "limit pid=- Max nice priority soft=Some(At(0)) hard=Some(At(0))");
        assert_eq!(told.lines.len(), 2);
    }

    #[test]
    fn several_processes_in_one_text() {
        let text = "==> /proc/7/limits <==\nMax open files 1 2 files\n/proc/9/limits:Max open files            3 4 files\n";
        let lines = facts(text);
        assert!(lines[0].starts_with("limit pid=7 Max open files soft=Some(At(1))"), "{lines:?}");
        assert!(lines[1].starts_with("limit pid=9 Max open files soft=Some(At(3))"), "{lines:?}");
    }

    #[test]
    fn prlimit_prints_the_same_limit() {
        let text = "$ prlimit -p 77\nRESOURCE   DESCRIPTION                             SOFT      HARD UNITS\n\
                    NOFILE     max number of open files                1024   1048576 files\nNPROC      max number of processes 12 13 processes\n";
        assert_eq!(facts(text), ["limit pid=77 Max open files soft=Some(At(1024)) hard=Some(At(1048576))"]);
    }

    #[test]
    fn prose_about_limits_is_no_row() {
        assert!(facts("Max open files is 1024 here, which is too low\n").is_empty());
    }
}
