//! How long each limit still lasts at the growth seen.
//!
//! Growth between two captures is a count of events, so it is itself uncertain: of `g` that came one by one, about 2·√g more or fewer
//! would have come as well (two standard deviations of a Poisson count). That gives a slowest and a fastest rate, and with them a
//! range of times. It says nothing of a load that changes.

use super::side::Side;
use crate::causes::{HOST_LIMITS, HostLimit};
use serde::Serialize;

/// Share of a limit from which it is told of even if it does not grow, in percent.
const WORTH: i64 = 50;

/// A limit.
#[derive(Debug, Serialize)]
pub struct Limit {
    /// Which: `descriptors of java (4684)`, `open files of the host`, ...
    pub name: String,
    /// Its source: `RLIMIT_NOFILE`, `fs.file-max`, ...
    pub limit_name: &'static str,
    /// Used in the old capture.
    pub old: Option<i64>,
    /// Used in the new capture.
    pub new: i64,
    /// The limit.
    pub limit: i64,
    /// Growth per second.
    pub per_second: Option<f64>,
    /// Seconds until it is reached; null where it does not grow or no rate is known.
    pub reached_in: Option<Span>,
}

/// A range of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// At the fastest rate the growth allows for.
    pub from: f64,
    /// At the slowest; null if that is none at all.
    pub to: Option<f64>,
}

/// All limits worth telling, the one that is reached first in front.
pub fn limits(old: &Side, new: &Side, seconds: Option<f64>) -> Vec<Limit> {
    let mut all = descriptors(old, new);
    let counter = |host: &HostLimit| {
        let limit = host.limits.iter().find_map(|l| new.counter(l)).filter(|l| *l > 0 && *l < i64::MAX)?;
        Some(Limit {
            name: host.of.into(),
            limit_name: host.name,
            old: old.counter(host.used),
            new: new.counter(host.used)?,
            limit,
            per_second: None,
            reached_in: None,
        })
    };
    all.extend(HOST_LIMITS.iter().filter_map(counter));
    if let Some((used, remote)) = &new.ports {
        let before = old.ports.as_ref().filter(|p| p.1 == *remote).map(|p| p.0 as i64);
        all.push(Limit {
            name: format!("local ports toward {remote}"),
            limit_name: "net.ipv4.ip_local_port_range",
            old: before,
            new: *used as i64,
            limit: new.port_range(),
            per_second: None,
            reached_in: None,
        });
    }
    for limit in &mut all {
        let growth = limit.old.map(|o| limit.new.saturating_sub(o));
        limit.per_second = growth.zip(seconds).map(|(g, s)| g as f64 / s);
        limit.reached_in = growth.zip(seconds).and_then(|(g, s)| span(limit.limit.saturating_sub(limit.new), g, s));
    }
    all.retain(|l| l.old.is_some_and(|o| l.new > o) || l.new.saturating_mul(100) >= l.limit.saturating_mul(WORTH));
    all.sort_by(|a, b| {
        let when = |l: &Limit| l.reached_in.map_or(f64::INFINITY, |s| s.from);
        when(a).total_cmp(&when(b)).then_with(|| a.name.cmp(&b.name))
    });
    all
}

fn descriptors(old: &Side, new: &Side) -> Vec<Limit> {
    let of = |(pid, (used, limit)): (&u32, &(u64, Option<u64>))| {
        let command = new.processes.get(pid).map_or("", String::as_str);
        let same = old.processes.get(pid).is_none_or(|c| c == command);
        let before = old.descriptors.get(pid).filter(|_| same);
        let limit = limit.or_else(|| before.and_then(|b| b.1))?;
        Some(Limit {
            name: format!("descriptors of {command} (pid {pid})"),
            limit_name: "RLIMIT_NOFILE",
            old: before.map(|b| b.0 as i64),
            new: *used as i64,
            limit: i64::try_from(limit).ok()?,
            per_second: None,
            reached_in: None,
        })
    };
    new.descriptors.iter().filter_map(of).collect()
}

/// The range of seconds in which `left` more come, if `growth` came in `seconds`.
fn span(left: i64, growth: i64, seconds: f64) -> Option<Span> {
    if growth <= 0 {
        return None;
    }
    let (left, growth) = (left.max(0) as f64, growth as f64);
    let noise = 2.0 * growth.sqrt();
    let slowest = growth - noise;
    Some(Span { from: left * seconds / (growth + noise), to: (slowest > 0.0).then(|| left * seconds / slowest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_narrows_as_growth_is_better_known() {
        assert_eq!(span(1000, 100, 10.0), Some(Span { from: 1000.0 * 10.0 / 120.0, to: Some(125.0) }));
        assert_eq!(span(1000, 4, 10.0), Some(Span { from: 1250.0, to: None }), "four may be none");
        assert_eq!(span(1000, 0, 10.0), None);
        assert_eq!(span(1000, -5, 10.0), None);
        assert_eq!(span(-3, 100, 10.0).map(|s| s.from), Some(0.0), "over the limit already");
    }

    #[test]
    fn each_limit_with_what_uses_it() {
        let mut old = Side::default();
        let mut new = Side::default();
        (old.processes, new.processes) = ([(7, "java".into())].into(), [(7, "java".into()), (8, "calm".into())].into());
        old.descriptors = [(7, (100, Some(1024)))].into();
        new.descriptors = [(7, (200, Some(1024))), (8, (10, Some(1024)))].into();
        old.counters = [("file_nr.allocated".into(), 1000), ("sockstat.tcp.orphan".into(), 3)].into();
        new.counters = [
            ("file_nr.allocated".into(), 1100),
            ("file_nr.max".into(), 100_000),
            ("sockstat.tcp.orphan".into(), 3),
            ("sysctl.net.ipv4.tcp_max_orphans".into(), 4),
        ]
        .into();
        new.ports = Some((20_000, "10.0.0.1:80".into()));
        let all = limits(&old, &new, Some(10.0));
        let names: Vec<&str> = all.iter().map(|l| l.limit_name).collect();
        assert_eq!(names, ["RLIMIT_NOFILE", "fs.file-max", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_max_orphans"]);
        assert_eq!((all[0].per_second, all[0].limit), (Some(10.0), 1024));
        assert!(all[2].reached_in.is_none(), "one reading is no growth");
    }

    #[test]
    fn a_pid_that_was_another_program_is_not_growth() {
        let mut old = Side::default();
        let mut new = Side::default();
        (old.processes, new.processes) = ([(7, "perl".into())].into(), [(7, "java".into())].into());
        (old.descriptors, new.descriptors) = ([(7, (1, Some(1024)))].into(), [(7, (900, Some(1024)))].into());
        assert_eq!(limits(&old, &new, Some(10.0))[0].old, None);
    }
}
