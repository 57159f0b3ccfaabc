//! Replaces what stands in a text: addresses, paths, names and, where asked, every word that is not known to be harmless.

use super::addresses::Addresses;
use super::find::{self, Found};
use super::key::Key;
use super::names::{Names, is_letter};
use super::words::{self, has};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// How long a number may be that stays where words are replaced: ports, pids and attempts are short, what identifies people is not.
const SHORT_NUMBER: usize = 6;

/// Everything that replaces, and what was replaced so far.
#[derive(Debug)]
pub struct Masks {
    /// Addresses.
    pub addresses: Addresses,
    /// Words and names.
    pub names: Names,
    /// Names of processes, which stay in paths too.
    pub commands: FxHashSet<Vec<u8>>,
    /// Whether names of processes are replaced as well.
    pub hide_commands: bool,
    /// Replacements by kind.
    pub replaced: BTreeMap<&'static str, u64>,
}

/// Whether a word stays.
pub type Keep<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// How a text is treated.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// Words that stay, where all others are replaced; `None` keeps all words but learned names.
    pub words: Option<&'a Keep<'a>>,
    /// What a replaced word counts as.
    pub kind: &'static str,
    /// Whether IPv6 addresses without brackets have a port behind them.
    pub split: bool,
}

/// Only addresses, paths and learned names are replaced.
pub const TABLE: Manner<'static> = Manner { words: None, kind: "name", split: false };

impl Masks {
    /// Nothing is learned and nothing replaced yet.
    pub fn new(key: &Key, hide_commands: bool) -> Self {
        Masks {
            addresses: Addresses::new(key.clone()),
            names: Names::new(key.clone()),
            commands: FxHashSet::default(),
            hide_commands,
            replaced: BTreeMap::new(),
        }
    }

    /// Counts a replacement.
    pub fn count(&mut self, kind: &'static str) {
        *self.replaced.entry(kind).or_default() += 1;
    }

