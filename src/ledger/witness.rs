//! One source's word on how many sockets of a kind one process holds.

use crate::capture::holding::Class;
use crate::capture::lines::Firsts;
use crate::capture::table::Group;
use crate::capture::tops::Tops;
use crate::capture::{End, Name, Quote};
use crate::facts::{Protocol, SocketState};

/// Rows that are quoted, at most.
const QUOTED: usize = 3;
/// So many ends find room to be counted one by one, whichever are added first.
const FEW_ENDS: u64 = 2048;

/// What one source (a table, a listing) says of one process and kind. A large host has a hundred thousand of them, of which few are asked
/// for more than the count: what they tell is put together then.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    /// The format's id.
    pub source: &'static str,
    /// Different sockets.
    pub count: u64,
    /// Whether rows may be missing.
    pub partial: bool,
    /// Where its rows are summed up.
    pub parts: Parts<'a>,
}

/// Where rows of a witness are summed up.
#[derive(Clone, Debug)]
pub enum Parts<'a> {
    /// In one place, as most are.
    One(Part<'a>),
    /// In several, or none.
    Many(Box<[Part<'a>]>),
}

/// Rows summed up in one place.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Those of a table that name the holder.
    Group(&'a Group),
    /// Those of a table among which its sockets are, and not they alone.
    Lent(Lent<'a>),
    /// Those of a listing.
    Class(&'a Class),
}

/// Rows of a table without holders, some of which are one process's by their inodes.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'a> {
    /// All such rows.
    pub group: &'a Group,
    /// The group's number.
    pub number: u32,
    /// The lowest and the highest inode of those that are the process's.
    pub inodes: (u32, u32),
    /// Rows that are the process's.
    pub quotes: &'a Firsts,
}

/// What rows of a pile have in common, summed up.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    /// Remote ends.
    pub remotes: Tops<End>,
    /// Local ends.
    pub locals: Tops<End>,
    /// Paths of unix sockets.
    pub paths: Tops<Name>,
    /// Rows with unread bytes.
    pub unread: u64,
    /// Rows with one unread byte: the FIN.
    pub unread_one: u64,
    /// Unread bytes.
    pub recv_q: u64,
    /// Rows with unsent or unacknowledged bytes.
    pub unsent: u64,
    /// Rows that retransmit.
    pub retransmitting: u64,
    /// Most retransmits of one row.
    pub max_retries: u32,
    /// Rows with no file.
    pub no_file: u64,
    /// Rows that tell their idle time.
    pub idle_known: u64,
    /// Of them, idle for a minute or more.
    pub idle_minute: u64,
    /// Of them, idle for an hour or more.
    pub idle_hour: u64,
    /// Rows that show a keepalive timer.
    pub keepalive: u64,
    /// Longest idle time in milliseconds.
    pub idle_max_ms: u64,
    /// The longest unbroken run of descriptor numbers.
    pub longest_run: u64,
    /// Sockets on the descriptors with which a process is started.
    pub given: u64,
    /// Unix sockets that listen.
    pub listening: u64,
    /// Lowest and highest inode.
    pub inodes: Option<(u64, u64)>,
    /// The first rows.
    pub quotes: Vec<Quote>,
    /// A row of a socket table, which tells queues and timers as a listing of descriptors does not.
    pub tabled: Option<Quote>,
    /// Groups that are in it as a whole although they are not its alone: workers of one program may have the same, to be added once.
    pub lent: Vec<u32>,
}

impl<'a> FromIterator<Part<'a>> for Parts<'a> {
    fn from_iter<I: IntoIterator<Item = Part<'a>>>(parts: I) -> Self {
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next()) {
            (Some(only), None) => Parts::One(only),
            (first, second) => Parts::Many(first.into_iter().chain(second).chain(parts).collect()),
        }
    }
}

impl<'a> Witness<'a> {
    /// The one with the largest count, whole ones first where they say nearly as much.
    pub fn best<'w>(words: &'w [Witness<'a>]) -> Option<&'w Witness<'a>> {
        words.iter().max_by_key(|w| (w.count, !w.partial))
    }

    /// The one that tells most about other ends: remotes, or paths of unix sockets.
    pub fn most_telling<'w>(words: &'w [Witness<'a>]) -> Option<&'w Witness<'a>> {
        let ends = |part: &Part<'_>| part.ends().0.total().saturating_add(part.ends().2.total());
        let told = |w: &Witness<'_>| w.parts().iter().map(ends).fold(0u64, u64::saturating_add);
        words.iter().max_by(|a, b| a.tells().cmp(&b.tells()).then_with(|| told(a).cmp(&told(b))))
    }

    fn parts(&self) -> &[Part<'a>] {
        match &self.parts {
            Parts::One(part) => std::slice::from_ref(part),
            Parts::Many(parts) => parts,
        }
    }

    /// The classes of a listing in which its rows are summed up.
    pub fn classes(&self) -> impl Iterator<Item = &'a Class> + '_ {
        self.parts().iter().filter_map(|part| if let Part::Class(class) = part { Some(*class) } else { None })
    }

