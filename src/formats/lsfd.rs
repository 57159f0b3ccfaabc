//! `lsfd` of util-linux 2.38 to 2.42.
//!
//! ```text
//! COMMAND   PID USER ASSOC MODE   TYPE SOURCE MNTID  INODE NAME                      2.38
//! java    29956 root     4 rw-    SOCK sockfs    10 133868 TCP:[133868]
//! COMMAND   PID USER ASSOC  XMODE TYPE SOURCE MNTID  INODE NAME                      2.39 and later
//! java    29956 root     4 rw---- TCP  sockfs    10 133868 socket:[133868]
//! java    29956 root    24 rw---- TCP  sockfs    10 133909 state=close-wait laddr=127.0.0.1:40112 raddr=127.0.0.1:9092
//! ```
//!
//! From about 2.39 on sockets are looked up in the protocol tables of their own network namespace (`lsfd-sock-xinfo.c`), and one that
//! is in none keeps the bare name `socket:[N]`: what lsof calls unidentified. 2.38 looks nothing up. The association is a number or a
//! name (`exe`, `mem`, `pidfs`); the mode tells where it is, because commands may hold blanks.

use super::scan::Fields;
use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan, target};
use crate::facts::{At, Descriptor, DescriptorKind, Endpoint, FdRef, Note, NoteKind, Protocol, Sink, SocketState};

/// How many words may stand before the mode: a command with blanks, PID, TID, user, association.
const MAX_BEFORE: usize = 10;

/// lsfd's table.
pub struct Lsfd;

struct Reading;

impl Format for Lsfd {
    fn id(&self) -> &'static str {
        "lsfd"
    }

    fn title(&self) -> &'static str {
        "lsfd (util-linux)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            Some(line) if is_message(line) => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_header(line) || row(line).is_some()
    }

    fn has_header(&self) -> bool {
        true
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"lsfd" && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(d) = row(at.text) {
            sink.descriptor(at, &d);
            return Taken::Row;
        }
        if is_header(at.text) {
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
        } else if is_message(at.text) {
            sink.note(at, &Note { kind: NoteKind::Failed, pid: None, text: at.text });
        } else if !at.text.trim_ascii().is_empty() && !at.text.starts_with(b"Try 'lsfd") {
            return Taken::Unknown;
        }
        Taken::Noise
    }
}

fn is_header(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"COMMAND")
        && scan::contains(line, b" ASSOC ")
        && Fields::new(line).any(|w| w == b"MODE" || w == b"XMODE")
}

/// `lsfd: failed to ...`, `lsfd-2.38.1: invalid option -- 'i'`.
fn is_message(line: &[u8]) -> bool {
    line.starts_with(b"lsfd") && memchr::memchr(b':', line).is_some_and(|i| !line.iter().take(i).any(|&b| b == b' '))
}

/// One row, anchored at the mode: `COMMAND PID [TID] USER ASSOC MODE TYPE SOURCE MNTID INODE NAME`.
fn row(line: &[u8]) -> Option<Descriptor<'_>> {
    let mut fields = Fields::new(line);
    let first = fields.next()?;
    let start = fields.offset() - first.len();
    let mut d = Descriptor { command: first, ..Descriptor::default() };
    let (mut user, mut assoc) = (&b""[..], &b""[..]);
    for _ in 0..MAX_BEFORE {
        let end = fields.offset();
        let word = fields.next()?;
        if is_mode(word) && !user.is_empty() {
            d.user = user;
            d.fd = scan::number32(assoc).map_or(FdRef::Name(assoc), FdRef::Number);
            describe(&mut d, fields)?;
            return Some(d);
        }
        match (d.pid, scan::number32(word)) {
            (None, Some(pid)) => {
                d.pid = Some(pid);
                d.command = line.get(start..end)?;
                continue;
            }
            (None, None) => continue,
            // `-l` lists threads, with a TID between PID and user; the user itself can be a number only before the association.
            (Some(pid), Some(tid)) if assoc.is_empty() && fields.clone().nth(2).is_some_and(is_mode) => {
                d.tid = Some(tid).filter(|t| *t != pid);
                continue;
            }
            _ => {}
        }
        (user, assoc) = (assoc, word);
    }
    None
}

/// `rw-` (MODE) or `rw-D-m` (XMODE: deleted, locked, mapped, multiplexed).
fn is_mode(word: &[u8]) -> bool {
    let (rwx, rest) = match word {
        [r, w, x, rest @ ..] => ([*r, *w, *x], rest),
        _ => return false,
    };
    // Three were taken.
    let access = matches!(rwx[0], b'r' | b'-') && matches!(rwx[1], b'w' | b'-') && matches!(rwx[2], b'x' | b'-');
    access && (rest.is_empty() || (rest.len() == 3 && rest.iter().all(|b| matches!(b, b'-' | b'D' | b'L' | b'l' | b'm' | b'M'))))
}

