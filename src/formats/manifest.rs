//! `MANIFEST` of our collector: what it ran, when, and what became of it.
//!
//! ```text
//! format=sockdiag.manifest/1
//! host=front-1
//! kernel=6.1.0-28-amd64
//! start=2026-11-22T14:56:52Z
//! complete=yes
//! run id=07 status=timeout rc=124 start=... end=... bytes=812 path=lsof.txt tool="lsof 4.95.0" argv="lsof -nP"
//! missing tool=lsof would="name what each descriptor is"
//! ```
//!
//! A header of `key=value` lines and records of the same, values with blanks in double quotes (`\"` and `\\` inside). A command that ran
//! into a limit, failed or was denied limits what its output can prove; that is handed on as a note which begins with the output's path
//! and tells why, where the record does. What was skipped for the lack of a tool is said once, by the record of the tool.
//! `complete=no` means that the collector was stopped before its end.

use super::{Fit, Format, Hint, Parser, Probe, Taken, date, scan};
use crate::facts::{At, Identity, IdentityKey, Note, NoteKind, Sink};

/// The collector's manifest.
pub struct Manifest;

struct Reading;

impl Format for Manifest {
    fn id(&self) -> &'static str {
        "manifest"
    }

    fn title(&self) -> &'static str {
        "the collector's MANIFEST"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().find(|l| !l.starts_with(b"#")) {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"format=sockdiag.manifest/")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Taken::Noise;
        }
        if let Some(record) = line.strip_prefix(b"run ") {
            return run(record, at, sink);
        }
        if let Some(record) = line.strip_prefix(b"missing ") {
            return missing(record, at, sink);
        }
        let mut pairs = Pairs { rest: line };
        match pairs.next() {
            Some((key, value)) => header(key, unquoted(value), at, sink),
            None if scan::contains(line, b"=") => Taken::Noise,
            None => Taken::Unknown,
        }
    }
}

fn header(key: &[u8], value: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
    let identity = match key {
        b"host" | b"hostname" => IdentityKey::Hostname,
        b"kernel" => IdentityKey::Kernel,
        b"start" => {
            let time = date::rfc3339(value);
            let value = time.as_deref().map_or(value, str::as_bytes);
            sink.identity(at, &Identity { key: IdentityKey::Date, value, pid: None });
            return Taken::Row;
        }
        b"uid" => IdentityKey::CaptureUid,
        b"netns" => IdentityKey::Netns,
        b"pidns" => IdentityKey::Pidns,
        b"boot_id" => IdentityKey::BootId,
        b"uptime" => IdentityKey::Uptime,
        b"complete" if value == b"no" => {
            sink.note(at, &Note { kind: NoteKind::TailLost, pid: None, text: b"the collector did not finish" });
            return Taken::Row;
        }
        _ => return Taken::Noise,
    };
    if value.is_empty() || matches!(value, b"?" | b"-" | b"unknown") {
        return Taken::Noise;
    }
    sink.identity(at, &Identity { key: identity, value, pid: None });
    Taken::Row
}

fn run(record: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
    let (mut status, mut path, mut argv, mut tool, mut why) = (&b""[..], &b""[..], &b""[..], &b""[..], &b""[..]);
    for (key, value) in (Pairs { rest: record }) {
        match key {
            b"status" => status = value,
            b"path" => path = unquoted(value),
            b"argv" => argv = unquoted(value),
            b"tool" => tool = unquoted(value),
            b"note" => why = unquoted(value),
            _ => {}
        }
    }
    if tool.iter().any(u8::is_ascii_digit) && scan::Fields::new(tool).count() >= 2 {
        sink.identity(at, &Identity { key: IdentityKey::Tool, value: tool, pid: None });
    }
    let kind = match status {
        b"ok" => return Taken::Row,
        b"skipped" if why.ends_with(b" is not there") => return Taken::Row,
        b"timeout" | b"stuck" => NoteKind::TimedOut,
        b"failed" | b"unsupported" => NoteKind::Failed,
        b"denied" => NoteKind::NoPrivilege,
        b"truncated" => NoteKind::TailLost,
        b"skipped" => NoteKind::Warning,
        _ => return Taken::Unknown,
    };
    let before: &[u8] = if why.is_empty() { b"" } else { b": " };
    let text = [path, b": ", status, b" ", argv, before, why].concat();
    sink.note(at, &Note { kind, pid: super::pid::pid_of("", argv), text: &text });
    Taken::Row
}

