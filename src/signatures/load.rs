//! Reads signature files, and says what is wrong with one and in which line.

use super::{Signature, Weight};
use crate::error::Error;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::sync::OnceLock;

/// The codes that `points_to` may name: the causes and look-alikes of the contract.
pub const CODES: &[&str] = &[
    "never-connected",
    "connect-failed-not-closed",
    "connect-stuck",
    "reset-not-closed",
    "shutdown-not-closed",
    "peer-closed-not-closed",
    "accept-not-closed",
    "idle-not-reaped",
    "pool-unbounded",
    "listener-not-closed",
    "udp-not-closed",
    "unix-not-closed",
    "netlink-not-closed",
    "packet-not-closed",
    "raw-not-closed",
    "selector-not-closed",
    "fd-inherited",
    "dup-not-closed",
    "in-flight",
    "owner-not-visible",
    "kernel-leak",
    "unknown",
    "time-wait-buildup",
    "port-exhaustion",
    "backlog-overflow",
    "syn-flood",
    "orphan-buildup",
    "tcp-memory",
    "busy-not-leaking",
    "fd-limit-too-low",
    "fd-limit-by-files",
    "system-file-limit",
    "threads-counted-as-files",
    "connect-burst",
    "accept-stalled",
    "process-hung",
    "conntrack-full",
    "foreign-namespace",
];

/// The longest pattern, in bytes.
const PATTERN: usize = 2000;
/// The size of one compiled pattern, in bytes.
const COMPILED: usize = 1 << 20;

/// What `(?&name)` stands for.
const SHAPES: &[(&str, &str)] = &[
    ("(?&addr)", r"(?P<addr>(?:[a-z0-9_.-]*/)?(?:\[[0-9a-f:.%]+\]|<unresolved>|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)[:#]\d{1,5})"),
    ("(?&host)", r"(?P<host>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)"),
    ("(?&port)", r"(?P<port>\d{1,5})"),
    ("(?&broker)", r"(?P<broker>-?\d{1,10})"),
    ("(?&interval)", r"(?P<interval>\d+(?:\.\d+)?\s?(?:milliseconds?|millis|ms|seconds?|secs?|minutes?|min|s|m)?)"),
    ("(?&attempt)", r"(?P<attempt>\d+)"),
];

/// Groups that a pattern may have.
const GROUPS: &[&str] = &["addr", "host", "port", "broker", "interval", "attempt", "count", "limit", "errno", "kind"];

/// Lines that must and must not match.
#[derive(Debug)]
pub struct Examples {
    pub matches: Vec<Match>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are tried by the tests"))]
    pub rejects: Vec<String>,
}

/// A line that must match, and what must be read from it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Match {
    /// Only the line.
    Line(String),
    /// The line and what it names.
    Told(Told),
}

/// What a line names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "examples are tried by the tests"))]
pub struct Told {
    pub line: String,
    pub endpoint: Option<String>,
    pub broker: Option<String>,
    pub attempt: Option<u64>,
    pub interval_s: Option<f64>,
    pub errno: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    title: String,
    pattern: String,
    means: String,
    #[serde(default)]
    points_to: Vec<String>,
    weight: Weight,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    matches: Vec<Match>,
    #[serde(default)]
    rejects: Vec<String>,
}

impl Match {
    /// The line.
    pub fn line(&self) -> &str {
        match self {
            Match::Line(line) => line,
            Match::Told(told) => &told.line,
        }
    }
}

/// The signatures of a file.
///
/// Patterns of our own files are compiled when they are first needed, because the tests have tried them all.
pub fn signatures(yaml: &str, file: &str, ours: bool) -> Result<Vec<Signature>, Error> {
    let entries: Vec<Entry> = serde_yaml::from_str(yaml).map_err(|e| {
        let line = e.location().map_or(String::new(), |l| format!(":{}", l.line()));
        Error::Invalid { file: format!("{file}{line}"), reason: e.to_string() }
    })?;
    entries.into_iter().map(|entry| signature(entry, yaml, file, ours)).collect()
}

/// Complains about an id that two signatures have.
pub fn check_unique(list: &[Signature], yaml: &str, file: &str) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    match list.iter().find(|s| !seen.insert(s.id.as_str())) {
        Some(twice) => Err(wrong(yaml, file, &twice.id, format!("the id `{}` is taken; choose another", twice.id))),
        None => Ok(()),
    }
}

/// A pattern with its shapes written out.
pub fn written_out(pattern: &str) -> String {
    let mut whole = pattern.to_string();
    for (name, shape) in SHAPES {
        whole = whole.replace(name, shape);
    }
    whole
}

fn signature(entry: Entry, yaml: &str, file: &str, ours: bool) -> Result<Signature, Error> {
    let wrong = |reason: String| wrong(yaml, file, &entry.id, reason);
    let kebab = entry.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if entry.id.is_empty() || !kebab {
        return Err(wrong(format!("the id `{}` must be lower-case letters, digits and hyphens", entry.id)));
    }
    if let Some(code) = entry.points_to.iter().find(|code| !CODES.contains(&code.as_str())) {
        return Err(wrong(format!("`{}` points to `{code}`, which is no cause and no look-alike", entry.id)));
    }
    let pattern = OnceLock::new();
    if !ours {
        let regex = compile(&entry.pattern).map_err(|reason| wrong(format!("the pattern of `{}` {reason}", entry.id)))?;
        let _ = pattern.set(Some(regex));
    }
    Ok(Signature {
        id: entry.id,
        title: entry.title,
        means: entry.means,
        points_to: entry.points_to,
        weight: entry.weight,
        reference: entry.reference,
        file: file.to_string(),
        source: entry.pattern,
        pattern,
        examples: Examples { matches: entry.matches, rejects: entry.rejects },
    })
}

/// Compiles a pattern, or says what is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() || pattern.len() > PATTERN {
        return Err(format!("must have between 1 and {PATTERN} bytes"));
    }
    let whole = written_out(pattern);
    let regex = RegexBuilder::new(&whole)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(COMPILED)
        .nest_limit(50)
        .build()
        .map_err(|e| format!("does not compile: {e}"))?;
    if regex.is_match(b"") {
        return Err("matches an empty line".to_string());
    }
    match regex.capture_names().flatten().find(|name| !GROUPS.contains(name)) {
        Some(name) => Err(format!("has a group `{name}`; known are {}", GROUPS.join(", "))),
        None => Ok(regex),
    }
}

/// An error at the line where an entry's id stands.
fn wrong(yaml: &str, file: &str, id: &str, reason: String) -> Error {
    let line = yaml.lines().position(|line| {
        let line = line.trim_start_matches(['-', ' ']);
        line.strip_prefix("id:").is_some_and(|value| value.trim().trim_matches(['\'', '"']) == id)
    });
    let place = line.map_or(String::new(), |n| format!(":{}", n + 1));
    Error::Invalid { file: format!("{file}{place}"), reason }
}
