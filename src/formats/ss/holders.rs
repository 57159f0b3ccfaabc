//! The `users:(...)` field: who holds a socket.
//!
//! ```text
//! users:(("java",4684,280))                                  up to 3.13
//! users:(("nginx",pid=811,fd=6),("nginx",pid=812,fd=6))      3.14 and later; with -T also tid=, with -Z contexts
//! users:(("php-fpm",pid=18332,fd=9),...,("php-fpm",pid=17777,fd=7))
//! ```
//!
//! The name is the text of `/proc/PID/stat` up to its first `)`, so it may hold quotes, commas, blanks and newlines, all printed raw
//! before 7.x. It ends at the first `",` that a process number follows. Very old versions cut the list at a fixed buffer.

use crate::facts::Holder;
use crate::formats::scan;

/// How many holders are kept without asking for memory.
const FEW: usize = 4;

/// The holders of one row.
#[derive(Debug)]
pub struct Holders<'a> {
    few: [Holder<'a>; FEW],
    len: usize,
    /// All of them, once there are more than a few.
    many: Vec<Holder<'a>>,
    /// Whether the row has the field at all.
    pub present: bool,
    /// Whether the line ended inside the field.
    pub open: bool,
}

impl<'a> Holders<'a> {
    /// None yet.
    pub fn new() -> Self {
        let nobody = Holder { command: b"", pid: 0, fd: None };
        Holders { few: [nobody; FEW], len: 0, many: Vec::new(), present: false, open: false }
    }

    /// The holders read.
    pub fn list(&self) -> &[Holder<'a>] {
        if self.many.is_empty() { self.few.get(..self.len).unwrap_or(&[]) } else { &self.many }
    }

    /// Reads the field at the beginning of `text`, which starts with `users:(`, and returns what follows it.
    pub fn read(&mut self, text: &'a [u8]) -> &'a [u8] {
        self.present = true;
        self.open = true;
        let mut rest = text.get(b"users:(".len()..).unwrap_or(b"");
        loop {
            match rest {
                [b'(', b'"', inner @ ..] => match holder(inner) {
                    Some((holder, after)) => {
                        self.push(holder);
                        rest = after;
                    }
                    None => return b"",
                },
                // Somebody shortened the list by hand: what is left out is unknown.
                [b',', b'.', b'.', b'.', after @ ..] | [b'.', b'.', b'.', after @ ..] | [b',', after @ ..] => rest = after,
                [b')', after @ ..] => {
                    self.open = false;
                    return after;
                }
                _ => return b"",
            }
        }
    }

    fn push(&mut self, holder: Holder<'a>) {
        if !self.many.is_empty() {
            return self.many.push(holder);
        }
        match self.few.get_mut(self.len) {
            Some(slot) => {
                *slot = holder;
                self.len += 1;
            }
            None => {
                self.many.extend_from_slice(&self.few);
                self.many.push(holder);
            }
        }
    }
}

/// One entry, from behind its opening quote to behind its closing parenthesis.
fn holder(text: &[u8]) -> Option<(Holder<'_>, &[u8])> {
    let mut from = 0;
    loop {
        // Names are short: a plain search is over before a wide one has begun.
        let quote = from + text.get(from..)?.iter().position(|&b| b == b'"')?;
        let (command, after) = text.split_at_checked(quote)?;
        if let Some((pid, fd, rest)) = after.strip_prefix(b"\",").and_then(numbers) {
            // A name that was cut behind a blank ends in one.
            return Some((Holder { command: command.trim_ascii_end(), pid, fd }, rest));
        }
        from = quote + 1;
    }
}

/// `pid=N,fd=M)` with anything between, or `N,M)`.
fn numbers(text: &[u8]) -> Option<(u32, Option<u32>, &[u8])> {
    let named = text.strip_prefix(b"pid=");
    let (pid, mut rest) = scan::leading_number(named.unwrap_or(text))?;
    let pid = u32::try_from(pid).ok()?;
    let mut fd = None;
    loop {
        match rest {
            [b')', after @ ..] => return Some((pid, fd, after)),
            [b',', after @ ..] => {
                let value = if named.is_some() { after.strip_prefix(b"fd=") } else { Some(after) };
                match value.and_then(scan::leading_number) {
                    Some((number, behind)) => {
                        fd = u32::try_from(number).ok();
                        rest = behind;
                    }
                    // `tid=`, `proc_ctx=`, `sock_ctx=`: skipped to the next comma or the end.
                    None if named.is_some() => rest = after.get(memchr::memchr2(b',', b')', after)?..)?,
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, bool, String) {
        let mut holders = Holders::new();
        let rest = holders.read(text.as_bytes());
        let list = holders
            .list()
            .iter()
            .map(|h| format!("{}/{}/{}", String::from_utf8_lossy(h.command), h.pid, h.fd.map_or("-".into(), |f| f.to_string())))
            .collect();
        (list, holders.open, String::from_utf8_lossy(rest).into_owned())
    }

    #[test]
    fn old_new_and_with_contexts() {
        assert_eq!(read("users:((\"java\",4684,280)) ino:1"), (vec!["java/4684/280".into()], false, " ino:1".into()));
        assert_eq!(read("users:((\"a\",pid=1,fd=3),(\"b\",pid=2,fd=4))").0, ["a/1/3", "b/2/4"]);
        assert_eq!(read("users:((\"x\",pid=1,tid=7,proc_ctx=u:r:t:s0,fd=3))").0, ["x/1/3"]);
    }

    #[test]
    fn odd_names() {
        assert_eq!(
            read("users:((\"we\"ird\\n??\",pid=14996,fd=3),(\"My App (1\",pid=9,fd=3))").0,
            ["we\"ird\\n??/14996/3", "My App (1/9/3"]
        );
        assert_eq!(read("users:((\"a\",b),\",pid=5,fd=6))").0, ["a\",b),/5/6"]);
    }

    #[test]
    fn more_than_a_few_and_an_elision() {
        assert_eq!(read("users:((\"a\",1,1),(\"a\",2,1),(\"a\",3,1),(\"a\",4,1),(\"a\",5,1),(\"a\",6,1))").0.len(), 6);
        let (list, open, _) = read("users:((\"php\",pid=9,fd=9),...,(\"php\",pid=7,fd=7))");
        assert_eq!((list, open), (vec!["php/9/9".to_string(), "php/7/7".to_string()], false));
    }

    #[test]
    fn a_list_that_ends_inside_is_open() {
        for text in ["users:((\"tab\tnl", "users:(", "users:((\"a\",pid=1,fd=3),(\"b\",pid=", "users:((\"a\",pid=1,fd=3)"] {
            assert!(read(text).1, "{text}");
        }
    }
}
