//! Kernel settings: `sysctl -a`, files below `/proc/sys`, and what cat, grep and for loops make of them.
//!
//! ```text
//! net.ipv4.tcp_max_tw_buckets = 131072
//! /proc/sys/net/ipv4/ip_local_port_range: 32768  60999
//! /proc/sys/net/core/somaxconn  4096
//! 32768  60999                                   after `cat /proc/sys/net/ipv4/ip_local_port_range`, or in a file of that name
//! ```
//!
//! `tcp_mem` and `udp_mem` are three page counts, `ip_local_port_range` two ports. `tcp_max_orphans`, `tcp_mem` and `udp_mem` do not exist
//! outside of the first network namespace: an error in their place tells a capture from inside a container, so errors are handed on as
//! notes. A loop of `echo -n "$f: "; cat $f` glues a name without a value to the next line.

use super::{Fit, Format, Hint, Parser, Probe, Taken, file_nr, named, prompt, scan};
use crate::facts::{At, Counter, Identity, IdentityKey, Note, NoteKind, Sink};

mod keys;

use keys::{Key, known_key};

/// Kernel settings.
pub struct Sysctl;

struct Reading {
    /// Keys whose bare values are to come, in order.
    awaited: std::collections::VecDeque<Vec<u8>>,
    name: String,
}

