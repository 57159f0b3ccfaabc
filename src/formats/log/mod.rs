//! Logs of applications and of syslog, one message a line, in the layouts of the usual frameworks.
//!
//! ```text
//! 2026-11-22 14:56:05.803 WARN [sender-0] Connection to broker 5 (10.0.0.5:9092) could not be established.
//! 2022/09/19 02:22:53 http: panic serving 172.28.46.222:45842: write: broken pipe
//! Nov  8 02:18:41 host-a kube-apiserver[71042]: I1108 02:18:41.255220   71042 logs.go:41] http: Accept error: ...
//! {"level":50,"time":"2026-11-22T14:56:37.507Z","pid":26372,"msg":"feed failed","err":{"code":"ECONNREFUSED"}}
//! ```
//!
//! This is the format of last resort: it never fits better than weakly, and a line is a message only if it looks like one, goes on
//! from one (a stack trace), or stands in a file that is named a log. Prose around it stays unread.

mod client;
mod errno;
mod export;
pub(super) mod head;
mod json;
#[cfg(test)]
mod tests;
mod time;

use export::Record;
pub(super) use head::split;

use super::{Fit, Format, Hint, Parser, Probe, Taken, scan};
use crate::facts::{At, Level, Message, Sink};

/// How many rows of the head are looked at.
const LOOKED_AT: usize = 12;

/// Any log.
pub struct Log;

struct Lines {
    /// Whether the file is named a log, so that bare lines are messages too.
    named: bool,
    /// Whether the line before was a message or a part of one.
    inside: bool,
    /// The text of a JSON line, its escapes undone.
    text: Vec<u8>,
    /// The record of an export of the journal that has not ended.
    record: Option<Record>,
}

impl Format for Log {
    fn id(&self) -> &'static str {
        "log"
    }

    fn title(&self) -> &'static str {
        "application logs, syslog and the journal"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().take(LOOKED_AT).any(export::begins) {
            return Fit::Likely;
        }
        let (mut all, mut fitting) = (0, 0);
        for row in probe.rows().take(LOOKED_AT) {
            all += 1;
            fitting += usize::from(is_message(row) || fitting > 0 && is_trace_line(row));
        }
        if fitting > 0 && fitting * 2 >= all {
            Fit::Weak
        } else if all > 0 && is_log_name(&probe.name()) {
            Fit::Name
        } else {
            Fit::No
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        match line.first() {
            Some(b'{') => json::object(line).is_some(),
            Some(b'_') => export::begins(line),
            Some(_) => split(line).is_some_and(|head| head.certain) || stands_alone(line),
            None => false,
        }
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        let program = super::prompt::program(command);
        let reads = matches!(program, b"tail" | b"cat" | b"less" | b"grep" | b"zgrep" | b"head" | b"more");
        program == b"journalctl"
            || (program == b"docker" || program == b"kubectl") && scan::contains(command, b" logs ")
            || reads && (scan::contains(command, b".log") || scan::contains(command, b"/var/log/"))
    }

    fn greedy(&self) -> bool {
        true
    }

    /// Each command prints another log, or another part of one.
    fn begins_at_command(&self) -> bool {
        true
    }

    fn continues(&self, line: &[u8]) -> bool {
        is_frame(line)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let name = hint.path.rsplit('/').next().unwrap_or(hint.path).to_ascii_lowercase();
        let commanded = !hint.command.is_empty() && self.printed_by(hint.command);
        Box::new(Lines { named: commanded || is_log_name(&name), inside: false, text: Vec::new(), record: None })
    }
}

impl Parser for Lines {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(taken) = self.field(at, sink) {
            return taken;
        }
        let line = at.text.trim_ascii_end();
        if line.is_empty() || line.starts_with(b"-- ") || line.starts_with(b"###") {
            return Taken::Noise;
        }
        if line.first() == Some(&b'{')
            && let Some(object) = json::object(line)
        {
            return self.json(at, &object, sink);
        }
        if self.inside && is_frame(line) {
            sink.message(at, &Message { text: line.trim_ascii(), ..head::empty() });
            return Taken::Row;
        }
        if let Some(head) = split(line) {
            self.inside = true;
            sink.message(at, &head.message);
            return Taken::Row;
        }
        let part = self.inside && is_trace_line(line) || stands_alone(line);
        if !part && !self.named {
            self.inside = false;
            return Taken::Unknown;
        }
        self.inside = true;
        let level = stands_alone(line).then_some(Level::Error);
        sink.message(at, &Message { level, text: line.trim_ascii(), ..head::empty() });
        Taken::Row
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        if let Some(record) = self.record.take() {
            record.tell(at.format, sink);
        }
    }
}

