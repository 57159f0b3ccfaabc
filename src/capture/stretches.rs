//! One member that tells of several hosts or moments, one behind the other: under the prompts of two hosts, or with `date` in front of each
//! output. What stands between two marks is a stretch, and read into a snapshot of its own.
//!
//! ```text
//! Thu Nov 12 08:00:01 CET 2026       a stretch
//! State  Recv-Q Send-Q ...
//! Thu Nov 12 10:00:01 CET 2026       the next: it shows the same table again, so that both are samples
//! State  Recv-Q Send-Q ...
//! ```
//!
//! Only outputs that come again make samples of stretches: a capture may have a date in front of each of its different outputs. A command that
//! is run again needs no date, if what it lists is of the same processes or sockets and not the very same rows: nobody reads a paste twice.
//! Nor do files with a date in each. Hosts are parted where another member or stretch is of another one.

use super::snapshot::Content;
use super::{Quote, Snapshot};
use crate::bundle::layout::Placement;
use crate::facts::{At, IdentityKey};
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

/// Stretches of one member kept, at most. Past so many every second one is given up, but never the first and the last.
const MOST: usize = 256;

/// The stretches of the member being read, but the one at hand.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// What the snapshot held before the member's first mark; it may be of other members too.
    base: Option<Box<Snapshot>>,
    past: Vec<Stretch>,
    /// The host of the stretch at hand.
    host: Host,
    mark: Mark,
    /// The command at hand, and how many tables and listings there were before it.
    run: Option<(u64, usize)>,
    /// The commands that have listed something.
    listed: FxHashSet<u64>,
}

/// What stands in front of a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    /// Nothing that tells of another moment.
    #[default]
    None,
    /// A date.
    Date,
    /// A command that ran before.
    Run,
    /// The beginning of a file with a date.
    File,
}

/// A host as a line names it; empty where none is told.
#[derive(Clone, Debug, Default)]
struct Host {
    name: String,
    /// The pod or container in which a single command ran there.
    pod: String,
    line: Option<Quote>,
}

#[derive(Debug)]
struct Stretch {
    host: Host,
    mark: Mark,
    snapshot: Snapshot,
}

/// What one host is told of by one member, as samples in time.
#[derive(Debug)]
struct Told {
    host: Host,
    samples: Vec<Snapshot>,
}

/// What stretches told of, by the place of their members, until it is known whether they are of several hosts.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<Placement, Vec<Told>>);

impl Stretches {
    /// A date has come: what follows may be of another moment.
    pub fn date(&mut self, live: &mut Snapshot, path: &str) {
        let host = self.host.clone();
        self.begin(live, path, host, Mark::Date);
    }

    /// A command is run: one that has listed something before lists it as it is now.
    pub fn run(&mut self, live: &mut Snapshot, path: &str, at: &At<'_>, command: &[u8]) {
        if let Some((before, outputs)) = self.run
            && live.outputs() > outputs
        {
            self.listed.insert(before);
        }
        let run = FxBuildHasher.hash_one((self.host.name.as_str(), self.host.pod.as_str(), uncommented(command)));
        if self.listed.contains(&run) {
            if self.base.is_none() {
                // What came before is of this member only in part.
                let first = live.part(|member| member == at.citation.member);
                let mut base = std::mem::replace(live, first);
                live.room.receive(base.room.pass_on());
                self.base = Some(Box::new(base));
            }
            match live.outputs() {
                // The date or the host that stands in front of it has begun a stretch.
                0 if self.mark == Mark::None => self.mark = Mark::Run,
                0 => {}
                _ => self.begin(live, path, self.host.clone(), Mark::Run),
            }
        }
        self.run = Some((run, live.outputs()));
    }

    /// A line says of which host the following is, or in which pod a command runs.
    pub fn host(&mut self, live: &mut Snapshot, path: &str, at: &At<'_>, host: &[u8]) {
        let name = name_of(host);
        let next = match at.format {
            "exec" if name != self.host.pod => Host { pod: name, ..self.host.clone() },
            // A prompt that does not name its host is of the same as before.
            "prompt" | "banner" if !name.is_empty() && name != self.host.name => Host { name, ..Host::default() },
            _ => return,
        };
        self.begin(live, path, Host { line: Some(Quote::keep(at)), ..next }, Mark::None);
    }

