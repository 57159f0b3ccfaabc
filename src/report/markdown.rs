//! The report for a ticket: a dozen lines on top, details folded.
//!
//! Trackers give meaning to nearly any sign: `@name` calls people, `#12` and `!12` link, `/close` acts, `|` splits cells, `{code}` and `[~name]`
//! mean something to Jira. So every word that is not plain stands in a code span, rows stand in a fence, and both are fenced by more
//! backticks than the text holds.

use super::harmless::{harmless, row};
use super::{Detail, Look, Renderer, advice, home, path_of, sentence, summary};
use crate::capture::Quote;
use crate::causes::{Class, Evidence};
use crate::checks::Status;
use crate::diagnosis::{Diagnosis, Finding, HostReport, Verdict};
use crate::host::Source;

/// Markdown, for tickets.
pub struct Markdown;

/// Rows of one fence.
const ROWS: usize = 12;

impl Renderer for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn render(&self, diagnosis: &Diagnosis, look: &Look) -> String {
        let mut out = top(diagnosis, look);
        if look.detail == Detail::Quiet {
            return out;
        }
        for finding in &diagnosis.findings {
            fold(&mut out, &format!("{}: {}", class(finding), finding.claim.code), &details(diagnosis, finding));
        }
        if let Some(says) = diagnosis.left_out() {
            out.push_str(&format!("\n{}\n\n", safe(&says)));
        }
        for report in &diagnosis.reports {
            let name = if diagnosis.reports.len() > 1 { format!(" of {}", report.label) } else { String::new() };
            let source = diagnosis.sources.get(report.input);
            fold(&mut out, &format!("Ruled out, checks and counts{name}"), &host(source, report, look.detail));
        }
        if !diagnosis.next.is_empty() {
            let mut list = String::new();
            for missing in &diagnosis.next {
                list.push_str(&format!("- {} would {}: {}\n", safe(&missing.what), safe(&missing.would), span(&missing.command)));
            }
            fold(&mut out, "Capture next", &list);
        }
        out
    }
}

/// The lines that everybody reads.
fn top(diagnosis: &Diagnosis, look: &Look) -> String {
    let mut out = format!("**{}**: {}\n", diagnosis.verdict.word(), safe(&diagnosis.headline));
    if look.detail == Detail::Quiet {
        return out;
    }
    out.push('\n');
    let mut item = |label: &str, text: Option<String>| {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            out.push_str(&format!("- **{label}**: {}\n", safe(&text)));
        }
    };
    if let Some(pid) = look.pid {
        item("pid", Some(summary::of_pid(diagnosis, pid).join("; ")));
    }
    match diagnosis.findings.iter().find(|f| f.claim.class != Class::Note) {
        Some(finding) => {
            let (report, _) = home(diagnosis, finding);
            let claim = &finding.claim;
            item("grade", Some(format!("{}: {}", finding.grade.grade.word(), finding.grade.because.join("; "))));
            item("process", claim.owner.as_ref().map(|o| summary::process(o, report)));
            item("count", summary::count(finding, report));
            item(summary::whither(finding), summary::remotes(finding, 3));
            item("do now", Some(claim.now.join("; ")));
            item(
                "do not",
                Some(advice::avoid(claim).iter().map(|a| a.strip_prefix("do not ").unwrap_or(a)).collect::<Vec<_>>().join("; ")),
            );
        }
        None => {
            item("captured", diagnosis.reports.first().map(summary::covered));
            item("counted", diagnosis.reports.first().filter(|r| !r.counted.is_empty()).map(|r| r.counted.join("; ")));
            let missing = diagnosis.next.first().filter(|_| diagnosis.verdict == Verdict::Inconclusive);
            item("capture next", missing.map(|m| m.what.clone()));
        }
    }
    item("ruled out", super::worst(diagnosis).and_then(summary::ruled_out));
    item("disagree", summary::disagreements(diagnosis));
    out.push('\n');
    out.push_str(&made_of(diagnosis));
    out
}

