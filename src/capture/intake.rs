//! Takes the members of one input as they are walked, and hands their facts to the snapshot they belong to.

use super::intern::Interner;
use super::logs::Plain;
use super::room::{Over, Room};
use super::snapshot::Snapshot;
use super::stretches::{Stretches, Waiting};
use super::turns::Turns;
use crate::bundle::datum::command_of;
use crate::bundle::layout::{self, Placement};
use crate::bundle::{DEPTH_OPTION, HOSTS_OPTION, Limits, MemberEnd, MemberHead, Visitor, Walked};
use crate::facts::*;
use crate::formats::pid::pid_of;
use crate::formats::reader::{HEAD, Reader};
use crate::formats::reading::Reading;
use crate::formats::{Format, Probe, by_id};
use crate::signatures::Signatures;
use std::collections::BTreeMap;

/// A member as it was read.
#[derive(Debug)]
pub struct Member {
    /// Its path inside the input.
    pub path: String,
    /// What was read.
    pub reading: Reading,
    /// How it ended.
    pub end: MemberEnd,
    /// Seconds since the epoch of its last change, where told.
    pub modified: Option<i64>,
    /// The snapshot (root and sample) it belongs to.
    pub place: Placement,
    /// Tools and their versions, where its text names them.
    pub tools: Vec<String>,
}

/// A whole input, read.
#[derive(Debug)]
pub struct Input {
    /// As named on the command line.
    pub name: String,
    /// How the walk went.
    pub walked: Walked,
    /// Members in order; citations point into it.
    pub members: Vec<Member>,
    /// Snapshots by root directory and sample.
    pub snapshots: BTreeMap<(String, Option<String>), Snapshot>,
    /// Names of all rows.
    pub names: Interner,
    /// How many hosts are told apart.
    pub max_hosts: usize,
    /// Members left out because they belong to further hosts.
    pub beyond: u64,
}

/// Reads members into snapshots.
pub struct Intake<'s> {
    signatures: &'s Signatures,
    forced: Option<&'static dyn Format>,
    members: Vec<Member>,
    snapshots: Vec<Snapshot>,
    numbers: BTreeMap<(String, Option<String>), usize>,
    names: Interner,
    plain: Plain,
    open: Option<Open>,
    limits: Limits,
    room: Room,
    beyond: u64,
    /// What members tell of several hosts or moments.
    waiting: Waiting,
}

struct Open {
    path: String,
    pid: Option<u32>,
    modified: Option<i64>,
    place: Placement,
    /// Its beginning, until it is known whether its lines are of several hosts.
    head: Option<Vec<u8>>,
    /// How its lines are handed to the parts, where they are of several hosts.
    turns: Option<Turns>,
    /// What is read of it: all in one, or the lines of each host.
    parts: Vec<Part>,
}

/// What is read of a member into one snapshot.
struct Part {
    reader: Reader,
    /// `None` where there is no room for one more host.
    snapshot: Option<usize>,
    /// The host in front of its lines, where there are several.
    host: String,
    place: Placement,
    tools: Vec<String>,
    stretches: Stretches,
}

/// What the layout of an archive says of a member's completeness: insights keeps only the lines of some commands that its rules ask for,
/// sos keeps the last 25 MiB of a large output under another name.
fn incomplete(path: &str) -> Option<(NoteKind, &'static str)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let filtered = ["lsof", "ps_aux", "ps_auxww"].contains(&name);
    if path.contains("insights_commands/") && filtered {
        return Some((NoteKind::Filtered, "an insights archive keeps only the lines of this command that its rules ask for"));
    }
    (name.ends_with(".tailed") || path.contains("/sos_strings/")).then_some((NoteKind::HeadLost, "sos kept only the end of this output"))
}

/// The sink of one member: adds its surroundings to each fact.
struct Route<'a> {
    snapshot: &'a mut Snapshot,
    names: &'a mut Interner,
    signatures: &'a Signatures,
    plain: &'a mut Plain,
    pid: Option<u32>,
    tools: &'a mut Vec<String>,
    stretches: &'a mut Stretches,
    path: &'a str,
}

