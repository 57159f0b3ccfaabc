//! What a command line lets through of a socket table: the states that its options ask for, and whether a filter drops rows of these.
//!
//! ```text
//! ss -ltn                                     listeners alone
//! ss -tn                                      neither listeners nor TIME-WAIT nor half-open connections: those need -a
//! netstat -na | grep ":443" | awk '{print $6}' | sort | uniq -c     every state, but of one port only
//! ```
//!
//! Sources: iproute2 `misc/ss.c` (`SS_CONN`, of `-a` and `-l` the last one counts), net-tools `netstat.c` (`-a` outweighs `-l`).

use super::arguments::{Arguments, arguments};
use super::scan::{self, Fields};
use crate::facts::StatesShown;

/// The states that a command line's ss or netstat lists; `Unknown` where it runs neither, or two that list different ones.
pub fn states(command: &[u8]) -> StatesShown {
    let mut each = split(command, b";&").into_iter().filter_map(|part| {
        let part = part.trim_ascii();
        let part = part.strip_prefix(b"do ").unwrap_or(part);
        arguments(part, b"ss").map(of_ss).or_else(|| arguments(part, b"netstat").map(of_netstat))
    });
    each.next().filter(|first| each.all(|next| next == *first)).unwrap_or_default()
}

/// The states that ss lists with such words behind it. One that is asked for by name is listed whatever the options say.
pub fn of_ss(words: Arguments<'_>) -> StatesShown {
    let mut shown = StatesShown::Connected;
    for word in words {
        match word {
            b"state" => return StatesShown::Unknown,
            b"--all" => shown = StatesShown::All,
            b"--listening" => shown = StatesShown::Listening,
            [b'-', b'-', ..] => {}
            [b'-', letters @ ..] => letters.iter().for_each(|&letter| shown = shown.with(letter)),
            _ => {}
        }
    }
    shown
}

/// The states that netstat lists with such words behind it; listeners, which it leaves out by default, are no connections.
pub fn of_netstat(words: Arguments<'_>) -> StatesShown {
    match words.has(b'l', b"listening") && !words.has(b'a', b"all") {
        true => StatesShown::Listening,
        false => StatesShown::All,
    }
}

impl StatesShown {
    /// The states that ss lists with one more letter of options.
    pub(super) fn with(self, letter: u8) -> StatesShown {
        match letter {
            b'a' => StatesShown::All,
            b'l' => StatesShown::Listening,
            _ => self,
        }
    }
}

/// Whether a command line counts the rows of TCP that ss or netstat prints, each and no other: `netstat -t | wc -l`.
pub fn counts_tcp_rows(command: &[u8]) -> bool {
    let parts = split(command, b"|");
    let [table, count] = parts.as_slice() else { return false };
    let only_tcp =
        |words: &Arguments<'_>| words.has(b't', b"tcp") && ![b'u', b'x', b'w', b'l', b's'].iter().any(|&letter| words.has(letter, b"\0"));
    let table = arguments(table, b"ss").or_else(|| arguments(table, b"netstat"));
    count.trim_ascii() == b"wc -l" && table.is_some_and(|words| only_tcp(&words)) && !asks_for_some(command)
}

/// Whether a command line lists what the connection tracker keeps, which are no sockets.
pub fn tracks(command: &[u8]) -> bool {
    let first = command.split(|&b| b == b'|').next().unwrap_or(command);
    Fields::new(first).any(|word| {
        word == b"conntrack" || word.ends_with(b"/conntrack") || word.ends_with(b"nf_conntrack") || word.ends_with(b"ip_conntrack")
    })
}

/// Whether something on a command line keeps only some rows of a state: an address, a port, a process, the first lines. Filters by states or
/// protocols keep all of what they are after.
pub fn narrows(command: &[u8]) -> bool {
    let parts = split(command, b"|");
    let counts = |part: &&[u8]| [&b"wc"[..], b"uniq", b"++", b"grep -c"].iter().any(|word| scan::contains(part, word));
    let counted = parts.iter().position(counts).unwrap_or(parts.len());
    asks_for_some(command) || parts.iter().enumerate().any(|(number, part)| drops_rows(part, number < counted))
}

