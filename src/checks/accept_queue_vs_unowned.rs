//! Connections waiting to be accepted, by the listeners and by rows.

use super::Checked;
use super::rows::{self, TcpRows};
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::facts::SocketState;

/// Between the listener's row and its last child's lie milliseconds.
const SAME_TABLE: Slack = Slack { absolute: 32, percent: 20 };
/// A queue longer than this is worth a word, although both sides agree.
const STUCK: i64 = 16;

check! {
    /// Connections waiting to be accepted, by the listeners and by rows.
    ///
    /// # Compared
    /// The sum of Recv-Q over LISTEN rows with the ESTAB and CLOSE-WAIT rows whose inode is 0: a connection has no file until it is
    /// accepted. Both in one table.
    ///
    /// # Scope
    /// One network namespace. A child that was reset keeps its place in the queue but loses its row, so a longer queue is no
    /// contradiction. netstat 1.60 and kernels before 2.6.18 print 0 for every queue.
    ///
    /// # Tolerance
    /// 20 % and 32: the table is read row by row while connections arrive.
    ///
    /// # When they agree
    /// Rows without an owner are explained by the queues. A queue that stays long means a server that does not accept: its threads hang.
    /// That is no descriptor leak.
    ///
    /// # When they disagree
    /// There are connections without a file that no queue explains: the table is put together from two moments, or the tool does not
    /// print queues.
    ///
    /// # Source
    /// `net/ipv4/tcp_diag.c`, `inet_csk_accept`; formats.md identity 9.
    AcceptQueueVsUnowned, "accept-queue-vs-unowned", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(view) = rows::whole(case.ledger).filter(|v| v.has_inodes()) else {
        return Checked::skipped("no whole table of TCP sockets with inodes was captured");
    };
    let listeners = || view.tables.iter().flat_map(|t| &t.listeners);
    if listeners().next().is_none() {
        return Checked::skipped("the table of TCP sockets leaves listeners out");
    }
    let queued = listeners().map(|l| rows::signed(l.queue.unwrap_or(0))).fold(0, i64::saturating_add);
    let waiting = TcpRows::of(view).waiting;
    let longest = listeners().max_by_key(|l| l.queue);
    let unowned = |g: &crate::capture::table::Group| g.no_file > 0 && matches!(g.state, SocketState::Established | SocketState::CloseWait);
    let at = longest.iter().map(|l| l.quote.clone()).chain(rows::cite(view, unowned)).collect();
    let both = format!("{} connections wait in accept queues, {} rows have no file", number(queued), number(waiting));
    if waiting > queued.saturating_add(SAME_TABLE.at(waiting)) {
        return Checked::disagree(
            format!("{both}: connections without a file that no accept queue explains, or queues that the tool does not print"),
            at,
        );
    }
    match longest.filter(|_| queued > STUCK) {
        Some(l) => Checked::agree(format!("{both}; the longest queue is that of {}: its server does not accept", case.show(l.local)), at),
        None => Checked::agree(both, at),
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn table(queue: usize, rows: usize) -> String {
        let mut text =
            format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN {queue} 128 0.0.0.0:22 0.0.0.0:* ino:5 sk:1\n");
        for n in 0..rows {
            text.push_str(&format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{} ino:0 sk:{n}\n", 9000 + n));
        }
        text
    }

    #[test]
    fn queue_and_rows() {
        let made = check("accept-queue-vs-unowned", &[("ss-tane", &table(129, 129))]);
        assert_eq!(made.status, Status::Agree);
        assert!(made.says.contains("does not accept"), "{}", made.says);
        assert_eq!(status("accept-queue-vs-unowned", &[("ss-tane", &table(0, 129))]), Status::Disagree);
        assert_eq!(status("accept-queue-vs-unowned", &[("ss-tane", &table(129, 0))]), Status::Agree, "reset children have no row");
        assert_eq!(
            status("accept-queue-vs-unowned", &[("ss-tan", &table(9, 9).replace(" ino:5 sk:1", "").replace(" ino:0", ""))]),
            Status::Skipped
        );
    }
}
