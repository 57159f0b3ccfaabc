//! Log lines summed up by what they say: one entry for each signature, endpoint and writer.

use super::quote::Quote;
use crate::facts::{At, Citation, MemberId, Message};
use crate::signatures::{Signatures, Weight, endpoint_in};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;

/// Different sightings kept, at most; past it, lines of one signature are one whatever they name.
const MAX_SIGHTINGS: usize = 4096;

/// Hosts remembered, at most: more than two make no difference.
const MAX_HOSTS: usize = 8;

/// Bytes kept of a line with a time.
const MAX_HEADLINE: usize = 400;

/// What a log says again and again.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The signature's id.
    pub signature: String,
    /// What the line means.
    pub means: String,
    /// The causes it points to.
    pub points_to: Vec<String>,
    /// Whether it names a cause, shows a symptom or only sets the scene.
    pub weight: Weight,
    /// The endpoint it names.
    pub endpoint: Option<String>,
    /// The broker or node number it names.
    pub broker: Option<String>,
    /// The process that wrote it, where the line says.
    pub pid: Option<u32>,
    /// The host that a line of syslog names, empty if none.
    pub host: String,
    /// The program that wrote it, where the line says.
    pub program: String,
    /// Whether the layout of the line tells the program, which only that one prints.
    pub by_layout: bool,
    /// Lines.
    pub count: u64,
    /// The highest attempt number a line tells.
    pub attempts: Option<u64>,
    /// The retry interval in seconds a line tells.
    pub interval_s: Option<f64>,
    /// Whether the kernel says it.
    pub kernel: bool,
    /// The first such line.
    pub first: Quote,
    /// The last such line.
    pub last: Quote,
    /// The time of the first as printed.
    pub first_at: String,
    /// The time of the last as printed.
    pub last_at: String,
    /// What each member has of them: one log may be there in several copies.
    copies: Vec<Copy>,
}

/// The lines of one member: so many, and the hashes of time and text of the first and the last.
#[derive(Clone, Copy, Debug)]
struct Copy {
    member: MemberId,
    count: u64,
    ends: (u64, u64),
}

/// Members whose lines of one sighting are told apart, at most.
const MAX_COPIES: usize = 16;

/// Lines that mean nothing come again, as the frames of stack traces do: so many are remembered, of so many bytes at most.
const SLOTS: usize = 1024;
const MAX_PLAIN: usize = 240;

/// What lines that tell the same have in common: signature, endpoint, process and host.
type Same = (String, Option<String>, Option<u32>, Vec<u8>);

/// All sightings of a capture.
#[derive(Debug, Default)]
pub struct Logs {
    index: FxHashMap<Same, usize>,
    /// Hosts that its lines name.
    hosts: Vec<String>,
    /// In the order of their first line.
    pub sightings: Vec<Sighting>,
    /// Log lines read.
    pub lines: u64,
    /// The last line with a time, of which those below it are more: where it stands and its beginning.
    headline: (MemberId, Vec<u8>),
    /// Its time as printed.
    headline_at: Vec<u8>,
    /// From when to when the lines of each member are, one command after the other.
    covers: Vec<Cover>,
    /// Whether another command has begun since.
    begins: bool,
}

/// From when to when lines of a member are, as printed: all of them, or in a paste those that one command printed.
#[derive(Debug)]
struct Cover {
    from: Citation,
    first: Vec<u8>,
    last: Vec<u8>,
}

/// Members whose times are kept, at most.
const MAX_COVERS: usize = 256;

/// Lines that mean nothing, by their hashes, each until another takes its place.
#[derive(Debug, Default)]
pub struct Plain(Vec<Vec<u8>>);

