//! One file per captured format: text in, facts out.
//!
//! A new format is one file here and one line in [`FORMATS`]. Parsing never fails: each line is read ([`Taken::Row`]), understood as
//! carrying no data ([`Taken::Noise`]) or not understood ([`Taken::Unknown`]), and the last are counted and kept with their numbers.

mod again;
mod arguments;
mod busybox_lsof;
mod cgroup;
pub mod choose;
mod cmdline;
mod comm;
mod conntrack;
mod counter_names;
mod cwd;
pub mod date;
mod dmesg;
mod docker_ps;
pub(crate) mod encoding;
pub mod essence;
mod exe;
mod fd;
pub mod fd_counts;
mod file_nr;
mod goroutines;
pub mod host_mark;
mod hostname;
mod if_inet6;
mod io;
mod jstack;
mod limits;
mod loadavg;
pub(crate) mod log;
mod lsfd;
mod lsof;
mod manifest;
mod meminfo;
mod mend;
mod named;
mod netns_pids;
mod netstat;
mod netstat_s;
mod node_exporter;
mod ns;
mod nstat;
mod os_release;
pub mod pid;
pub mod prefix;
mod proc_net;
mod proc_net_snmp;
pub mod prompt;
mod ps;
pub mod reader;
pub mod reading;
mod run;
pub mod scan;
pub mod selection;
mod slabinfo;
#[cfg(test)]
mod small_samples;
#[cfg(test)]
mod socket_tables_tests;
mod sockstat;
mod ss;
mod ss_summary;
mod stamped;
mod stat;
mod status;
mod stderr;
mod strace;
mod sysctl;
mod systemctl;
pub mod tally;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
mod thread;
mod tool_version;
mod ulimit;
mod uname;
mod unit_file;
mod uptime;
mod variables;
mod wchan;
pub mod wide;
mod width;
mod word;

use self::run::Run;
use crate::facts::{At, Sink};

/// How well a text fits a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Not this format.
    No,
    /// Only the file's name suggests it.
    Name,
    /// The content could be it.
    Weak,
    /// The content looks like it.
    Likely,
    /// Nothing else looks like this.
    Sure,
}

/// What is known of a text before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The member's path as the input spells it.
    pub path: &'a str,
    /// The command that printed it, where a prompt, section header or manifest tells; else empty.
    pub command: &'a [u8],
    /// The first bytes, at most [`reader::HEAD`] of them, ending anywhere.
    pub head: &'a [u8],
    /// Whether `head` is the whole text.
    pub whole: bool,
}

/// What a parser may know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Hint<'a> {
    /// The member's path.
    pub path: &'a str,
    /// The command that printed it, else empty.
    pub command: &'a [u8],
    /// The process the path (`proc/4684/fd`, `pid-8259-fd.txt`, `strace.26372.out`) or the command (`strace -p 36111`) names.
    pub pid: Option<u32>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Read: it carried data, and facts were handed on.
    Row,
    /// Understood, and without data: a header, a banner, a known warning, a blank line.
    Noise,
    /// Not understood.
    Unknown,
}

