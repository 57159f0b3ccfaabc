//! What strace says of itself.

use crate::formats::scan;

/// A line that is no call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Banner {
    /// strace attached to this process or thread.
    Attached(u32),
    /// It was not allowed to.
    NotPermitted(Option<u32>),
    /// It could not for another reason.
    NotAttached(Option<u32>),
    /// The program was called in a way it does not know.
    Usage,
    /// Anything else it says of itself.
    Other,
}

/// What strace says of itself, where a line holds nothing else.
pub fn banner(line: &[u8]) -> Option<Banner> {
    let line = line.trim_ascii();
    // The terminal's echo of the key that ended it.
    let line = line.strip_prefix(b"^C").unwrap_or(line);
    if line.starts_with(b"usage: strace") || line.starts_with(b"Usage: strace") {
        return Some(Banner::Usage);
    }
    let (spoken, text) = match program_colon(line) {
        Some(text) => (true, text),
        None => (false, line),
    };
    if let Some((pid, what)) = text.strip_prefix(b"Process ").and_then(scan::leading_number) {
        let pid = u32::try_from(pid).ok()?;
        return match what {
            _ if what.starts_with(b" attached") => Some(Banner::Attached(pid)),
            b" detached" | b" suspended" => Some(Banner::Other),
            _ if what.starts_with(b" resumed") => Some(Banner::Other),
            _ if spoken => Some(Banner::Other),
            _ => None,
        };
    }
    if text.starts_with(b"attach: ptrace(")
        || text.starts_with(b"Could not attach to process")
        || spoken && scan::contains(text, b"ptrace_scope")
    {
        let pid = memchr::memchr(b',', text).and_then(|i| text.get(i + 1..)).and_then(|t| scan::leading_number(t.trim_ascii_start()));
        let pid = pid.and_then(|(n, _)| u32::try_from(n).ok());
        return Some(if scan::contains(text, b"No such process") { Banner::NotAttached(pid) } else { Banner::NotPermitted(pid) });
    }
    if let Some((pid, what)) = text.strip_prefix(b"process ").and_then(scan::leading_number)
        && what.starts_with(b" may be owned")
    {
        return Some(Banner::NotPermitted(u32::try_from(pid).ok()));
    }
    let mode = text.starts_with(b"[ Process PID=") && text.ends_with(b" mode. ]");
    (spoken || mode || text.starts_with(b"upeek: ptrace(") || text.starts_with(b"ptrace: ")).then_some(Banner::Other)
}

/// What follows `strace: ` or `/usr/bin/strace-6.1: ` at the beginning of a line.
fn program_colon(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line.get(..128).unwrap_or(line))?;
    let (program, rest) = line.split_at_checked(colon)?;
    let text = rest.strip_prefix(b": ")?;
    let name = program.rsplit(|b| *b == b'/').next()?;
    (name.starts_with(b"strace") && !program.contains(&b' ')).then_some(text)
}
