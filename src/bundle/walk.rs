//! Walks an input and pushes its members to a visitor.
//!
//! The input is told by its first bytes, decompressed on a thread of its own, and read here as a stream: a tar is gone through entry by
//! entry ([`super::archive`]), an archive inside it is opened where it stands, everything else is a member.

use super::base::{Base, BaseReport};
use super::blocks::{Blocks, Parallel};
use super::decode::Layer;
use super::limits::{DEPTH_OPTION, MEMBER_BYTES_OPTION, MEMBERS_OPTION, Meter, Refusal, size};
use super::magic::{Kind, SNIFF, is_binary, is_empty_tar};
use super::notes::Notes;
use super::pipe::Pipe;
use super::stream::Peek;
use super::{Input, Limits, MemberEnd, MemberHead, Visitor, Walked, directory};
use crate::error::Error;
use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Inputs of at least this many bytes are decoded on a thread of their own; below, the thread costs more than it gains.
const WORTH_A_THREAD: u64 = 32 << 10;
/// The buffer in front of a decompressor, in bytes.
const READ_BUFFER: usize = 128 << 10;

/// One walk under way.
pub(super) struct Walk<'v> {
    pub(super) limits: &'v Limits,
    pub(super) meter: Arc<Meter>,
    pub(super) notes: Notes,
    visitor: &'v mut dyn Visitor,
    input: &'v str,
    /// Hashes of the paths delivered: a collision costs a wrong note, not a member.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// Entries met, whatever they are.
    entries: u64,
    /// Headers that only speak of the next one.
    extensions: u64,
    /// Members handed to the visitor.
    pub(super) delivered: u64,
}

/// Pushes every member of the input to the visitor.
pub fn walk(input: &Input, limits: &Limits, visitor: &mut dyn Visitor) -> Result<Walked, Error> {
    let path = Path::new(&input.path);
    let walk = Walk::new(&input.path, limits, visitor);
    if input.path == "-" {
        return walk.file(Box::new(io::stdin()), None, "-", input.format.is_some());
    }
    let about = std::fs::metadata(path).map_err(|e| walk.unreadable(&why(&e)))?;
    if about.is_dir() {
        return directory::walk(walk, path);
    }
    let file = File::open(path).map_err(|e| walk.unreadable(&why(&e)))?;
    let name = path.file_name().map_or_else(|| input.path.clone(), |n| n.to_string_lossy().into_owned());
    let regular = about.is_file().then_some((path, about.len()));
    walk.file(Box::new(file), regular, &name, input.format.is_some())
}

/// Walks whatever a reader gives, under a name; for callers that hold no file.
pub fn walk_reader(reader: Box<dyn Read + Send>, name: &str, limits: &Limits, visitor: &mut dyn Visitor) -> Result<Walked, Error> {
    Walk::new(name, limits, visitor).file(reader, None, name, false)
}

impl<'v> Walk<'v> {
    fn new(input: &'v str, limits: &'v Limits, visitor: &'v mut dyn Visitor) -> Self {
        Walk {
            limits,
            meter: Arc::new(Meter::new(limits)),
            notes: Notes::default(),
            visitor,
            input,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            entries: 0,
            extensions: 0,
            delivered: 0,
        }
    }

    /// The whole input is one stream; `regular` is its path and length where it is a file that can be opened again.
    fn file(mut self, file: Box<dyn Read + Send>, regular: Option<(&Path, u64)>, name: &str, forced: bool) -> Result<Walked, Error> {
        let (base, report) = Base::new(file, self.meter.clone(), self.limits.want_sha256);
        let (mut source, outer) = open(base, regular, self.limits, &self.meter).map_err(|e| self.unreadable(&why(&e)))?;
        let mut peek = Peek::new(&mut *source);
        let (kind, cut) = self.top(&mut peek, outer, name, forced)?;
        if cut.is_none() {
            self.drain(&mut peek);
        }
        drop(source);
        Ok(self.finish(kind, cut, Some(report)))
    }

