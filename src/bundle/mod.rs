//! Any input as a stream of named members: an archive, a directory, one loose file, or standard input.
//!
//! Members are pushed to a [`Visitor`] as their bytes come out of the decompressor; nothing is held and nothing is written to disk.

mod archive;
mod base;
mod blocks;
pub mod datum;
mod decode;
mod directory;
pub mod layout;
mod limits;
pub mod links;
pub mod magic;
pub mod moments;
mod names;
mod notes;
mod pipe;
mod stream;
mod tar;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod walk;

pub use limits::{
    BYTES_OPTION, DEPTH_OPTION, FINDINGS_OPTION, HOSTS_OPTION, LINE_OPTION, Limits, MEMBER_BYTES_OPTION, MEMBERS_OPTION, PROCESSES_OPTION,
    RATIO_OPTION, SOCKETS_OPTION, TIME_OPTION,
};
pub use walk::{walk, walk_reader};

/// An input as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The path, or `-` for standard input.
    pub path: String,
    /// A format the user forces with `NAME=PATH`.
    pub format: Option<String>,
}

/// What is known of a member before its bytes come.
#[derive(Clone, Debug)]
pub struct MemberHead {
    /// Its path inside the input, with `/` as separator and without a leading `./`; the file's name for a loose file.
    pub path: String,
    /// Its size in bytes where the archive tells it (and may lie).
    pub size: Option<u64>,
    /// Seconds since the epoch of its last change, where told.
    pub modified: Option<i64>,
}

/// How a member ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberEnd {
    /// All of it was read.
    Whole,
    /// The input ended, or broke, inside it.
    Cut(String),
    /// It was not read: a device, a member over a limit, a sparse file.
    Skipped(String),
    /// It is a link: to a path relative to its own directory, or, with a leading `/`, to one counted from the top of the input or of any
    /// directory above the link. Nothing is followed; [`links`] resolves it among the members.
    Link(String),
}

/// How a walk ended.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// What the input is: `tar.gz`, `directory`, `text`, ...
    pub kind: String,
    /// Why it ended before its end (a cut gzip stream), if it did.
    pub cut: Option<String>,
    /// What was passed over or odd, one line each.
    pub notes: Vec<String>,
    /// Bytes after decompression.
    pub bytes: u64,
    /// SHA-256 of the input's own bytes in hexadecimal, where it is one file, was read to its end and [`Limits::want_sha256`] is set;
    /// else empty.
    pub sha256: String,
}

/// Receives members in the order of the input.
pub trait Visitor {
    /// A member begins.
    fn begin(&mut self, head: &MemberHead);
    /// Asked once after [`Visitor::begin`]: whether its bytes are wanted. If not, it ends as skipped.
    fn wants(&mut self, _head: &MemberHead) -> bool {
        true
    }
    /// Its next bytes.
    fn data(&mut self, chunk: &[u8]);
    /// It is over.
    fn end(&mut self, end: MemberEnd);
}

impl Input {
    /// Reads an INPUT argument; `NAME=PATH` forces a format if NAME is one (`is_format` tells).
    pub fn parse(argument: &str, is_format: impl Fn(&str) -> bool) -> Input {
        if let Some((name, path)) = argument.split_once('=')
            && is_format(name)
        {
            return Input { path: path.to_string(), format: Some(name.to_string()) };
        }
        Input { path: argument.to_string(), format: None }
    }
}
