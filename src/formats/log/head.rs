//! Splits one line of text into time, level, source and message, whatever framework laid it out.

use super::time;
use crate::facts::{Level, Message};
use crate::formats::scan;

/// A line that was split.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its parts.
    pub message: Message<'a>,
    /// Whether nothing but a log line looks like this.
    pub certain: bool,
}

/// How often a line may wrap another: a journal line in a priority, and a framework's line in that.
const WRAPPED: u8 = 2;

/// Splits a line; `None` if it does not begin as a log line does.
pub fn split(line: &[u8]) -> Option<Head<'_>> {
    split_within(line, WRAPPED)
}

fn split_within(line: &[u8], wraps: u8) -> Option<Head<'_>> {
    let line = line.trim_ascii_end();
    let mut message = empty();
    match line.first()? {
        b'<' => with_priority(line, wraps),
        b'I' | b'W' | b'E' | b'F' if is_klog(line) => klog(message, line),
        b'[' => bracketed(line).or_else(|| haproxy(line)).or_else(|| located(line)),
        b' ' => located(line.trim_ascii_start()),
        b't' | b'l' if is_logfmt(line) => logfmt(line),
        b'0'..=b'9' => redis(line).or_else(|| dated(message, line, wraps)).or_else(|| {
            let (at, rest) = time::clock(line)?;
            message.at = at;
            let head = fields(message, rest);
            (head.certain && head.message.level.is_some()).then_some(head)
        }),
        _ => dated(message, line, wraps).or_else(|| tagged(line)),
    }
}

/// The level that a word names, in upper case, or in any case where `any_case`.
pub fn level_of(word: &[u8], any_case: bool) -> Option<Level> {
    if word.len() > 11 || !any_case && !word.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    const WORDS: &[(&[u8], Level)] = &[
        (b"INFO", Level::Info),
        (b"WARN", Level::Warn),
        (b"WARNING", Level::Warn),
        (b"ERROR", Level::Error),
        (b"DEBUG", Level::Debug),
        (b"TRACE", Level::Trace),
        (b"FATAL", Level::Fatal),
        (b"NOTICE", Level::Info),
        (b"LOG", Level::Info),
        (b"ERR", Level::Error),
        (b"SEVERE", Level::Error),
        (b"CRITICAL", Level::Fatal),
        (b"CRIT", Level::Fatal),
        (b"ALERT", Level::Fatal),
        (b"EMERG", Level::Fatal),
        (b"PANIC", Level::Fatal),
        (b"INFORMATION", Level::Info),
        (b"FINE", Level::Debug),
        (b"FINER", Level::Debug),
        (b"FINEST", Level::Trace),
    ];
    WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

/// A message of nothing.
pub fn empty<'a>() -> Message<'a> {
    Message { at: b"", level: None, text: b"", host: b"", program: b"", pid: None, thread: b"", kernel: false, by_layout: false }
}

/// `2026-11-22 14:56:05 ...` and `Nov  8 02:18:41 host program[pid]: ...`.
fn dated<'a>(mut message: Message<'a>, line: &'a [u8], wraps: u8) -> Option<Head<'a>> {
    let (at, rest) = time::date_time(line)?;
    let body = rest.trim_ascii_start();
    if body.is_empty() {
        return None;
    }
    message.at = at;
    if let Some(text) = of_stream(body) {
        let inner = wraps.checked_sub(1).and_then(|wraps| split_within(text, wraps)).map(|head| head.message);
        (message.text, message.level) = inner.map_or((text, None), |m| (m.text, m.level));
        return Some(Head { message, certain: true });
    }
    if let Some(head) = syslog(message, body, wraps) {
        return Some(head);
    }
    // Without a host, a date that names its month is what `date` prints, or an access log.
    if !at.first()?.is_ascii_digit() {
        return None;
    }
    let mut head = fields(message, rest);
    // Go's log package prints nothing between the time and the message.
    head.certain |= at.get(4) == Some(&b'/');
    Some(head)
}

/// What follows the stream's name that a container's runtime writes behind the time: `stderr F TEXT`.
fn of_stream(body: &[u8]) -> Option<&[u8]> {
    let rest = body.strip_prefix(b"stdout ").or_else(|| body.strip_prefix(b"stderr "))?;
    rest.strip_prefix(b"F ").or_else(|| rest.strip_prefix(b"P ")).map(<[u8]>::trim_ascii)
}

/// `[2026-11-22 14:56:05][daemon][WARN] ...`, `[Sun Nov 22 14:56:05 2026] [core:error] [pid 1:tid 2] ...`.
fn bracketed(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    let (at, rest) = time::date_time(line.get(1..)?)?;
    message.at = at;
    let rest = rest.strip_prefix(b"]").or_else(|| {
        // Something may stand behind the time inside the brackets (`[2026-11-22 14:56:05 +0000 UTC]`).
        let close = memchr::memchr(b']', rest.get(..24).unwrap_or(rest))?;
        rest.get(close + 1..)
    })?;
    let head = fields(message, rest);
    // `dmesg -T` prints a date with its month and then the message; that is another format's.
    (at.first()?.is_ascii_digit() || head.certain).then_some(head)
}

/// What stands between time and message: levels, process ids, thread names, in whatever order.
fn fields<'a>(mut message: Message<'a>, rest: &'a [u8]) -> Head<'a> {
    let mut certain = false;
    let mut rest = rest;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b"[") {
            let Some(close) = memchr::memchr(b']', after.get(..160).unwrap_or(after)) else { break };
            let (inner, after) = (after.get(..close).unwrap_or(b"").trim_ascii(), after.get(close + 1..).unwrap_or(b""));
            bracket(&mut message, inner);
            certain = true;
            rest = after.strip_prefix(b":").unwrap_or(after);
            continue;
        }
        let length = rest.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
        let bare = word.strip_suffix(b":").unwrap_or(word);
        let ended = bare.len() < word.len();
        if message.level.is_none()
            && let Some(level) = level_of(bare, ended).or_else(|| one_letter_level(bare, after))
        {
            message.level = Some(level);
            certain = true;
        } else if let Some((pid, b"" | b"#0" | b":")) = scan::leading_number(bare).filter(|_| !after.is_empty())
            && message.pid.is_none()
            && (certain || ended || after.starts_with(b" --- ") || after.starts_with(b" ["))
        {
            message.pid = u32::try_from(pid).ok();
            certain |= ended;
        } else if let Some((pid, tid)) = scan::leading_number(bare)
            && ended
            && tid.strip_prefix(b"#").is_some_and(|t| scan::number(t).is_some())
        {
            // nginx: `1234#5678:`.
            message.pid = u32::try_from(pid).ok();
            (message.program, message.by_layout) = (b"nginx", true);
        } else if message.pid.is_none()
            && word == b"pid"
            && let Some((pid, text)) = numbered(after)
        {
            message.pid = Some(pid);
            rest = text;
            continue;
        } else if !matches!(word, b"-" | b"--" | b"---" | b":" | b"|") {
            break;
        }
        rest = after;
    }
    if let Some((located, text)) = location(rest) {
        message.level = message.level.or(located);
        rest = text;
        certain = true;
    }
    message.text = rest.trim_ascii();
    Head { message, certain }
}

