//! The smallest capture that keeps its diagnosis: members are dropped, then ranges of lines, as long as verdict and first finding stay.
//!
//! Ranges are halved until single lines (delta debugging, Zeller 1999). Headings need no care: without them a table is not read, the
//! diagnosis changes, and the cut is taken back. What is kept is the bytes as they were; nothing is rewritten.

use super::judge::same_command;
use crate::bundle::{Input, Limits, MemberEnd, MemberHead, Visitor, Walked, walk};
use crate::capture::Intake;
use crate::causes::Class;
use crate::config::Config;
use crate::diagnosis::{self, Diagnosis, Verdict};
use crate::error::Error;
use crate::host;
use crate::ledger::Kind;
use std::collections::BTreeSet;
use std::time::Instant;

/// Passes over all members, at most: a later pass drops what an earlier one made superfluous.
const ROUNDS: usize = 4;
/// From how many bytes on a result is too large to be read, and another way is tried.
const LARGE: u64 = 32 << 10;
/// Bytes of one component of a member's path, at most.
const MAX_COMPONENT: usize = 200;

/// A member in memory, and which of its lines are kept.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its path, safe to write below any directory.
    pub path: String,
    /// Seconds since the epoch of its last change.
    pub modified: Option<i64>,
    data: Vec<u8>,
    kept: Vec<Span>,
}

/// The bytes of one line with its end.
type Span = (u32, u32);

/// What must stay.
#[derive(Clone, Debug)]
pub struct Goal {
    verdict: Verdict,
    first: Option<First>,
}

#[derive(Clone, Debug)]
struct First {
    code: &'static str,
    class: Class,
    kind: Option<Kind>,
    command: Option<String>,
    pids: BTreeSet<u32>,
}

/// Makes a capture smaller.
pub struct Shrinker<'a> {
    config: &'a Config,
    deadline: Instant,
    progress: &'a mut dyn FnMut(String),
    goal: Goal,
    /// See [`LARGE`].
    large: u64,
    /// Diagnoses made.
    pub tried: u64,
}

impl Piece {
    /// A member; its path is made safe.
    pub fn new(path: &str, modified: Option<i64>, data: Vec<u8>) -> Piece {
        let mut kept = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &data).map(|n| n + 1).chain([data.len()]) {
            if end > start {
                kept.push((start as u32, end as u32));
            }
            start = end;
        }
        Piece { path: safe(path), modified, data, kept }
    }

    /// Bytes kept.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(|&(start, end)| u64::from(end - start)).sum()
    }

    /// Lines kept.
    pub fn lines(&self) -> usize {
        self.kept.len()
    }

    /// The kept bytes in as few slices as they lie in.
    pub fn slices(&self) -> Vec<&[u8]> {
        slices(&self.data, &self.kept)
    }
}

fn slices<'d>(data: &'d [u8], kept: &[Span]) -> Vec<&'d [u8]> {
    let mut slices = Vec::new();
    let mut open: Option<Span> = None;
    for &(start, end) in kept {
        open = match open {
            Some((first, last)) if last == start => Some((first, end)),
            Some((first, last)) => {
                slices.extend(data.get(first as usize..last as usize));
                Some((start, end))
            }
            None => Some((start, end)),
        };
    }
    slices.extend(open.and_then(|(first, last)| data.get(first as usize..last as usize)));
    slices
}

/// Reads all members of an input into memory.
///
/// # Errors
/// It cannot be read, or holds more than `max_bytes`.
pub fn load(input: &Input, limits: &Limits, max_bytes: u64) -> Result<Vec<Piece>, Error> {
    let mut loader = Loader { pieces: Vec::new(), open: None, bytes: 0, max_bytes: max_bytes.min(u64::from(u32::MAX)), full: false };
    walk(input, limits, &mut loader)?;
    if loader.full {
        let reason =
            format!("it holds more than {} bytes, and all of it is kept in memory; --max-bytes raises the bound", loader.max_bytes);
        return Err(Error::Unsafe { input: input.path.clone(), reason });
    }
    let mut pieces = loader.pieces;
    distinct(&mut pieces);
    Ok(pieces)
}

struct Loader {
    pieces: Vec<Piece>,
    open: Option<(MemberHead, Vec<u8>)>,
    bytes: u64,
    max_bytes: u64,
    full: bool,
}

impl Visitor for Loader {
    fn begin(&mut self, head: &MemberHead) {
        self.open = Some((head.clone(), Vec::new()));
    }

