//! What threads were doing when somebody dumped them, summed up by place.

use super::quote::Quote;
use crate::facts::{At, Stack};
use rustc_hash::FxHashMap;

/// Different entries kept, at most: threads with a number of their own are not summed up.
const MAX_ENTRIES: usize = 20_000;
/// Bytes kept of a name or a place.
const MAX_TEXT: usize = 300;

/// Threads in one place, or one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The first one's name.
    pub thread: String,
    /// The kernel's number of it, as strace and `ps -L` print it.
    pub tid: Option<u32>,
    /// Its state as printed: `IO wait`, `TIMED_WAITING (sleeping)`; of several the one that has lasted longest.
    pub state: String,
    /// What the dump calls them.
    pub noun: &'static str,
    /// The innermost frame of the program's own code.
    pub place: String,
    /// How many.
    pub count: u64,
    /// The first one's line.
    pub quote: Quote,
}

/// The dumps of a capture.
#[derive(Debug, Default)]
pub struct Stacks {
    index: FxHashMap<(String, &'static str), usize>,
    /// In the order of their first line.
    pub all: Vec<Standing>,
}

impl Stacks {
    /// Takes one stack; false if there is no room for it.
    pub fn add(&mut self, at: &At<'_>, stack: &Stack<'_>) -> bool {
        let place = cut(stack.place);
        // Past as many threads as are told apart, only their places are counted.
        let tid = stack.tid.filter(|_| self.all.len() < MAX_ENTRIES);
        if tid.is_none()
            && let Some(known) = self.index.get(&(place.clone(), at.format)).and_then(|&n| self.all.get_mut(n))
        {
            known.count = known.count.saturating_add(stack.count);
            if minutes(stack.state) > minutes(known.state.as_bytes()) {
                known.state = cut(stack.state);
            }
            return true;
        }
        if self.all.len() >= 2 * MAX_ENTRIES {
            return false;
        }
        if tid.is_none() {
            self.index.insert((place.clone(), at.format), self.all.len());
        }
        self.all.push(Standing {
            thread: cut(stack.thread),
            tid,
            state: cut(stack.state),
            noun: if at.format == "goroutines" { "goroutines" } else { "threads" },
            place,
            count: stack.count,
            quote: Quote::keep(at),
        });
        true
    }

    /// The thread of a number.
    pub fn thread(&self, tid: u32) -> Option<&Standing> {
        self.all.iter().find(|s| s.tid == Some(tid))
    }

    /// Places with the number of threads in each and the first one, most first. A place that is not told is none.
    pub fn places(&self) -> Vec<(&Standing, u64)> {
        let mut order: Vec<(&Standing, u64)> = Vec::new();
        let mut index: FxHashMap<&str, usize> = FxHashMap::default();
        for standing in self.all.iter().filter(|s| !s.place.is_empty()) {
            let n = *index.entry(&standing.place).or_insert_with(|| {
                order.push((standing, 0));
                order.len() - 1
            });
            if let Some(entry) = order.get_mut(n) {
                entry.1 = entry.1.saturating_add(standing.count);
            }
        }
        order.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        order
    }

    /// Takes over the dumps of another part of the same capture; how many found no room.
    pub fn merge(&mut self, mut other: Stacks) -> u64 {
        let given = other.all.len();
        other.all.truncate((2 * MAX_ENTRIES).saturating_sub(self.all.len()));
        let left_out = given - other.all.len();
        self.all.append(&mut other.all);
        left_out as u64
    }
}

/// How long a state has lasted, where it says so: `chan receive, 129 minutes`.
fn minutes(state: &[u8]) -> u64 {
    let text = std::str::from_utf8(state).unwrap_or("");
    text.split(", ").filter_map(|part| part.strip_suffix(" minutes")?.parse().ok()).next().unwrap_or(0)
}

impl Standing {
    /// Its state as it is said of several: ` (chan receive, up to 129 minutes)`, or nothing.
    pub fn state_of_many(&self) -> String {
        if self.state.is_empty() {
            return String::new();
        }
        let lasting = minutes(self.state.as_bytes());
        let longest = self.state.replace(&format!(", {lasting} minutes"), &format!(", up to {lasting} minutes"));
        format!(" ({longest})")
    }
}

fn cut(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..MAX_TEXT).unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Citation;

    fn stack(tid: Option<u32>, place: &[u8]) -> Stack<'_> {
        Stack { thread: b"t", tid, state: b"IO wait", place, count: 1 }
    }

    #[test]
    fn threads_without_a_number_are_summed_up_by_place() {
        let mut stacks = Stacks::default();
        let at = At { citation: Citation::default(), format: "goroutines", text: b"goroutine 1 [IO wait]:" };
        for place in [&b"main.a"[..], b"main.b", b"main.a", b""] {
            stacks.add(&at, &stack(None, place));
        }
        stacks.add(&at, &stack(Some(673), b"main.a"));
        let places: Vec<(&str, u64)> = stacks.places().iter().map(|(s, n)| (s.place.as_str(), *n)).collect();
        assert_eq!(places, [("main.a", 3), ("main.b", 1)]);
        assert_eq!(stacks.all.len(), 4);
        assert_eq!(stacks.thread(673).map(|s| s.place.as_str()), Some("main.a"));
        assert_eq!(stacks.thread(1), None);
    }

    #[test]
    fn past_as_many_threads_as_are_told_apart_their_places_are_counted() {
        let mut stacks = Stacks::default();
        let at = At { citation: Citation::default(), format: "jstack", text: b"" };
        for tid in 0..MAX_ENTRIES as u32 + 5 {
            assert!(stacks.add(&at, &stack(Some(tid), b"main.a")));
        }
        assert_eq!(stacks.all.len(), MAX_ENTRIES + 1);
        assert_eq!(stacks.places()[0].1, MAX_ENTRIES as u64 + 5);
        for place in 0..MAX_ENTRIES {
            assert_eq!(stacks.add(&at, &stack(None, format!("main.{place}").as_bytes())), place + 1 < MAX_ENTRIES);
        }
    }
}
