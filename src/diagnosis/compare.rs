//! Hosts compared: the same program leaking toward the same remote on several hosts has its cause outside of each of them.

use super::finding::{Finding, HostReport};
use crate::causes::{Class, Evidence, Strength, Witnessed};

/// Adds to each leak what the other hosts say of it.
pub fn hosts(findings: &mut [Finding], reports: &[HostReport]) {
    if reports.len() < 2 {
        return;
    }
    let keys: Vec<Option<(String, String, usize)>> = findings.iter().map(key).collect();
    for (n, finding) in findings.iter_mut().enumerate() {
        let Some(Some((code, command, host))) = keys.get(n) else { continue };
        let others: Vec<&str> = keys
            .iter()
            .flatten()
            .filter(|(c, p, h)| c == code && p == command && h != host)
            .filter_map(|(_, _, h)| reports.get(*h))
            .map(|r| r.label.as_str())
            .collect();
        if !others.is_empty() {
            let says = format!(
                "the same program shows the same on {}: the cause lies outside of this host, such as a remote that changed",
                others.join(", ")
            );
            finding.claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, []));
        }
    }
}

fn key(finding: &Finding) -> Option<(String, String, usize)> {
    let owner = finding.claim.owner.as_ref()?;
    (finding.claim.class == Class::Leak)
        .then(|| (finding.claim.code.to_string(), owner.command.clone(), finding.hosts.first().copied().unwrap_or(0)))
}