impl Logs {
    /// Takes one line of a log.
    pub fn add(&mut self, at: &At<'_>, message: &Message<'_>, signatures: &Signatures, plain: &mut Plain) {
        self.lines += 1;
        self.meet(message.host);
        if !message.at.is_empty() {
            self.headline.0 = at.citation.member;
            self.headline.1.clear();
            self.headline.1.extend_from_slice(message.text.get(..MAX_HEADLINE).unwrap_or(message.text));
            self.headline_at.clear();
            self.headline_at.extend_from_slice(message.at);
            self.cover(at.citation, message.at);
        }
        if plain.has(message.text) {
            return;
        }
        let Some(mut found) = signatures.find(message.text) else { return plain.keep(message.text) };
        // An exception below a headline often leaves to it what was tried.
        let below = message.at.is_empty() && self.headline.0 == at.citation.member && found.signature.weight == Weight::Cause;
        if below && found.endpoint.is_none() {
            found.endpoint = endpoint_in(&self.headline.1);
        }
        let mut key = (found.signature.id.clone(), found.endpoint.clone(), message.pid, message.host.to_vec());
        let mut program = message.program;
        if self.sightings.len() >= MAX_SIGHTINGS && !self.index.contains_key(&key) {
            (found.endpoint, found.broker, program) = (None, None, b"");
            key = (key.0, None, None, Vec::new());
        }
        // What follows a line with a time is of that time.
        let of_headline = message.at.is_empty() && self.headline.0 == at.citation.member;
        let time = if of_headline { self.headline_at.as_slice() } else { message.at };
        let number = *self.index.entry(key).or_insert_with_key(|(_, _, pid, host)| {
            self.sightings.push(Sighting {
                signature: found.signature.id.clone(),
                means: found.signature.means.clone(),
                points_to: found.signature.points_to.clone(),
                weight: found.signature.weight,
                endpoint: found.endpoint.clone(),
                broker: found.broker.clone(),
                pid: *pid,
                host: String::from_utf8_lossy(host).into_owned(),
                program: String::from_utf8_lossy(program).into_owned(),
                by_layout: message.by_layout,
                count: 0,
                attempts: None,
                interval_s: None,
                kernel: message.kernel,
                first: Quote::keep(at),
                last: Quote::keep(at),
                first_at: String::from_utf8_lossy(time).into_owned(),
                last_at: String::new(),
                copies: Vec::new(),
            });
            self.sightings.len() - 1
        });
        let Some(sighting) = self.sightings.get_mut(number) else { return };
        sighting.count += 1;
        sighting.copied(at.citation.member, message);
        sighting.attempts = sighting.attempts.max(found.attempt);
        sighting.interval_s = found.interval_s.or(sighting.interval_s);
        if sighting.count > 1 {
            sighting.last = Quote::keep(at);
        }
        if !time.is_empty() {
            sighting.last_at = String::from_utf8_lossy(time).into_owned();
        }
    }

    /// Whether a line comes from another host than this one, which a log that was gathered from several may hold.
    pub fn is_elsewhere(&self, sighting: &Sighting, own: &str) -> bool {
        !sighting.host.is_empty()
            && !same_host(&sighting.host, own)
            && (self.hosts.len() > 1 || self.hosts.iter().any(|h| same_host(h, own)))
    }

    /// The times of the first and the last line of the log in which a line stands, as printed.
    pub fn covered(&self, line: Citation) -> Option<(String, String)> {
        let before = self.covers.iter().filter(|c| c.from.member == line.member && c.from.line <= line.line);
        let cover = before.max_by_key(|c| c.from.line)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(&cover.first), text(&cover.last)))
    }

    /// A command was pasted: what it prints is another log, or another part of one.
    pub fn begin(&mut self) {
        self.begins = true;
    }

    /// Remembers when a line was written.
    fn cover(&mut self, at: Citation, time: &[u8]) {
        let begins = std::mem::take(&mut self.begins);
        let room = self.covers.len() < MAX_COVERS;
        match self.covers.last_mut() {
            Some(cover) if cover.from.member == at.member && !begins => {
                cover.last.clear();
                cover.last.extend_from_slice(time);
            }
            _ if room => self.covers.push(Cover { from: at, first: time.to_vec(), last: time.to_vec() }),
            _ => {}
        }
    }

    /// Remembers a host that a line names; most name the same as the line before.
    fn meet(&mut self, host: &[u8]) {
        let known = host.is_empty() || self.hosts.iter().any(|h| h.as_bytes() == host);
        if !known && self.hosts.len() < MAX_HOSTS {
            self.hosts.push(String::from_utf8_lossy(host).into_owned());
        }
    }

    /// Takes over all sightings of another part of the same capture; how many found no room.
    pub fn merge(&mut self, mut other: Logs) -> u64 {
        self.lines += other.lines;
        let given = other.sightings.len();
        other.hosts.iter().for_each(|host| self.meet(host.as_bytes()));
        other.sightings.truncate(MAX_SIGHTINGS.saturating_sub(self.sightings.len()));
        let left_out = given - other.sightings.len();
        self.sightings.append(&mut other.sightings);
        other.covers.truncate(MAX_COVERS.saturating_sub(self.covers.len()));
        self.covers.append(&mut other.covers);
        left_out as u64
    }
}

