//! `ulimit -n` of the shell that captured against what a process holds.

use super::{Checked, held};
use crate::capture::Quote;
use crate::causes::{Case, number};
use crate::facts::{DescriptorKind, LimitValue};
use crate::ledger::{CountIs, Kind};

check! {
    /// `ulimit -n` of the shell that captured against what a process holds.
    ///
    /// # Compared
    /// The soft limit of open files of the shell with the descriptors of each process, and with the unhashed TCP sockets that the kernel
    /// counts where a single process is seen to hold any.
    ///
    /// # Scope
    /// A shell's limit is inherited by what it starts and by nothing else: services have limits of their own (LimitNOFILE of the unit),
    /// which `/proc/PID/limits` tells.
    ///
    /// # Tolerance
    /// None: the kernel gives out no descriptor beyond a process's limit.
    ///
    /// # When they agree
    /// The shell's limit contradicts nothing; that it is the process's limit does not follow.
    ///
    /// # When they disagree
    /// The shell's limit is not that of the process; or several processes hold the sockets; or the files are of different moments or
    /// hosts. Only `/proc/PID/limits` and a whole listing of the process can tell which.
    ///
    /// # Source
    /// getrlimit(2), systemd.exec(5); formats.md sections 7.6 and 10.
    ShellLimitVsDescriptors, "shell-limit-vs-descriptors", make
}

/// The process that holds most.
struct Largest {
    pid: u32,
    count: u64,
    /// Whether the count is inferred from the kernel's number.
    inferred: bool,
    at: Vec<Quote>,
}

fn make(case: &Case<'_>) -> Checked {
    let shell = case.snapshot.shell_limits.iter().rev().find_map(|(name, soft, quote)| match soft {
        Some(LimitValue::At(n)) if name == "Max open files" => Some((*n, quote.clone())),
        _ => None,
    });
    let Some((limit, quote)) = shell else { return Checked::skipped("no ulimit -n of a shell was captured") };
    let Some(largest) = inferred(case).or_else(|| listed(case)) else {
        return Checked::skipped("no process's descriptors were captured");
    };
    let at = largest.at.iter().cloned().chain([quote]).collect();
    let name = held::name_of(case.snapshot, largest.pid);
    let shell = format!("the shell's limit of {} (ulimit -n)", number(limit as i64));
    let holds = match largest.inferred {
        true => format!("{} sockets that {name} seems to hold", number(largest.count as i64)),
        false => format!("{} descriptors of {name}", number(largest.count as i64)),
    };
    if largest.count <= limit {
        return Checked::agree(format!("{holds} fit under {shell}"), at);
    }
    let own = case.snapshot.processes.get(&largest.pid).and_then(|p| p.nofile.as_ref());
    if let Some((LimitValue::Unlimited, ..)) = own {
        return Checked::agree(format!("{holds} are beyond {shell}, but the process itself has none"), at);
    }
    if let Some((LimitValue::At(own), ..)) = own
        && largest.count <= *own
    {
        return Checked::agree(format!("{holds} are beyond {shell}, but the process's own is {}", number(*own as i64)), at);
    }
    let pid = largest.pid;
    if largest.inferred {
        return Checked::disagree(
            format!(
                "{holds} do not fit under {shell}: several processes leak, or the limit of pid {pid} is another, or the files are of \
                 different moments or hosts; /proc/{pid}/limits and a whole lsof -p {pid} would tell"
            ),
            at,
        )
        .undermining();
    }
    Checked::disagree(format!("{holds} do not fit under {shell}: it is not the limit of that process; /proc/{pid}/limits is"), at)
}

/// The only process that is seen to hold unhashed TCP sockets, with all that the kernel counts, where the listing is only an excerpt.
fn inferred(case: &Case<'_>) -> Option<Largest> {
    let books = &case.ledger.books;
    let unhashed = books.unhashed.as_ref().filter(|_| books.foreign.is_none() && !books.unhashed_is_bound && !case.ledger.all_listed)?;
    let mut closed = case.ledger.piles.iter().filter(|p| matches!(p.kind, Kind::Closed | Kind::Unidentified) && p.owner.is_some());
    let pile = closed.next().filter(|_| closed.next().is_none())?;
    let [(pid, listed)] = pile.owner.as_ref()?.pids.as_slice() else { return None };
    let excerpt = (pile.is == CountIs::AtLeast && u64::try_from(unhashed.value).is_ok_and(|n| n > *listed)) || pile.is == CountIs::Estimate;
    let count = u64::try_from(unhashed.value).ok().filter(|_| excerpt)?;
    let at = pile.traits.quotes.iter().take(1).chain(&unhashed.at).cloned().collect();
    Some(Largest { pid: *pid, count, inferred: true, at })
}

/// The process with the most descriptors, those first whose own limit is not known.
fn listed(case: &Case<'_>) -> Option<Largest> {
    let known = |pid| case.snapshot.processes.get(pid).is_some_and(|p| p.nofile.is_some());
    let most = case.ledger.holdings.iter().filter_map(|(pid, h)| Some((pid, h.descriptors.as_ref()?)));
    let limit = case.snapshot.shell_limits.iter().find_map(|(_, soft, _)| match soft {
        Some(LimitValue::At(n)) => Some(*n),
        _ => None,
    });
    let over = |n: u64| limit.is_some_and(|l| n > l);
    let (&pid, (count, _, quote)) = most.max_by_key(|(pid, (n, ..))| (over(*n) && !known(*pid), *n))?;
    let proc = case.snapshot.processes.get(&pid);
    let row = proc.and_then(|p| held::row_of(p, DescriptorKind::Socket)).unwrap_or_else(|| quote.clone());
    Some(Largest { pid, count: *count, inferred: false, at: vec![row] })
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn lsof(rows: u32) -> String {
        let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for n in 0..rows {
            text.push_str(&format!("java 4684 apps {n}u CHR 1,3 0t0 4 /dev/null\n"));
        }
        text
    }

    #[test]
    fn a_listing_beyond_the_shells_limit() {
        let limit = "$ ulimit -n\n1024\n";
        assert_eq!(status("shell-limit-vs-descriptors", &[("lsof", &lsof(900)), ("shell", limit)]), Status::Agree);
        let made = check("shell-limit-vs-descriptors", &[("lsof", &lsof(1900)), ("shell", limit)]);
        assert_eq!((made.status, made.undermines), (Status::Disagree, false));
        let own = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            65536                524288               files     \n";
        assert_eq!(
            status("shell-limit-vs-descriptors", &[("lsof", &lsof(1900)), ("shell", limit), ("proc/4684/limits", own)]),
            Status::Agree
        );
        assert_eq!(status("shell-limit-vs-descriptors", &[("lsof", &lsof(1900))]), Status::Skipped);
    }
}
