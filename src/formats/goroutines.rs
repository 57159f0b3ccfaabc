//! Goroutine dumps of a Go program: a panic, SIGQUIT, or `/debug/pprof/goroutine`.
//!
//! ```text
//! goroutine 18 [IO wait, 12 minutes]:
//! net.(*conn).Read(0xc000010040, {0xc0001a2000, 0x1000, 0x1000})
//!     /usr/lib/go/src/net/net.go:183 +0x45
//! created by net/http.(*Server).Serve in goroutine 1
//! ```
//!
//! or grouped by stack (`?debug=1`): `40 @ 0x43a2f6 0x44b1c5` and lines that begin with `#`. One message a goroutine or a group: its
//! state and topmost functions. As many in one place as there are sockets too many names the place. Source: `runtime/traceback.go`.

use super::log::head;
use super::thread::Thread;
use super::{Fit, Format, Hint, Parser, Probe, Taken, scan};
use crate::facts::{At, Message, Sink};

/// Roots of packages that come with Go: a frame there says what is waited for, not who waits.
const LIBRARY: &[&[u8]] = &[
    b"bufio",
    b"bytes",
    b"compress",
    b"context",
    b"crypto",
    b"database",
    b"encoding",
    b"fmt",
    b"internal",
    b"io",
    b"log",
    b"mime",
    b"net",
    b"os",
    b"reflect",
    b"runtime",
    b"strings",
    b"sync",
    b"syscall",
    b"time",
    b"vendor",
];

/// A Go program's goroutines.
pub struct Goroutines;

#[derive(Default)]
struct Dump(Thread);

impl Format for Goroutines {
    fn id(&self) -> &'static str {
        "goroutines"
    }

    fn title(&self) -> &'static str {
        "goroutine dumps of a Go program"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().take(3).any(|row| self.opens(row)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        header(line).is_some() || line.starts_with(b"goroutine profile: total ")
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::contains(command, b"pprof/goroutine")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Dump::default())
    }
}

impl Parser for Dump {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some((_, state)) = header(at.text) {
            self.end(at, sink);
            self.0.begin(at, state);
            self.0.state(state.trim_ascii().strip_prefix(b"[").and_then(|s| s.strip_suffix(b"]")).unwrap_or(state));
            return Taken::Row;
        }
        if let Some((text, count)) = group(at.text) {
            self.end(at, sink);
            self.0.begin(at, text);
            self.0.count = count;
            return Taken::Row;
        }
        if at.text.trim_ascii().is_empty() || at.text.starts_with(b"goroutine profile: ") || at.text.starts_with(b"exit status ") {
            return Taken::Noise;
        }
        if !self.0.is_open() {
            if let Some(text) = died_of(at.text) {
                sink.message(at, &Message { text, ..head::empty() });
                return Taken::Row;
            }
            let preface = at.text.starts_with(b"SIG") || at.text.starts_with(b"PC=");
            return if preface { Taken::Noise } else { Taken::Unknown };
        }
        match function(at.text) {
            Some(name) => self.0.frame(name, name, is_own(name)),
            None if at.text.first() == Some(&b'\t') || at.text.starts_with(b"    ") || at.text.starts_with(b"#") => {}
            None if at.text.starts_with(b"...") || at.text.starts_with(b"r") && scan::contains(at.text, b" 0x") => {}
            None => return Taken::Unknown,
        }
        Taken::Noise
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        self.0.tell(at.format, |line| header(line).map(|(name, _)| name), sink);
    }
}

/// What a program died of, as the line in front of its goroutines says: it may be the only word of its log.
fn died_of(line: &[u8]) -> Option<&[u8]> {
    let says = line.starts_with(b"panic: ") || line.starts_with(b"fatal error: ");
    says.then(|| line.trim_ascii_end())
}

/// Whether a function is outside of Go's own library.
fn is_own(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"created by ").unwrap_or(name);
    let root = name.split(|&b| b == b'/' || b == b'.').next().unwrap_or(name);
    !LIBRARY.contains(&root) && !name.starts_with(b"golang.org/x/")
}

/// `goroutine 18 [IO wait, 12 minutes]:`: its name and its state.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = scan::leading_number(line.strip_prefix(b"goroutine ")?)?;
    let name = line.get(..line.len() - rest.len())?;
    let state = memchr::memchr(b'[', rest.get(..48).unwrap_or(rest)).and_then(|i| rest.get(i..))?;
    Some((name, state.trim_ascii_end().strip_suffix(b":").filter(|s| s.ends_with(b"]"))?))
}

/// `40 @ 0x43a2f6 0x44b1c5`: the number of goroutines with one stack.
fn group(line: &[u8]) -> Option<(&[u8], u64)> {
    let (count, rest) = scan::leading_number(line)?;
    let number = line.get(..line.len() - rest.len())?;
    rest.starts_with(b" @ 0x").then_some((number, count))
}

/// The function of a frame: `net.(*conn).Read(0xc0, ...)`, `created by NAME in goroutine 1`, or `# 0x4a2 net.(*conn).Read+0x45 FILE`.
fn function(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = line.strip_prefix(b"#") {
        let name = scan::Fields::new(rest).nth(1)?;
        return name.get(..memchr::memrchr(b'+', name)?);
    }
    if line.starts_with(b"created by ") {
        return Some(line.trim_ascii_end());
    }
    let end = memchr::memrchr(b'(', line)?;
    let name = line.get(..end)?;
    let fits = line.trim_ascii_end().ends_with(b")") && name.contains(&b'.') && !name.contains(&b' ');
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    const DUMP: &str = concat!(
        "goroutine 18 [IO wait, 12 minutes]:\nnet.(*conn).Read(0xc000010040, {0xc0, 0x1, 0x1})\n\t/go/src/net/net.go:183 +0x45\n",
        "created by net/http.(*Server).Serve in goroutine 1\n\t/go/src/net/http/server.go:1 +0x1\n\n",
    );

    #[test]
    fn one_message_each() {
        assert_eq!(
            facts(DUMP),
            [
                "message at=- level=- program=- pid=- [IO wait, 12 minutes] net.(*conn).Read created by net/http.(*Server).Serve in goroutine 1"
            ]
        );
        assert_eq!(told_as("x", DUMP).1.unparsed(), 0);
    }

    #[test]
    fn what_it_died_of_is_said_in_front() {
        let text = format!("panic: listen tcp :80: socket: too many open files\n\n{DUMP}");
        let told = facts(&text);
        assert_eq!(
            told.first().map(String::as_str),
            Some("message at=- level=- program=- pid=- panic: listen tcp :80: socket: too many open files")
        );
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn grouped_by_stack() {
        let text = "goroutine profile: total 41\n40 @ 0x43a2f6 0x44b1c5\n#\t0x43a2f6\tnet.(*conn).Read+0x45\t/go/net.go:183\n\n1 @ 0x1\n";
        assert_eq!(facts(text), ["message at=- level=- program=- pid=- 40 net.(*conn).Read", "message at=- level=- program=- pid=- 1"]);
    }
}
