//! Joins the lines of an strace listing: halves of calls, calls cut by banners, what was still open at the end.

use super::banner::{Banner, banner};
use super::line;
use super::prefix::{Prefix, prefix};
use super::tail::{Return, Tail, tail};
use crate::facts::{At, Citation, Finish, Note, NoteKind, Process, Sink, Syscall};
use crate::formats::{Parser, Taken, prompt, scan};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

/// Stands for a thread that the listing does not name.
const UNNAMED: u32 = 0;

/// Threads whose begun calls are kept, at most: more than any host runs in one process.
const MAX_BEGUN: usize = 100_000;
/// Bytes kept of the first half of a call. strace cuts strings at 32 bytes unless told otherwise.
const MAX_HALF: usize = 4 << 10;

/// A listing being read.
pub struct Trace {
    /// The process that the path or command names.
    pid: Option<u32>,
    /// Whether a process was told already, or cannot be told any more.
    introduced: bool,
    /// Whether the usage text is being printed.
    usage: bool,
    /// Calls that have begun, by thread. An entry outlives its call so that its buffer is used again.
    begun: FxHashMap<u32, Begun>,
    /// The thread whose call was cut by a banner: the next line without a beginning of its own continues it.
    open: Option<u32>,
    /// Both halves' arguments of the call being joined.
    joined: Vec<u8>,
}

/// The first half of a call.
struct Begun {
    line: Vec<u8>,
    at: Range<usize>,
    name: Range<usize>,
    args: Range<usize>,
    fd: Option<i32>,
    citation: Citation,
    /// Whether it has not returned yet.
    live: bool,
}

impl Trace {
    /// A listing of the process that path or command name, if they do.
    pub fn new(pid: Option<u32>) -> Self {
        Trace { pid, introduced: false, usage: false, begun: FxHashMap::default(), open: None, joined: Vec::new() }
    }

    /// The listing has no attach banner: the process is known from its command or path only.
    #[inline]
    fn introduce(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        if !self.introduced {
            self.introduced = true;
            if let Some(pid) = self.pid {
                sink.process(at, &Process { pid, ..Process::default() });
            }
        }
    }

    fn call(&mut self, at: At<'_>, prefix: Prefix<'_>, name: &[u8], rest: &[u8], sink: &mut dyn Sink) -> Taken {
        self.introduce(at, sink);
        let end = tail(rest);
        let (args, returned, whole) = match end {
            Tail::Returned(args, returned) => (args, returned, true),
            Tail::Exited(args) => (args, Return::default(), true),
            Tail::Unfinished(args) | Tail::Detached(args) | Tail::Glued(args) | Tail::Cut(args) => (args, Return::default(), false),
        };
        let fact = Syscall {
            tid: prefix.tid,
            at: prefix.at,
            name,
            fd: line::descriptor(name, args),
            args,
            result: returned.result,
            errno: returned.errno,
            comment: returned.comment,
            duration: returned.duration,
            finish: if whole { Finish::Whole } else { Finish::Started },
        };
        sink.syscall(at, &fact);
        if !whole {
            let key = prefix.tid.unwrap_or(UNNAMED);
            self.begin(key, at, &fact);
            self.open = matches!(end, Tail::Glued(_) | Tail::Cut(_)).then_some(key);
        }
        Taken::Row
    }

