//! The text of lines that may be quoted, packed: a large host has half a million of them, of which a report shows a few dozen.
//!
//! Lines of one listing resemble each other word by word, so that each is kept as what differs from the one before. A block of them can be
//! read without the others.

use super::quote::{MAX_QUOTE, Quote};
use super::varint;
use crate::facts::{At, Citation, MemberId};
use crate::formats::scan;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines of a block.
const BLOCK: usize = 32;
/// The longest piece that counts as a word, so that its length fits seven bits.
const WORD: usize = 127;
/// What most words that differ are made of: numbers and addresses. Two of these letters fit a byte.
const LETTERS: &[u8; 16] = b"0123456789.:->u ";
/// With the length of a word that is kept so.
const HALVED: u8 = 0x80;
/// Ends a line.
const END: u8 = 0;
/// From here on a code says how many bytes a word shares with the one before; below, how many words are the same.
const SHARES: u8 = 64;
/// No line.
const NONE: u32 = u32::MAX;

/// Lines by their places.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Packed>);

#[derive(Debug, Default)]
struct Packed {
    /// In order of their first lines.
    blocks: Vec<(Citation, Box<[u8]>)>,
    open: Vec<u8>,
    open_first: Citation,
    open_count: usize,
    last: Citation,
    last_text: Vec<u8>,
    /// Where its words end.
    last_ends: Vec<u16>,
    /// Room for those of the next one.
    ends: Vec<u16>,
    /// Lines that came after a later one.
    strays: BTreeMap<Citation, Box<[u8]>>,
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
        let packed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packed.find(at).map_or(String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }
}

impl Packed {
    fn keep(&mut self, at: Citation, text: &[u8]) {
        if self.open_count > 0 && at <= self.last {
            if at < self.last {
                self.strays.entry(at).or_insert_with(|| text.into());
            }
            return;
        }
        if self.open_count == BLOCK || at.member != self.last.member {
            self.close();
        }
        if self.open_count == 0 {
            self.open_first = at;
            self.last = at;
        }
        varint::put(at.line - self.last.line, &mut self.open);
        self.ends.clear();
        pack((&self.last_text, &self.last_ends), (text, &mut self.ends), &mut self.open);
        self.last = at;
        self.last_text.clear();
        self.last_text.extend_from_slice(text);
        std::mem::swap(&mut self.ends, &mut self.last_ends);
        self.open_count += 1;
    }

    fn close(&mut self) {
        if self.open_count > 0 {
            self.blocks.push((self.open_first, self.open.as_slice().into()));
        }
        self.open.clear();
        self.last_text.clear();
        self.last_ends.clear();
        self.open_count = 0;
    }

    fn find(&self, at: Citation) -> Option<Vec<u8>> {
        let open = self.open_count > 0 && self.open_first <= at;
        let (first, mut bytes) = if open {
            (self.open_first, self.open.as_slice())
        } else {
            let before = self.blocks.partition_point(|b| b.0 <= at).checked_sub(1);
            before.and_then(|n| self.blocks.get(n)).map_or((at, &[][..]), |b| (b.0, &b.1))
        };
        let (mut line, mut text) = (first.line, Vec::new());
        while first.member == at.member && !bytes.is_empty() {
            line += varint::take(&mut bytes)?;
            text = unpack(&text, &mut bytes)?;
            if line == at.line {
                return Some(text);
            }
        }
        self.strays.get(&at).map(|text| text.to_vec())
    }
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

/// Where the word ends that begins at a place, with the blanks behind it.
#[inline]
fn word_end(text: &[u8], start: usize) -> usize {
    scan::skip_blanks(text, scan::find_blank(text, start)).min(start + WORD)
}

/// Words with the blanks behind them.
fn words(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (word, rest) = text.split_at_checked(word_end(text, 0))?;
        text = rest;
        (!word.is_empty()).then_some(word)
    })
}

/// Adds what differs from the line before, and tells where the line's words end.
fn pack((before, before_ends): (&[u8], &[u16]), (text, ends): (&[u8], &mut Vec<u16>), out: &mut Vec<u8>) {
    // Where a word ends is told by the byte behind it: a word counts if both lines have that too.
    let common = common(before, text);
    ends.extend(before_ends.iter().take_while(|&&end| usize::from(end) < common));
    let alike = ends.len();
    split(text, ends);
    let (mut same, mut old_start, mut start) = (alike, 0, 0);
    while same >= SHARES as usize - 1 {
        out.push(SHARES - 1);
        same -= SHARES as usize - 1;
    }
    if let Some(&end) = alike.checked_sub(1).and_then(|last| ends.get(last)) {
        (old_start, start) = (usize::from(end), usize::from(end));
    }
    let mut old_ends = before_ends.iter().skip(alike);
    for end in ends.iter().skip(alike).map(|&end| usize::from(end)) {
        let old_end = old_ends.next().map_or(old_start, |&end| usize::from(end));
        let (shared, word) = (before.get(old_start..old_end).unwrap_or(&[]), text.get(start..end).unwrap_or(&[]));
        (old_start, start) = (old_end, end);
        let common = self::common(shared, word);
        if common == shared.len() && common == word.len() {
            same += 1;
            if same == SHARES as usize - 1 {
                out.push(SHARES - 1);
                same = 0;
            }
            continue;
        }
        put_same(&mut same, out);
        put_word(common, word, out);
    }
    put_same(&mut same, out);
    out.push(END);
}

/// How many bytes two lines have in common at their beginning.
fn common<'l>(a: &'l [u8], b: &'l [u8]) -> usize {
    let eights = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).take_while(|(x, y)| x == y).count() * 8;
    let rest = |line: &'l [u8]| line.get(eights..).unwrap_or(&[]);
    eights + rest(a).iter().zip(rest(b)).take_while(|(x, y)| x == y).count()
}

