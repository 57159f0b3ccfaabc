//! What one process holds, by one listing of its descriptors, summed up by class.

use super::end::End;
use super::intern::{Interner, Name};
use super::lines::Firsts;
use super::passing::Passing;
use super::quote::Quote;
use super::room::{Over, Room};
use super::sockets::{NO_FD, Sockets};
use super::tops::Tops;
use crate::facts::{At, Citation, Descriptor, DescriptorKind, FdRef, Protocol, SocketState};
use crate::formats::scan;

/// One listing of one process's descriptors.
#[derive(Debug)]
pub struct FdList {
    /// The format's id: `lsof`, `fd`, `lsfd`, ...
    pub format: &'static str,
    /// The member and line it begins at.
    pub at: Citation,
    /// Descriptors (rows with a number), thread rows not counted.
    pub descriptors: u64,
    /// Thread rows passed over because they repeat descriptors of the process.
    pub thread_rows: u64,
    /// Whether the listing shows rows of threads only, so that they had to be counted.
    pub only_threads: bool,
    /// The highest descriptor number; for lsof's `*280` at least 10000.
    pub highest: Option<u32>,
    /// The lowest descriptor number.
    pub lowest: Option<u32>,
    /// Rows whose number is shown as a star and three digits.
    pub hidden_numbers: u64,
    /// Whether the listing is only an excerpt.
    pub filtered: bool,
    /// Whether the listing is in a table that has lost its header, and maybe all processes in front of the first.
    pub headless: bool,
    /// By class.
    pub classes: Vec<Class>,
    run: (usize, u32, u64),
    /// Whether some number was lower than the one before.
    shuffled: bool,
    thread: Option<u32>,
    /// Rows looked through for a number that comes again.
    looked: u32,
}

/// What a listing tells of unix sockets beside their inodes and paths.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Processes that hold the other ends, as `lsof -E` tells them.
    pub peers: Tops<u32>,
    /// Sockets whose other end is told, whoever holds it.
    pub told: u64,
    /// Connected ones of which none is told, and the first such row.
    pub alone: (u64, Option<Quote>),
    /// Sockets of datagrams without a path.
    pub datagrams: u64,
}

/// Descriptors of one listing that share kind, protocol and state.
#[derive(Debug)]
pub struct Class {
    /// The kind.
    pub kind: DescriptorKind,
    /// The protocol, if told.
    pub protocol: Option<Protocol>,
    /// The state, if told.
    pub state: Option<SocketState>,
    /// Whether the tool found the socket in no table.
    pub unlisted: bool,
    /// Rows.
    pub rows: u64,
    /// The longest unbroken run of descriptor numbers.
    pub longest_run: u64,
    /// Its socket rows.
    pub sockets: Sockets,
    /// Remote ends.
    pub remotes: Tops<End>,
    /// Local ends.
    pub locals: Tops<End>,
    /// Names (paths), for files and unix sockets.
    pub names: Tops<Name>,
    /// What is told of unix sockets: nearly all classes are of others, of which this takes no room.
    pub unix: Option<Box<Ends>>,
    /// The first rows.
    pub quotes: Firsts,
    /// Rows on the descriptors with which a process is started: the journal's, or a listener handed over.
    given_rows: u32,
    passing: Passing,
}

/// Standard error, the last descriptor with which a process is started.
const LAST_GIVEN: u32 = 2;
/// No row has come, or none that found room.
const NO_RUN: (usize, u32, u64) = (usize::MAX, 0, 0);
/// Descriptor numbers for which room is kept from one class to the next.
const KEPT: usize = 1 << 12;

/// Rows of a listing that are looked through for a number that comes again, at most: those of one that is in no order are many.
const LOOKED: u32 = 1 << 22;

