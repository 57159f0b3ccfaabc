//! What could panic has a reason beside it: no bytes of an input may end a run, and a reader of the code should see why they do not.

use std::fs;
use std::path::{Path, PathBuf};

/// Words of code that end a run.
const ENDS: &[&str] = &[".unwrap()", ".expect(\"", "panic!(", "unreachable!(", "todo!(", "unimplemented!(", "assert!(", "assert_eq!("];

#[test]
fn what_could_panic_has_its_reason_beside_it() {
    let mut bare = Vec::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        let lines: Vec<&str> = text.lines().collect();
        let tests = lines.windows(2).position(|w| w[0].trim() == "#[cfg(test)]" && w[1].trim_start().starts_with("mod "));
        for (n, line) in lines.iter().enumerate().take(tests.unwrap_or(lines.len())) {
            let reason = line.contains("// ")
                || n.checked_sub(1).and_then(|above| lines.get(above)).is_some_and(|l| l.trim_start().starts_with("//"));
            if !reason && could_panic(line) {
                bare.push(format!("{}:{}: {}", file.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(bare.is_empty(), "no reason beside:\n{}", bare.join("\n"));
}

#[test]
fn what_could_panic_is_seen() {
    for line in ["let a = b[0];", "f(&text[..n])", "x.unwrap();", "x.expect(\"why\")", "panic!(\"no\")", "a.b()[1]", "(c)[2]"] {
        assert!(could_panic(line), "{line}");
    }
    for line in [
        "let a: [u8; 4] = b;",
        "#[derive(Debug)]",
        "for x in [1, 2] {",
        "vec![0; 9]",
        "self.expect(b'{')?;",
        "say(\"a[0]\")",
        "&mut room[..]",
        "b'['",
    ] {
        assert!(!could_panic(line), "{line}");
    }
}

/// Whether a line of code ends a run for some value: by a word, or by an index. The whole of a slice is always there.
fn could_panic(line: &str) -> bool {
    let code = without_literals(line);
    let quoted = line.trim_start().starts_with("//");
    !quoted && (ENDS.iter().any(|word| line.contains(word) && code.contains(word.trim_end_matches('"'))) || has_index(&code))
}

/// `name[`, `)[` or `][` with something in the brackets.
fn has_index(code: &str) -> bool {
    let bytes = code.as_bytes();
    code.match_indices('[').any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied().unwrap_or(b' ');
        let whole = code[at..].starts_with("[..]") || code[at..].starts_with("[]");
        (before.is_ascii_alphanumeric() || matches!(before, b'_' | b')' | b']')) && !whole
    })
}

/// The line with nothing between quotes.
fn without_literals(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '"' {
            while let Some(inner) = rest.next() {
                match inner {
                    '\\' => {
                        rest.next();
                    }
                    '"' => break,
                    _ => {}
                }
            }
            out.push('"');
        } else if c == '\'' {
            // A character, unless it is a lifetime.
            let ahead: Vec<char> = rest.clone().take(3).collect();
            let skip = match ahead.as_slice() {
                ['\\', _, '\''] => 3,
                [_, '\'', ..] => 2,
                _ => 0,
            };
            for _ in 0..skip {
                rest.next();
            }
        }
    }
    out
}

/// Sources that input reaches: tests and their helpers are none.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path()) {
        let name = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs")
            && !["tests", "testing", "small_samples"].contains(&name.as_str())
            && !name.ends_with("_tests")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