impl Logs {
    /// All lines have come: a log that was captured in several copies (by Docker, by the kubelet, by the journal) was written once. A copy has
    /// as many lines, and the same at the same time in the first and the last of them; one may name the process, where another does not.
    pub fn seal(&mut self) {
        for sighting in &mut self.sightings {
            let mut seen: Vec<Copy> = Vec::new();
            for copy in std::mem::take(&mut sighting.copies) {
                if seen.iter().any(|other| other.is_of(&copy)) {
                    sighting.count = sighting.count.saturating_sub(copy.count);
                } else {
                    seen.push(copy);
                }
            }
            sighting.copies = seen;
        }
        let named: Vec<(String, Option<String>, Vec<Copy>)> = self
            .sightings
            .iter()
            .filter(|s| s.pid.is_some())
            .map(|s| (s.signature.clone(), s.endpoint.clone(), s.copies.clone()))
            .collect();
        self.sightings.retain(|s| {
            let told =
                |copy: &Copy| named.iter().any(|n| n.0 == s.signature && n.1 == s.endpoint && n.2.iter().any(|other| other.is_of(copy)));
            s.pid.is_some() || s.copies.is_empty() || !s.copies.iter().all(told)
        });
        self.index = FxHashMap::default();
    }
}

impl Sighting {
    /// The members that have such lines.
    pub fn members(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.copies.iter().map(|copy| copy.member)
    }

    /// Counts a line for its member.
    fn copied(&mut self, member: MemberId, message: &Message<'_>) {
        let line = told(message);
        let room = self.copies.len() < MAX_COPIES;
        match self.copies.iter_mut().find(|c| c.member == member) {
            Some(copy) => (copy.count, copy.ends.1) = (copy.count + 1, line),
            None if room => self.copies.push(Copy { member, count: 1, ends: (line, line) }),
            None => {}
        }
    }
}

impl Copy {
    /// Whether both are the same lines; one alone may have been written twice.
    fn is_of(&self, other: &Copy) -> bool {
        self.count > 1 && self.count == other.count && self.ends == other.ends && self.ends.0 != self.ends.1
    }
}

/// Time and text of a line as one number, the time to the second: tools print more or fewer digits.
fn told(message: &Message<'_>) -> u64 {
    let time = std::str::from_utf8(message.at).ok().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let mut hasher = FxHasher::default();
    match time {
        Some(time) => hasher.write_i64(time.as_second()),
        None => hasher.write(message.at),
    }
    hasher.write(message.text);
    hasher.finish()
}

impl Plain {
    /// Whether a line came before and meant nothing.
    fn has(&self, text: &[u8]) -> bool {
        self.0.get(slot(text)).is_some_and(|plain| plain == text)
    }

    fn keep(&mut self, text: &[u8]) {
        // The empty line is what a free place holds: it means nothing from the start.
        if text.len() > MAX_PLAIN || text.is_empty() {
            return;
        }
        self.0.resize(SLOTS, Vec::new());
        if let Some(plain) = self.0.get_mut(slot(text)) {
            plain.clear();
            plain.extend_from_slice(text);
        }
    }
}

/// Whether two names are one host's, with or without its domain.
fn same_host(a: &str, b: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or("").to_ascii_lowercase();
    short(a) == short(b)
}

