//! What pipelines counted, in their own words: where a capture shows nothing else, these numbers are all it tells.

use crate::capture::snapshot::Counted;
use crate::causes::{Case, number};
use crate::ledger::Kind;

/// Command lines told, at most.
const COMMANDS: usize = 3;
/// Runs of one command told, and lines of each, at most.
const RUNS: usize = 3;
const LINES: usize = 3;
/// Single numbers told, at most.
const NUMBERS: usize = 8;
/// Characters kept of a command line.
const SHOWN: usize = 70;

/// The rows of one run of a command.
type Run<'a> = Vec<&'a Counted>;

/// The largest counts of each command line, where no socket is listed; a sentence each.
pub fn counted(case: &Case<'_>) -> Vec<String> {
    if case.ledger.piles.iter().any(|p| p.kind != Kind::File) {
        return Vec::new();
    }
    let mut commands: Vec<(&str, Vec<Run<'_>>)> = Vec::new();
    let mut last: Option<&Counted> = None;
    for tally in case.snapshot.tallies.iter().filter(|t| !t.command.is_empty()) {
        let follows = last.is_some_and(|l| l.command == tally.command && l.quote.at.line + 1 == tally.quote.at.line);
        last = Some(tally);
        let known = match commands.iter().position(|(command, _)| *command == tally.command) {
            Some(known) => known,
            None => {
                commands.push((&tally.command, Vec::new()));
                commands.len() - 1
            }
        };
        let Some((_, runs)) = commands.get_mut(known) else { continue };
        match runs.last_mut().filter(|_| follows) {
            Some(run) => run.push(tally),
            None => runs.push(vec![tally]),
        }
    }
    commands
        .into_iter()
        .take(COMMANDS)
        .map(|(command, runs)| format!("{}: {} ({})", what(command), numbers(&runs), brief(command)))
        .collect()
}

/// What a command line counts.
pub fn what(command: &str) -> &'static str {
    let runs = |tool: &str| command.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == tool);
    match () {
        () if command.contains("/fd") => "descriptors",
        () if runs("ss") || runs("netstat") => "rows of a socket table",
        () if runs("lsof") => "rows of lsof",
        () => "lines",
    }
}

/// `1,078, 1,079, 1,082`, or `169 a, 97 b and 10 more; later 53 a`.
fn numbers(runs: &[Run<'_>]) -> String {
    let value = |t: &Counted| number(i64::try_from(t.value).unwrap_or(i64::MAX));
    if runs.iter().flatten().all(|t| t.label.is_empty()) {
        let all: Vec<String> = runs.iter().flatten().map(|t| value(t)).collect();
        let more = if all.len() > NUMBERS { format!(" and {} more", all.len() - NUMBERS) } else { String::new() };
        return format!("{}{more}", all.get(..NUMBERS).unwrap_or(&all).join(", "));
    }
    let run = |run: &Run<'_>| {
        let mut rows = run.clone();
        rows.sort_by_key(|t| std::cmp::Reverse(t.value));
        let shown: Vec<String> = rows.iter().take(LINES).map(|t| format!("{} {}", value(t), t.label).trim_end().to_string()).collect();
        let more = if rows.len() > LINES { format!(" and {} more", rows.len() - LINES) } else { String::new() };
        format!("{}{more}", shown.join(", "))
    };
    runs.iter().take(RUNS).map(run).collect::<Vec<_>>().join("; later ")
}

fn brief(command: &str) -> String {
    match command.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", command.get(..end).unwrap_or(command)),
        None => command.to_string(),
    }
}
