//! A descriptor limit filled by files.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::facts::{DescriptorKind, LimitValue};
use crate::ledger::{CountIs, Kind, Owner};

cause! {
    /// A process reaches its limit of open files, and what fills it are regular files, pipes or devices, not sockets.
    ///
    /// # How it looks
    /// - lsof: rows of type REG, DIR, FIFO or CHR with a descriptor number by the hundred; `(deleted)` after the name where logs were
    ///   rotated.
    /// - /proc/PID/fd: links to paths, `pipe:[N]`, `inotify`.
    /// - ss, netstat, `ss -s`, sockstat: few sockets.
    /// - strace: `openat = N` with rising results, no close; in the end EMFILE.
    /// - log: `Too many open files`, also from the code that accepts connections: it is the victim.
    ///
    /// # Evidence for
    /// - A listing in which files outnumber sockets by far, near the limit.
    ///
    /// # Evidence against
    /// - Sockets that fill it.
    /// - Rows cwd, rtd, txt, mem and DEL: they are no descriptors and do not count.
    ///
    /// # Mistaken for
    /// - A socket leak, by the error alone.
    /// - `threads-counted-as-files`, by the number of lsof's lines.
    ///
    /// # Confirm
    /// - `lsof -nP -p PID | awk '{print $5}' | sort | uniq -c | sort -rn`.
    /// - `ls -l /proc/PID/fd | awk '{print $NF}' | sed 's/[0-9]*$//' | sort | uniq -c | sort -rn | head`.
    ///
    /// # Now
    /// - Restart, or `prlimit --pid PID --nofile=SOFT:HARD`.
    ///
    /// # For good
    /// - Java: try-with-resources around streams, `Files.list()` and `Files.walk()`; the streams of Runtime.exec and ProcessBuilder
    ///   must be closed too.
    /// - Python: `with open()`; Popen pipes: communicate(). Go: defer f.Close(), also for directories. Node: fs.promises file
    ///   handles, and streams destroyed on error.
    /// - Search engines and databases (Lucene, HBase, TiKV) need a limit for their files: LimitNOFILE as their manuals say.
    /// - C: FD_CLOEXEC and close in loops over files.
    ///
    /// # References
    /// getrlimit(2) RLIMIT_NOFILE; ryanchapin.com (too many open files with Runtime.exec).
    FdLimitByFiles, "fd-limit-by-files", lookalike, "the limit of open files is filled by files, not sockets", weigh
}

/// Descriptors without a file that are no sockets and no selectors: inotify, timers, BPF maps.
const ANONYMOUS: &[DescriptorKind] = &[DescriptorKind::Anon, DescriptorKind::Eventfd];

/// From how many times on one file is open again and again.
const AGAIN: u64 = 100;

/// The smallest limit of open files that is usual.
const SMALLEST: u64 = 1024;

pub(super) fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let full = super::fd_limit_too_low::full(case);
    let errors = super::fd_limit_too_low::errors(case);
    let pid = full
        .as_ref()
        .map(|f| f.pid)
        .or_else(|| errors.iter().find_map(|e| e.1))
        .or_else(|| (!errors.is_empty()).then(|| most_files(case)).flatten());
    let Some(pid) = pid.filter(|&p| mostly_files(case, p) && (full.is_some() || may_be_full(case, p))) else { return Vec::new() };
    let Some(proc) = case.snapshot.processes.get(&pid) else { return Vec::new() };
    let files = files(case, pid);
    let pipes = rows(case, pid, &[DescriptorKind::Pipe]);
    let anonymous = rows(case, pid, ANONYMOUS);
    let name = if anonymous * 2 > files { anonymous_name(case, pid) } else { None };
    let one = one_file(case, pid, files).filter(|_| name.is_none() && pipes * 2 <= files);
    let (what, how) = if let Some((file, _)) = &one {
        let how = "close it after each use; strace of openat and close shows who opens it";
        (&*format!("descriptors of one file, {file}, opened again and again"), how)
    } else if let Some(name) = &name {
        (
            name.as_str(),
            "close each with what it was made for; strace of inotify_init1, timerfd_create, eventfd2 or bpf shows who makes them",
        )
    } else if pipes * 2 > files {
        ("pipes", "close the streams of each child process (stdin, stdout and stderr), and wait for it to end")
    } else {
        (
            "files",
            "look at their names: data that a server keeps open (segments, indexes, tables) needs a higher limit, what is opened for one use must be closed",
        )
    };
    let mut claim = support::note("fd-limit-by-files", Class::Exhaustion, format!("{what}, not sockets, fill the limit of open files"));
    claim.owner = Some(Owner {
        command: proc.command.clone(),
        program: proc.program(),
        cmdline: proc.cmdline.clone(),
        user: proc.user.clone(),
        pids: vec![(pid, files)],
    });
    (claim.kind, claim.count, claim.is) = (Some(Kind::File), Some(files), CountIs::Exact);
    let row = proc
        .lists
        .iter()
        .flat_map(|l| &l.classes)
        .filter(|c| match what {
            "pipes" => c.kind == DescriptorKind::Pipe,
            _ if name.is_some() => ANONYMOUS.contains(&c.kind),
            _ => c.kind == DescriptorKind::File,
        })
        .max_by_key(|c| c.rows)
        .and_then(|c| {
            let of_file = one.as_ref().and_then(|(file, _)| c.quotes.iter().find(|q| q.text().contains(file.as_str())));
            of_file.or_else(|| c.quotes.first())
        });
    let says = match pipes {
        _ if let Some((file, n)) = &one => format!("{} descriptors of pid {pid} are of one file: {file}", number(*n as i64)),
        _ if name.is_some() => format!("{} descriptors of pid {pid} are {what}", number(anonymous as i64)),
        0 => format!("{} descriptors of pid {pid} are files", number(files as i64)),
        _ if what == "pipes" => format!("{} descriptors of pid {pid} are pipes", number(pipes as i64)),
        _ => format!("{} descriptors of pid {pid} are files, {} of them pipes", number(files as i64), number(pipes as i64)),
    };
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, row));
    if let Some(f) = full {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Limit,
            format!("{} of at most {} descriptors are open", number(f.descriptors as i64), number(f.limit as i64)),
            f.at,
        ));
    }
    for (says, _, quotes) in errors {
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, quotes));
    }
    claim.now = vec![match one {
        Some(_) => "restart the program; a higher limit is used up in the same way".into(),
        None => "raise its limit with prlimit; a restart frees what was forgotten, and not what is kept open by design".into(),
    }];
    claim.fix = vec![how.into()];
    vec![claim]
}