/// Whether ss or netstat is asked for some rows: by an expression of ss (`sport = :443`), or for one version of IP.
fn asks_for_some(command: &[u8]) -> bool {
    let one_version = |words: &Arguments<'_>| words.has(b'4', b"ipv4") || words.has(b'6', b"ipv6") || words.has(b'\0', b"inet");
    let Some(mut words) = arguments(command, b"ss") else { return arguments(command, b"netstat").is_some_and(|words| one_version(&words)) };
    if one_version(&words) {
        return true;
    }
    while let Some(word) = words.next() {
        match word {
            b"state" | b"exclude" | b"-A" | b"-f" | b"-D" | b"-F" | b"-N" => {
                words.next();
            }
            [b'-', ..] => {}
            _ => return true,
        }
    }
    false
}

/// Whether a part of a pipeline drops rows of a state; `early`: it stands in front of what counts.
fn drops_rows(part: &[u8], early: bool) -> bool {
    let mut words = Fields::new(part);
    let tool = words.next().unwrap_or(b"");
    let tool = tool.rsplit(|&b| b == b'/').next().unwrap_or(tool);
    match tool {
        b"grep" | b"egrep" | b"fgrep" => patterns(words.rest()).any(|pattern| !tells_states(pattern)),
        b"awk" | b"gawk" | b"mawk" => compared(part).any(|pattern| !tells_states(pattern)),
        b"sed" => scan::contains(part, b"/p") || scan::contains(part, b"/d"),
        b"head" => early,
        b"tail" => early && !scan::contains(part, b"+"),
        _ => false,
    }
}

/// What the filters of a pipeline look for in rows: patterns of grep, and what awk compares with.
pub fn sought(command: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    for part in split(command, b"|").into_iter().skip(1) {
        let mut words = Fields::new(part);
        match words.next().unwrap_or(b"") {
            b"grep" | b"egrep" | b"fgrep" => {
                let keeps = |word: &[u8]| !(word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'v'));
                let rest = words.rest();
                all.extend(patterns(rest).filter(|_| Fields::new(rest).all(keeps)));
            }
            b"awk" | b"gawk" | b"mawk" => all.extend(compared(part)),
            _ => {}
        }
    }
    all
}

/// The parts of a pipeline or list of commands; a mark inside of quotes separates none.
pub fn split<'a>(command: &'a [u8], marks: &[u8]) -> Vec<&'a [u8]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in scan::unquoted(command).filter(|(_, byte)| marks.contains(byte)) {
        parts.extend(command.get(start..at));
        start = at + 1;
    }
    parts.extend(command.get(start..));
    parts
}

/// The patterns of a grep: its words but for options and their numbers, and no files, which a pipeline has none of.
fn patterns(words: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut option) = (words, &b""[..]);
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_ascii_start();
            let first = *rest.first()?;
            let quoted = matches!(first, b'"' | b'\'');
            // The end of a quoted word is its quote, of another one a blank.
            let from = usize::from(quoted);
            let ends = |b: &u8| if quoted { *b == first } else { scan::is_blank(*b) };
            let length = rest.get(from..)?.iter().position(ends).unwrap_or(rest.len() - from);
            let word = rest.get(from..from + length)?;
            rest = rest.get(from + length + from..).unwrap_or(b"");
            let of_option = matches!(option, b"-A" | b"-B" | b"-C" | b"-m");
            option = if quoted { b"" } else { word };
            if quoted || !(word.starts_with(b"-") || of_option || word.starts_with(b"2>")) {
                return Some(word);
            }
        }
    })
}

/// What an awk program compares rows with: `/TIME_WAIT/`, `$6 == "ESTABLISHED"`.
fn compared(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = part;
    std::iter::from_fn(move || {
        loop {
            let at = rest.iter().position(|&b| matches!(b, b'/' | b'"'))?;
            let before = rest.get(..at)?.trim_ascii_end();
            let mark = *rest.get(at)?;
            let inside = rest.get(at + 1..)?;
            let end = inside.iter().position(|&b| b == mark)?;
            let compares = match mark {
                b'/' => matches!(before.last(), None | Some(b'\'' | b'"' | b'~' | b'!' | b'(' | b'&' | b'|' | b'{' | b';')),
                _ => before.ends_with(b"==") || before.ends_with(b"~") || before.ends_with(b"index($4,") || before.ends_with(b"index($5,"),
            };
            if compares {
                rest = inside.get(end + 1..).unwrap_or(b"");
                return inside.get(..end);
            }
            rest = inside;
        }
    })
}