/// `1711: TEXT` behind `pid`, as pgpool writes it.
fn numbered(after: &[u8]) -> Option<(u32, &[u8])> {
    let (pid, text) = scan::leading_number(after.trim_ascii_start())?;
    Some((u32::try_from(pid).ok()?, text.strip_prefix(b": ")?))
}

/// A field in brackets: a level, a process id, or the name of a thread.
fn bracket<'a>(message: &mut Message<'a>, inner: &'a [u8]) {
    let level = level_of(inner, true).or_else(|| inner.rsplit(|b| *b == b':').next().and_then(|word| level_of(word, true)));
    if let (Some(level), None) = (level, message.level) {
        message.level = Some(level);
    } else if let Some(pid) = scan::number32(inner) {
        message.pid = message.pid.or(Some(pid));
    } else if let Some(pid) = inner.strip_prefix(b"pid ").and_then(scan::leading_number) {
        message.pid = u32::try_from(pid.0).ok();
    } else if message.thread.is_empty() {
        message.thread = inner;
    }
}

/// Mongo's `I  NETWORK`: one letter, then a word in capitals.
fn one_letter_level(word: &[u8], after: &[u8]) -> Option<Level> {
    let next = after.trim_ascii_start();
    let capitals = next.iter().take(3).all(u8::is_ascii_uppercase) && next.len() > 3;
    match word {
        b"I" if capitals => Some(Level::Info),
        b"W" if capitals => Some(Level::Warn),
        b"E" if capitals => Some(Level::Error),
        b"F" if capitals => Some(Level::Fatal),
        _ => None,
    }
}

/// ` [THREAD] (package.Class.method:89)  - TEXT`: a log4j layout whose time was lost.
fn located(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    let inner = line.strip_prefix(b"[")?;
    let close = memchr::memchr(b']', inner.get(..160).unwrap_or(inner))?;
    message.thread = inner.get(..close)?;
    let (level, text) = location(inner.get(close + 1..)?.trim_ascii_start())?;
    message.level = level;
    message.text = text;
    Some(Head { message, certain: true })
}