/// Tools kept of one member, at most.
const MAX_TOOLS: usize = 8;
/// Snapshots read for each host that may be told: directories of one host, and its samples. Which are one host is known only afterwards.
const SNAPSHOTS_EACH: usize = 4;

impl<'s> Intake<'s> {
    /// An empty intake; `format` forces the format of every member.
    pub fn new(signatures: &'s Signatures, format: Option<&str>) -> Self {
        Intake {
            signatures,
            forced: format.and_then(by_id),
            members: Vec::new(),
            snapshots: Vec::new(),
            numbers: BTreeMap::new(),
            names: Interner::default(),
            plain: Plain::default(),
            open: None,
            limits: Limits::default(),
            room: Room::default(),
            beyond: 0,
            waiting: Waiting::default(),
        }
    }

    /// Keeps no more than the limits say.
    pub fn within(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self.room = Room::of(limits);
        self
    }

    /// The number of the snapshot a member belongs to, a new one if there is room.
    fn snapshot_of(&mut self, place: &Placement) -> Option<usize> {
        let key = (place.root.clone(), place.sample.clone());
        if let Some(&n) = self.numbers.get(&key) {
            return Some(n);
        }
        let n = self.snapshots.len();
        if n >= self.most_snapshots() {
            return None;
        }
        self.numbers.insert(key, n);
        self.snapshots.push(Snapshot::default());
        Some(n)
    }

    fn most_snapshots(&self) -> usize {
        self.limits.max_hosts.saturating_mul(SNAPSHOTS_EACH)
    }

    /// A member, or the lines of one host in it, is about to come.
    fn begin_part(&mut self, open: &mut Open, place: Placement, host: String) {
        let number = self.snapshot_of(&place);
        // Members before it are all ended.
        let member = MemberId((self.members.len() + open.parts.len()) as u32);
        let command = command_of(&open.path).unwrap_or_default();
        let reader = Reader::new(member, &open.path, command.as_bytes(), self.forced).with_max_line(self.limits.max_line);
        let mut part = Part { reader, snapshot: number, host, place, tools: Vec::new(), stretches: Stretches::default() };
        if let Some(snapshot) = number.and_then(|n| self.snapshots.get_mut(n)) {
            snapshot.begin_member(&open.path);
            let about = |text| At { citation: Citation { member, line: 0 }, format: "layout", text };
            if let Some((kind, why)) = incomplete(&open.path) {
                snapshot.note(&about(why.as_bytes()), &Note { kind, pid: None, text: why.as_bytes() });
            }
            if !part.host.is_empty() {
                let Part { host, tools, stretches, .. } = &mut part;
                let (names, signatures, plain, path) = (&mut self.names, self.signatures, &mut self.plain, open.path.as_str());
                let mut route = Route { snapshot, names, signatures, plain, pid: None, tools, stretches, path };
                route.identity(about(host.as_bytes()), &Identity { key: IdentityKey::Hostname, value: host.as_bytes(), pid: None });
            }
        }
        open.parts.push(part);
    }

    /// Enough has come to tell whether the lines are of several hosts; what was held back is read.
    fn decide(&mut self, open: &mut Open, whole: bool) {
        let Some(head) = open.head.take() else { return };
        let command = command_of(&open.path).unwrap_or_default();
        let probe = Probe { path: &open.path, command: command.as_bytes(), head: head.get(..HEAD).unwrap_or(&head), whole };
        open.turns = Turns::of(&probe).filter(|_| self.forced.is_none());
        if open.turns.is_none() {
            self.begin_part(open, open.place.clone(), String::new());
        }
        self.feed(open, &head, false);
    }

    /// Hands the next bytes on; `last` if none follow.
    fn feed(&mut self, open: &mut Open, chunk: &[u8], last: bool) {
        let Some(mut turns) = open.turns.take() else {
            return self.feed_part(open, 0, 0, chunk);
        };
        turns.take(chunk, last, |host, lines| {
            if host == open.parts.len() {
                let name = lines.name.to_string();
                let root = [open.place.root.as_str(), &name].join("/");
                let place = Placement { root: root.trim_start_matches('/').to_string(), sample: open.place.sample.clone() };
                self.begin_part(open, place, name);
            }
            self.feed_part(open, host, lines.passed, lines.text);
        });
        open.turns = Some(turns);
    }

