//! `/proc/PID/wchan`: the kernel function a process sleeps in.
//!
//! ```text
//! futex_wait_queue_me
//! ```
//!
//! No line end in the file itself; `0` while it runs, or where the kernel does not tell. Of threads only the main one is shown. It is
//! read only where the path or the command names it.

use super::word::Word;
use crate::facts::{Identity, IdentityKey};

/// What a process waits in.
pub static WCHAN: &Word = &Word {
    leaf: "wchan",
    title: "/proc/PID/wchan",
    shaped: true,
    word: symbol,
    tell: |at, sink, pid, value| sink.identity(at, &Identity { key: IdentityKey::Wchan, value, pid }),
};

/// The symbol at the start of the line; a prompt may be glued to it, as the file has no line end.
fn symbol(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let end = line.iter().position(|&b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.')).unwrap_or(line.len());
    let (symbol, rest) = line.split_at_checked(end)?;
    let shaped = symbol == b"0" || symbol.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    (shaped && (rest.is_empty() || rest.starts_with(b"[") || rest.starts_with(b"$"))).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn only_where_it_is_named() {
        let want = "identity Wchan pid=26372 do_epoll_wait";
        assert_eq!(told_as("f/wchan.26372", "do_epoll_wait").0.lines, [want]);
        assert_eq!(told_as("f/process 26372 wchan.txt", "### pid 26372 wchan ###\ndo_epoll_wait\r\n").0.lines, [want]);
        assert_eq!(facts("# cat /proc/26372/wchan\ndo_epoll_wait[root@h ~]# \n"), [want]);
        assert!(facts("do_epoll_wait\n").is_empty());
        assert!(told_as("f/wchan.26372", "permission denied here\n").0.lines.is_empty());
    }
}
