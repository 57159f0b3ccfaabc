//! TCP sockets outside of every table, by the kernel's count and by what processes hold.

use super::Checked;
use super::held;
use super::slack::Slack;
use crate::capture::process::Proc;
use crate::capture::sockets::Sockets;
use crate::capture::{Quote, Snapshot};
use crate::causes::{Case, number};
use crate::facts::{DescriptorKind, Protocol};
use crate::ledger::{Kind, sets};

/// Listing the descriptors of a host takes seconds, in which a leak goes on and short-lived sockets come and go.
const LISTING_TIME: Slack = Slack { absolute: 100, percent: 5 };

check! {
    /// TCP sockets outside of every table, by the kernel's count and by what processes hold.
    ///
    /// # Compared
    /// closed − timewait of `ss -s` (or alloc − inuse of sockstat) with the different socket inodes over all processes that lsof found in
    /// no table (`can't identify protocol`, `protocol: TCP`), each once however many processes hold it; for processes whose descriptors
    /// were listed without looking them up, the inodes that no table knows. Lines that somebody counted (`lsof | wc -l`) bound what a
    /// listing can hold.
    ///
    /// # Scope
    /// The kernel's count contains hashed sockets of other network namespaces. Listings must cover all processes, with privilege, to be
    /// compared; an excerpt can only hold less.
    ///
    /// # Tolerance
    /// 5 % and 100: a listing takes seconds, in which a leak goes on.
    ///
    /// # When they agree
    /// The listed processes hold all such sockets: the leak is located completely, and the kernel itself loses none.
    ///
    /// # When they disagree
    /// Fewer are held: processes in other pid namespaces, or beyond the capture's privilege, hold the rest; or the listing is of another
    /// moment. More are held: the sockets are of other families, or of processes in other network namespaces.
    ///
    /// # Source
    /// formats.md section 8, identity 4.
    UnhashedVsHeld, "unhashed-vs-held", make
}

fn make(case: &Case<'_>) -> Checked {
    let ledger = case.ledger;
    let Some(unhashed) = &ledger.books.unhashed else {
        return Checked::skipped("neither ss -s nor sockstat was captured");
    };
    let (count, mut at) = held_unhashed(case);
    at.extend(unhashed.at.iter().cloned());
    let bound = if ledger.books.unhashed_is_bound { "at most " } else { "" };
    let kernel = format!("the kernel counts {bound}{} TCP sockets in no table", number(unhashed.value));
    if let Some(lines) = whole_listing_lines(case.snapshot)
        && ledger.books.foreign.is_none()
        && !ledger.books.unhashed_is_bound
        && LISTING_TIME.at(unhashed.value) < unhashed.value.saturating_sub(lines.0)
    {
        at.push(lines.1);
        return Checked::disagree(
            format!(
                "{kernel}, but a listing of all processes had {} lines in all: it was made at another moment (after a restart?), on another \
                 host, or without the privilege to see all processes",
                number(lines.0)
            ),
            at,
        );
    }
    if !case.snapshot.processes.values().any(|p| !p.lists.is_empty()) {
        return Checked::skipped(format!("{kernel}; no descriptors of processes were captured"));
    }
    let both = format!("{kernel}, the listed processes hold {}", number(count));
    if let Some(why) = &ledger.books.foreign {
        return Checked::skipped(format!("{both}; {why}"));
    }
    if LISTING_TIME.covers(unhashed.value, count) {
        return Checked::agree(both, at);
    }
    if count > unhashed.value {
        return Checked::disagree(
            format!("{both}: the rest is of other families or other network namespaces, or the two are of different moments"),
            at,
        )
        .undermining();
    }
    if ledger.books.unhashed_is_bound {
        return Checked::skipped(format!("{both}; IPv6 sockets in use were not captured"));
    }
    if !ledger.all_listed {
        return Checked::skipped(format!("{both}, but not all processes and descriptors were listed"));
    }
    Checked::disagree(
        format!("{both}: the holders of the others are not visible (other pid or network namespaces), or the kernel itself keeps them"),
        at,
    )
    .undermining()
}

/// Different sockets in no table over all processes, with rows that show them.
fn held_unhashed(case: &Case<'_>) -> (i64, Vec<Quote>) {
    let mut sockets = Vec::new();
    let mut others = 0i64;
    let mut at = Vec::new();
    for (pid, proc) in &case.snapshot.processes {
        let holding = case.ledger.holdings.get(pid);
        if holding.is_some_and(|h| h.foreign.is_some()) {
            continue;
        }
        let looked_up = proc.lists.iter().any(held::looks_up);
        let own = if looked_up { unlisted(proc, &mut sockets, &mut at) } else { 0 };
        let counted = holding.and_then(|h| h.count(Kind::Closed)).map_or(0, |c| super::rows::signed(c.0));
        // Another listing of the same process may show more, where lsof was cut.
        let known = own.saturating_add(super::rows::signed(shown(proc)));
        others = others.saturating_add(if looked_up { own.saturating_add(counted.saturating_sub(known).max(0)) } else { counted });
        if at.len() < 2 && !looked_up && counted > 0 {
            at.extend(held::row_of(proc, DescriptorKind::Socket));
        }
    }
    // What a table lists in a connection state lsof met before or after.
    let unknown = sets::Union::of(sockets).missing(&case.ledger.connected);
    if at.is_empty() {
        at.extend(case.snapshot.processes.values().find_map(|p| held::row_of(p, DescriptorKind::Socket)));
    }
    (super::rows::signed(unknown as u64).saturating_add(others), at)
}

