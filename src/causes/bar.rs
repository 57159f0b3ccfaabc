//! From how many sockets on a pile is worth a suspicion: the thresholds are for one process, and a program may have hundreds.

use super::case::Case;
use super::say::number;
use crate::ledger::{Kind, Pile};
use std::fmt;

/// From how many on a pile is worth a suspicion.
pub struct Bar {
    /// So many sockets.
    pub count: u64,
    /// The processes it is for.
    pub processes: u64,
}

impl Bar {
    /// The threshold of the pile's kind, which is for one process. A pool of workers, or the same daemon in each session, holds in health a
    /// few in each: where no process has reached the threshold by itself, each further one adds what is ordinary.
    pub fn of(case: &Case<'_>, pile: &Pile) -> Bar {
        let threshold = threshold(case, pile.kind);
        let shares = pile.owner.as_ref().map_or(&[][..], |o| &o.pids);
        let alone = shares.len() < 2 || shares.iter().any(|(_, share)| *share >= threshold);
        let processes = if alone { 1 } else { shares.len() as u64 };
        Bar { count: threshold.saturating_add(ordinary(pile.kind) * (processes - 1)), processes }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "threshold {}", number(i64::try_from(self.count).unwrap_or(i64::MAX)))?;
        if self.processes > 1 { write!(f, " for {} processes", self.processes) } else { Ok(()) }
    }
}

/// How many of a kind a worker that does its work may hold at the moment of a capture.
pub fn ordinary(kind: Kind) -> u64 {
    match kind {
        // One that is being opened or closed just then.
        Kind::Closed | Kind::Unidentified => 1,
        // A kept connection to each of a few services, closed by them since its last use.
        Kind::CloseWait => 4,
        Kind::FinWait | Kind::SynSent | Kind::Raw => 2,
        // One connection that it serves and one to its store.
        Kind::Established => 2,
        Kind::Netlink => 8,
        Kind::Packet => 4,
        // A few source ports of a resolver.
        Kind::Udp => 16,
        // One for each thread.
        Kind::Eventpoll => 16,
        // Judged by address or by peer.
        Kind::Listen | Kind::Unix | Kind::TimeWait | Kind::File => 0,
    }
}

/// From how many on a pile of one process is worth a suspicion.
pub fn threshold(case: &Case<'_>, kind: Kind) -> u64 {
    let t = case.thresholds;
    match kind {
        Kind::Closed | Kind::Unidentified => t.closed,
        Kind::CloseWait => t.close_wait,
        Kind::SynSent => t.syn_sent,
        Kind::Established => t.established,
        Kind::Listen => t.listen,
        Kind::FinWait => t.fin_wait,
        Kind::TimeWait => t.time_wait,
        Kind::Udp => t.udp,
        Kind::Unix => t.unix,
        Kind::Netlink => t.netlink,
        Kind::Packet => t.packet,
        Kind::Raw => t.raw,
        Kind::Eventpoll => t.eventpoll,
        Kind::File => u64::MAX,
    }
}
