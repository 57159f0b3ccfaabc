//! What a report tells of one host below its findings: the ledger, the checks, what is ruled out, what the capture lacks.

use super::super::page::{Ink, Page};
use super::super::{Detail, Look, place, summary};
use super::finding::rows;
use crate::bundle::MemberEnd;
use crate::capture::Member;
use crate::causes::number;
use crate::checks::Status;
use crate::diagnosis::{Diagnosis, HostReport};
use crate::host::Source;
use crate::ledger::{Figure, Kind, Pile};

/// Piles shown where not all are.
const PILES: usize = 6;

/// The parts of one host, in the order in which a doubt is followed up.
pub fn part(page: &mut Page, diagnosis: &Diagnosis, report: &HostReport, look: &Look) {
    let (source, detail) = (diagnosis.sources.get(report.input), look.detail);
    ledger(page, source, report);
    piles(page, report, look);
    traces(page, source, report);
    checks(page, source, report, detail);
    ruled_out(page, source, report);
    remarks(page, source, report);
    if detail == Detail::Full {
        members(page, source, report);
    }
}

/// The inputs, by name and digest: what the report was made of.
pub fn inputs(page: &mut Page, diagnosis: &Diagnosis) {
    page.blank();
    for input in summary::inputs(&diagnosis.sources) {
        page.line(Ink::Plain, &format!("sockdiag {} read {input}", env!("CARGO_PKG_VERSION")));
    }
}

/// The kernel's counts against what was seen.
fn ledger(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    let b = &report.books;
    let used = used_scope(report.kernel.as_deref());
    let hashed4 = if b.inuse6.is_some() || b.ss_hashed.is_some() { "IPv4" } else { "IPv4 only; IPv6 was not captured" };
    let kernel: [(String, &str, &Option<Figure>); 9] = [
        ("sockets in use".into(), used, &b.used),
        ("TCP sockets allocated".into(), "host", if b.alloc.is_some() { &b.alloc } else { &b.ss_alloc }),
        (format!("  in a connection table, {hashed4}"), "netns", &b.inuse4),
        ("  in a connection table, IPv6".into(), "netns", &b.inuse6),
        ("  in a connection table, by ss".into(), "netns", &b.ss_hashed),
        ("  orphaned (no descriptor)".into(), "host", &b.orphan),
        (
            format!("  in no table{}{}", closed_minus_timewait(b), if b.unhashed_is_bound { ", at most" } else { "" }),
            "host-netns",
            &b.unhashed,
        ),
        ("TIME-WAIT entries (not allocated)".into(), "netns", &b.timewait),
        ("UDP sockets".into(), "netns", &b.udp),
    ];
    let mut lines: Vec<[String; 4]> = Vec::new();
    for (what, scope, figure) in kernel {
        let Some(figure) = figure else { continue };
        let in_no_table = what.starts_with("  in no table");
        // The kernel sums up counters of its CPUs while they change: less than none is none.
        let value = if in_no_table { figure.value.max(0) } else { figure.value };
        lines.push([what, number(value), scope.to_string(), summary::places(source, &figure.at, 2)]);
        if in_no_table {
            lines.extend(held(source, report));
        }
    }
    if !report.states.is_empty() {
        let states: Vec<String> = report.states.iter().map(|(s, n)| format!("{} {}", s.word(), number(*n))).collect();
        let whole = if report.states_whole { "" } else { " (rows may be missing)" };
        lines.push([format!("TCP rows by state{whole}"), String::new(), String::new(), states.join(", ")]);
    }
    if lines.is_empty() {
        return;
    }
    page.heading("the ledger: what the kernel counts, and where it was seen");
    table(page, &["", "sockets", "scope", "seen in"], &lines, 1);
    if let Some(why) = &b.foreign {
        page.item(Ink::Warn, "other namespaces", why);
    }
}

/// How the figure comes about, where `ss -s` gives its two parts.
fn closed_minus_timewait(b: &crate::ledger::Books) -> String {
    match (&b.closed, &b.timewait, &b.unhashed) {
        (Some(c), Some(t), Some(u)) if c.value - t.value == u.value => {
            format!(" ({} closed - {} timewait)", number(c.value), number(t.value))
        }
        _ => String::new(),
    }
}

