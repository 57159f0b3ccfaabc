//! Which signatures may match a line: those of which it holds the needles, literals that every match contains.
//!
//! A pattern is taken apart into its branches (what `|` parts at the outside), and each branch into sets of literals: whatever it matches
//! contains at least one of each set. `pool (?:is )?(?:full|busy)` needs `pool ` and one of `full` and `busy`, so that a line that only
//! speaks of pools is not tried.
//!
//! All needles are searched in one pass, without regular expressions: a line of an ordinary log completes no branch. An automaton of all
//! needles takes more instructions a byte and longer to build; one of all patterns can be made to build its states anew at each byte of
//! a hostile line.

use super::trigrams::{self, Trigrams};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Literals of one set, at most; a set of more is not asked for.
const MAX_LITERALS: usize = 24;
/// The shortest needle that is searched, in bytes.
const MIN_NEEDLE: usize = trigrams::LENGTH;
/// Sets that are asked for in one branch, at most: the longest say most.
const MAX_SETS: usize = 4;

/// Literals of which a match contains at least one.
type Set = Vec<Vec<u8>>;

/// Needles of all signatures.
#[derive(Debug)]
pub struct Needles {
    searcher: Trigrams,
    /// The sets that each needle is in.
    sets: Vec<Vec<usize>>,
    /// The branch of each set.
    branches: Vec<usize>,
    /// How many sets each branch has.
    wanted: Vec<u8>,
    /// The signature of each branch.
    owners: Vec<usize>,
    /// Signatures with a branch without a needle: always tried.
    always: Vec<usize>,
}

impl Needles {
    /// The needles of patterns, which are as [`super::load::compile`] takes them, shapes replaced.
    pub fn of(patterns: impl Iterator<Item = String>) -> Needles {
        let mut needles: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let (mut branches, mut wanted, mut owners, mut always) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, pattern) in patterns.enumerate() {
            let Some(needed) = needed(&pattern) else {
                always.push(number);
                continue;
            };
            for sets in needed {
                for mut literals in sets.iter().cloned() {
                    literals.iter_mut().for_each(|l| l.make_ascii_lowercase());
                    literals.sort_unstable();
                    literals.dedup();
                    for literal in literals {
                        needles.entry(literal).or_default().push(branches.len());
                    }
                    branches.push(owners.len());
                }
                wanted.push(sets.len() as u8);
                owners.push(number);
            }
        }
        let searcher = Trigrams::of(needles.keys());
        Needles { searcher, sets: needles.into_values().collect(), branches, wanted, owners, always }
    }

    /// The signatures that may match, in their order.
    pub fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut found = self.always.clone();
        MET.with_borrow_mut(|met| {
            met.begin(self);
            self.searcher.find(text, |needle| {
                if is_new(&mut met.needles, needle, met.text) {
                    let sets = self.sets.get(needle).into_iter().flatten();
                    found.extend(sets.filter_map(|&set| met.complete(set, self)));
                }
            });
        });
        found.sort_unstable();
        found.dedup();
        found
    }
}

thread_local! {
    /// Room for what a text holds, so that none is made for each.
    static MET: RefCell<Met> = RefCell::default();
}

/// What a text was found to hold. Numbers of earlier texts stay, and mean nothing for this one.
#[derive(Debug, Default)]
struct Met {
    /// The number of this text.
    text: u64,
    /// The last text that each needle was found in.
    needles: Vec<u64>,
    /// The last text that had one of each set.
    sets: Vec<u64>,
    /// The last text that had a set of each branch, and how many sets it lacks.
    branches: Vec<(u64, u8)>,
}

impl Met {
    fn begin(&mut self, needles: &Needles) {
        self.text += 1;
        self.needles.resize(needles.sets.len(), 0);
        self.sets.resize(needles.branches.len(), 0);
        self.branches.resize(needles.wanted.len(), (0, 0));
    }

    /// One of a set is there: the signature of its branch, if that was the last one it lacked.
    fn complete(&mut self, set: usize, needles: &Needles) -> Option<usize> {
        if !is_new(&mut self.sets, set, self.text) {
            return None;
        }
        let branch = *needles.branches.get(set)?;
        let (last, lacks) = self.branches.get_mut(branch)?;
        if std::mem::replace(last, self.text) != self.text {
            *lacks = *needles.wanted.get(branch)?;
        }
        *lacks = lacks.saturating_sub(1);
        needles.owners.get(branch).filter(|_| *lacks == 0).copied()
    }
}

