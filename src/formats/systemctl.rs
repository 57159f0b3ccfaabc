//! `systemctl status UNIT`.
//!
//! ```text
//! ● api.service - API Server
//!    Loaded: loaded (/etc/systemd/system/api.service; disabled; vendor preset: disabled)
//!    Active: active (running) since Sat 2018-10-27 05:28:13 CST; 1 weeks 4 days ago
//!  Main PID: 71042 (apiserver)
//!    CGroup: /system.slice/api.service
//!            └─71042 /usr/bin/apiserver --v=0
//!
//! Nov  8 02:18:41 host-a apiserver[71042]: http: Accept error: accept4: too many open files; retrying in 1s
//! ```
//!
//! The processes of its control group, each with its command line, and the last lines of its log. `Tasks` counts the threads of the
//! whole group. Source: `systemctl(1)`, `src/systemctl/systemctl-show.c`.

use super::{Fit, Format, Hint, Parser, Probe, Taken, log, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Process, Sink};

/// The state of a systemd unit.
pub struct Systemctl;

#[derive(Default)]
struct Status {
    started: Vec<u8>,
    main: Option<u32>,
    in_log: bool,
}

impl Format for Systemctl {
    fn id(&self) -> &'static str {
        "systemctl"
    }

    fn title(&self) -> &'static str {
        "systemctl status"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|row| self.opens(row)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_heading(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"systemctl" && scan::contains(command, b" status")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Status::default())
    }
}

impl Parser for Status {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if is_heading(at.text) {
            *self = Status::default();
            return Taken::Noise;
        }
        if let Some(head) = log::split(line).filter(|head| head.certain) {
            self.in_log = true;
            sink.message(at, &head.message);
            return Taken::Row;
        }
        if let Some(member) = tree_member(line) {
            let Some((pid, cmdline)) = member else { return Taken::Noise };
            sink.process(at, &Process { pid, cmdline, ..Process::default() });
            return Taken::Row;
        }
        let Some((key, value)) = key_value(line) else {
            // A log line may have been cut by the width of the terminal, or go on over several lines.
            let noise = self.in_log || line.starts_with(b"Hint: ") || line.starts_with(b"Warning: ");
            return if noise { Taken::Noise } else { Taken::Unknown };
        };
        match key {
            b"Active" => {
                let since = memchr::memmem::find(value, b" since ").and_then(|i| value.get(i + 7..)).unwrap_or(b"");
                self.started = since.get(..memchr::memchr(b';', since).unwrap_or(since.len())).unwrap_or(b"").to_vec();
                Taken::Noise
            }
            b"Main PID" => self.main_pid(at, value, sink),
            b"CGroup" => {
                if let Some(pid) = self.main {
                    sink.identity(at, &Identity { key: IdentityKey::Cgroup, value, pid: Some(pid) });
                }
                Taken::Noise
            }
            _ => Taken::Noise,
        }
    }
}

impl Status {
    /// `71042 (apiserver)`, perhaps with how it ended behind.
    fn main_pid(&mut self, at: At<'_>, value: &[u8], sink: &mut dyn Sink) -> Taken {
        let Some((pid, rest)) = scan::leading_number(value) else { return Taken::Unknown };
        let Ok(pid) = u32::try_from(pid) else { return Taken::Unknown };
        if scan::contains(rest, b"code=") {
            return Taken::Noise;
        }
        self.main = Some(pid);
        let command = rest.trim_ascii().strip_prefix(b"(").and_then(|c| c.strip_suffix(b")")).unwrap_or(b"");
        sink.process(at, &Process { pid, command, started: &self.started, ..Process::default() });
        Taken::Row
    }
}

/// `● api.service - API Server`.
fn is_heading(line: &[u8]) -> bool {
    let marks = ["●", "○", "×", "↻", "*"];
    let Some(rest) = marks.iter().find_map(|m| line.strip_prefix(m.as_bytes())).and_then(|r| r.strip_prefix(b" ")) else { return false };
    let unit = scan::Fields::new(rest).next().unwrap_or(b"");
    [&b".service"[..], b".socket", b".scope", b".slice", b".timer", b".mount", b".target", b".path"].iter().any(|kind| unit.ends_with(kind))
}

/// `└─71042 /usr/bin/apiserver --v=0`: the process, or `Some(None)` for a branch of the tree without one.
fn tree_member(line: &[u8]) -> Option<Option<(u32, &[u8])>> {
    let mut rest = line;
    let mut drawn = false;
    loop {
        rest = rest.trim_ascii_start();
        match ["├─", "└─", "│", "|-", "`-"].iter().find_map(|d| rest.strip_prefix(d.as_bytes())) {
            Some(after) => rest = after,
            None => break,
        }
        drawn = true;
    }
    if !drawn {
        return None;
    }
    Some(scan::leading_number(rest).and_then(|(pid, cmdline)| Some((u32::try_from(pid).ok()?, cmdline.strip_prefix(b" ")?))))
}

/// `Main PID: 71042 (apiserver)`.
fn key_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const KEYS: &[&[u8]] = &[
        b"Loaded",
        b"Active",
        b"Docs",
        b"Main PID",
        b"Tasks",
        b"Memory",
        b"CPU",
        b"CGroup",
        b"Process",
        b"Status",
        b"Drop-In",
        b"Limit",
        b"Triggers",
        b"TriggeredBy",
        b"Invocation",
        b"IP",
        b"IO",
        b"Listen",
        b"Accepted",
        b"Until",
        b"Duration",
        b"Error",
        b"FD Store",
    ];
    let colon = memchr::memchr(b':', line)?;
    let key = line.get(..colon)?;
    KEYS.contains(&key).then_some((key, line.get(colon + 1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    const STATUS: &str = concat!(
        "● api.service - API Server\n   Loaded: loaded (/etc/x; disabled)\n   Active: active (running) since Sat 2018-10-27 05:28:13 CST; 1 weeks ago\n",
        " Main PID: 71042 (apiserver)\n    Tasks: 63\n   CGroup: /system.slice/api.service\n           └─71042 /usr/bin/apiserver --v=0\n\n",
        "Nov  8 02:18:41 host-a apiserver[71042]: I1108 02:18:41.255220   71042 logs.go:41] http: Accept error: too many open files\n",
    );

    #[test]
    fn processes_and_log_lines() {
        assert_eq!(
            facts(STATUS),
            [
                "process pid=71042 ppid=- user=- command=apiserver cmdline=- threads=- tid=-",
                "identity Cgroup pid=71042 /system.slice/api.service",
                "process pid=71042 ppid=- user=- command=- cmdline=/usr/bin/apiserver --v=0 threads=- tid=-",
                "message at=Nov  8 02:18:41 level=info program=apiserver pid=71042 http: Accept error: too many open files",
            ]
        );
        let (_, reading) = told_as("x", STATUS);
        assert_eq!((reading.format(), reading.unparsed()), ("systemctl", 0));
    }

    #[test]
    fn a_main_process_that_has_ended_is_none() {
        let text =
            "* a.service - A\n   Active: failed (Result: exit-code) since x; 1h ago\n Main PID: 12 (code=exited, status=1/FAILURE)\n";
        assert_eq!(facts(text), Vec::<String>::new());
    }
}
