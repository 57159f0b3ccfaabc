//! What not to do: the mends that people reach for first and that do not help.

use crate::causes::{Claim, Class};
use crate::ledger::Kind;

/// What does not help against a finding, and why.
pub fn avoid(claim: &Claim) -> Vec<&'static str> {
    if claim.class != Class::Leak {
        return match claim.code {
            "time-wait-buildup" => vec!["do not set tcp_tw_recycle: it drops connections from behind NAT, and newer kernels lack it"],
            "port-exhaustion" => vec!["do not raise ulimit -n: ports are short, not descriptors"],
            "backlog-overflow" | "accept-stalled" => vec!["do not only raise the backlog: a queue that nobody empties fills at any length"],
            "threads-counted-as-files" => vec!["do not restart anything for this number"],
            _ => Vec::new(),
        };
    }
    let mut avoid = vec!["do not raise ulimit -n: the leak fills any limit, only later"];
    match claim.kind {
        Some(Kind::Udp | Kind::Unix | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Eventpoll) => {
            avoid.push("do not tune net.ipv4.tcp_*: these are no TCP sockets");
        }
        _ => avoid.push("do not tune tcp_tw_*: none of these sockets is in TIME-WAIT"),
    }
    avoid
}
