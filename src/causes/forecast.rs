//! When a pile that grows will reach a limit: of its process or of the host. A range, since a capture knows two points of the curve.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::Quote;
use crate::ledger::{Kind, Pile};

/// A limit of the host and what counts against it.
#[derive(Debug)]
pub struct HostLimit {
    /// The setting.
    pub name: &'static str,
    /// What it limits, as reports print it.
    pub of: &'static str,
    /// The counter of what is used.
    pub used: &'static str,
    /// The counters that hold the limit, best first.
    pub limits: &'static [&'static str],
}

/// Limits of the host that the kernel tells in counters.
pub const HOST_LIMITS: &[HostLimit] = &[
    HostLimit {
        name: "fs.file-max",
        of: "open files of the host",
        used: "file_nr.allocated",
        limits: &["file_nr.max", "sysctl.fs.file-max"],
    },
    HostLimit { name: "net.ipv4.tcp_mem", of: "pages of TCP buffers", used: "sockstat.tcp.mem", limits: &["sysctl.net.ipv4.tcp_mem.max"] },
    HostLimit {
        name: "net.ipv4.tcp_max_orphans",
        of: "orphaned TCP sockets",
        used: "sockstat.tcp.orphan",
        limits: &["sysctl.net.ipv4.tcp_max_orphans"],
    },
];
/// A limit that is further away than this is none: 30 days.
const FAR: u64 = 30 * 86_400;

/// The rate of growth, and how long until the limits. Nothing where no two dated snapshots show growth.
pub fn forecast(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let growth = case.growth(pile)?;
    let seconds = growth.seconds.filter(|_| !growth.hardly() && !super::course::closes(case, pile))?;
    let gained = growth.to.checked_sub(growth.from).filter(|&g| g >= 10)?;
    let mut says = format!("{} more in {}: about {}", number(gained as i64), span(seconds), rate(gained, seconds));
    let mut at = growth.at;
    let mut lead = "; at that rate";
    let limits = || own(pile, gained).into_iter().chain(ports(case, pile, gained)).chain(of_host(case));
    for (name, left, gained, quotes) in limits().filter(|_| lasts(pile.kind)) {
        let (low, high) = range(left, gained, seconds);
        if low < FAR {
            says.push_str(&format!("{lead} {name} is reached in {} to {}", span(low), span(high)));
            lead = ",";
            at.extend(quotes);
        }
    }
    Some(Evidence::new(Strength::Weak, Witnessed::Growth, says, at))
}

/// Whether sockets of a kind stay for as long as their program keeps them. A connect that nobody answers is given up by the kernel after some two
/// minutes (tcp_syn_retries, 6): how many come in the meantime is all that wait, and what is seen of their rise is its beginning.
fn lasts(kind: Kind) -> bool {
    kind != Kind::SynSent
}

/// A limit: its name, what is left, by how much its use grew, and the lines.
type Left = (String, u64, u64, Vec<Quote>);

/// The process's limit of open files.
fn own(pile: &Pile, gained: u64) -> Option<Left> {
    let (limit, quote) = pile.limit.as_ref()?;
    let (descriptors, _) = pile.at_least.as_ref()?;
    let left = limit.checked_sub(*descriptors).filter(|&n| n > 0)?;
    Some((format!("its limit of {} open files", number(*limit as i64)), left, gained, vec![quote.clone()]))
}

/// Local ports toward the one remote that a growing pile of connections is for.
fn ports(case: &Case<'_>, pile: &Pile, gained: u64) -> Option<Left> {
    let holds_ports = matches!(pile.kind, Kind::Established | Kind::CloseWait | Kind::FinWait) && pile.accepted != Some(true);
    let (remote, n) = pile.top_remote().filter(|(_, n)| holds_ports && n * 10 >= pile.count * 9)?;
    let all = u64::try_from(super::port_exhaustion::ports(case)).ok()?;
    let left = all.checked_sub(n).filter(|&n| n > 0)?;
    Some((format!("the last of {} local ports toward {}", number(all as i64), case.show(remote)), left, gained, Vec::new()))
}

/// Limits of the host whose use rose between the captures.
fn of_host(case: &Case<'_>) -> Vec<Left> {
    let one = |HostLimit { name, used, limits, .. }: &HostLimit| {
        let limit = limits.iter().find_map(|l| case.counter(l)).filter(|f| f.value > 0 && f.value < i64::MAX)?;
        let now = case.counter(used)?;
        let rose = u64::try_from(case.delta(used)?.value).ok().filter(|&n| n >= 10)?;
        let left = u64::try_from(limit.value.saturating_sub(now.value)).ok().filter(|&n| n > 0)?;
        let at = now.at.into_iter().chain(limit.at).take(2).collect();
        Some((format!("{name} ({} of {})", number(now.value), number(limit.value)), left, rose, at))
    };
    HOST_LIMITS.iter().filter_map(one).collect()
}

/// Seconds until `left` more are open, at the rate seen, a quarter faster or slower.
fn range(left: u64, gained: u64, seconds: u64) -> (u64, u64) {
    let at = left.saturating_mul(seconds) / gained.max(1);
    (at.saturating_mul(4) / 5, at.saturating_mul(4) / 3)
}

/// So many in so many seconds, by the shortest unit of which there are at least ten: `21 an hour`.
fn rate(gained: u64, seconds: u64) -> String {
    let by = |unit: u64| gained.saturating_mul(unit) / seconds.max(1);
    let units = [(60, "a minute"), (3600, "an hour"), (86_400, "a day")];
    let (unit, word) = units.into_iter().find(|&(unit, _)| by(unit) >= 10).unwrap_or((86_400, "a day"));
    format!("{} {word}", number(by(unit) as i64))
}

/// `40 s`, `12 min`, `5 h`, `3 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_around_the_rate_seen() {
        // 100 in 50 s, 1000 left: 500 s, a quarter faster or slower.
        assert_eq!(range(1000, 100, 50), (400, 666));
        assert_eq!(span(500), "8 min");
        assert_eq!(span(200_000), "2 days");
        assert_eq!(rate(82, 9), "546 a minute");
        assert_eq!(rate(170, 28_800), "21 an hour");
        assert_eq!(rate(10, 400_000), "2 a day");
    }
}