    /// What more it tells.
    pub fn traits(&self) -> Traits {
        Traits::of(self.parts())
    }

    /// What more it tells, but for the ends and the rows.
    pub fn figures(&self) -> Traits {
        Traits::figures(self.parts())
    }

    /// Its first rows.
    pub fn quotes(&self) -> impl Iterator<Item = Quote> + '_ {
        self.parts().iter().flat_map(|p| p.quotes().iter()).take(QUOTED)
    }

    /// The longest unbroken run of descriptor numbers.
    pub fn longest_run(&self) -> u64 {
        let run = |p: &Part<'_>| if let Part::Class(class) = p { class.longest_run } else { 0 };
        self.parts().iter().map(run).max().unwrap_or(0)
    }

    /// What it tells of the other ends: whether it has them, inodes, idle times.
    fn tells(&self) -> (bool, bool, bool) {
        let (mut remotes, mut inodes, mut idle) = (false, false, false);
        for part in self.parts() {
            remotes |= part.ends().0.distinct() > 0;
            match part {
                Part::Group(group) | Part::Lent(Lent { group, .. }) => {
                    inodes |= group.inodes.is_some();
                    idle |= group.idle_known > 0;
                }
                Part::Class(class) => inodes |= !class.sockets.is_empty(),
            }
        }
        (remotes, inodes, idle)
    }
}

impl<'a> Part<'a> {
    fn ends(self) -> (&'a Tops<End>, &'a Tops<End>, &'a Tops<Name>) {
        match self {
            Part::Group(group) | Part::Lent(Lent { group, .. }) => (&group.remotes, &group.locals, &group.paths),
            Part::Class(c) => (&c.remotes, &c.locals, &c.names),
        }
    }

    fn quotes(self) -> &'a Firsts {
        match self {
            Part::Group(group) => &group.quotes,
            Part::Lent(lent) => lent.quotes,
            Part::Class(c) => &c.quotes,
        }
    }
}

