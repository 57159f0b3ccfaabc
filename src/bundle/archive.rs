//! Goes through the entries of a tar as they stream by.

use super::limits::size;
use super::names::plain;
use super::stream::{Part, Peek};
use super::tar::{BLOCK, EntryKind, Extensions, Header, MAX_EXTENSION, Pax};
use super::walk::Walk;
use super::{MemberEnd, MemberHead};
use crate::error::Error;
use std::io;

/// How many blocks of zeros may follow an archive: tapes are padded to some megabytes at the most, bombs without end.
const MAX_PADDING: u64 = (64 << 20) / BLOCK as u64;

/// How an entry's block read.
enum Block {
    Header(Box<Header>),
    Zeros,
    Damaged,
    End,
}

impl Walk<'_> {
    /// Pushes the members of a tar; tells why it ended before its end, if it did. `prefix` is the path of the archive itself.
    pub(super) fn tar(&mut self, source: &mut Peek, prefix: &str, depth: u32) -> Result<Option<String>, Error> {
        let mut said = Extensions::default();
        let (mut zeros, mut damage) = (0u64, None::<String>);
        loop {
            let block = match next_block(source) {
                Ok(block) => block,
                Err(e) => return self.cut_or_refused(e, prefix).map(Some),
            };
            match block {
                // An archive that ends without its two blocks of zeros is whole as far as anybody can tell.
                Block::End => return Ok(damage),
                Block::Zeros if zeros >= MAX_PADDING => {
                    let reason = format!("more than {} of zeros and no member among them; this is no capture", size(zeros * BLOCK as u64));
                    return Err(self.unsafe_at(prefix, &reason));
                }
                Block::Zeros => zeros += 1,
                Block::Damaged if zeros > 0 => {
                    self.notes.add(or_archive(prefix), "something that is no archive follows its end; passed over");
                    return Ok(damage);
                }
                Block::Damaged => match self.resync(source, prefix)? {
                    Some(bytes) => {
                        self.notes.add_with(or_archive(prefix), "no header where one should be", &format!("; {} passed over", size(bytes)));
                        damage.get_or_insert_with(|| "the archive is damaged".into());
                        said = Extensions::default();
                    }
                    None => return Ok(Some("the archive is damaged and cut".into())),
                },
                Block::Header(header) => {
                    if zeros > 0 {
                        self.notes.add(or_archive(prefix), "is several archives one after the other");
                        zeros = 0;
                    }
                    if let Some(reason) = self.entry(source, prefix, &header, &mut said, depth)? {
                        return Ok(Some(reason));
                    }
                }
            }
        }
    }

    /// One header and its data; `Some` if the archive ends in it.
    fn entry(
        &mut self,
        source: &mut Peek,
        prefix: &str,
        header: &Header,
        said: &mut Extensions,
        depth: u32,
    ) -> Result<Option<String>, Error> {
        if matches!(header.kind, EntryKind::GnuName | EntryKind::GnuLink | EntryKind::Pax | EntryKind::PaxGlobal) {
            self.count_extension(prefix)?;
            return self.extension(source, prefix, header, said);
        }
        let said = std::mem::take(said);
        let head = self.head_of(prefix, header, &said);
        self.count_entry(&head.path)?;
        let data = match said.pax.size {
            Some(size) if header.data() > 0 || header.kind == EntryKind::File => size,
            _ => header.data(),
        };
        if header.size.is_none() && said.pax.size.is_none() {
            self.notes.add(&head.path, "its size is no number; taken as empty");
        } else if said.pax.size.is_some_and(|s| header.size.is_some_and(|h| h != s && h != 0)) {
            self.notes.add(&head.path, "its headers disagree about its size; the PAX one is taken");
        }
        let why_not = match header.kind {
            EntryKind::Directory => return Ok(None),
            EntryKind::Symlink | EntryKind::Hardlink => {
                self.link(prefix, &head, header, &said);
                return Ok(None);
            }
            EntryKind::File if !said.pax.sparse => {
                self.see(&head.path);
                return self.file_entry(source, &head, data, depth);
            }
            EntryKind::File | EntryKind::Sparse => "a sparse file".to_string(),
            EntryKind::Device(what) => what.to_string(),
            EntryKind::Other(kind) => format!("an entry of type `{}`", kind.escape_ascii()),
            EntryKind::GnuName | EntryKind::GnuLink | EntryKind::Pax | EntryKind::PaxGlobal => return Ok(None),
        };
        self.see(&head.path);
        self.skip(&head, &why_not);
        self.notes.add_with(&head.path, "was not read", &format!(": {why_not}"));
        let maps = if header.extended { skip_sparse_maps(source) } else { Ok(()) };
        self.pass(maps.and_then(|()| skip_padded(source, data)), &head.path)
    }

    fn file_entry(&mut self, source: &mut Peek, head: &MemberHead, data: u64, depth: u32) -> Result<Option<String>, Error> {
        let mut part = Part::new(source, data);
        let cut = self.content(&mut Peek::new(&mut part), head, depth)?;
        let left = part.left();
        // What nobody read: a member not wanted, the rest of a broken one inside, and the padding. Only where that is not there either
        // is it this archive that broke; an archive that broke inside this one ends alone.
        let rest = source.skip(left).and_then(|n| whole(n, left)).and_then(|()| skip_padding(source, data));
        Ok(self.pass(rest, &head.path)?.map(|reason| cut.unwrap_or(reason)))
    }

    fn link(&mut self, prefix: &str, head: &MemberHead, header: &Header, said: &Extensions) {
        let (target, odd) = said.link(header);
        if odd {
            self.notes.add(&head.path, "its headers disagree about its target; PAX, then GNU is taken");
        }
        self.see(&head.path);
        let target = if header.kind == EntryKind::Hardlink {
            // A hard link names a member from the top of its archive.
            join(prefix, &plain(target, self.limits.max_path).path, true)
        } else {
            let text: String = String::from_utf8_lossy(target).chars().take(self.limits.max_path).collect();
            text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
        };
        self.end_at_once(head, MemberEnd::Link(target));
    }

    /// Reads a long name or a PAX header into `said`.
    fn extension(&mut self, source: &mut Peek, prefix: &str, header: &Header, said: &mut Extensions) -> Result<Option<String>, Error> {
        let data = header.data();
        if data > MAX_EXTENSION {
            self.notes.add_with(or_archive(prefix), "a header of", &format!(" {} was passed over", size(data)));
            return self.pass(skip_padded(source, data), prefix);
        }
        let mut bytes = vec![0; usize::try_from(data).unwrap_or(0)];
        let read = source.take(&mut bytes).and_then(|n| whole(n as u64, data)).and_then(|()| skip_padding(source, data));
        let name = || bytes.split(|&b| b == 0).next().unwrap_or(&[]).to_vec();
        match header.kind {
            EntryKind::GnuName => said.gnu_name = Some(name()),
            EntryKind::GnuLink => said.gnu_link = Some(name()),
            EntryKind::Pax => {
                said.pax = Pax::parse(&bytes);
                if said.pax.damaged {
                    self.notes.add(or_archive(prefix), "a PAX header that can not be read");
                }
            }
            // What a global header says of names and sizes of all members can only be a mistake.
            _ if Pax::parse(&bytes).path.is_some() || Pax::parse(&bytes).size.is_some() => {
                self.notes.add(or_archive(prefix), "a global PAX header names a path or a size; ignored");
            }
            _ => {}
        }
        self.pass(read, prefix)
    }

    fn head_of(&mut self, prefix: &str, header: &Header, said: &Extensions) -> MemberHead {
        let (name, odd) = said.name(header);
        let plain = plain(name, self.limits.max_path);
        let path = join(prefix, &plain.path, false);
        if odd {
            self.notes.add(&path, "its headers disagree about its name; PAX, then GNU is taken");
        }
        if let Some(oddity) = plain.oddity {
            self.notes.add_with(&path, "an odd name: it had", &format!(" {oddity}"));
        }
        MemberHead { path, size: said.pax.size.or(header.size), modified: said.pax.modified.or(header.modified) }
    }

    /// Looks for the next block that is a header; how many bytes were passed over, `None` if there is none.
    fn resync(&mut self, source: &mut Peek, prefix: &str) -> Result<Option<u64>, Error> {
        let mut bytes = BLOCK as u64;
        loop {
            let block = source.peek(BLOCK);
            if block.len() < BLOCK {
                // An error that waits there is of no more interest than the end, unless it is a refusal.
                return match source.skip(u64::MAX) {
                    Ok(_) => Ok(None),
                    Err(e) => self.cut_or_refused(e, prefix).map(|_| None),
                };
            }
            if Header::parse(block).is_some() {
                return Ok(Some(bytes));
            }
            bytes = bytes.saturating_add(BLOCK as u64);
            if let Err(e) = source.skip(BLOCK as u64) {
                self.cut_or_refused(e, prefix)?;
                return Ok(None);
            }
        }
    }

    fn pass(&self, result: io::Result<()>, path: &str) -> Result<Option<String>, Error> {
        match result {
            Ok(()) => Ok(None),
            Err(e) => self.cut_or_refused(e, path).map(Some),
        }
    }
}

