//! Which part of a quoted row matters: the numbers, names and states that the sentence beside it speaks of.

use super::harmless::{MORE, columns, cut, row, split_at_column};
use crate::ledger::Kind;
use std::ops::Range;

/// How many parts of one row are marked, at most: more would point at nothing.
const MAX_MARKS: usize = 6;

/// A row as it is drawn, with the columns that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// The row, cut to the room there is.
    pub text: String,
    /// Columns to mark, in order.
    pub marks: Vec<Range<usize>>,
}

/// Prepares a captured row for drawing in so many columns.
pub fn mark(quote: &str, says: &str, kind: Option<Kind>, room: usize) -> Marked {
    let mut text = row(quote);
    if columns(&text) > room {
        // A row of wide columns says the same with one blank between them.
        text = text.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    }
    let parts = parts(&text, says, kind);
    let marks: Vec<Range<usize>> = parts.iter().filter_map(|p| span(&text, p)).collect();
    window(&text, marks, room)
}

/// A line of carets under the marked columns; empty where nothing is marked.
pub fn carets(marks: &[Range<usize>]) -> String {
    let mut line = String::new();
    for mark in marks {
        let at = line.len();
        line.extend(std::iter::repeat_n(' ', mark.start.saturating_sub(at)));
        line.extend(std::iter::repeat_n('^', mark.end.saturating_sub(line.len())));
    }
    line
}

/// Byte ranges of the row that the sentence speaks of.
fn parts(text: &str, says: &str, kind: Option<Kind>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for phrase in kind.map_or(&[][..], phrases) {
        if let Some(at) = text.find(phrase) {
            found.push(at..at + phrase.len());
        }
    }
    if let Some(at) = text.rfind(" = -1 E") {
        // What a call failed with.
        let from = at + " = ".len();
        let errno = text.get(from + "-1 ".len()..).map_or(0, |r| r.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(r.len()));
        found.push(from..from + "-1 ".len() + errno);
    }
    let wanted = telling_words(says);
    for (at, word) in words(text) {
        if wanted.contains(&plain(word)) {
            found.push(at..at + word.len());
        }
    }
    found.sort_by_key(|r| (r.start, std::cmp::Reverse(r.end)));
    let mut kept: Vec<Range<usize>> = Vec::new();
    for range in found {
        if kept.last().is_none_or(|last| range.start >= last.end) && kept.len() < MAX_MARKS {
            kept.push(range);
        }
    }
    kept
}

/// How the tools print a kind of socket.
fn phrases(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Closed => &["can't identify protocol", "protocol: TCPv6", "protocol: TCP", "UNCONN"],
        Kind::CloseWait => &["CLOSE_WAIT", "CLOSE-WAIT"],
        Kind::SynSent => &["SYN_SENT", "SYN-SENT"],
        Kind::Established => &["ESTABLISHED", "ESTAB"],
        Kind::Listen => &["LISTEN"],
        Kind::FinWait => &["FIN_WAIT2", "FIN_WAIT1", "FIN-WAIT-2", "FIN-WAIT-1"],
        Kind::TimeWait => &["TIME_WAIT", "TIME-WAIT"],
        Kind::Udp => &["UDP", "UNCONN"],
        Kind::Netlink => &["netlink", "NETLINK", "nl "],
        Kind::Packet => &["pack", "p_raw", "p_dgr"],
        Kind::Raw => &["raw", "RAW"],
        Kind::Eventpoll => &["[eventpoll]", "eventpoll"],
        Kind::Unix | Kind::Unidentified | Kind::File => &[],
    }
}

/// Words of a sentence that can be found again: numbers, endpoints, names in capitals, and what stands before `(pid`.
fn telling_words(says: &str) -> Vec<String> {
    let mut telling = Vec::new();
    let mut before = "";
    for (_, word) in words(says) {
        if word == "pid" || word == "pids" {
            telling.push(plain(before));
        }
        let digits = word.bytes().any(|b| b.is_ascii_digit());
        let capitals = word.len() > 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b == b'_');
        if digits && word.len() > 1 || capitals {
            telling.push(plain(word));
        }
        before = word;
    }
    telling.retain(|w| !w.is_empty());
    telling
}

/// The words of a text with where they begin. What belongs to numbers, endpoints and paths is part of a word.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '[' | ']' | ',' | '*' | '@');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = rest.find(inside)?;
        let rest = rest.get(start..)?;
        let len = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let from = at + start;
        at = from + len;
        let word = rest.get(..len)?;
        let trimmed = word.trim_end_matches([',', '.', ':']);
        Some((from, trimmed))
    })
}

/// A word as it is compared: without commas between digits, `-` and `_` alike.
fn plain(word: &str) -> String {
    word.chars().filter(|&c| c != ',').map(|c| if c == '_' { '-' } else { c.to_ascii_uppercase() }).collect()
}

