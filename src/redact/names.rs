//! Words for words: keyed, of the same length, capitals kept where they were.
//!
//! A word is a run of letters; digits and marks between words stay, so that `web-01.example` and `web-02.example` become two hosts of
//! one domain. Host and user names are learned before anything is written: they are replaced wherever they stand, and no two of them
//! become the same.

use super::key::Key;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// Names that every host has; they tell nothing.
const COMMON: &[&str] = &[
    "root",
    "nobody",
    "daemon",
    "bin",
    "sys",
    "localhost",
    "localdomain",
    "ip6-localhost",
    "ip6-loopback",
    "none",
    "unknown",
    "all",
    "any",
    "tcp",
    "tcp6",
    "udp",
    "udp6",
    "unix",
    "linux",
    "socket",
    "sockets",
];
/// Domains at the top that stay.
const TOP: &[&str] =
    &["local", "localdomain", "internal", "com", "net", "org", "io", "example", "test", "invalid", "arpa", "svc", "cluster"];

/// The mapping of one key.
#[derive(Debug)]
pub struct Names {
    key: Key,
    /// Whole names, in lower case.
    learned: FxHashSet<Vec<u8>>,
    /// Their words, each with the one that stands for it.
    words: FxHashMap<Vec<u8>, Vec<u8>>,
}

impl Names {
    /// The mapping of this key; nothing is learned yet.
    pub fn new(key: Key) -> Self {
        Names { key, learned: FxHashSet::default(), words: FxHashMap::default() }
    }

    /// Learns names, in sorted order, so that the same names get the same replacements.
    pub fn learn(&mut self, names: &BTreeSet<Vec<u8>>) {
        let mut taken: FxHashSet<Vec<u8>> = FxHashSet::default();
        for name in names {
            let lower = name.to_ascii_lowercase();
            if is_common(&lower) || !lower.iter().any(|b| is_letter(*b)) {
                continue;
            }
            let labels: Vec<&[u8]> = lower.split(|&b| b == b'.').collect();
            for (i, label) in labels.iter().enumerate() {
                if i > 0 && is_top(label) {
                    continue;
                }
                for word in label.split(|b| !is_letter(*b)).filter(|w| !w.is_empty()) {
                    if !self.words.contains_key(word) {
                        let fresh = (0..200u8).map(|salt| self.made(word, salt)).find(|w| !taken.contains(w) && w != word);
                        let fresh = fresh.unwrap_or_else(|| self.made(word, 0));
                        taken.insert(fresh.clone());
                        self.words.insert(word.to_vec(), fresh);
                    }
                }
            }
            if let Some(first) = labels.first().filter(|l| labels.len() > 1 && l.len() > 2 && !is_common(l)) {
                self.learned.insert(first.to_vec());
            }
            self.learned.insert(lower);
        }
    }

    /// Whether this is a host or user name that was learned.
    pub fn knows(&self, token: &[u8]) -> bool {
        !token.is_empty() && self.learned.contains(token.to_ascii_lowercase().as_slice())
    }

    /// Whether a token with dots is a learned name with a domain behind it, or in front of it.
    pub fn knows_within(&self, token: &[u8]) -> bool {
        token.split(|&b| b == b'.').any(|label| label.len() > 2 && self.knows(label)) && memchr::memchr(b'.', token).is_some()
    }

    /// What stands for a name: each of its words replaced, its domains at the top kept.
    pub fn name(&self, name: &[u8]) -> Vec<u8> {
        if is_common(&name.to_ascii_lowercase()) {
            return name.to_vec();
        }
        let mut out = Vec::with_capacity(name.len());
        for (i, label) in name.split(|&b| b == b'.').enumerate() {
            if i > 0 {
                out.push(b'.');
            }
            if i > 0 && is_top(&label.to_ascii_lowercase()) {
                out.extend_from_slice(label);
            } else {
                self.words_of(label, &mut out);
            }
        }
        out
    }

    /// Each run of letters replaced, the rest kept.
    pub fn words_of(&self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(&first) = rest.first() {
            let inside = is_letter(first);
            let end = rest.iter().position(|b| is_letter(*b) != inside).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
            if inside {
                self.word(run, out)
            } else {
                out.extend_from_slice(run)
            }
            rest = after;
        }
    }

    /// What stands for one word.
    pub fn word(&self, word: &[u8], out: &mut Vec<u8>) {
        let lower = word.to_ascii_lowercase();
        let made = match self.words.get(&lower) {
            Some(known) => known.clone(),
            None => {
                let made = self.made(&lower, 0);
                if made == lower { self.made(&lower, 1) } else { made }
            }
        };
        out.extend(made.iter().zip(word).map(|(new, old)| if old.is_ascii_uppercase() { new.to_ascii_uppercase() } else { *new }));
    }