    /// Hands text to a part; `passed` lines of other parts stand before it.
    fn feed_part(&mut self, open: &mut Open, number: usize, passed: u64, text: &[u8]) {
        let Some(part) = open.parts.get_mut(number) else { return };
        let Some(snapshot) = part.snapshot.and_then(|n| self.snapshots.get_mut(n)) else { return };
        let Part { reader, tools, stretches, .. } = part;
        // Hosts that take turns have the room of one input.
        snapshot.room.receive(self.room.pass_on());
        let (names, signatures, plain, path) = (&mut self.names, self.signatures, &mut self.plain, open.path.as_str());
        let mut route = Route { snapshot, names, signatures, plain, pid: open.pid, tools, stretches, path };
        reader.pass(passed, &mut route);
        reader.feed(text, &mut route);
        self.room.receive(snapshot.room.pass_on());
    }

    fn end_part(&mut self, open: &Open, part: Part, end: MemberEnd) {
        let Part { reader, snapshot, host, place, mut tools, mut stretches } = part;
        let path = if host.is_empty() { open.path.clone() } else { format!("{} ({host})", open.path) };
        let modified = open.modified;
        let Some(snapshot) = snapshot.and_then(|n| self.snapshots.get_mut(n)) else {
            // A host past the bound: it is listed, and why it was not read.
            self.beyond += 1;
            let end = match end {
                MemberEnd::Link(to) => MemberEnd::Link(to),
                _ => MemberEnd::Skipped(format!("more than {} hosts; {HOSTS_OPTION} raises the bound", self.limits.max_hosts)),
            };
            return self.members.push(Member { path, reading: Reading::default(), end, modified, place, tools });
        };
        snapshot.room.receive(self.room.pass_on());
        let mut route = Route {
            snapshot,
            names: &mut self.names,
            signatures: self.signatures,
            plain: &mut self.plain,
            pid: open.pid,
            tools: &mut tools,
            stretches: &mut stretches,
            path: &open.path,
        };
        let reading = reader.finish(&mut route);
        snapshot.end_member();
        stretches.end(snapshot, &place, &mut self.waiting);
        snapshot.room.left_out_many(Over::Lines, u64::from(reading.long_lines));
        if matches!(&end, MemberEnd::Skipped(why) if why.contains(DEPTH_OPTION)) {
            snapshot.room.left_out(Over::Depth);
        }
        self.room.receive(snapshot.room.pass_on());
        self.members.push(Member { path, reading, end, modified, place, tools });
    }

    /// The input is over.
    pub fn finish(mut self, name: &str, walked: Walked) -> Input {
        for (place, told) in std::mem::take(&mut self.waiting).settle() {
            match self.snapshot_of(&place).and_then(|n| self.snapshots.get_mut(n)) {
                Some(snapshot) => snapshot.follow(told),
                None => self.beyond += 1,
            }
        }
        let room = self.most_snapshots().saturating_sub(self.snapshots.len());
        super::siblings::part(&mut self.snapshots, &mut self.numbers, &self.members, room);
        super::parts::mark(&mut self.snapshots, &self.members);
        let sealed = self.snapshots.into_iter().map(|mut s| {
            s.seal();
            if s.identity.contains_key(&IdentityKey::Machine) {
                s.tables.iter_mut().for_each(|table| super::byte_order::turn(table, &mut self.names));
            }
            s
        });
        let mut snapshots: Vec<Option<Snapshot>> = sealed.map(Some).collect();
        let taken = self.numbers.into_iter().filter_map(|(key, n)| Some((key, snapshots.get_mut(n)?.take()?))).collect();
        Input {
            name: name.to_string(),
            walked,
            members: self.members,
            snapshots: taken,
            names: self.names,
            max_hosts: self.limits.max_hosts,
            beyond: self.beyond,
        }
    }
}

