//! xz files of several blocks, decoded on several threads.
//!
//! ```text
//! fd 37 7a 58 5a 00 ..   stream header, 12 bytes      00 N (unpadded uncompressed)*N pad crc   index
//! blocks, padded to 4    each decodable by itself     crc backward-size flags 59 5a            footer, 12 bytes
//! ```
//!
//! `xz -T` writes such files, and so does sos. Worker k decodes blocks k, k+n, ...; each hands its bytes on in order through a channel
//! that holds a bounded number of buffers, so that memory does not depend on what the index claims. A block is decoded inside a little
//! stream of its own (the file's header, the block, an index of one), so that its checksum is checked by the ordinary reader. A file
//! whose index is not whole, or that is several streams, is left to that reader altogether.
//! Source: the .xz file format, version 1.2.1.

use super::decode::{damaged, in_words};
use super::limits::Meter;
use lzma_rust2::XzReader;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The most threads that decode.
const MAX_WORKERS: usize = 3;
/// The bytes of a buffer handed on, and how many of them a worker may be ahead: one usual block.
const BUFFER: usize = 256 << 10;
const AHEAD: usize = 96;
/// The longest index that is read, in bytes.
const MAX_INDEX: u64 = 1 << 20;
/// The window a worker may ask for, in KiB; `xz -9` needs 64 MiB.
const WINDOW: u32 = 80 << 10;

/// A file's blocks.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    header: [u8; 12],
    list: Vec<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    start: u64,
    unpadded: u64,
    uncompressed: u64,
}

/// The decoded bytes of all blocks, in order.
pub(super) struct Parallel {
    workers: Vec<Receiver<Made>>,
    ends: Vec<u64>,
    block: usize,
    current: Vec<u8>,
    at: usize,
    meter: Arc<Meter>,
}

enum Made {
    Bytes(Vec<u8>),
    End,
    Failed(io::Error),
}

impl Blocks {
    /// The blocks of the file, if it is one whole stream of several of them.
    pub(super) fn of(path: &Path) -> Option<Blocks> {
        let mut file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut header = [0; 12];
        file.read_exact(&mut header).ok()?;
        let footer_at = length.checked_sub(12)?;
        let mut footer = [0; 12];
        file.seek(SeekFrom::Start(footer_at)).ok()?;
        file.read_exact(&mut footer).ok()?;
        let [c0, c1, c2, c3, b0, b1, b2, b3, f0, f1, b'Y', b'Z'] = footer else { return None };
        // A header has 12 bytes.
        if crc(&[b0, b1, b2, b3, f0, f1]) != [c0, c1, c2, c3] || [f0, f1] != [header[6], header[7]] {
            return None;
        }
        let size = (u64::from(u32::from_le_bytes([b0, b1, b2, b3])) + 1) * 4;
        let index_at = footer_at.checked_sub(size)?;
        if size > MAX_INDEX {
            return None;
        }
        let mut index = vec![0; usize::try_from(size).ok()?];
        file.seek(SeekFrom::Start(index_at)).ok()?;
        file.read_exact(&mut index).ok()?;
        let list = records(&index)?;
        let end = list.last().map(|b| b.start.saturating_add(b.unpadded).next_multiple_of(4))?;
        let first = window(&mut file, 12)?;
        (end == index_at && list.len() > 1 && first <= u64::from(WINDOW) << 9).then_some(Blocks { header, list })
    }
}

impl Parallel {
    /// Starts the workers; `None` where there is but one processor or no thread to be had.
    pub(super) fn start(path: &Path, blocks: &Blocks, meter: Arc<Meter>) -> Option<Parallel> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS).min(blocks.list.len());
        if workers < 2 {
            return None;
        }
        let mut receivers = Vec::new();
        for worker in 0..workers {
            let (sender, receiver) = sync_channel(AHEAD);
            let own: Vec<Block> = blocks.list.iter().copied().skip(worker).step_by(workers).collect();
            let (path, header) = (path.to_path_buf(), blocks.header);
            std::thread::Builder::new().name("decode".into()).spawn(move || decode(&path, header, &own, &sender)).ok()?;
            receivers.push(receiver);
        }
        let ends = blocks.list.iter().map(|b| b.start.saturating_add(b.unpadded)).collect();
        Some(Parallel { workers: receivers, ends, block: 0, current: Vec::new(), at: 0, meter })
    }

    /// How many bytes of the file were needed for what was read.
    pub(super) fn fed(&self) -> u64 {
        self.ends.get(self.block).or(self.ends.last()).copied().unwrap_or(0)
    }
}

