//! A trace that a capture holds twice: pasted under two prompts, or copied under another name. It is one trace, and tells nothing twice.

use super::Trace;
use rustc_hash::FxHashMap;

/// Traces that begin alike and are compared, at most.
const COMPARED: usize = 8;

/// Drops traces that repeat another; of two the longer one stays.
pub fn drop_repeated(traces: &mut Vec<Trace>) {
    if traces.len() < 2 {
        return;
    }
    let mut kept: Vec<Trace> = Vec::with_capacity(traces.len());
    let mut begins: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for trace in traces.drain(..) {
        let alike = begins.entry(trace.first).or_default();
        let same = alike.iter().take(COMPARED).copied().find(|&n| kept.get(n).is_some_and(|t| is_same(t, &trace)));
        let Some(known) = same.and_then(|n| kept.get_mut(n)) else {
            alike.push(kept.len());
            kept.push(trace);
            continue;
        };
        let pid = known.pid.or(trace.pid);
        if trace.calls > known.calls {
            *known = trace;
        }
        known.pid = pid;
    }
    *traces = kept;
}

/// Whether two traces begin with the same line, and a clock that is read to the microsecond says that it is one and the same; where the
/// trace has none, all calls are counted alike.
fn is_same(a: &Trace, b: &Trace) -> bool {
    let one_process = a.pid.is_none() || b.pid.is_none() || a.pid == b.pid;
    let counted = || a.calls == b.calls && a.by_name == b.by_name && a.threads == b.threads;
    a.calls > 0 && a.first == b.first && one_process && (is_precise(&a.times.0) || counted())
}

/// `20:02:11.102145` or `1425988800.123456`; not `0.000132`, the time since the call before.
fn is_precise(time: &str) -> bool {
    time.split_once('.').is_some_and(|(seconds, fraction)| seconds.len() >= 8 && fraction.len() >= 6)
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;

    const CALLS: &str = "20:02:11.102145 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 7\n\
        20:02:11.102245 connect(7, {sa_family=AF_INET, sin_port=htons(9092), sin_addr=inet_addr(\"10.0.0.5\")}, 16) = -1 ECONNREFUSED (Connection refused)\n";

    /// Process and calls of each trace of members.
    fn traces(members: &[(&str, String)]) -> Vec<(Option<u32>, u64)> {
        let input = read(members);
        input.snapshots.values().flat_map(|s| &s.traces).map(|t| (t.pid, t.calls)).collect()
    }

    #[test]
    fn a_copy_is_no_second_trace() {
        let copy = CALLS.to_string();
        let longer = format!("{CALLS}20:02:11.102445 close(7) = 0\n");
        assert_eq!(traces(&[("strace.txt", copy.clone()), ("strace-copy.txt", copy.clone())]), [(None, 2)]);
        assert_eq!(traces(&[("strace.txt", copy.clone()), ("strace-4684.txt", longer.clone())]), [(Some(4684), 3)]);
        assert_eq!(traces(&[("strace-4684.txt", longer), ("strace-4685.txt", copy)]).len(), 2, "of two processes");
    }

    #[test]
    fn without_a_clock_all_calls_must_be_alike() {
        let bare = CALLS.replace("20:02:11.102145 ", "").replace("20:02:11.102245 ", "");
        let longer = format!("{bare}close(7) = 0\n");
        assert_eq!(traces(&[("strace.txt", bare.clone()), ("strace-copy.txt", bare.clone())]).len(), 1);
        assert_eq!(traces(&[("strace.txt", bare), ("strace-copy.txt", longer)]).len(), 2);
    }

    #[test]
    fn a_prompt_begins_a_trace() {
        let prompt = "$ strace -f -tt -p 4684\n";
        assert_eq!(traces(&[("paste.txt", format!("{prompt}{CALLS}{prompt}{CALLS}"))]), [(Some(4684), 2)]);
        let other = CALLS.replace("20:02", "20:03");
        assert_eq!(
            traces(&[("paste.txt", format!("{prompt}{CALLS}$ strace -f -tt -p 4711\n{other}"))]),
            [(Some(4684), 2), (Some(4711), 2)]
        );
    }
}
