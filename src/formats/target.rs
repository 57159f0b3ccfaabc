//! What the links under `/proc/PID/fd` point to, as `ls -l`, `readlink`, BusyBox lsof and lsfd print them.
//!
//! ```text
//! socket:[133868]   pipe:[133984]   anon_inode:[eventpoll]   anon_inode:inotify   /tmp/x (deleted)   /memfd:x (deleted)   net:[4026532177]
//! ```
//!
//! The number in brackets is the inode of the socket or pipe (`fs/pipe.c`, `net/socket.c`: `dynamic_dname`). Anonymous inodes tell
//! only what they are; they share one inode, which is not printed.

use super::scan;
use crate::facts::DescriptorKind;

/// The kind and the inode that a link's target tells. A target cut before its bracket keeps its kind and loses the number.
#[inline]
pub fn read(target: &[u8]) -> (DescriptorKind, Option<u64>) {
    match target.first() {
        Some(b's') if target.starts_with(b"socket:[") => (DescriptorKind::Socket, scan::bracketed(target, b"socket:")),
        Some(b'p') if target.starts_with(b"pipe:[") => (DescriptorKind::Pipe, scan::bracketed(target, b"pipe:")),
        Some(b'a') => match target.strip_prefix(b"anon_inode:") {
            Some(name) => (anonymous(name), None),
            None => (DescriptorKind::Other, None),
        },
        Some(b'/') => (path(target), None),
        _ => (DescriptorKind::Other, None),
    }
}

/// Which anonymous inode a name stands for: `[eventpoll]`, `[eventpoll:58]`, `inotify`; a bare `anon_inode` does not say.
pub fn anonymous(name: &[u8]) -> DescriptorKind {
    let name = name.strip_prefix(b"[").unwrap_or(name);
    if name.starts_with(b"eventpoll") {
        DescriptorKind::Eventpoll
    } else if name.starts_with(b"eventfd") {
        DescriptorKind::Eventfd
    } else {
        DescriptorKind::Anon
    }
}

/// Whether a word is a target that no path can be: the kernel's own names for what has no path.
pub fn is_nameless(word: &[u8]) -> bool {
    word.starts_with(b"socket:[") || word.starts_with(b"pipe:[") || word.starts_with(b"anon_inode:")
}

/// Devices are told by their directory alone; `/dev/shm` holds plain files.
fn path(target: &[u8]) -> DescriptorKind {
    if target.starts_with(b"/dev/") && !target.starts_with(b"/dev/shm/") { DescriptorKind::Device } else { DescriptorKind::File }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target() {
        for (target, kind, inode) in [
            ("socket:[133868]", DescriptorKind::Socket, Some(133868)),
            ("socket:[1338", DescriptorKind::Socket, None),
            ("pipe:[7]", DescriptorKind::Pipe, Some(7)),
            ("anon_inode:[eventpoll]", DescriptorKind::Eventpoll, None),
            ("anon_inode:[eventfd]", DescriptorKind::Eventfd, None),
            ("anon_inode:inotify", DescriptorKind::Anon, None),
            ("/dev/null", DescriptorKind::Device, None),
            ("/dev/shm/pool", DescriptorKind::File, None),
            ("/memfd:x (deleted)", DescriptorKind::File, None),
            ("net:[4026532177]", DescriptorKind::Other, None),
            ("", DescriptorKind::Other, None),
        ] {
            assert_eq!(read(target.as_bytes()), (kind, inode), "{target}");
        }
    }
}
