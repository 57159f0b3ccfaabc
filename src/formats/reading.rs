//! What became of a member: its sections, the lines that were not understood, and each line where somebody asked.

use super::Taken;
use super::prefix::Prefixes;

/// The format of what none read.
pub(super) const UNKNOWN: &str = "unknown";

/// One stretch of a member that one format read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The format's id, `unknown` for what none read.
    pub format: &'static str,
    /// Its first line.
    pub first_line: u32,
    /// Lines in it.
    pub lines: u32,
    /// Lines that carried data.
    pub rows: u32,
    /// Lines not understood.
    pub unknown: u32,
}

/// What became of a member.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Lines in all; one in which a terminal's cursor went to others counts as those.
    pub lines: u32,
    /// Bytes in all.
    pub bytes: u64,
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// The first lines that were not understood: number and text.
    pub unknown: Vec<(u32, String)>,
    /// Whether the last line had no line end.
    pub cut_line: bool,
    /// Lines longer than is read whole.
    pub long_lines: u32,
    /// Whether it holds bytes that no text has; it is not read then.
    pub binary: bool,
    /// What stood in front of each line and was taken off.
    pub prefix: Option<Prefixes>,
    /// What became of each line, where [`Reader::traced`](super::reader::Reader::traced) asked for it and [`Reader::drain`](super::reader::Reader::drain) has not taken it yet.
    pub trace: Vec<Traced>,
}

/// A line and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its number.
    pub line: u32,
    /// The format that read it, `unknown` if none did.
    pub format: &'static str,
    /// What became of it.
    pub taken: Taken,
    /// The line as the parser saw it: without its end, its prefix and colours.
    pub text: Vec<u8>,
}

impl Reading {
    /// The format that read most rows; `unknown` if none read any, `empty` for a member without a byte, `binary` for what is no text.
    pub fn format(&self) -> &'static str {
        if self.bytes == 0 {
            return "empty";
        }
        if self.binary {
            return "binary";
        }
        self.sections.iter().filter(|s| s.format != UNKNOWN).max_by_key(|s| s.rows).map_or(UNKNOWN, |s| s.format)
    }

    /// Rows read in all.
    pub fn rows(&self) -> u64 {
        self.sections.iter().map(|s| u64::from(s.rows)).sum()
    }

    /// Lines not understood inside sections of a known format.
    pub fn unparsed(&self) -> u64 {
        self.sections.iter().filter(|s| s.format != UNKNOWN).map(|s| u64::from(s.unknown)).sum()
    }
}
