//! Numbers with a name, and the small facts around them: counts made by pipelines, identity of the host, notes on completeness.

/// One number a kernel or tool reports.
#[derive(Clone, Copy, Debug)]
pub struct Counter<'a> {
    /// The name in the contract's spelling: `sockstat.tcp.alloc`, `ss.tcp.closed`, `snmp.tcp.attempt_fails`,
    /// `tcpext.listen_overflows`, `file_nr.allocated`, `sysctl.net.ipv4.tcp_max_orphans`, `slab.TCP`, `protocols.TCP`.
    pub name: &'a str,
    /// The value; the kernel can print negative ones.
    pub value: i64,
    /// What it counts.
    pub unit: Unit,
    /// Over what it counts.
    pub scope: Scope,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the unit it is named after")]
pub enum Unit {
    Sockets,
    Pages,
    Bytes,
    Files,
    Events,
    Entries,
    Ports,
    Seconds,
    None,
}

/// Over what a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole machine, all namespaces.
    Host,
    /// One network namespace.
    Netns,
    /// One process.
    Process,
    /// It depends on the kernel version, or is not known.
    Unknown,
}

/// A count that somebody made with a pipeline and pasted: `lsof -p 21466 | wc -l` gave 1431.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// The command line that was counted, without its prompt; empty if the paste does not show it.
    pub command: &'a [u8],
    /// What the number is labelled with (`TIME_WAIT` in `awk '{++S[$NF]}'`, a peer in `uniq -c`); empty for a bare number.
    pub label: &'a [u8],
    /// The number.
    pub value: u64,
    /// Seconds that the command line slept before it counted.
    pub slept: u64,
}

/// One thing that says whose capture this is, when it was made, or on what.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Which thing.
    pub key: IdentityKey,
    /// Its value as printed.
    pub value: &'a [u8],
    /// The process it belongs to, where it is a process's (`Netns`, `Pidns`, `Cgroup`).
    pub pid: Option<u32>,
}

/// Which identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKey {
    /// The host's name.
    Hostname,
    /// The kernel's release, such as `5.10.223`.
    Kernel,
    /// The machine, where its byte order is not the usual one (`s390x`).
    Machine,
    /// The system, where it is not Linux (`FreeBSD 13.2-RELEASE`, `macOS 14.6.1`).
    System,
    /// When: RFC 3339 where the parser could tell, otherwise as printed.
    Date,
    /// Seconds since boot.
    Uptime,
    /// `/proc/sys/kernel/random/boot_id`.
    BootId,
    /// A network namespace (`net:[4026531992]`) of `pid`, or of the collector.
    Netns,
    /// A pid namespace of `pid`, or of the collector.
    Pidns,
    /// The cgroup path of `pid`.
    Cgroup,
    /// The executable of `pid`.
    Exe,
    /// What `pid` sleeps in (`wchan`).
    Wchan,
    /// A tool and its version, as a banner tells it (`lsof 4.95.0`).
    Tool,
    /// uid of the capture.
    CaptureUid,
}

/// Something that limits what the rows around it can prove.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// What it is.
    pub kind: NoteKind,
    /// The process it concerns, if one.
    pub pid: Option<u32>,
    /// The line as printed, or what was noticed.
    pub text: &'a [u8],
}

/// What limits a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoteKind {
    /// A table (or counter block) begins: what follows is a new reading, not more rows of the one before.
    TableStart,
    /// A command that prints a table begins: a new reading, though its header does not follow, because there is none or something took it.
    CommandStart,
    /// A sample marker with its time in seconds since the epoch (`TS 1425988800.0`), or none.
    SampleStart,
    /// A line names the host of what follows: a prompt, or what a loop over hosts prints above each.
    HostStart,
    /// A command that prints something known was run at a prompt.
    RunStart,
    /// Rows of other users' processes are missing, or descriptors could not be read.
    NoPrivilege,
    /// The tool could not read a table, so that what it did not find proves nothing (`unsupported format: /proc/net/tcp`).
    Unreadable,
    /// Only rows that match something were kept (`| grep 8080`, `state close-wait`, `head -60`, insights filters).
    Filtered,
    /// The beginning is missing.
    HeadLost,
    /// Rows of a tool that prints a header come without one: nobody knows how many stood in front of the first.
    NoHeader,
    /// The end is missing.
    TailLost,
    /// Rows were cut, or broken in two, at the width of a window: what they would have told at their ends is missing.
    Narrow,
    /// The command ran into a time limit.
    TimedOut,
    /// The command was not there, or failed.
    Failed,
    /// Values were replaced before we saw them.
    Redacted,
    /// A harmless warning.
    Warning,
}

impl Unit {
    /// The word used in facts.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Sockets => "sockets",
            Unit::Pages => "pages",
            Unit::Bytes => "bytes",
            Unit::Files => "files",
            Unit::Events => "events",
            Unit::Entries => "entries",
            Unit::Ports => "ports",
            Unit::Seconds => "seconds",
            Unit::None => "",
        }
    }
}

impl Scope {
    /// The word used in facts.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Host => "host",
            Scope::Netns => "netns",
            Scope::Process => "process",
            Scope::Unknown => "unknown",
        }
    }
}

impl NoteKind {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::TableStart => "table",
            NoteKind::CommandStart => "command",
            NoteKind::SampleStart => "sample",
            NoteKind::HostStart => "host",
            NoteKind::RunStart => "run",
            NoteKind::NoPrivilege => "without privilege",
            NoteKind::Unreadable => "table unreadable",
            NoteKind::Filtered => "filtered",
            NoteKind::HeadLost => "head lost",
            NoteKind::NoHeader => "begins without its header",
            NoteKind::TailLost => "tail lost",
            NoteKind::Narrow => "cut at the width of a window",
            NoteKind::TimedOut => "timed out",
            NoteKind::Failed => "failed",
            NoteKind::Redacted => "redacted",
            NoteKind::Warning => "warning",
        }
    }
}
