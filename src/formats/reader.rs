//! Reads one member: cuts it into lines, finds out which format it is (or which it holds, pasted one after the other), and feeds parsers.

mod sections;

use super::choose::{choose, commanded, fitting};
use super::encoding::Encoding;
use super::mend::{ESCAPE, Mend, shown};
use super::prefix::Prefixes;
use super::reading::{Reading, Traced, UNKNOWN};
use super::variables::Variables;
use super::width::Width;
use super::{FORMATS, Format, Parser, Probe, Taken, cwd, host_mark, prompt, scan, tally};
use crate::bundle::magic::is_binary;
use crate::facts::{At, Citation, Discard, MemberId, Note, NoteKind, Sink};

/// How much of a member is looked at before its format is decided, in bytes.
pub const HEAD: usize = 64 << 10;
/// The longest line that is read whole, in bytes, if nothing else is said; the rest of a longer one is dropped and noted.
pub const MAX_LINE: usize = 4 << 20;

/// How the line begins that our collector leaves where it took out the middle of an output.
const CUT_HERE: &[u8] = b"[sockdiag: ";

/// Reads a whole text at once; for tests and small inputs.
pub fn read_text(member: MemberId, path: &str, text: &[u8], sink: &mut dyn Sink) -> Reading {
    let mut reader = Reader::new(member, path, b"", None);
    reader.feed(text, sink);
    reader.finish(sink)
}

/// What comes of a text that is read as it stands: nothing is taken off its lines.
pub(super) fn read_bare(path: &str, command: &[u8], text: &[u8]) -> Reading {
    let mut reader = Reader::new(MemberId(0), path, command, None);
    reader.bare = true;
    reader.feed(text, &mut Discard);
    reader.finish(&mut Discard)
}

/// A member being read.
pub struct Reader {
    member: MemberId,
    path: String,
    command: Vec<u8>,
    forced: Option<&'static dyn Format>,
    started: bool,
    pending: Vec<u8>,
    dropping: bool,
    max_line: usize,
    line: u32,
    /// How many more lines than came: of one in which the cursor moved to others.
    moved: u32,
    encoding: Option<Encoding>,
    mend: Option<Mend>,
    /// Whether lines are read as they stand.
    bare: bool,
    /// Whether the last command ran in a pod.
    in_pod: bool,
    /// The directory of a process's descriptors that the shell stands in.
    directory: Vec<u8>,
    /// What was typed into variables.
    variables: Variables,
    /// How many bare numbers of the last command have come.
    turn: usize,
    current: Option<Active>,
    /// What the longest rows of the parser at work look like.
    width: Width,
    /// The section that lines are counted with, while it is sure to be the right one.
    section: Option<usize>,
    reading: Reading,
    /// Whether each line is kept with what became of it, and what became of the last.
    tracing: bool,
    last: Taken,
}

/// Where the lines of a text end.
struct Ends<'t> {
    base: usize,
    found: memchr::Memchr<'t>,
}

impl<'t> Ends<'t> {
    /// The line ends from a place on.
    fn behind(text: &'t [u8], place: usize) -> Self {
        Ends { base: place, found: memchr::memchr_iter(b'\n', text.get(place..).unwrap_or(b"")) }
    }
}

impl Iterator for Ends<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        Some(self.base + self.found.next()?)
    }
}

/// The parser at work, with what its format says of itself: rows are too many to ask anew for each.
struct Active {
    format: &'static dyn Format,
    id: &'static str,
    greedy: bool,
    parser: Box<dyn Parser>,
}

impl Reader {
    /// A reader for the member at `path`; `command` is what printed it where a manifest tells, `forced` a format the user asked for.
    pub fn new(member: MemberId, path: &str, command: &[u8], forced: Option<&'static dyn Format>) -> Self {
        Reader {
            member,
            path: path.to_string(),
            command: command.to_vec(),
            forced,
            started: false,
            pending: Vec::new(),
            dropping: false,
            max_line: MAX_LINE,
            line: 0,
            moved: 0,
            encoding: None,
            mend: None,
            bare: false,
            in_pod: false,
            directory: Vec::new(),
            variables: Variables::default(),
            turn: 0,
            current: None,
            width: Width::default(),
            section: None,
            reading: Reading::default(),
            tracing: false,
            last: Taken::Noise,
        }
    }

