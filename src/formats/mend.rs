//! What a text went through on its way here, and how it was before: screens, web pages and word processors change what tools printed.
//!
//! ```text
//! ESC[?2004l, ESC]0;title BEL, --More--CR      codes of a terminal, as `script`, `watch` and pagers leave them
//! 10.0.0.1:80-&gt;10.0.0.2:9                   escaped for HTML, <pre> and <code> around it
//! can’t, users:((“java”, a no-break blank      what editors and tickets put in place of ', " and the blank, in UTF-8 or Windows-1252
//! CLOSE\_WAIT                                  escaped for Markdown
//! ```
//!
//! It is told once, from the beginning of a member, so that the ordinary one costs nothing.

use super::scan::contains;
use std::borrow::Cow;

/// Begins a terminal's code.
pub const ESCAPE: u8 = 0x1b;

/// Entities of HTML, and what they stand for.
const ENTITIES: &[(&[u8], &[u8])] = &[
    (b"&lt;", b"<"),
    (b"&gt;", b">"),
    (b"&amp;", b"&"),
    (b"&quot;", b"\""),
    (b"&#34;", b"\""),
    (b"&#39;", b"'"),
    (b"&#x27;", b"'"),
    (b"&apos;", b"'"),
    (b"&nbsp;", b" "),
];

/// What may stand around a text in HTML, at the beginning or end of a line.
const TAGS: &[&[u8]] = &[b"pre", b"code", b"p", b"br", b"br/", b"br /", b"span", b"div", b"samp", b"tt"];

/// Characters that editors put in place of those of a keyboard.
const TYPED: &[(&[u8], &[u8])] = &[
    ("\u{a0}".as_bytes(), b" "),
    ("\u{202f}".as_bytes(), b" "),
    ("\u{200b}".as_bytes(), b""),
    ("\u{2018}".as_bytes(), b"'"),
    ("\u{2019}".as_bytes(), b"'"),
    ("\u{201c}".as_bytes(), b"\""),
    ("\u{201d}".as_bytes(), b"\""),
    ("\u{2192}".as_bytes(), b"->"),
];

/// The same in Windows-1252, where each is one byte that no UTF-8 has alone.
const WINDOWS: &[(u8, u8)] = &[(0x91, b'\''), (0x92, b'\''), (0x93, b'"'), (0x94, b'"'), (0x96, b'-'), (0x97, b'-'), (0xa0, b' ')];

/// Words of tools whose `_` Markdown escapes.
const ESCAPED: &[&[u8]] = &[b"\\_WAIT", b"\\_SENT", b"\\_RECV", b"anon\\_inode", b"AF\\_INET"];

/// The bytes with which these begin.
const FIRST_TYPED: [u8; 2] = [0xc2, 0xe2];

/// What is to be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mend {
    screen: bool,
    html: bool,
    typed: bool,
    windows: bool,
    markdown: bool,
}

impl Mend {
    /// What a text that begins so needs; `None` for the ordinary one.
    pub fn of(head: &[u8]) -> Option<Mend> {
        let mend = Mend {
            screen: is_screen(head),
            html: is_html(head),
            typed: is_typed(head),
            windows: is_windows(head),
            markdown: memchr::memchr(b'\\', head).is_some() && ESCAPED.iter().any(|word| contains(head, word)),
        };
        (mend != Mend::default()).then_some(mend)
    }

    /// The line as it was printed. Where the cursor went elsewhere in it, it is several.
    pub fn line<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let mut out = Cow::Borrowed(line);
        if self.screen {
            out = Cow::Owned(shown(&out));
        }
        if self.html {
            // What a page says in front of a block is another line.
            let (before, block) = block(&out);
            let mut lines = replaced(untagged(before), [b'&'; 2], ENTITIES);
            if !before.is_empty() {
                lines.push(b'\n');
            }
            lines.append(&mut replaced(untagged(block), [b'&'; 2], ENTITIES));
            out = Cow::Owned(lines);
        }
        if self.typed {
            out = Cow::Owned(replaced(&out, FIRST_TYPED, TYPED));
        }
        if self.windows {
            let typed = |b: u8| WINDOWS.iter().find(|(from, _)| *from == b).map_or(b, |(_, to)| *to);
            out = Cow::Owned(out.iter().map(|&b| typed(b)).collect());
        }
        if self.markdown {
            out = Cow::Owned(unescaped(&out));
        }
        out
    }

    /// The lines of a text as they were printed.
    pub fn text(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for line in text.split_inclusive(|&b| b == b'\n') {
            let (line, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\n"));
            out.extend_from_slice(&self.line(super::scan::strip_end(line)));
            out.extend_from_slice(end);
        }
        out
    }
}

