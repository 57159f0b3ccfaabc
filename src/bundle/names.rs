//! Paths as archives spell them, made fit to be shown and compared. Nothing here touches the disk.

/// A path made plain, and what was odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) path: String,
    pub(super) oddity: Option<&'static str>,
}

/// `./a//b` is `a/b`; an absolute path loses its `/`, `..` is left out, control characters are escaped: nobody's terminal or report is
/// to be written to by a file name.
pub(super) fn plain(name: &[u8], longest: usize) -> Plain {
    let mut oddity = None;
    let lossy = String::from_utf8_lossy(name);
    if lossy.starts_with('/') {
        oddity = Some("an absolute path");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in lossy.split('/') {
        match part {
            "" | "." => {}
            ".." => oddity = Some("a path with `..`"),
            _ => parts.push(part),
        }
    }
    let mut path = parts.join("/");
    if path.chars().any(unfit) {
        oddity = oddity.or(Some("control characters in its path"));
        path = path.chars().fold(String::new(), |mut out, c| {
            if unfit(c) {
                out.extend(c.escape_default())
            } else {
                out.push(c)
            }
            out
        });
    }
    if path.len() > longest {
        oddity = Some("a path that is too long, shortened");
        let mut end = longest;
        while !path.is_char_boundary(end) {
            end -= 1;
        }
        path.truncate(end);
    }
    if path.is_empty() {
        oddity = oddity.or(Some("no name"));
        path = "(no name)".into();
    }
    Plain { path, oddity }
}

/// Control characters, and the ones that turn the direction of text.
fn unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> (String, bool) {
        let plain = plain(name.as_bytes(), 20);
        (plain.path, plain.oddity.is_some())
    }

    #[test]
    fn hostile_names_become_plain_ones() {
        for (name, want, odd) in [
            ("./a/b", "a/b", false),
            ("a//b/", "a/b", false),
            ("/etc/passwd", "etc/passwd", true),
            ("a/../../etc/passwd", "a/etc/passwd", true),
            ("..", "(no name)", true),
            ("", "(no name)", true),
            ("a\x1b[31mb", "a\\u{1b}[31mb", true),
            ("a\nb", "a\\nb", true),
            ("größe", "größe", false),
            ("0123456789012345678ö", "0123456789012345678", true),
        ] {
            assert_eq!(shown(name), (want.to_string(), odd), "{name:?}");
        }
        assert_eq!(plain(b"a\xffb", 20).path, "a\u{fffd}b");
    }
}
