//! Files of one command at several times, which only a date, a time or a number in their names tells apart: each is a sample, and never are
//! they added up as if each showed other sockets.
//!
//! ```text
//! ss_uanp_10h.txt, ss_uanp_14h.txt      two samples, 10h and 14h
//! ps_14h.txt                            lies beside the second
//! ```
//!
//! They show the same kind of table or the same process's descriptors. A time in the name tells samples, unless the processes contradict it;
//! a number, which may be a port or a thread, only where the rows are of the same sockets, or of the same processes and the numbers count up.

use super::snapshot::{Content, Marks, netns_of, process_of_net};
use super::{Member, Snapshot};
use crate::bundle::layout::Placement;
use crate::bundle::moments::{self, Kind};
use crate::facts::MemberId;
use std::collections::{BTreeMap, BTreeSet};

/// Samples of one snapshot, at most.
const MOST: usize = 256;
/// How many digits a number has at most that counts samples.
const DIGITS: usize = 2;
/// What the sample is called that has no word of time, where the others do.
const FIRST: &str = "first";

/// Snapshots by their places.
type Numbers = BTreeMap<(String, Option<String>), usize>;

/// Makes snapshots of their own of such files, `room` at most.
pub(super) fn part(snapshots: &mut Vec<Snapshot>, numbers: &mut Numbers, members: &[Member], mut room: usize) {
    let places: Vec<((String, Option<String>), usize)> = numbers.iter().map(|(key, n)| (key.clone(), *n)).collect();
    for ((root, sample), number) in places {
        let Some(snapshot) = snapshots.get(number) else { continue };
        let moments = moments_of(snapshot, members, &Placement { root: root.clone(), sample: sample.clone() });
        if moments.len() > room {
            continue;
        }
        for (moment, which) in moments {
            let key = (root.clone(), Some(sample.iter().map(String::as_str).chain([moment.as_str()]).collect::<Vec<_>>().join("/")));
            let Some(snapshot) = snapshots.get_mut(number).filter(|_| !numbers.contains_key(&key)) else { continue };
            let part = snapshot.part(|member| which.contains(&member));
            numbers.insert(key, snapshots.len());
            snapshots.push(part);
            room -= 1;
        }
    }
}

/// The moments that members of a snapshot are of, each with its members; empty where they are of one.
fn moments_of(snapshot: &Snapshot, members: &[Member], place: &Placement) -> BTreeMap<String, BTreeSet<MemberId>> {
    let mut moments: BTreeMap<String, BTreeSet<MemberId>> = BTreeMap::new();
    let mut timed = false;
    for (series, words, kind) in beside(snapshot, members) {
        let numbers: Vec<String> = std::iter::once("1".to_string()).chain(words.iter().cloned()).collect();
        if are_samples(snapshot, &series, &numbers, kind) {
            for (moment, id) in std::iter::once(FIRST.to_string()).chain(words).zip(series) {
                moments.entry(moment).or_default().insert(id);
            }
        }
    }
    if !moments.is_empty() {
        return moments;
    }
    for series in alike(snapshot, members) {
        let paths: Vec<&str> = series.iter().filter_map(|id| Some(members.get(id.0 as usize)?.path.as_str())).collect();
        let Some((told, kind)) = moments::apart(&paths).filter(|_| paths.len() == series.len() && paths.len() <= MOST) else { continue };
        if are_samples(snapshot, &series, &told, kind) {
            timed |= kind == Kind::Time;
            for (moment, id) in told.into_iter().zip(series) {
                moments.entry(moment).or_default().insert(id);
            }
        }
    }
    if timed {
        // What else was captured at one of the moments lies beside it.
        for (n, member) in members.iter().enumerate().filter(|(_, m)| m.place == *place) {
            let mut fits = moments.iter_mut().filter(|(moment, _)| moments::has(&member.path, moment));
            if let (Some((_, which)), None) = (fits.next(), fits.next()) {
                which.insert(MemberId(n as u32));
            }
        }
    }
    moments
}

/// Files without a word of time in their names, each with those beside it that show the same and have one: `ss.txt`, `ss-2.txt`, `ss-later.txt`.
fn beside(snapshot: &Snapshot, members: &[Member]) -> Vec<(Vec<MemberId>, Vec<String>, Kind)> {
    let mut shown: BTreeMap<Content, BTreeMap<&str, MemberId>> = BTreeMap::new();
    for (content, member) in snapshot.shown() {
        if let Some(m) = members.get(member.0 as usize).filter(|m| is_own(&m.path)) {
            shown.entry(content).or_default().insert(&m.path, member);
        }
    }
    let mut found: BTreeMap<MemberId, BTreeMap<MemberId, (String, Kind)>> = BTreeMap::new();
    for paths in shown.values().filter(|paths| paths.len() > 1) {
        for (path, id) in paths {
            if let Some((base, word, kind)) = moments::base(path)
                && let Some(first) = paths.get(base.as_str())
            {
                found.entry(*first).or_default().insert(*id, (word.to_string(), kind));
            }
        }
    }
    let series = |(first, others): (MemberId, BTreeMap<MemberId, (String, Kind)>)| {
        let mut others: Vec<(MemberId, (String, Kind))> = others.into_iter().collect();
        others.sort_by(|a, b| a.1.0.cmp(&b.1.0));
        let kind = others.iter().map(|(_, (_, kind))| *kind).min().unwrap_or(Kind::Number);
        let ids = std::iter::once(first).chain(others.iter().map(|(id, _)| *id)).collect();
        (ids, others.into_iter().map(|(_, (word, _))| word).collect(), kind)
    };
    found.into_iter().map(series).collect()
}

