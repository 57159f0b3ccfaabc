//! README.md says what is true: every console block is run and its output compared, every table that a registry knows is compared with it.
//!
//! In a block of ` ```console `, a line `$ ...` is run by sh in the repository, with `sockdiag` (also spelt `cargo run --release --quiet --`,
//! as the first command is) being the binary under test; the lines below it are what it prints, on standard output and standard error. A
//! line `...` stands for any lines. Blocks of ` ```sh ` are not run: they need a host to collect from, or would run this test again.
//! `SOCKDIAG_BLESS` rewrites outputs, keeping as many lines before and behind `...` as there were.

#![cfg(unix)]

mod generated;

use generated::{blessing, keep, repository, table, writing};
use sockdiag::causes::CAUSES;
use sockdiag::diagnosis::{Grade, Verdict};
use std::process::Command;

const README: &str = "README.md";
const BINARY: &str = env!("CARGO_BIN_EXE_sockdiag");
/// The first command of a newcomer builds the tool; the test has it built.
const BUILDING: &str = "cargo run --release --quiet --";

/// A command of the README and what it is said to print.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    command: String,
    output: Vec<String>,
    /// Lines of the README, from 0, that hold the output.
    lines: std::ops::Range<usize>,
}

#[test]
fn every_console_block_is_true() {
    let _writing = writing();
    let text = std::fs::read_to_string(repository(README)).expect("the README");
    let examples = examples(&text);
    assert!(examples.len() >= 5, "{} commands", examples.len());
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let mut wrong = Vec::new();
    for example in examples.iter().rev() {
        let printed = run(&example.command);
        if fits(&example.output, &printed) {
            continue;
        }
        if blessing() {
            lines.splice(example.lines.clone(), elide(&example.output, &printed));
        } else {
            wrong.push(format!("$ {}\n--- README\n{}\n--- printed\n{}", example.command, example.output.join("\n"), printed.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    if blessing() {
        std::fs::write(repository(README), lines.join("\n") + "\n").expect("the README can be written");
    }
}

#[test]
fn tables_are_what_the_registries_say() {
    let of = |leak: bool| -> Vec<Vec<String>> {
        let sentence = |claim: &str| claim.replace('|', "\\|");
        CAUSES.iter().filter(|c| c.is_leak() == leak).map(|c| vec![format!("`{}`", c.code()), sentence(c.claim())]).collect()
    };
    keep(README, "causes", &table(&["cause", "what it says"], &of(true)));
    keep(README, "look-alikes", &table(&["look-alike", "what it says"], &of(false)));
    keep(README, "exit statuses", &table(&["status", "meaning"], &statuses()));
}

#[test]
fn every_verdict_and_grade_is_explained() {
    let text = std::fs::read_to_string(repository(README)).expect("the README");
    let verdicts = [Verdict::Leak, Verdict::Exhaustion, Verdict::Healthy, Verdict::Inconclusive].map(Verdict::word);
    let grades = [Grade::Proved, Grade::Strong, Grade::Moderate, Grade::Weak].map(Grade::word);
    for word in verdicts.iter().chain(&grades) {
        assert!(text.contains(&format!("| `{word}` ")), "{word}");
    }
}

/// The exit statuses, as `--help` tells them.
fn statuses() -> Vec<Vec<String>> {
    let help = run("sockdiag --help");
    let rows: Vec<Vec<String>> = help
        .iter()
        .skip_while(|line| !line.starts_with("Exit status"))
        .skip(1)
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(status, meaning)| vec![status.to_string(), meaning.trim().to_string()])
        .collect();
    assert!(rows.len() >= 5, "{help:?}");
    rows
}

/// The commands of the console blocks, in order.
fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let (mut inside, mut open) = (false, false);
    for (n, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
            open = false;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            found.push(Example { command: command.to_string(), output: Vec::new(), lines: n + 1..n + 1 });
            open = true;
        } else if let Some(example) = found.last_mut().filter(|_| open) {
            example.output.push(line.to_string());
            example.lines.end = n + 1;
        }
    }
    found
}

/// What a command prints, standard error behind standard output.
fn run(command: &str) -> Vec<String> {
    let directory = std::path::Path::new(BINARY).parent().expect("the binary is in a directory");
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &command.replace(BUILDING, "sockdiag")])
        .current_dir(repository("."))
        .env("PATH", path)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .output()
        .expect("sh runs");
    let mut text = String::from_utf8(output.stdout).expect("UTF-8");
    text.push_str(&String::from_utf8(output.stderr).expect("UTF-8"));
    text.lines().map(str::to_string).collect()
}

fn is_elision(line: &str) -> bool {
    line.trim() == "..."
}

/// Whether output is as shown, `...` standing for any lines.
fn fits(shown: &[String], printed: &[String]) -> bool {
    let Some(at) = shown.iter().position(|line| is_elision(line)) else { return shown == printed };
    let (head, rest) = (&shown[..at], &shown[at + 1..]);
    printed.starts_with(head) && (head.len()..=printed.len()).any(|from| fits(rest, &printed[from..]))
}

/// New output in the shape of the old: as many lines before and behind the first `...`.
fn elide(shown: &[String], printed: &[String]) -> Vec<String> {
    let Some(at) = shown.iter().position(|line| is_elision(line)) else { return printed.to_vec() };
    let behind = shown.len() - at - 1;
    if at + behind >= printed.len() {
        return printed.to_vec();
    }
    let mut out = printed[..at].to_vec();
    out.push("...".to_string());
    out.extend_from_slice(&printed[printed.len() - behind..]);
    out
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_string).collect()
}

#[test]
fn elisions_stand_for_any_lines_and_nothing_else_does() {
    let printed = lines("a\nb\nc\nd");
    for shown in ["a\nb\nc\nd", "...", "a\n...", "...\nd", "a\n...\nd", "a\n...\nc\n...", "a\nb\n...\nc\nd"] {
        assert!(fits(&lines(shown), &printed), "{shown:?}");
    }
    for shown in ["", "a", "a\nb\nc", "b\n...", "...\nc", "a\n...\nb", "a\n...\nd\n...\nd"] {
        assert!(!fits(&lines(shown), &printed), "{shown:?}");
    }
    assert_eq!(elide(&lines("x\n...\ny"), &printed), lines("a\n...\nd"));
    assert_eq!(elide(&lines("x"), &printed), printed);
}

#[test]
fn commands_and_outputs_are_told_apart() {
    let text = "```console\n$ a\nx\n$ b\n```\nprose\n```sh\n$ c\n```\n";
    let want = [
        Example { command: "a".into(), output: vec!["x".into()], lines: 2..3 },
        Example { command: "b".into(), output: vec![], lines: 4..4 },
    ];
    assert_eq!(examples(text), want);
}

/// A map is of no use where the streets have moved.
#[test]
fn paths_in_the_documents_exist() {
    for document in [README, "ARCHITECTURE.md", "docs/formats.md"] {
        let text = std::fs::read_to_string(repository(document)).expect("the document");
        let paths: Vec<&str> = text.split('`').filter(|word| word.starts_with("src/") && !word.contains(' ')).collect();
        for path in &paths {
            assert!(repository(path).exists(), "{document} names {path}");
        }
        assert!(document == README || paths.len() > 3, "{document} names {} paths", paths.len());
    }
}
