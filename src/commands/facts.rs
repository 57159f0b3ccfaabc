//! `sockdiag facts`: every row understood, one JSON object a line, written as it is read.

use super::Exit;
use super::inputs::Inputs;
use super::output::settle;
use crate::bundle::datum::command_of;
use crate::bundle::{self, MemberEnd, MemberHead, Visitor};
use crate::error::Error;
use crate::facts::MemberId;
use crate::formats::reader::Reader;
use crate::formats::{Format, by_id};
use crate::report::facts::FactWriter;
use std::io::Write;

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
}

/// Hands each member to a reader that writes what it understands.
struct Facts<'w> {
    writer: FactWriter<'w>,
    forced: Option<&'static dyn Format>,
    reader: Option<Reader>,
    members: u32,
    max_line: usize,
}

/// Runs the command.
///
/// # Errors
/// The first input that cannot be read or is refused; facts that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = args.inputs.config()?;
    let inputs = args.inputs.list()?;
    let limits = args.inputs.limits();
    for input in &inputs {
        let mut writer = FactWriter::new(out, config.signatures());
        writer.input = (inputs.len() > 1).then(|| input.path.clone());
        let mut facts =
            Facts { writer, forced: input.format.as_deref().and_then(by_id), reader: None, members: 0, max_line: limits.max_line };
        bundle::walk(input, &limits, &mut facts)?;
        if let Some(failed) = facts.writer.failed {
            settle(Err(failed))?;
            return Ok(Exit::Made);
        }
    }
    settle(out.flush())?;
    Ok(Exit::Made)
}

impl Visitor for Facts<'_> {
    fn begin(&mut self, head: &MemberHead) {
        self.writer.member.clone_from(&head.path);
        let command = command_of(&head.path).unwrap_or_default();
        self.reader = Some(Reader::new(MemberId(self.members), &head.path, command.as_bytes(), self.forced).with_max_line(self.max_line));
        self.members = self.members.saturating_add(1);
    }

    fn wants(&mut self, _head: &MemberHead) -> bool {
        self.writer.failed.is_none()
    }

    fn data(&mut self, chunk: &[u8]) {
        // Once nobody reads, nothing is parsed any more.
        if self.writer.failed.is_none()
            && let Some(reader) = &mut self.reader
        {
            reader.feed(chunk, &mut self.writer);
        }
    }

    fn end(&mut self, _end: MemberEnd) {
        if let Some(reader) = self.reader.take() {
            reader.finish(&mut self.writer);
        }
    }
}
