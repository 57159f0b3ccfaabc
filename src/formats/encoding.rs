//! How a member's bytes spell text, where that is not UTF-8 with line feeds.

use super::wide::Wide;

/// What is undone as the bytes stream by.
#[derive(Debug)]
pub enum Encoding {
    /// Two bytes for each unit.
    Wide(Wide),
    /// Lines end in a carriage return alone, as some editors and spreadsheets save them.
    Returns,
}

impl Encoding {
    /// The encoding of a text that begins so; `None` for the ordinary one.
    pub fn of(head: &[u8]) -> Option<Encoding> {
        Wide::of(head).map(Encoding::Wide).or_else(|| ends_in_returns(head).then_some(Encoding::Returns))
    }

    /// The next bytes in the ordinary encoding.
    pub fn decode(&mut self, chunk: &[u8]) -> Vec<u8> {
        match self {
            Encoding::Wide(wide) => wide.decode(chunk),
            Encoding::Returns => chunk.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect(),
        }
    }
}

/// Whether lines end in returns: there are some, and no line feed. What a terminal writes over again begins with a return, and has codes.
fn ends_in_returns(head: &[u8]) -> bool {
    let returns = || memchr::memchr_iter(b'\r', head).filter(|&at| at > 0).count();
    memchr::memchr2(b'\n', 0x1b, head).is_none() && returns() >= 2
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_bytes;

    #[test]
    fn lines_that_end_in_returns() {
        let (told, reading) = told_bytes("sockstat.txt", b"sockets: used 94\rTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\r");
        assert_eq!((told.counters["sockstat.tcp.alloc"], reading.lines, reading.unparsed()), (60, 2, 0));
    }
}