impl Visitor for Intake<'_> {
    fn begin(&mut self, head: &MemberHead) {
        let place = layout::place(&head.path);
        let command = command_of(&head.path).unwrap_or_default();
        let pid = pid_of(&head.path, command.as_bytes());
        let (path, modified) = (head.path.clone(), head.modified);
        self.open = Some(Open { path, pid, modified, place, head: Some(Vec::new()), turns: None, parts: Vec::new() });
    }

    fn wants(&mut self, _head: &MemberHead) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let key = (open.place.root.clone(), open.place.sample.clone());
            self.numbers.contains_key(&key) || self.snapshots.len() < self.most_snapshots()
        })
    }

    fn data(&mut self, chunk: &[u8]) {
        let Some(mut open) = self.open.take() else { return };
        match &mut open.head {
            None => self.feed(&mut open, chunk, false),
            Some(head) => {
                head.extend_from_slice(chunk);
                if head.len() >= HEAD {
                    self.decide(&mut open, false);
                }
            }
        }
        self.open = Some(open);
    }

    fn end(&mut self, end: MemberEnd) {
        let Some(mut open) = self.open.take() else { return };
        self.decide(&mut open, true);
        self.feed(&mut open, b"", true);
        for part in std::mem::take(&mut open.parts) {
            self.end_part(&open, part, end.clone());
        }
    }
}

impl Sink for Route<'_> {
    #[inline]
    fn skims(&self) -> bool {
        true
    }

    fn descriptor(&mut self, at: At<'_>, d: &Descriptor<'_>) {
        self.snapshot.descriptor(&at, d, self.names);
    }

    #[inline]
    fn again(&mut self, fd: u32, inode: u64) -> bool {
        self.snapshot.again(fd, inode)
    }

    fn socket(&mut self, at: At<'_>, s: &Socket<'_>) {
        self.snapshot.socket(&at, s, self.names);
    }

    fn counter(&mut self, at: At<'_>, c: &Counter<'_>) {
        self.snapshot.counter(&at, c, self.names);
    }

    fn process(&mut self, at: At<'_>, p: &Process<'_>) {
        self.snapshot.process(&at, p);
    }

    fn limit(&mut self, at: At<'_>, l: &Limit<'_>) {
        self.snapshot.limit(&at, l);
    }

    fn syscall(&mut self, at: At<'_>, s: &Syscall<'_>) {
        self.snapshot.syscall(&at, s, self.pid, self.names);
    }

    fn message(&mut self, at: At<'_>, m: &Message<'_>) {
        self.snapshot.message(&at, m, self.signatures, self.plain);
    }

    fn stack(&mut self, at: At<'_>, s: &Stack<'_>, m: &Message<'_>) {
        self.snapshot.stack(&at, s);
        self.message(at, m);
    }

    fn tally(&mut self, at: At<'_>, t: &Tally<'_>) {
        self.snapshot.tally(&at, t);
    }

    fn identity(&mut self, at: At<'_>, i: &Identity<'_>) {
        if i.key == IdentityKey::Tool && self.tools.len() < MAX_TOOLS {
            let tool = String::from_utf8_lossy(i.value).trim().to_string();
            if !self.tools.contains(&tool) {
                self.tools.push(tool);
            }
        }
        if i.key == IdentityKey::Date && i.pid.is_none() && at.format == "date" {
            self.stretches.date(self.snapshot, self.path);
        }
        self.snapshot.identity(&at, i);
    }

    fn note(&mut self, at: At<'_>, n: &Note<'_>) {
        if n.kind == NoteKind::HostStart {
            return self.stretches.host(self.snapshot, self.path, &at, n.text);
        }
        if n.kind == NoteKind::RunStart {
            return self.stretches.run(self.snapshot, self.path, &at, n.text);
        }
        self.snapshot.note(&at, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_that_keep_only_a_part() {
        assert_eq!(incomplete("insights-a/insights_commands/lsof").map(|i| i.0), Some(NoteKind::Filtered));
        assert_eq!(incomplete("insights-a/insights_commands/ss_-tupna"), None);
        assert_eq!(incomplete("sos/sos_strings/networking/ss_-peaonmi.tailed").map(|i| i.0), Some(NoteKind::HeadLost));
        assert_eq!(incomplete("x/lsof"), None);
    }
}
