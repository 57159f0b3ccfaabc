//! Bounds on what an input may cost, and the meter that every decompressor runs over.
//!
//! A bomb is told by what it does, not by what it says: bytes are counted as they come out, against what went in. Repetitive captures
//! compress up to about 200:1 with gzip (its ceiling is 1032:1, which is what a file of zeros reaches), so the ratio bound stands between.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bounds on what an input may cost, each with an option of its name. What is over one of the first group is refused; what is over one of
/// the second is left out, counted and said.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes after decompression, over the whole input.
    pub max_bytes: u64,
    /// Entries (files, links, directories), over the whole input.
    pub max_members: u64,
    /// Bytes of one member.
    pub max_member_bytes: u64,
    /// Bytes out for each byte in, of one decompressor and of the whole input.
    pub max_ratio: u64,
    /// Bytes out before the ratio is looked at: a small output harms nobody, however well it compressed.
    pub ratio_from: u64,
    /// How deep archives inside archives are opened; deeper ones are listed and skipped.
    pub max_depth: u32,
    /// Bytes of a member's path that are shown; a longer one is shortened and noted.
    pub max_path: usize,
    /// Memory one decompressor may ask for (its window), in bytes.
    pub max_window: u64,
    /// Bytes of one line; the rest of a longer one is left out.
    pub max_line: usize,
    /// Hosts of one input.
    pub max_hosts: usize,
    /// Processes of one input, over all its hosts.
    pub max_processes: usize,
    /// Socket rows of one input whose inodes are kept, over all its hosts.
    pub max_sockets: usize,
    /// Findings told.
    pub max_findings: usize,
    /// Whether [`super::Walked::sha256`] is computed.
    pub want_sha256: bool,
    /// How long reading may take; only where many inputs are read and none may hold up the others, since a report knows no clock.
    pub max_time: Option<Duration>,
}

/// The option that raises the bounds on bytes.
pub const BYTES_OPTION: &str = "--max-bytes";
/// The option that raises the bound on members.
pub const MEMBERS_OPTION: &str = "--max-members";
/// The option that raises the bound on the bytes of one member.
pub const MEMBER_BYTES_OPTION: &str = "--max-member-bytes";
/// The option that raises the bound on the compression ratio.
pub const RATIO_OPTION: &str = "--max-ratio";
/// The option that raises the bound on archives inside archives.
pub const DEPTH_OPTION: &str = "--max-depth";
/// The option that raises the bound on a line.
pub const LINE_OPTION: &str = "--max-line";
/// The option that raises the bound on hosts.
pub const HOSTS_OPTION: &str = "--max-hosts";
/// The option that raises the bound on processes.
pub const PROCESSES_OPTION: &str = "--max-processes";
/// The option that raises the bound on socket rows.
pub const SOCKETS_OPTION: &str = "--max-sockets";
/// The option that raises the bound on findings.
pub const FINDINGS_OPTION: &str = "--max-findings";

/// The option of `check` that raises the bound on time.
pub const TIME_OPTION: &str = "--max-seconds";

/// Counts what comes out of the decompressors of one walk; shared with the thread that decodes.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    start: Instant,
    /// Bytes read from the input itself.
    pub(super) input: AtomicU64,
    /// Bytes after decompression, all layers together.
    pub(super) output: AtomicU64,
    /// What a decoder found odd.
    pub(super) notes: Mutex<Vec<String>>,
}

/// A bound was broken; travels as the payload of an [`io::Error`] from the reader that noticed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refusal(pub(super) String);

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bytes: 16 << 30,
            max_members: 200_000,
            max_member_bytes: 4 << 30,
            max_ratio: 500,
            ratio_from: 512 << 20,
            max_depth: 2,
            max_path: 1024,
            max_window: 256 << 20,
            max_line: 4 << 20,
            max_hosts: 1000,
            max_processes: 32_768,
            max_sockets: 32 << 20,
            max_findings: 200,
            want_sha256: false,
            max_time: None,
        }
    }
}

