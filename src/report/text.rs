//! The text report: the verdict and what to do on the first screen, below it the evidence, row by row, as the best compilers draw theirs.
//!
//! ```text
//! leak: java (pid 4684) leaks 157,624 TCP sockets in no connection state, left over by failed connects
//!   process    org.apache.flume.node.Application = java (pid 4684), user apps
//!   do now     make the endpoint reachable
//! ...
//! leak[connect-failed-not-closed]: java (pid 4684) leaks 157,624 TCP sockets
//!   --> lsof.txt:12
//!    |
//! 12 | java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol
//!    | ^^^^ ^^^^                                  ^^^^^^^^^^^^^^^^^^^^^^^
//!    = for: 157,624 TCP sockets of it are in no connection state (strong, listing)
//! ```

mod finding;
pub(super) mod host;
mod top;

use super::page::{Ink, Page};
use super::{Detail, Look, Renderer};
use crate::causes::Class;
use crate::diagnosis::{Diagnosis, Verdict};

/// Text, for people.
pub struct Text;

impl Renderer for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn render(&self, diagnosis: &Diagnosis, look: &Look) -> String {
        if look.detail == Detail::Quiet {
            let line = format!("{}: {}", diagnosis.verdict.word(), diagnosis.headline);
            return format!("{}\n", super::harmless::harmless(&line));
        }
        let mut page = Page::new(look.width, look.colour);
        top::first_screen(&mut page, diagnosis, look);
        for finding in diagnosis.findings.iter().filter(|f| f.hosts.len() > 1) {
            page.blank();
            finding::block(&mut page, diagnosis, finding, look.detail);
        }
        for (number, report) in diagnosis.reports.iter().enumerate() {
            if diagnosis.reports.len() > 1 {
                page.heading(&format!("host {}", report.label));
            }
            for finding in diagnosis.findings.iter().filter(|f| f.hosts == [number]) {
                page.blank();
                finding::block(&mut page, diagnosis, finding, look.detail);
            }
            host::part(&mut page, diagnosis, report, look);
        }
        if let Some(says) = diagnosis.left_out() {
            page.blank();
            page.line(Ink::Warn, &says);
        }
        lacking(&mut page, diagnosis);
        host::inputs(&mut page, diagnosis);
        page.finish()
    }
}

/// What to capture next, with the exact commands.
fn lacking(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.next.is_empty() {
        return;
    }
    page.heading(if diagnosis.verdict == Verdict::Healthy { "would add certainty" } else { "capture next" });
    for missing in &diagnosis.next {
        page.item(Ink::Label, "", &format!("{} would {}", missing.what, missing.would));
        page.command(6, &missing.command);
    }
}

/// The colour and the word of a class.
fn class(class: Class) -> (Ink, &'static str) {
    match class {
        Class::Leak => (Ink::Bad, "leak"),
        Class::Exhaustion => (Ink::Warn, "exhaustion"),
        Class::Note => (Ink::Info, "note"),
    }
}
