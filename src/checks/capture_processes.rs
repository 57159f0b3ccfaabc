//! Whether the files of one capture speak of the same processes.

use super::{Checked, held};
use crate::capture::Quote;
use crate::capture::process::Proc;
use crate::causes::Case;
use crate::facts::DescriptorKind;

check! {
    /// Whether the files of one capture speak of the same processes.
    ///
    /// # Compared
    /// The process that a trace was attached to with the processes in listings of descriptors and of processes; where the descriptors of
    /// all processes were listed, also processes whose limits were captured.
    ///
    /// # Scope
    /// Pids of one pid namespace: a pid inside of a container is another one outside. strace can be attached to a thread, whose id is no
    /// pid.
    ///
    /// # Tolerance
    /// None. A process that ended between two commands looks the same.
    ///
    /// # When they agree
    /// The trace is of a process that the listings know.
    ///
    /// # When they disagree
    /// The files are of different moments (the process was restarted in between), of different hosts, or of different pid namespaces. What
    /// the trace shows need not be what the listed process does.
    ///
    /// # Source
    /// strace(1) -p, pid_namespaces(7).
    CaptureProcesses, "capture-processes", make
}

fn make(case: &Case<'_>) -> Checked {
    let named = |p: &Proc| !p.lists.is_empty() || !p.cmdline.is_empty();
    let known: Vec<(u32, &Proc)> = case.snapshot.processes.iter().filter(|(_, p)| named(p)).map(|(&pid, p)| (pid, p)).collect();
    let row = |p: &Proc| held::row_of(p, DescriptorKind::Socket).or_else(|| p.cmdline_at.clone());
    let Some((first, sample)) =
        known.iter().max_by_key(|(_, p)| p.lists.iter().map(|l| l.descriptors).max()).and_then(|(pid, p)| Some((*pid, row(p)?)))
    else {
        return Checked::skipped("no processes were listed");
    };
    let is_known = |pid: u32| known.binary_search_by_key(&pid, |k| k.0).is_ok();
    let mut agreeing: Option<(u32, Quote)> = None;
    for trace in &case.snapshot.traces {
        let Some(pid) = trace.pid else { continue };
        let Some(quote) = first_line(trace) else { continue };
        // strace can be attached to a thread.
        let process = case.snapshot.thread_of.get(&pid).copied();
        if let Some(same) = [pid].into_iter().chain(process).chain(trace.threads.iter().copied()).find(|&t| is_known(t)) {
            agreeing = agreeing.or(Some((same, quote)));
            continue;
        }
        if let Some(&(same, _)) = known.iter().find(|k| case.continues(trace, k.0) || case.may_be_thread(pid, k.0)) {
            agreeing = agreeing.or(Some((same, quote)));
            continue;
        }
        // `strace -ff` writes a file for each thread.
        if case.is_beside(trace, is_known) {
            continue;
        }
        let others = match known.len() {
            1 => format!("the other files speak of {}", held::name_of(case.snapshot, first)),
            n => format!("none of the {n} listed processes is it"),
        };
        return Checked::disagree(
            format!(
                "strace was attached to {pid}, but {others}: the files are of different moments (a restart in between?) or hosts, or {pid} \
                 is a thread or a pid of a container"
            ),
            vec![quote, sample],
        );
    }
    if case.ledger.all_listed {
        let stranger =
            case.snapshot.processes.iter().find(|(_, p)| p.nofile.is_some() && p.lists.is_empty() && p.denied.is_none() && !named(p));
        if let Some((pid, proc)) = stranger {
            let at = proc.nofile.iter().map(|(.., q)| q.clone()).chain([sample]).collect();
            return Checked::disagree(
                format!("limits of {pid} were captured, but the listing of all processes does not have it: they are of different moments"),
                at,
            );
        }
    }
    match agreeing {
        Some((pid, quote)) => {
            Checked::agree(format!("strace and listings both know {}", held::name_of(case.snapshot, pid)), vec![quote, sample])
        }
        None => Checked::skipped("no trace says which process it is of"),
    }
}

/// A line of a trace.
fn first_line(trace: &crate::capture::trace::Trace) -> Option<Quote> {
    let told = trace.tales.values().find_map(|t| t.quotes.first().cloned());
    told.or_else(|| trace.pending.first().map(|b| b.quote.clone()))
        .or_else(|| trace.failed_quotes.first().cloned())
        .or(Some(Quote::without_text(trace.at)))
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const LSOF: &str =
        "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 4684 apps *280u sock 0,6 0t0 675441359 can't identify protocol\n";

    #[test]
    fn trace_and_listing() {
        let trace = |pid: u32| format!("Process {pid} attached - interrupt to quit\nfutex(0x2b80e2c2e9d0, FUTEX_WAIT, 36120, NULL\n");
        assert_eq!(status("capture-processes", &[("lsof", LSOF), ("strace", &trace(4684))]), Status::Agree);
        let made = check("capture-processes", &[("lsof", LSOF), ("strace", &trace(36_111))]);
        assert_eq!(made.status, Status::Disagree);
        assert!(made.says.contains("36111") && made.says.contains("java (pid 4684)"), "{}", made.says);
        let files = [("lsof", LSOF), ("trace.4684", &trace(4684)), ("trace.4702", &trace(4702))];
        assert_eq!(status("capture-processes", &files), Status::Agree, "one for each thread");
        let threads = "UID        PID  PPID   LWP  C NLWP STIME TTY          TIME CMD\napps      4684     1  4684  0    2 14:19 ?        00:00:00 java x\napps      4684     1  4690  0    2 14:19 ?        00:00:00 java x\n";
        assert_eq!(status("capture-processes", &[("lsof", LSOF), ("ps-eLf", threads), ("strace", &trace(4690))]), Status::Agree);
        assert_eq!(status("capture-processes", &[("lsof", LSOF)]), Status::Skipped);
        assert_eq!(status("capture-processes", &[("strace", &trace(4684))]), Status::Skipped);
    }
}
