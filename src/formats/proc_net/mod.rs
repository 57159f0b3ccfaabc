//! The socket tables of `/proc/net` (and `/proc/PID/net`): tcp, udp, udplite, raw, icmp with their IPv6 twins, unix, netlink, packet,
//! and the census by protocol.
//!
//! All show one network namespace: that of the reader, or of the process in the path. None lists a TCP socket in CLOSE; UDP ones are
//! listed once they have a port, unix ones from their creation on, netlink ones once bound. A table may be concatenated with others
//! (`cat /proc/net/tcp /proc/net/tcp6`); a note on a new reading is given only when a protocol comes a second time.

mod inet;
mod others;
#[cfg(test)]
mod tests;

pub use inet::ProcNetTcp;
pub use others::{ProcNetNetlink, ProcNetPacket, ProcNetProtocols, ProcNetUnix};

use super::scan;

/// The words of a path or command that name a table: `proc/4684/net/tcp6`, `net_tcp6-k6.18.txt`, `cat /proc/net/tcp /proc/net/udp`.
fn table_names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| !b.is_ascii_alphanumeric()).filter(|w| !w.is_empty())
}

/// Whether a command prints the table `name` of `/proc/net`. (`/proc/sys/net/ipv4/tcp_mem` is none of them.)
fn prints(command: &[u8], name: &[u8]) -> bool {
    let is_table = |word: &[u8]| {
        memchr::memrchr(b'/', word).and_then(|slash| word.split_at_checked(slash)).is_some_and(|(directory, file)| {
            directory.ends_with(b"/net") && file.strip_prefix(b"/").map(|f| f.strip_suffix(b"*").unwrap_or(f)) == Some(name)
        })
    };
    scan::Fields::new(command).any(is_table) && !super::prompt::counts(command)
}
