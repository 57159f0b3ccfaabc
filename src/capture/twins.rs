//! Sockets that two processes hold under one and the same descriptor number, as a child does what it was started with.

use super::quote::Quote;
use crate::facts::{At, Holder, Socket, SocketState};
use std::collections::BTreeMap;

/// Pairs of processes that are kept, at most.
const MAX_PAIRS: usize = 1024;
/// Holders of one row that are compared with the first.
const MAX_OTHERS: usize = 8;
/// Ports kept of a pair's listeners.
const MAX_PORTS: usize = 8;

/// What two processes hold under the same numbers.
#[derive(Clone, Debug)]
pub struct Twins {
    /// All such sockets.
    pub sockets: u64,
    /// Listening TCP sockets among them.
    pub listeners: u64,
    /// The first ports of these.
    pub ports: Vec<u16>,
    /// Connections among them whose peers have closed.
    pub closed: u64,
    /// The first row.
    pub quote: Quote,
}

/// By both processes, the lower number first.
pub type Pairs = BTreeMap<(u32, u32), Twins>;

/// Adds a row whose first holder is known.
pub(super) fn add(pairs: &mut Pairs, at: &At<'_>, s: &Socket<'_>, first: &Holder<'_>) {
    let Some(fd) = first.fd else { return };
    // systemd hands listeners over on purpose.
    let same = |h: &&Holder<'_>| h.fd == Some(fd) && h.pid != first.pid && h.pid > 1 && first.pid > 1;
    for other in s.holders.iter().filter(same).take(MAX_OTHERS) {
        let pids = (first.pid.min(other.pid), first.pid.max(other.pid));
        if pairs.len() >= MAX_PAIRS && !pairs.contains_key(&pids) {
            continue;
        }
        let new = || Twins { sockets: 0, listeners: 0, ports: Vec::new(), closed: 0, quote: Quote::keep(at) };
        let twins = pairs.entry(pids).or_insert_with(new);
        twins.sockets += 1;
        twins.closed += u64::from(s.protocol.is_tcp() && s.state == SocketState::CloseWait);
        if s.protocol.is_tcp() && s.state == SocketState::Listen {
            twins.listeners += 1;
            let port = s.local.map_or(0, |end| end.port);
            if port != 0 && twins.ports.len() < MAX_PORTS && !twins.ports.contains(&port) {
                twins.ports.push(port);
            }
        }
    }
}
