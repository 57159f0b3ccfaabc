//! Packet sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A monitor, DHCP client or discovery agent opens a packet socket per check and never closes it. Each one also receives a copy
    /// of every frame it asked for, so the host slows down as they pile up.
    ///
    /// # How it looks
    /// - lsof: rows of type `pack` with `type=SOCK_RAW` or an ethertype.
    /// - `ss -0p`: `p_raw` or `p_dgr` rows of one process. /proc/net/packet: one row each, with the inode.
    /// - netstat shows none of them. `ss -s`: the total grows. sockstat: `sockets: used` grows, and FRAG, RAW, TCP, UDP do not.
    /// - strace: `socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))`, `bind` to an interface, no `close`.
    /// - Receive queues (column Rmem, Recv-Q) fill up and stay full: nobody reads them.
    /// - log: `device eth0 entered promiscuous mode` once per socket, and no `left`.
    ///
    /// # Evidence for
    /// - Growth; a trace; full receive queues.
    ///
    /// # Evidence against
    /// - One per interface is normal for a capture tool, lldpd, dhclient or a monitor.
    ///
    /// # Mistaken for
    /// - A capture tool at work.
    /// - Softirq load of the network: it is the effect, since every frame is copied to each socket.
    ///
    /// # Confirm
    /// - `ss -0p`, twice; `wc -l /proc/net/packet`.
    ///
    /// # Now
    /// - Restart the program: CPU falls at once.
    ///
    /// # For good
    /// - C: close the socket (or pcap_close) on every path; one per interface, with a filter attached.
    /// - Go: `handle.Close()` of gopacket; Python: `with` around AF_PACKET sockets, and one for all of scapy's sends (`L2socket`).
    /// - All: bind to the ethertype that is needed instead of ETH_P_ALL.
    ///
    /// # References
    /// packet(7); net/packet/af_packet.c.
    PacketNotClosed, "packet-not-closed", leak, "packet sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "packet-not-closed", &[Kind::Packet], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a packet socket", |p| crate::ledger::leaves_open(Kind::Packet, p));
        support::by_logs(case, pile, claim, &["packet-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program; each of these sockets copies every frame".into()];
        claim.fix = vec!["keep one packet socket per interface, and close it".into()];
    })
}
