//! TCP sockets allocated, by `ss -s` and by sockstat.

use super::Checked;
use super::slack::Slack;
use crate::causes::{Case, number};

/// Both are the same number of the kernel, read by two commands of one capture: seconds apart at most. A leak of a thousand a minute or a
/// busy proxy moves it by a few percent in that time.
const SAME_CAPTURE: Slack = Slack { absolute: 100, percent: 5 };
/// From here on it is not growth any more: one is less than half of the other.
const OTHER_MOMENT: Slack = Slack { absolute: 100, percent: 50 };

check! {
    /// TCP sockets allocated, by `ss -s` and by sockstat.
    ///
    /// # Compared
    /// total − synrecv − timewait of `ss -s` with `TCP: alloc` of `/proc/net/sockstat`. Both are numbers of sockets.
    ///
    /// # Scope
    /// Both are of the whole host, all network namespaces, IPv4 and IPv6.
    ///
    /// # Tolerance
    /// 5 % and 100: it is one number of the kernel read by two commands, so only what happened between them may differ.
    ///
    /// # When they agree
    /// Both files are of one host and of nearly one moment.
    ///
    /// # When they disagree
    /// They are of different moments, and the difference is what piled up (or went away) between them; or of different hosts.
    ///
    /// # Source
    /// `net/ipv4/proc.c`, iproute2 `misc/ss.c`; formats.md identity 2.
    SsVsSockstatAlloc, "ss-vs-sockstat-alloc", make
}

fn make(case: &Case<'_>) -> Checked {
    let books = &case.ledger.books;
    let (Some(ss), Some(sockstat)) = (&books.ss_alloc, &books.alloc) else {
        return Checked::skipped("ss -s and /proc/net/sockstat were not both captured");
    };
    let at = ss.at.iter().chain(&sockstat.at).cloned().collect();
    let (a, b) = (ss.value, sockstat.value);
    let both = format!("ss -s counts {} TCP sockets allocated, sockstat {}", number(a), number(b));
    if SAME_CAPTURE.covers(a, b) {
        return Checked::agree(both, at);
    }
    let made = Checked::disagree(
        format!(
            "{both}: the two were read at different moments, {} sockets apart, or on different hosts",
            number(a.saturating_sub(b).saturating_abs())
        ),
        at,
    );
    if OTHER_MOMENT.covers(a, b) { made } else { made.undermining() }
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const SS: &str = "Total: 994\nTCP:   968 (estab 22, closed 936, orphaned 0, timewait 8)\n";

    #[test]
    fn same_and_other_moment() {
        let sockstat = |alloc: u32| format!("sockets: used 990\nTCP: inuse 27 orphan 0 tw 8 alloc {alloc} mem 290\n");
        let made = |alloc| check("ss-vs-sockstat-alloc", &[("ss-s", SS), ("sockstat", &sockstat(alloc))]);
        assert_eq!(made(1000).status, Status::Agree);
        assert_eq!((made(1300).status, made(1300).undermines), (Status::Disagree, false));
        assert_eq!((made(100).status, made(100).undermines), (Status::Disagree, true));
        assert_eq!(made(1300).at.len(), 2, "both sides are cited");
        assert_eq!(status("ss-vs-sockstat-alloc", &[("ss-s", SS)]), Status::Skipped);
    }
}
