//! A server has stopped accepting.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::capture::Quote;
use crate::capture::process::Proc;
use crate::facts::SocketState;
use crate::ledger::{Family, unheld};

cause! {
    /// Connections wait in the accept queue because the server has stopped accepting: it hangs, is stopped, or is at its descriptor
    /// limit.
    ///
    /// # How it looks
    /// - ss: a LISTEN row with Recv-Q above 0 or full; ESTAB and CLOSE-WAIT rows on that port without owner and inode, with the
    ///   request unread in Recv-Q. netstat: the same rows with `-`.
    /// - lsof, /proc/PID/fd: the listener, and none of the waiting ones.
    /// - /proc/PID/status: state T (stopped) or D; wchan shows where it waits.
    /// - strace: no accept at all, or `accept4 = -1 EMFILE` again and again.
    /// - `ss -s`, sockstat: they count in alloc and inuse. netstat -s: overflows rise once the queue is full.
    /// - log: `accept: too many open files`, or nothing since it stopped.
    ///
    /// # Evidence for
    /// - Ownerless CLOSE-WAIT rows, or a count of them as large as the queue: clients connected, sent, gave up, and nobody looked.
    /// - A stopped process; a trace without accept; EMFILE on accept.
    /// - Two readings between which ListenOverflows rises and PassiveOpens stands still.
    ///
    /// # Evidence against
    /// - Accepts in the trace.
    /// - Rows with an owner: they were accepted.
    ///
    /// # Mistaken for
    /// - `backlog-overflow`, where it accepts too slowly.
    /// - `accept-not-closed`: a leak of CLOSE-WAIT has an owner.
    /// - Missing privilege: then LISTEN rows of other users lack an owner as well.
    ///
    /// # Confirm
    /// - `strace -f -e trace=accept,accept4 -p PID` for a few seconds; `grep State: /proc/PID/status`; `ss -ltn 'sport = :PORT'`.
    ///
    /// # Now
    /// - A thread dump first (`jstack PID`, SIGQUIT for Go and the JVM, `py-spy dump -p PID`, `gdb -p PID -batch -ex 'thread apply
    ///   all bt'`), then restart; SIGCONT where it was stopped.
    ///
    /// # For good
    /// - Mend what blocks the accepting thread: no locks, no DNS, no disk in it.
    /// - At EMFILE: keep a spare descriptor or pause accepting. libuv does (accept, close, again); Go backs off 5 ms to 1 s; others
    ///   spin at 100% CPU.
    /// - Java: acceptor threads apart from workers; PHP-FPM: pm.max_children, request_terminate_timeout; gunicorn: timeout and async
    ///   workers; Node: nothing blocking in the loop.
    ///
    /// # References
    /// accept(2) EMFILE; github.com/sustrik/libmill issue 182; github.com/dlundquist/sniproxy issue 89; github.com/joyent/libuv issue
    /// 315.
    AcceptStalled, "accept-stalled", lookalike, "a server does not accept at all any more", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    if let Some((listener, waiting)) = super::backlog_overflow::fullest(case) {
        let counted = gone_by_count(case, listener.queue.unwrap_or(0));
        let gone = gone(case, listener.local.port()).max(counted.as_ref().map_or(0, |c| c.0));
        let owner = super::backlog_overflow::listener_owner(case, listener);
        let pid = owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
        let proc = pid.and_then(|p| case.snapshot.processes.get(&p));
        let stopped = proc.is_some_and(|p: &Proc| p.is_stopped() || p.state == Some(b'D'));
        let traces: Vec<_> = case.snapshot.traces.iter().filter(|t| t.pid.is_some() && t.pid == pid).collect();
        let silent = !traces.is_empty() && traces.iter().all(|t| !t.by_name.contains_key("accept") && t.emfile.0 == 0);
        let standstill = standstill(case);
        let shown = super::backlog_overflow::shows_holders(case, listener);
        if gone * 2 > waiting || stopped || silent || standstill.is_some() {
            let mut claim = support::note("accept-stalled", Class::Exhaustion, "waiting for a server that has stopped accepting");
            claim.owner = owner;
            claim.count = Some(listener.queue.unwrap_or(0).max(if shown { waiting } else { 0 }));
            let says =
                format!("{} connections wait to be accepted on {}", number(listener.queue.unwrap_or(0) as i64), case.show(listener.local));
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone()]));
            if gone > 0 {
                let (says, at) = match counted {
                    Some((n, at)) => {
                        (format!("{} connections are in CLOSE-WAIT, about as many as wait: their clients have gone", number(n as i64)), at)
                    }
                    None if shown => {
                        (format!("{} of the waiting clients have already gone (CLOSE-WAIT without owner)", number(gone as i64)), Vec::new())
                    }
                    None => {
                        (format!("{} connections on that port are in CLOSE-WAIT: their clients have gone", number(gone as i64)), Vec::new())
                    }
                };
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at));
            }
            claim.evidence.extend(standstill);
            if stopped {
                claim.evidence.push(Evidence::new(
                    Strength::Decisive,
                    Witnessed::Listing,
                    "the process is stopped or in uninterruptible sleep",
                    [],
                ));
            }
            if silent {
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Trace, "the trace shows no accept at all", []));
            }
            support::add_listener(&mut claim, case.show(listener.local), listener.queue.unwrap_or(0), "the listener");
            claim.evidence.extend(dumped(case));
            let signalled = pid.filter(|_| proc.is_some_and(Proc::is_stopped));
            let taken = super::taken_port::find(case).filter(|t| claim.owner.as_ref().is_some_and(|o| o.pids == t.holder.pids));
            claim.now = vec![match (signalled, case.snapshot.stacks.all.is_empty()) {
                _ if taken.is_some() => "see fd-inherited: the holder may not know that it listens there; ending it frees the port".into(),
                (Some(pid), _) => format!("let it go on: kill -CONT {pid}; then find who stopped it (a debugger, a signal)"),
                (None, true) => "take a thread dump of the server, then restart it".into(),
                (None, false) => "restart the server: the captured thread dump shows what its threads wait for".into(),
            }];
            claim.fix = vec!["mend what blocks the accepting thread".into()];
            claims.push(claim);
        }
    }
    claims
}

