//! lsof lists each descriptor once per thread.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::capture::holding::FdList;
use crate::capture::snapshot::Counted;
use crate::formats::{pid::pid_of, prompt};
use crate::ledger::{Owner, counted_descriptors, tally};
use std::collections::BTreeMap;

/// Fewer threads than this multiply nothing worth a word.
const FEW_THREADS: u32 = 8;

cause! {
    /// Plain lsof lists every descriptor of a process again for each of its threads; counting its lines multiplies. The process holds
    /// what /proc/PID/fd holds and no more.
    ///
    /// # How it looks
    /// - lsof: rows with a TID column (and TASKCMD in newer versions) that repeat descriptor and inode; `lsof | wc -l` in the
    ///   millions.
    /// - `lsof -p PID | wc -l`, or lsof with `-Ki`, is smaller by the number of threads.
    /// - /proc/PID/fd: small. /proc/PID/status: Threads large.
    /// - ss, netstat, `ss -s`, sockstat: small.
    /// - strace, log: nothing about limits.
    ///
    /// # Evidence for
    /// - The repeated rows; two counts that differ by the number of threads.
    ///
    /// # Evidence against
    /// - Rows without TID in such numbers.
    /// - A count of distinct (pid, fd) that is large as well.
    ///
    /// # Mistaken for
    /// - A leak, by the number of lines.
    /// - `fd-inherited` or `dup-not-closed`: there pids or descriptors differ; here only the thread does.
    ///
    /// # Confirm
    /// - `ls /proc/PID/fd | wc -l`; `ls /proc/PID/task | wc -l`.
    ///
    /// # Now
    /// - Nothing.
    ///
    /// # For good
    /// - Count distinct (pid, fd): `lsof -nP -Ki`, or /proc/PID/fd, in monitoring too.
    /// - Java, Go and databases such as TiKV or InfluxDB have hundreds of threads: their alarms must not count lsof lines.
    ///
    /// # References
    /// lsof(8) -K; github.com/tikv/tikv issue 4233; github.com/driskell/log-courier issue 364; github.com/influxdata/telegraf issue
    /// 3114.
    ThreadsCountedAsFiles, "threads-counted-as-files", lookalike, "lsof rows repeat the same descriptors for every thread", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut worst: Option<(u32, u64, &FdList)> = None;
    for (&pid, proc) in &case.snapshot.processes {
        for list in &proc.lists {
            let rows = list.thread_rows;
            if rows >= 20 && rows * 2 > list.descriptors && worst.is_none_or(|w| w.1 < rows) {
                worst = Some((pid, rows, list));
            }
        }
    }
    let Some((pid, rows, list)) = worst else { return multiplied(case).or_else(|| named_apart(case)).into_iter().collect() };
    let mut claim = support::note("threads-counted-as-files", Class::Note, "the same descriptors listed again for each thread");
    let proc = case.snapshot.processes.get(&pid);
    claim.owner = proc.map(|p| Owner {
        command: p.command.clone(),
        program: p.program(),
        cmdline: p.cmdline.clone(),
        user: p.user.clone(),
        pids: vec![(pid, rows)],
    });
    claim.count = Some(rows);
    let row = list.classes.iter().find_map(|c| c.quotes.first());
    let says = format!("{} rows of pid {pid} are its threads' view of the same descriptors", number(rows as i64));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, row));
    if let Some((all, own)) = tallies(case, pid) {
        let says = format!("lsof printed {} lines for it with threads and {} without", number(all.0 as i64), number(own.0 as i64));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, [all.1, own.1]));
    }
    claim.now = vec![format!("count descriptors with ls /proc/{pid}/fd | wc -l, never lines of lsof")];
    vec![claim]
}

