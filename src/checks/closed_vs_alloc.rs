//! TCP sockets outside of every hash table, by `ss -s` and by sockstat.

use super::Checked;
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::ledger::Figure;

/// Each side is a small difference of large numbers read at different moments, so the tolerance is taken of the large ones.
const OF_ALLOCATED: Slack = Slack { absolute: 100, percent: 5 };

check! {
    /// TCP sockets outside of every hash table, by `ss -s` and by sockstat.
    ///
    /// # Compared
    /// closed − timewait of `ss -s` with alloc − inuse (`TCP` and `TCP6`) of `/proc/net/sockstat` and sockstat6. Numbers of sockets.
    /// closed alone is not the number: ss adds the time-wait entries to it. Where sockstat6 is missing, the IPv6 column of `ss -s` stands
    /// in for it, and where that is missing too, alloc − inuse is only an upper bound.
    ///
    /// # Scope
    /// alloc is of the whole host, inuse of one network namespace: hashed sockets of other namespaces are in both differences.
    ///
    /// # Tolerance
    /// 5 % of the sockets allocated and 100: both are differences of large numbers that move between the two commands.
    ///
    /// # When they agree
    /// The number of unhashed sockets is established by two sources.
    ///
    /// # When they disagree
    /// The two commands ran at different moments, on different hosts, or one inside of a container and the other outside.
    ///
    /// # Source
    /// iproute2 `misc/ss.c`, `net/ipv4/proc.c`; formats.md section 2.4, identity 3.
    ClosedVsAlloc, "closed-vs-alloc", make
}

fn make(case: &Case<'_>) -> Checked {
    let books = &case.ledger.books;
    let (Some(closed), Some(timewait)) = (&books.closed, case.counter("ss.tcp.timewait")) else {
        return Checked::skipped("ss -s was not captured");
    };
    let (Some(alloc), Some(inuse4)) = (&books.alloc, &books.inuse4) else {
        return Checked::skipped("/proc/net/sockstat was not captured");
    };
    let by_ss = Figure::of(closed.value.saturating_sub(timewait.value), &[closed, &timewait]);
    let inuse6 = books.inuse6.clone().or_else(|| case.counter("ss.row.tcp.ipv6"));
    let upper = alloc.value.saturating_sub(inuse4.value);
    let by_sockstat = inuse6.as_ref().map_or(upper, |f| upper.saturating_sub(f.value));
    let at: Vec<_> = by_ss.at.iter().chain(&alloc.at).chain(inuse6.iter().flat_map(|f| &f.at)).cloned().collect();
    let slack = OF_ALLOCATED.at(alloc.value.saturating_abs().max(by_ss.value.saturating_abs()));
    let excess = by_ss.value.saturating_sub(by_sockstat);
    let fits = excess <= slack && (inuse6.is_none() || excess >= slack.saturating_neg());
    let bound = if inuse6.is_none() { "at most " } else { "" };
    let both = format!(
        "TCP sockets in no table: {} by ss -s (closed - timewait), {bound}{} by sockstat (alloc - inuse)",
        number(by_ss.value),
        number(by_sockstat)
    );
    if fits {
        return Checked::agree(both, at);
    }
    Checked::disagree(format!("{both}: read at different moments, on different hosts, or one of them inside of a container"), at)
        .undermining()
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const SS: &str = "Total: 994\nTCP:   968 (estab 22, closed 936, orphaned 0, timewait 8)\n\
                      Transport Total     IP        IPv6\nTCP\t  32        27        5        \n";

    #[test]
    fn two_sources_for_one_number() {
        let sockstat = "sockets: used 990\nTCP: inuse 27 orphan 0 tw 8 alloc 960 mem 290\n";
        let made = check("closed-vs-alloc", &[("ss-s", SS), ("sockstat", sockstat), ("sockstat6", "TCP6: inuse 5\n")]);
        assert_eq!(made.status, Status::Agree);
        assert!(made.says.contains("928 by ss -s (closed - timewait), 928 by sockstat"), "{}", made.says);
        let busy = sockstat.replace("inuse 27", "inuse 827");
        assert_eq!(status("closed-vs-alloc", &[("ss-s", SS), ("sockstat", &busy)]), Status::Disagree);
        assert_eq!(status("closed-vs-alloc", &[("sockstat", sockstat)]), Status::Skipped);
        assert_eq!(status("closed-vs-alloc", &[("ss-s", SS)]), Status::Skipped);
    }

    #[test]
    fn without_ipv6_it_is_a_bound() {
        let ss = "Total: 994\nTCP:   968 (estab 22, closed 436, orphaned 0, timewait 8)\n";
        let sockstat = "sockets: used 990\nTCP: inuse 27 orphan 0 tw 8 alloc 960 mem 290\n";
        assert_eq!(status("closed-vs-alloc", &[("ss-s", ss), ("sockstat", sockstat)]), Status::Agree);
    }
}