/// Whether a terminal's codes are in it: escapes, a step back, or a return to the beginning of a line that goes on.
fn is_screen(head: &[u8]) -> bool {
    let goes_on = |at: usize| {
        let rest = head.get(at..).unwrap_or_default();
        rest.iter().find(|&&b| b != b'\r').is_some_and(|&b| b != b'\n')
    };
    memchr::memchr2(ESCAPE, 0x08, head).is_some() || memchr::memchr_iter(b'\r', head).any(goes_on)
}

/// Whether it was escaped for HTML as a whole: a page that a trace or log shows also has what would have been escaped.
fn is_html(head: &[u8]) -> bool {
    let page = contains(head, b"<pre") || contains(head, b"<code");
    let tagged = page && super::scan::lines(head).any(|l| block(l).1.starts_with(b"<pre") || l.starts_with(b"<code"));
    let bare = || super::scan::lines(head).all(|l| memchr::memchr2(b'<', b'>', untagged(l)).is_none());
    let quoted = || contains(head, b"&quot;") && memchr::memchr(b'"', head).is_none();
    tagged || ((contains(head, b"&gt;") || contains(head, b"&lt;")) && bare()) || quoted()
}

fn is_typed(head: &[u8]) -> bool {
    let [one, other] = FIRST_TYPED;
    memchr::memchr2(one, other, head).is_some() && TYPED.iter().any(|(from, _)| contains(head, from))
}

/// Whether all that is no ASCII are such characters of Windows-1252, which are no UTF-8.
fn is_windows(head: &[u8]) -> bool {
    !head.is_ascii() && head.iter().filter(|b| !b.is_ascii()).all(|b| WINDOWS.iter().any(|(from, _)| from == b))
}

/// A line without the backslash in front of what Markdown would read as its own.
fn unescaped(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' || !bytes.peek().is_some_and(|b| b"_*[]<>|#`".contains(b)) {
            out.push(byte);
        }
    }
    out
}

/// What a terminal shows of a line: without its codes, and where a part was written over, the last one. A code that moves the cursor to
/// another line ends this one.
pub fn shown(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let (mut part, mut over) = (0, false);
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            ESCAPE => {
                let (code, after) = code(after);
                rest = after;
                match code {
                    Some(b'H' | b'f' | b'd') => {
                        out.push(b'\n');
                        (part, over) = (out.len(), false);
                    }
                    Some(b'C' | b'G') => out.push(b' '),
                    _ => {}
                }
            }
            b'\r' => over = true,
            0x08 if out.len() > part => {
                out.pop();
            }
            0x07 | 0x08 | 0x0e | 0x0f => {}
            _ => {
                if over {
                    out.truncate(part);
                    over = false;
                }
                out.push(byte);
            }
        }
    }
    out
}

/// The final letter of a code that moves the cursor or sets how text looks, and what follows the code.
fn code(after: &[u8]) -> (Option<u8>, &[u8]) {
    let Some((&kind, rest)) = after.split_first() else { return (None, after) };
    match kind {
        b'[' => {
            let end = rest.iter().position(|b| !(0x20..0x40).contains(b)).unwrap_or(rest.len());
            (rest.get(end).copied(), rest.get(end + 1..).unwrap_or_default())
        }
        // A title or another string, up to BEL or ESC \.
        b']' | b'P' | b'X' | b'^' | b'_' => {
            let end = memchr::memchr2(0x07, ESCAPE, rest).unwrap_or(rest.len());
            let long = rest.get(end..).is_some_and(|r| r.starts_with(b"\x1b\\"));
            (None, rest.get(end + 1 + usize::from(long)..).unwrap_or_default())
        }
        b'(' | b')' | b'*' | b'+' | b'#' | b'%' => (None, rest.get(1..).unwrap_or_default()),
        _ => (None, rest),
    }
}

/// What stands in front of the last `<pre>` of a line, and the rest.
fn block(line: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memmem::rfind(line, b"<pre").filter(|&at| matches!(line.get(at + 4), Some(b'>' | b' ')));
    line.split_at_checked(at.unwrap_or(0)).unwrap_or((b"", line))
}

/// A line without the tags at its beginning and end.
fn untagged(line: &[u8]) -> &[u8] {
    let name = |inside: &[u8]| {
        let inside = inside.strip_prefix(b"/").unwrap_or(inside);
        TAGS.contains(&inside) || inside.split(|&b| b == b' ').next().is_some_and(|word| TAGS.contains(&word))
    };
    let mut line = line;
    while let Some(end) = line.strip_prefix(b"<").and_then(|_| memchr::memchr(b'>', line)) {
        // The mark was found behind the first byte.
        if !name(&line[1..end]) {
            break;
        }
        // The mark was found in the line.
        line = &line[end + 1..];
    }
    while let Some(start) = line.strip_suffix(b">").and_then(|inside| memchr::memrchr(b'<', inside)) {
        // The mark was found in front of the last byte.
        if !name(&line[start + 1..line.len() - 1]) {
            break;
        }
        // The mark was found in the line.
        line = &line[..start];
    }
    line
}

