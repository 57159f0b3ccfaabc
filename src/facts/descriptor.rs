//! One open descriptor, as lsof, lsfd or a `/proc/PID/fd` listing shows it.

use super::{Endpoint, Protocol, SocketState};

/// A descriptor of a process.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// The process, `None` where the listing does not say (a pasted `ls -l` without its path).
    pub pid: Option<u32>,
    /// The thread whose copy this row shows; `None` for the process's own row. Such rows repeat descriptors, they add none.
    pub tid: Option<u32>,
    /// The process's name as printed: cut to 9 bytes by lsof, empty where the tool prints none.
    pub command: &'a [u8],
    /// The user as printed, empty if not told.
    pub user: &'a [u8],
    /// The descriptor number or name.
    pub fd: FdRef<'a>,
    /// What it refers to.
    pub kind: DescriptorKind,
    /// The socket's protocol, `None` if not told or no socket.
    pub protocol: Option<Protocol>,
    /// The connection's state, `None` if not told.
    pub state: Option<SocketState>,
    /// The local end, `None` if not told.
    pub local: Option<Endpoint<'a>>,
    /// The remote end, `None` if not told.
    pub remote: Option<Endpoint<'a>>,
    /// The inode. For `anon_inode` descriptors one number is shared by all of them and identifies nothing.
    pub inode: Option<u64>,
    /// Whether the tool looked the socket up and found it in no protocol table (`can't identify protocol`, `protocol: TCP`,
    /// lsfd's bare `socket:[N]`). Always false for listings that do not look sockets up at all.
    pub unlisted: bool,
    /// The name as printed (path, `[eventpoll]`, `type=STREAM`).
    pub name: &'a [u8],
}

/// A descriptor's number, as far as the tool tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdRef<'a> {
    /// A whole number.
    Number(u32),
    /// lsof's `*280`: the last three digits of a number of at least 10000. Never descriptor 280, and no key.
    Tail(u16),
    /// `cwd`, `txt`, `mem`, `DEL`, ... which count against no limit.
    Name(&'a [u8]),
    /// The listing has no such column (BusyBox 1.22).
    Unknown,
}

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DescriptorKind {
    /// A socket of any family.
    Socket,
    /// A pipe or FIFO.
    Pipe,
    /// An epoll instance.
    Eventpoll,
    /// An eventfd.
    Eventfd,
    /// Another anonymous inode (timerfd, signalfd, inotify, pidfd, io_uring, bpf).
    Anon,
    /// A regular file, directory or link.
    File,
    /// A character or block device.
    Device,
    /// The row says that descriptors could not be read (`NOFD`, `Permission denied`).
    Denied,
    /// Anything else.
    Other,
}

impl DescriptorKind {
    /// The word used in facts and reports.
    pub fn word(self) -> &'static str {
        match self {
            DescriptorKind::Socket => "socket",
            DescriptorKind::Pipe => "pipe",
            DescriptorKind::Eventpoll => "eventpoll",
            DescriptorKind::Eventfd => "eventfd",
            DescriptorKind::Anon => "anon",
            DescriptorKind::File => "file",
            DescriptorKind::Device => "device",
            DescriptorKind::Denied => "denied",
            DescriptorKind::Other => "other",
        }
    }
}

impl Default for Descriptor<'_> {
    fn default() -> Self {
        Descriptor {
            pid: None,
            tid: None,
            command: b"",
            user: b"",
            fd: FdRef::Unknown,
            kind: DescriptorKind::Other,
            protocol: None,
            state: None,
            local: None,
            remote: None,
            inode: None,
            unlisted: false,
            name: b"",
        }
    }
}
