//! A table that was cut at a width: by `cut -c`, by a pager that does not wrap, or by the window that was copied from.
//!
//! ```text
//! python3 14403 app 318u IPv4 6223642 0t0 TCP 10.20.0.10:42210->10.53.0.7:5671 (ESTA
//! python3 14403 app 319u IPv4 6223643 0t0 TCP 10.20.0.10:42224->10.53.0.7:5671 (ESTA
//! python3 14403 app 7u  sock 0,9 0t0 6223640 protocol: TCP
//! ```
//!
//! Many tables have rows of one length, padded or not, and each has a longest one. So the length alone says nothing: of the longest rows
//! several must end where their format cannot end, or must not be understood. What a row lost is not known; neither is what it would have
//! told, nor of a table wrapped at that width how many rows were not understood.

use super::{Format, Taken};

/// How many rows must end in the middle.
const SEVERAL: u32 = 3;
/// Less than this is no width of a window.
const NARROWEST: usize = 40;

/// What the longest rows of a section look like.
#[derive(Debug, Default)]
pub struct Width {
    /// The length of the longest.
    longest: usize,
    /// How many of that length end in the middle.
    broken: u32,
    /// The first of them: number and text.
    first: Option<(u32, Vec<u8>)>,
}

impl Width {
    /// Takes a row, or a line that was not understood.
    #[inline]
    pub fn see(&mut self, format: &dyn Format, number: u32, line: &[u8], taken: Taken) {
        if line.len() >= self.longest && taken != Taken::Noise {
            self.take(format, number, line, taken);
        }
    }

    /// How long rows like the last one may be without being looked at, if rows are whole so far.
    #[inline]
    pub fn whole(&self) -> Option<usize> {
        (self.broken == 0).then_some(self.longest)
    }

    fn take(&mut self, format: &dyn Format, number: u32, line: &[u8], taken: Taken) {
        if line.len() > self.longest {
            *self = Width { longest: line.len(), ..Width::default() };
        }
        if self.broken >= SEVERAL || line.len() < NARROWEST {
            return;
        }
        let broken = match taken {
            Taken::Unknown => is_words(line),
            _ => !format.can_end(line),
        };
        if broken {
            self.broken += 1;
            self.first.get_or_insert_with(|| (number, line.to_vec()));
        }
    }

    /// The first row that was cut, if rows were.
    pub fn cut(self) -> Option<(u32, Vec<u8>)> {
        self.first.filter(|_| self.broken >= SEVERAL)
    }
}

/// Whether a line has words, and is no ruler between two outputs.
fn is_words(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_alphanumeric) && memchr::memchr(b' ', line).is_some()
}

/// Whether a text ends with the beginning of one of these words, but not with the word.
pub fn ends_within(text: &[u8], words: &[&[u8]]) -> bool {
    let last = text.rsplit(|&b| b == b' ').next().unwrap_or(b"");
    !last.is_empty() && !words.contains(&last) && words.iter().any(|word| word.starts_with(last))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::facts;

    fn cut_at(width: usize, text: &str) -> bool {
        let cut: String = text.lines().map(|l| format!("{}\n", l.get(..width).unwrap_or(l))).collect();
        facts(&cut).iter().any(|l| l.starts_with("note cut at the width"))
    }

    #[test]
    fn tables_cut_at_a_width() {
        let lsof: String = std::iter::once("COMMAND   PID USER   FD      TYPE             DEVICE SIZE/OFF     NODE NAME\n".to_string())
            .chain((0..9).map(|n| format!("java    29956 root   2{n}u     IPv4             13388{n}      0t0      TCP 127.0.0.1:4011{n}->127.0.0.1:9092 (CLOSE_WAIT)\n")))
            .collect();
        assert!(cut_at(80, &lsof) && cut_at(100, &lsof) && cut_at(110, &lsof));
        assert!(!cut_at(200, &lsof));
        let ss: String = (0..9)
            .map(|n| {
                format!("ESTAB 0      0      10.20.0.10:4820{n}    10.53.0.7:5671  users:((\"python3\",pid=14403,fd={n})) ino:257505{n}\n")
            })
            .collect();
        assert!(cut_at(70, &ss) && cut_at(80, &ss) && !cut_at(200, &ss));
        let netstat: String = (0..9)
            .map(|n| format!("tcp        0      0 10.20.0.10:4222{n}        10.53.0.7:5671          ESTABLISHED 14403/python3\n"))
            .collect();
        assert!(cut_at(74, &netstat) && !cut_at(200, &netstat));
    }

    #[test]
    fn rows_of_one_length_are_not_cut_for_that() {
        let unidentified: String = (10..40)
            .map(|n| format!("java    29956 root   {n}u     sock                0,9      0t0 1338{n} can't identify protocol\n"))
            .collect();
        assert!(!cut_at(200, &unidentified));
        let ruled = format!("{unidentified}{0}\n{unidentified}{0}\n{unidentified}{0}\n", "-".repeat(100));
        assert!(!cut_at(200, &ruled));
    }
}
