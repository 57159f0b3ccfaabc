//! TCP sockets in no table that no listed process holds, where the kernel's own counters rose with them: how they end needs no owner.

use super::Case;
use super::claim::{Claim, Class, Evidence, Missing, Strength, Witnessed};
use super::say::number;
use super::support::{self, near};
use crate::ledger::Kind;

/// Fewer more of them may be races of two readings.
const MORE: i64 = 50;
/// Fewer in all are no pile.
const MANY: i64 = 100;

/// How the kernel's counters say that they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As many attempts failed.
    Failed,
    /// As many connections were reset.
    Reset,
    /// Far fewer connections were opened at all.
    Never,
}

/// How they end, with the evidence: their own growth, and the counter that rose as they did or did not.
pub(super) fn told(case: &Case<'_>) -> Option<(End, Vec<Evidence>)> {
    let books = &case.ledger.books;
    let rest = case.ledger.unexplained().filter(|&n| n >= MANY && !books.unhashed_is_bound && books.foreign.is_none())?;
    let here = books.held_unhashed()?;
    let rise = case.unhashed_rise().filter(|f| f.value >= MORE && f.value <= rest)?;
    if super::kernel_leak::shown(case).is_some() || rest * 10 < here * 3 {
        return None;
    }
    let more = u64::try_from(rise.value).ok()?;
    let delta = |name| case.delta(name).filter(|f| f.value >= 0);
    let (fails, resets) = (delta("snmp.tcp.attempt_fails")?, delta("snmp.tcp.estab_resets")?);
    let as_many = |n: i64| near(n.unsigned_abs(), more, 15);
    let few = |n: i64| n.unsigned_abs() * 4 < more;
    let (end, figure, what) = if as_many(fails.value) && few(resets.value) {
        (End::Failed, fails, "failed connection attempts rose")
    } else if as_many(resets.value) && few(fails.value) {
        (End::Reset, resets, "resets of established connections rose")
    } else {
        let (active, passive) = (delta("snmp.tcp.active_opens")?, delta("snmp.tcp.passive_opens")?);
        let opened = crate::ledger::Figure::of(active.value.saturating_add(passive.value), &[&active, &passive]);
        // The count of TCP sockets is of all namespaces, that of connections of this one: only if its own sockets rose as much are they here.
        let here = delta("sockstat.sockets.used").is_some_and(|used| as_many(used.value));
        if !here || !few(opened.value) || !few(fails.value) {
            return None;
        }
        (End::Never, opened, "connections, opened and accepted, rose only")
    };
    let grew = format!("between the readings TCP sockets in no table rose by {} to {}", number(rise.value), number(here));
    let counted = format!("in the same time {what} by {}", number(figure.value));
    let evidence = vec![
        Evidence::new(Strength::Strong, Witnessed::Growth, grew, rise.at),
        Evidence::new(Strength::Strong, Witnessed::Counters, counted, figure.at),
    ];
    Some((end, evidence))
}

/// The claim of the cause that explains such an end.
pub(super) fn claim(case: &Case<'_>, end: End, code: &'static str, says: &str, fix: &str) -> Option<Claim> {
    let (_, evidence) = told(case).filter(|(told, _)| *told == end)?;
    let mut claim = support::note(code, Class::Leak, says);
    (claim.kind, claim.count) = (Some(Kind::Closed), case.ledger.unexplained().map(|n| n.max(0) as u64));
    claim.evidence = evidence;
    claim.missing.push(Missing {
        what: "the descriptors of all processes".into(),
        would: "name the process that holds them".into(),
        command: "sudo lsof -nP +c0; for p in /proc/[0-9]*; do echo $p $(ls $p/fd | wc -l); done".into(),
    });
    claim.now = vec!["find the process that holds them: capture again as root, in the host's own namespaces".into()];
    claim.fix = vec![fix.into()];
    Some(claim)
}
