//! What a member's path or a command line says of a text that does not say it itself: a lone word, a lone number, a line of arguments.
//!
//! `hostname.txt`, `12_file_nr.log`, `wchan.26372` and `$ cat /proc/4684/comm` are all that tells such texts apart, so nothing here
//! guesses from content.

use super::{prompt, scan};

/// Whether the last component of a path has this word between its separators and digits: `wchan` in `pid-8259-wchan.txt`.
pub fn has_word(path: &str, word: &str) -> bool {
    base(path).split(|c: char| !c.is_ascii_alphabetic()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether the last component of a path has only this word before its suffix: `host` in `01_host.log`.
pub fn is_called(path: &str, word: &str) -> bool {
    let name = base(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.trim_matches(|c: char| !c.is_ascii_alphabetic()).eq_ignore_ascii_case(word)
}

/// Whether the letters of the last component contain this text when separators are dropped: `filenr` in `12_file_nr.log`.
pub fn has_letters(path: &str, letters: &str) -> bool {
    let squashed: String = base(path).chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    squashed.contains(letters)
}

/// Whether a command line prints this file of a process: `cat /proc/4684/limits`, and the banner `pid 4684 limits`.
pub fn prints_process_file(command: &[u8], leaf: &[u8]) -> bool {
    if prompt::counts(command) {
        return false;
    }
    let mut fields = scan::Fields::new(command);
    if fields.next() == Some(b"pid") && fields.next().is_some_and(|f| scan::number(f).is_some()) && fields.next() == Some(leaf) {
        return true;
    }
    scan::Fields::new(command).any(|field| {
        let Some(rest) = field.strip_prefix(b"/proc/") else { return false };
        let first = rest.split(|&b| b == b'/').next().unwrap_or(b"");
        let last = rest.split(|&b| b == b'/').next_back().unwrap_or(b"");
        last == leaf && first.len() < rest.len() && !matches!(first, b"net" | b"sys")
    })
}

/// The arguments of a command line that are paths below this directory.
pub fn paths_below<'a>(command: &'a [u8], directory: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    scan::Fields::new(command).filter(move |f| f.starts_with(directory) && f.len() > directory.len())
}

/// The process of a line that names the file that follows: `==> /proc/4684/limits <==` (head, tail) or `/proc/4684/ns:` (ls).
pub fn banner_pid(line: &[u8]) -> Option<u32> {
    let line = line.trim_ascii();
    let path = line.strip_prefix(b"==> ").and_then(|l| l.strip_suffix(b" <==")).or_else(|| line.strip_suffix(b":"))?;
    pid_in(path)
}

/// The process of a path such as `/proc/4684/limits`.
pub fn pid_in(path: &[u8]) -> Option<u32> {
    let start = memchr::memmem::find(path, b"proc/")?.checked_add(5)?;
    let (pid, rest) = scan::leading_number(path.get(start..)?)?;
    (rest.is_empty() || rest.starts_with(b"/")).then(|| u32::try_from(pid).ok()).flatten()
}

/// Whether a line is a prompt with a command, which the parser of a one-line text leaves to the driver.
pub fn is_prompt(line: &[u8]) -> bool {
    prompt::command(line).is_some()
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(has_word("a/pid-8259-wchan.txt", "wchan"));
        assert!(has_word("a/00_date.log", "date"));
        assert!(!has_word("date/update.log", "date"), "neither part of a word nor a directory");
        assert!(has_letters("x/12_file_nr.log", "filenr"));
    }

    #[test]
    fn process_files() {
        assert!(prints_process_file(b"cat /proc/6120/limits", b"limits"));
        assert!(prints_process_file(b"tr \\0 ' ' < /proc/6120/cmdline", b"cmdline"));
        assert!(prints_process_file(b"pid 6120 wchan", b"wchan"));
        assert!(!prints_process_file(b"cat /proc/cmdline", b"cmdline"), "the kernel's own");
        assert!(!prints_process_file(b"cat /proc/net/stat", b"stat"));
        assert!(!prints_process_file(b"cat /proc/6120/limits | wc -l", b"limits"));
        assert_eq!(banner_pid(b"==> /proc/12/limits <=="), Some(12));
        assert_eq!(banner_pid(b"/proc/12/ns:"), Some(12));
        assert_eq!(banner_pid(b"Note: proc/12x:"), None);
    }
}