fn files(case: &Case<'_>, pid: u32) -> u64 {
    let files = [DescriptorKind::File, DescriptorKind::Device, DescriptorKind::Pipe];
    rows(case, pid, &files).saturating_add(rows(case, pid, ANONYMOUS))
}

/// The file that most descriptors of a process are of, and how many at least: opened for one use each, and not closed.
fn one_file(case: &Case<'_>, pid: u32, files: u64) -> Option<(String, u64)> {
    let lists = case.snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists);
    let classes = lists.flat_map(|l| &l.classes).filter(|c| c.kind == DescriptorKind::File);
    let (name, n) = classes.filter_map(|c| c.names.first()).max_by_key(|(_, n)| *n)?;
    (n >= AGAIN && n * 2 > files).then(|| (case.names.text(name), n))
}

/// What most of the descriptors without a file are, by the name that the kernel gives them: `inotify descriptors`.
fn anonymous_name(case: &Case<'_>, pid: u32) -> Option<String> {
    let lists = case.snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists);
    let class = lists.flat_map(|l| &l.classes).filter(|c| ANONYMOUS.contains(&c.kind)).max_by_key(|c| c.rows)?;
    let (name, rows) = class.names.first()?;
    // lsof numbers each eventfd.
    let name = case.names.text(name);
    let name = name.trim_start_matches("anon_inode:").trim_matches(['[', ']']).split(':').next()?.to_string();
    let most = class.kind == DescriptorKind::Eventfd || rows * 2 > class.rows;
    (most && !name.is_empty()).then(|| format!("{name} descriptors"))
}

/// Rows of some kinds in the listing of a process that has most of them.
fn rows(case: &Case<'_>, pid: u32, kinds: &[DescriptorKind]) -> u64 {
    let lists = case.snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists);
    lists.map(|l| kinds.iter().map(|&kind| l.rows_of(kind)).sum()).max().unwrap_or(0)
}

fn most_files(case: &Case<'_>) -> Option<u32> {
    case.snapshot.processes.keys().copied().max_by_key(|&p| files(case, p))
}

/// Whether a process has so many descriptors that it may have reached a limit: its own where that was captured, else the smallest that is usual.
fn may_be_full(case: &Case<'_>, pid: u32) -> bool {
    let open = case.ledger.holdings.get(&pid).and_then(|h| h.at_least()).map_or(0, |d| d.0);
    let limit = case.snapshot.processes.get(&pid).and_then(|p| p.nofile.as_ref()).and_then(|(soft, ..)| match soft {
        LimitValue::At(limit) => Some(*limit),
        LimitValue::Unlimited => None,
    });
    open * 2 >= limit.unwrap_or(SMALLEST)
}

/// Whether more than half of a process's descriptors are no sockets and no selectors.
pub(super) fn mostly_files(case: &Case<'_>, pid: u32) -> bool {
    let all = case.ledger.holdings.get(&pid).and_then(|h| h.descriptors.as_ref()).map_or(0, |d| d.0);
    let selectors = case.ledger.holdings.get(&pid).and_then(|h| h.count(Kind::Eventpoll)).map_or(0, |c| c.0);
    all > 0 && files(case, pid) * 2 > all && selectors * 4 < all
}