    /// Keeps every line with what became of it, for whoever writes the member again. Costs a copy of each line.
    pub fn traced(mut self) -> Self {
        self.tracing = true;
        self
    }

    /// Reads lines of at most so many bytes whole.
    pub fn with_max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes.max(1);
        self
    }

    /// The lines traced since the last call.
    pub fn drain(&mut self) -> Vec<Traced> {
        std::mem::take(&mut self.reading.trace)
    }

    /// Takes the next bytes of the member.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut dyn Sink) {
        self.reading.bytes += chunk.len() as u64;
        if !self.started {
            self.pending.extend_from_slice(chunk);
            if self.pending.len() < HEAD {
                return;
            }
            self.begin(false, sink);
            return;
        }
        self.text(chunk, sink);
    }

    /// Lines stand here that are another text's: they are counted and not read.
    pub fn pass(&mut self, lines: u64, sink: &mut dyn Sink) {
        let mut left = lines;
        // What is still held back to decide the format keeps its place by blank ones.
        while left > 0 && !(self.started && self.pending.is_empty()) {
            self.feed(b"\n", sink);
            left -= 1;
        }
        self.line = self.line.saturating_add(u32::try_from(left).unwrap_or(u32::MAX));
    }

    /// The member is over.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Reading {
        if !self.started {
            self.begin(true, sink);
        }
        if !self.pending.is_empty() {
            let rest = std::mem::take(&mut self.pending);
            self.reading.cut_line = true;
            self.take_line(&rest, true, sink);
        }
        self.close(sink);
        self.reading.lines = self.line.saturating_add(self.moved);
        self.reading
    }

    /// Enough has come to decide what it is; what was held back is read.
    fn begin(&mut self, whole: bool, sink: &mut dyn Sink) {
        let mut buffered = std::mem::take(&mut self.pending);
        if let Some(mut encoding) = Encoding::of(&buffered) {
            buffered = encoding.decode(&buffered);
            self.encoding = Some(encoding);
        }
        self.start(&buffered, whole, sink);
        if !self.reading.binary {
            self.split(&buffered, sink);
        }
    }

    /// The next bytes, once it is known what they are.
    fn text(&mut self, chunk: &[u8], sink: &mut dyn Sink) {
        if self.reading.binary {
            return;
        }
        match &mut self.encoding {
            None => self.split(chunk, sink),
            Some(encoding) => {
                let text = encoding.decode(chunk);
                self.split(&text, sink);
            }
        }
    }

    /// Decides the format of the whole member from its head.
    fn start(&mut self, head: &[u8], whole: bool, sink: &mut dyn Sink) {
        self.started = true;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        // The length is at most that of the head.
        let head = &head[..head.len().min(HEAD)];
        self.reading.binary = self.forced.is_none() && is_binary(head);
        if self.reading.binary {
            return;
        }
        self.mend = Mend::of(head).filter(|_| !self.bare);
        let mended = self.mend.map(|mend| mend.text(head));
        let probe = Probe { path: &self.path, command: &self.command, head: mended.as_deref().unwrap_or(head), whole };
        let plain = fitting(&probe);
        if !self.bare {
            self.reading.prefix = Prefixes::of(&probe, plain);
        }
        let format = match &self.reading.prefix {
            _ if self.forced.is_some() => self.forced,
            None => commanded(&probe).or(plain.map(|(format, _)| format)),
            Some(prefix) => choose(&Probe { head: &prefix.strip_all(probe.head), ..probe }),
        };
        if let Some(format) = format {
            let command = std::mem::take(&mut self.command);
            self.open(format, &command, 1, sink);
            self.command = command;
        }
    }

    fn split(&mut self, chunk: &[u8], sink: &mut dyn Sink) {
        let mut rest = chunk;
        if self.line == 0 && self.pending.is_empty() {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        }
        if !self.pending.is_empty() || self.dropping {
            match memchr::memchr(b'\n', rest) {
                None => return self.hold(rest),
                Some(i) => {
                    // The line end was found in the rest.
                    self.hold(&rest[..i]);
                    // The line end was found in the rest.
                    rest = &rest[i + 1..];
                    self.dropping = false;
                    let line = std::mem::take(&mut self.pending);
                    self.take_line(&line, true, sink);
                    // The buffer is handed back so that long lines do not allocate each time.
                    self.pending = line;
                    self.pending.clear();
                }
            }
        }
        // One search through the chunk spares one through each line.
        let escapes = memchr::memchr(ESCAPE, rest).is_some();
        let mut start = 0;
        let mut ends = Ends::behind(rest, 0);
        while let Some((end, offered)) = self.rows(rest, &mut start, &mut ends, escapes, sink) {
            // Line ends are found one behind the other.
            let line = &rest[start..end];
            start = end + 1;
            if offered {
                self.find_owner(scan::strip_end(line), sink);
            } else {
                self.reading.long_lines += u32::from(line.len() > self.max_line);
                self.take_line(line.get(..self.max_line).unwrap_or(line), escapes, sink);
            }
        }
        // The last line end was found in the rest.
        self.hold(&rest[start..]);
    }

    /// Gives lines to the parser at work for as long as it takes them and nothing but that can become of them. The end of the first line
    /// that is not so, and whether the parser has been offered it.
    #[inline]
    fn rows<'t>(
        &mut self,
        text: &'t [u8],
        start: &mut usize,
        ends: &mut Ends<'t>,
        escapes: bool,
        sink: &mut dyn Sink,
    ) -> Option<(usize, bool)> {
        let plain = !escapes && !self.tracing && self.reading.prefix.is_none() && self.mend.is_none();
        let active = self.current.as_mut().filter(|a| plain && !a.greedy);
        let section = self.section.and_then(|number| self.reading.sections.get_mut(number));
        let (Some(active), Some(section)) = (active, section) else { return ends.next().map(|end| (end, false)) };
        while let Some(end) = ends.next() {
            // Line ends are found one behind the other.
            let line = &text[*start..end];
            if line.len() > self.max_line {
                return Some((end, false));
            }
            self.line = self.line.saturating_add(1);
            let citation = Citation { member: self.member, line: self.line };
            let line = scan::strip_end(line);
            match active.parser.line(At { citation, format: active.id, text: line }, sink) {
                Taken::Row => {
                    section.rows += 1;
                    self.width.see(active.format, self.line, line, Taken::Row);
                    if let Some(longest) = self.width.whole() {
                        // A line end was found there.
                        let run = active.parser.run(&text[end + 1..], longest, sink);
                        if run.rows > 0 {
                            self.line = self.line.saturating_add(run.rows);
                            section.rows += run.rows;
                            section.lines += run.rows + 1;
                            *start = end + 1 + run.bytes;
                            *ends = Ends::behind(text, *start);
                            continue;
                        }
                    }
                }
                Taken::Noise => {}
                Taken::Unknown => return Some((end, true)),
            }
            section.lines += 1;
            *start = end + 1;
        }
        None
    }

    /// Keeps the beginning of a line whose end has not come yet.
    fn hold(&mut self, part: &[u8]) {
        let room = self.max_line.saturating_sub(self.pending.len());
        if part.len() > room {
            if !self.dropping {
                self.reading.long_lines += 1;
            }
            self.dropping = true;
        }
        // The length is at most that of the part.
        self.pending.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// Reads a line; `escapes` is false where it is known to hold none.
    #[inline]
    fn take_line(&mut self, line: &[u8], escapes: bool, sink: &mut dyn Sink) {
        self.line = self.line.saturating_add(1);
        let line = scan::strip_end(line);
        let mended = match self.mend {
            Some(mend) => mend.line(line),
            // A code that comes only far behind the beginning.
            None if escapes && memchr::memchr(ESCAPE, line).is_some() => shown(line).into(),
            None => return self.read_line(line, sink),
        };
        // Nearly always one; its number is that of the line they came in.
        let mut parts = mended.split(|&b| b == b'\n').map(scan::strip_end).filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_none() {
            return self.read_line(b"", sink);
        }
        for (number, part) in parts.enumerate() {
            self.moved = self.moved.saturating_add(u32::from(number > 0));
            self.read_line(part, sink);
        }
    }

    #[inline]
    fn read_line(&mut self, line: &[u8], sink: &mut dyn Sink) {
        match self.reading.prefix.take() {
            None => self.route(line, sink),
            Some(prefix) => {
                self.route(prefix.strip(line), sink);
                self.reading.prefix = Some(prefix);
            }
        }
        if self.tracing {
            let format = self.reading.sections.last().map_or(UNKNOWN, |s| s.format);
            self.reading.trace.push(Traced { line: self.line, format, taken: self.last, text: line.to_vec() });
        }
    }

    /// Gives the line to the parser at work; one that it does not know, or that a greedy one would take from its owner, may open another.
    #[inline]
    fn route(&mut self, line: &[u8], sink: &mut dyn Sink) {
        if let Some(active) = self.current.as_mut().filter(|a| !a.greedy) {
            let citation = Citation { member: self.member, line: self.line };
            let taken = active.parser.line(At { citation, format: active.id, text: line }, sink);
            if taken != Taken::Unknown {
                return self.count(taken, line);
            }
        }
        self.find_owner(line, sink);
    }

    /// Says of which host the following is, or in which pod; in none any more where that is empty.
    fn tell_host(&self, how: &'static str, host: &[u8], line: &[u8], sink: &mut dyn Sink) {
        let citation = Citation { member: self.member, line: self.line };
        sink.note(At { citation, format: how, text: line }, &Note { kind: NoteKind::HostStart, pid: None, text: host });
    }

    fn find_owner(&mut self, line: &[u8], sink: &mut dyn Sink) {
        let citation = Citation { member: self.member, line: self.line };
        if line.starts_with(CUT_HERE) && line.ends_with(b" bytes removed here]") {
            let format = self.current.as_ref().map_or(UNKNOWN, |a| a.id);
            sink.note(At { citation, format, text: line }, &Note { kind: NoteKind::TailLost, pid: None, text: line });
            return self.count(Taken::Noise, line);
        }
        let greedy = self.current.as_ref().is_none_or(|a| a.greedy);
        // A line that can only be of the greedy format at work need not be offered to all others.
        let own = greedy && self.current.as_ref().is_some_and(|a| a.format.continues(line) || a.format.opens(line));
        if self.forced.is_none() && !own {
            // The fence of a code block in Markdown (what stands inside is not said by its language), or the mark of a pager.
            if (line.starts_with(b"```") && line.len() < 32) || prompt::is_mark(line) {
                return self.count(Taken::Noise, line);
            }
            if prompt::is_section(line) {
                self.close(sink);
                return self.count(Taken::Noise, line);
            }
            if let Some(host) = host_mark::banner(line, &self.command) {
                self.close(sink);
                self.tell_host("banner", host, line, sink);
                return self.count(Taken::Noise, line);
            }
            if let Some(command) = self.variables.assign(line).or_else(|| prompt::command(line)) {
                let command = self.variables.spelled_out(command).to_vec();
                self.close(sink);
                if let Some(host) = host_mark::of_prompt(line) {
                    self.tell_host("prompt", host, line, sink);
                }
                let pod = host_mark::of_exec(line);
                if pod.is_some() || self.in_pod {
                    self.in_pod = pod.is_some();
                    self.tell_host("exec", pod.unwrap_or_default(), line, sink);
                }
                return self.enter(&command, sink);
            }
            let section = self.current.as_ref().map(|a| a.id);
            if let Some(format) = FORMATS.iter().copied().find(|f| Some(f.id()) != section && f.opens(line)) {
                let command = std::mem::take(&mut self.command);
                self.open(format, &command, self.line, sink);
                self.command = command;
                if let Some(active) = &mut self.current {
                    let taken = active.parser.line(At { citation, format: active.id, text: line }, sink);
                    return self.count(taken, line);
                }
            }
        }
        if self.command == b"pwd" && cwd::is_of_descriptors(line) {
            self.directory = line.trim_ascii().to_vec();
            return self.count(Taken::Noise, line);
        }
        // A sentence may quote the command whose counts follow.
        if self.forced.is_none()
            && self.current.as_ref().is_none_or(|a| !a.greedy)
            && let Some(command) = tally::introduced(line)
        {
            let command = command.to_vec();
            return self.enter(&command, sink);
        }
        // The time that a command prints parts its counts from it.
        if self.current.as_ref().is_some_and(|a| a.id == "date") && tally::goes_on(&self.command, line) {
            let command = std::mem::take(&mut self.command);
            self.open(&tally::Tally, &command, self.line, sink);
            self.command = command;
            if let Some(active) = &mut self.current {
                let taken = active.parser.line(At { citation, format: active.id, text: line }, sink);
                return self.count(taken, line);
            }
        }
        // A number that none reads is the count of a list of commands that prints more than counts.
        let number = line.trim_ascii();
        let pasted = self.current.as_ref().is_none_or(|a| !a.greedy);
        if pasted
            && number.first().is_some_and(u8::is_ascii_digit)
            // uniq pads its numbers, prose does not.
            && (scan::is_digits(number) || line.first().is_some_and(|&b| scan::is_blank(b)))
            && let Some(counting) = tally::in_turn(&self.command, self.turn, number)
        {
            let counting = counting.to_vec();
            self.open(&tally::Tally, &counting, self.line, sink);
            if let Some(active) = &mut self.current {
                let taken = active.parser.line(At { citation, format: active.id, text: line }, sink);
                self.count(taken, line);
                // Lines with labels come many together.
                if scan::is_digits(number) {
                    self.turn += 1;
                    self.close(sink);
                }
                return;
            }
        }
        let taken = match &mut self.current {
            Some(active) if greedy => active.parser.line(At { citation, format: active.id, text: line }, sink),
            _ if line.trim_ascii().is_empty() || prompt::is_idle(line) => Taken::Noise,
            _ => Taken::Unknown,
        };
        self.count(taken, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What texts are made of that went through a terminal, a page or a logger.
    const PARTS: &[&str] = &[
        "\n",
        "\r\n",
        "\r",
        "\x1b[H\x1b[2J",
        "\x1b[3;1H",
        "\x1b[K",
        "\x08",
        "&gt;",
        "<pre>",
        "\u{201d}",
        "Nov 22 14:19:03 ",
        "> ",
        "$ ss -s\n",
        "sockets: used 94\n",
        "tcp 0 0 10.0.0.1:80 10.0.0.2:9 CLOSE_WAIT 7/a\n",
        "CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:9",
    ];

    #[test]
    fn a_line_without_end_is_not_held() {
        let mut reader = Reader::new(MemberId(0), "x", b"", None);
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            reader.feed(&chunk, &mut crate::facts::Discard);
            assert!(reader.pending.capacity() <= 2 * MAX_LINE);
        }
        reader.feed(b"\nsockets: used 9\n", &mut crate::facts::Discard);
        let reading = reader.finish(&mut crate::facts::Discard);
        assert_eq!((reading.lines, reading.long_lines, reading.rows()), (2, 1, 1));
    }

    proptest! {
        #[test]
        fn each_line_is_in_one_section(parts in prop::collection::vec(0..PARTS.len(), 1..40)) {
            let text = parts.iter().filter_map(|&n| PARTS.get(n)).copied().collect::<String>();
            let reading = read_text(MemberId(0), "x", text.as_bytes(), &mut crate::facts::Discard);
            let lines: u32 = reading.sections.iter().map(|s| s.lines).sum();
            prop_assert!(reading.binary || lines == reading.lines, "{text:?}: {lines} of {}", reading.lines);
            prop_assert!(reading.sections.iter().all(|s| s.rows + s.unknown <= s.lines));
        }
    }

    #[test]
    fn what_is_no_text_is_not_parsed() {
        let mut text = b"sockets: used 94\n".to_vec();
        text.extend((0..2000u32).map(|i| (i % 7) as u8));
        let reading = read_text(MemberId(0), "x", &text, &mut crate::facts::Discard);
        assert_eq!((reading.format(), reading.rows(), reading.binary), ("binary", 0, true));
    }
}