/// Whether a pattern stands for states, protocols or headers, whole words or parts of them, and nothing else.
fn tells_states(pattern: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"ESTABLISHED",
        b"SYNSENT",
        b"SYNRECV",
        b"SYNRCVD",
        b"FINWAIT1",
        b"FINWAIT2",
        b"TIMEWAIT",
        b"CLOSEWAIT",
        b"CLOSED",
        b"CLOSING",
        b"LASTACK",
        b"LISTENING",
        b"UNCONN",
        b"TCP6",
        b"UDP6",
        b"UNIX",
        b"PROTO",
        b"ACTIVE",
        b"STATE",
        b"LOCAL",
        b"FOREIGN",
        b"ADDRESS",
        b"RECVQ",
        b"NETID",
    ];
    pattern.split(|&b| b == b'|').all(|word| {
        let folded: Vec<u8> = word.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        let of_words = word.iter().all(|b| b.is_ascii_alphanumeric() || b"_-^$ \\.*()[]<>".contains(b));
        folded.is_empty() && of_words || folded.len() >= 3 && of_words && WORDS.iter().any(|known| scan::contains(known, &folded))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_filters_look_for() {
        let all =
            |command: &str| sought(command.as_bytes()).into_iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>();
        assert_eq!(all("ss -uanp | grep -c relayd"), ["relayd"]);
        assert_eq!(all("netstat -antp | awk '$7 ~ /slapd/ {print $6}' | sort | uniq -c"), ["slapd"]);
        assert!(all("ss -tanp | grep -v grep | wc -l").is_empty());
    }

    #[test]
    fn states_by_options() {
        for (command, shown) in [
            ("ss -ltn", StatesShown::Listening),
            ("ss -tn", StatesShown::Connected),
            ("ss -tanp", StatesShown::All),
            ("ss -lan", StatesShown::All),
            ("ss -anl", StatesShown::Listening),
            ("ss --listening -t", StatesShown::Listening),
            ("ss -tn state time-wait", StatesShown::Unknown),
            ("date; ss -ltn; nstat -az", StatesShown::Listening),
            ("netstat -tn", StatesShown::All),
            ("netstat -tlnp", StatesShown::Listening),
            ("netstat -tulnap", StatesShown::All),
            ("cat x", StatesShown::Unknown),
        ] {
            assert_eq!(states(command.as_bytes()), shown, "{command}");
        }
    }

    #[test]
    fn all_rows_counted() {
        let counts = |command: &str| counts_tcp_rows(command.as_bytes());
        assert!(counts("netstat -t |wc -l") && counts("ss -tan | wc -l") && counts("sudo netstat -tnp | wc -l"));
        assert!(!counts("netstat -an | wc -l") && !counts("netstat -t | grep EST | wc -l") && !counts("ss -tan dst 10.0.0.8 | wc -l"));
    }

    #[test]
    fn filters_by_states_keep_all_of_them() {
        for command in [
            "netstat -an | grep TIME_WAIT | wc -l",
            "netstat -an | grep -ic time_wait",
            "netstat -n | awk '/^tcp/ {++S[$NF]} END {for(a in S) print a, S[a]}'",
            "ss -tan | grep -E 'TIME-WAIT|ESTAB' | awk '{print $1}' | sort | uniq -c | sort -rn | head -3",
            "ss -tan | awk 'NR>1 {print $1}' | sort | uniq -c",
            "ss -Htan state time-wait | wc -l",
            "netstat -ant | awk '$6 == \"TIME_WAIT\" {print $5}' | cut -d: -f1 | sort | uniq -c",
            "netstat -tan | grep ^tcp | awk '{print $6}' | sort | uniq -c",
            "ss -tan | tail -n +2 | wc -l",
        ] {
            assert!(!narrows(command.as_bytes()), "{command}");
        }
    }

    #[test]
    fn filters_by_anything_else_drop_rows_of_a_state() {
        for command in [
            "netstat -na | grep \":443\" | awk {' print $6 '} | sort | uniq -c",
            "netstat -anp | grep 10302 | awk '{print $6}' | sort | uniq -c",
            "netstat -an | grep TIME_WAIT | grep -v 127.0.0.1 | wc -l",
            "netstat -an | grep 'tcp.*:8080.*TIME_WAIT' | wc -l",
            "ss -tan sport = :443 | wc -l",
            "ss -4tan | wc -l",
            "ss -tan | head -100 | awk '{print $1}' | sort | uniq -c",
            "netstat -an | awk '$4 ~ /:443$/ {++S[$6]} END {for (a in S) print a, S[a]}'",
            "netstat -an | awk '/10.0.0.5/ {++S[$6]} END {for (a in S) print a, S[a]}'",
        ] {
            assert!(narrows(command.as_bytes()), "{command}");
        }
    }
}