    /// A text.
    pub fn text(&mut self, text: &[u8], manner: Manner<'_>, out: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let before = at.checked_sub(1).and_then(|i| text.get(i)).copied().unwrap_or(b' ');
            if let Some(len) = self.address(text, at, manner.split, out) {
                at += len;
            } else if byte == b'/'
                && !before.is_ascii_alphanumeric()
                && !matches!(before, b'/' | b'.' | b'_' | b'-')
                && text.get(at + 1) != Some(&b'/')
            {
                let rest = text.get(at..).unwrap_or(b"");
                let len = path_len(rest);
                // `kafka/10.0.0.5` and `/10.0.0.5:80` are no paths.
                if len > 1 && find::address(rest, 1, false).is_none() {
                    self.path(rest.get(..len).unwrap_or(b""), out)
                } else {
                    out.push(byte)
                }
                at += if len > 1 && find::address(rest, 1, false).is_none() { len } else { 1 };
            } else if is_word(byte) {
                let rest = text.get(at..).unwrap_or(b"");
                let len = token_len(rest, before, manner.split);
                self.token(rest.get(..len).unwrap_or(b""), text.get(at + len).copied(), before, manner, out);
                at += len;
            } else {
                out.push(byte);
                at += 1;
            }
        }
    }

    /// The address at this place, if there is one: writes what stands for it and tells its length.
    fn address(&mut self, text: &[u8], at: usize, split: bool, out: &mut Vec<u8>) -> Option<usize> {
        match find::address(text, at, split)? {
            Found::V4(address, mark, len) => {
                let shown = self.addresses.v4(address).to_string();
                out.extend(shown.bytes().map(|b| if b == b'.' { mark } else { b }));
                self.count("address");
                Some(len)
            }
            Found::V6(address, full, len) => {
                let mapped = self.addresses.v6(address);
                // What does not change stays as it was spelled.
                if mapped == address {
                    out.extend_from_slice(text.get(at..at + len).unwrap_or(b""));
                } else {
                    out.extend_from_slice(spelled(mapped, full).as_bytes());
                    self.count("address");
                }
                Some(len)
            }
            Found::Hardware(len) => {
                let mut fresh = Vec::new();
                self.names.figures(text.get(at..at + len).unwrap_or(b""), &mut fresh);
                out.extend_from_slice(&fresh);
                self.count("hardware address");
                Some(len)
            }
        }
    }

    /// One token of letters, digits and the marks inside names.
    fn token(&mut self, token: &[u8], after: Option<u8>, before: u8, manner: Manner<'_>, out: &mut Vec<u8>) {
        let mail = after == Some(b'@') || before == b'@';
        if self.names.knows(token) || self.names.knows_within(token) || (mail && manner.words.is_none() && token.len() > 1) {
            return self.name(token, "name", out);
        }
        match manner.words {
            None => out.extend_from_slice(token),
            Some(keep) => {
                let start = out.len();
                self.words(token, keep, out);
                if out.get(start..) != Some(token) {
                    self.count(manner.kind);
                }
            }
        }
    }

    /// A host or user name.
    pub fn name(&mut self, name: &[u8], kind: &'static str, out: &mut Vec<u8>) {
        let fresh = self.names.name(name);
        if fresh != name {
            self.count(kind);
        }
        out.extend_from_slice(&fresh);
    }

    /// The words of a token that are not kept, and its long numbers.
    pub fn words(&mut self, token: &[u8], keep: &dyn Fn(&[u8]) -> bool, out: &mut Vec<u8>) {
        if !self.names.knows(token) && keep(token) {
            return out.extend_from_slice(token);
        }
        for part in runs(token, |b| is_letter(b) || b.is_ascii_digit()) {
            let lead = part.first().copied().unwrap_or(b' ');
            if !(is_letter(lead) || lead.is_ascii_digit()) {
                out.extend_from_slice(part);
                continue;
            }
            let known = self.names.knows(part);
            let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
            if !known && (keep(part) || part.starts_with(b"0x")) {
                out.extend_from_slice(part);
            } else if digits > 0 && part.len() >= 8 && part.iter().all(u8::is_ascii_hexdigit) {
                self.names.figures(part, out);
            } else {
                for run in runs(part, is_letter) {
                    match run.first() {
                        Some(b) if is_letter(*b) && (!known && keep(run) || is_symbols(run)) => out.extend_from_slice(run),
                        Some(b) if is_letter(*b) => self.names.word(run, out),
                        _ if run.len() > SHORT_NUMBER => self.names.figures(run, out),
                        _ => out.extend_from_slice(run),
                    }
                }
            }
        }
    }

    /// A path: what every host has stays, the rest is replaced component by component.
    pub fn path(&mut self, path: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        for (i, component) in path.split(|&b| b == b'/').enumerate() {
            if i > 0 {
                out.push(b'/');
            }
            self.component(component, out);
        }
        if out.get(start..) != Some(path) {
            self.count("path");
        }
    }

    fn component(&mut self, component: &[u8], out: &mut Vec<u8>) {
        if !self.names.knows(component) && (has(&words::PATHS, component) || self.is_command(component)) {
            return out.extend_from_slice(component);
        }
        let (stem, ending) = match memchr::memrchr(b'.', component) {
            Some(dot) if has(&words::ENDINGS, component.get(dot + 1..).unwrap_or(b"")) => {
                component.split_at_checked(dot).unwrap_or((component, b""))
            }
            _ => (component, &b""[..]),
        };
        let mut at = 0;
        while at < stem.len() {
            if let Some(len) = self.address(stem, at, false, out) {
                at += len;
                continue;
            }
            let rest = stem.get(at..).unwrap_or(b"");
            let len = rest.iter().position(|b| !(is_letter(*b) || b.is_ascii_digit())).unwrap_or(rest.len()).max(1);
            self.words(rest.get(..len).unwrap_or(b""), &|w| has(&words::PATHS, w) || has(&words::ENDINGS, w), out);
            at += len;
        }
        out.extend_from_slice(ending);
    }

    /// Whether a word names a process and may stay for it. The kernel cuts such names at 15 bytes.
    pub fn is_command(&self, word: &[u8]) -> bool {
        !self.hide_commands && (self.commands.contains(word) || (word.len() > 15 && self.commands.contains(word.get(..15).unwrap_or(word))))
    }

    /// The name of a process.
    pub fn command(&mut self, command: &[u8], out: &mut Vec<u8>) {
        if self.hide_commands {
            self.count("process name");
            self.hidden_command(command, out);
        } else {
            out.extend_from_slice(command);
        }
    }

    /// What stands for the name of a process where such names are hidden. Those of runtimes stay.
    pub fn hidden_command(&self, command: &[u8], out: &mut Vec<u8>) {
        let version = command.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        let stem = command.get(..command.len() - version).unwrap_or(command);
        if has(&words::RUNTIMES, stem) { out.extend_from_slice(command) } else { self.names.command(command, out) }
    }

    /// A command line: options stay, their values and all other arguments are replaced.
    pub fn cmdline(&mut self, line: &[u8], out: &mut Vec<u8>) {
        // A kernel thread, or a process that is gone.
        if line.starts_with(b"[") && line.contains(&b']') {
            return out.extend_from_slice(line);
        }
        let blank = |b: u8| b == b' ' || b == 0 || b == b'\t';
        for (i, part) in runs(line, blank).enumerate() {
            if part.first().is_some_and(|b| blank(*b)) {
                out.extend_from_slice(part);
            } else {
                self.argument(part, i == 0, out);
            }
        }
    }

    fn argument(&mut self, argument: &[u8], first: bool, out: &mut Vec<u8>) {
        let known = |word: &[u8]| has(&words::COMMANDS, word);
        let base = argument.rsplit(|&b| b == b'/').next().unwrap_or(argument);
        let stem = base.strip_suffix(b":").unwrap_or(base).trim_ascii_start();
        if first
            && !self.hide_commands
            && (known(stem) || self.is_command(stem) || self.is_command(stem.strip_prefix(b"-").unwrap_or(stem)))
        {
            let front = argument.get(..argument.len() - base.len()).unwrap_or(b"");
            self.path(front, out);
            return out.extend_from_slice(base);
        }
        if first && self.hide_commands {
            self.path(argument.get(..argument.len() - base.len()).unwrap_or(b""), out);
            return self.command(base, out);
        }
        if argument.starts_with(b"-") {
            let machine = argument.starts_with(b"-X") || argument.starts_with(b"-server");
            let cut = memchr::memchr(b'=', argument).map_or(argument.len(), |i| i + 1);
            let (option, value) = argument.split_at_checked(cut).unwrap_or((argument, b""));
            // `-Dname` and `-javaagent:path` hold words of their own.
            let plain = !option.contains(&b'/') && !option.contains(&b':') && !option.starts_with(b"-D") && option.len() <= 32;
            if machine && !option.contains(&b'/') || plain && !self.names.knows(option.trim_ascii_end()) {
                out.extend_from_slice(option);
            } else {
                out.push(b'-');
                self.text(
                    option.get(1..).unwrap_or(b""),
                    Manner { words: Some(&|w| w.len() < 2 || w == b"Djava"), kind: "argument", split: false },
                    out,
                );
            }
            return self.text(value, Manner { words: Some(&|w| w.len() < 2), kind: "argument", split: false }, out);
        }
        self.text(argument, Manner { words: Some(&|w| known(w) || has(&words::ENDINGS, w)), kind: "argument", split: false }, out);
    }
}

