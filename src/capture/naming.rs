//! What a process is called: each source spells its name in its own way, and some spell it better.

use super::process::Proc;
use std::borrow::Cow;

/// Bytes kept of a command or user name: the kernel's have 15, a full one from a command line somewhat more.
const MAX_NAME: usize = 256;
/// A name from the program's own arguments (netstat).
pub const ARGUMENT: u8 = 1;
/// The kernel's name as a listing of descriptors cuts and escapes it.
pub const LISTED: u8 = 2;
/// The kernel's name.
pub const KERNEL: u8 = 3;
/// The longest name that the kernel keeps (`TASK_COMM_LEN` without its end).
const KERNEL_BYTES: usize = 15;

/// Names a process: a better source wins, of equally good ones the longer spelling, since lsof cuts to 9 bytes.
pub fn name_it(proc: &mut Proc, seen: &[u8], rank: u8) {
    if seen.is_empty() || rank < proc.command_rank {
        return;
    }
    let seen = seen.get(..MAX_NAME).unwrap_or(seen);
    let name = &mut proc.command;
    // A cut name that the better source spells out, or the other way round, is the longer of both; the kernel cuts only what is as long as
    // its own names can be.
    let longer = seen.len() > name.len();
    let whole = rank == KERNEL && seen.len() < KERNEL_BYTES;
    if rank > proc.command_rank && (longer || whole || !name.as_bytes().starts_with(seen))
        || name.is_empty()
        || (longer && seen.starts_with(name.as_bytes()))
    {
        *name = kept(seen);
    }
    proc.command_rank = rank;
}

/// A command or user name as it is kept.
pub fn kept(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..MAX_NAME).unwrap_or(name)).into_owned()
}

/// lsof prints blanks in names as `\x20`; the kernel's name has a blank.
pub fn unescape(name: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memmem::find(name, b"\\x20") {
        None => name.into(),
        Some(_) => String::from_utf8_lossy(name).replace("\\x20", " ").into_bytes().into(),
    }
}

/// The name of the program in its own arguments: `node` of `/usr/bin/node app.js`, `nginx` of `nginx: worker process`.
pub fn argument(cmdline: &[u8]) -> &[u8] {
    let first = cmdline.split(|&b| b == b' ' || b == 0).next().unwrap_or_default();
    if let Some(kernel) = cmdline.strip_prefix(b"[") {
        return kernel.split(|&b| b == b']').next().unwrap_or_default();
    }
    let base = memchr::memrchr(b'/', first).and_then(|at| first.get(at + 1..)).unwrap_or(first);
    base.strip_suffix(b":").unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_source_names_it() {
        for (names, want) in [
            (&[("gunicorn: work", ARGUMENT), ("gunicorn", KERNEL)][..], "gunicorn"),
            (&[("gunicorn", KERNEL), ("gunicorn: work", ARGUMENT)], "gunicorn"),
            (&[("systemd-r", LISTED), ("systemd-resolve", KERNEL)], "systemd-resolve"),
            (&[("systemd-resolved", ARGUMENT), ("systemd-resolve", KERNEL)], "systemd-resolved"),
            (&[("redis-ser", LISTED), ("redis-server", LISTED)], "redis-server"),
            (&[("node", ARGUMENT), ("feed-worker", KERNEL)], "feed-worker"),
        ] {
            let mut proc = Proc::default();
            names.iter().for_each(|(name, rank)| name_it(&mut proc, name.as_bytes(), *rank));
            assert_eq!(proc.command, want, "{names:?}");
        }
    }
}
