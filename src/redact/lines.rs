//! Writes one line again, in the manner of the format that read it.

use super::logs;
use super::mask::{Manner, Masks, TABLE, runs};
use super::names::is_letter;
use super::spans::Part;
use super::words::{self, has};
use super::{find, hex, strace};
use crate::formats::{Taken, by_id, prompt};
use crate::signatures::Signatures;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// A line as it was read.
pub struct Line<'a> {
    /// The format that read it.
    pub format: &'static str,
    /// What became of it.
    pub taken: Taken,
    /// Its text.
    pub text: &'a [u8],
    /// Its parts.
    pub parts: &'a [(Range<usize>, Part)],
    /// What its message says, where it is one.
    pub message: Option<&'a [u8]>,
}

/// The words of a signature's pattern, by its id.
pub type Vocabularies = BTreeMap<String, Rc<BTreeSet<String>>>;

/// What lines are written with.
pub struct Writer<'a> {
    /// What replaces.
    pub masks: &'a mut Masks,
    /// Signatures whose lines must stay recognisable.
    pub signatures: &'a Signatures,
    /// The words of those met so far.
    pub vocabularies: &'a mut Vocabularies,
}

impl Writer<'_> {
    /// The line as it may be shown.
    pub fn line(&mut self, line: &Line<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.text.len() + 16);
        if line.taken != Taken::Row && prompt::command(line.text).is_some() {
            self.command(line.text, &mut out);
            return out;
        }
        match line.format {
            "proc-net-tcp" => return hex::line(line.text, self.masks),
            "strace" => strace::line(line.text, self.masks, &mut out),
            "log" if line.taken == Taken::Noise && self.field_of_record(line.text, &mut out) => {}
            "log" | "dmesg" => return logs::line(line, self),
            "systemctl" if line.message.is_some() => return logs::line(line, self),
            "systemctl" | "docker-ps" | "unit-file" => self.parts(line, listing(), &mut out),
            "jstack" | "goroutines" => frame(line.text, self.masks, &mut out),
            // What these say of a process is told only when they are over, so that it is no part of a line.
            "comm" => self.masks.command(line.text, &mut out),
            "status" if line.text.starts_with(b"Name:") => {
                let name = line.text.get(5..).unwrap_or(b"").trim_ascii();
                out.extend_from_slice(b"Name:\t");
                self.masks.command(name, &mut out);
            }
            // What a tool complains of may be anything, and nothing is read from it.
            "stderr" => out.extend(line.text.iter().map(|b| if b.is_ascii_whitespace() { *b } else { b'x' })),
            "cmdline" => self.masks.cmdline(line.text, &mut out),
            "hostname" => self.parts(line, Manner { words: Some(&|_| false), kind: "host name", split: false }, &mut out),
            "netstat" | "ss" => {
                self.parts(line, Manner { split: true, ..TABLE }, &mut out);
                out = aligned(line.text, &out);
            }
            "tally" => self.label(line.text, &mut out),
            "lsof" if is_field(line.text) => {
                self.fields(line.text, &mut out);
                return out;
            }
            "fd" => self.listing_of_descriptors(line, &mut out),
            _ => self.parts(line, TABLE, &mut out),
        }
        if matches!(line.format, "lsof" | "ps" | "conntrack") {
            out = aligned(line.text, &out);
        }
        out
    }

    /// A field of an exported journal: what is read of it stays, or is named anew; of any other only its name. `false` if it is none.
    fn field_of_record(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let Some((key, value)) = memchr::memchr(b'=', text).and_then(|at| text.split_at_checked(at)) else { return false };
        if key.is_empty() || !key.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_') {
            return false;
        }
        out.extend_from_slice(key);
        out.push(b'=');
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"__REALTIME_TIMESTAMP" | b"PRIORITY" | b"_PID" => out.extend_from_slice(value),
            b"SYSLOG_IDENTIFIER" | b"_COMM" => self.masks.command(value, out),
            _ => out.push(b'x'),
        }
        true
    }

    /// Parts by what they are, and in a manner what stands between them.
    pub fn parts(&mut self, line: &Line<'_>, manner: Manner<'_>, out: &mut Vec<u8>) {
        let mut at = 0;
        for (range, part) in line.parts {
            self.between(line.text, at..range.start, manner, out);
            let text = line.text.get(range.clone()).unwrap_or(b"");
            match part {
                Part::Kept => out.extend_from_slice(text),
                Part::Command => self.masks.command(text, out),
                Part::User => self.name(text, "user name", out),
                Part::Host => self.name(text, "host name", out),
                Part::Cmdline => self.masks.cmdline(text, out),
                Part::Title => self.title(text, out),
                Part::Text => self.masks.text(text, manner, out),
            }
            at = range.end;
        }
        self.between(line.text, at..line.text.len(), manner, out);
    }

    fn between(&mut self, text: &[u8], range: Range<usize>, manner: Manner<'_>, out: &mut Vec<u8>) {
        if let Some(text) = text.get(range) {
            self.masks.text(text, manner, out);
        }
    }

    /// A user or a host; addresses that a tool cut short are no names.
    fn name(&mut self, text: &[u8], kind: &'static str, out: &mut Vec<u8>) {
        if (0..text.len()).any(|at| find::address(text, at, false).is_some()) {
            self.masks.text(text, TABLE, out);
        } else {
            self.masks.name(text, kind, out);
        }
    }

    /// What a descriptor or a socket is called.
    fn title(&mut self, text: &[u8], out: &mut Vec<u8>) {
        // Abstract sockets have an `@` and no slash.
        if let Some(name) = text.strip_prefix(b"@") {
            out.push(b'@');
            let end = name.iter().position(u8::is_ascii_whitespace).unwrap_or(name.len());
            let (name, rest) = name.split_at_checked(end).unwrap_or((name, b""));
            self.masks.path(name, out);
            return self.masks.text(rest, TABLE, out);
        }
        // A path may have blanks; what tools say behind one is in parentheses or has an equals sign.
        if text.starts_with(b"/") {
            let said = [&b" ("[..], b" type="].iter().filter_map(|mark| memchr::memmem::find(text, mark)).min().unwrap_or(text.len());
            let (path, rest) = text.split_at_checked(said).unwrap_or((text, b""));
            self.masks.path(path, out);
            return self.masks.text(rest, TABLE, out);
        }
        self.masks.text(text, TABLE, out);
    }

    /// A prompt and its command.
    fn command(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let commands = std::mem::take(&mut self.masks.commands);
        let hidden = self.masks.hide_commands;
        let keep = |w: &[u8]| has(&words::COMMANDS, w) || w.len() < 2 || !hidden && commands.contains(w);
        // Options and what awk is told stay; only words of letters are looked at.
        for part in runs(text, |b| b == b' ') {
            if part.starts_with(b"-") || part.iter().any(|b| matches!(b, b'$' | b'{' | b'}' | b'+')) && !part.contains(&b'@') {
                self.masks.text(part, TABLE, out);
            } else {
                self.masks.text(part, Manner { words: Some(&keep), kind: "argument", split: false }, out);
            }
        }
        self.masks.commands = commands;
    }

    /// The label of a count: a state or a program stays, a peer does not.
    fn label(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for part in runs(text, |b| b == b' ' || b == b'\t') {
            let dotted = part.contains(&b'.') && part.iter().any(|b| is_letter(*b));
            let start = out.len();
            self.masks.text(part, Manner { split: true, ..TABLE }, out);
            // A name with dots is a host.
            if dotted && !part.contains(&b'/') && out.get(start..) == Some(part) {
                out.truncate(start);
                self.masks.name(part, "host name", out);
            }
        }
    }

    /// Fields of `lsof -F`, each behind its letter: `cjava`, `Lapps`, `n/home/apps/secret.log`.
    fn fields(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for part in runs(text, |b| b == 0) {
            let Some((&id, value)) = part.split_first() else { continue };
            if id == 0 {
                out.extend_from_slice(part);
                continue;
            }
            out.push(id);
            match id {
                b'c' | b'M' => self.masks.command(value, out),
                b'L' => self.name(value, "user name", out),
                b'n' => self.title(value, out),
                _ => self.masks.text(value, TABLE, out),
            }
        }
    }

    /// `lrwx------ 1 USER GROUP 64 Nov 22 14:53 0 -> TARGET`: the group is not in the facts.
    fn listing_of_descriptors(&mut self, line: &Line<'_>, out: &mut Vec<u8>) {
        let mut parts = line.parts.to_vec();
        if let Some((user, _)) = parts.iter().find(|(_, p)| *p == Part::User).cloned()
            && let Some(rest) = line.text.get(user.end..)
        {
            let blanks = rest.iter().take_while(|b| **b == b' ').count();
            let len = rest.iter().skip(blanks).take_while(|b| **b != b' ').count();
            let group = user.end + blanks..user.end + blanks + len;
            if line.text.get(group.clone()).is_some_and(|g| g.iter().any(|b| is_letter(*b)))
                && parts.iter().all(|(r, _)| r.end <= group.start || r.start >= group.end)
            {
                parts.push((group, Part::User));
                parts.sort_by_key(|(r, _)| r.start);
            }
        }
        self.parts(&Line { parts: &parts, ..*line }, TABLE, out);
    }
}

