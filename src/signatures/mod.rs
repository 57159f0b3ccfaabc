//! Log signatures: lines that name a cause, a symptom or a circumstance, as data.
//!
//! The files beside this one are compiled in. An entry holds a pattern, what it means, the codes of causes and look-alikes it speaks
//! for, and lines that must and must not match, which the tests try. `--config` adds entries of the same form.
//!
//! Patterns are regular expressions over bytes, without regard to case. Named groups tell what a line names: `addr` (host and port),
//! `host`, `port`, `broker`, `interval`, `attempt`, `count`, `limit`, `errno`. `(?&addr)`, `(?&host)`, `(?&port)`, `(?&broker)`,
//! `(?&interval)` and `(?&attempt)` stand for groups of the usual shape. Where a cause's pattern names no peer, the address that
//! stands nearest to it in the line is taken.
//!
//! Of several that match, a cause goes before a symptom and that before a circumstance; then the earlier one, and the files of
//! technologies, which name peers and brokers in their own ways, come before those of the general errors.

mod endpoint;
mod load;
mod needles;
#[cfg(test)]
mod tests;
mod trigrams;

use needles::Needles;
use regex::bytes::{Captures, Regex};
use std::sync::OnceLock;

/// The files, in the order in which equals are preferred.
const FILES: &[(&str, &str)] = &[
    ("java.yaml", include_str!("java.yaml")),
    ("go.yaml", include_str!("go.yaml")),
    ("python.yaml", include_str!("python.yaml")),
    ("node.yaml", include_str!("node.yaml")),
    ("proxies.yaml", include_str!("proxies.yaml")),
    ("databases.yaml", include_str!("databases.yaml")),
    ("kernel.yaml", include_str!("kernel.yaml")),
    ("limits.yaml", include_str!("limits.yaml")),
    ("network.yaml", include_str!("network.yaml")),
];

/// How much of a message is searched, in bytes. What names a cause stands in front; longer lines are dumps.
const SEARCHED: usize = 2 << 10;

/// A set of signatures. The built-in ones are read when the first line of a log comes: most captures hold none.
#[derive(Debug)]
pub struct Signatures {
    loaded: OnceLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    list: Vec<Signature>,
    needles: Needles,
}

/// One signature.
#[derive(Debug)]
pub struct Signature {
    /// Its name, unique among all.
    pub id: String,
    /// What it recognises, in a few words.
    pub title: String,
    /// What a line of the kind says about the host.
    pub means: String,
    /// The causes and look-alikes it speaks for, the likeliest first.
    pub points_to: Vec<String>,
    /// How near it is to the cause.
    pub weight: Weight,
    /// Where it is documented.
    pub reference: String,
    /// The file it comes from.
    pub file: String,
    source: String,
    pattern: OnceLock<Option<Regex>>,
    examples: load::Examples,
}

/// How near to the cause a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// A circumstance: a reload, a retry.
    Context,
    /// What follows from the cause: `Too many open files`.
    Symptom,
    /// Why connections or descriptors go wrong: an endpoint that fails, a leak detector.
    Cause,
}

/// A signature found in a message, with what the message names.
#[derive(Clone, Debug)]
pub struct Sighting<'s> {
    /// The signature.
    pub signature: &'s Signature,
    /// The peer: `10.0.0.5:9092`, a host, or `broker 5`.
    pub endpoint: Option<String>,
    /// The broker's number, where a message tells it.
    pub broker: Option<String>,
    /// The number of the attempt.
    pub attempt: Option<u64>,
    /// The pause or time limit it tells, in seconds.
    pub interval_s: Option<f64>,
    /// The error's number.
    pub errno: Option<i64>,
}

/// The last peer that a text names, by its address and port.
pub fn endpoint_in(text: &[u8]) -> Option<String> {
    endpoint::nearest(text, text.len(), text.len())
}

