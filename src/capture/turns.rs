//! A text in which several hosts take turns, each in front of its lines, as `pdsh` and `docker compose logs` print them: hosts are never
//! added up as one, so that each has a reader of its own.
//!
//! ```text
//! web1: CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:9
//! web2: State Recv-Q Send-Q Local Address:Port Peer Address:Port
//! ```
//!
//! A reader passes over the lines of the others, so that it counts lines as the text does.

use crate::formats::{Probe, prefix};

/// How many hosts are told apart; lines of further ones stay with the host before them, as they are.
const MAX_HOSTS: usize = 256;

/// The longest line that is held, in bytes.
const MAX_LINE: usize = 1 << 20;

/// Whose turn it is.
pub(super) struct Turns {
    /// What parts the host from the line.
    mark: u8,
    /// The beginning of a line whose end has not come.
    pending: Vec<u8>,
    hosts: Vec<Host>,
    lines: u64,
    /// The host of the line before.
    last: usize,
    /// The line at hand without its host.
    text: Vec<u8>,
}

struct Host {
    name: Vec<u8>,
    lines: u64,
}

/// What comes next for a host.
pub(super) struct Next<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many lines of others stand before its next.
    pub passed: u64,
    /// Its line.
    pub text: &'a [u8],
}

impl Turns {
    /// The hosts of a text that begins so, if there are several.
    pub(super) fn of(probe: &Probe<'_>) -> Option<Turns> {
        let mark = prefix::hosts(probe)?;
        Some(Turns { mark, pending: Vec::new(), hosts: Vec::new(), lines: 0, last: 0, text: Vec::new() })
    }

    /// Hands on the lines that are whole, the one without end too if nothing follows; hosts are numbered in the order in which they come.
    pub(super) fn take(&mut self, chunk: &[u8], last: bool, mut to: impl FnMut(usize, Next<'_>)) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(chunk);
        let end = match memchr::memrchr(b'\n', &pending) {
            _ if last || pending.len() > MAX_LINE => pending.len(),
            at => at.map_or(0, |at| at + 1),
        };
        let (whole, rest) = pending.split_at_checked(end).unwrap_or((&[], &pending));
        for line in whole.split_inclusive(|&b| b == b'\n') {
            self.line(line, &mut to);
        }
        self.pending = rest.to_vec();
    }

    fn line(&mut self, line: &[u8], to: &mut impl FnMut(usize, Next<'_>)) {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let (number, text) = match prefix::behind_host(bare, self.mark) {
            Some((name, text)) => match self.hosts.iter().position(|h| h.name == name) {
                Some(number) => (number, text),
                None if self.hosts.len() < MAX_HOSTS => {
                    self.hosts.push(Host { name: name.to_vec(), lines: 0 });
                    (self.hosts.len() - 1, text)
                }
                None => (self.last, bare),
            },
            None => (self.last, bare),
        };
        self.last = number;
        self.lines += 1;
        // The first line that is not blank has a host.
        let Some(host) = self.hosts.get_mut(number) else { return };
        self.text.clear();
        self.text.extend_from_slice(text);
        // The last line may have no end.
        self.text.extend_from_slice(line.get(bare.len()..).unwrap_or_default());
        let passed = self.lines - 1 - host.lines;
        host.lines = self.lines;
        to(number, Next { name: &String::from_utf8_lossy(&host.name), passed, text: &self.text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(chunks: &[&str]) -> Vec<(String, String)> {
        let all = chunks.concat();
        let mut turns = Turns::of(&Probe { path: "x", command: b"", head: all.as_bytes(), whole: true }).expect("hosts");
        let mut out: Vec<(String, String)> = Vec::new();
        let mut keep = |number: usize, next: Next<'_>| {
            if number == out.len() {
                out.push((next.name.to_string(), String::new()));
            }
            out[number].1.push_str(&"\n".repeat(next.passed as usize));
            out[number].1.push_str(std::str::from_utf8(next.text).unwrap());
        };
        chunks.iter().for_each(|chunk| turns.take(chunk.as_bytes(), false, &mut keep));
        turns.take(b"", true, &mut keep);
        out
    }

    #[test]
    fn each_host_has_its_lines_where_they_stood() {
        let row = "TCP: inuse 1 orphan 0 tw 2 alloc 3 mem 4\n";
        let turns = format!("a: sockets: used 94\nb: sockets: used 7\na: {row}pdsh@x: b: exited\n") + &format!("b: {row}").repeat(9);
        let text = turns.trim_end();
        let a = format!("sockets: used 94\n\n{row}pdsh@x: b: exited\n");
        let b = format!("\nsockets: used 7\n\n\n{}", row.repeat(9));
        let b = b.trim_end();
        for at in [0, 1, 2, 20, 40, text.len()] {
            let (first, second) = text.split_at(at);
            assert_eq!(taken(&[first, second]), [("a".to_string(), a.clone()), ("b".to_string(), b.to_string())], "{at}");
        }
    }
}
