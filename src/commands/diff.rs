//! `sockdiag diff`: what changed between two captures, or between the first and the last sample of one.

use super::caps::Caps;
use super::inputs::configured;
use super::{Exit, output};
use crate::bundle::Input;
use crate::causes::number;
use crate::diff::{Change, Counted, Limit, Moved, Span, Taken, compare, pairs, take};
use crate::error::Error;
use crate::formats::by_id;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Rows shown of each part; `--format json` has all.
const SHOWN: usize = 20;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("max_findings", |a| a.hide(true)))]
pub struct Args {
    /// The older capture
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The newer capture; without it, the first and the last sample of OLD are compared
    #[arg(value_name = "NEW")]
    pub new: Option<String>,
    /// Seconds between the captures, where they do not tell
    #[arg(long, value_name = "N")]
    pub seconds: Option<f64>,
    /// Format of the result
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    /// Thresholds and additional log signatures
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Bounds on what a capture may cost.
    #[command(flatten)]
    pub caps: Caps,
}

/// Runs the command.
///
/// # Errors
/// A capture cannot be read, or there is nothing to compare.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = configured(args.config.as_deref())?;
    let read = |path: &str| take(&Input::parse(path, |n| by_id(n).is_some()), &args.caps.limits(), &config);
    let old = read(&args.old)?;
    let new = args.new.as_deref().map(read).transpose()?;
    let (newest, sides) = match &new {
        Some(new) => (new, (&old.last, &new.last)),
        None => (&old, (&old.first, &old.last)),
    };
    let changes: Vec<Change> = pairs(sides.0, sides.1).into_iter().map(|(a, b)| compare(a, b, args.seconds)).collect();
    if changes.is_empty() {
        let reason = match &new {
            Some(new) => format!("no host of {} is in it: labels are {} and {}", new.input, labels(&old), labels(new)),
            None => "it holds one sample only; name a second capture".to_string(),
        };
        return Err(Error::Unreadable { input: old.input, reason });
    }
    match args.format.as_str() {
        "json" => output::show_json(out, &as_json(&old, newest, &changes))?,
        _ => output::show(out, &text(&old, newest, &changes))?,
    }
    Ok(Exit::Made)
}

fn labels(taken: &Taken) -> String {
    let labels: Vec<&str> = taken.last.iter().map(|s| s.label.as_str()).collect();
    if labels.is_empty() { "none".into() } else { labels.join(", ") }
}

fn as_json(old: &Taken, new: &Taken, changes: &[Change]) -> Value {
    let input = |t: &Taken| json!({"input": t.input, "verdict": t.verdict, "headline": t.headline});
    json!({
        "schema": "sockdiag.diff/1",
        "tool": {"name": "sockdiag", "version": env!("CARGO_PKG_VERSION")},
        "old": input(old),
        "new": input(new),
        "hosts": changes,
    })
}

fn text(old: &Taken, new: &Taken, changes: &[Change]) -> String {
    let mut text = if std::ptr::eq(old, new) {
        format!("{}  {}: {}\n", old.input, old.verdict, old.headline)
    } else {
        format!("old  {}  {}: {}\nnew  {}  {}: {}\n", old.input, old.verdict, old.headline, new.input, new.verdict, new.headline)
    };
    for change in changes {
        host(change, &mut text);
    }
    text
}

fn host(change: &Change, text: &mut String) {
    let when = |t: &Option<String>| t.clone().unwrap_or_else(|| "time unknown".into());
    text.push_str(&format!("\n{}: {} to {}", change.host, when(&change.old_captured_at), when(&change.new_captured_at)));
    text.push_str(&change.seconds.map_or("\n".into(), |s| format!(", {}\n", duration(s))));
    for note in &change.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    part(text, "limits", &change.limits, limit);
    part(text, "sockets by program and kind", &change.sockets, moved);
    let processes: Vec<String> = change
        .started
        .iter()
        .map(|p| format!("+ {} (pid {})", p.command, p.pid))
        .chain(change.ended.iter().map(|p| format!("- {} (pid {})", p.command, p.pid)))
        .collect();
    part(text, "processes that came (+) and went (-)", &processes, String::clone);
    part(text, "TCP states", &change.states, counted);
    part(text, "counters", &change.counters, counted);
    if change.limits.is_empty() && change.sockets.is_empty() && change.states.is_empty() && change.counters.is_empty() {
        text.push_str("  nothing that both captures tell of has changed\n");
    }
}