/// The columns behind the mode. The numbers before the name are MNTID and INODE; the last is the inode.
fn describe<'a>(d: &mut Descriptor<'a>, mut fields: Fields<'a>) -> Option<()> {
    let kind = fields.next()?;
    let source = fields.next()?;
    let mut ahead = fields.clone();
    let mut inode = None;
    while let Some(number) = ahead.next().and_then(scan::number) {
        inode = Some(number);
        fields = ahead.clone();
    }
    d.inode = inode;
    d.name = fields.rest().trim_ascii_end();
    if kind == b"SOCK" || source == b"sockfs" {
        socket(d, kind);
        return Some(());
    }
    d.kind = match kind {
        b"REG" | b"DIR" | b"LINK" => DescriptorKind::File,
        b"CHR" | b"BLK" => DescriptorKind::Device,
        b"FIFO" => DescriptorKind::Pipe,
        b"eventpoll" => DescriptorKind::Eventpoll,
        b"eventfd" => DescriptorKind::Eventfd,
        b"UNKN" => target::read(d.name).0,
        _ if source.starts_with(b"anon_inode") => DescriptorKind::Anon,
        _ => DescriptorKind::Other,
    };
    Some(())
}

fn socket<'a>(d: &mut Descriptor<'a>, kind: &[u8]) {
    d.kind = DescriptorKind::Socket;
    if kind == b"SOCK" {
        // 2.38: `TCP:[133868]`.
        d.protocol =
            memchr::memmem::find(d.name, b":[").and_then(|i| d.name.get(..i)).filter(|n| *n != b"socket").map(Protocol::from_kernel_name);
        return;
    }
    let protocol = Protocol::from_kernel_name(kind);
    d.protocol = Some(protocol);
    d.unlisted = d.name.starts_with(b"socket:[");
    let with_ports = protocol.is_tcp() || protocol.is_udp();
    for word in Fields::new(d.name) {
        if let Some(state) = word.strip_prefix(b"state=") {
            d.state = state_of(state, protocol);
        } else if let Some(end) = word.strip_prefix(b"laddr=").filter(|_| with_ports) {
            d.local = Endpoint::parse(end);
        } else if let Some(end) = word.strip_prefix(b"raddr=").filter(|_| with_ports) {
            d.remote = Endpoint::parse(end);
        }
    }
}

/// lsfd's words; an unconnected socket of another protocol has TCP's number for CLOSE.
fn state_of(word: &[u8], protocol: Protocol) -> Option<SocketState> {
    Some(match word {
        b"established" | b"connected" => SocketState::Established,
        b"syn-sent" | b"connecting" => SocketState::SynSent,
        b"syn-recv" => SocketState::SynRecv,
        b"fin-wait1" => SocketState::FinWait1,
        b"fin-wait2" => SocketState::FinWait2,
        b"time-wait" => SocketState::TimeWait,
        b"close" if protocol.is_tcp() => SocketState::Closed,
        b"close" | b"unconnected" => SocketState::Unconn,
        b"close-wait" => SocketState::CloseWait,
        b"last-ack" => SocketState::LastAck,
        b"listen" => SocketState::Listen,
        b"closing" => SocketState::Closing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::facts;

    #[test]
    fn old_lsfd_looks_nothing_up() {
        let read = facts("java    29956 root      4  rw- SOCK       sockfs    10     133868 TCPv6:[133868]\n");
        assert_eq!(
            read,
            ["descriptor pid=29956 tid=- command=java user=root fd=4 kind=socket protocol=tcp6 state=- local=- remote=- inode=133868 \
              unlisted=false name=TCPv6:[133868]"]
        );
    }

    #[test]
    fn new_lsfd_names_state_and_ends_or_nothing() {
        let read = facts(
            "java 29956 root  4 rw---- TCP  sockfs    10 133868 socket:[133868]\n\
             java 29956 root 24 rw---- TCP  sockfs    10 133909 state=close-wait laddr=127.0.0.1:40112 raddr=127.0.0.1:9092\n\
             java 29956 root 47 rw---- UDP  sockfs    10 133932 state=close laddr=0.0.0.0:5353\n\
             java 29956 root 71 rw----  RAW sockfs    10 133966 state=close protocol=icmp laddr=0.0.0.0\n",
        );
        assert!(read[0].contains("protocol=tcp state=- local=- remote=- inode=133868 unlisted=true"), "{}", read[0]);
        assert!(
            read[1].contains("state=CLOSE-WAIT local=127.0.0.1:40112 remote=127.0.0.1:9092 inode=133909 unlisted=false"),
            "{}",
            read[1]
        );
        assert!(read[2].contains("protocol=udp state=UNCONN local=*:5353 remote=-"), "{}", read[2]);
        assert!(read[3].contains("protocol=raw state=UNCONN local=-"), "{}", read[3]);
    }

    #[test]
    fn commands_with_blanks_threads_and_names_for_numbers() {
        let read = facts(
            "My App (1) x 29957 root   exe ------ REG       vda    27      18504 /usr/bin/python3.11\n\
             java 29956 30080 1000     83 rw---- eventpoll anon_inodefs    17         26 tfds=58\n",
        );
        assert!(read[0].starts_with("descriptor pid=29957 tid=- command=My App (1) x user=root fd=exe kind=file"), "{}", read[0]);
        assert!(read[1].starts_with("descriptor pid=29956 tid=30080 command=java user=1000 fd=83 kind=eventpoll"), "{}", read[1]);
    }
}
