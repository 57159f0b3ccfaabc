//! The directory that a shell stands in, where it is that of a process's descriptors: commands behind it name neither.
//!
//! ```text
//! $ cd /proc/28191/fd
//! $ ls -l | grep socket | wc -l
//! 327
//! ```

use super::prompt;
use super::scan::Fields;
use std::borrow::Cow;

/// Whether a path is that of the descriptors of a process, as `pwd` prints it.
pub fn is_of_descriptors(path: &[u8]) -> bool {
    let path = path.trim_ascii();
    let middle = path.strip_prefix(b"/proc/").and_then(|p| p.strip_suffix(b"/fd").or_else(|| p.strip_suffix(b"/fd/")));
    middle.is_some_and(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit))
}

/// Follows a `cd`; any directory but one of descriptors is as good as none.
pub fn change(directory: &mut Vec<u8>, command: &[u8]) {
    let mut words = Fields::new(command);
    if words.next() != Some(b"cd") {
        return;
    }
    directory.clear();
    directory.extend(words.next().filter(|path| is_of_descriptors(path)).unwrap_or_default());
}

/// A command line with the directory that an `ls` without a path lists.
pub fn spelled_out<'c>(command: &'c [u8], directory: &[u8]) -> Cow<'c, [u8]> {
    let list = command.split(|&b| b == b'|').next().unwrap_or(command);
    let bare = Fields::new(list).skip(1).all(|word| word.starts_with(b"-") || word == b".");
    if directory.is_empty() || prompt::program(list) != b"ls" || !bare {
        return Cow::Borrowed(command);
    }
    let listing = list.trim_ascii_end();
    let rest = command.get(list.len()..).unwrap_or(b"");
    let blank: &[u8] = if rest.is_empty() { b"" } else { b" " };
    Cow::Owned([listing, b" ", directory, blank, rest].concat())
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::facts;

    #[test]
    fn a_listing_is_of_the_directory_that_the_shell_stands_in() {
        let counted = "ls -l | grep socket | wc -l\n327\n";
        let facts = |text: &str| facts(text).into_iter().filter(|f| f.starts_with("tally")).collect::<Vec<_>>();
        let told = "tally (ls -l /proc/28191/fd | grep socket | wc -l) -=327";
        assert_eq!(facts(&format!("$ cd /proc/28191/fd\n$ {counted}")), [told]);
        assert_eq!(facts(&format!("$ pwd\n/proc/28191/fd\n$ {counted}")), [told]);
        let elsewhere = "tally (ls -l | grep socket | wc -l) -=327";
        assert_eq!(facts(&format!("$ cd /proc/28191/fd\n$ cd /tmp\n$ {counted}")), [elsewhere]);
        assert_eq!(facts(&format!("$ pwd\n/proc/28191/fdinfo\n$ {counted}")), [elsewhere]);
    }
}
