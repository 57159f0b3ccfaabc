//! Helpers for the tests of the walk: archives built in memory, and a visitor that keeps everything.

use super::{Input, Limits, MemberEnd, MemberHead, Visitor, Walked, walk};
use crate::error::Error;
use std::io::Write;

/// What a walk delivered: path, bytes, end.
#[derive(Default, Debug)]
pub(crate) struct Kept {
    pub(crate) members: Vec<(String, Vec<u8>, MemberEnd)>,
    open: bool,
}

impl Visitor for Kept {
    fn begin(&mut self, head: &MemberHead) {
        assert!(!self.open, "a member begins inside another one");
        self.open = true;
        self.members.push((head.path.clone(), Vec::new(), MemberEnd::Whole));
    }
    fn data(&mut self, chunk: &[u8]) {
        assert!(self.open && !chunk.is_empty());
        self.members.last_mut().unwrap().1.extend_from_slice(chunk);
    }
    fn end(&mut self, end: MemberEnd) {
        assert!(self.open);
        self.open = false;
        self.members.last_mut().unwrap().2 = end;
    }
}

impl Kept {
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.members.iter().map(|m| m.0.as_str()).collect()
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.members.iter().find(|m| m.0 == path).unwrap().1).unwrap()
    }

    pub(crate) fn end_of(&self, path: &str) -> &MemberEnd {
        &self.members.iter().find(|m| m.0 == path).unwrap_or_else(|| panic!("no {path} in {:?}", self.paths())).2
    }
}

/// Walks bytes as if they were a file.
pub(crate) fn walk_bytes(bytes: &[u8], limits: &Limits) -> (Kept, Result<Walked, Error>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut kept = Kept::default();
    let input = Input { path: file.path().to_string_lossy().into_owned(), format: None };
    let walked = walk(&input, limits, &mut kept);
    assert!(!kept.open, "the last member has no end");
    (kept, walked)
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

pub(crate) fn zst(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

pub(crate) fn xz(text: &[u8]) -> Vec<u8> {
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

/// xz of several blocks, each decodable by itself.
pub(crate) fn xz_blocks(text: &[u8], block: u64) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.set_block_size(std::num::NonZeroU64::new(block));
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

/// An archive of plain files.
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        out.append_data(&mut header, name, *text).unwrap();
    }
    out.into_inner().unwrap()
}

/// A header with any name, type, size and link target, checksum right.
pub(crate) fn raw_header(name: &str, kind: u8, size: u64, link: &str) -> [u8; 512] {
    let mut block = [0u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"14524613400\0");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..263].copy_from_slice(b"ustar\0");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A header and its data, padded.
pub(crate) fn raw_entry(name: &str, kind: u8, data: &[u8], link: &str) -> Vec<u8> {
    let mut out = raw_header(name, kind, data.len() as u64, link).to_vec();
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Raw entries made an archive.
pub(crate) fn closed(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = entries.concat();
    out.resize(out.len() + 1024, 0);
    out
}
