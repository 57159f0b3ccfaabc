//! Parts of documents that come out of the program. A test compares each with what the program says now, and writes it where
//! `SOCKDIAG_BLESS` is set.
//!
//! ```text
//! <!-- generated: formats -->
//! ...
//! <!-- end: formats -->
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Characters up to which a column of a table is filled.
const MAX_FILL: usize = 72;

/// One writer at a time: several tests keep parts of one document.
static WRITING: Mutex<()> = Mutex::new(());

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether this run rewrites what is generated.
pub fn blessing() -> bool {
    std::env::var_os("SOCKDIAG_BLESS").is_some()
}

/// Held by whoever reads a document in order to rewrite it.
pub fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands in a generated part of a document, between its marks.
pub fn part(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(repository(file)).expect("the document");
    let (_, after) = text.split_once(&open(name)).unwrap_or_else(|| panic!("{file} has no `{}`", open(name).trim()));
    let (part, _) = after.split_once(&close(name)).unwrap_or_else(|| panic!("{file} has no `{}`", close(name).trim()));
    part.to_string()
}

/// Holds a generated part of a document to what the program says.
pub fn keep(file: &str, name: &str, want: &str) {
    let _writing = writing();
    let have = part(file, name);
    if have == want {
        return;
    }
    if !blessing() {
        let differs = have.lines().zip(want.lines()).find(|(h, w)| h != w);
        panic!("{file}: `{name}` is not what the program says; first difference {differs:?}; SOCKDIAG_BLESS=1 cargo test writes it");
    }
    let path = repository(file);
    let text = std::fs::read_to_string(&path).expect("the document");
    let old = format!("{}{have}{}", open(name), close(name));
    let new = format!("{}{want}{}", open(name), close(name));
    std::fs::write(path, text.replace(&old, &new)).expect("the document can be written");
}

/// A table in Markdown, numbers to the right, its columns filled up to equal width as far as that stays readable.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let wide = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = head.iter().enumerate().map(|(n, h)| h.chars().count().max(wide(n)).max(3)).map(|w| w.min(MAX_FILL)).collect();
    let number = |n: usize| !rows.is_empty() && rows.iter().all(|r| r.get(n).is_some_and(|c| c.bytes().all(|b| b.is_ascii_digit())));
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(n, (cell, width))| if number(n) { format!("{cell:>width$}") } else { format!("{cell:<width$}") })
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(n, width)| if number(n) { format!("{}:", "-".repeat(width - 1)) } else { "-".repeat(*width) })
        .collect();
    let mut text = line(head.to_vec());
    text.push_str(&line(rule.iter().map(String::as_str).collect()));
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

fn open(name: &str) -> String {
    format!("<!-- generated: {name} -->\n\n")
}

fn close(name: &str) -> String {
    format!("\n<!-- end: {name} -->")
}
