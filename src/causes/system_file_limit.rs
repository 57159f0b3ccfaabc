//! The host's limit of open files.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::ledger::Figure;

cause! {
    /// All processes together reach fs.file-max: calls fail with ENFILE for everybody but root.
    ///
    /// # How it looks
    /// - /proc/sys/fs/file-nr: the first number (allocated) near the third (the limit). The second is 0 on every kernel since 2.6.
    /// - log: kernel `VFS: file-max limit N reached`; `Too many open files in system`, errno 23.
    /// - strace: any open, socket or accept = -1 ENFILE.
    /// - lsof, /proc/PID/fd: the sum over all processes is near the number; shared descriptors count once in the kernel.
    /// - ss, netstat, `ss -s`, sockstat: tell whether sockets are what fills it.
    ///
    /// # Evidence for
    /// - The two numbers near each other.
    ///
    /// # Evidence against
    /// - Room between them. On current kernels the default limit is 9223372036854775807: never reached.
    ///
    /// # Mistaken for
    /// - EMFILE, errno 24, which is one process's limit: `fd-limit-too-low`.
    /// - fs.nr_open, which bounds RLIMIT_NOFILE and is no count.
    ///
    /// # Confirm
    /// - `cat /proc/sys/fs/file-nr`.
    /// - `for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $p; done | sort -rn | head`.
    ///
    /// # Now
    /// - `sysctl -w fs.file-max=N`: takes effect at once.
    ///
    /// # For good
    /// - Find who holds them and mend that by its cause; a limit per service (LimitNOFILE) keeps one program from taking all.
    /// - Docker, Kubernetes: the limit is the node's; count per pod.
    ///
    /// # References
    /// proc(5) file-nr, file-max; fs/file_table.c.
    SystemFileLimit, "system-file-limit", lookalike, "the whole host is at its limit of open files", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    // What is not half used now was used up at another time.
    let room = numbers(case).is_some_and(|(a, m)| m.value > 0 && a.value < m.value / 2);
    let errors: Vec<_> = case.told_now("system-file-limit").filter(|_| !room).collect();
    let traced: Vec<_> = case.snapshot.traces.iter().filter(|t| t.enfile.0 > 0).collect();
    let near = numbers(case).is_some_and(|(a, m)| m.value > 0 && a.value >= m.value / 100 * case.thresholds.near_limit as i64);
    if !near && errors.is_empty() && traced.is_empty() {
        return Vec::new();
    }
    let mut claim = support::note("system-file-limit", Class::Exhaustion, "the whole host is at its limit of open files");
    if let Some((allocated, max)) = numbers(case) {
        claim.count = Some(allocated.value.max(0) as u64);
        let strength = if near { Strength::Strong } else { Strength::Weak };
        claim.evidence.push(Evidence::new(
            strength,
            Witnessed::Limit,
            format!("{} files are open on the host, of at most {}", number(allocated.value), number(max.value)),
            allocated.at,
        ));
    }
    for s in errors.iter().take(2) {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Log,
            format!("the log says so {}: {}", support::times(s.count), s.means),
            [s.first.clone()],
        ));
    }
    for t in traced {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Trace,
            format!("strace: calls fail with ENFILE {} times", t.enfile.0),
            t.enfile.1.0.clone(),
        ));
    }
    claim.now = vec![
        "raise fs.file-max; find who holds the files: for p in /proc/[0-9]*; do echo $(ls $p/fd | wc -l) $p; done | sort -rn | head".into(),
    ];
    vec![claim]
}

/// Files that are open on the host, and how many may be.
pub(super) fn numbers(case: &Case<'_>) -> Option<(Figure, Figure)> {
    case.counter("file_nr.allocated").zip(case.counter("file_nr.max").or_else(|| case.counter("sysctl.fs.file-max")))
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    match numbers(case) {
        Some((allocated, max)) => {
            let says = format!("{} files are open on the host, of at most {}", number(allocated.value), number(max.value));
            if allocated.value < max.value / 10 * 8 { Exclusion::out(says, allocated.at) } else { Exclusion::not(says, allocated.at) }
        }
        None => Exclusion::not("cannot be ruled out: /proc/sys/fs/file-nr was not captured", Vec::new()),
    }
}