    /// A process name: each letter depends on those before it only, because tools cut such names at 9, 15 or other lengths.
    pub fn command(&self, name: &[u8], out: &mut Vec<u8>) {
        for (i, &b) in name.iter().enumerate() {
            let front = name.get(..=i).unwrap_or(b"");
            let random = self.key.digest(b"command", front).first().map_or(0, |r| r % 26);
            out.push(if is_letter(b) { b'a' + random } else { b });
        }
    }

    /// Digits for digits, and hexadecimal letters for such letters.
    pub fn figures(&self, text: &[u8], out: &mut Vec<u8>) {
        let bytes = self.stream(b"figures", text);
        for (i, b) in text.iter().enumerate() {
            let random = bytes.get(i).copied().unwrap_or(0);
            out.push(match b {
                // No figure begins with a zero that did not before.
                b'0'..=b'9' if i == 0 => b'1' + random % 9,
                b'0'..=b'9' => b'0' + random % 10,
                b'a'..=b'f' => b'a' + random % 6,
                b'A'..=b'F' => b'A' + random % 6,
                other => *other,
            });
        }
    }

    fn made(&self, word: &[u8], salt: u8) -> Vec<u8> {
        const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
        const VOWELS: &[u8; 5] = b"aeiou";
        let mut data = vec![salt];
        data.extend_from_slice(word);
        let bytes = self.stream(b"word", &data);
        (0..word.len())
            .map(|i| {
                let random = usize::from(bytes.get(i).copied().unwrap_or(0));
                let letter = if i % 2 == 0 { CONSONANTS.get(random % 16) } else { VOWELS.get(random % 5) };
                letter.copied().unwrap_or(b'x')
            })
            .collect()
    }

    /// As many bytes as the data has, and some more.
    fn stream(&self, purpose: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = self.key.digest(purpose, data).to_vec();
        while bytes.len() < data.len() {
            let next = self.key.digest(purpose, &bytes);
            bytes.extend_from_slice(&next);
        }
        bytes
    }
}

/// Letters of any script: bytes beyond ASCII are parts of them.
pub fn is_letter(b: u8) -> bool {
    b.is_ascii_alphabetic() || b >= 0x80
}

/// Whether a name in lower case is one that every host has.
pub fn is_common(lower: &[u8]) -> bool {
    lower.len() < 2 || COMMON.iter().any(|c| c.as_bytes() == lower) || lower.starts_with(b"localhost.")
}

fn is_top(lower: &[u8]) -> bool {
    TOP.iter().any(|t| t.as_bytes() == lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(learned: &[&str]) -> Names {
        let mut names = Names::new(Key::of("k"));
        names.learn(&learned.iter().map(|n| n.as_bytes().to_vec()).collect());
        names
    }

    fn shown(names: &Names, name: &str) -> String {
        String::from_utf8(names.name(name.as_bytes())).expect("letters and marks")
    }

    #[test]
    fn shapes_and_relations_stay() {
        let names = names(&["web-01.acme.com", "web-02.acme.com", "apps"]);
        let (one, two) = (shown(&names, "web-01.acme.com"), shown(&names, "web-02.acme.com"));
        assert_eq!(one.len(), "web-01.acme.com".len());
        assert!(one.ends_with(".com") && !one.contains("web") && !one.contains("acme"));
        assert_eq!(one.replace("-01", "-02"), two);
        assert_eq!(shown(&names, "WEB-01"), one[..6].to_uppercase());
        assert_eq!(shown(&names, "localhost"), "localhost");
        assert!(names.knows(b"web-01") && names.knows(b"Apps") && !names.knows(b"web"));
        assert!(names.knows_within(b"web-01.other") && !names.knows_within(b"other.web"));
    }

    #[test]
    fn learned_names_stay_apart() {
        let all: Vec<String> =
            (b'a'..=b'z').flat_map(|a| (b'a'..=b'z').step_by(9).map(move |b| format!("{}{}", a as char, b as char))).collect();
        let names = names(&all.iter().map(String::as_str).collect::<Vec<_>>());
        let mapped: BTreeSet<String> = all.iter().map(|n| shown(&names, n)).collect();
        assert!(mapped.len() * 10 > all.len() * 7, "two letters make 80 words, of 78 names {} differ", mapped.len());
    }

    #[test]
    fn long_words_and_figures() {
        let names = names(&[]);
        let long = "a".repeat(100);
        assert_eq!(shown(&names, &long).len(), 100);
        let mut out = Vec::new();
        names.figures(b"647469e39f72", &mut out);
        assert_eq!(out.len(), 12);
        assert!(out.iter().all(u8::is_ascii_hexdigit) && out != b"647469e39f72");
    }
}