impl FdList {
    /// An empty listing that begins at a place.
    pub fn new(format: &'static str, at: Citation, filtered: bool) -> FdList {
        FdList {
            format,
            at,
            descriptors: 0,
            thread_rows: 0,
            only_threads: false,
            highest: None,
            lowest: None,
            hidden_numbers: 0,
            filtered,
            headless: false,
            classes: Vec::new(),
            run: NO_RUN,
            shuffled: false,
            thread: None,
            looked: 0,
        }
    }

    /// Whether a row has the number of one that came before, and is another socket: a listing that was printed once more begins.
    #[inline]
    pub fn begins_anew(&mut self, d: &Descriptor<'_>) -> bool {
        // In order no number comes twice.
        let FdRef::Number(fd) = d.fd else { return false };
        if self.is_in_order(fd) || self.run == NO_RUN || d.tid.is_some() {
            return false;
        }
        let Some(inode) = d.inode.and_then(|i| u32::try_from(i).ok()).filter(|_| d.kind == DescriptorKind::Socket) else { return false };
        let mut rows = self.classes.iter().filter(|c| c.kind == DescriptorKind::Socket).flat_map(|c| c.sockets.iter());
        let mut looked = 0;
        let known = rows.by_ref().inspect(|_| looked += 1).find(|&(_, known)| known == fd);
        self.looked = self.looked.saturating_add(looked);
        known.is_some_and(|(known, _)| known != inode)
    }

    /// Adds a row.
    pub fn add(&mut self, at: &At<'_>, d: &Descriptor<'_>, names: &mut Interner, room: &mut Room) {
        if let Some(tid) = d.tid.filter(|&t| Some(t) != d.pid) {
            if self.is_repeated_by(tid) {
                self.thread_rows += 1;
                return;
            }
            self.only_threads = true;
            self.thread = Some(tid);
        }
        let (fd, at_least) = match d.fd {
            FdRef::Name(_) => return,
            FdRef::Number(n) => (n, n),
            FdRef::Tail(_) => {
                self.hidden_numbers += 1;
                (NO_FD, 10_000)
            }
            FdRef::Unknown => (NO_FD, NO_FD),
        };
        self.descriptors += 1;
        if at_least != NO_FD && self.highest.is_none_or(|highest| highest < at_least) {
            self.highest = Some(at_least);
        }
        if at_least != NO_FD && self.lowest.is_none_or(|lowest| lowest > at_least) {
            self.lowest = Some(at_least);
        }
        let Some(number) = self.class(d, room) else {
            self.filtered = true;
            self.run = NO_RUN;
            room.left_out(Over::Classes);
            return;
        };
        let run = self.extend_run(number, fd);
        let Some(class) = self.classes.get_mut(number) else { return };
        class.rows += 1;
        class.longest_run = class.longest_run.max(run);
        let given = d.kind == DescriptorKind::Socket && fd <= LAST_GIVEN;
        if given {
            class.given_rows += 1;
        } else if u64::from(class.given_rows) + 1 == class.rows {
            // What the process opened itself tells more.
            class.quotes.forget();
        }
        if !given || u64::from(class.given_rows) == class.rows {
            class.quotes.offer(at, &names.lines);
        }
        if d.kind == DescriptorKind::Socket
            && let Some(inode) = d.inode.and_then(|i| u32::try_from(i).ok())
        {
            if room.socket() {
                class.sockets.push(inode, fd);
            } else {
                // Its row counts like one without an inode, and the listing as an excerpt.
                self.filtered = true;
            }
        }
        if let Some(remote) = &d.remote {
            class.remotes.defer(End::keep(remote, names));
        }
        if let Some(local) = &d.local {
            class.passing.add(End::keep(local, names), &mut class.locals);
        }
        if d.protocol == Some(Protocol::Unix) {
            class.keep_other_end(at, d);
        }
        let unix = d.protocol == Some(Protocol::Unix) && matches!(d.name.first(), Some(b'/' | b'@'));
        let named =
            matches!(d.kind, DescriptorKind::File | DescriptorKind::Device | DescriptorKind::Anon | DescriptorKind::Eventfd) || unix;
        if named && !d.name.is_empty() && class.names.distinct() < 64 {
            // lsof prints the type behind a unix socket's path.
            let cut = if unix { memchr::memmem::find(d.name, b" type=") } else { None };
            class.names.add(names.add(cut.and_then(|i| d.name.get(..i)).unwrap_or(d.name)));
        }
    }