/// Whether the text was not known to hold this one of those that it may hold; now it is.
fn is_new(last: &mut [u64], number: usize, text: u64) -> bool {
    last.get_mut(number).is_some_and(|last| std::mem::replace(last, text) != text)
}

/// The branches of a pattern, and the sets of each; `None` if a branch has none.
fn needed(pattern: &str) -> Option<Vec<Vec<Set>>> {
    // Case is kept, so that a literal stays one; the search does not regard it.
    let hir = ParserBuilder::new().unicode(false).utf8(false).nest_limit(100).build().parse(pattern).ok()?;
    let branches = match hir.kind() {
        HirKind::Alternation(parts) => parts.iter().map(sets).collect(),
        _ => vec![sets(&hir)],
    };
    branches.iter().all(|sets| !sets.is_empty()).then_some(branches)
}

/// The sets of literals that a part of a pattern needs, the best first.
fn sets(hir: &Hir) -> Vec<Set> {
    let mut all = match hir.kind() {
        HirKind::Literal(literal) => vec![vec![literal.0.to_vec()]],
        HirKind::Capture(capture) => sets(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => sets(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(sets).collect(),
        // One of the alternatives is there, and with it its best set.
        HirKind::Alternation(parts) => {
            let best: Option<Vec<Set>> = parts.iter().map(|part| sets(part).into_iter().next()).collect();
            best.map(|best| vec![best.concat()]).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    all.retain(|set| set.len() <= MAX_LITERALS && set.iter().all(|l| l.len() >= MIN_NEEDLE));
    all.sort_by_key(|set| std::cmp::Reverse(set.iter().map(Vec::len).min()));
    all.truncate(MAX_SETS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pattern: &str) -> Option<Vec<Vec<String>>> {
        let words = |set: Set| set.into_iter().map(|l| String::from_utf8_lossy(&l).into_owned()).collect::<Vec<_>>().join("|");
        needed(pattern).map(|branches| branches.into_iter().map(|sets| sets.into_iter().map(words).collect()).collect())
    }

    #[test]
    fn what_every_match_contains() {
        for (pattern, want) in [
            (r"too many open files", &[&["too many open files"][..]][..]),
            (r"connecting.{0,80}(?:refused|timed out)", &[&["connecting", "refused|timed out"]]),
            (r"(?P<host>[a-z]+):? (?:refused|timed out)\d+", &[&["refused|timed out"]]),
            (r"pool (?:is )?(?:full|busy)|saturated", &[&["pool ", "full|busy"], &["saturated"]]),
            (r"打开的文件过多|emfile", &[&["打开的文件过多"], &["emfile"]]),
        ] {
            let want: Vec<Vec<String>> = want.iter().map(|sets| sets.iter().map(|s| s.to_string()).collect()).collect();
            assert_eq!(text(pattern), Some(want), "{pattern}");
        }
        for pattern in [r"(?:refused)?\d+", r"\d+|refused", "ab"] {
            assert_eq!(text(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn candidates_come_once_and_in_order() {
        let patterns = ["refused", r"\d{4}", "not here", "was (refused|reset)", "it was.*(on fire|here)|REFUSED"];
        let needles = Needles::of(patterns.iter().map(|p| p.to_string()));
        assert_eq!(needles.candidates(b"it WAS Refused, refused"), [0, 1, 3, 4]);
        assert_eq!(needles.candidates(b"it was HERE, all of it"), [1, 4]);
        assert_eq!(needles.candidates(b"it was fine"), [1]);
        assert_eq!(needles.candidates(b"not here"), [1, 2]);
        assert_eq!(needles.candidates(b""), [1]);
    }

    #[test]
    fn no_signature_of_ours_is_tried_on_every_line() {
        let all = super::super::Signatures::builtin().all();
        let always = all.iter().filter(|s| needed(&super::super::load::written_out(&s.source)).is_none());
        assert_eq!(always.map(|s| s.id.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
