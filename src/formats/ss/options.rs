//! What is known of a table before its first line: the options of the command that printed it, or the words of the member's name.

use crate::facts::{Protocol, SocketState, StatesShown};
use crate::formats::{Hint, arguments, selection};

/// A kind of socket as ss selects and labels it; together with the address family it makes a [`Protocol`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Udp,
    Udplite,
    Raw,
    Icmp,
    Sctp,
    Dccp,
    Mptcp,
    Unix,
    Netlink,
    Packet,
    Vsock,
    Xdp,
    Tipc,
    Other,
}

/// What the command line or the name tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The only kind that was asked for; ss then prints no Netid column.
    pub kind: Option<Kind>,
    /// The only state that was asked for; ss then prints no State column.
    pub state: Option<SocketState>,
    /// Listening and closed sockets too (`-a`).
    pub all: bool,
    /// Processes too (`-p`).
    pub processes: bool,
    /// A filter keeps part of the sockets.
    pub filtered: bool,
    /// Which states are listed.
    pub shown: StatesShown,
}

impl Kind {
    /// The protocol of this kind over IPv4 or IPv6.
    pub fn protocol(self, v6: bool) -> Protocol {
        match (self, v6) {
            (Kind::Tcp, false) => Protocol::Tcp,
            (Kind::Tcp, true) => Protocol::Tcp6,
            (Kind::Udp, false) => Protocol::Udp,
            (Kind::Udp, true) => Protocol::Udp6,
            (Kind::Udplite, false) => Protocol::Udplite,
            (Kind::Udplite, true) => Protocol::Udplite6,
            (Kind::Raw, false) => Protocol::Raw,
            (Kind::Raw, true) => Protocol::Raw6,
            (Kind::Icmp, false) => Protocol::Icmp,
            (Kind::Icmp, true) => Protocol::Icmp6,
            (Kind::Sctp, _) => Protocol::Sctp,
            (Kind::Dccp, _) => Protocol::Dccp,
            (Kind::Mptcp, _) => Protocol::Mptcp,
            (Kind::Unix, _) => Protocol::Unix,
            (Kind::Netlink, _) => Protocol::Netlink,
            (Kind::Packet, _) => Protocol::Packet,
            (Kind::Vsock, _) => Protocol::Vsock,
            (Kind::Xdp, _) => Protocol::Xdp,
            (Kind::Tipc, _) => Protocol::Tipc,
            (Kind::Other, _) => Protocol::Other,
        }
    }

    /// The kind whose Netid column reads so.
    pub fn from_netid(netid: &[u8]) -> Option<Self> {
        Some(match netid {
            b"tcp" => Kind::Tcp,
            b"udp" => Kind::Udp,
            b"nl" => Kind::Netlink,
            b"u_str" | b"u_dgr" | b"u_seq" => Kind::Unix,
            b"p_raw" | b"p_dgr" => Kind::Packet,
            b"raw" => Kind::Raw,
            b"icmp" | b"icmp6" => Kind::Icmp,
            b"udplite" | b"udpl" => Kind::Udplite,
            b"sctp" => Kind::Sctp,
            b"dccp" => Kind::Dccp,
            b"mptcp" => Kind::Mptcp,
            b"v_str" | b"v_dgr" | b"v_seq" | b"vsock" => Kind::Vsock,
            b"xdp" => Kind::Xdp,
            b"tipc" | b"ti_st" | b"ti_sq" | b"ti_dg" | b"ti_rd" => Kind::Tipc,
            b"???" | b"u_???" | b"v_???" => Kind::Other,
            _ => return from_protocol_number(netid.strip_prefix(b"ipproto-")?),
        })
    }
}

impl Options {
    /// What the hint tells: the command where there is one, else the name.
    pub fn new(hint: &Hint<'_>) -> Self {
        match arguments::arguments(hint.command, b"ss") {
            Some(words) => of_command(words),
            None => {
                let of_path = of_path(hint.path);
                // One of several commands in a line: its options are the only word on what it lists.
                let shown = Some(selection::states(hint.command)).filter(|shown| *shown != StatesShown::Unknown);
                Options { shown: shown.unwrap_or(of_path.shown), ..of_path }
            }
        }
    }

    fn letter(&mut self, letter: u8, kinds: &mut Kinds) {
        match letter {
            b'a' => self.all = true,
            b'p' => self.processes = true,
            b't' => kinds.add(Kind::Tcp),
            b'u' => kinds.add(Kind::Udp),
            b'x' => kinds.add(Kind::Unix),
            b'w' => kinds.add(Kind::Raw),
            b'0' => kinds.add(Kind::Packet),
            b'd' => kinds.add(Kind::Dccp),
            b'S' => kinds.add(Kind::Sctp),
            b'M' => kinds.add(Kind::Mptcp),
            _ => {}
        }
    }
}