/// Whether a line of lsof is fields of `-F`: it is no row, header or message of the table.
fn is_field(text: &[u8]) -> bool {
    let table = || by_id("lsof").is_some_and(|lsof| lsof.opens(text));
    text.first().is_some_and(u8::is_ascii_alphabetic) && (memchr::memchr(0, text).is_some() || !table())
}

fn listing() -> Manner<'static> {
    Manner { words: Some(&|w| w.len() < 2 || has(&words::LISTINGS, w) || has(&words::ENDINGS, w)), kind: "listing", split: false }
}

/// A line of a thread dump: frames of libraries that everybody has stay.
fn frame(text: &[u8], masks: &mut Masks, out: &mut Vec<u8>) {
    let body = text.trim_ascii_start();
    let body = body.strip_prefix(b"at ").or_else(|| body.strip_prefix(b"created by ")).unwrap_or(body);
    let held = memchr::memmem::find(body, b"(a ").is_some();
    let library = |b: &[u8]| words::PACKAGES.iter().any(|p| b.starts_with(p.as_bytes()));
    let manner = Manner {
        words: Some(&|w| w.len() < 2 || has(&words::LISTINGS, w) || has(&words::ENDINGS, w) || w.starts_with(b"0x")),
        kind: "frame",
        split: false,
    };
    if library(body) || held && memchr::memmem::find(body, b"(a java.").is_some() {
        masks.text(text, TABLE, out);
    } else {
        masks.text(text, manner, out);
    }
}