/// Somebody counted lines of lsof, and descriptors and threads of a process whose product is that count.
fn multiplied(case: &Case<'_>) -> Option<Claim> {
    let lines = || case.snapshot.tallies.iter().filter(|t| prompt::program(t.command.as_bytes()) == b"lsof");
    let counted = counted_descriptors::descriptors(case.snapshot);
    let (pid, own, threads, all) = counted.iter().find_map(|(&pid, own)| {
        let threads = u64::from(case.snapshot.processes.get(&pid)?.threads.filter(|&n| n >= FEW_THREADS)?);
        // Mapped files, the program and its directory are rows without a number, and come once for each thread too.
        let product = own.0.saturating_mul(threads);
        let all = lines().filter(|t| t.value >= product && t.value * 10 <= product.saturating_mul(13)).min_by_key(|t| t.value)?;
        Some((pid, own, threads, all))
    })?;
    let mut claim = support::note("threads-counted-as-files", Class::Note, "the same descriptors listed again for each thread");
    claim.owner = Some(tally::holder(case.snapshot, pid, all.value - own.0));
    claim.count = Some(all.value - own.0);
    let says = format!(
        "lsof printed {} lines, and pid {pid} has {} descriptors and {} threads: each was counted once for each thread",
        number(all.value as i64),
        number(own.0 as i64),
        number(threads as i64)
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, [all.quote.clone(), own.1.clone()]));
    claim.now = vec![format!("count descriptors with ls /proc/{pid}/fd | wc -l, never lines of lsof")];
    Some(claim)
}

/// Somebody counted lines of lsof by name and pid: of one pid several names are told, each with a multiple of the fewest lines. They are the
/// names of its threads, each of which lists the same descriptors.
fn named_apart(case: &Case<'_>) -> Option<Claim> {
    let mut by_pid: BTreeMap<u32, Vec<(&str, &Counted)>> = BTreeMap::new();
    for t in case.snapshot.tallies.iter().filter(|t| prompt::program(t.command.as_bytes()) == b"lsof" && t.command.contains("uniq -c")) {
        if let Some((pid, name)) = tally::labelled_process(&t.label).filter(|(_, name)| !name.is_empty()) {
            by_pid.entry(pid).or_default().push((name, t));
        }
    }
    let (pid, own, all) = by_pid.iter().find_map(|(&pid, named)| {
        let (_, fewest) = named.iter().min_by_key(|(_, t)| t.value)?;
        let others = || named.iter().filter(|(_, t)| t.value > fewest.value);
        let multiples = others().all(|(_, t)| fewest.value > 0 && t.value % fewest.value == 0);
        (named.len() > 2 && others().count() > 1 && multiples).then(|| (pid, *fewest, named.iter().map(|(_, t)| t.value).sum::<u64>()))
    })?;
    let mut claim = support::note("threads-counted-as-files", Class::Note, "the same descriptors listed again for each thread");
    claim.owner = Some(tally::holder(case.snapshot, pid, own.value));
    claim.count = Some(all.saturating_sub(own.value));
    let names = by_pid.get(&pid).map_or(0, Vec::len);
    let says = format!(
        "lsof's rows of pid {pid} stand under {names} names, each with a multiple of {}: those are threads, which list the same descriptors",
        number(own.value as i64)
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, [own.quote.clone()]));
    claim.now = vec![format!("count descriptors with ls /proc/{pid}/fd | wc -l, never lines of lsof")];
    Some(claim)
}

/// Lines of lsof with and without threads, as pipelines counted them.
fn tallies(case: &Case<'_>, pid: u32) -> Option<((u64, crate::capture::Quote), (u64, crate::capture::Quote))> {
    let counts = || case.snapshot.tallies.iter().filter(|t| t.command.starts_with("lsof") && t.command.contains("wc -l"));
    let own = counts().find(|t| pid_of("", t.command.as_bytes()) == Some(pid))?;
    let all = counts().find(|t| pid_of("", t.command.as_bytes()).is_none() && t.value > own.value * 4)?;
    Some(((all.value, all.quote.clone()), (own.value, own.quote.clone())))
}
