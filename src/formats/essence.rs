//! What a command line counts, without what is typed around it: so that the same count, made again, is known as the same.
//!
//! ```text
//! lsof -c relayd | grep unix | wc -l      # an hour later
//! sleep 1200; date && lsof -c relayd 2>/dev/null |grep unix| wc -l
//! ```

use super::{prompt, scan};

/// The one command of a list that prints more than the time, with single blanks, and without comment and where errors go. Of several all.
pub fn essence(command: &[u8]) -> Vec<u8> {
    let plain = uncommented(command);
    let mut told = commands(plain).into_iter().filter(|part| !part.is_empty() && !is_aside(part));
    let only = told.next().filter(|_| told.next().is_none());
    spaced(only.unwrap_or(plain).trim_ascii())
}

/// Seconds that a list of commands sleeps before it counts.
pub fn slept(command: &[u8]) -> u64 {
    let before = commands(command).into_iter().take_while(|part| !prompt::counts(part));
    before.filter(|part| prompt::program(part) == b"sleep").filter_map(|part| seconds(scan::Fields::new(part).nth(1)?)).sum()
}

/// `90`, `5m`, `1h`.
fn seconds(word: &[u8]) -> Option<u64> {
    let (n, unit) = scan::leading_number(word)?;
    let each = match unit {
        b"" | b"s" => 1,
        b"m" => 60,
        b"h" => 3600,
        _ => return None,
    };
    Some(n.saturating_mul(each))
}

/// The commands of a list, which `;` or `&&` parts where no quote is around it.
pub fn commands(line: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, byte) in scan::unquoted(line) {
        let both = byte == b'&' && line.get(at + 1) == Some(&b'&');
        if byte == b';' || both {
            parts.extend(line.get(start..at));
            start = at + 1 + usize::from(both);
        }
    }
    parts.extend(line.get(start..));
    parts.into_iter().map(<[u8]>::trim_ascii).collect()
}

/// Whether a command prints no number that counts: it waits, or tells the time or a text.
fn is_aside(command: &[u8]) -> bool {
    let puts_in = || scan::contains(command, b"$(") || command.contains(&b'`');
    match prompt::program(command) {
        b"sleep" | b"date" | b"clear" | b"cd" | b"true" | b"hostname" => !command.contains(&b'|'),
        b"echo" => !puts_in(),
        _ => false,
    }
}

/// A command line without the comment behind it.
fn uncommented(command: &[u8]) -> &[u8] {
    let behind_blank = |at: usize| at.checked_sub(1).and_then(|before| command.get(before)).is_some_and(|&b| scan::is_blank(b));
    let comment = scan::unquoted(command).find(|&(at, byte)| byte == b'#' && behind_blank(at));
    comment.and_then(|(at, _)| command.get(..at)).map_or(command, <[u8]>::trim_ascii)
}

/// Words with one blank between them, pipes too, and none that says where errors go; the processes that `-p` lists in order.
fn spaced(command: &[u8]) -> Vec<u8> {
    let (mut out, mut rest): (Vec<u8>, &[u8]) = (Vec::with_capacity(command.len()), command);
    while let Some(length) = word(rest) {
        let (word, behind) = rest.split_at_checked(length).unwrap_or((rest, b""));
        rest = behind.trim_ascii_start();
        if word == b"2>/dev/null" || word == b"2>&1" {
            continue;
        }
        if word == b"2>" && rest.starts_with(b"/dev/null") {
            rest = rest.get(9..).unwrap_or(b"").trim_ascii_start();
            continue;
        }
        let listed = out.ends_with(b" -p") && word.contains(&b',');
        if !out.is_empty() {
            out.push(b' ');
        }
        match listed {
            true => {
                let mut pids: Vec<&[u8]> = word.split(|&b| b == b',').collect();
                pids.sort_unstable();
                out.extend(pids.join(&b','));
            }
            false => out.extend_from_slice(word),
        }
    }
    out
}

/// The length of the first word, which ends at a blank or a pipe that no quote is around; a pipe is one by itself.
fn word(text: &[u8]) -> Option<usize> {
    if *text.first()? == b'|' {
        return Some(1 + usize::from(text.get(1) == Some(&b'|')));
    }
    let end = scan::unquoted(text).find(|&(_, byte)| byte == b'|' || scan::is_blank(byte));
    Some(end.map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_around_a_count_is_none_of_it() {
        for (command, counts) in [
            ("lsof -c relayd | grep unix | wc -l      # an hour later", "lsof -c relayd | grep unix | wc -l"),
            ("sleep 1200; lsof -p 7 |wc -l", "lsof -p 7 | wc -l"),
            ("date && lsof -p 7  2>/dev/null|wc -l", "lsof -p 7 | wc -l"),
            ("date; echo open; lsof -p 12,7 | wc -l", "lsof -p 12,7 | wc -l"),
            ("lsof -p 7,12 2> /dev/null | wc -l", "lsof -p 12,7 | wc -l"),
            ("ss -tan | grep ' # 8' | awk '$4 && $5; 1' | wc -l", "ss -tan | grep ' # 8' | awk '$4 && $5; 1' | wc -l"),
            ("ls /proc/7/fd | wc -l; ss -tan | wc -l", "ls /proc/7/fd | wc -l; ss -tan | wc -l"),
            ("date +%s | wc -c; ss | wc -l", "date +%s | wc -c; ss | wc -l"),
        ] {
            assert_eq!(String::from_utf8_lossy(&essence(command.as_bytes())), counts, "{command}");
        }
    }

    #[test]
    fn seconds_slept_before() {
        for (command, seconds) in [("sleep 1200; lsof | wc -l", 1200), ("sleep 5m && date; ss | wc -l", 300), ("ss | wc -l; sleep 9", 0)] {
            assert_eq!(slept(command.as_bytes()), seconds, "{command}");
        }
    }
}
