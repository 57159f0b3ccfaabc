//! Records of `journalctl -o export`: a field on each line, a blank line behind each record.
//!
//! ```text
//! __REALTIME_TIMESTAMP=1795860000000000
//! PRIORITY=3
//! SYSLOG_IDENTIFIER=order-sync
//! _PID=17702
//! MESSAGE=publish failed
//! ```
//!
//! Fields come in any order, so that a message is handed on when its record is over.

use super::{head, split};
use crate::facts::{At, Citation, Level, Message, Sink};
use crate::formats::scan;

/// A record as far as it has come.
#[derive(Default)]
pub(super) struct Record {
    at: String,
    level: Option<Level>,
    program: Vec<u8>,
    pid: Option<u32>,
    /// The line of the message, and where it stands.
    message: Option<(Citation, Vec<u8>)>,
}

/// Whether a line begins a record.
pub(super) fn begins(line: &[u8]) -> bool {
    line.starts_with(b"__CURSOR=") || line.starts_with(b"__REALTIME_TIMESTAMP=")
}

/// Microseconds since 1970 as a time.
pub(super) fn time(micros: &[u8]) -> Option<String> {
    let micros = i64::try_from(scan::number(micros)?).ok()?;
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}

impl Record {
    /// Takes a line; `false` if it is no field.
    pub(super) fn field(&mut self, at: &At<'_>) -> bool {
        let Some((key, value)) = memchr::memchr(b'=', at.text).and_then(|i| at.text.split_at_checked(i)) else { return false };
        if key.is_empty() || !key.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_') {
            return false;
        }
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"__REALTIME_TIMESTAMP" => self.at = time(value).unwrap_or_default(),
            b"PRIORITY" => self.level = super::json::level(value).or(Some(Level::Info)),
            b"SYSLOG_IDENTIFIER" => self.program = value.to_vec(),
            b"_COMM" if self.program.is_empty() => self.program = value.to_vec(),
            b"_PID" => self.pid = scan::number32(value),
            b"MESSAGE" => self.message = Some((at.citation, at.text.to_vec())),
            _ => {}
        }
        true
    }

    /// The record is over; whether it had a message.
    pub(super) fn tell(self, format: &'static str, sink: &mut dyn Sink) -> bool {
        let Some((citation, line)) = self.message else { return false };
        let text = line.get(b"MESSAGE=".len()..).unwrap_or_default().trim_ascii();
        let inner = split(text).map(|head| head.message);
        let message = Message {
            at: self.at.as_bytes(),
            level: inner.and_then(|m| m.level).or(self.level),
            text: inner.map_or(text, |m| m.text),
            program: &self.program,
            pid: self.pid,
            kernel: self.program == b"kernel",
            ..head::empty()
        };
        sink.message(At { citation, format, text: &line }, &message);
        true
    }
}
