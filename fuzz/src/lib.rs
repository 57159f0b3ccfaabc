//! What the fuzz targets share: how bytes become members, and what must hold whatever the bytes are.
//!
//! A target never only asks for the absence of a panic. Lines are counted once, facts do not depend on how the bytes came in pieces, and
//! reports are text without control characters.

use sockdiag::bundle::{Limits, MemberEnd, MemberHead, Visitor, Walked};
use sockdiag::capture::Intake;
use sockdiag::config::Thresholds;
use sockdiag::facts::MemberId;
use sockdiag::formats::reader::Reader;
use sockdiag::formats::reading::Reading;
use sockdiag::formats::{FORMATS, Format, by_id};
use sockdiag::report::facts::FactWriter;
use sockdiag::report::{Detail, Look, RENDERERS};
use sockdiag::signatures::Signatures;

/// Bounds under which one run stays within milliseconds.
pub fn limits() -> Limits {
    Limits {
        max_bytes: 4 << 20,
        max_member_bytes: 1 << 20,
        max_members: 500,
        ratio_from: 1 << 20,
        max_window: 8 << 20,
        want_sha256: true,
        ..Limits::default()
    }
}

/// Reads a text as if it were a member at `path`, in chunks of at most `chunk` bytes; the facts as NDJSON, and what became of it.
pub fn read(path: &str, forced: Option<&'static dyn Format>, text: &[u8], chunk: usize) -> (Vec<u8>, Reading) {
    let mut facts = Vec::new();
    let reading = {
        let mut sink = FactWriter::new(&mut facts, Signatures::builtin());
        let mut reader = Reader::new(MemberId(0), path, b"", forced);
        for part in text.chunks(chunk.max(1)) {
            reader.feed(part, &mut sink);
        }
        reader.finish(&mut sink)
    };
    check(&reading, text);
    (facts, reading)
}

/// Reads a text as each of these formats.
pub fn read_as(ids: &[&str], text: &[u8]) {
    for id in ids {
        let format = by_id(id).expect("a format of the registry");
        let _ = read("member", Some(format), text, usize::MAX);
    }
}

/// The ids of all formats that have no target of their own.
pub fn small_formats() -> Vec<&'static str> {
    const OWN: &[&str] =
        &["lsof", "busybox-lsof", "lsfd", "fd", "ss", "ss-s", "netstat", "strace", "log", "dmesg", "jstack", "goroutines"];
    FORMATS.iter().map(|f| f.id()).filter(|id| !OWN.contains(id) && !id.starts_with("proc-net")).collect()
}

/// The ids of the formats of `/proc/net`.
pub fn proc_net_formats() -> Vec<&'static str> {
    FORMATS.iter().map(|f| f.id()).filter(|id| id.starts_with("proc-net")).collect()
}

fn check(reading: &Reading, text: &[u8]) {
    assert_eq!(reading.bytes, text.len() as u64, "bytes are counted once");
    if reading.binary {
        return;
    }
    let lines: u64 = reading.sections.iter().map(|s| u64::from(s.lines)).sum();
    assert_eq!(lines, u64::from(reading.lines), "each line is in one section");
    for section in &reading.sections {
        assert!(section.rows + section.unknown <= section.lines, "a line is a row, noise or unknown: {section:?}");
    }
}

/// A visitor that checks the order in which it is called.
#[derive(Default)]
pub struct Strict {
    open: bool,
    /// Members begun.
    pub members: u64,
    /// Bytes received.
    pub bytes: u64,
}

impl Visitor for Strict {
    fn begin(&mut self, head: &MemberHead) {
        assert!(!self.open, "a member begins inside another one");
        assert!(!head.path.starts_with('/') && head.path.split('/').all(|part| part != ".."), "a path that leads out: {}", head.path);
        self.open = true;
        self.members += 1;
    }

    fn data(&mut self, chunk: &[u8]) {
        assert!(self.open && !chunk.is_empty());
        self.bytes += chunk.len() as u64;
    }

    fn end(&mut self, _end: MemberEnd) {
        assert!(self.open);
        self.open = false;
    }
}

/// Diagnoses what an intake has taken and draws every report; all must be printable.
pub fn report(intake: Intake<'_>, walked: Walked) {
    let diagnosis = sockdiag::diagnose_read(vec![intake.finish("input", walked)], &Thresholds::default());
    for detail in [Detail::Quiet, Detail::Normal, Detail::Full] {
        let look = Look { detail, ..Look::default() };
        for renderer in RENDERERS {
            let text = renderer.render(&diagnosis, &look);
            let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || is_invisible(*c));
            assert_eq!(bad, None, "{} prints a character that can do harm", renderer.id());
        }
    }
}

/// Bidirectional controls and zero-width characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Cuts a text into members at lines `=== PATH ===`, so that a mutation can reach several formats of one capture.
pub fn members(data: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    let mut rest = data;
    let mut path = "member".to_string();
    loop {
        let Some(at) = find(rest, b"\n=== ") else {
            found.push((path, rest));
            return found;
        };
        let (text, after) = rest.split_at(at + 1);
        found.push((path, text));
        let end = after.iter().position(|&b| b == b'\n').unwrap_or(after.len());
        let (title, body) = after.split_at(end);
        path = String::from_utf8_lossy(title).trim_matches(|c| c == '=' || c == ' ').replace("..", "_").trim_start_matches('/').to_string();
        rest = body.get(1..).unwrap_or(b"");
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|w| w == needle)
}