/// A captured format.
pub trait Format: Sync {
    /// The format's one word: file name, `format` of facts, heading of its documentation.
    fn id(&self) -> &'static str;
    /// What it reads, in a few words, for the list of formats.
    fn title(&self) -> &'static str;
    /// How well the beginning of a text fits. The name only helps where the content leaves a doubt.
    fn fit(&self, probe: &Probe<'_>) -> Fit;
    /// Whether this line, alone and anywhere in a paste, opens (or can only belong to) an output of this format.
    fn opens(&self, line: &[u8]) -> bool;
    /// Whether this command line prints this format.
    fn printed_by(&self, _command: &[u8]) -> bool {
        false
    }
    /// Whether its parser takes nearly any line (logs), so that openers of other formats go first.
    fn greedy(&self) -> bool {
        false
    }
    /// Whether its lines begin with a time of their own, which nobody else has put in front.
    fn begins_with_time(&self) -> bool {
        false
    }
    /// Whether a line can only go on from one of this format, so that no other need be asked: of a log that is mostly stack traces nearly
    /// every line does.
    fn continues(&self, _line: &[u8]) -> bool {
        false
    }
    /// Whether its tool prints a header above each table, so that a table without one has lost rows.
    fn has_header(&self) -> bool {
        false
    }
    /// Whether a command that prints it begins a new table or trace though no header follows: there is none, or `grep` took it.
    fn begins_at_command(&self) -> bool {
        false
    }
    /// Whether a row may end as this one does; not where a window or a tool cut it in the middle.
    fn can_end(&self, _row: &[u8]) -> bool {
        true
    }
    /// A parser for one text.
    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser>;
}

/// Reads one text line by line.
pub trait Parser {
    /// Takes one line, without its line end.
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken;
    /// Takes the rows at the beginning of a text that repeat the row taken just before but for descriptor and inode, none of them longer
    /// than `longest` bytes. Nothing is lost if it takes none.
    fn run(&mut self, _text: &[u8], _longest: usize, _sink: &mut dyn Sink) -> Run {
        Run::default()
    }
    /// The text is over; hands on what was still open.
    fn end(&mut self, _at: At<'_>, _sink: &mut dyn Sink) {}
}

/// Every format, in the order in which equals are preferred.
pub static FORMATS: &[&dyn Format] = &[
    // Told by its path alone, whatever stands in it.
    &stderr::Stderr,
    &busybox_lsof::BusyboxLsof,
    &cgroup::Cgroup,
    &cmdline::Cmdline,
    &comm::COMM,
    &conntrack::Conntrack,
    &date::Date,
    &dmesg::Dmesg,
    &docker_ps::DockerPs,
    &exe::Exe,
    &fd::Fd,
    &fd_counts::FdCounts,
    &file_nr::FileNr,
    &goroutines::Goroutines,
    &hostname::Hostname,
    &if_inet6::IfInet6,
    &io::Io,
    &jstack::Jstack,
    &limits::Limits,
    &loadavg::Loadavg,
    &lsfd::Lsfd,
    &lsof::Lsof,
    &manifest::Manifest,
    &meminfo::Meminfo,
    &netns_pids::NetnsPids,
    &netstat::Netstat,
    &netstat_s::NetstatS,
    &ns::Ns,
    &node_exporter::NodeExporter,
    &nstat::Nstat,
    &os_release::OsRelease,
    &proc_net::ProcNetNetlink,
    &proc_net::ProcNetPacket,
    &proc_net::ProcNetProtocols,
    &proc_net::ProcNetTcp,
    &proc_net::ProcNetUnix,
    &proc_net_snmp::Netstat,
    &proc_net_snmp::Snmp,
    &ps::Ps,
    &slabinfo::Slabinfo,
    &sockstat::Sockstat,
    &ss::Ss,
    &ss_summary::SsSummary,
    &stat::Stat,
    &status::Status,
    &strace::Strace,
    &strace::StraceSummary,
    &sysctl::Sysctl,
    &systemctl::Systemctl,
    &tally::Tally,
    &tool_version::ToolVersion,
    &ulimit::Ulimit,
    &uname::Uname,
    &unit_file::UnitFile,
    &uptime::Uptime,
    &wchan::WCHAN,
    &log::Log,
];

/// The format with this id.
pub fn by_id(id: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|f| f.id() == id)
}

impl<'a> Probe<'a> {
    /// The last component of the path, in lower case.
    pub fn name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or(self.path).to_ascii_lowercase()
    }

    /// The first lines, without line ends; the last one may be cut.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        scan::lines(self.head)
    }

    /// The first lines that carry something: no blank ones, no prompts.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> {
        self.lines().filter(|l| !l.trim_ascii().is_empty() && prompt::command(l).is_none())
    }
}