/// A line with the first of each pair replaced by the second; all first ones begin with one of two bytes.
fn replaced(line: &[u8], [one, other]: [u8; 2], pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr2(one, other, rest) {
        // The mark was found in the rest.
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let pair = pairs.iter().find(|(first, _)| from.starts_with(first));
        let (text, len) = pair.map_or((from.get(..1).unwrap_or_default(), 1), |&(first, second)| (second, first.len()));
        out.extend_from_slice(text);
        rest = from.get(len..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::testing::told_as;

    fn mended(text: &str) -> String {
        let mend = Mend::of(text.as_bytes()).unwrap_or_default();
        String::from_utf8(mend.text(text.as_bytes())).unwrap()
    }

    #[test]
    fn screens() {
        for (from, want) in [
            ("\x1b[01;31mjava\x1b[0m x", "java x"),
            ("a\x1b]0;t\x07b", "ab"),
            ("a\x1b]0;t\x1b\\b", "ab"),
            ("\x1b[?2004l\rState", "State"),
            ("--More--(3%)\r            \rESTAB 0 0", "ESTAB 0 0"),
            ("\x1b[7m--More--\x1b[27m\r\x1b[KESTAB", "ESTAB"),
            ("\x1b[H\x1b[2JEvery 2.0s: ss\x1b[1;60Hweb-1\x1b[3;1HState", "\nEvery 2.0s: ss\nweb-1\nState"),
            ("ab\x08c", "ac"),
            ("\x1b(Bx\x1b=y\x1b[", "xy"),
            ("a\r\nb\r\r\n", "a\nb\n"),
        ] {
            assert_eq!(mended(from), want, "{from:?}");
        }
    }

    #[test]
    fn pages() {
        for (from, want) in [
            ("a:1-&gt;b:2 &amp;c", "a:1->b:2 &c"),
            ("<pre class=\"x\"><code>a -&gt; b\nc</code></pre>\n", "a -> b\nc\n"),
            ("<p>and <tt>ss</tt></p><pre class=\"x\">State a -&gt; b\nc</pre>\n", "and <tt>ss\nState a -> b\nc\n"),
            ("users:((&quot;java&quot;,1,2)) can&#39;t", "users:((\"java\",1,2)) can't"),
        ] {
            assert_eq!(mended(from), want);
        }
        for same in ["write(1, \"a &lt; b\", 8) = 8 <0.1>", "GET /?a=1&amp;b=2", "a <--> b", "x &quot;a&quot; \"b\""] {
            assert_eq!(mended(same), same);
        }
    }

    #[test]
    fn typed() {
        assert_eq!(mended("can\u{2019}t \u{201c}java\u{201d}\u{a0}x a\u{2192}b é"), "can't \"java\" x a->b é");
        assert_eq!(Mend::of("é ü ✓".as_bytes()), None);
        let text = b"can\x92t identify \x93x\x94\xa0y";
        assert_eq!(Mend::of(text).unwrap_or_default().text(text), b"can't identify \"x\" y");
    }

    #[test]
    fn escaped_for_markdown() {
        assert_eq!(mended("10.0.0.1:\\* CLOSE\\_WAIT 7/a\\_b \\n"), "10.0.0.1:* CLOSE_WAIT 7/a_b \\n");
        assert_eq!(mended("a\\_b"), "a\\_b", "no word of a tool");
    }

    #[test]
    fn a_table_is_the_same_by_each_way() {
        const TABLE: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
            CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:9 users:((\"java\",pid=7,fd=8))\n\
            CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:10 users:((\"java\",pid=7,fd=9))\n";
        let want = told_as("x.txt", TABLE).0.lines;
        for text in [
            TABLE.replace('"', "&quot;"),
            TABLE.replace('"', "\u{201d}"),
            TABLE.replace(' ', "\u{a0}"),
            TABLE.replace('\n', "   \r\r\n"),
            format!("\x1b[?2004l\r{}", TABLE.replace('\n', "\x1b[K\r\n")),
            TABLE.replace("\nC", "\n--More--\r        \rC"),
        ] {
            let (told, reading) = told_as("x.txt", &text);
            assert_eq!((told.lines, reading.unparsed()), (want.clone(), 0), "{text:?}");
        }
    }
}