    fn begin(&mut self, live: &mut Snapshot, path: &str, host: Host, mark: Mark) {
        if self.base.is_some() && live.facts == 0 && host.name == self.host.name && host.pod == self.host.pod {
            // A command that ran again, and prints the date first.
            self.mark = if self.mark == Mark::Date { Mark::Date } else { mark };
            return;
        }
        let mut done = std::mem::take(live);
        done.end_member();
        live.room.receive(done.room.pass_on());
        live.begin_member(path);
        if let Some((run, outputs)) = &mut self.run {
            if done.outputs() > *outputs {
                self.listed.insert(*run);
            }
            *outputs = 0;
        }
        let (host, mark) = (std::mem::replace(&mut self.host, host), std::mem::replace(&mut self.mark, mark));
        match self.base {
            None => self.base = Some(Box::new(done)),
            Some(_) => self.past.push(Stretch { host, mark, snapshot: done }),
        }
        if self.past.len() >= MOST {
            let mut number = 0;
            self.past.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
    }

    /// The member is over: gives the snapshot back what it held, and what the stretches tell to the others that wait.
    pub fn end(mut self, live: &mut Snapshot, place: &Placement, waiting: &mut Waiting) {
        let Some(base) = self.base.take() else { return };
        let mut last = std::mem::replace(live, *base);
        last.end_member();
        live.room.receive(last.room.pass_on());
        self.past.push(Stretch { host: self.host, mark: self.mark, snapshot: last });
        by_pods(&mut self.past);
        let mut hosts: Vec<(Host, Vec<Stretch>)> = Vec::new();
        for stretch in self.past {
            match hosts.iter_mut().find(|(host, _)| host.name == stretch.host.name) {
                Some((_, all)) => all.push(stretch),
                None => hosts.push((stretch.host.clone(), vec![stretch])),
            }
        }
        for (host, stretches) in hosts {
            waiting.0.entry(place.clone()).or_default().push(Told { host, samples: samples(stretches) });
        }
    }
}

impl Waiting {
    /// All members are read: where what each tells of belongs, and whether it is the snapshot of the member itself.
    pub fn settle(self) -> Vec<(Placement, Snapshot)> {
        let mut hosts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (place, all) in &self.0 {
            let named = all.iter().filter(|t| !t.host.name.is_empty() && t.samples.iter().any(tells));
            hosts.entry(&place.root).or_default().extend(named.map(|t| t.host.name.as_str()));
        }
        let several: BTreeSet<String> = hosts.into_iter().filter(|(_, names)| names.len() > 1).map(|(root, _)| root.to_string()).collect();
        let mut settled = Vec::new();
        for (place, all) in self.0 {
            let parted = several.contains(&place.root);
            for told in in_time(all) {
                let own = parted && !told.host.name.is_empty() && told.samples.iter().any(tells);
                settle(&place, told, own, &mut settled);
            }
        }
        settled
    }
}

/// Puts the samples of a host to their places; `own` if it has one beside others.
fn settle(place: &Placement, told: Told, own: bool, settled: &mut Vec<(Placement, Snapshot)>) {
    let root = if own { [place.root.as_str(), &told.host.name].join("/").trim_start_matches('/').to_string() } else { place.root.clone() };
    let several = told.samples.len() > 1;
    for (number, mut snapshot) in told.samples.into_iter().enumerate() {
        let date = snapshot.identity.get(&IdentityKey::Date).map(|(date, _)| date.clone()).unwrap_or_default();
        // The number keeps them in order where a date is not certain.
        let moment = several.then(|| format!("{number:04} {date}").trim_end().to_string());
        let sample = match (&place.sample, moment) {
            (Some(sample), Some(moment)) => Some(format!("{sample}/{moment}")),
            (sample, moment) => moment.or_else(|| sample.clone()),
        };
        if let Some(line) = told.host.line.as_ref().filter(|_| own) {
            snapshot.name_host(&told.host.name, line);
        }
        settled.push((Placement { root: root.clone(), sample }, snapshot));
    }
}

/// The name of a host without its domain, in small letters, as a prompt shows it.
fn name_of(host: &[u8]) -> String {
    let host = host.strip_prefix(b"pod/").unwrap_or(host);
    let name = host.split(|&b| b == b'.').next().unwrap_or(host);
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// Takes pods for hosts where there are several; one may well be looked into from the host that is captured.
fn by_pods(stretches: &mut [Stretch]) {
    let pods: BTreeSet<&str> = stretches.iter().filter(|s| tells(&s.snapshot)).map(|s| s.host.pod.as_str()).collect();
    if pods.iter().filter(|pod| !pod.is_empty()).count() > 1 {
        for host in stretches.iter_mut().map(|s| &mut s.host).filter(|h| !h.pod.is_empty()) {
            host.name = std::mem::take(&mut host.pod);
        }
    }
}

/// Whether a snapshot tells more than who and when.
fn tells(snapshot: &Snapshot) -> bool {
    snapshot.facts > snapshot.identity.len() as u64
}

/// What several members tell of one host, each with its date, put together in the order of the dates.
fn in_time(all: Vec<Told>) -> Vec<Told> {
    let date = |s: &Snapshot| s.identity.get(&IdentityKey::Date).map(|(date, _)| date.clone());
    let (dated, mut others): (Vec<Told>, Vec<Told>) = all.into_iter().partition(|t| t.samples.iter().all(|s| date(s).is_some()));
    let mut hosts: Vec<(Host, Vec<(usize, Snapshot)>)> = Vec::new();
    for (member, told) in dated.into_iter().enumerate() {
        let samples = told.samples.into_iter().map(|s| (member, s));
        match hosts.iter_mut().find(|(host, _)| host.name == told.host.name) {
            Some((_, all)) => all.extend(samples),
            None => hosts.push((told.host, samples.collect())),
        }
    }
    for (host, mut all) in hosts {
        all.sort_by_cached_key(|(_, s)| date(s));
        let mut last = None;
        let stretch = |(member, snapshot)| {
            // Moments of one member were told apart already.
            let mark = if last.replace(member) == Some(member) { Mark::Date } else { Mark::File };
            Stretch { host: Host::default(), mark, snapshot }
        };
        others.push(Told { host, samples: samples(all.into_iter().map(stretch).collect()) });
    }
    others
}

/// A command line without what was noted behind it.
fn uncommented(command: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(command, b" #").unwrap_or(command.len());
    command.get(..end).unwrap_or(command).trim_ascii()
}

/// Stretches of one host put together to samples, oldest first: from the last one backwards, so that what is diagnosed has most beside it.
fn samples(stretches: Vec<Stretch>) -> Vec<Snapshot> {
    let mut samples: Vec<(BTreeSet<Content>, Snapshot)> = Vec::new();
    // What stands in front of what comes later: without a date or a command that came again two outputs are of one moment.
    let mut mark = Mark::None;
    for stretch in stretches.into_iter().rev() {
        let content = stretch.snapshot.content();
        match samples.last_mut() {
            Some((known, later)) if known.is_disjoint(&content) || !comes_again(mark, &stretch.snapshot, later) => {
                known.extend(content);
                let newer = std::mem::replace(later, stretch.snapshot);
                later.follow(newer);
            }
            _ => samples.push((content, stretch.snapshot)),
        }
        mark = stretch.mark;
    }
    let mut samples: Vec<Snapshot> = samples.into_iter().rev().map(|(_, snapshot)| snapshot).collect();
    if let Some(mut last) = samples.pop() {
        samples.iter_mut().rev().for_each(|earlier| last.inherit(earlier));
        samples.push(last);
    }
    samples
}

/// Whether what comes later lists the same as an earlier stretch at another moment.
fn comes_again(mark: Mark, earlier: &Snapshot, later: &Snapshot) -> bool {
    let of_one_host = || {
        let (a, b) = (earlier.marks(|_| true), later.marks(|_| true));
        a.same_processes(&b) || a.same_sockets(&b)
    };
    match mark {
        Mark::None => false,
        Mark::Date => true,
        Mark::Run => of_one_host() && !earlier.is_copied_in(later),
        Mark::File => of_one_host(),
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;

    const NOON: &str = "Thu Nov 12 12:00:01 UTC 2026\n";
    const ONE: &str = "Thu Nov 12 13:00:01 UTC 2026\n";
    const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:80 10.0.0.2:4000\n";
    const STAT: &str = "sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\n";
    const LSOF: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\ngated 7 svc 5u IPv4 812 0t0 TCP *:80 (LISTEN)\n";

    /// Root, sample, tables, listings and counters of each snapshot that says something.
    fn snapshots(members: &[(&str, String)]) -> Vec<(String, String, usize, usize, usize)> {
        let all = read(members).snapshots.into_iter().filter(|(_, s)| s.facts > 0);
        all.map(|((root, sample), s)| {
            let lists = s.processes.values().map(|p| p.lists.len()).sum();
            (root, sample.unwrap_or_default(), s.tables.len(), lists, s.counters.len())
        })
        .collect()
    }

    fn one(root: &str, sample: &str, tables: usize, lists: usize, counters: usize) -> (String, String, usize, usize, usize) {
        (root.to_string(), sample.to_string(), tables, lists, counters)
    }

    #[test]
    fn dated_tables_that_come_again_are_samples() {
        let (first, last) = ("0000 2026-11-12T12:00:01Z", "0001 2026-11-12T13:00:01Z");
        let text = format!("{NOON}{SS}{ONE}{SS}");
        assert_eq!(snapshots(&[("ss.log", text)]), [one("", first, 1, 0, 0), one("", last, 1, 0, 0)]);
        // What was captured once belongs to the last.
        let text = format!("{NOON}{SS}{LSOF}{ONE}{SS}");
        assert_eq!(snapshots(&[("x.log", text)]), [one("", first, 1, 0, 0), one("", last, 1, 1, 0)]);
    }

    #[test]
    fn different_outputs_with_a_date_each_are_one_capture() {
        assert_eq!(snapshots(&[("x.log", format!("{NOON}{SS}{ONE}{LSOF}"))]), [one("", "", 1, 1, 0)]);
        assert_eq!(snapshots(&[("x.log", format!("{NOON}{STAT}{ONE}{STAT}"))]).len(), 1, "counters are a series");
        assert_eq!(snapshots(&[("a.log", format!("{NOON}{SS}")), ("b.log", format!("{ONE}{LSOF}"))]), [one("", "", 1, 1, 0)]);
    }

    #[test]
    fn a_descriptor_that_is_another_socket_begins_a_listing() {
        let round = |n: u32| (10..14).map(|fd| format!("a 7 svc {fd}u sock 0,8 0t0 {} protocol: TCP\n", n * 100 + fd)).collect::<String>();
        let lists = |text: String| snapshots(&[("lsof.txt", text)])[0].3;
        assert_eq!((lists(round(1)), lists(round(1) + &round(2) + &round(3))), (1, 3));
        assert_eq!(lists(round(1) + &round(1)), 1, "the same once more");
    }

    #[test]
    fn only_some_moments_are_kept() {
        let mut text = String::new();
        for n in 0..600 {
            text += &format!("Thu Nov 12 {:02}:{:02}:01 UTC 2026\n{SS}", n / 60, n % 60);
        }
        let all = snapshots(&[("ss.log", text)]);
        assert!(all.len() > 100 && all.len() <= super::MOST, "{}", all.len());
        assert!(all[0].1.ends_with("T00:00:01Z") && all[all.len() - 1].1.ends_with("T09:59:01Z"), "{all:?}");
    }

    #[test]
    fn hosts_of_one_text_are_parted() {
        let (a, b) = (one("web1", "", 1, 0, 0), one("web2", "", 1, 0, 0));
        let prompt = |host: &str| format!("[root@{host} ~]# ss -tan\n{SS}");
        assert_eq!(snapshots(&[("x.txt", prompt("web1") + &prompt("web2"))]), [a.clone(), b.clone()]);
        assert_eq!(snapshots(&[("x.txt", prompt("web1")), ("y.txt", prompt("web2"))]), [a.clone(), b.clone()], "of two files");
        assert_eq!(snapshots(&[("x.txt", prompt("web1") + &prompt("WEB1.corp"))]), [one("", "", 2, 0, 0)], "one and the same");
        let looped = format!("ops@jump:~$ for h in web1 web2; do echo \"== $h\"; ssh $h ss -tan; done\n== web1\n{SS}== web2\n{SS}");
        assert_eq!(snapshots(&[("x.txt", looped)]), [a, b], "the host that was typed on tells nothing");
    }

    #[test]
    fn several_pods_are_hosts_and_one_is_none() {
        let of = |pod: &str| format!("$ kubectl exec {pod} -- ss -tan\n{SS}");
        let both = snapshots(&[("x.txt", of("cart-1") + &of("cart-2"))]);
        assert_eq!(both, [one("cart-1", "", 1, 0, 0), one("cart-2", "", 1, 0, 0)]);
        assert_eq!(snapshots(&[("x.txt", of("cart-1") + "$ lsof -p 7\n" + LSOF)]), [one("", "", 1, 1, 0)]);
    }
}
