//! `uname -a`, `uname -r`, `/proc/version`: the kernel's release.
//!
//! ```text
//! Linux front-1 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22) x86_64 GNU/Linux
//! Linux version 6.1.0-28-amd64 (debian-kernel@lists.debian.org) (gcc-12 ...) #1 SMP ...
//! ```
//!
//! The first of them names the host too, and the machine. Systems that are not Linux are told by their name.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The kernel's release.
pub struct Uname;

struct Reading {
    /// Whether a release may stand alone.
    bare: bool,
}

impl Format for Uname {
    fn id(&self) -> &'static str {
        "uname"
    }

    fn title(&self) -> &'static str {
        "uname -a, /proc/version"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let Some(first) = probe.rows().next() else { return Fit::No };
        if self.opens(first) {
            return Fit::Likely;
        }
        let named = probe.whole && named::has_word(probe.path, "uname");
        if named && is_release(first.trim_ascii()) { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        row(line.trim_ascii()).is_some() && scan::contains(line, b" #") || other(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        let options = || scan::Fields::new(command).skip(1);
        match prompt::program(command) {
            b"uname" => !prompt::counts(command) && options().next().is_some() && !options().eq([&b"-n"[..]]),
            _ => options().any(|f| f == b"/proc/version"),
        }
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { bare: prompt::program(hint.command) == b"uname" || named::has_word(hint.path, "uname") })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if let Some((host, system)) = other(line) {
            sink.identity(at, &Identity { key: IdentityKey::Hostname, value: host, pid: None });
            sink.identity(at, &Identity { key: IdentityKey::System, value: system.as_bytes(), pid: None });
            return Taken::Row;
        }
        let bare = std::mem::take(&mut self.bare);
        let Some((host, release)) = row(line).or_else(|| (bare && is_release(line)).then_some((&b""[..], line))) else {
            return Taken::Unknown;
        };
        if !host.is_empty() {
            sink.identity(at, &Identity { key: IdentityKey::Hostname, value: host, pid: None });
        }
        sink.identity(at, &Identity { key: IdentityKey::Kernel, value: release, pid: None });
        let machine = scan::Fields::new(line).skip(3).find(|word| BIG_ENDIAN.contains(word));
        if let Some(machine) = machine.filter(|_| !host.is_empty()) {
            sink.identity(at, &Identity { key: IdentityKey::Machine, value: machine, pid: None });
        }
        Taken::Row
    }
}

/// Machines that print the words of `/proc/net/tcp` as they are read.
const BIG_ENDIAN: &[&[u8]] =
    &[b"s390x", b"s390", b"ppc64", b"ppc", b"mips", b"mips64", b"sparc64", b"sparc", b"aarch64_be", b"armeb", b"parisc64", b"m68k"];
/// Systems that are not Linux.
const OTHERS: &[&[u8]] = &[b"Darwin", b"FreeBSD", b"OpenBSD", b"NetBSD", b"DragonFly", b"SunOS", b"AIX"];

/// Host and system of a line such as `FreeBSD web3 13.2-RELEASE FreeBSD 13.2-RELEASE ...`, which is another system's.
fn other(line: &[u8]) -> Option<(&[u8], String)> {
    let mut fields = scan::Fields::new(line);
    let name = fields.next().filter(|word| OTHERS.contains(word))?;
    let (host, release) = (fields.next()?, fields.next().filter(|r| is_release(r))?);
    fields.next()?;
    Some((host, format!("{} {}", scan::lossy(name), scan::lossy(release))))
}

/// Host and release; the host is empty in `/proc/version` and `uname -sr`.
fn row(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = scan::Fields::new(line);
    if fields.next()? != b"Linux" {
        return None;
    }
    let second = fields.next()?;
    if is_release(second) {
        return fields.next().is_none_or(|f| f.starts_with(b"#")).then_some((b"", second));
    }
    let release = fields.next().filter(|r| is_release(r))?;
    let host = if second == b"version" { b"" } else { second };
    Some((host, release))
}

/// `6.1.0-28-amd64`, `4.19`.
fn is_release(word: &[u8]) -> bool {
    let mut parts = word.split(|&b| b == b'.');
    let number = |part: Option<&[u8]>| part.is_some_and(|p| p.first().is_some_and(u8::is_ascii_digit));
    number(parts.next()) && number(parts.next()) && word.iter().all(|b| b.is_ascii_graphic()) && word.len() < 65
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn host_and_release() {
        let text = "Linux front-1 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\r\n";
        assert_eq!(facts(text), ["identity Hostname pid=- front-1", "identity Kernel pid=- 6.1.0-28-amd64"]);
    }

    #[test]
    fn machines_and_systems_that_are_unlike_most() {
        let line = "Linux s390x 5.14.0-427.el9.s390x #1 SMP Thu Mar 7 2024 s390x s390x s390x GNU/Linux\n";
        assert_eq!(facts(line)[2], "identity Machine pid=- s390x");
        assert_eq!(facts("Linux ppc 6.1.0 #1 SMP x86_64 GNU/Linux\n").len(), 2);
        let line = "FreeBSD web3 13.2-RELEASE FreeBSD 13.2-RELEASE releng/13.2 GENERIC amd64\n";
        assert_eq!(facts(line), ["identity Hostname pid=- web3", "identity System pid=- FreeBSD 13.2-RELEASE"]);
        assert!(facts("Darwin said that 23 is prime\n").is_empty());
    }

    #[test]
    fn shorter_forms() {
        assert_eq!(facts("Linux version 5.10.223 (b@c) (gcc) #1 SMP\n"), ["identity Kernel pid=- 5.10.223"]);
        assert_eq!(facts("$ uname -r\n5.10.223\n"), ["identity Kernel pid=- 5.10.223"]);
        assert_eq!(told_as("uname_-r", "5.10.223\n").0.lines, ["identity Kernel pid=- 5.10.223"]);
        assert!(facts("Linux kernel 5.10 has changed this\n5.10.223\n").is_empty());
    }
}
