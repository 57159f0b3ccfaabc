//! Writes the `expect.yaml` of an incident from what its report says today. A person then checks that it is the truth.

use super::run::Ran;
use super::told::{Found, Told};
use std::fmt::Write;

/// How far off a count may be later, in percent.
const WITHIN: u32 = 2;

/// The text of an `expect.yaml` that a run meets; `notes` of an earlier one are kept.
pub fn expectation(ran: &Ran, notes: Option<&str>) -> String {
    let mut yaml = String::new();
    match &ran.told {
        None => {
            let _ = writeln!(yaml, "exit: {}", ran.status);
        }
        Some(told) => report(told, &mut yaml),
    }
    let written = format!("written by sockdiag {} from its own report; say here why it is the truth", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(yaml, "notes: {}", quoted(notes.unwrap_or(&written)));
    yaml
}

fn report(told: &Told, yaml: &mut String) {
    let _ = writeln!(yaml, "verdict: {}", told.verdict);
    let telling: Vec<&Found> = told.findings.iter().filter(|f| f.class != "note").collect();
    if !telling.is_empty() {
        yaml.push_str("findings:\n");
    }
    for found in telling {
        let _ = writeln!(yaml, "  - code: {}\n    class: {}", found.code, found.class);
        if let Some(process) = &found.process {
            let pids: Vec<String> = process.pids.iter().take(8).map(u64::to_string).collect();
            let command = quoted(process.command.as_deref().unwrap_or(""));
            match pids.is_empty() {
                true => writeln!(yaml, "    process: {{command: {command}}}"),
                false => writeln!(yaml, "    process: {{command: {command}, pid: [{}]}}", pids.join(", ")),
            }
            .ok();
        }
        if let Some(kind) = &found.socket_kind {
            let _ = writeln!(yaml, "    socket_kind: {kind}");
        }
        if let Some(count) = found.count {
            let _ = writeln!(yaml, "    count: {{about: {count}, within: {WITHIN}%}}");
        }
        if let Some(remote) = found.remotes.first() {
            let _ = writeln!(yaml, "    remote: {}", quoted(&remote.endpoint));
        }
    }
    let out: Vec<&str> = told.ruled_out.iter().filter(|s| s.status == "ruled-out").map(|s| s.code.as_str()).collect();
    if !out.is_empty() {
        let _ = writeln!(yaml, "ruled_out: [{}]", out.join(", "));
    }
}

/// A YAML scalar in double quotes, which JSON's are too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::told::{Holder, RemoteTold, Suspect};
    use super::super::{Expect, judge};
    use super::*;

    #[test]
    fn what_it_writes_is_met_by_what_it_was_written_from() {
        let found = Found {
            code: "connect-failed-not-closed".into(),
            class: "leak".into(),
            grade: "strong".into(),
            process: Some(Holder { command: Some("we: \"ird\"".into()), pids: vec![1, 2], ..Holder::default() }),
            socket_kind: Some("closed".into()),
            count: Some(157_624.0),
            remotes: vec![RemoteTold { endpoint: "[::1]:9092".into() }],
            ..Found::default()
        };
        let note = Found { code: "busy-not-leaking".into(), class: "note".into(), grade: "weak".into(), ..Found::default() };
        let suspect = Suspect { code: "tcp-memory".into(), status: "ruled-out".into(), says: String::new() };
        let told = Told { verdict: "leak".into(), findings: vec![found, note], ruled_out: vec![suspect], ..Told::default() };
        let ran = Ran { told: Some(told.clone()), ..Ran::default() };
        let yaml = expectation(&ran, None);
        let expect = Expect::parse(&yaml, "x").unwrap();
        assert_eq!(expect.findings.0.len(), 1, "notes are not expected: {yaml}");
        assert_eq!(expect.ruled_out.0.len(), 1);
        assert!(judge(&expect, 0, "", Some(&told)).is_empty(), "{yaml}");
        let mut other = told;
        other.findings[0].count = Some(150_000.0);
        assert!(!judge(&expect, 0, "", Some(&other)).is_empty());
    }

    #[test]
    fn a_refused_capture_expects_its_refusal_and_notes_are_kept() {
        let ran = Ran { status: 3, error: "refused x: too large".into(), ..Ran::default() };
        let yaml = expectation(&ran, Some("a bomb"));
        assert!(yaml.contains("a bomb"));
        assert!(judge(&Expect::parse(&yaml, "x").unwrap(), 3, &ran.error, None).is_empty());
    }
}
