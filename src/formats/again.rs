//! Tables that were printed several times one behind the other, as a loop over `netstat | grep` leaves them: without headers only a
//! connection that comes again tells where the next one begins.

use super::host_mark;
use crate::facts::{Addr, Endpoint, Protocol, Socket};

/// What the table at hand began with.
#[derive(Debug, Default)]
pub struct First {
    connection: Option<Ends>,
    listener: Option<(Protocol, Ends)>,
    /// Whether a connection has come since the listener: until then a second one is another socket on the same port.
    passed: bool,
    /// Process, descriptor and far end of the first row that tells all three.
    held: Option<(u32, u32, Ends)>,
    /// Whether the command is run on one host after the other.
    over_hosts: bool,
}

type Ends = (Endpoint<'static>, Endpoint<'static>);

impl First {
    /// Whether this row is one of those that the table began with once more. Two TCP sockets of a network namespace never have both ends alike,
    /// listeners stand in front of connections, and a descriptor is of one socket.
    #[inline]
    pub fn comes_again(&mut self, socket: &Socket<'_>) -> bool {
        let again = self.is_known(socket);
        if again {
            // The next table begins with this row.
            self.reset();
            self.is_known(socket);
        }
        again
    }

    #[inline]
    fn is_known(&mut self, socket: &Socket<'_>) -> bool {
        let (Some(local), Some(remote)) = (socket.local, socket.remote) else { return false };
        if !socket.protocol.is_tcp() {
            return false;
        }
        if remote.port == 0 {
            return self.listens_again(socket.protocol, local, remote);
        }
        self.passed = true;
        match &self.connection {
            // Ports differ nearly always, and cost little to compare.
            Some(ends) if is(ends, local, remote) => true,
            // Without a heading only the address of its own tells the next host.
            Some(ends) if self.over_hosts && owned(local).is_some_and(|l| l.addr != ends.0.addr && !l.is_loopback()) => true,
            Some(_) => self.is_held_again(socket, local, remote),
            None => {
                self.connection = owned(local).zip(owned(remote));
                self.held = socket.holders.first().and_then(|h| Some((h.pid, h.fd?, owned(local).zip(owned(remote))?)));
                false
            }
        }
    }

    fn listens_again(&mut self, protocol: Protocol, local: Endpoint<'_>, remote: Endpoint<'_>) -> bool {
        match &self.listener {
            Some((known, ends)) => self.passed && *known == protocol && is(ends, local, remote),
            None => {
                let ends = owned(local).zip(owned(remote)).filter(|_| !self.passed);
                self.listener = ends.map(|ends| (protocol, ends));
                false
            }
        }
    }

    /// Whether the first descriptor is another connection's now.
    fn is_held_again(&self, socket: &Socket<'_>, local: Endpoint<'_>, remote: Endpoint<'_>) -> bool {
        let (Some((pid, fd, ends)), Some(holder)) = (&self.held, socket.holders.first()) else { return false };
        holder.fd == Some(*fd) && holder.pid == *pid && !is(ends, local, remote)
    }

    /// For what a command prints.
    pub fn of(command: &[u8]) -> First {
        First { over_hosts: host_mark::goes_over_hosts(command), ..First::default() }
    }

    /// A header has been read.
    pub fn reset(&mut self) {
        *self = First { over_hosts: self.over_hosts, ..First::default() };
    }
}

fn is(ends: &Ends, local: Endpoint<'_>, remote: Endpoint<'_>) -> bool {
    ends.0.port == local.port && ends.1.port == remote.port && ends.0 == local && ends.1 == remote
}

/// An end of numbers only.
fn owned(end: Endpoint<'_>) -> Option<Endpoint<'static>> {
    let addr = match end.addr {
        Addr::Any => Addr::Any,
        Addr::V4(v4) => Addr::V4(v4),
        Addr::V6(v6) => Addr::V6(v6),
        _ => return None,
    };
    end.service.is_empty().then(|| Endpoint::new(addr, end.port))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    const NETSTAT: &str = "tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 7/a\ntcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 7/a\n\
        tcp 1 0 10.0.0.1:80 10.0.0.2:9 CLOSE_WAIT 7/a\ntcp 1 0 10.0.0.1:80 10.0.0.2:10 CLOSE_WAIT 7/a\n";
    const SS: &str = "LISTEN 0 8 0.0.0.0:80 0.0.0.0:*\nCLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:9\nCLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:10\n";

    #[test]
    fn each_command_begins_a_table() {
        let told = told_as("paste.txt", &format!("$ netstat -anp | grep 80\n{NETSTAT}$ netstat -anp | grep CLOSE_WAIT\n{NETSTAT}")).0;
        assert_eq!(told.lines.iter().filter(|l| l.starts_with("note command ")).count(), 2, "{:?}", told.lines);
    }

    #[test]
    fn a_listener_that_returns_behind_connections_begins_a_table() {
        let tables = |text: &str| told_as("loop.txt", text).0.lines.iter().filter(|l| l.starts_with("note table ")).count();
        let round = |n: u32| {
            format!(
                "tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 7/a\ntcp 1 0 10.0.0.1:80 10.0.0.2:{n} CLOSE_WAIT 7/a\ntcp6 0 0 :::80 :::* LISTEN 7/a\n"
            )
        };
        assert_eq!((tables(&round(1)), tables(&(round(1) + &round(2) + &round(3)))), (0, 2));
    }

    #[test]
    fn a_descriptor_that_is_of_another_connection_begins_a_table() {
        let tables = |text: &str| told_as("loop.txt", text).0.lines.iter().filter(|l| l.starts_with("note table ")).count();
        let row = |port: u32, fd: u32| format!("CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:{port} users:((\"a\",pid=7,fd={fd}))\n");
        assert_eq!(tables(&(row(1, 5) + &row(2, 6) + &row(3, 7))), 0);
        assert_eq!(tables(&(row(1, 5) + &row(2, 6) + &row(3, 5) + &row(4, 6))), 1);
    }

    #[test]
    fn the_next_host_of_a_loop_has_an_address_of_its_own() {
        let tables = |text: &str| told_as("loop.txt", text).0.lines.iter().filter(|l| l.starts_with("note table ")).count();
        let rows: String = (1..4).map(|n| format!("tcp 1 0 10.0.0.{n}:4000{n} 10.0.1.2:9 CLOSE_WAIT\n")).collect();
        assert_eq!(tables(&format!("$ for h in web{{1..3}}; do ssh $h 'netstat -ant | grep CLOSE_WAIT'; done\n{rows}")), 2);
        assert_eq!(tables(&format!("$ netstat -ant | grep CLOSE_WAIT\n{rows}")), 0);
    }

    #[test]
    fn each_time_but_the_first_begins_a_table() {
        for text in [NETSTAT, SS] {
            let tables = |text: &str| told_as("loop.txt", text).0.lines.iter().filter(|l| l.starts_with("note table ")).count();
            assert_eq!((tables(text), tables(&text.repeat(3))), (0, 2), "{:?}", told_as("loop.txt", &text.repeat(2)).0.lines);
        }
    }
}
