//! Which parts of a line are what, told by the facts that were read from it: they are borrowed from the line.

use crate::facts::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A name of a process.
    Command,
    /// A user.
    User,
    /// A host.
    Host,
    /// A command line.
    Cmdline,
    /// What a descriptor or socket is called: a path, or what the tool says of it.
    Title,
    /// The text of a log line.
    Text,
    /// What stays as it is: times, versions, levels.
    Kept,
}

/// Parts of one line.
pub type Parts = Vec<(Range<usize>, Part)>;

/// Collects parts by line.
#[derive(Debug, Default)]
pub struct Spans {
    lines: BTreeMap<u32, Vec<(Range<usize>, Part)>>,
    /// What a message says, by line, as its parser understood it.
    texts: BTreeMap<u32, Vec<u8>>,
}

impl Spans {
    /// The parts of a line in order, without those that lie inside another, and the text of its message. Earlier lines are forgotten.
    pub fn take(&mut self, line: u32) -> (Parts, Option<Vec<u8>>) {
        self.lines = self.lines.split_off(&line);
        self.texts = self.texts.split_off(&line);
        let mut parts = self.lines.remove(&line).unwrap_or_default();
        parts.sort_by_key(|(r, _)| (r.start, std::cmp::Reverse(r.end)));
        let mut kept: Vec<(Range<usize>, Part)> = Vec::new();
        for (range, part) in parts {
            if kept.last().is_none_or(|(last, _)| range.start >= last.end) {
                kept.push((range, part));
            }
        }
        (kept, self.texts.remove(&line))
    }

    fn add(&mut self, at: &At<'_>, slice: &[u8], part: Part) {
        if slice.is_empty() || at.text.is_empty() {
            return;
        }
        let taken = self.lines.get(&at.citation.line).map_or(&[][..], Vec::as_slice);
        let Some(range) = inside(at.text, slice).or_else(|| whole_word(at.text, slice, taken)) else { return };
        self.lines.entry(at.citation.line).or_default().push((range, part));
    }

    fn end(&mut self, at: &At<'_>, end: Option<Endpoint<'_>>) {
        if let Some(Endpoint { addr: Addr::Name(name), .. }) = end {
            self.add(at, name, Part::Host);
        }
    }
}

impl Sink for Spans {
    fn descriptor(&mut self, at: At<'_>, d: &Descriptor<'_>) {
        self.add(&at, d.command, Part::Command);
        self.add(&at, d.user, Part::User);
        self.end(&at, d.local);
        self.end(&at, d.remote);
        if d.local.is_none()
            && d.remote.is_none()
            && matches!(d.kind, DescriptorKind::File | DescriptorKind::Device | DescriptorKind::Socket)
        {
            self.add(&at, d.name, Part::Title);
        }
    }

    fn socket(&mut self, at: At<'_>, s: &Socket<'_>) {
        for holder in s.holders {
            self.add(&at, holder.command, Part::Command);
        }
        self.end(&at, s.local);
        self.end(&at, s.remote);
        if s.protocol == Protocol::Unix {
            self.add(&at, s.name, Part::Title);
        }
    }

    fn process(&mut self, at: At<'_>, p: &Process<'_>) {
        self.add(&at, p.user, Part::User);
        self.add(&at, p.started, Part::Kept);
        self.add(&at, p.cmdline, Part::Cmdline);
        self.add(&at, p.command, Part::Command);
    }

    fn message(&mut self, at: At<'_>, m: &Message<'_>) {
        self.add(&at, m.at, Part::Kept);
        self.add(&at, m.program, Part::Command);
        self.add(&at, m.host, Part::Host);
        if let Some(range) = inside(at.text, m.text) {
            self.lines.entry(at.citation.line).or_default().push((range, Part::Text));
        }
        self.texts.insert(at.citation.line, m.text.to_vec());
    }

    fn identity(&mut self, at: At<'_>, i: &Identity<'_>) {
        let part = match i.key {
            IdentityKey::Hostname => Part::Host,
            IdentityKey::Cgroup | IdentityKey::Exe => return,
            _ => Part::Kept,
        };
        self.add(&at, i.value, part);
    }

    fn syscall(&mut self, at: At<'_>, s: &Syscall<'_>) {
        self.add(&at, s.at, Part::Kept);
    }
}

/// Where a part of a text lies in it, if it was borrowed from it.
fn inside(text: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let from = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let range = from..from.checked_add(part.len())?;
    (text.get(range.clone()) == Some(part)).then_some(range)
}

/// Where a word that was remembered from another line stands in this one, beside what is taken.
fn whole_word(text: &[u8], word: &[u8], taken: &[(Range<usize>, Part)]) -> Option<Range<usize>> {
    let letter = |i: Option<usize>| i.and_then(|i| text.get(i)).is_some_and(|b| b.is_ascii_alphanumeric());
    memchr::memmem::find_iter(text, word).map(|i| i..i + word.len()).find(|r| {
        !letter(r.start.checked_sub(1)) && !letter(Some(r.end)) && taken.iter().all(|(t, _)| r.end <= t.start || r.start >= t.end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::reader::read_text;

    #[test]
    fn parts_of_a_row() {
        let line = "java    4684 java  280u  IPv4  675441359      0t0  TCP db-1:9092->db-2:80 (ESTABLISHED)\n";
        let text = format!("COMMAND  PID USER   FD   TYPE     DEVICE SIZE/OFF NODE NAME\n{line}");
        let mut spans = Spans::default();
        read_text(MemberId(0), "lsof.txt", text.as_bytes(), &mut spans);
        let (parts, _) = spans.take(2);
        let shown: Vec<(&str, Part)> = parts.iter().map(|(r, p)| (&line[r.clone()], *p)).collect();
        assert_eq!(shown, [("java", Part::Command), ("java", Part::User), ("db-1", Part::Host), ("db-2", Part::Host)]);
        assert_eq!(parts[1].0.start, 13, "the user, not the command again");
    }
}
