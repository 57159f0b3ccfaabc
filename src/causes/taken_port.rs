//! A port that one program wants and another holds without accepting there: a listening socket that was handed on to a child, which keeps it
//! after the program that opened it has ended.

use super::Case;
use super::backlog_overflow::{fullest, listener_owner};
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::fd_inherited::named;
use super::support;
use crate::capture::Quote;
use crate::ledger::Owner;

/// Such a port.
pub struct Taken {
    port: u16,
    /// Who holds it.
    pub holder: Owner,
    /// Who wants it.
    wants: u32,
    /// The line that says that it is taken.
    line: Quote,
    times: u64,
    /// The row of the listener.
    row: Quote,
    queue: u64,
}

/// The port whose queue nobody empties, if a log says that it is taken to the program whose command line names it, and the holder's does not.
pub fn find(case: &Case<'_>) -> Option<Taken> {
    let (listener, _) = fullest(case)?;
    let port = listener.local.port();
    let holder = listener_owner(case, listener).filter(|o| !names(&o.cmdline, port))?;
    let refused = case.told().find(|s| {
        let own = s.pid.is_some_and(|pid| holder.has(pid)) || (!s.program.is_empty() && s.program == holder.command);
        s.signature == "eaddrinuse" && !own && names(&s.first.text(), port)
    })?;
    let other = |p: &crate::capture::process::Proc| p.command != holder.command && p.program() != holder.program;
    let (&wants, _) = case.snapshot.processes.iter().find(|(_, p)| names(&p.cmdline, port) && other(p))?;
    let queue = listener.queue.unwrap_or(0);
    Some(Taken { port, holder, wants, line: refused.first.clone(), times: refused.count, row: listener.quote.clone(), queue })
}

/// What is worth knowing of it.
pub fn note(case: &Case<'_>) -> Option<Claim> {
    let taken = find(case)?;
    let Taken { port, queue, .. } = taken;
    let says = format!(
        "holds the socket that listens on port {port} and does not accept there: it may have inherited it from the program that opened it"
    );
    let mut claim = support::note("fd-inherited", Class::Note, says);
    let says = format!(
        "the log says {} that port {port} is taken, for which {} was started",
        support::times(taken.times),
        named(case, taken.wants)
    );
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, [taken.line]));
    let says = format!("{queue} connections wait on port {port}, which the command line of its holder does not name");
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, [taken.row]));
    claim.now = vec![format!("look who started {}; ending it frees the port", taken.holder.named())];
    claim.fix = vec!["create listening sockets with SOCK_CLOEXEC, or close all descriptors before starting another program".into()];
    claim.owner = Some(taken.holder);
    Some(claim)
}

/// Whether a text names a port, as a whole number.
pub(super) fn names(text: &str, port: u16) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|number| number.parse() == Ok(port))
}