impl Format for Sysctl {
    fn id(&self) -> &'static str {
        "sysctl"
    }

    fn title(&self) -> &'static str {
        "sysctl -a, /proc/sys"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows();
        let Some(first) = rows.next() else { return Fit::No };
        if self.opens(first) || is_error(first) {
            return Fit::Likely;
        }
        let alone = probe.whole && rows.next().is_none();
        let by_path = alone && key_of_path(probe.path).is_some() && is_plain_value(first);
        let by_name = alone && known_key(probe.path).is_some() && scan::Fields::new(first).all(|f| scan::number(f).is_some());
        if by_path || by_name { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        setting(line).is_some_and(|(key, _)| certain(key)) || (line.starts_with(b"/proc/sys/") && file(line).is_some()) || is_error(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        if prompt::counts(command) {
            return false;
        }
        prompt::program(command) == b"sysctl" || named::paths_below(command, b"/proc/sys/").any(|p| p != b"/proc/sys/fs/file-nr")
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let mut awaited: std::collections::VecDeque<Vec<u8>> = named::paths_below(hint.command, b"/proc/sys/").map(dotted).collect();
        if awaited.is_empty() && prompt::program(hint.command) == b"sysctl" {
            // `sysctl -n key` prints the value alone.
            awaited = scan::Fields::new(hint.command).skip(1).filter(|f| certain(f)).map(<[u8]>::to_vec).collect();
        }
        if awaited.is_empty() {
            awaited.extend(key_of_path(hint.path).or_else(|| known_key(hint.path)));
        }
        Box::new(Reading { awaited, name: String::new() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || line.starts_with(b"==> ") {
            return Taken::Noise;
        }
        if is_error(line) {
            self.awaited.pop_front();
            sink.note(at, &Note { kind: NoteKind::Failed, pid: None, text: line });
            return Taken::Noise;
        }
        if let Some((key, value)) = setting(line) {
            return self.tell(key, value, at, sink);
        }
        if line.starts_with(b"/proc/sys/") {
            return self.files(line, at, sink);
        }
        match self.awaited.front() {
            Some(_) if !named::is_prompt(line) && is_plain_value(line) => {
                let key = self.awaited.pop_front().unwrap_or_default();
                self.tell(&key, line, at, sink)
            }
            _ => Taken::Unknown,
        }
    }
}

impl Reading {
    /// `path: value`, before which names without a value may be glued.
    fn files(&mut self, line: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let mut rest = line;
        while let Some((path, value)) = file(rest) {
            if !value.starts_with(b"/proc/sys/") {
                return self.tell(&dotted(path), value, at, sink);
            }
            let text = [path, b": no value"].concat();
            sink.note(at, &Note { kind: NoteKind::Failed, pid: None, text: &text });
            rest = value;
        }
        Taken::Unknown
    }

    fn tell(&mut self, key: &[u8], value: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let identity = match key {
            b"kernel.hostname" => Some(IdentityKey::Hostname),
            b"kernel.osrelease" => Some(IdentityKey::Kernel),
            b"kernel.random.boot_id" => Some(IdentityKey::BootId),
            _ => None,
        };
        if let Some(identity) = identity {
            sink.identity(at, &Identity { key: identity, value, pid: None });
            return Taken::Row;
        }
        if key == b"fs.file-nr" {
            return match file_nr::numbers(value) {
                Some(numbers) => {
                    file_nr::tell(numbers, at, sink);
                    Taken::Row
                }
                None => Taken::Unknown,
            };
        }
        self.numbers(key, value, at, sink)
    }

    /// The numbers of a setting; settings in words are understood and not handed on.
    fn numbers(&mut self, key: &[u8], value: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let count = scan::Fields::new(value).count();
        if count == 0 || count > 8 || !scan::Fields::new(value).all(|f| number(f).is_some()) {
            return Taken::Noise;
        }
        let Ok(text) = std::str::from_utf8(key) else { return Taken::Noise };
        let key = Key::of(text);
        for (i, value) in scan::Fields::new(value).filter_map(number).enumerate() {
            self.name.clear();
            self.name.push_str("sysctl.");
            self.name.push_str(text);
            key.push_part(&mut self.name, i, count);
            sink.counter(at, &Counter { name: &self.name, value, unit: key.unit, scope: key.scope });
        }
        Taken::Row
    }
}

fn number(field: &[u8]) -> Option<i64> {
    scan::signed(field).or_else(|| scan::number(field).map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
}

/// `a.b.c = value`, `a.b.c=value`.
fn setting(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = line.split_at_checked(memchr::memchr(b'=', line)?)?;
    let key = key.trim_ascii_end();
    let shaped =
        key.contains(&b'.') && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b'@' | b':'));
    (shaped && roots(key)).then(|| (key, value.get(1..).unwrap_or(b"").trim_ascii()))
}

/// Whether a key begins with a directory of `/proc/sys`.
fn roots(key: &[u8]) -> bool {
    let root = key.split(|&b| b == b'.').next().unwrap_or(b"");
    matches!(root, b"abi" | b"crypto" | b"debug" | b"dev" | b"fs" | b"kernel" | b"net" | b"sunrpc" | b"user" | b"vm" | b"xen" | b"fscache")
}

/// Whether a word can only be a setting's key.
fn certain(key: &[u8]) -> bool {
    roots(key)
        && key.contains(&b'.')
        && (key.starts_with(b"net.")
            || key.starts_with(b"fs.")
            || key.starts_with(b"kernel.")
            || key.starts_with(b"vm.")
            || key.contains(&b'_'))
}

/// `path: value`, `path:value`, `path<tab>value`, `path = value`.
fn file(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|&b| scan::is_blank(b) || b == b':' || b == b'=')?;
    let (path, rest) = line.split_at_checked(end)?;
    let rest = rest.trim_ascii_start();
    let value = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")).unwrap_or(rest).trim_ascii();
    (!value.is_empty() && path.starts_with(b"/proc/sys/")).then_some((path, value))
}

/// `/proc/sys/net/ipv4/tcp_mem` as `net.ipv4.tcp_mem`; a dot inside a name (`eth0.1`) changes places with the slash.
fn dotted(path: &[u8]) -> Vec<u8> {
    let key = path.strip_prefix(b"/proc/sys/").unwrap_or(path);
    key.iter()
        .map(|b| match b {
            b'/' => b'.',
            b'.' => b'/',
            other => *other,
        })
        .collect()
}

/// The key of a member whose path ends below `proc/sys`.
fn key_of_path(path: &str) -> Option<Vec<u8>> {
    let start = path.rfind("proc/sys/")?.checked_add("proc/sys/".len())?;
    let key = path.get(start..)?;
    (!key.is_empty() && !key.ends_with('/')).then(|| dotted(key.as_bytes()))
}

/// One short line that can be a setting's value.
fn is_plain_value(line: &[u8]) -> bool {
    line.len() <= 200
        && line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\t' | b'_' | b'-' | b'.' | b'+' | b'#' | b':' | b'/'))
}