/// The place of a line among those that mean nothing.
fn slot(text: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish() as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds a line of a member, of a process, at a time.
    fn tell(logs: &mut Logs, member: u32, pid: Option<u32>, time: &str, text: &str, plain: &mut Plain) {
        let at = At { citation: Citation { member: MemberId(member), line: 1 }, format: "log", text: text.as_bytes() };
        let (at_time, text) = (time.as_bytes(), text.as_bytes());
        let message =
            Message { pid, host: b"", program: b"app", text, level: None, thread: b"", at: at_time, kernel: false, by_layout: false };
        logs.add(&at, &message, Signatures::builtin(), plain);
    }

    fn refused(logs: &mut Logs, port: usize, pid: Option<u32>) {
        let text = format!("java.net.ConnectException: Connection to node {port} (/10.0.0.1:{port}) could not be established.");
        tell(logs, 0, pid, "", &text, &mut Plain::default());
    }

    #[test]
    fn past_as_many_as_are_told_apart_all_lines_are_counted_and_no_one_is_named() {
        let mut logs = Logs::default();
        (0..MAX_SIGHTINGS + 10).for_each(|port| refused(&mut logs, port, Some(7)));
        refused(&mut logs, 5, Some(7));
        assert_eq!(logs.sightings.len(), MAX_SIGHTINGS + 1);
        assert_eq!(logs.sightings.iter().map(|s| s.count).sum::<u64>(), MAX_SIGHTINGS as u64 + 11);
        let rest = logs.sightings.last().unwrap();
        assert_eq!((rest.count, rest.endpoint.as_deref(), rest.pid, rest.program.as_str()), (10, None, None, ""));
        assert_eq!(logs.sightings[5].count, 2);
    }

    #[test]
    fn an_exception_below_a_headline_is_of_what_that_names() {
        let mut logs = Logs::default();
        let mut tell = |member, time, text| tell(&mut logs, member, None, time, text, &mut Plain::default());
        let refused = "java.net.ConnectException: Connection refused";
        tell(0, "09:00:05", "attempt 1 to logbus-2.acme.internal/10.20.5.15:9092 failed");
        tell(0, "", refused);
        tell(1, "", refused);
        tell(1, "09:00:06", "still trying");
        tell(1, "", refused);
        let ends: Vec<_> = logs.sightings.iter().map(|s| (s.endpoint.as_deref(), s.count)).collect();
        assert_eq!(ends, [(Some("10.20.5.15:9092"), 1), (None, 2)]);
    }

    #[test]
    fn lines_that_mean_nothing_are_remembered_and_no_others() {
        let (mut logs, mut plain) = (Logs::default(), Plain::default());
        let frame = |n: usize| format!("at org.example.Pool.take{n}(Pool.java:{n})");
        let refused = "java.net.ConnectException: Connection refused";
        for text in (0..3 * SLOTS).map(frame).chain([refused.to_string(), refused.to_string(), frame(7), String::new()]) {
            tell(&mut logs, 0, None, "", &text, &mut plain);
        }
        assert!(plain.has(frame(7).as_bytes()) && !plain.has(refused.as_bytes()));
        assert_eq!(logs.sightings.iter().map(|s| s.count).sum::<u64>(), 2);
        assert!(plain.0.len() == SLOTS);
    }

    #[test]
    fn a_log_in_several_copies_is_counted_once() {
        let mut logs = Logs::default();
        let mut tell = |member, pid, second: u32, digits: &str| {
            let time = format!("2026-11-28T10:00:{second:02}{digits}Z");
            tell(&mut logs, member, pid, &time, "dial tcp 10.20.9.80:4222: connect: connection refused", &mut Plain::default());
        };
        for second in 0..9 {
            tell(0, None, second, "");
            tell(1, None, second, ".000000001");
            tell(2, Some(17), second, ".5");
            // Another process that says the same a little later.
            tell(3, None, second + 1, "");
        }
        logs.seal();
        let counts: Vec<_> = logs.sightings.iter().map(|s| (s.pid, s.count)).collect();
        assert_eq!(counts, [(None, 18), (Some(17), 9)]);
    }

    #[test]
    fn copies_of_which_one_names_the_process() {
        let mut logs = Logs::default();
        for pid in [None, Some(17)] {
            for n in 0..3 {
                let text = format!("dial tcp 10.20.9.80:4222: connect: connection refused, attempt {n}");
                tell(&mut logs, pid.unwrap_or(0), pid, "10:00:00", &text, &mut Plain::default());
            }
        }
        logs.seal();
        assert_eq!(logs.sightings.iter().map(|s| (s.pid, s.count)).collect::<Vec<_>>(), [(Some(17), 3)]);
    }
}