/// The new line with the columns of the old one: what a replacement is longer or shorter is taken from, or given to, the blanks behind it.
fn aligned(old: &[u8], new: &[u8]) -> Vec<u8> {
    let blank = |b: u8| b == b' ';
    let (old_runs, new_runs): (Vec<_>, Vec<_>) = (runs(old, blank).collect(), runs(new, blank).collect());
    if old.len() == new.len() || old_runs.len() != new_runs.len() {
        return new.to_vec();
    }
    let mut out = Vec::with_capacity(new.len().max(old.len()));
    let mut debt = 0isize;
    for (old, new) in old_runs.iter().zip(&new_runs) {
        if new.first() == Some(&b' ') {
            let room = isize::try_from(new.len()).unwrap_or(0);
            // One blank stays; a single one is not widened by what a longer word took before.
            let width = (room - debt).max(1);
            debt -= room - width;
            out.extend(std::iter::repeat_n(b' ', usize::try_from(width).unwrap_or(1)));
        } else {
            debt += isize::try_from(new.len()).unwrap_or(0) - isize::try_from(old.len()).unwrap_or(0);
            out.extend_from_slice(new);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_stay() {
        for (old, new, want) in [
            ("10.0.0.5:80    ESTAB", "10.200.0.5:80    ESTAB", "10.200.0.5:80  ESTAB"),
            ("10.100.0.5:80  ESTAB", "10.1.0.5:80  ESTAB", "10.1.0.5:80    ESTAB"),
            ("a b c", "aaa b c", "aaa b c"),
            ("a b    c", "aaa b    c", "aaa b  c"),
        ] {
            assert_eq!(aligned(old.as_bytes(), new.as_bytes()), want.as_bytes(), "{old}");
        }
    }
}
