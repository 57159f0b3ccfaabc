//! What lies beside the samples of a host: files around several directories that turn out to be of one, and limits that only their file's name
//! says whose they are.
//!
//! ```text
//! day/ss.txt, night/ss.txt, proc_1811_limits      the limits of process 1811 in both
//! 13-02/ss.txt, 13-42/ss.txt, limits-caddy        the limits of the only process called caddy
//! ```

use super::{Host, Source, Take, has_counts, is_above};
use crate::capture::process::{Proc, base_name, give_limit};
use crate::capture::{Interner, Snapshot};
use std::collections::BTreeMap;

/// Directories without tables that lie around several with them.
#[derive(Debug)]
pub struct Stray {
    /// The input.
    pub input: usize,
    /// The directories that it may belong to.
    pub homes: Vec<String>,
    /// What it says.
    pub takes: Vec<Take>,
}

/// Takes out the directories that count no sockets and show none, and lie around several that do.
pub fn around(input: usize, roots: &mut BTreeMap<String, Vec<Take>>, names: &Interner) -> Vec<Stray> {
    let shows = |takes: &[Take]| takes.iter().any(|t| t.snapshot.has_rows() || has_counts(&t.snapshot, names));
    let (homes, others): (Vec<String>, Vec<String>) = roots.keys().cloned().partition(|root| roots.get(root).is_some_and(|t| shows(t)));
    let mut strays = Vec::new();
    for root in others {
        // In the order of letters those inside of a directory stand together, behind it.
        let from = homes.partition_point(|h| *h < root);
        let inside = homes.get(from..).unwrap_or(&[]).iter().take_while(|h| h.starts_with(&root));
        let inner: Vec<String> = inside.filter(|h| is_above(&root, h)).cloned().collect();
        if inner.len() > 1 && !homes.iter().any(|h| is_above(h, &root)) {
            let takes = roots.remove(&root).unwrap_or_default();
            strays.push(Stray { input, homes: inner, takes });
        }
    }
    strays
}

/// Gives each stray to the host that all of its directories are of; where they are of several, to that of the longest name.
pub fn give(hosts: &mut [Host], strays: Vec<Stray>) {
    for stray in strays {
        let has = |host: &Host, root: &str| host.takes.iter().any(|t| t.input == stray.input && t.root == root);
        let mut of = stray.homes.iter().filter_map(|root| hosts.iter().position(|h| has(h, root)));
        let one = of.next().filter(|first| of.all(|other| other == *first));
        let longest = || stray.homes.iter().max_by_key(|h| h.len()).and_then(|root| hosts.iter().position(|h| has(h, root)));
        let Some(host) = one.or_else(longest).and_then(|n| hosts.get_mut(n)) else { continue };
        let Some(main) = host.takes.get_mut(host.main) else { continue };
        for take in stray.takes {
            main.snapshot.merge(take.snapshot);
        }
    }
}

/// Gives limits of files that name no process by a number to the only process that has the name which is a word of the file's.
pub fn name_limits(snapshot: &mut Snapshot, source: &Source) {
    let processes = &mut snapshot.processes;
    snapshot.nameless_limits.retain(|(soft, quote)| {
        let path = source.members.get(quote.at.member.0 as usize).map_or("", |m| m.path.as_str());
        let words = || base_name(path).split(['.', '-', '_', ' ']).filter(|w| !w.is_empty());
        // Two words may name two.
        let named = |p: &Proc| words().any(|w| p.command == w || base_name(&p.program()) == w);
        !give_limit(processes, named, *soft, quote)
    });
    snapshot.name_limits();
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;
    use crate::facts::LimitValue;
    use crate::host::hosts;

    const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";
    const LIMITS: &str = "Limit Soft Limit Hard Limit Units\nMax open files 1024 4096 files\n";

    fn table(process: &str, pid: u32) -> String {
        let row = |n: u32| format!("ESTAB 0 0 10.0.0.1:80 10.0.0.2:{} users:((\"{process}\",pid={pid},fd={n}))\n", 4000 + n);
        format!("{SS}{}", (5..20).map(row).collect::<String>())
    }

    /// The limits that each host knows of its processes.
    fn limits(members: &[(&str, String)]) -> Vec<Vec<(u32, u64)>> {
        let (_, hosts) = hosts(vec![read(members)]);
        let known = |(pid, p): (&u32, &crate::capture::process::Proc)| match p.nofile {
            Some((LimitValue::At(n), ..)) => Some((*pid, n)),
            _ => None,
        };
        hosts.iter().map(|h| h.snapshot().map_or(Vec::new(), |s| s.processes.iter().filter_map(known).collect())).collect()
    }

    #[test]
    fn what_lies_around_directories_of_one_host_is_of_its_last() {
        let all = [("day/ss", table("gated", 1811)), ("night/ss", table("gated", 1811)), ("proc_1811_limits", LIMITS.to_string())];
        assert_eq!(limits(&all), [[(1811, 1024)]]);
    }

    #[test]
    fn limits_are_of_the_only_process_that_the_file_names() {
        let at = |path| [("13-02/ss", table("gated", 1811)), ("13-42/ss", table("gated", 1811)), (path, LIMITS.to_string())];
        assert_eq!(limits(&at("limits-gated")), [[(1811, 1024)]]);
        assert_eq!(limits(&at("limits-sshd")), vec![Vec::new()], "another program");
        let both = [("ss", table("gated", 1811) + &table("gated", 1812)), ("limits-gated", LIMITS.to_string())];
        assert_eq!(limits(&both), vec![Vec::new()], "two of that name");
    }
}