/// `(package.Class.method:89)  - TEXT`: the level that the method's name tells, and the text.
fn location(text: &[u8]) -> Option<(Option<Level>, &[u8])> {
    let inner = text.strip_prefix(b"(")?;
    let close = memchr::memchr(b')', inner.get(..200).unwrap_or(inner))?;
    let (place, line) = inner.get(..close)?.split_at_checked(memchr::memrchr(b':', inner.get(..close)?)?)?;
    scan::number(line.strip_prefix(b":")?)?;
    let method = place.rsplit(|b| *b == b'.').next()?;
    let text = inner.get(close + 1..)?.trim_ascii_start().strip_prefix(b"- ")?;
    Some((level_of(method, true), text.trim_ascii()))
}

/// `HOST PROGRAM[PID]: TEXT` behind a time.
fn syslog<'a>(mut message: Message<'a>, body: &'a [u8], wraps: u8) -> Option<Head<'a>> {
    let mut words = scan::Fields::new(body);
    let host = words.next()?;
    let tag = words.next()?;
    let program = tag.strip_suffix(b":")?;
    let wordy = |w: &[u8]| {
        !w.is_empty() && w.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'@' | b':' | b'(' | b')'))
    };
    if !wordy(host) || host.ends_with(b":") || level_of(host, true).is_some() {
        return None;
    }
    let rest = words.rest();
    match program.strip_suffix(b"]").and_then(|p| memchr::memrchr(b'[', p).map(|i| (p.get(..i), p.get(i + 1..)))) {
        Some((Some(program), Some(pid))) if wordy(program) => {
            message.program = program;
            message.pid = scan::number32(pid);
        }
        // Without a process id it is a syslog line only if its time is syslog's own, or the kernel speaks.
        None if wordy(program) && (program == b"kernel" || !message.at.first()?.is_ascii_digit()) => message.program = program,
        _ => return None,
    }
    message.host = host;
    message.kernel = program == b"kernel";
    message.text = rest;
    // What a daemon hands to syslog is often a log line of its own.
    if let Some(inner) = wraps.checked_sub(1).and_then(|wraps| split_within(rest, wraps)) {
        message.level = inner.message.level;
        message.text = inner.message.text;
        message.thread = inner.message.thread;
    } else if message.kernel {
        message.text = without_stamp(rest);
    } else if let Some((word, text)) = scan::Fields::new(rest).next().map(|w| (w, rest.get(w.len()..).unwrap_or(b"")))
        && let Some(level) = level_of(word.strip_suffix(b":").unwrap_or(word), word.ends_with(b":"))
    {
        message.level = Some(level);
        message.text = text.trim_ascii();
    }
    Some(Head { message, certain: true })
}

/// `PROGRAM[PID]: TEXT`, a line of syslog whose beginning was cut off.
fn tagged(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    let tag = line.get(..memchr::memmem::find(line.get(..64).unwrap_or(line), b"]: ")?)?;
    let (program, pid) = tag.split_at_checked(memchr::memchr(b'[', tag)?)?;
    message.pid = Some(scan::number32(pid.strip_prefix(b"[")?)?);
    message.program = program;
    message.text = line.get(tag.len() + 3..)?.trim_ascii();
    let wordy = !program.is_empty() && program.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    wordy.then_some(Head { message, certain: true })
}

/// A kernel line in syslog may carry its own `[12345.678901] `.
fn without_stamp(text: &[u8]) -> &[u8] {
    let Some(inner) = text.strip_prefix(b"[") else { return text };
    let Some(close) = memchr::memchr(b']', inner.get(..24).unwrap_or(inner)) else { return text };
    let stamp = inner.get(..close).unwrap_or(b"").trim_ascii();
    let is_stamp = stamp.contains(&b'.') && stamp.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if is_stamp { inner.get(close + 1..).unwrap_or(b"").trim_ascii() } else { text }
}

/// `<34>1 TIME HOST APP PROCID MSGID [SD] TEXT` of RFC 5424, and `<13>` in front of an older line.
fn with_priority(line: &[u8], wraps: u8) -> Option<Head<'_>> {
    let (priority, rest) = scan::leading_number(line.get(1..)?)?;
    let rest = rest.strip_prefix(b">")?;
    let level = match priority % 8 {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    };
    let Some(rest) = rest.strip_prefix(b"1 ") else {
        let mut head = split_within(rest, wraps.checked_sub(1)?)?;
        head.message.level = head.message.level.or(Some(level));
        return Some(head);
    };
    let mut message = empty();
    message.level = Some(level);
    let mut words = scan::Fields::new(rest);
    message.at = words.next()?;
    words.next()?;
    let given = |w: &'_ [u8]| w != b"-";
    message.program = words.next().filter(|w| given(w)).unwrap_or(b"");
    message.pid = words.next().and_then(scan::number32);
    words.next()?;
    let text = words.rest();
    let text = match text.strip_prefix(b"[") {
        Some(_) => memchr::memmem::find(text, b"] ").and_then(|i| text.get(i + 2..)).unwrap_or(b""),
        None => text.strip_prefix(b"-").unwrap_or(text),
    };
    message.text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
    Some(Head { message, certain: true })
}