/// Where most threads stood when they were dumped: a server whose handlers do not come back has none left to accept for.
fn dumped(case: &Case<'_>) -> Option<Evidence> {
    let (standing, n) = super::place::busiest(case)?;
    let says = format!("the thread dump has {} {} in {}{}", number(n as i64), standing.noun, standing.place, standing.state_of_many());
    Some(Evidence::new(Strength::Weak, Witnessed::Dump, says, [standing.quote.clone()]))
}

/// Between two readings listeners turned connections away and the host took none in: no queue was emptied at all.
fn standstill(case: &Case<'_>) -> Option<Evidence> {
    let overflows = case.delta("tcpext.listen_overflows").filter(|f| f.value > 0)?;
    let taken = case.delta("snmp.tcp.passive_opens").filter(|f| f.value == 0)?;
    let says = format!(
        "between two readings listen queues overflowed {} times and no connection was taken in (PassiveOpens stands still): the server has stopped accepting",
        number(overflows.value)
    );
    Some(Evidence::new(Strength::Strong, Witnessed::Counters, says, overflows.at.into_iter().chain(taken.at).take(4)))
}

/// Connections in CLOSE-WAIT that somebody only counted, where they are about as many as wait in the queue.
fn gone_by_count(case: &Case<'_>, queue: u64) -> Option<(u64, Vec<Quote>)> {
    let view = case.ledger.best(Family::Tcp)?;
    let figure = case.ledger.states.get(&SocketState::CloseWait).filter(|_| view.tcp(SocketState::CloseWait) == 0)?;
    let n = u64::try_from(figure.value).ok()?;
    (n * 2 >= queue && n <= unheld::fits_queue(queue)).then(|| (n, figure.at.clone()))
}

fn gone(case: &Case<'_>, port: u16) -> u64 {
    let Some(view) = case.ledger.best(Family::Tcp) else { return 0 };
    let groups = view.groups(Family::Tcp).filter(|g| g.owner.is_none() && g.state == SocketState::CloseWait);
    groups.map(|g| g.locals.iter().filter(|(e, _)| e.port() == port).map(|(_, n)| n).sum::<u64>()).sum()
}
