//! Descriptors of a process, by lsof and by /proc.

use super::slack::Slack;
use super::{Checked, held, rows};
use crate::bundle::MemberEnd;
use crate::capture::Quote;
use crate::causes::{Case, number};
use crate::facts::DescriptorKind;

/// Seconds lie between the two listings, in which a leak goes on.
const LISTING_TIME: Slack = Slack { absolute: 64, percent: 10 };

/// Rows that are repeated for each thread are a whole multiple, up to what was opened meanwhile.
const REPEATED: Slack = Slack { absolute: 8, percent: 2 };

check! {
    /// Descriptors of a process, by lsof and by /proc.
    ///
    /// # Compared
    /// For each process, lsof's rows with a descriptor number, those of its threads left out, with the entries of `/proc/PID/fd` or their
    /// number as a collector counted it.
    ///
    /// # Scope
    /// One process each. cwd, txt, mem and the like count in neither.
    ///
    /// # Tolerance
    /// 10 % and 64: seconds lie between the two, in which a leak goes on.
    ///
    /// # When they agree
    /// The number of descriptors is established by two sources.
    ///
    /// # When they disagree
    /// lsof shows a multiple: its rows repeat the descriptors for each thread, so lines of lsof must not be counted. Otherwise one of the
    /// listings is cut, or the pid was another process then.
    ///
    /// # Source
    /// lsof(8) -K, proc(5); formats.md section 5.3, identity 17.
    LsofThreadsVsFd, "lsof-threads-vs-fd", make
}

/// One process's two counts.
struct Both {
    pid: u32,
    lsof: i64,
    proc: i64,
    threads: Option<u32>,
    at: Vec<Quote>,
}

fn make(case: &Case<'_>) -> Checked {
    let all: Vec<Both> = case.snapshot.processes.iter().filter_map(|(&pid, p)| both(pid, p)).collect();
    let fits = |b: &Both| LISTING_TIME.covers(b.lsof, b.proc);
    let Some(shown) = all.iter().max_by_key(|b| (!fits(b), b.lsof.saturating_sub(b.proc).saturating_abs(), b.lsof)) else {
        return Checked::skipped("lsof and /proc/PID/fd of one process were not both captured");
    };
    let says = format!(
        "{} has {} descriptors by lsof and {} by /proc",
        held::name_of(case.snapshot, shown.pid),
        number(shown.lsof),
        number(shown.proc)
    );
    if fits(shown) {
        return Checked::agree(says, shown.at.clone());
    }
    if let Some(path) = shown.at.iter().find_map(|q| cut(case, q)) {
        return Checked::skipped(format!("{says}; {path} ends inside of a line, so it may be cut"));
    }
    let times = shown.lsof.checked_div(shown.proc).unwrap_or(0);
    // A process of two threads cannot have its descriptors listed ten times.
    let threads = shown.threads.is_none_or(|n| i64::from(n) >= times);
    let repeated = times >= 2 && threads && REPEATED.covers(shown.lsof, shown.proc.saturating_mul(times));
    let meaning = match shown.threads {
        _ if !repeated => "one of the listings is cut or of another moment".to_string(),
        Some(n) => format!("lsof repeats each descriptor for its threads, {n} of them"),
        None => "lsof repeats each descriptor for each thread".to_string(),
    };
    Checked::disagree(format!("{says}: {meaning}"), shown.at.clone())
}

/// The path of the member a line stands in, if its end is missing.
fn cut<'a>(case: &'a Case<'_>, quote: &Quote) -> Option<&'a str> {
    let member = case.members.get(quote.at.member.0 as usize)?;
    (member.end != MemberEnd::Whole || member.reading.cut_line).then_some(member.path.as_str())
}

fn both(pid: u32, proc: &crate::capture::process::Proc) -> Option<Both> {
    let whole = |l: &&crate::capture::holding::FdList| !l.filtered && !l.only_threads;
    let lsof = proc.lists.iter().filter(whole).rfind(|l| held::looks_up(l))?;
    let row = |l: &crate::capture::holding::FdList| l.classes.iter().find_map(|c| c.quotes.first());
    let listed = proc.lists.iter().filter(whole).rfind(|l| l.format == "fd").and_then(|l| Some((rows::signed(l.descriptors), row(l)?)));
    let (count, quote) = listed.or_else(|| proc.fd_count.as_ref().map(|(n, q)| (i64::from(*n), q.clone())))?;
    let at = row(lsof).or_else(|| held::row_of(proc, DescriptorKind::Socket)).into_iter().chain([quote]).collect();
    Some(Both { pid, lsof: rows::signed(lsof.descriptors), proc: count, threads: proc.threads, at })
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn lsof(times: u32) -> String {
        let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for n in 0..100 * times {
            text.push_str(&format!("java 4684 apps {}u CHR 1,3 0t0 4 /dev/null\n", n % 100));
        }
        text
    }

    #[test]
    fn one_process_by_two_sources() {
        let counts = "PID COUNT SOCKETS COMM\n4684 100 90 java\n";
        assert_eq!(status("lsof-threads-vs-fd", &[("lsof", &lsof(1)), ("fd-counts", counts)]), Status::Agree);
        let made = check("lsof-threads-vs-fd", &[("lsof", &lsof(5)), ("fd-counts", counts)]);
        assert_eq!(made.status, Status::Disagree);
        assert!(made.says.contains("for each thread"), "{}", made.says);
        assert_eq!(status("lsof-threads-vs-fd", &[("lsof", &lsof(1))]), Status::Skipped);
        let cut = "PID COUNT SOCKETS COMM\n4684 100 90 jav";
        assert_eq!(status("lsof-threads-vs-fd", &[("lsof", &lsof(5)), ("fd-counts", cut)]), Status::Skipped);
    }
}
