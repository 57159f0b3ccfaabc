//! Log lines that are one JSON object each: bunyan and pino, zap, logrus, MongoDB, journald, Docker's json-file.

use super::head::level_of;
use crate::facts::Level;

/// What a line's object tells; strings are still escaped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Object<'a> {
    /// `time`, `ts`, `@timestamp`.
    pub at: &'a [u8],
    /// journald's `__REALTIME_TIMESTAMP`, in microseconds since 1970.
    pub micros: Option<&'a [u8]>,
    /// `level`, as a word or bunyan's number.
    pub level: Option<Level>,
    /// `msg`, `message`, `log`, `MESSAGE`.
    pub text: &'a [u8],
    /// `err`, `error`, `exception`: a string, or the message of the object.
    pub error: &'a [u8],
    /// `name`, `service`, `_COMM`.
    pub program: &'a [u8],
    /// `pod`, `container`: who wrote it, where no program is named. A `logger` is a part of a program, and names none.
    pub pod: &'a [u8],
    /// `pid`, `_PID`.
    pub pid: Option<u32>,
}

/// How deep objects may nest.
const DEPTH: usize = 16;

/// Reads the top level of an object, and the message of an error one level down; `None` if the line is no object of a log.
pub fn object(line: &[u8]) -> Option<Object<'_>> {
    let mut object = Object::default();
    let mut scanner = Scanner { text: line.trim_ascii(), at: 0 };
    scanner.object(&mut object, 0, false)?;
    (!object.text.is_empty() || !object.error.is_empty())
        .then_some(object)
        .filter(|o| o.level.is_some() || !o.at.is_empty() || o.micros.is_some())
}

/// Writes an escaped string as text; unknown escapes stay as they are, line breaks become blanks.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(i) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..i).unwrap_or(b""));
        match rest.get(i + 1) {
            Some(b'n' | b't' | b'r') => out.push(b' '),
            Some(&b @ (b'"' | b'\\' | b'/')) => out.push(b),
            Some(&b) => out.extend_from_slice(&[b'\\', b]),
            None => out.push(b'\\'),
        }
        rest = rest.get(i + 2..).unwrap_or(b"");
    }
    out.extend_from_slice(rest);
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn object(&mut self, found: &mut Object<'a>, depth: usize, in_error: bool) -> Option<()> {
        self.expect(b'{')?;
        if depth > DEPTH {
            return None;
        }
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blanks();
            let key = self.string()?;
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            self.value(key, found, depth, in_error)?;
            self.blanks();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn value(&mut self, key: &[u8], found: &mut Object<'a>, depth: usize, in_error: bool) -> Option<()> {
        let is_error = matches!(key, b"err" | b"error" | b"exception" | b"errorMessage");
        match self.peek()? {
            b'"' => {
                let text = self.string()?;
                if in_error {
                    if matches!(key, b"message" | b"msg") || key == b"code" && found.error.is_empty() {
                        found.error = text;
                    }
                } else if depth == 0 {
                    keep(found, key, text, is_error);
                } else if key == b"$date" && found.at.is_empty() {
                    found.at = text;
                }
            }
            b'{' => self.object(found, depth + 1, depth == 0 && is_error)?,
            b'[' => self.skip_array(depth)?,
            _ => {
                let start = self.at;
                while self.peek().is_some_and(|b| !matches!(b, b',' | b'}' | b']' | b' ')) {
                    self.at += 1;
                }
                if depth == 0 {
                    keep(found, key, self.text.get(start..self.at)?, false);
                }
            }
        }
        Some(())
    }

    /// Arrays tell nothing that is wanted.
    fn skip_array(&mut self, depth: usize) -> Option<()> {
        let mut open = 0usize;
        let mut ignored = Object::default();
        loop {
            match self.peek()? {
                b'[' => open += 1,
                b']' => open -= 1,
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' => {
                    self.object(&mut ignored, depth + 1, false)?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            self.at += found;
            if self.peek() == Some(b'"') {
                let text = self.text.get(start..self.at);
                self.at += 1;
                return text;
            }
            self.at += 2;
        }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }
}

fn keep<'a>(found: &mut Object<'a>, key: &[u8], value: &'a [u8], is_error: bool) {
    match key {
        b"msg" | b"message" | b"MESSAGE" | b"log" => found.text = value,
        b"time" | b"ts" | b"timestamp" | b"@timestamp" | b"t" | b"asctime" => found.at = value,
        b"level" | b"severity" | b"s" | b"levelname" | b"lvl" | b"log.level" => found.level = level(value),
        b"__REALTIME_TIMESTAMP" => found.micros = Some(value),
        b"PRIORITY" => found.level = level(value).or(Some(Level::Info)),
        b"name" | b"service" | b"app" | b"_COMM" | b"SYSLOG_IDENTIFIER" if found.program.is_empty() => found.program = value,
        b"pod" | b"pod_name" | b"container" | b"container_name" if found.pod.is_empty() => found.pod = value,
        b"pid" | b"_PID" | b"process" => found.pid = crate::formats::scan::number32(value),
        _ if is_error => found.error = value,
        _ => {}
    }
}

/// A word, bunyan's tens, or MongoDB's letters.
pub(super) fn level(value: &[u8]) -> Option<Level> {
    Some(match value {
        b"10" => Level::Trace,
        b"20" | b"D" => Level::Debug,
        b"30" | b"I" => Level::Info,
        b"40" | b"W" | b"4" => Level::Warn,
        b"50" | b"E" | b"3" => Level::Error,
        b"60" | b"F" | b"0" | b"1" | b"2" => Level::Fatal,
        word => return level_of(word, true),
    })
}
