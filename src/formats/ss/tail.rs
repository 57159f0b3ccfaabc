//! What follows the addresses of a row: `users:`, `timer:`, `uid:`, `ino:`, arrows, and with `-i` when data last moved.
//!
//! ```text
//! users:(("srv",pid=29908,fd=5)) timer:(on,4.328sec,9) uid:33 ino:135502 sk:1064 cgroup:/ <->
//!          ts sack bbr wscale:10,10 rto:204 ... lastsnd:62860 lastrcv:62860 lastack:62860 ...
//! ```
//!
//! The order differs between versions (timer before users up to 3.19). In a timer `5.188ms` means 5.188 seconds in every version before
//! 6.11, which prints `5.188sec`; a number with a dot is always seconds. `ino:` of a unix row is the inode of its path, not of the socket.

use super::holders::Holders;
use crate::facts::{Timer, TimerKind};
use crate::formats::scan;

/// The fields that follow the addresses.
pub struct Tail<'a> {
    /// `users:`.
    pub holders: Holders<'a>,
    /// `timer:`.
    pub timer: Option<Timer>,
    /// `uid:`.
    pub uid: Option<u32>,
    /// `ino:`.
    pub inode: Option<u64>,
    /// `lastrcv:` and `lastsnd:`.
    pub moved: Moved,
}

/// When data last moved, in milliseconds before the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// `lastrcv:`.
    pub received_ms: Option<u64>,
    /// `lastsnd:`.
    pub sent_ms: Option<u64>,
}

impl<'a> Tail<'a> {
    /// Nothing yet.
    #[inline]
    pub fn new() -> Self {
        Tail { holders: Holders::new(), timer: None, uid: None, inode: None, moved: Moved::default() }
    }

    /// Reads the rest of a row.
    #[inline]
    pub fn read(&mut self, text: &'a [u8]) {
        let mut rest = text;
        loop {
            match rest {
                [b' ' | b'\t', after @ ..] => rest = after,
                [] => break,
                _ if rest.starts_with(b"users:(") => rest = self.holders.read(rest),
                _ => {
                    let end = scan::find_blank(rest, 0);
                    let (word, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
                    self.word(word);
                    rest = after;
                }
            }
        }
    }

    #[inline]
    fn word(&mut self, word: &[u8]) {
        match word.first() {
            Some(b'i') => self.inode = value(word, b"ino:").or(self.inode),
            Some(b'u') => self.uid = value(word, b"uid:").and_then(|n| u32::try_from(n).ok()).or(self.uid),
            Some(b't') => self.timer = word.strip_prefix(b"timer:(").and_then(timer).or(self.timer),
            Some(b'l') => self.moved.word(word),
            _ => {}
        }
    }
}

impl Moved {
    /// Reads them from a line of `-i` data.
    pub fn read(line: &[u8]) -> Self {
        let mut moved = Moved::default();
        if let Some(at) = memchr::memmem::find(line, b"lastsnd:").or_else(|| memchr::memmem::find(line, b"lastrcv:")) {
            scan::Fields::new(line.get(at..).unwrap_or(b"")).take(2).for_each(|word| moved.word(word));
        }
        moved
    }

    fn word(&mut self, word: &[u8]) {
        self.sent_ms = value(word, b"lastsnd:").or(self.sent_ms);
        self.received_ms = value(word, b"lastrcv:").or(self.received_ms);
    }
}

/// Whether a field can follow the addresses: a wrapped row goes on with one of these.
pub fn is_tail_word(word: &[u8]) -> bool {
    const KEYS: &[&[u8]] = &[b"users:(", b"timer:(", b"uid:", b"ino:", b"sk:", b"cgroup:"];
    KEYS.iter().any(|k| word.starts_with(k)) || matches!(word, b"<->" | b"-->" | b"<--" | b"---")
}

#[inline]
fn value(word: &[u8], key: &[u8]) -> Option<u64> {
    scan::number(word.strip_prefix(key)?)
}

/// `on,4.964ms,9)`: which timer, how long, how often it fired.
fn timer(text: &[u8]) -> Option<Timer> {
    let text = text.strip_suffix(b")").unwrap_or(text);
    let mut parts = text.split(|&b| b == b',');
    let kind = match parts.next()? {
        b"on" => TimerKind::On,
        b"keepalive" => TimerKind::Keepalive,
        b"timewait" => TimerKind::Timewait,
        b"persist" => TimerKind::Persist,
        _ => TimerKind::Other,
    };
    let seconds = seconds(parts.next()?)?;
    let retries = scan::number32(parts.next()?)?;
    Some(Timer { kind, seconds, retries })
}

/// `27sec`, `1min32sec`, `420ms`, `5.188ms` (seconds), `4.328sec`.
fn seconds(text: &[u8]) -> Option<f32> {
    let mut total = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let (whole, after) = scan::leading_number(rest)?;
        let (fraction, after) = match after.strip_prefix(b".") {
            Some(after) => {
                let (digits, behind) = scan::leading_number(after)?;
                let scale = 10f64.powi(i32::try_from(after.len().saturating_sub(behind.len())).unwrap_or(0));
                (Some(digits as f64 / scale), behind)
            }
            None => (None, after),
        };
        let number = whole as f64 + fraction.unwrap_or(0.0);
        let unit_len = after.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (unit, behind) = after.split_at_checked(unit_len)?;
        total += match unit {
            b"ms" if fraction.is_none() => number / 1000.0,
            b"ms" | b"sec" | b"s" => number,
            b"min" => number * 60.0,
            b"hour" | b"hrs" | b"h" => number * 3600.0,
            _ => return None,
        };
        rest = behind;
    }
    Some(total as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_all_versions() {
        for (text, want) in [
            ("27sec", 27.0),
            ("59min", 3540.0),
            ("1min32sec", 92.0),
            ("420ms", 0.42),
            ("5.188ms", 5.188),
            ("4.328sec", 4.328),
            ("4.028sec", 4.028),
        ] {
            let got = seconds(text.as_bytes()).expect(text);
            assert!((got - want).abs() < 0.0005, "{text}: {got}");
        }
        assert_eq!(seconds(b"soon"), None);
        let timer = timer(b"on,4.964ms,9)").expect("a timer");
        assert_eq!((timer.kind, timer.retries), (TimerKind::On, 9));
    }

    #[test]
    fn fields_in_any_order() {
        let mut tail = Tail::new();
        tail.read(b"timer:(keepalive,119min,0) users:((\"java\",1,2)) uid:26 ino:9 sk:0000106a cgroup:/x lastsnd:7 lastrcv:8 <->");
        assert_eq!((tail.uid, tail.inode, tail.holders.list().len()), (Some(26), Some(9), 1));
        assert_eq!(tail.moved, Moved { received_ms: Some(8), sent_ms: Some(7) });
        assert!(tail.timer.is_some());
        let mut empty = Tail::new();
        empty.read(b" <-> ");
        assert_eq!((empty.uid, empty.holders.present), (None, false));
    }

    #[test]
    fn when_data_last_moved() {
        let moved = Moved::read(b"\t ts sack rtt:0.1/0.2 send 187Mbps lastsnd:62744 lastrcv:62745 lastack:1 pacing_rate 1Mbps");
        assert_eq!(moved, Moved { received_ms: Some(62745), sent_ms: Some(62744) });
        assert_eq!(Moved::read(b"\t skmem:(r0,rb131072)"), Moved::default());
    }
}
