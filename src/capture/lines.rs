//! The text of lines that may be quoted, compressed: a large host has half a million of them, of which a report shows a few dozen.

use super::quote::{MAX_QUOTE, Quote};
use super::varint;
use crate::facts::{At, Citation, MemberId};
use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a block: enough for lines that resemble each other to take little, few enough to read one of them.
const BLOCK: usize = 16 << 10;
/// Bytes that are kept as they are before blocks are compressed: those of most captures are fewer.
const LOOSE: usize = 512 << 10;
/// No line.
const NONE: u32 = u32::MAX;

/// Lines by their places.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Packed>);

#[derive(Debug, Default)]
struct Packed {
    /// In order of their first lines, each by itself.
    blocks: Vec<(Citation, Block)>,
    /// Bytes of the blocks that are not compressed.
    loose: usize,
    /// The compressed block that was read last, by its number: lines that are asked for together mostly stand in one.
    opened: Option<(usize, Vec<u8>)>,
    /// Of each line how far it is from the one before, its length and its text.
    open: Vec<u8>,
    open_first: Citation,
    last: Citation,
    /// Lines that came after a later one.
    strays: BTreeMap<Citation, Box<[u8]>>,
}

/// Some lines that follow one another.
#[derive(Debug)]
enum Block {
    Loose(Box<[u8]>),
    Compressed(Box<[u8]>),
}

/// The first few lines of something that may have millions, all of one member.
#[derive(Clone, Debug)]
pub struct Firsts {
    lines: Option<Arc<Lines>>,
    member: MemberId,
    numbers: [u32; Firsts::KEPT],
}

impl Lines {
    fn keep(&self, at: &At<'_>) {
        let text = at.text.get(..MAX_QUOTE).unwrap_or(at.text);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(at.citation, text);
    }

    /// The text of a line that was kept.
    pub fn text(&self, at: Citation) -> String {
        let mut packed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packed.find(at).map_or(String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }
}

impl Packed {
    fn keep(&mut self, at: Citation, text: &[u8]) {
        if !self.open.is_empty() && at <= self.last {
            if at < self.last {
                self.strays.entry(at).or_insert_with(|| text.into());
            }
            return;
        }
        if self.open.len() >= BLOCK || at.member != self.last.member {
            self.close();
        }
        if self.open.is_empty() {
            self.open_first = at;
            self.last = at;
        }
        varint::put(at.line - self.last.line, &mut self.open);
        // A line is cut at a few hundred bytes.
        varint::put(text.len() as u32, &mut self.open);
        self.open.extend_from_slice(text);
        self.last = at;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let block = if self.loose < LOOSE {
                self.loose += self.open.len();
                Block::Loose(self.open.as_slice().into())
            } else {
                Block::Compressed(compress_prepend_size(&self.open).into())
            };
            self.blocks.push((self.open_first, block));
        }
        self.open.clear();
    }

    fn find(&mut self, at: Citation) -> Option<Vec<u8>> {
        let found = if !self.open.is_empty() && self.open_first <= at {
            line_of(&self.open, self.open_first, at)
        } else {
            let number = self.blocks.partition_point(|b| b.0 <= at).checked_sub(1)?;
            let (first, block) = self.blocks.get(number)?;
            match block {
                Block::Loose(block) => line_of(block, *first, at),
                Block::Compressed(block) => {
                    let opened = self.opened.take().filter(|(n, _)| *n == number);
                    let (_, text) =
                        self.opened.insert(opened.unwrap_or_else(|| (number, decompress_size_prepended(block).unwrap_or_default())));
                    line_of(text, *first, at)
                }
            }
        };
        found.or_else(|| self.strays.get(&at).map(|text| text.to_vec()))
    }
}