    /// Adds the row added just before, a socket without ends, with another number and inode; `false` if it must be added in full.
    #[inline]
    pub fn again(&mut self, fd: u32, inode: u64, room: &mut Room) -> bool {
        let number = self.run.0;
        let in_order = self.is_in_order(fd);
        let (Ok(inode), Some(class)) = (u32::try_from(inode), self.classes.get_mut(number)) else { return false };
        let plain = class.kind == DescriptorKind::Socket && class.quotes.is_full() && fd != NO_FD;
        if !plain || !in_order || !room.another_socket() {
            return false;
        }
        class.rows += 1;
        class.sockets.push(inode, fd);
        self.descriptors += 1;
        self.highest = self.highest.max(Some(fd));
        self.lowest = self.lowest.map(|lowest| lowest.min(fd));
        let run = self.extend_run(number, fd);
        if let Some(class) = self.classes.get_mut(number) {
            class.longest_run = class.longest_run.max(run);
        }
        true
    }

    /// Whether the rows of a thread repeat what is counted already: every thread shows the same descriptors, so of a listing of threads
    /// alone the first one is the process.
    #[inline]
    pub fn is_repeated_by(&self, tid: u32) -> bool {
        self.descriptors > 0 && self.thread != Some(tid)
    }

    /// Whether a number is none that came before, as far as it is looked at: lsof prints them in order, `ls` in that of letters.
    #[inline]
    fn is_in_order(&self, fd: u32) -> bool {
        fd > self.run.1 && !self.shuffled || self.looked > LOOKED || self.format != "lsof"
    }

    /// Classes that are sockets.
    pub fn sockets(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(|c| c.kind == DescriptorKind::Socket)
    }

    /// Rows of a kind.
    pub fn rows_of(&self, kind: DescriptorKind) -> u64 {
        self.classes.iter().filter(|c| c.kind == kind).map(|c| c.rows).sum()
    }

    /// The number of a row's class; `None` where it would be a new one and there is no room.
    fn class(&mut self, d: &Descriptor<'_>, room: &mut Room) -> Option<usize> {
        let same = |c: &Class| c.kind == d.kind && c.protocol == d.protocol && c.state == d.state && c.unlisted == d.unlisted;
        // Rows of one class come in long runs, so the class of the row before is tried first.
        if self.classes.get(self.run.0).is_some_and(same) {
            return Some(self.run.0);
        }
        self.classes.iter().position(same).or_else(|| {
            if !room.class() {
                return None;
            }
            // Most processes have few: room for four of them is not asked for.
            self.classes.reserve_exact(usize::from(self.classes.is_empty()));
            self.classes.push(Class {
                kind: d.kind,
                protocol: d.protocol,
                state: d.state,
                unlisted: d.unlisted,
                rows: 0,
                longest_run: 0,
                sockets: Sockets::default(),
                given_rows: 0,
                remotes: Tops::default(),
                locals: Tops::default(),
                names: Tops::default(),
                unix: None,
                quotes: Firsts::default(),
                passing: Passing::default(),
            });
            Some(self.classes.len() - 1)
        })
    }

    /// All rows have come.
    pub fn seal(&mut self) {
        self.classes.shrink_to_fit();
        // What is sealed once more has nothing new.
        let shuffled = std::mem::take(&mut self.shuffled);
        let mut numbers = Vec::new();
        for class in &mut self.classes {
            // No run is longer than there are rows.
            if shuffled && class.sockets.len() as u64 > class.longest_run {
                numbers.extend(class.sockets.iter().map(|s| s.1));
                class.longest_run = class.longest_run.max(longest_run(&mut numbers));
                // The room of a large one is not kept while its sockets are put in order.
                numbers.clear();
                numbers.shrink_to(KEPT);
            }
            class.seal();
        }
    }

