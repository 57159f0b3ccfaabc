//! Facts as NDJSON: one object a line, in the order of the input (`sockdiag facts`).

use super::harmless::harmless_json;
use crate::facts::*;
use crate::signatures::Signatures;
use serde_json::{Map, Value, json};
use std::io::Write;

/// Writes each fact as one line of JSON.
pub struct FactWriter<'w> {
    out: &'w mut dyn Write,
    /// The path of the member being read.
    pub member: String,
    /// The input being read, where there are several.
    pub input: Option<String>,
    signatures: &'w Signatures,
    /// The first error met while writing; nothing is written after it.
    pub failed: Option<std::io::Error>,
}

impl<'w> FactWriter<'w> {
    /// A writer to `out`; messages are named by these signatures.
    pub fn new(out: &'w mut dyn Write, signatures: &'w Signatures) -> Self {
        FactWriter { out, member: String::new(), input: None, signatures, failed: None }
    }

    fn write(&mut self, at: At<'_>, fact: &str, fields: Value) {
        if self.failed.is_some() {
            return;
        }
        let mut object = Map::new();
        if let Some(input) = &self.input {
            object.insert("input".into(), json!(input));
        }
        object.insert("member".into(), json!(self.member));
        object.insert("line".into(), json!(at.citation.line));
        object.insert("format".into(), json!(at.format));
        object.insert("fact".into(), json!(fact));
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        let line = Value::Object(object).to_string();
        let line = harmless_json(&line);
        if let Err(e) = writeln!(self.out, "{line}") {
            self.failed = Some(e);
        }
    }
}

fn text(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { json!(String::from_utf8_lossy(bytes)) }
}

fn end(endpoint: Option<Endpoint<'_>>) -> Value {
    endpoint.map_or(Value::Null, |e| json!(e.to_string()))
}

fn limit_value(value: Option<LimitValue>) -> Value {
    match value {
        None => Value::Null,
        Some(LimitValue::At(n)) => json!(n),
        Some(LimitValue::Unlimited) => json!("unlimited"),
    }
}

impl Sink for FactWriter<'_> {
    fn descriptor(&mut self, at: At<'_>, d: &Descriptor<'_>) {
        let (fd, tail) = match d.fd {
            FdRef::Number(n) => (json!(n), Value::Null),
            FdRef::Tail(n) => (Value::Null, json!(format!("{n:03}"))),
            FdRef::Name(n) => (text(n), Value::Null),
            FdRef::Unknown => (Value::Null, Value::Null),
        };
        let mut fields = json!({
            "pid": d.pid, "tid": d.tid, "command": text(d.command), "user": text(d.user), "fd": fd, "kind": d.kind.word(),
            "protocol": d.protocol.map(Protocol::word), "state": d.state.map(SocketState::word), "local": end(d.local), "remote": end(d.remote),
            "inode": d.inode, "unlisted": d.unlisted, "name": text(d.name),
        });
        if tail != Value::Null {
            // The object was just made.
            fields["fd_tail"] = tail;
        }
        self.write(at, "descriptor", fields);
    }

    fn socket(&mut self, at: At<'_>, s: &Socket<'_>) {
        let processes: Vec<Value> = s.holders.iter().map(|h| json!({"command": text(h.command), "pid": h.pid, "fd": h.fd})).collect();
        let timer = s.timer.map(|t| json!({"kind": format!("{:?}", t.kind).to_lowercase(), "seconds": t.seconds, "retries": t.retries}));
        self.write(
            at,
            "socket",
            json!({
                "protocol": s.protocol.word(), "state": s.state.word(), "local": end(s.local), "remote": end(s.remote), "recv_q": s.recv_q,
                "send_q": s.send_q, "inode": s.inode, "uid": s.uid, "timer": timer, "processes": if s.holders_shown { json!(processes) } else { Value::Null },
                "last_received_ms": s.last_received_ms, "last_sent_ms": s.last_sent_ms, "peer_inode": s.peer_inode, "name": text(s.name),
            }),
        );
    }

    fn counter(&mut self, at: At<'_>, c: &Counter<'_>) {
        self.write(at, "counter", json!({"name": c.name, "value": c.value, "unit": c.unit.word(), "scope": c.scope.word()}));
    }

    fn process(&mut self, at: At<'_>, p: &Process<'_>) {
        let cmdline = String::from_utf8_lossy(p.cmdline).replace('\0', " ");
        self.write(
            at,
            "process",
            json!({
                "pid": p.pid, "ppid": p.ppid, "user": text(p.user), "command": text(p.command), "cmdline": text(cmdline.trim_end().as_bytes()),
                "threads": p.threads, "started": text(p.started), "tid": p.tid, "fd_size": p.fd_size, "fd_count": p.fd_count,
            }),
        );
    }

    fn limit(&mut self, at: At<'_>, l: &Limit<'_>) {
        self.write(at, "limit", json!({"pid": l.pid, "name": l.name, "soft": limit_value(l.soft), "hard": limit_value(l.hard)}));
    }

    fn syscall(&mut self, at: At<'_>, s: &Syscall<'_>) {
        if s.finish == Finish::Started {
            return;
        }
        self.write(
            at,
            "syscall",
            json!({
                "tid": s.tid, "at": text(s.at), "name": text(s.name), "fd": s.fd, "args": text(s.args), "result": s.result, "errno": text(s.errno),
                "duration_s": s.seconds(), "finished": s.finish != Finish::Pending,
            }),
        );
    }

    fn message(&mut self, at: At<'_>, m: &Message<'_>) {
        self.write(at, "message", json!({"at": text(m.at), "level": m.level.map(Level::word), "text": text(m.text), "signature": self.signatures.id_of(m.text), "host": text(m.host), "program": text(m.program), "pid": m.pid}));
    }

    fn tally(&mut self, at: At<'_>, t: &Tally<'_>) {
        let label = String::from_utf8_lossy(t.label);
        let name = if label.is_empty() { "tally".to_string() } else { format!("tally.{label}") };
        self.write(at, "counter", json!({"name": name, "value": t.value, "unit": "", "scope": "unknown", "command": text(t.command)}));
    }
}
