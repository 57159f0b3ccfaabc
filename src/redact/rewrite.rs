//! Walks an input once more and writes every member again: each line in the manner of the format that read it.

use super::lines::{Line, Vocabularies, Writer};
use super::members::rename;
use super::spans::Spans;
use super::{Options, mask::Masks};
use crate::bundle::datum::command_of;
use crate::bundle::{MemberEnd, MemberHead, Visitor};
use crate::facts::MemberId;
use crate::formats::encoding::Encoding;
use crate::formats::reader::{HEAD, Reader};
use crate::formats::reading::Traced;
use crate::formats::{Format, Taken, by_id};
use crate::signatures::Signatures;
use std::collections::{BTreeMap, BTreeSet};

/// Takes what is written.
pub trait Receiver {
    /// A member begins.
    fn begin(&mut self, name: &str, modified: Option<i64>);
    /// Its next bytes.
    fn data(&mut self, bytes: &[u8]);
    /// It is over.
    fn end(&mut self);
}

/// What was not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Dropped {
    /// Lines that no parser understood, by format.
    pub lines: BTreeMap<&'static str, u64>,
    /// Lines that no parser understood and that were masked instead.
    pub masked_lines: u64,
    /// Members that hold no text, or nothing that was understood.
    pub members: u64,
    /// Links; their targets are paths.
    pub links: u64,
    /// Members that were not read, or not to their end.
    pub cut: u64,
}

/// The visitor of the passes that write.
pub struct Rewriter<'a, R> {
    options: &'a Options,
    masks: &'a mut Masks,
    signatures: &'a Signatures,
    vocabularies: Vocabularies,
    forced: Option<&'static dyn Format>,
    names: BTreeSet<String>,
    open: Option<Open>,
    members: u32,
    /// Who takes it.
    pub receiver: R,
    /// What was not written.
    pub dropped: Dropped,
}

struct Open {
    name: String,
    modified: Option<i64>,
    reader: Reader,
    spans: Spans,
    /// The beginning, until it is known whether it is UTF-16.
    head: Vec<u8>,
    encoding: Option<Encoding>,
    started: bool,
    /// Whether the receiver was told of it.
    told: bool,
}

impl<'a, R: Receiver> Rewriter<'a, R> {
    /// A rewriter; names must be learned before.
    pub fn new(options: &'a Options, masks: &'a mut Masks, signatures: &'a Signatures, format: Option<&str>, receiver: R) -> Self {
        Rewriter {
            options,
            masks,
            signatures,
            vocabularies: Vocabularies::new(),
            forced: format.and_then(by_id),
            names: BTreeSet::new(),
            open: None,
            members: 0,
            receiver,
            dropped: Dropped::default(),
        }
    }

    fn feed(&mut self, open: &mut Open, chunk: &[u8]) {
        match &mut open.encoding {
            Some(encoding) => {
                let text = encoding.decode(chunk);
                open.reader.feed(&text, &mut open.spans);
            }
            None => open.reader.feed(chunk, &mut open.spans),
        }
        let lines = open.reader.drain();
        self.write(open, lines);
    }

    fn start(&mut self, open: &mut Open) {
        open.started = true;
        let head = std::mem::take(&mut open.head);
        open.encoding = Encoding::of(&head);
        self.feed(open, &head);
    }

    fn write(&mut self, open: &mut Open, lines: Vec<Traced>) {
        let mut out = Vec::new();
        for traced in lines {
            let (parts, message) = open.spans.take(traced.line);
            if traced.taken == Taken::Unknown {
                if self.options.mask_unparsed {
                    self.dropped.masked_lines += 1;
                    out.extend(traced.text.iter().map(|b| if b.is_ascii_whitespace() { *b } else { b'x' }));
                    out.push(b'\n');
                } else {
                    *self.dropped.lines.entry(traced.format).or_default() += 1;
                }
                continue;
            }
            let line = Line { format: traced.format, taken: traced.taken, text: &traced.text, parts: &parts, message: message.as_deref() };
            let mut writer = Writer { masks: self.masks, signatures: self.signatures, vocabularies: &mut self.vocabularies };
            out.extend_from_slice(&writer.line(&line));
            out.push(b'\n');
        }
        if !out.is_empty() {
            self.tell(open);
            self.receiver.data(&out);
        }
    }

    fn tell(&mut self, open: &mut Open) {
        if !open.told {
            open.told = true;
            self.receiver.begin(&open.name, open.modified);
        }
    }

    /// Two members must not become one.
    fn unique(&mut self, name: String) -> String {
        let mut fresh = name.clone();
        let mut n = 1u32;
        while !self.names.insert(fresh.clone()) {
            n += 1;
            fresh = format!("{name}.{n}");
        }
        fresh
    }
}

impl<R: Receiver> Visitor for Rewriter<'_, R> {
    fn begin(&mut self, head: &MemberHead) {
        let command = command_of(&head.path).unwrap_or_default();
        let reader = Reader::new(MemberId(self.members), &head.path, command.as_bytes(), self.forced).traced();
        self.members = self.members.saturating_add(1);
        let renamed = rename(&head.path, self.masks);
        let name = self.unique(renamed);
        self.open = Some(Open {
            name,
            modified: head.modified,
            reader,
            spans: Spans::default(),
            head: Vec::new(),
            encoding: None,
            started: false,
            told: false,
        });
    }

    fn data(&mut self, chunk: &[u8]) {
        let Some(mut open) = self.open.take() else { return };
        if open.started {
            self.feed(&mut open, chunk);
        } else {
            open.head.extend_from_slice(chunk);
            if open.head.len() >= HEAD {
                self.start(&mut open);
            }
        }
        self.open = Some(open);
    }

    fn end(&mut self, end: MemberEnd) {
        let Some(mut open) = self.open.take() else { return };
        if !open.started {
            self.start(&mut open);
        }
        let reader = std::mem::replace(&mut open.reader, Reader::new(MemberId(0), "", b"", None));
        let reading = reader.finish(&mut open.spans);
        self.write(&mut open, reading.trace);
        match end {
            MemberEnd::Link(_) => self.dropped.links += 1,
            MemberEnd::Skipped(_) | MemberEnd::Cut(_) => self.dropped.cut += 1,
            // An empty file says that a command printed nothing.
            MemberEnd::Whole if reading.bytes == 0 => self.tell(&mut open),
            MemberEnd::Whole if !open.told => self.dropped.members += 1,
            MemberEnd::Whole => {}
        }
        if open.told {
            self.receiver.end();
        }
    }
}
