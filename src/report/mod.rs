//! What is drawn for people and scripts. All report formats draw one [`crate::diagnosis::Diagnosis`].
//!
//! A new format is one file here and one line in [`RENDERERS`].

mod advice;
pub mod facts;
pub mod harmless;
pub mod inspect;
pub mod json;
pub mod markdown;
mod marks;
mod page;
mod summary;
pub mod text;

use crate::capture::Quote;
use crate::causes::Class;
use crate::diagnosis::{Diagnosis, Finding, HostReport};
use crate::host::Source;

/// How much a report tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// One line.
    Quiet,
    /// The verdict, and the evidence that decides.
    #[default]
    Normal,
    /// All evidence, all checks, the whole ledger, all members.
    Full,
}

/// How a report is to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of a line.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
    /// How much it tells.
    pub detail: Detail,
    /// The process the reader asks about.
    pub pid: Option<u32>,
}

/// Draws a diagnosis in one format.
pub trait Renderer: Sync {
    /// The word after `--format`.
    fn id(&self) -> &'static str;
    /// The whole report, ending with a line end.
    fn render(&self, diagnosis: &Diagnosis, look: &Look) -> String;
}

/// Every format of a report; the first is the default.
pub static RENDERERS: &[&dyn Renderer] = &[&text::Text, &markdown::Markdown, &json::Json];

/// The renderer with this id.
pub fn by_id(id: &str) -> Option<&'static dyn Renderer> {
    RENDERERS.iter().copied().find(|r| r.id() == id)
}

impl Default for Look {
    fn default() -> Self {
        Look { width: 100, colour: false, detail: Detail::Normal, pid: None }
    }
}

/// What a finding says, one or two sentences.
pub fn sentence(finding: &Finding) -> String {
    match finding.claim.class {
        Class::Leak => crate::diagnosis::leak_sentence(finding),
        _ => crate::diagnosis::note_sentence(finding),
    }
}

/// The path of the member a quote stands in.
pub fn path_of(source: Option<&Source>, quote: &Quote) -> String {
    source.and_then(|s| s.members.get(quote.at.member.0 as usize)).map_or(String::new(), |m| m.path.clone())
}

/// The host that the first finding is about, or the first host.
pub fn worst(diagnosis: &Diagnosis) -> Option<&HostReport> {
    let host = diagnosis.findings.first().and_then(|f| f.hosts.first()).copied().unwrap_or(0);
    diagnosis.reports.get(host)
}

/// The first lines of the contract's `--format` words, for the command line.
pub fn ids() -> Vec<&'static str> {
    RENDERERS.iter().map(|r| r.id()).collect()
}

/// `path:line` of a quote.
fn place(source: Option<&Source>, quote: &Quote) -> String {
    format!("{}:{}", path_of(source, quote), quote.at.line)
}

/// The report and the input of a finding.
fn home<'d>(diagnosis: &'d Diagnosis, finding: &Finding) -> (Option<&'d HostReport>, Option<&'d Source>) {
    let report = finding.hosts.first().and_then(|&h| diagnosis.reports.get(h));
    (report, report.and_then(|r| diagnosis.sources.get(r.input)))
}
