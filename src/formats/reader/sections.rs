//! The sections of a member: each opens with a parser of its own, counts its lines, and closes.

use super::super::pid::pid_of;
use super::super::reading::{Section, UNKNOWN};
use super::super::{FORMATS, Format, Hint, Taken, cwd, prompt, scan};
use super::{Active, Reader};
use crate::facts::{At, Citation, Note, NoteKind, Sink};

/// How many sections of one member are told apart; lines past that are counted with the last one.
const MAX_SECTIONS: usize = 10_000;
/// How many lines that were not understood are kept to be quoted.
const KEPT_UNKNOWN: usize = 5;
/// How many bytes of such a line are kept.
const KEPT_BYTES: usize = 200;

impl Reader {
    /// A prompt with a command: the rows that follow are its output.
    pub(super) fn enter(&mut self, command: &[u8], sink: &mut dyn Sink) {
        cwd::change(&mut self.directory, command);
        let command = &*cwd::spelled_out(command, &self.directory);
        self.command = command.to_vec();
        self.turn = 0;
        match FORMATS.iter().copied().find(|f| f.printed_by(command)) {
            Some(format) => {
                self.close(sink);
                let citation = Citation { member: self.member, line: self.line };
                let note = Note { kind: NoteKind::RunStart, pid: None, text: command };
                sink.note(At { citation, format: format.id(), text: command }, &note);
                self.open(format, command, self.line, sink);
                if format.begins_at_command() {
                    let note = Note { kind: NoteKind::CommandStart, pid: None, text: command };
                    sink.note(At { citation, format: format.id(), text: command }, &note);
                }
            }
            None => self.close(sink),
        }
        self.count(Taken::Noise, command);
    }

    pub(super) fn open(&mut self, format: &'static dyn Format, command: &[u8], first_line: u32, sink: &mut dyn Sink) {
        self.close(sink);
        let hint = Hint { path: &self.path, command, pid: pid_of(&self.path, command) };
        let citation = Citation { member: self.member, line: first_line };
        if prompt::filters(command) {
            sink.note(At { citation, format: format.id(), text: command }, &Note { kind: NoteKind::Filtered, pid: None, text: command });
        }
        self.current = Some(Active { format, id: format.id(), greedy: format.greedy(), parser: format.parser(&hint) });
        if self.reading.sections.len() < MAX_SECTIONS {
            self.reading.sections.push(Section { format: format.id(), first_line, lines: 0, rows: 0, unknown: 0 });
        }
    }

    pub(super) fn close(&mut self, sink: &mut dyn Sink) {
        self.section = None;
        let width = std::mem::take(&mut self.width);
        if let Some(mut active) = self.current.take() {
            let citation = Citation { member: self.member, line: self.line };
            active.parser.end(At { citation, format: active.id, text: b"" }, sink);
            // Of a table without a row that was understood nothing tells that its lines were once longer.
            let read = self.reading.sections.last().is_some_and(|s| s.rows > 0);
            if let Some((line, text)) = width.cut().filter(|_| read) {
                let citation = Citation { member: self.member, line };
                let note = Note { kind: NoteKind::Narrow, pid: None, text: &text };
                sink.note(At { citation, format: active.id, text: &text }, &note);
            }
        }
    }

    #[inline]
    pub(super) fn count(&mut self, taken: Taken, line: &[u8]) {
        self.last = taken;
        if let Some(active) = &self.current {
            self.width.see(active.format, self.line, line, taken);
        }
        let number = match self.section {
            Some(number) => number,
            None => self.find_section(),
        };
        let Some(section) = self.reading.sections.get_mut(number) else { return };
        section.lines += 1;
        match taken {
            Taken::Row => section.rows += 1,
            Taken::Noise => {}
            Taken::Unknown => {
                section.unknown += 1;
                if self.reading.unknown.len() < KEPT_UNKNOWN {
                    // The length is at most that of the line.
                    self.reading.unknown.push((self.line, scan::lossy(&line[..line.len().min(KEPT_BYTES)])));
                }
            }
        }
    }

    /// The section of the format at work: the last one if it is of that format, or a new one.
    fn find_section(&mut self) -> usize {
        let wanted = self.current.as_ref().map_or(UNKNOWN, |a| a.id);
        let sections = &mut self.reading.sections;
        if sections.last().is_none_or(|s| s.format != wanted) && sections.len() < MAX_SECTIONS {
            sections.push(Section { format: wanted, first_line: self.line, lines: 0, rows: 0, unknown: 0 });
        }
        let number = sections.len().saturating_sub(1);
        self.section = Some(number);
        number
    }
}
