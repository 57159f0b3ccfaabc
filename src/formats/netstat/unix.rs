//! A row of the unix table.
//!
//! ```text
//! unix  2      [ ACC ]     STREAM     LISTENING     133948   29956/python3        /tmp/sd/u.sock
//! unix  2      [ ]         DGRAM                    133947   29956/python3
//! unix  3      [ ]         STREAM     CONNECTING    0        -                    /tmp/sd/u.sock
//! ```
//!
//! State is blank for sockets that are not connected. `CONNECTING` with inode 0 is a connection that waits to be accepted. net-tools cuts
//! a path at its first blank, BusyBox does not.

use super::columns::Columns;
use super::inet::{Row, holder};
use super::states;
use crate::facts::{Protocol, Socket, SocketState};
use crate::formats::scan::{self, Fields};

/// The width of the owner's column: pid and name share 19 bytes, and one blank follows at least.
const OWNER_WIDTH: usize = 19;

/// Reads a row into `row` and tells whether the line was one.
pub fn read<'a>(line: &'a [u8], columns: Option<Columns>, row: &mut Row<'a>) -> Option<()> {
    let rest = line.trim_ascii().strip_prefix(b"unix")?;
    let open = memchr::memchr(b'[', rest)?;
    let close = memchr::memchr(b']', rest)?;
    scan::number(rest.get(..open)?.trim_ascii())?;
    let mut fields = Fields::new(rest.get(close + 1..)?);
    let kind = fields.next()?;
    let mut state = SocketState::Unconn;
    let mut word = fields.next()?;
    if let Some(known) = states::unix_state(word) {
        state = known;
        word = fields.next()?;
    } else if scan::number(word).is_none() {
        state = SocketState::Unknown;
        word = fields.next()?;
    }
    row.socket = Socket::new(Protocol::Unix, state);
    row.socket.datagram = kind == b"DGRAM";
    row.socket.inode = Some(scan::number(word)?);
    let (owner, path) = owner_and_path(fields.rest(), columns);
    row.socket.name = path.trim_ascii();
    row.holder = owner.and_then(holder);
    row.owner_shown = owner.is_some();
    Some(())
}

/// Splits the rest of a row. The owner is `-` or `PID/name`, and its name may hold blanks; a path may be relative.
fn owner_and_path(rest: &[u8], columns: Option<Columns>) -> (Option<&[u8]>, &[u8]) {
    let first = Fields::new(rest).next().unwrap_or(b"");
    let looks = first == b"-" || holder(first).is_some();
    if !columns.map_or(looks, |c| c.program) || !looks {
        return (None, rest);
    }
    if first == b"-" {
        return (Some(first), rest.get(1..).unwrap_or(b""));
    }
    match rest.get(OWNER_WIDTH) {
        None => (Some(rest), b""),
        Some(b' ') => rest.split_at_checked(OWNER_WIDTH).map_or((Some(rest), b""), |(owner, path)| (Some(owner), path)),
        // A name that is not cut to the column ends at a blank.
        Some(_) => {
            let end = rest.iter().skip(OWNER_WIDTH).position(|&b| b == b' ').map_or(rest.len(), |i| i + OWNER_WIDTH);
            rest.split_at_checked(end).map_or((Some(rest), b""), |(owner, path)| (Some(owner), path))
        }
    }
}
