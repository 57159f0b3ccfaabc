//! `hostname`, `/etc/hostname`, `uname -n`: one word.
//!
//! ```text
//! front-1
//! ```
//!
//! A word says nothing of itself: it is read only where the path or the command names it. `hostnamectl` is read too.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The host's name.
pub struct Hostname;

struct Reading {
    done: bool,
}

impl Format for Hostname {
    fn id(&self) -> &'static str {
        "hostname"
    }

    fn title(&self) -> &'static str {
        "hostname, hostnamectl"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows();
        let Some(first) = rows.next() else { return Fit::No };
        if labelled(first).is_some_and(|(key, _)| key == b"Static hostname") {
            return Fit::Sure;
        }
        let named = probe.whole && (named::has_word(probe.path, "hostname") || named::is_called(probe.path, "host"));
        if named && name(first).is_some() && rows.next().is_none() { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.trim_ascii_start().starts_with(b"Static hostname: ") && labelled(line).is_some_and(|(key, _)| key == b"Static hostname")
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        let mut fields = scan::Fields::new(command);
        let options = || scan::Fields::new(command).skip(1);
        match prompt::program(command) {
            b"hostname" => options().all(|f| matches!(f, b"-f" | b"-s" | b"--fqdn" | b"--short")),
            b"hostnamectl" => !prompt::counts(command),
            b"uname" => options().eq([&b"-n"[..]]),
            b"cat" => {
                fields.nth(1).is_some_and(|f| matches!(f, b"/etc/hostname" | b"/proc/sys/kernel/hostname")) && fields.next().is_none()
            }
            _ => false,
        }
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { done: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || (!self.done && prompt::banner(line).is_some()) {
            return Taken::Noise;
        }
        if let Some((key, value)) = labelled(line) {
            let key = match key {
                b"Static hostname" => IdentityKey::Hostname,
                b"Kernel" => IdentityKey::Kernel,
                _ => return Taken::Noise,
            };
            self.done = true;
            sink.identity(at, &Identity { key, value: value.strip_prefix(b"Linux ").unwrap_or(value), pid: None });
            return Taken::Row;
        }
        if self.done {
            return Taken::Unknown;
        }
        let Some(name) = name(line) else { return Taken::Unknown };
        self.done = true;
        sink.identity(at, &Identity { key: IdentityKey::Hostname, value: name, pid: None });
        Taken::Row
    }
}

/// A word that can be a host's name.
fn name(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let shaped = line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    (!line.is_empty() && line.len() <= 255 && shaped).then_some(line)
}

/// A line of hostnamectl.
fn labelled(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii();
    let (key, value) = line.split_at_checked(memchr::memmem::find(line, b": ")?)?;
    let known = matches!(
        key,
        b"Static hostname"
            | b"Transient hostname"
            | b"Pretty hostname"
            | b"Icon name"
            | b"Chassis"
            | b"Machine ID"
            | b"Boot ID"
            | b"Kernel"
            | b"Virtualization"
            | b"Operating System"
            | b"CPE OS Name"
            | b"Architecture"
            | b"Hardware Vendor"
            | b"Hardware Model"
            | b"Firmware Version"
            | b"Firmware Date"
            | b"Firmware Age"
            | b"Deployment"
    );
    known.then(|| (key, value.get(2..).unwrap_or(b"").trim_ascii()))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn only_where_it_is_named() {
        for path in ["a/hostname.txt", "a/14_hostname.log", "sos_commands/host/hostname", "hostname.out", "01_host.log", "host.txt"] {
            assert_eq!(told_as(path, "front-1\r\n").0.lines, ["identity Hostname pid=- front-1"], "{path}");
        }
        assert_eq!(facts("$ hostname -f\nfront-1.example.org\n$ ls\nx\n"), ["identity Hostname pid=- front-1.example.org"]);
        assert!(facts("front-1\n").is_empty());
        assert!(told_as("host-notes.txt", "front-1\n").0.lines.is_empty());
        assert!(told_as("hostname.txt", "no such\n").0.lines.is_empty());
        assert!(told_as("hostname.txt", "a\nb\n").0.lines.is_empty());
    }

    #[test]
    fn hostnamectl() {
        let (told, reading) =
            told_as("x", "   Static hostname: a\n         Icon name: computer-vm\n            Kernel: Linux 5.10.0-8-amd64\n");
        assert_eq!(told.lines, ["identity Hostname pid=- a", "identity Kernel pid=- 5.10.0-8-amd64"]);
        assert_eq!(reading.unparsed(), 0);
    }
}
