//! Thresholds of the reasoning, each with its unit and reason; `--config` can change them.

use serde::Deserialize;

/// From how many on a pile is worth a suspicion. All are numbers of sockets held by one program unless said otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// TCP sockets in no connection state. A healthy program keeps none for long; a handful are races of the capture.
    pub closed: u64,
    /// CLOSE-WAIT. Idle pools keep up to some tens until their next use.
    pub close_wait: u64,
    /// SYN-SENT to one remote. A burst of a crawler goes to many remotes.
    pub syn_sent: u64,
    /// Listeners of one program on one address. `SO_REUSEPORT` servers open one a core, so this stays above any core count in use.
    pub listen: u64,
    /// UDP sockets. Resolvers and pollers keep pools of some tens by design.
    pub udp: u64,
    /// Unix sockets of one program. Hubs have hundreds, but then with as many peers.
    pub unix: u64,
    /// Netlink sockets. Daemons need a few each.
    pub netlink: u64,
    /// Packet sockets. Capture tools open one an interface.
    pub packet: u64,
    /// Raw sockets.
    pub raw: u64,
    /// epoll instances. Event loops open one a thread.
    pub eventpoll: u64,
    /// Established connections, below which nothing is said of them.
    pub established: u64,
    /// FIN-WAIT sockets that a descriptor still holds.
    pub fin_wait: u64,
    /// TIME-WAIT entries, from which they are worth a word.
    pub time_wait: u64,
    /// Percent of a limit from which it counts as near.
    pub near_limit: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            closed: 24,
            close_wait: 64,
            syn_sent: 100,
            listen: 128,
            udp: 200,
            unix: 400,
            netlink: 24,
            packet: 24,
            raw: 24,
            eventpoll: 192,
            established: 200,
            fin_wait: 64,
            time_wait: 2000,
            near_limit: 90,
        }
    }
}