impl Lines {
    /// Takes a line of an export; `None` if it is none.
    fn field(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Option<Taken> {
        if self.record.is_none() && export::begins(at.text) {
            self.record = Some(Record::default());
        }
        let record = self.record.as_mut()?;
        if record.field(&at) {
            // The message is the one field that carries what the others tell of.
            return Some(if at.text.starts_with(b"MESSAGE=") { Taken::Row } else { Taken::Noise });
        }
        self.record.take()?.tell(at.format, sink);
        at.text.trim_ascii().is_empty().then_some(Taken::Noise)
    }

    fn json(&mut self, at: At<'_>, object: &json::Object<'_>, sink: &mut dyn Sink) -> Taken {
        self.text.clear();
        json::unescape(object.text, &mut self.text);
        if !object.error.is_empty() {
            if !self.text.is_empty() {
                self.text.extend_from_slice(b": ");
            }
            json::unescape(object.error, &mut self.text);
        }
        let time = object.micros.and_then(export::time);
        let outer = Message {
            at: time.as_deref().map_or(object.at, str::as_bytes),
            level: object.level,
            text: self.text.trim_ascii(),
            program: if object.program.is_empty() { object.pod } else { object.program },
            pid: object.pid,
            ..head::empty()
        };
        // Docker and journald wrap lines that have a layout of their own.
        match split(self.text.trim_ascii()) {
            Some(inner) => sink.message(at, &Message { level: inner.message.level.or(outer.level), text: inner.message.text, ..outer }),
            None => sink.message(at, &outer),
        }
        self.inside = true;
        Taken::Row
    }
}

/// Whether a line is a message by itself.
fn is_message(line: &[u8]) -> bool {
    match line.first() {
        Some(b'{') => json::object(line).is_some(),
        Some(_) => split(line).is_some() || stands_alone(line),
        None => false,
    }
}

/// Whether a line without a head is a message all the same.
fn stands_alone(line: &[u8]) -> bool {
    is_exception(line) || complains(line)
}

/// Whether a line is known for a message by the error that it reports.
pub(crate) fn complains(line: &[u8]) -> bool {
    client::finds_no_port(line) || errno::reports_errno(line)
}

/// `some.package.SomethingException: text`, `Caused by: ...`: how Java, Python, Node and .NET begin or end a trace.
fn is_exception(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.starts_with(b"Caused by: ")
        || line.starts_with(b"Traceback (most recent call last)")
        || line.starts_with(b"Exception in thread ")
    {
        return true;
    }
    let Some(colon) = memchr::memchr(b':', line.get(..160).unwrap_or(line)) else { return false };
    let Some((name, rest)) = line.split_at_checked(colon) else { return false };
    let kind = name.rsplit(|b| *b == b'.').next().unwrap_or(name);
    let named =
        [&b"Error"[..], b"Exception", b"ResourceWarning", b"Timeout"].iter().any(|end| kind.ends_with(end) && kind.len() > end.len() - 1);
    named
        && rest.starts_with(b": ")
        && kind.first().is_some_and(u8::is_ascii_uppercase)
        && (kind.len() > 9 || name.len() > kind.len())
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
}

/// A line that only goes on from the one before.
fn is_trace_line(line: &[u8]) -> bool {
    is_frame(line) || line.starts_with(b"    ") && !line.trim_ascii_start().is_empty() && line.is_ascii() || is_exception(line)
}

/// A frame of a stack trace of Java, Node, .NET or Python, or what stands between frames.
fn is_frame(line: &[u8]) -> bool {
    let inner = line.trim_ascii_start();
    inner.len() < line.len() && [&b"at "[..], b"File \"", b"... ", b"Suppressed: "].iter().any(|start| inner.starts_with(start))
}

/// Whether a file is named as logs are: `app.log`, `app.log.txt`, `catalina.out`, `messages`, `syslog.1`.
fn is_log_name(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| matches!(part, "log" | "logs" | "messages" | "syslog" | "journal" | "journalctl"))
        || name.starts_with("catalina")
}
