//! Whether the sockets outside of every table hold local ports.

use super::Checked;
use crate::causes::{Case, number};

/// Below this many unhashed sockets nothing is asked: what a few do is no pattern.
const MANY: i64 = 100;
/// Ports in use beyond what connections explain, in percent of the unhashed sockets, from which those must hold them. Far below half,
/// the leaked sockets hold none; far above, each holds one; the middle does not occur.
const SHARE: i64 = 50;

check! {
    /// Whether the sockets outside of every table hold local ports.
    ///
    /// # Compared
    /// `ports` of an old `ss -s` (local ports in use), less hashed TCP sockets and time-wait entries, each of which may hold one, with
    /// closed − timewait.
    ///
    /// # Scope
    /// `ports` counts objects of the slab cache tcp_bind_bucket, of the whole host. It is 0 where slabinfo could not be read or the cache
    /// is merged into another, so 0 says nothing.
    ///
    /// # Tolerance
    /// Half of the unhashed sockets: either nearly all of them hold a port or nearly none does.
    ///
    /// # When they agree
    /// The unhashed sockets hold no local port: they were never bound, or their connect failed, or their connection is over. Local ports
    /// do not run out because of them.
    ///
    /// # When they disagree
    /// The unhashed sockets are bound: something binds and then neither listens nor connects, and ports run out with it.
    ///
    /// # Source
    /// `net/ipv4/inet_hashtables.c`, iproute2 `misc/ss.c`; formats.md identity 14.
    PortsVsUnhashed, "ports-vs-unhashed", make
}

fn make(case: &Case<'_>) -> Checked {
    let books = &case.ledger.books;
    let (Some(ports), Some(unhashed)) = (&books.ports, &books.unhashed) else {
        return Checked::skipped("no ss -s with a number of ports was captured");
    };
    if ports.value <= 0 {
        return Checked::skipped("ss could not count ports (slabinfo unreadable, or its cache merged): 0 says nothing");
    }
    if unhashed.value < MANY {
        return Checked::skipped(format!("only {} TCP sockets are in no table", number(unhashed.value)));
    }
    let connected = books.ss_hashed.as_ref().map_or(0, |f| f.value).saturating_add(books.timewait.as_ref().map_or(0, |f| f.value));
    let spare = ports.value.saturating_sub(connected);
    let at = ports.at.iter().chain(&unhashed.at).cloned().collect();
    let both = format!("{} local ports are in use, {} TCP sockets are in no table", number(ports.value), number(unhashed.value));
    if spare >= unhashed.value / 100 * SHARE {
        return Checked::disagree(format!("{both}: those sockets are bound to ports, which may run out"), at);
    }
    Checked::agree(format!("{both}: those sockets hold no local port, so ports do not run out because of them"), at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    #[test]
    fn bound_or_not() {
        let with = |ports: u32| {
            let ss = format!(
                "Total: 2994 (kernel 3000)\nTCP:   2968 (estab 22, closed 2936, orphaned 0, synrecv 0, timewait 8/0), ports {ports}\n\
                 TCP\t  32        27        5        \n"
            );
            status("ports-vs-unhashed", &[("ss-s", &ss)])
        };
        assert_eq!(with(203), Status::Agree);
        assert_eq!(with(2900), Status::Disagree);
        assert_eq!(with(0), Status::Skipped);
        assert_eq!(
            status("ports-vs-unhashed", &[("ss-s", "Total: 94\nTCP:   68 (estab 22, closed 36, orphaned 0, timewait 8)\n")]),
            Status::Skipped
        );
    }
}