impl Read for Parallel {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            if self.block >= self.ends.len() {
                return Ok(0);
            }
            let worker = self.workers.get(self.block % self.workers.len().max(1)).ok_or_else(|| damaged("xz"))?;
            match worker.recv() {
                Ok(Made::Bytes(bytes)) => (self.current, self.at) = (bytes, 0),
                Ok(Made::End) => self.block += 1,
                Ok(Made::Failed(e)) => return Err(e),
                Err(_) => return Err(damaged("xz")),
            }
            self.meter.input.store(self.fed(), Ordering::Relaxed);
        }
        let rest = self.current.get(self.at..).unwrap_or(&[]);
        let n = rest.len().min(into.len());
        // The length is the smaller of both.
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// A worker: its blocks, one after the other, until nobody listens.
fn decode(path: &Path, header: [u8; 12], blocks: &[Block], to: &SyncSender<Made>) {
    for block in blocks {
        let last = match stream_of(path, header, block) {
            Ok(mut stream) => hand_on(&mut stream, to),
            Err(e) => Some(Made::Failed(e)),
        };
        let failed = matches!(last, Some(Made::Failed(_)));
        if last.is_none_or(|made| to.send(made).is_err()) || failed {
            return;
        }
    }
}

/// Hands on all of a stream; how it ended, or `None` when nobody listens any more.
fn hand_on(stream: &mut impl Read, to: &SyncSender<Made>) -> Option<Made> {
    loop {
        let mut buffer = vec![0; BUFFER];
        let mut len = 0;
        let end = loop {
            let room = buffer.get_mut(len..).filter(|room| !room.is_empty());
            match room.map(|room| stream.read(room)) {
                None => break None,
                Some(Ok(0)) => break Some(Made::End),
                Some(Ok(n)) => len += n,
                Some(Err(e)) => break Some(Made::Failed(in_words("xz")(e))),
            }
        };
        buffer.truncate(len);
        if len > 0 && to.send(Made::Bytes(buffer)).is_err() {
            return None;
        }
        if end.is_some() {
            return end;
        }
    }
}

/// A stream of this block alone.
fn stream_of(path: &Path, header: [u8; 12], block: &Block) -> io::Result<impl Read + use<>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(block.start))?;
    let body = BufReader::with_capacity(64 << 10, file.take(block.unpadded.next_multiple_of(4)));
    let mut index = vec![0, 1];
    put_number(block.unpadded, &mut index);
    put_number(block.uncompressed, &mut index);
    index.resize(index.len().next_multiple_of(4), 0);
    index.extend(crc(&index));
    let backward = u32::try_from(index.len() / 4).unwrap_or(1).saturating_sub(1).to_le_bytes();
    // A header has 12 bytes.
    let tail = [&backward[..], &header[6..8]].concat();
    index.extend(crc(&tail));
    index.extend(tail);
    index.extend(b"YZ");
    Ok(XzReader::new_mem_limit(Cursor::new(header).chain(body).chain(Cursor::new(index)), false, WINDOW))
}

/// The blocks an index tells of.
fn records(index: &[u8]) -> Option<Vec<Block>> {
    let (body, sum) = index.split_at_checked(index.len().checked_sub(4)?)?;
    if crc(body) != *sum {
        return None;
    }
    let mut rest = body.strip_prefix(&[0])?;
    let count = take_number(&mut rest)?;
    let (mut list, mut start) = (Vec::new(), 12u64);
    for _ in 0..count {
        let (unpadded, uncompressed) = (take_number(&mut rest)?, take_number(&mut rest)?);
        if unpadded == 0 || unpadded > 1 << 60 || start > 1 << 60 {
            return None;
        }
        list.push(Block { start, unpadded, uncompressed });
        start += unpadded.next_multiple_of(4);
    }
    Some(list)
}