/// Whether a path is of no table of another namespace or process: of those there are as many as names, all of one moment.
fn is_own(path: &str) -> bool {
    netns_of(path).is_none() && process_of_net(path).is_none() && !path.contains("task")
}

/// Members that show the same tables or listings and whose names are of one pattern, as sets of two and more.
fn alike(snapshot: &Snapshot, members: &[Member]) -> Vec<Vec<MemberId>> {
    let mut shown: BTreeMap<Content, BTreeSet<MemberId>> = BTreeMap::new();
    for (content, member) in snapshot.shown() {
        shown.entry(content).or_default().insert(member);
    }
    let mut patterns: BTreeMap<String, BTreeSet<MemberId>> = BTreeMap::new();
    for id in shown.values().filter(|ids| ids.len() > 1).flatten() {
        if let Some(path) = members.get(id.0 as usize).map(|m| m.path.as_str()).filter(|path| is_own(path)) {
            patterns.entry(moments::pattern(path)).or_default().insert(*id);
        }
    }
    let together = |ids: &BTreeSet<MemberId>| ids.len() > 1 && shown.values().any(|all| ids.is_subset(all));
    patterns.into_values().filter(together).map(|ids| ids.into_iter().collect()).collect()
}

/// Whether files that differ in such a word of their names are of several moments.
fn are_samples(snapshot: &Snapshot, series: &[MemberId], told: &[String], kind: Kind) -> bool {
    let marks: Vec<Marks> = series.iter().map(|id| snapshot.marks(|member| member == *id)).collect();
    let each = |test: &dyn Fn(&Marks, &Marks) -> bool| marks.windows(2).all(|w| matches!(w, [a, b] if test(a, b)));
    let short = told.iter().all(|number| number.len() <= DIGITS);
    match kind {
        Kind::Time => each(&|a, b| !a.contradict(b)),
        Kind::Number => short && (each(&Marks::same_sockets) || moments::count_up(told) && each(&Marks::same_processes)),
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;

    const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";

    fn row(process: &str, pid: u32, port: u16) -> String {
        format!("ESTAB 0 0 10.0.0.1:{port} 10.0.0.2:443 users:((\"{process}\",pid={pid},fd={}))\n", port % 100 + 5)
    }

    /// The samples, each with how many tables it has.
    fn samples(members: &[(&str, String)]) -> Vec<(String, usize)> {
        let all = read(members).snapshots.into_iter().filter(|(_, s)| s.facts > 0);
        all.map(|((_, sample), s)| (sample.unwrap_or_default(), s.tables.len())).collect()
    }

    fn of(all: &[(&str, usize)]) -> Vec<(String, usize)> {
        all.iter().map(|(sample, tables)| (sample.to_string(), *tables)).collect()
    }

    #[test]
    fn times_in_names_tell_samples() {
        let (one, two) = (format!("{SS}{}", row("gated", 2213, 40001)), format!("{SS}{}", row("gated", 2213, 40002)));
        assert_eq!(samples(&[("tan_10h.txt", one.clone()), ("tan_14h.txt", two.clone())]), of(&[("10h", 1), ("14h", 1)]));
        let with = [("tan-mon", one.clone()), ("tan-tue", two.clone()), ("limits-2213", "Max open files 64 64 files\n".to_string())];
        assert_eq!(samples(&with), of(&[("", 0), ("mon", 1), ("tue", 1)]), "what is of no moment lies beside them");
        let other = format!("{SS}{}", row("gated", 977, 50001));
        assert_eq!(samples(&[("tan-mon", one), ("tan-tue", other)]), of(&[("", 2)]), "another process");
    }

    #[test]
    fn numbers_tell_samples_where_rows_do() {
        let table = |ports: std::ops::Range<u16>| format!("{SS}{}", ports.map(|p| row("gated", 2213, p)).collect::<String>());
        let (one, two) = (table(40000..40009), table(40000..40019));
        assert_eq!(samples(&[("conns.7", one.clone()), ("conns.9", two.clone())]), of(&[("7", 1), ("9", 1)]));
        assert_eq!(samples(&[("conns-443", one.clone()), ("conns-80", two.clone())]), of(&[("", 2)]), "ports");
        let gone = table(50000..50009);
        assert_eq!(samples(&[("conns.1", one.clone()), ("conns.2", gone.clone())]), of(&[("1", 1), ("2", 1)]));
        assert_eq!(samples(&[("conns.4", one.clone()), ("conns.6", gone)]), of(&[("", 2)]), "versions of IP");
        assert_eq!(samples(&[("proc/2213/net/tcp.1", one), ("proc/2213/net/tcp.2", two)]).len(), 1, "of a namespace");
    }
}
