//! What stands in `samples/`: each sample's members, its expectations, and its diagnosis.
//!
//! Paths are relative to the crate's root, where Cargo runs tests, so that reports name them alike on every machine.
#![allow(dead_code, reason = "each test uses its part")]

use serde::Deserialize;
use sockdiag::bundle::{Input, Limits, MemberEnd, MemberHead, Visitor, Walked, walk};
use sockdiag::capture::{self, Intake};
use sockdiag::causes::Class;
use sockdiag::config::Thresholds;
use sockdiag::diagnosis::{Diagnosis, Finding};
use sockdiag::ledger::Owner;
use sockdiag::signatures::Signatures;
use std::path::{Path, PathBuf};

/// Where samples are.
pub const SAMPLES: &str = "samples";

/// One incident.
pub struct Sample {
    /// Its directory's name.
    pub name: String,
    /// What must be found.
    pub expect: Expect,
    /// Its capture, relative to the crate's root.
    pub capture: String,
}

/// One member of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// `expect.yaml`, as section 5 of the contract has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub verdict: OneOrMore<String>,
    #[serde(default)]
    pub findings: Vec<Expected>,
    #[serde(default)]
    pub ruled_out: Vec<String>,
    #[serde(default)]
    pub not_ruled_out: Vec<String>,
    #[serde(default)]
    pub never: Vec<String>,
    #[serde(default)]
    pub never_process: Vec<Named>,
    pub notes: String,
}

/// A finding that must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub code: OneOrMore<String>,
    pub class: Option<OneOrMore<String>>,
    pub process: Option<Process>,
    pub socket_kind: Option<OneOrMore<String>>,
    pub count: Option<Count>,
    pub remote: Option<OneOrMore<String>>,
    #[serde(default)]
    pub optional: bool,
}

/// The process to be named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    pub command: Option<OneOrMore<String>>,
    pub pid: Option<OneOrMore<u32>>,
    pub program: Option<OneOrMore<String>>,
}

/// A number and how far off it may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub about: OneOrMore<u64>,
    pub within: Option<String>,
}

/// A value, or several that are as good.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

/// A process by pid or by command.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Named {
    Pid(u32),
    Command(String),
}

impl<T> OneOrMore<T> {
    /// The values.
    pub fn values(&self) -> &[T] {
        match self {
            OneOrMore::One(value) => std::slice::from_ref(value),
            OneOrMore::More(values) => values,
        }
    }
}

/// Every sample, sorted by name.
pub fn all() -> Vec<Sample> {
    names().into_iter().map(|name| Sample::open(&name)).collect()
}

/// The names of the directories in `samples/`.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(SAMPLES).expect("samples/ beside Cargo.toml").map(|e| e.expect("an entry"));
    let mut names: Vec<String> =
        entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().into_string().expect("a name in UTF-8")).collect();
    names.sort();
    names
}

impl Sample {
    /// The sample of this name.
    pub fn open(name: &str) -> Sample {
        let directory = Path::new(SAMPLES).join(name);
        let yaml = std::fs::read_to_string(directory.join("expect.yaml")).unwrap_or_else(|e| panic!("{name}/expect.yaml: {e}"));
        let expect = serde_yaml::from_str(&yaml).unwrap_or_else(|e| panic!("{name}/expect.yaml: {e}"));
        let packed = directory.join("capture.tgz").is_file();
        let capture = format!("{SAMPLES}/{name}/capture{}", if packed { ".tgz" } else { "" });
        Sample { name: name.to_string(), expect, capture }
    }

    /// Where its golden report stands.
    pub fn directory(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLES).join(&self.name)
    }

    /// What sockdiag says of it.
    pub fn diagnosis(&self) -> Diagnosis {
        let input = Input::parse(&self.capture, |_| false);
        sockdiag::diagnose(&[input], &Limits::default(), Signatures::builtin(), &Thresholds::default())
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Its members, in the order in which they are read.
    pub fn members(&self) -> Vec<Member> {
        let mut members = Members(Vec::new());
        let input = Input::parse(&self.capture, |_| false);
        walk(&input, &Limits::default(), &mut members).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        members.0
    }
}

struct Members(Vec<Member>);

impl Visitor for Members {
    fn begin(&mut self, head: &MemberHead) {
        self.0.push(Member { path: head.path.clone(), text: Vec::new() });
    }

    fn data(&mut self, chunk: &[u8]) {
        self.0.last_mut().expect("a member has begun").text.extend_from_slice(chunk);
    }

    fn end(&mut self, _end: MemberEnd) {}
}

/// What members hold, read without a file.
pub fn read(members: &[Member]) -> capture::Input {
    let mut intake = Intake::new(Signatures::builtin(), None);
    for member in members {
        intake.begin(&MemberHead { path: member.path.clone(), size: Some(member.text.len() as u64), modified: None });
        intake.data(&member.text);
        intake.end(MemberEnd::Whole);
    }
    intake.finish("capture", Walked { kind: "directory".to_string(), ..Walked::default() })
}

/// What sockdiag says of members.
pub fn diagnose(members: &[Member]) -> Diagnosis {
    sockdiag::diagnose_read(vec![read(members)], &Thresholds::default())
}

/// The words of the contract for the class of a finding.
pub fn class(class: Class) -> &'static str {
    match class {
        Class::Leak => "leak",
        Class::Exhaustion => "exhaustion",
        Class::Note => "note",
    }
}