    /// Keeps the first half of a call.
    fn begin(&mut self, key: u32, at: At<'_>, fact: &Syscall<'_>) {
        let full = self.begun.len() >= MAX_BEGUN;
        let begun = match self.begun.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if full => return,
            Entry::Vacant(entry) => entry.insert(Begun::empty()),
        };
        begun.line.clear();
        // The parts are ranges; one that ends behind the cut reads as empty.
        begun.line.extend_from_slice(at.text.get(..MAX_HALF).unwrap_or(at.text));
        begun.at = range(at.text, fact.at);
        begun.name = range(at.text, fact.name);
        begun.args = range(at.text, fact.args);
        begun.fd = fact.fd;
        begun.citation = at.citation;
        begun.live = true;
    }

    /// `<... NAME resumed>` and the second half.
    fn resume(&mut self, at: At<'_>, prefix: Prefix<'_>, name: &[u8], rest: &[u8], sink: &mut dyn Sink) -> Taken {
        self.introduce(at, sink);
        let key = self.half_of(prefix.tid, name);
        let (args, returned) = match tail(rest) {
            Tail::Returned(args, returned) => (args, returned),
            Tail::Exited(args) => (args, Return::default()),
            // Interrupted again: it is still not back.
            Tail::Unfinished(_) | Tail::Detached(_) => return Taken::Row,
            Tail::Glued(_) | Tail::Cut(_) => {
                self.open = key;
                return Taken::Row;
            }
        };
        match key {
            Some(key) => self.finish(at, key, prefix.tid, args, returned, sink),
            None => {
                // The first half stands before the excerpt begins.
                let args = second_half(args);
                let fact = Syscall {
                    tid: prefix.tid,
                    at: prefix.at,
                    name,
                    fd: None,
                    args,
                    result: returned.result,
                    errno: returned.errno,
                    comment: returned.comment,
                    duration: returned.duration,
                    finish: Finish::Resumed,
                };
                sink.syscall(at, &fact);
            }
        }
        Taken::Row
    }

    /// The thread whose first half this second one belongs to. A prefix may come or go between the halves, because strace prints
    /// none while it has one tracee.
    fn half_of(&self, tid: Option<u32>, name: &[u8]) -> Option<u32> {
        let fits = |key: &u32| self.begun.get(key).is_some_and(|b| b.live && b.name() == name);
        let key = tid.unwrap_or(UNNAMED);
        if fits(&key) {
            return Some(key);
        }
        if tid.is_some() {
            return fits(&UNNAMED).then_some(UNNAMED);
        }
        let mut candidates = self.begun.iter().filter(|(_, b)| b.live && b.name() == name).map(|(key, _)| *key);
        candidates.next().filter(|_| candidates.next().is_none())
    }

    /// Sends a call whose second half has come.
    fn finish(&mut self, at: At<'_>, key: u32, tid: Option<u32>, rest: &[u8], returned: Return<'_>, sink: &mut dyn Sink) {
        let Some(begun) = self.begun.get_mut(&key) else { return };
        begun.live = false;
        self.joined.clear();
        self.joined.extend_from_slice(begun.args());
        self.joined.extend_from_slice(second_half(rest));
        sink.syscall(
            at,
            &Syscall {
                tid: tid.or((key != UNNAMED).then_some(key)),
                at: begun.at(),
                name: begun.name(),
                fd: begun.fd,
                args: self.joined.trim_ascii_end(),
                result: returned.result,
                errno: returned.errno,
                comment: returned.comment,
                duration: returned.duration,
                finish: Finish::Resumed,
            },
        );
    }

    /// The rest of a call that a banner cut in two.
    fn continuation(&mut self, at: At<'_>, key: u32, sink: &mut dyn Sink) -> Taken {
        match tail(at.text) {
            Tail::Returned(args, returned) => self.finish(at, key, None, args, returned, sink),
            Tail::Exited(args) => self.finish(at, key, None, args, Return::default(), sink),
            Tail::Unfinished(_) | Tail::Detached(_) => {}
            Tail::Glued(_) => return Taken::Noise,
            Tail::Cut(_) => return Taken::Unknown,
        }
        self.open = None;
        Taken::Row
    }

    /// A line that is no call.
    fn other(&mut self, at: At<'_>, body: &[u8], tid: Option<u32>, sink: &mut dyn Sink) -> Taken {
        if body.starts_with(b"+++ ") {
            // A thread that has ended waits in no call; one that was killed did until then.
            if !body.starts_with(b"+++ killed")
                && let Some(begun) = self.begun.get_mut(&tid.unwrap_or(UNNAMED))
            {
                begun.live = false;
            }
            return Taken::Noise;
        }
        if body.starts_with(b"--- ") || at.text.starts_with(b" > ") || is_filler(at.text) {
            return Taken::Noise;
        }
        match banner(at.text) {
            Some(Banner::Attached(pid)) => {
                // Later ones are threads or children of the tracee, and the listing does not tell which; these words are for `-p` only.
                let chosen = scan::contains(at.text, b" threads") || scan::contains(at.text, b" to quit") || self.pid == Some(pid);
                if self.introduced && !chosen {
                    return Taken::Noise;
                }
                self.introduced = true;
                sink.process(at, &Process { pid, ..Process::default() });
                Taken::Row
            }
            Some(Banner::NotPermitted(pid)) => {
                sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid: pid.or(self.pid), text: at.text });
                Taken::Noise
            }
            Some(Banner::NotAttached(pid)) => {
                sink.note(at, &Note { kind: NoteKind::Failed, pid: pid.or(self.pid), text: at.text });
                Taken::Noise
            }
            Some(Banner::Usage) => {
                self.usage = true;
                sink.note(at, &Note { kind: NoteKind::Failed, pid: self.pid, text: at.text });
                Taken::Noise
            }
            Some(Banner::Other) => Taken::Noise,
            None if self.usage && prompt::command(at.text).is_none() => Taken::Noise,
            None => Taken::Unknown,
        }
    }
}

