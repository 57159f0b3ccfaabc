//! What a command line counts, as it was typed: rows of which tool, in which state, of which process.

use super::kind::Kind;
use crate::capture::Snapshot;
use crate::capture::process::base_name;
use crate::capture::snapshot::Counted;
use crate::facts::SocketState;
use crate::formats::pid::{asked, pid_of};
use crate::formats::prompt;

/// The state a label spells, in any tool's spelling.
pub fn state_of(label: &str) -> Option<SocketState> {
    let word: String = label.trim().chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_uppercase();
    Some(match word.as_str() {
        "ESTABLISHED" | "ESTAB" => SocketState::Established,
        "SYNSENT" => SocketState::SynSent,
        "SYNRECV" => SocketState::SynRecv,
        "FINWAIT1" => SocketState::FinWait1,
        "FINWAIT2" => SocketState::FinWait2,
        "TIMEWAIT" => SocketState::TimeWait,
        "CLOSEWAIT" => SocketState::CloseWait,
        "LASTACK" => SocketState::LastAck,
        "LISTEN" => SocketState::Listen,
        "CLOSING" => SocketState::Closing,
        _ => return None,
    })
}

/// The one state a command line selects: `state close-wait`, `grep CLOSE_WAIT`.
pub(super) fn state_in(command: &str) -> Option<SocketState> {
    let selects = |part: &&str| !part.contains("grep") || !part.split_whitespace().any(drops);
    let selecting: String = command.split('|').filter(selects).collect();
    let folded: String = selecting.to_ascii_uppercase().chars().filter(|c| *c != '_' && *c != '-').collect();
    let all = ["CLOSEWAIT", "TIMEWAIT", "SYNSENT", "SYNRECV", "ESTAB", "FINWAIT2", "FINWAIT1", "LASTACK"];
    let mut hits = all.iter().filter(|w| folded.contains(*w));
    match (hits.next(), hits.next()) {
        (Some(hit), None) => state_of(hit),
        (Some(_), Some(_)) => None,
        (None, _) => greps_close(command).then_some(SocketState::CloseWait),
    }
}

/// Whether an option of grep keeps what does not match.
fn drops(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|o| !o.starts_with('-') && o.contains('v')) || option == "--invert-match"
}

/// Whether a filter keeps what has the word CLOSE: of the states that ss, netstat and lsof print all but a few such rows are CLOSE-WAIT.
fn greps_close(command: &str) -> bool {
    let mut parts = command.split('|').map(str::trim);
    let listed = parts.next().is_some_and(|table| ["ss", "netstat", "lsof"].iter().any(|tool| prints_of(table, tool)));
    let greps = |part: &str| part.starts_with("grep ") && part.split_whitespace().any(|w| w.trim_matches(['"', '\'']) == "CLOSE");
    listed && parts.any(greps)
}

/// Whether a pipeline prints the peer's column of a table: the last of ss and netstat but the holder, and of ss the fourth where it was asked for
/// one state, which it then does not print.
pub(super) fn counts_peers(command: &str) -> bool {
    let column = match () {
        () if prints_of(command, "netstat") => 5,
        () if prints_of(command, "ss") && command.contains(" state ") => 4,
        () if prints_of(command, "ss") => 5,
        () => return false,
    };
    printed(command).first() == Some(&column)
}

/// Whether a pipeline works on what a tool prints.
pub(super) fn prints_of(command: &str, tool: &str) -> bool {
    command.split_whitespace().any(|word| base_name(word) == tool)
}

