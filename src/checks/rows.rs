//! Rows of socket tables, summed up as the kernel's counters count them.

use crate::capture::Quote;
use crate::capture::table::Group;
use crate::facts::SocketState;
use crate::ledger::{Family, Ledger, View};

/// TCP rows of one reading of the tables of one network namespace.
///
/// FIN-WAIT-2 is two things: a socket, or a time-wait entry that the kernel keeps for a closed one. Only the timer (`ss -o`, `/proc`)
/// tells them apart, or an inode; where neither is printed, a range remains.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpRows {
    /// Sockets in the hash tables, at least.
    pub hashed_low: i64,
    /// And at most.
    pub hashed_high: i64,
    /// Time-wait entries, at least.
    pub timewait_low: i64,
    /// And at most.
    pub timewait_high: i64,
    /// Sockets that still close without a file, at least.
    pub orphans_low: i64,
    /// And at most.
    pub orphans_high: i64,
    /// Listeners; 0 means that the table leaves them out.
    pub listening: i64,
    /// ESTAB.
    pub established: i64,
    /// CLOSE-WAIT.
    pub close_wait: i64,
    /// ESTAB and CLOSE-WAIT without a file: they wait to be accepted.
    pub waiting: i64,
    /// Whether a command printed them, which can be told to leave rows out.
    pub by_command: bool,
    /// Unread and unsent bytes of connections.
    pub queued_bytes: i64,
}

/// The best whole reading of the TCP table.
pub fn whole<'v, 'a>(ledger: &'v Ledger<'a>) -> Option<&'v View<'a>> {
    ledger.best(Family::Tcp).filter(|v| !v.partial)
}

/// The best whole reading of the TCP table by some tools.
pub fn whole_by<'v, 'a>(ledger: &'v Ledger<'a>, tool: impl Fn(&str) -> bool) -> Option<&'v View<'a>> {
    ledger
        .views
        .iter()
        .filter(|v| v.netns.is_none() && !v.partial && v.count(Family::Tcp) > 0 && v.tables.iter().all(|t| tool(t.format)))
        .max_by_key(|v| (v.has_inodes(), v.count(Family::Tcp)))
}

impl TcpRows {
    /// Sums up a view.
    pub fn of(view: &View<'_>) -> TcpRows {
        let timers = view.groups(Family::Tcp).any(|g| g.timewait_timer + g.retransmitting + g.keepalive > 0);
        let inodes = view.has_inodes();
        let mut rows = TcpRows { by_command: tool(view) != "/proc/net", ..TcpRows::default() };
        for group in view.groups(Family::Tcp) {
            rows.add(group, timers, inodes);
        }
        rows
    }

    /// Whether there are listeners and nothing else, as `ss -l` shows (and a host without any connection).
    pub fn only_listeners(&self) -> bool {
        self.by_command && self.listening > 0 && self.hashed_high == self.listening && self.timewait_high == 0
    }

    fn add(&mut self, g: &Group, timers: bool, inodes: bool) {
        let (count, no_file) = (signed(g.count), signed(g.no_file));
        let mut hashed = (count, count);
        match g.state {
            SocketState::TimeWait => {
                self.timewait_low += count;
                self.timewait_high += count;
                return;
            }
            SocketState::SynRecv | SocketState::Unconn | SocketState::Closed | SocketState::Unknown => return,
            SocketState::FinWait2 => {
                let (low, high) = if timers {
                    (signed(g.timewait_timer), signed(g.timewait_timer))
                } else if inodes {
                    (0, no_file)
                } else {
                    (0, count)
                };
                self.timewait_low += low;
                self.timewait_high += high;
                hashed = (count - high, count - low);
                self.orphans_low += (no_file - high).max(0);
                self.orphans_high += (no_file - low).max(0);
            }
            SocketState::FinWait1 | SocketState::LastAck | SocketState::Closing => {
                self.orphans_low += no_file;
                self.orphans_high += no_file;
            }
            SocketState::Listen => self.listening += count,
            SocketState::Established => {
                self.established += count;
                self.waiting += no_file;
            }
            SocketState::CloseWait => {
                self.close_wait += count;
                self.waiting += no_file;
            }
            SocketState::SynSent => {}
        }
        self.hashed_low += hashed.0;
        self.hashed_high += hashed.1;
        if g.state != SocketState::Listen {
            self.queued_bytes = self.queued_bytes.saturating_add(signed(g.recv_q)).saturating_add(signed(g.send_q));
        }
    }
}

/// Rows that a check is about, for citing; where there are none, a row of the same table stands for it.
pub fn cite(view: &View<'_>, is: impl Fn(&Group) -> bool) -> Vec<Quote> {
    let mut found: Vec<Quote> = view.groups(Family::Tcp).filter(|g| is(g)).filter_map(|g| g.quotes.first()).take(2).collect();
    if found.is_empty() {
        found.extend(view.groups(Family::Tcp).find_map(|g| g.quotes.first()));
    }
    found
}

/// What a view is called in a sentence.
pub fn tool(view: &View<'_>) -> &'static str {
    match view.tables.first().map_or("", |t| t.format) {
        "ss" => "ss",
        "netstat" => "netstat",
        _ => "/proc/net",
    }
}

/// A count as the books have it.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
