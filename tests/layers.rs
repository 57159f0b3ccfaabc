//! The folders of `src/` are the path of the data: each uses only those that `lib.rs` declares above it.

use std::fs;
use std::path::{Path, PathBuf};

/// Uses of a later folder that are allowed: the file, the folder it uses, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

#[test]
fn each_folder_uses_only_those_above_it() {
    let order = declared();
    assert!(order.len() > 10, "lib.rs was not understood: {order:?}");
    let rank = |name: &str| order.iter().position(|o| o == name);
    let mut wrong = Vec::new();
    let mut excused = vec![false; EXCEPTIONS.len()];
    for file in sources(Path::new("src")) {
        let Some(own) = rank(&folder(&file)) else { continue };
        let path = file.to_string_lossy().replace('\\', "/");
        for (number, used) in uses(&fs::read_to_string(&file).expect("a source file")) {
            let Some(theirs) = rank(&used) else { continue };
            match EXCEPTIONS.iter().position(|e| e.0 == path && e.1 == used) {
                _ if theirs <= own => {}
                Some(n) => excused[n] = true,
                None => wrong.push(format!("{path}:{number} uses {used}, which lib.rs declares below {}", order[own])),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(excused.iter().all(|&e| e), "an exception is no longer needed: {EXCEPTIONS:?} {excused:?}");
}

#[test]
fn every_folder_is_declared() {
    let order = declared();
    for file in sources(Path::new("src")) {
        let folder = folder(&file);
        if !["lib", "main", "cli"].contains(&folder.as_str()) {
            assert!(order.contains(&folder), "{folder} is not declared in lib.rs");
        }
    }
}

/// A rule that sees nothing finds nothing wrong.
#[test]
fn uses_are_seen() {
    let text = "use crate::facts::{At, Sink};\n//! crate::report\n    let x = crate::ledger::Ledger::new();\n#[cfg(test)]\nmod tests {\n    use crate::causes::A;\n}\n";
    assert_eq!(uses(text), [(1, "facts".to_string()), (3, "ledger".to_string())]);
    let grouped = "use crate::{\n    error::Error,\n    report::{self, Look},\n};\n";
    assert_eq!(uses(grouped), [(1, "error".to_string()), (1, "report".to_string())]);
}

/// The modules in the order of `lib.rs`.
fn declared() -> Vec<String> {
    let lib = fs::read_to_string("src/lib.rs").expect("src/lib.rs");
    lib.lines().filter_map(|l| Some(l.strip_prefix("pub mod ")?.strip_suffix(';')?.to_string())).collect()
}

/// The folder, or the file's own name where it stands on top.
fn folder(file: &Path) -> String {
    let inside = file.strip_prefix("src").expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_string()
}

/// Source files that are not tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() {
            out.extend(sources(&entry));
        } else if name.ends_with(".rs") && !name.contains("test") && !name.ends_with("samples.rs") {
            out.push(entry);
        }
    }
    out.sort();
    out
}

/// The folders that code names with `crate::`, with the line, comments and the tests at a file's end left out.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    for (at, _) in code.match_indices("crate::") {
        let (before, after) = (&code[..at], &code[at + "crate::".len()..]);
        let line = before.rsplit('\n').next().unwrap_or(before);
        if line.contains("//") {
            continue;
        }
        let number = before.matches('\n').count() + 1;
        match after.strip_prefix('{').and_then(|group| group.split_once("};")) {
            Some((group, _)) => out.extend(top_names(group).into_iter().map(|name| (number, name))),
            None => out.push((number, word(after))),
        }
    }
    out
}

/// The first names of a group such as `error::Error, report::{self, Look}`.
fn top_names(group: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let parts = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.map(|p| word(p.trim())).filter(|w| !w.is_empty()).collect()
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