fn part<T>(text: &mut String, title: &str, rows: &[T], show: impl Fn(&T) -> String) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!("  {title}\n"));
    for row in rows.iter().take(SHOWN) {
        text.push_str(&format!("    {}\n", show(row)));
    }
    if rows.len() > SHOWN {
        text.push_str(&format!("    ... and {} more; --format json lists all\n", rows.len() - SHOWN));
    }
}

fn moved(m: &Moved) -> String {
    let who = match m.pids.as_slice() {
        [] => "holder unknown".to_string(),
        [pid] => format!("{} (pid {pid})", m.command),
        [pid, rest @ ..] => format!("{} (pid {pid} and {} more)", m.command, rest.len()),
    };
    let at = m.at.as_ref().map_or(String::new(), |at| format!("  {at}"));
    format!("{who}  {}  {}{at}", m.socket_kind, arrow(m.old.map(|n| n as i64), m.new.map(|n| n as i64), m.per_second))
}

fn counted(c: &Counted) -> String {
    format!("{}  {}", c.name, arrow(c.old, c.new, c.per_second))
}

fn limit(l: &Limit) -> String {
    let rate = l.per_second.map_or(String::new(), |r| format!(", {}", per_second(r)));
    let reached = match l.reached_in {
        Some(_) if l.new >= l.limit => ", reached".to_string(),
        Some(Span { from, to: Some(to) }) => format!(", reached in {} to {}", duration(from), duration(to)),
        Some(Span { from, to: None }) => format!(", reached in {} at the soonest", duration(from)),
        None => String::new(),
    };
    let old = l.old.map_or(String::new(), |o| format!("{} -> ", number(o)));
    format!("{}  {old}{} of {} ({}){rate}{reached}", l.name, number(l.new), number(l.limit), l.limit_name)
}

fn arrow(old: Option<i64>, new: Option<i64>, rate: Option<f64>) -> String {
    let value = |n: Option<i64>| n.map_or("not captured".to_string(), number);
    let change = old.zip(new).map_or(String::new(), |(a, b)| {
        let change = b.saturating_sub(a);
        format!("  {}{}", if change > 0 { "+" } else { "" }, number(change))
    });
    format!("{} -> {}{change}{}", value(old), value(new), rate.map_or(String::new(), |r| format!("  {}", per_second(r))))
}

fn per_second(rate: f64) -> String {
    match rate.abs() {
        r if r >= 10.0 => format!("{rate:+.0}/s"),
        r if r >= 0.1 => format!("{rate:+.1}/s"),
        _ => format!("{:+.1}/min", rate * 60.0),
    }
}

/// `95 s`, `12 min`, `5.3 h`, `4.2 days`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_rates_people_can_read() {
        for (seconds, want) in [(95.2, "95 s"), (720.0, "12 min"), (19_080.0, "5.3 h"), (362_880.0, "4.2 days")] {
            assert_eq!(duration(seconds), want);
        }
        for (rate, want) in [(17.6, "+18/s"), (-1.25, "-1.2/s"), (0.01, "+0.6/min")] {
            assert_eq!(per_second(rate), want);
        }
        assert_eq!(arrow(None, Some(1204), None), "not captured -> 1,204");
        assert_eq!(arrow(Some(3), Some(1), Some(-0.5)), "3 -> 1  -2  -0.5/s");
    }
}
