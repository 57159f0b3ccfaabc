//! Tables that were printed several times one behind the other, as a loop over `netstat | grep` leaves them: without headers only a
//! connection that comes again tells where the next one begins.

use crate::facts::{Addr, Endpoint, Socket};

/// The first connection of the table at hand.
#[derive(Debug, Default)]
pub struct First(Option<(Endpoint<'static>, Endpoint<'static>)>);

impl First {
    /// Whether this row is the first connection once more. Two TCP sockets of a network namespace never have both ends alike.
    #[inline]
    pub fn comes_again(&mut self, socket: &Socket<'_>) -> bool {
        let (Some(local), Some(remote)) = (socket.local, socket.remote) else { return false };
        match &self.0 {
            // Ports differ nearly always, and cost little to compare.
            Some((l, r)) => l.port == local.port && r.port == remote.port && *l == local && *r == remote && socket.protocol.is_tcp(),
            None => {
                if socket.protocol.is_tcp() && remote.port != 0 {
                    self.0 = owned(local).zip(owned(remote));
                }
                false
            }
        }
    }

    /// A header has been read.
    pub fn reset(&mut self) {
        self.0 = None;
    }
}

/// An end of numbers only.
fn owned(end: Endpoint<'_>) -> Option<Endpoint<'static>> {
    let addr = match end.addr {
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
    fn each_time_but_the_first_begins_a_table() {
        for text in [NETSTAT, SS] {
            let tables = |text: &str| told_as("loop.txt", text).0.lines.iter().filter(|l| l.starts_with("note table ")).count();
            assert_eq!((tables(text), tables(&text.repeat(3))), (0, 2), "{:?}", told_as("loop.txt", &text.repeat(2)).0.lines);
        }
    }
}