/// Collects kinds: only one alone tells anything.
#[derive(Default)]
struct Kinds {
    only: Option<Kind>,
    several: bool,
}

impl Kinds {
    fn add(&mut self, kind: Kind) {
        self.several |= self.only.is_some_and(|k| k != kind);
        self.only = Some(kind);
    }

    fn only(self) -> Option<Kind> {
        if self.several { None } else { self.only }
    }
}

fn of_command(mut words: arguments::Arguments<'_>) -> Options {
    let mut options = Options { shown: selection::of_ss(words.clone()), ..Options::default() };
    let (mut kinds, mut states) = (Kinds::default(), 0);
    while let Some(word) = words.next() {
        match word {
            [b'-', b'-', long @ ..] => long_option(long, &mut options, &mut kinds),
            b"-f" | b"-A" => words.next().into_iter().flat_map(|w| w.split(|&b| b == b',')).for_each(|w| query(w, &mut kinds)),
            b"-D" | b"-F" | b"-N" => {
                words.next();
            }
            [b'-', letters @ ..] => letters.iter().for_each(|&b| options.letter(b, &mut kinds)),
            b"state" => {
                options.filtered = true;
                states += 1;
                options.state = words.next().and_then(state_named);
            }
            // Any other word belongs to an expression: `sport = :443`, `dst 10.0.0.1`, `( ... )`, `exclude close-wait`.
            _ => options.filtered = true,
        }
    }
    options.kind = kinds.only();
    if states > 1 {
        options.state = None;
    }
    options
}

fn long_option(long: &[u8], options: &mut Options, kinds: &mut Kinds) {
    match long {
        b"all" => options.all = true,
        b"processes" => options.processes = true,
        _ => match long.strip_prefix(b"query=").or_else(|| long.strip_prefix(b"family=")) {
            Some(list) => list.split(|&b| b == b',').for_each(|w| query(w, kinds)),
            None => query(long, kinds),
        },
    }
}

/// A word of `-A`, `-f` or a long option that names a kind.
fn query(word: &[u8], kinds: &mut Kinds) {
    let kind = match word {
        b"tcp" => Kind::Tcp,
        b"udp" => Kind::Udp,
        b"raw" => Kind::Raw,
        b"unix" => Kind::Unix,
        b"netlink" => Kind::Netlink,
        b"packet" | b"link" => Kind::Packet,
        b"dccp" => Kind::Dccp,
        b"sctp" => Kind::Sctp,
        b"mptcp" => Kind::Mptcp,
        b"vsock" => Kind::Vsock,
        b"xdp" => Kind::Xdp,
        b"tipc" => Kind::Tipc,
        _ => return,
    };
    kinds.add(kind);
}

/// `ss-tanp.txt`, `ss_-uanp`, `05_ss_udp.log`, `ss-close-wait.txt`: the first word after `ss` that can be a kind or option letters,
/// and the name of a state anywhere.
fn of_path(path: &str) -> Options {
    let mut options = Options { state: state_in(path), ..Options::default() };
    let Some(words) = arguments::path_words(path, "ss") else { return Options { kind: kind_in(path), ..options } };
    for word in words {
        let mut kinds = Kinds::default();
        query(word.to_ascii_lowercase().as_bytes(), &mut kinds);
        if kinds.only.is_none() && are_options(word) {
            word.bytes().for_each(|b| options.letter(b, &mut kinds));
            options.shown = word.bytes().fold(StatesShown::Connected, StatesShown::with);
        } else if kinds.only.is_none() {
            continue;
        }
        options.kind = kinds.only();
        break;
    }
    options
}

/// The one kind that a file's name spells out without the tool's: `udp.txt`. TCP is what rows without a kind are taken for.
fn kind_in(path: &str) -> Option<Kind> {
    let name = path.rsplit('/').next().unwrap_or("");
    let has = |kind: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case(kind));
    (has("udp") && !has("tcp")).then_some(Kind::Udp)
}

