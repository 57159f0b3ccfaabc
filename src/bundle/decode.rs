//! Decompressors behind one face, each counted by the [`Meter`], each handing on all it decoded before it met damage.

use super::blocks::Parallel;
use super::limits::{Limits, Meter};
use super::magic::Kind;
use super::stream::Counted;
use flate2::{Decompress, FlushDecompress, Status};
use lzma_rust2::XzReader;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

/// A stream of bytes after decompression (or as they are), under the meter.
pub(super) struct Layer<R: BufRead> {
    decoder: Decoder<Counted<R>>,
    meter: Arc<Meter>,
    made: u64,
    /// After an error nothing more is asked of the decoder: not all of them bear it.
    over: bool,
}

enum Decoder<R: BufRead> {
    Plain(R),
    Gzip(Box<Gzip<R>>),
    Zstd(Box<zstd::Decoder<'static, R>>),
    Xz(Box<XzReader<R>>),
    /// The reader of the file is kept for its hash.
    XzBlocks(Box<Parallel>, R),
}

/// Every member of a gzip file, one after the other, and whatever stands behind them passed over.
struct Gzip<R> {
    inner: R,
    state: Decompress,
    meter: Arc<Meter>,
    /// Whole members before this one.
    members: u64,
    over: bool,
    failed: Option<io::Error>,
}

impl<R: BufRead> Layer<R> {
    pub(super) fn new(kind: Kind, inner: R, limits: &Limits, meter: Arc<Meter>) -> io::Result<Self> {
        let inner = Counted::new(inner);
        let decoder = match kind {
            Kind::Gzip => Decoder::Gzip(Box::new(Gzip::new(inner, meter.clone()))),
            Kind::Zstd => {
                let mut zstd = zstd::Decoder::with_buffer(inner)?;
                zstd.window_log_max(limits.max_window.max(1 << 20).ilog2().min(31))?;
                Decoder::Zstd(Box::new(zstd))
            }
            Kind::Xz => {
                let kilobytes = u32::try_from(limits.max_window >> 10).unwrap_or(u32::MAX);
                Decoder::Xz(Box::new(XzReader::new_mem_limit(inner, true, kilobytes)))
            }
            Kind::Tar | Kind::Text | Kind::Foreign(_) => Decoder::Plain(inner),
        };
        Ok(Layer { decoder, meter, made: 0, over: false })
    }
}

impl<R: BufRead> Layer<R> {
    /// A layer over blocks decoded side by side; `inner` is the same file.
    pub(super) fn parallel(blocks: Parallel, inner: R, meter: Arc<Meter>) -> Self {
        Layer { decoder: Decoder::XzBlocks(Box::new(blocks), Counted::new(inner)), meter, made: 0, over: false }
    }
}

impl<R: BufRead> Read for Layer<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.over {
            return Ok(0);
        }
        let result = self.decode(into);
        self.over = result.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted);
        result
    }
}

impl<R: BufRead> Layer<R> {
    fn decode(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (got, fed) = match &mut self.decoder {
            Decoder::Plain(inner) => (inner.read(into)?, u64::MAX),
            Decoder::Gzip(gzip) => (gzip.read(into)?, gzip.inner.taken),
            Decoder::Zstd(zstd) => {
                let result = zstd.read(into);
                (result.map_err(|e| below(e, "zstd", zstd.get_ref().failed.as_ref()))?, zstd.get_ref().taken)
            }
            Decoder::XzBlocks(blocks, file) => {
                let got = blocks.read(into)?;
                if got == 0 && self.meter.wants_hash() {
                    io::copy(file, &mut io::sink())?;
                }
                (got, blocks.fed())
            }
            Decoder::Xz(xz) => {
                let result = xz.read(into);
                (result.map_err(|e| below(e, "xz", xz.inner().failed.as_ref()))?, xz.inner().taken)
            }
        };
        self.made = self.made.saturating_add(got as u64);
        self.meter.count(got as u64, self.made, fed)?;
        Ok(got)
    }
}

impl<R: BufRead> Gzip<R> {
    fn new(inner: R, meter: Arc<Meter>) -> Self {
        Gzip { inner, state: Decompress::new_gzip(15), meter, members: 0, over: false, failed: None }
    }

    /// One step of the decompressor: bytes made, and whether the member is over.
    fn step(&mut self, into: &mut [u8]) -> io::Result<(usize, bool)> {
        let chunk = self.inner.fill_buf()?;
        if chunk.is_empty() {
            return Err(ends_early("gzip"));
        }
        let (taken, made) = (self.state.total_in(), self.state.total_out());
        let result = self.state.decompress(chunk, into, FlushDecompress::None);
        let taken = usize::try_from(self.state.total_in() - taken).unwrap_or(0).min(chunk.len());
        let made = usize::try_from(self.state.total_out() - made).unwrap_or(0).min(into.len());
        self.inner.consume(taken);
        match result {
            Ok(Status::StreamEnd) => Ok((made, true)),
            Ok(_) if taken == 0 && made == 0 => Err(damaged("gzip")),
            Ok(_) => Ok((made, false)),
            Err(_) if made > 0 => {
                self.failed = Some(damaged("gzip"));
                Ok((made, false))
            }
            Err(_) => Err(damaged("gzip")),
        }
    }

    /// Between two members: whether another one follows.
    fn next_member(&mut self) -> io::Result<bool> {
        self.members += 1;
        match self.inner.fill_buf()? {
            [] => return Ok(false),
            [0x1f] | [0x1f, 0x8b, ..] => {
                self.state = Decompress::new_gzip(15);
                return Ok(true);
            }
            _ => {}
        }
        self.pass_over_rest()?;
        Ok(false)
    }

