//! Which signatures may match a line: those of which it holds a needle, a literal that every match contains.
//!
//! All needles are searched in one pass, without regular expressions: a line of an ordinary log holds none. An automaton of all patterns
//! together would do the same, but takes milliseconds to build and can be made to build its states anew at each byte of a hostile line.

use aho_corasick::{AhoCorasick, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// Alternatives of one needle, at most; a pattern with more has none.
const MAX_ALTERNATIVES: usize = 24;
/// The shortest needle worth searching, in bytes.
const MIN_NEEDLE: usize = 3;

/// Needles of all signatures.
#[derive(Debug)]
pub struct Needles {
    searcher: AhoCorasick,
    /// The signature of each needle.
    owners: Vec<usize>,
    /// Signatures without a needle: always tried.
    always: Vec<usize>,
    signatures: usize,
}

impl Needles {
    /// The needles of patterns, which are as [`super::load::compile`] takes them, shapes replaced.
    ///
    /// # Errors
    /// More needles than can be searched at once.
    pub fn of(patterns: impl Iterator<Item = String>) -> Result<Needles, aho_corasick::BuildError> {
        let (mut needles, mut owners, mut always, mut signatures) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for (number, pattern) in patterns.enumerate() {
            signatures = number + 1;
            match needed(&pattern) {
                Some(literals) => {
                    owners.extend(literals.iter().map(|_| number));
                    needles.extend(literals);
                }
                None => always.push(number),
            }
        }
        let searcher = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(needles)?;
        Ok(Needles { searcher, owners, always, signatures })
    }

    /// The signatures that may match, in their order.
    pub fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for hit in self.searcher.find_overlapping_iter(text) {
            let Some(&owner) = self.owners.get(hit.pattern().as_usize()) else { continue };
            if seen.is_empty() {
                seen.resize(self.signatures, false);
            }
            if let Some(seen) = seen.get_mut(owner).filter(|seen| !**seen) {
                *seen = true;
                found.push(owner);
            }
        }
        found.extend_from_slice(&self.always);
        found.sort_unstable();
        found
    }
}

/// Literals of which every match of a pattern contains one.
fn needed(pattern: &str) -> Option<Vec<Vec<u8>>> {
    // Case is kept, so that a literal stays one; the search does not regard it.
    let hir = ParserBuilder::new().unicode(false).utf8(false).nest_limit(100).build().parse(pattern).ok()?;
    literals(&hir).filter(|all| all.iter().all(|l| l.len() >= MIN_NEEDLE && l.is_ascii()))
}

fn literals(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => literals(&repetition.sub),
        // The best part of a sequence: the one whose shortest literal is longest.
        HirKind::Concat(parts) => parts.iter().filter_map(literals).max_by_key(|all| all.iter().map(Vec::len).min()),
        HirKind::Alternation(parts) => {
            let all: Vec<Vec<u8>> = parts.iter().map(literals).collect::<Option<Vec<_>>>()?.concat();
            (all.len() <= MAX_ALTERNATIVES).then_some(all)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pattern: &str) -> Option<Vec<String>> {
        needed(pattern).map(|all| all.into_iter().map(|l| String::from_utf8_lossy(&l).into_owned()).collect())
    }

    #[test]
    fn what_every_match_contains() {
        assert_eq!(text(r"too many open files"), Some(vec!["too many open files".into()]));
        assert_eq!(text(r"connecting.{0,80}(?:refused|timed out)"), Some(vec!["connecting".into()]));
        assert_eq!(text(r"(?P<host>[a-z]+):? (?:refused|timed out)\d+"), Some(vec!["refused".into(), "timed out".into()]));
        assert_eq!(text(r"(?:refused)?\d+"), None);
        assert_eq!(text(r"\d+|refused"), None);
    }

    #[test]
    fn candidates_come_once_and_in_order() {
        let patterns = ["refused", r"\d{4}", "not here", "was (refused|reset)"];
        let needles = Needles::of(patterns.iter().map(|p| p.to_string())).expect("few needles");
        assert_eq!(needles.candidates(b"it WAS Refused, refused"), [0, 1, 3]);
        assert_eq!(needles.candidates(b""), [1]);
    }
}