    /// What comes out of the outermost decompressor; the kind of the whole, and why it was cut.
    fn top(&mut self, peek: &mut Peek, outer: Kind, name: &str, forced: bool) -> Result<(String, Option<String>), Error> {
        // Zeros are looked into further than anything else: an empty archive is nothing but zeros, a log after a crash is not.
        let zeros = is_empty_tar(peek.peek(SNIFF));
        let head = peek.peek(if zeros { 64 << 10 } else { SNIFF });
        let inner = if zeros && is_empty_tar(head) { Kind::Tar } else { Kind::of(head) };
        let foreign = match inner {
            Kind::Foreign(what) => Some(what),
            Kind::Text if is_binary(head) => Some("binary data of no known kind"),
            _ => None,
        };
        // Less than a tar header and not one line of text came out before it broke: nothing to go by.
        let nothing = head.is_empty() || head.len() < SNIFF && (head.contains(&0) || !head.contains(&b'\n'));
        let empty = head.is_empty();
        if nothing && (empty || peek.breaks()) {
            let all = peek.skip(u64::MAX);
            return Err(match all {
                Ok(_) => self.unreadable("it is empty; capture it again"),
                Err(e) => {
                    let reason = self.cut_or_refused(e, name)?;
                    self.unreadable(&format!("{reason}, before anything could be read; copy the file again"))
                }
            });
        }
        if let (Some(what), false) = (foreign, forced) {
            return Err(self.unreadable(&format!("it is {what}; give text, a directory, or a tar (plain, gz, zst or xz)")));
        }
        if inner == Kind::Tar {
            let cut = self.tar(peek, "", 0)?;
            if self.delivered == 0 {
                return Err(self.unreadable(&match cut {
                    None => "the archive holds no files; capture it again".to_string(),
                    Some(reason) => format!("{reason}, before its first member; copy the file again"),
                }));
            }
            return Ok((if outer.is_compressed() { format!("tar.{}", outer.word()) } else { "tar".into() }, cut));
        }
        let head = MemberHead { path: name.to_string(), size: None, modified: None };
        self.count_entry(name)?;
        let cut = self.content(peek, &head, 0)?;
        Ok((if outer.is_compressed() { outer.word().into() } else { "text".into() }, cut))
    }

    /// The bytes of one file, whatever they are: an archive, a compressed text, a text. Tells why it was cut, if it was.
    pub(super) fn content(&mut self, source: &mut Peek, head: &MemberHead, depth: u32) -> Result<Option<String>, Error> {
        let kind = Kind::of(source.peek(SNIFF));
        if let Some(what) = kind.packed() {
            self.notes.add_with(&head.path, what, ", which is not read: unpack it and give what it holds");
        }
        if kind != Kind::Tar && !kind.is_compressed() {
            return self.member(source, head);
        }
        if depth >= self.limits.max_depth {
            self.notes.add(&head.path, "an archive inside archives, too deep to be opened");
            let depth = self.limits.max_depth;
            self.skip(head, &format!("archives are opened to a depth of {depth}; {DEPTH_OPTION} raises the bound, or give it by itself"));
            return Ok(None);
        }
        if kind == Kind::Tar {
            return self.nested_tar(source, head, depth + 1);
        }
        let layer = match Layer::new(kind, source, self.limits, self.meter.clone()) {
            Ok(layer) => layer,
            Err(e) => {
                self.skip(head, &e.to_string());
                return Ok(None);
            }
        };
        let mut decoded = BufReader::with_capacity(READ_BUFFER, layer);
        let mut inner = Peek::new(&mut decoded);
        let kind = Kind::of(inner.peek(SNIFF));
        if kind == Kind::Tar {
            return self.nested_tar(&mut inner, head, depth + 1);
        }
        if kind.is_compressed() {
            return self.content(&mut inner, head, depth + 1);
        }
        let cut = self.member(&mut inner, head)?;
        if let Some(reason) = &cut {
            self.notes.add_with(&head.path, "is cut", &format!(": {reason}"));
        }
        Ok(cut)
    }

    fn nested_tar(&mut self, source: &mut Peek, head: &MemberHead, depth: u32) -> Result<Option<String>, Error> {
        let before = self.delivered;
        let cut = self.tar(source, &head.path, depth)?;
        if let Some(reason) = &cut {
            self.notes.add_with(&head.path, "is cut", &format!(": {reason}"));
        }
        if self.delivered == before {
            match &cut {
                Some(reason) => self.end_at_once(head, MemberEnd::Cut(reason.clone())),
                None => self.skip(head, "an archive without files"),
            }
        }
        Ok(cut)
    }

