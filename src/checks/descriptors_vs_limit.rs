//! What a process holds against its own limit and table.

use super::slack::Slack;
use super::{Checked, held};
use crate::causes::{Case, number};
use crate::facts::{DescriptorKind, LimitValue};

/// A descriptor table grows while a process is being captured, but by doubling: a number just above its old size is growth.
const GROWTH: Slack = Slack { absolute: 64, percent: 10 };

check! {
    /// What a process holds against its own limit and table.
    ///
    /// # Compared
    /// For each process, the number of its descriptors, or of the sockets that a table shows of it, and the highest of them with the soft limit `Max open files` of
    /// `/proc/PID/limits`, and the highest with FDSize of `/proc/PID/status`, the slots of its table.
    ///
    /// # Scope
    /// One process each. A pid inside of a container is another one outside.
    ///
    /// # Tolerance
    /// None for the limit, which the kernel enforces. 10 % and 64 for FDSize, because a table may grow between two files.
    ///
    /// # When they agree
    /// The limit is that of the process that was listed.
    ///
    /// # When they disagree
    /// The limit belongs to another process (a pid of a container, or a pid that was used again), the files are of different moments, or
    /// the limit was lowered while the process ran.
    ///
    /// # Source
    /// `fs/file.c` alloc_fd, getrlimit(2), proc(5); formats.md identity 11.
    DescriptorsVsLimit, "descriptors-vs-limit", make
}

fn make(case: &Case<'_>) -> Checked {
    let mut nearest: Option<(u64, Checked)> = None;
    for (&pid, proc) in &case.snapshot.processes {
        let Some(holding) = case.ledger.holdings.get(&pid) else { continue };
        let name = held::name_of(case.snapshot, pid);
        let highest = holding.highest.map(u64::from);
        if let (Some((slots, quote)), Some(highest)) = (&proc.fd_size, highest)
            && i64::try_from(highest).is_ok_and(|h| h >= i64::from(*slots) + GROWTH.at(i64::from(*slots)))
        {
            let at = held::row_of(proc, DescriptorKind::Socket).into_iter().chain([quote.clone()]).collect();
            let says = format!(
                "{name} holds descriptor {}, but its table has {slots} slots (FDSize): the two are of different processes or moments",
                number(highest as i64)
            );
            return Checked::disagree(says, at).undermining();
        }
        let Some((LimitValue::At(limit), _, quote)) = &proc.nofile else { continue };
        let whole = holding.descriptors.as_ref().is_some_and(|d| d.1);
        let seen = holding.at_least();
        let count = seen.as_ref().map_or(0, |(n, _)| *n);
        // Numbers begin at 0, so a limit of 1024 allows up to number 1023.
        let needed = count.max(highest.map_or(0, |h| h + 1));
        if needed == 0 {
            continue;
        }
        let at = seen.map(|(_, q)| q).into_iter().chain([quote.clone()]).collect();
        if needed > *limit {
            let says = format!(
                "{name} uses {} descriptors or more, but its limit is {}: the limit is that of another process or moment, or was lowered",
                number(needed as i64),
                number(*limit as i64)
            );
            return Checked::disagree(says, at).undermining();
        }
        let fill = (u128::from(needed) * 1000 / u128::from((*limit).max(1))) as u64;
        if nearest.as_ref().is_none_or(|(f, _)| *f < fill) {
            let lead = if whole { "" } else { "at least " };
            let says = format!(
                "{name} uses {lead}{} of at most {} descriptors; no process is nearer to its limit",
                number(needed as i64),
                number(*limit as i64)
            );
            nearest = Some((fill, Checked::agree(says, at)));
        }
    }
    nearest.map_or_else(|| Checked::skipped("limits and descriptors of one process were not both captured"), |n| n.1)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const LSOF: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 4684 apps 900u CHR 1,3 0t0 4 /dev/null\n";

    fn limits(n: u32) -> String {
        format!(
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max processes             127187               127187               processes \n\
             Max open files            {n:<20} 524288               files     \n"
        )
    }

    #[test]
    fn limit_of_the_process() {
        assert_eq!(status("descriptors-vs-limit", &[("lsof", LSOF), ("proc/4684/limits", &limits(1024))]), Status::Agree);
        assert_eq!(status("descriptors-vs-limit", &[("lsof", LSOF), ("proc/4684/limits", &limits(901))]), Status::Agree);
        let made = check("descriptors-vs-limit", &[("lsof", LSOF), ("proc/4684/limits", &limits(900))]);
        assert_eq!((made.status, made.undermines), (Status::Disagree, true));
        assert_eq!(made.at.len(), 2);
        assert_eq!(status("descriptors-vs-limit", &[("lsof", LSOF), ("proc/77/limits", &limits(64))]), Status::Skipped);
    }

    #[test]
    fn slots_of_the_table() {
        let table = |slots| format!("Name:\tjava\nPid:\t4684\nFDSize:\t{slots}\nThreads:\t7\n");
        assert_eq!(status("descriptors-vs-limit", &[("lsof", LSOF), ("proc/4684/status", &table(256))]), Status::Disagree);
        assert_eq!(status("descriptors-vs-limit", &[("lsof", LSOF), ("proc/4684/status", &table(1024))]), Status::Skipped);
    }
}
