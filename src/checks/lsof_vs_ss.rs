//! The sockets that lsof identifies against those of the tables, by inode.

use super::{Checked, held};
use crate::capture::Quote;
use crate::capture::sockets::Sockets;
use crate::causes::{Case, number};
use crate::facts::{Protocol, SocketState};
use crate::ledger::{Family, Kind, sets};

/// Fewer sockets than this prove nothing: connections of a busy host live for less than the time between two commands.
const FEW: usize = 8;
/// Percent of lsof's sockets that a table of the same namespace must share at least. All of them would be, if not for churn.
const SHARED: usize = 10;
/// Percent of lsof's unidentified sockets that a table may know: those created while lsof was reading.
const RACE: usize = 30;
/// So many always may be.
const RACING: usize = 32;
/// Why nothing is compared.
const ONE_SIDED: &str = "lsof and a whole table with inodes were not both captured";

check! {
    /// The sockets that lsof identifies against those of the tables, by inode.
    ///
    /// # Compared
    /// Inodes of the TCP sockets that lsof shows with their ends, and of those it found in no table, with the inodes in ss (`-e`),
    /// netstat (`-e`) or `/proc/net/tcp`.
    ///
    /// # Scope
    /// Inodes are of the whole host; both tools read the tables of the network namespace they run in.
    ///
    /// # Tolerance
    /// Of the identified ones a tenth must be in the table, because connections of a busy host live shorter than the time between the
    /// two commands; listeners do not. Of the unidentified ones 30 % and 32 may be in it: they came to be while lsof was reading.
    ///
    /// # When they agree
    /// Both tools read the same network namespace.
    ///
    /// # When they disagree
    /// Nothing in common: they ran in different network namespaces or on different hosts. Unidentified sockets that a table knows: lsof
    /// could not read the tables, or ran in another network namespace, so that its `can't identify protocol` means nothing.
    ///
    /// # Source
    /// lsof `dialects/linux/dsock.c`; formats.md sections 5.5 and 8, identity 16.
    LsofVsSs, "lsof-vs-ss", make
}

/// Sockets that lsof shows, with a row.
#[derive(Default)]
struct Side<'a> {
    sockets: Vec<&'a Sockets>,
    at: Option<Quote>,
}

/// How many sockets there are, and of them in the table.
#[derive(Clone, Copy)]
struct Count {
    all: usize,
    known: usize,
}

impl Side<'_> {
    fn count(&self, table: &[u32]) -> Count {
        let union = sets::Union::of(self.sockets.iter().copied());
        let all = union.count();
        Count { all, known: all - union.missing(table) }
    }
}

fn make(case: &Case<'_>) -> Checked {
    let (mut table, mut table_at) = (Vec::new(), None);
    let (mut listed, mut listeners, mut unidentified) = (Side::default(), Side::default(), Side::default());
    // Nothing is compared where one side was not captured.
    let captured = case.snapshot.processes.values().flat_map(|p| &p.lists).any(held::looks_up);
    for view in case.ledger.views.iter().filter(|v| captured && v.netns.is_none() && !v.partial) {
        for t in &view.tables {
            let connected = |n: u32| {
                t.groups
                    .get(n as usize)
                    .is_some_and(|g| Family::of(g.protocol) == Family::Tcp && Kind::of_socket(g.protocol, g.state) != Some(Kind::Closed))
            };
            let before = table.len();
            table.extend(t.rows.iter().filter(|r| connected(r.1)).map(|r| r.0));
            if table_at.is_none() && table.len() > before {
                table_at = t.groups.iter().find(|g| g.protocol.is_tcp()).and_then(|g| g.quotes.first());
            }
        }
    }
    // Without a table there is nothing to look for.
    let processes = case.snapshot.processes.iter().filter(|_| !table.is_empty());
    for (pid, proc) in processes {
        if case.ledger.holdings.get(pid).is_some_and(|h| h.foreign.is_some()) {
            continue;
        }
        for class in proc.lists.iter().filter(|l| held::looks_up(l)).flat_map(|l| l.sockets()) {
            let tcp = class.protocol.is_some_and(Protocol::is_tcp);
            let side = match (class.unlisted, class.state) {
                (true, _) if tcp || class.protocol.is_none() => &mut unidentified,
                (false, Some(SocketState::Listen)) if tcp => &mut listeners,
                (false, Some(_)) if tcp => &mut listed,
                _ => continue,
            };
            side.sockets.push(&class.sockets);
            side.at = side.at.take().or_else(|| class.quotes.first());
        }
    }
    if table.is_empty() {
        return Checked::skipped(ONE_SIDED);
    }
    let table = sets::sorted(table);
    let (lists, bound, open) = (listed.count(&table), listeners.count(&table), unidentified.count(&table));
    let at = [table_at, listed.at, listeners.at, unidentified.at].into_iter().flatten().collect();
    judge(lists, bound, open, at)
}

/// Holds the sockets that lsof identifies as connections, those as listeners, and those it does not identify against the table.
fn judge(listed: Count, listeners: Count, unidentified: Count, at: Vec<Quote>) -> Checked {
    let identified = listed.all + listeners.all;
    if identified + unidentified.all == 0 {
        return Checked::skipped(ONE_SIDED);
    }
    let count = |n: usize| number(super::rows::signed(n as u64));
    if unidentified.known > RACING + unidentified.all * RACE / 100 {
        let says = format!(
            "the table knows {} of the {} sockets that lsof could not identify: lsof could not read the tables, or read those of another \
             network namespace",
            count(unidentified.known),
            count(unidentified.all)
        );
        return Checked::disagree(says, at).undermining();
    }
    let both =
        format!("lsof identifies {} TCP sockets, of which the table has {}", count(identified), count(listed.known + listeners.known));
    let strangers = listed.known * 100 < listed.all * SHARED || listed.all == 0;
    if identified >= FEW && strangers && listeners.known == 0 {
        return Checked::disagree(format!("{both}: they are of different network namespaces or hosts"), at).undermining();
    }
    if identified == 0 {
        return Checked::agree(
            format!("of {} sockets that lsof could not identify, the table knows {}", count(unidentified.all), count(unidentified.known)),
            at,
        );
    }
    Checked::agree(both, at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    fn lsof(name: &str) -> String {
        let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for n in 0..100 {
            text.push_str(&format!("java 4684 apps {}u {name}\n", 10 + n).replace("INODE", &format!("{}", 5000 + n)));
        }
        text
    }

    fn table(first: u32) -> String {
        let mut text = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
        for n in 0..100 {
            text.push_str(&format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{} ino:{} sk:1\n", 9000 + n, first + n));
        }
        text
    }

    #[test]
    fn one_namespace_or_two() {
        let identified = lsof("IPv4 INODE 0t0 TCP 10.0.0.1:22->10.0.0.2:9 (ESTABLISHED)");
        assert_eq!(status("lsof-vs-ss", &[("lsof", &identified), ("ss-tane", &table(5000))]), Status::Agree);
        assert_eq!(status("lsof-vs-ss", &[("lsof", &identified), ("ss-tane", &table(800_000))]), Status::Disagree);
        assert_eq!(status("lsof-vs-ss", &[("lsof", &identified)]), Status::Skipped);
        let unidentified = lsof("sock 0,8 0t0 INODE protocol: TCP");
        assert_eq!(status("lsof-vs-ss", &[("lsof", &unidentified), ("ss-tane", &table(5000))]), Status::Disagree);
        assert_eq!(status("lsof-vs-ss", &[("lsof", &unidentified), ("ss-tane", &table(5090))]), Status::Agree);
    }
}