impl Signatures {
    /// The signatures that are compiled in.
    pub fn builtin() -> &'static Signatures {
        static BUILTIN: Signatures = Signatures { loaded: OnceLock::new() };
        &BUILTIN
    }

    /// Those and the ones of a file of the same form, which go first among equals.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) with the line of the entry that is wrong: a misspelt key, a pattern that is no
    /// regular expression or too large, a code that does not exist, an id that is taken.
    pub fn with_extra(yaml: &str, file: &str) -> Result<Signatures, crate::error::Error> {
        let mut list = load::signatures(yaml, file, false)?;
        for (name, builtin) in FILES {
            list.extend(load::signatures(builtin, name, true)?);
        }
        load::check_unique(&list, yaml, file)?;
        Ok(Signatures { loaded: OnceLock::from(Loaded::of(list)) })
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| {
            Loaded::of(FILES.iter().flat_map(|(file, yaml)| load::signatures(yaml, file, true).unwrap_or_default()).collect())
        })
    }

    /// All signatures, in the order in which equals are preferred.
    pub fn all(&self) -> &[Signature] {
        &self.loaded().list
    }

    /// The signature with this id.
    pub fn by_id(&self, id: &str) -> Option<&Signature> {
        self.all().iter().find(|s| s.id == id)
    }

    /// The words, in lower case, that one signature's pattern consists of: a line that it recognises has them in common with everybody's.
    pub fn vocabulary(&self, id: &str) -> std::collections::BTreeSet<String> {
        let mut words = std::collections::BTreeSet::new();
        let source = self.by_id(id).map_or("", |s| s.source.as_str());
        // What follows a backslash is no letter of a word.
        let plain: String = source
            .split('\\')
            .enumerate()
            .map(|(i, part)| if i == 0 { part } else { part.get(1..).unwrap_or("") })
            .fold(String::new(), |out, part| out + " " + part);
        words.extend(plain.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() > 1).map(str::to_ascii_lowercase));
        words
    }

    /// The signature that says most about a message, with what the message names.
    pub fn find(&self, text: &[u8]) -> Option<Sighting<'_>> {
        let text = text.get(..SEARCHED).unwrap_or(text);
        self.best(text, |signature| signature.sight(text))
    }

    /// The id of the signature that says most about a message.
    pub fn id_of(&self, text: &[u8]) -> Option<&str> {
        let text = text.get(..SEARCHED).unwrap_or(text);
        self.best(text, |signature| signature.is_match(text).then_some(signature.id.as_str()))
    }

    /// Tries the signatures that may match, causes first.
    fn best<'s, T>(&'s self, text: &[u8], tried: impl Fn(&'s Signature) -> Option<T>) -> Option<T> {
        let loaded = self.loaded();
        let matched = loaded.needles.candidates(text);
        [Weight::Cause, Weight::Symptom, Weight::Context].into_iter().find_map(|weight| {
            let candidates = matched.iter().filter_map(|&i| loaded.list.get(i));
            candidates.filter(|s| s.weight == weight).find_map(&tried)
        })
    }
}

impl Loaded {
    fn of(list: Vec<Signature>) -> Loaded {
        let needles = Needles::of(list.iter().map(|s| load::written_out(&s.source)));
        Loaded { list, needles }
    }
}

impl Signature {
    /// The pattern as it is compiled, its shapes written out.
    pub fn pattern(&self) -> &str {
        &self.source
    }

    /// A line that it matches, if the file gives one.
    pub fn example(&self) -> Option<&str> {
        self.examples.matches.first().map(load::Match::line)
    }

    /// Whether it matches a message.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    fn regex(&self) -> Option<&Regex> {
        self.pattern.get_or_init(|| load::compile(&self.source).ok()).as_ref()
    }

    /// Reads what a message names; `None` if it does not match.
    fn sight(&self, text: &[u8]) -> Option<Sighting<'_>> {
        let found = self.regex()?.captures(text)?;
        let mut sighting = Sighting { signature: self, endpoint: None, broker: None, attempt: None, interval_s: None, errno: None };
        let group = |name: &str| text_of(&found, name);
        sighting.broker = group("broker");
        sighting.attempt = group("attempt").and_then(|t| t.parse().ok()).or_else(|| endpoint::attempt(text));
        sighting.interval_s = group("interval").and_then(|t| endpoint::seconds(&t));
        sighting.errno = group("errno").and_then(|t| t.parse().ok());
        sighting.endpoint = group("addr")
            .map(|addr| endpoint::tidy(&addr))
            .or_else(|| match (group("host"), group("port")) {
                (Some(host), Some(port)) => Some(format!("{host}:{port}")),
                // A port of this host, as the kernel names it.
                (None, Some(port)) => Some(format!("port {port}")),
                (host, _) => host,
            })
            .or_else(|| {
                let whole = found.get(0).filter(|_| self.weight == Weight::Cause)?;
                endpoint::nearest(text, whole.start(), whole.end())
            })
            .or_else(|| sighting.broker.as_ref().map(|broker| format!("broker {broker}")));
        Some(sighting)
    }
}

fn text_of(found: &Captures<'_>, name: &str) -> Option<String> {
    found.name(name).map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned()).filter(|t| !t.is_empty())
}