/// The tool, and the inputs with their digests.
fn made_of(diagnosis: &Diagnosis) -> String {
    let name = |s: &Source| {
        let digest = if s.walked.sha256.is_empty() { String::new() } else { format!(", SHA-256 {}", span(&s.walked.sha256)) };
        format!("{}{digest}", span(&s.name))
    };
    let shown: Vec<String> = diagnosis.sources.iter().take(4).map(name).collect();
    let more = diagnosis.sources.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("sockdiag {}, read from {}{more}\n", env!("CARGO_PKG_VERSION"), shown.join("; "))
}

fn details(diagnosis: &Diagnosis, finding: &Finding) -> String {
    let (_, source) = home(diagnosis, finding);
    let claim = &finding.claim;
    let mut out = format!("{}\n\n", safe(&sentence(finding)));
    let mut list = |word: &str, all: &[Evidence]| {
        for evidence in all {
            let at = if evidence.at.is_empty() { String::new() } else { format!(" ({})", safe(&summary::places(source, &evidence.at, 3))) };
            out.push_str(&format!("- {word}: {}{at}\n", safe(&evidence.says)));
        }
    };
    list("for", &claim.evidence);
    list("against", &claim.against);
    for missing in &claim.missing {
        out.push_str(&format!("- missing: {} would {}: {}\n", safe(&missing.what), safe(&missing.would), span(&missing.command)));
    }
    for rival in &finding.rivals {
        out.push_str(&format!("- rival: {}: {}\n", safe(rival.code), safe(&rival.says)));
    }
    for fix in &claim.fix {
        out.push_str(&format!("- fix: {}\n", safe(fix)));
    }
    quoted(&mut out, source, claim.evidence.iter().chain(&claim.against).flat_map(|e| &e.at));
    out
}

/// The rows in a fence, each once.
fn quoted<'q>(out: &mut String, source: Option<&Source>, quotes: impl Iterator<Item = &'q Quote>) {
    let mut rows: Vec<&Quote> = Vec::new();
    for quote in quotes {
        if !rows.iter().any(|q| q.at == quote.at) && rows.len() < ROWS {
            rows.push(quote);
        }
    }
    if rows.is_empty() {
        return;
    }
    let text: Vec<String> = rows.iter().map(|q| format!("{}:{}: {}", harmless(&path_of(source, q)), q.at.line, row(&q.text()))).collect();
    out.push('\n');
    out.push_str(&fence(&text.join("\n")));
}

fn host(source: Option<&Source>, report: &HostReport, detail: Detail) -> String {
    let mut out = String::new();
    for suspect in &report.ruled_out {
        let word = if suspect.exclusion.out { "ruled out" } else { "not ruled out" };
        let says = suspect.exclusion.says.strip_prefix("cannot be ruled out: ").unwrap_or(&suspect.exclusion.says);
        out.push_str(&format!("- {word}: {}: {}\n", safe(suspect.code), safe(says)));
    }
    for check in report.checks.iter().filter(|c| detail == Detail::Full || c.status == Status::Disagree) {
        out.push_str(&format!("- {}: {}: {}\n", check.status.word(), safe(check.code), safe(&check.says)));
    }
    for (says, _) in &report.remarks {
        out.push_str(&format!("- {}\n", safe(says)));
    }
    let b = &report.books;
    let figures = [&b.used, &b.alloc, &b.unhashed, &b.closed, &b.inuse6];
    quoted(&mut out, source, figures.into_iter().flatten().flat_map(|f| &f.at));
    out
}

fn class(finding: &Finding) -> &'static str {
    match finding.claim.class {
        Class::Leak => "leak",
        Class::Exhaustion => "exhaustion",
        Class::Note => "note",
    }
}

/// A folded part. The blank lines make trackers read what is inside as Markdown.
fn fold(out: &mut String, title: &str, inside: &str) {
    if inside.trim().is_empty() {
        return;
    }
    let title = harmless(title).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // HTML has no code span that keeps `@name` from calling somebody, so a title holds plain words only.
    let title: String =
        title.chars().map(|c| if matches!(c, '@' | '#' | '`' | '[' | ']' | '{' | '}' | '|' | '!' | '~') { '_' } else { c }).collect();
    out.push_str(&format!("\n<details><summary>{title}</summary>\n\n{}\n\n</details>\n", inside.trim_end()));
}