/// Adds the sockets that lsof found in no table; returns the rows whose inode is not told.
fn unlisted<'a>(proc: &'a Proc, sockets: &mut Vec<&'a Sockets>, at: &mut Vec<Quote>) -> i64 {
    let tcp = |p: Option<Protocol>| p.is_none_or(Protocol::is_tcp);
    let mut hidden = 0;
    for list in proc.lists.iter().filter(|l| held::looks_up(l)) {
        let mut rows = 0;
        for class in list.sockets().filter(|c| c.unlisted && tcp(c.protocol)) {
            sockets.push(&class.sockets);
            rows += class.rows.saturating_sub(class.sockets.len() as u64);
            if at.len() < 2 {
                at.extend(class.quotes.first());
            }
        }
        hidden = hidden.max(super::rows::signed(rows));
    }
    hidden
}

/// How many sockets that lsof found in no table one process is shown to hold.
fn shown(proc: &Proc) -> u64 {
    let lists = proc.lists.iter().filter(|l| held::looks_up(l));
    let each = lists.map(|l| l.sockets().filter(|c| c.unlisted).map(|c| c.sockets.distinct() as u64).sum());
    each.max().unwrap_or(0)
}

/// Lines of an lsof of all processes, as a pipeline counted them.
fn whole_listing_lines(snapshot: &Snapshot) -> Option<(i64, Quote)> {
    let whole = |command: &str| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let lsof = words.iter().position(|w| w.rsplit('/').next() == Some("lsof"));
        let only_counts = |rest: &[&str]| match rest.iter().position(|w| *w == "|") {
            Some(pipe) => {
                rest.iter().take(pipe).all(|w| ["-n", "-P", "-nP", "-Pn", "+c0", "-w"].contains(w))
                    && rest.get(pipe + 1..) == Some(&["wc", "-l"])
            }
            None => false,
        };
        lsof.and_then(|n| words.get(n + 1..)).is_some_and(only_counts)
    };
    let tally = snapshot.tallies.iter().filter(|t| t.label.is_empty() && whole(&t.command)).max_by_key(|t| t.value)?;
    Some((super::rows::signed(tally.value), tally.quote.clone()))
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const HEAD: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";

    fn lsof(sockets: u32) -> String {
        let mut text = String::from(HEAD);
        for (pid, name) in [(1, "init"), (2, "sshd"), (3, "cron")] {
            text.push_str(&format!("{name:8} {pid} root 0u CHR 1,3 0t0 4 /dev/null\n"));
        }
        for n in 0..sockets {
            text.push_str(&format!("java 4684 apps {}u sock 0,8 0t0 {} protocol: TCP\n", 10 + n, 5000 + n));
        }
        text
    }

    fn books(unhashed: u32) -> String {
        format!("Total: 994\nTCP:   {} (estab 22, closed {}, orphaned 0, timewait 8)\n", unhashed + 40, unhashed + 8)
    }

    #[test]
    fn held_and_counted() {
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905)), ("lsof", &lsof(900))]), Status::Agree);
        let made = check("unhashed-vs-held", &[("ss-s", &books(905)), ("lsof", &lsof(3))]);
        assert_eq!((made.status, made.undermines), (Status::Disagree, true));
        assert!(made.at.len() >= 2, "both sides");
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(5)), ("lsof", &lsof(900))]), Status::Disagree);
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905))]), Status::Skipped);
        assert_eq!(status("unhashed-vs-held", &[("lsof", &lsof(900))]), Status::Skipped);
    }

    #[test]
    fn an_excerpt_is_no_contradiction() {
        let some = "java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol\n";
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905)), ("lsof", &format!("$ lsof | grep sock\n{some}"))]), Status::Skipped);
    }

    #[test]
    fn what_an_lsof_that_was_cut_lacks_is_counted_by_the_descriptors() {
        let links: String = (0..900).map(|n| format!("lrwx------ 1 a a 64 Nov 22 14:19 {} -> socket:[{}]\n", 10 + n, 5000 + n)).collect();
        let with = |fd: &str| status("unhashed-vs-held", &[("ss-s", &books(905)), ("lsof", &lsof(500)), ("proc/4684/fd", fd)]);
        assert_eq!((with(&format!("total 0\n{links}")), with("total 0\n")), (Status::Agree, Status::Disagree));
    }

    #[test]
    fn a_socket_that_two_processes_hold_is_one() {
        let mut twice = lsof(900);
        twice.push_str(&lsof(900).replace(HEAD, "").replace("java 4684", "java 4685"));
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905)), ("lsof", &twice)]), Status::Agree);
    }

    #[test]
    fn a_listing_of_fewer_lines_than_sockets() {
        let counted = "$ lsof | wc -l\n700\n";
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905)), ("counts", counted)]), Status::Disagree);
        assert_eq!(status("unhashed-vs-held", &[("ss-s", &books(905)), ("counts", "$ lsof -p 7 | wc -l\n700\n")]), Status::Skipped);
    }
}