/// What sysctl and cat say where a setting is absent or closed.
fn is_error(line: &[u8]) -> bool {
    // The path stands near the beginning; asked of every line of a log, so the rest is not searched.
    let ours = scan::contains(line.get(..48).unwrap_or(line), b"/proc/sys/")
        && (scan::contains(line, b"No such file") || scan::contains(line, b"ermission denied"));
    ours || (line.starts_with(b"sysctl: ")
        && [&b"permission denied on key"[..], b"is an unknown key", b"cannot stat", b"reading key", b"error: "]
            .iter()
            .any(|t| scan::contains(line, t)))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn keys_and_values() {
        let read = counters(
            "net.ipv4.tcp_tw_reuse = 0\nnet.ipv4.tcp_mem = 1\t2\t3\nnet.ipv4.ip_local_port_range = 32768\t60999\nfs.file-nr = 6184\t0\t7\n\
             net.ipv4.tcp_congestion_control = cubic\n",
        );
        assert_eq!(read["sysctl.net.ipv4.tcp_tw_reuse"], 0);
        assert_eq!((read["sysctl.net.ipv4.tcp_mem.min"], read["sysctl.net.ipv4.tcp_mem.max"]), (1, 3));
        assert_eq!(read["sysctl.net.ipv4.ip_local_port_range.high"], 60999);
        assert_eq!(read["file_nr.allocated"], 6184);
        assert_eq!(read.len(), 1 + 3 + 2 + 3);
    }

    #[test]
    fn paths_with_values_and_names_glued_to_the_next() {
        let text = "/proc/sys/fs/file-max: 77\n/proc/sys/net/ipv4/tcp_max_orphans: /proc/sys/net/ipv4/ip_local_port_range: 32768\t60999\n/proc/sys/net/core/somaxconn\t4096\n";
        let (told, reading) = told_as("sysctls.txt", text);
        assert_eq!(told.counters["sysctl.fs.file-max"], 77);
        assert_eq!(told.counters["sysctl.net.ipv4.ip_local_port_range.low"], 32768);
        assert_eq!(told.counters["sysctl.net.core.somaxconn"], 4096);
        assert!(told.lines.contains(&"note failed pid=- /proc/sys/net/ipv4/tcp_max_orphans: no value".to_string()), "{:?}", told.lines);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn bare_values() {
        assert_eq!(
            counters("# cat /proc/sys/net/ipv4/ip_local_port_range\n32768\t60999\n")["sysctl.net.ipv4.ip_local_port_range.low"],
            32768
        );
        let two = counters("$ cat /proc/sys/fs/file-max /proc/sys/fs/nr_open\n5\n6\n7\n");
        assert_eq!((two["sysctl.fs.file-max"], two["sysctl.fs.nr_open"], two.len()), (5, 6, 2));
        assert_eq!(told_as("a/proc/sys/net/ipv4/tcp_fin_timeout", "60\n").0.counters["sysctl.net.ipv4.tcp_fin_timeout"], 60);
        assert_eq!(told_as("a/somaxconn.txt", "4096\n").0.counters["sysctl.net.core.somaxconn"], 4096);
        assert_eq!(counters("$ sysctl -n fs.file-max\n5\n")["sysctl.fs.file-max"], 5);
        assert!(counters("4096\n").is_empty());
    }

    #[test]
    fn an_error_takes_the_place_of_its_value() {
        let (told, _) = told_as(
            "x",
            "$ cat /proc/sys/net/ipv4/tcp_max_orphans /proc/sys/fs/file-max\ncat: /proc/sys/net/ipv4/tcp_max_orphans: No such file or directory\n5\n",
        );
        assert_eq!(told.counters["sysctl.fs.file-max"], 5);
        assert_eq!(told.counters.len(), 1);
        assert!(told.lines.iter().any(|l| l.starts_with("note failed") && l.contains("tcp_max_orphans")));
    }

    #[test]
    fn identities() {
        assert_eq!(told_as("proc/sys/kernel/random/boot_id", "0b9e-77\n").0.lines, ["identity BootId pid=- 0b9e-77"]);
        assert_eq!(told_as("x", "kernel.hostname = a\nnet.a = 1\n").0.lines[0], "identity Hostname pid=- a");
    }

    #[test]
    fn other_settings_are_not_ours() {
        assert!(counters("log.level = 3\nspring.port=8080\nuser.name=1\n").is_empty());
    }
}
