//! `expect.yaml`: what a report on an archived incident must and must not say.
//!
//! ```text
//! verdict: leak
//! findings:
//!   - code: connect-failed-not-closed
//!     process: {command: java, pid: 4684}
//!     socket_kind: closed
//!     count: {about: 157624, within: 2%}
//!     remote: ["10.0.0.5:9092", "broker 5"]
//! never: [time-wait-buildup]
//! ```
//!
//! Every key is optional. A misspelt key, or a word outside the vocabulary, is an error with its line.

use super::words::{ClassWord, Code, CodeOrKind, KindWord, LookAlike, Many, Percent, VerdictWord, Word};
use crate::config::yaml_error;
use crate::error::Error;
use serde::Deserialize;
use std::path::Path;

/// The file's name.
pub const FILE: &str = "expect.yaml";

/// What is expected of one incident.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Acceptable verdicts.
    pub verdict: Many<VerdictWord>,
    /// Findings, each to be met by one of its own.
    pub findings: Many<Wanted>,
    /// Look-alikes that must be ruled out.
    pub ruled_out: Many<LookAlike>,
    /// Look-alikes whose evidence is missing.
    pub not_ruled_out: Many<LookAlike>,
    /// Codes that no leak or exhaustion may have, kinds that no leak may have.
    pub never: Many<CodeOrKind>,
    /// Commands or pids that no leak may blame.
    pub never_process: Many<Word>,
    /// Acceptable exit statuses; 0 if absent.
    pub exit: Many<u8>,
    /// Whether any valid report will do.
    pub survives: bool,
    /// Why this is the truth.
    pub notes: Option<serde_yaml::Value>,
}

/// One expected finding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Acceptable codes.
    pub code: Many<Code>,
    /// Acceptable classes.
    pub class: Many<ClassWord>,
    /// The process.
    pub process: Option<WantedProcess>,
    /// Acceptable kinds.
    pub socket_kind: Many<KindWord>,
    /// How many.
    pub count: Option<WantedCount>,
    /// Texts of which one must appear in some remote.
    pub remote: Many<Word>,
    /// Welcome, not required.
    pub optional: bool,
}

/// An expected process: one match of each list suffices.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WantedProcess {
    /// The kernel's name.
    pub command: Many<Word>,
    /// The process number.
    pub pid: Many<Word>,
    /// A part of the program's name or command line.
    pub program: Many<Word>,
}

/// An expected number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedCount {
    /// Acceptable numbers.
    pub about: Many<f64>,
    /// How far off it may be.
    #[serde(default)]
    pub within: Percent,
}

impl Expect {
    /// Reads a file.
    ///
    /// # Errors
    /// With file and line: a misspelt key, a word outside the vocabulary, no YAML at all.
    pub fn load(path: &Path) -> Result<Expect, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| Error::Unreadable { input: file.clone(), reason: e.to_string() })?;
        Expect::parse(&text, &file)
    }

    /// Reads a text; `file` is only named in errors.
    ///
    /// # Errors
    /// As [`Expect::load`].
    pub fn parse(text: &str, file: &str) -> Result<Expect, Error> {
        let expect: Option<Expect> = serde_yaml::from_str(text).map_err(|e| yaml_error(file, &e))?;
        Ok(expect.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Expect::parse(text, "a/expect.yaml").unwrap_err().to_string()
    }

    #[test]
    fn one_value_or_a_list() {
        let e = Expect::parse("verdict: leak\nnever: [closed, udp]\nnever_process: [sshd, 812]\nexit: [0, 3]\n", "x").unwrap();
        assert_eq!(e.verdict.0, [VerdictWord("leak".into())]);
        assert_eq!(e.never.0.len(), 2);
        assert_eq!(e.never_process.0, [Word::Text("sshd".into()), Word::Number(812)]);
        assert_eq!(e.exit.0, [0, 3]);
    }

    #[test]
    fn a_finding_in_full() {
        let text = "findings:\n- code: [never-connected, unknown]\n  process: {command: java, pid: [1, 2], program: Main}\n  count: {about: 157624, within: 2%}\n  remote: '9092'\n  optional: true\n";
        let e = Expect::parse(text, "x").unwrap();
        let f = &e.findings.0[0];
        assert_eq!(f.code.0.len(), 2);
        assert_eq!(f.process.as_ref().unwrap().pid.0, [Word::Number(1), Word::Number(2)]);
        assert_eq!(f.count.as_ref().unwrap().about.0, [157_624.0]);
        assert_eq!(f.count.as_ref().unwrap().within, Percent(2.0));
        assert!(f.optional);
    }

    #[test]
    fn an_empty_file_expects_only_that_it_runs() {
        for text in ["", "# nothing yet\n", "verdict:\n"] {
            assert!(Expect::parse(text, "x").unwrap().verdict.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_file_and_line() {
        let says = wrong("verdict: leak\nnotes: x\nfindigns: []\n");
        assert!(says.starts_with("a/expect.yaml:3: "), "{says}");
        assert!(says.contains("findigns") && says.contains("findings"), "{says}");
    }

    #[test]
    fn a_misspelt_key_deep_inside_too() {
        let says = wrong("findings:\n- code: unknown\n  process:\n    comand: java\n");
        assert!(says.starts_with("a/expect.yaml:4: ") && says.contains("comand"), "{says}");
    }

    #[test]
    fn a_word_outside_the_vocabulary_names_the_nearest() {
        let says = wrong("verdict: leak\nfindings:\n- class: leak\n  code: never-conected\n");
        assert!(says.starts_with("a/expect.yaml:4: ") && says.contains("did you mean never-connected"), "{says}");
        assert!(wrong("never:\n- closed\n- clozed\n").starts_with("a/expect.yaml:3: "));
        assert!(wrong("ruled_out: [never-connected]\n").contains("no look-alike"));
    }

    #[test]
    fn a_count_needs_a_number() {
        assert!(wrong("findings:\n- count: {within: 2%}\n").contains("about"));
        assert!(wrong("findings:\n- count: {about: 5, within: some}\n").contains("no tolerance"));
    }
}
