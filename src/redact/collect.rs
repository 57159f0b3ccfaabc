//! The first pass: which names an input holds, so that they are known wherever they stand.

use super::names::is_common;
use crate::bundle::datum::command_of;
use crate::bundle::{MemberEnd, MemberHead, Visitor};
use crate::capture::naming;
use crate::facts::*;
use crate::formats::reader::Reader;
use crate::formats::reading::Traced;
use crate::formats::{Format, by_id, prefix, prompt, scan};
use std::collections::BTreeSet;

/// Names kept of one kind, at most.
const MOST: usize = 1 << 18;

/// Hosts in front of the lines of one member, at most.
const MOST_FRONTS: usize = 256;

/// Names of an input.
#[derive(Default)]
pub struct Collector {
    /// Host names: of captures, and resolved peers.
    pub hosts: BTreeSet<Vec<u8>>,
    /// User names.
    pub users: BTreeSet<Vec<u8>>,
    /// Names of processes.
    pub commands: BTreeSet<Vec<u8>>,
    forced: Option<&'static dyn Format>,
    reader: Option<Reader>,
    members: u32,
    /// What stands in front of the lines of the member at hand, as hosts do.
    fronts: BTreeSet<Vec<u8>>,
}

impl Collector {
    /// Collects of members whose format is perhaps forced.
    pub fn new(format: Option<&str>) -> Self {
        Collector { forced: format.and_then(by_id), ..Collector::default() }
    }

    /// Hosts and users.
    pub fn names(&self) -> BTreeSet<Vec<u8>> {
        self.hosts.union(&self.users).filter(|n| !self.commands.contains(*n) || !is_tool(n)).cloned().collect()
    }

    fn traced(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        for line in reader.drain() {
            self.line(&line);
        }
    }

    /// Names that are in no fact.
    fn line(&mut self, line: &Traced) {
        if let Some((user, host)) = prompt_names(&line.text) {
            add(&mut self.users, user);
            add(&mut self.hosts, host);
        }
        if let Some(host) = prefix::logging_host(&line.text) {
            add(&mut self.hosts, host);
        }
        for mark in [b':', b'|'] {
            if let Some((front, _)) = prefix::behind_host(&line.text, mark).filter(|_| self.fronts.len() < MOST_FRONTS) {
                add(&mut self.fronts, front);
            }
        }
        if let Some(user) = (line.format == "netstat").then(|| netstat_user(&line.text)).flatten() {
            add(&mut self.users, user);
        }
    }
}

impl Visitor for Collector {
    fn begin(&mut self, head: &MemberHead) {
        let command = command_of(&head.path).unwrap_or_default();
        self.reader = Some(Reader::new(MemberId(self.members), &head.path, command.as_bytes(), self.forced).traced());
        self.members = self.members.saturating_add(1);
    }

    fn data(&mut self, chunk: &[u8]) {
        let Some(mut reader) = self.reader.take() else { return };
        reader.feed(chunk, &mut Names(self));
        self.reader = Some(reader);
        self.traced();
    }

    fn end(&mut self, _end: MemberEnd) {
        let Some(reader) = self.reader.take() else { return };
        let reading = reader.finish(&mut Names(self));
        for line in &reading.trace {
            self.line(line);
        }
        let fronts = std::mem::take(&mut self.fronts);
        if reading.prefix.is_some_and(|prefix| prefix.tell_hosts()) {
            fronts.iter().for_each(|front| add(&mut self.hosts, front));
        }
    }
}

/// The sink of one member.
struct Names<'a>(&'a mut Collector);

impl Names<'_> {
    fn host(&mut self, end: Option<Endpoint<'_>>) {
        if let Some(Endpoint { addr: Addr::Name(name), .. }) = end
            && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        {
            add(&mut self.0.hosts, name);
        }
    }
}

impl Sink for Names<'_> {
    fn descriptor(&mut self, _at: At<'_>, d: &Descriptor<'_>) {
        add(&mut self.0.users, d.user);
        add(&mut self.0.commands, d.command);
        self.host(d.local);
        self.host(d.remote);
    }

    fn socket(&mut self, _at: At<'_>, s: &Socket<'_>) {
        for holder in s.holders {
            add(&mut self.0.commands, holder.command);
        }
        self.host(s.local);
        self.host(s.remote);
    }

    fn process(&mut self, _at: At<'_>, p: &Process<'_>) {
        add(&mut self.0.users, p.user);
        // Where no other name was captured, a process is called by its first argument.
        let name = if p.command.is_empty() { naming::argument(p.cmdline) } else { p.command };
        add(&mut self.0.commands, name);
    }

    fn message(&mut self, _at: At<'_>, m: &Message<'_>) {
        add(&mut self.0.commands, m.program);
        add(&mut self.0.hosts, m.host);
    }

    fn identity(&mut self, _at: At<'_>, i: &Identity<'_>) {
        if i.key == IdentityKey::Hostname {
            add(&mut self.0.hosts, i.value);
        }
    }
}