fn span(text: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let start = columns(text.get(..part.start)?);
    Some(start..start + columns(text.get(part.clone())?))
}

/// Cuts a row that is too long: at its end, or in the middle where what is marked stands further right.
fn window(text: &str, marks: Vec<Range<usize>>, room: usize) -> Marked {
    if columns(text) <= room {
        return Marked { text: text.to_string(), marks };
    }
    let room = room.max(3);
    let head_room = room / 3;
    let far = marks.iter().find(|m| m.end >= room).cloned();
    let Some(far) = far.filter(|mark| mark.start > head_room) else {
        let text = cut(text, room);
        let visible = columns(&text).saturating_sub(1);
        let marks = marks.into_iter().map(|m| m.start..m.end.min(visible)).filter(|m| m.start < m.end).collect();
        return Marked { text, marks };
    };
    let (head, _) = split_at_column(text, head_room);
    let tail_room = room - columns(head) - 1;
    // The mark whole, with a little of what stands before it; the row's end too where it fits.
    let lead = tail_room.saturating_sub(far.len() + 1).min(8);
    let last = columns(text).saturating_sub(tail_room);
    let from = far.start.saturating_sub(lead).min(last).max(columns(head));
    let (before, rest) = split_at_column(text, from);
    let (left, skipped) = (columns(head), columns(before));
    let shown = format!("{head}{MORE}{}", cut(rest, tail_room));
    let visible = columns(&shown).saturating_sub(usize::from(shown.ends_with(MORE)));
    let moved = marks.into_iter().filter_map(|m| {
        if m.end <= left {
            return Some(m);
        }
        let start = (m.start + left + 1).checked_sub(skipped).filter(|&s| s > left)?;
        let end = (m.end + left + 1).saturating_sub(skipped).min(visible);
        (start < end).then_some(start..end)
    });
    let marks = moved.collect();
    Marked { text: shown, marks }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(quote: &str, says: &str, kind: Option<Kind>, room: usize) -> (String, String) {
        let marked = mark(quote, says, kind, room);
        (marked.text.clone(), carets(&marked.marks))
    }

    #[test]
    fn the_holder_and_the_state_are_marked() {
        let (text, marks) = drawn("java 4684 apps sock can't identify protocol", "java (pid 4684) holds 6 sockets", Some(Kind::Closed), 80);
        assert_eq!(text, "java 4684 apps sock can't identify protocol");
        assert_eq!(marks, "^^^^ ^^^^           ^^^^^^^^^^^^^^^^^^^^^^^");
    }

    #[test]
    fn numbers_match_without_their_commas_and_only_whole() {
        let (_, marks) = drawn("TCP: inuse 89 alloc 157760", "the kernel counts 157,760 sockets", None, 80);
        assert_eq!(marks, "                    ^^^^^^");
        let (_, marks) = drawn("1577601 x", "the kernel counts 157,760 sockets", None, 80);
        assert_eq!(marks, "");
    }

    #[test]
    fn carets_stand_under_wide_characters() {
        let (_, marks) = drawn("套接字 4684", "pid 4684", None, 80);
        assert_eq!(marks, "       ^^^^");
    }

    #[test]
    fn a_wide_row_is_squeezed_and_then_cut_around_its_mark() {
        let (text, _) = drawn("java      4684      apps", "x", None, 20);
        assert_eq!(text, "java 4684 apps");
        let long = format!("{} 10.0.0.5:9092 end", "x".repeat(60));
        let (text, marks) = drawn(&long, "toward 10.0.0.5:9092", None, 30);
        assert!(columns(&text) <= 30, "{text}");
        let at = marks.find('^').expect("the endpoint is marked");
        assert_eq!(text.chars().skip(at).take(13).collect::<String>(), "10.0.0.5:9092");
    }

    #[test]
    fn a_failed_call_shows_its_name_and_its_error() {
        let call = r#"connect(704, {sa_family=AF_INET, sin_port=htons(587), sin_addr=inet_addr("10.0.0.9")}, 16) = -1 ECONNREFUSED (Connection refused)"#;
        let (text, marks) = drawn(call, "a connect that fails", None, 60);
        assert!(text.starts_with("connect(704,") && text.contains("= -1 ECONNREFUSED"), "{text}");
        let at = marks.find('^').expect("the error is marked");
        assert_eq!(text.chars().skip(at).take(15).collect::<String>(), "-1 ECONNREFUSED");
    }

    #[test]
    fn no_row_breaks_the_marking() {
        for quote in ["", " ", "\u{202e}\u{301}", "\t\t", "[[[]]]:::", "a\u{0}b"] {
            for room in [0, 1, 7, 200] {
                let marked = mark(quote, "pid pid (pid 1) 10, , ESTABLISHED", Some(Kind::Closed), room);
                assert!(marked.marks.iter().all(|m| m.start < m.end));
            }
        }
    }
}
