//! Rows of a socket table that share protocol, state and owner, summed up.

use super::end::End;
use super::intern::{Interner, Name};
use super::lines::Firsts;
use super::passing::Passing;
use super::tops::Tops;
use crate::facts::{Protocol, Socket, SocketState, TimerKind};

/// Rows that share protocol, state and owner.
#[derive(Debug)]
pub struct Group {
    /// The protocol.
    pub protocol: Protocol,
    /// The state.
    pub state: SocketState,
    /// The holder: the process, if the row names one.
    pub owner: Option<u32>,
    /// The holder's name as printed.
    pub command: Name,
    /// Rows.
    pub count: u64,
    /// Rows whose inode is 0: no file attached.
    pub no_file: u64,
    /// Rows with a file but no holder, in a table that shows holders.
    pub no_holder: u64,
    /// Rows with unread bytes.
    pub unread: u64,
    /// Rows with exactly one unread byte: in CLOSE-WAIT the FIN alone.
    pub unread_one: u64,
    /// Unread bytes in all.
    pub recv_q: u64,
    /// Unsent or unacknowledged bytes in all.
    pub send_q: u64,
    /// Rows with such bytes.
    pub unsent: u64,
    /// Rows whose retransmission timer runs.
    pub retransmitting: u64,
    /// The most retransmits of one row.
    pub max_retries: u32,
    /// Rows whose timer is the time-wait timer.
    pub timewait_timer: u64,
    /// Rows with a keepalive timer.
    pub keepalive: u64,
    /// Rows that tell how long nothing was received.
    pub idle_known: u64,
    /// Rows that received nothing for a minute.
    pub idle_minute: u64,
    /// Rows that received nothing for an hour.
    pub idle_hour: u64,
    /// The longest such time in milliseconds.
    pub idle_max_ms: u64,
    /// Remote ends.
    pub remotes: Tops<End>,
    /// Local ends.
    pub locals: Tops<End>,
    /// Paths of unix sockets.
    pub paths: Tops<Name>,
    /// Lowest and highest inode.
    pub inodes: Option<(u64, u64)>,
    /// The first rows.
    pub quotes: Firsts,
    passing: Passing,
}

/// What a row adds to its group, in the widths that the kernel has: `ss` and `/proc` print its 32-bit numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The local end.
    pub local: Option<End>,
    /// The remote end.
    pub remote: Option<End>,
    path: Option<Name>,
    inode: Option<u32>,
    recv_q: u32,
    send_q: u32,
    timer: Option<(TimerKind, u32)>,
    idle_ms: Option<u32>,
    /// Whether holders are shown and it has none.
    unheld: bool,
}

impl Group {
    pub(super) fn new(protocol: Protocol, state: SocketState, owner: Option<u32>, command: Name) -> Group {
        Group {
            protocol,
            state,
            owner,
            command,
            count: 0,
            no_file: 0,
            no_holder: 0,
            unread: 0,
            unread_one: 0,
            recv_q: 0,
            send_q: 0,
            unsent: 0,
            retransmitting: 0,
            max_retries: 0,
            timewait_timer: 0,
            keepalive: 0,
            idle_known: 0,
            idle_minute: 0,
            idle_hour: 0,
            idle_max_ms: 0,
            remotes: Tops::default(),
            locals: Tops::default(),
            paths: Tops::default(),
            inodes: None,
            quotes: Firsts::default(),
            passing: Passing::default(),
        }
    }

    /// Whether the local ports of its rows are mostly those of the range that begins at `low`: this host opened the connections. Those that
    /// something listens on were accepted, and say nothing of the others.
    pub fn uses_ports_from(&self, low: i64, listened: impl Fn(u16) -> bool) -> bool {
        // So many different ones are enough beside the address of a service.
        const ENOUGH: usize = 32;
        let opened = || self.locals.iter().map(|(end, _)| end.port()).filter(|&port| !listened(port));
        let handed_out = opened().filter(|&port| i64::from(port) >= low).count();
        handed_out > 0 && handed_out * 2 >= opened().count().min(ENOUGH)
    }

    /// All rows have come.
    pub fn seal(&mut self) {
        self.passing.seal(&mut self.locals);
        self.remotes.seal();
        self.paths.seal();
    }

    /// Counts a row.
    #[inline]
    pub(super) fn count(&mut self, row: &Row) {
        self.count += 1;
        match row.inode {
            Some(0) => self.no_file += 1,
            Some(i) => {
                let i = u64::from(i);
                let (low, high) = self.inodes.unwrap_or((i, i));
                self.inodes = Some((low.min(i), high.max(i)));
                self.no_holder += u64::from(row.unheld);
            }
            None => self.no_holder += u64::from(row.unheld),
        }
        if row.recv_q > 0 {
            self.unread += 1;
            self.unread_one += u64::from(row.recv_q == 1);
            self.recv_q = self.recv_q.saturating_add(u64::from(row.recv_q));
        }
        if row.send_q > 0 {
            self.unsent += 1;
            self.send_q = self.send_q.saturating_add(u64::from(row.send_q));
        }
        match row.timer {
            Some((TimerKind::On, retries)) => {
                self.retransmitting += 1;
                self.max_retries = self.max_retries.max(retries);
            }
            Some((TimerKind::Timewait, _)) => self.timewait_timer += 1,
            Some((TimerKind::Keepalive, _)) => self.keepalive += 1,
            _ => {}
        }
        if let Some(ms) = row.idle_ms {
            self.idle_known += 1;
            self.idle_minute += u64::from(ms >= 60_000);
            self.idle_hour += u64::from(ms >= 3_600_000);
            self.idle_max_ms = self.idle_max_ms.max(u64::from(ms));
        }
        if let Some(path) = row.path {
            self.paths.add(path);
        }
        if let Some(local) = row.local {
            self.passing.add(local, &mut self.locals);
        }
        if let Some(remote) = row.remote {
            self.remotes.defer(remote);
        }
    }
}

impl Row {
    /// What a group keeps of a row.
    pub(super) fn of(s: &Socket<'_>, names: &mut Interner) -> Row {
        Row {
            local: s.local.map(|e| End::keep(&e, names)),
            remote: s.remote.map(|e| End::keep(&e, names)),
            path: (!s.name.is_empty() && s.protocol == Protocol::Unix).then(|| names.add(s.name)),
            inode: s.inode.map(narrow),
            recv_q: s.recv_q.map_or(0, narrow),
            send_q: s.send_q.map_or(0, narrow),
            timer: s.timer.map(|t| (t.kind, t.retries)),
            idle_ms: s.last_received_ms.map(narrow),
            unheld: s.holders_shown && s.holders.is_empty(),
        }
    }
}

/// A number that the kernel keeps in 32 bits; a larger one is a damaged row.
#[inline]
fn narrow(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
