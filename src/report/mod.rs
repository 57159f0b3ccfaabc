//! What is drawn for people and scripts. All report formats draw one [`crate::diagnosis::Diagnosis`].

pub mod facts;
pub mod json;

use crate::capture::Quote;
use crate::causes::Class;
use crate::diagnosis::{Diagnosis, Finding, HostReport};
use crate::host::Source;

/// What a finding says, one or two sentences.
pub fn sentence(finding: &Finding) -> String {
    match finding.claim.class {
        Class::Leak => crate::diagnosis::leak_sentence(finding),
        _ => crate::diagnosis::note_sentence(finding),
    }
}

/// The path of the member a quote stands in.
pub fn path_of(source: Option<&Source>, quote: &Quote) -> String {
    source.and_then(|s| s.members.get(quote.at.member.0 as usize)).map_or(String::new(), |m| m.path.clone())
}

/// The host that the first finding is about, or the first host.
pub fn worst(diagnosis: &Diagnosis) -> Option<&HostReport> {
    let host = diagnosis.findings.first().and_then(|f| f.hosts.first()).copied().unwrap_or(0);
    diagnosis.reports.get(host)
}