    fn data(&mut self, chunk: &[u8]) {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        self.full |= self.bytes > self.max_bytes;
        if let Some((_, data)) = self.open.as_mut().filter(|_| !self.full) {
            data.extend_from_slice(chunk);
        }
    }

    fn end(&mut self, end: MemberEnd) {
        let Some((head, data)) = self.open.take() else { return };
        if matches!(end, MemberEnd::Whole | MemberEnd::Cut(_)) {
            self.pieces.push(Piece::new(&head.path, head.modified, data));
        }
    }
}

/// A path that stays below the directory it is joined to, on any system.
fn safe(path: &str) -> String {
    let tidy = |part: &str| -> String {
        let text: String = part.chars().map(|c| if c.is_control() || "\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
        text.chars().take(MAX_COMPONENT / 4).collect::<String>()
    };
    let parts: Vec<String> = path.split('/').filter(|p| !matches!(*p, "" | "." | "..")).map(tidy).collect();
    if parts.is_empty() { "member".into() } else { parts.join("/") }
}

/// Gives members of the same path, and files where others have a directory, names of their own.
fn distinct(pieces: &mut [Piece]) {
    let parents = |path: &str| -> Vec<String> { path.match_indices('/').filter_map(|(n, _)| path.get(..n).map(str::to_string)).collect() };
    let directories: BTreeSet<String> = pieces.iter().flat_map(|p| parents(&p.path)).collect();
    let mut files: BTreeSet<String> = BTreeSet::new();
    for piece in pieces {
        let mut path = piece.path.clone();
        let mut number = 2;
        while directories.contains(&path) || !files.insert(path.clone()) {
            path = format!("{}-{number}", piece.path);
            number += 1;
        }
        piece.path = path;
    }
}

impl Goal {
    fn of(diagnosis: &Diagnosis) -> Goal {
        let first = diagnosis.findings.first().map(|f| First {
            code: f.claim.code,
            class: f.claim.class,
            kind: f.claim.kind,
            command: f.claim.owner.as_ref().map(|o| o.command.clone()),
            pids: f.claim.owner.iter().flat_map(|o| o.pids.iter().map(|p| p.0)).collect(),
        });
        Goal { verdict: diagnosis.verdict, first }
    }

    /// Whether a diagnosis says the same: verdict, and of the first finding code, class, kind and process.
    pub fn is_met(&self, diagnosis: &Diagnosis) -> bool {
        let other = Goal::of(diagnosis);
        self.verdict == other.verdict
            && match (&self.first, &other.first) {
                (None, None) => true,
                (Some(a), Some(b)) => {
                    let command = match (&a.command, &b.command) {
                        (None, None) => true,
                        (Some(a), Some(b)) => a == b || same_command(a, b),
                        _ => false,
                    };
                    let process = a.pids.is_empty() && b.pids.is_empty() || b.pids.iter().any(|p| a.pids.contains(p));
                    (a.code, a.class, a.kind) == (b.code, b.class, b.kind) && command && process
                }
                _ => false,
            }
    }
}

impl<'a> Shrinker<'a> {
    /// Takes the diagnosis of the whole as the goal.
    pub fn new(pieces: &[Piece], config: &'a Config, deadline: Instant, progress: &'a mut dyn FnMut(String)) -> (Shrinker<'a>, Diagnosis) {
        let diagnosis = diagnose(config, &all(pieces));
        (Shrinker { config, deadline, progress, goal: Goal::of(&diagnosis), large: LARGE, tried: 1 }, diagnosis)
    }

    /// The goal.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Drops members and lines until nothing more can go or the time is up. Where a member alone must stay large to mean the same, two that are
    /// cut may be smaller: then lines go first.
    pub fn shrink(&mut self, pieces: Vec<Piece>, diagnosis: &Diagnosis) -> Vec<Piece> {
        let bytes = |pieces: &[Piece]| pieces.iter().map(Piece::bytes).sum::<u64>();
        let few = self.cited_only(pieces.clone(), diagnosis);
        let few = self.members(few);
        let few = self.passes(few);
        if bytes(&few) <= self.large || self.expired() {
            return few;
        }
        (self.progress)(format!("{} bytes are many: lines first", bytes(&few)));
        let cut = self.passes(pieces);
        if bytes(&cut) < bytes(&few) { cut } else { few }
    }

    fn passes(&mut self, mut pieces: Vec<Piece>) -> Vec<Piece> {
        for round in 0..ROUNDS {
            let before: u64 = pieces.iter().map(Piece::bytes).sum();
            self.lines(&mut pieces);
            pieces = self.members(pieces);
            let after: u64 = pieces.iter().map(Piece::bytes).sum();
            (self.progress)(format!("pass {}: {after} bytes in {} members, {} captures tried", round + 1, pieces.len(), self.tried));
            if after == before || self.expired() {
                break;
            }
        }
        pieces
    }

    /// The members that the first finding cites are often enough.
    fn cited_only(&mut self, pieces: Vec<Piece>, diagnosis: &Diagnosis) -> Vec<Piece> {
        let first = diagnosis.findings.first();
        let cited: BTreeSet<u32> =
            first.iter().flat_map(|f| &f.claim.evidence).flat_map(|e| &e.at).map(|quote| quote.at.member.0).collect();
        let few: Vec<Piece> = pieces.iter().enumerate().filter(|(n, _)| cited.contains(&(*n as u32))).map(|(_, p)| p.clone()).collect();
        if !few.is_empty() && few.len() < pieces.len() && self.keeps(&all(&few)) { few } else { pieces }
    }

    fn members(&mut self, pieces: Vec<Piece>) -> Vec<Piece> {
        let numbers: Vec<usize> = (0..pieces.len()).collect();
        let pick = |numbers: &[usize]| -> Vec<&Piece> { numbers.iter().filter_map(|&n| pieces.get(n)).collect() };
        let kept = reduce(numbers, |numbers| if self.expired() { None } else { Some(self.keeps(&whole(&pick(numbers)))) });
        if kept.len() < pieces.len() {
            (self.progress)(format!("{} of {} members are enough", kept.len(), pieces.len()));
        }
        let kept: BTreeSet<usize> = kept.into_iter().collect();
        pieces.into_iter().enumerate().filter(|(n, _)| kept.contains(n)).map(|(_, p)| p).collect()
    }

    /// One pass over the largest member at a time, with ever smaller ranges: what makes every try slow shrinks first.
    fn lines(&mut self, pieces: &mut [Piece]) {
        let mut chunks: Vec<usize> = pieces.iter().map(Piece::lines).collect();
        let before: Vec<u64> = pieces.iter().map(Piece::bytes).collect();
        while let Some((number, chunk)) = largest(pieces, &chunks).filter(|_| !self.expired()) {
            let Some(spans) = pieces.get(number).map(|p| p.kept.clone()) else { break };
            let kept = {
                let pieces: &[Piece] = pieces;
                pass(spans, chunk, &mut |spans| {
                    let mut parts = all(pieces);
                    if let Some(part) = parts.get_mut(number) {
                        part.1 = spans;
                    }
                    if self.expired() { None } else { Some(self.keeps(&parts)) }
                })
            };
            if let (Some(piece), Some(next)) = (pieces.get_mut(number), chunks.get_mut(number)) {
                piece.kept = kept;
                *next = smaller(chunk, piece.lines());
                let was = before.get(number).copied().unwrap_or(0);
                if *next == 0 && piece.bytes() < was {
                    (self.progress)(format!("{}: {was} bytes to {}", piece.path, piece.bytes()));
                }
            }
        }
    }

    fn keeps(&mut self, parts: &[(&Piece, &[Span])]) -> bool {
        self.tried += 1;
        self.goal.is_met(&diagnose(self.config, parts))
    }

    fn expired(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

fn all(pieces: &[Piece]) -> Vec<(&Piece, &[Span])> {
    pieces.iter().map(|p| (p, p.kept.as_slice())).collect()
}

fn whole<'p>(pieces: &[&'p Piece]) -> Vec<(&'p Piece, &'p [Span])> {
    pieces.iter().map(|p| (*p, p.kept.as_slice())).collect()
}

/// The diagnosis of members in memory.
fn diagnose(config: &Config, parts: &[(&Piece, &[Span])]) -> Diagnosis {
    let mut intake = Intake::new(config.signatures(), None);
    for (piece, spans) in parts {
        intake.begin(&MemberHead { path: piece.path.clone(), size: None, modified: piece.modified });
        for slice in slices(&piece.data, spans) {
            intake.data(slice);
        }
        intake.end(MemberEnd::Whole);
    }
    let (sources, hosts) = host::hosts(vec![intake.finish("capture", Walked::default())]);
    diagnosis::diagnose(sources, &hosts, &config.thresholds)
}

/// The largest member that still has ranges to try, and the size of these.
fn largest(pieces: &[Piece], chunks: &[usize]) -> Option<(usize, usize)> {
    let open = pieces.iter().zip(chunks).enumerate().filter(|(_, (_, chunk))| **chunk > 0);
    open.max_by_key(|(_, (piece, _))| piece.bytes()).map(|(number, (_, chunk))| (number, *chunk))
}

/// Drops ever smaller ranges of items, as long as `keeps` says that what remains will do; `None` from it ends the search.
fn reduce<T: Copy>(mut items: Vec<T>, mut keeps: impl FnMut(&[T]) -> Option<bool>) -> Vec<T> {
    let mut chunk = items.len();
    while chunk > 0 {
        items = pass(items, chunk, &mut keeps);
        chunk = smaller(chunk, items.len());
    }
    items
}

/// The next size of ranges; none after single items.
fn smaller(chunk: usize, items: usize) -> usize {
    if chunk <= 1 { 0 } else { chunk.div_ceil(2).min(items) }
}

/// Drops ranges of one size, from the end.
fn pass<T: Copy>(mut items: Vec<T>, chunk: usize, keeps: &mut dyn FnMut(&[T]) -> Option<bool>) -> Vec<T> {
    let mut end = items.len();
    while end > 0 {
        let start = end.saturating_sub(chunk);
        let rest: Vec<T> = items.iter().take(start).chain(items.iter().skip(end)).copied().collect();
        match keeps(&rest) {
            None => return items,
            Some(true) => items = rest,
            Some(false) => {}
        }
        end = start;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_halved_until_only_what_is_needed_stays() {
        let needed = [3, 500, 501, 999];
        let mut tries = 0;
        let kept = reduce((0..1000).collect(), |rest| {
            tries += 1;
            Some(needed.iter().all(|n| rest.contains(n)))
        });
        assert_eq!(kept, needed);
        assert!(tries < 150, "{tries}");
        assert!(reduce((0..10).collect::<Vec<i32>>(), |_| Some(true)).is_empty());
        assert_eq!(reduce(vec![1, 2, 3], |_| None), [1, 2, 3]);
        assert_eq!(reduce(vec![1, 2, 3], |_| Some(false)), [1, 2, 3]);
    }

    #[test]
    fn two_cut_members_rather_than_a_large_one() {
        let row = |n: u32| format!("tcp 1 0 10.0.0.5:{} 10.0.0.7:8080 CLOSE_WAIT 2214/node\n", 40_000 + n);
        let head = "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n";
        let netstat = format!("{head}{}", (0..400).map(row).collect::<String>());
        let members = [("netstat.txt", netstat.as_str()), ("count.txt", "$ netstat -ant | grep -c CLOSE_WAIT\n400\n")];
        let pieces: Vec<Piece> = members.iter().map(|(path, text)| Piece::new(path, None, text.as_bytes().to_vec())).collect();
        let config = Config::default();
        let deadline = Instant::now() + std::time::Duration::from_secs(600);
        let mut quiet = |_: String| {};
        let (mut shrinker, diagnosis) = Shrinker::new(&pieces, &config, deadline, &mut quiet);
        assert_eq!(diagnosis.verdict, Verdict::Leak);
        // The table alone must keep as many rows as make a leak.
        shrinker.large = 1 << 10;
        let small = shrinker.shrink(pieces, &diagnosis);
        let bytes: u64 = small.iter().map(Piece::bytes).sum();
        assert!(bytes < shrinker.large, "{bytes}");
        assert!(shrinker.goal().is_met(&diagnose(&config, &all(&small))));
    }

    #[test]
    fn paths_stay_below_the_directory() {
        for (path, want) in [
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/shadow", "etc/shadow"),
            ("a/./b//c", "a/b/c"),
            ("..", "member"),
            ("C:\\x\0y", "C__x_y"),
        ] {
            assert_eq!(safe(path), want);
        }
    }

    #[test]
    fn members_get_paths_of_their_own() {
        let mut pieces: Vec<Piece> = ["a", "a", "a/b", "c"].map(|p| Piece::new(p, None, Vec::new())).into();
        distinct(&mut pieces);
        assert_eq!(pieces.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), ["a-2", "a-3", "a/b", "c"]);
    }

    #[test]
    fn kept_lines_are_the_bytes_as_they_were() {
        let mut piece = Piece::new("x", None, b"one\r\ntwo\n\nfour".to_vec());
        assert_eq!((piece.lines(), piece.bytes()), (4, 14));
        assert_eq!(piece.slices(), [b"one\r\ntwo\n\nfour"]);
        piece.kept = vec![(0, 5), (9, 10), (10, 14)];
        assert_eq!(piece.slices().concat(), b"one\r\n\nfour");
    }
}
