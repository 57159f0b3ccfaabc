//! What was odd about an input, one line each, and never more lines than a person reads.

use std::collections::BTreeMap;

/// How many lines of one kind are kept; the rest is counted.
const KEPT: usize = 5;

/// Notes in the order they came, bounded for each kind.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: Vec<String>,
    kinds: BTreeMap<&'static str, usize>,
}

impl Notes {
    /// Notes `what` about a member.
    pub(super) fn add(&mut self, path: &str, what: &'static str) {
        self.add_with(path, what, "");
    }

    /// Notes `what` and a detail about a member; `what` alone is the kind.
    pub(super) fn add_with(&mut self, path: &str, what: &'static str, detail: &str) {
        let count = self.kinds.entry(what).or_insert(0);
        *count += 1;
        if *count <= KEPT {
            self.lines.push(format!("{path}: {what}{detail}"));
        }
    }

    /// The lines; the last ones tell how many more there were of each kind.
    pub(super) fn finish(mut self) -> Vec<String> {
        for (what, count) in self.kinds {
            if count > KEPT {
                self.lines.push(format!("and {} more: {what}", count - KEPT));
            }
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_notes_are_counted() {
        let mut notes = Notes::default();
        for i in 0..100 {
            notes.add(&i.to_string(), "odd");
        }
        notes.add_with("x", "cut", " at 5");
        let lines = notes.finish();
        assert_eq!(lines.len(), KEPT + 2);
        assert_eq!(lines.last().unwrap(), "and 95 more: odd");
        assert!(lines.contains(&"x: cut at 5".to_string()));
    }
}