    /// How long the run of numbers is that a row of a class ends.
    #[inline]
    fn extend_run(&mut self, class: usize, fd: u32) -> u64 {
        let (last_class, last_fd, length) = self.run;
        self.shuffled |= fd < last_fd && last_fd != NO_FD && length > 0;
        // Nothing follows the highest number, which stands for none.
        let follows = class == last_class && last_fd != NO_FD && fd == last_fd + 1 && fd != NO_FD;
        let length = if follows { length + 1 } else { 1 };
        self.run = (class, fd, length);
        length
    }
}

/// The process behind the other end in `type=STREAM ->INO=7301 812,dbus-daem,14u`, the first where several hold it.
fn peer(end: &[u8]) -> Option<u32> {
    let mut words = end.split(|&b| b == b' ').skip(1);
    let (pid, rest) = scan::leading_number(words.next()?)?;
    u32::try_from(pid).ok().filter(|_| rest.starts_with(b","))
}

/// The longest run of numbers one after the other, of rows that came in no order.
fn longest_run(numbers: &mut Vec<u32>) -> u64 {
    numbers.retain(|&fd| fd != NO_FD);
    numbers.sort_unstable();
    numbers.dedup();
    let mut longest = 0;
    let (mut length, mut last) = (0, None);
    for &mut fd in numbers {
        length = if last.is_some_and(|l: u32| l.checked_add(1) == Some(fd)) { length + 1 } else { 1 };
        (longest, last) = (longest.max(length), Some(fd));
    }
    longest
}

impl Class {
    /// Keeps what lsof prints behind the path of a unix socket: its type, and with `+E` its other end.
    fn keep_other_end(&mut self, at: &At<'_>, d: &Descriptor<'_>) {
        let (name, ends) = (d.name, self.unix.get_or_insert_default());
        if let Some(end) = memchr::memmem::find(name, b"->INO=").and_then(|i| name.get(i..)) {
            ends.told += 1;
            peer(end).into_iter().for_each(|pid| ends.peers.add(pid));
        } else if d.state == Some(SocketState::Established) && !scan::contains(name, b"type=DGRAM") {
            ends.alone.0 += 1;
            ends.alone.1.get_or_insert_with(|| Quote::keep(at));
        }
        ends.datagrams += u64::from(name.starts_with(b"type=DGRAM"));
    }

    /// Inodes in order, each once.
    pub fn inodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.sockets.inodes()
    }

    /// How many of its sockets are on the descriptors with which a process is started, and the lowest and highest inode of all others.
    pub fn given(&self) -> (u64, Option<(u32, u32)>) {
        if self.given_rows == 0 {
            return (0, self.sockets.span());
        }
        let (mut given, mut last, mut opened) = (0, None, None);
        let (mut rows, mut left) = (self.sockets.iter(), self.given_rows);
        while left > 0
            && let Some((inode, fd)) = rows.next()
        {
            if fd > LAST_GIVEN {
                opened = Some((opened.map_or(inode, |(low, _)| low), inode));
                continue;
            }
            left -= 1;
            given += u64::from(last.replace(inode) != Some(inode));
        }
        // All that are left the process has opened itself, up to the last.
        if let (Some((inode, _)), Some((_, high))) = (rows.next(), self.sockets.span()) {
            opened = Some((opened.map_or(inode, |(low, _)| low), high));
        }
        (given, opened)
    }

    /// Different sockets in it: distinct inodes, or rows where inodes are not told.
    pub fn distinct(&self) -> u64 {
        self.sockets.distinct() as u64 + (self.rows - self.sockets.len() as u64)
    }

    fn seal(&mut self) {
        self.passing.seal(&mut self.locals);
        self.remotes.seal();
        self.names.seal();
        self.unix.iter_mut().for_each(|ends| ends.peers.seal());
        self.sockets.seal();
    }
}