impl Parser for Trace {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let prefix = prefix(at.text);
        if let Some((name, rest)) = line::call(prefix.body) {
            if rest.is_empty() && prefix.tid.is_none() && prefix.at.is_empty() {
                return Taken::Unknown;
            }
            self.open = None;
            return self.call(at, prefix, name, rest, sink);
        }
        if let Some((name, rest)) = line::resumed(prefix.body) {
            self.open = None;
            return self.resume(at, prefix, name, rest, sink);
        }
        match self.other(at, prefix.body, prefix.tid, sink) {
            Taken::Unknown => match self.open {
                Some(key) => self.continuation(at, key, sink),
                // The call stands in an earlier line, as unfinished.
                None if at.text.trim_ascii() == b"<detached ...>" => Taken::Noise,
                None => Taken::Unknown,
            },
            taken => taken,
        }
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        let mut left: Vec<(&u32, &Begun)> = self.begun.iter().filter(|(_, b)| b.live).collect();
        left.sort_unstable_by_key(|(_, b)| b.citation);
        for (&key, begun) in left {
            sink.syscall(
                At { citation: begun.citation, format: at.format, text: &begun.line },
                &Syscall {
                    tid: (key != UNNAMED).then_some(key),
                    at: begun.at(),
                    name: begun.name(),
                    fd: begun.fd,
                    args: begun.args().trim_ascii_end(),
                    result: None,
                    errno: b"",
                    comment: b"",
                    duration: b"",
                    finish: Finish::Pending,
                },
            );
        }
    }
}

impl Begun {
    fn empty() -> Self {
        Begun { line: Vec::new(), at: 0..0, name: 0..0, args: 0..0, fd: None, citation: Citation::default(), live: false }
    }

    fn at(&self) -> &[u8] {
        self.line.get(self.at.clone()).unwrap_or(b"")
    }

    fn name(&self) -> &[u8] {
        self.line.get(self.name.clone()).unwrap_or(b"")
    }

    fn args(&self) -> &[u8] {
        self.line.get(self.args.clone()).unwrap_or(b"")
    }
}

/// Where a part of a line stands in it; an empty range for what is no part of it.
fn range(line: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    match start.checked_add(part.len()) {
        Some(end) if end <= line.len() => start..end,
        _ => 0..0,
    }
}

/// The arguments that came with the return: without the blank behind `resumed>` and strace's own mark.
fn second_half(args: &[u8]) -> &[u8] {
    let args = args.trim_ascii_start();
    args.strip_prefix(b"<unfinished ...>").unwrap_or(args)
}

/// Blank lines, the dots of an excerpt, headings.
fn is_filler(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.is_empty() || text.iter().all(|b| *b == b'.') || text == "…".as_bytes() || text.starts_with(b"##")
}
