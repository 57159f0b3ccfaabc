//! A reader on a thread of its own, so that decompressing and parsing run side by side.
//!
//! A few buffers go round: filled by the decoder, read by the caller, handed back. When the caller stops, its ends of the channels are
//! dropped, and the decoder ends at its next hand-over.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// How many buffers go round, and their size: 2 MiB in all, so that they stay in the cache.
const BUFFERS: usize = 8;
const BUFFER: usize = 256 << 10;

/// The caller's end.
pub(super) struct Pipe {
    full: Receiver<Filled>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    len: usize,
    over: bool,
}

enum Filled {
    Bytes(Vec<u8>, usize),
    Failed(io::Error),
}

impl Pipe {
    /// Starts reading; `Err` gives the reader's place back as an error when no thread can be had.
    pub(super) fn start(reader: impl Read + Send + 'static) -> io::Result<Pipe> {
        let (full_sender, full) = sync_channel(BUFFERS);
        let (empty, empty_receiver) = channel();
        for _ in 0..BUFFERS {
            // The pages are not touched before they are written.
            let _ = empty.send(vec![0; BUFFER]);
        }
        std::thread::Builder::new().name("decode".into()).spawn(move || decode(reader, &empty_receiver, &full_sender))?;
        Ok(Pipe { full, empty, current: Vec::new(), at: 0, len: 0, over: false })
    }
}

impl BufRead for Pipe {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.len && !self.over {
            let used = std::mem::take(&mut self.current);
            (self.at, self.len) = (0, 0);
            if !used.is_empty() {
                // The decoder may be gone already; what it sent is still read.
                let _ = self.empty.send(used);
            }
            match self.full.recv() {
                Ok(Filled::Bytes(bytes, len)) => {
                    self.len = len.min(bytes.len());
                    self.current = bytes;
                }
                Ok(Filled::Failed(e)) => {
                    self.over = true;
                    return Err(e);
                }
                Err(_) => self.over = true,
            }
        }
        Ok(self.current.get(self.at..self.len).unwrap_or(&[]))
    }

    fn consume(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.len);
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let n = chunk.len().min(into.len());
        // The length is the smaller of both.
        into[..n].copy_from_slice(&chunk[..n]);
        self.consume(n);
        Ok(n)
    }
}

fn decode(mut reader: impl Read, empty: &Receiver<Vec<u8>>, full: &SyncSender<Filled>) {
    while let Ok(mut buffer) = empty.recv() {
        let (len, end) = fill(&mut reader, &mut buffer);
        if len > 0 && full.send(Filled::Bytes(buffer, len)).is_err() {
            return;
        }
        match end {
            Ok(true) => {}
            Ok(false) => return,
            Err(e) => {
                let _ = full.send(Filled::Failed(e));
                return;
            }
        }
    }
}

/// Fills a buffer; how many bytes, and whether there may be more.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<bool>) {
    let mut len = 0;
    while let Some(room) = buffer.get_mut(len..).filter(|r| !r.is_empty()) {
        match reader.read(room) {
            Ok(0) => return (len, Ok(false)),
            Ok(n) => len += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return (len, Err(e)),
        }
    }
    (len, Ok(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    struct Endless(#[expect(dead_code, reason = "counted by its owner")] Arc<()>);

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            into.fill(b'x');
            Ok(into.len())
        }
    }

    #[test]
    fn bytes_come_in_order_then_the_error() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let text: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let mut pipe = Pipe::start(io::Cursor::new(text.clone()).chain(Breaks)).unwrap();
        let mut all = Vec::new();
        assert_eq!(pipe.read_to_end(&mut all).unwrap_err().to_string(), "broken");
        assert!(all == text);
        assert_eq!(pipe.fill_buf().unwrap(), b"", "after its error it is over");
    }

    #[test]
    fn the_decoder_ends_when_the_caller_stops() {
        let alive = Arc::new(());
        let mut pipe = Pipe::start(Endless(alive.clone())).unwrap();
        assert!(!pipe.fill_buf().unwrap().is_empty());
        drop(pipe);
        let since = Instant::now();
        while Arc::strong_count(&alive) > 1 {
            assert!(since.elapsed() < Duration::from_secs(10), "the thread is still there");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
