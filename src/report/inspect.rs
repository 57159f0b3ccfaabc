//! What an input holds: per member its format, what was read and what not, and per number which line it was taken from (`sockdiag inspect`).

use super::page::{Ink, Page};
use super::text::host::table;
use super::{Look, place, summary};
use crate::bundle::MemberEnd;
use crate::capture::Member;
use crate::causes::number;
use crate::diagnosis::{Diagnosis, HostReport};
use crate::host::Source;
use crate::ledger::Figure;

/// The text of `inspect`.
pub fn text(diagnosis: &Diagnosis, look: &Look) -> String {
    let mut page = Page::new(look.width, look.colour);
    for (n, source) in diagnosis.sources.iter().enumerate() {
        if n > 0 {
            page.blank();
        }
        input(&mut page, source);
    }
    for report in &diagnosis.reports {
        host(&mut page, diagnosis.sources.get(report.input), report);
    }
    page.finish()
}

fn input(page: &mut Page, source: &Source) {
    let walked = &source.walked;
    let kind = if walked.kind.is_empty() { "input" } else { &walked.kind };
    page.line(Ink::Head, &format!("{}: {kind}, {} members", source.name, number(source.members.len() as i64)));
    if !walked.sha256.is_empty() {
        page.line(Ink::Plain, &format!("  sha256 {}", walked.sha256));
    }
    if let Some(cut) = &walked.cut {
        page.item(Ink::Warn, "cut", cut);
    }
    for note in &walked.notes {
        page.item(Ink::Plain, "note", note);
    }
    for member in &source.members {
        one(page, member);
    }
}

/// One member: what it is, then what was not understood.
fn one(page: &mut Page, member: &Member) {
    let reading = &member.reading;
    let format = reading.format();
    let ink = if format == "unknown" { Ink::Warn } else { Ink::Good };
    let mut said = format!("{format}, {} rows in {} lines", number(reading.rows() as i64), number(reading.lines));
    let several: Vec<String> = reading
        .sections
        .iter()
        .filter(|s| s.rows > 0)
        .map(|s| format!("{} from line {} ({} rows)", s.format, s.first_line, number(s.rows)))
        .collect();
    if several.len() > 1 {
        said.push_str(&format!("; holds {}", several.join(", ")));
    }
    if !member.tools.is_empty() {
        said.push_str(&format!("; made by {}", member.tools.join(", ")));
    }
    if reading.binary {
        said.push_str("; binary");
    }
    if let Some(time) = member.modified.and_then(|s| jiff::Timestamp::from_second(s).ok()) {
        said.push_str(&format!("; {time}"));
    }
    said.push_str(&match &member.end {
        MemberEnd::Whole if reading.cut_line && reading.lines > 1 => "; its last line has no end".to_string(),
        MemberEnd::Whole => String::new(),
        MemberEnd::Cut(why) => format!("; CUT: {why}"),
        MemberEnd::Skipped(why) => format!("; not read: {why}"),
        MemberEnd::Link(to) => format!("; link to {to}"),
    });
    if reading.long_lines > 0 {
        said.push_str(&format!("; {} lines too long to be read whole", number(reading.long_lines)));
    }
    page.item(ink, &member.path, &said);
    if reading.unparsed() == 0 || reading.binary {
        return;
    }
    let shown = &reading.unknown;
    page.line(Ink::Warn, &format!("      {} lines not understood, the first:", number(reading.unparsed() as i64)));
    let gutter = shown.iter().map(|(n, _)| *n).max().unwrap_or(0).to_string().len() + 6;
    for (line, text) in shown {
        let text = super::harmless::cut(&super::harmless::row(text), page.width.saturating_sub(gutter + 3));
        page.framed(gutter, Some(*line), Ink::Plain, &text);
    }
}

/// The numbers a diagnosis uses, each with the line it was taken from.
fn host(page: &mut Page, source: Option<&Source>, report: &HostReport) {
    let root = if report.root.is_empty() { String::new() } else { format!(" in {}", report.root) };
    page.heading(&format!("host {}{root}", report.label));
    let known = |label: &str, value: &Option<String>| format!("{label} {}", value.as_deref().unwrap_or("not captured"));
    page.item(
        Ink::Plain,
        "",
        &format!("{}, {}, {}", known("host name", &report.host), known("kernel", &report.kernel), known("time", &report.captured_at)),
    );
    page.item(Ink::Plain, "", &format!("captured: {}", summary::covered(report)));
    let b = &report.books;
    let data: [(&str, &Option<Figure>); 14] = [
        ("sockets in use", &b.used),
        ("TCP allocated (sockstat)", &b.alloc),
        ("TCP allocated (ss)", &b.ss_alloc),
        ("TCP hashed, IPv4", &b.inuse4),
        ("TCP hashed, IPv6", &b.inuse6),
        ("TCP hashed (ss)", &b.ss_hashed),
        ("TCP in no table", &b.unhashed),
        ("TCP closed (ss)", &b.closed),
        ("TCP established", &b.estab),
        ("TIME-WAIT", &b.timewait),
        ("TCP orphans", &b.orphan),
        ("TCP memory, pages", &b.mem),
        ("local ports (ss)", &b.ports),
        ("UDP sockets", &b.udp),
    ];
    let mut lines: Vec<[String; 4]> = data
        .iter()
        .filter_map(|(what, figure)| {
            figure.as_ref().map(|f| [what.to_string(), number(f.value), String::new(), summary::places(source, &f.at, 3)])
        })
        .collect();
    for pile in report.piles.iter().take(12) {
        let best = pile.words.iter().find(|w| w.count == pile.count);
        let used = best.map_or("several sources".to_string(), |w| {
            let at = w.quote.as_ref().map_or(String::new(), |q| format!(" from {}", place(source, q)));
            format!("{}{at}; candidates {}", w.source, summary::words(pile))
        });
        lines.push([summary::holder(pile), number(pile.count as i64), pile.kind.word().to_string(), used]);
    }
    if !lines.is_empty() {
        table(page, &["datum", "value", "", "taken from"], &lines, 1);
    }
}
