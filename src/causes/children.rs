//! Programs that start a process for each connection: none of them holds more than one or two, so that what they leave open shows only in
//! what stays. A child that serves ends; one that hangs keeps its connection from one sample to the next.

use super::bar::{self, Bar};
use super::case::Case;
use super::say::{many, number};
use super::turnover;
use crate::capture::Quote;
use crate::capture::table::Group;
use crate::ledger::{Kind, Pile};

/// Seconds in which a child that does its work has ended.
const LONG: u64 = 300;
/// Milliseconds without a word from the client after which nobody expects another.
const SILENT: u64 = 3_600_000;

/// Accepted connections, one or two in each of many processes, nearly all of which were there in an earlier sample.
pub struct Staying {
    /// What they did, as a sentence.
    pub says: String,
    /// Rows of both samples.
    pub at: Vec<Quote>,
}

/// Whether the connections of a program with a child for each stay; `None` where they do not, or where the samples do not tell.
pub fn staying(case: &Case<'_>, pile: &Pile) -> Option<Staying> {
    let (bar, growth) = (Bar::of(case, pile), case.growth(pile)?);
    let children = bar.processes > 1 && pile.count <= bar.processes.saturating_mul(bar::ordinary(pile.kind));
    let seconds = growth.seconds.filter(|&s| s >= LONG)?;
    if !children || pile.accepted != Some(true) || growth.replaced {
        return None;
    }
    let (first, still) = turnover::stayed_of(case, pile)?;
    if first < bar::threshold(case, pile.kind) || still * 20 < first * 19 || growth.to < growth.from {
        return None;
    }
    let more = growth.to.saturating_sub(growth.from);
    let of = if still < first { format!("{} of ", number(still as i64)) } else { String::new() };
    let came = if more == 0 { String::new() } else { format!(", and {} more came", number(more as i64)) };
    let span = super::forecast::span(seconds);
    let says = format!(
        "{of}the first {} are still there {span} later{came}: {} with one or two each, and hardly any has ended",
        number(first as i64),
        many(bar.processes, "process", "processes")
    );
    Some(Staying { says, at: growth.at })
}

/// Why nobody can tell whether connections that a program has a child for each of are in use: they stay, silent for long, with nothing that
/// would notice that the client is gone.
pub fn unheard(case: &Case<'_>, pile: &Pile) -> Option<String> {
    let t = &pile.traits;
    let silent = t.idle_known * 2 >= pile.count && t.idle_minute * 10 >= t.idle_known * 9 && t.idle_max_ms >= SILENT;
    if pile.kind != Kind::Established || !silent || !lacks_keepalive(case, pile) {
        return None;
    }
    Some(format!(
        "{}; they are silent, for up to {}, and no keepalive timer runs",
        staying(case, pile)?.says,
        super::forecast::span(t.idle_max_ms / 1000)
    ))
}

/// Whether hardly a row of a pile has a keepalive timer, in tables that show timers.
fn lacks_keepalive(case: &Case<'_>, pile: &Pile) -> bool {
    let groups = || case.snapshot.tables.iter().flat_map(|t| &t.groups);
    let shown = groups().any(|g| g.keepalive + g.retransmitting + g.timewait_timer > 0);
    let mine = |g: &&Group| Kind::of_socket(g.protocol, g.state) == Some(pile.kind) && g.owner.is_some_and(|pid| pile.held_by(pid));
    shown && groups().filter(mine).map(|g| g.keepalive).sum::<u64>() * 20 <= pile.count
}
