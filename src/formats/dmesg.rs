//! The kernel's ring buffer as `dmesg` prints it.
//!
//! ```text
//! [12345.678901] TCP: too many orphaned sockets
//! [Sat Nov 22 14:56:05 2026] VFS: file-max limit 2466177 reached
//! <4>[12346.000001] [ T1234] TCP: out of memory -- consider tuning tcp_mem
//! Out of socket memory
//! ```
//!
//! Times are seconds since boot, or with `-T` the host's local time, guessed from the uptime. The lines that matter are rate limited:
//! their number says nothing. Without `printk.time`, as in old distributions, there are none: then the command or the file's name tells
//! whose lines they are. The kernel's lines in syslog are read by [`super::log`]. Source: `dmesg(1)`, `kernel/printk/printk.c`.

use super::{FORMATS, Fit, Format, Hint, Parser, Probe, Taken, log, prompt, scan};
use crate::facts::{At, Level, Message, Sink};

/// The kernel's ring buffer.
pub struct Dmesg;

struct Lines {
    inside: bool,
    /// Whether the command or the file's name says that lines without a time are the kernel's too.
    bare: bool,
}

impl Format for Dmesg {
    fn id(&self) -> &'static str {
        "dmesg"
    }

    fn title(&self) -> &'static str {
        "the kernel's log (dmesg)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(row) if self.opens(row) => Fit::Sure,
            Some(_) if probe.name().contains("dmesg") => Fit::Name,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        kernel_line(line).is_some()
    }

    fn begins_with_time(&self) -> bool {
        true
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"dmesg" && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let name = hint.path.rsplit('/').next().unwrap_or("");
        Box::new(Lines { inside: false, bare: self.printed_by(hint.command) || name.to_ascii_lowercase().contains("dmesg") })
    }
}

impl Parser for Lines {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(message) = kernel_line(at.text) {
            self.inside = true;
            sink.message(at, &message);
            return Taken::Row;
        }
        // `dmesg` of a paste may lack its times, or be a syslog file's.
        match log::split(at.text) {
            Some(head) if head.message.kernel => {
                sink.message(at, &head.message);
                Taken::Row
            }
            _ if at.text.trim_ascii().is_empty() => Taken::Noise,
            _ if self.inside && at.text.first().is_some_and(u8::is_ascii_whitespace) => Taken::Noise,
            _ if scan::contains(at.text, b"Operation not permitted") => Taken::Noise,
            _ if self.bare && is_message(at.text) => {
                sink.message(
                    at,
                    &Message {
                        at: b"",
                        level: None,
                        text: at.text.trim_ascii(),
                        host: b"",
                        program: b"kernel",
                        pid: None,
                        thread: b"",
                        kernel: true,
                        by_layout: false,
                    },
                );
                Taken::Row
            }
            _ => Taken::Unknown,
        }
    }
}

/// Whether a line without a time can be the kernel's: words, that no command nor other format begins with.
fn is_message(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first().is_some_and(u8::is_ascii_alphanumeric)
        && memchr::memchr(b' ', line).is_some()
        && prompt::command(line).is_none()
        && !FORMATS.iter().any(|f| f.opens(line))
}

/// `[TIME] TEXT`, perhaps behind `<LEVEL>`.
fn kernel_line(line: &[u8]) -> Option<Message<'_>> {
    let (level, rest) = match line.strip_prefix(b"<").and_then(scan::leading_number) {
        Some((priority, rest)) => (level(priority), rest.strip_prefix(b">")?),
        None => (None, line),
    };
    let inner = rest.strip_prefix(b"[")?;
    let close = memchr::memchr(b']', inner.get(..40).unwrap_or(inner))?;
    let (at, text) = (inner.get(..close)?.trim_ascii(), inner.get(close + 1..)?);
    if !is_uptime(at) && !is_wall_time(at) {
        return None;
    }
    let mut text = text.trim_ascii();
    // `CONFIG_PRINTK_CALLER` adds the thread or processor: `[ T1234]`, `[   C0]`.
    if let Some(caller) = text.strip_prefix(b"[")
        && let Some(close) = memchr::memchr(b']', caller.get(..12).unwrap_or(caller))
        && matches!(caller.get(..close).map(<[u8]>::trim_ascii), Some([b'T' | b'C', digits @ ..]) if scan::number(digits).is_some())
    {
        text = caller.get(close + 1..)?.trim_ascii();
    }
    Some(Message { at, level, text, host: b"", program: b"kernel", pid: None, thread: b"", kernel: true, by_layout: false })
}

/// `12345.678901`.
fn is_uptime(at: &[u8]) -> bool {
    scan::leading_number(at)
        .and_then(|(_, rest)| rest.strip_prefix(b"."))
        .is_some_and(|fraction| fraction.len() >= 3 && scan::number(fraction).is_some())
}

/// `Sat Nov 22 14:56:05 2026`.
fn is_wall_time(at: &[u8]) -> bool {
    let mut words = scan::Fields::new(at);
    let alphabetic = |w: Option<&[u8]>| w.is_some_and(|w| w.len() == 3 && w.iter().all(u8::is_ascii_alphabetic));
    alphabetic(words.next())
        && alphabetic(words.next())
        && words.next().and_then(scan::number).is_some()
        && words.next().is_some_and(|clock| clock.len() == 8 && clock.get(2) == Some(&b':'))
        && words.next().and_then(scan::number).is_some()
}

fn level(priority: u64) -> Option<Level> {
    Some(match priority % 8 {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn times_since_boot_and_of_the_wall() {
        assert_eq!(
            facts("[12345.678901] TCP: too many orphaned sockets\n[Sat Nov 22 14:56:05 2026] TCP: x\n<4>[    1.000001][   C0] y\n"),
            [
                "message at=12345.678901 level=- program=kernel pid=- TCP: too many orphaned sockets",
                "message at=Sat Nov 22 14:56:05 2026 level=- program=kernel pid=- TCP: x",
                "message at=1.000001 level=warn program=kernel pid=- y",
            ]
        );
    }

    #[test]
    fn old_kernels_print_no_time() {
        let text = "Out of socket memory\nTCP: too many of orphaned sockets\n";
        let (told, reading) = told_as("h/dmesg", text);
        assert_eq!(told.lines.first().map(String::as_str), Some("message at=- level=- program=kernel pid=- Out of socket memory"));
        assert_eq!((reading.rows(), reading.unparsed()), (2, 0));
        let pasted = facts(&format!("$ dmesg\n{text}sockets: used 9\n"));
        assert_eq!(pasted.iter().filter(|l| l.starts_with("message")).count(), 2, "{pasted:?}");
        assert!(facts(text).is_empty(), "nothing says that it is the kernel's");
        let again = "[12345.678901] nf_conntrack: table full, dropping packet\n".repeat(9);
        assert_eq!(told_as("dmesg", &again).0.lines.last().map(|l| l.contains("nf_conntrack: table full")), Some(true));
    }

    #[test]
    fn a_dated_application_log_is_not_the_kernels() {
        let (_, reading) = told_as("x", "[2023/09/05 20:02:50.727067][daemon][WARN] accept4: too many open files\n");
        assert_eq!(reading.format(), "log");
    }
}
