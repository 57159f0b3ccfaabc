//! What the capture shows of each process, guilty or not, for whoever asks about one (`--pid`).

use crate::causes::Case;
use crate::facts::LimitValue;
use crate::ledger::Kind;
use std::collections::BTreeMap;

/// A process as the capture shows it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The kernel's name.
    pub command: String,
    /// What it really is.
    pub program: String,
    /// The user.
    pub user: String,
    /// The service or container that its cgroup names.
    pub service: Option<String>,
    /// Open descriptors, and whether all were counted.
    pub descriptors: Option<(u64, bool)>,
    /// The soft limit of open files.
    pub limit: Option<LimitValue>,
    /// Sockets by kind, largest first.
    pub sockets: Vec<(Kind, u64)>,
}

/// Every process of a case.
pub fn processes(case: &Case<'_>) -> BTreeMap<u32, Seen> {
    let mut all: BTreeMap<u32, Seen> = BTreeMap::new();
    for (&pid, proc) in &case.snapshot.processes {
        let seen = Seen {
            command: proc.command.clone(),
            program: proc.program(),
            user: proc.user.clone(),
            service: proc.cgroup.as_deref().and_then(service),
            limit: proc.nofile.as_ref().map(|(soft, ..)| *soft),
            ..Seen::default()
        };
        all.insert(pid, seen);
    }
    for (&pid, holding) in &case.ledger.holdings {
        let seen = all.entry(pid).or_default();
        seen.descriptors = holding.descriptors.as_ref().map(|(n, whole, _)| (*n, *whole));
        seen.sockets = holding.kinds.keys().filter_map(|&kind| Some((kind, holding.count(kind)?.0))).collect();
        seen.sockets.sort_by_key(|&(kind, n)| (std::cmp::Reverse(n), kind));
    }
    for (pid, (n, _)) in crate::ledger::counted_descriptors::descriptors(case.snapshot) {
        let seen = all.entry(pid).or_default();
        seen.descriptors = seen.descriptors.filter(|d| d.1).max(Some((n, true)));
    }
    all
}

/// The unit or container that a cgroup path ends in: `/system.slice/nginx.service`, `/docker/3f9c...`.
fn service(cgroup: &str) -> Option<String> {
    for part in cgroup.rsplit('/') {
        if part.ends_with(".service") && !part.starts_with("user@") {
            return Some(part.to_string());
        }
        let id = part.strip_suffix(".scope").unwrap_or(part);
        let id = id.rsplit('-').next().unwrap_or(id);
        if id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(format!("container {}", id.get(..12).unwrap_or(id)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::service;

    #[test]
    fn services_and_containers_are_told_from_the_cgroup() {
        assert_eq!(service("0::/system.slice/nginx.service").as_deref(), Some("nginx.service"));
        assert_eq!(service("/system.slice/docker.service/init").as_deref(), Some("docker.service"));
        let id = "3f9c".repeat(16);
        assert_eq!(service(&format!("/docker/{id}")).as_deref(), Some("container 3f9c3f9c3f9c"));
        assert_eq!(service(&format!("/system.slice/docker-{id}.scope")).as_deref(), Some("container 3f9c3f9c3f9c"));
        assert_eq!(service("/user.slice/user-0.slice/session-3.scope"), None);
    }
}