impl Traits {
    /// What the rows of several places have in common.
    pub fn of(parts: &[Part<'_>]) -> Traits {
        let mut traits = Traits::figures(parts);
        parts.iter().for_each(|&part| traits.add_ends(part));
        traits.seal();
        traits
    }

    fn add_ends(&mut self, part: Part<'_>) {
        let (remotes, locals, paths) = part.ends();
        self.remotes.merge(remotes);
        self.locals.merge(locals);
        self.paths.merge(paths);
        if self.quotes.len() < QUOTED {
            self.quote(part.quotes().iter());
        }
    }

    fn figures(parts: &[Part<'_>]) -> Traits {
        let mut traits = Traits::default();
        parts.iter().for_each(|&part| traits.add_figures(part));
        traits
    }

    fn add_figures(&mut self, part: Part<'_>) {
        match part {
            Part::Group(group) => {
                self.add_group(group);
                self.add_listening(Some(group.protocol), Some(group.state), group.count);
                self.span(group.inodes);
            }
            Part::Lent(lent) => {
                self.add_group(lent.group);
                self.span(Some((lent.inodes.0.into(), lent.inodes.1.into())));
                self.lent.push(lent.number);
            }
            Part::Class(class) => self.add_class(class),
        }
    }

    /// Adds the rows of a table's group, but for the ends, inodes and quotes.
    fn add_group(&mut self, g: &Group) {
        self.unread += g.unread;
        self.unread_one += g.unread_one;
        self.recv_q = self.recv_q.saturating_add(g.recv_q);
        self.unsent += g.unsent;
        self.retransmitting += g.retransmitting;
        self.max_retries = self.max_retries.max(g.max_retries);
        self.no_file += g.no_file;
        self.idle_known += g.idle_known;
        self.idle_minute += g.idle_minute;
        self.idle_hour += g.idle_hour;
        self.keepalive += g.keepalive;
        self.idle_max_ms = self.idle_max_ms.max(g.idle_max_ms);
        self.tabled = self.tabled.take().or_else(|| g.quotes.first());
    }

    /// Adds how many of so many rows listen, of a protocol whose listeners are no kind of their own.
    fn add_listening(&mut self, protocol: Option<Protocol>, state: Option<SocketState>, rows: u64) {
        if protocol == Some(Protocol::Unix) && state == Some(SocketState::Listen) {
            self.listening += rows;
        }
    }

    /// Adds the rows of a listing's class, but for the ends and quotes.
    fn add_class(&mut self, c: &Class) {
        self.longest_run = self.longest_run.max(c.longest_run);
        self.add_listening(c.protocol, c.state, c.rows);
        let (given, opened) = c.given();
        self.given += given;
        self.span(opened.or(c.sockets.span()).map(|(low, high)| (low.into(), high.into())));
    }

    /// Adds what the only source tells of another worker of the program: place by place, where it makes no difference which ends come first.
    pub fn add(&mut self, witness: &Witness<'_>) {
        let parts = witness.parts();
        let few = |ends: u64, more: u64| ends + more <= FEW_ENDS;
        let (remotes, locals, paths) = parts.iter().fold((0, 0, 0), |sum, part| {
            let (remotes, locals, paths) = part.ends();
            (sum.0 + remotes.distinct(), sum.1 + locals.distinct(), sum.2 + paths.distinct())
        });
        let room = few(self.remotes.distinct(), remotes) && few(self.locals.distinct(), locals) && few(self.paths.distinct(), paths);
        if let [Part::Lent(lent)] = parts
            && self.lent.contains(&lent.number)
        {
            self.span(Some((lent.inodes.0.into(), lent.inodes.1.into())));
            return self.quote(parts.iter().flat_map(|p| p.quotes().iter()));
        }
        if parts.len() != 1 && (!room || parts.iter().any(|p| matches!(p, Part::Lent(..)))) {
            return self.merge(witness.traits());
        }
        for &part in parts {
            self.add_figures(part);
            self.add_ends(part);
        }
    }

    /// Adds what another source of the same pile (another worker of the program) tells.
    pub fn merge(&mut self, other: Traits) {
        if !other.lent.is_empty() && other.lent.iter().all(|g| self.lent.contains(g)) {
            self.span(other.inodes);
            return self.quote(other.quotes.into_iter());
        }
        self.lent.extend_from_slice(&other.lent);
        self.remotes.merge(&other.remotes);
        self.locals.merge(&other.locals);
        self.paths.merge(&other.paths);
        self.unread += other.unread;
        self.unread_one += other.unread_one;
        self.recv_q = self.recv_q.saturating_add(other.recv_q);
        self.unsent += other.unsent;
        self.retransmitting += other.retransmitting;
        self.max_retries = self.max_retries.max(other.max_retries);
        self.no_file += other.no_file;
        self.idle_known += other.idle_known;
        self.idle_minute += other.idle_minute;
        self.idle_hour += other.idle_hour;
        self.keepalive += other.keepalive;
        self.idle_max_ms = self.idle_max_ms.max(other.idle_max_ms);
        self.longest_run = self.longest_run.max(other.longest_run);
        self.given += other.given;
        self.listening += other.listening;
        self.span(other.inodes);
        self.tabled = self.tabled.take().or(other.tabled);
        self.quote(other.quotes.into_iter());
    }

    /// Takes over what another source tells of the same rows beyond their ends: queues, timers, idle times.
    pub fn learn(&mut self, other: &Traits) {
        self.unread = self.unread.max(other.unread);
        self.unread_one = self.unread_one.max(other.unread_one);
        self.recv_q = self.recv_q.max(other.recv_q);
        self.unsent = self.unsent.max(other.unsent);
        self.retransmitting = self.retransmitting.max(other.retransmitting);
        self.max_retries = self.max_retries.max(other.max_retries);
        self.no_file = self.no_file.max(other.no_file);
        self.given = self.given.max(other.given);
        self.listening = self.listening.max(other.listening);
        self.tabled = self.tabled.take().or_else(|| other.tabled.clone());
        self.keepalive = self.keepalive.max(other.keepalive);
        if self.idle_known == 0 {
            (self.idle_known, self.idle_max_ms) = (other.idle_known, other.idle_max_ms);
            (self.idle_minute, self.idle_hour) = (other.idle_minute, other.idle_hour);
        }
    }

    /// Whether nearly all of so many connections have received something within the last minute, as far as it is told.
    pub fn are_heard(&self, count: u64) -> bool {
        self.idle_known * 2 >= count && self.idle_minute * 10 < self.idle_known
    }

    /// Whether most of so many connections have received nothing for an hour, and no row shows a keepalive timer: nobody would notice a client
    /// that is gone.
    pub fn are_silent(&self, count: u64) -> bool {
        self.idle_known * 2 >= count && self.idle_hour * 10 >= self.idle_known * 7 && self.keepalive * 10 < count
    }

    /// The most frequent remote ends that are set, largest first.
    pub fn top_remotes(&self, most: usize) -> Vec<(End, u64)> {
        self.remotes.top(most, |end| !end.is_unset())
    }

    /// Whether this host opened the connections: each from a local port of its own, all to one and the same remote port.
    pub fn opened_here(&self) -> bool {
        let (first, total) = (self.locals.first().map_or(0, |(_, n)| n), self.locals.total());
        let service = self.remotes.first().map(|(e, _)| e.port());
        total > 0 && first * 10 <= total && self.remotes.iter().all(|(e, _)| Some(e.port()) == service)
    }

    /// All is in: copies cost nothing from now on.
    pub fn seal(&mut self) {
        self.remotes.seal();
        self.locals.seal();
        self.paths.seal();
    }

    fn span(&mut self, inodes: Option<(u64, u64)>) {
        if let Some((low, high)) = inodes {
            let (l, h) = self.inodes.unwrap_or((low, high));
            self.inodes = Some((l.min(low), h.max(high)));
        }
    }

    fn quote(&mut self, quotes: impl Iterator<Item = Quote>) {
        let room = QUOTED.saturating_sub(self.quotes.len());
        self.quotes.extend(quotes.take(room));
    }
}
