//! Where a report goes and how it looks there.

use crate::error::Error;
use crate::report::harmless::{harmless, harmless_json};
use crate::report::{Detail, Look};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where to, and in which colours.
#[derive(Debug, clap::Args)]
pub struct Output {
    /// Write the report to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

impl Output {
    /// How a report looks at its destination.
    pub fn look(&self, detail: Detail, pid: Option<u32>) -> Look {
        let stdout = io::stdout();
        let screen = self.output.is_none() && stdout.is_terminal();
        let colour = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.output.is_none() && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        };
        let width = if screen { terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)) } else { None };
        Look { width: width.unwrap_or(Look::default().width), colour, detail, pid }
    }

    /// Writes a report.
    ///
    /// # Errors
    /// A file that cannot be created, a full disk.
    pub fn write(&self, text: &str, out: &mut dyn Write) -> Result<(), Error> {
        let Some(path) = &self.output else { return write(out, text.as_bytes()) };
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut file = File::create(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(failed)
    }
}

/// Writes to standard output. A reader that has gone (`| head`) has seen what it wanted.
///
/// # Errors
/// Anything but a closed pipe: what was asked for is not there.
pub fn write(out: &mut dyn Write, text: &[u8]) -> Result<(), Error> {
    settle(out.write_all(text).and_then(|()| out.flush()))
}

/// Writes text of several lines to standard output, with whatever captures put into it made harmless.
///
/// # Errors
/// As [`write()`].
pub fn show(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    let lines: Vec<_> = text.split('\n').map(harmless).collect();
    write(out, lines.join("\n").as_bytes())
}

/// Writes a JSON document to standard output, with what acts on a terminal escaped.
///
/// # Errors
/// As [`write()`].
pub fn show_json(out: &mut dyn Write, json: &serde_json::Value) -> Result<(), Error> {
    write(out, format!("{}\n", harmless_json(&format!("{json:#}"))).as_bytes())
}

/// What a result of writing to standard output means.
///
/// # Errors
/// Anything but a closed pipe.
pub fn settle(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(Error::Write { path: "standard output".into(), source }),
        _ => Ok(()),
    }
}