/// The columns that the last awk of a pipeline prints: `{print $2" "$1}` is 2 and 1.
pub(super) fn printed(command: &str) -> Vec<u32> {
    let Some((_, behind)) = command.rsplit_once("print") else { return Vec::new() };
    let printed = behind.split(['}', '|']).next().unwrap_or("");
    let columns = printed.split('$').skip(1);
    columns.filter_map(|c| c.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
}

/// The kind of rows a counting command line selects.
pub(super) fn kind_in(command: &str) -> Option<Kind> {
    if let Some(state) = state_in(command) {
        return Kind::of_socket(crate::facts::Protocol::Tcp, state);
    }
    if command.contains("anon_inode") || command.contains("eventpoll") {
        return Some(Kind::Eventpoll);
    }
    if lists_unix(command) {
        return Some(Kind::Unix);
    }
    let unlisted = command.contains("identify")
        || command.contains("protocol: TCP")
        || command.contains("TCPv6")
        || (command.contains("grep") && command.contains("sock "));
    (unlisted && command.contains("lsof")).then_some(Kind::Closed)
}

/// Whether a filter keeps the rows of unix sockets that lsof lists, and no others.
fn lists_unix(command: &str) -> bool {
    let mut parts = command.split('|').map(str::trim);
    let greps = |part: &str| {
        part.contains("grep ")
            && part.split_whitespace().map(|w| w.trim_matches(['"', '\''])).any(|w| w == "unix" || w.starts_with("type=STREAM"))
    };
    parts.next().is_some_and(|lsof| prints_of(lsof, "lsof")) && parts.any(greps)
}

/// The kind of all rows that ss or netstat was asked for, where it is one: `ss -uanp | grep NAME | wc -l`.
pub(super) fn family_in(t: &Counted) -> Option<Kind> {
    let (table, filters) = t.command.split_once('|')?;
    let options = table_of(table)?;
    let counts = filters.contains("wc -l") || prompt::last_count(t.command.as_bytes()).is_some();
    if !t.label.is_empty() || asks(&options, ['t', 'w']) || options.contains('l') || !counts {
        return None;
    }
    match (asks(&options, ['u', 'U']), options.contains('x')) {
        (true, false) => Some(Kind::Udp),
        (false, true) => Some(Kind::Unix),
        _ => None,
    }
}

/// The short options of an ss or netstat that is asked for nothing else.
pub(super) fn table_of(command: &str) -> Option<String> {
    let mut words = command.split_whitespace().skip_while(|w| !matches!(base_name(w), "ss" | "netstat"));
    words.next()?;
    let options = words.by_ref().take_while(|w| w.starts_with('-') && !w.starts_with("--")).collect();
    words.next().is_none().then_some(options)
}

/// Whether one of two letters is among options.
pub(super) fn asks(options: &str, letters: [char; 2]) -> bool {
    options.contains(letters)
}

/// Whether a pipeline lets through what names a program and nothing else that is asked for.
pub(super) fn selects(command: &str, program: &str) -> bool {
    let mut filters = command.split('|').skip(1).filter(|f| !f.contains("wc -l"));
    let asked = filters.next().and_then(|f| f.trim_start().strip_prefix("grep "));
    let word = asked.map(|w| w.trim().trim_matches(['"', '\'']));
    filters.next().is_none() && !program.is_empty() && word == Some(program)
}

/// The process that a command line means: by its pid, or by `$(pidof NAME)` where the capture knows one process of that name. The only one
/// whose descriptors are listed may be it, where its name is not known or was looked for on command lines.
pub(super) fn process_in(command: &str, snapshot: &Snapshot) -> Option<u32> {
    if let Some(pid) = pid_of("", command.as_bytes()) {
        return Some(pid);
    }
    if let Some(begins) = selected_name(command) {
        let mut named = snapshot.processes.iter().filter(|(_, p)| p.command.starts_with(begins)).map(|(&pid, _)| pid);
        return named.next().filter(|_| named.next().is_none());
    }
    let asked = std::str::from_utf8(asked(command.as_bytes())?).ok()?;
    let name = base_name(asked.split_whitespace().last()?);
    let mut named = snapshot.processes.iter().filter(|(_, p)| !name.is_empty() && (p.command == name || base_name(&p.program()) == name));
    match (named.next(), named.next()) {
        (Some((&pid, _)), None) => Some(pid),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let mut listed = snapshot.processes.iter().filter(|(_, p)| !p.lists.is_empty());
            let (&pid, only) = listed.next().filter(|_| listed.next().is_none())?;
            let by_line = asked.split_whitespace().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains('f'));
            (only.command.is_empty() || (by_line && only.cmdline.is_empty())).then_some(pid)
        }
    }
}

/// How the names begin that an lsof was asked for: `lsof -c relayd`.
fn selected_name(command: &str) -> Option<&str> {
    let lsof = command.split('|').next().filter(|part| prints_of(part, "lsof"))?;
    let mut words = lsof.split_whitespace();
    let option = words.find(|w| w.starts_with("-c"))?;
    let name = if option == "-c" { words.next()? } else { option.strip_prefix("-c")? };
    // Several, or a pattern, are no one's name.
    (!name.contains(['/', '^', ',']) && !words.any(|w| w.starts_with("-c"))).then_some(name)
}

/// The count without the header line that `ss ... | wc -l` counts too; one with a label is of rows alone.
pub(super) fn without_header(tally: &Counted) -> u64 {
    let without = ["grep", "awk", "-H", "tail -n +2", "tail -n+2", "tail +2", "sed 1d", "sed '1d'", "sed -n '2"];
    let greps = without.iter().any(|word| tally.command.contains(word));
    let lines = tally.command.contains("wc -l");
    if tally.label.is_empty() && lines && !greps { tally.value.saturating_sub(1) } else { tally.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_the_peer() {
        for (command, peers) in [
            ("ss -tan state time-wait | awk 'NR>1{print $4}' | sort | uniq -c", true),
            ("ss -tan state time-wait | awk '{print $3}' | sort | uniq -c", false),
            ("ss -Htan | awk '/TIME-WAIT/ {print $5}' | sort | uniq -c", true),
            ("netstat -tan | grep TIME_WAIT | awk '{print $5}' | sort | uniq -c", true),
            ("netstat -tan | grep TIME_WAIT | awk '{print $4}' | sort | uniq -c", false),
            ("cat x | awk '{print $5}'", false),
        ] {
            assert_eq!(counts_peers(command), peers, "{command}");
        }
    }
}
