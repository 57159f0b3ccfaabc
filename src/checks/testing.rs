//! Checks made of a capture given as text, through the path that every input takes.

use super::{Checked, Status};
use crate::bundle::{MemberEnd, MemberHead, Visitor, Walked};
use crate::capture::Intake;
use crate::config::Thresholds;
use crate::signatures::Signatures;

/// Every check of the members `(name, text)`.
pub fn checks(members: &[(&str, &str)]) -> Vec<Checked> {
    let signatures = Signatures::builtin();
    let mut intake = Intake::new(signatures, None);
    for (path, text) in members {
        intake.begin(&MemberHead { path: path.to_string(), size: Some(text.len() as u64), modified: None });
        intake.data(text.as_bytes());
        intake.end(MemberEnd::Whole);
    }
    let (sources, hosts) = crate::host::hosts(vec![intake.finish("capture", Walked::default())]);
    let diagnosis = crate::diagnosis::diagnose(sources, &hosts, &Thresholds::default());
    diagnosis.reports.into_iter().flat_map(|r| r.checks).collect()
}

/// One check of the members.
pub fn check(code: &str, members: &[(&str, &str)]) -> Checked {
    checks(members).into_iter().find(|c| c.code == code).expect("a check of this code")
}

/// How one check of the members comes out; what agrees or disagrees must cite both sides and say something.
pub fn status(code: &str, members: &[(&str, &str)]) -> Status {
    let made = check(code, members);
    assert!(!made.says.is_empty());
    if made.status != Status::Skipped {
        assert!(!made.at.is_empty(), "{code} cites nothing: {}", made.says);
    }
    made.status
}