/// The runs of a text whose bytes are alike.
pub fn runs<'a>(text: &'a [u8], like: impl Fn(u8) -> bool + 'a) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = like(*rest.first()?);
        let end = rest.iter().position(|b| like(*b) != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(run)
    })
}

fn spelled(address: Ipv6Addr, full: bool) -> String {
    if !full {
        return address.to_string();
    }
    address.segments().iter().map(|g| format!("{g:04x}")).collect::<Vec<_>>().join(":")
}

/// `●`, `└─`, `…`: bytes beyond ASCII that are no letters.
fn is_symbols(run: &[u8]) -> bool {
    !run.is_ascii() && std::str::from_utf8(run).is_ok_and(|t| t.chars().all(|c| matches!(c, '\u{2010}'..='\u{2bff}')))
}

fn is_word(b: u8) -> bool {
    is_letter(b) || b.is_ascii_digit() || b == b'_'
}

/// How long a token is: words, joined by single marks that names have inside. It ends where an address begins.
fn token_len(text: &[u8], before: u8, split: bool) -> usize {
    let joins = |b: u8| matches!(b, b'.' | b'-');
    let mut len = 0;
    while let Some(&b) = text.get(len) {
        let next = text.get(len + 1).copied().unwrap_or(b' ');
        let starts = len > 0 && text.get(len - 1).is_some_and(|b| joins(*b) || is_letter(*b)) && b.is_ascii_digit();
        if starts && before != b'.' && matches!(find::address(text, len, split), Some(Found::V4(..))) {
            break;
        }
        if !(is_word(b) || joins(b) && is_word(next)) {
            break;
        }
        len += 1;
    }
    len.max(1)
}

