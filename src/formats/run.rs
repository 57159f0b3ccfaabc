//! Runs of rows that repeat the one before but for descriptor and inode: what a leak of a hundred thousand sockets looks like.
//!
//! ```text
//! java    29956 root 10280u     sock                0,9      0t0   133868 protocol: TCP
//! java    29956 root 10281u     sock                0,9      0t0   133869 protocol: TCP
//! <--- head ---><FD-><-------------- middle --------------><-NODE-><--- tail --->
//! ```
//!
//! They are compared and counted without being cut into lines first. It is only a short cut: the run ends before whatever does not match.

use super::scan;
use crate::facts::Sink;

/// What stands around the two numbers of a row.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// Up to the blanks in front of the descriptor.
    pub head: &'a [u8],
    /// From the last digit of the descriptor to the inode.
    pub middle: &'a [u8],
    /// From the inode to the end of the row.
    pub tail: &'a [u8],
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Its rows.
    pub rows: u32,
    /// Their bytes, line ends included.
    pub bytes: usize,
}

impl Shape<'_> {
    /// Tells a sink the rows of this shape that a text begins with, none longer than `longest` bytes, for as long as it takes them.
    #[inline]
    pub fn run(&self, text: &[u8], longest: usize, sink: &mut dyn Sink) -> Run {
        let mut run = Run::default();
        let mut rest = text;
        while let Some((fd, inode, behind)) = self.row(rest) {
            let bytes = rest.len() - behind.len();
            // The line end is no part of the row.
            if bytes > longest + 1 || !sink.again(fd, inode) {
                break;
            }
            run.rows += 1;
            run.bytes += bytes;
            rest = behind;
        }
        run
    }

    /// The numbers of the row that a text begins with, and the text behind it.
    #[inline]
    fn row<'a>(&self, text: &'a [u8]) -> Option<(u32, u64, &'a [u8])> {
        let mut rest = text.strip_prefix(self.head)?;
        while let [b' ', behind @ ..] = rest {
            rest = behind;
        }
        let (fd, rest) = scan::leading_number(rest)?;
        let (inode, rest) = scan::leading_number(rest.strip_prefix(self.middle)?)?;
        let behind = rest.strip_prefix(self.tail)?.strip_prefix(b"\n")?;
        Some((u32::try_from(fd).ok()?, inode, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHAPE: Shape<'_> = Shape { head: b"java 7 root ", middle: b"u sock 0,9 0t0 ", tail: b" protocol: TCP" };

    /// Takes a few rows.
    struct Takes(Vec<(u32, u64)>, usize);

    impl Sink for Takes {
        fn again(&mut self, fd: u32, inode: u64) -> bool {
            let room = self.0.len() < self.1;
            if room {
                self.0.push((fd, inode));
            }
            room
        }
    }

    fn run(text: &str, longest: usize, room: usize) -> (Run, Vec<(u32, u64)>) {
        let mut sink = Takes(Vec::new(), room);
        (SHAPE.run(text.as_bytes(), longest, &mut sink), sink.0)
    }

    #[test]
    fn a_run_ends_before_what_does_not_match() {
        let rows = "java 7 root  9u sock 0,9 0t0 133 protocol: TCP\njava 7 root 10u sock 0,9 0t0 134 protocol: TCP\n";
        let both = Run { rows: 2, bytes: rows.len() };
        for rest in [
            "",
            "java 8 root 11u sock 0,9 0t0 135 protocol: TCP\n",
            "java 7 root 11r sock",
            "java 7 root 11u sock 0,9 0t0 135 protocol: TCP",
        ] {
            assert_eq!(run(&format!("{rows}{rest}"), 100, 9), (both, vec![(9, 133), (10, 134)]), "{rest}");
        }
        assert_eq!(run(rows, 46, 9).0.rows, 2);
        assert_eq!(run(rows, 45, 9).0.rows, 0);
        assert_eq!(run(rows, 100, 1).0.rows, 1);
    }

    proptest! {
        #[test]
        fn only_whole_lines_are_taken(text in "(java 7 root {1,2}[0-9]{1,3}u sock 0,9 0t0 [0-9]{1,3} protocol: TCP[\n x]){0,5}") {
            let (run, told) = run(&text, 100, 9);
            prop_assert_eq!(run.rows as usize, told.len());
            prop_assert_eq!(text.get(..run.bytes).map(|t| t.lines().count()), Some(told.len()));
        }
    }
}
