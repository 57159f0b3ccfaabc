//! Readers that the walk is built of: one that can look ahead, one that ends where a member ends, one that counts.

use std::io::{self, BufRead, Read};

/// A reader whose next bytes can be looked at before it is known who reads them.
pub(super) struct Peek<'a> {
    inner: &'a mut dyn BufRead,
    held: Vec<u8>,
    at: usize,
    failed: Option<io::Error>,
}

/// The bytes of one member inside an archive; ends where the archive says so, and says if the archive ended before.
pub(super) struct Part<'a, 'b> {
    source: &'a mut Peek<'b>,
    left: u64,
}

/// A reader that counts what was taken from it, and remembers that it failed: a decoder on top may tell of damage instead.
pub(super) struct Counted<R> {
    inner: R,
    pub(super) taken: u64,
    pub(super) failed: Option<(io::ErrorKind, String)>,
}

impl<'a> Peek<'a> {
    pub(super) fn new(inner: &'a mut dyn BufRead) -> Self {
        Peek { inner, held: Vec::new(), at: 0, failed: None }
    }

    /// The next `want` bytes without taking them; fewer where the input ends or breaks before.
    pub(super) fn peek(&mut self, want: usize) -> &[u8] {
        if self.at == self.held.len() {
            self.held.clear();
            self.at = 0;
            // The usual case copies nothing: the bytes lie in the buffer below.
            if self.failed.is_none() {
                match self.inner.fill_buf() {
                    Ok(chunk) if chunk.len() >= want => return self.inner.fill_buf().unwrap_or(&[]).get(..want).unwrap_or(&[]),
                    Err(e) if e.kind() != io::ErrorKind::Interrupted => self.failed = Some(e),
                    _ => {}
                }
            }
        }
        while self.held.len() - self.at < want && self.failed.is_none() {
            let missing = want - (self.held.len() - self.at);
            match self.inner.fill_buf() {
                Ok([]) => break,
                Ok(chunk) => {
                    let n = chunk.len().min(missing);
                    // The length is at most that of the chunk.
                    self.held.extend_from_slice(&chunk[..n]);
                    self.inner.consume(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // It is told to whoever reads up to it.
                Err(e) => self.failed = Some(e),
            }
        }
        let held = self.held.get(self.at..).unwrap_or(&[]);
        // The length is at most that of what is held.
        &held[..held.len().min(want)]
    }

    /// Whether what is behind the bytes looked at is an error.
    pub(super) fn breaks(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes exactly the bytes that fill `into`; how many there were before the end.
    pub(super) fn take(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(room) = into.get_mut(done..).filter(|r| !r.is_empty()) {
            let chunk = self.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let n = chunk.len().min(room.len());
            // The length is the smaller of both.
            room[..n].copy_from_slice(&chunk[..n]);
            self.consume(n);
            done += n;
        }
        Ok(done)
    }

    /// Passes over so many bytes; how many there were before the end.
    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<u64> {
        let mut left = bytes;
        while left > 0 {
            let n = (self.fill_buf()?.len() as u64).min(left);
            if n == 0 {
                break;
            }
            self.consume(n as usize);
            left -= n;
        }
        Ok(bytes - left)
    }
}

impl BufRead for Peek<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.held.len() {
            // It is below the length, as was just asked.
            return Ok(&self.held[self.at..]);
        }
        match self.failed.take() {
            Some(e) => Err(e),
            None => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        if self.at < self.held.len() {
            self.at = (self.at + n).min(self.held.len());
        } else {
            self.inner.consume(n);
        }
    }
}

impl Read for Peek<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

impl<'a, 'b> Part<'a, 'b> {
    pub(super) fn new(source: &'a mut Peek<'b>, size: u64) -> Self {
        Part { source, left: size }
    }

    /// What has not been taken.
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

impl BufRead for Part<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        match self.source.fill_buf()? {
            [] => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside this member")),
            // The length is at most that of the chunk.
            chunk => Ok(&chunk[..chunk.len().min(left)]),
        }
    }

    fn consume(&mut self, n: usize) {
        self.left = self.left.saturating_sub(n as u64);
        self.source.consume(n);
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> Self {
        Counted { inner, taken: 0, failed: None }
    }
}

/// What is to be remembered of an error: the end of the bytes is for the decoder to judge.
fn failure(e: &io::Error) -> Option<(io::ErrorKind, String)> {
    let passing = matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof);
    (!passing).then(|| (e.kind(), e.to_string()))
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf().inspect_err(|e| self.failed = failure(e))
    }

    fn consume(&mut self, n: usize) {
        self.taken += n as u64;
        self.inner.consume(n);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into).inspect_err(|e| self.failed = failure(e))?;
        self.taken += n as u64;
        Ok(n)
    }
}

fn read_buffered(source: &mut dyn BufRead, into: &mut [u8]) -> io::Result<usize> {
    let chunk = source.fill_buf()?;
    let n = chunk.len().min(into.len());
    // The length is the smaller of both.
    into[..n].copy_from_slice(&chunk[..n]);
    source.consume(n);
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn what_was_looked_at_is_still_there() {
        let mut small = BufReader::with_capacity(3, &b"abcdefgh"[..]);
        let mut peek = Peek::new(&mut small);
        assert_eq!(peek.peek(5), b"abcde");
        assert_eq!(peek.peek(2), b"ab");
        let mut all = Vec::new();
        peek.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"abcdefgh");
    }

    #[test]
    fn a_part_that_is_cut_says_so() {
        let mut text = &b"abc"[..];
        let mut peek = Peek::new(&mut text);
        let mut part = Part::new(&mut peek, 5);
        let mut all = Vec::new();
        assert!(part.read_to_end(&mut all).is_err());
        assert_eq!((all.as_slice(), part.left()), (&b"abc"[..], 2));
    }
}