/// Who holds the sockets that are in no table, and what nobody explains.
fn held(source: Option<&Source>, report: &HostReport) -> Vec<[String; 4]> {
    let mut lines = Vec::new();
    for pile in report.piles.iter().filter(|p| p.kind == Kind::Closed).take(4) {
        let first = pile.words.iter().find_map(|w| w.quote.as_ref()).or(pile.traits.quotes.first());
        let at = first.map_or(String::new(), |q| place(source, q));
        lines.push([format!("    held by {}", summary::holder(pile)), number(pile.count as i64), "process".into(), at]);
    }
    if let Some(rest) = report.unexplained.filter(|&rest| rest >= 0 || !lines.is_empty()) {
        let what = if rest < 0 { "    held, but not counted" } else { "    unexplained" };
        lines.push([what.into(), number(rest.abs()), String::new(), String::new()]);
    }
    lines
}

/// `sockets: used` counts the host up to Linux 4.15 and the namespace since.
fn used_scope(kernel: Option<&str>) -> &'static str {
    let version = kernel.and_then(|k| {
        let mut parts = k.split(|c: char| !c.is_ascii_digit());
        Some((parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?))
    });
    match version {
        Some(v) if v >= (4, 16) => "netns",
        Some(_) => "host",
        None => "host|netns",
    }
}

/// What traces show of sockets being created and closed.
fn traces(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    let telling = report.traces.iter().filter(|t| t.created > 0);
    let lines: Vec<[String; 4]> = telling
        .map(|t| {
            let path = source.and_then(|s| s.members.get(t.at.member.0 as usize)).map_or("", |m| m.path.as_str());
            let whose = t.pid.map_or(String::new(), |pid| format!("pid {pid}"));
            let says = format!("{} of {} sockets", number(t.open as i64), number(t.created as i64));
            [path.to_string(), whose, format!("{} calls", number(t.calls as i64)), says]
        })
        .collect();
    if lines.is_empty() {
        return;
    }
    page.heading("traces: sockets created in them and open at their end");
    table(page, &["", "process", "calls", "left open"], &lines, 1);
}

/// Who holds most of what.
fn piles(page: &mut Page, report: &HostReport, look: &Look) {
    let full = look.detail == Detail::Full;
    let mut shown: Vec<(usize, &Pile)> = report.piles.iter().enumerate().filter(|(_, p)| full || p.kind != Kind::File).collect();
    if shown.is_empty() {
        return;
    }
    shown.sort_by_key(|(_, p)| !look.pid.is_some_and(|pid| p.held_by(pid)));
    let (all, most) = (shown.len(), if full { usize::MAX } else { PILES });
    let lines: Vec<[String; 4]> = shown
        .into_iter()
        .take(most)
        .map(|(n, p)| {
            // Rows of a socket that several processes share are counted for each; where each end has one, none has most.
            let copies = (p.traits.remotes.total() / p.count.max(1)).max(1);
            let top = report.remotes.get(&n).and_then(|r| r.first()).map(|(e, n)| (e, n / copies)).filter(|(_, n)| *n > 1 || p.count == 1);
            let remote = top.map_or(String::new(), |(e, n)| format!("{e} ({})", number(n as i64)));
            let seen = summary::words(p);
            let seen = if remote.is_empty() { seen } else { format!("{seen}; most toward {remote}") };
            [summary::holder(p), number(p.count as i64), p.kind.word().to_string(), seen]
        })
        .collect();
    page.heading("who holds most");
    table(page, &["", "sockets", "kind", "counted by"], &lines, 1);
    if all > lines.len() {
        page.line(Ink::Plain, &format!("  and {} smaller ones (-v)", all - lines.len()));
    }
}

fn checks(page: &mut Page, source: Option<&Source>, report: &HostReport, detail: Detail) {
    if report.checks.is_empty() {
        return;
    }
    let of = |s: Status| report.checks.iter().filter(|c| c.status == s).count();
    let (agree, disagree, skipped) = (of(Status::Agree), of(Status::Disagree), of(Status::Skipped));
    page.heading(&format!("checks between sources: {agree} agree, {disagree} disagree, {skipped} not possible"));
    for check in &report.checks {
        match check.status {
            Status::Disagree => {
                page.item(Ink::Warn, &format!("disagree[{}]", check.code), &check.says);
                rows(page, source, &check.at, &check.says, if detail == Detail::Full { usize::MAX } else { 2 });
            }
            status if detail == Detail::Full => {
                let at = summary::places(source, &check.at, 3);
                let at = if at.is_empty() { String::new() } else { format!(" [{at}]") };
                page.item(Ink::Label, &format!("{}[{}]", status.word(), check.code), &format!("{}{at}", check.says));
            }
            _ => {}
        }
    }
}

