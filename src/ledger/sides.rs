//! Connections of one program that it accepted, and others that it opened: a proxy that forgets both sides has two piles, not one.

use super::kind::Kind;
use super::pile::{Pile, Ports};
use crate::capture::tops::Tops;
use crate::capture::{End, Quote, Snapshot};
use std::collections::BTreeSet;

/// Fewer of a side are other business of the program beside the pile.
const SOME: u64 = 20;
/// So many rows are looked at for those to put in front: reading one opens a block of text, and a report quotes two or three.
const LOOKED_AT: usize = 64;

/// Splits each pile of connections that their peers have closed whose rows are of both directions in number, by their local ports.
pub(super) fn split(snapshot: &Snapshot, listening: &Ports, piles: &mut Vec<Pile>) {
    let mut quoted: Vec<&mut Pile> = piles.iter_mut().filter(|p| p.count >= SOME && p.traits.quotes.len() > 1).collect();
    // In the order of their rows, of which those that stand together are opened together.
    quoted.sort_by_cached_key(|p| p.traits.quotes.first().map(|q| q.at));
    quoted.into_iter().for_each(telling_rows_first);
    if !piles.iter().any(may_be_both) {
        return;
    }
    let opened = opened(snapshot, listening);
    let mut others = Vec::new();
    for pile in piles.iter_mut().filter(|p| may_be_both(p)) {
        others.extend(take_opened(pile, listening, &opened));
    }
    if !others.is_empty() {
        piles.append(&mut others);
        piles.sort_by_key(|p| std::cmp::Reverse(p.count));
    }
}

fn may_be_both(pile: &Pile) -> bool {
    pile.kind == Kind::CloseWait && pile.accepted.is_some() && pile.count >= SOME * 2
}

/// Remote ends of connections whose local port nothing listens on.
fn opened(snapshot: &Snapshot, listening: &Ports) -> BTreeSet<End> {
    let rows = snapshot.tables.iter().flat_map(|t| &t.connections);
    rows.filter(|(local, ..)| !listening.has(local.port())).map(|(_, remote, _)| *remote).collect()
}

/// Takes out of a pile what the program opened, and leaves what it accepted; `None` where nearly all is of one side, or rows are not told.
fn take_opened(pile: &mut Pile, listening: &Ports, opened: &BTreeSet<End>) -> Option<Pile> {
    let total = pile.traits.locals.total();
    let accepted: u64 = pile.traits.locals.iter().filter(|(end, _)| listening.has(end.port())).map(|(_, n)| n).sum();
    let rest = total.saturating_sub(accepted);
    let told = total * 20 >= pile.count * 19 && total * 19 <= pile.count * 20;
    if !told || accepted < SOME || rest < SOME || accepted * 10 < total || rest * 10 < total {
        return None;
    }
    let far = |end: &End, n: u64| opened.contains(end) || (opened.is_empty() && n > 1);
    let mut other = pile.clone();
    let service = |q: &Quote| pile.traits.locals.iter().any(|(end, _)| listening.has(end.port()) && names_first(&q.text(), end.port()));
    let (theirs, ours): (Vec<Quote>, Vec<Quote>) = pile.traits.quotes.iter().cloned().partition(service);
    narrow(&mut other, rest.min(pile.count), total, |end| !listening.has(end.port()), far, ours);
    narrow(pile, pile.count.saturating_sub(rest), total, |end| listening.has(end.port()), |end, n| !far(end, n), theirs);
    (pile.accepted, other.accepted) = (Some(true), Some(false));
    Some(other)
}

/// Keeps `count` of a pile's sockets: those with such local and such remote ends.
fn narrow(pile: &mut Pile, count: u64, total: u64, local: impl Fn(End) -> bool, remote: impl Fn(&End, u64) -> bool, quotes: Vec<Quote>) {
    let whole = pile.count;
    let keep = |ends: &Tops<End>, pass: &dyn Fn(&End, u64) -> bool| {
        let mut kept = Tops::default();
        ends.iter().filter(|(end, n)| pass(end, *n)).for_each(|(end, n)| kept.add_many(end, n));
        kept
    };
    let mut locals = keep(&pile.traits.locals, &|end, _| local(*end));
    // Local ports that were not kept one by one are those of connections opened here.
    locals.add_rest(count.saturating_sub(locals.total()));
    locals.seal();
    let remotes = keep(&pile.traits.remotes, &remote);
    // What all rows have in common each side has; of anything else it is not told which rows have it.
    let of_all = |n: u64| if n >= total { count } else { 0 };
    let t = &mut pile.traits;
    (t.unread_one, t.unread) = (of_all(t.unread_one), if t.unread_one == 0 || t.unread_one >= total { of_all(t.unread) } else { 0 });
    (t.locals, t.remotes) = (locals, Tops::default());
    pile.set_remotes(remotes.iter());
    pile.words.retain(|w| w.count * 20 >= whole * 19 && w.count * 19 <= whole * 20);
    for word in &mut pile.words {
        word.count = count;
        word.quote = quotes.first().cloned();
    }
    // A row of the other side would be no evidence of this one.
    pile.traits.quotes = quotes;
    for (_, share) in pile.owner.iter_mut().flat_map(|o| &mut o.pids) {
        *share = share.saturating_mul(count) / whole.max(1);
    }
    pile.count = count;
}

/// Puts rows of the direction that most are of in front: a report quotes the first.
fn telling_rows_first(pile: &mut Pile) {
    let service = match pile.accepted {
        Some(true) => pile.traits.locals.first(),
        Some(false) => pile.top_remote(),
        None => None,
    };
    let Some(port) = service.map(|(end, _)| end.port()).filter(|&port| port != 0) else { return };
    let tells = if pile.accepted == Some(true) { names_first } else { names };
    let count = pile.traits.quotes.len().min(LOOKED_AT);
    let (rows, _) = pile.traits.quotes.split_at_mut(count);
    rows.sort_by_cached_key(|q| !tells(&q.text(), port));
}

/// Whether some end of a row has a port.
fn names(row: &str, port: u16) -> bool {
    let port = format!(":{port}");
    row.split(|c: char| c.is_whitespace() || c == '-' || c == '>').any(|word| word.ends_with(&port))
}

/// Whether the first of two ends that a row names has a port: the local one stands in front.
fn names_first(row: &str, port: u16) -> bool {
    let port = format!(":{port}");
    let ends = |word: &str| word.split("->").next().is_some_and(|first| first.ends_with(&port));
    row.split_whitespace().find(|w| w.contains(':') && w.contains(['.', '['])).is_some_and(ends)
}

#[cfg(test)]
mod tests {
    use super::names_first;

    #[test]
    fn the_local_end_of_a_row() {
        assert!(names_first("CLOSE-WAIT 1 0 10.51.0.4:3128 10.9.0.1:40001 users:((\"p\",pid=1,fd=9))", 3128));
        assert!(!names_first("CLOSE-WAIT 1 0 10.51.0.4:40100 10.53.0.8:3128", 3128));
        assert!(names_first("p 1 u 9u IPv4 7 0t0 TCP 10.51.0.4:3128->10.9.0.1:40001 (CLOSE_WAIT)", 3128));
    }
}