/// In what a diagnosis differs from what is expected, one sentence each.
pub fn differences(expect: &Expect, diagnosis: &Diagnosis) -> Vec<String> {
    let mut out = Vec::new();
    let verdict = diagnosis.verdict.word();
    if !expect.verdict.values().iter().any(|v| v == verdict) {
        out.push(format!("verdict {verdict}, expected {:?}", expect.verdict.values()));
    }
    for expected in expect.findings.iter().filter(|e| !e.optional) {
        if !diagnosis.findings.iter().any(|f| misses(expected, f).is_empty()) {
            let codes = expected.code.values();
            let near = diagnosis.findings.iter().find(|f| codes.iter().any(|c| c == f.claim.code));
            let why = near.map_or("no such finding".to_string(), |f| misses(expected, f).join(", "));
            out.push(format!("{codes:?}: {why}"));
        }
    }
    out.extend(false_claims(expect, diagnosis));
    for code in &expect.ruled_out {
        if !is_ruled_out(diagnosis, code) {
            out.push(format!("{code} is not ruled out"));
        }
    }
    for code in &expect.not_ruled_out {
        if is_ruled_out(diagnosis, code) {
            out.push(format!("{code} is ruled out without evidence"));
        }
    }
    out
}

/// What is claimed and must not be, one sentence each.
pub fn false_claims(expect: &Expect, diagnosis: &Diagnosis) -> Vec<String> {
    let mut out = Vec::new();
    for finding in diagnosis.findings.iter().filter(|f| f.claim.class != Class::Note) {
        let leak = finding.claim.class == Class::Leak;
        let kind = finding.claim.kind.filter(|_| leak).map_or("", |k| k.word());
        for never in expect.never.iter().filter(|n| *n == finding.claim.code || *n == kind) {
            out.push(format!("{never} is claimed: {}", finding.claim.code));
        }
        let Some(owner) = finding.claim.owner.as_ref().filter(|_| leak) else { continue };
        for never in &expect.never_process {
            let blamed = match never {
                Named::Pid(pid) => owner.has(*pid),
                Named::Command(command) => is_command(command, &owner.command),
            };
            if blamed {
                out.push(format!("{} is blamed for {}", owner.named(), finding.claim.code));
            }
        }
    }
    out
}

fn is_ruled_out(diagnosis: &Diagnosis, code: &str) -> bool {
    let mut told = diagnosis.reports.iter().flat_map(|r| &r.ruled_out).filter(|r| r.code == code).peekable();
    told.peek().is_some() && told.all(|r| r.exclusion.out)
}

/// What a finding lacks to be the one expected.
fn misses(expected: &Expected, finding: &Finding) -> Vec<String> {
    let claim = &finding.claim;
    let mut out = Vec::new();
    let mut check = |what: &str, is: &str, wanted: Option<&OneOrMore<String>>| {
        if let Some(wanted) = wanted
            && !wanted.values().iter().any(|w| w == is)
        {
            out.push(format!("{what} {is}, expected {:?}", wanted.values()));
        }
    };
    check("code", claim.code, Some(&expected.code));
    check("class", class(claim.class), expected.class.as_ref());
    check("kind", claim.kind.map_or("", |k| k.word()), expected.socket_kind.as_ref());
    if let Some(process) = &expected.process
        && !claim.owner.as_ref().is_some_and(|o| is_process(process, o))
    {
        out.push(format!("process {:?}", claim.owner.as_ref().map(Owner::named)));
    }
    if let Some(count) = &expected.count
        && !claim.count.is_some_and(|n| is_about(count, n))
    {
        out.push(format!("count {:?}, expected {:?}", claim.count, count.about.values()));
    }
    if let Some(remote) = &expected.remote
        && !remote.values().iter().any(|r| claim.remotes.iter().any(|c| c.endpoint.contains(r)))
    {
        out.push(format!("remotes {:?}", claim.remotes.iter().map(|r| &r.endpoint).collect::<Vec<_>>()));
    }
    out
}

fn is_process(expected: &Process, owner: &Owner) -> bool {
    let command = expected.command.as_ref().is_none_or(|c| c.values().iter().any(|c| is_command(c, &owner.command)));
    let pid = expected.pid.as_ref().is_none_or(|p| p.values().iter().any(|&p| owner.has(p)));
    let program = expected.program.as_ref().is_none_or(|p| {
        p.values().iter().any(|p| owner.program.to_lowercase().contains(p) || owner.cmdline.to_lowercase().contains(p.as_str()))
    });
    command && pid && program
}

/// Whether two commands are the same, as the kernel (15) and lsof (9) cut them.
pub fn is_command(a: &str, b: &str) -> bool {
    let cut = |text: &str, n: usize| text.chars().take(n).collect::<String>();
    a == b || !a.is_empty() && !b.is_empty() && [9, 15].iter().any(|&n| cut(a, n) == cut(b, n) && (cut(a, n) == a || cut(b, n) == b))
}

fn is_about(count: &Count, number: u64) -> bool {
    let within = count.within.as_deref().unwrap_or("0%");
    let percent: f64 = within.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("within: {within}"));
    count.about.values().iter().any(|&about| number.abs_diff(about) as f64 <= about as f64 * percent / 100.0)
}