/// Whether a word of a file name can be option letters: each at most once, `n`, `a` or a kind among them, and no English word.
fn are_options(word: &str) -> bool {
    const WORDS: &[&str] =
        &["snap", "snaps", "dump", "plan", "span", "input", "inputs", "list", "listen", "stab", "map", "tmp", "step", "net", "main"];
    let letters = word.as_bytes();
    letters.len() <= 14
        && !letters.iter().all(u8::is_ascii_digit)
        && letters.iter().all(|b| b"naloeimptuwx0dSMHrOZzTbEQB46K".contains(b))
        && (1..letters.len()).all(|i| letters.get(i..).is_some_and(|rest| letters.get(i - 1).is_some_and(|b| !rest.contains(b))))
        && letters.iter().any(|b| b"natuwx0".contains(b))
        && !WORDS.contains(&word)
}

/// The state of a word of ss's filter language, where it is one state.
fn state_named(word: &[u8]) -> Option<SocketState> {
    Some(match word {
        b"established" => SocketState::Established,
        b"syn-sent" => SocketState::SynSent,
        b"syn-recv" => SocketState::SynRecv,
        b"fin-wait-1" => SocketState::FinWait1,
        b"fin-wait-2" => SocketState::FinWait2,
        b"time-wait" => SocketState::TimeWait,
        b"unconnected" | b"closed" | b"bound-inactive" => SocketState::Unconn,
        b"close-wait" => SocketState::CloseWait,
        b"last-ack" => SocketState::LastAck,
        b"listening" | b"listen" => SocketState::Listen,
        b"closing" => SocketState::Closing,
        _ => return None,
    })
}

/// The state a file's name spells out.
fn state_in(path: &str) -> Option<SocketState> {
    let name = path.rsplit('/').next().unwrap_or("").to_ascii_lowercase().replace('_', "-");
    const NAMES: &[&str] =
        &["established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait", "close-wait", "last-ack", "listening"];
    NAMES.iter().find(|n| name.contains(**n)).and_then(|n| state_named(n.as_bytes()))
}

/// The label of a protocol that some versions print by its number only.
fn from_protocol_number(number: &[u8]) -> Option<Kind> {
    Some(match crate::formats::scan::number(number)? {
        6 => Kind::Tcp,
        17 => Kind::Udp,
        136 => Kind::Udplite,
        1 | 58 => Kind::Icmp,
        132 => Kind::Sctp,
        33 => Kind::Dccp,
        255 => Kind::Raw,
        262 => Kind::Mptcp,
        _ => Kind::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, command: &str) -> Options {
        Options::new(&Hint { path, command: command.as_bytes(), pid: None })
    }

    #[test]
    fn commands() {
        let options = of("x", "ss -antp state close-wait | head -60");
        assert_eq!((options.kind, options.state, options.filtered), (Some(Kind::Tcp), Some(SocketState::CloseWait), true));
        assert!(options.all && options.processes);
        assert_eq!(of("x", "ss -tuan").kind, None);
        assert_eq!(of("x", "ss -A unix_stream,udp -a").kind, Some(Kind::Udp));
        assert_eq!(of("x", "ss -f netlink").kind, Some(Kind::Netlink));
        assert!(of("x", "ss -tan sport = :443").filtered);
        assert!(!of("x", "ss -tan").filtered);
        assert_eq!(of("x", "ss state established state syn-sent").state, None);
    }

    #[test]
    fn names() {
        for (path, kind, processes) in [
            ("ss-tanpoe.txt", Some(Kind::Tcp), true),
            ("sos_commands/networking/ss_-uanp", Some(Kind::Udp), true),
            ("05_ss_udp.log", Some(Kind::Udp), false),
            ("ss-unix.out", Some(Kind::Unix), false),
            ("ss/3.10.0-wanp.txt", Some(Kind::Raw), true),
            ("ss/7.3.0-netlink-full.txt", Some(Kind::Netlink), false),
            ("ss-sample.txt", None, false),
            ("ss-snap.txt", None, false),
            ("tanp.txt", None, false),
            ("node4/UDP-now.txt", Some(Kind::Udp), false),
            ("tcp_udp.txt", None, false),
            ("udp/sockets.txt", None, false),
        ] {
            let options = of(path, "");
            assert_eq!((options.kind, options.processes), (kind, processes), "{path}");
        }
        assert_eq!(of("ss-close_wait.txt", "").state, Some(SocketState::CloseWait));
        let shown = |path| of(path, "").shown;
        assert_eq!(
            ["ss-tanpoe.txt", "ss-tn.txt", "ss_-tlnp"].map(shown),
            [StatesShown::All, StatesShown::Connected, StatesShown::Listening]
        );
        assert_eq!(["ss.txt", "ss-tcp.txt"].map(shown), [StatesShown::Unknown; 2]);
    }
}
