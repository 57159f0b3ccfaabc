//! Sockets of all families, by the kernel's count and by what processes hold.

use super::Checked;
use super::held;
use super::rows::{self, TcpRows};
use super::slack::Slack;
use crate::causes::{Case, number};

/// Listing takes seconds; up to Linux 4.15 the kernel's own sockets (tens to some hundreds, one of some kinds for each CPU) are counted in.
const LISTING_TIME: Slack = Slack { absolute: 256, percent: 10 };

check! {
    /// Sockets of all families, by the kernel's count and by what processes hold.
    ///
    /// # Compared
    /// `sockets: used` of sockstat (Total of `ss -s`) with the different socket inodes in the listings of all processes, plus connections
    /// that wait to be accepted and orphans, which no process holds.
    ///
    /// # Scope
    /// Since Linux 4.16 used counts one network namespace and all its sockets, before the whole host, with kernel sockets and without
    /// those that wait or are orphaned. Where the release was not captured, either may fit.
    ///
    /// # Tolerance
    /// 10 % and 256: a listing takes seconds, and old kernels count their own sockets in.
    ///
    /// # When they agree
    /// The listings cover every socket of the namespace.
    ///
    /// # When they disagree
    /// Fewer are held: holders are not visible, or sockets are in flight over unix sockets. More are held: the listings show processes of
    /// other network namespaces (containers).
    ///
    /// # Source
    /// `net/core/sock.c`, `net/socket.c`; formats.md section 1, identity 10.
    UsedVsHeld, "used-vs-held", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(used) = &case.ledger.books.used else { return Checked::skipped("neither sockstat nor ss -s was captured") };
    if !case.ledger.all_listed {
        return Checked::skipped("descriptors of all processes were not listed with privilege");
    }
    let of_namespace = super::kernel::at_least(case, 4, 16);
    let held = held::sockets(case.snapshot, &case.ledger.holdings, of_namespace != Some(false));
    let waiting = rows::whole(case.ledger).map_or(0, |v| TcpRows::of(v).waiting);
    let orphans = case.ledger.books.orphan.as_ref().map_or(0, |f| f.value.max(0));
    let unheld = waiting.saturating_add(orphans);
    let low = if of_namespace == Some(true) { held.sockets.saturating_add(waiting) } else { held.sockets };
    let high = if of_namespace == Some(false) { held.sockets } else { held.sockets.saturating_add(unheld) };
    let at = used.at.iter().chain(&held.at).cloned().collect();
    let rest = if high > held.sockets {
        format!(" and {} wait to be accepted or are orphans", number(high - held.sockets))
    } else {
        String::new()
    };
    let both = format!("the kernel counts {} sockets of all kinds, processes hold {}{rest}", number(used.value), number(held.sockets));
    if LISTING_TIME.covers_range(used.value, low, high) {
        return Checked::agree(both, at);
    }
    if used.value < low {
        if held.foreign > 0 {
            return Checked::skipped(format!("{both}; processes of other network namespaces are among them"));
        }
        return Checked::disagree(format!("{both}: the listing shows processes of other network namespaces, or is of another moment"), at);
    }
    Checked::disagree(
        format!(
            "{both}: the holders of the others are not visible (another pid namespace), or the sockets are in flight between processes"
        ),
        at,
    )
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    fn with(used: u32, sockets: u32) -> Status {
        let mut lsof = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for (pid, name) in [(1, "init"), (2, "sshd"), (3, "cron")] {
            lsof.push_str(&format!("{name:8} {pid} root 0u CHR 1,3 0t0 4 /dev/null\n"));
        }
        for n in 0..sockets {
            lsof.push_str(&format!("java 4684 apps {}u sock 0,8 0t0 {} protocol: NETLINK\n", 10 + n, 5000 + n));
        }
        status(
            "used-vs-held",
            &[("sockstat", &format!("sockets: used {used}\nTCP: inuse 2 orphan 0 tw 0 alloc 3 mem 1\n")), ("lsof", &lsof)],
        )
    }

    #[test]
    fn held_and_counted() {
        assert_eq!(with(1000, 990), Status::Agree);
        assert_eq!(with(10_000, 990), Status::Disagree);
        assert_eq!(with(100, 990), Status::Disagree);
        assert_eq!(status("used-vs-held", &[("sockstat", "sockets: used 7\nTCP: inuse 2 orphan 0 tw 0 alloc 3 mem 1\n")]), Status::Skipped);
    }
}
