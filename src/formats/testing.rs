//! Helpers for the parsers' tests: facts as values that can be compared.

use super::reader::read_text;
use super::reading::Reading;
use crate::facts::*;
use std::collections::BTreeMap;

/// Facts as lines of text, one a fact, in the order they were read.
#[derive(Default)]
pub struct Told {
    /// One line a fact, `Debug`-like but short; see the `Sink` impl below for each shape.
    pub lines: Vec<String>,
    /// Counters by name; the last value wins.
    pub counters: BTreeMap<String, i64>,
}

/// Reads a text under a name and tells what came of it.
pub fn told_as(path: &str, text: &str) -> (Told, Reading) {
    told_bytes(path, text.as_bytes())
}

/// Reads bytes under a name and tells what came of it.
pub fn told_bytes(path: &str, text: &[u8]) -> (Told, Reading) {
    let mut told = Told::default();
    let reading = read_text(MemberId(0), path, text, &mut told);
    (told, reading)
}

/// The fact lines of a text.
pub fn facts(text: &str) -> Vec<String> {
    told_as("capture.txt", text).0.lines
}

/// The counters of a text.
pub fn counters(text: &str) -> BTreeMap<String, i64> {
    told_as("capture.txt", text).0.counters
}

fn text(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".into() } else { String::from_utf8_lossy(bytes).into_owned() }
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".into(), |v| v.to_string())
}

impl Sink for Told {
    fn descriptor(&mut self, _at: At<'_>, d: &Descriptor<'_>) {
        let fd = match d.fd {
            FdRef::Number(n) => n.to_string(),
            FdRef::Tail(n) => format!("*{n:03}"),
            FdRef::Name(n) => text(n),
            FdRef::Unknown => "-".into(),
        };
        self.lines.push(format!(
            "descriptor pid={} tid={} command={} user={} fd={fd} kind={} protocol={} state={} local={} remote={} inode={} unlisted={} name={}",
            or_dash(d.pid),
            or_dash(d.tid),
            text(d.command),
            text(d.user),
            d.kind.word(),
            or_dash(d.protocol.map(Protocol::word)),
            or_dash(d.state.map(SocketState::word)),
            or_dash(d.local),
            or_dash(d.remote),
            or_dash(d.inode),
            d.unlisted,
            text(d.name),
        ));
    }

    fn socket(&mut self, _at: At<'_>, s: &Socket<'_>) {
        let holders: Vec<String> = s.holders.iter().map(|h| format!("{}/{}/{}", text(h.command), h.pid, or_dash(h.fd))).collect();
        self.lines.push(format!(
            "socket {} {} local={} remote={} recv_q={} send_q={} inode={} uid={} timer={} holders={}{} name={}",
            s.protocol.word(),
            s.state.word(),
            or_dash(s.local),
            or_dash(s.remote),
            or_dash(s.recv_q),
            or_dash(s.send_q),
            or_dash(s.inode),
            or_dash(s.uid),
            s.timer.map_or("-".into(), |t| format!("{:?},{},{}", t.kind, t.seconds, t.retries)),
            holders.join(","),
            if s.holders_shown { "" } else { "?" },
            text(s.name),
        ));
    }

    fn counter(&mut self, _at: At<'_>, c: &Counter<'_>) {
        self.counters.insert(c.name.to_string(), c.value);
        self.lines.push(format!("counter {}={}", c.name, c.value));
    }

    fn process(&mut self, _at: At<'_>, p: &Process<'_>) {
        self.lines.push(format!(
            "process pid={} ppid={} user={} command={} cmdline={} threads={} tid={}",
            p.pid,
            or_dash(p.ppid),
            text(p.user),
            text(p.command),
            text(p.cmdline),
            or_dash(p.threads),
            or_dash(p.tid),
        ));
    }

    fn limit(&mut self, _at: At<'_>, l: &Limit<'_>) {
        self.lines.push(format!("limit pid={} {} soft={:?} hard={:?}", or_dash(l.pid), l.name, l.soft, l.hard));
    }

    fn syscall(&mut self, _at: At<'_>, s: &Syscall<'_>) {
        self.lines.push(format!(
            "syscall tid={} at={} {} fd={} ({}) = {} {} {:?}",
            or_dash(s.tid),
            text(s.at),
            text(s.name),
            or_dash(s.fd),
            text(s.args),
            or_dash(s.result),
            text(s.errno),
            s.finish,
        ));
    }

    fn message(&mut self, _at: At<'_>, m: &Message<'_>) {
        self.lines.push(format!(
            "message at={} level={} program={} pid={} {}",
            text(m.at),
            or_dash(m.level.map(Level::word)),
            text(m.program),
            or_dash(m.pid),
            text(m.text)
        ));
    }

    fn tally(&mut self, _at: At<'_>, t: &Tally<'_>) {
        self.lines.push(format!("tally ({}) {}={}", text(t.command), text(t.label), t.value));
    }

    fn identity(&mut self, _at: At<'_>, i: &Identity<'_>) {
        self.lines.push(format!("identity {:?} pid={} {}", i.key, or_dash(i.pid), text(i.value)));
    }

    fn note(&mut self, _at: At<'_>, n: &Note<'_>) {
        // Of which host a prompt is, and that something was typed, belongs to no format.
        if matches!(n.kind, NoteKind::HostStart | NoteKind::RunStart) {
            return;
        }
        self.lines.push(format!("note {} pid={} {}", n.kind.word(), or_dash(n.pid), text(n.text)));
    }
}
