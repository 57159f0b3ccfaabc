//! Where what is to be captured next has to be captured: hosts that do not run Linux have no `/proc/net` and no `ss`, and pid 1 of a
//! container is another process outside.

use super::finding::{Finding, HostReport};
use crate::causes::Missing;

/// Said of what is to be run where pid 1 is the process in question.
const INSIDE: &str = " (inside the container: on its node pid 1 is another process)";

/// Names what each system has in place of what Linux would.
pub(super) fn translate(findings: &mut [Finding], reports: &[HostReport], next: &mut Vec<Missing>) {
    for finding in findings.iter_mut() {
        let system = finding.hosts.first().and_then(|&host| reports.get(host)?.system.as_deref());
        if let Some(system) = system {
            let pid = finding.claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
            finding.claim.missing = commands(system, pid);
            finding.grade.lift = None;
        }
    }
    inside(findings, next);
    if let [only] = reports
        && let Some(system) = &only.system
    {
        *next = commands(system, None);
    }
}

/// The first process of a container is to be looked at inside it; that of a host is its init.
fn inside(findings: &mut [Finding], next: &mut [Missing]) {
    let first = |f: &Finding| f.claim.owner.as_ref().is_some_and(|o| o.has(1) && !matches!(o.command.as_str(), "" | "systemd" | "init"));
    let of_first = |command: &str| command.contains("/proc/1/") || command.ends_with(" -p 1");
    let mut any = false;
    for finding in findings.iter_mut().filter(|f| first(f)) {
        any = true;
        let missing = finding.claim.missing.iter_mut().chain(finding.grade.lift.as_mut().map(|lift| &mut lift.0));
        missing.filter(|m| of_first(&m.command)).for_each(|m| m.what.push_str(INSIDE));
    }
    next.iter_mut().filter(|m| any && of_first(&m.command)).for_each(|m| m.what.push_str(INSIDE));
}

/// What tells sockets and their holders on a system.
fn commands(system: &str, pid: Option<u32>) -> Vec<Missing> {
    let missing = |what: String, would: &str, command: String| Missing { what, would: would.into(), command };
    let whose = pid.map_or("all processes".to_string(), |pid| pid.to_string());
    let of = |option: &str, all: &str| pid.map_or(all.to_string(), |pid| format!("{option} {pid}"));
    let name = "name who holds the sockets";
    let listed = match system {
        s if s.starts_with("FreeBSD") || s.starts_with("DragonFly") => {
            vec![
                missing("the sockets with their holders".into(), name, "sockstat -4; sockstat -6".into()),
                missing(format!("the descriptors of {whose}"), "tell what else they hold", format!("procstat {}", of("-f", "-fa"))),
            ]
        }
        s if s.starts_with("OpenBSD") || s.starts_with("NetBSD") => {
            vec![missing(format!("the descriptors of {whose}"), name, format!("fstat{}", of(" -p", "")))]
        }
        s if s.starts_with("SunOS") => vec![missing(format!("the descriptors of {whose}"), name, of("pfiles", "pfiles /proc/*"))],
        _ => vec![missing(format!("the descriptors of {whose}"), name, format!("sudo lsof -nP{}", of(" -p", "")))],
    };
    let states = missing("the connections with their states".into(), "tell states and remotes", "netstat -an".into());
    listed.into_iter().chain([states]).collect()
}