fn is_klog(line: &[u8]) -> bool {
    line.get(1..5).is_some_and(|d| d.iter().all(u8::is_ascii_digit)) && line.get(5) == Some(&b' ')
}

/// `I1108 02:18:41.255220   71042 logs.go:41] TEXT` of klog and glog.
fn klog<'a>(mut message: Message<'a>, line: &'a [u8]) -> Option<Head<'a>> {
    message.level = Some(match line.first()? {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        _ => Level::Fatal,
    });
    let (clock, rest) = time::clock(line.get(6..)?)?;
    message.at = line.get(1..6 + clock.len())?;
    message.pid = scan::Fields::new(rest).next().and_then(scan::number32);
    let bracket = memchr::memmem::find(rest, b"] ")?;
    message.text = rest.get(bracket + 2..)?.trim_ascii();
    Some(Head { message, certain: true })
}

/// `[WARNING] 326/145605 (1234) : TEXT` of HAProxy.
fn haproxy(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    let close = memchr::memchr(b']', line.get(..16).unwrap_or(line))?;
    message.level = Some(level_of(line.get(1..close)?.trim_ascii(), false)?);
    let rest = line.get(close + 1..)?.trim_ascii_start();
    let mut words = scan::Fields::new(rest);
    let (first, second) = (words.next()?, words.next()?);
    let pid = second.strip_prefix(b"(").and_then(|w| w.strip_suffix(b")")).and_then(scan::number32);
    if first.contains(&b'/') && pid.is_some() {
        message.at = first;
        message.pid = pid;
        message.text = words.rest().trim_start_matches_colon();
    } else {
        message.text = rest.trim_start_matches_colon();
    }
    Some(Head { message, certain: true })
}

/// `1234:M 22 Nov 2026 14:56:05.803 # TEXT` of Redis: `#` warns, `*` and `-` inform, `.` debugs.
fn redis(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    let (pid, rest) = scan::leading_number(line)?;
    let rest = rest.strip_prefix(b":")?;
    rest.first().filter(|b| b.is_ascii_uppercase())?;
    let (at, rest) = time::date_time(rest.get(2..)?)?;
    let rest = rest.strip_prefix(b" ")?;
    message.at = at;
    message.pid = u32::try_from(pid).ok();
    message.program = b"redis";
    message.level = Some(match rest.first()? {
        b'#' => Level::Warn,
        b'.' => Level::Debug,
        _ => Level::Info,
    });
    message.text = rest.get(1..)?.trim_ascii();
    Some(Head { message, certain: true })
}

fn is_logfmt(line: &[u8]) -> bool {
    [&b"time="[..], b"ts=", b"t=", b"level=", b"lvl="].iter().any(|key| line.starts_with(key))
}

/// `time="..." level=error msg="..." error="..."`: the text begins at the message and keeps what follows it.
fn logfmt(line: &[u8]) -> Option<Head<'_>> {
    let mut message = empty();
    message.at = value_after(line, b"time=").or_else(|| value_after(line, b"ts=")).or_else(|| value_after(line, b"t=")).unwrap_or(b"");
    message.level = value_after(line, b"level=").or_else(|| value_after(line, b"lvl=")).and_then(|word| level_of(word, true));
    let text = memchr::memmem::find(line, b"msg=").and_then(|i| line.get(i + 4..));
    message.text = text.or_else(|| memchr::memmem::find(line, b"err").and_then(|i| line.get(i..)))?;
    message.level?;
    Some(Head { message, certain: true })
}

/// The value of `key=`, without quotes.
fn value_after<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let start =
        if line.starts_with(key) { 0 } else { memchr::memmem::find_iter(line, key).find(|&i| i > 0 && line.get(i - 1) == Some(&b' '))? };
    let value = line.get(start + key.len()..)?;
    match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.get(..memchr::memchr(b'"', quoted)?),
        None => Some(value.get(..memchr::memchr(b' ', value).unwrap_or(value.len()))?),
    }
}

trait TrimColon {
    fn trim_start_matches_colon(&self) -> &Self;
}

impl TrimColon for [u8] {
    fn trim_start_matches_colon(&self) -> &[u8] {
        let text = self.trim_ascii();
        text.strip_prefix(b":").unwrap_or(text).trim_ascii()
    }
}