    /// One member's bytes go to the visitor.
    pub(super) fn member(&mut self, source: &mut Peek, head: &MemberHead) -> Result<Option<String>, Error> {
        self.delivered += 1;
        self.visitor.begin(head);
        if !self.visitor.wants(head) {
            self.visitor.end(MemberEnd::Skipped("not wanted".into()));
            return Ok(None);
        }
        let mut bytes = 0u64;
        loop {
            match source.fill_buf() {
                Ok([]) => break,
                Ok(chunk) => {
                    let n = chunk.len();
                    bytes = bytes.saturating_add(n as u64);
                    if bytes > self.limits.max_member_bytes {
                        self.visitor.end(MemberEnd::Cut("refused".into()));
                        let bound = size(self.limits.max_member_bytes);
                        return Err(
                            self.unsafe_at(&head.path, &format!("more than {bound} in one member; {MEMBER_BYTES_OPTION} raises the bound"))
                        );
                    }
                    self.visitor.data(chunk);
                    source.consume(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let reason = self.cut_or_refused(e, &head.path);
                    self.visitor.end(MemberEnd::Cut(reason.as_ref().map_or("refused".into(), Clone::clone)));
                    return reason.map(Some);
                }
            }
        }
        self.visitor.end(MemberEnd::Whole);
        Ok(None)
    }

    /// A member that is not read.
    pub(super) fn skip(&mut self, head: &MemberHead, why: &str) {
        self.end_at_once(head, MemberEnd::Skipped(why.to_string()));
    }

    /// A member without bytes.
    pub(super) fn end_at_once(&mut self, head: &MemberHead, end: MemberEnd) {
        self.delivered += 1;
        self.visitor.begin(head);
        self.visitor.end(end);
    }

    /// Counts an entry of any kind; refuses when there are too many.
    pub(super) fn count_entry(&mut self, path: &str) -> Result<(), Error> {
        self.entries += 1;
        if self.entries > self.limits.max_members {
            let reason = format!("more than {} members; {MEMBERS_OPTION} raises the bound", self.limits.max_members);
            return Err(self.unsafe_at(path, &reason));
        }
        Ok(())
    }

    /// Counts a header that only speaks of the next one. A member has up to three of them, and an archive of nothing but headers must
    /// end somewhere.
    pub(super) fn count_extension(&mut self, path: &str) -> Result<(), Error> {
        self.extensions += 1;
        if self.extensions > self.limits.max_members.saturating_mul(4) {
            let reason = format!("more than {} headers without a member; {MEMBERS_OPTION} raises the bound", self.extensions - 1);
            return Err(self.unsafe_at(path, &reason));
        }
        Ok(())
    }

    /// Notes a path that was there before.
    pub(super) fn see(&mut self, path: &str) {
        if !self.seen.insert(self.hasher.hash_one(path)) {
            self.notes.add(path, "stands in the archive more than once; each is read");
        }
    }

    /// Why the bytes ended, in words; `Err` where a bound was broken.
    pub(super) fn cut_or_refused(&self, e: io::Error, path: &str) -> Result<String, Error> {
        match e.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()) {
            Some(refusal) => Err(self.unsafe_at(path, &refusal.0)),
            None => Ok(why(&e)),
        }
    }

    pub(super) fn unsafe_at(&self, path: &str, reason: &str) -> Error {
        let input = if path.is_empty() || path == self.input { self.input.to_string() } else { format!("{}: {path}", self.input) };
        Error::Unsafe { input, reason: reason.to_string() }
    }

    pub(super) fn unreadable(&self, reason: &str) -> Error {
        Error::Unreadable { input: self.input.to_string(), reason: reason.to_string() }
    }

    /// Reads to the end, so that checksums behind the last member are checked and the hash covers all of the file.
    fn drain(&mut self, source: &mut Peek) {
        let rest = source.skip(u64::MAX);
        if let Err(e) = rest {
            self.notes.add_with(self.input, "is damaged behind its last member", &format!(": {}", why(&e)));
        }
    }

    pub(super) fn finish(self, kind: String, cut: Option<String>, report: Option<BaseReport>) -> Walked {
        let sha256 = report.and_then(BaseReport::sha256).unwrap_or_default();
        let mut notes = self.notes.finish();
        if let Ok(more) = self.meter.notes.lock() {
            notes.extend(more.iter().cloned());
        }
        Walked { kind, cut, notes, bytes: self.meter.output.load(Ordering::Relaxed), sha256 }
    }
}

/// A stream of the input's bytes after its outermost decompression, and what that was.
fn open(mut base: Base, regular: Option<(&Path, u64)>, limits: &Limits, meter: &Arc<Meter>) -> io::Result<(Box<dyn BufRead>, Kind)> {
    let mut head = Vec::with_capacity(SNIFF);
    (&mut base).take(SNIFF as u64).read_to_end(&mut head)?;
    let kind = Kind::of(&head);
    let reader = BufReader::with_capacity(READ_BUFFER, Cursor::new(head).chain(base));
    if kind == Kind::Xz
        && let Some((path, _)) = regular
        && let Some(blocks) = Blocks::of(path)
        && let Some(parallel) = Parallel::start(path, &blocks, meter.clone())
    {
        // It has threads of its own.
        return Ok((Box::new(BufReader::with_capacity(READ_BUFFER, Layer::parallel(parallel, reader, meter.clone()))), kind));
    }
    let layer = Layer::new(kind, reader, limits, meter.clone())?;
    if regular.is_none_or(|(_, bytes)| bytes >= WORTH_A_THREAD) {
        return Ok((Box::new(Pipe::start(layer)?), kind));
    }
    Ok((Box::new(BufReader::with_capacity(READ_BUFFER, layer)), kind))
}

/// The system's reason, and what to do.
pub(super) fn why(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory; check the path".into(),
        io::ErrorKind::PermissionDenied => "permission denied; run as a user who may read it".into(),
        _ => {
            let text = e.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_string()
        }
    }
}
