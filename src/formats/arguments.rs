//! Command lines as captures show them: whether a tool runs in one, with which options, and what its words ask for.

use super::scan::Fields;

/// Programs that run another program whose output is theirs: `timeout 30 ss -tan`, `nsenter -t 4684 -n ss -s`.
const WRAPPERS: &[&[u8]] = &[
    b"sudo", b"timeout", b"nsenter", b"ip", b"docker", b"podman", b"kubectl", b"crictl", b"busybox", b"time", b"nice", b"env", b"watch",
    b"chroot",
];

/// The words that follow `tool` on a command line; `None` if the line runs another program. They end at a pipe, redirection or `;`.
pub fn arguments<'a>(command: &'a [u8], tool: &'a [u8]) -> Option<Arguments<'a>> {
    let mut fields = Fields::new(command);
    let (mut wrapped, mut first) = (true, true);
    while let Some(field) = fields.next() {
        let name = base_name(field);
        if name == tool {
            return wrapped.then_some(Arguments { fields, tool });
        }
        if matches!(field, b";" | b"&&") || field.ends_with(b";") {
            // Another command follows: `date; ss -tan`.
            (wrapped, first) = (true, true);
            continue;
        }
        if is_separator(field) {
            return None;
        }
        // The first word must be a wrapper or a variable; after a wrapper its own options and values follow.
        wrapped = wrapped && (WRAPPERS.contains(&name) || memchr::memchr(b'=', field).is_some() || !first);
        first = false;
    }
    None
}

/// Words of one command, up to a pipe or to another command; one of the same tool goes on with its words.
#[derive(Clone)]
pub struct Arguments<'a> {
    fields: Fields<'a>,
    tool: &'a [u8],
}

impl<'a> Arguments<'a> {
    /// Whether a short option letter is given (`-tan` has `t`), or its long form.
    pub fn has(&self, letter: u8, long: &[u8]) -> bool {
        self.clone().any(|word| match word {
            [b'-', b'-', rest @ ..] => rest == long,
            [b'-', letters @ ..] => letters.contains(&letter),
            _ => false,
        })
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let word = self.fields.next()?;
        if is_separator(word) {
            self.fields = Fields::new(b"");
            return None;
        }
        let Some(last) = word.strip_suffix(b";") else { return Some(word) };
        if self.fields.next().is_none_or(|next| base_name(next) != self.tool) {
            self.fields = Fields::new(b"");
        }
        Some(last)
    }
}

/// The words of a path's last component and whether they follow `tool` in it or in a directory named so:
/// `sos_commands/networking/ss_-tanpoe` gives `tanpoe` for `ss`.
pub fn path_words<'a>(path: &'a str, tool: &str) -> Option<impl Iterator<Item = &'a str>> {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or("");
    let words = |text: &'a str| text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let skip = match words(name).position(|w| w.eq_ignore_ascii_case(tool)) {
        Some(at) => at + 1,
        None if parts.any(|p| p == tool) => 0,
        None => return None,
    };
    Some(words(name).skip(skip))
}

fn base_name(word: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', word) {
        Some(i) => word.get(i + 1..).unwrap_or(b""),
        None => word,
    }
}

fn is_separator(word: &[u8]) -> bool {
    matches!(word.first(), Some(b'|' | b'>' | b';' | b'&')) || word.starts_with(b"2>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str, tool: &str) -> Option<Vec<String>> {
        arguments(command.as_bytes(), tool.as_bytes()).map(|a| a.map(|w| String::from_utf8_lossy(w).into_owned()).collect())
    }

    #[test]
    fn tools_inside_command_lines() {
        assert_eq!(words("ss -tan state close-wait | head", "ss").unwrap(), ["-tan", "state", "close-wait"]);
        assert_eq!(words("nsenter -t 12 -n /usr/sbin/ss -s", "ss").unwrap(), ["-s"]);
        assert_eq!(words("date; ss -tan state established; date", "ss").unwrap(), ["-tan", "state", "established"]);
        assert_eq!(words("date; ss -ltn; nstat -az", "ss").unwrap(), ["-ltn"]);
        assert_eq!(words("ss -s; ss -tanp; free", "ss").unwrap(), ["-s", "-tanp"]);
        assert_eq!(words("cd /tmp && sudo ss -tan", "ss").unwrap(), ["-tan"]);
        assert_eq!(words("grep ss; cat ss", "ss"), None);
        assert_eq!(words("LANG=C netstat -apn", "netstat").unwrap(), ["-apn"]);
        assert_eq!(words("cat /tmp/ss", "ss"), None);
        assert_eq!(words("grep -c x", "ss"), None);
    }

    #[test]
    fn words_of_paths() {
        let of = |path| path_words(path, "ss").map(|w| w.collect::<Vec<_>>());
        assert_eq!(of("sos_commands/networking/ss_-tanpoe").unwrap(), ["tanpoe"]);
        assert_eq!(of("04_ss_tcp.log").unwrap(), ["tcp", "log"]);
        assert_eq!(of("ss/3.10.0-wanp.txt").unwrap(), ["3", "10", "0", "wanp", "txt"]);
        assert!(of("netstat.txt").is_none());
    }
}