    /// gzip ignores what follows its data; so do we, but say so unless it is padding.
    fn pass_over_rest(&mut self) -> io::Result<()> {
        let (mut bytes, mut padding) = (0u64, true);
        loop {
            let chunk = self.inner.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let n = chunk.len();
            bytes += n as u64;
            padding &= chunk.iter().all(|&b| b == 0);
            self.inner.consume(n);
        }
        if !padding {
            self.meter.note(&format!("{bytes} bytes after the end of the gzip data are no gzip data and were passed over"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(e) = self.failed.take() {
            self.over = true;
            return Err(e);
        }
        while !self.over && !into.is_empty() {
            match self.step(into) {
                Ok((made, true)) => {
                    self.over = !self.next_member()?;
                    if made > 0 {
                        return Ok(made);
                    }
                }
                Ok((0, false)) => {}
                Ok((made, false)) => return Ok(made),
                // A lone 1f behind the last member is no member.
                Err(e) if self.members > 0 && self.state.total_out() == 0 && self.state.total_in() < 3 && is_of_the_data(&e) => {
                    self.over = true;
                    self.pass_over_rest()?;
                }
                Err(e) => {
                    self.over = true;
                    return Err(e);
                }
            }
        }
        Ok(0)
    }
}

/// Whether the data itself is at fault, not what it comes from.
fn is_of_the_data(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

/// A decoder's error: that of the reader below it, if that one failed.
fn below(e: io::Error, what: &'static str, failed: Option<&(io::ErrorKind, String)>) -> io::Error {
    let refused = e.get_ref().is_some_and(|inner| inner.is::<super::limits::Refusal>());
    match failed {
        Some((kind, text)) if !refused => io::Error::new(*kind, text.clone()),
        _ => in_words(what)(e),
    }
}

fn ends_early(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the {what} data ends before its end"))
}

pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the {what} data is damaged"))
}

/// The decoder's error in the words of all of them; errors from below (the file, a refusal) pass as they are.
pub(super) fn in_words(what: &'static str) -> impl Fn(io::Error) -> io::Error {
    move |e| {
        if e.get_ref().is_some_and(|inner| inner.is::<super::limits::Refusal>()) {
            return e;
        }
        let text = e.to_string();
        match e.kind() {
            io::ErrorKind::OutOfMemory => super::limits::refuse(format!("the {what} data asks for too large a window; recompress it")),
            _ if text.contains("requires too much memory") => {
                super::limits::refuse(format!("the {what} data asks for too large a window (zstd --long); recompress it without"))
            }
            io::ErrorKind::UnexpectedEof => ends_early(what),
            _ if text.contains("incomplete frame") => ends_early(what),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => damaged(what),
            _ => e,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gzip, xz, zst};
    use super::*;

    fn decode(kind: Kind, bytes: &[u8]) -> (Vec<u8>, io::Result<usize>, Vec<String>) {
        let limits = Limits::default();
        let meter = Arc::new(Meter::new(&limits));
        meter.input.store(bytes.len() as u64, std::sync::atomic::Ordering::Relaxed);
        let mut layer = Layer::new(kind, bytes, &limits, meter.clone()).unwrap();
        let mut out = Vec::new();
        let result = layer.read_to_end(&mut out);
        let notes = meter.notes.lock().unwrap().clone();
        (out, result, notes)
    }

    fn text() -> Vec<u8> {
        (0..20_000u32).flat_map(|i| format!("row {} of many\n", i.wrapping_mul(2_654_435_761)).into_bytes()).collect()
    }

    #[test]
    fn several_gzip_members_are_one_text() {
        let bytes = [gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat();
        let (out, result, notes) = decode(Kind::Gzip, &bytes);
        assert_eq!((out.as_slice(), result.is_ok(), notes.len()), (&b"one\ntwo\n"[..], true, 0));
    }

    #[test]
    fn garbage_behind_gzip_is_passed_over() {
        for (tail, noted) in [(&b"garbage"[..], true), (&[0; 700][..], false), (&[0x1f][..], false), (&[0x1f, b'x'][..], true)] {
            let (out, result, notes) = decode(Kind::Gzip, &[&gzip(b"one\n")[..], tail].concat());
            assert_eq!((out.as_slice(), result.is_ok()), (&b"one\n"[..], true), "{tail:?}");
            assert_eq!(!notes.is_empty(), noted, "{tail:?} {notes:?}");
        }
    }

    #[test]
    fn what_is_decoded_before_damage_is_kept() {
        let text = text();
        for (kind, bytes) in [(Kind::Gzip, gzip(&text)), (Kind::Zstd, zst(&text)), (Kind::Xz, xz(&text))] {
            let mut bad = bytes.clone();
            let middle = bad.len() * 3 / 4;
            for byte in &mut bad[middle..middle + 64] {
                *byte ^= 0x5a;
            }
            let (out, result, _) = decode(kind, &bad);
            assert!(result.is_err(), "{kind:?}");
            if kind == Kind::Gzip {
                assert!(out.len() > text.len() / 2 && out[..text.len() / 2] == text[..text.len() / 2], "{}", out.len());
            }
            let (out, result, _) = decode(kind, &bytes[..middle]);
            assert!(result.is_err_and(|e| e.to_string().contains("ends before its end")), "{kind:?}");
            assert!(text.starts_with(&out), "{kind:?}");
            let (out, result, _) = decode(kind, &bytes);
            assert!(result.is_ok() && out == text, "{kind:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        let mut bytes = gzip(b"one\n");
        let n = bytes.len();
        bytes[n - 6] ^= 1;
        let (out, result, _) = decode(Kind::Gzip, &bytes);
        assert_eq!(out, b"one\n");
        assert!(result.is_err());
    }
}