fn add(names: &mut BTreeSet<Vec<u8>>, name: &[u8]) {
    let name = name.trim_ascii();
    let numeric = scan::number(name).is_some();
    if !numeric && name.len() <= 255 && !is_common(&name.to_ascii_lowercase()) && names.len() < MOST && !names.contains(name) {
        names.insert(name.to_vec());
    }
}

/// Names that a table's own words are made of cannot be told from them.
fn is_tool(name: &[u8]) -> bool {
    name.len() < 3
}

/// `apps` of the row `tcp 0 0 10.0.0.1:80 10.0.0.2:90 ESTABLISHED apps 1203 812/nginx`: netstat -e names users whom no fact does.
pub(super) fn netstat_user(line: &[u8]) -> Option<&[u8]> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
    let protocol = fields.next()?;
    if ![&b"tcp"[..], b"udp", b"raw"].iter().any(|p| protocol.starts_with(p)) {
        return None;
    }
    let queues = fields.by_ref().take(2).filter(|f| scan::number(f).is_some()).count();
    let ends = fields.by_ref().take(2).filter(|f| f.contains(&b':')).count();
    let rest: Vec<&[u8]> = fields.take(3).collect();
    // Rows of UDP have no state; behind a user stands the number of an inode.
    let named =
        |n: usize| rest.get(n).copied().filter(|f| rest.get(n + 1).is_some_and(|i| scan::number(i).is_some()) && !f.contains(&b'/'));
    if queues < 2 || ends < 2 {
        return None;
    }
    named(1).or_else(|| named(0))
}

/// `root` and `host-a` of the prompt `[root@host-a ~]# lsof`.
fn prompt_names(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_start();
    if !(line.starts_with(b"[") || memchr::memchr(b'@', line.get(..line.len().min(80))?).is_some())
        || !(prompt::command(line).is_some() || prompt::is_idle(line))
    {
        return None;
    }
    let head = line.strip_prefix(b"[").unwrap_or(line);
    let head = head.get(..head.iter().position(|b| matches!(b, b' ' | b':' | b'#' | b'$' | b']'))?)?;
    match memchr::memchr(b'@', head) {
        Some(i) => Some((head.get(..i)?, head.get(i + 1..)?)),
        None => line.starts_with(b"[").then_some((b"", head)),
    }
}

#[cfg(test)]
mod tests {
    use super::{netstat_user, prompt_names};

    #[test]
    fn users_in_rows_of_netstat() {
        for (line, want) in [
            ("tcp        0      0 10.0.0.1:80   10.0.0.2:90  ESTABLISHED apps       1203       812/nginx", Some("apps")),
            ("tcp        0      0 10.0.0.1:80   10.0.0.2:90  TIME_WAIT   root       0          -", Some("root")),
            ("udp        0      0 0.0.0.0:53    0.0.0.0:*                 dnsmasq    77         9/dnsmasq", Some("dnsmasq")),
            ("tcp        0      0 10.0.0.1:80   10.0.0.2:90  ESTABLISHED 812/nginx", None),
            ("unix  2      [ ACC ]     STREAM     LISTENING     133948   9/python3  /tmp/a", None),
        ] {
            assert_eq!(netstat_user(line.as_bytes()), want.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn names_in_prompts() {
        for (line, want) in [
            ("[root@host-a ~]# ss -s", Some(("root", "host-a"))),
            ("svc@host-a:/home/svc$ ss -s", Some(("svc", "host-a"))),
            ("[host-a ~]# cat /proc/net/sockstat", Some(("", "host-a"))),
            ("$ ss -s", None),
            ("[12345.678] x", None),
        ] {
            let want = want.map(|(u, h)| (u.as_bytes(), h.as_bytes()));
            assert_eq!(prompt_names(line.as_bytes()), want, "{line}");
        }
    }
}
