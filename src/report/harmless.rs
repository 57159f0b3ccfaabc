//! Text that a capture wrote, made fit for a terminal or a ticket: nothing in it can move the cursor, hide itself or change the reading order.
//!
//! A process may call itself `\x1b[2J`, a log may hold a right-to-left override; both are shown as what they are. Widths are columns
//! (`unicode-width`), because a cut in the middle of a wide character would push all that follows.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for what was left out.
pub const MORE: char = '…';

/// The text with every character that acts instead of showing (controls, escapes, directions, joiners, marks without width) written out.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().all(shows) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if shows(c) { out.push(c) } else { escape(c, &mut out) }
    }
    Cow::Owned(out)
}

/// A captured row: harmless, with tabs as the blanks a terminal would show.
pub fn row(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for c in text.trim_end().chars() {
        if c == '\t' {
            let blanks = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
            continue;
        }
        let before = out.len();
        if shows(c) {
            out.push(c)
        } else {
            escape(c, &mut out)
        }
        column += columns(out.get(before..).unwrap_or(""));
    }
    out
}

/// How many columns a harmless text takes.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The text, cut to a number of columns, with a mark where it was.
pub fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_string();
    }
    let (kept, _) = split_at_column(text, room.saturating_sub(1));
    format!("{kept}{MORE}")
}

/// The longest beginning of the text that takes no more than so many columns, and the rest.
pub fn split_at_column(text: &str, room: usize) -> (&str, &str) {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        let wide = c.width().unwrap_or(0);
        if taken + wide > room {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
        taken += wide;
    }
    (text, "")
}

/// The text in lines of so many columns, broken between words; a word that is longer than a line is broken where the line ends.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(8);
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let mut word = word;
        if let Some(line) = lines.last_mut() {
            let used = columns(line);
            let gap = usize::from(used > 0);
            if used + gap + columns(word) <= room {
                if gap > 0 {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if used > 0 {
                lines.push(String::new());
            }
        }
        while columns(word) > room {
            let (head, rest) = split_at_column(word, room);
            if let Some(line) = lines.last_mut() {
                line.push_str(head);
            }
            lines.push(String::new());
            word = rest;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines
}

/// Whether a character only shows: it takes a column, is no control, and leaves its neighbours alone.
fn shows(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let acts = matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !acts && c.width().is_some_and(|w| w > 0)
}

fn escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
        c => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
    }
}

/// JSON text in which the same characters are escaped: they stand only inside strings, where an escape means the same.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(|c| shows(c) || c == '\n') {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if shows(c) || c == '\n' {
            out.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(harmless("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
        assert_eq!(harmless("a\r\nb\u{7f}\u{9b}0m"), "a\\r\\nb\\x7f\\x9b0m");
        assert_eq!(harmless("abc\u{202e}gpj.exe"), "abc\\u{202e}gpj.exe");
        assert_eq!(harmless("ja\u{200b}va\u{feff}"), "ja\\u{200b}va\\u{feff}");
        assert_eq!(harmless("e\u{301}"), "e\\u{301}");
        assert_eq!(harmless("\u{e0041}\u{2028}"), "\\u{e0041}\\u{2028}");
    }

    #[test]
    fn what_shows_is_left_alone() {
        assert!(matches!(harmless("java 4684 套接字 é \u{fffd}"), Cow::Borrowed(_)));
    }

    #[test]
    fn tabs_of_a_row_become_blanks() {
        assert_eq!(row("ab\tc\t"), "ab      c");
        assert_eq!(row("套\tc"), "套      c");
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("套接字套接字", 6), "套接…");
        assert_eq!(columns(&cut("套接字套接字", 6)), 5);
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn wrapping_keeps_every_character() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijklmnop q", 8), ["abcdefgh", "ijklmnop", "q"]);
        assert_eq!(wrap("", 20), [""]);
    }

    #[test]
    fn json_stays_the_same_value() {
        let text = "a\u{7f}b\u{202e}\u{e0041}é";
        let json = serde_json::to_string(text).expect("a string is JSON");
        let safe = harmless_json(&json);
        assert!(safe.chars().all(shows), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("still JSON"), text);
    }
}
