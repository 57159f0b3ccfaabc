//! One finding with its evidence: each row quoted once, the part that matters marked, what it says for or against below it.

use super::super::marks::{carets, mark};
use super::super::page::{Ink, Page};
use super::super::{Detail, advice, home, place, sentence, summary};
use crate::capture::Quote;
use crate::causes::{Class, Evidence, Strength, Witnessed};
use crate::diagnosis::{Diagnosis, Finding};
use crate::facts::Citation;
use crate::host::Source;
use crate::ledger::Kind;

/// Where rows are drawn, and which already were.
struct Drawing<'a> {
    page: &'a mut Page,
    source: Option<&'a Source>,
    kind: Option<Kind>,
    gutter: usize,
    drawn: Vec<Citation>,
    detail: Detail,
}

/// Draws a finding.
pub fn block(page: &mut Page, diagnosis: &Diagnosis, finding: &Finding, detail: Detail) {
    let claim = &finding.claim;
    let (report, source) = home(diagnosis, finding);
    let (ink, word) = super::class(claim.class);
    page.headline(ink, &format!("{word}[{}]", claim.code), &sentence(finding), 6);
    let all = || claim.evidence.iter().chain(&claim.against);
    let gutter = gutter(all().flat_map(|e| &e.at));
    let mut drawing = Drawing { page, source, kind: claim.kind, gutter, drawn: Vec::new(), detail };
    for evidence in &claim.evidence {
        drawing.evidence("for", evidence);
    }
    for evidence in &claim.against {
        drawing.evidence("against", evidence);
    }
    for missing in &claim.missing {
        page.note(gutter, "missing", &format!("{} would {}", missing.what, missing.would));
        page.command(gutter + 12, &missing.command);
    }
    for rival in &finding.rivals {
        page.note(gutter, "rival", &format!("{}: {}", rival.code, rival.says));
    }
    // What the first screen has told is not told again.
    let told = detail != Detail::Full && super::top::accused_one(diagnosis).is_some_and(|f| std::ptr::eq(f, finding));
    if let Some(remotes) = summary::remotes(finding, 8)
        && !(told && claim.remotes.len() <= 3)
    {
        page.note(gutter, summary::whither(finding), &remotes);
    }
    if let Some(owner) = &claim.owner {
        if !told {
            page.note(gutter, "process", &summary::process(owner, report));
        }
        if !owner.cmdline.is_empty() {
            let line = owner.cmdline.replace('\0', " ");
            let line = if detail == Detail::Full { line } else { super::super::harmless::cut(&line, 200) };
            page.note(gutter, "runs", &line);
        }
    }
    if claim.class != Class::Note || detail == Detail::Full {
        page.note(gutter, "grade", &format!("{}: {}", finding.grade.grade.word(), finding.grade.because.join("; ")));
    }
    if let Some((missing, _)) = finding.grade.lift.as_ref().filter(|_| detail == Detail::Full) {
        page.note(gutter, "most", &format!("{} would {}", missing.what, missing.would));
        page.command(gutter + 12, &missing.command);
    }
    for now in &claim.now {
        page.note(gutter, "now", now);
    }
    for fix in &claim.fix {
        page.note(gutter, "fix", fix);
    }
    for avoid in advice::avoid(claim).into_iter().filter(|_| !told) {
        page.note(gutter, "do not", avoid.strip_prefix("do not ").unwrap_or(avoid));
    }
}

/// Draws rows on their own, under something that they show.
pub fn rows(page: &mut Page, source: Option<&Source>, quotes: &[Quote], says: &str, most: usize) {
    let gutter = gutter(quotes.iter().take(most));
    let mut drawing = Drawing { page, source, kind: None, gutter, drawn: Vec::new(), detail: Detail::Normal };
    for quote in quotes.iter().take(most) {
        drawing.row(quote, says);
    }
}

impl Drawing<'_> {
    fn evidence(&mut self, word: &str, evidence: &Evidence) {
        let most = if self.detail == Detail::Full { usize::MAX } else { 1 };
        let mut also = Vec::new();
        for (n, quote) in evidence.at.iter().enumerate() {
            if self.drawn.contains(&quote.at) || n >= most {
                also.push(place(self.source, quote));
            } else {
                self.row(quote, &evidence.says);
            }
        }
        also.dedup();
        let also = match also.as_slice() {
            [] => String::new(),
            places => format!(" [{}]", places.join(", ")),
        };
        let by = format!("{}, {}", strength(evidence.strength), witness(evidence.by));
        self.page.note(self.gutter, word, &format!("{} ({by}){also}", evidence.says));
    }

    fn row(&mut self, quote: &Quote, says: &str) {
        let arrow = if self.drawn.is_empty() { "-->" } else { ":::" };
        self.drawn.push(quote.at);
        let gutter = self.gutter;
        self.page.arrow(gutter, arrow, &place(self.source, quote));
        self.page.framed(gutter, None, Ink::Plain, "");
        let marked = mark(&quote.text(), says, self.kind, self.page.width.saturating_sub(gutter + 3));
        self.page.framed(gutter, Some(quote.at.line), Ink::Plain, &marked.text);
        self.page.framed(gutter, None, Ink::Warn, &carets(&marked.marks));
    }
}

/// Columns of the largest line number.
fn gutter<'q>(quotes: impl Iterator<Item = &'q Quote>) -> usize {
    quotes.map(|q| q.at.line).max().unwrap_or(0).to_string().len().max(2)
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Weak => "weak",
        Strength::Moderate => "moderate",
        Strength::Strong => "strong",
        Strength::Decisive => "decisive",
    }
}

fn witness(by: Witnessed) -> &'static str {
    match by {
        Witnessed::Listing => "descriptors",
        Witnessed::Table => "socket table",
        Witnessed::Books => "kernel's socket counts",
        Witnessed::Trace => "trace",
        Witnessed::Dump => "thread dump",
        Witnessed::Log => "log",
        Witnessed::Counters => "kernel's event counters",
        Witnessed::Growth => "growth between captures",
        Witnessed::Limit => "limits",
        Witnessed::Kernel => "kernel log",
    }
}