fn missing(record: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
    let (mut tool, mut would) = (&b""[..], &b""[..]);
    for (key, value) in (Pairs { rest: record }) {
        match key {
            b"tool" => tool = unquoted(value),
            b"would" => would = unquoted(value),
            _ => {}
        }
    }
    if tool.is_empty() {
        return Taken::Unknown;
    }
    let text = [tool, b" was not there; it would have told: ", would].concat();
    sink.note(at, &Note { kind: NoteKind::Failed, pid: None, text: &text });
    Taken::Row
}

/// `key=value key="value with blanks"`, values still quoted.
struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        let (key, after) = rest.split_at_checked(memchr::memchr(b'=', rest)?)?;
        let after = after.get(1..)?;
        let mut shaped = key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        shaped &= !key.is_empty();
        let end = match after.strip_prefix(b"\"") {
            Some(inside) => closing_quote(inside).map_or(after.len(), |i| i + 2),
            None => after.iter().position(|&b| scan::is_blank(b)).unwrap_or(after.len()),
        };
        let (value, rest) = after.split_at_checked(end)?;
        self.rest = rest;
        shaped.then_some((key, value))
    }
}

/// Where the quote ends that was opened before this text.
fn closing_quote(inside: &[u8]) -> Option<usize> {
    let mut escaped = false;
    inside.iter().position(|&b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

/// A value without its quotes. Escapes inside stay: what is quoted is shown to people, not run.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").map_or(value, |v| v.strip_suffix(b"\"").unwrap_or(v))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    const HEADER: &str = "format=sockdiag.manifest/1\n";

    #[test]
    fn whose_capture_it_is() {
        let text = format!(
            "{HEADER}host=front-1\nkernel=6.1.0\nstart=2026-11-22T14:56:52Z\nuid=0\nnetns=net:[4026531992]\ncomplete=yes\nlocale=C\n"
        );
        let (told, reading) = told_as("MANIFEST", &text);
        assert_eq!(
            told.lines,
            [
                "identity Hostname pid=- front-1",
                "identity Kernel pid=- 6.1.0",
                "identity Date pid=- 2026-11-22T14:56:52Z",
                "identity CaptureUid pid=- 0",
                "identity Netns pid=- net:[4026531992]",
            ]
        );
        assert_eq!((reading.format(), reading.unparsed()), ("manifest", 0));
    }

    #[test]
    fn what_went_wrong() {
        let text = format!(
            "{HEADER}complete=no\nrun id=1 status=ok rc=0 path=ss.txt tool=\"/usr/bin/ss\" argv=\"ss -s\"\n\
             run id=2 status=timeout rc=124 path=lsof.txt argv=\"lsof -nP -c \\\"a b\\\"\"\nrun id=3 status=denied path=fd.txt argv=\"ls -l /proc/7/fd\"\n\
             run id=4 status=skipped rc=- path=strace/7 argv=\"strace -p 7\" note=\"the load is 9\"\n\
             run id=5 status=skipped rc=- path=- argv=lsof note=\"lsof is not there\"\nmissing tool=lsof would=\"each descriptor\"\n"
        );
        assert_eq!(
            told_as("x", &text).0.lines,
            [
                "note tail lost pid=- the collector did not finish",
                "note timed out pid=- lsof.txt: timeout lsof -nP -c \\\"a b\\\"",
                "note without privilege pid=7 fd.txt: denied ls -l /proc/7/fd",
                "note warning pid=7 strace/7: skipped strace -p 7: the load is 9",
                "note failed pid=- lsof was not there; it would have told: each descriptor",
            ]
        );
    }

    #[test]
    fn a_cut_record_is_read_as_far_as_it_goes() {
        let (told, _) = told_as("x", &format!("{HEADER}run id=2 status=failed path=a argv=\"lsof -n"));
        assert_eq!(told.lines, ["note failed pid=- a: failed lsof -n"]);
    }
}
