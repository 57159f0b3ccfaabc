//! Cuts one line of an strace listing into its parts; knows nothing of the lines around it.

use super::banner::{Banner, banner};
use super::prefix::prefix;
use super::tail::{Tail, tail};
use crate::formats::scan;

/// `NAME(`: the name and what follows the parenthesis.
#[inline]
pub fn call(body: &[u8]) -> Option<(&[u8], &[u8])> {
    if !matches!(body.first(), Some(b'a'..=b'z' | b'_')) {
        return None;
    }
    let plain = plain_letters(body);
    // No call has so long a name.
    let length = body.iter().take(48).skip(plain).position(|&b| !OF_NAME[usize::from(b)])? + plain;
    let (name, rest) = body.split_at_checked(length)?;
    Some((name, rest.strip_prefix(b"(")?))
}

/// The high bit of each of eight bytes.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// How many bytes at the beginning are small letters or underlines, of which most names consist: eight at once, as many as there are.
#[inline]
fn plain_letters(body: &[u8]) -> usize {
    /// Lifts what is above the last letter to the high bit.
    const ABOVE: u64 = u64::from_ne_bytes([0x7f - 26; 8]);
    let mut length = 0;
    while let Some(chunk) = body.get(length..).and_then(|rest| rest.first_chunk()) {
        let bytes = u64::from_le_bytes(*chunk);
        // The letters from 1 to 26; without its high bit no byte carries into the next.
        let letters = bytes ^ u64::from_ne_bytes([b'a' - 1; 8]);
        let low = letters & !HIGH;
        let others = (low.wrapping_add(ABOVE) | letters) & HIGH | zeros(letters);
        let underlines = zeros(bytes ^ u64::from_ne_bytes([b'_'; 8]));
        let first = (others & !underlines).trailing_zeros() as usize / 8;
        length += first;
        if first < 8 {
            break;
        }
    }
    length
}

/// The high bit of each byte that is zero.
#[inline]
fn zeros(bytes: u64) -> u64 {
    !((bytes & !HIGH).wrapping_add(!HIGH) | bytes) & HIGH
}

/// The bytes that names of calls consist of.
const OF_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        // A constant: what is wrong would not compile.
        table[b] = (b as u8).is_ascii_alphanumeric() || b as u8 == b'_';
        b += 1;
    }
    table
};

/// `<... NAME resumed>`: the name and what follows.
#[inline]
pub fn resumed(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = body.strip_prefix(b"<... ")?;
    let blank = memchr::memchr(b' ', rest)?;
    let (name, rest) = rest.split_at_checked(blank)?;
    Some((name, rest.strip_prefix(b" resumed>")?))
}

/// The first argument, if it is a descriptor.
#[inline]
pub fn descriptor(name: &[u8], args: &[u8]) -> Option<i32> {
    if !args.first()?.is_ascii_digit() {
        return None;
    }
    let (number, rest) = scan::leading_number(args)?;
    if !matches!(rest.first(), None | Some(b',' | b')' | b' ' | b'<')) {
        return None;
    }
    // Most calls of any trace are one of these.
    let usual = matches!(name, b"read" | b"write" | b"close" | b"recvfrom" | b"sendto" | b"epoll_wait" | b"connect" | b"fcntl" | b"ioctl");
    if !usual && starts_with_no_descriptor(name) {
        return None;
    }
    i32::try_from(number).ok()
}

/// Whether a line can come from strace only.
pub fn is_unmistakable(text: &[u8]) -> bool {
    let line = prefix(text);
    if resumed(line.body).is_some() {
        return true;
    }
    if let Some((_, rest)) = call(line.body) {
        return match tail(rest) {
            Tail::Returned(..) | Tail::Unfinished(_) | Tail::Detached(_) | Tail::Exited(_) | Tail::Glued(_) => true,
            Tail::Cut(_) => line.tid.is_some() && !line.at.is_empty(),
        };
    }
    let marked = line.body.ends_with(b" +++") || line.body.ends_with(b" ---");
    if marked
        && (line.body.starts_with(b"+++ exited with ") || line.body.starts_with(b"+++ killed by ") || line.body.starts_with(b"--- SIG"))
    {
        return true;
    }
    matches!(banner(text), Some(Banner::Attached(_) | Banner::NotPermitted(_) | Banner::NotAttached(_) | Banner::Usage))
}

/// Whether a line begins a call that may be cut.
pub fn begins_like_a_call(text: &[u8]) -> bool {
    call(prefix(text).body).is_some()
}

/// Calls whose first argument is a number that is no descriptor.
fn starts_with_no_descriptor(name: &[u8]) -> bool {
    matches!(
        name,
        b"select"
            | b"pselect6"
            | b"_newselect"
            | b"exit"
            | b"_exit"
            | b"exit_group"
            | b"kill"
            | b"tkill"
            | b"tgkill"
            | b"rt_sigqueueinfo"
            | b"rt_tgsigqueueinfo"
            | b"wait4"
            | b"waitpid"
            | b"waitid"
            | b"brk"
            | b"alarm"
            | b"umask"
            | b"personality"
            | b"mmap"
            | b"munmap"
            | b"mmap2"
            | b"mremap"
            | b"madvise"
            | b"eventfd"
            | b"eventfd2"
            | b"epoll_create"
            | b"epoll_create1"
            | b"pidfd_open"
            | b"socket"
            | b"socketpair"
            | b"prlimit64"
            | b"capget"
            | b"membarrier"
            | b"nice"
            | b"timerfd_create"
            | b"inotify_init1"
            | b"memfd_secret"
            | b"io_uring_setup"
            | b"arch_prctl"
            | b"seccomp"
            | b"bpf"
            | b"shmat"
            | b"shmctl"
            | b"semop"
            | b"msgsnd"
            | b"msgrcv"
            | b"ptrace"
            | b"process_vm_readv"
            | b"process_vm_writev"
            | b"move_pages"
            | b"migrate_pages"
            | b"get_robust_list"
            | b"futex"
            | b"clone"
    ) || [&b"set"[..], b"get", b"sched_", b"ioprio_", b"syscall_", b"timer_", b"clock_", b"rt_sig"].iter().any(|p| name.starts_with(p))
        && !matches!(name, b"setsockopt" | b"getsockopt" | b"getsockname" | b"getpeername" | b"getdents" | b"getdents64" | b"setns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_letters_digits_and_underlines() {
        for name in
            ["read", "recvfrom", "getsockopt", "rt_sigprocmask", "pread64", "epoll_create1", "_exit", "a", "abcdefg_", "syscall_0x1a"]
        {
            let body = format!("{name}(3, ...");
            assert_eq!(call(body.as_bytes()), Some((name.as_bytes(), &b"3, ..."[..])), "{name}");
        }
        for body in ["read", "re`d(3)", "re ad(3)", "r\u{e9}ad(3)", "readread{(3)", "read\u{7f}(3)", "", "(3)", "3(3)"] {
            assert_eq!(call(body.as_bytes()), None, "{body}");
        }
        for b in 0..=255u8 {
            let of_name = b == b'_' || b.is_ascii_lowercase();
            for at in 0..8 {
                let mut body = *b"abcdefghijkl";
                body[at] = b;
                assert_eq!(plain_letters(&body), if of_name { 8 } else { at }, "{b} {at}");
            }
        }
    }
}
