//! Words that stay: what every Linux host has, what file names, paths and command lines need to be recognised, and what tools print.
//!
//! The lists stand beside this file, one of words with blanks between them each.

use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// A list of words, in lower case.
pub type Words = LazyLock<FxHashSet<&'static [u8]>>;

/// No word of the lists is longer, in bytes.
const LONGEST: usize = 32;

/// Components of paths, and words of them, that tell nothing of one host.
pub static PATHS: Words = LazyLock::new(|| list(include_str!("words/paths.txt")));

/// Endings of file names.
pub static ENDINGS: Words = LazyLock::new(|| list(include_str!("words/endings.txt")));

/// Words of command lines that print, filter or count captures, and of interpreters.
pub static COMMANDS: Words = LazyLock::new(|| list(include_str!("words/commands.txt")));

/// Words of the listings whose other words are replaced: `docker ps`, `systemctl status`, units, thread dumps.
pub static LISTINGS: Words = LazyLock::new(|| list(include_str!("words/listings.txt")));

/// Packages of the standard libraries and of frameworks everybody uses: frames of them stay whole.
pub const PACKAGES: &[&str] = &[
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "io.netty.",
    "org.apache.",
    "kafka.",
    "okhttp3.",
    "reactor.",
    "io.grpc.",
    "org.eclipse.jetty.",
    "net.",
    "net/",
    "runtime.",
    "runtime/",
    "internal/",
    "syscall.",
    "os.",
    "io.",
    "bufio.",
    "crypto/",
    "context.",
    "sync.",
    "time.",
    "main.",
    "google.golang.org/grpc",
    "k8s.io/",
    "golang.org/x/",
    "encoding/",
    "database/sql",
];

/// Runtimes: what a process runs in says what it is, not whose.
pub static RUNTIMES: Words = LazyLock::new(|| list(include_str!("words/runtimes.txt")));

/// Levels and heads of log lines.
pub static LOGS: Words = LazyLock::new(|| list(include_str!("words/logs.txt")));

/// Words of member names and directories, beside those that name a datum.
pub static MEMBERS: Words = LazyLock::new(|| list(include_str!("words/members.txt")));

/// Whether a list has the word, in whatever case.
pub fn has(list: &Words, word: &[u8]) -> bool {
    word.len() <= LONGEST
        && (list.contains(word) || word.iter().any(u8::is_ascii_uppercase) && list.contains(word.to_ascii_lowercase().as_slice()))
}

fn list(text: &'static str) -> FxHashSet<&'static [u8]> {
    text.split_ascii_whitespace().map(str::as_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        assert!(has(&ENDINGS, b"LOG") && has(&PATHS, b"usr") && !has(&PATHS, b"acme"));
    }

    #[test]
    fn every_list_is_of_short_words_in_lower_case() {
        for list in [&PATHS, &ENDINGS, &COMMANDS, &LISTINGS, &RUNTIMES, &LOGS, &MEMBERS] {
            assert!(!list.is_empty());
            assert!(list.iter().all(|w| w.len() <= LONGEST && !w.iter().any(u8::is_ascii_uppercase)));
        }
    }
}