fn path_len(text: &[u8]) -> usize {
    let ends = |b: &u8| {
        b.is_ascii_whitespace()
            || matches!(b, b'"' | b'\'' | b',' | b';' | b')' | b']' | b'>' | b'<' | b'|' | b'`' | b'}' | b'{' | b'*' | b'\\' | b'=' | 0)
    };
    let end = text.iter().position(ends).unwrap_or(text.len());
    // A colon parts paths of a list, and a path from what is said of it.
    text.get(..end).and_then(|t| memchr::memchr(b':', t)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks() -> Masks {
        let mut masks = Masks::new(&Key::of("k"), false);
        masks.names.learn(&["web-01", "apps", "db.acme.com"].iter().map(|n| n.as_bytes().to_vec()).collect());
        masks.commands.insert(b"java".to_vec());
        masks
    }

    fn table(text: &str) -> String {
        let mut out = Vec::new();
        masks().text(text.as_bytes(), TABLE, &mut out);
        String::from_utf8(out).expect("text")
    }

    fn cmdline(text: &str) -> String {
        let mut out = Vec::new();
        masks().cmdline(text.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_table_keeps_all_but_names_addresses_and_paths() {
        for text in [
            "TCP: inuse 27 orphan 0 tw 8",
            "socket:[5937067]",
            "1234/java",
            "/dev/null",
            "/proc/4684/fd:",
            "cgroup:/",
            "0.0.0.0:* 127.0.0.1:80 [::1]:22",
        ] {
            assert_eq!(table(text), text);
        }
        for (text, gone) in [
            ("x web-01 y", "web"),
            ("db.acme.com:5432", "acme"),
            ("db.acme.com.:5432", "acme"),
            ("/home/apps/secret.log", "secret"),
            ("/home/apps/secret.log", "apps"),
            ("tcp 10.20.5.15:9092", "10.20.5.15"),
            ("ip-10-20-5-15.ec2", "10-20-5-15"),
            ("ops@bastion", "bastion"),
            ("02:42:ac:11:00:02", "42:ac"),
        ] {
            let shown = table(text);
            assert!(!shown.contains(gone), "{text}: {shown}");
        }
        assert!(table("/home/apps/secret.log").starts_with("/home/") && table("/home/apps/secret.log").ends_with(".log"));
    }

    #[test]
    fn values_of_command_lines_go() {
        let shown = cmdline(
            "/usr/lib/jvm/java-17/bin/java -Xmx192m -cp /opt/acme/a.jar --password=hunter2 com.acme.agent.Main /etc/acme/agent.properties",
        );
        assert!(shown.starts_with("/usr/lib/jvm/java-17/bin/java -Xmx192m -cp /opt/"), "{shown}");
        for gone in ["acme", "hunter", "agent"] {
            assert!(!shown.contains(gone), "{gone}: {shown}");
        }
        assert!(shown.contains(" --password=") && shown.ends_with(".properties"), "{shown}");
        assert_eq!(cmdline("[kworker/0:1]"), "[kworker/0:1]");
    }
}