fn next_block(source: &mut Peek) -> io::Result<Block> {
    let mut block = [0; BLOCK];
    match source.take(&mut block)? {
        0 => return Ok(Block::End),
        BLOCK => {}
        _ => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside a header")),
    }
    Ok(match Header::parse(&block) {
        Some(header) => Block::Header(Box::new(header)),
        None if block.iter().all(|&b| b == 0) => Block::Zeros,
        None => Block::Damaged,
    })
}

fn skip_padded(source: &mut Peek, data: u64) -> io::Result<()> {
    source.skip(data).and_then(|n| whole(n, data)).and_then(|()| skip_padding(source, data))
}

/// Data ends at a block; a missing padding at the very end harms nobody.
fn skip_padding(source: &mut Peek, data: u64) -> io::Result<()> {
    let over = data % BLOCK as u64;
    if over > 0 {
        source.skip(BLOCK as u64 - over)?;
    }
    Ok(())
}

/// A GNU sparse map goes on in blocks that each tell whether one more follows.
fn skip_sparse_maps(source: &mut Peek) -> io::Result<()> {
    loop {
        let mut block = [0; BLOCK];
        // A block has 512 bytes.
        if source.take(&mut block)? < BLOCK || block[504] != 1 {
            return Ok(());
        }
    }
}

fn whole(read: u64, wanted: u64) -> io::Result<()> {
    if read == wanted {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside a member"))
}

fn join(prefix: &str, path: &str, absolute: bool) -> String {
    let slash = if absolute { "/" } else { "" };
    if prefix.is_empty() { format!("{slash}{path}") } else { format!("{slash}{prefix}/{path}") }
}

fn or_archive(prefix: &str) -> &str {
    if prefix.is_empty() { "the archive" } else { prefix }
}