/// Prose with each word that is not plain in a code span.
pub fn safe(text: &str) -> String {
    let text = harmless(text);
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let lead = word.len() - word.trim_start_matches('(').len();
        let (lead, rest) = word.split_at_checked(lead).unwrap_or(("", word));
        let core = rest.trim_end_matches([')', ',', ';', ':', '.']);
        let tail = rest.get(core.len()..).unwrap_or("");
        words.push(if core.is_empty() || is_plain(core) || is_option(core) && !words.is_empty() {
            word.to_string()
        } else {
            format!("{lead}{}{tail}", span(core))
        });
    }
    words.join(" ")
}

/// Whether no tracker sees more in a word than a word.
fn is_plain(word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '-' | '\'' | '%' | ';' | '(' | ')');
    let starts = word.starts_with(|c: char| c.is_alphanumeric());
    // A name with dots may be a host name that is made a link; digits and hyphens are fine.
    let linked = word.contains('.') && word.chars().any(char::is_alphabetic);
    // GH-12 and ABC-12 are references to tickets.
    let ticket = word
        .split_once('-')
        .is_some_and(|(a, b)| !a.is_empty() && a.bytes().all(|c| c.is_ascii_uppercase()) && b.starts_with(|c: char| c.is_ascii_digit()));
    starts && word.chars().all(inside) && !linked && !ticket
}

/// `-n`, and the sign between two names: plain, except where a line begins.
fn is_option(word: &str) -> bool {
    word == "=" || word.strip_prefix('-').is_some_and(|w| w.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A code span that its text cannot end.
pub fn span(text: &str) -> String {
    let text = tame(&harmless(text));
    if text.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_ticks(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A fence that its text cannot end.
fn fence(text: &str) -> String {
    let text = tame(text);
    let ticks = "`".repeat((longest_ticks(&text) + 1).max(3));
    format!("{ticks}text\n{text}\n{ticks}\n")
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Jira knows no code spans: its macros and mentions are broken by a backslash, which Jira hides and others show.
fn tame(text: &str) -> String {
    let mut out = text.replace("[~", "[\\~");
    for name in ["code", "noformat", "quote", "panel", "color", "html", "include", "excerpt", "jira"] {
        out = out.replace(&format!("{{{name}"), &format!("\\{{{name}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_and_others_are_fenced() {
        assert_eq!(safe("java (pid 4684) leaks 157,624 TCP sockets"), "java (pid 4684) leaks 157,624 TCP sockets");
        assert_eq!(safe("toward 10.0.0.5:9092 (broker 5)."), "toward `10.0.0.5:9092` (broker 5).");
        assert_eq!(
            safe("@root #12 !3 a|b <b> tcp_tw_* /close www.x.org GH-12"),
            "`@root` `#12` `!3` `a|b` `<b>` `tcp_tw_*` `/close` `www.x.org` `GH-12`"
        );
        assert_eq!(safe("in CLOSE-WAIT"), "in CLOSE-WAIT");
    }

    #[test]
    fn no_text_leaves_its_span_or_fence() {
        assert_eq!(span("a`b"), "``a`b``");
        assert_eq!(span("``"), "``` `` ```");
        assert_eq!(fence("```\n@all"), "````text\n```\n@all\n````\n");
        assert_eq!(span("{code}[~ann]"), "`\\{code}[\\~ann]`");
        assert!(!span("a\nb\u{202e}").contains(['\n', '\u{202e}']));
    }

    #[test]
    fn a_title_holds_no_html() {
        let mut out = String::new();
        fold(&mut out, "of </summary>@x", "text");
        assert!(out.contains("<summary>of &lt;/summary&gt;_x</summary>"), "{out}");
    }
}
