//! Which columns a table of netstat has.

use super::super::scan;

/// The optional columns of the inet table, in their order, and the one of the unix table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// `User` and `Inode` (`-e`).
    pub extended: bool,
    /// `PID/Program name` (`-p`).
    pub program: bool,
    /// `Security Context` (`-Z`).
    pub context: bool,
    /// `Timer` (`-o`).
    pub timer: bool,
    /// Address columns wider than 23, so that nothing was cut (`-W`).
    pub wide: bool,
    /// The unix table.
    pub unix: bool,
}

impl Columns {
    /// The columns of a header. `Proto` begins it in every language, and the names of the optional columns were hardly ever translated;
    /// `-e` is told by the number of words behind the state where they were.
    pub fn of_header(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let first = line.strip_prefix(b"Proto").or_else(|| line.strip_prefix(b"Prot"))?;
        // A spreadsheet parts words by tabs.
        if !first.first().is_some_and(|b| scan::is_blank(*b)) {
            return None;
        }
        let unix = scan::contains(line, b"I-Node") || scan::contains(line, b"RefCnt") || scan::contains(line, b"RefZ");
        let foreign = [&b"Foreign"[..], b"Remote", b"Endere\xc3\xa7o Remoto", b"Adresse distante", b"Direcci\xc3\xb3n remota"]
            .iter()
            .find_map(|name| memchr::memmem::find(line, name));
        Some(Columns {
            extended: !unix && (scan::contains(line, b"Inode") || scan::contains(line, b"I-Node") || scan::contains(line, b"Benutzer")),
            program: scan::contains(line, b"PID/Program"),
            context: scan::contains(line, b"Security Context"),
            timer: scan::contains(line, b"Timer"),
            wide: foreign.is_some_and(|at| at > 60),
            unix,
        })
    }

    /// A header of addresses of radio protocols (`Proto  Destination  Source`), whose rows are no sockets of ours.
    pub fn is_foreign_family(line: &[u8]) -> bool {
        line.starts_with(b"Proto  Destination ") || line.starts_with(b"Dest       Source")
    }
}