fn ruled_out(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    if report.ruled_out.is_empty() {
        return;
    }
    page.heading("what people suspect first");
    for suspect in &report.ruled_out {
        let (ink, word) = if suspect.exclusion.out { (Ink::Good, "ruled out") } else { (Ink::Warn, "not ruled out") };
        let at = summary::places(source, &suspect.exclusion.at, 2);
        let at = if at.is_empty() { String::new() } else { format!(" [{at}]") };
        let says = suspect.exclusion.says.strip_prefix("cannot be ruled out: ").unwrap_or(&suspect.exclusion.says);
        page.item(ink, &format!("{word}[{}]", suspect.code), &format!("{says}{at}"));
    }
}

fn remarks(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    let walked = source.map(|s| &s.walked);
    let cut = walked.and_then(|w| w.cut.as_ref());
    let notes = walked.map_or(&[][..], |w| &w.notes);
    if report.remarks.is_empty() && cut.is_none() && notes.is_empty() {
        return;
    }
    page.heading("of the capture");
    if let Some(cut) = cut {
        page.item(Ink::Warn, "cut", &format!("{cut}; what was read until there counts"));
    }
    for (says, quote) in &report.remarks {
        let row = quote.as_ref().filter(|q| !q.text().trim().is_empty());
        let row = row.map_or(String::new(), |q| format!(" (line {}: {})", q.at.line, super::super::harmless::cut(q.text().trim(), 80)));
        page.item(Ink::Plain, "", &format!("{says}{row}"));
    }
    for note in notes.iter().take(12) {
        page.item(Ink::Plain, "", note);
    }
    if notes.len() > 12 {
        page.item(Ink::Plain, "", &format!("and {} more notes on the archive", notes.len() - 12));
    }
}

fn members(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    let Some(source) = source else { return };
    let lines: Vec<[String; 4]> = source.members.iter().filter(|m| super::super::json::belongs(m, report)).map(member).collect();
    page.heading("members");
    table(page, &["", "rows", "format", ""], &lines, 1);
}

fn member(member: &Member) -> [String; 4] {
    let reading = &member.reading;
    let mut notes = Vec::new();
    match &member.end {
        MemberEnd::Whole => {}
        MemberEnd::Cut(why) => notes.push(format!("cut: {why}")),
        MemberEnd::Skipped(why) => notes.push(format!("not read: {why}")),
        MemberEnd::Link(to) => notes.push(format!("link to {to}")),
    }
    if reading.unparsed() > 0 {
        notes.push(format!("{} of {} lines not understood", reading.unparsed(), reading.lines));
    }
    [member.path.clone(), number(reading.rows() as i64), reading.format().to_string(), notes.join("; ")]
}

/// A table without lines: the first column is cut to leave room, one column is aligned to the right, the last one is wrapped.
pub fn table(page: &mut Page, heads: &[&str; 4], lines: &[[String; 4]], right: usize) {
    use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(page.width.saturating_sub(2)).unwrap_or(u16::MAX));
    table.set_header(heads.iter().map(|h| h.to_string()));
    let widest = page.width * 45 / 100;
    for line in lines {
        let mut cells = line.iter().map(|c| super::super::harmless::harmless(c).into_owned()).collect::<Vec<_>>();
        if let Some(first) = cells.first_mut() {
            *first = super::super::harmless::cut(first, widest);
        }
        table.add_row(cells);
    }
    if let Some(column) = table.column_mut(right) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for n in 0..3 {
        if let Some(column) = table.column_mut(n) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if let Some(column) = table.column_mut(3) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(16)));
    }
    for (n, line) in table.lines().enumerate() {
        page.line(if n == 0 { Ink::Label } else { Ink::Plain }, &format!(" {line}"));
    }
}