/// The window the block at this offset needs, in bytes, where LZMA2 is its only filter.
fn window(file: &mut File, start: u64) -> Option<u64> {
    let mut head = [0; 32];
    file.seek(SeekFrom::Start(start)).ok()?;
    file.read_exact(&mut head).ok()?;
    // The head has 32 bytes.
    let flags = head[1];
    let mut rest = head.get(2..)?;
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            take_number(&mut rest)?;
        }
    }
    match rest {
        [0x21, 1, size @ 0..=39, ..] if flags & 3 == 0 => Some((2 | u64::from(size & 1)) << (size / 2 + 11)),
        _ => None,
    }
}

/// Seven bits a byte, the lowest first.
fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{tar_of, walk_bytes, xz_blocks};
    use super::super::{Limits, MemberEnd};
    use super::*;
    use std::io::Write;

    fn text() -> Vec<u8> {
        (0..300_000u32).flat_map(|i| format!("{:x}\n", i.wrapping_mul(2_654_435_761)).into_bytes()).collect()
    }

    fn on_disk(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn several_blocks_make_the_same_bytes() {
        let bytes = xz_blocks(&text(), 300 << 10);
        let file = on_disk(&bytes);
        let blocks = Blocks::of(file.path()).expect("several blocks");
        assert!(blocks.list.len() > 1, "{}", blocks.list.len());
        let meter = Arc::new(Meter::new(&Limits::default()));
        let Some(mut parallel) = Parallel::start(file.path(), &blocks, meter) else { return };
        let mut out = Vec::new();
        parallel.read_to_end(&mut out).unwrap();
        assert!(out == text());
    }

    #[test]
    fn damage_in_a_block_is_found_and_what_is_before_it_kept() {
        let text = text();
        let mut bytes = xz_blocks(&tar_of(&[("a", &text)]), 300 << 10);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        let mut got = Vec::new();
        for _ in 0..3 {
            let (kept, walked) = walk_bytes(&bytes, &Limits::default());
            assert_eq!(walked.unwrap().cut.as_deref(), Some("the xz data is damaged"));
            assert!(matches!(kept.end_of("a"), MemberEnd::Cut(_)));
            assert!(text[..1 << 20] == kept.members[0].1[..1 << 20]);
            got.push(kept.members[0].1.len());
        }
        assert!(got.windows(2).all(|w| w[0] == w[1]), "the same input gives the same bytes: {got:?}");
    }

    #[test]
    fn what_is_not_several_whole_blocks_is_left_alone() {
        let bytes = xz_blocks(&text(), 300 << 10);
        for end in [0, 11, 12, 24, 100, bytes.len() - 1] {
            assert!(Blocks::of(on_disk(&bytes[..end]).path()).is_none(), "{end}");
        }
        assert!(Blocks::of(on_disk(&[&bytes[..], &bytes[..]].concat()).path()).is_none());
        assert!(Blocks::of(on_disk(&super::super::testing::xz(b"one block\n")).path()).is_none());
        for at in bytes.len() - 28..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            assert!(Blocks::of(on_disk(&bad).path()).is_none(), "{at}");
        }
    }

    #[test]
    fn an_index_of_impossible_sizes_is_none() {
        for (unpadded, want) in [(1, true), (1 << 59, true), ((1 << 60) + 1, false), ((1 << 63) - 1, false), (0, false)] {
            let mut index = vec![0, 2];
            for _ in 0..2 {
                put_number(unpadded, &mut index);
                put_number(u64::MAX >> 1, &mut index);
            }
            index.extend(crc(&index));
            assert_eq!(records(&index).is_some(), want, "{unpadded}");
        }
        let mut more = vec![0, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1];
        more.extend(crc(&more));
        assert!(records(&more).is_none(), "fewer records than it says");
    }

    #[test]
    fn numbers_go_both_ways() {
        for value in [0, 1, 127, 128, 300, 1 << 40, (1 << 63) - 1] {
            let mut out = Vec::new();
            put_number(value, &mut out);
            assert_eq!(take_number(&mut out.as_slice()), Some(value));
        }
        assert_eq!(take_number(&mut &[0xff; 20][..]), None);
        assert_eq!(take_number(&mut &[0x80][..]), None);
    }
}