impl Limits {
    /// What `--max-bytes N` means: so many bytes are accepted, in one member too and however well they are compressed.
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self.max_member_bytes = bytes;
        self.ratio_from = bytes;
        self
    }

    /// What `--max-members N` means.
    pub fn with_max_members(mut self, members: u64) -> Self {
        self.max_members = members;
        self
    }
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Meter {
            limits: limits.clone(),
            start: Instant::now(),
            input: AtomicU64::new(0),
            output: AtomicU64::new(0),
            notes: Mutex::new(Vec::new()),
        }
    }

    /// Counts bytes of the input itself; an endless one that decodes to nothing must end too.
    pub(super) fn feed(&self, bytes: u64) -> io::Result<()> {
        let total = self.input.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total > self.limits.max_bytes {
            return Err(refuse(format!("more than {}; {BYTES_OPTION} raises the bound", size(self.limits.max_bytes))));
        }
        Ok(())
    }

    /// Counts bytes that came out of a layer which has `made` so many of `fed`; refuses when a bound is broken.
    pub(super) fn count(&self, bytes: u64, made: u64, fed: u64) -> io::Result<()> {
        let total = self.output.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let limits = &self.limits;
        if total > limits.max_bytes {
            return Err(refuse(format!("more than {} after decompression; {BYTES_OPTION} raises the bound", size(limits.max_bytes))));
        }
        self.in_time()?;
        let input = self.input.load(Ordering::Relaxed);
        let steep = |out: u64, from: u64| out > limits.ratio_from && out / limits.max_ratio.max(1) > from;
        if steep(made, fed) || steep(total, input) {
            return Err(refuse(format!(
                "a decompression bomb: more than {}:1 once past {}; if it is genuine, {RATIO_OPTION} raises the bound, or {BYTES_OPTION} accepts so many bytes at any ratio",
                limits.max_ratio,
                size(limits.ratio_from)
            )));
        }
        Ok(())
    }

    fn in_time(&self) -> io::Result<()> {
        match self.limits.max_time.filter(|&most| self.start.elapsed() > most) {
            Some(most) => Err(refuse(format!("reading takes longer than {} s; {TIME_OPTION} raises the bound", most.as_secs_f64()))),
            None => Ok(()),
        }
    }

    pub(super) fn wants_hash(&self) -> bool {
        self.limits.want_sha256
    }

    pub(super) fn note(&self, text: &str) {
        if let Ok(mut notes) = self.notes.lock() {
            notes.push(text.to_string());
        }
    }
}

/// An error that carries a refusal through a chain of readers.
pub(super) fn refuse(reason: String) -> io::Error {
    io::Error::other(Refusal(reason))
}

/// Bytes for people: `16 GiB`, `4 KiB`, `1000 bytes`.
pub(super) fn size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift {
            let tenths = (u128::from(bytes) * 10) >> shift;
            return if tenths % 10 == 0 { format!("{} {unit}", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_counts_only_once_much_came_out() {
        let meter = Meter::new(&Limits { max_ratio: 10, ratio_from: 1000, ..Limits::default() });
        meter.input.store(1, Ordering::Relaxed);
        assert!(meter.count(1000, 1000, 1).is_ok());
        assert!(meter.count(1, 1001, 1).is_err());
    }

    #[test]
    fn time_is_looked_at_where_it_is_bounded() {
        let meter = |max_time| Meter::new(&Limits { max_time, ..Limits::default() });
        assert!(meter(None).count(1, 1, 1).is_ok());
        assert!(meter(Some(Duration::MAX)).count(1, 1, 1).is_ok());
        let late = meter(Some(Duration::ZERO));
        std::thread::sleep(Duration::from_millis(2));
        assert!(late.count(1, 1, 1).is_err_and(|e| e.to_string().contains(TIME_OPTION)));
    }

    #[test]
    fn nested_layers_multiply() {
        let meter = Meter::new(&Limits { max_ratio: 10, ratio_from: 1000, ..Limits::default() });
        meter.input.store(20, Ordering::Relaxed);
        assert!(meter.count(190, 190, 20).is_ok());
        // This layer makes 9 of 1, the whole 95 of 1.
        assert!(meter.count(1710, 1710, 190).is_err());
    }

    #[test]
    fn one_option_lifts_every_bound_on_bytes() {
        let limits = Limits::default().with_max_bytes(1 << 40);
        assert_eq!((limits.max_member_bytes, limits.ratio_from), (1 << 40, 1 << 40));
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(size(16 << 30), "16 GiB");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(17), "17 bytes");
    }
}