/// Adds the ends of the words behind those that are told already.
fn split(text: &[u8], ends: &mut Vec<u16>) {
    let mut start = ends.last().map_or(0, |&end| usize::from(end));
    while start < text.len() {
        start = word_end(text, start);
        ends.push(start as u16);
    }
}

/// Adds how many words are the same, fewer than a byte below `SHARES` tells.
fn put_same(same: &mut usize, out: &mut Vec<u8>) {
    if *same > 0 {
        out.push(*same as u8);
    }
    *same = 0;
}

/// Adds a word that differs from the one before, with which it has so many bytes in common.
fn put_word(common: usize, word: &[u8], out: &mut Vec<u8>) {
    let rest = word.get(common..).unwrap_or(&[]);
    // Both are at most as long as a word.
    out.push(SHARES + common as u8);
    let start = out.len();
    let mut all = 0;
    if rest.len() > 1 {
        out.push(HALVED | rest.len() as u8);
        out.extend(rest.chunks(2).map(|two| {
            let (high, low) = (two.first().map_or(0, |&b| number(b)), two.get(1).map_or(0, |&b| number(b)));
            all |= high | low;
            high << 4 | low
        }));
    }
    // A letter's number has four bits, that of any other byte eight.
    if rest.len() < 2 || all > 0x0f {
        out.truncate(start);
        out.push(rest.len() as u8);
        out.extend_from_slice(rest);
    }
}

/// No number.
const OTHER: u8 = u8::MAX;
/// The number of each byte that is one of the letters.
const NUMBERS: [u8; 256] = {
    let mut numbers = [OTHER; 256];
    let mut n = 0;
    while n < LETTERS.len() {
        numbers[LETTERS[n] as usize] = n as u8; // a byte has a place in it
        n += 1;
    }
    numbers
};

#[inline]
fn number(byte: u8) -> u8 {
    NUMBERS[usize::from(byte)] // a byte has a place in it
}

fn unpack(before: &[u8], bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut old = words(before);
    let mut text = Vec::new();
    loop {
        match take(bytes)? {
            END => return Some(text),
            same if same < SHARES => old.by_ref().take(usize::from(same)).for_each(|word| text.extend_from_slice(word)),
            shares => {
                text.extend_from_slice(old.next().unwrap_or(&[]).get(..usize::from(shares - SHARES))?);
                let length = take(bytes)?;
                let (halved, length) = (length & HALVED != 0, usize::from(length & !HALVED));
                let (rest, behind) = bytes.split_at_checked(if halved { length.div_ceil(2) } else { length })?;
                if halved {
                    let halves = rest.iter().flat_map(|b| [b >> 4, b & 0x0f]).take(length);
                    text.extend(halves.filter_map(|half| LETTERS.get(usize::from(half))));
                } else {
                    text.extend_from_slice(rest);
                }
                *bytes = behind;
            }
        }
    }
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
        let order: Vec<u32> = (1..400).map(|n| if n % 40 == 0 { n - 30 } else { n * 7 }).collect();
        order.iter().for_each(|&n| lines.keep(&at(n, &text(n))));
        for n in order {
            assert_eq!(lines.text(at(n, "").citation), text(n), "{n}");
        }
        assert_eq!(lines.text(at(5000, "").citation), "");
    }

    fn pack_after(before: &str, text: &str, out: &mut Vec<u8>) {
        let (mut before_ends, mut ends) = (Vec::new(), Vec::new());
        split(before.as_bytes(), &mut before_ends);
        pack((before.as_bytes(), &before_ends), (text.as_bytes(), &mut ends), out);
        let mut whole = Vec::new();
        split(text.as_bytes(), &mut whole);
        assert_eq!(ends, whole, "{before:?} {text:?}");
    }

    #[test]
    fn similar_lines_take_little() {
        let (mut packed, mut whole) = (Vec::new(), 0);
        let text = |n: u32| format!("java      4684 apps {n}u sock 0,6 0t0 {} can't identify protocol", 674_209_205 + n * 3);
        for n in 100..1100 {
            pack_after(&text(n - 1), &text(n), &mut packed);
            whole += text(n).len();
        }
        assert!(packed.len() * 6 < whole, "{} of {whole}", packed.len());
    }

    #[test]
    fn each_letter_is_its_number() {
        assert!(LETTERS.iter().enumerate().all(|(n, &b)| number(b) == n as u8));
        assert_eq!((0..=255).filter(|&b| number(b) != OTHER).count(), LETTERS.len());
    }

    proptest! {
        #[test]
        fn any_line_with_the_same_beginning_comes_back(
            same in "[a1 ]{0,150}|(a ){60,90}",
            before in "[a 1]{0,30}",
            text in "[a 1]{0,30}|\\PC{0,30}"
        ) {
            let (before, text) = (format!("{same}{before}"), format!("{same}{text}"));
            let mut bytes = Vec::new();
            pack_after(&before, &text, &mut bytes);
            prop_assert_eq!(unpack(before.as_bytes(), &mut bytes.as_slice()), Some(text.into_bytes()));
        }

        #[test]
        fn any_line_comes_back(before in "[a 1]{0,300}", text in "\\PC{0,300}|[a 1]{0,300}|([0-9]{1,3}[.:>u-]| ){0,90}") {
            let mut bytes = Vec::new();
            pack_after(&before, &text, &mut bytes);
            prop_assert_eq!(unpack(before.as_bytes(), &mut bytes.as_slice()), Some(text.into_bytes()));
        }
    }
}