/// The line at a place among those of a block, which begins at `first`.
fn line_of(mut block: &[u8], first: Citation, at: Citation) -> Option<Vec<u8>> {
    let mut line = first.line;
    while first.member == at.member && line <= at.line {
        line += varint::take(&mut block)?;
        let length = varint::take(&mut block)? as usize;
        let (text, rest) = block.split_at_checked(length)?;
        if line == at.line {
            return Some(text.to_vec());
        }
        block = rest;
    }
    None
}

impl Default for Firsts {
    fn default() -> Self {
        Firsts { lines: None, member: MemberId(0), numbers: [NONE; Firsts::KEPT] }
    }
}

impl Firsts {
    /// How many are kept.
    pub const KEPT: usize = 3;

    /// Keeps the line if there is still room.
    #[inline]
    pub fn offer(&mut self, at: &At<'_>, lines: &Arc<Lines>) {
        if let Some(free) = self.numbers.iter_mut().find(|n| **n == NONE) {
            *free = at.citation.line;
            self.member = at.citation.member;
            self.lines.get_or_insert_with(|| lines.clone()).keep(at);
        }
    }

    /// Drops what was kept, for rows that tell more.
    pub fn forget(&mut self) {
        self.numbers = [NONE; Firsts::KEPT];
    }

    /// Whether there is no room for more.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.numbers.iter().all(|n| *n != NONE)
    }

    /// The first one.
    pub fn first(&self) -> Option<Quote> {
        self.iter().next()
    }

    /// All that are kept.
    pub fn iter(&self) -> impl Iterator<Item = Quote> + '_ {
        let numbers = self.numbers.iter().filter(|n| **n != NONE);
        self.lines
            .iter()
            .flat_map(move |lines| numbers.clone().map(|&line| Quote::of(Citation { member: self.member, line }, lines.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, text: &str) -> At<'_> {
        At { citation: Citation { member: MemberId(line / 1000), line }, format: "lsof", text: text.as_bytes() }
    }

    #[test]
    fn lines_come_back_whatever_their_order() {
        let lines = Arc::new(Lines::default());
        let text = |n: u32| {
            format!(
                "java   {}  app  {n}u IPv4 {}  0t0 TCP 10.0.0.1:{n}->10.0.0.2:443{}",
                n / 50,
                n * 77,
                " (ESTABLISHED)".repeat(n as usize % 3)
            )
        };
        let order: Vec<u32> = (1..2000).map(|n| if n % 40 == 0 { n - 30 } else { n * 7 }).collect();
        order.iter().for_each(|&n| lines.keep(&at(n, &text(n))));
        for n in order {
            assert_eq!(lines.text(at(n, "").citation), text(n), "{n}");
        }
        assert_eq!(lines.text(at(50_000, "").citation), "");
    }

    #[test]
    fn similar_lines_take_little() {
        let (mut packed, mut whole) = (Packed { loose: LOOSE, ..Packed::default() }, 0);
        for n in 100..1100 {
            let text = format!("java      4684 apps {n}u sock 0,6 0t0 {} can't identify protocol", 674_209_205 + n * 3);
            packed.keep(at(n, "").citation, text.as_bytes());
            whole += text.len();
        }
        packed.close();
        let compressed = packed.blocks.iter().map(|(_, block)| if let Block::Compressed(bytes) = block { bytes.len() } else { whole });
        let bytes: usize = compressed.sum();
        assert!(bytes * 4 < whole, "{bytes} of {whole}");
    }

    proptest! {
        #[test]
        fn any_line_comes_back(texts in prop::collection::vec("\\PC{0,300}|[a 1]{0,300}", 1..200), loose in prop::sample::select(&[0, LOOSE])) {
            let mut packed = Packed { loose, ..Packed::default() };
            for (n, text) in (0..).zip(&texts) {
                packed.keep(at(n, "").citation, text.as_bytes());
            }
            for (n, text) in (0..).zip(&texts) {
                prop_assert_eq!(packed.find(at(n, "").citation), Some(text.clone().into_bytes()));
            }
        }
    }
}
